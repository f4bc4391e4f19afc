"""The search for the step on one line with one output, number by number.

Each question is one of `Trials`, `Steps` or `Search`, with the constants from there; where they go on to tell
what else it can be, `UnusualError` is raised.
"""

# A `strict=` in a zip costs as much as the loop.

from __future__ import annotations

import math
from typing import TypeAlias

from calcml.schemes._adaptive_fan import SIGNIFICANT, Symmetric
from calcml.schemes._adaptive_nodes import UNITS
from calcml.schemes._adaptive_search import ENOUGH, FAILURES
from calcml.schemes._adaptive_steps import (
    AIM,
    ASIDE,
    BOLD,
    FEW_BITS,
    HUGE,
    LEAST_GROWTH,
    NARROW,
    PROOF,
    Q_LAWFUL,
    Q_WANTED,
    SHRINK,
    START_POWER,
    TINY,
    UNPROVED,
)
from calcml.schemes._adaptive_trials import CANCELLATION, LOUD, NOISE_POWER, Q_HIGH, Q_LOW, ROUNDED, TOOTH
from calcml.schemes._quick import LARGE, UnusualError

__all__ = ["SMALLEST", "TRIAL", "LineSearch", "Seen"]

# The nodes of a trial step, on both sides of x.
TRIAL = Symmetric.trial
# Values whose rounding, and its squares, are far from underflow.
SMALLEST = 1e-100

# For each node, distance and f ahead and behind: t₊, t₋, f₊, f₋.
Seen: TypeAlias = list[tuple[float, float, float, float]]


class LineSearch:
    """The search for the step on one line.

    Parameters
    ----------
    row : int
        Which line of the source it is.
    origin, size, room, eps : float
        What the source tells about it.
    n : int
        Order of the derivative.

    Attributes
    ----------
    step, unit : float
        The step to try, at last the answer; and the unit of the nodes.
    seen : list of tuple
        Distances and f at the nodes.
    side : int
        Where the next nodes go: after the others if it is not negative, else before them.
    low, high : float
        The longest step that was too short, or 0, and the shortest one that was too long.
    tail_low, slope_low, tail_high : float
        Terms at those.
    seen_low : list of tuple
        Distances and f at the former, if it was tried since the search began.
    noise, quiet : float
        Noise as far as it has shown, and the least tail of any trial.
    failures : int
        Number of trials without a lawful q.
    first, near, near_tail : float
        The first step, and slope and tail there.
    """

    __slots__ = (
        "aside", "eps", "failures", "first", "high", "least", "low", "most", "n", "near", "near_tail",
        "noise", "origin", "quiet", "room", "row", "scale", "seen", "seen_low", "side", "size", "slope_low",
        "step", "tail_high", "tail_low", "unit",
    )  # fmt: skip

    seen: Seen
    seen_low: Seen

    def __init__(self, row: int, origin: float, size: float, room: float, eps: float, n: int) -> None:
        self.row, self.origin, self.size, self.room, self.eps, self.n = row, origin, size, room, eps, n
        self.aside = ASIDE if eps < FEW_BITS else 1.0
        self.least, self.most = max(4 * eps * size, TINY), min(room / TRIAL[0], HUGE)
        self.scale = max(size, 1.0)
        self.low = self.tail_low = self.slope_low = self.noise = 0.0
        self.high = self.tail_high = self.quiet = math.inf
        self.failures, self.seen_low = 0, []
        self._try(self._allowed(eps**START_POWER * (size if size > 0 else 1.0)))

    def _try(self, step: float) -> None:
        self.step = self.unit = step
        self.seen, self.side = [], 0

    def _allowed(self, step: float) -> float:
        """Return the nearest power of two, but for a common factor, within the room of the line."""
        most = self.most / self.aside
        inside = min(max(step, self.least) / self.aside, most)
        return self.aside * math.ldexp(1.0, math.floor(min(math.log2(inside) + 0.5, math.log2(most))))

    def goes_on(self) -> bool:
        """Return whether to try another step, and which; if not, the step is found."""
        slope, head, tail, size = self._terms()
        noise = self._noise(slope, tail, size)
        if not head > SIGNIFICANT * noise:
            raise UnusualError
        q = tail / head if tail > SIGNIFICANT * noise else 0.0
        if self.quiet == math.inf:
            if q >= Q_LOW:
                # The first trial alone proves nothing.
                raise UnusualError
            self.first, self.near, self.near_tail = self.step, slope, max(tail, noise)
        self.quiet = min(self.quiet, tail or head / ROUNDED)
        enough = head > ENOUGH * size if self.n == 1 else self.step > self.scale / 2
        if q <= Q_HIGH and (q >= Q_LOW or enough):
            return self._settled()
        if q > Q_HIGH:
            self.high, self.tail_high, self.failures = self.step, tail, self.failures + (q > Q_LAWFUL)
            factor = self._shrinkage(q)
        else:
            growth = math.sqrt(Q_WANTED / q) if q > 0 else self._blind_growth(slope, head, size, noise)
            self.low, self.tail_low, self.slope_low, self.seen_low = self.step, tail, slope, self.seen
            factor = max(growth, LEAST_GROWTH)
        step = self._inside(self.step * factor)
        if self.high <= NARROW * self.low or step == self.step or self.failures == FAILURES:
            self.step = self.unit = self.low
            self.seen = self.seen_low
            return self._settled()
        self._try(step)
        return True

    def _settled(self) -> bool:
        """Return False; what made a longer step too long must not have been a small jump.

        Nor may x leave the step so few digits that its nodes are even ones.
        """
        if self.high <= TOOTH * (self.size or 1.0) or not self.seen:
            raise UnusualError
        if self.step < UNITS * self.eps * self.size and self.eps < FEW_BITS:
            raise UnusualError
        return False

    def shorten(self) -> None:
        """Search below the step, which proved too long."""
        before = self.step
        self.high, self.tail_high, self.failures, self.seen_low = before, math.inf, 0, []
        self.low = self.low if self.low < before else 0.0
        middle = math.sqrt(self.low) * math.sqrt(before)
        self._try(self._allowed(middle if middle > 0 else PROOF * before))
        if self.step == before:
            raise UnusualError

    def credible(self, rounding: float) -> float:
        """Return the most noise of f that the trials leave possible, given that of rounding."""
        return max(LOUD * self.quiet, CANCELLATION * rounding)

    def _shrinkage(self, q: float) -> float:
        """Return the factor to the next step where this one is too long."""
        if q > Q_LAWFUL:
            return SHRINK
        # What stands for an unproved q there may be one that is proved.
        return PROOF if q == UNPROVED else math.sqrt(Q_WANTED / q)

    def _inside(self, step: float) -> float:
        """Return the step to try, kept inside the bracket."""
        low, high = self.low, self.high
        if high < math.inf:
            middle = math.sqrt(low) * math.sqrt(high)
            if step > high / 2:
                step = max(middle, high / (NARROW / 2))
            if step < 2 * low:
                step = middle
        return self._allowed(step)

    def _terms(self) -> tuple[float, float, float, float]:
        """Return slope, head, tail and size as `Symmetric.terms` does."""
        (_, _, a, b), (_, _, c, d) = self.seen
        f0 = self.origin
        size = max(abs(a), abs(b), abs(c), abs(d), abs(f0))
        # NaN may get lost in a maximum, but not in a sum.
        if not (size > SMALLEST and abs(a) + abs(b) + abs(c) + abs(d) < LARGE):
            raise UnusualError
        odd2, odd1 = (a - b) / 2, (c - d) / 2
        even2, even1 = (a + b) / 2 - f0, (c + d) / 2 - f0
        slope = abs(8.0 * odd1 - odd2) / 6.0
        head = max(slope, abs(16.0 * even1 - even2) / 12.0)
        tail = max(abs(2.0 * odd1 - odd2) / 6.0, abs(4.0 * even1 - even2) / 12.0)
        return slope, head, tail, size

    def _noise(self, slope: float, tail: float, size: float) -> float:
        """Return the noise of the tail; terms must have changed with the step as those of a smooth f do.

        A tail that has not grown from the step that was too short is noise, and may be no more than rounding
        explains.
        """
        rounding = self.eps / 2 * size
        if tail > self.tail_high / (self.high / self.step) ** NOISE_POWER:
            raise UnusualError
        if not self.low:
            return max(self.noise, rounding)
        longer = self.step / self.low
        if self.tail_low > rounding and tail < self.tail_low * longer**NOISE_POWER:
            if self.tail_low > SIGNIFICANT * rounding:
                raise UnusualError
            self.noise = max(self.noise, self.tail_low)
        noise = max(self.noise, rounding)
        if abs(slope - self.slope_low * longer) > SIGNIFICANT * (tail + noise * longer):
            raise UnusualError
        return noise

    def _blind_growth(self, slope: float, head: float, size: float, noise: float) -> float:
        """Return the factor to the next step where noise hides the tail."""
        noise *= SIGNIFICANT
        safe = math.sqrt(Q_WANTED / (noise / head))
        if safe < LEAST_GROWTH:
            raise UnusualError
        if self.n == 1:
            change = AIM * size / slope if slope > noise else math.inf
            if head > slope:
                change = min(change, math.sqrt(AIM * size / head))
        else:
            change = max(self.scale / self.step, LEAST_GROWTH)
        return min(BOLD * safe, change)
