"""The default scheme: measure the length scale of f, then extrapolate, weighing the noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Lines
from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_contradiction import contradiction
from calcml.schemes._adaptive_crowd import crowd, is_crowd
from calcml.schemes._adaptive_extrapolation import Extrapolation
from calcml.schemes._adaptive_fan import Fan, Rows, Side, over_outputs, scale_of, some
from calcml.schemes._adaptive_few import FewLines, few_lines
from calcml.schemes._adaptive_found import Found
from calcml.schemes._adaptive_outputs import has_many_outputs, many_outputs
from calcml.schemes._adaptive_search import DOUBTFUL, RETRIES, Search
from calcml.schemes._adaptive_survey import suits, survey
from calcml.schemes.base import Coefficient, Scheme

__all__ = ["Adaptive"]

# A bound nearer than this share of the scale of x leaves too little room: the other side alone does better.
SIDE_ROOM = 1e-3
# An x closer to 0 than this may be a length, or a zero with some rounding.  An error of more than this share
# of |f| then has room.
BESIDE_ZERO, COARSE = 1e-3, 1e-6


@dataclass(frozen=True)
class Adaptive(Scheme):
    """Differentiate by extrapolation from steps that are found by measuring f.

    The length L on which f bends along a line is measured from its first Taylor terms at a few trial steps.
    Then the central differences at steps 2h, 1.52h, h, 0.76h, … with h about L/8 are extrapolated to step
    zero,

    T[i, q] = T[i+1, q-1] + (T[i+1, q-1] - T[i, q-1]) / (s_i / s_j - 1),  s = step²,  j = i + q - 1,

    and of all entries the one with the least sum of extrapolation change and amplified noise is taken; that
    sum is the error estimate.  With q steps the truncation error is O(h^(2q)).  Nodes are added, an octave of
    smaller or of larger steps at a time, as long as this lowers the error.  Higher derivatives come from the
    higher coefficients of the same polynomials; from the sixth on, an octave has four nodes instead of two.

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
    A smooth function costs 19 to 27 evaluations per line, f(x) included; several points of an elementwise f
    cost one or two more, which show that it is elementwise.  Nothing depends on the units of x and f or on
    the origin, as far as floating-point numbers allow.  Where bounds or the domain of f leave only one side
    of x, one-sided differences are extrapolated in all powers of the step.

    Of a first or second derivative on four lines or more of an f that takes many points in one call, L is not
    searched for but read off nine steps from 1/2 to 1/512 of x, or of the distance to the ends of all
    points.  They are the table themselves if they are about as long as L asks for: 23 evaluations per line,
    which take far less time than a search.  Else the table follows at steps of that length, for 20
    evaluations more.  A table is believed where its noise is that of rounding and f right beside x, at 2⁻¹⁴
    and 2⁻²⁷ of that distance, has its slope; all other lines are searched.

    Noise counts at least as rounding of the values of f, and as what the highest differences show if that
    is more [1]_.  Products inside f are rounded, too, as a x in sin(a x); so that this shows, every
    second step of a first or second derivative has all the digits that x + t can have, unless f rounds x
    itself to fewer, as float32 does.  A step that does not suit shows too: noise does not grow with the
    step, and beyond L the Taylor terms no longer fall.  A tail that is neither noise nor part of the
    longer step's is a wave on a smaller scale: the search goes on below it.  Where all that is not clear,
    as it is not for values rounded to few digits or added to a large constant, f is looked at in every
    octave of steps, for 40 to 100 evaluations more.  Jumps of less than a hundredth of f, less than a
    thousandth of x apart (of 1 at x = 0), are taken as noise if f is smooth above them.  Where f stands
    still at small steps, as it does if x is rounded inside, half a jump counts as noise of every value,
    however smooth the values are at larger steps; and so does half the spacing of values that prove to
    lie on a grid, being rounded to some figures.  The slope at all these steps must be that at the first
    one, a 2²⁶th of x: what no noise explains there is looked for below the step, and counts as error in
    the end.  Where bounds leave no room to tell a jump from a kink, the derivative below it is not sure.

    From 1024 points of an elementwise function on, or 4096 if it does not take parts of x, one in sixteen and
    at most a thousand are treated so, and guide one formula of ten to fourteen evaluations at the others;
    points where its highest differences exceed the noise are treated in full, and none is surer than those.

    The status is OK where the error is below a hundredth of the value, or of the change of f over L, by Lⁿ.

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

    @cached_property
    def few(self) -> FewLines:
        """The gradient of a function of few variables."""
        return FewLines(self.levels)

    @property
    def one(self) -> FewLines:
        """The derivatives at a number."""
        return self.few

    def coefficient(self, lines: Lines, n: int, *, error: bool = True) -> Coefficient:
        """Return the n-th Taylor coefficient on each line."""
        c = self._coefficient(lines, n, error)
        return _no_finer(c, n, lines) if error else c

    def _coefficient(self, lines: Lines, n: int, error: bool) -> Coefficient:
        if is_crowd(lines):
            return crowd(self, lines, n, error=error)
        origin = lines.origin()
        if has_many_outputs(lines):
            return many_outputs(self, self.levels, lines, n)
        # f is never called with NumPy's warnings on, so they may as well be off all the time.
        with np.errstate(all="ignore"):
            lines.confirm()
            side, alive = _sides(lines)
            found = Found.empty(origin)
            both: IntArray = np.flatnonzero(alive & (side == 0))
            if suits(lines, n):
                both = survey(lines, both, n, self.levels, found)
            if len(both):
                result, fan = few_lines(lines, both, n, self.levels)
                if result is None:
                    result, side[both] = _solve(fan, n, self.levels)
                found.put(both, result)
            one = np.flatnonzero(alive & (side != 0))
            if len(one):
                result, _ = _solve(Side(lines, one, side[one]), n, self.levels)
                found.put(one, result)
            status = found.status(n, lines)
        return Coefficient(found.value, found.truncation, found.noise, found.step, status)


def _no_finer(c: Coefficient, n: int, lines: Lines) -> Coefficient:
    """Return the same with at least the noise of values that are multiples of the least number.

    Where f underflows it looks constant, or exact.  Half of that number per value, by the weights of a
    formula on few nodes: some 2ⁿ of them for the n-th coefficient.
    """
    kind = lines.function.dtype
    kind = c.value.dtype if kind is None or kind.kind not in "fc" else kind
    least = np.full(len(c.step), 2.0 ** (n + 1) * np.finfo(kind).smallest_subnormal, c.value.dtype)
    with np.errstate(all="ignore"):
        for _ in range(n):
            least /= c.step
    return replace(c, noise=np.maximum(c.noise, np.where(c.step > 0, least, 0.0)[:, None]))


def _sides(lines: Lines) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return 0 for lines to look at on both sides, else the side; and which lines can be looked at."""
    alive = np.asarray(np.isfinite(lines.origin()).any(axis=1))
    if not lines.bounded:
        return np.zeros(lines.count), alive
    near, far = np.minimum(-lines.lower, lines.upper), np.maximum(-lines.lower, lines.upper)
    size = scale_of(lines)
    scale = np.minimum(np.where(size > 0, size, 1.0), far)
    wider = np.where(lines.upper >= -lines.lower, 1.0, -1.0)
    return np.where(near / SIDE_ROOM < scale, wider, 0.0), alive & (far > 0)


def _solve(fan: Fan, n: int, levels: int) -> tuple[Found, FloatArray]:
    """Return the coefficients on a fan, and for lines that are open on one side only, that side."""
    search = Search(fan, n)
    extrapolation = Extrapolation(fan, search, n, levels)
    known = search.state.grain > 0
    found = extrapolation.found(np.arange(len(fan.index)))
    _avoid_grain(search, extrapolation, found, known)
    loud = _loud(search, found, slice(None))
    for _ in range(RETRIES):
        rows = np.flatnonzero(loud)
        rows = rows[search.shorten(rows)] if len(rows) else rows
        if not len(rows):
            break
        again = extrapolation.found(rows)
        still = _loud(search, again, rows)
        better = np.flatnonzero(~still | over_outputs(np.logical_or, again.error < found.error[rows]))
        found.put(rows[better], again.take(better))
        loud[rows] = still
    _finish(search, found)
    if n == 1 and some(found.unsure):
        _insist(fan, found, levels)
    return found, search.state.open_side


def _avoid_grain(
    search: Search, extrapolation: Extrapolation, found: Found, known: NDArray[np.bool_]
) -> None:
    """Take longer steps where the values of f have proved to lie on a grid only now that all were seen."""
    short = (search.state.grain > 0) & ~known & (found.error > DOUBTFUL * np.abs(found.value))
    rows = np.flatnonzero(over_outputs(np.logical_or, short))
    rows = rows[search.lengthen(rows)] if len(rows) else rows
    if len(rows):
        again = extrapolation.found(rows)
        better = over_outputs(np.logical_or, again.error < found.error[rows])
        found.put(rows[better], again.take(np.flatnonzero(better)))


def _finish(search: Search, found: Found) -> None:
    """Add what the search has found to say about the results."""
    found.truncation = found.truncation + search.doubt(search.n)
    apart = contradiction(search, found, slice(None))
    for _ in range(search.n - 1):
        # Of the length of what the tableau has not seen nothing is known, but that it is at least the first
        # step, of which a power may be out of range.
        apart = np.where(apart > 0, apart / search.state.first[:, None], 0.0)
    found.truncation = found.truncation + apart
    if some(found.unsure):
        found.span = search.span(2 / search.fan.eps * found.rounding)
        found.far = search.far(found.step)


def _insist(fan: Fan, found: Found, levels: int) -> None:
    """Look for longer steps near x = 0 where those found do not tell a first derivative from zero.

    There nothing in x says how long a step should be.  It was long enough where f changed by a part of
    itself, as any step is for a power of x; but other outputs may not have moved, or f be all rounding.
    """
    lost = found.poor(1, fan.size) | (found.error > COARSE * (2 / fan.eps) * found.rounding)
    blind = (fan.size < BESIDE_ZERO)[:, None] & lost & (np.abs(found.value) <= found.error)
    rows = np.flatnonzero(over_outputs(np.logical_or, blind))
    if not len(rows):
        return
    part, before = fan.part(rows), found.take(rows)
    search = Search(part, 1, patient=True)
    longer = Extrapolation(part, search, 1, levels).found(np.arange(len(rows)))
    _finish(search, longer)
    agrees = np.abs(longer.value - before.value) <= longer.error + before.error
    found.amend(rows, longer, blind[rows] & agrees & ~longer.poor(1, part.size))


def _loud(search: Search, found: Found, rows: Rows) -> NDArray[np.bool_]:
    """Return the lines on which the tableau found more noise than there can be, and doubts its value."""
    loud = found.error > DOUBTFUL * np.abs(found.value)
    if some(loud):
        loud &= found.sigma > search.credible(found.rounding, rows)
    loud |= contradiction(search, found, rows) > 0
    return over_outputs(np.logical_or, loud)
