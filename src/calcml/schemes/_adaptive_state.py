"""What is known of some lines of a fan while the length scale of f is searched for."""

from __future__ import annotations

from copy import copy
from typing import Self

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import Fan, Rows, every, some

__all__ = ["State"]


class State:
    """What is known of some lines of a fan; arrays are replaced, never written to.

    Parameters
    ----------
    fan : Fan
        Lines and the sides on which to look.
    step : ndarray, shape (p,)
        The steps of the first trials.
    gallop : float
        Octaves to the next step if f does not move at the first one.

    Attributes
    ----------
    rows : slice or ndarray of int
        Which lines of the fan these are.
    step, first : ndarray, shape (p,)
        The step to try, at last the unit of the nodes; and the first one.
    low, high : ndarray, shape (p,)
        The longest step that was too short, and the shortest one that was too long.
    some_low, some_high : bool
        Whether there is any such step.
    tail_low, tail_high, slope_low, head_high, size_low : ndarray, shape (p, M)
        Terms at those.
    far : ndarray, shape (p, M)
        The change of f at the first step.
    near, near_tail : ndarray, shape (p, M)
        Slope and tail at the first step.
    checked : ndarray of bool, shape (p,)
        Whether these have been looked at once more.
    jump_high : ndarray, shape (p, M)
        The largest of tail and change of slope at the step that was too long.
    noise, sure, quiet : ndarray, shape (p, M)
        Noise as far as it has shown; the part of it that no step beyond L can be blamed for; and the least
        tail of any trial: f has no more noise than that.
    still : ndarray, shape (p, M)
        The longest step at which f did not move.
    idle, moved, poor, loud : ndarray of bool, shape (p,)
        Whether values repeat at the first step; whether f has moved at any; whether it did in the last trial,
        with no more to be seen; and whether a tableau has found too much noise.
    doubted : ndarray, shape (p, M)
        The size of a jump that casts doubt on the step, or 0.
    jump : ndarray, shape (p, M)
        The size of a jump that may be noise and has not been explained.
    grain, grid : ndarray, shape (p, M)
        The least noise that values have, however quiet they seem, or 0; and half their spacing if they prove
        to lie on a grid, or 0.
    flat : ndarray of bool, shape (p,)
        Whether f stands still below that.
    way_up, resort : ndarray, shape (p,)
        Where to start looking at every octave, or 0; and the step to take if nothing shows there.
    gallop : ndarray, shape (p,)
        Octaves to the next step while f does not move.
    failures : ndarray of int, shape (p,)
        Number of trials without a lawful q.
    open_side : ndarray, shape (p,)
        The only side, +1 or -1, on which f was finite when it was not on both; 0 elsewhere.
    values : ndarray, shape (nodes, r, p, M)
        f at the fan's trial nodes at the step, where `known`.
    known : ndarray of bool, shape (p,)
        Whether those values are there.
    """

    def __init__(self, fan: Fan, step: FloatArray, gallop: float) -> None:
        p, outputs = fan.origin.shape
        self.fan = fan
        self.rows: Rows = slice(None)
        self.usable = fan.usable
        self.some_low = self.some_high = False
        self.step, self.first = step, step
        self.low: FloatArray
        self.way_up: FloatArray
        self.resort: FloatArray
        self.low, self.way_up, self.resort, self.open_side = np.zeros((4, p))
        self.high, self.gallop = np.full((2, p), [[np.inf], [gallop]])
        blank: FloatArray = np.zeros((p, outputs))
        self.tail_low = self.slope_low = self.size_low = self.head_high = self.jump_high = self.far = blank
        self.near = self.near_tail = blank
        self.noise = self.sure = self.still = self.doubted = self.jump = self.grain = self.grid = blank
        self.tail_high = self.quiet = blank + np.inf
        self.idle = self.moved = self.poor = self.loud = self.flat = self.known = self.checked = np.zeros(
            p, dtype=bool
        )
        self.failures = np.zeros(p, dtype=np.int64)
        self.values = np.full((len(fan.trial), len(fan.signs), p, outputs), np.nan, dtype=fan.origin.dtype)

    def take(self, lines: IntArray) -> Self:
        """Return the state of some of these lines."""
        part = copy(self)
        part.rows = lines if isinstance(self.rows, slice) else self.rows[lines]
        for name, array in vars(self).items():
            if isinstance(array, np.ndarray) and name not in ("rows", "values"):
                setattr(part, name, array[lines])
        part.values = self.values[:, :, lines]
        return part

    def put(self, lines: IntArray, part: State) -> None:
        """Enter what has become of some of these lines."""
        for name, array in vars(part).items():
            if isinstance(array, np.ndarray) and name not in ("rows", "values"):
                whole = getattr(self, name).copy()
                whole[lines] = array
                setattr(self, name, whole)
        self.values = self.values.copy()
        self.values[:, :, lines] = part.values
        self.some_low, self.some_high = self.some_low or part.some_low, self.some_high or part.some_high

    def begin(self) -> None:
        """Forget how the last search on these lines ended."""
        self.doubted = self.jump = self.grain = np.zeros(self.jump.shape)
        self.way_up, self.resort, self.open_side = np.zeros((3, len(self.step)))
        self.flat = np.zeros(len(self.step), dtype=bool)

    def keep(self, values: FloatArray, kept: NDArray[np.bool_]) -> None:
        """Keep the values of some lines: their step may be the answer."""
        if every(kept):
            self.values, self.known = values, kept
        elif some(kept):
            self.values = np.where(kept[:, None], values, self.values)
            self.known = self.known | kept

    def fall_back(self) -> None:
        """Take the longest step that was too short for one that is too long."""
        self.high, self.low, self.some_high = self.low, np.zeros(len(self.low)), True
        self.tail_high = self.jump_high = self.head_high = self.tail_low
        self.tail_low = self.slope_low = self.size_low = np.zeros(self.tail_low.shape)
        self.known = np.zeros(len(self.low), dtype=bool)
