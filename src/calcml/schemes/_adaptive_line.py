"""The answer on one line with one output, number by number, from the step that the search has found.

Each question is one of `Extrapolation` or `Adaptive`, with the constants from there; where they go on to tell
what else it can be, `UnusualError` is raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from calcml.schemes._adaptive_contradiction import STRUCTURE
from calcml.schemes._adaptive_extrapolation import DEEPER, SURELY, WIDER
from calcml.schemes._adaptive_fan import LENGTH, SIGNIFICANT
from calcml.schemes._adaptive_found import INACCURATE
from calcml.schemes._adaptive_grain import has_grain
from calcml.schemes._adaptive_line_search import LineSearch, Seen
from calcml.schemes._adaptive_nodes import at_nodes
from calcml.schemes._adaptive_number_tableau import Constants, Entry, best_entry
from calcml.schemes._adaptive_search import DOUBTFUL
from calcml.schemes._quick import LARGE, UnusualError

__all__ = ["Answer", "Line", "Nodes"]


class Answer(NamedTuple):
    """A Taylor coefficient, the two parts of its error, and the step."""

    value: float
    truncation: float
    noise: float
    step: float

    @property
    def error(self) -> float:
        """Truncation and noise together."""
        return self.truncation + self.noise

    def improves(self, before: Answer) -> bool:
        """Return whether this is more certain than an answer before, and agrees with it."""
        agrees = abs(self.value - before.value) <= before.error + self.error
        return agrees and self.error < before.error


@dataclass(frozen=True, eq=False, slots=True)
class Nodes:
    """The nodes of a tableau.

    Attributes
    ----------
    table : Constants
        The constants of its windows.
    steps, squares : list of float
        All nodes, in units of the step, and their squares.
    fresh : list of float
        Of the first tableau, the nodes at which f is not known from the last trial.
    order : list of int
        Of the first tableau, where each node stands after those of the trial and these.
    ends : tuple of list
        The nodes of the first octave and of the last one.
    """

    table: Constants
    steps: list[float]
    squares: list[float]
    fresh: list[float]
    order: list[int]
    ends: tuple[list[float], list[float]]


class Line(LineSearch):
    """One line: the search for its step, and its answer.

    Attributes
    ----------
    best, before : Answer
        The best answer from the step, and that from a longer step before.
    entry : Entry
        What the former is made of.
    slope : tuple of float
        The slope of f at the same nodes, and how sure that is.
    """

    __slots__ = ("before", "best", "entry", "slope")

    best: Answer
    before: Answer
    entry: Entry
    slope: tuple[float, float]

    def see(self, seen: Seen) -> None:
        """Take note of f at further nodes."""
        self.seen = seen + self.seen if self.side < 0 else self.seen + seen

    def arrange(self, nodes: Nodes) -> None:
        """Put what has been seen into the order of the nodes; the values must not prove to lie on a grid."""
        self.seen = [self.seen[k] for k in nodes.order]
        f0 = self.origin
        ahead, behind = [a - f0 for _, _, a, _ in self.seen], [b - f0 for _, _, _, b in self.seen]
        size = max(map(abs, (f0, *self.seen[0][2:])))
        if has_grain(ahead, behind, nodes.steps, self.eps / 2 * size):
            raise UnusualError

    def extrapolate(self, nodes: Nodes) -> None:
        """Extrapolate from all nodes, and choose the side on which one octave more promises a better answer.

        An answer with larger nodes must be better than the one before, and agree with it.
        """
        series = self._series(nodes)
        entry = best_entry(nodes.table, *series)
        answer = self._scaled(entry)
        if self.side < 0 and not answer.improves(self.best):
            self.side = 0
            return
        self.best, self.entry, self.side = answer, entry, self._next_side(nodes, entry)
        self.slope = self._slope(nodes, series[1 - self.n % 2])
        if self.side < 0:
            self.unit *= 2

    def _next_side(self, nodes: Nodes, entry: Entry) -> int:
        """Return 1 for smaller nodes, -1 for larger ones, 0 for none."""
        eps, size, error = self.eps, abs(entry.value), entry.truncation + entry.noise
        deeper = not entry.settled and error > DEEPER * eps * size
        if deeper and nodes.ends[1][-1] / 4 * self.unit > 4 * eps * self.size:
            return 1
        noisy = error > WIDER * size and entry.noise > entry.truncation and entry.first == 0
        noisy = noisy and entry.sigma <= self.credible(entry.rounding)
        noisy = noisy and error > WIDER * (2 / eps * entry.rounding / LENGTH**self.n)
        return -1 if noisy and 2 * nodes.ends[0][0] * self.unit <= self.room else 0

    def _series(self, nodes: Nodes) -> tuple[list[float], list[float], list[float]]:
        """Return the wanted series, the other one, and the rounding at each node; see `Symmetric.series`."""
        unit, f0, half = self.unit, self.origin, self.eps / 2
        slopes: list[float] = []
        evens: list[float] = []
        rounding, squares, total = [], [], 0.0
        for t, s, a, b in self.seen:
            ahead, behind = t / unit, -(s / unit)
            if not (ahead > 0 and behind > 0):
                # Rounded away.
                raise UnusualError
            width = ahead + behind
            even = ((a - f0) / ahead - (f0 - b) / behind) / width
            slopes.append((a - b) / width - even * (ahead - behind))
            evens.append(even)
            rounding.append(half * max(abs(a), abs(b), abs(f0)))
            total += abs(a) + abs(b)
            # The power of a number of Python is not always that of NumPy to the last bit.
            squares.append(width / 2 * (width / 2))
        if not total < LARGE:
            raise UnusualError
        slopes, evens = at_nodes([slopes, evens], nodes.squares, squares)
        return (slopes, evens, rounding) if self.n % 2 else (evens, slopes, rounding)

    def _scaled(self, entry: Entry) -> Answer:
        """Return the entry in the units of t."""
        value, truncation, noise, unit = entry.value, entry.truncation, entry.noise, self.unit
        for _ in range(self.n):  # one by one, because hⁿ may overflow where the result does not
            value, truncation, noise = value / unit, truncation / unit, noise / unit
        return Answer(value, truncation, noise, unit)

    def is_loud(self, *, again: bool) -> bool:
        """Return whether the answer shows more noise than there can be, so that the step is too long.

        A second answer that does so, too, must at least have a lower error than the first.
        """
        if self._contradicts():
            raise UnusualError
        best = self.best
        loud = best.error > DOUBTFUL * abs(best.value)
        loud = loud and self.entry.sigma > self.credible(self.entry.rounding)
        if again and loud and not best.error < self.before.error:
            self.best = self.before
        self.before = self.best
        return loud

    def answer(self) -> Answer:
        """Return the coefficient, if two digits are sure."""
        if not self.best.error <= INACCURATE * abs(self.best.value) < LARGE:
            raise UnusualError
        return self.best

    def _slope(self, nodes: Nodes, slopes: list[float]) -> tuple[float, float]:
        """Return the slope of f, as `Extrapolation` has it, and how sure it is."""
        if self.n == 1:
            return self.best.value, self.best.error
        (r, s, t), (a, b, c) = (node * node for node in nodes.steps[-3:]), slopes[-3:]
        before, last = (r * b - s * a) / (r - s) / self.unit, (s * c - t * b) / (s - t) / self.unit
        return last, SURELY * abs(last - before) * (t / (r - t))

    def _contradicts(self) -> bool:
        """Return whether the slope of f is not that at the first step, as in `contradiction`."""
        best, first, (slope, slack) = self.best, self.first, self.slope
        apart = abs(abs(slope) * first - self.near)
        quiet, sigma = self.near_tail, self.entry.sigma
        noise = quiet if sigma > STRUCTURE * quiet else max(quiet, sigma)
        return best.step > first and apart > SIGNIFICANT * noise + slack * first
