"""Random rectangular networks beside heyoka with a tolerance set by hand: smallest mode times accuracy wanted."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from analytic.flow import GradientFlow
from analytic.integrate import integrate
from analytic.integrate.start import start_weights
from analytic.loss import QuadraticLoss
from graphs.network import LinearNetwork

DIGITS = 25
KINDS = ("full", "rank one", "with zeros", "equal", "negative", "data", "fewer samples than inputs")
# scale, and the time in units of 1/(largest singular value); by then a small start has left the origin, or is about to
STARTS = {
    2: (("1", 1.5), ("1e-5", 16), ("1e-20", 52), ("1e-60", 145)),
    3: (("1/2", 2), ("1e-20", 1e19), ("1e-2", 60)),
    4: (("1/2", 2), ("1e-3", 1e5)),
}


def random_target(kind, rows, cols, rng):
    """Singular values with zeros, equal ones, or ones given with a minus sign; or no special ones."""
    if kind == "full":
        return rng.integers(-6, 7, (rows, cols)) * Fraction(1, 3)
    if kind == "rank one":
        return np.outer(rng.integers(1, 4, rows), rng.integers(-3, 0, cols)) * Fraction(1, 2)
    values = {"with zeros": (2, 0, 1, 0), "equal": (2, 2, 2, 2), "negative": (-2, 1, -1, -2)}[kind]
    return np.array([[Fraction(values[r]) if r == c else Fraction(0) for c in range(cols)] for r in range(rows)])


def random_case(seed):
    """Network, loss, −∇_P L = c(B − P G) as the pair (cB, cG), scale and time."""
    rng = np.random.default_rng(seed)
    depth = 2 + seed % 3
    scale, duration = STARTS[depth][seed // 3 % len(STARTS[depth])]
    widest = 2 if scale == "1e-60" else 4  # there heyoka needs orders near 170
    widths = [int(width) for width in rng.integers(1, widest + 1, depth + 1)]
    kind, (rows, cols) = KINDS[seed % len(KINDS)], (widths[-1], widths[0])
    if kind in KINDS[:5]:
        cross, gram = random_target(kind, rows, cols, rng), np.eye(cols, dtype=int) * Fraction(1)
        loss = QuadraticLoss(cross.tolist())
    else:
        samples = cols + 2 if kind == "data" else max(1, cols - 1)
        inputs = rng.integers(-2, 3, (cols, samples)) * Fraction(1, 2)
        outputs = rng.integers(-3, 4, (rows, samples)) * Fraction(1)
        loss = QuadraticLoss.from_data(inputs.tolist(), outputs.tolist(), normalisation="mean")
        cross, gram = outputs @ inputs.T / samples, inputs @ inputs.T / samples
    fastest = max(1.0, np.linalg.norm(cross.astype(float), 2), np.linalg.norm(gram.astype(float), 2))
    return LinearNetwork(*widths), loss, (cross, gram), scale, Fraction(round(64 * duration / fastest), 64)


def field_of(heyoka, network, moments, bits):
    """Ẇ_i = W_{>i}ᵀ (cB − P cG) W_{<i}ᵀ in heyoka's expressions."""
    number = np.vectorize(lambda x: heyoka.expression(real(heyoka, Fraction(x), bits)), otypes=[object])
    symbols = [heyoka.expression(f"w{i}") for i in range(network.num_parameters)]
    numbers = iter(symbols)
    layers = [np.array([[next(numbers) for _ in range(c)] for _ in range(r)]) for r, c in network.layer_shapes]
    prefixes = [layers[0]]
    for layer in layers[1:]:
        prefixes.append(layer @ prefixes[-1])
    cross, gram = map(number, moments)
    behind = cross - prefixes[-1] @ gram
    field = []
    for i in range(len(layers) - 1, 0, -1):
        field.insert(0, behind @ prefixes[i - 1].T)
        behind = layers[i].T @ behind
    field.insert(0, behind)
    return list(zip(symbols, [entry for layer in field for entry in layer.flat], strict=True))


def real(heyoka, x, bits):
    return heyoka.real(int(x.numerator), bits) / heyoka.real(int(x.denominator), bits)


@pytest.mark.parametrize("seed", range(14))
def test_heyoka_with_a_tolerance_set_by_hand_agrees_on_rectangular_networks(seed):
    heyoka = pytest.importorskip("heyoka")
    network, loss, moments, scale, time = random_case(seed)
    small = int(scale[3:]) if "e" in scale else 1
    bits = math.ceil((DIGITS + 2 * small + 20) * math.log2(10))
    start = start_weights(network, None, scale, seed)
    state = np.array([real(heyoka, e, bits) for layer in start.layers for row in layer for e in row])
    tolerance = heyoka.real(f"1e-{DIGITS + 2 * small}", bits)
    stepper = heyoka.taylor_adaptive(
        field_of(heyoka, network, moments, bits),
        state,
        fp_type=heyoka.real,
        prec=bits,
        tol=tolerance,
        compact_mode=True,
    )
    stepper.propagate_until(real(heyoka, time, bits))
    ours = integrate(GradientFlow(network, loss), scale=scale, rng=seed, t=time, digits=DIGITS)
    with mpmath.workdps(DIGITS + 2 * small + 20):
        theirs = iter([mpmath.mpf(str(value)) for value in stepper.state])
        for layer in ours.final:
            other = mpmath.matrix([[next(theirs) for _ in range(layer.cols)] for _ in range(layer.rows)])
            assert mpmath.mnorm(layer - other, "f") <= mpmath.mnorm(layer, "f") * mpmath.mpf(10) ** (2 - DIGITS)


def test_the_random_networks_are_of_every_kind():
    cases = [random_case(seed) for seed in range(14)]
    assert {network.depth for network, *_ in cases} == {2, 3, 4}
    assert {scale for *_, scale, _ in cases} == {scale for starts in STARTS.values() for scale, _ in starts}
    assert sum(network.widths[0] != network.widths[-1] for network, *_ in cases) >= 8
    targets = [cross.astype(float) for _, _, (cross, _), *_ in cases]
    assert sum(np.linalg.matrix_rank(target) < min(target.shape) for target in targets) >= 3
