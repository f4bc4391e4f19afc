"""Where each entry of a sparse matrix stands among the differences along the colors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcml._typing import IntArray
from calcml.differentiate.sparsity._structure import Structure

__all__ = ["Reading", "plain_readings", "symmetric_readings"]


@dataclass(frozen=True, eq=False)
class Reading:
    """How the entries are read off differences along the colors.

    Attributes
    ----------
    columns : ndarray, shape (nnz,)
        The column that moved for each entry.
    places : ndarray, shape (nnz,)
        Where the difference stands in a flat table with a row for each color and a column for each output.
    """

    columns: IntArray
    places: IntArray


def plain_readings(structure: Structure, colors: IntArray) -> tuple[Reading, ...]:
    """Return how each entry (i, j) is read when column j moves."""
    return (_reading(structure, structure.columns, colors),)


def symmetric_readings(structure: Structure, colors: IntArray) -> tuple[Reading, ...]:
    """Return how each entry (i, j) is read at (i, j) and at (j, i).

    Where one of the two is mixed up with another column of its color, the other serves for both.
    """
    rows, columns = structure.rows, structure.columns
    here, there = (_reading(structure, c, colors).places for c in (columns, rows))
    alone = np.bincount(here) == 1
    choices = (np.where(alone[here], columns, rows), np.where(alone[there], rows, columns))
    return tuple(_reading(structure, choice, colors) for choice in choices)


def _reading(structure: Structure, columns: IntArray, colors: IntArray) -> Reading:
    """Read each entry (i, j) where one of its two columns moves: i, j or j, i."""
    rows = structure.rows + (structure.columns - columns)
    places = colors[columns] * max(structure.shape[0], 1) + rows
    places.flags.writeable = columns.flags.writeable = False
    return Reading(columns, places)
