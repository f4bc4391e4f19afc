"""Where the nodes of a tableau stand, and its values where a distance is not quite that of its node.

Where f multiplies x by a number, the product is rounded, and what is rounded off is hidden in f unless it
differs from node to node like noise.  Half of a step has the digits of the step, and so has its product: what
is rounded off may be half as much, at one node after the other, and looks like a slope.  Or it is the same at
all nodes, for a number of few digits, and looks like nothing at all.  So the nodes between two powers of two
have digits of their own, as many as x + t leaves them.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np

from calcml._typing import FloatArray

__all__ = ["BETWEEN", "UNITS", "at_nodes", "move_to_nodes", "nodes"]

# How far the nodes between two powers of two are from those that divide the octave evenly.
BETWEEN = 2.0**-5 / np.pi
# A series changes by a few percent of itself between the first two nodes; what is off by less than this share
# of their distance does not change a digit.
EXACT = 2.0**-46
# Steps of fewer units in the last place of x have no digits to spare for that.
UNITS = 2.0**20


@lru_cache(maxsize=64)
def nodes(count: int, octave: int, *, even: bool = False) -> tuple[float, ...]:
    """Return falling nodes: 2, 3/2, 1, 3/4, … for two in an octave, those between powers of two only about.

    Where f rounds x itself to fewer digits, `even` ones are all rounded like x, and leave less noise; and
    where x leaves few digits to a step, they are exact.
    """
    aside = 0.0 if even else BETWEEN
    shares = [1 - k / (2 * octave) + (aside if k else 0.0) for k in range(octave)]
    return tuple(2.0 ** (1 - k // octave) * shares[k % octave] for k in range(count))


def move_to_nodes(series: FloatArray, wanted: FloatArray, actual: FloatArray) -> None:
    """Move the values of a series, in place, from where they are to where they are wanted.

    Distances of all digits are rounded with x + t.  A value is moved along the tangent of the parabola
    through it and its neighbors, the last one along the straight line through it and the one before.
    """
    gap, off = wanted[:-1] - wanted[1:], (wanted - actual)[1:]
    # Of a single node there is no gap, and nothing to move.
    moved = np.abs(off) > EXACT * gap[:1]
    if not moved.any():
        return
    slope = (series[:-1] - series[1:]) / gap
    slope[:-1] -= (slope[:-1] - slope[1:]) / (wanted[:-2] - wanted[2:]) * gap[:-1]
    change = slope * np.where(moved, off, 0.0)
    # Values that are not finite spoil their own windows only.
    series[1:] += np.where(np.isfinite(change), change, 0.0)


def at_nodes(series: list[list[float]], wanted: list[float], actual: list[float]) -> list[list[float]]:
    """Return the same number by number, for series of finite values."""
    least = EXACT * (wanted[0] - wanted[1])
    off = [b - c for b, c in zip(wanted[1:], actual[1:], strict=True)]
    if max(off) <= least and min(off) >= -least:
        return series
    off = [b if abs(b) > least else 0.0 for b in off]
    return [_moved(values, wanted, off) for values in series]


def _moved(values: list[float], wanted: list[float], off: list[float]) -> list[float]:
    gap = [a - b for a, b in pairwise(wanted)]
    slope = [(a - b) / g for (a, b), g in zip(pairwise(values), gap, strict=True)]
    for k in range(len(slope) - 1):
        slope[k] -= (slope[k] - slope[k + 1]) / (wanted[k] - wanted[k + 2]) * gap[k]
    return values[:1] + [b + d * c for b, d, c in zip(values[1:], slope, off, strict=True)]
