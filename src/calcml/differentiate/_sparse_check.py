"""Whether a sparsity pattern holds all that a matrix of derivatives has."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._lines._seeds import SeedLines, Seeds
from calcml._typing import FloatArray, IntArray
from calcml.differentiate._problem import to_values
from calcml.differentiate._sparse_entries import Entries
from calcml.differentiate.sparsity.plan import SparsityPlan
from calcml.errors import EvaluationError
from calcml.schemes.base import Coefficient

__all__ = ["check_pattern"]

# The derivative along the mixture and the one that the matrix gives must agree to this share of the row, or
# to a few roots of the precision where that is more: far above the error of a scheme, far below an entry.
SHARE, ROOTS = 1e-4, 4.0
# Doubtful rows that are looked at one by one, and the change of f that cannot be rounding.
ROWS, ROUNDING = 4, 64.0


def check_pattern(
    lines: SeedLines,
    c: Coefficient,
    plan: SparsityPlan,
    entries: Entries,
    mixture: FloatArray,
    name: str,
) -> None:
    """Refuse a pattern that misses an entry of the matrix.

    The last line of `lines` is the mixture of all columns.  A row whose derivative along it is not what its
    entries add up to is only doubtful, since noise or a kink does that too; it is proved wrong if f changes
    there when just the columns move on which, by the pattern, it does not depend.
    """
    measured = to_values(c.value[-1:], lines.function)[0]
    with np.errstate(all="ignore"):
        matrix = plan.matrix(entries.value)
        difference = np.abs(measured - matrix @ mixture)
        share = max(SHARE, ROOTS * lines.eps**0.5)
        # Comparisons with NaN are false: rows where f has no derivative cannot be checked.
        rows = np.flatnonzero(difference > share * np.abs(measured))
        if rows.size:
            known = _errors(plan, entries) @ np.abs(mixture)
            own = _known(c.truncation[-1:]) + _known(c.noise[-1:])
            known = known + to_values(own, lines.function, magnitude=True)[0]
            size = share * (abs(matrix) @ np.abs(mixture))
            # What neither cancellation nor the errors of the scheme explain comes first.
            rows = rows[difference[rows] > size[rows]]
            rows = rows[np.argsort(-difference[rows] / (size + 10 * known)[rows], kind="stable")]
    for row in rows[:ROWS]:
        _prove(lines, plan, mixture, float(c.step[-1]), int(row), name)


def _errors(plan: SparsityPlan, entries: Entries) -> Any:
    """Return the errors of the entries as a matrix, as far as they are known."""
    parts = [_known(part) for part in (entries.truncation, entries.noise) if part.size]
    return plan.matrix(sum(parts, np.zeros(plan.nnz)))


def _known(error: FloatArray) -> FloatArray:
    return np.nan_to_num(error, posinf=np.inf)


def _prove(
    lines: SeedLines, plan: SparsityPlan, mixture: FloatArray, step: float, row: int, name: str
) -> None:
    """Raise if output `row` changes with a column that its pattern does not have."""
    structure = plan.structure
    outside = mixture.copy()
    outside[structure.columns[structure.starts[row] : structure.starts[row + 1]]] = 0.0
    function, x = lines.function, lines.x
    length = min(max(step, lines.eps ** (1 / 3)), float(lines.upper[-1]))
    values = to_values(function.evaluate(np.stack([x, x])), function)
    here, again = values[:, row]
    # A function that does not even repeat itself proves nothing.
    least = max(10 * abs(here - again), ROUNDING * lines.eps * np.max(np.abs(values[0])))

    def change(suspects: IntArray) -> float:
        some = np.zeros_like(outside)
        some[suspects] = outside[suspects]
        moved = SeedLines(function, x, Seeds(()), 1.0, lines.bounds, some).evaluate(np.array([length]))
        return float(abs(to_values(moved, function)[0, row] - here))

    suspects = np.flatnonzero(outside)
    if not (suspects.size and change(suspects) > least):
        return
    while suspects.size > 1:
        suspects = max(np.array_split(suspects, 2), key=change)
    raise EvaluationError(
        f"`sparsity` misses an entry of the {name.capitalize()}: row {row} also depends on column "
        f"{suspects[0]}; "
        "add it to the pattern, or find the whole pattern with `sparsity_pattern`"
    )
