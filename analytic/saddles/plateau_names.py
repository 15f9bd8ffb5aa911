"""Which stratum of the atlas a plateau belongs to, read from weights near it; a name for the plateaus of a flow.

The learned modes S by their strengths u_kᵀ P v_k/σ_k, near 0 or 1; barcode and matching by critical points W* that
are built next to the weights, the most degenerate stratum within a clear gap of distances ‖W − W*‖.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import partial
from math import sqrt
from typing import Any

from analytic.exact.convert import exact_text, rational_matrix
from analytic.exact.inertia import Inertia
from analytic.exact.undecided import UNDECIDED, Undecided
from analytic.flow import GradientFlow
from analytic.landscape.atlas import atlas
from analytic.landscape.audit import Audit, audit
from analytic.landscape.ranks import Kind
from analytic.landscape.spectrum import spectrum_of
from analytic.landscape.stratum import Stratum, barcode_text, matching_text
from analytic.loss import QuadraticLoss
from analytic.modes import data_modes
from analytic.saddles._plateau_search import FIRST_TOLERANCE, Choice, choose, mode_strengths
from graphs.errors import DimensionError, HypothesisError
from graphs.scalars import exact_number

__all__ = ["PlateauStratum", "plateau_namer", "plateau_stratum", "stratum_label"]

_UNCLEAR = 0.25  # distance of a strength from 0 and 1 that is too much
_NEAR = 0.1
_SLOW = 0.02  # twice the default of PlateauSpeed


@dataclass(frozen=True, repr=False)
class PlateauStratum:
    """The critical stratum that weights on a plateau belong to; made by `plateau_stratum`.

    Attributes
    ----------
    stratum : Stratum, or UNDECIDED
        Equal to the one that `atlas(flow)` lists.
    reason : str
        Why it is undecided; empty otherwise.
    strengths : tuple of float
        u_kᵀ P v_k/σ_k for every mode, the strongest mode first: about 1 for the learned ones, 0 for the others.
    gap : float or None
        How many times farther than this stratum, or than the threshold, the next more degenerate one is with the same
        learned modes; None if none was found.
    threshold : Fraction
        Relative to `audit.scale`; what is smaller counts as zero.
    audit : Audit
        With the critical point next to the weights, `audit.nearby`, and the proved bound of its distance.
    """

    stratum: Stratum | Undecided
    reason: str
    strengths: tuple[float, ...]
    gap: float | None
    threshold: Fraction
    audit: Audit = field(repr=False)

    @property
    def label(self) -> str:
        """Name of the stratum, see `stratum_label`, or "undecided: " and the reason."""
        return f"undecided: {self.reason}" if isinstance(self.stratum, Undecided) else stratum_label(self.stratum)

    @property
    def learned(self) -> tuple[int, ...] | Undecided:
        """Numbers of the learned modes, from 1."""
        return UNDECIDED if isinstance(self.stratum, Undecided) else self.stratum.learned

    @property
    def kind(self) -> Kind | Undecided:
        """Global minimum, strict saddle or non-strict saddle."""
        return UNDECIDED if isinstance(self.stratum, Undecided) else self.stratum.kind

    @property
    def inertia(self) -> Inertia | Undecided:
        """Signs of the eigenvalues of the Hessian at every point of the stratum."""
        return UNDECIDED if isinstance(self.stratum, Undecided) else self.stratum.inertia

    @property
    def index(self) -> int | Undecided:
        """Number of negative eigenvalues of the Hessian at every point of the stratum."""
        return UNDECIDED if isinstance(self.stratum, Undecided) else self.stratum.inertia.negative

    @property
    def distance(self) -> Decimal | None:
        """Upper bound of the distance to the nearby critical point, proved; None if none was found."""
        return None if self.audit.nearby is None else self.audit.nearby.distance

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form with exact numbers as strings."""
        return {
            "type": "plateau stratum",
            "label": self.label,
            "stratum": str(self.stratum) if isinstance(self.stratum, Undecided) else self.stratum.to_dict(),
            "reason": self.reason,
            "strengths": list(self.strengths),
            "gap": self.gap,
            "threshold": exact_text(self.threshold),
            "audit": self.audit.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PlateauStratum:
        """Read what `to_dict` has written; the claims about the nearby point are those of its `audit`."""
        found, audited = data["stratum"], Audit.from_dict(data["audit"])
        return cls(
            stratum=UNDECIDED if found == "undecided" else Stratum.from_dict(found, audited.flow),
            reason=data["reason"],
            strengths=tuple(data["strengths"]),
            gap=data["gap"],
            threshold=Fraction(data["threshold"]),
            audit=audited,
        )

    def __str__(self) -> str:
        return self.label

    def __repr__(self) -> str:
        index = "" if isinstance(self.stratum, Undecided) else f", {self.stratum.kind}, index={self.index}"
        near = "" if self.distance is None else f", distance ≤ {self.distance:.3g}"
        return f"PlateauStratum({self.label!r}{index}{near})"


def plateau_namer(flow: GradientFlow, *, threshold: Any = "1e-10") -> Callable[[Sequence[Any]], str]:
    """A function from weights to the name of the stratum that they are near, for `integrate(…, name_plateau=…)`.

    Parameters
    ----------
    flow : GradientFlow
        As for `plateau_stratum`; refused here, before a run, if it does not fit.
    threshold : exact number
        As for `plateau_stratum`.

    Returns
    -------
    callable
        Gives `plateau_stratum(flow, weights).label`; picklable.

    Raises
    ------
    HypothesisError, DimensionError, InexactInputError
        As `plateau_stratum`.

    Examples
    --------
    >>> from analytic.integrate.flows import integrate
    >>> from graphs.network import LinearNetwork
    >>> flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(3, 1))
    >>> path = integrate(flow, scale="1e-20", rng=0, t=40, digits=15, name_plateau=plateau_namer(flow))
    >>> [(event.kind, event.label) for event in path.events if event.label]
    [('plateau left', '{}'), ('plateau entered', '{1}')]
    """
    _checked(flow, threshold)
    return partial(_name, flow, threshold)


def plateau_stratum(flow: GradientFlow, weights: Sequence[Any], *, threshold: Any = "1e-10") -> PlateauStratum:
    """The stratum of the atlas that weights near a critical point belong to.

    Parameters
    ----------
    flow : GradientFlow
        Dense layers; a rational target or rational data.
    weights : sequence of matrix-like
        (W_1, …, W_h): mpmath matrices as a trajectory gives them, arrays of floats, or exact rationals.
    threshold : exact number
        Relative to max(max ‖W_k‖, σ_1^{1/h}); smaller weights count as zero, larger ones only if the critical point
        without them is at most three times as far as the nearest one that is found.

    Returns
    -------
    PlateauStratum
        Of the strata of the atlas with these learned modes that are at most 3 times as far as the nearest one, the most
        degenerate one: the one of smallest dimension. It is UNDECIDED, with the reason, if

        * a strength u_kᵀ P v_k/σ_k is not within 1/4 of 0 or 1;
        * the critical point found is farther than scale/10, or on a slow path (−d ln(L − min L)/dt below twice the
          default of `PlateauSpeed`, where a flow of many layers may be far from a saddle that it is leaving) than
          √h·scale/2;
        * a more degenerate stratum is not 10 times farther than this one, or one of the same dimension not 3 times;
        * it is between a tenth of the threshold and the threshold, and another one is more than 3 times nearer;
        * the point of a more degenerate stratum cannot be built, and singular values do not show it to be 10 times
          farther;
        * more points would have to be built than the number below, or the atlas has more than 3000 strata with these
          learned modes and the distance is above a tenth of the threshold, or ranks at 10 times the threshold are not
          those of the stratum.

        What is nearer than the threshold counts as equally near. That a point of the stratum is so near is proved, and
        so is that strata are farther which the singular values exclude. The distances of the other strata are upper
        bounds from a local search, so that the plateau belongs to this one is heuristic. Weights that are exactly
        critical are classified exactly.

    Raises
    ------
    HypothesisError
        If a layer is masked, or the loss has no target.
    InexactInputError
        If target or weights are not rational.
    NotFiniteError, DimensionError, PrecisionError
        As `audit`.

    Notes
    -----
    One or two calls of `audit` (up to six if the atlas has more than 3000 strata with these learned modes), and a point
    of every stratum that may be in reach, at most max(40, 600000/D²) for D parameters: milliseconds each for 20
    parameters, a tenth of a second for 200. Weights that are far nearer to one stratum than to all others need a few
    points only. Networks of up to 1200 parameters.

    Examples
    --------
    >>> from graphs.network import LinearNetwork
    >>> flow = GradientFlow(LinearNetwork(2, 2, 2, 2), QuadraticLoss.diagonal(2, 1))
    >>> tiny = [["1e-30", "1e-31"], ["-1e-30", "1e-32"]]
    >>> found = plateau_stratum(flow, [tiny, [[1, 0], [0, 0]], tiny])
    >>> found.label, str(found.kind), found.index
    ('{} [1,2] [0,0]² [1,1] [2,2] [3,3]² 0⇢3 ×2', 'strict saddle', 2)
    >>> plateau_stratum(flow, [[["0.5", 0], [0, 0]], [[1, 0], [0, 0]], [[2, 0], [0, 0]]]).label
    'undecided: mode 1 is learned by 0.5, neither by 0 nor by 1'
    """
    limit = _checked(flow, threshold)
    first = audit(flow, weights, tolerance=FIRST_TOLERANCE)
    strengths = mode_strengths(flow.loss, first.weights)
    unclear = [k for k, s in enumerate(strengths, 1) if min(abs(s), abs(s - 1)) > _UNCLEAR]
    if unclear:
        reason = f"mode {unclear[0]} is learned by {strengths[unclear[0] - 1]:.3g}, neither by 0 nor by 1"
        return PlateauStratum(UNDECIDED, reason, strengths, None, limit, first)
    learned = tuple(k for k, s in enumerate(strengths, 1) if s > 0.5)
    choice = choose(flow, weights, learned, first, limit)
    if choice is None:
        why = (
            first.notes[0] if first.notes else f"no critical point with the learned modes {_braces(learned)} was built"
        )
        return PlateauStratum(UNDECIDED, why, strengths, None, limit, first)
    chosen, reason = choice.chosen, _doubt(choice)
    found = first if chosen.point is first.nearby else chosen.audited(weights)
    is_near = chosen.relative <= _NEAR or (chosen.relative <= sqrt(flow.network.depth) / 2 and _is_slow(found))
    if not reason and not is_near:
        reason = (
            f"the critical point found is at distance {chosen.distance:.3g}, the weights have the scale "
            f"{first.scale:.3g} and do not rest (gradient {first.gradient_norm:.3g})"
        )
    return PlateauStratum(UNDECIDED if reason else chosen.stratum, reason, strengths, choice.gap, limit, found)


def stratum_label(stratum: Stratum) -> str:
    """Name of a stratum: its learned modes and, unless these determine it, its barcode and matching.

    Parameters
    ----------
    stratum : Stratum

    Returns
    -------
    str
        The columns "learned", "barcode" and "missing" of the table of the atlas, such as "{1}" or
        "{} [2,3] [0,0] [1,1] 0⇢2"; different for different strata of one atlas.

    Examples
    --------
    >>> from graphs.network import LinearNetwork
    >>> flow = GradientFlow(LinearNetwork(1, 1, 1, 1), QuadraticLoss.diagonal(1))
    >>> for stratum in atlas(flow):
    ...     print(stratum_label(stratum))
    {1}
    {} [0,1] [2,2] [3,3] 1⇢3
    {} [1,2] [0,0] [3,3] 0⇢3
    {} [2,3] [0,0] [1,1] 0⇢2
    {} [0,0] [1,1] [2,2] [3,3] 0⇢3
    """
    name = _braces(stratum.learned)
    if atlas(stratum.flow, learned=stratum.learned).count() == 1:
        return name
    return " ".join(part for part in (name, barcode_text(stratum.barcode), matching_text(stratum.ranks)) if part)


def _name(flow: GradientFlow, threshold: Any, weights: Sequence[Any]) -> str:
    return plateau_stratum(flow, weights, threshold=threshold).label


def _is_slow(found: Audit) -> bool:
    """Whether −d ln(L − min L)/dt is below twice a hundredth of the pace of the largest mode, c σ_1^{2−2/h}."""
    loss, depth = found.flow.loss, found.flow.network.depth
    assert isinstance(loss, QuadraticLoss)
    left = float(Fraction(found.loss) - Fraction(exact_text(loss.value(loss.target))))
    largest = float(data_modes(loss).singular_values[0])
    pace = float(loss.normalisation) * largest ** (2 - 2 / depth)
    return bool(float(found.gradient_norm) ** 2 <= _SLOW * pace * left)


def _doubt(choice: Choice) -> str:
    """Why the choice of a stratum is open; empty if it is not."""
    chosen = choice.chosen
    here = f"{stratum_label(chosen.stratum)} at distance {chosen.distance:.3g}"
    if choice.rival is None:
        return choice.note and f"{here} was found, but {choice.note}"
    other = stratum_label(chosen.sibling(choice.rival))
    if choice.rival_distance is None:
        return f"between {here} and {other}, of which no point was built"
    return f"between {here} and {other} at distance {choice.rival_distance:.3g}, no clear gap"


def _braces(learned: Sequence[int]) -> str:
    return "{" + ", ".join(map(str, learned)) + "}"


def _checked(flow: Any, threshold: Any) -> Fraction:
    if not isinstance(flow, GradientFlow):
        raise DimensionError(f"flow: got {type(flow).__name__}, expected a GradientFlow(network, loss)")
    if not isinstance(flow.loss, QuadraticLoss):
        raise HypothesisError(f"plateaus are named by the atlas of a quadratic loss, got {flow.loss!r}")
    if not flow.network.is_dense:
        raise HypothesisError(
            f"plateaus are named by the atlas of a dense network, got {flow.network!r}; where all layers and the "
            "target are diagonal, take GradientFlow(LinearNetwork(d, …, d), loss): the weights are critical there too"
        )
    for moment, name in zip(flow.loss.moments, flow.loss.moment_names, strict=True):
        rational_matrix(moment, name)
    spectrum_of(flow.loss)
    limit = exact_number(threshold, "threshold")
    if not isinstance(limit, Fraction) or not 0 < limit < 1:
        raise HypothesisError(f"threshold: got {threshold!r}, expected a number between 0 and 1, such as '1e-10'")
    return limit
