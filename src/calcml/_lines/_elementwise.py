"""Lines through many points of an elementwise function of one variable."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._lines._base import Lines, exact
from calcml._typing import FloatArray, IntArray
from calcml.errors import EvaluationError

__all__ = ["ElementwiseLines"]


# So many lines are staggered: enough to find a function out, and nothing beside a long array.
HEAD = 3 * 1024


def _stagger(rows: NDArray[Any], shift: int) -> None:
    """Move, in place, one line in three on by `shift` rows and one by twice that; the opposite undoes it.

    Each line still gets all its points, but neighbors never move alike: a function that is not elementwise,
    such as a cumulative sum, then shows in the error estimate, at no cost.
    """
    if len(rows) > 1 and rows.shape[1] > 1:
        for k in (1, 2):
            rows[:, k:HEAD:3] = np.roll(rows[:, k:HEAD:3], k * shift, axis=0)


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

    @property
    def x_shape(self) -> tuple[int, ...]:
        """Shape of x as the user passed it."""
        return self.shape

    def _entries(self) -> int:
        return 1

    def _at_origin(self) -> FloatArray:
        return self.evaluate(np.zeros(self.count))

    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]:
        # f may close over arrays of x's shape, so it always gets all of x: lines that are
        # not wanted stay at 0.
        if index is None:
            rows = t.copy()
        else:
            rows = np.zeros((len(t), self.count), dtype=t.dtype)
            rows[:, index] = t
        _stagger(rows, 1)
        values = self.function.evaluate_arrays([self._points(row) for row in rows])
        if self.function.shape != self.shape:
            self._wrong_shape()
        values = values.reshape(len(t), self.count)
        _stagger(values, -1)
        return (values if index is None else values[:, index])[..., None]

    def _points(self, t: NDArray[Any]) -> Any:
        dtype = np.result_type(self.x.dtype, np.complex128) if t.dtype.kind == "c" else self.x.dtype
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
