"""Which step to try: by the law of growth of Taylor terms, and what to do where that law is silent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray
from calcml.schemes._adaptive_fan import SIGNIFICANT, Fan, Rows, choose, every, over_outputs, some
from calcml.schemes._adaptive_trials import Q_HIGH, Trial, Trials

__all__ = ["GALLOP", "NARROW", "NO_LENGTH", "PROOF", "Q_LAWFUL", "UNPROVED", "Steps"]

# First trial: eps^(1/2) |x|.  Steps must not start above the length of f, where aliasing can look smooth;
# from here lengths down to 1e-8 |x| show, and two jumps lead to those near |x|.
START_POWER = 0.5
# Wanted q.  (h/L)² = 0.015 puts the largest step, 2h, at a quarter of L: inside the disk of convergence of
# most functions, and where seven to nine nodes reach rounding.
Q_WANTED = 0.015
# Up to here the law of q is trusted for a step that is too long; above, terms of one size are no series.
Q_LAWFUL = 0.3
# What stands for q where one trial alone puts it in the range: go to a step 1/32 as long and see.
UNPROVED, PROOF = 0.25, 1 / 32
# Where the tail is hidden, noise bounds the step; the tail is rarely just below, so go 16 times as far, but
# aim no further than the step at which f changes by a quarter of itself.  A bound below four is none: go 64
# times as far while the step is below eps^(1/4) max(|x|, 1), and climb from there, up to 16 max(|x|, 1).
BOLD, AIM, LEAST_GROWTH, FURTHER, HALT_POWER, FAR = 16.0, 1 / 4, 4.0, 64.0, 0.25, 16.0
# Where f does not move at all, go up by 2^12, and square the factor each time, to the same step, and once
# more to max(|x|, 1) / 4, which stands for the length of f if nothing is seen.
GALLOP, MOST_GALLOP, NO_LENGTH = 12.0, 1000.0, 1 / 4
# Steps below this have no digits: the subnormal numbers are near.  Above the other one they may overflow.
TINY, HUGE = 2.0**-1040, float(np.finfo(np.float64).max) * 2.0**-60
# Without a finite or lawful trial go down by 2^-10.  A bracket this narrow settles the matter.
SHRINK, NARROW = 2.0**-10, 16.0

# Steps are powers of two times this, so that they share no grid with f: on one of binary fractions a table,
# or a wave, would look smooth at every node.  It has twelve bits: x + t is still exact for steps of
# |x| / 2³⁶; numbers with fewer than forty bits have none to spare.
ASIDE, FEW_BITS = 3731 / 2**12, 2.0**-40


class Steps:
    """The steps that the lines of a fan allow, and the way from one to the next.

    Parameters
    ----------
    fan : Fan
        Lines and the sides on which to look.
    n : int
        Order of the derivative for which the step is meant.
    patient : bool
        Whether to begin with a long step, and not with one that is short for most functions.

    Attributes
    ----------
    most : ndarray, shape (p,)
        The longest step.
    unit, halt : ndarray, shape (p,)
        max(|x|, 1), and the step up to which noise does not stop the search.
    first : ndarray, shape (p,)
        The first step to try.
    many_bits : bool
        Whether numbers have digits to spare for steps aside of powers of two.
    """

    def __init__(self, fan: Fan, n: int, *, patient: bool = False) -> None:
        self.fan, self.n = fan, n
        self.many_bits = fan.eps < FEW_BITS
        self._aside = ASIDE if self.many_bits else 1.0
        # Below a few units in the last place of x no step has digits left.
        self._least = np.maximum(4 * fan.eps * fan.size, TINY)
        self.most = np.minimum(fan.room / fan.trial[0], HUGE)
        self.unit = np.maximum(fan.size, 1.0)
        self.halt = fan.eps**HALT_POWER * self.unit
        start = self.unit / 2 if patient else fan.eps**START_POWER * np.where(fan.size > 0, fan.size, 1.0)
        self.first = self.allowed(start, slice(None))

    def far(self, rows: Rows) -> FloatArray:
        """Return the last step on the way up."""
        return np.minimum(self.most, FAR * self.unit)[rows]

    def allowed(self, step: FloatArray, rows: Rows) -> FloatArray:
        """Return the nearest powers of two, but for a common factor, within the room of the lines."""
        most, aside = self.most[rows] / self._aside, self._aside
        inside = np.minimum(np.maximum(step, self._least[rows]) / aside, most)
        return aside * np.exp2(np.floor(np.minimum(np.log2(inside) + 0.5, np.log2(most))))

    def growth(self, s: Trials, trial: Trial, q: FloatArray) -> FloatArray:
        """Return the factor to the next step where this one is too short."""
        growth = np.sqrt(Q_WANTED / q)
        if every((q > 0) & trial.moving):
            return growth
        growth = choose(q > 0, growth, self._blind_growth(s, trial))
        still = ~trial.moving
        return np.where(still & ~(q > 0), self._gallop(s, still), growth) if some(still) else growth

    def _blind_growth(self, s: Trials, trial: Trial) -> FloatArray:
        """Return the factor to the next step where noise hides the tail, or 0 where nothing bounds it.

        Noise as large as the tail would be at least bounds q, and so how far it is safe to go.  The step at
        which f has changed by a share of itself is far enough.
        """
        terms, moves, noise = trial.terms, trial.moves, SIGNIFICANT * trial.noise
        hidden = over_outputs(np.maximum, np.where(moves, noise / terms.head, 0.0)) / self.fan.q_unit
        safe = np.sqrt(Q_WANTED / hidden)
        if self.n == 1:
            by_slope = AIM * terms.size / np.where(terms.slope > noise, terms.slope, 0.0)
            by_square = np.where(terms.head > terms.slope, np.sqrt(AIM * terms.size / terms.head), np.inf)
            change = over_outputs(np.minimum, np.where(moves, np.minimum(by_slope, by_square), np.inf))
        else:
            change = np.maximum(self.unit[s.rows] / s.step, LEAST_GROWTH)
        return np.where(safe >= LEAST_GROWTH, np.minimum(BOLD * safe, change), 0.0)

    def _gallop(self, s: Trials, still: NDArray[np.bool_]) -> FloatArray:
        """Return the factor to the next step where f does not move, and make the one after it larger."""
        jump, to_halt = s.gallop, np.log2(self.halt[s.rows] / s.step)
        s.gallop = np.where(still, np.minimum(2 * jump, MOST_GALLOP), jump)
        to_end = np.log2(np.maximum(NO_LENGTH * self.unit[s.rows] / s.step, 1.0))
        return np.exp2(np.where(to_halt > 1, np.where(jump >= to_halt - 2, to_halt, jump), to_end))

    def following(self, s: Trials, q: FloatArray, growth: FloatArray) -> FloatArray:
        """Return the next step: by the law, kept inside the bracket."""
        step, low, high = s.step, s.low, s.high
        growth = choose(growth > 0, growth, np.minimum(FURTHER, self.halt[s.rows] / step))
        new, over = step * np.maximum(growth, LEAST_GROWTH), q > Q_HIGH
        if some(over):
            down = np.where(q <= Q_LAWFUL, np.where(q == UNPROVED, PROOF, np.sqrt(Q_WANTED / q)), SHRINK)
            new = np.where(over, step * down, new)
        if s.some_high:
            middle = np.sqrt(low) * np.sqrt(high)
            new = np.where((new > high / 2) & (low > 0), np.maximum(middle, high / (NARROW / 2)), new)
            new = np.where((new < 2 * low) & np.isfinite(high), middle, new)
        return self.allowed(new, s.rows)
