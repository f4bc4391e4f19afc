"""Newton's method for one unknown, elementwise."""

import warnings
from typing import Any

import numpy as np

from calcml._function import Function, check_callable
from calcml._loop import Trace, check_iterations, run
from calcml._parameters import Structure, flatten, real_array
from calcml._status import Status
from calcml._typing import FloatArray, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml._workers import open_map
from calcml.errors import ConvergenceWarning
from calcml.roots._iteration import Newton, NewtonState
from calcml.roots._judge import judge
from calcml.roots._slopes import Equation
from calcml.roots.result import RootResult
from calcml.schemes.registry import SchemeLike, as_scheme

__all__ = ["newton"]


def newton(
    f: RealFunction,
    x0: Any,
    *,
    derivative: RealFunction | None = None,
    second_derivative: RealFunction | None = None,
    bracket: tuple[Any, Any] | None = None,
    scheme: SchemeLike | None = None,
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    max_iterations: int = 100,
    workers: Workers = None,
) -> RootResult:
    r"""Find a root of f for every start, by Newton's method kept in check.

    Newton replaces f by its tangent, x <- x - f(x)/f'(x); the error e of a simple root then falls as
    e <- e^2 f''/(2 f').  With the second derivative the step is Halley's, -f/f' / (1 - f f''/(2 f'^2)), of
    third order.  Near a root of multiplicity m Newton's steps only shrink by 1 - 1/m; that is noticed, and
    steps of -m f/f' restore the order.  An array of starts is that many independent equations.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, elementwise: ``f(x)[i]`` depends on ``x[i]`` alone, and the value has the
        shape of x.  It must not change its argument.
    x0 : float or array_like
        Where to start, of any shape.
    derivative : callable, optional
        The slope f', elementwise as f, with the same further arguments; without it a scheme takes its place.
    second_derivative : callable, optional
        The curvature f'', elementwise, for Halley's step.
    bracket : tuple, optional
        ``(a, b)``, numbers or arrays of x0's shape, with a < b and x0 between them.  Where f(a) and f(b)
        differ in sign the iteration converges always, and f is evaluated nowhere outside.
    scheme : str or Scheme, optional
        How to differentiate where `derivative` is not given.  None takes central differences over an eighth
        of the last step, which find the scale of f as they converge.
    args, kwargs : tuple, dict, optional
        Further arguments of f and its derivatives.
    max_iterations : int, optional
        Most iterations.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.

    Returns
    -------
    RootResult
        ``x, fun, error, success, status`` of the shape of x0; ``nit, nfev, ngev, nhev, trace``.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns another shape than that of x, or no real numbers.

    Warns
    -----
    ConvergenceWarning
        If any of the equations was not solved; `status` tells which and why.

    See Also
    --------
    newton_system : Several equations with several unknowns.

    Notes
    -----
    A step that does not lower \|f\| is shortened.  Once two points with different signs are known, the root
    stays between them: a Newton step that leaves the bracket or is more than half as long as the last one
    gives way to a bisection, the rule of [2]_.

    Success is never claimed on the length of a step alone.  At the end f is looked at around x, and must
    change its sign, or rise on both sides, within `error`, by more than its noise and not by a pole or a
    jump.  That takes six evaluations of f for simple roots.

    References
    ----------
    .. [1] J. F. Traub, "Iterative Methods for the Solution of Equations", Prentice-Hall, 1964, section 5.2
       (Halley) and chapter 7 (multiple roots).
    .. [2] W. H. Press et al., "Numerical Recipes", 3rd ed., Cambridge University Press, 2007, section 9.4.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> result = cm.newton(lambda x: x**2 - np.array([2.0, 3.0]), [1.0, 1.0])
    >>> result.x
    array([1.41421356, 1.73205081])
    >>> result.success
    array([ True,  True])

    Plain Newton runs away from this start; a bracket holds it.

    >>> cm.newton(np.arctan, 20.0, bracket=(-10.0, 30.0)).x
    0.0
    """
    for name, function in (("f", f), ("derivative", derivative), ("second_derivative", second_derivative)):
        if function is not None or name == "f":
            check_callable(function, name)
    rule = None if scheme is None else as_scheme(scheme)
    limit = check_iterations(max_iterations)
    x, structure = _start(x0)
    limits = _limits(bracket, x, structure)
    with open_map(workers) as mapper:

        def counted(function: Any, name: str) -> Function | None:
            if function is None:
                return None
            return Function(function, None, args=args, kwargs=kwargs, mapper=mapper, name=name)

        value = Function(f, None, args=args, kwargs=kwargs, mapper=mapper)
        slopes = counted(derivative, "derivative"), counted(second_derivative, "second_derivative")
        equation = Equation(value, *slopes, rule, structure.shape, limits)
        result = _solve(equation, x, structure, limit)
    if not np.all(result.success):
        warnings.warn(_complaint(result), ConvergenceWarning, stacklevel=2)
    return result


def _start(x0: Any) -> tuple[FloatArray, Structure]:
    flat, structure = flatten(x0, "x0")
    if not structure.plain:
        message = (
            f"`x0` must be a number or an array for `newton`, got {type(x0).__name__}; "
            "for structures of unknowns use `newton_system`"
        )
        raise TypeError(message)
    # The iteration runs in float64 at least: in float32 differences of f would drown in rounding.
    return flat.astype(np.result_type(flat.dtype, np.float64)), structure


def _limits(bracket: Any, x: FloatArray, structure: Structure) -> tuple[FloatArray, FloatArray] | None:
    if bracket is None:
        return None
    if not isinstance(bracket, tuple | list) or len(bracket) != 2:
        message = f"`bracket` must be a pair (a, b), got {bracket!r:.60}"
        raise TypeError(message)
    a, b = (_end(end, structure).astype(x.dtype) for end in bracket)
    for i in np.flatnonzero(~(np.isfinite(a) & np.isfinite(b)))[:1]:
        message = f"`bracket` must be finite, got ({a[i]}, {b[i]}) at index {i}"
        raise ValueError(message)
    for i in np.flatnonzero(a >= b)[:1]:
        message = f"`bracket` must be (a, b) with a < b, got ({a[i]}, {b[i]}) at index {i}"
        raise ValueError(message)
    for i in np.flatnonzero(~((x >= a) & (x <= b)))[:1]:
        message = f"`x0` must lie in `bracket`, got {x[i]} at index {i} outside ({a[i]}, {b[i]})"
        raise ValueError(message)
    return a, b


def _end(end: Any, structure: Structure) -> FloatArray:
    array = real_array(end, "bracket")
    try:
        return np.broadcast_to(array, structure.shape).ravel()
    except ValueError:
        message = (
            f"`bracket` has an end of shape {array.shape}; give a number or x0's shape {structure.shape}"
        )
        raise ValueError(message) from None


def _solve(equation: Equation, x: FloatArray, structure: Structure, limit: int) -> RootResult:
    if x.size:
        finished = run(Newton(equation, x), max_iterations=limit)
        state: NewtonState = finished.last
        verdict = judge(equation, state)
        point, value, codes, error = state.x, state.f, verdict.codes.copy(), verdict.error
        codes[codes == Status.RUNNING] = Status.MAX_ITERATIONS
        nit, trace = finished.nit, finished.trace
    else:
        point, value, codes, error = x, x, np.empty(0, np.int8), x
        nit, trace = 0, Trace({"running": np.zeros(1), "step": np.zeros(1)})

    def shaped(values: Any, *, cast: bool = False) -> Any:
        return structure.spread(values, cast=cast)[()]

    counts = [0 if g is None else g.nfev for g in (equation.derivative, equation.second)]
    status = Status(int(codes[0])) if structure.shape == () else shaped(codes)
    good = np.array([code.value for code in Status if code.ok])
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = shaped(point, cast=True)
        error = np.where(np.isfinite(error), error + np.abs(point - np.ravel(rounded)), error)
    return RootResult(
        x=rounded,
        fun=shaped(value),
        error=shaped(error),
        success=shaped(np.isin(codes, good)),
        status=status,
        nit=nit,
        nfev=equation.f.nfev,
        ngev=counts[0],
        nhev=counts[1],
        trace=trace,
    )


def _complaint(result: RootResult) -> str:
    failed = np.flatnonzero(~np.ravel(result.success))
    count = np.size(result.success)
    if np.ndim(result.success) == 0:
        return f"`newton`: {result.status}"
    codes = np.ravel(result.status)[failed]
    sentences = "; ".join(f"{np.sum(codes == code)} x {Status(int(code))}" for code in np.unique(codes))
    place = f"the first at flat index {failed[0]}"
    return f"`newton` did not solve {failed.size} of {count} equations, {place}: {sentences}"
