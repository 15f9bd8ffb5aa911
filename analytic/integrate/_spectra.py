"""Singular values of the midpoints of balls, by mpmath in a context of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key
from typing import Any

import mpmath
from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import packed_number

__all__ = ["context_matrix", "decreasing", "from_mpf", "singular_values"]


def singular_values(matrix: arb_mat) -> list[arb]:
    """Singular values of the midpoints at the working precision, in decreasing order."""
    context = mpmath.mp.clone()
    context.prec = ctx.prec + 32
    table = context_matrix(context, matrix)
    if table.rows < table.cols:
        table = table.T
    return [from_mpf(value) for value in context.svd_r(table, compute_uv=False)]


def decreasing(values: Sequence[arb]) -> list[int]:
    """Places of exact numbers from the largest to the smallest; binary floats would underflow."""

    def order(i: int, j: int) -> int:
        return int(values[i] < values[j]) - int(values[i] > values[j])

    return sorted(range(len(values)), key=cmp_to_key(order))


def context_matrix(context: Any, matrix: arb_mat) -> Any:
    """Midpoints as a matrix of an mpmath context of one's own."""
    table, cols = context.zeros(matrix.nrows(), matrix.ncols()), matrix.ncols()
    for place, entry in enumerate(matrix.entries()):
        table[place // cols, place % cols] = context.ldexp(*packed_number(entry))
    return table


def from_mpf(value: Any) -> arb:
    """An mpmath number as an exact ball."""
    sign, man, exp, _ = value._mpf_
    return arb((-int(man) if sign else int(man), int(exp)))
