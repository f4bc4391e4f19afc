"""Jacobian times vector."""

from __future__ import annotations

from typing import Any

from calcml._typing import (
    Bounds,
    KeywordArguments,
    PositionalArguments,
    RealFunction,
    Workers,
)
from calcml.differentiate._along import along
from calcml.differentiate._problem import (
    Estimate,
)
from calcml.schemes.registry import SchemeLike

__all__ = ["estimate_jvp", "jvp"]


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
    return along(f, x, v, "jvp", unit=False, error=False, options=options).value


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
    return along(f, x, v, "jvp", unit=False, error=True, options=options)
