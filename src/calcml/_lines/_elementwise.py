"""Lines through many points of an elementwise function of one variable."""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._lines._base import Lines, exact
from calcml._lines._company import SAME, halves, in_proportion, same, staggered
from calcml._typing import FloatArray, IntArray
from calcml.errors import EvaluationError

__all__ = ["ElementwiseLines", "PartialLines"]


# So many lines are staggered: enough to find a function out, and nothing beside a long array.
HEAD = 16 * 1024
# Of parts, only the first ones, and fewer lines: f has already shown that it takes parts of x.
PARTS, PART_HEAD = 4, 3 * 64
# Numbers of one call after which it is made row by row: 8 MB each.
AT_ONCE = 2**20
# Lengths of the two parts of x on which f is tried, and where the second begins.
TRIAL, START = (251, 191), 125


class ElementwiseLines(Lines):
    """One line through each of P points of an elementwise function of one variable.

    f may close over arrays of x's shape, so it gets all of x in its own shape, unless it is divisible.

    Parameters
    ----------
    function : Function
        The user's function.
    x : ndarray
        The points, in the user's shape.
    bounds : tuple of ndarray, optional
        Flat lower and upper bounds.
    divisible : bool
        Whether f may be tried on parts of x.
    """

    def __init__(
        self,
        function: Function,
        x: FloatArray,
        bounds: tuple[FloatArray, FloatArray] | None = None,
        *,
        divisible: bool = False,
    ) -> None:
        super().__init__(function, x.ravel(), x.size, bounds)
        self.shape, self.head = x.shape, HEAD
        self.divisible = divisible
        self._points_in_parts = self._parts = 0

    @property
    def size(self) -> FloatArray:
        """Magnitude of x."""
        return self.magnitude

    @cached_property
    def _interval(self) -> tuple[FloatArray, FloatArray]:
        if self.bounds is None:
            return np.full(self.count, -np.inf), np.full(self.count, np.inf)
        return self.bounds[0] - self.x, self.bounds[1] - self.x

    @property
    def axial(self) -> bool:
        """Whether each line moves a single coordinate, by 1 per unit of t: it does."""
        return True

    @property
    def x_shape(self) -> tuple[int, ...]:
        """Shape of x as the user passed it."""
        return self.shape

    @property
    def evaluations(self) -> int:
        """Evaluations of f per point, rounded up: the calls, where each of them gets all of x."""
        return self.function.nfev + -(-self._points_in_parts // max(self.count, 1))

    @cached_property
    def divides(self) -> bool:
        """Whether f takes parts of x, as a flat array, and gives the values that it gives in other parts.

        Two overlapping parts of different length, and of different shape where x is not flat, are tried.  An
        f that closes over arrays of x's shape, or is not elementwise, fails there in one way or another.
        """
        if not self.divisible or self.count < 2 * max(TRIAL):
            return False
        second = (*[1] * (len(self.shape) - 1), TRIAL[1])
        try:
            a = self.on_part([self.x[: TRIAL[0]].copy()])
            b = self.on_part([self.x[START : START + TRIAL[1]].reshape(second).copy()])
        except Exception:  # noqa: BLE001  What f does wrong on all of x, its call there will tell.
            self.function.dtype = None
            return False
        same_values = same(a[0, START:], b[0, : TRIAL[0] - START])
        # An f whose values depend on the company is found out on all lines, not only on the first ones.
        self.head = HEAD if same_values else self.count
        return same_values

    def confirm(self) -> None:
        """Refuse an f whose values change where x does not: one that is not elementwise.

        About half of the points are moved; if there are few of them, then the others, too.
        """
        if self.count < 2:
            return
        for moved in halves(self.count):
            if self._follow(np.where(moved, self._nearby(), 0.0), ~moved):
                raise EvaluationError(
                    "`derivative` needs an elementwise f: its values at some points of x changed when only "
                    "the others were moved; for a function of a vector use `gradient` or `jacobian`"
                )

    def _nearby(self) -> FloatArray:
        """Return a distance on each line, twice which f may be asked for; 0 where there is no room."""
        t = self.eps**0.5 * np.where(self.magnitude > 0, self.magnitude, 1.0)
        return np.where(self.upper >= 2 * t, t, np.where(self.lower <= -2 * t, -t, 0.0))

    def _follow(self, t: FloatArray, rest: NDArray[np.bool_]) -> bool:
        """Return whether f at the lines at rest follows the others."""
        origin = self.origin()[rest]
        once = self.evaluate(t)[rest] - origin
        changed = np.abs(once) > SAME * self.eps * np.abs(origin)
        if not changed.any():
            return False
        twice, never = (self.evaluate(k * t)[rest] - origin for k in (2, 0))
        return in_proportion(once, twice, never, changed)

    @cached_property
    def _for_parts(self) -> Function:
        # The shape of a value is that of the part, and its evaluations count in proportion.
        return copy(self.function)

    def on_part(self, points: list[NDArray[Any]]) -> NDArray[Any]:
        """Return f, shape (K, p), at K arrays of points of one shape that are not all of x."""
        function, shape = self._for_parts, points[0].shape
        function.shape = None
        self._points_in_parts += len(points) * points[0].size
        values = function.evaluate_arrays(points)
        self.function.dtype = function.dtype
        found = self._for_parts.shape
        if found != shape:
            raise EvaluationError(
                f"`derivative` needs an elementwise f: for x of shape {shape} it returned shape {found}"
            )
        return values

    def part(self, index: slice | IntArray) -> PartialLines:
        """Return some of the lines; f is called on their points alone if it takes parts."""
        return (_Part if self.divides else _Share)(self, index)

    def _entries(self) -> int:
        return 1

    def _at_origin(self) -> FloatArray:
        return self.evaluate(np.zeros(self.count))

    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]:
        # Workers get everything at once; elsewhere the rows of a long array come a few at a time.
        if index is not None and len(index) == self.count and (index[1:] > index[:-1]).all():
            index = None
        if index is None and self.count <= self.head and t.size <= AT_ONCE:
            return staggered(self._at(_points(self.x, staggered(t, 1), t[:, :0], self.bounds)), -1)[..., None]
        size = len(t) if self.function.mapper is not None else max(1, AT_ONCE // max(self.count, 1))
        early, near, places = self._early(t, index)
        parts = []
        for k in range(0, len(t), size):
            rows = t[k : k + size]
            if index is not None:
                # Lines that are not wanted stay at 0.
                rows = np.zeros((len(rows), self.count), dtype=t.dtype)
                rows[:, index] = t[k : k + size]
            first = early[k : k + size]
            values = self._at(_points(self.x, rows, first, self.bounds))
            parts.append((values if index is None else values[:, index], values[:, : first.shape[1]].copy()))
        values, first = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        if first.size:
            values[:, near] = staggered(first, -1)[:, places]
        return values[..., None]

    def _at(self, points: list[NDArray[Any]]) -> NDArray[Any]:
        """Return f at arrays of all points, one in a row."""
        shape = self.shape
        if len(shape) != 1:
            points = [row.reshape(shape)[()] for row in points]
        values = self.function.evaluate_arrays(points)
        if self.function.shape != shape:
            self._wrong_shape()
        return values

    def _early(self, t: NDArray[Any], index: IntArray | None) -> tuple[NDArray[Any], Any, Any]:
        """Return the distances of the first lines, staggered, and where they are in t and among the lines."""
        if self.count == 1 or len(t) == 1:
            return t[:, :0], slice(0), slice(0)
        n = min(self.count, self.head)
        if index is None:
            return staggered(t[:, :n], 1), slice(n), slice(n)
        near = np.flatnonzero(index < n)
        early = np.zeros((len(t), n), dtype=t.dtype)
        early[:, index[near]] = t[:, near]
        return staggered(early, 1), near, index[near]

    def _wrong_shape(self) -> None:
        raise EvaluationError(
            f"`derivative` needs an elementwise f: for x of shape {self.shape} it returned shape "
            f"{self.function.shape}; for a function of a vector use `gradient` or `jacobian`"
        )

    def representable(self, t: Any, index: IntArray | None = None) -> FloatArray:
        """Return the distances nearest to t for which x + t is an exact floating-point number."""
        t = np.asarray(t, dtype=self.magnitude.dtype)
        x = self.x if index is None else self.x[index]
        return exact(x, t)

    def spread(self, values: FloatArray) -> FloatArray:
        """Return `values`: each line has one coordinate, its own."""
        return values

    @cached_property
    def reach(self) -> FloatArray:
        """How far x moves per unit of t: 1."""
        return np.ones(self.count)

    def probes(self, slopes: FloatArray) -> list[tuple[Lines, FloatArray]]:
        """Return the lines themselves: one call serves them all, so each can be tested."""
        return [(self, slopes)]


class PartialLines(ElementwiseLines):
    """Some of the lines."""

    def __init__(self, whole: ElementwiseLines, index: slice | IntArray, function: Function) -> None:
        bounds = None if whole.bounds is None else (whole.bounds[0][index], whole.bounds[1][index])
        super().__init__(function, whole.x[index], bounds)
        self.whole, self.careful, self.weighed = whole, whole.careful, whole.weighed
        if whole._origin is not None:
            self._origin = whole._origin[index]

    def confirm(self) -> None:
        """Leave it to all lines."""

    @abstractmethod
    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]: ...


class _Part(PartialLines):
    """Some of the lines, on which f is called alone."""

    def __init__(self, whole: ElementwiseLines, index: slice | IntArray) -> None:
        super().__init__(whole, index, whole._for_parts)
        whole._parts += 1
        self.head = PART_HEAD if whole._parts <= PARTS else 0

    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]:
        x, bounds = self.x, self.bounds
        if index is not None:
            x = x[index]
            bounds = bounds and (bounds[0][index], bounds[1][index])
        if not x.size:
            return np.empty((len(t), 0, self.outputs), dtype=self.dtype)
        early = t[:, : self.head]
        values = self.whole.on_part(_points(x, t, staggered(early, 1) if self.head else early, bounds))
        if self.head:
            values[:, : self.head] = staggered(values[:, : self.head], -1)
        return values[..., None]


class _Share(PartialLines):
    """Some of the lines, of an f that gets all of x nevertheless."""

    def __init__(self, whole: ElementwiseLines, index: slice | IntArray) -> None:
        super().__init__(whole, index, whole.function)
        self.places = np.arange(whole.count)[index]

    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]:
        return self.whole._values(t, self.places if index is None else self.places[index])


def _points(
    x: FloatArray,
    t: NDArray[Any],
    early: NDArray[Any],
    bounds: tuple[FloatArray, FloatArray] | None,
) -> list[NDArray[Any]]:
    """Return x + t by rows, of the dtype of x or complex, within bounds; the first lines go `early` far."""
    dtype = np.result_type(x.dtype, np.complex128) if t.dtype.kind == "c" else x.dtype
    t, early, n = t.astype(dtype, copy=False), early.astype(dtype, copy=False), early.shape[1]
    points = x + (early if n == x.size else t)
    if 0 < n < x.size:
        np.add(x[:n], early, out=points[:, :n])
    if bounds is not None and dtype.kind == "f":
        # Adding and rounding may step over a bound by one unit in the last place.
        np.clip(points, *bounds, out=points)
    return list(points)
