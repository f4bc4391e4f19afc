"""The Jacobian of a function of many variables."""

from __future__ import annotations

from typing import Any

from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._first import first_derivatives, first_values
from calcml.differentiate._problem import Estimate
from calcml.schemes.registry import SchemeLike

__all__ = ["estimate_jacobian", "jacobian"]


def jacobian(
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
    """Return the Jacobian, all partial derivatives of all outputs.

    J[i, j] = df_i/dx_j, the matrix of the linear map that approximates f near x.

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
        The Jacobian, of shape ``f(x).shape + x.shape`` with nothing squeezed; for structured x, a
        structure of such arrays.

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
    estimate_jacobian : The same with its error.
    gradient : The same rule, for scalar functions.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> polar = lambda p: np.array([p[0] * np.cos(p[1]), p[0] * np.sin(p[1])])
    >>> np.round(cm.jacobian(polar, [2.0, 0.0]), 10) + 0.0
    array([[1., 0.],
           [0., 2.]])
    """
    return first_values(
        f,
        x,
        "jacobian",
        scheme=scheme,
        args=args,
        kwargs=kwargs,
        bounds=bounds,
        vectorized=vectorized,
        workers=workers,
    )


def estimate_jacobian(
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
    """Return the Jacobian with its error.

    The same as `jacobian`, with the error split into truncation (what the formula leaves out) and noise
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
        ``value, error, truncation, noise, step, nfev, status, scheme``; the arrays have the Jacobian's shape.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

    See Also
    --------
    jacobian : The value alone.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cm.estimate_jacobian(lambda x: x**2, np.array([1.0, 3.0])).value.round(8)
    array([[2., 0.],
           [0., 6.]])
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
