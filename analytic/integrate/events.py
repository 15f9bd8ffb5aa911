"""Events on a flow, found to full precision on the series: modes learnt, plateaus, levels, crossings, polynomials.

Each event is a function g of the weights; it happens where g changes sign, g(W(t)) = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from flint import arb, arb_mat

from analytic.integrate._balls import squared_norm
from analytic.integrate._dyadic import shown
from analytic.integrate._event_numbers import check_nonnegative, exact_ball
from analytic.integrate._norms import frobenius_bound
from analytic.integrate._spectra import singular_values
from analytic.integrate.budget import read_count, read_flag
from analytic.integrate.modes import modes_of
from analytic.integrate.problem import Problem
from analytic.integrate.quantities import up_to
from analytic.integrate.start import read_number
from graphs.errors import DimensionError, HypothesisError

__all__ = [
    "Event",
    "LossLevel",
    "ModeLearnt",
    "PlateauSpeed",
    "SingularValueLevel",
    "Watch",
]


@dataclass(frozen=True)
class Event:
    """Something that happened on the way.

    Parameters
    ----------
    time : mpf
        When; to the digits of the run, or fewer where `digits` says so.
    kind : str
        "learnt", "plateau entered", "plateau left", "loss level", "singular value", "polynomial".
    mode : int or None
        Number of the mode (1 for the largest) or of the singular value.
    direction : int
        1 if the watched quantity rises through its level, −1 if it falls.
    label : str
        Name of a plateau's stratum, or of the user's polynomial; may be empty.
    exact_time : Fraction
        The dyadic number that the root was rounded to.
    digits: float or None
        How many digits the time carries by an estimate from the ball of the watched quantity (a small loss, its speed,
        suffers from cancellation); None where nothing limits them.
    """

    time: Any
    kind: str
    mode: int | None
    direction: int
    label: str = ""
    exact_time: Fraction = field(default=Fraction(0), repr=False)
    digits: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form; numbers as strings."""
        return {
            "time": shown(self.time, 25),
            "kind": self.kind,
            "mode": self.mode,
            "direction": self.direction,
            "label": self.label,
            "digits": self.digits,
        }


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What all watched quantities have in common.

    Parameters
    ----------
    direction : int
        Take only crossings upwards (1) or downwards (−1); 0 takes both.
    terminal : bool
        End the run at the first crossing.
    """

    direction: int = 0
    terminal: bool = False

    passed: ClassVar[int] = 0  # sign of the value once it has happened, where it happens once

    def __post_init__(self) -> None:
        if type(self.direction) is bool or self.direction not in (-1, 0, 1):
            raise DimensionError(f"direction: got {self.direction!r}, expected 1 (rising), -1 (falling) or 0 (both)")
        self._set(direction=int(self.direction), terminal=read_flag(self.terminal, "terminal"))

    def _set(self, **fields: Any) -> None:
        """Put the checked form of a field into its place."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def value(self, problem: Problem, weights: Sequence[arb_mat]) -> arb:
        """The function whose zeros are the events at `weights`, in the frame of `problem`."""
        raise NotImplementedError

    def check(self, problem: Problem) -> None:
        """Refuse what makes no sense for this flow (against `problem`)."""

    def kind(self, direction: int) -> str:
        """Name of the event, by `direction`."""
        raise NotImplementedError

    def __str__(self) -> str:
        words = [self.kind(self.passed), "" if self.number is None else str(self.number), self.label]
        return " ".join(word for word in words if word)

    def kept(self) -> Watch:
        """What files and pickles keep of it."""
        return self

    @property
    def number(self) -> int | None:
        """Mode or singular value that it is about."""
        return None

    @property
    def label(self) -> str:
        """Name given by the user."""
        return ""


@dataclass(frozen=True)
class ModeLearnt(Watch):
    """Mode k is learnt: u_kᵀ P v_k = σ_k/2 with the singular vectors of the target.

    Parameters
    ----------
    mode : int
        1 for the largest singular value.
    fraction : exact number
        Part of σ_k that counts as learnt.
    direction : int
        1 or −1 takes only crossings upwards or downwards; 0 takes both.
    terminal : bool
        End the run there.

    Examples
    --------
    >>> ModeLearnt(2, terminal=True)
    ModeLearnt(direction=0, terminal=True, mode=2, fraction='1/2')
    """

    mode: int
    fraction: Any = "1/2"

    passed: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(mode=read_count(self.mode, "mode", 1))
        read_number(self.fraction, "fraction")

    def value(self, problem: Problem, weights: Sequence[arb_mat]) -> arb:
        """u_kᵀ P v_k − σ_k · fraction at `weights`, in the frame of `problem`."""
        mode = modes_of(problem)[self.mode - 1]
        return mode.learnt(problem.product(weights)) - mode.strength * exact_ball(self.fraction, "fraction")

    def check(self, problem: Problem) -> None:
        """The mode must exist (against `problem`)."""
        count = len(modes_of(problem))
        if self.mode > count:
            modes = "1 mode" if count == 1 else f"{count} modes"
            expected = f"{up_to(count)}: the target has {modes}" if count else "no ModeLearnt: the target is zero"
            raise DimensionError(f"mode: got {self.mode}, expected {expected}")

    def kind(self, direction: int) -> str:
        """Name of the event: "learnt", or "unlearnt" on the way down, by `direction`."""
        return "learnt" if direction > 0 else "unlearnt"

    @property
    def number(self) -> int | None:
        """The mode."""
        return self.mode


@dataclass(frozen=True)
class LossLevel(Watch):
    """The loss falls to a level.

    Parameters
    ----------
    level : exact number
    direction : int
        1 or −1 takes only crossings upwards or downwards; 0 takes both.
    terminal : bool
        End the run there.

    Examples
    --------
    >>> LossLevel("1e-6").level
    '1e-6'
    """

    level: Any

    passed: ClassVar[int] = -1

    def __post_init__(self) -> None:
        super().__post_init__()
        read_number(self.level, "level")

    def value(self, problem: Problem, weights: Sequence[arb_mat]) -> arb:
        """L − level at `weights`, in the frame of `problem`."""
        return problem.loss(weights) - self.height

    def __str__(self) -> str:
        return f"{self.kind(self.passed)} {self.level}"

    @property
    def height(self) -> arb:
        """The level at the working precision."""
        return exact_ball(self.level, "level")

    def check(self, problem: Problem) -> None:
        """The loss must be able to have the level (against `problem`)."""
        if problem.force.is_nonnegative:
            check_nonnegative(self.level, "level", "this loss is never negative")
            if read_number(self.level, "level") == 0:
                raise HypothesisError("level: got 0, expected a positive number: flows come near zero loss, not to it")

    def kind(self, direction: int) -> str:
        """Name of the event: "loss level", by `direction`."""
        return "loss level"


@dataclass(frozen=True)
class SingularValueLevel(Watch):
    """A singular value of the product, or of a layer, crosses a level.

    Parameters
    ----------
    index : int
        1 for the largest.
    level : exact number
    layer : int or None
        1 … h; None for the product.
    direction : int
        1 or −1 takes only crossings upwards or downwards; 0 takes both.
    terminal : bool
        End the run there.

    Examples
    --------
    >>> SingularValueLevel(1, "3/2").index
    1
    """

    index: int
    level: Any
    layer: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(index=read_count(self.index, "index", 1))
        if self.layer is not None:
            self._set(layer=read_count(self.layer, "layer", 1))
        check_nonnegative(self.level, "level", "singular values are never negative")

    def value(self, problem: Problem, weights: Sequence[arb_mat]) -> arb:
        """s_index − level at `weights`, in the frame of `problem`."""
        matrix = problem.product(weights) if self.layer is None else weights[self.layer - 1]
        moved = frobenius_bound([matrix - matrix.mid()])  # no singular value moves farther than the matrix (Weyl)
        return singular_values(matrix)[self.index - 1] + arb(0, moved) - exact_ball(self.level, "level")

    def check(self, problem: Problem) -> None:
        """Index and layer must exist (against `problem`)."""
        if self.layer is not None and self.layer > problem.depth:
            raise DimensionError(f"layer: got {self.layer}, expected {up_to(problem.depth)}, or None for the product")
        widths = problem.widths
        count = min(widths[0], widths[-1]) if self.layer is None else min(widths[self.layer - 1 : self.layer + 1])
        if self.index > count:
            of = "the product" if self.layer is None else f"layer {self.layer}"
            raise DimensionError(f"index: got {self.index}, expected {up_to(count)}, the singular values of {of}")

    def kind(self, direction: int) -> str:
        """Name of the event: "singular value", by `direction`."""
        return "singular value"

    @property
    def number(self) -> int | None:
        """The index."""
        return self.index


@dataclass(frozen=True)
class PlateauSpeed(Watch):
    """A plateau is entered or left: the speed −d(ln L)/dt falls below, or rises above, a threshold.

    Parameters
    ----------
    speed : exact number or None
        By default σ_1^{2−2/h}/100, a hundredth of the pace of the largest mode; for a `SmoothLoss` σ_1 = ‖∇C(0)‖₂, or
        1 if that is zero. The speed is relative to L: for a cost whose least value is not 0 add a constant to it.
    direction : int
        1 or −1 takes only crossings upwards or downwards; 0 takes both.
    terminal : bool
        End the run there.

    Examples
    --------
    >>> PlateauSpeed().kind(-1)
    'plateau entered'
    """

    speed: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.speed is not None:
            read_number(self.speed, "speed")

    def check(self, problem: Problem) -> None:
        """The speed must be possible (against `problem`)."""
        if self.speed is not None and problem.force.is_nonnegative:
            check_nonnegative(self.speed, "speed", "ln L never rises")

    def value(self, problem: Problem, weights: Sequence[arb_mat]) -> arb:
        """−(dL/dt)/L − speed, with −dL/dt = ‖∇L‖² at `weights`, in the frame of `problem`."""
        steepness = sum((squared_norm(v) for v in problem.velocity(weights)), arb(0))
        return steepness - self._threshold(problem) * problem.loss(weights)

    def _threshold(self, problem: Problem) -> arb:
        if self.speed is not None:
            return exact_ball(self.speed, "speed")
        if problem.force.target is None:
            origin = problem.force.residual(arb_mat(problem.widths[-1], problem.widths[0]))
            strengths = [value for value in singular_values(origin) if value > 0]
        else:
            strengths = [mode.strength for mode in modes_of(problem)]
        depth, largest = problem.depth, strengths[0] if strengths else arb(1)
        return problem.factor * largest ** (arb(2) - arb(2) / depth) / 100

    def kind(self, direction: int) -> str:
        """Name of the event: "plateau entered" when the speed falls, by `direction`."""
        return "plateau left" if direction > 0 else "plateau entered"
