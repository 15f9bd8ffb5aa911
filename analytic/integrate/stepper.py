"""Steppers: one explicit Taylor step with relative control block by block; other steppers offer the same two methods.

θ = min over blocks b of min_k (ε ‖w_b‖ / ‖w_k,b‖)^{1/k}; the unit H of the next series is the step just found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from flint import arb, arb_mat

from analytic.integrate._dyadic import NOTHING, dyadic
from analytic.integrate.precision import FEWEST_SPARE_BITS
from analytic.integrate.problem import Problem
from analytic.integrate.series import Series, taylor_series

__all__ = ["ExplicitTaylor", "Plan", "Stepper", "power_of_two"]

_PROBE_ORDER = 10
_UNBOUNDED = 60.0  # log₂ of the largest fraction: the weights do not move, or hardly
_SAMPLED_ORDERS = (0, 1, 2, 3, 5, 8, 12, 17, 24, 34, 48, 68, 96, 136, 192, 272, 384)
_LONGEST_GROWTH = 3.0  # bits by which the unit may grow from one step to the next
_AHEAD = 0.3  # bits by which the next unit exceeds the step that this node allows: on the way to rest steps grow
_CANCELLED_BITS = 10  # a block may shrink by this much within a step, and no more


@dataclass(frozen=True)
class Plan:
    """Unit and order of the next series."""

    unit: arb
    order: int


class Stepper(Protocol):
    """What the stepping loop needs: a first plan, and a polynomial for the next stretch of time."""

    name: str

    def first(self, problem: Problem, weights: Sequence[arb_mat]) -> Plan:
        """Unit and order to begin with."""

    def step(self, problem: Problem, weights: Sequence[arb_mat], plan: Plan) -> tuple[Series, float, Plan]:
        """The polynomial, log₂ of the fraction of its unit up to which it is accurate (≤ 0), and the next plan."""


class ExplicitTaylor:
    """Explicit Taylor series.

    Parameters
    ----------
    precision : int
        Bits of a sum, relative to each block.
    order : int or None
        Fixed order; None lets it follow the work per unit of time.
    enclose : bool
        Keep the radii that `rigorous` needs.
    tick : callable, optional
        Called before every order of a series; may raise.
    """

    name = "taylor"

    def __init__(
        self,
        precision: int,
        order: int | None = None,
        *,
        enclose: bool = False,
        tick: Callable[[], None] | None = None,
    ) -> None:
        self.precision, self.fixed, self.enclose, self.tick = precision, order, enclose, tick
        self.tolerance = precision - FEWEST_SPARE_BITS
        natural = self.tolerance * 0.6931 * 0.55
        self.lowest, self.highest = max(8, int(0.6 * natural)), max(12, int(3 * natural))
        self.natural = max(10, int(natural))

    def first(self, problem: Problem, weights: Sequence[arb_mat]) -> Plan:
        """A cheap series of low order at low precision gives the first unit."""
        unit = arb(1)
        order = self.fixed or (int(1.5 * self.natural) if self._is_closed(problem) else self.natural)
        tolerance = _PROBE_ORDER * self.tolerance / order
        for _ in range(60):
            probe = taylor_series(problem, weights, _PROBE_ORDER, unit, 40)
            shift = _reach(problem, probe, _PROBE_ORDER, tolerance)
            if abs(shift) < 1:
                break
            unit = _times_power(unit, max(-300.0, min(300.0, shift)))
        return Plan(unit, order)

    def step(self, problem: Problem, weights: Sequence[arb_mat], plan: Plan) -> tuple[Series, float, Plan]:
        """One series; its accurate fraction from the sizes of its coefficients."""
        series = taylor_series(
            problem, weights, plan.order, plan.unit, self.precision, enclose=self.enclose, tick=self.tick
        )
        reach = _reach(problem, series, plan.order, self.tolerance)
        accurate = min(0.0, reach)
        usable = _without_cancellation(problem, series, accurate)
        if usable < accurate:  # a higher order would not make the step longer
            order, grown = self._lower(series.order), usable
        else:
            order, grown = self._better_order(problem, series, reach), reach
        unit = _times_power(plan.unit, min(_LONGEST_GROWTH, grown) + _AHEAD)
        return series, usable, Plan(unit, self.fixed or order)

    def _is_closed(self, problem: Problem) -> bool:
        """Whether the series come from a closed form, so that their cost grows like their length only."""
        return problem.depth == 2 and problem.chains is not None and not self.enclose

    def _better_order(self, problem: Problem, series: Series, reach: float) -> int:
        """Follow the time gained per unit of work: compare this order with one that is a tenth lower."""
        here = series.order
        lower = max(self.lowest, int(0.88 * here))
        if lower >= here:
            return self.lowest
        shorter = _reach(problem, series, lower, self.tolerance)
        work = _closed_work if self._is_closed(problem) else _work
        gain, cost = 2.0 ** (reach - shorter), work(problem, here) / work(problem, lower)
        return min(self.highest, int(1.06 * here) + 1) if gain > cost else self._lower(here)

    def _lower(self, order: int) -> int:
        return max(self.lowest, int(0.95 * order))


def _reach(problem: Problem, series: Series, order: int, tolerance: float) -> float:
    """log₂ of the fraction of the unit at which the last terms of a series cut at `order` fall below the tolerance."""
    scales = _sizes(problem, series, 0)
    for b, scale in enumerate(scales):
        if scale <= NOTHING:  # a block that starts at zero is measured against what it becomes
            scales[b] = max(_sizes(problem, series, k)[b] for k in range(1, min(order, 8)))
    # of a series that decays fast the last terms are zeros; its rate shows where it ends
    for share in (0, 1, 2, 3, 4):
        last = order - share * order // 8
        bound = _UNBOUNDED
        for k in (last - 1, last):
            for scale, size in zip(scales, _sizes(problem, series, k), strict=True):
                if size > NOTHING and scale > NOTHING:
                    bound = min(bound, (scale - size) / k - (tolerance + 1) / (order + k - last))
        if bound < _UNBOUNDED:
            break
    return bound


def _without_cancellation(problem: Problem, series: Series, fraction: float) -> float:
    """The fraction (log₂), reduced until no block's terms exceed its value by more than `_CANCELLED_BITS` bits."""
    terms = [(k, _sizes(problem, series, k)) for k in _SAMPLED_ORDERS if k < series.order]
    for _ in range(40):
        value = problem.block_exponents(series.at(power_of_two(fraction), 64))
        lost = 0.0
        for b, size in enumerate(value):
            if size > NOTHING:
                lost = max(lost, *(sizes[b] + k * fraction - size for k, sizes in terms))
        if lost <= _CANCELLED_BITS:
            break
        fraction -= 0.5
    return fraction


def _sizes(problem: Problem, series: Series, k: int) -> list[int]:
    return problem.block_exponents([coefficients[k] for coefficients in series.layers])


def _work(problem: Problem, order: int) -> float:
    """Relative cost of a series: calls, then multiply-adds."""
    return order * (8.0 + 0.012 * order * max(1.0, (max(problem.widths) / 3) ** 3) * 27)


def _closed_work(problem: Problem, order: int) -> float:
    """Relative cost of a step where the series has a closed form: looking at it, then its length."""
    return 30.0 / min(problem.widths) + order


def power_of_two(value: float) -> arb:
    """2^value as an exact number of few bits, rounded down."""
    whole = math.floor(value)
    return arb((int(2.0 ** (value - whole) * 2**20), whole - 20))


def _times_power(unit: arb, shift: float) -> arb:
    """unit · 2^shift as an exact number of at most 24 bits."""
    return dyadic((unit * power_of_two(shift)).mid(), 24)
