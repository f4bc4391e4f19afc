"""The kernel of all fixed finite-difference schemes.

A scheme says which points it prefers; bounds may shift them.  The formula is then

    c_n = h⁻ⁿ / n! Σ_j w_j (f(x + g_j h) - f_ref),

where subtracting any one of the values, f_ref, changes nothing in exact arithmetic (Σ w_j = 0) and keeps the
rounding of the weights from meeting the full size of f.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes._recipe import Plan, Recipe
from calcml.schemes._shrink import TRIES, least_step, shorter, worth_shrinking
from calcml.schemes.base import Coefficient
from calcml.schemes.steps import StepRule, optimal_factor

__all__ = ["difference"]

# The better formula has an error of its own, smaller by h / L for one-sided and (h / L)² for central points;
# three times the difference covers it up to h = 2 L / 3, where the formula has lost all of its digits.
TRUNCATION_MARGIN = 3.0
# Fewer than two digits: the error exceeds this share of the value.
POOR = 1e-2
# No lines.
NONE = np.empty(0, dtype=int)
# A step of more than a quarter of x is a guess in the dark.
REACH = 4.0
# Noise of so many times that at the optimal step is excused.
EXCUSED = 1e3
# The bytes of NaN.
UNKNOWN = np.array(np.nan).tobytes()
# Numbers per block of the arithmetic: 128 KiB, beyond which temporaries leave the allocator's fast path.
BLOCK = 16384


def difference(lines: Lines, plan: Plan, rule: StepRule, *, error: bool) -> Coefficient:
    """Return the n-th Taylor coefficient by finite differences.

    The truncation is the difference to the formula of the next order on the same grid; the noise is that of
    rounding in f and in x, amplified by the weights.
    """
    with np.errstate(all="ignore"):
        h, value, truncation, noise = _first(lines, plan, rule, error)
        near = _near(lines, h) if lines.careful and rule.guesses and not error else NONE
        if near.size:
            # Without its error such a value could be anything.
            truncation = np.full(value.shape, np.nan)
            _redo(lines, plan, h, h[near], True, near, (value, truncation, noise))
        elif not error and _clear(lines, plan, value, noise, h):
            return Coefficient(value, truncation, noise, h, np.zeros(value.shape, dtype=np.int8))
        tables = (value, truncation, noise)
        if rule.adjustable:
            judged = error or bool(near.size)
            _lengthen(lines, plan, h, judged, tables)
            _shrink(lines, plan, h, judged, tables)
        return Coefficient(value, truncation, noise, h, _status(lines, plan, tables, h, error=error))


def _near(lines: Lines, h: FloatArray) -> IntArray:
    """Return the lines on which a step is no small part of x: it reaches for 0, where many a domain ends."""
    size = lines.size
    reaches = size < REACH * h
    return np.flatnonzero(reaches & (size > 0)) if np.count_nonzero(reaches) else NONE


def _clear(lines: Lines, plan: Plan, value: FloatArray, noise: FloatArray, h: FloatArray) -> bool:
    """Return whether no line needs a closer look: all is finite, and no noise is more than it must be."""
    if value.size > BLOCK:
        finite = bool(np.isfinite(value).all() and np.isfinite(noise).all())
    elif np.vdot(value, value) < np.inf and np.vdot(noise, noise) < np.inf:
        # One pass, if no square overflows; for few numbers the quicker way.
        if np.count_nonzero(noise <= POOR * np.abs(value)) == value.size:
            return True
        finite = True
    else:
        return False
    return bool(finite and EXCUSED * _shortness(lines, plan, h).min() >= 1)


def _shortness(lines: Lines, plan: Plan, h: FloatArray) -> FloatArray:
    """Return by how much each line would have less noise at the step for a length of |x|, or of 1."""
    best = optimal_factor(plan.formula, lines.eps) * np.maximum(lines.size, 1.0)
    return np.minimum(h / best, 1.0) ** plan.n


def _lengthen(lines: Lines, plan: Plan, h: FloatArray, error: bool, tables: tuple[FloatArray, ...]) -> None:
    """Lengthen, in place, the steps that x + h rounds away, which gave 0/0."""
    lost = np.flatnonzero(~(h > 0) & (lines.upper > lines.lower))
    if lost.size:
        _redo(lines, plan, h, least_step(lines)[lost], error, lost, tables)


def _shrink(lines: Lines, plan: Plan, h: FloatArray, error: bool, tables: tuple[FloatArray, ...]) -> None:
    """Shorten, in place, the steps that met NaN or infinity until they stay inside the domain of f."""
    shrunk = np.empty(0, dtype=int)
    for k in range(TRIES):
        # A point of the better formula alone may have left the domain: then the noise is NaN.
        index = worth_shrinking(lines, np.where(np.isnan(tables[2]), np.nan, tables[0]), h)
        if not index.size:
            break
        shrunk = np.union1d(shrunk, index)
        _redo(lines, plan, h, shorter(lines, h, index, first=k == 0), error, index, tables)
    if shrunk.size:
        # A step that only just stays inside the domain is as long as the distance to its edge, which is the
        # length scale of f there.  The optimal step is a small part of it.
        finer = h[shrunk] * 4 * optimal_factor(plan.formula, lines.eps)
        _redo(lines, plan, h, np.maximum(finer, least_step(lines)[shrunk]), error, shrunk, tables)


def _first(
    lines: Lines, plan: Plan, rule: StepRule, error: bool
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return steps, values and errors of the first attempt."""
    while True:
        eps = lines.eps
        h = lines.representable(rule.steps(lines, plan.formula))
        if rule.measures:
            # A search has seen f; looking again would find the same.
            eps = lines.eps
        if not rule.adjustable and not h.min() > 0:
            raise ValueError(
                f"`step` {h[~(h > 0)][0]:g} is too small to change x; give a larger one or step=None"
            )
        value, truncation, noise, h = _attempt(lines, plan, h, error)
        if eps == lines.eps:
            return h, value, truncation, noise
        # The first values show that f is less precise than x, which asks for longer steps.


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
        if whole.flags.writeable:  # Without an error wanted, the truncation is NaN and stays so.
            whole[index] = part


def _attempt(
    lines: Lines, plan: Plan, h: FloatArray, error: bool, index: IntArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Apply the formula to the lines in `index`, None for all, grouped by where the points may lie."""
    recipe = plan.preferred(error=error)
    if not lines.bounded:
        return (*_apply(lines, recipe, h, index), h)
    every = np.arange(lines.count) if index is None else index
    lower, upper = lines.lower[every], lines.upper[every]
    fits = (recipe.lowest * h >= lower) & (recipe.highest * h <= upper)
    window, h = _shift(plan, float(plan.formula.offsets[0]), lower, upper, h, fits)
    groups = [(recipe, np.flatnonzero(fits))] if fits.any() else []
    for first, wider in {tuple(row) for row in window[~fits].tolist()}:
        group = np.flatnonzero(~fits & (window == (first, wider)).all(axis=1))
        groups.append((plan.window(first, wider, error=error), group))
    parts: list[FloatArray] = []
    for shifted, group in groups:
        results = _apply(lines, shifted, h[group], every[group])
        parts = parts or [np.empty((len(every), r.shape[1]), dtype=r.dtype) for r in results]
        for whole, part in zip(parts, results, strict=True):
            whole[group] = part
    return parts[0], parts[1], parts[2], h


def _shift(
    plan: Plan, preferred: float, lower: FloatArray, upper: FloatArray, h: FloatArray, fits: NDArray[np.bool_]
) -> tuple[IntArray, FloatArray]:
    """Return, for lines on which the preferred points do not fit, windows and a step that do.

    A window is its leftmost offset, for the formula and for the wider one that judges it, shape (p, 2).
    """
    # Offsets count from x, so a part of a step is lost on either side: one interval more than points need.
    reach = plan.reach + 1
    h = np.where(fits, h, np.minimum(h, (upper - lower) / (reach + 1)))
    # Rounding of the quotient must not lose a point that lies on the bound itself.
    margin = 1 + 4 * np.finfo(float).eps
    down, up = np.floor(-lower / h * margin), np.floor(upper / h * margin)
    first = np.minimum(np.maximum(preferred, -down), up - plan.reach)
    wider = np.where(first + reach <= up, first, first - 1)
    window = np.stack([first, wider], axis=1)
    return np.where(np.isfinite(window), window, 0).astype(int), h


def _apply(
    lines: Lines, recipe: Recipe, h: FloatArray, index: IntArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return value, truncation and noise; the truncation is NaN where no better formula judges it."""
    values = _values(lines, recipe, h, index)
    eps, along = lines.eps, h
    if len(recipe.weights) > 1:
        along = lines.size if index is None else lines.size[index]
    points, p, outputs = values.shape
    value, noise = np.empty((2, p, outputs), dtype=values.dtype)
    truncation = _unknown(value.shape) if len(recipe.weights) == 1 else np.empty_like(value)
    if values.size <= BLOCK:
        _combine(recipe, values, h, along, eps, value, truncation, noise)
        return value, truncation, noise
    # Blocks of lines, or of outputs where these are many, whose temporaries stay in the cache.
    rows = max(1, BLOCK // (points * outputs))
    columns = outputs if rows > 1 else max(1, BLOCK // points)
    for i in range(0, p, rows):
        for j in range(0, outputs, columns):
            cut = slice(i, i + rows), slice(j, j + columns)
            parts = value[cut], truncation[cut], noise[cut]
            _combine(recipe, values[:, *cut], h[cut[0]], along[cut[0]], eps, *parts)
    return value, truncation, noise


def _unknown(shape: tuple[int, ...]) -> FloatArray:
    """Return NaN in this shape, one number in memory, which cannot be changed."""
    return np.ndarray(shape, float, UNKNOWN, 0, (0,) * len(shape))


def _combine(
    recipe: Recipe,
    values: FloatArray,
    h: FloatArray,
    along: FloatArray,
    eps: float,
    value: FloatArray,
    truncation: FloatArray,
    noise: FloatArray,
) -> None:
    """Fill in value, truncation and noise from values of shape (K, p, M); the table is passed over once."""
    h = h[:, None]
    _weigh(recipe.weights[0], values, value)
    _per_power(value, h, recipe.n)
    unit = np.full(h.shape, eps * recipe.condition)
    _per_power(unit, h, recipe.n)
    _largest(values, noise)
    if len(recipe.weights) > 1:
        better, slope = np.empty((2, *value.shape), value.dtype)
        _weigh(recipe.weights[1], values, better)
        np.subtract(value, _per_power(better, h, recipe.n), out=truncation)
        np.abs(truncation, out=truncation)
        truncation *= TRUNCATION_MARGIN
        # Rounding of x is seen through the slope of f.
        slope = _largest(values[1:] - values[0], slope) / ((recipe.grid[-1] - recipe.grid[0]) * h)
        noise += slope * (along[:, None] / 2)
    noise *= unit


def _largest(values: FloatArray, largest: FloatArray) -> FloatArray:
    """Find the largest magnitude on each line; a few calls cost less than one reduction."""
    np.abs(values[0], out=largest)
    for value in values[1:]:
        np.maximum(largest, np.abs(value), out=largest)
    return largest


def _values(lines: Lines, recipe: Recipe, h: FloatArray, index: IntArray | None) -> FloatArray:
    """Evaluate on the grid; the point itself is shared by all lines and all formulas."""
    moved = lines.evaluate(recipe.moves * h, index)
    if len(moved) == len(recipe.grid):
        return moved
    k = recipe.middle
    values = np.empty((len(recipe.grid), *moved.shape[1:]), dtype=moved.dtype)
    values[:k], values[k + 1 :] = moved[:k], moved[k:]
    values[k] = lines.origin() if index is None else lines.origin()[index]
    return values


def _weigh(weights: tuple[float, ...], values: FloatArray, total: FloatArray) -> None:
    # Term by term rather than by a matrix product, whose order of summation depends on the number of lines.
    reference = values[0]
    np.subtract(values[1], reference, out=total)
    total *= weights[1]
    for weight, value in zip(weights[2:], values[2:], strict=True):
        if weight:
            total += weight * (value - reference)


def _per_power(total: FloatArray, h: FloatArray, n: int) -> FloatArray:
    # Dividing n times by h instead of once by hⁿ keeps clear of overflow and underflow of the power.
    for _ in range(n):
        total /= h
    if n > 1:
        total /= math.factorial(n)
    return total


def _status(
    lines: Lines, plan: Plan, tables: tuple[FloatArray, ...], h: FloatArray, *, error: bool
) -> IntArray:
    value, truncation, noise = tables
    # Where no error was wanted the truncation is NaN.
    total = noise + (truncation if error else np.where(np.isnan(truncation), 0.0, truncation))
    status = np.zeros(value.shape, dtype=np.int8)
    place = np.nonzero(~(total <= POOR * np.abs(value)) | ~np.isfinite(value))
    if not place[0].size:
        return status
    lost = ~np.isfinite(value[place])
    # A derivative that is zero may carry an error larger than itself; it is badly resolved only if that error
    # is also far above what rounding leaves at the optimal step.
    unavoidable = EXCUSED * noise[place] * _shortness(lines, plan, h)[place[0]]
    # An error out of range, as of a derivative near the largest number, is above everything.
    poor = ~(total[place] <= unavoidable) | np.isinf(total[place])
    status[place] = np.where(lost, Status.NON_FINITE, np.where(poor, Status.INACCURATE, Status.OK))
    if lost.any():
        status[lines.lower == lines.upper] = Status.NO_ROOM
    return status
