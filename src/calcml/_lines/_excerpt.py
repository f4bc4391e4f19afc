"""Some outputs of some lines, for a function of very many outputs."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines._base import Lines
from calcml._typing import FloatArray, IntArray

__all__ = ["Excerpt"]


class Excerpt(Lines):
    """Some outputs of some lines; f itself is evaluated as a whole.

    Parameters
    ----------
    whole : Lines
        All lines.
    index : ndarray of int, shape (P,)
        The lines that are wanted.
    columns : ndarray of int, shape (M,)
        The outputs that are wanted.
    """

    def __init__(self, whole: Lines, index: IntArray, columns: IntArray) -> None:
        super().__init__(whole.function, whole.x, len(index), whole.bounds)
        self.whole, self.index, self.columns = whole, index, columns

    @property
    def x_shape(self) -> tuple[int, ...]:
        """Shape of x as the user passed it, where it is one array."""
        return self.whole.x_shape

    @property
    def outputs(self) -> int:
        """Number of outputs that are wanted."""
        return len(self.columns)

    @cached_property
    def size(self) -> FloatArray:
        """Magnitude of x along each line."""
        return self.whole.size[self.index]

    @cached_property
    def _interval(self) -> tuple[FloatArray, FloatArray]:
        return self.whole.lower[self.index], self.whole.upper[self.index]

    @cached_property
    def reach(self) -> FloatArray:
        """How far the coordinates move per unit of t, at most, on each line."""
        return self.whole.reach[self.index]

    def _of(self, index: IntArray | None) -> IntArray:
        return self.index if index is None else self.index[index]

    def _entries(self) -> int:
        return len(self.columns)

    def _at_origin(self) -> FloatArray:
        return self.whole.origin()[np.ix_(self.index, self.columns)]

    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]:
        return self.whole.evaluate(t, self._of(index))[..., self.columns].reshape(t.size, -1)

    def representable(self, t: Any, index: IntArray | None = None) -> FloatArray:
        """Return the distances nearest to t for which x + t v is an exact floating-point number."""
        return self.whole.representable(t, self._of(index))

    def spread(self, values: FloatArray) -> FloatArray:
        """Turn one length per coordinate into one distance per line, the shortest that a line allows."""
        return self.whole.spread(values)[self.index]

    def probes(self, slopes: FloatArray) -> list[tuple[Lines, FloatArray]]:
        """Return the lines themselves, on which each slope can be tested."""
        return [(self, slopes)]
