"""Plain differences on lines of very many outputs, one value after the other."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

import calcml as cm
from calcml import Status
from calcml._function import Function
from calcml._lines._seeds import SeedLines, Seeds
from calcml.schemes import Backward, Central, Forward
from calcml.schemes._in_turn import in_turn
from calcml.schemes._recipe import plan

SCHEMES = [Forward(), Backward(), Forward(order=3), Central(), Central(order=4), Central(order=6)]
RECIPES = [(1, 1, 1), (1, 1, -1), (1, 3, 1), (1, 2, 0), (1, 4, 0)]
N = 12


def chain(x):
    y = np.exp(0.3 * x)
    y[1:] *= np.cos(x[:-1])
    return y


def chain_jacobian(x):
    before = np.r_[1.0, np.cos(x[:-1])]
    below = -np.exp(0.3 * x[1:]) * np.sin(x[:-1])
    return np.diag(0.3 * np.exp(0.3 * x) * before) + np.diag(below, -1)


PLAN = cm.SparsityPlan(np.eye(N) + np.eye(N, k=-1))


def lines_of(f, x, count=2):
    return SeedLines(Function(f, None), x, Seeds.of(np.arange(len(x)) % count, count), 1.0)


@pytest.mark.parametrize("scale", [1.0, 50.0])
@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_it_is_the_table_to_the_last_bit(scheme, scale):
    # Lengths are one for all coordinates, or one for each.
    x = scale * np.linspace(0.1, 1.2, N)
    f = lambda x: chain(x / scale)
    calls = []
    whole = cm.jacobian(f, x, scheme=scheme, sparsity=PLAN, workers=lambda f, points: list(map(f, points)))
    own = cm.jacobian(lambda x: calls.append(1) or f(x), x, scheme=scheme, sparsity=PLAN)
    np.testing.assert_array_equal(own.data, whole.data)
    estimate = cm.estimate_jacobian(f, x, scheme=scheme, sparsity=PLAN)
    # With its error an entry costs the points of the better formula, too.
    assert 2 * scheme.order * 3 >= len(calls) <= estimate.nfev
    np.testing.assert_allclose(own.toarray(), chain_jacobian(x / scale) / scale, rtol=0, atol=2e-7)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("index", [None, np.array([1]), np.array([1, 0])])
def test_values_are_those_of_all_lines_at_once(recipe, index):
    x, points = np.linspace(0.1, 1.2, N), []
    recipe = plan(*recipe).plain
    lines = lines_of(lambda x: points.append(x) or chain(x), x)
    h = np.array([2.0**-10, 2.0**-11])[slice(None) if index is None else index]
    value, finite = in_turn(lines, recipe, h, index)
    rest = recipe.middle is not None
    assert finite and len(points) == lines.function.nfev == len(recipe.moves) * len(h) + rest
    other = lines_of(chain, x)
    table = list(other.evaluate(recipe.moves * h, index))
    if rest:
        table.insert(recipe.middle, other.origin()[:1])
    for k, step in enumerate(h):
        rows = [row[min(k, len(row) - 1)] for row in table]
        total = sum(w * (row - rows[0]) for w, row in zip(recipe.weights[0], rows, strict=True))
        np.testing.assert_allclose(value[k], total / step, rtol=1e-13, atol=1e-13)


def test_lines_that_keep_their_values_are_left_alone():
    x, recipe = np.linspace(0.1, 1.2, N), plan(1, 2, 0).plain
    batches = SeedLines(Function(chain, None, vectorized=True), x, Seeds.of(np.arange(N) % 2, 2), 1.0)
    mapped = SeedLines(
        Function(chain, None, mapper=lambda f, p: list(map(f, p))), x, Seeds.of(np.arange(N) % 2, 2), 1.0
    )
    for lines in (batches, mapped):
        assert in_turn(lines, recipe, np.full(2, 1e-5), None) == (None, True)
        assert lines.function.nfev == 0


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_buffer_may_be_filled_again(scheme):
    x, buffer = np.linspace(0.1, 1.2, N), np.empty(N)

    def f(x):
        buffer[:] = chain(x)
        return buffer

    fresh, again = (cm.jacobian(f, x, scheme=scheme, sparsity=PLAN) for f in (chain, f))
    np.testing.assert_array_equal(fresh.data, again.data)


@pytest.mark.parametrize("kind", [list, np.ma.asarray, lambda y: y.reshape(3, 4), lambda y: y[::-1][::-1]])
def test_values_of_all_kinds(kind):
    x = np.linspace(0.1, 1.2, N)
    if kind is np.ma.asarray:
        with pytest.raises(cm.EvaluationError, match="f returned a masked array"):
            cm.jacobian(lambda x: kind(chain(x)), x, scheme="central", sparsity=PLAN)
        return
    got = cm.jacobian(lambda x: kind(chain(x)), x, scheme="central", sparsity=PLAN)
    np.testing.assert_array_equal(got.data, cm.jacobian(chain, x, scheme="central", sparsity=PLAN).data)


def test_values_of_other_precision():
    x = np.linspace(0.1, 1.2, N)
    small = cm.jacobian(lambda x: chain(x).astype(np.float32), x, scheme="central", sparsity=PLAN)
    np.testing.assert_allclose(small.toarray(), chain_jacobian(x), atol=1e-4)
    wide = cm.jacobian(lambda x: chain(x), x.astype(np.longdouble), scheme="central", sparsity=PLAN)
    assert wide.dtype == np.longdouble
    np.testing.assert_allclose(wide.toarray(), chain_jacobian(x), atol=1e-12)
    whole = cm.jacobian(
        chain, x.astype(np.longdouble), scheme="central", sparsity=PLAN, workers=lambda f, p: list(map(f, p))
    )
    np.testing.assert_array_equal(wide.data, whole.data)
    both = cm.jacobian(lambda x: chain(x) * (1 + 2j), x, scheme="central", sparsity=PLAN)
    np.testing.assert_allclose(both.toarray(), chain_jacobian(x) * (1 + 2j), atol=1e-9)


def test_a_shape_that_changes_is_refused():
    calls = []

    def f(x):
        calls.append(1)
        return chain(x)[: N - (len(calls) > 3)]

    with pytest.raises(cm.EvaluationError, match=r"shape \(11,\) after shape \(12,\)"):
        cm.jacobian(f, np.ones(N), scheme="central", sparsity=PLAN)


def test_rows_that_are_not_finite_harm_no_other():
    x = np.linspace(0.1, 1.2, N)
    x[4] = 0.0

    def f(x):
        y = chain(x)
        y[7] = np.sqrt(x[7] - x[6] - 5)
        return y

    got = cm.jacobian(f, x, scheme="central", sparsity=PLAN).toarray()
    expected = chain_jacobian(x)
    assert np.isnan(got[7, 6:8]).all()
    others = np.arange(N) != 7
    np.testing.assert_allclose(got[others], expected[others], atol=1e-9)
    estimate = cm.estimate_jacobian(f, x, scheme="central", sparsity=PLAN)
    assert estimate.status.toarray()[7, 7] == Status.NON_FINITE
    with np.errstate(all="ignore"):
        value, finite = in_turn(lines_of(f, x), plan(1, 2, 0).plain, np.full(2, 1e-5), None)
    assert not finite and np.isnan(value[:, 7]).all() and np.isfinite(value[:, others]).all()


def test_a_pattern_is_checked_beside_rows_that_are_not_finite():
    x = np.linspace(0.1, 1.2, N)

    def f(x):
        y = chain(x)
        y[7] = np.nan
        y[2] += x[9]
        return y

    with pytest.raises(cm.EvaluationError, match="row 2 also depends on column 9"):
        cm.jacobian(f, x, scheme="central", sparsity=PLAN)


def test_no_table_of_all_values_is_kept():
    n = 100_000
    x = np.linspace(0.1, 1.2, n)
    pattern = sparse.diags_array([np.ones(n), np.ones(n - 1)], offsets=[0, -1])
    prepared = cm.SparsityPlan(pattern)
    cm.jacobian(chain, x, scheme=Central(order=6), sparsity=prepared)
    tracemalloc.start()
    cm.jacobian(chain, x, scheme=Central(order=6), sparsity=prepared)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # x, its magnitudes and lengths, a point and the values of three lines, with what f and the formula make;
    # all values of three lines at six points would be 18 arrays more.
    assert peak < 16 * 8 * n
