"""Lines along which many coordinates move together, each in steps of its own size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._lines._base import Lines, two_real
from calcml._lines._point import BLOCK, PointLines
from calcml._typing import FloatArray, IntArray

__all__ = ["SeedLines", "Seeds", "power_below"]

# The bits of the exponent of a float64, and the least number that has all of its bits.
EXPONENT, NORMAL = np.int64(0x7FF0000000000000), float(np.finfo(np.float64).tiny)

# Coordinates of one line: every k-th, or a list.
Group: TypeAlias = slice | IntArray


@dataclass(frozen=True, eq=False)
class Seeds:
    """Disjoint groups of the coordinates, one group for each line."""

    groups: tuple[Group, ...]

    @classmethod
    def of(cls, colors: IntArray, count: int) -> Seeds:
        """Make one group of the coordinates of each color below `count`."""
        n = len(colors)
        if count and np.array_equal(colors, np.arange(n) % count):
            # Coordinates in step are reached without a list, at twice the speed.
            return cls(tuple(slice(c, None, count) for c in range(count)))
        order = np.argsort(colors, kind="stable")
        cuts = np.searchsorted(colors[order], np.arange(count + 1))
        return cls(tuple(order[a:b] for a, b in pairwise(cuts)))

    def without(self, fixed: NDArray[np.bool_]) -> Seeds:
        """Return the groups without some coordinates."""
        every = np.arange(len(fixed))
        return Seeds(tuple(every[group][~fixed[group]] for group in self.groups))


@dataclass(frozen=True, eq=False)
class _Part:
    """The coordinates of one line: which, where they are, and how far they move per unit of t."""

    group: Group
    x: FloatArray
    lengths: FloatArray | float


class SeedLines(PointLines):
    """Lines through one point along which the coordinates of a group move together.

    Each coordinate moves by t times its own length.  Lengths are powers of two near the size of the
    coordinate, and t is rounded to few bits: x + t v is then exact in all coordinates at once, but for those
    that cross a power of two, and what a scheme finds along the line is, divided by the length, the
    derivative in the units of the coordinate.

    Parameters
    ----------
    function : Function
        The function.
    x : ndarray, shape (n,)
        The point.
    seeds : Seeds
        The groups, one per line.
    lengths : ndarray, shape (n,), or float
        How far each coordinate moves per unit of t; a negative length moves it the other way.
    bounds : tuple of ndarray, optional
        Where f may be evaluated.
    mixture : ndarray, shape (n,), optional
        Lengths along one line more, on which all coordinates move; from half of `lengths` to all of it.
    given : bool, optional
        Whether the lengths are the user's own steps, each exact in itself, which makes t 1.
    """

    def __init__(
        self,
        function: Function,
        x: FloatArray,
        seeds: Seeds,
        lengths: FloatArray | float,
        bounds: tuple[FloatArray, FloatArray] | None = None,
        mixture: FloatArray | None = None,
        *,
        given: bool = False,
    ) -> None:
        groups = seeds.groups
        if isinstance(lengths, np.ndarray):
            parts = [_Part(group, x[group], lengths[group]) for group in groups]
        else:
            parts = [_Part(group, x[group], lengths) for group in groups]
        if mixture is not None:
            moving: Group = slice(None) if mixture.all() else np.flatnonzero(mixture)
            parts.append(_Part(moving, x[moving], mixture[moving]))
        # Groups of coordinates take the place of the directions of the parent.
        Lines.__init__(self, function, x, len(parts), bounds)
        self.parts, self.given = parts, given
        # The coordinates of the mixture are those of the other lines, if there are any.
        self.mixed = mixture is not None and bool(groups)

    @property
    def axial(self) -> bool:
        """Whether each line moves a single coordinate, by 1 per unit of t: it does not."""
        return False

    @cached_property
    def size(self) -> FloatArray:
        """Magnitude of x along each line: the largest coordinate in units of its own length."""
        sizes = [
            np.max(size, initial=0.0) / abs(p.lengths)
            if isinstance(p.lengths, float)
            else np.max(size / np.abs(p.lengths), initial=0.0)
            for p, size in zip(self._own, self._sizes, strict=True)
        ]
        # Along the mixture no coordinate moves less than half of its length.
        sizes += [2 * max(sizes)] * self.mixed
        return np.array(sizes, dtype=self.magnitude.dtype)

    @cached_property
    def _sizes(self) -> list[FloatArray]:
        """Magnitudes of the coordinates of each line but the mixture."""
        return [self.magnitude[p.group].copy() for p in self._own]

    @property
    def _own(self) -> list[_Part]:
        return self.parts[: self.count - self.mixed]

    @cached_property
    def _interval(self) -> tuple[FloatArray, FloatArray]:
        if self.bounds is None:
            return np.full(self.count, -np.inf), np.full(self.count, np.inf)
        low, high = np.zeros((2, self.count))
        for k, p in enumerate(self.parts):
            ends = [(side[p.group] - p.x) / p.lengths for side in self.bounds]
            low[k] = np.max(np.minimum(*ends), initial=-np.inf)
            high[k] = np.min(np.maximum(*ends), initial=np.inf)
            if not len(p.x):
                low[k] = high[k] = 0.0
        return low, high

    def evaluate_around(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return f at real distances t, shape (K, P), on all lines, and at t = 0."""
        return Lines.evaluate_around(self, t)

    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]:
        function = self.function
        lines, t = np.tile(np.arange(self.count) if index is None else index, len(t)), t.ravel()
        if not function.vectorized:
            return function.evaluate(_Walk(self, t, lines))
        if not t.size:
            return np.empty((0, self.outputs))
        block = max(1, BLOCK // max(1, self.x.size))
        cuts = [slice(k, k + block) for k in range(0, len(t), block)]
        walks = (_Walk(self, t[cut], lines[cut]) for cut in cuts)
        return np.concatenate([function.evaluate(walk.batch()) for walk in walks])

    def stream(self, t: FloatArray, line: int) -> Iterator[FloatArray] | None:
        """Return f at real distances t on a line, one value after the other, if a loop evaluates it."""
        function = self.function
        if function.vectorized or function.mapper is not None:
            return None
        rows = function.stream(_Walk(self, t, np.full(len(t), line)))
        return (two_real(row) if row.dtype.kind == "c" else row for row in rows)

    @cached_property
    def _grain(self) -> FloatArray:
        """Multiples of this distance keep x + t v exact, up to the next power of two."""
        coarse = 4 * np.finfo(self.x.dtype).eps * power_below(self.size)
        return np.where(self.size > 0, coarse, 0.0)

    def representable(self, t: Any, index: IntArray | None = None) -> FloatArray:
        """Return the distances nearest to t for which x + t v is exact in all coordinates."""
        t = np.asarray(t, dtype=self.magnitude.dtype)
        if self.given:
            return t
        grain = self._grain if index is None else self._grain[index]
        # Where x is 0 any distance is exact.
        rounded = np.rint(t / np.where(grain > 0, grain, 1.0)) * grain
        return np.where(grain > 0, rounded, t)

    def spread(self, values: FloatArray) -> FloatArray:
        """Turn one length per coordinate into one distance per line, the shortest that a line allows."""
        if self.given:
            return np.ones(self.count, dtype=values.dtype)
        ratios = [
            np.min(values[p.group], initial=np.inf) / abs(p.lengths)
            if isinstance(p.lengths, float)
            else np.min(values[p.group] / np.abs(p.lengths), initial=np.inf)
            for p in self._own
        ]
        # Along the mixture no coordinate moves more than its length.
        ratios += [min(ratios)] * self.mixed
        return np.array(ratios, dtype=values.dtype)

    def shortest(self, length: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return that distance on each line: where all coordinates move alike, for the least of them."""
        if self.given or not all(isinstance(p.lengths, float) for p in self._own):
            return super().shortest(length)
        least = np.array([np.min(size, initial=np.inf) for size in self._sizes], self.magnitude.dtype)
        steps = length(least) / np.array([abs(p.lengths) for p in self._own])
        return np.append(steps, [steps.min()] * self.mixed)

    @cached_property
    def reach(self) -> FloatArray:
        """How far the coordinates move per unit of t, at most, on each line."""
        return np.array([np.max(np.abs(p.lengths), initial=0.0) for p in self.parts])

    def _along(self, weights: FloatArray) -> PointLines:
        vector = np.zeros(self.x.size)
        for part, weight in zip(self.parts, weights, strict=True):
            vector[part.group] += weight * part.lengths
        return SeedLines(self.function, self.x, Seeds(()), 1.0, self.bounds, vector)


class _Walk:
    """The points x + t v on some lines, made one after the other: all of them would fill the memory."""

    def __init__(self, lines: SeedLines, t: NDArray[Any], index: IntArray) -> None:
        self.lines, self.t, self.index = lines, t, index
        x = lines.x.dtype
        self.dtype = np.result_type(x, np.complex128) if t.dtype.kind == "c" else x

    def __len__(self) -> int:
        return len(self.t)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        x, bounds = self.lines.x, self.lines.bounds
        for distance, line in zip(self.t, self.index, strict=True):
            part = self.lines.parts[line]
            moves = distance * part.lengths
            if isinstance(part.group, slice):
                # Coordinates in step need no table of their own.
                point = np.empty(x.shape, self.dtype) if len(part.x) == len(x) else x.astype(self.dtype)
                np.add(part.x, moves, point[part.group])
            else:
                point = x.astype(self.dtype)
                point[part.group] = part.x + moves
            if bounds is not None and self.dtype.kind == "f":
                # Adding and rounding may step over a bound by one unit in the last place.
                np.clip(point, *bounds, out=point)
            yield point

    def batch(self) -> NDArray[Any]:
        """Return all of them, laid out as a batch is handed over, with its axis last."""
        table = np.empty((self.lines.x.size, len(self)), self.dtype).T
        for row, point in zip(table, self, strict=True):
            row[...] = point
        return table


def power_below(size: FloatArray) -> FloatArray:
    """Return the largest powers of two that are not above the given positive numbers."""
    if size.dtype == np.float64 and size.min(initial=np.inf) >= NORMAL:
        # The bits of the exponent alone, at a twentieth of the cost.
        powers: FloatArray = (np.asarray(size, order="C").view(np.int64) & EXPONENT).view(np.float64)
        return powers
    _, exponent = np.frexp(size)
    return np.ldexp(np.ones((), size.dtype), exponent - 1)
