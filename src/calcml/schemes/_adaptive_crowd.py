"""`Adaptive` for many points of an elementwise function: a few are differentiated in full and guide others.

Looking for the length scale of f at each point by itself costs twenty evaluations and far more arithmetic.
At many points of one function it is known from the neighbors; what remains is one formula, and the proof by
its own differences that it fits.  Points where it does not are differentiated in full.
"""

from __future__ import annotations

from typing import TypeGuard

import numpy as np

from calcml._lines import ElementwiseLines, Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_crowd_formula import BLOCK, MOST, Differences, Formula, formula_of, measure
from calcml.schemes._adaptive_crowd_guide import Guide, guide, per_power, taylor
from calcml.schemes._adaptive_fan import LENGTH
from calcml.schemes.base import Coefficient, Scheme

__all__ = ["crowd", "is_crowd"]

# From the first on the formula pays for its scouts if f takes parts, from the second on even if each of their
# evaluations is one of all of x.
LEAST, LEAST_WHOLE = 1024, 4096
# Highest differences may exceed the noise of the scouts by so much.
LOUD = 8.0
# Lines that are differentiated in full at a time.
GROUP = 4096
# Fewer than two digits, as `Adaptive` has it.  Where that is a question, noise has made the step of the
# formula as long as that of the full scheme; at a kink or a jump it means nothing, and the length of f is
# |x| / 10 at least.
INACCURATE, NEAR = 1e-2, 0.1


def is_crowd(lines: Lines) -> TypeGuard[ElementwiseLines]:
    """Return whether these are many points of one function."""
    if type(lines) is not ElementwiseLines or lines.count < LEAST:
        return False
    return lines.count >= LEAST_WHOLE or lines.divides


def crowd(scheme: Scheme, lines: ElementwiseLines, n: int, *, error: bool) -> Coefficient:
    """Return the n-th Taylor coefficient on each line."""
    dividing = lines.divides  # Whole calls come after the parts have been tried.
    origin = lines.origin()
    if not dividing:
        with np.errstate(all="ignore"):
            lines.confirm()
    table = _Table(lines, error)
    alive = np.isfinite(origin).any(axis=1)
    rest, usable = np.flatnonzero(alive), np.flatnonzero(alive & np.isfinite(lines.x))
    if n <= MOST and origin.shape[1] == 1 and lines.dtype == np.float64 and len(usable):
        formula = formula_of(n)
        known = guide(scheme, lines, formula, usable)
        size = BLOCK if dividing else lines.count
        rest = np.concatenate(
            [_follow(lines, slice(k, k + size), formula, known, table) for k in range(0, lines.count, size)]
        )
    size = GROUP if dividing else max(len(rest), 1)
    for k in range(0, len(rest), size):
        index = rest[k : k + size]
        table.put(index, scheme.coefficient(lines.part(index), n, error=error))
    return table.coefficient()


class _Table:
    """Results of all lines; the errors only where they are wanted."""

    def __init__(self, lines: ElementwiseLines, error: bool) -> None:
        shape = lines.origin().shape
        self.value = np.full(shape, np.nan, lines.dtype)
        self.errors = np.full((2, *shape), np.nan, lines.dtype) if error else None
        self.step = np.zeros(lines.count)
        self.status = np.full(shape, Status.NON_FINITE, dtype=np.int8)

    def put(self, index: slice | IntArray, c: Coefficient) -> None:
        self.value[index], self.step[index], self.status[index] = c.value, c.step, c.status
        if self.errors is not None:
            self.errors[0, index], self.errors[1, index] = c.truncation, c.noise

    def clear(self, index: IntArray) -> None:
        self.value[index], self.step[index], self.status[index] = np.nan, 0.0, Status.NON_FINITE
        if self.errors is not None:
            self.errors[:, index] = np.nan

    def coefficient(self) -> Coefficient:
        blank = np.broadcast_to(np.array(np.nan, self.value.dtype), (2, *self.value.shape))
        truncation, noise = blank if self.errors is None else self.errors
        return Coefficient(self.value, truncation, noise, self.step, self.status)


@np.errstate(all="ignore")
def _follow(lines: ElementwiseLines, cut: slice, formula: Formula, known: Guide, table: _Table) -> IntArray:
    """Apply the formula to some lines; return those that must be differentiated in full."""
    part = lines.part(cut)
    alive = np.isfinite(part.origin()[:, 0])
    step, noise_share = known.look_up(part.x)
    sure = (step > 0) & alive
    if not sure.any():
        return cut.start + np.flatnonzero(alive)
    d = measure(formula, part, step)
    sigma = noise_share * d.size
    sure &= d.spread <= LOUD * sigma
    if part.bounded:
        t = formula.nodes[-1] * step
        sure &= (t <= part.upper) & (-t >= part.lower)
    # What is noise as a part of |f| may be more where |f| is less: the point's own differences count as well.
    value, truncation, noise = taylor(formula, d, np.maximum(sigma, d.spread), part.eps)
    error = truncation + noise
    sure &= np.isfinite(value) & np.isfinite(error)
    if not lines.divides and known.contradicts(value, error, sure):
        sure[:] = False
    status = _status(formula, value, error, d, part.x)
    column = (slice(None), None)
    table.put(cut, Coefficient(value[column], truncation[column], noise[column], step, status[column]))
    if not alive.all():
        table.clear(cut.start + np.flatnonzero(~alive))
    return cut.start + np.flatnonzero(alive & ~sure)


def _status(
    formula: Formula, value: FloatArray, error: FloatArray, d: Differences, x: FloatArray
) -> IntArray:
    """Return the codes of `Status`: two digits of the value, or of the change of f over its length, do."""
    status = np.zeros(len(value), dtype=np.int8)
    rows = np.flatnonzero(~(error <= INACCURATE * np.abs(value)))
    if len(rows):
        scale, change = np.abs(x[rows]), LENGTH / formula.nodes[-1] * d.change[rows]
        length = np.maximum(LENGTH * d.step[rows], NEAR * np.where(scale > 0, scale, 1.0))
        unit = per_power(np.where(change > 0, change, d.size[rows]), length, formula.n)
        status[rows[~(error[rows] <= INACCURATE * unit)]] = Status.INACCURATE
    return status
