"""What a few points, differentiated in full, teach about all the others.

Between two neighboring scouts a function bends on about the same length and has about the same noise.  So the
formula of the crowd gets the shorter of their two steps, and its highest differences must show no more than
their noise.  Where they do, or where the formula did not prove itself on the scouts, the point is
differentiated in full like them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calcml._lines import ElementwiseLines
from calcml._lines._elementwise import PartialLines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_crowd_formula import GRAIN, NOISE_MARGIN, Differences, Formula, measure
from calcml.schemes.base import Coefficient, Scheme

__all__ = ["Guide", "guide", "per_power", "taylor"]

# Scouts: so many, or one point in so many.
SCOUTS, SHARE = 1021, 16
# Steps to try, in powers of two of the scout's own, L/8 or, where a term of the series is missing, more:
# their nodes reach from 0.005 L to 0.6 L.  Where a call is on all points, only what suits most functions, and
# longer steps as long as they help most scouts against a noise of more than so many units of rounding.
POWERS, FEW_POWERS, NOISY = tuple(range(-7, 1)), (-4, -3), 64.0
# The formula may be worse than the full scheme by so much; and neighbors' steps may differ by so much.
WORSE, APART = 100.0, 16.0
# Cells of a table over x; and the share of scouts that must keep their step in it, or half of it, and that
# must agree with the crowd.
COUNT, MOSTLY = 2048, 0.95
# Neighbors on either side whose noise counts as well.
POOL = 2


@dataclass(frozen=True, eq=False)
class Guide:
    """Step and noise of f as functions of x.

    Attributes
    ----------
    at : ndarray, shape (S,)
        Positions of the scouts, rising.
    step : ndarray, shape (S + 1,)
        Step of the formula between a scout and the one before it, and on the scout; 0 unless the formula has
        proved itself on both.
    noise : ndarray, shape (S + 1,)
        Noise of f there, in units of |f|.
    scouts : ndarray of int
        Which lines the scouts are.
    value, error : ndarray
        What the full scheme gives on them.
    """

    at: FloatArray
    step: FloatArray
    noise: FloatArray
    scouts: IntArray
    value: FloatArray
    error: FloatArray

    def contradicts(self, value: FloatArray, error: FloatArray, sure: NDArray[np.bool_]) -> bool:
        """Return whether the formula, applied to all lines at once, gives other values on the scouts.

        With them alone it agreed: then f moves with points that are not its own, and is not elementwise.
        """
        sure = sure[self.scouts]
        apart = np.abs(value[self.scouts] - self.value) > error[self.scouts] + self.error
        return bool(np.count_nonzero(apart & sure) > (1 - MOSTLY) * np.count_nonzero(sure))

    @cached_property
    @np.errstate(all="ignore")
    def cells(self) -> Cells | None:
        """The same as a table over cells of equal width, which is found faster, if it loses little."""
        for kind in (Cells, Octaves):
            if kind.suits(self.at):
                cells = kind(self)
                # A cell takes the shortest step in it; most points must not lose much by it.
                same = cells.step.take(cells.place(self.at)) >= self.step[: len(self.at)] / 2
                if np.count_nonzero(same) >= MOSTLY * len(same):
                    return cells
        return None

    def look_up(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return step and noise at any points between the scouts."""
        if self.cells is None:
            place = np.searchsorted(self.at, x)
            return self.step[place], self.noise[place]
        # Where x is NaN its place says nothing; "clip" keeps it in range, and is fast.
        cell = self.cells.place(x)
        return self.cells.step.take(cell, mode="clip"), self.cells.noise.take(cell, mode="clip")


class Cells:
    """The tables of a guide over cells of equal width in x.

    A cell holds what is safe on all intervals that reach into it.  Which these are follows from the cells of
    the scouts, because the place is a monotonic function of x, rounding included.
    """

    def __init__(self, known: Guide) -> None:
        self.low, self.high = np.float64(known.at[0]), np.float64(known.at[-1])
        self._prepare()
        k, cells = self.place(known.at), np.arange(COUNT)
        first, last = np.searchsorted(k, cells), np.searchsorted(k, cells, side="right")
        ends = np.minimum(np.stack([first, last + 1], axis=1), len(k)).ravel()
        # `reduceat` gives, for each second pair of ends, the values between them, or the first one alone.
        self.step, self.noise = (
            ufunc.reduceat(values, ends)[::2]
            for ufunc, values in ((np.minimum, known.step), (np.maximum, known.noise))
        )

    @staticmethod
    def suits(at: FloatArray) -> bool:
        """Return whether x can be counted in cells: their width, and its inverse, must be numbers."""
        return bool(COUNT / np.finfo(np.float64).max < at[-1] - at[0] < np.inf)

    def _prepare(self) -> None:
        self.scale = (COUNT - 1) / (self.high - self.low)

    def place(self, x: FloatArray) -> IntArray:
        """Return the cell of each x."""
        return ((x - self.low) * self.scale).astype(np.intp)


class Octaves(Cells):
    """Cells of about equal width in log x: the numbers of one sign, read as integers, count them."""

    @staticmethod
    def suits(at: FloatArray) -> bool:
        """Return whether all x are positive, or negative, numbers of eight bytes."""
        return bool(at.dtype == np.float64 and at[-1] > at[0] and (at[0] > 0 or at[-1] < 0))

    def _prepare(self) -> None:
        self.sign = 1 if self.low > 0 else -1
        low, high = (int(np.abs(end).view(np.int64)) for end in (self.low, self.high))
        self.origin, self.shift = min(low, high), (abs(high - low) // (COUNT - 1)).bit_length()
        self.top = abs(high - low) >> self.shift

    def place(self, x: FloatArray) -> IntArray:
        """Return the cell of each x."""
        bits = np.ascontiguousarray(x).view(np.int64) if self.sign > 0 else np.negative(x).view(np.int64)
        place = (bits - self.origin) >> self.shift
        return place if self.sign > 0 else self.top - place


@np.errstate(all="ignore")
def guide(scheme: Scheme, lines: ElementwiseLines, formula: Formula, usable: IntArray) -> Guide:
    """Send scouts out to some of the usable lines and return what they have learned."""
    index = _positions(lines, usable)
    scouts = lines.part(index)
    full = scheme.coefficient(scouts, formula.n)
    try_steps = _at_once if lines.divides else _in_turn
    step, error, value, share, size = try_steps(lines, index, full.step, formula)
    before = (full.truncation + full.noise)[:, 0]
    sure = _proved(full, before, value, error)
    # The formula may seem much better and miss what the full scheme has seen at other steps, where x is
    # rounded inside f, by the same distance at all its nodes.  So it is never surer than its scouts.
    least = before / (NOISE_MARGIN * formula.rms * size)
    for _ in range(formula.n):
        least *= step
    share = np.where(sure, np.fmax(share, least), share)
    share[~np.isfinite(share)] = 0.0
    tables = _between(scouts.x, step, share, sure)
    return Guide(*tables, index, full.value[:, 0], before)


def _at_once(
    lines: ElementwiseLines, index: IntArray, step: FloatArray, formula: Formula
) -> list[FloatArray]:
    """Return step, error, value, noise and size of the best formula on each scout; only errors are not 0."""
    # Each power has scouts of its own, at the same points: one call of NumPy serves them all.
    powers = 2.0 ** np.array(POWERS)
    tables = _tried(lines.part(np.tile(index, len(powers))), np.outer(powers, step).ravel(), formula)
    rows = [table.reshape(len(powers), -1) for table in tables]
    place = rows[1].argmin(axis=0), np.arange(len(index))
    return [row[place] for row in rows]


def _in_turn(
    lines: ElementwiseLines, index: IntArray, step: FloatArray, formula: Formula
) -> list[FloatArray]:
    """Return the same where a call is on all points."""
    scouts, powers = lines.part(index), list(FEW_POWERS)
    blank = np.zeros(len(index))
    best: list[FloatArray] = [blank, blank + np.inf, blank, blank, blank]
    for power in powers:
        tables = _tried(scouts, step * 2.0**power, formula)
        better = tables[1] < best[1]
        best = [np.where(better, new, old) for new, old in zip(tables, best, strict=True)]
        helped = np.count_nonzero(better & (tables[3] > NOISY * lines.eps))
        # The loop goes on with it.
        if power == powers[-1] < POWERS[-1] and helped > len(index) / 2:
            powers.append(power + 1)
    return best


def _tried(scouts: PartialLines, h: FloatArray, formula: Formula) -> list[FloatArray]:
    """Return step, error, value, noise in units of |f|, and that; 0, and infinite errors where it fails."""
    d = measure(formula, scouts, h)
    value, truncation, noise = taylor(formula, d, d.spread, scouts.eps)
    error = np.where(_allowed(scouts, formula, h), truncation + noise, np.inf)
    good = error < np.inf
    step, value, share, size = (np.where(good, part, 0.0) for part in (h, value, d.spread / d.size, d.size))
    return [step, np.where(good, error, np.inf), value, share, size]


def _positions(lines: ElementwiseLines, usable: IntArray) -> IntArray:
    """Return the indices of the scouts in rising order of x: the ends, and any."""
    count = min(SCOUTS, lines.count // SHARE)
    # Multiples of the golden ratio fall into no pattern that x may have.
    any_of = usable[((np.arange(count) * 0.6180339887498949) % 1.0 * len(usable)).astype(int)]
    x = lines.x if len(usable) == lines.count else lines.x[usable]
    index = np.append(any_of, usable[[x.argmin(), x.argmax()]])
    if lines.divides:
        return index[np.unique(lines.x[index], return_index=True)[1]]
    # The function may be another one at every point, at equal x as well.
    index = np.unique(index)
    return index[np.argsort(lines.x[index], kind="stable")]


def _allowed(scouts: PartialLines, formula: Formula, h: FloatArray) -> NDArray[np.bool_]:
    """Return where nodes at this step are floating-point numbers, and inside the bounds."""
    t = formula.nodes[-1] * h
    exact = scouts.representable(float(GRAIN) * h) == float(GRAIN) * h
    return exact & (t <= scouts.upper) & (-t >= scouts.lower)


def _proved(full: Coefficient, before: FloatArray, value: FloatArray, error: FloatArray) -> NDArray[np.bool_]:
    """Return where the formula agrees with the full scheme of error `before`, and is not much worse."""
    agrees = np.abs(value - full.value[:, 0]) <= error + before
    return agrees & (error <= WORSE * before) & (full.status[:, 0] == Status.OK)


def _between(
    at: FloatArray, step: FloatArray, noise: FloatArray, sure: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Join what neighbors know; beyond the last scout there is nothing to go by."""
    starts = np.flatnonzero(np.append(True, at[1:] != at[:-1]))

    def join(ufunc: np.ufunc, values: FloatArray) -> FloatArray:
        one = ufunc.reduceat(values, starts)
        return np.concatenate([one[:1], ufunc(one[:-1], one[1:]), [0.0]])

    low, high = join(np.minimum, step), join(np.maximum, step)
    both = join(np.minimum, sure.astype(float)) * (high <= APART * low)
    return at[starts], low * both, join(np.maximum, _pooled(noise))


def _pooled(noise: FloatArray) -> FloatArray:
    """Return the largest of five neighbors: one alone can look quiet by chance."""
    padded = np.pad(noise, POOL)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * POOL + 1).max(axis=1)


def taylor(
    formula: Formula, d: Differences, sigma: FloatArray, eps: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return c_n; its truncation, which its own differences tell; and its noise, given that of f, `sigma`."""
    noise = formula.worst * (eps / 2 * d.size + d.slip) + NOISE_MARGIN * formula.rms * sigma
    value, truncation = d.value, formula.change * d.spread
    return (
        per_power(value, d.step, formula.n),
        per_power(truncation, d.step, formula.n),
        per_power(noise, d.step, formula.n),
    )


def per_power(values: FloatArray, h: FloatArray, n: int) -> FloatArray:
    """Divide n times by h: its power may be out of range where the result is not."""
    for _ in range(n):
        values = values / h
    return values
