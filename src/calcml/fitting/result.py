"""What a fit returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calcml._loop import Trace
from calcml._result import Result, format_measurement
from calcml._status import Status
from calcml._typing import FloatArray
from calcml.fitting._statistics import correlation, p_value, quantile

__all__ = ["FitResult"]


@dataclass(frozen=True, eq=False, repr=False)
class FitResult(Result):
    """Parameters with their errors, and how well the model describes the data.

    Unpacks as ``values, covariance = result``; ``result["tau"]`` is one value; ``result(x)`` is the fitted
    curve.

    Attributes
    ----------
    names : tuple of str
        Names of all p parameters, in the order of the model's signature.
    values : ndarray, shape (p,)
        Best values.
    errors : ndarray, shape (p,)
        Standard deviations: 0 for a fixed parameter, NaN for one at its bound and where the data leave no
        degree of freedom to take them from, infinite for one that the data do not determine.
    covariance : ndarray, shape (p, p)
        Covariance matrix; the errors are the roots of its diagonal.
    chi2 : float
        Sum of squared pulls with sigma as given (ones without sigma); for a robust loss the sum of losses.
    ndof : int
        Number of points minus number of fitted parameters; fixed ones and those at a bound are not counted.
    absolute : bool
        Whether sigma was taken as it is.  Otherwise the covariance is scaled by the reduced chi2, or for a
        robust loss taken from the scatter.
    residuals : ndarray, shape (n,)
        Data minus model, y - f(x), in units of y.
    pulls : ndarray, shape (n,)
        Residuals in units of their errors (whitened by a covariance matrix); where the errors are not
        absolute, of the errors scaled so that the pulls have variance 1.
    fitted : ndarray, shape (n,)
        The model at x.
    jacobian : ndarray, shape (n, p)
        Its derivatives divided by sigma: A with (Aᵀ A)⁻¹ the covariance for absolute errors; columns of fixed
        parameters are 0.
    rank : int
        Number of combinations of parameters that the data determine.
    status : Status
        How the fit ended.
    message : str
        The status as a sentence, with the names of the parameters it concerns.
    nit, nfev, njev : int
        Iterations, calls of the model and of the user's Jacobian.
    fixed, at_bound, undetermined : tuple of str
        Names of parameters that were held, that ended at a bound, and that the data do not determine.
    loss : str
        The loss that was minimized, "linear" for chi2.
    trace : Trace or None
        The path of an iterative fit; its column "x" holds the free parameters.
    model : callable
        ``model(x, *values)``.

    Examples
    --------
    >>> import calcml as cm
    >>> result = cm.fit_line([1.0, 2.0, 3.0, 4.0], [2.1, 3.9, 6.2, 7.8], 0.2)
    >>> result.names
    ('intercept', 'slope')
    >>> values, covariance = result
    >>> round(result["slope"], 6)
    1.94
    """

    names: tuple[str, ...]
    values: FloatArray
    errors: FloatArray
    covariance: FloatArray
    chi2: float
    ndof: int
    absolute: bool
    residuals: FloatArray
    pulls: FloatArray
    fitted: FloatArray
    jacobian: FloatArray
    rank: int
    status: Status
    message: str
    nit: int
    nfev: int
    njev: int
    fixed: tuple[str, ...]
    at_bound: tuple[str, ...]
    undetermined: tuple[str, ...]
    loss: str
    trace: Trace | None
    model: Callable[..., Any] = field(repr=False)

    @property
    def success(self) -> bool:
        """Whether values and errors can be used as they are."""
        return self.status.ok

    @property
    def correlation(self) -> FloatArray:
        """Correlation matrix, shape (p, p); NaN for a parameter without an error."""
        return correlation(self.covariance)

    @property
    def reduced_chi2(self) -> float:
        """Chi-squared per degree of freedom; NaN where there is none."""
        return self.chi2 / self.ndof if self.ndof else float("nan")

    @property
    def p_value(self) -> float:
        """Probability of a chi2 at least this large if model and sigma are right; NaN unless `absolute`."""
        return p_value(self.chi2, self.ndof) if self.absolute else float("nan")

    @property
    def params(self) -> dict[str, float]:
        """Best value by name, as for ``model(x, **result.params)``."""
        return dict(zip(self.names, self.values.tolist(), strict=True))

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield values and covariance."""
        yield self.values
        yield self.covariance

    def __getitem__(self, name: str) -> float:
        """Return the value of one parameter."""
        if name not in self.names:
            raise KeyError(f"the fit has the parameters {', '.join(self.names)}, not {name!r}")
        return float(self.values[self.names.index(name)])

    def __call__(self, x: Any) -> Any:
        """Return the fitted curve at x."""
        return self.predict(x)

    def predict(self, x: Any) -> Any:
        """Evaluate the fitted curve.

        Parameters
        ----------
        x : object
            Where; what the model takes as x.

        Returns
        -------
        ndarray
            The model at x with the best values.

        Examples
        --------
        >>> import calcml as cm
        >>> float(cm.fit_line([0.0, 1.0, 2.0], [1.0, 3.0, 5.0]).predict(10.0))
        21.0
        """
        return self.model(x, *self.values)

    def confidence_interval(self, level: float = 0.6826894921370859) -> FloatArray:
        """Compute symmetric confidence intervals of all parameters.

        The interval is value +- t error.  With absolute errors t is the quantile of the normal distribution;
        with errors from the scatter it is that of Student's distribution with `ndof` degrees of freedom, so
        that the interval covers the truth with the given probability even when `ndof` is small.

        Parameters
        ----------
        level : float, optional
            Probability that the interval covers the truth, between 0 and 1; one standard deviation by
            default.

        Returns
        -------
        ndarray, shape (p, 2)
            Lower and upper ends.

        Raises
        ------
        ValueError
            If the level is not between 0 and 1.

        References
        ----------
        .. [1] Particle Data Group, "Review of Particle Physics", Phys. Rev. D 110 (2024) 030001, section
           40.4.2.

        Examples
        --------
        >>> import calcml as cm
        >>> result = cm.fit_line([1.0, 2.0, 3.0, 4.0], [2.1, 3.9, 6.2, 7.8], 0.2)
        >>> result.confidence_interval(0.95).round(4)
        array([[-0.3301,  0.6301],
               [ 1.7647,  2.1153]])
        """
        if not 0 < level < 1:
            raise ValueError(f"`level` must lie between 0 and 1, got {level}; 0.95 stands for 95 %")
        t = quantile(level, np.inf if self.absolute else self.ndof)
        return self.values[:, None] + t * self.errors[:, None] * np.array([-1.0, 1.0])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain numbers, strings, lists and dictionaries.

        Returns
        -------
        dict
            One entry per field except the model itself, and correlation, reduced chi2 and p-value.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.fit_line([0.0, 1.0, 2.0], [1.0, 3.0, 5.0]).to_dict()["names"]
        ['intercept', 'slope']
        """
        plain = super().to_dict()
        del plain["model"]
        plain["trace"] = self.trace.to_dict() if self.trace is not None else None
        derived = {"correlation": self.correlation.tolist()}
        return plain | derived | {"reduced_chi2": self.reduced_chi2, "p_value": self.p_value}

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("errors", self._errors_text())]
        for name, value, error in zip(self.names, self.values, self.errors, strict=True):
            rows.append((name, self._value_text(name, float(value), float(error))))
        label = "chi2 / ndof" if self.loss == "linear" else f"{self.loss} loss / ndof"
        rows.append((label, f"{self.chi2:.6g} / {self.ndof} = {self.reduced_chi2:.4g}"))
        if self.absolute:
            rows.append(("p-value", f"{self.p_value:.3g}"))
        rows.append(("points", str(self.residuals.size)))
        calls = f"{self.nfev} of the model, {self.nit} iterations" if self.nfev else "none of the model"
        rows.append(("calls", calls))
        rows.append(("status", f"{self.status.name}: {self.message}"))
        return rows

    def _errors_text(self) -> str:
        if self.absolute:
            return "absolute, from sigma as given"
        if self.loss != "linear":
            return "from the scatter of the points (sandwich)"
        if not self.ndof:
            return "undefined: no degree of freedom is left to take them from"
        return (
            f"scaled by sqrt(chi2 / ndof) = {np.sqrt(self.reduced_chi2):.4g}, from the scatter of the points"
        )

    def _value_text(self, name: str, value: float, error: float) -> str:
        for names, text in (
            (self.fixed, "fixed"),
            (self.at_bound, "at its bound"),
            (self.undetermined, "not determined by the data"),
        ):
            if name in names:
                return f"{value:.8g} ({text})"
        return format_measurement(value, error)
