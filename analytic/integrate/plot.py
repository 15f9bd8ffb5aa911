"""Pictures of trajectories with matplotlib, which is imported only here and only when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpmath

from analytic.integrate.modes import modes_of
from graphs.errors import DimensionError

if TYPE_CHECKING:
    from analytic.integrate.trajectory import Trajectory

__all__ = ["draw"]

_LABELS = {
    "loss": "log$_{10}$ of the loss",
    "mode_strengths": "strength of the modes, $u_k^T P v_k$",
    "singular_values": "singular values of the product",
    "layer_singular_values": "singular values of the layers",
    "product": "entries of the product",
    "weights": "entries of the weights",
    "balancedness": r"entries of $W_{i+1}^T W_{i+1} - W_i W_i^T$",
    "tangent_kernel": "entries of the tangent kernel",
}
_TITLES = {"product": "entry", "tangent_kernel": "entry", "balancedness": "$i$"}
_BY_LAYER = ("weights", "layer_singular_values", "balancedness")
_SYMMETRIC = ("balancedness", "tangent_kernel")
_MOST_NAMES = 12  # longer legends hide the picture


def draw(trajectory: Trajectory, ax: Any, quantity: Any, spacing: str, count: int) -> Any:
    """Curves of a quantity and the events as dotted lines.

    A curve a number: of a tuple every part, of a matrix every entry (on and above the diagonal where it is symmetric),
    one colour a layer where there are layers.

    Returns
    -------
    matplotlib axes
    """
    if quantity is None:
        has_modes = trajectory.problem.force.target is not None and modes_of(trajectory.problem)
        quantity = "mode_strengths" if has_modes else "singular_values"
    times, values = trajectory.sample(quantity, count, spacing=spacing)
    table = [_numbers(value, quantity) for value in values]
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    origin = trajectory.times[0] if spacing == "log" else 0
    moments = [_float(time - origin) for time in times]
    names = list(dict.fromkeys(name for name, _ in table[0]))
    for place, (name, _) in enumerate(table[0]):
        curve = [_height(row[place][1], quantity) for row in table]
        first = name not in [earlier for earlier, _ in table[0][:place]]
        ax.plot(moments, curve, color=f"C{names.index(name)}", label=name if first and len(names) > 1 else None)
    for event in trajectory.events:
        ax.axvline(_float(event.time - origin), linestyle=":", linewidth=0.8, color="0.6")
    if spacing == "log":
        ax.set_xscale("log")
    ax.set_xlabel("time since the start" if origin else "time")
    ax.set_ylabel(_LABELS.get(quantity, getattr(quantity, "__name__", "value")))
    if 1 < len(names) <= _MOST_NAMES:
        ax.legend(title=_TITLES.get(quantity, "layer" if quantity in _BY_LAYER else "mode"), frameon=False)
    return ax


def _numbers(value: Any, quantity: Any) -> list[tuple[str, Any]]:
    """The real numbers in a value and the names of their curves."""
    parts = value if isinstance(value, (tuple, list)) else (value,)
    found: list[tuple[str, Any]] = []
    for number, part in enumerate(parts, start=1):
        if isinstance(part, (tuple, list)):
            found += [(str(number), inner) for inner in part]
        elif isinstance(part, mpmath.matrix):
            for r in range(part.rows):
                for c in range(r if quantity in _SYMMETRIC else 0, part.cols):
                    found.append((str(number) if len(parts) > 1 or quantity in _BY_LAYER else _place(r, c), part[r, c]))
        else:
            found.append((str(number), part))
    return found


def _place(r: int, c: int) -> str:
    return f"{r + 1}, {c + 1}"


def _height(value: Any, quantity: Any) -> float:
    if quantity == "loss":
        # matplotlib works in binary floats; losses below their range are drawn by their logarithm
        return _float(mpmath.log10(value)) if value > 0 else float("nan")
    return _float(value)


def _float(value: Any) -> float:
    """A binary float, infinite beyond their range."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    except (TypeError, ValueError):
        raise DimensionError(
            f"quantity: the function returned {value!r} ({type(value).__name__}), expected real numbers, or tuples or "
            "mpmath matrices of them"
        ) from None
