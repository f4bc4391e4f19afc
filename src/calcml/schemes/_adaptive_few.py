"""Where `_adaptive_numbers` gets its numbers: from lines of any kind, or from f itself."""

# A `strict=` in a zip costs as much as the loop.
# ruff: noqa: B905

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml._validation import is_vector
from calcml.schemes._adaptive_fan import NOTHING, Fan, Symmetric
from calcml.schemes._adaptive_found import Found
from calcml.schemes._adaptive_numbers import Table, answers
from calcml.schemes._quick import DOUBLE, EPS, LARGE, UnusualError, are_plain, floats

__all__ = ["FewLines", "few_lines"]

# From here on NumPy takes less time.
FEW = 16


def few_lines(lines: Lines, index: IntArray, n: int, levels: int) -> tuple[Found | None, Fan]:
    """Return the coefficients, or None and a fan of these lines that knows what f has returned."""
    fan = Symmetric(lines, index)
    outputs, dtype = fan.origin.shape[1], fan.origin.dtype
    if len(index) > FEW or outputs > 1 or dtype != DOUBLE:
        return None, fan
    answered = answers(_FanSource(fan), n, levels)
    if answered is None:
        return None, fan
    value, truncation, noise, step = np.array(answered).T[:, :, None]
    found = Found.empty(fan.origin)
    found.value, found.truncation, found.noise, found.step = value, truncation, noise, step[:, 0]
    return found, fan


class _FanSource:
    """The lines of a fan, with one output each; the fan gets to know what f has returned."""

    def __init__(self, fan: Fan) -> None:
        self.fan, self.eps = fan, fan.eps
        self.origin: list[float] = fan.origin[:, 0].tolist()
        self.size: list[float] = fan.size.tolist()
        self.room: list[float] = fan.room.tolist()

    def evaluate(self, nodes: list[float], steps: list[float], rows: list[int]) -> tuple[Table, Table]:
        """Return distances on some lines and f there."""
        fan, lines = self.fan, np.array(rows)
        t, index = fan.distances(np.array(nodes), np.array(steps), lines), fan.index[lines]
        values = fan.lines.evaluate(t, index)
        fan.known.append((t, index, values))
        return t.tolist(), values[..., 0].tolist()


class FewLines:
    """`Adaptive` for an f of one number or of few variables, from its values alone."""

    def __init__(self, levels: int) -> None:
        self.levels = levels

    def gradient(self, f: Callable[[Any], Any], x: Any) -> tuple[FloatArray | None, list[Any]]:
        """Return the gradient, or None and what f returned at the first of the points of `Adaptive`."""
        if not is_vector(x) or not 0 < len(x) <= FEW:
            return None, []
        source = _Axes(f, x)
        values = self._values(source, 1)
        return (None if values is None else np.array(values)), source.seen

    def value(self, f: Callable[[Any], Any], x: FloatArray, seen: list[Any]) -> np.float64:
        """Return f(x), which comes first."""
        return np.float64(seen[0])

    def derivative(self, f: Callable[[Any], Any], x: Any, n: Any) -> tuple[np.float64 | None, list[Any]]:
        """Return the n-th derivative at a number, or the same as `gradient` does."""
        if not are_plain(x, n):
            return None, []
        source = _Number(f, np.array([float(x)]))
        values = self._values(source, n)
        return (None if values is None else np.float64(math.factorial(n) * values[0])), source.seen

    @np.errstate(all="ignore")
    def _values(self, source: _Axes, n: int) -> list[float] | None:
        """Return the n-th coefficients; an x that is large or no number is none of the ordinary."""
        if not sum(source.size) < LARGE:
            return None
        try:
            source.look()
        except UnusualError:
            return None
        found = answers(source, n, self.levels)
        return None if found is None else [answer.value for answer in found]


class _Axes:
    """The coordinate axes through a point of few variables; all that f returns is kept in `seen`."""

    eps = EPS
    origin: list[float]

    def __init__(self, f: Callable[[Any], Any], x: FloatArray) -> None:
        self.f, self.x = f, x
        self.numbers: list[float] = x.tolist()
        # NaN stays what it is.
        self.size = [0.0 if size <= NOTHING else size for size in map(abs, self.numbers)]
        self.room = [math.inf] * len(self.size)
        self.seen: list[Any] = []

    def look(self) -> None:
        """Ask for f(x)."""
        self.origin = self._ask([0], [0.0]) * len(self.numbers)

    def evaluate(self, nodes: list[float], steps: list[float], rows: list[int]) -> tuple[Table, Table]:
        """Return distances on some lines and f there."""
        numbers, moves = self.numbers, []
        for node in nodes:
            for signed in (node, -node):
                moves += [(numbers[row] + signed * step) - numbers[row] for row, step in zip(rows, steps)]
        values = self._ask(rows * (2 * len(nodes)), moves)
        return _table(moves, len(rows)), _table(values, len(rows))

    def _ask(self, rows: list[int], moves: list[float]) -> list[float]:
        return floats(self.f, self._points(rows, moves), self.seen)

    def _points(self, rows: list[int], moves: list[float]) -> Iterable[Any]:
        """Return x, each time with one coordinate moved."""
        table = np.empty((len(rows), len(self.numbers)))
        table[...] = self.x
        for point, row, move in zip(table, rows, moves):
            point[row] = self.numbers[row] + move
        return table


class _Number(_Axes):
    """The line through a number."""

    def _points(self, rows: list[int], moves: list[float]) -> Iterable[Any]:
        return [np.float64(self.numbers[0] + move) for move in moves]


def _table(numbers: list[float], count: int) -> Table:
    """Return numbers by nodes, sides and lines."""
    rows = [numbers[k : k + count] for k in range(0, len(numbers), count)]
    return list(zip(rows[::2], rows[1::2]))
