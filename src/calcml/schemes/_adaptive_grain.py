"""Whether the values of f lie on a grid, as those do that are rounded to some figures, and how wide it is.

Few steps of a grid can look smooth: 2, 3, 4, 6, 8, 12 and 17 of them are a straight line but for the last,
and the slope of that line is off by half a step over the distance.  What gives a grid away is that all
changes of f are multiples of the least distance between two neighbors, to the rounding of f.  So they are
where f is linear, at nodes that are multiples of one another; but then they are in proportion to the nodes.
"""

# A `strict=` in a zip costs as much as the loop.
# ruff: noqa: B905

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from calcml._typing import FloatArray

__all__ = ["half_spacing", "has_grain"]

# Two changes of f that are the same, and a change and a multiple of the spacing, differ by so many units of
# rounding.  A step of the grid is so many times that: six or more numbers are not next to multiples of it by
# chance.  And f is not linear if it deviates by so many times that.
SAME, COARSE, BENT = 4.0, 64.0, 8.0
# A multiple is known as long as the uncertainty of all its steps together is less than this share of one; and
# fewer steps than this are a jump or two.
SURE, FEWEST = 1 / 4, 4.0


def half_spacing(
    values: FloatArray, nodes: FloatArray, origin: FloatArray, rounding: FloatArray
) -> FloatArray:
    """Return half the spacing of the values of f, shape (p, M), 0 where they lie on no grid.

    Values of shape (K, r, p, M) at K falling nodes and at x, and the rounding of f on each line.  The caller
    holds NumPy's warnings off.
    """
    change, same = values - origin, SAME * rounding
    sizes = np.abs(change)
    least = np.minimum(_least(sizes[:-1] - sizes[1:], same), _least(sizes[:, :1] - sizes[:, 1:], same))
    # A large change tells the spacing better than a small one; of a smooth f it is rarely a multiple.
    largest = sizes[0].max(axis=0)
    steps = np.rint(largest / least)
    unsure = steps * same
    on_grid = (np.abs(largest - steps * least) <= unsure) & (unsure <= SURE * least)
    on_grid &= (steps >= FEWEST) & (least >= COARSE * same)
    if not on_grid.any():
        return np.zeros(origin.shape)
    spacing = largest / steps
    on_grid &= (np.abs(sizes - np.rint(sizes / spacing) * spacing) <= same).all(axis=(0, 1))
    straight = change[:1] * (nodes / nodes[0])[:, None, None, None]
    on_grid &= (np.abs(change - straight) > BENT * same).any(axis=(0, 1))
    return np.where(on_grid, spacing / 2, 0.0)


def _least(gaps: FloatArray, same: FloatArray) -> FloatArray:
    """Return the least distance between changes that are not the same."""
    gaps = np.abs(gaps)
    least: FloatArray = np.where(gaps > same, gaps, np.inf).min(axis=(0, 1), initial=np.inf)
    return least


def has_grain(ahead: list[float], behind: list[float], nodes: list[float], rounding: float) -> bool:
    """Return the same for the changes of one output on one line, on both sides of x."""
    same = SAME * rounding
    sides = [list(map(abs, ahead)), list(map(abs, behind))]
    gaps = [abs(a - b) for a, b in zip(*sides)]
    gaps += [abs(a - b) for side in sides for a, b in pairwise(side)]
    sizes = sides[0] + sides[1]
    least = min((gap for gap in gaps if gap > same), default=math.inf)
    largest = max(side[0] for side in sides)
    if not COARSE * same <= least < math.inf:
        return False
    steps = float(round(largest / least))
    unsure = steps * same
    if not (abs(largest - steps * least) <= unsure <= SURE * least and steps >= FEWEST):
        return False
    spacing = largest / steps
    if any(abs(size - round(size / spacing) * spacing) > same for size in sizes):
        return False
    shares = [node / nodes[0] for node in nodes]
    return any(
        abs(change - side[0] * share) > BENT * same
        for side in (ahead, behind)
        for change, share in zip(side, shares)
    )
