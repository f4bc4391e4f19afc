"""The kernel of all fixed finite-difference schemes.

A scheme says which points it prefers; bounds may shift them.  The formula is then

    c_n = h⁻ⁿ / n! Σ_j w_j (f(x + g_j h) - f_ref),

where subtracting any one of the values, f_ref, changes nothing in exact arithmetic (Σ w_j = 0) and keeps the
rounding of the weights from meeting the full size of f.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes._shrink import TRIES, least_step, shorter, worth_shrinking
from calcml.schemes.base import Coefficient
from calcml.schemes.stencils import Stencil, cached_stencil
from calcml.schemes.steps import StepRule, optimal_factor

__all__ = ["Plan", "check_order", "difference"]

# The better formula has an error of its own, smaller by h / L; half as much again covers it up to L = 3 h.
TRUNCATION_MARGIN = 1.5


@dataclass(frozen=True)
class Plan:
    """Which points a scheme prefers: `leftmost` offset and number of points, for value and for error.

    Where bounds do not allow them, the same order needs n + order points in a row, wherever they fit.
    """

    n: int
    order: int
    side: int

    def formula(self, order: int) -> Stencil:
        """Return the preferred formula of the given order: side -1 backward, 0 central, 1 forward."""
        if self.side == 0:
            m = (self.n + order - 1) // 2
            return _consecutive(-m, 2 * m + 1, self.n)
        count = self.n + order
        return _consecutive(0 if self.side > 0 else 1 - count, count, self.n)

    @property
    def reach(self) -> int:
        """Steps spanned by points in a row that have this order wherever they lie."""
        return self.n + self.order - 1

    @property
    def better(self) -> int:
        """Order of the formula that judges this one."""
        return self.order + (2 if self.side == 0 else 1)


def check_order(order: object, *, even: bool = False) -> None:
    """Refuse an order of accuracy that no formula of the family has."""
    if isinstance(order, bool) or not isinstance(order, int | np.integer):
        raise TypeError(f"`order` must be an integer, got {order!r}")
    if order < 1 or (even and order % 2):
        kind = "a positive even integer" if even else "a positive integer"
        raise ValueError(f"`order` must be {kind}, got {order}")


def _consecutive(leftmost: int, count: int, n: int) -> Stencil:
    return cached_stencil(tuple(Fraction(leftmost + j) for j in range(count)), n)


def difference(lines: Lines, plan: Plan, rule: StepRule, *, error: bool) -> Coefficient:
    """Return the n-th Taylor coefficient by finite differences.

    The truncation is the difference to the formula of the next order on the same grid; the noise is that of
    rounding in f and in x, amplified by the weights.
    """
    h = rule.steps(lines, plan.formula(plan.order))
    h = _first_exact(lines, h)
    value, truncation, noise, h = _attempt(lines, plan, h, error)
    tables = (value, truncation, noise)
    shrunk = np.empty(0, dtype=int)
    for k in range(TRIES if rule.adjustable else 0):
        index = worth_shrinking(lines, value, h)
        if not index.size:
            break
        shrunk = np.union1d(shrunk, index)
        _redo(lines, plan, h, shorter(lines, h, index, first=k == 0), error, index, tables)
    if shrunk.size:
        # A step that only just stays inside the domain is as long as the distance to its edge, which is the
        # length scale of f there.  The optimal step is a small part of it.
        finer = h[shrunk] * 4 * optimal_factor(plan.formula(plan.order), lines.eps)
        _redo(lines, plan, h, np.maximum(finer, least_step(lines)[shrunk]), error, shrunk, tables)
    return Coefficient(value, truncation, noise, h, _status(lines, value, truncation, noise))


def _redo(
    lines: Lines,
    plan: Plan,
    h: FloatArray,
    steps: FloatArray,
    error: bool,
    index: IntArray,
    tables: tuple[FloatArray, ...],
) -> None:
    """Apply the formula with other steps to some lines and enter the results in the tables."""
    *results, h[index] = _attempt(lines, plan, lines.representable(steps, index), error, index)
    for whole, part in zip(tables, results, strict=True):
        whole[index] = part


def _first_exact(lines: Lines, h: FloatArray) -> FloatArray:
    # A step that x + h rounds away would give 0/0.
    exact = lines.representable(h)
    return np.where(exact > 0, exact, least_step(lines))


def _attempt(
    lines: Lines, plan: Plan, h: FloatArray, error: bool, index: IntArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Apply the formula to the lines in `index`, grouped by where the bounds let the points lie."""
    index = np.arange(lines.count) if index is None else index
    preferred = [plan.formula(plan.order), plan.formula(plan.better)]
    lower, upper = lines.lower[index], lines.upper[index]
    # Whether the error is wanted does not change the value: the points are those that serve both.
    grid = preferred[1].grid
    fits = (grid.min() * h >= lower) & (grid.max() * h <= upper)
    if fits.all():
        return (*_apply(lines, preferred[: 1 + error], h, index), h)
    window, h = _shift(plan, float(preferred[0].grid.min()), lower, upper, h, fits)
    groups = [(preferred, np.flatnonzero(fits))] if fits.any() else []
    for first, wider in {tuple(row) for row in window[~fits].tolist()}:
        formulas = [_consecutive(first, plan.reach + 1, plan.n), _consecutive(wider, plan.reach + 2, plan.n)]
        groups.append((formulas, np.flatnonzero(~fits & (window == (first, wider)).all(axis=1))))
    parts: list[FloatArray] = []
    for formulas, group in groups:
        results = _apply(lines, formulas[: 1 + error], h[group], index[group])
        parts = parts or [np.empty((len(index), r.shape[1]), dtype=r.dtype) for r in results]
        for whole, part in zip(parts, results, strict=True):
            whole[group] = part
    return parts[0], parts[1], parts[2], h


def _shift(
    plan: Plan, preferred: float, lower: FloatArray, upper: FloatArray, h: FloatArray, fits: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return, for lines on which the preferred points do not fit, windows and a step that do.

    A window is its leftmost offset, for the formula and for the wider one that judges it, shape (p, 2).
    """
    # Offsets count from x, so a part of a step is lost on either side: one interval more than points need.
    reach = plan.reach + 1
    h = np.where(fits, h, np.minimum(h, (upper - lower) / (reach + 1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        # Rounding of the quotient must not lose a point that lies on the bound itself.
        margin = 1 + 4 * np.finfo(float).eps
        down, up = np.floor(-lower / h * margin), np.floor(upper / h * margin)
        first = np.minimum(np.maximum(preferred, -down), up - plan.reach)
        wider = np.where(first + reach <= up, first, first - 1)
    window = np.stack([first, wider], axis=1)
    return np.where(np.isfinite(window), window, 0).astype(int), h


def _apply(
    lines: Lines, formulas: list[Stencil], h: FloatArray, index: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return value, truncation (NaN without a second formula) and noise of the first formula."""
    grid = formulas[-1].grid
    used = formulas[-1].coefficients != 0
    for formula in formulas[:-1]:
        used |= np.isin(grid, formula.grid[formula.coefficients != 0])
    values = _values(lines, grid[used], h, index)
    with np.errstate(all="ignore"):
        shifted = values - values[0]
        size = np.max(np.abs(values), axis=0)
        results = [_weigh(f, grid[used], shifted, h) for f in formulas]
        n, span = formulas[0].n, float(np.ptp(grid[used]))
        # Rounding of f, plus rounding of x seen through the slope of f.
        slope = np.max(np.abs(shifted), axis=0) / (span * h[:, None])
        eps_f = lines.eps * size + lines.eps / 2 * slope * lines.size[index][:, None]
        noise = _per_power(eps_f * formulas[0].condition, h, n)
        if len(results) > 1:
            truncation = TRUNCATION_MARGIN * np.abs(results[0] - results[1])
        else:
            truncation = np.full(size.shape, np.nan)
    return results[0], truncation, noise


def _values(lines: Lines, grid: FloatArray, h: FloatArray, index: IntArray) -> FloatArray:
    """Evaluate on the grid; the point itself is shared by all lines and all formulas."""
    away = grid != 0
    t = grid[away][:, None] * h
    moved = lines.evaluate(t, None if len(index) == lines.count else index)
    if away.all():
        return moved
    values = np.empty((len(grid), *moved.shape[1:]), dtype=moved.dtype)
    values[away], values[~away] = moved, lines.origin()[index]
    return values


def _weigh(formula: Stencil, grid: FloatArray, values: FloatArray, h: FloatArray) -> FloatArray:
    lookup = dict(zip(formula.grid.tolist(), formula.coefficients.tolist(), strict=True))
    # Term by term rather than by a matrix product, whose order of summation depends on the number of lines.
    total = np.zeros_like(values[0])
    for g, value in zip(grid.tolist(), values, strict=True):
        total += lookup.get(g, 0.0) * value
    return _per_power(total, h, formula.n)


def _per_power(total: FloatArray, h: FloatArray, n: int) -> FloatArray:
    # Dividing n times by h instead of once by hⁿ keeps clear of overflow and underflow of the power.
    total = total / math.factorial(n)
    for _ in range(n):
        total = total / h[:, None]
    return total


def _status(lines: Lines, value: FloatArray, truncation: FloatArray, noise: FloatArray) -> IntArray:
    status = np.where(np.isfinite(value), Status.OK, Status.NON_FINITE)
    status[lines.lower == lines.upper] = Status.NO_ROOM
    with np.errstate(invalid="ignore", over="ignore"):
        # A derivative that is zero may carry an error larger than itself; it is badly resolved only if that
        # error is also far above what rounding explains.
        poor = (truncation > 1e-2 * np.abs(value)) & (truncation > 1e3 * noise)
    status[poor & (status == Status.OK)] = Status.INACCURATE
    return status.astype(np.int8)
