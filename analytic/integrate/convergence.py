"""When a flow has arrived: gradient and distance to the limit small, excess loss bracketed.

If ‖∇L‖² ≥ 2κ(L − L*) at W and with κ/4 on a ball of radius r ≥ 2‖∇L‖/κ, the rest of the way is shorter than that
(Łojasiewicz); full-rank layers give κ = κ_C (σ_min(W_{>1})² + σ_min(W_{<h})²) if ‖∇C‖² ≥ 2κ_C(C − min C).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import float_matrix, mpf
from analytic.integrate.problem import Problem, squared_norm
from analytic.integrate.sensitivity import negative_hessian

__all__ = ["Convergence", "Judge"]

_SINGULAR = 1e-6  # a least singular value below this, relative to the norms, is not trusted in binary floats
_SLACK = arb(1) + arb((1, -24))  # κ is found in binary floats, to 2^−32 at worst (see `_SINGULAR`)
_FLAT = 1e-9  # binary-float eigenvalues below this, relative to the largest, count as zero


@dataclass(frozen=True)
class Convergence:
    """What is known about the limit at the end of a run.

    Parameters
    ----------
    gradient : mpf
        Norm of the gradient.
    distance : mpf
        Bound for the length of the rest of the way.
    loss_lower, loss_upper : mpf
        Bracket of the limit of the loss.
    certified : bool
        Whether the bound for the distance is proved from the layers (up to the rounding of the run itself), or
        estimated from the Hessian in binary floats.
    """

    gradient: Any
    distance: Any
    loss_lower: Any
    loss_upper: Any
    certified: bool


class Judge:
    """Decides whether weights have converged to a minimum, to a given number of digits.

    A small gradient is not enough: at a saddle it is small too. Where the least loss of dense networks is known in
    closed form (quadratic losses) it must have been reached: a global minimum. Else the Hessian must have no direction
    downhill, and the residual must vanish at a product where C″ is positive definite (on the entries that C sees and
    paths reach) or C is a convex parabola, or a dense network must use its whole rank: a local minimum, estimated in
    binary floats. What is in between is not taken for convergence: degenerate minima of a cost of higher degree, and
    masked networks of three and more layers that cannot reach a zero residual, go on until a budget ends them.
    """

    def __init__(self, problem: Problem, digits: int) -> None:
        self.problem, self.digits = problem, digits
        with ctx.workprec(problem.precision):
            dense = problem.flow.network.is_dense
            self.least = problem.force.least_loss(min(problem.widths), problem.precision) if dense else None

    def judge(self, weights: Sequence[arb_mat]) -> Convergence | None:
        """The verdict, or None if the weights have not arrived."""
        problem = self.problem
        with ctx.workprec(problem.precision + 32):
            velocity = problem.velocity(weights)
            gradient = sum((squared_norm(v) for v in velocity), arb(0)).sqrt()
            size = sum((squared_norm(w) for w in weights), arb(0)).sqrt()
            wanted = arb(10) ** (-self.digits)
            if not gradient.mid() < wanted * size.mid() or size.mid() == 0:
                return None
            floats = [float_matrix(matrix) for matrix in weights]
            enough = (wanted * (1 + size)).mid()
            kappa, radius = self._lojasiewicz(floats)
            certified = kappa > 0 and float(gradient.mid()) * 2 / kappa < min(radius, float(enough))
            if certified:
                distance, excess = gradient * 2 / arb(kappa), gradient * gradient / (2 * arb(kappa))
            else:
                found = self._estimated(weights, floats, gradient, wanted)
                if found is None or not found[0].mid() < enough:
                    return None
                distance, excess = found
            loss = problem.loss(weights)
            lower, upper = self._floor((loss - excess * _SLACK).lower()), loss.upper()
            return Convergence(
                mpf(gradient.upper()), mpf((distance * _SLACK).upper()), mpf(lower), mpf(upper), certified
            )

    def _floor(self, bound: arb) -> arb:
        """The larger of a lower bound for the loss and the least loss that is possible, this one rounded down."""
        floors = [arb(0)] if self.problem.force.is_nonnegative else []
        if self.least is not None:
            floors.append((self.least - abs(self.least) * arb((1, 24 - self.problem.precision))).lower())
        return max([bound, *floors])

    def _estimated(
        self, weights: Sequence[arb_mat], floats: Sequence[Any], gradient: arb, wanted: arb
    ) -> tuple[arb, arb] | None:
        """Distance and excess from the Hessian in binary floats, where there is no direction downhill."""
        values = np.linalg.eigvalsh(-self._negative_hessian(floats))
        flat = _FLAT * max(1.0, values[-1])
        positive = values[values > flat]
        if values[0] < -flat or not len(positive):
            return None
        if not self._is_minimum(weights, floats, wanted):
            return None
        least = arb(float(positive[0]))
        return gradient * 2 / least, gradient * gradient / least

    def _is_minimum(self, weights: Sequence[arb_mat], floats: Sequence[Any], wanted: arb) -> bool:
        """Whether a critical point without a direction downhill is a minimum and no degenerate saddle."""
        problem, network = self.problem, self.problem.flow.network
        if self.least is not None:
            return bool((problem.loss(weights) - self.least).mid() < wanted)
        product = problem.product(weights)
        residual = problem.force.residual(product).entries()
        reached = [place for place, seen in enumerate(_reachable(problem).flat) if seen]
        pull = arb((1, problem.force.pull)) * (1 + squared_norm(product).sqrt().mid())
        if all(abs(residual[place]).mid() < (wanted * pull).mid() for place in reached):
            bend = problem.force.curvature(product, reached)[0]
            bend = bend[np.ix_(bend.any(axis=0), bend.any(axis=0))]
            values = np.linalg.eigvalsh(bend) if bend.size else np.zeros(1)
            return problem.force.is_convex or bool(values[0] > _FLAT * max(1.0, values[-1]))
        if not network.is_dense:
            return network.depth <= 2
        values = np.linalg.svd(float_matrix(product), compute_uv=False)
        return bool(values[min(problem.widths) - 1] > _SINGULAR * values[0])

    def _lojasiewicz(self, floats: Sequence[Any]) -> tuple[float, float]:
        """κ at these weights, and the radius up to which a quarter of it is left; (0, 0) if it is of no use."""
        if not self.problem.flow.network.is_dense:
            return 0.0, 0.0
        factor = self.problem.force.convexity
        if len(floats) == 1:
            return factor, 1.0
        total, radius = 0.0, 1.0
        for outer, group in ((True, floats[1:]), (False, floats[:-1])):
            product = group[0]
            for matrix in group[1:]:
                product = matrix @ product
            fits = product.shape[0] <= product.shape[1] if outer else product.shape[1] <= product.shape[0]
            least = float(np.linalg.svd(product, compute_uv=False)[-1])
            norms = [float(np.linalg.norm(matrix, 2)) for matrix in group]
            if fits and least > _SINGULAR * math.prod(norms):
                total += least**2
                # a change of r in each layer moves their product by ∏(‖W‖ + r) − ∏‖W‖, which must stay below half
                largest = max(1.0, *norms)
                radius = min(radius, least / (2 ** (len(group) + 1) * len(group) * largest ** (len(group) - 1)))
        return factor * total, radius

    def _negative_hessian(self, floats: Sequence[Any]) -> Any:
        problem = self.problem
        product = problem.product([arb_mat(matrix.tolist()) for matrix in floats])
        residual = float_matrix(problem.force.residual(product) * problem.factor)
        bend, shift = problem.force.curvature(product, range(product.nrows() * product.ncols()))
        return negative_hessian(floats, residual, bend * 2.0**shift, problem.flow.network.supports)


def _reachable(problem: Problem) -> Any:
    """Entries of P that a path of edges reaches."""
    network = problem.flow.network
    total = np.eye(problem.widths[0], dtype=bool)
    for support, shape in zip(network.supports, network.layer_shapes, strict=True):
        total = (np.ones(shape, bool) if support is None else np.array(support, bool)) @ total
    return total
