"""Newton: the minimum of the parabola that has the function's slope and curvature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._typing import FloatArray
from calcml.descent._curvature import curvature
from calcml.descent._oracle import Oracle, Point
from calcml.descent.directions.base import Direction

__all__ = ["Newton"]

# The longest step, relative to x.
FARTHEST = 100.0


@dataclass(frozen=True)
class Newton(Direction):
    r"""Go to the minimum of the parabola with the function's gradient and Hessian.

    p = -\|H\|⁻¹ g, where \|H\| has the absolute values of the eigenvalues of H: Newton's step where the
    curvature is positive, and downhill along negative curvature.

    See Also
    --------
    BFGS : Without second derivatives.

    Notes
    -----
    Near a minimum with a positive definite Hessian the number of correct digits doubles at each step:
    Nocedal and Wright [1]_, theorem 3.5.  Eigenvalues are taken of D H D with a unit diagonal, so that the
    units of the variables do not matter, and not below their own errors.  At a saddle point the method goes
    on along the most negative curvature.  Without `hess` a Hessian costs about 2 n² evaluations of f, or 2
    n of the gradient.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd ed., Springer (2006), section 3.4.
    .. [2] Y. Dauphin et al., "Identifying and attacking the saddle point problem in high-dimensional
       non-convex optimization", NeurIPS 27 (2014): the absolute values.

    Examples
    --------
    >>> import calcml as cm
    >>> f = lambda x: x[0] ** 2 + 100 * x[1] ** 2
    >>> cm.gradient_descent(f, [3.0, 4.0], direction="newton", step="wolfe").nit
    1
    """

    leaves_saddles = True

    def propose(self, memory: Any, point: Point, oracle: Oracle) -> tuple[FloatArray, Any]:
        """Return ``-|H|⁻¹ g`` for the free variables; without a finite Hessian, -g."""
        free = oracle.free(point)
        found = curvature(*oracle.hessian(point, free))
        if found is None:
            return -point.reduced, False
        p = np.zeros(point.x.shape, dtype=point.x.dtype)
        p[free] = found.newton_step(point.grad[free])
        # Where the Hessian is nearly singular the parabola reaches farther than it means anything.
        reach = float(np.max(np.abs(p) / np.maximum(np.abs(point.x), 1.0)))
        return (p * (FARTHEST / reach) if reach > FARTHEST else p), True

    def natural(self, memory: Any) -> bool:
        """Tell whether the Hessian was used."""
        return bool(memory)
