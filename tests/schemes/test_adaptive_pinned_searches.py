"""Every trial of whole searches, alone and in company; and how a search is taken up again below its step."""

import math

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.schemes import _adaptive_steps
from calcml.schemes._adaptive_fan import Side, Symmetric, Terms
from calcml.schemes._adaptive_search import Search, _apart
from calcml.schemes._adaptive_trials import Trial

INF = math.inf


@pytest.fixture(autouse=True)
def powers_of_two(monkeypatch):
    """Let steps be powers of two, so that octaves and thresholds are exact."""
    monkeypatch.setattr(_adaptive_steps, "ASIDE", 1.0)


class Watched:
    """A search of which every trial is kept, as octaves of the last node."""

    def __init__(self, f, x, n=1, side=0, lines=None):
        x = np.atleast_1d(np.asarray(x, dtype=float))
        lines, every = lines or ElementwiseLines(Function(f, None), x, None), np.arange(len(x))
        self.fan = Symmetric(lines, every) if side == 0 else Side(lines, every, np.full(len(x), float(side)))
        self.tried, evaluate = [[] for _ in x], self.fan.evaluate

        def watched(nodes, step, rows):
            for k, i in enumerate(every[rows]):
                self.tried[i].append(int(math.log2(step[k] * nodes[-1])))
            return evaluate(nodes, step, rows)

        self.fan.evaluate = watched
        with np.errstate(all="ignore"):
            self.search = Search(self.fan, n)


def climb(start, end):
    return list(range(start, end + 1))


# First trial at eps^(1/2) = 2^-26 of |x|.  Where the tail is hidden the bound that noise leaves, times
# 16, is 2^13; where f stands still, 2^12, and then on to eps^(1/4) = 2^-13 of max(|x|, 1).  Where a trial
# tells q, the next is at √(0.015 / q).  Without a finite or lawful trial: 2^-10, or 2^-5 for proof.
SEARCHES = {
    "exp": (np.exp, 1.0, 1, [-26, -13, -2], -2),
    "second derivative": (np.exp, 1.0, 2, [-26, -13, -2], -2),
    "zero": (np.sin, 0.0, 1, [-26], -26),
    "one that is found at once": (lambda x: np.sin(1024 * x), 1.0, 1, [-26, -12], -12),
    "constant": (lambda x: 2.5 + 0 * x, 1.0, 1, [-26, -13, -2], -2),
    "constant at 0": (lambda x: 2.5 + 0 * x, 0.0, 1, [-26, -13, -2], -2),
    "constant at 64": (lambda x: 2.5 + 0 * x, 64.0, 2, [-20, -7, 4], 4),
    "line": (lambda x: 3 * x + 2, 1.0, 1, [-26, -13, -1], -1),
    "line, second derivative": (lambda x: 3 * x + 2, 1.0, 2, [-26, -13, 0], 0),
    "pole": (lambda x: 1 / x, 2.0**-20, 1, [-46, -33, -23], -23),
    "kink": (lambda x: np.abs(x - 1), 1.0, 1, [-26, -31], -31),
    "wave": (lambda x: x * x + 1e-6 * np.sin(500 * x), 1.3, 1, [-26, -13, -4, -18, -15], -15),
    "rounded": (lambda x: np.round(np.sin(x), 3), 1.0, 1, [-26, -13, *climb(-13, 5)], -2),
    "jump": (lambda x: 10 + np.where(x > 1, x * x, 0), 0.9, 1, [-26, -13, -2, *climb(-13, 5)], -13),
    "steps on a slope": (lambda x: 5 + np.round(x, 5), 1.0, 1, [-26, -13, 1, -9, *climb(-9, 5)], 4),
    "only above": (lambda x: np.where(x < 1, np.nan, np.exp(x)), 1.0, 1, [-26, -36, -46], -46),
    "only below": (lambda x: np.where(x > 1, np.nan, np.exp(x)), 1.0, 1, [-26, -36, -46], -46),
    "nowhere": (lambda x: np.where(x == 1, 1.0, np.nan), 1.0, 1, [-26, -36, -46, -50], -50),
    "root": (lambda x: np.sqrt(np.abs(x)), 0.0, 1, [-26, -31, *range(-33, -52, -2)], -51),
    "cube": (lambda x: x * x * x, 0.0, 1, [-26, -36, -46, -56, -66, -76], -76),
    "seventh power": (lambda x: (x - 1) ** 7, 1.0, 1, [-26, -36, -46, -50], -50),
    "no scale": (np.exp, 1e-300, 1, [-1023, -1011, -987, -939, -843, -651, -267, -13, -2], -2),
    "largest numbers": (lambda x: x * 1e-10, 1e300, 1, [964], 964),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_trials(name):
    f, x, n, tried, step = SEARCHES[name]
    watched = Watched(f, x, n)
    assert watched.tried == [tried]
    assert watched.search.state.step[0] == 2.0**step
    assert watched.search.state.open_side[0] == {"only above": 1, "only below": -1}.get(name, 0)


@pytest.mark.parametrize(
    ("n", "side", "tried", "step"), [(1, 1, [-27, -17, -3], -2), (2, -1, [-27, -17, -2], -1)]
)
def test_trials_on_one_side(n, side, tried, step):
    # The last node of a trial is half its step.
    watched = Watched(np.exp, 1.0, n, side)
    assert watched.tried == [tried] and watched.search.state.step[0] == 2.0**step


def test_what_is_known_of_values_on_a_grid():
    # Values are half a unit of the third decimal off, and cancellation makes of that as much as 7 units.
    s = Watched(*SEARCHES["rounded"][:2]).search.state
    assert s.grain[0, 0] == pytest.approx(0.0035) and s.jump[0, 0] == 0 and s.high[0] == INF and s.known[0]
    s = Watched(*SEARCHES["jump"][:2]).search.state
    assert s.grain[0, 0] == 0 and s.high[0] == 0.25 and s.low[0] == 2.0**-13 and not s.known[0]
    s = Watched(lambda x: np.sin(np.asarray(x, "f4").astype(float)), 1.0).search.state
    # f stood still at 2^-26, so a step of it may be four times as wide; half its height is noise.
    slope = math.cos(1) * s.step[0]
    assert s.grain[0, 0] == pytest.approx(4 * slope * 2.0**-26 / s.step[0], rel=1e-2)
    s = Watched(np.exp, 1.0).search.state
    assert s.grain[0, 0] == s.jump[0, 0] == 0 and s.known[0] and s.low[0] == 2.0**-13


def test_company_changes_no_trial():
    names = [name for name, entry in SEARCHES.items() if entry[2] == 1]
    functions, x = zip(*(SEARCHES[name][:2] for name in names), strict=True)

    class Own(ElementwiseLines):
        """Lines with a function of their own on each."""

        def evaluate(self, t, index=None):
            known = np.arange(self.count) if index is None else index
            columns = [functions[i](x[i] + t[..., k]) for k, i in enumerate(known)]
            return np.stack(columns, axis=-1)[..., None]

    each = Function(lambda t: np.array([g(v) for g, v in zip(functions, t, strict=True)]), None)
    watched = Watched(None, x, lines=Own(each, np.array(x), None))
    for k, name in enumerate(names):
        *_, tried, step = SEARCHES[name]
        assert watched.tried[k] == tried and watched.search.state.step[k] == 2.0**step, name


# Taking up again. -------------------------------------------------------------------------------------------


def test_shorten_starts_below_the_step():
    watched = Watched(np.exp, [1.0, 2.0, 1.0, 3.0])
    search, seen = watched.search, []
    s = search.state
    s.low = np.array([2.0**-14, 0.0, 2.0**-2, 2.0**-9])
    s.step = np.array([2.0**-2, 2.0**-2, 2.0**-2, 2.0**-49])
    s.known[3] = False
    s.failures, s.tail_low = np.full(4, 5), np.array([[1.0], [2.0], [3.0], [4.0]])
    before = s.take(np.arange(4))
    terms = watched.fan.terms(s.values, slice(None))
    again = np.array([0, 1, 2])

    def run(part, trials):
        seen.append((part.take(np.arange(len(part.step))), trials))
        part.step = part.step.copy()
        part.step[part.rows == 1] = before.step[1]

    search._run = run
    np.testing.assert_array_equal(search.shorten(again), [True, False, True])
    ((part, trials),) = seen
    # Half of the trials are left; in the middle between the steps, or 2^-5 below.
    assert trials == 6
    assert isinstance(trials, int)
    np.testing.assert_array_equal(part.step, [2.0**-8, 2.0**-7, 2.0**-7])
    np.testing.assert_array_equal(part.low, [2.0**-14, 0, 0])
    np.testing.assert_array_equal(part.tail_low[:, 0], [1, 2, 0])
    np.testing.assert_array_equal(part.high, before.step[:3])
    np.testing.assert_array_equal(part.head_high, terms.head[:3])
    np.testing.assert_array_equal(part.jump_high, terms.tail[:3])
    assert (part.tail_high == INF).all() and part.tail_high.shape == (3, 1)
    assert part.loud.all() and part.loud.dtype == bool and not part.known.any() and part.known.dtype == bool
    assert part.some_high is True and (part.failures == 0).all()
    np.testing.assert_array_equal(search.state.step, [2.0**-8, 2.0**-2, 2.0**-7, 2.0**-49])
    np.testing.assert_array_equal(search.state.failures, [0, 0, 0, 5])


def test_shorten_where_nothing_is_known_or_possible():
    watched = Watched(np.exp, [1.0, 1.0])
    search, s = watched.search, watched.search.state
    s.known = np.array([False, True])
    s.step = np.array([2.0**-2, 2.0**-50])  # the least step at 1: below it is none
    seen = []
    search._run = lambda part, trials: seen.append(part.take(np.arange(len(part.step))))
    np.testing.assert_array_equal(search.shorten(np.array([0, 1])), [True, False])
    (part,) = seen
    assert len(part.step) == 1 and part.head_high[0, 0] == part.jump_high[0, 0] == 0


def test_terms_that_are_not_finite_are_none():
    watched = Watched(np.exp, [1.0])
    search, seen = watched.search, []
    watched.fan.terms = lambda values, rows: Terms(
        *(np.full((1, 1), part) for part in (1.0, INF, np.nan, 1.0))
    )
    search._run = lambda part, trials: seen.append(part.take(np.arange(1)))
    search.shorten(np.array([0]))
    assert seen[0].head_high[0, 0] == seen[0].jump_high[0, 0] == 0


def test_a_wave_on_a_smaller_scale_is_gone_after():
    # The tail of the trial before is neither noise nor part of this one: 2^-5 below the shorter one.
    watched = Watched(np.exp, [1.0, 1.0, 1.0])
    search, s = watched.search, watched.search.state
    s.step, s.low = np.array([2.0**-4, 2.0**-5, 2.0**-6]), np.array([2.0**-12, 2.0**-13, 2.0**-14])
    s.tail_low, s.slope_low = np.array([[3.0], [4.0], [5.0]]), np.ones((3, 1))
    s.known[:] = True
    quiet, yes = np.zeros((3, 1)), np.ones((3, 1), dtype=bool)
    retreat = np.array([False, True, False])
    trial = Trial(
        Terms(quiet, quiet, quiet, quiet), 0.0, 0.0, None, quiet, yes, yes[:, 0], yes[:, 0], retreat
    )
    kept = s.take(np.arange(3))

    def decide(state, trial, values, trials):
        assert values.shape == (2, 2, 3, 1)
        state.step, state.low = state.step / 2, 2 * state.low
        return np.ones(3, dtype=bool)

    search._decide = decide
    for trials, goes in ((11, True), (12, False)):
        state = kept.take(np.arange(3))
        state.rows, state.look = slice(None), lambda values: trial
        settled = search._advance(state, trials)
        np.testing.assert_array_equal(settled, [True, not goes, True])
        np.testing.assert_array_equal(state.step, [2.0**-5, 2.0**-18 if goes else 2.0**-6, 2.0**-7])
        np.testing.assert_array_equal(state.high[1] < INF, goes)
        np.testing.assert_array_equal(state.low, [2.0**-11, 0 if goes else 2.0**-12, 2.0**-13])
        if goes:
            assert state.high[1] == 2.0**-13 and state.some_high
            assert state.tail_high[1, 0] == state.jump_high[1, 0] == state.head_high[1, 0] == 4
            assert (
                state.tail_low[1, 0] == state.slope_low[1, 0] == 0 and not state.known[1] and state.known[0]
            )


def test_work_on_some_lines_alone():
    state = Watched(np.exp, [1.0, 2.0, 3.0]).search.state
    seen = []

    def work(part):
        seen.append(part)
        part.step = part.step * 0 + 7

    _apart(state, np.zeros(3, dtype=bool), work)
    assert seen == []
    _apart(state, np.array([True, False, True]), work)
    assert len(seen[0].step) == 2 and seen[0] is not state
    np.testing.assert_array_equal(state.step == 7, [True, False, True])
    _apart(state, np.ones(3, dtype=bool), work)
    assert seen[1] is state


# What the search says of the error. -------------------------------------------------------------------------


def test_span_is_the_change_over_the_length():
    watched = Watched(np.exp, [1.0] * 6)
    heads = np.array([[2.0], [0.0], [INF], [np.nan], [2.0], [2.0**-9]])
    watched.fan.terms = lambda values, rows: Terms(heads, heads, heads, heads)
    watched.search.state.known = np.array([True, True, True, True, False, True])
    span = watched.search.span(np.full((6, 1), 3.0))
    np.testing.assert_array_equal(span, [[16], [3], [3], [3], [3], [2.0**-6]])


def test_far_is_the_change_at_the_first_step():
    search = Watched(np.exp, [1.0, 2.0], 2).search
    np.testing.assert_array_equal(search.state.first, [2.0**-26, 2.0**-25])
    change = np.exp([1.0, 2.0]) * search.state.first
    np.testing.assert_allclose(search.state.far[:, 0], change, rtol=1e-6)
    far = search.far(np.array([2.0**-27, 2.0**-25]))
    np.testing.assert_allclose(far[:, 0], [math.e * 2.0**26, 0], rtol=1e-6)
    # What is not finite there is not known.
    search = Watched(lambda x: np.where(np.abs(x - 1) > 1e-9, np.inf, x), 1.0).search
    assert search.state.far[0, 0] == 0 and search.hasty
    # The larger of head and tail: of a cube the tail is all there is.
    search = Watched(lambda x: x * x * x, 0.0).search
    assert search.state.far[0, 0] == pytest.approx(2.0**-78)


def test_patience_goes_on_to_the_length():
    # From 1/2, with a proof at 1/64 as long as no shorter trial has moved f.
    watched = Watched(np.sin, 0.0)
    watched.tried[0].clear()
    with np.errstate(all="ignore"):
        patient = Search(watched.fan, 1, patient=True)
    assert not patient.hasty and watched.tried == [[-1, -6, -3]] and patient.state.step[0] == 2.0**-3
    assert not Watched(np.sin, 0.0, 2).search.hasty


def test_doubt_is_a_jump_over_the_length_to_it():
    search = Watched(np.exp, [1.0, 1.0]).search
    assert (search.doubt(3) == 0).all()
    search.state.jump, search.state.high = np.array([[3.0], [0.0]]), np.array([0.5, INF])
    np.testing.assert_array_equal(search.doubt(1), [[6], [0]])
    np.testing.assert_array_equal(search.doubt(3), [[24], [0]])
    search.state.jump = np.array([[2.0**-9], [0.0]])
    np.testing.assert_array_equal(search.doubt(1), [[2.0**-8], [0]])
