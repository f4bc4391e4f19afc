"""Central differences of any even order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calcml._lines import Lines
from calcml.schemes._difference import difference
from calcml.schemes._recipe import check_order, plan
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.steps import as_rule

__all__ = ["Central"]


@dataclass(frozen=True)
class Central(Scheme):
    """Differentiate by central differences on a symmetric grid.

    With m = (n + order - 1) // 2 points on either side the formula is
    f⁽ⁿ⁾(x) = h⁻ⁿ Σ_{j=-m..m} w_j f(x + j h) + O(h^order), for n = 1 and order 2 the familiar
    [f(x + h) - f(x - h)] / 2h with the error h² f'''/6.

    Parameters
    ----------
    order : int, optional
        Order of accuracy, even.
    step : float, array_like or step rule, optional
        One step, one per coordinate in the shape of x, or a rule; None is `Relative`.

    Raises
    ------
    TypeError
        If order is not an integer.
    ValueError
        If order is not positive and even, or a step is not positive.

    Notes
    -----
    A gradient costs 2 m evaluations per coordinate; an estimate with its error two more, for the formula of
    order + 2 that judges this one.  At bounds the points are shifted and the order is kept.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> float(cm.derivative(np.sin, 0.0, scheme=cm.schemes.Central(order=4)))
    1.0
    """

    order: int = 2
    step: Any = None

    def __post_init__(self) -> None:
        """Check the options and turn the step into a rule."""
        check_order(self.order, even=True)
        object.__setattr__(self, "step", as_rule(self.step))

    def coefficient(self, lines: Lines, n: int, *, error: bool = True) -> Coefficient:
        """Return the n-th Taylor coefficient on each line."""
        return difference(lines, plan(n, self.order, 0), self.step, error=error)
