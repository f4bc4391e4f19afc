"""From a checked problem to the series: lines, scheme, coefficients."""

import warnings
from typing import Any

import numpy as np

from calcml._lines import Directions
from calcml._parameters import flatten
from calcml._status import Status
from calcml._typing import FloatArray
from calcml.differentiate._problem import Problem
from calcml.errors import AccuracyWarning, EvaluationError
from calcml.series._directions import collect, directions
from calcml.series.series import TaylorSeries

__all__ = ["check_center", "check_degree", "check_scalar", "expand", "warned"]

# Degrees beyond the last that the remainder is estimated from: two, because every other may vanish.
BEYOND = 2


def check_degree(degree: Any) -> int:
    """Return the degree as an int, refusing what is none."""
    if isinstance(degree, bool) or not isinstance(degree, int | np.integer):
        message = f"`degree` must be an integer, got {degree!r}"
        raise TypeError(message)
    if degree < 0:
        message = f"`degree` must be at least 0, got {degree}"
        raise ValueError(message)
    return int(degree)


def check_center(x0: Any) -> None:
    """Refuse a center that is no array of finite numbers."""
    flat, structure = flatten(x0, "x0")
    if not structure.plain:
        message = f"`x0` must be a number or an array for a series, got {type(x0).__name__}; flatten it first"
        raise TypeError(message)
    if flat.size == 0:
        message = "`x0` is empty; a series needs at least one variable"
        raise ValueError(message)
    for i in np.flatnonzero(~np.isfinite(flat))[:1]:
        message = f"`x0` must be finite, got {flat[i]} at index {i}"
        raise ValueError(message)


def expand(problem: Problem, degree: int, rng: Any = 0, *, beyond: int = BEYOND) -> TaylorSeries:
    """Run the scheme along the lines and gather the coefficients."""
    scale = np.maximum(np.abs(problem.x).astype(float), 1.0) if problem.x.size > 1 else np.ones(1)
    vectors = directions(scale, degree, rng) if beyond else np.eye(problem.x.size)
    if not beyond:
        scale = np.ones(problem.x.size)
    lines = problem.lines(_lines(vectors * scale))
    coefficients = problem.scheme.expand(lines, degree + beyond)
    _refuse_complex(problem)
    table = collect(coefficients, vectors, scale, degree)
    shape = problem.function.shape or ()
    entries = len(table.value)
    center = problem.x.reshape(problem.structure.shape)
    return TaylorSeries(
        center=center.astype(np.result_type(center, float))[()],
        degree=degree,
        coefficients=table.value.reshape(entries, *shape),
        error=table.error.reshape(entries, *shape),
        status=table.status.reshape(entries, *shape),
        majorant=table.majorant.reshape(degree + beyond + 1, *shape) if beyond else None,
        scale=scale,
        nfev=problem.function.nfev,
    )


def _lines(vectors: FloatArray) -> Directions:
    """Return the directions; the first rows of the identity matrix stay short lists."""
    rows, columns = np.nonzero(vectors)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(vectors)))])
    return Directions(starts, columns, vectors[rows, columns], vectors.shape[1])


def _refuse_complex(problem: Problem) -> None:
    if problem.function.dtype is not None and problem.function.dtype.kind == "c":
        message = (
            f"`f` must return real numbers, got {problem.function.dtype}; expand real and imaginary parts"
        )
        raise EvaluationError(message)


def check_scalar(problem: Problem, name: str) -> None:
    """Refuse an f that has returned an array."""
    if problem.function.shape != ():
        message = (
            f"`{name}` needs an f that returns one number, got shape {problem.function.shape}; "
            "expand its components one by one, or `linearize` it"
        )
        raise EvaluationError(message)


def warned(series: TaylorSeries, name: str) -> TaylorSeries:
    """Return the series, after a warning where coefficients have lost their digits."""
    poor = int(np.sum(series.status == Status.INACCURATE))
    if poor:
        warnings.warn(
            f"`{name}`: {poor} of {series.status.size} coefficients have fewer than two digits; "
            "`error` tells which. Lower the degree or choose another scheme.",
            AccuracyWarning,
            stacklevel=3,
        )
    return series
