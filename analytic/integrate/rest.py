"""What is left of the way to a minimum, for diagonal layers entry by entry; or why that cannot be said yet.

An entry with target zero moves by w_i' = −c g p ∏_{j≠i} w_j: no |w_i| grows, so none has more than itself to go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb, arb_mat

from analytic.integrate._dyadic import exponent, mpf, shown
from analytic.integrate.lojasiewicz import Growth, growth_of_entries
from analytic.integrate.precision import FEWEST_SPARE_BITS
from analytic.integrate.problem import Problem

__all__ = ["NotYet", "Rest", "Yardstick", "brief", "check_noise", "rest_of_entries", "rounding", "stiffness"]

_MARGIN = 3  # bits by which a bound must exceed the rounding of the run


@dataclass(frozen=True)
class Rest:
    """Bounds for the rest of the way.

    Parameters
    ----------
    distance : arb
        For its length.
    excess : arb
        For L − L*.
    is_proved : bool
        Or estimated.
    """

    distance: arb
    excess: arb
    is_proved: bool = True


@dataclass(frozen=True)
class Yardstick:
    """What is measured against what.

    Parameters
    ----------
    wanted : arb
        10^−digits.
    size : arb
        Norm of all weights or, if larger, of weights that have learnt the target.
    strength : arb
        Norm of the product or, if larger, of the target; large layers may have a product that is far smaller.
    """

    wanted: arb
    size: arb
    strength: arb

    def excess(self, convexity: arb, strength: arb | None = None) -> arb:
        """(κ_C/2) · (wanted · strength)², the loss of a product that is wrong by so much."""
        error = self.wanted * (self.strength if strength is None else strength)
        return (convexity * error * error / 2).mid()

    def loss(self, convexity: arb) -> arb:
        """What losses are small against, to the digits."""
        return (convexity * self.wanted * self.strength**2).mid()


class NotYet(Exception):
    """The weights have not arrived: `missing` bits hide it, or `waiting` says what has not, or neither is known."""

    def __init__(self, missing: int = 0, waiting: str = "") -> None:
        super().__init__(waiting)
        self.missing, self.waiting = missing, waiting


def stiffness(problem: Problem, size: arb) -> arb:
    """‖∇²L‖ at weights of that size, up to factors of the widths."""
    return problem.factor * arb((1, problem.force.pull)) * size ** (2 * problem.depth - 2)


def rounding(problem: Problem) -> arb:
    """What rounding and truncation do to numbers of size one."""
    return arb((1, FEWEST_SPARE_BITS - problem.precision))


def check_noise(noise: arb, found: arb, allowed: arb) -> None:
    """Tell what still falls from what has fallen to the noise of rounding and cannot become small enough.

    Raises
    ------
    NotYet
        With the bits that are missing, if `found` is about `noise` and that is more than `allowed`.
    """
    short = exponent(noise) + _MARGIN - exponent(allowed)
    if short >= 0 and exponent(found) <= exponent(noise) + _MARGIN:
        raise NotYet(short + 1)


def rest_of_entries(
    problem: Problem, weights: Sequence[arb_mat], velocity: Sequence[arb_mat], measure: Yardstick
) -> Rest:
    """For diagonal layers, each entry against its own size, dying ones against the size of all.

    Raises
    ------
    NotYet
    """
    product, chains = problem.product(weights), problem.chains
    distance = excess = arb(0)
    for j, growth in enumerate(growth_of_entries(problem, weights)):
        if growth is None:
            continue
        entries, value = [matrix[j, j] for matrix in weights], product[j, j]
        gradient = arb(sum((matrix[j, j] ** 2 for matrix in velocity), arb(0)).upper()).sqrt()
        target = None if chains is None else chains[j][0] / chains[j][1]
        dies = target is not None and target == 0
        strength = abs(value).mid() if target is not None and not dies else max(abs(value).mid(), measure.strength)
        try:
            found = _of_entry(problem, growth, entries, gradient, measure, strength)
        except NotYet as reason:
            rest = _of_dying_entry(growth, entries, value) if dies else None
            if rest is None or not rest.excess.mid() < measure.loss(growth.convexity):
                aim = "" if target is None else f" is {brief(abs(value - target))} away from its target {brief(target)}"
                raise NotYet(reason.missing, f"entry {j + 1} of the product{aim or ' has not arrived'}") from None
            found = rest
        distance, excess = distance + found.distance, excess + found.excess
    return Rest(distance, excess)


def _of_dying_entry(growth: Growth, entries: Sequence[arb], product: arb) -> Rest:
    """The way to a product of zero, which may take the entry for ever."""
    return Rest(sum((abs(entry) for entry in entries), arb(0)), growth.convexity * product * product / 2)


def _of_entry(
    problem: Problem, growth: Growth, entries: Sequence[arb], gradient: arb, measure: Yardstick, strength: arb
) -> Rest:
    kappa = growth.kappa
    if not kappa > 0:
        raise NotYet
    size = sum((entry * entry for entry in entries), arb(0)).sqrt().mid()
    near = kappa * min(growth.radius, (measure.wanted * size).mid()) / 2
    low = (2 * kappa * measure.excess(growth.convexity, strength)).sqrt()
    allowed = min(near.mid(), low.mid())
    if not gradient.mid() < allowed:
        check_noise(stiffness(problem, size) * size * rounding(problem), gradient, allowed)
        raise NotYet
    return Rest(2 * gradient / kappa, gradient * gradient / (2 * kappa))


def brief(value: arb) -> str:
    """Five digits."""
    return shown(mpf(value), 5)
