"""Chi-squared as an objective."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml.errors import EvaluationError
from calcml.fitting import ChiSquared, fit, fit_line

X = np.linspace(0.0, 5.0, 30)
Y = 3.0 * np.exp(-X / 1.2) + 0.2 + np.random.default_rng(0).normal(0, 0.1, X.size)
SIGMA = np.linspace(0.05, 0.2, X.size)


def decay(x, a, tau, c):
    return a * np.exp(-x / tau) + c


def jacobian(x, a, tau, c):
    e = np.exp(-x / tau)
    return np.column_stack([e, a * x / tau**2 * e, np.ones_like(x)])


@pytest.mark.parametrize("sigma", [None, 0.1, SIGMA, np.diag(SIGMA**2) + 0.001])
def test_value_gradient_hessian(sigma):
    V = (
        np.eye(X.size)
        if sigma is None
        else sigma
        if np.ndim(sigma) == 2
        else np.diag(np.broadcast_to(sigma, X.size) ** 2)
    )
    W, p = np.linalg.inv(V), np.array([2.0, 1.5, 0.1])
    r, J = Y - decay(X, *p), jacobian(X, *p)
    for chi2, digits in (
        (ChiSquared(decay, X, Y, sigma), 8),
        (ChiSquared(decay, X, Y, sigma, jac=jacobian), 11),
    ):
        assert chi2(p) == pytest.approx(float(r @ W @ r), rel=1e-11)
        np.testing.assert_allclose(chi2.gradient(p), -2 * J.T @ W @ r, rtol=10.0**-digits, atol=1e-6)
        np.testing.assert_allclose(chi2.hessian(p), 2 * J.T @ W @ J, rtol=10.0**-digits)


def test_optimizers_agree_with_the_direct_solution():
    from scipy.optimize import minimize

    chi2 = ChiSquared(decay, X, Y, SIGMA)
    result = fit(decay, X, Y, SIGMA, p0=(1.0, 1.0, 0.0))
    # The Gauss-Newton Hessian is positive, as this method wants it.
    run = minimize(
        chi2, [2.0, 1.5, 0.0], jac=chi2.gradient, hess=chi2.hessian, method="trust-exact", tol=1e-9
    )
    np.testing.assert_allclose(run.x, result.values, rtol=1e-6)
    assert run.fun == pytest.approx(result.chi2, rel=1e-10)
    np.testing.assert_allclose(2 * np.linalg.inv(chi2.hessian(run.x)), result.covariance, rtol=1e-5)


def test_of_a_line_it_is_a_parabola():
    chi2, line = ChiSquared(lambda x, a, b: a + b * x, X, Y, SIGMA), fit_line(X, Y, SIGMA)
    start = np.array([5.0, -3.0])
    end = start - np.linalg.solve(chi2.hessian(start), chi2.gradient(start))
    # One Newton step of a parabola, with differences good to ten digits.
    np.testing.assert_allclose(end, line.values, rtol=1e-7)
    # One standard deviation, the other parameter adjusted, raises chi2 by 1.
    step = line.covariance[:, 0] / line.errors[0]
    assert chi2(line.values + step) - line.chi2 == pytest.approx(1.0, rel=1e-9)


def test_calls_are_counted():
    chi2 = ChiSquared(decay, X, Y, jac=jacobian)
    assert (chi2.nfev, chi2.njev) == (0, 0)
    chi2([1.0, 1.0, 0.0])
    chi2.gradient([1.0, 1.0, 0.0])
    assert (chi2.nfev, chi2.njev) == (2, 1)
    numeric = ChiSquared(decay, X, Y)
    numeric.gradient([1.0, 1.0, 0.0])
    assert (numeric.nfev, numeric.njev) == (1 + 6, 0)


def test_models_with_any_number_of_parameters():
    chi2 = ChiSquared(lambda x, *p: np.polyval(p, x), X, Y)
    assert chi2([1.0, 2.0]) == pytest.approx(np.sum((Y - X - 2) ** 2))
    with pytest.raises(ValueError, match="`p` must be a vector over p0, p1, got shape"):
        chi2([1.0, 2.0, 3.0])


def test_what_it_gets_and_returns():
    chi2 = ChiSquared(lambda x, a: a * x, X, Y)
    with pytest.raises(TypeError, match="`p` is complex"):
        chi2([1j])
    with pytest.raises(EvaluationError, match="one number per point"):
        ChiSquared(lambda x, a: a, X, Y)([1.0])
    assert np.isnan(ChiSquared(lambda x, a: x * np.nan, X, Y)([1.0]))


@given(st.integers(0, 1000), st.floats(0.5, 5.0), st.floats(0.5, 3.0))
def test_the_gradient_vanishes_at_the_answer_of_a_fit(seed, a, tau):
    x, rng = np.linspace(0.0, 5.0, 30), np.random.default_rng(seed)
    sigma = rng.uniform(0.01, 0.05, x.size)

    def decay(x, a, tau):
        return a * np.exp(-x / tau)

    y = decay(x, a, tau) + sigma * rng.standard_normal(x.size)
    result = fit(decay, x, y, sigma, p0=[1.0, 1.0])
    g = ChiSquared(decay, x, y, sigma).gradient(result.values)
    # In units of the errors: a step of one standard deviation along the gradient changes chi2 by 1, and the
    # fit ends within 1e-6 standard deviations of the minimum.
    assert np.max(np.abs(g * result.errors)) < 1e-5
