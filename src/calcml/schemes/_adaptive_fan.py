"""Where `Adaptive` looks at f, and what series the values make: on both sides of x, or on one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_nodes import move_to_nodes

__all__ = [
    "LENGTH",
    "SIGNIFICANT",
    "SMALL",
    "Fan",
    "Rows",
    "Side",
    "Symmetric",
    "Terms",
    "blocks",
    "choose",
    "every",
    "over_outputs",
    "scale_of",
    "some",
]

# Some of the lines, by number, or all of them as slice(None), which costs no copies.
Rows = IntArray | slice

# Lines times outputs whose temporaries, of some 40 windows, stay in the cache.
BLOCK = 1024
# An x closer to 0 than this says nothing of the scale of f: its steps would end among the subnormal numbers.
NOTHING = 2.0**-1000
# Along a very short direction |x| can be infinite; sixteen times this is not.
LARGEST = 2.0**1016
# Head and tail of the odd and the even part, see `Symmetric.terms`.
_WEIGHT = np.array([[8.0, 16.0], [2.0, 4.0]])[:, :, None, None]
_SHARE = np.array([6.0, 12.0])[:, None, None]
# A term counts when it is eight times what noise puts into it.
SIGNIFICANT = 8.0
# The search ends at (h/L)² = 0.015: the length L on which f bends is eight steps.
LENGTH = 8.0
# The largest share of f that can be noise: more is not told from what f does.
SMALL = 0.01


def blocks(lines: int, outputs: int) -> list[slice]:
    """Cut lines into blocks for arithmetic; at least one, which may be empty."""
    size = max(1, BLOCK // max(1, outputs))
    return [slice(k, k + size) for k in range(0, max(lines, 1), size)]


def scale_of(lines: Lines) -> FloatArray:
    """Return |x| along each line where it can be a first guess at the scale of f, else 0; shape (p,)."""
    return np.where(lines.size > NOTHING, np.minimum(lines.size, LARGEST), 0.0)


def over_outputs(ufunc: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
    """Reduce over the last axis; NumPy takes ten times as long for an axis of length 1."""
    return values[..., 0] if values.shape[-1] == 1 else ufunc.reduce(values, axis=-1)


def some(mask: NDArray[np.bool_]) -> bool:
    """Tell whether any is true; NumPy's own reductions take ten times as long for a few entries."""
    return b"\x01" in mask.tobytes()


def every(mask: NDArray[np.bool_]) -> bool:
    """Tell whether all are true."""
    return b"\x00" not in mask.tobytes()


def choose(mask: NDArray[np.bool_], new: FloatArray, old: FloatArray) -> FloatArray:
    """Return new entries where the mask is true and old ones elsewhere; mostly all are of one kind."""
    flags = mask.tobytes()
    if b"\x00" not in flags:
        return new
    return np.where(mask, new, old) if b"\x01" in flags else old


def _largest(values: FloatArray, origin: FloatArray) -> FloatArray:
    """Return the largest |f| on each line, given |f(0)|."""
    return np.maximum(np.maximum.reduce(np.abs(values).reshape(-1, *origin.shape), axis=0), origin)


@dataclass(frozen=True, eq=False)
class Terms:
    """Sizes of the first Taylor terms at a trial step h, each of shape (p, M).

    `slope` is |c₁h|, `head` the larger of |c₁h| and |c₂h²|, `tail` the larger of |c₃h³| and |c₄h⁴|
    (on one side, |c₃h³|), `size` the largest |f| seen.
    """

    slope: FloatArray
    head: FloatArray
    tail: FloatArray
    size: FloatArray


class Fan(ABC):
    """Some of the lines, and the points on them at which f is asked for: nodes g times a step h.

    Attributes
    ----------
    lines : Lines
        All lines.
    index : ndarray of int, shape (p,)
        The lines of this fan.
    origin, magnitude : ndarray, shape (p, M)
        f at t = 0, and its absolute value.
    usable : ndarray of bool, shape (p, M)
        Whether it is finite.
    size : ndarray, shape (p,)
        The scale of x along each line, or 0.
    eps : float
        Spacing of numbers near 1.
    signs : ndarray, shape (r, p)
        The sides on which a node g lies: ± g h, or one of them.
    trial : tuple of float
        The nodes of a trial step.
    tail_noise : float
        Noise of the tail in units of the noise of f.
    q_unit : float
        Share of the search's wanted ratio of tail to head that suits this fan.
    """

    trial: tuple[float, ...]
    tail_noise: float
    q_unit: float
    signs: FloatArray

    def __init__(self, lines: Lines, index: IntArray) -> None:
        self.lines, self.index = lines, index
        self._whole = len(index) == lines.count and every(index == np.arange(lines.count))
        # Distances and lines for which f is known already, in the order in which it will be asked for.
        self.known: list[tuple[FloatArray, IntArray, FloatArray]] = []
        self.origin = lines.origin()[index]
        self.magnitude, self.usable = np.abs(self.origin), np.isfinite(self.origin)
        self.size, self.eps = scale_of(lines)[index], lines.eps

    @property
    @abstractmethod
    def room(self) -> FloatArray:
        """Largest |t| that the bounds allow, shape (p,)."""

    @abstractmethod
    def part(self, rows: IntArray) -> Fan:
        """Return the fan of some of these lines."""

    def distances(self, nodes: FloatArray, step: FloatArray, rows: Rows) -> FloatArray:
        """Return the distances t for nodes of shape (k,), shape (k, r, p), with x + t v exact."""
        with np.errstate(over="ignore"):
            t = nodes[:, None, None] * (self.signs[:, rows] * step)
            return self.lines.representable(t, self._asked(rows))

    def evaluate(self, nodes: FloatArray, step: FloatArray, rows: Rows) -> FloatArray:
        """Return f at the nodes, shape (k, r, p, M)."""
        t, index = self.distances(nodes, step, rows), self.index[rows]
        if self.known:
            before, lines, values = self.known.pop(0)
            if np.array_equal(before, t) and np.array_equal(lines, index):
                return values
            self.known.clear()
        return self.lines.evaluate(t, self._asked(rows))

    def _asked(self, rows: Rows) -> IntArray | None:
        """Return which lines these are; None for all, which takes less time."""
        return None if self._whole and isinstance(rows, slice) else self.index[rows]

    @staticmethod
    @abstractmethod
    def series_of(n: int) -> tuple[str, int]:
        """Return the kind of series that holds the n-th coefficient, and its place in it."""

    @abstractmethod
    def terms(self, values: FloatArray, rows: Rows) -> Terms:
        """Return the sizes of the Taylor terms from values at the trial nodes."""

    @abstractmethod
    def series(
        self, values: FloatArray, nodes: FloatArray, step: FloatArray, rows: Rows, odd: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return, per node, the value of the power series whose coefficient is wanted, and a companion.

        The step is the unit of length.  Both have shape (k, p, M); the companion has the same noise and
        serves to measure it.
        """


class Symmetric(Fan):
    """Points on both sides: odd and even part of f separate, and each is a series in t².

    With u = t / h they are [f(t) - f(-t)] / 2u = c₁h + c₃h³u² + … and
    [f(t) + f(-t) - 2 f(0)] / 2u² = c₂h² + c₄h⁴u² + …
    """

    trial = (2.0, 1.0)
    tail_noise = 1.0
    q_unit = 1.0

    def __init__(self, lines: Lines, index: IntArray) -> None:
        super().__init__(lines, index)
        self.signs = np.ones((2, len(index)))
        self.signs[1] = -1.0

    def part(self, rows: IntArray) -> Fan:
        """Return the fan of some of these lines."""
        return Symmetric(self.lines, self.index[rows])

    @property
    def room(self) -> FloatArray:
        """Largest |t| that the bounds allow, shape (p,)."""
        return np.minimum(-self.lines.lower, self.lines.upper)[self.index]

    @staticmethod
    def series_of(n: int) -> tuple[str, int]:
        """Return the kind of series that holds the n-th coefficient, and its place in it."""
        return ("odd" if n % 2 else "even"), (n - 1) // 2

    def terms(self, values: FloatArray, rows: Rows) -> Terms:
        """Return the sizes of the Taylor terms from values at the trial nodes."""
        f0, size = self.origin[rows], _largest(values, self.magnitude[rows])
        # The odd and the even part of f at 2h and at h.
        parts = np.empty((2, *values.shape[:1], *values.shape[2:]), dtype=values.dtype)
        np.subtract(values[:, 0], values[:, 1], out=parts[0])
        np.add(values[:, 0], values[:, 1], out=parts[1])
        parts /= 2
        parts[1] -= f0
        # Two terms of each from these: c₁h + c₃h³ and 2c₁h + 8c₃h³ of the odd part, c₂h² + c₄h⁴ and
        # 4c₂h² + 16c₄h⁴ of the even part.
        terms = np.abs(_WEIGHT * parts[:, 1] - parts[:, 0]) / _SHARE
        head, tail = np.maximum(terms[:, 0], terms[:, 1])
        return Terms(terms[0, 0], head, tail, size)

    def series(
        self, values: FloatArray, nodes: FloatArray, step: FloatArray, rows: Rows, odd: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return, per node, the wanted part of f as a series in u², and the other part."""
        t = self.distances(nodes, step, rows) / step
        ahead, behind = t[:, 0, :, None], -t[:, 1, :, None]
        f0, width = self.origin[rows], ahead + behind
        even = ((values[:, 0] - f0) / ahead - (f0 - values[:, 1]) / behind) / width
        # Rounding of x ± t to floating-point numbers can make the two sides unequal; the even part then leaks
        # into the slope in proportion.
        slope = (values[:, 0] - values[:, 1]) / width - even * (ahead - behind)
        wanted, actual = nodes[:, None, None] ** 2, (width / 2) ** 2
        for part in (slope, even):
            move_to_nodes(part, wanted, actual)
        return (slope, even) if odd else (even, slope)


class Side(Fan):
    """Points on one side: a series in all powers of t.

    With u = |t| / h it is [f(t) - f(0)] / u = ± c₁h + c₂h²u ± c₃h³u² + …
    """

    trial = (2.0, 1.0, 0.5)
    # The weights of the third difference on 0, 1/2, 1, 2: 1/3 · 2 + 2 · 2 + 8/3 · 2.
    tail_noise = 10.0
    q_unit = 0.25

    def __init__(self, lines: Lines, index: IntArray, sign: FloatArray) -> None:
        super().__init__(lines, index)
        self.signs = sign[None, :]

    def part(self, rows: IntArray) -> Fan:
        """Return the fan of some of these lines."""
        return Side(self.lines, self.index[rows], self.signs[0, rows])

    @property
    def room(self) -> FloatArray:
        """Largest |t| that the bounds allow, shape (p,)."""
        lines, index = self.lines, self.index
        return np.where(self.signs[0] > 0, lines.upper[index], -lines.lower[index])

    @staticmethod
    def series_of(n: int) -> tuple[str, int]:
        """Return the kind of series that holds the n-th coefficient, and its place in it."""
        return "side", n - 1

    def terms(self, values: FloatArray, rows: Rows) -> Terms:
        """Return the sizes of the Taylor terms from values at the trial nodes."""
        f0 = self.origin[rows]
        two, one, half = (values[:, 0] - f0) / np.array(self.trial)[:, None, None]
        first, second = two - one, 2 * (one - half)
        third = (first - second) / 1.5
        square = first - 3 * third
        slope = np.abs(one - square - third)
        return Terms(
            slope, np.maximum(slope, np.abs(square)), np.abs(third), _largest(values, self.magnitude[rows])
        )

    def series(
        self, values: FloatArray, nodes: FloatArray, step: FloatArray, rows: Rows, odd: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return the divided difference with f(0) per node; it is its own companion."""
        t = self.distances(nodes, step, rows) / step
        u = np.abs(t[:, 0, :, None])
        slope = (values[:, 0] - self.origin[rows]) / u
        move_to_nodes(slope, nodes[:, None, None], u)
        return slope, slope
