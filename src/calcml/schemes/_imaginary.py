"""How far off the real axis a complex step goes, and what derivatives beside x tell of its noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray
from calcml.schemes._complex_values import complex_values

__all__ = [
    "ALIKE",
    "DOUBT",
    "SMALL",
    "STEP",
    "imaginary_step",
    "kinked",
    "near",
    "relative_truncation",
    "scatter",
    "slopes",
    "underflow",
]

# Far below any scale of x, far above underflow: the truncation h² f'''/6 vanishes beside f'.
STEP = 1e-100
# Where the derivative is taken again for its noise: no two distances alike, in units of the longest one.
ASIDE = np.array([-1.0, -0.618, -0.271, -0.047, 0.083, 0.382, 0.703, 1.0])
ASIDE.flags.writeable = False
# The longest one, as a power of eps: 2.5e-9 |x| in double precision.
WAY = 0.55
# Rounding must not carry it over a bound.
INSIDE = 1 - 1e-6
# Standard deviations of the noise that are counted.
DEVIATIONS = 4.0
# Derivatives that differ by less than this share are alike.
DOUBT = 1e-3
# Nor are derivatives compared beyond so many eps.
ALIKE = 64.0
# At a kink each side scatters less than this share of the jump.
JUMP = 0.01
# An x below this gets a shorter step; and no step is a larger share of x than that, whose square is nothing,
# but for the last decades above underflow.
SMALL, SHARE, LAST = 1e-50, 1e-10, 1e-290


def imaginary_step(lines: Lines) -> FloatArray:
    """Return the imaginary step: 1e-100, or less where x itself is not far above that.

    Next to the smallest numbers h must be far below x, for the truncation (h / x)², and far above the
    smallest number s, for the underflow s / h: both errors are small where h³ = s x².
    """
    along = lines.size * lines.reach
    small = (lines.size > 0) & (along < SMALL)
    h = np.where(small, np.maximum(STEP * lines.size, STEP**2 / lines.reach), STEP / lines.reach)
    least = np.cbrt(np.finfo(float).smallest_subnormal) * np.cbrt(along) ** 2 / lines.reach
    return np.where(small, np.minimum(h, np.maximum(SHARE * lines.size, least)), h)


def near(lines: Lines, h: FloatArray) -> FloatArray:
    """Return steps that are also short beside the smallest coordinate that a line moves, but for zeros."""
    nearest = lines.spread(np.where(lines.magnitude > 0, lines.magnitude, np.inf))
    return np.minimum(h, np.maximum(SHARE * nearest, LAST / lines.reach)).astype(h.dtype)


def relative_truncation(lines: Lines, h: FloatArray) -> FloatArray:
    """Return the relative truncation error, for an f that has the length of x itself; mostly none."""
    share = h / np.where(lines.size > 0, lines.size, np.inf)
    return np.where(share > 2 * SHARE, share**2, 0.0)[:, None]


def underflow(h: FloatArray) -> FloatArray:
    """Return the error of imaginary parts that have underflowed: f itself is below 1e-200 or so."""
    return (8 * np.finfo(float).smallest_subnormal / h)[:, None]


def _window(lines: Lines) -> tuple[FloatArray, FloatArray]:
    """Return the middle and half the length of the piece of each line on which noise is looked for.

    It must be so short that the derivative is a parabola there to rounding, and so long that terms that
    cancel inside f move by many units in their last place.  At a bound it lies on one side.
    """
    reach = lines.eps**WAY * np.where(lines.size > 0, lines.size, 1.0)
    low, high = np.maximum(INSIDE * lines.lower, -reach), np.minimum(INSIDE * lines.upper, reach)
    return (low + high) / 2, (high - low) / 2


def slopes(
    lines: Lines, h: FloatArray, t: FloatArray, *, first: bool = False
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the derivatives at distances t, and whether f is finite there."""
    values = complex_values(lines, t + 1j * h, first=first)
    with np.errstate(all="ignore"):
        return values.imag / h[:, None], np.isfinite(values)


def scatter(lines: Lines, h: FloatArray, value: FloatArray) -> FloatArray:
    """Return the noise of the derivatives, shape (P, M), from eight more on each line.

    What a parabola through the neighbors leaves over is noise; how far the value itself is from it, too.
    """
    center, half = _window(lines)
    aside, _ = slopes(lines, h, center + half * ASIDE[:, None])
    powers = ASIDE[:, None] ** np.arange(3)
    with np.errstate(all="ignore"):
        parabola = np.tensordot(np.linalg.pinv(powers), aside, axes=1)
        left = aside - np.tensordot(powers, parabola, axes=1)
        # In units of the largest, whose square may be out of range.
        most = np.max(np.abs(left), axis=0)
        unit = np.where(most > 0, most, 1.0)
        deviation = unit * np.sqrt(np.sum((left / unit) ** 2, axis=0) / (len(aside) - powers.shape[1]))
        # Without any room the center is x itself.
        at = (-center / np.where(half > 0, half, 1.0))[:, None]
        here = parabola[0] + at * (parabola[1] + at * parabola[2])
        return DEVIATIONS * deviation + np.abs(value - here)


def kinked(lines: Lines, h: FloatArray) -> NDArray[np.bool_]:
    """Return where derivatives on the two sides of x are alike among themselves, but not to each other."""
    center, half = _window(lines)
    aside, _ = slopes(lines, h, center + half * ASIDE[:, None])
    left, right = aside[ASIDE < 0], aside[ASIDE > 0]
    with np.errstate(all="ignore"):
        before, after = np.mean(left, axis=0), np.mean(right, axis=0)
        jump = np.abs(before - after)
        alike = np.maximum(np.ptp(left, axis=0), np.ptp(right, axis=0)) < JUMP * jump
        return alike & (jump > DOUBT * np.maximum(np.abs(before), np.abs(after)))
