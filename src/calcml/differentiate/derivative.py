"""The derivative of a function of one variable, elementwise."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, cast

import numpy as np

from calcml._function import Function, check_callable
from calcml._lines import ElementwiseLines
from calcml._parameters import Structure, check_bounds, flatten
from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml._workers import open_map
from calcml.differentiate._problem import (
    Estimate,
    coefficient,
    factorial,
    in_range,
    only_f,
    to_values,
    warn_inaccurate,
)
from calcml.schemes._many import ManyPoints
from calcml.schemes._quick import DOUBLE, MOST
from calcml.schemes._weighing import unknown
from calcml.schemes.adaptive import Adaptive
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.registry import SchemeLike, as_scheme
from calcml.schemes.steps import Fixed

__all__ = ["derivative", "estimate_derivative"]

# Points per part, where f takes parts of x: a quarter of a megabyte stays in the cache of a core.  Few parts
# are not worth the trial of f.
BLOCK, MANY = 32000, 16384


def derivative(
    f: RealFunction,
    x: Any,
    n: int = 1,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    workers: Workers = None,
) -> Any:
    """Return the n-th derivative of an elementwise function.

    The derivative is the limit of rise over run, f'(x) = lim [f(x + h) - f(x)] / h; a scheme approximates
    it from values at distances h > 0 and knows the order of its error in h.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, elementwise: ``f(x)[i]`` depends on ``x[i]`` alone, and the value has the
        shape of x.  It must not change its argument.
    x : float or array_like
        Where to differentiate, of any shape.
    n : int, optional
        Order of the derivative, from 1 to 170.
    scheme : str or Scheme, optional
        How to differentiate: a name from `calcml.schemes` or a scheme with options.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.

    Returns
    -------
    ndarray or scalar
        The derivative, of the shape and dtype of x; integers give float64.  NaN where f is not finite.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns another shape than that of x, or no numbers; with the default scheme, too, if its values
        at some points change where only others are moved.

    Warns
    -----
    AccuracyWarning
        If the scheme's own error estimate supports fewer than two digits.

    See Also
    --------
    estimate_derivative : The same with its error.
    gradient : For a function of many variables.

    Notes
    -----
    f gets all of x in its own shape, so it may hold or take arrays of that shape.  Of many points it gets
    flat parts of x, which is faster and needs little memory, provided that it takes these: it is tried on
    two short ones, and must give the same values where they overlap.  Array-valued `args` and `kwargs`
    belong to all of x and rule parts out.

    At more than one point that are not cut into parts, the default scheme moves about half of them once, and
    if they are fewer than 8 then the others, to see that f is elementwise: a cumulative sum or a mean is not.

    NumPy's warnings from inside f are held off, since most points are the choice of the scheme.  A plain
    derivative by forward, backward or central differences at a number other than 0 calls f with them as they
    are, which takes less time: there no step crosses zero, where many a domain ends.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cm.derivative(np.sin, [0.0, np.pi])
    array([ 1., -1.])
    >>> round(float(cm.derivative(np.exp, 0.0, 5)), 8)
    1.0
    """
    known: list[Any] = []
    if only_f(f, args=args, kwargs=kwargs, bounds=bounds, workers=workers):
        value, known = _quick(f, x, n, as_scheme(scheme))
        if value is not None:
            return value
    c, lines, structure, _ = _run(f, x, n, scheme, args, kwargs, bounds, workers, known, error=False)
    lost = c.status.max(axis=1, initial=0).reshape(structure.shape)
    warn_inaccurate(lost, "derivative", stacklevel=3)
    with np.errstate(over="ignore"):
        value = c.value if n == 1 else factorial(n) * c.value
    return _shaped(value, lines, structure, cast=True, magnitude=False)


def estimate_derivative(
    f: RealFunction,
    x: Any,
    n: int = 1,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    workers: Workers = None,
) -> Estimate:
    """Return the n-th derivative of an elementwise function with its error.

    The same as `derivative`, with the error split into truncation (what the formula leaves out) and noise
    (what rounding and noise of f put in).

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, elementwise: ``f(x)[i]`` depends on ``x[i]`` alone, and the value has the
        shape of x.  It must not change its argument.
    x : float or array_like
        Where to differentiate, of any shape.
    n : int, optional
        Order of the derivative, from 1 to 170.
    scheme : str or Scheme, optional
        How to differentiate: a name from `calcml.schemes` or a scheme with options.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.
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
        If f returns another shape than that of x, or no numbers; with the default scheme, too, if its values
        at some points change where only others are moved.

    See Also
    --------
    derivative : The value alone.

    Notes
    -----
    `nfev` is the number of values of f per point of x, rounded up: the number of calls, where f gets all of x
    in each of them.  Among them are the one or two that show whether f is elementwise, see `derivative`.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> estimate = cm.estimate_derivative(np.exp, 1.0)
    >>> bool(abs(estimate.value - np.e) <= estimate.error < 1e-12)
    True
    """
    c, lines, structure, rule = _run(f, x, n, scheme, args, kwargs, bounds, workers, [], error=True)
    value, truncation, noise = c.value, c.truncation, c.noise
    if n > 1:
        with np.errstate(over="ignore", invalid="ignore"):
            value, truncation, noise = (factorial(n) * part for part in (value, truncation, noise))
    status = in_range(c.status, value, structure)
    truncation, noise = (_shaped(part, lines, structure) for part in (truncation, noise))
    return Estimate(
        value=_shaped(value, lines, structure, cast=True, magnitude=False),
        error=truncation + noise,
        truncation=truncation,
        noise=noise,
        step=structure.spread(c.step, cast=False)[()],
        nfev=lines.evaluations,
        status=_shaped(status, lines, structure),
        scheme=rule,
    )


def _quick(f: Any, x: Any, n: Any, rule: Scheme) -> tuple[Any, list[Any]]:
    """Return a derivative by a quicker way of the scheme, or None and what f has returned already."""
    one = rule.one
    if one is None or type(x) is not np.ndarray:
        return (None, []) if one is None else one.derivative(f, x, n)
    plain = x.dtype == DOUBLE and x.ndim and 0 < x.size <= MANY and type(n) is int and 0 < n <= MOST
    way = rule.many(n) if plain else None
    return (None if way is None else way.derivative(f, x)), []


def _run(
    f: Any,
    x: Any,
    n: int,
    scheme: SchemeLike,
    args: PositionalArguments,
    kwargs: KeywordArguments | None,
    bounds: Bounds | None,
    workers: Workers,
    known: list[Any],
    *,
    error: bool,
) -> tuple[Coefficient, ElementwiseLines, Structure, Scheme]:
    """Check everything at the door and run the scheme on one line through each point.

    What f has returned already at the points that come first is `known`.
    """
    check_callable(f)
    rule = as_scheme(scheme)
    _check_order(n)
    flat, structure = flatten(x, copy=False)
    if not structure.plain:
        raise TypeError(
            f"`x` must be a number or an array for `derivative`, got {type(x).__name__}; "
            "for structures of parameters use `gradient`"
        )
    limits = check_bounds(bounds, flat, structure)
    with open_map(workers) as mapper:
        function = Function(f, None, args=args, kwargs=kwargs, mapper=mapper)
        function.known = known
        further = (*function.call.args, *function.call.kwargs.values())
        divisible = not any(isinstance(v, list | tuple) or getattr(v, "ndim", 0) for v in further)
        lines = ElementwiseLines(function, flat.reshape(structure.shape), limits, divisible=divisible)
        lines.careful, lines.weighed = True, error
        c = _coefficient(rule, lines, int(n), error=error)
    return c, lines, structure, rule


def _coefficient(rule: Scheme, lines: ElementwiseLines, n: int, *, error: bool) -> Coefficient:
    """Run the scheme; on many points, if f takes parts of x, in parts that stay in the cache.

    `Adaptive` sees to that itself, because it learns from one point for others.
    """
    step = getattr(rule, "step", None)
    steps = step.step if isinstance(step, Fixed) and step.step.size > 1 else None
    fits = steps is None or steps.shape == lines.x_shape
    if lines.count <= MANY or isinstance(rule, Adaptive) or not fits or not lines.divides:
        return coefficient(rule, lines, n, error=error)
    if not error and not lines.bounded and lines.x.dtype == lines.function.dtype == DOUBLE:
        way = rule.many(n)
        if way is not None:
            return _quickly(way, rule, lines, n)
    wanted = [field.name for field in fields(Coefficient) if error or field.name in {"value", "status"}]
    table: dict[str, Any] = {}
    for start in range(0, lines.count, BLOCK):
        cut = slice(start, start + BLOCK)
        own = rule if steps is None else replace(cast(Any, rule), step=Fixed(steps.ravel()[cut]))
        c = own.coefficient(lines.part(cut), n, error=error)
        for name in wanted:
            part = getattr(c, name)
            if not start:
                table[name] = np.empty((lines.count, *part.shape[1:]), part.dtype)
            table[name][cut] = part
    if not error:
        none = unknown(table["value"].shape)
        table |= {"truncation": none, "noise": none, "step": none[:, 0]}
    return Coefficient(**table)


def _quickly(way: ManyPoints, rule: Scheme, lines: ElementwiseLines, n: int) -> Coefficient:
    """Do the same where a scheme has a quicker way for parts with nothing out of the ordinary."""
    value, status = np.empty((lines.count, 1)), np.zeros((lines.count, 1), np.int8)
    for start in range(0, lines.count, BLOCK):
        cut = slice(start, start + BLOCK)
        if not way.elementwise(lines.on_part, lines.x[cut], value[cut, 0]):
            c = rule.coefficient(lines.part(cut), n, error=False)
            value[cut], status[cut] = c.value, c.status
    none = unknown(value.shape)
    return Coefficient(value, none, none, none[:, 0], status)


def _shaped(
    table: Any, lines: ElementwiseLines, structure: Structure, *, cast: bool = False, magnitude: bool = True
) -> Any:
    """Give a table with one row per point the shape of x."""
    joined = to_values(table, lines.function, magnitude=magnitude)
    return structure.spread(joined[:, 0], cast=cast)[()]


def _check_order(n: Any) -> None:
    if isinstance(n, bool) or not isinstance(n, int | np.integer):
        raise TypeError(f"`n` must be an integer, the order of the derivative, got {n!r}")
    if n < 1:
        raise ValueError(f"`n` must be at least 1, the order of the derivative, got {n}")
    if n > 170:
        raise ValueError(f"`n` must be at most 170, above which n! is out of range, got {n}")
