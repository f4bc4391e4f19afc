"""What a descent may ask of the objective: values, points with gradients, Hessians, within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from calcml._lines import Directions, PointLines
from calcml._objective import Objective
from calcml._typing import FloatArray, IntArray
from calcml.differentiate._problem import coefficient
from calcml.schemes.base import Scheme

__all__ = ["Oracle", "Point"]

# Roundings of f that a difference of two values must exceed before it counts as a difference.
ROUNDINGS = 8.0


@dataclass(frozen=True, eq=False)
class Point:
    """A point with its value and its gradient.

    Attributes
    ----------
    x : ndarray, shape (n,)
        The point.
    fun : float
        The value there.
    grad, error : ndarray, shape (n,)
        The gradient and a bound on its error.
    reduced, doubt : ndarray, shape (n,)
        The same, zero where a bound blocks the way down.
    """

    x: FloatArray
    fun: float
    grad: FloatArray
    error: FloatArray
    reduced: FloatArray
    doubt: FloatArray

    @cached_property
    def largest(self) -> float:
        """Largest entry of the reduced gradient."""
        return float(np.max(np.abs(self.reduced)))

    @cached_property
    def finite(self) -> bool:
        """Whether the value and the whole gradient are finite."""
        return bool(np.isfinite(self.fun) and np.isfinite(self.reduced).all())

    @cached_property
    def below_error(self) -> bool:
        """Whether no entry of the gradient can be told from zero."""
        return bool((np.abs(self.reduced) <= self.doubt).all())


class Oracle:
    """The objective seen from a point that moves: trial values, points, Hessians of the free variables."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.bounds = objective.bounds

    def with_scheme(self, scheme: Scheme, *, given: bool = True) -> Oracle:
        """Return the same objective, with the same counters, differentiated by another scheme.

        Without `given`, the user's derivatives are left out.
        """
        o = self.objective
        grad, hess = (o.user_jacobian, o.user_hessian) if given else (None, None)
        return Oracle(Objective(o.function, o.structure, scheme, o.bounds, grad, hess))

    @property
    def differences(self) -> bool:
        """Whether the gradient is a scheme's, not the user's."""
        return self.objective.user_jacobian is None

    @property
    def counts(self) -> tuple[int, int, int]:
        """Evaluations so far: nfev, ngev, nhev."""
        return self.objective.nfev, self.objective.ngev, self.objective.nhev

    def rounding(self, fun: Any) -> float:
        """Return the difference of two values near `fun` that rounding alone explains."""
        eps = float(np.finfo(np.asarray(fun).dtype).eps)
        kind = self.objective.function.dtype
        if kind is not None and kind.kind == "f":
            eps = max(eps, float(np.finfo(kind).eps))
        return ROUNDINGS * eps * abs(float(fun))

    def clip(self, x: FloatArray) -> FloatArray:
        """Return the nearest point within the bounds."""
        return x if self.bounds is None else np.clip(x, *self.bounds)

    def value(self, x: FloatArray) -> Any:
        """Return f at a trial point; where f leaves its domain the value says so, not a warning."""
        with np.errstate(all="ignore"):
            return self.objective.value(x)

    def point(self, x: FloatArray, fun: Any = None, *, error: bool = False) -> Point:
        """Return the point with its gradient; `fun` spares the value where it is known."""
        fun = self.value(x) if fun is None else fun
        with np.errstate(all="ignore"):
            grad, bound = self.objective.gradient(x, error=error)
        bound = np.where(np.isnan(bound), np.inf, bound)
        reduced, doubt = grad, bound
        if self.bounds is not None:
            lower, upper = self.bounds
            # A variable without room has no derivative; it takes no part, and zero keeps it out of all sums.
            grad, bound = np.where(lower == upper, 0.0, grad), np.where(lower == upper, np.inf, bound)
            blocked = ((x <= lower) & (grad >= 0)) | ((x >= upper) & (grad <= 0))
            reduced, doubt = np.where(blocked, 0.0, grad), np.where(blocked, 0.0, bound)
        return Point(x, fun, grad, bound, reduced, doubt)

    def first(self, x: FloatArray) -> Point:
        """Return the start: here warnings of the user's function are the user's business."""
        fun = self.objective.value(x)
        return self.point(x, fun) if np.isfinite(fun) else self.unusable(x, fun)

    def unusable(self, x: FloatArray, fun: Any) -> Point:
        """Return a point at which there is no gradient."""
        nothing = np.full(x.shape, np.nan)
        return Point(x, fun, nothing, nothing, nothing, nothing)

    def slope(self, x: FloatArray, v: FloatArray) -> tuple[float, float]:
        """Return the derivative of f itself along v and a bound on its error."""
        o = self.objective
        lines = PointLines(o.function, x, Directions.dense(v[None, :]), self.bounds)
        c = coefficient(o.scheme, lines, 1, error=True)
        return float(c.value[0, 0]), float(c.truncation[0, 0] + c.noise[0, 0])

    def room(self, x: FloatArray, p: FloatArray) -> FloatArray:
        """Return the direction without the components that would leave the bounds at once."""
        if self.bounds is None:
            return p
        lower, upper = self.bounds
        return np.where(((x <= lower) & (p < 0)) | ((x >= upper) & (p > 0)), 0.0, p)

    def free(self, point: Point) -> IntArray:
        """Return which variables can move down or are away from their bounds, as indices."""
        if self.bounds is None:
            return np.arange(point.x.size)
        lower, upper = self.bounds
        inside = (point.x > lower) & (point.x < upper)
        return np.flatnonzero(inside | (point.reduced != 0))

    def hessian(self, point: Point, free: Any) -> tuple[FloatArray, FloatArray]:
        """Return the Hessian of the free variables and a bound on its error, in float64."""
        with np.errstate(all="ignore"):
            H, E = self.objective.hessian(point.x)
        block = np.ix_(free, free)
        return H[block].astype(float), np.where(np.isnan(E), np.inf, E)[block].astype(float)
