"""The search behind `plateau_stratum`: strengths of the modes, distances of the strata, the gap between them.

s_k = u_kᵀ P Bᵀ u_k/σ_k² with eigenvectors u_k of BG⁺Bᵀ, B = YXᵀ, G = XXᵀ (Σ and the identity for a target).
The strata are those of the atlas; points are built only of those that the singular values do not put out of reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import inf, prod, sqrt
from typing import Any

import mpmath
import numpy as np

from analytic.flow import GradientFlow
from analytic.landscape.atlas import Atlas, atlas
from analytic.landscape.audit import Audit, NearbyPoint, audit
from analytic.landscape.ranks import StratumRanks, stratum_dimension
from analytic.landscape.spectrum import spectrum_of
from analytic.landscape.stratum import Stratum
from analytic.landscape.stratum_point import point_finder
from analytic.loss import QuadraticLoss
from analytic.modes import data_modes
from graphs.intervals import Barcode

__all__ = ["FIRST_TOLERANCE", "Candidate", "Choice", "Floors", "choose", "mode_strengths"]

FIRST_TOLERANCE = Fraction(1, 2)
_TOLERANCES = (Fraction(1, 6), Fraction(1, 20), Fraction(1, 60))  # audit goes down from each by tenths
_MOST_PARAMETERS = 1200  # as for audit
_MOST_STRATA = 3000  # a larger atlas is not gone through
_LEAST_POINTS, _WORK = 40, 600_000  # points of strata that are built: that many, or work/parameters²
_SAME = 3  # distances that differ by less are equally near
_GAP = 10
_DIGITS = 30


@dataclass(frozen=True)
class Candidate:
    """A stratum, and a point of it near the weights."""

    flow: GradientFlow
    point: NearbyPoint
    scale: Decimal

    @property
    def ranks(self) -> StratumRanks:
        """What tells the stratum from others with the same learned modes."""
        assert self.point.ranks is not None
        return self.point.ranks

    @property
    def distance(self) -> Decimal:
        """Proved bound of the distance to the stratum."""
        return self.point.distance

    @property
    def relative(self) -> Fraction:
        """Distance in units of the scale."""
        return Fraction(self.distance) / Fraction(self.scale) if self.distance else Fraction(0)

    @property
    def stratum(self) -> Stratum:
        """The stratum as the atlas lists it."""
        return self.sibling(self.ranks)

    def sibling(self, ranks: StratumRanks) -> Stratum:
        """Another stratum with the same learned modes."""
        spectrum = spectrum_of(self.flow.loss)
        assert isinstance(self.point.learned, tuple)
        choice = spectrum.choice(self.point.learned)
        return Stratum(self.flow, spectrum.learned(choice), spectrum.loss(choice), ranks)

    def audited(self, weights: Sequence[Any]) -> Audit:
        """The audit of the weights with the point of this stratum, at a tolerance that it is within, if below 1."""
        least = self.relative * (1 + Fraction(1, 10**6))
        return audit(self.flow, weights, tolerance=least if least < 1 else FIRST_TOLERANCE, stratum=self.ranks)


@dataclass(frozen=True)
class Choice:
    """The most degenerate of the strata that are about as near as the nearest, and what speaks against it.

    Attributes
    ----------
    chosen : Candidate
    gap : float or None
        How many times farther the next more degenerate stratum is.
    rival : StratumRanks or None
        A stratum that may be the right one as well.
    rival_distance : Decimal or None
        Its distance; None if no point of it was found.
    note : str
        Another reason why the choice is open; empty if there is none.
    """

    chosen: Candidate
    gap: float | None = None
    rival: StratumRanks | None = None
    rival_distance: Decimal | None = None
    note: str = ""


def mode_strengths(loss: QuadraticLoss, weights: Sequence[Sequence[Sequence[Fraction]]]) -> tuple[float, ...]:
    """s_k for all modes, strongest mode first; of equal modes the eigenvalues of their block, decreasing."""
    groups = spectrum_of(loss).groups
    if not groups:
        return ()
    sizes = [Decimal(value.digits(5)).adjusted() for value in data_modes(loss).singular_values]
    context = mpmath.mp.clone()
    context.dps = _DIGITS + 2 * (sizes[0] - sizes[-1])

    def matrix(rows: Any) -> Any:
        return context.matrix([[context.mpf(int(e.numerator)) / int(e.denominator) for e in row] for row in rows])

    cross, overlap = matrix(loss.cross.tolist()), matrix(loss.cross.T.tolist())
    squares, vectors = context.eigsy(matrix(loss.target.tolist()) * cross.T)
    for weight in weights:
        overlap = matrix(weight) * overlap
    found: list[float] = []
    last = cross.rows
    for size in groups:  # eigsy sorts upwards, the modes go downwards
        basis = vectors[:, last - size : last]
        block = basis.T * overlap * basis / squares[last - 1]
        found += sorted(map(float, context.eigsy((block + block.T) / 2, eigvals_only=True)), reverse=True)
        last -= size
    return tuple(found)


def choose(
    flow: GradientFlow, weights: Sequence[Any], learned: tuple[int, ...], first: Audit, limit: Fraction
) -> Choice | None:
    """The stratum with these learned modes that the weights belong to; None if no point of one was built.

    Parameters
    ----------
    flow, weights, learned
        As for `plateau_stratum`.
    first : Audit
        Of the weights.
    limit : Fraction
        What is nearer counts as equally near, in units of the scale.
    """
    near = first.nearby
    if near is not None and near.distance == 0 and near.ranks is not None and near.learned == learned:
        return Choice(Candidate(flow, near, first.scale))
    widths = (flow.loss.input_rank, *flow.network.widths[1:])
    if flow.network.num_parameters > _MOST_PARAMETERS or len(learned) > min(widths):
        return None
    strata = atlas(flow, learned=learned)
    if not strata.count():
        return None
    is_listed = strata.count() <= _MOST_STRATA
    lowest = _most_degenerate(strata)
    ranks = [one.ranks for one in strata.strata()] if is_listed else [lowest, *_suggested(first, weights)]
    search = _Search(flow, weights, first, ranks)
    try:
        found = search.around(limit)
    except _TooManyError as error:
        return Choice(error.nearest, note=str(error))
    if found is None or found.rival is not None or is_listed:
        return found
    is_settled = found.chosen.relative <= limit / _GAP
    if is_settled and (found.chosen.ranks == lowest or _is_read(found.chosen, weights, limit)):
        return found
    return Choice(
        found.chosen, found.gap, note=f"{strata.count()} strata with these learned modes are too many to go through"
    )


class _TooManyError(Exception):
    def __init__(self, nearest: Candidate, count: int) -> None:
        super().__init__(f"more than {count} strata with these learned modes may be as near")
        self.nearest = nearest


@dataclass
class _Search:
    """Distances of strata, measured when they are asked for."""

    flow: GradientFlow
    weights: Sequence[Any]
    first: Audit
    strata: Iterable[StratumRanks]
    built: dict[StratumRanks, Candidate | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        floors = Floors(self.first)
        self.size = {ranks: stratum_dimension(ranks) for ranks in self.strata}
        self.floor = {ranks: floors.below(ranks) for ranks in self.size}
        self.smallest = sorted(self.size, key=self.size.__getitem__)
        self.lowest = sorted(self.smallest, key=self.floor.__getitem__)
        self.find = point_finder(self.flow, self.weights)
        self.most = max(_LEAST_POINTS, _WORK // self.flow.network.num_parameters**2)
        self.widest = self.lowest if len(self.lowest) <= self.most else _widest(self.lowest)

    def at(self, ranks: StratumRanks) -> Candidate | None:
        """The point of a stratum."""
        if ranks not in self.built:
            if len(self.built) >= self.most and (known := self.found()):
                raise _TooManyError(known[0], self.most)
            point = self.find(ranks)
            self.built[ranks] = None if point is None else Candidate(self.flow, point, self.first.scale)
        return self.built[ranks]

    def found(self) -> list[Candidate]:
        """What was built so far, nearest first."""
        return sorted((one for one in self.built.values() if one is not None), key=lambda one: one.relative)

    def around(self, limit: Fraction) -> Choice | None:
        """The most degenerate of the nearest strata, with all that are needed to see the gap around it."""
        chosen = self._within(limit)
        if chosen is None or chosen.relative > limit / _GAP:
            if not list(self._not_beyond_the_nearest(self.widest)):
                return None
            chosen = self._within(max(limit, _SAME * self.found()[0].relative))
        assert chosen is not None
        size, here = self.size[chosen.ranks], max(limit, chosen.relative)
        smaller = [ranks for ranks in self.lowest if self.size[ranks] < size]
        beyond = min(self._not_beyond_the_nearest(smaller), key=lambda one: one.relative, default=None)
        gap = None if beyond is None else float(beyond.relative / here)
        if beyond is not None and beyond.relative < _GAP * here:
            return Choice(chosen, gap, beyond.ranks, beyond.distance)
        nearest = self.found()[0]
        if _SAME * nearest.relative < chosen.relative and chosen.relative > limit / _GAP:
            return Choice(chosen, gap, nearest.ranks, nearest.distance)
        return self._unless_open(chosen, gap, smaller, here)

    def _unless_open(
        self, chosen: Candidate, gap: float | None, smaller: Sequence[StratumRanks], here: Fraction
    ) -> Choice:
        for ranks in smaller:
            if self.floor[ranks] < _GAP * here and self.at(ranks) is None:
                return Choice(chosen, gap, ranks)
        for ranks in self.smallest:
            if self.size[ranks] == self.size[chosen.ranks] and ranks != chosen.ranks:
                twin = self.at(ranks) if self.floor[ranks] <= _SAME * here else None
                if twin is not None and twin.relative <= _SAME * here:
                    return Choice(chosen, gap, ranks, twin.distance)
        return Choice(chosen, gap)

    def _within(self, reach: Fraction) -> Candidate | None:
        """The nearest one of the smallest dimension that occurs so near."""
        best: Candidate | None = None
        for ranks in self.smallest:
            if best is not None and self.size[ranks] > self.size[best.ranks]:
                break
            one = self.at(ranks) if self.floor[ranks] <= reach else None
            if one is not None and one.relative <= reach and (best is None or one.relative < best.relative):
                best = one
        return best

    def _not_beyond_the_nearest(self, strata: Iterable[StratumRanks]) -> Iterator[Candidate]:
        """Points of strata sorted by their lower bounds, up to the one whose bound is beyond the nearest point."""
        nearest: Fraction | float = inf
        for ranks in strata:
            if self.floor[ranks] > nearest:
                return
            one = self.at(ranks)
            if one is not None:
                nearest = min(nearest, one.relative)
                yield one


class Floors:
    """Lower bounds of the distances of strata in units of the scale, from singular values, by Eckart–Young and Weyl.

    A point with ranks r_ij has ‖W − W*‖² ≥ Σ_k Σ_{m > r} s_m(W_k)², and τ = ‖W − W*‖ satisfies
    Π(‖W_k‖ + τ) − Π‖W_k‖ ≥ s_{r+1}(W_j⋯W_{i+1}). In doubles, less a margin for their rounding.
    """

    def __init__(self, found: Audit) -> None:
        layers = [np.array([[float(e) for e in row] for row in weight]) for weight in found.weights]
        values = [np.linalg.svd(layer, compute_uv=False) for layer in layers]
        self.scale = float(found.scale)
        self.tails = [np.append(np.cumsum(s[::-1] ** 2)[::-1], 0.0) for s in values]
        norms = [float(s[0]) for s in values]
        self.moves: dict[tuple[int, int], list[float]] = {}
        for i in range(len(layers)):
            product = layers[i]
            for j in range(i + 2, len(layers) + 1):
                product = layers[j - 1] @ product
                singular = np.linalg.svd(product, compute_uv=False)
                self.moves[i, j] = [_move(norms[i:j], float(s)) for s in singular] + [0.0]

    def below(self, ranks: StratumRanks) -> Fraction:
        """A lower bound for one stratum; inputs that the data do not see are left out."""
        table, first = ranks.barcode.rank_table(), int(ranks.unseen_inputs > 0)
        layers = sqrt(sum(float(tail[table[k, k + 1]]) for k, tail in enumerate(self.tails) if k >= first))
        products = max((moves[table[i, j]] for (i, j), moves in self.moves.items() if i >= first), default=0.0)
        return Fraction(max(0.0, max(layers, products) / self.scale * (1 - 1e-9) - 1e-12))


def _move(norms: Sequence[float], value: float) -> float:
    """A lower bound of the τ with Π(n + τ) − Πn = value, by bisection."""
    low, high = 0.0, value ** (1 / len(norms))
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if prod(n + middle for n in norms) - prod(norms) >= value else (middle, high)
    return low


def _widest(strata: Sequence[StratumRanks]) -> list[StratumRanks]:
    """Strata that are no degenerations of others, by their ranks: the nearest critical point is in their closures."""
    tables = []
    for ranks in strata:
        table, nodes = ranks.barcode.rank_table(), range(ranks.barcode.depth + 1)
        seen = [sum(t for (c, b), t in ranks.modes if c <= p and b >= q) for p in nodes for q in range(p - 1)]
        tables.append([table[i, j] for j in nodes for i in range(j)] + seen)
    return [
        ranks
        for ranks, own in zip(strata, tables, strict=True)
        if not any(own != one and all(map(int.__le__, own, one)) for one in tables)
    ]


def _most_degenerate(strata: Atlas) -> StratumRanks:
    """The stratum of the atlas with the smallest ranks: nothing but the learned modes goes through the network."""
    one = next(strata.strata()).ranks
    bars = {(k, k): width - one.rank for k, width in enumerate(one.widths)}
    bars[0, one.barcode.depth] = one.rank + bars.get((0, one.barcode.depth), 0)
    matching = {(one.barcode.depth, 0): one.residual_rank}
    return StratumRanks(Barcode(bars), matching, one.inversions, one.ties, one.unseen_inputs)


def _suggested(first: Audit, weights: Sequence[Any]) -> list[StratumRanks]:
    """Strata that numerical ranks at several tolerances suggest."""
    audits = [first, *(audit(first.flow, weights, tolerance=tolerance) for tolerance in _TOLERANCES)]
    near = [one.nearby for one in audits]
    wanted = [one.ranks for one in near if one is not None and one.ranks is not None]
    return list(dict.fromkeys(wanted))


def _is_read(chosen: Candidate, weights: Sequence[Any], limit: Fraction) -> bool:
    """Whether the numerical ranks at a tolerance that is ten times the distance are those of the stratum."""
    tolerance = _GAP * max(limit, chosen.relative)
    if tolerance >= 1:
        return False
    near = audit(chosen.flow, weights, tolerance=tolerance).nearby
    return near is not None and near.ranks == chosen.ranks and near.tolerance == tolerance
