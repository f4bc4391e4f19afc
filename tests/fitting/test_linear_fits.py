"""Straight lines, polynomials and linear combinations."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml import Status
from calcml.errors import ConvergenceWarning
from calcml.fitting import fit_line, fit_linear, fit_polynomial
from calcml.fitting._least_squares import solve_linear
from calcml.fitting._sigma import check_sigma

X = np.array([0.3, 1.1, 1.9, 3.2, 4.0, 5.5, 6.1])
Y = np.array([1.2, 2.0, 1.7, 4.4, 3.9, 6.0, 6.6])
SIGMA = np.array([0.1, 0.3, 0.2, 0.4, 0.1, 0.5, 0.2])


def exact(columns, y, sigma=None):
    """The weighted solution in rational arithmetic: values, covariance, chi2."""
    weights = [1 / Fraction(float(s)) ** 2 for s in (np.ones(len(y)) if sigma is None else sigma)]
    A = [[Fraction(v) for v in row] for row in columns]
    b = [Fraction(float(v)) for v in y]
    p = len(A[0])
    N = [
        [sum(w * r[i] * r[j] for w, r in zip(weights, A, strict=True)) for j in range(p)]
        + [sum(w * r[i] * t for w, r, t in zip(weights, A, b, strict=True))]
        + [Fraction(int(i == j)) for j in range(p)]
        for i in range(p)
    ]
    for c in range(p):
        pivot = next(r for r in range(c, p) if N[r][c] != 0)
        N[c], N[pivot] = N[pivot], N[c]
        N[c] = [v / N[c][c] for v in N[c]]
        for r in range(p):
            if r != c:
                N[r] = [u - N[r][c] * v for u, v in zip(N[r], N[c], strict=True)]
    values = [row[p] for row in N]
    chi2 = sum(
        w * (t - sum(u * v for u, v in zip(r, values, strict=True))) ** 2
        for w, r, t in zip(weights, A, b, strict=True)
    )
    covariance = np.array([[float(v) for v in row[p + 1 :]] for row in N])
    return np.array([float(v) for v in values]), covariance, float(chi2)


def powers(x, degree):
    return [[Fraction(float(v)) ** k for k in range(degree + 1)] for v in x]


@pytest.mark.parametrize(
    "sigma", [None, 0.3, SIGMA, np.diag(SIGMA**2)], ids=["none", "number", "vector", "matrix"]
)
def test_all_ways_to_a_line_agree_with_the_exact_one(sigma):
    vector = None if sigma is None else SIGMA if np.ndim(sigma) else np.full(X.size, 0.3)
    values, covariance, chi2 = exact(powers(X, 1), Y, vector)
    design = np.column_stack([np.ones_like(X), X])
    for result in (
        fit_line(X, Y, sigma),
        fit_polynomial(X, Y, 1, sigma),
        fit_linear(design, Y, sigma),
        fit_linear([lambda x: 1.0, lambda x: x], Y, sigma, x=X),
    ):
        scale = 1.0 if sigma is not None else chi2 / 5
        # A few roundings each; squaring the roots of the Cholesky factor doubles them.
        np.testing.assert_allclose(result.values, values, rtol=1e-13)
        np.testing.assert_allclose(result.covariance, covariance * scale, rtol=1e-12)
        np.testing.assert_allclose(result.chi2, chi2, rtol=1e-12)
        np.testing.assert_allclose(result.residuals, Y - values[0] - values[1] * X, atol=1e-14)
        np.testing.assert_allclose(result.fitted, values[0] + values[1] * X, rtol=1e-13)
        assert result.absolute is (sigma is not None) and result.ndof == 5 and result.success
        assert (result.nit, result.nfev, result.trace) == (0, 0, None)
        np.testing.assert_allclose(
            np.linalg.inv(result.jacobian.T @ result.jacobian) * scale, result.covariance, rtol=1e-9
        )


def test_a_line_far_from_zero_loses_nothing():
    x = 1e9 + np.arange(10.0)
    y = np.array([1.0, 3.1, 4.9, 7.2, 8.8, 11.0, 13.1, 14.9, 17.2, 18.8])
    near, far = fit_line(x - 1e9, y), fit_line(x, y)
    assert far["slope"] == pytest.approx(near["slope"], rel=1e-14)
    assert far.errors[1] == pytest.approx(near.errors[1], rel=1e-14)
    assert far.chi2 == pytest.approx(near.chi2, rel=1e-13)
    np.testing.assert_allclose(far.residuals, near.residuals, atol=1e-14)
    values, covariance, chi2 = exact(powers(x, 1), y)
    np.testing.assert_allclose(far.values, values, rtol=1e-14)
    np.testing.assert_allclose(far.covariance, covariance * chi2 / 8, rtol=1e-13)
    matrix = fit_line(x, y, np.eye(10) * 0.01 + 0.002)
    np.testing.assert_allclose(matrix.values, fit_line(x, y).values, rtol=1e-7)


def test_tiny_and_huge_weights():
    scaled = fit_line(X, Y * 1e-200, SIGMA * 1e-200)
    plain = fit_line(X, Y, SIGMA)
    np.testing.assert_allclose(scaled.values * 1e200, plain.values, rtol=1e-13)
    np.testing.assert_allclose(scaled.chi2, plain.chi2, rtol=1e-12)


@given(
    intercept=st.floats(-100, 100),
    slope=st.floats(-100, 100),
    seed=st.integers(0, 10**6),
)
def test_exact_lines(intercept, slope, seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-5, 5, 8)) + np.arange(8.0)
    y, s = intercept + slope * x, rng.uniform(0.1, 1, 8)
    size = abs(intercept) + 20 * abs(slope)
    for result in (fit_line(x, y, s), fit_line(x, y, s, 0.3), fit_line(x, y, s, 0.3, rho=0.5)):
        # Data rounded to eps times their size; the lever arm of x adds a factor of ten.
        np.testing.assert_allclose(result.values, [intercept, slope], atol=1e-14 * (size + 1e-290))
        assert result.status is Status.CONVERGED


@given(seed=st.integers(0, 10**6), degree=st.integers(0, 7))
def test_exact_polynomials(seed, degree):
    rng = np.random.default_rng(seed)
    c = rng.integers(-9, 10, degree + 1).astype(float)
    x = rng.permutation(np.arange(-6.0, 7.0))
    result = fit_polynomial(x, np.polyval(c[::-1], x), degree)
    # Integers up to 9 * 6^7 are exact, and so is the answer up to a rounding of the largest term.
    np.testing.assert_allclose(result.values, c, atol=1e-12)
    assert result.names == tuple(f"c{k}" for k in range(degree + 1))


@pytest.mark.parametrize("degree", [3, 6, 9])
def test_polynomials_keep_their_digits(degree):
    # Powers of numbers between 7 and 9 are dependent to many digits; the exact answer is known.
    rng = np.random.default_rng(degree)
    x = np.round(np.linspace(7.0, 9.0, 40), 6)
    y = np.round(np.sin(3 * x) + 0.01 * rng.normal(size=40), 6)
    values, covariance, chi2 = exact(powers(x, degree), y)
    result = fit_polynomial(x, y, degree)
    np.testing.assert_allclose(result.values, values, rtol=1e-10)
    np.testing.assert_allclose(result.errors, np.sqrt(covariance.diagonal() * chi2 / result.ndof), rtol=1e-12)
    # The curve is summed in the good basis: no digits are lost to the huge coefficients.
    np.testing.assert_allclose(result(x), result.fitted, rtol=1e-12)
    np.testing.assert_allclose(y - result(x), result.residuals, atol=1e-13)
    assert result.chi2 == pytest.approx(chi2, rel=1e-12)


def test_the_curve_of_a_polynomial_takes_other_coefficients():
    result = fit_polynomial(X, Y, 2)
    np.testing.assert_allclose(result.model(X, 1.0, 2.0, 3.0), 1 + 2 * X + 3 * X**2, rtol=1e-12)
    assert np.ndim(result(1.5)) == 0 and result(np.ones((2, 3))).shape == (2, 3)


def test_large_residuals_do_not_spoil_the_refinement():
    # Coefficients of order 1 under residuals of order 1e6: the answer is exact all the same.
    x = np.arange(21.0)
    noise = np.array([1, -1, 1, 0, -1, 1, -1] * 3) * 1e6
    values, _, _ = exact(powers(x, 5), np.polyval(np.ones(6), x) + noise)
    result = fit_polynomial(x, np.polyval(np.ones(6), x) + noise, 5)
    np.testing.assert_allclose(result.values, values, rtol=1e-12)


def test_degree_zero_is_the_weighted_mean():
    result = fit_polynomial(X, Y, 0, SIGMA)
    w = SIGMA**-2
    assert result["c0"] == pytest.approx(np.sum(w * Y) / w.sum(), rel=1e-14)
    assert result.errors[0] == pytest.approx(w.sum() ** -0.5, rel=1e-14)
    single = fit_polynomial([2.0], [3.0], 0, 0.5)
    assert single["c0"] == 3.0 and single.errors[0] == 0.5 and single(7.0) == 3.0


def test_a_covariance_matrix_is_used_as_a_whole():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(X.size, X.size)) + 3 * np.eye(X.size)
    V = root @ root.T
    design = np.column_stack([np.ones_like(X), X, X**2])
    W = np.linalg.inv(V)
    covariance = np.linalg.inv(design.T @ W @ design)
    values = covariance @ design.T @ W @ Y
    for result in (fit_linear(design, Y, V), fit_polynomial(X, Y, 2, V)):
        np.testing.assert_allclose(result.values, values, rtol=1e-9)
        np.testing.assert_allclose(result.covariance, covariance, rtol=1e-9)
        r = Y - design @ values
        assert result.chi2 == pytest.approx(float(r @ W @ r), rel=1e-9)
        assert result.chi2 == pytest.approx(float(result.pulls @ result.pulls), rel=1e-12)


def test_names_and_prediction_of_a_design_matrix():
    design = np.column_stack([np.ones_like(X), np.sin(X)])
    result = fit_linear(design, Y, names=["mean", "amplitude"])
    assert result.names == ("mean", "amplitude") and result["mean"] == result.values[0]
    np.testing.assert_allclose(result(design[:2]), result.fitted[:2], rtol=1e-14)


def test_functions_of_several_variables():
    x = np.stack([X, X**2])
    result = fit_linear([lambda x: x[0], lambda x: x[1]], 2 * X + 3 * X**2, x=x)
    np.testing.assert_allclose(result.values, [2.0, 3.0], rtol=1e-13)
    np.testing.assert_allclose(result(x[:, :3]), result.fitted[:3], rtol=1e-13)


def test_dependent_columns_are_named():
    design = np.column_stack([np.ones_like(X), X, 2 * X, np.zeros_like(X)])
    with pytest.warns(
        ConvergenceWarning, match="does not depend on `c3` here; the data do not determine `c1` and `c2`"
    ):
        result = fit_linear(design, Y, SIGMA)
    assert result.status is Status.RANK_DEFICIENT and result.rank == 2
    assert result.undetermined == ("c1", "c2", "c3")
    good = fit_line(X, Y, SIGMA)
    assert result["c0"] == pytest.approx(good["intercept"], rel=1e-12)
    assert result.errors[0] == pytest.approx(good.errors[0], rel=1e-12)
    assert result["c1"] + 2 * result["c2"] == pytest.approx(good["slope"], rel=1e-12)
    assert np.isinf(result.errors[1:]).all() and result["c3"] == 0.0
    np.testing.assert_allclose(result.fitted, good.fitted, rtol=1e-12)


def test_nearly_equal_x_leave_high_powers_open():
    x = np.array([1.0, np.nextafter(1.0, 2.0), 2.0, np.nextafter(2.0, 1.0)])
    # Whether the last bits of x tell one power more is a matter of rounding.
    with pytest.warns(ConvergenceWarning, match=r"do not determine `c0`, `c1`(,| and) `c2`( and `c3`)?"):
        result = fit_polynomial(x, [1.0, 1.1, 2.0, 2.1], 3, 0.1)
    assert not result.success


def test_all_zero_design():
    with pytest.warns(ConvergenceWarning, match="does not depend on `c0` here"):
        result = fit_linear(np.zeros((3, 1)), [1.0, 2.0, 3.0])
    assert result.rank == 0 and result.values.tolist() == [0.0]


def test_a_perfect_fit_has_no_error():
    result = fit_line([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])
    assert result.chi2 == 0.0 and result.errors.tolist() == [0.0, 0.0] and result.pulls.tolist() == [0.0] * 3
    assert "1 +- 0" in repr(result)


# York.


def test_york_without_errors_in_x_is_the_closed_form():
    plain, york = fit_line(X, Y, SIGMA), fit_line(X, Y, SIGMA, 0.0)
    np.testing.assert_allclose(york.values, plain.values, rtol=1e-13)
    np.testing.assert_allclose(york.covariance, plain.covariance, rtol=1e-12)


def test_york_minimizes_its_chi2():
    from scipy.optimize import minimize

    s_x, rho = 0.3 * SIGMA[::-1], np.linspace(-0.8, 0.8, X.size)

    def chi2(p):
        a, b = p
        return np.sum((Y - a - b * X) ** 2 / (SIGMA**2 + (b * s_x) ** 2 - 2 * b * rho * SIGMA * s_x))

    result = fit_line(X, Y, SIGMA, s_x, rho=rho)
    oracle = minimize(
        chi2, result.values + 0.01, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14}
    )
    # A simplex finds a minimum to the root of its rounding.
    np.testing.assert_allclose(result.values, oracle.x, atol=1e-7)
    assert result.chi2 <= oracle.fun * (1 + 1e-12)
    assert result.chi2 == pytest.approx(chi2(result.values), rel=1e-12)


@given(seed=st.integers(0, 10**6))
def test_york_does_not_care_which_axis_is_which(seed):
    rng = np.random.default_rng(seed)
    x = np.arange(8.0)
    s_x, s_y, rho = rng.uniform(0.05, 0.2, 8), rng.uniform(0.05, 0.2, 8), rng.uniform(-0.5, 0.5, 8)
    y = 1.0 + 0.8 * x + s_y * rng.normal(size=8)
    x = x + s_x * rng.normal(size=8)
    one, other = fit_line(x, y, s_y, s_x, rho=rho), fit_line(y, x, s_x, s_y, rho=rho)
    assert one["slope"] == pytest.approx(1 / other["slope"], rel=1e-11)
    assert one["intercept"] == pytest.approx(-other["intercept"] / other["slope"], rel=1e-9, abs=1e-11)
    assert one.chi2 == pytest.approx(other.chi2, rel=1e-9)


def test_york_far_from_zero():
    near = fit_line(X, Y, SIGMA, 0.1)
    far = fit_line(X + 2.0**30, Y, SIGMA, 0.1)
    # Adding 2^30 rounds the X of a few digits at 1e-7.
    assert far["slope"] == pytest.approx(near["slope"], rel=1e-6)
    assert far.errors[1] == pytest.approx(near.errors[1], rel=1e-6)


def test_york_that_does_not_settle_says_so(monkeypatch):
    monkeypatch.setattr("calcml.fitting._york.LIMIT", 1)
    with pytest.warns(ConvergenceWarning, match="iteration limit"):
        result = fit_line(X, Y, SIGMA, 0.5)
    assert result.status is Status.MAX_ITERATIONS and not result.success


# The kernel.


def test_the_kernel_solves_for_longdouble_data():
    A = np.column_stack([np.ones(7), X, X**2]).astype(np.longdouble)
    solution = solve_linear(A, Y, check_sigma(SIGMA, 7))
    values, covariance, _ = exact([[Fraction(float(v)) for v in row] for row in A], Y, SIGMA)
    np.testing.assert_allclose(solution.values.astype(float), values, rtol=1e-15)
    np.testing.assert_allclose(solution.spread.root @ solution.spread.root.T, covariance, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_errors_hold_where_squares_are_out_of_range(scale):
    x = np.arange(5.0)
    y = 1 + 2 * x + np.array([0.1, -0.1, 0.05, 0.0, -0.05])
    expected = fit_line(x, y)
    for result in (fit_line(x, scale * y), fit_polynomial(x, scale * y, 1)):
        np.testing.assert_allclose(result.values / scale, expected.values, rtol=1e-13)
        np.testing.assert_allclose(result.errors / scale, expected.errors, rtol=1e-12)
        np.testing.assert_allclose(result.pulls, expected.pulls, rtol=1e-9)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        # The best line is upright; York's equation holds at the worst one, the horizontal line, as well.
        ([-0.1, 0.1, -0.1, 0.1], [-5.0, -5.0, 5.0, 5.0]),
        # All directions fit alike.
        ([-1.0, 1.0, -1.0, 1.0], [-1.0, 1.0, 1.0, -1.0]),
    ],
)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_an_upright_line_has_no_slope(x, y, scale):
    with pytest.warns(ConvergenceWarning, match="do not determine `slope`.*exchange x and y"):
        result = fit_line(np.multiply(x, scale), np.multiply(y, scale), 0.1 * scale, 0.1 * scale)
    assert result.status is Status.RANK_DEFICIENT and np.isinf(result.errors).all()


def test_a_line_through_exact_points_with_errors_in_x_is_determined():
    result = fit_line([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 0.1, 0.1)
    assert result.success and result["slope"] == pytest.approx(2)


@pytest.mark.parametrize("unit", [1e-250, 1e-160, 1e160, 1e250])
def test_lines_at_the_ends_of_the_range(unit):
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.1, 3.9, 6.2, 7.8])
    plain, far = fit_line(x, y, 0.1), fit_line(x * unit, y, 0.1)
    np.testing.assert_allclose(far.values, plain.values / [1, unit], rtol=1e-12)
    np.testing.assert_allclose(far.errors, plain.errors / [1, unit], rtol=1e-12)


def test_a_polynomial_travels():
    result = fit_polynomial([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 5.0, 10.5], 2)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(result))([0.5, 7.0]), result([0.5, 7.0]))


def test_names_are_a_list():
    with pytest.raises(TypeError, match="`names` must be a list of 1 names, one per column, got 'ab'"):
        fit_linear(np.ones((3, 1)), [1.0, 2.0, 3.0], names="ab")
    with pytest.raises(TypeError, match="`names` must be a list of 1 names, one per column, got 3"):
        fit_linear(np.ones((3, 1)), [1.0, 2.0, 3.0], names=3)
