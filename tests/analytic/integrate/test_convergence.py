"""`until="converged"`: products to their digits, weak modes beside strong ones, entries that die out, hidden ends."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy

from analytic.flow import GradientFlow
from analytic.integrate import Status, flow_from_options, flow_report, integrate
from analytic.integrate._dyadic import mpf
from analytic.integrate._spectra import least_positive_eigenvalue
from analytic.loss import QuadraticLoss
from analytic.smooth_loss import SmoothLoss
from graphs.network import LinearNetwork


def network_flow(widths, sigma):
    loss = QuadraticLoss.diagonal(*sigma, shape=(widths[-1], widths[0]))
    return GradientFlow(LinearNetwork(*widths), loss)


def close(found, wanted, digits):
    return abs(found - wanted) <= mpmath.mpf(10) ** -digits * abs(wanted)


@pytest.mark.parametrize(
    ("widths", "sigma", "scale", "digits"),
    [
        ((2, 2, 2), (2, 1), "1e8", 10),
        ((2, 2, 2), (1000, 1), 1, 10),
        ((2, 3, 2), (2, 1), "1e-5", 20),
        ((3, 2, 3), (4, 2, 1), 3, 12),
        ((2, 2, 2, 2), (2, 1), 20, 10),
    ],
)
def test_every_mode_of_the_limit_has_its_digits(widths, sigma, scale, digits):
    path = integrate(network_flow(widths, sigma), scale=scale, rng=0, until="converged", digits=digits)
    assert path.status is Status.CONVERGED
    found = path.singular_values()
    assert all(close(s, wanted, digits) for s, wanted in zip(found, sigma[: min(widths)], strict=False))
    again = integrate(network_flow(widths, sigma), scale=scale, rng=0, t=path.exact_times[-1], digits=2 * digits)
    assert all(close(s, better, digits) for s, better in zip(found, again.singular_values(), strict=True) if better)


def test_a_weak_mode_that_moves_is_not_taken_for_learnt():
    path = integrate(network_flow((2, 2, 2), ("1e20", 1)), scale=1, rng=0, until="converged", digits=10, max_steps=400)
    assert path.status is Status.BUDGET
    assert path.notes[-1].startswith("not converged yet: mode 2 is 1.129")
    diagonal = GradientFlow(LinearNetwork.diagonal(3, 2), QuadraticLoss.diagonal(3, 2, "1e-6"))
    path = integrate(diagonal, scale="1e-20", rng=0, until="converged", digits=10, max_steps=200)
    assert path.status is Status.BUDGET
    assert path.notes[-1].endswith("entry 3 of the product is 1.0e-6 away from its target 1.0e-6")


@pytest.mark.parametrize(("scale", "most"), [("1e-20", 80), (1, 150)])
def test_an_entry_that_dies_out_does_not_hold_up_the_others(scale, most):
    flow = GradientFlow(LinearNetwork.diagonal(3, 2), QuadraticLoss.diagonal(3, 2, 0))
    path = integrate(flow, scale=scale, rng=0, until="converged", digits=20)
    verdict = path.convergence
    assert path.status is Status.CONVERGED and path.steps < most
    assert verdict.certified and verdict.loss_lower == 0
    # of w₁' = −w₁w₂², w₂' = −w₁²w₂ the smaller one goes to zero and w₁² − w₂² stays
    first, last = (layer[2, 2] for layer in path.final)
    with mpmath.workdps(60):
        limit = mpmath.sqrt(abs(first**2 - last**2))
        way = min(abs(first), abs(last)) + max(abs(first), abs(last)) - limit
        assert way <= verdict.distance * (1 + mpmath.mpf(10) ** -15)
    assert verdict.distance <= 3 * max(abs(first), abs(last)) + mpmath.mpf(10) ** -20


def test_deep_layers_without_a_target_of_their_own_do_not_hold_up_the_others():
    path = integrate(network_flow((3, 3, 3, 3), (3, 2)), scale="1e-2", rng=0, until="converged", digits=10)
    assert path.status is Status.CONVERGED and path.steps < 200
    assert not path.convergence.certified
    assert path.convergence.loss_lower == 0 <= path.loss[-1] < 1e-9
    assert all(close(s, wanted, 10) for s, wanted in zip(path.singular_values(), (3, 2), strict=False))


@pytest.mark.parametrize("digits", [5, 7, 10, 15, 30])
@pytest.mark.parametrize("widths", [(2, 2, 2), (2, 3, 2), (2, 2, 2, 2)])
def test_rounding_does_not_keep_an_arrived_flow_from_resting(widths, digits):
    path = integrate(network_flow(widths, (2, 1)), scale=1, rng=0, t=400, digits=digits)
    assert path.steps < 80
    assert "at rest" in path.notes[-1]
    limit = integrate(network_flow(widths, (2, 1)), scale=1, rng=0, until="converged", digits=2 * digits)
    with mpmath.workdps(80):
        for ours, true in zip(path.final, limit.final, strict=True):
            assert mpmath.mnorm(ours - true, "f") <= mpmath.mpf(10) ** -digits * mpmath.mnorm(true, "f")


def test_a_layer_that_goes_to_zero_converges_to_the_digits_of_the_unit():
    path = integrate(network_flow((3, 3), (0, 0)), scale=1, rng=0, until="converged", digits=10)
    assert path.status is Status.CONVERGED and path.convergence.certified
    assert mpmath.norm(path.final[0]) <= path.convergence.distance * (1 + mpmath.mpf(10) ** -6)


@pytest.mark.parametrize("seed", range(12))
def test_every_printed_digit_of_a_singular_value_is_right(seed):
    rng = np.random.default_rng(seed)
    depth = 2 + seed % 2
    widths, size = [int(n) for n in rng.integers(1, 4, depth + 1)], (-9, 0, 2)[seed % 3]
    sigma = [str(s) for s in rng.integers(1, 4, min(widths[0], widths[-1]))]
    options = {
        "widths": widths,
        "sigma": sigma,
        "alpha": f"1e{size}",
        "seed": seed,
        "t": f"1e{-size * depth if size > 0 else 1}",
    }
    run, fine = (flow_from_options(digits=digits, **options) for digits in (10, 50))
    final = flow_report(run)["final"]
    claims = zip(run.singular_values(), fine.singular_values(), final["singular_value_digits"], strict=True)
    with mpmath.workdps(60):
        assert all(close(s, true, digits) for s, true, digits in claims if digits)
    assert final["singular_value_digits"][0] > 5


def test_what_cancels_in_the_product_of_huge_layers_is_not_printed():
    options = {"widths": [2, 2, 2], "sigma": [2, 1], "alpha": "1e8", "t": "1e-15"}
    report = flow_report(digits=10, **options)
    assert report["final"]["singular_value_digits"] == [10, 0]
    assert report["final"]["singular_values"][1] == "6e+4"
    fine = flow_report(digits=40, **options)["final"]["singular_values"][1]
    assert fine.startswith("56425.0745")


def two_by_two(*scales):
    """Inputs diag(scales), outputs that only the first sees."""
    return QuadraticLoss.from_data([[scales[0], 0], [0, scales[1]]], [[1, 0], [0, 0]])


GIVEN = [[[1, "1/3"], ["1/2", 1]], [[1, "1/4"], [0, 1]]]


def test_a_direction_that_the_data_hardly_have_is_not_taken_for_arrived():
    for loss in (two_by_two(1, "1e-5"), SmoothLoss.weighted([[1, 0], [0, 0]], [[1, "1e-12"], [1, "1e-12"]])):
        flow = GradientFlow(LinearNetwork(2, 2, 2), loss)
        path = integrate(flow, GIVEN, until="converged", digits=10, max_steps=60)
        assert path.status is Status.BUDGET
        assert "so unequally" in path.notes[-1]
    # one layer: the second column is e^{−10^{−40} t}, and rests no sooner
    path = integrate(
        GradientFlow(LinearNetwork(2, 2), two_by_two(1, "1e-20")), [[[2, 1], [1, 1]]], t="1e41", max_steps=60
    )
    assert path.status is Status.BUDGET


def test_least_positive_eigenvalues_are_those_of_the_exact_matrix():
    for small in ("1e-5", "1e-200"):
        loss = QuadraticLoss.from_data([[1, 1, 0], [0, small, 0], [0, 0, 0]], [[1, 0, 0]])
        found = least_positive_eigenvalue(loss.gram)
        with mpmath.workdps(450):
            a, b = 2, mpmath.mpf(small) ** 2  # [[2, s], [s, s²]] has the determinant s² = λ₁λ₂
            true = ((a + b) - mpmath.sqrt((a + b) ** 2 - 4 * b)) / 2
            assert abs(mpf(found) / true - 1) < 1e-8
    assert least_positive_eigenvalue(sympy.zeros(2, 2)) == 0


def test_tiny_curvatures_of_entries_are_seen():
    loss = QuadraticLoss.from_data([[1, 0], [0, "1e-165"]], [[2, 0], [0, "5e-165"]])
    start = [[["1/2", 0], [0, "1/3"]], [[1, 0], [0, 1]]]
    flow = GradientFlow(LinearNetwork.diagonal(2, 2), loss)
    path = integrate(flow, start, until="converged", digits=15, max_steps=60)
    assert path.status is Status.BUDGET and "entry 2" in path.notes[-1]


def test_modes_of_data_below_their_rank_have_their_digits():
    inputs = [[1, 0, 0], [0, "1001/1000", 0], [0, 0, 1]]
    outputs = [[1, 0, 0], [0, Fraction(1001, 1000) * Fraction(1, 10**7), 0], [0, 0, "1e-8"]]
    flow = GradientFlow(LinearNetwork(3, 2, 3), QuadraticLoss.from_data(inputs, outputs))
    start = [[[1, 0, 0], [0, "1e-8", "1e-8"]], [[1, 0], [0, 1], [0, "1e-8"]]]
    path = integrate(flow, start, until="converged", digits=10)
    assert path.status is Status.CONVERGED
    first, second, _ = path.singular_values()
    # the second mode of B G^{-1/2} is that of the target up to what the rows mix, 1e-3 · (1e-8/1e-7)² of it at most
    assert close(first, 1, 10) and close(second, mpmath.mpf("1e-7"), 4)
    better = integrate(flow, start, t=4 * path.exact_times[-1], digits=20)
    assert close(second, better.singular_values()[1], 9)


@pytest.mark.parametrize(("t", "digits"), [("1e9", 5), ("1e12", 10), ("1e20", 15), ("1e40", 15), ("1e20", 30)])
def test_forces_that_vanish_to_higher_order_keep_their_digits(t, digits):
    """C = (x − 1)⁴/4: ẋ = −(x − 1)³, expanded, cancels to noise while steps grow; (x − 1)² = 1/(4 + 2t) from 1/2."""
    x = SmoothLoss.symbols(1, 1)[0, 0]
    flow = GradientFlow(LinearNetwork(1, 1), SmoothLoss((x - 1) ** 4 / 4, SmoothLoss.symbols(1, 1)))
    path = integrate(flow, [[["1/2"]]], t=t, digits=digits)
    with mpmath.workdps(80):
        assert close(path.final[0][0, 0], 1 - 1 / mpmath.sqrt(4 + 2 * mpmath.mpf(t)), digits)
    assert path.steps < 500


def test_a_degenerate_minimum_is_not_taken_for_arrived():
    symbols = SmoothLoss.symbols(2, 2)
    cost = (symbols[0, 0] - 1) ** 4 + (symbols[1, 1] - 2) ** 4
    flow = GradientFlow(LinearNetwork.diagonal(2, 2), SmoothLoss(cost, symbols))
    start = [[["1/2", 0], [0, "1/3"]], [[1, 0], [0, 1]]]
    assert integrate(flow, start, until="converged", digits=5, max_steps=150).status is Status.BUDGET


def test_the_bracket_of_the_loss_allows_for_what_an_estimate_does_not_see():
    supports = [[[1, 1], [0, 1]], [[1, 0], [0, 1]]]
    start = [[[1, 0], [0, "1e-30"]], [[1, 0], [0, "1e-30"]]]
    masked = GradientFlow(LinearNetwork(2, 2, 2, supports=supports), QuadraticLoss([[1, 0], [0, "1e-10"]]))
    smooth = GradientFlow(LinearNetwork(2, 2, 2), SmoothLoss.weighted([[1, 0], [0, "1e-12"]], [[1, 1], [1, 1]]))
    for flow in (masked, smooth):
        path = integrate(flow, start, until="converged", digits=10)
        assert not path.convergence.certified
        assert path.convergence.loss_lower < 1e-40 < path.convergence.loss_upper


def test_a_loss_that_is_frozen_at_rest_claims_no_digits():
    flow = GradientFlow(LinearNetwork(2, 2, 2), QuadraticLoss([[2, 1], [1, 3]]))
    final = flow_report(integrate(flow, scale=1, rng=1, t=60, digits=10, precision=400))["final"]
    assert final["loss_digits"] == 0
    assert final["singular_value_digits"] == [10, 10]
