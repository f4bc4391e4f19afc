"""Directions of lines, as rows of a sparse matrix."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np

from calcml._typing import FloatArray, IntArray

__all__ = ["Directions", "axes", "pair_places"]


class Directions:
    """P directions in n dimensions, each a short list of coordinates and components.

    Coordinate axes, pairs of axes, the seeds of a coloring and one dense vector are all the same
    thing here: rows of a sparse matrix in compressed form.
    """

    def __init__(
        self, starts: IntArray, coordinates: IntArray, components: FloatArray, dimension: int
    ) -> None:
        self.starts, self.coordinates, self.components = starts, coordinates, components
        self.count, self.dimension = len(starts) - 1, dimension
        self.lengths = np.diff(starts)
        lengths = self.lengths
        # The length of all of them, if they share one.
        self.width = int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else 0
        self.single = self.width == 1 or not len(lengths)
        # Whether the lines are the coordinate axes themselves, in order.
        self.identity = False
        # The rows in full, where they have no zeros to speak of.
        self.vectors: FloatArray | None = None

    @classmethod
    def dense(cls, vectors: FloatArray) -> Directions:
        """Make directions from the rows of a (P, n) array."""
        p, n = vectors.shape
        directions = cls(np.arange(p + 1) * n, np.tile(np.arange(n), p), vectors.ravel(), n)
        directions.vectors = vectors
        return directions

    @classmethod
    def pairs(
        cls, first: IntArray, second: IntArray, scale: FloatArray, sign: FloatArray | float
    ) -> Directions:
        """Make the directions ``scale_i e_i + sign scale_j e_j`` for pairs of different coordinates."""
        coordinates = np.column_stack([first, second]).ravel()
        components = scale[coordinates]
        components[1::2] *= sign
        return cls(2 * np.arange(len(first) + 1), coordinates, components, len(scale))

    @cached_property
    def owner(self) -> IntArray:
        """The line of each entry of the list."""
        return np.arange(self.count).repeat(self.width or self.lengths)

    def entries(self, lines: IntArray) -> tuple[IntArray, IntArray]:
        """Return, for the given lines, the position in the list of each entry and its place among `lines`."""
        if self.single:
            return lines, np.arange(len(lines))
        if self.width:
            position = (lines[:, None] * self.width + np.arange(self.width)).ravel()
            return position, np.arange(len(lines)).repeat(self.width)
        lengths = self.lengths[lines]
        owner = np.arange(len(lines)).repeat(lengths)
        ends = np.cumsum(lengths)
        return np.arange(len(owner)) + (self.starts[lines] - (ends - lengths)).repeat(lengths), owner

    def gather(self, values: FloatArray) -> FloatArray:
        """Turn one value per coordinate into one per entry of the list."""
        alone = self.identity or (self.vectors is not None and self.count == 1)
        return values if alone else values[self.coordinates]

    def reduce(self, ufunc: np.ufunc, values: FloatArray) -> FloatArray:
        """Reduce one value per entry to one per line."""
        if self.width == 2:
            # A reduction of many short rows takes ten times as long.
            return ufunc(values[::2], values[1::2])
        if self.width:
            return ufunc.reduce(values.reshape(self.count, self.width), axis=1)
        return ufunc.reduceat(values, self.starts[:-1]) if self.count else values[:0]


@lru_cache(maxsize=8)
def axes(n: int) -> Directions:
    """Return the n coordinate axes."""
    directions = Directions(np.arange(n + 1), np.arange(n), np.ones(n), n)
    directions.identity = True
    return directions


@lru_cache(maxsize=8)
def pair_places(n: int) -> tuple[IntArray, ...]:
    """Return all pairs i < j, and the place of each entry of a symmetric matrix in a list.

    That list is the diagonal, then one entry for each pair.  The arrays are shared and not to be changed.
    """
    first, second = np.triu_indices(n, 1)
    place = np.diag(np.arange(n))
    place[first, second] = place[second, first] = n + np.arange(len(first))
    return first, second, place
