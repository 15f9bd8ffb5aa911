"""What the weights that a training left behind are near: an exact critical point, its distance, and what is proved.

A float is a rational number, so loss, gradient and Hessian at the weights are exact; a critical point W* that is built
next to them is exact too, and ‖W − W*‖ bounds the distance to the critical set from above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import flint

from analytic.exact.convert import exact_text, rational_matrix
from analytic.exact.inertia import Inertia
from analytic.exact.undecided import UNDECIDED, Undecided
from analytic.flow import GradientFlow
from analytic.landscape._audit_curvature import curvature_counts
from analytic.landscape._audit_drift import Drift, conserved_drift
from analytic.landscape._audit_nearby import NearbyPoint, find_nearby
from analytic.landscape._audit_numbers import (
    accepted_tolerance,
    decimal_of,
    fractions,
    read_weights,
    rooted,
    square_norm,
)
from analytic.landscape._audit_ranks import rank_rows
from analytic.landscape._audit_size import size_of, strongest_mode, working_bits
from analytic.landscape._proved_rank import proved_rank_table
from analytic.landscape.ranks import Kind, StratumRanks
from analytic.landscape.stratum_point import point_finder
from analytic.loss import QuadraticLoss
from graphs.errors import DimensionError, HypothesisError
from graphs.network import LinearNetwork

__all__ = ["Audit", "Drift", "NearbyPoint", "audit"]


@dataclass(frozen=True, repr=False)
class Audit:
    """What weights are near; made by `audit`.

    Attributes
    ----------
    flow : GradientFlow
    weights : tuple of rows of Fractions
        The exact values of the floats.
    precision_bits : int or None
        Bits of the significands; None for exact weights.
    tolerance : Fraction
        Relative to `scale`.
    scale : Decimal
        max(max ‖W_k‖, σ_1^{1/h}), spectral norms, to `digits` digits.
    loss, gradient_norm, residual_norm : Decimal
        At the weights, rounded to `digits` digits from exact values.
    rank_table : tuple of tuple of int
        Numerical ranks of W_j⋯W_{i+1} at the tolerance, row i from j = i on; heuristic.
    nearby : NearbyPoint or None
        A critical point near the weights, if one was found, with the bound of its distance.
    curvature : Inertia, or UNDECIDED
        Eigenvalues of the Hessian at the weights above `margin`, between −margin and margin, and below −margin. Exact.
    margin : Fraction
        At least ‖H(W) − H(W*)‖ if `nearby` is rational, so that the counts above and below hold at W* too; else
        tolerance · ‖H(W)‖.
    drift : tuple of Drift, or None
        Change of the conserved quantities since `initial`.
    notes : tuple of str
        What was not done or not found, and why.
    """

    flow: GradientFlow
    weights: tuple[tuple[tuple[Fraction, ...], ...], ...] = field(repr=False)
    precision_bits: int | None
    tolerance: Fraction
    scale: Decimal
    loss: Decimal
    gradient_norm: Decimal
    residual_norm: Decimal
    rank_table: tuple[tuple[int, ...], ...]
    nearby: NearbyPoint | None
    curvature: Inertia | Undecided
    margin: Fraction
    drift: tuple[Drift, ...] | None
    notes: tuple[str, ...]

    @property
    def is_certified(self) -> bool:
        """Whether a critical point is proved to lie within the tolerance."""
        return self.nearby is not None and self.nearby.is_within

    @property
    def kind(self) -> Kind | Undecided:
        """Kind of that critical point, UNDECIDED if none is proved to lie within the tolerance."""
        return self.nearby.kind if self.nearby is not None and self.nearby.is_within else UNDECIDED

    @property
    def inertia(self) -> Inertia | Undecided:
        """Inertia of the Hessian at that critical point, or UNDECIDED."""
        return self.nearby.inertia if self.nearby is not None and self.nearby.is_within else UNDECIDED

    @property
    def learned(self) -> tuple[int, ...] | Undecided:
        """Numbers of the learned modes of that critical point, or UNDECIDED."""
        return self.nearby.learned if self.nearby is not None and self.nearby.is_within else UNDECIDED

    @property
    def escape_order(self) -> int | Undecided | None:
        """Escape order of that critical point (None at a minimum), or UNDECIDED."""
        return self.nearby.escape_order if self.nearby is not None and self.nearby.is_within else UNDECIDED

    def verify(self) -> bool:
        """Replay what is proved: the Hessian's counts, and that W* is critical, of its kind, and so near.

        Returns
        -------
        bool
            False if a claim fails. True says nothing more where `nearby` is None.

        Raises
        ------
        HypothesisError
            If W* is known in balls only (irrational singular vectors): then call `audit` again, at other `digits`.
        """
        layers = [rational_matrix(weight) for weight in self.weights]
        if curvature_counts(self.flow, layers, self.nearby, self.tolerance, []) != (self.curvature, self.margin):
            return False
        if self.nearby is None:
            return True
        if self.nearby.weights is None:
            raise HypothesisError(
                "the nearby critical point is irrational and known in balls only: there is no exact point to replay"
            )
        mine, theirs = self.curvature, self.nearby.inertia
        if isinstance(mine, Inertia) and isinstance(theirs, Inertia):
            fits = mine.negative <= theirs.negative and mine.positive <= theirs.positive
            return fits and self.nearby.replays(self.flow, self.weights)
        return self.nearby.replays(self.flow, self.weights)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form with exact numbers as strings."""
        counts = self.curvature
        return {
            "type": "audit",
            "widths": list(self.flow.network.widths),
            "supports": [
                None if s is None else [[int(e) for e in row] for row in s] for s in self.flow.network.supports
            ],
            "target": self.flow.loss.to_dict(),
            "weights": [[[exact_text(entry) for entry in row] for row in weight] for weight in self.weights],
            "precision_bits": self.precision_bits,
            "tolerance": exact_text(self.tolerance),
            "scale": str(self.scale),
            "loss": str(self.loss),
            "gradient_norm": str(self.gradient_norm),
            "residual_norm": str(self.residual_norm),
            "rank_table": [list(row) for row in self.rank_table],
            "nearby": None if self.nearby is None else self.nearby.to_dict(),
            "kind": str(self.kind),
            "curvature": str(counts) if isinstance(counts, Undecided) else counts._asdict(),
            "margin": exact_text(self.margin),
            "drift": None if self.drift is None else [part.to_dict() for part in self.drift],
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Audit:
        """Read what `to_dict` has written; claims are taken as they are, `verify` replays them."""
        network = LinearNetwork(*data["widths"], supports=data["supports"])
        counts, drift, nearby = data["curvature"], data["drift"], data["nearby"]
        return cls(
            flow=GradientFlow(network, QuadraticLoss.from_dict(data["target"])),
            weights=tuple(fractions(rational_matrix(weight)) for weight in data["weights"]),
            precision_bits=data["precision_bits"],
            tolerance=Fraction(data["tolerance"]),
            scale=Decimal(data["scale"]),
            loss=Decimal(data["loss"]),
            gradient_norm=Decimal(data["gradient_norm"]),
            residual_norm=Decimal(data["residual_norm"]),
            rank_table=tuple(map(tuple, data["rank_table"])),
            nearby=None if nearby is None else NearbyPoint.from_dict(nearby),
            curvature=UNDECIDED if counts == "undecided" else Inertia(**counts),
            margin=Fraction(data["margin"]),
            drift=None if drift is None else tuple(map(Drift.from_dict, drift)),
            notes=tuple(data["notes"]),
        )

    def __repr__(self) -> str:
        near = "no critical point found nearby"
        if self.nearby is not None:
            near = f"nearest: learned={self.nearby.learned}, {self.nearby.kind}, distance ≤ {self.nearby.distance:.3g}"
        return f"Audit(kind={self.kind}, loss={self.loss:.4g}, gradient={self.gradient_norm:.3g}, {near})"

    def _repr_html_(self) -> str:
        rows = [
            ("kind", str(self.kind)),
            ("loss", f"{self.loss:.6g}"),
            ("gradient", f"{self.gradient_norm:.3g}"),
            ("residual", f"{self.residual_norm:.6g}"),
            ("tolerance", f"{float(self.tolerance):.2g} · {self.scale:.3g}"),
            ("Hessian", f"{_counts(self.curvature)}, margin {float(self.margin):.2g}"),
        ]
        if self.nearby is not None:
            rows += [
                ("nearby critical point", f"{self.nearby.kind}, learned {self.nearby.learned}"),
                ("distance at most", f"{self.nearby.distance:.3g}"),
                ("its inertia", _counts(self.nearby.inertia)),
            ]
        rows += [(f"drift of {part.name}", f"{part.absolute:.3g}") for part in self.drift or ()]
        rows += [("note", note) for note in self.notes]
        body = "".join(f"<tr><th style='text-align:left'>{name}</th><td>{value}</td></tr>" for name, value in rows)
        return f"<table>{body}</table>"


def audit(
    flow: GradientFlow,
    weights: Sequence[Any],
    *,
    tolerance: Any = None,
    initial: Sequence[Any] | None = None,
    digits: int = 15,
    stratum: StratumRanks | None = None,
) -> Audit:
    """What given floating-point weights are near, and what can be proved about it.

    Numerical ranks at the tolerance suggest a stratum; a point of it is built next to the weights, g_i N_i g_{i−1}⁻¹
    with a normal form N and rational g_i, which is critical without rounding error, and its distance is measured
    exactly. If it lies within tolerance · scale, its kind and inertia are reported. If not, ranks are read at smaller
    tolerances as well, and at last at larger ones; a point found only there is shown for information, and the kind is
    UNDECIDED.

    Parameters
    ----------
    flow : GradientFlow
        With rational target or data.
    weights : sequence of matrix-like
        (W_1, …, W_h), W_i of shape (d_i, d_{i−1}): numpy arrays, mpmath matrices, lists of floats, or exact rationals.
    tolerance : number, optional
        Relative to scale = max(max ‖W_k‖, σ_1^{1/h}). By default 2^−⌊b/2⌋ for significands of b bits, 1.5e-8 for
        doubles and 2.4e-4 for single precision: a step of that size changes the loss near a critical point by no more
        than one rounding error, so a training cannot see it. For exact weights 0: then only the weights themselves
        count.
    initial : sequence of matrix-like, optional
        Where the training began, for the drift of the conserved quantities.
    digits : int
        Significant digits of the rounded numbers.
    stratum : StratumRanks, optional
        Build the nearby point in this stratum, as `point_finder` does, whatever the numerical ranks.

    Returns
    -------
    Audit
        Loss, gradient and residual: correctly rounded. `nearby.distance` is an upper bound of the distance to the
        critical set, proved, and not a lower one: a nearer critical point may exist. Within one tolerance there may be
        points of several strata; the most degenerate one that the ranks suggest is reported.

    Raises
    ------
    NotFiniteError
        For NaN and infinity; names the layer.
    DimensionError
        If a shape does not fit; names the layer.
    InexactInputError
        For complex or irrational weights, or a target that is not rational.
    HypothesisError
        For a tolerance that is negative or not below 1, or a loss that is not quadratic.
    PrecisionError
        For weights so large that a product leaves the range of doubles.

    Notes
    -----
    Up to 1200 parameters for the nearby point (least squares of that size), up to 300 for the Hessian.

    Examples
    --------
    >>> flow = GradientFlow(LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(1))
    >>> found = audit(flow, [[[1e-12]], [[-2e-12]]])
    >>> found.kind, found.inertia, found.verify()
    (<Kind.STRICT_SADDLE: 'strict saddle'>, Inertia(positive=1, zero=0, negative=1), True)
    >>> audit(flow, [[[0.1]], [[0.1]]]).kind
    UNDECIDED

    References
    ----------
    Achour, Malgouyres & Gerchinovitz, arXiv 2107.13289, for the kinds; H. Weyl's inequality for the margin.
    """
    if not isinstance(flow, GradientFlow):
        raise DimensionError(f"flow: got {type(flow).__name__}, expected a GradientFlow(network, loss)")
    if not isinstance(flow.loss, QuadraticLoss):
        raise HypothesisError(f"audit knows the critical points of quadratic losses, got {flow.loss!r}")
    if isinstance(digits, bool) or not isinstance(digits, int) or digits < 1:
        raise DimensionError(f"digits: got {digits!r}, expected a positive integer")
    layers, bits = read_weights(flow.network, weights)
    accepted = accepted_tolerance(tolerance, bits)
    strongest = strongest_mode(flow)
    chain, residual = flow.chain_and_residual(layers)
    gradient = [rational_matrix(matrix) for matrix in flow.exact_velocity(layers)]
    scale = size_of(flow, layers, strongest)
    notes: list[str] = []
    if stratum is not None:
        nearby = point_finder(flow, weights, tolerance=accepted, digits=digits)(stratum)
    else:
        with flint.ctx.workprec(working_bits(bits)):
            nearby = find_nearby(flow, layers, gradient, scale, accepted, digits, notes)
    curvature, margin = curvature_counts(flow, layers, nearby, accepted, notes)
    start = None if initial is None else read_weights(flow.network, initial, "initial W")[0]
    value = flow.loss.value(chain.product)
    return Audit(
        flow=flow,
        weights=tuple(map(fractions, layers)),
        precision_bits=bits,
        tolerance=accepted,
        scale=decimal_of(flint.fmpq(*scale.as_integer_ratio()), digits),
        loss=decimal_of(flint.fmpq(int(value.p), int(value.q)), digits),
        gradient_norm=rooted(square_norm(*gradient), digits),
        residual_norm=rooted(square_norm(residual), digits),
        rank_table=_table(layers, scale, accepted),
        nearby=nearby,
        curvature=curvature,
        margin=margin,
        drift=None if start is None else conserved_drift(flow, start, layers, digits),
        notes=tuple(notes),
    )


def _table(layers: Sequence[Any], scale: float, tolerance: Fraction) -> tuple[tuple[int, ...], ...]:
    if tolerance == 0:
        return proved_rank_table(tuple(layers), {}).rows
    return rank_rows(layers, scale, tolerance)[0]


def _counts(inertia: Inertia | Undecided) -> str:
    return str(inertia) if isinstance(inertia, Undecided) else f"{tuple(inertia)}"
