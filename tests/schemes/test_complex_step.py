"""The complex step, and what it refuses."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm


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
    # One per coordinate (five for the error), f(x), and four real ones for the check along a mixture of all.
    calls = []

    def f(x):
        calls.append(np.iscomplexobj(x))
        return np.sum(x**3)

    x = np.arange(1.0, 6.0)
    cm.gradient(f, x, scheme="complex")
    assert (sum(calls), len(calls)) == (5, 10)
    assert cm.estimate_gradient(f, x, scheme="complex").nfev == 25 + 5


def test_cancellation_inside_f_shows_in_the_error():
    # (1 - cos x) / x² loses half of its digits at 0.01, and so does its derivative.
    x = np.linspace(0.01, 0.02, 50)
    estimate = cm.estimate_derivative(lambda x: (1 - np.cos(x)) / x**2, x, scheme="complex")
    exact = -x / 12 + x**3 / 180 - x**5 / 6720
    wrong = np.abs(estimate.value - exact)
    assert np.median(wrong) > 1e-12
    assert (wrong <= estimate.error).mean() > 0.6
    assert (estimate.error < 1e-9).all()


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
        (lambda x: np.floor(x), "does not take complex numbers"),
    ],
)
def test_functions_that_are_not_analytic(f, message):
    with pytest.raises(cm.NotAnalyticError, match=message):
        cm.derivative(f, 2.0, scheme="complex")


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
    assert cm.schemes.names() == ("adaptive", "backward", "central", "complex", "forward", "richardson")
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
