"""A sparsity pattern prepared once for many Jacobians or Hessians."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines._seeds import Seeds
from calcml._typing import FloatArray, IntArray
from calcml.differentiate.sparsity._readings import Reading, plain_readings, symmetric_readings
from calcml.differentiate.sparsity._structure import Structure, check_symmetric, structure_of
from calcml.differentiate.sparsity.coloring import column_colors, symmetric_colors

__all__ = ["SparsityPlan"]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class SparsityPlan:
    """A sparsity pattern with its coloring and the place of every entry, prepared once.

    `jacobian` and `hessian` take a plan as ``sparsity=`` for any f and x of its shape.  With k colors a
    Jacobian costs as many evaluations as k derivatives, and its entries are collected by one look-up.

    Parameters
    ----------
    pattern : sparse matrix or array_like of bool, shape (m, n)
        The structure of the matrix: a `scipy.sparse` matrix of any format, of which every stored entry
        counts, explicit zeros too, or a dense array, of which the true entries count.
    symmetric : bool, optional
        Whether the matrix is symmetric, as a Hessian is.  It then takes fewer colors, and entries that can be
        read in both of their places are the mean of the two.
    check : bool, optional
        Whether each use tests the pattern; Notes says how, and at what cost.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of the matrix.
    nnz : int
        Number of entries.
    count : int
        Number of colors in use.
    colors : ndarray of int, shape (n,)
        The color of each column.

    Raises
    ------
    TypeError, ValueError
        If the pattern is no matrix, or not symmetric where it should be.

    See Also
    --------
    sparsity_pattern : Find the pattern of a function.
    color_columns, color_symmetric : The colorings.

    Notes
    -----
    The check of a Jacobian takes one more derivative, along a mixture of all columns, which must agree with
    the matrix.  Where it does not, up to 8 rows are looked at, with one evaluation each, and two: only a
    change of f with columns outside the pattern, in proportion to how far they move, is taken for a missing
    entry.

    The check of a Hessian from values of f takes 3 evaluations for each of about 5 (d + 3) mixed differences
    between groups without an entry in common, d the mean number of entries in a row without the diagonal, at
    most half of what the Hessian takes by central differences: 75 for a tridiagonal one of any size.
    Hessians too small for that are checked by one more second derivative, and row by row only where it
    disagrees.

    All matrices of a plan share its index arrays, which are read-only.  To change the structure of one in
    place, as ``eliminate_zeros`` does, copy it first.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cm.SparsityPlan(np.eye(6) + np.eye(6, k=1) + np.eye(6, k=-1))
    SparsityPlan(shape=(6, 6), nnz=16, colors=3)
    """

    shape: tuple[int, int]
    symmetric: bool
    check: bool
    count: int
    colors: IntArray
    structure: Structure = field(repr=False)
    seeds: Seeds = field(repr=False)
    readings: tuple[Reading, ...] = field(repr=False)
    weights: FloatArray = field(repr=False)

    def __init__(self, pattern: Any, *, symmetric: bool = False, check: bool = True) -> None:
        for name, option in (("symmetric", symmetric), ("check", check)):
            if not isinstance(option, bool | np.bool_):
                raise TypeError(f"`{name}` must be True or False, got {option!r}")
        structure = structure_of(pattern)
        if symmetric:
            check_symmetric(structure)
        colors = symmetric_colors(structure) if symmetric else column_colors(structure)
        count = int(colors.max(initial=0)) + 1 if len(structure.columns) else 0
        readings = symmetric_readings(structure, colors) if symmetric else plain_readings(structure, colors)
        for array in (colors, structure.starts, structure.columns):
            array.flags.writeable = False
        options = {
            "shape": structure.shape,
            "symmetric": bool(symmetric),
            "check": bool(check),
            "count": count,
            "colors": colors,
            "structure": structure,
            "seeds": Seeds.of(colors, count),
            "readings": readings,
            "weights": _weights(structure.shape[1] if check else 0),
        }
        for name, value in options.items():
            object.__setattr__(self, name, value)

    @property
    def nnz(self) -> int:
        """Number of entries."""
        return len(self.structure.columns)

    def __repr__(self) -> str:
        """Return shape, number of entries and of colors."""
        kind = ", symmetric=True" if self.symmetric else ""
        return f"SparsityPlan(shape={self.shape}, nnz={self.nnz}, colors={self.count}{kind})"

    def matrix(self, data: NDArray[Any]) -> Any:
        """Return the sparse matrix with these entries, which shares the arrays of the structure.

        Parameters
        ----------
        data : ndarray, shape (nnz,)
            One number per entry, row by row.

        Returns
        -------
        csr_array
            With ascending columns in each row; its index arrays are read-only.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> cm.SparsityPlan(np.eye(2)).matrix(np.array([3.0, 4.0])).toarray()
        array([[3., 0.],
               [0., 4.]])
        """
        from scipy import sparse

        matrix = sparse.csr_array((data, self.structure.columns, self.structure.starts), shape=self.shape)
        # What the construction of the structure has ensured need not be found out again.
        matrix.has_canonical_format = True
        return matrix


def _weights(n: int) -> FloatArray:
    """Return how much each column moves along the line that checks the pattern.

    Always the same numbers, no two alike, and positive, so that all columns move to where there is room.
    """
    weights = np.random.default_rng(1974).uniform(0.5, 1.0, n)
    weights.flags.writeable = False
    return weights
