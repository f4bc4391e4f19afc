"""The slope in a direction."""

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

__all__ = ["directional_derivative", "estimate_directional_derivative"]


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

    ``D_v f = grad f · v / |v|``: the vector is normalized, so the result is a slope per unit length.

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
    return along(f, x, v, "directional_derivative", unit=True, error=False, options=options).value


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
    return along(f, x, v, "directional_derivative", unit=True, error=True, options=options)
