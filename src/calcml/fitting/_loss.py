"""What a residual costs: its square, or less than that for outliers.

A loss rho(z) of z = r² replaces chi2 = Σ r² by Σ rho(r²).  Half its gradient is Jᵀ (rho' r), half its
Hessian, without second derivatives of the model, Jᵀ (rho' + 2 rho'' z) J.  Both are those of ordinary least
squares with

    J~ = J sqrt(w),   r~ = r rho' / sqrt(w),   w = max(rho' + 2 rho'' z, rho' / 10),

so that one solver serves all.  The floor keeps w positive where the loss bends downwards; the gradient, and
with it the answer, does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calcml._typing import FloatArray

__all__ = ["LINEAR", "Loss", "as_loss"]


@dataclass(frozen=True)
class Loss:
    """A loss rho of the squared residual z, with its first two derivatives."""

    name: str
    rho: Callable[[FloatArray], FloatArray]
    first: Callable[[FloatArray], FloatArray]
    second: Callable[[FloatArray], FloatArray]

    @property
    def linear(self) -> bool:
        """Whether this is ordinary least squares."""
        return self.name == "linear"

    def total(self, r: FloatArray) -> float:
        """Return Σ rho(r²); infinite where the model is not finite."""
        if not np.isfinite(r).all():
            return np.inf
        with np.errstate(over="ignore"):
            return float(r @ r) if self.linear else float(np.sum(self.rho(r * r)))

    def fall(self, old: FloatArray, new: FloatArray) -> float:
        """Return by how much the total falls from old to new residuals."""
        if not np.isfinite(new).all():
            return -np.inf
        with np.errstate(over="ignore"):
            if self.linear:
                # (a - b)(a + b) keeps the digits that a² - b² loses near the minimum.
                return float((old - new) @ (old + new))
            return float(np.sum(self.rho(old * old) - self.rho(new * new)))

    def scale(self, r: FloatArray, J: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals and Jacobian of the equivalent ordinary least squares."""
        if self.linear:
            return r, J
        z = r * r
        first = self.first(z)
        w = np.sqrt(np.maximum(first + 2 * self.second(z) * z, first / 10))
        return r * first / w, J * w[:, None]


LINEAR = Loss("linear", lambda z: z, np.ones_like, np.zeros_like)

_LOSSES = (
    LINEAR,
    Loss(
        "soft_l1",
        lambda z: 2 * (np.sqrt(1 + z) - 1),
        lambda z: 1 / np.sqrt(1 + z),
        lambda z: -0.5 * (1 + z) ** -1.5,
    ),
    Loss(
        "huber",
        lambda z: np.where(z <= 1, z, 2 * np.sqrt(np.maximum(z, 1)) - 1),
        lambda z: 1 / np.sqrt(np.maximum(z, 1)),
        lambda z: np.where(z <= 1, 0.0, -0.5 * np.maximum(z, 1) ** -1.5),
    ),
    Loss("cauchy", np.log1p, lambda z: 1 / (1 + z), lambda z: -1 / (1 + z) ** 2),
    Loss("arctan", np.arctan, lambda z: 1 / (1 + z * z), lambda z: -2 * z / (1 + z * z) ** 2),
)


def as_loss(name: object) -> Loss:
    """Return the loss of that name."""
    for loss in _LOSSES:
        if loss.name == name:
            return loss
    raise ValueError(f"`loss` must be one of {', '.join(loss.name for loss in _LOSSES)}, got {name!r}")
