"""A resumed run goes on with all that the first was asked for, and is the one run it would have been."""

from __future__ import annotations

import pickle

import pytest
import sympy

from analytic.flow import GradientFlow
from analytic.integrate import (
    LossLevel,
    ModeLearnt,
    PlateauSpeed,
    PolynomialEvent,
    SingularValueLevel,
    Status,
    Trajectory,
    integrate,
)
from analytic.loss import QuadraticLoss
from graphs.errors import HypothesisError
from graphs.network import LinearNetwork

NETWORK = LinearNetwork(2, 2, 2)
FLOW = GradientFlow(NETWORK, QuadraticLoss.diagonal(3, 1))
ENTRY = NETWORK.parameters()[0]
EVENTS = [
    LossLevel("1/5", direction=-1),
    ModeLearnt(2, fraction=sympy.sqrt(2) / 2),
    SingularValueLevel(1, sympy.Rational(1, 3), layer=2),
    PlateauSpeed("1/50"),
    PolynomialEvent(ENTRY**2 - sympy.Rational(1, 100), "square"),
]


def run(**options):
    return integrate(FLOW, scale="1e-5", rng=2, digits=20, **{"events": EVENTS, **options})


@pytest.fixture(scope="module")
def whole():
    return run(t=30)


@pytest.mark.parametrize("way", ["memory", "file", "pickle"])
@pytest.mark.parametrize("t", [2, 5, 9])
def test_events_order_and_frame_are_kept(whole, tmp_path, way, t):
    assert {event.kind for event in whole.events} == {watch.kind(-1) for watch in EVENTS[:1]} | {
        "learnt",
        "singular value",
        "plateau entered",
        "plateau left",
        "polynomial",
    }
    part = run(t=t)
    if way == "file":
        part.save(tmp_path / "part")
        part = Trajectory.load(tmp_path / "part")
    elif way == "pickle":
        part = pickle.loads(pickle.dumps(part))
    assert part.resume(t=30) == whole


@pytest.mark.parametrize("options", [{"events": None}, {"order": 25}, {"frame": "given"}])
def test_options_are_kept(options):
    assert run(t=5, **options).resume(t=9) == run(t=9, **options)
    assert run(t=5, **options).resume(t=9, digits=25).options == run(t=9, **options).options


def test_what_ended_a_run_does_not_end_it_again():
    ended = run(t=30, events=[LossLevel("1/5", terminal=True), "modes"])
    assert ended.status is Status.EVENT
    more = ended.resume(t=30)
    assert more.status is Status.FINISHED
    assert more.final_time == 30
    assert [event.kind for event in more.events].count("loss level") == 1
    until = run(until=ModeLearnt(1), events=None)
    assert [(event.kind, event.mode) for event in until.resume(t=30).events] == [("learnt", 1)]


def test_events_may_change_on_the_way(whole):
    part = run(t=5, events=None).resume(t=30, events=["modes"])
    learnt = [event for event in run(t=30, events=["modes"]).events if event.time > 5]
    assert list(part.events) == learnt
    assert part.end == whole.end


def test_functions_are_not_lost_in_silence(tmp_path):
    part = run(t=2, events=[PolynomialEvent(lambda weights: weights[0][0, 0] - 1, "one")])
    assert part.resume(t=5).watches == part.watches
    part.save(tmp_path / "part")
    for other in (Trajectory.load(tmp_path / "part"), pickle.loads(pickle.dumps(part))):
        assert other == part
        with pytest.raises(HypothesisError, match="events: one can't be kept"):
            other.resume(t=5)
        assert other.resume(t=5, events=None).final_time == 5


def test_names_of_plateaus_are_given_again():
    part = run(t=2, events=["plateaus"])
    named = part.resume(t=30, name_plateau=lambda weights: "here")
    assert {event.label for event in named.events if event.time > 2} == {"here"}


def test_times_behind_the_run_are_refused():
    part = run(t=5)
    with pytest.raises(HypothesisError, match=r"^times: expected at least 5"):
        part.resume(t=9, times=[3])
    with pytest.raises(HypothesisError, match=r"^t: expected at least 5"):
        part.resume(t=4)
    assert 7 in part.resume(t=9, times=[7]).exact_times
    with pytest.raises(TypeError, match="speed"):
        part.resume(t=9, speed=3)
