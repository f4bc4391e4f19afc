"""Parameters as users hold them (number, array, dict, list, tuple, dataclass) and as one flat vector.

Everything inside calcml works on the flat vector; the user's function sees the structure it was
promised, and answers are given back in the same structure.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray
from calcml._validation import check_array, real_array

__all__ = [
    "Structure",
    "check_array",
    "check_bounds",
    "entries",
    "flatten",
    "flatten_like",
    "match",
    "real_array",
    "rebuild",
]


@dataclass(frozen=True)
class Leaf:
    """One array of the structure: how a user would index it, its shape and dtype, its place in the vector."""

    label: str
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

    @cached_property
    def vector(self) -> bool:
        """Whether x is one array with one axis: the flat vector itself."""
        return self.plain and len(self.shape) == 1

    def restore(self, flat: NDArray[Any]) -> Any:
        """Give a flat vector the user's structure; a 0-d leaf becomes a NumPy scalar."""
        if self.plain:
            return flat.reshape(self.leaves[0].shape)[()]
        return self.build([flat[leaf.start : leaf.stop].reshape(leaf.shape)[()] for leaf in self.leaves])

    def restore_batch(self, batch: NDArray[Any]) -> Any:
        """Give a batch of shape (size, K) the user's structure, each leaf with the batch axis last."""
        count = batch.shape[1]
        return self.build([batch[leaf.start : leaf.stop].reshape(*leaf.shape, count) for leaf in self.leaves])

    @property
    def rounding(self) -> FloatArray:
        """Relative rounding of each number where its answer is cast to the leaf's dtype, else 0."""
        return self._per_number(lambda d: 0.0 if d == self.dtype else float(np.finfo(d).eps) / 2)

    @property
    def largest(self) -> FloatArray:
        """Largest number that each leaf's dtype can hold."""
        return self._per_number(lambda d: float(min(np.finfo(d).max, np.finfo(float).max)))

    def _per_number(self, of: Callable[[np.dtype[Any]], float]) -> FloatArray:
        return np.repeat([of(leaf.dtype) for leaf in self.leaves], [v.stop - v.start for v in self.leaves])

    def spread(self, values: NDArray[Any], lead: tuple[int, ...] = (), *, cast: bool = True) -> Any:
        """Lay `values` of shape ``lead + (size,)`` out as leaves of shape ``lead + leaf.shape``.

        With `cast`, real values take each leaf's dtype, so that what came in as float32 goes out as float32.
        """
        if self.plain:
            return self._part(values, self.leaves[0], lead, cast)
        return self.build([self._part(values, leaf, lead, cast) for leaf in self.leaves])

    def _part(self, values: NDArray[Any], leaf: Leaf, lead: tuple[int, ...], cast: bool) -> NDArray[Any]:
        shape = lead + leaf.shape
        part = values if values.shape == shape else values[..., leaf.start : leaf.stop].reshape(shape)
        if not cast or values.dtype == leaf.dtype:
            return part
        dtype = _result_dtype(values.dtype, leaf.dtype)
        if dtype == values.dtype:
            return part
        with np.errstate(over="ignore"):
            return part.astype(dtype)

    def spread_pairs(self, values: NDArray[Any], lead: tuple[int, ...], *, cast: bool = True) -> Any:
        """Lay ``lead + (size, size)`` out as a structure of structures: Hessian blocks ``H[a][b]``."""
        rows = []
        for leaf in self.leaves:
            block = values[..., leaf.start : leaf.stop, :].reshape((*lead, *leaf.shape, self.size))
            rows.append(self.spread(block, (*lead, *leaf.shape), cast=cast))
        return self.build(rows)


def _result_dtype(values: np.dtype[Any], leaf: np.dtype[Any]) -> np.dtype[Any]:
    if values.kind not in "fc":
        return values
    if values.kind == "c":
        return np.result_type(np.complex64, leaf)
    return leaf


def flatten(x: Any, name: str = "x", *, copy: bool = True) -> tuple[FloatArray, Structure]:
    """Turn parameters into a flat vector and the structure that leads back.

    Without `copy` the vector of a single array may be that array itself, for a caller that only reads it.

    A list or tuple of plain numbers is one vector, as NumPy reads it; a list or tuple that holds arrays, a
    dict, a named tuple and a dataclass are structures.
    """
    if type(x) is np.ndarray or _children(x) is None:
        array = real_array(x, name)
        return array.flatten() if copy else array.ravel(), _one_array(array.shape, array.dtype)
    arrays = entries(x, name)
    build = cast(Builder, _builder(x, iter(range(len(arrays)))))
    # Of mixed dtypes the widest serves all leaves inside; each leaf gets its own back at the end.
    dtype = np.result_type(*arrays.values()) if arrays else np.dtype(float)
    leaves, start = [], 0
    for label, array in arrays.items():
        leaves.append(Leaf(label.removeprefix(name), array.shape, array.dtype, start, start + array.size))
        start += array.size
    return _join(arrays.values(), dtype), Structure(tuple(leaves), build, dtype, plain=False)


@lru_cache(maxsize=64)
def _one_array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Structure:
    """Return the structure of x where x is one array."""
    leaf = Leaf("", shape, dtype, 0, math.prod(shape))
    return Structure((leaf,), Builder(_only, (0,)), dtype, plain=True)


def flatten_like(
    value: Any,
    structure: Structure,
    name: str,
    other: str = "x",
    convert: Callable[[Any, str], NDArray[Any]] = real_array,
) -> NDArray[Any]:
    """Return the flat vector of a value that must have the structure of `other`, entry by entry.

    Dictionaries are matched by key, so their order does not matter.
    """
    shapes = {leaf.label: leaf.shape for leaf in structure.leaves}
    arrays = match(value, shapes, name, other, convert)
    return _join(arrays.values(), np.result_type(*arrays.values()) if arrays else np.dtype(float))


def _join(arrays: Iterable[FloatArray], dtype: np.dtype[Any]) -> FloatArray:
    flat = [array.ravel() for array in arrays]
    return np.concatenate(flat, dtype=dtype) if flat else np.empty(0)


def entries(
    x: Any, name: str, convert: Callable[[Any, str], NDArray[Any]] = real_array
) -> dict[str, NDArray[Any]]:
    """Return the arrays of a structure, not copied, under the names by which a user would index them."""
    children = None if type(x) is np.ndarray else _children(x)
    if children is None:
        return {name: convert(x, name)}
    labels, values, _ = children
    found: dict[str, NDArray[Any]] = {}
    for label, value in zip(labels, values, strict=True):
        found |= entries(value, name + label, convert)
    return found


def match(
    value: Any,
    shapes: Mapping[str, tuple[int, ...]],
    name: str,
    other: str,
    convert: Callable[[Any, str], NDArray[Any]] = real_array,
) -> dict[str, NDArray[Any]]:
    """Return the arrays of a value by label, in the order of `shapes`, which they must have."""
    found = {key.removeprefix(name): array for key, array in entries(value, name, convert).items()}
    for label in shapes:
        if label not in found:
            raise ValueError(f"`{name}{label}` is missing; `{name}` needs the same entries as `{other}`")
    for label in found:
        if label not in shapes:
            raise ValueError(
                f"`{name}{label}` has no counterpart in `{other}`; "
                f"`{name}` needs the same entries as `{other}`"
            )
    for label, shape in shapes.items():
        if found[label].shape != shape:
            raise ValueError(
                f"`{name}{label}` must have the shape of `{other}{label}`, {shape}, got {found[label].shape}"
            )
    return {label: found[label] for label in shapes}


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


def rebuild(x: Any, parts: list[Any]) -> Any:
    """Return the structure of x with other arrays in it, in the order of `entries`."""
    builder = _builder(x, iter(range(len(parts))))
    return parts[builder] if isinstance(builder, int) else builder(parts)


def _only(parts: list[Any]) -> Any:
    return parts[0]


def _make_dict(keys: list[Any], values: list[Any]) -> dict[Any, Any]:
    return dict(zip(keys, values, strict=True))


def _make_dataclass(template: Any, values: list[Any]) -> Any:
    names = [field.name for field in dataclasses.fields(template)]
    return dataclasses.replace(template, **dict(zip(names, values, strict=True)))


def _make_namedtuple(kind: Any, values: list[Any]) -> Any:
    return kind(*values)


def _builder(x: Any, places: Iterator[int]) -> Builder | int:
    children = None if type(x) is np.ndarray else _children(x)
    if children is None:
        return next(places)
    _, values, make = children
    return Builder(make, tuple(_builder(value, places) for value in values))


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
    if side is None:
        side = -np.inf if label == "lower" else np.inf
    if _children(side) is not None:
        return _inward(flatten_like(side, structure, f"{label} bounds"), label, flat)
    array = real_array(side, f"bounds {label}")
    try:
        full = np.broadcast_to(array, structure.shape)
    except ValueError:
        raise ValueError(
            f"the {label} `bounds` have shape {array.shape}, x has shape {structure.shape}; "
            "give a number or an array of x's shape"
        ) from None
    return _inward(full.ravel(), label, flat)


def _inward(values: FloatArray, label: str, flat: FloatArray) -> FloatArray:
    """Return bounds in the dtype of x, rounded inward unless x itself is the number next to them."""
    with np.errstate(over="ignore", invalid="ignore"):
        near = values.astype(flat.dtype)
        outside = near < values if label == "lower" else near > values
        beside = np.nextafter(near, flat.dtype.type(np.inf if label == "lower" else -np.inf))
    return np.where(outside & (near != flat), beside, near)
