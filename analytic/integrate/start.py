"""Initial weights: exact numbers, decimal strings, mpmath numbers, or a scale times a shape; kept as exact rationals.

W_i(0) = α S_i with α = "1e-1000", say, and S_i rational or drawn from a seeded normal distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import mpmath
import numpy as np
import sympy
from flint import arb, arb_mat

from analytic.integrate._dyadic import ball
from analytic.integrate.problem import number_ball
from graphs.errors import DimensionError, HypothesisError, InexactInputError, NotFiniteError
from graphs.matrices import matrix_rows
from graphs.network import LinearNetwork
from graphs.scalars import exact_number

__all__ = ["Generator", "Start", "exact_time", "read_number", "start_weights"]

Generator: TypeAlias = np.random.Generator
_SEED_BITS = 32


@dataclass(frozen=True, repr=False)
class Start:
    """Exact initial weights.

    Parameters
    ----------
    layers : tuple of tuple of tuple
        Rows of Fractions (or sympy numbers where irrational), one table a layer.
    seed : int or None
        What the random shape was drawn from.
    note : str
        How they were given.
    """

    layers: tuple[tuple[tuple[Any, ...], ...], ...]
    seed: int | None
    note: str

    @property
    def is_rational(self) -> bool:
        """Whether all entries are Fractions."""
        return all(isinstance(entry, Fraction) for layer in self.layers for row in layer for entry in row)

    @property
    def is_zero(self) -> bool:
        """Whether this is the origin."""
        return all(entry == 0 for layer in self.layers for row in layer for entry in row)

    def balls(self) -> list[arb_mat]:
        """The weights at the working precision."""
        return [arb_mat([[_ball(entry) for entry in row] for row in layer]) for layer in self.layers]

    def __repr__(self) -> str:
        return f"Start({self.note})"


def start_weights(network: LinearNetwork, weights: Any, scale: Any, rng: Any) -> Start:
    """Read initial weights.

    Parameters
    ----------
    network : LinearNetwork
    weights : sequence of matrix-like or None
        Exact numbers, strings or mpmath numbers (taken as the exact binary numbers they are); None draws a shape.
    scale : exact number or None
        α, which multiplies the weights.
    rng : int, numpy Generator or None
        Seed of the shape.

    Returns
    -------
    Start
        Exact.

    Raises
    ------
    InexactInputError, NotFiniteError, DimensionError
        For binary floats, NaN, and shapes that do not fit.
    """
    factor = Fraction(1) if scale is None else read_number(scale, "scale")
    if weights is None:
        if scale is None:
            raise HypothesisError('weights: got none; give weights, or scale="1e-10" for a random shape of that size')
        seed = _seed(rng)
        layers = _random_shape(network, seed)
        return Start(_scaled(layers, factor), seed, f"random shape of seed {seed}, scale {scale}")
    if rng is not None:
        raise HypothesisError("rng: got a seed together with weights; leave one out")
    network.check_weights([_plain(weight) for weight in weights] if hasattr(weights, "__len__") else weights)
    layers = tuple(
        tuple(tuple(read_number(entry, f"W_{i}") for entry in row) for row in matrix_rows(weight))
        for i, weight in enumerate(weights, start=1)
    )
    return Start(_scaled(layers, factor), None, "given" if scale is None else f"given, times {scale}")


def read_number(value: Any, where: str) -> Fraction | sympy.Expr:
    """One exact real number; mpmath's numbers are the binary numbers they are.

    Raises
    ------
    InexactInputError
        For binary floats and symbols.
    NotFiniteError
        For NaN and infinities.
    """
    if isinstance(value, mpmath.mpf):
        if not mpmath.isfinite(value):
            raise NotFiniteError(f"{where}: {value} is not a finite number")
        sign, man, exp, _ = value._mpf_
        return Fraction(-int(man) if sign else int(man)) * Fraction(2) ** int(exp)
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            raise NotFiniteError(f"{where}: {value} is not a finite number")
        raise InexactInputError(
            f'{where}: got the binary float {value}, expected an exact number such as "{value}" (a string is a '
            "decimal) or mpmath.mpf(…) (taken as the binary number it is); analytic.exact.rationalize converts arrays"
        )
    number = exact_number(value, where)
    if not isinstance(number, Fraction) and number.free_symbols:
        raise InexactInputError(f"{where}: got the symbol {number}, expected a number")
    return number


def exact_time(value: Any, where: str) -> Fraction:
    """A time: rational, a decimal string, or an mpmath number."""
    number = read_number(value, where)
    if not isinstance(number, Fraction):
        raise InexactInputError(f"{where}: got {number}, expected a rational number")
    return number


def _ball(entry: Any) -> arb:
    return ball(entry) if isinstance(entry, Fraction) else number_ball(entry)


def _plain(weight: Any) -> Any:
    """mpmath matrices as rows, for the check of shapes and supports."""
    return weight.tolist() if isinstance(weight, mpmath.matrix) else weight


def _scaled(layers: Sequence[Any], factor: Any) -> tuple[tuple[tuple[Any, ...], ...], ...]:
    if factor == 1:
        return tuple(layers)
    return tuple(tuple(tuple(_times(entry, factor) for entry in row) for row in layer) for layer in layers)


def _times(entry: Any, factor: Any) -> Any:
    if isinstance(entry, Fraction) and isinstance(factor, Fraction):
        return entry * factor
    both = [sympy.Rational(x.numerator, x.denominator) if isinstance(x, Fraction) else x for x in (entry, factor)]
    return exact_number(both[0] * both[1])


def _seed(rng: Any) -> int:
    if rng is None:
        return int(np.random.default_rng().integers(2**_SEED_BITS))
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**_SEED_BITS))
    if isinstance(rng, bool) or not isinstance(rng, (int, np.integer)) or rng < 0:
        raise DimensionError(f"rng: got {rng!r}, expected a non-negative integer seed or a numpy Generator")
    return int(rng)


def _random_shape(network: LinearNetwork, seed: int) -> tuple[Any, ...]:
    """Standard normal entries, the binary numbers drawn being the exact ones."""
    generator = np.random.default_rng(seed)
    layers = []
    for layer, (rows, cols) in enumerate(network.layer_shapes, start=1):
        drawn = generator.standard_normal((rows, cols))
        layers.append(
            tuple(
                tuple(
                    Fraction(float(drawn[r, c])) if network.has_edge(layer, r, c) else Fraction(0) for c in range(cols)
                )
                for r in range(rows)
            )
        )
    return tuple(layers)
