"""Nodes with digits of their own, and what becomes of values and lines that do not stand on them."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines, PointLines, axes
from calcml.schemes import _adaptive_extrapolation, adaptive
from calcml.schemes._adaptive_extrapolation import Extrapolation
from calcml.schemes._adaptive_fan import Side, Symmetric
from calcml.schemes._adaptive_nodes import at_nodes, move_to_nodes, nodes
from calcml.schemes._adaptive_search import Search
from calcml.schemes._adaptive_steps import Steps

INF, NAN, EPS = math.inf, math.nan, 2.0**-52
EVERY = slice(None)
# How far, next to 1, a node is from where it would divide its octave evenly.
BETWEEN = 2.0**-5 / math.pi
# What is off by no more than this share of the first gap stays where it is.
EXACT = 2.0**-46
FIELDS = ("value", "truncation", "noise", "rounding", "sigma", "slope", "slack", "step")


# Nodes. -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octave", "evenly"),
    [
        (2, [2.0, 1.5, 1.0, 0.75, 0.5, 0.375, 0.25, 0.1875]),
        (4, [2.0, 1.75, 1.5, 1.25, 1.0, 0.875, 0.75, 0.625, 0.5, 0.4375]),
    ],
)
def test_nodes(octave, evenly):
    own = []
    for node in evenly:
        mantissa, power = math.frexp(node)
        # Nothing between two powers of two divides anything evenly, and all are aside by one share.
        own.append(node if mantissa == 0.5 else 2.0**power * (mantissa + BETWEEN))
    assert 1 / 200 < BETWEEN < 1 / 64 and sorted(own, reverse=True) == own
    for count in range(1, len(evenly) + 1):
        assert nodes(count, octave, even=True) == tuple(evenly[:count])
        assert nodes(count, octave) == nodes(count, octave, even=False) == tuple(own[:count])


def test_nodes_have_all_their_digits():
    for octave, count in ((2, 15), (4, 17)):
        between = [node for node in nodes(count, octave) if math.frexp(node)[0] != 0.5]
        assert len(between) == count - 1 - (count - 1) // octave
        # Not even the last twelve of their 53 bits are zeros: each product with one is rounded.
        assert all(int(math.frexp(node)[0] * 2**53) % 2**12 for node in between)


# Values are moved to them. ----------------------------------------------------------------------------------


def table_of(count, octave, rng, lines=3, size=2.0**-30):
    """Nodes squared, and distances that are off by shares of their distance to the next larger one."""
    wanted = np.array(nodes(count, octave))[:, None, None] ** 2
    shares = size * rng.uniform(-1, 1, (count, lines, 1))
    shares[0] = 0
    actual = wanted.copy() * np.ones((1, lines, 1))
    actual[1:] -= shares[1:] * (wanted[:-1] - wanted[1:])
    return wanted, actual


@pytest.mark.parametrize(("count", "octave"), [(2, 2), (3, 2), (7, 2), (15, 2), (9, 4), (17, 4)])
def test_a_straight_line_is_moved_exactly(count, octave):
    wanted, actual = table_of(count, octave, np.random.default_rng(count))
    intercept, slope = np.array([3.0, -0.25]), np.array([-2.0, 0.75])
    series, exact = intercept + slope * actual, intercept + slope * wanted
    # What the distances are off by is a million times rounding.
    assert np.abs(series - exact).max() > 2.0**20 * EPS
    assert move_to_nodes(series, wanted, actual) is None
    np.testing.assert_allclose(series, np.broadcast_to(exact, series.shape), rtol=0, atol=8 * EPS)


@pytest.mark.parametrize(("count", "octave"), [(3, 2), (7, 2), (15, 2), (9, 4)])
def test_a_parabola_is_moved_exactly_but_for_the_last_value(count, octave):
    wanted, actual = table_of(count, octave, np.random.default_rng(count))
    intercept, slope, bend = np.array([3.0, -0.25]), np.array([-2.0, 0.75]), np.array([0.5, -1.5])

    def parabola(s):
        return intercept + s * (slope + s * bend)

    series, exact = parabola(actual), parabola(wanted)
    move_to_nodes(series, wanted, actual)
    np.testing.assert_allclose(series[:-1], np.broadcast_to(exact, series.shape)[:-1], rtol=0, atol=64 * EPS)
    # The last one has one neighbor: the slope is that between the two.
    last = parabola(actual[-1]) + (exact[-2] - exact[-1]) / (wanted[-2] - wanted[-1]) * (wanted - actual)[-1]
    assert np.abs(last - exact[-1]).max() > 2.0**7 * EPS * (wanted[-2] - wanted[-1]).item() ** 2
    np.testing.assert_allclose(series[-1], last, rtol=0, atol=8 * EPS)


def test_the_change_is_that_of_the_parabola():
    rng = np.random.default_rng(5)
    wanted, actual = table_of(6, 2, rng, lines=1, size=2.0**-8)
    series = rng.normal(size=(6, 1, 1))
    s, y, off = (part.ravel() for part in (wanted, series.copy(), wanted - actual))
    move_to_nodes(series, wanted, actual)
    for k in range(1, 6):
        few = slice(k - 1, k + 2)
        degree = 2 if k < 5 else 1
        slope = np.polynomial.Polynomial.fit(s[few], y[few], degree).deriv()(s[k])
        assert series[k, 0, 0] == pytest.approx(y[k] + slope * off[k], rel=1e-12)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("place", [1, 2, 3])
def test_what_is_hardly_off_stays(side, place):
    # Of the first gap, which is 1/2 here, whatever the node; the smallest one has the most digits left.
    wanted, least, unit = np.array([1.0, 0.5, 0.25, 2.0**-20]), EXACT / 2, 2.0 ** -(53 + 19 * (place == 3))
    for off, moves in ((least - unit, False), (least, False), (least + unit, True)):
        actual = wanted.copy()
        actual[place] -= side * off
        assert wanted[place] - actual[place] == side * off
        series = np.array([2.0**40, 2.0**30, -(2.0**35), 2.0**38])
        before = series.copy()
        move_to_nodes(series[:, None, None], wanted[:, None, None], actual[:, None, None])
        changed = series != before
        assert changed.tolist() == [moves and k == place for k in range(4)]
        given = [before.tolist(), before[::-1].tolist()]
        moved = at_nodes(given, wanted.tolist(), actual.tolist())
        assert (moved is given) is not moves and moved[0] == series.tolist()


def test_what_is_hardly_off_stays_beside_what_is_not():
    wanted, actual = np.array([4.0, 2.0, 1.0, 0.5]), np.array([4.0, 2.0 - 2.0**-20, 1.0 - 2 * EXACT, 0.5])
    series = np.array([[2.0**40, 1.0], [2.0**30, 2.0], [-(2.0**35), 4.0], [2.0**38, -8.0]])
    before = series.copy()
    # On another line nothing is off at all.
    lines = np.stack([actual, wanted], axis=1)[:, :, None]
    move_to_nodes(series[:, :, None], wanted[:, None, None], lines)
    assert (series != before).tolist() == [[False, False], [True, False], [False, False], [False, False]]
    moved = at_nodes([before[:, 0].tolist()], wanted.tolist(), actual.tolist())
    assert moved == [series[:, 0].tolist()]


def test_the_first_node_is_never_moved():
    wanted = np.array([4.0, 2.0, 1.0])
    for others in ([2.0, 1.0], [2.0 + 2.0**-20, 1.0 - 2.0**-20]):
        actual = np.array([4.5, *others])
        series = np.array([8.0, -16.0, 5.0])
        first = at_nodes([series.tolist()], wanted.tolist(), actual.tolist())[0]
        move_to_nodes(series[:, None, None], wanted[:, None, None], actual[:, None, None])
        assert series[0] == first[0] == 8 and first == series.tolist()
        assert (series[1:] != [-16, 5]).all() == (others != [2.0, 1.0])


@pytest.mark.parametrize("bad", [INF, -INF, NAN])
@pytest.mark.parametrize("place", [0, 1, 3, 5, 6])
def test_values_that_are_not_finite_spoil_only_their_own_windows(bad, place):
    rng = np.random.default_rng(place)
    wanted, actual = table_of(7, 2, rng, lines=2)
    series = rng.normal(size=(7, 2, 2))
    before, good = series.copy(), series.copy()
    series[place, 0, 1] = bad
    with np.errstate(all="ignore"):
        move_to_nodes(series, wanted, actual)
        move_to_nodes(good, wanted, actual)
    assert np.isfinite(np.delete(series[:, 0, 1], place)).all()
    np.testing.assert_array_equal(series[place, 0, 1], bad)
    # Its neighbors are not moved; all others are, as if nothing had happened.
    beside = [k for k in (place - 1, place + 1) if 0 <= k < 7]
    np.testing.assert_array_equal(series[beside, 0, 1], before[beside, 0, 1])
    far = [k for k in range(7) if abs(k - place) > 1]
    np.testing.assert_array_equal(series[far, 0, 1], good[far, 0, 1])
    np.testing.assert_array_equal(series[:, :, 0], good[:, :, 0])
    np.testing.assert_array_equal(series[:, 1], good[:, 1])
    assert (good[1:] != before[1:]).all()


def test_changes_out_of_range_are_left_out():
    wanted, actual = np.array([4.0, 2.0, 1.0]), np.array([4.0, 2.0 - 2.0**-20, 1.0 - 2.0**-20])
    series = np.array([1.5e308, -1.5e308, -1.25e308])
    with np.errstate(all="ignore"):
        move_to_nodes(series[:, None, None], wanted[:, None, None], actual[:, None, None])
    assert series[:2].tolist() == [1.5e308, -1.5e308]
    assert series[2] == pytest.approx(-1.25e308 * (1 + 0.2 * 2.0**-20), rel=1e-15)


@given(
    values=st.lists(
        st.tuples(*[st.floats(-1e140, 1e140)] * 2, st.floats(-1, 1), st.integers(20, 49)),
        min_size=2,
        max_size=13,
    ),
    octave=st.sampled_from([2, 4]),
    even=st.booleans(),
    squared=st.booleans(),
)
def test_number_by_number_it_is_the_same(values, octave, even, squared):
    wanted = [node * node if squared else node for node in nodes(len(values), octave, even=even)]
    actual = [w - w * share * 2.0**-power for w, (*_, share, power) in zip(wanted, values, strict=True)]
    given = [[row[k] for row in values] for k in range(2)]
    kept = [list(y) for y in given]
    moved = at_nodes(given, wanted, actual)
    least = EXACT * (wanted[0] - wanted[1])
    off = [abs(w - a) > least for w, a in zip(wanted[1:], actual[1:], strict=True)]
    # Nothing is copied where nothing moves, and nothing given is written to.
    assert (moved is given) is not any(off) and given == kept
    for y, expected in zip(given, moved, strict=True):
        series = np.array(y)
        move_to_nodes(*(part[:, None, None] for part in (series, np.array(wanted), np.array(actual))))
        assert series.tobytes() == np.array(expected).tobytes()


# The series of a fan. ---------------------------------------------------------------------------------------


def elementwise(f, x):
    lines = ElementwiseLines(Function(f, None), np.asarray(x, dtype=float))
    lines.origin()
    return lines


@pytest.mark.parametrize("odd", [True, False])
@pytest.mark.parametrize("even", [True, False])
def test_both_parts_of_f_at_the_nodes(odd, even):
    # Next to 3 and 5 and 1000 steps of 2⁻²⁴ have 27 bits or fewer: no distance but the first is exact.
    x, step = np.array([3.0, 1000.0, 5.0]), np.array([2.0**-24, 2.0**-20, 1.25 * 2.0**-22]) * (1 + 2.0**-12)
    fan, rows = Symmetric(elementwise(np.sin, x), np.arange(3)), np.array([2, 0, 1])
    g = np.array(nodes(7, 2, even=even))
    u = fan.distances(g, step[rows], rows) / step[rows]
    assert ((u != g[:, None, None] * [[[1], [-1]]]).any(axis=(1, 2)) == (not even) * (g % 0.25 > 0)).all()
    # f = f0 + 3 u - 2 u² + 2 u³ + u⁴, of which u² makes straight lines.
    f0 = fan.origin[rows]
    values = f0 + (u * (3 + u * (-2 + u * (2 + u))))[..., None]
    series, companion = fan.series(values, g, step[rows], rows, odd)
    s = (g * g)[:, None, None] * np.ones((1, 3, 1))
    slope, bend = 3 + 2 * s, -2 + s
    expected = (slope, bend) if odd else (bend, slope)
    # Rounding of f by half a unit at most, over u² at least.
    for part, line in zip((series, companion), expected, strict=True):
        np.testing.assert_allclose(part, line, rtol=0, atol=1e-13)
    if not even:
        assert np.abs((u[:, 0] ** 2)[..., None] - s).max() > 1e-9


@pytest.mark.parametrize("odd", [True, False])
def test_nodes_are_halfway_between_the_sides(odd):
    # Below a power of two numbers are twice as dense: distances behind it are others.
    fan = Symmetric(elementwise(np.sin, [1024.0]), np.arange(1))
    step, g = np.array([2.0**-20 * (1 + 2.0**-12)]), np.array(nodes(7, 2))
    u = fan.distances(g, step, EVERY) / step
    assert not u.sum(axis=1)[g % 0.25 == 0].any()
    fan.origin = np.zeros((1, 1))
    values = (u * (3 + 2 * u * u) if odd else u * u * (3 + 2 * u * u))[..., None]
    series, _ = fan.series(values, g, step, EVERY, odd)
    np.testing.assert_allclose(series[:, 0, 0], 3 + 2 * g * g, rtol=0, atol=1e-13)
    assert np.abs(u[:, 0, 0] ** 2 - (u[:, 0, 0] - u[:, 1, 0]) ** 2 / 4).max() > 1e-9


@pytest.mark.parametrize("even", [True, False])
def test_one_side_of_f_at_the_nodes(even):
    x, sign = np.array([3.0, 1000.0, 5.0]), np.array([1.0, -1.0, -1.0])
    step, rows = np.array([2.0**-24, 2.0**-20, 1.25 * 2.0**-22]) * (1 + 2.0**-12), np.array([2, 0, 1])
    fan, g = Side(elementwise(np.sin, x), np.arange(3), sign), np.array(nodes(7, 2, even=even))
    u = (fan.distances(g, step[rows], rows) / step[rows])[:, 0]
    # The nearest side of zero is never crossed; of the distance, u itself makes a straight line.
    assert (u * sign[rows] > 0).all()
    values = (fan.origin[rows] + (np.abs(u) * (3 - 2 * np.abs(u)))[..., None])[:, None]
    series, companion = fan.series(values, g, step[rows], rows, True)
    assert companion is series
    np.testing.assert_allclose(series, np.broadcast_to((3 - 2 * g)[:, None, None], (7, 3, 1)), atol=1e-13)
    if not even:
        assert np.abs(np.abs(u) - g[:, None]).max() > 1e-9


# Lines on which f rounds x. ---------------------------------------------------------------------------------


def single(x):
    """The sine of x as float32, of which the digits are those of float64."""
    return np.sin(np.float32(x).astype(float))


def search_on(lines, n=1, index=None):
    with np.errstate(all="ignore"):
        return Search(Symmetric(lines, np.arange(lines.count) if index is None else index), n)


def coarse(lines, n=1):
    search = search_on(lines, n)
    flags = search.coarse(np.arange(lines.count))
    # Whether some or all are set is read off their bytes.
    assert flags.dtype == np.bool_
    return flags.tolist()


@pytest.mark.parametrize("usable", [0.7, 1.0])
@pytest.mark.parametrize(("nodes_", "sides"), [(2, 2), (3, 1)])
def test_values_that_repeat(usable, nodes_, sides):
    rng = np.random.default_rng(sides)
    count, outputs = 400, 2
    fan = Symmetric(elementwise(np.sin, np.ones(count)), np.arange(count))
    fan.origin, fan.usable = rng.integers(0, 2, (count, outputs)), rng.random((count, outputs)) < usable
    state = search_on(elementwise(np.sin, np.ones(count))).state
    state.fan, state.usable = fan, fan.usable
    values = rng.choice([0.0, 1.0, 1.0, NAN], (nodes_, sides, count, outputs))
    expected = []
    for i in range(count):
        repeats = []
        for j in range(outputs):
            # From x on outwards, on each side of it; the largest node comes first.
            same = 0
            for side in range(sides):
                way = [fan.origin[i, j], *(values[k, side, i, j] for k in reversed(range(nodes_)))]
                same += sum(a == b for a, b in pairwise(way))
            repeats.append(same >= 2 or not fan.usable[i, j])
        expected.append(all(repeats))
    assert state.repeats(values).tolist() == expected
    assert 0 < sum(expected) < count
    rows = rng.permutation(count)[:50]
    assert state.take(rows).fan is fan
    part = state.take(rows)
    part.usable = fan.usable[rows]
    assert part.repeats(values[:, :, rows]).tolist() == [expected[row] for row in rows]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_lines_on_which_f_rounds_x_are_coarse(n):
    x = 1 + np.random.default_rng(n).random(60)
    # At its top a sine is flat.
    x = x[np.abs(x - np.pi / 2) > 0.01]
    assert coarse(elementwise(single, x), n) == [True] * len(x)
    assert coarse(elementwise(np.sin, x), n) == [False] * len(x)
    mixed = elementwise(lambda x: np.where(x < 1.5, single(x), np.sin(x)), x)
    search, rows = search_on(mixed, n), np.arange(len(x))[::-2]
    assert search.coarse(rows).tolist() == (x[rows] < 1.5).tolist()
    assert {True, False} == set(search.coarse(rows).tolist())


def test_lines_stay_coarse_where_the_search_goes_on_below():
    x = np.linspace(1.01, 1.4, 20)
    search = search_on(elementwise(single, x))
    other = search_on(elementwise(np.sin, x))
    with np.errstate(all="ignore"):
        assert search.shorten(np.arange(0, 20, 3)).all() and other.shorten(np.arange(0, 20, 3)).all()
    assert search.coarse(np.arange(20)).all()
    assert not other.coarse(np.arange(20)).any()


def test_other_steps_than_the_first_say_nothing_of_that():
    search = search_on(elementwise(single, np.linspace(1.01, 1.4, 4)))
    s = search.state
    # Only the first and the third line are back at their first step; over longer ones no value repeats.
    s.step = np.where([True, False, True, False], s.first, 2.0**-8)
    s.idle = np.array([False, True, False, False])
    with np.errstate(all="ignore"):
        search._advance(s, 3)
    assert s.idle.tolist() == [True, True, True, False]


def of_outputs(*parts):
    """Lines through (1.2, 1.3) along the axes, and f of several outputs."""
    function = Function(lambda x: np.stack([part(*x) for part in parts]), None)
    lines = PointLines(function, np.array([1.2, 1.3]), axes(2))
    lines.origin()
    return lines


def test_outputs_that_do_not_depend_on_the_variable():
    # On the first line the second output stands still; on the second line all do, or are rounded.
    assert coarse(of_outputs(lambda x, y: np.sin(x), lambda x, y: np.float64(single(y)))) == [False, True]
    assert coarse(of_outputs(lambda x, y: np.sin(x), lambda x, y: np.sin(y))) == [False, False]
    rounded = [lambda x, y: np.float64(single(x)), lambda x, y: np.float64(single(y))]
    assert coarse(of_outputs(*rounded)) == [True, True]
    assert coarse(of_outputs(*rounded, lambda x, y: np.sin(x + y))) == [False, False]
    assert coarse(of_outputs(*rounded, lambda x, y: np.sin(x))) == [False, True]


@pytest.mark.parametrize("bad", [NAN, INF])
def test_outputs_that_are_not_finite_at_x_do_not_count(bad):
    for f, expected in ((lambda x, y: np.float64(single(x)), True), (lambda x, y: np.sin(x), False)):
        assert coarse(of_outputs(f, lambda x, y: bad))[0] is expected
        # Nor where they are finite, and move, all around.
        assert coarse(of_outputs(f, lambda x, y: bad if x == 1.2 else np.sin(x)))[0] is expected


def test_results_of_few_bits_make_all_lines_coarse():
    x = np.linspace(1.0, 1.4, 20)
    lines = elementwise(lambda x: np.sin(x).astype(np.float32), x)
    assert lines.function.dtype == np.float32 and coarse(lines) == [True] * 20
    assert coarse(elementwise(np.sin, x)) == [False] * 20
    search = search_on(lines)
    search.state.idle = np.zeros(20, dtype=bool)
    assert search.coarse(np.array([3, 1])).tolist() == [True, True]


def test_how_few_bits_are_few():
    fan = Symmetric(elementwise(np.sin, np.ones(3)), np.arange(3))
    for eps, many in ((2.0**-40, False), (math.nextafter(2.0**-40, 0), True), (2.0**-23, False), (EPS, True)):
        fan.eps = eps
        assert Steps(fan, 1).many_bits is many
        search = object.__new__(Search)
        search.fan, search.steps, search.state = fan, Steps(fan, 1), search_on(fan.lines).state
        search.state.step = np.full(3, 2.0)
        assert search.coarse(np.array([2, 0])).tolist() == [not many] * 2


def test_steps_without_digits_to_spare_make_lines_coarse():
    # 2²⁰ units in the last place of x.
    x = np.array([1.0, 8.0, 1.0, 8.0, 0.0])
    search = search_on(elementwise(np.exp, x))
    search.state.step = 2.0**20 * EPS * x
    search.state.step[2:4] = np.nextafter(search.state.step[2:4], 0)
    search.state.step[4] = 1e-30
    assert search.coarse(np.array([4, 3, 2, 1, 0])).tolist() == [False, True, True, False, False]


# Lines of both kinds together. ------------------------------------------------------------------------------


def extrapolated(lines, n, rows):
    search = search_on(lines, n)
    with np.errstate(all="ignore"):
        return Extrapolation(search.fan, search, n, 7).found(rows)


def rational(x):
    return 1 / (1 + x * x)


@pytest.mark.parametrize("n", [3, 4, 6, 7])
def test_higher_derivatives_have_even_nodes(n, monkeypatch):
    asked, made = [], _adaptive_extrapolation.grid
    monkeypatch.setattr(
        _adaptive_extrapolation, "grid", lambda *given, even: asked.append(even) or made(*given, even=even)
    )
    lines = elementwise(rational, np.linspace(65.0, 66.0, 21))
    extrapolated(lines, n, np.arange(21))
    assert set(asked) == {True}


@pytest.mark.parametrize("n", [1, 2])
def test_each_line_has_the_nodes_of_its_kind(n, monkeypatch):
    x = np.concatenate([np.linspace(1.0, 1.4, 20), np.linspace(65.0, 66.0, 21)])
    x = np.random.default_rng(n).permutation(x)
    mixed = elementwise(lambda x: np.where(x < 32, rational(np.float32(x).astype(float)), rational(x)), x)
    asked, made = [], _adaptive_extrapolation.grid

    def grid(*given, even):
        asked.append(even)
        return made(*given, even=even)

    monkeypatch.setattr(_adaptive_extrapolation, "grid", grid)
    rows = np.random.default_rng(1).permutation(len(x))[:37]
    found = extrapolated(mixed, n, rows)
    assert set(asked) == {True, False}
    for kind, f, even in (
        (x[rows] < 32, lambda x: rational(np.float32(x).astype(float)), True),
        (x[rows] > 32, rational, False),
    ):
        asked.clear()
        place = np.flatnonzero(kind)
        own = extrapolated(elementwise(f, x[rows[place]]), n, np.arange(len(place)))
        assert set(asked) == {even} and len(place) >= 16
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(found, name)[place], getattr(own, name))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_points_of_both_kinds_together(order, monkeypatch):
    # In the survey points take the steps of their neighbors: here all are searched.
    monkeypatch.setattr(adaptive, "suits", lambda lines, n: False)
    x = np.concatenate([np.linspace(1.01, 1.4, 24), np.linspace(65.0, 66.0, 24)])
    x = np.random.default_rng(order).permutation(x)
    small = x < 32
    together = cm.estimate_derivative(lambda x: np.where(x < 32, single(x), np.sin(x)), x, order)
    for f, kind in ((single, small), (np.sin, ~small)):
        for points in (x[kind], x):
            alone, own = cm.estimate_derivative(f, points, order), np.isin(points, x[kind])
            for name in ("value", "error", "step", "status"):
                np.testing.assert_array_equal(getattr(together, name)[kind], getattr(alone, name)[own])
    exact = {1: np.cos, 2: lambda x: -np.sin(x), 3: lambda x: -np.cos(x)}[order](x)
    assert (np.abs(together.value - exact) <= together.error).all()
    assert (together.error[~small] < 1e-6).all()
