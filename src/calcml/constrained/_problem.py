"""The objective and the constraints as functions of one flat vector, and the Hessian of their Lagrangian."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from calcml._function import Function, check_callable
from calcml._lines import PointLines, axes
from calcml._objective import Objective, VectorObjective, open_objective
from calcml._parameters import Structure, flatten
from calcml._typing import FloatArray, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._flat import FlatHessian
from calcml.differentiate._problem import coefficient
from calcml.differentiate._second import hessian_tables
from calcml.errors import EvaluationError
from calcml.schemes.registry import SchemeLike

__all__ = ["ConstrainedProblem", "open_constrained"]

# Sizes of variables this far apart are units; smaller ratios may as well be accidents of the start.
UNLIKE = 1e6
# So are sizes beyond this.
FAR = 1e100


class FlatJacobian:
    """A user's Jacobian as a function whose last axis is the flat vector.

    A class rather than a closure so that it can travel to another process.
    """

    def __init__(self, jac: RealFunction, structure: Structure, name: str) -> None:
        self.jac, self.structure, self.name = jac, structure, name

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate the Jacobian; for structured x, one block of columns per leaf."""
        value = self.jac(x, *args, **kwargs)
        if self.structure.plain:
            return self._columns(np.asarray(value), self.structure.shape)
        blocks, structure = flatten(value, f"{self.name}(x)")
        if len(structure.leaves) != len(self.structure.leaves):
            raise EvaluationError(
                f"{self.name} must return one array per array of x, {len(self.structure.leaves)}, "
                f"got {len(structure.leaves)}"
            )
        parts = [
            self._columns(blocks[got.start : got.stop].reshape(got.shape), leaf.shape)
            for got, leaf in zip(structure.leaves, self.structure.leaves, strict=True)
        ]
        return np.concatenate(parts, axis=-1)

    def _columns(self, block: Any, shape: tuple[int, ...]) -> Any:
        lead = block.ndim - len(shape)
        if lead < 0 or block.shape[lead:] != shape:
            raise EvaluationError(
                f"{self.name} must return an array of shape c(x).shape + x.shape, ending in {shape}; "
                f"got {block.shape}"
            )
        return block.reshape(*block.shape[:lead], -1)


class ConstrainedProblem:
    """A function to minimize where constraints vanish, all of one flat vector.

    That vector is the user's in units of `unit`, so that variables of very different sizes look alike.  With
    ``sign = -1`` it is the negative of the user's function that is minimized; multipliers in here belong to
    that, and `multipliers_of` turns them into the user's.

    Attributes
    ----------
    objective : Objective
        The function f with its gradient.
    constraints : tuple of VectorObjective
        The constraint functions with their Jacobians.
    unit : ndarray, shape (n,)
        Units of the variables.
    nhev : int
        Calls of the user's Hessian of the Lagrangian.
    """

    def __init__(
        self,
        objective: Objective,
        constraints: tuple[VectorObjective, ...],
        hess: RealFunction | None,
        sign: float,
        arguments: tuple[PositionalArguments, KeywordArguments | None],
        unit: FloatArray,
    ) -> None:
        self.objective, self.constraints, self.hess = objective, constraints, hess
        self.sign, self.arguments, self.unit = sign, arguments, unit
        self.nhev = 0

    @property
    def structure(self) -> Structure:
        """Layout of x as the user holds it."""
        return self.objective.structure

    @property
    def ncev(self) -> int:
        """Points at which constraints were evaluated, summed over the constraint functions."""
        return sum(c.nfev for c in self.constraints)

    @property
    def njev(self) -> int:
        """Calls of the user's constraint Jacobians."""
        return sum(c.njev for c in self.constraints)

    def names(self) -> tuple[str, ...]:
        """Name each number that must vanish; known after the first evaluation."""
        found: list[str] = []
        for c in self.constraints:
            shape = c.function.shape or ()
            found += [c.function.name + "".join(f"[{i}]" for i in index) for index in np.ndindex(shape)]
        return tuple(found)

    def multipliers_of(self, lam: FloatArray) -> FloatArray:
        """Return the multipliers of the user's own function."""
        return self.sign * lam + 0.0  # no negative zeros

    def values(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return f (with its sign) and c, of shape (m,)."""
        x = x * self.unit
        f = self.sign * float(self.objective.value(x))
        c = np.concatenate([part.value(x) for part in self.constraints])
        if not c.size:
            names = ", ".join(part.function.name for part in self.constraints)
            raise EvaluationError(f"{names} returned no numbers; return c(x), which is to be zero")
        return f, c.astype(np.float64, copy=False)

    def slopes(self, x: FloatArray, *, error: bool = False) -> tuple[FloatArray, ...]:
        """Return the gradient of f, the bound on its error, the Jacobian of c, and the bound on its error."""
        x, u = x * self.unit, self.unit
        g, g_error = self.objective.gradient(x, error=error)
        tables = [part.jacobian(x, error=error) for part in self.constraints]
        J, J_error = (np.concatenate([table[k] for table in tables]) for k in (0, 1))
        return self.sign * g * u, g_error * u, J * u, J_error * u

    def curvature(self, x: FloatArray, lam: FloatArray, *, error: bool) -> tuple[FloatArray, FloatArray]:
        """Return the Hessian of the Lagrangian f + lam . c and a bound on its error, both (n, n).

        Without `error` the bound holds only the part due to noise.
        """
        x, units = x * self.unit, np.outer(self.unit, self.unit)
        if self.hess is not None:
            self.nhev += 1
            args, kwargs = self.arguments
            bound = (self.multipliers_of(lam).copy(), *args)
            function = Function(
                FlatHessian(self.hess, self.structure), self.structure, args=bound, kwargs=kwargs, name="hess"
            )
            H = self.sign * function.evaluate(x[None, :])[0].reshape(x.size, x.size) * units
            return (H + H.T) / 2, np.finfo(float).eps * np.abs(H)
        H, E = np.zeros((2, x.size, x.size))
        for part, weights in self._weighted(lam):
            value, bound_of_value = _second(part, x, weights, error=error)
            H, E = H + value * units, E + bound_of_value * units
        return H, E

    def bend(self, x: FloatArray, index: int) -> FloatArray:
        """Return the Hessian of one of the numbers that must vanish."""
        x, units = x * self.unit, np.outer(self.unit, self.unit)
        chosen = np.arange(sum(c.function.size for c in self.constraints)) == index
        parts = list(self._weighted(chosen.astype(float)))[1:]
        return sum(
            (_second(part, x, weights, error=False)[0] * units for part, weights in parts if weights.any()),
            np.zeros((x.size, x.size)),
        )

    def _weighted(self, lam: FloatArray) -> Iterator[tuple[VectorObjective, FloatArray]]:
        yield self.objective, np.array([self.sign])
        start = 0
        for part in self.constraints:
            yield part, lam[start : start + part.function.size]
            start += part.function.size


def _second(
    part: VectorObjective, x: FloatArray, weights: FloatArray, *, error: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the Hessian of ``weights . part(x)`` and its error, from first derivatives where they are given.

    Each output is differentiated by itself: near the solution the sum cancels, and its rounding could not
    be told from its value.
    """
    if part.user_jacobian is None:
        tables = hessian_tables(part.function, x, part.bounds, part.scheme, gradient=False, error=error)
        bound = _bound(tables.truncation, tables.noise)
        return tables.value @ weights, bound @ np.abs(weights)
    lines = PointLines(part.user_jacobian, x, axes(x.size), part.bounds)
    c = coefficient(part.scheme, lines, 1, error=error)
    shape = (x.size, weights.size, x.size)
    value = np.einsum("imj,m->ij", c.value.reshape(shape), weights)
    bound = np.einsum("imj,m->ij", _bound(c.truncation, c.noise).reshape(shape), np.abs(weights))
    return (value + value.T) / 2, (bound + bound.T + np.abs(value - value.T)) / 2


def _bound(truncation: FloatArray, noise: FloatArray) -> FloatArray:
    return noise + np.where(np.isnan(truncation), 0.0, truncation)


@contextmanager
def open_constrained(
    f: RealFunction,
    x0: Any,
    *,
    equality: Any,
    grad: RealFunction | None,
    jac: Any,
    hess: RealFunction | None,
    sign: float,
    scheme: SchemeLike,
    args: PositionalArguments,
    kwargs: KeywordArguments | None,
    vectorized: bool,
    workers: Workers,
) -> Iterator[tuple[ConstrainedProblem, FloatArray]]:
    """Check everything at the door and yield the problem with its flat start."""
    listed = _listed(equality, jac)
    if hess is not None:
        check_callable(hess, "hess")
    with open_objective(
        f, x0, grad=grad, scheme=scheme, args=args, kwargs=kwargs, vectorized=vectorized, workers=workers
    ) as (objective, x):
        structure, mapper = objective.structure, objective.function.mapper

        def counted(g: Any, name: str, batch: bool = False) -> Function:
            return Function(
                g, structure, args=args, kwargs=kwargs, vectorized=batch, mapper=mapper, name=name
            )

        constraints = []
        for name, c, own in listed:
            label = f"the Jacobian of {name}"
            jacobian = None if own is None else counted(FlatJacobian(own, structure, label), label)
            function = counted(c, name, vectorized)
            constraints.append(VectorObjective(function, structure, objective.scheme, None, jacobian))
        unit = _units(x)
        yield (
            ConstrainedProblem(objective, tuple(constraints), hess, sign, (args, kwargs), unit),
            x / unit,
        )


def _units(x: FloatArray) -> FloatArray:
    """Return powers of two that bring the variables to size one, ones where the sizes are ordinary.

    The decompositions of the method add up components of x, which the smallest do not survive where the sizes
    are many digits apart.
    """
    sizes = np.abs(x[x != 0])
    if not sizes.size or (sizes.max() / sizes.min() < UNLIKE and sizes.max() < FAR):
        return np.ones_like(x)
    return np.where(x == 0, 1.0, np.exp2(np.round(np.log2(np.where(x == 0, 1.0, np.abs(x))))))


def _listed(equality: Any, jac: Any) -> list[tuple[str, RealFunction, RealFunction | None]]:
    """Return name, function and Jacobian of each constraint."""
    if callable(equality):
        if jac is not None:
            check_callable(jac, "jac")
        return [("equality", equality, jac)]
    if isinstance(equality, str) or not isinstance(equality, Sequence):
        raise TypeError(
            f"`equality` must be a function c(x) or a list of functions, got {type(equality).__name__}"
        )
    if not equality:
        raise ValueError(
            "`equality` is empty; give at least one function c(x) that is to be zero, or use `minimize`"
        )
    for k, c in enumerate(equality):
        check_callable(c, f"equality[{k}]")
    jacobians = [None] * len(equality) if jac is None else _parallel(jac, len(equality))
    return [(f"equality[{k}]", c, j) for k, (c, j) in enumerate(zip(equality, jacobians, strict=True))]


def _parallel(jac: Any, count: int) -> list[RealFunction | None]:
    if isinstance(jac, str) or not isinstance(jac, Sequence) or len(jac) != count:
        found = f"{len(jac)} items" if isinstance(jac, list | tuple) else type(jac).__name__
        raise ValueError(
            f"`jac` must be a list with one Jacobian, or None, for each of the {count} functions in "
            f"`equality`, got {found}"
        )
    for k, j in enumerate(jac):
        if j is not None:
            check_callable(j, f"jac[{k}]")
    return list(jac)
