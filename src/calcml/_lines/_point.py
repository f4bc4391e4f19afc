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
        dtype = np.result_type(self.x.dtype, np.complex128) if t.dtype.kind == "c" else self.x.dtype
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
