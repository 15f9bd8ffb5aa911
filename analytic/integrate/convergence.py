"""When a flow has arrived: gradient and distance to the limit small, excess loss bracketed, modes at their strengths.

Proved where layers have full rank or are diagonal (`lojasiewicz`, `rest`), else estimated from the Hessian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import NOTHING, exponent, exponents, float_matrix, mpf
from analytic.integrate.lojasiewicz import SINGULAR, growth_of_layers
from analytic.integrate.modes import Mode, RegressionMode, modes_of, regression_modes
from analytic.integrate.precision import natural_size
from analytic.integrate.problem import Problem, squared_norm
from analytic.integrate.rest import NotYet, Rest, Yardstick, brief, check_noise, rest_of_entries, rounding, stiffness
from analytic.integrate.sensitivity import scaled_hessian
from analytic.loss import QuadraticLoss

__all__ = ["Convergence", "Judge"]

_M = TypeVar("_M", Mode, RegressionMode)

_SLACK = arb(1) + arb((1, -24))  # κ is found in binary floats, to 2^−32 at worst (see `SINGULAR`)
_FLAT = 1e-9  # binary-float eigenvalues below this, relative to the largest, count as zero
_NEARLY_FLAT = 1e-7  # the same for curvatures of the cost
_FARTHER = 1.5  # times Newton's step
_NEAR = 1e-4  # rates below this, relative to the largest eigenvalue, take too many steps to wait for


@dataclass(frozen=True)
class Convergence:
    """What is known about the limit at the end of a run.

    Parameters
    ----------
    gradient : mpf
        Norm of the gradient.
    distance : mpf
        Bound for the length of the rest of the way; an estimate leaves out directions in which the Hessian is flat,
        such as the slow decay of weights that nothing has to be learnt with.
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
    closed form (quadratic losses) it must have been reached, a global minimum, and every mode of the target that a
    global minimum has must have its strength to the digits, however small it is beside the others. Else the Hessian
    must have no direction downhill, and the residual must vanish at a product where C″ is positive definite (on the
    entries that C sees and paths reach) or C is a convex parabola, or a dense network must use its whole rank: a local
    minimum, estimated in binary floats. What is in between is not taken for convergence: degenerate minima of a cost of
    higher degree, and masked networks of three and more layers that cannot reach a zero residual, go on until a budget
    ends them. Diagonal layers are judged entry by entry.

    An estimate does not see what is weaker than 1e-9 of the strongest; the bracket of the loss allows for that unless
    the cost is neither a parabola nor known to be nonnegative.
    """

    def __init__(self, problem: Problem, digits: int) -> None:
        self.problem, self.digits = problem, digits
        self.missing = 0  # bits by which rounding hides whether the weights have arrived
        self.waiting = ""  # what has not arrived where that is known
        with ctx.workprec(problem.precision):
            dense = problem.flow.network.is_dense
            self.least = problem.force.least_loss(min(problem.widths), problem.precision) if dense else None
            self.unit = natural_size(problem.flow)

    def judge(self, weights: Sequence[arb_mat]) -> Convergence | None:
        """The verdict, or None if the weights have not arrived."""
        self.missing, self.waiting = 0, ""
        with ctx.workprec(self.problem.precision + 32):
            try:
                return self._verdict(weights)
            except NotYet as reason:
                self.missing, self.waiting = reason.missing, reason.waiting
                return None

    def _verdict(self, weights: Sequence[arb_mat]) -> Convergence:
        problem = self.problem
        velocity = problem.velocity(weights)
        gradient = arb(sum((squared_norm(v) for v in velocity), arb(0)).upper()).sqrt()  # forces may cancel to noise
        size = sum((squared_norm(w) for w in weights), arb(0)).sqrt()
        if size.mid() == 0:
            raise NotYet
        measure = self._measure(size.mid(), problem.product(weights))
        is_parabola = problem.force.convexity > 0
        if problem.is_diagonal and (problem.chains is not None or (is_parabola and not problem.force.couples)):
            rest = rest_of_entries(problem, weights, velocity, measure)
        else:
            rest = self._rest_of_layers(weights, gradient, measure)
            self._check_modes(weights, measure)
        loss, excess, distance = problem.loss(weights), rest.excess * _SLACK, rest.distance * _SLACK
        bound = loss - (excess if rest.is_proved else max(excess, self._fall(loss, weights), key=_midpoint))
        lower, upper = self._floor(bound.lower()), loss.upper()
        return Convergence(mpf(gradient.upper()), mpf(distance.upper()), mpf(lower), mpf(upper), rest.is_proved)

    def _measure(self, size: arb, product: arb_mat) -> Yardstick:
        strength = max(squared_norm(product).sqrt().mid(), (self.unit**self.problem.depth).mid())
        return Yardstick(arb(10) ** (-self.digits), max(size, self.unit), strength)

    def _rest_of_layers(self, weights: Sequence[arb_mat], gradient: arb, measure: Yardstick) -> Rest:
        """All layers together: proved by their ranks, else estimated."""
        problem, growth = self.problem, growth_of_layers(self.problem, weights)
        enough, kappa = (measure.wanted * measure.size).mid(), growth.kappa
        steepness = stiffness(problem, measure.size)
        noise, most = steepness * measure.size * rounding(problem), (steepness * enough).mid()
        if not gradient.mid() < most:
            raise NotYet(waiting=f"the norm of the gradient is {brief(gradient)}, wanted is {brief(most)} at most")
        near = (kappa * min(growth.radius, enough) / 2).mid()
        if gradient.mid() < near:
            excess = gradient * gradient / (2 * kappa)
            if problem.force.is_nonnegative:
                excess = min(excess, problem.loss(weights), key=_midpoint)
            allowed = measure.excess(growth.convexity)
            if not excess.mid() < allowed:
                check_noise(noise, gradient, (2 * kappa * allowed).sqrt())
                raise NotYet(waiting=f"the loss may fall by {brief(excess)} yet, wanted is {brief(allowed)} at most")
            return Rest(gradient * 2 / kappa, excess)
        least, largest = self._eigenvalues(weights)
        distance = gradient * 2 / least
        if not distance.mid() < enough:
            raise NotYet(waiting=f"the rest of the way may be as long as {brief(distance)}, wanted is {brief(enough)}")
        if not self._is_minimum(weights, measure):
            known = "" if self.least is None else f", the least that the network can reach is {brief(self.least)}"
            raise NotYet(waiting=f"the loss is {brief(problem.loss(weights))}{known}")
        self._check_curvatures(weights)
        if kappa > _NEAR * largest:  # a proof is near: more steps, or more bits, will have it
            check_noise(noise, gradient, near)
            raise NotYet(waiting=f"the gradient, {brief(gradient)}, has to fall to {brief(near)} for a proof")
        excess = gradient * gradient / least
        if not excess.mid() < measure.loss(self._scale):
            raise NotYet(waiting=f"the loss may fall by {brief(excess)} yet")
        return Rest(distance, excess, is_proved=False)

    def _check_curvatures(self, weights: Sequence[arb_mat]) -> None:
        """A parabola that is nearly flat somewhere looks arrived where it has hardly begun."""
        force = self.problem.force
        if force.convexity > 0:
            product = self.problem.product(weights)
            bend, shift = force.curvature(product, range(product.nrows() * product.ncols()))
            if force.convexity < arb(_NEARLY_FLAT * float(abs(bend).max())) * arb((1, shift)):
                raise NotYet(
                    waiting="the loss is bent so unequally that an estimate from its Hessian would not see all"
                )

    def _check_modes(self, weights: Sequence[arb_mat], measure: Yardstick) -> None:
        """Where a global minimum has been reached, each mode of the target that it has must have its strength."""
        loss, rank = self.problem.flow.loss, min(self.problem.widths)
        if self.least is None or not isinstance(loss, QuadraticLoss):
            return
        modes = modes_of(self.problem)
        if len(modes) <= rank or loss.gram_scale is not None:
            for mode in _above_rank(modes, rank, measure):
                self._check_mode(mode, weights, measure)
        else:  # a minimum of less rank mixes the modes of the target
            for regression in _above_rank(regression_modes(self.problem), rank, measure):
                self._check_regression(regression, weights, measure)

    def _check_mode(self, mode: Mode, weights: Sequence[arb_mat], measure: Yardstick) -> None:
        """u_kᵀ P v_k = σ_k to the digits."""
        problem, found = self.problem, mode.learnt(self.problem.product(weights))
        gap, allowed = abs(found - mode.strength).mid(), (measure.wanted * mode.strength).mid()
        if not gap < allowed:
            first, last = weights[0], weights[-1]
            if problem.separated:
                first, last = first * mode.right, mode.left.transpose() * last
            check_noise(rounding(problem) * _norm_of((first, *weights[1:-1], last)[: problem.depth]), gap, allowed)
            raise NotYet(waiting=f"mode {mode.number} is {brief(gap)} away from its strength {brief(mode.strength)}")

    def _check_regression(self, mode: RegressionMode, weights: Sequence[arb_mat], measure: Yardstick) -> None:
        """u_kᵀ P Bᵀ u_k = σ_k² to the digits."""
        problem, square = self.problem, mode.strength**2
        found = (mode.left * problem.product(problem.back(weights)) * mode.across)[0, 0]
        gap, allowed = abs(found - square).mid(), (measure.wanted * square).mid()
        if not gap < allowed:
            check_noise(rounding(problem) * _norm_of([*weights, mode.across]), gap, allowed)
            raise NotYet(
                waiting=f"mode {mode.number} of the data is {brief(gap / square)} of its strength away from it"
            )

    def _fall(self, loss: arb, weights: Sequence[arb_mat]) -> arb:
        """Bound for what the loss can fall by at all, also where the Hessian is flat; 0 if none is known."""
        problem, convexity = self.problem, self.problem.force.convexity
        if self.least is not None:
            return loss - self.least
        if convexity > 0:
            return squared_norm(problem.residual(weights)) / (2 * convexity)
        return loss if problem.force.is_nonnegative else arb(0)

    def _floor(self, bound: arb) -> arb:
        """The larger of a lower bound for the loss and the least loss that is possible, this one rounded down."""
        floors = [arb(0)] if self.problem.force.is_nonnegative else []
        if self.least is not None:
            floors.append((self.least - abs(self.least) * arb((1, 24 - self.problem.precision))).lower())
        return max([bound, *floors])

    def _eigenvalues(self, weights: Sequence[arb_mat]) -> tuple[arb, arb]:
        """Least and largest positive eigenvalue of the Hessian in binary floats; no direction may lead downhill."""
        hessian, shift = scaled_hessian(self.problem, weights)
        values = np.linalg.eigvalsh(hessian)
        flat = _FLAT * max(1.0, values[-1])
        positive = values[values > flat]
        if values[0] < -flat:
            ratio = float(-values[0] / values[-1])
            raise NotYet(waiting=f"a direction leads downhill, bent by {ratio:.2g} of the strongest the other way")
        if not len(positive):
            raise NotYet
        return arb(float(positive[0])) * arb((1, shift)), arb(float(positive[-1])) * arb((1, shift))

    def _is_minimum(self, weights: Sequence[arb_mat], measure: Yardstick) -> bool:
        """Whether a critical point without a direction downhill is a minimum and no degenerate saddle."""
        problem, network = self.problem, self.problem.flow.network
        if self.least is not None:
            return bool((problem.loss(weights) - self.least).mid() < measure.loss(self._scale))
        product = problem.product(weights)
        allowed = measure.wanted * arb((1, problem.force.pull)) * measure.strength
        residual = problem.force.residual(product).entries()
        reached = [place for place, seen in enumerate(_reachable(problem).flat) if seen]
        if all(abs(residual[place]).mid() < allowed.mid() for place in reached):
            return problem.force.is_convex or self._is_bent(product, reached, residual)
        if not network.is_dense:
            return network.depth <= 2
        values = np.linalg.svd(float_matrix(product, -max(exponents(product))), compute_uv=False)
        return bool(values[min(problem.widths) - 1] > SINGULAR * values[0])

    def _is_bent(self, product: arb_mat, places: Sequence[int], residual: Sequence[arb]) -> bool:
        """Whether C″ is positive definite on the places it has, here and on the way that Newton's step suggests."""
        force = self.problem.force
        bend, shift = force.curvature(product, places)
        seen = np.flatnonzero(bend.any(axis=0))
        if not len(seen):
            return False
        bend = bend[np.ix_(seen, seen)]
        values, chosen = np.linalg.eigvalsh(bend), [places[int(k)] for k in seen]
        if not values[0] > _FLAT * max(1.0, values[-1]):
            return False
        left = [residual[place] * self.problem.factor for place in chosen]
        unit = max(map(exponent, left))
        if unit <= NOTHING:
            return True
        step = np.linalg.solve(bend, [float(entry * arb((1, -unit))) for entry in left])
        ahead = product.entries()
        for place, length in zip(chosen, step, strict=True):
            ahead[place] += arb(_FARTHER * float(length)) * arb((1, unit - shift))
        later, other = force.curvature(arb_mat(product.nrows(), product.ncols(), ahead), places)
        least = np.linalg.eigvalsh(later[np.ix_(seen, seen)])[0] * 2.0 ** (other - shift)
        return bool(least > values[0] / 2)

    @property
    def _scale(self) -> arb:
        """c ‖G‖."""
        return self.problem.factor * arb((1, self.problem.force.pull))


def _reachable(problem: Problem) -> Any:
    """Entries of P that a path of edges reaches."""
    network = problem.flow.network
    total = np.eye(problem.widths[0], dtype=bool)
    for support, shape in zip(network.supports, network.layer_shapes, strict=True):
        total = (np.ones(shape, bool) if support is None else np.array(support, bool)) @ total
    return total


def _above_rank(modes: Sequence[_M], rank: int, measure: Yardstick) -> Sequence[_M]:
    """Modes that every global minimum of that rank has: those stronger than the first that is left out."""
    if len(modes) <= rank:
        return modes
    bound = modes[rank].strength
    return [mode for mode in modes[:rank] if mode.strength - bound > measure.wanted * mode.strength]


def _norm_of(factors: Sequence[arb_mat]) -> arb:
    """∏ ‖W_i‖."""
    total = arb(1)
    for matrix in factors:
        total = total * squared_norm(matrix).sqrt()
    return total.mid()


def _midpoint(value: arb) -> arb:
    return value.mid()
