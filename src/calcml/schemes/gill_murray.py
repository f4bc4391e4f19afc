"""The search of Gill, Murray, Saunders and Wright."""

from __future__ import annotations

from dataclasses import dataclass

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._measure import measured_step
from calcml.schemes._search import Search
from calcml.schemes.stencils import Stencil

__all__ = ["GillMurray"]

# The interval changes by decades.
DECADE = 10.0


@dataclass(frozen=True)
class GillMurray(Search):
    r"""Measure a higher derivative with a difference whose noise is a small share of it.

    For a forward difference the second difference Φ = [f(x + k) - 2 f(x) + f(x - k)] / k² is taken at steps k
    that change by decades, until its condition error C(k) = 4 eps_f / (k² \|Φ\|) lies between `lower` and
    `upper`.  Then the step is h = 2 (eps_f / \|Φ\|)^(1/2), and the error of the derivative
    2 (eps_f \|f''\|)^(1/2).

    Parameters
    ----------
    lower, upper : float, optional
        The window of the condition error.
    noise : float, optional
        Absolute noise of f; None takes the rounding of the largest \|f\| seen.
    trials : int, optional
        The most steps that are tried.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If an option is not positive and finite, or `lower` is not below `upper`.

    Notes
    -----
    The paper has the forward difference alone.  For any other formula, of order p for the n-th derivative,
    the difference of order n + p takes the place of Φ, with the same window, and the step follows from it as
    ``h = [n eps_f ||w||_1 / (p |C| |f^(n+p)|)]^(1/(n+p))``, w the weights and C the error constant.  The
    paper starts at 20 (1 + \|x\|) [eps_f / (1 + \|f\|)]^(1/2); here the units 1 are left out, so that the
    units of x and f do not matter.  Where the decades step over the window the bracket is closed, where
    nothing is found (f is constant or linear) the step is that of `Relative`.  A step suits all outputs: of
    the steps they ask for, the shortest is taken.

    References
    ----------
    .. [1] P. E. Gill, W. Murray, M. A. Saunders and M. H. Wright, "Computing forward-difference intervals for
       numerical optimization", SIAM J. Sci. Stat. Comput. 4 (1983) 310,
       section 3.2 and eqs. (8) to (11).

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> scheme = cm.schemes.Forward(step=cm.schemes.GillMurray())
    >>> slope = cm.gradient(lambda x: np.exp(-x[0] / 1e6), [1.0], scheme=scheme)
    >>> round(float(slope[0]) * 1e6, 6)
    -0.999999
    """

    lower: float = 0.001
    upper: float = 0.1
    noise: float | None = None
    trials: int = 40

    def search(self, lines: Lines, index: IntArray, formula: Stencil) -> FloatArray:
        """Return the step on the lines in `index`, not finite where f has not told any."""
        return measured_step(
            lines,
            index,
            formula,
            noise=self.noise,
            window=(self.lower, self.upper),
            factor=DECADE,
            trials=self.trials,
        )
