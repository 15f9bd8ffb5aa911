"""The rule of the plateau names against points of other strata that are built here by hand, without `audit`."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import combinations
from math import prod, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytic.exact.undecided import UNDECIDED
from analytic.flow import GradientFlow
from analytic.integrate.flows import integrate
from analytic.landscape.atlas import atlas
from analytic.landscape.audit import audit
from analytic.landscape.classification import classify
from analytic.landscape.construction import random_gauge
from analytic.landscape.ranks import stratum_dimension
from analytic.landscape.stratum_point import point_finder
from analytic.loss import QuadraticLoss
from analytic.saddles import _plateau_search
from analytic.saddles._plateau_search import Floors
from analytic.saddles.plateau_names import plateau_namer, plateau_stratum
from graphs.network import LinearNetwork

FIVE = GradientFlow(LinearNetwork(2, 2, 2, 2, 2), QuadraticLoss.diagonal(1, 1))
FOUR = GradientFlow(LinearNetwork(2, 2, 2, 2), QuadraticLoss.diagonal(3, 2))
LONG = GradientFlow(LinearNetwork(*[2] * 9), QuadraticLoss.diagonal(2, 1))


def floats(weights):
    return [np.array([[float(e) for e in row] for row in np.array(w.tolist(), dtype=object)]) for w in weights]


def distance(weights, others):
    return sqrt(sum(float(np.sum((w - v) ** 2)) for w, v in zip(weights, others, strict=True)))


def points_without_learned_modes(weights):
    """Two layers or more are zero, others perhaps cut down to rank 1: all gradients vanish."""
    cut = []
    for w in weights:
        left, values, right = np.linalg.svd(w)
        cut.append(values[0] * np.outer(left[:, 0], right[0]))
    for count in range(2, len(weights) + 1):
        for zero in combinations(range(len(weights)), count):
            for which in (weights, cut):
                yield [0 * w if k in zero else v for k, (w, v) in enumerate(zip(weights, which, strict=True))]


def point_with_one_learned_mode(weights):
    """Rank 1 in every layer, for the target I: x_k ∝ W_k x_{k−1}, closed to x_h = x_0, with product x_0 x_0ᵀ."""
    product = weights[0]
    for w in weights[1:]:
        product = w @ product
    start = np.linalg.eigh(product + product.T)[1][:, -1]
    path = [start]
    for w in weights[:-1]:
        path.append(w @ path[-1] / np.linalg.norm(w @ path[-1]))
    path.append(start)
    sizes = [float(path[k + 1] @ w @ path[k]) for k, w in enumerate(weights)]
    closing = prod(sizes) ** (-1 / len(sizes))
    return [s * closing * np.outer(path[k + 1], path[k]) for k, s in enumerate(sizes)]


def named_plateaus(seed):
    path = integrate(FIVE, scale="0.3", rng=seed, t=20, digits=12, name_plateau=plateau_namer(FIVE))
    events = [event for event in path.events if event.label]
    assert events
    for event in events:
        found = plateau_stratum(FIVE, path.at(event.time))
        assert found.label == event.label
        yield found, floats(path.at(event.time))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_more_degenerate_is_farther_than_three_times_the_named_distance(seed):
    for found, weights in named_plateaus(seed):
        if found.stratum is UNDECIDED:
            assert found.reason
            continue
        dimension, limit = stratum_dimension(found.stratum.ranks), 3 * float(found.distance)
        if found.learned == ():
            origin = distance(weights, [0 * w for w in weights])
            assert dimension == 0 or origin > limit
        else:
            lowest = min(stratum_dimension(one.ranks) for one in atlas(FIVE, learned=found.learned))
            point = point_with_one_learned_mode(weights)
            product = point[3] @ point[2] @ point[1] @ point[0]
            assert np.allclose(product @ product, product) and np.isclose(np.trace(product), 1)
            assert dimension == lowest or distance(weights, point) > limit


def test_a_slow_path_past_the_origin_is_named_by_it_and_what_has_no_gap_is_undecided():
    (first, early), (second, late) = named_plateaus(1)
    origin = distance(early, [0 * w for w in early])
    assert first.label == "{} [0,0]² [1,1]² [2,2]² [3,3]² [4,4]² 0⇢4 ×2"
    assert float(first.distance) == pytest.approx(origin)
    assert all(distance(early, point) > origin / 3 for point in points_without_learned_modes(early))
    assert first.audit.verify() and first.audit.is_certified
    assert second.stratum is UNDECIDED and "no clear gap" in second.reason
    assert distance(late, point_with_one_learned_mode(late)) < 3 * float(second.distance)
    assert second.gap == pytest.approx(2.05, abs=0.01)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from([1e-6, 1e-3, 1e-2, 0.05, 0.3]), min_size=3, max_size=3), st.integers(0, 1000))
def test_named_stratum_obeys_the_rule_among_all_points_with_zero_layers(sizes, seed):
    source = np.random.default_rng(seed)
    weights = [size * source.standard_normal((2, 2)) for size in sizes]
    found = plateau_stratum(FOUR, weights)
    if found.stratum is UNDECIDED or found.learned:
        return
    here, dimension = float(found.distance), stratum_dimension(found.stratum.ranks)
    for point in points_without_learned_modes(weights):
        there = classify(FOUR, [[[Fraction(float(e)) for e in row] for row in w] for w in point]).ranks
        away = distance(weights, point)
        assert away > here / 3.001
        assert stratum_dimension(there) >= dimension or away > 9.99 * here


@pytest.mark.parametrize("flow", [FOUR, FIVE], ids=["four", "five"])
@pytest.mark.parametrize("seed", range(3))
def test_lower_bounds_from_singular_values_are_below_every_point_of_the_stratum(flow, seed):
    source = np.random.default_rng(seed)
    for place, stratum in enumerate(atlas(flow, learned=1 if seed else 0)):
        point = stratum.representative()
        if place % 2:
            point = random_gauge(point, place)
        here = floats(point)
        weights = [w + source.uniform(0, 0.5) * source.standard_normal(w.shape) for w in here]
        found = audit(flow, weights, tolerance="1/2")
        bound = float(Floors(found).below(stratum.ranks)) * float(found.scale)
        assert bound <= distance(weights, here)
        assert Floors(audit(flow, point, tolerance="1/2")).below(stratum.ranks) == 0


def test_lower_bound_of_the_origin_is_its_distance():
    source = np.random.default_rng(0)
    weights = [0.1 * source.standard_normal((2, 2)) for _ in range(3)]
    found = audit(FOUR, weights, tolerance="1/2")
    lowest = min((one.ranks for one in atlas(FOUR, learned=0)), key=stratum_dimension)
    bound = float(Floors(found).below(lowest)) * float(found.scale)
    assert bound == pytest.approx(distance(weights, [0 * w for w in weights]), rel=1e-6)


def test_points_of_all_strata_are_critical_and_as_near_as_they_say():
    source = random.Random(0)
    weights = [[[0.2 * source.gauss(0, 1) for _ in range(2)] for _ in range(2)] for _ in range(3)]
    find = point_finder(FOUR, weights, tolerance="1/2")
    for stratum in atlas(FOUR, learned=0):
        point = find(stratum.ranks)
        assert point is not None
        assert classify(FOUR, point.weights).ranks == stratum.ranks
        away = distance([np.array(w) for w in weights], floats(point.weights))
        assert float(point.distance) == pytest.approx(away)
        found = audit(FOUR, weights, tolerance="1/2", stratum=stratum.ranks)
        assert found.nearby == point and found.verify()


def test_an_atlas_too_large_to_go_through_gives_names_within_the_threshold_only():
    source = np.random.default_rng(0)
    noise = [source.standard_normal((2, 2)) for _ in range(8)]
    assert plateau_stratum(LONG, [1e-12 * w for w in noise]).label.startswith("{} [0,0]² [1,1]²")
    moved = [1e-20 * w for w in noise]
    moved[0][0, 0] = 1
    assert plateau_stratum(LONG, moved).label.startswith("{} [0,1] [0,0] [1,1]")
    found = plateau_stratum(LONG, [1e-3 * w for w in noise])
    assert found.stratum is UNDECIDED and "too many to go through" in found.reason
    moved[0][1, 1] = 1e-9
    assert plateau_stratum(LONG, moved).stratum is UNDECIDED


def test_more_points_than_are_built_are_undecided(monkeypatch):
    monkeypatch.setattr(_plateau_search, "_LEAST_POINTS", 2)
    monkeypatch.setattr(_plateau_search, "_WORK", 0)
    source = np.random.default_rng(0)
    weights = [0.05 * source.standard_normal((2, 2)) for _ in range(4)]
    found = plateau_stratum(FIVE, weights)
    assert found.stratum is UNDECIDED and "more than 2 strata" in found.reason
    tiny = plateau_stratum(FIVE, [1e-12 * w for w in weights])
    assert tiny.label == "{} [0,0]² [1,1]² [2,2]² [3,3]² [4,4]² 0⇢4 ×2"


def test_the_nearest_point_lies_in_a_stratum_that_degenerates_to_the_others():
    source = np.random.default_rng(1)
    weights = [0.3 * source.standard_normal((2, 2)) for _ in range(4)]
    find, strata = point_finder(FIVE, weights), [one.ranks for one in atlas(FIVE, learned=0)]
    widest = _plateau_search._widest(strata)
    assert len(widest) < len(strata) / 4
    nearest = [min(float(p.distance) for p in map(find, some) if p is not None) for some in (widest, strata)]
    assert nearest[0] == pytest.approx(nearest[1], rel=0.02)


def test_one_layer_with_a_missing_mode_has_no_stratum():
    flow = GradientFlow(LinearNetwork(2, 2), QuadraticLoss.diagonal(2, 1))
    assert plateau_stratum(flow, [[[2, 0], [0, "1/1000"]]]).stratum is UNDECIDED
    assert plateau_stratum(flow, [[[2, 0], [0, "1.001"]]]).label == "{1, 2}"
