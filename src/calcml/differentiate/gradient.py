"""The gradient of a function of many variables."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._first import first_derivatives, first_values
from calcml.differentiate._problem import Estimate, only_f
from calcml.schemes._batch import first_in_batch
from calcml.schemes._quick import UnusualError
from calcml.schemes.registry import SchemeLike, as_scheme

__all__ = ["estimate_gradient", "gradient", "value_and_gradient"]


def gradient(
    f: RealFunction,
    x: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> Any:
    """Return the gradient, the vector of partial derivatives.

    For a scalar f the i-th entry is df/dx_i; it points uphill, and its length is the steepest slope.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
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
        The gradient, of shape ``f(x).shape + x.shape`` with nothing squeezed, for a scalar f the shape of x;
        for structured x, a structure of such arrays.

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
    estimate_gradient : The same with its error.
    jacobian : The same rule, for functions that return arrays.

    Notes
    -----
    NumPy's warnings from inside f are held off, since most points are the choice of the scheme.  A plain
    gradient by forward, backward or central differences at a vector without zeros calls f with them as they
    are, which takes less time: there no step crosses zero, where many a domain ends.

    Examples
    --------
    >>> import calcml as cm
    >>> cm.gradient(lambda x: x[0] ** 2 * x[1], [3.0, 2.0])
    array([12.,  9.])
    >>> cm.gradient(lambda p: p["a"] * p["b"], {"a": 2.0, "b": 5.0})
    {'a': array(5.), 'b': array(2.)}
    """
    known: list[Any] = []
    if only_f(f, args, kwargs, bounds, workers):
        value, own = None, as_scheme(scheme)
        if vectorized:
            value = first_in_batch(own.many(1), f, x)
        elif (few := own.few) is not None:
            value, known = few.gradient(f, x)
        if value is not None:
            return value
    return first_values(
        f,
        x,
        "gradient",
        known=known,
        scheme=scheme,
        args=args,
        kwargs=kwargs,
        bounds=bounds,
        vectorized=vectorized,
        workers=workers,
    )


def estimate_gradient(
    f: RealFunction,
    x: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> Estimate:
    """Return the gradient with its error.

    The same as `gradient`, with the error split into truncation (what the formula leaves out) and noise
    (what rounding and noise of f put in).

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
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
        ``value, error, truncation, noise, step, nfev, status, scheme``; the arrays have the gradient's shape.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

    See Also
    --------
    gradient : The value alone.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> estimate = cm.estimate_gradient(lambda x: np.sum(np.exp(x)), [0.0, 1.0])
    >>> bool(np.all(np.abs(estimate.value - np.exp([0, 1])) <= estimate.error))
    True
    """
    return first_derivatives(
        f,
        x,
        scheme=scheme,
        args=args,
        kwargs=kwargs,
        bounds=bounds,
        vectorized=vectorized,
        workers=workers,
    )


def value_and_gradient(
    f: RealFunction,
    x: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> tuple[Any, Any]:
    """Return f(x) and its gradient.

    One call for both: schemes that need f(x) anyway share its evaluation.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
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
    value : scalar or ndarray
        The value f(x).
    gradient : ndarray or structure
        The gradient, of shape ``f(x).shape + x.shape``.

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
    gradient : The gradient alone.

    Examples
    --------
    >>> import calcml as cm
    >>> value, slope = cm.value_and_gradient(lambda x: x @ x, [1.0, 2.0])
    >>> float(value), slope
    (5.0, array([2., 4.]))
    """
    keep: list[Any] = []
    known: list[Any] = []
    few = as_scheme(scheme).few
    if few is not None and not vectorized and only_f(f, args, kwargs, bounds, workers):
        slope, known = few.gradient(f, x)
        with suppress(UnusualError):
            if slope is not None:
                return few.value(f, x, known), slope
    slope = first_values(
        f,
        x,
        "gradient",
        known=known,
        values=keep,
        scheme=scheme,
        args=args,
        kwargs=kwargs,
        bounds=bounds,
        vectorized=vectorized,
        workers=workers,
    )
    return keep[0], slope
