"""What must hold after each step, or the precision was too small: drift, instability, zeros near stops, event times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import NOTHING, ball, exponent
from analytic.integrate.drift import conserved, drift_between
from analytic.integrate.events import Event
from analytic.integrate.precision import FEWEST_SPARE_BITS, bits_of_digits, check_blow_up
from analytic.integrate.problem import Problem, squared_norm
from analytic.integrate.sensitivity import Sensitivity
from analytic.integrate.series import GUARD_BITS, bits_that_cancel
from analytic.integrate.settings import Settings

__all__ = ["Guard", "TooFewBits"]

_HARDLY_TRUE = 1e6  # bits


class TooFewBits(Exception):
    """The precision at hand does not carry the digits; `bits` says how many more are needed.

    `at_saddle` says that the flow was so near a critical point that it may well end there.
    """

    def __init__(self, bits: int, why: str, *, at_saddle: bool = False) -> None:
        super().__init__(why)
        self.bits, self.at_saddle = bits, at_saddle


class Guard:
    """Watches the errors of a run.

    Parameters
    ----------
    problem : Problem
    settings : Settings
    weights : list of arb_mat
        At the start.
    reserve : float
        Bits that instability may eat.
    """

    def __init__(self, problem: Problem, settings: Settings, weights: list[arb_mat], reserve: float) -> None:
        self.problem, self.settings, self.reserve = problem, settings, reserve
        self.wanted = bits_of_digits(settings.digits)
        with ctx.workprec(problem.precision + 32):
            self._conserved, self._loss = conserved(problem, weights), problem.loss(weights)
        self._sensitivity = Sensitivity(problem, weights)

    @property
    def lost(self) -> float:
        """Bits that instability has eaten, by estimate."""
        return self._sensitivity.bits

    @property
    def carried(self) -> int:
        """Bits to which the weights are right, by that estimate."""
        return self.problem.precision - FEWEST_SPARE_BITS - int(self.lost)

    def check_step(self, weights: Sequence[arb_mat], begin: Fraction, elapsed: Fraction) -> arb:
        """Drift of the conserved quantities; it and instability must stay below what the precision allows.

        Raises
        ------
        TooFewBits
        PrecisionError
            At a blow-up.
        """
        with ctx.workprec(self.problem.precision + GUARD_BITS):
            drift = drift_between(self._conserved, conserved(self.problem, weights), weights)
        if drift > arb((1, -self.wanted)):
            raise TooFewBits(32, "the conserved quantities drift beyond the digits asked for")
        if not all(entry.is_finite() for matrix in weights for entry in matrix.entries()):
            raise TooFewBits(32, "the weights left the range of the numbers")
        passed = begin - self.settings.begin
        check_blow_up(self.problem, self._loss, weights, passed, elapsed, self.settings.digits)
        self._check_cancellation(weights, elapsed)
        lost = self._sensitivity.advance(weights, elapsed)
        if lost > self.reserve:
            why = f"instability magnifies rounding errors by 2^{lost:.0f}"
            if lost > _HARDLY_TRUE:
                why += ", or seems to: rates of change that differ by more than 1e16 are not told apart"
            raise TooFewBits(int(lost), why, at_saddle=self._is_at_saddle(weights))
        return drift

    def _check_cancellation(self, weights: Sequence[arb_mat], elapsed: Fraction) -> None:
        """What rounding leaves of forces that cancel must not move a block by its digits within a step.

        At a degenerate minimum forces vanish to higher order, and steps grow without end.
        """
        time = ball(elapsed)
        extra = bits_that_cancel(self.problem, weights, time)
        if not extra:
            return
        with ctx.workprec(self.problem.precision + extra):
            noise = [_radii(matrix) for matrix in self.problem.velocity(weights)]
        sizes = self.problem.block_exponents(weights)
        for size, moved in zip(sizes, self.problem.block_exponents(noise), strict=True):
            short = moved + exponent(time) + self.wanted + 1 - size
            if short > 0 and moved > NOTHING and size > NOTHING:
                raise TooFewBits(short, "forces cancel to less than rounding leaves of them")

    def check_zeros(self, sizes: Sequence[int], weights: Sequence[arb_mat]) -> None:
        """At a stop a block on its way through zero must have its digits too, unless it is zero to all of them.

        Raises
        ------
        TooFewBits
        """
        spare = self.carried + FEWEST_SPARE_BITS - self.wanted
        for most, size in zip(sizes, self.problem.block_exponents(weights), strict=True):
            if spare < most - size < self.wanted:
                raise TooFewBits(most - size - spare, "an entry passes through zero near a stop")

    def check_events(self, found: Sequence[Event], missing: int) -> None:
        """The times of events must carry the digits, those of plateaus apart: these say how many they have.

        Raises
        ------
        TooFewBits
            Also if the search for events has missed so many bits.
        """
        for event in found:
            if event.digits is not None and not event.kind.startswith("plateau"):
                missing = max(missing, math.ceil((self.settings.digits - event.digits) / 0.30103))
        if missing > 0:
            raise TooFewBits(missing, "a loss level or an event is too flat to be timed at this precision")

    def _is_at_saddle(self, weights: Sequence[arb_mat]) -> bool:
        with ctx.workprec(64):
            speed = sum((squared_norm(v) for v in self.problem.velocity(weights)), arb(0)).sqrt()
            return bool(speed < arb((1, -self.wanted)))


def _radii(matrix: arb_mat) -> arb_mat:
    return arb_mat(matrix.nrows(), matrix.ncols(), [entry.rad() for entry in matrix.entries()])
