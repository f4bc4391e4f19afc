"""What must hold for whole families of problems."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml.constrained import lagrange

SIZES = st.tuples(st.integers(1, 5), st.integers(1, 5)).filter(lambda nm: nm[1] <= nm[0])


@st.composite
def quadratics(draw):
    """x.Q x / 2 + q.x under A x = b, with Q positive definite and A of full rank, both well conditioned."""
    n, m = draw(SIZES)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
    Q = basis @ np.diag(rng.uniform(0.5, 5, n)) @ basis.T
    A = rng.uniform(0.5, 3, m)[:, None] * np.linalg.qr(rng.standard_normal((n, n)))[0][:m]
    return Q, rng.standard_normal(n), A, rng.standard_normal(m), rng.uniform(-5, 5, n)


@given(quadratics(), st.booleans())
def test_quadratic_with_linear_constraints_is_the_linear_solve(problem, exact):
    Q, q, A, b, x0 = problem
    n, m = len(q), len(b)
    system = np.block([[Q, A.T], [A, np.zeros((m, m))]])
    answer = np.linalg.solve(system, np.concatenate([-q, b]))
    given_ = {"grad": lambda x: Q @ x + q, "jac": lambda x: A} if exact else {}
    run = lagrange(lambda x: x @ Q @ x / 2 + q @ x, x0, equality=lambda x: A @ x - b, **given_)
    assert run.success and run.classification == "minimum" and run.dependent == ()
    # Without derivatives, gradients err by 1e-10 of the size of f, up to a few hundred here.
    tol = 1e-9 if exact else 1e-6
    np.testing.assert_allclose(run.x, answer[:n], atol=tol)
    np.testing.assert_allclose(run.multipliers, answer[n:], atol=tol)
    assert run.nit <= 2
    Z = np.linalg.svd(A)[2][m:].T
    np.testing.assert_allclose(run.curvatures, np.linalg.eigvalsh(Z.T @ Q @ Z), atol=1e-4)


@given(quadratics())
def test_repeated_constraints_change_nothing_but_the_multipliers(problem):
    Q, q, A, b, x0 = problem
    options = {"grad": lambda x: Q @ x + q}
    f = lambda x: x @ Q @ x / 2 + q @ x
    once = lagrange(f, x0, equality=lambda x: A @ x - b, jac=lambda x: A, **options)
    twice = lagrange(f, x0, equality=[lambda x: A @ x - b] * 2, jac=[lambda x: A] * 2, **options)
    np.testing.assert_allclose(twice.x, once.x, atol=1e-9)
    # The shortest multipliers of two equal constraints share the load.
    np.testing.assert_allclose(twice.multipliers, np.tile(once.multipliers / 2, 2), atol=1e-9)
    assert twice.dependent == tuple(range(2 * len(b)))


@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_rayleigh_quotient(n, seed):
    """On the unit sphere x.A x is least at an eigenvector, and the multiplier is minus the eigenvalue."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
    # Eigenvalues at a distance of one from each other, so that the vector is well determined.
    A = basis @ np.diag(np.arange(n) - 1.5) @ basis.T
    run = lagrange(
        lambda x: x @ A @ x,
        rng.standard_normal(n),
        equality=lambda x: x @ x - 1,
        grad=lambda x: 2 * A @ x,
        jac=lambda x: 2 * x,
    )
    assert run.fun == pytest.approx(-1.5, abs=1e-9)
    assert run.multipliers[0] == pytest.approx(1.5, abs=1e-9)
    assert abs(run.x @ basis[:, 0]) == pytest.approx(1, abs=1e-9)
    assert run.classification == "minimum"


SCALES = st.sampled_from([1e-12, 1e-6, 1.0, 1e6, 1e12])


def ellipse(scale_f=1.0, scale_c=1.0, scale_x=1.0, **options):
    """Distance of (3, 2) to an ellipse, in other units of f, c and x."""
    p, axes = np.array([3.0, 2.0]), np.array([4.0, 1.0])
    return lagrange(
        lambda x: scale_f * np.sum((x / scale_x - p) ** 2),
        scale_x * np.array([1.0, 1.0]),
        equality=lambda x: scale_c * (np.sum((x / scale_x) ** 2 / axes) - 1),
        grad=lambda x: scale_f * 2 * (x / scale_x - p) / scale_x,
        jac=lambda x: scale_c * 2 * x / scale_x**2 / axes,
        hess=lambda x, lam: (scale_f * 2 * np.eye(2) + lam[0] * scale_c * np.diag(2 / axes)) / scale_x**2,
        **options,
    )


@given(SCALES, SCALES, SCALES)
def test_units_do_not_matter(scale_f, scale_c, scale_x):
    plain, run = ellipse(), ellipse(scale_f, scale_c, scale_x)
    assert run.success and run.nit == plain.nit and run.nfev == plain.nfev
    np.testing.assert_allclose(run.x / scale_x, plain.x, rtol=1e-9)
    np.testing.assert_allclose(run.multipliers * scale_c / scale_f, plain.multipliers, rtol=1e-9)
    assert run.classification == "minimum"


@given(st.floats(-0.2, 0.2))
def test_sensitivity_is_the_slope_of_the_optimal_value(b):
    """Solving again with c(x) = b ± h gives the derivative of the optimal value."""

    def optimum(level):
        return lagrange(
            lambda x: np.exp(x[0]) + x[1] ** 2,
            [0.5, 0.5],
            equality=lambda x: x[0] + x[1] + x[0] * x[1] - 1 - level,
        )

    h = 1e-3
    slope = (optimum(b + h).fun - optimum(b - h).fun) / (2 * h)
    # The difference quotient errs by h^2 times a third derivative of order one.
    assert optimum(b).sensitivity[0] == pytest.approx(slope, rel=1e-5)
