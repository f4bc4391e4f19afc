"""The user's model, bound to its data: a vector function of the free parameters with its Jacobian.

Differences see each parameter in units of its own size, a power of two, so that a rate of 1e-5 and an
amplitude of 1e5 are both numbers of order one to a scheme, and the change of units rounds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calcml._function import check_callable
from calcml._objective import open_vector_objective
from calcml._typing import FloatArray
from calcml.errors import EvaluationError
from calcml.fitting._names import ParameterSet
from calcml.schemes.adaptive import Adaptive
from calcml.schemes.base import Scheme
from calcml.schemes.central import Central
from calcml.schemes.steps import Fixed

__all__ = ["QUICK", "Curve"]

# A Jacobian whose own error is below this part of each column gives standard deviations to nine digits.
ACCURATE = 1e-9

# What a quick Jacobian is trusted to: central differences of second order lose a third of the digits.
QUICK = 1e-9


class Curve:
    """A model at given x, as a function of its free parameters.

    Attributes
    ----------
    nfev, njev : int
        Calls of the model and of the user's Jacobian.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        x: Any,
        n: int,
        parameters: ParameterSet,
        *,
        jac: Callable[..., Any] | None,
        scheme: Scheme,
    ) -> None:
        check_callable(model, "model")
        if jac is not None:
            check_callable(jac, "jac")
        self.model, self.jac, self.x, self.n = model, jac, x, n
        self.parameters, self.scheme = parameters, scheme
        self.lower, self.upper = parameters.lower[parameters.free], parameters.upper[parameters.free]
        self.nfev = self.njev = 0

    def at(self, x: Any, p: FloatArray) -> FloatArray:
        """Call the model at any x, n of them, and check what it returns."""
        self.nfev += 1
        try:
            values = np.asarray(self.model(x, *self.parameters.expand(p)))
        except ValueError as error:
            if "inhomogeneous" not in str(error):
                raise
            raise EvaluationError(self._unusable("a ragged sequence")) from error
        if values.dtype.kind not in "fiubc":
            raise EvaluationError(self._unusable(f"{values.item() if values.ndim == 0 else values!r:.60}"))
        if values.shape != (self.n,):
            raise EvaluationError(self._unusable(f"shape {values.shape}"))
        if values.dtype in (np.float16, np.float32, np.complex64):
            raise EvaluationError(
                f"`model` returned {values.dtype}, in whose few digits the effect of a small step is lost; "
                "let it compute in float64"
            )
        return values

    def _unusable(self, got: str) -> str:
        return (
            f"`model` must return one number per point, shape ({self.n},), got {got}; "
            "a constant model returns np.full_like(x, c)"
        )

    def values(self, p: FloatArray) -> FloatArray:
        """Return the model at the free parameters p, shape (n,)."""
        return evaluate(lambda q: self.at(self.x, q), p)

    def jacobian(self, p: FloatArray, unit: FloatArray, *, accurate: bool) -> tuple[FloatArray, float]:
        """Return the derivatives by the free parameters, shape (n, p), and their relative error."""
        if self.jac is not None:
            return self._given(self.jac, p), 4 * np.finfo(float).eps
        return self.differentiate(lambda q: self.at(self.x, q), p, unit, accurate=accurate)

    def _given(self, jac: Callable[..., Any], p: FloatArray) -> FloatArray:
        self.njev += 1
        free = self.parameters.free
        J = np.asarray(jac(self.x, *self.parameters.expand(p)))
        if J.shape != (self.n, free.size) or J.dtype.kind not in "fiub":
            raise EvaluationError(
                f"`jac` must return real numbers of shape ({self.n}, {free.size}), one column for each of "
                f"{', '.join(self.parameters.names)}, got shape {J.shape} of {J.dtype}"
            )
        return J[:, free].astype(np.float64)

    def differentiate(
        self, f: Callable[[FloatArray], FloatArray], p: FloatArray, unit: FloatArray, *, accurate: bool
    ) -> tuple[FloatArray, float]:
        """Return the Jacobian of f by the scheme, or by the first scheme whose own error is small."""
        if not accurate:
            return self._by(self.scheme, f, p, unit, error=False)[0], QUICK
        best: FloatArray = np.empty((self.n, p.size))
        ratio = np.full(p.size, np.inf)
        for scheme in (self.scheme, Central(order=4), Adaptive()):
            if scheme == Central():
                continue
            J, error = self._by(scheme, f, p, unit, error=True)
            relative = _relative(J, error)
            if relative.sum() < ratio.sum():
                best, ratio = J, relative
            if np.all(relative <= ACCURATE):
                break
        if not np.isfinite(best).all():
            return self._by(self.scheme, f, p, unit, error=False)[0], QUICK
        # A column that is all error is one of zeros: the model does not depend on its parameter.
        best[:, ratio >= 1] = 0.0
        return best, float(np.max(ratio[ratio < 1], initial=0.0))

    def _by(
        self,
        scheme: Scheme,
        f: Callable[[FloatArray], FloatArray],
        p: FloatArray,
        unit: FloatArray,
        *,
        error: bool,
    ) -> tuple[FloatArray, FloatArray]:
        # A step that the user fixed is in the parameter's own units.
        if isinstance(getattr(scheme, "step", None), Fixed):
            unit = np.ones(p.size)
        free = np.isinf(self.lower).all() and np.isinf(self.upper).all()
        bounds = None if free else (self.lower / unit, self.upper / unit)
        scaled = open_vector_objective(
            lambda z: f(z * unit), p / unit, scheme=scheme, bounds=bounds, name="model"
        )
        with scaled as (objective, z):
            J, bound = objective.jacobian(z, error=error)
        return J / unit, bound / unit


def evaluate(f: Callable[[FloatArray], FloatArray], p: FloatArray) -> FloatArray:
    """Return f(p) as real numbers."""
    with open_vector_objective(f, p, name="model") as (objective, x):
        return objective.value(x).astype(np.float64, copy=False)


def _relative(J: FloatArray, error: FloatArray) -> FloatArray:
    """Return the error of each column relative to its length, at most 1."""
    # An error that the scheme does not know is taken for a lost third of the digits.
    known = np.where(np.isnan(error), QUICK * np.abs(J), error)
    with np.errstate(divide="ignore", invalid="ignore"):
        size, wrong = np.linalg.norm(J, axis=0), np.linalg.norm(known, axis=0)
        ratio = np.where(wrong == 0, 0.0, wrong / size)
    return np.where(ratio < 1, ratio, 1.0)
