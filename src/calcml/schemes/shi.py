"""The search of Shi, Xie, Xuan and Nocedal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._search import Probe, Search, bracket, lawful, side_of, verdict
from calcml.schemes.stencils import Stencil
from calcml.schemes.steps import optimal_factor

__all__ = ["Shi"]

# The ratio at the optimal step of the paper's two formulas.
PAPER = 3.0


@dataclass(frozen=True)
class Shi(Search):
    r"""Compare the formula at two steps until the difference is a few times the noise of f.

    With D the formula for the n-th derivative, the ratio

    r(h) = \|D(h) - D(αh)\| hⁿ / (A eps_f)

    has noise of at most 1 if A is the sum of the absolute weights of the numerator.  For a forward difference
    it is \|f(x + 4h) - 4 f(x + h) + 3 f(x)\| / (8 eps_f), for a central one \|f(x + 3h) - 3 f(x + h) + 3 f(x
    - h) - f(x - 3h)\| / (8 eps_f).  The step is multiplied or divided by α and then bisected until r lies
    between `lower` and `upper`; it is then between 0.41 and 1.5 times the optimal one for a forward
    difference, 0.55 and 1.33 for a central one.

    Parameters
    ----------
    lower, upper : float, optional
        The window of the ratio for these two formulas, where it is 3 at the optimal step.  For another
        formula it is scaled with the ratio at the optimal step.
    noise : float, optional
        Absolute noise of f, not less than it has; None takes the rounding of the largest \|f\| seen.
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
    α is 4 for one-sided formulas and 3 for central ones, whose values at ±3h serve again at the next step.
    The error is at most a few times that at the optimal step.  The paper starts as if the derivative of order
    n + p were 1; here it is taken as \|f\| / \|x\|ⁿ⁺ᵖ, so that the units of x and f do not matter.  Where
    nothing is found (f is constant or linear) the step is that of `Relative`.  A step suits all outputs: of
    the steps they ask for, the shortest is taken.

    References
    ----------
    .. [1] H.-J. M. Shi, Y. Xie, M. Q. Xuan and J. Nocedal, "Adaptive finite-difference interval estimation
       for noisy derivative-free optimization", SIAM J. Sci. Comput. 44 (2022) A2302, eqs. (2.4) to (3.14).

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> scheme = cm.schemes.Central(step=cm.schemes.Shi())
    >>> slope = cm.gradient(lambda x: np.exp(100 * x[0]), [0.01], scheme=scheme)
    >>> round(float(slope[0]), 6)
    271.828183
    """

    above: ClassVar[Mapping[str, float]] = MappingProxyType({"lower": 1.0})

    lower: float = 1.5
    upper: float = 6.0
    noise: float | None = None
    trials: int = 40

    def search(self, lines: Lines, index: IntArray, formula: Stencil) -> FloatArray:
        """Return the step on the lines in `index`, not finite where f has not told any."""
        n, p = formula.n, formula.order
        alpha, nodes, weights = _comparison(formula)
        norm = float(np.abs(weights).sum())
        # |D(h) - D(αh)| is (αᵖ - 1) times the truncation, which is n/p times the noise at the optimal step.
        best = (alpha**p - 1) * n * formula.condition / (p * norm)
        probe = Probe(lines, index, nodes, self.noise)

        def trial(h: FloatArray, rows: IntArray) -> tuple[IntArray, FloatArray]:
            """Judge steps on some lines."""
            values = probe.evaluate(h, rows)
            change = np.abs(probe.weigh(weights, values))
            ratio = probe.strongest(change, norm * probe.rounding(values, rows), values, rows)
            said = verdict(ratio, best / PAPER * self.lower, best / PAPER * self.upper)
            return said, lawful(ratio, best, n + p)

        start = optimal_factor(formula, lines.eps) * probe.unit
        return bracket(probe, start, trial, float(alpha), self.trials).settled


@lru_cache(maxsize=64)
def _comparison(formula: Stencil) -> tuple[int, tuple[float, ...], FloatArray]:
    """Return α, and nodes and weights of D(h) - D(αh), times hⁿ."""
    alpha = 4 if side_of(formula) else 3
    table: dict[Fraction, Fraction] = {}
    for g, w in zip(formula.offsets, formula.weights, strict=True):
        table[g] = table.get(g, Fraction(0)) + w
        table[alpha * g] = table.get(alpha * g, Fraction(0)) - w / Fraction(alpha) ** formula.n
    used = sorted((g, w) for g, w in table.items() if w)
    weights = np.array([float(w) for _, w in used])
    weights.flags.writeable = False
    return alpha, tuple(float(g) for g, _ in used), weights
