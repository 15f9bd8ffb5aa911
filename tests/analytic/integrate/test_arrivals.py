"""How runs end: at rest, converged, at a saddle, with what `until` asked for behind them, or with a budget."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from analytic.flow import GradientFlow
from analytic.integrate import LossLevel, ModeLearnt, Status, integrate
from analytic.integrate.budget import Budget
from analytic.loss import QuadraticLoss
from graphs.errors import DimensionError, HypothesisError, PrecisionError
from graphs.network import LinearNetwork

PAIR = LinearNetwork(2, 2, 2)


def flow_of(network=PAIR, sigma=(2, 1)):
    return GradientFlow(network, QuadraticLoss.diagonal(*sigma, shape=(network.widths[-1], network.widths[0])))


def fraction(number):
    sign, man, exp, _ = number._mpf_
    return (-1) ** sign * Fraction(int(man)) * Fraction(2) ** int(exp)


@pytest.mark.parametrize(
    ("network", "sigma", "scale"),
    [
        (PAIR, (2, 1), "1e-3"),
        (LinearNetwork(1, 1, 1), (2,), "1e-3"),
        (LinearNetwork(2, 2, 2, 2), (2, 1), "1e-1"),
        (LinearNetwork.diagonal(3, 2), (3, 2, 1), "1e-9"),
    ],
)
def test_a_flow_that_has_arrived_rests_to_the_last_stop(network, sigma, scale):
    flow = flow_of(network, sigma)
    path = integrate(flow, scale=scale, rng=3, t=10**6, times=[5 * 10**5], digits=20)
    assert path.status is Status.FINISHED
    assert path.final_time == 10**6
    assert 5 * 10**5 in path.exact_times
    assert path.steps < 400
    limit = integrate(flow, scale=scale, rng=3, until="converged", digits=40)
    for ours, true in zip(path.final, limit.final, strict=True):
        for x, y in zip(ours, true, strict=True):
            assert abs(fraction(x) - fraction(y)) <= Fraction(1, 10**20) * max(abs(fraction(e)) for e in true)
    assert any("at rest" in note for note in path.notes)


def test_resting_is_the_same_in_one_run_or_two():
    flow = flow_of()
    whole = integrate(flow, scale="1e-3", rng=3, t=10**6, digits=20)
    part = integrate(flow, scale="1e-3", rng=3, t=10**3, digits=20)
    assert part.segments[-1].order == 0
    assert part.resume(t=10**6) == whole


def test_a_slow_mode_that_still_moves_does_not_rest():
    path = integrate(flow_of(sigma=(2, 0)), scale="1e-3", rng=3, t=10**6, digits=20, max_steps=200)
    assert path.status is Status.BUDGET
    assert all(segment.order for segment in path.segments)


@pytest.mark.parametrize("exponent", [-400, -200, 0, 200, 400])
def test_convergence_does_not_depend_on_the_units(exponent):
    """M → c²M, W → cW, t → t/c² is the same flow: the same digits, and as many steps up to a few."""
    unit = Fraction(10) ** (exponent // 2)
    loss = QuadraticLoss.diagonal(2 * unit**2, unit**2)
    path = integrate(GradientFlow(PAIR, loss), scale=unit / 100, rng=1, until="converged", digits=20)
    plain = integrate(flow_of(), scale="1e-2", rng=1, until="converged", digits=20)
    assert path.status is Status.CONVERGED
    assert path.convergence.certified
    assert abs(path.steps - plain.steps) <= 8
    for ours, true in zip(path.final, plain.final, strict=True):
        for x, y in zip(ours, true, strict=True):
            assert abs(fraction(x) / unit - fraction(y)) < Fraction(1, 10**18)


@pytest.mark.parametrize(
    ("network", "scale", "t"), [(LinearNetwork(2, 2, 2, 2), "1e120", "1e-480"), (PAIR, "1e-300", "1e3")]
)
def test_no_size_of_weights_overflows(network, scale, t):
    assert integrate(flow_of(network), scale=scale, rng=0, t=t, digits=15).status is Status.FINISHED


def test_data_of_any_size_is_taken():
    loss = QuadraticLoss.from_data([["1e200", 0], [0, 1]], [[1, 0], ["1e200", 2]])
    path = integrate(GradientFlow(PAIR, loss), scale=1, rng=0, t="1e-400", digits=15)
    better = integrate(GradientFlow(PAIR, loss), scale=1, rng=0, t="1e-400", digits=30)
    for ours, true in zip(path.final, better.final, strict=True):
        assert max(abs(x - y) for x, y in zip(ours, true, strict=True)) < mpmath.mpf("1e-14") * mpmath.norm(true, 1)


@pytest.mark.parametrize(
    "until", [LossLevel("1e-6"), ModeLearnt(2), [LossLevel(1, direction=1), ModeLearnt(2, fraction="9/10")]]
)
def test_until_that_cannot_come_true_ends_with_the_flow(until):
    path = integrate(flow_of(LinearNetwork(2, 1, 2)), scale="1e-3", rng=0, until=until, digits=15)
    assert path.status is Status.CONVERGED
    assert "before `until` came true" in path.notes[-1]
    assert path.convergence.loss_lower <= mpmath.mpf("0.5") <= path.convergence.loss_upper * (1 + mpmath.mpf("1e-14"))


def test_a_loss_level_above_the_limit_is_waited_for():
    path = integrate(flow_of(), scale="1e-3", rng=0, until=LossLevel("1e-90"), digits=15)
    assert path.status is Status.EVENT
    assert path.events[-1].kind == "loss level"
    late = integrate(flow_of(), scale="1e-3", rng=0, t=10**4, events=[LossLevel("1e-90")], digits=15)
    assert [event.kind for event in late.events] == ["loss level"]
    assert abs(late.events[0].time - path.events[-1].time) < mpmath.mpf("1e-13") * path.events[-1].time


@pytest.mark.parametrize(("until", "scale"), [(LossLevel(100), "1e-3"), (ModeLearnt(1), 5)])
def test_until_that_is_behind_at_the_start_ends_there(until, scale):
    path = integrate(flow_of(), scale=scale, rng=0, until=until, digits=15)
    assert path.status is Status.EVENT
    assert path.final_time == 0
    assert "behind already" in path.notes[-1]
    again = integrate(flow_of(), scale="1e-3", rng=0, until=ModeLearnt(1), digits=15).resume(until=ModeLearnt(1))
    assert again.status is Status.EVENT


def test_an_event_that_also_ends_the_run_is_recorded_once():
    path = integrate(flow_of(), scale="1e-3", rng=0, until=ModeLearnt(2), digits=15)
    assert [event.mode for event in path.events if event.kind == "learnt"] == [1, 2]


def test_a_flow_into_a_saddle_is_named_as_such():
    flow = flow_of(LinearNetwork(1, 1, 1), (1,))
    with pytest.raises(PrecisionError, match="near a saddle"):
        integrate(flow, [[[1]], [[-1]]], until="converged", digits=20)
    path = integrate(flow, [[[1]], [[-1]]], t=40, digits=20)
    # on w₁ = −w₂ = w: ẇ = −(1 + w²)w, so w² = 1/(2e^{2t} − 1)
    with mpmath.workdps(40):
        true = 1 / mpmath.sqrt(2 * mpmath.exp(80) - 1)
        assert abs(path.final[0][0, 0] / true - 1) < mpmath.mpf("1e-20")


@pytest.mark.parametrize("digits", [30, 150])
def test_a_decaying_entry_keeps_its_digits_against_its_instability(digits):
    """w₁ = −w₂ decays like e^{−σt} while errors grow like e^{σt}."""
    flow = flow_of(LinearNetwork.diagonal(2, 2), ("5/3", "4/3"))
    path = integrate(flow, [[["1e-100", 0], [0, "-1e-100"]], [["2e-100", 0], [0, "1e-100"]]], t=25, digits=digits)
    with mpmath.workdps(digits + 10):
        sigma, begin = mpmath.mpf(4) / 3, mpmath.mpf(10) ** -100
        scale = sigma / ((sigma + begin**2) * mpmath.exp(50 * sigma) - begin**2)
        true = begin * mpmath.sqrt(scale)
        assert abs(path.final[1][1, 1] / true - 1) < mpmath.mpf(10) ** -digits


def test_scalar_chains_need_no_bits_for_their_size():
    path = integrate(flow_of(LinearNetwork(1, 1, 1, 1), (2,)), scale="1e-400", rng=0, t=10, digits=20)
    assert path.precision < 200


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_seconds", "soon"),
        ("max_seconds", float("nan")),
        ("max_seconds", -1),
        ("max_seconds", True),
        ("max_memory", 0),
        ("max_memory", 1.5),
        ("max_steps", None),
        ("max_steps", 0),
        ("max_steps", "9"),
        ("digits", 4),
        ("digits", 20.0),
        ("digits", True),
        ("order", "12"),
        ("order", 4),
        ("rigorous", "no"),
        ("verify", 1),
        ("progress", 5),
        ("name_plateau", 5),
        ("times", 5),
        ("times", "12"),
    ],
)
def test_bad_options_are_named(option, value):
    with pytest.raises(DimensionError, match=f"^{option}: got "):
        integrate(flow_of(), scale=1, rng=0, t=1, **{option: value})


@pytest.mark.parametrize(("option", "value"), [("events", 5), ("until", ModeLearnt), ("until", 5)])
def test_bad_events_are_named(option, value):
    with pytest.raises(HypothesisError, match=f"^{option}: got "):
        integrate(flow_of(), scale=1, rng=0, t=1, **{option: value})


def test_integers_of_numpy_and_single_events_are_taken():
    path = integrate(flow_of(), scale="1e-3", rng=0, t=5, digits=np.int64(20), events=ModeLearnt(1))
    assert path.digits == 20
    assert [event.kind for event in path.events] == ["learnt"]


def test_budgets_count_this_call_and_the_clock_is_not_set_back():
    path = integrate(flow_of(), scale="1e-3", rng=0, t=20, digits=20, max_steps=7)
    more = path.resume(t=20, max_steps=5)
    assert (path.steps, more.steps) == (7, 11)
    assert more.status is Status.BUDGET
    budget = Budget.read(5, 0, 10)
    assert "max_seconds" in budget.spent(0, 0)
    assert "max_steps" in Budget.read(5, None, 10).spent(5, 0)
    assert "max_memory" in Budget.read(5, None, 10).spent(0, 11)
    assert Budget.read(5, 1e9, 10).spent(0, 0) is None


@pytest.mark.parametrize("x", [3, 1000, 10**6])
def test_diagonal_layers_rest_by_their_own_rates_and_not_by_the_eigenvalues_of_the_data(x):
    # G = (1, x)(1, x)ᵀ has the one eigenvalue 1 + x², but the first entry moves with G_11 = 1: w = 2 − 3/2 e^−t
    flow = GradientFlow(LinearNetwork.diagonal(2, 1), QuadraticLoss.from_data([[1], [x]], [[2], [x]]))
    start = [[["1/2", 0], [0, 1]]]
    for t in (20, 26, 30, 40, 100):
        ours = integrate(flow, start, t=t, digits=15, events=None).final[0][0, 0]
        with mpmath.workdps(80):
            true = 2 - 1.5 * mpmath.exp(-t)
            assert abs(ours - true) <= abs(true) * mpmath.mpf(10) ** -15
    arrived = integrate(flow, start, until="converged", digits=15, events=None)
    verdict, (end,) = arrived.convergence, arrived.final
    assert abs(2 - end[0, 0]) <= verdict.distance
    assert verdict.loss_lower == 0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("depth", [1, 2])
def test_distances_to_the_limit_of_diagonal_networks_with_data_are_bounds(depth, seed):
    rng = np.random.default_rng(seed)
    inputs, outputs = rng.integers(-3, 4, (3, 2)), rng.integers(-3, 4, (3, 2))
    flow = GradientFlow(LinearNetwork.diagonal(3, depth), QuadraticLoss.from_data(inputs.tolist(), outputs.tolist()))
    near = integrate(flow, scale="1", rng=seed, until="converged", digits=8, events=None, max_steps=2000)
    assert near.status is Status.CONVERGED and near.convergence.certified
    far = near.resume(t=near.final_time * 4 + 50)
    with mpmath.workdps(40):
        gaps = [mpmath.mnorm(a - b, "f") for a, b in zip(near.final, far.final, strict=True)]
        rounding = mpmath.norm([mpmath.mnorm(layer, "f") for layer in far.final]) * mpmath.mpf(10) ** -8
        assert mpmath.norm(gaps) <= near.convergence.distance + rounding
        assert near.convergence.loss_lower <= far.loss[-1] * (1 + mpmath.mpf(10) ** -8)


def test_weights_that_have_settled_around_a_wild_product_have_not_converged():
    # 1e400 against a target of 2: the layers stop moving by their own measure long before their product is the target
    path = integrate(flow_of(), scale="1e400", rng=0, until="converged", digits=15, events=None, max_steps=250)
    assert path.status is Status.BUDGET
    assert path.loss[-1] > 1e100
