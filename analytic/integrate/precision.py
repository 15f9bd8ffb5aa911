"""Working precision from the digits wanted, the spread of sizes inside one matrix, and the depth.

n = p·log₂10 + guard, plus (h − 1)·log₂(1/α) when hidden layers mix sizes that differ by 1/α (see the manual, "Flows").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flint import arb, arb_mat, ctx

from analytic.flow import GradientFlow
from analytic.integrate._balls import number_ball
from analytic.integrate._dyadic import NOTHING, exponent, exponents
from analytic.integrate.budget import read_count
from analytic.integrate.problem import Problem
from analytic.smooth_loss import SmoothLoss
from graphs.errors import BudgetExceeded, PrecisionError

__all__ = [
    "FEWEST_SPARE_BITS",
    "GUARD",
    "LOG2_10",
    "bits_of_digits",
    "check_blow_up",
    "check_digits",
    "is_small",
    "natural_size",
    "reserve_of",
    "scale_bits",
    "spread_bits",
]

LOG2_10 = math.log2(10)
FEWEST_SPARE_BITS = 14  # what the step control keeps for itself
GUARD = 20  # rounding and truncation of some thousand steps
FEWEST_DIGITS = 5
_LEAST_RESERVE = 12
MOST_BYTES = 2**33


def bits_of_digits(digits: int) -> int:
    """Bits that hold `digits` decimal digits."""
    return math.ceil(digits * LOG2_10)


def check_digits(digits: Any, parameters: int) -> int:
    """Read how many digits are wanted; refuse so many that one series would not fit into memory.

    Raises
    ------
    DimensionError
        If `digits` is not an integer ≥ 5.
    BudgetExceeded
        With the memory that one step would take.
    """
    count = read_count(digits, "digits", FEWEST_DIGITS)
    order = 1.3 * count + 20
    bytes_of_step = 4 * parameters * order * (count * LOG2_10 / 8 + 48)
    if bytes_of_step > MOST_BYTES:
        raise BudgetExceeded(
            f"digits: got {count}: the series of one step would take about {bytes_of_step / 2**30:.3g} GiB; "
            f"ask for fewer digits (at most {MOST_BYTES / 2**30:g} GiB are allowed)"
        )
    return count


def check_blow_up(
    problem: Problem, first_loss: arb, weights: Sequence[arb_mat], passed: Fraction, elapsed: Fraction, digits: int
) -> None:
    """Refuse to follow a cost without lower bound into a blow-up: a flow ends in finite time only where L → −∞.

    Taken for one when a step is below 10^−digits of the time that has passed and the loss has fallen by 10^{digits/2}.

    Raises
    ------
    PrecisionError
    """
    if problem.force.is_bounded_below or elapsed * 10**digits > passed:
        return
    if problem.loss(weights) < -(1 + abs(first_loss)) * arb(10) ** (digits // 2):
        raise PrecisionError(
            "the cost is not known to be bounded below and the flow seems to leave all bounds about "
            f"{float(passed):.10g} after its start: the loss falls fast and steps have shrunk below the digits of the "
            "time; ask for an earlier t, or for more digits if a deep minimum lies there"
        )


def natural_size(flow: GradientFlow) -> arb:
    """‖M‖^{1/h}, the size of weights that have learnt the target; 1 without a target. Binary, about 64 bits."""
    if isinstance(flow.loss, SmoothLoss):
        return arb(1)
    with ctx.workprec(64):
        norm = sum((number_ball(entry) ** 2 for entry in flow.loss.target.flat()), arb(0)).sqrt().mid()
        return norm.root(flow.network.depth).mid() if norm > 0 else arb(1)


def is_small(flow: GradientFlow, weights: Sequence[arb_mat]) -> bool:
    """Whether no entry is beyond 2^−8 of `natural_size`."""
    return max(size for matrix in weights for size in exponents(matrix)) < exponent(natural_size(flow)) - 8


def scale_bits(flow: GradientFlow, weights: Sequence[arb_mat]) -> int:
    """How many bits the smallest of the layers' sizes lies below `natural_size`: log₂(1/α), at least 0."""
    sizes = [max(exponents(matrix)) for matrix in weights]
    sizes = [size for size in sizes if size > NOTHING]
    return max(0, exponent(natural_size(flow)) - min(sizes)) if sizes else 0


def spread_bits(problem: Problem, weights: Sequence[arb_mat]) -> int:
    """Bits beyond the digits wanted, so that small parts survive beside large ones in one block.

    With separated modes and two layers, or diagonal layers or widths of 1 throughout, sizes do not mix: 0.
    """
    if (
        max(problem.widths) == 1
        or problem.is_diagonal
        or (problem.separated and problem.depth <= 2)
        or problem.depth == 1
    ):
        return 0
    inside = _spread_inside(weights)
    small = max(scale_bits(problem.flow, weights), inside)
    return small * max(1, problem.depth - 1)


def _spread_inside(weights: Sequence[arb_mat]) -> int:
    """Largest ratio of the sizes of two rows or columns of one layer, in bits."""
    widest = 0
    for matrix in weights:
        sizes, cols = exponents(matrix), matrix.ncols()
        rows = [max(sizes[r * cols : (r + 1) * cols]) for r in range(matrix.nrows())]
        columns = [max(sizes[c::cols]) for c in range(cols)]
        for group in (rows, columns):
            present = [size for size in group if size > NOTHING]
            if present:
                widest = max(widest, max(present) - min(present))
    return widest


def reserve_of(problem: Problem, weights: Sequence[arb_mat]) -> int:
    """Bits to hold in reserve before anything is known about the way."""
    return (_LEAST_RESERVE if scale_bits(problem.flow, weights) < 8 else 20) + spread_bits(problem, weights)
