"""From the last state of an iterative fit to its solution: what was determined, and how well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcml._loop import Run
from calcml._status import Status
from calcml._typing import FloatArray
from calcml.fitting._assemble import Solution
from calcml.fitting._identify import describe_null
from calcml.fitting._levenberg import FitState, blocked, units
from calcml.fitting._loss import Loss
from calcml.fitting._model import Curve
from calcml.fitting._residuals import Residuals
from calcml.fitting._sandwich import sandwich
from calcml.fitting._statistics import Spread, spread_of

__all__ = ["solution"]


def solution(end: Run[FitState], residuals: Residuals, loss: Loss) -> Solution:
    """Return the solution with the spread of the parameters that are neither fixed nor at a bound."""
    state, data, curve = end.last, residuals.data, residuals.curve
    parameters = curve.parameters
    failed = end.status is Status.NON_FINITE_START
    values = parameters.expand(state.x)
    jacobian, at_bound = np.zeros((data.y.size, values.size)), np.zeros(values.size, dtype=bool)
    precision = 0.0
    if not failed:
        jacobian[:, parameters.free], at_bound[parameters.free], precision = _final(state, residuals, loss)
    estimated = parameters.free & ~at_bound
    spread = _spread(jacobian[:, estimated], precision, state.r, loss, failed=failed)
    return Solution(
        names=parameters.names,
        values=values,
        model=curve.model,
        fixed=~parameters.free,
        blocked=at_bound,
        spread=spread,
        y=data.y,
        fitted=state.f,
        whitened=-state.r,
        jacobian=jacobian,
        chi2=state.chi2,
        absolute=data.absolute and loss.linear,
        detail=_detail(state.f) if failed else "",
        null=_null(curve, values, estimated, spread),
        loss=loss.name,
        status=end.status,
        nit=end.nit,
        nfev=curve.nfev,
        njev=curve.njev,
        trace=end.trace,
    )


def _final(state: FitState, residuals: Residuals, loss: Loss) -> tuple[FloatArray, NDArray[np.bool_], float]:
    """Return the Jacobian for the covariance, which parameters sit at a bound, and its relative error."""
    unit = units(state.x, state.J, state.size)
    J, precision = state.J, state.precision
    if not state.accurate:
        J, precision = residuals.jacobian(state.x, unit, accurate=True)
    equivalent = loss.scale(state.r, J)
    held = blocked(state.x, equivalent[1].T @ equivalent[0], residuals)
    return residuals.information(state.x, J, unit), held, precision


def _spread(A: FloatArray, precision: float, r: FloatArray, loss: Loss, *, failed: bool) -> Spread:
    if failed:
        p = A.shape[1]
        return Spread(np.full((p, 1), np.nan), np.empty((p, 0)), np.ones(p))
    # Ten times its own error is what a Jacobian can be trusted to, and never less than rounding.
    spread = spread_of(A, max(10 * precision, max(A.shape) * float(np.finfo(float).eps)))
    return spread if loss.linear else sandwich(spread, A, r, loss)


def _null(curve: Curve, values: FloatArray, estimated: NDArray[np.bool_], spread: Spread) -> str:
    """Return what the data leave undetermined; the model is called to see what combination it is."""
    parameters = curve.parameters
    names = tuple(name for name, one in zip(parameters.names, estimated, strict=True) if one)

    def probe(some: FloatArray) -> FloatArray | None:
        full = values.copy()
        full[estimated] = some
        if np.any((full < parameters.lower) | (full > parameters.upper)):
            return None
        with np.errstate(all="ignore"):
            return curve.values(full[parameters.free])

    return describe_null(names, values[estimated], spread, probe, linear=False)


def _detail(f: FloatArray) -> str:
    for i in np.flatnonzero(~np.isfinite(f))[:1]:
        return f"The model gives {f[i]} at index {i}."
    return "The model is finite there, but not its derivatives."
