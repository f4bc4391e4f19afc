"""BFGS: learn the inverse Hessian from the gradients met on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._typing import FloatArray
from calcml.descent._oracle import Oracle, Point
from calcml.descent.directions.base import Direction

__all__ = ["BFGS", "curvature_pair"]

# Numbers per temporary.
BLOCK = 16384


@dataclass(frozen=True)
class BFGS(Direction):
    """Learn the inverse Hessian from the gradients met on the way.

    p = -H g, where after each move s the matrix H takes up that the gradient changed by y, H y = s:
    H+ = (I - r s yᵀ) H (I - r y sᵀ) + r s sᵀ, r = 1 / y·s.

    See Also
    --------
    LBFGS : The same from the last few moves, for many variables.

    Notes
    -----
    Nocedal and Wright [1]_, (6.17), started from the multiple y·s / y·y of the unit matrix (6.20).
    Multiplied out, H+ = H + s wᵀ + w sᵀ with w = r [(1 + r y·H y) s / 2 - H y]: two columns, so an update
    costs O(n²) and not the O(n³) of the product.  Where y·s is not above the error of y, H is kept: the
    update would be noise or lose positive definiteness.  Convergence is superlinear (theorem 6.6); memory
    n².

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd ed., Springer (2006).

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.descent.directions import BFGS
    >>> f = lambda x: x[0] ** 2 + 100 * x[1] ** 2
    >>> cm.gradient_descent(f, [3.0, 4.0], direction=BFGS(), step="wolfe").success
    True
    """

    def propose(self, memory: FloatArray | None, point: Point, oracle: Oracle) -> tuple[FloatArray, Any]:
        """Return -H g."""
        if memory is None:
            return -point.reduced, None
        return -(memory @ point.reduced), memory

    def natural(self, memory: FloatArray | None) -> bool:
        """Tell whether H has learned a length yet."""
        return memory is not None

    def update(self, memory: FloatArray | None, old: Point, new: Point) -> Any:
        """Return H after one more move."""
        pair = curvature_pair(old, new)
        if pair is None:
            return memory
        s, y, sy = pair
        H = (sy / (y @ y)) * np.eye(s.size, dtype=s.dtype) if memory is None else memory
        Hy = H @ y
        w = ((1 + (y @ Hy) / sy) / 2 * s - Hy) / sy
        learned = _add_symmetric(H, s, w)
        return learned if np.isfinite(learned).all() else None


def _add_symmetric(H: FloatArray, s: FloatArray, w: FloatArray) -> FloatArray:
    """Return H + s wᵀ + w sᵀ, exactly symmetric if H is.

    In blocks of rows whose temporaries stay in the cache: a whole outer product of 1000 variables is 8 MB,
    and its pages cost more than its arithmetic.
    """
    total = H.copy()
    rows = max(1, BLOCK // s.size)
    for k in range(0, s.size, rows):
        part = np.multiply.outer(s[k : k + rows], w)
        part += np.multiply.outer(w[k : k + rows], s)
        total[k : k + rows] += part
    return total


def curvature_pair(old: Point, new: Point) -> tuple[FloatArray, FloatArray, Any] | None:
    """Return the moves s and y of the free variables and s·y, or None if y·s is not certainly positive."""
    # A variable that rests on its bound would couple to the others through a move it did not make.
    free = (old.reduced == old.grad) & (new.reduced == new.grad)
    s = np.where(free, new.x - old.x, 0.0)
    y = np.where(free, new.grad - old.grad, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        sy = s @ y
        doubt = np.abs(s) @ np.where(free, old.doubt + new.doubt, 0.0)
        usable = np.isfinite(sy) and sy > doubt and np.isfinite(y @ y) and y @ y > 0
    return (s, y, sy) if usable else None
