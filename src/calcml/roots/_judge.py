"""What an iteration ended at: a root, and how well it is known; or a pole, a jump, a minimum of |f|.

Around the end point x, f is looked at from distances d that grow from a few spacings of x to a hundredth of
the scale of the search.  Near a root r, |f| rises as |x - r|^p on both sides, with one power p over several
distances.  Noise does not, nor does f at a pole or a jump.

- Of odd multiplicity: f(x - d) and f(x + d) differ in sign from the first such distance on, and r is within.
- Of even multiplicity, or at the edge of f's domain: no change of sign, but f(x) is small beside f(x +- d).
  If it is so within a few spacings, x is the root as well as numbers can tell.  If not, f(x) must be
  explained by noise; a minimum above zero is smooth instead.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.roots._iteration import CLOSED, NewtonState
from calcml.roots._proposal import spacing, width
from calcml.roots._slopes import Equation, RootLines

__all__ = ["Verdict", "judge"]

# The distances grow by 4; after seven looks as fast as it takes to reach this part of the scale, two digits,
# in thirty.
GROWTH, LARGEST, CLOSE_LOOKS, LOOKS = 4.0, 0.01, 7, 30
# f may be off by more than its values close to each other show.
SAFETY = 4.0
# Up to 64 times the first distance a root counts as known to the precision of x.
PRECISE = 64.0
# The power must be above this and the same, to this part, between three distances; between four where the
# first look was not clear, for then there is noise, and it may look lawful by chance.
LEAST_POWER, SAME_POWER, CLEAR, NOISY = 0.1, 0.35, 3, 4
# At first sight f must be straight: its change is four times what f(x) is off the line.
OVER_NOISE = 4.0
# f has risen from a touched zero where it is sixteen times f(x); noise that makes half of f(x) explains it.
RISEN, EXPLAINED = 16.0, 0.5
# Distances at which the curvature of f is below its noise: well inside the one at which it has risen.
INSIDE = 1 / 32


@dataclass(frozen=True, eq=False)
class Verdict:
    """Codes of `Status` and bounds on the distance to the root, infinite where there is none."""

    codes: IntArray
    error: FloatArray


@dataclass(frozen=True, eq=False)
class _Look:
    """Distances to the left and right of some end points, shape (2, p), and the values of f there."""

    away: FloatArray
    values: FloatArray

    @property
    def distance(self) -> FloatArray:
        """The larger of the two distances; bounds may have cut the other."""
        return self.away.max(axis=0)

    def crossed(self) -> NDArray[np.bool_]:
        """Tell where the values differ in sign."""
        return np.sign(self.values[0]) * np.sign(self.values[1]) < 0

    def take(self, mask: NDArray[np.bool_]) -> "_Look":
        """Return the look at some of the end points."""
        return _Look(self.away[:, mask], self.values[:, mask])


def judge(equation: Equation, state: NewtonState) -> Verdict:
    """Confirm or reject what the iteration settled at."""
    codes = state.codes.copy()
    error = np.full(state.x.size, np.inf, dtype=state.x.dtype)
    index: IntArray = np.flatnonzero(
        np.isin(codes, (Status.CONVERGED, Status.STALLED, Status.ZERO_DERIVATIVE))
    )
    if index.size:
        lines, nearest = equation.lines(state.x), _nearest(state)
        index, looks = _look_around(lines, state, index, nearest, (codes, error))
        _judge_touching(state, index, looks, (codes, error))
        precise = (codes == Status.CONVERGED_TO_PRECISION) & (error <= PRECISE * nearest)
        codes[precise] = Status.CONVERGED
    return Verdict(codes, error)


def _nearest(state: NewtonState) -> FloatArray:
    """Return the first distance: a few spacings of x, more where the bracket stayed wider."""
    eps = np.finfo(state.x.dtype).eps
    # At zero the spacing is no measure of anything; a point where f vanishes ends the search at once,
    # however wide the bracket still is.
    least = np.where(state.x == 0, eps**2 * np.minimum(_scale(state), 1.0), spacing(state.x))
    return np.fmax(CLOSED * least, np.where(state.f == 0, 0.0, width(state.low, state.high)))


def _scale(state: NewtonState) -> FloatArray:
    return np.where(state.size > 0, state.size, 1.0)


def _look_around(
    lines: RootLines,
    state: NewtonState,
    index: IntArray,
    nearest: FloatArray,
    tables: tuple[IntArray, FloatArray],
) -> tuple[IntArray, list[_Look]]:
    """Look from growing distances until three in a row show a root, and enter those in the tables.

    Return the equations without one, and all looks at them.
    """
    codes, error = tables
    distance, limit = nearest[index], LARGEST * _scale(state)[index]
    # Each root by itself: the quotient of scale and spacing may overflow.
    steep = np.maximum(limit ** (1 / LOOKS) / distance ** (1 / LOOKS), GROWTH)
    looks: list[_Look] = []
    growth = np.full(index.size, GROWTH)
    # The last looks, beyond the limit, confirm one within.
    while index.size and (distance / growth**NOISY <= limit).any():
        away = np.minimum(np.stack([distance, distance]), np.stack([-lines.lower[index], lines.upper[index]]))
        values = lines.evaluate(away * [[-1], [1]], index)[..., 0]
        # At the end of a bracket one side does not exist.
        looks.append(_Look(away, np.where(away > 0, values, np.nan)))
        seen = np.zeros(index.size, dtype=bool)
        if len(looks) == CLEAR:
            seen = looks[0].crossed() & _is_lawful(looks) & _is_straight(state.f[index], looks[0])
        elif len(looks) >= NOISY:
            last = looks[-NOISY:]
            seen = last[0].crossed() & _is_lawful(last) & (last[0].distance <= limit)
        codes[index[seen]] = Status.CONVERGED_TO_PRECISION
        error[index[seen]] = SAFETY * looks[-min(len(looks), NOISY)].distance[seen]
        growth = growth if len(looks) < CLOSE_LOOKS else steep
        looks = [look.take(~seen) for look in looks]
        index, distance, limit = index[~seen], (growth * distance)[~seen], limit[~seen]
        growth, steep = growth[~seen], steep[~seen]
    return index, looks


def _is_straight(f: FloatArray, look: _Look) -> NDArray[np.bool_]:
    """Tell where f(x) lies between its neighbors on a line, as without noise on so small a scale."""
    part = look.away[0] / look.away.sum(axis=0)
    with np.errstate(all="ignore"):
        off = np.abs(f - (1 - part) * look.values[0] - part * look.values[1])
        return np.abs(look.values[1] - look.values[0]) > OVER_NOISE * off


def _is_lawful(looks: list[_Look]) -> NDArray[np.bool_]:
    """Tell where |f| rises by one law on both sides."""
    powers = np.array([_power(inner, outer) for inner, outer in itertools.pairwise(looks)])
    # A side that bounds have cut, or without a value there, was not asked.
    silent = np.isnan(powers).any(axis=0)
    with np.errstate(invalid="ignore"):
        least, most = powers.min(axis=0), powers.max(axis=0)
        rises = (least >= LEAST_POWER) & (most - least <= SAME_POWER * most)
    return (rises | silent).all(axis=0) & ~silent.all(axis=0)


def _power(inner: _Look, outer: _Look) -> FloatArray:
    """Return the power with which |f| rises on both sides, NaN where it cannot be seen."""
    with np.errstate(all="ignore"):
        apart = outer.away / inner.away
        ratio = outer.values / inner.values
        # A changed sign is no power of the distance.
        power = np.where(ratio > 0, np.log(np.abs(ratio)) / np.log(apart), -1.0)
        return np.where((apart < GROWTH * 0.99) | np.isnan(ratio), np.nan, power)


def _judge_touching(
    state: NewtonState, index: IntArray, looks: list[_Look], tables: tuple[IntArray, FloatArray]
) -> None:
    """Decide on the equations around whose end point the sign does not change for good."""
    if not index.size:
        return
    codes, error = tables
    size, distances = np.abs(state.f[index]), np.array([look.distance for look in looks])
    values = np.array([look.values for look in looks])
    with np.errstate(all="ignore"):
        # A side without a value lies outside the domain and says nothing.
        lowest = np.fmin(np.abs(values[:, 0]), np.abs(values[:, 1]))
        risen = (lowest >= RISEN * size) & (lowest > 0) & (distances <= LARGEST * _scale(state)[index])
        for k in range(len(looks)):
            risen[k] &= _is_lawful(looks[k : k + NOISY]) if k + NOISY <= len(looks) else False
        first = distances[risen.argmax(axis=0), np.arange(index.size)]
        distance = np.where(risen.any(axis=0), first, np.inf)
        bend = np.abs(values[:, 0] - 2 * state.f[index] + values[:, 1])
        noise = np.where(distances <= INSIDE * distance, bend, 0.0).max(axis=0)
    # At zero numbers are dense: a value there that is not zero is no rounding of x.
    close = (distance <= PRECISE * distances[0]) & ((state.x[index] != 0) | (size == 0))
    always = np.array([look.crossed() for look in looks]).all(axis=0)
    root = np.isfinite(distance) & (close | (noise >= EXPLAINED * size)) & ~always
    # A bracket and no clear root: the sign changes by noise or, if at every distance, by a jump or a pole.
    failed = np.where(np.isnan(state.low[index]), codes[index], Status.INACCURATE)
    failed = np.where(failed == Status.CONVERGED, Status.STALLED, failed)
    failed = np.where(always, Status.NOT_A_ROOT, failed)
    failed = np.where(size == 0, np.where(always, Status.CONVERGED_TO_PRECISION, Status.INACCURATE), failed)
    codes[index] = np.where(root, Status.CONVERGED_TO_PRECISION, failed)
    error[index] = np.where(root, SAFETY * distance, np.where(always & (size == 0), distances[0], np.inf))
