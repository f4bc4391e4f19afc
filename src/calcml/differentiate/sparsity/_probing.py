"""How a function reacts when some of its variables move or become NaN."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._typing import FloatArray
from calcml.errors import EvaluationError

__all__ = ["METHODS", "Probing", "RefusedNaN"]

# Whether NaN is tried, and at how many points finite moves are.
METHODS: Mapping[str, tuple[bool, int]] = MappingProxyType(
    {"auto": (True, 1), "nan": (True, 0), "probe": (False, 3)}
)
# Moves relative to each variable: far above rounding, and on the same side of 0.
LEAST, MOST = 0.01, 0.1
# A point beside x at which f is not finite is drawn nearer, by this factor, at most this often.
NEARER, TRIES = 0.1, 6
# Numbers in a block of points.
BLOCK = 16384
# What functions raise when they meet NaN and check their arguments.
REFUSALS = (
    ArithmeticError,
    AssertionError,
    EvaluationError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


class RefusedNaN(Exception):  # noqa: N818
    """F raised an error for NaN; the error is the cause."""


class Probing:
    """A function with the points beside which its variables are moved.

    Parameters
    ----------
    function : Function
        The function.
    x : ndarray, shape (n,)
        The point.
    bounds : tuple of ndarray, optional
        Where f may be evaluated.
    how : tuple of bool and int
        Whether NaN is tried, and the number of points for finite moves.
    """

    def __init__(
        self,
        function: Function,
        x: FloatArray,
        bounds: tuple[FloatArray, FloatArray] | None,
        how: tuple[bool, int],
    ) -> None:
        self.function, self.x, self.bounds = function, x, bounds
        self.with_nan, points = how
        # Always the same moves, so that the same call finds the same pattern.
        self.rng = np.random.default_rng(2001)
        self.value = function.evaluate(x[None, :].copy())[0]
        self.bases = [self._base(k) for k in range(points)]

    @property
    def count(self) -> int:
        """Number of variables."""
        return self.x.size

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.value.size

    @property
    def block(self) -> int:
        """How many groups are tested at once."""
        return max(1, BLOCK // max(1, self.count))

    def changed(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which outputs react when the variables in each mask move, shape (K, m)."""
        reacts = np.zeros((len(masks), self.outputs), dtype=bool)
        if self.with_nan:
            reacts |= self._differs(self._with_nan(masks), self.value)
        for x, moved, value in self.bases:
            reacts |= self._differs(self.function.evaluate(np.where(masks, moved, x)), value)
        return reacts

    @staticmethod
    def _differs(values: FloatArray, value: FloatArray) -> NDArray[np.bool_]:
        # NaN equals nothing: outputs that are NaN to begin with depend on everything, to be safe.
        return ~(values == value)

    def _with_nan(self, masks: NDArray[np.bool_]) -> FloatArray:
        points = np.where(masks, np.array(np.nan, self.x.dtype), self.x)
        try:
            return self.function.evaluate(points)
        except REFUSALS as error:
            raise RefusedNaN from error

    def _base(self, k: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return a point, the same with all variables moved, and f there; the first point is x itself."""
        if k == 0:
            return self.x, self._moved(self.x, 1.0), self.value
        reach = 1.0
        for _ in range(TRIES):
            point = self._moved(self.x, reach)
            value = self.function.evaluate(point[None, :].copy())[0]
            if (np.isfinite(value) | ~np.isfinite(self.value)).all():
                return point, self._moved(point, reach), value
            reach *= NEARER
        return self.x, self._moved(self.x, 1.0), self.value

    def _moved(self, x: FloatArray, reach: float) -> FloatArray:
        """Return x with every variable moved by a random share of itself, within the bounds."""
        size = np.abs(x)
        largest = float(size.max(initial=0.0))
        unit = np.where(size > 0, size, min(largest, 1.0) or 1.0)
        move = reach * unit * self.rng.uniform(LEAST, MOST, x.size) * self.rng.choice([-1.0, 1.0], x.size)
        moved = (x + move).astype(x.dtype)
        if self.bounds is None:
            return moved
        lower, upper = self.bounds
        inside = (moved >= lower) & (moved <= upper)
        return np.clip(np.where(inside, moved, (x - move).astype(x.dtype)), lower, upper)
