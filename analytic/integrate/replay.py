"""Independent replay of a rigorous run: each step's defect again, from the whole defect polynomial at more bits.

d(θ) = p'(θ) − H F(p(θ)) has degree (2h − 1)K, or (dh − 1)K for a cost of degree d; here all its coefficients are
computed, no majorant is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING

from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import ball, fraction_of, unpack, unpacked_number
from analytic.integrate._norms import frobenius_bound, spectral_bound
from analytic.integrate.problem import Problem
from analytic.integrate.series import horner, taylor_series
from graphs.errors import HypothesisError

if TYPE_CHECKING:
    from analytic.integrate.trajectory import Trajectory

__all__ = ["replay"]

_EXTRA_BITS = 64


def replay(trajectory: Trajectory) -> bool:
    """Whether every bound of a rigorous run follows from the one before.

    Parameters
    ----------
    trajectory : Trajectory
        With ``rigorous=True``.

    Returns
    -------
    bool

    Raises
    ------
    HypothesisError
        If the run claims no bounds.

    Notes
    -----
    Some five times the cost of the run.
    """
    if trajectory.end_radius is None:
        raise HypothesisError("the run claims no bounds; integrate with rigorous=True")
    precision = trajectory.precision + _EXTRA_BITS
    problem = Problem.of(trajectory.flow, precision)
    shapes = trajectory.flow.network.layer_shapes
    segments = trajectory.segments
    if len(segments) == 1 and segments[0].start == segments[0].end:  # nothing was done: the end is the start
        with ctx.workprec(precision):
            only = [unpack(layer, shape) for layer, shape in zip(trajectory.end, shapes, strict=True)]
            apart = frobenius_bound([a - b for a, b in zip(trajectory.start.balls(), only, strict=True)])
            return bool(apart <= unpacked_number(trajectory.end_radius))
    if any(segment.order < 1 or segment.end <= segment.start for segment in segments):
        return False
    with ctx.workprec(precision):
        first = [unpack(layer, shape) for layer, shape in zip(segments[0].weights, shapes, strict=True)]
        start = [a - b for a, b in zip(trajectory.start.balls(), first, strict=True)]
        if segments[0].radius is None or frobenius_bound(start) > unpacked_number(segments[0].radius):
            return False
    for place, segment in enumerate(segments):
        following = segments[place + 1] if place + 1 < len(segments) else None
        end = trajectory.end if following is None else following.weights
        claimed = trajectory.end_radius if following is None else following.radius
        if claimed is None or segment.radius is None or (following is not None and following.start != segment.end):
            return False
        node = [unpack(layer, shape) for layer, shape in zip(segment.weights, shapes, strict=True)]
        unit = unpacked_number(segment.unit)
        series = taylor_series(trajectory.problem, node, segment.order, unit, trajectory.precision, enclose=True)
        with ctx.workprec(precision):
            target = [unpack(layer, shape) for layer, shape in zip(end, shapes, strict=True)]
            radius = unpacked_number(segment.radius)
            fraction = (segment.end - segment.start) / fraction_of(unit)
            if not _error_after(problem, series.layers, unit, fraction, radius, target) <= unpacked_number(claimed):
                return False
    return True


def _error_after(
    problem: Problem,
    layers: Sequence[list[arb_mat]],
    unit: arb,
    fraction: Fraction,
    radius: arb,
    target: Sequence[arb_mat],
) -> arb:
    """Bound for the distance of the solution from `target` at the end of the step."""
    theta = ball(fraction)
    top = theta.abs_upper()
    residuals, velocities = _whole_field(problem, layers)
    defect, power = arb(0), arb(1)
    for k in range(max(len(v) for v in velocities)):
        power = power * top
        parts = []
        for layer, velocity in zip(layers, velocities, strict=True):
            inside = velocity[k] * (-unit) if k < len(velocity) else None
            slope = layer[k + 1] * (k + 1) if k + 1 < len(layer) else None
            present = [part for part in (inside, slope) if part is not None]
            parts.append(sum(present[1:], present[0]) if present else arb_mat(1, 1))
        defect = defect + frobenius_bound(parts) * power / (k + 1)
    tube = (radius + defect) * 2
    for _ in range(64):
        rate = _rate(problem, layers, residuals, top, tube)
        reached = ((rate * unit * top).exp() * (radius + defect)).upper()
        if reached < tube:
            missed = [horner(layer, theta) - matrix for layer, matrix in zip(layers, target, strict=True)]
            return (reached + frobenius_bound(missed)).upper()
        tube = (reached * 2).upper()
    return arb("inf")


def _whole_field(problem: Problem, layers: Sequence[list[arb_mat]]) -> tuple[list[arb_mat], list[list[arb_mat]]]:
    """All coefficients of R/c and of the velocities along the polynomial."""
    forward = [list(layers[0])]
    for layer in layers[1:]:
        forward.append(_times(layer, forward[-1]))
    residuals = problem.force.composed(forward[-1])
    behind = [matrix * problem.factor for matrix in residuals]
    velocities = []
    for i in range(len(layers) - 1, 0, -1):
        outer = _times(behind, [matrix.transpose() for matrix in forward[i - 1]])
        velocities.append([problem.masked(i, matrix) for matrix in outer])
        behind = _times([matrix.transpose() for matrix in layers[i]], behind)
    velocities.append([problem.masked(0, matrix) for matrix in behind])
    return residuals, velocities[::-1]


def _times(left: Sequence[arb_mat], right: Sequence[arb_mat]) -> list[arb_mat]:
    """Whole product of two matrix polynomials."""
    found = []
    for k in range(len(left) + len(right) - 1):
        first = max(0, k - len(right) + 1)
        total = left[first] * right[k - first]
        for i in range(first + 1, min(k, len(left) - 1) + 1):
            total = total + left[i] * right[k - i]
        found.append(total)
    return found


def _rate(problem: Problem, layers: Sequence[list[arb_mat]], residuals: Sequence[arb_mat], top: arb, tube: arb) -> arb:
    """max_i Σ_{j≠i} ‖R‖₂ ∏_{l≠i,j}‖W_l‖₂, and what a concave part of C adds, over the tube."""
    depth, force = len(layers), problem.force
    if depth == 1 and force.is_convex:
        return arb(0)
    later = [_sum(layer[1:], top) for layer in layers]
    sizes = [frobenius_bound([layer[0]]) + rest for layer, rest in zip(layers, later, strict=True)]
    widest = prod((size + tube for size in sizes), start=arb(1))
    widened = force.widened(prod(sizes, start=arb(1)), widest)
    variation, first = _sum(residuals[1:], top), spectral_bound(residuals[0])
    last = spectral_bound(horner(residuals, top))
    along = min((first + variation).upper(), (max(first, last) + variation / 2).upper())
    residual = abs(problem.factor) * (along + widened)
    spectral = [spectral_bound(layer[0]) + rest + tube for layer, rest in zip(layers, later, strict=True)]
    rows = []
    for i in range(depth):
        others = (
            prod((spectral[k] for k in range(depth) if k not in (i, j)), start=arb(1)) for j in range(depth) if j != i
        )
        rows.append((residual * sum(others, arb(0))).upper())
    if force.is_convex:
        return max(rows)
    first_sizes = prod((frobenius_bound([layer[0]]) for layer in layers), start=arb(1))
    bend = force.concavity(problem.product([layer[0] for layer in layers]), widest - first_sizes)
    slopes = (prod((spectral[k] ** 2 for k in range(depth) if k != i), start=arb(1)) for i in range(depth))
    return (max(rows) + bend * sum(slopes, arb(0))).upper()


def _sum(matrices: Sequence[arb_mat], top: arb) -> arb:
    """Σ ‖M_k‖ θ^{k+1}."""
    total = arb(0)
    for matrix in reversed(matrices):
        total = (total + frobenius_bound([matrix])) * top
    return total
