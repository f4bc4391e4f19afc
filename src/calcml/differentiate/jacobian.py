"""The Jacobian of a function of many variables."""

from __future__ import annotations

from typing import Any

from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._first import first_derivatives, first_values
from calcml.differentiate._problem import Estimate, only_f
from calcml.differentiate._sparse import open_plan, sparse_estimate, sparse_matrix
from calcml.schemes._batch import first_in_batch
from calcml.schemes.registry import SchemeLike, as_scheme

__all__ = ["estimate_jacobian", "jacobian"]


def jacobian(
    f: RealFunction,
    x: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
    sparsity: Any = None,
) -> Any:
    """Return the Jacobian, all partial derivatives of all outputs.

    J[i, j] = df_i/dx_j, the matrix of the linear map that approximates f near x.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
    scheme : str or Scheme, optional
        How to differentiate: a name from `calcml.schemes` or a scheme with options.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.
    vectorized : bool, optional
        Whether f takes x of shape ``x.shape + (K,)`` and returns ``f(x).shape + (K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.
    sparsity : sparse matrix, array_like of bool or SparsityPlan, optional
        Where the Jacobian, as a matrix of ``f(x).size`` rows and ``x.size`` columns, may differ from 0.
        Columns that share no row are then differenced together, and the Jacobian is a sparse matrix.  A plan
        saves preparing the pattern anew in each call.

    Returns
    -------
    ndarray or structure
        The Jacobian, of shape ``f(x).shape + x.shape`` with nothing squeezed; for structured x, a
        structure of such arrays.  With `sparsity`, a `scipy.sparse.csr_array` of shape
        ``(f(x).size, x.size)``, all axes of f(x) and of x in C order.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls, or if `sparsity` misses an entry.

    Warns
    -----
    AccuracyWarning
        If the scheme's own error estimate supports fewer than two digits.

    See Also
    --------
    estimate_jacobian : The same with its error.
    gradient : The same rule, for scalar functions.
    sparsity_pattern : Find the pattern of a function.

    Notes
    -----
    With `sparsity`, f moves along one direction for each color of the pattern; a tridiagonal Jacobian of any
    size takes three, as many as its rows have entries.  Coordinates move in proportion to powers of two near
    their sizes, so that no digit is lost by sharing a direction.  One direction more, a mixture of all
    columns, checks the pattern: f must react to it as the matrix says.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> polar = lambda p: np.array([p[0] * np.cos(p[1]), p[0] * np.sin(p[1])])
    >>> np.round(cm.jacobian(polar, [2.0, 0.0]), 10) + 0.0
    array([[1., 0.],
           [0., 2.]])

    A pattern makes the cost that of its colors:

    >>> f = lambda x: x**2
    >>> cm.jacobian(f, np.ones(5), sparsity=np.eye(5)).toarray().round(8).diagonal()
    array([2., 2., 2., 2., 2.])
    """
    if vectorized and sparsity is None and only_f(f, args, kwargs, bounds, workers):
        value = first_in_batch(as_scheme(scheme).many(1), f, x)
        if value is not None:
            return value
    options: dict[str, Any] = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    if sparsity is None:
        return first_values(f, x, "jacobian", **options)
    return sparse_matrix(f, x, open_plan(sparsity), "jacobian", **options)


def estimate_jacobian(
    f: RealFunction,
    x: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
    sparsity: Any = None,
) -> Estimate:
    """Return the Jacobian with its error.

    The same as `jacobian`, with the error split into truncation (what the formula leaves out) and noise
    (what rounding and noise of f put in).

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
    scheme : str or Scheme, optional
        How to differentiate: a name from `calcml.schemes` or a scheme with options.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.
    vectorized : bool, optional
        Whether f takes x of shape ``x.shape + (K,)`` and returns ``f(x).shape + (K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.
    sparsity : sparse matrix, array_like of bool or SparsityPlan, optional
        Where the Jacobian, as a matrix of ``f(x).size`` rows and ``x.size`` columns, may differ from 0.
        Columns that share no row are then differenced together, and the Jacobian is a sparse matrix.  A plan
        saves preparing the pattern anew in each call.

    Returns
    -------
    Estimate
        ``value, error, truncation, noise, step, nfev, status, scheme``; the arrays have the Jacobian's shape.
        With `sparsity`, all but the steps are sparse matrices of one structure.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls, or if `sparsity` misses an entry.

    See Also
    --------
    jacobian : The value alone.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cm.estimate_jacobian(lambda x: x**2, np.array([1.0, 3.0])).value.round(8)
    array([[2., 0.],
           [0., 6.]])
    """
    options: dict[str, Any] = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    if sparsity is None:
        return first_derivatives(f, x, **options)
    return sparse_estimate(f, x, open_plan(sparsity), "jacobian", **options)
