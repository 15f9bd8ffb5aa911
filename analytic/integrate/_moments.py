"""Times within a run: what a user gives becomes an exact rational number, or is refused with the way to have it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np

from analytic.integrate.start import read_number
from analytic.integrate.status import Status
from graphs.errors import DimensionError

if TYPE_CHECKING:
    from analytic.integrate.trajectory import Trajectory

__all__ = ["read_moment"]


def read_moment(trajectory: Trajectory, t: Any) -> Fraction:
    """The exact time `t` of a run; a binary float is the number it is.

    Raises
    ------
    DimensionError
        If it lies outside the run or is irrational.
    InexactInputError, NotFiniteError
        If it is no number.
    """
    is_float = isinstance(t, (float, np.floating)) and np.isfinite(t)
    number: Any = Fraction(float(t)) if is_float else read_number(t, "t")
    if not isinstance(number, Fraction):
        raise DimensionError(f"t: got {number}, expected a rational number; give its decimals as a string")
    first, last = trajectory.segments[0].start, trajectory.final_time
    if number < first:
        raise DimensionError(
            f"t: got {_shown(number)}, which is {_shown(first - number)} before the run starts, expected at least "
            f"{_shown(first)}; flows run forwards: integrate from an earlier start"
        )
    if number > last:
        raise DimensionError(
            f"t: got {_shown(number)}, which is {_shown(number - last)} after the run ends, expected at most "
            f"{_shown(last)}; {_longer(trajectory)}"
        )
    return number


def _longer(trajectory: Trajectory) -> str:
    """How to have a longer run."""
    if trajectory.status is Status.STATIONARY:
        return "the start is a critical point and the weights stay what they are, `final`; resume(t=…) has a longer run"
    return "take more steps" if trajectory.method == "descent" else "resume(t=…) goes on from there"


def _shown(number: Fraction) -> str:
    with mpmath.workdps(15):
        return str(mpmath.nstr(mpmath.mpf(number.numerator) / number.denominator, 10))
