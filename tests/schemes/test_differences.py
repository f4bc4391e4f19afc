"""Forward, backward and central differences: value, error, step and number of evaluations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml.schemes import Backward, Central, Fixed, Forward, Relative
from calcml.schemes.steps import as_rule, optimal_factor

EPS = np.finfo(float).eps
FIXED = [Forward, Backward, Central]


def orders(scheme):
    return (2, 4, 6, 8) if scheme is Central else (1, 2, 3, 4, 5)


CASES = [(scheme, order) for scheme in FIXED for order in orders(scheme)]


@pytest.mark.parametrize(("scheme", "order"), CASES)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_polynomials_below_the_order_are_exact(scheme, order, n):
    degree = n + order - 1
    p = np.polynomial.Polynomial(np.arange(1.0, degree + 2))
    estimate = cm.estimate_derivative(p, 0.25, n, scheme=scheme(order=order, step=0.25))
    # With a step of the size of x only rounding is left, amplified by the weights.
    assert estimate.value == pytest.approx(p.deriv(n)(0.25), rel=1e-10)
    assert abs(estimate.value - p.deriv(n)(0.25)) <= estimate.error


@pytest.mark.parametrize(("scheme", "order"), CASES)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_error_falls_as_its_order_says(scheme, order, n):
    steps = np.array([0.1, 0.05])
    errors = []
    for h in steps:
        value = cm.derivative(np.exp, 0.3, n, scheme=scheme(order=order, step=h))
        errors.append(abs(value - math.exp(0.3)))
    # Halving the step divides the error by 2^order; higher terms leave a margin of half an order.
    if min(errors) > 1e-9:
        assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.5)


@pytest.mark.parametrize(("scheme", "order"), CASES)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_evaluations_are_counted_exactly(scheme, order, n):
    calls = []

    def f(x):
        calls.append(float(x))
        return math.exp(x)

    method = scheme(order=order)
    cm.derivative(f, 1.0, n, scheme=method)
    used = 2 * ((n + order - 1) // 2) + (n % 2 == 0) if scheme is Central else n + order
    assert len(calls) == used
    calls.clear()
    estimate = cm.estimate_derivative(f, 1.0, n, scheme=method)
    more = 2 if scheme is Central else 1
    assert estimate.nfev == len(calls) == used + more
    assert len(set(calls)) == len(calls)


def test_points_lie_on_the_side_the_name_says():
    for scheme, sign in ((Forward, 1), (Backward, -1)):
        seen = []
        cm.derivative(lambda x: seen.append(x) or x, 1.0, scheme=scheme(order=3, step=0.125))
        np.testing.assert_array_equal(sorted(seen, key=lambda x: sign * x), 1 + sign * 0.125 * np.arange(4))


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("x", [1.0, 20.0, -3e5, 1e-3, 0.0])
def test_the_default_step_is_the_optimum_for_the_scale_of_x(order, x):
    # n = 1: h* = [eps ||w|| / (p C)]^(1/(1+p)) max(|x|, 1), with C = 1/6, 1/30 and ||w|| = 1, 3/2.
    factor = {2: (3 * EPS) ** (1 / 3), 4: (11.25 * EPS) ** (1 / 5)}[order]
    step = cm.estimate_derivative(np.sin, x, scheme=Central(order=order)).step
    # The step is rounded so that x + h is exact.
    assert step == pytest.approx(factor * max(abs(x), 1.0), rel=1e-9)
    assert (x + step) - x == step


def test_the_step_follows_the_precision_of_the_values():
    x = np.float32(1.0)
    step = cm.estimate_derivative(np.sin, x, scheme="central").step
    assert step == pytest.approx((3 * np.finfo(np.float32).eps) ** (1 / 3), rel=1e-4)
    step = cm.estimate_derivative(np.sin, np.longdouble(1), scheme="central").step
    assert step == pytest.approx(float((3 * np.finfo(np.longdouble).eps) ** (1 / 3)), rel=1e-4)


def test_relative_steps():
    rule = Relative(factor=1e-3, floor=0.5)
    step = cm.estimate_gradient(np.sum, [0.0, 0.5, -4.0], scheme=Central(step=rule)).step
    np.testing.assert_allclose(step, [5e-4, 5e-4, 4e-3], rtol=1e-9)
    assert optimal_factor(cm.stencil([-1, 1]), EPS) == pytest.approx((3 * EPS) ** (1 / 3))


def test_fixed_steps():
    steps = np.array([0.5, 0.25])
    estimate = cm.estimate_gradient(lambda x: x @ x, np.ones(2), scheme=Central(step=steps))
    np.testing.assert_array_equal(estimate.step, steps)
    assert Fixed(steps) == Fixed([0.5, 0.25])
    assert hash(Fixed(steps)) == hash(Fixed([0.5, 0.25]))
    assert Fixed(0.5) != Fixed(0.25)
    steps[0] = 9.0
    assert Fixed(0.5).step == 0.5
    assert not Fixed(0.5).step.flags.writeable
    assert as_rule(None) == Relative()
    assert as_rule(Relative(floor=2.0)) == Relative(floor=2.0)


def test_a_step_along_several_coordinates_respects_the_shortest():
    # Along (1, 2) a distance t moves by t and 2 t: steps of 0.5 and 0.25 allow t = 0.125.
    estimate = cm.estimate_jvp(
        lambda x: x[0] * x[1], [1.0, 1.0], [1.0, 2.0], scheme=Central(step=[0.5, 0.25])
    )
    assert estimate.step == 0.125
    assert estimate.value == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Central(order=3), ValueError, "positive even integer, got 3"),
        (lambda: Central(order=0), ValueError, "positive even integer, got 0"),
        (lambda: Forward(order=0), ValueError, "positive integer, got 0"),
        (lambda: Backward(order=1.0), TypeError, "must be an integer, got 1.0"),
        (lambda: Central(order=True), TypeError, "must be an integer"),
        (lambda: Central(step=0.0), ValueError, "`step` must be positive and finite, got 0.0;"),
        (lambda: Central(step=[1.0, -1.0]), ValueError, r"got -1.0 at index \(1,\)"),
        (lambda: Central(step=np.nan), ValueError, "got nan"),
        (lambda: Central(step="small"), TypeError, "`step` must be a number, an array or a rule"),
        (lambda: Relative(factor=-1.0), ValueError, "`factor` must be positive and finite, got -1.0"),
        (lambda: Relative(floor=np.inf), ValueError, "`floor`"),
    ],
)
def test_bad_options(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_step_array_of_the_wrong_size():
    with pytest.raises(ValueError, match=r"`step` has shape \(3,\), x has shape \(2,\)"):
        cm.gradient(np.sum, np.ones(2), scheme=Central(step=np.ones(3)))


def test_schemes_are_values():
    assert Central() == Central(order=2) != Central(order=4)
    assert Central(step=0.1) == Central(step=Fixed(0.1))
    assert hash(Forward()) == hash(Forward(step=None))
    assert repr(Central()) == "Central(order=2, step=Relative(factor=None, floor=1.0))"
    with pytest.raises(AttributeError):
        Central().order = 4


bounded = st.tuples(st.floats(0.0, 1.0), st.floats(1e-9, 1.0), st.floats(0.0, 1.0))


@pytest.mark.parametrize("scheme", [*(s(order=o) for s, o in CASES)], ids=repr)
@given(bounded, st.sampled_from([1, 2, 3]))
def test_no_evaluation_leaves_the_bounds(scheme, interval, n):
    lower, width, place = interval
    upper = lower + width
    x = np.clip(lower + place * width, lower, upper)
    seen = []

    def f(t):
        seen.append(float(t))
        return np.exp(t)

    estimate = cm.estimate_derivative(f, x, n, scheme=scheme, bounds=(lower, upper))
    assert lower <= min(seen)
    assert max(seen) <= upper
    if width > 0.1 and n == 1:
        # Shifted points keep the order; at a bound the one-sided formula's larger constant costs digits.
        assert estimate.value == pytest.approx(np.exp(x), rel=1e-4)


@pytest.mark.parametrize("scheme", [Central(order=4), Forward(order=2), Backward(order=2)], ids=repr)
def test_mixed_bounds_in_one_call(scheme):
    x = np.array([0.0, 1e-9, 0.5, 1.0])
    estimate = cm.estimate_derivative(np.exp, x, scheme=scheme, bounds=(0.0, 1.0))
    np.testing.assert_allclose(estimate.value, np.exp(x), rtol=1e-6)
    assert (np.abs(estimate.value - np.exp(x)) <= estimate.error).all()
    # NumPy's exp of an array and of a number may differ in the last digit, which the step of 1e-3 magnifies.
    np.testing.assert_allclose(
        estimate.value, [cm.derivative(np.exp, xi, scheme=scheme, bounds=(0.0, 1.0)) for xi in x], rtol=1e-11
    )


def test_bounds_without_room():
    estimate = cm.estimate_gradient(lambda x: x @ x, [1.0, 2.0], scheme="central", bounds=([0, 2.0], 2.0))
    assert np.isnan(estimate.value[1])
    assert cm.Status(int(estimate.status[1])) is cm.Status.NO_ROOM
    assert estimate.value[0] == pytest.approx(2.0)
    assert not estimate.success
    with pytest.raises(cm.ConvergenceError, match="no room"):
        estimate.check()


@pytest.mark.parametrize("scheme", [Backward, Central])
@pytest.mark.parametrize("x", [1e-8, 3e-9, 1e-100])
def test_steps_shrink_into_the_domain(scheme, x):
    estimate = cm.estimate_derivative(np.log, x, scheme=scheme())
    # The step is then optimal relative to the distance to the edge, so the digits are those of the formula.
    assert estimate.value == pytest.approx(1 / x, rel=1e-8 if scheme is Central else 1e-6)
    assert abs(estimate.value - 1 / x) <= estimate.error


def test_steps_shrink_towards_an_edge_that_is_not_zero():
    estimate = cm.estimate_derivative(lambda x: np.log(x - 2.0), 2.0 + 1e-7, scheme="central")
    # x itself is known to 4e-16 of 1e-7 only.
    assert estimate.value == pytest.approx(1e7, rel=1e-6)
    assert estimate.success


def test_a_fixed_step_is_taken_as_it_is():
    estimate = cm.estimate_derivative(np.log, 1e-3, scheme=Central(step=0.1))
    assert np.isnan(estimate.value)
    assert cm.Status(int(estimate.status)) is cm.Status.NON_FINITE
    assert estimate.nfev == 4


def test_where_f_is_not_finite_few_evaluations_are_wasted():
    for f in (lambda x: np.nan * x, lambda x: np.inf + 0 * x):
        estimate = cm.estimate_derivative(f, 1.0, scheme="central")
        assert not np.isfinite(estimate.value)
        assert cm.Status(int(estimate.status)) is cm.Status.NON_FINITE
        assert estimate.nfev == 5


def test_a_hopeless_estimate_says_so():
    rng = np.random.default_rng(1)
    estimate = cm.estimate_derivative(lambda x: rng.standard_normal(), 1.0, scheme="central")
    assert cm.Status(int(estimate.status)) is cm.Status.INACCURATE
    assert "INACCURATE" not in estimate.message
    assert "two digits" in estimate.message


@pytest.mark.parametrize("scheme", [s(order=o) for s, o in CASES], ids=repr)
def test_large_and_small_arguments(scheme):
    for scale in (1e150, 1e-150):
        with np.errstate(all="raise"):
            value = cm.derivative(lambda x, s=scale: x / s, scale, scheme=scheme)
        assert value == pytest.approx(1 / scale, rel=1e-4)


@pytest.mark.parametrize("scheme", [s() for s in FIXED], ids=repr)
def test_steps_follow_a_precision_that_shows_only_in_the_values(scheme):
    estimate = cm.estimate_gradient(lambda x: np.float32(np.sum(np.sin(x))), [1.0, 2.0], scheme=scheme)
    exact = np.cos([1.0, 2.0])
    assert (np.abs(estimate.value - exact) <= estimate.error).all()
    np.testing.assert_allclose(estimate.value, exact, atol=2e-3)


def test_steps_that_are_much_too_short_say_so():
    estimate = cm.estimate_derivative(np.sin, 1.0, scheme=Central(step=4e-16))
    assert cm.Status(int(estimate.status)) is cm.Status.INACCURATE
    with pytest.warns(cm.AccuracyWarning):
        cm.derivative(np.sin, 1.0, scheme=Central(step=4e-16))
    with pytest.raises(ValueError, match="`step` .* is too small to change x"):
        cm.derivative(np.sin, 1.0, scheme=Central(step=1e-20))


@pytest.mark.parametrize(
    ("step", "error", "message"),
    [
        ([], ValueError, "`step` is empty"),
        (True, TypeError, "got a bool"),
        (np.ones((3, 2)), ValueError, "x has shape"),
    ],
)
def test_more_bad_steps(step, error, message):
    with pytest.raises(error, match=message):
        cm.gradient(np.sum, np.ones((2, 3)), scheme=Central(step=step))


def test_equal_steps_hash_alike():
    assert Fixed(np.float32(0.5)) == Fixed(0.5)
    assert hash(Fixed(np.float32(0.5))) == hash(Fixed(0.5))
    with pytest.raises(TypeError, match="`factor` must be a number, got 'a'"):
        Relative(factor="a")


@pytest.mark.parametrize("scheme", [Central(), Forward(order=2)], ids=repr)
def test_long_arrays_are_worked_in_blocks(scheme):
    x = np.linspace(0.0, 3.0, 40_000)
    estimate = cm.estimate_derivative(np.sin, x, scheme=scheme)
    assert (np.abs(estimate.value - np.cos(x)) <= estimate.error).mean() > 0.999
    # The digits of the formula, in every block.
    np.testing.assert_allclose(estimate.value, np.cos(x), atol=1e-8)
    t = np.linspace(0.0, 1.0, 30_000)
    J = cm.jacobian(lambda p: p[0] * np.exp(-p[1] * t), [2.0, 3.0], scheme=scheme)
    np.testing.assert_allclose(J[:, 0], np.exp(-3 * t), atol=1e-8)
    np.testing.assert_allclose(J[:, 1], -2 * t * np.exp(-3 * t), atol=1e-8)
