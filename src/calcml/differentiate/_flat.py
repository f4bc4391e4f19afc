"""Gradients and Hessians of the user as functions that return flat arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._parameters import Structure, check_array, flatten_like, match
from calcml._typing import RealFunction
from calcml.errors import EvaluationError

__all__ = ["FlatGradient", "FlatHessian"]


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
            # Complex where x is, as the complex step makes it.
            return flatten_like(value, self.structure, "grad(x)", convert=check_array)
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
