"""Numbers in files and back, exactly, each checked as it is read: what is damaged is refused by its place in the file.

Integers are hexadecimal, m·2^e is [m, e], p/q is [p, q], c·x_1⋯x_n with irrational x_k is [p, q, [tree, …]].
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, TypeVar

import mpmath
import sympy

from analytic._expression_trees import from_tree, to_tree
from graphs.errors import BlockshiftError, HypothesisError
from graphs.scalars import exact_number

__all__ = [
    "broken",
    "check_tree",
    "entry",
    "integer",
    "items",
    "optional",
    "pair",
    "rational",
    "read_dyadic",
    "read_exact",
    "read_mpf",
    "reading",
    "real",
    "text",
    "write_exact",
    "write_mpf",
    "write_pair",
]

_HEXADECIMAL = re.compile(r"-?0x[0-9a-f]+")
_RATIONAL = re.compile(r"-?\d{1,4300}(/\d{1,4300})?")
_LARGEST_EXPONENT = 10**9  # far beyond any run; larger ones are damage, and would fill the memory
_Read = TypeVar("_Read")
_REMEDY = "the file is damaged or was edited: save the run again"
_DAMAGE = (BlockshiftError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def broken(where: str, got: Any, expected: str) -> HypothesisError:
    """The error for a damaged place of a file."""
    shown = repr(got)
    shown = shown if len(shown) <= 60 else shown[:57] + "…"
    return HypothesisError(f"{where}: got {shown}, expected {expected}; {_REMEDY}")


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Whatever goes wrong in here is told with its place."""
    try:
        yield
    except HypothesisError as problem:
        raise problem if _REMEDY in str(problem) else HypothesisError(f"{where}: {problem}; {_REMEDY}") from None
    except _DAMAGE as bad:
        told = str(bad) if isinstance(bad, BlockshiftError) else f"cannot be read ({type(bad).__name__}: {bad})"
        raise HypothesisError(f"{where}: {told}; {_REMEDY}") from None


def entry(record: Any, key: str, where: str = "") -> Any:
    """One value of a dictionary."""
    if not isinstance(record, dict) or key not in record:
        raise broken(f"{where}{key}", "nothing", "a value")
    return record[key]


def items(value: Any, where: str, count: int | None = None) -> Sequence[Any]:
    """A list, perhaps of known length."""
    if not isinstance(value, (list, tuple)) or count not in (None, len(value)):
        raise broken(where, value, "a list" if count is None else f"a list of {count}")
    return value


def text(value: Any, where: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise broken(where, value, "a string")
    return value


def integer(value: Any, where: str, least: int, most: int) -> int:
    """An integer in a range."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise broken(where, value, f"an integer from {least} to {most}")
    return value


def real(value: Any, where: str) -> float:
    """A finite float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise broken(where, value, "a finite number")
    return value


def optional(read: Callable[..., _Read], value: Any, *rest: Any) -> _Read | None:
    """None, or what `read` makes of it."""
    return None if value is None else read(value, *rest)


def pair(value: Any, where: str) -> tuple[int, int]:
    """(m, e) of m·2^e."""
    mantissa, power = items(value, where, 2)
    return _hexadecimal(mantissa, where), integer(power, where, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)


def read_dyadic(value: Any, where: str, counts: Sequence[int]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Packed matrices with known numbers of entries."""
    layers = items(value, where, len(counts))
    return tuple(
        tuple(pair(number, f"{where}[{place}]") for number in items(layer, f"{where}[{place}]", count))
        for place, (layer, count) in enumerate(zip(layers, counts, strict=True))
    )


def write_pair(value: tuple[int, int] | None) -> list[Any] | None:
    """[m, e] of m·2^e."""
    return None if value is None else [hex(value[0]), value[1]]


def write_mpf(value: Any) -> list[Any]:
    """[m, e] of an mpmath number."""
    sign, mantissa, power, _ = value._mpf_
    return [hex(-int(mantissa) if sign else int(mantissa)), int(power)]


def read_mpf(value: Any, where: str) -> Any:
    """An mpmath number, unrounded."""
    return mpmath.mp.make_mpf(mpmath.libmp.from_man_exp(*pair(value, where)))


def write_exact(value: Any) -> list[Any]:
    """A Fraction or an irrational sympy number; hexadecimal since Python writes no decimals of over 4300 digits.

    Raises
    ------
    HypothesisError
        For a number with functions or constants that files do not know.
    """
    if isinstance(value, Fraction):
        return [hex(value.numerator), hex(value.denominator)]
    front, factors = value.args[0] if value.is_Mul else sympy.Integer(1), [value]
    if front.is_Rational and front != 1:
        factors = value.args[1:]
    else:
        front = sympy.Integer(1)
    return [hex(int(front.p)), hex(int(front.q)), [_tree(factor) for factor in factors]]


def _tree(value: sympy.Expr) -> list[Any]:
    try:
        return to_tree(value)
    except ValueError:  # unknown functions, and Python's limit on digits
        raise HypothesisError(
            f"cannot save a number with {', '.join(sorted(_parts(value)))}; save knows roots, pi, E, exp, log and "
            "trigonometric functions of rationals of up to 4300 digits: give others as decimal strings"
        ) from None


def _parts(value: sympy.Expr) -> set[str]:
    return {type(part).__name__ for part in sympy.preorder_traversal(value)}


def rational(value: Any, where: str) -> Fraction:
    """A Fraction."""
    numerator, denominator = (_hexadecimal(part, where) for part in items(value, where, 2))
    if denominator < 1:
        raise broken(where, value, "a positive denominator")
    return Fraction(numerator, denominator)


def read_exact(value: Any, where: str) -> Any:
    """What `write_exact` wrote, or a number as text."""
    if isinstance(value, str):
        with reading(where):
            return exact_number(value)
    if len(items(value, where)) == 2:
        return rational(value, where)
    numerator, denominator, trees = items(value, where, 3)
    front = rational([numerator, denominator], where)
    with reading(where):
        factors = [_number(tree, where) for tree in items(trees, where)]
        if front == 1 and len(factors) == 1:
            return factors[0]
        return sympy.Mul(sympy.Rational(front.numerator, front.denominator), *factors, evaluate=False)


def check_tree(tree: Any, where: str) -> None:
    """Refuse rationals that are no plain digits; "1e999999999" would fill the memory."""
    head, *parts = items(tree, where)
    if head == "Rational":
        if len(parts) != 1 or not _RATIONAL.fullmatch(text(parts[0], where)):
            raise broken(where, tree, "digits and at most one slash")
    elif head not in ("Symbol", "Constant"):
        for part in parts:
            check_tree(part, where)


def _number(tree: Any, where: str) -> sympy.Expr:
    check_tree(tree, where)
    found = from_tree(tree)
    value = sympy.N(found, 5)
    if not (value.is_Float or value.is_Rational):
        raise broken(where, str(found), "a finite real number")
    return found


def _hexadecimal(value: Any, where: str) -> int:
    if not _HEXADECIMAL.fullmatch(text(value, where)):
        raise broken(where, value, "a hexadecimal integer")
    return int(value, 16)
