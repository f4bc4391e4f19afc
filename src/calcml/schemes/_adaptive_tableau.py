"""Extrapolation of a power series from its values at many nodes, with the noise of every entry.

Values y(s_i) of a series y = Σ_j a_j sʲ at nodes s_0 > s_1 > … are given, and a_m is wanted.  A window of
q neighboring nodes i … j = i + q - 1 gives an estimate C[i, q], the coefficient of sᵐ of the polynomial
through its values.  With D[i, q], the divided difference over the window, Newton's form of it gives

    C[i, q] = C[i+1, q-1] + D[i, q] · [sᵐ] Π_{k=i+1..j} (s - s_k),

which for m = 0 is the Neville-Richardson tableau.  Leaving out the smallest step instead of the largest one
changes the estimate by D[i, q] · [sᵐ] Π_{k=i..j-1} (s - s_k).  The larger of the two changes bounds the
truncation error once the series converges.  D also measures the noise: when its truncation has gone it is a
weighted sum of rounding errors, and dividing by the norm of the weights gives their standard deviation.

All windows stand in one list, ordered by q and then by i, so that one operation serves them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_nodes import nodes

__all__ = ["EXCESS", "FLAT", "POOL", "Best", "Grid", "extrapolate", "grid", "grid_of"]

# Few samples can look quiet by chance: four standard deviations are counted, and where noise is all there
# is, no less than the mean of the differences of the four highest orders over the last nodes.  These depend
# on the last node most, so those over all nodes but that one are asked, too.
NOISE_MARGIN, POOL = 4.0, 4
# An entry takes two nodes more than a_m needs: the difference that judges it is not the one that makes it.
SPARE = 2
# Measured noise within this factor of rounding is chance.
EXCESS = 8.0
# Noise makes the differences over the last nodes alike, in units of the noise they would need, whatever their
# order; truncation makes them fall, and a kink at the larger nodes makes them rise.  They differ by less than
# these factors; without the last node truncation still falls slowly, and may look like noise.
FLAT = (6.0, 2.0)
# Noise of one value of the series for values of f with noise 1, times gᵖ: at most, as standard deviation; p.
# (f₊ - f₋) / 2g;  (f₊ + f₋ - 2 f₀) / 2g²;  (f₊ - f₀) / g.
_NOISE = {"odd": (1.0, 0.5**0.5, 1), "even": (2.0, 1.5**0.5, 2), "side": (2.0, 2.0**0.5, 1)}
_COMPANION = {"odd": "even", "even": "odd", "side": "side"}


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes, and the constants of the windows.

    Attributes
    ----------
    nodes : ndarray, shape (K,)
        Steps in units of h, falling.
    m : int
        Which coefficient is wanted.
    windows : list of slice
        Where the windows of q = 1, 2, …, K nodes stand in the list of all.
    gap : list of ndarray, for q = 2, 3, …
        s_i - s_j.
    below : ndarray, shape (W, 1, 1)
        [sᵐ] Π (s - s_k) without the first node.
    scatter : ndarray, shape (W, 2)
        Standard deviation of D for values of f with noise 1, of the wanted series and of the companion.
    entries : slice
        The windows that may be the answer.
    first, inner : ndarray of int
        The first node of each entry; and its window without that node.
    tails : list of ndarray of int
        The windows of most nodes among all that end at the last node, and of six or more at the one before.
    change, worst, noise : ndarray
        Of each entry: the larger change of C by leaving out a node, per D; the noise of C for values of f
        with noise 1, at most, and as four standard deviations.
    """

    nodes: FloatArray
    m: int
    windows: list[slice]
    gap: list[FloatArray]
    below: FloatArray
    scatter: FloatArray
    entries: slice
    first: IntArray
    inner: IntArray
    tails: list[IntArray]
    change: FloatArray
    worst: FloatArray
    noise: FloatArray


def grid(count: int, kind: str, m: int, octave: int = 2, *, even: bool = False) -> Grid:
    """Return the constants for as many of the nodes that `nodes` gives."""
    return grid_of(nodes(count, octave, even=even), kind, m)


@lru_cache(maxsize=256)
@np.errstate(all="ignore")
def grid_of(steps: tuple[float, ...], kind: str, m: int) -> Grid:
    """Return the constants for falling nodes; a pure function of its arguments.

    Constants of high orders may be out of range; windows with them are never the best.
    """
    g, count = np.array(steps), len(steps)
    s = g if kind == "side" else g**2
    spans = [(i, q) for q in range(1, count + 1) for i in range(count - q + 1)]
    parts = np.array([_window(g[i : i + q], s[i : i + q], kind, m) for i, q in spans])
    gap, below, change, worst, rms, scatter, companion = parts.T[:, :, None, None]
    place = {span: k for k, span in enumerate(spans)}
    windows = [slice(place[0, q], place[0, q] + count - q + 1) for q in range(1, count + 1)]
    entries = slice(windows[min(m + SPARE, count - 1)].start, None)
    return Grid(
        g,
        m,
        windows,
        [gap[cut, None] for cut in windows[1:]],
        below,
        np.stack([scatter, companion], axis=1),
        entries,
        np.array([i for i, _ in spans[entries]]),
        np.array([place[i + 1, q - 1] for i, q in spans[entries]]),
        [
            np.array([place[end - q, q] for q in range(max(2, end - POOL + 1), end + 1)])
            for end in range(count, count - len(FLAT), -1)
            if end > POOL or end == count
        ],
        change[entries],
        worst[entries],
        NOISE_MARGIN * rms[entries],
    )


def _window(g: FloatArray, s: FloatArray, kind: str, m: int) -> tuple[float, ...]:
    """Return s_i - s_j, [sᵐ] without the first node, the larger of that and without the last; the noise."""
    gaps = s[:, None] - s
    np.fill_diagonal(gaps, 1.0)
    divided, others = 1 / gaps.prod(axis=1), _coefficients(s, m)
    weights = divided * others
    worst, rms, power = _NOISE[kind]
    _, companion, companion_power = _NOISE[_COMPANION[kind]]
    return (
        float(s[0] - s[-1]),
        float(others[0]),
        float(np.abs(others[[0, -1]]).max()),
        worst * float(np.abs(weights / g**power).sum()),
        rms * float(np.linalg.norm(weights / g**power)),
        rms * float(np.linalg.norm(divided / g**power)),
        companion * float(np.linalg.norm(divided / g**companion_power)),
    )


def _coefficients(s: FloatArray, m: int) -> FloatArray:
    """Return, for every k, the coefficient of sᵐ in the product of (s - s_j) over all j but k.

    Up to sign these are the elementary symmetric polynomials, built up root by root without cancellation.
    """
    degree = len(s) - 1 - m
    if degree < 0:
        return np.zeros(len(s))
    roots = np.tile(s, (len(s), 1))
    np.fill_diagonal(roots, 0.0)
    sums = np.zeros((len(s), degree + 1))
    sums[:, 0] = 1.0
    for root in roots.T:
        sums[:, 1:] += root[:, None] * sums[:, :-1]
    return np.asarray((-1.0) ** degree * sums[:, -1])


@dataclass(frozen=True, eq=False)
class Best:
    """The entry of the tableau with the least error, per line and output, each of shape (p, M).

    Attributes
    ----------
    value, truncation, noise : ndarray
        a_m and the two parts of its error.
    rounding, sigma : ndarray
        Noise of f in the entry's window: by rounding, and as measured.
    first : ndarray of int
        The largest node of the window.
    settled : ndarray of bool
        The differences hold nothing but noise: more nodes will not help.
    """

    value: FloatArray
    truncation: FloatArray
    noise: FloatArray
    rounding: FloatArray
    sigma: FloatArray
    first: IntArray
    settled: NDArray[np.bool_]


@np.errstate(all="ignore")
def extrapolate(
    table: Grid,
    wanted: FloatArray,
    companion: FloatArray,
    rounding: FloatArray,
    grain: FloatArray | float = 0.0,
) -> Best:
    """Choose for every line and output the window with the least error.

    Parameters
    ----------
    table : Grid
        The constants.
    wanted, companion : ndarray, shape (K, p, M)
        The series of which a_m is wanted, and another one with noise from the same values.
    rounding : ndarray, shape (K, p, M)
        The least noise of f at each node.
    grain : ndarray, shape (p, M)
        The least noise of f at all nodes, where it is known to be more than rounding.

    Returns
    -------
    Best
    """
    # In place where that can be: the tables of all windows are what takes time, and leave the cache.
    rounding = _rounding(rounding)
    difference, value = _differences(table, wanted, companion)
    size = np.abs(difference, out=difference)
    truncation = size[table.entries, 0] * table.change
    # The noise of f that explains the differences, from both series.
    size /= table.scatter
    spread = np.add(size[:, 0], size[:, 1], out=size[:, 0])
    spread /= 2
    sigma, flat = _noise(table, spread)
    least = rounding if isinstance(grain, float) else np.maximum(rounding, grain)
    noise = table.noise * sigma
    noise += table.worst * least[table.first]
    total = truncation + noise
    place = np.fmin(total, np.inf, out=total).argmin(axis=0)
    at, first = _flat(place), table.first[place]
    sigma, rounding = sigma.take(at), rounding.take(_flat(first))
    settled = flat | (sigma <= EXCESS * np.maximum(rounding, grain))
    return Best(value.take(at), truncation.take(at), noise.take(at), rounding, sigma, first, settled)


def _rounding(values: FloatArray) -> FloatArray:
    """Return the rounding of all windows that begin at each node: that of the largest value from there on."""
    finite = np.isfinite(values)
    # Infinite values spoil their own windows only.
    values = values.copy() if finite.all() else np.where(finite, values, 0.0)
    for k in range(len(values) - 2, -1, -1):
        np.maximum(values[k], values[k + 1], out=values[k])
    return values


def _flat(row: IntArray) -> IntArray:
    """Return where in a table of rows of shape (p, M) one entry for each line and output stands."""
    at = row * row.size
    at += _corner(*row.shape)
    return at


@lru_cache(maxsize=16)
def _corner(p: int, outputs: int) -> IntArray:
    """Return the places of all lines and outputs in a row; shared, and not to be changed."""
    return np.arange(p * outputs).reshape(p, outputs)


def _differences(table: Grid, wanted: FloatArray, companion: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return D of both series, shape (W, 2, p, M), and C of the wanted one, shape (entries, p, M)."""
    windows = table.windows
    d = np.empty((windows[-1].stop, 2, *wanted.shape[1:]), dtype=wanted.dtype)
    d[windows[0], 0], d[windows[0], 1] = wanted, companion
    this = d[windows[0]]
    for cut, gap in zip(windows[1:], table.gap, strict=True):
        before, this = this, d[cut]
        np.subtract(before[:-1], before[1:], out=this)
        this /= gap
    c, shorter = d[:, 0] * table.below, windows[0]
    for cut in windows[1:]:
        # A window without its first node is the next one of those with a node less.
        c[cut] += c[shorter.start + 1 : shorter.stop]
        shorter = cut
    return d, c[table.entries]


def _noise(table: Grid, spread: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the noise of f measured in each entry, and where noise is all that is left at the last nodes."""
    sigma = spread[table.inner]
    sigma += spread[table.entries]
    sigma /= 2
    all_flat = np.zeros(spread.shape[1:], dtype=bool)
    for windows, most in zip(table.tails, FLAT, strict=False):
        tail = spread[windows]
        flat = np.maximum.reduce(tail) < most * np.minimum.reduce(tail)
        if flat.any():
            # One window can look quiet by chance, and the quietest would win: all share the mean noise.
            np.maximum(sigma, np.where(flat, sum(tail) / len(tail), 0.0), out=sigma)
            all_flat |= flat
    return sigma, all_flat
