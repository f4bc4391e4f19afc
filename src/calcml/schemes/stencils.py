"""Weights of finite-difference formulas, in exact rational arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np

from calcml._typing import FloatArray

__all__ = ["Stencil", "stencil"]


@dataclass(frozen=True)
class Stencil:
    """A finite-difference formula for the n-th derivative on a grid of offsets.

    The formula is f⁽ⁿ⁾(x) = h⁻ⁿ Σ_j w_j f(x + g_j h) - C hᵖ f⁽ⁿ⁺ᵖ⁾(x) + O(hᵖ⁺¹) with offsets g, weights w,
    accuracy order p and error constant C = Σ_j w_j g_jⁿ⁺ᵖ / (n + p)!.

    Attributes
    ----------
    offsets : tuple of Fraction
        The grid, in units of the step.
    weights : tuple of Fraction
        One weight per offset.
    n : int
        Order of the derivative.
    order : int
        Order of accuracy, p.
    error_constant : Fraction
        The constant C of the leading error term.

    Examples
    --------
    >>> import calcml as cm
    >>> print(cm.stencil((-1, 0, 1), 2))
    f''(x) = [f(x-h) - 2 f(x) + f(x+h)] / h^2 + O(h^2)
    """

    offsets: tuple[Fraction, ...]
    weights: tuple[Fraction, ...]
    n: int
    order: int
    error_constant: Fraction

    @property
    def grid(self) -> FloatArray:
        """The offsets as floating-point numbers."""
        return np.array([float(g) for g in self.offsets])

    @property
    def coefficients(self) -> FloatArray:
        """The weights as floating-point numbers."""
        return np.array([float(w) for w in self.weights])

    @cached_property
    def condition(self) -> float:
        """Sum of the absolute weights: noise eps in f becomes at most condition * eps / hⁿ."""
        return float(sum(abs(w) for w in self.weights))

    @cached_property
    def balance(self) -> float:
        """Condition over the error constant: what noise counts against truncation."""
        return self.condition / abs(float(self.error_constant))

    def __str__(self) -> str:
        """Write the formula as mathematics."""
        terms = "".join(_term(w, g) for g, w in zip(self.offsets, self.weights, strict=True) if w)
        head = terms[3:] if terms.startswith(" + ") else "-" + terms[3:]
        prime = {1: "f'(x)", 2: "f''(x)", 3: "f'''(x)"}.get(self.n, f"f^({self.n})(x)")
        power = "h" if self.n == 1 else f"h^{self.n}"
        return f"{prime} = [{head}] / {power} + O(h^{self.order})"


def _term(weight: Fraction, offset: Fraction) -> str:
    sign = " - " if weight < 0 else " + "
    factor = "" if abs(weight) == 1 else f"{abs(weight)} "
    if offset == 0:
        return f"{sign}{factor}f(x)"
    step = "h" if abs(offset) == 1 else f"{abs(offset)}h"
    return f"{sign}{factor}f(x{'-' if offset < 0 else '+'}{step})"


def stencil(offsets: Sequence[int | float | Fraction], n: int = 1) -> Stencil:
    """Return the finite-difference formula for the n-th derivative on a grid.

    Parameters
    ----------
    offsets : sequence of numbers
        Different offsets in units of the step, at least n + 1 of them.
    n : int, optional
        Order of the derivative.

    Returns
    -------
    Stencil
        Offsets, weights, order of accuracy and error constant, all exact rationals.

    Raises
    ------
    TypeError
        If n is not an integer or an offset is not a number.
    ValueError
        If there are too few offsets, equal ones, or n is negative.

    Notes
    -----
    The weights make the formula exact for polynomials of degree below the number of offsets; they are the
    derivatives of the Lagrange polynomials, computed by the recurrence of [1]_ in exact arithmetic.

    References
    ----------
    .. [1] B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids",
       Math. Comp. 51 (1988) 699, eqs. (3.8) to (3.10).

    Examples
    --------
    >>> import calcml as cm
    >>> formula = cm.stencil([-2, -1, 1, 2])
    >>> [str(w) for w in formula.weights]
    ['1/12', '-2/3', '2/3', '-1/12']
    >>> formula.order
    4
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer):
        raise TypeError(f"`n` must be an integer, got {n!r}")
    try:
        grid = tuple(Fraction(g) if not isinstance(g, np.generic) else Fraction(g.item()) for g in offsets)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"`offsets` must be a sequence of finite numbers, got {offsets!r}") from error
    if n < 0:
        raise ValueError(f"`n` must be at least 0, got {n}")
    if len(set(grid)) != len(grid):
        raise ValueError(f"`offsets` must all be different, got {[str(g) for g in grid]}")
    if len(grid) < n + 1:
        raise ValueError(f"`offsets` must hold at least n + 1 = {n + 1} points, got {len(grid)}")
    return cached_stencil(grid, int(n))


@lru_cache(maxsize=256)
def cached_stencil(grid: tuple[Fraction, ...], n: int) -> Stencil:
    """Return the formula on a grid that is known to be good; a pure function of its arguments."""
    weights = _weights(grid, n)
    # The first power beyond n that the formula does not annihilate gives order and error constant;
    # symmetric grids gain an order because odd or even powers cancel.
    power = len(grid)
    while (moment := sum(w * g**power for w, g in zip(weights, grid, strict=True))) == 0:
        power += 1
    return Stencil(grid, weights, n, power - n, moment / math.factorial(power))


def _weights(grid: tuple[Fraction, ...], n: int) -> tuple[Fraction, ...]:
    # Fornberg's recurrence: d[m][v] is the weight of point v in the m-th derivative at 0 of the
    # polynomial through the points seen so far.  A new point g_i multiplies each old Lagrange polynomial by
    # (g_i - z) / (g_i - g_v), and its own is the last one's times (z - g_i-1), rescaled.  Differentiating
    # these products m times at z = 0 gives the two update lines below; `lower` is 0 for m = 0.
    d = [[Fraction(0)] * len(grid) for _ in range(n + 1)]
    d[0][0] = Fraction(1)
    product_before = Fraction(1)
    for i in range(1, len(grid)):
        product = Fraction(1)
        highest = min(i, n)
        for v in range(i):
            gap = grid[i] - grid[v]
            product *= gap
            if v == i - 1:
                for m in range(highest, -1, -1):
                    lower = m * d[m - 1][v]
                    d[m][i] = product_before / product * (lower - grid[v] * d[m][v])
            for m in range(highest, -1, -1):
                lower = m * d[m - 1][v]
                d[m][v] = (grid[i] * d[m][v] - lower) / gap
        product_before = product
    return tuple(d[n])
