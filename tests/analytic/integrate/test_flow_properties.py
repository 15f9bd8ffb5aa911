"""What every run must satisfy, on random networks, targets, data, sizes and digits; each claim by a second route.

All comparisons are exact: the numbers of a run are binary numbers and become fractions.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from flint import arb, ctx
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from analytic.flow import GradientFlow
from analytic.integrate import Status, Trajectory, integrate
from analytic.integrate.series import taylor_series
from analytic.loss import QuadraticLoss
from graphs.network import LinearNetwork

KINDS = ("dense", "data", "masked", "diagonal")
MOST_STEPS = 40
CHECKED = {"deadline": None, "derandomize": True, "database": None, "suppress_health_check": list(HealthCheck)}

EXPONENTS = st.one_of(st.integers(2, 60), st.sampled_from([100, 250, 400]))
DIGITS = st.one_of(st.integers(10, 40), st.sampled_from([60, 100, 200]))
small_fraction = st.builds(Fraction, st.integers(-5, 5), st.integers(1, 3))


@dataclass(frozen=True)
class Case:
    """One run to make: W(0) = scale · shape, up to `t`, or as far as `MOST_STEPS` steps go."""

    network: LinearNetwork
    loss: QuadraticLoss
    shape: Any
    scale: Fraction
    t: Fraction
    digits: int

    @property
    def flow(self):
        return GradientFlow(self.network, self.loss)

    def run(self, **changes):
        options = {"scale": self.scale, "t": self.t, "digits": self.digits, "events": None, "max_steps": MOST_STEPS}
        return integrate(self.flow, self.shape, **{**options, **changes})


@st.composite
def tables(draw, rows, cols, entries=small_fraction):
    return [[draw(entries) for _ in range(cols)] for _ in range(rows)]


@st.composite
def networks(draw, kind):
    depth = draw(st.integers(1 if kind != "data" else 2, 4))
    if kind == "diagonal":
        return LinearNetwork.diagonal(draw(st.integers(1, 4)), depth)
    widths = [draw(st.integers(1, 4)) for _ in range(depth + 1)]
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    if kind == "masked":
        return LinearNetwork(*widths, supports=[draw(tables(r, c, st.integers(0, 1))) for r, c in shapes])
    return LinearNetwork(*widths)


@st.composite
def losses(draw, kind, rows, cols):
    if kind == "data" or (kind == "diagonal" and draw(st.booleans())):
        samples = draw(st.integers(1, cols + 2))
        inputs, outputs = (draw(tables(n, samples, st.integers(-2, 3))) for n in (cols, rows))
        return QuadraticLoss.from_data(inputs, outputs, normalisation=draw(st.sampled_from([1, "mean"])))
    if draw(st.booleans()):
        count = min(rows, cols)
        return QuadraticLoss.diagonal(*(draw(small_fraction) for _ in range(count)), shape=(rows, cols))
    return QuadraticLoss(draw(tables(rows, cols)))


@st.composite
def cases(draw, kinds=KINDS, load=2_000):
    """Scales 1e-2 … 1e-400, digits 10 … 200.

    Time is measured in units of the first escape: ln(1/α)/‖B‖ for two layers, α^{−(h−2)}/‖B‖ for more.
    """
    kind = draw(st.sampled_from(kinds))
    network = draw(networks(kind))
    loss = draw(losses(kind, network.widths[-1], network.widths[0]))
    if draw(st.booleans()):
        shape = [draw(tables(r, c)) for r, c in network.layer_shapes]
    else:
        generator = np.random.default_rng(draw(st.integers(0, 10**6)))
        shape = [[[Fraction(x) for x in row] for row in generator.standard_normal(s)] for s in network.layer_shapes]
    shape = [
        [[e if network.has_edge(i, r, c) else Fraction(0) for c, e in enumerate(row)] for r, row in enumerate(layer)]
        for i, layer in enumerate(shape, start=1)
    ]
    exponent = draw(EXPONENTS)
    pull = max([abs(Fraction(int(e.p), int(e.q))) for e in loss.normalisation * loss.cross] + [Fraction(1, 10)])
    size = max([abs(e) for layer in shape for row in layer for e in row] + [Fraction(1)]).limit_denominator(8)
    clocks = {1: Fraction(1), 2: Fraction(23, 10) * exponent}
    clock = clocks.get(network.depth, (Fraction(10) ** exponent / size) ** (network.depth - 2))
    t = draw(st.fractions(Fraction(1, 20), Fraction(3, 2), max_denominator=40)) * clock / pull
    case = Case(network, loss, shape, Fraction(1, 10**exponent), t, draw(DIGITS))
    assume(is_quick(case, exponent, load))
    return case


def is_quick(case, exponent, load):
    """Deep networks need (h − 1) times the exponent in digits, and a series costs the cube of its digits."""
    wide, deep = max(case.network.widths) > 2, case.network.depth > 2
    if case.digits > 60 and (wide or deep):
        return False
    return exponent * (case.network.depth - 1) <= load / 100 if deep else exponent * case.digits <= load


def fractions_of(weights):
    """The layers of mpmath matrices, or of exact numbers, as rows of fractions."""
    return [
        [[exact(e) for e in row] for row in getattr(layer, "tolist", lambda layer=layer: layer)()] for layer in weights
    ]


def exact(number):
    if isinstance(number, mpmath.mpf):
        sign, man, exp, _ = number._mpf_
        return Fraction(-int(man) if sign else int(man)) * Fraction(2) ** int(exp)
    return Fraction(int(number.p), int(number.q)) if hasattr(number, "q") else Fraction(number)


def times(a, b):
    return [
        [sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in zip(*b, strict=True)]
        for row in a
    ]


def transpose(a):
    return [list(column) for column in zip(*a, strict=True)]


def is_diagonal(table):
    return all(e == 0 for r, row in enumerate(table) for c, e in enumerate(row) if r != c)


def blocks(case, layers):
    """What `digits` is relative to: columns of W_1 and rows of W_h if modes separate, entries of diagonal layers."""
    loss, depth = case.loss, case.network.depth
    separate = case.network.is_dense and is_diagonal(loss.cross.tolist())
    separate = separate and (loss.gram is None or is_diagonal(loss.gram.tolist()))
    for i, (layer, support) in enumerate(zip(layers, case.network.supports, strict=True)):
        if support is not None and all(bool(e) == (r == c) for r, row in enumerate(support) for c, e in enumerate(row)):
            yield from ([row[r]] for r, row in enumerate(layer) if r < len(row))
        elif separate and i == 0:
            yield from transpose(layer)
        elif separate and i == depth - 1:
            yield from layer
        else:
            yield [e for row in layer for e in row]


def lost(case, ours, true):
    """Largest error over blocks relative to the block; infinite where a block that is zero is not."""
    worst = Fraction(0)
    for a, b in zip(blocks(case, ours), blocks(case, true), strict=True):
        gap, size = max(abs(x - y) for x, y in zip(a, b, strict=True)), max(map(abs, b))
        assert size or not gap, "a block that must be zero is not"
        worst = max(worst, gap / size if size else Fraction(0))
    return worst


def whole_layers(ours, true):
    worst = Fraction(0)
    for a, b in zip(ours, true, strict=True):
        gap = max(abs(x - y) for r, s in zip(a, b, strict=True) for x, y in zip(r, s, strict=True))
        size = max(abs(y) for s in b for y in s)
        assert size or not gap, "a layer that must be zero is not"
        worst = max(worst, gap / size if size else Fraction(0))
    return worst


def tolerance(case, factor=1):
    return Fraction(factor, 10**case.digits)


def agrees_with_more_digits_and_another_order(case):
    first = case.run()
    order = max(segment.order for segment in first.segments)
    better = case.run(
        t=first.final_time, digits=case.digits + 20, order=max(12 + case.digits // 2, order + 9), max_steps=10**5
    )
    assert better.final_time == first.final_time
    assert lost(case, fractions_of(first.final), fractions_of(better.final)) <= tolerance(case)
    middle = first.final_time * Fraction(5, 13)
    assert lost(case, fractions_of(first.at(middle)), fractions_of(better.at(middle))) <= tolerance(case)


def conserves_what_it_must(case):
    path = case.run()
    assert path.conservation_drift <= mpmath.mpf(10) ** -case.digits
    begin = [[[e * case.scale for e in row] for row in layer] for layer in case.shape]
    end = fractions_of(path.final)
    size = max(sum(e * e for row in layer for e in row) for layer in end)
    for (below, above), (low, high) in zip(pairwise(begin), pairwise(end), strict=True):
        then, now = (
            [
                [x - y for x, y in zip(r, s, strict=True)]
                for r, s in zip(times(transpose(b), b), times(a, transpose(a)), strict=True)
            ]
            for a, b in ((below, above), (low, high))
        )
        for r, (row, other) in enumerate(zip(then, now, strict=True)):
            for c, (x, y) in enumerate(zip(row, other, strict=True)):
                if case.network.is_dense or r == c:
                    assert abs(x - y) <= 4 * tolerance(case) * size


def loss_falls_by_the_squared_gradient(case):
    path = case.run()
    flow, unit = path.flow, path.final_time
    moments = [unit * Fraction(k, 7) for k in range(8)]
    values = [exact(flow.value(fractions_of(path.at(moment)))) for moment in moments]
    scale = max(values[0], Fraction(1, 10**6))
    for value, moment in zip(values, moments, strict=True):
        assert abs(exact(path.loss_at(moment)) - value) <= 8 * tolerance(case) * max(value, scale)
    assert all(a >= b - tolerance(case) * scale for a, b in pairwise(values))
    for segment, node in list(zip(path.segments, path.exact_times, strict=False))[:3]:
        if segment.order == 0:
            continue
        moment = node + (segment.end - segment.start) * Fraction(2, 3)
        with ctx.workprec(path.precision + 5):
            length = arb(segment.unit[0]) * arb(2) ** segment.unit[1]
            theta = arb((moment - node).numerator) / arb((moment - node).denominator) / length
            series = taylor_series(path.problem, path.state(node), segment.order, length, path.precision)
            slope = path.problem.back([matrix.mid() for matrix in series.slope(theta)])
        found = [[[exact_ball(m[r, c]) for c in range(m.ncols())] for r in range(m.nrows())] for m in slope]
        weights = fractions_of(path.at(moment))
        gradient = fractions_of(flow.gradient(weights))
        per_step = [
            max((abs(e) for row in layer for e in row), default=0) / (segment.end - segment.start) for layer in weights
        ]
        for ours, true, size in zip(found, gradient, per_step, strict=True):
            for x, y in zip((e for row in ours for e in row), (e for row in true for e in row), strict=True):
                assert abs(x + y) <= 10 * segment.order * tolerance(case) * max(size, abs(y))


def exact_ball(value):
    man, exp = value.mid().man_exp()
    return Fraction(int(man)) * Fraction(2) ** int(exp)


def lands_exactly_and_resumes_to_one_run(case):
    whole = case.run(events=["modes"], max_steps=400)
    if whole.status is Status.BUDGET:
        part = case.run(events=["modes"], max_steps=150)
        assert part.resume(t=case.t, max_steps=400 - 149).segments == whole.segments
        return
    assert whole.final_time == case.t
    part = case.run(t=case.t / 2, events=["modes"], max_steps=400)
    assert part.final_time == case.t / 2
    with tempfile.TemporaryDirectory() as folder:
        part.save(Path(folder) / "part.json")
        again = Trajectory.load(Path(folder) / "part.json")
    assert again == part
    assert again.resume(t=case.t, max_steps=400) == whole


def starts_at_any_time(case):
    shift = Fraction(10**20, 3)
    here, there = case.run(), case.run(start_time=shift, t=case.t + shift)
    assert there.end == here.end
    assert there.exact_times == tuple(time + shift for time in here.exact_times)
    moment = here.final_time / 3
    assert there.at(moment + shift) == here.at(moment)


def reordered(table, rows, columns):
    return None if table is None else [[table[r][c] for c in columns] for r in rows]


def permuting_hidden_units_permutes_the_weights(case):
    orders = [list(range(width)) for width in case.network.widths]
    orders[1:-1] = [order[1:] + order[:1] for order in orders[1:-1]]
    pairs = list(pairwise(orders))
    moved = [reordered(layer, rows, columns) for layer, (columns, rows) in zip(case.shape, pairs, strict=True)]
    masks = [reordered(mask, rows, columns) for mask, (columns, rows) in zip(case.network.supports, pairs, strict=True)]
    first = case.run()
    second = replace(case, network=LinearNetwork(*case.network.widths, supports=masks), shape=moved)
    ours = fractions_of(second.run(t=first.final_time, max_steps=10**5).final)
    expected = [
        reordered(layer, rows, columns) for layer, (columns, rows) in zip(fractions_of(first.final), pairs, strict=True)
    ]
    assert whole_layers(ours, expected) <= tolerance(case, 2)


def rotation(size, seed):
    """(I − S)(I + S)⁻¹ with S antisymmetric: a rational orthogonal matrix."""
    generator = np.random.default_rng(seed)
    drawn = sympy.Matrix(size, size, [int(x) for x in generator.integers(-2, 3, size * size)])
    skew = sympy.Rational(1, 2) * (drawn - drawn.T)
    return fractions_of([(sympy.eye(size) - skew) * (sympy.eye(size) + skew).inv()])[0]


def changing_orthogonal_bases_commutes_with_the_flow(case):
    """W_i → Q_i W_i Q_{i−1}ᵀ, B → Q_h B Q_0ᵀ, G → Q_0 G Q_0ᵀ."""
    bases = [rotation(width, case.t.numerator + i) for i, width in enumerate(case.network.widths)]

    def turned(layers):
        return [
            times(above, times(layer, transpose(below)))
            for layer, (below, above) in zip(layers, pairwise(bases), strict=True)
        ]

    loss = case.loss
    cross = times(bases[-1], times(fractions_of([loss.cross])[0], transpose(bases[0])))
    if loss.gram is None:
        other = QuadraticLoss(cross)
    else:
        gram = times(bases[0], times(fractions_of([loss.gram])[0], transpose(bases[0])))
        other = QuadraticLoss.from_moments(gram, cross, loss.energy, normalisation=loss.normalisation)
    first = case.run()
    second = replace(case, loss=other, shape=turned(case.shape)).run(t=first.final_time, max_steps=10**5)
    assert whole_layers(fractions_of(second.final), turned(fractions_of(first.final))) <= tolerance(case, 4)
    if case.network.depth == 2 and is_diagonal(loss.cross.tolist()) and loss.gram is None:
        sigma = sorted((abs(e) for e in loss.cross.diagonal()), reverse=True)
        if min(case.network.widths) == len(set(sigma) - {0}) == len(sigma):
            for x, y in zip(first.singular_values(), second.singular_values(), strict=True):
                assert abs(exact(x) - exact(y)) <= tolerance(case, 100) * exact(x)


def units_of_weights_and_time_are_free(case):
    """W → cW, M → c^h M, t → c^{2−2h} t is the same flow in other units, whatever c."""
    factor, depth = Fraction(10) ** (case.digits % 2 * 60 - 30), case.network.depth
    rate = factor ** (2 * depth - 2)
    cross = [[e * factor**depth for e in row] for row in fractions_of([case.loss.cross])[0]]
    if case.loss.gram is None:
        loss = QuadraticLoss(cross)
    else:
        energy = case.loss.energy * sympy.Rational(str(factor ** (2 * depth)))
        loss = QuadraticLoss.from_moments(case.loss.gram, cross, energy, normalisation=case.loss.normalisation)
    first = case.run()
    second = replace(case, loss=loss, scale=case.scale * factor).run(t=first.final_time / rate, max_steps=10**5)
    back = [[[e / factor for e in row] for row in layer] for layer in fractions_of(second.final)]
    assert lost(case, back, fractions_of(first.final)) <= tolerance(case, 2)


CLAIMS = (
    agrees_with_more_digits_and_another_order,
    conserves_what_it_must,
    loss_falls_by_the_squared_gradient,
    lands_exactly_and_resumes_to_one_run,
    starts_at_any_time,
    permuting_hidden_units_permutes_the_weights,
    units_of_weights_and_time_are_free,
)


def check(claim, count, kinds=KINDS, load=1_200):
    settings(max_examples=count, **CHECKED)(given(cases(kinds=kinds, load=load))(lambda case: claim(case)))()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_a_random_run(claim):
    check(claim, 8)


def test_changing_orthogonal_bases_commutes_with_the_flow():
    check(changing_orthogonal_bases_commutes_with_the_flow, 8, ("dense", "data"))


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_many_random_runs(claim):
    check(claim, 60, load=16_000)


@pytest.mark.slow
def test_changing_orthogonal_bases_commutes_with_many_flows():
    check(changing_orthogonal_bases_commutes_with_the_flow, 60, ("dense", "data"), load=8_000)
