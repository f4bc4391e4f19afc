"""The length scale of f along lines, from the terms of its Taylor series at a few trial steps.

On each line f(x + t v) = f(x) + c₁ t + c₂ t² + …  At a trial step h the first terms c_k hᵏ follow from four
values (three on one side), and their ratio says where h stands: as long as the terms still fall,
q = max(|c₃h³|, |c₄h⁴|) / max(|c₁h|, |c₂h²|) grows as (h/L)², with L the length on which f bends.  So one
trial is enough to jump to the wanted q, however far away it is.  Two things spoil the law: noise, whose
tail does not grow with h, and a step beyond L, where the tail is as large as the head.  Both show in q.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import Fan, Terms, blocks, over_outputs

__all__ = ["Search"]

# First trial: eps^(1/2) |x|.  Steps must not start above the length of f, where aliasing can look smooth;
# from here lengths down to 1e-8 |x| show, and two jumps lead to those near |x|.
START_POWER = 0.5
# Wanted q, and the range that is taken as it is.  (h/L)² = 0.015 puts the largest step, 2h, at a quarter of
# L: inside the disk of convergence of most functions, and where seven to nine nodes reach rounding.
Q_WANTED, Q_LOW, Q_HIGH = 0.015, 0.002, 0.15
# Up to here the law of q is trusted for a step that is too long; above, terms of one size are no series.
Q_LAWFUL = 0.3
# What stands for q where one trial alone puts it in the range: go to a step 1/32 as long and see.
UNPROVED, PROOF = 0.25, 1 / 32
# A tail counts when it is eight times what noise puts into it.
SIGNIFICANT = 8.0
# A tail grows as h³.  One that grows by less than h^1.5 between two trials is noise at the smaller step, if
# it is a small share of f: more is not told from aliasing.
NOISE_POWER, LARGEST_NOISE = 1.5, 0.01
# Nor is noise much larger than the tail of the quietest trial, unless it is no more than cancellation of four
# digits leaves: that can be a sawtooth, quiet between its jumps.  A tail of 0 is taken as 1/64 of the head.
LOUD, ROUNDED, CANCELLATION = 256.0, 64.0, 3e4
# Once a term is an eighth of f, a longer step does not lower the relative noise of the first derivative: h
# may stay.  Higher derivatives gain from every longer step; theirs go up to max(|x|, 1).
ENOUGH = 1 / 8
# Where the tail is hidden, noise bounds the step; the tail is rarely just below, so go 16 times as far.
# Without a useful bound aim at the step at which f changes by a quarter of itself, at most 2^14 times as far.
BOLD, AIM, FURTHEST, LEAST_GROWTH = 16.0, 1 / 4, 2.0**14, 4.0
# Where f does not move at all, go up by 2^12, and square the factor each time.  The gallop starts anew at
# eps^(1/4) max(|x|, 1), or with noise at 32 noise / |f|, and at 16 max(|x|, 1) f is taken as constant.
GALLOP, MOST_GALLOP, HALT_POWER, HALT_NOISE, FAR = 12.0, 1000.0, 0.25, 32.0, 16.0
# Without a finite or lawful trial go down by 2^-10.  After six such trials f has no length scale, like a
# power of x at 0; after three that are finite on one side of x only, the search on both sides is over.
SHRINK, FAILURES, SIDE_TRIALS = 2.0**-10, 6, 3
# A bracket this narrow settles the matter; so does the last trial.
NARROW, TRIALS = 16.0, 12
# Steps below this have no digits: the subnormal numbers are near.
TINY = 2.0**-1040


class Search:
    """The search for the length scale of f on the lines of a fan.

    Parameters
    ----------
    fan : Fan
        Lines and the sides on which to look.
    n : int
        Order of the derivative for which the step is meant.

    Attributes
    ----------
    step : ndarray, shape (p,)
        Unit of the nodes, a power of two.
    values : ndarray, shape (nodes, r, p, M)
        f at the fan's trial nodes at that step, where `known`.
    known : ndarray of bool, shape (p,)
        Whether those values are there.
    open_side : ndarray, shape (p,)
        The only side, +1 or -1, on which f was finite when it was not on both; 0 elsewhere.
    quiet : ndarray, shape (p, M)
        The least tail of any trial: f has no more noise than that.
    """

    def __init__(self, fan: Fan, n: int) -> None:
        p, outputs = fan.origin.shape
        self.fan, self.n, self.eps, self.nodes = fan, n, fan.lines.eps, np.array(fan.trial)
        self.usable = np.isfinite(fan.origin)
        # Below a few units in the last place of x no step has digits left.
        self.least = np.maximum(4 * self.eps * fan.size, TINY)
        self.most = np.minimum(fan.room / self.nodes[0], np.finfo(np.float64).max * 2.0**-60)
        self.unit = np.maximum(fan.size, 1.0)
        self.halt, self.far = self.eps**HALT_POWER * self.unit, np.minimum(self.most, FAR * self.unit)
        everything = np.arange(p)
        self.step = self._allowed(self.eps**START_POWER * np.where(fan.size > 0, fan.size, 1.0), everything)
        self.low, self.high = np.zeros(p), np.full(p, np.inf)
        self.tail_low, self.tail_high = np.zeros((p, outputs)), np.full((p, outputs), np.inf)
        self.slope_low = np.zeros((p, outputs))
        self.noise, self.quiet = np.zeros((p, outputs)), np.full((p, outputs), np.inf)
        self.gallop, self.failures = np.full(p, GALLOP), np.zeros(p, dtype=np.int64)
        self.trials = np.zeros(p, dtype=np.int64)
        self.open_side, self.known = np.zeros(p), np.zeros(p, dtype=bool)
        self.moved = np.zeros(p, dtype=bool)
        self.values = np.full((len(self.nodes), len(fan.signs), p, outputs), np.nan, dtype=fan.origin.dtype)
        self._run(everything)

    def credible(self, rows: IntArray, rounding: FloatArray) -> FloatArray:
        """Return the most noise of f that the trials leave possible, given that of rounding."""
        return np.maximum(LOUD * self.quiet[rows], CANCELLATION * rounding)

    def shorten(self, rows: IntArray) -> NDArray[np.bool_]:
        """Search below the steps of these lines, which proved too long; tell where that gave another one."""
        before = self.step[rows]
        self.high[rows], self.tail_high[rows] = before, np.inf
        self.trials[rows], self.failures[rows], self.known[rows] = TRIALS // 2, 0, False
        self.low[rows] = np.where(self.low[rows] < before, self.low[rows], 0.0)
        middle = np.sqrt(self.low[rows]) * np.sqrt(before)
        self.step[rows] = self._allowed(np.where(middle > 0, middle, PROOF * before), rows)
        self._run(rows[self.step[rows] != before])
        return np.asarray(self.step[rows] != before)

    def _run(self, rows: IntArray) -> None:
        rows = rows[self.most[rows] > 0]
        while len(rows):
            rows = self._advance(rows)

    def _allowed(self, step: FloatArray, rows: IntArray) -> FloatArray:
        """Return the nearest powers of two within the room of the lines."""
        inside = np.minimum(np.maximum(step, self.least[rows]), self.most[rows])
        with np.errstate(divide="ignore"):
            return np.exp2(np.floor(np.minimum(np.log2(inside) + 0.5, np.log2(self.most[rows]))))

    def _advance(self, rows: IntArray) -> IntArray:
        """Make one trial on each line; return the lines that need another."""
        values = self.fan.evaluate(self.nodes, self.step[rows], rows)
        cuts = blocks(*values.shape[2:])
        return np.concatenate([self._decide(rows[cut], values[:, :, cut]) for cut in cuts])

    def _decide(self, rows: IntArray, values: FloatArray) -> IntArray:
        """Settle each line or choose its next step; return the lines not settled."""
        step = self.step[rows]
        finite = over_outputs(np.logical_and, np.isfinite(values).all(axis=(0, 1)) | ~self.usable[rows])
        with np.errstate(all="ignore"):
            terms = self.fan.terms(values, rows)
            noise = self._noise(rows, terms)
            moves = self.usable[rows] & (terms.head > SIGNIFICANT * noise)
            q, accepted = self._judge(rows, terms, noise, moves, finite)
            growth = np.where(q > 0, np.sqrt(Q_WANTED / q), self._blind_growth(rows, terms, noise, moves))
            self._bracket(rows, terms, q, accepted, moves)
            new = self._next(rows, q, np.maximum(growth, LEAST_GROWTH))
        kept = finite & (accepted | (q < Q_LOW))
        self.values[:, :, rows[kept]] = values[:, :, kept]
        self.known[rows[kept]] = True
        moving = over_outputs(np.logical_or, moves)
        self.moved[rows] |= moving
        self.trials[rows] += 1
        self.failures[rows] += q > Q_LAWFUL
        settled = accepted | (self.high[rows] <= NARROW * self.low[rows]) | (new == step)
        settled |= (self.trials[rows] >= TRIALS) | (self.failures[rows] >= FAILURES)
        settled |= (~moving & (step >= self.far[rows])) | self._one_sided(rows, values)
        best = np.where(accepted | (self.low[rows] == 0), step, self.low[rows])
        self.step[rows] = np.where(settled, best, new)
        return rows[~settled]

    def _judge(
        self,
        rows: IntArray,
        terms: Terms,
        noise: FloatArray,
        moves: NDArray[np.bool_],
        finite: NDArray[np.bool_],
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return what to take for q, and whether the step is accepted."""
        q = np.where(self._beats(rows, terms, noise), np.inf, self._ratio(rows, terms, noise, finite))
        inside = (q >= Q_LOW) & (q <= Q_HIGH)
        if self.n == 1:
            large = ~moves | (terms.head > ENOUGH * terms.size)
            enough = over_outputs(np.logical_or, moves) & over_outputs(np.logical_and, large)
        else:
            enough = self.step[rows] > self.unit[rows] / 2
        accepted = finite & np.where(inside, self.moved[rows], (q < Q_LOW) & enough)
        # Noise gives any ratio.  Where no shorter trial has moved f, another one must tell: a longer one if f
        # stood still below, which may be a staircase, else a shorter one, away from aliasing.
        unproved = ~self.moved[rows] & (q >= Q_LOW) & (q <= Q_LAWFUL)
        stood_still = self.low[rows] > 0
        return np.where(unproved, np.where(stood_still, Q_LOW / 2, UNPROVED), q), accepted

    def _noise(self, rows: IntArray, terms: Terms) -> FloatArray:
        """Return the noise of the tail: rounding, or more where the tail breaks the law h³ between trials."""
        step, tail = self.step[rows], terms.tail
        below, above = (step / self.low[rows])[:, None], (self.high[rows] / step)[:, None]
        most = self.credible(rows, self.eps / 2 * terms.size)
        most = np.minimum(most, LARGEST_NOISE * terms.size)
        was_noise = (tail < self.tail_low[rows] * below**NOISE_POWER) & (self.tail_low[rows] <= most)
        is_noise = (tail > self.tail_high[rows] / above**NOISE_POWER) & (tail <= most)
        found = np.maximum(np.where(was_noise, self.tail_low[rows], 0.0), np.where(is_noise, tail, 0.0))
        self.noise[rows] = np.fmax(self.noise[rows], found)
        # What looked too long a step was noise.
        again = rows[over_outputs(np.logical_or, is_noise)]
        self.high[again], self.tail_high[again] = np.inf, np.inf
        return np.maximum(self.noise[rows], self.eps / 2 * self.fan.tail_noise * terms.size)

    def _beats(self, rows: IntArray, terms: Terms, noise: FloatArray) -> NDArray[np.bool_]:
        """Return the lines where the slope is not that of a shorter trial: beyond L, all else may fit."""
        longer = (self.step[rows] / self.low[rows])[:, None]
        change = np.abs(terms.slope - self.slope_low[rows] * longer)
        unsure = np.maximum(noise, self.tail_low[rows])
        unsure = np.maximum(unsure, CANCELLATION * self.eps / 2 * terms.size)
        beats = self.usable[rows] & (change > SIGNIFICANT * (terms.tail + unsure * longer))
        return over_outputs(np.logical_or, beats) & self.moved[rows] & (self.low[rows] > 0)

    def _ratio(
        self, rows: IntArray, terms: Terms, noise: FloatArray, finite: NDArray[np.bool_]
    ) -> FloatArray:
        """Return q of the output that bends most: 0 for a tail of noise, infinite where f is not finite."""
        counts = self.usable[rows] & (terms.tail > SIGNIFICANT * noise)
        ratio = over_outputs(np.maximum, np.where(counts, terms.tail / terms.head, 0.0))
        return np.where(finite, ratio / self.fan.q_unit, np.inf)

    def _blind_growth(
        self, rows: IntArray, terms: Terms, noise: FloatArray, moves: NDArray[np.bool_]
    ) -> FloatArray:
        """Return the factor to the next step where the tail is hidden in the noise.

        Noise as large as the tail would be at least bounds q, and so how far it is safe to go.  If that says
        nothing, aim at the step at which f has changed by a share of itself; if f does not move at all to
        rounding, gallop.
        """
        hidden = (
            over_outputs(np.maximum, np.where(moves, SIGNIFICANT * noise / terms.head, 0.0)) / self.fan.q_unit
        )
        safe = np.sqrt(Q_WANTED / hidden)
        by_slope = AIM * terms.size / np.where(terms.slope > SIGNIFICANT * noise, terms.slope, 0.0)
        by_square = np.where(terms.head > terms.slope, np.sqrt(AIM * terms.size / terms.head), np.inf)
        change = over_outputs(np.minimum, np.where(moves, np.minimum(by_slope, by_square), np.inf))
        useful = safe >= LEAST_GROWTH
        growth = np.where(useful, BOLD * safe, FURTHEST)
        if self.n > 1:
            change = np.maximum(np.where(useful, np.inf, change), 1.0)
            change = np.minimum(change, np.maximum(self.unit[rows] / self.step[rows], LEAST_GROWTH))
        growth = np.minimum(growth, change)
        still = ~over_outputs(np.logical_or, moves)
        return np.where(still, self._gallop(rows, still, terms, noise), growth)

    def _gallop(
        self, rows: IntArray, still: NDArray[np.bool_], terms: Terms, noise: FloatArray
    ) -> FloatArray:
        """Return the factor to the next step where f does not move, and make the one after it larger.

        With noise that is more than rounding f moves at a step in proportion, if its length is near |x|.
        """
        rounding = self.eps / 2 * self.fan.tail_noise * terms.size
        known = np.where(noise > SIGNIFICANT * rounding, HALT_NOISE * noise / terms.size, 0.0)
        known = over_outputs(np.maximum, np.where(np.isfinite(known), known, 0.0))
        halt = np.maximum(self.halt[rows], known * self.unit[rows])
        jump, to_halt = self.gallop[rows], np.log2(halt / self.step[rows])
        halted = (to_halt > 1) & ((jump >= to_halt - 2) | (known > 0))
        again = np.where(known > 0, GALLOP / 2, GALLOP)
        after = np.where(halted, again, np.minimum(2 * jump, MOST_GALLOP))
        self.gallop[rows] = np.where(still, after, jump)
        to_end = np.log2(np.maximum(self.far[rows] / self.step[rows], 1.0))
        return np.exp2(np.minimum(np.where(halted, to_halt, jump), to_end))

    def _bracket(
        self,
        rows: IntArray,
        terms: Terms,
        q: FloatArray,
        accepted: NDArray[np.bool_],
        moves: NDArray[np.bool_],
    ) -> None:
        """Narrow the bracket between the largest step that was too short and the least that was too long."""
        over, under = q > Q_HIGH, (q < Q_LOW) & ~accepted
        long, short = rows[over], rows[under]
        self.high[long], self.low[short] = self.step[long], self.step[short]
        tail = np.where(np.isfinite(terms.tail), terms.tail, np.inf)
        self.tail_high[long], self.tail_low[short] = tail[over], tail[under]
        self.slope_low[short] = terms.slope[under]
        # A tail of exactly 0 is chance where f is rounded to few digits.
        bound = np.where(tail > 0, tail, terms.head / ROUNDED)
        self.quiet[rows] = np.minimum(self.quiet[rows], np.where(moves, bound, np.inf))

    def _next(self, rows: IntArray, q: FloatArray, growth: FloatArray) -> FloatArray:
        """Return the next step: by the law, kept inside the bracket."""
        step, low, high = self.step[rows], self.low[rows], self.high[rows]
        down = np.where(q <= Q_LAWFUL, np.where(q == UNPROVED, PROOF, np.sqrt(Q_WANTED / q)), SHRINK)
        new = step * np.where(q > Q_HIGH, down, growth)
        middle = np.sqrt(low) * np.sqrt(high)
        new = np.where((new > high / 2) & (low > 0), np.maximum(middle, high / (NARROW / 2)), new)
        new = np.where((new < 2 * low) & np.isfinite(high), middle, new)
        return self._allowed(new, rows)

    def _one_sided(self, rows: IntArray, values: FloatArray) -> NDArray[np.bool_]:
        """Give up lines on which f has been finite on one side of x only, and remember the side."""
        if len(self.fan.signs) == 1:
            return np.zeros(len(rows), dtype=bool)
        finite = over_outputs(np.logical_and, np.isfinite(values).all(axis=0) | ~self.usable[rows])
        side = np.where(finite[0] == finite[1], 0.0, np.where(finite[0], 1.0, -1.0))
        give_up = (side != 0) & ~self.known[rows] & (self.trials[rows] >= SIDE_TRIALS)
        self.open_side[rows] = np.where(give_up, side, 0.0)
        return give_up
