"""`integrate` beside mpmath.odefun and heyoka's arbitrary-precision Taylor integrator, compile time not counted."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest

from analytic.flow import GradientFlow
from analytic.integrate import integrate
from analytic.integrate.start import start_weights
from analytic.loss import QuadraticLoss
from graphs.network import LinearNetwork

SIGMA = (3, 2, 1, Fraction(1, 2))


def network_and_flow(widths):
    network = LinearNetwork(*widths)
    return network, GradientFlow(network, QuadraticLoss.diagonal(*SIGMA[: widths[0]]))


def ours(widths, digits, t, scale=1, kernel="public"):
    _, flow = network_and_flow(widths)
    run = {"scale": scale, "rng": 3, "t": t, "digits": digits, "events": None, "frame": "given", "kernel": kernel}
    return lambda: integrate(flow, **run).final


def velocity(layers, target):
    """dW/dt on rows of numbers or expressions that know + and ·."""

    def times(a, b):
        return [
            [
                sum((x * row[j] for x, row in zip(left[1:], b[1:], strict=True)), left[0] * b[0][j])
                for j in range(len(b[0]))
            ]
            for left in a
        ]

    def transpose(a):
        return [list(column) for column in zip(*a, strict=True)]

    products = [layers[0]]
    for layer in layers[1:]:
        products.append(times(layer, products[-1]))
    behind = [[m - p for m, p in zip(*rows, strict=True)] for rows in zip(target, products[-1], strict=True)]
    found = []
    for i in range(len(layers) - 1, 0, -1):
        found.insert(0, times(behind, transpose(products[i - 1])))
        behind = times(transpose(layers[i]), behind)
    return [behind, *found]


def odefun_run(widths, digits, t):
    network, _ = network_and_flow(widths)
    context = mpmath.mp.clone()
    context.dps = digits
    start = start_weights(network, None, 1, 3)
    flat = [context.mpf(e.numerator) / e.denominator for layer in start.layers for row in layer for e in row]
    target = [
        [context.mpf(SIGMA[r].numerator) / SIGMA[r].denominator if r == c else context.mpf(0) for c in range(widths[0])]
        for r in range(widths[-1])
    ]

    def field(_t, values):
        numbers = iter(values)
        layers = [[[next(numbers) for _ in range(cols)] for _ in range(rows)] for rows, cols in network.layer_shapes]
        return [entry for layer in velocity(layers, target) for row in layer for entry in row]

    return lambda: context.odefun(field, 0, flat)(context.mpf(t.numerator) / t.denominator)


def heyoka_run(widths, digits, t, scale=1):
    heyoka = pytest.importorskip("heyoka")
    numpy = pytest.importorskip("numpy")
    network, _ = network_and_flow(widths)
    bits = math.ceil(digits * math.log2(10)) + 20
    names = [f"w{i}" for i in range(network.num_parameters)]
    symbols = heyoka.make_vars(*names) if len(names) > 1 else [heyoka.make_vars(*names)]
    numbers = iter(symbols)
    layers = [[[next(numbers) for _ in range(cols)] for _ in range(rows)] for rows, cols in network.layer_shapes]
    target = [
        [heyoka.expression(float(SIGMA[r]) if r == c else 0.0) for c in range(widths[0])] for r in range(widths[-1])
    ]
    fields = [entry for layer in velocity(layers, target) for row in layer for entry in row]
    start = start_weights(network, None, scale, 3)
    state = [
        heyoka.real(e.numerator, bits) / heyoka.real(e.denominator, bits)
        for layer in start.layers
        for row in layer
        for e in row
    ]
    stepper = heyoka.taylor_adaptive(
        list(zip(symbols, fields, strict=True)),
        numpy.array(state, dtype=object),
        fp_type=heyoka.real,
        prec=bits,
        tol=heyoka.real(f"1e-{digits}", bits),
        compact_mode=True,
    )
    end = heyoka.real(t.numerator, bits) / heyoka.real(t.denominator, bits)

    def run():
        stepper.time = heyoka.real(0, bits)
        for k, value in enumerate(state):
            stepper.state[k] = value
        stepper.propagate_until(end)
        return [str(value) for value in stepper.state]

    return run


def same_digits(digits):
    def agree(first, second):
        with mpmath.workdps(digits + 10):
            flat = [entry for layer in first for entry in layer]
            return all(
                abs(a - mpmath.mpf(b)) < mpmath.mpf(10) ** (3 - digits) for a, b in zip(flat, second, strict=True)
            )

    return agree


def test_fifty_digits_beside_odefun(versus):
    t = Fraction(1, 2)
    versus(
        "[3,3,3], 50 digits, odefun",
        ours((3, 3, 3), 50, t),
        odefun_run((3, 3, 3), 50, t),
        ratio=1 / 30,
        agree=same_digits(48),
    )


@pytest.mark.parametrize(
    ("widths", "digits", "t", "scale", "ratio"),
    [
        ((3, 3, 3), 50, Fraction(2), 1, 1.0),
        ((3, 3, 3), 150, Fraction(1), 1, 1 / 1.5),
        ((3, 3, 3), 500, Fraction(3, 20), 1, 1 / 1.8),
        ((4, 4, 4, 4, 4), 50, Fraction(1), "1/2", 1.0),
        ((1, 1, 1), 50, Fraction(2), 1, 2.0),
    ],
)
def test_beside_heyoka_real(versus, widths, digits, t, scale, ratio):
    pytest.importorskip("heyoka")
    versus(
        f"{list(widths)}, {digits} digits, heyoka",
        ours(widths, digits, t, scale),
        heyoka_run(widths, digits, t, scale),
        ratio=ratio,
        requires="heyoka",
        agree=same_digits(digits - 2),
    )


@pytest.mark.parametrize(
    ("widths", "digits", "t", "scale", "ratio"),
    [
        ((3, 3, 3), 50, Fraction(2), 1, 1.0),
        ((4, 4, 4, 4, 4), 50, Fraction(1), "1/2", 1.0),
        ((1, 1, 1), 50, Fraction(2), 1, 2.0),
    ],
)
def test_optional_kernel_beside_heyoka_real(versus, widths, digits, t, scale, ratio):
    pytest.importorskip("heyoka")
    versus(
        f"{list(widths)}, {digits} digits, kernel libflint, heyoka",
        ours(widths, digits, t, scale, kernel="libflint"),
        heyoka_run(widths, digits, t, scale),
        ratio=ratio,
        requires="heyoka",
        agree=same_digits(digits - 2),
    )


def test_one_thousand_orders_of_magnitude(versus):
    _, flow = network_and_flow((3, 3, 3))
    versus(
        "[3,3,3], 1e-1000, t = 2400",
        lambda: integrate(flow, scale="1e-1000", rng=0, t=2400, digits=50, events=["modes"]),
        seconds=10,
    )


def test_wide_network_to_convergence(versus):
    flow = GradientFlow(LinearNetwork(10, 10, 10), QuadraticLoss.diagonal(*range(10, 0, -1)))
    versus(
        "[10,10,10], 1e-30, converged",
        lambda: integrate(flow, scale="1e-30", rng=0, until="converged", digits=20, events=None),
        seconds=60,
    )


def test_proof_beside_the_plain_run(versus):
    _, flow = network_and_flow((3, 3, 3))
    run = {"scale": "1e-20", "rng": 0, "t": 24, "precision": 200, "digits": 15, "events": None, "frame": "given"}
    versus(
        "[3,3,3], 1e-20, rigorous beside plain",
        lambda: integrate(flow, rigorous=True, **run),
        lambda: integrate(flow, **run),
        ratio=2.5,
    )
