"""What a step rule is, and the line it walks on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._typing import FloatArray
from calcml.descent._oracle import Oracle, Point

__all__ = ["Line", "StepRule", "Trial", "check_number", "first_step"]

# Below this value f is taken to fall without limit.
FLOOR = -1e150


@dataclass(frozen=True, eq=False)
class Trial:
    """A point on the line: its step, its value, and once it was asked for its gradient and slope.

    Attributes
    ----------
    step : float
        The distance t along the line.
    x : ndarray, shape (n,)
        The point.
    fun : float
        The value there.
    point : Point or None
        The point with its gradient, None before `Line.differentiate`.
    slope : float
        The derivative of f along the line there, NaN before `Line.differentiate`.

    Examples
    --------
    >>> import numpy as np
    >>> from calcml.descent.steps import Trial
    >>> Trial(0.5, np.array([1.0]), 2.0).fun
    2.0
    """

    step: float
    x: FloatArray
    fun: Any
    point: Point | None = None
    slope: float = np.nan


class Line:
    """The path t -> P(x + t p), with P the nearest point within the bounds.

    Without bounds it is a ray; with bounds it bends at each bound that it meets (the projection arc of
    Bertsekas 1976).

    Attributes
    ----------
    origin : Point
        Where it starts.
    direction : ndarray, shape (n,)
        The direction p.
    slope : float
        The derivative at t = 0, g·p.
    noise : float
        The difference of two values that rounding alone explains.

    Examples
    --------
    A step rule of one's own gets the line and returns the trial it accepts:

    >>> import calcml as cm
    >>> from calcml.descent.steps import StepRule
    >>> class Halving(StepRule):
    ...     def search(self, line, natural, last, memory):
    ...         step = 1.0
    ...         while line.at(step).fun >= line.origin.fun:
    ...             step /= 2
    ...         return line.differentiate(line.at(step)), memory
    >>> cm.gradient_descent(lambda x: (x - 1) @ (x - 1), [3.0, 4.0], step=Halving()).success
    True
    """

    def __init__(self, oracle: Oracle, origin: Point, direction: FloatArray) -> None:
        self.oracle, self.origin, self.direction = oracle, origin, direction
        self.slope = float(origin.grad @ direction)
        self.noise = oracle.rounding(origin.fun)

    def at(self, step: float) -> Trial:
        """Evaluate f at distance t."""
        with np.errstate(over="ignore", invalid="ignore"):
            x = self.oracle.clip(self.origin.x + step * self.direction)
        fun = self.oracle.value(x) if np.isfinite(x).all() else np.float64(np.nan)
        return Trial(step, x, fun)

    def differentiate(self, trial: Trial) -> Trial:
        """Return the trial with its gradient and the slope of the line there."""
        if trial.point is not None:
            return trial
        point = self.oracle.point(trial.x, trial.fun)
        # Where the path lies on a bound its derivative has no component.
        return Trial(
            trial.step,
            trial.x,
            trial.fun,
            point,
            float(point.grad @ self.oracle.room(trial.x, self.direction)),
        )

    def bottomless(self, trial: Trial) -> bool:
        """Tell whether f has fallen below every bound."""
        return bool(trial.fun < FLOOR)

    def stands(self, trial: Trial) -> bool:
        """Tell whether rounding has swallowed the step."""
        return bool((trial.x == self.origin.x).all())

    def promised(self, trial: Trial) -> float:
        """Return the change of f to first order, g·(x(t) - x)."""
        if self.oracle.bounds is None:
            return trial.step * self.slope
        return min(0.0, float(self.origin.grad @ (trial.x - self.origin.x)))

    def accept(self, trial: Trial, share: float, reference: Any = None) -> Trial | None:
        """Return the trial if f falls enough there (Armijo 1966), else None.

        Enough is f(x(t)) <= f(x) + c g·(x(t) - x), N&W (3.4).  Where the values differ by no more than
        rounding they say nothing; then the slope decides (the approximate Wolfe condition of Hager and
        Zhang 2005, (4.1)).
        """
        if not trial.fun < np.inf or self.stands(trial):
            return None
        reference = self.origin.fun if reference is None else reference
        if trial.fun <= reference + share * self.promised(trial):
            return trial
        if trial.fun <= self.origin.fun + self.noise:
            trial = self.differentiate(trial)
            if trial.slope <= min(0.9, 1 - 2 * share) * abs(self.slope):
                return trial
        return None


class StepRule(ABC):
    """A way to choose how far to go along a direction.

    A rule is a frozen dataclass of its options; what it remembers from step to step is passed in and out.

    Attributes
    ----------
    safeguarded : bool
        Whether it refuses steps that raise f; then it needs directions that go down.

    Examples
    --------
    >>> from calcml.descent.steps import Backtracking, StepRule, StrongWolfe
    >>> isinstance(Backtracking(), StepRule), StrongWolfe().flatness
    (True, 0.9)
    """

    safeguarded: bool = True

    @abstractmethod
    def search(self, line: Line, natural: bool, last: float | None, memory: Any) -> tuple[Trial | None, Any]:
        """Choose the step.

        Parameters
        ----------
        line : Line
            The path.
        natural : bool
            Whether the direction is scaled so that the step 1 is the natural one.
        last : float or None
            The previous step, if there was one.
        memory : object
            What the rule returned last time, None at first.

        Returns
        -------
        trial : Trial or None
            The accepted point with its gradient, or None if there is none.
        memory : object
            What the rule wants to be told next time.
        """


def first_step(line: Line, natural: bool, last: float | None, grow: float = 1.0) -> float:
    """Return the step to try first.

    Newton-like directions have the step 1.  Others start from the previous step; the very first one moves x
    by a distance of 1, which changes with no unit of f.
    """
    if natural:
        return 1.0
    if last is not None and last > 0:
        return grow * last
    return 1.0 / max(float(np.linalg.norm(line.direction)), float(np.finfo(float).tiny))


def check_number(name: str, value: Any, lower: float, upper: float) -> None:
    """Refuse an option that is not a number strictly between its limits."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"`{name}` must be a number, got {type(value).__name__}")
    if not lower < value < upper:
        limits = f"between {lower:g} and {upper:g}" if np.isfinite(upper) else f"above {lower:g} and finite"
        raise ValueError(f"`{name}` must be {limits}, got {value}")
