"""Finds the sign changes of watched quantities step by step, and their zeros to the working precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import ball, exponent, fraction_of, mpf, mpmath_matrix
from analytic.integrate.events import Event, LossLevel, PlateauSpeed, Watch
from analytic.integrate.precision import FEWEST_SPARE_BITS
from analytic.integrate.problem import Problem
from analytic.integrate.series import Series

__all__ = ["EventFinder"]

_SCAN = (Fraction(1, 2), Fraction(1))


class EventFinder:
    """Finds the sign changes of several watched quantities step by step.

    A quantity is looked at twice a step; two zeros closer than that are missed. A sign counts if all weights that agree
    with those at hand to the bits they carry have it: what is only rounding changes no sign. Up to the time `behind`,
    if given, no event ends the run: an earlier run has been there.
    """

    def __init__(
        self,
        problem: Problem,
        watches: Sequence[Watch],
        weights: Sequence[arb_mat],
        name_plateau: Callable[[Any], str] | None = None,
        behind: Fraction | None = None,
    ) -> None:
        for watch in watches:
            watch.check(problem)
        self.problem, self.watches, self.name_plateau, self.behind = problem, tuple(watches), name_plateau, behind
        self._sizes: Sequence[int] = problem.block_exponents(weights)
        self._carried = problem.precision - FEWEST_SPARE_BITS
        self.now = [_sign(self._ball(watch, weights)) for watch in self.watches]
        self.signs = list(self.now)  # the last that were certain

    def scan(
        self, series: Series, start: Fraction, theta: arb, sizes: Sequence[int], carried: int
    ) -> tuple[list[Event], Event | None]:
        """Events between `start` and start + θH in order of time; the run ends at the second if it is not None.

        The weights are right to `carried` bits of blocks of these sizes. `missing` says by how many bits that is too
        few for a loss level.
        """
        self.missing = 0
        self._sizes, self._carried = sizes, carried
        found: list[tuple[Fraction, Event, Watch]] = []
        knots = [theta * ball(part) for part in _SCAN]
        states = [series.at(knot) for knot in knots] if self.watches else []
        for place, watch in enumerate(self.watches):
            last = arb(0)
            for knot, state in zip(knots, states, strict=True):
                value = self._ball(watch, state)
                sign = _sign(value)
                self._resolve(watch, value)
                before = self.signs[place]
                if sign and before and sign != before and watch.direction in (0, sign):
                    root = self._root(watch, series, last, knot)
                    found.append(self._event(watch, sign, series, start, root, knot))
                self.signs[place], self.now[place] = sign or before, sign
                last = knot
        found.sort(key=lambda item: item[0])
        for position, (moment, event, watch) in enumerate(found):
            if watch.terminal and (self.behind is None or moment > self.behind):
                return [item[1] for item in found[: position + 1]], event
        return [item[1] for item in found], None

    @property
    def unresolved(self) -> list[Watch]:
        """What is so near its level at the end that the bits at hand do not tell on which side."""
        pairs = zip(self.watches, self.now, strict=True)
        return [watch for watch, sign in pairs if not sign and not isinstance(watch, PlateauSpeed)]

    def _resolve(self, watch: Watch, value: arb) -> None:
        """Note the bits that are missing where a loss cannot be told from its level."""
        if isinstance(watch, LossLevel) and value.contains(0) and value.rad() > 0:
            self.missing = max(self.missing, exponent(arb(value.rad())) - exponent(watch.height) + 8)

    def _ball(self, watch: Watch, weights: Sequence[arb_mat]) -> arb:
        """The watched quantity over all weights that agree with these to the bits they carry."""
        with ctx.workprec(self.problem.precision + 16):
            return watch.value(self.problem, self.problem.blurred(weights, self._sizes, self._carried))

    def _digits(self, watch: Watch, series: Series, root: arb, knot: arb, moment: Fraction) -> float | None:
        """Digits of the time of an event: its ball over the slope."""
        blur = self._ball(watch, series.at(root))
        if blur.is_exact() or moment == 0:
            return None
        with ctx.workprec(self.problem.precision + 16):
            near = (knot * arb((1, -8))).mid()
            low, high = (watch.value(self.problem, series.at(root + end)).mid() for end in (-near, near))
            slope = abs(high - low) / (2 * near)
        if not blur.is_finite() or not slope > 0:
            return 0.0
        radius = arb(blur.rad())
        shift = exponent(radius) - exponent(slope.mid()) + exponent(series.unit) - exponent(ball(abs(moment)))
        return -shift * 0.30103

    def _event(
        self, watch: Watch, sign: int, series: Series, start: Fraction, root: arb, knot: arb
    ) -> tuple[Fraction, Event, Watch]:
        moment = start + fraction_of(series.unit) * fraction_of(root)
        digits = self._digits(watch, series, root, knot, moment)
        label = watch.label
        with ctx.workprec(self.problem.precision):
            time = mpf(ball(moment))
            given = [mpmath_matrix(matrix) for matrix in self.problem.back(series.at(root))]
        if self.name_plateau is not None and isinstance(watch, PlateauSpeed):
            label = self.name_plateau(tuple(given))
        return moment, Event(time, watch.kind(sign), watch.number, sign, label, moment, digits), watch

    def _root(self, watch: Watch, series: Series, low: arb, high: arb) -> arb:
        """The zero in a bracket, by regula falsi with Anderson and Björck's weights."""
        precision = self.problem.precision
        with ctx.workprec(precision + 16):
            a, b = low.mid(), high.mid()

            def at(x: arb) -> arb:
                return watch.value(self.problem, series.at(x)).mid()

            fa, fb = at(a), at(b)
            if (fa > 0) == (fb > 0):  # its sign was rounding up to here
                return a
            narrow = abs(b - a) * arb(2) ** (-precision)
            for step in range(4 * precision):
                x = ((a * fb - b * fa) / (fb - fa)).mid() if step % 8 < 7 else ((a + b) / 2).mid()
                if not (min(a, b) < x < max(a, b)):
                    x = ((a + b) / 2).mid()
                fx = at(x)
                if fx == 0 or abs(x - b) <= narrow:
                    return x
                if (fx > 0) != (fb > 0):
                    a, fa = b, fb
                else:
                    weight = (1 - fx / fb).mid()
                    fa = (fa * (weight if weight > 0 else arb(1) / 2)).mid()
                b, fb = x, fx
                if abs(b - a) <= narrow:
                    return x
            return b


def _sign(value: arb) -> int:
    """1 or −1, or 0 if the ball is on both sides."""
    return 1 if value > 0 else -1 if value < 0 else 0
