"""Lagrange multipliers: where a function is stationary under equality constraints."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calcml._function import check_callable
from calcml._loop import Run, check_iterations, run
from calcml._status import Status
from calcml._typing import FloatArray, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.constrained._problem import ConstrainedProblem, open_constrained
from calcml.constrained._result import LagrangeResult
from calcml.constrained._sqp import Minimizer
from calcml.constrained._state import LagrangeState
from calcml.constrained._stationary import StationaryFinder
from calcml.errors import ConvergenceWarning
from calcml.schemes.registry import SchemeLike

__all__ = ["lagrange"]

# Endings that a bad choice of units explains.
ASTRAY = (Status.MAX_ITERATIONS, Status.LINE_SEARCH_FAILED, Status.STALLED, Status.DIVERGED)

SOUGHT = ("minimum", "maximum", "stationary")


def lagrange(
    f: RealFunction,
    x0: Any,
    *,
    equality: RealFunction | Sequence[RealFunction],
    grad: RealFunction | None = None,
    jac: RealFunction | Sequence[RealFunction | None] | None = None,
    hess: RealFunction | None = None,
    seek: str = "minimum",
    tol: float = 1e-8,
    max_iterations: int = 200,
    callback: Callable[[LagrangeState], Any] | None = None,
    progress: bool = False,
    scheme: SchemeLike = "central",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> LagrangeResult:
    r"""Find an extremum of a function among the points where constraints c(x) = 0 hold.

    Where f is lowest on the constraints, its gradient has no part along them: it is a combination of the
    constraint gradients,

        ∇f(x) + Σ lam_i ∇c_i(x) = 0,    c(x) = 0,

    the condition that the Lagrangian L(x, lam) = f(x) + lam · c(x) is stationary.  The multipliers lam say
    what a constraint costs: if it read c_i(x) = b instead, the optimal value would change by -lam_i db.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning one real number.  It must not change its argument.
    x0 : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to start; the constraints need not hold there.
    equality : callable or list of callable
        ``c(x, *args, **kwargs)``, a number or an array that is to be zero; or several such functions.
    grad : callable, optional
        The gradient of f, ``grad(x, *args, **kwargs)``, in the structure of x.
    jac : callable or list of callable or None, optional
        The derivative of `equality`, ``jac(x, *args, **kwargs)`` of shape ``c(x).shape + x.shape``; for a
        list of constraints a list of the same length, with None where a scheme is to differentiate.
    hess : callable, optional
        The Hessian of the Lagrangian, ``hess(x, lam, *args, **kwargs)`` of shape ``x.shape + x.shape``, with
        the multipliers `lam` as one vector.
    seek : {"minimum", "maximum", "stationary"}, optional
        What to look for; "stationary" takes whatever point near x0 fulfills the conditions, saddles
        included.
    tol : float, optional
        How small the gradient of the Lagrangian must become, relative to that of f, and each constraint,
        relative to the size of its terms Σ_j \|x_j dc_i/dx_j\|.
    max_iterations : int, optional
        Limit on iterations.
    callback : callable, optional
        ``callback(state)`` is called after each iteration with a `LagrangeState`; it stops the run by
        returning True or raising ``StopIteration``.
    progress : bool, optional
        Whether to show a progress bar; needs tqdm.
    scheme : str or Scheme, optional
        How to differentiate where `grad`, `jac` or `hess` is not given.
    args, kwargs : tuple, dict, optional
        Further arguments of f, the constraints and their derivatives.
    vectorized : bool, optional
        Whether f and the constraints take x of shape ``x.shape + (K,)``, K points in one call, and return
        shape ``(K,)`` and ``c(x).shape + (K,)``.
    workers : int, callable or executor, optional
        Where to evaluate f and the constraints: a number of processes, a map-like callable, or anything with
        ``.map``.

    Returns
    -------
    LagrangeResult
        ``x, fun, multipliers, classification`` with its evidence, ``sensitivity``, the residuals of the
        conditions, ``success, status, message``, counts of evaluations and the ``trace``.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f does not return one real number, a shape changes between calls, or a derivative has the wrong
        shape.

    Warns
    -----
    ConvergenceWarning
        If no such point was reached; the result keeps the best one.

    See Also
    --------
    minimize : Without constraints.

    Notes
    -----
    The method is Newton's on the conditions above: with H = ∇²L each step solves the quadratic program
    min ∇f·p + p·H p / 2 under J p = -c, in a basis of the null space of J from its singular value
    decomposition ([1]_, sections 16.2 and 18.1), so that redundant constraints do no harm.  Near the solution
    the number of correct digits doubles with each step.  Far from it three things make the method safe:
    eigenvalues of H within the tangent plane are taken by their absolute value, so that steps go down; a step
    must lower f + Σ ν_i \\|c_i\\| with weights after Powell [2]_; and a step that a curved constraint
    makes look bad is bent back onto it before it is shortened, which cures the Maratos effect ([1]_,
    section 15.5).  At a stationary point that is no minimum the run moves off along negative curvature.

    Second derivatives are differences of `grad` and `jac` where given, which costs 2 n calls of them with the
    default scheme, else second differences of f and c, n (n + 1) evaluations.

    The kind of the point follows from the eigenvalues of ∇²L within the tangent plane: all positive at a
    strict minimum, all negative at a maximum, of both signs at a saddle ([1]_, theorems 12.5 and 12.6).
    This is the bordered-Hessian test in another form, with numbers that also tell how clear the case is.
    Where the constraints leave no direction at all, the point is called what was sought.

    Inequality constraints and bounds are not available here.  g(x) ≥ 0 can be written with a slack variable s
    as the equality g(x) - s² = 0.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd ed., Springer (2006).
    .. [2] M. J. D. Powell, "A fast algorithm for nonlinearly constrained optimization calculations", in
       "Numerical Analysis, Dundee 1977", Lecture Notes in Mathematics 630, Springer (1978) 144-157.

    Examples
    --------
    The largest box without lid from 12 units of cardboard:

    >>> import calcml as cm
    >>> def volume(x):
    ...     return x[0] * x[1] * x[2]
    >>> def cardboard(x):
    ...     return x[0] * x[1] + 2 * x[2] * (x[0] + x[1]) - 12
    >>> box = cm.lagrange(volume, [1.0, 1.0, 2.0], equality=cardboard, seek="maximum")
    >>> box.x.round(6), round(box.fun, 6), box.classification
    (array([2., 2., 1.]), 4.0, 'maximum')

    One more unit of cardboard would give half a unit of volume more:

    >>> box.sensitivity.round(6)
    array([0.5])
    """
    if seek not in SOUGHT:
        raise ValueError(f"`seek` must be one of {', '.join(SOUGHT)}, got {seek!r}")
    tolerance, limit = _check_tolerance(tol), check_iterations(max_iterations)
    if callback is not None:
        check_callable(callback, "callback")
    sign = -1.0 if seek == "maximum" else 1.0
    method = StationaryFinder if seek == "stationary" else Minimizer
    with open_constrained(
        f, x0, equality=equality, grad=grad, jac=jac, hess=hess, sign=sign,
        scheme=scheme, args=args, kwargs=kwargs, vectorized=vectorized, workers=workers,
    ) as (problem, x):  # fmt: skip
        how: Any = dict(max_iterations=limit, callback=callback, progress=progress, title="lagrange")
        finished = run(method(problem, x, tolerance), **how)
        if finished.status in ASTRAY and (problem.unit != 1).any():
            # A variable that starts next to zero is no small one: its start is not its unit.
            start, problem.unit = x * problem.unit, np.ones_like(x)
            finished = run(method(problem, start, tolerance), **how)
        result = _result(problem, finished, seek)
    if not result.success:
        warnings.warn(f"`lagrange`: {result.message}", ConvergenceWarning, stacklevel=2)
    return result


def _check_tolerance(tol: Any) -> float:
    if isinstance(tol, bool) or not isinstance(tol, int | float | np.floating | np.integer):
        raise TypeError(f"`tol` must be a number, got {tol!r}")
    if not 0 < tol < 1:
        raise ValueError(f"`tol` must be between 0 and 1, relative to the gradient, got {tol}")
    return float(tol)


def _result(problem: ConstrainedProblem, finished: Run[LagrangeState], seek: str) -> LagrangeResult:
    # Each step lowers the merit function, so the last point is the best one.
    state, status = finished.last, finished.status
    p, dependent = state.at, _dependent(problem, state)
    if dependent and status.ok:
        status = Status.DEPENDENT_CONSTRAINTS
    classification, curvatures, error = _evidence(state, status, problem.sign, bool(dependent))
    return LagrangeResult(
        x=state.x,
        fun=state.fun,
        multipliers=state.multipliers,
        constraints=p.c,
        jac=problem.sign * p.g / p.unit,
        constraint_jac=p.J / p.unit,
        violation=state.violation,
        stationarity=state.stationarity,
        seek=seek,
        classification=classification,
        curvatures=curvatures,
        curvature_error=error,
        names=problem.names(),
        dependent=dependent,
        success=status.ok,
        status=status,
        nit=finished.nit,
        nfev=problem.objective.nfev,
        ngev=problem.objective.ngev,
        nhev=problem.nhev,
        ncev=problem.ncev,
        njev=problem.njev,
        trace=finished.trace,
    )


def _dependent(problem: ConstrainedProblem, state: LagrangeState) -> tuple[int, ...]:
    """Return the constraints whose gradients do not count as independent: combined, or each by itself."""
    p = state.at
    if not p.finite:
        return ()
    return tuple(sorted({*p.tangent.dependent(), *state.scales.vanishing(p, problem)}))


def _evidence(
    state: LagrangeState, status: Status, sign: float, dependent: bool
) -> tuple[str, FloatArray, float]:
    """Return the kind of point for the user's f, the eigenvalues that show it, and their error."""
    found = state.curvature
    if found is None or not (status.ok or status is Status.SADDLE):
        return "not stationary", np.empty(0), np.nan
    kind, eigenvalues = found.classify(), found.eigenvalues
    if dependent and kind == "saddle":
        # With dependent gradients the points that obey the constraints need not fill the tangent plane.
        kind = "degenerate"
    if sign < 0:
        kind = {"minimum": "maximum", "maximum": "minimum"}.get(kind, kind)
        eigenvalues = -eigenvalues[::-1]
    return kind, eigenvalues, found.error
