"""Whether a sparsity pattern holds all that a matrix of derivatives has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._lines._seeds import SeedLines, Seeds
from calcml._typing import FloatArray, IntArray
from calcml.differentiate._problem import to_values
from calcml.differentiate._sparse_entries import Entries
from calcml.differentiate.sparsity.plan import SparsityPlan
from calcml.errors import EvaluationError
from calcml.schemes.base import Coefficient

__all__ = ["DISTANCES", "check_pattern", "grows"]

# The derivative along the mixture and the one that the matrix gives must agree to this share of the row, or
# to so many units of rounding where that is more; to so many times the error, where the scheme knows it.
SHARE, UNITS, ERRORS = 1e-8, 64.0, 3.0
# A formula of order p leaves (h / L)^p; so much of it for a function whose length L is less than that of x,
# but never more than these.
TRUNCATION, MOST, ROOTS = 30.0, 1e-4, 4.0
# Doubtful rows that are looked at one by one, and the change of f that may be rounding.
ROWS, ROUNDING = 8, 4.0
# Distances on which a change must grow, roots of which no wave can be in step with all, and the least
# correlation: noise reaches it once in 1e5.
DISTANCES = np.sqrt(np.arange(1.0, 9.0) / 8)
CORRELATION = 0.98


def check_pattern(
    lines: SeedLines,
    c: Coefficient,
    plan: SparsityPlan,
    entries: Entries,
    mixture: FloatArray,
    name: str,
    *,
    order: int | None = None,
) -> None:
    """Refuse a pattern that misses an entry of the matrix.

    The last line of `lines` is the mixture of all columns.  A row whose derivative along it is not what its
    entries add up to is only doubtful, since noise or a kink does that too; it is proved wrong if f changes
    there when just the columns move on which, by the pattern, it does not depend.  `order` is that of a
    formula whose truncation is not known.
    """
    measured = to_values(c.value[-1:], lines.function)[0]
    share = _share(lines, float(c.step[-1]), mixture, order)
    with np.errstate(all="ignore"):
        difference = np.abs(measured - plan.matrix(entries.value) @ mixture)
        # Comparisons with NaN are false: rows where f has no derivative cannot be checked.
        rows = np.flatnonzero(difference > share * np.abs(measured))
        if not rows.size:
            return
        size, known = _sums(lines, c, plan, entries, mixture, rows)
        # Errors that are no longer small do not excuse a row: noise and kinks would hide what is missing.
        explained = share * size + np.fmin(ERRORS * known, MOST * size)
        doubt = difference[rows] / (explained + MOST * size + ERRORS * known)
    # A full row has nothing outside.
    narrow = plan.structure.starts[rows + 1] - plan.structure.starts[rows] < plan.shape[1]
    worst = np.flatnonzero((difference[rows] > explained) & narrow)
    worst = worst[np.argsort(-doubt[worst], kind="stable")[:ROWS]]
    if worst.size:
        _prove(lines, plan, mixture, float(c.step[-1]), rows[worst], name)


def grows(t: FloatArray, changes: NDArray[Any]) -> bool:
    """Return whether changes from t = 0 on go with t, as what is smooth does and noise does not."""
    t, changes = np.append(0.0, t), np.append(0.0, changes)
    t, changes = t - t.mean(), changes - changes.mean()
    with np.errstate(all="ignore"):
        changes = changes / np.max(np.abs(changes))
        return bool(abs(t @ changes) > CORRELATION * np.sqrt((t @ t) * np.vdot(changes, changes).real))


def _share(lines: SeedLines, step: float, mixture: FloatArray, order: int | None) -> float:
    """Return which share of a row the scheme may leave beyond the errors that it knows."""
    least = max(SHARE, UNITS * lines.eps)
    if order is None:
        return least
    if lines.given:
        step *= float(np.max(np.abs(mixture) / np.maximum(lines.magnitude, 1.0), initial=0.0))
    most = max(MOST, ROOTS * lines.eps**0.5)
    return max(least, min(TRUNCATION * min(step, 1.0) ** order, most))


def _sums(
    lines: SeedLines,
    c: Coefficient,
    plan: SparsityPlan,
    entries: Entries,
    mixture: FloatArray,
    rows: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """Return, for some rows, the sum of the magnitudes of their terms, and of all errors that are known."""
    starts = plan.structure.starts
    counts = starts[rows + 1] - starts[rows]
    owner = np.repeat(np.arange(len(rows)), counts)
    places = np.arange(len(owner)) + np.repeat(starts[rows] - (np.cumsum(counts) - counts), counts)
    weights = np.abs(mixture[plan.structure.columns[places]])

    def total(part: NDArray[Any]) -> FloatArray:
        sums: FloatArray = np.bincount(owner, np.abs(part[places]) * weights, len(rows)).astype(float)
        return sums

    known = np.zeros(len(rows))
    noise = c.noise[-1:]
    if not (noise > 0).all():
        # A scheme that was not asked for its noise may not know it; that of rounding is the least.
        noise = np.fmax(noise, 2 * lines.eps * np.abs(lines.origin()[-1:]) / c.step[-1])
    for error, own in ((entries.truncation, c.truncation[-1:]), (entries.noise, noise)):
        known += _known(to_values(own, lines.function, magnitude=True)[0, rows])
        if error.size:
            known += total(_known(error))
    return total(entries.value), known


def _known(error: FloatArray) -> FloatArray:
    return np.nan_to_num(error, posinf=np.inf)


def _prove(
    lines: SeedLines, plan: SparsityPlan, mixture: FloatArray, step: float, rows: IntArray, name: str
) -> None:
    """Raise if one of the outputs changes with a column that its pattern does not have."""
    structure = plan.structure
    length = min(max(step, lines.eps ** (1 / 3)), float(lines.upper[-1]))

    def moved(some: IntArray, t: FloatArray) -> Any:
        """Return f where some columns have moved."""
        vector = np.zeros_like(mixture)
        vector[some] = mixture[some]
        line = SeedLines(lines.function, lines.x, Seeds(()), 1.0, lines.bounds, vector)
        return to_values(line.evaluate(t[:, None])[:, 0], lines.function)

    def change(row: int, some: IntArray) -> float:
        return float(abs(moved(some, np.array([length]))[0, row] - here[row]))

    here, again = moved(np.flatnonzero(mixture), np.zeros(2))
    for row in rows:
        outside = mixture != 0
        outside[structure.columns[structure.starts[row] : structure.starts[row + 1]]] = False
        suspects = np.flatnonzero(outside)
        # A function that does not even repeat itself proves little.
        least = max(10 * abs(here[row] - again[row]), ROUNDING * lines.eps * abs(here[row]))
        if not (suspects.size and change(row, suspects) > least):
            continue
        if not grows(DISTANCES, moved(suspects, length * DISTANCES)[:, row] - here[row]):
            continue
        while suspects.size > 1:
            suspects = max(np.array_split(suspects, 2), key=lambda half: change(row, half))
        raise EvaluationError(
            f"`sparsity` misses an entry of the {name.capitalize()}: row {row} also depends on column "
            f"{suspects[0]}; "
            "add it to the pattern, or find the whole pattern with `sparsity_pattern`"
        )
