"""Where `Adaptive` looks at f, and what series the values make: on both sides of x, or on one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray

__all__ = ["SIGNIFICANT", "SMALL", "Fan", "Side", "Symmetric", "Terms", "blocks", "over_outputs", "scale_of"]

# Lines times outputs whose temporaries, of 64 KiB, stay in the cache and off the slow path of the allocator.
BLOCK = 8192
# An x closer to 0 than this says nothing of the scale of f: its steps would end among the subnormal numbers.
NOTHING = 2.0**-960
# Along a very short direction |x| can be infinite; sixteen times this is not.
LARGEST = 2.0**1016
# A term counts when it is eight times what noise puts into it.
SIGNIFICANT = 8.0
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
    origin : ndarray, shape (p, M)
        f at t = 0.
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
        self.origin = lines.origin()[index]
        self.size = scale_of(lines)[index]

    @property
    @abstractmethod
    def room(self) -> FloatArray:
        """Largest |t| that the bounds allow, shape (p,)."""

    def distances(self, nodes: FloatArray, step: FloatArray, rows: IntArray) -> FloatArray:
        """Return the distances t for nodes of shape (k,), shape (k, r, p), with x + t v exact."""
        t = nodes[:, None, None] * (self.signs[:, rows] * step)
        with np.errstate(over="ignore", invalid="ignore"):
            return self.lines.representable(t, self.index[rows])

    def evaluate(self, nodes: FloatArray, step: FloatArray, rows: IntArray) -> FloatArray:
        """Return f at the nodes, shape (k, r, p, M)."""
        cuts = blocks(len(rows), 1)
        t = np.concatenate([self.distances(nodes, step[cut], rows[cut]) for cut in cuts], axis=-1)
        return self.lines.evaluate(t, self.index[rows])

    @abstractmethod
    def series_of(self, n: int) -> tuple[str, int]:
        """Return the kind of series that holds the n-th coefficient, and its place in it."""

    @abstractmethod
    def terms(self, values: FloatArray, rows: IntArray) -> Terms:
        """Return the sizes of the Taylor terms from values at the trial nodes."""

    @abstractmethod
    def series(
        self, values: FloatArray, nodes: FloatArray, step: FloatArray, rows: IntArray, odd: bool
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
        self.signs = np.repeat([[1.0], [-1.0]], len(index), axis=1)

    @property
    def room(self) -> FloatArray:
        """Largest |t| that the bounds allow, shape (p,)."""
        return np.minimum(-self.lines.lower, self.lines.upper)[self.index]

    def series_of(self, n: int) -> tuple[str, int]:
        """Return the kind of series that holds the n-th coefficient, and its place in it."""
        return ("odd" if n % 2 else "even"), (n - 1) // 2

    def terms(self, values: FloatArray, rows: IntArray) -> Terms:
        """Return the sizes of the Taylor terms from values at the trial nodes."""
        f0 = self.origin[rows]
        odd = (values[:, 0] - values[:, 1]) / 2
        even = (values[:, 0] + values[:, 1]) / 2 - f0
        # Two terms of each part from its values at h and 2h: c₁h + c₃h³ and 2c₁h + 8c₃h³ of the odd part,
        # c₂h² + c₄h⁴ and 4c₂h² + 16c₄h⁴ of the even part.
        slope = np.abs(8 * odd[1] - odd[0]) / 6
        head = np.maximum(slope, np.abs(16 * even[1] - even[0]) / 12)
        tail = np.maximum(np.abs(odd[0] - 2 * odd[1]) / 6, np.abs(even[0] - 4 * even[1]) / 12)
        return Terms(slope, head, tail, np.maximum(np.abs(values).max(axis=(0, 1)), np.abs(f0)))

    def series(
        self, values: FloatArray, nodes: FloatArray, step: FloatArray, rows: IntArray, odd: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return, per node, the wanted part of f as a series in u², and the other part."""
        t = self.distances(nodes, step, rows) / step
        ahead, behind = t[:, 0, :, None], -t[:, 1, :, None]
        f0, width = self.origin[rows], ahead + behind
        even = ((values[:, 0] - f0) / ahead - (f0 - values[:, 1]) / behind) / width
        # Rounding of x ± t to floating-point numbers can make the two sides unequal; the even part then leaks
        # into the slope in proportion.
        slope = (values[:, 0] - values[:, 1]) / width - even * (ahead - behind)
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

    @property
    def room(self) -> FloatArray:
        """Largest |t| that the bounds allow, shape (p,)."""
        lines, index = self.lines, self.index
        return np.where(self.signs[0] > 0, lines.upper[index], -lines.lower[index])

    def series_of(self, n: int) -> tuple[str, int]:
        """Return the kind of series that holds the n-th coefficient, and its place in it."""
        return "side", n - 1

    def terms(self, values: FloatArray, rows: IntArray) -> Terms:
        """Return the sizes of the Taylor terms from values at the trial nodes."""
        f0 = self.origin[rows]
        two, one, half = (values[:, 0] - f0) / np.array(self.trial)[:, None, None]
        first, second = two - one, 2 * (one - half)
        third = (first - second) / 1.5
        square = first - 3 * third
        slope = np.abs(one - square - third)
        size = np.maximum(np.abs(values).max(axis=(0, 1)), np.abs(f0))
        return Terms(slope, np.maximum(slope, np.abs(square)), np.abs(third), size)

    def series(
        self, values: FloatArray, nodes: FloatArray, step: FloatArray, rows: IntArray, odd: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return the divided difference with f(0) per node; it is its own companion."""
        t = self.distances(nodes, step, rows) / step
        slope = (values[:, 0] - self.origin[rows]) / np.abs(t[:, 0, :, None])
        return slope, slope
