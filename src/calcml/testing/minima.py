"""Functions with known minima, and traps for minimizers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MinimumCase"]


@dataclass(frozen=True, eq=False)
class MinimumCase:
    """A function to be minimized, with its exact gradient, and the answer.

    Parameters
    ----------
    name : str
        Unique name.
    f : callable
        The function, from shape (n,) to a number; it takes complex arrays, and where it overflows or leaves
        its domain it gives infinity or NaN without a warning.
    grad : callable
        Its exact gradient, of shape (n,).
    x0 : ndarray
        Starting point, read-only.
    x : ndarray or None
        The best minimizer, correct to the last digits; None if there is none.
    fun : float
        The value there; the greatest lower bound if there is no minimizer, which may be minus infinity.
    hess : callable, optional
        The exact Hessian, of shape (n, n).
    others : tuple of float
        Values of other, local minima that a good method may end at.
    tags : frozenset of str
        "least squares", "convex", "singular" (the Hessian is singular at the minimizer), "several" (there
        are other minimizers or minima), "scale" (units far from one), "trap", "saddle start", "unbounded",
        "unattained" (the bound is approached at infinity), "domain" (NaN in a part of the space).

    See Also
    --------
    minimum_cases : The catalogue.

    Examples
    --------
    >>> from calcml.testing import minimum_cases
    >>> case = minimum_cases()[0]
    >>> case.name, case.x.tolist(), case.fun
    ('rosenbrock', [1.0, 1.0], 0.0)
    """

    name: str
    f: Callable[[Any], Any] = field(repr=False)
    grad: Callable[[Any], NDArray[Any]] = field(repr=False)
    x0: NDArray[np.float64]
    x: NDArray[np.float64] | None
    fun: float
    hess: Callable[[Any], NDArray[Any]] | None = field(default=None, repr=False)
    others: tuple[float, ...] = ()
    tags: frozenset[str] = frozenset()

    def solved(self, x: Any, *, tau: float = 1e-8) -> bool:
        """Tell whether a point is good enough: ``f(x) - f* <= tau (f(x0) - f*)``.

        This is the convergence test of Moré and Wild (SIAM J. Optim. 20 (2009) 172, equation 2.2), which
        changes neither with the units of x nor with those of f. Where f starts at its minimum, a rounding of
        f is allowed.

        Parameters
        ----------
        x : array_like
            The point, of shape (n,).
        tau : float, default 1e-8
            The part of the possible decrease that may be missing.

        Returns
        -------
        bool
            True if the global minimum is reached; never so for an unbounded function.

        Examples
        --------
        >>> from calcml.testing import minimum_cases
        >>> case = minimum_cases()[0]
        >>> case.solved([1.0, 1.00001]), case.solved([1.0, 1.1])
        (True, False)
        """
        return self._reaches(x, self.fun, tau)

    def solved_locally(self, x: Any, *, tau: float = 1e-8) -> bool:
        """Tell whether a point is good enough for the global or one of the listed local minima.

        Parameters
        ----------
        x : array_like
            The point, of shape (n,).
        tau : float, default 1e-8
            The part of the possible decrease that may be missing.

        Returns
        -------
        bool
            True if one of the minima is reached.

        Examples
        --------
        >>> from calcml.testing import minimum_cases
        >>> case = next(c for c in minimum_cases() if c.name == "freudenstein_roth")
        >>> x = [11.412778984, -0.896805253]
        >>> case.solved(x), case.solved_locally(x)
        (False, True)
        """
        return self.solved(x, tau=tau) or any(
            abs(float(self.f(np.asarray(x))) - fun) <= tau * abs(float(self.f(self.x0)) - fun)
            for fun in self.others
        )

    def _reaches(self, x: Any, fun: float, tau: float) -> bool:
        value, start = float(self.f(np.asarray(x, dtype=np.float64))), float(self.f(self.x0))
        if not (np.isfinite(fun) and np.isfinite(value)):
            return False
        return bool(value - fun <= max(tau * (start - fun), 4 * float(np.spacing(abs(fun)))))
