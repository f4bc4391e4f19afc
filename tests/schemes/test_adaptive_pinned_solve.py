"""What follows a first result: looks below the step, a second look at zero, and the bounds of all nodes."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.differentiate import estimate_derivative
from calcml.schemes import adaptive
from calcml.schemes._adaptive_fan import Symmetric
from calcml.schemes._adaptive_found import Found
from calcml.schemes.adaptive import Adaptive
from calcml.schemes.base import Coefficient

NAN = math.nan

# Below the step. --------------------------------------------------------------------------------------------


def found_of(value, error, sigma, step, rounding=1.0):
    # Two outputs that are the same, so that any and all of them are.
    value, error, sigma = (np.asarray(part)[:, None] * np.ones(2) for part in (value, error, sigma))
    rounding = np.full(value.shape, rounding)
    step = np.asarray(step, dtype=float)
    blank = 0 * value
    return Found(value, error / 2, error / 2, rounding, sigma, np.abs(value), blank, blank, blank, step)


def test_loud_is_more_noise_than_there_can_be_and_less_than_six_digits(monkeypatch):
    monkeypatch.setattr(adaptive, "contradiction", lambda search, found, rows: 0 * found.value)
    search = SimpleNamespace(
        credible=lambda rounding, rows: np.where(rounding > 0, 4.0, NAN) if rows == "r" else None, n=2
    )
    error = np.array([2e-6, np.nextafter(2e-6, 1), 1.0, 1.0])
    found = found_of([2.0, -2.0, 1.0, 1.0], error, [9.0, 9.0, 4.0, np.nextafter(4, 5)], np.ones(4))
    np.testing.assert_array_equal(adaptive._loud(search, found, "r"), [False, True, False, True])
    quiet = found_of([1.0], [1e-7], [9.0], [1.0])
    assert not adaptive._loud(SimpleNamespace(n=2), quiet, "r").any()
    # So is what contradicts the slope at the first step.
    for apart, n in ((0.0, 1), (1e-9, 1), (1e-9, 2)):
        told = SimpleNamespace(n=n)
        monkeypatch.setattr(
            adaptive,
            "contradiction",
            lambda search, found, rows, apart=apart, told=told: (
                np.full(found.value.shape, apart) if (search, rows) == (told, "r") else None
            ),
        )
        assert adaptive._loud(told, quiet, "r").tolist() == [apart > 0]


def test_few_digits_are_sure_where_the_error_is_large_beside_value_and_f():
    # Beside the value; beside f over the length of the step, 8 / 2, too; beside both.
    value, error = np.array([[100.0], [0.5], [0.5]]), np.array([[0.5], [0.03], [0.05]])
    blank = 0 * error
    parts = [value, error, blank, error, error, np.full((3, 1), 16.0), blank, blank, blank]
    found = Found(*parts, np.full(3, 0.5))
    np.testing.assert_array_equal(found.poor(1, np.zeros(3)), [[False], [False], [True]])


def test_the_search_goes_on_below_three_times(monkeypatch):
    # A line: stays loud and gains twice; is quiet at last, with a larger error; gets no other step; is quiet.
    steps, errors, shortened = np.array([8.0, 8.0, 8.0, 8.0]), np.full(4, 4.0), []
    loud = {8.0: [True, True, True, False], 4.0: [True, False], 2.0: [True], 1.0: [True]}
    answers = iter([[True, True, False], [True, False], [True, False]])
    new = iter([([4.0, 4.0], [2.0, 5.0]), ([2.0], [3.0]), ([1.0], [1.0])])

    class FakeSearch:
        def __init__(self, fan, n):
            self.fan, self.n = fan, n
            self.state = SimpleNamespace(
                open_side=np.array([0.0, 1.0, 0.0, 0.0]), grain=np.zeros((4, 2)), first=np.full(4, 0.5)
            )

        def shorten(self, rows):
            shortened.append(rows.tolist())
            return np.array(next(answers))

        def doubt(self, n):
            return np.full((4, 2), 0.25 * n)

        def span(self, size):
            return 10 * size

        def far(self, step):
            return 100 * step[:, None] * np.ones(2)

    class FakeExtrapolation:
        def __init__(self, fan, search, n, levels):
            assert (n, levels) == (2, 5)
            self.first = True

        def found(self, rows):
            if self.first:
                self.first = False
                np.testing.assert_array_equal(rows, np.arange(4))
                return found_of(np.ones(4), errors, np.ones(4), steps)
            step, error = next(new)
            return found_of(np.ones(len(rows)), error, np.ones(len(rows)), step)

    def fake_loud(search, found, rows):
        assert isinstance(rows, slice) or len(rows) == len(found.step)
        return np.array(loud[found.step[0]])

    monkeypatch.setattr(adaptive, "Search", FakeSearch)
    monkeypatch.setattr(adaptive, "Extrapolation", FakeExtrapolation)
    monkeypatch.setattr(adaptive, "_loud", fake_loud)
    # What the slope is off counts as that of what is no longer than the first step.
    told = lambda search, found, rows: np.full((4, 2), 0.125) if rows == slice(None) else None
    monkeypatch.setattr(adaptive, "contradiction", told)
    fan = SimpleNamespace(index=np.arange(4), eps=0.5)
    found, side = adaptive._solve(fan, 2, 5)
    assert shortened == [[0, 1, 2], [0, 2], [0, 2]]
    np.testing.assert_array_equal(found.step, [1, 4, 8, 8])
    np.testing.assert_array_equal(found.noise[:, 0], [0.5, 2.5, 2, 2])
    np.testing.assert_array_equal(found.truncation[:, 0], [1.25, 3.25, 2.75, 2.75])
    # The change of f over its length, where it has been seen; else |f|, in units of rounding.
    np.testing.assert_array_equal(found.span[:, 0], [40, 40, 40, 40])
    np.testing.assert_array_equal(found.far[:, 0], [100, 400, 800, 800])
    np.testing.assert_array_equal(side, [0, 1, 0, 0])


@pytest.mark.parametrize("f", [np.exp, lambda x: 1 / x])
def test_room_ends_where_the_bounds_do(f):
    # Nodes reach twice the step, on the shorter side too.
    seen = []

    def watched(x):
        seen.append(x.copy())
        return f(x)

    for bounds in ((0.99, 50.0), (-50.0, 1.01), (0.5, 1.01)):
        limits = tuple(np.array([b]) for b in bounds)
        for n in (1, 2, 5, 8):
            seen.clear()
            Adaptive().coefficient(ElementwiseLines(Function(watched, None), np.ones(1), limits), n)
            assert bounds[0] <= np.min(seen) and np.max(seen) <= bounds[1]


def test_zero_at_zero_is_looked_at_with_longer_steps():
    # f is rounded to a grid of 1e-3 / 256 of itself, and nothing at x = 0 says how long a step should be.
    f = lambda x: np.round(256 * (1 + x * x)) / 256
    seen = []

    def watched(x):
        seen.append(np.abs(x).max())
        return f(x)

    c = Adaptive().coefficient(ElementwiseLines(Function(watched, None), np.zeros(1), None), 1)
    assert abs(c.value[0, 0]) <= (c.truncation + c.noise)[0, 0]
    assert max(seen) >= 0.25


def insisted(monkeypatch, value, error, poor, longer, later, size, eps=2e-7):
    """Return the results after a second look at those that do not tell a derivative from zero."""
    found, other = found_of(value, error, np.ones(len(value)), np.ones(len(value))), found_of(*longer)
    asked = []
    found.poor, other.poor = (
        lambda n, scale, flags=flags: np.array(flags)[:, None] if n == 1 else None for flags in (poor, later)
    )
    part = SimpleNamespace(index=np.arange(9), size="part")
    fan = SimpleNamespace(size=np.array(size), eps=eps, part=lambda rows: asked.append(rows.tolist()) or part)

    def search(given, n, *, patient):
        assert given is part and n == 1 and patient is True
        return "search"

    def extrapolation(given, searched, n, levels):
        assert given is part and (searched, n, levels) == ("search", 1, 7)
        return SimpleNamespace(
            found=lambda rows: other if rows.tolist() == list(range(len(longer[0]))) else None
        )

    monkeypatch.setattr(adaptive, "Search", search)
    monkeypatch.setattr(adaptive, "Extrapolation", extrapolation)
    monkeypatch.setattr(
        adaptive, "_finish", lambda searched, result: asked.append((searched, result is other))
    )
    before = found.take(np.arange(len(value)))
    adaptive._insist(fan, found, 7)
    return before, found, asked


def test_a_second_look_counts_where_it_agrees_and_is_sure(monkeypatch):
    # At x = 0; poor; zero within the error. Of those: agrees, by the sum of errors; not by more; still poor.
    value, error = [1.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0]
    poor, size = [1, 0, 1, 1, 1, 1, 1], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    longer = [2.5, 0.5, 2.51, 1.0], [0.5, 0.5, 0.5, 0.5], [3.0] * 4, [8.0] * 4
    given = [bool(flag) for flag in poor], longer, [False, False, False, True], size
    _, found, asked = insisted(monkeypatch, value, error, *given)
    assert asked == [[0, 3, 5, 6], ("search", True)]
    np.testing.assert_array_equal(found.value[:, 0], [2.5, 1, 1, 0.5, 1, 1, 1])
    np.testing.assert_array_equal(found.step, [8, 1, 1, 8, 1, 1, 1])
    np.testing.assert_array_equal(found.sigma[:, 0], [3, 1, 1, 3, 1, 1, 1])


def test_no_second_look_where_all_is_known(monkeypatch):
    longer = [2.5], [0.5], [3.0], [8.0]
    _, found, asked = insisted(
        monkeypatch, [1.0, 1.0], [1.0, 1.0], [False, True], longer, [False], [0.0, 1.0]
    )
    assert asked == [] and (found.value == 1).all()


def test_a_second_look_for_a_coarse_zero_beside_zero(monkeypatch):
    # Rounding 1 is |f| = 2 / eps = 2⁴⁰; the error may be a millionth of that, and x a thousandth.
    coarse = 1e-6 * 2.0**40
    error = [coarse, np.nextafter(coarse, 2 * coarse), 2 * coarse, 2 * coarse, 2 * coarse]
    size = [0.0, 0.0, np.nextafter(1e-3, 0), 1e-3, 0.0]
    longer = [0.0, 0.0], [1.0, 1.0], [3.0, 3.0], [8.0, 8.0]
    value, poor = [0.0, 0.0, 0.0, 0.0, 3 * coarse], [False] * 5
    _, _, asked = insisted(monkeypatch, value, error, poor, longer, [False] * 2, size, 2.0**-39)
    assert asked[0] == [1, 2]


@pytest.mark.parametrize("error", [True, False])
def test_crowds_are_left_to_their_own(monkeypatch, error):
    asked = []

    def crowd(scheme, lines, n, *, error):
        asked.append((scheme, lines, n, error))
        return answer

    monkeypatch.setattr(adaptive, "crowd", crowd)
    lines = ElementwiseLines(Function(np.exp, None), np.ones(4096), None)
    scheme, one = Adaptive(levels=5), np.ones((4096, 1))
    answer = Coefficient(one, 2 * one, 3 * one, np.ones(4096), np.zeros((4096, 1), np.int8))
    got = scheme.coefficient(lines, 2, error=error)
    assert (got is answer) != error and got.value is one
    np.testing.assert_array_equal(got.noise, answer.noise)
    assert asked == [(scheme, lines, 2, error)]


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize(
    ("kind", "least"), [(np.float64, 2.0**-1074), (np.float32, 2.0**-149), (int, 2.0**-1074)]
)
def test_values_are_no_finer_than_the_least_number(kind, least, n):
    def f(x):
        return (0 * x).astype(kind)

    e = estimate_derivative(f, np.array([1.0, 1e-120]), n=n)
    assert (e.value == 0).all() and (e.truncation == 0).all() and (e.status == 0).all()
    # One number more or less is much of the least ones.
    np.testing.assert_allclose(e.noise, n * 2 ** (n + 1) * least / e.step**n, rtol=0.1, atol=2.0**-1072)
    closed = estimate_derivative(f, np.array([1.0]), n=n, bounds=(1.0, 1.0))
    assert np.isnan(closed.noise).all()


def test_the_least_number_counts_only_where_there_is_a_step():
    f = Function(lambda x: (0 * x).astype(np.float32), None)
    f.evaluate_arrays([np.ones(3)])
    lines, zero = ElementwiseLines(f, np.ones(3), None), np.zeros((3, 1))
    noise = np.array([[0.5], [0.0], [0.0]])
    c = Coefficient(zero, zero, noise, np.array([0.0, 1.0, 2.0**-340]), np.zeros((3, 1), np.int8))
    got = adaptive._no_finer(c, 1, lines)
    # A float32 would be infinite there.
    np.testing.assert_array_equal(got.noise, [[0.5], [2.0**-147], [2.0**193]])
    assert got.value is zero and got.status is c.status


def test_levels_are_those_of_the_scheme_on_either_kind_of_line(monkeypatch):
    asked = []
    solve = adaptive._solve

    def watched(fan, n, levels):
        asked.append((type(fan).__name__, fan.index.tolist(), n, levels))
        return solve(fan, n, levels)

    monkeypatch.setattr(adaptive, "_solve", watched)
    monkeypatch.setattr(adaptive, "suits", lambda lines, n: False)
    monkeypatch.setattr(adaptive, "few_lines", lambda lines, index, *_: (None, Symmetric(lines, index)))
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    f = lambda t: np.where(np.abs(t - 4) < 1e-3, np.nan, np.exp(t))
    limits = np.array([1.0, -9, 3, -9, -9]), np.full(5, 9.0)
    c = Adaptive(levels=6).coefficient(ElementwiseLines(Function(f, None), x, limits), 1)
    assert asked == [("Symmetric", [1, 4], 1, 6), ("Side", [0, 2], 1, 6)]
    np.testing.assert_allclose(c.value[[0, 1, 2, 4], 0], np.exp(x[[0, 1, 2, 4]]), rtol=1e-9)
    assert np.isnan(c.value[3, 0]) and c.step[3] == 0


def test_levels_become_a_plain_integer():
    assert type(Adaptive(levels=np.int64(5)).levels) is int and Adaptive(levels=np.int64(5)).levels == 5
