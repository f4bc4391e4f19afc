"""A first derivative must be the slope at the first step, unless noise explains the difference."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.schemes import _adaptive_survey, adaptive
from calcml.schemes._adaptive_contradiction import STRUCTURE, contradiction
from calcml.schemes._adaptive_fan import SIGNIFICANT, Symmetric
from calcml.schemes._adaptive_found import Found
from calcml.schemes._adaptive_line import Answer, Line
from calcml.schemes._adaptive_search import Search
from calcml.schemes._quick import UnusualError
from calcml.schemes.adaptive import Adaptive

EPS = np.finfo(float).eps


def kink(x):
    return np.cos(x) + 1e-5 * np.abs(x - 1)


# Multiples of 0.0071 meet this wave at about one phase, and so do the nodes of a step of 0.11.
WAVE, SIZE = 1.17741550e-3, 7.32753120e-6


def aliased(x):
    return np.exp(x) + SIZE * np.sin(x / WAVE)


@pytest.mark.parametrize(
    ("f", "slope", "x"),
    [
        (kink, lambda x: 1e-5 - np.sin(x), 1 + np.array([3e-7, 1e-6, 1.3e-5, 2e-4, 3e-3, 1.0])),
        (aliased, lambda x: np.exp(x) + SIZE / WAVE * np.cos(x / WAVE), np.linspace(0.3, 1.9, 24)),
    ],
)
def test_structure_that_nodes_do_not_show(f, slope, x, monkeypatch):
    def holds(estimate, at):
        return np.abs(estimate.value - slope(at)) <= estimate.error + 1e-15 * np.abs(slope(at))

    assert all(holds(cm.estimate_derivative(f, at), at) for at in x)
    assert holds(cm.estimate_derivative(f, x), x).all()
    monkeypatch.setattr(_adaptive_survey, "FEWEST", np.inf)
    assert holds(cm.estimate_derivative(f, x), x).all()


def test_the_search_goes_on_below(monkeypatch):
    shortened = []
    shorten = Search.shorten
    monkeypatch.setattr(
        Search, "shorten", lambda self, rows: shortened.append(len(rows)) or shorten(self, rows)
    )
    value = cm.derivative(kink, 1 + 1.3e-5)
    assert shortened == [1, 1, 1] and value == pytest.approx(1e-5 - np.sin(1 + 1.3e-5), abs=1e-9)


def test_a_second_derivative_is_no_slope(monkeypatch):
    monkeypatch.setattr(adaptive, "contradiction", None)
    assert cm.derivative(lambda x: np.exp(x) + 1e-9 * np.abs(x), 1e-3, 2) == pytest.approx(1, abs=1e-2)


def test_noise_contradicts_nothing():
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 2, 400)

    def f(x):
        return np.exp(x) * (1 + 1e-9 * rng.normal(size=x.shape))

    lines = ElementwiseLines(Function(f, None), x)
    with np.errstate(all="ignore"):
        lines.origin()
        fan = Symmetric(lines, np.arange(400))
        search = Search(fan, 1)
        found = adaptive.Extrapolation(fan, search, 1, 7).found(np.arange(400))
        apart = contradiction(search, found, slice(None))
    assert np.count_nonzero(apart) <= 2


def state_of(near, tail, first, still, grid=0.0):
    column = lambda part: np.array(part, dtype=float)[:, None]
    return SimpleNamespace(
        near=column(near),
        near_tail=column(tail),
        first=np.array(first),
        step=np.array(first),
        still=column(still),
        grid=0 * column(near) + grid,
        checked=np.ones(len(near), dtype=bool),
    )


def test_what_contradicts():
    search = object.__new__(Search)
    # Columns: near, tail, still, sigma, value, error, step; and by how much noise the slopes may differ.
    cases = [
        # 0: agrees.  1: differs by more than the noise at the first step.  2: by just less.
        (2.0, 0.1, 0.0, 0.1, 2.0, 0.0, 8.0, 0),
        (2.0, 0.1, 0.0, 0.1, -2.81, 0.0, 8.0, 0.81 + 0.8),
        (2.0, 0.1, 0.0, 0.1, 2.79, 0.0, 8.0, 0),
        # 3: its noise is that of the tableau.  4: the same, as structure that the first trial does not have.
        (2.0, 0.1, 0.0, 1.0, 5.0, 0.0, 8.0, 0),
        (2.0, 0.1, 0.0, 1.01 * STRUCTURE * 0.1, 5.0, 0.0, 8.0, 3.0 + 0.8),
        (2.0, 0.1, 0.0, 0.99 * STRUCTURE * 0.1, 5.0, 0.0, 8.0, 0),
        # 6: known to be unsure.  7: unsure, but not by so much.
        (2.0, 0.1, 0.0, 0.1, 5.0, 2.3, 8.0, 0),
        (2.0, 0.1, 0.0, 0.1, 5.0, 2.1, 8.0, 3.0 + 0.8),
        # 8: f stood still there.  9: it is the first step.  10: that has shown nothing.
        (2.0, 0.1, 1.0, 0.1, 5.0, 0.0, 8.0, 0),
        (2.0, 0.1, 0.0, 0.1, 5.0, 0.0, 1.0, 0),
        (0.0, 0.0, 0.0, 0.1, 5.0, 0.0, 8.0, 0),
    ]
    near, tail, still, sigma, value, error, step, expected = np.array(cases).T
    for first in (1.0, 0.25):
        # Slopes and noise are those of f at the step; values are per unit of t.
        search.state = state_of(near * first, tail * first, np.full(len(cases), first), still * first)
        blank = np.zeros((len(cases), 1))
        value_, error_, sigma_ = value[:, None], error[:, None], sigma[:, None] * first
        found = Found(value_, error_ / 4, 3 * error_ / 4, blank, sigma_, blank, blank, step * first)
        apart = contradiction(search, found, slice(None))
        np.testing.assert_allclose(apart[:, 0], expected, rtol=1e-12)
        rows = np.array([4, 1])
        np.testing.assert_allclose(contradiction(search, found.take(rows), rows), apart[rows])


def test_the_spacing_of_a_grid_is_noise_of_the_first_step():
    search = object.__new__(Search)
    blank = np.zeros((1, 1))
    for tail, grid, apart in (
        (0.1, 0.0, 3.8),
        (0.1, 0.3, 3 + 2.4),
        (0.1, 0.4, 0.0),
        (0.4, 0.3, 0.0),
        (0.3, 0.1, 5.4),
    ):
        search.state = state_of([2.0], [tail], [1.0], [0.0], grid)
        found = Found(blank + 5, blank, blank, blank, blank, blank, blank, np.array([8.0]))
        assert contradiction(search, found, slice(None))[0, 0] == pytest.approx(apart)


def test_what_differs_at_another_step_is_noise():
    asked = []

    class Fan:
        def __init__(self, slope, tail):
            self.told = np.array(slope)[:, None] * 11 / 8, np.array(tail)[:, None]

        def evaluate(self, nodes, step, rows):
            asked.append((nodes, step.tolist(), rows.tolist()))
            return rows

        def terms(self, values, rows):
            assert values is rows
            return SimpleNamespace(slope=self.told[0][: len(rows)], tail=self.told[1][: len(rows)])

    # Lines: agrees with itself; has another slope; is louder; is not doubted; is not finite there.
    search = object.__new__(Search)
    search.nodes = "nodes"
    search.fan = Fan([2.0, 2.5, 2.0, math.nan], [0.1, 0.1, 0.6, 0.1])
    search.state = s = state_of([2.0] * 5, [0.1] * 5, [1.0, 2.0, 4.0, 1.0, 1.0], [0.0] * 5)
    s.checked[:] = False
    before = s.near_tail
    blank = np.zeros((5, 1))
    value = np.array([5.0, 2.5, 1.25, 2.0, 5.0])[:, None]
    found = Found(value, blank, blank, blank, blank, blank, blank, np.full(5, 8.0))
    apart = contradiction(search, found, slice(None))
    assert asked == [("nodes", [11 / 8, 22 / 8, 44 / 8, 11 / 8], [0, 1, 2, 4])]
    np.testing.assert_allclose(s.near_tail[:, 0], [0.1, 0.5, 0.6, 0.1, 0.1])
    np.testing.assert_allclose(apart[:, 0], [3.8, 0, 0, 0, 3.8])
    assert s.checked.tolist() == [True, True, True, False, True] and (before == 0.1).all()
    # Once is enough; and lines keep their numbers.
    contradiction(search, found, slice(None))
    assert len(asked) == 1
    s.checked = np.array([False, True, True, True, True])
    search.fan = Fan([2.0], [0.1])
    contradiction(search, found.take(np.array([4, 0])), np.array([4, 0]))
    assert asked[1][1:] == ([11 / 8], [0]) and s.checked.all()


def test_noise_of_few_values():
    # Bisection ends on one of few numbers: at the first step that is often no noise at all.
    from calcml.testing import derivative_cases

    case = next(c for c in derivative_cases() if c.name == "cube_root_bisected")
    estimate = cm.estimate_derivative(case.f, case.x)
    assert abs(estimate.value - case.exact()) <= estimate.error < 1e-9 and estimate.nfev < 50


def test_number_by_number_the_same():
    search = object.__new__(Search)
    rng = np.random.default_rng(1)
    for _ in range(400):
        first, near, tail, sigma, value, error, step = 2.0 ** rng.integers(-8, 8, 7)
        search.state = state_of([near], [tail], [first], [0.0])
        blank = np.zeros((1, 1))
        found = Found(
            blank + value, blank, blank + error, blank, blank + sigma, blank, blank, np.array([step])
        )
        expected = contradiction(search, found, slice(None))[0, 0] > 0
        line = object.__new__(Line)
        line.n, line.first, line.near, line.near_tail = 1, first, near, tail
        line.best, line.entry = Answer(value, 0.0, error, step), SimpleNamespace(sigma=sigma, rounding=0.0)
        assert line._contradicts() == expected
        line.quiet, line.eps = math.inf, EPS
        if expected:
            with pytest.raises(UnusualError):
                line.is_loud(again=False)
        else:
            assert not line.is_loud(again=False) and line.before is line.best
        line.n = 2
        assert not line._contradicts()


def test_what_is_left_counts_as_error(monkeypatch):
    monkeypatch.setattr(adaptive, "RETRIES", 0)
    x = 1 + np.array([3e-7, 1e-6])
    lines = ElementwiseLines(Function(kink, None), x)
    c = Adaptive().coefficient(lines, 1)
    apart = np.abs(c.value[:, 0] - (1e-5 - np.sin(x)))
    assert (apart > 9e-6).all() and (apart <= (c.truncation + c.noise)[:, 0]).all()
    assert (c.truncation[:, 0] >= apart).all()


def test_slope_and_tail_of_the_first_step_are_kept():
    seen = []
    lines = ElementwiseLines(
        Function(lambda x: seen.append(x.copy()) or np.exp(x), None), np.array([0.5, 3.0])
    )
    lines.origin()
    seen.clear()
    with np.errstate(all="ignore"):
        search = Search(Symmetric(lines, np.arange(2)), 1)
    s = search.state
    slope = np.exp(lines.x) * s.first
    np.testing.assert_allclose(s.near[:, 0], slope, rtol=1e-7)
    assert (s.step > s.first).all()
    rounding = np.finfo(float).eps / 2 * np.exp(lines.x)
    assert (s.near_tail[:, 0] >= rounding).all() and (s.near_tail[:, 0] <= SIGNIFICANT * rounding).all()
    assert math.isclose(s.first[0], np.finfo(float).eps ** 0.5 * 0.5, rel_tol=0.45)
