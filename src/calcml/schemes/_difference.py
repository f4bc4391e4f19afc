"""The kernel of all fixed finite-difference schemes.

A scheme says which points it prefers; bounds may shift them.  Steps that leave the domain of f are shortened,
and the formula on the points that are left is that of `_weighing`.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes._in_turn import in_turn
from calcml.schemes._recipe import Plan, Recipe
from calcml.schemes._shrink import TRIES, least_step, shorter, worth_shrinking
from calcml.schemes._weighing import (
    BLOCK,
    FEW,
    POOR,
    Rows,
    all_finite,
    moves,
    unknown,
    weigh,
    weigh_and_judge,
)
from calcml.schemes.base import Coefficient
from calcml.schemes.steps import StepRule, optimal_factor

__all__ = ["difference"]

# No lines.
NONE = np.empty(0, dtype=int)
# A step of more than a quarter of x is a guess in the dark.
REACH = 4.0
# Noise of so many times that at the optimal step is excused.
EXCUSED = 1e3
# The same without an axis: NumPy is quicker with it than with a number of Python.
FAR = np.array(REACH)

# Where f stands still at a step, so that all differences vanish, one more step of this share of x tells
# whether it is constant or has values on a grid.
FURTHER = 2.0**-6

# Value, truncation and noise, each of shape (P, M).
Tables: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]


def difference(lines: Lines, plan: Plan, rule: StepRule, *, error: bool) -> Coefficient:
    """Return the n-th Taylor coefficient by finite differences.

    The truncation is the difference to the formula of the next order on the same grid; the noise is that of
    rounding in f and in x, amplified by the weights.
    """
    with np.errstate(all="ignore"):
        h, value, truncation, noise = _first(lines, plan, rule, error)
        if not error:
            return _plain(lines, plan, rule, h, value, noise)
        tables = value, truncation, np.asarray(noise)
        if rule.adjustable:
            _adjust(lines, plan, h, True, tables)
            _look_further(lines, plan, tables)
        return Coefficient(*tables, h, _status(lines, plan, tables, h))


def _plain(
    lines: Lines, plan: Plan, rule: StepRule, h: FloatArray, value: FloatArray, noise: FloatArray | float
) -> Coefficient:
    """Return values without their errors, which are looked at only where a value is doubtful."""
    near = _near(lines, h) if lines.careful and rule.guesses else NONE
    # Of many outputs, and of curvatures, all are zero often enough: of a linear f.
    still = rule.adjustable and plan.n == value.shape[1] == 1 and not moves(value)
    none = unknown(value.shape)
    if isinstance(noise, float):
        if not near.size and not still:
            return Coefficient(value, none, none, h, np.zeros(value.shape, np.int8))
        noise = np.zeros(value.shape)
    tables = value, np.zeros(value.shape), noise
    if near.size:
        # Without its error such a value could be anything.
        _redo(lines, plan, h, h[near], True, near, tables)
    elif not still and _clear(lines, plan, value, noise, h):
        return Coefficient(value, none, noise, h, np.zeros(value.shape, np.int8))
    if rule.adjustable:
        _adjust(lines, plan, h, bool(near.size), tables)
    if still:
        _look_further(lines, plan, tables)
    return Coefficient(value, none, noise, h, _status(lines, plan, tables, h))


def _near(lines: Lines, h: FloatArray) -> IntArray:
    """Return the lines on which a step is no small part of x: it reaches for 0, where many a domain ends."""
    size = lines.size
    if size.size > FEW and size.min() >= REACH * h.max():
        return NONE
    reaches = size < FAR * h
    return np.flatnonzero(reaches & (size > 0)) if np.count_nonzero(reaches) else NONE


def _clear(lines: Lines, plan: Plan, value: FloatArray, noise: FloatArray, h: FloatArray) -> bool:
    """Return whether no line needs a closer look: all is finite, and no noise is more than it must be."""
    if not all_finite(value):
        return False
    # Noise that is not finite is more than any share of a finite value.
    if value.size <= BLOCK and np.count_nonzero(noise <= POOR * np.abs(value)) == value.size:
        return True
    return all_finite(noise) and _ample(lines, plan, h)


def _ample(lines: Lines, plan: Plan, h: FloatArray) -> bool:
    """Return whether no step is so short that its noise has no excuse."""
    return bool(EXCUSED * _shortness(lines, plan, h).min() >= 1)


def _shortness(lines: Lines, plan: Plan, h: FloatArray) -> FloatArray:
    """Return by how much each line would have less noise at the step for a length of |x|, or of 1."""
    best = optimal_factor(plan.formula, lines.eps) * np.maximum(lines.size, 1.0)
    return np.minimum(h / best, 1.0) ** plan.n


def _adjust(lines: Lines, plan: Plan, h: FloatArray, error: bool, tables: Tables) -> None:
    """Try other steps, in place, where those taken are no good."""
    _lengthen(lines, plan, h, error, tables)
    _shrink(lines, plan, h, error, tables)


def _lengthen(lines: Lines, plan: Plan, h: FloatArray, error: bool, tables: Tables) -> None:
    """Lengthen, in place, the steps that x + h rounds away, which gave 0/0."""
    lost = np.flatnonzero(~(h > 0) & (lines.upper > lines.lower))
    if lost.size:
        _redo(lines, plan, h, least_step(lines)[lost], error, lost, tables)


def _look_further(lines: Lines, plan: Plan, tables: Tables) -> None:
    """Take for the truncation, in place, what a longer step gives where f has not moved at all on a line."""
    value, truncation, _ = tables
    still = np.flatnonzero(((value == 0) & (truncation == 0)).all(axis=1))
    if not still.size:
        return
    size = lines.size[still]
    steps = lines.representable(FURTHER * np.where(size > 0, size, 1.0), still)
    further, *_ = _attempt(lines, plan, steps, False, still)
    truncation[still] = np.where(np.isfinite(further), np.abs(further), 0.0)


def _shrink(lines: Lines, plan: Plan, h: FloatArray, error: bool, tables: Tables) -> None:
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
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray | float]:
    """Return steps, values and errors of the first attempt."""
    while True:
        eps = lines.eps
        steps = rule.steps(lines, plan.formula)
        h = lines.representable(steps)
        if rule.measures:
            # A search has seen f; looking again would find the same.
            eps = lines.eps
        if not rule.adjustable and not h.min() > 0:
            raise ValueError(
                f"`step` {steps[~(h > 0)][0]:g} is too small to change x; give a larger one or step=None"
            )
        quiet = (lines.careful and rule.ample(lines)) or (not lines.weighed and _ample(lines, plan, h))
        value, truncation, noise, h = _attempt(lines, plan, h, error, quiet=quiet)
        if eps == lines.eps:
            return h, value, truncation, noise
        # The first values show that f is less precise than x, which asks for longer steps.


def _redo(
    lines: Lines, plan: Plan, h: FloatArray, steps: FloatArray, error: bool, index: IntArray, tables: Tables
) -> None:
    """Apply the formula with other steps to some lines and enter the results in the tables."""
    *results, h[index] = _attempt(lines, plan, lines.representable(steps, index), error, index)
    for whole, part in zip(tables, results, strict=True):
        whole[index] = part


def _attempt(
    lines: Lines,
    plan: Plan,
    h: FloatArray,
    error: bool,
    index: IntArray | None = None,
    *,
    quiet: bool = False,
) -> tuple[FloatArray, FloatArray, FloatArray | float, FloatArray]:
    """Apply the formula to the lines in `index`, None for all, grouped by where the points may lie."""
    recipe = plan.judged if error else plan.plain
    if not lines.bounded:
        return (*_apply(lines, recipe, h, index, quiet=quiet), h)
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
        value = results[0]
        parts = parts or [np.empty((len(every), value.shape[1]), dtype=value.dtype) for _ in results]
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
    lines: Lines, recipe: Recipe, h: FloatArray, index: IntArray | None, *, quiet: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray | float]:
    """Return value, truncation and noise on some lines."""
    if quiet and len(recipe.weights) == 1:
        value, finite = in_turn(lines, recipe, h, index)
        if value is not None:
            # The noise of what is not finite is unknown.
            noise = 0.0 if finite else np.where(np.isfinite(value), 0.0, np.nan)
            return value, unknown(value.shape), noise
    values = _values(lines, recipe, h, index)
    if len(recipe.weights) == 1:
        return weigh(recipe, values, h, lines.eps, quiet=quiet)
    along = lines.size if index is None else lines.size[index]
    return weigh_and_judge(recipe, values, h, lines.eps, along)


def _values(lines: Lines, recipe: Recipe, h: FloatArray, index: IntArray | None) -> Rows:
    """Evaluate on the grid; the point itself is shared by all lines and all formulas."""
    moves = recipe.distances(h)
    if recipe.middle is None:
        return list(lines.evaluate(moves, index))
    if index is None:
        moved, origin = lines.evaluate_around(moves)
    else:
        moved, origin = lines.evaluate(moves, index), lines.origin()[index]
    values = list(moved)
    values.insert(recipe.middle, origin)
    return values


def _status(lines: Lines, plan: Plan, tables: Tables, h: FloatArray) -> IntArray:
    value, truncation, noise = tables
    total = noise + truncation
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
