"""A step of a run: the node it starts from, as integers, and what its polynomial was computed with."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from analytic.integrate._dyadic import Packed

__all__ = ["Segment"]


@dataclass(frozen=True)
class Segment:
    """One step: the exact node it starts from and what its polynomial was computed with.

    Parameters
    ----------
    start, end : Fraction
        Times.
    weights : tuple of Packed
        Node at `start`, in the frame of the run.
    unit : (int, int)
        H as m·2^e; for gradient descent the step size is end − start and this is unused.
    order : int
        Highest power; 0 where the weights do not move.
    radius : (int, int) or None
        For a rigorous run, a bound for the error of the node (Frobenius norm) as m·2^e.
    bounds : tuple of (int, int)
        For a rigorous run: the defect and the logarithmic norm that the step was certified with.
    """

    start: Fraction
    end: Fraction
    weights: tuple[Packed, ...]
    unit: tuple[int, int]
    order: int
    radius: tuple[int, int] | None = None
    bounds: tuple[tuple[int, int], ...] = ()
