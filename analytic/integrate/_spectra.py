"""Singular values of the midpoints of balls, and the spectra of exact matrices, by mpmath in a context of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key
from typing import Any

import mpmath
import numpy as np
from flint import arb, arb_mat, ctx

from analytic.exact.linalg import rank
from analytic.integrate._balls import ball_matrix
from analytic.integrate._dyadic import exponents, float_matrix, packed_number

__all__ = [
    "context_matrix",
    "decreasing",
    "eigen",
    "from_mpf",
    "least_positive_eigenvalue",
    "singular_values",
    "whitened",
]

_CLEAR = 1e-9  # binary-float eigenvalues above this, relative to the largest, have some digits
_LARGEST_IN_MPMATH = 64


def singular_values(matrix: arb_mat) -> list[arb]:
    """Singular values of the midpoints at the working precision, in decreasing order."""
    context = mpmath.mp.clone()
    context.prec = ctx.prec + 32
    table = context_matrix(context, matrix)
    if table.rows < table.cols:
        table = table.T
    return [from_mpf(value) for value in context.svd_r(table, compute_uv=False)]


def eigen(exact: Any, bits: int) -> tuple[Any, list[Any], Any]:
    """Context, positive eigenvalues (decreasing), and their vectors as columns, of an exact semidefinite matrix.

    All to so many bits relative to the least of them: how many there are is the exact rank.
    """
    count, context = rank(exact), mpmath.mp.clone()
    context.prec = bits + 64
    while True:
        with ctx.workprec(context.prec + 32):
            table = context_matrix(context, ball_matrix(exact))
        values, vectors = context.eigsy(table)
        order = sorted(range(table.rows), key=lambda k: -values[k])[:count]
        if not order or values[order[-1]] > values[order[0]] * context.ldexp(table.rows, bits - context.prec):
            break
        context.prec *= 2
    columns = context.matrix(table.rows, count)
    for c, k in enumerate(order):
        columns[:, c] = vectors[:, k]
    return context, [values[k] for k in order], columns


def whitened(gram: Any, cross: Any, bits: int) -> tuple[Any, Any]:
    """B G^{-1/2} on the directions that the data have, B having no others, as a matrix of an mpmath context."""
    context, values, vectors = eigen(gram, bits)
    with ctx.workprec(context.prec):
        moved = context_matrix(context, ball_matrix(cross)) * vectors
    for c in range(moved.cols):
        for r in range(moved.rows):
            moved[r, c] /= context.sqrt(values[c])
    return context, moved


def least_positive_eigenvalue(exact: Any) -> arb:
    """Of an exact semidefinite matrix, to some digits; 0 if there is none, or if a large one hides it."""
    with ctx.workprec(64):
        balls = ball_matrix(exact)
        shift = max(exponents(balls))
        values = np.linalg.eigvalsh(float_matrix(balls, -shift))[::-1]
        clear = values[values > _CLEAR * values[0]]
        if len(clear) == len(values) or len(clear) == rank(exact):
            return arb(float(clear[-1])) * arb((1, shift)) if len(clear) else arb(0)
        if len(values) > _LARGEST_IN_MPMATH:
            return arb(0)
        found = eigen(exact, 32)[1]
        return from_mpf(found[-1]) if found else arb(0)


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
