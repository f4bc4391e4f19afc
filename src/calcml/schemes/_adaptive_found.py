"""What `Adaptive` has found on each line: the coefficient, its error, and whether two digits are sure."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import over_outputs, scale_of
from calcml.schemes._adaptive_tableau import Best

__all__ = ["LENGTH", "Found"]

# Fewer than two digits: the error exceeds this share of the value and of max|f| / Lⁿ, where L = 8h because
# the search ends at (h/L)² = 0.015.  At a kink or a jump h is tiny and means nothing: L is |x| / 10 at least.
INACCURATE, LENGTH, NEAR = 1e-2, 8.0, 0.1


@dataclass(eq=False)
class Found:
    """Results per line and output: parts of a coefficient, and the noise of f by rounding and as measured."""

    value: FloatArray
    truncation: FloatArray
    noise: FloatArray
    rounding: FloatArray
    sigma: FloatArray
    step: FloatArray

    @classmethod
    def empty(cls, like: FloatArray) -> Found:
        """Return results of which nothing is known."""
        blank = [np.full(like.shape, np.nan, like.dtype) for _ in range(5)]
        return cls(blank[0], blank[1], blank[2], blank[3], blank[4], np.zeros(len(like)))

    @classmethod
    def of(cls, best: Best, step: FloatArray, sign: FloatArray, n: int) -> Found:
        """Return the entries of a tableau in the units of t."""
        value, truncation, noise = best.value * sign[:, None] ** n, best.truncation, best.noise
        for _ in range(n):  # one by one, because hⁿ may overflow where the result does not
            value, truncation, noise = (part / step[:, None] for part in (value, truncation, noise))
        return cls(value, truncation, noise, best.rounding, best.sigma, step)

    @property
    def error(self) -> FloatArray:
        """Truncation and noise together."""
        return self.truncation + self.noise

    def take(self, rows: IntArray) -> Found:
        """Return the results of some lines."""
        return Found(*(getattr(self, field.name)[rows] for field in fields(self)))

    def put(self, rows: IntArray, other: Found) -> None:
        """Replace the results of some lines."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)

    def improve(self, rows: IntArray, other: Found) -> NDArray[np.bool_]:
        """Replace results by more certain ones that agree with them; return which lines have any."""
        before = self.take(rows)
        better = np.abs(other.value - before.value) <= before.error + other.error
        better &= other.error < before.error
        for field in fields(self)[:-1]:
            old, new = getattr(before, field.name), getattr(other, field.name)
            getattr(self, field.name)[rows] = np.where(better, new, old)
        any_better = over_outputs(np.logical_or, better)
        self.step[rows] = np.where(any_better, other.step, before.step)
        return any_better

    def status(self, n: int, lines: Lines) -> IntArray:
        """Return the codes of `Status`."""
        size = scale_of(lines)
        length = np.maximum(LENGTH * self.step, NEAR * np.where(size > 0, size, 1.0))[:, None]
        with np.errstate(all="ignore"):
            unit = 2 / lines.eps * self.rounding
            for _ in range(n):
                unit = unit / length
            poor = ~(self.error <= INACCURATE * np.maximum(np.abs(self.value), unit)) | np.isinf(self.error)
        codes = np.where(poor, Status.INACCURATE, Status.OK)
        codes = np.where(np.isfinite(self.value), codes, Status.NON_FINITE)
        shut = (lines.lower == lines.upper)[:, None] & np.isfinite(lines.origin())
        return np.where(shut, Status.NO_ROOM, codes).astype(np.int8)
