"""Losses that are any smooth function C of the product P = W_h⋯W_1: matrix completion, logistic, ridge, Huber-like.

The flow is Ẇ_i = −W_{>i}ᵀ ∇C(P) W_{<i}ᵀ: only the residual changes, so the balances W_{i+1}ᵀW_{i+1} − W_iW_iᵀ stay
constant whatever C is. Costs are exact on exact weights. Trager, Kohn & Bruna, arXiv 1910.01671.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import flint
import mpmath
import numpy as np
import sympy

from analytic._expression_trees import from_tree, to_tree
from analytic._smooth_derivatives import smooth_field, smooth_hessian
from analytic.exact.chain import Chain
from analytic.exact.convert import sympy_matrix
from analytic.exact.domains import common_domain
from analytic.exact.linalg import rank
from graphs.errors import BlockshiftError, DimensionError, HypothesisError
from graphs.matrices import Matrix, exact_matrix, shape_of

__all__ = ["SmoothLoss"]


@dataclass(frozen=True, init=False, repr=False)
class SmoothLoss:
    """A cost C(P) of the product, given as an expression in symbols for the entries of P.

    `weighted`, `logistic`, `ridge` and `huber` build the usual ones.

    Parameters
    ----------
    cost : sympy.Expr
        In the symbols of `entries` (and in others, which stay parameters); twice differentiable, without floats.
    entries : matrix of sympy.Symbol, shape (d_h, d_0)
        All different; `SmoothLoss.symbols(d_h, d_0)` makes them.

    Notes
    -----
    A polynomial with rational coefficients is evaluated exactly at rational (or algebraic) weights; other costs give
    exact sympy expressions, and numbers through `gradient_at`.

    Examples
    --------
    >>> p = SmoothLoss.symbols(1, 1)
    >>> SmoothLoss((p[0, 0] ** 2 - 1) ** 2 / 4, p).residual(Matrix([[2]]))
    Matrix([[-6]])
    """

    cost: sympy.Expr
    entries: Matrix

    def __init__(self, cost: Any, entries: Any) -> None:
        table = exact_matrix(entries, "entries")
        if 0 in table.shape or not all(entry.is_Symbol for entry in table) or len(set(table)) < len(table):
            raise DimensionError("entries: expected a matrix of different symbols, such as SmoothLoss.symbols(2, 3)")
        (checked,) = exact_matrix([[cost]], "cost")
        object.__setattr__(self, "cost", checked)
        object.__setattr__(self, "entries", table)

    @staticmethod
    def symbols(rows: int, cols: int) -> Matrix:
        """Real symbols p_{jk} for the entries of a rows × cols product."""
        gap = "_" if max(rows, cols) > 9 else ""
        return Matrix(rows, cols, lambda r, c: sympy.Symbol(f"p_{int(r) + 1}{gap}{int(c) + 1}", real=True))

    @classmethod
    def weighted(cls, target: Any, weights: Any) -> SmoothLoss:
        """½ Σ ω_jk (m_jk − p_jk)²; matrix completion if the ω are 0 and 1.

        Parameters
        ----------
        target, weights : matrix-like, shape (d_h, d_0)
            M and ω ≥ 0, exact; entries of M with ω = 0 do not matter.

        Returns
        -------
        SmoothLoss

        Examples
        --------
        >>> SmoothLoss.weighted([[1, 0], [0, 2]], [[1, 0], [0, 1]]).cost
        (1 - p_11)**2/2 + (2 - p_22)**2/2
        """
        m, omega = exact_matrix(target, "target"), exact_matrix(weights, "weights")
        if m.shape != omega.shape:
            raise DimensionError(f"weights: got shape {omega.shape}, expected {m.shape}")
        if any(value.is_negative for value in omega):
            raise HypothesisError("weights: got a negative number, expected numbers ≥ 0")
        p = cls.symbols(*m.shape)
        return cls(sympy.Add(*(w * (a - b) ** 2 / 2 for w, a, b in zip(omega, m, p, strict=True))), p)

    @classmethod
    def logistic(cls, labels: Any) -> SmoothLoss:
        """Σ ln(1 + e^{−y_jk p_jk}), y = ±1 (0 for an entry without a label).

        Parameters
        ----------
        labels : matrix-like, shape (d_h, d_0)

        Returns
        -------
        SmoothLoss
        """
        y = exact_matrix(labels, "labels")
        if any(value not in (-1, 0, 1) for value in y):
            raise HypothesisError("labels: expected the numbers −1, 0 and 1")
        p = cls.symbols(*y.shape)
        return cls(sympy.Add(*(sympy.log(1 + sympy.exp(-a * b)) for a, b in zip(y, p, strict=True) if a != 0)), p)

    @classmethod
    def ridge(cls, target: Any, strength: Any) -> SmoothLoss:
        """½‖M − P‖² + (μ/2)‖P‖²: a penalty on the product (a penalty on the weights is no function of P).

        Parameters
        ----------
        target : matrix-like, shape (d_h, d_0)
        strength : exact number
            μ ≥ 0.

        Returns
        -------
        SmoothLoss
        """
        m = exact_matrix(target, "target")
        (mu,) = exact_matrix([[strength]], "strength")
        if mu.is_negative:
            raise HypothesisError(f"strength: got {mu}, expected a number ≥ 0")
        p = cls.symbols(*m.shape)
        return cls(sympy.Add(*(((a - b) ** 2 + mu * b**2) / 2 for a, b in zip(m, p, strict=True))), p)

    @classmethod
    def huber(cls, target: Any, width: Any = 1) -> SmoothLoss:
        """Σ δ²(√(1 + (m_jk − p_jk)²/δ²) − 1): quadratic near the target, linear far away, smooth everywhere.

        Parameters
        ----------
        target : matrix-like, shape (d_h, d_0)
        width : exact number
            δ > 0.

        Returns
        -------
        SmoothLoss
        """
        m = exact_matrix(target, "target")
        (delta,) = exact_matrix([[width]], "width")
        if not delta.is_positive:
            raise HypothesisError(f"width: got {delta}, expected a positive number")
        p = cls.symbols(*m.shape)
        terms = (sympy.sqrt(1 + ((a - b) / delta) ** 2) - 1 for a, b in zip(m, p, strict=True))
        return cls(delta**2 * sympy.Add(*terms), p)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (d_h, d_0) of the products that the loss takes."""
        return int(self.entries.rows), int(self.entries.cols)

    @property
    def free_symbols(self) -> set[sympy.Symbol]:
        """Parameters of the cost: its symbols without those of `entries`."""
        return set(self.cost.free_symbols) - set(self.entries)

    @property
    def is_polynomial(self) -> bool:
        """Whether C is a polynomial in the entries."""
        return bool(self.cost.is_polynomial(*self.entries))

    @property
    def degree(self) -> int | None:
        """Degree of C in the entries of P; None if it is no polynomial."""
        if not self.is_polynomial:
            return None
        return int(sympy.Poly(self.cost, *self.entries.flat()).total_degree())

    def degree_along(self, depth: int, order: int | None) -> int:
        """Degree of ε ↦ C((W_h + εV_h)⋯(W_1 + εV_1)) for a network of some depth; `order` if C is no polynomial."""
        if self.degree is not None:
            return self.degree * depth
        if order is None:
            raise HypothesisError("the loss is no polynomial: give the order of the derivatives that are wanted")
        return order

    @property
    def gradient(self) -> Matrix:
        """∇C as a matrix of expressions in the entries."""
        return self.entries.applyfunc(self.cost.diff)

    @property
    def moments(self) -> list[Matrix]:
        """None: there is nothing beside the weights to bring into one arithmetic."""
        return []

    @property
    def moment_names(self) -> list[str]:
        """Empty, like `moments`."""
        return []

    @property
    def gram(self) -> None:
        """None: the loss sees the product itself."""
        return None

    @property
    def input_rank(self) -> int:
        """d_0, if the gradients ∇C(P) span all d_h × d_0 matrices; needed to count conservation laws.

        Raises
        ------
        HypothesisError
            If they do not, as in matrix completion: then there can be more laws than those that hold for every loss.
        """
        rows, cols = self.shape
        if self.gradient_span() < rows * cols:
            raise HypothesisError(
                f"the gradients of this loss span fewer than {rows}·{cols} dimensions (entries that it does not see?): "
                "it may have more laws than those for every loss; count the latter with GradientFlow(network)"
            )
        return cols

    def gradient_span(self, *, seed: int = 0) -> int:
        """Dimension of the span of ∇C(P) over all P.

        Parameters
        ----------
        seed : int
            Of the random points at which a cost that is no polynomial is evaluated.

        Returns
        -------
        int
            Exact for polynomials; otherwise a lower bound, full (by a determinant that excludes 0) or 0.
        """
        flat = self.gradient.flat()
        if self.is_polynomial:
            polynomials = [sympy.Poly(entry, *self.entries.flat()).as_dict() for entry in flat]
            monomials = sorted({monomial for polynomial in polynomials for monomial in polynomial})
            if not monomials:
                return 0
            zero = sympy.Integer(0)
            return rank([[polynomial.get(monomial, zero) for monomial in monomials] for polynomial in polynomials])
        return len(flat) if self._independent_gradients(seed) else 0

    def _independent_gradients(self, seed: int) -> bool:
        size, generator = len(self.entries), np.random.default_rng(seed)
        rows = []
        with flint.ctx.workprec(128):
            for _ in range(size):
                point = {p: sympy.Rational(int(generator.integers(-40, 41)), 16) for p in self.entries}
                values = [entry.xreplace(point) for entry in self.gradient.flat()]
                if any(value.free_symbols for value in values):
                    raise HypothesisError("the cost has free symbols; substitute numbers first")
                rows.append([_ball(value) for value in values])
            return bool(flint.arb_mat(rows).det() != 0)

    def fitted(self, rows: int, cols: int) -> SmoothLoss:
        """This loss, if it takes products of shape (rows, cols); DimensionError otherwise."""
        if self.shape != (rows, cols):
            raise DimensionError(f"loss: got one for shape {self.shape}, expected {(rows, cols)} = (d_h, d_0)")
        return self

    def value(self, product: Any) -> sympy.Expr:
        """C(P).

        Parameters
        ----------
        product : matrix, shape (d_h, d_0)

        Returns
        -------
        sympy.Expr
            Exact; expanded.
        """
        return sympy.expand(self.cost.xreplace(self._at(product)))

    def residual(self, product: Any) -> Matrix:
        """−∇C(P), as `residual_in`, for a product in any exact form."""
        return self.residual_in(product, [])

    def residual_in(self, product: Any, moments: Sequence[Any]) -> Matrix:
        """−∇C(P).

        Parameters
        ----------
        product : matrix, shape (d_h, d_0)
        moments : sequence
            Empty.

        Returns
        -------
        sympy.ImmutableDenseMatrix
            Exact; expanded.
        """
        if len(moments):
            raise DimensionError("moments: a smooth loss has none")
        point = self._at(product)
        return self.gradient.applyfunc(lambda entry: -sympy.expand(entry.xreplace(point)))

    def chain_and_residual(self, weights: Sequence[Any]) -> tuple[Chain, Any]:
        """Partial products and −∇C(P) in the narrowest arithmetic that holds both.

        Parameters
        ----------
        weights : sequence of matrices
            In one arithmetic of `analytic.exact.domains.common_domain`.

        Returns
        -------
        (Chain, matrix)
        """
        chain = Chain(weights)
        residual = self.residual_in(chain.product, [])
        try:
            *layers, joined = common_domain([*weights, residual])
        except BlockshiftError:  # transcendental numbers: sympy matrices, exact expressions
            layers, joined = [sympy_matrix(weight) for weight in weights], residual
        return Chain(layers), joined

    def along(self, products: Sequence[Any], order: int) -> list[sympy.Expr]:
        """Coefficients of 1, ε, …, ε^order in C(P_0 + εP_1 + ε²P_2 + …).

        Parameters
        ----------
        products : sequence of matrices
        order : int

        Returns
        -------
        list of sympy.Expr
            Exact.
        """
        epsilon = sympy.Dummy("epsilon")
        matrices = [sympy_matrix(product) for product in products]
        point = {
            p: sympy.Add(*(epsilon**k * matrix[place] for k, matrix in enumerate(matrices)))
            for place, p in enumerate(self.entries)
        }
        moved = self.cost.xreplace(point)
        if self.is_polynomial:
            found = sympy.Poly(sympy.expand(moved), epsilon)
            return [sympy.expand(found.coeff_monomial(epsilon**k)) for k in range(order + 1)]
        coefficients = []
        for k in range(order + 1):
            coefficients.append(moved.subs(epsilon, 0) / sympy.factorial(k))
            moved = moved.diff(epsilon)
        return coefficients

    def hessian(self, chain: Chain, edges: Sequence[tuple[int, int, int]]) -> Matrix:
        """Hessian of W ↦ C(W_h⋯W_1): Jᵀ C″ J + the terms with ∇C.

        Parameters
        ----------
        chain : Chain
            Partial products of the weights.
        edges : sequence of (layer, row, col)
            The parameters, as `LinearNetwork.edges` numbers them.

        Returns
        -------
        sympy.ImmutableDenseMatrix
            Exact, symmetric.

        Notes
        -----
        (d_h d_0)² second derivatives of C and O(D²) sums of as many terms, in sympy: for small networks.
        """
        return smooth_hessian(self.cost, self.entries, self._at(chain.product), chain, edges)

    def gradient_at(self, product: Any, *, digits: int = 30) -> Any:
        """∇C(P) in numbers.

        Parameters
        ----------
        product : matrix-like, shape (d_h, d_0)
            Exact, or an mpmath matrix.
        digits : int

        Returns
        -------
        mpmath.matrix
        """
        numbers = {p: _as_sympy(product, r, c, digits) for (r, c), p in self._places(product)}
        result = mpmath.matrix(*self.shape)
        for (r, c), _ in self._places(product):
            value = self.gradient[r, c].evalf(digits + 5, subs=numbers)
            if value.free_symbols or not value.is_real:
                raise HypothesisError(f"the gradient at ({r}, {c}) is {value}, expected a real number")
            result[r, c] = mpmath.mp.make_mpf(sympy.Float(value, digits + 5)._mpf_)
        return result

    def numpy_function(self, supports: Sequence[Any], shapes: Sequence[tuple[int, int]]) -> Callable[[Any], Any]:
        """The vector field on flat parameters in doubles, for layers of these `shapes`; no masks (`supports`)."""
        if any(support is not None for support in supports):
            raise HypothesisError("the numpy function of a smooth loss needs dense layers")
        if self.free_symbols:
            raise HypothesisError("the cost has free symbols; substitute numbers first")
        return smooth_field(self.entries, self.gradient, shapes)

    def _places(self, product: Any) -> list[tuple[tuple[int, int], sympy.Symbol]]:
        if shape_of(product) != self.shape:
            raise DimensionError(f"product: got shape {shape_of(product)}, expected {self.shape}")
        return [((r, c), self.entries[r, c]) for r in range(self.shape[0]) for c in range(self.shape[1])]

    def _at(self, product: Any) -> dict[sympy.Symbol, sympy.Expr]:
        exact = sympy_matrix(product) if hasattr(product, "nrows") else exact_matrix(product, "product")
        return {p: exact[r, c] for (r, c), p in self._places(exact)}

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form: shape, cost as text, symbols of the entries, and the cost as a tree for `from_dict`."""
        return {
            "shape": list(self.shape),
            "cost": str(self.cost),
            "entries": [to_tree(symbol) for symbol in self.entries.flat()],
            "tree": to_tree(self.cost),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SmoothLoss:
        """Read the form that `to_dict` writes; text is never evaluated.

        Parameters
        ----------
        data : dict

        Returns
        -------
        SmoothLoss
            Equal to the one that was written.

        Raises
        ------
        HypothesisError
            If it is something else.

        Examples
        --------
        >>> loss = SmoothLoss.weighted([[1, 2]], [[1, 0]])
        >>> SmoothLoss.from_dict(loss.to_dict()) == loss
        True
        """
        try:
            rows, cols = data["shape"]
            entries = Matrix(rows, cols, [from_tree(symbol) for symbol in data["entries"]])
            cost = from_tree(data["tree"])
        except (KeyError, TypeError, ValueError, IndexError) as problem:
            raise HypothesisError(f"got no SmoothLoss: expected the form that to_dict writes ({problem!r})") from None
        return cls(cost, entries)

    def __repr__(self) -> str:
        rows, cols = self.shape
        return f"SmoothLoss(product {rows}×{cols}, {'polynomial' if self.is_polynomial else 'not polynomial'})"


def _as_sympy(product: Any, r: int, c: int, digits: int) -> sympy.Expr:
    entry = product[r, c] if hasattr(product, "rows") else product[r][c]
    if isinstance(entry, mpmath.mpf):
        return sympy.Float(entry, digits + 10)
    return exact_matrix([[entry]], "product")[0, 0]


def _ball(value: sympy.Expr) -> flint.arb:
    number = sympy.N(value, 45)
    mantissa = flint.arb(str(number))
    return flint.arb(mantissa.mid(), abs(mantissa) * flint.arb(2) ** -120 + flint.arb(2) ** -120)
