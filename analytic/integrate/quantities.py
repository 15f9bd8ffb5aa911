"""What one reads off the weights: spectra, singular vectors, the tangent kernel, and samples on a grid of times.

dP/dt = Σ_i W_{>i}W_{>i}ᵀ R W_{<i}ᵀW_{<i}, so K = Σ_i W_{>i}W_{>i}ᵀ ⊗ W_{<i}ᵀW_{<i} on vec(R), row by row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import mpmath
from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import ball, exponents, mpf, mpmath_matrix
from analytic.integrate._moments import read_moment
from analytic.integrate.budget import read_count
from analytic.integrate.modes import context_matrix, from_mpf, singular_values
from analytic.integrate.problem import Problem
from graphs.errors import DimensionError

if TYPE_CHECKING:
    from analytic.integrate.trajectory import Trajectory

__all__ = ["bits_of_spread", "chosen_times", "decomposition", "sampled", "spectrum", "tangent_kernel", "up_to"]

_QUANTITIES = (
    "loss",
    "weights",
    "product",
    "singular_values",
    "layer_singular_values",
    "mode_strengths",
    "balancedness",
    "tangent_kernel",
)


def spectrum(problem: Problem, weights: Sequence[arb_mat], layer: int | None) -> tuple[Any, ...]:
    """Singular values (mpf, decreasing); extra bits bridge the spread of sizes inside the matrix."""
    matrix = _chosen(problem, weights, layer)
    with ctx.workprec(problem.precision + bits_of_spread(matrix)):  # the first look was for the sizes only
        matrix = _chosen(problem, weights, layer)
        found = [mpf(value) for value in singular_values(matrix)]
    # a product has at most the rank of its narrowest layer; what lies beyond is rounding
    rank = min(problem.widths) if layer is None else len(found)
    return tuple(value if k < rank else mpmath.mpf(0) for k, value in enumerate(found))


def decomposition(problem: Problem, weights: Sequence[arb_mat], layer: int | None) -> tuple[Any, Any, Any]:
    """U, s, V in the user's frame as mpmath matrices and a tuple."""
    context = mpmath.mp.clone()
    with ctx.workprec(problem.precision + 32):
        context.prec = problem.precision + bits_of_spread(_chosen(problem, weights, layer))
    with ctx.workprec(context.prec):
        # in the frame of the run: going back first would mix rounding of large modes into small ones
        u, s, v = context.svd_r(context_matrix(context, _chosen(problem, weights, layer)), full_matrices=False)
        left = arb_mat(u.rows, u.cols, [from_mpf(x) for x in u])
        right = arb_mat(v.cols, v.rows, [from_mpf(x) for x in v.T])
        if problem.frame is not None and layer in (None, problem.depth):
            left = problem.frame[0] * left
        if problem.frame is not None and layer in (None, 1):
            right = problem.frame[1] * right
        return mpmath_matrix(left), tuple(mpf(from_mpf(x)) for x in s), mpmath_matrix(right)


def tangent_kernel(problem: Problem, weights: Sequence[arb_mat]) -> Any:
    """K in the user's frame as an mpmath matrix of shape (d_h d_0, d_h d_0)."""
    depth = len(weights)
    with ctx.workprec(problem.precision + 16):
        weights = problem.back(weights)
        before: list[arb_mat | None] = [None]
        for matrix in weights[:-1]:
            before.append(matrix if before[-1] is None else matrix * before[-1])
        after: list[arb_mat | None] = [None]
        for matrix in reversed(weights[1:]):
            after.append(matrix if after[-1] is None else after[-1] * matrix)
        after.reverse()
        rows, cols = problem.widths[-1], problem.widths[0]
        if not problem.flow.network.is_dense:
            return _masked_kernel(problem, before, after)
        total = arb_mat(rows * cols, rows * cols)
        for i in range(depth):
            left = _gram(after[i], rows, transpose=True)
            right = _gram(before[i], cols, transpose=False)
            total = total + _kronecker(left, right)
        return mpmath_matrix(total)


def _masked_kernel(problem: Problem, before: list[Any], after: list[Any]) -> Any:
    """Σ over edges e of vec(∂P/∂w_e) vec(∂P/∂w_e)ᵀ."""
    rows, cols = problem.widths[-1], problem.widths[0]
    table = []
    for layer, r, c in problem.flow.network.edges():
        above, below = after[layer - 1], before[layer - 1]
        left = [arb(int(k == r)) if above is None else above[k, r] for k in range(rows)]
        right = [arb(int(k == c)) if below is None else below[c, k] for k in range(cols)]
        table.append([a * b for a in left for b in right])
    jacobian = arb_mat(table)
    return mpmath_matrix(jacobian.transpose() * jacobian)


def _gram(matrix: arb_mat | None, size: int, *, transpose: bool) -> arb_mat:
    if matrix is None:
        return arb_mat([[int(r == c) for c in range(size)] for r in range(size)])
    return matrix * matrix.transpose() if transpose else matrix.transpose() * matrix


def _kronecker(left: arb_mat, right: arb_mat) -> arb_mat:
    m, n = left.nrows(), right.nrows()
    return arb_mat([[left[a, c] * right[b, d] for c in range(m) for d in range(n)] for a in range(m) for b in range(n)])


def sampled(
    trajectory: Trajectory, quantity: str | Callable[[Any], Any], count: int, spacing: str, times: Any = None
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Times and values; see `Trajectory.sample`."""
    read = _reader(trajectory, quantity)
    if times is None:
        grid = chosen_times(trajectory, count, spacing)
    elif isinstance(times, (str, bytes)) or not isinstance(times, Iterable):
        raise DimensionError(f"times: got {times!r}, expected a sequence of times")
    else:
        grid = [read_moment(trajectory, time) for time in times]
    with ctx.workprec(trajectory.precision):
        moments = tuple(mpf(ball(t)) for t in grid)
    return moments, tuple(read(t) for t in grid)


def _reader(trajectory: Trajectory, quantity: Any) -> Callable[[Fraction], Any]:
    if isinstance(quantity, str) and quantity in _QUANTITIES:
        methods: dict[str, Callable[[Any], Any]] = {"loss": trajectory.loss_at, "weights": trajectory.at}
        return methods[quantity] if quantity in methods else getattr(trajectory, quantity)
    if isinstance(quantity, str) or not callable(quantity):
        raise DimensionError(f"quantity: got {quantity!r}, expected one of {', '.join(_QUANTITIES)}, or a function")
    return lambda t: quantity(trajectory.at(t))


def chosen_times(trajectory: Trajectory, count: Any, spacing: str) -> list[Fraction]:
    """A grid of `count` times; of gradient descent iterates, at most so many.

    Iterates are chosen evenly by their number, or on a logarithmic grid of times, the first and the last among them.

    Raises
    ------
    DimensionError
        If count is no integer ≥ 2 or there is no such spacing for this run.
    """
    count = read_count(count, "count", 2)
    if trajectory.method != "descent" or not trajectory.steps:
        return _grid(trajectory, count, spacing)
    times = trajectory.exact_times
    if spacing == "linear":
        last = len(times) - 1
        places = range(last + 1) if last < count else [round(Fraction(k * last, count - 1)) for k in range(count)]
        return [times[k] for k in places]
    grid, later = _grid(trajectory, count, spacing), times[1:]
    return list(later) if len(later) <= count else list(dict.fromkeys(_nearest(later, time) for time in grid))


def _nearest(times: Sequence[Fraction], time: Fraction) -> Fraction:
    place = bisect_left(times, time)
    return min(times[max(0, place - 1) : place + 1], key=lambda near: abs(near - time))


def _grid(trajectory: Trajectory, count: int, spacing: str) -> list[Fraction]:
    first, last = trajectory.segments[0].start, trajectory.final_time
    if spacing == "linear":
        return [first + (last - first) * Fraction(k, count - 1) for k in range(count)]
    if spacing != "log":
        raise DimensionError(f'spacing: got {spacing!r}, expected "linear" or "log"')
    if first == last:
        raise DimensionError(
            'spacing: got "log" for a run that ends at the time at which it starts, expected "linear"; a longer run '
            "(integrate with t=…) has a logarithmic grid"
        )
    reached = [segment.end for segment in trajectory.segments if first < segment.end < last]
    least = reached[0] if reached else first + (last - first) / 1000
    with mpmath.workprec(64):
        low, high = (mpmath.mpf(x.numerator) / x.denominator for x in (least - first, last - first))
        middle = [low * (high / low) ** (mpmath.mpf(k) / (count - 1)) for k in range(1, count - 1)]
        inner = [Fraction(int(m)) * Fraction(2) ** e for m, e in ((x.man * (-1) ** x._mpf_[0], x.exp) for x in middle)]
    return [least, *(first + min(max(x, least - first), last - first) for x in inner), last]


def _chosen(problem: Problem, weights: Sequence[arb_mat], layer: int | None) -> arb_mat:
    if layer is None:
        return problem.product(weights)
    place = read_count(layer, "layer", 1)
    if place > problem.depth:
        raise DimensionError(f"layer: got {layer}, expected {up_to(problem.depth)}, or None for the product")
    return weights[place - 1]


def up_to(count: int) -> str:
    """The numbers 1 … count in words for a message."""
    return "1" if count == 1 else f"1 … {count}"


def bits_of_spread(matrix: arb_mat) -> int:
    """Bits that bridge the spread of sizes inside a matrix, so that its small singular values keep their digits."""
    sizes = [size for size in exponents(matrix) if size > -(10**12)]
    return 32 + 2 * (max(sizes) - min(sizes)) if sizes else 32
