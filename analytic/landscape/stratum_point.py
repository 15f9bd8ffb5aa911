"""A point of a given stratum next to given weights: exact, with the exact distance, found by a local search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from analytic.exact.chain import Chain
from analytic.exact.convert import sympy_matrix
from analytic.flow import GradientFlow
from analytic.landscape._audit_modes import end_coordinates, spectrum
from analytic.landscape._audit_nearby import NearbyPoint, point_distance, point_of_stratum
from analytic.landscape._audit_numbers import accepted_tolerance, read_weights
from analytic.landscape._audit_projection import nearby_point
from analytic.landscape._audit_size import size_of, strongest_mode, working_bits
from analytic.landscape.ranks import StratumRanks

__all__ = ["point_finder"]


def point_finder(
    flow: GradientFlow, weights: Sequence[Any], *, tolerance: Any = None, digits: int = 15
) -> Callable[[StratumRanks], NearbyPoint | None]:
    """A function from a stratum to a point of it next to the weights, None if none is found: `audit` without ranks.

    Parameters
    ----------
    flow, weights, tolerance, digits
        As for `audit`; all layers dense.

    Returns
    -------
    callable
        Takes strata with the modes that the product has learned. That the point is critical and so near is proved;
        the search is local, so a nearer point of the stratum may exist.

    Notes
    -----
    Up to 40 least-squares problems of the size of the network for each stratum, no Hessian.
    """
    layers, bits = read_weights(flow.network, weights)
    accepted, precision = accepted_tolerance(tolerance, bits), working_bits(bits)
    reach = (accepted * Fraction(size_of(flow, layers, strongest_mode(flow)))) ** 2
    failures = (ZeroDivisionError, OverflowError, ValueError, np.linalg.LinAlgError)
    try:
        with flint.ctx.workprec(precision):
            modes = spectrum(flow)
            ends = end_coordinates(modes, Chain(layers).product)
    except failures:
        return lambda ranks: None

    def find(ranks: StratumRanks) -> NearbyPoint | None:
        try:
            with flint.ctx.workprec(precision):
                found = nearby_point(layers, modes, ends, ranks)
        except failures:
            return None
        if found is None:
            return None
        within = point_distance(found) <= reach
        weights = tuple(map(sympy_matrix, found.weights)) if found.is_exact else None
        return point_of_stratum(
            flow, ends.learned, ranks, found, tolerance=accepted, within=within, digits=digits, weights=weights
        )

    return find
