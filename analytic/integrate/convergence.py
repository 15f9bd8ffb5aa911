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

from analytic.integrate._dyadic import exponent, exponents, float_matrix, mpf
from analytic.integrate.precision import FEWEST_SPARE_BITS, natural_size
from analytic.integrate.problem import Problem, squared_norm
from analytic.integrate.sensitivity import scaled_hessian

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
        self.missing = 0  # bits by which rounding hides whether the weights have arrived
        with ctx.workprec(problem.precision):
            dense = problem.flow.network.is_dense
            self.least = problem.force.least_loss(min(problem.widths), problem.precision) if dense else None
            self.unit = natural_size(problem.flow)

    def judge(self, weights: Sequence[arb_mat]) -> Convergence | None:
        """The verdict, or None if the weights have not arrived."""
        problem, self.missing = self.problem, 0
        with ctx.workprec(problem.precision + 32):
            velocity = problem.velocity(weights)
            gradient = sum((squared_norm(v) for v in velocity), arb(0)).sqrt()
            size = sum((squared_norm(w) for w in weights), arb(0)).sqrt()
            if size.mid() == 0:
                return None
            size, wanted = max(size.mid(), self.unit), arb(10) ** (-self.digits)
            stiffness = problem.factor * arb((1, problem.force.pull)) * size ** (2 * problem.depth - 2)
            enough = (wanted * size).mid()
            if not gradient.mid() < (enough * stiffness).mid():
                return None
            kappa, radius = self._lojasiewicz(weights)
            certified = bool(kappa > 0 and (gradient * 2).mid() < (kappa * min(radius, enough)).mid())
            if certified:
                distance, excess = gradient * 2 / kappa, gradient * gradient / (2 * kappa)
                if not excess.mid() < (wanted * self._energy(weights)).mid():
                    return None
            else:
                found = self._estimated(weights, gradient, wanted)
                if found is None or not found[0].mid() < enough:
                    return None
                if kappa > 0:  # a proof is near: more steps, or more bits, will have it
                    noise = stiffness * size * arb((1, FEWEST_SPARE_BITS - problem.precision))
                    if max((gradient / 8).mid(), (kappa * enough / 8).mid()) < noise.mid():
                        self.missing = exponent(noise) - exponent(kappa * enough) + 4
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

    def _estimated(self, weights: Sequence[arb_mat], gradient: arb, wanted: arb) -> tuple[arb, arb] | None:
        """Distance and excess from the Hessian in binary floats, where there is no direction downhill."""
        hessian, shift = scaled_hessian(self.problem, weights)
        values = np.linalg.eigvalsh(hessian)
        flat = _FLAT * max(1.0, values[-1])
        positive = values[values > flat]
        if values[0] < -flat or not len(positive):
            return None
        if not self._is_minimum(weights, wanted):
            return None
        least = arb(float(positive[0])) * arb((1, shift))
        return gradient * 2 / least, gradient * gradient / least

    def _is_minimum(self, weights: Sequence[arb_mat], wanted: arb) -> bool:
        """Whether a critical point without a direction downhill is a minimum and no degenerate saddle."""
        problem, network = self.problem, self.problem.flow.network
        if self.least is not None:
            return bool((problem.loss(weights) - self.least).mid() < (wanted * self._energy(weights)).mid())
        product = problem.product(weights)
        pull, strength = arb((1, problem.force.pull)), self._strength(product)
        residual = problem.force.residual(product).entries()
        reached = [place for place, seen in enumerate(_reachable(problem).flat) if seen]
        if all(abs(residual[place]).mid() < (wanted * pull * strength).mid() for place in reached):
            bend = problem.force.curvature(product, reached)[0]
            bend = bend[np.ix_(bend.any(axis=0), bend.any(axis=0))]
            values = np.linalg.eigvalsh(bend) if bend.size else np.zeros(1)
            return problem.force.is_convex or bool(values[0] > _FLAT * max(1.0, values[-1]))
        if not network.is_dense:
            return network.depth <= 2
        values = np.linalg.svd(float_matrix(product, -max(exponents(product))), compute_uv=False)
        return bool(values[min(problem.widths) - 1] > _SINGULAR * values[0])

    def _strength(self, product: arb_mat) -> arb:
        """Size of the product or, if larger, of the target; large layers may have a product that is far smaller."""
        return max(squared_norm(product).sqrt().mid(), (self.unit**self.problem.depth).mid())

    def _energy(self, weights: Sequence[arb_mat]) -> arb:
        """What losses are small against."""
        problem = self.problem
        return problem.factor * arb((1, problem.force.pull)) * self._strength(problem.product(weights)) ** 2

    def _lojasiewicz(self, weights: Sequence[arb_mat]) -> tuple[arb, arb]:
        """κ at these weights, and the radius up to which a quarter of it is left; (0, 0) if it is of no use."""
        problem, shift = self.problem, max(max(exponents(matrix)) for matrix in weights)
        floats = [float_matrix(matrix, -shift) for matrix in weights]
        convexity = problem.force.convexity
        if not convexity > 0:
            return arb(0), arb(0)
        if problem.is_diagonal and not problem.force.couples:
            total, radius, convexity = self._lojasiewicz_of_entries(weights, floats)
        elif problem.flow.network.is_dense:
            total, radius = self._lojasiewicz_of(floats)
        else:
            return arb(0), arb(0)
        power = arb((1, shift * (2 * problem.depth - 2)))
        return convexity * arb(total) * power, arb(radius) * arb((1, shift))

    def _lojasiewicz_of_entries(self, weights: Sequence[arb_mat], floats: Sequence[Any]) -> tuple[float, float, arb]:
        """For diagonal layers, each entry by itself, which C bends by c G_jj: κ, the radius, and the unit of κ."""
        problem, count = self.problem, min(self.problem.widths)
        places = [j * problem.widths[0] + j for j in range(count)]
        bend, shift = problem.force.curvature(problem.product(weights), places)
        total = radius = math.inf
        for j, curvature in enumerate(np.diagonal(bend)):
            if curvature > 0:  # else C does not see this entry, which rests
                rate, reach = self._lojasiewicz_of([np.array([[matrix[j, j]]]) for matrix in floats])
                total, radius = min(total, float(curvature) * rate), min(radius, reach)
        return (total, radius, arb((1, shift))) if total < math.inf else (0.0, 0.0, arb(0))

    def _lojasiewicz_of(self, floats: Sequence[Any]) -> tuple[float, float]:
        """κ/κ_C and the radius for dense layers with entries of at most 1."""
        if len(floats) == 1:
            return 1.0, 1.0
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
        return total, radius


def _reachable(problem: Problem) -> Any:
    """Entries of P that a path of edges reaches."""
    network = problem.flow.network
    total = np.eye(problem.widths[0], dtype=bool)
    for support, shape in zip(network.supports, network.layer_shapes, strict=True):
        total = (np.ones(shape, bool) if support is None else np.array(support, bool)) @ total
    return total
