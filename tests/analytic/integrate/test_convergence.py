"""`until="converged"`: products to their digits, weak modes beside strong ones, entries that die out, hidden ends."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from analytic.flow import GradientFlow
from analytic.integrate import Status, flow_from_options, flow_report, integrate
from analytic.loss import QuadraticLoss
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
    assert report["final"]["singular_value_digits"] == [10, 1]
    assert report["final"]["singular_values"][1] == "6e+4"
    fine = flow_report(digits=40, **options)["final"]["singular_values"][1]
    assert fine.startswith("56425.0745")
