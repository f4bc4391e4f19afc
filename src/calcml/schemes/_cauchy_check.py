"""Whether slopes from very short circles are those of f on the real axis.

A fault that is small beside f, such as a real cast of one small term, fills the terms of negative index in
proportion to the radius: the circle shrinks until the rounding of f hides the fault, and the slope is left
with an error of its own size.  Where f is smooth at the steps of a central difference, a circle of that size
would have been good if f were analytic; so the difference is believed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Excerpt, Lines
from calcml.schemes._analytic_check import contradicted, refuse
from calcml.schemes.base import Coefficient

__all__ = ["check"]


def check(lines: Lines, slope: Coefficient, hunted: NDArray[np.bool_]) -> None:
    """Refuse an f of which real differences contradict the slopes, where a circle had to be hunted for."""
    with np.errstate(all="ignore"):
        # Half of the digits, and the step of a central difference.
        poor = slope.truncation + slope.noise > lines.eps**0.5 * np.abs(slope.value)
        short = slope.step < lines.eps ** (1 / 3) * np.where(lines.size > 0, lines.size, 1.0)
    index = np.flatnonzero(hunted & short & poor.any(axis=1))
    if index.size:
        probe = Excerpt(lines, index, np.arange(lines.outputs))
        wrong, found, error = contradicted(probe, slope.value[index])
        refuse("Cauchy's integral gives", probe, wrong, slope.value[index], found, error)
