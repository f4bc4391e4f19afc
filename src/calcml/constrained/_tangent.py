"""Directions that keep the constraints and directions that change them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcml._typing import FloatArray

__all__ = ["Tangent", "decompose"]

# Constraint gradients whose smallest singular value is this part of the largest count as dependent.
RANK = 1e-10


@dataclass(frozen=True, eq=False)
class Tangent:
    """The singular value decomposition of the constraint Jacobian, split at its rank r.

    With the rows of J divided by their lengths d, D⁻¹ J = U S Yᵀ.  The columns of Y span the directions that
    change the constraints, those of Z the tangent plane, J Z = 0; those of N are the combinations of
    constraint gradients that vanish, Nᵀ D⁻¹ J = 0.

    Attributes
    ----------
    rows : ndarray, shape (m,)
        The lengths d.
    U : ndarray, shape (m, r)
    s : ndarray, shape (r,)
    Y : ndarray, shape (n, r)
    Z : ndarray, shape (n, n - r)
    N : ndarray, shape (m, m - r)
    """

    rows: FloatArray
    U: FloatArray
    s: FloatArray
    Y: FloatArray
    Z: FloatArray
    N: FloatArray

    def dependent(self) -> tuple[int, ...]:
        """Return the constraints that take part in a vanishing combination of gradients."""
        # In an exact zero combination the others have weights of rounding size.
        return tuple(int(i) for i in np.flatnonzero(np.linalg.norm(self.N, axis=1) > 1e-6))

    def to_constraints(self, c: FloatArray) -> FloatArray:
        """Return the shortest step p with J p = -c, or as nearly so as the rank allows."""
        return -self.Y @ ((self.U.T @ (c / self.rows)) / self.s)

    def multipliers(self, g: FloatArray) -> FloatArray:
        """Return lam that makes g + Jᵀ lam least; the shortest such vector where it is not unique."""
        lam = -(self.U @ ((self.Y.T @ g) / self.s)) / self.rows
        if self.N.shape[1]:
            # Shortest in the units of the user's constraints, not of the rows of unit length.
            null = self.N / self.rows[:, None]
            lam = lam - null @ np.linalg.lstsq(null, lam, rcond=None)[0]
        return lam


def decompose(J: FloatArray, error: FloatArray) -> Tangent:
    """Split space by the constraint Jacobian, known within `error`.

    Rows are brought to unit length first, so that the units of a constraint do not decide on the rank.
    """
    m, n = J.shape
    noise = np.linalg.norm(error, axis=1)
    # A gradient that is hardly more than its error must not be blown up to unit length.
    rows = np.maximum(np.linalg.norm(J, axis=1), 1e6 * noise)
    rows[rows == 0] = 1.0
    U, s, Yt = np.linalg.svd(J / rows[:, None])
    smallest = max(RANK, 10 * float(np.linalg.norm(noise / rows)))
    rank = int(np.sum(s > smallest * s.max(initial=0.0))) if min(m, n) else 0
    return Tangent(rows, U[:, :rank], s[:rank], Yt[:rank].T, Yt[rank:].T, U[:, rank:])
