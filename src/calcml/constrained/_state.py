"""Where the iteration stands: a point with its derivatives, the scales seen so far, and one verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from calcml._status import Status
from calcml._typing import FloatArray
from calcml.constrained._problem import ConstrainedProblem
from calcml.constrained._tangent import Tangent, decompose

# What has become this small a part of what it was counts as gone.
VANISHED = 1e-6
# The square of this is still a number.
HUGE = 1e150
# The path is recorded for as many variables as one would ever plot.
PATH = 10

__all__ = ["Curvature", "LagrangeState", "Point", "Scales", "evaluate_point", "projected_error"]


@dataclass(frozen=True, eq=False)
class Point:
    """A point with everything of first order: f, c, gradient, Jacobian, tangent plane, multipliers.

    All are with respect to x / unit, see `ConstrainedProblem`.
    """

    x: FloatArray
    f: float
    c: FloatArray
    g: FloatArray
    g_error: FloatArray
    J: FloatArray
    J_error: FloatArray
    tangent: Tangent
    lam: FloatArray
    unit: FloatArray

    @property
    def finite(self) -> bool:
        """Whether every value and derivative is, and their squares, too."""
        return _usable(np.asarray(self.f), self.c, self.g, self.J)

    @property
    def residual(self) -> FloatArray:
        """The gradient of the Lagrangian, the part of the gradient of f in the tangent plane."""
        return self.g + self.J.T @ self.lam

    @property
    def residual_error(self) -> FloatArray:
        """Bound on its error."""
        return self.g_error + self.J_error.T @ np.abs(self.lam)


def _usable(*parts: FloatArray) -> bool:
    return all(bool((np.abs(part) < HUGE).all()) for part in parts)


def evaluate_point(
    problem: ConstrainedProblem, x: FloatArray, f: float, c: FloatArray, *, error: bool = False
) -> Point:
    """Add to f and c at x what derivatives tell."""
    g, g_error, J, J_error = problem.slopes(x, error=error)
    if not _usable(g, J):
        nothing = decompose(np.zeros_like(J), np.zeros_like(J))
        return Point(x, f, c, g, g_error, J, J_error, nothing, np.full(c.size, np.nan), problem.unit)
    tangent = decompose(J, J_error)
    return Point(x, f, c, g, g_error, J, J_error, tangent, tangent.multipliers(g), problem.unit)


@dataclass(frozen=True, eq=False)
class Scales:
    """The largest sizes seen on the way: of each coordinate, of the gradient, of each constraint gradient.

    What is zero at the answer has no scale there; these tell what is small.  `terms` is the largest g_j x_j,
    a size of the gradient that does not depend on the units of the variables.
    """

    x: FloatArray
    g: float
    rows: FloatArray
    terms: float

    @classmethod
    def of(cls, p: Point) -> Self:
        """Measure one point; one that is not finite has no scales."""
        if not p.finite:
            return cls(np.abs(p.x), 0.0, np.zeros(p.c.size), 0.0)
        terms = float(np.abs(p.g * p.x).max())
        return cls(np.abs(p.x), float(np.abs(p.g / p.unit).max()), np.linalg.norm(p.J, axis=1), terms)

    def with_point(self, p: Point) -> Scales:
        """Take one more point into account."""
        new = Scales.of(p)
        x, rows = np.maximum(self.x, new.x), np.maximum(self.rows, new.rows)
        return Scales(x, max(self.g, new.g), rows, max(self.terms, new.terms))

    def stationarity(self, p: Point) -> float:
        """Return the largest component of the gradient of the Lagrangian, relative to that of f.

        Components are compared in the units of the user's variables, and times the sizes of these: where the
        units are very different, the largest gradient says nothing of the other variables.
        """
        whole, terms = self.gradient(p), self._terms(p)
        plain = float(np.abs(p.residual / p.unit).max()) / whole if whole else 0.0
        return max(plain, float((np.abs(p.residual) * self.x).max()) / terms if terms else 0.0)

    def _terms(self, p: Point) -> float:
        """Return the largest of the terms that cancel in x_j (∇f + Jᵀ lam)_j."""
        sizes = np.abs(p.g) + np.abs(p.J).T @ np.abs(p.lam)
        return max(float((sizes * self.x).max()), 1e-3 * self.terms)

    def gradient(self, p: Point) -> float:
        """Return the size of the gradient of f that residuals are measured by.

        Where it vanishes itself, a thousandth of the largest one seen takes its place.
        """
        return max(float(np.abs(p.g / p.unit).max()), 1e-3 * self.g)

    def constraint_sizes(self, p: Point) -> FloatArray:
        """Return the size of each constraint's terms, Σ_j |J_ij x_j|, which sets its rounding."""
        return np.abs(p.J) @ np.maximum(np.abs(p.x), 1e-6 * self.x)

    def violation(self, p: Point) -> float:
        """Return the largest constraint relative to the size of its terms."""
        sizes = self.constraint_sizes(p)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(p.c == 0, 0.0, np.abs(p.c) / sizes)
        return float(relative.max())

    @property
    def units(self) -> FloatArray:
        """Units of the constraints in which the steepest gradients seen have length one."""
        return np.where(self.rows > 0, self.rows, 1.0)

    @property
    def reach(self) -> float:
        """The largest coordinate seen."""
        return float(self.x.max()) or 1.0

    def vanishing(self, p: Point, problem: ConstrainedProblem) -> tuple[int, ...]:
        """Return the constraints whose gradients have all but vanished on the way.

        One that is merely far shorter than at the start may be so for good reasons; it is on its way to zero
        if it is short also compared with how fast it changes.
        """
        found = []
        lengths = np.linalg.norm(p.J, axis=1)
        for i in np.flatnonzero(lengths < VANISHED * self.rows):
            change = float(np.linalg.norm(problem.bend(p.x, int(i)))) * self.reach
            if lengths[i] < VANISHED * change:
                found.append(int(i))
        return tuple(found)


def projected_error(E: FloatArray, Z: FloatArray) -> float:
    """Return how far the eigenvalues of ZᵀHZ can move if H moves within E.

    By Weyl's inequality, by no more than the norm of the change, whose entries |Z|ᵀ E |Z| bounds.
    """
    return float(np.linalg.norm(np.abs(Z).T @ E @ np.abs(Z)))


@dataclass(frozen=True, eq=False)
class Curvature:
    """Second derivatives of the Lagrangian within the tangent plane.

    Attributes
    ----------
    eigenvalues : ndarray, shape (k,)
        Of Zᵀ ∇²L Z, ascending.
    directions : ndarray, shape (n, k)
        Their eigenvectors, as steps in x.
    error : float
        Bound on the error of each eigenvalue; below it the sign is not known.
    """

    eigenvalues: FloatArray
    directions: FloatArray
    error: float

    @classmethod
    def of(cls, H: FloatArray, E: FloatArray, Z: FloatArray) -> Self:
        """Project a Hessian known within E; of one that is not finite nothing is known."""
        if not np.isfinite(H).all():
            return cls(np.full(Z.shape[1], np.nan), Z, np.inf)
        values, Q = np.linalg.eigh(Z.T @ H @ Z)
        # The point itself is not exact either: a curvature of a millionth of the largest may owe its sign
        # to that.
        error = projected_error(E, Z) + 1e-6 * float(np.abs(values).max(initial=0.0))
        return cls(values, Z @ Q, error)

    def classify(self) -> str:
        """Return "minimum", "maximum", "saddle" or "degenerate"."""
        up, down = self.eigenvalues > self.error, self.eigenvalues < -self.error
        if up.any() and down.any():
            return "saddle"
        if up.all():
            return "minimum"
        return "maximum" if down.all() else "degenerate"

    @property
    def falls(self) -> bool:
        """Whether some direction in the tangent plane certainly leads down."""
        return bool((self.eigenvalues < -self.error).any())


@dataclass(frozen=True, eq=False)
class LagrangeState:
    """One state of a run, as callbacks get it.

    Attributes
    ----------
    x : same structure as x0
        The point.
    fun : float
        The value of f there.
    multipliers : ndarray, shape (m,)
        The multipliers that make the gradient of the Lagrangian least there.
    violation : float
        The largest constraint in absolute value.
    stationarity : float
        The largest component of the gradient of the Lagrangian in absolute value.
    nit : int
        Iterations so far.
    step : float
        Length of the last step.
    status : Status
        `Status.RUNNING` while the iteration goes on.

    See Also
    --------
    lagrange : Hands these to its callback.

    Examples
    --------
    >>> import calcml as cm
    >>> values = []
    >>> run = cm.lagrange(
    ...     lambda x: x @ x,
    ...     [3.0, 1.0],
    ...     equality=lambda x: x[0] + x[1] - 2,
    ...     callback=lambda state: values.append(state.fun),
    ... )
    >>> [round(value, 6) for value in values]
    [2.0]
    """

    problem: ConstrainedProblem = field(repr=False)
    at: Point = field(repr=False)
    first: Point = field(repr=False)
    scales: Scales = field(repr=False)
    # Weights of the constraints in the merit function.
    penalty: FloatArray = field(repr=False)
    nit: int = 0
    step: float = 0.0
    # Steps in a row whose gain was too small for the values of f to show it.
    flat: int = field(default=0, repr=False)
    # Second derivatives, known where the first-order conditions hold.
    curvature: Curvature | None = field(default=None, repr=False)
    status: Status = Status.RUNNING

    @property
    def x(self) -> Any:
        """The point in the user's structure and dtype."""
        structure = self.problem.structure
        laid = structure.spread(self.at.x * self.at.unit)
        return laid[()] if structure.plain else laid

    @property
    def fun(self) -> float:
        """The user's function there."""
        return self.problem.sign * self.at.f

    @property
    def multipliers(self) -> FloatArray:
        """The multipliers there."""
        return self.problem.multipliers_of(self.at.lam)

    @property
    def violation(self) -> float:
        """The largest constraint, in absolute value."""
        return float(np.abs(self.at.c).max())

    @property
    def stationarity(self) -> float:
        """The largest component of the gradient of the Lagrangian, in absolute value."""
        return float(np.abs(self.at.residual / self.at.unit).max())

    @property
    def merit(self) -> float:
        """How far the first-order conditions are from holding, relative to their scales."""
        return max(self.scales.violation(self.at), self.scales.stationarity(self.at))

    def ended(self, status: Status) -> LagrangeState:
        """Return the same state with a final status."""
        return replace(self, status=status)

    def record(self) -> Mapping[str, Any]:
        """Return one row of the trace."""
        row: dict[str, Any] = {
            "fun": self.fun,
            "violation": self.violation,
            "stationarity": self.stationarity,
            "step": self.step,
        }
        return {**row, "x": self.at.x * self.at.unit} if self.at.x.size <= PATH else row
