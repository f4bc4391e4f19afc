"""Values as a function returns them: copied in time, wide enough, the same or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["alike", "copied", "rows", "wide"]


def wide(values: NDArray[Any]) -> NDArray[Any]:
    """Return values as float64 or wider, in which the differences are taken; all narrower ones are exact."""
    kind = values.dtype
    if kind.kind == "c":
        return values.astype(np.complex128) if kind == np.complex64 else values
    return values.astype(np.float64) if kind.kind != "f" or kind.itemsize < 8 else values


def rows(f: Callable[[Any], Any], first: NDArray[Any], rest: Iterator[Any], count: int) -> Any:
    """Return the values of f, copied at once: an array may be a buffer that f fills again."""
    if type(first) is not np.ndarray or first.dtype.kind not in "fc":
        return [first.copy(), *[copied(f(point)) for point in rest]]
    shape, dtype = first.shape, first.dtype
    table = np.empty((count, *shape), dtype)
    table[0] = first
    for k, point in enumerate(rest, 1):
        value = f(point)
        if type(value) is not np.ndarray or value.shape != shape or value.dtype != dtype:
            return [*table[:k], copied(value), *[copied(f(point)) for point in rest]]
        table[k] = value
    return table


def copied(value: Any) -> Any:
    """Return an array as a copy, which f cannot change any more, and a number itself."""
    return value.copy() if isinstance(value, np.ndarray) else value


def alike(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Return whether two values are the same but for rounding."""
    with np.errstate(all="ignore"):
        # Summation in another order changes the last digits, a mixed-up axis changes nearly all.
        apart = np.abs(a - b) > 1e-6 * (np.abs(a) + np.abs(b))
    return not apart.any()
