"""The Hessian: second derivatives with respect to many variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._function import Function, check_callable
from calcml._lines import Directions, PointLines, axes
from calcml._parameters import Structure, flatten
from calcml._typing import (
    Bounds,
    FloatArray,
    KeywordArguments,
    PositionalArguments,
    RealFunction,
    Workers,
)
from calcml.differentiate._problem import (
    Estimate,
    Problem,
    coefficient,
    open_problem,
    to_values,
    warn_inaccurate,
)
from calcml.errors import EvaluationError
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.registry import SchemeLike

__all__ = ["FlatGradient", "FlatHessian", "estimate_hessian", "hessian", "hessian_tables"]


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

    Returns
    -------
    ndarray or structure
        The Hessian, of shape ``f(x).shape + x.shape + x.shape``; for structured x a structure of structures,
        ``H["a"]["b"]``.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

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
    return _second_derivatives(f, x, grad, error=False, **options).value


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

    Returns
    -------
    Estimate
        ``value, error, truncation, noise, step, nfev, status, scheme``; the arrays have the Hessian's shape,
        the steps that of x.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

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
    return _second_derivatives(f, x, grad, error=True, **options)


class FlatGradient:
    """A user's gradient as a function that returns one flat vector.

    A class rather than a closure so that it can travel to another process.
    """

    def __init__(self, grad: RealFunction, structure: Structure) -> None:
        self.grad, self.structure = grad, structure

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate the gradient and flatten it."""
        value = self.grad(x, *args, **kwargs)
        if self.structure.plain:
            value = np.asarray(value)
            found, wanted = str(value.shape), str(self.structure.shape)
        else:
            value, structure = flatten(value, "grad(x)")
            found, wanted = (str([leaf.shape for leaf in s.leaves]) for s in (structure, self.structure))
        if found != wanted:
            raise EvaluationError(f"`grad` must return the shape of x, {wanted}, got {found}")
        return value.ravel()


def _second_derivatives(f: Any, x: Any, grad: Any, *, error: bool, **options: Any) -> Estimate:
    """Return the Hessian from f alone, or from the gradient where it is given."""
    check_callable(f)
    if grad is None:
        with open_problem(f, x, **options) as problem:
            tables = hessian_tables(
                problem.function, problem.x, problem.bounds, problem.scheme, gradient=False, error=error
            )
    else:
        if options["vectorized"]:
            raise ValueError("`vectorized=True` speaks of f, not of `grad`; leave out one of the two")
        check_callable(grad, "grad")
        _, structure = flatten(x)
        with open_problem(FlatGradient(grad, structure), x, name="grad", **options) as problem:
            tables = hessian_tables(
                problem.function, problem.x, problem.bounds, problem.scheme, gradient=True, error=error
            )
    if not error:
        warn_inaccurate(tables["status"], "hessian")
    return _assemble(problem, tables, lead=(problem.function.shape or ()) if grad is None else ())


class FlatHessian:
    """A user's Hessian as a function that returns one n by n matrix."""

    def __init__(self, hess: RealFunction, structure: Structure) -> None:
        self.hess, self.structure = hess, structure

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate the Hessian and flatten both of its sides."""
        value, n = self.hess(x, *args, **kwargs), self.structure.size
        if self.structure.plain:
            matrix = np.asarray(value)
            wanted = self.structure.shape * 2
            if matrix.shape != wanted:
                raise EvaluationError(f"`hess` must return x.shape + x.shape, {wanted}, got {matrix.shape}")
            return matrix.reshape(n, n)
        # A structure of structures flattens row block by row block: H["a"]["b"] has shape a.shape + b.shape.
        blocks, structure = flatten(value, "hess(x)")
        sizes = [leaf.stop - leaf.start for leaf in self.structure.leaves]
        if [leaf.stop - leaf.start for leaf in structure.leaves] != [a * b for a in sizes for b in sizes]:
            raise EvaluationError("`hess` must return a structure of structures in the layout of x")
        parts = [blocks[leaf.start : leaf.stop] for leaf in structure.leaves]
        rows = [
            [parts[i * len(sizes) + j].reshape(sizes[i], sizes[j]) for j in range(len(sizes))]
            for i in range(len(sizes))
        ]
        return np.block(rows)


def hessian_tables(
    function: Function,
    x: FloatArray,
    bounds: tuple[FloatArray, FloatArray] | None,
    scheme: Scheme,
    *,
    gradient: bool,
    error: bool,
) -> dict[str, Any]:
    """Return value, truncation, noise and status as tables of shape (n, n, M), and the steps on the axes.

    With `gradient`, the function is the flat gradient itself and its Jacobian is made symmetric.
    """
    lines = PointLines(function, x, axes(x.size), bounds)
    if gradient:
        return _symmetrize(coefficient(scheme, lines, 1, error=error))
    return _polarize(lines, scheme, error)


def _polarize(lines: PointLines, scheme: Scheme, error: bool) -> dict[str, Any]:
    """Find second coefficients along axes and pairs of axes."""
    n = lines.count
    axis = coefficient(scheme, lines, 2, error=error)
    scale = _lengths(axis.step, lines.magnitude)
    first, second = np.triu_indices(n, 1)
    pair = axis
    if first.size:
        directions = Directions.pairs(first, second, scale)
        through = PointLines(lines.function, lines.x, directions, lines.bounds, lines.origin()[:1])
        pair = coefficient(scheme, through, 2, error=error)
    tables: dict[str, Any] = {"step": axis.step}
    s2 = (scale**2)[:, None]
    area = (scale[first] * scale[second])[:, None]
    for name, sign in (("value", -1.0), ("truncation", 1.0), ("noise", 1.0)):
        own = getattr(axis, name)
        table = np.empty((n, n, own.shape[1]), dtype=own.dtype)
        table[np.arange(n), np.arange(n)] = 2 * own
        if first.size:
            scaled = own * s2
            with np.errstate(invalid="ignore", over="ignore"):
                mixed = (getattr(pair, name) + sign * (scaled[first] + scaled[second])) / area
            table[first, second] = table[second, first] = mixed
        tables[name] = table
    status = np.empty(tables["value"].shape, dtype=np.int8)
    status[np.arange(n), np.arange(n)] = axis.status
    if first.size:
        worst = np.maximum(pair.status, np.maximum(axis.status[first], axis.status[second]))
        status[first, second] = status[second, first] = worst
    tables["status"] = status
    return tables


def _lengths(step: FloatArray, magnitude: FloatArray) -> FloatArray:
    usable = np.isfinite(step) & (step > 0)
    return np.where(usable, step, 1e-4 * np.maximum(magnitude, 1.0))


def _symmetrize(c: Coefficient) -> dict[str, Any]:
    """Take the symmetric part of the Jacobian of a gradient; half the asymmetry is error."""
    with np.errstate(invalid="ignore"):
        asymmetry = np.abs(c.value - c.value.T) / 2
    return {
        "value": ((c.value + c.value.T) / 2)[..., None],
        "truncation": ((c.truncation + c.truncation.T) / 2 + asymmetry)[..., None],
        "noise": ((c.noise + c.noise.T) / 2)[..., None],
        "status": np.maximum(c.status, c.status.T)[..., None],
        "step": c.step,
    }


def _assemble(problem: Problem, tables: dict[str, Any], lead: tuple[int, ...]) -> Estimate:
    structure, n = problem.structure, problem.x.size

    def shaped(name: str, *, cast: bool = False, magnitude: bool = True) -> Any:
        joined = to_values(tables[name], problem.function, magnitude=magnitude)
        values = np.moveaxis(joined, -1, 0).reshape(*lead, n, n)
        return structure.spread_pairs(values, lead, cast=cast)

    tables["error"] = tables["truncation"] + tables["noise"]
    return Estimate(
        value=shaped("value", cast=True, magnitude=False),
        error=shaped("error"),
        truncation=shaped("truncation"),
        noise=shaped("noise"),
        step=structure.spread(tables["step"], cast=False),
        nfev=problem.function.nfev,
        status=shaped("status"),
        scheme=problem.scheme,
    )
