"""The Cauchy products of a layer j ≥ 2, one order at a time: P_j = W_j P_{j−1}, G_j = B_j P_{j−1}ᵀ, B_{j−1} = W_jᵀ B_j.

Matrix by matrix, or in blocks of orders (both with python-flint alone), or in windows into libflint.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, Protocol, TypeAlias

from flint import arb_mat

from analytic.integrate.cauchy import BlockedProduct, PairwiseProduct, Toeplitz
from analytic.integrate.windows import WindowLink, available
from graphs.errors import DimensionError, HypothesisError

__all__ = ["Kernel", "Link", "links_of", "read_kernel", "usable_kernel"]

Kernel: TypeAlias = Literal["public", "libflint"]


class Link(Protocol):
    """One layer's products; `forward` or `take` of an order comes before its `backward`."""

    def forward(self, weight: arb_mat, product: arb_mat) -> arb_mat:
        """W_j and P_{j−1} of this order; returns P_j."""

    def take(self, weight: arb_mat, product: arb_mat) -> None:
        """The same without P_j, for the last layer once P_h no longer matters."""

    def backward(self, behind: arb_mat) -> tuple[arb_mat, arb_mat]:
        """B_j of this order; returns G_j and B_{j−1}."""

    def shorten(self) -> None:
        """Round what is stored to the working precision."""


def links_of(widths: Sequence[int], count: int, kernel: Kernel) -> list[Link]:
    """Fresh links of the layers 2 … h for series of `count` orders."""
    first, block = widths[0], _block_length(max(widths))
    shapes = [(rows, cols) for cols, rows in pairwise(widths[1:])]
    if kernel == "libflint":
        return [WindowLink(rows, cols, first, count) for rows, cols in shapes]
    if block == 1:
        return [_PairwiseLink() for _ in shapes]
    return [_BlockedLink(rows, cols, first, block) for rows, cols in shapes]


def read_kernel(kernel: str) -> Kernel:
    """The kernel asked for; "auto" is "libflint" where its self-test passes.

    Raises
    ------
    DimensionError, HypothesisError
        For other words, and for "libflint" where its self-test fails.
    """
    if kernel not in ("public", "libflint", "auto"):
        raise DimensionError(f'kernel: got {kernel!r}, expected "public", "libflint" or "auto"')
    if kernel == "libflint" and not available():
        raise HypothesisError(
            'kernel: "libflint" failed its self-test with this build of python-flint; use "auto" or "public"'
        )
    return "public" if kernel == "public" or not available() else "libflint"


def usable_kernel(kernel: Kernel) -> Kernel:
    """The kernel of an earlier run, perhaps on another machine; "public" where "libflint" fails its self-test."""
    return "libflint" if kernel == "libflint" and available() else "public"


def _block_length(widest: int) -> int:
    """Orders that are gathered: few for wide layers, where the products themselves are the cost."""
    return 6 if widest <= 2 else 4 if widest <= 5 else 1


class _PairwiseLink:
    """Every product of two coefficients by itself."""

    def __init__(self) -> None:
        self._forward, self._outer, self._backward = PairwiseProduct(), PairwiseProduct(), PairwiseProduct()

    def forward(self, weight: arb_mat, product: arb_mat) -> arb_mat:
        """W_j and P_{j−1} of this order; returns P_j."""
        self.take(weight, product)
        return self._forward.push(weight, product)

    def take(self, weight: arb_mat, product: arb_mat) -> None:
        """The same without P_j, for the last layer once P_h no longer matters."""
        self._weight, self._product = weight, product

    def backward(self, behind: arb_mat) -> tuple[arb_mat, arb_mat]:
        """B_j of this order; returns G_j and B_{j−1}."""
        velocity = self._outer.push(behind, self._product.transpose())
        return velocity, self._backward.push(self._weight.transpose(), behind)

    def shorten(self) -> None:
        """Round what is stored to the working precision."""
        for product in (self._forward, self._outer, self._backward):
            product.shorten()


class _BlockedLink:
    """Blocks of orders; the Toeplitz matrices of W_j serve two of the products."""

    def __init__(self, rows: int, cols: int, first: int, block: int) -> None:
        self._weights = Toeplitz((rows, cols), block, both=True)
        self._behind = Toeplitz((rows, first), block)
        self._forward = BlockedProduct(self._weights, first)
        self._backward = BlockedProduct(self._weights, first, transposed=True)
        self._outer = BlockedProduct(self._behind, cols)

    def forward(self, weight: arb_mat, product: arb_mat) -> arb_mat:
        """W_j and P_{j−1} of this order; returns P_j."""
        self.take(weight, product)
        return self._forward.push(*self._product)

    def take(self, weight: arb_mat, product: arb_mat) -> None:
        """The same without P_j, for the last layer once P_h no longer matters."""
        self._weights.push(weight.entries(), weight.transpose().entries())
        self._product = product.entries(), product.transpose().entries()

    def backward(self, behind: arb_mat) -> tuple[arb_mat, arb_mat]:
        """B_j of this order; returns G_j and B_{j−1}."""
        plain, transposed = behind.entries(), behind.transpose().entries()
        self._behind.push(plain, transposed)
        velocity = self._outer.push(self._product[1], self._product[0])
        return velocity, self._backward.push(plain, transposed)

    def shorten(self) -> None:
        """Round what is stored to the working precision."""
        for part in (self._weights, self._behind, self._forward, self._backward, self._outer):
            part.shorten()
