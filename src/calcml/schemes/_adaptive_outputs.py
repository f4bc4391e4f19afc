"""`Adaptive` for a function of very many outputs: a few are differentiated in full and guide the others.

All outputs share the points of a line, so one step must serve them all.  A sample of them is enough to find
it; then each gets the first tableau at that step, in blocks that stay in the cache.  Outputs for which that
does not do are differentiated in full, with a step of their own.
"""

from __future__ import annotations

import numpy as np

from calcml._lines import Excerpt, Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes._adaptive_extrapolation import best_entries, first_grid
from calcml.schemes._adaptive_fan import BLOCK, Symmetric
from calcml.schemes._adaptive_found import Found
from calcml.schemes.base import Coefficient, Scheme

__all__ = ["has_many_outputs", "many_outputs"]

# From so many outputs on; and so many are differentiated in full at a time, as a sample or as what is left.
# Among thousands one looks clear by chance at a step at which noise hides the others.
MANY, TOGETHER = 1024, 127
# The first tableau does if it leaves six digits, of the value or of the change of f over the nodes; or if it
# is not much worse than what the full scheme makes of most of the sample.
SURE, WORSE = 1e-6, 100.0
# Where the full scheme claims eight times the error on a twentieth of the sample, it has seen at other steps
# what the first tableau cannot see: x is rounded inside f, say, by the same distance at all nodes.
HIDDEN, MOSTLY = 8.0, 95.0


def has_many_outputs(lines: Lines) -> bool:
    """Return whether f has so many outputs that a sample of them should guide the others."""
    return lines.outputs >= MANY


def many_outputs(scheme: Scheme, levels: int, lines: Lines, n: int) -> Coefficient:
    """Return the n-th Taylor coefficient on each line, one line after the other."""
    origin = lines.origin()
    value, truncation, noise = np.full((3, *origin.shape), np.nan, lines.dtype)
    step, status = np.zeros(lines.count), np.full(origin.shape, Status.NON_FINITE, dtype=np.int8)
    tables = value, truncation, noise, status

    def put(line: int, columns: IntArray | slice, c: Coefficient) -> None:
        for whole, part in zip(tables, (c.value, c.truncation, c.noise, c.status), strict=True):
            whole[line, columns] = part[0]

    for line in range(lines.count):
        index = np.array([line])
        sample = _sample(origin[line])
        guide = scheme.coefficient(Excerpt(lines, index, sample), n)
        step[line] = guide.step[0]
        first, rest = _first(lines, index, guide, sample, n, levels)
        put(line, slice(None), first)
        for k in range(0, len(rest), TOGETHER):
            columns = rest[k : k + TOGETHER]
            put(line, columns, scheme.coefficient(Excerpt(lines, index, columns), n))
    return Coefficient(value, truncation, noise, step, status)


def _sample(origin: FloatArray) -> IntArray:
    """Return some outputs that are finite; multiples of the golden ratio fall into no pattern."""
    usable = np.flatnonzero(np.isfinite(origin))
    if not len(usable):
        return np.arange(1)
    places = (np.arange(TOGETHER) * 0.6180339887498949) % 1.0 * len(usable)
    return np.unique(usable[places.astype(int)])


@np.errstate(all="ignore")
def _first(
    lines: Lines, index: IntArray, guide: Coefficient, sample: IntArray, n: int, levels: int
) -> tuple[Coefficient, IntArray]:
    """Return the results of the first tableau on one line, and the outputs for which it does not do."""
    outputs, h = lines.outputs, guide.step
    step = h[0]
    fan = Symmetric(lines, index)
    table = first_grid(fan, n, levels)
    every = np.arange(outputs)
    value, truncation, noise, change = np.full((4, 1, outputs), np.nan, lines.dtype)
    status = np.full((1, outputs), Status.NON_FINITE, dtype=np.int8)
    results = Coefficient(value, truncation, noise, h, status)
    if not (step > 0 and table.nodes[0] * step <= fan.room[0]):
        return results, np.flatnonzero(fan.usable[0])
    values, alone = fan.evaluate(table.nodes, h, slice(None)), np.arange(1)
    for start in range(0, outputs, BLOCK):
        cut = slice(start, start + BLOCK)
        v, part = values[..., cut], Symmetric(Excerpt(lines, index, every[cut]), alone)
        best = best_entries(part, table, v, h, alone, n, np.zeros(part.origin.shape))
        found = Found.of(best, h, part.signs[0], n)
        value[:, cut], truncation[:, cut], noise[:, cut] = found.value, found.truncation, found.noise
        change[:, cut] = np.abs(v - part.origin).max(axis=(0, 1))
    for _ in range(n):
        unit = change = change / (2 * step)
    hidden = _hidden(guide, truncation[:, sample] + noise[:, sample], unit[:, sample])
    np.fmax(noise, hidden * unit, out=noise)
    sure = (truncation + noise <= _level(guide) * np.maximum(np.abs(value), unit)) | (unit == 0)
    status[sure & np.isfinite(value)] = Status.OK
    return results, np.flatnonzero(~sure[0] & fan.usable[0])


def _hidden(guide: Coefficient, error: FloatArray, unit: FloatArray) -> float:
    """Return the noise that the first tableau does not see, in units of the change of f over its nodes.

    `error` is what it claims on the sample.
    """
    known = guide.truncation + guide.noise
    good = (guide.status == Status.OK) & (error > 0) & (unit > 0)
    if not good.any() or np.percentile(known[good] / error[good], MOSTLY) <= HIDDEN:
        return 0.0
    return float(np.percentile(known[good] / unit[good], MOSTLY))


def _level(guide: Coefficient) -> float:
    """Return the relative error that the first tableau may leave."""
    good = (guide.status == Status.OK) & (guide.value != 0)
    if not good.any():
        return SURE
    error, value = guide.truncation[good] + guide.noise[good], np.abs(guide.value[good])
    return max(SURE, WORSE * float(np.median(error / value)))
