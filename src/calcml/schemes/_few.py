"""First differences of a scalar f of few variables, number by number.

A call of NumPy on ten numbers takes as long as Python's own arithmetic on all ten, and `difference` makes
about a hundred.  Python's floats are float64 and round alike: the same sums, in the same order, have the same
digits at a fraction of the cost.  Whatever is out of the ordinary is left to `difference`, together with the
values that f has returned by then, so that f is not called again for them.
"""

# A `strict=` in a zip costs as much as the loop; and values may go on beyond the last step.
# ruff: noqa: B905

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from calcml._lines import BLOCK
from calcml._typing import FloatArray
from calcml._validation import is_vector
from calcml.schemes._many import ManyPoints
from calcml.schemes._quick import LARGE, UnusualError, floats, quiet_floats
from calcml.schemes._recipe import Plan

__all__ = ["FewVariables"]

# From here on NumPy takes less time.
FEW = 40


class FewVariables:
    """The plain formula of a plan for first derivatives, with optimal steps for an f of the length of x.

    That length is believed down to `floor`.
    """

    def __init__(self, plan: Plan, floor: float) -> None:
        recipe, self.way = plan.plain, ManyPoints(plan, floor)
        self.weights, self.middle = recipe.weights[0], recipe.middle or 0
        self.others = self.weights[2:]
        self.resting = recipe.middle is not None
        self.moves = self.way.moves
        # So many variables that all points fit one block, in which `difference` takes them in the same order.
        self.most = math.isqrt(BLOCK // len(self.moves)) - 1
        self.floor, self.factor, self.least = self.way.floor, self.way.factor, self.way.least

    def gradient(self, f: Callable[[Any], Any], x: Any) -> tuple[FloatArray | None, list[Any]]:
        """Return the gradient, or None and what f returned at the first of the points of `difference`."""
        n = len(x) if is_vector(x) else 0
        if not 0 < n <= self.most:
            return None, []
        if n > FEW:
            return self.way.gradient(f, x)
        numbers: list[float] = x.tolist()
        steps: list[float] = []
        least, factor, floor, call = self.least, self.factor, self.floor, floats
        for number in numbers:
            size = abs(number)
            # Of plain numbers this is the shortest question; 0 has the floor for its length.
            if not least <= size < LARGE:
                if size != 0.0:
                    return None, []
                # Other steps than those from 0 keep the sign of x.
                call = quiet_floats
            length = size if size > floor else floor  # noqa: FURB136 - at half the cost
            steps.append((number + factor * length) - number)
        points, copy = [], x.copy
        for move in self.moves:
            i = 0
            for h in steps:
                point = copy()
                point[i] = numbers[i] + move * h
                points.append(point)
                i += 1  # noqa: SIM113 - at less cost
        if self.resting:
            points.append(copy())
        seen: list[Any] = []
        try:
            values = call(f, points, seen)
        except UnusualError:
            return None, seen
        slopes = self._slopes(values, steps)
        return (np.array(slopes), seen) if 0.0 < math.hypot(*slopes) < LARGE else (None, seen)

    def value(self, f: Callable[[Any], Any], x: FloatArray, seen: list[Any]) -> np.float64:
        """Return f(x), which is asked for now unless the formula has; `UnusualError` if it is no float."""
        if not self.resting:
            floats(f, [x.copy()], seen)
        return np.float64(seen[-1])

    def _slopes(self, values: list[float], steps: list[float]) -> list[float]:
        """Return the weighted sums of the values over the steps, term by term as `weigh` takes them."""
        n = len(steps)
        if self.resting:
            at = self.middle * n
            values[at:at] = values[-1:] * n
        slopes: list[float] = []
        weight, others = self.weights[1], self.others
        for first, second, h in zip(values, values[n:], steps):
            total = weight * (second - first)
            if others:
                k = n + len(slopes)
                for other in others:
                    k += n
                    total += other * (values[k] - first)
            slopes.append(total / h)
        return slopes
