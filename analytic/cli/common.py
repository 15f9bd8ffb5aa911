"""What the commands of `dln` share: options for networks, reading words, printing JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from graphs.errors import DimensionError, TableError
from graphs.network import LinearNetwork

__all__ = [
    "Parser",
    "UsageError",
    "add_network",
    "add_widths",
    "check_picture",
    "command",
    "integer",
    "network_of",
    "new_figure",
    "print_json",
    "read_json",
    "save_figure",
    "words",
]


class UsageError(Exception):
    """The words of the command line are off."""


class Parser(argparse.ArgumentParser):
    """argparse with its complaints in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving."""
        raise UsageError(f"{message}; see {self.prog} --help")


def command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
    """A subcommand with the options that all have.

    Parameters
    ----------
    commands : argparse subparsers
    name : str
    run : callable
        Takes the parsed options, returns the exit status.
    help : str
        One line, in lower case.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="print JSON, exact numbers as strings")
    return parser


def add_widths(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a dense network.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument("widths", nargs="+", metavar="widths", help="d_0 (input) … d_h (output)")
    parser.set_defaults(diagonal=False)


def add_network(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a network: widths and --diagonal.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    add_widths(parser)
    parser.add_argument("--diagonal", action="store_true", help="diagonal layers (all widths equal)")


def network_of(options: argparse.Namespace) -> LinearNetwork:
    """The network that the arguments of `add_network` or `add_widths` name.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    LinearNetwork
    """
    widths = [integer(word, f"d_{i}") for i, word in enumerate(options.widths)]
    if not options.diagonal:
        return LinearNetwork(*widths)
    if len(widths) < 2 or len(set(widths)) > 1:
        raise DimensionError(f"--diagonal: got widths {' '.join(options.widths)}, expected at least two equal ones")
    return LinearNetwork.diagonal(widths[0], len(widths) - 1)


def integer(word: str, name: str) -> int:
    """A width from the command line.

    Parameters
    ----------
    word : str
    name : str
        Which width, for the error message.

    Returns
    -------
    int
    """
    try:
        return int(word)
    except ValueError:
        raise DimensionError(f"widths: {name} is {word!r}, expected a positive integer") from None


def words(text: str) -> list[str]:
    """The parts of a list such as "a,b,c".

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
    """
    found = [word.strip() for word in text.split(",")]
    if text.strip() and not all(found):
        raise DimensionError(f"{text!r}: got an empty entry, expected values with one comma between them")
    return [word for word in found if word]


def print_json(data: Any) -> None:
    """Print a JSON-safe object on stdout, one line a key (or a record) at the top level.

    Parameters
    ----------
    data : JSON-safe object
    """
    if isinstance(data, dict) and data:
        lines = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in data.items()]
        print("{\n" + ",\n".join(lines) + "\n}")
    elif isinstance(data, list) and data:
        print("[\n" + ",\n".join(f" {json.dumps(value, ensure_ascii=False)}" for value in data) + "\n]")
    else:
        print(json.dumps(data, ensure_ascii=False))


def check_picture(path: str | None) -> None:
    """Refuse a picture that could not be saved, before the work that it is to show.

    Parameters
    ----------
    path : str or None
        Of --plot; None if there will be no picture.

    Raises
    ------
    TableError
        If the format is unknown, or the folder is not there or cannot be written to.
    """
    if path is None:
        return
    from matplotlib.backend_bases import FigureCanvasBase

    target = Path(path)
    if target.suffix.lstrip(".").lower() not in FigureCanvasBase.get_supported_filetypes():
        raise TableError(f"--plot {path}: got the ending {target.suffix!r}, expected .png, .svg or .pdf")
    if target.is_dir() or not target.parent.is_dir():
        raise TableError(f"--plot {path}: expected a file in a folder that exists")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise TableError(f"--plot {path}: no permission to write it")


def new_figure() -> Any:
    """An empty matplotlib figure that pyplot knows nothing of.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(9, 6), layout="constrained")


def save_figure(figure: Any, path: str) -> None:
    """Write a matplotlib figure to a file.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : str
        Its ending chooses the format.

    Raises
    ------
    TableError
        If the file cannot be written or the format is unknown.
    """
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise TableError(f"--plot {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise TableError(f"--plot {path}: {error}") from None


def read_json(path: str) -> Any:
    """Read a JSON file, or standard input for "-".

    Parameters
    ----------
    path : str

    Returns
    -------
    JSON-safe object

    Raises
    ------
    TableError
        If the file cannot be read or is no JSON; the place is named.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        return json.loads(text, parse_float=str)  # "0.25" stays the decimal that was written: exact
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise TableError(f"{path}: not a text file in UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise TableError(f"{path}: not valid JSON ({error})") from None
