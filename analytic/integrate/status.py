"""How a run ended, each with a sentence of advice."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Status"]


class Status(StrEnum):
    """How an integration ended; its value is the word, `advice` the sentence."""

    FINISHED = "finished"
    CONVERGED = "converged"
    EVENT = "event"
    STATIONARY = "stationary"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"

    @property
    def advice(self) -> str:
        """What happened and what one can do now."""
        return _ADVICE[self]


_ADVICE = {
    Status.FINISHED: "the requested time, or number of steps, was reached",
    Status.CONVERGED: "gradient, distance to the limit and excess loss are below the digits asked for",
    Status.EVENT: "a terminal event or the condition `until` ended the run; a flow goes on from there with `resume`",
    Status.STATIONARY: "the gradient is zero at the start: the weights stay there for ever",
    Status.BUDGET: "a budget (steps, seconds or memory) ran out; what was done is kept, a flow goes on with `resume`",
    Status.DIVERGED: "the iterates grew beyond all bounds: the step size is too large",
    Status.INTERRUPTED: "the run was interrupted; what was done is kept, a flow goes on from there with `resume`",
}
