"""What solvers minimize: a function of a flat vector with its gradient and Hessian.

Gradient and Hessian are the user's own where given, else a scheme's.  Each is counted, each gradient
comes with a bound on its error where one is known, and no solver sees a scheme or calls user code itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from calcml._function import Function, check_callable
from calcml._lines import PointLines, axes
from calcml._parameters import Structure, check_bounds, flatten
from calcml._typing import Bounds, FloatArray, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml._workers import open_map
from calcml.differentiate._flat import FlatGradient, FlatHessian
from calcml.differentiate._problem import coefficient
from calcml.differentiate._second import hessian_tables
from calcml.errors import EvaluationError
from calcml.schemes.base import Scheme
from calcml.schemes.registry import SchemeLike, as_scheme

__all__ = ["Objective", "VectorObjective", "open_objective", "open_vector_objective"]


class VectorObjective:
    """A vector-valued function of a flat vector with its Jacobian: residuals, systems, constraints.

    Attributes
    ----------
    nfev, njev : int
        Points at which f was evaluated (differences included) and calls of the user's Jacobian.
    """

    def __init__(
        self,
        function: Function,
        structure: Structure,
        scheme: Scheme,
        bounds: tuple[FloatArray, FloatArray] | None,
        jacobian: Function | None = None,
    ) -> None:
        self.function, self.structure, self.scheme, self.bounds = function, structure, scheme, bounds
        self.user_jacobian = jacobian

    @property
    def nfev(self) -> int:
        """Points at which f was evaluated, differences included."""
        return self.function.nfev

    @property
    def njev(self) -> int:
        """Calls of the user's Jacobian."""
        return self.user_jacobian.nfev if self.user_jacobian is not None else 0

    def value(self, x: FloatArray) -> FloatArray:
        """Return f(x) as a flat vector."""
        row = self.function.evaluate(x[None, :])
        self._refuse_complex()
        return row[0]

    def jacobian(self, x: FloatArray, *, error: bool = False) -> tuple[FloatArray, FloatArray]:
        """Return J of shape (m, n) and a bound on its error; without `error` only the part due to noise.

        The user's own Jacobian is taken as exact to rounding.
        """
        if self.user_jacobian is not None:
            row = self.user_jacobian.evaluate(x[None, :])[0]
            if row.dtype.kind == "c":
                raise EvaluationError(
                    f"`{self.user_jacobian.name}` must return real numbers, got {row.dtype}"
                )
            lead = self.function.shape or ()
            wanted, flat = lead + self.structure.shape, (*lead, x.size)
            if self.function.shape is not None and self.user_jacobian.shape not in (wanted, flat):
                raise EvaluationError(
                    f"`{self.user_jacobian.name}` must return shape {wanted}, got {self.user_jacobian.shape}"
                )
            J = row.reshape(-1, x.size)
            return J, np.finfo(float).eps * np.abs(J)
        lines = PointLines(self.function, x, axes(x.size), self.bounds)
        c = coefficient(self.scheme, lines, 1, error=error)
        self._refuse_complex()
        bound = c.noise + np.where(np.isnan(c.truncation) & np.isfinite(c.value), 0.0, c.truncation)
        return c.value.T, bound.T

    def _refuse_complex(self) -> None:
        if self.function.dtype is not None and self.function.dtype.kind == "c":
            raise EvaluationError(
                f"{self.function.name} must return real numbers here, got {self.function.dtype}; "
                "return real and imaginary parts as two numbers"
            )


class Objective(VectorObjective):
    """A scalar function of a flat vector with its gradient and Hessian.

    Attributes
    ----------
    nfev, ngev, nhev : int
        Points at which f was evaluated (differences included), and calls of the user's gradient and Hessian.
    """

    def __init__(
        self,
        function: Function,
        structure: Structure,
        scheme: Scheme,
        bounds: tuple[FloatArray, FloatArray] | None,
        grad: Function | None = None,
        hess: Function | None = None,
    ) -> None:
        super().__init__(function, structure, scheme, bounds, grad)
        self.user_hessian = hess

    @property
    def ngev(self) -> int:
        """Calls of the user's gradient."""
        return self.njev

    @property
    def nhev(self) -> int:
        """Calls of the user's Hessian."""
        return self.user_hessian.nfev if self.user_hessian is not None else 0

    def value(self, x: FloatArray) -> FloatArray:
        """Return f(x) as a NumPy scalar."""
        row = super().value(x)
        if self.function.shape != ():
            raise EvaluationError(
                f"{self.function.name} must return one number, got shape {self.function.shape}; "
                "return a scalar such as np.sum(...) or value[0]"
            )
        return row[0]

    def gradient(self, x: FloatArray, *, error: bool = False) -> tuple[FloatArray, FloatArray]:
        """Return the gradient of shape (n,) and a bound on its error, see `jacobian`."""
        J, bound = self.jacobian(x, error=error)
        return J[0], bound[0]

    def hessian(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the Hessian of shape (n, n) and a bound on its error: the user's, or a scheme's."""
        n = x.size
        if self.user_hessian is not None:
            H = self.user_hessian.evaluate(x[None, :])[0].reshape(n, n)
            H = (H + H.T) / 2
            return H, np.finfo(float).eps * np.abs(H)
        source = self.function if self.user_jacobian is None else self.user_jacobian
        tables = hessian_tables(
            source, x, self.bounds, self.scheme, gradient=self.user_jacobian is not None, error=True
        )
        return tables.value[..., 0], tables.error[..., 0]


@contextmanager
def open_objective(
    f: RealFunction,
    x0: Any,
    *,
    grad: RealFunction | None = None,
    hess: RealFunction | None = None,
    scheme: SchemeLike = "central",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> Iterator[tuple[Objective, FloatArray]]:
    """Check everything at the door and yield the objective with the flat, finite, writable start.

    Workers stay open for the duration of the block.
    """
    check_callable(f)
    rule = as_scheme(scheme)
    x, structure = _start(x0)
    limits = check_bounds(bounds, x, structure)
    for name, callback in (("grad", grad), ("hess", hess)):
        if callback is not None:
            check_callable(callback, name)
    with open_map(workers) as mapper:

        def counted(g: Any, name: str, batch: bool = False) -> Function:
            return Function(
                g, structure, args=args, kwargs=kwargs, vectorized=batch, mapper=mapper, name=name
            )

        yield (
            Objective(
                counted(f, "f", vectorized),
                structure,
                rule,
                limits,
                None if grad is None else counted(FlatGradient(grad, structure), "grad"),
                None if hess is None else counted(FlatHessian(hess, structure), "hess"),
            ),
            x,
        )


@contextmanager
def open_vector_objective(
    F: RealFunction,
    x0: Any,
    *,
    jac: RealFunction | None = None,
    scheme: SchemeLike = "central",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
    name: str = "F",
) -> Iterator[tuple[VectorObjective, FloatArray]]:
    """Check everything at the door and yield the vector function with the flat, finite, writable start.

    `jac` returns an array of shape ``F(x).shape + x.shape`` (x one array).
    """
    check_callable(F, name)
    rule = as_scheme(scheme)
    x, structure = _start(x0)
    limits = check_bounds(bounds, x, structure)
    if jac is not None:
        check_callable(jac, "jac")
    with open_map(workers) as mapper:
        function = Function(
            F, structure, args=args, kwargs=kwargs, vectorized=vectorized, mapper=mapper, name=name
        )
        jacobian = None
        if jac is not None:
            jacobian = Function(jac, structure, args=args, kwargs=kwargs, mapper=mapper, name="jac")
        yield VectorObjective(function, structure, rule, limits, jacobian), x


def _start(x0: Any) -> tuple[FloatArray, Structure]:
    flat, structure = flatten(x0, "x0")
    if flat.size == 0:
        raise ValueError("`x0` is empty; give at least one number to start from")
    for i in np.flatnonzero(~np.isfinite(flat))[:1]:
        raise ValueError(f"`x0` must be finite, got {flat[i]} at index {i}")
    # The iteration runs in float64 at least: in float32 differences of f would drown in rounding.
    return flat.astype(np.result_type(flat.dtype, np.float64)), structure
