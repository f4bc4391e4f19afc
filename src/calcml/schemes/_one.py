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
from calcml.schemes._quick import LARGE, UnusualError, are_plain, floats

__all__ = ["OneNumber"]


class OneNumber:
    """The plain formulas of a scheme with optimal steps for an f of the length of x.

    That length is believed down to `floor`.
    """

    def __init__(self, order: int, side: int, floor: float) -> None:
        self.order, self.side, self.floor = order, side, float(floor)

    @np.errstate(all="ignore")
    def derivative(self, f: Callable[[Any], Any], x: Any, n: Any) -> tuple[np.float64 | None, list[Any]]:
        """Return the n-th derivative, or None and what f returned at the first points of `difference`."""
        seen: list[Any] = []
        if not are_plain(x, n):
            return None, seen
        way, x = many_points(n, self.order, self.side, self.floor), float(x)
        if 0 < abs(x) < way.least:
            return None, seen
        h = (x + way.factor * max(abs(x), self.floor)) - x
        middle, points = way.recipe.middle, [np.float64(x + move * h) for move in way.moves]
        try:
            values = floats(f, points if middle is None else [np.float64(x), *points], seen)
        except UnusualError:
            return None, seen
        if middle is not None:
            values.insert(middle, values.pop(0))
        value = _weighted(way.recipe.weights[0], values)
        for _ in range(n):
            value /= h
        value = math.factorial(n) * (value / math.factorial(n))
        return (np.float64(value) if abs(value) < LARGE and (value or n > 1) else None), seen


def _weighted(weights: tuple[float, ...], values: list[float]) -> float:
    """Return the sum of the weighted values, each less the first, as `weighted_sum` takes it."""
    total = weights[1] * (values[1] - values[0])
    for weight, value in zip(weights[2:], values[2:], strict=True):
        total += weight * (value - values[0])
    return total
