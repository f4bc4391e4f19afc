"""How far each coordinate moves along a line that it shares with others."""

from __future__ import annotations

import numpy as np

from calcml._lines._seeds import power_below
from calcml._typing import FloatArray
from calcml.differentiate._problem import Problem
from calcml.schemes.base import Scheme
from calcml.schemes.steps import Fixed, Relative

__all__ = ["coordinate_lengths"]

# An x closer to 0 than this says nothing of a scale, as in the adaptive scheme.
NOTHING = 2.0**-960


def coordinate_lengths(problem: Problem) -> FloatArray | float:
    """Return the length of each coordinate per unit of t, one number if all are alike.

    Powers of two near the size of the coordinate, so that x + t v is exact.  With bounds, toward the roomier
    side, no longer than what the scheme's steps will find room for, and 0 where there is none at all.  The
    steps of the user are taken as they are, with t = 1.
    """
    x, rule = problem.x, getattr(problem.scheme, "step", None)
    if isinstance(rule, Fixed) and rule.step.size in (1, x.size):
        lengths: FloatArray | float = _fixed(x, rule.step)
    else:
        lengths = _powers(x, rule.floor if isinstance(rule, Relative) else None)
    if problem.bounds is None:
        return lengths
    return _inside(x, problem.bounds, lengths, _reach(problem.scheme, x))


def _powers(x: FloatArray, floor: float | None) -> FloatArray | float:
    largest = float(max(x.max(initial=0.0), -x.min(initial=0.0)))
    if floor is None:
        # Nothing but x itself knows the units: numbers far below the largest, but not below 1, count less.
        floor = min(largest, 1.0) if largest > NOTHING else 1.0
    unit = float(power_below(np.array(floor)))
    if largest < 2 * unit:
        return unit
    size = np.abs(x)
    return power_below(np.maximum(size if size.dtype.itemsize >= 8 else size.astype(np.float64), floor))


def _fixed(x: FloatArray, step: FloatArray) -> FloatArray:
    steps = np.broadcast_to(step.ravel(), x.shape)
    lengths = ((x + steps.astype(x.dtype)) - x).astype(np.result_type(x.dtype, np.float64))
    for i in np.flatnonzero(lengths == 0)[:1]:
        raise ValueError(f"`step` {steps[i]:g} is too small to change x; give a larger one or step=None")
    return lengths


def _reach(scheme: Scheme, x: FloatArray) -> float:
    """Return about how far the scheme will go, in units of the lengths; 0 if the steps are not its own."""
    rule, order = getattr(scheme, "step", None), getattr(scheme, "order", None)
    if isinstance(rule, Fixed):
        return 0.0
    if isinstance(rule, Relative) and rule.factor is not None:
        return rule.factor * ((order or 0) + 1)
    # The optimal step of a formula of this order; schemes without one measure the scale of f.
    return 1.0 if order is None else float(np.finfo(x.dtype).eps ** (1 / (order + 1)) * (order + 1))


def _inside(
    x: FloatArray, bounds: tuple[FloatArray, FloatArray], lengths: FloatArray | float, reach: float
) -> FloatArray:
    wide = np.result_type(x.dtype, np.float64)
    down, up = (gap.astype(wide) for gap in (x - bounds[0], bounds[1] - x))
    room = np.maximum(down, up)
    if reach:
        lengths = np.minimum(lengths, np.where(np.isfinite(room), power_below(room / reach), np.inf))
    return np.where(room > 0, np.where(up >= down, lengths, -np.asarray(lengths)), 0.0)
