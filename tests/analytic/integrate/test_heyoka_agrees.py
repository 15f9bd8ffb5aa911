"""Random rectangular networks beside heyoka with a tolerance set by hand: smallest mode times accuracy wanted."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from analytic.flow import GradientFlow
from analytic.integrate import integrate
from analytic.integrate.start import start_weights
from analytic.loss import QuadraticLoss
from graphs.network import LinearNetwork


def random_flow(widths, seed):
    numbers = np.random.default_rng(seed).integers(-6, 7, (widths[-1], widths[0]))
    return GradientFlow(LinearNetwork(*widths), QuadraticLoss([[Fraction(int(n), 3) for n in row] for row in numbers]))


@pytest.mark.parametrize(
    ("widths", "scale", "time"), [((2, 3, 1), "1e-20", 20), ((3, 1, 2), "1e-60", 40), ((1, 2, 3, 2), "1/2", 1)]
)
def test_heyoka_with_a_tolerance_set_by_hand_agrees_on_rectangular_networks(widths, scale, time):
    heyoka = pytest.importorskip("heyoka")
    flow = random_flow(widths, 5)
    digits, small = 25, 1 if scale == "1/2" else int(scale[3:])
    bits = math.ceil((digits + 2 * small + 20) * math.log2(10))
    network, target = flow.network, flow.loss.target
    symbols = heyoka.make_vars(*[f"w{i}" for i in range(network.num_parameters)])
    numbers = iter(symbols)
    layers = [np.array([[next(numbers) for _ in range(c)] for _ in range(r)]) for r, c in network.layer_shapes]
    prefixes = [layers[0]]
    for layer in layers[1:]:
        prefixes.append(layer @ prefixes[-1])
    real = lambda x: heyoka.real(int(x.p), bits) / heyoka.real(int(x.q), bits)  # noqa: E731
    behind = np.array([[heyoka.expression(real(x)) for x in row] for row in target.tolist()]) - prefixes[-1]
    field = []
    for i in range(len(layers) - 1, 0, -1):
        field.insert(0, behind @ prefixes[i - 1].T)
        behind = layers[i].T @ behind
    field.insert(0, behind)
    fractions = [e for layer in start_weights(network, None, scale, 4).layers for row in layer for e in row]
    state = np.array([heyoka.real(f.numerator, bits) / heyoka.real(f.denominator, bits) for f in fractions])
    equations = list(zip(symbols, [entry for layer in field for entry in layer.flat], strict=True))
    tolerance = heyoka.real(f"1e-{digits + 2 * small}", bits)
    stepper = heyoka.taylor_adaptive(equations, state, fp_type=heyoka.real, prec=bits, tol=tolerance, compact_mode=True)
    stepper.propagate_until(heyoka.real(time, bits))
    ours = integrate(flow, scale=scale, rng=4, t=time, digits=digits)
    with mpmath.workdps(digits + 2 * small + 20):
        theirs = iter([mpmath.mpf(str(value)) for value in stepper.state])
        for layer in ours.final:
            other = mpmath.matrix([[next(theirs) for _ in range(layer.cols)] for _ in range(layer.rows)])
            assert mpmath.mnorm(layer - other, "f") <= mpmath.mnorm(layer, "f") * mpmath.mpf(10) ** (2 - digits)
