"""Backtracking: shorten the step until f falls enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml.descent.steps._interpolation import quadratic_minimum
from calcml.descent.steps.base import Line, StepRule, Trial, check_number, first_step

__all__ = ["Backtracking", "backtrack"]

# A step of 0.1 to 0.5 of the last one: neither useless nor stuck.
SHORTEST, LONGEST = 0.1, 0.5


@dataclass(frozen=True)
class Backtracking(StepRule):
    """Shorten the step until the function falls enough.

    Enough is f(x + t p) <= f(x) + c t g·p, a share c of what the slope promises.  The next t is the minimum
    of the parabola through what is known, kept within 0.1 and 0.5 of the last t.

    Parameters
    ----------
    decrease : float, optional
        The share c of the promised decrease, between 0 and 1; None takes 1e-4, and 1/2 with momentum.
    grow : float, optional
        How much longer than the last step the first trial is, where the direction has no natural length.
    max_trials : int, optional
        Number of trials after which the search fails.

    Raises
    ------
    TypeError, ValueError
        If an option is out of range.

    See Also
    --------
    StrongWolfe : Also lengthens the step until the slope has flattened.

    Notes
    -----
    Nocedal and Wright [1]_, algorithm 3.1 with the interpolation (3.58).  With steepest descent f falls to
    the minimum f* of a strongly convex function as f_{k+1} - f* <= (1 - 2 c' mu / L) (f_k - f*): linear,
    slow where the Hessian's eigenvalues mu and L lie far apart.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd ed., Springer (2006).

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.descent.steps import Backtracking
    >>> cm.gradient_descent(lambda x: x @ x, [3.0, 4.0], step=Backtracking(grow=1.5)).success
    True
    """

    decrease: float | None = None
    grow: float = 2.0
    max_trials: int = 60

    def __post_init__(self) -> None:
        """Refuse options that are out of range."""
        if self.decrease is not None:
            check_number("decrease", self.decrease, 0.0, 1.0)
        check_number("grow", self.grow, 0.0, np.inf)
        check_number("max_trials", self.max_trials, 0, np.inf)

    def search(self, line: Line, natural: bool, last: float | None, memory: Any) -> tuple[Trial | None, Any]:
        """Shorten the step until f falls enough."""
        first = first_step(line, natural, last, self.grow)
        share = 1e-4 if self.decrease is None else self.decrease
        return backtrack(line, first, share, self.max_trials), None


def backtrack(line: Line, step: float, share: float, max_trials: int, reference: Any = None) -> Trial | None:
    """Shorten the step until f is below `reference` (f at the origin) by enough and has a finite gradient."""
    for _ in range(max_trials):
        trial = line.at(step)
        if line.bottomless(trial):
            return line.differentiate(trial)
        accepted = line.accept(trial, share, reference)
        if accepted is not None:
            accepted = line.differentiate(accepted)
            if accepted.point is not None and accepted.point.finite:
                return accepted
        elif line.stands(trial):
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            shorter = quadratic_minimum(0.0, line.origin.fun, line.slope, step, trial.fun)
        if not SHORTEST * step <= shorter <= LONGEST * step:
            # A parabola that asks for less than a tenth, or a value that is no number, gets a tenth.
            shorter = (LONGEST if shorter > LONGEST * step else SHORTEST) * step
        step = shorter
    return None
