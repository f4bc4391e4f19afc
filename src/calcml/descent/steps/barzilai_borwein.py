"""Barzilai and Borwein: the step of a quasi-Newton method with a single number for a Hessian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._typing import FloatArray
from calcml.descent.steps.backtracking import backtrack
from calcml.descent.steps.base import Line, StepRule, Trial, check_number, first_step

__all__ = ["BarzilaiBorwein"]


@dataclass(frozen=True, eq=False)
class Recent:
    """The last point, its gradient, and the last values of f."""

    x: FloatArray
    grad: FloatArray
    values: tuple[Any, ...]


@dataclass(frozen=True)
class BarzilaiBorwein(StepRule):
    """Take the step for which the last change of the gradient is explained best.

    a = s·s / s·y, with s the last change of x and y that of the gradient: the inverse of the mean curvature
    along s.  The function may rise meanwhile; it only has to stay below the largest of its last values.

    Parameters
    ----------
    memory : int, optional
        How many of the last values f is compared with; 1 makes it fall at every step.
    decrease : float, optional
        The share c of the promised decrease below the largest of them.
    max_trials : int, optional
        Number of trials after which the search fails.

    Raises
    ------
    TypeError, ValueError
        If an option is out of range.

    See Also
    --------
    Backtracking : A step that only uses values of f.

    Notes
    -----
    The first of the two steps of Barzilai and Borwein [1]_, with the nonmonotone line search of Grippo,
    Lampariello and Lucidi [2]_ as Raydan [3]_ combined them.  Each step costs what steepest descent costs,
    and it converges R-linearly, in practice near the speed of conjugate gradients.

    References
    ----------
    .. [1] J. Barzilai and J. M. Borwein, IMA Journal of Numerical Analysis 8 (1988) 141-148, equation (5).
    .. [2] L. Grippo, F. Lampariello and S. Lucidi, SIAM Journal on Numerical Analysis 23 (1986) 707-716.
    .. [3] M. Raydan, SIAM Journal on Optimization 7 (1997) 26-33.

    Examples
    --------
    >>> import calcml as cm
    >>> f = lambda x: x[0] ** 2 + 100 * x[1] ** 2
    >>> cm.gradient_descent(f, [3.0, 4.0], step="barzilai-borwein").nit < 30
    True
    """

    memory: int = 10
    decrease: float = 1e-4
    max_trials: int = 60

    def __post_init__(self) -> None:
        """Refuse options that are out of range."""
        check_number("memory", self.memory, 0, np.inf)
        check_number("decrease", self.decrease, 0.0, 1.0)
        check_number("max_trials", self.max_trials, 0, np.inf)

    def search(
        self, line: Line, natural: bool, last: float | None, memory: Recent | None
    ) -> tuple[Trial | None, Any]:
        """Try the step of Barzilai and Borwein and shorten it until f is low enough."""
        here = line.origin
        step = first_step(line, natural, last)
        if memory is None:
            values: tuple[Any, ...] = (here.fun,)
        else:
            values = (*memory.values, here.fun)[-self.memory :]
            s, y = here.x - memory.x, here.grad - memory.grad
            sy, ss = float(s @ y), float(s @ s)
            # Without curvature along s the parabola has no minimum: take a longer step than last time.
            step = ss / sy if sy > 0 and ss > 0 else 10 * step
        trial = backtrack(line, step, self.decrease, self.max_trials, max(values))
        return trial, Recent(here.x, here.grad, values)
