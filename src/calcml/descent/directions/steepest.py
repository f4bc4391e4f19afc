"""Steepest descent: against the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calcml._typing import FloatArray
from calcml.descent._oracle import Oracle, Point
from calcml.descent.directions.base import Direction

__all__ = ["Steepest"]


@dataclass(frozen=True)
class Steepest(Direction):
    """Go against the gradient.

    p = -g, the direction in which f falls fastest per unit of length.

    See Also
    --------
    HeavyBall : The same with momentum.

    Notes
    -----
    With exact line searches on a quadratic whose Hessian has condition number k, f - f* falls by
    ((k - 1) / (k + 1))² per iteration at worst: Nocedal and Wright [1]_, theorem 3.3.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd ed., Springer (2006).

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.descent.directions import Steepest
    >>> cm.gradient_descent(lambda x: x @ x, [3.0, 4.0], direction=Steepest()).success
    True
    """

    def propose(self, memory: Any, point: Point, oracle: Oracle) -> tuple[FloatArray, Any]:
        """Return -g."""
        return -point.reduced, memory
