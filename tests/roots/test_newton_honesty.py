"""`newton` never says success at what is no root, and its error bound holds."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml._status import Status
from calcml.errors import ConvergenceWarning
from calcml.roots import newton


def quiet(f):
    def silent(x):
        with np.errstate(all="ignore"):
            return f(x)

    return silent


def solve(f, x0, **options):
    """Return the result, whatever it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return newton(quiet(f), x0, **options)


NOT_ROOTS = {
    "parabola above zero": (lambda x: x * x + 1, 1.5, None, {Status.STALLED, Status.ZERO_DERIVATIVE}),
    "hardly above zero": (lambda x: x * x + 1e-10, 1.0, None, {Status.STALLED, Status.ZERO_DERIVATIVE}),
    "a rounding above zero": (lambda x: x * x + 1e-20, 1.0, None, {Status.STALLED, Status.ZERO_DERIVATIVE}),
    "constant": (lambda x: 0 * x + 1, 1.0, None, {Status.ZERO_DERIVATIVE}),
    "tends to zero": (np.exp, 0.0, None, {Status.MAX_ITERATIONS}),
    "runs away": (lambda x: x / (1 + x * x), 2.0, None, {Status.MAX_ITERATIONS}),
    "runs away fast": (lambda x: x**-0.01, 1.0, None, {Status.DIVERGED}),
    "underflow": (lambda x: np.exp(-(x**-2.0)), 1.0, None, {Status.MAX_ITERATIONS}),
    "underflow in a bracket": (lambda x: x * np.exp(-(x**-2.0)), 1.0, (-1.0, 4.0), {Status.INACCURATE}),
    "zero on one side": (lambda x: np.maximum(x - 1, 0.0), 0.5, None, {Status.INACCURATE}),
    "zero everywhere": (lambda x: 0 * x, 1.0, None, {Status.INACCURATE}),
    "pole": (lambda x: 1 / (x - 1), 2.0, (0.0, 3.0), {Status.NOT_A_ROOT}),
    "pole of the tangent": (np.tan, 1.5, (1.0, 2.0), {Status.NOT_A_ROOT}),
    "jump": (lambda x: np.where(x < 0.3, -1.0, 0.01) + 0 * x, 1.0, (-1.0, 1.0), {Status.NOT_A_ROOT}),
    "jump without bracket": (
        lambda x: np.where(x < 0.3, -1.0, 0.01) + x - 0.3, 1.0, None, {Status.NOT_A_ROOT}),
    "same signs": (lambda x: x * x + 1, 0.0, (-1.0, 1.0), {Status.NO_SIGN_CHANGE}),
    "no value at the root": (
        lambda x: np.where(np.abs(x - 0.2) < 0.01, np.nan, x - 0.2), 0.9, (0.0, 1.0), {Status.NON_FINITE}),
    "no value at an end": (np.log, 1.0, (-1.0, 3.0), {Status.NON_FINITE_START}),
    "start without a value": (np.log, -1.0, None, {Status.NON_FINITE_START}),
    "start is NaN": (np.arctan, np.nan, None, {Status.NON_FINITE_START}),
    "start is infinite": (np.arctan, np.inf, None, {Status.NON_FINITE_START}),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_ROOTS)
def test_no_success_without_a_root(name):
    f, x0, bracket, expected = NOT_ROOTS[name]
    result = solve(f, x0, bracket=bracket)
    assert result.status in expected
    assert not result.success
    assert result.error == np.inf


ROOTS = {
    "huge values": (lambda x: 1e150 * (x * np.exp(x) - 1), 1.0, None, 0.5671432904097838),
    "tiny values": (lambda x: 1e-150 * (x * np.exp(x) - 1), 1.0, None, 0.5671432904097838),
    "root at zero": (lambda x: 1e-150 * x * np.exp(x), 1.0, None, 0.0),
    "rounding around zero": (lambda x: np.exp(x) - 1, 1.0, None, 0.0),
    "flat at zero": (lambda x: x**9, 1.0, None, 0.0),
    "cusp": (np.cbrt, 1.0, None, 0.0),
    "cusp off center": (lambda x: np.cbrt(x) - 1e-100, 0.5, (0.0, 1.0), 1e-300),
    "cusp on the other side": (lambda x: np.cbrt(x) + 1e-100, 0.5, (-1.0, 1.0), -1e-300),
    "whole range": (np.arctan, 1e300, (-1.7e308, 1.7e308), 0.0),
    "root at the left end": (lambda x: x - 2, 3.0, (2.0, 4.0), 2.0),
    "root at the right end": (lambda x: x - 4, 3.0, (2.0, 4.0), 4.0),
    "root at the start": (lambda x: x**2 - 4, 2.0, None, 2.0),
    "start without a value, bracketed": (
        lambda x: np.where(np.abs(x - 0.7) < 0.05, np.nan, x - 0.2), 0.7, (0.0, 0.8), 0.2),
    "hole in the bracket": (
        lambda x: np.where(np.abs(x - 0.5) < 0.01, np.nan, x**3 - 1e-3), 0.9, (0.0, 1.0), 0.1),
    "sign, zero in the middle": (lambda x: np.sign(x - 0.5), 1.0, (0.0, 1.0), 0.5),
    "touching": (lambda x: (x - 1) ** 2 * (x + 2), 3.0, None, 1.0),
    "touching, in rounding": (lambda x: (x * x - 4 * x) * (x * x) + 4 * x * x + 0 * x, 3.0, None, 2.0),
    "touching beside a number": (lambda x: (x * x - 2) ** 2, 1.0, None, 2**0.5),
    "absolute value": (lambda x: np.abs(x - 0.3), 1.0, None, 0.3),
    "kink at the root": (lambda x: np.where(x > 0.3, x - 0.3, 0.01 * (x - 0.3)), 1.0, (-1.0, 2.0), 0.3),
    "stairs": (lambda x: np.round(x * 1000) / 1000 - 0.5, 2.0, (0.0, 3.0), 0.5),
    "huge start": (lambda x: x - 1.0, 1e20, None, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ROOTS)
def test_error_bounds_hold(name):
    f, x0, bracket, root = ROOTS[name]
    result = solve(f, x0, bracket=bracket)
    assert result.success
    assert abs(result.x - root) <= result.error < np.inf


@given(
    st.integers(1, 5),
    st.floats(0.5, 3.0),
    st.lists(st.floats(-3, 5), max_size=3),
    st.floats(-0.5, 0.5),
    st.sampled_from(["differences", "exact", "bracket"]),
)
def test_expanded_polynomials(m, root, others, offset, method):
    """Roots of any multiplicity of a polynomial whose values are mostly rounding."""
    p = np.polynomial.Polynomial.fromroots([root] * m + others)
    options = {
        "differences": {},
        "exact": {"derivative": p.deriv()},
        "bracket": {"bracket": (root - 0.6, root + 0.6)},
    }[method]
    result = solve(p, root + offset, **options)
    # Rounding of the coefficients alone moves a root of multiplicity m by eps^(1/m) or so; roots close
    # together act as one of their total multiplicity.
    slack = 20 * np.finfo(float).eps ** (1 / (m + len(others))) * 5
    distance = np.min(np.abs(np.array([root, *others]) - result.x))
    assert not result.success or distance <= result.error + slack


def test_failures_do_not_touch_their_neighbors():
    f = quiet(lambda x: np.where(x < 0, np.nan, np.sqrt(np.abs(x)) - 2))
    with pytest.warns(
        ConvergenceWarning, match=r"1 of 3 equations, the first at flat index 1: 1 x The function"
    ):
        result = newton(f, [1.0, np.nan, 9.0])
    assert result.success.tolist() == [True, False, True]
    assert result.x[[0, 2]].tolist() == [4.0, 4.0]
    assert result.status[1] == Status.NON_FINITE_START


def test_derivative_without_a_value():
    def slope(x):
        return np.where(x == 3.0, np.nan, 1.0)

    at_start = solve(lambda x: x - 1, 3.0, derivative=slope)
    assert at_start.status is Status.NON_FINITE_START
    later = solve(lambda x: x**2 - 1, 5.0, derivative=lambda x: np.where(x == 3.0, np.nan, 12.0))
    assert later.status is Status.NON_FINITE


def test_wrong_derivative_in_a_bracket_still_converges():
    result = solve(lambda x: x**3 - 2, 1.0, derivative=lambda x: -1e9 + 0 * x, bracket=(0.0, 5.0))
    assert result.success
    assert abs(result.x - np.cbrt(2.0)) <= result.error
    assert result.nit < 100


def test_wrong_derivative_without_a_bracket_is_no_success():
    result = solve(lambda x: x**3 - 2, 1.0, derivative=lambda x: 1e30 + 0 * x)
    assert result.status is Status.STALLED


def test_iteration_limit():
    result = solve(lambda x: np.exp(x) - 1e6, 0.0, max_iterations=2)
    assert result.status is Status.MAX_ITERATIONS
    assert result.nit == 2
