"""`taylor`, `maclaurin`, `linearize`: coefficients against exact ones, with honest errors."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

from calcml._status import Status
from calcml.differentiate.derivative import estimate_derivative
from calcml.differentiate.gradient import estimate_gradient
from calcml.differentiate.hessian import estimate_hessian
from calcml.errors import AccuracyWarning, EvaluationError
from calcml.schemes.central import Central
from calcml.series import TaylorSeries, linearize, maclaurin, taylor
from calcml.series._directions import directions
from calcml.series._monomials import count, exponents, monomials

EPS = np.finfo(float).eps

# Functions with their Taylor coefficients at the center.
KNOWN = {
    "exp": (np.exp, 0.0, lambda k: 1 / math.factorial(k)),
    "exp at 1": (np.exp, 1.0, lambda k: math.e / math.factorial(k)),
    "sin": (np.sin, 0.0, lambda k: [0, 1, 0, -1][k % 4] / math.factorial(k)),
    "geometric": (lambda x: 1 / (1 - x / 2), 0.0, lambda k: 0.5**k),
    "logarithm": (np.log1p, 0.0, lambda k: 0.0 if k == 0 else -((-1.0) ** k) / k),
    "square root": (np.sqrt, 4.0, lambda k: 2 * math.prod((0.5 - j) / (j + 1) for j in range(k)) * 0.25**k),
}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("scheme", ["adaptive", "central"])
def test_coefficients_are_within_their_errors(name, scheme):
    f, x0, exact = KNOWN[name]
    series = taylor(f, x0, 5, scheme=scheme)
    c = np.array([exact(k) for k in range(6)])
    assert (np.abs(series.coefficients - c) <= series.error + 4 * EPS * np.abs(c)).all()
    assert series.success
    assert series.coefficients[0] == f(x0)
    assert series(x0) == f(x0)


def test_adaptive_coefficients_are_accurate():
    series = maclaurin(lambda x: np.exp(np.sin(x)), 4)
    # exp(sin x) = 1 + x + x^2/2 - x^4/8 + ...
    np.testing.assert_allclose(series.coefficients, [1, 1, 0.5, 0, -0.125], atol=1e-9)
    assert (series.error < 1e-8).all()


# Numbers with three decimals: coefficients of 1e-300 ask about underflow, not about series.
def decimals(bound):
    return st.integers(-1000 * bound, 1000 * bound).map(lambda k: k / 1000)


@given(st.lists(decimals(5), min_size=1, max_size=5), decimals(2))
def test_series_of_a_polynomial_is_the_polynomial(coefficients, x0):
    p = Polynomial(coefficients)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        series = taylor(p, x0, len(coefficients) - 1)
    exact = np.array([p.deriv(k)(x0) / math.factorial(k) if k else p(x0) for k in range(len(coefficients))])
    # Rounding of p itself, with terms of up to 5 * 2^4, is in the error; that of the exact values is not.
    slack = 100 * EPS * np.sum(np.abs(coefficients)) * (1 + abs(x0)) ** 4
    assert (np.abs(series.coefficients - exact) <= series.error + slack).all()
    x = x0 + 0.5
    assert abs(series(x) - p(x)) <= series.remainder(x) + slack


@given(st.integers(1, 3), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_polynomials_of_several_variables(n, degree, seed):
    rng = np.random.default_rng(seed)
    table = exponents(n, degree)
    c, x0 = rng.uniform(-2, 2, len(table)), rng.uniform(-2, 2, n)

    def p(x):
        return (monomials(table, np.asarray(x - x0)[None, :]) @ c)[0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        series = taylor(p, x0, degree)
    np.testing.assert_array_equal(series.exponents, table)
    # Rounding of p: a sum of up to 15 terms of size 2.
    assert (np.abs(series.coefficients - c) <= series.error + 1e-13).all()


def test_several_variables_against_derivatives():
    def f(x):
        return np.exp(x[0] * x[1]) + np.sin(x[2])

    x0 = [0.3, 0.2, 0.1]
    series = taylor(f, x0, 2)
    gradient, hessian = estimate_gradient(f, x0), estimate_hessian(f, x0)
    assert series.coefficients[0] == f(x0)
    assert (np.abs(series.coefficients[1:4] - gradient.value) <= series.error[1:4] + gradient.error).all()
    for row, (i, j) in enumerate([(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]):
        times = 2 if i == j else 1
        distance = abs(times * series.coefficients[4 + row] - hessian.value[i, j])
        assert distance <= times * series.error[4 + row] + hessian.error[i, j]


def test_derivative_of_the_series_is_the_derivative():
    series = taylor(np.exp, 0.5, 4)
    for k in range(1, 5):
        estimate = estimate_derivative(np.exp, 0.5, k)
        value = math.factorial(k) * series.coefficients[k]
        assert abs(value - estimate.value) <= math.factorial(k) * series.error[k] + estimate.error


def test_higher_degree_in_many_variables():
    x0 = np.zeros(5)
    series = taylor(lambda x: np.exp(x @ np.arange(1.0, 6.0) / 5), x0, 3)
    v = np.arange(1.0, 6.0) / 5
    exact = [
        np.prod(v**alpha) / np.prod([math.factorial(a) for a in alpha.tolist()]) for alpha in series.exponents
    ]
    assert (np.abs(series.coefficients - exact) <= series.error + EPS).all()
    assert (series.error < 1e-8).all()


def test_variables_of_different_size():
    # Directions are measured in units of |x0|: the small variable is not lost beside the large one.
    series = taylor(lambda x: (x[0] / 1e6) ** 2 * x[1], [1e6, 2.0], 2)
    np.testing.assert_allclose(series.coefficients, [2, 4e-6, 1, 2e-12, 2e-6, 0], rtol=1e-8, atol=1e-9)


def test_matrix_of_variables():
    series = taylor(lambda X: X[0, 0] * X[1, 1] - X[0, 1] * X[1, 0], np.eye(2), 2)
    X = np.array([[1.2, 0.3], [-0.1, 0.7]])
    assert abs(series(X) - np.linalg.det(X)) < 1e-10
    assert series(np.stack([X, np.eye(2)])).shape == (2,)


def test_one_element_vector_is_several_variables():
    series = taylor(lambda x: x[0] ** 2, [1.0], 2)
    assert series.center.shape == (1,)
    assert series([3.0]) == pytest.approx(9, abs=1e-9)
    assert str(series) == "1 + 2 (x[0] - 1) + (x[0] - 1)^2 + O((x[0] - 1)^3)"


def test_evaluation_counts():
    calls = []

    def f(x):
        calls.append(x)
        return np.sin(x)

    # Degrees 1 to 4: two beyond the polynomial.  Central differences of order 2 and the formula that judges
    # them take 4, 4, 6 and 6 points beside the center.
    series = maclaurin(f, 2, scheme="central")
    assert series.nfev == len(calls)
    expected = 1 + 4 + 4 + 6 + 6
    assert series.nfev == expected
    calls.clear()
    assert linearize(f, 0.0, scheme=Central()).nfev == len(calls) == 5


def test_degree_zero():
    series = taylor(np.exp, 1.0, 0)
    assert series.coefficients.tolist() == [np.exp(1.0)]
    assert str(series) == "2.7182818 + O((x - 1))"
    assert series([1.0, 2.0]).tolist() == [np.exp(1.0)] * 2


def test_options_are_passed_on():
    def f(x, a, *, b):
        assert np.all(x >= 0)
        return a * x**2 + b

    series = taylor(f, 0.0, 2, args=(3.0,), kwargs={"b": 1.0}, bounds=(0.0, 1.0))
    np.testing.assert_allclose(series.coefficients, [1, 0, 3], atol=1e-9)
    batch = taylor(lambda x: x[0] ** 2 + x[1], [1.0, 2.0], 2, vectorized=True)
    plain = taylor(lambda x: x[0] ** 2 + x[1], [1.0, 2.0], 2)
    mapped = taylor(lambda x: x[0] ** 2 + x[1], [1.0, 2.0], 2, workers=lambda g, v: [g(p) for p in v])
    assert plain.coefficients.tobytes() == mapped.coefficients.tobytes()
    np.testing.assert_allclose(batch.coefficients, plain.coefficients, rtol=1e-12, atol=1e-12)


def test_directions_are_reproducible():
    f = lambda x: np.exp(x[0] - x[1])
    one, two = (taylor(f, [0.0, 0.0], 3) for _ in range(2))
    other = taylor(f, [0.0, 0.0], 3, rng=7)
    assert one.coefficients.tobytes() == two.coefficients.tobytes() != other.coefficients.tobytes()
    generator = taylor(f, [0.0, 0.0], 3, rng=np.random.default_rng(7))
    assert generator.coefficients.tobytes() == other.coefficients.tobytes()


@pytest.mark.parametrize(("n", "degree"), [(2, 12), (3, 8), (5, 4)])
def test_least_squares_is_well_conditioned(n, degree):
    vectors = directions(np.ones(n), degree, 0)
    table = exponents(n, degree)[count(n, degree - 1) :]
    norm = [
        math.sqrt(math.factorial(degree) / np.prod([math.factorial(a) for a in row]))
        for row in table.tolist()
    ]
    assert np.linalg.cond(monomials(table, vectors) * norm) < 150


def test_read_only_and_integer_centers():
    x0 = np.array([1, 2])
    x0.flags.writeable = False
    series = taylor(lambda x: x[0] * x[1], x0, 2)
    assert series.center.dtype == np.float64
    np.testing.assert_allclose(series.coefficients, [2, 2, 1, 0, 1, 0], atol=1e-10)


def test_float32_center():
    series = taylor(lambda x: x**2, np.float32(1.5), 2)
    assert (np.abs(series.coefficients - [2.25, 3, 1]) <= series.error + 1e-6).all()


class TestLinearize:
    def test_vector_valued(self):
        def f(x):
            return np.array([[x[0] * x[1], x[0] + x[1], np.sin(x[0])]])

        line = linearize(f, [1.0, 2.0])
        assert isinstance(line, TaylorSeries)
        assert line.coefficients.shape == line.error.shape == (3, 1, 3)
        np.testing.assert_array_equal(line([1.0, 2.0]), f([1.0, 2.0]))
        np.testing.assert_allclose(line.coefficients[1:, 0].T, [[2, 1], [1, 1], [np.cos(1.0), 0]], atol=1e-12)
        assert line(np.zeros((4, 2))).shape == (4, 1, 3)

    def test_scalar(self):
        line = linearize(np.exp, 0.0)
        assert line(1.0) == pytest.approx(2.0, abs=1e-12)
        assert str(line) == "1 + x + O(x^2)"
        assert "1 + x" in repr(line)

    def test_remainder_is_unknown(self):
        with pytest.raises(ValueError, match="use `taylor\\(f, x0, 1\\)` instead"):
            linearize(np.exp, 0.0).remainder(0.1)
        assert taylor(np.exp, 0.0, 1).remainder(0.1) > 0

    def test_remainder_of_degree_one_in_two_variables(self):
        f = lambda x: np.exp(x[0]) * np.cos(x[1])
        series = taylor(f, [0.0, 0.0], 1)
        x = np.array([0.05, -0.1])
        assert abs(series(x) - f(x)) <= series.remainder(x) < 0.1


class TestRefusals:
    @pytest.mark.parametrize(
        ("call", "error", "text"),
        [
            (lambda f: taylor(3.0, 0.0, 2), TypeError, "`f` must be callable"),
            (lambda f: taylor(f, 0.0, 1.5), TypeError, "`degree` must be an integer, got 1.5"),
            (lambda f: taylor(f, 0.0, True), TypeError, "`degree` must be an integer"),
            (lambda f: taylor(f, 0.0, -1), ValueError, "`degree` must be at least 0, got -1"),
            (lambda f: maclaurin(f, -1), ValueError, "`degree` must be at least 0"),
            (lambda f: taylor(f, [], 1), ValueError, "`x0` is empty"),
            (lambda f: taylor(f, [0.0, np.inf], 1), ValueError, "`x0` must be finite, got inf at index 1"),
            (
                lambda f: taylor(f, {"a": 1.0}, 1),
                TypeError,
                "`x0` must be a number or an array for a series, got dict",
            ),
            (lambda f: linearize(f, 1j), TypeError, "is complex"),
            (lambda f: taylor(f, 0.0, 1, scheme="best"), ValueError, "`scheme` must be one of"),
            (lambda f: taylor(f, 0.0, 1, bounds=(1.0, 2.0)), ValueError, "must lie within `bounds`"),
        ],
    )
    def test_before_the_first_call(self, call, error, text):
        def boom(x):
            raise AssertionError

        with pytest.raises(error, match=text):
            call(boom)

    def test_values(self):
        with pytest.raises(
            EvaluationError, match="`taylor` needs an f that returns one number, got shape \\(2,\\)"
        ):
            taylor(lambda x: np.array([x, x]), 0.0, 1)
        with pytest.raises(EvaluationError, match="`maclaurin` needs an f that returns one number"):
            maclaurin(lambda x: [x, x], 1)
        with pytest.raises(EvaluationError, match="`f` must return real numbers, got complex128"):
            linearize(lambda x: x + 1j, 0.0)

    def test_not_finite(self):
        def f(x):
            with np.errstate(all="ignore"):
                return np.log(x)

        series = taylor(f, 0.0, 2)
        assert series.status[0] == Status.NON_FINITE
        assert not series.success
        several = taylor(lambda x: f(x[0]), [-1.0, 1.0], 2)
        assert (several.status == Status.NON_FINITE).all()
        assert np.isnan(several.coefficients).all()

    def test_lost_digits_warn(self):
        with pytest.warns(
            AccuracyWarning, match="`maclaurin`: .* of 13 coefficients have fewer than two digits"
        ) as record:
            series = maclaurin(lambda x: np.exp(3 * x), 12, scheme="central")
        assert record[0].filename == __file__
        assert not series.success
