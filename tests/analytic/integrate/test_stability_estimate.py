"""The rate at which errors of a mode can grow is the largest eigenvalue of its part of the whole −∇²L."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, arb_mat, ctx

from analytic.flow import GradientFlow
from analytic.integrate.problem import Problem
from analytic.integrate.sensitivity import Sensitivity, scaled_hessian
from analytic.loss import QuadraticLoss
from graphs.network import LinearNetwork

DATA = QuadraticLoss.from_data([[1, 2, 0], [2, -1, 1]], [[1, 0, 2], [2, 1, 1]])
MODES = {
    "target": (LinearNetwork(2, 3, 2), QuadraticLoss.diagonal(3, 1)),
    "rectangular": (LinearNetwork(3, 2, 2), QuadraticLoss.diagonal(3, 1, shape=(2, 3))),
    "one entry": (LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(2)),
    "one entry of data": (LinearNetwork(1, 1, 1), QuadraticLoss.from_data([[1, 2]], [[3, 1]])),
    "wide hidden layer": (LinearNetwork(1, 4, 1), QuadraticLoss.diagonal(2)),
    "diagonal": (LinearNetwork.diagonal(3, 2), QuadraticLoss.diagonal(3, 1, -1)),
    "diagonal, three layers": (LinearNetwork.diagonal(2, 3), QuadraticLoss.diagonal(3, 1)),
    "diagonal, data": (LinearNetwork.diagonal(2, 2), DATA),
}


def parts_of_modes(network):
    """Numbers of the parameters that belong to each mode, layer by layer and row by row."""
    shapes, supports = network.layer_shapes, network.supports
    places, found = {}, []
    for layer, ((rows, cols), support) in enumerate(zip(shapes, supports, strict=True)):
        for r in range(rows):
            for c in range(cols):
                if support is None or support[r][c]:
                    places[layer, r, c] = len(places)
    for j in range(min(network.widths[0], network.widths[-1])):
        if all(support is not None for support in supports):
            keys = [(layer, j, j) for layer in range(network.depth)]
        else:
            keys = [key for key in places if (key[0] == 0 and key[2] == j) or (key[0] == 1 and key[1] == j)]
        found.append([places[key] for key in keys])
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", MODES)
def test_rates_are_the_eigenvalues_of_the_modes_own_part_of_the_hessian(name, seed):
    network, loss = MODES[name]
    problem = Problem.of(GradientFlow(network, loss), 100)
    rng = np.random.default_rng(seed)
    with ctx.workprec(100):
        weights = [
            problem.masked(i, arb_mat(*shape, [arb(float(x)) for x in rng.normal(size=shape[0] * shape[1])]))
            for i, shape in enumerate(network.layer_shapes)
        ]
        estimate = Sensitivity(problem, weights)
        hessian, shift = scaled_hessian(problem, weights)
    parts = parts_of_modes(network)
    assert len(estimate._rates) == len(parts)
    for (value, scale), part in zip(estimate._rates, parts, strict=True):
        true = np.linalg.eigvalsh(-hessian[np.ix_(part, part)] * 2.0**shift)[-1]
        assert value * 2.0**scale == pytest.approx(true, rel=1e-9, abs=1e-9)
