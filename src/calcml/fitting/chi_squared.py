"""Chi-squared as a function of the parameters, with its gradient and Hessian, for any optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calcml._function import check_callable
from calcml._parameters import real_array
from calcml._typing import ArrayLike, FloatArray
from calcml.fitting._data import check_data
from calcml.fitting._levenberg import units
from calcml.fitting._model import Curve
from calcml.fitting._names import check_parameters
from calcml.fitting._residuals import Point, Residuals
from calcml.schemes.registry import SchemeLike, as_scheme

__all__ = ["ChiSquared"]


class ChiSquared:
    """Chi-squared of a model and data, as a function of the vector of parameters.

    chi2(p) = rᵀ V⁻¹ r with r = y - f(x; p).  With the Jacobian A of the model its gradient is -2 Aᵀ V⁻¹ r and
    its Hessian, up to second derivatives of the model times residuals, 2 Aᵀ V⁻¹ A (Gauss-Newton), which is
    exact for models that are linear in the parameters.

    Parameters
    ----------
    model : callable
        ``model(x, a, b, ...)`` returning one number per point, shape (n,).
    x : array_like, shape (n,) or (k, n), or any object
        Passed to the model; arrays as float64, anything else untouched.
    y : array_like, shape (n,)
        The measured values.
    sigma : array_like, optional
        Their standard deviations in units of y: one number, shape (n,), or their covariance matrix, shape (n,
        n); ones by default.
    scheme : str or Scheme, optional
        How to differentiate the model by its parameters, each taken in units of its own size.
    jac : callable, optional
        ``jac(x, a, b, ...)``, the derivatives of the model by all parameters, shape (n, p).

    Attributes
    ----------
    nfev, njev : int
        Numbers of calls of the model and of `jac` so far.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; the model has not been called then.

    See Also
    --------
    fit : The direct solution.

    Notes
    -----
    Covariances from a numerical Hessian H of chi2 are 2 H⁻¹: one standard deviation raises chi2 by 1.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> x, y = np.array([0.0, 1.0, 2.0]), np.array([1.1, 2.9, 5.0])
    >>> chi2 = cm.ChiSquared(lambda x, a, b: a + b * x, x, y, 0.1)
    >>> run = cm.minimize(chi2, [0.0, 0.0], grad=chi2.gradient, hess=chi2.hessian)
    >>> bool(np.allclose(run.x, cm.fit_line(x, y, 0.1).values, rtol=1e-6))
    True
    """

    def __init__(
        self,
        model: Callable[..., Any],
        x: Any,
        y: ArrayLike,
        sigma: ArrayLike | None = None,
        *,
        scheme: SchemeLike = "central",
        jac: Callable[..., Any] | None = None,
    ) -> None:
        self.data = check_data(x, y, sigma, None)
        check_callable(model, "model")
        if jac is not None:
            check_callable(jac, "jac")
        self._model, self._jac, self._scheme = model, jac, as_scheme(scheme)
        self._curve: Curve | None = None

    @property
    def nfev(self) -> int:
        """Number of calls of the model so far."""
        return self._curve.nfev if self._curve is not None else 0

    @property
    def njev(self) -> int:
        """Number of calls of the user's Jacobian so far."""
        return self._curve.njev if self._curve is not None else 0

    def __call__(self, p: ArrayLike) -> float:
        """Return chi2 at the parameters, shape (p,)."""
        point, _ = self._at(p)
        return float(point.r @ point.r)

    def gradient(self, p: ArrayLike) -> FloatArray:
        """Compute the gradient -2 Aᵀ V⁻¹ r.

        Parameters
        ----------
        p : array_like, shape (p,)
            The parameters.

        Returns
        -------
        ndarray, shape (p,)
            The derivatives of chi2.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.ChiSquared(lambda x, a: a * x, [1.0, 2.0], [1.0, 2.0]).gradient([2.0]).round(6)
        array([10.])
        """
        point, J = self._at(p, derivatives=True)
        gradient: FloatArray = 2 * (J.T @ point.r)
        return gradient

    def hessian(self, p: ArrayLike) -> FloatArray:
        """Compute the Gauss-Newton Hessian 2 Aᵀ V⁻¹ A.

        Parameters
        ----------
        p : array_like, shape (p,)
            The parameters.

        Returns
        -------
        ndarray, shape (p, p)
            Its inverse is half the covariance of the parameters.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.ChiSquared(lambda x, a: a * x, [1.0, 2.0], [1.0, 2.0]).hessian([2.0]).round(6)
        array([[10.]])
        """
        _, J = self._at(p, derivatives=True)
        hessian: FloatArray = 2 * (J.T @ J)
        return hessian

    def _at(self, p: Any, *, derivatives: bool = False) -> tuple[Point, FloatArray]:
        values = real_array(p, "p").astype(np.float64)
        if self._curve is None:
            # Only now is the number of parameters of a model(x, *p) known.
            parameters = check_parameters(self._model, values, None, None)
            self._curve = Curve(
                self._model, self.data.x, self.data.y.size, parameters, jac=self._jac, scheme=self._scheme
            )
        if values.shape != self._curve.lower.shape:
            names = ", ".join(self._curve.parameters.names)
            raise ValueError(f"`p` must be a vector over {names}, got shape {values.shape}")
        residuals = Residuals(self._curve, self.data)
        point = residuals.at(values)
        empty = np.zeros((self.data.y.size, values.size))
        if not derivatives:
            return point, empty
        return point, residuals.jacobian(values, units(values, empty, point.size), accurate=False)[0]
