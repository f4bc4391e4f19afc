"""The Jacobian, and the engine of all first derivatives with respect to many variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._lines import axes
from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._problem import (
    Estimate,
    Problem,
    coefficient,
    in_range,
    open_problem,
    to_values,
    warn_inaccurate,
)
from calcml.schemes.base import Coefficient
from calcml.schemes.registry import SchemeLike

__all__ = ["estimate_jacobian", "first_derivatives", "first_values", "jacobian"]


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


def first_values(f: Any, x: Any, name: str, *, values: list[Any] | None = None, **options: Any) -> Any:
    """Return all first derivatives without their errors; a list passed as `values` receives f(x)."""
    problem, c = _run(f, x, error=False, values=values, **options)
    warn_inaccurate(c.status, name)
    return _shaped(problem, c.value, cast=True, magnitude=False)


def first_derivatives(f: Any, x: Any, *, values: list[Any] | None = None, **options: Any) -> Estimate:
    """Return all first derivatives with their errors; a list passed as `values` receives f(x)."""
    problem, c = _run(f, x, error=True, values=values, **options)
    with np.errstate(all="ignore"):
        noise = c.noise + problem.structure.rounding[:, None] * np.abs(c.value)
        error = c.truncation + noise
    value = _shaped(problem, c.value, cast=True, magnitude=False)
    return Estimate(
        value=value,
        error=_shaped(problem, error),
        truncation=_shaped(problem, c.truncation),
        noise=_shaped(problem, noise),
        step=problem.structure.spread(c.step, cast=False),
        nfev=problem.function.nfev,
        status=_shaped(problem, in_range(c.status, c.value, problem.structure)),
        scheme=problem.scheme,
    )


def _run(
    f: Any, x: Any, *, error: bool, values: list[Any] | None, **options: Any
) -> tuple[Problem, Coefficient]:
    """Run the scheme on one line along each coordinate axis."""
    with open_problem(f, x, **options) as problem:
        lines = problem.lines(axes(problem.x.size))
        c = coefficient(problem.scheme, lines, 1, error=error)
        if values is not None:
            table = lines.origin() if lines.count else problem.function.evaluate(problem.x[None, :])
            values.append(to_values(table, problem.function)[0].reshape(problem.function.shape)[()])
    return problem, c


def _shaped(problem: Problem, table: Any, *, cast: bool = False, magnitude: bool = True) -> Any:
    """Turn a table with one row per coordinate into arrays of shape f(x).shape + x.shape."""
    lead = problem.function.shape or ()
    joined = to_values(table, problem.function, magnitude=magnitude).T
    return problem.structure.spread(joined.reshape(*lead, problem.x.size), lead, cast=cast)
