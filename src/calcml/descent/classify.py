"""What a stationary point is: minimum, maximum, saddle or degenerate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._objective import open_objective
from calcml._result import Result, format_array
from calcml._typing import Bounds, FloatArray, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.descent._curvature import curvature
from calcml.descent._oracle import Oracle, Point
from calcml.descent._state import present
from calcml.descent.steps.base import check_number
from calcml.errors import EvaluationError
from calcml.schemes.registry import SchemeLike

__all__ = ["Classification", "classify"]


@dataclass(frozen=True, eq=False, repr=False)
class Classification(Result):
    """What a point is, with the evidence.

    Attributes
    ----------
    kind : str
        "minimum", "maximum", "saddle", "degenerate" or "not stationary".
    gradient, gradient_error : same structure as x
        The gradient and a bound on its error.
    eigenvalues, eigenvalue_error : ndarray, shape (n,)
        The eigenvalues of the Hessian, ascending, with bounds on their errors.
    eigenvectors : ndarray, shape (n, n)
        Its eigenvectors as columns, in the same order.

    See Also
    --------
    classify : Returns this.

    Examples
    --------
    >>> import calcml as cm
    >>> cm.classify(lambda x: x[0] ** 2 - x[1] ** 2, [0.0, 0.0]).eigenvalues.round(6)
    array([-2.,  2.])
    """

    kind: str
    gradient: Any
    gradient_error: Any
    eigenvalues: FloatArray
    eigenvalue_error: FloatArray
    eigenvectors: FloatArray

    def _rows(self) -> list[tuple[str, str]]:
        def text(value: Any, digits: int) -> str:
            return format_array(value, digits) if hasattr(value, "dtype") else str(value)

        return [
            ("kind", self.kind),
            ("gradient", text(self.gradient, 3)),
            ("its error", text(self.gradient_error, 1)),
            ("eigenvalues", text(self.eigenvalues, 8)),
            ("their error", text(self.eigenvalue_error, 1)),
        ]


def classify(
    f: RealFunction,
    x: Any,
    *,
    grad: RealFunction | None = None,
    hess: RealFunction | None = None,
    tolerance: float = 1e-5,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> Classification:
    r"""Tell whether a point is a minimum, a maximum or a saddle.

    Where the gradient vanishes, f(x + p) = f(x) + p·H p / 2 + ..., and the signs of the eigenvalues of H
    decide: all positive a minimum, all negative a maximum, both signs a saddle; if one cannot be told from
    zero and the others agree, the point is degenerate, and higher derivatives decide.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning one real number.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        The point.
    grad : callable, optional
        The gradient ``grad(x, *args, **kwargs)``, in the structure of x.
    hess : callable, optional
        The Hessian ``hess(x, *args, **kwargs)``, of shape ``x.shape + x.shape``.
    tolerance : float, optional
        How far the point may be from the stationary one, relative to ``max(\|x\|, 1)``.
    scheme : str or Scheme, optional
        How to differentiate where `grad` or `hess` is not given.
    args, kwargs : tuple, dict, optional
        Further arguments of f, `grad` and `hess`.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.  The point is
        classified as if there were none.
    vectorized : bool, optional
        Whether f takes x of shape ``x.shape + (K,)`` and returns shape ``(K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.

    Returns
    -------
    Classification
        ``kind, gradient, gradient_error, eigenvalues, eigenvalue_error, eigenvectors``.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f does not return one real number, or its value, gradient or Hessian is not finite at x.

    See Also
    --------
    minimize : Makes the same test at its end.

    Notes
    -----
    The point counts as stationary if each \|g_i\| is below its error or below tolerance sum_j \|H_ij\|
    max(\|x_j\|, 1), the change of the gradient over that distance.  Signs are those of the eigenvalues of D
    H D with a unit diagonal, as many as of H by Sylvester's law of inertia [1]_, so that the units of the
    variables do not matter.  With H known to within E, an eigenvalue with the vector v is known to within
    \|v\|·E \|v\| to first order.

    References
    ----------
    .. [1] G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th ed. (2013), theorem 8.1.17.

    Examples
    --------
    >>> import calcml as cm
    >>> f = lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4 / 2
    >>> cm.classify(f, [0.0, 0.0]).kind, cm.classify(f, [0.0, 1.0]).kind
    ('saddle', 'minimum')
    >>> cm.classify(f, [1.0, 1.0]).kind
    'not stationary'
    """
    check_number("tolerance", tolerance, 0.0, np.inf)
    with open_objective(
        f, x, grad=grad, hess=hess, scheme=scheme, args=args, kwargs=kwargs, bounds=bounds,
        vectorized=vectorized, workers=workers,
    ) as (objective, flat):  # fmt: skip
        oracle = Oracle(objective)
        point = oracle.point(flat, objective.value(flat), error=True)
        H, E = oracle.hessian(point, np.arange(flat.size))
    found = curvature(H, E)
    if found is None or not (np.isfinite(point.fun) and np.isfinite(point.grad).all()):
        raise EvaluationError(
            "the value, the gradient or the Hessian is not finite at `x`; move the point or set `bounds`"
        )
    values, vectors = np.linalg.eigh(H)
    weights = np.abs(vectors)
    error = np.einsum("ik,ij,jk->k", weights, E, weights) + 4 * flat.size * np.finfo(float).eps * np.max(
        np.abs(values)
    )
    kind = "not stationary"
    if _stationary(point, H, tolerance):
        kind = _kind(found.values, found.errors)
    structure = objective.structure
    return Classification(
        kind, present(structure, point.grad), present(structure, point.error), values, error, vectors
    )


def _stationary(point: Point, H: FloatArray, tolerance: float) -> bool:
    reach = np.abs(H) @ np.maximum(np.abs(point.x), 1.0)
    return bool((np.abs(point.grad) <= np.maximum(point.error, tolerance * reach)).all())


def _kind(values: FloatArray, errors: FloatArray) -> str:
    up, down = values > errors, values < -errors
    if up.any() and down.any():
        return "saddle"
    if up.all():
        return "minimum"
    return "maximum" if down.all() else "degenerate"
