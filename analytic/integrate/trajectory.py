"""A computed flow: exact nodes, and dense output by the series themselves.

Between two nodes W(t) = Σ_k w_k ((t − t_n)/H)^k; the series is computed again from its node when it is asked for.

What is read off the weights stands in `readings`; `resume`, `save`, `verify` lead to `flows`, `storage`, `replay`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import arb, arb_mat, ctx

from analytic.flow import GradientFlow
from analytic.integrate._dyadic import (
    Packed,
    ball,
    fraction_of,
    mpf,
    mpmath_matrix,
    shown,
    unpack,
    unpacked_number,
)
from analytic.integrate._moments import read_moment
from analytic.integrate.convergence import Convergence
from analytic.integrate.events import Event, Watch
from analytic.integrate.links import usable_kernel
from analytic.integrate.problem import Problem
from analytic.integrate.readings import Readings
from analytic.integrate.segment import Segment
from analytic.integrate.series import GUARD_BITS, Series, taylor_series
from analytic.integrate.settings import AS_BEFORE, AsBefore
from analytic.integrate.start import Start
from analytic.integrate.status import Status

__all__ = ["Trajectory"]

_KEPT_SERIES = 8


@dataclass(frozen=True, repr=False)
class Trajectory(Readings):
    """The result of `integrate` and `gradient_descent`.

    Parameters
    ----------
    flow : GradientFlow
    start : Start
        Exact initial weights and the seed they came from.
    digits : int
        Relative digits claimed for each block of the weights.
    precision : int
        Working bits.
    method : str
        "taylor", "descent", …
    status : Status
    segments : tuple of Segment
    end : tuple of Packed
        Weights at the end, in the frame of the run.
    frame : (Packed, Packed) or None
        U and V of the singular frame of the data.
    events : tuple of Event
    convergence : Convergence or None
    end_radius : (int, int) or None
        For a rigorous run, a bound for the error at the end.
    agreed_digits : float or None
        What a second run with more bits and another order agreed to (``verify=True``).
    drift : (int, int)
        Largest drift of the conserved quantities relative to ‖W‖², as m·2^e.
    notes : tuple of str
    options : tuple of (str, object)
        Settings that `resume` uses again.
    watches : tuple of Watch
        Events that `resume` goes on looking for; not compared.
    exact_nodes : tuple or None
        For exact gradient descent: every iterate as rows of Fractions, one table a layer.

    Notes
    -----
    Immutable; pickles and survives `save` and `load` bit by bit, since nodes are integers.
    """

    flow: GradientFlow
    start: Start
    digits: int
    precision: int
    method: str
    status: Status
    segments: tuple[Segment, ...]
    end: tuple[Packed, ...]
    frame: tuple[Packed, Packed] | None
    events: tuple[Event, ...] = ()
    convergence: Convergence | None = None
    end_radius: tuple[int, int] | None = None
    agreed_digits: float | None = None
    drift: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    watches: tuple[Watch, ...] = field(default=(), compare=False)
    exact_nodes: Any = None
    _cache: dict[str, Any] = field(default_factory=dict, init=False, compare=False)

    @property
    def steps(self) -> int:
        """Number of steps; 0 for a run of no time."""
        return sum(1 for segment in self.segments if segment.end > segment.start)

    @property
    def seed(self) -> int | None:
        """Seed of the random shape, if there was one."""
        return self.start.seed

    @property
    def exact_times(self) -> tuple[Fraction, ...]:
        """Times of the nodes as exact rational numbers; of a run of no step the one at which it stands."""
        if not self.steps:
            return (self.final_time,)
        return (*(segment.start for segment in self.segments), self.segments[-1].end)

    @property
    def times(self) -> tuple[Any, ...]:
        """Times of the nodes as mpmath numbers, to the working precision."""
        with ctx.workprec(self.precision):
            return tuple(mpf(ball(time)) for time in self.exact_times)

    @property
    def final(self) -> tuple[Any, ...]:
        """Weights at the end as mpmath matrices, one a layer."""
        return self._given(self._end())

    @property
    def final_time(self) -> Fraction:
        """The end of the run, exact."""
        return self.segments[-1].end

    @property
    def loss(self) -> tuple[Any, ...]:
        """Loss at the nodes."""
        found: tuple[Any, ...] = self._remembered("loss", lambda: tuple(self._loss(w) for w in self._nodes()))
        return found

    @property
    def conservation_drift(self) -> Any:
        """Largest drift of W_{i+1}ᵀW_{i+1} − W_iW_iᵀ over the nodes, relative to the largest ‖W_i‖² (mpf)."""
        return mpf(unpacked_number(self.drift))

    @property
    def error_bound(self) -> Any:
        """For a rigorous run: proved bound for the error of the final weights, Frobenius norm of all layers (mpf)."""
        return None if self.end_radius is None else mpf(unpacked_number(self.end_radius))

    def verify(self) -> bool:
        """For a rigorous run: replay its certificate, each step's defect again from its whole polynomial at more bits.

        Returns
        -------
        bool

        Raises
        ------
        HypothesisError
            If the run claims no bounds.
        """
        from analytic.integrate.replay import replay

        return replay(self)

    def at(self, t: Any) -> tuple[Any, ...]:
        """Weights at time t by the series itself, to full accuracy.

        Parameters
        ----------
        t : exact number, mpf or float
            Within the run; a binary float is taken as the number it is.

        Returns
        -------
        tuple of mpmath matrices
            One a layer.

        Raises
        ------
        DimensionError
            If t lies outside the run.
        InexactInputError, NotFiniteError
            If t is no number.
        """
        return self._given(self.state(self._moment(t)))

    def error_bound_at(self, t: Any) -> Any:
        """For a rigorous run: proved bound for the error of `at(t)`, Frobenius norm of all layers (mpf); else None."""
        if self.end_radius is None:
            return None
        from analytic.integrate._norms import frobenius_bound

        moment = self._moment(t)
        place = max(0, bisect_right(self.segments, moment, key=lambda segment: segment.start) - 1)
        segment = self.segments[place]
        if moment == segment.start and segment.radius is not None:
            return mpf(unpacked_number(segment.radius))
        # the bound of the next node holds along the whole step; the evaluation adds its own rounding
        following = self.segments[place + 1].radius if place + 1 < len(self.segments) else self.end_radius
        rounding = arb(0)
        if moment not in (segment.start, segment.end):
            series = self._series(place, segment, self._unpacked(segment.weights))
            with ctx.workprec(self.precision + GUARD_BITS):
                values = series.at(ball((moment - segment.start) / fraction_of(series.unit)))
                rounding = frobenius_bound([value - value.mid() for value in values])
        with ctx.workprec(64):
            return mpf((unpacked_number(following or (0, 0)) + rounding).upper())

    def resume(
        self,
        *,
        t: Any = None,
        until: Any = None,
        digits: int | None = None,
        times: Any = (),
        verify: bool = False,
        max_steps: int = 100_000,
        max_seconds: float | None = None,
        max_memory: int = 2**31,
        progress: Any = False,
        events: Any = AS_BEFORE,
        name_plateau: Any = None,
        rigorous: bool | AsBefore = AS_BEFORE,
        precision: int | AsBefore | None = AS_BEFORE,
        order: int | AsBefore | None = AS_BEFORE,
        frame: str | AsBefore = AS_BEFORE,
        kernel: str | AsBefore = AS_BEFORE,
    ) -> Trajectory:
        """Go on from the end with more time, another `until`, or more digits.

        Parameters
        ----------
        t, until, times, verify, max_steps, max_seconds, max_memory, progress
            As for `integrate`; budgets are for this call.
        digits : int, optional
            With more or fewer digits than before the whole run is computed again.
        events, rigorous, precision, order, frame, kernel
            As for `integrate`, by default as before; other events are looked for from here on, and with another proof,
            precision, order or frame the whole run is computed again.
        name_plateau
            As for `integrate`; a run does not keep it.

        Returns
        -------
        Trajectory
            From the first start, identical to one run that was never interrupted if nothing but the end changes and
            the run had not been cut short to land on a time.
        """
        from analytic.integrate.flows import resumed

        perhaps = {
            "digits": AS_BEFORE if digits is None else digits,
            "events": events,
            "rigorous": rigorous,
            "precision": precision,
            "order": order,
            "frame": frame,
            "kernel": kernel,
        }
        changes = {
            "t": t,
            "until": until,
            "times": times,
            "verify": verify,
            "max_steps": max_steps,
            "max_seconds": max_seconds,
            "max_memory": max_memory,
            "progress": progress,
            "name_plateau": name_plateau,
        }
        return resumed(self, changes | {name: value for name, value in perhaps.items() if value is not AS_BEFORE})

    def save(self, path: Any) -> None:
        """Write everything to a file, exactly; see `load`.

        Parameters
        ----------
        path : str or path-like
        """
        from analytic.integrate.storage import save

        save(self, path)

    @classmethod
    def load(cls, path: Any) -> Trajectory:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        Trajectory
            Equal to the one that was saved.
        """
        from analytic.integrate.storage import load

        return load(path)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form of everything, integers as hexadecimal strings; `from_dict` reads it back exactly."""
        from analytic.integrate.storage import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Trajectory:
        """Read the form that `to_dict` writes."""
        from analytic.integrate.storage import from_dict

        return from_dict(data)

    @property
    def problem(self) -> Problem:
        """The flow in balls at the working precision, in the frame of the run."""
        kernel = usable_kernel(dict(self.options).get("kernel", "public"))
        found: Problem = self._remembered(
            "problem", lambda: Problem.of(self.flow, self.precision, frame=self.frame, kernel=kernel)
        )
        return found

    def state(self, moment: Fraction) -> list[arb_mat]:
        """Weights at the exact time `moment` in the frame of the run, as balls' midpoints."""
        place = bisect_right(self.segments, moment, key=lambda segment: segment.start) - 1
        segment = self.segments[max(0, place)]
        if moment == self.final_time:
            return self._end()
        node = self._unpacked(segment.weights)
        if moment == segment.start or segment.order == 0:
            return node
        if self.method == "descent":
            from analytic.integrate.descent import between

            return between(self, segment, node, moment)
        series = self._series(place, segment, node)
        with ctx.workprec(self.precision + GUARD_BITS):
            theta = ball((moment - segment.start) / fraction_of(series.unit))
        return [matrix.mid() for matrix in series.at(theta)]

    def _series(self, place: int, segment: Segment, node: list[arb_mat]) -> Series:
        kept: OrderedDict[int, Series] = self._cache.setdefault("series", OrderedDict())
        if place not in kept:
            unit = unpacked_number(segment.unit)
            # of a rigorous run the very polynomial that was certified
            enclose = self.end_radius is not None
            kept[place] = taylor_series(self.problem, node, segment.order, unit, self.precision, enclose=enclose)
            while len(kept) > _KEPT_SERIES:
                kept.popitem(last=False)
        return kept[place]

    def _moment(self, t: Any) -> Fraction:
        return read_moment(self, t)

    def _weights(self, t: Any) -> list[arb_mat]:
        return self._end() if t is None else self.state(self._moment(t))

    def _given(self, weights: Sequence[arb_mat]) -> tuple[Any, ...]:
        with ctx.workprec(self.precision + GUARD_BITS):
            return tuple(mpmath_matrix(matrix) for matrix in self.problem.back(weights))

    def _nodes(self) -> list[list[arb_mat]]:
        if not self.steps:
            return [self._end()]
        return [*(self._unpacked(segment.weights) for segment in self.segments), self._end()]

    def _end(self) -> list[arb_mat]:
        return self._unpacked(self.end)

    def _unpacked(self, packed: Sequence[Packed]) -> list[arb_mat]:
        shapes = self.flow.network.layer_shapes
        return [unpack(layer, shape) for layer, shape in zip(packed, shapes, strict=True)]

    def _remembered(self, key: str, compute: Callable[[], Any]) -> Any:
        if key not in self._cache:
            self._cache[key] = compute()
        return self._cache[key]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}, "watches": tuple(watch.kept() for watch in self.watches)}

    def __str__(self) -> str:
        from analytic.integrate.carried import shown_loss

        time = shown(self.times[-1], 12)
        lines = [
            f"{self.status}: {self.status.advice}",
            f"time {time}, {self.steps} steps of {self.method}, {self.digits} digits ({self.precision} bits)",
            f"loss {shown_loss(self, 8)}, conserved quantities moved by {shown(self.conservation_drift, 3)}",
        ]
        lines += [
            f"t = {shown(e.time, 15)}: {e.kind}{'' if e.mode is None else f' (mode {e.mode})'}" for e in self.events
        ]
        return "\n".join([*lines, *self.notes])

    def __repr__(self) -> str:
        return (
            f"Trajectory({self.status}, t={shown(self.times[-1], 8)}, steps={self.steps}, digits={self.digits}, "
            f"events={len(self.events)})"
        )
