"""Extrapolation of a power series from its values at many nodes, with the noise of every entry.

Values y(s_i) of a series y = Σ_j a_j sʲ at nodes s_0 > s_1 > … are given, and a_m is wanted.  A window of
q neighboring nodes i … j = i + q - 1 gives an estimate C[i, q], the coefficient of sᵐ of the polynomial
through its values.  With D[i, q], the divided difference over the window, Newton's form of it gives

    C[i, q] = C[i+1, q-1] + D[i, q] · [sᵐ] Π_{k=i+1..j} (s - s_k),

which for m = 0 is the Neville-Richardson tableau.  Leaving out the smallest step instead of the largest one
changes the estimate by D[i, q] · [sᵐ] Π_{k=i..j-1} (s - s_k).  The larger of the two changes bounds the
truncation error once the series converges.  D also measures the noise: when its truncation has gone it is a
weighted sum of rounding errors, and dividing by the norm of the weights gives their standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray, IntArray

__all__ = ["Best", "Grid", "extrapolate", "grid", "grid_of"]

# Few samples can look quiet by chance: three standard deviations are counted, and where noise is all there
# is, no less than the mean of the differences of the four highest orders over the last nodes.
NOISE_MARGIN, POOL = 3.0, 4
# An entry takes two nodes more than a_m needs: the difference that judges it is not the one that makes it.
SPARE = 2
# Measured noise within this factor of rounding is chance.
EXCESS = 8.0
# Noise makes the differences over the last nodes alike, in units of the noise they would need, whatever their
# order; truncation makes them fall, and a kink at the larger nodes makes them rise.  Two orders are compared.
FLAT = (1 / 6, 6.0)
# Noise of one value of the series for values of f with noise 1, times gᵖ: at most, as standard deviation; p.
# (f₊ - f₋) / 2g;  (f₊ + f₋ - 2 f₀) / 2g²;  (f₊ - f₀) / g.
_NOISE = {"odd": (1.0, 0.5**0.5, 1), "even": (2.0, 1.5**0.5, 2), "side": (2.0, 2.0**0.5, 1)}
_COMPANION = {"odd": "even", "even": "odd", "side": "side"}


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes, and the constants of every window: lists over q = 1, 2, …, columns over i.

    Attributes
    ----------
    nodes : ndarray, shape (K,)
        Steps in units of h, falling.
    m : int
        Which coefficient is wanted.
    gap : list of ndarray
        s_i - s_j.
    below, change : list of ndarray
        [sᵐ] Π (s - s_k) without the first node; the larger size of that and the one without the last node.
    worst, rms : list of ndarray
        Noise of C[i, q] for values of f with noise 1: at most, and as standard deviation.
    scatter, companion_scatter : list of ndarray
        Standard deviation of D[i, q] for values of f with noise 1, of the wanted series and of the companion.
    """

    nodes: FloatArray
    m: int
    gap: list[FloatArray]
    below: list[FloatArray]
    change: list[FloatArray]
    worst: list[FloatArray]
    rms: list[FloatArray]
    scatter: list[FloatArray]
    companion_scatter: list[FloatArray]


def grid(count: int, kind: str, m: int) -> Grid:
    """Return the constants for the nodes 2, 3/2, 1, 3/4, …, `count` of them."""
    return grid_of(tuple(2.0 ** (1 - k // 2) * (0.75 if k % 2 else 1.0) for k in range(count)), kind, m)


@lru_cache(maxsize=256)
@np.errstate(
    all="ignore"
)  # constants of high orders may be out of range; windows with them are never the best
def grid_of(steps: tuple[float, ...], kind: str, m: int) -> Grid:
    """Return the constants for falling nodes; a pure function of its arguments."""
    nodes, count = np.array(steps), len(steps)
    s = nodes if kind == "side" else nodes**2
    columns = [
        [_window(nodes[i : i + q], s[i : i + q], kind, m) for i in range(count - q + 1)]
        for q in range(1, count + 1)
    ]
    parts = [[np.array(part)[:, None, None] for part in zip(*column, strict=True)] for column in columns]
    return Grid(nodes, m, *(list(lists) for lists in zip(*parts, strict=True)))


def _window(g: FloatArray, s: FloatArray, kind: str, m: int) -> tuple[float, ...]:
    """Return the constants of one window, in the order of the fields of `Grid`."""
    others = [np.delete(s, k) for k in range(len(s))]
    divided = np.array([1 / np.prod(s_k - rest) for s_k, rest in zip(s, others, strict=True)])
    weights = divided * np.array([_coefficient(roots, m) for roots in others])
    below, above = _coefficient(s[1:], m), _coefficient(s[:-1], m)
    worst, rms, power = _NOISE[kind]
    _, companion, companion_power = _NOISE[_COMPANION[kind]]
    return (
        float(s[0] - s[-1]),
        below,
        max(abs(below), abs(above)),
        worst * float(np.abs(weights / g**power).sum()),
        rms * float(np.linalg.norm(weights / g**power)),
        rms * float(np.linalg.norm(divided / g**power)),
        companion * float(np.linalg.norm(divided / g**companion_power)),
    )


def _coefficient(roots: FloatArray, m: int) -> float:
    """Return the coefficient of sᵐ in the product of (s - root)."""
    ascending = np.atleast_1d(np.poly(roots))[::-1]
    return float(ascending[m]) if m < len(ascending) else 0.0


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
    count, m = len(table.nodes), table.m
    # A window's rounding is that of its largest value; infinite values spoil their own windows only.
    rounding = np.maximum.accumulate(np.where(np.isfinite(rounding), rounding, 0.0)[::-1])[::-1]
    c, d, e = wanted, wanted, companion
    spread = _spread(table, 1, d, e)
    entries: list[tuple[FloatArray, ...]] = []
    tails: list[FloatArray] = []
    for q in range(2, count + 1):
        d = (d[:-1] - d[1:]) / table.gap[q - 1]
        e = (e[:-1] - e[1:]) / table.gap[q - 1]
        c = d if q <= m + 1 else c[1:] + d * table.below[q - 1]
        before, spread = spread, _spread(table, q, d, e)
        tails.append(spread[-1])
        if q > min(m + SPARE, count - 1):
            entries.append(
                (c, np.abs(d) * table.change[q - 1], rounding[: len(d)], (spread + before[1:]) / 2)
            )
    return _choose(table, entries, tails, grain)


def _spread(table: Grid, q: int, d: FloatArray, e: FloatArray) -> FloatArray:
    """Return the noise of f that explains the differences of order q, from both series."""
    return (np.abs(d) / table.scatter[q - 1] + np.abs(e) / table.companion_scatter[q - 1]) / 2


def _choose(
    table: Grid, entries: list[tuple[FloatArray, ...]], tails: list[FloatArray], grain: FloatArray | float
) -> Best:
    """Return the entry with the least error, and whether noise is all that is left."""
    value, truncation, rounding, sigma = (np.concatenate(part) for part in zip(*entries, strict=True))
    # The very last difference spans all nodes; the one before leaves out the largest.
    ratio = tails[-2] / tails[max(len(tails) - 4, 0)]
    flat = (ratio > FLAT[0]) & (ratio < FLAT[1])
    # One window can look quiet by chance, and the quietest would win: all share the mean noise.
    sigma = np.where(flat, np.maximum(sigma, np.mean(tails[-POOL:], axis=0)), sigma)
    columns = range(len(table.nodes) - len(entries), len(table.nodes))
    worst, rms = (np.concatenate([part[q] for q in columns]) for part in (table.worst, table.rms))
    noise = worst * np.maximum(rounding, grain) + NOISE_MARGIN * rms * sigma
    error = truncation + noise
    place = np.where(np.isnan(error), np.inf, error).argmin(axis=0)[None]
    best = [np.take_along_axis(a, place, axis=0)[0] for a in (value, truncation, noise, rounding, sigma)]
    first = np.concatenate([np.arange(len(entry[0])) for entry in entries])[place[0]]
    settled = flat | (best[4] <= EXCESS * best[3])
    return Best(best[0], best[1], best[2], best[3], best[4], first, settled)
