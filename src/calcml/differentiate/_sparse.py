"""Sparse matrices of derivatives: what every operator with a sparsity pattern does."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from calcml._function import check_callable
from calcml._parameters import flatten
from calcml._status import Status
from calcml.differentiate._flat import FlatGradient
from calcml.differentiate._problem import Estimate, Problem, open_problem
from calcml.differentiate._sparse_entries import Entries, to_estimate, to_matrix
from calcml.differentiate._sparse_first import first_entries
from calcml.differentiate._sparse_second import second_entries
from calcml.differentiate.sparsity.plan import SparsityPlan
from calcml.errors import AccuracyWarning

__all__ = ["open_plan", "sparse_estimate", "sparse_matrix"]


def open_plan(sparsity: Any, *, symmetric: bool = False) -> SparsityPlan:
    """Return the plan that was passed, or make one from the pattern that was."""
    if not isinstance(sparsity, SparsityPlan):
        return SparsityPlan(sparsity, symmetric=symmetric)
    if symmetric and not sparsity.symmetric:
        raise ValueError(
            "`sparsity` must be a plan for a symmetric matrix; prepare it with "
            "SparsityPlan(pattern, symmetric=True)"
        )
    return sparsity


def sparse_matrix(
    f: Any, x: Any, plan: SparsityPlan, operator: str, *, grad: Any = None, **options: Any
) -> Any:
    """Return all derivatives in the plan's structure, without their errors."""
    problem, _, entries = _run(f, x, plan, operator, grad, error=False, **options)
    _warn_inaccurate(plan, entries, operator)
    return to_matrix(problem, plan, entries)


def sparse_estimate(
    f: Any, x: Any, plan: SparsityPlan, operator: str, *, grad: Any = None, **options: Any
) -> Estimate:
    """Return all derivatives in the plan's structure, with their errors."""
    return to_estimate(*_run(f, x, plan, operator, grad, error=True, **options))


def _run(
    f: Any, x: Any, plan: SparsityPlan, operator: str, grad: Any, *, error: bool, **options: Any
) -> tuple[Problem, SparsityPlan, Entries]:
    """Differentiate f once, or twice for a Hessian, or its gradient once where that is given."""
    check_callable(f)
    second = operator == "hessian" and grad is None
    if grad is not None:
        if options["vectorized"]:
            raise ValueError("`vectorized=True` speaks of f, not of `grad`; leave out one of the two")
        check_callable(grad, "grad")
        f, options["name"] = FlatGradient(grad, flatten(x)[1]), "grad"
    with open_problem(f, x, **options) as problem:
        n = plan.shape[1]
        if problem.x.size != n:
            raise ValueError(
                f"`sparsity` has {n} columns, x has {problem.x.size} numbers; it needs one column for each"
            )
        if second:
            return problem, plan, second_entries(problem, plan, error=error)
        return problem, plan, first_entries(problem, plan, operator, error=error)


def _warn_inaccurate(plan: SparsityPlan, entries: Entries, operator: str) -> None:
    """Warn at the first entry that has lost its digits."""
    for entry in np.flatnonzero(entries.status == Status.INACCURATE)[:1]:
        starts, columns = plan.structure.starts, plan.structure.columns
        row = int(np.searchsorted(starts, entry, side="right")) - 1
        warnings.warn(
            f"`{operator}` at index {(row, int(columns[entry]))}: {Status.INACCURATE} "
            f"`estimate_{operator}` gives the error.",
            AccuracyWarning,
            stacklevel=4,
        )
