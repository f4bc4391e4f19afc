"""Where a parabola or a cubic through what is known of a line has its minimum."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["cubic_minimum", "quadratic_minimum"]


def quadratic_minimum(a: float, fa: Any, da: float, b: float, fb: Any) -> float:
    """Return the minimum of the parabola with value and slope at a and value at b, N&W (3.58); NaN if none.

    With d = b - a, f(a + s) = fa + da s + c s², c = (fb - fa - da d) / d².
    """
    d = float(b - a)
    bend = float(fb - fa) - da * d
    return a - da * d * d / (2 * bend) if bend > 0 else math.nan


def cubic_minimum(a: float, fa: Any, da: float, b: float, fb: Any, db: float) -> float:
    """Return the minimum of the cubic with values and slopes at a and b, N&W (3.59); NaN if there is none."""
    d1 = da + db - 3 * float(fb - fa) / (b - a)
    inside = d1 * d1 - da * db
    if not 0 <= inside < math.inf:
        return math.nan
    d2 = math.copysign(math.sqrt(inside), b - a)
    below = db - da + 2 * d2
    return b - (b - a) * (db + d2 - d1) / below if below else math.nan
