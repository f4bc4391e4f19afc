"""The series object: evaluation, algebra, remainder, text."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

from calcml.series import TaylorSeries, linearize, maclaurin, taylor
from calcml.series._monomials import exponents, multiply
from calcml.series._text import series_text

EPS = np.finfo(float).eps


def make(coefficients, center=0.0, error=0.0, majorant=True):
    """Return a series of one variable with given coefficients."""
    c = np.array(coefficients, dtype=float)
    return TaylorSeries(
        center=np.float64(center),
        degree=len(c) - 1,
        coefficients=c,
        error=np.full(len(c), float(error)),
        status=np.zeros(len(c), dtype=np.int8),
        majorant=np.append(np.abs(c) + error, [1.0, 1.0]) if majorant else None,
        scale=np.ones(1),
        nfev=1,
    )


def make_many(n, degree, seed):
    rng = np.random.default_rng(seed)
    c = rng.uniform(-2, 2, len(exponents(n, degree)))
    return TaylorSeries(
        center=np.zeros(n),
        degree=degree,
        coefficients=c,
        error=np.full(len(c), 1e-12),
        status=np.zeros(len(c), dtype=np.int8),
        majorant=np.ones(degree + 3),
        scale=np.ones(n),
        nfev=1,
    )


EXP = maclaurin(np.exp, 6)
SIN = maclaurin(np.sin, 6)
lists = st.lists(st.floats(-3, 3), min_size=1, max_size=6)


def test_points_of_any_shape():
    x = np.linspace(-0.1, 0.1, 6).reshape(2, 3)
    assert EXP(x).shape == EXP.remainder(x).shape == (2, 3)
    assert isinstance(EXP(0.1), np.floating)
    np.testing.assert_allclose(EXP(x), np.exp(x), rtol=1e-10)
    assert EXP(1) == pytest.approx(math.e, abs=1e-3)
    assert EXP([]).shape == (0,)


@pytest.mark.parametrize("x", [-1.0, -0.3, 0.1, 0.7, 1.5])
@pytest.mark.parametrize(
    "case",
    [
        (np.exp, EXP),
        (np.sin, SIN),
        (np.cos, SIN.derivative()),
        (lambda x: 1 - np.cos(x), SIN.integral()),
        (lambda x: np.exp(x) * np.sin(x), EXP * SIN),
        (lambda x: np.exp(x) - 2 * np.sin(x) + 1, EXP - 2 * SIN + 1),
        (lambda x: np.exp(np.sin(x)), EXP.compose(SIN)),
        (np.log1p, maclaurin(np.log1p, 8)),
    ],
    ids=["exp", "sin", "derivative", "integral", "product", "sum", "composition", "log"],
)
def test_remainder_covers_the_difference(case, x):
    f, series = case
    if f is np.log1p and x == -1.0:
        return  # where the logarithm is infinite
    assert abs(series(x) - f(x)) <= series.remainder(x)


def test_remainder_is_infinite_where_the_terms_grow():
    assert maclaurin(np.log1p, 8).remainder(1.5) == np.inf
    assert make([0.0, 1.0, 0.0]).remainder(0.0) == 0


def test_remainder_is_no_worse_than_needed():
    # exp: the next term is x^7/5040; two terms and a geometric rest are within a factor of two at x = 1.
    assert 1 / 5040 < EXP.remainder(1.0) < 2 * (np.e - sum(1 / math.factorial(k) for k in range(7)))
    # sin, of which every other term vanishes.
    assert abs(np.sin(0.5) - SIN(0.5)) <= SIN.remainder(0.5) < 1.2 * 0.5**7 / 5040


def test_remainder_in_two_variables():
    f = lambda x: np.exp(x[..., 0] * np.cos(x[..., 1]))
    series = taylor(f, [0.2, 0.1], 4)
    rng = np.random.default_rng(0)
    x = np.array([0.2, 0.1]) + rng.uniform(-0.2, 0.2, (200, 2))
    assert (np.abs(series(x) - f(x)) <= series.remainder(x)).all()
    assert series.remainder(x).max() < 1e-2


@given(lists, lists, st.floats(-1, 1))
def test_algebra_agrees_with_polynomials(a, b, x0):
    p, q = make(a, x0), make(b, x0)
    P, Q, degree = Polynomial(a), Polynomial(b), min(len(a), len(b)) - 1

    def cut(polynomial):
        return np.resize(np.append(polynomial.coef, np.zeros(degree + 1)), degree + 1)

    for series, exact in ((p + q, P + Q), (p - q, P - Q), (p * q, P * Q)):
        assert series.degree == degree
        np.testing.assert_allclose(series.coefficients, cut(exact), rtol=1e-13, atol=1e-13)
    one = np.eye(len(a))[0]  # NumPy's own sums lose zeros at the end
    np.testing.assert_allclose((2 * p - 1).coefficients, 2 * np.array(a) - one, atol=1e-15)
    np.testing.assert_allclose((1 - p).coefficients, one - a, atol=1e-15)
    np.testing.assert_allclose((-p).coefficients, (-P).coef)
    np.testing.assert_allclose(p.integral().coefficients[1:], P.coef / np.arange(1, len(a) + 1), atol=1e-15)
    np.testing.assert_allclose(p.integral().derivative().coefficients, a, atol=1e-15)
    assert p.integral().coefficients[0] == 0


@given(st.integers(1, 3), st.integers(0, 4), st.integers(0, 1000))
def test_products_of_several_variables(n, degree, seed):
    p, q = make_many(n, degree, seed), make_many(n, degree, seed + 1)
    # At t x the parts beyond the degree vanish as t^(degree + 1).
    x = np.random.default_rng(seed).uniform(-1, 1, n) * 1e-3
    # Rounding of numbers up to 4 is there as well.
    assert abs((p * q)(x) - p(x) * q(x)) <= 1e3 * np.linalg.norm(x) ** (degree + 1) + 1e-14
    assert abs((p + q)(x) - p(x) - q(x)) <= 1e-14


@given(st.integers(2, 3), st.integers(1, 4), st.integers(0, 1000))
def test_partial_derivatives_and_integrals(n, degree, seed):
    p = make_many(n, degree, seed)
    x, h = np.random.default_rng(seed).uniform(-1, 1, n), 1e-6
    for i in range(n):
        step = h * np.eye(n)[i]
        slope = (p(x + step) - p(x - step)) / (2 * h)
        # Truncation h^2 and rounding eps / h of the difference.
        assert p.derivative(i)(x) == pytest.approx(slope, abs=1e-7)
        np.testing.assert_allclose(p.integral(i).derivative(i).coefficients, p.coefficients, rtol=1e-15)
        x0 = x.copy()
        x0[i] = 0.0
        assert p.integral(i)(x0) == pytest.approx(0, abs=1e-15)


def test_variable_by_index():
    series = taylor(lambda X: X[0, 0] * X[1, 0] ** 2, np.ones((2, 1)), 3)
    X = np.array([[1.5], [0.5]])
    assert series.derivative((1, 0))(X) == pytest.approx(2 * 1.5 * 0.5, abs=1e-8)
    for method in (series.derivative, series.integral):
        with pytest.raises(ValueError, match="name the `variable`"):
            method()
        with pytest.raises(
            ValueError, match=r"`variable` must be an index into x of shape \(2, 1\), got \(7, 0\)"
        ):
            method((7, 0))
        with pytest.raises(ValueError, match="`variable` must be an index"):
            method(0)


def test_errors_are_propagated():
    a, b = make([1, 2, 3], error=1e-6), make([4, -5, 6], error=1e-5)
    np.testing.assert_allclose((a + b).error, 1.1e-5, rtol=1e-6)
    np.testing.assert_allclose((3 * a).error, 3e-6, rtol=1e-6)
    # |a| db + da |b|: the constant term is 1 * 1e-5 + 1e-6 * 4.
    assert (a * b).error[0] == pytest.approx(1.4e-5, rel=1e-4)
    assert (a * b).error[2] == pytest.approx(6e-5 + 15e-6, rel=1e-4)
    np.testing.assert_allclose(a.derivative().error, [1e-6, 2e-6])
    np.testing.assert_allclose(a.integral().error, [0, 1e-6, 5e-7, 1e-6 / 3])


@given(lists, st.lists(st.floats(-1, 1), min_size=2, max_size=6))
def test_composition(a, b):
    inner = make([0.5, *b])
    outer = make(a, center=0.5)
    composed = outer.compose(inner)
    degree = min(len(a) - 1, len(b))
    assert composed.degree == degree
    P = Polynomial(a)(Polynomial([0.0, *b]))
    exact = np.append(P.coef, np.zeros(degree + 1))[: degree + 1]
    np.testing.assert_allclose(composed.coefficients, exact, rtol=1e-12, atol=1e-12)


def test_composition_with_several_variables():
    inner = taylor(lambda x: x[0] * x[1], [0.0, 0.0], 4)
    composed = EXP.compose(inner)
    x = np.array([0.2, -0.3])
    assert abs(composed(x) - np.exp(x[0] * x[1])) <= composed.remainder(x)
    assert composed.compose.__self__.variables == 2


def test_composition_is_refused():
    with pytest.raises(ValueError, match="they must agree"):
        EXP.compose(make([1.0, 1.0]))
    two = make_many(2, 2, 0)
    with pytest.raises(ValueError, match="`compose` needs a function of one variable"):
        two.compose(SIN)
    with pytest.raises(ValueError, match="`compose` needs"):
        EXP.compose(linearize(lambda x: np.array([x, x]), 0.0))


def test_operands_are_refused():
    with pytest.raises(ValueError, match="the series must have the same center, got 0.0 and 1.0"):
        EXP + taylor(np.exp, 1.0, 2)
    for other in ("a", 1j, [1.0], True):
        for operation in (lambda o: EXP + o, lambda o: EXP * o, lambda o: EXP - o, lambda o: o + EXP):
            with pytest.raises(TypeError):
                operation(other)
    pair = linearize(lambda x: np.array([x, 2 * x]), 0.0)
    with pytest.raises(ValueError, match="cannot be multiplied"):
        pair * linearize(np.exp, 0.0)


def test_vector_valued_series_add_and_multiply():
    pair = linearize(lambda x: np.array([1 + x, 2 - x]), 0.0)
    np.testing.assert_allclose((pair + pair).coefficients, [[2, 4], [2, -2]], atol=1e-12)
    np.testing.assert_allclose((pair * pair).coefficients, [[1, 4], [2, -4]], atol=1e-12)
    np.testing.assert_allclose(pair.derivative().coefficients, [[1, -1]], atol=1e-12)
    assert (pair * 2).majorant is None
    assert (pair + 1).integral().majorant is None


def test_unknown_remainders_stay_unknown():
    known, unknown = make([0.0, 1.0]), make([0.0, 1.0], majorant=False)
    for series in (known + unknown, known * unknown, known.compose(unknown), unknown.derivative()):
        with pytest.raises(ValueError, match="next terms of this series are not known"):
            series.remainder(0.1)


def test_derivative_ends():
    with pytest.raises(ValueError, match="a series of degree 0 has no derivative"):
        make([1.0]).derivative()


def test_shape_of_points():
    with pytest.raises(
        ValueError, match=r"`x` must have shape \(..., 2\), that of the center last, got \(3,\)"
    ):
        make_many(2, 1, 0)(np.zeros(3))
    with pytest.raises(ValueError, match="`x` must have shape"):
        make_many(2, 1, 0)(0.0)
    with pytest.raises(TypeError, match="complex"):
        EXP(1j)


def test_conversion_to_numpy():
    series = taylor(lambda x: (x - 2) ** 3, 1.0, 3)
    polynomial = series.to_polynomial()
    np.testing.assert_allclose(polynomial.coef, [-8, 12, -6, 1], atol=1e-8)
    with pytest.raises(ValueError, match="`to_polynomial` needs a scalar function of one variable"):
        make_many(2, 1, 0).to_polynomial()


class TestText:
    def test_terms(self):
        series = make([1 / math.factorial(k) for k in range(5)])
        assert str(series) == "1 + x + 0.5 x^2 + 0.16666667 x^3 + 0.041666667 x^4 + O(x^5)"
        assert str(EXP).startswith("1 + x + 0.5 x^2 + 0.16666667 x^3 + 0.04166666")
        assert str(make([0, -1, 0, 2.5])) == "-x + 2.5 x^3 + O(x^4)"
        assert str(make([-2.0, -1.0])) == "-2 - x + O(x^2)"
        assert str(make([0.0])) == "0 + O(x)"

    def test_center(self):
        assert str(make([1, 1, -1], center=1.5)) == "1 + (x - 1.5) - (x - 1.5)^2 + O((x - 1.5)^3)"
        assert str(make([0, 2.0], center=-2)) == "2 (x + 2) + O((x + 2)^2)"

    def test_rounding_to_the_errors(self):
        text = series_text(
            np.array([1.23456789, 0.98765, 1e-9, 123.0]), np.array([1e-3, 0.2, 1e-8, 50.0]),
            exponents(1, 3), np.array(0.0), 3,
        )  # fmt: skip
        assert text == "1.235 + x + 1.2e+02 x^3 + O(x^4)"

    def test_long_ones_are_cut(self):
        assert str(make(np.arange(1.0, 20.0))).endswith("12 x^11 + ... + O(x^19)")

    def test_no_value(self):
        assert str(make([np.nan, 1.0])) == "nan + x + O(x^2)"

    def test_several_variables(self):
        series = taylor(lambda x: 1 + x[0] * x[1] - 3 * x[1], [0.0, 0.0], 2)
        assert str(series) == "1 - 3 x[1] + x[0] x[1] + O(|x - center|^3)"

    def test_vector_values_and_cards(self):
        pair = linearize(lambda x: np.array([x, 2 * x]), 0.0)
        assert str(pair) == repr(pair)
        assert repr(pair).startswith("Taylor series")
        assert "series: 1 + x" in repr(EXP)
        assert "<table>" in EXP._repr_html_()
        assert json.loads(EXP.to_json())["degree"] == 6
        assert EXP.check() is EXP


def test_product_table_of_one_variable_is_convolution():
    a, b = np.arange(1.0, 5.0)[:, None], np.arange(2.0, 6.0)[:, None]
    np.testing.assert_array_equal(multiply(a, b, 1, 3)[:, 0], np.convolve(a[:, 0], b[:, 0])[:4])


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_overflow_gives_infinity_and_no_numpy_warnings():
    series = maclaurin(np.exp, 3)
    assert series(1e200) == np.inf
    assert series.remainder(1e200) == np.inf
    assert np.all((series * 1e308 * 1e308).coefficients[:2] == np.inf)


@pytest.mark.parametrize("inner", ["x", np.sin])
def test_compose_refuses_what_is_no_series(inner):
    with pytest.raises(TypeError, match="`inner` must be a TaylorSeries"):
        maclaurin(np.exp, 2).compose(inner)


def test_compose_refuses_an_outer_series_of_several_values():
    outer = linearize(lambda x: np.array([x, 2 * x]), 0.0)
    with pytest.raises(ValueError, match="one variable with one value"):
        outer.compose(maclaurin(np.sin, 2))


@pytest.mark.parametrize("f", [np.log1p, lambda x: np.sqrt(1 + x), lambda x: (1 + x) ** -0.5])
@pytest.mark.parametrize("degree", [1, 2, 4])
def test_remainder_covers_a_branch_point_whose_terms_fall_ever_more_slowly(f, degree):
    series = maclaurin(f, degree)
    # Half the radius of convergence, on the side of the singularity as well.
    x = np.array([-0.5, -0.3, -0.1, -0.01, 0.1, 0.3, 0.5])
    assert np.all(np.abs(series(x) - f(x)) <= series.remainder(x))


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_remainder_covers_directions_between_the_lines(degree):
    def f(x):
        return np.exp(x[0] - 0.5 * x[1]) * np.cos(x[1] + x[2])

    center = np.array([0.2, 0.5, -0.3])
    series = taylor(f, center, degree)
    rng = np.random.default_rng(0)
    v = rng.standard_normal((200, 3))
    for r in (0.01, 0.1, 0.5):
        points = center + r * v / np.linalg.norm(v, axis=1, keepdims=True)
        exact = np.array([f(p) for p in points])
        assert np.all(np.abs(series(points) - exact) <= series.remainder(points))


def test_composition_keeps_the_error_of_the_last_coefficient():
    outer, inner = taylor(np.exp, 0.0, 3), taylor(np.sin, 0.0, 3)
    series = outer.compose(inner)
    # c_3 of the outer series meets the cube of a slope of 1.
    assert series.error[3] >= outer.error[3]
    assert (np.abs(series.coefficients - [1, 1, 0.5, 0]) <= series.error).all()
