"""What follows when a flow has arrived: a run ends, or stands still up to its last stop.

Standing still is right to the digits once the rest of the way, |W(∞) − W(t)| ≤ 2‖∇L‖/κ, is below each block's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import NOTHING, mpf
from analytic.integrate._spectra import from_mpf
from analytic.integrate.convergence import Convergence, Judge
from analytic.integrate.events import LossLevel, PlateauSpeed
from analytic.integrate.precision import bits_of_digits
from analytic.integrate.problem import Problem
from analytic.integrate.settings import Settings

__all__ = ["SPARE_BITS", "Arrival"]

SPARE_BITS = 7  # by which the rest of the way stays below the digits


class Arrival:
    """Looks whether a flow has arrived, and what may still happen then.

    Parameters
    ----------
    problem : Problem
    settings : Settings
    """

    def __init__(self, problem: Problem, settings: Settings) -> None:
        self.problem, self.settings = problem, settings

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.problem, self.settings.digits)

    def verdict(self, weights: Sequence[arb_mat]) -> Convergence | None:
        """What is known about the limit, or None if the flow has not arrived."""
        return self._judge.judge(weights)

    @property
    def missing(self) -> int:
        """By how many bits the last verdict was hidden by rounding."""
        return self._judge.missing

    @property
    def waiting(self) -> str:
        """What had not arrived at the last verdict, where that is known."""
        return self._judge.waiting

    def awaits(self, weights: Sequence[arb_mat], verdict: Convergence, carried: int) -> bool:
        """Whether something that was asked for may still happen, as far as `carried` bits can tell.

        A predicate, a loss level above the limit, or an event whose quantity may change sign on the rest of the way.
        """
        if self.settings.predicates:
            return True
        problem = self.problem
        with ctx.workprec(problem.precision + 32):  # as for the verdict
            loss, rest = problem.loss(weights), arb(0, from_mpf(verdict.distance))
            reached = [_widened(matrix, rest) for matrix in weights]
            rounded = problem.blurred(weights, problem.block_exponents(weights), carried)
            for watch in self.settings.watches:
                if isinstance(watch, LossLevel):
                    above = verdict.loss_lower <= mpf(watch.height) < mpf(loss)
                    if above and not _may_vanish(watch.value(problem, rounded)):
                        return True
                elif not isinstance(watch, PlateauSpeed):
                    open_yet, untold = (_may_vanish(watch.value(problem, near)) for near in (reached, rounded))
                    if open_yet and not untold:
                        return True
        return False

    def rests(self, weights: Sequence[arb_mat], verdict: Convergence) -> bool:
        """Whether it is proved that no block moves any more by one of its digits; not for rigorous runs."""
        if self.settings.rigorous or not verdict.certified:
            return False
        with ctx.workprec(64):
            sizes = [size for size in self.problem.block_exponents(weights) if size > NOTHING]
        _, mantissa, exponent, bits = verdict.distance._mpf_
        return not mantissa or exponent + bits < min(sizes) - bits_of_digits(self.settings.digits) - SPARE_BITS


def _widened(matrix: arb_mat, rest: arb) -> arb_mat:
    return arb_mat(matrix.nrows(), matrix.ncols(), [entry + rest for entry in matrix.entries()])


def _may_vanish(value: arb) -> bool:
    return not (value > 0 or value < 0)
