"""The search of Moré and Wild."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._measure import difference_of, hidden_step
from calcml.schemes._noise import Noise, measured_noise
from calcml.schemes._search import LONG, RIGHT, SHORT, Bracket, Probe, Search, bracket, lawful, side_of
from calcml.schemes.stencils import Stencil

__all__ = ["MoreWild"]

FACTOR = 4.0
# The signal at which the law aims, in units of the least one, and above which it is not noise.
AIM, ABOVE_NOISE = 3.0, 10.0
# Noise of the second difference, in units of σ: the one to which `signal` refers.
SECOND = np.sqrt(6.0)
# The largest relative noise that the first step takes seriously, and how sure a slope must be.
NOISIEST, SURE = 0.01, 4.0


@dataclass(frozen=True)
class MoreWild(Search):
    r"""Measure the noise of f, and a higher derivative that stands out from it.

    The standard deviation σ of the noise comes from a table of differences [1]_.  For a forward difference
    the second difference Δ = f(x + 2k) - 2 f(x + k) + f(x) is taken at a step k for which \|Δ\| is at least
    `signal` times σ, and f(x + k) differs from f(x) by at most a share `change` of itself.  Then
    h = 8^(1/4) (σ / \|f''\|)^(1/2), with f'' = Δ / k²; for a central difference, with f(x ± k) and f(x ± 2k),
    h = 3^(1/3) (σ / \|f'''\|)^(1/3).  The root mean square error is then least, (2^(1/2) \|f''\| σ)^(1/2) for
    the forward difference.

    Parameters
    ----------
    signal : float, optional
        How far the difference must stand above the noise, in units of σ.
    change : float, optional
        The largest change of f, as a share of itself.
    noise : float, optional
        Standard deviation of the noise of f; None measures it.
    trials : int, optional
        The most steps that are tried.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If an option is not positive and finite.

    Notes
    -----
    For any formula, of order p for the n-th derivative, the difference of order n + p takes the place of Δ,
    its signal in units of what noise makes of it, and
    ``h = [(n/p)^(1/2) σ ||w||_2 / (|C| |f^(n+p)|)]^(1/(n+p))``, w the weights and C the error constant.  It
    differs from the paper in four points.  The difference lies on the side of the formula: a central second
    difference does not see the odd terms that spoil a forward difference.  The first step is in units of
    \|x\| and \|f\|, and the search goes on until a step suits.  A change of f that is the slope's, as the
    table of differences shows it, does not count: an f that is nearly linear through 0 changes by all of
    itself.  Where no step suits, the shortest is taken at which the difference stands out from the noise, if
    need be with any change; where there is none, that for the length within which f keeps its shape, or of
    `Relative` where f is constant or linear.

    A step suits all outputs: of the steps they ask for, the shortest is taken.

    References
    ----------
    .. [1] J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011) 1292.
    .. [2] J. J. Moré and S. M. Wild, "Estimating derivatives of noisy simulations", ACM Trans. Math. Softw.
       38 (2012) 19.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> scheme = cm.schemes.Central(step=cm.schemes.MoreWild())
    >>> slope = cm.gradient(lambda x: np.round(np.exp(x[0]), 8), [0.0], scheme=scheme)
    >>> bool(abs(slope[0] - 1) < 1e-4)
    True
    """

    signal: float = 100.0
    change: float = 0.1
    noise: float | None = None
    trials: int = 40

    def search(self, lines: Lines, index: IntArray, formula: Stencil) -> FloatArray:
        """Return the step on the lines in `index`, not finite where f has not told any."""
        noise = measured_noise(lines, index) if self.noise is None else None
        state = _Measurement(self, lines, index, formula, noise)
        first = state.first()
        end = bracket(state.probe, first, state.trial, FACTOR, self.trials, leap=True)
        state.forget(end)
        lost = np.isnan(state.step) & np.isfinite(end.high)
        if lost.any():
            # Where f is near 0 all of it changes, noise included: only a slope that is known can tell.
            state.strict = False
            start = np.maximum(end.low, first)
            bracket(state.probe, start, state.trial, FACTOR, self.trials, leap=True, among=lost)
        return state.result(end)


class _Measurement:
    """The difference of order n + p on each line, as far as it stands out from the noise."""

    def __init__(
        self, rule: MoreWild, lines: Lines, index: IntArray, formula: Stencil, noise: Noise | None
    ) -> None:
        self.rule, self.formula, self.noise, self.order = rule, formula, noise, formula.n + formula.order
        # Terms of all powers spoil a one-sided formula; those of odd powers do not show in a central second
        # difference, so the difference lies on the side of the formula.
        nodes, self.weights = difference_of(self.order, side_of(formula))
        self.norm = float(np.linalg.norm(self.weights)) / SECOND
        self.probe = Probe(lines, index, nodes, noise.level if noise else rule.noise)
        self.near, self.strict = np.abs(self.probe.nodes) == 1, True
        p = len(index)
        self.step, self.signal, self.share = np.full(p, np.nan), np.zeros(p), np.full(p, lines.eps)

    def first(self) -> FloatArray:
        """Return the first step: noise σ / k^m and truncation k² are alike, if |x| and |f| are the units."""
        probe, eps = self.probe, self.probe.lines.eps
        size = np.where(probe.usable, np.abs(probe.origin), 0.0)
        share = np.where(size > 0, probe.noise / size, 0.0).max(axis=1, initial=eps)
        share = np.minimum(share, NOISIEST)
        return share ** (1 / (self.order + 2)) * probe.unit

    def trial(self, h: FloatArray, rows: IntArray) -> tuple[IntArray, FloatArray]:
        """Judge steps on some lines."""
        probe, least = self.probe, self.rule.signal
        values = probe.evaluate(h, rows)
        size = np.maximum(np.abs(values).max(axis=0), np.abs(probe.origin[rows]))
        sigma = np.maximum(probe.rounding(values, rows), probe.lines.eps / 2 * size)
        difference = np.abs(probe.weigh(self.weights, values))
        ratio = probe.strongest(difference, self.norm * sigma, values, rows)
        # The output that stands out most decides.
        leader = np.arange(len(rows)), np.argmax(np.where(difference > 0, difference / sigma, 0.0), axis=1)
        wide = self._changes(values[self.near], h, rows)[leader] | np.isinf(ratio)
        said = np.where(wide, LONG, np.where(ratio < least, SHORT, RIGHT))
        self._note(h, ratio, rows)
        self.share[rows] = np.where(said == SHORT, probe.share(sigma, values, rows), self.share[rows])
        law = lawful(ratio, AIM * least, self.order, least=ABOVE_NOISE)
        return said, np.where(wide, np.nan, law)

    def _note(self, h: FloatArray, ratio: FloatArray, rows: IntArray) -> None:
        """Keep the shortest step with a signal strong enough, else with one that is not noise."""
        least, step, signal = self.rule.signal, self.step[rows], self.signal[rows]
        strong = (ratio >= least) & ~((signal >= least) & (step <= h))
        weak = (ratio >= ABOVE_NOISE) & (signal < least) & ~(step <= h)
        better = np.isfinite(ratio) & (strong | weak)
        self.step[rows], self.signal[rows] = np.where(better, (h, ratio), (step, signal))

    def forget(self, end: Bracket) -> None:
        """Forget weak signals of steps that were too long."""
        self.step[(self.signal < self.rule.signal) & (self.step > end.high)] = np.nan
        self.signal[np.isnan(self.step)] = 0.0

    def _changes(self, values: FloatArray, h: FloatArray, rows: IntArray) -> NDArray[np.bool_]:
        """Tell where f changes by more than a share of itself, other than by its slope and noise."""
        origin, noise = self.probe.origin[rows], self.noise
        change = values - origin
        size = np.maximum(np.abs(values).max(axis=0), np.abs(origin))
        allowed = self.rule.change * size + SURE * self.probe.rounding(values, rows)
        wide = np.abs(change).max(axis=0) > allowed
        if noise is None:
            return np.asarray(wide & self.strict)
        t = (self.probe.nodes[self.near, None] * h)[..., None]
        doubt = SURE * noise.doubt[rows] * np.abs(t).max(axis=0)
        bends = np.abs(change - noise.slope[rows] * t).max(axis=0) > allowed + doubt
        # A slope that is hardly known explains nothing.
        return np.asarray(bends | (wide & ~(doubt <= allowed) & self.strict))

    def result(self, end: Bracket) -> FloatArray:
        """Return the steps of the formula."""
        n, p = self.formula.n, self.formula.order
        spread = np.sqrt(n / p * float(sum(w * w for w in self.formula.weights)))
        # M / σ is the signal in units of σ over the step of the difference to its order.
        known = abs(float(self.formula.error_constant)) * self.signal * self.norm
        found = self.step * (spread / known) ** (1 / self.order)
        return np.where(np.isnan(self.step), hidden_step(end, self.formula, self.share), found)
