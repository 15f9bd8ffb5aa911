"""Polynomial costs in numbers: how monomials grow, the Hessian in binary floats, the bounds that proofs lean on."""

from __future__ import annotations

import flint
import numpy as np
import pytest
from flint import arb, arb_mat, ctx

from analytic.flow import GradientFlow
from analytic.integrate._cost_polynomial import growth
from analytic.integrate._dyadic import float_matrix
from analytic.integrate._norms import frobenius_bound, spectral_bound
from analytic.integrate.problem import Problem
from analytic.integrate.sensitivity import negative_hessian
from analytic.smooth_loss import SmoothLoss
from graphs.network import LinearNetwork

P2 = SmoothLoss.symbols(2, 2)
MIXED = SmoothLoss(
    sum((p**2 - 1) ** 2 / 4 for p in P2) + P2[0, 0] * P2[1, 1] * P2[0, 1] / 3 - P2[0, 1] ** 2 * P2[1, 0] / 5 + P2[1, 0],
    P2,
)
WEIGHTS = [[["1/2", "1/3"], ["0", "1/4"]], [["1/5", "1"], ["-1/2", "1/3"]]]
DENSE = LinearNetwork(2, 2, 2)


def test_every_wanted_monomial_grows_from_one_that_is_there():
    wanted = {(0, 0, 0), (0, 1, 2), (1, 2), (3, 3, 3, 3)}
    there = {(place,) for place in range(4)}
    for monomial, factor, place in growth(wanted):
        assert factor in there and tuple(sorted((*factor, place))) == monomial
        there.add(monomial)
    assert wanted <= there


def test_hessian_in_binary_floats_is_that_of_sympy():
    for network, weights in ((DENSE, WEIGHTS), (LinearNetwork(2, 2, 2, 2), [*WEIGHTS, [["1/2", "0"], ["1/3", "1"]]])):
        flow = GradientFlow(network, MIXED)
        exact = np.array(flow.hessian(weights).tolist(), dtype=float)
        problem = Problem.of(flow, 100)
        balls = [arb_mat([[arb(flint.fmpq(e)) for e in row] for row in weight]) for weight in weights]
        product = problem.product(balls)
        bend, shift = problem.force.curvature(product, range(4))
        floats = [float_matrix(matrix) for matrix in balls]
        residual = float_matrix(problem.force.residual(product))
        ours = -negative_hessian(floats, residual, bend * 2.0**shift, network.supports)
        assert np.abs(ours - exact).max() < 1e-13


@pytest.mark.parametrize("seed", range(8))
def test_bounds_of_residual_and_concavity_hold_at_random_products(seed):
    rng = np.random.default_rng(seed)
    problem = Problem.of(GradientFlow(DENSE, MIXED), 80)
    force = problem.force
    center, step = rng.normal(size=(2, 2)), rng.normal(size=(2, 2)) * 10.0 ** rng.integers(-3, 1)
    with ctx.workprec(64):
        ball_center, moved = arb_mat(center.tolist()), arb_mat((center + step).tolist())
        change = frobenius_bound([arb_mat(step.tolist())])
        size = frobenius_bound([ball_center])
        assert frobenius_bound([force.residual(ball_center)]) <= force.majorant(size)
        difference = force.residual(moved) - force.residual(ball_center)
        assert spectral_bound(difference) * (1 - arb(2) ** -10) <= force.widened(size, size + change)
        bend, shift = force.curvature(moved, range(4))
        lowest = np.linalg.eigvalsh(bend * 2.0**shift)[0]
        assert arb(-float(lowest)) <= force.concavity(ball_center, change * (1 + arb(2) ** -40)) + arb(2) ** -40
