"""Arrays as users pass them, and as their functions return them: what is refused, and how precise it is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray

__all__ = ["alike", "check_array", "is_vector", "real_array", "wide"]

DOUBLE = np.dtype(np.float64)
# Summation in another order changes the last digits, a mixed-up axis changes nearly all.
ALIKE = 1e-6


def check_array(x: Any, name: str) -> NDArray[Any]:
    """Return x as an array of numbers; refuse what NumPy would silently strip or cannot differentiate."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"`{name}` is a masked array, whose mask would be lost; pass `{name}.compressed()`")
    if hasattr(x, "units") or hasattr(x, "unit"):
        raise TypeError(f"`{name}` carries units; pass its magnitude and multiply the unit back afterwards")
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise TypeError(
            f"`{name}` must be a number or an array of numbers, got a ragged {type(x).__name__}"
        ) from error
    if array.dtype.kind not in "fiubc":
        raise TypeError(
            f"`{name}` must hold real numbers, got dtype {array.dtype}; "
            f"convert it with `np.asarray({name}, float)`"
        )
    return array


def real_array(x: Any, name: str) -> FloatArray:
    """Return x as a floating array, integers and booleans as float64; complex numbers are refused."""
    if type(x) is np.ndarray and x.dtype.kind == "f":
        return x
    array = check_array(x, name)
    if array.dtype.kind == "c":
        raise TypeError(
            f"`{name}` is complex; calcml differentiates with respect to real numbers: "
            "pass the real and imaginary parts as two parameters"
        )
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    return array


def is_vector(x: Any) -> bool:
    """Return whether x is a vector of float64 as NumPy makes it, for which there are quicker ways."""
    return type(x) is np.ndarray and x.ndim == 1 and x.dtype == DOUBLE


def wide(values: NDArray[Any]) -> NDArray[Any]:
    """Return values as float64 or wider, in which the differences are taken; all narrower ones are exact."""
    kind = values.dtype
    if kind.kind == "c":
        return values.astype(np.complex128) if kind == np.complex64 else values
    return values.astype(np.float64) if kind.kind != "f" or kind.itemsize < 8 else values


def alike(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Return whether two values are the same but for rounding; NaN and infinity must be the same."""
    if a.shape != b.shape:
        return False
    if a.size == 1:
        # The same as below, which takes ten calls of NumPy.
        first, second = a.item(), b.item()
        near = abs(first - second) <= ALIKE * (abs(first) + abs(second)) < math.inf
        return near or first == second or bool(np.isnan(first) and np.isnan(second))
    if (a == b).all():
        return True
    with np.errstate(all="ignore"):
        # Integers would wrap around.
        a, b = a * 1.0, b * 1.0
        size = np.abs(a) + np.abs(b)
        near = (np.abs(a - b) <= ALIKE * size) & (size < np.inf)
    return bool((near | (a == b) | (np.isnan(a) & np.isnan(b))).all())
