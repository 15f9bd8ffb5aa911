"""What flows take and refuse: files, events, times, grids, pictures; every refusal names the place and the remedy."""

from __future__ import annotations

import copy
import json
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from matplotlib.figure import Figure

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
from analytic.loss import QuadraticLoss
from analytic.smooth_loss import SmoothLoss
from graphs.errors import DimensionError, HypothesisError, InexactInputError, NotFiniteError
from graphs.network import LinearNetwork

PLAIN = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(2, 1))
WEIGHTS = [[[1, 0], [0, 1]], [["1/2", 1], [0, 1]]]
REST = [[[1, 0], [0, 1]], [[2, 0], [0, 1]]]
ENTRY = PLAIN.network.parameters()[0]


def copied(run, folder):
    run.save(folder / "run.json")
    return Trajectory.load(folder / "run.json")


def saved(run):
    return json.loads(json.dumps(run.to_dict()))


@pytest.fixture(scope="module")
def run():
    return integrate(PLAIN, WEIGHTS, t=1, digits=15, rigorous=True)


@pytest.fixture(scope="module")
def resting():
    return integrate(PLAIN, REST, until="converged", digits=15)


# files


IRRATIONAL = {
    "roots and pi": (None, [[[sympy.sqrt(2), 0], [0, sympy.pi]], WEIGHTS[1]]),
    "E, sums, powers, functions": (
        None,
        [
            [[sympy.exp(1), sympy.log(2)], [(1 + sympy.sqrt(2)) ** 3, sympy.exp(2) / 7]],
            [[sympy.sin(1), "sqrt(3)"], [0, 1]],
        ],
    ),
    "times a tiny scale": ("1e-5000", [[[sympy.sqrt(2), sympy.pi], [0, 1]], WEIGHTS[1]]),
    "times an irrational scale": (sympy.sqrt(3) / 10, WEIGHTS),
}


@pytest.mark.parametrize("name", IRRATIONAL)
def test_a_run_from_irrational_weights_is_the_same_after_loading(name, tmp_path):
    scale, weights = IRRATIONAL[name]
    part, whole = (integrate(PLAIN, weights, scale=scale, t=t, digits=15) for t in ("1/10", "1/5"))
    again = copied(part, tmp_path)
    assert again == part
    assert again.start.layers == part.start.layers
    assert again.resume(t="1/5") == part.resume(t="1/5")
    assert again.resume(t="1/5").final_time == whole.final_time


def test_a_proved_run_from_irrational_weights_replays_after_loading(tmp_path):
    part = integrate(PLAIN, IRRATIONAL["roots and pi"][1], t="1/4", digits=15, rigorous=True)
    assert copied(part, tmp_path).verify()


@pytest.mark.parametrize("sigma", [("1e5000", "1e-5000"), (sympy.sqrt(2), sympy.cbrt(3) / 7)])
def test_a_run_towards_long_or_algebraic_targets_is_the_same_after_loading(sigma, tmp_path):
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(*sigma))
    part = integrate(flow, WEIGHTS, t="1e-5010", digits=15)
    assert copied(part, tmp_path) == part


def test_numbers_that_files_do_not_know_are_refused_when_saving(tmp_path):
    part = integrate(PLAIN, [[[sympy.GoldenRatio, 0], [0, 1]], WEIGHTS[1]], t="1/10", digits=15)
    with pytest.raises(HypothesisError, match=r"GoldenRatio.*decimal strings"):
        part.save(tmp_path / "run.json")
    assert not (tmp_path / "run.json").exists()


P2 = SmoothLoss.symbols(2, 2)
DATA = QuadraticLoss.from_data([[1, 2, 0], [0, 1, 3]], [[1, 0, 2], [2, 1, 1]])
MASKED = LinearNetwork(2, 2, 2, supports=[[[1, 0], [1, 1]], None])


def interrupted(state):
    if state.steps == 2:
        raise KeyboardInterrupt


RUNS = {
    "finished": (Status.FINISHED, lambda: integrate(PLAIN, scale="1e-20", rng=0, t=2, digits=15)),
    "converged": (Status.CONVERGED, lambda: integrate(PLAIN, scale="1/3", rng=0, until="converged", digits=12)),
    "event": (Status.EVENT, lambda: integrate(PLAIN, scale="1/9", rng=0, until=ModeLearnt(1), digits=12)),
    "polynomial": (
        Status.EVENT,
        lambda: integrate(PLAIN, scale="1/9", rng=0, until=PolynomialEvent(ENTRY**2 - 2 * ENTRY, "x"), t=9, digits=12),
    ),
    "budget": (Status.BUDGET, lambda: integrate(PLAIN, scale="1e-9", rng=0, t=50, digits=12, max_steps=2)),
    "interrupted": (Status.INTERRUPTED, lambda: integrate(PLAIN, scale=1, rng=0, t=9, digits=12, progress=interrupted)),
    "stationary": (Status.STATIONARY, lambda: integrate(PLAIN, REST, t=3)),
    "stationary at once": (Status.STATIONARY, lambda: integrate(PLAIN, REST, until="converged")),
    "no time": (Status.FINISHED, lambda: integrate(PLAIN, WEIGHTS, t=0, digits=12)),
    "rigorous": (Status.FINISHED, lambda: integrate(PLAIN, WEIGHTS, t=1, digits=12, rigorous=True)),
    "verified": (Status.FINISHED, lambda: integrate(PLAIN, WEIGHTS, t=1, digits=12, verify=True)),
    "rotated": (
        Status.FINISHED,
        lambda: integrate(
            GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss([["6/5", 1], ["8/5", 3]])),
            scale="1e-9",
            rng=0,
            t=4,
            digits=12,
        ),
    ),
    "masked": (Status.FINISHED, lambda: integrate(GradientFlow(MASKED, PLAIN.loss), scale=1, rng=0, t=1, digits=12)),
    "diagonal": (
        Status.FINISHED,
        lambda: integrate(GradientFlow(LinearNetwork.diagonal(2, 3), PLAIN.loss), scale="1/2", rng=0, t=3, digits=12),
    ),
    "data": (
        Status.FINISHED,
        lambda: integrate(GradientFlow(LinearNetwork(2, 2, 2), DATA), scale="1e-9", rng=0, t=3, digits=12),
    ),
    "smooth": (
        Status.FINISHED,
        lambda: integrate(
            GradientFlow(LinearNetwork(2, 2, 2), SmoothLoss((P2[0, 0] ** 2 - 1) ** 2 + P2[1, 1] ** 2, P2)),
            *(WEIGHTS,),
            t="1/4",
            digits=12,
        ),
    ),
    "descent": (Status.FINISHED, lambda: gradient_descent(PLAIN, WEIGHTS, step="1/10", steps=3, digits=12)),
    "exact descent": (Status.FINISHED, lambda: gradient_descent(PLAIN, WEIGHTS, step="1/10", steps=2, exact=True)),
    "no descent": (Status.FINISHED, lambda: gradient_descent(PLAIN, WEIGHTS, step="1/10", steps=0, exact=True)),
    "diverged descent": (Status.DIVERGED, lambda: gradient_descent(PLAIN, WEIGHTS, step=5, steps=60, digits=10)),
}


@pytest.mark.parametrize("name", RUNS)
def test_pickles_and_files_of_every_kind_of_run_are_equal_to_it(name, tmp_path):
    status, make = RUNS[name]
    made = make()
    assert made.status is status
    for again in (pickle.loads(pickle.dumps(made)), copied(made, tmp_path)):
        assert again == made
        assert again.final == made.final
        assert again.options == made.options
        assert again.watches == made.watches
        assert str(again) == str(made)


@pytest.mark.parametrize(
    "content", [b"", b"no", bytes(range(256)), b"[" * 10**5, b"[]", b"3", b"{}", b'{"format": NaN}', b"1" * 5000]
)
def test_a_file_that_is_no_trajectory_is_refused(content, tmp_path):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(HypothesisError, match=r"expected"):
        Trajectory.load(tmp_path / "run.json")


def test_a_missing_file_is_the_usual_error_and_a_truncated_one_is_refused(run, tmp_path):
    with pytest.raises(FileNotFoundError):
        Trajectory.load(tmp_path / "none.json")
    run.save(tmp_path / "run.json")
    whole = (tmp_path / "run.json").read_bytes()
    (tmp_path / "run.json").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HypothesisError, match=r"run\.json: got no JSON"):
        Trajectory.load(tmp_path / "run.json")


def test_a_file_of_another_version_says_so(run):
    with pytest.raises(HypothesisError, match="blockshift trajectory 2"):
        Trajectory.from_dict({**saved(run), "format": "blockshift trajectory 2"})


def places(value, path=()):
    """Every place of a nested structure."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def put(data, path, value):
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value


def test_no_damage_to_a_file_gives_another_kind_of_error():
    # every place in turn gets every kind of nonsense: it is refused with a remedy, or what comes back can be used
    data = saved(integrate(PLAIN, WEIGHTS, t="1/20", digits=6, rigorous=True))
    refused = 0
    for path in list(places(data)):
        for nonsense in (None, "x", -1, float("nan"), 10**30, [], {}, True):
            damaged = copy.deepcopy(data)
            put(damaged, path, nonsense)
            try:
                loaded = Trajectory.from_dict(damaged)
            except HypothesisError as refusal:
                assert "save the run again" in str(refusal) or path == ("format",)
                refused += 1
            else:
                assert loaded.at("1/30")
                assert str(loaded)
    assert refused > 500


@pytest.mark.parametrize("key", ["widths", "loss", "start", "segments", "end", "frame", "status", "options", "events"])
def test_a_file_without_a_part_names_it(run, key):
    data = saved(run)
    del data[key]
    with pytest.raises(HypothesisError, match=key):
        Trajectory.from_dict(data)


DAMAGE = {
    "unknown status": (("status",), "foo", "finished, converged"),
    "unknown method": (("method",), "euler", "taylor"),
    "other depth": (("widths",), [2, 2], "expected"),
    "other widths": (("widths",), [3, 3, 3], "expected"),
    "no segments": (("segments",), [], "segments"),
    "negative order": (("segments", 0, "order"), -1, r"segments\[0\]\.order: got -1"),
    "no number for an order": (("segments", 0, "order"), None, r"order: got None"),
    "fractional digits": (("digits",), 15.0, "digits"),
    "too few weights": (("segments", 0, "weights", 1), [["0x1", 0]], r"weights\[1\].*list of 4"),
    "a decimal mantissa": (("end", 0, 0), ["1", 0], "hexadecimal"),
    "huge exponent": (("end", 0, 0), ["0x1", 10**12], r"end\[0\]"),
    "huge unit": (("segments", 0, "unit"), ["0x1", 10**12], "unit"),
    "unit of zero": (("segments", 0, "unit"), ["0x0", 0], "unit"),
    "zero denominator": (("segments", 0, "end"), ["0x1", "0x0"], "denominator"),
    "backwards": (("segments", 0, "end"), ["-0x1", "0x1"], "at least its start"),
    "negative radius": (("segments", 0, "radius"), ["-0x1", 0], "radius"),
    "frame of the wrong size": (("frame",), [[["0x1", 0]], [["0x1", 0]]], "frame"),
    "start that does not fit": (("start", "layers", 0), [[["0x1", "0x1"]]], "start"),
    "start that runs code": (("start", "layers", 0, 0, 0), "__import__('os').getcwd()", "start"),
    "start with a giant number": (
        ("start", "layers", 0, 0, 0),
        ["0x1", "0x1", [["Rational", "1e999999999"]]],
        "digits",
    ),
    "start that is imaginary": (
        ("start", "layers", 0, 0, 0),
        ["0x1", "0x1", [["Pow", ["Rational", "-2"], ["Rational", "1/2"]]]],
        "real",
    ),
    "loss that is none": (("loss",), {"target": "abc"}, "loss"),
    "loss without a target": (("loss",), {}, "loss"),
    "events out of place": (("events",), {"a": 1}, "events"),
    "options without a reserve": (("options",), [], "reserve"),
    "unknown watch": (("watches",), [{"watch": "os.system"}], "watches"),
    "certificate by word": (
        ("convergence",),
        {**{k: ["0x1", 0] for k in ("gradient", "distance", "loss_lower", "loss_upper")}, "certified": "yes"},
        "certified",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_by_its_place(run, name):
    path, value, message = DAMAGE[name]
    data = saved(run)
    put(data, path, value)
    with pytest.raises(HypothesisError, match=message) as refusal:
        Trajectory.from_dict(data)
    assert len(str(refusal.value)) < 400


def test_segments_out_of_order_are_refused(run):
    data = saved(run)
    data["segments"].reverse()
    with pytest.raises(HypothesisError, match=r"segments\[1\]\.start.*the end of the one before"):
        Trajectory.from_dict(data)
    del data["segments"][1]
    with pytest.raises(HypothesisError, match=r"segments"):
        Trajectory.from_dict(data)


# events


EXACT = "expected an exact number"
EVENTS = {
    "layer by word": (lambda: SingularValueLevel(1, "1", layer="1"), DimensionError, "layer: got '1'"),
    "layer by flag": (lambda: SingularValueLevel(1, "1", layer=True), DimensionError, "layer: got True"),
    "layer zero": (lambda: SingularValueLevel(1, "1", layer=0), DimensionError, "layer: got 0"),
    "index by float": (lambda: SingularValueLevel(1.0, "1"), DimensionError, r"index: got 1\.0"),
    "negative singular value": (lambda: SingularValueLevel(1, "-1"), HypothesisError, "never negative"),
    "level of nothing": (lambda: SingularValueLevel(1, None), InexactInputError, EXACT),
    "mode zero": (lambda: ModeLearnt(0), DimensionError, "mode: got 0"),
    "mode by flag": (lambda: ModeLearnt(True), DimensionError, "mode: got True"),
    "mode by word": (lambda: ModeLearnt("1"), DimensionError, "mode: got '1'"),
    "fraction by float": (lambda: ModeLearnt(1, 0.5), InexactInputError, '"0.5"'),
    "fraction by word": (lambda: ModeLearnt(1, "half"), InexactInputError, "fraction: cannot read"),
    "level nan": (lambda: LossLevel(float("nan")), NotFiniteError, "level: nan"),
    "level 'nan'": (lambda: LossLevel("nan"), NotFiniteError, "level: 'nan'"),
    "level by float": (lambda: LossLevel(0.1), InexactInputError, '"0.1"'),
    "level by numpy's float": (lambda: LossLevel(np.float64(0.1)), InexactInputError, r'number such as "0\.1"'),
    "level by symbol": (lambda: LossLevel(ENTRY), InexactInputError, "symbol"),
    "speed by float": (lambda: PlateauSpeed(0.1), InexactInputError, '"0.1"'),
    "direction two": (lambda: LossLevel("1", direction=2), DimensionError, "direction: got 2"),
    "direction by word": (lambda: LossLevel("1", direction="up"), DimensionError, "direction: got 'up'"),
    "direction by flag": (lambda: PlateauSpeed(direction=True), DimensionError, "direction: got True"),
    "terminal by word": (lambda: LossLevel("1", terminal="no"), DimensionError, "terminal: got 'no'"),
    "terminal by number": (lambda: ModeLearnt(1, terminal=1), DimensionError, "terminal: got 1"),
    "polynomial by word": (lambda: PolynomialEvent("x"), HypothesisError, "polynomial: got 'x'"),
    "an equation": (lambda: PolynomialEvent(sympy.Eq(ENTRY, 1)), HypothesisError, "expected a sympy expression"),
    "float coefficient": (
        lambda: PolynomialEvent(ENTRY - 0.1),
        InexactInputError,
        r"0\.1 with a binary float.*Rational",
    ),
    "imaginary coefficient": (lambda: PolynomialEvent(ENTRY - sympy.I), InexactInputError, "complex"),
    "infinite coefficient": (lambda: PolynomialEvent(ENTRY * sympy.oo), NotFiniteError, "finite"),
    "name by number": (lambda: PolynomialEvent(ENTRY, 3), HypothesisError, "name: got 3"),
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_makes_no_sense_is_refused_when_it_is_made(name):
    make, error, message = EVENTS[name]
    with pytest.raises(error, match=message):
        make()


UNFIT = {
    "no such layer": (SingularValueLevel(1, 1, layer=3), DimensionError, r"layer: got 3, expected 1 … 2"),
    "no such singular value": (SingularValueLevel(3, 1), DimensionError, r"index: got 3, expected 1 … 2.*the product"),
    "no such mode": (ModeLearnt(3), DimensionError, "2 modes"),
    "negative loss": (LossLevel("-1"), HypothesisError, "level: got -1.*never negative"),
    "negative speed": (PlateauSpeed("-1"), HypothesisError, "never rises"),
    "foreign symbol": (PolynomialEvent(sympy.Symbol("x")), HypothesisError, r"network\.symbols"),
    "a constant": (PolynomialEvent(sympy.Integer(1)), HypothesisError, r"got 1, expected a polynomial"),
    "no polynomial": (PolynomialEvent(sympy.sin(ENTRY)), HypothesisError, r"expected a polynomial"),
    "nothing returned": (PolynomialEvent(lambda _: None, "mine"), HypothesisError, "polynomial 'mine'.*returned None"),
    "a word returned": (PolynomialEvent(lambda _: "1"), HypothesisError, r"returned '1' \(str\)"),
    "a complex number returned": (PolynomialEvent(lambda _: 1j), HypothesisError, "expected a real number"),
    "a matrix returned": (PolynomialEvent(lambda weights: weights[0]), HypothesisError, "matrix"),
    "nan returned": (PolynomialEvent(lambda _: mpmath.nan), NotFiniteError, "returned nan"),
    "nan of binary floats": (PolynomialEvent(lambda _: float("nan")), NotFiniteError, "returned nan"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_an_event_that_does_not_fit_the_flow_is_refused_before_the_first_step(name):
    event, error, message = UNFIT[name]
    for arguments in ({"t": 1, "events": [event]}, {"until": event}):
        with pytest.raises(error, match=message):
            integrate(PLAIN, WEIGHTS, digits=12, progress=lambda _: pytest.fail("stepped"), **arguments)


def test_where_one_number_is_possible_one_is_named():
    flow = GradientFlow(LinearNetwork(1, 1), QuadraticLoss.diagonal(1))
    start = [[["1/2"]]]
    run = integrate(flow, start, t=0, digits=12)
    with pytest.raises(DimensionError, match="layer: got 2, expected 1, or None for the product"):
        run.singular_values(layer=2)
    for event, message in (
        (SingularValueLevel(1, 1, layer=2), "layer: got 2, expected 1, or None for the product"),
        (SingularValueLevel(2, 1), "index: got 2, expected 1, the singular values of the product"),
        (ModeLearnt(2), "mode: got 2, expected 1: the target has 1 mode"),
    ):
        with pytest.raises(DimensionError, match=message):
            integrate(flow, start, t=1, digits=12, events=[event])


def test_a_zero_target_has_no_modes_to_wait_for():
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(0, 0))
    with pytest.raises(DimensionError, match="the target is zero"):
        integrate(flow, WEIGHTS, until=ModeLearnt(1), digits=12)


def test_events_take_every_kind_of_integer_and_are_the_same():
    made = ModeLearnt(np.int64(2), direction=np.int8(1), terminal=np.bool_(True))
    assert made == ModeLearnt(2, direction=1, terminal=True)
    assert repr(made) == repr(ModeLearnt(2, direction=1, terminal=True))
    assert type(SingularValueLevel(np.uint8(1), 1, layer=np.int16(2)).layer) is int


def test_a_negative_level_is_reached_by_a_loss_that_falls_below_zero():
    p = SmoothLoss.symbols(1, 1)
    flow = GradientFlow(LinearNetwork(1, 1, 1), SmoothLoss((p[0, 0] - 1) ** 2 - 1, p))
    end = integrate(flow, [[["1/2"]], [["1/2"]]], until=LossLevel("-1/2"), digits=15)
    assert end.status is Status.EVENT
    assert abs(end.loss[-1] + 0.5) < 1e-14


def test_a_polynomial_of_polys_and_of_expressions_happens_at_one_time():
    level = ENTRY**2 - sympy.Rational(5, 4)
    times = [
        integrate(PLAIN, WEIGHTS, until=PolynomialEvent(form), t=9, digits=15).events[-1].exact_time
        for form in (level, sympy.Poly(level, ENTRY))
    ]
    assert times[0] == times[1]


# numbers


@pytest.mark.parametrize("number", [0.5, np.float64(0.5), np.float32(0.5), np.float16(0.5)])
def test_a_refused_float_is_told_how_to_write_it_as_a_decimal(number):
    for arguments in ({"t": number}, {"t": 1, "scale": number}, {"t": 1, "times": [number]}):
        with pytest.raises(InexactInputError, match=r'got the binary float 0\.5, .* such as "0\.5"'):
            integrate(PLAIN, WEIGHTS, **arguments)


@pytest.mark.parametrize("number", [float("nan"), np.float64("nan"), np.float32("inf"), mpmath.nan])
def test_numbers_that_are_not_finite_are_shown_plainly(number, run):
    for use in (lambda: integrate(PLAIN, WEIGHTS, t=number), lambda: run.at(number)):
        with pytest.raises(NotFiniteError, match=r"^t: (nan|inf|\+inf) is not a finite number"):
            use()


def test_numpy_integers_are_taken_wherever_integers_are(run):
    plain = integrate(PLAIN, scale="1/2", rng=3, t=1, digits=12, max_steps=50, order=20)
    other = integrate(
        PLAIN, scale="1/2", rng=np.uint32(3), t=1, digits=np.int64(12), max_steps=np.int32(50), order=np.int16(20)
    )
    assert other == plain
    json.dumps(other.to_dict())
    assert run.sample("loss", np.int64(3)) == run.sample("loss", 3)
    assert run.singular_values(layer=np.int8(2)) == run.singular_values(layer=2)
    for bad in (True, 2.0, "2", None):
        with pytest.raises(DimensionError, match="count: got"):
            run.sample("loss", bad)
    for bad in (True, 1.0, "1", 0, 3):
        with pytest.raises(DimensionError, match="layer: got"):
            run.singular_values(layer=bad)


# times and grids


REFUSED = {
    "a word": ("abc", InexactInputError, "t: cannot read 'abc'"),
    "nothing": (None, InexactInputError, "t: got None"),
    "complex": (1j, InexactInputError, EXACT),
    "irrational": (sympy.sqrt(2) / 2, DimensionError, "rational number; give its decimals"),
    "before": (-1, DimensionError, r"got -1\.0, which is 1\.0 before the run starts.*flows run forwards"),
    "after": (2, DimensionError, r"got 2\.0, which is 1\.0 after the run ends.*resume"),
    "just after": ("1.00000000000000000001", DimensionError, r"which is 1\.0e-20 after"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_time_that_is_none_of_the_run_is_refused_with_what_to_do(name, run):
    time, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        if time is None:
            run.sample("loss", times=[None])
        else:
            run.at(time)


def test_times_after_a_run_that_rests_or_descends_say_how_to_have_more(resting):
    with pytest.raises(DimensionError, match=r"critical point.*`final`.*resume"):
        resting.at(1)
    assert resting.resume(t=1).at(1) == resting.final
    with pytest.raises(DimensionError, match="take more steps"):
        gradient_descent(PLAIN, WEIGHTS, step="1/10", steps=2, digits=12).at(1)


def test_samples_at_times_of_ones_own_are_those_of_at(run):
    times = ["1/3", Fraction(2, 7), 0.75, mpmath.mpf("0.125"), np.float64(0.5), 1]
    found, values = run.sample("product", times=times)
    assert [float(t) for t in found] == pytest.approx([1 / 3, 2 / 7, 0.75, 0.125, 0.5, 1], rel=1e-15)
    assert values == tuple(run.product(t) for t in times)
    assert run.sample("loss", times=np.linspace(0, 1, 5)) == run.sample("loss", 5)
    assert run.sample("loss", times=[]) == ((), ())
    for bad in ("1", 3):
        with pytest.raises(DimensionError, match=r"times: got .* expected a sequence"):
            run.sample("loss", times=bad)
    with pytest.raises(DimensionError, match="after the run ends"):
        run.sample("loss", times=[0, 2])


def test_a_logarithmic_grid_of_no_time_is_refused_and_a_linear_one_repeats_the_start(resting):
    nothing = integrate(PLAIN, WEIGHTS, t=0, digits=12)
    for path in (resting, nothing):
        for use in (path.sample, lambda path=path, **more: path.plot(Figure().add_subplot(), quantity="loss", **more)):
            with pytest.raises(DimensionError, match=r'"log".*expected "linear"'):
                use(spacing="log")
        assert path.sample("loss", 3) == ((0,) * 3, (path.loss[0],) * 3)
        assert path.plot(Figure().add_subplot())
    longer = integrate(PLAIN, REST, t=3, digits=12)
    assert len(set(longer.sample("loss", 4, spacing="log")[1])) == 1
    with pytest.raises(DimensionError, match="spacing: got 'cubic"):
        longer.sample("loss", spacing="cubic")


# pictures


CURVES = {
    "loss": 1,
    "mode_strengths": 2,
    "singular_values": 2,
    "layer_singular_values": 4,
    "product": 6,
    "weights": 10,
    "balancedness": 3,
    "tangent_kernel": 21,
}


@pytest.mark.parametrize("spacing", ["linear", "log"])
@pytest.mark.parametrize("quantity", CURVES)
def test_every_quantity_is_drawn_as_one_curve_a_number(quantity, spacing):
    flow = GradientFlow(LinearNetwork(3, 2, 2), QuadraticLoss.diagonal(2, 1, shape=(2, 3)))
    path = integrate(flow, scale="1e-3", rng=0, t=8, digits=10)
    ax = path.plot(Figure().add_subplot(), quantity=quantity, spacing=spacing, count=12)
    curves = [line for line in ax.lines if not line.get_label().startswith("_event ")]
    assert len(curves) == CURVES[quantity]
    assert len(ax.lines) == CURVES[quantity] + len(path.events)
    end = path.sample(quantity, 2)[1][-1]
    last = [line.get_ydata()[-1] for line in curves]
    if quantity == "product":
        assert last == pytest.approx([float(entry) for entry in end])
    if quantity == "balancedness":
        assert "drawn as zero" not in ax.get_title(loc="right")
        assert last == pytest.approx([float(end[0][place]) for place in ((0, 0), (0, 1), (1, 1))])
    if quantity == "weights":
        assert {line.get_color() for line in curves[:6]} == {"C0"}
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1", "2"]


def test_unknown_quantities_are_refused_with_those_that_work(run):
    for bad in ("weight", "times", 5, ""):
        for use in (run.sample, lambda quantity: run.plot(Figure().add_subplot(), quantity=quantity)):
            with pytest.raises(DimensionError, match=r"quantity: got .* mode_strengths.* or a function"):
                use(bad)
    with pytest.raises(DimensionError, match="quantity: the function returned 'x'"):
        run.plot(Figure().add_subplot(), quantity=lambda _: "x")


def test_a_function_of_the_weights_is_drawn(run):
    ax = run.plot(Figure().add_subplot(), quantity=lambda weights: weights[0] - weights[1], count=5)
    assert len(ax.lines) == 4 + len(run.events)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1, 1", "1, 2", "2, 1", "2, 2"]


def test_a_logarithmic_axis_shows_the_time_since_the_start():
    path = integrate(PLAIN, WEIGHTS, start_time=-5, t=-4, digits=12)
    ax = path.plot(Figure().add_subplot(), quantity="loss", spacing="log", count=5)
    assert ax.get_xlabel() == "time since the start"
    assert ax.lines[0].get_xdata()[-1] == 1
    assert min(ax.lines[0].get_xdata()) > 0


def test_a_flow_without_modes_is_drawn_by_its_singular_values():
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(0, 0))
    ax = integrate(flow, WEIGHTS, t=1, digits=12).plot(Figure().add_subplot(), count=5)
    assert "singular values" in ax.get_ylabel()
    assert len(ax.lines) >= 2
