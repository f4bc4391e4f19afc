"""L-BFGS: the BFGS matrix of the last few moves, never formed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._typing import FloatArray
from calcml.descent._oracle import Oracle, Point
from calcml.descent.directions.base import Direction
from calcml.descent.directions.bfgs import curvature_pair

__all__ = ["LBFGS"]

Pairs = tuple[tuple[FloatArray, FloatArray, Any], ...]


@dataclass(frozen=True)
class LBFGS(Direction):
    """Use the BFGS matrix of the last few moves without forming it.

    p = -H g, where H starts from the multiple s·y / y·y of the unit matrix of the last move and takes up the
    last m pairs (s, y).

    Parameters
    ----------
    memory : int, optional
        The number m of moves that are remembered.

    Raises
    ------
    TypeError, ValueError
        If `memory` is not a positive integer.

    See Also
    --------
    BFGS : The matrix of all moves.

    Notes
    -----
    The two-loop recursion, Nocedal and Wright [1]_, algorithm 7.4, costs 4 m n operations and 2 m n numbers
    of memory.  Convergence is linear.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd ed., Springer (2006).

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.descent.directions import LBFGS
    >>> f = lambda x: x[0] ** 2 + 100 * x[1] ** 2
    >>> cm.gradient_descent(f, [3.0, 4.0], direction=LBFGS(memory=5), step="wolfe").success
    True
    """

    memory: int = 10

    def __post_init__(self) -> None:
        """Refuse a memory that is not a positive integer."""
        if isinstance(self.memory, bool) or not isinstance(self.memory, int | np.integer):
            raise TypeError(f"`memory` must be an integer, got {self.memory!r}")
        if self.memory < 1:
            raise ValueError(f"`memory` must be at least 1, got {self.memory}")

    def propose(self, memory: Pairs | None, point: Point, oracle: Oracle) -> tuple[FloatArray, Any]:
        """Return -H g by the two-loop recursion."""
        q = -point.reduced
        if not memory:
            return q, memory
        shares = []
        for s, y, sy in reversed(memory):
            share = (s @ q) / sy
            q = q - share * y
            shares.append(share)
        s, y, sy = memory[-1]
        q = (sy / (y @ y)) * q
        for (s, y, sy), share in zip(memory, reversed(shares), strict=True):
            q = q + (share - (y @ q) / sy) * s
        return q, memory

    def natural(self, memory: Pairs | None) -> bool:
        """Tell whether there is a pair to take a length from."""
        return bool(memory)

    def update(self, memory: Pairs | None, old: Point, new: Point) -> Any:
        """Return the pairs with the newest at the end."""
        pair = curvature_pair(old, new)
        return memory if pair is None else (*(memory or ()), pair)[-self.memory :]
