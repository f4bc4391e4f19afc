"""Fixed formulas where f stands still: constant, or with values on a grid."""

import numpy as np
import pytest

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.errors import AccuracyWarning
from calcml.schemes import Backward, Central, Forward
from calcml.schemes._batch import first_in_batch, second_in_batch
from calcml.schemes._difference import FURTHER
from calcml.schemes._weighing import moves

SCHEMES = [Forward(), Backward(), Central(), Central(order=4)]
RULES = [cm.schemes.MoreWild(), cm.schemes.GillMurray()]


# In the middle of a step of `grid`.
X, Y = 31.5, 27.75


def grid(x):
    """A function with steps of a quarter, and a slope of 1."""
    return np.round(4 * np.asarray(x)) / 4


def watched(f):
    points = []

    def g(x):
        points.append(np.array(x))
        return f(x)

    return g, points


# Estimates.


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_values_on_a_grid_are_no_constant(scheme):
    estimate = cm.estimate_derivative(grid, X, scheme=scheme)
    # Nothing has moved at the step; what a 64th of x shows may be missing.
    assert estimate.value == 0 and estimate.status == cm.Status.INACCURATE
    assert 0.6 < estimate.truncation < 1.4


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_constant_is_one(scheme):
    f, points = watched(lambda x: 3.0)
    estimate = cm.estimate_derivative(f, 0.7, scheme=scheme)
    assert (estimate.value, estimate.truncation) == (0, 0) and estimate.success
    last = scheme.few.moves[-1]
    assert np.max(np.abs(np.array(points) - 0.7)) == pytest.approx(0.7 * FURTHER * abs(last), rel=1e-12)
    count = len(points)
    moving, _ = watched(np.exp)
    usual = cm.estimate_derivative(moving, 0.7, scheme=scheme).nfev
    # The points of the plain formula once more, but for x itself.
    assert count == estimate.nfev == usual + len(scheme.few.moves)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_the_longer_step_is_a_share_of_x_or_of_1_at_zero(scheme):
    for x, step in ((-3.0, 3 * FURTHER), (0.0, FURTHER), (1e-5, 1e-5 * FURTHER), (1e200, 1e200 * FURTHER)):
        f, points = watched(lambda x: 3.0)
        cm.estimate_derivative(f, x, scheme=scheme)
        usual = len(points) - len(scheme.few.moves)
        further = np.abs(np.array(points[usual:]) - x)
        np.testing.assert_allclose(np.max(further) / step, np.max(np.abs(scheme.few.moves)), rtol=1e-6)


def test_only_lines_that_stand_still_cost_more():
    x = np.array([1.0, X, 0.0])
    f, points = watched(lambda x: x[0] ** 2 + grid(x[1]) + 0 * x[2])
    estimate = cm.estimate_gradient(f, x, scheme="forward")
    moved = [tuple(np.flatnonzero(p != x)) for p in points]
    assert moved.count((0,)) == 2 and moved.count((1,)) == moved.count((2,)) == 3
    assert estimate.status.tolist() == [cm.Status.OK, cm.Status.INACCURATE, cm.Status.OK]


def test_an_output_that_moves_is_enough():
    # Of many outputs some are at rest as a rule.
    calls = [
        cm.estimate_jacobian(lambda x, g=g: np.array([x[0], g(x[0])]), [X], scheme="central").nfev
        for g in (grid, np.sin)
    ]
    assert calls[0] == calls[1]
    estimate = cm.estimate_jacobian(lambda x: np.array([7.0, grid(x[0])]), [X], scheme="central")
    assert estimate.status.tolist() == [[cm.Status.OK], [cm.Status.INACCURATE]]


def test_higher_derivatives():
    f = lambda x: np.where(x > 20.2, 401.0, 400.0)
    estimate = cm.estimate_derivative(f, 20.0, 2, scheme=Central())
    assert estimate.value == 0 and estimate.status == cm.Status.INACCURATE and estimate.truncation > 1
    estimate = cm.estimate_derivative(lambda x: 3 * x, 0.75, 2, scheme=Central())
    assert abs(estimate.value) <= estimate.error and estimate.success


def test_a_step_of_the_user_is_taken_as_it_is():
    f, points = watched(grid)
    estimate = cm.estimate_derivative(f, X, scheme=Central(step=1e-6))
    assert estimate.value == 0 and len(points) == 4


def test_symmetry_is_no_rest_but_looks_like_it():
    estimate = cm.estimate_derivative(np.cos, 0.0, scheme="central")
    assert (estimate.value, estimate.truncation, estimate.nfev) == (0, 0, 6) and estimate.success


def test_what_is_not_finite_further_away_says_nothing():
    x = 1.0
    for outside in (np.nan, np.inf):
        f = lambda t, outside=outside: np.where(np.abs(t - x) > FURTHER / 2, outside, 3.0)
        estimate = cm.estimate_derivative(f, x, scheme="central")
        assert (estimate.value, estimate.truncation) == (0, 0) and estimate.success


@pytest.mark.parametrize("bounds", [(0.7, 0.7 + 1e-4), (0.699, 0.7), (0.7 - 1e-4, 0.7 + 1e-4)])
def test_bounds_are_held(bounds):
    f, points = watched(lambda x: 3.0)
    assert cm.estimate_derivative(f, 0.7, scheme="central", bounds=bounds).success
    assert min(points) >= bounds[0] and max(points) <= bounds[1]


# Plain calls.


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_plain_derivative_that_vanishes_is_looked_at(scheme):
    for x in (X, np.array([X]), np.array([X, Y])):
        with pytest.warns(AccuracyWarning, match="`derivative`"):
            assert not np.any(cm.derivative(grid, x, scheme=scheme))
        assert not np.any(cm.derivative(lambda x: 3.0 + 0 * x, x, scheme=scheme))
    # As long as something moves, a plain call costs no more.
    f, points = watched(lambda x: np.where(x < 1, 3.0, x))
    cm.derivative(f, np.array([0.7, 2.0]), scheme=scheme)
    assert len(points) == len(scheme.few.moves) + (scheme.few.resting)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize("vectorized", [False, True])
def test_a_plain_gradient_that_vanishes_is_looked_at(scheme, vectorized):
    f = lambda x: grid(x[0]) + grid(x[1])
    x = np.array([X, Y])
    with pytest.warns(AccuracyWarning, match="`gradient`"):
        assert not cm.gradient(f, x, scheme=scheme, vectorized=vectorized).any()
    assert not cm.gradient(lambda x: 3.0 + 0 * x[0], x, scheme=scheme, vectorized=vectorized).any()


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_quick_ways_leave_what_vanishes_to_difference_with_what_they_know(scheme):
    x = np.array([X, Y])
    f, points = watched(lambda x: float(grid(x[0]) + grid(x[1])))
    value, known = scheme.few.gradient(f, x)
    assert value is None and len(known) == len(points) == len(scheme.few.moves) * 2 + scheme.few.resting
    value, known = scheme.one.derivative(lambda x: float(grid(x)), X, 1)
    assert value is None and len(known) == len(scheme.few.moves) + scheme.few.resting
    # Higher derivatives of a straight line vanish.
    value, _ = scheme.one.derivative(lambda x: 3.0, 0.7, 2)
    assert value == 0
    way = scheme.many(1)
    assert first_in_batch(way, lambda x: grid(x[0]), x) is None
    assert first_in_batch(way, lambda x: 3.0 * np.ones_like(x), x) is not None
    assert second_in_batch(scheme.many(2), lambda x: 3.0 * np.ones_like(x[0]), x) is not None
    many, out = np.linspace(1, 2, 50), np.empty(50)
    assert not way.elementwise(lambda points: [0 * p + 3 for p in points], many, out)
    assert scheme.many(2).elementwise(lambda points: [0 * p + 3 for p in points], many, out)
    assert way.elementwise(lambda points: [np.where(p < 1.5, 3, p) for p in points], many, out)


def test_plain_curvatures_and_outputs_that_vanish_cost_no_more():
    f, points = watched(lambda x: 3 * x[0])
    assert not cm.hessian(f, np.array([0.5, 1.0]), scheme="central").any()
    assert len(points) == 7
    f, points = watched(lambda x: np.full(2, 3.0))
    assert not cm.jacobian(f, np.array([0.5, 1.0]), scheme="central").any()
    assert len(points) == 4
    f, points = watched(lambda x: 0 * x + 3)
    assert cm.derivative(f, 0.7, 2, scheme="central") == 0 and len(points) == 3


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_searches_are_looked_at_as_well(rule):
    f, points = watched(lambda x: 0 * x + 3.0)
    estimate = cm.estimate_derivative(f, 0.7, scheme=Central(step=rule))
    assert (estimate.value, estimate.truncation) == (0, 0)
    np.testing.assert_allclose(np.abs(np.array(points[-2:]) - 0.7), 0.7 * FURTHER, rtol=1e-12)


def test_what_moves():
    assert moves(np.array([[1.0], [0.0]])) and moves(np.array([[0.0], [1.0]])) and moves(np.array([[np.nan]]))
    assert not moves(np.zeros((3, 2))) and moves(np.array([[0.0, 1.0]]))
    # Where there is nothing, nothing stands still.
    assert moves(np.zeros((0, 2))) and moves(np.zeros((2, 0)))


def test_a_line_of_all_lines_is_looked_at_with_its_own_step():
    f, points = watched(lambda x: np.where(x > 5, x, 3.0))
    lines = ElementwiseLines(Function(f, None), np.array([1.0, 9.0, 2.0]), None)
    c = Central().coefficient(lines, 1)
    assert c.value[:, 0].tolist()[::2] == [0, 0] and len(points) == 6
    further = np.abs(np.array(points[4:]) - [1.0, 9.0, 2.0])
    np.testing.assert_allclose(further, [[FURTHER, 0, 2 * FURTHER]] * 2, rtol=1e-12)
