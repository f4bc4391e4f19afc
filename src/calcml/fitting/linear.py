"""Models that are linear in their parameters: a design matrix, or functions of x."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from calcml._function import Function
from calcml._parameters import real_array
from calcml._typing import ArrayLike, FloatArray
from calcml.errors import EvaluationError
from calcml.fitting._assemble import make_result
from calcml.fitting._data import Data, check_alone, check_data, check_points
from calcml.fitting._direct import direct
from calcml.fitting._least_squares import solve_linear
from calcml.fitting.result import FitResult

__all__ = ["fit_linear"]


def fit_linear(
    design: ArrayLike | Sequence[Callable[[Any], Any]],
    y: ArrayLike,
    sigma: ArrayLike | None = None,
    *,
    x: Any = None,
    names: Sequence[str] | None = None,
    absolute: bool | None = None,
) -> FitResult:
    """Fit a combination of given columns or functions, y = Σ theta_k h_k(x).

    With the design matrix A of shape (n, p), A[i, k] = h_k(x_i), and the covariance V of the data, the best
    values are theta = (Aᵀ V⁻¹ A)⁻¹ Aᵀ V⁻¹ y with the covariance (Aᵀ V⁻¹ A)⁻¹.  Neither inverse is formed: the
    columns are scaled to length 1 and factored as Q R, and the solution is refined with residuals in extended
    precision.

    Parameters
    ----------
    design : array_like, shape (n, p), or sequence of p callables
        The design matrix, or functions ``h(x)`` that return one number per point, or one for all.
    y : array_like, shape (n,)
        The measured values.
    sigma : array_like, optional
        Standard deviations of y: one number, shape (n,), or their covariance matrix, shape (n, n).
    x : array_like, shape (n,) or (k, n), optional
        Where the functions are evaluated; only with functions.
    names : sequence of str, optional
        Names of the parameters; c0, c1, ... by default.
    absolute : bool, optional
        Whether `sigma` is the size of the errors, or only their ratio, the size being taken from the scatter.
        By default True where `sigma` is given; without it the errors always come from the scatter.

    Returns
    -------
    FitResult
        Its curve takes other x, or with a design matrix other rows of it.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable.
    EvaluationError
        If a function does not return one number per point.

    Warns
    -----
    ConvergenceWarning
        If columns are linearly dependent; the message names the parameters.

    See Also
    --------
    fit_polynomial : Powers of x, in a basis that keeps their digits.
    fit : Models that are not linear in the parameters.

    References
    ----------
    .. [1] Particle Data Group, "Review of Particle Physics", Phys. Rev. D 110 (2024) 030001, section 40.2.3.
    .. [2] Å. Björck, "Iterative refinement of linear least squares solutions I", BIT 7 (1967) 257.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> x = np.linspace(0.0, 6.0, 13)
    >>> y = 2.0 + 3.0 * np.sin(x)
    >>> cm.fit_linear([np.ones_like, np.sin], y, x=x, names=["mean", "amplitude"]).values.round(12)
    array([2., 3.])
    """
    functions = _functions(design)
    if functions is None:
        if x is not None:
            raise ValueError(
                "`x` belongs to functions; a design matrix holds their values already, leave `x` out"
            )
        matrix, data = _matrix(design, y, sigma, absolute)
        model: Callable[..., Any] = _rows
    else:
        if x is None:
            raise ValueError("functions need `x`, where they are evaluated")
        data = check_data(x, y, sigma, absolute)
        matrix, model = _columns(functions, data.x, data.y.size), _Combination(functions)
    check_points(data.y.size, matrix.shape[1])
    labels = _labels(names, matrix.shape[1])
    solved = solve_linear(matrix, data.y, data.sigma)
    return make_result(direct(data, labels, model, solved, matrix))


def _functions(design: Any) -> tuple[Callable[[Any], Any], ...] | None:
    """Return the functions, None if `design` is not made of functions."""
    if isinstance(design, list | tuple) and any(callable(h) for h in design):
        for k, h in enumerate(design):
            if not callable(h):
                raise TypeError(
                    f"`design` must be all functions or a matrix, got {type(h).__name__} at index {k}"
                )
        return tuple(design)
    if callable(design):
        raise TypeError("`design` must be a sequence of functions; for one function pass [h]")
    return None


def _matrix(design: Any, y: Any, sigma: Any, absolute: Any) -> tuple[FloatArray, Data]:
    data, matrix = check_alone(y, sigma, absolute), real_array(design, "design")
    if matrix.ndim != 2 or matrix.shape[0] != data.y.size or matrix.shape[1] == 0:
        raise ValueError(
            f"`design` must have shape ({data.y.size}, p), one row per point and one column per parameter, "
            f"got {matrix.shape}"
        )
    for i, k in np.argwhere(~np.isfinite(matrix))[:1]:
        raise ValueError(f"`design` must be finite, got {matrix[i, k]} at index ({i}, {k})")
    return matrix.astype(np.float64), data


def _columns(functions: tuple[Callable[[Any], Any], ...], x: Any, n: int) -> FloatArray:
    """Return the design matrix of the functions at x."""
    matrix = np.empty((n, len(functions)))
    for k, h in enumerate(functions):
        column = Function(h, None, name=f"function {k} of `design`")
        values = column.evaluate_arrays([x])[0]
        if column.shape not in ((n,), ()) or values.dtype.kind == "c" or not np.isfinite(values).all():
            raise EvaluationError(
                f"{column.name} must return one finite real number per point, shape ({n},), "
                f"got shape {column.shape}, {values[~np.isfinite(values)][:1]}"
            )
        matrix[:, k] = values
    return matrix


def _labels(names: Any, p: int) -> tuple[str, ...]:
    if names is not None and (isinstance(names, str) or not isinstance(names, Iterable)):
        raise TypeError(f"`names` must be a list of {p} names, one per column, got {names!r}")
    labels = tuple(f"c{k}" for k in range(p)) if names is None else tuple(str(name) for name in names)
    if len(labels) != p or len(set(labels)) != p:
        raise ValueError(f"`names` must be {p} different names, one per column, got {list(labels)}")
    return labels


def _rows(design: Any, *coefficients: Any) -> Any:
    """Return the model for rows of a design matrix."""
    return np.asarray(design) @ np.asarray(coefficients)


class _Combination:
    """The sum of the functions times their coefficients."""

    def __init__(self, functions: tuple[Callable[[Any], Any], ...]) -> None:
        self.functions = functions

    def __call__(self, x: Any, *coefficients: Any) -> Any:
        return sum(c * h(x) for c, h in zip(coefficients, self.functions, strict=True))
