"""Errors in x as well: the effective variance.

A point with errors in both coordinates is as far from the curve as one with the error

    s² = sigma² + (f'(x) sigma_x)²

in y alone, to first order in sigma_x.  chi2 = Σ (y - f)² / s² is minimized as it stands, s being a function
of the parameters too; for a straight line that is York's solution exactly.  The covariance is taken, as York
does, at the points of the curve nearest to the data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml._typing import FloatArray
from calcml.differentiate._problem import to_values
from calcml.fitting._data import Data
from calcml.fitting._model import Curve
from calcml.fitting._residuals import Point, Residuals
from calcml.schemes.central import Central

__all__ = ["EffectiveVariance"]

# Step along x of a central difference of fourth order, in units of the range: eps^(1/5).
STEP = 7e-4


class EffectiveVariance(Residuals):
    """Residuals in units of the effective standard deviation."""

    def __init__(self, curve: Curve, data: Data, sigma_x: FloatArray) -> None:
        super().__init__(curve, data)
        self.sigma_x = sigma_x
        # The length scale of the model along x is taken to be the range of the data.
        self.range = float(np.ptp(data.x)) or 1.0

    def at(self, p: FloatArray) -> Point:
        """Return the residuals at the free parameters."""
        f = self.curve.values(p)
        with np.errstate(all="ignore"):
            s = self._effective(p)
            r = (f - self.data.y) / s
            # Differences along x magnify the rounding of f, and s carries it into r.
            magnified = 1 + np.abs(r) * self.sigma_x / (STEP * self.range)
            return Point(f, r, float(np.linalg.norm(f / s * magnified)))

    def jacobian(self, p: FloatArray, unit: FloatArray, *, accurate: bool) -> tuple[FloatArray, float]:
        """Return dr/dp of shape (n, p), the change of s included, and its relative error."""
        return self.curve.differentiate(self._whitened, p, unit, accurate=accurate)

    def information(self, p: FloatArray, J: FloatArray, unit: FloatArray) -> FloatArray:
        """Return the matrix A with (Aᵀ A)⁻¹ the covariance: df/dp at the adjusted points, over s."""
        s, slope = self._effective(p), self._slope(self.data.x, p)
        adjusted = self.data.x + (self.sigma_x / s) ** 2 * slope * (self.data.y - self.curve.values(p))
        A, _ = self.curve.differentiate(lambda q: self.curve.at(adjusted, q), p, unit, accurate=True)
        return A / s[:, None]

    def _whitened(self, p: FloatArray) -> Any:
        return (self.curve.at(self.data.x, p) - self.data.y) / self._effective(p)

    def _effective(self, p: FloatArray) -> Any:
        slope = self._slope(self.data.x, p)
        return np.sqrt(self.data.sigma.standard**2 + (slope * self.sigma_x) ** 2)

    def _slope(self, x: FloatArray, p: FloatArray) -> Any:
        """Return df/dx at each point, by central differences of fourth order over the range of x."""
        f = Function(lambda u: self.curve.at(x + self.range * u, p), None, name="model")
        lines = ElementwiseLines(f, np.zeros(x.size))
        slope = to_values(Central(order=4).coefficient(lines, 1, error=False).value, f)
        return slope[:, 0] / self.range
