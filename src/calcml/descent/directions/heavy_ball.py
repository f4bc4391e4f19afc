"""The heavy ball: the gradient pushes, inertia carries on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calcml._typing import FloatArray
from calcml.descent._oracle import Oracle, Point
from calcml.descent.directions.base import Direction
from calcml.descent.steps.base import check_number

__all__ = ["HeavyBall"]


@dataclass(frozen=True)
class HeavyBall(Direction):
    """Add a share of the last direction to the gradient's.

    p_k = -g_k + b p_{k-1}: a ball that rolls with friction.  With a constant step a this is
    x_{k+1} = x_k - a g_k + b (x_k - x_{k-1}).

    Parameters
    ----------
    inertia : float, optional
        The share b of the last direction, between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        If `inertia` is out of range.

    See Also
    --------
    Nesterov : Momentum that looks ahead.

    Notes
    -----
    Polyak [1]_: on a quadratic with condition number k, the best a and b reduce the distance by
    (sqrt(k) - 1) / (sqrt(k) + 1) per iteration, where steepest descent gets (k - 1) / (k + 1).  With a line
    search the momentum is dropped whenever the direction no longer goes down.

    References
    ----------
    .. [1] B. T. Polyak, USSR Computational Mathematics and Mathematical Physics 4 (1964) 1-17.

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.descent.directions import HeavyBall
    >>> f = lambda x: x[0] ** 2 + 100 * x[1] ** 2
    >>> cm.gradient_descent(f, [3.0, 4.0], direction=HeavyBall(0.8), step=0.003).success
    True
    """

    inertia: float = 0.9
    decrease = 0.5

    def __post_init__(self) -> None:
        """Refuse an inertia out of range."""
        check_number("inertia", self.inertia, 0.0, 1.0)

    def propose(self, memory: FloatArray | None, point: Point, oracle: Oracle) -> tuple[FloatArray, Any]:
        """Return -g plus the share of the last direction; remember the sum."""
        p = -point.reduced if memory is None else -point.reduced + self.inertia * memory
        return p, p
