"""Plain derivatives of an f that takes many points in one call, where nothing is out of the ordinary.

A call for two hundred points takes less time than what `difference` does around it.  Here x is laid out in
columns, moved along one axis or two, and the rest is the formula.  Whatever is out of the ordinary is left to
`difference`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from calcml._lines import BLOCK, pair_places
from calcml._typing import FloatArray, IntArray
from calcml._validation import alike, is_vector
from calcml.schemes._many import ManyPoints, moved
from calcml.schemes._quick import DOUBLE, UnusualError
from calcml.schemes._weighing import Rows, all_finite, combine, moves, weighted_sum

__all__ = ["first_in_batch", "second_in_batch"]


@np.errstate(all="ignore")
def first_in_batch(way: ManyPoints | None, f: Callable[[Any], Any], x: Any) -> FloatArray | None:
    """Return first derivatives, of the shape of f(x) and x, or None if anything is out of the ordinary."""
    if way is None:
        return None
    try:
        h = _steps(way, x)
        value = combine(way.recipe, _around(way, f, x, h), h)
    except UnusualError:
        return None
    return value if all_finite(value) and (value.ndim > 1 or moves(value)) else None


@np.errstate(all="ignore")
def second_in_batch(way: ManyPoints | None, f: Callable[[Any], Any], x: Any) -> FloatArray | None:
    """Return second derivatives, of the shape of f(x), x and x, or None if anything is out of the ordinary.

    The weighted sum along h_i e_i is D_i = h_i² H_ii, and that along h_i e_i + h_j e_j is D_ij = D_i + D_j +
    2 h_i h_j H_ij, to the order of the formula.
    """
    if way is None:
        return None
    try:
        h = _steps(way, x)
        rows = _around(way, f, x, h)
        along = weighted_sum(way.recipe.weights[0], rows)
        pairs = [weighted_sum(way.recipe.weights[0], part) for part in _aside(way, f, x, h, rows)]
    except UnusualError:
        return None
    first, second, place = pair_places(len(x))
    entries: list[FloatArray] = [along / h / h]
    if pairs:
        mixed = np.concatenate(pairs, axis=-1)
        mixed -= along.take(first, axis=-1)
        mixed -= along.take(second, axis=-1)
        # One factor at a time: the product of two steps may be out of range.
        mixed /= h[first]
        mixed /= h[second]
        mixed /= 2
        entries.append(mixed)
    value = np.concatenate(entries, axis=-1).take(place, axis=-1)
    return value if all_finite(value) else None


def _steps(way: ManyPoints, x: Any) -> FloatArray:
    h = way.steps(x) if is_vector(x) and 0 < x.size * x.size * len(way.moves) <= BLOCK else None
    if h is None:
        raise UnusualError
    return h


def _around(way: ManyPoints, f: Callable[[Any], Any], x: FloatArray, h: FloatArray) -> Rows:
    """Return f at the points of the formula along each axis, shape (..., n), and at x, shape (..., 1)."""
    n, moves = len(x), way.moves
    count = len(moves) * n + (way.recipe.middle is not None)
    points = np.empty((n, count))
    points[...] = x[:, None]
    flat = points.reshape(-1)
    for k, move in enumerate(moves):
        moved(x, move, h, flat[k * n :: count + 1])
    # Values may be a buffer that the next call fills again.
    alone = _values(f, points[:, :1].copy()).copy()
    values = _values(f, points)
    # A column that knows of others has another value among them.
    if not alike(alone, values[..., :1]):
        raise UnusualError
    return _rows(way, values, n, values)


def _aside(
    way: ManyPoints, f: Callable[[Any], Any], x: FloatArray, h: FloatArray, axis: Rows
) -> Iterator[Rows]:
    """Return f at the points of the formula along h_i e_i + h_j e_j, some pairs i < j at a time."""
    n, moves = len(x), way.moves
    # Every formula for second derivatives has x itself.  These values may be such a buffer, too.
    origin = axis[way.recipe.middle or 0].copy()
    most = BLOCK // (n * len(moves))
    targets = np.concatenate([moved(x, move, h) for move in moves])
    for start in range(0, n * (n - 1) // 2, most):
        count, place, source = _pair_moves(n, start, most, len(moves))
        points = np.empty((n, len(moves) * count))
        points[...] = x[:, None]
        points.put(place, targets.take(source))
        yield _rows(way, _values(f, points), count, origin)


@lru_cache(maxsize=16)
def _pair_moves(n: int, start: int, most: int, rounds: int) -> tuple[int, IntArray, IntArray]:
    """Return the number of some pairs, and where in a table of their points which target stands; shared.

    The pairs come once for each round, and so do the targets, one for each coordinate.
    """
    first, second, _ = pair_places(n)
    pairs = np.stack([first[start : start + most], second[start : start + most]])
    count, turn = pairs.shape[1], np.arange(rounds)[:, None, None]
    column = turn * count + np.arange(count)
    return count, (pairs * (rounds * count) + column).ravel(), (turn * n + pairs).ravel()


def _rows(way: ManyPoints, values: FloatArray, count: int, origin: FloatArray) -> Rows:
    """Return the values at each point of the formula, in its order; that at x is the last one of `origin`."""
    rows = [values[..., k * count : (k + 1) * count] for k in range(len(way.moves))]
    if way.recipe.middle is not None:
        rows.insert(way.recipe.middle, origin[..., -1:])
    return rows


def _values(f: Callable[[Any], Any], points: FloatArray) -> FloatArray:
    """Return what f returns, if that is an array of float64 with one value for each column."""
    values = f(points)
    if (
        type(values) is np.ndarray
        and values.dtype == DOUBLE
        and values.ndim
        and values.shape[-1] == points.shape[-1]
    ):
        return values
    raise UnusualError
