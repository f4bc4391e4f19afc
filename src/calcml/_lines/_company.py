"""How an f that is not elementwise shows: its values depend on the company of the points."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray, IntArray

__all__ = ["SAME", "halves", "in_proportion", "same", "staggered"]

# So many points are few.  A change in proportion may miss it by this part.
FEW, STRAIGHT = 8, 4
# Tables up to this size are staggered by a list of places that is kept.
CACHED = 8192
# Two values of f at one point differ at most by so many units of rounding.
SAME = 64.0


def staggered(rows: NDArray[Any], shift: int) -> NDArray[Any]:
    """Return rows with one line in three moved on by `shift` rows, one by twice that; the opposite undoes it.

    Each line still gets all its points, but neighbors never move alike: a function that is not elementwise,
    such as a cumulative sum, then shows in the error estimate, at no cost.
    """
    count = len(rows)
    if count < 2:
        return rows
    if rows.size <= CACHED:
        return rows.ravel().take(_staggered_places(*rows.shape, shift % count))
    moved = rows.copy()
    for k in (1, 2):
        s = (k * shift) % count
        if s:
            moved[s:, k::3], moved[:s, k::3] = rows[:-s, k::3], rows[-s:, k::3]
    return moved


@lru_cache(maxsize=64)
def _staggered_places(count: int, lines: int, shift: int) -> IntArray:
    """Return where in a flat table of rows each entry comes from; shared, and not to be changed."""
    row, line = np.arange(count)[:, None], np.arange(lines)
    return (row - shift * (line % 3)) % count * lines + line


def halves(count: int) -> Iterator[NDArray[np.bool_]]:
    """Return about half of the lines, without a pattern; and then, if there are few, the others."""
    # Multiples of the golden ratio have no pattern that f could share.
    first = (np.arange(count) * 0.6180339887498949) % 1.0 < 0.5
    yield first
    if count < FEW:
        yield ~first


def in_proportion(once: FloatArray, twice: FloatArray, never: FloatArray, changed: NDArray[np.bool_]) -> bool:
    """Return whether changes of f go with the distance by which others have been moved, as noise does not.

    Nor do the last digits of an iteration that goes on until all points have converged.
    """
    straight = np.abs(twice - 2 * once) + np.abs(never) <= np.abs(once) / STRAIGHT
    return bool(straight[changed].mean() > 1 / 2)


@np.errstate(all="ignore")
def same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Return whether the values are the same but for the last digits; NaN and infinity must match."""
    size = np.abs(a) + np.abs(b)
    largest = np.max(size, where=size < np.inf, initial=0.0)
    close = (np.abs(a - b) <= SAME * np.finfo(a.dtype).eps * (size + largest)) & (size < np.inf)
    return bool((close | (a == b) | (np.isnan(a) & np.isnan(b))).all())
