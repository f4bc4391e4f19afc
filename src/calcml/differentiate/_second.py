"""Second derivatives as tables: by polarization of f, or from a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._function import Function
from calcml._lines import Directions, PointLines, axes
from calcml._parameters import Structure, flatten_like, match
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
        try:
            return flatten_like(value, self.structure, "grad(x)")
        except ValueError as error:
            raise EvaluationError(str(error)) from None


class FlatHessian:
    """A user's Hessian as a function that returns one n by n matrix."""

    def __init__(self, hess: RealFunction, structure: Structure) -> None:
        self.hess, self.structure = hess, structure

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate the Hessian and flatten both of its sides."""
        value, n = self.hess(x, *args, **kwargs), self.structure.size
        # H["a"]["b"] has shape a.shape + b.shape.
        rows = self.structure.leaves
        shapes = {a.label + b.label: a.shape + b.shape for a in rows for b in rows}
        try:
            blocks = match(value, shapes, "hess(x)", "(x, x)")
        except ValueError as error:
            raise EvaluationError(str(error)) from None
        sizes = [leaf.stop - leaf.start for leaf in rows]
        parts = iter(blocks.values())
        return np.block([[next(parts).reshape(a, b) for b in sizes] for a in sizes]).reshape(n, n)


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
        # Towards the roomier side of each coordinate there is always room for both.
        side_of = np.where(lines.upper >= -lines.lower, 1.0, -1.0)
        sign = side_of[first] * side_of[second]
        directions = Directions.pairs(first, second, scale, sign)
        through = PointLines(lines.function, lines.x, directions, lines.bounds, lines.origin()[:1])
        pair = coefficient(scheme, through, 2, error=error)
    tables: dict[str, Any] = {"step": axis.step}
    side = scale[:, None]
    for name, combine in (("value", -1.0), ("truncation", 1.0), ("noise", 1.0)):
        own = getattr(axis, name)
        table = np.empty((n, n, own.shape[1]), dtype=own.dtype)
        table[np.arange(n), np.arange(n)] = 2 * own
        if first.size:
            # One factor at a time: the square of a length may be out of range where the length is not.
            with np.errstate(all="ignore"):
                scaled = own * side * side
                mixed = (getattr(pair, name) + combine * (scaled[first] + scaled[second])) / side[first]
                mixed = mixed / side[second]
                if name == "value":
                    mixed *= sign[:, None]
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
    # Where f is straight along an axis the step says nothing of its scale and may be huge.
    usable = np.isfinite(step) & (step > 0)
    unit = np.maximum(magnitude, 1.0)
    return np.where(usable, np.minimum(step, unit), 1e-4 * unit)


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
