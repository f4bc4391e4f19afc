"""What the trials on each line have shown: where a step is too short, too long, or f not smooth.

At a trial step h the first terms c_k hᵏ of f(x + t v) = f(x) + c₁ t + c₂ t² + … follow from four values
(three on one side).  Between two trials terms of a smooth f change by known powers of h; noise, jumps and
steps beyond the length of f show in that they do not.

Nearly always nothing of the kind shows, and every question that needs an answer only then is asked only then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray
from calcml.schemes._adaptive_fan import SIGNIFICANT, SMALL, Rows, Terms, choose, every, over_outputs, some
from calcml.schemes._adaptive_state import State

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
# share of |x|, or of 1 where x is 0; over more, they are kinks or jumps of f itself.
TOOTH = 2.0**-10
# The first step spans half of the spacing of float32: one of its values at most is not the next one's.
REPEATED = 2


@dataclass(eq=False)
class Trial:
    """One trial step on the lines of a state.

    Attributes
    ----------
    terms : Terms
        The Taylor terms.
    change, longer : ndarray or 0
        By how much the slope differs from that of the longest step that was too short, shape (p, M), and how
        much longer this one is, shape (p, 1); if there is any such step.
    differs : ndarray of bool, shape (p, M), or None
        Where that is more than tail and noise explain, if anywhere.
    noise : ndarray, shape (p, M)
        The noise of the tail.
    moves : ndarray of bool, shape (p, M)
        Whether f moves by more than that.
    moving, finite : ndarray of bool, shape (p,)
        Whether any output moves, and whether f is finite at all nodes.
    retreat : ndarray of bool, shape (p,), or None
        Where the longest step that was too short shows a tail that is neither noise nor part of this one: f
        bends on a smaller scale.
    """

    terms: Terms
    change: FloatArray | float
    longer: FloatArray | float
    differs: NDArray[np.bool_] | None
    noise: FloatArray
    moves: NDArray[np.bool_]
    moving: NDArray[np.bool_]
    finite: NDArray[np.bool_]
    retreat: NDArray[np.bool_] | None


class Trials(State):
    """What is known of some lines, and the questions that a trial answers about them."""

    def one_sided(self, trial: Trial, values: FloatArray, late: bool) -> NDArray[np.bool_]:
        """Give up lines on which f has been finite on one side of x only, and remember the side."""
        if not late or len(self.fan.signs) == 1 or every(trial.finite):
            return np.zeros(len(self.step), dtype=bool)
        finite = over_outputs(np.logical_and, np.isfinite(values).all(axis=0) | ~self.usable)
        side = np.where(finite[0] == finite[1], 0.0, np.where(finite[0], 1.0, -1.0))
        self.open_side = np.where(self.known, 0.0, side)
        return self.open_side != 0

    def credible(self, rounding: FloatArray, rows: Rows = slice(None)) -> FloatArray:
        """Return the most noise of f that the trials leave possible, given that of rounding."""
        return np.maximum(LOUD * self.quiet[rows], CANCELLATION * rounding)

    def look(self, values: FloatArray) -> Trial:
        """Return what the values at the nodes of a trial step say."""
        terms = self.fan.terms(values, self.rows)
        rounding = self.fan.eps / 2 * self.fan.tail_noise * terms.size
        longer: FloatArray | float = 0.0
        change: FloatArray | float = 0.0
        retreat = None
        if self.some_low:
            longer = (self.step / self.low)[:, None]
            change = np.where(longer < np.inf, np.abs(terms.slope - self.slope_low * longer), 0.0)
        if self.some_low or self.some_high:
            retreat = self._find_noise(terms, rounding, longer)
        noise, finite = np.maximum(self.noise, rounding), np.isfinite(terms.size)
        stays = (terms.head <= SIGNIFICANT * rounding) & finite
        if some(stays):
            self.still = np.maximum(self.still, np.where(stays, self.step[:, None], 0.0))
        moves = self.usable & (terms.head > SIGNIFICANT * noise)
        moving = over_outputs(np.logical_or, moves)
        finite = over_outputs(np.logical_and, finite | ~self.usable)
        differs = None
        if self.some_low:
            differs = self.usable & (change > SIGNIFICANT * (terms.tail + noise * longer))
            differs = differs if some(differs) else None
        return Trial(terms, change, longer, differs, noise, moves, moving, finite, retreat)

    def _find_noise(
        self, terms: Terms, rounding: FloatArray, longer: FloatArray | float
    ) -> NDArray[np.bool_] | None:
        """Keep what breaks the law h³ between two trials as noise; return where it is too much for that."""
        tail = terms.tail
        was_noise = is_noise = np.zeros(tail.shape, dtype=bool)
        if self.some_low:
            was_noise = (tail < self.tail_low * longer**NOISE_POWER) & (self.tail_low > rounding)
        if self.some_high:
            is_noise = tail > self.tail_high / (self.high / self.step)[:, None] ** NOISE_POWER
        if not some(was_noise | is_noise):
            return None
        most = np.minimum(self.credible(self.fan.eps / 2 * terms.size), SMALL * terms.size)
        structure = self.usable & was_noise & (self.tail_low > most)
        before = np.where(was_noise & (self.tail_low <= most), self.tail_low, 0.0)
        is_noise &= tail <= most
        self.noise = np.fmax(self.noise, np.maximum(before, np.where(is_noise, tail, 0.0)))
        self.sure = np.fmax(self.sure, np.where(before > SIGNIFICANT * rounding, before, 0.0))
        if some(is_noise):
            # What looked too long a step was noise.
            again = over_outputs(np.logical_or, is_noise)
            self.high = np.where(again, np.inf, self.high)
            self.tail_high = np.where(again[:, None], np.inf, self.tail_high)
        return over_outputs(np.logical_or, structure) if some(structure) else None

    def ratio(self, trial: Trial) -> FloatArray:
        """Return q of the output that bends most: 0 in the noise, infinite where the step is no good."""
        terms = trial.terms
        counts = self.usable & (terms.tail > SIGNIFICANT * trial.noise)
        ratio = np.fmax(terms.tail / terms.head * counts, 0.0)
        q = over_outputs(np.maximum, ratio) / self.fan.q_unit
        bad = ~trial.finite
        if trial.differs is not None:
            bad |= self._beats(trial, trial.differs)
        return np.where(bad, np.inf, q) if some(bad) else q

    def _beats(self, trial: Trial, differs: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the lines where the slope is not that of a shorter trial: beyond L, all else may fit."""
        unsure = np.maximum(trial.noise, self.tail_low)
        # The slope of the shorter trial is as sure as f was near it, however large f is here.
        unsure = np.maximum(unsure, CANCELLATION * self.fan.eps / 2 * self.size_low)
        differs = differs & (trial.change > SIGNIFICANT * (trial.terms.tail + unsure * trial.longer))
        return over_outputs(np.logical_or, differs) & self.moved

    def wavers(self, trial: Trial, differs: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the lines where the slope is that of a shorter trial only if there is much noise."""
        differs = differs & (
            trial.change > WAVERS * np.maximum(trial.terms.slope, self.slope_low * trial.longer)
        )
        return over_outputs(np.logical_or, differs) & self.moved

    def repeats(self, values: FloatArray) -> NDArray[np.bool_]:
        """Return the lines on which values at neighboring nodes are the same, as those of a staircase are."""
        sides = [values[::-1, k] for k in range(values.shape[1])]
        steps = [np.diff(side, axis=0, prepend=self.fan.origin[self.rows][None]) for side in sides]
        same = sum(np.count_nonzero(step == 0, axis=0) for step in steps)
        return over_outputs(np.logical_and, (same >= REPEATED) | ~self.usable)

    def stands_still(self, trial: Trial) -> NDArray[np.bool_]:
        """Return the lines on which f does not move here, though smooth f that moves so above would."""
        still = self.usable & ~trial.moves
        if not some(still):
            return np.zeros(len(self.step), dtype=bool)
        step, high, above = self.step[:, None], self.high[:, None], self.head_high
        still &= (step < high) & (above * (step / high) ** 2 > SIGNIFICANT * trial.noise)
        self.doubted = np.where(still, above, 0.0)
        # What is a small share of f may be rounding to a grid; a larger jump is what f does.
        self.jump = np.where(still & (above <= SMALL * trial.terms.size), above, 0.0)
        return over_outputs(np.logical_or, still)

    def jumps(self, trial: Trial, best: FloatArray, settled: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the settled lines on which f is smooth at the best step and jumps a little above it."""
        if not self.some_high:
            return np.zeros(len(self.step), dtype=bool)
        terms = trial.terms
        step, high, above = best[:, None], self.high[:, None], self.jump_high
        tail = np.where(step < self.step[:, None], self.tail_low, terms.tail)
        sudden = above * (step / high) ** 4 > JUMP * np.maximum(tail, trial.noise)
        hidden = tail <= SIGNIFICANT * trial.noise
        sudden |= hidden & (self.loud | (best <= self.first))[:, None]
        size = self.fan.size[self.rows, None]
        sudden &= high <= TOOTH * np.where(size > 0, size, 1.0)
        jumps = self.usable & sudden & (step < high) & (above <= SMALL * terms.size)
        jumps &= settled[:, None]
        self.doubted = np.where(jumps, above, self.doubted)
        # Where jumps may be as close as the best step, the slope between them may be as wrong as that.
        self.jump = np.where(jumps, above * (high / step), self.jump)
        return over_outputs(np.logical_or, jumps)

    def bracket(self, trial: Trial, q: FloatArray, accepted: NDArray[np.bool_]) -> None:
        """Narrow the bracket between the largest step that was too short and the least that was too long."""
        terms = trial.terms
        over, under = q > Q_HIGH, (q < Q_LOW) & ~accepted
        tail: FloatArray = np.fmin(terms.tail, np.inf)
        if some(under):
            self.some_low = True
            self.low, outputs = choose(under, self.step, self.low), under[:, None]
            self.tail_low = choose(outputs, tail, self.tail_low)
            self.slope_low = choose(outputs, terms.slope, self.slope_low)
            self.size_low = choose(outputs, terms.size, self.size_low)
        if some(over):
            self.some_high = True
            self.high, outputs = np.where(over, self.step, self.high), over[:, None]
            self.tail_high = np.where(outputs, tail, self.tail_high)
            self.jump_high = np.where(outputs, np.fmax(tail, trial.change), self.jump_high)
            head = np.where(np.isfinite(terms.head), terms.head, 0.0)
            self.head_high = np.where(outputs, head, self.head_high)
        # A tail of exactly 0 is chance where f is rounded to few digits.
        known = trial.moves & (tail > 0)
        if not every(known):
            tail = np.where(tail > 0, tail, terms.head / ROUNDED)
            tail = np.where(trial.moves, tail, np.inf)
        self.quiet = np.minimum(self.quiet, tail)
