"""The complex step: first derivatives without cancellation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Excerpt, Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.errors import NotAnalyticError
from calcml.schemes._complex_values import complex_values
from calcml.schemes.adaptive import Adaptive
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.central import Central
from calcml.schemes.richardson import Richardson
from calcml.schemes.steps import Relative

__all__ = ["PLAIN", "ComplexStep", "complex_values", "contradicted", "refuse"]

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
# One line for all must be sharp: the slope of one coordinate is a small part of that along a mixture.
PLAIN, SHARP = Central(), Central(order=4)
# Nor are derivatives compared beyond so many eps; and of many points some are noisy enough to mislead both
# differences by this share: there the error tells.
ALIKE, CHANCE = 64.0, 1e-6
# At a kink each side scatters less than this share of the jump.
JUMP = 0.01
# An x below this gets a shorter step; and no step is a larger share of x than that, whose square is nothing,
# but for the last decades above underflow.
SMALL, SHARE, LAST = 1e-50, 1e-10, 1e-290
# Fewer than two digits: the error exceeds this share of the value.
POOR = 1e-2


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
    Each call is checked once, at the price of 6 real evaluations, 12 where some derivatives are zero, or 4
    for each point of an elementwise function: the derivative along a mixture of all lines must agree with a
    central difference within its error.  Where it does not, `Richardson`, which takes longer steps and
    measures the noise of f, is asked as well: what both find is refused, and what neither of them can exclude
    is added to the error.

    There is no truncation to speak of while x is above 1e-290: the step is at most 1e-10 of it.  But terms of
    f that cancel leave their rounding in the derivative.
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
        h = _near(lines, _step(lines))
        slope, finite = _slopes(lines, h, np.zeros((1, lines.count)), first=True)
        finite = np.isfinite(origin) & finite[0]
        with np.errstate(all="ignore"):
            value = np.where(finite, slope[0], np.nan)
            truncation = _truncation(lines, h) * np.abs(value)
            noise = ROUNDING * lines.eps * np.abs(value) + _underflow(h)
            if error:
                noise = noise + _scatter(lines, h, value)
        for probe, expected in lines.probes(value):
            left = _check(probe, expected, PLAIN if probe is lines else SHARP)
            noise = noise + _charged(lines, value, probe, left)
        return Coefficient(
            value=value,
            truncation=np.where(finite, truncation, np.nan),
            noise=np.where(finite, noise, np.nan),
            step=h,
            status=_status(lines, value, truncation + noise - _excused(lines, h), finite),
        )


def _step(lines: Lines) -> FloatArray:
    """Return the imaginary step: 1e-100, or less where x itself is not far above that.

    Next to the smallest numbers h must be far below x, for the truncation (h / x)², and far above the
    smallest number s, for the underflow s / h: both errors are small where h³ = s x².
    """
    along = lines.size * lines.reach
    small = (lines.size > 0) & (along < SMALL)
    h = np.where(small, np.maximum(STEP * lines.size, STEP**2 / lines.reach), STEP / lines.reach)
    least = np.cbrt(np.finfo(float).smallest_subnormal) * np.cbrt(along) ** 2 / lines.reach
    return np.where(small, np.minimum(h, np.maximum(SHARE * lines.size, least)), h)


def _near(lines: Lines, h: FloatArray) -> FloatArray:
    """Return steps that are also short beside the smallest coordinate that a line moves, but for zeros."""
    nearest = lines.spread(np.where(lines.magnitude > 0, lines.magnitude, np.inf))
    return np.minimum(h, np.maximum(SHARE * nearest, LAST / lines.reach)).astype(h.dtype)


def _truncation(lines: Lines, h: FloatArray) -> FloatArray:
    """Return the relative truncation error, for an f that has the length of x itself; mostly none."""
    share = h / np.where(lines.size > 0, lines.size, np.inf)
    return np.where(share > 2 * SHARE, share**2, 0.0)[:, None]


def _excused(lines: Lines, h: FloatArray) -> FloatArray:
    """Return the underflow that is f's own, as in the tail of a Gaussian: the error tells, and is enough."""
    return np.where((lines.size * lines.reach < SMALL)[:, None], 0.0, _underflow(h))


def _status(lines: Lines, value: FloatArray, error: FloatArray, finite: NDArray[np.bool_]) -> IntArray:
    """Return the status: few digits are poor unless the derivative is a small part of f / x."""
    status = np.where(finite, Status.OK, Status.NON_FINITE)
    with np.errstate(all="ignore"):
        size = np.abs(lines.origin()) / np.where(lines.size > 0, lines.size, 1.0)[:, None]
        poor = (error > POOR * np.abs(value)) & (error > lines.eps**0.5 * size) & (size > 0)
    status[finite & (poor | ~np.isfinite(error))] = Status.INACCURATE
    return status.astype(np.int8)


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


def _slopes(
    lines: Lines, h: FloatArray, t: FloatArray, *, first: bool = False
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the derivatives at distances t, and whether f is finite there."""
    values = complex_values(lines, t + 1j * h, first=first)
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
        # In units of the largest, whose square may be out of range.
        most = np.max(np.abs(left), axis=0)
        unit = np.where(most > 0, most, 1.0)
        deviation = unit * np.sqrt(np.sum((left / unit) ** 2, axis=0) / (len(aside) - powers.shape[1]))
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


def _check(probe: Lines, expected: FloatArray, judge: Scheme = PLAIN) -> FloatArray:
    """Refuse an f of which real differences do not agree with the complex step on a line.

    Returns how far the derivative is from real differences where that is neither explained nor proved.
    """
    first, error, wrong = _suspected(judge, probe, expected)
    with np.errstate(invalid="ignore", over="ignore"):
        doubtful = np.abs(first - expected) > DOUBT * np.abs(expected)
    found = first
    left: FloatArray = np.zeros(expected.shape)
    if wrong.any():
        # Of very many outputs mostly few are suspected, and only these need a closer look.
        suspects = np.flatnonzero(wrong.any(axis=0))
        part, cut = Excerpt(probe, np.arange(probe.count), suspects), np.s_[:, suspects]
        noise = _scatter(part, _near(part, _step(part)), expected[cut])
        chance = CHANCE if judge is PLAIN else 0.0
        found = first.copy()
        found[cut], error[cut], wrong[cut], left[cut] = _settled(
            part, expected[cut], noise, first[cut], wrong[cut], chance
        )
        if wrong.any():
            wrong[cut] &= ~_confirmed(part, expected[cut])
    if doubtful.any():
        wrong |= doubtful & _kinked(probe, _near(probe, _step(probe)))
    refuse("the complex step gives", probe, wrong, expected, found, error)
    return left


def _confirmed(probe: Lines, expected: FloatArray) -> NDArray[np.bool_]:
    """Return where the adaptive scheme finds the derivative that two real differences contradict.

    Differences with the step of smooth functions walk over small waves, which it looks for.
    """
    c = Adaptive().coefficient(probe, 1)
    with np.errstate(invalid="ignore", over="ignore"):
        margin = 10 * (c.truncation + c.noise)
        return (np.abs(c.value - expected) <= margin) & (margin <= np.abs(expected) / 2)


def contradicted(probe: Lines, expected: FloatArray) -> tuple[NDArray[np.bool_], FloatArray, FloatArray]:
    """Return where real differences contradict a derivative, and the better one with ten times its error."""
    first, error, wrong = _suspected(PLAIN, probe, expected)
    if not wrong.any():
        return wrong, first, error
    found, error, wrong, _ = _settled(probe, expected, 0.0, first, wrong)
    return wrong, found, error


def _suspected(
    judge: Scheme, probe: Lines, expected: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return a real difference, ten times its error, and where it is further off than its error."""
    first, error, _ = _against(judge, probe, expected, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.maximum(np.abs(expected), np.abs(first))
        return first, error, np.abs(first - expected) > error / 10 + ALIKE * probe.eps * size


def _settled(
    probe: Lines,
    expected: FloatArray,
    noise: FloatArray | float,
    first: FloatArray,
    wrong: NDArray[np.bool_],
    chance: float = 0.0,
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_], FloatArray]:
    """Return the better difference, ten times its error, where f is at fault, and what stays unexplained.

    Noise inside f can mislead either; to refuse f takes two real differences that agree.
    """
    found, error, disagree = _against(LONGER, probe, expected, noise)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(found - expected)
        agree = 2 * np.abs(found - first) < apart
        nearer = np.minimum(np.abs(first - expected), apart)
        refused = wrong & disagree & agree & (apart > chance * np.maximum(np.abs(found), np.abs(expected)))
    # Where only one of both holds, the claim of the derivative must not be better than what they leave.
    return found, error, refused, np.where(wrong & ~refused & (disagree | agree), nearer, 0.0)


def refuse(
    what: str,
    probe: Lines,
    wrong: NDArray[np.bool_],
    expected: FloatArray,
    found: FloatArray,
    error: FloatArray,
) -> None:
    """Refuse f where it is wrong."""
    for p, m in np.argwhere(wrong)[:1]:
        raise NotAnalyticError(
            f"{probe.function.name} is not analytic: {what} {expected[p, m]:.6g}, "
            f"real differences {found[p, m]:.6g} +- {error[p, m] / 10:.1g}; it takes `abs`, "
            "a comparison or a real cast of complex numbers: use scheme='adaptive'"
        )


def _charged(lines: Lines, value: FloatArray, probe: Lines, left: FloatArray) -> FloatArray:
    """Return the error on each line, shape (P, M), if what is left unexplained on a probe is due to it.

    The weights of a mixture are 0.5 to 1.5 over the slope, in units of the largest weight.
    """
    if probe is lines or not left.any():
        return left
    steepness = np.max(np.abs(value), axis=1, initial=0.0)
    moving = steepness > 0
    with np.errstate(all="ignore"):
        least = np.min(steepness[moving], initial=np.inf)
        share = np.where(moving, np.maximum(3 * steepness / least, 2.0), 2.0)
        return share[:, None] * left


def _against(
    judge: Scheme, probe: Lines, expected: FloatArray, noise: FloatArray | float
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return the derivative by another scheme, ten times the error of both, and where they disagree."""
    found = judge.coefficient(probe, 1, error=True)
    with np.errstate(invalid="ignore", over="ignore"):
        # Where the difference itself is lost (noise, a kink), its own error says so.
        error = 10 * (found.truncation + found.noise + noise) + _underflow(_near(probe, _step(probe)))
        size = np.maximum(np.abs(expected), np.abs(found.value))
        return found.value, error, np.abs(found.value - expected) > error + ALIKE * probe.eps * size
