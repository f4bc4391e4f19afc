"""The parameters of a model: their names from its signature, where they start, which are fixed or bounded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._parameters import real_array
from calcml._typing import FloatArray

__all__ = ["ParameterSet", "check_names", "check_parameters"]


@dataclass(frozen=True, eq=False)
class ParameterSet:
    """All parameters of a model in the order of its signature.

    Attributes
    ----------
    names : tuple of str
        Their names.
    start : ndarray, shape (p,)
        Where the fit starts; for a fixed parameter, its value.
    free : ndarray of bool, shape (p,)
        Which may move.
    lower, upper : ndarray, shape (p,)
        Their bounds, infinite where there is none.
    """

    names: tuple[str, ...]
    start: FloatArray
    free: NDArray[np.bool_]
    lower: FloatArray
    upper: FloatArray

    def expand(self, values: FloatArray) -> FloatArray:
        """Return all parameters, given the free ones."""
        # Complex parameters are those of the complex step.
        full = self.start.astype(values.dtype)
        full[self.free] = values
        return full


def check_parameters(model: Callable[..., Any], p0: Any, fixed: Any, bounds: Any) -> ParameterSet:
    """Find names, start and bounds of the model's parameters; refuse what contradicts its signature."""
    names, defaults = _names(model, p0)
    values = _fixed(fixed, names)
    lower, upper = _bounds(bounds, names)
    start = _start(p0, names, {**defaults, **values}, values)
    free = np.array([name not in values for name in names])
    if not free.any():
        raise ValueError("every parameter is in `fixed`; leave at least one free")
    for i in np.flatnonzero(~((lower <= start) & (start <= upper)))[:1]:
        given = "p0" if free[i] else "fixed"
        raise ValueError(
            f"`{given}` must lie within `bounds`, "
            f"got {names[i]} = {start[i]} outside [{lower[i]}, {upper[i]}]"
        )
    return ParameterSet(names, start, free, lower, upper)


def _names(model: Callable[..., Any], p0: Any) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return the names after x, and the default values that the signature gives."""
    try:
        parameters = list(inspect.signature(model).parameters.values())
    except ValueError:
        # Functions written in C may have no signature: they are taken as f(x, *parameters).
        parameters = []
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][1:]
    # What defaults to None, a flag or a text is an option of the model, not a parameter to fit.
    positional = [p for p in positional if p.default is p.empty or _is_number(p.default)]
    names = [p.name for p in positional]
    defaults = {p.name: float(p.default) for p in positional if p.default is not p.empty}
    if not parameters or any(p.kind is p.VAR_POSITIONAL for p in parameters):
        names += _further(p0, names)
    if not names:
        raise TypeError(
            "`model` must take x and then its parameters, as in `def model(x, a, b)`; "
            "its signature has no parameters"
        )
    return tuple(names), defaults


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _further(p0: Any, names: list[str]) -> list[str]:
    """Return names for the parameters that a model takes as ``*args``: they are known from p0 alone."""
    if isinstance(p0, Mapping):
        return [str(name) for name in p0 if name not in names]
    if p0 is None:
        raise ValueError(
            "`model` takes `*args`, so the number of its parameters is only known from `p0`; give `p0`"
        )
    return [f"p{i}" for i in range(len(names), int(np.size(p0)))]


def check_names(given: Any, names: Sequence[str], argument: str) -> None:
    """Refuse names that the model does not have."""
    for name in given:
        if name not in names:
            raise ValueError(
                f"`{argument}` names {name!r}, which is no parameter of the model; it has {', '.join(names)}"
            )


def _fixed(fixed: Any, names: tuple[str, ...]) -> dict[str, float]:
    if fixed is None:
        return {}
    if not isinstance(fixed, Mapping):
        raise TypeError(f"`fixed` must be a dict of names and values, got {type(fixed).__name__}")
    check_names(fixed, names, "fixed")
    return {name: _number(value, f"fixed[{name!r}]") for name, value in fixed.items()}


def _number(value: Any, label: str) -> float:
    array = real_array(value, label)
    if array.ndim or not np.isfinite(array):
        raise ValueError(f"`{label}` must be one finite number, got {value!r}")
    return float(array)


def _start(p0: Any, names: tuple[str, ...], known: dict[str, float], fixed: dict[str, float]) -> FloatArray:
    if p0 is not None and not isinstance(p0, Mapping):
        vector = real_array(p0, "p0")
        if vector.ndim > 1 or vector.size != len(names):
            raise ValueError(
                f"`p0` must have one number for each of the {len(names)} parameters {', '.join(names)}, "
                f"got shape {vector.shape}"
            )
        p0 = dict(zip(names, vector.ravel(), strict=True))
    p0 = p0 or {}
    check_names(p0, names, "p0")
    known = {**known, **{name: _number(value, f"p0[{name!r}]") for name, value in p0.items()}, **fixed}
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(
            f"`p0` is missing a start for {', '.join(missing)}; a fit needs one for every parameter, "
            f"as in p0={{{', '.join(f'{name!r}: 1.0' for name in missing)}}}"
        )
    return np.array([known[name] for name in names])


def _bounds(bounds: Any, names: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
    lower, upper = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    if isinstance(bounds, Mapping):
        check_names(bounds, names, "bounds")
        for name, pair in bounds.items():
            i = names.index(name)
            lower[i], upper[i] = _pair(pair, f"bounds[{name!r}]", ())
    elif bounds is not None:
        lower, upper = _pair(bounds, "bounds", (len(names),))
    for i in np.flatnonzero(~(lower < upper))[:1]:
        raise ValueError(
            f"the lower bound of {names[i]} must be below the upper one, got [{lower[i]}, {upper[i]}]; "
            "to hold a parameter use `fixed`"
        )
    return lower, upper


def _pair(pair: Any, label: str, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Return (lower, upper) as arrays of the given shape; None stands for no bound."""
    if not isinstance(pair, Sequence | np.ndarray) or isinstance(pair, str) or len(pair) != 2:
        raise ValueError(f"`{label}` must be a pair (lower, upper), got {pair!r}")
    sides = []
    for side, infinite in zip(pair, (-np.inf, np.inf), strict=True):
        array = real_array(infinite if side is None else side, label)
        if array.ndim and array.shape != shape:
            raise ValueError(f"`{label}` must be numbers or arrays of shape {shape}, got shape {array.shape}")
        sides.append(np.broadcast_to(array, shape).astype(np.float64))
    return sides[0], sides[1]
