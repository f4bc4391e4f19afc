"""The pieces of the method by themselves."""

import itertools

import numpy as np
import pytest

from calcml import Status
from calcml.constrained import lagrange
from calcml.constrained._search import Merit, backtrack, restore
from calcml.constrained._sqp import Minimizer
from calcml.constrained._state import Curvature, LagrangeState, Point, Scales
from calcml.constrained._tangent import decompose
from calcml.errors import ConvergenceWarning


def point(x, f, c, g, J):
    x, c, g, J = (np.asarray(part, float) for part in (x, c, g, J))
    tangent = decompose(J, np.zeros_like(J))
    return Point(x, f, c, g, 0 * g, J, 0 * J, tangent, tangent.multipliers(g), np.ones_like(x))


def test_decomposition_splits_space():
    J = np.array([[1.0, 2, 0, 1], [0, 1, 1, 0]])
    t = decompose(J, 0 * J)
    assert t.Y.shape == (4, 2) and t.Z.shape == (4, 2) and t.N.shape == (2, 0)
    np.testing.assert_allclose(J @ t.Z, 0, atol=1e-15)
    c = np.array([3.0, -1.0])
    np.testing.assert_allclose(J @ t.to_constraints(c), -c)
    lam = np.array([0.5, -2.0])
    np.testing.assert_allclose(t.multipliers(-J.T @ lam), lam)
    assert t.dependent() == ()


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_rank_does_not_depend_on_units(unit):
    J = np.array([[1.0, 1, 0], [unit, -unit, 0], [2, 0, 0]])
    t = decompose(J, 0 * J)
    assert t.s.size == 2 and t.dependent() == (0, 1, 2)


def test_rank_believes_no_more_than_the_error_allows():
    J = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-7]])
    assert decompose(J, 0 * J).s.size == 2
    assert decompose(J, np.full((2, 2), 1e-7)).s.size == 1
    # A gradient that is all error is none.
    noise = np.array([[1.0, 1.0], [1e-12, -1e-12]])
    assert decompose(noise, np.array([[0.0, 0.0], [1e-12, 1e-12]])).dependent() == (1,)


def test_shortest_multipliers_in_the_users_units():
    J = np.array([[1.0, 1.0], [10.0, 10.0]])
    lam = decompose(J, 0 * J).multipliers(np.array([-101.0, -101.0]))
    np.testing.assert_allclose(lam, [1, 10])


@pytest.mark.parametrize(
    ("eigenvalues", "kind"),
    [
        ([1.0, 2.0], "minimum"),
        ([-2.0, -1.0], "maximum"),
        ([-1.0, 0.0, 1.0], "saddle"),
        ([0.0, 1.0], "degenerate"),
        ([-1.0, 0.0], "degenerate"),
        ([1e-9, 1.0], "degenerate"),
        ([], "minimum"),
    ],
)
def test_classification(eigenvalues, kind):
    n = len(eigenvalues)
    curvature = Curvature.of(np.diag(eigenvalues), np.full((n, n), 1e-12), np.eye(n))
    assert curvature.classify() == kind
    assert curvature.falls == (n > 0 and min(eigenvalues) < -0.5)


def test_error_of_curvature_bounds_its_change():
    rng = np.random.default_rng(3)
    H, E = rng.standard_normal((2, 4, 4))
    H, E = H + H.T, 1e-3 * np.abs(E + E.T)
    Z = np.linalg.qr(rng.standard_normal((4, 2)))[0]
    at = Curvature.of(H, E, Z)
    for _ in range(20):
        signs = np.sign(rng.standard_normal((4, 4)))
        moved = Curvature.of(H + E * np.triu(signs) + (E * np.triu(signs, 1)).T, E, Z)
        assert np.abs(moved.eigenvalues - at.eigenvalues).max() <= at.error


def test_violation_is_relative_to_the_terms():
    p = point([1e6, 1.0], 0.0, [1e-3], [1.0, 0.0], [[1.0, 0.0]])
    assert Scales.of(p).violation(p) == pytest.approx(1e-9)
    zero = point([0.0], 0.0, [1.0], [1.0], [[0.0]])
    assert Scales.of(zero).violation(zero) == np.inf
    assert zero.finite and Scales.of(zero).reach == 1.0


@pytest.mark.parametrize(("c", "status"), [(0.0, Status.UNBOUNDED), (1e13, Status.DIVERGED)])
def test_a_fall_off_the_constraints_is_no_unbounded_function(c, status):
    start = point([1.0, 0.0], 0.0, [0.0], [1.0, 0.0], [[0.0, 1.0]])
    away = point([-1e13, 1.0], -1e13, [c], [1.0, 0.0], [[0.0, 1.0]])
    state = LagrangeState(None, away, start, Scales.of(away), np.ones(1))
    assert Minimizer(None, start.x, 1e-8).judge(state).status is status


def test_second_order_correction_saves_a_full_step():
    # Maratos' example: the full step along the circle raises f and |c| alike, the bent one is taken.
    theta = 0.5
    x = np.array([np.cos(theta), np.sin(theta)])
    f = lambda x: 2 * (x @ x - 1) - x[0]
    c = lambda x: np.array([x @ x - 1])
    p = point(x, f(x), c(x), 4 * x - [1, 0], 2 * x[None])
    step = np.array([np.sin(theta) ** 2, -np.sin(theta) * np.cos(theta)])
    merit = Merit.at(p, np.array([2.0]), Scales.of(p).constraint_sizes(p))
    slope = merit.slope(p, step)
    assert slope < 0 and merit.gain(f(x + step), c(x + step)) < 0
    trial = backtrack(lambda x: (f(x), c(x)), p, step, merit, slope)
    assert trial is not None and trial.f < f(x)
    # After a tangent step |x|^2 - 1 is the square of its length, and the gradient has length two.
    assert np.linalg.norm(trial.x - x - step) == pytest.approx(np.linalg.norm(step) ** 2 / 2)


def test_search_ends_where_no_step_is_finite():
    p = point([1.0], 1.0, [1.0], [1.0], [[1.0]])
    merit = Merit.at(p, np.array([1.0]), np.array([1.0]))
    calls = []

    def values(x):
        calls.append(x)
        return np.nan, np.array([np.nan])

    assert backtrack(values, p, np.array([-1.0]), merit, -2.0) is None
    # Halved until the promise of 2 drowns in the rounding of numbers of order one.
    assert len(calls) == pytest.approx(np.log2(2 / merit.noise), abs=1)


def test_restoration():
    p = point([2.0], 0.0, [3.0], [1.0], [[4.0]])
    units = np.array([4.0])
    trial = restore(lambda x: (0.0, x**2 - 1), p, units)
    assert trial is not None and trial.x == pytest.approx(1.25)
    # A first step out of the domain is shortened.
    short = restore(lambda x: (0.0, x**2 - 1) if x[0] > 1.5 else (np.nan, x), p, units)
    assert short is not None and 1.5 < short.x[0] < 2
    assert restore(lambda x: (0.0, p.c), p, units) is None
    assert restore(lambda x: (0.0, p.c), point([2.0], 0.0, [3.0], [1.0], [[0.0]]), units) is None
    assert restore(lambda x: (0.0, p.c), point([0.0], 0.0, [3.0], [1.0], [[4.0]]), units) is None


def test_weights_rise_where_f_climbs_more_than_the_constraints_gain():
    K = 10.0
    states = []
    run = lagrange(
        lambda x: x[0] ** 2 / 2 + K * x[0] * x[1],
        [-K / 2, 1.0],
        equality=lambda x: x[1],
        grad=lambda x: np.array([x[0] + K * x[1], K * x[0]]),
        jac=lambda x: [0.0, 1.0],
        callback=states.append,
    )
    # By hand: multipliers K^2/2 before and 0 after the step, along which f climbs by 3 K^2/4; the plain
    # weight 1.5 K^2/2 promises a gain of the same size only.
    assert states[0].penalty[0] == pytest.approx(0.75 * K**2 / 0.9, rel=1e-2)
    np.testing.assert_allclose(run.x, 0, atol=1e-12)


def test_finder_steps_back_into_the_domain():
    run = lagrange(
        lambda x: x[0] - np.log(x[0]) if x[0] > 0 else np.nan,
        [3.5, 0.0],
        equality=lambda x: x[1],
        grad=lambda x: np.array([1 - 1 / x[0], 0.0]),
        jac=lambda x: [0.0, 1.0],
        hess=lambda x, lam: np.diag([x[0] ** -2.0, 0.0]),
        seek="stationary",
    )
    # Newton's step from 3.5 ends at 2 * 3.5 - 3.5^2 < 0.
    assert run.success and run.x[0] == pytest.approx(1)


def test_noise_in_the_gradient_ends_in_precision():
    error = itertools.cycle([5e-8, -5e-8])
    run = lagrange(
        lambda x: np.cosh(x[0]) + x[1] ** 2,
        [1.0, 1.0],
        equality=lambda x: x[0] + x[1] - 1,
        grad=lambda x: np.array([np.sinh(x[0]) + next(error), 2 * x[1]]),
        jac=lambda x: [1.0, 1.0],
        hess=lambda x, lam: np.diag([np.cosh(x[0]), 2.0]),
    )
    assert run.status is Status.CONVERGED_TO_PRECISION
    assert np.sinh(run.x[0]) == pytest.approx(2 * run.x[1], abs=1e-6)


def test_escape_from_the_origin_that_no_value_supports():
    with pytest.warns(ConvergenceWarning, match="negative eigenvalue"):
        run = lagrange(
            lambda x: x @ x,
            [0.0, 0.0],
            equality=lambda x: x[0] + x[1],
            grad=lambda x: 2 * x,
            jac=np.ones_like,
            hess=lambda x, lam: -np.eye(2),
        )
    assert run.status is Status.SADDLE


def test_escape_steps_back_into_the_domain():
    top = np.full(2, np.sqrt(0.5))
    run = lagrange(
        lambda x: x[0] * x[1],
        top,
        # The first steps, of a tenth and a twentieth along the tangent, end outside.
        equality=lambda x: x @ x - 1 if x @ x < 1.004 or x[0] * x[1] < 0.45 else np.nan,
        grad=lambda x: x[::-1],
        jac=lambda x: 2 * x,
        hess=lambda x, lam: np.array([[2 * lam[0], 1], [1, 2 * lam[0]]]),
    )
    assert run.fun == pytest.approx(-0.5)
