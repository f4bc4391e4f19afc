"""Lines through one point of a function of many variables."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._lines._base import Lines, exact
from calcml._lines._directions import Directions
from calcml._typing import FloatArray, IntArray

__all__ = ["PointLines"]

# Temporaries beyond 128 KiB leave the fast path of the memory allocator; 16 k numbers fit in it.
BLOCK = 16384


class PointLines(Lines):
    """Lines through one point of a function of many variables."""

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

    @cached_property
    def size(self) -> FloatArray:
        """Magnitude of x along each line: the largest coordinate over the largest component."""
        d = self.directions
        if d.identity:
            return self.magnitude
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
    def x_shape(self) -> tuple[int, ...]:
        """Shape of x as the user passed it, where it is one array."""
        structure = self.function.call.structure
        return (self.x.size,) if structure is None else structure.shape

    def _entries(self) -> int:
        return self.function.size

    def _at_origin(self) -> FloatArray:
        row = self.function.evaluate(self.x[None, :].copy())
        if row.dtype.kind == "c":
            row = np.ascontiguousarray(row).view(row.real.dtype)
        return np.broadcast_to(row, (self.count, row.shape[-1]))

    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]:
        if not t.size:
            return np.empty((0, self.outputs))
        function, n = self.function, max(1, self.x.size)
        # Workers get everything at once; a loop or a batch gets blocks that stay in the cache.
        most = t.size if function.mapper is not None else max(1, BLOCK // n)
        if index is None and self.directions.identity and n <= most:
            rows, batch = most // n, function.vectorized
            if rows >= len(t):
                return function.evaluate(self._moved(t.ravel(), *_everything(t.size, n, batch)))
            parts = [t[k : k + rows].ravel() for k in range(0, len(t), rows)]
            points = (self._moved(part, *_everything(len(part), n, batch)) for part in parts)
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

    def _moved(
        self, moves: NDArray[Any], coordinates: IntArray, places: IntArray, count: int
    ) -> NDArray[Any]:
        """Return x `count` times, one in a row, with some coordinates moved at these places in the table."""
        x, dtype = self.x, self._dtype(moves)
        if self.function.vectorized:
            table = np.empty((x.size, count), dtype)
            table[...] = x[:, None]
            points = table.T
        else:
            table = points = np.empty((count, x.size), dtype)
            table[...] = x
        table.put(places, x[coordinates] + moves.astype(dtype, copy=False))
        return self._within(points)

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
        """Return a line along a mixture of all directions on which f moves, and one of all others.

        The weights are between 1/2 and 3/2 with no pattern (multiples of the golden ratio), so that the same
        call always makes the same test, and in units of the slopes, so that none hides behind a steeper one.
        """
        steepness = np.max(np.abs(slopes), axis=1, initial=0.0)
        weights = 0.5 + (np.arange(1, self.count + 1) * 0.6180339887498949) % 1.0
        moving = np.isfinite(steepness) & (steepness > 0)
        with np.errstate(divide="ignore", over="ignore"):
            scaled = np.where(moving, weights / steepness, 0.0)
        largest = np.max(scaled[np.isfinite(scaled)], initial=0.0)
        mixtures = [
            np.where(moving & np.isfinite(scaled), scaled / (largest or 1.0), 0.0),
            weights * (steepness == 0),
        ]
        return [(self._along(w), (w @ slopes)[None, :]) for w in mixtures if w.any()]

    def _along(self, weights: FloatArray) -> PointLines:
        d = self.directions
        vector = np.zeros((1, d.dimension))
        np.add.at(vector[0], d.coordinates, np.repeat(weights, d.lengths) * d.components)
        return PointLines(self.function, self.x, Directions.dense(vector), self.bounds)


def _places(coordinates: IntArray, owner: IntArray, count: int, n: int, batch: bool) -> IntArray:
    """Return the places of some entries in a flat table of points, one point in a row or in a column."""
    return coordinates * count + owner if batch else owner * n + coordinates


@lru_cache(maxsize=32)
def _everything(count: int, n: int, batch: bool) -> tuple[IntArray, IntArray, int]:
    """Return coordinates, places and number of moves along each axis in turn; not to be changed."""
    owner = np.arange(count)
    coordinates = owner % n
    return coordinates, _places(coordinates, owner, count, n, batch), count


def _even(count: int, most: int) -> int:
    """Return the length of blocks of at most `most`, as equal as they can be."""
    return -(-count // max(1, -(-count // most)))
