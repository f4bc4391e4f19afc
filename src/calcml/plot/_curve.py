"""A function of one variable on a grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._function import Function
from calcml._parameters import real_array
from calcml._typing import FloatArray, KeywordArguments, PositionalArguments, RealFunction

__all__ = ["check_interval", "sample_curve"]

POINTS = 401


def check_interval(interval: Any) -> tuple[float, float]:
    """Refuse what is not a finite interval."""
    ends = real_array(interval, "interval")
    if ends.shape != (2,) or not np.isfinite(ends).all() or ends[0] >= ends[1]:
        raise ValueError(f"`interval` must be (lower, upper), finite and ascending, got {interval!r}")
    return float(ends[0]), float(ends[1])


def sample_curve(
    f: RealFunction,
    interval: tuple[float, float],
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return points of the graph of f; one by one, so that functions of plain numbers are welcome."""
    grid = np.linspace(*interval, POINTS)
    return grid, Function(f, None, args=args, kwargs=kwargs).evaluate_arrays(list(grid))[:, 0]
