"""What a Hessian with errors says: curvatures that change neither with the units of x nor with those of f."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcml._typing import FloatArray

__all__ = ["Curvature", "curvature"]


@dataclass(frozen=True, eq=False)
class Curvature:
    """The eigenvalues of D H D, where D makes the diagonal plus or minus one.

    By Sylvester's law of inertia D H D has as many negative eigenvalues as H, and unlike those of H they
    can be told from rounding when the variables have very different units.

    Attributes
    ----------
    values, errors : ndarray, shape (n,)
        Ascending eigenvalues of D H D with bounds on their errors.
    vectors : ndarray, shape (n, n)
        Its eigenvectors as columns.
    scale : ndarray, shape (n,)
        The diagonal of D, a length for each variable.
    """

    values: FloatArray
    errors: FloatArray
    vectors: FloatArray
    scale: FloatArray

    @property
    def negative(self) -> bool:
        """Whether an eigenvalue is certainly negative."""
        return bool(self.values.size and self.values[0] < -self.errors[0])

    @property
    def doubtful(self) -> bool:
        """Whether an eigenvalue cannot be told from zero."""
        return bool((np.abs(self.values) <= self.errors).any())

    @property
    def downward(self) -> FloatArray:
        """The direction of the most negative curvature, in the units of x."""
        return self.scale * self.vectors[:, 0]

    def newton_step(self, grad: FloatArray, *, certain: bool = False) -> FloatArray:
        """Return -|H|⁻¹ g: a Newton step that goes down along negative curvature as well.

        Eigenvalues enter with their absolute values, and not below their errors: of a curvature that is
        unknown only the bound can be used.  With `certain`, nothing goes along unknown curvatures.
        """
        size = np.maximum(np.abs(self.values), self.errors)
        # Where f is flat altogether any length is as good as another: one unit of D.
        size = np.where(size > 0, size, 1.0)
        share = (self.vectors.T @ (self.scale * grad)) / size
        if certain:
            share = np.where(np.abs(self.values) > self.errors, share, 0.0)
        return -self.scale * (self.vectors @ share)


def curvature(H: FloatArray, E: FloatArray) -> Curvature | None:
    """Diagonalize a Hessian H known to within E; None if it is not finite."""
    if not np.isfinite(H).all():
        return None
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        size = np.abs(np.diagonal(H))
        # A zero on the diagonal, as in f = x y, takes its length from the rest of its row.
        size = np.where(size > np.diagonal(E), size, np.max(np.abs(H), axis=1, initial=0.0))
        scale = np.where(size > 0, 1 / np.sqrt(size), 1.0)
        scaled = scale[:, None] * H * scale
        doubt = scale[:, None] * E * scale
    if not np.isfinite(scaled).all():
        return None
    values, vectors = np.linalg.eigh(scaled)
    # First-order perturbation theory: |v E v| bounds the shift of a simple eigenvalue; eigh itself is good to
    # a few roundings of the largest one.
    weights = np.abs(vectors)
    with np.errstate(invalid="ignore"):
        shift = np.einsum("ik,ij,jk->k", weights, np.where(np.isfinite(doubt), doubt, np.inf), weights)
    rounding = 4 * len(values) * np.finfo(float).eps * np.max(np.abs(values), initial=0.0)
    return Curvature(values, np.where(np.isnan(shift), np.inf, shift) + rounding, vectors, scale)
