"""What all lines share: how a scheme asks for values, and what it is told about scale and precision."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._typing import FloatArray, IntArray

__all__ = ["Lines", "exact", "two_real"]


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
        # Whether each answer is wanted for itself, and not as one of many by a solver that weighs its noise.
        self.careful = False
        # Whether that solver is there, and takes the noise of plain values, too.
        self.weighed = True
        self._origin: FloatArray | None = None
        self._magnitude: FloatArray | None = None

    @property
    def magnitude(self) -> FloatArray:
        """Magnitude of each coordinate of x, in float64 at least."""
        if self._magnitude is None:
            size = np.abs(self.x)
            self._magnitude = size if size.dtype.itemsize >= 8 else size.astype(np.float64)
        return self._magnitude

    @property
    @abstractmethod
    def x_shape(self) -> tuple[int, ...]:
        """Shape of x as the user passed it, where it is one array."""

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

    @property
    @abstractmethod
    def size(self) -> FloatArray:
        """Magnitude of x along each line."""

    @cached_property
    @abstractmethod
    def _interval(self) -> tuple[FloatArray, FloatArray]: ...

    @property
    def axial(self) -> bool:
        """Whether each line moves a single coordinate, by 1 per unit of t."""
        return False

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
        if kind is None or kind == self.point_dtype or kind.kind not in "fc":
            return _eps(self.point_dtype)
        return max(_eps(self.point_dtype), _eps(kind))

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

    def confirm(self) -> None:
        """Refuse an f that is not what these lines take it for, where an evaluation or two can tell."""
        return

    def evaluate(self, t: Any, index: IntArray | None = None) -> FloatArray:
        """Return f at distances t; the caller holds NumPy's warnings off.

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
        rows = t if t.ndim == 2 else t.reshape(math.prod(t.shape[:-1]), t.shape[-1])
        values = self._values(rows, index)
        if values.dtype.kind == "c" and t.dtype.kind != "c":
            values = two_real(values)
        return values.reshape(*t.shape, values.shape[-1])

    def evaluate_around(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return f at real distances t, shape (K, P), on all lines, and at t = 0.

        Lines through one point need a single value there, which is asked for together with the others, and
        may be returned once for all lines, shape (1, M).
        """
        origin = self.origin()
        return self.evaluate(t), origin

    def stream(self, t: FloatArray, line: int) -> Iterator[FloatArray] | None:
        """Return f at distances t on a line, one value after the other, each of shape (M,), or None.

        For an f of so many outputs that to keep them takes longer than to use them at once: each value may
        be gone when the next one comes.
        """
        return None

    @abstractmethod
    def _entries(self) -> int: ...

    @abstractmethod
    def _at_origin(self) -> FloatArray: ...

    @abstractmethod
    def _values(self, t: NDArray[Any], index: IntArray | None) -> NDArray[Any]: ...

    @abstractmethod
    def representable(self, t: Any, index: IntArray | None = None) -> FloatArray:
        """Return the distances nearest to t for which x + t v is an exact floating-point number.

        A sum may leave the range of numbers: the caller holds NumPy's warnings off.
        """

    @abstractmethod
    def spread(self, values: FloatArray) -> FloatArray:
        """Turn one length per coordinate into one distance per line, the shortest that a line allows."""

    def shortest(self, length: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return that distance on each line for a length that does not fall with the size of a coordinate."""
        return self.spread(length(self.magnitude))

    @abstractmethod
    def probes(self, slopes: FloatArray) -> list[tuple[Lines, FloatArray]]:
        """Return lines that test first derivatives at little cost, each with the slopes expected on them.

        `slopes` are the first derivatives on these lines, shape (P, M).
        """

    @cached_property
    @abstractmethod
    def reach(self) -> FloatArray:
        """How far the coordinates move per unit of t, at most, on each line."""


def two_real(values: NDArray[Any]) -> FloatArray:
    """Return complex values as twice as many real ones."""
    return np.ascontiguousarray(values).view(values.real.dtype)


def exact(x: FloatArray, t: FloatArray) -> FloatArray:
    """Return (x + t) - x, the distance from x to the floating-point number next to x + t."""
    if t.dtype == x.dtype:
        near = x + t
        near -= x
        return near
    return ((x + t.astype(x.dtype, copy=False)) - x).astype(t.dtype, copy=False)
