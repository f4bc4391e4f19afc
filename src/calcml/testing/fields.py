"""Functions of many variables with exact gradients, Jacobians and Hessians."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._tools import constant

__all__ = ["FieldCase", "broyden_tridiagonal", "log_sum_exp", "quadratic_form", "rosenbrock", "softmax"]

_BATCH = frozenset({"analytic", "batch"})
_SCALAR = _BATCH | {"scalar"}
_VECTOR = _BATCH | {"vector"}


@dataclass(frozen=True, eq=False)
class FieldCase:
    """A function of many variables, a point, and its exact first and second derivatives.

    Parameters
    ----------
    name : str
        Unique name.
    f : callable
        The function, of an array of the shape of `x`.
    x : ndarray
        The point, read-only; any number of axes.
    jacobian : callable
        First derivatives at an array of the shape of `x`: shape ``f(x).shape + x.shape``, which for a
        function with scalar values is the gradient.
    hessian : callable, optional
        Second derivatives, of shape ``f(x).shape + x.shape + x.shape``.
    tags : frozenset of str
        "analytic" (takes complex arrays), "batch" (takes one more, last axis of points and puts it last),
        "scalar", "vector" or "tensor" (the values), "sparse", "scale" (the variables' units differ).

    See Also
    --------
    field_cases : The catalogue.

    Examples
    --------
    >>> from calcml.testing import rosenbrock
    >>> case = rosenbrock(2)
    >>> float(case.f(case.x)), case.jacobian(case.x).round(9).tolist()
    (24.199999999999996, [-215.6, -88.0])
    """

    name: str
    f: Callable[[Any], Any] = field(repr=False)
    x: NDArray[np.float64]
    jacobian: Callable[[Any], NDArray[Any]] = field(repr=False)
    hessian: Callable[[Any], NDArray[Any]] | None = field(default=None, repr=False)
    tags: frozenset[str] = frozenset()

    @property
    def gradient(self) -> Callable[[Any], NDArray[Any]]:
        """The exact gradient of a function with scalar values.

        Returns
        -------
        callable
            The same as `jacobian`.

        Raises
        ------
        TypeError
            If the values are not scalars.

        Examples
        --------
        >>> from calcml.testing import log_sum_exp
        >>> case = log_sum_exp(3)
        >>> float(case.gradient(case.x).sum())
        1.0
        """
        if "scalar" not in self.tags:
            message = f"the case {self.name!r} has no gradient, its values are not scalars; use `jacobian`"
            raise TypeError(message)
        return self.jacobian


def rosenbrock(n: int = 2) -> FieldCase:
    """Build the chained Rosenbrock function of n variables.

    The sum over i of ``100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2``, at (-1.2, 1, -1.2, 1, ...).

    Parameters
    ----------
    n : int, default 2
        Number of variables, at least 2.

    Returns
    -------
    FieldCase
        The case, with a tridiagonal Hessian.

    References
    ----------
    .. [1] H. H. Rosenbrock, "An automatic method for finding the greatest or least value of a function",
       The Computer Journal 3 (1960) 175-184.

    Examples
    --------
    >>> from calcml.testing import rosenbrock
    >>> rosenbrock(4).jacobian([1.0, 1.0, 1.0, 1.0]).tolist()
    [0.0, 0.0, 0.0, 0.0]
    """

    def f(x: Any) -> Any:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0)

    def gradient(x: Any) -> NDArray[Any]:
        x = np.asarray(x)
        gap = x[1:] - x[:-1] ** 2
        g = np.zeros_like(x)
        g[1:] = 200 * gap
        g[:-1] -= 400 * x[:-1] * gap + 2 * (1 - x[:-1])
        return np.asarray(g)

    def hessian(x: Any) -> NDArray[Any]:
        x = np.asarray(x)
        beside = -400 * x[:-1]
        diagonal = np.zeros_like(x)
        diagonal[1:] = 200
        diagonal[:-1] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
        return np.asarray(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))

    start = constant(np.resize([-1.2, 1.0], n))
    return FieldCase(f"rosenbrock_{n}", f, start, gradient, hessian, _SCALAR | {"sparse"})


def quadratic_form(n: int = 5) -> FieldCase:
    """Build a convex quadratic ``x.A.x / 2 - b.x`` with A = I + Hilbert matrix.

    Parameters
    ----------
    n : int, default 5
        Number of variables.

    Returns
    -------
    FieldCase
        The case, with a dense and constant Hessian A.

    Examples
    --------
    >>> from calcml.testing import quadratic_form
    >>> case = quadratic_form(2)
    >>> case.hessian(case.x).tolist()
    [[2.0, 0.5], [0.5, 1.3333333333333333]]
    """
    i = np.arange(n)
    A = constant(np.eye(n) + 1.0 / (1 + i[:, None] + i))
    b = constant(np.cos(i))

    def f(x: Any) -> Any:
        return 0.5 * np.sum(x * (A @ x), axis=0) - b @ x

    return FieldCase(
        f"quadratic_form_{n}",
        f,
        constant(1.0 / (1 + i)),
        lambda x: np.asarray(A @ x - b),
        lambda _: A.copy(),
        _SCALAR,
    )


def _probabilities(x: Any) -> Any:
    weights = np.exp(x)
    return weights / np.sum(weights, axis=0)


def log_sum_exp(n: int = 5) -> FieldCase:
    """Build ``log(sum(exp(x)))``, whose gradient is softmax.

    Parameters
    ----------
    n : int, default 5
        Number of variables.

    Returns
    -------
    FieldCase
        The case, with the Hessian ``diag(p) - p p^T``.

    Examples
    --------
    >>> from calcml.testing import log_sum_exp
    >>> log_sum_exp(2).jacobian([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """

    def hessian(x: Any) -> NDArray[Any]:
        p = _probabilities(x)
        return np.asarray(np.diag(p) - np.outer(p, p))

    return FieldCase(
        f"log_sum_exp_{n}", lambda x: np.log(np.sum(np.exp(x), axis=0)),
        constant(np.sin(np.arange(n))), _probabilities, hessian, _SCALAR,
    )  # fmt: skip


def softmax(n: int = 4) -> FieldCase:
    """Build softmax, ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    n : int, default 4
        Number of variables, and of values.

    Returns
    -------
    FieldCase
        The case, with the Jacobian ``diag(p) - p p^T`` and its derivative.

    Examples
    --------
    >>> from calcml.testing import softmax
    >>> softmax(2).jacobian([0.0, 0.0]).tolist()
    [[0.25, -0.25], [-0.25, 0.25]]
    """

    def jacobian(x: Any) -> NDArray[Any]:
        p = _probabilities(x)
        return np.asarray(np.diag(p) - np.outer(p, p))

    def hessian(x: Any) -> NDArray[Any]:
        # d(p_i)/dx_j = p_i (d_ij - p_j) =: p_i e_ij; once more: p_i e_ik e_ij - p_i p_j e_jk.
        p = _probabilities(x)
        e = np.eye(n) - p
        return np.asarray(np.einsum("i,ij,ik->ijk", p, e, e) - np.einsum("i,j,jk->ijk", p, p, e))

    return FieldCase(
        f"softmax_{n}", _probabilities, constant(np.cos(np.arange(n))), jacobian, hessian, _VECTOR
    )


def broyden_tridiagonal(n: int = 10) -> FieldCase:
    """Build the Broyden tridiagonal function, n equations with three variables each.

    ``F[i] = (3 - 2 x[i]) x[i] - x[i-1] - 2 x[i+1] + 1`` with ``x[-1] = x[n] = 0``, at -1.

    Parameters
    ----------
    n : int, default 10
        Number of variables, and of values.

    Returns
    -------
    FieldCase
        The case; its exact Jacobian and Hessian are dense arrays.

    References
    ----------
    .. [1] J. J. Moré, B. S. Garbow and K. E. Hillstrom, "Testing unconstrained optimization software",
       ACM Transactions on Mathematical Software 7 (1981) 17-41, problem 30.

    Examples
    --------
    >>> from calcml.testing import broyden_tridiagonal
    >>> case = broyden_tridiagonal(4)
    >>> case.f(case.x).tolist()
    [-2.0, -1.0, -1.0, -3.0]
    """

    def f(x: Any) -> Any:
        none = 0 * x[:1]
        before = np.concatenate([none, x[:-1]])
        after = np.concatenate([x[1:], none])
        return (3 - 2 * x) * x - before - 2 * after + 1

    def jacobian(x: Any) -> NDArray[Any]:
        x = np.asarray(x)
        return np.asarray(np.diag(3 - 4 * x) - np.eye(n, k=-1) - 2 * np.eye(n, k=1))

    def hessian(_: Any) -> NDArray[Any]:
        H = np.zeros((n, n, n))
        i = np.arange(n)
        H[i, i, i] = -4
        return H

    return FieldCase(
        f"broyden_tridiagonal_{n}", f, constant(-np.ones(n)), jacobian, hessian, _VECTOR | {"sparse"}
    )
