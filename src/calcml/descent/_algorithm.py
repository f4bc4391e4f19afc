"""The descent itself: search times direction, one iteration at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calcml._objective import Objective
from calcml._status import Status
from calcml._typing import FloatArray
from calcml.descent._judge import Judge
from calcml.descent._oracle import Oracle, Point
from calcml.descent._state import DescentState, Progress
from calcml.descent.directions.base import Direction
from calcml.descent.steps.base import FLOOR, Line, StepRule, Trial

__all__ = ["Descent"]

# A gradient this much larger than at the start is taken as an explosion.
EXPLOSION = 1e12


@dataclass(frozen=True, eq=False)
class Descent:
    """An algorithm for the loop: a direction, a step rule, and a judge who ends the run."""

    objective: Objective
    x0: FloatArray
    direction: Direction
    rule: StepRule
    judge: Judge

    def init(self) -> DescentState:
        """Evaluate the start."""
        oracle = self.judge.plain
        point = oracle.first(self.x0)
        scale = point.largest if point.finite else np.nan
        state = DescentState(
            self.objective.structure,
            point,
            Progress(point.fun, scale, self.judge.gtol * scale, point.fun, scale),
            oracle.counts,
        )
        if not point.finite:
            return replace(state, status=Status.NON_FINITE_START)
        return self._counted(self.judge.after_move(state))

    def step(self, state: DescentState) -> DescentState:
        """Choose a direction, go along it, and let the judge look at where that led."""
        oracle = self.judge.oracle(state)
        point = state.point
        p, memory = self.direction.propose(state.memory, point, oracle)
        line = Line(oracle, point, oracle.room(point.x, p))
        if self.rule.safeguarded and not line.slope < 0:
            # The method has lost its way; against the gradient it is always down.
            p, memory = -point.reduced, None
            line = Line(oracle, point, oracle.room(point.x, p))
        natural = self.direction.natural(memory)
        trial, rule_memory = self.rule.search(line, natural, state.last, state.rule_memory)
        state = replace(state, nit=state.nit + 1, rule_memory=rule_memory)
        if trial is None:
            return self._counted(self.judge.stuck(replace(state, step=0.0)))
        return self._counted(self._moved(state, memory, trial, oracle))

    def _moved(self, state: DescentState, memory: Any, trial: Trial, oracle: Oracle) -> DescentState:
        """Return the state at the accepted trial, or where the direction wants the next gradient."""
        new, memory = self._next_point(state, memory, trial, oracle)
        moved = replace(
            state,
            point=new,
            step=trial.step,
            last=trial.step,
            progress=state.progress.after(new, oracle.rounding(new.fun)),
        )
        if new.fun < FLOOR:
            return replace(moved, status=Status.UNBOUNDED)
        exploded = not new.finite or new.largest > EXPLOSION * state.progress.scale
        if exploded and not self.rule.safeguarded:
            return replace(moved, status=Status.DIVERGED)
        return self.judge.after_move(replace(moved, memory=self.direction.update(memory, state.point, new)))

    def _next_point(
        self, state: DescentState, memory: Any, trial: Trial, oracle: Oracle
    ) -> tuple[Point, Any]:
        target, memory = self.direction.target(memory, state.point, trial)
        accepted = trial.point if trial.point is not None else oracle.unusable(trial.x, trial.fun)
        if target is trial.x or not accepted.finite:
            return accepted, memory
        ahead = oracle.clip(target)
        point = oracle.point(ahead) if np.isfinite(ahead).all() else accepted
        return (point, memory) if point.finite else (accepted, None)

    def _counted(self, state: DescentState) -> DescentState:
        return replace(state, counts=self.judge.plain.counts)
