"""What the quick ways share: the numbers they take, and how they leave all else to the general way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = [
    "DOUBLE",
    "EPS",
    "LARGE",
    "MOST",
    "UnusualError",
    "are_plain",
    "floats",
    "quiet_floats",
]

DOUBLE = np.dtype(np.float64)
EPS = float(np.finfo(np.float64).eps)
# Magnitudes whose steps, and whose squares, are far from the end of the range.
LARGE = 1e150
# What a number may be; and integers below this are floats, too.
NUMBERS, EXACT = (float, int, np.float64), 2.0**53
# The highest order of a derivative; the errors of higher ones are never small.
MOST = 10


class UnusualError(Exception):
    """Something out of the ordinary, which the general way has to look at."""


def are_plain(x: Any, n: Any) -> bool:
    """Return whether x is a number as most are, no array and of no other precision, and n a low order."""
    finite = type(x) in NUMBERS and abs(x) < (EXACT if type(x) is int else LARGE)
    return finite and type(n) is int and 0 < n <= MOST


def floats(f: Callable[[Any], Any], points: Iterable[Any], seen: list[Any]) -> list[float]:
    """Return f at points, and append its values as they are; they must be floats, of Python or NumPy.

    f's own warnings are its caller's, as long as there is no reason to expect more of them at these points
    than at x.  Where warnings are errors, they are out of the ordinary.
    """
    # Little happens between two calls of f, and in plain words: its code is never in the cache then.  To set
    # an error state takes as long as ten such calls, and NumPy looks it up in each of its own.
    start, keep, double = len(seen), seen.append, np.float64
    try:
        for point in points:
            value = f(point)
            keep(value)
            if type(value) is not double and type(value) is not float:
                raise UnusualError
    except (FloatingPointError, RuntimeWarning):
        raise UnusualError from None
    return list(map(float, seen[start:]))


quiet_floats = np.errstate(all="ignore")(floats)
