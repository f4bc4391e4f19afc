"""Newton's iteration for many independent equations at once, kept inside a bracket as soon as there is one.

Every array has one entry per equation.  A bracket is two points between which f changes its sign: the
user's, or the last two points of an iteration that stepped over a root.  NaN stands for no bracket yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.roots._blocks import by_blocks, put, take
from calcml.roots._proposal import Guess, Proposal, multiplicity, propose, spacing, width
from calcml.roots._slopes import Equation, RootLines, Slope, first_reach

__all__ = ["Newton", "NewtonState"]

# A step that does not lower |f| is divided by four; 4^-24 = 4e-15 of a step is no step.
CUT, CUTS = 0.25, 24
# Over a change of sign |f| may grow, as it does when arctan is overshot, but not as much as over a pole.
OVER_ROOT = 4.0
# Differences reach over an eighth of the last step: their error, of second order in the reach, then falls
# as fast as the square of the distance to the root, and the convergence stays quadratic.
REACH = 1 / 8
# A bracket of four spacings is the end: it certifies the root as well as x can hold it.
CLOSED = 4.0
# Points without a value that a bracket may meet before it is given up.
LOSSES = 7
FAR = 1e100


@dataclass(frozen=True, eq=False)
class NewtonState:
    """Where every equation stands.

    Attributes
    ----------
    x, f : ndarray
        The points and the values there.
    slope : Slope
        The derivatives there.
    low, high, f_low, f_high : ndarray
        The brackets and the values at their ends; NaN where there is none.
    step : ndarray
        The last step.
    guess : Guess
        What the last steps tell about the multiplicity of the root.
    age, bisections, losses : ndarray of int
        Steps with a bracket and bisections so far; points without a value since the last one with.
    size : ndarray
        Largest magnitude of x so far, the widths of the brackets included: the scale of the search.
    codes : ndarray of int8
        Codes of `Status`; CONVERGED stands for "settled", which the judge has yet to confirm.
    """

    x: FloatArray
    f: FloatArray
    slope: Slope
    low: FloatArray
    high: FloatArray
    f_low: FloatArray
    f_high: FloatArray
    step: FloatArray
    guess: Guess
    age: IntArray
    bisections: IntArray
    losses: IntArray
    size: FloatArray
    codes: IntArray

    @property
    def running(self) -> NDArray[np.bool_]:
        """Which equations are still being solved."""
        return self.codes == Status.RUNNING

    @property
    def status(self) -> Status:
        """`Status.RUNNING` as long as one equation is."""
        return Status.RUNNING if self.running.any() else Status.CONVERGED

    @property
    def merit(self) -> float:
        """Number of equations still running: later states are better, each equation keeps its own best."""
        return float(self.running.sum())

    def record(self) -> Mapping[str, float]:
        """Return how many run, and their longest step; of a single equation its point and value too."""
        moved = np.abs(self.step) if self.x.size == 1 else np.abs(self.step[self.running])
        row = {"running": self.merit, "step": float(np.max(moved, initial=0.0))}
        if self.x.size == 1:
            row |= {"x": float(self.x[0]), "fun": float(self.f[0])}
        return row


@dataclass(frozen=True, eq=False)
class _Place:
    """Which of all points are being moved."""

    x: FloatArray
    rows: IntArray | slice

    def fill(self, values: FloatArray) -> FloatArray:
        """Return an array of values for all points, with the given ones in their rows."""
        if isinstance(self.rows, slice):
            return values
        full = self.x.copy()
        full[self.rows] = values
        return full


@dataclass(frozen=True, eq=False)
class _Trial:
    """Points and values after a step, which equations take them, and how far they may go."""

    x: FloatArray
    f: FloatArray
    moved: NDArray[np.bool_]
    codes: IntArray
    far: FloatArray


@dataclass(frozen=True, eq=False)
class Newton:
    """Newton's method, or Halley's where the second derivative is known, for x0.size equations."""

    equation: Equation
    x0: FloatArray

    def init(self) -> NewtonState:
        """Evaluate at the start and at the ends of the brackets."""
        n, none = self.x0.size, np.full(self.x0.size, np.nan, dtype=self.x0.dtype)
        zero = np.zeros(n, dtype=np.int16)
        low, high = none, none
        f_low, f_high = none, none
        lines = self.equation.lines(self.x0)
        f = self.equation.value(lines)
        finite = np.isfinite(f) & np.isfinite(self.x0)
        codes: IntArray = np.where(finite, Status.RUNNING, Status.NON_FINITE_START).astype(np.int8)
        if self.equation.limits is not None:
            low, high = self.equation.limits
            f_low, f_high = (self.equation.value(self.equation.lines(end)) for end in (low, high))
            codes = _bracket_codes(f_low, f_high)
        span = width(low, high)
        reach = first_reach(self.x0, span, lines.eps)
        slope = self.equation.slope(lines, reach) if (codes == Status.RUNNING).any() else Slope(none, None)
        state = NewtonState(
            x=self.x0, f=f, slope=slope, low=low, high=high, f_low=f_low, f_high=f_high,
            step=np.where(np.isnan(low), 0.0, span), guess=Guess.none(n),
            age=zero, bisections=zero, losses=zero,
            size=np.fmax(np.abs(self.x0), span), codes=codes,
        )  # fmt: skip
        state = _tighten(state, self.x0, f, (codes == Status.RUNNING) & ~np.isnan(f))
        return _settle(_at_ends(state), self._far())

    def step(self, state: NewtonState) -> NewtonState:
        """Move every running equation by one step and evaluate there."""
        rows = np.flatnonzero(state.running)
        if 2 * rows.size > state.x.size:
            return self._advance(state, _Place(state.x, slice(None)))
        # f is elementwise but sees all its points, always; the arithmetic is done for those that run.
        return put(state, rows, self._advance(take(state, rows), _Place(state.x, rows)))

    def _advance(self, state: NewtonState, place: _Place) -> NewtonState:
        proposal = by_blocks(propose, state)
        codes = np.where(state.running & proposal.settled, proposal.verdict, state.codes).astype(np.int8)
        moving = codes == Status.RUNNING
        if not moving.any():
            return replace(state, codes=codes)
        x, f, lines, failed = self._trial(state, np.where(moving, proposal.step, 0.0), moving, place)
        codes[failed] = Status.STALLED
        trial = _Trial(x, f, moving & ~failed, codes, self._far()[place.rows])
        new = by_blocks(_accept, state, proposal, trial)
        if not new.running.any():
            return new
        reach = by_blocks(lambda before, after: _reach(before, after, lines.eps), state, new)
        slope = take(self.equation.slope(lines, place.fill(reach)), place.rows)
        return by_blocks(_finish, state, new, slope)

    def _far(self) -> FloatArray:
        """Return the distance from zero beyond which an iteration has run away."""
        largest = np.finfo(self.x0.dtype).max / FAR
        return FAR * np.clip(np.abs(self.x0), 1.0, largest)

    def _trial(
        self, state: NewtonState, step: FloatArray, moving: NDArray[np.bool_], place: _Place
    ) -> tuple[FloatArray, FloatArray, RootLines, NDArray[np.bool_]]:
        """Evaluate after the step, shortening it where |f| did not fall and no bracket holds it."""
        free = moving & np.isnan(state.low)
        x = state.x + step
        for cut in range(CUTS + 1):
            lines = self.equation.lines(place.fill(x))
            f = self.equation.value(lines)[place.rows]
            worse = free & ~_acceptable(state.f, f)
            if cut == CUTS or not worse.any():
                break
            step = np.where(worse, CUT * step, step)
            x = np.where(worse, state.x + step, x)
        return x, f, lines, worse


def _accept(state: NewtonState, proposal: Proposal, trial: _Trial) -> NewtonState:
    """Move to the points of the trial, tighten the brackets, and stop what is done."""
    known = trial.moved & ~np.isnan(trial.f)
    new = replace(
        state,
        codes=trial.codes,
        losses=np.where(trial.moved & ~known, state.losses + 1, 0),
        age=state.age + ~np.isnan(state.low),
        bisections=state.bisections + (proposal.bisected & trial.moved),
        step=np.where(known, trial.x - state.x, state.step),
        size=np.where(known, np.maximum(state.size, np.abs(trial.x)), state.size),
    )
    return _settle(_tighten(new, trial.x, trial.f, known), trial.far)


def _finish(old: NewtonState, new: NewtonState, slope: Slope) -> NewtonState:
    """Enter the slopes at the new points; where f had no value, point and slope are the old ones."""
    stayed = new.x == old.x
    return replace(new, slope=_where(~stayed, slope, old.slope), guess=multiplicity(old, new, slope, ~stayed))


def _acceptable(before: FloatArray, after: FloatArray) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore", over="ignore"):
        size, limit = np.abs(after), np.abs(before)
        crossed = np.sign(after) * np.sign(before) < 0
        return (size < limit) | (crossed & (size <= OVER_ROOT * limit))


def _bracket_codes(f_low: FloatArray, f_high: FloatArray) -> IntArray:
    """Say which brackets hold a change of sign; an end at which f vanishes is a root already."""
    with np.errstate(invalid="ignore"):
        product = np.sign(f_low) * np.sign(f_high)
        code = np.where(product < 0, Status.RUNNING, Status.NO_SIGN_CHANGE)
        code = np.where(product == 0, Status.CONVERGED, code)
        return np.where(np.isnan(product), Status.NON_FINITE_START, code).astype(np.int8)


def _at_ends(state: NewtonState) -> NewtonState:
    """Take an end of the bracket where f vanishes there, or where the start itself has no value."""
    low, high = state.f_low == 0, state.f_high == 0
    x = np.where(low, state.low, np.where(high, state.high, state.x))
    f = np.where(low | high, 0.0, state.f)
    lost = np.isnan(f) & state.running
    return replace(state, x=np.where(lost, state.low, x), f=np.where(lost, state.f_low, f))


def _tighten(state: NewtonState, x: FloatArray, f: FloatArray, known: NDArray[np.bool_]) -> NewtonState:
    """Move the known equations to x; where a bracket holds or opens, one of its ends becomes x."""
    with np.errstate(invalid="ignore"):
        sign = np.sign(f)
        bracketed = known & ~np.isnan(state.low)
        opens = known & ~bracketed & (sign * np.sign(state.f) < 0)
        lower = (bracketed & (sign == np.sign(state.f_low))) | (opens & (x < state.x))
        upper = (bracketed & (sign == np.sign(state.f_high))) | (opens & (x > state.x))
    # Where a bracket opens, the old point is its other end.
    ends_low, ends_high = opens & upper, opens & lower
    low, f_low = np.where(ends_low, state.x, state.low), np.where(ends_low, state.f, state.f_low)
    high, f_high = np.where(ends_high, state.x, state.high), np.where(ends_high, state.f, state.f_high)
    return replace(
        state,
        x=np.where(known, x, state.x),
        f=np.where(known, f, state.f),
        low=np.where(lower, x, low),
        f_low=np.where(lower, f, f_low),
        high=np.where(upper, x, high),
        f_high=np.where(upper, f, f_high),
    )


def _settle(state: NewtonState, far: FloatArray) -> NewtonState:
    """Stop the equations that are solved, closed in, lost or gone."""
    running, codes = state.running, state.codes.copy()
    with np.errstate(invalid="ignore"):
        ends = np.maximum(np.abs(state.low), np.abs(state.high))
        closed = running & (width(state.low, state.high) <= CLOSED * spacing(ends))
        gone = running & np.isnan(state.low) & (np.abs(state.x) > far)
    better_low = closed & (np.abs(state.f_low) <= np.abs(state.f_high))
    x = np.where(closed, np.where(better_low, state.low, state.high), state.x)
    f = np.where(closed, np.where(better_low, state.f_low, state.f_high), state.f)
    codes[gone] = Status.DIVERGED
    codes[running & (state.losses >= LOSSES)] = Status.NON_FINITE
    codes[closed | (running & (state.f == 0))] = Status.CONVERGED
    return replace(state, x=x, f=f, codes=codes)


def _reach(old: NewtonState, new: NewtonState, eps: float) -> FloatArray:
    """Return how far differences reach at the new points.

    At a root of multiplicity m the distance to it falls as |f|^(1/m), and an accelerated step is much longer
    than what remains.  There f itself is small, so that only x limits how short the reach may be; elsewhere
    below eps^(2/3) |x| rounding spoils the third digit of a difference.
    """
    order = old.guess.order
    with np.errstate(all="ignore"):
        fall = np.minimum(np.abs(new.f / old.f), 1.0) ** (1 / order)
    reach = REACH * np.abs(new.step) * np.where(order > 1, fall, 1.0)
    return np.maximum(reach, np.where(order > 1, 8 * eps, eps ** (2 / 3)) * np.abs(new.x))


def _where(mask: NDArray[np.bool_], new: Slope, old: Slope) -> Slope:
    second = new.second
    if second is not None and old.second is not None:
        second = np.where(mask, second, old.second)
    return Slope(np.where(mask, new.first, old.first), second)
