"""What `lagrange` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._loop import Trace
from calcml._result import Result, format_array
from calcml._status import Status
from calcml._typing import FloatArray

__all__ = ["LagrangeResult"]


@dataclass(frozen=True, eq=False, repr=False)
class LagrangeResult(Result):
    """A stationary point under equality constraints, with its multipliers and what kind of point it is.

    Attributes
    ----------
    x : ndarray, scalar or structure
        The point, as x0 was given.
    fun : float
        The value of f there.
    multipliers : ndarray, shape (m,)
        One number per constraint, in the order given, of L = f + multipliers · c; those of an array-valued
        constraint in C order.  Of all possible ones the shortest vector where they are not unique.
    constraints : ndarray, shape (m,)
        The values c(x), zero up to rounding on success.
    jac : ndarray, shape (n,)
        Gradient of f with respect to the flattened x.
    constraint_jac : ndarray, shape (m, n)
        Gradients of the constraints, one per row; ``jac + constraint_jac.T @ multipliers`` vanishes.
    violation : float
        The largest of the constraints in absolute value.
    stationarity : float
        The largest component of ∇f + Jᵀ multipliers in absolute value.
    seek : str
        What was sought: "minimum", "maximum" or "stationary".
    classification : str
        "minimum", "maximum" or "saddle" among the points that obey the constraints; "degenerate" where second
        derivatives do not decide; "not stationary" for a run that ended elsewhere.
    curvatures : ndarray, shape (k,)
        The evidence: eigenvalues, ascending, of the Hessian of L within the tangent plane of the constraints.
        Empty where the constraints leave no direction.  Where the variables start at sizes more than six
        digits apart, those of the Hessian with respect to variables in units of these.
    curvature_error : float
        Bound on their error; an eigenvalue within it counts as zero.
    names : tuple of str
        What each multiplier belongs to, such as "equality[1]".
    dependent : tuple of int
        Positions of constraints whose gradients are linearly dependent or have vanished; usually empty.
    success : bool
        Whether the point is what was sought.
    status : Status
        How the run ended.
    nit : int
        Number of iterations.
    nfev : int
        Points at which f was evaluated, differences included.
    ngev : int
        Calls of the user's gradient.
    nhev : int
        Calls of the user's Hessian of the Lagrangian.
    ncev : int
        Points at which constraints were evaluated, differences included, summed over the functions.
    njev : int
        Calls of the user's Jacobians, summed over the functions.
    trace : Trace
        Columns ``fun, violation, stationarity, step``, and the path ``x`` of shape (nit + 1, n) where
        n <= 10.

    See Also
    --------
    lagrange : Returns this.

    Examples
    --------
    >>> import calcml as cm
    >>> run = cm.lagrange(lambda x: x[0] * x[1], [1.0, 0.5], equality=lambda x: x @ x - 1)
    >>> run.x.round(6), run.multipliers.round(6), run.classification
    (array([ 0.707107, -0.707107]), array([0.5]), 'minimum')
    >>> run.curvatures.round(6)
    array([2.])
    """

    x: Any
    fun: float
    multipliers: FloatArray
    constraints: FloatArray
    jac: FloatArray
    constraint_jac: FloatArray
    violation: float
    stationarity: float
    seek: str
    classification: str
    curvatures: FloatArray
    curvature_error: float
    names: tuple[str, ...]
    dependent: tuple[int, ...]
    success: bool
    status: Status
    nit: int
    nfev: int
    ngev: int
    nhev: int
    ncev: int
    njev: int
    trace: Trace

    @property
    def sensitivity(self) -> FloatArray:
        """How the optimal value moves with each constraint's level: df*/db = -multiplier for c(x) = b."""
        return -self.multipliers

    @property
    def message(self) -> str:
        """The sentence of the status, with the constraints it speaks of."""
        text = str(self.status)
        if self.status is Status.INFEASIBLE:
            worst = int(np.argmax(np.abs(self.constraints)))
            text += f" The largest violation is {self.names[worst]} = {self.constraints[worst]:.3g}."
        if self.dependent:
            involved = ", ".join(self.names[i] for i in self.dependent)
            text += f" Dependent or vanishing gradients: {involved}."
            if not self.success:
                text += " Multipliers need not exist there."
        if self.seek == "maximum" and not self.success:
            text += " (Said of -f, which is minimized.)"
        return text

    def _rows(self) -> list[tuple[str, str]]:
        evidence = (
            f"curvatures {format_array(self.curvatures, 6)}" if self.curvatures.size else "a single point"
        )
        x = format_array(self.x) if isinstance(self.x, np.ndarray | np.generic) else str(self.x)
        counts = (
            ("f", self.nfev),
            ("grad", self.ngev),
            ("hess", self.nhev),
            ("c", self.ncev),
            ("jac", self.njev),
        )
        return [
            ("x", x),
            ("fun", f"{self.fun:.10g}"),
            ("multipliers", format_array(self.multipliers)),
            ("classification", f"{self.classification} ({evidence})"),
            ("violation", f"{self.violation:.2g}"),
            ("stationarity", f"{self.stationarity:.2g}"),
            ("status", f"{self.status.name}: {self.message}"),
            ("iterations", str(self.nit)),
            ("evaluations", ", ".join(f"{count} {name}" for name, count in counts if count)),
        ]
