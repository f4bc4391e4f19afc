"""Strong Wolfe conditions: far enough down, and flat enough there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml.descent.steps._interpolation import cubic_minimum, quadratic_minimum
from calcml.descent.steps.base import Line, StepRule, Trial, check_number, first_step

__all__ = ["StrongWolfe"]

# While f keeps falling, the next trial is 2 to 10 times as far.
NEAREST, FARTHEST = 2.0, 10.0
# A trial inside a bracket keeps this share of its length from both ends.
MARGIN = 0.1


@dataclass(frozen=True)
class StrongWolfe(StepRule):
    r"""Find a step at which f has fallen enough and its slope has flattened enough.

    The strong Wolfe conditions are f(x + t p) <= f(x) + c1 t g·p and \|g(x + t p)·p\| <= c2 \|g·p\|.  The
    second one makes y·s > 0, so that a quasi-Newton update stays positive definite.

    Parameters
    ----------
    decrease : float, optional
        The share c1 of the promised decrease.
    flatness : float, optional
        The share c2 of the slope that may remain; 0.9 suits Newton-like directions, 0.1 gradients.
    max_trials : int, optional
        Number of trials after which the search takes the best point it has.

    Raises
    ------
    TypeError, ValueError
        If an option is out of range, or not ``0 < decrease < flatness < 1``.

    See Also
    --------
    Backtracking : Without the second condition; no gradients at trial points.

    Notes
    -----
    Nocedal and Wright [1]_, algorithms 3.5 and 3.6: steps grow until a bracket is found, which then shrinks
    by cubic interpolation (3.59).  A gradient is evaluated only where f has fallen enough.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd ed., Springer (2006).

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.descent.steps import StrongWolfe
    >>> cm.gradient_descent(lambda x: x @ x, [3.0, 4.0], step=StrongWolfe(flatness=0.1)).success
    True
    """

    decrease: float = 1e-4
    flatness: float = 0.9
    max_trials: int = 40

    def __post_init__(self) -> None:
        """Refuse options that are out of range."""
        check_number("decrease", self.decrease, 0.0, 1.0)
        check_number("flatness", self.flatness, 0.0, 1.0)
        check_number("max_trials", self.max_trials, 0, np.inf)
        if self.decrease >= self.flatness:
            raise ValueError(
                f"`decrease` must be below `flatness`, got {self.decrease} and {self.flatness}; "
                "else there may be no step that meets both"
            )

    def search(self, line: Line, natural: bool, last: float | None, memory: Any) -> tuple[Trial | None, Any]:
        """Lengthen the step until a bracket is found, then shrink the bracket."""
        step = first_step(line, natural, last)
        near = Trial(0.0, line.origin.x, line.origin.fun, line.origin, line.slope)
        for count in range(self.max_trials):
            trial = line.at(step)
            if line.bottomless(trial):
                return line.differentiate(trial), None
            accepted = self._accept(line, trial, near)
            if accepted is None:
                return self._zoom(line, near, trial, self.max_trials - count), None
            if self._flat(line, accepted):
                return accepted, None
            if accepted.slope >= 0:
                return self._zoom(line, accepted, near, self.max_trials - count), None
            step, near = _farther(near, accepted), accepted
        return (near if near.step else None), None

    def _flat(self, line: Line, trial: Trial) -> bool:
        return abs(trial.slope) <= self.flatness * abs(line.slope)

    def _accept(self, line: Line, trial: Trial, near: Trial) -> Trial | None:
        """Return the trial with its slope if f falls enough there and is below the near end."""
        if near.step and trial.fun > near.fun + line.noise:
            return None
        accepted = line.accept(trial, self.decrease)
        if accepted is None:
            return None
        accepted = line.differentiate(accepted)
        return accepted if accepted.point is not None and accepted.point.finite else None

    def _zoom(self, line: Line, near: Trial, far: Trial, trials: int) -> Trial | None:
        """Shrink the bracket: `near` has fallen enough and slopes towards `far`."""
        for _ in range(trials):
            trial = line.at(_between(near, far))
            if (trial.x == near.x).all() or (trial.x == far.x).all():
                break
            accepted = self._accept(line, trial, near)
            if accepted is None:
                far = trial
                continue
            if self._flat(line, accepted):
                return accepted
            if accepted.slope * (far.step - near.step) >= 0:
                far = near
            near = accepted
        return near if near.step else None


def _farther(near: Trial, trial: Trial) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        guess = cubic_minimum(near.step, near.fun, near.slope, trial.step, trial.fun, trial.slope)
    # No minimum ahead, or one behind, means that f falls ever faster: go as far as is allowed.
    if not guess > trial.step:
        return FARTHEST * trial.step
    return float(np.clip(guess, NEAREST * trial.step, FARTHEST * trial.step))


def _between(near: Trial, far: Trial) -> float:
    """Return a step inside the bracket, by a cubic where both slopes are known, else by a parabola."""
    a, b = near.step, far.step
    if not np.isfinite(far.fun):
        return a + MARGIN * (b - a)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        guess = np.nan
        if np.isfinite(far.slope):
            guess = cubic_minimum(a, near.fun, near.slope, b, far.fun, far.slope)
        if not np.isfinite(guess):
            guess = quadratic_minimum(a, near.fun, near.slope, b, far.fun)
    share = (guess - a) / (b - a)
    return float(a + (b - a) * (np.clip(share, MARGIN, 1 - MARGIN) if np.isfinite(share) else 0.5))
