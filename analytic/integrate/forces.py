"""A loss in numbers: residual −∇C(P), its power series, its curvature, and the bounds that proofs need.

`Problem` asks a `Force` and nothing else about the loss; R = c(B − P G) for quadratic losses is here, polynomials
are in `polynomial_force`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import sympy
from flint import arb, arb_mat, arb_poly

from analytic.integrate._balls import inner, number_ball, squared_norm
from analytic.integrate._dyadic import exponent, exponents, float_matrix
from analytic.integrate._norms import frobenius_bound
from analytic.integrate._spectra import decreasing, from_mpf, least_positive_eigenvalue, singular_values, whitened
from analytic.loss import QuadraticLoss

__all__ = ["Floats", "Force", "QuadraticForce", "ResidualSeries"]

Floats = npt.NDArray[np.float64]
Size = TypeVar("Size", arb, arb_poly)


class ResidualSeries(Protocol):
    """Coefficients of the residual, one order at a time."""

    def push(self, product: arb_mat) -> arb_mat:
        """Take coefficient k of P, return that of the residual."""

    def shorten(self) -> None:
        """Round what is stored to the working precision."""


class Force(Protocol):
    """What the integrator knows of a loss; residuals are −∇C(P)/c."""

    @property
    def factor(self) -> arb:
        """c, which the recurrence puts into the step."""

    @property
    def target(self) -> sympy.Matrix | None:
        """The matrix whose modes are learnt, exact, in the given frame; None if the loss has none."""

    @property
    def is_convex(self) -> bool:
        """Whether C is known to be convex."""

    @property
    def is_nonnegative(self) -> bool:
        """Whether C is known to be at least 0."""

    @property
    def is_bounded_below(self) -> bool:
        """Whether C is known to be bounded below: then flows exist for all time."""

    @property
    def convexity(self) -> arb:
        """κ with ‖∇C‖² ≥ 2κ(C − min C) for all P, to some digits; 0 if none is known."""

    @property
    def couples(self) -> bool:
        """Whether a diagonal entry of the residual may depend on another diagonal entry of a diagonal P."""

    @property
    def pull(self) -> int:
        """Exponent e with ‖R(P) − R(0)‖ ≤ 2^e ‖P‖ where ‖P‖ ≤ 1, up to factors of the widths."""

    def series(self) -> ResidualSeries:
        """A fresh recurrence for the coefficients of the residual."""

    def residual(self, product: arb_mat) -> arb_mat:
        """The residual at a product."""

    def composed(self, products: Sequence[arb_mat]) -> list[arb_mat]:
        """All coefficients of the residual at the polynomial Σ P_k θ^k."""

    def loss(self, product: arb_mat) -> arb:
        """C(P)."""

    def least_loss(self, rank: int, precision: int) -> arb | None:
        """Least C over the matrices of at most that rank; None without a closed form."""

    def curvature(self, product: arb_mat, places: Sequence[int]) -> tuple[Floats, int]:
        """C″(P) on some entries of P, numbered row by row, as binary floats times 2^(second)."""

    def majorant(self, size: Size) -> Size:
        """Bound for ‖R‖_F from one for ‖P‖_F; of a power series bounds all coefficients."""

    def widened(self, size: arb, wider: arb) -> arb:
        """Bound for ‖R(P + D) − R(P)‖_F if ‖P‖_F ≤ size and ‖D‖_F ≤ wider − size."""

    def concavity(self, center: arb_mat, variation: arb) -> arb:
        """Bound for max(0, −λ_min(C″)) at all products within `variation` of a center (Frobenius)."""


@dataclass(frozen=True, eq=False)
class QuadraticForce:
    """R = B − P G.

    Parameters
    ----------
    source : QuadraticLoss
    cross : arb_mat
        B, in the frame of the problem.
    gram : arb_mat or None
        G; None for the identity.
    factor : arb
        c.
    """

    source: QuadraticLoss
    cross: arb_mat
    gram: arb_mat | None
    factor: arb

    is_convex = True
    is_nonnegative = True
    is_bounded_below = True
    couples = False

    @cached_property
    def target(self) -> Any:
        """Minimiser of least norm, exact."""
        return self.source.target

    @cached_property
    def convexity(self) -> arb:
        """c times the least positive eigenvalue of G."""
        if self.gram is None:
            return self.factor.mid()
        return (self.factor * least_positive_eigenvalue(self.source.gram)).mid()

    @property
    def pull(self) -> int:
        """Exponent of ‖G‖."""
        return 0 if self.gram is None else max(0, max(exponents(self.gram)))

    def series(self) -> ResidualSeries:
        """B − P G, order by order."""
        return _QuadraticResidual(self)

    def residual(self, product: arb_mat) -> arb_mat:
        """B − P G at `product`."""
        return self.cross - self.moved(product)

    def composed(self, products: Sequence[arb_mat]) -> list[arb_mat]:
        """B − P_0 G, −P_1 G, … for the coefficients `products`."""
        return [self.residual(products[0]), *(-self.moved(matrix) for matrix in products[1:])]

    def moved(self, product: arb_mat) -> arb_mat:
        """P G for `product`."""
        return product if self.gram is None else product * self.gram

    def loss(self, product: arb_mat) -> arb:
        """(c/2)(tr PGPᵀ − 2 tr PBᵀ + e) at `product`, as ½c‖B − P‖² if G = I so that small losses keep their digits."""
        if self.gram is None:
            return (squared_norm(self.cross - product) + self._floor) * self.factor / 2
        energy = number_ball(self.source.energy)
        quadratic = inner(product * self.gram, product) - 2 * inner(product, self.cross)
        return (quadratic + energy) * self.factor / 2

    def least_loss(self, rank: int, precision: int) -> arb | None:
        """Least loss at a `rank`, by reduced-rank regression at a `precision`."""
        if self.gram is None:
            tail = _sorted_singular_values(self.cross)[rank:]
            return (sum((s * s for s in tail), arb(0)) + self._floor) * self.factor / 2
        _, moved = whitened(self.source.gram, self.source.cross, precision)
        values = singular_values(arb_mat(moved.rows, moved.cols, [from_mpf(entry) for entry in moved]))
        kept = sum((s * s for s in values[:rank]), arb(0))
        return (number_ball(self.source.energy) - kept) * self.factor / 2

    def curvature(self, product: arb_mat, places: Sequence[int]) -> tuple[Floats, int]:
        """c I ⊗ G on `places`, whatever the `product`."""
        rows, cols = np.divmod(np.asarray(places), self.cross.ncols())
        floats, shift = self._gram_floats
        gram = floats[np.ix_(cols, cols)]
        size = exponent(self.factor)
        return float(self.factor * arb((1, -size))) * (rows[:, None] == rows) * gram, shift + size

    def majorant(self, size: Size) -> Size:
        """‖B‖ + ‖G‖ · `size`."""
        return size * self._norms[1] + self._norms[0]

    def widened(self, size: arb, wider: arb) -> arb:
        """‖G‖ (`wider` − `size`)."""
        return self._norms[1] * (wider - size)

    def concavity(self, center: arb_mat, variation: arb) -> arb:
        """Zero at any `center` and `variation`: the loss is convex."""
        return arb(0)

    @cached_property
    def _norms(self) -> tuple[arb, arb]:
        return frobenius_bound([self.cross]), arb(1) if self.gram is None else frobenius_bound([self.gram])

    @cached_property
    def _gram_floats(self) -> tuple[Floats, int]:
        """G as binary floats times 2^(second)."""
        if self.gram is None:
            return np.eye(self.cross.ncols()), 0
        shift = max(exponents(self.gram))
        return float_matrix(self.gram, -shift), shift

    @property
    def _floor(self) -> arb:
        """e − ‖B‖², what no product can take away when G = I; zero for a target."""
        if self.source.gram is None:
            return arb(0)
        return number_ball(self.source.energy - sum(entry**2 for entry in self.source.cross.flat()))


class _QuadraticResidual:
    """B − P G, order by order."""

    def __init__(self, force: QuadraticForce) -> None:
        self._force, self._started = force, False

    def push(self, product: arb_mat) -> arb_mat:
        """Take coefficient k of P, return that of B − P G."""
        moved = self._force.moved(product)
        if self._started:
            return -moved
        self._started = True
        return self._force.cross - moved

    def shorten(self) -> None:
        """Nothing is stored."""


def _sorted_singular_values(matrix: arb_mat) -> list[arb]:
    """Singular values at the working precision, in decreasing order; diagonal matrices need no iteration."""
    if not _is_diagonal(matrix):
        return singular_values(matrix)
    count = min(matrix.nrows(), matrix.ncols())
    values = [abs(matrix[k, k].mid()) for k in range(count)]
    return [values[k] for k in decreasing(values)]


def _is_diagonal(matrix: arb_mat) -> bool:
    """Whether all balls beside the diagonal are exactly zero."""
    rows, cols = matrix.nrows(), matrix.ncols()
    return all(r == c or matrix[r, c] == 0 for r in range(rows) for c in range(cols))
