"""The iterations of a descent, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from calcml import _loop
from calcml._objective import open_objective
from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.descent._methods import DirectionLike, Method, StepLike, opened, pair
from calcml.descent._state import DescentState
from calcml.schemes.registry import SchemeLike

__all__ = ["iterate"]


def iterate(
    f: RealFunction,
    x0: Any,
    *,
    grad: RealFunction | None = None,
    hess: RealFunction | None = None,
    method: DirectionLike = "bfgs",
    step: StepLike | None = None,
    bounds: Bounds | None = None,
    gtol: float = 1e-8,
    max_iterations: int | None = None,
    verify: bool = True,
    scheme: SchemeLike = "central",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> Iterator[DescentState]:
    """Yield the states of a descent, one per iteration.

    The same run as `minimize` or `gradient_descent`, in the caller's own loop: the start first, then the
    state after each iteration.  The last says by its status how the run ended; it is still RUNNING where the
    limit on iterations was reached.

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
    step : str, float or step rule, optional
        As in `gradient_descent`; None takes the rule that suits the method.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.
    gtol : float, optional
        How small the largest entry of the gradient must become, relative to the start.
    max_iterations : int, optional
        Limit on iterations; None is 1000, and 10000 for methods that only use gradients.
    verify : bool, optional
        Whether to check at the end, by the Hessian of up to 50 variables, that the point is no saddle and
        that Newton's step from it gains nothing.
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
    iterator of DescentState
        States with ``x, fun, jac, nit, step, nfev, ngev, nhev, status``.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f does not return one real number, or a derivative has the wrong shape.

    See Also
    --------
    minimize : The run with its result.

    Notes
    -----
    Arguments are checked when `iterate` is called, f is evaluated when the first state is asked for.  Where
    the caller stops, the run stops; nothing is lost or warned about.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd ed., Springer (2006), chapter 2.

    Examples
    --------
    >>> import calcml as cm
    >>> for state in cm.iterate(lambda x: x @ x, [3.0, 4.0], method="steepest", step=0.25):
    ...     if state.fun < 2:
    ...         break
    >>> state.nit, state.x
    (2, array([0.75, 1.  ]))
    """
    chosen = pair(method, step, "method", gtol=gtol, max_iterations=max_iterations, verify=verify)
    problem: dict[str, Any] = dict(
        grad=grad, hess=hess, scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized
    )
    # A generator does nothing before its first state is asked for; bad arguments are refused now.
    with open_objective(f, x0, **problem, workers=workers):
        pass
    return _states(f, x0, chosen, **problem, workers=workers)


def _states(f: Any, x0: Any, method: Method, **problem: Any) -> Iterator[DescentState]:
    with opened(f, x0, method, **problem) as algorithm:
        yield from _loop.iterate(algorithm, method.max_iterations)
