"""Proved error bounds by the logarithmic norm, e_{n+1} ≤ exp(Hμ)(e_n + ∫‖defect‖) + rounding, for any depth.

The Jacobian of the flow is −∇²L = ⟨R, D²P⟩ − DPᵀ C″ DP, symmetric: its logarithmic 2-norm is its largest eigenvalue,
at most max_i Σ_{j≠i} ‖R‖₂ ∏_{l≠i,j}‖W_l‖₂ + max(0, −λ_min(C″)) Σ_i ∏_{l≠i}‖W_l‖₂²; all norms are bounded over a tube
around the polynomial that the solution stays in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from flint import arb, arb_mat, arb_poly, ctx

from analytic.integrate._dyadic import NOTHING, exponent, packed_number
from analytic.integrate._norms import BOUND_BITS as _BITS
from analytic.integrate._norms import frobenius_bound, spectral_bound
from analytic.integrate._norms import up as _up
from analytic.integrate.problem import Problem
from analytic.integrate.series import Series
from graphs.errors import PrecisionError

__all__ = ["BoundLost", "Certifier", "StepBounds", "bound_step", "rate_over_tube"]

_SLACK = arb(1) + arb((1, -20))  # so that a replay with other roundings finds the bound met


class BoundLost(PrecisionError):
    """The proved bound has become too large for a tube around the polynomial; more bits make it smaller."""


@dataclass(frozen=True)
class StepBounds:
    """What a step is certified with.

    Parameters
    ----------
    defect : arb
        Bound for ∫‖p' − H F(p)‖ over the step.
    rate : arb
        Bound μ for the logarithmic norm over the tube.
    before : arb
        exp(Hθμ)(e_n + defect): bound for the error along the whole step.
    """

    defect: arb
    rate: arb
    before: arb


class Certifier:
    """Carries the bound for the error from node to node.

    Parameters
    ----------
    problem : Problem
        In the given frame: a rotation would be one more thing to enclose.
    start : sequence of arb_mat
        Enclosure of the exact initial weights.
    first : sequence of arb_mat
        The node that the run starts from.
    """

    def __init__(self, problem: Problem, start: Sequence[arb_mat], first: Sequence[arb_mat]) -> None:
        self.problem = problem
        with ctx.workprec(problem.precision + 32):
            self.radius = frobenius_bound([a - b for a, b in zip(start, first, strict=True)])

    def step(
        self, series: Series, theta: arb, values: Sequence[arb_mat]
    ) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Certify a step; returns the bound at its start, its defect and its rate, as stored in the segment."""
        bounds = bound_step(self.problem, series, theta, self.radius)
        start = self.radius
        with ctx.workprec(_BITS):
            rounding = frobenius_bound([value - value.mid() for value in values])
            self.radius = _up((bounds.before + rounding) * _SLACK)
        return packed_number(start), packed_number(bounds.defect), packed_number(bounds.rate)


def bound_step(problem: Problem, series: Series, theta: arb, radius: arb) -> StepBounds:
    """Bounds for the error on [0, θ] when it is at most `radius` at 0.

    Parameters
    ----------
    problem : Problem
    series : Series
        With radii (``enclose=True``).
    theta : arb
        Ball around the fraction of the unit.
    radius : arb

    Returns
    -------
    StepBounds

    Raises
    ------
    PrecisionError
        If no tube can be found: the bound has become too large to be of use.
    """
    with ctx.workprec(_BITS):
        top = theta.abs_upper()
        norms = [[frobenius_bound([matrix]) for matrix in layer] for layer in series.layers]
        defect = _up(_low_orders(series, top) + _high_orders(problem, series, norms, top))
        slope = series.unit * top
        tube = _up((radius + defect) * 2)
        for _ in range(64):
            rate = rate_over_tube(problem, series, norms, top, tube)
            reached = _up((rate * slope).exp() * (radius + defect))
            if reached < tube:
                return StepBounds(defect, rate, reached)
            if not reached < arb((1, 40)):
                break
            tube = _up(reached * 2)
    raise BoundLost(f"the proved bound has grown to {radius}: ask for more digits, or a shorter time")


def _low_orders(series: Series, top: arb) -> arb:
    """Σ_{k≤K} θ^k ‖radius of coefficient k‖: what was lost when midpoints were taken."""
    if series.radii is None:
        raise PrecisionError("the series was computed without radii; nothing can be proved from it")
    total, power = arb(0), arb(1)
    for radii in zip(*series.radii, strict=True):
        power = power * top
        total = total + power * sum((r * r for r in radii), arb(0)).sqrt()
    return total


def _high_orders(problem: Problem, series: Series, norms: list[list[arb]], top: arb) -> arb:
    """Orders ≥ K of H F(p), by the scalar majorant Π_{l≠i} a_l · c m(Π_l a_l) of each layer, m that of R."""
    order = series.order
    decay = _decay(norms, order)
    polynomials = [_flattened(layer, decay) for layer in norms]
    whole = polynomials[0]
    for polynomial in polynomials[1:]:
        whole = whole * polynomial
    force = problem.force.majorant(whole)
    total = arb(0)
    for i in range(len(polynomials)):
        majorant = force
        for l, polynomial in enumerate(polynomials):
            if l != i:
                majorant = majorant * polynomial
        tail, factor = arb(0), top * arb((1, -decay))
        coefficients = majorant.coeffs()[order:]
        for coefficient in reversed(coefficients):
            tail = tail * factor + abs(coefficient).upper()
        total = total + (tail * factor**order) ** 2
    return total.sqrt() * abs(problem.factor) * series.unit * top / (order + 1)


def _decay(norms: list[list[arb]], order: int) -> int:
    """Bits by which coefficients shrink from one order to the next: products of flat sequences keep their digits."""
    first = max(exponent(layer[0]) for layer in norms)
    last = max(max(exponent(layer[order]), exponent(layer[order - 1])) for layer in norms)
    return 0 if last <= NOTHING or first <= NOTHING else round((first - last) / order)


def _flattened(norms: list[arb], decay: int) -> arb_poly:
    return arb_poly([norm * arb((1, decay * k)) for k, norm in enumerate(norms)])


def rate_over_tube(problem: Problem, series: Series, norms: list[list[arb]], top: arb, tube: arb) -> arb:
    """μ: largest eigenvalue of −∇²L at all points within `tube` of the polynomial on [0, θ]."""
    depth, force = problem.depth, problem.force
    if depth == 1 and force.is_convex:
        return arb(0)
    sizes = [_along(layer, top) for layer in norms]
    product, wider = prod(sizes, start=arb(1)), prod((size + tube for size in sizes), start=arb(1))
    factor = abs(problem.factor)
    residual = factor * (_residual_bound(problem, series, norms, top) + force.widened(product, wider))
    spectral = [
        spectral_bound(layer[0]) + _along([arb(0), *bounds[1:]], top) + tube
        for layer, bounds in zip(series.layers, norms, strict=True)
    ]
    rows = []
    for i in range(depth):
        others = (
            prod((spectral[l] for l in range(depth) if l not in (i, j)), start=arb(1)) for j in range(depth) if j != i
        )
        rows.append(_up(residual * sum(others, arb(0))))
    if force.is_convex:
        return max(rows)
    center = problem.product([layer[0] for layer in series.layers])
    bend = force.concavity(center, wider - prod((layer[0] for layer in norms), start=arb(1)))
    slopes = (prod((spectral[l] ** 2 for l in range(depth) if l != i), start=arb(1)) for i in range(depth))
    return _up(max(rows) + bend * sum(slopes, arb(0)))


def _residual_bound(problem: Problem, series: Series, norms: list[list[arb]], top: arb) -> arb:
    """sup ‖R‖₂/c along the polynomial, the least of two bounds.

    At most the larger of the values at the two ends plus half the total variation; or the value at the start plus all
    later coefficients.
    """
    residuals = series.residuals
    first = spectral_bound(residuals[0])
    last = residuals[-1]
    for matrix in reversed(residuals[:-1]):
        last = last * top + matrix
    variation = _along([arb(0), *(frobenius_bound([matrix]) for matrix in residuals[1:])], top)
    beyond = _beyond(problem, norms, series.order, top)
    # a point is separated from one of the two ends by at most half of the total variation
    ends = max(first, spectral_bound(last))
    return min(_up(first + variation + beyond), _up(ends + variation / 2 + beyond))


def _beyond(problem: Problem, norms: list[list[arb]], order: int, top: arb) -> arb:
    """Coefficients of R/c of order ≥ K along the polynomial."""
    decay = _decay(norms, order)
    whole = _flattened(norms[0], decay)
    for layer in norms[1:]:
        whole = whole * _flattened(layer, decay)
    tail, factor = arb(0), top * arb((1, -decay))
    for coefficient in reversed(problem.force.majorant(whole).coeffs()[order:]):
        tail = tail * factor + abs(coefficient).upper()
    return tail * factor**order


def _along(norms: Sequence[arb], top: arb) -> arb:
    """Σ ‖w_k‖ θ^k."""
    total = arb(0)
    for norm in reversed(norms):
        total = total * top + norm
    return _up(total)
