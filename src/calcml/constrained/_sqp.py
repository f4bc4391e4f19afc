"""Newton's method on the first-order conditions, made to find minima: null-space SQP.

At x, with the multipliers lam that make ∇f + Jᵀ lam least and H = ∇²f + Σ lam_i ∇²c_i, the step p solves

    minimize  ∇f·p + p·H p / 2   subject to  J p = -c,

which is the Newton step for ∇f + Jᵀ lam = 0, c = 0.  In the basis of `Tangent` it splits: the part Y p_Y
reaches the linearized constraints, the part Z p_Z goes down in the tangent plane,

    (Zᵀ H Z) p_Z = -Zᵀ (∇f + H Y p_Y).

Newton's method is drawn to saddles and maxima as much as to minima; with |w| in place of each eigenvalue w of
Zᵀ H Z the step always leads down.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calcml._status import Status
from calcml._typing import FloatArray
from calcml.constrained._problem import ConstrainedProblem
from calcml.constrained._search import Merit, Trial, backtrack, restore, slide
from calcml.constrained._state import Curvature, LagrangeState, Point, Scales, evaluate_point, projected_error

__all__ = ["Iteration", "Minimizer", "newton_step"]

# Violations are stationary where the gradient of their squares has fallen to this part of what it can be.
STUCK = 1e-8
# A point this many times farther out than the start, and falling, is on its way to infinity.
FAR = 1e12


@dataclass(frozen=True, eq=False)
class Iteration(ABC):
    """What both methods share: the start, and the verdict on a point.

    Attributes
    ----------
    problem : ConstrainedProblem
    start : ndarray, shape (n,)
    tol : float
        How small gradient of the Lagrangian and constraints must be, relative to their scales.
    """

    problem: ConstrainedProblem
    start: FloatArray
    tol: float

    def init(self) -> LagrangeState:
        """Evaluate the start."""
        f, c = self.problem.values(self.start)
        point = evaluate_point(self.problem, self.start, f, c)
        state = LagrangeState(self.problem, point, point, Scales.of(point), np.zeros(c.size))
        return self.judge(state) if point.finite else state.ended(Status.NON_FINITE_START)

    def step(self, state: LagrangeState) -> LagrangeState:
        """Go on from a state."""
        return self.move(replace(state, nit=state.nit + 1))

    @abstractmethod
    def move(self, state: LagrangeState) -> LagrangeState:
        """Take one step of the method."""

    def arrive(
        self, old: LagrangeState, trial: Trial, penalty: FloatArray, *, flat: bool = False
    ) -> LagrangeState:
        """Return the state at an accepted point."""
        point = evaluate_point(self.problem, trial.x, trial.f, trial.c)
        return self.settle(old, point, penalty, old.flat + 1 if flat else 0)

    def settle(self, old: LagrangeState, point: Point, penalty: FloatArray, flat: int = 0) -> LagrangeState:
        """Return the state at a point that is known with its derivatives."""
        if not point.finite:
            return old.ended(Status.DIVERGED)
        return self.judge(
            LagrangeState(
                problem=self.problem,
                at=point,
                first=old.first,
                scales=old.scales.with_point(point),
                penalty=penalty,
                nit=old.nit,
                step=float(np.linalg.norm((point.x - old.at.x) * point.unit)),
                flat=flat,
            )
        )

    def judge(self, state: LagrangeState) -> LagrangeState:
        """Set the final status where the first-order conditions hold, or where they cannot."""
        p, first, scales = state.at, state.first, state.scales
        far = float(np.abs(p.x).max()) > FAR * max(float(np.abs(first.x).max()), 1.0)
        if far or p.f < -(FAR**2) * max(abs(first.f), 1.0):
            falls = p.f < first.f and scales.violation(p) <= np.sqrt(self.tol)
            return state.ended(Status.UNBOUNDED if falls else Status.DIVERGED)
        if scales.stationarity(p) > self.tol:
            return state
        if scales.violation(p) <= self.tol:
            return self.accept(state, Status.CONVERGED)
        # No direction lowers the violation to first order: the gradient of its square has vanished.
        c, J = p.c / scales.units, p.J / scales.units[:, None]
        stuck = float(np.linalg.norm(J.T @ c)) <= STUCK * float(np.linalg.norm(c))
        return state.ended(Status.INFEASIBLE) if stuck and self.violated(state) else state

    def violated(self, state: LagrangeState) -> bool:
        """Whether the constraints are off also in units of the steepest slopes they have had."""
        scales = state.scales
        return float(np.abs(state.at.c / scales.units).max()) > self.tol * scales.reach

    def accept(self, state: LagrangeState, status: Status) -> LagrangeState:
        """End at a stationary point, with its second derivatives."""
        p = state.at
        H, E = self.problem.curvature(p.x, p.lam, error=True)
        found = replace(state, curvature=Curvature.of(H, E, p.tangent.Z), status=status)
        return self.polish(found, H, E) if self.wanted(found) else replace(found, status=Status.RUNNING)

    def wanted(self, state: LagrangeState) -> bool:
        """Whether a stationary point is of the kind that is sought."""
        return True

    def polish(self, state: LagrangeState, H: FloatArray, E: FloatArray) -> LagrangeState:
        """Take the Newton step that the second derivatives offer, if the conditions hold better after it.

        Here Newton's method doubles the correct digits, for the price of one point.  The derivatives there
        come with their full error, which tells what the residual can mean at all.
        """
        p = state.at
        if not np.isfinite(H).all():
            return state
        x = p.x + newton_step(p, H, projected_error(E, p.tangent.Z))
        f, c = self.problem.values(x)
        if not (np.isfinite(f) and np.isfinite(c).all()):
            return state
        better = replace(state, at=evaluate_point(self.problem, x, f, c, error=True))
        if float((better.at.residual_error / p.unit).max()) > self.tol * state.scales.gradient(p):
            better, state = (replace(s, status=Status.CONVERGED_TO_PRECISION) for s in (better, state))
        return better if better.merit <= state.merit else state

    def rescue(self, state: LagrangeState, status: Status) -> LagrangeState:
        """Go on after a search without success: mend the constraints alone, or end."""
        if not self.violated(state):
            return self.give_up(state, status)
        trial = restore(self.problem.values, state.at, state.scales.units)
        if trial is None:
            return state.ended(Status.INFEASIBLE)
        return self.arrive(state, trial, state.penalty)

    def give_up(self, state: LagrangeState, status: Status) -> LagrangeState:
        """End where no step helps: converged if what is left of the gradient is error, else as a failure."""
        p = state.at
        exact = evaluate_point(self.problem, p.x, p.f, p.c, error=True)
        residual, error = np.abs(exact.residual), exact.residual_error
        level = state.flat > 0 and state.scales.stationarity(p) <= np.sqrt(self.tol)
        lost = level or bool(np.all(residual <= 2 * error))
        if lost and state.scales.violation(p) <= np.sqrt(self.tol):
            return self.accept(state, Status.CONVERGED_TO_PRECISION)
        return state.ended(status)


def newton_step(p: Point, H: FloatArray, noise: float) -> FloatArray:
    """Return the Newton step; directions whose curvature is within `noise` of zero are left out."""

    def divisors(w: FloatArray, _: FloatArray) -> FloatArray:
        return np.where(np.abs(w) > max(1e-12 * float(np.abs(w).max()), noise), w, np.inf)

    return _step(p, H, divisors)


def descent_step(p: Point, H: FloatArray, noise: float) -> FloatArray:
    """Return the Newton step with the absolute value of each curvature.

    Along flat directions it is ten times as long as x: far enough to notice that there is no bottom.
    """
    reach = 10 * max(float(np.linalg.norm(p.x)), 1.0)

    def divisors(w: FloatArray, slope: FloatArray) -> FloatArray:
        least = max(1e-8 * float(np.abs(w).max()), noise)
        curved = np.maximum(np.abs(w), np.where(w > least, 0.0, np.maximum(least, np.abs(slope) / reach)))
        return np.where(curved > 0, curved, np.inf)

    return _step(p, H, divisors)


def _step(p: Point, H: FloatArray, divisors: Callable[[FloatArray, FloatArray], FloatArray]) -> FloatArray:
    Z, normal = p.tangent.Z, p.tangent.to_constraints(p.c)
    if not Z.shape[1]:
        return normal
    w, Q = np.linalg.eigh(Z.T @ H @ Z)
    slope = Q.T @ (Z.T @ (p.g + H @ normal))
    return normal - Z @ (Q @ (slope / divisors(w, slope)))


@dataclass(frozen=True, eq=False)
class Minimizer(Iteration):
    """Find a minimum under the constraints: modified Newton steps, an l1 merit function, escapes."""

    def wanted(self, state: LagrangeState) -> bool:
        """Whether the function falls nowhere along the constraints."""
        return state.curvature is None or not state.curvature.falls

    def move(self, state: LagrangeState) -> LagrangeState:
        """Take one step of the method, or leave a stationary point of the wrong kind."""
        if state.curvature is not None:
            return self.escape(state, state.curvature)
        p = state.at
        H, E = self.problem.curvature(p.x, p.lam, error=False)
        if not np.isfinite(H).all():
            return state.ended(Status.LINE_SEARCH_FAILED)
        step = descent_step(p, H, projected_error(E, p.tangent.Z))
        lam = p.tangent.multipliers(p.g + H @ step)
        sizes = state.scales.constraint_sizes(p)
        merit = Merit.at(p, self.penalties(state, lam, step), sizes)
        slope = merit.slope(p, step)
        flat = -slope <= merit.noise
        if np.array_equal(p.x + step, p.x) or state.flat >= 3:
            return self.rescue(replace(state, flat=max(state.flat, 1)), Status.LINE_SEARCH_FAILED)
        trial = backtrack(self.problem.values, p, step, merit, min(slope, 0.0))
        if trial is None:
            return self.rescue(replace(state, flat=state.flat + int(flat)), Status.LINE_SEARCH_FAILED)
        return self.arrive(state, trial, merit.penalty, flat=flat)

    def penalties(self, state: LagrangeState, lam: FloatArray, step: FloatArray) -> FloatArray:
        """Return the weights of the constraints: above the multipliers, and large enough for a descent.

        After Powell (1978) they may fall again, by half at a time, when multipliers turn out smaller.
        """
        p = state.at
        # The least weight, in units of a multiplier: a small part of what balances the gradient of f.
        least = 1e-3 * float(np.abs(p.g).max()) / p.tangent.rows
        wanted = 1.5 * np.maximum(np.abs(lam), np.abs(p.lam)) + least
        penalty = np.maximum(wanted, (state.penalty + wanted) / 2)
        rise = float(p.g @ step)
        repair = float(penalty @ (np.abs(p.c) - np.abs(p.c + p.J @ step)))
        if repair > 0 and rise > 0.9 * repair:
            penalty = penalty * min(rise / (0.9 * repair), 1e6)
        return penalty

    def escape(self, state: LagrangeState, curvature: Curvature) -> LagrangeState:
        """Move off a saddle or a maximum, along the direction of steepest negative curvature."""
        p, w, d = state.at, float(curvature.eigenvalues[0]), curvature.directions[:, 0]
        penalty = np.maximum(state.penalty, 1.5 * np.abs(p.lam))
        merit = Merit.at(p, penalty, state.scales.constraint_sizes(p))
        length = 0.1 * (float(np.linalg.norm(state.scales.x)) or 1.0)
        trial = slide(self.problem.values, p, -d if p.g @ d > 0 else d, w, length, merit)
        return state.ended(Status.SADDLE) if trial is None else self.arrive(state, trial, penalty)
