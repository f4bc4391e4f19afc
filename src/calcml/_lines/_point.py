"""Lines through one point of a function of many variables."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._lines._base import Lines, exact, two_real
from calcml._lines._directions import Directions
from calcml._typing import FloatArray, IntArray

__all__ = ["BLOCK", "PointLines", "mixtures"]

# Numbers in the points of one block: laying them out costs less the more they are, and half a megabyte stays
# in the cache of a core.
BLOCK = 65536
# Freed at once.  An allocator such as that of glibc gives a large block back to the system when it is freed,
# and gets it again page by page, which takes longer than the arithmetic on it.  It expects more of a size as
# soon as one has come back, and keeps up to twice as much from then on: here 32 blocks, what a formula and f
# hold at a time.
np.empty(32 * 8 * BLOCK, np.uint8)


class PointLines(Lines):
    """Lines through one point of a function of many variables."""

    # The value at x, where it was found out together with others.
    _row: NDArray[Any] | None = None

    def __init__(
        self,
        function: Function,
        x: FloatArray,
        directions: Directions,
        bounds: tuple[FloatArray, FloatArray] | None = None,
        origin: FloatArray | None = None,
    ) -> None:
        super().__init__(function, x, directions.count, bounds)
        self.directions = directions
        if origin is not None:
            self._origin = np.broadcast_to(origin, (self.count, origin.shape[-1]))

    @property
    def size(self) -> FloatArray:
        """Magnitude of x along each line: the largest coordinate over the largest component."""
        return self.magnitude if self.directions.identity else self._size

    @cached_property
    def _size(self) -> FloatArray:
        d = self.directions
        largest = d.gather(self.magnitude)
        if d.single:
            return largest / np.abs(d.components)
        return d.reduce(np.maximum, largest) / d.reduce(np.maximum, np.abs(d.components))

    @cached_property
    def _interval(self) -> tuple[FloatArray, FloatArray]:
        if self.bounds is None:
            return np.full(self.count, -np.inf), np.full(self.count, np.inf)
        d, v = self.directions, self.directions.components
        down, up = (d.gather(side) - d.gather(self.x) for side in self.bounds)
        with np.errstate(divide="ignore", invalid="ignore"):
            low = np.where(v > 0, down / v, np.where(v < 0, up / v, -np.inf))
            high = np.where(v > 0, up / v, np.where(v < 0, down / v, np.inf))
        return d.reduce(np.maximum, low), d.reduce(np.minimum, high)

    @property
    def axial(self) -> bool:
        """Whether each line moves a single coordinate, by 1 per unit of t."""
        return self.directions.identity

    @property
    def x_shape(self) -> tuple[int, ...]:
        """Shape of x as the user passed it, where it is one array."""
        structure = self.function.call.structure
        return (self.x.size,) if structure is None else structure.shape

    def _entries(self) -> int:
        return self.function.size

    def _at_origin(self) -> FloatArray:
        row = self._row
        return self._shared(self.function.evaluate(self.x[None, :].copy()) if row is None else row)

    def _shared(self, row: NDArray[Any]) -> FloatArray:
        """Return the value at x for every line: one row in memory, which cannot be changed."""
        row = two_real(row) if row.dtype.kind == "c" else np.ascontiguousarray(row)
        # What `broadcast_to` makes, at a fifth of its cost.
        shared = np.ndarray((self.count, row.shape[-1]), row.dtype, row, 0, (0, row.itemsize))
        shared.flags.writeable = False
        return shared

    def evaluate_around(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return f at real distances t, shape (K, P), on all lines, and at t = 0, once for all of them."""
        n, count = self.x.size, t.size
        known = self._origin is not None or self._row is not None
        if known or self.directions.vectors is not None or (count + 1) * n > BLOCK or not count:
            return super().evaluate_around(t)
        values = self.function.evaluate_silently(self._swept(t, 1))
        if values.dtype.kind == "c":
            values = two_real(values)
        self._row = values[count:]
        return values[:count].reshape(*t.shape, values.shape[1]), self._row

    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]:
        if not t.size:
            return np.empty((0, self.outputs))
        function, n = self.function, max(1, self.x.size)
        # Workers get everything at once; a loop or a batch gets blocks that stay in the cache.
        most = t.size if function.mapper is not None else max(1, BLOCK // n)
        if index is None and self.directions.vectors is None and self.count <= most:
            if t.size <= most:
                return function.evaluate_silently(self._swept(t))
            rows = most // self.count
            points = (self._swept(t[k : k + rows]) for k in range(0, len(t), rows))
        else:
            lines = np.arange(self.count) if index is None else index
            lines = lines.reshape(1, -1).repeat(len(t), axis=0).ravel()
            block, t = _even(t.size, most), t.ravel()
            cuts = [slice(k, k + block) for k in range(0, len(t), block)]
            points = (self._points(t[cut], lines[cut]) for cut in cuts)
        return np.concatenate([function.evaluate(block) for block in points])

    def _points(self, t: NDArray[Any], lines: IntArray) -> NDArray[Any]:
        """Return the points x + t v, one in a row."""
        d = self.directions
        if d.vectors is not None:
            vectors = d.vectors if len(d.vectors) == 1 else d.vectors[lines]
            return self._within(
                self._laid_out(self.x + (t[:, None] * vectors).astype(self._dtype(t), copy=False))
            )
        position, owner = d.entries(lines)
        coordinates = position if d.identity else d.coordinates[position]
        if not d.identity:
            t = t[owner] * d.components[position]
        places = _places(coordinates, owner, len(lines), d.dimension, self.function.vectorized)
        return self._moved(t, coordinates, places, len(lines))

    def _swept(self, t: NDArray[Any], at_rest: int = 0) -> NDArray[Any]:
        """Return x, one in a row, moved along all lines in turn for each row of t; then x itself."""
        x, d, batch = self.x, self.directions, self.function.vectorized
        n, count = x.size, t.size + at_rest
        start, moves = (x, t) if d.identity else (x[d.coordinates], t.take(d.owner, axis=1) * d.components)
        if moves.dtype != x.dtype:
            moves = moves.astype(self._dtype(t))
        # A batch is laid out with its axis last, in which form f gets it.
        table = np.empty((n, count) if batch else (count, n), moves.dtype)
        table[...] = x[:, None] if batch else x
        # Rows of equal shape are summed at half the cost of a row and a table.
        moved = start[None] + moves if len(t) == 1 else start + moves
        table.put(self._sweep_places(len(t), count), moved)
        points = table.T if batch else table
        return points if self.bounds is None else self._within(points)

    def _sweep_places(self, rounds: int, count: int) -> IntArray:
        """Return the places of moves along all lines in turn, in a table of `count` points."""
        d, batch = self.directions, self.function.vectorized
        if d.identity:
            return _diagonals(rounds, d.dimension, count, batch)
        owner = d.owner + np.arange(rounds)[:, None] * self.count
        return _places(d.coordinates, owner, count, d.dimension, batch)

    def _moved(
        self, moves: NDArray[Any], coordinates: IntArray, places: IntArray, count: int
    ) -> NDArray[Any]:
        """Return x `count` times, one in a row, with some coordinates moved at these places in the table."""
        x, batch = self.x, self.function.vectorized
        moves = moves.astype(self._dtype(moves), copy=False)
        table = np.empty((x.size, count) if batch else (count, x.size), moves.dtype)
        table[...] = x[:, None] if batch else x
        table.put(places, x[coordinates] + moves)
        return self._within(table.T if batch else table)

    def _dtype(self, t: NDArray[Any]) -> np.dtype[Any]:
        return self.x.dtype if t.dtype.kind == "f" else np.result_type(self.x.dtype, np.complex128)

    def _laid_out(self, points: NDArray[Any]) -> NDArray[Any]:
        # A batch is handed over with its axis last, in one piece.
        return np.ascontiguousarray(points.T).T if self.function.vectorized else points

    def _within(self, points: NDArray[Any]) -> NDArray[Any]:
        if self.bounds is not None and points.dtype.kind == "f":
            # Adding and rounding may step over a bound by one unit in the last place.
            np.clip(points, *self.bounds, out=points)
        return points

    def representable(self, t: Any, index: IntArray | None = None) -> FloatArray:
        """Return the distances nearest to t for which x + t v is an exact floating-point number."""
        t = np.asarray(t, dtype=self.magnitude.dtype)
        d = self.directions
        if not d.single:
            return t
        if d.identity:
            return exact(self.x if index is None else self.x[index], t)
        lines = slice(None) if index is None else index
        x, v = self.x[d.coordinates[lines]], d.components[lines]
        return exact(x, t * v) / v

    def spread(self, values: FloatArray) -> FloatArray:
        """Turn one length per coordinate into one distance per line, the shortest that a line allows."""
        d = self.directions
        if d.identity:
            return values
        with np.errstate(divide="ignore"):
            ratios = d.gather(values) / np.abs(d.components)
        return ratios if d.single else d.reduce(np.minimum, ratios)

    @cached_property
    def reach(self) -> FloatArray:
        """How far the coordinates move per unit of t, at most, on each line."""
        return self.directions.reduce(np.maximum, np.abs(self.directions.components))

    def probes(self, slopes: FloatArray) -> list[tuple[Lines, FloatArray]]:
        """Return a line along a mixture of all directions on which f moves, and one of all others."""
        steepness = np.max(np.abs(slopes), axis=1, initial=0.0)
        return [(self._along(w), (w @ slopes)[None, :]) for w in mixtures(steepness)]

    def _along(self, weights: FloatArray) -> PointLines:
        d = self.directions
        vector = np.zeros((1, d.dimension))
        np.add.at(vector[0], d.coordinates, np.repeat(weights, d.lengths) * d.components)
        return PointLines(self.function, self.x, Directions.dense(vector), self.bounds)


def mixtures(steepness: FloatArray) -> list[FloatArray]:
    """Return weights of a mixture of all directions on which f moves, and of one of all others.

    They are between 1/2 and 3/2 with no pattern (multiples of the golden ratio), so that the same call always
    makes the same test, and in units of the slopes, so that none hides behind a steeper one.
    """
    weights = 0.5 + (np.arange(1, len(steepness) + 1) * 0.6180339887498949) % 1.0
    with np.errstate(divide="ignore", over="ignore"):
        scaled = weights / steepness
    both, largest = [scaled], scaled.max(initial=0.0)
    if not largest < np.inf:
        # Steepness may be 0, too small for its inverse, or unknown.
        usable = np.isfinite(scaled)
        largest = scaled.max(where=usable, initial=0.0)
        both = [np.where(usable, scaled, 0.0), weights * (steepness == 0)]
    both[0] = both[0] / (largest or 1.0)
    return [w for w in both if w.any()]


def _places(coordinates: IntArray, owner: IntArray, count: int, n: int, batch: bool) -> IntArray:
    """Return the places of some entries in a flat table of points, one point in a row or in a column."""
    return coordinates * count + owner if batch else owner * n + coordinates


@lru_cache(maxsize=32)
def _diagonals(rounds: int, n: int, count: int, batch: bool) -> IntArray:
    """Return the places of moves along each axis in turn, in a table of `count` points; not to be changed."""
    owner = np.arange(rounds * n)
    return _places(owner % n, owner, count, n, batch)


def _even(count: int, most: int) -> int:
    """Return the length of blocks of at most `most`, as equal as they can be."""
    return -(-count // max(1, -(-count // most)))
