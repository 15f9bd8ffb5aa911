"""Flows against closed forms, from 1e-5 down to 1e-1000, and against other solvers where these can be trusted."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from analytic.flow import GradientFlow
from analytic.integrate import ModeLearnt, integrate
from analytic.loss import QuadraticLoss
from graphs.network import LinearNetwork

SCALAR = GradientFlow(LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(1))


def relative_gap(value, true):
    return abs(value - true) / abs(true)


def half_time(exponent):
    """Time at which u' = 2u(1 − u), u(0) = 10^−exponent, reaches ½ (THEORY 6.1), as a dyadic number of 400 bits."""
    with mpmath.workdps(1100 + 60):
        u = mpmath.mpf(10) ** -exponent
        return Fraction(int(mpmath.log((1 - u) / u) / 2 * mpmath.mpf(2) ** 400), 2**400)


# The trap: absolute error control below 1. Everybody reports success; the last two columns say who is right.
@pytest.mark.parametrize("digits", [15, 30, 60])
@pytest.mark.parametrize("exponent", [5, 30, 100, 300, 1000])
def test_scalar_mode_arrives_at_one_half_however_small_it_starts(exponent, digits):
    start = sympy.sqrt(sympy.Rational(1, 10**exponent))
    path = integrate(SCALAR, [[[start]], [[start]]], t=half_time(exponent), digits=digits)
    with mpmath.workdps(90):
        assert relative_gap(path.product()[0, 0], mpmath.mpf(1) / 2) < mpmath.mpf(10) ** -digits


@pytest.mark.parametrize(("exponent", "trapped"), [(6, False), (100, True)])
def test_scipy_falls_into_the_trap_that_we_avoid(exponent, trapped):
    answer = solve_ivp(lambda t, u: 2 * u * (1 - u), (0, float(half_time(exponent))), [10.0**-exponent])
    assert answer.success
    assert (abs(answer.y[0, -1] - 0.5) > 0.4) == trapped


def test_scipy_with_relative_control_alone_sees_what_binary_floats_can_hold():
    arguments = {"method": "DOP853", "rtol": 1e-10, "atol": 0}
    answer = solve_ivp(lambda t, u: 2 * u * (1 - u), (0, float(half_time(100))), [1e-100], **arguments)
    assert 1e-14 < abs(answer.y[0, -1] - 0.5) < 1e-7  # beyond 1e-308 the start is 0, and it never ends


@pytest.mark.parametrize(("exponent", "error"), [(5, 1e-60), (100, 1e-3), (300, 0.4), (1000, 0.4)])
def test_heyoka_at_its_default_tolerance_falls_into_the_trap_that_we_avoid(exponent, error):
    heyoka = pytest.importorskip("heyoka")
    bits, when = 237, half_time(exponent)
    u = heyoka.make_vars("u")
    start = heyoka.real(f"1e-{exponent}", bits)
    stepper = heyoka.taylor_adaptive([(u, 2 * u * (1 - u))], np.array([start]), fp_type=heyoka.real, prec=bits)
    stepper.propagate_until(heyoka.real(when.numerator, 2000) / heyoka.real(when.denominator, 2000))
    gap = abs(float(stepper.state[0] - heyoka.real("0.5", bits)))
    assert gap < error if exponent == 5 else gap > error


def test_odefun_falls_into_the_trap_that_we_avoid():
    context = mpmath.mp.clone()
    context.dps = 30
    solution = context.odefun(lambda t, u: [2 * u[0] * (1 - u[0])], 0, [context.mpf(10) ** -100])
    when = half_time(100)
    assert abs(solution(context.mpf(when.numerator) / when.denominator)[0] - 0.5) > 0.4


@pytest.mark.parametrize("widths", [(2, 2, 2), (2, 3, 2), (1, 2, 2, 1)])
def test_dense_flow_from_order_one_agrees_with_odefun(widths):
    table = [[i + 2 * j + 1 for j in range(widths[0])] for i in range(widths[-1])]
    flow = GradientFlow(LinearNetwork(*widths), QuadraticLoss(table))
    path = integrate(flow, scale="1/2", rng=3, t="0.2", digits=30)
    context = mpmath.mp.clone()
    context.dps = 33
    field = flow.network
    given_weights = path.start.layers
    flat = [context.mpf(e.numerator) / e.denominator for layer in given_weights for row in layer for e in row]
    target = context.matrix(table)

    def velocity(_t, values):
        position, layers = 0, []
        for rows, cols in field.layer_shapes:
            layers.append(context.matrix(rows, cols))
            for r in range(rows):
                for c in range(cols):
                    layers[-1][r, c] = values[position]
                    position += 1
        product = layers[0]
        prefixes = [context.eye(widths[0])]
        for layer in layers:
            prefixes.append(layer * prefixes[-1])
        product = prefixes[-1]
        behind, found = target - product, []
        for i in range(len(layers) - 1, -1, -1):
            found.insert(0, behind * prefixes[i].T)
            behind = layers[i].T * behind
        return [
            found[i][r, c]
            for i, (rows, cols) in enumerate(field.layer_shapes)
            for r in range(rows)
            for c in range(cols)
        ]

    theirs = context.odefun(velocity, 0, flat)(context.mpf(1) / 5)
    ours = [
        path.final[i][r, c]
        for i, (rows, cols) in enumerate(field.layer_shapes)
        for r in range(rows)
        for c in range(cols)
    ]
    with mpmath.workdps(50):
        assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < mpmath.mpf(10) ** -28


def test_decoupled_modes_follow_their_logistic_curves_to_all_digits():
    sigma, small, digits = (3, 2, 1), Fraction(1, 10**60), 40
    flow = GradientFlow(LinearNetwork(3, 3, 3), QuadraticLoss.diagonal(*sigma))
    eye = [[small if r == c else 0 for c in range(3)] for r in range(3)]
    path = integrate(flow, [eye, eye], t=200, times=[40, 70, 139], digits=digits)
    with mpmath.workdps(200):
        for t in (40, 70, 139, "151.25", 200):
            for mode, s in enumerate(sigma):
                start = mpmath.mpf(10) ** -120
                moment = mpmath.mpf(t)
                true = s / (1 + (s / start - 1) * mpmath.exp(-2 * s * moment))
                assert relative_gap(path.product(t)[mode, mode], true) < mpmath.mpf(10) ** -digits * 30


def test_deep_scalar_chain_follows_the_hypergeometric_clock():
    # THEORY 6.1: t = Φ(s(t)) − Φ(s_0), Φ(s) = −s^{2−h}/((h−2)σ) ₂F₁(1, (2−h)/h; 2/h; s^h/σ)
    depth, sigma, start = 3, 2, Fraction(1, 100)
    flow = GradientFlow(LinearNetwork(*[1] * (depth + 1)), QuadraticLoss.diagonal(sigma))
    path = integrate(flow, [[[start]]] * depth, until=ModeLearnt(1), digits=30)
    with mpmath.workdps(50):

        def clock(s):
            a = mpmath.mpf(2 - depth) / depth
            return (
                -(s ** (2 - depth))
                / ((depth - 2) * sigma)
                * mpmath.hyp2f1(1, a, mpmath.mpf(2) / depth, s**depth / sigma)
            )

        learnt = mpmath.mpf(1)  # σ/2 = 1
        true = clock(learnt ** (mpmath.mpf(1) / depth)) - clock(mpmath.mpf(1) / 100)
        assert relative_gap(path.events[-1].time, true) < mpmath.mpf(10) ** -29


def test_one_layer_relaxes_exponentially():
    flow = GradientFlow(LinearNetwork(2, 2), QuadraticLoss([[1, 2], [3, "1/2"]]))
    path = integrate(flow, [[[5, 0], ["1/3", -1]]], t=7, digits=50)
    with mpmath.workdps(70):
        for (r, c), (start, target) in {
            (0, 0): (5, 1),
            (1, 0): (mpmath.mpf(1) / 3, 3),
            (1, 1): (-1, mpmath.mpf(1) / 2),
        }.items():
            true = target + (start - target) * mpmath.exp(-7)
            assert relative_gap(path.final[0][r, c], true) < mpmath.mpf(10) ** -49


def test_balanced_two_layer_flow_is_the_riccati_solution():
    # THEORY 6.3 with λ = 0: P(t) from QQᵀ(t) = e^{Ft}Q₀[I + Q₀ᵀ(∫e^{2Fs}ds)Q₀]⁻¹Q₀ᵀe^{Ft}, F = [[0, Mᵀ], [M, 0]]
    target = [[2, 1], [0, 1]]
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss(target))
    first = [["1/10", "1/5"], ["-1/5", "1/10"]]  # W_1W_1ᵀ = I/20 = W_2ᵀW_2
    second = [["1/5", "1/10"], ["1/10", "-1/5"]]
    path = integrate(flow, [first, second], t=3, digits=30)
    with mpmath.workdps(60):
        m, zero = mpmath.matrix(target), mpmath.zeros(2, 2)
        force, start = mpmath.zeros(4, 4), mpmath.zeros(4, 2)
        w1 = mpmath.matrix([["0.1", "0.2"], ["-0.2", "0.1"]])
        w2 = mpmath.matrix([["0.2", "0.1"], ["0.1", "-0.2"]])
        for r in range(2):
            for c in range(2):
                force[r, 2 + c], force[2 + r, c] = m[c, r], m[r, c]
                start[r, c], start[2 + r, c] = w1[c, r], w2[r, c]
        assert zero == mpmath.zeros(2, 2)
        flown = mpmath.expm(force * 3)
        integral = (force * 2) ** -1 * (mpmath.expm(force * 6) - mpmath.eye(4))
        core = (mpmath.eye(2) + start.T * integral * start) ** -1
        whole = flown * start * core * start.T * flown
        gap = max(abs(path.product()[r, c] - whole[2 + r, c]) for r in range(2) for c in range(2))
        assert gap < mpmath.mpf(10) ** -29


@settings(max_examples=5)
@given(
    st.lists(st.integers(1, 3), min_size=3, max_size=3),
    st.integers(2, 150),
    st.integers(10, 40),
    st.integers(0, 10**6),
)
def test_random_networks_agree_with_themselves_at_more_digits(widths, exponent, digits, seed):
    flow = GradientFlow(
        LinearNetwork(*widths),
        QuadraticLoss.diagonal(*[3, 2, 1][: min(widths[0], widths[-1])], shape=(widths[-1], widths[0])),
    )
    first = integrate(flow, scale=f"1e-{exponent}", rng=seed, t=exponent, digits=digits, events=None)
    second = integrate(flow, scale=f"1e-{exponent}", rng=seed, t=exponent, digits=digits + 25, events=None)
    with mpmath.workdps(digits + 40):
        for ours, better in zip(first.final, second.final, strict=True):
            size = max(abs(e) for e in better)
            assert max(abs(a - b) for a, b in zip(ours, better, strict=True)) <= size * mpmath.mpf(10) ** -digits
    assert first.conservation_drift < mpmath.mpf(10) ** -digits


def test_learning_times_of_small_random_starts_are_ln_alpha_over_sigma():
    # THEORY 6.4: mode k reaches σ_k/2 at about ln(1/α)/σ_k
    flow = GradientFlow(LinearNetwork(3, 3, 3), QuadraticLoss.diagonal(3, 2, 1))
    path = integrate(flow, scale="1e-200", rng=5, until=ModeLearnt(3), digits=15, events=["modes"])
    times = {event.mode: float(event.time) for event in path.events}
    for mode, sigma in ((1, 3), (2, 2), (3, 1)):
        assert times[mode] == pytest.approx(200 * np.log(10) / sigma, rel=0.02)
