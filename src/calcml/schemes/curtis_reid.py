"""The search of Curtis and Reid."""

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
from calcml.schemes._search import LONG, Probe, Search, bracket, verdict
from calcml.schemes.stencils import Stencil, cached_stencil

__all__ = ["CurtisReid"]

# A step is shortened by no more than this at once: beyond the length of f the law fails.
SHORTEST = 0.01


@dataclass(frozen=True)
class CurtisReid(Search):
    r"""Aim at a ratio of truncation to rounding, by the law that the ratio obeys.

    The truncation T of the formula is its difference to the formula of the next order on the same points, the
    rounding is R = eps_f ||w||_1 / hⁿ with weights w.  For T / R = r the next step is
    h [aim / max(r, 1)]^(1/(n+p)), until r lies within a factor of `tolerance` of `aim`; so the truncation
    stands out clearly from the noise.  By the same law the last step is then brought to r = n / p, where the
    error is least, of the order eps_f^(p/(n+p)).

    Parameters
    ----------
    aim : float, optional
        The ratio at which truncation is measured.
    tolerance : float, optional
        Factor by which the ratio may miss the aim.
    original : bool, optional
        Whether to follow the paper to the letter, which is made for the first derivative: T is the difference
        of the central to the forward difference, r grows as h², and the step at which r is near `aim` is
        taken. T is that of the forward difference, so r must be large for the central one.
    noise : float, optional
        Absolute noise of f; None takes the rounding of the largest \|f\| seen.
    trials : int, optional
        The most steps that are tried.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If an option is not positive and finite, or `tolerance` is not above 1; with `original`, if a higher
        derivative than the first is asked for.

    Notes
    -----
    A ratio beyond the Taylor terms of f obeys no law: the step changes by no more than 1/100 then, and is
    bisected once it is bracketed.  Where nothing is found (f is constant or linear) the step is that of
    `Relative`.  A step suits all outputs: of the steps they ask for, the shortest is taken.

    References
    ----------
    .. [1] A. R. Curtis and J. K. Reid, "The choice of step lengths when using differences to approximate
       Jacobian matrices", J. Inst. Maths. Applics. 13 (1974) 121.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> scheme = cm.schemes.Central(step=cm.schemes.CurtisReid())
    >>> round(float(cm.derivative(lambda x: x**4, 2.0, scheme=scheme)), 8)
    32.0
    """

    above: ClassVar[Mapping[str, float]] = MappingProxyType({"tolerance": 1.0})

    aim: float = 100.0
    tolerance: float = 10.0
    original: bool = False
    noise: float | None = None
    trials: int = 40

    def check_formula(self, formula: Stencil) -> None:
        """Refuse, with `original`, a formula for a higher derivative."""
        if self.original and formula.n != 1:
            raise ValueError(
                f"`original=True` is made for the first derivative, got order {formula.n}; leave it out"
            )

    def search(self, lines: Lines, index: IntArray, formula: Stencil) -> FloatArray:
        """Return the step on the lines in `index`, not finite where f has not told any."""
        nodes, weights, power = FIRST if self.original else (*_better(formula), formula.n + formula.order)
        norm = 1.0 if self.original else formula.condition
        probe = Probe(lines, index, nodes, self.noise)
        at_end = np.ones(len(index))

        def trial(h: FloatArray, rows: IntArray) -> tuple[IntArray, FloatArray]:
            """Judge steps on some lines."""
            values = probe.evaluate(h, rows)
            truncation = np.abs(probe.weigh(weights, values))
            ratio = probe.strongest(truncation, norm * probe.rounding(values, rows), values, rows)
            said = verdict(ratio, self.aim / self.tolerance, self.aim * self.tolerance)
            at_end[rows] = np.where(said == LONG, at_end[rows], ratio)
            law = np.maximum((self.aim / ratio) ** (1 / power), SHORTEST)
            return said, np.where(ratio > 1, law, np.nan)

        # The aim, if the length of f is |x|.
        start = (self.aim * norm * lines.eps / np.abs(weights).sum()) ** (1 / power) * probe.unit
        factor = self.aim ** (1 / power)
        h = bracket(probe, start, trial, factor, self.trials, leap=True).settled
        wanted = formula.n / formula.order
        return h if self.original else h * (wanted / np.maximum(at_end, 1.0)) ** (1 / power)


# Central less forward difference: [f(x + h) - f(x - h)] / 2h - [f(x + h) - f(x)] / h, times h.
FIRST = (-1.0, 0.0, 1.0), np.array([-0.5, 1.0, -0.5]), 2


@lru_cache(maxsize=64)
def _better(formula: Stencil) -> tuple[tuple[float, ...], FloatArray]:
    """Return nodes and weights of the difference to the next order, which has the next points."""
    first, last = int(formula.offsets[0]), int(formula.offsets[-1])
    first, last = first - (first < 0), last + (last > 0)
    better = cached_stencil(tuple(Fraction(j) for j in range(first, last + 1)), formula.n)
    own = dict(zip(formula.offsets, formula.weights, strict=True))
    weights = [
        float(w - own.get(g, Fraction(0))) for g, w in zip(better.offsets, better.weights, strict=True)
    ]
    return tuple(float(g) for g in better.offsets), np.array(weights)
