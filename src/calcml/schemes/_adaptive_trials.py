"""What the trials on each line have shown: where a step is too short, too long, or f not smooth.

At a trial step h the first terms c_k hᵏ of f(x + t v) = f(x) + c₁ t + c₂ t² + … follow from four values
(three on one side).  Between two trials terms of a smooth f change by known powers of h; noise, jumps and
steps beyond the length of f show in that they do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import SIGNIFICANT, SMALL, Fan, Terms, over_outputs

__all__ = ["Q_HIGH", "Q_LOW", "Trial", "Trials"]

# The range in which q, the ratio of tail to head, is taken as it is.
Q_LOW, Q_HIGH = 0.002, 0.15
# A tail grows as h³.  One that grows by less than h^1.5 between two trials is noise at the smaller step, if
# it is a small share of f: more is not told from aliasing.
NOISE_POWER = 1.5
# Nor is noise much larger than the tail of the quietest trial, unless it is no more than cancellation of four
# digits leaves: that can be a sawtooth, quiet between its jumps.  A tail of 0 is taken as 1/64 of the head.
LOUD, ROUNDED, CANCELLATION = 256.0, 64.0, 3e4
# A slope that changes by half is another one, if rounding is all the noise there is.
WAVERS = 1 / 2
# A tail that falls by more than (h/H)⁴ / 64 between two trials is not that of a smooth f: a jump lies between
# them.  The head of a smooth f falls by (h/H)² at most.
JUMP = 64.0
# Jumps are taken for those of rounding, as cancellation magnifies it, if f is smooth over no more than this
# share of |x|; over more, they are kinks or jumps of f itself.
TOOTH = 2.0**-10


@dataclass(eq=False)
class Trial:
    """One trial step on some lines.

    Attributes
    ----------
    rows : ndarray of int, shape (p,)
        The lines.
    step : ndarray, shape (p,)
        The step on each.
    terms : Terms
        The Taylor terms.
    change : ndarray, shape (p, M)
        By how much the slope differs from that of the longest step that was too short.
    noise : ndarray, shape (p, M)
        The noise of the tail.
    moves : ndarray of bool, shape (p, M)
        Whether f moves by more than that.
    finite : ndarray of bool, shape (p,)
        Whether f is finite at all nodes.
    """

    rows: IntArray
    step: FloatArray
    terms: Terms
    change: FloatArray
    noise: FloatArray
    moves: NDArray[np.bool_]
    finite: NDArray[np.bool_]


class Trials:
    """What is known of the lines of a fan.

    Parameters
    ----------
    fan : Fan
        Lines and the sides on which to look.
    step : ndarray, shape (p,)
        The steps of the first trials.

    Attributes
    ----------
    step, first : ndarray, shape (p,)
        The step to try, at last the unit of the nodes, a power of two; and the first one.
    low, high : ndarray, shape (p,)
        The longest step that was too short, and the shortest one that was too long.
    tail_low, tail_high, slope_low, head_high : ndarray, shape (p, M)
        Terms at those.
    jump_high : ndarray, shape (p, M)
        The largest of tail and change of slope at the step that was too long.
    noise, quiet : ndarray, shape (p, M)
        Noise as far as it has shown; and the least tail of any trial: f has no more noise than that.
    still : ndarray, shape (p, M)
        The longest step at which f did not move.
    moved, loud : ndarray of bool, shape (p,)
        Whether f has moved at any step; and whether a tableau has found too much noise.
    doubted : ndarray, shape (p, M)
        The size of a jump that casts doubt on the step, or 0.
    jump : ndarray, shape (p, M)
        The size of a jump that may be noise and has not been explained.
    """

    def __init__(self, fan: Fan, step: FloatArray) -> None:
        p, outputs = fan.origin.shape
        self.fan, self.eps, self.usable = fan, fan.lines.eps, np.isfinite(fan.origin)
        self.step, self.first = step, step.copy()
        self.low, self.high = np.zeros(p), np.full(p, np.inf)
        self.tail_low, self.slope_low, self.head_high, self.jump_high, self.noise, self.still = np.zeros(
            (6, p, outputs)
        )
        self.doubted, self.jump = np.zeros((2, p, outputs))
        self.tail_high, self.quiet = (np.full((p, outputs), np.inf) for _ in range(2))
        self.moved, self.loud = (np.zeros(p, dtype=bool) for _ in range(2))

    def credible(self, rows: IntArray, rounding: FloatArray) -> FloatArray:
        """Return the most noise of f that the trials leave possible, given that of rounding."""
        return np.maximum(LOUD * self.quiet[rows], CANCELLATION * rounding)

    def look(self, rows: IntArray, values: FloatArray) -> Trial:
        """Return what the values at the nodes of a trial step say."""
        step, usable = self.step[rows], self.usable[rows]
        terms = self.fan.terms(values, rows)
        longer = (step / self.low[rows])[:, None]
        change = np.where(longer < np.inf, np.abs(terms.slope - self.slope_low[rows] * longer), 0.0)
        noise = self._noise(rows, terms)
        stays = (terms.head <= SIGNIFICANT * self._rounding(terms)) & (terms.size < np.inf)
        self.still[rows] = np.maximum(self.still[rows], np.where(stays, step[:, None], 0.0))
        finite = over_outputs(np.logical_and, np.isfinite(values).all(axis=(0, 1)) | ~usable)
        return Trial(rows, step, terms, change, noise, usable & (terms.head > SIGNIFICANT * noise), finite)

    def _rounding(self, terms: Terms) -> FloatArray:
        """Return what rounding of f puts into the tail."""
        return self.eps / 2 * self.fan.tail_noise * terms.size

    def _noise(self, rows: IntArray, terms: Terms) -> FloatArray:
        """Return the noise of the tail: rounding, or more where the tail breaks the law h³ between trials."""
        step, tail = self.step[rows], terms.tail
        below, above = (step / self.low[rows])[:, None], (self.high[rows] / step)[:, None]
        most = self.credible(rows, self.eps / 2 * terms.size)
        most = np.minimum(most, SMALL * terms.size)
        was_noise = (tail < self.tail_low[rows] * below**NOISE_POWER) & (self.tail_low[rows] <= most)
        is_noise = (tail > self.tail_high[rows] / above**NOISE_POWER) & (tail <= most)
        found = np.maximum(np.where(was_noise, self.tail_low[rows], 0.0), np.where(is_noise, tail, 0.0))
        self.noise[rows] = np.fmax(self.noise[rows], found)
        # What looked too long a step was noise.
        again = rows[over_outputs(np.logical_or, is_noise)]
        self.high[again], self.tail_high[again] = np.inf, np.inf
        return np.maximum(self.noise[rows], self._rounding(terms))

    def ratio(self, trial: Trial) -> FloatArray:
        """Return q of the output that bends most: 0 in the noise, infinite where the step is no good."""
        terms = trial.terms
        counts = self.usable[trial.rows] & (terms.tail > SIGNIFICANT * trial.noise)
        ratio = over_outputs(np.maximum, np.where(counts, terms.tail / terms.head, 0.0))
        return np.where(self._beats(trial) | ~trial.finite, np.inf, ratio / self.fan.q_unit)

    def _beats(self, trial: Trial) -> NDArray[np.bool_]:
        """Return the lines where the slope is not that of a shorter trial: beyond L, all else may fit."""
        unsure = np.maximum(trial.noise, self.tail_low[trial.rows])
        unsure = np.maximum(unsure, CANCELLATION * self.eps / 2 * trial.terms.size)
        return self._differs(trial, unsure, 0.0)

    def wavers(self, trial: Trial) -> NDArray[np.bool_]:
        """Return the lines where the slope is that of a shorter trial only if there is much noise."""
        return self._differs(trial, trial.noise, WAVERS)

    def _differs(self, trial: Trial, unsure: FloatArray, share: float) -> NDArray[np.bool_]:
        """Return the lines where the slope has changed more than by the tail, noise and a share of itself."""
        rows, terms = trial.rows, trial.terms
        longer = (trial.step / self.low[rows])[:, None]
        differs = trial.change > SIGNIFICANT * (terms.tail + unsure * longer)
        if share:
            differs &= trial.change > share * np.maximum(terms.slope, self.slope_low[rows] * longer)
        return (
            over_outputs(np.logical_or, self.usable[rows] & differs) & self.moved[rows] & (self.low[rows] > 0)
        )

    def stands_still(self, trial: Trial) -> NDArray[np.bool_]:
        """Return the lines on which f does not move here, though smooth f that moves so above would."""
        rows = trial.rows
        step, high, above = trial.step[:, None], self.high[rows, None], self.head_high[rows]
        still = self.usable[rows] & ~trial.moves & (step < high)
        still &= above * (step / high) ** 2 > SIGNIFICANT * trial.noise
        self.doubted[rows] = np.where(still, above, 0.0)
        # What is a small share of f may be rounding to a grid; a larger jump is what f does.
        self.jump[rows] = np.where(still & (above <= SMALL * trial.terms.size), above, 0.0)
        return over_outputs(np.logical_or, still)

    def jumps(self, trial: Trial, best: FloatArray) -> NDArray[np.bool_]:
        """Return the lines on which f is smooth at the best step and jumps a little above it."""
        rows, terms = trial.rows, trial.terms
        step, high, above = best[:, None], self.high[rows, None], self.jump_high[rows]
        tail = np.where(step < trial.step[:, None], self.tail_low[rows], terms.tail)
        sudden = above * (step / high) ** 4 > JUMP * np.maximum(tail, trial.noise)
        hidden = tail <= SIGNIFICANT * trial.noise
        sudden |= hidden & (self.loud[rows] | (best < self.first[rows]))[:, None]
        sudden &= high <= TOOTH * self.fan.size[rows, None]
        jumps = self.usable[rows] & sudden & (step < high) & (high < np.inf) & (above <= SMALL * terms.size)
        self.doubted[rows] = np.where(jumps, above, self.doubted[rows])
        # Where jumps may be as close as the best step, the slope between them may be as wrong as that.
        self.jump[rows] = np.where(jumps, above * (high / step), self.jump[rows])
        return over_outputs(np.logical_or, jumps)

    def bracket(self, trial: Trial, q: FloatArray, accepted: NDArray[np.bool_]) -> None:
        """Narrow the bracket between the largest step that was too short and the least that was too long."""
        rows, terms = trial.rows, trial.terms
        over, under = q > Q_HIGH, (q < Q_LOW) & ~accepted
        long, short = rows[over], rows[under]
        self.high[long], self.low[short] = trial.step[over], trial.step[under]
        tail = np.where(np.isfinite(terms.tail), terms.tail, np.inf)
        self.tail_high[long], self.tail_low[short] = tail[over], tail[under]
        self.jump_high[long] = np.fmax(tail, trial.change)[over]
        self.head_high[long] = np.where(np.isfinite(terms.head), terms.head, 0.0)[over]
        self.slope_low[short] = terms.slope[under]
        # A tail of exactly 0 is chance where f is rounded to few digits.
        bound = np.where(tail > 0, tail, terms.head / ROUNDED)
        self.quiet[rows] = np.minimum(self.quiet[rows], np.where(trial.moves, bound, np.inf))
