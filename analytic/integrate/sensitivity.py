"""How much a rounding error can grow beyond the growth of the weights themselves: bits that must be held in reserve.

‖δW(t)‖ ≤ exp(∫λ) ‖δW(0)‖ with λ the largest eigenvalue of −∇²L, tracked for each mode where modes are separated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, arb_mat

from analytic.integrate._dyadic import NOTHING, exponent, exponents, float_matrix
from analytic.integrate.problem import Problem

__all__ = ["Sensitivity"]

_LARGEST_HESSIAN = 400
_TINY = 200  # bits: below 2^−200 numbers are scaled before they become binary floats


class Sensitivity:
    """Running estimate of the bits lost to instability, max over groups and time of ∫λ dt − log(growth).

    An estimate in binary floats: it decides about working precision, it is no part of an answer.
    """

    def __init__(self, problem: Problem, weights: Sequence[arb_mat]) -> None:
        self.problem = problem
        self.by_mode = problem.separated and problem.depth == 2
        self.by_entry = problem.is_diagonal and not problem.force.couples
        self.start = self._sizes(weights)
        self.amplified = np.zeros(len(self.start))
        self.bits = 0.0
        self._rates = self._eigenvalues(weights)

    def advance(self, weights: Sequence[arb_mat], elapsed: Fraction) -> float:
        """Take the weights after a step; return the bits lost so far."""
        rates = self._eigenvalues(weights)
        logs = _log2(elapsed)
        for g, ((old, old_shift), (new, new_shift)) in enumerate(zip(self._rates, rates, strict=True)):
            mean = max(_product(old, old_shift + logs), 0.0) / 2 + max(_product(new, new_shift + logs), 0.0) / 2
            self.amplified[g] += mean / math.log(2)
        self._rates = rates
        for g, (now, then) in enumerate(zip(self._sizes(weights), self.start, strict=True)):
            grown = now - then if then > NOTHING and now > NOTHING else 0
            self.bits = max(self.bits, float(self.amplified[g]) - max(0, grown))
        return self.bits

    def _sizes(self, weights: Sequence[arb_mat]) -> list[int]:
        sizes = [exponents(matrix) for matrix in weights]
        if self.by_entry:
            count = min(self.problem.widths)
            columns = [matrix.ncols() for matrix in weights]
            return [max(s[j * cols + j] for s, cols in zip(sizes, columns, strict=True)) for j in range(count)]
        if self.by_mode:
            cols, inner = weights[0].ncols(), weights[1].ncols()
            modes = range(min(cols, weights[1].nrows()))
            return [max([*sizes[0][j::cols], *sizes[1][j * inner : (j + 1) * inner]]) for j in modes]
        return [max(max(s) for s in sizes)]

    def _eigenvalues(self, weights: Sequence[arb_mat]) -> list[tuple[float, float]]:
        """Largest eigenvalue of −∇²L of each group as value · 2^shift."""
        problem, depth = self.problem, self.problem.depth
        if depth == 1 and problem.force.is_convex:
            return [(0.0, 0.0)] * len(self._sizes(weights))
        shift = _scaling(max(max(exponents(matrix)) for matrix in weights))
        floats = [float_matrix(matrix, shift) for matrix in weights]
        product = problem.product(weights)
        exact = problem.force.residual(product) * problem.factor
        force_shift = _scaling(max(exponents(exact)))
        # the two parts of the Hessian as floats times powers of two of their own
        parts = float_matrix(exact, force_shift), -force_shift - shift * (depth - 2), -shift * (2 * depth - 2)
        if self.by_entry:
            return [self._of_entry(floats, parts, product, j) for j in range(len(self.start))]
        if self.by_mode:
            return [self._of_mode(floats, parts, product, j) for j in range(len(self.start))]
        if sum(matrix.size for matrix in floats) > _LARGEST_HESSIAN:
            return [self._bound(floats, parts, product)]
        places = range(product.nrows() * product.ncols())
        residual, bend, scale = self._scaled(parts, product, places)
        hessian = negative_hessian(floats, residual, bend, problem.flow.network.supports)
        return [(float(np.linalg.eigvalsh(hessian)[-1]), scale)]

    def _scaled(self, parts: tuple[Any, int, int], product: arb_mat, places: Sequence[int]) -> tuple[Any, Any, int]:
        """Residual and C″ on `places` in units of one power of two, and that power."""
        residual, scale, other = parts
        bend, shift = self.problem.force.curvature(product, places)
        other += shift
        common = max(scale, other) if residual.any() and bend.any() else scale if residual.any() else other
        return residual * _power(scale - common), bend * _power(other - common), common

    def _of_entry(
        self, weights: Sequence[Any], parts: tuple[Any, int, int], product: arb_mat, j: int
    ) -> tuple[float, float]:
        """Entry j of diagonal layers, the others held fast."""
        residual, bend, scale = self._scaled(parts, product, [j * product.ncols() + j])
        entries = [np.array([[matrix[j, j]]]) for matrix in weights]
        small = negative_hessian(entries, np.array([[residual[j, j]]]), bend, [None] * len(entries))
        return float(np.linalg.eigvalsh(small)[-1]), scale

    def _of_mode(
        self, weights: Sequence[Any], parts: tuple[Any, int, int], product: arb_mat, j: int
    ) -> tuple[float, float]:
        """Two layers, column j of W_1 beside row j of W_2, the other modes held fast."""
        first, second = weights
        rows, cols = product.nrows(), product.ncols()
        row, column = range(j * cols, (j + 1) * cols), range(j, rows * cols, cols)
        places = sorted({*row, *column})
        residual, bend, scale = self._scaled(parts, product, places)
        in_row, in_column = ([k for k, place in enumerate(places) if place in group] for group in (row, column))
        cross = residual[j, j] * np.eye(first.shape[0])
        top = -second.T @ bend[np.ix_(in_column, in_column)] @ second
        bottom = -first @ bend[np.ix_(in_row, in_row)] @ first.T
        return float(np.linalg.eigvalsh(np.block([[top, cross], [cross, bottom]]))[-1]), scale

    def _bound(self, weights: Sequence[Any], parts: tuple[Any, int, int], product: arb_mat) -> tuple[float, float]:
        """By norms: (h − 1)‖R‖ max‖W‖^{h−2}, and what a concave part of C adds."""
        residual, scale, other = parts
        depth, largest = len(weights), max(np.linalg.norm(matrix, 2) for matrix in weights)
        bound = (depth - 1) * float(np.linalg.norm(residual, 2)) * float(largest) ** (depth - 2)
        concave = self.problem.force.concavity(product, arb(0))
        if concave > 0:
            size = exponent(concave)
            added = depth * float(concave * arb((1, -size))) * float(largest) ** (2 * depth - 2)
            common = max(scale, other + size)
            return bound * _power(scale - common) + added * _power(other + size - common), common
        return bound, scale


def negative_hessian(
    weights: Sequence[Any], residual: Any, bend: Any, supports: Sequence[Any]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """−∇²L in binary floats: ⟨R, D²P⟩ − DPᵀ C″ DP with entries row by row, layer by layer; `bend` is C″."""
    depth = len(weights)
    before = [np.eye(weights[0].shape[1])]
    for matrix in weights:
        before.append(matrix @ before[-1])
    after = [np.eye(weights[-1].shape[0])]
    for matrix in reversed(weights):
        after.append(after[-1] @ matrix)
    after.reverse()
    jacobian = np.concatenate([np.kron(after[i + 1], before[i].T) for i in range(depth)], axis=1)
    result = -jacobian.T @ bend @ jacobian
    offsets = np.concatenate([[0], np.cumsum([matrix.size for matrix in weights])])
    for i in range(depth):
        middle = np.eye(weights[i].shape[0])
        for j in range(i + 1, depth):
            # ⟨R, W_{>j} V_j (middle) V_i W_{<i}⟩ = Σ (W_{>j}ᵀ R W_{<i}ᵀ)_{ad} V_j[a,b] middle[b,c] V_i[c,d]
            outer = after[j + 1].T @ residual @ before[i].T
            block = np.einsum("ad,bc->cdab", outer, middle).reshape(weights[i].size, weights[j].size)
            result[offsets[i] : offsets[i + 1], offsets[j] : offsets[j + 1]] += block
            result[offsets[j] : offsets[j + 1], offsets[i] : offsets[i + 1]] += block.T
            middle = weights[j] @ middle
    kept = np.concatenate(
        [
            np.ones(matrix.size, bool) if support is None else np.array(support, bool).ravel()
            for matrix, support in zip(weights, supports, strict=True)
        ]
    )
    table: np.ndarray[Any, np.dtype[np.float64]] = result[np.ix_(kept, kept)]
    return table


def _scaling(size: int) -> int:
    """Bits by which numbers of a size are scaled, so that binary floats hold them."""
    return -size if NOTHING < size < -_TINY or size > 2 * _TINY else 0


def _power(shift: int) -> float:
    return math.ldexp(1.0, min(shift, 0)) if shift > -1000 else 0.0


def _log2(value: Fraction) -> float:
    if value <= 0:
        return -1e9
    return math.log2(value.numerator) - math.log2(value.denominator)


def _product(value: float, shift: float) -> float:
    """value · 2^shift without overflow."""
    if value <= 0:
        return 0.0
    total = math.log2(value) + shift
    return 2.0**total if total < 60 else 2.0**60
