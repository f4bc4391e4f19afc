"""Errors of a robust fit, from the scatter of the points themselves.

At the minimum of Σ rho(r²) the parameters move with the data as H⁻¹ Jᵀ psi, psi = rho' r, H = Jᵀ w J with
w = rho' + 2 rho'' r².  Their covariance is

    H⁻¹ (Jᵀ psi² J) H⁻¹ n / (n - p),

which asks neither that sigma be right nor that the outliers be normal (Huber 1967).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calcml._typing import FloatArray
from calcml.fitting._loss import Loss
from calcml.fitting._statistics import Spread

__all__ = ["sandwich"]


def sandwich(spread: Spread, J: FloatArray, r: FloatArray, loss: Loss) -> Spread:
    """Return the spread of a robust fit; NaN where the loss bends downwards, so that H says nothing."""
    z = r * r
    first = loss.first(z)
    w = first + 2 * loss.second(z) * z
    # J root has orthonormal columns: H and the middle are taken in that well-conditioned basis.
    Q = J @ spread.root
    n, k = Q.shape
    H = Q.T @ (w[:, None] * Q)
    if not k or n == k or np.linalg.eigvalsh(H)[0] <= 0:
        return replace(spread, root=spread.root * np.nan)
    middle = np.asarray(np.linalg.qr((first * r)[:, None] * Q, mode="r")).T
    return replace(spread, root=spread.root @ np.linalg.solve(H, middle) * np.sqrt(n / (n - k)))
