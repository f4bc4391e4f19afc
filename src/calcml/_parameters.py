"""Parameters as users hold them (number, array, dict, list, tuple, dataclass) and as one flat vector.

Everything inside calcml works on the flat vector; the user's function sees the structure it was
promised, and answers are given back in the same structure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray

__all__ = ["Structure", "check_array", "check_bounds", "flatten", "real_array"]


@dataclass(frozen=True)
class Leaf:
    """One array of the structure: its shape, its dtype and its place in the flat vector."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    stop: int


@dataclass(frozen=True)
class Structure:
    """How a flat vector of length `size` is laid out in the user's own structure.

    `build` puts a list of arrays, one per leaf, back together.
    """

    leaves: tuple[Leaf, ...]
    build: Callable[[list[Any]], Any]
    dtype: np.dtype[Any]
    plain: bool

    @property
    def size(self) -> int:
        """Length of the flat vector."""
        return self.leaves[-1].stop if self.leaves else 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of x where x is one array, else the shape of the flat vector."""
        return self.leaves[0].shape if self.plain else (self.size,)

    def restore(self, flat: NDArray[Any]) -> Any:
        """Give a flat vector the user's structure; a 0-d leaf becomes a NumPy scalar."""
        if self.plain:
            return flat.reshape(self.leaves[0].shape)[()]
        return self.build([flat[leaf.start : leaf.stop].reshape(leaf.shape)[()] for leaf in self.leaves])

    def restore_batch(self, batch: NDArray[Any]) -> Any:
        """Give a batch of shape (size, K) the user's structure, each leaf with the batch axis last."""
        count = batch.shape[1]
        return self.build([batch[leaf.start : leaf.stop].reshape(*leaf.shape, count) for leaf in self.leaves])

    def spread(self, values: NDArray[Any], lead: tuple[int, ...] = (), *, cast: bool = True) -> Any:
        """Lay `values` of shape ``lead + (size,)`` out as leaves of shape ``lead + leaf.shape``.

        With `cast`, real values take each leaf's dtype, so that what came in as float32 goes out as float32.
        """
        parts = []
        for leaf in self.leaves:
            part = values[..., leaf.start : leaf.stop].reshape(lead + leaf.shape)
            parts.append(part.astype(_result_dtype(values.dtype, leaf.dtype, cast=cast), copy=False))
        return self.build(parts)

    def spread_pairs(self, values: NDArray[Any], lead: tuple[int, ...], *, cast: bool = True) -> Any:
        """Lay ``lead + (size, size)`` out as a structure of structures: Hessian blocks ``H[a][b]``."""
        rows = []
        for leaf in self.leaves:
            block = values[..., leaf.start : leaf.stop, :].reshape((*lead, *leaf.shape, self.size))
            rows.append(self.spread(block, (*lead, *leaf.shape), cast=cast))
        return self.build(rows)


def _result_dtype(values: np.dtype[Any], leaf: np.dtype[Any], *, cast: bool) -> np.dtype[Any]:
    if not cast or values.kind not in "fc":
        return values
    if values.kind == "c":
        return np.result_type(np.complex64, leaf)
    return leaf


def flatten(x: Any, name: str = "x") -> tuple[FloatArray, Structure]:
    """Turn parameters into a flat vector and the structure that leads back.

    A list or tuple of plain numbers is one vector, as NumPy reads it; a list or tuple that holds arrays, a
    dict, a named tuple and a dataclass are structures.
    """
    arrays: list[FloatArray] = []
    collected = _collect(x, name, arrays)
    build = Builder(_only, (collected,)) if isinstance(collected, int) else collected
    # Of mixed dtypes the widest serves all leaves inside; each leaf gets its own back at the end.
    dtype = np.result_type(*arrays) if arrays else np.dtype(float)
    leaves, start = [], 0
    for array in arrays:
        leaves.append(Leaf(array.shape, array.dtype, start, start + array.size))
        start += array.size
    flat = np.concatenate([a.ravel() for a in arrays]).astype(dtype) if arrays else np.empty(0)
    return flat, Structure(tuple(leaves), build, dtype, plain=isinstance(collected, int))


@dataclass(frozen=True)
class Builder:
    """Put arrays back into a structure: `make` joins what the children, builders or places, give.

    A class rather than a closure so that it can travel to another process.
    """

    make: Callable[[list[Any]], Any]
    children: tuple[Builder | int, ...]

    def __call__(self, parts: list[Any]) -> Any:
        """Build the structure from one array per leaf."""
        return self.make([parts[c] if isinstance(c, int) else c(parts) for c in self.children])


def _only(parts: list[Any]) -> Any:
    return parts[0]


def _make_dict(keys: list[Any], values: list[Any]) -> dict[Any, Any]:
    return dict(zip(keys, values, strict=True))


def _make_dataclass(template: Any, values: list[Any]) -> Any:
    names = [field.name for field in dataclasses.fields(template)]
    return dataclasses.replace(template, **dict(zip(names, values, strict=True)))


def _make_namedtuple(kind: Any, values: list[Any]) -> Any:
    return kind(*values)


def _collect(x: Any, name: str, arrays: list[FloatArray]) -> Builder | int:
    """Append the arrays of x in order; return how to put them back."""
    children = _children(x)
    if children is None:
        arrays.append(real_array(x, name))
        return len(arrays) - 1
    labels, values, make = children
    places = [_collect(v, f"{name}{label}", arrays) for label, v in zip(labels, values, strict=True)]
    return Builder(make, tuple(places))


def _children(x: Any) -> tuple[list[str], list[Any], Callable[[list[Any]], Any]] | None:
    """Return labels, values and a constructor for a structure, None for a leaf."""
    if isinstance(x, Mapping):
        return [f"[{key!r}]" for key in x], list(x.values()), partial(_make_dict, list(x))
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        names = [field.name for field in dataclasses.fields(x)]
        return [f".{n}" for n in names], [getattr(x, n) for n in names], partial(_make_dataclass, x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return [f".{n}" for n in x._fields], list(x), partial(_make_namedtuple, type(x))
    if isinstance(x, list | tuple) and any(_holds_arrays(item) for item in x):
        return [f"[{i}]" for i in range(len(x))], list(x), type(x)
    return None


def _holds_arrays(item: Any) -> bool:
    return (isinstance(item, np.ndarray) and item.ndim > 0) or _children(item) is not None


def check_array(x: Any, name: str) -> NDArray[Any]:
    """Return x as an array of numbers; refuse what NumPy would silently strip or cannot differentiate."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"`{name}` is a masked array, whose mask would be lost; pass `{name}.compressed()`")
    if hasattr(x, "units") or hasattr(x, "unit"):
        raise TypeError(f"`{name}` carries units; pass its magnitude and multiply the unit back afterwards")
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise TypeError(
            f"`{name}` must be a number or an array of numbers, got a ragged {type(x).__name__}"
        ) from error
    if array.dtype.kind not in "fiubc":
        raise TypeError(
            f"`{name}` must hold real numbers, got dtype {array.dtype}; "
            f"convert it with `np.asarray({name}, float)`"
        )
    return array


def real_array(x: Any, name: str) -> FloatArray:
    """Return x as a floating array, integers and booleans as float64; complex numbers are refused."""
    array = check_array(x, name)
    if array.dtype.kind == "c":
        raise TypeError(
            f"`{name}` is complex; calcml differentiates with respect to real numbers: "
            "pass the real and imaginary parts as two parameters"
        )
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    return array


def check_bounds(bounds: Any, flat: FloatArray, structure: Structure) -> tuple[FloatArray, FloatArray] | None:
    """Return the bounds as two flat vectors, refusing crossed ones and a point outside them."""
    if bounds is None:
        return None
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        raise TypeError(f"`bounds` must be a pair (lower, upper), got {type(bounds).__name__}")
    lower, upper = (
        _side(side, label, flat, structure) for side, label in zip(bounds, ("lower", "upper"), strict=True)
    )
    if np.isnan(lower).any() or np.isnan(upper).any():
        raise ValueError("`bounds` must not contain NaN; use -inf and inf for no bound")
    for i in np.flatnonzero(lower > upper)[:1]:
        raise ValueError(f"`bounds` are crossed at index {i}: lower {lower[i]} is above upper {upper[i]}")
    for i in np.flatnonzero((flat < lower) | (flat > upper))[:1]:
        raise ValueError(
            f"`x` must lie within `bounds`, got {flat[i]} at index {i} outside [{lower[i]}, {upper[i]}]; "
            "clip x or widen the bounds"
        )
    return lower, upper


def _side(side: Any, label: str, flat: FloatArray, structure: Structure) -> FloatArray:
    if _children(side) is not None:
        values, _ = flatten(side, f"bounds {label}")
        if values.size != flat.size:
            raise ValueError(
                f"the {label} `bounds` have {values.size} numbers, x has {flat.size}; give one per number"
            )
        return values.astype(flat.dtype)
    array = real_array(side, f"bounds {label}")
    try:
        full = np.broadcast_to(array, structure.shape)
    except ValueError:
        raise ValueError(
            f"the {label} `bounds` have shape {array.shape}, x has shape {structure.shape}; "
            "give a number or an array of x's shape"
        ) from None
    return full.ravel().astype(flat.dtype)
