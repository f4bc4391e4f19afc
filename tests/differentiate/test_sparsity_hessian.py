"""Hessians with a sparsity pattern."""

import concurrent.futures
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import calcml as cm
from calcml import Status
from calcml.differentiate.sparsity import SparsityPlan
from calcml.schemes import Central


def band(n):
    return sparse.diags_array([np.ones(n - 1), np.ones(n), np.ones(n - 1)], offsets=[-1, 0, 1])


def chain(x):
    return np.sum(np.exp(x[:-1] * x[1:]), axis=0) + np.sum(x**4, axis=0)


def chain_gradient(x):
    e, g = np.exp(x[:-1] * x[1:]), 4 * x**3
    g[:-1] += e * x[1:]
    g[1:] += e * x[:-1]
    return g


def chain_hessian(x):
    e = np.exp(x[:-1] * x[1:])
    H = np.diag(12 * x**2)
    i = np.arange(len(x) - 1)
    H[i, i] += e * x[1:] ** 2
    H[i + 1, i + 1] += e * x[:-1] ** 2
    H[i, i + 1] = H[i + 1, i] = e * (1 + x[:-1] * x[1:])
    return H


class Counted:
    def __init__(self, f):
        self.f, self.calls, self.points = f, 0, []

    def __call__(self, x):
        self.calls += 1
        self.points.append(np.array(x))
        return self.f(x)


X = np.linspace(0.5, 1.2, 11)


@pytest.mark.parametrize("scheme", ["adaptive", "central", "forward", Central(order=4)], ids=str)
@pytest.mark.parametrize("grad", [chain_gradient, None], ids=["grad", "values"])
def test_agrees_with_the_truth_within_the_error(scheme, grad):
    estimate = cm.estimate_hessian(chain, X, grad=grad, sparsity=band(11), scheme=scheme)
    exact = chain_hessian(X)
    assert isinstance(estimate.value, sparse.csr_array) and estimate.success
    assert (
        np.abs(estimate.value.toarray() - exact) <= estimate.error.toarray() + 2e-15 * np.abs(exact)
    ).all()
    assert (estimate.value != estimate.value.T).nnz == 0
    plain = cm.hessian(chain, X, grad=grad, sparsity=band(11), scheme=scheme)
    np.testing.assert_allclose(plain.toarray(), estimate.value.toarray(), rtol=1e-9, atol=1e-9)
    # The same formulas on the same points as the full matrix takes.
    dense = cm.hessian(chain, X, grad=grad, scheme=scheme)
    np.testing.assert_allclose(plain.toarray(), dense, atol=max(1e-9, 2 * estimate.error.max()))


@given(st.integers(0, 2**32 - 1))
def test_random_quadratic_forms(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 8)
    A = rng.integers(-9, 10, (n, n)) * (rng.random((n, n)) < 0.4)
    A = A + A.T
    x = rng.integers(-3, 4, n).astype(float)
    scheme = Central(step=0.5)
    H = cm.hessian(lambda x: x @ A @ x / 2, x, sparsity=A != 0, scheme=scheme)
    # Integers and halves leave nothing to round.
    np.testing.assert_array_equal(H.toarray(), A)
    plan = SparsityPlan(A != 0, symmetric=True)
    H = cm.hessian(lambda x: x @ A @ x / 2, x, grad=lambda x: A @ x, sparsity=plan, scheme=scheme)
    np.testing.assert_array_equal(H.toarray(), A)


def test_evaluations_are_counted():
    grad, f = Counted(chain_gradient), Counted(chain)
    estimate = cm.estimate_hessian(f, X, grad=grad, sparsity=band(11), scheme="central")
    # Three colors and the check, four points each with the error.
    assert estimate.nfev == grad.calls == 16 and f.calls == 0
    cm.hessian(f, X, sparsity=band(11), scheme="central")
    # The point, and two on each axis, on each pair and on the mixture.
    assert f.calls == 1 + 2 * (11 + 10 + 1)
    f = Counted(chain)
    cm.hessian(f, X, sparsity=SparsityPlan(band(11), symmetric=True, check=False), scheme="central")
    assert f.calls == 1 + 2 * (11 + 10)


def test_an_arrow_takes_two_gradients():
    n = 200
    pattern = sparse.coo_array(np.eye(n))
    pattern = np.eye(n, dtype=bool)
    pattern[0] = pattern[:, 0] = True
    grad = Counted(lambda x: np.concatenate([[np.sum(x) + x[0] ** 2], x[0] + np.cos(x[1:])]))
    x = np.linspace(0.5, 1, n)
    plan = SparsityPlan(pattern, symmetric=True)
    H = cm.hessian(lambda x: 0.0, x, grad=grad, sparsity=plan, scheme="central")
    assert grad.calls == 2 * (2 + 1)
    np.testing.assert_allclose(H.diagonal(), [1 + 2 * x[0], *-np.sin(x[1:])], rtol=1e-7)
    np.testing.assert_allclose(H.toarray()[0, 1:], 1, rtol=1e-7)


def test_asymmetry_counts_as_error():
    # No gradient has this Jacobian; in a diagonal block of two both places stand alone.
    grad = lambda x: np.array([x[0] + x[1], 3 * x[0] + x[1]])
    plan = SparsityPlan(np.ones((2, 2)), symmetric=True)
    estimate = cm.estimate_hessian(
        lambda x: 0.0,
        np.ones(2),
        grad=grad,
        sparsity=SparsityPlan(np.ones((2, 2)), symmetric=True, check=False),
        scheme="central",
    )
    np.testing.assert_allclose(estimate.value.toarray(), [[1, 2], [2, 1]], atol=1e-9)
    np.testing.assert_allclose(estimate.truncation.toarray(), [[0, 1], [1, 0]], atol=1e-8)
    assert plan.count == 2


def test_vectorized_functions_and_workers():
    serial = cm.hessian(chain, X, sparsity=band(11), scheme="central")
    batch = cm.hessian(chain, X, sparsity=band(11), scheme="central", vectorized=True)
    # Sums over another axis may round differently, by 1e-16 / h^2.
    np.testing.assert_allclose(batch.toarray(), serial.toarray(), atol=1e-5)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        threads = cm.hessian(chain, X, sparsity=band(11), scheme="central", workers=pool)
        of_gradient = cm.hessian(chain, X, grad=chain_gradient, sparsity=band(11), workers=pool)
    np.testing.assert_array_equal(threads.toarray(), serial.toarray())
    np.testing.assert_array_equal(
        of_gradient.toarray(), cm.hessian(chain, X, grad=chain_gradient, sparsity=band(11)).toarray()
    )


def test_patterns_without_a_diagonal():
    pattern = ~np.eye(2, dtype=bool)
    f = lambda x: x[0] * x[1]
    for grad in (None, lambda x: x[::-1].copy()):
        H = cm.hessian(f, np.array([2.0, 3.0]), grad=grad, sparsity=pattern, scheme=Central(step=0.5))
        assert H.nnz == 2
        np.testing.assert_array_equal(H.toarray(), [[0, 1], [1, 0]])


def test_structures_are_flattened():
    f = lambda p: p["a"] @ p["a"] + p["b"] ** 3
    H = cm.hessian(f, {"a": np.ones(2), "b": 2.0}, sparsity=np.eye(3))
    np.testing.assert_allclose(H.toarray(), np.diag([2, 2, 12]), atol=1e-6)


@pytest.mark.parametrize("grad", [None, lambda x: np.zeros(0)])
def test_no_variables(grad):
    estimate = cm.estimate_hessian(lambda x: 1.0, np.empty(0), grad=grad, sparsity=np.zeros((0, 0)))
    assert estimate.value.shape == (0, 0) and estimate.value.nnz == 0


def test_dtypes():
    for dtype, tolerance in ((np.float32, 2e-2), (np.longdouble, 1e-5)):
        x = X.astype(dtype)
        for grad in (None, chain_gradient):
            H = cm.hessian(chain, x, grad=grad, sparsity=band(11), scheme="central")
            assert H.dtype == dtype
            # A quarter of the digits at the least from values, by central differences.
            np.testing.assert_allclose(H.toarray().astype(float), chain_hessian(X), atol=tolerance * 20)


def test_bounds_are_kept():
    lower, upper = X - 0.5, X + 0.5
    lower[0] = X[0]
    upper[3] = X[3]
    lower[7] = upper[7] = X[7]
    exact = chain_hessian(X)
    for grad in (None, chain_gradient):
        f = Counted(grad or chain)
        options = {"grad": f} if grad else {}
        estimate = cm.estimate_hessian(
            chain if grad else f, X, sparsity=band(11), bounds=(lower, upper), **options
        )
        for point in f.points:
            assert ((point >= lower) & (point <= upper)).all()
        value, codes = estimate.value.toarray(), estimate.status.toarray()
        assert np.isnan(value[7, 7]) and codes[7, 7] == codes[6, 7] == codes[7, 6] == Status.NO_ROOM
        free = np.delete(np.arange(11), 7)
        np.testing.assert_allclose(value[np.ix_(free, free)], exact[np.ix_(free, free)], atol=1e-4)
    shut = cm.estimate_hessian(chain, X, sparsity=band(11), bounds=(X, X))
    assert (shut.status.data == Status.NO_ROOM).all()


@pytest.mark.parametrize("scheme", ["central", "adaptive"])
@pytest.mark.parametrize(("row", "column"), [(4, 5), (0, 0), (9, 10)])
def test_a_missing_entry_is_refused(scheme, row, column):
    pattern = band(11).toarray().astype(bool)
    pattern[row, column] = pattern[column, row] = False
    for call in (cm.hessian, cm.estimate_hessian):
        with pytest.raises(cm.EvaluationError, match="`sparsity` misses an entry of the Hessian: row"):
            call(chain, X, grad=chain_gradient, sparsity=pattern, scheme=scheme)
        if row != column:
            with pytest.raises(
                cm.EvaluationError,
                match=f"of the Hessian: row {row} has more than its pattern, in column {column};",
            ):
                call(chain, X, sparsity=pattern, scheme=scheme)
    H = cm.hessian(chain, X, sparsity=SparsityPlan(pattern, symmetric=True, check=False), scheme=scheme)
    assert H.nnz == pattern.sum()


def coupled(x):
    return np.sum(np.exp(0.3 * x[:-1] * x[1:]), axis=0)


def without(n, row, column):
    pattern = sparse.lil_array(band(n))
    pattern[row, column] = pattern[column, row] = 0
    return sparse.csr_array(pattern)


@pytest.mark.parametrize(("n", "scheme"), [(20, "central"), (300, "central"), (100, "adaptive")])
def test_one_missing_entry_among_many_is_named(n, scheme):
    x = np.random.default_rng(n).uniform(0.5, 1.5, n)
    weak = np.where(np.arange(n - 1) == 7, 1e-3, 1.0)
    # One entry of a thousandth of the others: no sum over all of them could show it.
    f = lambda x: np.sum((weak * np.exp(0.3 * x[:-1].T * x[1:].T)).T, axis=0)
    with pytest.raises(cm.EvaluationError, match="row 7 has more than its pattern, in column 8;"):
        cm.hessian(f, x, sparsity=without(n, 7, 8), scheme=scheme, vectorized=True)


def test_the_check_of_many_variables_takes_few_evaluations():
    n = 200
    x = np.linspace(0.5, 1.5, n)
    counts = [
        cm.estimate_hessian(
            coupled,
            x,
            sparsity=SparsityPlan(band(n), symmetric=True, check=check),
            scheme="central",
            vectorized=True,
        ).nfev
        for check in (True, False)
    ]
    # Three for each of at most 5 (3 + 2) groups.
    assert 3 * 20 <= counts[0] - counts[1] <= 3 * 25


def test_full_rows_are_tested_row_by_row():
    n = 320
    rng = np.random.default_rng(0)
    pattern = np.eye(n, dtype=bool)
    # Half of all: about as many tests as rows.
    upper = np.triu(rng.random((n, n)) < 0.3, 1)
    pattern |= upper | upper.T
    A = np.where(pattern, 1.0, 0.0)
    i, j = np.argwhere(upper)[17]
    pattern[i, j] = pattern[j, i] = False
    f = lambda x: np.sum(x * (A @ x), axis=0) / 2
    with pytest.raises(cm.EvaluationError, match=f"row {i} has more than its pattern, in column {j};"):
        cm.hessian(f, np.ones(n), sparsity=pattern, scheme=Central(step=0.5), vectorized=True)


def test_what_vanishes_at_the_point_only_is_no_entry():
    n = 100
    x = np.full(n, 0.5)
    x[8] = 0.0
    # d²f/dx_7 dx_8 = 2 x_8 = 0.
    f = lambda x: np.sum(x**2, axis=0) + x[7] * x[8] ** 2
    assert cm.hessian(f, x, sparsity=np.eye(n), scheme="central", vectorized=True).nnz == n


def test_noise_is_no_missing_entry_among_many():
    f = lambda x: coupled(x) + 1e-5 * np.sin(1e7 * np.sum(x, axis=0))
    x = np.random.default_rng(2).uniform(0.5, 1.5, 100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cm.AccuracyWarning)
        assert cm.hessian(f, x, sparsity=band(100), scheme="central", vectorized=True).nnz == 298


def test_bounds_are_kept_by_the_check():
    n = 100
    x = np.full(n, 0.5)
    lower, upper = x - 1e-5, x + 1e-4
    lower[3] = upper[3] = x[3]
    f = Counted(coupled)
    with pytest.raises(cm.EvaluationError, match="row 7 has more than its pattern, in column 8;"):
        cm.hessian(f, x, sparsity=without(n, 7, 8), scheme="central", bounds=(lower, upper))
    assert all(((point >= lower) & (point <= upper)).all() for point in f.points)


def test_noise_is_no_missing_entry():
    f = lambda x: chain(x) + 1e-4 * np.sum(np.sin(1e7 * x))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cm.AccuracyWarning)
        assert cm.hessian(f, X, sparsity=band(11), scheme="central").nnz == 31


def test_lost_digits_warn_with_the_place():
    with pytest.warns(cm.AccuracyWarning, match=r"`hessian` at index \(0, 0\)") as record:
        cm.hessian(
            chain, X, sparsity=SparsityPlan(band(11), symmetric=True, check=False), scheme=Central(step=1e-8)
        )
    assert record[0].filename == __file__


def test_what_is_refused():
    f, grad = Counted(chain), Counted(chain_gradient)
    with pytest.raises(ValueError, match=r"prepare it with SparsityPlan\(pattern, symmetric=True\)"):
        cm.hessian(f, X, sparsity=SparsityPlan(band(11)))
    with pytest.raises(ValueError, match="must be symmetric"):
        cm.hessian(f, X, sparsity=np.triu(np.ones((11, 11))))
    with pytest.raises(ValueError, match="has 4 columns, x has 11 numbers"):
        cm.hessian(f, X, sparsity=np.eye(4))
    with pytest.raises(ValueError, match="`vectorized=True` speaks of f, not of `grad`"):
        cm.hessian(f, X, grad=grad, sparsity=band(11), vectorized=True)
    with pytest.raises(TypeError, match="`grad` must be callable"):
        cm.hessian(f, X, grad=1.0, sparsity=band(11))
    with pytest.raises(TypeError, match="`f` must be callable"):
        cm.hessian(1.0, X, grad=grad, sparsity=band(11))
    assert not f.calls and not grad.calls
    for value in (lambda x: x**2, lambda x: 1j * x[0]):
        with pytest.raises(cm.EvaluationError, match="f must return one real number"):
            cm.hessian(value, X, sparsity=band(11), scheme="central")
