"""The engine of dense Hessians: from f alone, or from its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._function import check_callable
from calcml._parameters import flatten
from calcml.differentiate._flat import FlatGradient
from calcml.differentiate._problem import (
    Estimate,
    Problem,
    in_range,
    only_f,
    open_problem,
    to_values,
    warn_inaccurate,
)
from calcml.differentiate._second import SecondTables, hessian_tables
from calcml.schemes._batch import second_in_batch
from calcml.schemes.registry import as_scheme

__all__ = ["second_derivatives", "second_values"]


def second_values(f: Any, x: Any, grad: Any, **options: Any) -> Any:
    """Return all second derivatives without their errors."""
    if options["vectorized"] and grad is None and only_f(f, **options):
        value = second_in_batch(as_scheme(options["scheme"]).many(2), f, x)
        if value is not None:
            return value
    problem, tables = _run(f, x, grad, error=False, **options)
    warn_inaccurate(_joined(problem, tables.status, grad), "hessian")
    return _shaped(problem, tables.value, grad, cast=True, magnitude=False)


def second_derivatives(f: Any, x: Any, grad: Any, **options: Any) -> Estimate:
    """Return all second derivatives with their errors."""
    problem, tables = _run(f, x, grad, error=True, **options)
    structure = problem.structure
    with np.errstate(all="ignore"):
        rounding = structure.rounding[:, None, None] + structure.rounding[:, None]
        noise = tables.noise + rounding * np.abs(tables.value)
        error = tables.truncation + noise
    return Estimate(
        value=_shaped(problem, tables.value, grad, cast=True, magnitude=False),
        error=_shaped(problem, error, grad),
        truncation=_shaped(problem, tables.truncation, grad),
        noise=_shaped(problem, noise, grad),
        step=structure.spread(tables.step, cast=False),
        nfev=problem.function.nfev,
        status=_shaped(problem, in_range(tables.status, tables.value, structure), grad),
        scheme=problem.scheme,
    )


def _run(f: Any, x: Any, grad: Any, *, error: bool, **options: Any) -> tuple[Problem, SecondTables]:
    """Run the scheme on f alone, or on the gradient where it is given."""
    check_callable(f)
    if grad is None:
        opened = open_problem(f, x, **options)
    else:
        if options["vectorized"]:
            raise ValueError("`vectorized=True` speaks of f, not of `grad`; leave out one of the two")
        check_callable(grad, "grad")
        _, structure = flatten(x)
        opened = open_problem(FlatGradient(grad, structure), x, name="grad", **options)
    with opened as problem:
        tables = hessian_tables(
            problem.function,
            problem.x,
            problem.bounds,
            problem.scheme,
            gradient=grad is not None,
            error=error,
            weighed=error,
        )
    return problem, tables


def _shaped(problem: Problem, table: Any, grad: Any, *, cast: bool = False, magnitude: bool = True) -> Any:
    """Turn a table of shape (n, n, M) into arrays of shape f(x).shape + x.shape + x.shape."""
    joined = _joined(problem, table, grad, magnitude=magnitude)
    return problem.structure.spread_pairs(joined, joined.shape[:-2], cast=cast)


def _joined(problem: Problem, table: Any, grad: Any, *, magnitude: bool = True) -> Any:
    """Return the same as one array of shape f(x).shape + (n, n)."""
    n, lead = problem.x.size, (problem.function.shape or ()) if grad is None else ()
    joined = to_values(table, problem.function, magnitude=magnitude)
    return joined.transpose(2, 0, 1).reshape(*lead, n, n)
