"""Central differences of any even order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from calcml.schemes._fixed import FixedDifference

__all__ = ["Central"]


@dataclass(frozen=True)
class Central(FixedDifference):
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
    Where f has not moved at all on a line, the formula is taken once more with a step of a 64th of x, to tell
    a constant from values on a grid; a plain derivative does so where all of it is zero.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> float(cm.derivative(np.sin, 0.0, scheme=cm.schemes.Central(order=4)))
    1.0
    """

    side: ClassVar[int] = 0

    order: int = 2
    step: Any = None
