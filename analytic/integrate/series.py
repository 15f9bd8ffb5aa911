"""Power series of matrices: the Taylor coefficients of the flow Ẇ_i = W_{>i}ᵀ R W_{<i}ᵀ in units of the step.

P_j = W_j P_{j−1}, B_{j−1} = W_jᵀ B_j, G_j = B_j P_{j−1}ᵀ: 3(h − 1) Cauchy products of matrices an order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flint import arb, arb_mat, arb_poly, ctx

from analytic.integrate._dyadic import NOTHING, exponent, exponents
from analytic.integrate.links import links_of
from analytic.integrate.problem import Problem
from analytic.integrate.scalar_series import chain_layers

__all__ = ["Series", "bits_that_cancel", "scales", "taylor_series"]

GUARD_BITS = 5
_MEASURE_EVERY = 6
_MARGIN = 6  # bits by which a coefficient may exceed the two that were measured last
_FEWEST_BITS = 16
_STIFF_BITS = 12  # log₂ of the number of time constants that an explicit step may take
_HUGE = 10**12
_SMALL = -16  # log₂ of weights whose product is below 1 for all widths up to 2^16
_INLINE_BITS = 128  # numbers of up to two limbs need no memory of their own and are multiplied twice as fast


@dataclass
class Series:
    """Taylor coefficients of one step, W_i(t + θH) = Σ_k layers[i][k] θ^k.

    Parameters
    ----------
    layers : list of list of arb_mat
        Coefficients 0 … order of each layer.
    unit : arb
        H, exact.
    order : int
    precision : int
        Bits of coefficient 0.
    radii : list of list of arb, or None
        For an enclosure: Frobenius norm of the radius of coefficients 1 … order of each layer before its midpoint was
        taken.
    residuals : list of arb_mat
        For an enclosure: coefficients 0 … order − 1 of the residual, balls.
    """

    layers: list[list[arb_mat]]
    unit: arb
    order: int
    precision: int
    radii: list[list[arb]] | None
    residuals: list[arb_mat]

    def at(self, theta: arb, precision: int | None = None) -> list[arb_mat]:
        """Weights at t + θH, with the rounding of the evaluation in their radii."""
        with ctx.workprec(precision or self.precision + GUARD_BITS):
            return [horner(coefficients, theta) for coefficients in self.layers]

    def slope(self, theta: arb, precision: int | None = None) -> list[arb_mat]:
        """dW/dt at t + θH, the derivative of the polynomial."""
        with ctx.workprec(precision or self.precision + GUARD_BITS):
            return [
                horner([matrix * (arb(k) / self.unit) for k, matrix in enumerate(c)][1:], theta) for c in self.layers
            ]


def scales(problem: Problem, series: Series, reach: float) -> list[int]:
    """Binary exponent of each block, or of how far it moves within 2^`reach` units where it passes zero."""
    found = problem.block_exponents([coefficients[0] for coefficients in series.layers])
    for k in range(1, min(4, series.order + 1)):
        sizes = problem.block_exponents([coefficients[k] for coefficients in series.layers])
        found = [max(most, size + math.floor(k * reach)) for most, size in zip(found, sizes, strict=True)]
    return found


def horner(coefficients: Sequence[arb_mat], theta: arb) -> arb_mat:
    """Value of a matrix polynomial."""
    if coefficients[0].nrows() == coefficients[0].ncols() == 1:
        return arb_mat(1, 1, [arb_poly([matrix[0, 0] for matrix in coefficients])(theta)])
    total = coefficients[-1]
    for matrix in reversed(coefficients[:-1]):
        total = total * theta + matrix
    return total


def taylor_series(
    problem: Problem,
    weights: Sequence[arb_mat],
    order: int,
    unit: arb,
    precision: int,
    *,
    enclose: bool = False,
    tick: Callable[[], None] | None = None,
) -> Series:
    """Taylor coefficients of the flow through exact weights.

    Parameters
    ----------
    problem : Problem
        At least as precise.
    weights : sequence of arb_mat
        Exact midpoints.
    order : int
        K.
    unit : arb
        H, exact; the closer to the step that will be taken the better.
    precision : int
        Bits wanted in a sum of the series, relative to the largest coefficient of each block.
    enclose : bool
        Keep balls and record what is lost when midpoints are taken.
    tick : callable, optional
        Called before every order; may raise.

    Returns
    -------
    Series

    Notes
    -----
    Precision decay: coefficient k is needed relative to the largest so far only, so its size, measured every few
    orders, says how many bits it takes.
    """
    precision += bits_that_cancel(problem, weights, unit)
    chains = None if enclose else chain_layers(problem, weights, order, unit, precision)
    if chains is not None:
        return Series(chains, unit, order, precision, None, [])
    still = not enclose and _residual_rests(problem, weights, order, unit, precision)
    recurrence = _Recurrence(problem, weights, order, enclose=enclose, still=still)
    gauge = _Gauge(problem, precision)
    with ctx.workprec(precision + GUARD_BITS):
        pace = unit * problem.factor
        long = precision + GUARD_BITS > _INLINE_BITS
        for k in range(order):
            if tick is not None:
                tick()
            gauge.watch(k, recurrence.layers)
            ctx.prec = gauge.bits + GUARD_BITS
            if long and ctx.prec <= _INLINE_BITS:
                long = False
                with ctx.workprec(_INLINE_BITS):
                    recurrence.shorten()
            recurrence.advance(k, pace / (k + 1))
    return Series(recurrence.layers, unit, order, precision, recurrence.radii, recurrence.residuals)


def bits_that_cancel(problem: Problem, weights: Sequence[arb_mat], unit: arb) -> int:
    """Bits by which rounding of ∇C, as large as its terms, would move a layer in the time H: log₂ H A(‖P‖)‖P‖/‖W_i‖².

    Zero but where forces vanish by cancellation while nothing is stiff, so that steps grow: near degenerate minima.
    """
    sizes = [size for size in (max(exponents(matrix)) for matrix in weights) if size > NOTHING]
    total = sum(sizes)
    if len(sizes) < problem.depth or not abs(total) < _HUGE:
        return 0
    force = exponent(problem.force.majorant(arb((1, total))) * problem.factor)
    return max(0, exponent(unit) + force + total - 2 * min(sizes) - _STIFF_BITS) if force > NOTHING else 0


def _residual_rests(problem: Problem, weights: Sequence[arb_mat], order: int, unit: arb, precision: int) -> bool:
    """Whether P changes R too little to move a block by 2^−precision of itself within the step.

    H c A ‖W‖^{2h−2} is that small, where ‖R(P) − R(0)‖ ≤ A‖P‖ for ‖P‖ ≤ 1 (A = ‖G‖ for a quadratic loss).

    Within a step of order K nothing grows by more than e^K; four bits an order leave room for that.
    """
    pull = problem.pull
    if problem.depth == 1 or pull is None:
        return False
    largest = max(max(exponents(matrix)) for matrix in weights) + 4 * order
    pace = exponent(unit * problem.factor)
    if not NOTHING // 2 < largest < _SMALL:
        return False
    return pace + pull + (2 * problem.depth - 2) * largest < -(precision + 64)


class _Gauge:
    """Bits that the next coefficients need, from the sizes of two neighbours every few orders, block by block."""

    def __init__(self, problem: Problem, precision: int) -> None:
        self.problem, self.precision, self.bits = problem, precision, precision
        self.largest = [NOTHING] * problem.num_blocks
        self.last = 0

    def watch(self, k: int, layers: list[list[arb_mat]]) -> None:
        """Look at coefficient k of every layer, known before order k is taken."""
        if k > 1 and k % _MEASURE_EVERY > 1:
            return
        sizes = self.problem.block_exponents([series[k] for series in layers])
        self.largest = [max(pair) for pair in zip(self.largest, sizes, strict=True)]
        ratios = [size - most for size, most in zip(sizes, self.largest, strict=True) if most > NOTHING]
        ratio = max(ratios, default=0)
        if k % _MEASURE_EVERY == 1:
            needed = self.precision + max(self.last, ratio) + _MARGIN
            self.bits = max(_FEWEST_BITS, min(self.precision, needed))
        self.last = ratio


class _Recurrence:
    """State of the online recurrence: every series known up to the present order.

    `still` says that the product is far too small to change the residual within the step.
    """

    def __init__(
        self, problem: Problem, weights: Sequence[arb_mat], order: int, *, enclose: bool = False, still: bool = False
    ) -> None:
        self.problem, self.enclose, self.still = problem, enclose, still
        self._nothing = arb_mat(problem.widths[-1], problem.widths[0])
        self.layers = [[matrix] for matrix in weights]
        self.radii: list[list[arb]] | None = [[] for _ in weights] if enclose else None
        self.residuals: list[arb_mat] = []
        self._residual = problem.residual_series()
        self._links = links_of(problem.widths, order, problem.kernel)

    def advance(self, k: int, pace: arb) -> None:
        """Coefficient k + 1 of every layer from those up to k."""
        product = self.layers[0][k]
        for layer, link in zip(self.layers[1:], self._links, strict=True):
            if self.still and k and link is self._links[-1]:
                link.take(layer[k], product)
                product = self._nothing
            else:
                product = self._kept(link.forward(layer[k], product))
        behind = self._residual.push(product)
        if self.enclose:
            self.residuals.append(behind)
        velocities = []
        for link in reversed(self._links):
            velocity, behind = link.backward(behind)
            velocities.append(velocity)
            behind = self._kept(behind)
        velocities.append(behind)
        for i, velocity in enumerate(reversed(velocities)):
            coefficient = self.problem.masked(i, velocity * pace)
            self.layers[i].append(coefficient.mid())
            if self.radii is not None:
                self.radii[i].append(_radius_norm(coefficient))

    def shorten(self) -> None:
        """Round everything stored to the working precision: what follows needs no more."""
        for link in self._links:
            link.shorten()
        self._residual.shorten()

    def _kept(self, matrix: arb_mat) -> arb_mat:
        return matrix if self.enclose else matrix.mid()


def _radius_norm(matrix: arb_mat) -> arb:
    """Upper bound for the Frobenius norm of the radii; radii are exact numbers of 30 bits."""
    radii = [arb(entry.rad()) for entry in matrix.entries()]
    with ctx.workprec(64):
        return sum((r * r for r in radii), arb(0)).sqrt().upper()
