"""The complex step: first derivatives without cancellation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.errors import NotAnalyticError
from calcml.schemes._analytic_check import PLAIN, SHARP, charged, check
from calcml.schemes._few_complex import FewImaginary
from calcml.schemes._imaginary import (
    SMALL,
    imaginary_step,
    near,
    relative_truncation,
    scatter,
    slopes,
    underflow,
)
from calcml.schemes._recipe import plan
from calcml.schemes.base import Coefficient, Scheme

__all__ = ["ComplexStep"]

# Rounding of f's arithmetic, in eps of the value.
ROUNDING = 4.0
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
    One evaluation per line with a complex argument, nine for an estimate with its error, and one of f(x); a
    plain gradient of few variables asks up to once more per line if a derivative is zero.
    Each call is checked once, at the price of 6 real evaluations, 12 where some derivatives are zero and 16
    where f does not move at all with them, or 4 for each point of an elementwise function: the derivative
    along a mixture of all lines must agree with a central difference within its error.  Where it does not,
    `Richardson`, which takes longer steps and measures the noise of f, is asked as well: what both find is
    refused, and what neither of them can exclude is added to the error.  So is how f moves at a step of a
    64th of x, if nothing moves at a shorter one: an f that is rounded to some figures has no imaginary part
    left.

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

    # Checked by the formula of `SHARP`.
    few: ClassVar[FewImaginary] = FewImaginary(plan(1, SHARP.order, 0))

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
        h = near(lines, imaginary_step(lines))
        slope, finite = slopes(lines, h, np.zeros((1, lines.count)), first=True)
        finite = np.isfinite(origin) & finite[0]
        with np.errstate(all="ignore"):
            value = np.where(finite, slope[0], np.nan)
            truncation = relative_truncation(lines, h) * np.abs(value)
            noise = ROUNDING * lines.eps * np.abs(value) + underflow(h)
            if error:
                noise = noise + scatter(lines, h, value)
        for probe, expected in lines.probes(value):
            left = check(probe, expected, PLAIN if probe is lines else SHARP)
            noise = noise + charged(lines, value, probe, expected, left)
        return Coefficient(
            value=value,
            truncation=np.where(finite, truncation, np.nan),
            noise=np.where(finite, noise, np.nan),
            step=h,
            status=_status(lines, value, truncation + noise - _excused(lines, h), finite),
        )


def _excused(lines: Lines, h: FloatArray) -> FloatArray:
    """Return the underflow that is f's own, as in the tail of a Gaussian: the error tells, and is enough."""
    return np.where((lines.size * lines.reach < SMALL)[:, None], 0.0, underflow(h))


def _status(lines: Lines, value: FloatArray, error: FloatArray, finite: NDArray[np.bool_]) -> IntArray:
    """Return the status: few digits are poor unless the derivative is a small part of f / x."""
    status = np.where(finite, Status.OK, Status.NON_FINITE)
    with np.errstate(all="ignore"):
        size = np.abs(lines.origin()) / np.where(lines.size > 0, lines.size, 1.0)[:, None]
        poor = (error > POOR * np.abs(value)) & (error > lines.eps**0.5 * size) & (size > 0)
    status[finite & (poor | ~np.isfinite(error))] = Status.INACCURATE
    return status.astype(np.int8)
