"""Iterates of gradient descent, at two precisions side by side or over Q, and all that is watched on the way.

W_{n+1} = W_n − η_n ∇L(W_n). Ctrl-C and budgets end the steps and keep the iterates to which both precisions agree.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint
from flint import arb, arb_mat, ctx

from analytic.exact.convert import fraction
from analytic.flow import GradientFlow
from analytic.integrate._dyadic import NOTHING, Packed, ball, exponents, mpf, mpmath_matrix, pack, packed_number, unpack
from analytic.integrate.budget import Budget
from analytic.integrate.convergence import Convergence, Judge
from analytic.integrate.drift import conserved, drift_between
from analytic.integrate.events import Event, Watch
from analytic.integrate.precision import GUARD, bits_of_digits
from analytic.integrate.problem import Problem
from analytic.integrate.progress import Reporter
from analytic.integrate.schedule import Schedule
from analytic.integrate.segment import Segment
from analytic.integrate.start import Start
from analytic.integrate.status import Status
from analytic.integrate.trajectory import Trajectory

__all__ = ["Descent", "exact_descent", "fmpq_layers", "rounded_descent"]

_SECOND_RUN_BITS = 53
_LARGEST_EXPONENT = 10**6
_BYTES_OF_NUMBER = 120
_GO_ON = "gradient descent has no `resume`; to go on start again from the final weights"


@dataclass(frozen=True)
class Descent:
    """What `gradient_descent` was asked to do, checked.

    Parameters
    ----------
    flow, start, schedule, steps, digits, max_bits
    converged, predicates, watches
        What ends the run; see `read_until`.
    budget : Budget
        Its seconds and bytes; `steps` is no budget but what was asked for.
    progress : bool or callable
    """

    flow: GradientFlow
    start: Start
    schedule: Schedule
    steps: int
    digits: int
    max_bits: int
    converged: bool
    predicates: tuple[Callable[[Any, Any], bool], ...]
    watches: tuple[Watch, ...]
    budget: Budget
    progress: bool | Callable[[Any], Any]


def rounded_descent(task: Descent, precision: int) -> Trajectory | None:
    """The run at `precision` bits and at 53 more, step by step; None if the two do not agree to the digits."""
    first, second = _Iterates(task, precision), _Iterates(task, precision + _SECOND_RUN_BITS)
    cut = _go(task, (first, second))
    if cut is None:
        agreed = _agreement(first, second, first.seen.steps)
        same = first.seen.steps == second.seen.steps and first.seen.status is second.seen.status
        return replace(first.trajectory(), agreed_digits=agreed) if same and agreed >= task.digits else None
    steps = min(first.seen.steps, second.seen.steps)
    kept = bisect_left(range(1, steps + 1), True, key=lambda n: _agreement(first, second, n) < task.digits)
    if kept < steps:
        cut = _Cut(cut.status, (*cut.notes, f"left out: {steps - kept} steps more, not right to the digits"))
    return replace(first.trajectory(kept, cut), agreed_digits=_agreement(first, second, kept))


def exact_descent(task: Descent) -> Trajectory:
    """The run over Q."""
    run = _ExactIterates(task, bits_of_digits(task.digits) + GUARD)
    return run.trajectory(run.seen.steps, cut) if (cut := _go(task, (run,))) else run.trajectory()


def fmpq_layers(layers: Sequence[Any]) -> list[flint.fmpq_mat]:
    """Tables of Fractions as matrices over Q."""
    return [flint.fmpq_mat([[_fmpq(entry) for entry in row] for row in layer]) for layer in layers]


@dataclass(frozen=True)
class _Cut:
    """Why a run ended that neither took all its steps nor found what it was to stop at."""

    status: Status
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Seen:
    """What is known after the last whole step; replaced at once, so that Ctrl-C finds a whole state."""

    steps: int = 0
    status: Status = Status.FINISHED
    convergence: Convergence | None = None
    drift: arb = field(default_factory=arb)
    notes: tuple[str, ...] = ()


def _go(task: Descent, runs: Sequence[_Iterates]) -> _Cut | None:
    """Take all runs from step to step together, up to what ends the first of them."""
    reporter = Reporter(task.progress, task.digits)
    try:
        for n in range(task.steps):
            spent = task.budget.spent(0, sum(run.bytes for run in runs))
            if spent is not None:
                return _Cut(Status.BUDGET, (spent, _GO_ON))
            size = task.schedule.size(n)
            if size is None:
                break
            for run in runs:
                run.step(size)
            if reporter.is_due():
                first, *others = runs
                left = min((_agreement(first, other, n + 1) for other in others), default=math.inf)
                reporter.tell(first.nodes[-1][0], first.problem, first.weights, n + 1, left)
            if any(run.seen.status is not Status.FINISHED for run in runs):
                break
    except KeyboardInterrupt:
        return _Cut(Status.INTERRUPTED, (_GO_ON,))
    finally:
        reporter.close()
    return None


class _Iterates:
    """The iterates at one precision."""

    def __init__(self, task: Descent, precision: int) -> None:
        self.task = task
        self.problem = Problem.of(task.flow, precision)
        with ctx.workprec(precision):
            self.weights = self._first()
            self.watcher = _Watcher(task, self.problem, self.weights)
        self.nodes: list[tuple[Fraction, tuple[Packed, ...]]] = [(Fraction(0), _packed(self.weights))]
        self.seen = _Seen()
        self.bytes = 0

    def step(self, size: Fraction) -> None:
        """Take one step, and look at where it leads."""
        with ctx.workprec(self.problem.precision):
            weights = self._following(size)
            if weights is None:
                note = f"budget: the next exact iterate has numbers of over {self.task.max_bits} bits (max_bits)"
                self.seen = replace(self.seen, status=Status.BUDGET, notes=(note,))
                return
            moment = self.nodes[-1][0] + size
            seen = self.watcher.look(self.seen, moment, weights)
        self.weights = weights
        self.nodes.append((moment, _packed(weights)))
        self.bytes += self._size()
        self.seen = seen  # Ctrl-C before this line leaves the state before this step

    def trajectory(self, steps: int | None = None, cut: _Cut | None = None) -> Trajectory:
        """All steps, or the first of them and why there are no more."""
        seen, task = self.seen, self.task
        steps = seen.steps if steps is None else steps
        cut = cut or _Cut(seen.status)
        nodes = self.nodes[: steps + 1]
        end = nodes[-1][1]
        segments = [Segment(then, now, weights, (1, 0), 1) for (then, weights), (now, _) in pairwise(nodes)]
        return Trajectory(
            flow=task.flow,
            start=task.start,
            digits=task.digits,
            precision=self.problem.precision,
            method="descent",
            status=cut.status,
            segments=tuple(segments) or (Segment(Fraction(0), Fraction(0), end, (1, 0), 0),),
            end=end,
            frame=None,
            events=tuple(event for event in self.watcher.events if event.exact_time <= nodes[-1][0]),
            convergence=seen.convergence,
            drift=packed_number(seen.drift),
            notes=(*seen.notes, *cut.notes),
            exact_nodes=self._exact_nodes(steps),
        )

    def _first(self) -> list[arb_mat]:
        return [matrix.mid() for matrix in self.task.start.balls()]

    def _following(self, size: Fraction) -> list[arb_mat] | None:
        eta, velocity = ball(size), self.problem.velocity(self.weights)
        return [(w + v * eta).mid() for w, v in zip(self.weights, velocity, strict=True)]

    def _size(self) -> int:
        return sum(len(layer) for layer in self.nodes[-1][1]) * (self.problem.precision // 7 + _BYTES_OF_NUMBER)

    def _exact_nodes(self, steps: int) -> Any:
        return None


class _ExactIterates(_Iterates):
    """The iterates over Q, with their roundings beside them."""

    def _first(self) -> list[arb_mat]:
        self.exact = [fmpq_layers(self.task.start.layers)]
        return [_rounded(matrix) for matrix in self.exact[0]]

    def _following(self, size: Fraction) -> list[arb_mat] | None:
        weights = self.exact[-1]
        velocity = self.task.flow.exact_velocity(weights)
        weights = [w + v * _fmpq(size) for w, v in zip(weights, velocity, strict=True)]
        if _bits(weights) > self.task.max_bits:
            return None
        self.exact.append(weights)
        return [_rounded(matrix) for matrix in weights]

    def _size(self) -> int:
        entries = sum(len(layer) for layer in self.nodes[-1][1])
        return super()._size() + entries * (_bits(self.exact[-1]) // 4 + 2 * _BYTES_OF_NUMBER)

    def _exact_nodes(self, steps: int) -> Any:
        return tuple(tuple(_fractions(matrix) for matrix in node) for node in self.exact[: steps + 1])


class _Watcher:
    """Looks at the iterates: conserved quantities, events, convergence, divergence."""

    def __init__(self, task: Descent, problem: Problem, weights: Sequence[arb_mat]) -> None:
        for watch in task.watches:
            watch.check(problem)
        self.task, self.problem = task, problem
        self.events: list[Event] = []
        self._conserved = conserved(problem, weights)
        self._judge = Judge(problem, task.digits) if task.converged else None
        self._signs = [self._sign(watch, weights) for watch in task.watches]

    def look(self, seen: _Seen, moment: Fraction, weights: Sequence[arb_mat]) -> _Seen:
        """What is known with one iterate more."""
        if max(max(exponents(matrix)) for matrix in weights) > _LARGEST_EXPONENT:
            return replace(seen, steps=seen.steps + 1, status=Status.DIVERGED)
        drift = max(seen.drift, drift_between(self._conserved, conserved(self.problem, weights), weights))
        status, convergence = seen.status, None
        for place, watch in enumerate(self.task.watches):
            sign = self._sign(watch, weights)
            if sign and self._signs[place] and sign != self._signs[place] and watch.direction in (0, sign):
                time = mpf(ball(moment))
                self.events.append(Event(time, watch.kind(sign), watch.number, sign, watch.label, moment))
                status = Status.EVENT
            self._signs[place] = sign or self._signs[place]
        if self._judge is not None:
            convergence = self._judge.judge(weights)
            if convergence is not None:
                status = Status.CONVERGED
        given = tuple(mpmath_matrix(matrix) for matrix in weights) if self.task.predicates else ()
        if any(predicate(mpf(ball(moment)), given) for predicate in self.task.predicates):
            status = Status.EVENT
        return _Seen(seen.steps + 1, status, convergence, drift)

    def _sign(self, watch: Watch, weights: Sequence[arb_mat]) -> int:
        value = watch.value(self.problem, weights).mid()
        return 1 if value > 0 else -1 if value < 0 else 0


def _agreement(first: _Iterates, second: _Iterates, n: int) -> float:
    """Decimal digits to which the n-th iterates agree, the worst block deciding."""
    problem = first.problem
    with ctx.workprec(second.problem.precision + 32):
        shapes = problem.flow.network.layer_shapes
        ours, theirs = (
            [unpack(*pair) for pair in zip(run.nodes[n][1], shapes, strict=True)] for run in (first, second)
        )
        sizes = problem.block_exponents(ours)
        gaps = problem.block_exponents([a - b for a, b in zip(ours, theirs, strict=True)])
    common = [size - gap for size, gap in zip(sizes, gaps, strict=True) if gap > NOTHING]
    return min(common, default=problem.precision) * 0.30103


def _packed(weights: Sequence[arb_mat]) -> tuple[Packed, ...]:
    return tuple(pack(matrix) for matrix in weights)


def _fmpq(value: Fraction) -> flint.fmpq:
    return flint.fmpq(value.numerator, value.denominator)


def _rounded(matrix: flint.fmpq_mat) -> arb_mat:
    return arb_mat(matrix.nrows(), matrix.ncols(), [arb(entry) for entry in matrix.entries()]).mid()


def _fractions(matrix: flint.fmpq_mat) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(fraction(entry) for entry in row) for row in matrix.table())


def _bits(weights: Sequence[flint.fmpq_mat]) -> int:
    return max(max(int(abs(entry.p)).bit_length(), int(entry.q).bit_length()) for m in weights for entry in m.entries())
