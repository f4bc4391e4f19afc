"""Fixed steps that are no small part of x: a plain call must not be worse than an estimate."""

import numpy as np
import pytest

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.schemes._difference import _near


@pytest.mark.parametrize("x", [1e-8, 1e-6, 8.75e-6, 1e-5, 1.3e-5])
def test_a_plain_call_gives_the_value_of_the_estimate(x):
    value = cm.derivative(np.log, x, scheme="central")
    assert value == cm.estimate_derivative(np.log, x, scheme="central").value
    assert value * x == pytest.approx(1, rel=1e-6)
    (slope,) = cm.gradient(lambda v: np.log(v[0]), [x], scheme="central")
    assert slope == value


def test_only_the_lines_that_reach_for_zero_cost_more():
    points = []

    def f(v):
        points.append(np.array(v))
        return np.log(v).sum()

    g = cm.gradient(f, [1e-5, 1.0, 2.0], scheme="central")
    np.testing.assert_allclose(g, [1e5, 1, 0.5], rtol=1e-8)
    moved = [
        (np.array(p) != [1e-5, 1.0, 2.0]).nonzero()[0].item() for p in points if (p != [1e-5, 1, 2]).any()
    ]
    assert moved.count(1) == moved.count(2) == 2 and moved.count(0) > 4


@pytest.mark.parametrize("size", [0.25, 2.0, 64.0])
@pytest.mark.parametrize("count", [3, 8192, 8193])
def test_a_step_may_be_a_quarter_of_x_and_x_may_be_zero(count, size):
    x, h = np.full(count, size), np.full(count, size / 4)
    lines = ElementwiseLines(Function(np.exp, None), x, None)
    assert _near(lines, h).size == 0
    h[1] = np.nextafter(h[1], 1e3)
    np.testing.assert_array_equal(_near(lines, h), [1])
    x[0] = 0
    lines = ElementwiseLines(Function(np.exp, None), x, None)
    np.testing.assert_array_equal(_near(lines, h), [1])
    np.testing.assert_array_equal(_near(lines, 8 * h), np.arange(1, count))


@pytest.mark.parametrize("count", [8192, 8193])
def test_one_line_of_very_many_reaches_for_zero(count):
    x = np.linspace(1.0, 2.0, count)
    plain = cm.derivative(np.log, x, scheme="central")
    np.testing.assert_allclose(plain, 1 / x, rtol=1e-8)
    x[-1] = 1e-5
    value = cm.derivative(np.log, x, scheme="central")
    np.testing.assert_array_equal(value[:-1], plain[:-1])
    assert value[-1] == cm.derivative(np.log, 1e-5, scheme="central")


def test_zero_and_a_step_of_ones_own_are_taken_as_they_are():
    for x, scheme in ((0.0, "central"), (1e-6, cm.schemes.Central(step=1e-3))):
        calls = []

        def f(t, calls=calls):
            calls.append(t)
            return np.exp(t)

        assert cm.derivative(f, x, scheme=scheme) == pytest.approx(1, abs=1e-5)
        assert len(calls) == 2


def test_truncation_of_such_a_step_is_told():
    with pytest.warns(cm.AccuracyWarning):
        # The step is 3/8 of x, of which (h / x)² / 3 is truncation.
        assert cm.derivative(np.log, 2.4e-5, scheme="central") * 2.4e-5 == pytest.approx(1, rel=0.05)
    with pytest.warns(cm.AccuracyWarning):
        cm.derivative(lambda x: np.exp(2e4 * x), 2e-5, scheme="central")


def test_a_solver_is_spared():
    calls = []

    def f(x):
        calls.append(x)
        return (x @ x).item()

    result = cm.minimize(f, [1e-6, 1.0])
    assert result.success and result.nfev == len(calls)


def test_only_the_better_formula_leaves_the_domain():
    # f ends between x + h and x + 2h.
    x = 2 - 3 * (3 * 2.0**-52) ** (1 / 3)
    estimate = cm.estimate_derivative(lambda x: np.log(2 - x) if x < 2 else np.nan, x, scheme="central")
    exact = -1 / (2 - x)
    assert estimate.success and abs(estimate.value - exact) <= estimate.error < 1e-4 * abs(exact)
    fixed = cm.schemes.Central(step=(3 * 2.0**-52) ** (1 / 3) * 2)
    estimate = cm.estimate_derivative(lambda x: np.log(2 - x) if x < 2 else np.nan, x, scheme=fixed)
    assert np.isnan(estimate.error) and estimate.status == cm.Status.INACCURATE


@pytest.mark.parametrize("scheme", ["forward", "central"])
@pytest.mark.parametrize("vectorized", [False, True])
def test_a_hessian_whose_steps_walk_over_f_does_not_come_in_silence(scheme, vectorized):
    def f(x):
        return np.exp(1e4 * x).sum(axis=0)

    x = np.full(3, 1e-6)
    with pytest.warns(cm.AccuracyWarning, match="`hessian` at index"):
        cm.hessian(f, x, scheme=scheme, vectorized=vectorized)
    with pytest.warns(cm.AccuracyWarning, match="`hvp`"):
        cm.hvp(lambda x: np.array([f(x)]), x, np.ones(3), scheme=scheme)
    # With the step that it needs it is right: 1e8 exp(0.01).
    H = cm.hessian(f, x, scheme=type(cm.schemes.as_scheme(scheme))(order=4, step=1e-7))
    np.testing.assert_allclose(H, 1e8 * np.exp(0.01) * np.eye(3), rtol=1e-2, atol=1e6)


@pytest.mark.parametrize(
    ("f", "x", "scheme"),
    [
        (np.sqrt, 1e-12, "forward"),
        (lambda x: np.exp(1e10 * x), 1e-12, "forward"),
        (lambda x: np.sin(1e6 * x), 1e-9, "central"),
    ],
)
def test_nor_does_a_sparse_jacobian(f, x, scheme):
    pattern, x = np.eye(9, dtype=bool), np.full(9, x)
    with pytest.warns(cm.AccuracyWarning, match="`jacobian` at index"):
        cm.jacobian(f, x, scheme=scheme, sparsity=pattern)
    # What is straight is right for any step.
    J = cm.jacobian(lambda x: 3 * x, x, scheme=scheme, sparsity=pattern)
    np.testing.assert_allclose(J.diagonal(), 3.0, rtol=1e-8)
