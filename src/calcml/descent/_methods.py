"""Methods by name, and the one way in which all of them are run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calcml._function import check_callable
from calcml._loop import check_iterations, run
from calcml._objective import open_objective
from calcml._status import Status
from calcml.descent._algorithm import Descent
from calcml.descent._judge import Judge
from calcml.descent._oracle import Oracle
from calcml.descent._state import DescentState, present
from calcml.descent.directions import (
    BFGS,
    LBFGS,
    Direction,
    HeavyBall,
    Nesterov,
    Newton,
    Steepest,
    Strategy,
)
from calcml.descent.result import MinimizeResult
from calcml.descent.steps import Backtracking, BarzilaiBorwein, Constant, StepRule, StrongWolfe
from calcml.descent.steps.base import check_number
from calcml.errors import ConvergenceWarning
from calcml.schemes.registry import as_scheme

__all__ = ["DirectionLike", "Method", "StepLike", "as_direction", "as_step", "opened", "pair", "solve"]

DirectionLike = str | Direction | Callable[..., Any]
StepLike = str | float | StepRule

# What each name of a method stands for: a direction and the step rule that suits it.
_METHODS: tuple[tuple[str, type[Direction], type[StepRule]], ...] = (
    ("bfgs", BFGS, StrongWolfe),
    ("lbfgs", LBFGS, StrongWolfe),
    ("newton", Newton, StrongWolfe),
    ("steepest", Steepest, Backtracking),
    ("momentum", HeavyBall, Backtracking),
    ("nesterov", Nesterov, Backtracking),
    ("barzilai-borwein", Steepest, BarzilaiBorwein),
)
_STEPS: tuple[tuple[str, type[StepRule]], ...] = (
    ("fixed", Constant),
    ("backtracking", Backtracking),
    ("wolfe", StrongWolfe),
    ("barzilai-borwein", BarzilaiBorwein),
)
# Methods that only know gradients need many cheap iterations, the others few.
MANY, FEW = 10_000, 1000


@dataclass(frozen=True)
class Method:
    """A direction with a step rule and the limits of a run."""

    direction: Direction
    rule: StepRule
    gtol: float
    max_iterations: int
    verify: bool


def as_direction(direction: Any, name: str = "direction") -> Direction:
    """Return the direction itself, the one that a name stands for, or a bare function as a strategy."""
    if isinstance(direction, Direction):
        return direction
    if isinstance(direction, str):
        known = [key for key, _, _ in _METHODS if name == "method" or key != "barzilai-borwein"]
        for key, cls, _ in _METHODS:
            if direction == key and key in known:
                return cls()
        raise ValueError(f"`{name}` must be one of {', '.join(known)}, got {direction!r}")
    if callable(direction) and not isinstance(direction, type):
        return Strategy(direction)
    raise TypeError(
        f"`{name}` must be a name, a direction such as LBFGS(memory=5) or a function next_step(f, J, H), "
        f"got {direction!r}"
    )


def as_step(step: Any) -> StepRule:
    """Return the rule itself, the one that a name stands for, or a number as a constant step."""
    if isinstance(step, StepRule):
        return step
    if isinstance(step, str):
        for key, cls in _STEPS:
            if step == key:
                return cls()
        raise ValueError(f"`step` must be one of {', '.join(key for key, _ in _STEPS)}, got {step!r}")
    if isinstance(step, int | float | np.number) and not isinstance(step, bool):
        return Constant(float(step))
    raise TypeError(f"`step` must be a name, a number or a rule such as StrongWolfe(), got {step!r}")


def pair(
    direction: DirectionLike,
    step: StepLike | None,
    name: str,
    *,
    gtol: Any,
    max_iterations: Any,
    verify: Any,
) -> Method:
    """Check the options and put the method together."""
    way = as_direction(direction, name)
    rule = _own_rule(direction, way) if step is None else as_step(step)
    if isinstance(rule, Backtracking) and rule.decrease is None:
        rule = replace(rule, decrease=way.decrease)
    check_number("gtol", gtol, 0.0, 1.0)
    if not isinstance(verify, bool):
        raise TypeError(f"`verify` must be True or False, got {verify!r}")
    learns = isinstance(way, BFGS | LBFGS | Newton | Strategy)
    limit = (FEW if learns else MANY) if max_iterations is None else check_iterations(max_iterations)
    return Method(way, rule, float(gtol), limit, verify)


def _own_rule(direction: DirectionLike, way: Direction) -> StepRule:
    if isinstance(way, Strategy):
        return Constant(1.0)
    for key, cls, rule in _METHODS:
        if direction == key or (not isinstance(direction, str) and type(way) is cls):
            return rule()
    return Backtracking()


@contextmanager
def opened(f: Any, x0: Any, method: Method, **problem: Any) -> Iterator[Descent]:
    """Check the problem at the door and yield the algorithm for the loop."""
    with open_objective(f, x0, **problem) as (objective, x):
        plain = Oracle(objective)
        accurate = as_scheme("adaptive")
        judge = Judge(
            plain,
            plain.with_scheme(accurate),
            plain.with_scheme(accurate, given=False),
            method.gtol,
            method.verify,
            method.direction.leaves_saddles,
            watches=method.rule.safeguarded,
        )
        yield Descent(objective, x, method.direction, method.rule, judge)


def solve(
    f: Any, x0: Any, method: Method, *, callback: Any, progress: bool, title: str, **problem: Any
) -> MinimizeResult:
    """Run a method to its end; called by the public functions, to whose caller the warning points."""
    if callback is not None:
        check_callable(callback, "callback")
    with opened(f, x0, method, **problem) as algorithm:
        done = run(
            algorithm,
            max_iterations=method.max_iterations,
            callback=callback,
            progress=progress,
            title=title,
        )
    # A run that arrived is judged by where it arrived; one that did not keeps the best it has seen.
    state: DescentState = done.last if done.status.ok or done.status is Status.SADDLE else done.best
    nfev, ngev, nhev = algorithm.judge.plain.counts
    structure = algorithm.objective.structure
    result = MinimizeResult(
        x=state.x,
        fun=state.fun,
        jac=state.jac,
        jac_error=present(structure, state.point.error),
        success=done.status.ok,
        status=done.status,
        nit=done.nit,
        nfev=nfev,
        ngev=ngev,
        nhev=nhev,
        trace=done.trace,
    )
    if not result.success and done.status is not Status.STOPPED_BY_CALLBACK:
        warnings.warn(result.message, ConvergenceWarning, stacklevel=3)
    return result
