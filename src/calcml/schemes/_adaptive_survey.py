"""`Adaptive` for many lines at once: one look at f, or two, where nothing is out of the ordinary.

The search tries one step after another, and asks at each what else its values could mean; for a hundred lines
the calls of NumPy that ask take far longer than f.  Most functions need none of that.  The first look is at
nine steps from 1/2 to 1/512 of x.  They tell on which length f bends, and are a tableau themselves: that is
the answer if its steps are about those that this length asks for.  The second look is the tableau at steps of
that length.  Both are believed if they prove themselves: no difference is more than rounding leaves of a
smooth f, and f right beside x, too close for the tableau to see, has the slope that it finds.  All other
lines are left to the search.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from calcml._lines import ElementwiseLines, Lines
from calcml._typing import FloatArray, IntArray
from calcml.errors import EvaluationError
from calcml.schemes._adaptive_extrapolation import best_entries, first_grid
from calcml.schemes._adaptive_fan import LENGTH, SIGNIFICANT, Symmetric, every, over_outputs
from calcml.schemes._adaptive_found import Found
from calcml.schemes._adaptive_nodes import BETWEEN
from calcml.schemes._adaptive_steps import ASIDE, Q_WANTED
from calcml.schemes._adaptive_tableau import Best, Grid, grid_of
from calcml.schemes._adaptive_trials import Q_HIGH
from calcml.schemes._quick import DOUBLE, EPS, LARGE

__all__ = ["FEWEST", "suits", "survey"]

# The highest order of derivatives; and fewer lines take less time number by number.
HIGHEST, FEWEST = 2, 4
# All steps of both looks have all the digits that x + t leaves them: where f rounds x to fewer digits, by
# adding 1 to it, say, each point is rounded in another way, and shows as noise.  Steps of few digits are all
# rounded like x itself, and f looks smooth with another slope.
UNEVEN = 1 + 2.0**-12 / np.pi
# The steps of the first look in units of x, each about half of the one before, every second one exactly a
# fourth; and those right beside x: one below the spacing of float32, with half of the digits of float64, and
# one between that and the others.
STEPS, BESIDE = UNEVEN * 2.0 ** -np.arange(1.0, 10.0), np.array([2.0**-14, 2.0**-27])
STEPS[1::2] *= 1 + BETWEEN
NODES, QUARTERS = np.append(STEPS, BESIDE), np.array([4.0, 16.0])[:, None, None, None]
# The largest node of a tableau is about twice its step.
SCALE = 2.0**-2
# Where no bend is told from rounding, the next step may be so many times as long.
BOLD = 64.0
# The tableau has so many nodes more than a search begins with, which comes back for more; and the room for
# its step is so many times the step, which may be rounded up.
MORE, ROOM = 3, 4.0
# The error that is believed, as a share of the first terms at the step; and how many times rounding the noise
# of f may be.
SURE, NOISY = 1e-9, 64.0
# The error of the first look, in units of rounding at the step that it asks for, by the order of the
# derivative.  There the second look leaves 30 to 200, and 200 to 1200 unless f is a polynomial; what lacks
# steps of that length has 1e4 and more.
FINE = {1: 1024.0, 2: 256.0}
# By how many times their noise two values beside x may differ from what the slope makes of them; and a tail
# that is small by chance may be so many times as large.
DIFFERENT, BENT = 64.0, 4.0
# The length of f is no longer than so many times that at so many neighbors on either side.
LONGER, NEIGHBORS = 2.0, 4


def suits(lines: Lines, n: int) -> bool:
    """Return whether f takes many points in one call, and has the digits that a survey counts on."""
    if n > HIGHEST or lines.dtype != DOUBLE or lines.eps != EPS:
        return False
    return isinstance(lines, ElementwiseLines) or lines.function.vectorized


def survey(lines: Lines, index: IntArray, n: int, levels: int, found: Found) -> IntArray:
    """Enter the coefficients on some lines; return the lines that must be searched.

    The caller holds NumPy's warnings off.
    """
    if len(index) < FEWEST:
        return index
    fan = Symmetric(lines, index)
    unit = _unit(fan)
    good = (STEPS[0] * unit <= fan.room) & (unit < LARGE)
    if np.count_nonzero(good) < FEWEST:
        return index
    if not every(good):
        fan, unit = Symmetric(lines, index[good]), unit[good]
    try:
        proved, result = _look(fan, unit, n, levels)
    except Exception as error:
        # What f refuses so far from x, it may take where the search goes; but columns that know of each other
        # do so at any step.
        if isinstance(error, EvaluationError) and lines.function.unchecked:
            raise
        return index
    rows = np.flatnonzero(proved)
    found.put(fan.index[rows], result.take(rows))
    good[good] = proved
    return index[~good]


@dataclass(frozen=True, eq=False)
class FirstLook:
    """What the first look tells of each line.

    Attributes
    ----------
    step : ndarray, shape (p,)
        The step for a tableau.
    lawful, bends : ndarray of bool, shape (p,)
        Whether the terms fall at some step, and at all shorter ones, as those of a Taylor series do; and
        whether f bends, at any step, by more than rounding.
    terms : ndarray, shape (2, p, M)
        The first two Taylor coefficients.
    slope, slack : ndarray, shape (p, M)
        The slope at the shortest steps, and its truncation.
    beside, bent : ndarray, shape (2, p, M)
        The slopes right beside x, and their truncation.
    noise : ndarray, shape (2, p, 1)
        By how much they may differ from the true one, for values of f with noise 1.
    """

    step: FloatArray
    lawful: NDArray[np.bool_]
    bends: NDArray[np.bool_]
    terms: FloatArray
    slope: FloatArray
    slack: FloatArray
    beside: FloatArray
    bent: FloatArray
    noise: FloatArray

    def head(self, step: FloatArray) -> FloatArray:
        """Return the larger of the first two Taylor terms at a step."""
        slope, bend = np.abs(self.terms)
        return np.maximum(slope * step[:, None], bend * (step**2)[:, None])

    def take(self, rows: IntArray) -> FirstLook:
        """Return what is known of some lines."""
        parts = (getattr(self, part.name) for part in fields(self))
        return FirstLook(*(part.take(rows, -min(part.ndim, 2)) for part in parts))


def _look(fan: Symmetric, unit: FloatArray, n: int, levels: int) -> tuple[NDArray[np.bool_], Found]:
    """Return the lines on which a tableau has proved itself, and what it gives."""
    values, step = fan.evaluate(NODES, unit, slice(None)), SCALE * unit
    first = _first_look(fan, unit, values)
    proved, found = np.zeros(len(unit), dtype=bool), Found.empty(fan.origin)

    def enter(rows: IntArray, table: Grid, values: FloatArray, step: FloatArray, fine: float) -> None:
        part = Symmetric(fan.lines, fan.index[rows])
        proved[rows], result = _judged(part, table, values, step, first.take(rows), n, fine)
        found.put(rows, result)

    series = fan.series_of(n)
    enter(np.arange(len(unit)), grid_of(tuple(STEPS / SCALE), *series), values[: len(STEPS)], step, FINE[n])
    rows = np.flatnonzero(~proved)
    if len(rows):
        nodes, step = UNEVEN * first_grid(fan, n, levels + MORE).nodes, first.step[rows]
        enter(rows, grid_of(tuple(nodes), *series), fan.evaluate(nodes, step, rows), step, np.inf)
    return proved, found


def _judged(
    fan: Symmetric,
    table: Grid,
    values: FloatArray,
    step: FloatArray,
    first: FirstLook,
    n: int,
    fine: float,
) -> tuple[NDArray[np.bool_], Found]:
    """Return the lines on which the tableau of these values proves itself, and what it gives."""
    best = best_entries(fan, table, values, step, np.arange(len(step)), n, np.zeros(fan.origin.shape))
    result, head = Found.of(best, step, fan.signs[0], n), first.head(step)
    result.span = LENGTH * head
    # In units of the step, as all terms are.
    error = best.truncation + best.noise
    sure = error <= SURE * np.maximum(np.abs(best.value), head)
    sure &= error <= fine * best.rounding * (step / first.step)[:, None] ** n
    sure &= best.settled & (best.sigma <= NOISY * best.rounding) & _moves(fan, values, best)
    slope, slack = (result.value, 0.0) if n == 1 else (first.slope, first.slack)
    off = slack + first.bent + first.noise * np.maximum(best.rounding, best.sigma)
    sure &= (np.abs(slope - first.beside) <= off).all(axis=0)
    good = over_outputs(np.logical_and, sure) & first.lawful
    if n > 1:
        # Higher derivatives gain from every longer step, up to the scale of x; the search tries those.
        good &= first.bends | (step > np.maximum(fan.size, 1.0) / 2)
    return good, result


def _moves(fan: Symmetric, values: FloatArray, best: Best) -> NDArray[np.bool_]:
    """Return where f moves at the nodes of the best entry: on a plateau all differences vanish."""
    change = np.maximum.reduce(np.abs(values - fan.origin), axis=1)
    change = np.take_along_axis(change, best.first[None], axis=0)[0]
    return change > NOISY * best.rounding


def _first_look(fan: Symmetric, unit: FloatArray, values: FloatArray) -> FirstLook:
    """Return what f at all steps tells, of which every second one is enough.

    With O(t) = [f(t) - f(-t)] / 2 = c₁t + c₃t³ and E(t) = [f(t) + f(-t)] / 2 - f(0) = c₂t² + c₄t⁴, and values
    at h and at 4h,

    15 c₁h = 16 O(h) - O(4h) / 4,  15 c₃h³ = O(4h) / 4 - O(h),
    15 c₂h² = 16 E(h) - E(4h) / 16,  15 c₄h⁴ = E(4h) / 16 - E(h).

    As in the search, q = max(|c₃h³|, |c₄h⁴|) / max(|c₁h|, |c₂h²|) is (h / L)².
    """
    values, close = values[: len(STEPS) : 2], values[len(STEPS) :]
    ahead, behind = values[:, 0] - fan.origin, values[:, 1] - fan.origin
    parts = np.array([ahead - behind, ahead + behind]) / 2
    near, far = parts[:, 1:], parts[:, :-1] / QUARTERS
    terms = (16 * near - far) / 15
    head, tail = np.maximum(*np.abs(terms)), np.maximum(*np.abs(far - near)) / 15
    # Rounding of the largest value up to each step.
    size = np.maximum(np.maximum.reduce(np.abs(values[:0:-1]), axis=1), fan.magnitude)
    floor = SIGNIFICANT * fan.eps / 2 * np.maximum.accumulate(size, axis=0)[::-1]
    h = unit * STEPS[2::2, None]
    step, place, lawful, bends = _step(h, head, tail, floor)
    if isinstance(fan.lines, ElementwiseLines):
        step = _like_neighbors(fan.lines.x[fan.index], step)
    step = ASIDE * np.exp2(np.rint(np.log2(np.minimum(step, fan.room / ROOM) / ASIDE)))
    line, short = np.arange(len(step)), h[-1, :, None]
    at = h[place, line][:, None]
    slopes = terms[0, -2:] / h[-2:, :, None]
    t = fan.distances(BESIDE, unit, slice(None))[..., None]
    width = t[:, 0] - t[:, 1]
    return FirstLook(
        step,
        lawful,
        bends,
        terms[:, place, line] / np.array([at, at**2]),
        slopes[1],
        np.abs(slopes[1] - slopes[0]),
        (close[:, 0] - close[:, 1]) / width,
        BENT * tail[-1] / short * (width / short) ** 2,
        2 * DIFFERENT / width,
    )


def _step(
    h: FloatArray, head: FloatArray, tail: FloatArray, floor: FloatArray
) -> tuple[FloatArray, IntArray, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the step for a tableau, at which h it was found, and whether lines are lawful and bend."""
    shown = tail > floor
    q = over_outputs(np.maximum, np.where(shown, tail, floor) / head)
    # From the shortest step up, the last one at which the terms still fall.
    lawful = np.logical_and.accumulate(q[::-1] <= Q_HIGH, axis=0)
    place = np.minimum(len(q) - np.count_nonzero(lawful, axis=0), len(q) - 1)
    line = np.arange(q.shape[1])
    step = h[place, line] * np.minimum(np.sqrt(Q_WANTED / q[place, line]), BOLD)
    # At one step a term can be small by chance; at all of them it is not.
    q = over_outputs(np.maximum, np.where(shown, tail, 0.0) / head)
    longest = np.fmin.reduce(h * np.sqrt(Q_WANTED / q), axis=0)
    # Where nothing is known of a step, the shortest one is at least a number.
    step = np.where(lawful[0], np.fmin(step, longest), h[-1])
    return step, place, lawful[0], longest < np.inf


def _unit(fan: Symmetric) -> FloatArray:
    """Return how far f is looked at: as far as x is from 0, or from the ends of all points of one function.

    As far as that from x it can be expected to have values; where both distances are 0, nothing is known.
    """
    size = fan.size
    if isinstance(fan.lines, ElementwiseLines):
        x = fan.lines.x[fan.index]
        low, high, typical = x.min(), x.max(), np.sort(size)[len(size) // 2]
        size = np.maximum(size, np.minimum(2 * np.minimum(x - low, high - x), typical))
        size = np.where(size > 0, size, (high - low) / len(size))
    if not every(size > 0):
        size = np.where(size > 0, size, 1.0)
    return ASIDE * np.exp2(np.floor(np.log2(size)))


def _like_neighbors(x: FloatArray, step: FloatArray) -> FloatArray:
    """Return the least step of the neighbors, or as much less than a point's own as a step may be."""
    order = np.argsort(x)
    own = step[order]
    least = own.copy()
    for k in range(1, NEIGHBORS + 1):
        np.fmin(least[k:], own[:-k], out=least[k:])
        np.fmin(least[:-k], own[k:], out=least[:-k])
    result = np.empty(step.shape)
    result[order] = np.maximum(least, own / LONGER)
    return result
