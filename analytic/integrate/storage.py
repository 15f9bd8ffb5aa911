"""Trajectories as JSON and back, exactly: all nodes are integers. What is damaged is refused, never guessed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analytic.flow import GradientFlow
from analytic.integrate._dyadic import Packed
from analytic.integrate._stored import (
    broken,
    check_tree,
    entry,
    integer,
    items,
    optional,
    pair,
    rational,
    read_dyadic,
    read_exact,
    read_mpf,
    reading,
    real,
    text,
    write_exact,
    write_mpf,
    write_pair,
)
from analytic.integrate._watch_trees import watch_from_dict, watch_to_dict
from analytic.integrate.convergence import Convergence
from analytic.integrate.events import Event
from analytic.integrate.segment import Segment
from analytic.integrate.start import Start
from analytic.integrate.status import Status
from analytic.loss import QuadraticLoss
from analytic.smooth_loss import SmoothLoss
from graphs.errors import HypothesisError
from graphs.network import LinearNetwork

if TYPE_CHECKING:
    from analytic.integrate.trajectory import Trajectory

__all__ = ["from_dict", "load", "save", "to_dict"]

_FORMAT = "blockshift trajectory 1"
_METHODS = ("taylor", "descent")
_MANY = 10**8  # more bits, digits or modes than any run has
_HIGHEST_ORDER = 10**6
_BOUNDS = ("gradient", "distance", "loss_lower", "loss_upper")


def save(trajectory: Trajectory, path: Any) -> None:
    """Write `to_dict` as JSON."""
    Path(path).write_text(json.dumps(to_dict(trajectory), allow_nan=False), encoding="utf-8")


def load(path: Any) -> Trajectory:
    """Read what `save` wrote; HypothesisError for anything else, OSError if there is no such file."""
    try:
        data = json.loads(Path(path).read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise HypothesisError(f"{path}: got no JSON ({problem}), expected a file of Trajectory.save") from None
    return from_dict(data)


def to_dict(trajectory: Trajectory) -> dict[str, Any]:
    """Everything, JSON-safe.

    Raises
    ------
    HypothesisError
        If the start has irrational numbers that files do not know.
    """
    network = trajectory.flow.network
    return {
        "format": _FORMAT,
        "widths": list(network.widths),
        "supports": [None if s is None else [[int(e) for e in row] for row in s] for s in network.supports],
        "loss": trajectory.flow.loss.to_dict(),
        "start": {
            "layers": _exact_layers(trajectory.start.layers),
            "seed": trajectory.start.seed,
            "note": trajectory.start.note,
        },
        "digits": trajectory.digits,
        "precision": trajectory.precision,
        "method": trajectory.method,
        "status": str(trajectory.status),
        "segments": [
            {
                "start": write_exact(s.start),
                "end": write_exact(s.end),
                "weights": _hex(s.weights),
                "unit": write_pair(s.unit),
                "order": s.order,
                "radius": write_pair(s.radius),
                "bounds": [write_pair(b) for b in s.bounds],
            }
            for s in trajectory.segments
        ],
        "end": _hex(trajectory.end),
        "frame": None if trajectory.frame is None else _hex(trajectory.frame),
        "events": [_event_dict(e) for e in trajectory.events],
        "convergence": _convergence(trajectory.convergence),
        "end_radius": write_pair(trajectory.end_radius),
        "agreed_digits": trajectory.agreed_digits,
        "drift": write_pair(trajectory.drift),
        "notes": list(trajectory.notes),
        "options": [[key, value] for key, value in trajectory.options],
        "watches": [watch_to_dict(watch) for watch in trajectory.watches],
        "exact_nodes": optional(lambda nodes: [_exact_layers(node) for node in nodes], trajectory.exact_nodes),
    }


def from_dict(data: Any) -> Trajectory:
    """Read the form that `to_dict` writes.

    Raises
    ------
    HypothesisError
        If it is something else, naming the place.
    """
    from analytic.integrate.trajectory import Trajectory

    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        got = f"the format {data.get('format')!r}" if isinstance(data, dict) else type(data).__name__
        raise HypothesisError(
            f"got no trajectory but {got}, expected {_FORMAT!r}; give a file that Trajectory.save of this version wrote"
        )
    flow = _read_flow(data)
    counts = [rows * cols for rows, cols in flow.network.layer_shapes]
    segments = _read_segments(entry(data, "segments"), counts)
    widths, drift = flow.network.widths, pair(entry(data, "drift"), "drift")
    frame = optional(read_dyadic, entry(data, "frame"), "frame", [widths[-1] ** 2, widths[0] ** 2])
    events = items(entry(data, "events"), "events")
    notes, watches = items(entry(data, "notes"), "notes"), items(data.get("watches", ()), "watches")
    method, status = text(entry(data, "method"), "method"), text(entry(data, "status"), "status")
    if method not in _METHODS:
        raise broken("method", method, f"one of {', '.join(_METHODS)}")
    if status not in list(Status):
        raise broken("status", status, f"one of {', '.join(Status)}")
    return Trajectory(
        flow=flow,
        start=_read_start(entry(data, "start"), flow.network),
        digits=integer(entry(data, "digits"), "digits", 1, _MANY),
        precision=integer(entry(data, "precision"), "precision", 2, _MANY),
        method=method,
        status=Status(status),
        segments=segments,
        end=read_dyadic(entry(data, "end"), "end", counts),
        frame=None if frame is None else (frame[0], frame[1]),
        events=tuple(_read_event(event, f"events[{place}].") for place, event in enumerate(events)),
        convergence=optional(_read_convergence, entry(data, "convergence")),
        end_radius=_read_size(entry(data, "end_radius"), "end_radius"),
        agreed_digits=optional(real, entry(data, "agreed_digits"), "agreed_digits"),
        drift=drift,
        notes=tuple(text(note, f"notes[{place}]") for place, note in enumerate(notes)),
        options=_read_options(entry(data, "options"), method),
        watches=tuple(_read_watch(watch, f"watches[{place}]") for place, watch in enumerate(watches)),
        exact_nodes=optional(_read_nodes, entry(data, "exact_nodes"), flow.network, len(segments)),
    )


def _read_flow(data: dict[str, Any]) -> GradientFlow:
    widths, supports = items(entry(data, "widths"), "widths"), entry(data, "supports")
    widths = [integer(width, f"widths[{place}]", 1, _MANY) for place, width in enumerate(widths)]
    with reading("widths, supports"):
        network = LinearNetwork(*widths, supports=supports)
    with reading("loss"):
        return GradientFlow(network, _read_loss(entry(data, "loss")))


def _read_loss(data: Any) -> QuadraticLoss | SmoothLoss:
    if "tree" in data:
        for tree in (data["tree"], *data["entries"]):
            check_tree(tree, "loss")
        return SmoothLoss.from_dict(data)
    return QuadraticLoss.from_dict(data)


def _read_start(data: Any, network: LinearNetwork) -> Start:
    layers = _read_layers(entry(data, "layers", "start."), network, "start.layers")
    seed = optional(integer, entry(data, "seed", "start."), "start.seed", 0, 2**64)
    return Start(layers, seed, text(entry(data, "note", "start."), "start.note"))


def _exact_layers(layers: Any) -> list[Any]:
    return [[[write_exact(number) for number in row] for row in layer] for layer in layers]


def _read_layers(data: Any, network: LinearNetwork, where: str) -> tuple[Any, ...]:
    """Exact weights that fit the network."""
    found = []
    layers = items(data, where, network.depth)
    for place, (layer, (count, cols)) in enumerate(zip(layers, network.layer_shapes, strict=True)):
        name = f"{where}[{place}]"
        rows = [items(row, name, cols) for row in items(layer, name, count)]
        found.append(tuple(tuple(read_exact(number, name) for number in row) for row in rows))
    with reading(where):
        network.check_weights(found)
    return tuple(found)


def _read_nodes(data: Any, network: LinearNetwork, segments: int) -> tuple[Any, ...]:
    nodes = items(data, "exact_nodes")
    if not 1 <= len(nodes) <= segments + 1:
        raise broken("exact_nodes", len(nodes), f"at most {segments + 1} nodes")
    return tuple(_read_layers(node, network, f"exact_nodes[{place}]") for place, node in enumerate(nodes))


def _read_segments(data: Any, counts: Sequence[int]) -> tuple[Segment, ...]:
    segments = tuple(_read_segment(part, f"segments[{n}].", counts) for n, part in enumerate(items(data, "segments")))
    if not segments:
        raise broken("segments", [], "at least one")
    for place, (one, following) in enumerate(pairwise(segments), start=1):
        if one.end != following.start:
            raise broken(f"segments[{place}].start", str(following.start), f"{one.end}, the end of the one before")
    return segments


def _read_segment(data: Any, where: str, counts: Sequence[int]) -> Segment:
    begin, end = (rational(entry(data, key, where), where + key) for key in ("start", "end"))
    if end < begin:
        raise broken(where + "end", str(end), f"at least its start, {begin}")
    unit = pair(entry(data, "unit", where), where + "unit")
    if unit[0] < 1:
        raise broken(where + "unit", data["unit"], "a positive number")
    bounds = items(entry(data, "bounds", where), where + "bounds")
    return Segment(
        begin,
        end,
        read_dyadic(entry(data, "weights", where), where + "weights", counts),
        unit,
        integer(entry(data, "order", where), where + "order", 0, _HIGHEST_ORDER),
        _read_size(entry(data, "radius", where), where + "radius"),
        tuple(pair(bound, where + "bounds") for bound in bounds),
    )


def _read_size(data: Any, where: str) -> tuple[int, int] | None:
    found = optional(pair, data, where)
    if found is not None and found[0] < 0:
        raise broken(where, data, "a number ≥ 0")
    return found


def _hex(layers: tuple[Packed, ...]) -> list[list[list[Any]]]:
    return [[[hex(m), e] for m, e in layer] for layer in layers]


def _event_dict(event: Event) -> dict[str, Any]:
    return {**event.to_dict(), "time": write_mpf(event.time), "exact_time": write_exact(event.exact_time)}


def _read_event(data: Any, where: str) -> Event:
    return Event(
        read_mpf(entry(data, "time", where), where + "time"),
        text(entry(data, "kind", where), where + "kind"),
        optional(integer, entry(data, "mode", where), where + "mode", 1, _MANY),
        integer(entry(data, "direction", where), where + "direction", -1, 1),
        text(entry(data, "label", where), where + "label"),
        rational(entry(data, "exact_time", where), where + "exact_time"),
        optional(real, data.get("digits"), where + "digits"),
    )


def _read_watch(data: Any, where: str) -> Any:
    with reading(where):
        for value in data.values():
            if isinstance(value, dict) and "tree" in value:
                check_tree(value["tree"], where)
        return watch_from_dict(data)


def _read_options(data: Any, method: str) -> tuple[tuple[str, Any], ...]:
    found = []
    for place, option in enumerate(items(data, "options")):
        key, value = items(option, f"options[{place}]", 2)
        if not (value is None or isinstance(value, (bool, str))):
            real(value, f"options[{place}]")
        found.append((text(key, f"options[{place}]"), value))
    if method == "taylor":
        real(dict(found).get("reserve"), "options, reserve")
    return tuple(found)


def _convergence(found: Convergence | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {**{name: write_mpf(getattr(found, name)) for name in _BOUNDS}, "certified": found.certified}


def _read_convergence(data: Any) -> Convergence:
    where = "convergence."
    certified = entry(data, "certified", where)
    if not isinstance(certified, bool):
        raise broken("convergence.certified", certified, "true or false")
    numbers = {name: read_mpf(entry(data, name, where), where + name) for name in _BOUNDS}
    return Convergence(**numbers, certified=certified)
