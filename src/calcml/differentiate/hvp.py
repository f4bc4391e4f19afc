"""Hessian times vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._lines import Directions
from calcml._parameters import flatten
from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._along import along, flat_vector, per_variable
from calcml.differentiate._flat import FlatGradient
from calcml.differentiate._problem import (
    Estimate,
    Problem,
    coefficient,
    open_problem,
    to_values,
    warn_inaccurate,
)
from calcml.differentiate._second import hessian_tables
from calcml.schemes.registry import SchemeLike

__all__ = ["estimate_hvp", "hvp"]


def hvp(
    f: RealFunction,
    x: Any,
    v: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
    grad: RealFunction | None = None,
) -> Any:
    """Return the Hessian times a vector, without the Hessian.

    H v tells how the gradient changes along v.  With `grad` it is one line, H v = d/dt grad(x + t v); from f
    alone polarization along 2 n lines gives it: e_i·H v = [c_2(e_i + v) - c_2(e_i - v)] / 2 with
    c_2(w) = w·H w / 2.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
    v : array_like or structure
        Direction and length, in the structure of x.
    scheme : str or Scheme, optional
        How to differentiate: a name from `calcml.schemes` or a scheme with options.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.
    vectorized : bool, optional
        Whether f takes x of shape ``x.shape + (K,)`` and returns ``f(x).shape + (K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.
    grad : callable, optional
        The gradient ``grad(x, *args, **kwargs)``, in the structure of x; then f is not called.

    Returns
    -------
    ndarray or structure
        The product, of shape ``f(x).shape + x.shape``.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

    Warns
    -----
    AccuracyWarning
        If the scheme's own error estimate supports fewer than two digits.

    See Also
    --------
    estimate_hvp : The same with its error.
    hessian : The matrix itself.

    Examples
    --------
    >>> import calcml as cm
    >>> cm.hvp(lambda x: x[0] ** 2 * x[1], [3.0, 2.0], [1.0, 1.0]).round(6)
    array([10.,  6.])
    """
    options = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    return _curve(f, x, v, grad, error=False, **options).value


def estimate_hvp(
    f: RealFunction,
    x: Any,
    v: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
    grad: RealFunction | None = None,
) -> Estimate:
    """Return the Hessian times a vector with its error.

    The same as `hvp`, with the error split into truncation and noise.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
    v : array_like or structure
        Direction and length, in the structure of x.
    scheme : str or Scheme, optional
        How to differentiate: a name from `calcml.schemes` or a scheme with options.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.
    vectorized : bool, optional
        Whether f takes x of shape ``x.shape + (K,)`` and returns ``f(x).shape + (K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.
    grad : callable, optional
        The gradient ``grad(x, *args, **kwargs)``, in the structure of x; then f is not called.

    Returns
    -------
    Estimate
        ``value, error, truncation, noise, step, nfev, status, scheme``; the arrays have
        the shape ``f(x).shape + x.shape``.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

    See Also
    --------
    hvp : The value alone.

    Examples
    --------
    >>> import calcml as cm
    >>> grad = lambda x: 2 * x
    >>> cm.estimate_hvp(lambda x: x @ x, [3.0, 2.0], [1.0, 0.0], grad=grad).value.round(8)
    array([2., 0.])
    """
    options = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    return _curve(f, x, v, grad, error=True, **options)


def _curve(f: Any, x: Any, v: Any, grad: Any, *, error: bool, **options: Any) -> Estimate:
    _, structure = flatten(x)
    vector = flat_vector(v, structure, "v")
    if grad is None:
        return _polarize(f, x, vector, error, options)
    gradient = FlatGradient(grad, structure)
    estimate = along(gradient, x, v, "hvp", unit=False, error=error, stacklevel=5, options=options)
    laid = {
        name: structure.spread(np.asarray(getattr(estimate, name)), cast=name == "value")
        for name in ("value", "error", "truncation", "noise", "status")
    }
    return Estimate(**laid, step=estimate.step, nfev=estimate.nfev, scheme=estimate.scheme)


def _polarize(f: Any, x: Any, v: Any, error: bool, options: dict[str, Any]) -> Estimate:
    with open_problem(f, x, **options) as problem:
        if problem.bounds is None:
            parts, step = _along_sums(problem, v, error)
        else:
            # The vector may lead out of the bounds on either side; pairs of coordinates always find room.
            parts, step = _from_matrix(problem, v, error)
    if not error:
        warn_inaccurate(parts["status"], "hvp", stacklevel=5)
    function = problem.function
    return per_variable(
        problem,
        value=to_values(parts["value"], function),
        truncation=to_values(parts["truncation"], function, magnitude=True),
        noise=to_values(parts["noise"], function, magnitude=True),
        step=step,
        status=to_values(parts["status"], function),
        lead=function.shape or (),
    )


def _along_sums(problem: Problem, v: Any, error: bool) -> tuple[dict[str, Any], Any]:
    """Return e_i·H v = [c_2(e_i + v) - c_2(e_i - v)] / 2 for each i, shape (n, M)."""
    # e_i and v must be of comparable length for their mixed term to keep its digits.
    scale = np.maximum(np.abs(problem.x), 1.0).astype(float)
    # Half as long, so that e_i - v is never zero.
    length = 2 * np.max(np.abs(v) / scale, initial=0.0) or 1.0
    w = v / length
    plus, minus = (
        coefficient(
            problem.scheme,
            problem.lines(Directions.dense(np.diag(scale) + sign * w[None, :])),
            2,
            error=error,
        )
        for sign in (1.0, -1.0)
    )
    factor = (length / (2 * scale))[:, None]
    with np.errstate(all="ignore"):
        parts = {
            "value": (plus.value - minus.value) * factor,
            "truncation": (plus.truncation + minus.truncation) * factor,
            "noise": (plus.noise + minus.noise) * factor,
            "status": np.maximum(plus.status, minus.status),
        }
    return parts, plus.step


def _from_matrix(problem: Problem, v: Any, error: bool) -> tuple[dict[str, Any], Any]:
    """Return H v from the Hessian itself, shape (n, M)."""
    tables = hessian_tables(
        problem.function,
        problem.x,
        problem.bounds,
        problem.scheme,
        gradient=False,
        error=error,
        weighed=error,
    )
    with np.errstate(all="ignore"):
        parts = {
            name: np.einsum("ijm,j->im", getattr(tables, name), v if name == "value" else np.abs(v))
            for name in ("value", "truncation", "noise")
        }
    return {**parts, "status": tables.status.max(axis=1)}, tables.step
