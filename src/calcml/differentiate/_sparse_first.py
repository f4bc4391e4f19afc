"""The engine of sparse first derivatives: one line for each color of a plan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines._seeds import SeedLines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.differentiate._problem import Problem, coefficient, to_values
from calcml.differentiate._sparse_check import check_pattern
from calcml.differentiate._sparse_entries import Entries
from calcml.differentiate._sparse_lengths import coordinate_lengths
from calcml.differentiate.sparsity.plan import SparsityPlan
from calcml.errors import EvaluationError
from calcml.schemes.base import Coefficient
from calcml.schemes.steps import Fixed

__all__ = ["first_entries"]


def first_entries(problem: Problem, plan: SparsityPlan, operator: str, *, error: bool) -> Entries:
    """Run the scheme on one line for each color, and on one through all columns that checks the pattern."""
    function, lengths = problem.function, coordinate_lengths(problem)
    shut = np.equal(lengths, 0) if np.ndim(lengths) and not np.all(lengths) else None
    seeds = plan.seeds if shut is None else plan.seeds.without(shut)
    mixture = plan.weights * lengths if len(plan.weights) else None
    given = isinstance(getattr(problem.scheme, "step", None), Fixed)
    lines = SeedLines(function, problem.x, seeds, lengths, problem.bounds, mixture, given=given)
    lines.careful, lines.weighed = True, error
    c = coefficient(problem.scheme, lines, 1, error=error)
    if function.size != plan.shape[0]:
        raise EvaluationError(
            f"`sparsity` has {plan.shape[0]} rows, {function.name}(x) has {function.size} numbers; "
            "it needs one row for each"
        )
    entries = _collect(problem, plan, c, lengths, shut, error=error)
    if mixture is not None:
        # A coordinate that cannot move adds nothing to a derivative.
        known = entries if shut is None else entries.without(_outer(plan, shut))
        order = None if error else getattr(problem.scheme, "order", None)
        check_pattern(lines, c, plan, known, mixture, operator, order=order)
    return entries


def _collect(
    problem: Problem,
    plan: SparsityPlan,
    c: Coefficient,
    lengths: FloatArray | float,
    shut: NDArray[np.bool_] | None,
    *,
    error: bool,
) -> Entries:
    """Read the entries off the table of colors and outputs, in the units of the coordinates."""
    function = problem.function
    # Division by NaN marks what belongs to a coordinate that cannot move.
    lengths = lengths if shut is None else np.where(shut, np.nan, lengths)
    sizes = np.abs(lengths)
    truncation = noise = np.empty(0)
    with np.errstate(all="ignore"):
        values = _read(plan, to_values(c.value, function), lengths)
        if error:
            truncation, noise = (
                _mean(_read(plan, to_values(table, function, magnitude=True), sizes))
                for table in (c.truncation, c.noise)
            )
            if len(values) == 2:
                # The two places of an entry of a symmetric matrix must agree.
                truncation = truncation + np.abs(values[0] - values[1]) / 2
    wanted = error or shut is not None or c.status.any()
    status = _codes(problem, plan, c, shut) if wanted else np.empty(0, dtype=np.int8)
    return Entries(_mean(values), truncation, noise, status, _steps(plan, c, sizes, error=error))


def _steps(plan: SparsityPlan, c: Coefficient, sizes: FloatArray | float, *, error: bool) -> FloatArray:
    """Return how far each coordinate was moved, NaN where no color moved it; empty where it is not wanted."""
    if not error:
        return np.empty(0)
    steps = c.step[: plan.count] if plan.count else np.full(1, np.nan)
    return steps[plan.colors] * sizes


def _read(plan: SparsityPlan, table: NDArray[Any], lengths: FloatArray | float) -> list[NDArray[Any]]:
    """Return the entries in each reading, divided by how far their columns moved."""
    found, flat = [], table.ravel()
    for reading in plan.readings:
        entries = flat.take(reading.places)
        if isinstance(lengths, np.ndarray):
            np.divide(entries, lengths.take(reading.columns), out=entries, casting="same_kind")
        elif lengths != 1:
            entries /= lengths
        found.append(entries)
    return found


def _codes(problem: Problem, plan: SparsityPlan, c: Coefficient, shut: NDArray[np.bool_] | None) -> IntArray:
    """Return the worst status of the readings of each entry."""
    table: NDArray[Any] = c.status
    table = to_values(table, problem.function).ravel()
    codes = np.maximum.reduce([table.take(reading.places) for reading in plan.readings])
    if shut is not None:
        codes[_outer(plan, shut)] = Status.NO_ROOM
    return codes


def _outer(plan: SparsityPlan, shut: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which entries belong to a coordinate that cannot move."""
    structure = plan.structure
    outer = shut[structure.columns]
    return outer | shut[structure.rows] if plan.symmetric else outer


def _mean(readings: list[NDArray[Any]]) -> NDArray[Any]:
    return readings[0] if len(readings) == 1 else (readings[0] + readings[1]) / 2
