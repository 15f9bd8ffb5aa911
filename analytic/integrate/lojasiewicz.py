"""How fast a loss falls near a minimum: κ with ‖∇L‖² ≥ 2κ(L − L*), and the radius on which κ/4 is left.

Layers of full rank give κ = κ_C (σ_min(W_{>1})² + σ_min(W_{<h})²) if ‖∇C‖² ≥ 2κ_C(C − min C); diagonal layers the
same entry by entry. If 2‖∇L‖/κ is below the radius, the rest of the way is shorter than 2‖∇L‖/κ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_mat

from analytic.integrate._dyadic import NOTHING, exponent, exponents, float_matrix
from analytic.integrate.problem import Problem

__all__ = ["SINGULAR", "Growth", "growth_of_entries", "growth_of_layers"]

SINGULAR = 1e-6  # a least singular value below this, relative to the norms, is not trusted in binary floats


@dataclass(frozen=True)
class Growth:
    """κ at some weights; zero if nothing is known.

    Parameters
    ----------
    kappa : arb
    radius : arb
    convexity : arb
        κ_C.
    """

    kappa: arb
    radius: arb
    convexity: arb


def growth_of_layers(problem: Problem, weights: Sequence[arb_mat]) -> Growth:
    """For all layers together; of no use for masked ones."""
    convexity, shift = problem.force.convexity, max(max(exponents(matrix)) for matrix in weights)
    if not convexity > 0 or not problem.flow.network.is_dense:
        return Growth(arb(0), arb(0), arb(0))
    total, radius = _of_floats([float_matrix(matrix, -shift) for matrix in weights])
    power = arb((1, shift * (2 * problem.depth - 2)))
    return Growth(convexity * arb(total) * power, arb(radius) * arb((1, shift)), convexity)


def growth_of_entries(problem: Problem, weights: Sequence[arb_mat]) -> list[Growth | None]:
    """For diagonal layers and a parabola, each entry by itself, bent by c G_jj; None where C does not see it."""
    found: list[Growth | None] = []
    for j in range(min(problem.widths)):
        entries, convexity = [matrix[j, j] for matrix in weights], _bend(problem, weights, j)
        shift = max(map(exponent, entries))
        if convexity == 0:
            found.append(None)
        elif convexity < 0 or shift <= NOTHING:
            found.append(Growth(arb(0), arb(0), arb(0)))
        else:
            total, radius = _of_floats([np.array([[float(entry * arb((1, -shift)))]]) for entry in entries])
            power = arb((1, shift * (2 * problem.depth - 2)))
            found.append(Growth(convexity * arb(total) * power, arb(radius) * arb((1, shift)), convexity))
    return found


def _bend(problem: Problem, weights: Sequence[arb_mat], j: int) -> arb:
    if problem.chains is not None:
        return problem.factor * problem.chains[j][1]
    bend, unit = problem.force.curvature(problem.product(weights), [j * problem.widths[0] + j])
    return arb(float(bend[0, 0])) * arb((1, unit))


def _of_floats(floats: Sequence[Any]) -> tuple[float, float]:
    """κ/κ_C and the radius for dense layers with entries of at most 1."""
    if len(floats) == 1:
        return 1.0, math.inf
    total, radius = 0.0, 1.0
    for outer, group in ((True, floats[1:]), (False, floats[:-1])):
        product = group[0]
        for matrix in group[1:]:
            product = matrix @ product
        fits = product.shape[0] <= product.shape[1] if outer else product.shape[1] <= product.shape[0]
        least = float(np.linalg.svd(product, compute_uv=False)[-1])
        norms = [float(np.linalg.norm(matrix, 2)) for matrix in group]
        if fits and least > SINGULAR * math.prod(norms):
            total += least**2
            # a change of r in each layer moves their product by ∏(‖W‖ + r) − ∏‖W‖, which must stay below half
            largest = max(1.0, *norms)
            radius = min(radius, least / (2 ** (len(group) + 1) * len(group) * largest ** (len(group) - 1)))
    return total, radius
