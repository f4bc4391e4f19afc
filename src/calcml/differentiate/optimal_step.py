"""The best step of a difference formula, found once to be used again."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._function import Function
from calcml._lines import ElementwiseLines, Lines, axes
from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._problem import Problem, open_problem
from calcml.schemes._recipe import Plan
from calcml.schemes._search import Search
from calcml.schemes.backward import Backward
from calcml.schemes.central import Central
from calcml.schemes.forward import Forward
from calcml.schemes.more_wild import MoreWild
from calcml.schemes.registry import SchemeLike, as_scheme
from calcml.schemes.steps import StepRule

__all__ = ["open_lines", "optimal_step"]

SIDES = {Forward: 1, Central: 0, Backward: -1}


def optimal_step(
    f: RealFunction,
    x: Any,
    scheme: SchemeLike = "central",
    *,
    n: int = 1,
    rule: StepRule | None = None,
    elementwise: bool = False,
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> Any:
    r"""Find the step with the least error for each coordinate.

    The error of a difference formula of order p for the n-th derivative is that of noise, eps_f \|\|w\|\| /
    hⁿ, and of truncation, \|C f⁽ⁿ⁺ᵖ⁾\| hᵖ.  Noise and derivative are measured, once; as long as f keeps its
    scale the steps found serve wherever f is differentiated, at 2 evaluations per coordinate with a central
    difference.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
    scheme : str or Scheme, optional
        "forward", "backward" or "central", or one of these schemes with an order.
    n : int, optional
        Order of the derivative for which the steps are meant.
    rule : StepRule, optional
        The search; None takes that of the scheme, or else `MoreWild`, the most reliable.
    elementwise : bool, optional
        Whether f is a function of one number to be differentiated at each entry of x, as by `derivative`.
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
        The steps, in the shape of x, positive and finite; ``step=`` of the scheme takes them.  Where f tells
        nothing (constant, linear or NaN), they are those of `Relative`.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

    See Also
    --------
    noise_level : The noise of f alone.
    step_sweep : The error of one derivative for many steps.

    Notes
    -----
    A step serves all outputs of f: the shortest that one of them asks for is taken.  `Adaptive` needs no
    step.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> from calcml.schemes import Central
    >>> def f(x):
    ...     return np.exp(1000 * x[0]) + np.sin(x[1])
    >>> x = np.array([0.001, 1.0])
    >>> scheme = Central(order=4, step=cm.optimal_step(f, x, Central(order=4)))
    >>> cm.gradient(f, x, scheme=scheme).round(6)
    array([2.71828183e+03, 5.40302000e-01])
    """
    own = as_scheme(scheme)
    if not isinstance(own, Forward | Central | Backward):
        raise TypeError(f"`scheme` must be forward, backward or central, which have one step; got {own}")
    if rule is None:
        rule = own.step if isinstance(own.step, Search) else MoreWild()
    if not isinstance(rule, StepRule):
        raise TypeError(f"`rule` must be a step rule such as Shi(), got {rule!r}")
    if isinstance(n, bool) or not isinstance(n, int | np.integer):
        raise TypeError(f"`n` must be an integer, the order of the derivative, got {n!r}")
    if n < 1:
        raise ValueError(f"`n` must be at least 1, the order of the derivative, got {n}")
    plan = Plan(int(n), own.order, SIDES[type(own)])
    options: dict[str, Any] = dict(
        args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    with open_problem(f, x, scheme=own, **options) as problem:
        lines = open_lines(problem, elementwise=elementwise)
        steps = rule.steps(lines, plan.formula) if lines.count else np.empty(0)
    return problem.structure.spread(steps, cast=False)


def open_lines(problem: Problem, *, elementwise: bool) -> Lines:
    """Return one line along each coordinate, or through each point of an elementwise function."""
    if not elementwise:
        return problem.lines(axes(problem.x.size))
    if problem.function.vectorized:
        raise ValueError("`elementwise=True` evaluates all of x in one call; leave out `vectorized`")
    structure = problem.structure
    if not structure.plain:
        raise TypeError("`x` must be a number or an array with `elementwise=True`, not a structure")
    call = problem.function.call
    function = Function(call.f, None, args=call.args, kwargs=call.kwargs)
    function.employ(problem.function.mapper)
    return ElementwiseLines(function, problem.x.reshape(structure.shape), problem.bounds)
