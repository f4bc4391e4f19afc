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
from calcml.schemes._many import lengths
from calcml.schemes._quick import LARGE
from calcml.schemes._recipe import Plan

__all__ = ["FewVariables"]


class FewVariables:
    """The plain formula of a plan for first derivatives, with optimal steps for an f of the length of x.

    That length is believed down to `floor`.
    """

    def __init__(self, plan: Plan, floor: float) -> None:
        recipe = plan.plain
        self.weights, self.middle = recipe.weights[0], recipe.middle or 0
        self.resting = recipe.middle is not None
        self.moves = recipe.moves[:, 0].tolist()
        # So many variables that all points fit one block, in which `difference` takes them in the same order.
        self.most = math.isqrt(BLOCK // len(self.moves)) - 1
        self.floor = float(floor)
        self.factor, self.least = lengths(plan, self.floor)

    @np.errstate(all="ignore")
    def gradient(self, f: Callable[[Any], Any], x: Any) -> tuple[FloatArray | None, list[Any]]:
        """Return the gradient, or None and what f returned at the first of the points of `difference`."""
        # Little happens between two calls of f, and in plain words: its code is never in the cache then.
        if not is_vector(x) or not 0 < len(x) <= self.most:
            return None, []
        numbers: list[float] = x.tolist()
        steps: list[float] = []
        values: list[float] = []
        least, factor, floor = self.least, self.factor, self.floor
        for number in numbers:
            size = abs(number)
            if 0.0 < size < least or not size < LARGE:
                return None, []
            length = size if size > floor else floor  # noqa: FURB136 - at half the cost
            steps.append((number + factor * length) - number)
        table = np.empty((len(self.moves) * len(steps) + self.resting, len(steps)))
        table[...] = x
        points, add, double = iter(table), values.append, np.float64
        for move in self.moves:
            i = 0
            for h in steps:
                point = next(points)
                point[i] = numbers[i] + move * h
                i += 1  # noqa: SIM113 - at less cost
                value = f(point)
                kind = type(value)
                if kind is not double and kind is not float:
                    return None, [*values, value]
                add(float(value))
        if self.resting:
            value = f(next(points))
            if type(value) is not double and type(value) is not float:
                return None, [*values, value]
            add(float(value))
        slopes = self._slopes(values, steps)
        return (np.array(slopes), values) if 0.0 < sum(map(abs, slopes)) < LARGE else (None, values)

    def _slopes(self, values: list[float], steps: list[float]) -> list[float]:
        """Return the weighted sums of the values over the steps, term by term as `weigh` takes them."""
        n, weights = len(steps), self.weights
        rest = [values[-1]] * n
        if len(weights) == 2:
            first, second = values, values[n:]
            if self.resting:
                first, second = (values, rest) if self.middle else (rest, values)
            w = weights[1]
            return [w * (b - a) / h for a, b, h in zip(first, second, steps)]
        rows = [values[k : k + n] for k in range(0, len(self.moves) * n, n)]
        if self.resting:
            rows.insert(self.middle, rest)
        totals = [weights[1] * (b - a) for a, b in zip(rows[0], rows[1])]
        for w, row in zip(weights[2:], rows[2:]):
            totals = [total + w * (b - a) for total, a, b in zip(totals, rows[0], row)]
        return [total / h for total, h in zip(totals, steps)]
