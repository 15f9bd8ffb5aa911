"""Chains of scalars: their series in closed form and in fixed point against the plain recurrence at high precision."""

from __future__ import annotations

import importlib
import random

import mpmath
import pytest
from flint import arb, ctx

from analytic.flow import GradientFlow
from analytic.integrate import integrate
from analytic.integrate.problem import Problem
from analytic.integrate.scalar_series import chain_layers, chain_series
from analytic.integrate.series import taylor_series
from analytic.integrate.start import start_weights
from analytic.loss import QuadraticLoss
from graphs.network import LinearNetwork

HIGH = 4000


def plain(weights, target, gram, pace, order):
    """(k + 1) w_{k+1} = coefficient k of c (b − g P) ∏ of the others, all products multiplied out."""

    def times(a, b):
        return sum((a[i] * b[len(a) - 1 - i] for i in range(len(a))), arb(0))

    series = [[weight] for weight in weights]
    head, tail = [[] for _ in weights], [[] for _ in weights]  # products of the layers before and behind
    residual = []
    for k in range(order):
        one = arb(1 if k == 0 else 0)
        for i in range(len(weights)):
            head[i].append(times(head[i - 1], series[i - 1]) if i else one)
        for i in reversed(range(len(weights))):
            tail[i].append(times(tail[i + 1], series[i + 1]) if i + 1 < len(weights) else one)
        product = times(head[-1], series[-1])
        residual.append((target if k == 0 else 0) - gram * product)
        new = []
        for i in range(len(weights)):
            others = [times(head[i][: j + 1], tail[i][: j + 1]) for j in range(k + 1)]
            new.append((times(others, residual) * pace / (k + 1)).mid())
        for coefficients, value in zip(series, new, strict=True):
            coefficients.append(value)
    return series


def exact(value, bits=100):
    with ctx.workprec(bits):
        return arb(value).mid()


def power(rng, least, most):
    with ctx.workprec(100):
        return (arb(rng.uniform(1, 10)) * arb(10) ** rng.randint(least, most)).mid()


def random_weights(rng, depth):
    kind = rng.randrange(8)
    low = rng.choice([-1, -10, -300])
    weights = [rng.choice([-1, 1]) * power(rng, low, 0) for _ in range(depth)]
    if kind == 0:
        weights = [weights[0]] * depth
    elif kind == 1:
        weights = [weights[0] * (-1) ** i for i in range(depth)]  # decays before it learns
    elif kind == 2:
        weights[rng.randrange(depth)] = arb(0)
    elif kind == 3:
        weights[0] = power(rng, 1, 3)
    elif kind == 4:
        weights = [arb(0)] * depth
    return [exact(weight) for weight in weights]


def assert_close(found, true, bits):
    for ours, theirs in zip(found, true, strict=True):
        largest = max(abs(value) for value in theirs)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert one.is_exact()
            assert abs(one - other) <= largest * arb((1, -bits))


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 6])
def test_every_coefficient_is_right_to_the_bits_asked_for(depth):
    rng, tried = random.Random(depth), 0
    for _ in range(60):
        weights = random_weights(rng, depth)
        target = exact(rng.choice([-1, 1, 1]) * power(rng, -2, 2)) if rng.random() > 0.1 else arb(0)
        gram = rng.choice([arb(1), arb(1), power(rng, -2, 1), arb(0)])
        bits, order = rng.choice([60, 100, 200, 390]), rng.choice([3, 10, 25, 40])
        size = max(abs(w) for w in weights) + arb("1e-6")
        rate = abs(target) * size ** max(0, depth - 2) + gram * size ** (2 * depth - 2)
        with ctx.workprec(100):
            pace = exact(arb(rng.uniform(0.01, 3)) / (rate + arb("1e-30")))
        found = chain_series(weights, target, gram, pace, order, bits)
        if found is None:
            continue
        tried += 1
        with ctx.workprec(HIGH):
            assert_close(found, plain(weights, target, gram, pace, order), bits)
    assert tried > 40


@pytest.mark.parametrize("depth", [1, 3])
def test_a_unit_far_beyond_the_reach_is_left_to_matrices(depth):
    weights = [exact(arb("1e-11"))] * depth
    assert chain_series(weights, arb(1), arb(1), exact(arb("1e16") ** depth), 30, 97) is None
    assert chain_series(weights, arb(1), arb(1), exact(arb(1) / 16), 30, 97) is not None


@pytest.mark.parametrize(
    ("network", "sigma"),
    [
        (LinearNetwork(1, 1, 1), (2,)),
        (LinearNetwork(1, 1, 1, 1), (2,)),
        (LinearNetwork.diagonal(3, 2), (3, "1/2", -1)),
        (LinearNetwork.diagonal(2, 4), (3, 1)),
    ],
)
def test_layers_are_those_of_the_matrix_recurrence(network, sigma, monkeypatch):
    flow = GradientFlow(network, QuadraticLoss.diagonal(*sigma))
    start = start_weights(network, None, "1/3", 5)
    problem = Problem.of(flow, 200)
    with ctx.workprec(200):
        weights = [matrix.mid() for matrix in start.balls()]
        unit = arb(1) / 8
        chains = chain_layers(problem, weights, 30, unit, 160)
        module = importlib.import_module("analytic.integrate.series")
        monkeypatch.setattr(module, "chain_layers", lambda *_: None)
        matrices = taylor_series(problem, weights, 30, unit, 160).layers
    with ctx.workprec(400):
        for ours, theirs in zip(chains, matrices, strict=True):
            for k, (one, other) in enumerate(zip(ours, theirs, strict=True)):
                for a, b in zip(one.entries(), other.entries(), strict=True):
                    assert abs(a - b) < arb((1, -150)), k


DATA = QuadraticLoss.from_data([[1, 2, 0], [2, 1, 1]], [[1, 0, 2], [2, 1, 1]])
RUNS = {
    "one layer": (LinearNetwork(1, 1), QuadraticLoss.diagonal(2), "1e-30", 5),
    "two, tiny": (LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(2), "1e-300", 720),
    "two, negative target": (LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(-2), "1e-9", 40),
    "three": (LinearNetwork(1, 1, 1, 1), QuadraticLoss.diagonal(3), "1/20", 30),
    "diagonal": (LinearNetwork.diagonal(3, 2), QuadraticLoss.diagonal(3, 1, "1/5"), "1e-20", 60),
    "diagonal with data": (LinearNetwork.diagonal(2, 3), DATA, "1/4", 3),
}


@pytest.mark.parametrize("digits", [12, 50, 130])
@pytest.mark.parametrize("name", RUNS)
def test_runs_agree_with_those_of_matrices_to_all_digits(name, digits, monkeypatch):
    network, loss, scale, t = RUNS[name]
    flow = GradientFlow(network, loss)
    ours = integrate(flow, scale=scale, rng=2, t=t, digits=digits)
    monkeypatch.setattr(Problem, "chains", None)
    theirs = integrate(flow, scale=scale, rng=2, t=t, digits=digits + 10)
    with mpmath.workdps(digits + 20):
        for one, other in zip(ours.final, theirs.final, strict=True):
            for r in range(one.rows):
                for c in range(one.cols):
                    assert abs(one[r, c] - other[r, c]) <= abs(other[r, c]) * mpmath.mpf(10) ** -digits


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_dense_output_has_the_digits_whatever_precision_is_set_around_it(depth):
    # the mean over 5 samples: a factor that is no binary number
    loss = QuadraticLoss.from_moments([[0, 0], [0, 1]], [[0, 0], [0, 0]], 0, normalisation="1/5")
    flow = GradientFlow(LinearNetwork.diagonal(2, depth), loss)
    weights = [[[1, 0], [0, "-7/10"]]] * depth
    rough, fine = (integrate(flow, weights, t="1/2", digits=n, events=None) for n in (30, 60))
    for bits in (20, 53, 300):
        with ctx.workprec(bits), mpmath.workdps(80):
            for t in ("1/7", "5/26", "1/2"):
                for ours, true in zip(rough.at(t), fine.at(t), strict=True):
                    assert abs(ours[1, 1] - true[1, 1]) <= abs(true[1, 1]) * mpmath.mpf(10) ** -30


def test_a_chain_at_rest_stays():
    flow = GradientFlow(LinearNetwork(1, 1, 1, 1), QuadraticLoss.diagonal(2))
    zero_pair = integrate(flow, [[[0]], [[0]], [["1/3"]]], t=5, digits=20)
    assert zero_pair.final == zero_pair.at(0)
    moved = integrate(flow, [[[0]], [["1/2"]], [["1/3"]]], t=5, digits=20)
    assert moved.final != moved.at(0)
