"""Dyadic numbers m·2^e between FLINT's balls, Python's integers and mpmath, without rounding.

A packed matrix is a tuple of pairs (m, e), row by row: it pickles, FLINT matrices do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import frexp
from typing import Any, TypeAlias

import mpmath
import numpy as np
from flint import arb, arb_mat, fmpq

__all__ = [
    "Packed",
    "ball",
    "dyadic",
    "exponent",
    "exponents",
    "float_matrix",
    "fraction_of",
    "mpf",
    "mpmath_matrix",
    "pack",
    "packed_number",
    "shown",
    "unpack",
    "unpacked_number",
    "upper",
]

Packed: TypeAlias = tuple[tuple[int, int], ...]
NOTHING = -(10**15)  # exponent of zero


def pack(matrix: arb_mat) -> Packed:
    """Midpoints of a matrix as pairs of integers."""
    return tuple((int(m), int(e)) for m, e in (entry.mid().man_exp() for entry in matrix.entries()))


def unpack(numbers: Packed, shape: tuple[int, int]) -> arb_mat:
    """The matrix that `pack` packed, exactly."""
    return arb_mat(*shape, [arb(pair) for pair in numbers])


def packed_number(value: arb) -> tuple[int, int]:
    """Midpoint of a ball as a pair of integers."""
    m, e = value.mid().man_exp()
    return int(m), int(e)


def unpacked_number(pair: tuple[int, int]) -> arb:
    """The number that `packed_number` packed."""
    return arb(tuple(pair))


def ball(value: Fraction | int) -> arb:
    """Ball around a rational number, at the working precision."""
    return arb(fmpq(value.numerator, value.denominator))


def fraction_of(value: arb) -> Fraction:
    """Midpoint of a ball as an exact rational number."""
    m, e = packed_number(value)
    return Fraction(m << e) if e >= 0 else Fraction(m, 1 << -e)


def dyadic(value: arb, bits: int) -> arb:
    """Dyadic number of few bits, at most the midpoint of a positive ball and near it."""
    m, e = packed_number(value)
    drop = max(0, m.bit_length() - bits)
    return arb((m >> drop, e + drop))


def exponent(value: arb) -> int:
    """Least e with |midpoint| < 2^e, the midpoint rounded to a binary float; hugely negative for zero."""
    near = float(value)
    if 1e-300 < near < 1e300 or -1e300 < near < -1e-300:
        return frexp(near)[1]
    m, e = value.mid().man_exp()
    return int(m).bit_length() + int(e) if m else NOTHING


def exponents(matrix: arb_mat) -> list[int]:
    """Least e with |midpoint| < 2^e, entry by entry."""
    return [exponent(entry) for entry in matrix.entries()]


def upper(value: arb) -> arb:
    """Exact upper bound of the absolute value of a ball."""
    return arb(value.abs_upper().upper()).mid() if value.is_finite() else arb("inf")


def shown(value: Any, digits: int, **options: Any) -> str:
    """An mpmath number as text, rounded first: Python writes no integers of over 4300 digits."""
    with mpmath.workdps(digits + 10):
        return str(mpmath.nstr(+mpmath.mpf(value), digits, **options))


def mpf(value: arb) -> Any:
    """Midpoint of a ball as an mpmath number, unrounded."""
    return mpmath.mp.make_mpf(mpmath.libmp.from_man_exp(*packed_number(value)))


def mpmath_matrix(matrix: arb_mat) -> Any:
    """Midpoints of a matrix as an mpmath matrix, unrounded."""
    rows, cols = matrix.nrows(), matrix.ncols()
    result = mpmath.mp.matrix(rows, cols)
    for place, entry in enumerate(matrix.entries()):
        result[place // cols, place % cols] = mpf(entry)
    return result


def float_matrix(matrix: arb_mat, shift: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Entries times 2^shift as binary floats; what is too small becomes zero."""
    factor = arb((1, shift))
    scaled = matrix * factor if shift else matrix
    values: Sequence[float] = [float(entry.mid()) for entry in scaled.entries()]
    return np.array(values, dtype=np.float64).reshape(matrix.nrows(), matrix.ncols())
