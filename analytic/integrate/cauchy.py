"""Online Cauchy products C_k = Σ_i A_i B_{k−i} of matrix series, one order at a time, all sums inside FLINT.

Orders are gathered in blocks; what earlier blocks give to a new one are block Toeplitz matrices times stacks.
python-flint's matrices have no slices, so these are filled entry by entry, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from flint import arb, arb_mat

__all__ = ["BlockedProduct", "PairwiseProduct", "Toeplitz"]


class PairwiseProduct:
    """C_k as a sum of k + 1 products; best for wide layers, where the products themselves are the cost."""

    def __init__(self) -> None:
        self.left: list[arb_mat] = []
        self.right: list[arb_mat] = []

    def push(self, left: arb_mat, right: arb_mat) -> arb_mat:
        """Take A_k and B_k, return C_k."""
        self.left.append(left)
        self.right.append(right)
        total = self.left[0] * right
        for a, b in zip(self.left[1:], reversed(self.right[:-1]), strict=True):
            total = total + a * b
        return total

    def shorten(self) -> None:
        """Round what is stored to the working precision."""
        self.left, self.right = _shortened(self.left), _shortened(self.right)


class Toeplitz:
    """The left factor: block (j, v) of matrix u is A_{bu+j−v}, 0 ≤ j, v < b.

    Parameters
    ----------
    shape : (int, int)
        m × n, the shape of A_k.
    block : int
        b.
    both : bool
        Serve A and Aᵀ: the transposed Toeplitz matrix is that of Aᵀ with the blocks in reversed order.
    """

    def __init__(self, shape: tuple[int, int], block: int, *, both: bool = False) -> None:
        (m, n), b = shape, block
        self.shape, self.block, self.both = shape, block, both
        self.known, self.known_transposed = [], []  # matrices u = 0, 1, … that are complete
        self.old = self.old_transposed = arb_mat(m * b, n * b)  # the part of the present one from earlier blocks
        self.rows = [arb_mat(m, n * b) for _ in range(b)]  # (A_j, …, A_0, 0, …)
        self.rows_transposed = [arb_mat(n, m * b) for _ in range(b)] if both else []  # (…, 0, A_0ᵀ, …, A_jᵀ)
        self._present = self.old
        self._next = arb_mat(m * b, n * b)
        self.stack, self.stack_transposed = arb_mat(m * b, n), arb_mat(n * b, m)  # the A_k of this block
        self._count = 0

    known: list[arb_mat]
    known_transposed: list[arb_mat]

    def push(self, entries: Sequence[arb], transposed: Sequence[arb]) -> None:
        """Take the entries of A_k and A_kᵀ."""
        (m, n), b = self.shape, self.block
        number, place = divmod(self._count, b)
        self._count += 1
        if place == 0:
            self._open(number)
        for column in range(b):
            row = column + place
            target = self._present if row < b else self._next
            _write(target, entries, (row % b) * m, column * n, m, n)
        _write(self.stack, entries, place * m, 0, m, n)
        _write(self.stack_transposed, transposed, place * n, 0, n, m)
        if number == 0:
            for j in range(place, b):
                _write(self.rows[j], entries, 0, (j - place) * n, m, n)
                if self.both:
                    _write(self.rows_transposed[j], transposed, 0, (b - 1 - j + place) * m, n, m)

    def shorten(self) -> None:
        """Round what is stored to the working precision."""
        self.known, self.known_transposed = _shortened(self.known), _shortened(self.known_transposed)
        self.rows, self.rows_transposed = _shortened(self.rows), _shortened(self.rows_transposed)
        self.old, self.old_transposed, self._present, self._next, self.stack, self.stack_transposed = _shortened(
            [self.old, self.old_transposed, self._present, self._next, self.stack, self.stack_transposed]
        )

    def _open(self, number: int) -> None:
        (m, n), b = self.shape, self.block
        if number:
            self.known.append(self._present)
            self._present, self._next = self._next, arb_mat(m * b, n * b)
            self.old = arb_mat(self._present)
            if self.both:
                self.known_transposed.append(self.known[-1].transpose())
                self.old_transposed = self.old.transpose()
        self.stack = arb_mat(m * b, n)
        self.stack_transposed = arb_mat(n * b, m)


class BlockedProduct:
    """C_k from a `Toeplitz` left factor and a right factor that is given order by order.

    Parameters
    ----------
    left : Toeplitz
        Its A_k must have been pushed before B_k is.
    columns : int
        p: B_k is n × p, or m × p for the product with Aᵀ.
    transposed : bool
        Multiply by Aᵀ instead of A.
    """

    def __init__(self, left: Toeplitz, columns: int, *, transposed: bool = False) -> None:
        m, n = reversed(left.shape) if transposed else left.shape
        b = left.block
        self.left, self.transposed, self.shape = left, transposed, (m, n, columns)
        self._stacks: list[arb_mat] = []
        self._rows = [arb_mat(columns, n * b) for _ in range(b)]  # (B_jᵀ, …, B_0ᵀ, 0, …)
        self._picks = [_selection(m, b, b - 1 - j if transposed else j) for j in range(b)]
        self._old: Any = None
        self._count = 0

    def push(self, entries: Sequence[arb], transposed: Sequence[arb]) -> arb_mat:
        """Take the entries of B_k and B_kᵀ, return C_k."""
        (_, n, p), b = self.shape, self.left.block
        number, place = divmod(self._count, b)
        self._count += 1
        if place == 0:
            if number:
                self._old = self._from_earlier(number)
            self._stacks.append(arb_mat(n * b, p))
        position = b - 1 - place if self.transposed else place
        _write(self._stacks[number], entries, position * n, 0, n, p)
        rows = self.left.rows_transposed if self.transposed else self.left.rows
        if number == 0:
            for j in range(place, b):
                _write(self._rows[j], transposed, 0, (j - place) * n, p, n)
            return rows[place] * self._stacks[0]
        fresh = self.left.stack if self.transposed else self.left.stack_transposed
        late = (self._rows[place] * fresh).transpose()
        return self._picks[place] * self._old + rows[place] * self._stacks[number] + late

    def shorten(self) -> None:
        """Round what is stored to the working precision, the left factor apart."""
        self._stacks, self._rows = _shortened(self._stacks), _shortened(self._rows)

    def _from_earlier(self, number: int) -> arb_mat:
        known = self.left.known_transposed if self.transposed else self.left.known
        total = (self.left.old_transposed if self.transposed else self.left.old) * self._stacks[0]
        for w in range(1, number):
            total = total + known[number - w] * self._stacks[w]
        return total


def _shortened(matrices: Sequence[arb_mat]) -> list[arb_mat]:
    one = arb(1)
    return [matrix * one for matrix in matrices]


def _selection(size: int, block: int, position: int) -> arb_mat:
    """The matrix that picks one block of rows."""
    columns = range(size * block)
    return arb_mat([[int(c == position * size + r) for c in columns] for r in range(size)])


def _write(target: arb_mat, entries: Sequence[arb], row: int, col: int, rows: int, cols: int) -> None:
    if rows == cols == 1:
        target[row, col] = entries[0]
        return
    for place, entry in zip(_places(row, col, rows, cols), entries, strict=True):
        target[place] = entry


@lru_cache(maxsize=1 << 14)
def _places(row: int, col: int, rows: int, cols: int) -> tuple[tuple[int, int], ...]:
    return tuple((r, c) for r in range(row, row + rows) for c in range(col, col + cols))
