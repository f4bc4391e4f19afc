"""Forward differences of any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from calcml.schemes._fixed import FixedDifference

__all__ = ["Forward"]


@dataclass(frozen=True)
class Forward(FixedDifference):
    """Differentiate by forward differences: all points lie at x or above.

    The formula is f⁽ⁿ⁾(x) = h⁻ⁿ Σ_j w_j f(x + j h) + O(h^order) with j = 0 .. n + order - 1, for n = 1 and
    order 1 [f(x + h) - f(x)] / h with the error h f''/2.

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
    Where f has not moved at all on a line, the formula is taken once more with a step of a 64th of x, to tell
    a constant from values on a grid; a plain derivative does so where all of it is zero.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> float(cm.derivative(np.exp, 0.0, scheme=cm.schemes.Forward(order=3)))
    1.0
    """

    side: ClassVar[int] = 1

    order: int = 1
    step: Any = None
