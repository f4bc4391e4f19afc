"""Backward differences of any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calcml._lines import Lines
from calcml.schemes._difference import difference
from calcml.schemes._recipe import check_order, plan
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.steps import as_rule

__all__ = ["Backward"]


@dataclass(frozen=True)
class Backward(Scheme):
    """Differentiate by backward differences: all points lie at x or below.

    The formula is f⁽ⁿ⁾(x) = h⁻ⁿ Σ_j w_j f(x - j h) + O(h^order) with j = 0 .. n + order - 1, for n = 1 and
    order 1 [f(x) - f(x - h)] / h with the error -h f''/2.

    Parameters
    ----------
    order : int, optional
        Order of accuracy.
    step : float, array_like or step rule, optional
        One step, one per coordinate in the shape of x, or a rule; None is `Relative`.

    Raises
    ------
    TypeError
        If order is not an integer.
    ValueError
        If order is not positive, or a step is not positive.

    Notes
    -----
    A gradient costs n + order - 1 evaluations per coordinate and one of f(x), which all coordinates share; an
    estimate with its error one more per coordinate.  At bounds the points are shifted and the order is kept.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> float(cm.derivative(np.exp, 0.0, scheme=cm.schemes.Backward(order=3)))
    1.0
    """

    order: int = 1
    step: Any = None

    def __post_init__(self) -> None:
        """Check the options and turn the step into a rule."""
        check_order(self.order)
        object.__setattr__(self, "step", as_rule(self.step))

    def coefficient(self, lines: Lines, n: int, *, error: bool = True) -> Coefficient:
        """Return the n-th Taylor coefficient on each line."""
        return difference(lines, plan(n, self.order, -1), self.step, error=error)
