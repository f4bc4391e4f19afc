"""Second derivatives as tables: by polarization of f, or from a gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._lines import Directions, PointLines, axes, pair_places
from calcml._typing import FloatArray, IntArray
from calcml.differentiate._problem import coefficient
from calcml.schemes._weighing import unknown
from calcml.schemes.base import Coefficient, Scheme

__all__ = ["SecondTables", "hessian_tables", "lengths"]


@dataclass(frozen=True, eq=False)
class SecondTables:
    """Second derivatives of M outputs with respect to n numbers.

    Attributes
    ----------
    value, truncation, noise : ndarray, shape (n, n, M)
        The derivatives and the parts of their errors; without an error wanted, NaN for the truncation.
    status : ndarray of int8, shape (n, n, M)
        Codes of `Status`.
    step : ndarray, shape (n,)
        The steps along the axes.
    """

    value: FloatArray
    truncation: FloatArray
    noise: FloatArray
    status: IntArray
    step: FloatArray

    @property
    def error(self) -> FloatArray:
        """Truncation and noise together."""
        return self.truncation + self.noise


def hessian_tables(
    function: Function,
    x: FloatArray,
    bounds: tuple[FloatArray, FloatArray] | None,
    scheme: Scheme,
    *,
    gradient: bool,
    error: bool,
    weighed: bool = True,
) -> SecondTables:
    """Return the second derivatives of a function.

    With `gradient`, the function is the flat gradient itself and its Jacobian is made symmetric.  `weighed`
    is for a solver that takes the noise of plain values, too; unless it is set, the noise may be NaN.
    """
    lines = PointLines(function, x, axes(x.size), bounds)
    lines.weighed, lines.careful = weighed, not weighed
    if gradient:
        return _symmetrize(coefficient(scheme, lines, 1, error=error))
    return _polarize(lines, scheme, error)


@np.errstate(all="ignore")
def _polarize(lines: PointLines, scheme: Scheme, error: bool) -> SecondTables:
    """Find second coefficients c along axes and pairs of axes.

    Along s_i e_i + σ s_j e_j the coefficient is s_i² c_i + s_j² c_j + σ s_i s_j H_ij, and H_ii = 2 c_i.
    """
    axis = coefficient(scheme, lines, 2, error=error)
    step = axis.step
    if lines.count < 2:
        value, truncation, noise = (2 * part[:, None] for part in (axis.value, axis.truncation, axis.noise))
        return SecondTables(value, truncation, noise, axis.status[:, None], step)
    first, second, place = pair_places(lines.count)
    scale = lengths(step, lines.magnitude)
    # Towards the roomier side of each coordinate there is always room for both.
    side_of = np.where(lines.upper >= -lines.lower, 1.0, -1.0)
    sign = side_of[first] * side_of[second]
    directions = Directions.pairs(first, second, scale, sign)
    through = PointLines(lines.function, lines.x, directions, lines.bounds, lines.origin()[:1])
    through.weighed, through.careful = lines.weighed, lines.careful
    pair = coefficient(scheme, through, 2, error=error)

    # One factor at a time: the square of a length may be out of range where the length is not.
    s = scale[:, None]
    s_i, s_j = s[first], s[second]

    def mixed(of_axis: FloatArray, of_pair: FloatArray, combine: float) -> FloatArray:
        scaled = of_axis * s * s
        return (of_pair + combine * (scaled[first] + scaled[second])) / s_i / s_j

    def table(of_axis: NDArray[Any], of_pair: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([of_axis, of_pair])[place]

    value = table(2 * axis.value, mixed(axis.value, pair.value, -1.0) * sign[:, None])
    truncation = noise = unknown(value.shape)
    if lines.weighed:
        noise = table(2 * axis.noise, mixed(axis.noise, pair.noise, 1.0))
    if error:
        truncation = table(2 * axis.truncation, mixed(axis.truncation, pair.truncation, 1.0))
    worst = np.maximum(pair.status, np.maximum(axis.status[first], axis.status[second]))
    return SecondTables(value, truncation, noise, table(axis.status, worst), step)


def lengths(step: FloatArray, magnitude: FloatArray) -> FloatArray:
    """Return a length for each axis: its step, if it says something.

    Where f is straight along an axis the step says nothing of its scale and may be huge.
    """
    usable = np.isfinite(step) & (step > 0)
    unit = np.maximum(magnitude, 1.0)
    return np.where(usable, np.minimum(step, unit), 1e-4 * unit)


def _symmetrize(c: Coefficient) -> SecondTables:
    """Take the symmetric part of the Jacobian of a gradient; half the asymmetry is error."""
    with np.errstate(invalid="ignore"):
        asymmetry = np.abs(c.value - c.value.T) / 2
    return SecondTables(
        value=((c.value + c.value.T) / 2)[..., None],
        truncation=((c.truncation + c.truncation.T) / 2 + asymmetry)[..., None],
        noise=((c.noise + c.noise.T) / 2)[..., None],
        status=np.maximum(c.status, c.status.T)[..., None],
        step=c.step,
    )
