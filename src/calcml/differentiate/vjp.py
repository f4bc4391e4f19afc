"""Vector times Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._lines import axes
from calcml._parameters import real_array
from calcml._status import Status
from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._along import per_variable
from calcml.differentiate._problem import (
    Estimate,
    coefficient,
    open_problem,
    to_values,
    warn_inaccurate,
)
from calcml.schemes.registry import SchemeLike

__all__ = ["estimate_vjp", "vjp"]


def vjp(
    f: RealFunction,
    x: Any,
    u: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> Any:
    """Return a vector times the Jacobian.

    uᵀ J, the gradient of u · f(x): how a weighted sum of all outputs reacts to each variable.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
    u : array_like or structure
        Weights of the outputs, of shape ``f(x).shape``.
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

    Returns
    -------
    ndarray or structure
        The product, of the shape of x.

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
    estimate_vjp : The same with its error.
    jvp : The Jacobian times a vector.

    Examples
    --------
    >>> import calcml as cm
    >>> cm.vjp(lambda x: x**2, [1.0, 2.0], [1.0, 1.0]).round(8)
    array([2., 4.])
    """
    options = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    return _contract(f, x, u, error=False, **options).value


def estimate_vjp(
    f: RealFunction,
    x: Any,
    u: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> Estimate:
    """Return a vector times the Jacobian with its error.

    The same as `vjp`, with the error split into truncation and noise.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
    u : array_like or structure
        Weights of the outputs, of shape ``f(x).shape``.
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

    Returns
    -------
    Estimate
        ``value, error, truncation, noise, step, nfev, status, scheme``; the arrays have the shape of x.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

    See Also
    --------
    vjp : The value alone.

    Examples
    --------
    >>> import calcml as cm
    >>> bool(cm.estimate_vjp(lambda x: x**2, [1.0, 2.0], [1.0, 1.0]).error.max() < 1e-10)
    True
    """
    options = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    return _contract(f, x, u, error=True, **options)


def _contract(f: Any, x: Any, u: Any, *, error: bool, **options: Any) -> Estimate:
    weights = real_array(u, "u")
    with open_problem(f, x, **options) as problem:
        c = coefficient(problem.scheme, problem.lines(axes(problem.x.size)), 1, error=error)
    if weights.shape != problem.function.shape:
        raise ValueError(f"`u` must have the shape of f(x), {problem.function.shape}, got {weights.shape}")
    w = weights.ravel()
    if not error:
        warn_inaccurate(np.where(c.status == Status.INACCURATE, c.status, 0).max(axis=1, initial=0), "vjp")
    # Errors of different outputs need not be independent, so their sizes add.
    return per_variable(
        problem,
        value=to_values(c.value, problem.function) @ w,
        truncation=to_values(c.truncation, problem.function, magnitude=True) @ np.abs(w),
        noise=to_values(c.noise, problem.function, magnitude=True) @ np.abs(w),
        step=c.step,
        status=c.status.max(axis=1, initial=0),
    )
