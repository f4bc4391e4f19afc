"""The complex step, and what it refuses."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml.testing import derivative_cases, digits, honest

EPS = np.finfo(float).eps


@given(st.floats(-20, 20))
def test_exact_to_rounding(x):
    estimate = cm.estimate_derivative(lambda x: np.sin(x) * np.exp(x / 4), x, scheme="complex")
    exact = (np.cos(x) + np.sin(x) / 4) * np.exp(x / 4)
    # A few units in the last place of the two terms that are added.
    assert abs(estimate.value - exact) <= 8 * np.finfo(float).eps * np.exp(x / 4)


def test_every_output_of_a_vector_function():
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(
        cm.jacobian(lambda x: np.array([x[0] * x[1], np.sin(x[0]), x[1] ** 3]), x, scheme="complex"),
        [[2, 1], [np.cos(1), 0], [0, 12]],
        rtol=1e-15,
        atol=1e-15,
    )


def test_evaluations():
    # One per coordinate (nine for the error), f(x), and four real ones for the check along a mixture of all.
    calls = []

    def f(x):
        calls.append(np.iscomplexobj(x))
        return np.sum(x**3)

    x = np.arange(1.0, 6.0)
    cm.gradient(f, x, scheme="complex")
    assert (sum(calls), len(calls)) == (5, 10)
    assert cm.estimate_gradient(f, x, scheme="complex").nfev == 45 + 5


CANCELLATION = [
    (lambda z: (1 - np.cos(z)) / z**2, lambda x: -x / 12 + x**3 / 180 - x**5 / 6720, 0.005, 0.05),
    (lambda z: (np.exp(z) - 1 - z) / z**2, lambda x: 1 / 6 + x / 12 + x**2 / 40 + x**3 / 180, 1e-3, 1e-2),
    (lambda z: np.cosh(z) - np.exp(z) / 2, lambda x: -np.exp(-x) / 2, 3, 12),
    (
        lambda z: np.sqrt(z * z + 1) - z,
        lambda x: -1 / (np.sqrt(x * x + 1) * (x + np.sqrt(x * x + 1))),
        10,
        1e4,
    ),
    (lambda z: (1e6 + np.sin(z)) ** 2 - 1e12, lambda x: 2 * (1e6 + np.sin(x)) * np.cos(x), 0.1, 1.4),
    (lambda z: 1e12 + np.sin(z), np.cos, 0.1, 1.4),
    (lambda z: np.exp(z + 0.5) - np.exp(z), lambda x: np.exp(x) * np.expm1(0.5), 0.1, 3),
]


@pytest.mark.parametrize(("f", "exact", "low", "high"), CANCELLATION)
def test_cancellation_inside_f_shows_in_the_error(f, exact, low, high):
    # The complex step keeps the rounding of terms that cancel; 300 random points each.
    x = np.exp(np.random.default_rng(1).uniform(np.log(low), np.log(high), 300))
    estimate = cm.estimate_derivative(f, x, scheme="complex")
    wrong = np.abs(estimate.value - exact(x))
    assert honest(estimate.error, estimate.value, exact(x)).mean() >= 0.97
    # Nor is it much too large.
    assert np.median(estimate.error) <= 50 * max(
        np.median(wrong), 4 * np.finfo(float).eps * np.median(exact(x))
    )


def test_smooth_functions_are_not_charged_with_noise():
    # 4 eps of the value, and the scatter of eight derivatives that are good to a unit or so.
    x = np.linspace(0.5, 3, 50)
    estimate = cm.estimate_derivative(np.exp, x, scheme="complex")
    assert (estimate.error >= 4 * EPS * np.exp(x)).all()
    assert (estimate.error <= 40 * EPS * np.exp(x)).all()
    # A constant derivative scatters by the rounding of the parabola alone, up to 8 eps of it.
    assert 16 * EPS <= cm.estimate_derivative(lambda z: 4 * z, 2.0, scheme="complex").noise <= 160 * EPS


def test_where_the_noise_is_looked_for():
    seen = []
    cm.estimate_derivative(lambda z: seen.append(z) or z**2, 4.0, scheme="complex")
    way = sorted(z.real - 4 for z in seen if np.iscomplexobj(z))
    assert len(way) == 9
    # 4 eps^0.55, rounded to the spacing of numbers at 4.
    assert way[0] == pytest.approx(-4 * EPS**0.55, abs=EPS * 4)
    assert way[-1] == pytest.approx(4 * EPS**0.55, abs=EPS * 4)
    assert way.count(0.0) == 1


@pytest.mark.parametrize("bounds", [(0.0, 2.5), (1e-12, 2.5), (-1.0, 1.1e-12), (1e-12 - 1e-21, 2.5)])
def test_noise_is_looked_for_within_bounds(bounds):
    seen = []
    estimate = cm.estimate_derivative(
        lambda z: seen.append(np.real(z)) or np.exp(z), 1e-12, scheme="complex", bounds=bounds
    )
    assert min(seen) >= bounds[0] and max(seen) <= bounds[1]
    assert honest(estimate.error, estimate.value, np.exp(1e-12))


@pytest.mark.parametrize("case", derivative_cases(), ids=lambda case: case.name)
def test_the_catalog(case):
    try:
        estimate = cm.estimate_derivative(case.f, case.x, scheme="complex")
    except cm.NotAnalyticError:
        assert "analytic" not in case.tags
        return
    assert honest(estimate.error, estimate.value, case.exact())
    assert digits(estimate.value, case.exact()) >= 7


@pytest.mark.parametrize("power", [-150, 150])
def test_very_large_and_very_small_units(power):
    s = 10.0**power
    estimate = cm.estimate_derivative(lambda z: np.sin(z / s), s, scheme="complex")
    assert honest(estimate.error, estimate.value, np.cos(1.0) / s)
    assert digits(estimate.value * s, np.cos(1.0)) >= 14
    assert estimate.step == (1e-200 if power < 0 else 1e-100)


def test_no_complex_argument_leaves_the_bounds():
    seen = []
    cm.estimate_derivative(lambda x: seen.append(x.real) or x**2, 1.0, scheme="complex", bounds=(1.0, 2.0))
    assert min(seen) == 1.0


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: float(np.real(x)) ** 2, "returned real values"),
        (np.abs, "returned real values"),
        (lambda x: np.abs(x) + 0j * x if np.iscomplexobj(x) else np.abs(x), "is not analytic"),
        (lambda x: np.real(x) ** 2 + 0j if np.iscomplexobj(x) else x**2, "is not analytic"),
        (lambda x: np.exp(1j * x), "complex on the real axis"),
        (lambda x: math.sin(x), "does not take complex numbers"),
        (lambda x: np.asarray(x, dtype=np.float32).astype(float) ** 2, "does not take complex numbers"),
        (lambda x: np.real(x).astype(np.float32) ** 2, "returned real values"),
        (
            lambda x: np.maximum(np.real(x), 1.0) + 0j if np.iscomplexobj(x) else max(x, 1.0),
            "is not analytic",
        ),
        (lambda x: np.floor(x), "does not take complex numbers"),
    ],
)
def test_functions_that_are_not_analytic(f, message):
    with pytest.raises(cm.NotAnalyticError, match=message):
        cm.derivative(f, 2.0, scheme="complex")


def test_branches():
    # NumPy orders complex numbers by their real parts, so branches away from their kink are what they are.
    f = lambda z: np.where(z < 1, z**2, 3 * z - 2)
    assert cm.derivative(f, 0.9, scheme="complex") == pytest.approx(1.8, rel=1e-14)
    assert cm.derivative(f, 1.1, scheme="complex") == pytest.approx(3.0, rel=1e-14)
    assert cm.derivative(lambda z: np.maximum(z, 0.9), 1.0, scheme="complex") == 1.0


def test_the_kink_itself():
    # No derivative exists: the complex step takes one side, real differences the mean of both.
    f = lambda z: np.where(z < 1, 0 * z, z - 1)
    with pytest.raises(cm.NotAnalyticError, match=r"complex step gives 1, real differences"):
        cm.derivative(f, 1.0, scheme="complex")


def test_noise_of_f_is_no_reason_to_refuse():
    # A central difference is off by more than it says here; the second opinion knows the noise.
    x = np.exp(np.random.default_rng(0).uniform(np.log(0.005), np.log(0.5), 200))
    value = cm.derivative(lambda z: (1 - np.cos(z)) / z**2, x, scheme="complex")
    np.testing.assert_allclose(value, -x / 12 + x**3 / 180 - x**5 / 6720, rtol=1e-5)


def test_one_bad_coordinate_among_many():
    def f(x):
        return np.sum(x[:-1] ** 2) + (np.real(x[-1]) ** 2 + 0j if np.iscomplexobj(x) else x[-1] ** 2)

    with pytest.raises(cm.NotAnalyticError, match="is not analytic"):
        cm.gradient(f, np.linspace(1, 2, 20), scheme="complex")


def test_only_first_derivatives():
    with pytest.raises(ValueError, match="order 1, got n = 2"):
        cm.derivative(np.sin, 1.0, 2, scheme="complex")


def test_not_finite():
    estimate = cm.estimate_derivative(lambda x: x * np.nan, 1.0, scheme="complex")
    assert cm.Status(int(estimate.status)) is cm.Status.NON_FINITE
    assert np.isnan(estimate.error)


def test_a_noisy_function_is_judged_by_its_noise():
    rng = np.random.default_rng(0)

    def f(x):
        return np.sin(x) + 1e-6 * rng.standard_normal()

    # The noise is real, so the complex step does not see it; the check must not fail because of it.
    assert cm.derivative(f, 1.0, scheme="complex") == pytest.approx(np.cos(1.0), rel=1e-12)


def test_names():
    assert cm.schemes.as_scheme("complex") == cm.schemes.ComplexStep()
    assert " ".join(cm.schemes.names()) == "adaptive backward cauchy central complex forward richardson"
    with pytest.raises(ValueError, match="`scheme` must be one of adaptive, .*, got 'best'"):
        cm.derivative(np.sin, 1.0, scheme="best")
    with pytest.raises(TypeError, match="`scheme` must be a name or a scheme"):
        cm.derivative(np.sin, 1.0, scheme=3)


def test_underflow_shows_in_the_error():
    estimate = cm.estimate_derivative(lambda x: 1e-271 * np.sin(x), 0.5, scheme="complex")
    assert abs(estimate.value - 1e-271 * np.cos(0.5)) <= estimate.error < 1e-220


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1e8 * x[0] + np.abs(x[1]),
        lambda x: 1e3 * x[0] + 1e-4 * np.abs(x[1]),
        lambda x: x[0] * x[1] + np.abs(x[1]) ** 2 * 1e-6,
    ],
)
def test_small_parts_that_are_not_analytic(f):
    with pytest.raises(cm.NotAnalyticError):
        cm.gradient(f, [1.0, 2.0], scheme="complex")


def test_narrow_floats_and_long_vectors():
    x = np.array([0.5, 1.5], np.float32)
    np.testing.assert_allclose(
        cm.gradient(lambda x: np.sum(np.exp(x)), x, scheme="complex"), np.exp(x), rtol=1e-6
    )
    for length in (1e-250, 1e100):
        value = cm.jvp(lambda x: np.sum(np.sin(x)), [1.0, 2.0], [length, 0.0], scheme="complex")
        assert value == pytest.approx(length * np.cos(1.0), rel=1e-12)


def test_a_pole_at_the_point():
    estimate = cm.estimate_derivative(lambda x: 1 / x, 0.0, scheme="complex")
    assert np.isnan(estimate.value)
    assert cm.Status(int(estimate.status)) is cm.Status.NON_FINITE
