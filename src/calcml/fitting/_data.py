"""The data at the door: x, y and sigma are checked before any model is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._parameters import real_array
from calcml._typing import FloatArray
from calcml.fitting._sigma import Sigma, check_sigma

__all__ = ["Data", "check_alone", "check_curve", "check_data", "check_points", "check_vector"]


@dataclass(frozen=True, eq=False)
class Data:
    """Checked data.

    Attributes
    ----------
    x : object
        What the model gets: an array of float64, or the user's object untouched.
    y : ndarray, shape (n,)
        The measured values.
    sigma : Sigma
        Their errors.
    absolute : bool
        Whether the errors are taken as they are, rather than as relative weights.
    """

    x: Any
    y: FloatArray
    sigma: Sigma
    absolute: bool


def check_data(x: Any, y: Any, sigma: Any, absolute: Any) -> Data:
    """Check x, y and sigma of a model of any x."""
    y = check_vector(y, "y")
    return _with_errors(_check_x(x, y.size), y, sigma, absolute)


def check_curve(x: Any, y: Any, sigma: Any, absolute: Any) -> Data:
    """Check x, y and sigma of a curve: x is one number per point."""
    y = check_vector(y, "y")
    return _with_errors(check_vector(x, "x", y.size), y, sigma, absolute)


def check_alone(y: Any, sigma: Any, absolute: Any) -> Data:
    """Check y and sigma of a model that needs no x."""
    return _with_errors(None, check_vector(y, "y"), sigma, absolute)


def _with_errors(x: Any, y: FloatArray, sigma: Any, absolute: Any) -> Data:
    errors = check_sigma(sigma, y.size)
    return Data(x, y, errors, _check_absolute(absolute, given=errors.given))


def check_vector(values: Any, name: str, n: int | None = None) -> FloatArray:
    """Return finite numbers as a vector of float64, of length n where that is known from `y`."""
    array = real_array(values, name)
    if array.ndim != 1:
        raise ValueError(
            f"`{name}` must be one-dimensional, got shape {array.shape}; flatten it with `np.ravel({name})`"
        )
    if array.size == 0:
        raise ValueError(f"`{name}` is empty; give at least one point")
    if n is not None and array.size != n:
        raise ValueError(f"`{name}` has {array.size} points, `y` has {n}; give the same number of both")
    _refuse_non_finite(array, name)
    return array.astype(np.float64)


def _check_x(x: Any, n: int) -> Any:
    """Return numeric x as float64; any other object is the model's own affair."""
    if not isinstance(x, np.ndarray | list | tuple | int | float | np.generic):
        return x
    array = real_array(x, "x")
    if array.ndim == 0 or array.shape[-1] != n:
        have = array.shape[-1] if array.ndim else "no axis of"
        raise ValueError(
            f"`x` has {have} points, `y` has {n}; several variables of x go along its first axis, (k, {n})"
        )
    _refuse_non_finite(array, "x")
    return array.astype(np.float64)


def _refuse_non_finite(array: FloatArray, name: str) -> None:
    for index in np.argwhere(~np.isfinite(array))[:1]:
        place = tuple(int(i) for i in index)
        raise ValueError(
            f"`{name}` must be finite, got {array[place]} at index {place if len(place) > 1 else place[0]}; "
            "drop the point"
        )


def _check_absolute(absolute: Any, *, given: bool) -> bool:
    """Return whether errors are absolute: as asked, by default where sigma was given."""
    if absolute is None:
        return given
    if not isinstance(absolute, bool | np.bool_):
        raise TypeError(f"`absolute` must be True, False or None, got {absolute!r}")
    if absolute and not given:
        raise ValueError(
            "`absolute=True` needs `sigma`: without it the errors can only be taken from the scatter; "
            "give sigma or leave `absolute` out"
        )
    return bool(absolute)


def check_points(n: int, p: int) -> None:
    """Refuse fewer points than parameters."""
    if n < p:
        raise ValueError(
            f"{n} points cannot determine {p} parameters; take more points or fix some of the parameters"
        )
