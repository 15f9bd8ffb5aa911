"""What a run claims must not be forgeable, half-done or rounded to its own advantage."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction

import mpmath
import pytest

from analytic.flow import GradientFlow
from analytic.integrate import LossLevel, integrate
from analytic.integrate.loop import Run
from analytic.loss import QuadraticLoss
from graphs.errors import DimensionError
from graphs.network import LinearNetwork


def flow_of(*widths, sigma):
    return GradientFlow(LinearNetwork(*widths), QuadraticLoss.diagonal(*sigma))


@pytest.fixture(scope="module")
def proved():
    return integrate(flow_of(2, 2, 2, sigma=(2, 1)), scale=1, rng=0, t=1, digits=15, rigorous=True, events=None)


def test_a_certificate_with_one_thing_changed_is_refused(proved):
    first, *rest = proved.segments
    nothing = (0, 0)
    forged = [
        replace(proved, segments=(replace(first, order=0), *rest), end_radius=nothing),
        replace(proved, segments=(replace(first, end=Fraction(0)),), end_radius=nothing),
        replace(proved, segments=(replace(first, end=first.start), *rest)),
        replace(proved, segments=(first, *rest[:-1])),
        replace(proved, segments=(replace(first, radius=nothing), *rest), end_radius=nothing),
        replace(proved, end_radius=nothing),
    ]
    assert proved.verify()
    assert not any(run.verify() for run in forged)


def test_a_precision_below_the_digits_is_refused():
    with pytest.raises(DimensionError, match="precision: got 40 bits for 30 digits"):
        integrate(flow_of(2, 2, sigma=(2, 1)), scale=1, rng=0, t=3, digits=30, precision=40)


@pytest.mark.parametrize(
    ("widths", "sigma", "least"),
    [((1, 1, 1), (1,), 0), ((2, 3, 2), (2, 1), 0), ((2, 1, 2), (2, 1), Fraction(1, 2)), ((3, 3), (3, 2, 1), 0)],
)
def test_the_bracket_of_the_loss_contains_the_least_loss(widths, sigma, least):
    for seed in range(12):
        run = integrate(
            flow_of(*widths, sigma=sigma), scale=1, rng=seed, until="converged", digits=12, events=None, max_steps=400
        )
        if run.convergence is not None:
            assert run.convergence.loss_lower <= float(least) <= run.convergence.loss_upper


def test_an_interrupted_check_is_no_disagreement(monkeypatch):
    flow, go, calls = flow_of(1, 1, 1, sigma=(1,)), Run.go, []

    def interrupted_the_second_time(run):
        calls.append(run)
        if len(calls) == 2:
            run.settings = replace(run.settings, budget=replace(run.settings.budget, max_steps=1))
        return go(run)

    monkeypatch.setattr(Run, "go", interrupted_the_second_time)
    run = integrate(flow, scale="1e-5", rng=0, t=9, digits=15, verify=True)
    assert len(calls) == 2
    assert run.status.value == "budget"
    assert run.agreed_digits is None
    assert "second run" in run.notes[-1]


def test_an_interrupt_at_any_line_of_a_step_leaves_a_whole_state(proved):
    flow = flow_of(2, 2, 2, sigma=(2, 1))
    lines = sum(1 for _ in Run._step.__code__.co_lines())
    whole = {time: proved.at(time) for time in proved.times}
    for count in range(2 * lines, 4 * lines, 3):
        seen = 0

        def trace(frame, event, _argument, count=count):
            nonlocal seen
            if frame.f_code is Run._step.__code__:
                seen += event == "line"
                if seen >= count:
                    sys.settrace(None)
                    raise KeyboardInterrupt
                return trace
            return None

        sys.settrace(trace)
        try:
            run = integrate(flow, scale=1, rng=0, t=1, digits=15, rigorous=True, events=None)
        finally:
            sys.settrace(None)
        if run.status.value == "interrupted":
            assert run.final_time == run.segments[-1].end
            assert run.verify()
            assert run.final == whole[run.times[-1]]


@pytest.mark.parametrize(("level", "digits"), [("1e-40", 20), ("1e-60", 30), ("1e-60", 20), ("1e-20", 10)])
def test_times_of_loss_levels_carry_the_digits_however_small_the_level(level, digits):
    run = integrate(flow_of(1, 1, 1, sigma=(1,)), [[["0.1"]], [["0.1"]]], until=LossLevel(level), digits=digits)
    with mpmath.workdps(150):  # u' = 2u(1 − u), L = (1 − u)²/2 (THEORY 6.1)
        start, end = mpmath.mpf(1) / 100, 1 - mpmath.sqrt(2 * mpmath.mpf(level))
        true = (mpmath.log(end / (1 - end)) - mpmath.log(start / (1 - start))) / 2
        assert abs(mpmath.mpf(run.final_time.numerator) / run.final_time.denominator / true - 1) < 10**-digits


def test_small_singular_values_agree_with_those_of_the_vectors_in_a_rotated_frame():
    target = QuadraticLoss([["6/5", 1], ["8/5", 3]])
    run = integrate(GradientFlow(LinearNetwork(2, 2, 2), target), scale="1e-100", rng=0, t=40, digits=20, verify=True)
    u, strengths, v = run.singular_vectors()
    values = run.singular_values()
    assert run.agreed_digits >= 20
    assert all(abs(a / b - 1) < mpmath.mpf(10) ** -14 for a, b in zip(strengths, values, strict=True))
    assert mpmath.mnorm(u.T * u - mpmath.eye(2)) < 1e-14
    with mpmath.workdps(40):
        assert mpmath.mnorm(u * mpmath.diag(strengths) * v.T - run.product()) < 1e-18


def test_modes_are_told_apart_and_ordered_beyond_binary_floats():
    tiny = integrate(flow_of(2, 2, 2, sigma=("1e-500", "1e-400")), [[[3, 0], [0, 8]], [[1, 0], [0, 1]]], t=0, digits=20)
    assert [round(float(x)) for x in tiny.mode_strengths()] == [8, 3]
    near = ("1.0000000000000000000000001", "1")
    run = integrate(flow_of(2, 2, 2, sigma=near), [[[3, 1], [2, 8]], [[1, 0], [0, 1]]], t=0, digits=30)
    assert [round(float(x)) for x in run.mode_strengths()] == [3, 8]
