"""What the first step of the search has seen of a slope, and the tableau of longer steps has not.

A wave that all nodes meet at about one phase looks smooth to them, and a kink, a step or a peak between the
first step and the nodes looks like noise.  Right beside x it is neither, and f has the slope that is wanted.
"""

from __future__ import annotations

import numpy as np

from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import SIGNIFICANT, Rows, over_outputs, some
from calcml.schemes._adaptive_found import Found
from calcml.schemes._adaptive_search import Search

__all__ = ["STRUCTURE", "contradiction"]

# What a tableau takes for noise is structure of f if the first trial is so many times as quiet: by chance
# noise leaves so little of two terms in one of four thousand trials.  Before that is believed, f is looked at
# again at a step of a few bits that is no multiple of the first one.
STRUCTURE, AGAIN = 64.0, 11 / 8


def contradiction(search: Search, found: Found, rows: Rows) -> FloatArray:
    """Return how far the slope of f may be from that at the first step, 0 where noise explains it.

    The caller holds NumPy's warnings off.
    """
    apart = _apart(search, found, rows)
    doubted = over_outputs(np.logical_or, apart > 0) & ~search.state.checked[rows]
    if some(doubted):
        _look_again(search, np.arange(len(search.state.step))[rows][doubted])
        apart = _apart(search, found, rows)
    return apart


def _apart(search: Search, found: Found, rows: Rows) -> FloatArray:
    """Return the same as far as the search has seen it."""
    s, first = search.state, search.state.first[rows, None]
    slope, slack = (found.value, found.error) if search.n == 1 else (found.slope, found.slack)
    apart = np.abs(np.abs(slope) * first - s.near[rows])
    quiet = np.maximum(s.near_tail[rows], s.grid[rows])
    noise = SIGNIFICANT * np.where(found.sigma > STRUCTURE * quiet, quiet, np.maximum(quiet, found.sigma))
    seen = (s.near_tail[rows] > 0) & (found.step[:, None] > first) & (s.still[rows] < first)
    return np.where(seen & (apart > noise + slack * first), (apart + noise) / first, 0.0)


def _look_again(search: Search, lines: IntArray) -> None:
    """Look at f at another step close to the first one: what is not the same there is noise.

    Noise that has few values leaves nothing of itself in two terms more often than by chance.
    """
    s, fan = search.state, search.fan
    terms = fan.terms(fan.evaluate(search.nodes, AGAIN * s.first[lines], lines), lines)
    noise = np.fmax(terms.tail, np.abs(terms.slope / AGAIN - s.near[lines]))
    s.near_tail, s.checked = s.near_tail.copy(), s.checked.copy()
    s.near_tail[lines] = np.fmax(s.near_tail[lines], noise)
    s.checked[lines] = True
