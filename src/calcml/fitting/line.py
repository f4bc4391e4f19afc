"""The straight line, in closed form, with errors in y or in both coordinates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from calcml._status import Status
from calcml._typing import ArrayLike, FloatArray
from calcml.fitting._assemble import Solution, make_result
from calcml.fitting._data import Data, check_curve, check_points
from calcml.fitting._direct import direct
from calcml.fitting._least_squares import solve_linear
from calcml.fitting._sigma import check_errors
from calcml.fitting._statistics import Spread, sum_of_squares
from calcml.fitting._york import correlations, york
from calcml.fitting.result import FitResult

__all__ = ["fit_line"]

NAMES = ("intercept", "slope")

UPRIGHT = (
    "The points do not determine `slope` and `intercept`: with these errors chi2 does not rise as the line "
    "turns, or would fall for an upright one; exchange x and y, or take points farther apart in x."
)


def _straight(x: Any, intercept: Any, slope: Any) -> Any:
    """Return the straight line."""
    return intercept + slope * np.asarray(x)


def fit_line(
    x: ArrayLike,
    y: ArrayLike,
    sigma: ArrayLike | None = None,
    sigma_x: ArrayLike | None = None,
    *,
    rho: ArrayLike | None = None,
    absolute: bool | None = None,
) -> FitResult:
    """Fit a straight line, y = intercept + slope x.

    With errors in y alone the answer is a closed form, slope = Σ w (x - x̄)(y - ȳ) / Σ w (x - x̄)² and
    intercept = ȳ - slope x̄, with w = 1 / sigma² and weighted means, whose covariance is
    var(slope) = 1 / Σ w (x - x̄)² and var(intercept) = 1 / Σ w + x̄² var(slope).  All sums are over centered
    numbers, so that x = 1e9, 1e9 + 1, ... loses no digits.  With errors in both coordinates
    Σ (y - a - b x)² / (sigma² + b² sigma_x² - 2 b rho sigma sigma_x) is minimized by York's iteration.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        The points, at least two different x.
    sigma : array_like, optional
        Standard deviations of y: one number, shape (n,), or their covariance matrix, shape (n, n).
    sigma_x : array_like, optional
        Standard deviations of x, one number or shape (n,); needs `sigma`, and not as a matrix.
    rho : array_like, optional
        Correlation of the errors of x and y of the same point, between -1 and 1, one number or shape (n,).
    absolute : bool, optional
        Whether `sigma` is the size of the errors, or only their ratio, the size being taken from the scatter.
        By default True where `sigma` is given; without it the errors always come from the scatter.

    Returns
    -------
    FitResult
        With the parameters "intercept" and "slope".

    Raises
    ------
    TypeError, ValueError
        If the data are unusable: different lengths, NaN, an error that is not positive, all x equal.

    Warns
    -----
    ConvergenceWarning
        If York's iteration did not settle, or the points do not tell the slope from that of an upright line.

    See Also
    --------
    fit : Any model, with errors in x by the effective variance.
    fit_polynomial : Higher degrees.

    Notes
    -----
    With errors in x the covariance is York's of 2004, taken at the adjusted points, the points of the line
    nearest to the data.  The inverse half-Hessian of chi2, which is published as well (Kalantar 1992),
    differs from it by the size of the residuals.

    References
    ----------
    .. [1] D. York, N. M. Evensen, M. López Martínez, J. De Basabe Delgado, "Unified equations for the slope,
       intercept, and standard errors of the best straight line", Am. J. Phys. 72 (2004) 367, equations 13.
    .. [2] W. H. Press et al., "Numerical Recipes", 3rd ed. (2007), section 15.2.

    Examples
    --------
    >>> import calcml as cm
    >>> result = cm.fit_line([1.0, 2.0, 3.0, 4.0], [2.1, 3.9, 6.2, 7.8], 0.2)
    >>> result.values.round(6)
    array([0.15, 1.94])
    >>> result.errors.round(6)
    array([0.244949, 0.089443])
    """
    data = check_curve(x, y, sigma, absolute)
    check_points(data.y.size, 2)
    if np.all(data.x == data.x[0]):
        raise ValueError(f"all `x` are {data.x[0]}, so that no slope can be told; take points at different x")
    if sigma_x is not None or rho is not None:
        return make_result(_both(data, sigma_x, rho))
    return make_result(_correlated(data) if data.sigma.cholesky is not None else _closed_form(data))


def _closed_form(data: Data) -> Solution:
    x, y, s = data.x, data.y, data.sigma.standard
    # Weights relative to the largest keep clear of overflow.
    least = s.min()
    w = (least / s) ** 2
    total = w.sum()
    mean_x, mean_y = _mean(x, w, total), _mean(y, w, total)
    u, v = x - mean_x, y - mean_y
    # In a power of two of their own size no square of u is out of range.
    unit = np.exp2(np.round(np.log2(np.abs(u).max())))
    squares = np.sum(w * (u / unit) ** 2)
    slope = np.sum(w * (u / unit) * v) / squares / unit
    spread = _spread(mean_x, least / np.sqrt(total), least / np.sqrt(squares) / unit, x, s)
    return _line(data, mean_y - slope * mean_x, slope, v - slope * u, s, spread)


def _mean(values: FloatArray, w: FloatArray, total: float) -> Any:
    first = np.sum(w * values) / total
    # The second pass removes the rounding of the first, which is that of the sum of large numbers.
    return first + np.sum(w * (values - first)) / total


def _spread(mean_x: float, of_mean: float, of_slope: float, x: FloatArray, s: FloatArray) -> Spread:
    """Return the spread of (intercept, slope): slope and height at the mean are independent."""
    root = np.array([[of_mean, -mean_x * of_slope], [0.0, of_slope]])
    least = s.min()
    with np.errstate(over="ignore", under="ignore"):
        size = np.array([np.linalg.norm(least / s), np.linalg.norm(x * (least / s))]) / least
    return Spread(root, np.empty((2, 0)), size)


def _line(
    data: Data, intercept: Any, slope: Any, residuals: FloatArray, s: FloatArray, spread: Spread, **more: Any
) -> Solution:
    whitened = residuals / s
    return Solution(
        names=NAMES,
        values=np.array([intercept, slope]),
        model=_straight,
        fixed=np.zeros(2, dtype=bool),
        blocked=np.zeros(2, dtype=bool),
        spread=spread,
        y=data.y,
        fitted=data.y - residuals,
        whitened=whitened,
        jacobian=np.column_stack([1 / s, data.x / s]),
        chi2=sum_of_squares(whitened),
        absolute=data.absolute,
        **more,
    )


def _correlated(data: Data) -> Solution:
    """Solve with a covariance matrix, about the mean of x."""
    mean, ones = float(data.x.mean()), np.ones(data.x.size)
    design = np.column_stack([ones, data.x - mean])
    solved = solve_linear(design, data.y, data.sigma)
    shift = np.array([[1.0, -mean], [0.0, 1.0]])
    columns = np.column_stack([ones, data.x])
    return direct(data, NAMES, _straight, solved, design, transform=shift, columns=columns)


def _both(data: Data, sigma_x: Any, rho: Any) -> Solution:
    """Solve with errors in both coordinates."""
    if sigma_x is None:
        raise ValueError("`rho` correlates the errors of x and y; give `sigma_x` too, or leave `rho` out")
    if not data.sigma.given or data.sigma.cholesky is not None:
        raise ValueError("`sigma_x` needs `sigma` as a number or one per point")
    s_x = check_errors(sigma_x, "sigma_x", data.y.size, zero=True)
    answer = york(data, s_x, correlations(rho, data.y.size), float(_closed_form(data).values[1]))
    spread = _spread(answer.adjusted_mean, answer.of_mean, answer.of_slope, data.x, answer.effective)
    if not answer.minimum:
        spread = replace(spread, root=np.empty((2, 0)), null=np.eye(2))
    status = Status.CONVERGED if answer.converged else Status.MAX_ITERATIONS
    return _line(
        data,
        answer.intercept,
        answer.slope,
        answer.residuals,
        answer.effective,
        spread,
        status=status,
        nit=answer.nit,
        null=UPRIGHT,
    )
