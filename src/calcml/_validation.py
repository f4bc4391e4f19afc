"""Arrays as users pass them: what can be differentiated, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray

__all__ = ["check_array", "real_array"]


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
