"""What `integrate` costs against digits, width and depth, beside the multiply-adds that no kernel can avoid.

    python tests/benchmarks/cost.py [--out docs/_static/cost.svg /tmp/cost.png]

prints a table and draws it, in a minute or two. Times are CPU seconds from a start of size 1, against digits for
one unit of the flow's time, against width and depth for one step, because the number of steps depends on the draw of
the start more than on the shape; medians of three runs of a few steps (of one run where it takes seconds).

The limit is the number of multiply-adds of the 3(h − 1) Cauchy products, Σ K(K + 1)/2 · 3 Σ_j d_j d_{j−1} d_0 over the
steps of that very run, times what one of them takes inside FLINT: at full precision, or at the bits that the
coefficient needs.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from flint import arb, arb_mat, ctx

from analytic.flow import GradientFlow
from analytic.integrate import integrate
from analytic.integrate._dyadic import unpack, unpacked_number
from analytic.integrate.series import GUARD_BITS, taylor_series
from analytic.integrate.trajectory import Trajectory
from analytic.loss import QuadraticLoss
from graphs.network import LinearNetwork

DIGITS = (30, 50, 80, 120, 200, 300, 500, 800)
WIDTHS = (2, 3, 4, 6, 8, 12, 16, 24)
DEPTHS = (2, 3, 4, 5, 6, 7, 8)
KERNELS = ("public", "libflint")
HEYOKA_UP_TO = 200  # digits
SEED = 3
LONG_RUN = 1.0  # seconds; what is longer runs once
SIZE_BITS = 128  # precision at which only the sizes of the coefficients matter
OUT = Path(__file__).parents[2] / "docs" / "_static" / "cost.svg"


@dataclass(frozen=True)
class Point:
    """One network and accuracy: CPU seconds for a unit of the flow's time (or a step), by kernel and for the limits."""

    width: int
    depth: int
    digits: int
    bits: int
    order: int
    pace: float  # steps for a unit of time
    seconds: dict[str, float]
    full: float
    decay: float
    heyoka: float | None = None

    def by_step(self) -> Point:
        """The same for one step."""
        seconds = {kernel: value / self.pace for kernel, value in self.seconds.items()}
        return replace(self, seconds=seconds, full=self.full / self.pace, decay=self.decay / self.pace)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--out",
        type=Path,
        nargs="+",
        default=[OUT],
        help="pictures, .svg, .png or .pdf; docs/_static/cost.svg if not given",
    )
    files = parser.parse_args().out
    begin = time.perf_counter()
    print("CPU seconds for a unit of time, below by width and depth for a step; steps for a unit of time")
    print(row_of(COLUMNS))
    panels = {
        "digits": list(shown(with_heyoka(measured(3, 2, digits)) for digits in DIGITS)),
        "width": list(shown(measured(width, 2, 50).by_step() for width in WIDTHS)),
        "depth": list(shown(measured(3, depth, 50).by_step() for depth in DEPTHS)),
    }
    for name, first, last in (("digits", 200, 800), ("width", 8, 24), ("depth", 4, 8)):
        for label, values in series_of(panels[name]).items():
            power = slope(panels[name], name, values, first, last)
            if power is not None:
                print(f"{label:<9} ~ {name}^{power:.1f} from {first} to {last}")
    draw(panels, files)
    print(f"{', '.join(map(str, files))} after {time.perf_counter() - begin:.0f} s")


# what is measured


def problem_of(width: int, depth: int) -> tuple[GradientFlow, Fraction]:
    """Square layers, singular values between 3 and 1; the scale keeps the layers' norms about 1 for every width."""
    target = [3 - Fraction(2 * i, max(1, width - 1)) for i in range(width)]
    flow = GradientFlow(LinearNetwork(*[width] * (depth + 1)), QuadraticLoss.diagonal(*target))
    return flow, Fraction(round(50 / math.sqrt(width)), 100)


@cache
def measured(width: int, depth: int, digits: int) -> Point:
    """Both kernels in turn, and the limits of that run."""
    flow, scale = problem_of(width, depth)
    steps = 2 if digits > 300 else 3 if digits > 120 or width > 8 else 8

    def run(kernel: str) -> Trajectory:
        return integrate(
            flow,
            scale=scale,
            rng=SEED,
            t=1,
            digits=digits,
            events=None,
            frame="given",
            kernel=kernel,
            max_steps=steps,
        )

    times: dict[str, list[float]] = {kernel: [] for kernel in KERNELS}
    for _ in range(3):
        for kernel in KERNELS:
            seconds, path = timed(lambda kernel=kernel: run(kernel))
            times[kernel].append(seconds)
        if max(times[KERNELS[0]]) > LONG_RUN:
            break
    span = float(path.final_time)
    full, decay = limits(path)
    return Point(
        width,
        depth,
        digits,
        path.precision,
        round(statistics.mean(segment.order for segment in path.segments)),
        len(path.segments) / span,
        {kernel: statistics.median(found) / span for kernel, found in times.items()},
        full / span,
        decay / span,
    )


def limits(path: Trajectory) -> tuple[float, float]:
    """Seconds of the multiply-adds of a run: all at full precision, and at the bits that each order needs."""
    network = path.flow.network
    each = sum(3 * rows * cols * network.widths[0] for cols, rows in pairwise(network.widths[1:]))
    full = decay = 0.0
    for segment in path.segments:
        needed = bits_needed(path, segment)
        full += each * sum(k + 1 for k in range(segment.order)) * multiply_add(path.precision)
        decay += each * sum((k + 1) * multiply_add(bits) for k, bits in enumerate(needed))
    return full, decay


def bits_needed(path: Trajectory, segment: Any) -> list[int]:
    """Bits for orders 0 … K − 1, from the size of each coefficient beside the largest one before it."""
    node = [unpack(layer, shape) for layer, shape in zip(segment.weights, path.flow.network.layer_shapes, strict=True)]
    series = taylor_series(path.problem, node, segment.order, unpacked_number(segment.unit), SIZE_BITS)
    needed, largest = [], None
    for k in range(segment.order):
        sizes = path.problem.block_exponents([layer[k] for layer in series.layers])
        largest = sizes if largest is None else [max(pair) for pair in zip(sizes, largest, strict=True)]
        below = min(most - size for size, most in zip(sizes, largest, strict=True))
        needed.append(max(16, path.precision - below) + GUARD_BITS)
    return needed


@cache
def multiply_add(bits: int) -> float:
    """CPU seconds of a multiply-add of that many bits inside a product of FLINT's matrices with sums of 200 terms.

    Measured on a grid of limbs; the median of five batches.
    """
    limbs = (bits + 63) // 64
    if limbs > 8 and limbs % 4:
        low, high = limbs - limbs % 4, limbs - limbs % 4 + 4
        share = (limbs - low) / (high - low)
        return multiply_add(64 * low) * (1 - share) + multiply_add(64 * high) * share
    if bits != 64 * limbs:
        return multiply_add(64 * limbs)
    with ctx.workprec(bits):
        roots = [arb(k + 2).sqrt().mid() / 64 for k in range(600)]
        left, right = arb_mat(3, 200, roots), arb_mat(200, 3, [root.mid() for root in reversed(roots)])
        number = max(1, 4000 // bits)
        batches = [timed(lambda: [left * right for _ in range(number)])[0] for _ in range(5)]
    return statistics.median(batches) / number / 1800


def with_heyoka(point: Point) -> Point:
    """The same flow by heyoka's Taylor integrator of many digits, compile time not counted."""
    if importlib.util.find_spec("heyoka") is None or point.digits > HEYOKA_UP_TO:
        return point
    from test_bench_integrate import heyoka_run

    span = Fraction(1, 2)
    run = heyoka_run((3, 3, 3), point.digits, span, problem_of(3, 2)[1])
    return replace(point, heyoka=statistics.median(timed(run)[0] for _ in range(3)) / float(span))


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    answer = call()
    return time.process_time() - start, answer


# what is shown

COLUMNS = (
    "network", "digits", "bits", "order", "steps", "public", "libflint", "heyoka", "full", "decay", "public/decay",
    "libflint/decay",
)  # fmt: skip
WIDTH_OF_CELL = 9


def row_of(cells: Sequence[object]) -> str:
    texts = ["–" if cell is None else f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells]
    return "  ".join(text.rjust(max(WIDTH_OF_CELL, len(name))) for text, name in zip(texts, COLUMNS, strict=True))


def shown(points: Iterable[Point]) -> Iterator[Point]:
    for p in points:
        times = [p.seconds[kernel] for kernel in KERNELS]
        ratios = [seconds / p.decay if p.decay else None for seconds in times]
        cells = [f"[{p.width}]^{p.depth + 1}", p.digits, p.bits, p.order, p.pace, *times, p.heyoka]
        print(row_of([*cells, p.full or None, p.decay or None, *ratios]), flush=True)
        yield p


def series_of(points: list[Point]) -> dict[str, list[float | None]]:
    """Curves by label."""
    curves: dict[str, list[float | None]] = {kernel: [p.seconds[kernel] for p in points] for kernel in KERNELS}
    curves["heyoka"] = [p.heyoka for p in points]
    curves["full"] = [p.full or None for p in points]
    curves["decay"] = [p.decay or None for p in points]
    return {label: values for label, values in curves.items() if any(values)}


def slope(points: list[Point], name: str, values: list[float | None], first: int, last: int) -> float | None:
    """Exponent of the power law through two places; None where one of them is missing."""
    ends = {getattr(p, name): value for p, value in zip(points, values, strict=True)}
    low, high = ends[first], ends[last]
    return math.log(high / low) / math.log(last / first) if low and high else None


LINES = {
    "public": {"color": "#0072b2", "marker": "o", "label": "kernel public (the default)"},
    "libflint": {"color": "#d55e00", "marker": "s", "label": "kernel libflint"},
    "heyoka": {"color": "#009e73", "marker": "^", "label": "heyoka, compile time not counted"},
    "full": {"color": "0.55", "linestyle": ":", "label": "multiply-adds, all at full precision"},
    "decay": {"color": "black", "linestyle": "--", "label": "multiply-adds, at the bits they need"},
}
TITLES = {"digits": "[3, 3, 3]", "width": "[n, n, n], 50 digits", "depth": "[3, …, 3], 50 digits"}
NAMES = {"digits": "digits", "width": "width n", "depth": "depth h"}


def draw(panels: dict[str, list[Point]], files: Sequence[Path]) -> None:
    """Times above, their ratios to the limit below."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "cost", "font.size": 9})
    figure, axes = plt.subplots(
        2, 3, figsize=(10.5, 6), sharex="col", height_ratios=(2, 1), layout="constrained", facecolor="white"
    )
    for (name, points), above, below in zip(panels.items(), *axes, strict=True):
        places = [getattr(p, name) for p in points]
        for label, values in series_of(points).items():
            style = {"markersize": 4, "linewidth": 1.3, **LINES[label]}
            above.plot(places, [value or math.nan for value in values], **style)
            if label != "full":
                ratios = [v / p.decay if v and p.decay else math.nan for v, p in zip(values, points, strict=True)]
                below.plot(places, ratios, **style)
        for ax in (above, below):
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.grid(alpha=0.3, linewidth=0.5)
            ax.set_xticks(places, [str(place) for place in places])
            ax.minorticks_off()
        below.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        above.set_title(TITLES[name])
        below.set_xlabel(NAMES[name])
    for ax, unit in zip(axes[0], ("unit of time", "step", "step"), strict=True):
        ax.set_ylabel(f"CPU seconds for a {unit}")
    axes[1, 0].set_ylabel("beside the limit")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    for file in files:
        figure.savefig(file, dpi=110, metadata={"Date": None} if file.suffix == ".svg" else None)
    plt.close(figure)


if __name__ == "__main__":
    main()
