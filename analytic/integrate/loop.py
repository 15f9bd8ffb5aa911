"""The stepping loop: whatever the stepper, it keeps the time, lands on stops, finds events, watches the errors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

import mpmath
from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import Packed, ball, fraction_of, mpf, mpmath_matrix, pack, packed_number
from analytic.integrate.arrival import Arrival
from analytic.integrate.budget import OutOfTime
from analytic.integrate.convergence import Convergence
from analytic.integrate.events import Event, ModeLearnt, Watch
from analytic.integrate.finder import EventFinder
from analytic.integrate.guard import Guard, TooFewBits
from analytic.integrate.precision import is_small
from analytic.integrate.problem import Problem
from analytic.integrate.progress import Reporter
from analytic.integrate.rigorous import Certifier
from analytic.integrate.segment import Segment
from analytic.integrate.series import GUARD_BITS, scales
from analytic.integrate.settings import Settings
from analytic.integrate.status import Status
from analytic.integrate.stepper import ExplicitTaylor, Plan, Stepper, power_of_two
from analytic.integrate.trajectory import Trajectory

__all__ = ["Run"]

_JUDGE_EVERY = 4
_SPARE = 1024  # bytes of a segment beside its numbers


@dataclass(frozen=True)
class _Done:
    """How far a run has come: one object, put in place by one assignment, so that Ctrl-C finds a whole state.

    Parameters
    ----------
    time : Fraction
    weights : list of arb_mat
    plan : Plan
        Of the next step.
    segments, events : int
        How many of each count.
    drift : arb
    radius : arb or None
        Proved bound for the error.
    """

    time: Fraction
    weights: list[arb_mat]
    plan: Plan
    segments: int = 0
    events: int = 0
    drift: arb = field(default_factory=arb)
    radius: arb | None = None


@dataclass
class Run:
    """One pass from the start, or from the last node of an earlier run, at one precision.

    Parameters
    ----------
    settings : Settings
    precision : int
        Bits wanted relative to each block.
    reserve : float
        Bits of it that instability may eat.
    earlier : Trajectory or None
        A run to continue.
    frame : tuple of packed matrices, or None
        The singular frame to take over from another run.
    """

    settings: Settings
    precision: int
    reserve: float
    earlier: Trajectory | None = None
    frame: tuple[Packed, Packed] | None = None

    def __post_init__(self) -> None:
        self.segments: list[Segment] = []
        self.events: list[Event] = []
        self.bytes = 0
        self.convergence: Convergence | None = None
        self.has_arrived = False
        self.replayed = 0  # steps that are an earlier run's
        self.status = Status.FINISHED
        self.notes: list[str] = []
        self.problem = self._problem()
        self._begin()

    def _problem(self) -> Problem:
        earlier, settings = self.earlier, self.settings
        if earlier is not None:
            return replace(earlier.problem, kernel=settings.kernel)
        if self.frame is not None:
            return Problem.of(settings.flow, self.precision, frame=self.frame, kernel=settings.kernel)
        rotate = settings.frame == "data" or (settings.frame == "auto" and is_small(settings.flow, self._given()))
        return Problem.of(
            settings.flow, self.precision, rotate=rotate and not settings.rigorous, kernel=settings.kernel
        )

    def _given(self) -> list[arb_mat]:
        with ctx.workprec(self.precision + 32):
            return self.settings.start.balls()

    def _begin(self) -> None:
        """Weights, plan and checks at the start, or where an earlier run took its last full step."""
        problem, settings = self.problem, self.settings
        with ctx.workprec(self.precision + 32):
            first = [matrix.mid() for matrix in problem.into(self._given())]
        self.stepper: Stepper = ExplicitTaylor(
            self.precision, settings.order, enclose=settings.rigorous, tick=settings.budget.tick
        )
        self.guard = Guard(problem, settings, first, self.reserve)
        self.arrival = Arrival(problem, settings)
        self.certifier = Certifier(problem, self._given(), first) if settings.rigorous else None
        if self.earlier is None:
            with ctx.workprec(self.precision + GUARD_BITS):
                self.done = _Done(settings.begin, first, self.stepper.first(problem, first), radius=self._radius())
        else:
            self._replay(self.earlier)
        behind = None if self.earlier is None else self.earlier.final_time
        self.finder = EventFinder(problem, settings.watches, self.weights, settings.name_plateau, behind)
        with ctx.workprec(self.precision + 32):
            self.notes += [f"mode {k} is learnt at the start" for k in self._learnt(first)]

    def _learnt(self, weights: list[arb_mat]) -> list[int]:
        """Modes that are watched and have more than is waited for."""
        watches = [watch for watch in self.settings.watches if isinstance(watch, ModeLearnt) and watch.direction >= 0]
        return sorted({watch.mode for watch in watches if watch.value(self.problem, weights) > 0})

    def _replay(self, earlier: Trajectory) -> None:
        """Take over the nodes of an earlier run up to its last step, which is taken again with its own plan."""
        taken = [segment for segment in earlier.segments if segment.order]  # the others stand still
        *kept, last = taken
        drift = arb(0)
        for segment in kept:
            self.segments.append(segment)
            self.bytes += self._size(segment)
        for segment, following in pairwise(taken):
            weights = earlier.state(following.start)
            drift = max(drift, self.guard.check_step(weights, segment.start, following.start - segment.start))
        self.replayed = len(self.segments)
        self.events = [event for event in earlier.events if event.exact_time <= last.start]
        if self.certifier is not None and last.radius is not None:
            self.certifier.radius = arb(last.radius)
        self.done = _Done(
            last.start,
            earlier.state(last.start),
            Plan(arb(last.unit), last.order),
            len(self.segments),
            len(self.events),
            drift,
            self._radius(),
        )

    def _radius(self) -> arb | None:
        return None if self.certifier is None else self.certifier.radius

    @property
    def time(self) -> Fraction:
        """Where the run is."""
        return self.done.time

    @property
    def weights(self) -> list[arb_mat]:
        """Midpoints at that time, in the frame of the run."""
        return self.done.weights

    def go(self) -> Trajectory:
        """Run to the end and return what was done; budgets and Ctrl-C end a run, they do not raise."""
        reporter = Reporter(self.settings.progress, self.settings.digits)
        stops = [stop for stop in self.settings.stops if stop > self.time]
        try:
            while stops or self.settings.end is None:
                if self._spent():
                    break
                if self._step(stops):
                    break
                reporter.report(self)
        except OutOfTime:
            self._spent()
        except KeyboardInterrupt:
            self.status = Status.INTERRUPTED
        reporter.close()
        if self.status in (Status.FINISHED, Status.CONVERGED, Status.BUDGET):
            self.notes += [f"{watch!r}: too near its level at the end to tell on which side" for watch in self.doubts]
        return self._trajectory()

    @property
    def doubts(self) -> list[Watch]:
        """Events of which the bits at hand do not tell whether they have happened."""
        return self.finder.unresolved

    def _spent(self) -> bool:
        """Whether a budget has run out, which is noted."""
        spent = self.settings.budget.spent(len(self.segments) - self.replayed, self.bytes)
        if spent is not None:
            self.status = Status.BUDGET
            self.notes.append(spent)
            if self.settings.converged and self.arrival.waiting:
                self.notes.append(f"not converged yet: {self.arrival.waiting}")
        return spent is not None

    def _step(self, stops: list[Fraction]) -> bool:
        """One step; whether the run ends with it."""
        with ctx.workprec(self.precision + GUARD_BITS):
            series, reach, following = self.stepper.step(self.problem, self.weights, self.done.plan)
            theta = power_of_two(reach)
        unit = fraction_of(series.unit)
        elapsed = unit * fraction_of(theta)
        landed = bool(stops) and self.time + elapsed >= stops[0]
        if landed:
            elapsed = stops[0] - self.time
            theta = self._ratio(elapsed, unit)
        sizes = scales(self.problem, series, reach)
        found, terminal = self.finder.scan(series, self.time, theta, sizes, self.guard.carried)
        self.guard.check_events(found, self.finder.missing)
        if terminal is not None:
            elapsed = terminal.exact_time - self.time
            theta = self._ratio(elapsed, unit)
        node, begin = self.weights, self.time
        values = series.at(theta)
        bounds = self.certifier.step(series, theta, values) if self.certifier is not None else None
        weights = [matrix.mid() for matrix in values]
        if landed or terminal is not None:
            self.guard.check_zeros(sizes, weights)
        drift = max(self.done.drift, self.guard.check_step(weights, begin, elapsed))
        segment = Segment(
            begin,
            begin + elapsed,
            tuple(pack(matrix) for matrix in node),
            packed_number(series.unit),
            series.order,
            bounds[0] if bounds else None,
            bounds[1:] if bounds else (),
        )
        self.segments.append(segment)
        self.events += found
        self.bytes += self._size(segment)
        time = stops.pop(0) if landed and terminal is None else begin + elapsed
        # Ctrl-C before this line leaves the state before this step
        self.done = _Done(time, weights, following, len(self.segments), len(self.events), drift, self._radius())
        if terminal is not None:
            self.status = Status.EVENT
            return True
        return self._arrived(stops)

    def _ratio(self, elapsed: Fraction, unit: Fraction) -> arb:
        with ctx.workprec(self.precision + 32):
            return ball(elapsed / unit)

    def _arrived(self, stops: list[Fraction]) -> bool:
        """Whether the run ends here: it has converged, nothing moves any more, or a predicate says so."""
        if len(self.segments) % _JUDGE_EVERY == 0 and self._settled(stops):
            return True
        if self.settings.predicates:
            with ctx.workprec(self.precision + GUARD_BITS):
                moment = mpf(ball(self.time))
                given = tuple(mpmath_matrix(matrix) for matrix in self.problem.back(self.weights))
            if any(predicate(moment, given) for predicate in self.settings.predicates):
                self.status = Status.EVENT
                return True
        return False

    def _settled(self, stops: list[Fraction]) -> bool:
        """Whether the flow has converged and the run ends with that; what stops are left are reached at rest."""
        arrival, weights, wanted = self.arrival, self.weights, self.settings.converged
        verdict = arrival.verdict(weights)
        if arrival.missing and (wanted or self.settings.end is None):
            raise TooFewBits(arrival.missing, "rounding hides whether the flow has arrived: its rates differ by much")
        if verdict is None or not (wanted or not arrival.awaits(weights, verdict, self.guard.carried)):
            return False
        if stops and not wanted:
            if not arrival.rests(weights, verdict):
                return False
            self._stay(stops)
        self.has_arrived = True
        if self.settings.end is None or wanted:
            self.convergence, self.status = verdict, Status.CONVERGED
            if not wanted and not self.doubts:
                self.notes.append("the flow has converged before `until` came true")
        return True

    def _stay(self, stops: list[Fraction]) -> None:
        """Reach the stops that are left without a series: no digit changes any more."""
        done = self.done
        with ctx.workprec(64):
            since = mpmath.nstr(mpf(ball(done.time)), 8)
        self.notes.append(f"at rest from t = {since} on: the rest of the way is below the digits (proved)")
        node = tuple(pack(matrix) for matrix in done.weights)
        unit = packed_number(done.plan.unit)
        self.segments += [Segment(a, b, node, unit, 0) for a, b in pairwise([done.time, *stops])]
        self.done = replace(done, time=stops[-1], segments=len(self.segments))
        stops.clear()

    def _size(self, segment: Segment) -> int:
        return sum(len(layer) for layer in segment.weights) * (self.precision // 7 + 120) + _SPARE

    def _trajectory(self) -> Trajectory:
        settings, frame = self.settings, self.problem.frame
        done = self.done
        end = tuple(pack(matrix) for matrix in done.weights)
        segments = tuple(self.segments[: done.segments])
        if not segments:
            segments = (Segment(done.time, done.time, end, packed_number(done.plan.unit), done.plan.order),)
        return Trajectory(
            flow=settings.flow,
            start=settings.start,
            digits=settings.digits,
            precision=self.precision,
            method=self.stepper.name,
            status=self.status,
            segments=segments,
            end=end,
            frame=None if frame is None else (pack(frame[0]), pack(frame[1])),
            events=tuple(self.events[: done.events]),
            convergence=self.convergence,
            end_radius=None if done.radius is None else packed_number(done.radius),
            drift=packed_number(done.drift),
            notes=tuple(self.notes),
            options=(
                ("reserve", self.reserve),
                ("kernel", self.problem.kernel),
                ("order", settings.order),
                ("frame", settings.frame),
            ),
            watches=settings.recorded,
        )
