"""Richardson extrapolation from a step of the user's choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import Fan, Side, Symmetric
from calcml.schemes._adaptive_tableau import extrapolate, grid_of
from calcml.schemes._shrink import TRIES, least_step, shorter, worth_shrinking
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.stencils import cached_stencil
from calcml.schemes.steps import Relative, StepRule, as_rule

__all__ = ["Richardson"]

# Without a step: an eighth of the magnitude of x, at least of 1, the scale that fixed schemes assume.
LARGEST = 0.125
# Where that scale is not the one of f, the tableau starts again with steps shorter by RETRY, that often.
RETRY, RETRIES = 64.0, 4
# Steps that are multiples of one another can meet a wave at the same phases as they would a much longer one.
# So one more step, of no such ratio to them, must agree with the others but for noise.
CONTROL, CERTAIN = 0.6180339887498949, 8.0
# Ridders' rule: the tableau ends when its last entry is worse than the best one by this factor.
SAFE = 2.0


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
        The largest step; None takes an eighth of the magnitude of x, at least 1/8.  Steps of a rule are
        shortened where f is not finite or no two digits come out; a number is taken as it is.
    stop : {None, "ridders"}, optional
        None evaluates all levels and takes the entry with the least error; "ridders" goes level by level,
        takes the entry with the least change, and ends when the last one is worse by a factor of 2 [2]_.
        ``Richardson(levels=10, ratio=1.4, stop="ridders")`` is the form of [3]_; for order 1 only.

    Raises
    ------
    TypeError
        If levels is not an integer or ratio not a number.
    ValueError
        If levels, ratio or a step is out of range, stop is unknown, or the order is not 1 with "ridders".

    Notes
    -----
    A first derivative costs 2 levels + 3 evaluations per line, f(x) included, and 2 levels + 2 more for each
    of at most 4 new starts with steps 64 times shorter; by Ridders' rule, 2 for each level that was needed.
    Two evaluations are a control at 0.618 times the shortest step: a wave can meet steps that are multiples
    of one another at the same phases as a much longer one, and all of them agree on a wrong answer.
    Ridders' error is the change of the entry alone: it knows the rounding of f, but neither noise inside f
    nor steps so long that f looks flat, which the rule without `stop` finds out.  The largest step should be
    well inside the length on which f bends; `Adaptive` finds it.  Where bounds leave no room on one side,
    one-sided differences are extrapolated in all powers of the step.

    References
    ----------
    .. [1] L. F. Richardson, "The approximate arithmetical solution by finite differences...",
       Phil. Trans. A 210 (1911) 307.
    .. [2] C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Adv. Eng. Softw. 4 (1982) 75.
    .. [3] W. H. Press et al., "Numerical Recipes", 3rd ed. (2007), section 5.7.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> estimate = cm.estimate_derivative(np.exp, 0.0, scheme=cm.schemes.Richardson(step=0.5))
    >>> bool(abs(estimate.value - 1) <= estimate.error < 1e-12), estimate.nfev
    (True, 17)
    """

    levels: int = 7
    ratio: float = 2.0
    step: Any = None
    stop: str | None = None

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
        if self.stop not in (None, "ridders"):
            raise ValueError(f"`stop` must be None or 'ridders', got {self.stop!r}")
        rule = Relative(factor=LARGEST) if self.step is None else as_rule(self.step)
        object.__setattr__(self, "step", rule)

    def coefficient(self, lines: Lines, n: int, *, error: bool = True) -> Coefficient:
        """Return the n-th Taylor coefficient on each line; the error costs nothing."""
        if self.stop is not None and n != 1:
            raise ValueError(
                f"stop='ridders' gives derivatives of order 1, got n = {n}; leave `stop` out for others"
            )
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
        if self.step.adjustable:
            self._resolve(lines, table, h, n)
        value, truncation, noise, scale = table
        status = _status(lines, value, truncation + noise, scale)
        return Coefficient(value, truncation, noise, h, status)

    def _resolve(self, lines: Lines, table: FloatArray, h: FloatArray, n: int) -> None:
        """Take much shorter steps where those of the first table were too long for f to be a series."""
        steps = h.copy()
        for _ in range(RETRIES):
            status = _status(lines, table[0], table[1] + table[2], table[3])
            index = np.flatnonzero((status == Status.INACCURATE).any(axis=1))
            index = index[steps[index] / RETRY > least_step(lines)[index]]
            if not index.size:
                return
            new = table.copy()
            steps[index] /= RETRY
            self._fill(lines, new, steps, index, n)
            # What is lost claims nothing with a small error beside a smaller value: digits count.
            better = (_relative(new) < _relative(table)).all(axis=1)
            h[better], table[:, better] = steps[better], new[:, better]

    def _fill(self, lines: Lines, table: FloatArray, h: FloatArray, index: IntArray, n: int) -> None:
        """Enter value, truncation, noise and scale of f by hⁿ of some lines, on both sides of x or on one."""
        down, up = h[index] > -lines.lower[index], h[index] > lines.upper[index]
        for chosen, side in ((~(down | up), 0.0), (down & ~up, 1.0), (up, -1.0)):
            rows = index[chosen]
            if not rows.size:
                continue
            fan: Fan = Side(lines, rows, np.full(len(rows), side)) if side else Symmetric(lines, rows)
            h[rows] = np.minimum(h[rows], fan.room)
            found = self._extrapolated(fan, h[rows], n) if self.stop is None else self._ridders(fan, h[rows])
            value, truncation, noise, scale = found
            with np.errstate(all="ignore"):
                parts = np.stack([value * (side or 1.0) ** n, truncation, noise, scale])
                for _ in range(n):
                    parts = parts / h[rows][:, None]
            table[:, rows] = parts

    def _largest(self, lines: Lines) -> FloatArray:
        # The rule wants a formula; that of the first column is the central difference.
        formula = cached_stencil((-1, 0, 1), 1)
        rule: StepRule = self.step
        h = rule.steps(lines, formula)
        return np.minimum(h, np.maximum(-lines.lower, lines.upper))

    def _extrapolated(self, fan: Fan, h: FloatArray, n: int) -> tuple[FloatArray, ...]:
        """Return value, truncation and noise of the best entry of the whole tableau, and the scale of f."""
        kind, m = fan.series_of(n)
        count = self.levels + (m + self.levels // 2 if kind == "side" else m)
        table = grid_of(tuple(float(self.ratio) ** -k for k in range(count)), kind, m)
        nodes, rows = np.append(table.nodes, CONTROL * table.nodes[-1]), np.arange(len(h))
        values = fan.evaluate(nodes, h, rows)
        with np.errstate(all="ignore"):
            wanted, companion = fan.series(values, nodes, h, rows, n % 2 == 1)
            rounding = _rounding(fan, values, rows)
            best = extrapolate(table, wanted[:-1], companion[:-1], rounding[:-1])
            noise = CERTAIN * np.maximum(best.sigma, best.rounding)
            jump = _unforeseen(wanted, noise / nodes[-1] ** (2 if kind == "even" else 1), best.value, m)
            # The term of a_m at the last node is a_m sᵐ.
            jump = jump / nodes[-2] ** (m if kind == "side" else 2 * m)
            size = best.rounding * 2 / fan.eps
            change = np.abs(values[-2] - fan.origin[rows]).max(axis=0) / nodes[-2] ** n
            # A derivative may be 0 beside what f changes by close to x; a constant does not change.
            scale = np.where(change > 0, np.fmin(change, size), size)
        return best.value, np.fmax(best.truncation, jump), best.noise, scale

    def _ridders(self, fan: Fan, h: FloatArray) -> tuple[FloatArray, ...]:
        """Return the same by Ridders' rule: the entry with the least change, row by row until it grows.

        A row begins with the difference at a new step; A_j = (cʲ A_(j-1) - B_(j-1)) / (cʲ - 1), B the row
        before and c = r² (r on one side), cancels one power more.  The error of an entry is the larger of
        its distances to the two that it is made of.  A line ends when the last entry of its row is worse
        than the best so far by SAFE.
        """
        sided = fan.series_of(1)[0] == "side"
        powers = float(self.ratio) ** (np.arange(self.levels) * (1 if sided else 2))
        value, noise, rounding = (np.full(fan.origin.shape, np.nan) for _ in range(3))
        error = np.full(fan.origin.shape, np.inf)
        rows: IntArray = np.arange(len(h))
        before: list[FloatArray] = []
        for i in range(self.levels):
            row = self._row(fan, h, rows, i, before, powers, 2 if sided else 1)
            with np.errstate(all="ignore"):
                rounding[rows] = np.fmax(
                    rounding[rows], row[0][1] * float(self.ratio) ** -i / (2 if sided else 1)
                )
                for j in range(1, i + 1):
                    parents = np.abs(row[j][0] - row[j - 1][0]), np.abs(row[j][0] - before[j - 1][0])
                    change = np.maximum(*parents)
                    better = change <= error[rows]
                    for table, entry in ((value, row[j][0]), (noise, row[j][1]), (error, change)):
                        table[rows] = np.where(better, entry, table[rows])
                # The first row has nothing to be worse than.
                last = np.abs(row[i][0] - before[i - 1][0]) if i else np.zeros(row[0][0].shape)
                go = ~(last >= SAFE * error[rows]).all(axis=1)
            rows, before = rows[go], [entry[:, go] for entry in row]
            if not rows.size:
                break
        return value, error, noise, rounding * 2 / fan.eps

    def _row(
        self,
        fan: Fan,
        h: FloatArray,
        rows: IntArray,
        i: int,
        before: list[FloatArray],
        powers: FloatArray,
        worst: int,
    ) -> list[FloatArray]:
        """Return row i of Ridders' tableau: values and their rounding, each entry of shape (2, p, M)."""
        node = np.array([float(self.ratio) ** -i])
        values = fan.evaluate(node, h[rows], rows)
        with np.errstate(all="ignore"):
            slope = fan.series(values, node, h[rows], rows, True)[0][0]
            row = [np.stack([slope, worst * _rounding(fan, values, rows)[0] / node])]
            for c, old in zip(powers[1:], before, strict=False):
                # Values are subtracted, errors at worst added.
                sign = np.array([-1.0, 1.0])[:, None, None]
                row.append((c * row[-1] + sign * old) / (c - 1))
        return row


def _unforeseen(series: FloatArray, noise: FloatArray, limit: FloatArray, m: int) -> FloatArray:
    """Return by how much a series leaves its way at the last node, or 0 if the two before foretell that.

    From node to node it changes less and less, and from there to its limit, which is a_0, less than between
    them; what is left besides is noise.
    """
    before = np.abs(series[-2] - series[-3]) + noise
    change = np.abs(series[-1] - series[-2])
    if m == 0:
        change = np.maximum(change, np.abs(limit - series[-2]))
    return np.where(change > before, change, 0.0)


def _rounding(fan: Fan, values: FloatArray, rows: IntArray) -> FloatArray:
    """Return the rounding of f at each node, shape (k, p, M)."""
    return fan.lines.eps / 2 * np.maximum(np.abs(values).max(axis=1), np.abs(fan.origin[rows]))


def _relative(table: FloatArray) -> FloatArray:
    """Return the error beside the value, infinite where there is neither."""
    with np.errstate(all="ignore"):
        return np.nan_to_num((table[1] + table[2]) / np.abs(table[0]), nan=np.inf, posinf=np.inf)


def _status(lines: Lines, value: FloatArray, error: FloatArray, scale: FloatArray) -> IntArray:
    status = np.where(np.isfinite(value), Status.OK, Status.NON_FINITE)
    status[lines.lower == lines.upper] = Status.NO_ROOM
    with np.errstate(all="ignore"):
        # Zero derivatives have errors above themselves, but only a small part of what f could have.
        poor = (error > 1e-2 * np.abs(value)) & (error > lines.eps**0.5 * scale)
    status[(poor | np.isinf(error)) & (status == Status.OK)] = Status.INACCURATE
    return status.astype(np.int8)
