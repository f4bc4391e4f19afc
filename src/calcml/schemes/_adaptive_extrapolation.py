"""From the step that the search has found to the coefficient: nodes, a tableau, more nodes if they help."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import LENGTH, Fan, blocks, every, over_outputs, some
from calcml.schemes._adaptive_found import Found
from calcml.schemes._adaptive_grain import half_spacing
from calcml.schemes._adaptive_search import Search
from calcml.schemes._adaptive_tableau import Best, Grid, extrapolate, grid

__all__ = [
    "DEEPER",
    "EXTENSIONS",
    "SURELY",
    "UNEVEN",
    "WIDER",
    "Extrapolation",
    "best_entries",
    "first_grid",
    "fresh_nodes",
    "layout",
]

# On one side every power of t is in the series, not every second one: more nodes reach the same order.
SIDE_LEVELS = 4
# Two nodes per octave: 2, about 3/2, 1, about 3/4, …  High derivatives divide the noise by a high power of
# the step, and only large steps count: four per octave from the sixth on.
SPARSE, DENSE, HIGH = 2, 4, 6
# Up to this order of the derivative some nodes have digits of their own.  Higher ones magnify what is left
# when values are moved to these, and claim so much noise that no rounding of products exceeds it.
UNEVEN = 2
# Nodes are added by octaves.  Smaller ones while the error exceeds 450 units of rounding and still falls;
# larger ones while amplified noise leaves fewer than ten digits, as it does for high derivatives.
EXTENSIONS, DEEPER, WIDER = 4, 450.0, 1e-10
# The slope beside a higher derivative is off by no more than so many times what its next term makes of it.
SURELY = 4.0


@lru_cache(maxsize=64)
def fresh_nodes(count: int, trials: int, octave: int) -> IntArray:
    """Return which nodes are not those of a trial, which stand one octave apart."""
    return np.array([k for k in range(count) if k % octave or k >= trials * octave])


def layout(fan: Fan | type[Fan], n: int, levels: int) -> tuple[int, str, int, int]:
    """Return the number of nodes to begin with, the series, the place of the coefficient, and the octave."""
    kind, m = fan.series_of(n)
    two_sided = kind != "side"
    count = levels + (2 * ((m + 1) // 2) if two_sided else SIDE_LEVELS + m)
    return count, kind, m, DENSE if two_sided and n >= HIGH else SPARSE


def first_grid(fan: Fan, n: int, levels: int) -> Grid:
    """Return the nodes to begin with."""
    return grid(*layout(fan, n, levels), even=n > UNEVEN)


class Extrapolation:
    """The tableau of the n-th coefficients on the lines of a fan.

    Parameters
    ----------
    fan : Fan
        Lines and sides.
    search : Search
        What has been found about them.
    n : int
        Order of the derivative.
    levels : int
        Number of nodes to begin with, for first derivatives on both sides.
    """

    def __init__(self, fan: Fan, search: Search, n: int, levels: int) -> None:
        self.fan, self.search, self.n = fan, search, n
        self.count, self.kind, self.m, self.octave = layout(fan, n, levels)

    def found(self, rows: IntArray) -> Found:
        """Extrapolate on some lines, and add nodes where that lowers the error."""
        if self.n > UNEVEN:
            return self._found(rows, even=True)
        coarse = self.search.coarse(rows)
        if every(coarse) or not some(coarse):
            return self._found(rows, even=some(coarse))
        found = Found.empty(self.fan.origin[rows])
        for even, chosen in ((False, ~coarse), (True, coarse)):
            place = np.flatnonzero(chosen)
            found.put(place, self._found(rows[place], even=even))
        return found

    def _found(self, rows: IntArray, *, even: bool) -> Found:
        fan, state, chosen = self.fan, self.search.state, rows
        step, place, wider = state.step[rows], np.arange(len(rows)), np.zeros(len(rows), dtype=bool)
        table = self._grid(0, even)
        values, found = self._first_values(table.nodes, rows), None
        self._look_for_grid(values, table.nodes, rows)
        extension = 0
        while True:
            best = self._best(table, values, step, rows)
            result = Found.of(best, step, fan.signs[0, rows], self.n)
            if self.n > 1:
                result.slope, result.slack = self._slope(table.nodes, values, step, rows)
            if found is None:
                found, better = result, ~wider
            else:
                better = found.enter(place, result, wider)
            if extension == EXTENSIONS:
                return found
            deeper, wider = self._extensions(table, best, step, rows)
            more = np.flatnonzero(better & (deeper | wider))
            if not len(more):
                return found
            extension += 1
            place, wider, table = place[more], wider[more], self._grid(extension, even)
            rows, step = chosen[place], np.where(wider, 2 * step[more], step[more])
            values = self._extended(values[:, :, more], table.nodes, step, rows, wider)

    def _grid(self, extension: int, even: bool) -> Grid:
        return grid(self.count + extension * self.octave, self.kind, self.m, self.octave, even=even)

    def _first_values(self, nodes: FloatArray, rows: IntArray) -> FloatArray:
        """Return f at all nodes; the search has been at some of them."""
        fan, s = self.fan, self.search.state
        trials, step = len(fan.trial), s.step[rows]
        fresh = fresh_nodes(len(nodes), trials, self.octave)
        seen = slice(0, (trials - 1) * self.octave + 1, self.octave)
        values = np.empty((len(nodes), len(fan.signs), *fan.origin[rows].shape), dtype=fan.origin.dtype)
        values[fresh] = fan.evaluate(nodes[fresh], step, rows)
        values[seen] = s.values[:, :, rows]
        unknown = np.flatnonzero(~s.known[rows])
        if len(unknown):
            values[seen][:, :, unknown] = fan.evaluate(nodes[seen], step[unknown], rows[unknown])
        return values

    def _best(self, table: Grid, values: FloatArray, step: FloatArray, rows: IntArray) -> Best:
        return best_entries(self.fan, table, values, step, rows, self.n, self.search.state.grain)

    def _slope(
        self, nodes: FloatArray, values: FloatArray, step: FloatArray, rows: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the slope of f by a straight line through the last two nodes, and how far it may be off.

        Of a series y = c₁ + a s + b s² the line through two nodes s, t is off by b s t at s = 0.
        """
        few = slice(-3, None)
        y, _ = self.fan.series(values[few], nodes[few], step, rows, odd=True)
        s = (nodes[few] if self.kind == "side" else nodes[few] ** 2)[:, None, None]
        before, last = (s[:-1] * y[1:] - s[1:] * y[:-1]) / (s[:-1] - s[1:]) / step[:, None]
        return last, SURELY * np.abs(last - before) * (s[2] / (s[0] - s[2]))

    def _look_for_grid(self, values: FloatArray, nodes: FloatArray, rows: IntArray) -> None:
        """Take note where the values prove to lie on a grid: half its spacing is the least noise of f."""
        fan, state = self.fan, self.search.state
        for cut in blocks(*values.shape[2:]):
            lines, v = rows[cut], values[:, :, cut]
            size = np.maximum(np.abs(v[0]).max(axis=0), fan.magnitude[lines])
            found = half_spacing(v, nodes, fan.origin[lines], fan.eps / 2 * size)
            if some(found > 0):
                state.grain, state.grid = state.grain.copy(), state.grid.copy()
                state.grain[lines] = np.maximum(found, state.grain[lines])
                state.grid[lines] = np.maximum(found, state.grid[lines])

    def _extensions(
        self, table: Grid, best: Best, step: FloatArray, rows: IntArray
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the lines on which smaller nodes, or else larger ones, promise a lower error."""
        fan, nodes = self.fan, table.nodes
        eps, usable = fan.eps, fan.usable[rows]
        error, size = best.truncation + best.noise, np.abs(best.value)
        unsettled = usable & (~np.isfinite(error) | (~best.settled & (error > DEEPER * eps * size)))
        deeper = over_outputs(np.logical_or, unsettled)
        if some(deeper):
            deeper = deeper & (nodes[-1] / 4 * step > 4 * eps * fan.size[rows])
        noisy = usable & (error > WIDER * size) & (best.noise > best.truncation) & (best.first == 0)
        if not some(noisy):
            return deeper, np.zeros(len(rows), dtype=bool)
        noisy &= best.sigma <= self.search.credible(best.rounding, rows)
        noisy &= error > WIDER * (2 / eps * best.rounding / LENGTH**self.n)
        wider = over_outputs(np.logical_or, noisy) & ~deeper & (2 * nodes[0] * step <= fan.room[rows])
        return deeper, wider

    def _extended(
        self,
        values: FloatArray,
        nodes: FloatArray,
        step: FloatArray,
        rows: IntArray,
        wider: NDArray[np.bool_],
    ) -> FloatArray:
        """Return the values with one octave more, before the first nodes or after the last ones."""
        k = self.octave
        more = np.empty((len(nodes), *values.shape[1:]), dtype=values.dtype)
        for chosen, new, old in (
            (wider, slice(None, k), slice(k, None)),
            (~wider, slice(-k, None), slice(None, -k)),
        ):
            lines = np.flatnonzero(chosen)
            if len(lines):
                more[old][:, :, lines] = values[:, :, lines]
                more[new][:, :, lines] = self.fan.evaluate(nodes[new], step[lines], rows[lines])
        return more


def best_entries(
    fan: Fan,
    table: Grid,
    values: FloatArray,
    step: FloatArray,
    rows: IntArray,
    n: int,
    grain: FloatArray,
) -> Best:
    """Return the best entry of the tableau of these values on some lines, with the step as unit of length.

    `grain` is the least noise of f on all lines.
    """
    parts = []
    for cut in blocks(*values.shape[2:]):
        lines, v = rows[cut], values[:, :, cut]
        wanted, companion = fan.series(v, table.nodes, step[cut], lines, n % 2 == 1)
        size = np.maximum(np.maximum.reduce(np.abs(v), axis=1), fan.magnitude[lines])
        parts.append(extrapolate(table, wanted, companion, fan.eps / 2 * size, grain[lines]))
    if len(parts) == 1:
        return parts[0]
    names = (field.name for field in fields(Best))
    return Best(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
