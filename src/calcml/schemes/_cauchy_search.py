"""The search for the radius: which circle gives the n-th coefficient with the least error.

The error of c_n from a circle of radius r is the noise of the terms, at least eps max |f|, over rⁿ: the
condition number of Cauchy's integral.  For a polynomial or an entire function it is least where the largest
terms are those of index n.  A singularity at the distance R, or the number of points N, stops the growth
before: N points resolve a circle when (r / R)ᴺ is below the noise.  The terms on one circle foretell those on
another, a_k (r' / r)ᵏ, and their decay how far the circle can grow: two or three circles are enough unless
the first one is out of all proportion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._cauchy_circle import END, SEEN, Circle, sample
from calcml.schemes._cauchy_table import Table

__all__ = ["Search"]

# The first circle, in units of |x|, or of 1 where x is 0; and what a circle that is of no use shrinks by.
START, SHRINK = 0.125, 64.0
# After so many of those f is taken not to be analytic: 64^8 = 3e14.  Nor can a circle have fewer numbers in
# its radius.
SHRINKS, LEAST = 8, 4096.0
# Nor does a circle grow beyond all bounds where f is a polynomial.
LARGEST = 2.0**50
# The logarithm of the most that a circle can grow by at once; beyond it there are no numbers.
LONGEST = 700.0
# Circles for one coefficient with one number of points, at most.
ROUNDS = 8
# A further circle is worth its price when it promises to divide the error by this; with more points, by that.
WORTH, WORTH_MORE = 4.0, 8.0
# An error of so many eps of the coefficient is good enough; steps shorter than this are no other circle.
GOAL, APART = 32.0, 1.1
# Noise is believed when it is that of another circle within this factor, smaller or larger by CONFIRM.
ALIKE, CONFIRM = 6.0, 0.125
# Terms below this share of f can be buried in its noise: then the circle is too small, not too large.
BURIED = 1e-3
# Radii that are weighed against each other.
CANDIDATES = 24


class Search:
    """The circles tried so far on every line.

    Attributes
    ----------
    radius : ndarray, shape (P,)
        The next radius.
    lower, points : ndarray, shape (P,)
        Radius of the last good circle, NaN before there is one, and its number of points.
    least, most : ndarray, shape (P,)
        Between these the next circle is to be.
    lowest : ndarray, shape (P,)
        The smallest radius tried.
    known, least_noise : ndarray, shape (P, M)
        The largest and the least noise of f that was seen; 0 and NaN where there was none.
    hunted : ndarray of bool, shape (P,)
        Lines on which the first circle was not good.
    pending : ndarray, shape (P, M)
        What looked like noise on the last circle and is not believed yet.
    """

    def __init__(self, lines: Lines, table: Table, radius: FloatArray | None) -> None:
        self.lines, self.table, self.fixed = lines, table, radius is not None
        shape, count = lines.origin().shape, lines.count
        self.room = np.minimum(-lines.lower, lines.upper).astype(lines.dtype)
        start = np.where(lines.size > 0, START * lines.size, 1.0) if radius is None else radius
        self.radius = np.minimum(start, self.room)
        self.lower, self.points = np.full(count, np.nan), np.zeros(count, dtype=int)
        with np.errstate(over="ignore"):
            self.largest = np.minimum(self.room, LARGEST * np.maximum(start, START))
        self.least_noise = np.full(shape, np.nan)
        self.least, self.most = np.zeros(count), self.largest.copy()
        self.tries = np.zeros(count, dtype=int)
        self.size = np.zeros((1, *shape))
        self.rounding, self.noise, self.decay, self.seen = (np.zeros(shape) for _ in range(4))
        self.lowest, self.known, self.pending = np.full(count, np.inf), np.zeros(shape), np.zeros(shape)
        finite = np.isfinite(lines.origin()).all(axis=1)
        self.hunted = np.zeros(count, dtype=bool)
        self.alive: IntArray = np.flatnonzero(finite & (self.radius > 0))

    def start(self, points: int) -> None:
        """Find a good circle on every line, if there is one."""
        smallest = LEAST * np.finfo(self.lines.dtype).eps * self.lines.size
        todo = self.alive
        while todo.size:
            self._try(todo, points)
            again = np.isnan(self.lower[todo]) & (self.tries[todo] <= SHRINKS) & (not self.fixed)
            todo = todo[again & (self.radius[todo] >= smallest[todo])]
        self.hunted = self.tries > 0

    @property
    def lost(self) -> IntArray:
        """Lines on which no circle was good."""
        return self.alive[np.isnan(self.lower[self.alive])]

    def refine(self, n: int, points: int, *, more: bool) -> None:
        """Try better circles for the n-th coefficient; `more` if it has been tried with fewer points."""
        todo = self.alive[~np.isnan(self.lower[self.alive])]
        fewer = todo[self.points[todo] < points]
        # More points can resolve what fewer could not.
        self.most[fewer] = self.largest[fewer]
        for k in range(ROUNDS):
            todo = self._worth(todo, n, points, more=more and not k)
            if not todo.size:
                return
            self._try(todo, points)

    def _try(self, index: IntArray, points: int) -> None:
        """Evaluate on the next circle of some lines and learn from it."""
        expected = ALIKE * np.maximum(self.known, self.pending)[index]
        first = bool(np.isinf(self.lowest).all())
        circle = sample(self.lines, index, self.radius[index], points, expected, first=first)
        self.lowest[index] = np.minimum(self.lowest[index], circle.radius)
        before, self.seen[index] = self.seen[index], circle.noise
        # What looks like noise can be a singularity: noise is the same on another circle.
        grown = (circle.radius > self.lower[index])[:, None]
        alike = (circle.noise <= ALIKE * before) & (grown | (circle.noise >= before / ALIKE))
        believed = ~circle.level | alike | self.fixed
        # Terms at the end that do not fall on a smaller circle are noise too, though those before still fall.
        smaller = (circle.radius < self.lower[index] / APART)[:, None]
        stuck = smaller & ~circle.clean & (circle.noise > before / 4)
        sound: NDArray[np.bool_] = np.logical_and.reduce(circle.good, axis=1)
        good: NDArray[np.bool_] = np.logical_and(sound, believed.all(axis=1))
        noise = np.where(circle.level, circle.noise, np.where(stuck, np.maximum(circle.noise, before), 0.0))
        rows = index[good]
        self.known[rows] = np.maximum(self.known[rows], noise[good])
        self.least_noise[rows] = np.fmin(self.least_noise[rows], np.where(noise > 0, noise, np.nan)[good])
        self.pending[index] = np.where(circle.level & ~believed, circle.noise, 0.0)
        self.table.enter(circle, good)
        self._keep(circle, good)
        back = _back(circle, self.tries[index] == 0)
        self._retreat(index[~good], back[~good], sound[~good])

    def _keep(self, circle: Circle, good: NDArray[np.bool_]) -> None:
        rows = circle.index[good]
        missing = circle.points - len(self.size)
        if missing > 0:
            self.size = np.concatenate([self.size, np.zeros((missing, *self.noise.shape))])
        self.size[:, rows] = 0.0
        self.size[: circle.points, rows] = circle.size[:, good]
        # Noise that was seen on one circle is on all others, though terms that still fall may hide it.
        self.noise[rows] = np.maximum(circle.floor[good], self.known[rows])
        self.rounding[rows], self.decay[rows] = circle.rounding[good], circle.decay[good]
        self.lower[rows], self.points[rows] = circle.radius[good], circle.points

    def _retreat(self, index: IntArray, back: FloatArray, sound: NDArray[np.bool_]) -> None:
        """Go to a radius that suits the terms, or, where a good one is known, between the two."""
        tried, lower = self.radius[index], self.lower[index]
        self.tries[index] += 1
        first, inside = np.isnan(lower), tried < lower
        between = np.where(first, tried / 2, np.maximum(np.sqrt(tried * lower), tried * back))
        self.most[index] = np.where(sound | inside | (back > 1), self.most[index], between)
        self.least[index] = np.where(inside, lower, self.least[index])
        self.radius[index] = np.minimum(tried * back, self.most[index])

    def _worth(self, index: IntArray, n: int, points: int, *, more: bool) -> IntArray:
        """Set the next radii and return the lines on which they promise enough."""
        radius, promise = self._propose(index, n, np.full(len(index), points))
        place, worth = self.table.place(n), WORTH
        now = self.table.log_error[place][index]
        accurate = now - self.table.log_value[place][index] <= np.log(GOAL * self.lines.eps)
        if more:
            # Where the circle can still grow without more points, they are not what is missing.
            now, worth = np.minimum(now, self._propose(index, n, self.points[index])[1]), WORTH_MORE
        wanted = (~accurate & (now - promise > np.log(worth))).any(axis=1)
        with np.errstate(all="ignore"):
            apart = np.abs(np.log(radius / self.lower[index])) > np.log(APART)
        self.radius[index] = radius
        return index[wanted & (apart | (points > self.points[index]))]

    def _propose(self, index: IntArray, n: int, points: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the radius that promises the least error of c_n, and the logarithm of that error."""
        low, high = self._limits(index, points)
        size, lower = self.size[:, index], self.lower[index]
        with np.errstate(divide="ignore"):
            noise, rounding = np.log(self.noise[index]), np.log(self.rounding[index])
            seen = np.where(size > SEEN / 2 * self.noise[index], np.log(size), -np.inf)
            # f(x) counts even if it is 0: the noise of a zero function stays as it is.
            seen[0] = np.maximum(seen[0], noise)
            rounding = rounding - seen.max(axis=0)
        places = np.arange(len(size))[:, None, None]
        error = np.full(noise.shape, np.inf)
        step, score = np.zeros(len(index)), np.full(len(index), np.inf)
        for share in np.linspace(0.0, 1.0, CANDIDATES):
            s = low + share * (high - low)
            # Rounding is in proportion to the largest term; what else there is of noise stays.
            largest = np.max(seen + places * s[:, None], axis=0)
            e = np.maximum(noise, rounding + largest) - n * s[:, None]
            total = e.mean(axis=1)
            better = total < score
            score, step = np.where(better, total, score), np.where(better, s, step)
            error = np.where(better[:, None], e, error)
        return lower * np.exp(step), error - n * np.log(lower)[:, None]

    def _limits(self, index: IntArray, points: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the logarithms of the least and the largest growth of the circle."""
        size, noise, lower = self.size[:, index], self.noise[index], self.lower[index]
        with np.errstate(divide="ignore", over="ignore"):
            # Quotients may be out of range where x is next to the smallest numbers.
            depth = np.log(size.max(axis=0) / noise)
            least, most = np.log(self.least[index] / lower), np.log(self.most[index] / lower)
            start = np.log(START / lower)
        # The terms are to sink into the noise at the end of the circle.
        high = (self.decay[index] - np.maximum(depth, 0.0) / (END * points)[:, None]).min(axis=1)
        # Where nothing moves yet, x says nothing of the scale of f, and 1 is as good a guess as any.
        still = (size[1:].max(axis=0, initial=0.0) <= SEEN * noise).all(axis=1)
        high = np.maximum(np.minimum(np.where(still, np.maximum(high, start), high), most), least)
        high = np.minimum(high, LONGEST)
        return np.maximum(np.minimum(-0.5, high), least), high


def _back(circle: Circle, first: NDArray[np.bool_]) -> FloatArray:
    """Return the factors that bring useless circles to where f is analytic, resolved and not all noise.

    Noise is looked for on the first circle only: a singularity in a flat f looks alike.
    """
    n, largest = circle.points, circle.size.max(axis=0)
    before = circle.size[n // 2 : 3 * n // 4].max(axis=0)
    with np.errstate(all="ignore"):
        # Terms that still fall at the end are those of an f that is analytic here, on too large a circle.
        slope = np.log(largest / circle.tail) / n
        fitting = np.exp(slope + np.log(np.finfo(circle.size.dtype).eps) / n) / 2
        falling = np.isfinite(slope) & (circle.tail < 0.1 * before)
    factor = np.where(falling, np.clip(fitting, 1 / SHRINK, 0.5), 1 / SHRINK)
    # Noise is confirmed by another circle: at first a larger one, on which the terms stand out more.
    up = circle.level & (circle.tail < BURIED * circle.size[0]) & first[:, None]
    confirm, buried = np.where(up, 1 / CONFIRM, CONFIRM), np.where(up, SHRINK, factor)
    return np.where(circle.good, np.where(circle.level, confirm, np.inf), buried).min(axis=1)
