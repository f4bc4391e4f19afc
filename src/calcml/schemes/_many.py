"""Plain differences of float64 values on whole arrays, where nothing is out of the ordinary.

`difference` serves every kind of line, step and value, and goes some twenty times through the numbers for it.
Where x moves along its axes by optimal steps, half of that is enough.  Whatever is out of the ordinary goes
to `difference`.  Same points, same sums in the same order: the digits are its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray
from calcml.schemes._difference import REACH
from calcml.schemes._quick import DOUBLE, EPS, UnusualError, floats, quiet_floats
from calcml.schemes._recipe import Plan, plan
from calcml.schemes._weighing import all_finite, combine, moves
from calcml.schemes.steps import optimal_factor, scalar

__all__ = ["ManyPoints", "lengths", "many_points", "moved"]


@lru_cache(maxsize=64)
def many_points(n: int, order: int, side: int, floor: float) -> ManyPoints:
    """Return the quick way to n-th derivatives; made once."""
    return ManyPoints(plan(n, order, side), floor)


class ManyPoints:
    """The plain formula of a plan with optimal steps for an f of the length of x.

    That length is believed down to `floor`.
    """

    def __init__(self, plan: Plan, floor: float) -> None:
        self.recipe, self.floor = plan.plain, float(floor)
        self.moves: list[float] = self.recipe.moves[:, 0].tolist()
        self.factor, self.least = lengths(plan, self.floor)
        self._small, self._shortest, self._share = map(scalar, (self.least, self.floor, self.factor))

    @np.errstate(all="ignore")
    def elementwise(
        self, f: Callable[[list[NDArray[Any]]], NDArray[Any]], x: FloatArray, value: FloatArray
    ) -> bool:
        """Fill in the coefficients at all points, or tell that there is something out of the ordinary.

        f takes a list of arrays of points, and returns as many of values.
        """
        h = self.steps(x)
        if h is None:
            return False
        points = [moved(x, move, h) for move in self.recipe.grid.tolist()]
        combine(self.recipe, list(f(points)), h, value)
        return all_finite(value) and (self.recipe.n > 1 or moves(value))

    @np.errstate(all="ignore")
    def derivative(self, f: Callable[[Any], Any], x: FloatArray) -> FloatArray | None:
        """Return the derivatives at points of any shape, all of which f gets in each call.

        None if anything is out of the ordinary.
        """
        h = self.steps(x)
        if h is None:
            return None
        values: list[FloatArray] = []
        for move in self.recipe.grid.tolist():
            value = f(moved(x, move, h))
            if type(value) is not np.ndarray or value.dtype != DOUBLE or value.shape != x.shape:
                return None
            # It may be a buffer that f fills again.
            values.append(value.copy())
        value = combine(self.recipe, values, h)
        if not all_finite(value) or (self.recipe.n == 1 and not moves(value)):
            return None
        return value if self.recipe.n == 1 else math.factorial(self.recipe.n) * value

    def gradient(self, f: Callable[[Any], Any], x: FloatArray) -> tuple[FloatArray | None, list[Any]]:
        """Return the gradient of a scalar f, or None and what f returned at the points of `difference`."""
        h = self.steps(x) if all_finite(x) else None
        if h is None:
            return None, []
        n, resting = len(x), self.recipe.middle is not None
        table = np.empty((len(self.moves) * n + resting, n))
        table[...] = x
        flat = table.reshape(-1)
        seen: list[Any] = []
        for k, move in enumerate(self.moves):
            moved(x, move, h, flat[k * n * n : (k + 1) * n * n : n + 1])
        try:
            # Other steps than those from 0 keep the sign of x.
            values = np.array((floats if x.all() else quiet_floats)(f, table, seen))
        except UnusualError:
            return None, seen
        rows = [values[k * n : (k + 1) * n] for k in range(len(self.moves))]
        if resting:
            rows.insert(self.recipe.middle or 0, values[-1:])
        with np.errstate(all="ignore"):
            value = combine(self.recipe, rows, h)
        return (value if all_finite(value) and moves(value) else None), seen

    def steps(self, x: FloatArray) -> FloatArray | None:
        """Return representable steps, or None if one is no small part of its x.

        An x so large, or unknown, that its step is not finite has no finite coefficient.
        """
        h = np.abs(x)
        if np.count_nonzero(h < self._small) and ((h > 0) & (h < self._small)).any():
            return None
        np.maximum(h, self._shortest, out=h)
        h *= self._share
        h += x
        h -= x
        return h


def lengths(plan: Plan, floor: float) -> tuple[float, float]:
    """Return the optimal step in units of x, and the least x but 0 of which that step is a small part.

    The length of f is that of x, or the floor.
    """
    factor = optimal_factor(plan.formula, EPS)
    # Rounding a step to a representable one moves it a little.
    share = 1.001 * REACH * factor
    return factor, share * floor if share < 1 else math.inf


def moved(x: FloatArray, move: float, h: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return x + move h in an array of its own, or in `out`."""
    if move == 1:
        return np.add(x, h, out)
    if move == -1:
        return np.subtract(x, h, out)
    return np.add(h * scalar(move), x, out) if move else x.copy()
