"""Pictures of runs: what the lines are, what is written beside them, and what no run of one instant may hide."""

from __future__ import annotations

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from matplotlib.figure import Figure

from analytic.flow import GradientFlow
from analytic.integrate import LossLevel, ModeLearnt, PolynomialEvent, SingularValueLevel, gradient_descent, integrate
from analytic.integrate.plot import _bends, _groups
from analytic.loss import QuadraticLoss
from graphs.errors import DimensionError
from graphs.network import LinearNetwork

PLAIN = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(3, 2))
SCALAR = GradientFlow(LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(3))
SMALL = [[["1/100", 0], [0, "1/100"]]] * 2
START = [[["1/2", "1/5"], [0, "1/2"]], [["1/2", 0], ["1/10", "1/2"]]]


def picture(run, **options):
    return run.plot(Figure(layout="constrained").add_subplot(), **options)


def curves(ax):
    return [line for line in ax.lines if not line.get_label().startswith("_event ")]


def written(ax):
    """Words above the picture, line by line."""
    return [
        words for axis in ax.child_axes for label in axis.get_xticklabels() for words in label.get_text().split("\n")
    ]


@pytest.fixture(scope="module")
def descent():
    return gradient_descent(PLAIN, START, step="1/4", steps=12, digits=15)


@pytest.fixture(scope="module")
def balanced():
    return integrate(PLAIN, SMALL, t=8, digits=15)


# gradient descent


@pytest.mark.parametrize("quantity", ["loss", "mode_strengths", "weights"])
def test_a_descent_is_drawn_at_its_iterates(descent, quantity):
    ax = picture(descent, quantity=quantity)
    for line in curves(ax):
        assert list(line.get_xdata()) == [float(time) for time in descent.times]
        assert line.get_marker() == "."
    if quantity == "loss":
        assert np.allclose(curves(ax)[0].get_ydata(), [float(mpmath.log10(loss)) for loss in descent.loss])
    logarithmic = picture(descent, quantity=quantity, spacing="log")
    assert list(curves(logarithmic)[0].get_xdata()) == [float(time) for time in descent.times[1:]]


def test_samples_of_a_descent_are_its_iterates_unless_times_are_given(descent):
    assert descent.sample("loss") == (descent.times, descent.loss)
    (half,), (loss,) = descent.sample("loss", times=["1/8"])
    assert half == mpmath.mpf("0.125")
    assert loss == descent.loss_at("1/8")
    assert descent.loss[1] < loss < descent.loss[0]


@pytest.mark.parametrize("count", [2, 3, 5, 12, 13])
def test_of_many_iterates_an_even_part_is_drawn_with_the_ends(descent, count):
    times, losses = descent.sample("loss", count)
    assert len(times) == count
    assert (times[0], times[-1]) == (descent.times[0], descent.times[-1])
    assert set(zip(times, losses, strict=True)) <= set(zip(descent.times, descent.loss, strict=True))
    gaps = {round(4 * float(b - a)) for a, b in itertools.pairwise(times)}
    assert max(gaps) - min(gaps) <= 1
    ax = picture(descent, count=count)
    assert list(curves(ax)[0].get_xdata()) == [float(time) for time in times]
    assert ax.get_title(loc="right") == ("" if count == 13 else f"{count} of 13 iterates")
    times, _ = descent.sample("loss", count, spacing="log")
    assert set(times) <= set(descent.times[1:])
    assert (times[0], times[-1]) == (descent.times[1], descent.times[-1])
    assert len(times) <= count


def test_many_iterates_are_a_curve_without_points():
    run = gradient_descent(SCALAR, [[["1/10"]], [["1/10"]]], step="1/100", steps=150, digits=10)
    (curve,) = curves(picture(run))
    assert len(curve.get_xdata()) == 151
    assert curve.get_marker() == "None"


def test_events_of_a_descent_are_written():
    run = gradient_descent(PLAIN, START, step="1/4", steps=12, digits=15, until=ModeLearnt(2))
    assert written(picture(run)) == ["learnt 2"]


# runs of no step


NO_STEP = {
    "no seconds": lambda: integrate(PLAIN, SMALL, t=8, digits=15, max_seconds=0),
    "no time": lambda: integrate(PLAIN, SMALL, t=0, digits=15),
    "behind already": lambda: integrate(PLAIN, SMALL, until=LossLevel(100), digits=15),
    "from a later time": lambda: integrate(PLAIN, SMALL, start_time=3, t=3, digits=15),
    "descent": lambda: gradient_descent(PLAIN, SMALL, step="1/4", steps=0, digits=15),
    "exact descent": lambda: gradient_descent(PLAIN, SMALL, step="1/4", steps=0, digits=15, exact=True),
}


@pytest.mark.parametrize("make", NO_STEP.values(), ids=NO_STEP)
def test_a_run_of_no_step_has_one_node_and_is_drawn_as_points(make):
    run = make()
    assert run.steps == 0
    assert len(run.times) == len(run.exact_times) == len(run.loss) == 1
    assert run.exact_times == (run.final_time,)
    assert run.loss == (run.loss_at(run.final_time),)
    for quantity, count in (("loss", 1), ("mode_strengths", 2)):
        lines = curves(picture(run, quantity=quantity))
        assert len(lines) == count
        assert all(line.get_marker() == "o" and len(line.get_xdata()) == 1 for line in lines)
        assert len({line.get_markersize() for line in lines}) == count  # equal values do not hide each other
    assert type(run).from_dict(run.to_dict()).times == run.times


def test_nodes_of_a_run_with_steps_are_all_there(balanced):
    assert len(balanced.times) == len(balanced.loss) == balanced.steps + 1


# words of events


def test_events_are_written_above_their_lines(balanced):
    ax = picture(balanced)
    words = [e.kind if e.mode is None else f"{e.kind} {e.mode}" for e in balanced.events]
    assert "learnt 1" in words
    assert "plateau left" in words
    assert written(ax) == words
    lines = [line for line in ax.lines if line not in curves(ax)]
    assert [line.get_xdata()[0] for line in lines] == [float(event.time) for event in balanced.events]


def test_words_of_all_kinds_of_events_and_the_names_of_plateaus():
    weight = PLAIN.network.parameters()[0]
    watched = [LossLevel(5), SingularValueLevel(1, 1), PolynomialEvent(weight - 1, "w is one"), ModeLearnt(1)]
    assert sorted(written(picture(integrate(PLAIN, SMALL, t=3, digits=15, events=watched)))) == [
        "learnt 1",
        "loss level",
        "singular value 1",
        "w is one",
    ]
    named = integrate(PLAIN, SMALL, t=3, digits=15, name_plateau=lambda weights: "a name longer than its place")
    assert written(picture(named))[0] == "plateau left a name lon…"


def test_words_of_near_events_do_not_overlap():
    run = integrate(PLAIN, SMALL, t=8, digits=15, events=[LossLevel(f"{k}/10") for k in range(1, 30)])
    assert len(run.events) == 29
    crowded = picture(run)
    crowded.figure.draw_without_rendering()
    labels = [label for label in crowded.child_axes[0].get_xticklabels() if label.get_text()]
    boxes = [label.get_window_extent() for label in labels]
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))
    assert len(written(crowded)) == 29
    small = run.plot(Figure(figsize=(2, 2)).add_subplot())
    assert written(small) == []
    assert small.get_title(loc="right") == "dotted: 29 events"


def test_groups_of_words_are_merged_until_they_are_apart():
    assert _groups([0, 100, 200], 10) == [[0], [1], [2]]
    assert _groups([0, 5, 200], 10) == [[0, 1], [2]]
    assert _groups([0, 11, 12, 13], 10) == [[0, 1, 2, 3]]


def test_a_second_run_in_the_picture_has_its_events_written_too(balanced):
    ax = picture(balanced)
    balanced.plot(ax)
    assert len(ax.child_axes) == 1
    assert len(written(ax)) == 2 * len(balanced.events)


def test_words_are_inside_a_figure_that_does_not_lay_itself_out(balanced):
    figure = Figure()
    ax = balanced.plot(figure.add_subplot())
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.child_axes[0].get_xticklabels()]
    assert max(box.y1 for box in boxes) <= figure.bbox.y1


# curves


def test_curves_have_no_visible_corners():
    run = integrate(PLAIN, scale="1e-20", rng=0, t=60, digits=12)
    for spacing in ("linear", "log"):
        lines = curves(picture(run, spacing=spacing))
        moments = np.array(lines[0].get_xdata())
        heights = np.array([line.get_ydata() for line in lines]).T
        assert len(moments) > 200
        assert _bends(moments, heights, spacing == "log") == []
        assert {float(event.exact_time) for event in run.events} <= set(moments)
        assert np.all(np.diff(moments) > 0)


def test_curves_are_refined_within_bounds_and_straight_ones_not_at_all(balanced):
    (curve,) = curves(picture(balanced, quantity=lambda weights: weights[0][0, 0] * 0, count=11))
    assert len(curve.get_xdata()) == 11 + len(balanced.events)
    assert len(curves(picture(balanced, count=11))[0].get_xdata()) <= 55
    with pytest.raises(DimensionError, match="count: got 1"):
        picture(balanced, count=1)


def test_points_of_a_curve_are_those_of_the_run(balanced):
    first, second = curves(picture(balanced, count=5))
    for k, moment in enumerate(first.get_xdata()):
        strengths = balanced.mode_strengths(Fraction(moment))
        assert [line.get_ydata()[k] for line in (first, second)] == pytest.approx([float(s) for s in strengths])


@pytest.mark.parametrize("quantity", ["weights", "layer_singular_values"])
@pytest.mark.parametrize("depth", [2, 3, 7])
def test_layers_that_agree_are_all_seen(quantity, depth):
    flow = GradientFlow(LinearNetwork(*[1] * (depth + 1)), QuadraticLoss.diagonal(2))
    ax = picture(integrate(flow, [[["1/2"]]] * depth, t=1, digits=12), quantity=quantity, count=4)
    lines = curves(ax)
    assert len({line.get_color() for line in lines}) == depth
    assert lines[0].get_linestyle() == "-"
    patterns = [line._unscaled_dash_pattern for line in lines[1:]]
    assert all(off == pytest.approx(on * (depth - 1)) for _, (on, off) in patterns)
    # dashes of equal length, each in a place of its own: none hides another, one place is left to the full line
    assert [offset / on for offset, (on, _) in patterns] == pytest.approx(range(1, depth))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [str(k) for k in range(1, depth + 1)]


# what the picture says


def test_a_picture_of_many_curves_says_what_they_are():
    flow = GradientFlow(LinearNetwork(3, 3, 3), QuadraticLoss.diagonal(3, 2, 1))
    run = integrate(flow, scale="1/3", rng=0, t=1, digits=12)
    kernel = picture(run, quantity="tangent_kernel", count=5)
    assert kernel.get_legend() is None
    assert kernel.get_title(loc="right") == "45 curves: the entries on and above the diagonal"
    assert len(curves(kernel)) == 45
    assert picture(run, quantity="product", count=5).get_title(loc="right") == ""
    deep = GradientFlow(LinearNetwork(*[1] * 15), QuadraticLoss.diagonal(2))
    deep_run = integrate(deep, [[[1]]] * 14, t="1/10", digits=12)
    assert picture(deep_run, quantity="weights", count=3).get_title(loc="right") == "14 curves of 14 layers"


def test_rounding_in_the_balancedness_is_drawn_as_zero_and_the_picture_says_so():
    flow = GradientFlow(LinearNetwork(3, 3, 3), QuadraticLoss.diagonal(3, 2, 1))
    long = integrate(flow, scale="1e-20", rng=0, t=40, digits=20)
    assert any(entry != 0 for (matrix,) in long.sample("balancedness")[1] for entry in matrix)
    ax = picture(long, quantity="balancedness")
    assert all(not np.any(line.get_ydata()) for line in curves(ax))
    assert "drawn as zero: entries below" in ax.get_title(loc="right")
    # before the weights have grown the same conserved numbers are far above the digits
    short = picture(integrate(flow, scale="1e-20", rng=0, t=1, digits=20), quantity="balancedness")
    assert short.get_title(loc="right") == ""
    assert all(np.ptp(line.get_ydata()) < 1e-15 * abs(line.get_ydata()[0]) for line in curves(short))


def test_what_a_descent_moves_in_the_balancedness_is_drawn(descent):
    ax = picture(descent, quantity="balancedness")
    assert ax.get_title(loc="right") == ""
    expected = [[float(m[place]) for place in ((0, 0), (0, 1), (1, 1))] for (m,) in descent.sample("balancedness")[1]]
    assert np.allclose(np.array([line.get_ydata() for line in curves(ax)]).T, expected)


def test_a_loss_that_rounding_hides_is_drawn_level():
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(2, 1))
    path = integrate(flow, scale="1e-3", rng=0, until="converged", digits=15)
    ax = path.plot(ax=Figure().add_subplot(), quantity="loss")
    heights = ax.lines[0].get_ydata()
    assert (np.diff(heights) <= 1e-9).all()
    assert "rounding hides losses below" in ax.get_title(loc="right")
    assert "\nloss ~" in str(path)
