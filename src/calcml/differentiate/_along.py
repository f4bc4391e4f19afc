"""First derivatives along one vector, and how products are laid out."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._function import Function
from calcml._lines import Directions
from calcml._parameters import Structure, flatten, flatten_like
from calcml._typing import (
    FloatArray,
)
from calcml.differentiate._problem import (
    Estimate,
    Problem,
    coefficient,
    open_problem,
    to_values,
    warn_inaccurate,
)
from calcml.schemes.base import Coefficient

__all__ = ["along", "flat_vector", "per_variable"]


def along(
    f: Any,
    x: Any,
    v: Any,
    name: str,
    *,
    unit: bool,
    error: bool,
    options: dict[str, Any],
    stacklevel: int = 4,
) -> Estimate:
    """Return the first derivative along v, or along v / |v|; `stacklevel` leads to the line of the user."""
    _, structure = flatten(x)
    vector = flat_vector(v, structure, "v")
    if unit:
        vector = _normalized(vector)
    with open_problem(f, x, **options) as problem:
        if not vector.any():
            return _zero(problem)
        # The line is walked in steps of the vector's own size, which may be out of proportion to x.
        length = np.max(np.abs(vector))
        lines = problem.lines(Directions.dense((vector / length)[None, :]))
        lines.weighed = error
        c = coefficient(problem.scheme, lines, 1, error=error)
    if not error:
        warn_inaccurate(c.status[0], name, stacklevel=stacklevel)
    with np.errstate(all="ignore"):
        value, truncation, noise = (length * part for part in (c.value, c.truncation, c.noise))
        return row_estimate(problem, Coefficient(value, truncation, noise, c.step / length, c.status))


def flat_vector(v: Any, structure: Structure, name: str) -> FloatArray:
    """Return v as a flat vector; it must be finite and have the structure of x."""
    flat = flatten_like(v, structure, name)
    for i in np.flatnonzero(~np.isfinite(flat))[:1]:
        raise ValueError(f"`{name}` must be finite, got {flat[i]} at index {i}")
    return flat


def _normalized(v: FloatArray) -> FloatArray:
    # Scaled by the largest entry first, so that squares neither overflow nor vanish.
    largest = np.max(np.abs(v), initial=0.0)
    if largest == 0:
        raise ValueError("`v` is zero and has no direction; give a vector of any other length")
    w = v / largest
    return w / np.sqrt(w @ w)


def _zero(problem: Problem) -> Estimate:
    # Nothing moves along a zero vector: the product is exactly 0, of the shape of f(x).
    value = np.zeros_like(problem.function.evaluate(problem.x[None, :]), dtype=float)
    zero = value.reshape(problem.function.shape)[()]
    return Estimate(zero, zero, zero, zero, 0.0, problem.function.nfev, zero.astype(np.int8), problem.scheme)


def row_estimate(problem: Problem, c: Coefficient) -> Estimate:
    """Give the single row of a table the shape of f(x)."""
    function: Function = problem.function

    def shaped(row: Any, *, magnitude: bool = True) -> Any:
        return to_values(row, function, magnitude=magnitude)[0].reshape(function.shape)[()]

    value = shaped(c.value, magnitude=False)
    if value.dtype.kind == "f":
        value = value.astype(problem.x.dtype)
    return Estimate(
        value=value,
        error=shaped(c.truncation + c.noise),
        truncation=shaped(c.truncation),
        noise=shaped(c.noise),
        step=c.step[0],
        nfev=function.nfev,
        status=shaped(c.status),
        scheme=problem.scheme,
    )


def per_variable(
    problem: Problem,
    *,
    value: Any,
    truncation: Any,
    noise: Any,
    step: Any,
    status: Any,
    lead: tuple[int, ...] = (),
) -> Estimate:
    """Lay tables of shape (n,) or (n, M) out as ``lead + x.shape``."""
    n, structure = problem.x.size, problem.structure
    rounding = structure.rounding.reshape(-1, *[1] * (np.ndim(value) - 1))
    noise = noise + rounding * np.abs(value)

    def shaped(table: Any, *, cast: bool = False) -> Any:
        return structure.spread(np.moveaxis(table, 0, -1).reshape(*lead, n), lead, cast=cast)

    return Estimate(
        value=shaped(value, cast=True),
        error=shaped(truncation + noise),
        truncation=shaped(truncation),
        noise=shaped(noise),
        step=structure.spread(step, cast=False),
        nfev=problem.function.nfev,
        status=shaped(status),
        scheme=problem.scheme,
    )
