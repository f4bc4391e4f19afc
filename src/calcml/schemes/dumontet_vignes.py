"""The search of Dumontet and Vignes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._measure import measured_step
from calcml.schemes._search import Search
from calcml.schemes.stencils import Stencil

__all__ = ["DumontetVignes"]

# The most probable rounding of f, not the largest, balances truncation: h³ = 1.68 eps |f / f'''| for the
# central difference, in place of 3.
PROBABLE = 1.68 / 3
FACTOR = 4.0


@dataclass(frozen=True)
class DumontetVignes(Search):
    r"""Measure a higher derivative with a difference that noise just leaves its sign.

    For a central difference the third derivative is taken from f(x ± k) and f(x ± 2k).  Rounding of the four
    terms by eps_f puts it between two bounds; k is bracketed and bisected until their quotient, upper over
    lower, lies between `lower` and `upper`.  Then h = (1.68 eps_f / \|f'''\|)^(1/3), and the error of the
    derivative is of the order (eps_f² \|f'''\|)^(1/3).

    Parameters
    ----------
    lower, upper : float, optional
        The window of the quotient.
    noise : float, optional
        Absolute noise of f; None takes the rounding of the largest \|f\| seen.
    trials : int, optional
        The most steps that are tried.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If an option is not finite, `lower` is not above 1, or not below `upper`.

    Notes
    -----
    The quotient of the bounds is (1 + e) / (1 - e), with e the noise of the third derivative over itself.
    For another formula, of order p for the n-th derivative, the central formula of the derivative of order
    n + p takes its place, and ``h = [0.56 n eps_f ||w||_1 / (p |C| |f^(n+p)|)]^(1/(n+p))``, w the weights
    and C the error constant.  Where nothing is found (f is constant or linear) the step is that of
    `Relative`.  A step suits all outputs: of the steps they ask for, the shortest is taken.

    References
    ----------
    .. [1] J. Dumontet and J. Vignes, "Détermination du pas optimal dans le calcul des dérivées sur
       ordinateur", RAIRO Anal. Numér. 11 (1977) 13, eqs. (30) to (36).

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> scheme = cm.schemes.Central(step=cm.schemes.DumontetVignes())
    >>> round(float(cm.derivative(np.arctan, 0.5, scheme=scheme)), 9)
    0.8
    """

    above: ClassVar[Mapping[str, float]] = MappingProxyType({"lower": 1.0})

    lower: float = 2.0
    upper: float = 15.0
    noise: float | None = None
    trials: int = 40

    def search(self, lines: Lines, index: IntArray, formula: Stencil) -> FloatArray:
        """Return the step on the lines in `index`, not finite where f has not told any."""
        step = measured_step(
            lines,
            index,
            formula,
            noise=self.noise,
            window=(_share(self.lower), _share(self.upper)),
            factor=FACTOR,
            trials=self.trials,
        )
        return step * PROBABLE ** (1 / (formula.n + formula.order))


def _share(quotient: float) -> float:
    """Return the noise over the derivative for a quotient of the bounds."""
    return (quotient - 1) / (quotient + 1)
