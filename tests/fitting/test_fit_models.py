"""Nonlinear fits: properties, hard problems, fixed parameters and bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import calcml.fitting._levenberg as levenberg
from calcml import Status
from calcml.fitting import fit, fit_line, fit_linear
from calcml.schemes import Central

# A fit is some thousand times an evaluation: a quarter of the usual number of examples.
SOME = settings(max_examples=max(5, settings().max_examples // 4))

X = np.linspace(0.0, 5.0, 30)
X.flags.writeable = False


def decay(x, a, tau, c):
    return a * np.exp(-x / tau) + c


def decay_jacobian(x, a, tau, c):
    e = np.exp(-x / tau)
    return np.column_stack([e, a * x / tau**2 * e, np.ones_like(x)])


def peak(x, height, center, width):
    return height * np.exp(-0.5 * ((x - center) / width) ** 2)


def noisy(seed=0, size=0.1, c=0.2):
    y = decay(X, 3.0, 1.2, c) + np.random.default_rng(seed).normal(0, size, X.size)
    y.flags.writeable = False
    return y


Y = noisy()
P0 = (1.0, 1.0, 0.0)


def same(a, b, digits=8):
    """Two fits of the same data: values to a part of their errors."""
    assert np.all(np.abs(a.values - b.values) <= 10.0**-digits * np.maximum(np.abs(b.values), b.errors))
    np.testing.assert_allclose(a.errors, b.errors, rtol=10.0 ** -(digits - 1))


# Against the oracle.


@pytest.mark.parametrize("kind", ["number", "vector", "matrix"])
def test_agrees_with_scipy(kind):
    from scipy.optimize import curve_fit

    rng = np.random.default_rng(3)
    vector = rng.uniform(0.05, 0.2, X.size)
    matrix = np.diag(vector**2) + 0.005
    sigma = {"number": 0.1, "vector": vector, "matrix": matrix}[kind]
    ours = fit(decay, X, Y, sigma, p0=P0)
    oracle = curve_fit(
        decay,
        X,
        Y,
        P0,
        np.full(X.size, 0.1) if kind == "number" else sigma,
        absolute_sigma=True,
        jac=decay_jacobian,
        ftol=1e-15,
        xtol=1e-15,
        gtol=1e-15,
    )
    np.testing.assert_allclose(ours.values, oracle[0], rtol=1e-7)
    np.testing.assert_allclose(ours.covariance, oracle[1], rtol=1e-6)
    assert ours.absolute and ours.success
    assert ours.chi2 == pytest.approx(float(ours.pulls @ ours.pulls), rel=1e-12)


def test_scaled_errors_are_those_of_sigma_from_the_scatter():
    scaled = fit(decay, X, Y, p0=P0)
    assert not scaled.absolute
    again = fit(decay, X, Y, np.sqrt(scaled.reduced_chi2), p0=P0)
    same(scaled, again)
    assert again.reduced_chi2 == pytest.approx(1.0, rel=1e-9)
    np.testing.assert_allclose(scaled.pulls, again.pulls, rtol=1e-6, atol=1e-9)


# Properties.


@SOME
@given(
    a=st.floats(0.5, 50.0),
    tau=st.floats(0.3, 4.0),
    c=st.floats(-5.0, 5.0),
)
def test_exact_data_return_the_parameters(a, tau, c):
    truth = np.array([a, tau, c])
    result = fit(decay, X, decay(X, *truth), p0=truth * 1.3 + 0.1)
    # The data carry the rounding of values as large as a + |c|, which tau sees through its derivative.
    assert result.success
    np.testing.assert_allclose(result.values, truth, rtol=1e-10, atol=1e-11 * (a + abs(c)))
    assert result.chi2 <= X.size * (1e-15 * (a + abs(c))) ** 2 * 10


@SOME
@given(power=st.integers(-30, 30))
def test_scaling_y_and_sigma_scales_the_answer(power):
    scale = 2.0**power
    plain = fit(decay, X, Y, 0.1, p0=P0)
    scaled = fit(decay, X, Y * scale, 0.1 * scale, p0=(scale, 1.0, 0.0))
    factors = np.array([scale, 1.0, scale])
    np.testing.assert_allclose(scaled.values, plain.values * factors, rtol=1e-8)
    np.testing.assert_allclose(scaled.errors, plain.errors * factors, rtol=1e-7)
    assert scaled.chi2 == pytest.approx(plain.chi2, rel=1e-10)


@SOME
@given(power=st.integers(-20, 20))
def test_units_of_x_do_not_matter(power):
    scale = 2.0**power
    plain = fit(decay, X, Y, 0.1, p0=P0)
    scaled = fit(decay, X * scale, Y, 0.1, p0=(1.0, scale, 0.0))
    factors = np.array([1.0, scale, 1.0])
    np.testing.assert_allclose(scaled.values, plain.values * factors, rtol=1e-8)
    np.testing.assert_allclose(scaled.errors, plain.errors * factors, rtol=1e-7)


@SOME
@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_points_does_not_matter(seed):
    order = np.random.default_rng(seed).permutation(X.size)
    same(fit(decay, X[order], Y[order], 0.1, p0=P0), fit(decay, X, Y, 0.1, p0=P0))


def test_a_linear_model_needs_one_step():
    x = np.linspace(-1, 1, 9)
    jac = lambda x, a, b: np.column_stack([np.ones_like(x), x])
    calls = []

    def model(x, a, b):
        calls.append((a, b))
        return a + b * x

    result = fit(model, x, 2.0 + 3.0 * x + 0.1 * x**2, 1.0, p0=[1.0, 1.0], jac=jac)
    # The start, and the step that lands on the answer; the second iteration finds that it has arrived.
    assert (result.nfev, result.njev, result.nit) == (2, 2, 2)
    assert len(calls) == result.nfev
    same(result, fit_line(x, 2.0 + 3.0 * x + 0.1 * x**2, 1.0), 12)


def test_calls_are_counted():
    calls = 0

    def model(x, a, tau, c):
        nonlocal calls
        calls += 1
        return decay(x, a, tau, c)

    result = fit(model, X, Y, p0=P0)
    assert result.nfev == calls and result.njev == 0
    # Central differences cost two calls per parameter; the last Jacobian, with its error, six.
    assert calls >= 1 + 6 * (result.nit - 2) + 18


@pytest.mark.parametrize(
    "scheme", ["central", "forward", "complex", "adaptive", Central(order=4), Central(step=1e-4)]
)
def test_every_scheme_finds_the_same(scheme):
    reference = fit(decay, X, Y, 0.1, p0=P0, jac=decay_jacobian)
    same(fit(decay, X, Y, 0.1, p0=P0, scheme=scheme), reference)


def test_the_user_jacobian_is_used():
    result = fit(decay, X, Y, 0.1, p0=P0, jac=decay_jacobian)
    assert result.njev > 0 and result.nfev <= result.nit + 1


# Hard problems.


@pytest.mark.parametrize("first", [1.0, 10.0, 100.0])
def test_a_rate_thrown_out_of_range_comes_back(first, monkeypatch):
    # From rate 1 the first steps lead to rates so large that the decay is over before the first point.
    monkeypatch.setattr(levenberg, "FIRST", first)
    x = np.array([1.0, 2.0, 3.0, 5.0, 7.0, 10.0])
    model = lambda x, a, b: a * (1 - np.exp(-b * x))
    result = fit(model, x, model(x, 200.0, 0.5), p0=(1.0, 1.0))
    np.testing.assert_allclose(result.values, [200.0, 0.5], rtol=1e-9)


def test_parameters_of_very_different_size():
    x = np.linspace(50.0, 125.0, 16)
    model = lambda t, a, b, c: a * np.exp(b / (t + c))
    truth = (0.0056, 6181.0, 345.0)
    result = fit(model, x, model(x, *truth), p0=(0.02, 4000.0, 250.0))
    np.testing.assert_allclose(result.values, truth, rtol=1e-8)


def test_a_narrow_peak_far_from_zero():
    x = np.linspace(490, 510, 81)
    y = peak(x, 7.0, 500.3, 0.4) + np.random.default_rng(1).normal(0, 0.05, x.size)
    result = fit(peak, x, y, 0.05, p0=(5.0, 501.0, 1.0))
    exact = fit(peak, x, y, 0.05, p0=result.values, scheme="complex")
    same(result, exact)


def test_a_model_that_leaves_its_domain_shortens_the_step():
    x = np.linspace(1.0, 9.0, 17)

    def model(x, a, b):
        with np.errstate(invalid="ignore"):
            return a * np.sqrt(x - b)

    result = fit(model, x, model(x, 2.0, 0.9), p0=(0.1, -30.0))
    np.testing.assert_allclose(result.values, [2.0, 0.9], rtol=1e-8)


def test_tiny_numbers():
    x = 1e-9 * np.arange(10.0)
    y = 1e-20 * (np.arange(10.0) + np.array([0, 1, -1, 1, 0, 0, -1, 0, 1, 0]))
    result = fit(lambda x, a, b: a * x + b, x, y, p0=(0.0, 0.0))
    direct = fit_line(x, y)
    np.testing.assert_allclose(result.values[::-1], direct.values, rtol=1e-7)
    np.testing.assert_allclose(result.errors[::-1], direct.errors, rtol=1e-6)


def test_as_many_points_as_parameters():
    x = np.array([0.0, 1.0, 2.0])
    y = decay(x, 3.0, 1.2, 0.2)
    scaled = fit(decay, x, y, p0=P0)
    assert scaled.success and scaled.ndof == 0
    assert np.isnan(scaled.errors).all() and np.isnan(scaled.reduced_chi2) and np.isnan(scaled.p_value)
    assert np.isnan(scaled.confidence_interval()).all()
    assert "no degree of freedom" in repr(scaled)
    given_ = fit(decay, x, y, 0.1, p0=P0)
    assert np.isfinite(given_.errors).all() and np.isnan(given_.reduced_chi2)
    assert np.isfinite(given_.confidence_interval()).all()


def test_one_point_and_one_parameter():
    result = fit(lambda x, a: a * x, [2.0], [6.0], 0.5, p0=[1.0])
    assert result["a"] == pytest.approx(3.0) and result.errors[0] == pytest.approx(0.25)


# Fixed parameters and bounds.


def test_fixed_is_the_smaller_problem():
    held = fit(decay, X, Y, 0.1, p0={"a": 1.0, "tau": 1.0}, fixed={"c": 0.3})
    small = fit(lambda x, a, tau: decay(x, a, tau, 0.3), X, Y, 0.1, p0=(1.0, 1.0))
    np.testing.assert_array_equal(held.values[:2], small.values)
    np.testing.assert_array_equal(held.errors, [*small.errors, 0.0])
    assert held.fixed == ("c",) and held.ndof == small.ndof == X.size - 2
    assert held.jacobian[:, 2].tolist() == [0.0] * X.size
    assert held.correlation[2].tolist() == [0.0, 0.0, 1.0]
    assert "c: 0.3 (fixed)" in repr(held)


def test_fixed_with_a_user_jacobian():
    held = fit(decay, X, Y, 0.1, p0=P0, fixed={"tau": 1.1}, jac=decay_jacobian)
    design = np.column_stack([np.exp(-X / 1.1), np.ones_like(X)])
    linear = fit_linear(design, Y, 0.1)
    np.testing.assert_allclose(held.values[[0, 2]], linear.values, rtol=1e-10)


def test_at_an_active_bound_the_others_are_conditional():
    y = noisy(c=-0.2)
    bounded = fit(decay, X, y, 0.1, p0=P0, bounds={"c": (0.0, None)})
    held = fit(decay, X, y, 0.1, p0=P0, fixed={"c": 0.0})
    assert bounded.status is Status.AT_BOUND and bounded.success
    assert bounded.at_bound == ("c",) and bounded.message.endswith("At a bound: c.")
    assert bounded["c"] == 0.0 and np.isnan(bounded.errors[2])
    np.testing.assert_allclose(bounded.values[:2], held.values[:2], rtol=1e-8)
    np.testing.assert_allclose(bounded.errors[:2], held.errors[:2], rtol=1e-7)
    assert bounded.ndof == held.ndof
    assert np.isnan(bounded.correlation[2]).all() and bounded.correlation[0, 0] == 1.0
    assert "c: 0 (at its bound)" in repr(bounded)


def test_an_inactive_bound_changes_nothing():
    bounds = (np.array([0.0, 0.1, -10.0]), np.array([100.0, 10.0, 10.0]))
    result = fit(decay, X, Y, 0.1, p0=P0, bounds=bounds)
    same(result, fit(decay, X, Y, 0.1, p0=P0))
    assert result.status is Status.CONVERGED and result.at_bound == ()


def test_every_parameter_at_its_bound():
    result = fit(lambda x, a: a * x, [1.0, 2.0], [1.0, 2.0], 1.0, p0=[3.0], bounds=(2.0, 5.0))
    assert result.status is Status.AT_BOUND and result.values.tolist() == [2.0]
    assert result.ndof == 2 and result.rank == 0


@SOME
@given(low=st.floats(-3.0, 3.0), width=st.floats(0.1, 2.0))
def test_bounds_are_never_left(low, width):
    seen = []

    def model(x, a, b):
        seen.append((a, b))
        return a * np.exp(-b * x)

    y = 2.0 * np.exp(-0.7 * X)
    result = fit(model, X, y, 0.1, p0=(low + width / 2, 1.0), bounds=([low, 0.5], [low + width, 3.0]))
    a, b = np.array(seen).T
    assert low <= a.min() and a.max() <= low + width and b.min() >= 0.5 and b.max() <= 3.0
    # Where the free answer lies inside, it is found.
    if low < 1.99 and low + width > 2.01:
        np.testing.assert_allclose(result.values, [2.0, 0.7], rtol=1e-7)
