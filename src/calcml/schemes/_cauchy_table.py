"""The best coefficients so far, from all circles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray
from calcml.schemes._cauchy_circle import Circle

__all__ = ["Table", "over_power"]


class Table:
    """Coefficients of the wanted orders with their errors; each from the circle with the least error.

    Attributes
    ----------
    orders : tuple of int
        The wanted orders.
    value, truncation, noise, log_error, log_value, radius : ndarray, shape (K, P, M)
        One row per order; NaN, and an infinite error, before there is a value.
    """

    def __init__(self, lines: Lines, orders: Sequence[int]) -> None:
        self.orders = tuple(orders)
        shape = (len(self.orders), *lines.origin().shape)
        self.value, self.truncation, self.noise, self.size, self.radius = (
            np.full(shape, np.nan, dtype=lines.dtype) for _ in range(5)
        )
        self.log_error, self.log_value = np.full(shape, np.inf), np.full(shape, -np.inf)

    def place(self, n: int) -> int:
        """Return the row of order n."""
        return self.orders.index(n)

    def enter(self, circle: Circle, good: NDArray[np.bool_]) -> None:
        """Take from the lines on which a circle is good what it does better than those before."""
        rows, radius = circle.index, circle.radius[:, None]
        # Against nothing at all, underflow would look like lost digits.
        largest = np.maximum(circle.size.max(axis=0), np.finfo(float).tiny)
        for place, n in enumerate(self.orders):
            if n > circle.points // 2:
                continue
            truncation = circle.truncation(n)
            with np.errstate(divide="ignore"):
                log_value = np.log(circle.size[n]) - n * np.log(radius)
                log_error = np.log(truncation + circle.noise) - n * np.log(radius)
            better = good[:, None] & (log_error < self.log_error[place, rows])
            parts = (circle.terms[n], truncation, circle.noise, largest)
            tables = (self.value, self.truncation, self.noise, self.size)
            for table, part in zip(tables, parts, strict=True):
                table[place, rows] = np.where(better, over_power(part, radius, n), table[place, rows])
            self.radius[place, rows] = np.where(better, radius, self.radius[place, rows])
            self.log_value[place, rows] = np.where(better, log_value, self.log_value[place, rows])
            self.log_error[place, rows] = np.where(better, log_error, self.log_error[place, rows])

    def admit(self, noise: FloatArray) -> None:
        """Raise the noise of all coefficients to that of f, shape (P, M), NaN where it was not seen."""
        for place, n in enumerate(self.orders):
            self.noise[place] = np.fmax(self.noise[place], over_power(noise, self.radius[place], n))


def over_power(value: FloatArray, radius: FloatArray, n: int) -> FloatArray:
    """Return value / radiusⁿ where the power itself may be out of range."""
    mantissa, exponent = np.frexp(radius)
    with np.errstate(all="ignore"):
        return np.ldexp(value / mantissa**n, -n * exponent)
