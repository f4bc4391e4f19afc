"""The result of a descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calcml._loop import Trace
from calcml._result import Result, format_array
from calcml._status import Status

__all__ = ["MinimizeResult"]


@dataclass(frozen=True, eq=False, repr=False)
class MinimizeResult(Result):
    """Where a descent ended, and why.

    Attributes
    ----------
    x : same structure as x0
        The minimum, or the best point of a run that failed.
    fun : float
        The value there.
    jac, jac_error : same structure as x0
        The gradient there and a bound on its error; of a gradient that was given, only rounding.
    success : bool
        Whether `x` can be used as a minimum.
    status : Status
        Why the run ended.
    nit : int
        Number of iterations.
    nfev, ngev, nhev : int
        Points at which f was evaluated, differences included, and calls of `grad` and `hess`.
    trace : Trace
        Columns ``fun, gradient`` (its largest entry), ``step, nfev``, and the path ``x`` of shape (nit + 1,
        n) where n <= 10.

    See Also
    --------
    minimize : Returns this.

    Examples
    --------
    >>> import calcml as cm
    >>> run = cm.minimize(lambda x: (x[0] - 1) ** 2 + x[1] ** 2, [3.0, 4.0])
    >>> run.x.round(6), run.trace["x"][0]
    (array([1., 0.]), array([3., 4.]))
    """

    x: Any
    fun: Any
    jac: Any
    jac_error: Any
    success: bool
    status: Status
    nit: int
    nfev: int
    ngev: int
    nhev: int
    trace: Trace

    @property
    def message(self) -> str:
        """The sentence of the status, with the numbers that decided."""
        gradient = self.trace["gradient"]
        return (
            f"{self.status} Largest gradient entry {gradient[-1]:.2g}, at the start {gradient[0]:.2g}, "
            f"after {self.nit} iterations."
        )

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("x", format_array(self.x) if hasattr(self.x, "dtype") else str(self.x)),
            ("fun", f"{self.fun:.10g}"),
            ("jac", format_array(self.jac, 2) if hasattr(self.jac, "dtype") else str(self.jac)),
            ("success", str(self.success)),
            ("status", f"{self.status.name}: {self.message}"),
            ("nit", str(self.nit)),
            ("nfev", f"{self.nfev}, ngev: {self.ngev}, nhev: {self.nhev}"),
        ]
