"""From values on a grid to a Taylor coefficient and its errors: the arithmetic of a difference formula.

    c_n = h⁻ⁿ / n! Σ_j w_j (f(x + g_j h) - f_ref),

where subtracting any one of the values, f_ref, changes nothing in exact arithmetic (Σ w_j = 0) and keeps the
rounding of the weights from meeting the full size of f.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from calcml._typing import FloatArray
from calcml.schemes._recipe import Recipe

__all__ = [
    "BLOCK",
    "FEW",
    "POOR",
    "TRUNCATION_MARGIN",
    "Rows",
    "all_finite",
    "combine",
    "moves",
    "unknown",
    "weigh",
    "weigh_and_judge",
    "weighted_sum",
]

# The better formula has an error of its own, smaller by h / L for one-sided and (h / L)² for central points;
# three times the difference covers it up to h = 2 L / 3, where the formula has lost all of its digits.
TRUNCATION_MARGIN = 3.0
# Fewer than two digits: the error exceeds this share of the value.
POOR = 1e-2
# Numbers per block of the arithmetic: the fewer blocks, the fewer calls, and half a megabyte for a temporary
# is what the cache of a core holds beside the values.
BLOCK = 65536
# So many numbers are few.
FEW = 8192

# Values at each point of a grid, in its order, of shape (p, M), or (1, M) where all lines share the point.
Rows: TypeAlias = Sequence[FloatArray]


def weigh(
    recipe: Recipe, values: Rows, h: FloatArray, eps: float, *, quiet: bool
) -> tuple[FloatArray, FloatArray, FloatArray | float]:
    """Return coefficients, shape (p, M), from K tables of values, and what to take for their errors.

    The truncation is unknown: NaN.  The noise is 0 if it is known to be `quiet` and all is finite.
    """
    shape = len(h), values[0].shape[1]
    if shape[0] * shape[1] <= BLOCK:
        value = combine(recipe, values, h[:, None])
        quiet = quiet and all_finite(value)
    else:
        value = np.empty(shape, values[0].dtype)
        for cut in _blocks(len(values), *shape):
            part = combine(recipe, _cut(values, cut), h[cut[0], None], value[cut])
            quiet = quiet and all_finite(part)
    # An f that is not finite leaves no sum that is.
    if quiet:
        return value, unknown(shape), 0.0
    noise = np.empty_like(value)
    for cut in _blocks(len(values), *shape):
        _noise(recipe, _largest(_cut(values, cut), noise[cut]), h[cut[0], None], eps)
    return value, unknown(shape), noise


def combine(
    recipe: Recipe, values: Iterable[FloatArray], h: FloatArray, value: FloatArray | None = None
) -> FloatArray:
    """Return the coefficients from tables of values that go with the steps."""
    weights = recipe.weights[0]
    two = len(weights) == 2
    value = weighted_sum((-1.0, 1.0) if two else weights, values, value)
    if two and weights[1] != 1:
        # Steps are mostly fewer than values; (w d) / h = d / (h / w) to the last bit for a power of two.
        if h.size < value.size:
            h = h / weights[1]
        else:
            value *= weights[1]
    return _per_power(value, h, recipe.n)


def all_finite(values: FloatArray) -> bool:
    """Return whether all numbers are finite; a few must not have squares out of range either."""
    # One call instead of two for a few numbers; BLAS would hand more to its threads.
    return bool(np.vdot(values, values) < np.inf if values.size <= FEW else np.isfinite(values).all())


def moves(values: FloatArray) -> bool:
    """Return whether any number is not 0; nearly always the first one is not."""
    return bool(not values.size or values.item(0) or values.any())


def weigh_and_judge(
    recipe: Recipe, values: Rows, h: FloatArray, eps: float, along: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return coefficients, truncation and noise, each of shape (p, M), from values as `weigh` takes them.

    `along` is the magnitude of x along each line, which is rounded, too.
    """
    shape = len(h), values[0].shape[1]
    value, truncation, noise = tables = np.empty((3, *shape), values[0].dtype)
    for cut in _blocks(len(values), *shape):
        _judge(recipe, _cut(values, cut), h[cut[0], None], eps, along[cut[0], None], tables[:, *cut])
    return value, truncation, noise


def _blocks(points: int, p: int, outputs: int) -> Iterator[tuple[slice, slice]]:
    """Cut a table into lines, or into outputs where these are many, whose temporaries stay in the cache."""
    rows = max(1, BLOCK // max(1, points * outputs))
    columns = max(1, BLOCK // points)
    for i in range(0, p, rows):
        for j in range(0, outputs, columns):
            yield slice(i, i + rows), slice(j, j + columns)


def _cut(values: Rows, cut: tuple[slice, slice]) -> Rows:
    """Return a block of each table; the row that all lines share is part of every block."""
    return [table[cut] if len(table) > 1 else table[:, cut[1]] for table in values]


def _judge(
    recipe: Recipe, values: Rows, h: FloatArray, eps: float, along: FloatArray, tables: FloatArray
) -> None:
    """Fill in value, truncation and noise."""
    value, truncation, noise = tables
    combine(recipe, values, h, value)
    np.subtract(value, _per_power(weighted_sum(recipe.weights[1], values), h, recipe.n), truncation)
    np.abs(truncation, truncation)
    truncation *= TRUNCATION_MARGIN
    _largest(values, noise)
    # Rounding of x is seen through the slope of f.
    slope = _largest([table - values[0] for table in values]) / ((recipe.grid[-1] - recipe.grid[0]) * h)
    noise += slope * (along / 2)
    _noise(recipe, noise, h, eps)


def weighted_sum(
    weights: tuple[float, ...], values: Iterable[FloatArray], total: FloatArray | None = None
) -> FloatArray:
    """Return the sum of the weighted values, each less the first; only that one is kept until the end."""
    # Term by term rather than by a matrix product, whose order of summation depends on the number of lines.
    values = iter(values)
    reference = next(values)
    total = np.subtract(next(values), reference, total)
    if weights[1] != 1.0:
        total *= weights[1]
    for weight, value in zip(weights[2:], values, strict=True):
        if weight:
            total += weight * (value - reference)
    return total


def _per_power(total: FloatArray, h: FloatArray, n: int) -> FloatArray:
    """Divide by hⁿ n!, in place."""
    # Dividing n times by h instead of once by hⁿ keeps clear of overflow and underflow of the power.
    for _ in range(n):
        total /= h
    if n > 1:
        total /= math.factorial(n)
    return total


def _noise(recipe: Recipe, error: FloatArray, h: FloatArray, eps: float) -> FloatArray:
    """Turn the error of a value, in units of its rounding, into that of the coefficient, in place."""
    error *= _per_power(np.full(h.shape, eps * recipe.condition), h, recipe.n)
    return error


def _largest(values: Rows, largest: FloatArray | None = None) -> FloatArray:
    """Return the largest magnitude on each line; a few calls cost less than one reduction."""
    largest = np.maximum(np.abs(values[0]), np.abs(values[1]), out=largest)
    for table in values[2:]:
        np.maximum(largest, np.abs(table), out=largest)
    return largest


@lru_cache(maxsize=32)
def unknown(shape: tuple[int, ...]) -> FloatArray:
    """Return NaN in this shape, one number in memory, which cannot be changed."""
    return np.broadcast_to(np.nan, shape)
