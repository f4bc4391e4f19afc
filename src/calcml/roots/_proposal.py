"""The next step of every equation: Newton's, Halley's, an accelerated one, or a bisection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calcml._status import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calcml._typing import FloatArray, IntArray
    from calcml.roots._iteration import NewtonState
    from calcml.roots._slopes import Slope

__all__ = ["Guess", "Proposal", "multiplicity", "propose", "spacing", "width"]

# A step of two spacings of x is no step any more.
STILL = 2.0
# A bracket no wider than the last step is fresh, from a bisection for example: any step within is short.
FRESH = 0.99
# Crossing is tried with four times the last step where that was a crawl of so many still steps, and leaves
# the bracket that much narrower.
CRAWL, WIDE = 64.0, 256.0
# Halley's correction may halve or double Newton's step; beyond, the parabola is not a model of f.
LEAST_CORRECTION, MOST_CORRECTION = 0.5, 2.0
# An estimate of the multiplicity counts when it is within five percent of an integer, twice in a row.
ROUND, HIGHEST = 0.05, 64
# Bisection: from the eighth on zero is tried; ends further apart than this factor are bisected in logarithms.
TRY_ZERO, DECADES = 8, 1e3
# A bracket that has not closed in so many steps is bisected to the end: 53 more for the digits, and some ten
# for zero and the decades, stay below a hundred.
PATIENCE = 20
# Where f has no value at the middle, other parts of the bracket are tried.
PARTS = np.array([0.5, 0.25, 0.75, 0.375, 0.625, 0.125, 0.875, 0.5])


@dataclass(frozen=True, eq=False)
class Guess:
    """Multiplicity of the root, as the last step (`latest`) and the last two (`order`) show it."""

    latest: FloatArray
    order: FloatArray

    @classmethod
    def none(cls, count: int) -> Guess:
        """Return the guess before any step."""
        return cls(np.ones(count), np.ones(count))


@dataclass(frozen=True, eq=False)
class Proposal:
    """The step of each equation, whether it bisects, and for those that end here the verdict."""

    step: FloatArray
    bisected: NDArray[np.bool_]
    settled: NDArray[np.bool_]
    verdict: IntArray


def spacing(x: FloatArray) -> FloatArray:
    """Return the distance from |x| to the next number; that of the largest number for infinity and NaN."""
    top = np.finfo(x.dtype).max
    # The next number after the largest would be infinity.
    return np.spacing(np.fmin(np.abs(x), top / 2))


def width(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the widths of brackets, NaN where there is none; those that overflow are the largest number."""
    with np.errstate(over="ignore"):
        return np.minimum(high - low, np.finfo(low.dtype).max)


def propose(state: NewtonState) -> Proposal:
    """Return Newton's step where it can be trusted, else one that narrows the bracket.

    Within a bracket a step must stay inside and, unless the bracket has just been halved, be at most half as
    long as the last one.  If it is longer, or none at all, the root is probably near but on the other side: a
    step of four times the last one (or of the least) tries to get there.  Else the bracket is bisected.
    """
    step = _newton(state)
    bracketed, least, last = ~np.isnan(state.low), STILL * spacing(state.x), np.abs(state.step)
    span = width(state.low, state.high)
    with np.errstate(invalid="ignore", over="ignore"):
        still = np.abs(step) <= least
        step = np.where(bracketed & ~still, _pulled_in(state, step, CRAWL * least), step)
        target = state.x + step
        inside = (target > state.low) & (target < state.high)
        slow = (np.abs(step) > last / 2) & (FRESH * span > last)
        stride = np.maximum(np.where(slow | (last <= CRAWL * least), 4 * last, 0.0), least)
        across = bracketed & (still | (inside & slow)) & (WIDE * stride < span)
        inward = np.where(state.x == state.low, 1.0, -1.0)
        step = np.where(across, inward * stride, step)
        forced = bracketed & (state.age >= PATIENCE)
    bisected = bracketed & (forced | (state.losses > 0) | ~(across | (inside & ~slow & ~still)))
    verdict = np.where(np.isfinite(step), Status.CONVERGED, Status.ZERO_DERIVATIVE)
    lost = ~np.isfinite(state.slope.first) & np.isnan(step)
    unmoved = np.where(state.step == 0, Status.NON_FINITE_START, Status.NON_FINITE)
    verdict = np.where(lost, unmoved, verdict)
    step = np.where(bisected, middle(state, forced) - state.x, step)
    settled = ~bracketed & (still | ~np.isfinite(step))
    return Proposal(np.where(np.isfinite(step), step, 0.0), bisected, settled, verdict)


def _pulled_in(state: NewtonState, step: FloatArray, near: FloatArray) -> FloatArray:
    """Return the step, cut to end just inside where it hardly missed the other end of the bracket."""
    from_low = state.x == state.low
    end, least = np.where(from_low, state.high, state.low), STILL * spacing(state.x)
    cut = end - state.x - np.where(from_low, least, -least)
    return np.where(np.abs(state.x + step - end) <= near, cut, step)


def _newton(state: NewtonState) -> FloatArray:
    """Return Newton's step -f/f', times the multiplicity, or Halley's -f/f' / (1 - f f'' / 2 f'^2)."""
    first, second = state.slope.first, state.slope.second
    with np.errstate(all="ignore"):
        step = -state.f / first
        if second is not None:
            correction = 1 + step * second / (2 * first)
            correction = np.clip(correction, LEAST_CORRECTION, MOST_CORRECTION)
            step = np.where((state.guess.order == 1) & np.isfinite(correction), step / correction, step)
        return step * state.guess.order


def multiplicity(old: NewtonState, new: NewtonState, slope: Slope, known: NDArray[np.bool_]) -> Guess:
    """Estimate the multiplicity from the last two points.

    At a root r of multiplicity m, u = f/f' = (x - r)/m + O((x - r)^2), so that m = Δx/Δu, whatever the step
    between the two points was.
    """
    with np.errstate(all="ignore"):
        before, after = old.f / old.slope.first, new.f / slope.first
        ratio = (new.x - old.x) / (after - before)
        nearest = np.rint(ratio)
        clear = (np.abs(ratio - nearest) <= ROUND * nearest) & (nearest >= 2) & (nearest <= HIGHEST)
        clear &= np.abs(after) < np.abs(before)
    latest = np.where(known & clear, nearest, 1.0)
    return Guess(latest, np.where(latest == old.guess.latest, latest, 1.0))


def middle(state: NewtonState, forced: NDArray[np.bool_]) -> FloatArray:
    """Return a point that halves the bracket.

    Halving the width takes a thousand steps to a root at 1e-300.  A bracket around zero is therefore split
    at zero before long, and one whose ends differ by decades at the middle of their logarithms, every other
    time and whenever a bisection is forced.
    """
    low, high = state.low, state.high
    part = PARTS[np.minimum(state.losses, len(PARTS) - 1)]
    # The width of a bracket over the whole range would overflow.
    mid = low * (1 - part) + high * part
    near, far = _ends(low, high)
    with np.errstate(invalid="ignore"):
        decades = np.sqrt(near) * np.sqrt(far) * np.where(high > 0, 1.0, -1.0)
        wide = ((low >= 0) | (high <= 0)) & (far / DECADES > near) & ((state.bisections % 2 == 1) | forced)
        zero = (low < 0) & (high > 0) & ((state.bisections >= TRY_ZERO) | forced)
        wide, zero = wide & (state.losses == 0), zero & (state.losses == 0)
    return np.where(zero, 0.0, np.where(wide, decades, mid))


def _ends(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the smaller and the larger magnitude of the ends; zero counts as the smallest normal number."""
    a, b = np.abs(low), np.abs(high)
    tiny = np.finfo(low.dtype).tiny
    return np.maximum(np.minimum(a, b), tiny), np.maximum(np.maximum(a, b), tiny)
