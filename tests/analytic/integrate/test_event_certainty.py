"""Signs that are only rounding make no events; what an event's time is worth is said; stops near zeros keep digits."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest
import sympy

from analytic.flow import GradientFlow
from analytic.integrate import LossLevel, ModeLearnt, PolynomialEvent, SingularValueLevel, Status, integrate
from analytic.loss import QuadraticLoss
from analytic.smooth_loss import SmoothLoss
from graphs.network import LinearNetwork

SCALAR = GradientFlow(LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(1))
TENTH = [[["1/10"]], [["1/10"]]]
FIRST, SECOND = SCALAR.network.parameters()


def exact_time(level):
    """u' = 2u(1 − u) from 1/100 to 1 − eps."""
    with mpmath.workdps(120):
        eps = mpmath.mpf((1 - level).numerator) / (1 - level).denominator
        return mpmath.log(99 * (1 - eps) / eps) / 2


LEVELS = {
    "singular value": lambda level: SingularValueLevel(1, level),
    "mode": lambda level: ModeLearnt(1, level),
    "symbols": lambda level: PolynomialEvent(FIRST * SECOND - level),
    "function": lambda level: PolynomialEvent(
        lambda w: w[0][0, 0] * w[1][0, 0] - mpmath.mpf(level.numerator) / level.denominator
    ),
}


@pytest.mark.parametrize("digits", [15, 30])
@pytest.mark.parametrize("exponent", [5, 20, 28])
@pytest.mark.parametrize("name", LEVELS)
def test_a_level_near_the_limit_is_passed_once_and_to_the_digits_that_are_said(name, exponent, digits):
    level = 1 - Fraction(1, 10**exponent)
    path = integrate(SCALAR, TENTH, t=100, digits=digits, events=[LEVELS[name](level)])
    (event,) = path.events
    true = exact_time(level)
    with mpmath.workdps(120):
        error = abs(mpmath.mpf(event.exact_time.numerator) / event.exact_time.denominator - true) / true
    assert event.digits is None or event.digits >= digits
    assert error < mpmath.mpf(10) ** -digits
    if event.digits is not None:
        assert error < mpmath.mpf(10) ** (1 - event.digits)


@pytest.mark.parametrize("name", LEVELS)
def test_a_limit_that_is_never_reached_is_no_event(name):
    path = integrate(SCALAR, TENTH, t=100, digits=15, events=[LEVELS[name](Fraction(1))])
    assert path.events == ()


@pytest.mark.parametrize("start", ["-11/18", "-1", "-7/3", "-1/1000"])
@pytest.mark.parametrize("digits", [15, 30])
def test_a_symbol_that_vanishes_is_an_event(start, digits):
    flow = GradientFlow(LinearNetwork(1, 1), QuadraticLoss.diagonal(1))
    path = integrate(flow, [[[start]]], t=8, digits=digits, events=[PolynomialEvent(flow.network.parameters()[0])])
    (event,) = path.events
    with mpmath.workdps(60):
        true = mpmath.log(1 - mpmath.mpf(Fraction(start).numerator) / Fraction(start).denominator)
        assert abs(event.time - true) < true * mpmath.mpf(10) ** -digits


NOISY = {
    "four layers": (
        LinearNetwork.diagonal(2, 4),
        QuadraticLoss.from_data([[-1], [1]], [[1], [1]]),
        [(-19, 15, 4, 3), (17, 9, 7, 10), (1, 100, 25, 16), (8, 9, -1, 2)],
        30,
    ),
}


@pytest.mark.parametrize("digits", [15, 30])
def test_a_plateau_is_no_noise(digits):
    network, loss, entries, t = NOISY["four layers"]
    weights = [[[Fraction(a, b), 0], [0, Fraction(c, d)]] for a, b, c, d in entries]
    path = integrate(GradientFlow(network, loss), weights, t=t, digits=digits)
    finer = integrate(GradientFlow(network, loss), weights, t=t, digits=digits + 15)
    common = [event for event in finer.events if event.exact_time < path.final_time]
    for event in path.events:
        assert event.digits is None or event.digits > 0
        assert any(abs(event.time - other.time) < 1e-3 and event.kind == other.kind for other in common)


def test_a_stop_near_the_zero_of_an_entry_keeps_its_digits():
    flow = GradientFlow(LinearNetwork.diagonal(2, 2), QuadraticLoss.diagonal(1, 1))
    weights = [[[-1, 0], [0, 1]], [[2, 0], [0, 1]]]
    through = PolynomialEvent(lambda w: w[0][0, 0])
    ended = integrate(flow, weights, until=through, t=5, digits=30, events=None)
    assert ended.status is Status.EVENT
    fine = integrate(flow, weights, until=through, t=5, digits=60, events=None)
    for places in (3, 10, 20, 28):
        when = mpmath.nstr(fine.events[-1].time, places)
        ours = integrate(flow, weights, t=when, digits=30, events=None).final[0][0, 0]
        true = integrate(flow, weights, t=when, digits=90, events=None).final[0][0, 0]
        assert abs(true) < mpmath.mpf(10) ** (1 - places)
        with mpmath.workdps(60):
            assert abs(ours - true) <= abs(true) * mpmath.mpf(10) ** -30
    # zero to all digits: nothing is left to be right
    assert abs(ended.final[0][0, 0]) < mpmath.mpf(10) ** -30


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("exponent", [31, 37])
def test_a_level_beyond_the_digits_is_waited_for(name, exponent):
    level = 1 - Fraction(1, 10**exponent)
    path = integrate(SCALAR, TENTH, until=LEVELS[name](level), digits=30)
    assert path.status is Status.EVENT
    with mpmath.workdps(60):
        assert abs(path.events[-1].time - exact_time(level)) < mpmath.mpf(10) ** -28


@pytest.mark.parametrize("name", LEVELS)
def test_a_limit_as_a_level_ends_with_a_doubt_and_no_claim(name):
    path = integrate(SCALAR, TENTH, until=LEVELS[name](Fraction(1)), digits=15, events=None)
    assert path.status is Status.CONVERGED
    assert path.events == ()
    assert any("too near its level" in note for note in path.notes)
    assert not any("before `until` came true" in note for note in path.notes)


@pytest.mark.parametrize("distance", ["1e-8", "1e-12", "1e-16", "1e-20"])
def test_a_loss_level_next_to_a_positive_limit_is_timed(distance):
    """L = 1 + e^{−2t}/8."""
    x = SmoothLoss.symbols(1, 1)[0, 0]
    flow = GradientFlow(LinearNetwork(1, 1), SmoothLoss((x - 1) ** 2 / 2 + 1, SmoothLoss.symbols(1, 1)))
    level = LossLevel(str(1 + Fraction(distance)))
    with mpmath.workdps(40):
        true = mpmath.log(1 / (8 * mpmath.mpf(distance))) / 2
        for path in (
            integrate(flow, [[["1/2"]]], t=100, digits=5, events=[level]),
            integrate(flow, [[["1/2"]]], until=level, digits=5, events=None),
        ):
            (event,) = path.events
            assert abs(event.time - true) < mpmath.mpf("1e-5") * true


def test_a_loss_level_that_no_bits_tell_from_the_limit_is_named():
    x = SmoothLoss.symbols(1, 1)[0, 0]
    flow = GradientFlow(LinearNetwork(1, 1), SmoothLoss((x - 1) ** 2 / 2 + 1, SmoothLoss.symbols(1, 1)))
    path = integrate(flow, [[["1/2"]]], until=LossLevel(str(1 + Fraction("1e-30"))), digits=5, events=None)
    assert "too near its level" in path.notes[-1]
    assert not any("before `until` came true" in note for note in path.notes)


def test_a_run_with_an_event_in_doubt_resumes_as_one_run():
    x = SmoothLoss.symbols(1, 1)[0, 0]
    cost = (x - sympy.Rational(4, 7)) ** 2
    flow = GradientFlow(LinearNetwork(1, 2, 1), SmoothLoss(cost, SmoothLoss.symbols(1, 1)))
    start = [[["-7/9"], ["-1"]], [["9", "7/4"]]]
    events = [SingularValueLevel(1, "0.5714285714285714285714286")]
    whole = integrate(flow, start, t=2, digits=8, events=events)
    assert integrate(flow, start, t="0.8", digits=8, events=events).resume(t=2) == whole
    assert "too near its level" in whole.notes[-1]
