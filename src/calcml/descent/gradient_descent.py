"""Gradient descent, with direction and step rule chosen separately."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.descent._methods import DirectionLike, StepLike, pair, solve
from calcml.descent._state import DescentState
from calcml.descent.result import MinimizeResult
from calcml.schemes.registry import SchemeLike

__all__ = ["gradient_descent"]


def gradient_descent(
    f: RealFunction,
    x0: Any,
    *,
    grad: RealFunction | None = None,
    hess: RealFunction | None = None,
    direction: DirectionLike = "steepest",
    step: StepLike = "backtracking",
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
    """Go down against the gradient, or along a better direction.

    x_{k+1} = x_k + a_k p_k with p_k from the direction and a_k from the step rule; steepest descent is
    p_k = -g_k.

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
    direction : str, direction or callable, optional
        "steepest", "momentum", "nesterov", "bfgs", "lbfgs" or "newton"; a direction with options from
        `calcml.descent.directions`; or a function ``next_step(f, J, H) -> step``.
    step : str, float or step rule, optional
        "fixed", "backtracking", "wolfe" or "barzilai-borwein"; a number, the constant step; or a rule with
        options from `calcml.descent.steps`.
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
    minimize : Direction and step rule chosen together, by the name of a method.
    iterate : The same run, one state at a time.

    Notes
    -----
    On a quadratic with condition number k, steepest descent reduces f - f* by ((k - 1) / (k + 1))² per
    iteration at worst, momentum by about (1 - 2 / sqrt(k))²; Barzilai-Borwein steps do as well in practice
    without a parameter; Newton-like directions do not depend on k [1]_.  With a constant step nothing stops
    f from rising: too long a step ends with the status DIVERGED.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd ed., Springer (2006).

    Examples
    --------
    >>> import calcml as cm
    >>> f = lambda x: x[0] ** 2 + 10 * x[1] ** 2
    >>> run = cm.gradient_descent(f, [3.0, 4.0])
    >>> bool(abs(run.x).max() < 1e-6), run.status.name
    (True, 'CONVERGED')
    >>> cm.gradient_descent(f, [3.0, 4.0], step=0.08, direction="momentum").success
    True
    """
    chosen = pair(direction, step, "direction", gtol=gtol, max_iterations=max_iterations, verify=verify)
    return solve(
        f, x0, chosen, callback=callback, progress=progress, title="gradient descent",
        grad=grad, hess=hess, scheme=scheme, args=args, kwargs=kwargs, bounds=bounds,
        vectorized=vectorized, workers=workers,
    )  # fmt: skip
