"""Plain differences on lines of very many outputs, whose values are used up as they come.

A table of all values of a sparse Jacobian is larger than any cache: to write it and to read it again takes
longer than the differences themselves.
"""

from __future__ import annotations

from itertools import chain, islice

import numpy as np

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._recipe import Recipe
from calcml.schemes._weighing import all_finite, combine

__all__ = ["in_turn"]


def in_turn(
    lines: Lines, recipe: Recipe, h: FloatArray, index: IntArray | None
) -> tuple[FloatArray | None, bool]:
    """Return coefficients, shape (p, M), and whether all are finite; None if the lines keep their values."""
    table: FloatArray | None = None
    moves, finite = recipe.distances(h), True
    for k, line in enumerate(range(lines.count) if index is None else index):
        values = lines.stream(moves[:, k], line)
        if values is None:
            return None, True
        if recipe.middle is not None:
            values = chain(islice(values, recipe.middle), [lines.origin()[line]], values)
        reference = next(values)
        if table is None:
            table = np.empty((len(h), len(reference)), reference.dtype)
        # The value at x is kept by the lines; any other may be filled again.
        reference = reference if recipe.middle == 0 else reference.copy()
        combine(recipe, chain([reference], values), h[k : k + 1], table[k])
        finite = finite and all_finite(table[k])
    return table, finite
