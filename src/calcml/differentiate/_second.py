"""Second derivatives as tables: by polarization of f, or from a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._function import Function
from calcml._lines import Directions, PointLines, axes
from calcml._parameters import Structure, flatten
from calcml._typing import (
    FloatArray,
    RealFunction,
)
from calcml.differentiate._problem import (
    coefficient,
)
from calcml.errors import EvaluationError
from calcml.schemes.base import Coefficient, Scheme

__all__ = ["FlatGradient", "FlatHessian", "hessian_tables"]


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
