"""The default scheme: measure the length scale of f, then extrapolate, weighing the noise."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_fan import Fan, Side, Symmetric, blocks, over_outputs, scale_of
from calcml.schemes._adaptive_found import LENGTH, Found
from calcml.schemes._adaptive_search import Search
from calcml.schemes._adaptive_tableau import Best, Grid, extrapolate, grid
from calcml.schemes.base import Coefficient, Scheme

__all__ = ["Adaptive"]

# A bound nearer than this share of the scale of x leaves too little room: the other side alone does better.
SIDE_ROOM = 1e-3
# On one side every power of t is in the series, not every second one: more nodes reach the same order.
SIDE_LEVELS = 4
# Nodes are added by twos.  Smaller ones while the error exceeds 450 units of rounding and still falls; larger
# ones while amplified noise leaves fewer than ten digits, as it does for high derivatives.
EXTENSIONS, DEEPER, WIDER = 4, 450.0, 1e-10
# A tableau that finds more noise than the search leaves possible, and less than six digits, stands on
# something that is not noise, a kink or a jump: the search goes on below.
DOUBTFUL, RETRIES = 1e-6, 3


@dataclass(frozen=True)
class Adaptive(Scheme):
    """Differentiate by extrapolation from steps that are found by measuring f.

    The length L on which f bends along a line is measured from its first Taylor terms at a few trial steps.
    Then the central differences at steps 2h, 3h/2, h, 3h/4, … with h about L/8 are extrapolated to step zero,

    T[i, q] = T[i+1, q-1] + (T[i+1, q-1] - T[i, q-1]) / (s_i / s_j - 1),  s = step²,  j = i + q - 1,

    and of all entries the one with the least sum of extrapolation change and amplified noise is taken; that
    sum is the error estimate.  With q steps the truncation error is O(h^(2q)).  Nodes are added as long as
    this lowers the error.  Higher derivatives come from the higher coefficients of the same polynomials.

    Parameters
    ----------
    levels : int, optional
        Number of steps in the first table, from 4 to 12.

    Raises
    ------
    TypeError
        If levels is not an integer.
    ValueError
        If levels is out of range.

    Notes
    -----
    A smooth function costs 19 to 27 evaluations per line, f(x) included.  Nothing depends on the units of x
    and f or on the origin, as far as floating-point numbers allow.  Where bounds or the domain of f leave
    only one side of x, one-sided differences are extrapolated in all powers of the step.

    Noise counts at least as rounding of the values of f, and as what the highest differences show if that is
    more [1]_.  A step that does not suit shows too: noise does not grow with the step, and beyond L the
    Taylor terms no longer fall.  Where that is not clear, as it is not for values rounded to few digits or
    added to a large constant, f is looked at in every octave of steps, for 40 to 100 evaluations more.
    Jumps of less than a hundredth of f, less than a thousandth of x apart, are taken as noise if f is smooth
    above them.

    References
    ----------
    .. [1] J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011) 1292.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> scheme = cm.schemes.Adaptive()
    >>> round(float(cm.derivative(lambda x: np.sin(1000 * x), 1.0, scheme=scheme)), 6)
    562.379076
    """

    levels: int = 7

    def __post_init__(self) -> None:
        """Check the options."""
        if isinstance(self.levels, bool) or not isinstance(self.levels, int | np.integer):
            message = f"`levels` must be an integer, got {self.levels!r}"
            raise TypeError(message)
        if not 4 <= self.levels <= 12:
            message = f"`levels` must be from 4 to 12, got {self.levels}; the scheme adds more where it helps"
            raise ValueError(message)
        object.__setattr__(self, "levels", int(self.levels))

    def coefficient(self, lines: Lines, n: int, *, error: bool = True) -> Coefficient:
        """Return the n-th Taylor coefficient on each line."""
        found = Found.empty(lines.origin())
        side, alive = _sides(lines)
        both = np.flatnonzero(alive & (side == 0))
        if len(both):
            result, side[both] = _solve(Symmetric(lines, both), n, self.levels)
            found.put(both, result)
        one = np.flatnonzero(alive & (side != 0))
        if len(one):
            result, _ = _solve(Side(lines, one, side[one]), n, self.levels)
            found.put(one, result)
        status = found.status(n, lines)
        return Coefficient(found.value, found.truncation, found.noise, found.step, status)


def _sides(lines: Lines) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return 0 for lines to look at on both sides, else the side; and which lines can be looked at."""
    near, far = np.minimum(-lines.lower, lines.upper), np.maximum(-lines.lower, lines.upper)
    size = scale_of(lines)
    scale = np.minimum(np.where(size > 0, size, 1.0), far)
    wider = np.where(lines.upper >= -lines.lower, 1.0, -1.0)
    alive = np.isfinite(lines.origin()).any(axis=1) & (far > 0)
    return np.where(near / SIDE_ROOM < scale, wider, 0.0), alive


def _solve(fan: Fan, n: int, levels: int) -> tuple[Found, FloatArray]:
    """Return the coefficients on a fan, and for lines that are open on one side only, that side."""
    search = Search(fan, n)
    rows = np.arange(len(fan.index))
    found = _tabulate(fan, search, rows, n, levels)
    loud = _loud(search, found, rows)
    for _ in range(RETRIES):
        rows = np.flatnonzero(loud)
        rows = rows[search.shorten(rows)]
        if not len(rows):
            break
        again = _tabulate(fan, search, rows, n, levels)
        still = _loud(search, again, rows)
        better = np.flatnonzero(~still | over_outputs(np.logical_or, again.error < found.error[rows]))
        found.put(rows[better], again.take(better))
        loud[rows] = still
    found.truncation += search.doubt(n)
    return found, search.open_side


def _loud(search: Search, found: Found, rows: IntArray) -> NDArray[np.bool_]:
    """Return the lines on which the tableau found more noise than there can be, and doubts its value."""
    loud = found.sigma > search.credible(rows, found.rounding)
    return over_outputs(np.logical_or, loud & (found.error > DOUBTFUL * np.abs(found.value)))


def _tabulate(fan: Fan, search: Search, rows: IntArray, n: int, levels: int) -> Found:
    """Extrapolate from nodes at the steps found, and add nodes where that lowers the error."""
    kind, m = fan.series_of(n)
    count = levels + (SIDE_LEVELS + m if kind == "side" else 2 * ((m + 1) // 2))
    step, place = search.step[rows], np.arange(len(rows))
    wider = np.zeros(len(rows), dtype=bool)
    values = _first_values(fan, search, rows, grid(count, kind, m).nodes)
    found, grain = Found.empty(fan.origin[rows]), search.grain(rows)
    for extension in range(EXTENSIONS + 1):
        table = grid(count, kind, m)
        best = _best(fan, table, values, step, rows, grain[place], odd=n % 2 == 1)
        with np.errstate(all="ignore"):
            result = Found.of(best, step, fan.signs[0, rows], n)
            found.put(place[~wider], result.take(~wider))
            # Larger nodes lower the noise, but beyond L they may beat: they must confirm what was found.
            go_on = ~wider
            go_on[wider] = found.improve(place[wider], result.take(wider))
            deeper, wider = _extensions(fan, table, best, step, rows, n, search)
        more = np.flatnonzero(go_on & (deeper | wider))
        if extension == EXTENSIONS or not len(more):
            break
        count, place, rows, wider = count + 2, place[more], rows[more], wider[more]
        step = np.where(wider, 2 * step[more], step[more])
        values = _extended(fan, values[:, :, more], grid(count, kind, m).nodes, step, rows, wider)
    return found


def _first_values(fan: Fan, search: Search, rows: IntArray, nodes: FloatArray) -> FloatArray:
    """Return f at all nodes; the search has been at some of them."""
    step, known = search.step[rows], search.known[rows]
    values = np.empty((len(nodes), len(fan.signs), *fan.origin[rows].shape), dtype=fan.origin.dtype)
    seen = np.isin(nodes, fan.trial)
    values[~seen] = fan.evaluate(nodes[~seen], step, rows)
    values[seen] = search.values[:, :, rows]
    new = np.flatnonzero(~known)
    if len(new):
        values[np.ix_(seen, np.ones(len(fan.signs), dtype=bool), new)] = fan.evaluate(
            nodes[seen], step[new], rows[new]
        )
    return values


def _best(
    fan: Fan,
    table: Grid,
    values: FloatArray,
    step: FloatArray,
    rows: IntArray,
    grain: FloatArray,
    *,
    odd: bool,
) -> Best:
    """Return the best entry of the tableau of these values, with the step as the unit of length."""
    parts = []
    for cut in blocks(*values.shape[2:]):
        lines, v = rows[cut], values[:, :, cut]
        with np.errstate(all="ignore"):
            wanted, companion = fan.series(v, table.nodes, step[cut], lines, odd)
            rounding = fan.lines.eps / 2 * np.maximum(np.abs(v).max(axis=1), np.abs(fan.origin[lines]))
        parts.append(extrapolate(table, wanted, companion, rounding, grain[cut]))
    return Best(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Best)))


def _extensions(
    fan: Fan, table: Grid, best: Best, step: FloatArray, rows: IntArray, n: int, search: Search
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the lines on which smaller nodes, or else larger ones, promise a lower error."""
    eps, usable = fan.lines.eps, np.isfinite(fan.origin[rows])
    error, size = best.truncation + best.noise, np.abs(best.value)
    unsettled = ~np.isfinite(error) | (~best.settled & (error > DEEPER * eps * size))
    deeper = over_outputs(np.logical_or, usable & unsettled) & (
        table.nodes[-1] / 4 * step > 4 * eps * fan.size[rows]
    )
    noisy = (best.noise > best.truncation) & (best.first == 0)
    noisy &= best.sigma <= search.credible(rows, best.rounding)
    noisy &= error > WIDER * np.maximum(size, 2 / eps * best.rounding / LENGTH**n)
    wider = (
        over_outputs(np.logical_or, usable & noisy) & ~deeper & (2 * table.nodes[0] * step <= fan.room[rows])
    )
    return deeper, wider


def _extended(
    fan: Fan,
    values: FloatArray,
    nodes: FloatArray,
    step: FloatArray,
    rows: IntArray,
    wider: NDArray[np.bool_],
) -> FloatArray:
    """Return the values with two nodes more, before the first ones or after the last ones."""
    more = np.empty((len(nodes), *values.shape[1:]), dtype=values.dtype)
    for chosen, new, old in (
        (wider, slice(None, 2), slice(2, None)),
        (~wider, slice(-2, None), slice(None, -2)),
    ):
        lines = np.flatnonzero(chosen)
        if len(lines):
            more[old][:, :, lines] = values[:, :, lines]
            more[new][:, :, lines] = fan.evaluate(nodes[new], step[lines], rows[lines])
    return more
