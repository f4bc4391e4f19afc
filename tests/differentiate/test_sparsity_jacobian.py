"""Jacobians with a sparsity pattern."""

import concurrent.futures
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import calcml as cm
from calcml import Status
from calcml._function import Function
from calcml._lines._seeds import SeedLines, Seeds, power_below
from calcml.differentiate.sparsity import SparsityPlan
from calcml.schemes import Backward, Central, ComplexStep, Forward, Relative


def band(n, width=1):
    return sparse.diags_array(
        [np.ones(n - abs(k)) for k in range(-width, width + 1)], offsets=range(-width, width + 1)
    )


def broyden(x):
    y = (3 - 2 * x) * x + 1
    y[:-1] -= 2 * x[1:]
    y[1:] -= x[:-1]
    return y


def broyden_jacobian(x):
    n = len(x)
    return np.diag(3 - 4 * x) - 2 * np.eye(n, k=1) - np.eye(n, k=-1)


class Counted:
    def __init__(self, f):
        self.f, self.calls, self.points = f, 0, []

    def __call__(self, x):
        self.calls += 1
        self.points.append(np.array(x))
        return self.f(x)


SCHEMES = [
    "adaptive",
    "central",
    "forward",
    "backward",
    "complex",
    "richardson",
    Central(order=6),
    Forward(order=3),
]


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_agrees_with_the_truth_within_the_error(scheme):
    x = np.random.default_rng(0).uniform(-3, 3, 17)
    estimate = cm.estimate_jacobian(broyden, x, sparsity=band(17), scheme=scheme)
    exact = broyden_jacobian(x)
    # Rounding of the exact Jacobian itself is not in the estimate.
    assert (
        np.abs(estimate.value.toarray() - exact) <= estimate.error.toarray() + 1e-15 * np.abs(exact)
    ).all()
    # Forward differences of order 1 leave h f''/2 = 1.5e-8 * 3 * 2.
    assert abs(estimate.value - exact).max() < (1e-6 if scheme in ("forward", "backward") else 1e-8)
    assert estimate.success and estimate.message == str(Status.OK)
    plain = cm.jacobian(broyden, x, sparsity=band(17), scheme=scheme)
    np.testing.assert_allclose(plain.toarray(), estimate.value.toarray(), rtol=1e-10, atol=1e-10)


@given(st.integers(0, 2**32 - 1))
def test_random_patterns_agree_with_the_dense_jacobian(seed):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 9, 2)
    pattern = rng.random((m, n)) < rng.random()
    A, B = rng.standard_normal((2, m, n)) * pattern
    x = rng.standard_normal(n) * 10.0 ** rng.integers(-2, 3, n)

    def f(x):
        return A @ x + np.sin(B * x).sum(axis=1)

    sparse_one = cm.estimate_jacobian(f, x, sparsity=pattern)
    exact = A + B * np.cos(B * x)
    difference = np.abs(sparse_one.value.toarray() - exact)
    # Four parts in 1e15 of the largest terms that went into a row are rounding.
    rounding = 4e-15 * np.max(np.abs(A) + np.abs(B), axis=1, initial=0.0)[:, None]
    assert (difference <= sparse_one.error.toarray() + rounding).all()


@given(st.integers(0, 2**32 - 1))
def test_recovery_is_exact_for_linear_maps(seed):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 12, 2)
    # Integers and steps that are powers of two leave nothing to round.
    A = rng.integers(-9, 10, (m, n)) * (rng.random((m, n)) < 0.3)
    x = rng.integers(-1, 2, n).astype(float)
    J = cm.jacobian(lambda x: A @ x, x, sparsity=A != 0, scheme=Central(step=0.25))
    np.testing.assert_array_equal(J.toarray(), A)
    assert isinstance(J, sparse.csr_array) and J.has_sorted_indices


@pytest.mark.parametrize(
    ("scheme", "value", "error"),
    # 3 colors and the check: 2 points each, 4 with the error; forward 1 and 2, and one at x.
    [("central", 8, 16), ("forward", 5, 9), (Central(order=4), 16, 24)],
    ids=str,
)
def test_evaluations_are_counted_by_colors(scheme, value, error):
    x = np.linspace(1, 2, 100)
    plan = SparsityPlan(band(100))
    f = Counted(broyden)
    cm.jacobian(f, x, sparsity=plan, scheme=scheme)
    assert f.calls == value
    f = Counted(broyden)
    assert cm.estimate_jacobian(f, x, sparsity=plan, scheme=scheme).nfev == f.calls == error
    # Without the check, one line less.
    f = Counted(broyden)
    cm.jacobian(f, x, sparsity=SparsityPlan(band(100), check=False), scheme=scheme)
    assert f.calls == {"central": 6, "forward": 4}.get(scheme, 12)


def test_the_check_takes_one_evaluation_of_the_complex_step():
    x = np.linspace(1, 2, 100)
    counts = []
    for check in (True, False):
        f = Counted(broyden)
        cm.jacobian(f, x, sparsity=SparsityPlan(band(100), check=check), scheme="complex")
        counts.append(f.calls)
    assert counts[0] == counts[1] + 1


def test_coordinates_keep_their_own_steps():
    x = np.array([1e-3, 1.0, 5.0, 1e3, -1e6, 1e10])
    f = Counted(lambda x: x**2)
    estimate = cm.estimate_jacobian(f, x, sparsity=np.eye(6), scheme=Central(step=Relative(factor=2.0**-10)))
    # Powers of two below max(|x|, 1), times the common distance 2^-10.
    lengths = np.array([1, 1, 4, 512, 2.0**19, 2.0**33])
    np.testing.assert_array_equal(estimate.step, lengths * 2.0**-10)
    moves = [point - x for point in f.points]
    first = next(move for move in moves if move[0] > 0)
    np.testing.assert_array_equal(np.abs(first), lengths * np.abs(first[0]))
    np.testing.assert_array_equal(np.diag(estimate.value.toarray()), 2 * x)


def test_moves_are_exact():
    rng = np.random.default_rng(5)
    # None is so near to a power of two that a step would cross it.
    x = rng.uniform(1.01, 1.99, 60) * 2.0 ** rng.integers(0, 30, 60) * rng.choice([-1, 1], 60)
    f = Counted(lambda x: x)
    plan = SparsityPlan(np.eye(60), check=False)
    J = cm.jacobian(f, x, sparsity=plan, scheme="central")
    # (x + t v) - (x - t v) is 2 t v exactly, so the identity comes out without rounding.
    np.testing.assert_array_equal(J.toarray(), np.eye(60))
    up, down = (point - x for point in f.points)
    np.testing.assert_array_equal(up, -down)


def test_badly_scaled_variables_keep_their_digits():
    x = 10.0 ** np.arange(-6, 7)
    for scheme, relative in (("central", 1e-6), ("adaptive", 1e-9)):
        J = cm.jacobian(lambda x: x**3 + x, x, sparsity=np.eye(13), scheme=scheme)
        np.testing.assert_allclose(J.diagonal(), 3 * x**2 + 1, rtol=relative)


def test_small_units_are_kept_by_the_adaptive_scheme():
    # All variables are of the order 1e-8; so is the scale of f.
    x = np.array([1e-8, 3e-8, 7e-8])
    J = cm.jacobian(lambda x: np.exp(x / 1e-8), x, sparsity=np.eye(3))
    np.testing.assert_allclose(J.diagonal(), np.exp(x / 1e-8) / 1e-8, rtol=1e-11)
    zero = cm.jacobian(np.sin, np.zeros(3), sparsity=np.eye(3))
    np.testing.assert_allclose(zero.diagonal(), 1, rtol=1e-12)


def test_steps_of_the_user_are_taken_as_they_are():
    x = np.array([0.3, 50.0, 1e4])
    steps = np.array([0.5, 0.25, 8.0])
    f = Counted(lambda x: x**2)
    estimate = cm.estimate_jacobian(f, x, sparsity=np.eye(3), scheme=Central(step=steps))
    np.testing.assert_array_equal(estimate.step, (x + steps) - x)
    assert any(np.array_equal(point, x + steps) for point in f.points)
    same = cm.estimate_jacobian(f, x, sparsity=np.eye(3), scheme=Central(step=0.5))
    np.testing.assert_allclose(same.step, 0.5)


def test_steps_that_do_not_fit_are_refused():
    f = Counted(lambda x: x**2)
    with pytest.raises(ValueError, match="`step` 1e-09 is too small to change x"):
        cm.jacobian(f, [1.0, 1e9], sparsity=np.eye(2), scheme=Central(step=1e-9))
    with pytest.raises(ValueError, match=r"`step` has shape \(3,\), x has shape \(2,\)"):
        cm.jacobian(f, [1.0, 1e9], sparsity=np.eye(2), scheme=Central(step=[1.0, 1.0, 1.0]))
    assert not f.calls


def test_rectangular_and_empty_patterns():
    pattern = np.array([[1, 0, 0, 1], [0, 0, 0, 0]], bool)
    J = cm.jacobian(lambda x: np.array([x[0] * x[3], 7.0]), np.array([2.0, 1.0, 1.0, 5.0]), sparsity=pattern)
    np.testing.assert_allclose(J.toarray(), [[5, 0, 0, 2], [0, 0, 0, 0]], atol=1e-12)
    assert J.nnz == 2
    estimate = cm.estimate_jacobian(
        lambda x: np.ones(2), np.ones(3), sparsity=np.zeros((2, 3)), scheme="central"
    )
    # Nothing but the check, of order 2 with the better formula; and a longer step, as f stands still.
    assert estimate.value.nnz == 0 and estimate.nfev == 6 and estimate.success
    assert np.isnan(estimate.step).all()
    assert "error: none" in repr(estimate)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_no_outputs_or_no_variables(shape):
    m, n = shape
    for scheme in ("central", "adaptive"):
        estimate = cm.estimate_jacobian(
            lambda x: np.zeros(m), np.ones(n), sparsity=np.zeros(shape), scheme=scheme
        )
        assert estimate.value.shape == shape and estimate.step.shape == (n,)
        assert (
            cm.jacobian(lambda x: np.zeros(m), np.ones(n), sparsity=np.zeros(shape), scheme=scheme).shape
            == shape
        )


def test_axes_are_flattened_in_c_order():
    x = np.arange(1.0, 7.0).reshape(2, 3)
    pattern = np.zeros((6, 6), bool)
    pattern[np.arange(6), np.arange(6).reshape(3, 2).T.ravel()] = True
    f = lambda x: (x**2).T
    dense = cm.jacobian(f, x).reshape(6, 6)
    estimate = cm.estimate_jacobian(f, x, sparsity=dense != 0)
    np.testing.assert_allclose(estimate.value.toarray(), dense, atol=1e-12)
    assert estimate.step.shape == (2, 3)
    structured = cm.jacobian(
        lambda p: p["b"] * p["a"], {"a": np.ones(2), "b": np.full(2, 3.0)}, sparsity=np.tile(np.eye(2), 2)
    )
    np.testing.assert_allclose(structured.toarray(), [[3, 0, 1, 0], [0, 3, 0, 1]], atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "returned"), [(np.float16, np.float32), (np.float32,) * 2, (float,) * 2, (np.longdouble,) * 2]
)
def test_dtypes(dtype, returned):
    x = np.linspace(1, 2, 7).astype(dtype)
    for scheme in ("central", "adaptive"):
        estimate = cm.estimate_jacobian(broyden, x, sparsity=band(7), scheme=scheme)
        assert estimate.value.dtype == returned
        # Half of the digits at the least, by central differences.
        np.testing.assert_allclose(
            estimate.value.toarray().astype(float),
            broyden_jacobian(x.astype(float)),
            atol=8 * np.finfo(dtype).eps ** 0.5,
        )


def test_integers_and_read_only_points():
    np.testing.assert_allclose(
        cm.jacobian(broyden, [1, 2, 3], sparsity=band(3)).toarray(),
        broyden_jacobian(np.array([1, 2, 3])),
        atol=1e-11,
    )
    x = np.linspace(1, 2, 9)
    x.flags.writeable = False
    pattern = sparse.csr_array(band(9))
    for array in (pattern.data, pattern.indices, pattern.indptr):
        array.flags.writeable = False
    np.testing.assert_allclose(
        cm.jacobian(broyden, x, sparsity=pattern).toarray(), broyden_jacobian(x), atol=1e-11
    )


def test_a_result_beyond_the_dtype_of_x_says_so():
    x = np.ones(2, dtype=np.float32)
    estimate = cm.estimate_jacobian(
        lambda x: x.astype(float) * 1e300, x, sparsity=np.eye(2), scheme="central"
    )
    assert (estimate.status.data == Status.NON_FINITE).all() and not estimate.success


def test_mixed_precision_counts_the_rounding_of_the_result():
    x = np.linspace(1, 2, 3).astype(np.float32)
    estimate = cm.estimate_jacobian(
        lambda x: np.sin(x.astype(float)), x, sparsity=np.eye(3), scheme="central"
    )
    assert (estimate.noise.data >= np.finfo(np.float32).eps / 2 * np.abs(estimate.value.data) * 0.99).all()


def test_complex_values():
    x = np.linspace(0.5, 1, 6)
    f = lambda x: np.exp(1j * x) + np.roll(x, 1) ** 2
    pattern = np.eye(6) + np.roll(np.eye(6), -1, 1)
    estimate = cm.estimate_jacobian(f, x, sparsity=pattern)
    exact = np.diag(1j * np.exp(1j * x)) + np.roll(np.diag(2 * x), 1, 0)
    np.testing.assert_allclose(estimate.value.toarray(), exact, atol=1e-12)
    assert estimate.error.dtype == float and estimate.success


def test_workers_agree_bit_by_bit_and_batches_within_errors():
    x = np.linspace(1, 2, 30)
    plan = SparsityPlan(band(30))

    def batch(x):
        y = (3 - 2 * x) * x + 1
        y[:-1] -= 2 * x[1:]
        y[1:] -= x[:-1]
        return y

    for scheme in ("central", "adaptive"):
        serial = cm.estimate_jacobian(broyden, x, sparsity=plan, scheme=scheme)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            threads = cm.estimate_jacobian(broyden, x, sparsity=plan, scheme=scheme, workers=pool)
        batches = cm.estimate_jacobian(batch, x, sparsity=plan, scheme=scheme, vectorized=True)
        np.testing.assert_array_equal(threads.value.toarray(), serial.value.toarray())
        np.testing.assert_array_equal(threads.error.toarray(), serial.error.toarray())
        assert threads.nfev == serial.nfev
        off = np.abs(batches.value - serial.value).toarray()
        assert (off <= (batches.error + serial.error).toarray()).all()
        # The default scheme has another way for an f that takes many points at once.
        assert scheme == "adaptive" or not off.any()


def test_many_variables_go_in_blocks():
    # More numbers than a block holds: one point at a time.
    n = 20_000
    x = np.linspace(0, 1, n)
    J = cm.jacobian(broyden, x, sparsity=band(n), scheme="central")
    np.testing.assert_allclose(J.diagonal(), 3 - 4 * x, atol=1e-9)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        same = cm.jacobian(broyden, x, sparsity=band(n), scheme="central", workers=pool)
    np.testing.assert_array_equal(same.data, J.data)


def test_bounds_are_kept():
    n = 12
    x = np.linspace(1, 2, n)
    lower, upper = x - 1.0, x + 1.0
    # One at its lower bound, one at its upper, both in one color; one with hardly any room; one with none.
    lower[0] = x[0]
    upper[3] = x[3]
    lower[6], upper[6] = x[6] - 1e-6, x[6] + 1e-7
    lower[9] = upper[9] = x[9]
    exact = broyden_jacobian(x)
    for scheme in ("central", "forward", "adaptive", "complex"):
        f = Counted(broyden)
        estimate = cm.estimate_jacobian(f, x, sparsity=band(n), scheme=scheme, bounds=(lower, upper))
        for point in f.points:
            assert ((point.real >= lower) & (point.real <= upper)).all()
        value = estimate.value.toarray()
        mask = band(n).toarray().astype(bool)
        assert np.isnan(value[mask[:, 9], 9]).all()
        assert (estimate.status.toarray()[mask[:, 9], 9] == Status.NO_ROOM).all()
        others = np.delete(np.arange(n), 9)
        # A step of 1e-7 leaves 1e-16 / 1e-7 * |f| for the sixth variable, and less with several points.
        np.testing.assert_allclose(value[:, others], exact[:, others], atol=1e-5)
        errors = np.abs(value - exact)[:, others]
        assert (errors <= estimate.error.toarray()[:, others] + 1e-14).all()
        assert np.isnan(
            cm.jacobian(broyden, x, sparsity=band(n), scheme=scheme, bounds=(lower, upper)).toarray()[9, 9]
        )


def test_steps_of_the_user_within_bounds():
    x = np.array([1.0, 2.0])
    J = cm.jacobian(lambda x: x**2, x, sparsity=np.eye(2), scheme=Forward(step=0.5), bounds=(0.0, x))
    # Backwards with the step as it is: (4 - 1.5^2) / 0.5.
    np.testing.assert_allclose(J.diagonal(), [1.5, 3.5])


def test_given_factors_within_bounds():
    x = np.array([1.0, 1.0])
    f = Counted(lambda x: x**2)
    scheme = Central(step=Relative(factor=0.5))
    # The room of the first is a thousandth of the step: it takes a share of its own.
    estimate = cm.estimate_jacobian(f, x, sparsity=np.eye(2), scheme=scheme, bounds=([0.999, -9], [1.001, 9]))
    np.testing.assert_allclose(estimate.value.diagonal(), [2, 2], rtol=1e-9)
    assert estimate.step[0] < 1e-3 and estimate.step[1] == 0.5


def test_no_variable_can_move():
    x = np.ones(3)
    estimate = cm.estimate_jacobian(lambda x: x**2, x, sparsity=np.eye(3), bounds=(1.0, 1.0))
    assert np.isnan(estimate.value.data).all() and (estimate.status.data == Status.NO_ROOM).all()


MISSING = [(4, 5), (0, 1), (11, 11), (7, 6)]


@pytest.mark.parametrize("scheme", ["central", "forward", "adaptive", "complex", Central(step=1e-3)], ids=str)
@pytest.mark.parametrize(("row", "column"), MISSING)
def test_a_missing_entry_is_named(scheme, row, column):
    pattern = band(12).toarray().astype(bool)
    pattern[row, column] = False
    x = np.random.default_rng(1).uniform(1, 3, 12)
    message = f"`sparsity` misses an entry of the Jacobian: row {row} also depends on column {column}; "
    for call in (cm.jacobian, cm.estimate_jacobian):
        with pytest.raises(cm.EvaluationError, match=message):
            call(broyden, x, sparsity=pattern, scheme=scheme)
    J = cm.jacobian(broyden, x, sparsity=SparsityPlan(pattern, check=False), scheme=scheme)
    assert J.nnz == pattern.sum()


@pytest.mark.parametrize("scheme", ["central", "forward", "adaptive", "complex"])
@pytest.mark.parametrize("column", [1, 77, 150, 299])
def test_one_entry_of_a_full_row_is_missed_by_none(scheme, column):
    n = 300
    pattern = sparse.lil_array(sparse.eye_array(n))
    pattern[0] = 1
    pattern[0, column] = 0

    def f(x):
        y = x**2
        y[0] = x.sum()
        return y

    with pytest.raises(cm.EvaluationError, match=f"row 0 also depends on column {column};"):
        cm.jacobian(f, np.linspace(1, 2, n), sparsity=sparse.csr_array(pattern), scheme=scheme)


@pytest.mark.parametrize("scheme", ["central", "forward", "adaptive", "complex", Central(order=4)], ids=str)
@pytest.mark.parametrize("size", [1 / 300, 1 / 3000])
def test_small_entries_are_missed_by_none(scheme, size):
    A = np.eye(30)
    A[3, 7], A[3, 9] = size, 1.0
    pattern = A > 0.1
    for seed in range(5):
        x = np.random.default_rng(seed).uniform(1, 2, 30)
        for call in (cm.jacobian, cm.estimate_jacobian):
            with pytest.raises(cm.EvaluationError, match="row 3 also depends on column 7;"):
                call(lambda x: A @ x + x**3, x, sparsity=pattern, scheme=scheme)


def test_complex_outputs_are_checked():
    A = np.eye(6) + 1j * np.eye(6, k=1)
    with pytest.raises(cm.EvaluationError, match="row 2 also depends on column 3;"):
        cm.jacobian(lambda x: A @ x, np.ones(6), sparsity=(A != 0) & ~(np.arange(36).reshape(6, 6) == 15))


def test_a_wave_is_no_missing_entry():
    # Noise that goes with all variables, the same at each call.
    f = lambda x: x**2 * (1 + 1e-8 * np.sin(1e9 * x.sum() + np.arange(len(x))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cm.AccuracyWarning)
        for seed in range(20):
            x = np.random.default_rng(seed).uniform(1, 2, 20)
            assert cm.jacobian(f, x, sparsity=np.eye(20), scheme="central").nnz == 20


def test_a_pattern_may_hold_more_than_the_matrix():
    x = np.linspace(1, 2, 10)
    J = cm.jacobian(broyden, x, sparsity=band(10, 3), scheme="central")
    assert J.nnz == 58
    np.testing.assert_allclose(J.toarray(), broyden_jacobian(x), atol=1e-9)


def test_noise_and_kinks_are_no_missing_entries():
    rng = np.random.default_rng(2)
    x = rng.uniform(1, 2, 20)

    def noisy(x):
        # Deterministic noise of 1e-7 that each output takes from its own variables.
        return broyden(x) + 1e-7 * np.sin(1e9 * x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cm.AccuracyWarning)
        assert cm.jacobian(noisy, x, sparsity=band(20), scheme="central").nnz == 58
        assert (
            cm.jacobian(
                lambda x: np.abs(x - 1.5) ** 0.5, np.full(5, 1.5), sparsity=np.eye(5), scheme="central"
            ).nnz
            == 5
        )


def test_a_random_function_proves_nothing():
    rng = np.random.default_rng(3)
    x = np.linspace(1, 2, 9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cm.AccuracyWarning)
        J = cm.jacobian(
            lambda x: broyden(x) + 1e-3 * rng.standard_normal(9), x, sparsity=band(9), scheme="central"
        )
    assert J.shape == (9, 9)


def test_a_full_row_has_nothing_to_prove():
    pattern = np.ones((1, 4), bool)
    f = lambda x: np.array([np.sin(1e9 * x).sum()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cm.AccuracyWarning)
        assert cm.jacobian(f, np.ones(4), sparsity=pattern, scheme="central").nnz == 4


def test_rows_without_a_derivative_are_not_checked():
    x = np.linspace(1, 2, 5)
    f = lambda x: np.where(np.arange(5) == 2, np.nan, x**2)
    estimate = cm.estimate_jacobian(f, x, sparsity=np.eye(5), scheme="central")
    assert np.isnan(estimate.value.data[2]) and estimate.status.data[2] == Status.NON_FINITE
    np.testing.assert_allclose(np.delete(estimate.value.data, 2), np.delete(2 * x, 2), rtol=1e-9)


def test_lost_digits_warn_with_the_place():
    x = np.array([0.0, 2.0, 0.0])
    # A step of a few units in the last place of 2 leaves no digit of its sine, and all of the identity at 0.
    f, scheme = lambda x: np.array([x[0], np.sin(x[1]), x[2]]), Central(step=1e-15)
    with pytest.warns(
        cm.AccuracyWarning, match=r"`jacobian` at index \(1, 1\): .* `estimate_jacobian`"
    ) as record:
        cm.jacobian(f, x, sparsity=SparsityPlan(np.eye(3), check=False), scheme=scheme)
    assert record[0].filename == __file__
    estimate = cm.estimate_jacobian(f, x, sparsity=np.eye(3), scheme=scheme)
    assert estimate.status.data[1] == Status.INACCURATE and not estimate.success
    with pytest.raises(cm.ConvergenceError, match="Fewer than two digits"):
        estimate.check()


def test_the_card():
    text = repr(cm.estimate_jacobian(broyden, np.ones(4), sparsity=band(4), scheme="central"))
    assert text.startswith("Estimate\n")
    assert "value: csr_array of shape (4, 4) with 10 entries" in text
    assert "error: at most " in text and "nfev: 16" in text


def test_an_estimate_as_plain_numbers():
    x = np.array([1.0, 2.0])
    plain = cm.estimate_jacobian(lambda x: x**2, x, sparsity=np.eye(2), scheme=Central(step=0.5)).to_dict()
    assert plain["value"] == {"shape": [2, 2], "indptr": [0, 1, 2], "indices": [0, 1], "data": [2.0, 4.0]}
    assert plain["status"]["data"] == [0, 0] and plain["step"] == [0.5, 0.5] and plain["nfev"] == 8
    assert '"indptr": [0, 1, 2]' in cm.estimate_jacobian(lambda x: x**2, x, sparsity=np.eye(2)).to_json()


def test_shapes_are_refused_at_the_door():
    f = Counted(broyden)
    with pytest.raises(
        ValueError, match="`sparsity` has 4 columns, x has 5 numbers; it needs one column for each"
    ):
        cm.jacobian(f, np.ones(5), sparsity=band(4))
    with pytest.raises(TypeError, match="got str"):
        cm.jacobian(f, np.ones(5), sparsity="band")
    # SciPy's form.
    for form in ((band(5), np.zeros(5)), (np.eye(5), [0, 1, 2, 0, 1])):
        with pytest.raises(TypeError, match="got a tuple .*; pass the pattern alone or a SparsityPlan of it"):
            cm.jacobian(f, np.ones(5), sparsity=form)
    with pytest.raises(TypeError, match="`f` must be callable"):
        cm.jacobian(3.0, np.ones(5), sparsity=band(5))
    assert not f.calls
    with pytest.raises(cm.EvaluationError, match=r"`sparsity` has 3 rows, f\(x\) has 5 numbers"):
        cm.jacobian(f, np.ones(5), sparsity=np.ones((3, 5)))


def test_a_plan_serves_any_function_and_point():
    plan = SparsityPlan(band(8))
    for k in (1, 2, 3):
        x = np.linspace(k, k + 1, 8)
        np.testing.assert_allclose(
            cm.jacobian(broyden, x, sparsity=plan).toarray(), broyden_jacobian(x), atol=1e-11
        )
        np.testing.assert_allclose(
            cm.jacobian(lambda x: x**3, x, sparsity=plan).diagonal(), 3 * x**2, atol=1e-10
        )


def test_a_symmetric_plan_serves_a_symmetric_jacobian():
    pattern = np.eye(6, dtype=bool)
    pattern[0] = pattern[:, 0] = True
    A = np.random.default_rng(0).standard_normal((6, 6))
    A = (A + A.T) * pattern
    estimate = cm.estimate_jacobian(
        lambda x: A @ x, np.ones(6), sparsity=SparsityPlan(pattern, symmetric=True), scheme="central"
    )
    # Two colors and the check, four points each.
    assert estimate.nfev == 12
    np.testing.assert_allclose(estimate.value.toarray(), A, atol=1e-9)


# The lines themselves.


def lines_of(x, groups, lengths, **options):
    return SeedLines(Function(lambda x: x, None), np.asarray(x), Seeds(groups), lengths, **options)


def test_seeds_are_slices_where_they_can_be():
    assert Seeds.of(np.array([0, 1, 2, 0, 1]), 3).groups == (
        slice(0, None, 3),
        slice(1, None, 3),
        slice(2, None, 3),
    )
    groups = Seeds.of(np.array([1, 0, 1]), 2).groups
    np.testing.assert_array_equal(groups[0], [1])
    np.testing.assert_array_equal(groups[1], [0, 2])
    kept = Seeds.of(np.array([0, 1, 0, 1]), 2).without(np.array([True, False, False, False])).groups
    np.testing.assert_array_equal(kept[0], [2])
    np.testing.assert_array_equal(kept[1], [1, 3])


def test_lines_of_seeds_know_their_scale():
    x = np.array([3.0, 0.0, -48.0, 0.5])
    lines = lines_of(x, (np.array([0, 2]), np.array([1, 3])), np.array([2.0, 1.0, 32.0, 1.0]))
    np.testing.assert_array_equal(lines.size, [1.5, 0.5])
    np.testing.assert_array_equal(lines.reach, [32.0, 1.0])
    np.testing.assert_array_equal(lines.spread(np.array([1.0, 1.0, 8.0, 0.25])), [0.25, 0.25])
    np.testing.assert_array_equal(lines.lower, [-np.inf, -np.inf])
    moved = lines.evaluate(np.array([[0.5, 0.25]]))[0]
    np.testing.assert_array_equal(moved, [[4.0, 0.0, -32.0, 0.5], [3.0, 0.25, -48.0, 0.75]])
    np.testing.assert_array_equal(lines.evaluate(np.array([0.5]), np.array([1])), [[3.0, 0.5, -48.0, 1.0]])


def test_intervals_of_seeds():
    x = np.zeros(3)
    bounds = (np.array([-1.0, -4.0, -1.0]), np.array([2.0, 1.0, 0.0]))
    lines = lines_of(x, (slice(0, None, 2), np.array([1])), np.array([1.0, -2.0, -0.5]), bounds=bounds)
    np.testing.assert_array_equal(lines.lower, [0.0, -0.5])
    np.testing.assert_array_equal(lines.upper, [2.0, 2.0])
    empty = lines_of(x, (np.empty(0, int),), 1.0, bounds=bounds)
    assert empty.lower == empty.upper == 0.0


def test_distances_are_rounded_so_that_moves_are_exact():
    lines = lines_of([1.9], (slice(None),), 1.0)
    t = lines.representable(np.array([1e-5 / 3]))
    # Multiples of four units in the last place of numbers below 2.
    assert t[0] % 2.0**-50 == 0 and abs(t[0] - 1e-5 / 3) <= 2.0**-51
    third = np.array([1e-5 / 3])
    np.testing.assert_array_equal(lines_of([0.0], (slice(None),), 1.0).representable(third), third)
    assert lines.representable(np.array([[0.1]]), np.array([0])).shape == (1, 1)


@given(st.floats(1e-300, 1e300))
def test_power_below(size):
    power = float(power_below(np.array(size)))
    assert power <= size < 2 * power and np.frexp(power)[0] == 0.5


def test_backward_and_complex_options_are_schemes_too():
    x = np.linspace(1, 2, 6)
    for scheme in (Backward(order=2), ComplexStep()):
        np.testing.assert_allclose(
            cm.jacobian(broyden, x, sparsity=band(6), scheme=scheme).toarray(), broyden_jacobian(x), atol=1e-6
        )
