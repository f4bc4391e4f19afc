"""Nesterov's accelerated gradient, restarted whenever it runs uphill."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._typing import FloatArray
from calcml.descent._oracle import Oracle, Point
from calcml.descent.directions.base import Direction
from calcml.descent.steps.base import Trial

__all__ = ["Nesterov"]


@dataclass(frozen=True, eq=False)
class Ahead:
    """The last accepted point and the number t that sets the momentum."""

    x: FloatArray
    t: float


@dataclass(frozen=True)
class Nesterov(Direction):
    """Take the gradient ahead of the point, where the momentum leads.

    x_{k+1} = y_k - a g(y_k),  y_{k+1} = x_{k+1} + b_k (x_{k+1} - x_k), with b_k = (t_k - 1) / t_{k+1} and
    t_{k+1} = (1 + sqrt(1 + 4 t_k²)) / 2.

    Parameters
    ----------
    restart : bool, optional
        Whether the momentum starts again from nothing when the last move went against the gradient.

    See Also
    --------
    HeavyBall : Momentum that does not look ahead.

    Notes
    -----
    On a convex function ``f_k - f* <= 2 L |x_0 - x*|² / (k + 1)²``, which no method that only sees gradients
    can improve by more than a constant [1]_; the restart [2]_ makes it linear with rate 1 - sqrt(mu / L)
    where f is strongly convex, without knowing mu.

    References
    ----------
    .. [1] Y. Nesterov, Soviet Mathematics Doklady 27 (1983) 372-376.
    .. [2] B. O'Donoghue and E. Candès, Foundations of Computational Mathematics 15 (2015) 715-732.

    Examples
    --------
    >>> import calcml as cm
    >>> f = lambda x: x[0] ** 2 + 100 * x[1] ** 2
    >>> cm.gradient_descent(f, [3.0, 4.0], direction="nesterov").success
    True
    """

    restart: bool = True
    decrease = 0.5

    def __post_init__(self) -> None:
        """Refuse what is neither True nor False."""
        if not isinstance(self.restart, bool):
            raise TypeError(f"`restart` must be True or False, got {self.restart!r}")

    def propose(self, memory: Ahead | None, point: Point, oracle: Oracle) -> tuple[FloatArray, Any]:
        """Return -g at the point ahead."""
        return -point.reduced, Ahead(point.x, 1.0) if memory is None else memory

    def target(self, memory: Ahead | None, point: Point, trial: Trial) -> tuple[FloatArray, Any]:
        """Return the point ahead of the accepted one."""
        memory = Ahead(point.x, 1.0) if memory is None else memory
        moved = trial.x - memory.x
        if self.restart and float(point.grad @ moved) > 0:
            return trial.x, Ahead(trial.x, 1.0)
        t = (1 + math.sqrt(1 + 4 * memory.t**2)) / 2
        with np.errstate(over="ignore", invalid="ignore"):
            return trial.x + ((memory.t - 1) / t) * moved, Ahead(trial.x, t)
