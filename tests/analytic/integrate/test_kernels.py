"""The optional kernel beside the public one, and rounding of stored coefficients beside none."""

from __future__ import annotations

import pickle

import mpmath
import pytest
from flint import arb_mat, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from analytic.flow import GradientFlow
from analytic.integrate import integrate, windows
from analytic.integrate.links import links_of
from analytic.integrate.windows import WindowLink
from analytic.loss import QuadraticLoss
from graphs.errors import DimensionError, HypothesisError
from graphs.network import LinearNetwork

needs_libflint = pytest.mark.skipif(not windows.available(), reason="this build of python-flint is laid out otherwise")


def integers(rows, cols, seed):
    return arb_mat(rows, cols, [(31 * seed + 17 * e * e + 5 * e) % 41 - 20 for e in range(rows * cols)])


@needs_libflint
@settings(deadline=None, max_examples=30)
@given(st.tuples(*[st.integers(1, 6)] * 3), st.integers(1, 20), st.integers(0, 1000))
def test_all_kernels_give_the_exact_cauchy_products_of_integers(shape, count, seed):
    first, cols, rows = shape
    public = links_of((first, cols, rows), count, "public")
    for link in (*public, WindowLink(rows, cols, first, count)):
        weights, products, behinds = [], [], []
        for k in range(count):
            weights.append(integers(rows, cols, seed + k))
            products.append(integers(cols, first, seed + 3 * k + 1))
            behinds.append(integers(rows, first, seed + 7 * k + 2))
            found = (link.forward(weights[k], products[k]), *link.backward(behinds[k]))
            expected = (
                sum((weights[i] * products[k - i] for i in range(k + 1)), arb_mat(rows, first)),
                sum((behinds[i] * products[k - i].transpose() for i in range(k + 1)), arb_mat(rows, cols)),
                sum((weights[i].transpose() * behinds[k - i] for i in range(k + 1)), arb_mat(cols, first)),
            )
            assert all(a.entries() == b.entries() for a, b in zip(found, expected, strict=True))
            if k == count // 2:
                with ctx.workprec(60):
                    link.shorten()  # integers of a few bits: nothing is lost


@needs_libflint
@pytest.mark.parametrize(
    ("widths", "scale", "t", "digits"),
    [((1, 1, 1), 1, 2, 50), ((3, 2, 3), "1e-40", 60, 30), ((2, 3, 2, 2), "1/2", 1, 100), ((9, 2, 9), "1e-3", 5, 20)],
)
def test_kernels_agree_to_all_digits_in_the_same_steps(widths, scale, t, digits):
    flow = GradientFlow(LinearNetwork(*widths), QuadraticLoss.diagonal(*(3, 1)[: min(widths)]))
    runs = [integrate(flow, scale=scale, rng=1, t=t, digits=digits, kernel=kernel) for kernel in ("public", "libflint")]
    assert runs[0].steps == runs[1].steps
    assert [event.kind for event in runs[0].events] == [event.kind for event in runs[1].events]
    with mpmath.workdps(2 * digits):
        for ours, theirs in zip(runs[0].final, runs[1].final, strict=True):
            assert mpmath.mnorm(ours - theirs, "f") <= mpmath.mnorm(ours, "f") * mpmath.mpf(10) ** -digits


@needs_libflint
def test_a_proof_from_the_optional_kernel_is_replayed():
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(2, 1))
    run = integrate(flow, scale="1/3", rng=0, t=1, digits=20, rigorous=True, kernel="libflint", events=None)
    assert run.verify()


@needs_libflint
def test_the_kernel_is_kept_by_pickles_and_resumed_runs():
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss.diagonal(2, 1))
    half = integrate(flow, scale="1e-5", rng=0, t=1, digits=20, kernel="auto")
    again = pickle.loads(pickle.dumps(half))
    assert again.problem.kernel == half.problem.kernel == "libflint"
    whole = integrate(flow, scale="1e-5", rng=0, t=2, times=[1], digits=20, kernel="auto")
    assert again.resume(t=2).final == integrate(flow, scale="1e-5", rng=0, t=2, digits=20, kernel="auto").final
    assert again.final == whole.at(1)


def test_a_foreign_layout_is_recognised_and_the_public_kernel_taken(monkeypatch):
    windows.available.cache_clear()
    monkeypatch.setattr(windows, "_ENTRY_BYTES", 40)
    try:
        assert not windows.available()
        flow = GradientFlow(LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(1))
        assert integrate(flow, scale=1, rng=0, t=1, digits=10, kernel="auto").problem.kernel == "public"
        with pytest.raises(HypothesisError, match="self-test"):
            integrate(flow, scale=1, rng=0, t=1, digits=10, kernel="libflint")
    finally:
        windows.available.cache_clear()


def test_an_unknown_kernel_is_refused():
    flow = GradientFlow(LinearNetwork(1, 1, 1), QuadraticLoss.diagonal(1))
    with pytest.raises(DimensionError, match="kernel"):
        integrate(flow, scale=1, rng=0, t=1, kernel="cuda")
