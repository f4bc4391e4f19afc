"""The judge: when a descent has arrived, and what to try before it is given up.

A small gradient is believed only if its error is small, too; a converged point only if it is no saddle and
Newton's step from it promises nothing more.  A failed search is followed by a better gradient, a restart and
a Newton step before the run ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calcml._status import Status
from calcml.descent._oracle import Oracle, Point
from calcml.descent._state import DescentState, Progress
from calcml.descent._surroundings import Surroundings

__all__ = ["Judge"]

# A slope that differs from the gradient's by more than this multiple of its error is another one.
DISAGREEMENT = 10.0
# By how much the gradient has to fall further after an arrival that was too early.
STRICTER = 0.01
# Iterations without progress after which the gradient is doubted.
PATIENCE = 20


@dataclass(frozen=True, eq=False)
class Judge:
    """Ends a descent, or gives it another chance.

    Attributes
    ----------
    plain, fine, blind : Oracle
        The objective with the scheme that was asked for; with an accurate one; with that and without the
        user's derivatives.
    gtol : float
        How small the gradient must be, relative to its largest entry at the start.
    verify : bool
        Whether to look at second derivatives before a point is called a minimum.
    leaves_saddles : bool
        Whether the run goes on even from a start at a saddle point.
    watches : bool
        Whether it may step in where nothing improves; without, every step is the method's own.
    """

    plain: Oracle
    fine: Oracle
    blind: Oracle
    gtol: float
    verify: bool
    leaves_saddles: bool = False
    watches: bool = True

    def oracle(self, state: DescentState) -> Oracle:
        """Return the oracle in use."""
        return self.fine if state.progress.refined else self.plain

    def after_move(self, state: DescentState) -> DescentState:
        """Decide after an ordinary iteration."""
        point, progress = state.point, state.progress
        if point.largest <= progress.limit:
            return self._arrived(state)
        if point.below_error:
            return self._refine(state) if self._can_refine(state) else self._settled(state)
        if self.watches and progress.idle >= PATIENCE:
            return self.stuck(state)
        return state

    def stuck(self, state: DescentState) -> DescentState:
        """Decide where no step goes down: a better gradient, a restart, a Newton step, or the end."""
        if self._can_refine(state):
            return self._refine(state)
        if not state.progress.fresh:
            return forget(state)
        return self._last_resort(state)

    def _can_refine(self, state: DescentState) -> bool:
        return self.plain.differences and not state.progress.refined

    def _arrived(self, state: DescentState) -> DescentState:
        """Believe a small gradient only if its error is small, too."""
        point = state.point
        if self._can_refine(state):
            sure = self.plain.point(point.x, point.fun, error=True)
            if not (sure.finite and float(np.max(sure.doubt)) <= state.progress.limit):
                return self._refine(state)
            state = replace(state, point=sure)
        return self._settled(state)

    def _refine(self, state: DescentState) -> DescentState:
        """Go over to accurate gradients and judge the point by its own."""
        point = self.fine.point(state.point.x, state.point.fun, error=True)
        if not point.finite:
            return self._last_resort(replace(state, progress=replace(state.progress, refined=True)))
        progress = replace(state.progress, refined=True, idle=0)
        state = forget(replace(state, point=point, progress=progress))
        if point.largest <= progress.limit or point.below_error:
            return self._settled(state)
        return state

    def _settled(self, state: DescentState) -> DescentState:
        """End the run at a stationary point, unless it is no minimum or a Newton step leads on."""
        point, progress = state.point, state.progress
        exact = max(point.largest, float(np.max(point.doubt))) <= progress.limit
        status = Status.CONVERGED if exact else Status.CONVERGED_TO_PRECISION
        if not (self.verify or self.leaves_saddles):
            return replace(state, status=status)
        if not self._consistent(state):
            return replace(state, status=Status.WRONG_GRADIENT)
        around = self._around(state, self.oracle(state))
        lower = around.below_saddle()
        if lower is not None:
            return self._leave(state, lower)
        further = around.further() if self.watches and progress.chances else None
        return replace(state, status=status) if further is None else self._too_early(state, further)

    def _around(self, state: DescentState, oracle: Oracle) -> Surroundings:
        return Surroundings(oracle, self.fine, state.point, state.progress.start)

    def _leave(self, state: DescentState, lower: Point) -> DescentState:
        """Go on from a saddle met on the way; from one at the start only on request."""
        if not (self.leaves_saddles or (self.watches and state.nit > 0)):
            return replace(state, status=Status.SADDLE)
        state = self._go_on(state, lower)
        return replace(state, progress=replace(state.progress, refined=False))

    def _consistent(self, state: DescentState) -> bool:
        """Tell whether the user's gradient has the slope of f itself, in one direction without a pattern."""
        if self.plain.differences:
            return True
        point = state.point
        weights = 0.5 + (np.arange(1, point.x.size + 1) * 0.6180339887498949) % 1.0
        v = self.plain.room(point.x, weights * np.maximum(np.abs(point.x), 1.0))
        if not v.any():
            return True
        given = float(point.grad @ v)
        small = self.gtol * state.progress.scale * float(np.sum(np.abs(v)))
        for oracle in (self.plain, self.blind):
            slope, error = oracle.slope(point.x, v)
            if not abs(slope - given) > DISAGREEMENT * error + small:
                return True
        return False

    def _last_resort(self, state: DescentState) -> DescentState:
        """Try a Newton step; if even that gains nothing, tell whether anything was left to gain."""
        point = state.point
        if not self.plain.differences:
            # The user's gradient may be wrong, and bounds nothing: ask the function itself.
            seen = self.blind.point(point.x, point.fun, error=True)
            gap = np.abs(seen.reduced - point.reduced)
            if seen.finite and (gap > DISAGREEMENT * seen.doubt + 1e-3 * np.abs(point.reduced)).any():
                return replace(state, status=Status.WRONG_GRADIENT)
            if seen.finite and seen.below_error:
                return replace(state, status=Status.CONVERGED_TO_PRECISION)
        around = self._around(state, self.fine)
        lower = around.below_saddle() if self.verify or self.leaves_saddles else None
        if lower is not None:
            return self._leave(state, lower)
        return self._last_newton(state, around)

    def _last_newton(self, state: DescentState, around: Surroundings) -> DescentState:
        """Take a Newton step, or tell by what it promises how the run has ended."""
        # After an arrival only a gain that is certain is worth more work.
        arrived = state.point.largest <= self.gtol * state.progress.scale
        step, promised = around.newton_step(certain=arrived)
        further = None
        if not arrived or around.worthwhile(step, promised):
            further = around.lower_along(step)
        if further is not None and state.progress.chances:
            return self._go_on(state, further)
        if arrived and further is None:
            return replace(state, status=Status.CONVERGED_TO_PRECISION)
        if around.newton_step(certain=False)[1] <= around.scatter():
            return replace(state, status=Status.CONVERGED_TO_PRECISION)
        return replace(state, status=Status.LINE_SEARCH_FAILED)

    def _too_early(self, state: DescentState, further: Point) -> DescentState:
        """Continue from Newton's point: the gradient at the start was no measure of what is small here."""
        progress = state.progress.after(further, self.oracle(state).rounding(further.fun))
        limit = min(STRICTER * state.point.largest, progress.limit)
        progress = replace(progress, limit=limit, chances=max(progress.chances - 1, 0))
        return replace(state, point=further, progress=progress)

    def _go_on(self, state: DescentState, point: Point) -> DescentState:
        """Continue from a lower point with nothing remembered."""
        progress = state.progress.after(point, self.oracle(state).rounding(point.fun))
        progress = replace(progress, chances=max(progress.chances - 1, 0))
        return forget(replace(state, point=point, progress=progress))


def forget(state: DescentState) -> DescentState:
    """Return the state with nothing remembered: the next step goes against the gradient."""
    progress: Progress = replace(state.progress, idle=0, fresh=True)
    return replace(state, memory=None, rule_memory=None, last=None, progress=progress)
