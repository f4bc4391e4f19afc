"""Systems of equations with exact Jacobians and known roots."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._residuals import Residuals, few_variables
from ._residuals_square import many_variables, small_systems

__all__ = ["SystemCase", "system_cases"]


@dataclass(frozen=True, eq=False)
class SystemCase:
    """A system of equations F(x) = 0, as many as variables.

    Parameters
    ----------
    name : str
        Unique name.
    f : callable
        The function F, from shape (n,) to shape (n,); it takes complex arrays, and where it overflows it
        does not warn.
    jac : callable
        Its exact Jacobian, of shape (n, n).
    x0 : ndarray
        Starting point, read-only.
    x : ndarray or None
        The root to be found from there, correct to the last digits; None if there is no root.
    tags : frozenset of str
        "several" (there are other roots), "singular" (the Jacobian is singular at the root), "scale" (the
        variables' units differ), "no root".

    See Also
    --------
    system_cases : The catalogue.

    Examples
    --------
    >>> from calcml.testing import system_cases
    >>> case = system_cases()[0]
    >>> case.name, case.f(case.x).tolist()
    ('rosenbrock', [0.0, 0.0])
    """

    name: str
    f: Callable[[Any], Any] = field(repr=False)
    jac: Callable[[Any], NDArray[Any]] = field(repr=False)
    x0: NDArray[np.float64]
    x: NDArray[np.float64] | None
    tags: frozenset[str] = frozenset()

    def is_root(self, x: Any, *, rtol: float = 1e-6) -> bool:
        """Tell whether a point is a root: the listed one, or any other.

        A point counts if it is within `rtol` of the listed root, or if Newton's step from it is that small;
        where the Jacobian is singular, if the residual is below ``rtol**2`` of that at `x0`.

        Parameters
        ----------
        x : array_like
            The point, of shape (n,).
        rtol : float, default 1e-6
            Distance, relative to the largest component of the point.

        Returns
        -------
        bool
            True if the point is a root.

        Examples
        --------
        >>> from calcml.testing import system_cases
        >>> case = system_cases()[0]
        >>> case.is_root(case.x), case.is_root(case.x0)
        (True, False)
        """
        x = np.asarray(x, dtype=np.float64)
        F, J = self.f(x), self.jac(x)
        if not (np.all(np.isfinite(F)) and np.all(np.isfinite(J))):
            return False
        size = rtol * max(float(np.max(np.abs(x))), rtol)
        if self.x is not None and np.max(np.abs(x - self.x)) <= size:
            return True
        if "singular" in self.tags or "no root" in self.tags:
            return bool(np.max(np.abs(F)) <= rtol**2 * np.max(np.abs(self.f(self.x0))))
        step = np.linalg.lstsq(np.asarray(J, dtype=np.float64), F, rcond=None)[0]
        return bool(np.max(np.abs(step)) <= size and np.linalg.matrix_rank(J) == x.size)


def _system(problem: Residuals) -> SystemCase:
    return SystemCase(problem.name, problem.r, problem.jac, problem.x0, problem.x, problem.tags)


def system_cases(tag: str | None = None) -> tuple[SystemCase, ...]:
    """List systems of equations.

    Those of Moré, Garbow and Hillstrom [1]_ that are square, and small ones with a difficulty of their own:
    several roots, a singular Jacobian, overflow, no root at all.

    Parameters
    ----------
    tag : str, optional
        Only the cases with this tag.

    Returns
    -------
    tuple of SystemCase
        The cases; an unknown tag gives none.

    See Also
    --------
    root_cases : One equation with one unknown.

    References
    ----------
    .. [1] J. J. Moré, B. S. Garbow and K. E. Hillstrom, "Testing unconstrained optimization software",
       ACM Transactions on Mathematical Software 7 (1981) 17-41.
    .. [2] P. T. Boggs, "The solution of nonlinear systems of equations by A-stable integration techniques",
       SIAM Journal on Numerical Analysis 8 (1971) 767-785.

    Examples
    --------
    >>> from calcml.testing import system_cases
    >>> [case.name for case in system_cases("no root")]
    ['no_root']
    """
    square = [p for p in few_variables() if np.size(p.r(p.x0)) == p.x0.size]
    cases = tuple(_system(p) for p in (*square, *small_systems(), *many_variables()))
    return tuple(case for case in cases if tag is None or tag in case.tags)
