"""What the root finders return."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._loop import Trace
from calcml._result import Result, format_array, format_measurement
from calcml._status import Status

__all__ = ["RootResult", "SystemResult"]


@dataclass(frozen=True, eq=False, repr=False)
class RootResult(Result):
    """The roots of an elementwise function.

    Attributes
    ----------
    x : float or ndarray
        The roots, in the shape and dtype of x0; where there is no success, the last point.
    fun : float or ndarray
        The values of f there.
    error : float or ndarray
        Bounds on the distance to the root: f changes its sign within, or rises from zero; infinite without
        success.
    success : bool or ndarray of bool
        Whether each x is a root within its error.
    status : Status or ndarray of int8
        How each equation ended: a `Status`, for arrays its codes.
    nit : int
        Number of iterations, of the equation that took most.
    nfev, ngev, nhev : int
        Calls of f, of its derivative and of its second derivative.
    trace : Trace
        Columns "running", how many equations were not solved yet, and "step", their longest step; for a
        single equation also "x" and "fun".

    See Also
    --------
    newton : The function that returns this.

    Examples
    --------
    >>> import calcml as cm
    >>> result = cm.newton(lambda x: x**2 - 2, 1.0)
    >>> result.check().trace["x"].shape == (result.nit + 1,)
    True
    """

    x: Any
    fun: Any
    error: Any
    success: Any
    status: Any
    nit: int
    nfev: int
    ngev: int
    nhev: int
    trace: Trace

    @property
    def message(self) -> str:
        """The sentences of all statuses that occur."""
        return "; ".join(str(Status(int(code))) for code in np.unique(np.asarray(self.status)))

    def _rows(self) -> list[tuple[str, str]]:
        single = np.ndim(self.x) == 0
        solved = format_measurement(self.x, self.error) if single else format_array(self.x)
        count = str(bool(self.success)) if single else f"{np.sum(self.success)} of {np.size(self.success)}"
        return [
            ("x", solved),
            ("fun", format_array(self.fun, 2)),
            ("error", format_array(self.error, 1)),
            ("success", count),
            ("status", self.message),
            ("nit", str(self.nit)),
            ("nfev", str(self.nfev)),
        ]


@dataclass(frozen=True, eq=False, repr=False)
class SystemResult(Result):
    """A root of a system of equations.

    Attributes
    ----------
    x : ndarray or structure
        The root, in the structure of x0; without success, the point with the smallest residual.
    fun : ndarray
        F(x), as F returned it.
    jac : ndarray
        The Jacobian at x, of shape ``(F.size, x.size)``.
    error : ndarray or structure
        Bound on the error of each number in x from the last Newton step and the rounding of F, in the
        structure of x; infinite without success.
    success : bool
        Whether x is a root.
    status : Status
        Why the run ended.
    nit : int
        Number of iterations.
    nfev, njev : int
        Points at which F was evaluated, differences included, and calls of `jac`.
    trace : Trace
        Columns "x" (flat), "residual" (the norm of F), "step" (the largest relative change of x),
        "damping" (the part of Newton's step that was taken; 0 where a Levenberg-Marquardt step was).

    See Also
    --------
    newton_system : The function that returns this.

    Examples
    --------
    >>> import calcml as cm
    >>> result = cm.newton_system(lambda x: [x[0] + x[1] - 3, x[0] * x[1] - 2], [0.0, 3.0])
    >>> result.x.round(12)
    array([1., 2.])
    """

    x: Any
    fun: Any
    jac: Any
    error: Any
    success: bool
    status: Status
    nit: int
    nfev: int
    njev: int
    trace: Trace

    @property
    def message(self) -> str:
        """The sentence of the status."""
        return str(self.status)

    def _rows(self) -> list[tuple[str, str]]:
        def text(value: Any, digits: int) -> str:
            return format_array(value, digits) if isinstance(value, np.ndarray | np.generic) else str(value)

        return [
            ("x", text(self.x, 10)),
            ("error", text(self.error, 1)),
            ("fun", text(self.fun, 2)),
            ("success", str(self.success)),
            ("status", f"{self.status.name}: {self.status}"),
            ("nit", str(self.nit)),
            ("nfev", str(self.nfev)),
            ("njev", str(self.njev)),
        ]
