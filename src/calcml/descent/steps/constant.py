"""The same step every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml.descent.steps.base import Line, StepRule, Trial, check_number

__all__ = ["Constant"]


@dataclass(frozen=True)
class Constant(StepRule):
    """Take the same step every time, the learning rate of machine learning.

    x_{k+1} = x_k + a p_k, with nothing to stop f from rising.

    Parameters
    ----------
    step : float, optional
        The step a, positive.

    Raises
    ------
    TypeError, ValueError
        If the step is not a positive number.

    See Also
    --------
    Backtracking : A step that falls where f would rise.

    Notes
    -----
    On a function whose Hessian has eigenvalues between mu and L, gradient descent converges for a < 2 / L
    and diverges beyond.  The best step 2 / (mu + L) reduces the distance by (L - mu) / (L + mu) per
    iteration [1]_.

    References
    ----------
    .. [1] B. T. Polyak, "Introduction to Optimization", Optimization Software (1987), section 1.4.

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.descent.steps import Constant
    >>> run = cm.gradient_descent(lambda x: x @ x, [3.0, 4.0], step=Constant(0.25))
    >>> bool(run.fun < 1e-12)
    True
    """

    step: float = 0.01
    safeguarded = False

    def __post_init__(self) -> None:
        """Refuse a step that is not positive."""
        check_number("step", self.step, 0.0, np.inf)

    def search(self, line: Line, natural: bool, last: float | None, memory: Any) -> tuple[Trial | None, Any]:
        """Go there, whatever the value."""
        trial = line.at(float(self.step))
        return (line.differentiate(trial) if np.isfinite(trial.x).all() else trial), None
