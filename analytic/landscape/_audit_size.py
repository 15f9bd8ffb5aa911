"""What an audit measures against: the scale of weights and target, and the bits to work with."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Any

from analytic.exact.convert import rational_matrix
from analytic.flow import GradientFlow
from analytic.landscape._audit_ranks import common_scale
from analytic.modes import data_modes
from graphs.errors import PrecisionError

__all__ = ["size_of", "strongest_mode", "working_bits"]

_DOUBLE_BITS = 53
_LARGEST_PRODUCT = 150


def working_bits(bits: int | None) -> int:
    """Bits for points next to weights that have so many, None for exact ones."""
    return 3 * (bits or _DOUBLE_BITS) + 128


def strongest_mode(flow: GradientFlow) -> float:
    """σ_1 of a rational loss, 0 for a zero target."""
    for matrix, name in zip(flow.loss.moments, flow.loss.moment_names, strict=True):
        rational_matrix(matrix, name)
    values = data_modes(flow.loss).singular_values
    return float(values[0]) if values else 0.0


def size_of(flow: GradientFlow, layers: Sequence[Any], strongest: float) -> float:
    """max(max ‖W_k‖, σ_1^{1/h}); refused where products would leave the range of binary floats."""
    try:
        scale = common_scale(layers, strongest)
        if flow.network.depth * log10(max(scale, 1.0)) < _LARGEST_PRODUCT:
            return scale
    except OverflowError:
        pass
    raise PrecisionError(
        "the weights are so large that their product leaves the range of doubles, in which ranks are read: the "
        "training has diverged, or weights and target have to be rescaled"
    )
