"""Steps that meet NaN or infinity are shortened until they stay inside the domain of f."""

from __future__ import annotations

import numpy as np

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray

__all__ = ["TRIES", "least_step", "shorter", "worth_shrinking"]

# A step is divided by 16, at most this often: 16^6 = 1.7e7 reaches from a step of eps^(1/3) down to the
# spacing of the numbers.
SHRINK, TRIES = 16.0, 6


def worth_shrinking(lines: Lines, value: FloatArray, h: FloatArray) -> IntArray:
    """Return the lines where f is finite at the point but the difference is not, and h can still fall."""
    bad = ~np.isfinite(value)
    if not bad.any():
        return np.empty(0, dtype=int)
    room = h / SHRINK > least_step(lines)
    return np.flatnonzero((bad & np.isfinite(lines.origin())).any(axis=1) & room)


def shorter(lines: Lines, h: FloatArray, index: IntArray, *, first: bool) -> FloatArray:
    """Return the next steps for the lines in `index`."""
    steps = h[index] / SHRINK
    if not first:
        return steps
    # The edge of a domain is mostly at 0, |x| away; where it is not, the step keeps falling.
    near = lines.size[index] / 4
    return np.where(near > 0, np.minimum(steps, near), steps)


def least_step(lines: Lines) -> FloatArray:
    """Return the shortest step that still moves x by a few units in the last place."""
    spacing = np.spacing(lines.size) * (lines.eps / np.finfo(lines.size.dtype).eps)
    return 4 * np.maximum(spacing, np.finfo(float).tiny)
