"""The slope of f must be that at the first step, unless noise explains the difference."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml._status import Status
from calcml.schemes import _adaptive_survey, adaptive
from calcml.schemes._adaptive_contradiction import STRUCTURE, contradiction
from calcml.schemes._adaptive_fan import SIGNIFICANT, Side, Symmetric
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


# The nodes meet this wave at about one phase; it bends more than all else.
HIDDEN, LENGTH = 1.8907318296018012, 0.00019977023453803208


def wavy(x):
    return x**2 + 1e-3 * LENGTH * np.sin(x / LENGTH)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_slope_beside_higher_derivatives(n, monkeypatch):
    wave = (np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x))[n % 4](HIDDEN / LENGTH)
    exact = 2.0 * (n == 2) + 1e-3 * LENGTH ** (1 - n) * wave
    x = np.array([HIDDEN, 1.0])
    for retries in (3, 0):
        monkeypatch.setattr(adaptive, "RETRIES", retries)
        for at in (HIDDEN, x[:1], x):
            estimate = cm.estimate_derivative(wavy, at, n)
            value, error, status = (
                np.ravel(part)[0] for part in (estimate.value, estimate.error, estimate.status)
            )
            assert abs(value - exact) <= error and (status == Status.INACCURATE or error < 1e-2 * abs(exact))


def test_the_slope_of_the_last_nodes_and_how_sure_it_is():
    x = np.array([0.7, 1.3])
    lines = ElementwiseLines(Function(np.exp, None), x)
    with np.errstate(all="ignore"):
        lines.origin()
        for fan, kind in ((Symmetric(lines, np.arange(2)), 2), (Side(lines, np.arange(2), np.ones(2)), 1)):
            nodes, step, rows = np.array([9.0, 2.0, 1.5, 1.0]), np.array([0.01, 0.02]), np.arange(2)
            values = fan.evaluate(nodes, step, rows)
            extrapolation = adaptive.Extrapolation(fan, None, 2, 7)
            slope, slack = extrapolation._slope(nodes, values, step, rows)
            y, _ = fan.series(values, nodes, step, rows, odd=True)
            for i in range(2):
                a, b, c = y[1:, i, 0] / step[i]
                r, s, t = nodes[1:] ** kind
                before, last = (r * b - s * a) / (r - s), (s * c - t * b) / (s - t)
                assert slope[i, 0] == pytest.approx(last, rel=1e-14)
                assert slack[i, 0] == pytest.approx(4 * abs(last - before) * t / (r - t), rel=1e-6)
                assert abs(last - np.exp(x[i])) <= slack[i, 0]


def test_only_higher_derivatives_have_a_slope_beside_them():
    lines = ElementwiseLines(Function(np.exp, None), np.array([0.7, 1.3]))
    with np.errstate(all="ignore"):
        lines.origin()
        for n in (1, 2, 3):
            fan = Symmetric(lines, np.arange(2))
            found = adaptive.Extrapolation(fan, Search(fan, n), n, 7).found(np.arange(2))
            if n == 1:
                assert not found.slope.any() and not found.slack.any()
            else:
                assert (found.slack > 0).all() and (found.slack <= 1e-3 * found.slope).all()
                assert (np.abs(found.slope[:, 0] - np.exp(lines.x)) <= found.slack[:, 0]).all()


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


def found_of(n, value, error, sigma, step):
    """Results with this slope: the value itself of first derivatives, else that beside it."""
    blank = np.zeros(value.shape)
    if n == 1:
        parts = value, error / 4, 3 * error / 4, blank, sigma, blank, blank, 99 + blank, blank
    else:
        parts = 99 + blank, blank, blank, blank, sigma, blank, blank, value, error
    return Found(*parts, step)


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


@pytest.mark.parametrize("n", [1, 2, 3])
def test_what_contradicts(n):
    search = object.__new__(Search)
    search.n = n
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
        found = found_of(n, value[:, None], error[:, None], sigma[:, None] * first, step * first)
        apart = contradiction(search, found, slice(None))
        np.testing.assert_allclose(apart[:, 0], expected, rtol=1e-12)
        rows = np.array([4, 1])
        np.testing.assert_allclose(contradiction(search, found.take(rows), rows), apart[rows])


def test_the_spacing_of_a_grid_is_noise_of_the_first_step():
    search = object.__new__(Search)
    search.n = 1
    blank = np.zeros((1, 1))
    for tail, grid, apart in (
        (0.1, 0.0, 3.8),
        (0.1, 0.3, 3 + 2.4),
        (0.1, 0.4, 0.0),
        (0.4, 0.3, 0.0),
        (0.3, 0.1, 5.4),
    ):
        search.state = state_of([2.0], [tail], [1.0], [0.0], grid)
        found = found_of(1, blank + 5, blank, blank, np.array([8.0]))
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
    search.n, search.nodes = 1, "nodes"
    search.fan = Fan([2.0, 2.5, 2.0, math.nan], [0.1, 0.1, 0.6, 0.1])
    search.state = s = state_of([2.0] * 5, [0.1] * 5, [1.0, 2.0, 4.0, 1.0, 1.0], [0.0] * 5)
    s.checked[:] = False
    before = s.near_tail
    blank = np.zeros((5, 1))
    value = np.array([5.0, 2.5, 1.25, 2.0, 5.0])[:, None]
    found = found_of(1, value, blank, blank, np.full(5, 8.0))
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


@pytest.mark.parametrize("n", [1, 2, 3])
def test_number_by_number_the_same(n):
    search = object.__new__(Search)
    search.n = n
    rng = np.random.default_rng(1)
    for _ in range(400):
        first, near, tail, sigma, value, error, step = 2.0 ** rng.integers(-8, 8, 7)
        search.state = state_of([near], [tail], [first], [0.0])
        blank = np.zeros((1, 1))
        found = found_of(n, blank + value, blank + error, blank + sigma, np.array([step]))
        expected = contradiction(search, found, slice(None))[0, 0] > 0
        line = object.__new__(Line)
        line.n, line.first, line.near, line.near_tail = n, first, near, tail
        line.best, line.entry = Answer(value, 0.0, error, step), SimpleNamespace(sigma=sigma, rounding=0.0)
        line.slope = value, error
        assert line._contradicts() == expected
        line.quiet, line.eps = math.inf, EPS
        if expected:
            with pytest.raises(UnusualError):
                line.is_loud(again=False)
        else:
            assert not line.is_loud(again=False) and line.before is line.best


def test_what_is_left_counts_as_error(monkeypatch):
    monkeypatch.setattr(adaptive, "RETRIES", 0)
    x = 1 + np.array([3e-7, 1e-6])
    lines = ElementwiseLines(Function(kink, None), x)
    c = Adaptive().coefficient(lines, 1)
    apart = np.abs(c.value[:, 0] - (1e-5 - np.sin(x)))
    assert (apart > 9e-6).all() and (apart <= (c.truncation + c.noise)[:, 0]).all()
    assert (c.truncation[:, 0] >= apart).all()


@pytest.mark.parametrize("n", [1, 2, 5])
def test_powers_of_the_first_step_may_be_out_of_range(n, monkeypatch):
    # Lines: nothing to add; nothing, and no step at all; something, at a step whose powers are 0.
    apart = np.array([0.0, 0.0, 1e-300])[:, None]
    monkeypatch.setattr(adaptive, "contradiction", lambda search, found, rows: apart)
    nothing = lambda what: np.zeros((3, 1))
    state, fan = SimpleNamespace(first=np.array([1e-100, 0.0, 1e-100])), SimpleNamespace(eps=EPS)
    search = SimpleNamespace(n=n, state=state, fan=fan, doubt=nothing, span=nothing, far=nothing)
    found = found_of(1, np.ones((3, 1)), np.zeros((3, 1)), np.zeros((3, 1)), np.ones(3))
    with np.errstate(all="ignore"):
        adaptive._finish(search, found)
    expected = {1: 1e-300, 2: 1e-200, 5: 1e100}[n]
    np.testing.assert_allclose(found.truncation[:, 0], [0.0, 0.0, expected], rtol=1e-12)


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


@pytest.mark.parametrize("n", [2, 3])
def test_number_by_number_the_same_slope(n, monkeypatch):
    rng = np.random.default_rng(n)
    nodes, slopes, unit = np.array([2.0, 1.5, 1.0, 0.75, 0.5]), 1 + rng.normal(size=5) * 1e-3, 0.375
    extrapolation = object.__new__(adaptive.Extrapolation)
    extrapolation.kind = "odd" if n % 2 else "even"
    series = lambda values, nodes, step, rows, odd: (values, None) if odd else None
    extrapolation.fan = SimpleNamespace(series=series)
    slope, slack = extrapolation._slope(nodes, slopes[:, None, None], np.array([unit]), np.arange(1))
    line = object.__new__(Line)
    line.n, line.unit = n, unit
    assert line._slope(SimpleNamespace(steps=nodes.tolist()), slopes.tolist()) == (slope[0, 0], slack[0, 0])
    # It is that of the odd part of f, and of all nodes.
    seen = []
    told = Line._slope
    monkeypatch.setattr(Line, "_slope", lambda self, *a: seen.append(told(self, *a)) or seen[-1])
    cm.derivative(np.exp, 0.7, n)
    assert seen and all(abs(slope - np.exp(0.7)) <= slack <= 1e-3 for slope, slack in seen)
