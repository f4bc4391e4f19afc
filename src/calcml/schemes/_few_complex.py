"""The complex step for a scalar f of few variables, number by number, and its check.

As in `_few`: what f takes for a call is little beside what `ComplexStep` does for every kind of line.  Same
points, same check: the derivative along a mixture of all axes must agree with a central difference within its
error.  Whatever else there is to look into is left to `ComplexStep`, together with f(x).
"""

# A `strict=` in a zip costs as much as the loop.
# ruff: noqa: B905

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from calcml._lines import BLOCK, mixtures
from calcml._typing import FloatArray
from calcml._validation import is_vector
from calcml.schemes._imaginary import ALIKE, DOUBT, SMALL, STEP
from calcml.schemes._quick import EPS, LARGE
from calcml.schemes._recipe import Plan
from calcml.schemes._weighing import TRUNCATION_MARGIN
from calcml.schemes.steps import optimal_factor

__all__ = ["FewImaginary"]

# So many variables that the points fit one block.
MOST = math.isqrt(BLOCK)
# Smaller values and slopes, or none, may have lost imaginary parts to underflow.
LEAST = 1e-200


class FewImaginary:
    """The complex step of an f of few variables, checked by the formula of a plan."""

    def __init__(self, plan: Plan) -> None:
        recipe = plan.judged
        self.weights, self.better = recipe.weights
        self.grid, self.span = recipe.grid[:, None], float(recipe.grid[-1] - recipe.grid[0])
        self.factor, self.rounding = optimal_factor(plan.formula, EPS), EPS * recipe.condition

    @np.errstate(all="ignore")
    def gradient(self, f: Callable[[Any], Any], x: Any) -> tuple[FloatArray | None, list[Any]]:
        """Return the gradient, or None and what f returned at x if it was called at all."""
        if not is_vector(x) or not 0 < len(x) <= MOST:
            return None, []
        sizes: list[float] = np.abs(x).tolist()
        for size in sizes:
            if 0.0 < size < SMALL or not size < LARGE:
                return None, []
        origin = f(x.copy())
        if not _plain(origin) or not (LEAST < abs(origin) < LARGE or origin == 0.0):
            return None, [origin]
        slopes = _slopes(f, x)
        if slopes is None:
            return None, [origin]
        slope = np.array(slopes)
        (w,) = mixtures(np.abs(slope))
        return (slope if self._agrees(f, x, sizes, w, float(w @ slope)) else None), [origin]

    def value(self, f: Callable[[Any], Any], x: FloatArray, seen: list[Any]) -> np.float64:
        """Return f(x), which comes first."""
        return np.float64(seen[0])

    def _agrees(
        self,
        f: Callable[[Any], Any],
        x: FloatArray,
        sizes: list[float],
        direction: FloatArray,
        expected: float,
    ) -> bool:
        """Return whether a central difference along the direction agrees, beyond any doubt."""
        parts: list[float] = np.abs(direction).tolist()
        t = min(self.factor * max(size, 1.0) / part for size, part in zip(sizes, parts) if part)
        values = []
        for point in x + self.grid * t * direction:
            value = f(point)
            if not _plain(value):
                return False
            values.append(float(value))
        value, error = self._difference(values, t, max(sizes) / max(parts))
        apart = abs(value - expected)
        return apart <= error + ALIKE * EPS * max(abs(value), abs(expected)) and apart <= DOUBT * abs(
            expected
        )

    def _difference(self, values: list[float], t: float, along: float) -> tuple[float, float]:
        """Return derivative and error as `weigh_and_judge` has them; x has the size `along` in units of t."""
        first = values[0]
        value = sum(w * (v - first) for w, v in zip(self.weights, values)) / t
        better = sum(w * (v - first) for w, v in zip(self.better, values)) / t
        slope = max(abs(v - first) for v in values) / (self.span * t)
        noise = self.rounding * (max(map(abs, values)) + slope * along / 2) / t
        return value, TRUNCATION_MARGIN * abs(value - better) + noise


def _slopes(f: Callable[[Any], Any], x: FloatArray) -> list[float] | None:
    """Return Im f(x + i h e_k) / h for all k, or None."""
    numbers: list[float] = x.tolist()
    points = np.empty((len(x), len(x)), complex)
    points[...] = x
    slopes, k = [], 0
    for point in points:
        point[k] = complex(numbers[k], STEP)
        k += 1  # noqa: SIM113 - at less cost
        try:
            value = f(point)
        except Exception:  # noqa: BLE001  What f thinks of complex numbers, it will say again.
            return None
        if type(value) is not np.complex128 and type(value) is not complex:
            return None
        value = complex(value)
        slope = value.imag / STEP
        # Where f stands still, it may be rounded to some figures.
        if not LEAST < abs(slope) < LARGE or not abs(value.real) < LARGE:
            return None
        slopes.append(slope)
    return slopes


def _plain(value: Any) -> bool:
    return type(value) is np.float64 or type(value) is float
