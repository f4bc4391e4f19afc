"""Values of f on a circle around t = 0 in the complex plane, and what their Fourier coefficients say.

With t_j = r exp(i θ_j), θ_j = π (2j + 1) / N, the trapezoidal rule for Cauchy's integral is a Fourier sum,

    a_k = (1/N) Σ_j f(x + t_j v) exp(-i k θ_j) = c_k rᵏ - c_(k+N) r^(k+N) + … - c_(k-N) r^(k-N) + …,

k = 0 … N - 1.  Where f is analytic in the disk there are no coefficients of negative index, and a_k is c_k rᵏ
up to the terms beyond N.  A singularity in the disk, or an f that is not analytic, fills the last a_k, which
are those of index -1, -2, …; rounding and noise of f fill all of them alike.

For f real on the real axis the values at conjugate points are conjugate (Schwarz): the upper half of the
circle is enough.  An f that is analytic above the axis, and whose mirror image continues it, is analytic; so
there is nothing to verify in the lower half.  No point lies on the axis itself, where branch cuts do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._complex_values import complex_values

__all__ = ["END", "SEEN", "Circle", "sample"]

# Rounding of f, in units of eps times its largest value on the circle; a term counts when it is SEEN times
# this.
ROUNDING, SEEN = 1.0, 8.0
# Terms beyond this share of the circle are its end, by which they should have sunk into the noise.
END = 7 / 8
# Noise in units of the largest of the terms that show it: the last quarter, or, where terms still fall there,
# those of the end, which can be few.
MARGIN, MARGIN_FALLING = 3.0, 4.0
# The terms of the end must be below this share of those that move, and not rise above the middle by that.
SMALL, RISE = 1e-2, 20.0
# Where the logarithm of the last half would change by less than this over the whole circle, it is noise.
LEVEL = 6.0
# The mean of f over the circle is f(x): a difference of more than this many times the noise is a singularity.
MEAN = 1e3


@dataclass(frozen=True, eq=False)
class Circle:
    """Fourier coefficients on one circle per line, p lines with M real outputs each.

    Attributes
    ----------
    index : ndarray of int, shape (p,)
        The lines.
    radius : ndarray, shape (p,)
        The radii.
    terms : ndarray, shape (N, p, M)
        a_k; pairs of outputs where f is complex on the real axis.
    size : ndarray, shape (N, p, M)
        Their magnitudes, alike for the outputs of a pair.
    rounding, noise : ndarray, shape (p, M)
        Bound on the noise of every term: that of rounding alone, and in all.
    floor : ndarray, shape (p, M)
        The noise to be expected of other circles: that of rounding where the terms still fall at the end.
    tail : ndarray, shape (p, M)
        The largest term of the end.
    decay : ndarray, shape (p, M)
        Decay of ln |a_k| per index.
    clean, level : ndarray of bool, shape (p, M)
        Whether the last terms are rounding; whether they look like noise of f that is more than that.
    good : ndarray of bool, shape (p, M)
        Whether f is analytic in the disk, as far as the points can tell.
    """

    index: IntArray
    radius: FloatArray
    terms: FloatArray
    size: FloatArray
    rounding: FloatArray
    noise: FloatArray
    floor: FloatArray
    tail: FloatArray
    decay: FloatArray
    clean: NDArray[np.bool_]
    level: NDArray[np.bool_]
    good: NDArray[np.bool_]

    @property
    def points(self) -> int:
        """Number of points on the whole circle, N."""
        return len(self.terms)

    def truncation(self, k: int) -> FloatArray:
        """Return what the first term beyond N adds to a_k, if the terms fall on as they did."""
        n = self.points
        largest = np.max(self.size, axis=0)
        with np.errstate(all="ignore"):
            share = np.where(largest > 0, self.tail / largest, 0.0)
            # From the middle of the end to index N + k, as from index 0 to there.
            middle = (1 + END) / 2
            return self.tail * share ** ((k / n + 1 - middle) / middle)


def sample(
    lines: Lines,
    index: IntArray,
    radius: FloatArray,
    points: int,
    known: FloatArray,
    *,
    first: bool = True,
) -> Circle:
    """Evaluate f on circles of some lines, and judge the terms.

    Last terms below `known`, shape (p, M), are taken for noise, whatever they look like.  These circles may
    be the `first` ones, on which f shows whether it takes complex numbers at all.
    """
    origin = lines.origin()[index]
    kind = lines.function.dtype
    paired = kind is not None and kind.kind == "c"
    nodes = _nodes(points, paired, lines.dtype)
    t = radius * nodes[:, None]
    values = complex_values(lines, t, index, first=first)
    with np.errstate(all="ignore"):
        # Complex numbers are in double precision, or better, whatever x is.
        wide = lines.point_dtype.itemsize >= np.dtype(float).itemsize
        off = lines.representable(t.real, index) - t.real if wide else np.zeros(t.shape)
        largest = np.max(np.abs(values), axis=0)
        a = _fourier(values, paired)
        if off.any():
            shift = (off / (radius * nodes[:, None]))[..., None]
            a = _fourier(values - shift * _slopes(a)[: len(nodes)], paired)
        terms, size = a.real, np.abs(a.real)
        if paired:
            terms = np.ascontiguousarray(a).view(a.real.dtype)
            size, largest = np.repeat(np.abs(a), 2, axis=-1), np.repeat(largest, 2, axis=-1)
        largest = np.maximum(largest, np.abs(origin))
        return _judged(lines, index, radius, terms, size, largest, origin, known)


@lru_cache(maxsize=64)
def _nodes(points: int, whole: bool, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return exp(i θ_j) on the whole circle or its upper half."""
    angle = (2 * np.arange(points if whole else points // 2) + 1).astype(dtype) / points * _pi(dtype)
    nodes = np.cos(angle) + 1j * np.sin(angle)
    nodes.flags.writeable = False
    return nodes


def _pi(dtype: np.dtype[Any]) -> Any:
    return 4 * np.arctan(np.ones((), dtype))


def _fourier(values: NDArray[Any], whole: bool) -> NDArray[Any]:
    """Return the terms a_k from values on the whole circle or its upper half."""
    if not whole:
        values = np.concatenate([values, values[::-1].conj()])
    points = len(values)
    turn = np.exp(-1j * _pi(values.real.dtype) * np.arange(points) / points)
    return np.fft.fft(values / points, axis=0) * turn[:, None, None]


def _slopes(a: NDArray[Any]) -> NDArray[Any]:
    """Return t f'(x + t v) at the points, from the terms of the first half.

    Rounding of x + t to floating-point numbers moves the points off the circle, along the real axis; the
    first term of Taylor's formula puts the values back.
    """
    points = len(a)
    k = np.arange(points)
    turned = np.where(k < points // 2, k * np.exp(1j * _pi(a.real.dtype) * k / points), 0)
    return np.fft.ifft(a * turned[:, None, None], axis=0) * points


def _judged(
    lines: Lines,
    index: IntArray,
    radius: FloatArray,
    terms: FloatArray,
    size: FloatArray,
    largest: FloatArray,
    origin: FloatArray,
    known: FloatArray,
) -> Circle:
    n = len(terms)
    rounding = ROUNDING * np.finfo(terms.dtype).eps * largest + 4 * np.finfo(float).smallest_subnormal
    middle, quarter, tail = (size[n * a // 8 : n * b // 8].max(axis=0) for a, b in ((4, 5), (6, 8), (7, 8)))
    clean = quarter <= SEEN * rounding
    # Terms that happen to be small say little, and their logarithms would say much.
    half = np.log(np.maximum(size[n // 2 :], np.maximum(tail / 100, rounding)))
    level = ~clean & ((np.abs(_slope(half)) * n <= LEVEL) | (quarter <= known))
    rising = ~clean & ~level & (tail > RISE * middle)
    # Terms that still fall at the end say no more of the noise than that it is below them.
    noise = np.maximum(np.where(clean | level, MARGIN * quarter, MARGIN_FALLING * tail), rounding)
    floor = np.where(clean | level, noise, rounding)
    # f(x) is one value, a_0 the mean of many: its noise is larger by the root of their number.
    allowed = MEAN * noise * n**0.5 + 4 * lines.eps * np.abs(origin)
    mean = np.abs(terms[0] - origin) <= allowed
    moving = size[1 : n // 2].max(axis=0)
    good = (clean | (tail <= SMALL * moving)) & ~rising & np.isfinite(largest) & mean
    decay = _decay(size, np.where(clean | level, SEEN * floor, tail))
    return Circle(index, radius, terms, size, rounding, noise, floor, tail, decay, clean, level, good)


def _slope(y: FloatArray) -> FloatArray:
    """Return the slope of the least-squares line per place."""
    k = np.arange(len(y)) - (len(y) - 1) / 2
    return np.tensordot(k / (k @ k), y, axes=1)


def _decay(size: FloatArray, bottom: FloatArray) -> FloatArray:
    """Return the decay of ln |a_k| per index.

    Measured from the largest term of the later half of those above the bottom, past the bend of a polynomial
    or an entire function, to the bottom, under which the terms sink at the next place.
    """
    places = np.arange(len(size))[:, None, None]
    last = np.max(np.where(size >= bottom, places, 0), axis=0)
    later = np.where(places >= last / 2, size, 0.0)
    slope = np.log(np.max(later, axis=0) / bottom) / (last + 1 - np.argmax(later, axis=0))
    return np.maximum(np.where(np.isfinite(slope), slope, 0.0), 0.0)
