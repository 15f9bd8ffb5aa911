"""How much a rounding error can grow beyond the growth of the weights themselves: bits that must be held in reserve.

‖δW(t)‖ ≤ exp(∫λ) ‖δW(s)‖ with λ the largest eigenvalue of −∇²L, tracked for each mode where modes are separated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import NOTHING, ball, exponent, exponents, float_matrix
from analytic.integrate.problem import Problem
from analytic.integrate.series import bits_that_cancel

__all__ = ["Sensitivity", "negative_hessian", "scaled_hessian"]

_LARGEST_HESSIAN = 400
_FLOAT_BITS = 53
_RATE_BITS = 64  # rates are not sharper than binary floats, but what they are made of may cancel


class Sensitivity:
    """Running estimate of the bits lost to instability, max over groups and s ≤ t of ∫_s^t λ − log₂(growth since s).

    An estimate in binary floats: it decides about working precision, it is no part of an answer.
    """

    def __init__(self, problem: Problem, weights: Sequence[arb_mat]) -> None:
        self.problem = problem
        self.by_mode = problem.separated and problem.depth == 2
        self.by_entry = problem.is_diagonal and not problem.force.couples
        self._last_sizes = self._sizes(weights)
        self._lost = [0.0] * len(self._last_sizes)
        self.bits = 0.0
        with ctx.workprec(_RATE_BITS):
            self._rates = self._eigenvalues(weights)

    def advance(self, weights: Sequence[arb_mat], elapsed: Fraction) -> float:
        """Take the weights after a step; return the bits lost so far."""
        extra = bits_that_cancel(self.problem, weights, ball(elapsed))
        with ctx.workprec(_RATE_BITS + extra):
            rates, sizes = self._eigenvalues(weights), self._sizes(weights)
        logs = _log2(elapsed)
        for g, ((old, old_shift), (new, new_shift)) in enumerate(zip(self._rates, rates, strict=True)):
            amplified = (_product(old, old_shift + logs) + _product(new, new_shift + logs)) / (2 * math.log(2))
            then, now = self._last_sizes[g], sizes[g]
            grown = now - then if then > NOTHING and now > NOTHING else 0
            self._lost[g] = max(0.0, self._lost[g] + amplified - grown)
        self._rates, self._last_sizes = rates, sizes
        self.bits = max(self.bits, *self._lost)
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
        if depth == 2 and problem.chains is not None:
            return [_of_pair(problem, weights, j) for j in range(len(self._last_sizes))]
        parts = _Parts(problem, weights)
        if self.by_entry:
            return [self._of_entry(parts, j) for j in range(len(self._last_sizes))]
        if self.by_mode:
            return [self._of_mode(parts, j) for j in range(len(self._last_sizes))]
        if sum(matrix.size for matrix in parts.weights) > _LARGEST_HESSIAN:
            return [self._bound(parts)]
        hessian, scale = parts.negative_hessian()
        return [(float(np.linalg.eigvalsh(hessian)[-1]), scale)]

    def _of_entry(self, parts: _Parts, j: int) -> tuple[float, float]:
        """Entry j of diagonal layers, the others held fast."""
        residual, bend, scale = parts.on([j * parts.product.ncols() + j])
        entries = [np.array([[matrix[j, j]]]) for matrix in parts.weights]
        small = negative_hessian(entries, np.array([[residual[j, j]]]), bend, [None] * len(entries))
        return float(np.linalg.eigvalsh(small)[-1]), scale

    def _of_mode(self, parts: _Parts, j: int) -> tuple[float, float]:
        """Two layers, column j of W_1 beside row j of W_2, the other modes held fast."""
        first, second = parts.weights
        places, in_row, in_column, between = _cross(parts.product.nrows(), parts.product.ncols(), j)
        residual, bend, scale = parts.on(places)
        inner = first.shape[0]
        small = np.empty((2 * inner, 2 * inner))
        small[:inner, :inner] = -second.T @ bend[in_column] @ second
        small[inner:, inner:] = -first @ bend[in_row] @ first.T
        small[:inner, inner:] = residual[j, j] * np.eye(inner) - second.T @ bend[between] @ first.T
        small[inner:, :inner] = small[:inner, inner:].T
        return float(np.linalg.eigvalsh(small)[-1]), scale

    def _bound(self, parts: _Parts) -> tuple[float, float]:
        """By norms: (h − 1)‖R‖ max‖W‖^{h−2}, and what a concave part of C adds."""
        scale, other = parts.residual_shift, parts.bend_shift
        depth, largest = len(parts.weights), max(np.linalg.norm(matrix, 2) for matrix in parts.weights)
        bound = (depth - 1) * float(np.linalg.norm(parts.residual, 2)) * float(largest) ** (depth - 2)
        concave = self.problem.force.concavity(parts.product, arb(0))
        if concave > 0:
            size = exponent(concave)
            added = depth * float(concave * arb((1, -size))) * float(largest) ** (2 * depth - 2)
            common = max(scale, other + size)
            return bound * _power(scale - common) + added * _power(other + size - common), common
        return bound, scale


class _Parts:
    """The two parts of the Hessian, ⟨R, D²P⟩ and DPᵀ C″ DP, from binary floats times powers of two of their own.

    Parameters
    ----------
    problem : Problem
    weights : sequence of arb_mat
    """

    def __init__(self, problem: Problem, weights: Sequence[arb_mat]) -> None:
        self.problem, depth = problem, problem.depth
        size = _size(weights)
        self.weights = [float_matrix(matrix, -size) for matrix in weights]
        self.product = problem.product(weights)
        exact = problem.force.residual(self.product) * problem.factor
        force = _size([exact])
        self.residual = float_matrix(exact, -force)
        self.residual_shift, self.bend_shift = force + size * (depth - 2), size * (2 * depth - 2)

    def on(self, places: Sequence[int]) -> tuple[Any, Any, int]:
        """Residual and C″ on `places` in units of one power of two, and that power."""
        residual, scale = self.residual, self.residual_shift
        bend, shift = self.problem.force.curvature(self.product, places)
        other = self.bend_shift + shift
        common = max(scale, other) if residual.any() and bend.any() else scale if residual.any() else other
        return residual * _power(scale - common), bend * _power(other - common), common

    def negative_hessian(self) -> tuple[np.ndarray[Any, np.dtype[np.float64]], int]:
        """−∇²L as binary floats times 2^(second)."""
        residual, bend, scale = self.on(range(self.product.nrows() * self.product.ncols()))
        return negative_hessian(self.weights, residual, bend, self.problem.flow.network.supports), scale


def scaled_hessian(problem: Problem, weights: Sequence[arb_mat]) -> tuple[np.ndarray[Any, np.dtype[np.float64]], int]:
    """∇²L at `weights` as binary floats times 2^(second)."""
    matrix, scale = _Parts(problem, weights).negative_hessian()
    return -matrix, scale


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


def _of_pair(problem: Problem, weights: Sequence[arb_mat], j: int) -> tuple[float, float]:
    """Entry j of two layers that are a chain: −∇²L = c [[−g w_2², b − 2g w_1w_2], [b − 2g w_1w_2, −g w_1²]]."""
    assert problem.chains is not None
    target, gram = problem.chains[j]
    with ctx.workprec(_FLOAT_BITS):
        first, second = (matrix[j, j].mid() for matrix in weights)
        above, below = -gram * second * second, -gram * first * first
        across, gap = target - 2 * gram * first * second, (above - below) / 2
        largest = problem.factor * ((above + below) / 2 + (gap * gap + across * across).mid().sqrt())
        size = exponent(largest)
        return (float(largest * arb((1, -size))), size) if size > NOTHING else (0.0, 0)


@lru_cache(maxsize=256)
def _cross(rows: int, cols: int, j: int) -> tuple[list[int], Any, Any, Any]:
    """Places of row j and column j of a matrix; row, column, and column by row among them as indices of a table."""
    row, column = range(j * cols, (j + 1) * cols), range(j, rows * cols, cols)
    places = sorted({*row, *column})
    inside = [[k for k, place in enumerate(places) if place in group] for group in (row, column)]
    in_row, in_column = inside
    return places, np.ix_(in_row, in_row), np.ix_(in_column, in_column), np.ix_(in_column, in_row)


def _size(matrices: Sequence[arb_mat]) -> int:
    """Exponent of the largest entry; 0 if all are zero."""
    size = max(max(exponents(matrix)) for matrix in matrices)
    return size if size > NOTHING else 0


def _power(shift: int) -> float:
    return math.ldexp(1.0, min(shift, 0)) if shift > -1000 else 0.0


def _log2(value: Fraction) -> float:
    if value <= 0:
        return -1e9
    return math.log2(value.numerator) - math.log2(value.denominator)


def _product(value: float, shift: float) -> float:
    """value · 2^shift without overflow."""
    if value == 0:
        return 0.0
    return math.copysign(2.0 ** min(math.log2(abs(value)) + shift, 60.0), value)
