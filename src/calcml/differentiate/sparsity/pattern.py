"""Finding which outputs of a function depend on which of its variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._function import Function, check_callable
from calcml._parameters import check_bounds, flatten
from calcml._typing import Bounds, IntArray, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml._workers import open_map
from calcml.differentiate.sparsity._probing import METHODS, Probing, RefusedNaN
from calcml.differentiate.sparsity._structure import Structure, from_pairs
from calcml.differentiate.sparsity.coloring import quick_colors
from calcml.errors import EvaluationError

__all__ = ["sparsity_pattern"]


def sparsity_pattern(
    f: RealFunction,
    x: Any,
    *,
    method: str = "auto",
    symmetric: bool = False,
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> Any:
    """Find where the Jacobian of a function may differ from 0.

    Variables are moved, or set to NaN, in groups, and the outputs that react are noted.  Groups are halved
    until they are single variables; at each level, groups on which no output depends together are moved
    together, as the columns of one color are in a sparse Jacobian.  A band of width k in n variables
    takes about 2 k log2(n) tests instead of n.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array; for the pattern of a Hessian, the gradient.
        It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to look; a generic point, at which no entry is 0 by chance.
    method : {"auto", "nan", "probe"}, optional
        "nan" sets variables to NaN and notes which outputs become NaN or change, one evaluation per test.
        "probe" moves them by 1 to 10 % at three points and notes which outputs change.  "auto" does both,
        with one point, and only the latter where f raises an error for NaN.
    symmetric : bool, optional
        Whether to add the transposed pattern, as the Hessian needs it for the pattern of a gradient.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside, but for NaN.
    vectorized : bool, optional
        Whether f takes x of shape ``x.shape + (K,)`` and returns ``f(x).shape + (K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.

    Returns
    -------
    csr_array of bool, shape (f(x).size, x.size)
        The pattern: true where an output may depend on a variable.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers, changes its shape between calls, or raises an error for NaN with
        ``method="nan"``.

    See Also
    --------
    SparsityPlan : Prepare the pattern for use.
    jacobian, hessian : Use it.

    Notes
    -----
    NaN errs on the safe side: 0 * x counts as a dependence.  It fails where f swallows NaN, in a comparison
    (``np.where(x > 0, ...)``, ``np.fmax``) or a cast to integers.  Probes see what f does near x and nowhere
    else: the branch that is not taken stays unseen.  `jacobian` and `hessian` check a pattern each time.

    A pattern without any order, d entries in each row and column, takes of the order of d sqrt(n) tests;
    never are there more than a few n.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cm.sparsity_pattern(lambda x: np.diff(x) ** 2, np.arange(4.0)).toarray().astype(int)
    array([[1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])
    """
    check_callable(f)
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(map(repr, METHODS))}, got {method!r}")
    flat, structure = flatten(x)
    limits = check_bounds(bounds, flat, structure)
    with open_map(workers) as mapper:
        function = Function(f, structure, args=args, kwargs=kwargs, vectorized=vectorized, mapper=mapper)
        try:
            rows, columns = _search(Probing(function, flat, limits, METHODS[method]))
        except RefusedNaN as refusal:
            if method == "nan":
                raise EvaluationError(
                    f"f does not take NaN ({refusal.__cause__}); use method='probe'"
                ) from refusal.__cause__
            rows, columns = _search(Probing(function, flat, limits, METHODS["probe"]))
    m, n = function.size, flat.size
    if symmetric:
        if m != n:
            raise EvaluationError(f"`symmetric=True` needs as many outputs as variables, got {m} for {n}")
        rows, columns = np.append(rows, columns), np.append(columns, rows)
    found = from_pairs(rows, columns, (m, n))
    from scipy import sparse

    return sparse.csr_array((np.ones(len(found.columns), bool), found.columns, found.starts), shape=(m, n))


def _search(probing: Probing) -> tuple[IntArray, IntArray]:
    """Halve groups of neighboring variables until they are single; return rows and columns."""
    n, m = probing.count, probing.outputs
    if not n or not m:
        return np.empty(0, int), np.empty(0, int)
    # `edges` bound the groups; `rows` react to `groups`.
    edges = np.array([0, n])
    rows = np.flatnonzero(probing.changed(np.ones((1, n), dtype=bool))[0])
    groups = np.zeros(len(rows), dtype=int)
    while (np.diff(edges) > 1).any():
        structure = from_pairs(rows, groups, (m, len(edges) - 1))
        colors = quick_colors(structure)
        count = int(colors.max(initial=0)) + 1
        if 2 * count >= n:
            # One test for each variable costs no more.
            return _singly(probing, structure, edges)
        middle = (edges[:-1] + edges[1:] + 1) // 2
        finer = np.unique(np.concatenate([edges, middle]))
        owner = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
        behind = np.arange(n) >= middle[owner]
        parts = []
        for side in (False, True):
            for c in range(count):
                reached = probing.changed(((colors[owner] == c) & (behind == side))[None, :])[0]
                mine = (colors[groups] == c) & reached[rows]
                first = middle if side else edges[:-1]
                # A group of one variable has nothing behind its middle.
                mine &= (first < edges[1:])[groups]
                parts.append((rows[mine], np.searchsorted(finer, first[groups[mine]])))
        rows, groups = (np.concatenate(part) for part in zip(*parts, strict=True))
        edges = finer
    return rows, edges[groups]


def _singly(probing: Probing, structure: Structure, edges: IntArray) -> tuple[IntArray, IntArray]:
    """Test all variables of the groups that matter one by one."""
    sizes = np.diff(edges)
    used = np.bincount(structure.columns, minlength=len(sizes)) > 0
    every = np.flatnonzero(np.repeat(used, sizes))
    rows, columns = [np.empty(0, int)], [np.empty(0, int)]
    for k in range(0, len(every), probing.block):
        block = every[k : k + probing.block]
        masks = np.zeros((len(block), probing.count), dtype=bool)
        masks[np.arange(len(block)), block] = True
        place, row = np.nonzero(probing.changed(masks))
        rows.append(row)
        columns.append(block[place])
    return np.concatenate(rows), np.concatenate(columns)
