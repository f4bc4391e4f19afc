"""What `Adaptive` has found on each line: the coefficient, its error, and whether two digits are sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import LENGTH, Rows, every, over_outputs, scale_of, some
from calcml.schemes._adaptive_tableau import Best

__all__ = ["Found"]

_FIELDS = ("value", "truncation", "noise", "rounding", "sigma", "span", "far", "slope", "slack", "step")

# Fewer than two digits: the error exceeds this share of the value and of the span of f over L, by Lⁿ.  At a
# kink or a jump h is tiny and means nothing: L is |x| / 10 at least.
INACCURATE, NEAR = 1e-2, 0.1


@dataclass(eq=False)
class Found:
    """Results per line and output.

    Parts of a coefficient; the noise of f, by rounding and as measured; how much f changes over its length,
    and by the n-th power of a longer step, where one was tried; of higher derivatives also the slope of f at
    the same nodes, and how sure that is.
    """

    value: FloatArray
    truncation: FloatArray
    noise: FloatArray
    rounding: FloatArray
    sigma: FloatArray
    span: FloatArray
    far: FloatArray
    slope: FloatArray
    slack: FloatArray
    step: FloatArray

    @classmethod
    def empty(cls, like: FloatArray) -> Found:
        """Return results of which nothing is known."""
        blank = np.full((9, *like.shape), np.nan, like.dtype)
        value, truncation, noise, rounding, sigma, span, far, slope, slack = blank
        return cls(value, truncation, noise, rounding, sigma, span, far, slope, slack, np.zeros(len(like)))

    @classmethod
    def of(cls, best: Best, step: FloatArray, sign: FloatArray, n: int) -> Found:
        """Return the entries of a tableau in the units of t."""
        value, truncation, noise = best.value * sign[:, None] ** n, best.truncation, best.noise
        for _ in range(n):  # one by one, because hⁿ may overflow where the result does not
            value, truncation, noise = (part / step[:, None] for part in (value, truncation, noise))
        far, slope, slack = np.zeros((3, *value.shape))
        return cls(
            value, truncation, noise, best.rounding, best.sigma, np.abs(value), far, slope, slack, step
        )

    @property
    def error(self) -> FloatArray:
        """Truncation and noise together."""
        return self.truncation + self.noise

    @property
    def unsure(self) -> NDArray[np.bool_]:
        """Where the error is more than a small share of the value."""
        return ~(self.error <= INACCURATE * np.abs(self.value)) | np.isinf(self.error)

    def take(self, rows: Rows) -> Found:
        """Return the results of some lines."""
        return Found(*(getattr(self, name)[rows] for name in _FIELDS))

    def put(self, rows: IntArray, other: Found) -> None:
        """Replace the results of some lines."""
        everything = len(rows) == len(self.step)
        for name in _FIELDS:
            if everything:
                setattr(self, name, getattr(other, name))
            else:
                getattr(self, name)[rows] = getattr(other, name)

    def enter(self, rows: IntArray, other: Found, check: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Replace results, of lines to check only by better ones that agree; return which lines have any."""
        if not some(check):
            self.put(rows, other)
            return ~check
        better, checked = ~check, np.flatnonzero(check)
        self.put(rows[better], other.take(np.flatnonzero(better)))
        better[checked] = self._improve(rows[checked], other.take(checked))
        return better

    def _improve(self, rows: IntArray, other: Found) -> NDArray[np.bool_]:
        """Replace results by more certain ones that agree with them; return which lines have any."""
        before = self.take(rows)
        better = np.abs(other.value - before.value) <= before.error + other.error
        better &= other.error < before.error
        self.amend(rows, other, better)
        return over_outputs(np.logical_or, better)

    def poor(self, n: int, scale: FloatArray) -> NDArray[np.bool_]:
        """Return where fewer than two digits are sure; |x| along each line is `scale`, or 0."""
        poor = self.unsure
        if some(poor):
            length = np.maximum(LENGTH * self.step, NEAR * np.where(scale > 0, scale, 1.0))[:, None]
            unit = self.span
            for _ in range(n):
                unit = unit / length
            # Where f shrinks with the step, as a power of x at 0 does, only a longer one tells what zero is.
            zero = np.abs(self.value) <= self.error
            unit = np.where(zero, np.fmax(unit, self.far), unit)
            poor &= ~(self.error <= INACCURATE * unit) | np.isinf(self.error)
        return poor

    def status(self, n: int, lines: Lines) -> IntArray:
        """Return the codes of `Status`."""
        codes, finite = np.zeros(self.value.shape, dtype=np.int8), np.isfinite(self.value)
        if every(finite) and not some(self.unsure):
            return codes
        codes[self.poor(n, scale_of(lines))] = Status.INACCURATE
        codes[~finite] = Status.NON_FINITE
        if lines.bounded:
            codes[(lines.lower == lines.upper)[:, None] & np.isfinite(lines.origin())] = Status.NO_ROOM
        return codes

    def amend(self, rows: IntArray, other: Found, better: NDArray[np.bool_]) -> None:
        """Replace results of some lines, and of those only the outputs for which others are better."""
        for name in _FIELDS:
            choice = over_outputs(np.logical_or, better) if name == "step" else better
            whole = getattr(self, name)
            whole[rows] = np.where(choice, getattr(other, name), whole[rows])
