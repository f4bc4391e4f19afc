"""What a fit minimizes: the whitened residuals r = L⁻¹ (f(x; p) - y) of the free parameters p."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcml._typing import FloatArray
from calcml.fitting._data import Data
from calcml.fitting._model import Curve

__all__ = ["Point", "Residuals"]


@dataclass(frozen=True, eq=False)
class Point:
    """The residuals at some parameters.

    Attributes
    ----------
    f : ndarray, shape (n,)
        The model.
    r : ndarray, shape (n,)
        Whitened residuals, model minus data.
    size : float
        Length of the whitened model values, whose rounding limits r.
    """

    f: FloatArray
    r: FloatArray
    size: float


class Residuals:
    """Residuals whose weights do not depend on the parameters."""

    def __init__(self, curve: Curve, data: Data) -> None:
        self.curve, self.data = curve, data

    @property
    def lower(self) -> FloatArray:
        """Lower bounds of the free parameters."""
        return self.curve.lower

    @property
    def upper(self) -> FloatArray:
        """Upper bounds of the free parameters."""
        return self.curve.upper

    def at(self, p: FloatArray) -> Point:
        """Return the residuals at the free parameters."""
        f = self.curve.values(p)
        with np.errstate(all="ignore"):
            r = self.data.sigma.whiten(f - self.data.y)
            return Point(f, r, float(np.linalg.norm(f / self.data.sigma.standard)))

    def jacobian(self, p: FloatArray, unit: FloatArray, *, accurate: bool) -> tuple[FloatArray, float]:
        """Return dr/dp of shape (n, p) and its relative error."""
        J, precision = self.curve.jacobian(p, unit, accurate=accurate)
        with np.errstate(all="ignore"):
            return self.data.sigma.whiten(J), precision

    def information(self, p: FloatArray, J: FloatArray, unit: FloatArray) -> FloatArray:
        """Return the matrix A with (Aᵀ A)⁻¹ the covariance of the parameters: J itself."""
        return J
