"""Minimize a function of many variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.descent._methods import DirectionLike, pair, solve
from calcml.descent._state import DescentState
from calcml.descent.result import MinimizeResult
from calcml.schemes.registry import SchemeLike

__all__ = ["minimize"]


def minimize(
    f: RealFunction,
    x0: Any,
    *,
    grad: RealFunction | None = None,
    hess: RealFunction | None = None,
    method: DirectionLike = "bfgs",
    bounds: Bounds | None = None,
    gtol: float = 1e-8,
    max_iterations: int | None = None,
    verify: bool = True,
    callback: Callable[[DescentState], Any] | None = None,
    progress: bool = False,
    scheme: SchemeLike = "central",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> MinimizeResult:
    """Find a minimum of a function near a starting point.

    From x_k the method chooses a direction p_k and a step a_k, x_{k+1} = x_k + a_k p_k, until the gradient
    vanishes.  Gradients that are not given are differences, with their errors.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning one real number.  It must not change its argument.
    x0 : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to start.
    grad : callable, optional
        The gradient ``grad(x, *args, **kwargs)``, in the structure of x.
    hess : callable, optional
        The Hessian ``hess(x, *args, **kwargs)``, of shape ``x.shape + x.shape``.
    method : str, direction or callable, optional
        "bfgs", "lbfgs", "newton", "steepest", "momentum", "nesterov" or "barzilai-borwein"; a direction
        with options from `calcml.descent.directions`; or a function ``next_step(f, J, H) -> step``, which
        gets value, gradient and (if it takes three arguments) Hessian, and whose step is taken as it is.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.
    gtol : float, optional
        How small the largest entry of the gradient must become, relative to the start.
    max_iterations : int, optional
        Limit on iterations; None is 1000, and 10000 for methods that only use gradients.
    verify : bool, optional
        Whether to check at the end, by the Hessian of up to 50 variables, that the point is no saddle and
        that Newton's step from it gains nothing.
    callback : callable, optional
        ``callback(state)`` is called after each iteration with a `DescentState`; it stops the run by
        returning True or raising ``StopIteration``.
    progress : bool, optional
        Whether to show a progress bar; needs tqdm.
    scheme : str or Scheme, optional
        How to differentiate where `grad` or `hess` is not given.
    args, kwargs : tuple, dict, optional
        Further arguments of f, `grad` and `hess`.
    vectorized : bool, optional
        Whether f takes x of shape ``x.shape + (K,)`` and returns shape ``(K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.

    Returns
    -------
    MinimizeResult
        ``x, fun, jac, jac_error, success, status, message, nit, nfev, ngev, nhev, trace``.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f does not return one real number, or a derivative has the wrong shape.

    Warns
    -----
    ConvergenceWarning
        If no minimum was reached; the result keeps the best point.

    See Also
    --------
    gradient_descent : The same with direction and step rule chosen separately.
    iterate : The same run, one state at a time.
    classify : Tell a minimum from a saddle point.

    Notes
    -----
    The default is BFGS with strong Wolfe steps (Nocedal and Wright [1]_, algorithm 6.1).  A run ends well
    when max|g| <= gtol max|g_0|, which changes neither with the units of f nor with a constant added to it,
    or when g is below its own error.  Where progress stops first, accurate gradients, a restart and a
    Newton step are tried before it is called a failure.  A point with a lower one along negative curvature
    has the status SADDLE; the method "newton" goes on from there.

    With bounds, variables at a bound that blocks the way down rest, and the others move along the
    projection of the search direction [2]_; the gradient in the stopping test leaves the resting ones out.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd ed., Springer (2006).
    .. [2] D. P. Bertsekas, SIAM Journal on Control and Optimization 20 (1982) 221-246.

    Examples
    --------
    >>> import calcml as cm
    >>> def rosenbrock(x):
    ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> run = cm.minimize(rosenbrock, [-1.2, 1.0])
    >>> run.x.round(6), run.status.name
    (array([1., 1.]), 'CONVERGED')

    Named parameters come back as they went in:

    >>> f = lambda p: (p["a"] - 1) ** 2 + ((p["b"] - p["a"]) ** 2).sum()
    >>> best = cm.minimize(f, {"a": 0.0, "b": [0.0, 0.0]}).x
    >>> best["b"].round(6)
    array([1., 1.])
    """
    chosen = pair(method, None, "method", gtol=gtol, max_iterations=max_iterations, verify=verify)
    return solve(
        f, x0, chosen, callback=callback, progress=progress, title="minimize",
        grad=grad, hess=hess, scheme=scheme, args=args, kwargs=kwargs, bounds=bounds,
        vectorized=vectorized, workers=workers,
    )  # fmt: skip
