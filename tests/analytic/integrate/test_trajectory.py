"""Trajectories: dense output, saving, resuming, events, budgets, and what they refuse."""

from __future__ import annotations

import importlib
import itertools
import json
import pickle
from fractions import Fraction
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
import sympy
from matplotlib.figure import Figure

from analytic.flow import GradientFlow
from analytic.integrate import (
    LossLevel,
    ModeLearnt,
    PolynomialEvent,
    SingularValueLevel,
    Status,
    Trajectory,
    flow_report,
    integrate,
)
from analytic.loss import QuadraticLoss
from graphs.errors import (
    BudgetExceeded,
    DimensionError,
    HypothesisError,
    InexactInputError,
    NotFiniteError,
    PrecisionError,
)
from graphs.network import LinearNetwork

FLOW = GradientFlow(LinearNetwork(3, 2, 4), QuadraticLoss([[3, 1, 0], [0, 2, 1], [1, 1, 1], [0, 1, "1/2"]]))
PLAIN = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(3, 2))


def gap(first, second):
    with mpmath.workdps(100):
        return max(abs(a - b) for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True))


@pytest.fixture(scope="module")
def path():
    return integrate(FLOW, scale="1e-20", rng=0, t=40, digits=25)


def test_pickled_saved_and_reloaded_are_identical(path, tmp_path):
    assert pickle.loads(pickle.dumps(path)) == path
    path.save(tmp_path / "run.json")
    again = Trajectory.load(tmp_path / "run.json")
    assert again == path
    assert again.final == path.final
    assert again.at("12.75") == path.at("12.75")
    json.dumps(path.to_dict())


def test_saved_reloaded_and_resumed_is_identical_to_one_run(path, tmp_path):
    part = integrate(FLOW, scale="1e-20", rng=0, t=17, digits=25)
    part.save(tmp_path / "part.json")
    assert Trajectory.load(tmp_path / "part.json").resume(t=40) == path


def test_resuming_with_more_digits_refines_the_run():
    short = integrate(PLAIN, scale="1/3", rng=1, t=2, digits=15)
    long = short.resume(t=3, digits=40)
    assert long.digits == 40
    assert gap(long.at(2), short.final) < mpmath.mpf(10) ** -15


def test_dense_output_is_as_accurate_as_a_run_that_lands_there(path):
    landed = integrate(FLOW, scale="1e-20", rng=0, t=40, times=["13.3", "20.01"], digits=45)
    for t in ("13.3", "20.01"):
        assert gap(path.at(t), landed.at(t)) < mpmath.mpf(10) ** -25


def test_requested_times_are_nodes_exactly():
    times = [Fraction(1, 3), "0.7", 1]
    path = integrate(PLAIN, scale="1/2", rng=2, t=2, times=times)
    assert {Fraction(1, 3), Fraction(7, 10), Fraction(1), Fraction(2)} <= set(path.exact_times)


def test_readings_agree_with_numpy(path):
    weights = [np.array(w.tolist(), dtype=float) for w in path.at(16)]
    product = weights[1] @ weights[0]
    assert np.allclose(np.array(path.product(16).tolist(), dtype=float), product)
    found = [float(s) for s in path.singular_values(16)]
    assert np.allclose(found, np.linalg.svd(product, compute_uv=False))
    assert found[2] == 0.0
    left, values, right = path.singular_vectors(16)
    with mpmath.workdps(30):
        rebuilt = left * mpmath.diag(list(values)) * right.T
        assert max(abs(e) for e in rebuilt - path.product(16)) < 1e-25
        w1, w2 = path.at(16)
        exact = mpmath.matrix([[3, 1, 0], [0, 2, 1], [1, 1, 1], [0, 1, mpmath.mpf("0.5")]]) - w2 * w1
        true = w2 * w2.T * exact + exact * w1.T * w1
        learnt = path.tangent_kernel(16) * mpmath.matrix(list(exact))
        assert max(abs(a - b) for a, b in zip(learnt, true, strict=True)) < 1e-25
    kernel = np.array(path.tangent_kernel(16).tolist(), dtype=float)
    residual = np.array(FLOW.loss.cross.tolist(), dtype=float) - product
    velocity = weights[1] @ weights[1].T @ residual + residual @ weights[0].T @ weights[0]
    assert np.allclose(kernel @ residual.ravel(), velocity.ravel())
    (balance,) = path.balancedness(16)
    assert np.allclose(np.array(balance.tolist(), dtype=float), weights[1].T @ weights[1] - weights[0] @ weights[0].T)
    assert [len(layer) for layer in path.layer_singular_values()] == [2, 2]


def test_tangent_kernel_of_a_masked_network_is_that_of_its_edges():
    network = LinearNetwork(2, 2, 2, supports=[None, [[1, 1], [0, 1]]])
    path = integrate(GradientFlow(network, QuadraticLoss([[2, 1], [1, 3]])), scale="1/2", rng=1, t=1)
    weights = path.final
    symbols = network.symbols()
    product = symbols[1] * symbols[0]
    numbers = {s: sympy.Float(str(v), 20) for s, v in zip(network.parameters(), network.flatten(weights), strict=True)}
    jacobian = sympy.Matrix(product.reshape(4, 1)).jacobian(network.parameters()).subs(numbers)
    expected = np.array((jacobian * jacobian.T).tolist(), dtype=float)
    assert np.allclose(np.array(path.tangent_kernel().tolist(), dtype=float), expected)


def test_samples_on_linear_and_logarithmic_grids(path):
    times, losses = path.sample("loss", 11)
    assert times[0] == 0
    assert times[-1] == 40
    assert all(a >= b for a, b in itertools.pairwise(losses))
    times, values = path.sample(lambda weights: weights[0][0, 0], 5, spacing="log")
    ratios = [float(b / a) for a, b in itertools.pairwise(times)]
    assert max(ratios) / min(ratios) < 1.001
    assert values[-1] == path.final[0][0, 0]


def test_plot_draws_one_curve_a_mode(path):
    ax = path.plot(ax=Figure().add_subplot(), count=20)
    assert len(ax.lines) == 3 + len(path.events)
    assert path.plot(ax=Figure().add_subplot(), quantity="loss", spacing="log", count=10).get_xscale() == "log"


def test_converged_run_brackets_its_loss_and_ends_where_the_target_is():
    path = integrate(PLAIN, scale="1e-30", rng=1, until="converged", digits=20)
    assert path.status is Status.CONVERGED
    assert path.convergence.certified
    assert path.convergence.distance < mpmath.mpf(10) ** -19
    assert abs(path.product()[0, 0] - 3) < mpmath.mpf(10) ** -19


def test_a_plateau_is_not_taken_for_convergence():
    # at the saddle that has learnt one mode the gradient is about 1e-60, far below the digits asked for
    path = integrate(PLAIN, scale="1e-200", rng=1, until="converged", digits=12)
    assert [event.mode for event in path.events if event.kind == "learnt"] == [1, 2]
    assert path.loss[-1] < mpmath.mpf(10) ** -20


def test_bottleneck_converges_to_the_best_matrix_of_its_rank():
    flow = GradientFlow(LinearNetwork(3, 1, 3), QuadraticLoss.diagonal(3, 2, 1))
    path = integrate(flow, scale="1e-10", rng=2, until="converged", digits=15)
    assert path.status is Status.CONVERGED
    assert not path.convergence.certified
    assert abs(path.loss[-1] - 2.5) < 1e-14


def test_data_with_a_singular_gram_matrix_converges():
    loss = QuadraticLoss.from_data([[1, 2], [0, 1], [1, 1]], [[1, 0], [2, 1]])
    path = integrate(GradientFlow(LinearNetwork(3, 3, 2), loss), scale="1e-5", rng=1, until="converged", digits=15)
    assert path.status is Status.CONVERGED
    assert abs(path.loss[-1]) < 1e-14


def test_event_times_agree_with_closed_form_learning_times():
    # logistic mode: u = fσ at t = ln(f(σ − u₀)/(u₀(1 − f)))/(2σ)
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(3, 2))
    eye = [["1e-40", 0], [0, "1e-40"]]
    watched = [ModeLearnt(1), ModeLearnt(2), ModeLearnt(2, fraction="9/10")]
    path = integrate(flow, [eye, eye], t=120, digits=30, events=watched)
    with mpmath.workdps(150):
        start = mpmath.mpf(10) ** -80
        expected = sorted(
            mpmath.log(f * (s - start) / (start * (1 - f))) / (2 * s)
            for s, f in ((3, mpmath.mpf(1) / 2), (2, mpmath.mpf(1) / 2), (2, mpmath.mpf(9) / 10))
        )
        found = [event.time for event in path.events]
        assert max(abs(a - b) / b for a, b in zip(found, expected, strict=True)) < mpmath.mpf(10) ** -30


def test_levels_crossings_and_polynomials_stop_where_they_should():
    level = integrate(PLAIN, scale="1e-3", rng=1, until=LossLevel("0.01"), digits=25)
    assert level.status is Status.EVENT
    with mpmath.workdps(40):
        assert abs(level.loss[-1] - mpmath.mpf("0.01")) < mpmath.mpf(10) ** -24
    crossing = integrate(PLAIN, scale="1e-3", rng=1, until=SingularValueLevel(1, "3/2"), digits=25)
    assert abs(crossing.singular_values()[0] - mpmath.mpf("1.5")) < mpmath.mpf(10) ** -24
    w = PLAIN.network.parameters()
    polynomial = w[0] ** 2 + w[1] ** 2 - sympy.Rational(1, 2)
    symbolic = integrate(PLAIN, scale="1e-3", rng=1, until=PolynomialEvent(polynomial, "half"), digits=25)
    numeric = integrate(
        PLAIN,
        scale="1e-3",
        rng=1,
        until=PolynomialEvent(lambda ws: ws[0][0, 0] ** 2 + ws[0][0, 1] ** 2 - 0.5),
        digits=25,
    )
    assert symbolic.events[-1].label == "half"
    with mpmath.workdps(40):
        assert abs(symbolic.events[-1].time - numeric.events[-1].time) < mpmath.mpf(10) ** -23


def test_direction_filters_events():
    both = integrate(PLAIN, scale="1e-3", rng=1, t=10, events=[LossLevel("0.5"), LossLevel("0.5", direction=1)])
    assert [event.direction for event in both.events] == [-1]


def test_plateaus_are_entered_and_left_in_turn_and_named_by_the_callback():
    named = integrate(PLAIN, scale="1e-30", rng=1, t=45, name_plateau=lambda weights: f"{len(weights)} layers")
    kinds = [event.kind for event in named.events if event.kind.startswith("plateau")]
    assert kinds == ["plateau left", "plateau entered", "plateau left"]
    assert all(event.label == "2 layers" for event in named.events if event.kind.startswith("plateau"))


def test_predicate_is_asked_after_every_step():
    path = integrate(PLAIN, scale="1e-3", rng=1, until=lambda time, weights: time > 2)
    assert path.status is Status.EVENT
    assert path.times[-2] <= 2 < path.times[-1]


def test_second_run_agrees_to_the_digits_and_says_so():
    path = integrate(FLOW, scale="1e-8", rng=3, t=12, digits=30, verify=True)
    assert path.agreed_digits >= 30


def test_exact_saddle_is_not_left_by_rounding():
    # both outer layers have rank one and stay so: the second mode can never be learnt, but in these coordinates no
    # entry is zero that would keep it out; 20 digits need some 800 bits here
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss([[2, 1], [1, 2]]))
    path = integrate(flow, [[["1/10", "1/10"], [0, 0]], [["1/10", 0], ["1/10", 0]]], t=120, digits=20, events=None)
    assert abs(path.loss[-1] - mpmath.mpf("0.5")) < mpmath.mpf(10) ** -20
    assert path.precision > 200


def test_too_little_precision_is_reported_not_returned():
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss([[2, 1], [1, 2]]))
    with pytest.raises(PrecisionError, match="instability"):
        integrate(flow, [[["1/10", "1/10"], [0, 0]], [["1/10", 0], ["1/10", 0]]], t=120, digits=20, precision=90)


def test_critical_starts_stay_and_say_so():
    origin = integrate(PLAIN, scale="0", rng=0, t=5)
    assert origin.status is Status.STATIONARY
    assert "origin" in origin.notes[0]
    assert origin.at(3) == origin.final
    scalar = GradientFlow(LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(3))
    irrational = integrate(scalar, [[["sqrt(3)"]], [["sqrt(3)"]]], until="converged")
    assert irrational.status is Status.STATIONARY


def test_seconds_end_a_run_inside_a_long_step(monkeypatch):
    seconds = itertools.count()  # every look at the clock takes one
    monkeypatch.setattr(
        importlib.import_module("analytic.integrate.budget"), "clock", SimpleNamespace(monotonic=lambda: next(seconds))
    )
    whole = integrate(PLAIN, scale="1/2", rng=0, t=1)
    assert whole.segments[0].order > 30
    for limit, steps in ((20, 0), (60, 1)):
        path = integrate(PLAIN, scale="1/2", rng=0, t=1, max_seconds=limit)
        assert path.status is Status.BUDGET
        assert path.steps == steps
        assert path.notes == (f"budget: {limit} seconds (max_seconds)",)
        assert path.resume(t=1) == whole


def test_budgets_return_what_was_done():
    path = integrate(PLAIN, scale="1e-100", rng=0, t=500, max_steps=7)
    assert path.status is Status.BUDGET
    assert path.steps == 7
    assert path.resume(t=30) == integrate(PLAIN, scale="1e-100", rng=0, t=30)
    assert integrate(PLAIN, scale="1e-100", rng=0, t=500, max_seconds=0).steps == 0
    assert integrate(PLAIN, scale="1e-100", rng=0, t=500, max_memory=1).steps == 1


def test_interrupted_run_returns_what_was_done():
    seen = []

    def stop(state):
        seen.append(state)
        if state.steps == 3:
            raise KeyboardInterrupt

    path = integrate(PLAIN, scale="1e-100", rng=0, t=500, progress=stop)
    assert path.status is Status.INTERRUPTED
    assert path.steps == 3
    assert [state.steps for state in seen] == [1, 2, 3]
    assert seen[0].digits_left > 30
    assert "resume" in path.status.advice


def test_report_has_the_keys_that_other_tools_read():
    report = flow_report(widths=[3, 3, 3], sigma=["3", "2", "1"], alpha="1e-50", digits=15, seed=0)
    keys = {"status", "times", "loss", "events", "conservation_drift", "digits", "steps", "method", "final"}
    assert keys <= set(report)
    assert report["status"] == "converged"
    assert report["final"]["rank"] == 3
    assert [e["mode"] for e in report["events"] if e["kind"] == "learnt"] == [1, 2, 3]
    json.dumps(report)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"weights": [[[1, 2]], [[1], [2]]], "t": 1}, DimensionError, "W_1"),
        ({"scale": 1, "t": 1, "digits": 4}, DimensionError, "digits"),
        ({"scale": 1, "t": 1, "digits": 10**7}, BudgetExceeded, "GiB"),
        ({"scale": 1, "t": -1}, HypothesisError, "forwards"),
        ({"scale": 1, "t": float("nan")}, NotFiniteError, "t: nan"),
        ({"scale": 1, "t": 0.5}, InexactInputError, '"0.5"'),
        ({"scale": 1}, HypothesisError, "until"),
        ({"t": 1}, HypothesisError, "weights"),
        ({"weights": [np.eye(2), np.eye(2)], "t": 1}, InexactInputError, "W_1"),
        ({"weights": [[["nan", 0], [0, 0]], [[1, 0], [0, 1]]], "t": 1}, NotFiniteError, "W_1"),
        ({"scale": 1, "until": "never"}, HypothesisError, "never"),
        ({"scale": 1, "until": ModeLearnt(5)}, DimensionError, "2 modes"),
        ({"scale": 1, "t": 1, "events": "all"}, HypothesisError, "events"),
        ({"scale": 1, "t": 1, "times": [2]}, HypothesisError, "times"),
        ({"scale": 1, "t": 1, "rng": -1}, DimensionError, "rng"),
        ({"scale": 1, "t": 1, "order": 2}, DimensionError, "order"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, error, message):
    with pytest.raises(error, match=message):
        integrate(PLAIN, **arguments)


def test_losses_with_symbols_are_refused():
    with pytest.raises(HypothesisError, match="symbols"):
        integrate(GradientFlow(LinearNetwork(1, 1, 1)), scale=1, t=1)


def test_times_outside_the_run_are_refused(path):
    with pytest.raises(DimensionError, match="resume"):
        path.at(41)
    with pytest.raises(NotFiniteError):
        path.at(float("inf"))


@pytest.mark.parametrize("seed", range(6))
def test_no_loss_of_data_falls_below_zero_by_rounding(seed):
    rng = np.random.default_rng(seed)
    loss = QuadraticLoss.from_data(rng.integers(-3, 4, (3, 2)).tolist(), rng.integers(-3, 4, (1, 2)).tolist())
    path = integrate(GradientFlow(LinearNetwork(3, 1), loss), scale="1", rng=seed, until="converged", digits=10)
    longer = path.resume(t=path.final_time + 40)
    assert min([*path.loss, *longer.loss, longer.loss_at(longer.final_time)]) >= 0
