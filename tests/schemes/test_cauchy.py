"""Cauchy's integral: digits, honesty, the radius itself, evaluations, and what it refuses."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml._parameters import check_bounds, flatten
from calcml.schemes import _cauchy_circle, cauchy
from calcml.schemes._cauchy_circle import Circle, sample
from calcml.schemes._cauchy_table import Table, over_power
from calcml.schemes.cauchy import Cauchy
from calcml.schemes.steps import Fixed
from calcml.testing import derivative_cases, digits, honest, scaled

EPS = np.finfo(float).eps


def lines_of(f, x):
    return ElementwiseLines(Function(f, None), np.asarray(x))


def circle_of(f, x, radius, points=16):
    lines = lines_of(f, float(x))
    shape = lines.origin().shape
    return sample(lines, np.array([0]), np.array([radius]), points, np.zeros(shape))


def status_of(estimate):
    return cm.Status(int(np.max(estimate.status)))


# What one circle says.


def test_the_terms_are_the_coefficients_times_powers_of_the_radius():
    terms = circle_of(np.exp, 0.0, 0.5, 32).terms[:, 0, 0]
    exact = [0.5**k / math.factorial(k) for k in range(32)]
    # Rounding of 32 values of size exp(1/2).
    np.testing.assert_allclose(terms, exact, atol=2 * EPS)


def test_terms_beyond_the_last_fold_back_with_a_change_of_sign():
    # t^18 on 16 points rotated by half a place is -t^2.
    circle = circle_of(lambda z: z**18, 0.0, 1.0)
    np.testing.assert_allclose(circle.terms[2, 0, 0], -1.0, rtol=1e-14)


def test_negative_indices_come_last():
    # 1 / (z - 0.1) around 0 at radius 1: the terms of index -1, -2, ... are 1, 0.1, ...; their sign is -1.
    circle = circle_of(lambda z: 1 / (z - 0.1), 0.0, 1.0)
    np.testing.assert_allclose(circle.terms[[15, 14, 13], 0, 0], [-1.0, -0.1, -0.01], rtol=1e-12)
    assert not circle.good.any()


def test_a_clean_circle():
    circle = circle_of(np.exp, 0.0, 0.1)
    assert circle.clean.all() and circle.good.all() and not circle.level.any()
    # A unit in the last place of the largest value, exp(0.1 cos(pi / 16)) on the circle.
    assert circle.noise[0, 0] == pytest.approx(EPS * np.exp(0.1 * np.cos(np.pi / 16)), rel=1e-12)
    assert circle.floor[0, 0] == circle.noise[0, 0]


def test_a_circle_that_is_too_large_for_its_points():
    circle = circle_of(lambda z: 1 / (1 - z), 0.0, 0.6)
    assert circle.good.all() and not circle.clean.any() and not circle.level.any()
    # 0.6^k falls by ln 0.6 per index, and the end begins at 14; the terms a_k (1 - 0.6^16 + ...) count.
    assert circle.decay[0, 0] == pytest.approx(-np.log(0.6), rel=0.2)
    assert circle.tail[0, 0] == pytest.approx(0.6**14, rel=1e-3)
    assert circle.noise[0, 0] == pytest.approx(4 * 0.6**14, rel=1e-3)
    assert circle.floor[0, 0] == pytest.approx(EPS * 2.4, rel=0.1)
    # What is left out of a_1 is 0.6^17; it is foretold within a factor of 2.
    assert circle.truncation(1)[0, 0] == pytest.approx(0.6**17, rel=1.0)


def test_noise_shows_in_the_last_terms():
    rng = np.random.default_rng(3)
    noise = iter(rng.standard_normal((100, 2)))
    circle = circle_of(lambda z: np.exp(z) + 1e-6 * complex(*next(noise)) * np.iscomplexobj(z), 0.0, 0.1, 64)
    assert circle.level.all() and circle.good.all()
    # Each term is the mean over 32 points and their mirror images: 1e-6 / sqrt(64) or so.
    assert 1e-7 < circle.noise[0, 0] < 3e-6


def test_known_noise_is_recognized():
    lines = lines_of(lambda z: 1 / (1 - z), 0.0)
    known = np.full((1, 1), 1e-2)
    assert sample(lines, np.array([0]), np.array([0.6]), 16, known).level.all()


def test_rounded_points_are_put_back():
    # x + t is rounded to 1e-10 at 1e6: without the correction, an error of 1e-10 in the slope.
    circle = circle_of(np.sin, 1e6, 0.5, 32)
    assert circle.terms[1, 0, 0] / 0.5 == pytest.approx(np.cos(1e6), rel=1e-14)


@given(st.floats(1e-300, 1e300), st.integers(1, 170), st.floats(1e-100, 1e100))
def test_powers_beyond_the_range(radius, n, value):
    log10 = np.log10(value) - n * np.log10(radius)
    result = float(over_power(np.float64(value), np.float64(radius), n))
    if -300 < log10 < 300:
        # The logarithm itself has n * 300 * eps of error.
        assert np.log10(result) == pytest.approx(log10, abs=1e-9)
    else:
        assert result == np.inf or result < 1e-290 or result > 1e290


# Digits and honesty.


def test_the_catalog():
    found, evaluations = [], []
    for case in derivative_cases():
        try:
            estimate = cm.estimate_derivative(case.f, case.x, scheme=Cauchy())
        except cm.NotAnalyticError:
            assert "analytic" not in case.tags, case.name
            continue
        assert honest(estimate.error, estimate.value, case.exact()), case.name
        assert estimate.success
        found.append(float(digits(estimate.value, case.exact())))
        evaluations.append(estimate.nfev)
    assert len(found) == 37
    assert np.median(found) >= 15
    assert min(found) >= 9.5
    assert np.median(evaluations) <= 17
    assert max(evaluations) <= 50


@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_the_catalog_at_higher_orders(n):
    for case in derivative_cases():
        if case.orders < n or "analytic" not in case.tags:
            continue
        estimate = cm.estimate_derivative(case.f, case.x, n, scheme=Cauchy())
        # The exact derivatives are rounded in f's own way: a few units in the last place of large terms.
        assert honest(estimate.error, estimate.value, case.exact(n), ulps=16), case.name
        assert digits(estimate.value, case.exact(n)) >= 7, case.name


@pytest.mark.parametrize(
    ("f", "x", "exact", "orders", "least"),
    [
        (np.exp, 0.0, lambda k: 1 / math.factorial(k), (1, 5, 20, 50, 100), 13.5),
        (lambda z: 1 / (1 - z), 0.0, lambda k: 1.0, (1, 5, 20, 50), 13.5),
        (np.log, 1e-8, lambda k: (-1) ** (k + 1) / k * 1e8**k, (1, 5, 20), 12.5),
        (np.exp, 1e-150, lambda k: 1 / math.factorial(k), (1, 5, 20), 14.0),
        (
            lambda z: np.sin(1000 * z),
            1.0,
            lambda k: 1000.0**k / math.factorial(k) * [np.sin, np.cos][k % 2](1000.0) * [1, 1, -1, -1][k % 4],
            (1, 2, 5, 20),
            12.0,
        ),
        (
            lambda z: 1 / (1 + z * z),
            0.5,
            lambda k: ((-1) ** k * (1 / (0.5 - 1j) ** (k + 1) - 1 / (0.5 + 1j) ** (k + 1)) / 2j).real,
            (1, 2, 5, 20),
            13.0,
        ),
    ],
)
def test_high_orders(f, x, exact, orders, least):
    lines = lines_of(f, x)
    series = Cauchy().expand(lines, orders[-1])
    for n in orders:
        for c in (Cauchy().coefficient(lines, n), series[n]):
            error = float((c.truncation + c.noise)[0, 0])
            assert honest(error, c.value[0, 0], exact(n), ulps=8)
            assert digits(c.value[0, 0], exact(n)) >= least


def test_random_points_hold():
    # The share of estimates that hold, over functions of all kinds; 99.9 % of 2160 in a longer run.
    rng = np.random.default_rng(11)
    functions = [
        (np.exp, lambda x: np.exp(x), -3, 3),
        (np.tan, lambda x: 1 / np.cos(x) ** 2, -1.5, 1.5),
        (np.log, lambda x: 1 / x, 1e-3, 5),
        (np.arctan, lambda x: 1 / (1 + x * x), -5, 5),
        (lambda z: 1e6 + np.sin(z), np.cos, -3, 3),
        (lambda z: z**2.5, lambda x: 2.5 * x**1.5, 1e-3, 3),
    ]
    held = []
    for f, exact, low, high in functions:
        x = rng.uniform(low, high, 50)
        estimate = cm.estimate_derivative(f, x, scheme=Cauchy())
        held.extend(honest(estimate.error, estimate.value, exact(x)))
    assert np.mean(held) >= 0.99


@given(
    st.sampled_from([c for c in derivative_cases("smooth") if "analytic" in c.tags]),
    st.integers(-25, 25),
    st.integers(-25, 25),
)
def test_units_do_not_matter(case, i, j):
    # Powers of two change nothing but exponents; the radius comes from logarithms and can fall otherwise.
    here = cm.estimate_derivative(case.f, case.x, scheme=Cauchy())
    there = scaled(case, s=2.0**i, a=2.0**j)
    estimate = cm.estimate_derivative(there.f, there.x, scheme=Cauchy())
    assert estimate.value * 2.0 ** (i - j) == pytest.approx(float(here.value), rel=1e-12)
    assert 1 / 3 < estimate.step / 2.0**i / here.step < 3
    assert abs(estimate.nfev - here.nfev) <= 8


# The radius, and what it costs.


def test_a_first_derivative_that_moves_costs_one_circle():
    estimate = cm.estimate_derivative(np.exp, 1.0, scheme=Cauchy())
    # An eighth of |x|, half of 16 points and f(x).
    assert (estimate.step, estimate.nfev) == (0.125, 9)


@pytest.mark.parametrize("n", [5, 20, 50])
def test_entire_functions_take_radii_of_the_order(n):
    # The maximum of r^n / max |exp| is at r = n (Bornemann 2011, ex. 4.1), and it is flat.
    step = cm.estimate_derivative(np.exp, 0.0, n, scheme=Cauchy()).step
    assert 0.3 * n <= step <= 1.3 * n


@pytest.mark.parametrize("distance", [1e-6, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("n", [1, 10])
def test_circles_stay_inside_the_nearest_singularity(distance, n):
    estimate = cm.estimate_derivative(lambda z: 1 / (distance - z), 0.0, n, scheme=Cauchy())
    assert 0.01 * distance < estimate.step < distance
    exact = math.factorial(n) / distance ** (n + 1)
    assert honest(estimate.error, estimate.value, exact)
    assert digits(estimate.value, exact) >= 12.5


def test_more_points_for_higher_orders():
    calls = []

    def f(z):
        calls.append(z)
        return 1 / (1 - z)

    cm.derivative(f, 0.0, 8, scheme=Cauchy())
    circles = {round(abs(z), 9) for z in calls[1:]}
    counts = [sum(round(abs(z), 9) == r for z in calls[1:]) for r in circles]
    # Half of 16 points at first, half of 32, 64 or 128 later; each on its own circle.
    assert set(counts) <= {8, 16, 32, 64}
    assert max(counts) >= 32
    assert all(np.imag(z) > 0 for z in calls[1:])


def test_all_coefficients_share_circles():
    lines = lines_of(np.exp, 0.0)
    series = Cauchy().expand(lines, 20)
    together = lines.function.nfev
    assert len(series) == 21 and series[0].value[0, 0] == 1.0
    alone = 0
    for n in range(1, 21):
        lines = lines_of(np.exp, 0.0)
        Cauchy().coefficient(lines, n)
        alone += lines.function.nfev
    assert together <= 200 < alone / 4


def test_the_error_costs_nothing_and_changes_nothing():
    lines = lines_of(np.tan, 0.3)
    with_error, without = (Cauchy().coefficient(lines, 2, error=error) for error in (True, False))
    assert with_error.value == without.value


def test_a_given_radius_and_number_of_points():
    estimate = cm.estimate_derivative(np.exp, 0.0, 3, scheme=Cauchy(radius=1.0, max_points=32))
    assert (estimate.step, estimate.nfev) == (1.0, 17)
    assert honest(estimate.error, estimate.value, 1.0)
    assert digits(estimate.value, 1.0) > 14
    with pytest.raises(cm.NotAnalyticError, match=r"not analytic within 2 of x on line 0"):
        cm.derivative(np.log, 1.0, scheme=Cauchy(radius=2.0))


def test_too_few_points_show_in_the_error():
    estimate = cm.estimate_derivative(np.exp, 0.0, scheme=Cauchy(radius=3.0, max_points=16))
    # The first term left out is 3^16 / 17!.
    assert 1e-10 < abs(estimate.value - 1) <= estimate.error < 1e-4


@pytest.mark.parametrize("upper", [1.001, 1.1, np.inf])
def test_circles_stay_within_bounds(upper):
    seen = []

    def f(z):
        seen.append(z)
        return np.exp(z)

    estimate = cm.estimate_derivative(f, 1.0, 2, scheme=Cauchy(), bounds=(0.9, upper))
    assert max(np.abs(np.array(seen) - 1)) <= min(upper - 1, 0.1) + 2 * EPS
    assert honest(estimate.error, estimate.value, np.e)


def test_no_room():
    estimate = cm.estimate_derivative(np.exp, 1.0, scheme=Cauchy(), bounds=(1.0, 2.0))
    assert status_of(estimate) is cm.Status.NO_ROOM
    assert np.isnan(estimate.value) and np.isnan(estimate.error)
    assert estimate.nfev == 1


# Kinds of functions.


def test_every_output_and_every_line():
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(
        cm.jacobian(lambda x: np.array([x[0] * x[1], np.sin(x[0]), 2 + 0 * x[1]]), x, scheme=Cauchy()),
        [[2, 1], [np.cos(1), 0], [0, 0]],
        rtol=1e-14,
        atol=1e-14,
    )
    h = cm.hessian(lambda x: np.exp(x[0] * x[1]), x, scheme=Cauchy())
    np.testing.assert_allclose(h, np.exp(2) * np.array([[4, 3], [3, 1]]), rtol=1e-13)


def test_lines_of_very_different_scale():
    x = np.array([1e-3, 1.0, 0.0, 1e3])
    np.testing.assert_allclose(
        cm.derivative(lambda z: np.sin(1000 * z), x, scheme=Cauchy()),
        1000 * np.cos(1000 * x),
        # 1000 x is rounded inside f: an error of 1e6 eps in its sine.
        rtol=1e-9,
    )


def test_one_line_without_a_value_leaves_the_others():
    estimate = cm.estimate_derivative(np.log, [1.0, 0.0], scheme=Cauchy())
    assert estimate.value[0] == pytest.approx(1.0, rel=1e-14)
    assert np.isnan(estimate.value[1]) and np.isnan(estimate.step[1])
    assert list(estimate.status) == [cm.Status.OK, cm.Status.NON_FINITE]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_complex_values_on_the_real_axis(n):
    estimate = cm.estimate_derivative(lambda x: np.exp(1j * x), 0.3, n, scheme=Cauchy())
    exact = 1j**n * np.exp(0.3j)
    assert abs(estimate.value - exact) <= estimate.error < 1e-13


def test_the_whole_circle_where_f_is_complex():
    # 16 points and f(x), where a real f takes 8.
    assert cm.estimate_derivative(lambda x: np.exp(1j * x), 2.0, scheme=Cauchy()).nfev == 17


def test_types_of_numbers():
    narrow = cm.estimate_derivative(np.exp, np.float32(1), scheme=Cauchy())
    assert narrow.value.dtype == np.float32
    assert abs(float(narrow.value) - np.e) <= narrow.error < 1e-6
    narrow = cm.estimate_derivative(np.exp, np.float16(1), scheme=Cauchy())
    assert abs(float(narrow.value) - np.e) <= narrow.error < 1e-2
    assert cm.derivative(np.exp, 2, scheme=Cauchy()) == pytest.approx(np.exp(2), rel=1e-14)


@pytest.mark.skipif(np.finfo(np.longdouble).eps >= EPS, reason="long doubles are doubles here")
def test_long_doubles():
    estimate = cm.estimate_derivative(np.exp, np.longdouble(1), scheme=Cauchy())
    assert abs(estimate.value - np.exp(np.longdouble(1))) <= estimate.error < 1e-16


def test_float32_inside_shows_in_the_error():
    x = np.linspace(0.5, 2, 20)
    f = lambda z: np.exp(z).astype(np.complex64 if np.iscomplexobj(z) else np.float32)
    estimate = cm.estimate_derivative(f, x, scheme=Cauchy())
    assert (np.abs(estimate.value - np.exp(x)) <= estimate.error).all()
    assert (estimate.error < 1e-3 * np.exp(x)).all()


def test_noise_shows_in_the_error():
    rng = np.random.default_rng(0)
    estimate = cm.estimate_derivative(
        lambda z: np.sin(z) + 1e-6 * rng.standard_normal(), 1.0, scheme=Cauchy()
    )
    assert abs(estimate.value - np.cos(1.0)) <= estimate.error < 1e-3


@pytest.mark.parametrize("n", [1, 2, 7])
def test_polynomials_have_no_further_coefficients(n):
    estimate = cm.estimate_derivative(lambda z: 2.5 + 0 * z, 1.0, n, scheme=Cauchy())
    assert estimate.success and abs(estimate.value) <= estimate.error < 1e-15
    assert cm.derivative(lambda z: 0 * z, 1.0, n, scheme=Cauchy()) == 0


@pytest.mark.parametrize("power", [150, -150])
def test_very_large_and_very_small_units(power):
    s = 10.0**power
    estimate = cm.estimate_derivative(lambda z: np.sin(z / s), s, scheme=Cauchy())
    assert digits(estimate.value * s, np.cos(1.0)) >= 14
    assert honest(estimate.error, estimate.value, np.cos(1.0) / s)


def test_not_finite_at_the_point():
    estimate = cm.estimate_derivative(lambda z: z * np.nan, 1.0, scheme=Cauchy())
    assert status_of(estimate) is cm.Status.NON_FINITE


def test_lost_digits_show():
    estimate = cm.estimate_derivative(lambda z: 1e17 + np.sin(z), 1.0, 2, scheme=Cauchy(max_points=16))
    assert honest(estimate.error, estimate.value, -np.sin(1.0))


def test_terms_buried_in_noise_are_looked_for_on_larger_circles():
    # At 1e-5 the first circles hold nothing but the rounding of float32.
    f = lambda z: (np.exp(z)).astype(np.complex64 if np.iscomplexobj(z) else np.float32)
    estimate = cm.estimate_derivative(f, 1e-5, scheme=Cauchy())
    assert abs(estimate.value - np.exp(1e-5)) <= estimate.error < 1e-2
    assert estimate.step > 1e-4


# Refusals.


def on_complex(f, g):
    return lambda z: f(z) if np.iscomplexobj(z) else g(z)


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (np.abs, 1.0, "returned real values"),
        (lambda z: float(np.real(z)) ** 2, 1.5, "returned real values"),
        (lambda z: float(z) ** 2, 1.5, "does not take complex numbers"),
        (lambda z: math.sin(z), 1.0, "does not take complex numbers"),
        (lambda z: z * np.abs(z), 0.01, "is not analytic within"),
        (on_complex(lambda z: np.real(z) ** 2 + 0j, lambda z: z**2), 1.5, "is not analytic within"),
        (on_complex(lambda z: z * np.conj(z), lambda z: z * z), 1.5, "is not analytic within"),
        (on_complex(lambda z: z**2, lambda z: z**2 + 1), 1.5, "is not analytic within"),
        (lambda z: np.where(z < 1, 0.0 * z, 1.0 + 0 * z), 1.0, "is not analytic within"),
        (np.sqrt, 0.0, "is not analytic within"),
    ],
)
def test_functions_that_are_not_analytic(f, x, message):
    with pytest.raises(cm.NotAnalyticError, match=message):
        cm.derivative(f, x, scheme=Cauchy())


@pytest.mark.parametrize("x", [0.9, 0.99, 1.1])
def test_kinks_beside_the_point_are_kept_out(x):
    f = lambda z: np.where(z < 1, z**2, 3 * z - 2)
    estimate = cm.estimate_derivative(f, x, scheme=Cauchy())
    assert estimate.value == pytest.approx(2 * x if x < 1 else 3.0, rel=1e-12)
    assert estimate.step < abs(x - 1)


def test_a_weak_branch_point_inside_is_not_taken_for_noise():
    # t^2.5 around 1e-3 / 64: on large circles its terms fall as k^-3.5, like noise.
    x = 2.0**-16
    estimate = cm.estimate_derivative(lambda z: 1 + (z - 1 + x) ** 2.5, 1.0, scheme=Cauchy())
    assert abs(estimate.value - 2.5 * x**1.5) <= estimate.error < 1e-10


def test_the_exception_of_the_user_arrives():
    with pytest.raises(ZeroDivisionError):
        cm.derivative(lambda z: 1 / 0, 1.0, scheme=Cauchy())
    with pytest.raises(KeyError, match="mine"):
        cm.derivative(on_complex(lambda z: {}["mine"], np.exp), 1.0, scheme=Cauchy())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"radius": -1.0}, ValueError, "`step` must be positive and finite, got -1.0"),
        ({"max_points": 48}, ValueError, "power of two from 16 to 65536, got 48"),
        ({"max_points": 8}, ValueError, "power of two from 16 to 65536, got 8"),
        ({"max_points": 131072}, ValueError, "power of two from 16 to 65536, got 131072"),
        ({"max_points": 16.0}, TypeError, "`max_points` must be an integer, got 16.0"),
        ({"max_points": True}, TypeError, "`max_points` must be an integer, got True"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        Cauchy(**options)


def test_too_few_points_for_the_order():
    with pytest.raises(
        ValueError, match="order 9 needs at least 18 points on the circle, got max_points = 16"
    ):
        cm.derivative(np.exp, 0.0, 9, scheme=Cauchy(max_points=16))


def test_a_scheme_is_a_value():
    assert Cauchy() == Cauchy(radius=None, max_points=1024)
    assert Cauchy(radius=0.5).radius == Fixed(0.5)
    assert hash(Cauchy(radius=0.5)) == hash(Cauchy(radius=0.5))


def test_series():
    series = cm.taylor(np.exp, 0.0, 12, scheme=Cauchy())
    np.testing.assert_allclose(series.coefficients, [1 / math.factorial(k) for k in range(13)], rtol=1e-13)
    assert Cauchy().expand(lines_of(np.exp, 1.0), 0)[0].value[0, 0] == np.e


def test_nothing_to_do():
    assert cm.derivative(np.exp, np.empty(0), scheme=Cauchy()).shape == (0,)


# The parts, number by number.


class Refined:
    """A search that remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def refine(self, n, points, *, more):
        self.asked.append((n, points, more))


@pytest.mark.parametrize(
    ("orders", "most", "asked"),
    [
        ((1,), 1024, {1: (16, 32, 64)}),
        ((1,), 32, {1: (16, 32)}),
        ((1,), 16, {1: (16,)}),
        ((3,), 1024, {3: (16, 32, 64)}),
        ((4,), 1024, {4: (16, 32, 64, 128)}),
        ((5,), 1024, {5: (32, 64, 128)}),
        ((8,), 1024, {8: (32, 64, 128, 256)}),
        ((8,), 64, {8: (32, 64)}),
        ((20,), 64, {20: (64,)}),
        ((64,), 1024, {64: (256, 512, 1024)}),
        # Powers of two and the last one stand for all.
        (range(1, 8), 32, {1: (16, 32), 2: (16, 32), 4: (16, 32), 7: (32,)}),
        (range(1, 5), 16, {1: (16,), 2: (16,), 4: (16,)}),
        ((), 1024, {}),
    ],
)
def test_which_circles_are_asked_for(orders, most, asked):
    search = Refined()
    Cauchy(max_points=most)._refine(search, orders)
    # More points than the fewest are worth less.
    assert search.asked == [(n, p, k > 0) for n, points in asked.items() for k, p in enumerate(points)]


def test_nodes_lie_half_a_place_off_the_axis():
    for count, whole in ((16, True), (16, False), (32, False)):
        nodes = _cauchy_circle._nodes(count, whole, np.dtype(float))
        angles = np.pi * (2 * np.arange(count if whole else count // 2) + 1) / count
        np.testing.assert_allclose(nodes, np.exp(1j * angles), rtol=0, atol=4 * EPS)
        assert not nodes.flags.writeable


def coefficients(rng, shape, paired):
    c = rng.standard_normal(shape)
    return c + 1j * rng.standard_normal(shape) if paired else c


@pytest.mark.parametrize("paired", [True, False])
def test_terms_and_slopes_of_a_polynomial(paired):
    rng = np.random.default_rng(5)
    c = coefficients(rng, (16, 2, 3), paired)
    nodes = _cauchy_circle._nodes(16, paired, np.dtype(float))
    powers = nodes[:, None] ** np.arange(16)
    a = _cauchy_circle._fourier(np.tensordot(powers, c, axes=1), paired)
    # 16 terms of size 1 in every sum.
    np.testing.assert_allclose(a, c, atol=64 * EPS)
    # Of t f' the terms below the middle, which are not those of a singularity.
    k = np.arange(16)
    whole = _cauchy_circle._nodes(16, True, np.dtype(float))[:, None] ** k
    exact = np.tensordot(whole[:, :8], k[:8, None, None] * c[:8], axes=1)
    np.testing.assert_allclose(_cauchy_circle._slopes(c.astype(complex)), exact, atol=256 * EPS)


@pytest.mark.skipif(np.finfo(np.longdouble).eps >= EPS, reason="long doubles are doubles here")
def test_terms_of_long_doubles():
    wide = np.dtype(np.longdouble)
    assert _cauchy_circle._pi(wide) == 4 * np.arctan(np.longdouble(1))
    c = np.arange(1, 17, dtype=np.longdouble)[:, None, None] / 7
    powers = _cauchy_circle._nodes(16, True, wide)[:, None] ** np.arange(16)
    a = _cauchy_circle._fourier(np.tensordot(powers, c, axes=1), True)
    np.testing.assert_allclose(np.abs(a - c).astype(float), 0, atol=256 * float(np.finfo(wide).eps))
    k = np.arange(16)
    exact = np.tensordot(powers[:, :8], k[:8, None, None] * c[:8], axes=1)
    slopes = _cauchy_circle._slopes(c.astype(np.clongdouble))
    np.testing.assert_allclose(np.abs(slopes - exact).astype(float), 0, atol=2048 * float(np.finfo(wide).eps))


def test_the_slope_of_a_line():
    y = np.array([3.0, 1.0, 2.0, 7.0, -1.0])
    table = np.stack([y, 5 - 2 * np.arange(5.0)], axis=1)[:, None, :]
    np.testing.assert_allclose(_cauchy_circle._slope(table), [[np.polyfit(np.arange(5), y, 1)[0], -2.0]])


@pytest.mark.parametrize(
    ("size", "bottom", "decay"),
    [
        # From the largest of the later half of the terms above the bottom to the place after the last one.
        ([8, 4, 2, 1, 0.5, 0.1], 1.0, np.log(2.0 / 1.0) / (3 + 1 - 2)),
        ([8, 4, 2, 1, 0.5, 0.1], 0.3, np.log(2.0 / 0.3) / (4 + 1 - 2)),
        ([1, 1, 1, 9, 1, 1], 1.0, np.log(9.0 / 1.0) / (5 + 1 - 3)),
        ([5, 0, 0, 0, 0, 0], 1.0, np.log(5.0)),
        # Nothing above the bottom, and a bottom of nothing.
        ([0.5, 0.5, 0.1, 0.1, 0, 0], 1.0, 0.0),
        ([0, 0, 0, 0, 0, 0], 0.0, 0.0),
    ],
)
def test_decay(size, bottom, decay):
    table = np.array(size, dtype=float)[:, None, None]
    with np.errstate(all="ignore"):
        found = _cauchy_circle._decay(table, np.full((1, 1), bottom))
    assert found[0, 0] == pytest.approx(decay, rel=1e-14)


def circle_with(terms, tail, noise, radius, index=(0,)):
    terms = np.asarray(terms, dtype=float)[:, None, None]
    one = np.ones((1, 1))
    return Circle(
        np.array(index), np.array([radius]), terms, np.abs(terms), one, noise * one, one, tail * one, one,
        one > 0, one < 0, one > 0,
    )  # fmt: skip


def test_truncation_is_foretold_from_the_end():
    terms = np.r_[4.0, -2.0, np.zeros(14)]
    circle = circle_with(terms, 0.5, 0.1, 1.0)
    # The share 0.5 / 4 is reached in 15/16 of the circle; index N + k lies beyond by N/16 + k.
    for k in (0, 1, 5):
        assert circle.truncation(k)[0, 0] == pytest.approx(0.5 * 0.125 ** ((1 / 16 + k / 16) / (15 / 16)))
    assert circle_with(np.zeros(16), 0.0, 0.1, 1.0).truncation(1)[0, 0] == 0.0
    assert circle.points == 16


def test_the_table_keeps_the_best_circle():
    lines = lines_of(np.sin, np.ones(2))
    table = Table(lines, [1, 3, 9])
    assert table.orders == (1, 3, 9) and [table.place(n) for n in (1, 3, 9)] == [0, 1, 2]
    assert np.isnan(table.value).all() and (table.log_error == np.inf).all()
    assert (table.log_value == -np.inf).all() and table.value.shape == (3, 2, 1)
    terms = np.r_[8.0, 4.0, -2.0, 1.0, np.full(12, 0.5)]
    first = circle_with(terms, 0.25, 0.125, 0.5)
    table.enter(first, np.array([True]))
    left = first.truncation(1)[0, 0]
    assert (table.value[0, 0, 0], table.noise[0, 0, 0]) == (8.0, 0.25)
    assert table.truncation[0, 0, 0] == pytest.approx(2 * left, rel=1e-14)
    assert (table.size[0, 0, 0], table.radius[0, 0, 0]) == (16.0, 0.5)
    assert table.log_value[0, 0, 0] == pytest.approx(np.log(8.0))
    assert table.log_error[0, 0, 0] == pytest.approx(np.log(2 * (left + 0.125)))
    assert (table.value[1, 0, 0], table.size[1, 0, 0]) == (8.0, 64.0)
    # An order beyond half of the points has none, and the other line neither.
    assert np.isnan(table.value[2]).all() and np.isnan(table.value[:, 1]).all()
    # A circle that is worse, and one that is not good, change nothing; a better one does.
    table.enter(circle_with(terms, 0.25, 0.5, 0.5), np.array([True]))
    table.enter(circle_with(3 * terms, 0.25, 0.0, 0.5), np.array([False]))
    assert (table.value[0, 0, 0], table.noise[0, 0, 0]) == (8.0, 0.25)
    table.enter(circle_with(3 * terms, 0.25, 0.0625, 0.5), np.array([True]))
    assert (table.value[0, 0, 0], table.noise[0, 0, 0]) == (24.0, 0.125)
    table.enter(circle_with(terms, 0.25, 0.125, 0.5, index=(1,)), np.array([True]))
    assert table.value[0, :, 0].tolist() == [24.0, 8.0]
    # The noise of f is at least what was seen.
    table.admit(np.array([[1.0], [np.nan]]))
    assert table.noise[0, :, 0].tolist() == [2.0, 0.25] and table.noise[1, 0, 0] == 8.0
    eight = Table(lines, [8])
    eight.enter(first, np.array([True]))
    assert eight.value[0, 0, 0] == 128.0


def bounded_lines(f, x, bounds):
    x = np.asarray(x, dtype=float)
    return ElementwiseLines(Function(f, None), x, check_bounds(bounds, *flatten(x)))


def test_results():
    lines = bounded_lines(np.sin, np.ones(7), ([0.0] * 6 + [1.0], 2.0))
    part = lambda *values: np.array(values, dtype=float)[None, :, None]
    root = EPS**0.5
    table = SimpleNamespace(
        value=part(1.0, 1.0, -1.0, 0.0, 0.0, np.nan, np.nan),
        truncation=part(0.0099, 0.0051, 0.01, 0.6 * root, 0.4 * root, np.nan, np.nan),
        noise=part(0.0, 0.005, 0.0001, 0.6 * root, 0.4 * root, np.nan, np.nan),
        size=part(0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0),
        radius=part(0.5, 0.25, 0.25, 0.25, 0.25, np.nan, np.nan),
    )
    with np.errstate(all="raise"):
        c = cauchy._result(lines, table, 0)
    names = [cm.Status(int(s)).name for s in c.status[:, 0]]
    assert names == ["OK", "INACCURATE", "INACCURATE", "INACCURATE", "OK", "NON_FINITE", "NO_ROOM"]
    assert c.status.dtype == np.int8
    # Rounding of the coefficient itself is noise, too.
    assert c.noise[:2, 0].tolist() == [EPS, 0.005 + EPS]
    assert c.step[:2].tolist() == [0.5, 0.25]
    many = SimpleNamespace(**{name: np.repeat(getattr(table, name), 2, axis=2) for name in vars(table)})
    many.radius[0, 0] = [0.5, 0.125]
    assert cauchy._result(lines, many, 0).step[0] == 0.125


# The radius and the evaluations that the search comes to.  The rows stay the same for 3 f, 0.7 f and others,
# so they do not hang on the rounding in f or in the Fourier transform, which moves the radius by 3 % at most.
PLAIN = {
    "pole": lambda z: 1 / (1 - z),
    "bell": lambda z: 1 / (1 + z * z),
    "cubic": lambda z: z * z * z - 2 * z,
    "far pole": lambda z: 1 / (1000 - z),
    "near pole": lambda z: 1 / (z + 2.0**-30),
    "offset": lambda z: 4096 + 1 / (2 - z),
    "double pole": lambda z: z / ((3 - z) * (3 - z)),
    "wave": lambda z: (1 + z * z) / (4 + z * z * z * z),
    "steep": lambda z: 1 / (1 + 4096 * z * z),
    "complex": lambda z: 1 / (2j + z),
}
RADII = [
    ("pole", 0.0, None, 1, 0.01562, 17),
    ("pole", 0.0, None, 2, 0.1967, 41),
    ("pole", 0.0, None, 12, 0.7289, 145),
    ("pole", 0.5, None, 5, 0.2588, 57),
    ("pole", 0.0009765625, None, 2, 0.1783, 33),
    ("pole", 0.0009765625, None, 5, 0.5391, 73),
    ("pole", 0.0009765625, None, 12, 0.7168, 169),
    ("pole", 0.5, (0.25, 9.0), 5, 0.25, 57),
    ("pole", 0.5, (-9.0, 0.5625), 1, 0.02965, 17),
    ("pole", 0.5, (-9.0, 0.5625), 12, 0.0625, 41),
    ("bell", 0.0, None, 2, 0.1825, 41),
    ("bell", 0.0, None, 12, 0.7098, 145),
    ("bell", 0.5, None, 1, 0.0625, 9),
    ("bell", 0.5, None, 5, 0.6087, 57),
    ("bell", 0.5, None, 12, 0.7966, 137),
    ("bell", 0.0009765625, None, 2, 0.2551, 65),
    ("bell", 0.0009765625, None, 12, 0.7116, 169),
    ("bell", 0.5, (0.25, 9.0), 2, 0.25, 25),
    ("bell", 0.5, (0.25, 9.0), 12, 0.25, 41),
    ("bell", 0.5, (-9.0, 0.5625), 5, 0.0625, 9),
    ("bell", 0.5, (-9.0, 0.5625), 12, 0.0625, 41),
    ("cubic", 0.0, None, 5, 1126000000000000.0, 41),
    ("cubic", 0.0, None, 12, 1126000000000000.0, 73),
    ("cubic", 0.5, None, 2, 0.9556, 17),
    ("cubic", 0.5, None, 5, 140700000000000.0, 41),
    ("cubic", 0.5, None, 12, 140700000000000.0, 73),
    ("cubic", 0.0009765625, None, 5, 140700000000000.0, 57),
    ("cubic", 0.0009765625, None, 12, 140700000000000.0, 105),
    ("cubic", 0.5, (0.25, 9.0), 2, 0.25, 17),
    ("cubic", 0.5, (0.25, 9.0), 12, 0.25, 41),
    ("cubic", 0.5, (-9.0, 0.5625), 5, 0.0625, 9),
    ("cubic", 0.5, (-9.0, 0.5625), 12, 0.0625, 41),
    ("far pole", 0.0, None, 5, 532.6, 57),
    ("far pole", 0.5, (0.25, 9.0), 5, 0.25, 25),
    ("far pole", 0.5, (0.25, 9.0), 12, 0.25, 41),
    ("far pole", 0.5, (-9.0, 0.5625), 12, 0.0625, 41),
    ("near pole", 0.0, None, 1, 1.455e-11, 57),
    ("near pole", 0.0, None, 2, 1.832e-10, 81),
    ("near pole", 0.0, None, 5, 4.952e-10, 121),
    ("near pole", 0.5, None, 1, 0.02965, 17),
    ("near pole", 0.5, None, 5, 0.252, 57),
    ("near pole", 0.0009765625, None, 5, 0.0004938, 57),
    ("near pole", 0.5, (0.25, 9.0), 5, 0.25, 57),
    ("near pole", 0.5, (-9.0, 0.5625), 2, 0.02965, 17),
    ("near pole", 0.5, (-9.0, 0.5625), 12, 0.0625, 41),
    ("offset", 0.0, None, 5, 0.9365, 57),
    ("offset", 0.0, None, 12, 1.402, 105),
    ("offset", 0.0009765625, None, 1, 0.01906, 17),
    ("offset", 0.0009765625, None, 12, 1.419, 169),
    ("offset", 0.5, (0.25, 9.0), 12, 0.25, 41),
    ("offset", 0.5, (-9.0, 0.5625), 1, 0.0625, 9),
    ("offset", 0.5, (-9.0, 0.5625), 12, 0.0625, 41),
    ("double pole", 0.0, None, 2, 0.1503, 25),
    ("double pole", 0.0, None, 12, 2.102, 137),
    ("double pole", 0.5, None, 5, 1.155, 73),
    ("double pole", 0.5, None, 12, 1.765, 137),
    ("double pole", 0.0009765625, None, 5, 1.389, 89),
    ("double pole", 0.5, (0.25, 9.0), 1, 0.0625, 9),
    ("double pole", 0.5, (0.25, 9.0), 12, 0.25, 41),
    ("double pole", 0.5, (-9.0, 0.5625), 2, 0.0625, 9),
    ("double pole", 0.5, (-9.0, 0.5625), 12, 0.0625, 41),
    ("wave", 0.0, None, 1, 0.01562, 33),
    ("wave", 0.0, None, 2, 0.3814, 65),
    ("wave", 0.0, None, 5, 0.7173, 81),
    ("wave", 0.0, None, 12, 1.033, 209),
    ("wave", 0.5, None, 5, 0.5552, 57),
    ("wave", 0.0009765625, None, 1, 0.06808, 25),
    ("wave", 0.0009765625, None, 2, 0.2466, 33),
    ("wave", 0.0009765625, None, 5, 0.7279, 57),
    ("wave", 0.0009765625, None, 12, 1.005, 105),
    ("wave", 0.5, (0.25, 9.0), 12, 0.25, 41),
    ("wave", 0.5, (-9.0, 0.5625), 1, 0.0625, 9),
    ("wave", 0.5, (-9.0, 0.5625), 12, 0.0625, 41),
    ("steep", 0.0, None, 2, 0.002851, 49),
    ("steep", 0.0, None, 12, 0.01109, 153),
    ("steep", 0.5, None, 1, 0.02777, 17),
    ("steep", 0.5, None, 12, 0.3572, 137),
    ("steep", 0.0009765625, None, 5, 0.007544, 73),
    ("steep", 0.0009765625, None, 12, 0.01113, 137),
    ("steep", 0.5, (0.25, 9.0), 12, 0.25, 73),
    ("steep", 0.5, (-9.0, 0.5625), 5, 0.0625, 25),
    ("steep", 0.5, (-9.0, 0.5625), 12, 0.0625, 41),
    ("complex", 0.0, None, 1, 0.1464, 33),
    ("complex", 0.0, None, 12, 1.463, 209),
    ("complex", 0.5, None, 5, 1.088, 113),
    ("complex", 0.5, None, 12, 1.462, 273),
    ("complex", 0.0009765625, None, 1, 0.01347, 49),
    ("complex", 0.0009765625, None, 2, 0.5163, 113),
    ("complex", 0.0009765625, None, 12, 1.418, 337),
    ("complex", 0.5, (0.25, 9.0), 2, 0.1282, 33),
    ("complex", 0.5, (0.25, 9.0), 5, 0.25, 49),
    ("complex", 0.5, (0.25, 9.0), 12, 0.25, 81),
    ("complex", 0.5, (-9.0, 0.5625), 2, 0.0625, 17),
    ("complex", 0.5, (-9.0, 0.5625), 12, 0.0625, 81),
]


@pytest.mark.parametrize(("name", "x", "bounds", "n", "radius", "nfev"), RADII)
def test_the_radius_that_is_found(name, x, bounds, n, radius, nfev):
    lines = lines_of(PLAIN[name], x) if bounds is None else bounded_lines(PLAIN[name], x, bounds)
    c = Cauchy().coefficient(lines, n)
    assert c.step[0] == pytest.approx(radius, rel=0.05)
    assert lines.function.nfev == nfev


def test_radii_of_many_lines_and_orders():
    x = np.array([0.0, 0.5, -3.0, 2.0**-10])
    for f in (PLAIN["bell"], PLAIN["wave"], PLAIN["double pole"]):
        together = Cauchy().expand(lines_of(f, x), 6)
        for p, one in enumerate(x):
            alone = Cauchy().expand(lines_of(f, one), 6)
            for a, b in zip(together, alone, strict=True):
                # Transforms of one line and of many may round otherwise, which can tip a radius.
                error = (a.truncation + a.noise)[p, 0] + (b.truncation + b.noise)[0, 0]
                assert abs(a.value[p, 0] - b.value[0, 0]) <= error
                assert error <= 1e-9 + 1e-9 * abs(b.value[0, 0])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_points": 48}, ValueError, "`max_points` must be a power of two from 16 to 65536, got 48"),
        ({"max_points": 8}, ValueError, "`max_points` must be a power of two from 16 to 65536, got 8"),
        (
            {"max_points": 2**17},
            ValueError,
            "`max_points` must be a power of two from 16 to 65536, got 131072",
        ),
        ({"max_points": "16"}, TypeError, "`max_points` must be an integer, got '16'"),
    ],
)
def test_what_is_said_of_bad_options(options, error, message):
    with pytest.raises(error) as caught:
        Cauchy(**options)
    assert str(caught.value) == message


def test_limits_of_the_options():
    assert Cauchy(max_points=16).max_points == 16 and Cauchy(max_points=np.int64(65536)).max_points == 65536
    # Two points for each order are the least.
    value = cm.derivative(lambda z: z**8, 0.5, 8, scheme=Cauchy(max_points=16))
    assert value == pytest.approx(math.factorial(8))
    with pytest.raises(ValueError) as caught:
        Cauchy(max_points=16).expand(lines_of(np.exp, 0.0), 9)
    assert str(caught.value) == (
        "a derivative of order 9 needs at least 18 points on the circle, got max_points = 16; "
        "raise `max_points`"
    )
    with pytest.raises(cm.NotAnalyticError) as caught:
        Cauchy(radius=2.0, max_points=16).coefficient(lines_of(np.log, 1.0), 1)
    assert str(caught.value) == (
        f"{lines_of(np.log, 1.0).function.name} is not analytic within 2 of x on line 0: on every circle the "
        "mean, or the terms of negative index, do not fit; it takes `abs`, a comparison or a real cast of "
        "complex numbers, or x is at a kink, a jump or a branch point: use scheme='adaptive'"
    )
