"""When a fit has converged.

Three things must hold at once, each with an accurate Jacobian: the step that is left is small, the residuals
are orthogonal to the tangent plane, and the last step gained little.  A small step alone would be false
convergence where Gauss-Newton converges slowly: steps that shrink by the factor rho leave 1/(1 - rho) times
the next one to go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from calcml._status import Status
from calcml._typing import FloatArray
from calcml.fitting._region import Factors

if TYPE_CHECKING:
    from calcml.fitting._levenberg import FitState

__all__ = ["chi2_rounding", "last_word", "verdict"]

EPS = float(np.finfo(float).eps)

# Sine of the largest angle between residuals and their part in the tangent plane; its square is the relative
# reduction of chi2 that a Gauss-Newton step foretells.
ORTHOGONAL = 1e-6

# Relative gain of the last step.
GAIN = 1e-6


def chi2_rounding(state: FitState, r: FloatArray) -> float:
    """Return the change of chi2 that rounding of the model's values can make: 2 Σ r_i eps f_i."""
    return 2 * EPS * state.size * float(np.linalg.norm(r))


def verdict(
    state: FitState, r: FloatArray, full: Factors, free: NDArray[np.bool_], tolerance: float
) -> Status:
    """Return the status of a point, given the decomposition of its Jacobian."""
    tangent, length = float(np.linalg.norm(full.projected[: full.rank])), float(np.linalg.norm(r))
    orthogonal = tangent <= ORTHOGONAL * length
    if length <= EPS * state.size or tangent <= 4 * EPS * state.size:
        # What is left is the rounding of the model's own values.
        return Status.CONVERGED if orthogonal else Status.CONVERGED_TO_PRECISION
    step = full.gauss_newton()
    rate = float(np.linalg.norm(step)) / state.newton if state.newton > 0 else 0.0
    left = np.abs(step) / state.scale[free] / (1 - min(rate, 0.99))
    sd = _deviations(full, length, r.size) / state.scale[free]
    near = np.all(left <= tolerance * np.maximum(np.abs(state.x[free]), sd))
    if near and orthogonal and state.change <= GAIN:
        return Status.CONVERGED
    # Steps that no longer shrink, where chi2 cannot tell them apart, are noise; so is a slope below the
    # error of an accurate Jacobian.
    noise = rate >= 1 and orthogonal and tangent**2 <= chi2_rounding(state, r)
    if noise or (state.accurate and tangent <= 2 * state.precision * length):
        return Status.CONVERGED_TO_PRECISION
    return Status.RUNNING


def _deviations(full: Factors, length: float, n: int) -> FloatArray:
    """Return the standard deviations of the scaled parameters, by the scatter of the residuals."""
    k = full.rank
    root = np.linalg.norm(full.right[:, :k] / full.singular[:k], axis=1)
    return np.asarray(root * length / np.sqrt(max(n - k, 1)))


def last_word(r: FloatArray, full: Factors) -> Status:
    """Return the status of a point from which no step leads on.

    Where a Gauss-Newton step is a hundredth of the errors, the model's own noise is to blame, and the answer
    is as good as the data; else the derivatives do not belong to the model.
    """
    tangent, length = float(np.linalg.norm(full.projected[: full.rank])), float(np.linalg.norm(r))
    near = tangent <= 1e-2 * length / np.sqrt(max(r.size - full.rank, 1))
    return Status.CONVERGED_TO_PRECISION if near else Status.LINE_SEARCH_FAILED
