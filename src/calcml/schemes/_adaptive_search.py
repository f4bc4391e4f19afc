"""The length scale of f along lines, from the terms of its Taylor series at a few trial steps.

On each line f(x + t v) = f(x) + c₁ t + c₂ t² + …  At a trial step h the first terms c_k hᵏ follow from four
values (three on one side), and their ratio says where h stands: as long as the terms still fall,
q = max(|c₃h³|, |c₄h⁴|) / max(|c₁h|, |c₂h²|) grows as (h/L)², with L the length on which f bends.  So one
trial is enough to jump to the wanted q, however far away it is.  Two things spoil the law: noise, whose
tail does not grow with h, and a step beyond L, where the tail is as large as the head.  Both show in q.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_climb import Climb
from calcml.schemes._adaptive_fan import LENGTH, SIGNIFICANT, Fan, Rows, choose, every, over_outputs, some
from calcml.schemes._adaptive_nodes import UNITS
from calcml.schemes._adaptive_steps import GALLOP, NARROW, NO_LENGTH, PROOF, Q_LAWFUL, UNPROVED, Steps
from calcml.schemes._adaptive_trials import Q_HIGH, Q_LOW, Trial, Trials

__all__ = ["Search"]

# Once a term is an eighth of f, a longer step does not lower the relative noise of the first derivative: h
# may stay.  Higher derivatives gain from every longer step; theirs go up to max(|x|, 1).
ENOUGH = 1 / 8
# After six trials without a finite or lawful one f has no length scale, like a power of x at 0; after three
# that are finite on one side of x only, the search on both sides is over; so it is after twelve of any kind.
FAILURES, SIDE_TRIALS, TRIALS = 6, 3, 12
# A tableau that finds more noise than the search leaves possible, and less than six digits, stands on
# something that is not noise, a kink or a jump: the search goes on below.
DOUBTFUL, RETRIES = 1e-6, 3
# A step of the values of f is eight times as wide as the longest step at which they stood still, at most: x
# may be close to its edge.  Half its height is noise.  A tableau may find eight times as much.
PLATEAU, LOOSE = 4.0, 8.0


class Search:
    """The search for the length scale of f on the lines of a fan.

    Parameters
    ----------
    fan : Fan
        Lines and the sides on which to look.
    n : int
        Order of the derivative for which the step is meant.
    patient : bool
        Whether to begin with a long step, and to go on to the length scale of f where a shorter step could do
        for a first derivative.

    Attributes
    ----------
    state : Trials
        What is known of all lines; its `step` is the answer.
    """

    def __init__(self, fan: Fan, n: int, *, patient: bool = False) -> None:
        self.fan, self.n, self.nodes = fan, n, np.array(fan.trial)
        self.hasty = n == 1 and not patient
        self.steps = Steps(fan, n, patient=patient)
        self.state = Trials(fan, self.steps.first, GALLOP)
        _apart(self.state, self.steps.most > 0, lambda s: self._run(s, 0))

    def credible(self, rounding: FloatArray, rows: Rows) -> FloatArray:
        """Return the most noise of f that the trials leave possible, given that of rounding."""
        return np.maximum(self.state.credible(rounding, rows), LOOSE * self.state.grain[rows])

    def coarse(self, rows: IntArray) -> NDArray[np.bool_]:
        """Return the lines for even nodes: f rounds x, or all it does, to fewer digits, or x the step."""
        fan, state = self.fan, self.state
        if not self.steps.many_bits:
            return np.ones(len(rows), dtype=bool)
        return state.idle[rows] | (state.step[rows] < UNITS * fan.eps * fan.size[rows])

    def span(self, size: FloatArray) -> FloatArray:
        """Return by how much f changes over the length found, where that has been seen, else |f|."""
        s = self.state
        head = LENGTH * self.fan.terms(s.values, s.rows).head
        return np.where(s.known[:, None] & (head > 0) & (head < np.inf), head, size)

    def far(self, step: FloatArray) -> FloatArray:
        """Return the change of f at the first step, by its n-th power; 0 if the search has not gone below."""
        s = self.state
        change = np.where((step < s.first)[:, None], s.far, 0.0)
        for _ in range(self.n):
            change = change / s.first[:, None]
        return change

    def doubt(self, n: int) -> FloatArray:
        """Return what small jumps above the steps may mean for the n-th coefficients."""
        s = self.state
        if not some(s.jump > 0):
            return s.jump
        doubt: FloatArray = s.jump
        for _ in range(n):
            doubt = doubt / s.high[:, None]
        return doubt

    def shorten(self, rows: IntArray) -> NDArray[np.bool_]:
        """Search below the steps of these lines, which proved too long; tell where that gave another one."""
        s = self.state.take(rows)
        before, known = s.step, s.known[:, None]
        terms = self.fan.terms(s.values, rows)
        s.head_high = np.where(known & np.isfinite(terms.head), terms.head, 0.0)
        s.jump_high = np.where(known & np.isfinite(terms.tail), terms.tail, 0.0)
        s.high, s.tail_high = before, np.full(s.tail_high.shape, np.inf)
        s.loud, s.known = np.ones(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
        s.failures = 0 * s.failures
        # What was too short a step is none that was kept, and its tail says nothing.
        kept = s.low < before
        s.low, s.some_high = np.where(kept, s.low, 0.0), True
        s.tail_low = np.where(kept[:, None], s.tail_low, 0.0)
        middle = np.sqrt(s.low) * np.sqrt(before)
        s.step = self.steps.allowed(np.where(middle > 0, middle, PROOF * before), rows)
        _apart(s, s.step != before, lambda part: self._run(part, TRIALS // 2))
        self.state.put(rows, s)
        return s.step != before

    def lengthen(self, rows: IntArray) -> NDArray[np.bool_]:
        """Climb from the steps of these lines, which proved too short; tell where that gave another one."""
        s = self.state.take(rows)
        before, grain = s.step, s.grain
        s.begin()
        s.way_up = s.resort = before
        self._climb(s)
        s.grain = np.maximum(s.grain, grain)
        self.state.put(rows, s)
        return s.step != before

    def _run(self, s: Trials, trials: int) -> None:
        """Make trials on these lines, then climb where nothing shows."""
        s.begin()
        self._try(s, trials)
        up = s.way_up > 0
        if some(up):
            _apart(s, up, self._climb)
        if some((s.still > 0) | (s.sure > 0)):
            s.grain = self._grain(s, ~up)

    def _try(self, s: Trials, trials: int) -> None:
        """Make trials on these lines until all are settled."""
        settled = np.zeros(len(s.step), dtype=bool)
        while not some(settled):
            trials += 1
            settled = self._advance(s, trials)
        if not every(settled):
            _apart(s, ~settled, lambda part: self._try(part, trials))

    def _grain(self, s: Trials, quick: NDArray[np.bool_]) -> FloatArray:
        """Return the least noise that values seem to have, be they as quiet as they may around the step.

        f stood still at a step over which its slope moves it, or the trials have met noise; on the way up,
        there were jumps.
        """
        terms = self.fan.terms(s.values, s.rows)
        plateau = PLATEAU * terms.slope * (s.still / s.step[:, None])
        grain = np.fmax(s.grain, np.fmax(plateau, np.where(quick[:, None], s.sure, 0.0)))
        rounding = self.fan.eps / 2 * self.fan.tail_noise * terms.size
        return np.where((grain > SIGNIFICANT * rounding) & s.known[:, None], grain, 0.0)

    def _climb(self, s: Trials) -> None:
        """Go up from where jumps or noise hide f, and take the step that shows it best."""
        lost, rows = s.resort > 0, s.rows
        jump = np.where(lost[:, None], 0.0, s.doubted)
        lines = np.arange(len(self.steps.most))[rows]
        flat = s.flat[:, None] | (s.still >= s.step[:, None])
        end = Climb(self.fan, lines, s.way_up, self.steps.far(rows), jump, s.high, flat).summit()
        found, nothing = end.shows, lost & ~end.shows
        s.step, s.high = np.where(found, end.step, s.step), np.where(found, np.inf, s.high)
        s.known = s.known | found
        s.values = np.where(found[:, None], end.values, s.values)
        # A kink cannot make a jump that is noise.
        s.jump = np.where(end.rough & ~found[:, None], s.jump, 0.0)
        s.grain = np.where(found[:, None], end.grain, 0.0)
        s.noise, s.quiet = (np.where(found[:, None], end.noise, part) for part in (s.noise, s.quiet))
        # Below a jump or a kink f may be flat, or else nothing is known of its length.
        resort = self.steps.allowed(np.where(end.leaps, s.resort, NO_LENGTH * self.steps.unit[rows]), rows)
        s.step, s.known = np.where(nothing, resort, s.step), s.known & ~nothing

    def _advance(self, s: Trials, trials: int) -> NDArray[np.bool_]:
        """Make one trial on each line; return which are settled."""
        values = self.fan.evaluate(self.nodes, s.step, s.rows)
        trial = s.look(values)
        fresh = s.step == s.first
        if some(fresh):
            change = np.maximum(trial.terms.head, trial.terms.tail)
            known = fresh[:, None] & np.isfinite(change)
            s.idle = np.where(fresh, s.repeats(values), s.idle)
            s.far = np.where(known, change, s.far)
            s.near = np.where(known, trial.terms.slope, s.near)
            s.near_tail = np.where(known, np.maximum(trial.terms.tail, trial.noise), s.near_tail)
        before = s if trial.retreat is None else copy(s)
        settled = self._decide(s, trial, values, trials)
        if trial.retreat is not None and trials < TRIALS:
            lines = np.flatnonzero(trial.retreat)
            back = before.take(lines)
            back.fall_back()
            back.step = self.steps.allowed(PROOF * back.high, back.rows)
            s.put(lines, back)
            settled[lines] = False
        return settled

    def _decide(self, s: Trials, trial: Trial, values: FloatArray, trials: int) -> NDArray[np.bool_]:
        """Settle each line or choose its next step; return which are settled."""
        low = s.low
        q, accepted = self._judge(s, trial)
        growth = self.steps.growth(s, trial, q)
        late, lost = self._lost(s, trial, q, accepted, growth)
        accepted &= ~late
        s.keep(values, trial.finite & (accepted | (q < Q_LOW)))
        s.bracket(trial, q, accepted)
        still, new = s.stands_still(trial), s.step
        settled = accepted | lost | still | s.one_sided(trial, values, trials >= SIDE_TRIALS)
        if not every(settled):
            new = self.steps.following(s, q, growth)
            settled |= self._given_up(s, trial, q, new) | (trials >= TRIALS)
        best = choose(accepted | (s.low == 0), s.step, s.low)
        jumps = s.jumps(trial, best, settled) & settled & ~still
        if some(lost | still | jumps):
            start = np.where(late, low, np.maximum(s.step, s.first))
            start = np.where(jumps, s.high, start)
            s.flat, s.way_up = still, np.where(lost | still | jumps, start, 0.0)
            s.resort = np.where(lost & ~still & ~jumps, start, 0.0)
        s.step = choose(settled, best, new)
        return settled

    def _given_up(self, s: Trials, trial: Trial, q: FloatArray, new: FloatArray) -> NDArray[np.bool_]:
        """Return the lines on which there is no need or no way to go on."""
        settled = (s.high <= NARROW * s.low) | (new == s.step)
        if s.some_high:
            s.failures = s.failures + (q > Q_LAWFUL)
            settled |= s.failures >= FAILURES
        idle = ~trial.moving & trial.finite
        if some(idle):
            settled |= idle & (2 * s.step > NO_LENGTH * self.steps.unit[s.rows])
        return settled

    def _lost(
        self, s: Trials, trial: Trial, q: FloatArray, accepted: NDArray[np.bool_], growth: FloatArray
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the lines to climb on from the last step that was too short; and those or from this one."""
        step, halt, poor = s.step, self.steps.halt[s.rows], growth == 0
        lost = late = np.zeros(len(step), dtype=bool)
        if some(poor):
            poor &= (q == 0) & trial.moving & ~accepted
            lost = poor & (2 * step > halt)
        if trial.differs is not None:
            late = s.wavers(trial, trial.differs) & trial.finite & (q <= Q_HIGH)
        # After steps in the noise any ratio can be chance or a step beyond L.
        unsure = ~s.moved | s.poor
        if s.some_low and some(unsure):
            unsure &= trial.moving & (s.low > 0)
            late = late | (unsure & ((q >= Q_LOW) | (lost & (step > 2 * halt))))
        s.poor, s.moved = poor, s.moved | trial.moving
        return late, late | lost

    def _judge(self, s: Trials, trial: Trial) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return what to take for q, and whether the step is accepted."""
        q = s.ratio(trial)
        accepted = (q >= Q_LOW) & (q <= Q_HIGH) & s.moved
        short = q < Q_LOW
        if some(short):
            if self.hasty:
                large = ~trial.moves | (trial.terms.head > ENOUGH * trial.terms.size)
                short &= trial.moving & over_outputs(np.logical_and, large)
            else:
                short &= s.step > self.steps.unit[s.rows] / 2
            accepted |= short
        # Noise gives any ratio.  Where no shorter trial has moved f, one must tell, away from aliasing.
        if not every(s.moved):
            q = np.where(~s.moved & (q >= Q_LOW) & (q <= Q_LAWFUL), UNPROVED, q)
        return q, accepted & trial.finite


def _apart(s: Trials, chosen: NDArray[np.bool_], work: Callable[[Trials], None]) -> None:
    """Work on some lines of a state alone."""
    if every(chosen):
        work(s)
    elif some(chosen):
        lines = np.flatnonzero(chosen)
        part = s.take(lines)
        work(part)
        s.put(lines, part)
