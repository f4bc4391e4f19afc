"""From a solution to the result: errors scaled and placed among all parameters, and what went wrong said."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._loop import Trace
from calcml._status import Status
from calcml._typing import FloatArray
from calcml.errors import ConvergenceWarning
from calcml.fitting._statistics import Spread, scatter, to_covariance, to_errors
from calcml.fitting.result import FitResult

__all__ = ["Solution", "make_result"]


@dataclass(frozen=True, eq=False)
class Solution:
    """A finished fit, linear or not, before its errors are scaled.

    Attributes
    ----------
    names, values, model
        All p parameters and ``model(x, *values)``.
    fixed, blocked : ndarray of bool, shape (p,)
        Which were held, and which sit at a bound; the others were estimated.
    spread : Spread
        Spread of the estimated parameters for data as precise as sigma says.
    y, fitted : ndarray, shape (n,)
        Data and model.
    whitened : ndarray, shape (n,)
        Residuals divided by sigma, data minus model.
    jacobian : ndarray, shape (n, p)
        Derivatives of the model divided by sigma.
    chi2 : float
        What was minimized.
    absolute : bool
        Whether sigma is taken as it is.
    detail, null : str
        What to add to the sentence of the status, and what the data leave undetermined.
    """

    names: tuple[str, ...]
    values: FloatArray
    model: Callable[..., Any]
    fixed: NDArray[np.bool_]
    blocked: NDArray[np.bool_]
    spread: Spread
    y: FloatArray
    fitted: FloatArray
    whitened: FloatArray
    jacobian: FloatArray
    chi2: float
    absolute: bool
    detail: str = ""
    null: str = ""
    loss: str = "linear"
    status: Status = Status.CONVERGED
    nit: int = 0
    nfev: int = 0
    njev: int = 0
    trace: Trace | None = None


def make_result(s: Solution, stacklevel: int = 3) -> FitResult:
    """Return the result and warn where it is no success; `stacklevel` leads to the caller of the fit."""
    estimated = ~(s.fixed | s.blocked)
    ndof = s.y.size - int(estimated.sum())
    scale = _scale(s, ndof)
    undetermined = np.zeros(len(s.names), dtype=bool)
    undetermined[estimated] = s.spread.undetermined
    errors = np.zeros(len(s.names))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        # Variances can be out of range where standard deviations are not.
        covariance = _placed(to_covariance(s.spread) * scale * scale, s, estimated)
        errors[estimated], errors[s.blocked] = to_errors(s.spread) * scale, np.nan
    # What is not determined stays so for points without scatter, whose scale is zero.
    errors[undetermined] = covariance[undetermined, undetermined] = np.inf
    status = _status(s, bool(undetermined.any()))
    result = FitResult(
        names=s.names,
        values=s.values,
        errors=errors,
        covariance=covariance,
        chi2=s.chi2,
        ndof=ndof,
        absolute=s.absolute,
        residuals=s.y - s.fitted,
        pulls=s.whitened / scale if scale > 0 else s.whitened * 0.0,
        fitted=s.fitted,
        jacobian=s.jacobian,
        rank=s.spread.rank,
        status=status,
        message=_message(s, status),
        nit=s.nit,
        nfev=s.nfev,
        njev=s.njev,
        fixed=_named(s.names, s.fixed),
        at_bound=_named(s.names, s.blocked),
        undetermined=_named(s.names, undetermined),
        loss=s.loss,
        trace=s.trace,
        model=s.model,
    )
    if not result.success:
        warnings.warn(result.message, ConvergenceWarning, stacklevel=stacklevel)
    return result


def _scale(s: Solution, ndof: int) -> float:
    """Return the standard deviation of the data in units of sigma: sqrt(chi2 / ndof) unless it is absolute.

    The sandwich covariance of a robust loss already holds the scatter.
    """
    if s.absolute or s.loss != "linear":
        return 1.0
    return scatter(s.whitened, ndof)


def _placed(covariance: FloatArray, s: Solution, estimated: NDArray[np.bool_]) -> FloatArray:
    """Return the covariance of all parameters: 0 for fixed ones, NaN for those at a bound."""
    full = np.zeros((len(s.names), len(s.names)))
    full[np.ix_(estimated, estimated)] = covariance
    full[s.blocked, :] = full[:, s.blocked] = np.nan
    return full


def _status(s: Solution, undetermined: bool) -> Status:
    if undetermined and s.status.ok:
        return Status.RANK_DEFICIENT
    return Status.AT_BOUND if s.status.ok and s.blocked.any() else s.status


def _message(s: Solution, status: Status) -> str:
    if status is Status.RANK_DEFICIENT:
        return s.null
    if status is Status.AT_BOUND:
        return f"{status} At a bound: {', '.join(_named(s.names, s.blocked))}."
    return f"{status} {s.detail}".rstrip()


def _named(names: tuple[str, ...], chosen: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(name for name, one in zip(names, chosen, strict=True) if one)
