"""Names of plateaus: the known story, every stratum of small atlases from nearby weights, honest refusals."""

from __future__ import annotations

import json
import pickle
import random
from fractions import Fraction

import mpmath
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from analytic.exact.undecided import UNDECIDED
from analytic.flow import GradientFlow
from analytic.integrate.flows import integrate
from analytic.landscape.atlas import atlas
from analytic.landscape.classification import hessian_inertia
from analytic.landscape.construction import random_gauge
from analytic.landscape.ranks import Kind
from analytic.loss import QuadraticLoss
from analytic.saddles.plateau_names import PlateauStratum, plateau_namer, plateau_stratum, stratum_label
from analytic.smooth_loss import SmoothLoss
from graphs.errors import DimensionError, HypothesisError, InexactInputError
from graphs.network import LinearNetwork

THREE = GradientFlow(LinearNetwork(3, 3, 3), QuadraticLoss.diagonal(3, 2, 1))
PLAIN = GradientFlow(LinearNetwork(2, 2, 2, 2), QuadraticLoss.diagonal(3, 2))
CHAIN = GradientFlow(LinearNetwork(1, 1, 1, 1), QuadraticLoss.diagonal(1))
SMALL = {
    "two layers": ((2, 2, 2), QuadraticLoss.diagonal(3, 2)),
    "three layers": ((2, 2, 2, 2), QuadraticLoss.diagonal(3, 2)),
    "equal modes": ((2, 2, 2, 2), QuadraticLoss.diagonal(2, 2)),
    "rectangular": ((3, 2, 4), QuadraticLoss([[3, 0, 0], [0, 2, 0], [0, 0, 1], [0, 0, 0]])),
    "target of rank 1": ((2, 2, 2), QuadraticLoss([[2, 4], [1, 2]])),
    "bottleneck": ((2, 1, 2, 2), QuadraticLoss.diagonal(3, 2)),
    "full target": ((2, 3, 2), QuadraticLoss([[2, 1], [1, 2]])),
    "irrational modes": ((2, 2, 2, 2), QuadraticLoss([[1, 1], [0, 1]])),
    "data": ((2, 2, 2), QuadraticLoss.from_data([[1, 0, 1], [0, 2, 1]], [[2, 1, 0], [1, 1, 1]])),
    "unseen input": ((3, 2, 2), QuadraticLoss.from_data([[1, 0], [0, 2], [1, 2]], [[2, 1], [1, 1]])),
    "weak mode": ((2, 1, 2, 2), QuadraticLoss.diagonal(3, "1/1000")),
}


def perturbed(weights, size, seed):
    """Weights as mpmath matrices of 60 digits, with an error of a given size in every entry."""
    source = random.Random(seed)
    with mpmath.workdps(60):
        return tuple(
            mpmath.matrix(
                [
                    [mpmath.mpf(str(sympy.N(e, 60))) + mpmath.mpf(size) * source.uniform(-1, 1) for e in row]
                    for row in weight.tolist()
                ]
            )
            for weight in weights
        )


def starts():
    reflection = [[Fraction(1, 3) * (3 * int(r == c) - 2) for c in range(3)] for r in range(3)]  # I − 2nnᵀ, orthogonal
    identity = [[int(r == c) for c in range(3)] for r in range(3)]
    mixed = [[1, 2, 1], [0, 1, 1], [1, 0, 2]]
    turned = [list(column) for column in zip(*mixed, strict=True)]
    return {
        "random": None,
        "diagonal": [identity, identity],
        "balanced": [mixed, turned],
        "orthogonal": [reflection, reflection],
    }


@pytest.mark.parametrize("start", starts())
@pytest.mark.parametrize("scale", ["1e-12", "1e-50"])
def test_modes_are_learnt_one_by_one_and_plateaus_are_named_by_them(start, scale):
    weights = starts()[start]
    if start == "balanced":  # W_2 = W_1ᵀ has W_2ᵀW_2 = W_1W_1ᵀ
        assert sympy.Matrix(weights[1]) == sympy.Matrix(weights[0]).T
    path = integrate(
        THREE,
        weights,
        scale=scale,
        rng=0 if weights is None else None,
        t=150 if scale == "1e-50" else 60,
        digits=15,
        name_plateau=plateau_namer(THREE),
    )
    story = [event.label for event in path.events if event.kind.startswith("plateau")]
    assert story == ["{}", "{1}", "{1}", "{1, 2}", "{1, 2}"]
    assert [event.mode for event in path.events if event.kind == "learnt"] == [1, 2, 3]
    end = plateau_stratum(THREE, path.final)
    assert (end.label, end.kind, end.index) == ("{1, 2, 3}", Kind.GLOBAL_MINIMUM, 0)


def test_three_layers_leave_the_origin_and_stay_balanced():
    path = integrate(PLAIN, scale="1e-2", rng=0, t=60, digits=15, name_plateau=plateau_namer(PLAIN))
    assert [event.label for event in path.events if event.label] == [
        "{} [0,0]² [1,1]² [2,2]² [3,3]² 0⇢3 ×2",
        "{1} [0,3] [0,0] [1,1] [2,2] [3,3] 0⇢3",
    ]


@pytest.mark.parametrize("case", SMALL)
def test_every_stratum_is_found_from_weights_beside_it(case):
    widths, loss = SMALL[case]
    flow = GradientFlow(LinearNetwork(*widths), loss)
    name = plateau_namer(flow)
    for place, stratum in enumerate(atlas(flow)):
        point = stratum.representative()
        if place % 2 and all(entry.is_Rational for weight in point for entry in weight):
            point = random_gauge(point, place)
        weights = perturbed(point, "1e-30", place)
        found = plateau_stratum(flow, weights)
        assert found.stratum == stratum
        assert found.label == stratum_label(stratum) == name(weights)
        assert Fraction(found.distance) < Fraction(1, 10**26)


@pytest.mark.parametrize("case", ["two layers", "equal modes", "bottleneck", "target of rank 1"])
def test_index_is_that_of_the_full_hessian(case):
    widths, loss = SMALL[case]
    flow = GradientFlow(LinearNetwork(*widths), loss)
    for stratum in atlas(flow):
        point = stratum.representative()
        found = plateau_stratum(flow, perturbed(point, "1e-30", 1))
        assert found.inertia == hessian_inertia(flow, point)
        assert found.index == found.inertia.negative


def test_ranks_of_partial_products_are_those_of_the_barcode():
    for place, stratum in enumerate(atlas(PLAIN)):
        weights = perturbed(stratum.representative(), "1e-30", place)
        table = plateau_stratum(PLAIN, weights).stratum.barcode.rank_table()
        with mpmath.workdps(60):
            for i in range(3):
                product = mpmath.eye(2)
                for j in range(i + 1, 4):
                    product = weights[j - 1] * product
                    values = mpmath.svd_r(product, compute_uv=False)
                    assert table[i, j] == sum(1 for value in values if value > 1e-20)


@pytest.mark.parametrize("case", SMALL)
def test_labels_tell_strata_apart_and_stand_in_the_table_of_the_atlas(case):
    widths, loss = SMALL[case]
    strata = atlas(GradientFlow(LinearNetwork(*widths), loss))
    labels = [stratum_label(stratum) for stratum in strata]
    assert len(set(labels)) == len(labels) == len(strata)
    rows = [" ".join(line.split()) for line in str(strata).splitlines()[1:]]
    assert len(rows) == len(labels)
    for row, label in zip(rows, labels, strict=True):
        assert f" {label} " in row


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 19), st.integers(10, 200), st.integers(0, 1000))
def test_any_tiny_error_gives_the_same_name(place, exponent, seed):
    stratum = list(atlas(PLAIN))[place]
    weights = perturbed(stratum.representative(), f"1e-{exponent}", seed)
    assert plateau_stratum(PLAIN, weights, threshold="1e-7").stratum == stratum


def test_layers_that_have_not_moved_count_as_zero():
    # all gradients vanish but for products with a tiny layer: both the origin and W = (w, 0, 0) are near
    def label(first, **options):
        return plateau_stratum(CHAIN, [[[first]], [["1e-50"]], [["-1e-50"]]], **options).label

    origin, moved = "{} [0,0] [1,1] [2,2] [3,3] 0⇢3", "{} [0,1] [2,2] [3,3] 1⇢3"
    assert label("1e-50") == label("1e-30") == origin
    assert label("1e-4") == label("0.3") == moved
    assert label("1e-4", threshold="1e-2") == origin


@pytest.mark.parametrize("first", ["5e-11", "1e-10"])
def test_no_clear_gap_at_the_threshold_is_undecided(first):
    found = plateau_stratum(CHAIN, [[[first]], [["1e-50"]], [["-1e-50"]]])
    assert found.stratum is UNDECIDED
    assert found.label.startswith("undecided: between {} [0,") and "no clear gap" in found.reason


def test_strata_five_times_as_far_as_each_other_are_undecided():
    found = plateau_stratum(CHAIN, [[["1e-3"]], [["2e-4"]], [["1e-9"]]])
    assert found.stratum is UNDECIDED and "no clear gap" in found.label


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ([[["0.7", 0], [0, 0]], [[2, 0], [0, 0]]], "mode 1 is learned by 0.467"),
        ([[["0.3", "0.1"], ["0.2", "-0.3"]], [[0, 0], [0, 0]]], "do not rest"),
        ([[["0.9", "0.4"], ["-0.5", "0.8"]], [["0.7", "-0.6"], ["0.3", "1.1"]]], "mode"),
        ([[[3, 0], [0, 2]], [[1, "0.6"], [0, 1]]], ""),
    ],
)
def test_points_that_are_not_near_critical_ones_are_undecided(weights, reason):
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(3, 2))
    found = plateau_stratum(flow, weights)
    assert found.stratum is UNDECIDED
    assert found.kind is found.index is found.learned is found.inertia is UNDECIDED
    assert found.label == f"undecided: {found.reason}" and reason in found.reason and found.reason


def test_more_strengths_than_ranks_are_undecided():
    flow = GradientFlow(LinearNetwork(2, 1, 2), QuadraticLoss.diagonal("1.01", 1))
    found = plateau_stratum(flow, [[["0.9", "0.9"]], [["0.9"], ["0.9"]]])
    assert min(found.strengths) > 0.75 and found.stratum is UNDECIDED


@pytest.mark.parametrize("seed", range(8))
def test_random_weights_of_the_size_of_the_target_are_undecided(seed):
    source = random.Random(seed)
    weights = [[[source.gauss(0, 1) for _ in range(3)] for _ in range(3)] for _ in range(2)]
    assert plateau_stratum(THREE, weights).stratum is UNDECIDED


def test_a_weak_mode_that_is_learned_is_not_lost():
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(3, "1e-4"))
    weights = [[["1", "1e-20"], ["1e-20", "0.01"]], [["3", "1e-20"], ["1e-20", "0.01"]]]
    assert plateau_stratum(flow, weights).label == "{1, 2}"
    weights[1][1][1] = "1e-20"
    weights[0][1][1] = "1e-20"
    assert plateau_stratum(flow, weights).label == "{1}"


def test_exactly_critical_weights_are_classified_exactly():
    found = plateau_stratum(CHAIN, [[["1e-50"]], [[0]], [[0]]])
    assert (found.label, found.distance) == ("{} [0,1] [2,2] [3,3] 1⇢3", 0)


def test_what_the_atlas_does_not_know_is_refused_before_the_run():
    target = QuadraticLoss.diagonal(2, 1)
    with pytest.raises(HypothesisError, match="diagonal"):
        plateau_namer(GradientFlow(LinearNetwork.diagonal(2, 2), target))
    smooth = SmoothLoss.weighted([[1, 2], [2, 0]], [[1, 1], [1, 0]])
    with pytest.raises(HypothesisError, match="quadratic"):
        plateau_namer(GradientFlow(LinearNetwork(2, 1, 2), smooth))
    with pytest.raises(InexactInputError):
        plateau_namer(GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(*sympy.symbols("s t"))))
    with pytest.raises(DimensionError, match="flow"):
        plateau_namer("flow")
    for threshold in (0, 1, "-1e-3", "2"):
        with pytest.raises(HypothesisError, match="threshold"):
            plateau_namer(THREE, threshold=threshold)


def test_result_survives_json_and_pickle_and_replays():
    weights = perturbed(next(iter(atlas(PLAIN))).representative(), "1e-30", 0)
    for found in (plateau_stratum(PLAIN, weights), plateau_stratum(CHAIN, [[["0.5"]], [[1]], [[1]]])):
        again = PlateauStratum.from_dict(json.loads(json.dumps(found.to_dict())))
        assert again == found == pickle.loads(pickle.dumps(found))
        assert str(again) == found.label and repr(again) == repr(found)
    assert plateau_stratum(PLAIN, weights).audit.verify()
    assert pickle.loads(pickle.dumps(plateau_namer(PLAIN)))(weights) == plateau_stratum(PLAIN, weights).label


def test_nothing_to_learn_has_one_name():
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss([[0, 0], [0, 0]]))
    found = plateau_stratum(flow, [[["1e-30", 0], [0, "2e-30"]], [[1, 0], [0, 2]]])
    assert found.label == "{} [1,2]² [0,0]²"
    assert found.strengths == () and found.learned == () and found.kind is Kind.GLOBAL_MINIMUM
