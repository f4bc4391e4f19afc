"""Which points a fixed scheme takes, and with what weights."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np

from calcml._typing import FloatArray
from calcml.schemes.stencils import Stencil, cached_stencil

__all__ = ["Plan", "Recipe", "check_order", "plan"]


@lru_cache(maxsize=256)
def plan(n: int, order: int, side: int) -> Plan:
    """Return the plan for the n-th derivative; made once."""
    return Plan(n, order, side)


@dataclass(frozen=True)
class Plan:
    """Which points a scheme prefers: side -1 backward, 0 central, 1 forward.

    Where bounds do not allow them, the same order needs n + order points in a row, wherever they fit.
    """

    n: int
    order: int
    side: int

    @cached_property
    def formula(self) -> Stencil:
        """The preferred formula."""
        return _formula(self.n, self.order, self.side)

    @property
    def reach(self) -> int:
        """Steps spanned by points in a row that have this order wherever they lie."""
        return self.n + self.order - 1

    @cached_property
    def plain(self) -> Recipe:
        """The preferred points and weights."""
        return self._recipe(error=False)

    @cached_property
    def judged(self) -> Recipe:
        """The same with the better formula that judges them."""
        return self._recipe(error=True)

    def _recipe(self, *, error: bool) -> Recipe:
        better = _formula(self.n, self.order + (1 if self.side else 2), self.side)
        return _recipe(self.formula, better, error)

    def window(self, first: int, wider: int, *, error: bool) -> Recipe:
        """Return points in a row from the offset `first`, and from `wider` one more that judge them."""
        return _window(self.n, self.reach + 1, first, wider, error)


@dataclass(frozen=True, eq=False)
class Recipe:
    """A formula, and the better one that judges it if the error is wanted, on their common grid.

    Attributes
    ----------
    grid : ndarray, shape (K,)
        Offsets at which f is needed, in units of the step.
    weights : tuple of tuple of float
        Weights of each formula on the grid.
    middle : int or None
        The place of x itself, if it is on the grid.
    moves : ndarray, shape (K', 1)
        The offsets away from x, as a column.
    single : bool
        Whether the only move is one of a full step ahead.
    lowest, highest : float
        The range of offsets that must lie within bounds.
    """

    n: int
    grid: FloatArray
    weights: tuple[tuple[float, ...], ...]
    middle: int | None
    moves: FloatArray
    single: bool
    condition: float
    lowest: float
    highest: float

    def distances(self, h: FloatArray) -> FloatArray:
        """Return the moves in units of x for the step h of each line, shape (K', P)."""
        # The product of a column and a row costs NumPy twice one of two rows of equal shape.
        return h[None] if self.single else self.moves * h


def _consecutive(leftmost: int, count: int, n: int) -> Stencil:
    return cached_stencil(tuple(Fraction(leftmost + j) for j in range(count)), n)


@lru_cache(maxsize=256)
def _formula(n: int, order: int, side: int) -> Stencil:
    if side == 0:
        m = (n + order - 1) // 2
        return _consecutive(-m, 2 * m + 1, n)
    return _consecutive(0 if side > 0 else 1 - n - order, n + order, n)


@lru_cache(maxsize=1024)
def _window(n: int, count: int, first: int, wider: int, error: bool) -> Recipe:
    return _recipe(_consecutive(first, count, n), _consecutive(wider, count + 1, n), error)


def _recipe(formula: Stencil, better: Stencil, error: bool) -> Recipe:
    used = [formula, better] if error else [formula]
    tables = [{g: w for g, w in zip(f.offsets, f.weights, strict=True) if w} for f in used]
    grid = sorted(set().union(*tables))
    offsets = np.array([float(g) for g in grid])
    weights = tuple(tuple(float(table.get(g, 0)) for g in grid) for table in tables)
    # Whether the error is wanted must not change the value, so bounds are held against the better formula.
    lowest, highest = float(better.offsets[0]), float(better.offsets[-1])
    middle, moves = grid.index(Fraction(0)) if 0 in grid else None, offsets[offsets != 0][:, None]
    single = moves.tolist() == [[1.0]]
    return Recipe(formula.n, offsets, weights, middle, moves, single, formula.condition, lowest, highest)


def check_order(order: object, *, even: bool = False) -> None:
    """Refuse an order of accuracy that no formula of the family has."""
    if isinstance(order, bool) or not isinstance(order, int | np.integer):
        raise TypeError(f"`order` must be an integer, got {order!r}")
    if order < 1 or (even and order % 2):
        kind = "a positive even integer" if even else "a positive integer"
        raise ValueError(f"`order` must be {kind}, got {order}")
