"""Cauchy's integral: Taylor coefficients from values on a circle in the complex plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray
from calcml.errors import NotAnalyticError
from calcml.schemes._cauchy_check import check
from calcml.schemes._cauchy_search import Search
from calcml.schemes._cauchy_table import Table
from calcml.schemes.base import Coefficient, Scheme, origin_coefficient
from calcml.schemes.stencils import cached_stencil
from calcml.schemes.steps import StepRule, as_rule

__all__ = ["Cauchy"]

# The first circle, and, for the n-th coefficient, the first and the largest that are worth their price:
# with N points a singularity costs eps^(-n/N), that is 4 digits for N = 4 n and half a digit for N = 32 n.
FEWEST, FIRST, LAST = 16, 4, 32


@dataclass(frozen=True)
class Cauchy(Scheme):
    r"""Differentiate an analytic function by Cauchy's integral over a circle in the complex plane.

    The n-th Taylor coefficient is c_n = (1 / 2πi) ∮ f(x + t v) t^(-n-1) dt.  On a circle of radius r around
    t = 0 the trapezoidal rule with N points is a Fourier sum,

        c_n ≈ (1/N) Σ_j f(x + r exp(iθ_j) v) exp(-inθ_j) / rⁿ,

    with a truncation error \|c_(n+N)\| rᴺ, which falls geometrically with N, and noise eps max \|f\| / rⁿ,
    which falls with r.  One circle gives all coefficients.  The radius is found by the scheme, for each
    line and order: as large as the nearest singularity and the number of points allow.

    Parameters
    ----------
    radius : float, array_like or step rule, optional
        The radius, in units of x; None finds it.
    max_points : int, optional
        Largest number of points on a circle, a power of two from 16 to 65536.  An order n needs more than
        n points, and does well with 16 n.

    Raises
    ------
    NotAnalyticError
        If f drops the imaginary part (a cast to real numbers, ``float``), does not take complex numbers, or
        is not analytic around x (``abs``, comparisons of complex numbers, a kink or a branch point at x).
    TypeError, ValueError
        If the radius is not positive or max_points no power of two; if max_points is too few for the order.

    Notes
    -----
    A circle of N points costs N / 2 evaluations, as values at conjugate points are conjugate, or N where f is
    complex on the real axis; a first derivative mostly 1 or 2 circles of 16 points, and one evaluation
    of f(x).  The terms of the Fourier sum judge themselves: those of high index show the noise of f, those
    that stand for negative indices a singularity inside the circle, and the mean of f over the circle must be
    f(x).  Where only circles shorter than the steps of a central difference are good and leave the slope
    poor, 4 real evaluations on that line give the difference as well, which must not contradict.  The circle
    never leaves the bounds; bounds that end at x leave no room.

    The step that is reported is the radius, the smallest where outputs differ.

    References
    ----------
    .. [1] J. N. Lyness and C. B. Moler, "Numerical differentiation of analytic functions",
       SIAM J. Numer. Anal. 4 (1967) 202.
    .. [2] B. Fornberg, "Numerical differentiation of analytic functions",
       ACM Trans. Math. Softw. 7 (1981) 512.
    .. [3] F. Bornemann, "Accuracy and stability of computing high-order derivatives of analytic functions by
       Cauchy integrals", Found. Comput. Math. 11 (2011) 1.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> estimate = cm.estimate_derivative(np.exp, 0.0, 20, scheme=cm.schemes.Cauchy())
    >>> bool(abs(estimate.value - 1) <= estimate.error < 1e-13)
    True
    """

    radius: Any = None
    max_points: int = 1024

    def __post_init__(self) -> None:
        """Check the options and turn the radius into a rule."""
        if isinstance(self.max_points, bool) or not isinstance(self.max_points, int | np.integer):
            raise TypeError(f"`max_points` must be an integer, got {self.max_points!r}")
        if not FEWEST <= self.max_points <= 65536 or self.max_points & (self.max_points - 1):
            raise ValueError(f"`max_points` must be a power of two from 16 to 65536, got {self.max_points}")
        if self.radius is not None:
            object.__setattr__(self, "radius", as_rule(self.radius))

    def coefficient(self, lines: Lines, n: int, *, error: bool = True) -> Coefficient:
        """Return the n-th Taylor coefficient on each line; the error costs nothing."""
        return self._coefficients(lines, (n,))[0]

    def expand(self, lines: Lines, degree: int, *, error: bool = True) -> list[Coefficient]:
        """Return the coefficients 0 to `degree`, from common circles."""
        return [origin_coefficient(lines), *self._coefficients(lines, range(1, degree + 1))]

    def _coefficients(self, lines: Lines, orders: Sequence[int]) -> list[Coefficient]:
        if orders and FIRST // 2 * orders[-1] > self.max_points:
            raise ValueError(
                f"a derivative of order {orders[-1]} needs at least {FIRST // 2 * orders[-1]} points on the "
                f"circle, got max_points = {self.max_points}; raise `max_points`"
            )
        # Every circle has the slope, too, which real differences check.
        table = Table(lines, orders if 1 in orders or not orders else (1, *orders))
        search = Search(lines, table, self._radius(lines))
        search.start(self.max_points if search.fixed else FEWEST)
        _refuse(lines, search)
        if not search.fixed:
            self._refine(search, orders)
        table.admit(search.least_noise)
        results = [_result(lines, table, k) for k in range(len(table.orders))]
        if results:
            slope = results[table.place(1)]
            check(lines, slope, search.hunted)
        return [results[table.place(n)] for n in orders]

    def _radius(self, lines: Lines) -> FloatArray | None:
        if self.radius is None:
            return None
        # The rule wants a formula; the shortest one for a slope.
        rule: StepRule = self.radius
        return rule.steps(lines, cached_stencil((-1, 0, 1), 1))

    def _refine(self, search: Search, orders: Sequence[int]) -> None:
        # A circle that is good for one order serves those from half of it to twice; all share all circles.
        for n in orders:
            if n != orders[-1] and n & (n - 1):
                continue
            points = FEWEST
            while points < min(FIRST * n, self.max_points):
                points *= 2
            most, more = min(self.max_points, max(4 * FEWEST, LAST * n)), False
            while points <= most:
                search.refine(n, points, more=more)
                points, more = 2 * points, True


def _refuse(lines: Lines, search: Search) -> None:
    for p in search.lost[:1]:
        radius, name = float(search.lowest[p]), lines.function.name
        raise NotAnalyticError(
            f"{name} is not analytic within {radius:.2g} of x on line {p}: on every circle the mean, or the "
            "terms of negative index, do not fit; it takes `abs`, a comparison or a real cast of complex "
            "numbers, or x is at a kink, a jump or a branch point: use scheme='adaptive'"
        )


def _result(lines: Lines, table: Table, k: int) -> Coefficient:
    value, truncation = table.value[k], table.truncation[k]
    status = np.where(np.isfinite(value), Status.OK, Status.NON_FINITE)
    status[np.minimum(-lines.lower, lines.upper) <= 0] = Status.NO_ROOM
    with np.errstate(all="ignore"):
        noise = table.noise[k] + lines.eps * np.abs(value)
        error = truncation + noise
        # Zero coefficients have errors above themselves, but only of the size that rounding explains.
        poor = (error > 1e-2 * np.abs(value)) & (error > lines.eps**0.5 * table.size[k])
    status[poor & (status == Status.OK)] = Status.INACCURATE
    step = np.min(table.radius[k], axis=1, initial=np.inf).astype(float)
    return Coefficient(value, truncation, noise, step, status.astype(np.int8))
