"""The only place where the user's callable is called.

`Function` binds the extra arguments, counts evaluations, learns the shape of the value from the
first call and insists that it stays, and evaluates one point, a batch, or a list of points through
workers.  Values leave it as real rows: a complex value is two real outputs, so that no scheme ever
needs to know about it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._parameters import Structure
from calcml._typing import KeywordArguments, PositionalArguments
from calcml.errors import EvaluationError

__all__ = ["Function", "check_callable"]


def check_callable(f: Any, name: str = "f") -> None:
    """Refuse what cannot be called."""
    if not callable(f):
        raise TypeError(
            f"`{name}` must be callable, got {type(f).__name__}; pass the function itself, not its value"
        )


class Call:
    """The user's function with its extra arguments bound, seen as a function of the flat vector.

    A class rather than a closure so that it can travel to another process.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        structure: Structure | None,
        args: PositionalArguments,
        kwargs: KeywordArguments | None,
    ) -> None:
        self.f, self.structure, self.args, self.kwargs = f, structure, tuple(args), dict(kwargs or {})

    def __call__(self, point: NDArray[Any]) -> Any:
        """Evaluate at one flat point."""
        x = point if self.structure is None else self.structure.restore(point)
        return self.f(x, *self.args, **self.kwargs)

    @property
    def shortest(self) -> Callable[[NDArray[Any]], Any]:
        """The user's function itself where there is nothing to restore or to bind, else this call."""
        s = self.structure
        vector = s is None or (s.plain and len(s.shape) == 1)
        return self.f if vector and not self.args and not self.kwargs else self


class Function:
    """A user's function of a flat vector, with counted evaluations and checked values.

    Most points are the choice of a scheme or a solver, not of the caller: where f leaves its domain there,
    its value says so, and NumPy's warnings of invalid values from inside f would only confuse.  They are off.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)`` with x in the user's structure.
    structure : Structure or None
        Layout of the flat vector; None hands arrays over as they are (elementwise functions).
    args, kwargs : sequence, mapping
        Extra arguments for f.
    vectorized : bool
        Whether f takes ``x.shape + (K,)`` and returns ``(..., K)``.
    mapper : callable or None
        ``map(f, values) -> list`` that runs many points; None is the plain loop.
    name : str
        What to call f in error messages.

    Attributes
    ----------
    nfev : int
        Number of points at which f was evaluated.
    shape : tuple of int or None
        Shape of the value, learned from the first call.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        structure: Structure | None,
        *,
        args: PositionalArguments = (),
        kwargs: KeywordArguments | None = None,
        vectorized: bool = False,
        mapper: Callable[[Callable[[Any], Any], list[Any]], list[Any]] | None = None,
        name: str = "f",
    ) -> None:
        check_callable(f, name)
        _check_arguments(args, kwargs)
        if vectorized and mapper is not None:
            raise ValueError("`vectorized=True` evaluates all points in one call; leave out `workers`")
        self.call = Call(f, structure, args, kwargs)
        self.vectorized, self.mapper, self.name = vectorized, mapper, name
        self.nfev = 0
        self.shape: tuple[int, ...] | None = None
        self.dtype: np.dtype[Any] | None = None

    @property
    def size(self) -> int:
        """Number of entries of the value."""
        return math.prod(self.shape or ())

    def evaluate(self, points: NDArray[Any]) -> NDArray[Any]:
        """Evaluate at points of shape (K, n); return the raw values, shape (K, size)."""
        values = self._batch(points) if self.vectorized else self._each(points)
        return self._checked(values, len(points), real=points.dtype.kind != "c")

    def evaluate_arrays(self, arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Evaluate an elementwise f on whole arrays; return values of shape (K, size)."""
        return self._checked(self._each(arrays), len(arrays), real=arrays[0].dtype.kind != "c")

    def _each(self, points: Any) -> NDArray[Any]:
        self.nfev += len(points)
        if self.mapper is not None and len(points) > 1:
            values = self.mapper(self.call, list(points))
        else:
            # Bound once: this loop is the floor that every black-box derivative stands on.
            call = self.call.shortest
            with np.errstate(all="ignore"):
                values = [call(point) for point in points]
        return self._stack(values)

    def _batch(self, points: NDArray[Any]) -> NDArray[Any]:
        self.nfev += len(points)
        call = self.call
        batch = call.structure.restore_batch(points.T) if call.structure is not None else points.T
        with np.errstate(all="ignore"):
            value = self._stack([call.f(batch, *call.args, **call.kwargs)])[0]
        if value.ndim == 0 or value.shape[-1] != len(points):
            raise EvaluationError(
                f"with `vectorized=True`, {self.name} must return (..., K) for x of shape (..., K); "
                f"got shape {value.shape} for K = {len(points)}"
            )
        return np.moveaxis(value, -1, 0)

    def _stack(self, values: list[Any]) -> NDArray[Any]:
        try:
            array = np.asarray(values)
        except ValueError:
            shapes = {np.shape(v) for v in values}
            raise EvaluationError(
                f"{self.name} returned values of different shapes, {' and '.join(map(str, sorted(shapes)))}; "
                "it must return the same shape at every point"
            ) from None
        if array.dtype.kind not in "fiubc":
            raise EvaluationError(self._not_numeric(values[0]))
        return array

    def _not_numeric(self, value: Any) -> str:
        if value is None:
            return f"{self.name} returned None; it must return a number or an array (is a `return` missing?)"
        return f"{self.name} must return numbers, got {type(value).__name__} {value!r:.60}"

    def _checked(self, values: NDArray[Any], count: int, *, real: bool) -> NDArray[Any]:
        if self.shape is None:
            self.shape = values.shape[1:]
        elif values.shape[1:] != self.shape:
            raise EvaluationError(
                f"{self.name} returned shape {values.shape[1:]} after shape {self.shape}; "
                "it must return the same shape at every point"
            )
        if real:
            # Only real arguments tell what kind of values f has.
            values = self._same_kind(values)
        if values.dtype.kind not in "fc":
            values = values.astype(np.float64)
        elif values.dtype.itemsize < 8 or values.dtype == np.complex64:
            # float16 and float32 values are exact in float64, where the differences are taken.
            values = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
        return values.reshape(count, -1)

    def _same_kind(self, values: NDArray[Any]) -> NDArray[Any]:
        if self.dtype is None:
            self.dtype = values.dtype
        was_complex, is_complex = self.dtype.kind == "c", values.dtype.kind == "c"
        if is_complex and not was_complex:
            raise EvaluationError(
                f"{self.name} returned complex numbers after real ones; it must return the same kind "
                "at every point (set `bounds` to stay in its real domain)"
            )
        return values.astype(self.dtype) if was_complex and not is_complex else values


def _check_arguments(args: Any, kwargs: Any) -> None:
    if isinstance(args, str) or not isinstance(args, Sequence):
        raise TypeError(f"`args` must be a tuple of extra arguments, got {type(args).__name__}")
    if kwargs is not None and not hasattr(kwargs, "keys"):
        raise TypeError(f"`kwargs` must be a mapping of keyword arguments, got {type(kwargs).__name__}")
