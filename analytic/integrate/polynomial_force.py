"""Polynomial costs C(P) in numbers: R = −∇C(P) entry by entry, its power series, its curvature and its bounds.

Monomials of P grow from each other by one entry at a time, (m p_a)_k = Σ_i m_i (p_a)_{k−i}: an online Cauchy product of
scalar series for every monomial of degree ≥ 2 in ∇C, none if C is quadratic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from flint import arb, arb_mat, arb_poly

from analytic.integrate._balls import number_ball
from analytic.integrate._cost_polynomial import CostPolynomial, Monomial, Terms, cost_polynomial, growth
from analytic.integrate._dyadic import NOTHING, exponent
from analytic.integrate._norms import frobenius_bound, schur_bound, spectral_bound, up
from analytic.integrate.cauchy import BlockedProduct, Toeplitz
from analytic.integrate.forces import Floats, ResidualSeries, Size
from analytic.smooth_loss import SmoothLoss

__all__ = ["PolynomialForce"]

_BLOCK = 6
_LARGEST_SHIFTED = 64
BallTerms = tuple[tuple[Monomial, arb], ...]


@dataclass(frozen=True, eq=False)
class PolynomialForce:
    """R = −∇C(P). Build one with `PolynomialForce.of`.

    Parameters
    ----------
    source : SmoothLoss
    exact : CostPolynomial
    gradient : tuple of BallTerms
        −∂C/∂p_a.
    hessian : dict of (int, int) to BallTerms
        ∂²C/∂p_a∂p_b, a ≤ b.
    """

    source: SmoothLoss
    exact: CostPolynomial
    gradient: tuple[BallTerms, ...]
    hessian: dict[tuple[int, int], BallTerms]

    target = None

    @classmethod
    def of(cls, loss: SmoothLoss) -> PolynomialForce:
        """Numbers of a polynomial cost at the working precision.

        Raises
        ------
        HypothesisError
            If the cost is no polynomial with real coefficients.
        """
        exact = cost_polynomial(loss)
        hessian = {pair: _balls(terms) for pair, terms in exact.hessian.items()}
        return cls(loss, exact, tuple(_balls(terms) for terms in exact.gradient), hessian)

    @property
    def factor(self) -> arb:
        """1."""
        return arb(1)

    @property
    def is_nonnegative(self) -> bool:
        """Whether C is a sum of squares as it stands."""
        return self.source.cost.is_nonnegative is True

    @property
    def is_bounded_below(self) -> bool:
        """Whether C ≥ 0 or C is a parabola with a minimum; others are not recognised."""
        return self.is_nonnegative or self._parabola[1] > 0

    @property
    def is_convex(self) -> bool:
        """Whether C is a convex parabola; other convex costs are not recognised."""
        return self._parabola[0]

    @property
    def convexity(self) -> arb:
        """Least positive eigenvalue of C″ for a convex parabola with a minimum, else 0."""
        return self._parabola[1]

    @property
    def couples(self) -> bool:
        """Whether ∂C/∂p_a has other entries than p_a."""
        return self.exact.couples

    @cached_property
    def pull(self) -> int:
        """Exponent of Σ_{d ≥ 1} of the majorant's coefficients."""
        total = sum(self._norms[1:], arb(0))
        return max(0, exponent(total)) if total > 0 else 0

    def series(self) -> ResidualSeries:
        """A fresh recurrence."""
        return _PolynomialResidual(self)

    def residual(self, product: arb_mat) -> arb_mat:
        """−∇C at `product`."""
        values = _Values(product.entries())
        return arb_mat(product.nrows(), product.ncols(), [values.sum(terms) for terms in self.gradient])

    def composed(self, products: Sequence[arb_mat]) -> list[arb_mat]:
        """All coefficients of −∇C along the polynomial with the coefficients `products`."""
        tables = [matrix.entries() for matrix in products]
        values = _Values([arb_poly([table[a] for table in tables]) for a in range(len(self.gradient))], arb_poly([1]))
        found = [values.sum(terms).coeffs() for terms in self.gradient]
        rows, cols = self.source.shape
        length = max(1, *(len(coefficients) for coefficients in found))
        zero = arb(0)
        return [arb_mat(rows, cols, [c[k] if k < len(c) else zero for c in found]) for k in range(length)]

    def loss(self, product: arb_mat) -> arb:
        """C at `product`, in the form it was given: sums of squares that are small keep their digits."""
        numbers = dict(zip(self.source.entries.flat(), product.entries(), strict=True))
        return _evaluated(self.source.cost, numbers)

    def least_loss(self, rank: int, precision: int) -> arb | None:
        """None: no closed form at any `rank` and `precision`."""
        return None

    def curvature(self, product: arb_mat, places: Sequence[int]) -> tuple[Floats, int]:
        """C″ at a `product` on some `places`, scaled by a power of two if it is tiny or huge."""
        position = {place: k for k, place in enumerate(places)}
        inside = {pair: terms for pair, terms in self.hessian.items() if all(place in position for place in pair)}
        values = _Values(product.entries())
        chosen = {pair: values.sum(terms) for pair, terms in inside.items()}
        top = max((exponent(value) for value in chosen.values()), default=NOTHING)
        shift = top if top > NOTHING and abs(top) > 500 else 0
        table = np.zeros((len(position), len(position)))
        for (a, b), value in chosen.items():
            table[position[a], position[b]] = table[position[b], position[a]] = float((value * arb((1, -shift))).mid())
        return table, shift

    def majorant(self, size: Size) -> Size:
        """Σ_d A_d φ^d with φ = `size`: A_d bounds the 2-norm of the coefficients of degree d as a matrix.

        The monomials of degree d are entries of p ⊗ … ⊗ p, so that their vector is no longer than φ^d.
        """
        total = size * 0
        for norm in reversed(self._norms):
            total = total * size + norm
        return total

    def widened(self, size: arb, wider: arb) -> arb:
        """Σ_d A_d (`wider`^d − `size`^d)."""
        return _widened(self._norms, size, wider)

    def concavity(self, center: arb_mat, variation: arb) -> arb:
        """−λ_min(C″) at `center` by Gershgorin's discs or a shifted norm, plus Σ_d B_d((x + `variation`)^d − x^d)."""
        if self.is_convex:
            return arb(0)
        size = frobenius_bound([center])
        moved = _widened(self._bends, size, size + variation)
        return max(arb(0), up(self._concave_at(center) + moved))

    def _concave_at(self, center: arb_mat) -> arb:
        """Upper bound for −λ_min(C″) at one (ball of a) product."""
        values = _Values(center.entries())
        table = {pair: values.sum(terms) for pair, terms in self.hessian.items()}
        count = len(self.gradient)
        lowest, spread = [arb(0)] * count, [arb(0)] * count
        for (a, b), value in table.items():
            if a == b:
                lowest[a] = -value
            else:
                spread[a], spread[b] = spread[a] + abs(value), spread[b] + abs(value)
        discs = max(up(low + wide) for low, wide in zip(lowest, spread, strict=True))
        if count > _LARGEST_SHIFTED or not any(a != b for a, b in table):
            return discs
        matrix = arb_mat(count, count)
        for (a, b), value in table.items():
            matrix[a, b] = matrix[b, a] = -value
        shift = frobenius_bound([matrix])
        for a in range(count):
            matrix[a, a] = matrix[a, a] + shift
        return min(discs, up(spectral_bound(matrix) - shift))

    @cached_property
    def _parabola(self) -> tuple[bool, arb]:
        return self.exact.curvature_of_parabola()

    @cached_property
    def _norms(self) -> list[arb]:
        """A_0, A_1, …"""
        constant = arb_mat(1, len(self.gradient), [dict(terms).get((), arb(0)) for terms in self.gradient])
        return [frobenius_bound([constant]), *_norms_by_degree(self.gradient, range(1, self.exact.degree))]

    @cached_property
    def _bends(self) -> list[arb]:
        """B_0, B_1, … of C″."""
        off = [terms for (a, b), terms in self.hessian.items() if a != b]
        return _norms_by_degree([*self.hessian.values(), *off], range(max(1, self.exact.degree - 1)))


class _PolynomialResidual:
    """Coefficients of −∇C(P): monomials that share their last entry and degree are one product.

    An order k costs k multiply-adds a monomial of degree ≥ 2 of ∇C (and of those on the way to them), inside FLINT, and
    one multiplication a term of ∇C.
    """

    def __init__(self, force: PolynomialForce) -> None:
        self._force, self._started = force, False
        self._factors: dict[int, Toeplitz] = {}
        groups: dict[tuple[int, int], list[tuple[Monomial, Monomial]]] = {}
        for monomial, factor, place in growth(force.exact.monomials()):
            groups.setdefault((len(monomial), place), []).append((monomial, factor))
        self._products = []
        for (_, place), members in sorted(groups.items()):
            left = self._factors.setdefault(place, Toeplitz((1, 1), _BLOCK))
            self._products.append((members, BlockedProduct(left, len(members))))

    def push(self, product: arb_mat) -> arb_mat:
        """Take coefficient k of P, return that of −∇C(P)."""
        entries = product.entries()
        for place, series in self._factors.items():
            series.push([entries[place]], [entries[place]])
        values: dict[Monomial, arb] = {(place,): entry for place, entry in enumerate(entries)}
        for members, cauchy in self._products:
            right = [values[factor] for _, factor in members]
            for (monomial, _), value in zip(members, cauchy.push(right, right).entries(), strict=True):
                values[monomial] = value
        if not self._started:
            values[()] = arb(1)
            self._started = True
        zero = arb(0)
        found = [
            sum((values[monomial] * c for monomial, c in terms if monomial in values), zero)
            for terms in self._force.gradient
        ]
        return arb_mat(product.nrows(), product.ncols(), found)

    def shorten(self) -> None:
        """Round what is stored to the working precision."""
        for series in self._factors.values():
            series.shorten()
        for _, cauchy in self._products:
            cauchy.shorten()


class _Values:
    """Monomials at given entries, balls or polynomials, each computed once."""

    def __init__(self, entries: Sequence[Any], one: Any = None) -> None:
        self._known: dict[Monomial, Any] = {(place,): entry for place, entry in enumerate(entries)}
        self._known[()] = arb(1) if one is None else one

    def sum(self, terms: BallTerms) -> Any:
        """Σ c m over the terms."""
        return sum((self._of(monomial) * coefficient for monomial, coefficient in terms), self._known[()] * 0)

    def _of(self, monomial: Monomial) -> Any:
        if monomial not in self._known:
            self._known[monomial] = self._of(monomial[:-1]) * self._known[monomial[-1:]]
        return self._known[monomial]


def _balls(terms: Terms) -> BallTerms:
    return tuple((monomial, number_ball(value)) for monomial, value in terms.items())


def _norms_by_degree(rows: Sequence[BallTerms], degrees: Iterable[int]) -> list[arb]:
    return [schur_bound({m: c for m, c in terms if len(m) == degree} for terms in rows) for degree in degrees]


def _widened(norms: Sequence[arb], size: arb, wider: arb) -> arb:
    total, change = arb(0), wider - size
    for degree, norm in enumerate(norms):
        # wider^d − size^d without cancellation
        total = total + norm * change * sum((wider**i * size ** (degree - 1 - i) for i in range(degree)), arb(0))
    return total


def _evaluated(expression: sympy.Expr, numbers: Mapping[sympy.Symbol, arb]) -> arb:
    """A polynomial expression as it stands."""
    if expression in numbers:
        return numbers[expression]
    if expression.is_Add:
        return sum((_evaluated(part, numbers) for part in expression.args), arb(0))
    if expression.is_Mul:
        total = arb(1)
        for part in expression.args:
            total = total * _evaluated(part, numbers)
        return total
    if expression.is_Pow and expression.exp.is_Integer and expression.exp > 0:
        return _evaluated(expression.base, numbers) ** int(expression.exp)
    if not expression.free_symbols:
        return number_ball(expression)
    polynomial = sympy.Poly(expression, *numbers)
    values = _Values(list(numbers.values()))
    return values.sum(
        tuple(
            (tuple(place for place, power in enumerate(powers) for _ in range(int(power))), number_ball(c))
            for powers, c in polynomial.terms()
        )
    )
