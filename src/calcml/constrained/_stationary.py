"""Newton's method on the first-order conditions as they are: it goes to whatever stationary point is near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcml._status import Status
from calcml.constrained._sqp import Iteration, newton_step
from calcml.constrained._state import LagrangeState, Point, Scales, evaluate_point

__all__ = ["StationaryFinder"]

# A Newton step of which only this part helps has lost its meaning.
SHORTEST = 1e-4


@dataclass(frozen=True, eq=False)
class StationaryFinder(Iteration):
    """Find a point where the first-order conditions hold, of whatever kind.

    The Newton step is one for the system Zᵀ ∇f = 0, c = 0; a step is shortened until the sum of squares of
    its residuals, each relative to its scale, falls.
    """

    def move(self, state: LagrangeState) -> LagrangeState:
        """Take one step of the method."""
        p = state.at
        H, _ = self.problem.curvature(p.x, p.lam, error=False)
        if not np.isfinite(H).all():
            return state.ended(Status.STALLED)
        step = newton_step(p, H, 0.0)
        # The scales of the start stay: with growing ones a run could drift off while its residual falls.
        first = state.first
        before = _residual(first, p)
        a = 1.0
        while a >= SHORTEST:
            x = p.x + a * step
            f, c = self.problem.values(x)
            if np.isfinite(f) and np.isfinite(c).all():
                new = evaluate_point(self.problem, x, f, c)
                if new.finite and _residual(first, new) <= (1 - 1e-3 * a) * before:
                    return self.settle(state, new, state.penalty)
            a /= 2
        return self.rescue(state, Status.STALLED)


def _residual(first: Point, p: Point) -> float:
    scales = Scales.of(first)
    gradient = p.residual / (float(np.abs(first.g).max()) or 1.0)
    c = p.c / (scales.units * scales.reach)
    return float(gradient @ gradient + c @ c)
