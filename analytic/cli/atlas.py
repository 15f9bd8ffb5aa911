"""`dln atlas`: every critical stratum of a network and a diagonal target."""

from __future__ import annotations

import argparse
from typing import Any

from analytic.cli.common import (
    add_widths,
    check_picture,
    command,
    network_of,
    new_figure,
    print_json,
    save_figure,
    words,
)
from analytic.landscape import Kind, atlas_json, network_atlas
from graphs.errors import DimensionError

__all__ = ["add", "run"]


def add(commands: Any) -> None:
    """Add `dln atlas` to the command line.

    Parameters
    ----------
    commands : argparse subparsers
    """
    parser = command(commands, "atlas", run, "every critical stratum: learned modes, loss, index, kind, escape order")
    add_widths(parser)
    parser.add_argument("--sigma", metavar="S1,S2,…", help="diagonal target (default: symbols s1 > s2 > … > 0)")
    parser.add_argument("--kind", choices=[str(kind) for kind in Kind], help="only strata of this kind")
    parser.add_argument("--loss", metavar="L", help="only strata with this loss")
    parser.add_argument("--learned", metavar="K,…", help="only strata that have learnt exactly these modes")
    parser.add_argument("--count", action="store_true", help="count the strata instead of listing them")
    parser.add_argument("--max", type=int, default=100_000, metavar="N", help="refuse to list more (default 100000)")
    parser.add_argument("--plot", metavar="FILE", help="save a picture of the saddle graph (png, svg, pdf)")


def run(options: argparse.Namespace) -> int:
    """Print an atlas.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    int
        Exit status.
    """
    check_picture(options.plot)
    network = network_of(options)
    sigma = None if options.sigma is None else words(options.sigma)
    filters: dict[str, Any] = {
        "kind": options.kind,
        "loss": options.loss,
        "learned": None if options.learned is None else [_mode(word) for word in words(options.learned)],
        "max_strata": options.max,
    }
    found = network_atlas(network.widths, sigma, **filters)
    if options.plot is not None:
        figure = new_figure()
        found.plot(ax=figure.add_subplot())
        save_figure(figure, options.plot)
    if options.json and not options.count:
        print_json(atlas_json(network.widths, sigma, **filters))
        return 0
    if options.json:
        print_json(found.summary())
    else:
        print(found.count() if options.count else found)
    return 0


def _mode(word: str) -> int:
    if not word.isdigit():
        raise DimensionError(f"--learned: got {word!r}, expected mode numbers such as 1,3")
    return int(word)
