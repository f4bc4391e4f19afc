"""A link at one point: its value, and its Jacobian by its own rule or by a scheme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._parameters import flatten
from calcml._status import Status
from calcml._typing import FloatArray, RealFunction
from calcml.chain.link import Link
from calcml.differentiate._first import first_derivatives
from calcml.errors import EvaluationError
from calcml.schemes.base import Scheme

__all__ = ["Local", "Matrix", "at_point", "cast", "check_finite", "check_shape", "evaluate", "own", "worst"]


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix and a bound on the absolute error of each entry."""

    value: FloatArray
    error: FloatArray

    def __matmul__(self, other: Matrix) -> Matrix:
        """Return the product with the bound on its error.

        (A + a)(B + b) - AB = Ab + aB + ab, where |a| and |b| are at most the bounds; rounding adds at most
        k ε |A||B| for sums of k products.
        """
        a, b = np.abs(self.value), np.abs(other.value)
        rounding = b.shape[0] * np.finfo(b.dtype).eps
        error = a @ other.error + self.error @ (b + other.error) + rounding * (a @ b)
        return Matrix(self.value @ other.value, error)


@dataclass(frozen=True, eq=False)
class Local:
    """A link at one point: its value and its Jacobian with errors, shaped ``f(z).shape + z.shape``."""

    value: NDArray[Any]
    jacobian: FloatArray
    error: FloatArray
    status: Status
    nfev: int
    njev: int

    def matrix(self, columns: int) -> Matrix:
        """Return the Jacobian with respect to so many numbers as a matrix."""
        shape = (self.value.size, columns)
        # Products of float32 numbers are added up in float64, where they are exact.
        jacobian = self.jacobian.reshape(shape).astype(np.result_type(self.jacobian, float), copy=False)
        return Matrix(jacobian, self.error.reshape(shape))


def at_point(link: Link, z: FloatArray, scheme: Scheme) -> Local:
    """Evaluate a link and its Jacobian; without one of its own, by the scheme."""
    if link.jac is not None:
        value, jacobian = evaluate(link.f, z), evaluate(link.jac, z, "jac")
        wanted = value.shape + z.shape
        if jacobian.shape != wanted:
            msg = f"`jac` must return shape {wanted}, f(z).shape + z.shape, got {jacobian.shape}"
            raise EvaluationError(msg)
        # What the user gives is taken as right to the last digit.
        status = Status.OK if np.isfinite(jacobian).all() else Status.NON_FINITE
        return Local(value, jacobian, _rounding(jacobian, z), status, 1, 1)
    values: list[Any] = []
    estimate = first_derivatives(link.f, z, values=values, scheme=scheme)
    value, jacobian = _real(np.asarray(values[0])), np.asarray(estimate.value)
    error = np.asarray(estimate.error) + _rounding(jacobian, z)
    return Local(value, jacobian, error, worst(estimate.status), estimate.nfev, 0)


def evaluate(f: RealFunction, z: FloatArray, name: str = "f") -> NDArray[Any]:
    """Call a user's function of a number or an array, once, and check that it returns real numbers."""
    flat, structure = flatten(z, "z")
    function = Function(f, structure, name=name)
    row = function.evaluate(flat[None, :])[0]
    return _real(row.reshape(function.shape or ()))


def _real(value: NDArray[Any]) -> NDArray[Any]:
    if value.dtype.kind == "c":
        msg = "the link returned complex numbers; return the real and imaginary parts as two numbers"
        raise EvaluationError(msg)
    return value


def _rounding(jacobian: FloatArray, z: FloatArray) -> FloatArray:
    return np.asarray(np.finfo(z.dtype).eps / 2 * np.abs(jacobian))


def worst(codes: Any) -> Status:
    """Return the worst of several statuses."""
    return Status(int(np.max(codes, initial=0)))


def own(x: Any) -> Any:
    """Return a copy of x in floating point: links that write to it or overflow integers do no harm."""
    copy = np.array(x)
    return (copy.astype(float) if copy.dtype.kind in "iub" else copy)[()]


def cast(values: Any, dtype: np.dtype[Any]) -> FloatArray:
    """Return values in the dtype of x; what that cannot hold is infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(values.astype(dtype))


def check_finite(vector: FloatArray, name: str) -> None:
    """Refuse a vector that is not finite."""
    for i in np.flatnonzero(~np.isfinite(vector))[:1]:
        msg = f"`{name}` must be finite, got {vector.flat[i]} at index {i}"
        raise ValueError(msg)


def check_shape(vector: FloatArray, shape: tuple[int, ...], name: str, other: str) -> None:
    """Refuse a vector that has not the shape of that other."""
    if vector.shape != shape:
        msg = f"`{name}` must have the shape of {other}, {shape}, got {vector.shape}"
        raise ValueError(msg)
