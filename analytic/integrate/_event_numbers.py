"""The numbers of events at the door: levels, coefficients of polynomials, and what users' functions return."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import Any

import mpmath
import sympy
from flint import arb

from analytic.integrate._balls import number_ball
from analytic.integrate._dyadic import ball
from analytic.integrate.start import read_number
from graphs.errors import HypothesisError, InexactInputError, NotFiniteError
from graphs.scalars import exact_number

__all__ = ["check_exact", "check_nonnegative", "exact_ball", "real_ball"]


def check_nonnegative(value: Any, where: str, why: str) -> None:
    """Refuse a negative number, saying why."""
    number = read_number(value, where)
    if number < 0:
        raise HypothesisError(f"{where}: got {value}, expected a number ≥ 0: {why}")


def check_exact(polynomial: sympy.Expr) -> None:
    """Refuse floats, infinities and complex numbers among the coefficients."""
    if polynomial.has(sympy.Float):
        raise InexactInputError(
            f"polynomial: got {polynomial} with a binary float among its coefficients, expected exact ones such as "
            'sympy.Rational("0.1")'
        )
    exact_number(polynomial, "polynomial")


def real_ball(value: Any, name: str) -> arb:
    """The number that a user's function returned."""
    number, called = None, f"polynomial {name!r}" if name else "polynomial"
    if not isinstance(value, str):
        with suppress(TypeError, ValueError):
            number = mpmath.mpmathify(value)
    if not isinstance(number, mpmath.mpf):
        raise HypothesisError(
            f"{called}: the function returned {' '.join(repr(value).split())[:60]} ({type(value).__name__}), expected "
            "a real number such as an mpf, for all weights"
        )
    if not mpmath.isfinite(number):
        raise NotFiniteError(f"{called}: the function returned {number}, expected a finite number for all weights")
    sign, man, exp, _ = number._mpf_
    return arb((-int(man) if sign else int(man), int(exp)))


def exact_ball(value: Any, where: str) -> arb:
    """Ball around an exact number, at the working precision."""
    number = read_number(value, where)
    return ball(number) if isinstance(number, Fraction) else number_ball(number)
