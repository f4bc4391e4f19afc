"""`newton_system`: the catalogue of systems, every way a run can end, structures, bounds."""

import json
import warnings
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml._status import Status
from calcml.errors import ConvergenceError, ConvergenceWarning, EvaluationError
from calcml.roots import newton_system
from calcml.testing.systems import system_cases

# From the usual start every descent of |F| ends in the known minimum of this one that is no root.
MINIMUM = {"freudenstein_roth"}


def circle_and_hyperbola(x):
    return np.array([x[0] ** 2 + x[1] ** 2 - 5, x[0] * x[1] - 2])


def circle_jacobian(x):
    return np.array([[2 * x[0], 2 * x[1]], [x[1], x[0]]])


@pytest.mark.parametrize("case", system_cases(), ids=lambda case: case.name)
@pytest.mark.parametrize("exact", [False, True])
def test_catalogue(case, exact):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = newton_system(case.f, case.x0, jac=case.jac if exact else None)
    if "no root" in case.tags or case.name in MINIMUM:
        assert result.status is Status.STALLED
        return
    assert result.success
    assert case.is_root(result.x)
    if "several" not in case.tags:
        # The listed root is rounded itself.
        assert (np.abs(result.x - case.x) <= result.error + 4e-16 * np.abs(case.x)).all()


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=2), st.floats(0, 6.2))
def test_rotated_cubics(root, angle):
    """F(x) = R g(x - r) with g monotonic has one root, r, which damped Newton finds from everywhere."""
    r, c, s = np.array(root), np.cos(angle), np.sin(angle)

    def F(x):
        t = x - r
        return np.array([[c, -s], [s, c]]) @ (t + t**3)

    result = newton_system(F, r + np.array([2.0, -1.0]))
    assert result.success
    # Differences of F take steps of 6e-6, which costs Newton nothing but steps.
    assert (np.abs(result.x - r) <= result.error).all()
    assert (result.error < 1e-12).all()


@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(-8, 8))
def test_units_do_not_matter(log_x, log_y, log_f):
    a, b, k = 10.0**log_x, 10.0**log_y, 10.0**log_f

    def F(x):
        return circle_and_hyperbola(x / [a, b]) * [k, 1.0]

    def J(x):
        return circle_jacobian(x / [a, b]) * [[k], [1.0]] / [a, b]

    result = newton_system(F, [3.0 * a, 0.5 * b], jac=J)
    plain = newton_system(circle_and_hyperbola, [3.0, 0.5], jac=circle_jacobian)
    assert result.success
    np.testing.assert_allclose(result.x, [2 * a, b], rtol=1e-14)
    assert abs(result.nit - plain.nit) <= 1  # the last step may be lost in rounding


def test_counts_are_exact():
    calls = {"F": 0, "J": 0}

    def F(x):
        calls["F"] += 1
        return circle_and_hyperbola(x)

    def J(x):
        calls["J"] += 1
        return circle_jacobian(x)

    result = newton_system(F, [3.0, 0.5], jac=J)
    assert (result.nfev, result.njev) == (calls["F"], calls["J"])
    # Full steps all the way: F and J once at each point.
    assert result.nfev == result.njev == result.nit + 1
    assert (result.trace["damping"][1:] == 1).all()
    assert result.trace["x"].shape == (result.nit + 1, 2)
    calls["F"] = 0
    differences = newton_system(F, [3.0, 0.5])
    assert differences.nfev == calls["F"] == 5 * (differences.nit + 1)
    assert differences.njev == 0


def test_linear_system_takes_one_step():
    A, b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
    result = newton_system(lambda x: A @ x - b, [0.0, 0.0], jac=lambda x: A)
    assert result.nit == 1
    np.testing.assert_allclose(result.x, np.linalg.solve(A, b), rtol=1e-15)
    np.testing.assert_array_equal(result.jac, A)


def test_structures_come_back():
    def F(p):
        return np.concatenate([p["a"] ** 2 - [4.0, 9.0], [p["b"] - p["a"][0]]])

    result = newton_system(F, {"a": np.array([1.0, 1.0]), "b": 0.0})
    np.testing.assert_allclose(result.x["a"], [2, 3], rtol=1e-15)
    assert abs(result.x["b"] - 2) < 1e-15
    assert result.error["a"].shape == (2,)

    class Point(NamedTuple):
        x: np.ndarray
        y: np.ndarray

    named = newton_system(lambda p: [p.x - 1, p.y * p.x - 2], Point(np.array(0.5), np.array(0.5)))
    assert isinstance(named.x, Point)
    assert abs(named.x.y - 2) < 1e-14


def test_shapes_and_scalars():
    B = np.array([[4.0, 1.0], [1.0, 3.0]])
    result = newton_system(lambda X: X @ X - B, np.eye(2))
    assert result.x.shape == result.fun.shape == (2, 2)
    np.testing.assert_allclose(result.x @ result.x, B, rtol=1e-14)
    scalar = newton_system(lambda x: x**2 - 2, 1.0)
    assert isinstance(scalar.x, np.floating)
    assert isinstance(scalar.fun, np.floating)
    # A list of numbers is a value too.
    assert newton_system(lambda x: [x[0] - 1], [0]).x.tolist() == [1.0]


def test_dtypes():
    single = newton_system(lambda x: x**2 - 2, np.ones(2, dtype=np.float32))
    assert single.x.dtype == np.float32
    whole = newton_system(lambda x: x**2 - 4, np.array([1, 10]))
    assert whole.x.dtype == np.float64


def test_read_only_start():
    x0 = np.array([3.0, 0.5])
    x0.flags.writeable = False
    assert newton_system(circle_and_hyperbola, x0).success


def test_arguments_vectorized_and_workers():
    def F(x, a, *, b):
        return np.stack([x[0] ** 2 - a, x[1] ** 3 - b])

    options = {"args": (4.0,), "kwargs": {"b": 8.0}}
    plain = newton_system(F, [1.0, 1.0], **options)
    batch = newton_system(F, [1.0, 1.0], vectorized=True, **options)
    mapped = newton_system(F, [1.0, 1.0], workers=lambda f, values: [f(v) for v in values], **options)
    assert plain.x.tobytes() == batch.x.tobytes() == mapped.x.tobytes()
    np.testing.assert_allclose(plain.x, 2, rtol=1e-15)


def test_bounds_are_kept():
    seen = []

    def F(x):
        seen.append(x.copy())
        return np.array([np.sqrt(x[0]) - 0.1, x[0] + x[1] - 1])

    result = newton_system(F, [4.0, 0.5], bounds=(0.0, [5.0, 1.0]))
    np.testing.assert_allclose(result.x, [0.01, 0.99], rtol=1e-12)
    points = np.array(seen)
    assert (points >= 0).all()
    assert (points <= [5.0, 1.0]).all()


def test_held_variable_leaves_the_others_free():
    # Newton's step drives x[0] out of its bound at once; with it held, x[1] alone lowers the residual.
    with pytest.warns(ConvergenceWarning):
        result = newton_system(lambda x: np.array([x[0] + 1, x[1] - 3]), [0.0, 0.0], bounds=(0.0, 10.0))
    assert result.status is Status.STALLED
    np.testing.assert_allclose(result.x, [0.0, 3.0], atol=1e-8)
    assert np.isinf(result.error).all()


def test_singular_jacobian_at_the_start_is_left():
    # To first order both equations are the same here, J = [[1, 1], [1, 1]].
    result = newton_system(lambda x: np.sum(x) + x**2 - [3.0, 2.0], [0.0, 0.0])
    assert result.success
    np.testing.assert_allclose(np.sum(result.x) + result.x**2, [3, 2], rtol=1e-14)


def test_levenberg_marquardt_steps_show_in_the_trace():
    case = next(case for case in system_cases() if case.name == "overflow")
    result = newton_system(case.f, case.x0)
    assert result.success
    assert (result.trace["damping"][1:] == 0).any()


class TestFailures:
    def fails(self, F, x0, status, **options):
        with pytest.warns(ConvergenceWarning, match="newton_system") as record:
            result = newton_system(F, x0, **options)
        assert record[0].filename == __file__
        assert result.status is status
        assert not result.success
        with pytest.raises(ConvergenceError, match=str(status)[:20]):
            result.check()
        return result

    def test_minimum_above_zero(self):
        result = self.fails(
            lambda x: np.array([x[0] ** 2 + x[1] ** 2 + 1, x[0] - x[1]]), [1.0, 2.0], Status.STALLED
        )
        # |F| is 1 at the minimum; the run ends where ten steps have not lowered it by a thousandth each.
        assert 1 <= np.linalg.norm(result.fun) < 1.02

    def test_singular_and_stuck(self):
        # Between the two roots of x^2 - 1 the derivative vanishes, and |F| is greatest there.
        self.fails(lambda x: x**2 - 1, [0.0], Status.SINGULAR_JACOBIAN, jac=lambda x: np.diag(2 * x))

    def test_constant(self):
        self.fails(lambda x: 0 * x + 1, [0.0, 1.0], Status.SINGULAR_JACOBIAN)

    def test_slow_descent_to_no_root(self):
        result = self.fails(lambda x: np.exp(-x) + 1, [0.0], Status.STALLED)
        assert result.nit < 100

    def test_iteration_limit(self):
        result = self.fails(circle_and_hyperbola, [30.0, 5.0], Status.MAX_ITERATIONS, max_iterations=2)
        assert result.nit == 2
        # The trace scales the norm, which may round the last digit differently.
        assert np.linalg.norm(result.fun) == pytest.approx(result.trace["residual"].min(), rel=1e-14)

    def test_start_without_a_value(self):
        result = self.fails(lambda x: x * np.nan, [1.0], Status.NON_FINITE_START)
        assert (result.nfev, result.njev) == (1, 0)
        self.fails(lambda x: x, [1.0], Status.NON_FINITE_START, jac=lambda x: np.full((1, 1), np.nan))

    def test_jacobian_without_a_value(self):
        self.fails(
            lambda x: x**2 - 4,
            [1.0],
            Status.NON_FINITE,
            jac=lambda x: np.where(x > 2, np.nan, 2 * x)[:, None],
        )

    def test_noise_is_precision(self):
        def F(x):
            return x**3 - 2 + 1e-9 * np.sin(1e13 * x)

        result = newton_system(F, [1.0], jac=lambda x: 3 * x[:, None] ** 2)
        assert result.status is Status.CONVERGED_TO_PRECISION
        assert abs(result.x[0] - np.cbrt(2.0)) < 1e-8


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "error", "text"),
        [
            ({"F": 1.0}, TypeError, "`F` must be callable"),
            ({"jac": 1.0}, TypeError, "`jac` must be callable"),
            ({"x0": []}, ValueError, "`x0` is empty"),
            ({"x0": [np.nan]}, ValueError, "`x0` must be finite, got nan at index 0"),
            ({"x0": [1j]}, TypeError, "`x0\\S* is complex"),
            ({"bounds": (1.0, 0.0)}, ValueError, "`bounds` are crossed"),
            ({"scheme": 3}, TypeError, "`scheme` must be a name or a scheme"),
            ({"max_iterations": -1}, ValueError, "`max_iterations` must be at least 1"),
        ],
    )
    def test_before_the_first_call(self, options, error, text):
        def boom(x):
            raise AssertionError

        arguments = {"F": boom, "x0": [0.0]} | options
        with pytest.raises(error, match=text):
            newton_system(arguments.pop("F"), arguments.pop("x0"), **arguments)

    def test_number_of_equations(self):
        with pytest.raises(EvaluationError, match="`F` must return as many numbers as x has, 2, got 3"):
            newton_system(lambda x: np.ones(3), [0.0, 0.0])

    def test_shape_of_the_jacobian(self):
        with pytest.raises(EvaluationError, match="`jac` must return shape \\(2, 2\\)"):
            newton_system(lambda x: x - 1, [0.0, 0.0], jac=lambda x: np.ones(3))

    def test_complex_values(self):
        with pytest.raises(EvaluationError, match="must return real numbers"):
            newton_system(lambda x: x + 1j, [0.0])


def test_card_and_json():
    result = newton_system(circle_and_hyperbola, [3.0, 0.5])
    assert "CONVERGED: Converged" in repr(result)
    assert result.message == str(Status.CONVERGED)
    assert json.loads(result.to_json())["status"] == "CONVERGED"
    structured = newton_system(lambda p: [p["a"] - 1], {"a": 0.0})
    assert "'a'" in repr(structured)


def test_progress_bar():
    pytest.importorskip("tqdm")
    assert newton_system(circle_and_hyperbola, [3.0, 0.5], progress=True).success


def test_error_at_a_singular_root():
    # Double in both directions: rounding of size eps moves such a root by sqrt(eps).
    for F in (lambda x: (x - [1.0, 2.0]) ** 2, lambda x: np.array([np.sum(x) - 3, np.prod(x - [1.0, 2.0])])):
        result = newton_system(F, [2.0, 4.0])
        assert result.success
        assert (np.abs(result.x - [1, 2]) <= result.error).all()
        assert (result.error < 1e-6).all()


def test_a_residual_whose_norm_overflows_is_no_root():
    # 1e300 swallows every difference of x, so that J = 0; the squares of F overflow.
    with pytest.warns(ConvergenceWarning):
        lost = newton_system(lambda x: x - 1e300, [1.0, 2.0])
    assert not lost.success
    assert lost.status is Status.SINGULAR_JACOBIAN
    result = newton_system(lambda x: x - np.array([1e300, 5.0]), [1.0, 2.0], jac=lambda x: np.eye(2))
    assert result.success
    np.testing.assert_allclose(result.x, [1e300, 5.0], rtol=1e-15)


@pytest.mark.parametrize(
    ("F", "x0", "jac", "success"),
    [
        (lambda x: 1e200 + 1e-200 * x, [1.0, 2.0], lambda x: 1e-200 * np.eye(2), False),
        (lambda x: x / 1e308 - 1, [-1.7e308, 1.7e308], None, True),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning", "ignore::calcml.errors.ConvergenceWarning")
def test_numbers_near_the_ends_of_the_range_give_no_numpy_warnings(F, x0, jac, success):
    assert newton_system(F, x0, jac=jac).success is success


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_error_covers_the_rounding_of_x_to_its_dtype(dtype):
    result = newton_system(lambda x: x * x - 2, np.ones(2, dtype))
    assert result.x.dtype == dtype
    assert np.all(np.abs(result.x.astype(float) - np.sqrt(2)) <= result.error)
    # Half a rounding of 1.4, and nothing besides.
    assert np.all(result.error <= np.finfo(dtype).eps)


def test_error_covers_the_rounding_of_one_leaf_among_wider_ones():
    result = newton_system(
        lambda p: [p["a"] ** 2 - 2, p["b"] ** 2 - 2], {"a": np.ones((), np.float32), "b": 1.0}
    )
    assert abs(float(result.x["a"]) - np.sqrt(2)) <= result.error["a"]
    assert result.error["b"] < 1e-14


def test_longdouble_keeps_its_digits():
    two = np.longdouble(2)
    result = newton_system(lambda x: x * x - two, np.ones(2, np.longdouble))
    assert result.x.dtype == np.longdouble
    # Linear algebra in float64 gives the step, F in longdouble what is left of it.
    assert np.all(np.abs(result.x - np.sqrt(two)) <= 4 * np.finfo(np.longdouble).eps)


def test_equal_bounds_leave_no_room_for_differences():
    with pytest.warns(ConvergenceWarning, match="bounds leave no room"):
        result = newton_system(lambda x: x * x - 2, [1.0, 2.0], bounds=([1.0, 2.0], [3.0, 2.0]))
    assert result.status is Status.NO_ROOM


def test_a_complex_jacobian_is_refused():
    with pytest.raises(EvaluationError, match="`jac` must return real numbers, got complex128"):
        newton_system(lambda x: x - 1, [1.5, 2.0], jac=lambda x: np.eye(2) + 0j)
