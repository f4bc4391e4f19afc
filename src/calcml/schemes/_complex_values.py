"""Values of f at complex arguments, and what it means when there are none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import IntArray
from calcml.errors import NotAnalyticError

__all__ = ["complex_values"]

# What f raises where it does not take complex numbers.
UNREAL = (TypeError, np.exceptions.ComplexWarning)


def complex_values(
    lines: Lines, t: NDArray[Any], index: IntArray | None = None, *, first: bool = True
) -> NDArray[Any]:
    """Return f at complex distances; refuse an f that does not take them or drops the imaginary part.

    The complex argument is the scheme's idea, so the `first` time the scheme explains what f thinks of it.
    Whatever f raises later is f's own affair.
    """
    try:
        values = lines.evaluate(t, index)
    except UNREAL as error:
        if not first or _takes(lines, t, index, error):
            raise
        raise NotAnalyticError(
            f"{lines.function.name} does not take complex numbers ({error}); use scheme='adaptive'"
        ) from error
    if values.dtype.kind != "c":
        raise NotAnalyticError(
            f"{lines.function.name} returned real values for a complex argument, so its imaginary part, and "
            "with it the derivative, is lost; remove casts such as float() or .real, or use scheme='adaptive'"
        )
    return values


def _takes(lines: Lines, t: NDArray[Any], index: IntArray | None, error: BaseException) -> bool:
    """Return whether f takes the first of several complex numbers, so that another one is at fault."""
    if t.size == 1:
        return False
    try:
        lines.evaluate(t.reshape(-1, 1)[:1], np.zeros(1, int) if index is None else index[:1])
    except UNREAL as again:
        # An exception that was made before and is raised again is not about the argument.
        return again is error
    except Exception:  # noqa: BLE001  What f raised before is the one to tell.
        return True
    return True
