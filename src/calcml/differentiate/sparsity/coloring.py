"""Colorings: which columns of a sparse matrix can be found together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from calcml._typing import IntArray
from calcml.differentiate.sparsity._orders import orders
from calcml.differentiate.sparsity._star import greedy_star, star_bound
from calcml.differentiate.sparsity._structure import Structure, check_symmetric, structure_of

__all__ = [
    "color_columns",
    "color_symmetric",
    "column_colors",
    "cyclic",
    "quick_colors",
    "symmetric_colors",
]

# Orders other than the natural one need the graph of columns that share a row; beyond this many edges it
# takes longer to build than the colors it may save are worth.
MOST_EDGES = 4_000_000


def color_columns(pattern: Any) -> IntArray:
    """Color the columns of a sparse matrix so that columns of one color share no row.

    All columns of one color can be differenced at once: with m rows, k colors and a step along each color, f
    is evaluated along k directions instead of n [1]_.  No coloring has fewer colors than the fullest row has
    entries; when that many are reached the search ends.

    Parameters
    ----------
    pattern : sparse matrix or array_like of bool, shape (m, n)
        The structure: a `scipy.sparse` matrix of any format, of which every stored entry counts, explicit
        zeros too, or a dense array, of which the true entries count.

    Returns
    -------
    ndarray of int, shape (n,)
        The color of each column, from 0.

    Raises
    ------
    TypeError, ValueError
        If the pattern is no matrix.

    See Also
    --------
    color_symmetric : Fewer colors for a symmetric matrix.
    SparsityPlan : A coloring prepared for use.

    Notes
    -----
    Tried are the colors j mod k, the best for bands, then a greedy coloring in the natural, the smallest-last
    and the incidence-degree order [2]_; the last two only up to four million pairs of neighbors.  The greedy
    step takes time proportional to the number of entries: each row keeps the set of its colors as the bits
    of one integer, and the first color free for a column is the lowest bit that none of its rows has set.

    References
    ----------
    .. [1] A. R. Curtis, M. J. D. Powell and J. K. Reid, "On the estimation of sparse Jacobian matrices", IMA
       J. Appl. Math. 13 (1974) 117.
    .. [2] T. F. Coleman and J. J. Moré, "Estimation of sparse Jacobian matrices and graph coloring problems",
       SIAM J. Numer. Anal. 20 (1983) 187.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> tridiagonal = np.eye(6) + np.eye(6, k=1) + np.eye(6, k=-1)
    >>> cm.color_columns(tridiagonal)
    array([0, 1, 2, 0, 1, 2])
    """
    return column_colors(structure_of(pattern, "pattern"))


def color_symmetric(pattern: Any) -> IntArray:
    """Color the columns of a symmetric matrix so that every entry can be read off in one of its two places.

    A star coloring: neighbors differ, and no path of four vertices has two colors only.  Then of the two
    places (i, j) and (j, i) at least one is not mixed up with another entry of a column of the same color
    [1]_, [2]_.  An arrow needs 2 colors, a tridiagonal matrix 3; `color_columns` needs n and 3.

    Parameters
    ----------
    pattern : sparse matrix or array_like of bool, shape (n, n)
        The structure, symmetric: a `scipy.sparse` matrix of any format, of which every stored entry counts,
        explicit zeros too, or a dense array, of which the true entries count.

    Returns
    -------
    ndarray of int, shape (n,)
        The color of each column, from 0.

    Raises
    ------
    TypeError, ValueError
        If the pattern is no matrix, or not symmetric.

    See Also
    --------
    color_columns : Colors for a matrix without symmetry.
    SparsityPlan : A coloring prepared for use.

    Notes
    -----
    Tried are the colors j mod k, then a greedy coloring in the natural, the smallest-last and the
    incidence-degree order; the fewest colors are kept.

    References
    ----------
    .. [1] T. F. Coleman and J. J. Moré, "Estimation of sparse Hessian matrices and graph coloring problems",
       Math. Program. 28 (1984) 243.
    .. [2] A. H. Gebremedhin, A. Tarafdar, F. Manne and A. Pothen, "New acyclic and star coloring algorithms
       with application to computing Hessians", SIAM J. Sci. Comput. 29 (2007) 1042.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> arrow = np.eye(5)
    >>> arrow[0] = arrow[:, 0] = 1
    >>> cm.color_symmetric(arrow)
    array([0, 1, 1, 1, 1])
    """
    structure = structure_of(pattern, "pattern")
    check_symmetric(structure, "pattern")
    return symmetric_colors(structure)


def column_colors(structure: Structure) -> IntArray:
    """Color the columns of a structure; see `color_columns`."""
    return _fewest(_column_attempts(structure), max(structure.widest, 1))


def quick_colors(structure: Structure) -> IntArray:
    """Color the columns of a structure in the natural order alone."""
    return next(_column_attempts(structure))


def symmetric_colors(structure: Structure) -> IntArray:
    """Color a symmetric structure; see `color_symmetric`."""
    graph = structure.off_diagonal()
    return _fewest(_symmetric_attempts(graph), star_bound(graph))


def _column_attempts(structure: Structure) -> Iterator[IntArray]:
    yield from cyclic(structure)
    by_columns = structure.by_columns()
    yield greedy_columns(by_columns, range(structure.shape[1]))
    if (np.diff(structure.starts).astype(float) ** 2).sum() <= MOST_EDGES:
        for order in orders(structure.same_rows()):
            yield greedy_columns(by_columns, order)


def _symmetric_attempts(graph: Structure) -> Iterator[IntArray]:
    # Columns that share no row are also a star coloring, if neighbors count as sharing one.
    yield from cyclic(graph.with_diagonal())
    yield greedy_star(graph, range(graph.shape[1]))
    if len(graph.columns) <= MOST_EDGES:
        for order in orders(graph):
            yield greedy_star(graph, order)


def _fewest(attempts: Iterator[IntArray], bound: int) -> IntArray:
    """Return the coloring with the fewest colors; stop at one that cannot be beaten."""
    best = next(attempts)
    while best.max(initial=0) >= bound:
        colors = next(attempts, None)
        if colors is None:
            break
        if colors.max(initial=0) < best.max(initial=0):
            best = colors
    return best


def cyclic(structure: Structure) -> list[IntArray]:
    """Return the colors j mod k, k the number of entries of the fullest row, if they are a coloring."""
    n, k = structure.shape[1], max(structure.widest, 1)
    colors = np.arange(n) % k
    keys = structure.rows * np.int64(k) + colors[structure.columns]
    cells = structure.shape[0] * k
    if cells <= 16 * len(keys):
        seen = np.zeros(cells, dtype=bool)
        seen[keys] = True
        distinct = int(np.count_nonzero(seen))
    else:
        distinct = len(np.unique(keys))
    return [colors] if distinct == len(keys) else []


def greedy_columns(by_columns: Structure, order: Sequence[int]) -> IntArray:
    """Give each column, in turn, the first color that none of its rows has."""
    n, m = by_columns.shape
    starts, rows = by_columns.starts.tolist(), by_columns.columns.tolist()
    taken, colors = [0] * m, [0] * n
    for j in order:
        mine = rows[starts[j] : starts[j + 1]]
        union = 0
        for i in mine:
            union |= taken[i]
        free = ~union & (union + 1)
        for i in mine:
            taken[i] |= free
        colors[j] = free.bit_length() - 1
    return np.array(colors, dtype=np.intp)
