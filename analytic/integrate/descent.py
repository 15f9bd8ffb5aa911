"""Gradient descent W ← W − η_n ∇L(W), exactly over Q or to any number of digits, as a trajectory beside the flow's.

Time is Σ η_n, so that iterates and flow share one clock; between iterates lies Euler's polygon.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint
from flint import arb, arb_mat, ctx

from analytic.exact.convert import fraction
from analytic.flow import GradientFlow
from analytic.integrate._dyadic import ball, exponents, mpf, mpmath_matrix, pack
from analytic.integrate.convergence import Convergence, Judge
from analytic.integrate.events import Event, Watch
from analytic.integrate.flows import agreement
from analytic.integrate.loop import conserved, drift_between
from analytic.integrate.precision import GUARD, bits_of_digits, check_digits, spread_bits
from analytic.integrate.problem import Problem, squared_norm
from analytic.integrate.settings import read_until
from analytic.integrate.start import Start, exact_time, start_weights
from analytic.integrate.status import Status
from analytic.integrate.trajectory import Segment, Trajectory
from graphs.errors import DimensionError, HypothesisError, InexactInputError, PrecisionError

__all__ = ["distances", "gradient_descent"]

_SECOND_RUN_BITS = 53
_REPAIRS = 8
_LARGEST_EXPONENT = 10**6
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
) -> Trajectory:
    """Gradient descent with exact rational or high-precision steps.

    Parameters
    ----------
    flow : GradientFlow
        As for `integrate`.
    weights : sequence of matrix-like, optional
        As for `integrate`.
    step : exact number, sequence of exact numbers, or callable
        η; a sequence gives η_0, η_1, … and ends the run with its end; a callable maps n to η_n.
    steps : int
        Number of steps at most.
    until : optional
        "converged", an event, or a function of (time, weights), asked at the iterates.
    digits : int
        Relative digits for each block of the weights. The run is made at two precisions and repeated with more until
        they agree to that.
    exact : bool
        Rational arithmetic: every iterate exact, in `exact_nodes`. Their size grows by a factor of 2h − 1 a step.
    scale, rng
        As for `integrate`.
    max_bits : int
        Largest numerator or denominator of an exact iterate; beyond it the run ends with status "budget".

    Returns
    -------
    Trajectory
        Iterates are the nodes, at times η_0 + … + η_{n−1}. To `digits` digits, or exact over Q.

    Raises
    ------
    PrecisionError
        If two precisions never agree (chaos of too large steps).
    HypothesisError, DimensionError, InexactInputError
        For bad input.

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
    check_digits(digits, flow.network.num_parameters)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise DimensionError(f"steps: got {steps!r}, expected an integer ≥ 0")
    sizes = _schedule(step, steps)
    start = start_weights(flow.network, weights, scale, rng)
    run = _Descent(flow, start, sizes, steps, until, digits, max_bits)
    if exact:
        if not (start.is_rational and _is_rational(flow, start)):
            raise InexactInputError("exact: expected rational weights and a rational loss; others need exact=False")
        return run.exactly()
    precision = bits_of_digits(digits) + GUARD + steps.bit_length() + run.spread(digits)
    for _ in range(_REPAIRS):
        first, second = run.at(precision), run.at(precision + _SECOND_RUN_BITS)
        if first.steps == second.steps and (agreed := agreement(first, second)) >= digits:
            return replace(first, agreed_digits=agreed)
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
    if descent.flow != flow.flow or descent.start.layers != flow.start.layers:
        raise HypothesisError("expected two trajectories of one flow from one start")
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


class _Descent:
    """One problem, run at one precision after another."""

    def __init__(
        self,
        flow: GradientFlow,
        start: Start,
        sizes: Callable[[int], Fraction | None],
        steps: int,
        until: Any,
        digits: int,
        max_bits: int,
    ) -> None:
        self.flow, self.start, self.sizes, self.steps = flow, start, sizes, steps
        self.converged, self.predicates, self.watches = read_until(until)
        self.digits, self.max_bits = digits, max_bits

    def spread(self, digits: int) -> int:
        """Bits beyond the digits for sizes that mix."""
        precision = bits_of_digits(digits)
        with ctx.workprec(precision):
            return spread_bits(Problem.of(self.flow, precision), self.start.balls())

    def at(self, precision: int) -> Trajectory:
        """The run at one precision."""
        problem = Problem.of(self.flow, precision)
        with ctx.workprec(precision):
            weights = [matrix.mid() for matrix in self.start.balls()]
            watcher = _Watcher(self, problem, weights)
            nodes, moment = [(Fraction(0), weights)], Fraction(0)
            while len(nodes) <= self.steps and watcher.status is Status.FINISHED:
                size = self.sizes(len(nodes) - 1)
                if size is None:
                    break
                eta = ball(size)
                velocity = problem.velocity(weights)
                weights = [(w + v * eta).mid() for w, v in zip(weights, velocity, strict=True)]
                moment += size
                nodes.append((moment, weights))
                watcher.look(moment, weights)
        return self._trajectory(problem, nodes, watcher, None)

    def exactly(self) -> Trajectory:
        """The run over Q."""
        precision = bits_of_digits(self.digits) + GUARD
        problem = Problem.of(self.flow, precision)
        weights = [flint.fmpq_mat([[_fmpq(e) for e in row] for row in layer]) for layer in self.start.layers]
        with ctx.workprec(precision):
            rounded = [_rounded(matrix) for matrix in weights]
            watcher = _Watcher(self, problem, rounded)
            nodes, exact, moment = [(Fraction(0), rounded)], [weights], Fraction(0)
            while len(nodes) <= self.steps and watcher.status is Status.FINISHED:
                size = self.sizes(len(nodes) - 1)
                if size is None:
                    break
                velocity = self.flow.exact_velocity(weights)
                weights = [w + v * _fmpq(size) for w, v in zip(weights, velocity, strict=True)]
                if _bits(weights) > self.max_bits:
                    watcher.status = Status.BUDGET
                    watcher.notes.append(f"budget: the next exact iterate has numbers of over {self.max_bits} bits")
                    break
                moment += size
                rounded = [_rounded(matrix) for matrix in weights]
                nodes.append((moment, rounded))
                exact.append(weights)
                watcher.look(moment, rounded)
        kept = tuple(tuple(_fractions(matrix) for matrix in node) for node in exact)
        return self._trajectory(problem, nodes, watcher, kept)

    def _trajectory(
        self, problem: Problem, nodes: list[tuple[Fraction, list[arb_mat]]], watcher: _Watcher, exact: Any
    ) -> Trajectory:
        packed = [(moment, tuple(pack(matrix) for matrix in weights)) for moment, weights in nodes]
        pairs = list(pairwise(packed)) or [(packed[0], packed[0])]
        segments = tuple(Segment(then, now, weights, (1, 0), 1) for (then, weights), (now, _) in pairs)
        return Trajectory(
            flow=self.flow,
            start=self.start,
            digits=self.digits,
            precision=problem.precision,
            method="descent",
            status=watcher.status,
            segments=segments if len(packed) > 1 else (Segment(Fraction(0), Fraction(0), packed[0][1], (1, 0), 0),),
            end=packed[-1][1],
            frame=None,
            events=tuple(watcher.events),
            convergence=watcher.convergence,
            drift=watcher.drift_pair(),
            notes=tuple(watcher.notes),
            exact_nodes=exact,
        )


class _Watcher:
    """Looks at the iterates: conserved quantities, events, convergence, divergence."""

    def __init__(self, descent: _Descent, problem: Problem, weights: Sequence[arb_mat]) -> None:
        for watch in descent.watches:
            watch.check(problem)
        self.descent, self.problem = descent, problem
        self.status, self.notes, self.events = Status.FINISHED, list[str](), list[Event]()
        self.convergence: Convergence | None = None
        self._conserved = conserved(problem, weights)
        self._drift = arb(0)
        self._judge = Judge(problem, descent.digits) if descent.converged else None
        self._signs = [self._sign(watch, weights) for watch in descent.watches]

    def look(self, moment: Fraction, weights: Sequence[arb_mat]) -> None:
        """Take one iterate."""
        if max(max(exponents(matrix)) for matrix in weights) > _LARGEST_EXPONENT:
            self.status = Status.DIVERGED
            return
        self._drift = max(self._drift, drift_between(self._conserved, conserved(self.problem, weights), weights))
        for place, watch in enumerate(self.descent.watches):
            sign = self._sign(watch, weights)
            if sign and self._signs[place] and sign != self._signs[place] and watch.direction in (0, sign):
                time = mpf(ball(moment))
                self.events.append(Event(time, watch.kind(sign), watch.number, sign, watch.label, moment))
                self.status = Status.EVENT
            self._signs[place] = sign or self._signs[place]
        if self._judge is not None:
            self.convergence = self._judge.judge(weights)
            if self.convergence is not None:
                self.status = Status.CONVERGED
        given = tuple(mpmath_matrix(matrix) for matrix in weights) if self.descent.predicates else ()
        if any(predicate(mpf(ball(moment)), given) for predicate in self.descent.predicates):
            self.status = Status.EVENT

    def drift_pair(self) -> tuple[int, int]:
        """The drift as a pair of integers."""
        m, e = self._drift.mid().man_exp()
        return int(m), int(e)

    def _sign(self, watch: Watch, weights: Sequence[arb_mat]) -> int:
        value = watch.value(self.problem, weights).mid()
        return 1 if value > 0 else -1 if value < 0 else 0


def _is_rational(flow: GradientFlow, start: Start) -> bool:
    """Whether gradients are rational at rational weights."""
    if flow.loss.free_symbols:
        return False
    weights = [flint.fmpq_mat([[_fmpq(entry) for entry in row] for row in layer]) for layer in start.layers]
    return all(isinstance(velocity, flint.fmpq_mat) for velocity in flow.exact_velocity(weights))


def _schedule(step: Any, steps: int) -> Callable[[int], Fraction | None]:
    if callable(step):
        return lambda n: _positive(step(n), f"step({n})")
    if isinstance(step, Sequence) and not isinstance(step, str):
        sizes = [_positive(size, f"step[{n}]") for n, size in enumerate(step[:steps])]
        return lambda n: sizes[n] if n < len(sizes) else None
    constant = _positive(step, "step")
    return lambda n: constant


def _positive(value: Any, where: str) -> Fraction:
    size = exact_time(value, where)
    if size <= 0:
        raise HypothesisError(f"{where}: got {value}, expected a positive step size")
    return size


def _fmpq(value: Fraction) -> flint.fmpq:
    return flint.fmpq(value.numerator, value.denominator)


def _rounded(matrix: flint.fmpq_mat) -> arb_mat:
    return arb_mat(matrix.nrows(), matrix.ncols(), [arb(entry) for entry in matrix.entries()]).mid()


def _fractions(matrix: flint.fmpq_mat) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(fraction(entry) for entry in row) for row in matrix.table())


def _bits(weights: Sequence[flint.fmpq_mat]) -> int:
    return max(max(int(abs(entry.p)).bit_length(), int(entry.q).bit_length()) for m in weights for entry in m.entries())
