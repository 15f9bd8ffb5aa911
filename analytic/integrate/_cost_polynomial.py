"""A polynomial cost C(P) as sparse terms, its derivatives, and how its monomials grow out of each other.

A monomial is the tuple of its places, p_1²p_3 = (1, 1, 3): entries of P numbered row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import sympy
from flint import arb

from analytic.exact.inertia import is_positive_semidefinite
from analytic.exact.linalg import rank
from analytic.integrate._spectra import least_positive_eigenvalue
from analytic.smooth_loss import SmoothLoss
from graphs.errors import BlockshiftError, HypothesisError

__all__ = ["CostPolynomial", "Monomial", "Terms", "cost_polynomial", "growth"]

Monomial: TypeAlias = tuple[int, ...]
Terms: TypeAlias = dict[Monomial, sympy.Expr]
_LARGEST_DENSE = 600


@dataclass(frozen=True, eq=False)
class CostPolynomial:
    """Exact derivatives of a cost.

    Parameters
    ----------
    gradient : tuple of Terms
        −∂C/∂p_a for every place a.
    hessian : dict of (int, int) to Terms
        ∂²C/∂p_a∂p_b, a ≤ b, where it is not zero.
    degree : int
        Of C.
    """

    gradient: tuple[Terms, ...]
    hessian: dict[tuple[int, int], Terms]
    degree: int

    @property
    def couples(self) -> bool:
        """Whether a derivative has a monomial in other entries than its own."""
        return any(set(monomial) - {a} for a, terms in enumerate(self.gradient) for monomial in terms)

    def monomials(self) -> set[Monomial]:
        """Monomials of degree ≥ 2 of the gradient."""
        return {monomial for terms in self.gradient for monomial in terms if len(monomial) > 1}

    def curvature_of_parabola(self) -> tuple[bool, arb]:
        """For degree ≤ 2: whether C is convex (exact), and κ with ‖∇C‖² ≥ 2κ(C − min C), 0 if C has no minimum."""
        size = len(self.gradient)
        if self.degree > 2:
            return False, arb(0)
        seen = sorted({a for pair in self.hessian for a in pair})
        linear = any(terms for a, terms in enumerate(self.gradient) if a not in seen)
        if not seen:
            return True, arb(0)
        if size > _LARGEST_DENSE and any(a != b for a, b in self.hessian):
            return False, arb(0)
        table = [[self.hessian.get((min(a, b), max(a, b)), {}).get((), sympy.Integer(0)) for b in seen] for a in seen]
        try:
            convex = is_positive_semidefinite(table)
            slopes = [self.gradient[a].get((), sympy.Integer(0)) for a in seen]
            joined = [[*row, slope] for row, slope in zip(table, slopes, strict=True)]
            bounded = convex and not linear and rank(joined) == rank(table)
        except BlockshiftError:  # transcendental coefficients: nothing is known
            return False, arb(0)
        return convex, least_positive_eigenvalue(sympy.Matrix(table)) if bounded else arb(0)


@lru_cache(maxsize=32)
def cost_polynomial(loss: SmoothLoss) -> CostPolynomial:
    """The derivatives of a cost.

    Raises
    ------
    HypothesisError
        If it is no polynomial with real coefficients.
    """
    if not loss.is_polynomial:
        raise HypothesisError(
            "loss: got a SmoothLoss that is no polynomial in the entries of the product, expected a polynomial cost; "
            "for logistic, Huber and other costs give GradientFlow.numpy_function() to a solver of your own, e.g. "
            "scipy.integrate.solve_ivp, and start where binary floats suffice"
        )
    entries = list(loss.entries.flat())
    terms: Terms = {}
    for powers, coefficient in sympy.Poly(loss.cost, *entries).terms():
        if coefficient.is_real is not True:
            raise HypothesisError(f"loss: got the coefficient {coefficient} in the cost, expected real numbers")
        monomial = tuple(place for place, power in enumerate(powers) for _ in range(int(power)))
        if coefficient != 0:
            terms[monomial] = coefficient
    slopes = [_derivative(terms, a) for a in range(len(entries))]
    hessian = {}
    for a, slope in enumerate(slopes):
        for b in sorted({place for monomial in slope for place in monomial if place >= a}):
            hessian[a, b] = _derivative(slope, b)
    gradient = tuple({monomial: -value for monomial, value in slope.items()} for slope in slopes)
    return CostPolynomial(gradient, hessian, max((len(monomial) for monomial in terms), default=0))


def growth(wanted: Iterable[Monomial]) -> list[tuple[Monomial, Monomial, int]]:
    """Products (monomial, factor, place), monomial = factor · p_place, that reach all wanted ones, by degree.

    A factor that is wanted anyway is preferred, so that products are shared.
    """
    by_degree: dict[int, set[Monomial]] = {}
    for monomial in wanted:
        by_degree.setdefault(len(monomial), set()).add(monomial)
    found: list[tuple[Monomial, Monomial, int]] = []
    for degree in range(max(by_degree, default=1), 1, -1):
        below = by_degree.setdefault(degree - 1, set())
        for monomial in sorted(by_degree.get(degree, ())):
            choices = [(_without(monomial, place), place) for place in sorted(set(monomial))]
            ready = [choice for choice in choices if degree == 2 or choice[0] in below]
            factor, place = (ready or choices)[-1]
            below.add(factor)
            found.append((monomial, factor, place))
    return found[::-1]


def _derivative(terms: Mapping[Monomial, Any], place: int) -> Terms:
    return {
        _without(monomial, place): value * monomial.count(place)
        for monomial, value in terms.items()
        if place in monomial
    }


def _without(monomial: Monomial, place: int) -> Monomial:
    position = monomial.index(place)
    return monomial[:position] + monomial[position + 1 :]
