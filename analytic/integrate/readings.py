"""What one reads off a run at any of its times: loss, product, spectra, modes, conserved matrices, pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from flint import arb, arb_mat, ctx

from analytic.integrate._dyadic import mpf, mpmath_matrix
from analytic.integrate.modes import modes_of
from analytic.integrate.plot import draw
from analytic.integrate.problem import Problem
from analytic.integrate.quantities import decomposition, sampled, spectrum
from analytic.integrate.quantities import tangent_kernel as kernel_matrix
from analytic.integrate.series import GUARD_BITS

if TYPE_CHECKING:
    from analytic.integrate.trajectory import Trajectory

__all__ = ["Readings"]


class Readings(ABC):
    """All that follows from the weights; `Trajectory` supplies them."""

    @property
    @abstractmethod
    def problem(self) -> Problem:
        """The flow in balls at the working precision, in the frame of the run."""

    @abstractmethod
    def _weights(self, t: Any) -> list[arb_mat]:
        """Weights at a time, in the frame of the run; None is the end."""

    def loss_at(self, t: Any) -> Any:
        """Loss at time t (mpf)."""
        return self._loss(self._weights(t))

    def product(self, t: Any = None) -> Any:
        """W_h⋯W_1 at time t, by default at the end, as an mpmath matrix."""
        weights = self._weights(t)
        with ctx.workprec(self.problem.precision + GUARD_BITS):
            return mpmath_matrix(self.problem.product(self.problem.back(weights)))

    def _loss(self, weights: list[arb_mat]) -> Any:
        """Loss at weights; what rounding takes below zero where no loss is negative is zero."""
        problem = self.problem
        with ctx.workprec(problem.precision + GUARD_BITS):
            loss = problem.loss(weights).mid()
            return mpf(max(loss, arb(0)) if problem.force.is_nonnegative else loss)

    def singular_values(self, t: Any = None, *, layer: int | None = None) -> tuple[Any, ...]:
        """Singular values of the product, or of one layer (1 … h), at time t, by default at the end.

        With modes that the frame separates the small ones are accurate relative to their own size.
        """
        return spectrum(self.problem, self._weights(t), layer)

    def singular_vectors(self, t: Any = None, *, layer: int | None = None) -> tuple[Any, Any, Any]:
        """U, (s_1, …), V with the product (or a layer) U diag(s) Vᵀ at time t, by default at the end."""
        return decomposition(self.problem, self._weights(t), layer)

    def layer_singular_values(self, t: Any = None) -> tuple[tuple[Any, ...], ...]:
        """Singular values of each layer at time t, by default at the end."""
        return tuple(self.singular_values(t, layer=layer) for layer in range(1, self.problem.depth + 1))

    def mode_strengths(self, t: Any = None) -> tuple[Any, ...]:
        """u_kᵀ P v_k for the modes of the target, in decreasing order of σ_k, at time t, by default at the end."""
        weights = self._weights(t)
        with ctx.workprec(self.problem.precision):
            product = self.problem.product(weights)
            return tuple(mpf(mode.learnt(product)) for mode in modes_of(self.problem))

    def balancedness(self, t: Any = None) -> tuple[Any, ...]:
        """The conserved matrices W_{i+1}ᵀW_{i+1} − W_iW_iᵀ, 0 < i < h, at time t, by default at the end."""
        weights = self._weights(t)
        with ctx.workprec(self.problem.precision + GUARD_BITS):
            pairs = pairwise(weights)
            return tuple(mpmath_matrix(above.transpose() * above - below * below.transpose()) for below, above in pairs)

    def tangent_kernel(self, t: Any = None) -> Any:
        """Matrix K with vec(dP/dt) = K vec(R), entries of P and R row by row, at time t, by default at the end."""
        return kernel_matrix(self.problem, self._weights(t))

    def sample(
        self,
        quantity: str | Callable[[Any], Any] = "loss",
        count: int = 101,
        *,
        spacing: str = "linear",
        times: Sequence[Any] | None = None,
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """A quantity on a grid of times; of gradient descent at its iterates.

        Parameters
        ----------
        quantity : str or callable
            "loss", "product", "singular_values", "mode_strengths", "weights", …: a method of this class that takes
            a time, or a function of the weights (a tuple of mpmath matrices).
        count : int
            Number of times; of gradient descent at most so many of its iterates, the first and the last among them.
        spacing : {"linear", "log"}
            "log" goes geometrically from the end of the first step to the end.
        times : sequence, optional
            Times of your own, as `at` takes them, in place of the grid.

        Returns
        -------
        (times, values)
        """
        return sampled(cast("Trajectory", self), quantity, count, spacing, times)

    def plot(
        self,
        ax: Any = None,
        *,
        quantity: str | Callable[[Any], Any] | None = None,
        spacing: str = "linear",
        count: int | None = None,
    ) -> Any:
        """Draw a quantity against time with matplotlib; of gradient descent the iterates.

        Dotted lines are the events, with their words above. A run of no time is drawn as points.

        Parameters
        ----------
        ax : matplotlib axes, optional
        quantity : str or callable, optional
            See `sample`; by default the strengths of the modes, or without a target the singular values. Matrices
            are drawn entry by entry, symmetric ones on and above the diagonal; the loss by its logarithm. An entry of
            the balancedness that stays below the digits of the run, relative to the largest ‖W_i‖², is drawn as zero.
        spacing : {"linear", "log"}
            "log" draws the time since the start on a logarithmic axis.
        count : int, optional
            Number of times to begin with, by default 200; up to four times as many are added where curves bend. Of
            gradient descent the largest number of iterates, by default 1000.

        Returns
        -------
        matplotlib axes
        """
        return draw(cast("Trajectory", self), ax, quantity, spacing, count)
