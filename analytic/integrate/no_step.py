"""Runs that take no step: the start is critical, or what `until` asks for is behind already."""

from __future__ import annotations

from dataclasses import replace

from flint import ctx

from analytic.integrate._dyadic import pack
from analytic.integrate.loop import Run
from analytic.integrate.precision import GUARD, bits_of_digits, is_small, reserve_of
from analytic.integrate.problem import Problem
from analytic.integrate.segment import Segment
from analytic.integrate.settings import Settings
from analytic.integrate.status import Status
from analytic.integrate.trajectory import Trajectory

__all__ = ["behind_already", "first_reserve", "standing"]


def first_reserve(settings: Settings) -> int:
    """Bits to begin with beyond the digits, before anything is known about the way."""
    with ctx.workprec(64):
        weights = settings.start.balls()
    small = is_small(settings.flow, weights)
    problem = Problem.of(settings.flow, 64, rotate=small and settings.frame != "given" and not settings.rigorous)
    with ctx.workprec(64):
        reserve = reserve_of(problem, [matrix.mid() for matrix in problem.into(weights)])
    return reserve + (GUARD if settings.rigorous else 0)


def standing(settings: Settings) -> Trajectory | None:
    """The constant trajectory if the start is a critical point, by an exact test."""
    flow, start = settings.flow, settings.start
    with ctx.workprec(128):
        problem = Problem.of(flow, 128)
        moving = problem.velocity(start.balls())
        if not all(entry.contains(0) for matrix in moving for entry in matrix.entries()):
            return None
    if not start.is_zero or flow.network.depth == 1:
        layers = [[list(row) for row in layer] for layer in start.layers]
        if any(entry != 0 for matrix in flow.velocity(layers) for entry in matrix.flat()):
            return None
    bits = settings.precision or bits_of_digits(settings.digits) + GUARD
    with ctx.workprec(bits):
        nodes = tuple(pack(matrix) for matrix in start.balls())
    end = settings.begin if settings.end is None else settings.end
    name = "the origin" if start.is_zero else "a critical point"
    return Trajectory(
        flow=flow,
        start=start,
        digits=settings.digits,
        precision=bits,
        method="taylor",
        status=Status.STATIONARY,
        segments=(Segment(settings.begin, end, nodes, (1, 0), 0),),
        end=nodes,
        frame=None,
        notes=(f"the start is {name}: its gradient is exactly zero, the weights never move",),
        options=(("reserve", 0.0),),
    )


def behind_already(settings: Settings, earlier: Trajectory | None) -> Trajectory | None:
    """The run so far if the loss level or mode of `until` is behind it already."""
    ends = [watch for watch in settings.watches if watch.terminal and watch.passed and not watch.direction]
    ends = [watch for watch in ends if replace(watch, terminal=False) in settings.recorded]
    if not ends:
        return None
    if earlier is None:
        begin = replace(settings, end=settings.begin, stops=(), watches=(), rigorous=False)
        earlier = Run(begin, bits_of_digits(settings.digits) + GUARD, float(first_reserve(settings))).go()
    problem, weights = earlier.problem, earlier.state(earlier.final_time)
    for watch in ends:
        watch.check(problem)
        with ctx.workprec(earlier.precision):
            behind = watch.value(problem, weights).mid() * watch.passed > 0
        for event in earlier.events:
            same = event.kind == watch.kind(watch.passed) and event.mode == watch.number
            behind = behind or (same and event.exact_time == earlier.final_time)
        if behind:
            return replace(earlier, status=Status.EVENT, notes=(*earlier.notes, f"`until` is behind already: {watch}"))
    return None
