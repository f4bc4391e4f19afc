"""The errors of the data, given as a number, a vector or a covariance matrix, and division by them.

Whitening turns r with the covariance V into L⁻¹ r, V = L Lᵀ, whose entries are independent with variance 1:
rᵀ V⁻¹ r = |L⁻¹ r|².  For independent errors that is division by sigma.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._parameters import real_array
from calcml._typing import FloatArray

__all__ = ["Sigma", "check_errors", "check_sigma"]


@dataclass(frozen=True, eq=False)
class Sigma:
    """Standard deviations of the data or the Cholesky factor of their covariance.

    Attributes
    ----------
    standard : ndarray, shape (n,)
        Standard deviation of each point; ones where none were given.
    given : bool
        Whether the user gave them.
    cholesky : ndarray, shape (n, n), or None
        Lower triangular factor L of a covariance matrix.
    """

    standard: FloatArray
    given: bool
    cholesky: FloatArray | None = None

    def whiten(self, values: FloatArray) -> FloatArray:
        """Return L⁻¹ values, for a vector or for the columns of a matrix."""
        if self.cholesky is not None:
            from scipy.linalg import solve_triangular

            # NaN is an answer here: a model that leaves its domain shortens the step.
            whitened: FloatArray = solve_triangular(self.cholesky, values, lower=True, check_finite=False)
            return whitened
        if not self.given:
            return values
        return values / (self.standard if values.ndim == 1 else self.standard[:, None])


def check_sigma(sigma: Any, n: int) -> Sigma:
    """Return the errors of n points; refuse what is no error."""
    if sigma is None:
        return Sigma(np.ones(n), given=False)
    array = real_array(sigma, "sigma").astype(np.float64)
    if array.ndim == 2:
        return _covariance(array, n)
    return Sigma(check_errors(array, "sigma", n, zero=False), given=True)


def check_errors(values: Any, name: str, n: int, *, zero: bool) -> FloatArray:
    """Return n standard deviations, from one or from n; `zero` allows exact values."""
    array = real_array(values, name)
    if array.ndim > 1 or (array.ndim == 1 and array.size != n):
        raise ValueError(
            f"`{name}` must be a number or have one entry per point, got shape {array.shape} for {n} points"
        )
    good = np.isfinite(array) & ((array >= 0) if zero else (array > 0))
    for i in np.flatnonzero(~good)[:1]:
        place = f" at index {i}" if array.ndim else ""
        wanted = "zero or positive" if zero else "positive"
        wanted = wanted if np.isfinite(array.flat[i]) else "finite"
        raise ValueError(
            f"`{name}` must be {wanted}, got {array.flat[i]}{place}; drop the point or give it an error"
        )
    return np.broadcast_to(array, (n,)).astype(np.float64)


def _covariance(matrix: FloatArray, n: int) -> Sigma:
    if matrix.shape != (n, n):
        raise ValueError(
            f"a covariance matrix in `sigma` must have shape ({n}, {n}) for {n} points, got {matrix.shape}"
        )
    for i, j in np.argwhere(~np.isfinite(matrix))[:1]:
        raise ValueError(f"`sigma` must be finite, got {matrix[i, j]} at index ({i}, {j})")
    # Symmetric to rounding is symmetric: products such as J V Jᵀ differ in the last digits.
    size = np.sqrt(np.abs(np.outer(matrix.diagonal(), matrix.diagonal())))
    for i, j in np.argwhere(np.abs(matrix - matrix.T) > 1e-8 * size)[:1]:
        raise ValueError(
            f"the covariance matrix in `sigma` must be symmetric, got {matrix[i, j]} at ({i}, {j}) and "
            f"{matrix[j, i]} at ({j}, {i})"
        )
    try:
        cholesky = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        least = np.linalg.eigvalsh(matrix)[0]
        raise ValueError(
            "the covariance matrix in `sigma` must be positive definite, its least eigenvalue is "
            f"{least:.3g}; drop points that are exact combinations of others, or add their independent "
            "variances to the diagonal"
        ) from None
    return Sigma(np.sqrt(matrix.diagonal()), given=True, cholesky=cholesky)
