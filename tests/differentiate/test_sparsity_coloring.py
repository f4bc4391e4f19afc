"""Colorings, and the plans that keep them."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from calcml.differentiate.sparsity import SparsityPlan, color_columns, color_symmetric, coloring
from calcml.differentiate.sparsity._orders import orders
from calcml.differentiate.sparsity._star import greedy_star, star_bound
from calcml.differentiate.sparsity._structure import structure_of

patterns = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9))
symmetric = st.integers(0, 9).flatmap(lambda n: hnp.arrays(bool, (n, n))).map(lambda a: a | a.T)


def band(n, width=1):
    return sparse.diags_array(
        [np.ones(n - abs(k)) for k in range(-width, width + 1)], offsets=range(-width, width + 1)
    )


def laplace(k):
    return sparse.kron(sparse.eye_array(k), band(k)) + sparse.kron(band(k), sparse.eye_array(k))


def arrow(n):
    pattern = np.eye(n, dtype=bool)
    pattern[0] = pattern[:, 0] = True
    return pattern


def assert_columns(pattern, colors):
    for row in np.asarray(pattern, bool):
        assert len(set(colors[row])) == row.sum()


def assert_star(pattern, colors):
    """Every edge has two colors, and no path of four vertices has two colors only."""
    pattern = np.asarray(pattern, bool) & ~np.eye(len(pattern), dtype=bool)
    for a, b in np.argwhere(pattern):
        assert colors[a] != colors[b]
        for c in np.flatnonzero(pattern[b]):
            for d in np.flatnonzero(pattern[c]):
                if c != a and d not in (a, b):
                    assert len({colors[v] for v in (a, b, c, d)}) > 2


@given(patterns)
def test_columns_of_one_color_share_no_row(pattern):
    colors = color_columns(pattern)
    assert colors.shape == (pattern.shape[1],) and (colors >= 0).all()
    assert_columns(pattern, colors)
    structure = structure_of(pattern)
    for attempt in coloring._column_attempts(structure):
        assert_columns(pattern, attempt)
        # The best of all attempts is kept.
        assert colors.max(initial=0) <= attempt.max(initial=0)
    assert set(colors) == set(range(colors.max(initial=-1) + 1))


@given(symmetric)
def test_star_colorings(pattern):
    colors = color_symmetric(pattern)
    assert_star(pattern, colors)
    graph = structure_of(pattern).off_diagonal()
    n = len(pattern)
    for order in (range(n), range(n - 1, -1, -1), *orders(graph)):
        assert sorted(order) == list(range(n))
        attempt = greedy_star(graph, order)
        assert_star(pattern, attempt)
        assert attempt.max(initial=0) + 1 >= star_bound(graph)
    assert colors.max(initial=0) + 1 >= star_bound(graph)


@pytest.mark.parametrize("n", [4, 5, 6, 7, 100, 1_000_000])
def test_a_tridiagonal_matrix_takes_three(n):
    for color in (color_columns, color_symmetric):
        colors = color(band(n))
        assert colors.max() == 2
        np.testing.assert_array_equal(colors, np.arange(n) % 3)


def test_known_numbers_of_colors():
    assert color_symmetric(arrow(50)).max() + 1 == 2
    assert color_symmetric(arrow(50)[::-1, ::-1]).max() + 1 == 2
    assert color_columns(arrow(50)).max() + 1 == 50
    assert color_columns(np.eye(7)).max() == 0
    assert color_symmetric(np.eye(7)).max() == 0
    assert color_columns(band(40, 3)).max() + 1 == 7
    # A ring of 4 k + 1 is no band: the greedy coloring finds 3 or 4, 5 is far off.
    ring = np.eye(13) + np.roll(np.eye(13), 1, 0) + np.roll(np.eye(13), -1, 0)
    assert color_columns(ring).max() + 1 <= 5
    # Five points of a square grid: 5 is the least that any coloring can have.
    assert color_columns(laplace(30)).max() + 1 <= 7
    assert color_symmetric(laplace(30)).max() + 1 <= 6


def test_other_orders_save_colors():
    # Column 0 meets all others in pairs; in the natural order some pairs waste a color.
    rng = np.random.default_rng(3)
    saved = 0
    for _ in range(30):
        pattern = rng.random((12, 12)) < 0.25
        natural = coloring.greedy_columns(structure_of(pattern).by_columns(), range(12))
        saved += natural.max() - color_columns(pattern).max()
    assert saved > 0


def test_orders_on_a_star_and_a_path():
    graph = structure_of(arrow(5)).off_diagonal()
    last, incidence = orders(graph)
    # Smallest-last puts the leaves, which have one neighbor, behind the hub.
    assert last.index(0) <= 1
    assert incidence.index(0) <= 1
    path = structure_of(band(6)).off_diagonal()
    _, incidence = orders(path)
    # Each vertex taken has a neighbor taken before it.
    for place, vertex in list(enumerate(incidence))[1:]:
        assert {vertex - 1, vertex + 1} & set(incidence[:place])


def test_large_graphs_are_colored_in_the_natural_order_only(monkeypatch):
    pattern = np.random.default_rng(0).random((8, 8)) < 0.4
    pattern |= pattern.T
    monkeypatch.setattr(coloring, "MOST_EDGES", 0)
    structure = structure_of(pattern)
    assert len(list(coloring._column_attempts(structure))) <= 2
    assert len(list(coloring._symmetric_attempts(structure.off_diagonal()))) <= 2
    assert_columns(pattern, color_columns(pattern))


def test_a_full_row_needs_no_large_table():
    # The fullest row has n entries: a table of rows times colors would have 1e10.
    n = 100_000
    pattern = sparse.vstack([sparse.csr_array(np.ones((1, n))), sparse.eye_array(n, format="csr")[1:]])
    np.testing.assert_array_equal(color_columns(pattern), np.arange(n))


FORMATS = ["csr", "csc", "coo", "dia", "dok", "lil", "bsr"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
def test_every_format_is_read(form, kind):
    plan = SparsityPlan(kind(band(8)).asformat(form))
    assert plan.shape == (8, 8) and plan.nnz == 22 and plan.count == 3
    np.testing.assert_array_equal(plan.matrix(np.ones(22)).toarray(), band(8).toarray())


def test_duplicates_and_explicit_zeros_count_once():
    twice = sparse.coo_array(([1.0, -1.0, 0.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    assert SparsityPlan(twice).nnz == 2
    zeros = sparse.dia_array((np.zeros((2, 3)), [0, 1]), shape=(3, 3))
    assert SparsityPlan(zeros).nnz == 5
    assert SparsityPlan(sparse.csr_array(([0.0], ([1], [2])), shape=(3, 3))).nnz == 1


def test_many_duplicates_do_not_vanish():
    # 2^32 would be 0 in 32 bits; 256 would be in 8.
    same = sparse.coo_array((np.ones(256), (np.zeros(256, int), np.zeros(256, int))), shape=(1, 1))
    assert SparsityPlan(same).nnz == 1


@pytest.mark.parametrize("dtype", [bool, int, float])
def test_dense_patterns(dtype):
    assert SparsityPlan(band(5).toarray().astype(dtype)).nnz == 13
    assert SparsityPlan([[True, False]]).shape == (1, 2)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 3)])
def test_patterns_without_entries(shape):
    plan = SparsityPlan(np.zeros(shape, bool))
    assert plan.count == plan.nnz == 0 and plan.colors.shape == (shape[1],)
    assert plan.matrix(np.empty(0)).shape == shape


def test_a_plan_prints_itself_and_is_frozen():
    plan = SparsityPlan(band(6))
    assert repr(plan) == "SparsityPlan(shape=(6, 6), nnz=16, colors=3)"
    assert (
        repr(SparsityPlan(arrow(6), symmetric=True))
        == "SparsityPlan(shape=(6, 6), nnz=16, colors=2, symmetric=True)"
    )
    with pytest.raises(AttributeError):
        plan.count = 5
    for array in (plan.colors, plan.structure.starts, plan.structure.columns, plan.readings[0].places):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_plan_travels():
    plan = pickle.loads(pickle.dumps(SparsityPlan(band(6))))
    assert repr(plan) == "SparsityPlan(shape=(6, 6), nnz=16, colors=3)"
    assert plan.matrix(np.ones(16)).nnz == 16


def test_a_plan_does_not_keep_the_pattern():
    pattern = sparse.csr_array(band(4))
    plan = SparsityPlan(pattern)
    pattern.data[:] = 0
    pattern.indices[:] = 0
    np.testing.assert_array_equal(plan.matrix(np.ones(10)).toarray(), band(4).toarray())


def test_matrices_share_their_structure():
    plan = SparsityPlan(band(5))
    first, second = plan.matrix(np.ones(13)), plan.matrix(np.zeros(13))
    assert first.indices is second.indices or np.shares_memory(first.indices, second.indices)
    assert first.has_sorted_indices and first.indices.dtype == np.int32
    assert (first @ np.ones(5)).sum() == 13
    # What users do with it works on read-only structure too.
    assert sparse.linalg.spsolve(sparse.csc_array(first + sparse.eye_array(5)), np.ones(5)).shape == (5,)
    assert (first.T @ first).nnz and first[1:3].nnz == 6


@given(symmetric, st.integers(0, 2**32 - 1))
def test_symmetric_entries_are_read_where_they_stand_alone(pattern, seed):
    rng = np.random.default_rng(seed)
    plan = SparsityPlan(pattern, symmetric=True)
    H = rng.integers(1, 100, pattern.shape).astype(float)
    H = (H + H.T) * pattern
    table = np.zeros((plan.count, len(pattern)))
    for j in range(len(pattern)):
        if plan.count:
            table[plan.colors[j]] += H[:, j]
    for reading in plan.readings:
        np.testing.assert_array_equal(plan.matrix(table.ravel()[reading.places]).toarray(), H)


@pytest.mark.parametrize(
    ("pattern", "kind", "message"),
    [
        (np.ones(3), ValueError, r"`sparsity` must be a matrix, got shape \(3,\)"),
        (sparse.coo_array(np.ones(3)), ValueError, r"`sparsity` must be a matrix, got shape \(3,\)"),
        ("tridiagonal", TypeError, "a scipy.sparse pattern, a SparsityPlan or an array of booleans, got str"),
        (np.array([[None]]), TypeError, "got ndarray"),
    ],
)
def test_what_is_no_pattern(pattern, kind, message):
    with pytest.raises(kind, match=message):
        SparsityPlan(pattern)
    with pytest.raises(kind, match=message.replace("`sparsity`", "`pattern`")):
        color_columns(pattern)


def test_symmetry_is_asked_for():
    with pytest.raises(ValueError, match=r"must be square, got shape \(2, 3\)"):
        SparsityPlan(np.ones((2, 3)), symmetric=True)
    lopsided = np.eye(4)
    lopsided[1, 3] = 1
    message = r"must be symmetric, got an entry at \(1, 3\) and none at \(3, 1\)"
    with pytest.raises(ValueError, match="`sparsity` " + message):
        SparsityPlan(lopsided, symmetric=True)
    with pytest.raises(ValueError, match="`pattern` " + message):
        color_symmetric(lopsided)


@pytest.mark.parametrize("name", ["symmetric", "check"])
def test_options_are_true_or_false(name):
    with pytest.raises(TypeError, match=f"`{name}` must be True or False, got 'yes'"):
        SparsityPlan(np.eye(2), **{name: "yes"})
