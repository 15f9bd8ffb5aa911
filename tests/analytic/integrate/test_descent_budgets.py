"""Gradient descent hands over what it has: after Ctrl-C, at the end of a budget, with progress on the way."""

from __future__ import annotations

import importlib
import math
from fractions import Fraction

import pytest

from analytic.flow import GradientFlow
from analytic.integrate import LossLevel, Status, distances, gradient_descent, integrate
from analytic.loss import QuadraticLoss
from graphs.errors import DimensionError, HypothesisError, InexactInputError, NotFiniteError, PrecisionError
from graphs.network import LinearNetwork

FLOW = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss([[2, 1], [0, 1]]))
WEIGHTS = [[["1/2", "1/3"], ["0", "1/4"]], [["1/5", "1"], ["-1/2", "1/3"]]]


def pressed_at(step):
    def callback(state):
        if state.steps == step:
            raise KeyboardInterrupt

    return callback


@pytest.mark.parametrize("exact", [False, True])
def test_an_interrupted_descent_is_the_beginning_of_the_whole_one(exact):
    whole = gradient_descent(FLOW, WEIGHTS, step="1/8", steps=5, exact=exact, digits=20)
    for step in range(1, 5):
        part = gradient_descent(FLOW, WEIGHTS, step="1/8", steps=5, exact=exact, digits=20, progress=pressed_at(step))
        assert part.status is Status.INTERRUPTED
        assert part.exact_times == whole.exact_times[: step + 1]
        assert part.final == whole.at(Fraction(step, 8))
        if exact:
            assert part.exact_nodes == whole.exact_nodes[: step + 1]
        else:
            assert part.agreed_digits >= 20


class _Pressed:
    """A step size that presses Ctrl-C inside a step, at the n-th question."""

    def __init__(self, at):
        self.at = at

    def __call__(self, n):
        if n == self.at:
            raise KeyboardInterrupt
        return "1/8"


def test_ctrl_c_in_a_users_function_keeps_the_steps_before_it():
    part = gradient_descent(FLOW, WEIGHTS, step=_Pressed(3), steps=9, digits=20)
    assert part.status is Status.INTERRUPTED and part.steps == 3
    assert part.final == gradient_descent(FLOW, WEIGHTS, step="1/8", steps=9, digits=20).at("3/8")


def test_ctrl_c_between_two_lines_of_a_step_leaves_whole_iterates(monkeypatch):
    iterates = importlib.import_module("analytic.integrate.iterates")
    original, calls = iterates._packed, []

    def pressing(weights):
        calls.append(1)
        if len(calls) == place:
            raise KeyboardInterrupt
        return original(weights)

    whole = gradient_descent(FLOW, WEIGHTS, step="1/8", steps=4, digits=20)
    monkeypatch.setattr(iterates, "_packed", pressing)
    for place in range(3, 11):
        calls.clear()
        part = gradient_descent(FLOW, WEIGHTS, step="1/8", steps=4, digits=20)
        assert part.status is Status.INTERRUPTED
        assert part.steps == (place - 3) // 2
        assert part.final == whole.at(Fraction(part.steps, 8))


def test_budgets_end_a_descent_and_say_which():
    seconds = gradient_descent(FLOW, WEIGHTS, step="1/8", steps=10**6, max_seconds=0.1, digits=20)
    memory = gradient_descent(FLOW, WEIGHTS, step="1/8", steps=10**6, max_memory=20_000, digits=20)
    bits = gradient_descent(FLOW, WEIGHTS, step="1/8", steps=20, exact=True, max_bits=500)
    for path, name in ((seconds, "max_seconds"), (memory, "max_memory"), (bits, "max_bits")):
        assert path.status is Status.BUDGET
        assert any(name in note for note in path.notes)
        assert path.steps > 0
    whole = gradient_descent(FLOW, WEIGHTS, step="1/8", steps=memory.steps, digits=20)
    assert [str(value) for value in memory.final[0]] == [str(value) for value in whole.final[0]]


def test_a_budget_leaves_out_iterates_at_which_two_precisions_disagree():
    wild = GradientFlow(LinearNetwork(1, 1, 1), QuadraticLoss([[1]]))
    path = gradient_descent(wild, [[["1/3"]], [["2/3"]]], step="9/5", steps=400, digits=15, max_memory=60_000)
    assert path.status is Status.BUDGET and path.agreed_digits >= 15
    assert any("left out" in note for note in path.notes)
    more = gradient_descent(wild, [[["1/3"]], [["2/3"]]], step="9/5", steps=path.steps, digits=60)
    for ours, theirs in zip(path.final, more.final, strict=True):
        assert abs(ours[0, 0] - theirs[0, 0]) <= abs(theirs[0, 0]) * 10**-14


def test_progress_counts_the_steps_and_the_digits_left():
    seen = []
    gradient_descent(FLOW, WEIGHTS, step="1/8", steps=6, digits=20, progress=seen.append)
    assert [state.steps for state in seen] == list(range(1, 7))
    assert [state.time for state in seen] == [n / 8 for n in range(1, 7)]
    assert all(seen[k].loss < seen[k - 1].loss for k in range(1, 6))
    assert min(state.digits_left for state in seen) >= 20
    seen.clear()
    gradient_descent(FLOW, WEIGHTS, step="1/8", steps=2, exact=True, progress=seen.append)
    assert {state.digits_left for state in seen} == {math.inf}


def test_a_line_of_progress_ends_with_a_line(capsys, monkeypatch):
    monkeypatch.setattr(importlib.import_module("analytic.integrate.progress"), "_SECONDS", 0)
    gradient_descent(FLOW, WEIGHTS, step="1/8", steps=3, exact=True, progress=True)
    written = capsys.readouterr().err
    assert "3 steps, exact" in written and written.endswith("\n")


def test_a_function_for_the_steps_is_asked_once_for_each():
    asked = []

    def step(n):
        asked.append(n)
        return Fraction(1, n + 8)

    gradient_descent(FLOW, WEIGHTS, step=step, steps=5, digits=20)
    assert asked == list(range(5))


def test_events_end_a_descent_at_the_first_iterate_behind_them():
    path = gradient_descent(FLOW, WEIGHTS, step="1/8", steps=100, until=LossLevel("1/2"), digits=20)
    assert path.status is Status.EVENT
    assert path.loss[-1] < 0.5 <= path.loss[-2]
    assert path.events[-1].exact_time == path.final_time


REFUSED = {
    "no size": ({"step": []}, HypothesisError, "empty sequence"),
    "none": ({"step": None}, InexactInputError, "step: got None"),
    "a function of nothing": ({"step": lambda n: None}, InexactInputError, r"step\(0\): got None"),
    "third is negative": ({"step": ["1/8", "1/8", "-1"]}, HypothesisError, r"step\[2\]: got -1"),
    "nan": ({"step": "nan"}, NotFiniteError, "step"),
    "a float": ({"step": 0.1}, InexactInputError, '"0.1"'),
    "steps by float": ({"step": "1/8", "steps": 2.5}, DimensionError, r"steps: got 2\.5"),
    "steps by flag": ({"step": "1/8", "steps": True}, DimensionError, "steps: got True"),
    "exact by word": ({"step": "1/8", "exact": "yes"}, DimensionError, "exact: got 'yes'"),
    "seconds": ({"step": "1/8", "max_seconds": -1}, DimensionError, "max_seconds"),
    "bits": ({"step": "1/8", "max_bits": 0}, DimensionError, "max_bits"),
    "progress": ({"step": "1/8", "progress": 3}, DimensionError, "progress: got 3"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_descent_refuses_names_the_argument(name):
    arguments, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        gradient_descent(FLOW, WEIGHTS, **{"steps": 5, **arguments})


def test_chaos_is_a_precision_error(monkeypatch):
    monkeypatch.setattr(importlib.import_module("analytic.integrate.descent"), "_REPAIRS", 2)
    wild = GradientFlow(LinearNetwork(1, 1, 1), QuadraticLoss([[1]]))
    with pytest.raises(PrecisionError, match="rounding errors grow"):
        gradient_descent(wild, [[["1/3"]], [["2/3"]]], step="9/5", steps=2000, digits=15)


def test_a_descent_is_compared_only_with_its_own_flow():
    path = gradient_descent(FLOW, WEIGHTS, step="1/8", steps=2, digits=15)
    other = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss([[1, 0], [0, 1]]))
    with pytest.raises(HypothesisError, match="one GradientFlow"):
        distances(path, integrate(other, WEIGHTS, t="1/4", digits=15))
    with pytest.raises(HypothesisError, match="other weights"):
        distances(path, integrate(FLOW, scale="1/2", rng=0, t="1/4", digits=15))
