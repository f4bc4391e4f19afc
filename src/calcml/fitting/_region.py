"""One step of a least-squares trust region: minimize |r + J d| with |D d| <= radius.

With q = D d and the singular values of J D⁻¹ = U S Vᵀ the minimizer for a damping lam is

    q(lam) = -V diag(s_i / (s_i² + lam)) Uᵀ r,

and lam is the root of |q(lam)| = radius, or 0 where the Gauss-Newton step q(0) is short enough (Moré 1978).
The decomposition is that of the small triangle of J D⁻¹ = Q R, so that its price does not depend on the
number of points and any number of radii can be tried with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcml._typing import FloatArray

__all__ = ["Factors", "factor"]


@dataclass(frozen=True, eq=False)
class Factors:
    """Singular values of the scaled Jacobian and what is needed to step.

    Attributes
    ----------
    singular : ndarray, shape (p,)
        Singular values s, descending.
    right : ndarray, shape (p, p)
        V: its columns are directions in the scaled parameters D d.
    projected : ndarray, shape (p,)
        Uᵀ r.
    rank : int
        Number of singular values above the rounding of the Jacobian.
    """

    singular: FloatArray
    right: FloatArray
    projected: FloatArray
    rank: int

    def gauss_newton(self) -> FloatArray:
        """Return q(0), the shortest where the rank is deficient."""
        k = self.rank
        return -self.right[:, :k] @ (self.projected[:k] / self.singular[:k])

    def within(self, radius: float) -> tuple[FloatArray, float]:
        """Return the step q of length at most `radius`, to a tenth of it, and its damping."""
        q = self.gauss_newton()
        if np.linalg.norm(q) <= 1.1 * radius:
            return q, 0.0
        # What lies below the rounding of J has no direction, only noise; it is left out of damped steps too.
        k = self.rank
        lam = _damping(self.singular[:k], self.projected[:k], radius)
        s, c = self.singular[:k], self.projected[:k]
        return -self.right[:, :k] @ (s * c / (s * s + lam)), lam


def _damping(s: FloatArray, c: FloatArray, radius: float) -> float:
    """Return lam where |q(lam)| = radius, given that |q(0)| is larger.

    Newton's method on 1/|q| - 1/radius, which is nearly linear in lam, inside a shrinking bracket.
    """
    # |q(lam)| <= |s c| / lam, so that the root lies below this.
    low, high = 0.0, float(np.linalg.norm(s * c)) / radius
    lam = 1e-3 * high
    for _ in range(30):
        q = s * c / (s * s + lam)
        length = float(np.linalg.norm(q))
        if abs(length - radius) <= 0.1 * radius:
            break
        low, high = (lam, high) if length > radius else (low, lam)
        slope = float(np.sum(q * q / (s * s + lam)))
        newton = lam + (length / radius - 1) * length * length / slope if slope > 0 else low
        lam = newton if low < newton < high else max(np.sqrt(low * high), 1e-3 * high)
    return float(lam)


def factor(J: FloatArray, r: FloatArray, scale: FloatArray, precision: float) -> Factors:
    """Decompose J / scale; singular values below `precision` times the largest count as zero."""
    p = J.shape[1]
    precision = min(precision, 1e-4)
    R: FloatArray = np.asarray(np.linalg.qr(np.column_stack([J / scale, r]), mode="r"))[:p]
    u, s, vt = np.linalg.svd(R[:, :p])
    rank = int(np.sum(s > precision * s[0])) if p and s[0] > 0 else 0
    return Factors(s, vt.T, u.T @ R[:, p], rank)
