"""Names for the types that cross module borders."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ArrayLike",
    "Bounds",
    "FloatArray",
    "IntArray",
    "KeywordArguments",
    "Parameters",
    "PositionalArguments",
    "RealFunction",
    "Workers",
]

FloatArray: TypeAlias = NDArray[np.floating[Any]]
IntArray: TypeAlias = NDArray[np.integer[Any]]

# x as users give it: a number, an array, or a dict, list, tuple or dataclass of arrays.
Parameters: TypeAlias = Any

# (lower, upper), each a number or of the shape of x.
Bounds: TypeAlias = tuple[Any, Any]

PositionalArguments: TypeAlias = Sequence[Any]
KeywordArguments: TypeAlias = Mapping[str, Any]

RealFunction: TypeAlias = Callable[..., Any]


class _HasMap(Protocol):
    """An executor, pool or client: anything with ``map``."""

    def map(self, function: Callable[[Any], Any], values: list[Any], /) -> Any:
        """Apply the function to each value, in order."""


# None, a number of processes, a map-like callable, or an object with ``map``.
Workers: TypeAlias = int | Callable[[Callable[[Any], Any], list[Any]], Any] | _HasMap | None
