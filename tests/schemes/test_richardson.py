"""Richardson extrapolation from a given step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml.schemes import Relative, Richardson


@given(st.floats(-3, 3), st.integers(1, 4), st.sampled_from([1.5, 2.0, 4.0]))
def test_estimates_hold(x, n, ratio):
    estimate = cm.estimate_derivative(np.sin, x, n, scheme=Richardson(ratio=ratio))
    exact = [np.sin, np.cos, lambda t: -np.sin(t), lambda t: -np.cos(t)][n % 4](x)
    assert abs(estimate.value - exact) <= estimate.error + 1e-15
    # Noise grows as 1/hⁿ towards the small steps; the largest of about 1/8 keeps these digits.
    assert estimate.error < [1e-10, 1e-7, 1e-5, 2e-2][n - 1]


@pytest.mark.parametrize("levels", [4, 6])
def test_polynomials_are_exact(levels):
    # q steps cancel the terms up to h^(2q-2): a polynomial of degree 2q is exact to rounding.
    p = np.polynomial.Polynomial(np.arange(1.0, 2 * levels))
    estimate = cm.estimate_derivative(p, 0.25, scheme=Richardson(levels=levels, step=0.5))
    assert estimate.value == pytest.approx(p.deriv()(0.25), rel=1e-13)
    assert estimate.step == 0.5


@pytest.mark.parametrize("levels", [4, 5, 9])
def test_evaluations(levels):
    assert cm.estimate_derivative(np.exp, 1.0, scheme=Richardson(levels=levels)).nfev == 2 * levels + 1


@given(st.floats(0, 1), st.integers(1, 3))
def test_no_evaluation_leaves_the_bounds(x, n):
    seen = []

    def f(t):
        seen.append(float(t))
        return np.exp(t)

    estimate = cm.estimate_derivative(f, x, n, scheme="richardson", bounds=(0.0, 1.0))
    assert min(seen) >= 0 and max(seen) <= 1
    assert abs(estimate.value - np.exp(x)) <= estimate.error + 1e-15


@pytest.mark.parametrize("x", [1e-8, 1e-3, 0.05])
def test_steps_shrink_into_the_domain(x):
    estimate = cm.estimate_derivative(np.log, x, scheme="richardson")
    assert estimate.value == pytest.approx(1 / x, rel=1e-6)
    assert abs(estimate.value - 1 / x) <= estimate.error


def test_a_fixed_step_is_taken_as_it_is():
    # The largest step leaves the domain, and no window of the table is free of it.
    estimate = cm.estimate_derivative(np.log, 0.2, scheme=Richardson(step=0.25, levels=4))
    assert estimate.step == 0.25
    assert estimate.nfev == 9
    assert np.isnan(estimate.value)
    assert cm.Status(int(estimate.status)) is cm.Status.NON_FINITE


def test_not_finite_and_no_room():
    estimate = cm.estimate_derivative(lambda x: x * np.nan, 1.0, scheme="richardson")
    assert cm.Status(int(estimate.status)) is cm.Status.NON_FINITE
    estimate = cm.estimate_derivative(np.sin, 1.0, scheme="richardson", bounds=(1.0, 1.0))
    assert cm.Status(int(estimate.status)) is cm.Status.NO_ROOM


def test_lost_digits_show():
    rng = np.random.default_rng(0)
    estimate = cm.estimate_derivative(lambda x: rng.standard_normal(), 1.0, scheme="richardson")
    assert cm.Status(int(estimate.status)) is cm.Status.INACCURATE


def test_a_scheme_is_a_value():
    assert Richardson() == Richardson(levels=7, ratio=2.0)
    assert Richardson().step == Relative(factor=0.125)
    assert hash(Richardson(step=0.1)) == hash(Richardson(step=0.1))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"levels": 3}, ValueError, "`levels` must be at least 4, got 3"),
        ({"levels": 2.5}, TypeError, "`levels` must be an integer, got 2.5"),
        ({"levels": True}, TypeError, "`levels` must be an integer"),
        ({"ratio": 1.0}, ValueError, "`ratio` must be above 1 and at most 100, got 1.0"),
        ({"ratio": np.inf}, ValueError, "`ratio` must be above 1"),
        ({"ratio": "2"}, TypeError, "`ratio` must be a number"),
        ({"step": -1.0}, ValueError, "`step` must be positive"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        Richardson(**options)
