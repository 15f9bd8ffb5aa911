"""Exact numbers and matrices as balls, and inner products of balls."""

from __future__ import annotations

from typing import Any

import sympy
from flint import arb, arb_mat, ctx

__all__ = ["ball_matrix", "inner", "is_diagonal", "number_ball", "squared_norm"]


def number_ball(value: Any) -> arb:
    """Ball around an exact real number (sympy), at the working precision."""
    if value.is_Rational:
        return arb(int(value.p)) / int(value.q)
    digits = int(ctx.prec * 0.30103) + 10
    sign, man, exp, _ = sympy.N(value, digits)._mpf_
    middle = arb((-int(man) if sign else int(man), int(exp)))
    return middle + arb(0, abs(middle) * arb(2) ** (-ctx.prec))


def ball_matrix(matrix: Any) -> arb_mat:
    """Balls around the entries of an exact sympy matrix, at the working precision."""
    return arb_mat(matrix.rows, matrix.cols, [number_ball(entry) for entry in matrix.flat()])


def inner(left: arb_mat, right: arb_mat) -> arb:
    """⟨L, R⟩ = tr LᵀR."""
    return sum((a * b for a, b in zip(left.entries(), right.entries(), strict=True)), arb(0))


def squared_norm(matrix: arb_mat) -> arb:
    """‖M‖²_F."""
    return sum((a * a for a in matrix.entries()), arb(0))


def is_diagonal(matrix: Any) -> bool:
    """Whether an exact matrix is diagonal; None stands for the identity."""
    return matrix is None or all(matrix[r, c] == 0 for r in range(matrix.rows) for c in range(matrix.cols) if r != c)
