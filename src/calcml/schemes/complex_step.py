"""The complex step: first derivatives without cancellation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray
from calcml.errors import NotAnalyticError
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.central import Central

__all__ = ["ComplexStep"]

# Far below any scale of x, far above underflow: the truncation h² f'''/6 vanishes beside f'.
STEP = 1e-100
# Imaginary parts below this have underflowed: f itself is below 1e-200 or so.
UNDERFLOW = 8 * np.finfo(float).smallest_subnormal / STEP


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
    One evaluation per line with a complex argument, five for an estimate with its error, and one of f(x).
    Each call is checked once, at the price of 4 real evaluations, or 8 where some derivatives are zero: the
    derivative along a mixture of all lines must agree with a central difference.

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
        h = STEP / lines.reach
        values = _evaluate(lines, _distances(lines, h, error=error))
        if values.dtype.kind != "c":
            raise NotAnalyticError(
                f"{lines.function.name} returned real values for a complex argument, so the complex step "
                "would be 0; remove casts such as float() or .real, or use scheme='adaptive'"
            )
        finite = np.isfinite(origin) & np.isfinite(values[0])
        with np.errstate(all="ignore"):
            slopes = values.imag / h[:, None]
            value = np.where(finite, slopes[0], np.nan)
            # Rounding of f's arithmetic: a few units in the last place, and what the neighbors show.
            noise = 4 * lines.eps * np.abs(value) + UNDERFLOW * lines.reach[:, None]
            if error:
                second = np.abs(slopes[1::2] - 2 * value + slopes[2::2])
                noise = noise + 2 * np.max(second, axis=0)
        for probe, expected in lines.probes(value):
            _check(probe, expected)
        return Coefficient(
            value=value,
            truncation=np.where(finite, 0.0, np.nan),
            noise=np.where(finite, noise, np.nan),
            step=h,
            status=np.where(finite, Status.OK, Status.NON_FINITE).astype(np.int8),
        )


def _distances(lines: Lines, h: FloatArray, *, error: bool) -> NDArray[np.complexfloating[Any]]:
    """Return the complex step at x and, for the error, twice a little to either side.

    Over so short a way the derivative is a straight line, so second differences are noise: cancellation
    inside f that the value alone cannot show.  The way must still move the terms that cancel by several units
    in their last place; eps^0.7 |x| does both unless x is far from the scale of f.  Rounding is a sawtooth,
    which one second difference may miss; the second way, longer by the golden ratio, meets it elsewhere.
    """
    aside = lines.eps**0.7 * lines.size
    aside = np.minimum(aside, np.minimum(-lines.lower, lines.upper))
    share = np.array([0.0, 0.618, -0.618, 1.0, -1.0] if error else [0.0])
    return share[:, None] * aside + 1j * h


def _evaluate(lines: Lines, t: NDArray[Any]) -> NDArray[Any]:
    try:
        return lines.evaluate(t)
    except (AttributeError, TypeError, ValueError, np.exceptions.ComplexWarning) as error:
        # The complex argument is the scheme's idea, so what f thinks of it is the scheme's to explain.
        raise NotAnalyticError(
            f"{lines.function.name} does not take complex numbers ({error}); use scheme='adaptive'"
        ) from error


def _check(probe: Lines, expected: FloatArray) -> None:
    central = Central().coefficient(probe, 1, error=True)
    name = probe.function.name
    with np.errstate(invalid="ignore", over="ignore"):
        # Where the central difference itself is lost (noise, a kink), its own error says so.
        error = 10 * (central.truncation + central.noise) + UNDERFLOW * probe.reach[:, None]
        wrong = np.abs(central.value - expected) > error + 1e-6 * np.maximum(
            np.abs(expected), np.abs(central.value)
        )
    if wrong.any():
        p, m = np.argwhere(wrong)[0]
        raise NotAnalyticError(
            f"{name} is not analytic: the complex step gives {expected[p, m]:.6g}, "
            f"a central difference {central.value[p, m]:.6g} +- {error[p, m] / 10:.1g}; it takes `abs`, "
            "a comparison or a real cast of complex numbers: use scheme='adaptive'"
        )
