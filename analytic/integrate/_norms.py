"""Upper bounds of matrix norms over balls, at 64 bits, as exact numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import exponent

__all__ = ["BOUND_BITS", "frobenius_bound", "schur_bound", "spectral_bound", "up"]

BOUND_BITS = 64
_DOUBLINGS = 5


def frobenius_bound(matrices: Sequence[arb_mat]) -> arb:
    """Upper bound for (Σ‖M‖²_F)^{1/2} over the balls, exact."""
    with ctx.workprec(BOUND_BITS):
        sizes = [entry.abs_upper() for matrix in matrices for entry in matrix.entries()]
        return up(sum((size * size for size in sizes), arb(0)).sqrt())


def spectral_bound(matrix: arb_mat) -> arb:
    """Upper bound for ‖M‖₂: ‖(MᵀM)^{2^q}‖_F^{1/2^{q+1}} exceeds it by a factor n^{1/2^{q+2}} at most."""
    with ctx.workprec(BOUND_BITS):
        size = frobenius_bound([matrix])
        if size == 0:
            return size
        shift = exponent(size)
        scaled = matrix * arb((1, -shift))
        power = scaled.transpose() * scaled if matrix.ncols() <= matrix.nrows() else scaled * scaled.transpose()
        for _ in range(_DOUBLINGS):
            power = power * power
        root = frobenius_bound([power])
        for _ in range(_DOUBLINGS + 1):
            root = root.sqrt()
        return up(root * arb((1, shift)))


def schur_bound(rows: Iterable[Mapping[Any, arb]]) -> arb:
    """Upper bound for ‖M‖₂ of a sparse matrix, (max row sum · max column sum of |M|)^{1/2}, exact."""
    with ctx.workprec(BOUND_BITS):
        columns: dict[Any, arb] = {}
        widest = arb(0)
        for row in rows:
            sizes = {key: value.abs_upper() for key, value in row.items()}
            widest = max(widest, up(sum(sizes.values(), arb(0))))
            for key, size in sizes.items():
                columns[key] = columns.get(key, arb(0)) + size
        tallest = max((up(total) for total in columns.values()), default=arb(0))
        return up((widest * tallest).sqrt())


def up(value: arb) -> arb:
    """Upper end of a ball, as an exact number."""
    return value.upper().mid() if value.is_finite() else arb("inf")
