"""The only place where the user's callable is called.

`Function` binds the extra arguments, counts evaluations, learns the shape of the value from the
first call and insists that it stays, and evaluates one point, a batch, or a list of points through
workers.  Values leave it as real rows: a complex value is two real outputs, so that no scheme ever
needs to know about it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from calcml._parameters import Structure
from calcml._typing import KeywordArguments, PositionalArguments
from calcml._validation import alike, wide
from calcml.errors import EvaluationError

__all__ = ["Function", "check_callable"]

# What nearly all functions return.
DOUBLE = np.dtype(np.float64)

Mapper = Callable[[Callable[[Any], Any], list[Any]], list[Any]]


class Points(Protocol):
    """Points of one length and dtype: the rows of a table, or for a loop what makes one after the other."""

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...


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
        # Whether there is nothing to restore or to bind, so that f can be called itself.
        self.bare = (structure is None or structure.vector) and not self.args and not self.kwargs

    def __call__(self, point: NDArray[Any]) -> Any:
        """Evaluate at one flat point."""
        with np.errstate(all="ignore"):
            value = self.at(point)
        return _copied(value)

    def at(self, point: NDArray[Any]) -> Any:
        """Evaluate at one flat point, with warnings as they are and f's own value."""
        x = point if self.structure is None else self.structure.restore(point)
        return self.f(x, *self.args, **self.kwargs)


class Function:
    """A user's function of a flat vector, with counted evaluations and checked values.

    Most points are the choice of a scheme or a solver, not of the caller: where f leaves its domain there,
    its value says so, and NumPy's warnings of invalid values from inside f would only confuse.  They are off,
    but for the quickest of the quick ways (`schemes._quick.floats`).

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
        mapper: Mapper | None = None,
        name: str = "f",
    ) -> None:
        check_callable(f, name)
        if type(args) is not tuple or kwargs is not None:
            _check_arguments(args, kwargs)
        self.call = Call(f, structure, args, kwargs)
        self.vectorized, self.name = vectorized, name
        self.mapper: Mapper | None = None
        if mapper is not None:
            self.employ(mapper)
        # Whether the columns of a batch have still to be shown not to know of each other.
        self.unchecked = vectorized
        # What f has returned already at the points that come first.
        self.known: list[Any] = []
        self.nfev = 0
        self.shape: tuple[int, ...] | None = None
        self.dtype: np.dtype[Any] | None = None

    def employ(self, mapper: Mapper | None) -> None:
        """Evaluate many points through this map, None for the plain loop."""
        if self.vectorized and mapper is not None:
            raise ValueError("`vectorized=True` evaluates all points in one call; leave out `workers`")
        self.mapper = mapper

    @property
    def size(self) -> int:
        """Number of entries of the value."""
        return math.prod(self.shape or ())

    def evaluate(self, points: Points) -> NDArray[Any]:
        """Evaluate at K points of n numbers; return the raw values, shape (K, size).

        The first batch is checked against one of its columns alone.
        """
        with np.errstate(all="ignore"):
            return self.evaluate_silently(points)

    def evaluate_silently(self, points: Points) -> NDArray[Any]:
        """Evaluate for a caller that holds NumPy's warnings off, as schemes do: that takes time."""
        real = points.dtype.kind != "c"
        if not self.vectorized:
            return self._checked(self._each(points, real), real)
        batch = cast("NDArray[Any]", points)
        values = self._batch(batch, real)
        if self.unchecked and len(batch) > 1:
            self._check_columns(values[0], self._batch(batch[:1], real)[0])
        return self._checked(values, real)

    def stream(self, points: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """Yield the values at real points, one after the other, for a caller that holds NumPy's warnings off.

        f may fill the array again with the next value.
        """
        call = self.call
        f = call.f if call.bare else call.at
        for point in points:
            self.nfev += 1
            value = f(point)
            plain = type(value) is np.ndarray and value.dtype == self.dtype == DOUBLE
            if plain and value.shape == self.shape:
                yield value.ravel()
            else:
                yield self._checked(self._stack([value], True), True)[0]

    def evaluate_arrays(self, arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Evaluate an elementwise f on whole arrays; return values of shape (K, size)."""
        real = arrays[0].dtype.kind != "c"
        with np.errstate(all="ignore"):
            return self._checked(self._each(arrays, real), real)

    def _each(self, points: Any, real: bool) -> NDArray[Any]:
        count = len(points)
        self.nfev += count
        if self.mapper is None or count < 2:
            return self._stack(self._loop(points) if count else [], real)
        values = self.mapper(self.call, list(points))
        if len(values) != count:
            raise EvaluationError(
                f"`workers` returned {len(values)} values for {count} points, in order one for each"
            )
        return self._stack(values, real)

    def _loop(self, points: Any) -> Any:
        call, rest = self.call, iter(points)
        f = call.f if call.bare else call.at
        values, self.known = self.known[: len(points)], self.known[len(points) :]
        for _ in values:
            next(rest)
        values = values or [f(next(rest))]
        if isinstance(values[0], np.ndarray):
            return _rows(f, values[0], rest, len(points))
        # Scalars are the floor that black-box derivatives stand on.
        values += map(f, rest)
        return values

    def _batch(self, points: NDArray[Any], real: bool) -> NDArray[Any]:
        self.nfev += len(points)
        call, batch = self.call, points.T
        if call.structure is not None and not call.bare:
            batch = call.structure.restore_batch(batch)
        result = call.f(batch, *call.args, **call.kwargs)
        value = self._stack([result], real)[0]
        if value.ndim == 0 or value.shape[-1] != len(points):
            raise EvaluationError(
                f"with `vectorized=True`, {self.name} must return (..., K) for x of shape (..., K); "
                f"got shape {value.shape} for K = {len(points)}"
            )
        return value if value.ndim == 1 else value.transpose(-1, *range(value.ndim - 1))

    def _check_columns(self, value: NDArray[Any], alone: NDArray[Any]) -> None:
        """Refuse an f whose columns know of each other: a sum or a mean over the batch axis."""
        if not alike(alone, value):
            raise EvaluationError(
                f"with `vectorized=True`, each column of {self.name} must depend on its own column of x, but "
                "the first point gives another value in a batch than alone; sum over the axes of x, "
                "never over the last one"
            )
        self.unchecked = False

    def _stack(self, values: Any, real: bool) -> NDArray[Any]:
        if len(values) and isinstance(values[0], np.ma.MaskedArray):
            raise EvaluationError(
                f"{self.name} returned a masked array, whose mask would be lost; fill it first"
            )
        try:
            array = np.asarray(values)
        except ValueError:
            raise EvaluationError(self._ragged(values)) from None
        if array.dtype == DOUBLE:
            return array
        if array.dtype.kind not in "fiubc":
            raise EvaluationError(self._not_numeric(values[0]))
        if real and array.dtype.kind == "c" and not all(np.iscomplexobj(value) for value in values):
            raise EvaluationError(self._mixed_kinds())
        return array

    def _ragged(self, values: list[Any]) -> str:
        try:
            shapes = sorted({np.shape(value) for value in values})
        except ValueError:
            kind = type(values[0]).__name__
            return f"{self.name} must return a number or a regular array, got a ragged {kind}"
        return (
            f"{self.name} returned values of different shapes, {' and '.join(map(str, shapes))}; "
            "it must return the same shape at every point"
        )

    def _mixed_kinds(self) -> str:
        return (
            f"{self.name} returned complex numbers after real ones; it must return the same kind "
            "at every point (set `bounds` to stay in its real domain)"
        )

    def _not_numeric(self, value: Any) -> str:
        if value is None:
            return f"{self.name} returned None; it must return a number or an array (is a `return` missing?)"
        return f"{self.name} must return numbers, got {type(value).__name__} {value!r:.60}"

    def _checked(self, values: NDArray[Any], real: bool) -> NDArray[Any]:
        shape = values.shape[1:]
        if self.shape is None:
            self.shape = shape
        elif shape != self.shape:
            raise EvaluationError(
                f"{self.name} returned shape {shape} after shape {self.shape}; "
                "it must return the same shape at every point"
            )
        if real:
            # Only real arguments tell what kind of values f has.
            if self.dtype is None:
                self.dtype = values.dtype
            if values.dtype != self.dtype:
                values = self._same_kind(values, self.dtype)
        if values.dtype != DOUBLE:
            values = wide(values)
        return values.reshape(len(values), math.prod(shape))

    def _same_kind(self, values: NDArray[Any], before: np.dtype[Any]) -> NDArray[Any]:
        was_complex, is_complex = before.kind == "c", values.dtype.kind == "c"
        if is_complex and not was_complex:
            raise EvaluationError(self._mixed_kinds())
        return values.astype(before) if was_complex and not is_complex else values


def _rows(f: Callable[[Any], Any], first: NDArray[Any], rest: Iterator[Any], count: int) -> Any:
    """Return the values of f, copied at once: an array may be a buffer that f fills again."""
    if type(first) is not np.ndarray or first.dtype.kind not in "fc":
        return [first.copy(), *[_copied(f(point)) for point in rest]]
    shape, dtype = first.shape, first.dtype
    table = np.empty((count, *shape), dtype)
    table[0] = first
    for k, point in enumerate(rest, 1):
        value = f(point)
        if type(value) is not np.ndarray or value.shape != shape or value.dtype != dtype:
            return [*table[:k], _copied(value), *[_copied(f(point)) for point in rest]]
        table[k] = value
    return table


def _copied(value: Any) -> Any:
    """Return an array as a copy, which f cannot change any more, and a number itself."""
    return value.copy() if isinstance(value, np.ndarray) else value


def _check_arguments(args: Any, kwargs: Any) -> None:
    if not isinstance(args, tuple) and (isinstance(args, str) or not isinstance(args, Sequence)):
        raise TypeError(f"`args` must be a tuple of extra arguments, got {type(args).__name__}")
    if kwargs is not None and not hasattr(kwargs, "keys"):
        raise TypeError(f"`kwargs` must be a mapping of keyword arguments, got {type(kwargs).__name__}")
