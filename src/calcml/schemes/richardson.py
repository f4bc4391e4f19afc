"""Richardson extrapolation from a step of the user's choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import Fan, Side, Symmetric
from calcml.schemes._adaptive_tableau import Best, extrapolate, grid_of
from calcml.schemes._shrink import TRIES, shorter, worth_shrinking
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.stencils import cached_stencil
from calcml.schemes.steps import Relative, StepRule, as_rule

__all__ = ["Richardson"]

# Without a step: an eighth of the magnitude of x, at least of 1, the scale that fixed schemes assume.
LARGEST = 0.125


@dataclass(frozen=True)
class Richardson(Scheme):
    """Differentiate by central differences at falling steps, extrapolated to step zero.

    A central difference is a series in h², D(h) = f' + a h² + b h⁴ + …, so two of them with steps h and h / r
    cancel the first term, T = D(h / r) + [D(h / r) - D(h)] / (r² - 1), three the first two, and so on: q
    steps leave an error of order h^(2q).  Of all entries of the tableau the one with the least sum of
    extrapolation change and amplified noise is taken, and that sum is the error estimate.

    Parameters
    ----------
    levels : int, optional
        Number of steps, at least 4; derivatives of order above 2 take more.
    ratio : float, optional
        Ratio r of neighboring steps, above 1.
    step : float, array_like or step rule, optional
        The largest step; None takes an eighth of the magnitude of x, at least 1/8.

    Raises
    ------
    TypeError
        If levels is not an integer or ratio not a number.
    ValueError
        If levels, ratio or a step is out of range.

    Notes
    -----
    A first derivative costs 2 levels + 1 evaluations per line, f(x) included.  The largest step should be
    well inside the length on which f bends; `Adaptive` finds it.  Where bounds leave no room on one side,
    one-sided differences are extrapolated in all powers of the step.

    References
    ----------
    .. [1] L. F. Richardson, "The approximate arithmetical solution by finite differences...",
       Phil. Trans. A 210 (1911) 307.
    .. [2] C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Adv. Eng. Softw. 4 (1982) 75.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> estimate = cm.estimate_derivative(np.exp, 0.0, scheme=cm.schemes.Richardson(step=0.5))
    >>> bool(abs(estimate.value - 1) <= estimate.error < 1e-12), estimate.nfev
    (True, 15)
    """

    levels: int = 7
    ratio: float = 2.0
    step: Any = None

    def __post_init__(self) -> None:
        """Check the options and turn the step into a rule."""
        if isinstance(self.levels, bool) or not isinstance(self.levels, int | np.integer):
            raise TypeError(f"`levels` must be an integer, got {self.levels!r}")
        if self.levels < 4:
            raise ValueError(f"`levels` must be at least 4, got {self.levels}")
        if isinstance(self.ratio, bool) or not isinstance(self.ratio, int | float | np.number):
            raise TypeError(f"`ratio` must be a number, got {self.ratio!r}")
        if not 1 < self.ratio <= 100:
            raise ValueError(f"`ratio` must be above 1 and at most 100, got {self.ratio}")
        rule = Relative(factor=LARGEST) if self.step is None else as_rule(self.step)
        object.__setattr__(self, "step", rule)

    def coefficient(self, lines: Lines, n: int, *, error: bool = True) -> Coefficient:
        """Return the n-th Taylor coefficient on each line."""
        h = self._largest(lines)
        table = np.full((4, *lines.origin().shape), np.nan, dtype=lines.origin().dtype)
        index: IntArray = np.arange(lines.count)
        for k in range(1 + (TRIES if self.step.adjustable else 0)):
            if k:
                index = worth_shrinking(lines, table[0], h)
                h[index] = shorter(lines, h, index, first=k == 1)
            if not index.size:
                break
            self._fill(lines, table, h, index, n)
        value, truncation, noise, size = table
        status = _status(lines, value, truncation + noise, size)
        return Coefficient(value, truncation, noise, h, status)

    def _fill(self, lines: Lines, table: FloatArray, h: FloatArray, index: IntArray, n: int) -> None:
        """Enter value, truncation, noise and |f| / hⁿ of some lines, on both sides of x or on one."""
        down, up = h[index] > -lines.lower[index], h[index] > lines.upper[index]
        for chosen, side in ((~(down | up), 0.0), (down & ~up, 1.0), (up, -1.0)):
            rows = index[chosen]
            if not rows.size:
                continue
            fan: Fan = Side(lines, rows, np.full(len(rows), side)) if side else Symmetric(lines, rows)
            h[rows] = np.minimum(h[rows], fan.room)
            best = self._extrapolated(fan, h[rows], n)
            with np.errstate(all="ignore"):
                size = best.rounding * 2 / lines.eps
                parts = np.stack([best.value * (side or 1.0) ** n, best.truncation, best.noise, size])
                for _ in range(n):
                    parts = parts / h[rows][:, None]
            table[:, rows] = parts

    def _largest(self, lines: Lines) -> FloatArray:
        # The rule wants a formula; that of the first column is the central difference.
        formula = cached_stencil((-1, 0, 1), 1)
        rule: StepRule = self.step
        h = rule.steps(lines, formula)
        return np.minimum(h, np.maximum(-lines.lower, lines.upper))

    def _extrapolated(self, fan: Fan, h: FloatArray, n: int) -> Best:
        kind, m = fan.series_of(n)
        count = self.levels + (m + self.levels // 2 if kind == "side" else m)
        table = grid_of(tuple(float(self.ratio) ** -k for k in range(count)), kind, m)
        rows: IntArray = np.arange(len(h))
        values = fan.evaluate(table.nodes, h, rows)
        with np.errstate(all="ignore"):
            wanted, companion = fan.series(values, table.nodes, h, rows, n % 2 == 1)
            rounding = fan.lines.eps / 2 * np.maximum(np.abs(values).max(axis=1), np.abs(fan.origin))
        return extrapolate(table, wanted, companion, rounding)


def _status(lines: Lines, value: FloatArray, error: FloatArray, size: FloatArray) -> IntArray:
    status = np.where(np.isfinite(value), Status.OK, Status.NON_FINITE)
    status[lines.lower == lines.upper] = Status.NO_ROOM
    with np.errstate(invalid="ignore", over="ignore"):
        # Zero derivatives have errors above themselves, but only of the size that rounding explains.
        poor = (error > 1e-2 * np.abs(value)) & (error > lines.eps**0.5 * size)
        status[poor & (status == Status.OK)] = Status.INACCURATE
    return status.astype(np.int8)
