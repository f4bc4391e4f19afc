"""Finding the pattern of a function."""

import concurrent.futures

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import calcml as cm
from calcml._function import Function
from calcml.differentiate.sparsity import SparsityPlan, sparsity_pattern
from calcml.differentiate.sparsity._probing import Probing


def broyden(x):
    y = (3 - 2 * x) * x + 1
    y[:-1] -= 2 * x[1:]
    y[1:] -= x[:-1]
    return y


def band(n):
    return np.eye(n, dtype=bool) | np.eye(n, k=1, dtype=bool) | np.eye(n, k=-1, dtype=bool)


class Counted:
    def __init__(self, f):
        self.f, self.calls, self.points = f, 0, []

    def __call__(self, x):
        self.calls += 1
        self.points.append(np.array(x))
        return self.f(x)


METHODS = ["auto", "nan", "probe"]


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_patterns_are_found_exactly(method, seed):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(0, 12, 2)
    pattern = rng.random((m, n)) < rng.random() ** 2
    weights = rng.uniform(1, 2, (m, n)) * pattern

    def f(x):
        # Sums over the entries of a row: 0 * NaN would be NaN.
        return np.array([np.sum(weights[i, p] * x[p] ** 2) for i, p in enumerate(pattern)])

    found = sparsity_pattern(f, rng.uniform(-2, 2, n), method=method)
    assert isinstance(found, sparse.csr_array) and found.dtype == bool and found.shape == (m, n)
    np.testing.assert_array_equal(found.toarray(), pattern)


@pytest.mark.parametrize(("method", "most"), [("nan", 60), ("auto", 120), ("probe", 180)])
def test_bands_take_few_evaluations(method, most):
    f = Counted(broyden)
    found = sparsity_pattern(f, np.linspace(1, 2, 2000), method=method)
    np.testing.assert_array_equal(found.toarray(), band(2000))
    # 2 * 3 tests on each of 11 levels at the most, one for f(x), one for all variables.
    assert f.calls <= most


def test_scattered_entries_take_fewer_evaluations_than_variables():
    n = 3000
    A = sparse.random_array((n, n), density=2 / n, rng=np.random.default_rng(0)).tocsr()
    f = Counted(lambda x: A @ x)
    found = sparsity_pattern(f, np.linspace(1, 2, n), method="nan")
    assert (found != (A != 0)).nnz == 0
    assert f.calls < n / 5


def test_full_patterns_take_one_evaluation_for_each_variable():
    n = 40
    f = Counted(lambda x: np.outer(np.ones(5), x).sum(axis=1) * 1.0)
    found = sparsity_pattern(f, np.ones(n), method="nan")
    assert found.toarray().all() and f.calls < 3 * n


def test_nan_errs_on_the_safe_side():
    f = lambda x: np.array([0 * x[0] + x[1], x[0]])
    np.testing.assert_array_equal(sparsity_pattern(f, np.ones(2), method="nan").toarray(), [[1, 1], [1, 0]])
    np.testing.assert_array_equal(sparsity_pattern(f, np.ones(2), method="probe").toarray(), [[0, 1], [1, 0]])


def test_what_swallows_nan_is_probed():
    f = lambda x: np.array(
        [np.fmax(x[0], 0.0), np.where(x[1] > 0, x[2], 0.0), float(int(np.nan_to_num(x[2]) * 1e6))]
    )
    found = sparsity_pattern(f, np.array([1.0, 2.0, 3.0])).toarray()
    # The condition on x[1] does not change near 2, but NaN fails it.
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 1, 1], [0, 0, 1]])


def test_what_refuses_nan_is_probed():
    def f(x):
        if np.isnan(x).any():
            raise ValueError("NaN in x")
        return broyden(x)

    np.testing.assert_array_equal(sparsity_pattern(f, np.linspace(1, 2, 30)).toarray(), band(30))
    with pytest.raises(
        cm.EvaluationError, match=r"f does not take NaN \(NaN in x\); use method='probe'"
    ) as caught:
        sparsity_pattern(f, np.linspace(1, 2, 30), method="nan")
    assert isinstance(caught.value.__cause__, ValueError)


def test_errors_of_f_itself_are_the_users():
    def f(x):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        sparsity_pattern(f, np.ones(3))


def test_outputs_that_are_nan_anyway_depend_on_all():
    f = lambda x: np.array([np.nan, x[0]])
    np.testing.assert_array_equal(sparsity_pattern(f, np.ones(2)).toarray(), [[1, 1], [1, 0]])


def test_points_of_probes_stay_in_the_domain():
    # log has a domain whose edge is nearer than a tenth of x.
    edge = 1 - 1e-3
    f = lambda x: np.log(x - edge)
    np.testing.assert_array_equal(sparsity_pattern(f, np.ones(5), method="probe").toarray(), np.eye(5))
    # A function that is finite nowhere but at x keeps x as its point.
    only = lambda x: np.where((x == 1.0).all(), x, np.nan)
    probing = Probing(Function(only, None), np.ones(3), None, (False, 3))
    assert all((x == 1.0).all() for x, _, _ in probing.bases)


def test_bounds_are_kept():
    x = np.array([0.0, 1.0, 0.5, 2.0])
    lower, upper = np.array([0.0, 0.0, 0.5, 0.0]), np.array([1.0, 1.0, 0.5, 9.0])
    f = Counted(lambda x: x**2)
    found = sparsity_pattern(f, x, method="probe", bounds=(lower, upper)).toarray()
    # The third variable cannot move.
    np.testing.assert_array_equal(found, np.diag([1, 1, 0, 1]))
    for point in f.points:
        assert ((point >= lower) & (point <= upper)).all()
    assert sparsity_pattern(f, x, bounds=(lower, upper)).nnz == 4


def test_the_pattern_of_a_gradient_is_that_of_the_hessian():
    grad = lambda x: np.array([0 * x[1] + x[0], x[1]])
    assert sparsity_pattern(grad, np.ones(2)).nnz == 3
    plan = SparsityPlan(sparsity_pattern(grad, np.ones(2), symmetric=True), symmetric=True)
    assert plan.nnz == 4
    with pytest.raises(cm.EvaluationError, match="needs as many outputs as variables, got 3 for 2"):
        sparsity_pattern(lambda x: np.ones(3), np.ones(2), symmetric=True)


def test_batches_workers_and_arguments():
    x = np.linspace(1, 2, 50)
    f = lambda x, a, b=0.0: broyden(x) * a + b
    options = {"args": (2.0,), "kwargs": {"b": 1.0}}
    np.testing.assert_array_equal(sparsity_pattern(f, x, vectorized=True, **options).toarray(), band(50))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        np.testing.assert_array_equal(sparsity_pattern(f, x, workers=pool, **options).toarray(), band(50))


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, int])
def test_dtypes_and_shapes(dtype):
    x = np.arange(1, 7).reshape(2, 3).astype(dtype)
    x.flags.writeable = False
    found = sparsity_pattern(lambda x: (x**2).T, x).toarray()
    np.testing.assert_array_equal(found, np.eye(6)[np.arange(6).reshape(2, 3).T.ravel()])
    assert sparsity_pattern(lambda p: p["b"] * p["a"], {"a": np.ones(2), "b": np.ones(2)}).nnz == 4


def test_values_that_are_complex():
    assert sparsity_pattern(lambda x: x * np.array([1.0, 1j]), np.ones(2)).toarray().tolist() == [
        [True, False],
        [False, True],
    ]


def test_it_is_the_same_every_time():
    seen = []
    for _ in range(2):
        f = Counted(broyden)
        sparsity_pattern(f, np.zeros(9), method="probe")
        seen.append(np.array(f.points))
    np.testing.assert_array_equal(*seen)


def test_what_is_refused():
    f = Counted(broyden)
    with pytest.raises(ValueError, match="`method` must be one of 'auto', 'nan', 'probe', got 'guess'"):
        sparsity_pattern(f, np.ones(3), method="guess")
    with pytest.raises(TypeError, match="`f` must be callable"):
        sparsity_pattern(1.0, np.ones(3))
    with pytest.raises(ValueError, match="`bounds` are crossed"):
        sparsity_pattern(f, np.ones(3), bounds=(2.0, 0.0))
    assert not f.calls


def test_from_the_pattern_to_the_jacobian():
    x = np.linspace(1, 2, 40)
    plan = SparsityPlan(sparsity_pattern(broyden, x))
    np.testing.assert_allclose(
        cm.jacobian(broyden, x, sparsity=plan).toarray(), cm.jacobian(broyden, x), atol=1e-11
    )
