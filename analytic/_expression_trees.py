"""Sympy expressions as nested lists and back, without evaluating any text: [head, argument, …]."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy

from graphs.errors import HypothesisError

__all__ = ["from_tree", "to_tree"]

_HEADS = {
    head.__name__: head
    for head in (
        *(sympy.Add, sympy.Mul, sympy.Pow, sympy.exp, sympy.log, sympy.Abs, sympy.sin, sympy.cos, sympy.tan),
        *(sympy.asin, sympy.acos, sympy.atan, sympy.sinh, sympy.cosh, sympy.tanh, sympy.asinh, sympy.erf),
    )
}
_CONSTANTS = {"pi": sympy.pi, "E": sympy.E}


def to_tree(expression: sympy.Basic) -> list[Any]:
    """Nested lists [head, argument, …] of strings and integers, JSON-safe."""
    if isinstance(expression, sympy.Rational):
        return ["Rational", str(expression)]
    if isinstance(expression, sympy.Symbol):
        assumed = {key: value for key, value in expression.assumptions0.items() if value is not None}
        index = [int(expression.dummy_index)] if isinstance(expression, sympy.Dummy) else []
        return ["Symbol", expression.name, assumed, *index]
    if str(expression) in _CONSTANTS:
        return ["Constant", str(expression)]
    name = type(expression).__name__
    if name not in _HEADS:
        raise HypothesisError(f"cost: cannot write the function {name}; known are {', '.join(_HEADS)}")
    return [name, *(to_tree(part) for part in expression.args)]


def from_tree(tree: Sequence[Any]) -> Any:
    """The expression that `to_tree` wrote; KeyError, TypeError or ValueError for anything else."""
    head, *arguments = tree
    if head == "Rational":
        number = Fraction(str(arguments[0]))  # reads digits and a slash, nothing else
        return sympy.Rational(number.numerator, number.denominator)
    if head == "Constant":
        return _CONSTANTS[arguments[0]]
    if head == "Symbol":
        name, assumed, *index = arguments
        flags = {str(key): bool(value) for key, value in assumed.items()}
        return sympy.Dummy(str(name), dummy_index=int(index[0]), **flags) if index else sympy.Symbol(str(name), **flags)
    # unevaluated: the very form that was written
    return _HEADS[head](*(from_tree(part) for part in arguments), evaluate=False)
