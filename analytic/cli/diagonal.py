"""`dln diagonal`: saddles and jump times of a diagonal network, exact."""

from __future__ import annotations

import argparse
from typing import Any

from analytic.cli.common import check_picture, command, print_json, read_json, save_figure
from analytic.saddles import SaddlePath, diagonal_report, plot_report, saddle_path
from graphs.errors import HypothesisError

__all__ = ["add", "run"]


def add(commands: Any) -> None:
    """Add `dln diagonal` to the command line.

    Parameters
    ----------
    commands : argparse subparsers
    """
    parser = command(commands, "diagonal", run, "saddle-to-saddle path of a diagonal network: saddles and jump times")
    parser.add_argument("data", metavar="DATA.json", help='{"X": rows of samples, "y": […]}; - for standard input')
    parser.add_argument("--plot", metavar="FILE", help="save a picture (png, svg, pdf)")


def run(options: argparse.Namespace) -> int:
    """Print a saddle-to-saddle path.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    int
        Exit status.
    """
    check_picture(options.plot)
    data = read_json(options.data)
    if not isinstance(data, dict):
        raise HypothesisError(f'data: got a JSON {type(data).__name__}, expected {{"X": rows of samples, "y": […]}}')
    report = diagonal_report(data)
    if options.plot is not None:
        save_figure(plot_report(_path(data)), options.plot)
    if options.json:
        print_json(report)
    else:
        _print(report)
    return 0


def _path(data: dict[str, Any]) -> SaddlePath:
    return saddle_path(data["X"], data["y"], **{key: value for key, value in data.items() if key not in ("X", "y")})


def _print(report: dict[str, Any]) -> None:
    steps = report["path"]
    print(f"{len(steps)} jumps; times in units of {report['time_unit']}; status: {report['status']}")
    rows = [("time", "loss", "active", "β")]
    for step in steps:
        active = "{" + ", ".join(map(str, step["active"])) + "}"
        rows.append((step["time"], step["loss"], active, "(" + ", ".join(step["beta"]) + ")"))
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    for row in rows:
        print("  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]))
    if report["minimum_l1"] is not None:
        print(f"ends at a minimiser of least ℓ1 norm: ‖β‖₁ = {report['minimum_l1']}")
