"""The kernel of all fits that are linear in their parameters: min |L⁻¹ (A c - y)|².

Columns are scaled to length 1, A = Q R, and the solution is refined on the augmented system

    [ I   A ] [r]   [y]
    [ Aᵀ  0 ] [c] = [0],

whose unknowns are the residuals and the coefficients together (Björck 1967).  Its own residuals are summed in
extended precision; each round gains the digits that one solution has, so that the answer is limited by the
data, not by the condition of A.  Where the platform's longdouble is plain double the rounds do no harm and
gain less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._typing import FloatArray
from calcml.fitting._sigma import Sigma
from calcml.fitting._statistics import Spread, spread_of

__all__ = ["LinearSolution", "solve_linear"]

EPS = float(np.finfo(float).eps)
ROUNDS = 10


@dataclass(frozen=True, eq=False)
class LinearSolution:
    """Coefficients with their spread.

    Attributes
    ----------
    values : ndarray of longdouble, shape (p,)
        Coefficients; of a rank-deficient problem the shortest ones, in units of the columns' lengths.
    residuals : ndarray, shape (n,)
        Whitened residuals, data minus model.
    spread : Spread
        Their covariance for whitened data of variance 1, and what the data leave open.
    """

    values: FloatArray
    residuals: FloatArray
    spread: Spread


def solve_linear(design: Any, y: FloatArray, sigma: Sigma) -> LinearSolution:
    """Solve the weighted linear least-squares problem.

    A design or data of type longdouble are solved for as they are; the factors are those of their float64
    parts.
    """
    A, b = _whiten(design, sigma), _whiten(y, sigma)
    # A power of two as the unit of the data, so that no square on the way is out of range.
    unit = np.exp2(np.round(np.log2(largest))) if (largest := np.max(np.abs(b), initial=0)) > 0 else 1.0
    b = b / unit
    plain = A.astype(np.float64)
    spread = spread_of(plain, max(A.shape) * EPS)
    if spread.rank < A.shape[1]:
        # spread.root rootᵀ is the pseudo-inverse of Aᵀ A in scaled units.
        values: FloatArray = spread.root @ (spread.root.T @ (plain.T @ b.astype(np.float64)))
        residuals: FloatArray = b - A @ values
    else:
        values, residuals = _refined(A, plain, b, spread.size)
    return LinearSolution(values * unit, (residuals * unit).astype(np.float64), spread)


def _whiten(values: FloatArray, sigma: Sigma) -> FloatArray:
    if sigma.cholesky is not None:
        return sigma.whiten(values.astype(np.float64)).astype(np.longdouble)
    return sigma.whiten(values.astype(np.longdouble))


def _refined(
    A: FloatArray, plain: FloatArray, b: FloatArray, size: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return coefficients and residuals of a problem of full rank, refined until they stand still."""
    Q, R = np.linalg.qr(plain / size)
    c, r = np.zeros(A.shape[1], dtype=A.dtype), np.zeros(b.shape, dtype=A.dtype)
    last = np.inf
    for _ in range(ROUNDS):
        f = (b - r - A @ c).astype(np.float64)
        g = -(A.T @ r).astype(np.float64) / size
        h = np.linalg.solve(R.T, g)
        d = Q.T @ f - h
        dc = np.linalg.solve(R, d) / size
        change = float(np.linalg.norm(dc * size))
        if not change < last / 2:
            break
        c, r, last = c + dc, r + (f - Q @ d), change
    return c, r
