"""The way up through noise: every octave from a step upwards, and the one that shows f best.

Where noise hides the tail of the Taylor series, or jumps like those of rounded values stand for it, single
trials far apart cannot tell a step in the noise from one beyond the length L of f.  All octaves together
can.  With T the largest tail up to a step h, which is what noise may be there, and H the head at h, the
ratio r = T / H falls as 1/h in the noise and rises as h² below L.  Beyond L it stays near 1, and so it does
where f is nothing but noise.  Its minimum is where f shows best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import SIGNIFICANT, SMALL, Fan, over_outputs

__all__ = ["Climb", "Summit"]

# f shows where half of its head is noise at most.
SHOWS = 1 / 2
# From the minimum the step goes on up to the ratio at which extrapolation does best.
WANTED = 0.02
# Five octaves above that in which r does not fall and is 16 times its minimum end the way.
OVER, LONG, FALLS = 16.0, 5, 1 / 4
# Below L r rises by four to sixteen per octave.  Where it leaps, or f moves that much more than noise one
# octave after standing still, a jump or a kink is met.
LEAP = 64.0
# A single jump and a single kink have r = 1/7 at every step above them; f shows where r is less than that.
# Besides, jumps that are noise do not grow with the step, and the tail of a kink does: after five octaves 4√h
# lies between.  Only from there on can f show, unless it stands still below the jump.
CLEAR, FLAT, APART, SOON = 1 / 10, 4.0, 2.0**5, 8**0.5
# A jump on one side of x, at the outer node, has a tail of 1/12 of its height.
GRAIN = 6.0


@dataclass(frozen=True, eq=False)
class Summit:
    """Where the way up ends.

    Attributes
    ----------
    step : ndarray, shape (p,)
        The step that shows f best.
    shows : ndarray of bool, shape (p,)
        Whether f stands out of the noise there.
    values : ndarray, shape (trial nodes, r, p, M)
        f at the trial nodes at that step.
    noise : ndarray, shape (p, M)
        T at that step.
    leaps : ndarray of bool, shape (p,)
        Whether a jump or a kink has been met.
    rough : ndarray of bool, shape (p, M)
        Whether the tail has not grown like that of a kink since the jump.
    grain : ndarray, shape (p, M)
        Half the height of a jump below that step, or 0.
    """

    step: FloatArray
    shows: NDArray[np.bool_]
    values: FloatArray
    noise: FloatArray
    leaps: NDArray[np.bool_]
    rough: NDArray[np.bool_]
    grain: FloatArray


class Climb:
    """The way up on some lines of a fan.

    Parameters
    ----------
    fan : Fan
        Lines and the sides on which to look.
    rows : ndarray of int, shape (p,)
        The lines.
    start, end : ndarray, shape (p,)
        Least step, and the step that must not be exceeded.
    jump : ndarray, shape (p, M)
        The size of a jump already met, or 0.
    high : ndarray, shape (p,)
        The step at which it was met.
    flat : ndarray of bool, shape (p, M)
        Whether f stands still below that.
    """

    def __init__(
        self,
        fan: Fan,
        rows: IntArray,
        start: FloatArray,
        end: FloatArray,
        jump: FloatArray,
        high: FloatArray,
        flat: NDArray[np.bool_],
    ) -> None:
        self.fan, self.rows, self.start, self.known_jump = fan, rows, start, jump > 0
        # The latest jump: its size, the step at which it was met, and from which multiple of that f can show.
        self.jump, self.met = jump, np.where(jump > 0, high[:, None], np.inf)
        self.apart = np.where(flat, 1.0, APART)
        self.size, self.tail = np.zeros(jump.shape), np.zeros(jump.shape)
        self.still = np.zeros(jump.shape, dtype=bool)
        self.values: list[FloatArray] = []
        self.ratio: list[FloatArray] = []
        self.noise: list[FloatArray] = []
        going = np.arange(len(rows))
        for _ in range(len(fan.trial) - 1):
            self._evaluate(going)
        octaves = np.floor(np.log2(end / start))
        while len(going):
            self._evaluate(going)
            self._judge()
            going = np.flatnonzero(~self._over() & (len(self.ratio) <= octaves))

    def _evaluate(self, going: IntArray) -> None:
        """Ask for f at the next node of some lines: twice the one before."""
        node = self.fan.trial[-1] * np.exp2([float(len(self.values))])
        values = np.full((len(self.fan.signs), *self.tail.shape), np.nan, dtype=self.fan.origin.dtype)
        values[:, going] = self.fan.evaluate(node, self.start[going], self.rows[going])[0]
        self.values.append(values)

    @np.errstate(all="ignore")
    def _judge(self) -> None:
        """Add r and T of the latest octave; r is infinite from where f is not finite."""
        terms = self.fan.terms(np.array(self.values[: -len(self.fan.trial) - 1 : -1]), self.rows)
        self.size = np.fmax(self.size, terms.size)
        rounding = self.fan.lines.eps / 2 * self.fan.tail_noise * self.size
        self.tail = np.maximum(self.tail, np.where(np.isfinite(terms.tail), terms.tail, np.inf))
        self.tail = np.maximum(self.tail, rounding)
        shows = (terms.head > 0) & (self.tail < np.inf)
        ratio = np.where(shows, self.tail / terms.head, np.inf)
        leaps = starts = self.still & (terms.head > LEAP * SIGNIFICANT * rounding)
        if self.ratio:
            leaps = starts | shows & (ratio > LEAP * self.ratio[-1]) & (self.tail <= SMALL * self.size)
        # Where f is not finite it does not leap.
        leaps = leaps & (self.tail < np.inf)
        step = (self.start * 2.0 ** len(self.ratio))[:, None]
        self.jump, self.met = np.where(leaps, self.tail, self.jump), np.where(leaps, step, self.met)
        self.apart = np.where(leaps, np.where(starts, 1.0, APART), self.apart)
        self.still = terms.head <= SIGNIFICANT * rounding
        self.ratio.append(ratio)
        self.noise.append(self.tail)

    def _over(self) -> NDArray[np.bool_]:
        """Return the lines on which all outputs that show have been at their best, and some do."""
        last, least = np.array(self.ratio[-LONG:]), np.min(self.ratio, axis=0)
        hidden = least >= SHOWS
        past = (last > OVER * least).all(axis=0) & (last[-1] > FALLS * last[0]) & (len(last) == LONG)
        past &= (self.jump == 0) & (last[-1] > WANTED)
        over = over_outputs(np.logical_and, past | hidden) & ~over_outputs(np.logical_and, hidden)
        return over | ~over_outputs(np.logical_or, np.isfinite(self.tail))

    @np.errstate(all="ignore")
    def summit(self) -> Summit:
        """Return the best octave of each line."""
        octaves, p = np.arange(len(self.ratio))[:, None, None], np.arange(len(self.rows))
        noise, step = np.array(self.noise), self.start[:, None] * np.exp2(octaves)
        bound = FLAT * self.jump * np.sqrt(step / self.met)
        ratio = np.array(self.ratio)
        above = np.where((step >= self.apart * self.met) & (noise <= bound) & (ratio < CLEAR), ratio, np.inf)
        below = np.where((step < self.met) & ~self.known_jump & (ratio < SHOWS), ratio, np.inf)
        # What is smooth below a jump is a piece of noise if f shows above it.
        ratio = np.where(above.min(axis=0) < np.inf, above, below)
        clear = ratio.min(axis=0) < np.inf
        best = self._best(np.where(clear, ratio, 0.0))
        values = np.array(self.values)
        width = len(self.fan.trial)
        nodes = np.array([values[best + width - 1 - k, :, p] for k in range(width)])
        return Summit(
            self.start * np.exp2(best),
            over_outputs(np.logical_or, clear) & over_outputs(np.logical_and, clear | ~self.known_jump),
            np.moveaxis(nodes, 1, 2),
            noise[best, p],
            over_outputs(np.logical_or, self.jump > 0),
            self._rough(noise, bound, step),
            np.where(self.start[:, None] * np.exp2(best)[:, None] > self.met, GRAIN * self.jump, 0.0),
        )

    def _rough(self, noise: FloatArray, bound: FloatArray, step: FloatArray) -> NDArray[np.bool_]:
        """Return whether the tail stays below a bound; a lower one, where the way ends before that counts.

        The tail of a kink grows as the step, that is by a factor of two from one octave to the next.
        """
        finite, apart = noise < np.inf, step >= APART * self.met
        decided = (finite & apart).any(axis=0)
        last = np.maximum(np.count_nonzero(finite, axis=0) - 1, 0)[None]
        soon = np.take_along_axis(noise <= bound / SOON, last, axis=0)[0]
        return np.where(decided, (noise <= bound).any(axis=0, where=apart), soon)

    def _best(self, ratio: FloatArray) -> IntArray:
        """Return the octave with the least r, or the last one from there on with no more than is wanted."""
        line = over_outputs(np.maximum, ratio)
        above = np.arange(len(line))[:, None] > line.argmin(axis=0)
        beyond = above & (line > WANTED)
        return np.where(beyond.any(axis=0), beyond.argmax(axis=0), len(line)) - 1
