"""The length scale of f along lines, from the terms of its Taylor series at a few trial steps.

On each line f(x + t v) = f(x) + c₁ t + c₂ t² + …  At a trial step h the first terms c_k hᵏ follow from four
values (three on one side), and their ratio says where h stands: as long as the terms still fall,
q = max(|c₃h³|, |c₄h⁴|) / max(|c₁h|, |c₂h²|) grows as (h/L)², with L the length on which f bends.  So one
trial is enough to jump to the wanted q, however far away it is.  Two things spoil the law: noise, whose
tail does not grow with h, and a step beyond L, where the tail is as large as the head.  Both show in q.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_climb import Climb
from calcml.schemes._adaptive_fan import SIGNIFICANT, Fan, blocks, over_outputs
from calcml.schemes._adaptive_trials import Q_HIGH, Q_LOW, Trial, Trials

__all__ = ["Search"]

# First trial: eps^(1/2) |x|.  Steps must not start above the length of f, where aliasing can look smooth;
# from here lengths down to 1e-8 |x| show, and two jumps lead to those near |x|.
START_POWER = 0.5
# Wanted q.  (h/L)² = 0.015 puts the largest step, 2h, at a quarter of L: inside the disk of convergence of
# most functions, and where seven to nine nodes reach rounding.
Q_WANTED = 0.015
# Up to here the law of q is trusted for a step that is too long; above, terms of one size are no series.
Q_LAWFUL = 0.3
# What stands for q where one trial alone puts it in the range: go to a step 1/32 as long and see.
UNPROVED, PROOF = 0.25, 1 / 32
# Once a term is an eighth of f, a longer step does not lower the relative noise of the first derivative: h
# may stay.  Higher derivatives gain from every longer step; theirs go up to max(|x|, 1).
ENOUGH = 1 / 8
# Where the tail is hidden, noise bounds the step; the tail is rarely just below, so go 16 times as far, but
# aim no further than the step at which f changes by a quarter of itself.  A bound below four is none: go 64
# times as far while the step is below eps^(1/4) max(|x|, 1), and climb from there, up to 16 max(|x|, 1).
BOLD, AIM, LEAST_GROWTH, FURTHER, HALT_POWER, FAR = 16.0, 1 / 4, 4.0, 64.0, 0.25, 16.0
# Where f does not move at all, go up by 2^12, and square the factor each time, to the same step, and once
# more to max(|x|, 1) / 4, which stands for the length of f if nothing is seen.
GALLOP, MOST_GALLOP, NO_LENGTH = 12.0, 1000.0, 1 / 4
# Without a finite or lawful trial go down by 2^-10.  After six such trials f has no length scale, like a
# power of x at 0; after three that are finite on one side of x only, the search on both sides is over.
SHRINK, FAILURES, SIDE_TRIALS = 2.0**-10, 6, 3
# A bracket this narrow settles the matter; so does the last trial.
NARROW, TRIALS = 16.0, 12
# Steps below this have no digits: the subnormal numbers are near.
TINY = 2.0**-1040


class Search(Trials):
    """The search for the length scale of f on the lines of a fan.

    Parameters
    ----------
    fan : Fan
        Lines and the sides on which to look.
    n : int
        Order of the derivative for which the step is meant.

    Attributes
    ----------
    values : ndarray, shape (nodes, r, p, M)
        f at the fan's trial nodes at the last step, where `known`.
    known : ndarray of bool, shape (p,)
        Whether those values are there.
    open_side : ndarray, shape (p,)
        The only side, +1 or -1, on which f was finite when it was not on both; 0 elsewhere.
    """

    def __init__(self, fan: Fan, n: int) -> None:
        p, outputs = fan.origin.shape
        self.n, self.nodes = n, np.array(fan.trial)
        # Below a few units in the last place of x no step has digits left.
        self.least = np.maximum(4 * fan.lines.eps * fan.size, TINY)
        self.most = np.minimum(fan.room / self.nodes[0], np.finfo(np.float64).max * 2.0**-60)
        self.unit = np.maximum(fan.size, 1.0)
        self.halt = fan.lines.eps**HALT_POWER * self.unit
        self.far = np.minimum(self.most, FAR * self.unit)
        everything = np.arange(p)
        first = fan.lines.eps**START_POWER * np.where(fan.size > 0, fan.size, 1.0)
        super().__init__(fan, self._allowed(first, everything))
        self.gallop, self.way_up, self.resort, self.open_side = np.full(p, GALLOP), *np.zeros((3, p))
        self.trials, self.failures = np.zeros((2, p), dtype=np.int64)
        self.known, self.poor, self.flat = np.zeros((3, p), dtype=bool)
        self.values = np.full((len(self.nodes), len(fan.signs), p, outputs), np.nan, dtype=fan.origin.dtype)
        self._run(everything)

    @np.errstate(all="ignore")
    def grain(self, rows: IntArray) -> FloatArray:
        """Return the noise of values on a grid: f stood still at a step over which its slope moves it."""
        terms = self.fan.terms(self.values[:, :, rows], rows)
        grain = terms.slope * (self.still[rows] / self.step[rows, None]) / 2
        return np.where((grain > SIGNIFICANT * self._rounding(terms)) & self.known[rows, None], grain, 0.0)

    def doubt(self, n: int) -> FloatArray:
        """Return what small jumps above the steps may mean for the n-th coefficients."""
        doubt = self.jump
        for _ in range(n):
            with np.errstate(over="ignore"):
                doubt = doubt / self.high[:, None]
        return doubt

    @np.errstate(invalid="ignore")
    def shorten(self, rows: IntArray) -> NDArray[np.bool_]:
        """Search below the steps of these lines, which proved too long; tell where that gave another one."""
        before = self.step[rows]
        terms, known = self.fan.terms(self.values[:, :, rows], rows), self.known[rows, None]
        self.head_high[rows] = np.where(known & np.isfinite(terms.head), terms.head, 0.0)
        self.jump_high[rows] = np.where(known & np.isfinite(terms.tail), terms.tail, 0.0)
        self.high[rows], self.tail_high[rows], self.loud[rows] = before, np.inf, True
        self.trials[rows], self.failures[rows], self.known[rows] = TRIALS // 2, 0, False
        self.low[rows] = np.where(self.low[rows] < before, self.low[rows], 0.0)
        middle = np.sqrt(self.low[rows]) * np.sqrt(before)
        self.step[rows] = self._allowed(np.where(middle > 0, middle, PROOF * before), rows)
        self._run(rows[self.step[rows] != before])
        return np.asarray(self.step[rows] != before)

    def _run(self, rows: IntArray) -> None:
        rows = rows[self.most[rows] > 0]
        self.way_up[rows], left = 0.0, rows
        while len(left):
            left = self._advance(left)
        rows = rows[self.way_up[rows] > 0]
        if len(rows):
            self._climb(rows)

    def _climb(self, rows: IntArray) -> None:
        """Go up from where jumps or noise hide f, and take the step that shows it best."""
        lost = self.resort[rows] > 0
        jump = np.where(lost[:, None], 0.0, self.doubted[rows])
        way, high = (self.way_up[rows], self.far[rows]), self.high[rows]
        end = Climb(self.fan, rows, *way, jump, high, self.flat[rows]).summit()
        found, nothing = rows[end.shows], rows[lost & ~end.shows]
        self.step[found], self.high[found], self.known[found] = end.step[end.shows], np.inf, True
        self.values[:, :, found], self.jump[found] = end.values[:, :, end.shows], 0.0
        self.noise[found] = self.quiet[found] = end.noise[end.shows]
        # A kink cannot make a jump that is noise.
        self.jump[rows] = np.where(end.rough, self.jump[rows], 0.0)
        # Below a jump or a kink f may be flat, or else nothing is known of its length.
        resort = np.where(end.leaps, self.resort[rows], NO_LENGTH * self.unit[rows])[lost & ~end.shows]
        self.step[nothing], self.known[nothing] = self._allowed(resort, nothing), False

    def _allowed(self, step: FloatArray, rows: IntArray) -> FloatArray:
        """Return the nearest powers of two within the room of the lines."""
        inside = np.minimum(np.maximum(step, self.least[rows]), self.most[rows])
        with np.errstate(divide="ignore"):
            return np.exp2(np.floor(np.minimum(np.log2(inside) + 0.5, np.log2(self.most[rows]))))

    def _advance(self, rows: IntArray) -> IntArray:
        """Make one trial on each line; return the lines that need another."""
        values = self.fan.evaluate(self.nodes, self.step[rows], rows)
        cuts = blocks(*values.shape[2:])
        return np.concatenate([self._decide(rows[cut], values[:, :, cut]) for cut in cuts])

    def _decide(self, rows: IntArray, values: FloatArray) -> IntArray:
        """Settle each line or choose its next step; return the lines not settled."""
        with np.errstate(all="ignore"):
            trial = self.look(rows, values)
            q, accepted = self._judge(trial)
            growth = np.where(q > 0, np.sqrt(Q_WANTED / q), self._blind_growth(trial))
            low = self.low[rows]
            late, lost = self._lost(trial, q, accepted, growth)
            accepted &= ~late
            self.bracket(trial, q, accepted)
            growth = np.where(growth > 0, growth, np.minimum(FURTHER, self.halt[rows] / trial.step))
            new = self._next(rows, q, np.maximum(growth, LEAST_GROWTH))
            still = self.stands_still(trial)
            best = np.where(accepted | (self.low[rows] == 0), trial.step, self.low[rows])
            settled = self._settled(trial, q, new) | accepted | lost | still | self._one_sided(rows, values)
            jumps = settled & ~still & self.jumps(trial, best)
        kept = trial.finite & (accepted | (q < Q_LOW))
        self.values[:, :, rows[kept]] = values[:, :, kept]
        self.known[rows[kept]] = True
        self.step[rows] = np.where(settled, best, new)
        start = np.where(late, low, np.maximum(trial.step, self.first[rows]))
        start = np.where(jumps, self.high[rows], start)
        self.flat[rows] = still
        self.way_up[rows] = np.where(lost | still | jumps, start, 0.0)
        self.resort[rows] = np.where(lost & ~still & ~jumps, start, 0.0)
        return rows[~settled]

    def _settled(self, trial: Trial, q: FloatArray, new: FloatArray) -> NDArray[np.bool_]:
        """Count the trial; return the lines on which there is no need or no way to go on."""
        rows, moving = trial.rows, over_outputs(np.logical_or, trial.moves)
        self.moved[rows] |= moving
        self.trials[rows] += 1
        self.failures[rows] += q > Q_LAWFUL
        settled = (self.high[rows] <= NARROW * self.low[rows]) | (new == trial.step)
        settled |= (self.trials[rows] >= TRIALS) | (self.failures[rows] >= FAILURES)
        return settled | (~moving & trial.finite & (2 * trial.step > NO_LENGTH * self.unit[rows]))

    def _lost(
        self, trial: Trial, q: FloatArray, accepted: NDArray[np.bool_], growth: FloatArray
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the lines to climb on from the last step that was too short; and those or from this one."""
        rows, step = trial.rows, trial.step
        moving, halt = over_outputs(np.logical_or, trial.moves), self.halt[rows]
        poor = (q == 0) & moving & ~accepted & (growth == 0)
        lost = poor & (2 * step > halt)
        # After steps in the noise any ratio can be chance or a step beyond L.
        unsure = (~self.moved[rows] | self.poor[rows]) & moving & (self.low[rows] > 0)
        late = unsure & ((q >= Q_LOW) | (lost & (step > 2 * halt)))
        late |= self.wavers(trial) & trial.finite & (q <= Q_HIGH)
        self.poor[rows] = poor
        return late, late | lost

    def _judge(self, trial: Trial) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return what to take for q, and whether the step is accepted."""
        rows, terms, q = trial.rows, trial.terms, self.ratio(trial)
        inside = (q >= Q_LOW) & (q <= Q_HIGH)
        if self.n == 1:
            large = ~trial.moves | (terms.head > ENOUGH * terms.size)
            enough = over_outputs(np.logical_or, trial.moves) & over_outputs(np.logical_and, large)
        else:
            enough = trial.step > self.unit[rows] / 2
        accepted = trial.finite & np.where(inside, self.moved[rows], (q < Q_LOW) & enough)
        # Noise gives any ratio.  Where no shorter trial has moved f, one must tell, away from aliasing.
        unproved = ~self.moved[rows] & (q >= Q_LOW) & (q <= Q_LAWFUL)
        return np.where(unproved, UNPROVED, q), accepted

    def _blind_growth(self, trial: Trial) -> FloatArray:
        """Return the factor to the next step where the tail is hidden in the noise.

        Noise as large as the tail would be at least bounds q, and so how far it is safe to go.  The step at
        which f has changed by a share of itself is far enough.  If f does not move to rounding, gallop.
        """
        rows, terms, moves, noise = trial.rows, trial.terms, trial.moves, SIGNIFICANT * trial.noise
        hidden = over_outputs(np.maximum, np.where(moves, noise / terms.head, 0.0)) / self.fan.q_unit
        safe = np.sqrt(Q_WANTED / hidden)
        if self.n == 1:
            by_slope = AIM * terms.size / np.where(terms.slope > noise, terms.slope, 0.0)
            by_square = np.where(terms.head > terms.slope, np.sqrt(AIM * terms.size / terms.head), np.inf)
            change = over_outputs(np.minimum, np.where(moves, np.minimum(by_slope, by_square), np.inf))
        else:
            change = np.maximum(self.unit[rows] / trial.step, LEAST_GROWTH)
        growth = np.where(safe >= LEAST_GROWTH, np.minimum(BOLD * safe, change), 0.0)
        still = ~over_outputs(np.logical_or, moves)
        return np.where(still, self._gallop(rows, still), growth)

    def _gallop(self, rows: IntArray, still: NDArray[np.bool_]) -> FloatArray:
        """Return the factor to the next step where f does not move, and make the one after it larger."""
        jump, to_halt = self.gallop[rows], np.log2(self.halt[rows] / self.step[rows])
        self.gallop[rows] = np.where(still, np.minimum(2 * jump, MOST_GALLOP), jump)
        to_end = np.log2(np.maximum(NO_LENGTH * self.unit[rows] / self.step[rows], 1.0))
        return np.exp2(np.where(to_halt > 1, np.where(jump >= to_halt - 2, to_halt, jump), to_end))

    def _next(self, rows: IntArray, q: FloatArray, growth: FloatArray) -> FloatArray:
        """Return the next step: by the law, kept inside the bracket."""
        step, low, high = self.step[rows], self.low[rows], self.high[rows]
        down = np.where(q <= Q_LAWFUL, np.where(q == UNPROVED, PROOF, np.sqrt(Q_WANTED / q)), SHRINK)
        new = step * np.where(q > Q_HIGH, down, growth)
        middle = np.sqrt(low) * np.sqrt(high)
        new = np.where((new > high / 2) & (low > 0), np.maximum(middle, high / (NARROW / 2)), new)
        new = np.where((new < 2 * low) & np.isfinite(high), middle, new)
        return self._allowed(new, rows)

    def _one_sided(self, rows: IntArray, values: FloatArray) -> NDArray[np.bool_]:
        """Give up lines on which f has been finite on one side of x only, and remember the side."""
        if len(self.fan.signs) == 1:
            return np.zeros(len(rows), dtype=bool)
        finite = over_outputs(np.logical_and, np.isfinite(values).all(axis=0) | ~self.usable[rows])
        side = np.where(finite[0] == finite[1], 0.0, np.where(finite[0], 1.0, -1.0))
        give_up = (side != 0) & ~self.known[rows] & (self.trials[rows] >= SIDE_TRIALS)
        self.open_side[rows] = np.where(give_up, side, 0.0)
        return give_up
