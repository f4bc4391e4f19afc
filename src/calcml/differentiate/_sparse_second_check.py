"""Whether a sparsity pattern holds all that the Hessian of a function has.

If f has no entry that couples the coordinates of a group A to those of a group B, then, whatever a and b,

    m = f(x + a + b) - f(x + a) - f(x + b) + f(x) = Σ_{i in A, j in B} H_ij a_i b_j + ... = 0

for a in the space of A and b in that of B: nothing needs to be known of the Hessian, and nothing but rounding
is left.  Groups without an entry between them are a set A and all that is no neighbor of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Directions, PointLines
from calcml._typing import FloatArray, IntArray
from calcml.differentiate._problem import Problem, coefficient
from calcml.differentiate._sparse_check import DISTANCES, grows
from calcml.differentiate._sparse_entries import Entries
from calcml.differentiate.sparsity.plan import SparsityPlan
from calcml.errors import EvaluationError

__all__ = ["check_hessian"]

# Small patterns: the curvature along a mixture and what the entries add up to agree to this share, or to so
# many times the errors.
SHARE, ERRORS = 1e-5, 2.0
# Tests per entry of a row; the pattern is large if they take half of its own evaluations at most.
TESTS, LARGE = 5, 3
# A mixed difference by this many units of rounding is no rounding; moves that are longer than the best step
# of a central formula, since no truncation is in the way; doubtful tests that are looked at.
ROUNDING, STRETCH, DOUBTS = 8.0, 8.0, 4
# The share of a mixed difference that the curvature found for one pair must explain.
EXPLAINED = 0.25
# A second look at a doubtful test takes so much of its moves.
NEAR = 1 / 64


def check_hessian(
    problem: Problem,
    plan: SparsityPlan,
    lines: PointLines,
    scale: FloatArray,
    entries: Entries,
    *,
    error: bool,
) -> None:
    """Refuse a pattern that misses an entry.

    Mixed differences between groups see one missing entry among any number of others, three evaluations for
    each of a number of tests that depends on the entries per row, but not on n.  For few variables that is
    more than the Hessian itself costs; one curvature along a mixture of all is precise enough there, and
    where it is not what the entries add up to, the rows are tested one by one.
    """
    n, structure = plan.shape[0], plan.structure
    free = lines.lower < lines.upper
    tests = TESTS * (-(-plan.nnz // n) + 2)
    origin = lines.origin()[:1]
    if LARGE * tests <= n + np.count_nonzero(structure.rows < structure.columns):
        most = STRETCH * lines.eps**0.25 * np.maximum(lines.magnitude, 1.0)
        most = np.minimum(most, np.maximum(lines.upper, -lines.lower))
        move = np.where(free, np.copysign(np.minimum(STRETCH * np.abs(scale), most), scale), 0.0)
        groups = _groups(plan, tests) if tests < n else np.eye(n, dtype=bool)
    else:
        move = np.where(free, plan.weights * scale, 0.0)
        if not (move.any() and _doubtful(problem, plan, move, origin, entries, error=error)):
            return
        groups = np.eye(n, dtype=bool)
    _test(problem, plan, plan.weights * move, origin, groups)


def _doubtful(
    problem: Problem,
    plan: SparsityPlan,
    w: FloatArray,
    origin: FloatArray,
    entries: Entries,
    *,
    error: bool,
) -> bool:
    """Return whether the curvature along a mixture is not what the entries add up to."""
    through = problem.lines(Directions.dense(w[None, :]), origin)
    c = coefficient(problem.scheme, through, 2, error=error)
    products = w[plan.structure.rows] * w[plan.structure.columns] / 2
    with np.errstate(all="ignore"):
        terms = np.where(products == 0, 0.0, entries.value * products)
        errors = sum(np.nan_to_num(part)[0, 0] for part in (c.truncation, c.noise))
        for part in (entries.truncation, entries.noise):
            errors += (np.nan_to_num(part) * np.abs(products)).sum()
        return bool(abs(c.value[0, 0] - terms.sum()) > ERRORS * errors + SHARE * np.abs(terms).sum())


def _groups(plan: SparsityPlan, tests: int) -> NDArray[np.bool_]:
    """Return random sets of coordinates, always the same, one in a row.

    A pair i, j without an entry is tested where i is in the set and none of the d_j neighbors of j is, of
    probability 2 p (1 - p)^(d_j + 1), the largest for p = 1 / (d + 2).  One test in four is for the
    fullest row.
    """
    degrees = np.diff(plan.structure.starts)
    typical, fullest = (1 / (float(d) + 1) for d in (degrees.mean(), degrees.max()))
    share = np.where(np.arange(tests) % 4 < 3, typical, fullest)
    return np.random.default_rng(1974).random((tests, plan.shape[0])) < share[:, None]


def _test(
    problem: Problem, plan: SparsityPlan, w: FloatArray, origin: FloatArray, groups: NDArray[np.bool_]
) -> None:
    """Raise if a group changes how f reacts to coordinates with which, by the pattern, it has no entry."""
    pattern = plan.matrix(np.ones(plan.nnz))
    near = (pattern @ groups.T.astype(float)).T > 0
    others = ~(near | groups) & (w != 0)
    groups = groups & (w != 0)
    used = groups.any(axis=1) & others.any(axis=1)
    groups, others = groups[used], others[used]
    vectors = np.concatenate([np.where(some, w, 0.0) for some in (groups, others, groups | others)])
    mixed, least = _differences(problem, vectors, origin, np.ones(1))
    order = np.argsort(-np.nan_to_num(np.abs(mixed) / least), kind="stable")
    for k in order[:DOUBTS]:
        if abs(mixed[k]) > least[k]:
            _prove(problem, w, origin, np.flatnonzero(groups[k]), np.flatnonzero(others[k]))


def _differences(
    problem: Problem, vectors: FloatArray, origin: FloatArray, t: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return mixed differences and what rounding may leave of each; `vectors` are all a, all b, all a + b."""
    lines = problem.lines(Directions.dense(vectors), origin)
    table = lines.evaluate(np.repeat(t[:, None], lines.count, axis=1))[..., 0]
    a, b, both = np.split(table, 3, axis=1)
    here = origin[0, 0]
    with np.errstate(all="ignore"):
        largest = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.maximum(np.abs(both), abs(here)))
        mixed = (both - a) - (b - here)
    return mixed.ravel(), ROUNDING * lines.eps * largest.ravel()


def _prove(problem: Problem, w: FloatArray, origin: FloatArray, first: IntArray, second: IntArray) -> None:
    """Raise if the mixed difference is one of a smooth function and the scheme finds it in one entry."""
    moves = _vectors(w, first, second)
    # Close to x too, in case that f bends before.
    if not any(
        grows(DISTANCES**2, _differences(problem, moves, origin, near * DISTANCES)[0]) for near in (1, NEAR)
    ):
        return
    while len(first) > 1:
        first = _larger(problem, w, origin, [(half, second) for half in np.array_split(first, 2)])[0]
    while len(second) > 1:
        second = _larger(problem, w, origin, [(first, half) for half in np.array_split(second, 2)])[1]
    pair = _vectors(w, first, second)
    c = coefficient(problem.scheme, problem.lines(Directions.dense(pair), origin), 2, error=False)
    found = c.value[2, 0] - c.value[0, 0] - c.value[1, 0]
    mixed = _differences(problem, pair, origin, np.ones(1))[0][0]
    # What is 0 at x and not around it is no entry.
    if abs(found) >= EXPLAINED * abs(mixed):
        i, j = sorted((int(first[0]), int(second[0])))
        raise EvaluationError(
            f"`sparsity` misses an entry of the Hessian: row {i} has more than its pattern, in column {j}; "
            "add it, or find the whole pattern by `sparsity_pattern` of the gradient"
        )


def _vectors(w: FloatArray, first: IntArray, second: IntArray) -> FloatArray:
    """Return the moves of two groups and of both together."""
    vectors = np.zeros((3, len(w)))
    vectors[0, first], vectors[1, second] = w[first], w[second]
    vectors[2] = vectors[0] + vectors[1]
    return vectors


def _larger(
    problem: Problem, w: FloatArray, origin: FloatArray, pairs: list[tuple[IntArray, IntArray]]
) -> tuple[IntArray, IntArray]:
    """Return the pair of groups with the larger mixed difference."""
    sizes = [
        np.nan_to_num(np.abs(_differences(problem, _vectors(w, *pair), origin, np.ones(1))[0][0]))
        for pair in pairs
    ]
    return pairs[int(np.argmax(sizes))]
