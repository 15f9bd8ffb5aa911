"""Pictures of trajectories with matplotlib, which is imported only here and only when asked for.

A curve is drawn on a grid of times to which those of the events are added, and more wherever it bends visibly; gradient
descent is drawn at its iterates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import mpmath
import numpy as np

from analytic.integrate.budget import read_count
from analytic.integrate.events import Event
from analytic.integrate.modes import modes_of
from analytic.integrate.quantities import chosen_times
from graphs.errors import DimensionError

if TYPE_CHECKING:
    from analytic.integrate.trajectory import Trajectory

__all__ = ["draw"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

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
_PERIOD = 18.0  # of the dashes of many layers; each is still seen in the legend
_TIMES, _ITERATES = 200, 1000
_MOST_MARKERS = 100  # more iterates than that are a curve
_GROWTH = 5  # what bends is drawn at up to so many times as many times as the grid has
_ROUNDS = 8
_BEND = 1e-3  # visible, as a part of the height of the picture
_NARROWEST = 1 / 4000  # part of the width below which no interval is divided
_ASPECT = 1.5
_POINTS = 7.0  # size of the words of events
_LINE = 1.25 * _POINTS
_LONGEST = 24  # letters of them
_EVENT = "_event "  # matplotlib leaves labels with an underscore out of legends


@dataclass(frozen=True)
class _Curves:
    """Numbers to draw: one row a moment, one column a curve; curves of one name have one colour."""

    moments: list[float]
    names: tuple[str, ...]
    heights: Floats
    notes: tuple[str, ...] = ()


def draw(trajectory: Trajectory, ax: Any, quantity: Any, spacing: str, count: int | None) -> Any:
    """Curves of a quantity, and the events as dotted lines with their words above.

    A curve a number: of a tuple every part, of a matrix every entry (on and above the diagonal where it is symmetric);
    one colour and one kind of dashes a layer where there are layers, so that layers that agree are both seen.

    Returns
    -------
    matplotlib axes
    """
    if quantity is None:
        has_modes = trajectory.problem.force.target is not None and modes_of(trajectory.problem)
        quantity = "mode_strengths" if has_modes else "singular_values"
    curves = _curves(trajectory, quantity, spacing, count)
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    names = list(dict.fromkeys(curves.names))
    _draw_curves(ax, curves, names, quantity, trajectory.method == "descent")
    if spacing == "log":
        ax.set_xscale("log")
    origin = trajectory.times[0] if spacing == "log" else 0
    for event in trajectory.events:
        moment = _float(event.time - origin)
        if moment > 0 or spacing != "log":
            ax.axvline(moment, linestyle=":", linewidth=0.8, color="0.6", label=_EVENT + _words(event))
    notes = (*curves.notes, *_write_events(ax))
    ax.set_xlabel("time since the start" if origin else "time")
    ax.set_ylabel(_LABELS.get(quantity, getattr(quantity, "__name__", "value")))
    if 1 < len(names) <= _MOST_NAMES:
        title = _TITLES.get(quantity, "layer" if quantity in _BY_LAYER else "mode")
        size = "small" if len(names) > _MOST_NAMES // 2 else None
        ax.legend(title=title, fontsize=size, handlelength=3, frameon=False)
    elif len(names) > _MOST_NAMES:
        notes = (_key(len(curves.names), len(names), quantity), *notes)
    if notes:
        ax.set_title("\n".join(notes), loc="right", fontsize="small")
    return ax


def _draw_curves(ax: Any, curves: _Curves, names: list[str], quantity: Any, is_descent: bool) -> None:
    """One line a column; points where there is one moment, or few iterates."""
    count = len(curves.moments)
    marker = "o" if count == 1 else "." if is_descent and count <= _MOST_MARKERS else None
    for column, name in enumerate(curves.names):
        place = names.index(name)
        ax.plot(
            curves.moments,
            curves.heights[:, column],
            color=f"C{place}",
            linestyle=_dashes(place, len(names)) if quantity in _BY_LAYER else "-",
            linewidth=0.8 if is_descent and marker else None,
            marker=marker,
            markersize=6 + 3 * max(0, min(len(names), 6) - 1 - place) if count == 1 else None,  # equal ones are seen
            label=name if name not in curves.names[:column] and len(names) > 1 else None,
        )


def _dashes(place: int, count: int) -> Any:
    """A full line, and above it dashes that leave each other's places free."""
    dash = min(3.0, _PERIOD / count)
    return (dash * place, (dash, dash * (count - 1))) if place else "-"


def _key(curves: int, names: int, quantity: Any) -> str:
    """What is drawn, where a legend would be too long."""
    if quantity in _BY_LAYER:
        return f"{curves} curves of {names} {'matrices' if quantity in _SYMMETRIC else 'layers'}"
    entries = {"product": ": the entries", "tangent_kernel": ": the entries on and above the diagonal"}
    return f"{curves} curves{entries.get(quantity, '')}"


def _words(event: Event) -> str:
    """An event in few words: "learnt 1", "plateau left {1}", the name of a polynomial."""
    if event.kind == "polynomial":
        return event.label or event.kind
    return " ".join([event.kind, *([] if event.mode is None else [str(event.mode)]), *event.label.split()])


def _write_events(ax: Any) -> tuple[str, ...]:
    """Words above the dotted lines, those of near ones side by side; what to say instead where they have no room."""
    lines = [line for line in ax.lines if line.get_label().startswith(_EVENT)]
    for earlier in [child for child in ax.child_axes if child.get_label() == _EVENT]:
        earlier.remove()
    if not lines:
        return ()
    marks = sorted((float(line.get_xdata()[0]), line.get_label().removeprefix(_EVENT)) for line in lines)
    ax.get_xlim()  # now the limits are those of the curves
    line = _LINE * ax.figure.dpi / 72
    if len(marks) * line > ax.bbox.width:
        return (f"dotted: {len(marks)} events",)
    words = [_shortened(mark[1]) for mark in marks]
    _make_room(ax, 0.6 * _POINTS * max(map(len, words)) * ax.figure.dpi / 72)
    places = [float(ax.transData.transform((time, 0))[0]) for time, _ in marks]
    groups = _groups(places, line)
    back = ax.transData.inverted()
    above = ax.secondary_xaxis("top")
    above.set_label(_EVENT)
    above.set_xticks(
        [float(back.transform((_centre(places, group), 0))[0]) for group in groups],
        ["\n".join(words[k] for k in group) for group in groups],
        rotation=90,
        fontsize=_POINTS,
        linespacing=1.05,
        multialignment="left",  # turned with the words: all begin at the picture
        color="0.4",
    )
    above.minorticks_off()
    above.tick_params(length=0)
    return ()


def _make_room(ax: Any, height: float) -> None:
    """Lower the top of a figure that does not lay itself out, if words above its first row would be cut off."""
    figure, place = ax.figure, ax.get_subplotspec()
    if figure.get_layout_engine() is None and place is not None and place.is_first_row():
        missing = height + _LINE - (figure.bbox.ymax - ax.bbox.ymax)
        if missing > 0:
            figure.subplots_adjust(top=max(0.5, figure.subplotpars.top - missing / figure.bbox.height))


def _groups(places: Sequence[float], line: float) -> list[list[int]]:
    """Numbers of the events whose words, `line` wide, are written side by side, so that no two groups overlap."""
    groups: list[list[int]] = []
    for number in range(len(places)):
        group = [number]
        while groups and _centre(places, group) - _centre(places, groups[-1]) < line * len(groups[-1] + group) / 2:
            group = groups.pop() + group
        groups.append(group)
    return groups


def _centre(places: Sequence[float], group: Sequence[int]) -> float:
    return sum(places[k] for k in group) / len(group)


def _shortened(words: str) -> str:
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _curves(trajectory: Trajectory, quantity: Any, spacing: str, count: int | None) -> _Curves:
    """The quantity at times that show it: iterates, or a grid refined where it bends."""
    is_descent = trajectory.method == "descent"
    count = (_ITERATES if is_descent else _TIMES) if count is None else read_count(count, "count", 2)
    times = sorted(set(chosen_times(trajectory, count, spacing)))
    names = tuple(name for name, _ in _numbers(trajectory.sample(quantity, times=times[:1])[1][0], quantity))
    origin = trajectory.segments[0].start if spacing == "log" else Fraction(0)

    notes: tuple[str, ...] = ()
    level = -np.inf
    if quantity == "loss" and not is_descent and (floor := _hidden(trajectory)) is not None:
        level = _height(floor, quantity)
        notes = (f"level: rounding hides losses below {mpmath.nstr(floor, 1)}",)

    def look(chosen: Sequence[Fraction]) -> Floats:
        values = trajectory.sample(quantity, times=chosen)[1]
        rows = [[_height(height, quantity) for _, height in _numbers(value, quantity)] for value in values]
        table = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
        return table if level == -np.inf else np.fmax(table, level)

    if is_descent and len(times) <= trajectory.steps - (spacing == "log"):
        notes = (f"{len(times)} of {trajectory.steps + 1} iterates",)
    if not is_descent:
        times = sorted({*times, *(e.exact_time for e in trajectory.events if times[0] < e.exact_time < times[-1])})
    heights = look(times)
    if quantity == "balancedness":
        heights, notes = _without_rounding(trajectory, times, heights, notes)
    elif not is_descent:
        times, heights = _refined(times, heights, look, origin if spacing == "log" else None, _GROWTH * count)
    return _Curves([_float(time - origin) for time in times], names, heights, notes)


def _hidden(trajectory: Trajectory) -> Any:
    """Losses below this are rounding."""
    from analytic.integrate.carried import loss_floor  # it knows trajectories

    return loss_floor(trajectory)


def _without_rounding(
    trajectory: Trajectory, times: Sequence[Fraction], heights: Floats, notes: tuple[str, ...]
) -> tuple[Floats, tuple[str, ...]]:
    """Entries that stay below the digits of the run relative to the largest ‖W_i‖² as zero, and that it is so."""
    squares = trajectory.sample(lambda weights: max(sum(x * x for x in matrix) for matrix in weights), times=times)[1]
    floor = max(squares) * mpmath.mpf(10) ** -trajectory.digits
    below = np.abs(heights).max(axis=0, initial=0) < _float(floor)
    if not (heights[:, below] != 0).any():
        return heights, notes
    power = rf"$10^{{-{trajectory.digits}}}\,\max\|W_i\|^2$"
    note = f"drawn as zero: entries below {mpmath.nstr(floor, 2)} = {power}"
    return np.where(below, 0.0, heights), (note, *notes)


def _refined(
    times: list[Fraction],
    heights: Floats,
    look: Callable[[Sequence[Fraction]], Floats],
    origin: Fraction | None,
    most: int,
) -> tuple[list[Fraction], Floats]:
    """More times where the curves have visible corners, at most `most`; `origin` is that of a logarithmic axis."""
    for _ in range(_ROUNDS):
        moments = np.array([_float(time - (origin or 0)) for time in times])
        places = _bends(moments, heights, origin is not None)[: max(0, most - len(times))]
        if not places:
            break
        middle = sorted((times[k] + times[k + 1]) / 2 for k in places)
        table = dict(zip([*times, *middle], [*heights, *look(middle)], strict=True))
        times = sorted(table)
        heights = np.array([table[time] for time in times])
    return times, heights


def _bends(moments: Floats, heights: Floats, is_log: bool) -> list[int]:
    """Numbers of the intervals at corners that are seen, the worst first."""
    seen = heights[np.isfinite(heights)]
    if len(moments) < 3 or not seen.size or seen.max() == seen.min():
        return []
    with np.errstate(all="ignore"):
        x = np.log(moments) if is_log else moments
        x = _ASPECT * (x - x[0]) / (x[-1] - x[0])
        y = heights / (seen.max() - seen.min())
        along, up = (x[2:] - x[:-2])[:, None], y[2:] - y[:-2]
        gaps = np.abs((x[1:-1] - x[:-2])[:, None] * up - along * (y[1:-1] - y[:-2])) / np.hypot(along, up)
    corners = np.nan_to_num(gaps, nan=0, posinf=0).max(axis=1, initial=0)
    worst = np.maximum([*corners, 0], [0, *corners])
    order = np.argsort(-worst, kind="stable")
    return [int(k) for k in order if worst[k] > _BEND and x[k + 1] - x[k] > _NARROWEST * _ASPECT]


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
