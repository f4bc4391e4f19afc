"""One symmetric formula for many points, with what its own differences say about noise.

With u the node in units of the step h, and f± = f(x ± u h), the odd and the even part of f at K nodes are

    f₊ - f₋ = 2 (c₁h u + c₃h³u³ + …),    f₊ + f₋ - 2 f(x) = 2 (c₂h²u² + c₄h⁴u⁴ + …).

Sums over the nodes with fixed weights give c_n hⁿ from one of them, and from each the difference of the
highest order.  Once truncation has gone, these two differences are noise of f, in known units; the one of the
same part as c_n is also by how much the formula without its last node differs, so it bounds the truncation.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from calcml._lines import Lines
from calcml._typing import FloatArray
from calcml.schemes.stencils import cached_stencil

__all__ = ["BLOCK", "GRAIN", "MOST", "NOISE_MARGIN", "Differences", "Formula", "formula_of", "measure"]

# Nodes near 1, 2, 3, … are best.  On the integers themselves a function whose period is the step looks
# constant; a sixteenth aside, it needs a period of a sixteenth of the step.  Their sums with x stay exact.
GRAIN = Fraction(1, 16)
_NODES = tuple(Fraction(node, 16) for node in (16, 31, 48, 65, 80, 97, 112, 127))
# Five nodes for the first derivative, one more for each second order; orders up to six.
FIRST, MOST = 5, 6
# As for a tableau, three standard deviations of the noise are counted.
NOISE_MARGIN = 3.0
# Lines per block of the arithmetic: the values at all nodes stay in the second-level cache.
BLOCK = 8192


@dataclass(frozen=True, eq=False)
class Formula:
    """Weights on the odd or the even part of f, in units of the step.

    Attributes
    ----------
    n : int
        Which coefficient of the Taylor series the formula gives.
    nodes : ndarray, shape (K,)
        The nodes, rising.
    value, odd, even : tuple of float
        Weights for c_n hⁿ on its own part; and for the highest differences of the odd and of the even part,
        scaled so that values of f with independent noise 1 give them noise 1.
    change : float
        By how much c_n hⁿ changes without the last node, per unit of the highest difference of its part.
    worst, rms : float
        Noise of c_n hⁿ for values of f with noise 1: at most, and as standard deviation.
    """

    n: int
    nodes: FloatArray
    value: tuple[float, ...]
    odd: tuple[float, ...]
    even: tuple[float, ...]
    change: float
    worst: float
    rms: float


@lru_cache(maxsize=MOST)
def formula_of(n: int) -> Formula:
    """Return the formula of order n, from 1 to 6; a pure function of its argument."""
    nodes = _NODES[: FIRST + n // 2]
    value = _weights(nodes, n)
    odd, even = _weights(nodes, 2 * len(nodes) - 1), _weights(nodes, 2 * len(nodes))
    odd, even = odd / _norm(odd, 1), even / _norm(even, 0)
    own = odd if n % 2 else even
    # The value at x itself has minus twice the weight of all others in the even part, none in the odd one.
    worst = 2 * np.abs(value).sum() + (0 if n % 2 else 2 * abs(value.sum()))
    return Formula(
        n,
        np.array([float(node) for node in nodes]),
        tuple(value.tolist()),
        tuple(odd.tolist()),
        tuple(even.tolist()),
        float(abs(value[-1] / own[-1])),
        float(worst),
        _norm(value, n),
    )


def _weights(nodes: tuple[Fraction, ...], n: int) -> FloatArray:
    """Return the weights of c_n on the part of f to which it belongs."""
    grid = (*(-node for node in nodes[::-1]), Fraction(0), *nodes)
    weights = cached_stencil(grid, n).weights[-len(nodes) :]
    scale = Fraction(1)
    for k in range(2, n + 1):
        scale /= k
    return np.array([float(w * scale) for w in weights])


def _norm(weights: FloatArray, n: int) -> float:
    middle = 0.0 if n % 2 else 2 * weights.sum()
    return float(np.sqrt(2 * (weights**2).sum() + middle**2))


@dataclass(frozen=True, eq=False)
class Differences:
    """What a formula says on each line, each of shape (p,).

    Attributes
    ----------
    step : ndarray
        The step h.
    value : ndarray
        c_n hⁿ.
    spread : ndarray
        Noise of f that explains the highest differences.
    size, change : ndarray
        The largest |f| at the outermost nodes, and by how much f changes up to one of them.
    slip : ndarray
        Noise of f that comes from points which are not floating-point numbers, and are rounded to one.
    """

    step: FloatArray
    value: FloatArray
    spread: FloatArray
    size: FloatArray
    change: FloatArray
    slip: FloatArray


@np.errstate(all="ignore")
def measure(formula: Formula, lines: Lines, step: FloatArray) -> Differences:
    """Evaluate f at the nodes on every line, of one real output, and apply the formula."""
    origin, p = lines.origin()[:, 0], lines.count
    value, odd, even = np.zeros((3, p))
    # Of many lines only one pair of nodes is in memory at a time.
    together = len(formula.nodes) if p <= BLOCK else 1
    for first in range(0, len(formula.nodes), together):
        nodes = formula.nodes[first : first + together]
        values = lines.evaluate(np.concatenate([nodes, -nodes])[:, None] * step)[..., 0]
        ahead, behind = values[: len(nodes)], values[len(nodes) :]
        for start in range(0, p, BLOCK):
            cut = slice(start, start + BLOCK)
            sums = value[cut], odd[cut], even[cut]
            _add(formula, first, ahead[:, cut], behind[:, cut], origin[cut], *sums)
    ends = ahead[-1], behind[-1]
    size, change = _larger(*ends), _larger(*(end - origin for end in ends))
    slip = _slip(lines, formula.nodes[-1] * step, ahead[-1] - behind[-1])
    return Differences(step, value, (np.abs(odd) + np.abs(even)) / 2, size, change, slip)


def _larger(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.maximum(np.abs(a), np.abs(b))


def _add(
    formula: Formula,
    first: int,
    ahead: FloatArray,
    behind: FloatArray,
    origin: FloatArray,
    value: FloatArray,
    odd: FloatArray,
    even: FloatArray,
) -> None:
    """Add what the values at some nodes contribute to the sums, in place."""
    for k, (plus, minus) in enumerate(zip(ahead, behind, strict=True), start=first):
        difference = plus - minus
        mean = (plus - origin) + (minus - origin)
        odd += formula.odd[k] * difference
        even += formula.even[k] * mean
        value += formula.value[k] * (difference if formula.n % 2 else mean)


def _slip(lines: Lines, t: FloatArray, rise: FloatArray) -> FloatArray:
    """Return by how much rounding of the points moves f.

    A node is a multiple of the spacing of numbers near x, so x + t is exact unless it crosses into the next
    binade; then all sums over the border are rounded, or none is.
    """
    off = np.maximum(np.abs(lines.representable(t) - t), np.abs(lines.representable(-t) + t))
    return off * np.abs(rise) / (2 * t)
