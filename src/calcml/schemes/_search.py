"""What the published searches for a step share: f at trial steps, and a bracket that closes on the right one.

A search looks at f on some lines, at nodes g times a trial step h, and judges each line: too short, too long
or right.  All lines are searched at once; those that are settled are not evaluated any more.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._shrink import least_step
from calcml.schemes.stencils import Stencil, cached_stencil
from calcml.schemes.steps import Relative, StepRule, check_positive, optimal_factor

__all__ = [
    "LONG",
    "RIGHT",
    "SHORT",
    "Bracket",
    "Probe",
    "Search",
    "bracket",
    "lawful",
    "side_of",
    "unit_of",
    "verdict",
]

SHORT, RIGHT, LONG = -1, 0, 1
# An x closer to 0 than this says nothing of the scale of f; along a short direction |x| can be infinite.
NOTHING, LARGEST = 2.0**-960, 2.0**900
# No search goes further than this from x, in units of max(|x|, 1): f is then taken to have no scale.
FAR = 2.0**30
# Moves one way, counted from 0: the k-th is by the power k + 1 - PATIENCE of the rule's factor, at least 1.
PATIENCE = 3
# A bracket this narrow holds no step that the judge would call right.
NARROW = 1.05
# A ratio of signal to noise follows its power of h where it is above noise and f still has its Taylor terms.
ABOVE_NOISE, WITHIN = 2.0, 1e6

Trial = Callable[[FloatArray, IntArray], tuple[IntArray, FloatArray]]


class Probe:
    """Some of the lines, and f at nodes on them, moved inside the bounds where these are in the way.

    Parameters
    ----------
    lines : Lines
        All lines.
    index : ndarray of int, shape (p,)
        The lines that are searched.
    nodes : tuple of float
        The nodes, in units of the step.
    noise : ndarray of shape (p, M), float or None
        Absolute noise of f; None is the rounding of the largest value seen.
    """

    def __init__(
        self, lines: Lines, index: IntArray, nodes: tuple[float, ...], noise: FloatArray | float | None
    ) -> None:
        self.lines, self.index, self.nodes = lines, index, np.array(nodes)
        self.origin = lines.origin()[index]
        self.usable = np.isfinite(self.origin)
        self.noise = None if noise is None else np.broadcast_to(noise, self.origin.shape)
        self.unit, self.least = unit_of(lines)[index], least_step(lines)[index]
        room = (lines.upper[index] - lines.lower[index]) / np.ptp(self.nodes)
        self.most = np.minimum(room, FAR * np.maximum(self.unit, 1.0))
        shape = (len(nodes), *self.origin.shape)
        self.seen_t = np.full(shape[:2], np.nan, self.origin.dtype)
        self.seen = np.empty(shape, self.origin.dtype)

    def evaluate(self, h: FloatArray, rows: IntArray) -> FloatArray:
        """Return f at the nodes, shape (K, p, M); values of the last trial are used again."""
        own = self.index[rows]
        t = self.lines.representable(self.nodes[:, None] * h, own)
        if self.lines.bounded:
            # A derivative a few steps aside is of the same order of magnitude.
            t = t + np.maximum(self.lines.lower[own] - t.min(axis=0), 0.0)
            t = t - np.maximum(t.max(axis=0) - self.lines.upper[own], 0.0)
        known = t == 0
        values = np.broadcast_to(self.origin[rows], (len(t), *self.origin[rows].shape)).copy()
        for old_t, old in zip(self.seen_t[:, rows], self.seen[:, rows], strict=True):
            same = t == old_t
            values = np.where(same[..., None], old, values)
            known |= same
        ask, who = ~known.all(axis=1), np.flatnonzero(~known.all(axis=0))
        if len(who):
            values[np.ix_(np.flatnonzero(ask), who)] = self.lines.evaluate(t[ask][:, who], own[who])
        self.seen_t[:, rows], self.seen[:, rows] = t, values
        return values

    def rounding(self, values: FloatArray, rows: IntArray) -> FloatArray:
        """Return the noise of f, shape (p, M): the one that is given, or eps times the largest value seen."""
        if self.noise is not None:
            return self.noise[rows]
        return self.lines.eps * np.maximum(np.abs(values).max(axis=0), np.abs(self.origin[rows]))

    def weigh(self, weights: FloatArray, values: FloatArray) -> FloatArray:
        """Return the sum of weights times values, shape (p, M), for weights whose sum is 0."""
        # Term by term: the order of summation in a matrix product depends on the number of lines.
        total = np.zeros(values.shape[1:], values.dtype)
        for weight, value in zip(weights, values, strict=True):
            total += weight * (value - values[0])
        return total

    def strongest(
        self, signal: FloatArray, noise: FloatArray, values: FloatArray, rows: IntArray
    ) -> FloatArray:
        """Return, per line, the largest ratio of signal to noise, infinite where f is not finite.

        So a line takes the shortest step that one of its outputs asks for: none is spoiled by truncation.
        """
        usable = self.usable[rows]
        broken = (usable & ~np.isfinite(values).all(axis=0)).any(axis=1)
        ratio = np.where(usable & (signal > 0), signal / noise, 0.0).max(axis=1, initial=0.0)
        return np.where(broken, np.inf, ratio)

    def share(self, noise: FloatArray, values: FloatArray, rows: IntArray) -> FloatArray:
        """Return the noise as a share of the values, per line the largest of its outputs and at least eps."""
        size = np.where(self.usable[rows], np.abs(values).max(axis=0), 0.0)
        return np.where(size > 0, noise / size, 0.0).max(axis=1, initial=self.lines.eps)


def unit_of(lines: Lines) -> FloatArray:
    r"""Return \|x\| along each line where it can be a first guess at the scale of f, else 1; shape (P,)."""
    return np.where(lines.size > NOTHING, np.minimum(lines.size, LARGEST), 1.0)


def side_of(formula: Stencil) -> int:
    """Return 0 for a central formula, 1 for one ahead of x, -1 for one behind."""
    first, last = formula.offsets[0], formula.offsets[-1]
    return 0 if first == -last else 1 if last > 0 else -1


def verdict(ratio: FloatArray, lower: float, upper: float) -> IntArray:
    """Return SHORT, RIGHT or LONG for ratios that grow with the step."""
    return np.where(ratio < lower, SHORT, np.where(ratio > upper, LONG, RIGHT))


def lawful(ratio: FloatArray, wanted: float, power: int, *, least: float = ABOVE_NOISE) -> FloatArray:
    """Return by what factor a step must change for a ratio that grows as its power, NaN where it does not."""
    return np.where((ratio > least) & (ratio < WITHIN), (wanted / ratio) ** (1 / power), np.nan)


@dataclass(eq=False)
class Bracket:
    """The end of a search on each line.

    Attributes
    ----------
    step : ndarray, shape (p,)
        The step that was right, NaN where none was.
    low, high : ndarray, shape (p,)
        The longest step that was too short, 0 without any, and the shortest that was too long, else infinite.
    """

    step: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def closed(self) -> FloatArray:
        """The longest step before f gets out of hand; NaN where none was too short, or none too long."""
        return np.where((self.low > 0) & np.isfinite(self.high), self.low, np.nan)

    @property
    def settled(self) -> FloatArray:
        """The right step, else the longest before f gets out of hand."""
        return np.where(np.isnan(self.step), self.closed, self.step)


def bracket(
    probe: Probe,
    start: FloatArray,
    trial: Trial,
    factor: float,
    trials: int,
    *,
    leap: bool = False,
    among: NDArray[np.bool_] | bool = True,
) -> Bracket:
    """Multiply or divide the step by `factor` until it is bracketed, then close the bracket.

    `trial` takes steps and lines, and returns verdicts and by what factor the rule's own law would go on, NaN
    where it knows none.  Inside a bracket the law is followed, else the logarithm bisected; with `leap` it is
    followed outside, too.  Only the lines `among` are searched.
    """
    p = len(start)
    end = Bracket(np.full(p, np.nan), np.zeros(p), np.full(p, np.inf))
    h = np.maximum(np.minimum(start, probe.most), probe.least)
    rows = np.flatnonzero(probe.usable.any(axis=1) & (probe.most >= probe.least) & among)
    for k in range(trials):
        if not len(rows):
            break
        h[rows] = _exact(probe, h, rows)
        said, law = trial(h[rows], rows)
        end.step[rows] = np.where(said == RIGHT, h[rows], np.nan)
        end.low[rows] = np.where(said == SHORT, h[rows], end.low[rows])
        end.high[rows] = np.where(said == LONG, h[rows], end.high[rows])
        change = factor ** (-said * float(max(1, k + 1 - PATIENCE)))
        new = _next(end, h[rows], rows, change, law, leap)
        new = np.maximum(np.minimum(new, probe.most[rows]), probe.least[rows])
        moved = (said != RIGHT) & (new != h[rows]) & (end.high[rows] > NARROW * end.low[rows])
        h[rows] = new
        rows = rows[moved]
    return end


def _exact(probe: Probe, h: FloatArray, rows: IntArray) -> FloatArray:
    exact = probe.lines.representable(h[rows], probe.index[rows])
    return np.where(exact > 0, exact, h[rows])


@np.errstate(invalid="ignore", over="ignore")
def _next(
    end: Bracket, h: FloatArray, rows: IntArray, change: FloatArray, law: FloatArray, leap: bool
) -> FloatArray:
    """Return the next steps: by the law or a factor while one side is open, then by the law or the middle."""
    low, high = end.low[rows], end.high[rows]
    new, between = h * law, (low > 0) & np.isfinite(high)
    good = (new > low * NARROW) & (new < high / NARROW) & (between | leap)
    return np.where(good, new, np.where(between, np.sqrt(low) * np.sqrt(high), h * change))


class Search(StepRule):
    """A rule that looks at f: on the points of the formula, or on one side of x where bounds need it.

    A search is a frozen dataclass of its options.
    """

    measures: ClassVar[bool] = True
    # What an option must exceed, where that is not 0.
    above: ClassVar[Mapping[str, float]] = MappingProxyType({})

    def __post_init__(self) -> None:
        """Refuse options that make no sense."""
        for option in fields(self):  # type: ignore[arg-type]
            self._check(option.name, getattr(self, option.name))
        lower, upper = getattr(self, "lower", 0), getattr(self, "upper", np.inf)
        if not lower < upper:
            raise ValueError(f"`lower` must be below `upper`, got {lower} and {upper}")

    def _check(self, name: str, value: object) -> None:
        if isinstance(value, bool) and isinstance(getattr(type(self), name), bool):
            return
        if name == "noise" and value is None:
            return
        check_positive(name, value)
        if name == "trials" and not isinstance(value, int | np.integer):
            raise TypeError(f"`trials` must be an integer, got {value!r}")
        least = self.above.get(name, 0.0)
        if not value > least:  # type: ignore[operator]
            raise ValueError(f"`{name}` must be above {least:g}, got {value}")

    def check_formula(self, formula: Stencil) -> None:
        """Refuse a formula that the rule was not made for."""

    @abstractmethod
    def search(self, lines: Lines, index: IntArray, formula: Stencil) -> FloatArray:
        """Return the step on the lines in `index`, not finite where f has not told any."""

    def steps(self, lines: Lines, formula: Stencil) -> FloatArray:
        """Return the step on each line; where f tells nothing, that of `Relative`."""
        self.check_formula(formula)
        # The first values of f show how precise they are.
        lines.origin()
        found = np.full(lines.count, np.nan)
        for index, own in _sides(lines, formula):
            with np.errstate(all="ignore"):
                found[index] = self.search(lines, index, own)
        return np.where((found > 0) & np.isfinite(found), found, Relative().steps(lines, formula))


def _sides(lines: Lines, formula: Stencil) -> Iterator[tuple[IntArray, Stencil]]:
    """Group the lines: those with room for the formula, and those with more room on one side of x."""
    side = np.zeros(lines.count, dtype=int)
    if lines.bounded:
        h = 2 * optimal_factor(formula, lines.eps) * unit_of(lines)
        fits = (float(formula.offsets[0]) * h >= lines.lower) & (
            float(formula.offsets[-1]) * h <= lines.upper
        )
        side = np.where(fits, 0, np.where(lines.upper >= -lines.lower, 1, -1))
    for which in (0, 1, -1):
        index: NDArray[np.intp] = np.flatnonzero(side == which)
        if len(index):
            row = tuple(sorted(Fraction(which * j) for j in range(formula.n + formula.order)))
            yield index, cached_stencil(row, formula.n) if which else formula
