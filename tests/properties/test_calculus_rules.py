"""The rules of calculus hold within the estimated errors, whatever the scheme."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import calcml as cm
from calcml.schemes import Adaptive, Backward, Central, ComplexStep, Forward, Richardson

SCHEMES = [
    Adaptive(),
    Backward(order=3),
    Central(),
    Central(order=6),
    ComplexStep(),
    Forward(order=4),
    Richardson(),
]
FUNCTIONS = [np.sin, np.exp, lambda x: 1 / (1 + x**2), lambda x: x**3 - 2 * x, lambda x: np.log(x + 5)]

points = st.floats(-3, 3)
functions = st.sampled_from(FUNCTIONS)
schemes = pytest.mark.parametrize("scheme", SCHEMES, ids=repr)


def agree(*pairs):
    """Assert that two estimates, each (value, error), overlap; rounding of the rule itself is a few ulp."""
    (a, ea), (b, eb) = pairs
    assert abs(a - b) <= ea + eb + 1e-14 * (abs(a) + abs(b) + 1)


def estimate(f, x, scheme):
    e = cm.estimate_derivative(f, x, scheme=scheme)
    return e.value, e.error


@schemes
@given(f=functions, g=functions, x=points, a=st.floats(-5, 5), b=st.floats(-5, 5))
def test_linearity(scheme, f, g, x, a, b):
    (df, ef), (dg, eg) = estimate(f, x, scheme), estimate(g, x, scheme)
    agree(estimate(lambda t: a * f(t) + b * g(t), x, scheme), (a * df + b * dg, abs(a) * ef + abs(b) * eg))


@schemes
@given(f=functions, g=functions, x=points)
def test_product_rule(scheme, f, g, x):
    (df, ef), (dg, eg) = estimate(f, x, scheme), estimate(g, x, scheme)
    fx, gx = f(x), g(x)
    agree(estimate(lambda t: f(t) * g(t), x, scheme), (df * gx + fx * dg, ef * abs(gx) + abs(fx) * eg))


@schemes
@given(f=functions, x=points)
def test_quotient_rule(scheme, f, x):
    def g(t):
        return 2 + np.cos(t)

    (df, ef), (dg, eg) = estimate(f, x, scheme), estimate(g, x, scheme)
    fx, gx = f(x), g(x)
    rule = (df * gx - fx * dg) / gx**2, (ef * gx + abs(fx) * eg) / gx**2
    agree(estimate(lambda t: f(t) / g(t), x, scheme), rule)


@schemes
@given(f=st.sampled_from(FUNCTIONS[:4]), g=functions, x=points)
def test_chain_rule(scheme, f, g, x):
    (dg, eg), (df, ef) = estimate(g, x, scheme), estimate(f, g(x), scheme)
    agree(estimate(lambda t: f(g(t)), x, scheme), (df * dg, abs(df) * eg + ef * abs(dg)))


@given(x=st.lists(points, min_size=2, max_size=4), seed=st.integers(0, 100))
def test_the_gradient_is_the_transposed_jacobian_of_a_scalar_function(x, seed):
    A = np.random.default_rng(seed).standard_normal((len(x), len(x)))

    def f(x):
        return np.sum(np.sin(A @ x))

    np.testing.assert_array_equal(cm.gradient(f, x)[None, :], cm.jacobian(lambda x: np.array([f(x)]), x))


@given(x=st.lists(points, min_size=1, max_size=4), seed=st.integers(0, 100))
def test_hessians_are_symmetric_and_match_the_gradient(x, seed):
    A = np.random.default_rng(seed).standard_normal((len(x), len(x)))

    def f(x):
        return np.sum(np.sin(A @ x))

    def grad(x):
        return A.T @ np.cos(A @ x)

    from_f, from_grad = cm.estimate_hessian(f, x), cm.estimate_hessian(f, x, grad=grad)
    np.testing.assert_array_equal(from_f.value, from_f.value.T)
    gap = np.abs(from_f.value - from_grad.value)
    assert (gap <= from_f.error + from_grad.error + 1e-14).all()


@given(x=points, k=st.integers(1, 5))
@example(x=5.347159524896426e-102, k=4)
def test_higher_derivatives_are_derivatives_of_derivatives(x, k):
    e = cm.estimate_derivative(np.sin, x, k)
    exact = [np.sin, np.cos, lambda t: -np.sin(t), lambda t: -np.cos(t)][k % 4](x)
    assert abs(e.value - exact) <= e.error + 1e-15


@given(degree=st.integers(0, 5), x=st.floats(-2, 2), seed=st.integers(0, 1000))
def test_polynomials_are_exact_to_rounding(degree, x, seed):
    p = np.polynomial.Polynomial(np.random.default_rng(seed).uniform(-1, 1, degree + 1))
    e = cm.estimate_derivative(p, x)
    assert abs(e.value - p.deriv()(x)) <= e.error + 1e-15
    # Values of size up to 60 with rounding 1e-14 over a length of about 1.
    assert e.value == pytest.approx(p.deriv()(x), abs=1e-11)


@schemes
@given(x=points)
def test_vectors_are_differentiated_as_their_elements(scheme, x):
    xs = np.array([x, x + 1, x / 2])
    together = cm.estimate_derivative(np.sin, xs, scheme=scheme)
    for i, xi in enumerate(xs):
        agree((together.value[i], together.error[i]), (np.cos(xi), 0.0))
