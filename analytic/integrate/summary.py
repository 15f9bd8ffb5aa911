"""What `dln flow` prints: a run from parsed options, and its JSON form with the keys that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
from flint import ctx

from analytic.flow import GradientFlow
from analytic.integrate._dyadic import shown
from analytic.integrate.carried import loss_digits, singular_value_digits
from analytic.integrate.events import Event
from analytic.integrate.flows import integrate
from analytic.integrate.settings import Until
from analytic.integrate.trajectory import Trajectory
from analytic.loss import QuadraticLoss
from graphs.errors import DimensionError
from graphs.network import LinearNetwork

__all__ = ["flow_from_options", "flow_report"]


def flow_from_options(
    widths: Sequence[int],
    *,
    sigma: Sequence[Any] | None = None,
    target: Any = None,
    diagonal: bool = False,
    alpha: Any = None,
    digits: int = 30,
    seed: int | None = 0,
    t: Any = None,
    until: Until = None,
    rigorous: bool = False,
    verify: bool = False,
    max_steps: int = 100_000,
    max_seconds: float | None = None,
    kernel: str = "public",
    progress: Any = False,
    namer: Callable[[GradientFlow], Callable[[Any], str]] | None = None,
) -> Trajectory:
    """Run a flow from a random start of size α, as the command line describes it.

    Parameters
    ----------
    widths : sequence of int
        d_0 … d_h.
    sigma : sequence of exact numbers, optional
        Diagonal target.
    target : matrix-like, optional
        Any other target; one of the two is needed.
    diagonal : bool
        Diagonal layers; all widths equal.
    alpha : exact number, optional
        Size of the start, 1 by default.
    digits, seed, t, until, rigorous, verify, max_steps, max_seconds, kernel, progress
        See `integrate`; without `t` the run goes on until it has converged.
    namer : callable, optional
        From the flow to what names its plateaus, such as `analytic.saddles.plateau_namer`.

    Returns
    -------
    Trajectory

    Raises
    ------
    DimensionError
        If there is no target, or two.

    Examples
    --------
    >>> flow_from_options([1, 1, 1], sigma=["2"], alpha="1e-40", digits=20, t=50)
    Trajectory(finished, t=50.0, steps=..., digits=20, events=2)
    """
    if (sigma is None) == (target is None):
        raise DimensionError("sigma: give the diagonal of the target (or a target), not both")
    if diagonal and (len(widths) < 2 or len(set(widths)) > 1):
        raise DimensionError(f"diagonal: got widths {list(widths)}, expected at least two equal ones")
    network = LinearNetwork.diagonal(widths[0], len(widths) - 1) if diagonal else LinearNetwork(*widths)
    loss = QuadraticLoss(target) if sigma is None else QuadraticLoss.diagonal(*sigma)
    flow = GradientFlow(network, loss)
    return integrate(
        flow,
        scale=1 if alpha is None else alpha,
        rng=seed,
        t=t,
        until="converged" if t is None and until is None else until,
        digits=digits,
        rigorous=rigorous,
        verify=verify,
        max_steps=max_steps,
        max_seconds=max_seconds,
        kernel=kernel,
        progress=progress,
        name_plateau=None if namer is None else namer(flow),
    )


def flow_report(trajectory: Trajectory | None = None, **options: Any) -> dict[str, Any]:
    """JSON-safe report of a run.

    Parameters
    ----------
    trajectory : Trajectory, optional
        A run; without it `flow_from_options` makes one.
    **options
        Of `flow_from_options`.

    Returns
    -------
    dict
        Keys status, times, loss, events (time, kind, mode), conservation_drift, digits, steps, method, final (loss,
        rank, singular_values), and seed, advice, notes, agreed_digits, error_bound. Numbers that are not integers are
        decimal strings; rank counts singular values above 10^(−digits/2) of the largest. Losses, singular values and
        the times of events are written with the digits that they carry; loss_digits (for all times, and in final) and
        singular_value_digits (in final) say how many, 0 that not even the first is certain. An event with a name has
        it as label.

    Examples
    --------
    >>> report = flow_report(widths=[1, 1, 1], sigma=[2], alpha="1e-40", digits=20)
    >>> report["status"], report["final"]["rank"], [event["kind"] for event in report["events"]]
    ('converged', 1, ['plateau left', 'learnt'])
    """
    run = flow_from_options(**options) if trajectory is None else trajectory
    figures = run.digits
    values = run.singular_values()
    carried, exact = loss_digits(run), singular_value_digits(run)
    with ctx.workprec(run.precision), mpmath.workprec(run.precision):
        largest = values[0] if values else mpmath.mpf(0)
        rank = sum(1 for value in values if value > largest * mpmath.mpf(10) ** (-figures // 2))
        losses = [_text(loss, digits) for loss, digits in zip(run.loss, carried, strict=True)]
        return {
            "status": str(run.status),
            "times": [_text(time, figures) for time in run.times],
            "loss": losses,
            "loss_digits": carried,
            "events": [_event(event, figures) for event in run.events],
            "conservation_drift": _text(run.conservation_drift, 5),
            "digits": run.digits,
            "steps": run.steps,
            "method": run.method,
            "final": {
                "loss": losses[-1],
                "rank": rank,
                "singular_values": [_text(value, known) for value, known in zip(values, exact, strict=True)],
                "loss_digits": carried[-1],
                "singular_value_digits": exact,
            },
            "seed": run.seed,
            "advice": run.status.advice,
            "notes": list(run.notes),
            "agreed_digits": run.agreed_digits,
            "error_bound": None if run.error_bound is None else _text(run.error_bound, 5),
        }


def _event(event: Event, figures: int) -> dict[str, Any]:
    carried = figures if event.digits is None else min(figures, int(event.digits))
    found = {"time": _text(event.time, carried), "kind": event.kind, "mode": event.mode}
    return {**found, "label": event.label} if event.label else found


def _text(value: Any, digits: int) -> str:
    written = shown(value, max(1, digits), strip_zeros=True, min_fixed=-5)
    return written.replace(".0", "", 1) if digits <= 1 else written  # "5.0" would claim two figures
