"""Progress of a run: a callable gets it, True writes it to the standard error stream."""

from __future__ import annotations

import math
import sys
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import mpmath
from flint import arb_mat, ctx

from analytic.integrate._dyadic import ball, mpf
from analytic.integrate.problem import Problem

if TYPE_CHECKING:
    from analytic.integrate.loop import Run

__all__ = ["Progress", "Reporter", "announce"]

_SECONDS = 0.2


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    Parameters
    ----------
    time, loss : mpf
    steps : int
    digits_left : float
        Digits that instability has left so far; of gradient descent those to which two precisions agree, infinitely
        many where the iterates are exact.
    """

    time: Any
    loss: Any
    steps: int
    digits_left: float


def announce(target: bool | Callable[[Progress], Any], text: str) -> None:
    """A line of its own, where lines are written."""
    if target is True:
        sys.stderr.write(f"{text}\n")


class Reporter:
    """Calls back after every step, or writes a line now and then."""

    def __init__(self, target: bool | Callable[[Progress], Any], digits: int) -> None:
        self.target, self.digits = target, digits
        self._last = clock.monotonic()
        self._written = False

    def report(self, run: Run) -> None:
        """Take a look at a run."""
        if self.is_due():
            left = (run.precision - run.guard.lost) * 0.30103
            self.tell(run.time, run.problem, run.weights, len(run.segments), left)

    def is_due(self) -> bool:
        """Whether somebody listens, and for lines: whether the last one is old enough."""
        if self.target is True:
            return clock.monotonic() - self._last >= _SECONDS
        return callable(self.target)

    def tell(
        self, moment: Fraction, problem: Problem, weights: Sequence[arb_mat], steps: int, digits_left: float
    ) -> None:
        """Call back, or write a line; infinitely many digits are exact ones."""
        self._last = clock.monotonic()
        with ctx.workprec(64):
            time, loss = mpf(ball(moment)), mpf(problem.loss(weights))
        if callable(self.target):
            self.target(Progress(time, loss, steps, digits_left))
            return
        self._written = True
        left = "exact" if digits_left == math.inf else f"{digits_left:.0f} digits left"
        text = f"t = {mpmath.nstr(time, 10)}, loss {mpmath.nstr(loss, 5)}, {steps} steps, {left}"
        sys.stderr.write(f"\r{text:<78}")
        sys.stderr.flush()

    def close(self) -> None:
        """End the line."""
        if self._written:
            sys.stderr.write("\n")
