"""Trajectories as JSON and back, exactly: all nodes are integers."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mpmath

from analytic.flow import GradientFlow
from analytic.integrate._dyadic import Packed
from analytic.integrate.convergence import Convergence
from analytic.integrate.events import Event
from analytic.integrate.start import Start
from analytic.integrate.status import Status
from analytic.loss import QuadraticLoss
from analytic.smooth_loss import SmoothLoss
from graphs.errors import HypothesisError
from graphs.network import LinearNetwork
from graphs.scalars import exact_number

if TYPE_CHECKING:
    from analytic.integrate.trajectory import Trajectory

__all__ = ["from_dict", "load", "save", "to_dict"]

_FORMAT = "blockshift trajectory 1"


def save(trajectory: Trajectory, path: Any) -> None:
    """Write `to_dict` as JSON."""
    Path(path).write_text(json.dumps(to_dict(trajectory)), encoding="utf-8")


def load(path: Any) -> Trajectory:
    """Read what `save` wrote."""
    return from_dict(json.loads(Path(path).read_text(encoding="utf-8")))


def to_dict(trajectory: Trajectory) -> dict[str, Any]:
    """Everything, JSON-safe."""
    network = trajectory.flow.network
    return {
        "format": _FORMAT,
        "widths": list(network.widths),
        "supports": [None if s is None else [[int(e) for e in row] for row in s] for s in network.supports],
        "loss": trajectory.flow.loss.to_dict(),
        "start": {
            "layers": [[[_exact(entry) for entry in row] for row in layer] for layer in trajectory.start.layers],
            "seed": trajectory.start.seed,
            "note": trajectory.start.note,
        },
        "digits": trajectory.digits,
        "precision": trajectory.precision,
        "method": trajectory.method,
        "status": str(trajectory.status),
        "segments": [
            {
                "start": _exact(s.start),
                "end": _exact(s.end),
                "weights": _hex(s.weights),
                "unit": _pair(s.unit),
                "order": s.order,
                "radius": _pair(s.radius),
                "bounds": [_pair(b) for b in s.bounds],
            }
            for s in trajectory.segments
        ],
        "end": _hex(trajectory.end),
        "frame": None if trajectory.frame is None else _hex(trajectory.frame),
        "events": [_event_dict(e) for e in trajectory.events],
        "convergence": _convergence(trajectory.convergence),
        "end_radius": _pair(trajectory.end_radius),
        "agreed_digits": trajectory.agreed_digits,
        "drift": _pair(trajectory.drift),
        "notes": list(trajectory.notes),
        "options": [[key, value] for key, value in trajectory.options],
        "exact_nodes": _nested(trajectory.exact_nodes),
    }


def from_dict(data: dict[str, Any]) -> Trajectory:
    """Read the form that `to_dict` writes.

    Raises
    ------
    HypothesisError
        If it is something else.
    """
    from analytic.integrate.trajectory import Segment, Trajectory

    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise HypothesisError(f"got no trajectory: expected a file of Trajectory.save, format {_FORMAT!r}")
    network = LinearNetwork(*data["widths"], supports=data["supports"])
    layers = tuple(tuple(tuple(_read_exact(e) for e in row) for row in layer) for layer in data["start"]["layers"])
    segments = tuple(
        Segment(
            _read_exact(s["start"]),
            _read_exact(s["end"]),
            _ints(s["weights"]),
            _int_pair(s["unit"]) or (0, 0),
            s["order"],
            _int_pair(s["radius"]),
            tuple(_int_pair(b) or (0, 0) for b in s["bounds"]),
        )
        for s in data["segments"]
    )
    frame = None if data["frame"] is None else _ints(data["frame"])
    return Trajectory(
        flow=GradientFlow(network, _read_loss(data["loss"])),
        start=Start(layers, data["start"]["seed"], data["start"]["note"]),
        digits=data["digits"],
        precision=data["precision"],
        method=data["method"],
        status=Status(data["status"]),
        segments=segments,
        end=_ints(data["end"]),
        frame=None if frame is None else (frame[0], frame[1]),
        events=tuple(_event(e) for e in data["events"]),
        convergence=_read_convergence(data["convergence"]),
        end_radius=_int_pair(data["end_radius"]),
        agreed_digits=data["agreed_digits"],
        drift=_int_pair(data["drift"]) or (0, 0),
        notes=tuple(data["notes"]),
        options=tuple((key, value) for key, value in data["options"]),
        exact_nodes=_read_nested(data["exact_nodes"]),
    )


def _read_loss(data: dict[str, Any]) -> QuadraticLoss | SmoothLoss:
    return SmoothLoss.from_dict(data) if "tree" in data else QuadraticLoss.from_dict(data)


def _nested(nodes: Any) -> Any:
    if nodes is None:
        return None
    return [[[[_exact(entry) for entry in row] for row in layer] for layer in node] for node in nodes]


def _read_nested(nodes: Any) -> Any:
    if nodes is None:
        return None
    return tuple(tuple(tuple(tuple(_read_exact(e) for e in row) for row in layer) for layer in node) for node in nodes)


def _hex(layers: tuple[Packed, ...]) -> list[list[list[Any]]]:
    return [[[hex(m), e] for m, e in layer] for layer in layers]


def _ints(layers: list[list[list[Any]]]) -> tuple[Packed, ...]:
    return tuple(tuple((int(m, 16), int(e)) for m, e in layer) for layer in layers)


def _pair(pair: tuple[int, int] | None) -> list[Any] | None:
    return None if pair is None else [hex(pair[0]), pair[1]]


def _int_pair(pair: list[Any] | None) -> tuple[int, int] | None:
    return None if pair is None else (int(pair[0], 16), int(pair[1]))


def _exact(value: Any) -> Any:
    """Rational numbers in hexadecimal: Python refuses to write integers of more than 4300 decimal digits."""
    return [hex(value.numerator), hex(value.denominator)] if isinstance(value, Fraction) else str(value)


def _read_exact(data: Any) -> Any:
    return exact_number(data) if isinstance(data, str) else Fraction(int(data[0], 16), int(data[1], 16))


def _number(value: Any) -> list[Any]:
    sign, man, exp, _ = value._mpf_
    return [hex(-int(man) if sign else int(man)), int(exp)]


def _read_number(pair: list[Any]) -> Any:
    return mpmath.mp.make_mpf(mpmath.libmp.from_man_exp(int(pair[0], 16), int(pair[1])))


def _event_dict(event: Event) -> dict[str, Any]:
    return {**event.to_dict(), "time": _number(event.time), "exact_time": _exact(event.exact_time)}


def _event(data: dict[str, Any]) -> Event:
    return Event(
        _read_number(data["time"]),
        data["kind"],
        data["mode"],
        data["direction"],
        data["label"],
        _read_exact(data["exact_time"]),
        data.get("digits"),
    )


def _convergence(found: Convergence | None) -> dict[str, Any] | None:
    if found is None:
        return None
    names = ("gradient", "distance", "loss_lower", "loss_upper")
    return {**{name: _number(getattr(found, name)) for name in names}, "certified": found.certified}


def _read_convergence(data: dict[str, Any] | None) -> Convergence | None:
    if data is None:
        return None
    names = ("gradient", "distance", "loss_lower", "loss_upper")
    return Convergence(**{name: _read_number(data[name]) for name in names}, certified=data["certified"])
