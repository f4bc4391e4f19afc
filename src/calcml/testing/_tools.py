"""What every catalogue needs: arrays that cannot be written to, functions that do not warn."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["columns", "constant", "quiet"]


def constant(values: Any) -> NDArray[np.float64]:
    """Copy the numbers into a float64 array that cannot be written to."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def columns(*parts: Any) -> NDArray[Any]:
    """Join vectors, and scalars that stand for constant vectors, as the columns of a matrix."""
    return np.stack(np.broadcast_arrays(*parts), axis=1)


def quiet(f: Callable[..., Any]) -> Callable[..., Any]:
    """Let a step out of the domain give NaN or infinity, as the catalogue promises, and no warning.

    Python's own numbers would raise there, or turn complex: they become NumPy's.
    """

    @wraps(f)
    def silent(x: Any, *more: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(np.float64(x) if isinstance(x, (int, float)) else x, *more)

    return silent
