"""`dln flow`: the gradient flow from a start of any size, to any number of digits."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from analytic.cli.common import (
    add_network,
    check_picture,
    command,
    network_of,
    new_figure,
    print_json,
    save_figure,
    words,
)
from analytic.integrate import LossLevel, ModeLearnt, Trajectory, flow_from_options, flow_report
from analytic.saddles import plateau_namer
from graphs.errors import BlockshiftError, DimensionError, HypothesisError

__all__ = ["add", "run"]

_OPTIONS = {
    "scale": "--alpha",
    "target": "--sigma",
    "sigma": "--sigma",
    "rng": "--seed",
    "t": "--time",
    "mode": "--until mode",
    "level": "--until loss",
    "digits": "--digits",
    "kernel": "--kernel",
    "max_steps": "--max-steps",
    "max_seconds": "--max-seconds",
    "until": "--until",
}
_REMEDY = ("insist with a larger precision; else give t", "ask for more --digits; else give --time")


def add(commands: Any) -> None:
    """Add `dln flow` to the command line.

    Parameters
    ----------
    commands : argparse subparsers
    """
    parser = command(commands, "flow", run, "gradient flow from a start of any size, to any number of digits")
    add_network(parser)
    parser.add_argument("--sigma", required=True, metavar="S1,S2,…", help="diagonal target")
    parser.add_argument(
        "--alpha", default="1", metavar="A", help="size of the random start, such as 1e-100 (default 1)"
    )
    parser.add_argument("--digits", type=int, default=30, metavar="N", help="significant digits wanted (default 30)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the start (default 0)")
    parser.add_argument("--time", metavar="T", help="stop at this time (default: when converged)")
    parser.add_argument(
        "--until", metavar="EVENT", help="stop at mode=K (mode K is learnt), loss=L (this loss), or converged"
    )
    parser.add_argument("--name-plateaus", action="store_true", help="name plateaus by their stratum of saddles")
    parser.add_argument("--verify", action="store_true", help="run again with more digits and compare")
    parser.add_argument("--rigorous", action="store_true", help="enclose every value in a ball")
    parser.add_argument("--kernel", default="public", metavar="K", help="public (default), libflint or auto")
    parser.add_argument("--max-steps", type=int, default=100_000, metavar="N", help="budget (default 100000)")
    parser.add_argument("--max-seconds", type=float, metavar="S", help="budget (default: none)")
    parser.add_argument("--plot", metavar="FILE", help="save a picture of the modes (png, svg, pdf)")


def run(options: argparse.Namespace) -> int:
    """Print a run.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    int
        Exit status. That the digits cannot be vouched for is a `PrecisionError`, status 1 at the top.
    """
    check_picture(options.plot)
    if options.diagonal and options.name_plateaus:
        raise HypothesisError("--name-plateaus: got --diagonal, expected dense layers, whose saddles have names")
    sigma = words(options.sigma)
    if not sigma:
        raise DimensionError("--sigma: got nothing, expected the singular values of the target, such as 3,2")
    with _options_named():
        trajectory = _run(options, sigma)
    report = flow_report(trajectory)
    if options.plot is not None:
        figure = new_figure()
        trajectory.plot(ax=figure.add_subplot())
        save_figure(figure, options.plot)
    if options.json:
        print_json(report)
    else:
        _print(report)
    return 0


def _run(options: argparse.Namespace, sigma: list[str]) -> Trajectory:
    return flow_from_options(
        network_of(options).widths,
        sigma=sigma,
        diagonal=options.diagonal,
        alpha=options.alpha,
        digits=options.digits,
        seed=options.seed,
        t=options.time,
        until=None if options.until is None else _event(options.until),
        rigorous=options.rigorous,
        verify=options.verify,
        max_steps=options.max_steps,
        max_seconds=options.max_seconds,
        kernel=options.kernel,
        progress=sys.stderr.isatty(),
        namer=plateau_namer if options.name_plateaus else None,
    )


@contextmanager
def _options_named() -> Iterator[None]:
    """Errors name the option instead of the argument of the library."""
    try:
        yield
    except BlockshiftError as error:
        name, colon, rest = str(error).partition(": ")
        if not colon or name not in _OPTIONS:
            raise
        raise type(error)(f"{_OPTIONS[name]}: {rest.replace(*_REMEDY)}") from None


def _event(text: str) -> Any:
    """What --until says."""
    if text == "converged":
        return text
    name, _, value = text.partition("=")
    if name == "mode" and value.isdecimal():
        return ModeLearnt(int(value))
    if name == "loss" and value:
        return LossLevel(value)
    raise HypothesisError(f"--until: got {text!r}, expected converged, mode=K or loss=L such as mode=1 or loss=1e-6")


def _print(report: dict[str, Any]) -> None:
    final, steps = report["final"], report["steps"]
    count = "1 step" if steps == 1 else f"{steps} steps"
    print(f"{report['status']} at t = {report['times'][-1]} after {count}, {report['digits']} digits")
    for event in report["events"]:
        words = [event["kind"], *([] if event["mode"] is None else [str(event["mode"])]), event.get("label", "")]
        print(f"  t = {event['time']}  {' '.join(words).rstrip()}")
    least = f"1e{-report['digits'] // 2}"  # as `flow_report` counts
    drift = report["conservation_drift"]
    loss = final["loss"] if final["loss_digits"] else f"~{final['loss']} (no digit is certain)"
    print(f"loss {loss}, rank {final['rank']} (above {least} of the largest), conservation drift {drift}")
    values = zip(final["singular_values"], final["singular_value_digits"], strict=True)
    print(f"singular values {', '.join(value if digits else f'~{value}' for value, digits in values)}")
    if report["agreed_digits"] is not None:
        print(f"a second run with more bits agrees to {report['agreed_digits']:.0f} digits")
    if report["error_bound"] is not None:
        print(f"proved: the weights at the end are within {report['error_bound']} (Frobenius norm) of the flow's")
    for note in report["notes"]:
        print(note)
