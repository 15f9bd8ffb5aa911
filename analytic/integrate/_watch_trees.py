"""Watched events as JSON-safe dictionaries and back; what no file can hold, functions, is remembered as forgotten."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy

from analytic._expression_trees import from_tree, to_tree
from analytic.integrate.events import (
    LossLevel,
    ModeLearnt,
    PlateauSpeed,
    SingularValueLevel,
    Watch,
)
from analytic.integrate.polynomial_event import Forgotten, PolynomialEvent
from analytic.integrate.start import read_number

__all__ = ["watch_from_dict", "watch_to_dict"]

_KINDS = {
    kind.__name__: kind
    for kind in (Forgotten, LossLevel, ModeLearnt, PlateauSpeed, PolynomialEvent, SingularValueLevel)
}


def watch_to_dict(watch: Watch) -> dict[str, Any]:
    """Its class and fields."""
    kept = watch.kept()
    name = type(kept).__name__
    if _KINDS.get(name) is not type(kept):
        kept, name = Forgotten(name, direction=kept.direction, terminal=kept.terminal), "Forgotten"
    return {"watch": name, **{field.name: _plain(getattr(kept, field.name)) for field in dataclasses.fields(kept)}}


def watch_from_dict(data: Mapping[str, Any]) -> Watch:
    """What `watch_to_dict` wrote; KeyError, TypeError or ValueError for anything else."""
    fields = {name: _value(value) for name, value in data.items() if name != "watch"}
    return _KINDS[data["watch"]](**fields)


def _plain(value: Any) -> Any:
    """None, bool, int and str as they are; other numbers and expressions as trees."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if not isinstance(value, sympy.Basic):
        value = read_number(value, "events")
    if isinstance(value, Fraction):
        return {"fraction": [hex(value.numerator), hex(value.denominator)]}
    return {"tree": to_tree(value)}


def _value(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    if "fraction" in data:
        numerator, denominator = data["fraction"]
        return Fraction(int(numerator, 16), int(denominator, 16))
    return from_tree(data["tree"]).doit()
