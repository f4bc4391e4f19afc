"""Lines through one point of a function of many variables."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._lines._base import Lines
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
        largest = self.magnitude[d.coordinates]
        if d.single:
            return largest / np.abs(d.components)
        return d.reduce(np.maximum, largest) / d.reduce(np.maximum, np.abs(d.components))

    @cached_property
    def _interval(self) -> tuple[FloatArray, FloatArray]:
        if self.bounds is None:
            return np.full(self.count, -np.inf), np.full(self.count, np.inf)
        d, v = self.directions, self.directions.components
        down, up = (side[d.coordinates] - self.x[d.coordinates] for side in self.bounds)
        with np.errstate(divide="ignore", invalid="ignore"):
            low = np.where(v > 0, down / v, np.where(v < 0, up / v, -np.inf))
            high = np.where(v > 0, up / v, np.where(v < 0, down / v, np.inf))
        return d.reduce(np.maximum, low), d.reduce(np.minimum, high)

    def _entries(self) -> int:
        return self.function.size

    def _at_origin(self) -> FloatArray:
        row = self.function.evaluate(self.x[None, :].copy())
        if row.dtype.kind == "c":
            row = np.ascontiguousarray(row).view(row.real.dtype)
        return np.broadcast_to(row, (self.count, row.shape[-1]))

    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]:
        if index is None:
            lines = np.arange(t.size) % self.count if self.count else np.arange(0)
        else:
            lines = np.tile(index, len(t))
        t = t.ravel()
        # Workers get everything at once; a loop or a batch gets blocks that stay in the cache.
        block = len(t) if self.function.mapper is not None else max(1, BLOCK // max(1, self.x.size))
        if block >= len(t) > 0:
            return self.function.evaluate(self._points(t, lines))
        rows = [
            self.function.evaluate(self._points(t[k : k + block], lines[k : k + block]))
            for k in range(0, len(t), block)
        ]
        return np.concatenate(rows) if rows else np.empty((0, self.outputs))

    def _points(self, t: NDArray[Any], lines: IntArray) -> NDArray[Any]:
        dtype = np.result_type(self.x.dtype, np.complex64) if t.dtype.kind == "c" else self.x.dtype
        # A batch is handed over with its axis last: laid out that way from the start, it needs no copy.
        points = (
            np.empty((self.x.size, len(t)), dtype).T
            if self.function.vectorized
            else np.empty((len(t), self.x.size), dtype)
        )
        points[...] = self.x
        position, owner = self.directions.entries(lines)
        coordinates = self.directions.coordinates[position]
        moves = t[owner] * self.directions.components[position]
        points[owner, coordinates] += moves.astype(dtype, copy=False)
        if self.bounds is not None and dtype.kind == "f":
            # Adding and rounding may step over a bound by one unit in the last place.
            np.clip(points, *self.bounds, out=points)
        return points

    def representable(self, t: Any, index: IntArray | None = None) -> FloatArray:
        """Return the distances nearest to t for which x + t v is an exact floating-point number."""
        t = np.asarray(t, dtype=self.magnitude.dtype)
        d = self.directions
        if not d.single:
            return t
        lines = slice(None) if index is None else index
        x, v = self.x[d.coordinates[lines]], d.components[lines]
        with np.errstate(over="ignore", invalid="ignore"):
            return ((x + (t * v).astype(x.dtype)) - x).astype(t.dtype) / v

    def spread(self, values: FloatArray) -> FloatArray:
        """Turn one length per coordinate into one distance per line, the shortest that a line allows."""
        d = self.directions
        with np.errstate(divide="ignore"):
            ratios = values[d.coordinates] / np.abs(d.components)
        return ratios if d.single else d.reduce(np.minimum, ratios)

    def probe(self, slopes: FloatArray) -> tuple[Lines, FloatArray]:
        """Return one line along a mixture of all directions, and the mixture of their slopes.

        The mixture has fixed weights between 1/2 and 3/2 with no pattern (multiples of the golden ratio),
        so that a wrong slope on any line shows, and the same call always makes the same test.
        """
        d = self.directions
        weights = 0.5 + (np.arange(1, d.count + 1) * 0.6180339887498949) % 1.0
        vector = np.zeros((1, d.dimension))
        np.add.at(vector[0], d.coordinates, np.repeat(weights, d.lengths) * d.components)
        probe = PointLines(self.function, self.x, Directions.dense(vector), self.bounds)
        return probe, (weights @ slopes)[None, :]
