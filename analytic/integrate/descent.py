"""Gradient descent W ← W − η_n ∇L(W), exactly over Q or to any number of digits, as a trajectory beside the flow's.

Time is Σ η_n, so that iterates and flow share one clock; between iterates lies Euler's polygon.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import flint
from flint import arb, arb_mat, ctx

from analytic.flow import GradientFlow
from analytic.integrate._dyadic import ball, mpf
from analytic.integrate.budget import Budget, read_count, read_flag
from analytic.integrate.iterates import Descent, exact_descent, fmpq_layers, rounded_descent
from analytic.integrate.precision import GUARD, bits_of_digits, check_digits, spread_bits
from analytic.integrate.problem import Problem, squared_norm
from analytic.integrate.schedule import Schedule
from analytic.integrate.segment import Segment
from analytic.integrate.settings import read_progress, read_until
from analytic.integrate.start import Start, start_weights
from analytic.integrate.trajectory import Trajectory
from graphs.errors import DimensionError, HypothesisError, InexactInputError, PrecisionError

__all__ = ["distances", "gradient_descent"]

_REPAIRS = 8
_MOST_EXACT_BITS = 10**6


def gradient_descent(
    flow: GradientFlow,
    weights: Any = None,
    *,
    step: Any,
    steps: int,
    until: Any = None,
    digits: int = 30,
    exact: bool = False,
    scale: Any = None,
    rng: Any = None,
    max_bits: int = _MOST_EXACT_BITS,
    max_seconds: float | None = None,
    max_memory: int = 2**31,
    progress: bool | Callable[[Any], Any] = False,
) -> Trajectory:
    """Gradient descent with exact rational or high-precision steps.

    Parameters
    ----------
    flow : GradientFlow
        As for `integrate`.
    weights : sequence of matrix-like, optional
        As for `integrate`.
    step : exact number, sequence of exact numbers, or callable
        η > 0; a sequence gives η_0, η_1, … and ends the run with its end; a callable maps n to η_n and is asked once
        for each n.
    steps : int
        Number of steps at most.
    until : optional
        "converged", an event, or a function of (time, weights), asked at the iterates.
    digits : int
        Relative digits for each block of the weights. The run is made at two precisions side by side, and repeated
        with more until they agree to that at its end.
    exact : bool
        Rational arithmetic: every iterate exact, in `exact_nodes`. Their size grows by a factor of 2h − 1 a step.
    scale, rng
        As for `integrate`.
    max_bits : int
        Largest numerator or denominator of an exact iterate; beyond it the run ends with status "budget".
    max_seconds, max_memory, progress
        As for `integrate`. The digits left in a `Progress` are those to which the two precisions agree.

    Returns
    -------
    Trajectory
        Iterates are the nodes, at times η_0 + … + η_{n−1}. To `digits` digits, or exact over Q; after Ctrl-C (status
        "interrupted") or the end of a budget too: iterates at which the two precisions disagree are left out.

    Raises
    ------
    PrecisionError
        If two precisions never agree (chaos of too large steps).
    HypothesisError, DimensionError, InexactInputError, NotFiniteError
        For bad input; the argument is named, of step sizes their number.

    Notes
    -----
    A step costs about 3h products of matrices.

    Examples
    --------
    >>> from graphs.network import LinearNetwork
    >>> from analytic.loss import QuadraticLoss
    >>> flow = GradientFlow(LinearNetwork(1, 1), QuadraticLoss.diagonal(1))
    >>> path = gradient_descent(flow, [[[0]]], step="1/2", steps=3, exact=True)
    >>> path.exact_nodes[-1]
    (((Fraction(7, 8),),),)
    """
    if not isinstance(flow, GradientFlow):
        raise DimensionError(f"flow: got {type(flow).__name__}, expected a GradientFlow")
    steps = read_count(steps, "steps", 0)
    task = Descent(
        flow,
        start_weights(flow.network, weights, scale, rng),
        Schedule(step, steps),
        steps,
        check_digits(digits, flow.network.num_parameters),
        read_count(max_bits, "max_bits", 1),
        *read_until(until),
        Budget.read(max(steps, 1), max_seconds, max_memory),
        read_progress(progress),
    )
    if read_flag(exact, "exact"):
        if not (task.start.is_rational and _is_rational(flow, task.start)):
            raise InexactInputError("exact: expected rational weights and a rational loss; others need exact=False")
        return exact_descent(task)
    precision = bits_of_digits(task.digits) + GUARD + steps.bit_length() + _spread(task)
    for _ in range(_REPAIRS):
        trajectory = rounded_descent(task, precision)
        if trajectory is not None:
            return trajectory
        precision = 2 * precision
    raise PrecisionError(
        f"{precision // 2} bits do not carry {digits} digits through {steps} steps: rounding errors grow faster than "
        "any precision tried; take smaller or fewer steps"
    )


def distances(descent: Trajectory, flow: Trajectory) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """How far the iterates are from the flow at the same times.

    Parameters
    ----------
    descent : Trajectory
        Of `gradient_descent`.
    flow : Trajectory
        Of `integrate`, from the same start.

    Returns
    -------
    (times, distances)
        Times of the iterates within the flow's run, and Frobenius norms of the differences of all weights (mpf).

    Raises
    ------
    HypothesisError
        If the two do not belong to one flow and one start.

    Examples
    --------
    >>> from analytic.integrate.flows import integrate
    >>> from analytic.loss import QuadraticLoss
    >>> from graphs.network import LinearNetwork
    >>> flow = GradientFlow(LinearNetwork(1, 1), QuadraticLoss.diagonal(1))
    >>> steps = gradient_descent(flow, [[[0]]], step="1/2", steps=2)
    >>> [round(float(gap), 4) for gap in distances(steps, integrate(flow, [[[0]]], t=1))[1]]
    [0.0, 0.1065, 0.1179]
    """
    if descent.flow != flow.flow:
        raise HypothesisError(
            f"flow: got a run of {flow.flow!r} beside a descent on {descent.flow!r}, expected one GradientFlow"
        )
    if descent.start.layers != flow.start.layers:
        raise HypothesisError(
            "flow: got a run from other weights than the descent, expected one start; give both the same weights, "
            "scale and rng"
        )
    times, gaps = [], []
    precision = min(descent.precision, flow.precision)
    for moment in descent.exact_times:
        if flow.segments[0].start <= moment <= flow.final_time:
            with ctx.workprec(precision):
                ours = descent.problem.back(descent.state(moment))
                theirs = flow.problem.back(flow.state(moment))
                total = sum((squared_norm(a - b) for a, b in zip(ours, theirs, strict=True)), arb(0))
                times.append(mpf(ball(moment)))
                gaps.append(mpf(total.mid().sqrt()))
    return tuple(times), tuple(gaps)


def between(trajectory: Trajectory, segment: Segment, node: Sequence[arb_mat], moment: Fraction) -> list[arb_mat]:
    """Point of Euler's polygon."""
    with ctx.workprec(trajectory.precision):
        velocity = trajectory.problem.velocity(node)
        part = ball(moment - segment.start)
        return [(matrix + slope * part).mid() for matrix, slope in zip(node, velocity, strict=True)]


def _spread(task: Descent) -> int:
    """Bits beyond the digits for sizes that mix."""
    precision = bits_of_digits(task.digits)
    with ctx.workprec(precision):
        return spread_bits(Problem.of(task.flow, precision), task.start.balls())


def _is_rational(flow: GradientFlow, start: Start) -> bool:
    """Whether gradients are rational at rational weights."""
    if flow.loss.free_symbols:
        return False
    return all(isinstance(velocity, flint.fmpq_mat) for velocity in flow.exact_velocity(fmpq_layers(start.layers)))
