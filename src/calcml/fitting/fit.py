"""Fitting any model to data by chi-squared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from calcml._function import check_callable
from calcml._loop import check_iterations, run
from calcml._typing import ArrayLike
from calcml.fitting._assemble import make_result
from calcml.fitting._data import Data, check_data, check_points, check_vector
from calcml.fitting._finish import solution
from calcml.fitting._levenberg import LevenbergMarquardt
from calcml.fitting._loss import Loss, as_loss
from calcml.fitting._model import Curve
from calcml.fitting._names import check_parameters
from calcml.fitting._residuals import Residuals
from calcml.fitting._sigma import check_errors
from calcml.fitting._x_errors import EffectiveVariance
from calcml.fitting.result import FitResult
from calcml.schemes.registry import SchemeLike, as_scheme

__all__ = ["fit"]


def fit(
    model: Callable[..., Any],
    x: Any,
    y: ArrayLike,
    sigma: ArrayLike | None = None,
    *,
    p0: ArrayLike | Mapping[str, float] | None = None,
    bounds: Any = None,
    fixed: Mapping[str, float] | None = None,
    sigma_x: ArrayLike | None = None,
    absolute: bool | None = None,
    loss: str = "linear",
    scheme: SchemeLike = "central",
    jac: Callable[..., Any] | None = None,
    tolerance: float = 1e-9,
    max_iterations: int = 2000,
    callback: Callable[[Any], Any] | None = None,
    progress: bool = False,
) -> FitResult:
    """Fit a model to data by least squares.

    Minimizes chi2(p) = (y - f(x; p))ᵀ V⁻¹ (y - f(x; p)), for independent errors Σ (y_i - f(x_i; p))² /
    sigma_i², by the Levenberg-Marquardt method with a trust region.  Near the minimum the model is linear in
    p with the Jacobian A, so that the best values and their covariance are those of the linear problem, (Aᵀ
    V⁻¹ A)⁻¹ Aᵀ V⁻¹ y and (Aᵀ V⁻¹ A)⁻¹; one standard deviation raises chi2 by 1.

    Parameters
    ----------
    model : callable
        ``model(x, a, b, ...)`` returning one number per point, shape (n,).  The names of the parameters are
        those of its signature; for ``model(x, *p)`` they are p0, p1, ...
    x : array_like, shape (n,) or (k, n), or any object
        Passed to the model; arrays as float64, anything else untouched.
    y : array_like, shape (n,)
        The measured values.
    sigma : array_like, optional
        Their standard deviations in units of y: one number, shape (n,), or their covariance matrix, shape (n,
        n).
    p0 : array_like or dict, optional
        Where to start, in the order of the signature or by name; default values in the signature serve as
        well.
    bounds : dict or pair, optional
        ``{"a": (lower, upper)}``, or (lower, upper) as numbers or arrays over all parameters.  The model is
        never called outside.
    fixed : dict, optional
        Parameters to hold, with their values.
    sigma_x : array_like, optional
        Standard deviations of x in its units, one number or shape (n,), for x of shape (n,); needs `sigma`.
    absolute : bool, optional
        Whether `sigma` is the size of the errors, or only their ratio, the size being taken from the scatter.
        By default True where `sigma` is given; without it the errors always come from the scatter.
    loss : str, optional
        "linear", or to bear with outliers "soft_l1", "huber", "cauchy" or "arctan"; these need `sigma`.
    scheme : str or Scheme, optional
        How to differentiate the model by its parameters, each taken in units of its own size.
    jac : callable, optional
        ``jac(x, a, b, ...)``, the derivatives of the model by all parameters, shape (n, p).
    tolerance : float, optional
        How far the best values may still move, relative to themselves or to their errors, whichever is
        larger.
    max_iterations : int, optional
        Limit of trial steps.
    callback : callable, optional
        Called with the state (``x`` the free parameters, ``chi2``) after each iteration; returning True or
        raising ``StopIteration`` stops the fit.
    progress : bool, optional
        Whether to show a progress bar; needs tqdm.

    Returns
    -------
    FitResult
        Values, errors, covariance, chi2 and the rest; ``popt, pcov = fit(...)`` unpacks it.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; the model has not been called then.
    EvaluationError
        If the model returns anything but one finite-precision float64 number per point.

    Warns
    -----
    ConvergenceWarning
        If the fit did not converge or the data do not determine every parameter; the message names them.

    See Also
    --------
    fit_line, fit_polynomial, fit_linear : Direct solutions of problems that are linear in the parameters.
    ChiSquared : The same objective as a function for any optimizer.

    Notes
    -----
    Iterations use the given scheme; the end is decided, and the covariance taken, with a Jacobian whose own
    error estimate is below 1e-9 where the model allows it (central differences of order 4, else `Adaptive`).
    The fit has converged when the step that is left, the angle between residuals and tangent plane, and the
    gain of the last step are all small; where steps shrink slowly the step that is left is their sum.

    A parameter at an active bound has no error, and the errors of the others hold for that value of it.
    Errors in x enter by the effective variance sigma² + (df/dx sigma_x)².  The covariance of a robust fit is
    the sandwich H⁻¹ (Jᵀ psi² J) H⁻¹ n / (n - p).

    References
    ----------
    .. [1] J. J. Moré, "The Levenberg-Marquardt algorithm: implementation and theory", Lecture Notes in
       Mathematics 630 (1978) 105.
    .. [2] Particle Data Group, "Review of Particle Physics", Phys. Rev. D 110 (2024) 030001, section 40.2.3.
    .. [3] D. York et al., "Unified equations for the slope, intercept, and standard errors of the best
       straight line", Am. J. Phys. 72 (2004) 367.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> def decay(t, amplitude, tau):
    ...     return amplitude * np.exp(-t / tau)
    >>> t = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    >>> y = np.array([5.1, 3.0, 1.9, 1.0, 0.7])
    >>> result = cm.fit(decay, t, y, 0.1, p0={"amplitude": 4.0, "tau": 1.0})
    >>> result.values.round(4)
    array([5.0901, 1.9445])
    >>> print(result.status.name)
    CONVERGED
    """
    data = check_data(x, y, sigma, absolute)
    check_callable(model, "model")
    if callback is not None:
        check_callable(callback, "callback")
    parameters = check_parameters(model, p0, fixed, bounds)
    check_points(data.y.size, int(parameters.free.sum()))
    rule, cost = as_scheme(scheme), _check_loss(loss, data, absolute)
    limit = check_iterations(max_iterations)
    _check_tolerance(tolerance)
    curve = Curve(model, data.x, data.y.size, parameters, jac=jac, scheme=rule)
    residuals = _residuals(curve, data, sigma_x, jac)
    start = parameters.start[parameters.free]
    if sigma_x is not None:
        # The effective variance has false minima at steep slopes, where every error is large; the answer
        # without errors in x lies in the basin of the right one.
        first = run(LevenbergMarquardt(Residuals(curve, data), start, cost, 1e-3), max_iterations=limit)
        start = first.last.x
    algorithm = LevenbergMarquardt(residuals, start, cost, float(tolerance))
    end = run(algorithm, max_iterations=limit, callback=callback, progress=progress, title="fit")
    return make_result(solution(end, residuals, cost))


def _check_loss(name: str, data: Data, absolute: bool | None) -> Loss:
    loss = as_loss(name)
    if loss.linear:
        return loss
    if not data.sigma.given or data.sigma.cholesky is not None:
        raise ValueError(
            f"`loss={name!r}` tells outliers by their distance in units of `sigma`; "
            "give sigma as a number or one per point"
        )
    if absolute:
        raise ValueError(
            f"`absolute=True` does not go with `loss={name!r}`, whose errors come from the scatter; "
            "leave it out"
        )
    return loss


def _check_tolerance(tolerance: Any) -> None:
    if not isinstance(tolerance, int | float | np.number) or not 0 < tolerance < 1:
        raise ValueError(f"`tolerance` must be a number between 0 and 1, got {tolerance!r}")


def _residuals(curve: Curve, data: Data, sigma_x: Any, jac: Any) -> Residuals:
    if sigma_x is None:
        return Residuals(curve, data)
    if not data.sigma.given or data.sigma.cholesky is not None:
        raise ValueError("`sigma_x` needs `sigma` as a number or one per point")
    if jac is not None:
        raise ValueError(
            "`jac` does not go with `sigma_x`, which makes the weights depend on the parameters too; "
            "leave out `jac`"
        )
    check_vector(data.x, "x", data.y.size)
    return EffectiveVariance(curve, data, check_errors(sigma_x, "sigma_x", data.y.size, zero=True))
