"""Step sizes of gradient descent: one number, a sequence that ends the run with its end, or a function of n."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import islice
from typing import Any

from analytic.integrate.start import exact_time
from graphs.errors import HypothesisError, InexactInputError

__all__ = ["Schedule"]


class Schedule:
    """η_n as exact numbers; a function is asked once for each n, however often the run is repeated.

    Parameters
    ----------
    step : exact number, iterable of exact numbers, or callable
    steps : int
        How many sizes will be asked for at most; a sequence is read and checked up to there.

    Raises
    ------
    HypothesisError, InexactInputError, NotFiniteError
        For a size that is no positive exact number, naming its number n, and for an empty sequence.
    """

    def __init__(self, step: Any, steps: int) -> None:
        self._function: Callable[[int], Any] | None = None
        self._sizes: list[Fraction] = []
        self._constant: Fraction | None = None
        if callable(step):
            self._function = step
        elif isinstance(step, Iterable) and not isinstance(step, (str, bytes)):
            self._sizes = [_positive(size, f"step[{n}]") for n, size in enumerate(islice(step, max(steps, 1)))]
            if not self._sizes:
                raise HypothesisError("step: got an empty sequence, expected at least one step size")
        else:
            self._constant = _positive(step, "step")

    def size(self, n: int) -> Fraction | None:
        """η_n, or None behind the end of a sequence."""
        if self._constant is not None:
            return self._constant
        if self._function is not None and n == len(self._sizes):
            self._sizes.append(_positive(self._function(n), f"step({n})"))
        return self._sizes[n] if n < len(self._sizes) else None


def _positive(value: Any, where: str) -> Fraction:
    if value is None:
        raise InexactInputError(f"{where}: got None, expected a positive step size; to end a run early use `until`")
    size = exact_time(value, where)
    if size <= 0:
        raise HypothesisError(f"{where}: got {value}, expected a positive step size")
    return size
