"""Events of the user's own: a polynomial in the weights, or any function of them, that vanishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy
from flint import arb, arb_mat, ctx

from analytic.integrate._balls import number_ball
from analytic.integrate._dyadic import mpmath_matrix
from analytic.integrate._event_numbers import check_exact, real_ball
from analytic.integrate.events import Watch
from analytic.integrate.problem import Problem
from graphs.errors import HypothesisError

__all__ = ["Forgotten", "PolynomialEvent"]


_SAMPLES = (0x5B3A9D17, 0x1C6E57F2)  # bits: up or down to the end of an entry's ball


@dataclass(frozen=True)
class PolynomialEvent(Watch):
    """A polynomial of the weights vanishes.

    Parameters
    ----------
    polynomial : sympy expression or callable
        In the symbols of ``network.symbols()``; or a function of the weights, given as a tuple of mpmath matrices in
        the user's frame, that returns an mpmath number.
    name : str
        Becomes the label of the event.
    direction : int
        1 or −1 takes only crossings upwards or downwards; 0 takes both.
    terminal : bool
        End the run there.

    Examples
    --------
    >>> PolynomialEvent(lambda weights: weights[0][0, 0] - 1, "one").label
    'one'
    """

    polynomial: Any
    name: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.name, str):
            raise HypothesisError(f"name: got {self.name!r}, expected a string")
        if isinstance(self.polynomial, sympy.Poly):
            self._set(polynomial=self.polynomial.as_expr())
        if isinstance(self.polynomial, sympy.Expr):
            check_exact(self.polynomial)
        elif isinstance(self.polynomial, sympy.Basic) or not callable(self.polynomial):
            raise HypothesisError(
                f"polynomial: got {self.polynomial!r} ({type(self.polynomial).__name__}), expected a sympy expression "
                "in the symbols of network.symbols(), or a function of the weights"
            )

    def value(self, problem: Problem, weights: Sequence[arb_mat]) -> arb:
        """The polynomial at `weights`, in the frame of `problem`."""
        given = problem.back(weights)
        if not isinstance(self.polynomial, sympy.Expr):
            return self._returned(given)
        network = problem.flow.network
        numbers = {
            symbol: given[layer - 1][row, col]
            for symbol, (layer, row, col) in zip(network.parameters(), network.edges(), strict=True)
        }
        expression = sympy.Poly(self.polynomial, *numbers)
        total = arb(0)
        for powers, coefficient in expression.terms():
            term = number_ball(coefficient)
            for symbol, power in zip(expression.gens, powers, strict=True):
                for _ in range(power):  # arb's own power is undefined for some balls around zero
                    term = term * numbers[symbol]
            total = total + term
        return total

    def _returned(self, given: Sequence[arb_mat]) -> arb:
        """What the function makes of the midpoints; how much it differs within the radii, by two samples of them."""

        def at(signs: int) -> arb:
            moved = [_moved(matrix, signs) for matrix in given]
            with mpmath.workprec(ctx.prec):
                return real_ball(self.polynomial(tuple(mpmath_matrix(matrix) for matrix in moved)), self.name)

        middle = at(0)
        if all(entry.is_exact() for matrix in given for entry in matrix.entries()):
            return middle
        spread = max(abs(at(signs) - middle).upper() for signs in _SAMPLES)
        return middle + arb(0, 2 * spread)

    def check(self, problem: Problem) -> None:
        """It must be a polynomial in the weights alone (against `problem`)."""
        if isinstance(self.polynomial, sympy.Expr):
            symbols, found = problem.flow.network.parameters(), self.polynomial.free_symbols
            if not found or not found <= set(symbols) or not self.polynomial.is_polynomial(*symbols):
                raise HypothesisError(
                    f"polynomial: got {self.polynomial}, expected a polynomial in some of network.symbols()"
                )

    def kind(self, direction: int) -> str:
        """Name of the event: "polynomial", by `direction`."""
        return "polynomial"

    def kept(self) -> Watch:
        """Itself, or for a function, which files and pickles can't keep, that there was one."""
        return self if isinstance(self.polynomial, sympy.Basic) else Forgotten(self.name or "a function")

    @property
    def label(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True)
class Forgotten(Watch):
    """An event of an earlier run that a file could not keep, such as a function of the weights.

    Parameters
    ----------
    name : str
    direction, terminal
        As for every event.

    Examples
    --------
    >>> PolynomialEvent(lambda weights: weights[0][0, 0] - 1, "one").kept().name
    'one'
    """

    name: str

    def check(self, problem: Problem) -> None:
        """Refuse to go on without it (against `problem`)."""
        raise HypothesisError(f"events: {self.name} can't be kept in files; give events=[…] again, or events=None")


def _moved(matrix: arb_mat, signs: int) -> arb_mat:
    """Midpoints, or by the bits of a number other than 0 one end or the other of every ball."""
    if not signs:
        return matrix.mid()
    ends = [
        entry.mid() + (arb(entry.rad()) if signs >> place % 32 & 1 else -arb(entry.rad()))
        for place, entry in enumerate(matrix.entries())
    ]
    return arb_mat(matrix.nrows(), matrix.ncols(), [end.mid() for end in ends])
