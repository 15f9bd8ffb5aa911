"""`integrate`: gradient flows from any start to any number of digits; precision chosen, checked and repaired.

Ẇ_i = W_{>i}ᵀ R W_{<i}ᵀ by power series of matrices, with errors relative to each block of the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flint import arb_mat, ctx

from analytic.flow import GradientFlow
from analytic.integrate._dyadic import NOTHING, exponent, unpacked_number
from analytic.integrate.guard import TooFewBits
from analytic.integrate.loop import Run
from analytic.integrate.no_step import behind_already, first_reserve, standing
from analytic.integrate.precision import GUARD, bits_of_digits
from analytic.integrate.progress import announce
from analytic.integrate.rigorous import BoundLost
from analytic.integrate.settings import Frame, Settings, Until, read_settings
from analytic.integrate.start import start_weights
from analytic.integrate.status import Status
from analytic.integrate.trajectory import Trajectory
from graphs.errors import DimensionError, HypothesisError, PrecisionError

__all__ = ["integrate", "resumed"]

_REPAIRS = 7
_BOUND_REPAIRS = 3  # a bound that is lost this often would take too long to prove
_BOUND_BITS = 64
_SADDLE = 5  # times the bits expected: more are not spent on a flow that stays at a saddle, unless t is given
_MOST_EXTRA_BITS = 200_000
_SECOND_RUN_BITS = 53


def integrate(
    flow: GradientFlow,
    weights: Any = None,
    *,
    t: Any = None,
    until: Until = None,
    digits: int = 30,
    scale: Any = None,
    rng: Any = None,
    start_time: Any = 0,
    times: Any = (),
    events: Any = ("modes", "plateaus"),
    rigorous: bool = False,
    verify: bool = False,
    frame: Frame = "auto",
    precision: int | None = None,
    order: int | None = None,
    kernel: str = "public",
    max_steps: int = 100_000,
    max_seconds: float | None = None,
    max_memory: int = 2**31,
    progress: bool | Callable[[Any], Any] = False,
    name_plateau: Callable[[Any], str] | None = None,
) -> Trajectory:
    """Integrate a gradient flow by power series of matrices, with relative accuracy at any scale.

    Parameters
    ----------
    flow : GradientFlow
        Dense, masked or diagonal layers, any depth; a target, data, or a `SmoothLoss` whose cost is a polynomial;
        numbers only.
    weights : sequence of matrix-like, optional
        (W_1, …, W_h): exact numbers, decimal strings, or mpmath numbers (taken as the binary numbers they are). None
        draws a standard normal shape.
    t : exact number, optional
        Time at which to end; a decimal string is exact.
    until : optional
        "converged"; an event such as ``ModeLearnt(2)`` or ``LossLevel("1e-6")``; a function of (time, weights) that is
        asked after every step; or a sequence of these. Together with `t` whatever comes first.
    digits : int
        Decimal digits, relative to each block of the weights: the columns of W_1 and rows of W_h where modes separate,
        the entries of diagonal networks, else whole layers.
    scale : exact number, optional
        Multiplies the weights, e.g. ``"1e-1000"``.
    rng : int or numpy.random.Generator, optional
        Seed of the shape; recorded in the result.
    start_time : exact number
    times : sequence of exact numbers
        Times that become nodes, hit exactly.
    events : sequence
        What to record: "modes", "plateaus", and events. None records nothing. A `SmoothLoss` has no target, hence no
        modes.
    rigorous : bool
        Prove a bound for the error; needs more digits the more unstable the way is.
    verify : bool
        Run again with more bits and another order; `agreed_digits` says how far the two agree.
    frame : {"auto", "data", "given"}
        Whether to work in the singular frame of the data; "auto" does for small starts.
    precision, order : int, optional
        Working bits and order of the series, chosen automatically by default.
    kernel : {"public", "libflint", "auto"}
        What multiplies the series: python-flint's public matrices, or windows into the libflint that it has loaded, up
        to three times as fast, after a self-test; "auto" falls back to the former where that fails.
    max_steps, max_seconds, max_memory
        Budgets: steps, seconds, and bytes for the nodes. When one runs out the result so far comes back.
    progress : bool or callable
        True writes to the standard error stream; a callable gets a `Progress` after every step.
    name_plateau : callable, optional
        Given weights on a plateau, returns its name.

    Returns
    -------
    Trajectory
        To `digits` digits, by estimates of truncation, rounding and instability that are checked on the way (drift of
        conserved quantities, growth of perturbations); with ``rigorous=True`` with a proof.

    Raises
    ------
    PrecisionError
        If no precision within reason carries the digits.
    HypothesisError, DimensionError, InexactInputError, NotFiniteError, BudgetExceeded
        For bad input; the argument is named. A cost that is no polynomial is refused.

    Notes
    -----
    A step of order K costs 3(h − 1)K²/2 products of matrices, K about half of digits·ln 10, and for a polynomial cost
    K²/2 multiply-adds for every monomial of degree ≥ 2 in ∇C; costs are not rotated to a frame that separates modes.
    With a `SmoothLoss` "converged" means a local minimum by estimate, unless C is a convex parabola. A cost that is not
    bounded below may blow up in finite time: steps shrink until the digits or a budget run out. Explicit: plateaus of
    three and more layers after the first mode take steps that do not grow with the plateau.

    Examples
    --------
    >>> from graphs.network import LinearNetwork
    >>> from analytic.loss import QuadraticLoss
    >>> flow = GradientFlow(LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(1))
    >>> path = integrate(flow, [[["1e-50"]], [["1e-50"]]], t=120, digits=20)
    >>> path
    Trajectory(finished, t=120.0, steps=..., digits=20, events=2)
    >>> learnt = path.events[1]
    >>> learnt.kind, learnt.mode, str(learnt.time)[:16]
    ('learnt', 1, '115.129254649702')
    """
    if not isinstance(flow, GradientFlow):
        raise DimensionError(f"flow: got {type(flow).__name__}, expected a GradientFlow")
    start = start_weights(flow.network, weights, scale, rng)
    settings = read_settings(
        flow,
        start,
        {
            "t": t,
            "until": until,
            "digits": digits,
            "start_time": start_time,
            "times": times,
            "events": events,
            "rigorous": rigorous,
            "verify": verify,
            "frame": frame,
            "precision": precision,
            "order": order,
            "kernel": kernel,
            "max_steps": max_steps,
            "max_seconds": max_seconds,
            "max_memory": max_memory,
            "progress": progress,
            "name_plateau": name_plateau,
        },
    )
    return _integrated(settings)


def _integrated(settings: Settings, earlier: Trajectory | None = None) -> Trajectory:
    resting = standing(settings) if earlier is None else None
    if resting is not None:
        return resting
    behind = behind_already(settings, earlier)
    if behind is not None:
        return behind
    trajectory = _with_enough_bits(settings, earlier)
    return _verified(settings, trajectory) if settings.verify else trajectory


def _with_enough_bits(settings: Settings, earlier: Trajectory | None = None) -> Trajectory:
    """Run; when the precision turns out too small, run again with more."""
    wanted = bits_of_digits(settings.digits)
    reserve = float(dict(earlier.options)["reserve"]) if earlier is not None else float(first_reserve(settings))
    reserve_at_first = float(first_reserve(settings))
    for attempt in range(_REPAIRS):
        bits = settings.precision or wanted + GUARD // 2 + int(reserve)
        if earlier is not None and earlier.precision != bits and settings.precision is None:
            bits = earlier.precision
        try:
            run = Run(settings, bits, reserve, earlier)
            trajectory = run.go()
            missing = _bits_missing(settings, trajectory)
            if run.doubts and run.has_arrived and settings.precision is None and reserve < reserve_at_first + wanted:
                raise TooFewBits(wanted, "an event happens, if at all, within rounding of the limit")
            if missing <= 0:
                return trajectory
            raise TooFewBits(missing, "the proved bound for the error is larger than the digits asked for")
        except TooFewBits as short:
            earlier = None
            if settings.precision is not None:
                raise PrecisionError(
                    f"precision: {settings.precision} bits do not carry {settings.digits} digits here: {short}; "
                    "leave precision to be chosen, or raise it"
                ) from None
            if settings.end is None and short.at_saddle and bits > _SADDLE * (wanted + reserve_at_first + _BOUND_BITS):
                raise PrecisionError(
                    f"until: the flow comes so near a saddle that {bits} bits cannot tell whether it ever leaves: "
                    f"{short}; if it does not converge to the saddle, insist with a larger precision; else give t"
                ) from None
            reserve = max(2 * reserve, reserve + 1.25 * short.bits + 16)
            reason = str(short)
        except BoundLost as lost:
            earlier = None
            if settings.precision is not None or attempt >= _BOUND_REPAIRS:
                raise
            reserve, reason = 2 * reserve + _BOUND_BITS, str(lost)
        announce(settings.progress, f"again with more bits: {reason}")
        if reserve > _MOST_EXTRA_BITS:
            break
    raise PrecisionError(
        f"no working precision up to {bits} bits carries {settings.digits} digits: {reason}; ask for fewer digits or a "
        "shorter time"
    )


def _bits_missing(settings: Settings, trajectory: Trajectory) -> int:
    """For a rigorous run: by how many bits the proved bound misses the digits, relative to the weights."""
    if trajectory.end_radius is None:
        return 0
    radius = exponent(unpacked_number(trajectory.end_radius))
    size = max((m.bit_length() + e for layer in trajectory.end for m, e in layer if m), default=0)
    return 0 if radius <= NOTHING else max(0, radius - size + bits_of_digits(settings.digits))


def _verified(settings: Settings, first: Trajectory) -> Trajectory:
    """Compare with a second run of more bits and another order, to the same exact time."""
    for _ in range(3):
        if first.status is Status.INTERRUPTED:
            return replace(first, notes=(*first.notes, "interrupted before the second run of verify=True"))
        if first.status is Status.STATIONARY or first.final_time == settings.begin:
            return first
        again = replace(
            settings,
            end=first.final_time,
            stops=tuple(sorted({*(s for s in settings.stops if s < first.final_time), first.final_time})),
            converged=False,
            predicates=(),
            watches=(),
            order=int(1.2 * max(segment.order for segment in first.segments)) + 3,
            precision=first.precision + _SECOND_RUN_BITS,
            rigorous=False,
            progress=False,
            budget=replace(settings.budget, max_steps=10 * settings.budget.max_steps),
        )
        second = Run(again, first.precision + _SECOND_RUN_BITS, 1e9, frame=first.frame).go()
        if second.status in (Status.INTERRUPTED, Status.BUDGET):
            note = (
                f"the second run of verify=True ended early ({second.status.value}): nothing is known of agreed digits"
            )
            return replace(first, status=second.status, notes=(*first.notes, note))
        agreed = agreement(first, second)
        if agreed >= settings.digits:
            return replace(first, agreed_digits=agreed)
        extra = int((settings.digits - agreed) * 3.33) + 32
        if settings.precision is not None or extra > _MOST_EXTRA_BITS:
            break
        first = _with_enough_bits(replace(settings, precision=first.precision + extra))
    raise PrecisionError(
        f"two runs agree to {agreed:.1f} digits only, expected {settings.digits}; ask for fewer digits or give a "
        "larger precision"
    )


def agreement(first: Trajectory, second: Trajectory) -> float:
    """Decimal digits to which the ends of two runs agree, the worst block deciding."""
    problem = first.problem
    with ctx.workprec(second.precision + 32):
        ours, theirs = (run.state(run.final_time) for run in (first, second))
        if first.frame != second.frame:
            ours, theirs = problem.into(_user_weights(first)), problem.into(_user_weights(second))
        sizes = problem.block_exponents(ours)
        gaps = problem.block_exponents([a - b for a, b in zip(ours, theirs, strict=True)])
    pairs = [(size, gap) for size, gap in zip(sizes, gaps, strict=True) if gap > NOTHING]
    if not pairs:
        return first.precision * 0.30103
    return min((size - gap) * 0.30103 for size, gap in pairs)


def _user_weights(trajectory: Trajectory) -> list[arb_mat]:
    """End of a run in the user's frame."""
    with ctx.workprec(trajectory.precision + 32):
        return trajectory.problem.back(trajectory.state(trajectory.final_time))


def resumed(trajectory: Trajectory, changes: dict[str, Any]) -> Trajectory:
    """See `Trajectory.resume`."""
    if trajectory.method != "taylor":
        raise HypothesisError(f"resume: got a run of {trajectory.method}, expected a flow")
    before, rigorous = dict(trajectory.options), trajectory.end_radius is not None
    defaults: dict[str, Any] = {
        "digits": trajectory.digits,
        "start_time": trajectory.segments[0].start,
        "events": trajectory.watches,
        "rigorous": rigorous,
        "frame": before.get("frame", "auto"),
        "precision": None,
        "order": before.get("order"),
        "kernel": trajectory.problem.kernel,
    }
    settings = read_settings(trajectory.flow, trajectory.start, {**defaults, **changes})
    now, last = trajectory.final_time, trajectory.segments[-1].start
    if settings.stops and settings.stops[0] < now:
        name = "t" if settings.end is not None and settings.end < now else "times"
        raise HypothesisError(f"{name}: expected at least {float(now):.6g}, the end of the run so far")
    fresh = trajectory.status is Status.STATIONARY or settings.rigorous != rigorous or last == now
    if fresh or {"digits", "precision", "order", "frame"} & changes.keys():
        return _integrated(settings)
    return _integrated(settings, trajectory)
