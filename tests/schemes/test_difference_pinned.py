"""The kernel of the fixed schemes, number by number: points, windows, steps, both errors, every threshold."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

import calcml as cm
from calcml._function import Function
from calcml._lines import Directions, ElementwiseLines, PointLines, axes
from calcml._parameters import check_bounds, flatten
from calcml._status import Status
from calcml.schemes import (
    Backward,
    Central,
    Coefficient,
    Fixed,
    Forward,
    Relative,
    _difference,
    _recipe,
    _weighing,
)
from calcml.schemes import _shrink as shrinking
from calcml.schemes._difference import difference
from calcml.schemes._recipe import Plan, check_order, plan
from calcml.schemes.base import Scheme, origin_coefficient
from calcml.schemes.registry import as_scheme
from calcml.schemes.steps import StepRule

EPS = float(np.finfo(float).eps)
SINGLE = float(np.finfo(np.float32).eps)
CENTRAL = (3 * EPS) ** (1 / 3)
CASES = [(s, o) for s in (Forward, Backward) for o in (1, 2, 3)] + [(Central, o) for o in (2, 4)]


class Counted:
    """Remember every point at which f was evaluated, in order."""

    def __init__(self, f):
        self.f, self.points = f, []

    def __call__(self, x):
        self.points.extend(np.ravel(x).tolist())
        return self.f(x)


def lines_of(f, x, bounds=None):
    x = np.asarray(x)
    limits = None if bounds is None else check_bounds(bounds, *flatten(x))
    return ElementwiseLines(Function(f, None), x, limits)


def point_lines(f, x, vectors=None):
    x = np.asarray(x, dtype=float)
    directions = axes(x.size) if vectors is None else Directions.dense(np.asarray(vectors, dtype=float))
    return PointLines(Function(f, flatten(x)[1]), x, directions)


def seventh(x):
    # Multiplications only, which every machine rounds alike.
    y = x * x * x
    return y * y * x


# Both errors, by the formulas of the module.


def by_hand(scheme, order, n, x, h, *, error):
    """Value, truncation and noise of the derivative of x^7 over n!, summed in exact arithmetic."""
    side = {Forward: 1, Backward: -1, Central: 0}[scheme]

    def grid(p):
        if side:
            return [side * Fraction(j) for j in range(n + p)]
        m = (n + p - 1) // 2
        return [Fraction(j) for j in range(-m, m + 1)]

    formulas = [cm.stencil(sorted(grid(p)), n) for p in (order, order + (1 if side else 2))]
    used = {g for s in formulas[: 1 + error] for g, w in zip(s.offsets, s.weights, strict=True) if w}
    f = {g: (Fraction(x) + g * Fraction(h)) ** 7 for g in used}
    scale = Fraction(h) ** n * math.factorial(n)
    value, better = (
        sum(w * f.get(g, 0) for g, w in zip(s.offsets, s.weights, strict=True)) / scale for s in formulas
    )
    noise = EPS * max(map(abs, f.values()))
    if error:
        # The steepest chord from the first point, over the whole grid, sees the rounding of x by eps/2 |x|.
        chord = max(abs(f[g] - f[min(used)]) for g in used)
        noise += EPS / 2 * abs(x) * chord / ((max(used) - min(used)) * Fraction(h))
    return float(value), float(3 * abs(value - better)), float(formulas[0].condition * noise / scale)


@pytest.mark.parametrize(("scheme", "order"), CASES)
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("x", [1.5, -0.75, 3.0])
@pytest.mark.parametrize("error", [True, False])
def test_value_truncation_and_noise(scheme, order, n, x, error):
    h = 0.125
    c = scheme(order=order, step=h).coefficient(lines_of(seventh, x), n, error=error)
    value, truncation, noise = by_hand(scheme, order, n, x, h, error=error)
    # Values up to 1e5 eps, divided by h^3 = 1/512 and subtracted from each other.
    assert c.value[0, 0] == pytest.approx(value, rel=1e-10)
    if error:
        assert c.truncation[0, 0] == pytest.approx(truncation, rel=1e-8)
    else:
        assert np.isnan(c.truncation[0, 0])
    assert c.noise[0, 0] == pytest.approx(noise, rel=1e-12)
    assert c.step.tolist() == [h]
    assert c.value.shape == c.truncation.shape == c.noise.shape == c.status.shape == (1, 1)
    assert c.status.dtype == np.int8


def test_noise_along_a_direction_sees_how_fast_x_moves():
    # Along (2, 0) a unit of t moves x[0] = 3 by 2, so |x| is 1.5 in units of t.
    f = lambda x: np.stack([x[0] + 0 * x[1], 100 - 5 * x[0]])
    c = Central(step=0.5).coefficient(point_lines(f, [3.0, 1.0], [[2.0, 0.0]]), 1)
    # Points at t = ±1/4, ±1/2 (0.5 along x): largest |f| is 4 and 90, slopes 2 and 10, weights 1, h = 1/4.
    expected = [(EPS * 4 + EPS / 2 * 2 * 1.5) / 0.25, (EPS * 90 + EPS / 2 * 10 * 1.5) / 0.25]
    np.testing.assert_allclose(c.noise[0], expected, rtol=1e-14)
    np.testing.assert_array_equal(c.step, [0.25])
    np.testing.assert_array_equal(c.value, [[2.0, -10.0]])


def test_noise_has_the_precision_of_the_values():
    c = Central(step=0.5).coefficient(lines_of(lambda x: np.float32(x), 1.0), 1)
    # |f| up to 2, slope 1, |x| = 1, h = 1/2.
    assert c.noise[0, 0] == pytest.approx((2 * SINGLE + SINGLE / 2) / 0.5, rel=1e-12)


# Points, on free lines and between bounds.


@pytest.mark.parametrize("error", [True, False])
@pytest.mark.parametrize(
    ("scheme", "n", "free", "judged"),
    [
        (Forward(order=1), 1, [0, 1], [0, 1, 2]),
        (Forward(order=2), 2, [0, 1, 2, 3], [0, 1, 2, 3, 4]),
        (Backward(order=1), 1, [-1, 0], [-2, -1, 0]),
        (Backward(order=3), 2, [-4, -3, -2, -1, 0], [-5, -4, -3, -2, -1, 0]),
        (Central(order=2), 1, [-1, 1], [-2, -1, 1, 2]),
        (Central(order=2), 2, [-1, 0, 1], [-2, -1, 0, 1, 2]),
        (Central(order=2), 3, [-2, -1, 1, 2], [-3, -2, -1, 1, 2, 3]),
        (Central(order=4), 1, [-2, -1, 1, 2], [-3, -2, -1, 1, 2, 3]),
        (Central(order=4), 4, [-3, -2, -1, 0, 1, 2, 3], [-4, -3, -2, -1, 0, 1, 2, 3, 4]),
    ],
)
def test_points_without_bounds(scheme, n, free, judged, error):
    f = Counted(seventh)
    method = type(scheme)(order=scheme.order, step=0.125)
    method.coefficient(lines_of(f, 1.0), n, error=error)
    assert sorted((np.array(f.points) - 1) / 0.125) == (judged if error else free)


# Step 1/8 at x = 1; lower and upper distance in steps; the offsets in units of the step, without and with the
# points that judge; the step as a share of 1/8.  What is beyond an end goes to the other side.
WINDOWS = [
    (Central(order=2), 2, 2, [-1, 1], [-2, -1, 1, 2], 1.0),
    (Central(order=2), 1.99, 9, [-1, 1], [-1, 0, 1, 2], 1.0),
    (Central(order=2), 1, 9, [-1, 1], [-1, 0, 1, 2], 1.0),
    (Central(order=2), 0.99, 9, [0, 1, 2], [0, 1, 2, 3], 1.0),
    (Central(order=2), 0, 9, [0, 1, 2], [0, 1, 2, 3], 1.0),
    (Central(order=2), 0, 4, [0, 1, 2], [0, 1, 2, 3], 1.0),
    (Central(order=2), 9, 1.99, [-1, 1], [-2, -1, 0, 1], 1.0),
    (Central(order=2), 9, 1, [-1, 1], [-2, -1, 0, 1], 1.0),
    (Central(order=2), 9, 0.99, [-2, -1, 0], [-3, -2, -1, 0], 1.0),
    (Central(order=2), 9, 0, [-2, -1, 0], [-3, -2, -1, 0], 1.0),
    # Less than reach + 2 = 4 steps of room: the step is a quarter of it.
    (Central(order=2), 0, 2, [0, 1, 2], [0, 1, 2, 3], 0.5),
    (Central(order=2), 1, 2, [-1, 1], [-1, 0, 1, 2], 0.75),
    (Central(order=2), 0.5, 2.5, [0, 1, 2], [0, 1, 2, 3], 0.75),
    (Central(order=2), 2, 0, [-2, -1, 0], [-3, -2, -1, 0], 0.5),
    (Forward(order=1), 0, 2, [0, 1], [0, 1, 2], 1.0),
    (Forward(order=1), 4, 1.5, [0, 1], [-1, 0, 1], 1.0),
    (Forward(order=1), 4, 1, [0, 1], [-1, 0, 1], 1.0),
    (Forward(order=1), 4, 0.5, [-1, 0], [-2, -1, 0], 1.0),
    (Forward(order=1), 0, 1.5, [0, 1], [0, 1, 2], 0.5),
    (Backward(order=1), 2, 0, [-1, 0], [-2, -1, 0], 1.0),
    (Backward(order=1), 1.5, 4, [-1, 0], [-1, 0, 1], 1.0),
    (Backward(order=1), 0.5, 4, [0, 1], [0, 1, 2], 1.0),
    (Backward(order=1), 0, 1.5, [0, 1], [0, 1, 2], 0.5),
]


@pytest.mark.parametrize(("scheme", "down", "up", "free", "judged", "share"), WINDOWS)
def test_windows_between_bounds(scheme, down, up, free, judged, share):
    h = 0.125
    for error, offsets in ((False, free), (True, judged)):
        f = Counted(lambda x: x * x)
        method = type(scheme)(order=scheme.order, step=h)
        c = method.coefficient(lines_of(f, 1.0, (1 - down * h, 1 + up * h)), 1, error=error)
        fits = scheme.order == 2 and down >= 2 and up >= 2
        assert c.step[0] == pytest.approx(h * share, rel=1e-15)
        np.testing.assert_allclose((np.sort(f.points) - 1) / (h * share), offsets, atol=1e-12)
        # A parabola is exact for order 2; for order 1 the error is the distance of the middle of the points.
        slope = 2.0 if scheme.order == 2 else 2 + (free[0] + free[1]) * h * share
        assert c.value[0, 0] == pytest.approx(slope, rel=1e-13)
        assert c.status[0, 0] == Status.OK or scheme.order == 1 or not fits


def test_windows_of_second_derivatives():
    # n + order = 4 points in a row, 5 that judge, at least 5 steps of room for the first.
    for down, up, offsets in ((0, 8, [0, 1, 2, 3, 4]), (1, 8, [-1, 0, 1, 2, 3]), (8, 1, [-3, -2, -1, 0, 1])):
        f = Counted(seventh)
        c = Central(step=0.125).coefficient(lines_of(f, 1.0, (1 - down / 8, 1 + up / 8)), 2)
        assert ((np.sort(f.points) - 1) * 8).tolist() == offsets
        row = cm.stencil(offsets[:4] if up == 8 else offsets[1:], 2)
        values = [(1 + Fraction(int(g), 8)) ** 7 for g in row.offsets]
        exact = sum(w * v for w, v in zip(row.weights, values, strict=True)) * 32
        # Four values of 1 to 12 with weights up to 5 over h² = 1/64.
        assert c.value[0, 0] == pytest.approx(float(exact), rel=1e-12)


def test_a_point_on_the_bound_itself_is_used():
    # (1.1 - 1) / 0.1 is 1.0000000000000009 in floating point, (1 - 0.7) / 0.1 is 3.0000000000000004,
    # (0.3 - 0) / 0.1 is 2.9999999999999996: none of the points on the bounds is lost.
    f = Counted(lambda x: x * x)
    c = Central(step=0.1).coefficient(lines_of(f, 0.3, (0.0, 0.4)), 1)
    assert c.step[0] == pytest.approx(0.1, rel=1e-15)
    np.testing.assert_allclose((np.sort(f.points) - 0.3) / 0.1, [-2, -1, 0, 1], atol=1e-14)
    for x in (0.3, 0.7, 1.1):
        f = Counted(lambda x: x * x)
        Forward(step=(0.4 + x - x) / 3).coefficient(lines_of(f, x, (x, x + 0.4)), 1)
        assert min(f.points) == x
        assert len(f.points) == 3


def test_lines_with_different_windows_are_each_by_itself():
    x = np.array([0.0, 0.25, 0.5, 0.875, 1.0])
    together = Central(step=0.125).coefficient(lines_of(seventh, x, (0.0, 1.0)), 1)
    for p, one in enumerate(x):
        alone = Central(step=0.125).coefficient(lines_of(seventh, one, (0.0, 1.0)), 1)
        for name in ("value", "truncation", "noise", "status"):
            assert getattr(together, name)[p, 0] == getattr(alone, name)[0, 0], (name, one)
    assert together.step.tolist() == [0.125] * 5


def test_the_value_does_not_depend_on_whether_the_error_is_wanted():
    for scheme, x in itertools.product((Forward(step=0.125), Central(order=4, step=0.0625)), (0.0, 0.3, 0.9)):
        lines = lines_of(np.exp, x, (0.0, 1.0))
        with_error, without = (scheme.coefficient(lines, 2, error=error) for error in (True, False))
        assert with_error.value == pytest.approx(without.value, rel=1e-11)
        assert with_error.step == without.step


# Steps that are too short, too long, or for another precision.


def test_a_number_that_does_not_move_x_is_refused():
    for f, x, step in ((np.sin, 1.0, 1e-20), (np.sum, np.ones(2), [0.5, 1e-20])):
        with pytest.raises(ValueError) as caught:
            cm.gradient(f, x, scheme=Central(step=step))
        assert str(caught.value) == ("`step` 1e-20 is too small to change x; give a larger one or step=None")


def test_steps_that_rounding_swallows_are_lengthened_to_a_few_units():
    f = Counted(lambda x: x * x)
    scheme = Central(step=Relative(factor=1e-20))
    c = scheme.coefficient(lines_of(f, [3.0, 1.0, 96.0]), 1)
    # Four spacings of the numbers near x.
    assert c.step.tolist() == [4 * np.spacing(3.0), 4 * EPS, 4 * np.spacing(96.0)]
    # Squares are rounded to half a spacing of theirs, an eighth of what they change by.
    np.testing.assert_allclose(c.value, [[6.0], [2.0], [192.0]], rtol=1 / 8)
    assert (c.status == Status.INACCURATE).all()
    assert (c.truncation >= 0).all()
    c = scheme.coefficient(lines_of(lambda x: x * x, [3.0, 1.0], ([0.0, 1.0], [9.0, 1.0])), 1)
    assert c.step[0] == 4 * np.spacing(3.0) and c.step[1] == 0.0
    assert c.value[0, 0] == 6.0 and np.isnan(c.value[1, 0])
    assert c.status[:, 0].tolist() == [Status.INACCURATE, Status.NO_ROOM]


class Given(StepRule):
    """One step for each line, which may be changed."""

    def __init__(self, steps):
        self.given = np.array(steps, dtype=float)

    def steps(self, lines, formula):
        return self.given.copy()


def test_only_lost_steps_are_lengthened():
    f = Counted(lambda x: x * x)
    c = difference(lines_of(f, [3.0, 4.0, 5.0]), plan(1, 2, 0), Given([0.5, 1e-20, 0.25]), error=False)
    assert c.step.tolist() == [0.5, 4 * np.spacing(4.0), 0.25]
    np.testing.assert_array_equal(c.value, [[6.0], [8.0], [10.0]])
    assert c.noise[:, 0] == pytest.approx([12.25 * EPS / 0.5, 16 / 16, 27.5625 * EPS / 0.25], rel=1e-12)
    assert c.status[:, 0].tolist() == [Status.OK, Status.INACCURATE, Status.OK]
    # The others stay where they are.
    assert set(f.points[6:]) == {3.0, 5.0, 4 - 4 * np.spacing(4.0), 4 + 4 * np.spacing(4.0)}


def test_where_there_is_no_room_nothing_is_lengthened():
    f = Counted(lambda x: x * x)
    limits = ([0.0, 4.0], [9.0, 4.0])
    c = difference(lines_of(f, [3.0, 4.0], limits), plan(1, 2, 0), Given([0.5, 0.5]), error=False)
    assert c.step.tolist() == [0.5, 0.0] and c.value[0, 0] == 6.0
    assert np.isnan(c.value[1, 0]) and c.status[1, 0] == Status.NO_ROOM
    # Two points on the first line; f(x) and two points of the window, at x, on the one that cannot move.
    assert sorted(set(f.points)) == [2.5, 3.0, 3.5, 4.0] and len(f.points) == 10


def test_only_lines_that_leave_the_domain_get_shorter_steps():
    f = Counted(lambda x: np.where(x > 0, 1 / np.where(x > 0, x, 1), np.nan))
    x = np.array([4.0, 2.0**-10, 8.0, 2.0**-20])
    c = difference(lines_of(f, x), plan(1, 2, 0), Given([0.5, 0.25, 0.125, 0.25]), error=False)
    # x / 4 fits; then 4 CENTRAL times that.
    wanted = [0.5, CENTRAL * x[1], 0.125, CENTRAL * x[3]]
    np.testing.assert_allclose(c.step, wanted, rtol=1e-6)
    np.testing.assert_allclose(c.value[:, 0], -1 / (x * x - np.square(wanted)), rtol=1e-9)


def logarithm(edge=0.0):
    return Counted(lambda x: np.log(x - edge) if x > edge else np.nan)


def test_steps_shrink_into_the_domain_step_by_step():
    f, x = logarithm(), 1e-8
    c = Central().coefficient(lines_of(f, x), 1)
    # After 8.7e-6, which misses, x / 4 fits; that is a quarter of the way to the edge, so the last step is 4
    # times the optimum for a length of x / 4.
    assert c.step[0] == pytest.approx(CENTRAL * x, rel=1e-6)
    offsets = [-2 * CENTRAL, -CENTRAL, CENTRAL, 2 * CENTRAL]
    expected = [0.0, -0.5, -0.25, 0.25, 0.5, *offsets]
    # The first four points around x, then f(x), once.
    first = np.array(f.points[:4])
    np.testing.assert_allclose(first - x, [k * CENTRAL for k in (-2, -1, 1, 2)], rtol=1e-9)
    np.testing.assert_allclose((np.array(f.points[4:]) - x) / x, expected, rtol=1e-6, atol=1e-12)
    assert c.status[0, 0] == Status.OK


def test_steps_shrink_by_sixteen_towards_an_edge_elsewhere():
    f, x = logarithm(2.0), 2.0 + 2.0**-24
    c = Central().coefficient(lines_of(f, x), 1, error=False)
    start, steps = CENTRAL * x, []
    for k in range(5):
        steps.append(start / 16**k)
        if steps[-1] < 2.0**-24:
            break
    # Then 4 times the optimal step for a length of the step that fits.
    wanted = max(4 * CENTRAL * steps[-1], 4 * np.spacing(x))
    assert c.step[0] == pytest.approx(wanted, abs=np.spacing(x))
    moves = np.abs(np.array(f.points) - x)
    moves = moves[moves > 0]
    for k, step in enumerate(steps):
        np.testing.assert_allclose(moves[2 * k : 2 * k + 2], step, atol=2 * np.spacing(x))
    assert len(moves) == 2 * len(steps) + 2


def test_steps_fall_at_most_six_times_and_stay_above_the_spacing():
    # No step is short enough: f is finite at x alone.
    f = Counted(lambda x: 1.0 if x == 1.0 else np.nan)
    c = Central().coefficient(lines_of(f, 1.0), 1, error=False)
    moves = np.abs(np.array(f.points) - 1)
    moves = moves[moves > 0]
    # From 8.7e-6 by 16: the seventh would be 5.2e-13, above 4 eps; six shorter ones are tried, and the last,
    # 4 CENTRAL times the shortest and at least 4 eps.
    expected = [CENTRAL / 16**k for k in range(7)] + [4 * EPS]
    np.testing.assert_allclose(moves[::2], expected, atol=2 * EPS)
    np.testing.assert_allclose(moves[1::2], expected, atol=2 * EPS)
    assert c.step.tolist() == [4 * EPS]
    assert np.isnan(c.value[0, 0]) and c.status[0, 0] == Status.NON_FINITE


def test_worth_shrinking():
    nan, inf = np.nan, np.inf
    f = lambda x: np.where(x == 5.0, nan, x)
    lines = lines_of(f, [1.0, 2.0, 3.0, 5.0, 1.0])
    h = np.array([0.1, 0.1, 0.1, 0.1, 0.0])
    value = np.array([[nan], [1.0], [inf], [nan], [nan]])
    # Not where the value is finite, f(x) is not, or the step is 0.
    assert shrinking.worth_shrinking(lines, value, h).tolist() == [0, 2]
    good = shrinking.worth_shrinking(lines, np.ones((5, 1)), h)
    assert good.size == 0 and good.dtype.kind == "i"
    # A sixteenth must be more than four spacings.
    lines, value = lines_of(lambda x: x, [1.0, 1.0]), np.full((2, 1), nan)
    limit = 16 * 4 * EPS
    steps = np.array([limit, np.nextafter(limit, 1)])
    assert shrinking.worth_shrinking(lines, value, steps).tolist() == [1]
    # One output that is lost, and known at x, is enough.
    many = point_lines(lambda x: np.stack([x[0], nan * x[0]]), [1.0])
    assert shrinking.worth_shrinking(many, np.array([[nan, nan]]), np.array([0.1])).tolist() == [0]
    assert shrinking.worth_shrinking(many, np.array([[1.0, nan]]), np.array([0.1])).tolist() == []


def test_shorter():
    lines = lines_of(lambda x: x, [1.0, 16.0, 0.0])
    h, index = np.array([1.0, 32.0, 8.0]), np.array([0, 1, 2])
    for first in (True, False):
        assert shrinking.shorter(lines, h, index, first=first).tolist() == [1 / 16, 2.0, 0.5]
    h = np.array([8.0, 128.0, 8.0])
    # At most |x| / 4 the first time, where x is not 0.
    assert shrinking.shorter(lines, h, index, first=True).tolist() == [0.25, 4.0, 0.5]
    assert shrinking.shorter(lines, h, index, first=False).tolist() == [0.5, 8.0, 0.5]
    # The size of the lines in `index`, not of the first ones.
    assert shrinking.shorter(lines, h, np.array([1]), first=True).tolist() == [4.0]


def test_least_step():
    lines = lines_of(lambda x: x, [1.0, 1000.0, 0.0])
    tiny = float(np.finfo(float).tiny)
    assert shrinking.least_step(lines).tolist() == [4 * EPS, 4 * np.spacing(1000.0), 4 * tiny]
    single = lines_of(lambda x: x, np.float32(1.0))
    assert shrinking.least_step(single).tolist() == [4 * SINGLE]
    wide = lines_of(np.sin, np.ones(1, np.longdouble))
    assert shrinking.least_step(wide).tolist() == [4 * np.finfo(np.longdouble).eps]


@pytest.mark.parametrize(("scheme", "order"), [(Central(), 2), (Forward(), 1)])
def test_a_precision_that_shows_in_the_values_costs_one_more_attempt(scheme, order):
    f = Counted(lambda x: np.float32(x))
    c = scheme.coefficient(lines_of(f, 1.0), 1)
    factor = {2: 3 * SINGLE, 1: 4 * SINGLE}[order] ** (1 / (order + 1))
    assert c.step[0] == pytest.approx(factor, rel=1e-6)
    # The first points have the step of double precision, the last that of single.
    own = {2: 3 * EPS, 1: 4 * EPS}[order] ** (1 / (order + 1))
    away = np.abs(np.array(f.points) - 1)
    away = away[away > 0]
    np.testing.assert_allclose(
        sorted(away / own)[: len(away) // 2], [1, 1, 2, 2][2 - order :: 3 - order], rtol=1e-6
    )
    np.testing.assert_allclose(
        sorted(away / factor)[len(away) // 2 :], [1, 1, 2, 2][2 - order :: 3 - order], rtol=1e-6
    )


# The verdict.


def verdict(value, truncation, noise, *, h=1.0, x=1.0, n=1, bounds=None, method=None):
    lines = lines_of(lambda t: t, x, bounds)
    tables = tuple(np.array([[v]], dtype=float) for v in (value, truncation, noise))
    status = _difference._status(lines, method or Plan(n, 2, 0), tables, np.array([float(h)]))
    assert status.shape == (1, 1) and status.dtype == np.int8
    return Status(int(status[0, 0]))


def test_the_error_may_be_a_hundredth_of_the_value():
    # Truncation far above the noise: only its share of the value counts.
    above = np.nextafter(0.01, 1)
    assert verdict(1.0, 0.01, 0.0) is Status.OK
    assert verdict(1.0, above, 0.0) is Status.INACCURATE
    assert verdict(-1.0, 0.01, 0.0) is Status.OK
    assert verdict(-1.0, above, 0.0) is Status.INACCURATE
    assert verdict(2.0, 0.02, 0.0) is Status.OK
    # The sum of both.
    assert verdict(1.0, 0.0075, 2.0**-20, h=1e-9) is Status.OK
    assert verdict(1.0, 0.01, 2.0**-40, h=1e-9) is Status.INACCURATE
    assert verdict(1.0, 0.0, 2.0**-40, h=1e-9) is Status.OK
    assert verdict(1.0, np.nan, 2.0**-40, h=1e-9) is Status.INACCURATE
    assert verdict(1.0, 0.0, 0.02, h=1e-9) is Status.INACCURATE


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("x", [0.0, 1.0, 8.0])
@pytest.mark.parametrize("share", [0.05, 1.0, 7.0])
def test_zero_may_have_the_error_of_rounding(n, x, share):
    # At the optimal step h* = factor max(|x|, 1), or beyond, a thousand times the noise is what rounding
    # leaves; at shorter steps by (h / h*)^n less.
    formula = Plan(n, 2, 0).formula
    best = (n * EPS * formula.balance / 2) ** (1 / (n + 2)) * max(x, 1.0)
    limit = 1000 * min(share, 1.0) ** n
    for factor, status in ((0.999, Status.OK), (1.001, Status.INACCURATE)):
        noise = 2.0**-30
        truncation = max(limit * factor - 1, 0.0) * noise
        expected = status if limit * factor >= 1 else Status.INACCURATE if limit < 1 else status
        assert verdict(0.0, truncation, noise, h=share * best, x=x, n=n) is expected


def test_a_thousand_times_the_noise_is_excused():
    assert verdict(0.0, 999.0, 1.0, h=9.0) is Status.OK
    assert verdict(0.0, 999.5, 1.0, h=9.0) is Status.INACCURATE


def test_an_error_out_of_range_is_above_everything():
    assert verdict(1.0, np.inf, np.inf) is Status.INACCURATE
    assert verdict(1.0, 0.0, np.inf) is Status.INACCURATE
    assert verdict(0.0, 0.0, 0.0) is Status.OK


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(value):
    assert verdict(value, np.nan, np.nan) is Status.NON_FINITE
    assert verdict(value, 1.0, 1.0) is Status.NON_FINITE
    # No room explains more.
    assert verdict(value, 0.0, 0.0, bounds=(1.0, 1.0)) is Status.NO_ROOM
    assert verdict(value, 0.0, 0.0, bounds=(1.0, 2.0)) is Status.NON_FINITE


def test_statuses_side_by_side():
    lines = lines_of(lambda t: t, [1.0, 1.0, 1.0, 2.0], ([0.0] * 3 + [2.0], 2.0))
    value = np.array([[1.0], [np.nan], [1.0], [np.nan]])
    noise = np.array([[0.0], [np.nan], [0.5], [np.nan]])
    status = _difference._status(lines, Plan(1, 2, 0), (value, 0 * noise, noise), np.full(4, 1e-9))
    assert status[:, 0].tolist() == [Status.OK, Status.NON_FINITE, Status.INACCURATE, Status.NO_ROOM]


def clear(value, noise, share=1e-6, n=1):
    """Whether lines at x = 1 need no verdict at this share of the optimal step."""
    formula = Plan(n, 2, 0)
    best = (n * EPS * formula.formula.balance / 2) ** (1 / (n + 2))
    h = np.broadcast_to(np.asarray(share) * best, len(value))
    lines = lines_of(lambda t: t, np.ones(len(value)))
    return _difference._clear(lines, formula, np.array(value), np.array(noise), h)


def test_clear_values_need_no_verdict():
    # Two digits at least, everywhere.
    assert clear([[1.0, -2.0]], [[0.01, 0.02]])
    assert not clear([[1.0, -2.0]], [[0.01, np.nextafter(0.02, 1)]])
    assert not clear([[1.0, -2.0]], [[np.nextafter(0.01, 1), 0.0]])
    assert clear([[0.0]], [[0.0]])
    # All finite, whatever the step.
    for share in (1e-6, 1.0):
        assert not clear([[1.0, np.nan]], [[0.0, 0.0]], share)
        assert not clear([[1.0, np.nan]], [[0.0, np.nan]], share)
        assert not clear([[1.0, np.inf]], [[0.0, 0.0]], share)
        assert not clear([[1.0, 1.0]], [[0.0, np.inf]], share)
        assert not clear([[1.0, 1.0]], [[np.nan, 0.0]], share)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_noise_that_must_be_needs_no_verdict(n):
    # Up to 1000 times the noise at the optimal step, from a step of 1000^(-1/n) of it.
    share = 1000 ** (-1 / n)
    assert clear([[0.0]], [[1.0]], 1.0, n) and clear([[0.0]], [[1.0]], 1e6, n)
    assert clear([[0.0]], [[1.0]], 1.001 * share, n)
    assert not clear([[0.0]], [[1.0]], 0.999 * share, n)
    # Every line.
    assert not clear([[0.0], [0.0]], [[1.0], [1.0]], [1.0, 0.999 * share], n)
    assert not clear([[0.0], [0.0]], [[1.0], [1.0]], [0.999 * share, 1.0], n)


def test_what_is_not_clear_gets_a_verdict_without_the_error_too():
    # At 4e-16 the noise is above a hundredth of the value.
    c = Central(step=2.0**-51).coefficient(lines_of(lambda x: x, 1.0), 1, error=False)
    assert c.status.tolist() == [[Status.INACCURATE]]
    c = Central(step=2.0**-20).coefficient(lines_of(lambda x: x, 1.0), 1, error=False)
    assert c.status.tolist() == [[Status.OK]] and c.status.dtype == np.int8


def test_steps_that_are_ample_leave_no_noise_to_look_for():
    many, alone = lines_of(np.sin, [1.0, 2.0]), point_lines(np.sum, [1.0, 2.0])
    along = point_lines(np.sum, [1.0, 2.0], [[1.0, 1.0]])
    for lines, single in ((many, True), (alone, True), (along, False)):
        assert Relative().ample(lines) is single
        assert Relative(floor=2.0).ample(lines) is single
        assert not Relative(floor=0.5).ample(lines)
        assert not Relative(factor=0.1).ample(lines)
        assert not Fixed(0.1).ample(lines)


def test_only_solvers_want_the_noise_of_ample_steps():
    for careful in (True, False):
        lines = lines_of(seventh, [1.0, 2.0])
        lines.careful = careful
        c = Central().coefficient(lines, 1, error=False)
        assert np.isnan(c.truncation).all() and np.isnan(c.noise).all() == careful
        assert c.status.tolist() == [[Status.OK]] * 2 and c.status.dtype == np.int8
        np.testing.assert_array_equal(c.value, Central().coefficient(lines, 1).value)


def test_lines_near_zero_are_judged_among_quiet_ones():
    # x = 1e-9 is far shorter than the step: what is found there could be anything.
    lines = lines_of(lambda x: np.where(x < 0.5, np.sqrt(np.abs(x)), x), [1.0, 1e-9])
    lines.careful = True
    c = Central().coefficient(lines, 1, error=False)
    assert c.status[:, 0].tolist() == [Status.OK, Status.INACCURATE]
    assert c.noise[0, 0] == 0 and c.noise[1, 0] > 0 and np.isnan(c.truncation).all()


@pytest.mark.parametrize("careful", [True, False])
@pytest.mark.parametrize(
    ("f", "status"),
    [
        (seventh, Status.OK),
        (lambda x: 1 + 0 * x, Status.OK),
        (lambda x: np.full(x.shape, np.nan), Status.NON_FINITE),
    ],
)
def test_plain_calls_say_how_far_they_went(f, status, careful):
    lines = lines_of(f, [1.0, 2.0])
    lines.careful = careful
    c = Central(step=Given([0.25, 0.5])).coefficient(lines, 1, error=False)
    assert c.step.tolist() == [0.25, 0.5]
    assert c.status.tolist() == [[status]] * 2
    lines = lines_of(f, [1.0, 2.0])
    lines.careful = careful
    c = Central().coefficient(lines, 1, error=False)
    np.testing.assert_allclose(c.step, CENTRAL * np.array([1.0, 2.0]), rtol=1e-9)
    assert c.status.tolist() == [[status]] * 2


@pytest.mark.parametrize("careful", [True, False])
def test_lines_near_zero_are_judged_for_themselves_only(careful):
    f = Counted(np.exp)
    lines = lines_of(f, [1e-6, 1.0])
    lines.careful = careful
    c = Central().coefficient(lines, 1, error=False)
    # An exponential bends on the scale of 1, so that the step is no worse beside 0.
    assert c.status.tolist() == [[Status.OK]] * 2
    np.testing.assert_allclose(c.value[:, 0], np.exp([1e-6, 1.0]), rtol=1e-9)
    # Both lines twice; where it is careful, four points more through the whole of x.
    assert len(f.points) == (4 + 8 if careful else 4)
    # A step that the rule does not guess is taken as it is.
    f = Counted(np.exp)
    lines = lines_of(f, [1e-6, 1.0])
    lines.careful = careful
    Central(step=Given([1e-3, 1e-3])).coefficient(lines, 1, error=False)
    assert len(f.points) == 4


def test_ample_steps_have_no_more_noise_than_is_excused():
    # f' is 0: whatever is found is noise, and as much as that is what the status excuses.
    f = lambda x: 1e8 + 0 * x
    for scheme in (Forward(), Central(), Central(order=4)):
        plain = scheme.coefficient(lines_of(f, [0.5, 3.0]), 1, error=False)
        assert plain.status.tolist() == scheme.coefficient(lines_of(f, [0.5, 3.0]), 1).status.tolist()


# Blocks.


@pytest.mark.parametrize("block", [1, 3, 4, 5, 12, 16, 17, 64])
@pytest.mark.parametrize("error", [True, False])
def test_blocks_change_no_digit(monkeypatch, block, error):
    def f(x):
        return np.stack([x[0] ** 3, x[0] * x[1], x[2] * x[3] ** 2, x[1] ** 4, x[3] + x[2]])

    x = [1.0, 2.0, 3.0, 0.5]
    whole = Central().coefficient(point_lines(f, x), 1, error=error)
    monkeypatch.setattr(_weighing, "BLOCK", block)
    parts = Central().coefficient(point_lines(f, x), 1, error=error)
    for name in ("value", "truncation", "noise", "step", "status"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    elementwise = Forward().coefficient(lines_of(seventh, np.linspace(1, 2, 37)), 2, error=error)
    monkeypatch.undo()
    whole = Forward().coefficient(lines_of(seventh, np.linspace(1, 2, 37)), 2, error=error)
    np.testing.assert_array_equal(elementwise.value, whole.value)
    np.testing.assert_array_equal(elementwise.noise, whole.noise)


@pytest.mark.parametrize("error", [True, False])
@pytest.mark.parametrize("bounds", [None, (3.0, 4.0)])
@pytest.mark.parametrize("block", [1, 16384])
@pytest.mark.parametrize("n", [1, 2])
def test_long_doubles_stay_long_doubles(monkeypatch, n, block, bounds, error):
    monkeypatch.setattr(_weighing, "BLOCK", block)
    c = Central().coefficient(lines_of(lambda x: x * x, np.longdouble(3), bounds), n, error=error)
    assert c.value.dtype == c.noise.dtype == np.longdouble
    assert c.truncation.dtype == (np.longdouble if error else float)


# Plans and recipes.


def test_plans():
    assert plan(1, 2, 0) is plan(1, 2, 0)
    assert (plan(2, 3, 1).n, plan(2, 3, 1).order, plan(2, 3, 1).side) == (2, 3, 1)
    assert plan(2, 3, 1).reach == 4
    assert [int(g) for g in plan(2, 3, -1).formula.offsets] == [-4, -3, -2, -1, 0]
    assert [int(g) for g in plan(3, 2, 0).formula.offsets] == [-2, -1, 0, 1, 2]


def test_recipes():
    recipe = plan(1, 2, 0).judged
    assert recipe.n == 1
    np.testing.assert_array_equal(recipe.grid, [-2.0, -1.0, 1.0, 2.0])
    assert recipe.weights == ((0.0, -0.5, 0.5, 0.0), (1 / 12, -2 / 3, 2 / 3, -1 / 12))
    assert recipe.middle is None
    np.testing.assert_array_equal(recipe.moves, [[-2.0], [-1.0], [1.0], [2.0]])
    assert (recipe.condition, recipe.lowest, recipe.highest) == (1.0, -2.0, 2.0)
    recipe = plan(1, 1, 1).plain
    np.testing.assert_array_equal(recipe.grid, [0.0, 1.0])
    assert recipe.middle == 0
    assert recipe.weights == ((-1.0, 1.0),)
    # Bounds are held against the better formula even where it is not wanted.
    assert (recipe.condition, recipe.lowest, recipe.highest) == (2.0, 0.0, 2.0)
    recipe = plan(1, 2, 0).window(0, -1, error=True)
    np.testing.assert_array_equal(recipe.grid, [-1.0, 0.0, 1.0, 2.0])
    np.testing.assert_array_equal(recipe.moves, [[-1.0], [1.0], [2.0]])
    assert recipe.middle == 1
    assert recipe.weights == ((0.0, -1.5, 2.0, -0.5), (-1 / 3, -0.5, 1.0, -1 / 6))
    assert (recipe.condition, recipe.lowest, recipe.highest) == (4.0, -1.0, 2.0)


@pytest.mark.parametrize(
    ("order", "even", "error", "message"),
    [
        (1.0, False, TypeError, "`order` must be an integer, got 1.0"),
        (True, False, TypeError, "`order` must be an integer, got True"),
        ("2", True, TypeError, "`order` must be an integer, got '2'"),
        (0, False, ValueError, "`order` must be a positive integer, got 0"),
        (-1, False, ValueError, "`order` must be a positive integer, got -1"),
        (1, True, ValueError, "`order` must be a positive even integer, got 1"),
        (0, True, ValueError, "`order` must be a positive even integer, got 0"),
    ],
)
def test_orders_that_no_formula_has(order, even, error, message):
    with pytest.raises(error) as caught:
        check_order(order, even=even)
    assert str(caught.value) == message


def test_orders_that_formulas_have():
    for order in (1, 2, 3, np.int64(5)):
        check_order(order)
    for order in (2, 4, np.int64(6)):
        check_order(order, even=True)


# What is common to all schemes.


def test_the_coefficient_of_order_zero():
    f = lambda x: np.where(x > 2, np.nan, np.where(x > 1.5, -np.inf, -3 * x))
    lines = lines_of(f, [1.0, 0.0, 1.75, 3.0])
    c = origin_coefficient(lines)
    np.testing.assert_array_equal(c.value[:, 0], [-3.0, 0.0, -np.inf, np.nan])
    assert c.truncation.tolist() == [[0.0]] * 4
    # f is known to half a unit in the last place.
    np.testing.assert_array_equal(c.noise[:, 0], [1.5 * EPS, 0.0, np.nan, np.nan])
    assert c.step.tolist() == [0.0] * 4
    assert c.status[:, 0].tolist() == [Status.OK, Status.OK, Status.NON_FINITE, Status.NON_FINITE]
    assert c.status.dtype == np.int8


def test_expansions():
    asked = []

    class Known(Scheme):
        def coefficient(self, lines, n, *, error=True):
            asked.append((lines, n, error))
            return Coefficient(*(np.full((1, 1), float(n)),) * 5)

    lines = lines_of(lambda x: 5 * x, 1.0)
    series = Known().expand(lines, 3)
    assert [float(c.value[0, 0]) for c in series] == [5.0, 1.0, 2.0, 3.0]
    assert asked == [(lines, 1, True), (lines, 2, True), (lines, 3, True)]
    asked.clear()
    Known().expand(lines, 1, error=False)
    assert asked == [(lines, 1, False)]


def test_schemes_want_the_error_unless_told():
    for scheme in (Central(step=0.25), Forward(step=0.25), Backward(step=0.25)):
        lines = lines_of(seventh, 1.0)
        assert np.isfinite(scheme.coefficient(lines, 1).truncation).all()
        assert np.isnan(scheme.coefficient(lines, 1, error=False).truncation).all()


def test_unknown_schemes():
    with pytest.raises(ValueError) as caught:
        as_scheme("middle")
    assert str(caught.value) == (
        "`scheme` must be one of adaptive, backward, cauchy, central, complex, forward, richardson, "
        "got 'middle'"
    )
    with pytest.raises(TypeError) as caught:
        as_scheme(2)
    assert str(caught.value) == "`scheme` must be a name or a scheme such as Central(order=4), got 2"
    for name in cm.schemes.names():
        assert as_scheme(name) is as_scheme(name)
        assert as_scheme(as_scheme(name)) is as_scheme(name)


def test_a_rule_and_a_plan_are_all_a_difference_needs():
    c = difference(lines_of(lambda x: x * x, 2.0), _recipe.plan(1, 2, 0), Fixed(0.25), error=True)
    assert (c.value[0, 0], c.step[0]) == (4.0, 0.25)
    # Values up to 6 with weights up to 8/12 over h = 1/4, three times.
    assert c.truncation[0, 0] < 64 * EPS


# What is evaluated and weighed, and what is not.


def test_distances_are_the_moves_in_steps():
    h = np.array([0.5, 0.25])
    for order, side, moves in ((1, 1, [1]), (1, -1, [-1]), (2, 1, [1, 2]), (2, 0, [-1, 1])):
        recipe = plan(1, order, side).plain
        assert recipe.single == (moves == [1])
        np.testing.assert_array_equal(recipe.distances(h), [[m * 0.5, m * 0.25] for m in moves])


def noise_of(step, weighed, careful=True, axis=False):
    v = np.eye(2)[:1] if axis else np.array([[1.0, 0.5]])
    function = Function(lambda x: np.array([x @ x, x[0]]), flatten(np.ones(2))[1])
    lines = PointLines(function, np.array([1.0, 2.0]), Directions.dense(v))
    lines.weighed, lines.careful = weighed, careful
    return Central(step=step).coefficient(lines, 1, error=False).noise


@pytest.mark.parametrize("careful", [True, False])
def test_noise_that_nobody_weighs_is_not_looked_for(careful):
    # The optimal step for the length 2 of x along the line is 2 * 8.7e-6.
    assert np.isnan(noise_of(None, weighed=False, careful=careful)).all()
    assert np.isfinite(noise_of(None, weighed=True, careful=careful)).all()
    # A thousandth of it, 1.7e-8, is the shortest that leaves no more noise than is excused.
    assert np.isnan(noise_of(2e-8, weighed=False, careful=careful)).all()
    assert np.isfinite(noise_of(1e-8, weighed=False, careful=careful)).all()


def test_parts_of_points_know_whether_noise_is_weighed():
    for weighed in (True, False):
        lines = lines_of(np.sin, np.linspace(1, 2, 5))
        lines.weighed = weighed
        assert lines.part(slice(0, 2)).weighed == weighed
