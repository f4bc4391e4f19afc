"""Newton's method for systems of equations."""

import math
import warnings
from typing import Any

import numpy as np

from calcml._loop import Run, check_iterations, run
from calcml._objective import VectorObjective, open_vector_objective
from calcml._parameters import flatten
from calcml._status import Status
from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.errors import ConvergenceWarning
from calcml.roots._damped import Damped, SystemState, error_bound
from calcml.roots.result import SystemResult
from calcml.schemes.registry import SchemeLike

__all__ = ["newton_system"]


def newton_system(
    F: RealFunction,
    x0: Any,
    *,
    jac: RealFunction | None = None,
    scheme: SchemeLike = "central",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
    max_iterations: int = 100,
    progress: bool = False,
) -> SystemResult:
    r"""Find a root of a system of as many equations as unknowns, by damped Newton.

    The step p solves J(x) p = -F(x); near a root with a regular Jacobian the error then falls as its square.
    Farther away a part of the step is taken, such that the norm of F falls (Armijo's rule).  Where the
    Jacobian is singular or its direction poor, Levenberg and Marquardt's step -(J'J + mu D)^-1 J'F takes
    over.  Rows and columns are scaled, so that the units of the variables and equations do not matter.

    Parameters
    ----------
    F : callable
        ``F(x, *args, **kwargs)``, returning as many numbers as x has, in any shape.  It must not change its
        argument.
    x0 : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to start.
    jac : callable, optional
        The Jacobian, with the arguments of F, of shape ``F(x).shape + x.shape``; without it `scheme` takes
        its place.
    scheme : str or Scheme, optional
        How to differentiate: a name from `calcml.schemes` or a scheme with options.
    args, kwargs : tuple, dict, optional
        Further arguments of F and jac.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; F is never evaluated outside.
    vectorized : bool, optional
        Whether F takes x of shape ``x.shape + (K,)`` and returns ``F(x).shape + (K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate F: a number of processes, a map-like callable, or anything with ``.map``.
    max_iterations : int, optional
        Most iterations.
    progress : bool, optional
        Whether to show a progress bar, with tqdm.

    Returns
    -------
    SystemResult
        ``x, fun, jac, error, success, status, nit, nfev, njev, trace``; x and error in the structure of x0.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; F has not been called then.
    EvaluationError
        If F returns another number of values than x has, or no real numbers.

    Warns
    -----
    ConvergenceWarning
        If the run ended without a root; the result keeps the best point.

    See Also
    --------
    newton : One equation with one unknown, many times at once.

    Notes
    -----
    The run has converged when every equation is as small as the rounding of x makes it, \|F_i\| <= 4 eps
    sum_j \|J_ij x_j\|, or Newton's step is below four roundings of x.  Without a further fall of \|F\| it
    has converged to the precision of F if Newton's step is below 1e-6 of x, and else it has stalled: the
    nearest minimum of \|F\| is not zero.

    References
    ----------
    .. [1] P. Deuflhard, "Newton Methods for Nonlinear Problems", Springer, 2004, chapters 2 and 3.
    .. [2] J. E. Dennis and R. B. Schnabel, "Numerical Methods for Unconstrained Optimization and Nonlinear
       Equations", SIAM, 1996, section 6.3 (Armijo) and 6.5 (singular Jacobians).

    Examples
    --------
    A circle and a hyperbola:

    >>> import calcml as cm
    >>> result = cm.newton_system(lambda x: [x[0] ** 2 + x[1] ** 2 - 5, x[0] * x[1] - 2], [3.0, 0.5])
    >>> result.x.round(12)
    array([2., 1.])
    >>> print(result.status)
    Converged: the stopping test is met.
    """
    limit = check_iterations(max_iterations)
    with open_vector_objective(
        F,
        x0,
        jac=jac,
        scheme=scheme,
        args=args,
        kwargs=kwargs,
        bounds=bounds,
        vectorized=vectorized,
        workers=workers,
    ) as (objective, x):
        algorithm = Damped(objective, x, objective.bounds)
        finished = run(algorithm, max_iterations=limit, progress=progress, title="newton_system")
    result = _result(objective, finished)
    if not result.success:
        warnings.warn(f"`newton_system`: {result.status}", ConvergenceWarning, stacklevel=2)
    return result


def _result(objective: VectorObjective, finished: Run[SystemState]) -> SystemResult:
    state, structure = finished.last, objective.structure
    success = finished.status.ok
    x, bound = structure.spread(state.x), np.full(state.x.size, np.inf)
    if success:
        # x takes the dtype of x0, which may hold less than the iteration did.
        bound = error_bound(state) + np.abs(state.x - flatten(x)[0])
    shape: tuple[int, ...] = objective.function.shape or ()
    return SystemResult(
        x=_scalar(x),
        fun=state.F.reshape(shape)[()] if math.prod(shape) == state.F.size else state.F,
        jac=state.J,
        error=_scalar(structure.spread(bound, cast=False)),
        success=success,
        status=Status(finished.status),
        nit=finished.nit,
        nfev=objective.nfev,
        njev=objective.njev,
        trace=finished.trace,
    )


def _scalar(values: Any) -> Any:
    """Return an array of no dimensions as a NumPy scalar, everything else as it is."""
    return values[()] if isinstance(values, np.ndarray) else values
