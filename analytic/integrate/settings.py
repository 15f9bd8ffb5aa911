"""Everything that a run was asked to do, read and checked once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from typing import Any, Literal

from analytic.exact.linalg import rank
from analytic.flow import GradientFlow
from analytic.integrate.budget import Budget, read_count, read_flag
from analytic.integrate.events import LossLevel, ModeLearnt, PlateauSpeed, Watch
from analytic.integrate.links import Kernel, read_kernel
from analytic.integrate.precision import FEWEST_SPARE_BITS, bits_of_digits, check_digits
from analytic.integrate.start import Start, exact_time
from analytic.smooth_loss import SmoothLoss
from graphs.errors import DimensionError, HypothesisError

__all__ = ["AS_BEFORE", "AsBefore", "Frame", "Settings", "Until", "read_progress", "read_settings", "read_until"]

_MOST_BITS_AN_ORDER = 20  # of accuracy: steps are 2^−20 of the radius of convergence then

Frame = Literal["auto", "data", "given"]
Until = Any  # "converged", a Watch, a function of (time, weights), or a sequence of these


class AsBefore(Enum):
    """What a resumed run is not told: it goes on with what it had."""

    AS_BEFORE = "as before"

    def __repr__(self) -> str:
        return "AS_BEFORE"


AS_BEFORE = AsBefore.AS_BEFORE


@dataclass(frozen=True)
class Settings:
    """The arguments of `integrate`, checked.

    Parameters
    ----------
    flow, start, digits
        What to integrate, and to how many digits.
    begin, end : Fraction, Fraction or None
    stops : tuple of Fraction
        Times to land on, `end` included.
    converged : bool
        Stop when the flow has arrived.
    predicates : tuple of callables
    watches : tuple of Watch
        All that is looked for.
    recorded : tuple of Watch
        What a resumed run goes on looking for: the same, but those of `until` do not end it.
    frame, rigorous, verify, precision, order, kernel
        See `integrate`.
    budget : Budget
    progress, name_plateau
        Callbacks.
    """

    flow: GradientFlow
    start: Start
    digits: int
    begin: Fraction
    end: Fraction | None
    stops: tuple[Fraction, ...]
    converged: bool
    predicates: tuple[Callable[[Any, Any], bool], ...]
    watches: tuple[Watch, ...]
    recorded: tuple[Watch, ...]
    frame: Frame
    rigorous: bool
    verify: bool
    precision: int | None
    order: int | None
    kernel: Kernel
    budget: Budget
    progress: bool | Callable[[Any], Any]
    name_plateau: Callable[[Any], str] | None


def read_settings(flow: GradientFlow, start: Start, options: dict[str, Any]) -> Settings:
    """Check the arguments of `integrate`.

    Raises
    ------
    DimensionError, HypothesisError, InexactInputError, NotFiniteError, BudgetExceeded
        Naming the argument.
    """
    digits = check_digits(options["digits"], flow.network.num_parameters)
    begin = exact_time(options["start_time"], "start_time")
    end = None if options["t"] is None else exact_time(options["t"], "t")
    if end is None and options["until"] is None:
        raise HypothesisError('got neither t nor until; say when to stop, e.g. t=10 or until="converged"')
    if end is not None and end < begin:
        raise HypothesisError(f"t: got {options['t']}, expected at least start_time = {begin}; flows run forwards")
    stops = sorted(_read_times(options["times"]))
    if stops and (stops[0] < begin or (end is not None and stops[-1] > end)):
        raise HypothesisError("times: expected times between start_time and t")
    if end is not None:
        stops = sorted({*stops, end})
    converged, predicates, terminal = read_until(options["until"])
    order, precision = (
        None if options[name] is None else read_count(options[name], name, least)
        for name, least in (("order", 4), ("precision", 32))
    )
    least_order = math.ceil(bits_of_digits(digits) / _MOST_BITS_AN_ORDER)
    if order is not None and order < least_order:
        raise DimensionError(
            f"order: got {order}, expected at least {least_order} for {digits} digits: steps of a lower order would be "
            "hopelessly short; None lets it be chosen"
        )
    if precision is not None and precision < bits_of_digits(digits) + FEWEST_SPARE_BITS:
        raise DimensionError(
            f"precision: got {precision} bits for {digits} digits, expected at least "
            f"{bits_of_digits(digits) + FEWEST_SPARE_BITS}, or None to have it chosen"
        )
    if options["frame"] not in ("auto", "data", "given"):
        raise DimensionError(f'frame: got {options["frame"]!r}, expected "auto", "data" or "given"')
    if options["frame"] == "data" and isinstance(flow.loss, SmoothLoss):
        raise HypothesisError('frame: got "data" with a SmoothLoss, which has no singular frame; use "auto" or "given"')
    events = _read_events(options["events"], flow)
    passing = [replace(watch, terminal=False) for watch in terminal]
    rigorous = read_flag(options["rigorous"], "rigorous")
    if rigorous and options["frame"] == "data":
        raise HypothesisError('frame: got "data" with rigorous=True, which works in the given frame; use "auto"')
    return Settings(
        flow,
        start,
        digits,
        begin,
        end,
        tuple(stops),
        converged,
        predicates,
        (*(watch for watch in events if _terminal(watch) not in terminal), *terminal),
        (*events, *(watch for watch in passing if watch not in events)),
        options["frame"],
        rigorous,
        read_flag(options["verify"], "verify"),
        precision,
        order,
        read_kernel(options["kernel"]),
        Budget.read(options["max_steps"], options["max_seconds"], options["max_memory"]),
        read_progress(options["progress"]),
        _read_callable(options["name_plateau"], "name_plateau"),
    )


def _read_times(times: Any) -> set[Fraction]:
    if isinstance(times, (str, bytes)) or not isinstance(times, Iterable):
        raise DimensionError(f"times: got {times!r}, expected a sequence of times")
    return {exact_time(time, "times") for time in times}


def _read_callable(value: Any, name: str) -> Any:
    if value is not None and not callable(value):
        raise DimensionError(f"{name}: got {value!r}, expected a function or None")
    return value


def read_progress(progress: Any) -> bool | Callable[[Any], Any]:
    """Whether to write lines, or the function that is called back."""
    if progress is None or isinstance(progress, bool):
        return bool(progress)
    if not callable(progress):
        raise DimensionError(f"progress: got {progress!r}, expected True, False or a function of a Progress")
    function: Callable[[Any], Any] = progress
    return function


def read_until(until: Until) -> tuple[bool, tuple[Any, ...], tuple[Watch, ...]]:
    """Whether to stop when converged, predicates, and terminal events."""
    if until is None:
        return False, (), ()
    parts = until if isinstance(until, (list, tuple)) else (until,)
    converged, predicates, watches = False, [], []
    for part in parts:
        if isinstance(part, str) and part == "converged":
            converged = True
        elif isinstance(part, Watch):
            watches.append(_terminal(part))
        elif callable(part) and not isinstance(part, type):
            predicates.append(part)
        else:
            raise HypothesisError(
                f'until: got {part!r}, expected "converged", an event such as ModeLearnt(1) or LossLevel("1e-6"), '
                "or a function of (time, weights)"
            )
    return converged, tuple(predicates), tuple(watches)


def _terminal(watch: Watch) -> Watch:
    return replace(watch, terminal=True)


def _read_events(events: Any, flow: GradientFlow) -> tuple[Watch, ...]:
    if events is None:
        return ()
    if isinstance(events, (str, Watch)) or not isinstance(events, Iterable):
        events = (events,)
    found: list[Watch] = []
    for part in events:
        if isinstance(part, str) and part == "modes":
            found += [ModeLearnt(mode) for mode in range(1, _num_modes(flow) + 1)]
        elif isinstance(part, str) and part == "plateaus":
            found.append(PlateauSpeed())
        elif isinstance(part, Watch):
            found.append(part)
        else:
            raise HypothesisError(
                f'events: got {part!r}, expected "modes", "plateaus", or an event such as {LossLevel("1e-6")!r}'
            )
    return tuple(found)


def _num_modes(flow: GradientFlow) -> int:
    """Rank of the target, exact; 0 without a target."""
    return 0 if isinstance(flow.loss, SmoothLoss) else int(rank(flow.loss.target))
