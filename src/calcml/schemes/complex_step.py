"""The complex step: first derivatives without cancellation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.errors import NotAnalyticError
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.central import Central
from calcml.schemes.richardson import Richardson
from calcml.schemes.steps import Relative

__all__ = ["ComplexStep", "complex_values"]

# Far below any scale of x, far above underflow: the truncation h² f'''/6 vanishes beside f'.
STEP = 1e-100
# Where the derivative is taken again for its noise: no two distances alike, in units of the longest one.
ASIDE = np.array([-1.0, -0.618, -0.271, -0.047, 0.083, 0.382, 0.703, 1.0])
ASIDE.flags.writeable = False
# The longest one, as a power of eps: 2.5e-9 |x| in double precision.
WAY = 0.55
# Rounding must not carry it over a bound.
INSIDE = 1 - 1e-6
# Rounding of f's arithmetic, in eps of the value; and standard deviations of the noise that are counted.
ROUNDING, DEVIATIONS = 4.0, 4.0
# A real difference that is further off is looked into, even if its error admits it; and the one that has
# steps in proportion to x, however small.
DOUBT, LONGER = 1e-3, Richardson(step=Relative(factor=0.125, floor=1e-200))
# At a kink each side scatters less than this share of the jump.
JUMP = 0.01
# An x below this gets a shorter step.
SMALL = 1e-50


@dataclass(frozen=True)
class ComplexStep(Scheme):
    """Differentiate an analytic function by one evaluation off the real axis.

    f(x + i h) = f(x) + i h f'(x) - h² f''(x)/2 - i h³ f'''(x)/6 + ..., so that Im f(x + i h) / h = f'(x) +
    O(h²) without a difference of nearly equal numbers: with h = 1e-100 the result is exact to rounding.

    Raises
    ------
    NotAnalyticError
        If f drops the imaginary part (a cast to real numbers, ``float``) or is not complex-differentiable
        (``abs``, comparisons of complex numbers), which would otherwise return a wrong number in silence.
    ValueError
        If a derivative of order above 1 is asked for.

    Notes
    -----
    One evaluation per line with a complex argument, nine for an estimate with its error, and one of f(x).
    Each call is checked once, at the price of 4 real evaluations, or 8 where some derivatives are zero: the
    derivative along a mixture of all lines must agree with a central difference.  Where it does not,
    `Richardson`, which takes longer steps and measures the noise of f, is asked as well.

    There is no truncation to speak of, but terms of f that cancel leave their rounding in the derivative.
    The error shows it: eight more derivatives within 2.5e-9 of the magnitude of x should lie on a parabola,
    and what they scatter about it is noise.

    References
    ----------
    .. [1] W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions",
       SIAM Rev. 40 (1998) 110.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> float(cm.derivative(np.exp, 1.0, scheme="complex")) - np.e
    0.0
    """

    def coefficient(self, lines: Lines, n: int, *, error: bool = True) -> Coefficient:
        """Return the first Taylor coefficient on each line."""
        if n != 1:
            raise ValueError(
                f"`ComplexStep` gives derivatives of order 1, got n = {n}; "
                "use scheme='adaptive', or give the gradient and differentiate that"
            )
        origin = lines.origin()
        if lines.function.dtype is not None and lines.function.dtype.kind == "c":
            raise NotAnalyticError(
                f"{lines.function.name} is complex on the real axis, where the complex step needs real "
                "values; differentiate its real and imaginary parts, or use scheme='adaptive'"
            )
        h = _step(lines)
        slope, finite = _slopes(lines, h, np.zeros((1, lines.count)))
        finite = np.isfinite(origin) & finite[0]
        with np.errstate(all="ignore"):
            value = np.where(finite, slope[0], np.nan)
            noise = ROUNDING * lines.eps * np.abs(value) + _underflow(h)
            if error:
                noise = noise + _scatter(lines, h, value)
        for probe, expected in lines.probes(value):
            _check(probe, expected)
        return Coefficient(
            value=value,
            truncation=np.where(finite, 0.0, np.nan),
            noise=np.where(finite, noise, np.nan),
            step=h,
            status=np.where(finite, Status.OK, Status.NON_FINITE).astype(np.int8),
        )


def _step(lines: Lines) -> FloatArray:
    """Return the imaginary step: 1e-100, or less where x itself is not far above that."""
    small = (lines.size > 0) & (lines.size * lines.reach < SMALL)
    return np.where(small, np.maximum(STEP * lines.size, STEP**2 / lines.reach), STEP / lines.reach)


def _underflow(h: FloatArray) -> FloatArray:
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


def _slopes(lines: Lines, h: FloatArray, t: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the derivatives at distances t, and whether f is finite there."""
    values = complex_values(lines, t + 1j * h)
    with np.errstate(all="ignore"):
        return values.imag / h[:, None], np.isfinite(values)


def _scatter(lines: Lines, h: FloatArray, value: FloatArray) -> FloatArray:
    """Return the noise of the derivatives, shape (P, M), from eight more on each line.

    What a parabola through the neighbors leaves over is noise; how far the value itself is from it, too.
    """
    center, half = _window(lines)
    aside, _ = _slopes(lines, h, center + half * ASIDE[:, None])
    powers = ASIDE[:, None] ** np.arange(3)
    with np.errstate(all="ignore"):
        parabola = np.tensordot(np.linalg.pinv(powers), aside, axes=1)
        left = aside - np.tensordot(powers, parabola, axes=1)
        deviation = np.sqrt(np.sum(left**2, axis=0) / (len(aside) - powers.shape[1]))
        at = np.where(half > 0, -center / np.where(half > 0, half, 1.0), 0.0)[:, None]
        here = parabola[0] + at * (parabola[1] + at * parabola[2])
        return DEVIATIONS * deviation + np.abs(value - here)


def _kinked(lines: Lines, h: FloatArray) -> NDArray[np.bool_]:
    """Return where derivatives on the two sides of x are alike among themselves, but not to each other."""
    center, half = _window(lines)
    aside, _ = _slopes(lines, h, center + half * ASIDE[:, None])
    left, right = aside[ASIDE < 0], aside[ASIDE > 0]
    with np.errstate(all="ignore"):
        before, after = np.mean(left, axis=0), np.mean(right, axis=0)
        jump = np.abs(before - after)
        alike = np.maximum(np.ptp(left, axis=0), np.ptp(right, axis=0)) < JUMP * jump
        return alike & (jump > DOUBT * np.maximum(np.abs(before), np.abs(after)))


def complex_values(lines: Lines, t: NDArray[Any], index: IntArray | None = None) -> NDArray[Any]:
    """Return f at complex distances; refuse an f that does not take them or drops the imaginary part."""
    try:
        values = lines.evaluate(t, index)
    except (AttributeError, TypeError, ValueError, np.exceptions.ComplexWarning) as error:
        # The complex argument is the scheme's idea, so what f thinks of it is the scheme's to explain.
        raise NotAnalyticError(
            f"{lines.function.name} does not take complex numbers ({error}); use scheme='adaptive'"
        ) from error
    if values.dtype.kind != "c":
        raise NotAnalyticError(
            f"{lines.function.name} returned real values for a complex argument, so its imaginary part, and "
            "with it the derivative, is lost; remove casts such as float() or .real, or use scheme='adaptive'"
        )
    return values


def _check(probe: Lines, expected: FloatArray) -> None:
    """Refuse an f of which real differences do not agree with the complex step on a line."""
    found, error, wrong = _against(Central(), probe, expected, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        doubtful = np.abs(found - expected) > DOUBT * np.abs(expected)
    if wrong.any():
        # Noise inside f can mislead either; to refuse f takes two real differences that agree.
        noise = _scatter(probe, _step(probe), expected)
        first, (found, error, disagree) = found, _against(LONGER, probe, expected, noise)
        with np.errstate(invalid="ignore", over="ignore"):
            wrong &= disagree & (2 * np.abs(found - first) < np.abs(found - expected))
    if doubtful.any():
        wrong |= doubtful & _kinked(probe, _step(probe))
    for p, m in np.argwhere(wrong)[:1]:
        raise NotAnalyticError(
            f"{probe.function.name} is not analytic: the complex step gives {expected[p, m]:.6g}, "
            f"real differences {found[p, m]:.6g} +- {error[p, m] / 10:.1g}; it takes `abs`, "
            "a comparison or a real cast of complex numbers: use scheme='adaptive'"
        )


def _against(
    judge: Scheme, probe: Lines, expected: FloatArray, noise: FloatArray | float
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return the derivative by another scheme, ten times the error of both, and where they disagree."""
    found = judge.coefficient(probe, 1, error=True)
    with np.errstate(invalid="ignore", over="ignore"):
        # Where the difference itself is lost (noise, a kink), its own error says so.
        error = 10 * (found.truncation + found.noise + noise) + _underflow(_step(probe))
        size = np.maximum(np.abs(expected), np.abs(found.value))
        return found.value, error, np.abs(found.value - expected) > error + 1e-6 * size
