"""How an equality-constrained problem is made from its formulas."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._tools import constant, quiet
from .constrained import ConstrainedCase

__all__ = ["constrained", "least_squares_on_plane"]


def constrained(
    name: str, f: Callable[[Any], Any], grad: Callable[[Any], Any], equality: Callable[[Any], Any],
    jac: Callable[[Any], Any], x0: ArrayLike, x: ArrayLike | None, fun: float, multipliers: ArrayLike | None,
    *tags: str, kind: str = "minimum", hess: Callable[[Any, Any], Any] | None = None,
) -> ConstrainedCase:  # fmt: skip
    """Make the functions quiet and the arrays read-only."""
    return ConstrainedCase(
        name, quiet(f), quiet(grad), quiet(equality), quiet(jac), constant(x0),
        None if x is None else constant(x), float(fun),
        None if multipliers is None else constant(multipliers), kind,
        None if hess is None else quiet(hess), frozenset(tags),
    )  # fmt: skip


def least_squares_on_plane(
    name: str, M: ArrayLike, d: ArrayLike, A: ArrayLike, b: ArrayLike, x0: ArrayLike, x: ArrayLike,
    fun: float, multipliers: ArrayLike, *tags: str,
) -> ConstrainedCase:  # fmt: skip
    """Make f = |M x - d|^2 under A x = b."""
    M, d, A, b = constant(M), constant(d), constant(A), constant(b)
    H = constant(2 * M.T @ M)
    return constrained(
        name, lambda x: np.sum((M @ x - d) ** 2), lambda x: 2 * M.T @ (M @ x - d),
        lambda x: A @ x - b, lambda _: A.copy(), x0, x, fun, multipliers, "linear", *tags,
        hess=lambda _x, _lam: H.copy(),
    )  # fmt: skip
