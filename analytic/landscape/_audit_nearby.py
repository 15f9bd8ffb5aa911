"""The critical point that weights are near: the search over tolerances, and the result with its bound.

‖W − W*‖ is an upper bound of the distance to the critical set; nothing is said about a lower one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from analytic.exact.chain import Chain
from analytic.exact.convert import exact_text, rational_matrix, sympy_matrix
from analytic.exact.domains import is_zero
from analytic.exact.inertia import Inertia
from analytic.exact.undecided import UNDECIDED, Undecided
from analytic.flow import GradientFlow
from analytic.landscape._audit_modes import end_coordinates, spectrum
from analytic.landscape._audit_numbers import rooted, square_norm
from analytic.landscape._audit_projection import Nearby, nearby_point
from analytic.landscape._audit_ranks import suggested_stratum
from analytic.landscape.classification import classify
from analytic.landscape.orders import escape_order_from_ranks
from analytic.landscape.point import CriticalPoint
from analytic.landscape.ranks import Kind, StratumRanks, inertia_from_ranks, kind_from_ranks
from analytic.modes import data_modes
from graphs.errors import BlockshiftError
from graphs.matrices import Matrix, exact_matrix

__all__ = ["NearbyPoint", "find_nearby", "point_distance", "point_of_stratum"]

_MOST_PARAMETERS = 1200
_LEAST_TOLERANCE = Fraction(1, 10**10)
_FIRST_TOLERANCE = Fraction(1, 2**26)
_LAST_TOLERANCE = Fraction(3, 10)


@dataclass(frozen=True, repr=False)
class NearbyPoint:
    """A critical point near given weights.

    Attributes
    ----------
    learned : tuple of int, or UNDECIDED
        Numbers of its learned modes; UNDECIDED for masked networks.
    loss : str
        Its loss: exact, or to 15 digits if irrational.
    ranks : StratumRanks or None
        Barcode, matching, inversions and ties; None for masked networks.
    kind : Kind, or UNDECIDED
    inertia : Inertia, or UNDECIDED
    escape_order : int, None or UNDECIDED
    distance : Decimal
        Upper bound of ‖W − W*‖, Frobenius norm over all layers, rounded up.
    square_distance : Fraction
        Its square before rounding: exact if the point is rational, else an upper bound.
    tolerance : Fraction
        At which the ranks were read.
    is_within : bool
        Whether the distance is at most the tolerance of the audit times its scale.
    weights : tuple of sympy.ImmutableDenseMatrix, or None
        W*, if it is rational; None if it is known in balls only (singular vectors of the target are irrational).
    """

    learned: tuple[int, ...] | Undecided
    loss: str
    ranks: StratumRanks | None
    kind: Kind | Undecided
    inertia: Inertia | Undecided
    escape_order: int | Undecided | None
    distance: Decimal
    square_distance: Fraction
    tolerance: Fraction
    is_within: bool
    weights: tuple[Matrix, ...] | None = field(repr=False)

    def replays(self, flow: GradientFlow, weights: Sequence[Sequence[Sequence[Fraction]]]) -> bool:
        """Whether W* is critical, of this kind and inertia, and at most so far from the weights; False without W*."""
        if self.weights is None:
            return False
        try:
            point = classify(flow, self.weights)
        except BlockshiftError:
            return False
        here = [rational_matrix(weight) for weight in weights]
        there = [rational_matrix(weight) for weight in self.weights]
        square = square_norm(*(w - v for w, v in zip(here, there, strict=True)))
        found = (point.ranks, point.kind, point.inertia, point.escape_order)
        bound = self.distance == 0 or Fraction(self.distance) ** 2 >= self.square_distance
        near = _fraction(square) <= self.square_distance and bound
        return near and found == (self.ranks, self.kind, self.inertia, self.escape_order)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form with exact numbers as strings."""
        return {
            "learned": _json(self.learned),
            "loss": self.loss,
            "ranks": None if self.ranks is None else self.ranks.to_dict(),
            "kind": str(self.kind),
            "inertia": _json(self.inertia),
            "escape_order": _json(self.escape_order),
            "distance": str(self.distance),
            "square_distance": exact_text(self.square_distance),
            "tolerance": exact_text(self.tolerance),
            "is_within": self.is_within,
            "weights": None
            if self.weights is None
            else [[[exact_text(entry) for entry in row] for row in weight.tolist()] for weight in self.weights],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NearbyPoint:
        """Read what `to_dict` has written."""
        learned, inertia, order, weights = (data[name] for name in ("learned", "inertia", "escape_order", "weights"))
        return cls(
            learned=UNDECIDED if learned == "undecided" else tuple(learned),
            loss=data["loss"],
            ranks=None if data["ranks"] is None else StratumRanks.from_dict(data["ranks"]),
            kind=UNDECIDED if data["kind"] == "undecided" else Kind(data["kind"]),
            inertia=UNDECIDED if inertia == "undecided" else Inertia(**inertia),
            escape_order=UNDECIDED if order == "undecided" else order,
            distance=Decimal(data["distance"]),
            square_distance=Fraction(data["square_distance"]),
            tolerance=Fraction(data["tolerance"]),
            is_within=data["is_within"],
            weights=None if weights is None else tuple(map(exact_matrix, weights)),
        )

    def __repr__(self) -> str:
        within = "within the tolerance" if self.is_within else "beyond the tolerance"
        return f"NearbyPoint({self.kind}, learned={self.learned}, distance ≤ {self.distance:.3g}, {within})"


def find_nearby(
    flow: GradientFlow,
    weights: Sequence[Any],
    gradient: Sequence[Any],
    scale: float,
    tolerance: Fraction,
    digits: int,
    notes: list[str],
) -> NearbyPoint | None:
    """The weights themselves if they are critical, else the point of the first tolerance that is as near as it says."""
    if flow.network.num_parameters > _MOST_PARAMETERS:
        count = flow.network.num_parameters
        notes.append(f"{count} parameters, more than {_MOST_PARAMETERS}: no nearby critical point was built")
        return None
    if all(map(is_zero, gradient)):
        return _classified(classify(flow, weights), Fraction(0), tolerance, True, digits)
    if not flow.network.is_dense:
        notes.append("a layer is masked: no nearby critical point was built, ranks tell about dense networks only")
        return None
    try:
        return _searched(flow, weights, scale, tolerance, digits, notes)
    except (ZeroDivisionError, OverflowError, ValueError, np.linalg.LinAlgError) as error:
        notes.append(f"no nearby critical point was built: {error}")
        return None


def _searched(
    flow: GradientFlow, weights: Sequence[Any], scale: float, tolerance: Fraction, digits: int, notes: list[str]
) -> NearbyPoint | None:
    modes = spectrum(flow)
    ends = end_coordinates(modes, Chain(weights).product)
    tried: dict[StratumRanks, Nearby | None] = {}
    nearest: tuple[Any, StratumRanks, Nearby, Fraction] | None = None
    for level in _tolerances(tolerance):
        ranks = suggested_stratum(weights, scale, level, modes, ends)
        if ranks is None:
            continue
        if ranks not in tried:
            tried[ranks] = nearby_point(weights, modes, ends, ranks)
        found = tried[ranks]
        if found is None:
            continue
        distance = point_distance(found)
        if distance <= (max(level, tolerance) * Fraction(scale)) ** 2:
            nearest = (distance, ranks, found, level)
            break
        if nearest is None or distance < nearest[0]:
            nearest = (distance, ranks, found, level)
    if nearest is None:
        notes.append("the numerical ranks are those of no critical point, at any tolerance up to 0.3")
        return None
    distance, ranks, found, level = nearest
    within = distance <= (tolerance * Fraction(scale)) ** 2
    if not within:
        notes.append(
            f"the nearest critical point found is farther than the tolerance {float(tolerance):.2g} allows; with "
            f"tolerance={_suggestion(distance, scale, level)} or more its kind would be reported"
        )
    learned = ends.learned
    if found.is_exact:
        point = classify(flow, found.weights)
        if point.ranks != ranks:  # pragma: no cover
            raise AssertionError("the point that was built is in the stratum that it was built for")
        return _classified(point, distance, level, within, digits, learned)
    return point_of_stratum(flow, learned, ranks, found, tolerance=level, within=within, digits=digits)


def point_distance(found: Nearby) -> Fraction:
    """‖W − W*‖², exact."""
    return _fraction(found.square_distance)


def point_of_stratum(
    flow: GradientFlow,
    learned: tuple[int, ...],
    ranks: StratumRanks,
    found: Nearby,
    *,
    tolerance: Fraction,
    within: bool,
    digits: int,
    weights: tuple[Matrix, ...] | None = None,
) -> NearbyPoint:
    """What its stratum says about a point that was built for it."""
    return NearbyPoint(
        learned=learned,
        loss=data_modes(flow.loss).loss_after(learned),
        ranks=ranks,
        kind=kind_from_ranks(ranks),
        inertia=inertia_from_ranks(ranks),
        escape_order=escape_order_from_ranks(ranks),
        distance=rooted(found.square_distance, digits, upward=True),
        square_distance=point_distance(found),
        tolerance=tolerance,
        is_within=within,
        weights=weights,
    )


def _classified(
    point: CriticalPoint,
    square: Fraction,
    level: Fraction,
    within: bool,
    digits: int,
    learned: tuple[int, ...] | None = None,
) -> NearbyPoint:
    return NearbyPoint(
        learned=point.learned if learned is None else learned,
        loss=str(point.loss),
        ranks=point.ranks,
        kind=point.kind,
        inertia=point.inertia,
        escape_order=point.escape_order,
        distance=rooted(flint.fmpq(square.numerator, square.denominator), digits, upward=True),
        square_distance=square,
        tolerance=level,
        is_within=within,
        weights=tuple(map(sympy_matrix, point.weights)),
    )


def _tolerances(first: Fraction) -> list[Fraction]:
    """The tolerance itself, then smaller ones (less degenerate points), then larger ones (farther points)."""
    level = first / 10
    levels = [first] if first else []
    while level >= _LEAST_TOLERANCE:
        levels.append(level)
        level /= 10
    level = first * 10 if first else _FIRST_TOLERANCE
    while level <= _LAST_TOLERANCE:
        levels.append(level)
        level *= 10
    return levels


def _suggestion(square: Fraction, scale: float, level: Fraction) -> str:
    needed = float(square) ** 0.5 / scale if scale else 1.0
    return f"{max(needed * 1.01, float(level)):.2g}"


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _json(value: Any) -> Any:
    if isinstance(value, Inertia):
        return value._asdict()
    if isinstance(value, Undecided):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
