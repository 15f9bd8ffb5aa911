"""Taylor coefficients of one chain of scalars, w_i' = c (b − g w_1⋯w_h) ∏_{j≠i} w_j, to all orders at once.

Two layers: (w_1, w_2) = (w_1 F + w_2 ρS, w_2 F + w_1 ρS) / √(F² − ρ²S²), F = cosh λt + β S, S = sinh(λt)/λ.
Others: the recurrence; a Cauchy product is one sum over two lists. Both in integers of fixed point.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import lgamma, log
from operator import mul

from flint import arb, arb_mat, arb_poly, ctx, fmpz, fmpz_poly

from analytic.integrate._dyadic import NOTHING, exponent, packed_number
from analytic.integrate.problem import Problem

__all__ = ["chain_layers", "chain_series"]

_MOST_BITS = 400  # beyond it Python's integers are slower than FLINT's matrices
_GUARD_BITS = 20
_NOISE_BITS = 8


def chain_layers(
    problem: Problem, weights: Sequence[arb_mat], order: int, unit: arb, precision: int
) -> list[list[arb_mat]] | None:
    """Coefficients 0 … order of all layers of a flow whose entries are chains; None where matrices serve better."""
    chains = problem.chains
    if chains is None or (problem.depth != 2 and precision > _MOST_BITS):
        return None
    with ctx.workprec(problem.precision + _GUARD_BITS):
        pace = unit * problem.factor
    found = []
    for j, (target, gram) in enumerate(chains):
        chain = chain_series([matrix[j, j] for matrix in weights], target, gram, pace, order, precision)
        if chain is None:
            return None
        found.append(chain)
    layers = []
    for i, matrix in enumerate(weights):
        shape = matrix.nrows(), matrix.ncols()
        if shape == (1, 1):
            layers.append([arb_mat(1, 1, [value]) for value in found[0][i]])
            continue
        coefficients = [matrix, *(arb_mat(*shape) for _ in range(order))]
        for j, chain in enumerate(found):
            for k in range(1, order + 1):
                coefficients[k][j, j] = chain[i][k]
        layers.append(coefficients)
    return layers


def chain_series(
    weights: Sequence[arb], target: arb, gram: arb, pace: arb, order: int, precision: int
) -> list[list[arb]] | None:
    """Taylor coefficients 0 … K of the weights of one chain in units of the step.

    Parameters
    ----------
    weights : sequence of arb
        w_1, …, w_h, exact.
    target, gram, pace : arb
        b, g and c H, of which the midpoints are taken.
    order : int
        K ≥ 2.
    precision : int
        Bits, relative to the largest coefficient of each weight.

    Returns
    -------
    list of list of arb
        Exact numbers, one list a weight; None where the unit is so far beyond the reach of the series that fixed point
        would lose what matters within that reach.

    Notes
    -----
    Two layers: some seven products of polynomials of degree K. Others: 3(h − 1)K²/2 products of integers.
    """
    bits = precision + _GUARD_BITS + order.bit_length()
    with ctx.workprec(bits):
        chain = _Chain(weights, target, gram, pace, bits)
        if chain.hurry > 1 + order.bit_length():
            return None
        if chain.rests:
            return [[weight, *[arb(0)] * order] for weight in weights]
        return chain.pair(order) if len(weights) == 2 else chain.series(order)


class _Chain:
    """Integers m that stand for m·2^(exponent − bits), one exponent for each series."""

    def __init__(self, weights: Sequence[arb], target: arb, gram: arb, pace: arb, bits: int) -> None:
        self.weights, self.numbers, self.bits = weights, (target, gram, pace), bits
        product = arb(1)
        for weight in weights:
            product = product * weight
        residual = target - gram * product
        self.sizes = [
            max(exponent(weight), exponent(pace * residual * _others(weights, i))) for i, weight in enumerate(weights)
        ]
        self.rests = NOTHING in self.sizes or residual == 0
        self.size = sum(self.sizes)  # of the product
        self.residual_size = max(exponent(target), exponent(gram) + self.size)
        self.target = self._fixed(target, self.residual_size)
        self.gram = self._fixed(gram, self.residual_size - self.size)
        hurries = [exponent(pace) + self.residual_size + self.size - 2 * size for size in self.sizes]
        self.hurry = 0 if self.rests else max(hurries)  # log₂ of the largest relative change within a unit, a bound
        self.paces = [self._floating(pace, self.residual_size + self.size - 2 * size) for size in self.sizes]

    def series(self, order: int) -> list[list[arb]]:
        """Coefficients of any number of weights, as exact numbers, by the recurrence."""
        return [self._exact(i, fmpz_poly(found), self.bits, order) for i, found in enumerate(self._integers(order))]

    def pair(self, order: int) -> list[list[arb]]:
        """Coefficients of two weights, by the closed form; with q = w_1² + w_2² and p = w_1w_2 in units of the step

        β = gq/2, ρ = b − gp, λ² = b² + g²(w_1² − w_2²)²/4, F² − ρ²S² = 1 + 2β S cosh + (g²(w_1² − w_2²)²/2 + 2bgp) S².
        """
        first, second = self.weights
        target, gram, pace = self.numbers
        product, gap = first * second, gram * (first - second) * (first + second)
        bend = (pace * gram * (first * first + second * second) / 2).mid()
        force = (pace * (target - gram * product)).mid()
        rate = (pace * pace * (target * target + gap * gap / 4)).mid()
        bulge = (pace * pace * (gap * gap / 2 + 2 * target * gram * product)).mid()
        with ctx.workprec(self.bits + _cancelled(bend + rate.sqrt(), order)):
            bits = ctx.prec
            norm = _trigonometric([_integer(x, bits) for x in (arb(1), 2 * bend, bulge)], 4 * rate, order)
            shrinking = _inverse_root(norm, bits, order + 1)
            found = []
            for i, (one, other) in enumerate(((first, second), (second, first))):
                start = [_integer(x, bits - self.sizes[i]) for x in (one, one * bend + other * force)]
                line = _trigonometric(start, rate, order).mul_low(shrinking, order + 1)
                found.append(self._exact(i, line, 2 * bits, order))
        return found

    def _exact(self, i: int, integers: fmpz_poly, bits: int, order: int) -> list[arb]:
        """Weight i from the integers of its series, the first number as it is.

        The others are rounded to so few bits that what is rounding error alone becomes zero; it would look like a
        series that decays no more.
        """
        drop = bits - self.bits + _NOISE_BITS
        half = fmpz_poly([fmpz(1) << (drop - 1)] * (order + 1))
        rounded = (integers + half) // (fmpz(1) << drop)
        values = (arb_poly(rounded) * arb((1, self.sizes[i] + drop - bits))).coeffs()
        return [self.weights[i], *(value.mid() for value in values[1:]), *[arb(0)] * (order + 1 - max(1, len(values)))]

    def _integers(self, order: int) -> list[list[int]]:
        bits, depth = self.bits, len(self.weights)
        series = [[self._fixed(weight, size)] for weight, size in zip(self.weights, self.sizes, strict=True)]
        products = [series[0], *([] for _ in range(depth - 1))]
        behinds: list[list[int]] = [[] for _ in range(depth)]
        links = [(series[j], products[j - 1], products[j], behinds[j], behinds[j - 1]) for j in range(1, depth)]
        back = links[::-1]
        for k in range(1, order + 1):
            for weight, product, above, _, _ in links:
                above.append(sum(map(mul, weight, reversed(product))) >> bits)
            residual = -(products[-1][-1] * self.gram >> bits)
            behinds[-1].append(residual if k > 1 else residual + self.target)
            velocities = []
            for weight, product, _, behind, below in back:
                velocities.append(sum(map(mul, behind, reversed(product))) >> bits)
                below.append(sum(map(mul, weight, reversed(behind))) >> bits)
            velocities.append(behinds[0][-1])
            for coefficients, velocity, (factor, shift) in zip(series, reversed(velocities), self.paces, strict=True):
                coefficients.append((velocity * factor >> shift) // k)
        return series

    def _fixed(self, value: arb, size: int) -> int:
        """The integer of a number in a series of that exponent."""
        return _integer(value, self.bits - size)

    def _floating(self, value: arb, size: int) -> tuple[int, int]:
        """m and s ≥ 0 with m·2^−s the number times 2^size, m of as many bits as the others."""
        m, e = packed_number(value)
        drop = max(0, m.bit_length() - self.bits)
        m, shift = m >> drop, -(e + drop + size)
        return (m, shift) if shift >= 0 else (m << -shift, 0)


def _integer(value: arb, bits: int) -> int:
    """The number times 2^bits, rounded down."""
    m, e = packed_number(value)
    shift = e + bits
    return m << shift if shift >= 0 else m >> -shift


def _trigonometric(first: list[int], rate: arb, order: int) -> fmpz_poly:
    """Continue by x_k = rate x_{k−2}/(k(k − 1)) up to the order."""
    bits, found = ctx.prec, first
    m = _integer(rate, bits)
    for k in range(len(first), order + 1):
        found.append((found[k - 2] * m >> bits) // (k * (k - 1)))
    return fmpz_poly(found)


def _inverse_root(series: fmpz_poly, bits: int, count: int) -> fmpz_poly:
    """1/√ of a series that begins with 1, by y ← y + y(1 − Dy²)/2, which doubles the number of known coefficients."""
    one = fmpz(1) << bits
    root, lengths = fmpz_poly([one]), [count]
    while lengths[-1] > 1:
        lengths.append((lengths[-1] + 1) // 2)
    for known, length in pairwise(reversed(lengths)):
        square = root.mul_low(root, length) // one
        error = (square.mul_low(series, length) // one).right_shift(known)
        root -= (root.mul_low(error, length - known) // (2 * one)).left_shift(known)
    return root


def _cancelled(growth: arb, order: int) -> int:
    """Bits by which the terms x^k/k! exceed 1 at most, x = 2 · growth."""
    size = exponent(growth) + 1
    if size <= 0:
        return 0
    if size < 30 and (terms := 2 * float(growth)) <= order:
        return int(terms / log(2)) + 1
    return max(0, int(size * order - lgamma(order + 1) / log(2))) + 1


def _others(weights: Sequence[arb], place: int) -> arb:
    product = arb(1)
    for j, weight in enumerate(weights):
        if j != place:
            product = product * weight
    return product
