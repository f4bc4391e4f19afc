"""Minima under equality constraints, with their multipliers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ConstrainedCase"]


@dataclass(frozen=True, eq=False)
class ConstrainedCase:
    """A function under equality constraints c(x) = 0, and its stationary point.

    The Lagrangian is ``L(x, lam) = f(x) + lam . c(x)``, so that ``grad f + J^T lam = 0`` at the answer.

    Parameters
    ----------
    name : str
        Unique name.
    f : callable
        The function, from shape (n,) to a number; it takes complex arrays.
    grad : callable
        Its exact gradient, of shape (n,).
    equality : callable
        The constraints, from shape (n,) to shape (m,).
    jac : callable
        Their exact Jacobian, of shape (m, n).
    x0 : ndarray
        Starting point, read-only.
    x : ndarray or None
        The stationary point, correct to the last digits; None if no point satisfies the constraints.
    fun : float
        The value of `f` there; NaN if there is no such point.
    multipliers : ndarray or None
        The multipliers there: of all possible ones the shortest vector; None if there are none, which
        happens where the constraints' gradients are dependent.
    kind : str
        "minimum", "maximum" or "saddle" among the points that satisfy the constraints; "degenerate" for a
        minimum that second derivatives do not prove; "infeasible".
    hess : callable, optional
        The exact Hessian of the Lagrangian, called with the point and the multipliers.
    tags : frozenset of str
        "linear" (the constraints are), "several" (there are other minima), "dependent" (so are the
        constraints' gradients at the answer), "domain", "scale", "teaching".

    See Also
    --------
    constrained_cases : The catalogue.

    Examples
    --------
    >>> from calcml.testing import constrained_cases
    >>> case = next(c for c in constrained_cases() if c.name == "xy_on_circle")
    >>> case.fun, case.multipliers.tolist(), case.kind
    (-0.5, [0.5], 'minimum')
    """

    name: str
    f: Callable[[Any], Any] = field(repr=False)
    grad: Callable[[Any], NDArray[Any]] = field(repr=False)
    equality: Callable[[Any], Any] = field(repr=False)
    jac: Callable[[Any], NDArray[Any]] = field(repr=False)
    x0: NDArray[np.float64]
    x: NDArray[np.float64] | None
    fun: float
    multipliers: NDArray[np.float64] | None
    kind: str = "minimum"
    hess: Callable[[Any, Any], NDArray[Any]] | None = field(default=None, repr=False)
    tags: frozenset[str] = frozenset()

    def stationarity(self, x: Any, multipliers: Any) -> NDArray[np.float64]:
        """Compute the residual of the first-order conditions at a point.

        Parameters
        ----------
        x : array_like
            The point, of shape (n,).
        multipliers : array_like
            The multipliers, of shape (m,).

        Returns
        -------
        ndarray
            ``grad f + J^T lam`` followed by ``c``, of shape (n + m,); zero at a stationary point.

        Examples
        --------
        >>> from calcml.testing import constrained_cases
        >>> case = next(c for c in constrained_cases() if c.name == "hs27")
        >>> case.stationarity(case.x, case.multipliers).tolist()
        [0.0, 0.0, 0.0, 0.0]
        """
        x, lam = np.asarray(x), np.asarray(multipliers)
        return np.concatenate([self.grad(x) + self.jac(x).T @ lam, self.equality(x)])
