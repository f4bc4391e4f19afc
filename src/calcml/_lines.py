"""Straight lines through points: what every black-box scheme sees.

A scheme asks for f at chosen distances t along P lines and gets a table of values.  Whether a loop,
a batch or a pool of workers answers, and whether the lines pass through one point of a function of
many variables or each through a point of its own, is settled here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._typing import FloatArray, IntArray
from calcml.errors import EvaluationError

__all__ = ["Directions", "ElementwiseLines", "Lines", "PointLines", "axes"]

# Temporaries beyond 128 KiB leave the fast path of the memory allocator; 16 k numbers fit in it.
BLOCK = 16384


@lru_cache(maxsize=16)
def _eps(kind: np.dtype[Any]) -> float:
    return float(np.finfo(kind).eps)


class Lines(ABC):
    """P straight lines t -> f(x_p + t v_p), with M real outputs each.

    Attributes
    ----------
    count : int
        The number of lines, P.
    lower, upper : ndarray, shape (P,)
        The interval of t that the bounds allow; it contains 0.
    size : ndarray, shape (P,)
        Magnitude of x along the line in units of t, a first guess at its scale; may be 0.
    magnitude : ndarray
        Magnitude of each coordinate of x, in float64 at least.
    """

    def __init__(
        self, function: Function, x: FloatArray, count: int, bounds: tuple[FloatArray, FloatArray] | None
    ) -> None:
        self.function, self.x, self.count, self.bounds = function, x, count, bounds
        self.point_dtype = x.dtype
        self._origin: FloatArray | None = None

    @property
    def bounded(self) -> bool:
        """Whether there are bounds at all."""
        return self.bounds is not None

    @property
    def lower(self) -> FloatArray:
        """Least t that the bounds allow."""
        return self._interval[0]

    @property
    def upper(self) -> FloatArray:
        """Largest t that the bounds allow."""
        return self._interval[1]

    @cached_property
    def magnitude(self) -> FloatArray:
        """Magnitude of each coordinate of x, in float64 at least."""
        return np.abs(self.x).astype(np.result_type(self.x.dtype, np.float64), copy=False)

    @cached_property
    @abstractmethod
    def size(self) -> FloatArray:
        """Magnitude of x along each line."""

    @cached_property
    @abstractmethod
    def _interval(self) -> tuple[FloatArray, FloatArray]: ...

    @property
    def outputs(self) -> int:
        """Number of real outputs per line, M; a complex value counts twice."""
        kind = self.function.dtype
        per_value = 2 if kind is not None and kind.kind == "c" else 1
        return self._entries() * per_value

    @property
    def eps(self) -> float:
        """Spacing of numbers near 1 in the coarser of the dtypes of x and f(x)."""
        kind = self.function.dtype
        eps = _eps(self.point_dtype)
        return max(eps, _eps(kind)) if kind is not None and kind.kind in "fc" else eps

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float64, or longdouble where x or f(x) is: the dtype of values and of the arithmetic on them."""
        wide = np.dtype(np.longdouble)
        f_dtype = self.function.dtype
        return wide if self.point_dtype == wide or f_dtype in (wide, np.clongdouble) else np.dtype(float)

    def origin(self) -> FloatArray:
        """Return f at t = 0, shape (P, M); evaluated once."""
        if self._origin is None:
            self._origin = self._at_origin()
        return self._origin

    def evaluate(self, t: Any, index: IntArray | None = None) -> FloatArray:
        """Return f at distances t.

        Parameters
        ----------
        t : array_like, shape (..., P)
            Distances, one per line; leading axes ask for several values on each line at once.
        index : ndarray of int, optional
            The lines that are wanted; then the last axis of t matches it.

        Returns
        -------
        ndarray, shape (..., P, M)
        """
        t = np.asarray(t)
        values = self._values(t.reshape(math.prod(t.shape[:-1]), t.shape[-1]), index)
        if values.dtype.kind == "c" and t.dtype.kind != "c":
            values = np.ascontiguousarray(values).view(values.real.dtype)
        return values.reshape(*t.shape, values.shape[-1])

    @abstractmethod
    def _entries(self) -> int: ...

    @abstractmethod
    def _at_origin(self) -> FloatArray: ...

    @abstractmethod
    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]: ...

    @abstractmethod
    def representable(self, t: Any, index: IntArray | None = None) -> FloatArray:
        """Return the distances nearest to t for which x + t v is an exact floating-point number."""

    @abstractmethod
    def spread(self, values: FloatArray) -> FloatArray:
        """Turn one length per coordinate into one distance per line, the shortest that a line allows."""

    @abstractmethod
    def probe(self, slopes: FloatArray) -> tuple[Lines, FloatArray]:
        """Return lines that test first derivatives at little cost, and the slopes expected on them.

        `slopes` are the first derivatives on these lines, shape (P, M).
        """


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
        self.single = bool((self.lengths == 1).all())

    @classmethod
    def dense(cls, vectors: FloatArray) -> Directions:
        """Make directions from the rows of a (P, n) array."""
        p, n = vectors.shape
        return cls(np.arange(p + 1) * n, np.tile(np.arange(n), p), vectors.ravel(), n)

    @classmethod
    def pairs(cls, first: IntArray, second: IntArray, scale: FloatArray, sign: float = 1.0) -> Directions:
        """Make the directions ``scale_i e_i + sign scale_j e_j`` for pairs of different coordinates."""
        coordinates = np.column_stack([first, second]).ravel()
        components = scale[coordinates]
        components[1::2] *= sign
        return cls(2 * np.arange(len(first) + 1), coordinates, components, len(scale))

    def entries(self, lines: IntArray) -> tuple[IntArray, IntArray]:
        """Return, for the given lines, the position in the list of each entry and its place among `lines`."""
        if self.single:
            return lines, np.arange(len(lines))
        lengths = self.lengths[lines]
        owner = np.repeat(np.arange(len(lines)), lengths)
        ends = np.cumsum(lengths)
        return np.arange(len(owner)) + np.repeat(self.starts[lines] - (ends - lengths), lengths), owner

    def reduce(self, ufunc: np.ufunc, values: FloatArray) -> FloatArray:
        """Reduce one value per entry to one per line."""
        return ufunc.reduceat(values, self.starts[:-1]) if self.count else values[:0]


@lru_cache(maxsize=8)
def axes(n: int) -> Directions:
    """Return the n coordinate axes."""
    return Directions(np.arange(n + 1), np.arange(n), np.ones(n), n)


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


class ElementwiseLines(Lines):
    """One line through each of P points of an elementwise function of one variable."""

    def __init__(
        self, function: Function, x: FloatArray, bounds: tuple[FloatArray, FloatArray] | None = None
    ) -> None:
        super().__init__(function, x.ravel(), x.size, bounds)
        self.shape = x.shape

    @cached_property
    def size(self) -> FloatArray:
        """Magnitude of x."""
        return self.magnitude

    @cached_property
    def _interval(self) -> tuple[FloatArray, FloatArray]:
        if self.bounds is None:
            return np.full(self.count, -np.inf), np.full(self.count, np.inf)
        return self.bounds[0] - self.x, self.bounds[1] - self.x

    def _entries(self) -> int:
        return 1

    def _at_origin(self) -> FloatArray:
        return self.evaluate(np.zeros(self.count))

    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]:
        # f may close over arrays of x's shape, so it always gets all of x: lines that are
        # not wanted stay at 0.
        if index is not None:
            full = np.zeros((len(t), self.count), dtype=t.dtype)
            full[:, index] = t
            t = full
        values = self.function.evaluate_arrays([self._points(row) for row in t])
        if self.function.shape != self.shape:
            self._wrong_shape()
        values = values.reshape(len(t), self.count)
        return (values if index is None else values[:, index])[..., None]

    def _points(self, t: NDArray[Any]) -> Any:
        dtype = np.result_type(self.x.dtype, np.complex64) if t.dtype.kind == "c" else self.x.dtype
        points = self.x + t.astype(dtype, copy=False)
        if self.bounds is not None and dtype.kind == "f":
            np.clip(points, *self.bounds, out=points)
        return points.reshape(self.shape)[()]

    def _wrong_shape(self) -> None:
        raise EvaluationError(
            f"`derivative` needs an elementwise f: for x of shape {self.shape} it returned shape "
            f"{self.function.shape}; for a function of a vector use `gradient` or `jacobian`"
        )

    def representable(self, t: Any, index: IntArray | None = None) -> FloatArray:
        """Return the distances nearest to t for which x + t is an exact floating-point number."""
        t = np.asarray(t, dtype=self.magnitude.dtype)
        x = self.x if index is None else self.x[index]
        with np.errstate(over="ignore", invalid="ignore"):
            return ((x + t.astype(x.dtype)) - x).astype(t.dtype)

    def spread(self, values: FloatArray) -> FloatArray:
        """Return `values`: each line has one coordinate, its own."""
        return values

    def probe(self, slopes: FloatArray) -> tuple[Lines, FloatArray]:
        """Return the lines themselves: one call serves them all, so each can be tested."""
        return self, slopes
