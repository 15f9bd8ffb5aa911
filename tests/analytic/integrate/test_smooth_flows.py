"""Flows of polynomial costs C(W_h⋯W_1): closed forms, peers in binary floats, exact series, proofs, storage."""

from __future__ import annotations

import json
import pickle
import random
from dataclasses import replace
from fractions import Fraction

import flint
import mpmath
import pytest
import sympy
from flint import arb, arb_mat, ctx
from scipy.integrate import solve_ivp

from analytic.flow import GradientFlow
from analytic.integrate import (
    LossLevel,
    ModeLearnt,
    PlateauSpeed,
    PolynomialEvent,
    SingularValueLevel,
    Status,
    Trajectory,
    gradient_descent,
    integrate,
)
from analytic.integrate.convergence import Judge
from analytic.integrate.problem import Problem
from analytic.integrate.series import taylor_series
from analytic.loss import QuadraticLoss
from analytic.smooth_loss import SmoothLoss
from graphs.errors import DimensionError, HypothesisError, InexactInputError, PrecisionError
from graphs.network import LinearNetwork

P1 = SmoothLoss.symbols(1, 1)
P2 = SmoothLoss.symbols(2, 2)
WELL = SmoothLoss((P1[0, 0] ** 2 - 1) ** 2 / 4, P1)
WELLS = SmoothLoss(sum((p**2 - 1) ** 2 / 4 for p in P2), P2)
MIXED = SmoothLoss(
    sum((p**2 - 1) ** 2 / 4 for p in P2) + P2[0, 0] * P2[1, 1] * P2[0, 1] / 3 - P2[0, 1] ** 2 * P2[1, 0] / 5 + P2[1, 0],
    P2,
)
COMPLETION = SmoothLoss.weighted([[1, 2], [2, 0]], [[1, 1], [1, 0]])
WEIGHTS = [[["1/2", "1/3"], ["0", "1/4"]], [["1/5", "1"], ["-1/2", "1/3"]]]
DENSE = LinearNetwork(2, 2, 2)
MASKED = LinearNetwork(2, 2, 2, supports=[[[1, 1], [0, 1]], [[1, 0], [1, 1]]])
MASKED_WEIGHTS = [[["1/2", "1/3"], ["0", "1/4"]], [["1/5", "0"], ["-1/2", "1/3"]]]


def gap(ours, theirs):
    """Largest difference of entries."""
    with mpmath.workdps(120):
        return max(abs(x - y) for a, b in zip(ours, theirs, strict=True) for x, y in zip(a, b, strict=True))


def scipy_end(flow, weights, t):
    """DOP853 with the gradient by sympy's own derivatives of C(W_h⋯W_1), zero where there is no edge."""
    network = flow.network
    symbols = list(network.parameters())
    value = flow.loss.cost.xreplace(dict(zip(flow.loss.entries, flow.product(network.symbols()), strict=True)))
    field = sympy.lambdify([symbols], [-value.diff(symbol) for symbol in symbols])
    start = [float(Fraction(weights[layer - 1][r][c])) for layer, r, c in network.edges()]
    end = solve_ivp(lambda _, w: field(w), (0, t), start, method="DOP853", rtol=1e-13, atol=1e-14).y[:, -1]
    return {edge: end[k] for k, edge in enumerate(network.edges())}


def assert_near_scipy(flow, weights, t):
    run = integrate(flow, weights, t=t, digits=20)
    for (layer, r, c), value in scipy_end(flow, weights, t).items():
        assert abs(float(run.final[layer - 1][r, c]) - value) < 1e-10
    return run


def test_a_quadratic_cost_follows_the_very_nodes_of_the_quadratic_loss():
    target = [[2, 1], [0, 1]]
    known = integrate(GradientFlow(DENSE, QuadraticLoss(target)), WEIGHTS, t=3, digits=40, frame="given")
    smooth = integrate(GradientFlow(DENSE, SmoothLoss.weighted(target, [[1, 1], [1, 1]])), WEIGHTS, t=3, digits=40)
    assert smooth.end == known.end
    assert smooth.exact_times == known.exact_times
    assert gap([smooth.loss], [known.loss]) < mpmath.mpf(10) ** -46


@pytest.mark.parametrize("widths", [(3, 2), (3, 1, 2), (3, 2, 2, 2)])
def test_costs_of_data_agree_with_from_data(widths):
    inputs, outputs = [[1, 2, 0, -1], [0, 1, 1, 2], [2, 0, -1, 1]], [[1, 0, 2, 1], [3, -1, 0, 1]]
    p = SmoothLoss.symbols(2, 3)
    missed = sympy.Matrix(outputs) - p * sympy.Matrix(inputs)
    network = LinearNetwork(*widths)
    runs = [
        integrate(GradientFlow(network, loss), scale="1/2", rng=5, t=1, digits=30, frame="given")
        for loss in (
            SmoothLoss(sum(entry**2 for entry in missed) / 8, p),
            QuadraticLoss.from_data(inputs, outputs, normalisation="mean"),
        )
    ]
    assert gap(runs[0].final, runs[1].final) < mpmath.mpf(10) ** -31
    assert gap([runs[0].loss[-1:]], [runs[1].loss[-1:]]) < mpmath.mpf(10) ** -30


@pytest.mark.parametrize("exponent", [5, 30, 300])
def test_double_well_follows_its_closed_form_however_small_it_starts(exponent):
    # x' = x − x³ is Bernoulli's equation: x^{−2} = 1 + (x_0^{−2} − 1)e^{−2t}
    start, t = f"1e-{exponent}", int(exponent * 2.302585) + 2
    run = integrate(GradientFlow(LinearNetwork(1, 1), WELL), [[[start]]], t=t, digits=30)
    with mpmath.workdps(50 + exponent // 2):
        true = 1 / mpmath.sqrt(1 + (mpmath.mpf(start) ** -2 - 1) * mpmath.exp(-2 * t))
        assert abs(run.final[0][0, 0] / true - 1) < mpmath.mpf(10) ** -30
        assert 0.5 < true < 1


@pytest.mark.parametrize("exponent", [3, 40])
def test_two_layers_leave_a_flat_maximum_in_the_time_of_the_closed_form(exponent):
    # balanced, p' = 2p²(1 − p²): 2t = F(p) − F(p_0) with F(p) = artanh p − 1/p; the force vanishes at the start's limit
    start = f"1e-{exponent}"
    t = Fraction(10) ** (2 * exponent) / 2 - 10 ** (2 * exponent - 2)
    run = integrate(GradientFlow(LinearNetwork(1, 1, 1), WELL), [[[start]], [[start]]], t=t, digits=30)
    with mpmath.workdps(300):
        product, first = run.product()[0, 0], mpmath.mpf(start) ** 2
        clock = lambda p: mpmath.atanh(p) - 1 / p  # noqa: E731
        passed = (clock(product) - clock(first)) / 2
        assert abs(passed / (mpmath.mpf(t.numerator) / t.denominator) - 1) < mpmath.mpf(10) ** -30


def test_quartic_well_in_two_layers_agrees_with_odefun():
    flow = GradientFlow(LinearNetwork(1, 1, 1), SmoothLoss((P1[0, 0] - 2) ** 4 / 4 + P1[0, 0] ** 3 / 7, P1))
    run = integrate(flow, [[["1/2"]], [["1/3"]]], t=1, digits=35)
    with mpmath.workdps(45):

        def field(_, w):
            p = w[0] * w[1]
            force = -((p - 2) ** 3) - 3 * p**2 / 7
            return [force * w[1], force * w[0]]

        true = mpmath.odefun(field, 0, [mpmath.mpf(1) / 2, mpmath.mpf(1) / 3])(1)
        assert max(abs(run.final[k][0, 0] - true[k]) for k in range(2)) < mpmath.mpf(10) ** -35


def test_rank_one_matrix_completion_agrees_with_scipy_and_conserves_its_balance():
    network = LinearNetwork(2, 1, 2)
    weights = [[["1/2", "1/3"]], [["1/5"], ["1/2"]]]
    run = assert_near_scipy(GradientFlow(network, COMPLETION), weights, 3)
    assert run.conservation_drift < mpmath.mpf(10) ** -22
    with mpmath.workdps(40):
        balance = Fraction(1, 25) + Fraction(1, 4) - Fraction(1, 4) - Fraction(1, 9)
        kept = run.balancedness()[0][0, 0]
        assert abs(kept - mpmath.mpf(balance.numerator) / balance.denominator) < mpmath.mpf(10) ** -20


@pytest.mark.parametrize("loss", [COMPLETION, MIXED], ids=["completion", "mixed"])
def test_dense_and_masked_networks_agree_with_scipy(loss):
    assert_near_scipy(GradientFlow(DENSE, loss), WEIGHTS, 2)
    run = assert_near_scipy(GradientFlow(MASKED, loss), MASKED_WEIGHTS, 2)
    assert run.final[0][1, 0] == 0


def test_diagonal_networks_with_a_separable_cost_are_scalar_networks():
    cost = (P2[0, 0] - 2) ** 2 / 2 + (P2[1, 1] ** 2 - 1) ** 2 / 4 + P2[0, 1] * P2[1, 0]
    starts = [("1e-30", "2e-30"), ("1/7", "1/3")]
    weights = [[[starts[0][k], 0], [0, starts[1][k]]] for k in range(2)]
    run = integrate(GradientFlow(LinearNetwork.diagonal(2, 2), SmoothLoss(cost, P2)), weights, t=36, digits=25)
    parts = [(P1[0, 0] - 2) ** 2 / 2, (P1[0, 0] ** 2 - 1) ** 2 / 4]
    for j, (part, start) in enumerate(zip(parts, starts, strict=True)):
        single = integrate(
            GradientFlow(LinearNetwork(1, 1, 1), SmoothLoss(part, P1)), [[[start[0]]], [[start[1]]]], t=36, digits=25
        )
        for layer in range(2):
            with mpmath.workdps(50):
                assert abs(run.final[layer][j, j] / single.final[layer][0, 0] - 1) < mpmath.mpf(10) ** -25


def test_diagonal_networks_whose_entries_couple_agree_with_scipy():
    cost = (P2[0, 0] - 2) ** 2 / 2 + (P2[1, 1] - 1) ** 4 / 4 + P2[0, 0] * P2[1, 1] ** 2 / 10
    weights = [[["1/4", "0"], ["0", "1/3"]], [["1/5", "0"], ["0", "1/2"]]]
    run = assert_near_scipy(GradientFlow(LinearNetwork.diagonal(2, 2), SmoothLoss(cost, P2)), weights, 2)
    far = integrate(run.flow, [[["1e-30", 0], [0, "1e-2"]], [["2e-30", 0], [0, "1e-3"]]], t=40, digits=25, verify=True)
    assert far.agreed_digits >= 25


def exact_series(flow, weights, order):
    """W_{k+1} = v_k/(k + 1) with fmpq_poly arithmetic, the gradient by sympy's derivatives."""
    layers = [[[flint.fmpq_poly([flint.fmpq(e)]) for e in row] for row in weight] for weight in weights]
    slopes = [
        [(powers, flint.fmpq(int(c.p), int(c.q))) for powers, c in sympy.Poly(-entry, *flow.loss.entries).terms()]
        for entry in flow.loss.gradient.flat()
    ]

    def times(a, b):
        cols = range(len(b[0]))
        return [[sum((x * y[c] for x, y in zip(row, b, strict=True)), flint.fmpq_poly()) for c in cols] for row in a]

    def flipped(a):
        return [list(column) for column in zip(*a, strict=True)]

    for k in range(order):
        forward = [layers[0]]
        for layer in layers[1:]:
            forward.append(times(layer, forward[-1]))
        entries = [entry for row in forward[-1] for entry in row]
        flat = []
        for terms in slopes:
            total = flint.fmpq_poly()
            for powers, c in terms:
                product = flint.fmpq_poly([c])
                for entry, power in zip(entries, powers, strict=True):
                    product = product * entry**power
                total = total + product
            flat.append(total)
        cols = len(forward[-1][0])
        behind = [flat[i : i + cols] for i in range(0, len(flat), cols)]
        rates = [None] * len(layers)
        for i in range(len(layers) - 1, -1, -1):
            rates[i] = times(behind, flipped(forward[i - 1])) if i else behind
            behind = times(flipped(layers[i]), behind)
        for i, layer in enumerate(layers):
            for r, row in enumerate(layer):
                for c in range(len(row)):
                    if flow.network.has_edge(i + 1, r, c):
                        row[c] = row[c] + flint.fmpq_poly([0] * (k + 1) + [rates[i][r][c][k] / (k + 1)])
    return layers


@pytest.mark.parametrize("seed", range(6))
def test_coefficients_equal_those_of_exact_polynomial_arithmetic(seed):
    rng = random.Random(seed)
    network = [DENSE, MASKED, LinearNetwork(2, 2), LinearNetwork(2, 1, 2, 2), LinearNetwork.diagonal(2, 3)][seed % 5]
    entries, cost = list(P2), sympy.Integer(0)
    for _ in range(8):
        factors = [rng.choice(entries) for _ in range(rng.randint(1, 5))]
        cost += sympy.Rational(rng.randint(-9, 9), rng.randint(1, 5)) * sympy.Mul(*factors)
    flow = GradientFlow(network, SmoothLoss(cost, P2))
    weights = [
        [
            [Fraction(rng.randint(-9, 9), 8) if network.has_edge(i, r, c) else Fraction(0) for c in range(cols)]
            for r in range(rows)
        ]
        for i, (rows, cols) in enumerate(network.layer_shapes, start=1)
    ]
    order = 15
    exact = exact_series(flow, [[[str(e) for e in row] for row in weight] for weight in weights], order)
    with ctx.workprec(400):
        start = [arb_mat([[arb(flint.fmpq(str(e))) for e in row] for row in weight]) for weight in weights]
        series = taylor_series(Problem.of(flow, 400), start, order, arb(1), 380)
        for layer, true in zip(series.layers, exact, strict=True):
            for k, matrix in enumerate(layer):
                for r, row in enumerate(true):
                    for c, entry in enumerate(row):
                        error = abs(float((matrix[r, c] - arb(entry[k])).mid()))
                        assert error < 1e-90 * (1 + max(abs(float(x)) for x in entry.coeffs() or [0]))


PROVED = {
    "completion": (DENSE, COMPLETION, WEIGHTS),
    "mixed": (DENSE, MIXED, WEIGHTS),
    "mixed, three layers": (LinearNetwork(2, 2, 2, 2), MIXED, [*WEIGHTS, [["1/2", "0"], ["1/3", "1"]]]),
    "mixed, one layer": (LinearNetwork(2, 2), MIXED, WEIGHTS[:1]),
    "masked": (MASKED, MIXED, MASKED_WEIGHTS),
}


@pytest.mark.parametrize("name", PROVED)
def test_proved_ball_contains_a_run_with_twice_the_digits_and_replays(name):
    network, loss, weights = PROVED[name]
    flow = GradientFlow(network, loss)
    run = integrate(flow, weights, t=1, digits=20, rigorous=True)
    better = integrate(flow, weights, t=1, digits=40)
    with mpmath.workdps(60):
        layers = zip(run.final, better.final, strict=True)
        missed = mpmath.sqrt(sum((x - y) ** 2 for a, b in layers for x, y in zip(a, b, strict=True)))
        assert missed <= run.error_bound < mpmath.mpf(10) ** -20
    assert run.verify()


def test_a_bound_that_is_lost_is_proved_with_more_bits():
    cost = (P2[0, 0] ** 2 - 9) ** 2 / 4 + (P2[1, 1] ** 2 - 4) ** 2 + P2[0, 0] * P2[1, 1]
    flow = GradientFlow(LinearNetwork.diagonal(2, 2), SmoothLoss(cost, P2))
    weights = [[["1/2", 0], [0, "1/3"]], [["1/4", 0], [0, 1]]]
    run = integrate(flow, weights, t=1, digits=15, rigorous=True)
    assert gap(run.final, integrate(flow, weights, t=1, digits=30).final) <= run.error_bound < mpmath.mpf(10) ** -15
    with pytest.raises(PrecisionError, match="bound has grown"):
        integrate(flow, weights, t=1, digits=15, rigorous=True, precision=run.precision // 2)


def test_a_tampered_step_does_not_replay():
    run = integrate(GradientFlow(DENSE, MIXED), WEIGHTS, t=1, digits=20, rigorous=True)
    middle = run.steps // 2
    first = run.segments[middle]
    (m, e), *rest = first.weights[0]
    moved = replace(first, weights=(((m + (1 << (-e - 60)), e), *rest), *first.weights[1:]))
    forged = replace(run, segments=(*run.segments[:middle], moved, *run.segments[middle + 1 :]))
    assert not forged.verify()
    m, e = run.end_radius
    assert not replace(run, end_radius=(m, e - 40)).verify()


def test_saved_reloaded_pickled_and_resumed_is_one_run(tmp_path):
    flow = GradientFlow(DENSE, MIXED)
    half, whole = (integrate(flow, WEIGHTS, t=t, digits=25, times=["1/2"]) for t in ("1/2", "1"))
    half = integrate(flow, WEIGHTS, t="1/2", digits=25)
    half.save(tmp_path / "run.json")
    again = Trajectory.load(tmp_path / "run.json")
    assert again == half == pickle.loads(pickle.dumps(half))
    assert again.flow.loss == MIXED
    resumed = again.resume(t=1)
    assert resumed.exact_times[-1] == 1
    assert gap(resumed.final, whole.final) < mpmath.mpf(10) ** -26
    assert json.dumps(resumed.to_dict())


def test_any_cost_survives_its_dictionary_and_text_is_never_evaluated():
    q = sympy.symbols("q")
    losses = [
        MIXED,
        SmoothLoss.logistic([[1, -1]]),
        SmoothLoss.huber([[1, 2]], "1/2"),
        SmoothLoss(2 * sympy.pi * q**2 + sympy.sqrt(2) * q, [[q]]),
        SmoothLoss(sympy.Mul(2, q + 1, evaluate=False), [[q]]),
    ]
    for loss in losses:
        assert SmoothLoss.from_dict(json.loads(json.dumps(loss.to_dict()))) == loss
    for tree in (["Rational", "__import__('os').getcwd()"], ["getattr", ["Rational", "1"]], ["Rational"], "p_11", 3):
        with pytest.raises(HypothesisError, match="SmoothLoss"):
            SmoothLoss.from_dict({**MIXED.to_dict(), "tree": tree})
    with pytest.raises(HypothesisError, match="SmoothLoss"):
        SmoothLoss.from_dict({"shape": [1, 1], "cost": "p_11**2"})


def test_ridge_converges_with_a_proved_distance_to_its_closed_form():
    # C is least at P = M/(1 + μ), where it is μ‖M‖²/(2(1 + μ))
    run = integrate(GradientFlow(DENSE, SmoothLoss.ridge([[3, 1], [0, 2]], "1/2")), WEIGHTS, until="converged")
    assert run.status is Status.CONVERGED and run.convergence.certified
    with mpmath.workdps(40):
        true = mpmath.matrix([[3, 1], [0, 2]]) * 2 / 3
        assert max(abs(x) for x in run.product() - true) < mpmath.mpf(10) ** -29
        least = mpmath.mpf(14) / 6
        assert run.convergence.loss_lower <= least + mpmath.mpf(10) ** -38
        assert abs(run.convergence.loss_upper - least) < mpmath.mpf(10) ** -29


def test_wells_and_bottlenecked_completion_converge_by_estimate():
    wells = integrate(GradientFlow(DENSE, WELLS), WEIGHTS, until="converged", digits=20)
    assert wells.status is Status.CONVERGED and not wells.convergence.certified
    with mpmath.workdps(30):
        assert max(abs(abs(p) - 1) for p in wells.product()) < mpmath.mpf(10) ** -19
    weights = [[["1/2", "1/3"]], [["1/5"], ["1/2"]]]
    found = integrate(GradientFlow(LinearNetwork(2, 1, 2), COMPLETION), weights, until="converged", digits=20)
    with mpmath.workdps(30):
        # the only completion of rank one puts 4 where nothing is known
        assert abs(found.product()[1, 1] - 4) < mpmath.mpf(10) ** -18


def test_a_plateau_of_a_smooth_cost_is_not_taken_for_convergence(monkeypatch):
    # three layers: the saddle after the first mode is not strict, its gradient and Hessian alone look like a minimum
    loss = SmoothLoss.weighted([[2, 0], [0, "1/1000"]], [[1, 1], [1, 1]])
    run = lambda: integrate(  # noqa: E731
        GradientFlow(LinearNetwork(2, 2, 2, 2), loss), scale="1e-6", rng=4, until="converged", digits=8, max_steps=100
    )
    stuck = run()
    assert stuck.status is Status.BUDGET and stuck.singular_values()[1] < 1e-15
    monkeypatch.setattr(Judge, "_is_minimum", lambda *_: True)
    assert run().status is Status.CONVERGED


def test_events_of_a_smooth_cost():
    flow = GradientFlow(DENSE, COMPLETION)
    symbols = DENSE.symbols()
    watches = [
        PlateauSpeed(),
        SingularValueLevel(1, "1/2"),
        PolynomialEvent(symbols[0][0, 0] - sympy.Rational(1, 4), "a quarter"),
    ]
    run = integrate(flow, WEIGHTS, until=LossLevel("1e-6"), events=watches, digits=25)
    assert run.status is Status.EVENT
    with mpmath.workdps(30):
        assert abs(run.loss[-1] * 10**6 - 1) < mpmath.mpf(10) ** -20
        crossed = next(event for event in run.events if event.label == "a quarter")
        assert abs(run.at(crossed.exact_time)[0][0, 0] - mpmath.mpf(1) / 4) < mpmath.mpf(10) ** -24
        level = next(event for event in run.events if event.kind == "singular value")
        assert abs(run.singular_values(level.exact_time)[0] - mpmath.mpf(1) / 2) < mpmath.mpf(10) ** -24
    small = integrate(flow, scale="1e-20", rng=1, t=60, digits=20)
    assert "plateau left" in {event.kind for event in small.events}
    assert not any(event.kind == "learnt" for event in small.events)


def test_small_losses_keep_their_digits():
    loss = SmoothLoss((P1[0, 0] - 1) ** 2 / 2, P1)
    run = integrate(GradientFlow(LinearNetwork(1, 1), loss), [[[2]]], t=50, digits=30)
    with mpmath.workdps(40):
        assert abs(run.loss[-1] * 2 * mpmath.exp(100) - 1) < mpmath.mpf(10) ** -6


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("rigorous", [False, True])
def test_a_blow_up_in_finite_time_is_reported(depth, rigorous):
    # x' = x² from 1 blows up at 1; two balanced layers, p' = 2p³ from 1, at 1/4
    flow = GradientFlow(LinearNetwork(*[1] * (depth + 1)), SmoothLoss(-(P1[0, 0] ** 3) / 3, P1))
    with pytest.raises(PrecisionError, match=r"about (1 |0\.99999999|0\.25 |0\.249999999)"):
        integrate(flow, [[[1]]] * depth, t=2, digits=10, rigorous=rigorous)
    before = integrate(flow, [[[1]]] * depth, t="1/5", digits=20)
    with mpmath.workdps(30):
        true = mpmath.mpf(5) / 4 if depth == 1 else 1 / mpmath.sqrt(1 - mpmath.mpf(4) / 5)
        assert abs(before.product()[0, 0] / true - 1) < mpmath.mpf(10) ** -20


def test_exact_descent_takes_the_steps_of_the_gradient():
    flow = GradientFlow(DENSE, MIXED)
    path = gradient_descent(flow, WEIGHTS, step="1/7", steps=2, exact=True)
    weights = [sympy.Matrix([[sympy.Rational(e) for e in row] for row in weight]) for weight in WEIGHTS]
    for node in path.exact_nodes:
        for ours, true in zip(node, weights, strict=True):
            assert sympy.Matrix([[sympy.Rational(e.numerator, e.denominator) for e in row] for row in ours]) == true
        slopes = flow.gradient(weights)
        weights = [w - sympy.Rational(1, 7) * sympy.Matrix(g) for w, g in zip(weights, slopes, strict=True)]
    rounded = gradient_descent(flow, WEIGHTS, step="1/7", steps=2, digits=30)
    for ours, true in zip(rounded.final, path.exact_nodes[-1], strict=True):
        with mpmath.workdps(60):
            for r, row in enumerate(true):
                for c, entry in enumerate(row):
                    assert abs(ours[r, c] - mpmath.mpf(entry.numerator) / entry.denominator) < mpmath.mpf(10) ** -29


BAD = {
    "logistic": (SmoothLoss.logistic([[1]]), {}, HypothesisError, "numpy_function"),
    "huber": (SmoothLoss.huber([[1]]), {}, HypothesisError, "no polynomial"),
    "symbol": (SmoothLoss((P1[0, 0] - sympy.Symbol("m")) ** 2, P1), {}, HypothesisError, "symbols m"),
    "mode": (WELL, {"events": (ModeLearnt(1),)}, HypothesisError, "no target"),
    "mode to stop at": (WELL, {"until": ModeLearnt(1)}, HypothesisError, "no target"),
    "frame": (WELL, {"frame": "data"}, HypothesisError, "no singular frame"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(name):
    loss, options, error, message = BAD[name]
    with pytest.raises(error, match=message):
        integrate(GradientFlow(LinearNetwork(1, 1, 1), loss), [[[1]], [["1/2"]]], **{"t": 1, **options})


def test_irrational_coefficients_are_followed_but_not_exactly_descended():
    flow = GradientFlow(LinearNetwork(1, 1, 1), SmoothLoss((P1[0, 0] - sympy.sqrt(2)) ** 2 * sympy.pi, P1))
    run = integrate(flow, [[[1]], [[1]]], until="converged", digits=20)
    with mpmath.workdps(30):
        assert abs(run.product()[0, 0] - mpmath.sqrt(2)) < mpmath.mpf(10) ** -19
    with pytest.raises(InexactInputError, match="rational loss"):
        gradient_descent(flow, [[[1]], [[1]]], step="1/9", steps=2, exact=True)


def test_modes_are_refused_and_singular_values_are_drawn_instead():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    run = integrate(GradientFlow(DENSE, COMPLETION), WEIGHTS, t=1, digits=15)
    with pytest.raises(HypothesisError, match="no target"):
        run.mode_strengths()
    figure = pyplot.figure()
    assert len(run.plot(figure.add_subplot(), count=5).get_lines()) == 2
    pyplot.close(figure)
    with pytest.raises(DimensionError):
        run.sample("modes")
