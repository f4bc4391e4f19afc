"""Plain differences at a number, in Python's floats, where nothing is out of the ordinary.

As in `_few`: same points, same sums in the same order.  Whatever is out of the ordinary is left to
`difference`, together with what f has returned by then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from calcml.schemes._many import many_points
from calcml.schemes._quick import LARGE, UnusualError, are_plain, floats, quiet_floats

__all__ = ["OneNumber"]


class OneNumber:
    """The plain formulas of a scheme with optimal steps for an f of the length of x.

    That length is believed down to `floor`.
    """

    def __init__(self, order: int, side: int, floor: float) -> None:
        self.order, self.side, self.floor = order, side, float(floor)

    def derivative(self, f: Callable[[Any], Any], x: Any, n: Any) -> tuple[np.float64 | None, list[Any]]:
        """Return the n-th derivative, or None and what f returned at the first points of `difference`."""
        seen: list[Any] = []
        if not are_plain(x, n):
            return None, seen
        way, x = many_points(n, self.order, self.side, self.floor), float(x)
        if 0.0 < abs(x) < way.least:
            return None, seen
        size, floor = abs(x), self.floor
        length = size if size > floor else floor  # noqa: FURB136 - at half the cost
        h = (x + way.factor * length) - x
        middle, points = way.recipe.middle, []
        if middle is not None:
            points.append(np.float64(x))
        for move in way.moves:
            points.append(np.float64(x + move * h))  # noqa: PERF401 - at less cost
        try:
            # Other steps than those from 0 keep the sign of x.
            values = (floats if x else quiet_floats)(f, points, seen)
        except UnusualError:
            return None, seen
        if middle:
            values.insert(middle, values.pop(0))
        value = _weighted(way.recipe.weights[0], values)
        for _ in range(n):
            value /= h
        scale = math.factorial(n)
        value = scale * (value / scale)
        return (np.float64(value) if abs(value) < LARGE and (value or n > 1) else None), seen


def _weighted(weights: tuple[float, ...], values: list[float]) -> float:
    """Return the sum of the weighted values, each less the first, as `weighted_sum` takes it."""
    first, total = values[0], weights[1] * (values[1] - values[0])
    for k in range(2, len(weights)):
        total += weights[k] * (values[k] - first)
    return total
