"""Damped Newton for systems, with Levenberg-Marquardt steps where the Jacobian fails it.

Everything is done in scaled units: columns of J in units of the magnitude that each variable has had, rows
such that the largest entry of each is 1.  A step is then the same in whatever units the user chose.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._objective import VectorObjective
from calcml._status import Status
from calcml._typing import FloatArray
from calcml.errors import EvaluationError

__all__ = ["Damped", "SystemState", "error_bound"]

# Armijo: |F| must fall by this part of what the straight line promises.
ENOUGH = 1e-4
# Parts of Newton's step that are tried; shorter ones mean that its direction is poor.
SHORTEST, CUT = 1 / 64, 1 / 4
# Levenberg-Marquardt parameters that are tried then, in units of the largest singular value squared.
DAMPINGS = (1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4)
# A Newton step of four roundings of x is none; one of 1e-6 that no longer lowers |F| says that F is noise.
STILL, NEAR = 4.0, 1e-6
# Newton's step must leave no more than this part of the linear equations.
SOLVED = 0.1
# |F| that falls by less than this part ten times in a row does not go to zero.
SLOW, SLOW_STEPS = 1e-3, 10
# Rounding of F: four units in the last place of the terms J_ij x_j that make it up.
ROUNDING = 4.0


@dataclass(frozen=True, eq=False)
class SystemState:
    """One point of the run.

    Attributes
    ----------
    x, F, J, noise : ndarray
        The point, the residual, the Jacobian and a bound on its error.
    size, largest : ndarray
        Largest magnitude that each variable and each equation has had.
    newton : ndarray
        Newton's step at x.
    moved, damping : float
        Largest relative change that led here; the part of Newton's step that was taken, 0 where it was not.
    slow : int
        Steps in a row that hardly lowered the residual.
    fell : bool
        Whether the residual has fallen since the start.
    status : Status
        `Status.RUNNING` until the run is over.
    """

    x: FloatArray
    F: FloatArray
    J: FloatArray
    noise: FloatArray
    size: FloatArray
    largest: FloatArray
    newton: FloatArray
    moved: float = 0.0
    damping: float = 0.0
    slow: int = 0
    fell: bool = False
    status: Status = Status.RUNNING

    @property
    def merit(self) -> float:
        """The residual's norm."""
        return _norm(self.F)

    def record(self) -> Mapping[str, Any]:
        """Return the point, the residual, the step and the damping."""
        row = {"residual": self.merit, "step": self.moved, "damping": self.damping}
        return {"x": self.x, **row}


@dataclass(frozen=True, eq=False)
class Damped:
    """Damped Newton's method for F(x) = 0, within bounds."""

    objective: VectorObjective
    x0: FloatArray
    bounds: tuple[FloatArray, FloatArray] | None

    def init(self) -> SystemState:
        """Evaluate at the start."""
        F = self.objective.value(self.x0)
        if F.size != self.x0.size:
            message = (
                f"`{self.objective.function.name}` must return as many numbers as x has, {self.x0.size}, got "
                f"{F.size}; for more equations than unknowns use `fit` or `minimize` their squares"
            )
            raise EvaluationError(message)
        empty = np.full((F.size, F.size), np.nan)
        start = SystemState(self.x0, F, empty, empty, np.abs(self.x0), np.abs(F), empty[0])
        if not np.isfinite(F).all():
            return replace(start, status=Status.NON_FINITE_START)
        return self._arrive(start)

    def step(self, state: SystemState) -> SystemState:
        """Take the first step that lowers the residual enough; without any, say why."""
        weight = _row_scale(state.J, state.size)
        before = _norm(state.F, weight)
        for step, damping in self._steps(state, weight):
            with np.errstate(over="ignore", invalid="ignore"):
                target = state.x + step
            x, F = self._evaluate(target)
            after = _norm(F, weight)
            promise = before - _residual(state, x - state.x, weight)
            if after < before - ENOUGH * max(promise, 0.0):
                return self._accept(state, x, F, damping, after / before)
        return replace(state, status=self._verdict(state))

    def _accept(
        self, state: SystemState, x: FloatArray, F: FloatArray, damping: float, ratio: float
    ) -> SystemState:
        size = np.maximum(state.size, np.abs(x))
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = float(np.max(np.abs(x - state.x) / size, initial=0.0, where=size > 0))
        slow = state.slow + 1 if ratio > 1 - SLOW else 0
        largest = np.maximum(state.largest, np.abs(F))
        new = replace(state, x=x, F=F, size=size, largest=largest, moved=moved, damping=damping, slow=slow)
        return self._arrive(replace(new, fell=True))

    def _arrive(self, state: SystemState) -> SystemState:
        """Differentiate at the point, and stop where it is a root."""
        J, error = self.objective.jacobian(state.x)
        if J.dtype.kind == "c":
            message = f"`jac` must return real numbers, got {J.dtype}"
            raise EvaluationError(message)
        if not np.isfinite(J).all():
            return replace(state, J=J, noise=error, status=self._not_finite(state))
        newton = _solve(J, state.F, _row_scale(J, state.size), _column_scale(state.size))
        state = replace(state, J=J, noise=error, newton=newton)
        rounding = ROUNDING * np.finfo(state.x.dtype).eps * (np.abs(J) @ np.abs(state.x))
        still = STILL * np.finfo(state.x.dtype).eps * state.size
        arrived = (np.abs(newton) <= still).all() and _leads_to_zero(state)
        if arrived or (np.abs(state.F) <= rounding).all():
            return replace(state, status=Status.CONVERGED)
        return replace(state, status=Status.STALLED) if state.slow >= SLOW_STEPS else state

    def _not_finite(self, state: SystemState) -> Status:
        """Say why there is no Jacobian."""
        if self.bounds is not None and (self.bounds[0] == self.bounds[1]).any():
            return Status.NO_ROOM
        start = np.isnan(state.newton).all() and not state.fell
        return Status.NON_FINITE_START if start else Status.NON_FINITE

    def _steps(self, state: SystemState, weight: FloatArray) -> Iterator[tuple[FloatArray, float]]:
        """Yield Newton's step and parts of it, then Levenberg-Marquardt's, which never fail to descend.

        Where bounds hold a variable, what remains of the system is solved in the others.
        """
        column = _column_scale(state.size)
        free = self._free(state, state.newton)
        newton = state.newton
        if not free.all():
            newton = np.zeros_like(newton)
            newton[free] = _solve(state.J[:, free], state.F, weight, column[free])
        damping = 1.0
        while damping >= SHORTEST:
            yield damping * newton, damping
            damping *= CUT
        for short in _marquardt(_scaled(state.J, weight, column)[:, free], weight, state.F):
            step = np.zeros_like(newton)
            with np.errstate(over="ignore", invalid="ignore"):
                step[free] = column[free] * short
            yield step, 0.0

    def _free(self, state: SystemState, step: FloatArray) -> NDArray[np.bool_]:
        """Tell which variables are not held at a bound that the step would cross."""
        if self.bounds is None:
            return np.ones(state.x.size, dtype=bool)
        lower, upper = self.bounds
        held = ((state.x <= lower) & (step < 0)) | ((state.x >= upper) & (step > 0))
        return ~held

    def _evaluate(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        if self.bounds is not None:
            x = np.clip(x, *self.bounds)
        # The run chose this point: a value that overflows there is an answer, not an accident.
        with np.errstate(all="ignore"):
            return x, self.objective.value(x)

    def _verdict(self, state: SystemState) -> Status:
        """Say why no step lowers the residual: noise, a singular Jacobian, or a minimum of |F|."""
        small = np.abs(state.newton) <= NEAR * state.size
        if small.all() and _leads_to_zero(state):
            return Status.CONVERGED_TO_PRECISION
        return Status.STALLED if state.fell or not _is_singular(state) else Status.SINGULAR_JACOBIAN


def error_bound(state: SystemState) -> FloatArray:
    """Return the error of x: Newton's step, and |J^-1| applied to the rounding of F.

    At a root with a singular Jacobian Newton's steps fall by 1/2 or 2/3 only, and the root is up to three
    steps away.  The terms that F adds up are about as large as J_ij x_j, or as F was on the way.
    """
    eps = float(np.finfo(state.x.dtype).eps)
    flat = np.max(np.abs(state.J) * state.size, axis=1) < np.sqrt(eps) * state.largest
    if flat.any() or _is_singular(state):
        # Rounding moves such a root, a double one for example, by its square root.
        return 4 * np.abs(state.newton) + np.sqrt(eps) * state.size
    weight, column = _row_scale(state.J, state.size), _column_scale(state.size)
    inverse = np.abs(np.linalg.pinv(_scaled(state.J, weight, column))) * weight * column[:, None]
    rounding = ROUNDING * eps * (np.abs(state.J) @ np.abs(state.x) + state.largest) + np.abs(state.F)
    return 4 * np.abs(state.newton) + inverse @ rounding + eps * np.abs(state.x)


def _norm(values: FloatArray, weight: FloatArray | float = 1.0) -> float:
    """Return the Euclidean norm of weighted values, infinity where there is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        weighted = weight * values
        # The squares of numbers above 1e154 overflow, those below 1e-162 vanish.
        largest = np.max(np.abs(weighted))
        norm = float(largest * np.linalg.norm(weighted / largest)) if largest > 0 else float(largest)
    return norm if np.isfinite(norm) else np.inf


def _residual(state: SystemState, step: FloatArray, weight: FloatArray) -> float:
    """Return the norm of what a step leaves of the linear equations."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _norm(state.F + state.J @ step, weight)


def _column_scale(size: FloatArray) -> FloatArray:
    return np.where(size > 0, size, 1.0)


def _row_scale(J: FloatArray, size: FloatArray) -> FloatArray:
    """Return weights that make the largest entry of each row of the scaled Jacobian 1."""
    largest = np.max(np.abs(J) * _column_scale(size), axis=1)
    return 1 / np.where((largest > 0) & np.isfinite(1 / np.where(largest > 0, largest, 1.0)), largest, 1.0)


def _double(values: FloatArray) -> FloatArray:
    """Return the values as float64, which is what LAPACK can do; F and x keep their own precision."""
    return values.astype(float, copy=False)


def _scaled(J: FloatArray, weight: FloatArray, column: FloatArray) -> FloatArray:
    return _double(J * column * weight[:, None])


def _solve(J: FloatArray, F: FloatArray, weight: FloatArray, column: FloatArray) -> FloatArray:
    """Return the least-squares solution of J p = -F of least scaled length: Newton's step."""
    with np.errstate(all="ignore"):
        p = np.linalg.lstsq(_scaled(J, weight, column), _double(-weight * F), rcond=None)[0]
        return np.asarray(column * p)


def _marquardt(A: FloatArray, weight: FloatArray, F: FloatArray) -> list[FloatArray]:
    """Return Levenberg and Marquardt's steps in scaled units, for A the scaled Jacobian."""
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    with np.errstate(over="ignore", invalid="ignore"):
        part, largest = U.T @ _double(weight * F), s.max(initial=0.0)
        return [-Vt.T @ (s / (s**2 + mu * largest**2 + np.finfo(float).tiny) * part) for mu in DAMPINGS]


def _leads_to_zero(state: SystemState) -> bool:
    """Tell whether Newton's step solves its equations: with a singular Jacobian it may not, however short."""
    weight = _row_scale(state.J, state.size)
    left, whole = _residual(state, state.newton, weight), _norm(state.F, weight)
    return left <= SOLVED * whole < np.inf


def _is_singular(state: SystemState) -> bool:
    scaled = _scaled(state.J, _row_scale(state.J, state.size), _column_scale(state.size))
    s = np.linalg.svd(scaled, compute_uv=False)
    return bool(s[-1] <= s.size * np.sqrt(np.finfo(float).eps) * s[0])
