"""The statistics that every fit shares: covariance from a decomposition, goodness of fit, quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray

__all__ = [
    "Spread",
    "correlation",
    "p_value",
    "quantile",
    "scatter",
    "spread_of",
    "sum_of_squares",
    "to_covariance",
    "to_errors",
]

# A parameter takes part in an undetermined combination if it carries this part of it.
TAKES_PART = 1e-6


@dataclass(frozen=True, eq=False)
class Spread:
    """How the data spread the parameters: covariance = root rootᵀ, and the directions that they leave open.

    Attributes
    ----------
    root : ndarray, shape (p, rank)
        Square root of the covariance for data of variance 1.
    null : ndarray, shape (p, p - rank)
        Directions in parameter space along which the model does not change.
    size : ndarray, shape (p,)
        Length of each parameter's column of the Jacobian.
    """

    root: FloatArray
    null: FloatArray
    size: FloatArray

    @property
    def rank(self) -> int:
        """Number of combinations of parameters that the data determine."""
        return int(self.root.shape[1])

    @property
    def undetermined(self) -> NDArray[np.bool_]:
        """Which parameters the data do not determine."""
        return np.asarray(self.members.any(axis=1))

    @property
    def members(self) -> NDArray[np.bool_]:
        """Which parameters take part in each open direction, shape (p, p - rank)."""
        part = np.abs(self.null) * np.where(self.size > 0, self.size, 1.0)[:, None]
        return np.asarray(part > TAKES_PART * part.max(axis=0, initial=0.0))

    def transformed(self, matrix: FloatArray, size: FloatArray) -> Spread:
        """Return the spread of ``matrix @ parameters``."""
        return Spread(matrix @ self.root, matrix @ self.null, size)


def spread_of(J: FloatArray, precision: float) -> Spread:
    """Return the spread that a whitened Jacobian stands for: covariance (Jᵀ J)⁻¹.

    Columns are scaled to length 1 and the singular values taken of the small triangle of J = Q R, so that the
    answer depends neither on the units of the parameters nor on the square of the condition number.  Singular
    values below `precision` times the largest count as zero.
    """
    size = np.linalg.norm(J, axis=0)
    scale = np.where(size > 0, size, 1.0)
    _, s, vt = np.linalg.svd(np.linalg.qr(J / scale, mode="r"))
    rank = int(np.sum(s > precision * s[0])) if s.size and s[0] > 0 else 0
    v = vt.T / scale[:, None]
    return Spread(v[:, :rank] / s[:rank], v[:, rank:], size)


def sum_of_squares(r: FloatArray) -> float:
    """Return chi2, which may be out of range of floating point where the residuals are not."""
    with np.errstate(over="ignore", under="ignore"):
        return float(r @ r)


def scatter(r: FloatArray, ndof: int) -> float:
    """Return sqrt(chi2 / ndof), also where the squares are out of range; NaN without degrees of freedom."""
    if ndof < 1:
        return float("nan")
    largest = float(np.max(np.abs(r), initial=0.0))
    return largest * float(np.linalg.norm(r / largest)) / ndof**0.5 if largest > 0 else 0.0


def to_errors(spread: Spread) -> FloatArray:
    """Return the standard deviations; infinite for an undetermined parameter."""
    # In units of the largest entry of each row no square is out of range.
    largest = np.max(np.abs(spread.root), axis=1, initial=0.0)
    unit = np.where(largest > 0, largest, 1.0)
    errors = unit * np.linalg.norm(spread.root / unit[:, None], axis=1)
    return np.where(spread.undetermined, np.inf, errors)


def to_covariance(spread: Spread) -> FloatArray:
    """Return the covariance; an undetermined parameter has infinite variance and no covariances."""
    covariance: FloatArray = np.asarray(spread.root @ spread.root.T, dtype=np.float64)
    open_ = spread.undetermined
    covariance[open_, :] = covariance[:, open_] = np.nan
    covariance[open_, open_] = np.inf
    return covariance


def correlation(covariance: FloatArray) -> FloatArray:
    """Return the correlation matrix: NaN where a parameter has no error of its own, 0 beside a fixed one."""
    sd = np.sqrt(covariance.diagonal())
    with np.errstate(all="ignore"):
        matrix = covariance / np.outer(sd, sd)
    matrix[sd == 0, :] = matrix[:, sd == 0] = 0.0
    np.fill_diagonal(matrix, np.where(np.isfinite(sd), 1.0, np.nan))
    return matrix


def p_value(chi2: float, ndof: int) -> float:
    """Return the probability of a larger chi2, Q(ndof / 2, chi2 / 2), the upper incomplete gamma function."""
    if ndof < 1 or not np.isfinite(chi2):
        return float("nan")
    from scipy.special import gammaincc

    return float(gammaincc(ndof / 2, chi2 / 2))


def quantile(level: float, ndof: float) -> float:
    """Return t such that a Student variable of ndof degrees of freedom lies in [-t, t] with that probability.

    Infinite ndof is the normal distribution.
    """
    from scipy.special import ndtri, stdtrit

    upper = (1 + level) / 2
    return float(ndtri(upper) if np.isinf(ndof) else stdtrit(ndof, upper))
