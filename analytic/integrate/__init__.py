"""Flows to any number of digits: power series of matrices, trajectories, events, proofs, gradient descent."""

from __future__ import annotations

from analytic.integrate.descent import distances, gradient_descent
from analytic.integrate.events import Event, LossLevel, ModeLearnt, PlateauSpeed, SingularValueLevel
from analytic.integrate.flows import integrate
from analytic.integrate.polynomial_event import PolynomialEvent
from analytic.integrate.status import Status
from analytic.integrate.summary import flow_from_options, flow_report
from analytic.integrate.trajectory import Trajectory

__all__ = [
    "Event",
    "LossLevel",
    "ModeLearnt",
    "PlateauSpeed",
    "PolynomialEvent",
    "SingularValueLevel",
    "Status",
    "Trajectory",
    "distances",
    "flow_from_options",
    "flow_report",
    "gradient_descent",
    "integrate",
]
