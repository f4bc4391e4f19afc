"""The parts that the step searches share: values at nodes, ratios, verdicts, and the bracket that closes."""

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import Directions, ElementwiseLines, PointLines
from calcml._parameters import check_bounds, flatten
from calcml.schemes import Relative
from calcml.schemes._measure import difference_of, hidden_step
from calcml.schemes._recipe import Plan
from calcml.schemes._search import (
    LONG,
    RIGHT,
    SHORT,
    Bracket,
    Probe,
    Search,
    _sides,
    bracket,
    lawful,
    side_of,
    unit_of,
    verdict,
)
from calcml.schemes.steps import optimal_factor

EPS = np.finfo(float).eps
ROWS = np.array([0])


@pytest.fixture(autouse=True)
def quiet():
    """Divide by zero without a word, as the rules do around all of this."""
    with np.errstate(all="ignore"):
        yield


def probe_of(f, x=1.0, nodes=(-1.0, 0.0, 1.0), noise=None, bounds=None, seen=None):
    def recorded(t):
        if seen is not None:
            seen.append(np.array(t))
        return f(t)

    x = np.asarray(x)
    limits = None if bounds is None else check_bounds(bounds, *flatten(x))
    lines = ElementwiseLines(Function(recorded, None), x, limits)
    return Probe(lines, np.arange(x.size), nodes, noise)


def walk(answer, start=1.0, factor=2.0, trials=50, leap=False, law=None, x=1.0):
    """Search with a judge that is a function of the step; return the steps tried and the end."""
    tried = []

    def trial(h, rows):
        tried.append(float(h[0]))
        change = math.nan if law is None else law(float(h[0]))
        return np.array([answer(float(h[0]))]), np.array([change])

    end = bracket(probe_of(np.exp, x), np.array([start]), trial, factor, trials, leap=leap)
    return tried, end


def test_the_factor_grows_after_four_moves_one_way():
    tried, end = walk(lambda h: SHORT if h < 2.0**14 else RIGHT)
    # Powers 1, 1, 1, 1, 2, 3, 4, ... of the factor.
    assert tried == [2.0**k for k in (0, 1, 2, 3, 4, 6, 9, 13, 18)]
    assert (end.step[0], end.low[0], end.high[0]) == (2.0**18, 2.0**13, math.inf)
    tried, end = walk(lambda h: LONG if h > 2.0**-9.5 else RIGHT)
    assert tried == [2.0**-k for k in (0, 1, 2, 3, 4, 6, 9, 13)]
    assert (end.step[0], end.low[0], end.high[0]) == (2.0**-13, 0.0, 2.0**-9)


def test_a_bracket_is_bisected_in_the_logarithm():
    tried, end = walk(lambda h: SHORT if h < 9 else LONG if h > 11 else RIGHT, factor=16.0)
    assert tried == pytest.approx([1, 16, 4, 8, math.sqrt(128), math.sqrt(8 * math.sqrt(128))], rel=1e-12)
    assert end.settled[0] == end.step[0] == tried[-1]
    assert end.low[0] == 8
    assert end.high[0] == pytest.approx(math.sqrt(128))


def test_a_narrow_bracket_is_left_alone():
    tried, end = walk(lambda h: SHORT if h < 3 else LONG)
    assert math.isnan(end.step[0])
    assert 1 < end.high[0] / end.low[0] <= 1.05
    assert end.closed[0] == end.settled[0] == end.low[0]
    assert end.low[0] < 3 <= end.high[0]
    # 1, 2, 4 and then log2(1.05) = 0.07 after four halvings.
    assert len(tried) == 3 + 4


def test_the_law_is_followed_inside_a_bracket_and_outside_only_with_leap():
    def answer(h):
        return SHORT if h < 9 else LONG if h > 11 else RIGHT

    def law(h):
        return 10 / h

    tried, _ = walk(answer, factor=16.0, law=law)
    assert tried == [1, 16, 10]
    tried, _ = walk(answer, factor=16.0, law=law, leap=True)
    assert tried == [1, 10]
    # A law that leads back to what is known, or nearly, is not followed: 17/16 and 15/16 of the ends.
    tried, _ = walk(answer, factor=16.0, law=lambda h: 1.04 if h == 1 else 0.999)
    assert tried[:3] == [1, 16, 4]
    tried, _ = walk(answer, factor=16.0, law=lambda h: 1 / 16 / 0.96)
    assert tried[:3] == [1, 16, 4]
    tried, _ = walk(answer, factor=16.0, law=lambda h: 1.06 / 16)
    assert tried[:3] == pytest.approx([1, 16, 1.06])


def test_the_search_ends():
    tried, end = walk(lambda h: SHORT, trials=5)
    assert len(tried) == 5
    assert math.isnan(end.settled[0])
    assert math.isnan(end.closed[0])
    tried, end = walk(lambda h: SHORT, x=8.0)
    # The longest step is 2^30 |x|, for nodes two apart too.
    assert tried[-1] == 2.0**33
    assert tried.count(2.0**33) == 1
    tried, _ = walk(lambda h: SHORT, x=2.0**-10)
    assert tried[-1] == 2.0**30
    tried, end = walk(lambda h: LONG)
    assert tried[-1] == 4 * EPS
    assert math.isnan(end.settled[0])
    assert end.high[0] == 4 * EPS
    # A start beyond the ends is brought between them.
    assert walk(lambda h: RIGHT, start=1e40)[0] == [2.0**30]
    assert walk(lambda h: RIGHT, start=1e-40)[0] == [4 * EPS]


def test_steps_go_on_falling_where_x_cannot_follow():
    # Below 2^-149 x is 0 in single precision, and no distance from it is left.
    tried, _ = walk(lambda h: LONG, x=np.float32(0))
    assert tried[-1] == 4 * np.finfo(float).tiny
    assert np.all(np.diff(tried) < 0)


def test_a_bracket_as_narrow_as_it_may_be_ends_the_search():
    tried, end = walk(lambda h: SHORT if h < 1.05 else LONG, factor=1.05, x=0.0)
    assert tried == [1, 1.05]
    assert (end.low[0], end.high[0]) == (1, 1.05)


@pytest.mark.parametrize(("upper", "steps"), [(4, [4 * EPS]), (3, [])])
def test_a_room_of_the_least_step_is_searched(upper, steps):
    tried = []

    def trial(h, rows):
        tried.append(float(h[0]))
        return np.array([SHORT]), np.array([math.nan])

    bracket(probe_of(np.exp, bounds=(1 - 4 * EPS, 1 + upper * EPS)), np.ones(1), trial, 2.0, 9)
    assert tried == steps


def test_only_some_lines_are_searched():
    probe = probe_of(lambda t: np.where(t == 3.0, np.nan, np.exp(t)), np.array([1.0, 2.0, 3.0, 4.0]))
    asked = []

    def trial(h, rows):
        asked.append(rows.tolist())
        return np.where(rows == 0, RIGHT, np.where(h > 0.6, LONG, RIGHT)), np.full(len(rows), np.nan)

    among = np.array([True, True, True, False])
    end = bracket(probe, np.full(4, 1.0), trial, 2.0, 9, among=among)
    # Line 2 has no finite f, line 3 is not wanted, line 0 is right at once.
    assert asked == [[0, 1], [1]]
    np.testing.assert_array_equal(end.step, [1.0, 0.5, np.nan, np.nan])


def test_verdicts_include_the_ends_of_the_window():
    assert verdict(np.array([1.9, 2.0, 3.0, 4.0, 4.1]), 2.0, 4.0).tolist() == [
        SHORT,
        RIGHT,
        RIGHT,
        RIGHT,
        LONG,
    ]
    assert verdict(np.array([0.0, np.inf]), 2.0, 4.0).tolist() == [SHORT, LONG]


def test_lawful_ratios():
    change = lawful(np.array([2.0, 2.5, 16.0, 9.9e5, 1e6, np.inf, 0.0]), 2.0, 3)
    assert np.isnan(change).tolist() == [True, False, False, False, True, True, True]
    assert change[2] == pytest.approx(0.5)
    assert change[1] == pytest.approx((2 / 2.5) ** (1 / 3))
    assert np.isnan(lawful(np.array([9.0, 11.0]), 2.0, 3, least=10.0)).tolist() == [True, False]


def test_units():
    lines = ElementwiseLines(Function(np.exp, None), np.array([3.0, -2.0, 0.0, 1e-290, 1e-280]))
    assert unit_of(lines).tolist() == [3.0, 2.0, 1.0, 1.0, 1e-280]
    least = np.nextafter(2.0**-960, 1)
    assert unit_of(ElementwiseLines(Function(np.exp, None), np.array([2.0**-960, least]))).tolist() == [
        1,
        least,
    ]
    x = np.array([1e200])
    short = PointLines(Function(np.sum, flatten(x)[1]), x, Directions.dense(np.array([[1e-100]])))
    assert unit_of(short)[0] == 2.0**900


def test_values_are_asked_for_once():
    seen = []
    probe = probe_of(np.exp, nodes=(-3.0, -1.0, 0.0, 1.0, 3.0), seen=seen)
    first = probe.evaluate(np.array([0.125]), ROWS)
    np.testing.assert_array_equal(first[:, 0, 0], np.exp(1 + 0.125 * np.array([-3, -1, 0, 1, 3])))
    assert sorted(float(t) for t in seen) == [1 - 0.375, 0.875, 1.0, 1.125, 1.375]
    seen.clear()
    second = probe.evaluate(np.array([0.375]), ROWS)
    np.testing.assert_array_equal(second[:, 0, 0], np.exp(1 + 0.375 * np.array([-3, -1, 0, 1, 3])))
    # ± 0.375 are known.
    assert sorted(float(t) for t in seen) == [1 - 1.125, 1 + 1.125]
    seen.clear()
    probe.evaluate(np.array([0.375]), ROWS)
    assert seen == []


def test_lines_that_know_a_value_do_not_give_it_to_others():
    probe = probe_of(np.exp, np.array([1.0, 2.0, 3.0]), nodes=(-1.0, 1.0, 2.0))
    probe.evaluate(np.array([0.5, 0.5, 0.5]), np.arange(3))
    rows = np.array([2, 0])
    values = probe.evaluate(np.array([1.0, 0.25]), rows)
    x, h = np.array([3.0, 1.0]), np.array([1.0, 0.25])
    np.testing.assert_array_equal(values[..., 0], np.exp(x + np.array([[-1.0], [1.0], [2.0]]) * h))


def test_lines_that_know_all_their_values_keep_them():
    seen = []
    probe = probe_of(np.exp, np.array([1.0, 2.0]), seen=seen)
    probe.evaluate(np.array([0.5, 0.5]), np.arange(2))
    values = probe.evaluate(np.array([0.5, 0.25]), np.arange(2))
    np.testing.assert_array_equal(values[..., 0].T, np.exp([[0.5, 1.0, 1.5], [1.75, 2.0, 2.25]]))


def test_values_keep_the_precision_of_x():
    x, h, seen = np.longdouble(1) / 3, np.array([np.longdouble(1) / 7]), []
    probe = probe_of(lambda t: t / 3, x, seen=seen)
    first = probe.evaluate(h, ROWS)
    seen.clear()
    np.testing.assert_array_equal(probe.evaluate(h, ROWS), first)
    assert seen == []
    assert probe.seen_t.dtype == probe.seen.dtype == np.longdouble
    assert probe.weigh(np.array([0.0, 0.0, 1.0]), first)[0, 0] == first[2, 0, 0] - first[0, 0, 0]


@pytest.mark.parametrize(
    ("bounds", "points"),
    [((0.0, 2.0), [0.5, 1.0, 1.5]), ((0.75, 2.0), [0.75, 1.25, 1.75]), ((0.0, 1.25), [0.25, 0.75, 1.25])],
)
def test_points_are_moved_inside_the_bounds(bounds, points):
    probe = probe_of(lambda t: t, bounds=bounds)
    np.testing.assert_array_equal(probe.evaluate(np.array([0.5]), ROWS)[:, 0, 0], points)
    # The longest step fills the room.
    assert probe.most[0] == (bounds[1] - bounds[0]) / 2


def test_points_of_other_lines_do_not_move():
    bounds = np.array([0.75, 0.0, -9.0]), np.array([2.0, 20.0, 1.25])
    probe = probe_of(lambda t: t, np.array([1.0, 10.0, 1.0]), bounds=bounds)
    points = probe.evaluate(np.array([0.5, 4.0, 0.5]), np.arange(3))[..., 0]
    np.testing.assert_array_equal(points.T, [[0.75, 1.25, 1.75], [6, 10, 14], [0.25, 0.75, 1.25]])


def test_noise_and_ratios():
    def f(v):
        return np.stack([np.full(v.shape[1:], 2.0), 5 + v[0], np.where(v[0] > 2, np.nan, v[0])])

    x = np.ones(1)
    function = Function(f, flatten(x)[1], vectorized=True)
    lines = PointLines(function, x, Directions.dense(np.ones((1, 1))))
    probe = Probe(lines, ROWS, (-1.0, 1.0), None)
    values = probe.evaluate(np.array([0.5]), ROWS)
    np.testing.assert_allclose(probe.rounding(values, ROWS), EPS * np.array([[2, 6.5, 1.5]]), rtol=1e-15)
    # The value at x counts too.
    np.testing.assert_allclose(probe.rounding(0 * values, ROWS), EPS * np.array([[2, 6, 1]]), rtol=1e-15)
    difference = probe.weigh(np.array([-1.0, 1.0]), values)
    np.testing.assert_array_equal(difference, [[0.0, 1.0, 1.0]])
    noise = np.array([[0.0, 0.5, 0.125]])
    assert probe.strongest(difference, noise, values, ROWS)[0] == 8.0
    assert probe.share(np.array([[1e-3, 1.3, 0.3]]), values, ROWS)[0] == pytest.approx(0.2)
    assert probe.share(np.zeros((1, 3)), values, ROWS)[0] == EPS
    beyond = probe.evaluate(np.array([1.5]), ROWS)
    assert probe.strongest(difference, noise, beyond, ROWS)[0] == math.inf
    given = Probe(lines, ROWS, (-1.0, 1.0), 0.25)
    np.testing.assert_array_equal(given.rounding(values, ROWS), [[0.25, 0.25, 0.25]])


def test_outputs_that_are_nowhere_finite_do_not_count():
    x = np.ones(1)
    lines = PointLines(
        Function(lambda v: [np.nan, v[0]], flatten(x)[1]), x, Directions.dense(np.ones((1, 1)))
    )
    probe = Probe(lines, ROWS, (-1.0, 1.0), None)
    values = probe.evaluate(np.array([0.5]), ROWS)
    assert probe.usable.tolist() == [[False, True]]
    with np.errstate(invalid="ignore"):
        assert probe.strongest(np.array([[9.0, 1.0]]), np.array([[1.0, 0.5]]), values, ROWS)[0] == 2.0
        assert probe.share(np.array([[1.0, 0.3]]), values, ROWS)[0] == pytest.approx(0.2)


def test_a_line_that_is_broken_breaks_no_other():
    probe = probe_of(lambda t: np.where(t > 2, np.nan, t), np.array([1.0, 2.0]), nodes=(-1.0, 1.0))
    values = probe.evaluate(np.array([0.5, 0.5]), np.arange(2))
    ratio = probe.strongest(np.ones((2, 1)), np.full((2, 1), 0.5), values, np.arange(2))
    assert ratio.tolist() == [2, math.inf]


def test_sides():
    assert [side_of(Plan(1, 2, side).formula) for side in (-1, 0, 1)] == [-1, 0, 1]


@pytest.mark.parametrize(
    ("order", "side", "nodes", "weights"),
    [
        (2, 0, (-1, 0, 1), (1, -2, 1)),
        (3, 0, (-2, -1, 1, 2), (-0.5, 1, -1, 0.5)),
        (2, 1, (0, 1, 2), (1, -2, 1)),
        (3, -1, (-3, -2, -1, 0), (-1, 3, -3, 1)),
    ],
)
def test_differences(order, side, nodes, weights):
    found = difference_of(order, side)
    assert found[0] == nodes
    np.testing.assert_array_equal(found[1], weights)


def test_the_step_from_the_length_alone():
    end = Bracket(np.full(3, np.nan), np.array([0.5, 0.5, 0.0]), np.array([1.0, 1.0, 2.0]))
    step = hidden_step(end, Plan(1, 2, 0).formula, np.array([1e-12, 10.0, 1e-12]))
    # (3 share)^(1/3) of the longest step that was too short, never longer than it.
    assert step[0] == pytest.approx(0.5 * (3e-12) ** (1 / 3))
    assert step[1] == 0.5
    assert math.isnan(step[2])


@dataclass(frozen=True)
class Given(Search):
    """A search that always has the same answer."""

    upper: float = 2.0
    answer: ClassVar = math.nan

    def search(self, lines, index, formula):
        return np.broadcast_to(self.answer, lines.count)[index]


@pytest.mark.parametrize("upper", [1e-300, 1.0])
def test_a_window_without_a_lower_end_begins_at_0(upper):
    assert Given(upper=upper).upper == upper


def test_steps_that_are_none_are_those_of_relative(monkeypatch):
    monkeypatch.setattr(Given, "answer", np.array([0.0, -1.0, math.inf, math.nan, 0.25]))
    lines = ElementwiseLines(Function(np.exp, None), np.arange(1.0, 6.0))
    formula = Plan(1, 2, 0).formula
    relative = Relative().steps(lines, formula)
    assert Given().steps(lines, formula).tolist() == [*relative[:4], 0.25]


@pytest.mark.parametrize("unit", [0.0, 2.0**-20, 2.0**20])
def test_a_formula_needs_room_for_twice_its_optimal_step(unit):
    formula = Plan(1, 4, 0).formula
    h = 2 * optimal_factor(formula, EPS) * (unit or 1.0)
    # With x at 0, an end of the room is where it is.
    shares = (0.25, 1.0, 1.5) if unit == 0 else (0.25, 0.99, 1.01, 1.5)
    behind, ahead = np.array(list(itertools.product(shares, shares))).T
    x = np.full(len(behind), unit)
    bounds = check_bounds((x - 2 * h * behind, x + 2 * h * ahead), *flatten(x))
    lines = ElementwiseLines(Function(np.exp, None), x, bounds)
    found = np.zeros(len(x), dtype=int)
    for index, own in _sides(lines, formula):
        side = 0 if own is formula else 1 if own.offsets[0] == 0 else -1
        found[index] = side
        if side:
            assert sorted(side * g for g in own.offsets) == [0, 1, 2, 3, 4]
    fits = (behind >= 1) & (ahead >= 1)
    expected = np.where(fits, 0, np.where(ahead >= behind, 1, -1))
    # Next to x the bounds are rounded, so rooms on both sides that are alike may differ.
    sure = np.full(len(x), True) if unit == 0 else fits | (ahead != behind)
    assert found[sure].tolist() == expected[sure].tolist()
