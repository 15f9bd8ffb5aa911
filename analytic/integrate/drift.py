"""Conserved matrices W_{i+1}ᵀW_{i+1} − W_iW_iᵀ and how far they have moved: a check of every run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from flint import arb, arb_mat

from analytic.integrate.problem import Problem, squared_norm

__all__ = ["conserved", "drift_between"]


def conserved(problem: Problem, weights: Sequence[arb_mat]) -> list[arb_mat]:
    """W_{i+1}ᵀW_{i+1} − W_iW_iᵀ; their diagonals only if layers are masked, for these alone are always conserved."""
    found = []
    for below, above in pairwise(weights):
        matrix = above.transpose() * above - below * below.transpose()
        if not problem.flow.network.is_dense:
            size = matrix.nrows()
            matrix = arb_mat([[matrix[r, r] if r == c else arb(0) for c in range(size)] for r in range(size)])
        found.append(matrix)
    return found


def drift_between(then: Sequence[arb_mat], now: Sequence[arb_mat], weights: Sequence[arb_mat]) -> arb:
    """max_i ‖C_i − C_i(0)‖ / max_i ‖W_i‖² (Frobenius), a midpoint."""
    largest = arb(0)
    for before, after in zip(then, now, strict=True):
        largest = max(largest, squared_norm(after - before).mid())
    if largest == 0:
        return largest
    scale = max(squared_norm(matrix).mid() for matrix in weights)
    return (largest.sqrt() / scale).mid() if scale > 0 else arb(0)
