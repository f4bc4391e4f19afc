"""Values and slopes of an elementwise function at many points at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._lines import ElementwiseLines, Lines
from calcml._typing import FloatArray
from calcml.errors import EvaluationError
from calcml.schemes.base import Scheme
from calcml.schemes.central import Central
from calcml.schemes.stencils import Stencil
from calcml.schemes.steps import StepRule

__all__ = ["Equation", "Slope", "first_reach"]


@dataclass(frozen=True, eq=False)
class Reach(StepRule):
    """Take the given steps: the iteration itself knows the scale on which f matters."""

    length: FloatArray

    def steps(self, lines: Lines, formula: Stencil) -> FloatArray:
        """Return the steps."""
        length = np.where(np.isfinite(self.length), self.length, 1.0)
        return np.maximum(length, np.finfo(length.dtype).tiny)


def first_reach(x: FloatArray, width: FloatArray, eps: float) -> FloatArray:
    """Return the first step of the differences, before any iteration has shown a scale.

    `width` is that of the bracket, NaN without one; `eps` the relative rounding of f or x.
    """
    return np.sqrt(eps) * np.fmin(np.maximum(np.abs(x), 1.0), width)


@dataclass(frozen=True, eq=False)
class Slope:
    """First derivative and, where the user gave it, the second, at every point."""

    first: FloatArray
    second: FloatArray | None


class RootLines(ElementwiseLines):
    """Lines whose complaint about a shape names the solver."""

    def _wrong_shape(self) -> None:
        message = (
            f"`newton` needs an elementwise f: for x of shape {self.shape} it returned shape "
            f"{self.function.shape}; for several equations that belong together use `newton_system`"
        )
        raise EvaluationError(message)


@dataclass(frozen=True, eq=False)
class Equation:
    """The equation f(x) = 0 with the user's derivatives or a scheme in their place.

    Attributes
    ----------
    f, derivative, second : Function
        Elementwise functions; the derivatives may be None.
    scheme : Scheme or None
        What gives a missing derivative; None stands for central differences with the iteration's own steps.
    shape : tuple of int
        The user's shape of x.
    limits : tuple of ndarray or None
        The brackets: no evaluation leaves them.
    """

    f: Function
    derivative: Function | None
    second: Function | None
    scheme: Scheme | None
    shape: tuple[int, ...]
    limits: tuple[FloatArray, FloatArray] | None

    def lines(self, x: FloatArray) -> RootLines:
        """Return the lines through the flat points x."""
        return RootLines(self.f, x.reshape(self.shape), self.limits)

    def value(self, lines: RootLines) -> FloatArray:
        """Return f at the points of the lines."""
        values = lines.origin()
        if values.shape[-1] != 1:
            message = (
                f"`f` must return real numbers, got {self.f.dtype}; "
                "solve for real and imaginary parts with `newton_system`"
            )
            raise EvaluationError(message)
        return values[:, 0]

    def slope(self, lines: RootLines, reach: FloatArray) -> Slope:
        """Return the derivatives at the points of the lines; differences go as far as `reach`."""
        second = None if self.second is None else _given(self.second, lines)
        if self.derivative is not None:
            return Slope(_given(self.derivative, lines), second)
        scheme = Central(step=Reach(reach)) if self.scheme is None else self.scheme
        # Steps near the smallest and brackets near the largest number overflow; NaN and infinity say so.
        with np.errstate(all="ignore"):
            return Slope(scheme.coefficient(lines, 1, error=False).value[:, 0], second)


def _given(function: Function, lines: RootLines) -> FloatArray:
    # The iteration chose these points, as a scheme chooses its own: outside f's domain NaN is answer enough.
    points: Any = lines.x.reshape(lines.shape)[()]
    with np.errstate(all="ignore"):
        values: NDArray[Any] = function.evaluate_arrays([points])[0]
    if function.shape not in (lines.shape, ()):
        message = (
            f"`{function.name}` must return the shape of x, {lines.shape}, as f does; got {function.shape}"
        )
        raise EvaluationError(message)
    if values.dtype.kind == "c":
        message = f"`{function.name}` must return real numbers, got {function.dtype}"
        raise EvaluationError(message)
    # A constant derivative may be returned as one number.
    return np.broadcast_to(values, lines.count).astype(lines.dtype)
