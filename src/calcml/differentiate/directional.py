"""Derivatives along one direction: Jacobian times vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._function import Function
from calcml._lines import Directions
from calcml._parameters import Structure, flatten
from calcml._typing import (
    Bounds,
    FloatArray,
    KeywordArguments,
    PositionalArguments,
    RealFunction,
    Workers,
)
from calcml.differentiate._problem import (
    Estimate,
    Problem,
    coefficient,
    open_problem,
    to_values,
    warn_inaccurate,
)
from calcml.schemes.base import Coefficient
from calcml.schemes.registry import SchemeLike

__all__ = [
    "along",
    "directional_derivative",
    "estimate_directional_derivative",
    "estimate_jvp",
    "flat_vector",
    "jvp",
]


def jvp(
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
) -> Any:
    """Return the Jacobian times a vector, without the Jacobian.

    J v = d/dt f(x + t v) at t = 0: one line, however many variables there are.


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

    Returns
    -------
    scalar or ndarray
        The product, of shape ``f(x).shape``.

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
    estimate_jvp : The same with its error.
    vjp : A vector times the Jacobian.

    Examples
    --------
    >>> import calcml as cm
    >>> cm.jvp(lambda x: x**2, [1.0, 2.0], [1.0, 1.0]).round(8)
    array([2., 4.])
    """
    options = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    return along(f, x, v, "jvp", unit=False, error=False, **options).value


def estimate_jvp(
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
) -> Estimate:
    """Return the Jacobian times a vector with its error.

    The same as `jvp`, with the error split into truncation and noise.


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

    Returns
    -------
    Estimate
        ``value, error, truncation, noise, step, nfev, status, scheme``; the arrays have
        the shape of f(x), the step is one number in units of t.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

    See Also
    --------
    jvp : The value alone.

    Examples
    --------
    >>> import calcml as cm
    >>> bool(cm.estimate_jvp(lambda x: x**2, [1.0, 2.0], [1.0, 1.0]).error.max() < 1e-10)
    True
    """
    options = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    return along(f, x, v, "jvp", unit=False, error=True, **options)


def directional_derivative(
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
) -> Any:
    """Return the slope of f in the direction of v.

    D_v f = grad f · v / |v|: the vector is normalized, so the result is a slope per unit length.


    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
    v : array_like or structure
        Direction, in the structure of x; its length does not matter, but must not be 0.
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
    scalar or ndarray
        The slope, of shape ``f(x).shape``.

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
    estimate_directional_derivative : The same with its error.
    jvp : The same without normalizing.

    Examples
    --------
    >>> import calcml as cm
    >>> round(float(cm.directional_derivative(lambda x: x[0] + x[1], [1.0, 2.0], [3.0, 4.0])), 8)
    1.4
    """
    options = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    return along(f, x, v, "directional_derivative", unit=True, error=False, **options).value


def estimate_directional_derivative(
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
) -> Estimate:
    """Return the slope of f in the direction of v with its error.

    The same as `directional_derivative`, with the error split into truncation and noise.


    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
    v : array_like or structure
        Direction, in the structure of x; its length does not matter, but must not be 0.
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
        ``value, error, truncation, noise, step, nfev, status, scheme``; the arrays have
        the shape of f(x), the step is a length in x.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

    See Also
    --------
    directional_derivative : The value alone.

    Examples
    --------
    >>> import calcml as cm
    >>> slope = cm.estimate_directional_derivative(lambda x: x[0] + x[1], [1.0, 2.0], [3.0, 4.0])
    >>> bool(abs(slope.value - 1.4) <= slope.error)
    True
    """
    options = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    return along(f, x, v, "directional_derivative", unit=True, error=True, **options)


def along(f: Any, x: Any, v: Any, name: str, *, unit: bool, error: bool, **options: Any) -> Estimate:
    """Return the first derivative along v, or along v / |v|."""
    _, structure = flatten(x)
    vector = flat_vector(v, structure, "v")
    if unit:
        vector = _normalized(vector)
    with open_problem(f, x, **options) as problem:
        if not vector.any():
            return _zero(problem)
        c = coefficient(problem.scheme, problem.lines(Directions.dense(vector[None, :])), 1, error=error)
    if not error:
        warn_inaccurate(c.status[0], name)
    return row_estimate(problem, c)


def flat_vector(v: Any, structure: Structure, name: str) -> FloatArray:
    """Return v as a flat vector; it must be finite and have the structure of x."""
    flat, own = flatten(v, name)
    wanted = tuple(leaf.shape for leaf in structure.leaves)
    found = tuple(leaf.shape for leaf in own.leaves)
    if found != wanted or own.plain != structure.plain:
        raise ValueError(f"`{name}` must have the shape of x, {_shapes(wanted)}, got {_shapes(found)}")
    for i in np.flatnonzero(~np.isfinite(flat))[:1]:
        raise ValueError(f"`{name}` must be finite, got {flat[i]} at index {i}")
    return flat


def _shapes(shapes: tuple[tuple[int, ...], ...]) -> str:
    return str(shapes[0]) if len(shapes) == 1 else ", ".join(map(str, shapes))


def _normalized(v: FloatArray) -> FloatArray:
    # Scaled by the largest entry first, so that squares neither overflow nor vanish.
    largest = np.max(np.abs(v), initial=0.0)
    if largest == 0:
        raise ValueError("`v` is zero and has no direction; give a vector of any other length")
    w = v / largest
    return w / np.sqrt(w @ w)


def _zero(problem: Problem) -> Estimate:
    # Nothing moves along a zero vector: the product is exactly 0, of the shape of f(x).
    value = np.zeros_like(problem.function.evaluate(problem.x[None, :]), dtype=float)
    zero = value.reshape(problem.function.shape)[()]
    return Estimate(zero, zero, zero, zero, 0.0, problem.function.nfev, zero.astype(np.int8), problem.scheme)


def row_estimate(problem: Problem, c: Coefficient) -> Estimate:
    """Give the single row of a table the shape of f(x)."""
    function: Function = problem.function

    def shaped(row: Any, *, magnitude: bool = True) -> Any:
        return to_values(row, function, magnitude=magnitude)[0].reshape(function.shape)[()]

    value = shaped(c.value, magnitude=False)
    if value.dtype.kind == "f":
        value = value.astype(problem.x.dtype)
    return Estimate(
        value=value,
        error=shaped(c.truncation + c.noise),
        truncation=shaped(c.truncation),
        noise=shaped(c.noise),
        step=c.step[0],
        nfev=function.nfev,
        status=shaped(c.status),
        scheme=problem.scheme,
    )
