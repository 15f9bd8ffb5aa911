"""How many digits losses and singular values carry: less than the weights where these cancel or layers are large.

The ball of a quantity over all weights that agree with a node to the bits that rounding and instability have left;
for s_k of P to first order, |ds_k| ≤ Σ |u_ki| |dP_ij| |v_kj|.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import mpf, shown
from analytic.integrate._spectra import context_matrix, from_mpf
from analytic.integrate.arrival import SPARE_BITS
from analytic.integrate.precision import FEWEST_SPARE_BITS, LOG2_10, bits_of_digits
from analytic.integrate.quantities import bits_of_spread
from analytic.integrate.sensitivity import Sensitivity
from analytic.integrate.status import Status
from analytic.integrate.trajectory import Trajectory

__all__ = ["loss_digits", "loss_floor", "shown_loss", "singular_value_digits"]

_SPARE_BITS = 32


def loss_digits(run: Trajectory) -> list[int]:
    """Digits of the loss that each node carries, those of the run or less: a small loss suffers from cancellation."""
    problem, found = run.problem, []
    with ctx.workprec(run.precision + _SPARE_BITS):
        for bits, moment in zip(_bits(run), run.exact_times, strict=True):
            accuracy = problem.loss(_blurred(run, moment, bits)).rel_accuracy_bits()
            found.append(_digits(run, accuracy))
    return found


def loss_floor(run: Trajectory) -> Any:
    """What rounding may hide at the end of a run (mpf), if it hides all of the loss; else None."""
    with ctx.workprec(run.precision + _SPARE_BITS):
        loss = run.problem.loss(_blurred(run, run.exact_times[-1], _bits(run)[-1]))
        return mpf(arb(loss.abs_upper())) if loss.rel_accuracy_bits() <= 0 else None


def shown_loss(run: Trajectory, digits: int) -> str:
    """The loss at the end as text; behind "~" where the digits of the run do not make its first digit certain."""
    with ctx.workprec(run.precision + _SPARE_BITS):
        ball = run.problem.loss(_blurred(run, run.exact_times[-1], bits_of_digits(run.digits)))
        sure = _digits(run, ball.rel_accuracy_bits())
    text = shown(run.loss_at(run.exact_times[-1]), max(1, min(digits, sure)))
    return text if sure else f"~{text}"


def singular_value_digits(run: Trajectory) -> list[int]:
    """Digits of the singular values of the product that the end carries, those of the run or less.

    Large layers may have a product that is far smaller, which has lost what cancels; a small singular value keeps its
    digits beside large ones only where the modes are separated.
    """
    problem = run.problem
    with ctx.workprec(run.precision + _SPARE_BITS):
        product = problem.product(_blurred(run, run.exact_times[-1], _bits(run)[-1]))
        errors = arb_mat(product.nrows(), product.ncols(), [entry.rad() for entry in product.entries()])
    context = mpmath.mp.clone()
    context.prec = run.precision + bits_of_spread(product)
    left, values, right = context.svd_r(context_matrix(context, product), full_matrices=False)
    found = []
    for k in range(min(problem.widths)):
        u = arb_mat(1, left.rows, [abs(from_mpf(left[i, k])) for i in range(left.rows)])
        v = arb_mat(right.cols, 1, [abs(from_mpf(right[k, j])) for j in range(right.cols)])
        with ctx.workprec(64):
            # equal singular values mix, hence the factor
            value, error = from_mpf(values[k]), (u * errors * v)[0, 0].mid() * len(values)
            found.append(_digits(run, arb(value, error).rel_accuracy_bits()))
    return found + [run.digits] * (len(values) - len(found))  # the rank of the network makes these zeros


def _bits(run: Trajectory) -> list[int]:
    """Bits that each node carries, by the estimate of what instability has eaten."""
    times, least = run.exact_times, bits_of_digits(run.digits)
    if run.method != "taylor":
        return [least] * len(times)
    found = []
    with ctx.workprec(run.precision + _SPARE_BITS):
        sensitivity = Sensitivity(run.problem, run.state(times[0]))
        for before, moment in pairwise((times[0], *times)):
            lost = sensitivity.advance(run.state(moment), moment - before) if moment > before else sensitivity.bits
            found.append(max(least, run.precision - FEWEST_SPARE_BITS - int(lost)))
    if run.status is Status.STATIONARY:
        return found
    resting = sum(1 for segment in run.segments if not segment.order)
    return found[: len(found) - resting] + [least + SPARE_BITS] * resting


def _blurred(run: Trajectory, moment: Fraction, bits: int) -> list[arb_mat]:
    weights = run.state(moment)
    return run.problem.blurred(weights, run.problem.block_exponents(weights), bits)


def _digits(run: Trajectory, accuracy: int) -> int:
    return min(run.digits, max(0, int(accuracy / LOG2_10)))
