"""The Hessian: second derivatives with respect to many variables."""

from __future__ import annotations

from typing import Any

from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._dense_hessian import second_derivatives, second_values
from calcml.differentiate._problem import Estimate
from calcml.differentiate._sparse import open_plan, sparse_estimate, sparse_matrix
from calcml.schemes.registry import SchemeLike

__all__ = ["estimate_hessian", "hessian"]


def hessian(
    f: RealFunction,
    x: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
    grad: RealFunction | None = None,
    sparsity: Any = None,
) -> Any:
    """Return the Hessian, the symmetric matrix of second partial derivatives.

    H[i, j] = d²f/dx_i dx_j, the curvature of f near x.

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
    grad : callable, optional
        The gradient ``grad(x, *args, **kwargs)``, in the structure of x; then the Hessian is the symmetric
        part of its Jacobian, which is more accurate and takes fewer evaluations.  The options above then
        speak of `grad`, and f is not called.
    sparsity : sparse matrix, array_like of bool or SparsityPlan, optional
        Where the Hessian, as a matrix with ``x.size`` rows, may differ from 0; symmetric, as a plan with
        ``symmetric=True``.  The Hessian is then a sparse matrix, and f must return one real number.

    Returns
    -------
    ndarray or structure
        The Hessian, of shape ``f(x).shape + x.shape + x.shape``; for structured x a structure of structures,
        ``H["a"]["b"]``.  With `sparsity`, a `scipy.sparse.csr_array` of shape ``(x.size, x.size)``.

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
    estimate_hessian : The same with its error.
    hvp : A Hessian times a vector, without the matrix.

    Notes
    -----
    With c_2(v) = v·H v / 2, the second Taylor coefficient along v, the diagonal is H_ii = 2 c_2(e_i), and
    polarization gives the rest: s_i s_j H_ij = c_2(s_i e_i + s_j e_j) - c_2(s_i e_i) - c_2(s_j e_j).  The
    lengths s_i are the steps found on the axes, so that variables of different units keep their digits.

    With `sparsity`, only the pairs in the pattern are taken; each costs as much as an axis, for values of f
    tell nothing about two pairs at once.  With `grad` too, the gradient is differenced along the colors of a
    star coloring: three directions for a tridiagonal Hessian of any size.  With `grad`, one direction
    more checks the pattern; without, 3 evaluations for each of about 5 (d + 3) mixed differences, with d
    entries per row off the diagonal (see `SparsityPlan`).

    Examples
    --------
    >>> import calcml as cm
    >>> cm.hessian(lambda x: x[0] ** 2 * x[1], [3.0, 2.0]).round(6)
    array([[4., 6.],
           [6., 0.]])
    """
    options = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    if sparsity is not None:
        plan = open_plan(sparsity, symmetric=True)
        return sparse_matrix(f, x, plan, "hessian", grad=grad, **options)
    return second_values(f, x, grad, **options)


def estimate_hessian(
    f: RealFunction,
    x: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
    grad: RealFunction | None = None,
    sparsity: Any = None,
) -> Estimate:
    """Return the Hessian with its error.

    The same as `hessian`, with the error split into truncation (what the formula leaves out) and noise
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
    grad : callable, optional
        The gradient ``grad(x, *args, **kwargs)``, in the structure of x; then the Hessian is the symmetric
        part of its Jacobian, and half the asymmetry counts as truncation.
    sparsity : sparse matrix, array_like of bool or SparsityPlan, optional
        Where the Hessian, as a matrix with ``x.size`` rows, may differ from 0; symmetric, as a plan with
        ``symmetric=True``.  The Hessian is then a sparse matrix, and f must return one real number.

    Returns
    -------
    Estimate
        ``value, error, truncation, noise, step, nfev, status, scheme``; the arrays have the Hessian's shape,
        the steps that of x.  With `sparsity`, all but the steps are sparse matrices of one structure.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls, or if `sparsity` misses an entry.

    See Also
    --------
    hessian : The value alone.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> estimate = cm.estimate_hessian(lambda x: np.exp(x[0] * x[1]), [1.0, 0.5])
    >>> bool(estimate.error.max() < 1e-8)
    True
    """
    options = dict(
        scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    if sparsity is not None:
        plan = open_plan(sparsity, symmetric=True)
        return sparse_estimate(f, x, plan, "hessian", grad=grad, **options)
    return second_derivatives(f, x, grad, **options)
