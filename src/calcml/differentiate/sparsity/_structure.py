"""A sparsity pattern as users pass it, and in the one form in which everything here reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._typing import IntArray

__all__ = ["Structure", "check_symmetric", "from_pairs", "structure_of"]


@dataclass(frozen=True, eq=False)
class Structure:
    """Places of a sparse matrix by rows, without values: columns ascend in each row, none occurs twice.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    starts : ndarray, shape (m + 1,)
        Where each row begins in `columns`.
    columns : ndarray, shape (nnz,)
        Column of each place.
    """

    shape: tuple[int, int]
    starts: IntArray
    columns: IntArray

    @property
    def rows(self) -> IntArray:
        """Row of each place."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.starts))

    @property
    def widest(self) -> int:
        """Largest number of places in a row."""
        return int(np.diff(self.starts).max(initial=0))

    def by_columns(self) -> Structure:
        """Return the transposed structure."""
        m, n = self.shape
        return from_pairs(self.columns, self.rows, (n, m))

    def same_rows(self) -> Structure:
        """Return which columns share a row, without the column itself."""
        matrix = _ones(self.rows, self.columns, self.shape)
        pairs = (matrix.T @ matrix).tocoo()
        return from_pairs(pairs.row, pairs.col, pairs.shape).off_diagonal()

    def off_diagonal(self) -> Structure:
        """Return the structure without its diagonal."""
        rows = self.rows
        apart = rows != self.columns
        return from_pairs(rows[apart], self.columns[apart], self.shape)

    def with_diagonal(self) -> Structure:
        """Return the structure with all of its diagonal."""
        every = np.arange(self.shape[0])
        return from_pairs(np.append(self.rows, every), np.append(self.columns, every), self.shape)


def structure_of(pattern: Any, name: str = "sparsity") -> Structure:
    """Read a scipy.sparse matrix of any format, or a dense array whose entries are true where it counts."""
    from scipy import sparse

    if not sparse.issparse(pattern):
        return _from_dense(pattern, name)
    return _from_sparse(pattern, name)


def _from_sparse(pattern: Any, name: str) -> Structure:
    from scipy import sparse

    if pattern.ndim != 2:
        raise ValueError(f"`{name}` must be a matrix, got shape {pattern.shape}; give it rows and columns")
    if pattern.format == "dia":
        # The stored zeros of a band are part of it; a conversion would drop them.
        pattern = sparse.dia_array(
            (np.ones_like(pattern.data, dtype=np.int8), pattern.offsets), pattern.shape
        )
    coo = pattern.tocoo()
    return from_pairs(coo.row, coo.col, coo.shape)


def _from_dense(pattern: Any, name: str) -> Structure:
    try:
        array = np.asarray(pattern)
    except ValueError:
        # The pattern and its groups, as other packages take them.
        raise TypeError(
            f"`{name}` must be one pattern, got a {type(pattern).__name__} of parts of different shapes; "
            "pass the pattern alone or a SparsityPlan of it, which finds the groups of columns itself"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"`{name}` must be a scipy.sparse pattern, a SparsityPlan or an array of booleans, "
            f"got {type(pattern).__name__}"
        )
    if array.ndim != 2:
        raise ValueError(f"`{name}` must be a matrix, got shape {array.shape}; give it rows and columns")
    rows, columns = np.nonzero(array)
    return from_pairs(rows, columns, array.shape)


def from_pairs(rows: IntArray, columns: IntArray, shape: tuple[int, ...]) -> Structure:
    """Make a structure from the rows and columns of its places, in any order, perhaps more than once."""
    matrix = _ones(rows, columns, shape)
    return Structure((int(shape[0]), int(shape[1])), matrix.indptr, matrix.indices)


def _ones(rows: IntArray, columns: IntArray, shape: tuple[int, ...]) -> Any:
    """Return a matrix of ones; a sum of them cannot vanish, as one of given values could."""
    from scipy import sparse

    matrix = sparse.coo_array((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=shape).tocsr()
    matrix.sum_duplicates()
    return matrix


def check_symmetric(structure: Structure, name: str = "sparsity") -> None:
    """Refuse a pattern that no symmetric matrix has."""
    m, n = structure.shape
    if m != n:
        raise ValueError(f"`{name}` of a symmetric matrix must be square, got shape {(m, n)}")
    other = structure.by_columns()
    if np.array_equal(structure.starts, other.starts) and np.array_equal(structure.columns, other.columns):
        return
    here, there = (s.rows * np.int64(n) + s.columns for s in (structure, other))
    i, j = divmod(int(np.setdiff1d(here, there)[0]), n)
    raise ValueError(
        f"`{name}` must be symmetric, got an entry at ({i}, {j}) and none at ({j}, {i}); "
        "add the pattern's transpose to it"
    )
