"""Points, Taylor terms and series of a fan against their closed formulas; and what is made of the results."""

import math
from fractions import Fraction

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import Directions, ElementwiseLines, PointLines
from calcml._status import Status
from calcml.schemes._adaptive_fan import LARGEST, NOTHING, Side, Symmetric, blocks, over_outputs, scale_of
from calcml.schemes._adaptive_found import Found
from calcml.schemes._adaptive_tableau import Best
from calcml.schemes.adaptive import _sides

INF, NAN = math.inf, math.nan
EVERY = slice(None)
OK, POOR, BAD = int(Status.OK), int(Status.INACCURATE), int(Status.NON_FINITE)


def lines_of(f, x, bounds=None):
    if bounds is not None:
        bounds = tuple(np.broadcast_to(b, np.shape(x)).astype(float) for b in bounds)
    return ElementwiseLines(Function(f, None), np.asarray(x, dtype=float), bounds)


def cubic(c):
    return lambda t: c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * c[4])))


C = [3.0, -5.0, 7.0, 11.0, -2.0]


# Points and terms. ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("h", [0.25, 2.0])
@pytest.mark.parametrize("c", [C, [1.0, 9.0, 0.25, 0.5, 6.0], [-2.0, 0.125, 3.0, -8.0, 0.25]])
def test_terms_on_both_sides(h, c):
    fan = Symmetric(lines_of(cubic(c), [0.0]), np.arange(1))
    values = fan.evaluate(np.array(fan.trial), np.array([h]), EVERY)
    terms = fan.terms(values, EVERY)
    assert terms.slope[0, 0] == pytest.approx(abs(c[1] * h))
    assert terms.head[0, 0] == pytest.approx(max(abs(c[1] * h), abs(c[2] * h**2)))
    assert terms.tail[0, 0] == pytest.approx(max(abs(c[3] * h**3), abs(c[4] * h**4)))
    assert terms.size[0, 0] == max(abs(cubic(c)(t)) for t in (-2 * h, -h, 0, h, 2 * h))


def test_distances_beyond_the_largest_number_warn_nobody():
    fan = Symmetric(lines_of(np.sin, [1e308]), np.arange(1))
    with np.errstate(all="raise"):
        t = fan.distances(np.array([1.0, 2.0]), np.array([1e308]), EVERY)
    # From 1e308 down to -1e308 there is room for both.
    assert t[1, 0, 0] == np.inf and -1e308 >= t[0, 1, 0] > -1.01e308


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("c", [C, [50.0, 9.0, 0.25, 0.5, 0.0], [-2.0, 0.125, 3.0, -8.0, 0.0]])
def test_terms_on_one_side(sign, c):
    c, h = [*c[:4], 0.0], 0.5
    fan = Side(lines_of(cubic(c), [0.0]), np.arange(1), np.array([sign]))
    terms = fan.terms(fan.evaluate(np.array(fan.trial), np.array([h]), EVERY), EVERY)
    assert terms.slope[0, 0] == pytest.approx(abs(c[1] * h))
    assert terms.head[0, 0] == pytest.approx(max(abs(c[1] * h), abs(c[2] * h**2)))
    assert terms.tail[0, 0] == pytest.approx(abs(c[3] * h**3))
    assert terms.size[0, 0] == max(abs(cubic(c)(sign * t * h)) for t in (0, 0.5, 1, 2))


def test_noise_of_terms_is_that_of_the_worst_signs():
    # Weights of the values in the tail, summed in rationals: by differences of one value at a time.
    for fan, count, bound in (
        (Symmetric(lines_of(np.sin, [0.0]), np.arange(1)), 2, 1.0),
        (Side(lines_of(np.sin, [0.0]), np.arange(1), np.ones(1)), 1, 10.0),
    ):
        total = 0.0
        for k, i in np.ndindex(len(fan.trial), count):
            values = np.zeros((len(fan.trial), count, 1, 1))
            values[k, i] = 1.0
            total += fan.terms(values, EVERY).tail[0, 0]
        assert fan.tail_noise == bound
        assert total <= bound + 1e-12
    # On one side: 2/3 · 1/2 + 2 · 1 + 8/3 · 1/2 of the three values, and as much of f(0) with other signs.
    weights = [Fraction(1, 2) * Fraction(2, 3), Fraction(2), Fraction(8, 3)]
    assert total == pytest.approx(float(sum(weights)))


def test_units_of_the_fans():
    lines = lines_of(np.exp, [1.0, 2.0], ([0.5, -2.0], [4.0, 3.0]))
    both, up = Symmetric(lines, np.array([1])), Side(lines, np.array([0, 1]), np.array([1.0, -1.0]))
    assert (both.trial, up.trial, both.q_unit, up.q_unit) == ((2.0, 1.0), (2.0, 1.0, 0.5), 1.0, 0.25)
    np.testing.assert_array_equal(both.signs, [[1], [-1]])
    np.testing.assert_array_equal(both.room, [1])  # 2 has 4 below it and 1 above
    np.testing.assert_array_equal(up.room, [3, 4])
    np.testing.assert_array_equal(Symmetric(lines, np.arange(2)).room, [0.5, 1])
    np.testing.assert_array_equal(both.size, [2])
    np.testing.assert_array_equal(both.origin, [[np.exp(2.0)]])
    assert both.eps == 2.0**-52 and both.usable.all() and both.magnitude[0, 0] == np.exp(2.0)
    kinds = [Symmetric.series_of(n) for n in range(1, 5)]
    assert kinds == [("odd", 0), ("even", 0), ("odd", 1), ("even", 1)]
    assert [up.series_of(n) for n in (1, 2, 3)] == [("side", 0), ("side", 1), ("side", 2)]


def test_part_of_a_fan():
    lines = lines_of(np.exp, [1.0, 2.0, 3.0, 4.0])
    both = Symmetric(lines, np.array([1, 2, 3])).part(np.array([2, 0]))
    one = Side(lines, np.array([1, 2, 3]), np.array([1.0, -1.0, -1.0])).part(np.array([2, 0]))
    for part, kind in ((both, Symmetric), (one, Side)):
        assert type(part) is kind and part.lines is lines
        np.testing.assert_array_equal(part.index, [3, 1])
        np.testing.assert_array_equal(part.origin[:, 0], np.exp([4.0, 2.0]))
    np.testing.assert_array_equal(one.signs, [[-1, 1]])


def test_series_take_the_points_as_they_are():
    # Where points must be rounded the sides differ; slope and bend of a parabola are exact all the same.
    fan = Symmetric(lines_of(lambda t: 5 * t + 3 * t**2, [0.0]), np.arange(1))
    h, nodes = np.array([0.5]), np.array([2.0, 1.5, 1.0])
    t = np.array([[1.0, -0.75], [0.75, -0.875], [0.5, -0.5]])[:, :, None]
    fan.distances = lambda nodes, step, rows: t
    values = (5 * t + 3 * t**2)[..., None]
    for odd in (True, False):
        wanted, other = fan.series(values, nodes, h, EVERY, odd)
        slope, bend = (wanted, other) if odd else (other, wanted)
        np.testing.assert_allclose(slope[:, 0, 0], 5 * h[0], rtol=1e-14)
        np.testing.assert_allclose(bend[:, 0, 0], 3 * h[0] ** 2, rtol=1e-14)


def test_series_on_one_side():
    fan = Side(lines_of(cubic(C), [0.0, 0.0]), np.array([0, 1]), np.array([1.0, -1.0]))
    nodes, h = np.array([2.0, 1.0]), np.array([0.5, 0.25])
    values = fan.evaluate(nodes, h, EVERY)
    wanted, other = fan.series(values, nodes, h, EVERY, True)
    assert other is wanted
    u = np.array([1.0, -1.0]) * h * nodes[:, None]
    exact = (cubic(C)(u) - C[0]) / nodes[:, None]
    np.testing.assert_allclose(wanted[..., 0], exact)


def test_scale_of_x():
    points = np.array([[1.0], [0.0], [2.0**-1000], [np.nextafter(2.0**-1000, 1)], [1e300]])
    lines = lines_of(np.sin, points.ravel())
    np.testing.assert_array_equal(scale_of(lines), [1, 0, 0, np.nextafter(2.0**-1000, 1), 1e300])
    assert (NOTHING, LARGEST) == (2.0**-1000, 2.0**1016)
    # |x| along a direction as short as the numbers allow is beyond them.
    short = Directions(np.array([0, 1]), np.array([0]), np.array([1e-300]), 1)
    lines = PointLines(Function(np.sin, None), np.array([1e100]), short)
    with np.errstate(over="ignore"):
        assert scale_of(lines)[0] == 2.0**1016


def test_blocks():
    assert blocks(2050, 1) == [slice(0, 1024), slice(1024, 2048), slice(2048, 3072)]
    assert blocks(3, 1000) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert blocks(3, 5000) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert blocks(0, 0) == [slice(0, 1024)] and blocks(512, 2) == [slice(0, 512)]


def test_over_outputs():
    values = np.array([[[1.0, 5.0], [7.0, 2.0]]])
    np.testing.assert_array_equal(over_outputs(np.maximum, values), [[5, 7]])
    np.testing.assert_array_equal(over_outputs(np.minimum, values[..., :1]), [[1, 7]])
    assert np.shares_memory(over_outputs(np.maximum, values[..., :1]), values)


def test_a_bound_nearer_than_a_thousandth_leaves_one_side():
    above, below = [2 - 1e-3 / 2, 2 - 3e-3, 1.0, -9.0, 2.0], [9.0, 9.0, 2 + 1e-3, 1 + 2e-3, 2.0]
    lines = lines_of(np.exp, [2.0, 2.0, 2.0, 1.0, 2.0], (above, below))
    side, alive = _sides(lines)
    np.testing.assert_array_equal(side, [1, 0, -1, 0, 0])
    np.testing.assert_array_equal(alive, [True, True, True, True, False])
    # At 0 the scale is 1, and never more than the room.
    side, _ = _sides(lines_of(np.exp, [0.0, 0.0, 0.0], ([-1e-4, -1e-4, -2e-3], [1.0, 0.05, 1.0])))
    np.testing.assert_array_equal(side, [1, 0, 0])
    # A thousandth of 1 at 0, and of x elsewhere.
    side, _ = _sides(lines_of(np.exp, [0.0, 0.25], ([-1.5e-3, 0.25 - 5e-4], [9.0, 9.0])))
    np.testing.assert_array_equal(side, [0, 0])
    side, _ = _sides(
        lines_of(np.exp, [2.0, 2.0], (2 - np.array([2.0**-10, 2.0**-20]), [2 + 2.0**-20, 2 + 2.0**-10]))
    )
    np.testing.assert_array_equal(side, [-1, 1])
    side, alive = _sides(lines_of(lambda x: np.where(x > 1, np.nan, x), [1.0, 2.0]))
    np.testing.assert_array_equal(side, [0, 0])
    np.testing.assert_array_equal(alive, [True, False])


# Results. ---------------------------------------------------------------------------------------------------

NAMES = ("value", "truncation", "noise", "rounding", "sigma", "span", "far", "slope", "slack")


def found_of(value, truncation, noise=None, step=None, span=None, far=None):
    parts = [np.asarray(part, dtype=float) for part in (value, truncation)]
    zero = np.zeros(parts[0].shape)
    parts.append(zero if noise is None else np.asarray(noise, dtype=float))
    span = np.abs(parts[0]) if span is None else np.asarray(span, dtype=float)
    far = zero if far is None else np.asarray(far, dtype=float)
    step = np.ones(len(zero)) if step is None else np.asarray(step)
    return Found(*parts, zero + 1.0, zero + 2.0, span, far, zero + 3.0, zero + 4.0, step)


def test_results_in_the_units_of_t():
    part = np.array([[2.0, 3.0]])
    best = Best(part, 2 * part, 4 * part, 5 * part, 6 * part, part, part > 0)
    for n, sign, scale in ((1, 1, 4.0), (2, -1, 16.0), (3, -1, -64.0)):
        found = Found.of(best, np.array([0.25]), np.array([float(sign)]), n)
        np.testing.assert_array_equal(found.value, scale * part)
        np.testing.assert_array_equal(found.truncation, abs(scale) * 2 * part)
        np.testing.assert_array_equal(found.noise, abs(scale) * 4 * part)
        np.testing.assert_array_equal(found.rounding, 5 * part)
        np.testing.assert_array_equal(found.sigma, 6 * part)
        np.testing.assert_array_equal(found.span, abs(scale) * part)
        for name in ("far", "slope", "slack"):
            np.testing.assert_array_equal(getattr(found, name), 0 * part)
        found.far[:] = 1.0
        assert not found.slope.any() and not found.slack.any()
        np.testing.assert_array_equal(found.error, abs(scale) * 6 * part)
    empty = Found.empty(np.zeros((2, 3), dtype=np.float32))
    assert all(np.isnan(getattr(empty, name)).all() for name in NAMES) and (empty.step == 0).all()
    assert all(getattr(empty, name).dtype == np.float32 for name in NAMES) and empty.step.shape == (2,)


def test_unsure_from_a_hundredth_of_the_value():
    error = [1.0, np.nextafter(1, 2), NAN, INF, 1.0]
    found = found_of([[100.0], [100.0], [100.0], [INF], [-100.0]], [[e] for e in error])
    np.testing.assert_array_equal(found.unsure[:, 0], [False, True, True, True, False])


def test_enter_only_what_agrees_and_is_better():
    # Checked: agrees and better; worse; better by nothing; apart by the sum of errors, and by more.
    before = found_of([[10.0, 10.0]] * 6, [[1.0, 1.0]] * 6, step=np.arange(6.0))
    value = [[10.5, 10.5], [10.5, 10.5], [10.0, 10.0], [11.5, 11.6], [99.0, 99.0], [10.5, 99.0]]
    error = [[0.5, 2.0], [2.0, 2.0], [1.0, 1.0], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]
    other = found_of(value, error, step=10 + np.arange(6.0))
    check = np.array([True, True, True, True, True, False])
    found = before.take(np.arange(6))
    np.testing.assert_array_equal(
        found.enter(np.arange(6), other, check), [True, False, False, True, False, True]
    )
    np.testing.assert_array_equal(
        found.value, [[10.5, 10], [10, 10], [10, 10], [11.5, 10], [10, 10], [10.5, 99]]
    )
    np.testing.assert_array_equal(found.step, [10, 1, 2, 13, 4, 15])
    np.testing.assert_array_equal(found.span[:, 0], found.value[:, 0])
    rows = np.array([5, 0])
    again = found.enter(rows, other.take(rows), np.array([False, False]))
    np.testing.assert_array_equal(again, [True, True])
    np.testing.assert_array_equal(found.value[rows], [[10.5, 99], [10.5, 10.5]])


def test_status():
    # 1 of 100, of the value or of the span over the length; that is eight steps, or |x| / 10.
    x = np.array([1.0, 1.0, 1.0, 1000.0, 1000.0, 0.0, 0.25, 1.0, 1.0, 1.0])
    step = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 2.0**-9, 2.0**-9, 1.0, 1.0, 1.0])
    span = np.array([800.0, 800.0, 1e9, 1e4, 1e4, 10.0, 2.5, 1.0, INF, 1.0])
    error = np.array([1.0, 1.001, 1.0, 0.999, 1.001, 0.999, 0.999, 0.02, INF, 0.0])
    value = np.array([0.0, 0.0, 100.0, 0.0, 0.0, 0.0, 0.0, NAN, 0.0, 1.0])
    found = found_of(value[:, None], error[:, None], step=step, span=span[:, None])
    codes = found.status(1, lines_of(np.sin, x))
    assert codes.dtype == np.int8
    np.testing.assert_array_equal(codes[:, 0], [OK, POOR, OK, OK, POOR, OK, OK, BAD, POOR, OK])
    found = found_of(np.zeros((2, 1)), [[0.999 / 64], [1.001 / 64]], span=[[100.0], [100.0]])
    np.testing.assert_array_equal(found.status(2, lines_of(np.sin, [1.0, 1.0]))[:, 0], [OK, POOR])


def test_what_zero_is_a_longer_step_tells():
    # Zero within its error: then the change over a longer step counts too, if it is known and more.
    value, error = [1.0, np.nextafter(1, 2), -1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]
    far, span = [100.0, 100.0, 100.0, 99.9, NAN], [0.0, 0.0, 0.0, 0.0, 800.0]
    parts = [np.array(part)[:, None] for part in (value, error, span, far)]
    found = found_of(parts[0], parts[1], span=parts[2], far=parts[3])
    np.testing.assert_array_equal(found.poor(1, np.ones(5))[:, 0], [False, True, False, True, False])
    # 0.1 is the length where x is 0, and a tenth of |x| where it is not.
    near = found_of(np.zeros((3, 1)), [[0.99], [0.99], [0.99]], step=np.zeros(3), span=np.full((3, 1), 10.0))
    np.testing.assert_array_equal(near.poor(1, np.array([0.0, 0.5, 1.02]))[:, 0], [False, False, True])
