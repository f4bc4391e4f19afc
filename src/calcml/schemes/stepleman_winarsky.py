"""The search of Stepleman and Winarsky."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._search import Probe, Search, bracket, verdict
from calcml.schemes.stencils import Stencil

__all__ = ["SteplemanWinarsky"]

# Differences that have fallen this often in a row fall for the reason of the theorem; before, f may alias.
FALLS = 2


@dataclass(frozen=True)
class SteplemanWinarsky(Search):
    r"""Shorten the step until the derivative no longer settles.

    With D the formula at the steps h_i, each 1/`factor` of the last, \|D(h_{i+1}) - D(h_i)\| falls as h^p for
    a smooth f.  Rounding ends this: the step before the difference grows, or vanishes, is taken.  No noise
    needs to be known.  The first step changes f by a share between `factor` eps^(1/(n+p)) and 1, so it is too
    long but within the length of f.  The error is of the order eps^(p/(n+p)).

    Parameters
    ----------
    factor : float, optional
        Ratio of successive steps.
    trials : int, optional
        The most steps that are tried, first to find the longest and then from there.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If `factor` is not above 1.

    Notes
    -----
    The paper treats the central difference; nothing changes for a formula of order p for the n-th derivative.
    The difference must have fallen twice in a row before its growth ends the search: where f oscillates
    within the first steps, it falls by chance only.  Where the first step is not found (f is constant) the
    step is that of `Relative`.  For several outputs the search goes on until all of them have ended.

    References
    ----------
    .. [1] R. S. Stepleman and N. D. Winarsky, "Adaptive numerical differentiation", Math. Comp. 33 (1979)
       1257, eqs. (2.3) and (3.9) to (3.15).

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> scheme = cm.schemes.Central(step=cm.schemes.SteplemanWinarsky())
    >>> round(float(cm.derivative(np.log, 0.01, scheme=scheme)), 6)
    100.0
    """

    above: ClassVar[Mapping[str, float]] = MappingProxyType({"factor": 1.0})

    factor: float = 4.0
    trials: int = 40

    def search(self, lines: Lines, index: IntArray, formula: Stencil) -> FloatArray:
        """Return the step on the lines in `index`, not finite where f has not told any."""
        used = [(float(g), float(w)) for g, w in zip(formula.offsets, formula.weights, strict=True) if w]
        probe = Probe(lines, index, tuple(g for g, _ in used), None)
        weights = np.array([w for _, w in used])
        h = self._longest(probe, formula)
        state = _Descent(probe, weights, formula.n)
        rows = np.flatnonzero(np.isfinite(h))
        for _ in range(self.trials):
            if not len(rows):
                break
            exact = lines.representable(h[rows], index[rows])
            h[rows] = np.where(exact > 0, exact, h[rows])
            going = state.look(h[rows], rows, self.factor)
            h[rows] = h[rows] / self.factor
            rows = rows[going & (h[rows] > probe.least[rows])]
        return state.step

    def _longest(self, probe: Probe, formula: Stencil) -> FloatArray:
        """Return the first step, NaN where f does not move."""
        least = self.factor * probe.lines.eps ** (1 / (formula.n + formula.order))
        moves = np.zeros(len(probe.index), dtype=bool)

        def trial(h: FloatArray, rows: IntArray) -> tuple[IntArray, FloatArray]:
            values = probe.evaluate(h, rows)
            size = np.maximum(np.abs(values).max(axis=0), np.abs(probe.origin[rows]))
            share = probe.strongest(np.ptp(values, axis=0), size, values, rows)
            moves[rows] |= share > 0
            return verdict(share, least, 1.0), np.full(len(rows), np.nan)

        start = probe.unit / self.factor
        step = bracket(probe, start, trial, self.factor, self.trials).step
        # A share can stay out of its range, as of an odd function at 0 and of a large constant plus f.
        first = np.maximum(np.minimum(start, probe.most), probe.least)
        return np.where(np.isfinite(step), step, np.where(moves, first, np.nan))


class _Descent:
    """How the differences of successive values fall, per line and output."""

    def __init__(self, probe: Probe, weights: FloatArray, n: int) -> None:
        shape = probe.origin.shape
        self.probe, self.weights, self.n = probe, weights, n
        self.last, self.change = np.full(shape, np.nan), np.full(shape, np.inf)
        self.fell, self.open = np.zeros(shape, dtype=int), probe.usable.copy()
        self.step = np.full(shape[0], np.nan)

    def look(self, h: FloatArray, rows: IntArray, factor: float) -> NDArray[np.bool_]:
        """Take the values at one more step; return the lines that go on."""
        values = self.probe.evaluate(h, rows)
        derivative = self.probe.weigh(self.weights, values) / (h**self.n)[:, None]
        change = np.abs(derivative - self.last[rows])
        # NaN, at the first step and outside the domain, starts anew.
        falls = change < self.change[rows]
        ends = self.open[rows] & (
            (change == 0) | ((change >= self.change[rows]) & (self.fell[rows] >= FALLS))
        )
        self.step[rows] = np.where(ends.any(axis=1), h * factor, self.step[rows])
        self.open[rows] &= ~ends
        self.fell[rows] = np.where(falls & np.isfinite(self.change[rows]), self.fell[rows] + 1, 0)
        self.change[rows] = np.where(np.isfinite(change), change, np.inf)
        self.last[rows] = derivative
        return np.asarray(self.open[rows].any(axis=1))
