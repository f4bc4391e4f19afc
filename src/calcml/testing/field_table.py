"""The catalogue of functions of many variables: every shape of argument and of value."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._tools import constant
from .fields import (
    _BATCH,
    _SCALAR,
    _VECTOR,
    FieldCase,
    broyden_tridiagonal,
    log_sum_exp,
    quadratic_form,
    rosenbrock,
    softmax,
)

__all__ = ["field_cases"]

_TENSOR = _BATCH | {"tensor"}


def _sine_of_scalar() -> FieldCase:
    return FieldCase(
        "sine_of_scalar", np.sin, constant(0.8), lambda x: np.asarray(np.cos(x)),
        lambda x: np.asarray(-np.sin(x)), _SCALAR,
    )  # fmt: skip


def _product() -> FieldCase:
    def others(x: Any, *left_out: int) -> Any:
        return np.prod([x[k] for k in range(5) if k not in left_out])

    def gradient(x: Any) -> NDArray[Any]:
        return np.array([others(x, i) for i in range(5)])

    def hessian(x: Any) -> NDArray[Any]:
        return np.array([[others(x, i, j) if i != j else 0 * x[0] for j in range(5)] for i in range(5)])

    def f(x: Any) -> Any:
        return x[0] * x[1] * x[2] * x[3] * x[4]

    return FieldCase("product", f, constant([0.5, -2.0, 1.5, 3.0, 0.25]), gradient, hessian, _SCALAR)


def _norm() -> FieldCase:
    def f(x: Any) -> Any:
        return np.sqrt(np.sum(x**2, axis=0))

    def hessian(x: Any) -> NDArray[Any]:
        r = f(x)
        return np.asarray((np.eye(3) - np.outer(x, x) / r**2) / r)

    return FieldCase("norm", f, constant([2.0, -3.0, 6.0]), lambda x: np.asarray(x / f(x)), hessian, _SCALAR)


def _mixed_units() -> FieldCase:
    # A pressure of 1e5 next to a thickness of 1e-4: one step cannot serve both variables.

    def f(x: Any) -> Any:
        return np.sin(x[0] / 1e5) + np.exp(1e4 * x[1]) + x[0] * x[1]

    def gradient(x: Any) -> NDArray[Any]:
        return np.array([np.cos(x[0] / 1e5) / 1e5 + x[1], 1e4 * np.exp(1e4 * x[1]) + x[0]])

    def hessian(x: Any) -> NDArray[Any]:
        one = 1 + 0 * x[0]
        return np.array([[-np.sin(x[0] / 1e5) / 1e10, one], [one, 1e8 * np.exp(1e4 * x[1])]])

    return FieldCase("mixed_units", f, constant([1.2e5, 1e-4]), gradient, hessian, _SCALAR | {"scale"})


def _logistic_loss() -> FieldCase:
    # Loss of a logistic regression on six points with a ridge: log(1 + exp(-y a.w)) + w.w / 2.
    points = [[1, 0.5, -1], [1, -1.5, 2], [1, 2, 0.3], [1, 0, -0.7], [1, -0.4, 1.1], [1, 1.2, 1.9]]
    A = constant(np.array(points) * np.array([1, -1, 1, -1, 1, -1])[:, None])

    def f(w: Any) -> Any:
        return np.sum(np.log1p(np.exp(-(A @ w))), axis=0) + 0.5 * np.sum(w * w, axis=0)

    def gradient(w: Any) -> NDArray[Any]:
        return np.asarray(w - A.T @ (1 / (1 + np.exp(A @ w))))

    def hessian(w: Any) -> NDArray[Any]:
        p = 1 / (1 + np.exp(A @ w))
        return np.asarray(np.eye(3) + (A.T * (p * (1 - p))) @ A)

    return FieldCase("logistic_loss", f, constant([0.1, -0.2, 0.3]), gradient, hessian, _SCALAR)


def _trace_of_cube() -> FieldCase:
    def f(X: Any) -> Any:
        return np.einsum("ij...,jk...,ki...->...", X, X, X)

    def hessian(X: Any) -> NDArray[Any]:
        # d tr(X^3)/dX_ij = 3 (X^2)_ji = 3 sum over m of X_jm X_mi; once more by X_kl:
        delta = np.eye(3)
        return np.asarray(3 * (np.einsum("jk,li->ijkl", delta, X) + np.einsum("jk,li->ijkl", X, delta)))

    x = constant([[1.0, 0.2, -0.5], [0.3, -0.8, 0.4], [0.6, 0.1, 0.9]])
    return FieldCase("trace_of_cube", f, x, lambda X: 3 * (np.asarray(X) @ X).T, hessian, _SCALAR)


def _polar() -> FieldCase:
    def f(x: Any) -> Any:
        return np.stack([x[0] * np.cos(x[1]), x[0] * np.sin(x[1])])

    def jacobian(x: Any) -> NDArray[Any]:
        r, c, s = x[0], np.cos(x[1]), np.sin(x[1])
        return np.array([[c, -r * s], [s, r * c]])

    def hessian(x: Any) -> NDArray[Any]:
        r, c, s = x[0], np.cos(x[1]), np.sin(x[1])
        return np.array([[[0 * r, -s], [-s, -r * c]], [[0 * r, c], [c, -r * s]]])

    return FieldCase("polar_to_cartesian", f, constant([2.0, 0.6]), jacobian, hessian, _VECTOR)


def _spherical() -> FieldCase:
    def f(x: Any) -> Any:
        r, t, p = x
        return np.stack([r * np.sin(t) * np.cos(p), r * np.sin(t) * np.sin(p), r * np.cos(t)])

    def jacobian(x: Any) -> NDArray[Any]:
        r, st, ct, sp, cp = x[0], np.sin(x[1]), np.cos(x[1]), np.sin(x[2]), np.cos(x[2])
        return np.array(
            [[st * cp, r * ct * cp, -r * st * sp], [st * sp, r * ct * sp, r * st * cp], [ct, -r * st, 0 * r]]
        )

    return FieldCase("spherical_to_cartesian", f, constant([1.5, 0.9, 2.1]), jacobian, None, _VECTOR)


def _linear_map() -> FieldCase:
    A = constant([[1.0, -2.0, 0.5], [3.0, 0.25, 4.0]])
    return FieldCase(
        "linear_map", lambda x: A @ x, constant([0.3, 0.7, -1.1]), lambda _: A.copy(),
        lambda _: np.zeros((2, 3, 3)), _VECTOR,
    )  # fmt: skip


def _helix() -> FieldCase:
    # One variable in an array of length 1: nothing is squeezed.
    return FieldCase(
        "helix", lambda x: np.stack([np.cos(x[0]), np.sin(x[0]), x[0] / 3]), constant([0.7]),
        lambda x: np.array([[-np.sin(x[0])], [np.cos(x[0])], [1 / 3 + 0 * x[0]]]),
        lambda x: np.array([[[-np.cos(x[0])]], [[-np.sin(x[0])]], [[0 * x[0]]]]), _VECTOR,
    )  # fmt: skip


def _one_equation() -> FieldCase:
    # One value in an array of length 1: a Jacobian of shape (1, 2), not a gradient.
    return FieldCase(
        "one_equation", lambda x: x[:1] ** 2 + np.exp(x[1:]) - 1, constant([0.4, -0.2]),
        lambda x: np.array([[2 * x[0], np.exp(x[1])]]),
        lambda x: np.array([[[2 + 0 * x[0], 0 * x[0]], [0 * x[0], np.exp(x[1])]]]), _VECTOR,
    )  # fmt: skip


def _outer_product() -> FieldCase:
    # A vector of 3 to a matrix of 3 by 3.
    delta = np.eye(3)

    def jacobian(x: Any) -> NDArray[Any]:
        return np.asarray(np.einsum("ik,j->ijk", delta, x) + np.einsum("i,jk->ijk", x, delta))

    def hessian(_: Any) -> NDArray[Any]:
        both = np.einsum("ik,jl->ijkl", delta, delta)
        return np.asarray(both + np.swapaxes(both, 2, 3))

    return FieldCase(
        "outer_product",
        lambda x: x[:, None] * x[None, :],
        constant([1.0, -0.5, 2.0]),
        jacobian,
        hessian,
        _TENSOR,
    )


def _matrix_square() -> FieldCase:
    # A matrix of 2 by 2 to a matrix of 2 by 2: d(X X)_ij / dX_kl = d_ik X_lj + X_ik d_jl.

    def jacobian(X: Any) -> NDArray[Any]:
        delta = np.eye(2)
        return np.asarray(np.einsum("ik,lj->ijkl", delta, X) + np.einsum("ik,jl->ijkl", X, delta))

    return FieldCase(
        "matrix_square", lambda X: np.einsum("ij...,jk...->ik...", X, X),
        constant([[0.5, 1.5], [-2.0, 0.75]]), jacobian, None, _TENSOR,
    )  # fmt: skip


def field_cases(tag: str | None = None) -> tuple[FieldCase, ...]:
    """List functions of many variables with exact derivatives.

    They cover every shape of argument and value: a 0-d argument, vectors of length 1, matrices; scalar,
    vector and matrix values; and variables in very different units. All of them take complex arguments, and
    points along one more, last axis.

    Parameters
    ----------
    tag : str, optional
        Only the cases with this tag, such as "scalar", "vector", "tensor", "sparse" or "scale".

    Returns
    -------
    tuple of FieldCase
        The cases; an unknown tag gives none.

    See Also
    --------
    derivative_cases : Functions of one variable.
    rosenbrock : One of them, with any number of variables.

    Examples
    --------
    >>> from calcml.testing import field_cases
    >>> [case.name for case in field_cases("tensor")]
    ['outer_product', 'matrix_square']
    """
    cases = (
        _sine_of_scalar(), quadratic_form(5), rosenbrock(2), rosenbrock(10), log_sum_exp(5), _product(),
        _norm(), _mixed_units(), _logistic_loss(), _trace_of_cube(), _polar(), _spherical(), _linear_map(),
        _helix(), _one_equation(), softmax(4), broyden_tridiagonal(10), _outer_product(), _matrix_square(),
    )  # fmt: skip
    return tuple(case for case in cases if tag is None or tag in case.tags)
