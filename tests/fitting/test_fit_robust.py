"""Fits that bear with outliers, and fits with errors in x."""

import numpy as np
import pytest

from calcml.fitting import fit, fit_line

X = np.linspace(0.0, 5.0, 30)


def decay(x, a, tau, c):
    return a * np.exp(-x / tau) + c


Y = decay(X, 3.0, 1.2, 0.2) + np.random.default_rng(0).normal(0, 0.1, X.size)
P0 = (1.0, 1.0, 0.0)


def same(a, b, digits=8):
    """Two fits of the same data: values to a part of their errors."""
    assert np.all(np.abs(a.values - b.values) <= 10.0**-digits * np.maximum(np.abs(b.values), b.errors))
    np.testing.assert_allclose(a.errors, b.errors, rtol=10.0 ** -(digits - 1))


# Robust losses.


@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan"])
def test_a_robust_loss_bears_with_outliers(loss):
    from scipy.optimize import least_squares

    y = Y.copy()
    y[[4, 17]] += [8.0, -5.0]
    result = fit(decay, X, y, 0.1, p0=(3.0, 1.0, 0.1), loss=loss)
    oracle = least_squares(
        lambda p: (decay(X, *p) - y) / 0.1,
        (3.0, 1.0, 0.1),
        loss=loss,
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-12,
        x_scale="jac",
    )
    # SciPy's forward differences stop at a gradient of about 1e-7 of its terms.
    np.testing.assert_allclose(result.values, oracle.x, rtol=1e-5)
    assert result.chi2 <= 2 * oracle.cost * (1 + 1e-10)
    clean = fit(decay, X, Y, 0.1, p0=P0)
    assert np.all(np.abs(result.values - clean.values) < 1.5 * clean.errors)
    assert result.loss == loss and not result.absolute and np.isnan(result.p_value)
    assert f"{loss} loss / ndof" in repr(result) and "sandwich" in repr(result)
    np.testing.assert_allclose(result.pulls, result.residuals / 0.1)


@pytest.mark.parametrize("loss", ["soft_l1", "huber"])
def test_sandwich_errors_cover(loss):
    # Over many data sets the scatter of the answers is what the errors claim.
    answers, errors = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        y = 1.0 + 0.5 * X + 0.1 * rng.standard_t(2.5, X.size)
        result = fit(lambda x, a, b: a + b * x, X, y, 0.1, p0=(1.0, 0.5), loss=loss)
        answers.append(result.values)
        errors.append(result.errors)
    ratio = np.std(answers, axis=0) / np.mean(errors, axis=0)
    # The scatter of 40 answers is known to 1 / sqrt(80), 11 percent; three of these, with fixed seeds.
    assert np.all(np.abs(ratio - 1) < 0.33)


def test_sandwich_says_nothing_where_the_loss_bends_downwards():
    # Two clusters far apart: the middle is a stationary point, a maximum between two minima.
    x, y = np.ones(4), np.array([-5.0, -5.0, 5.0, 5.0])
    result = fit(lambda x, a: a * x, x, y, 1.0, p0=[0.0], loss="cauchy")
    assert np.isnan(result.errors).all()


# Errors in x.


def test_errors_in_x_of_a_line_are_york():
    rng = np.random.default_rng(5)
    x = np.linspace(0, 10, 15)
    s_x, s_y = rng.uniform(0.1, 0.6, 15), rng.uniform(0.2, 0.9, 15)
    x, y = x + s_x * rng.normal(size=15), 3.0 - 0.7 * x + s_y * rng.normal(size=15)
    york = fit_line(x, y, s_y, s_x)
    same(fit(lambda x, a, b: a + b * x, x, y, s_y, sigma_x=s_x, p0=(1.0, 1.0)), york, 7)
    relative = fit(lambda x, a, b: a + b * x, x, y, s_y, sigma_x=s_x, p0=(1.0, 1.0), absolute=False)
    same(relative, fit_line(x, y, s_y, s_x, absolute=False), 7)


def test_errors_in_x_of_a_curve_are_orthogonal_distance():
    scipy_optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(7)
    truth = np.linspace(0.2, 4.0, 40)
    # Small errors: effective variance and orthogonal distance differ at second order in sigma_x.
    s_x, s_y = 0.01, 0.02
    x, y = truth + s_x * rng.normal(size=40), 3 * np.exp(-truth / 1.5) + s_y * rng.normal(size=40)
    result = fit(lambda x, a, t: a * np.exp(-x / t), x, y, s_y, sigma_x=s_x, p0=(1.0, 1.0))
    both = lambda p: np.concatenate([(3 * 0 + p[0] * np.exp(-p[2:] / p[1]) - y) / s_y, (p[2:] - x) / s_x])
    odr = scipy_optimize.least_squares(both, [1.0, 1.0, *x], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    assert np.all(np.abs(result.values - odr.x[:2]) < 0.02 * result.errors)
    errors = np.sqrt(np.linalg.inv(odr.jac.T @ odr.jac).diagonal())[:2]
    np.testing.assert_allclose(result.errors, errors, rtol=0.01)


def test_errors_in_x_with_a_fixed_parameter_and_the_complex_step():
    x, y = np.arange(1.0, 9.0), 2.0 * np.arange(1.0, 9.0) + np.array([1, -1, 0, 1, -1, 0, 1, -1]) * 0.1
    model = lambda x, a, b: a + b * x
    held = fit(model, x, y, 0.1, sigma_x=0.05, p0=(0.0, 1.0), fixed={"a": 0.0})
    small = fit(lambda x, b: b * x, x, y, 0.1, sigma_x=0.05, p0=[1.0], scheme="complex")
    np.testing.assert_allclose(held.values[1], small.values[0], rtol=1e-8)
    np.testing.assert_allclose(held.errors[1], small.errors[0], rtol=1e-7)
