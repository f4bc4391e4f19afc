"""The noise of f along lines, from tables of differences.

Of seven values at equal distances take differences of all orders.  What is smooth in f shrinks with the
order, as hᵏ; what is noise of standard deviation σ does not: the k-th difference of independent values has
the variance σ² (2k)! / (k!)², the sum of its squared binomial weights.  So

    σ_k² = (k!)² / (2k)! · mean of (Δᵏf)²

settles down to σ² as soon as noise is all that is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._search import LONG, RIGHT, SHORT, Probe

__all__ = ["Noise", "difference_noise", "measured_noise"]

# Values on either side of x: seven in all are enough for three levels that agree, nine make chance rare.
REACH = 3
# Levels agree within this factor; so many in a row must.
AGREE, LEVELS = 4.0, 3
# Values that differ by more than this share of the largest are not f at x with some noise.
WIDE = 0.1
# First distance, relative to x, and the factor to the next.  The distance has many digits: at a round number
# from a round x, products inside f are exact and their rounding does not show.
START, FACTOR, DIGITS = 2.0**-32, 2.0**7, 1.2360679774997898
TRIALS = 8
# A noise this far below the change of f over a distance at which it stood still is chance.
CHANCE = 1 / 4


def difference_noise(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the noise in values at equal distances along the first axis, and whether the distance was right.

    The noise is 0 where the distance was too short (half of the values do not move) or too long (no three
    levels agree, or f is not finite).
    """
    finite = np.isfinite(values).all(axis=0)
    table = np.where(finite, values, 0.0)
    top = np.abs(table).max(axis=0)
    # Squares of large differences would overflow; a power of two rounds nothing.
    scale = np.ldexp(np.ones_like(top), np.frexp(top)[1] - 1)
    table = table / scale
    levels, changes = [], []
    for k in range(1, len(values)):
        table = np.diff(table, axis=0)
        if k == 1:
            still = 2 * (table == 0).sum(axis=0) >= len(values)
        gamma = 1 / math.comb(2 * k, k)
        levels.append(np.sqrt(gamma * np.mean(table**2, axis=0)))
        changes.append(table.min(axis=0) * table.max(axis=0) < 0)
    noise, found = np.zeros(top.shape, dtype=values.dtype), np.zeros(top.shape, dtype=bool)
    for k in range(len(levels) - LEVELS + 1):
        window = np.array(levels[k : k + LEVELS])
        agree = (window.max(axis=0) <= AGREE * window.min(axis=0)) & changes[k] & ~found
        noise = np.where(agree, levels[k] * scale, noise)
        found |= agree
    right = found & finite & ~still
    return np.where(right, noise, 0.0), np.where(right, RIGHT, np.where(still & finite, SHORT, LONG))


@dataclass(eq=False)
class Noise:
    r"""What a table of differences shows of f at x, each of shape (p, M).

    Attributes
    ----------
    level : ndarray
        The standard deviation of the noise, at least u \|f\|.
    slope, doubt : ndarray
        The slope of f, and its standard deviation, infinite where the table did not show it.
    """

    level: FloatArray
    slope: FloatArray
    doubt: FloatArray


@np.errstate(all="ignore")
def measured_noise(
    lines: Lines, index: IntArray | None = None, *, digits: float = DIGITS, reach: int = REACH
) -> Noise:
    """Measure the noise of f near x on some lines, all of them by default.

    Outputs on one line may want different distances: those not settled decide where to look next.
    """
    nodes = tuple(float(k) for k in range(-reach, reach + 1))
    probe = Probe(lines, np.arange(lines.count) if index is None else index, nodes, None)
    search = _Distances(probe)
    h = np.minimum(START * digits * np.exp2(np.floor(np.log2(probe.unit))), probe.most)
    h = np.maximum(h, probe.least)
    rows = np.flatnonzero(probe.usable.any(axis=1) & (probe.most >= probe.least))
    for _ in range(TRIALS):
        if not len(rows):
            break
        # Distances that x + t v rounds differently would be noise of their own.
        exact = lines.representable(h[rows], probe.index[rows])
        h[rows] = np.where(exact > 0, exact, h[rows])
        h[rows], going = search.look(h[rows], rows)
        rows = rows[going]
    rounding = lines.eps / 2 * np.abs(np.where(probe.usable, probe.origin, 0.0))
    return Noise(np.maximum(search.level(), rounding), search.slope, search.doubt)


class _Distances:
    """The distances tried on each line, and what they showed."""

    def __init__(self, probe: Probe) -> None:
        shape = probe.origin.shape
        self.probe, self.open = probe, probe.usable.copy()
        self.noise, self.guess, self.slope = np.zeros((3, *shape), dtype=probe.origin.dtype)
        self.doubt, self.grain = np.full((2, *shape), np.inf, dtype=probe.origin.dtype)
        self.low, self.high = np.zeros(shape[0]), np.full(shape[0], np.inf)

    def look(self, h: FloatArray, rows: IntArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Take a table at the distances h; return the next distances, and the lines that need them."""
        probe, open_ = self.probe, self.open[rows]
        values = probe.evaluate(h, rows)
        noise, said = difference_noise(values)
        said = self._doubted(values, noise, said, h, rows)
        self.guess[rows] = noise
        found = open_ & (said == RIGHT)
        nodes, width = probe.nodes, probe.nodes @ probe.nodes * h[:, None]
        self.slope[rows] = np.where(found, probe.weigh(nodes, values) / width, self.slope[rows])
        self.doubt[rows] = np.where(found, noise * np.linalg.norm(nodes) / width, self.doubt[rows])
        self.noise[rows] = np.where(found, noise, self.noise[rows])
        self.open[rows] = open_ = open_ & ~found
        # Where f stood still at a shorter distance, the least change says how far apart its values are.
        change = np.abs(np.diff(values, axis=0))
        least = np.where(change > 0, change, np.inf).min(axis=0)
        stood = open_ & (said == LONG) & (self.low[rows] > 0)[:, None]
        self.grain[rows] = np.where(stood, np.minimum(self.grain[rows], least), self.grain[rows])
        up = (open_ & (said == SHORT)).any(axis=1)
        self.low[rows], self.high[rows] = np.where(up, (h, self.high[rows]), (self.low[rows], h))
        low, high = self.low[rows], self.high[rows]
        between = (low > 0) & np.isfinite(high)
        new = np.where(between, np.sqrt(low) * np.sqrt(high), np.where(up, h * FACTOR, h / FACTOR))
        new = np.maximum(np.minimum(new, probe.most[rows]), probe.least[rows])
        return new, open_.any(axis=1) & (new > low) & (new < high)

    def level(self) -> FloatArray:
        """Return the noise found, or that of values on a grid where no table has settled."""
        on_grid = self.open & np.isfinite(self.grain)
        return np.where(on_grid, self.grain / math.sqrt(12), self.noise)

    def _doubted(
        self, values: FloatArray, noise: FloatArray, said: IntArray, h: FloatArray, rows: IntArray
    ) -> IntArray:
        """Doubt a noise that is far below what f jumps by, or is found once only among values far apart."""
        spread, size, before = np.ptp(values, axis=0), np.abs(values).max(axis=0), self.guess[rows]
        jump = spread / (len(values) - 1) * (self.low[rows] / h)[:, None]
        # Near a zero of f all values are far apart; rounding is rounding all the same.
        wide = (spread > WIDE * size) & (noise > AGREE * self.probe.lines.eps * size)
        once = wide & ~((noise <= AGREE * before) & (before <= AGREE * noise))
        return np.where((said == RIGHT) & (once | (noise < CHANCE * jump)), LONG, said)
