"""The modes of the target M = Σ σ_k u_k v_kᵀ and how much of each a product has learnt, u_kᵀ P v_k.

Modes are numbered from 1 in the order of decreasing σ_k; equal ones share a block, read by its singular values. Unless
the target is diagonal, σ that agree to half of the working digits count as equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
from flint import arb, arb_mat, ctx

from analytic.exact.linalg import rank
from analytic.integrate._balls import ball_matrix, is_diagonal
from analytic.integrate._spectra import context_matrix, decreasing, from_mpf, singular_values, whitened
from analytic.integrate.problem import Problem
from graphs.errors import HypothesisError

__all__ = ["Mode", "RegressionMode", "context_matrix", "from_mpf", "modes_of", "regression_modes", "singular_values"]


@dataclass(frozen=True, eq=False)
class Mode:
    """One mode.

    Parameters
    ----------
    number : int
        1 for the largest σ.
    strength : arb
        σ_k.
    left, right : arb_mat
        Orthonormal columns: u and v of all modes with this σ, in the frame of the problem.
    place : int
        Which singular value of leftᵀ P right belongs to this mode, 0-based.
    """

    number: int
    strength: arb
    left: arb_mat
    right: arb_mat
    place: int

    def learnt(self, product: arb_mat) -> arb:
        """How much of the mode the product has: u_kᵀ P v_k, or a singular value among equal modes."""
        block = self.left.transpose() * product * self.right
        if block.nrows() == 1:
            return block[0, 0]
        return singular_values(block)[self.place]


@dataclass(frozen=True, eq=False)
class RegressionMode:
    """A mode of reduced-rank regression: σ_k and u_k of B G^{-1/2}, in the user's frame.

    Parameters
    ----------
    number : int
        1 for the largest σ.
    strength : arb
        σ_k.
    left : arb_mat
        u_k as a row.
    across : arb_mat
        Bᵀu_k as a column; u_kᵀ P Bᵀu_k = σ_k² at every minimum that has the mode.
    """

    number: int
    strength: arb
    left: arb_mat
    across: arb_mat


@lru_cache(maxsize=64)
def regression_modes(problem: Problem) -> tuple[RegressionMode, ...]:
    """Modes of the data of a problem that has a Gram matrix, at its precision."""
    loss = problem.flow.loss
    context, moved = whitened(loss.gram, loss.cross, problem.precision)
    left, values, _ = context.svd_r(moved, full_matrices=False)
    found = []
    with ctx.workprec(context.prec):
        cross = ball_matrix(loss.cross)
        for k in range(int(rank(loss.cross))):
            row = arb_mat(1, left.rows, [from_mpf(left[i, k]) for i in range(left.rows)])
            found.append(RegressionMode(k + 1, from_mpf(values[k]), row, (row * cross).transpose()))
    return tuple(found)


def modes_of(problem: Problem) -> tuple[Mode, ...]:
    """Modes with σ_k > 0 of the target of a problem, at its precision.

    Raises
    ------
    HypothesisError
        If the loss has no target.
    """
    if problem.force.target is None:
        raise HypothesisError(
            "modes: got a SmoothLoss, which has no target whose modes could be learnt; watch singular values instead, "
            "e.g. SingularValueLevel(1, 1), LossLevel or PolynomialEvent, and Trajectory.singular_values"
        )
    return _modes_of(problem)


@lru_cache(maxsize=64)
def _modes_of(problem: Problem) -> tuple[Mode, ...]:
    with ctx.workprec(problem.precision + 32):
        left, values, right = _decomposition(problem)
        # a diagonal target is known to all bits, vectors found by iteration only up to the gap between values
        exact = problem.frame is None and is_diagonal(problem.force.target)
        small = arb((1, -problem.precision if exact else -problem.precision // 2))
        groups: list[list[int]] = []
        for k in range(int(rank(problem.force.target))):
            if groups and abs(values[groups[-1][0]] - values[k]).mid() <= small * values[k].mid():
                groups[-1].append(k)
            else:
                groups.append([k])
        return tuple(
            Mode(k + 1, values[k], _columns(left, group), _columns(right, group), place)
            for group in groups
            for place, k in enumerate(group)
        )


def _decomposition(problem: Problem) -> tuple[arb_mat, list[arb], arb_mat]:
    """U, σ (decreasing), V of the target in the frame of the problem."""
    target = ball_matrix(problem.force.target)
    if problem.frame is not None:
        target = problem.frame[0].transpose() * target * problem.frame[1]
    rows, cols = target.nrows(), target.ncols()
    count, tiny = min(rows, cols), arb(2) ** (8 - problem.precision)
    if all(r == c or abs(target[r, c]).mid() < tiny for r in range(rows) for c in range(cols)):
        diagonal = [target[k, k].mid() for k in range(count)]
        order = decreasing([abs(entry) for entry in diagonal])
        left = [[arb(int(diagonal[k].mid() >= 0) * 2 - 1) if r == k else arb(0) for k in order] for r in range(rows)]
        right = [[arb(int(r == k)) for k in order] for r in range(cols)]
        return arb_mat(left), [abs(diagonal[k]) for k in order], arb_mat(right)
    context = mpmath.mp.clone()
    context.prec = problem.precision + 64
    u, s, v = context.svd_r(context_matrix(context, target), full_matrices=False)
    return _ball_matrix(u), [from_mpf(value) for value in s], _ball_matrix(v.T)


def _ball_matrix(table: Any) -> arb_mat:
    return arb_mat(table.rows, table.cols, [from_mpf(entry) for entry in table])


def _columns(matrix: arb_mat, columns: list[int]) -> arb_mat:
    return arb_mat([[matrix[r, c] for c in columns] for r in range(matrix.nrows())])
