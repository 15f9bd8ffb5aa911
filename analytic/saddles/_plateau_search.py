"""The search behind `plateau_stratum`: strengths of the modes, strata near the weights, the gap between them.

s_k = u_kᵀ P Bᵀ u_k/σ_k² with eigenvectors u_k of BG⁺Bᵀ, B = YXᵀ, G = XXᵀ (Σ and the identity for a target).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath

from analytic.exact.convert import exact_text
from analytic.flow import GradientFlow
from analytic.landscape.atlas import atlas
from analytic.landscape.audit import Audit, audit
from analytic.landscape.ranks import StratumRanks, stratum_dimension
from analytic.landscape.spectrum import spectrum_of
from analytic.landscape.stratum import Stratum
from analytic.loss import QuadraticLoss
from analytic.modes import data_modes

__all__ = ["TOLERANCES", "Candidate", "candidates", "is_slow", "mode_strengths", "most_degenerate"]

TOLERANCES = (Fraction(1, 2), Fraction(1, 6), Fraction(1, 3), Fraction(1, 4))  # audit goes down from each by tenths
_SAME = 3  # distances that differ by less are equally near
_GAP = 10
_SLOW = 0.02  # twice the default of PlateauSpeed
_DIGITS = 30


@dataclass(frozen=True)
class Candidate:
    """A stratum with a point near the weights, and the audit that found it."""

    audit: Audit
    ranks: StratumRanks
    distance: Decimal

    @property
    def relative(self) -> Fraction:
        """Distance in units of the scale."""
        return Fraction(self.distance) / Fraction(self.audit.scale) if self.distance else Fraction(0)

    @property
    def stratum(self) -> Stratum:
        """The stratum as the atlas lists it."""
        flow = self.audit.flow
        spectrum = spectrum_of(flow.loss)
        assert self.audit.nearby is not None and isinstance(self.audit.nearby.learned, tuple)
        choice = spectrum.choice(self.audit.nearby.learned)
        return Stratum(flow, spectrum.learned(choice), spectrum.loss(choice), self.ranks)


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


def candidates(flow: GradientFlow, learned: tuple[int, ...], first: Audit, limit: Fraction) -> list[Candidate]:
    """Strata with these learned modes near the weights of an audit, nearest first; one is enough if it is the only one.

    Ranks are read at ever smaller tolerances, until no critical point is found that is nearer, or one that is nearer
    than the limit asks for.
    """
    found: dict[StratumRanks, Candidate] = {}

    def add(one: Audit) -> None:
        near = one.nearby
        if near is not None and near.ranks is not None and near.learned == learned:
            known = found.get(near.ranks)
            if known is None or near.distance < known.distance:
                found[near.ranks] = Candidate(one, near.ranks, near.distance)

    add(first)
    for place, tolerance in enumerate(TOLERANCES[1:]):
        if not found or (place == 0 and _several(flow, learned)):
            add(audit(flow, first.weights, tolerance=tolerance))
    several = bool(found) and _several(flow, learned)
    while several:
        nearest = min(one.relative for one in found.values())
        if nearest <= limit / _GAP:
            break
        for part in (_SAME, _GAP):
            add(audit(flow, first.weights, tolerance=min(nearest / part, TOLERANCES[0])))
        several = min(one.relative for one in found.values()) < nearest / _SAME
    return sorted(found.values(), key=lambda one: one.relative)


def most_degenerate(found: Sequence[Candidate], limit: Fraction) -> tuple[Candidate, float | None, Candidate | None]:
    """The most degenerate of the strata that are about as near, the gap to the next one, and a rival without a gap.

    Parameters
    ----------
    found : sequence of Candidate
        At least one, nearest first.
    limit : Fraction
        What is nearer counts as equally near, in units of the scale.
    """
    nearest = found[0].relative
    reach = max(limit, _SAME * nearest)
    chosen = min((one for one in found if one.relative <= reach), key=lambda one: stratum_dimension(one.ranks))
    beyond = [
        one for one in found if one.relative > reach and stratum_dimension(one.ranks) < stratum_dimension(chosen.ranks)
    ]
    gap = float(beyond[0].relative / max(limit, chosen.relative)) if beyond else None
    if gap is not None and gap < _GAP:
        return chosen, gap, beyond[0]
    if _SAME * nearest < chosen.relative and chosen.relative > limit / _GAP:
        return chosen, gap, found[0]
    return chosen, gap, None


def is_slow(found: Audit) -> bool:
    """Whether −d ln(L − min L)/dt is below twice a hundredth of the pace of the largest mode, c σ_1^{2−2/h}."""
    loss, depth = found.flow.loss, found.flow.network.depth
    assert isinstance(loss, QuadraticLoss)
    left = float(Fraction(found.loss) - Fraction(exact_text(loss.value(loss.target))))
    largest = float(data_modes(loss).singular_values[0])
    pace = float(loss.normalisation) * largest ** (2 - 2 / depth)
    return bool(float(found.gradient_norm) ** 2 <= _SLOW * pace * left)


def _several(flow: GradientFlow, learned: tuple[int, ...]) -> bool:
    return atlas(flow, learned=learned).count() > 1
