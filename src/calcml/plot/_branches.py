"""The two branches of a V: where in a sweep of steps which error rules, and how steep it is there."""

from __future__ import annotations

import numpy as np

from calcml._typing import FloatArray, IntArray
from calcml.differentiate.sweep import StepSweep

__all__ = ["branch_slopes", "branches"]


def branches(sweep: StepSweep) -> tuple[IntArray, IntArray]:
    """Return the indices where rounding and where truncation rules the error."""
    shown = np.isfinite(sweep.errors) & (sweep.errors > sweep.reference_error)
    steep = np.concatenate([[False], sweep.truncation > 10 * sweep.noise, [False]])
    # Of several stretches the longest counts: where the step crosses an oscillation, truncation seems small.
    ends = np.flatnonzero(steep[1:] != steep[:-1]).reshape(-1, 2)
    start, stop = ends[np.argmax(ends[:, 1] - ends[:, 0])] if ends.size else (steep.size, 0)
    k = np.arange(sweep.steps.size)
    left = k[shown & (k < start) & (sweep.noise > sweep.truncation)]
    right = k[shown & (k >= start) & (k < stop)]
    # The power law holds for small steps: of the right branch the lower half, on the logarithmic axis.
    if right.size:
        right = right[sweep.steps[right] <= np.sqrt(sweep.steps[right[0]] * sweep.steps[right[-1]])]
    return left, right


def branch_slopes(sweep: StepSweep) -> tuple[float, float]:
    """Return the slopes of the two branches.

    The median of the slopes between all pairs of points (Theil and Sen), because single errors fall far
    below the line where rounding happens to cancel.
    """
    left, right = (_median_slope(sweep.steps[part], sweep.errors[part]) for part in branches(sweep))
    return left, right


def _median_slope(h: FloatArray, errors: FloatArray) -> float:
    if h.size < 3:
        return float("nan")
    i, j = np.triu_indices(h.size, 1)
    u, v = np.log(h), np.log(errors)
    return float(np.median((v[j] - v[i]) / (u[j] - u[i])))
