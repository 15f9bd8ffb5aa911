"""Budgets of long work: steps, seconds, bytes. What they allow was done comes back; nothing is raised on the way."""

from __future__ import annotations

import math
import operator
import time as clock
from dataclasses import dataclass
from typing import Any

from graphs.errors import DimensionError

__all__ = ["Budget", "OutOfTime", "read_count", "read_flag"]


class OutOfTime(Exception):
    """The seconds were over inside a step; what came before it is whole."""


@dataclass(frozen=True)
class Budget:
    """How much a run may take.

    Parameters
    ----------
    max_steps : int
    max_seconds : float or None
    max_memory : int
        Bytes for the nodes.
    deadline : float
        The moment at which the seconds are over, on the monotonic clock; repetitions with more bits do not move it.
    """

    max_steps: int
    max_seconds: float | None
    max_memory: int
    deadline: float

    @classmethod
    def read(cls, max_steps: Any, max_seconds: Any, max_memory: Any) -> Budget:
        """Check the three arguments; the clock starts now.

        Raises
        ------
        DimensionError
            Naming the argument.
        """
        seconds = None if max_seconds is None else _read_seconds(max_seconds)
        return cls(
            read_count(max_steps, "max_steps", 1),
            seconds,
            read_count(max_memory, "max_memory", 1),
            math.inf if seconds is None else clock.monotonic() + seconds,
        )

    def tick(self) -> None:
        """To be called inside long steps.

        Raises
        ------
        OutOfTime
            When the seconds are over.
        """
        if clock.monotonic() > self.deadline:
            raise OutOfTime

    def spent(self, steps: int, size: int) -> str | None:
        """Which budget has run out after so many steps and bytes, in words; None while there is some left."""
        if steps >= self.max_steps:
            return f"budget: {self.max_steps} steps (max_steps)"
        if clock.monotonic() > self.deadline:
            return f"budget: {self.max_seconds:g} seconds (max_seconds)"
        if size > self.max_memory:
            return f"budget: {self.max_memory} bytes for the nodes (max_memory)"
        return None


def read_count(value: Any, name: str, least: int) -> int:
    """An integer of any kind, bool excepted.

    Raises
    ------
    DimensionError
        Naming the argument.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number: int = operator.index(value)
    except TypeError:
        raise DimensionError(f"{name}: got {value!r}, expected an integer ≥ {least}") from None
    if number < least:
        raise DimensionError(f"{name}: got {value!r}, expected an integer ≥ {least}")
    return number


def read_flag(value: Any, name: str) -> bool:
    """True or False and nothing that merely counts as one of them.

    Raises
    ------
    DimensionError
        Naming the argument.
    """
    if value is True or value is False or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise DimensionError(f"{name}: got {value!r}, expected True or False")


def _read_seconds(value: Any) -> float:
    try:
        if isinstance(value, (bool, str)):
            raise TypeError
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        raise DimensionError(f"max_seconds: got {value!r}, expected seconds ≥ 0 or None") from None
    if not 0 <= seconds < math.inf:
        raise DimensionError(f"max_seconds: got {value!r}, expected seconds ≥ 0 or None")
    return seconds
