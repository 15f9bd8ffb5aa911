"""Online Cauchy products C_k = Σ_i A_i B_{k−i} as one product of windows inside libflint: the optional kernel.

In W = (A_N … A_1 A_0) and T = (B_0; B_1; …) the last k + 1 blocks of W times the first k + 1 of T are C_k. python-flint
has no slices of matrices, so ctypes makes the windows; `available` tries first whether that gives what it should.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import flint
from flint import arb, arb_mat, ctx

__all__ = ["WindowLink", "available"]

_ENTRY_BYTES = 48  # sizeof(arb_struct) on 64-bit machines
_HEAD = 3  # words of a python-flint object before the libflint structure: reference count, type, method table


@cache
def available() -> bool:
    """Whether the structures lie where they are looked for, and windows multiply as python-flint's matrices do.

    The layout is read before anything is called. Exact products must come out equal.
    """
    try:
        return ctypes.sizeof(ctypes.c_void_p) == 8 and _layout_is_known() and _products_agree()
    except (AttributeError, OSError, ValueError):
        return False


def _layout_is_known() -> bool:
    """Rows, columns, stride, and the exponents of the powers of two 2⁰, 2¹, 2², … in the first row."""
    if arb_mat.__basicsize__ != 8 * (_HEAD + 4):
        return False
    matrix = arb_mat([[arb(2) ** (5 * r + c) for c in range(5)] for r in range(3)])
    entries, *sizes = (ctypes.c_int64 * 4).from_address(_structure(matrix))
    if sizes != [3, 5, 5]:
        return False
    words = (ctypes.c_int64 * (15 * _ENTRY_BYTES // 8)).from_address(entries)
    return list(words[:: _ENTRY_BYTES // 8]) == list(range(1, 16))


def _products_agree() -> bool:
    """A link of three orders against sums of products of integers."""
    weights = [arb_mat(2, 3, [7 * k + e - 9 for e in range(6)]) for k in range(3)]
    products = [arb_mat(3, 4, [5 * k - e + 4 for e in range(12)]) for k in range(3)]
    behind = [arb_mat(2, 4, [3 * k + 2 * e - 8 for e in range(8)]) for k in range(3)]
    link = WindowLink(2, 3, 4, 3)
    for k in range(3):
        found = (link.forward(weights[k], products[k]), *link.backward(behind[k]))
        orders = range(k + 1)
        expected = (
            sum((weights[i] * products[k - i] for i in orders), arb_mat(2, 4)),
            sum((behind[i] * products[k - i].transpose() for i in orders), arb_mat(2, 3)),
            sum((weights[i].transpose() * behind[k - i] for i in orders), arb_mat(3, 4)),
        )
        if k == 1:
            link.shorten()
        if any(a.entries() != b.entries() for a, b in zip(found, expected, strict=True)):
            return False
    return True


class _Libflint:
    """The three functions that are called, from the library that python-flint itself has loaded."""

    def __init__(self) -> None:
        library = ctypes.PyDLL(flint.types.arb_mat.__file__)
        pointer, size = ctypes.c_void_p, ctypes.c_ssize_t
        self.multiply = _function(library.arb_mat_mul, pointer, pointer, pointer, size)
        self.copy = _function(library.arb_mat_set, pointer, pointer)
        self.transpose = _function(library.arb_mat_transpose, pointer, pointer)


@cache
def _libflint() -> _Libflint:
    return _Libflint()


def _function(symbol: Any, *arguments: Any) -> Callable[..., None]:
    symbol.argtypes, symbol.restype = arguments, None
    function: Callable[..., None] = symbol
    return function


class _Window:
    """A libflint matrix structure (entries, rows, columns, stride) that looks at a part of a python-flint matrix."""

    def __init__(self, matrix: arb_mat) -> None:
        self._fields = (ctypes.c_int64 * 4)()
        self.address = ctypes.addressof(self._fields)
        self.stride = matrix.ncols()
        self._fields[3] = self.stride
        self.look_at(matrix)

    def look_at(self, matrix: arb_mat) -> None:
        """Turn to another matrix of the same shape."""
        self.matrix = matrix  # keeps the entries alive
        self._entries = ctypes.c_int64.from_address(_structure(matrix)).value

    def at(self, row: int, col: int, rows: int, cols: int) -> int:
        """Address of the structure, set to a block."""
        fields = self._fields
        fields[0] = self._entries + (row * self.stride + col) * _ENTRY_BYTES
        fields[1], fields[2] = rows, cols
        return self.address


def _structure(matrix: arb_mat) -> int:
    """Address of the arb_mat_struct inside the object."""
    return id(matrix) + 8 * _HEAD


class _Sequence:
    """Coefficients of one series as blocks of one matrix: rising orders downwards, or falling orders to the right."""

    def __init__(self, rows: int, cols: int, count: int, *, wide: bool) -> None:
        self.rows, self.cols, self.count, self.wide = rows, cols, count, wide
        self._window = _Window(arb_mat(rows, cols * count) if wide else arb_mat(rows * count, cols))

    def place(self, k: int) -> int:
        """Where coefficient k is stored."""
        if self.wide:
            return self._window.at(0, (self.count - 1 - k) * self.cols, self.rows, self.cols)
        return self._window.at(k * self.rows, 0, self.rows, self.cols)

    def upto(self, k: int) -> int:
        """Coefficients 0 … k together."""
        if self.wide:
            return self._window.at(0, (self.count - 1 - k) * self.cols, self.rows, (k + 1) * self.cols)
        return self._window.at(0, 0, (k + 1) * self.rows, self.cols)

    def shorten(self) -> None:
        """Round everything to the working precision."""
        self._window.look_at(self._window.matrix * arb(1))


class WindowLink:
    """The three products of layer j ≥ 2: P_j = W_j P_{j−1}, G_j = B_j P_{j−1}ᵀ, B_{j−1} = W_jᵀ B_j.

    Parameters
    ----------
    rows, cols, first : int
        W_j is rows × cols; P_{j−1} and B_{j-1} have `first` columns.
    count : int
        Number of orders.
    """

    def __init__(self, rows: int, cols: int, first: int, count: int) -> None:
        self._flint = _libflint()
        self._rows, self._cols, self._first, self._order = rows, cols, first, -1
        self._weights = _Sequence(rows, cols, count, wide=True)
        self._weights_transposed = _Sequence(cols, rows, count, wide=True)
        self._products = _Sequence(cols, first, count, wide=False)
        self._products_transposed = _Sequence(first, cols, count, wide=False)
        self._behind = _Sequence(rows, first, count, wide=False)
        self._behind_wide = _Sequence(rows, first, count, wide=True)

    def forward(self, weight: arb_mat, product: arb_mat) -> arb_mat:
        """W_j and P_{j−1} of this order; returns P_j."""
        self.take(weight, product)
        return self._product(self._weights, self._products, self._rows, self._first)

    def take(self, weight: arb_mat, product: arb_mat) -> None:
        """The same without P_j, for the last layer once P_h no longer matters."""
        self._order += 1
        k, copy, transpose = self._order, self._flint.copy, self._flint.transpose
        copy(self._weights.place(k), _structure(weight))
        transpose(self._weights_transposed.place(k), _structure(weight))
        copy(self._products.place(k), _structure(product))
        transpose(self._products_transposed.place(k), _structure(product))

    def backward(self, behind: arb_mat) -> tuple[arb_mat, arb_mat]:
        """B_j of this order; returns G_j and B_{j−1}."""
        k, copy = self._order, self._flint.copy
        copy(self._behind.place(k), _structure(behind))
        copy(self._behind_wide.place(k), _structure(behind))
        velocity = self._product(self._behind_wide, self._products_transposed, self._rows, self._cols)
        return velocity, self._product(self._weights_transposed, self._behind, self._cols, self._first)

    def _product(self, left: _Sequence, right: _Sequence, rows: int, cols: int) -> arb_mat:
        result = arb_mat(rows, cols)
        k = self._order
        self._flint.multiply(_structure(result), left.upto(k), right.upto(k), ctx.prec)
        return result

    def shorten(self) -> None:
        """Round what is stored to the working precision."""
        for sequence in (
            self._weights,
            self._weights_transposed,
            self._products,
            self._products_transposed,
            self._behind,
            self._behind_wide,
        ):
            sequence.shorten()
