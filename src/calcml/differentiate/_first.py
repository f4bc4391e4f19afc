"""The engine of all first derivatives with respect to many variables: one line along each axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calcml._lines import axes
from calcml.differentiate._problem import (
    Estimate,
    Problem,
    coefficient,
    in_range,
    open_problem,
    to_values,
    warn_inaccurate,
)
from calcml.schemes.base import Coefficient

__all__ = ["first_derivatives", "first_values"]


def first_values(
    f: Any,
    x: Any,
    name: str,
    *,
    known: Sequence[Any] = (),
    values: list[Any] | None = None,
    **options: Any,
) -> Any:
    """Return all first derivatives without their errors; a list passed as `values` receives f(x).

    What f has returned already at the points that come first is `known`.
    """
    problem, c = _run(f, x, False, values, list(known), options)
    warn_inaccurate(_joined(problem, c.status), name)
    return _shaped(problem, c.value, cast=True, magnitude=False)


def first_derivatives(f: Any, x: Any, *, values: list[Any] | None = None, **options: Any) -> Estimate:
    """Return all first derivatives with their errors; a list passed as `values` receives f(x)."""
    problem, c = _run(f, x, True, values, [], options)
    with np.errstate(all="ignore"):
        noise = c.noise + problem.structure.rounding[:, None] * np.abs(c.value)
        error = c.truncation + noise
    value = _shaped(problem, c.value, cast=True, magnitude=False)
    return Estimate(
        value=value,
        error=_shaped(problem, error),
        truncation=_shaped(problem, c.truncation),
        noise=_shaped(problem, noise),
        step=problem.structure.spread(c.step, cast=False),
        nfev=problem.function.nfev,
        status=_shaped(problem, in_range(c.status, c.value, problem.structure)),
        scheme=problem.scheme,
    )


def _run(
    f: Any, x: Any, error: bool, values: list[Any] | None, known: list[Any], options: dict[str, Any]
) -> tuple[Problem, Coefficient]:
    """Run the scheme on one line along each coordinate axis."""
    with open_problem(f, x, **options) as problem:
        problem.function.known = known
        lines = problem.lines(axes(problem.x.size))
        lines.weighed = error
        c = coefficient(problem.scheme, lines, 1, error=error)
        if values is not None:
            table = lines.origin() if lines.count else problem.function.evaluate(problem.x[None, :])
            values.append(to_values(table, problem.function)[0].reshape(problem.function.shape)[()])
    return problem, c


def _shaped(problem: Problem, table: Any, *, cast: bool = False, magnitude: bool = True) -> Any:
    """Turn a table with one row per coordinate into arrays of shape f(x).shape + x.shape."""
    joined = _joined(problem, table, magnitude=magnitude)
    return problem.structure.spread(joined, joined.shape[:-1], cast=cast)


def _joined(problem: Problem, table: Any, *, magnitude: bool = True) -> Any:
    """Return the same as one array of shape f(x).shape + (n,)."""
    lead = problem.function.shape or ()
    return to_values(table, problem.function, magnitude=magnitude).T.reshape(*lead, problem.x.size)
