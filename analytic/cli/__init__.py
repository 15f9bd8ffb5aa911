"""`dln`: the command line. JSON to stdout alone; progress and errors to stderr.

Exit status 0; 1 a check failed; 2 bad input, with one line that names the field and the remedy.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from analytic.cli import atlas, classify, derive, diagonal, flow, laws, solve, study
from analytic.cli.common import Parser, UsageError
from graphs.errors import BlockshiftError, PrecisionError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `dln`.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``dln``; by default those of the process.

    Returns
    -------
    int
        Exit status: 0, 1 if a check failed, 2 for bad input.

    Examples
    --------
    >>> main(["laws", "1", "1", "1"])
    1 independent laws, and there are no others: 2 parameters = 1 + Lie rank 1
    -w1_11**2 + w2_11**2 = constant
    0
    """
    try:
        options = _parser().parse_args(arguments)
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except UsageError as error:
        return _complain(str(error))
    except PrecisionError as error:  # no fault of the input: the digits asked for failed their check
        return _complain(" ".join(str(error).split()), status=1)
    except BlockshiftError as error:
        return _complain(" ".join(str(error).split()))
    except KeyboardInterrupt:
        return _complain("interrupted")
    except BrokenPipeError:  # the reader, such as `head`, has all it wants
        _drop_output()
        return 0
    except OSError as error:
        _drop_output()
        return _complain(f"standard output: {error.strerror or error}; free some space or write elsewhere")


def _drop_output() -> None:
    """Send what is still in the buffer nowhere, so that leaving the process does not complain once more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, status: int = 2) -> int:
    print(f"dln: {message}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="dln", description="Deep linear networks, exactly.")
    parser.add_argument("--version", action="version", version=f"dln {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    for each in (derive, laws, atlas, classify, flow, solve, diagonal, study):
        each.add(commands)
    return parser


def _version() -> str:
    try:
        return version("blockshift")
    except PackageNotFoundError:
        return "(not installed)"
