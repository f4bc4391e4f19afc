"""The catalogue of minima."""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ._minima_smooth import classics, convex, traps
from ._residuals import Residuals, few_variables
from ._residuals_data import fits_to_data
from ._tools import constant, quiet
from .fields import FieldCase, rosenbrock
from .minima import MinimumCase

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["minimum_cases"]


def _least_squares(problem: Residuals) -> MinimumCase:
    """Turn residuals r with Jacobian J into f = r.r with the gradient 2 J^T r."""

    def f(x: Any) -> Any:
        return np.sum(problem.r(x) ** 2)

    def grad(x: Any) -> NDArray[Any]:
        return np.asarray(2 * problem.jac(x).T @ problem.r(x))

    return MinimumCase(
        problem.name, quiet(f), quiet(grad), problem.x0, problem.x, problem.fun, None, problem.others,
        problem.tags | {"least squares"},
    )  # fmt: skip


def _chained(case: FieldCase, name: str, *others: float) -> MinimumCase:
    return MinimumCase(
        name, quiet(case.f), quiet(case.jacobian), case.x, constant(np.ones(case.x.size)), 0.0,
        quiet(cast("Callable[[Any], NDArray[Any]]", case.hessian)), others,
    )  # fmt: skip


def minimum_cases(tag: str | None = None) -> tuple[MinimumCase, ...]:
    """List functions with known minima.

    These are problems of Moré, Garbow and Hillstrom [1]_, classical functions of two variables, convex
    functions of statistics and learning, and traps: the same function in other units, starts at a saddle
    point or at the answer, functions without a minimizer.

    Parameters
    ----------
    tag : str, optional
        Only the cases with this tag, such as "least squares", "convex" or "trap".

    Returns
    -------
    tuple of MinimumCase
        The cases; an unknown tag gives none.

    See Also
    --------
    constrained_cases : Minima under equality constraints.

    Notes
    -----
    The minimizers were computed with Newton's method in extended precision. Two minima differ from what is
    often printed: Freudenstein and Roth's function has a local minimum at 48.9843, and Biggs' EXP6 one at
    5.65565e-3; both are listed in `others`.

    References
    ----------
    .. [1] J. J. Moré, B. S. Garbow and K. E. Hillstrom, "Testing unconstrained optimization software",
       ACM Transactions on Mathematical Software 7 (1981) 17-41.

    Examples
    --------
    >>> from calcml.testing import minimum_cases
    >>> [case.name for case in minimum_cases("saddle start")]
    ['saddle_start', 'cosine_top']
    """
    squares = [p for p in (*few_variables(), *fits_to_data()) if p.name != "rosenbrock"]
    cases = (
        _chained(rosenbrock(2), "rosenbrock"),
        _chained(rosenbrock(10), "rosenbrock_10", 3.986579112347139),
        *(_least_squares(p) for p in squares),
        *classics(),
        *convex(),
        *traps(),
    )
    return tuple(case for case in cases if tag is None or tag in case.tags)
