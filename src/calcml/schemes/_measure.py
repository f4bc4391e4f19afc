"""Measure the derivative of order n + p, from which the optimal step of a formula follows.

The difference of order m, Δ = Σ_j w_j f(x + g_j k) with the weights of the central formula for the m-th
derivative, is kᵐ f⁽ᵐ⁾ up to O(kᵐ⁺²) and the noise ‖w‖ eps_f of f.  How far it stands above the noise tells
whether k suits, and with M = |Δ| / kᵐ the step of the formula is h* = [n eps_f B / (p M)]^(1/(n+p)), where B
is the sum of its absolute weights over its error constant.
"""

from __future__ import annotations

import numpy as np

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._recipe import Plan
from calcml.schemes._search import LONG, Bracket, Probe, bracket, lawful, verdict
from calcml.schemes.stencils import Stencil

__all__ = ["difference_of", "hidden_step", "measured_step"]


def difference_of(order: int, side: int = 0) -> tuple[tuple[float, ...], FloatArray]:
    """Return nodes and weights of the difference of this order, central or on one side of x."""
    formula = Plan(order, 1 if side else 2, side).formula
    used = [(float(g), float(w)) for g, w in zip(formula.offsets, formula.weights, strict=True) if w]
    return tuple(g for g, _ in used), np.array([w for _, w in used])


def measured_step(
    lines: Lines,
    index: IntArray,
    formula: Stencil,
    *,
    noise: float | None,
    window: tuple[float, float],
    factor: float,
    trials: int,
) -> FloatArray:
    """Return the optimal step, from a difference whose noise is a share of it within the window."""
    n, p = formula.n, formula.order
    m = n + p
    nodes, weights = difference_of(m)
    norm = float(np.abs(weights).sum())
    probe = Probe(lines, index, nodes, noise)
    lower, upper = window
    middle = np.sqrt(lower * upper)
    signal, share, edge = np.zeros((3, len(index)))

    def trial(h: FloatArray, rows: IntArray) -> tuple[IntArray, FloatArray]:
        """Judge steps on some lines."""
        values = probe.evaluate(h, rows)
        difference, rounding = np.abs(probe.weigh(weights, values)), probe.rounding(values, rows)
        ratio = probe.strongest(difference, norm * rounding, values, rows)
        said = verdict(ratio, 1 / upper, 1 / lower)
        long = said == LONG
        signal[rows] = np.where(long, signal[rows], ratio)
        share[rows] = np.where(long, share[rows], probe.share(rounding, values, rows))
        edge[rows] = np.where(long, np.isinf(ratio), edge[rows])
        return said, lawful(ratio, 1 / middle, m)

    # The middle of the window, if the length of f is |x|.
    start = (norm * lines.eps / middle) ** (1 / m) * probe.unit
    end = bracket(probe, start, trial, factor, trials)
    # A difference below the noise only bounds the derivative.
    known = np.maximum(signal, 1.0)
    found = end.settled * (n * formula.balance / (p * norm * known)) ** (1 / m)
    return np.where((edge > 0) & (signal < 1), hidden_step(end, formula, share), found)


def hidden_step(end: Bracket, formula: Stencil, share: FloatArray) -> FloatArray:
    """Return the step where the difference stays in the noise up to where f gets out of hand.

    The derivative may be 0, as those of even order of an odd function are, and the next one not: what is
    known is the length of f, and the noise as a share of f.
    """
    n, p = formula.n, formula.order
    return end.closed * np.minimum(n * formula.balance / p * share, 1.0) ** (1 / (n + p))
