"""York's straight line through points with errors in both coordinates, which may be correlated.

With the variance of y - a - b x of each point,

    1 / W_i = sy_i² + b² sx_i² - 2 b rho_i sx_i sy_i,

and coordinates U, V about the means weighted by W, the point of the line nearest to the data lies at

    x_i = x̄ + beta_i,   beta_i = W_i [U_i sy_i² + b V_i sx_i² - (b U_i + V_i) rho_i sx_i sy_i],

and the slope satisfies b = Σ W beta V / Σ W beta U, which is iterated (York et al. 2004, equations 13).
Written with variances instead of weights, an error of zero is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._parameters import real_array
from calcml._typing import FloatArray
from calcml.fitting._data import Data

__all__ = ["York", "correlations", "york"]

EPS = float(np.finfo(float).eps)
LIMIT = 200


@dataclass(frozen=True, eq=False)
class York:
    """The line, what its covariance is made of, and whether the iteration settled.

    Attributes
    ----------
    intercept, slope : float
        The line.
    residuals, effective : ndarray, shape (n,)
        Data minus line, and the standard deviations of these.
    adjusted_mean, of_mean, of_slope : float
        Weighted mean of the adjusted x, and the independent errors of the height there and of the slope.
    minimum, converged, nit : bool, bool, int
        Whether chi2 rises on both sides of the slope; whether that settled, and after how many rounds.
    """

    intercept: float
    slope: float
    residuals: FloatArray
    effective: FloatArray
    adjusted_mean: float
    of_mean: float
    of_slope: float
    minimum: bool
    converged: bool
    nit: int


class _Points:
    """The data about a point amid them, so that no digits are lost to a common offset of x or y."""

    def __init__(self, data: Data, s_x: FloatArray, rho: FloatArray) -> None:
        self.x0, self.y0 = float(data.x.mean()), float(data.y.mean())
        self.x, self.y = data.x - self.x0, data.y - self.y0
        self.v_x, self.v_y = s_x**2, data.sigma.standard**2
        self.mixed = rho * s_x * data.sigma.standard

    def adjust(self, b: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return W, U, V and beta for the slope b."""
        W = 1 / (self.v_y + b * b * self.v_x - 2 * b * self.mixed)
        U, V = self.x - _mean(W, self.x), self.y - _mean(W, self.y)
        return W, U, V, W * (U * self.v_y + b * V * self.v_x - (b * U + V) * self.mixed)

    def rises(self, slope: float, of_slope: float) -> bool:
        """Tell whether chi2 = Σ W (V - b U)² rises about the slope; York's equation holds at maxima, too."""
        chi2 = self._chi2(slope)
        # The step is one that the points can feel, also where their scatter is larger than their errors.
        step = of_slope * max(1.0, (chi2 / self.x.size) ** 0.5)
        rise = (self._chi2(slope + step) + self._chi2(slope - step)) / 2 - chi2
        return rise > 1e-9 * max(chi2 / self.x.size, 1e-3)

    def _chi2(self, b: float) -> float:
        W, U, V, _ = self.adjust(b)
        return float(np.sum(W * (V - b * U) ** 2))


def york(data: Data, s_x: FloatArray, rho: FloatArray, slope: float) -> York:
    """Iterate from the slope that ignores the errors in x."""
    points = _Points(data, s_x, rho)
    change, converged, nit = np.inf, False, 0
    while nit < LIMIT and not converged:
        nit += 1
        W, U, V, beta = points.adjust(slope)
        new = float(np.sum(W * beta * V) / np.sum(W * beta * U))
        last, change, slope = change, abs(new - slope), new
        # The iteration contracts until rounding; then its changes stop falling.
        converged = change <= 4 * EPS * abs(new) or (change <= 1e-12 * abs(new) and change >= last)
    W, U, V, beta = points.adjust(slope)
    mean_x = _mean(W, points.x)
    middle = mean_x + _mean(W, beta)
    u = mean_x + beta - middle
    of_slope = float(1 / np.sqrt(np.sum(W * u * u)))
    return York(
        intercept=float(points.y0 + _mean(W, points.y) - slope * (points.x0 + mean_x)),
        slope=slope,
        residuals=V - slope * U,
        effective=1 / np.sqrt(W),
        adjusted_mean=float(points.x0 + middle),
        of_mean=float(1 / np.sqrt(W.sum())),
        of_slope=of_slope,
        minimum=points.rises(slope, of_slope),
        converged=converged,
        nit=nit,
    )


def _mean(W: FloatArray, values: FloatArray) -> Any:
    return np.sum(W * values) / W.sum()


def correlations(rho: Any, n: int) -> FloatArray:
    """Return n correlation coefficients."""
    array = real_array(0.0 if rho is None else rho, "rho")
    if array.shape not in ((), (n,)):
        raise ValueError(
            f"`rho` must be a number or have one entry per point, got shape {array.shape} for {n} points"
        )
    for i in np.flatnonzero(~(np.abs(array) < 1))[:1]:
        place = f" at index {i}" if array.ndim else ""
        raise ValueError(f"`rho` must lie between -1 and 1, got {array.flat[i]}{place}")
    return np.broadcast_to(array, (n,)).astype(np.float64)
