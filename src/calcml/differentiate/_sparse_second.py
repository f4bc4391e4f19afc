"""The engine of sparse second derivatives from values of f: one line for each entry of a pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Directions, axes
from calcml._typing import FloatArray, IntArray
from calcml.differentiate._problem import Problem, coefficient
from calcml.differentiate._second import lengths
from calcml.differentiate._sparse_entries import Entries
from calcml.differentiate._sparse_second_check import check_hessian
from calcml.differentiate.sparsity.plan import SparsityPlan
from calcml.errors import EvaluationError
from calcml.schemes.base import Coefficient

__all__ = ["second_entries"]


def second_entries(problem: Problem, plan: SparsityPlan, *, error: bool) -> Entries:
    """Return the entries of the Hessian of a scalar f that the plan has.

    Polarization as for the full matrix, on the axes and on the pairs of the pattern above the diagonal.
    """
    function, n = problem.function, plan.shape[0]
    lines = problem.lines(axes(n))
    axis = coefficient(problem.scheme, lines, 2, error=error)
    if function.size != 1 or axis.value.shape[1:] != (1,):
        raise EvaluationError(
            f"with `sparsity`, {function.name} must return one real number, got shape {function.shape} "
            f"of dtype {function.dtype}; take the components one by one"
        )
    rows, columns = plan.structure.rows, plan.structure.columns
    upper = rows < columns
    first, second = rows[upper], columns[upper]
    scale = lengths(axis.step, lines.magnitude)
    # Towards the roomier side of each coordinate there is always room for both.
    scale = np.where(lines.upper >= -lines.lower, scale, -scale)
    through = problem.lines(Directions.pairs(first, second, scale, 1.0), lines.origin()[:1])
    pair = coefficient(problem.scheme, through, 2, error=error)
    found = _Polarized(axis, pair, scale, first, second)
    place = _places(rows, columns)
    value, truncation, noise, status = (part[place] for part in found.parts())
    entries = Entries(value, truncation, noise, status, axis.step)
    if plan.check and n:
        check_hessian(problem, plan, lines, scale, entries, error=error)
    return entries


def _places(rows: IntArray, columns: IntArray) -> IntArray:
    """Return where each entry stands in a list of the entries above the diagonal and of a whole diagonal."""
    upper, lower, diagonal = rows < columns, rows > columns, rows == columns
    count = int(np.count_nonzero(upper))
    place = np.empty(len(rows), dtype=np.intp)
    place[upper] = np.arange(count)
    # The twins of the entries above the diagonal come in their order if taken column by column.
    below = np.flatnonzero(lower)
    place[below[np.lexsort((rows[below], columns[below]))]] = np.arange(count)
    place[diagonal] = count + rows[diagonal]
    return place


@dataclass(frozen=True, eq=False)
class _Polarized:
    """Coefficients on axes and along s_i e_i + s_j e_j: s_i s_j H_ij = c_ij - s_i² c_i - s_j² c_j."""

    axis: Coefficient
    pair: Coefficient
    scale: FloatArray
    first: IntArray
    second: IntArray

    def parts(self) -> list[NDArray[Any]]:
        """Return value, truncation, noise and status of all pairs, then of all axes."""
        with np.errstate(all="ignore"):
            parts = [self._part("value", -1.0), self._part("truncation", 1.0), self._part("noise", 1.0)]
        codes = np.maximum(self.axis.status[self.first], self.axis.status[self.second])
        return [*parts, np.concatenate([np.maximum(self.pair.status, codes), self.axis.status])[:, 0]]

    def _part(self, name: str, sign: float) -> NDArray[Any]:
        own, both = getattr(self.axis, name)[:, 0], getattr(self.pair, name)[:, 0]
        # Errors add up whatever the directions of the two.
        s = self.scale if name == "value" else np.abs(self.scale)
        # One factor at a time: the square of a length may be out of range where the length is not.
        scaled = own * s * s
        mixed = (both + sign * (scaled[self.first] + scaled[self.second])) / s[self.first] / s[self.second]
        return np.concatenate([mixed, 2 * own])
