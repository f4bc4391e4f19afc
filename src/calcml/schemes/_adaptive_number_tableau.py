"""The tableau of `_adaptive_tableau` for one line with one output, number by number.

The same sums in the same order, windows of one length after those of another: for few lines the calls of
NumPy that do all at once take longer than the arithmetic.
"""

# A `strict=` in a zip costs as much as the loop.
# ruff: noqa: B905

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import add
from typing import NamedTuple

from calcml.schemes._adaptive_tableau import EXCESS, FLAT, POOL, Grid

__all__ = ["Constants", "Entry", "best_entry", "constants"]


@dataclass(frozen=True, eq=False, slots=True)
class Level:
    """The constants of all windows of one length, as `Grid` has them.

    Attributes
    ----------
    gap, below : list of float
        s_i - s_j, and [sᵐ] of the product without the first node.
    scatter, companion : list of float
        Standard deviation of D of the wanted series and of the other one, for values of f with noise 1.
    judged : list of tuple
        For windows that may be the answer: the first node, the larger change of C per D, and the noise of C,
        at most and as four standard deviations; empty if none may be.
    """

    gap: list[float]
    below: list[float]
    scatter: list[float]
    companion: list[float]
    judged: list[tuple[int, float, float, float]]


@dataclass(frozen=True, eq=False, slots=True)
class Constants:
    """[sᵐ] for the windows of one node, and the constants of those of two nodes and more."""

    below: list[float]
    levels: list[Level]


class Entry(NamedTuple):
    """The entry with the least error, with the attributes of `Best`."""

    value: float
    truncation: float
    noise: float
    rounding: float
    sigma: float
    first: int
    settled: bool


@lru_cache(maxsize=256)
def constants(table: Grid) -> Constants:
    """Return the constants of a grid as numbers."""
    below, scatter = table.below.ravel().tolist(), table.scatter[:, :, 0, 0].T.tolist()
    change, worst, noise = (part.ravel().tolist() for part in (table.change, table.worst, table.noise))
    judged = list(zip(table.first.tolist(), change, worst, noise))
    start = table.entries.start
    levels = [
        Level(
            gap.ravel().tolist(),
            below[cut],
            scatter[0][cut],
            scatter[1][cut],
            judged[cut.start - start : cut.stop - start] if cut.start >= start else [],
        )
        for cut, gap in zip(table.windows[1:], table.gap)
    ]
    return Constants(below[table.windows[0]], levels)


def best_entry(table: Constants, wanted: list[float], companion: list[float], rounding: list[float]) -> Entry:
    """Choose the window with the least error, as `extrapolate` does; all numbers must be finite."""
    least = _least(rounding)
    values, spread, spreads, rows = [y * b for y, b in zip(wanted, table.below)], [0.0], [], []
    for level in table.levels:
        shorter = spread
        wanted = [(a - b) / gap for a, b, gap in zip(wanted, wanted[1:], level.gap)]
        companion = [(a - b) / gap for a, b, gap in zip(companion, companion[1:], level.gap)]
        # A window without its first node is the next one of those with a node less.
        values = [d * b + c for d, b, c in zip(wanted, level.below, values[1:])]
        spread = [
            (abs(d) / s + abs(e) / t) / 2
            for d, e, s, t in zip(wanted, companion, level.scatter, level.companion)
        ]
        spreads.append(spread)
        rows.append(zip(level.judged, wanted, values, shorter[1:], spread))
    common, flat = _common(spreads)
    error = math.inf
    for row in rows:
        for (first, change, worst, scale), d, c, inner, own in row:
            sigma = max((inner + own) / 2, common)
            truncation, noise = abs(d) * change, scale * sigma + worst * least[first]
            if truncation + noise < error:
                error, best = truncation + noise, (c, truncation, noise, least[first], sigma, first)
    return Entry(*best, flat or best[4] <= EXCESS * best[3])


def _common(spreads: list[list[float]]) -> tuple[float, bool]:
    """Return the noise that all windows share, from that of windows of each length, and if there is any."""
    common, flat, count = 0.0, False, len(spreads) + 1
    for back, most in enumerate(FLAT):
        end = count - back
        if end <= POOL and back:
            break
        tail = [spread[-1 - back] for spread in spreads[max(0, end - POOL - 1) : end - 1]]
        if max(tail) < most * min(tail):
            # Not `sum`, which compensates for rounding from Python 3.12 on, as NumPy does not.
            common, flat = max(common, reduce(add, tail) / len(tail)), True
    return common, flat


def _least(rounding: list[float]) -> list[float]:
    """Return the rounding of the windows that begin at each node: that of the largest value from there on."""
    least = rounding.copy()
    for k in range(len(least) - 2, -1, -1):
        least[k] = max(least[k], least[k + 1])
    return least
