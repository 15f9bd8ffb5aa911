"""The flow in numbers at a working precision, in the singular frame of the data where that separates the modes.

Ẇ_i = W_{>i}ᵀ R W_{<i}ᵀ with R from a `Force`; for R = c(B − P G) the flow stays as it is under W_1 → W_1 V,
W_h → Uᵀ W_h, B → Uᵀ B V, G → Vᵀ G V.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath
from flint import arb, arb_mat, ctx

from analytic.flow import GradientFlow
from analytic.integrate._balls import ball_matrix, inner, is_diagonal, number_ball, squared_norm
from analytic.integrate._dyadic import NOTHING, Packed, exponents, unpack
from analytic.integrate.forces import Force, QuadraticForce, ResidualSeries
from analytic.integrate.links import Kernel
from analytic.integrate.polynomial_force import PolynomialForce
from analytic.smooth_loss import SmoothLoss
from graphs.errors import HypothesisError

__all__ = ["Problem", "ResidualSeries", "ball_matrix", "inner", "is_diagonal", "number_ball", "squared_norm"]


@dataclass(frozen=True, eq=False)
class Problem:
    """A flow in balls. Build one with `Problem.of`.

    Parameters
    ----------
    flow : GradientFlow
    precision : int
        Bits.
    force : Force
        The loss in numbers, in this frame.
    frame : (arb_mat, arb_mat) or None
        U and V; None for the given frame.
    separated : bool
        Whether column k of W_1 and row k of W_h belong to mode k alone: G is diagonal in this frame.
    kernel : {"public", "libflint"}
        What does the Cauchy products.
    """

    flow: GradientFlow
    precision: int
    force: Force
    frame: tuple[arb_mat, arb_mat] | None
    separated: bool
    kernel: Kernel = "public"

    @classmethod
    def of(
        cls,
        flow: GradientFlow,
        precision: int,
        *,
        rotate: bool = False,
        frame: tuple[Packed, Packed] | None = None,
        kernel: Kernel = "public",
    ) -> Problem:
        """Numbers of a flow.

        `rotate` goes to the singular frame of B unless B is diagonal or a layer is masked; `frame` is the frame that
        an earlier run found. Polynomial costs stay in the given frame.

        Raises
        ------
        HypothesisError
            If the loss has symbols beside the entries of the product, or is a cost that is no polynomial.
        """
        loss = flow.loss
        if loss.free_symbols:
            names = ", ".join(sorted(map(str, loss.free_symbols)))
            raise HypothesisError(f"the loss has the symbols {names}; give numbers, e.g. QuadraticLoss.diagonal(3, 2)")
        if isinstance(loss, SmoothLoss):
            with ctx.workprec(precision + 32):
                return cls(flow, precision, PolynomialForce.of(loss), None, False, kernel)
        with ctx.workprec(precision + 32):
            cross, factor = ball_matrix(loss.cross), number_ball(loss.normalisation)
            gram = None if loss.is_whitened else ball_matrix(loss.gram)
            bases = None
            if frame is not None:
                rows, cols = loss.shape
                bases = unpack(frame[0], (rows, rows)), unpack(frame[1], (cols, cols))
            elif rotate and not is_diagonal(loss.cross) and flow.network.is_dense:
                bases = _singular_frame(cross, precision)
            if bases is not None:
                cross = _diagonal_part(bases[0].transpose() * cross * bases[1])
                if gram is not None and loss.gram_scale is None:
                    gram = bases[1].transpose() * gram * bases[1]
            apart = loss.gram_scale is not None or (bases is None and is_diagonal(loss.gram))
            apart = apart and flow.network.is_dense and (bases is not None or is_diagonal(loss.cross))
        return cls(flow, precision, QuadraticForce(loss, cross, gram, factor), bases, apart, kernel)

    @property
    def factor(self) -> arb:
        """c, which the recurrence puts into the step."""
        return self.force.factor

    @property
    def widths(self) -> tuple[int, ...]:
        """d_0, …, d_h."""
        return self.flow.network.widths

    @property
    def depth(self) -> int:
        """h."""
        return self.flow.network.depth

    def residual_series(self) -> ResidualSeries:
        """A fresh recurrence for the coefficients of the residual (without c)."""
        return self.force.series()

    @property
    def pull(self) -> int | None:
        """`Force.pull`; None where blocks are entries and an entry may be moved by another, larger one."""
        return None if self.force.couples and self.is_diagonal else self.force.pull

    def masked(self, layer: int, matrix: arb_mat) -> arb_mat:
        """The matrix with zeros where the layer (0-based) has no edge."""
        support = self.flow.network.supports[layer]
        if support is not None:
            zero = arb(0)
            for r, row in enumerate(support):
                for c, edge in enumerate(row):
                    if not edge:
                        matrix[r, c] = zero
        return matrix

    @property
    def is_diagonal(self) -> bool:
        """Whether all layers are diagonal, so that every entry is a product of entries."""
        return all(self._is_diagonal_layer(i) for i in range(self.depth))

    @cached_property
    def chains(self) -> list[tuple[arb, arb]] | None:
        """b and g of each chain of scalars that this flow falls into, w_i' = c (b − g w_1⋯w_h) ∏_{j≠i} w_j; or None."""
        force, dense = self.force, self.flow.network.is_dense
        if not isinstance(force, QuadraticForce) or not (self.is_diagonal or (dense and max(self.widths) == 1)):
            return None
        gram = force.gram
        return [(force.cross[j, j], arb(1) if gram is None else gram[j, j]) for j in range(min(self.widths))]

    @property
    def num_blocks(self) -> int:
        """Number of blocks that errors are relative to."""
        return len(self.block_exponents([arb_mat(*shape) for shape in self.flow.network.layer_shapes]))

    def block_exponents(self, matrices: Sequence[arb_mat]) -> list[int]:
        """Binary exponent of the largest entry of each block.

        Blocks are the columns of W_1 and the rows of W_h if the modes are separated, the entries of diagonal
        layers, and whole layers otherwise.
        """
        found: list[int] = []
        for matrix, places in zip(matrices, self._blocks, strict=True):
            sizes = exponents(matrix)
            if places is None:
                found.append(max(sizes))
            else:
                found += [max(sizes[place]) for place in places]
        return found

    def blurred(self, weights: Sequence[arb_mat], sizes: Sequence[int], bits: int) -> list[arb_mat]:
        """All weights that agree with these to so many bits of each block, blocks being of the size 2^`sizes`."""
        found, left = [], iter(sizes)
        for i, (matrix, places) in enumerate(zip(weights, self._blocks, strict=True)):
            entries = matrix.entries()
            for place in [slice(None)] if places is None else places:
                size = next(left)
                if size > NOTHING:
                    radius = arb(0, arb((1, size - bits)))
                    entries[place] = [entry + radius for entry in entries[place]]
            found.append(self.masked(i, arb_mat(matrix.nrows(), matrix.ncols(), entries)))
        return found

    @cached_property
    def _blocks(self) -> list[list[slice] | None]:
        """Where each block of a layer lies among its entries, row by row; None where the layer is one block."""
        found: list[list[slice] | None] = []
        for i, (rows, cols) in enumerate(self.flow.network.layer_shapes):
            if self._is_diagonal_layer(i):
                found.append([slice(r * cols + r, r * cols + r + 1) for r in range(min(rows, cols))])
            elif self.separated and i == 0:
                found.append([slice(c, None, cols) for c in range(cols)])
            elif self.separated and i == self.depth - 1:
                found.append([slice(r * cols, (r + 1) * cols) for r in range(rows)])
            else:
                found.append(None)
        return found

    def _is_diagonal_layer(self, layer: int) -> bool:
        support = self.flow.network.supports[layer]
        return support is not None and all(
            edge == (r == c) for r, row in enumerate(support) for c, edge in enumerate(row)
        )

    def product(self, weights: Sequence[arb_mat]) -> arb_mat:
        """P = W_h⋯W_1."""
        total = weights[0]
        for matrix in weights[1:]:
            total = matrix * total
        return total

    def residual(self, weights: Sequence[arb_mat]) -> arb_mat:
        """R = −∇C(P)."""
        return self.force.residual(self.product(weights)) * self.factor

    def velocity(self, weights: Sequence[arb_mat]) -> list[arb_mat]:
        """dW_i/dt."""
        prefixes = [weights[0]]
        for matrix in weights[1:]:
            prefixes.append(matrix * prefixes[-1])
        behind = self.force.residual(prefixes[-1]) * self.factor
        found = []
        for i in range(self.depth - 1, 0, -1):
            found.append(self.masked(i, behind * prefixes[i - 1].transpose()))
            behind = weights[i].transpose() * behind
        found.append(self.masked(0, behind))
        return found[::-1]

    def loss(self, weights: Sequence[arb_mat]) -> arb:
        """C(P)."""
        return self.force.loss(self.product(weights))

    def into(self, weights: Sequence[arb_mat]) -> list[arb_mat]:
        """Weights of the user's frame in this one."""
        if self.frame is None:
            return list(weights)
        left, right = self.frame
        moved = [*weights]
        moved[0] = moved[0] * right
        moved[-1] = left.transpose() * moved[-1]
        return moved

    def back(self, weights: Sequence[arb_mat]) -> list[arb_mat]:
        """Weights of this frame in the user's."""
        if self.frame is None:
            return list(weights)
        left, right = self.frame
        moved = [*weights]
        moved[0] = moved[0] * right.transpose()
        moved[-1] = left * moved[-1]
        return moved


def _diagonal_part(cross: arb_mat) -> arb_mat:
    """Uᵀ B V without what rounding left beside the diagonal."""
    rows, cols = cross.nrows(), cross.ncols()
    diagonal = [cross[r, c].mid() if r == c else arb(0) for r in range(rows) for c in range(cols)]
    return arb_mat(rows, cols, diagonal)


def _singular_frame(cross: arb_mat, precision: int) -> tuple[arb_mat, arb_mat]:
    """Orthogonal U and V with Uᵀ B V diagonal, to the working precision."""
    context = mpmath.mp.clone()
    context.prec = precision + 64
    rows, cols = cross.nrows(), cross.ncols()
    size = max(rows, cols)
    table = context.zeros(size, size)  # zero rows and columns complete the bases
    for r in range(rows):
        for c in range(cols):
            m, e = cross[r, c].mid().man_exp()
            table[r, c] = context.ldexp(int(m), int(e))
    left, _, right = context.svd_r(table)
    return _orthogonal(context, left, rows), _orthogonal(context, right.T, cols)


def _orthogonal(context: Any, basis: Any, size: int) -> arb_mat:
    """Leading block of an orthogonal basis, columns that live there, completed to an orthogonal matrix."""
    columns: list[Any] = []
    candidates = [basis[:size, j] for j in range(basis.cols)]
    for vector in [*candidates, *(context.eye(size)[:, j] for j in range(size))]:
        rest = vector
        for _ in range(2):
            for column in columns:
                rest = rest - column * (column.T * rest)[0]
        length = context.norm(rest)
        if length > 0.1 and len(columns) < size:
            columns.append(rest / length)
    entries = [columns[c][r] for r in range(size) for c in range(size)]
    return arb_mat(size, size, [_arb(entry) for entry in entries])


def _arb(value: Any) -> arb:
    sign, man, exp, _ = value._mpf_
    return arb((-int(man) if sign else int(man), int(exp)))
