"""What the search concludes from a trial, against plain loops over one line, with all else held still."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from calcml.schemes import _adaptive_search as module
from calcml.schemes import _adaptive_steps
from calcml.schemes._adaptive_climb import Summit
from calcml.schemes._adaptive_fan import Terms
from calcml.schemes._adaptive_search import Search
from calcml.schemes._adaptive_steps import Steps
from calcml.schemes._adaptive_trials import Trial, Trials

INF, EPS = math.inf, 2.0**-52
LINES, OUTPUTS = 2000, 2
EVERY = slice(None)


@pytest.fixture(autouse=True)
def powers_of_two(monkeypatch):
    """Let steps be powers of two, so that octaves and thresholds are exact."""
    monkeypatch.setattr(_adaptive_steps, "ASIDE", 1.0)


def search_of(lines=LINES, n=1, size=None, **values):
    """Return a search that has made no trial yet."""
    size = np.ones(lines) if size is None else size
    given = dict(
        origin=np.zeros((lines, OUTPUTS)), usable=np.ones((lines, OUTPUTS), dtype=bool), eps=EPS, size=size
    )
    given |= dict(
        room=np.full(lines, INF), trial=(2.0, 1.0), signs=np.ones((2, lines)), tail_noise=1.0, q_unit=1.0
    )
    search = object.__new__(Search)
    search.fan, search.n, search.nodes = SimpleNamespace(**{**given, **values}), n, np.array([2.0, 1.0])
    search.steps, search.hasty = Steps(search.fan, n), n == 1
    search.state = Trials(search.fan, search.steps.first, 12.0)
    return search


def trial_of(lines=LINES, slope=0.0, head=0.0, tail=0.0, size=1.0, **values):
    shape = (lines, OUTPUTS)
    terms = Terms(
        *(np.broadcast_to(np.asarray(term, dtype=float), shape) for term in (slope, head, tail, size))
    )
    yes = np.ones(shape, dtype=bool)
    given = dict(change=0.0, longer=0.0, differs=None, noise=np.zeros(shape), moves=yes, moving=yes[:, 0])
    return Trial(terms, **{**given, "finite": yes[:, 0], "retreat": None, **values})


def near(rng, *values, lines=LINES):
    """Draw, per line, one of some values or of the numbers next to it."""
    value = np.choose(rng.integers(0, len(values), lines), [np.broadcast_to(v, lines) for v in values])
    side = rng.integers(0, 4, lines)
    return np.where(side == 0, np.nextafter(value, INF), np.where(side == 1, np.nextafter(value, 0), value))


def flags(rng, *shape, share=0.5):
    return rng.random(shape or LINES) < share


# Whether a step is accepted. --------------------------------------------------------------------------------


@pytest.mark.parametrize("hasty", [True, False])
@pytest.mark.parametrize("all_moved", [False, True])
def test_judge(hasty, all_moved):
    rng = np.random.default_rng(1)
    search = search_of(size=rng.choice([0.0, 1.0, 64.0], LINES))
    search.hasty = hasty
    q = near(rng, 0.002, 0.15, 0.3, 0.0, INF, 0.02)
    moved = flags(rng, share=0.7) | all_moved
    # From half of max(|x|, 1) on every step will do for higher derivatives.
    step = near(rng, search.steps.unit / 2, search.steps.unit / 4)
    head = np.where(flags(rng, LINES, OUTPUTS), 0.125, np.nextafter(0.125, 1)) * 8.0
    moves, finite = flags(rng, LINES, OUTPUTS, share=0.6), flags(rng, share=0.8)
    s = SimpleNamespace(ratio=lambda trial: q.copy(), moved=moved, step=step, rows=EVERY)
    trial = trial_of(head=head, size=8.0, moves=moves, moving=moves.any(axis=1), finite=finite)
    found, accepted = search._judge(s, trial)
    for i in range(LINES):
        short = q[i] < 0.002
        if hasty:
            short &= moves[i].any() and all(not m or h > 1 for m, h in zip(moves[i], head[i], strict=True))
        else:
            short &= step[i] > search.steps.unit[i] / 2
        inside = 0.002 <= q[i] <= 0.15 and moved[i]
        assert accepted[i] == (finite[i] and (inside or short))
        assert found[i] == (0.25 if not moved[i] and 0.002 <= q[i] <= 0.3 else q[i])


@pytest.mark.parametrize("some_low", [False, True])
@pytest.mark.parametrize("doubts", [False, True])
def test_lost(some_low, doubts):
    rng = np.random.default_rng(3)
    search = search_of(size=rng.choice([0.0, 64.0], LINES))
    halt = search.steps.halt
    step, q = near(rng, halt / 2, 2 * halt, halt), near(rng, np.zeros(LINES), 0.002, 0.15)
    growth = rng.choice([0.0, 0.0, 5.0], LINES)
    moving, accepted, finite = flags(rng, share=0.8), flags(rng, share=0.3), flags(rng, share=0.8)
    moved, poor, wavers = flags(rng), flags(rng), flags(rng, share=0.3)
    low = rng.choice([0.0, 1e-6], LINES) * some_low
    s = SimpleNamespace(
        step=step, rows=EVERY, moved=moved.copy(), poor=poor.copy(), low=low, some_low=some_low
    )
    s.wavers = lambda trial, differs: wavers.copy()
    differs = np.ones((LINES, OUTPUTS), dtype=bool) if doubts else None
    trial = trial_of(moving=moving, finite=finite, differs=differs)
    late, lost = search._lost(s, trial, q, accepted, growth)
    for i in range(LINES):
        nothing = growth[i] == 0 and q[i] == 0 and moving[i] and not accepted[i]
        end = nothing and 2 * step[i] > halt[i]
        slow = doubts and wavers[i] and finite[i] and q[i] <= 0.15
        chance = (not moved[i] or poor[i]) and moving[i] and low[i] > 0
        slow |= chance and (q[i] >= 0.002 or (end and step[i] > 2 * halt[i]))
        assert (late[i], lost[i]) == (slow, slow or end)
        assert s.poor[i] == (nothing if (growth == 0).any() else False)
        assert s.moved[i] == (moved[i] or moving[i])


@pytest.mark.parametrize("some_high", [False, True])
def test_given_up(some_high):
    rng = np.random.default_rng(4)
    search = search_of(size=rng.choice([0.0, 64.0], LINES))
    unit = search.steps.unit
    step, low = near(rng, unit / 8, unit / 16), rng.choice([0.0, 2.0**-20], LINES)
    high = np.where(flags(rng) & some_high, near(rng, 2.0**-16, 2.0**-15), INF)
    q, failures = near(rng, 0.3, 0.0, INF), rng.integers(0, 7, LINES)
    moving, finite = flags(rng, share=0.7), flags(rng, share=0.8)
    new = np.where(flags(rng, share=0.1), step, 2 * step)
    s = SimpleNamespace(high=high, low=low, step=step, rows=EVERY, failures=failures, some_high=some_high)
    settled = search._given_up(s, trial_of(moving=moving, finite=finite), q, new)
    for i in range(LINES):
        over = bool(high[i] <= 16 * low[i] or new[i] == step[i])
        over |= some_high and failures[i] + (q[i] > 0.3) >= 6
        over |= not moving[i] and finite[i] and 2 * step[i] > unit[i] / 4
        assert settled[i] == over
    np.testing.assert_array_equal(s.failures, failures + ((q > 0.3) if some_high else 0))


@pytest.mark.parametrize("trials", [2, 3, 11, 12])
@pytest.mark.parametrize(("share", "lost_share"), [(0.0, 0.0), (0.3, 0.075), (1.0, 0.25), (0.3, 0.0)])
def test_decide(trials, share, lost_share):
    rng = np.random.default_rng(trials)
    search, steps = search_of(), 2.0 ** rng.integers(-30, 0, (8, LINES))
    q, low_before, low, first, high, step, new = near(rng, 0.002, 0.1), *steps[:6]
    low = low * flags(rng, share=0.8)
    accepted, late, lost = (flags(rng, share=s) for s in (share, lost_share, lost_share))
    lost |= late
    still, side, jumps, up = (flags(rng, share=share / 5) for _ in range(4))
    finite, asked = flags(rng, share=0.9), {}
    old = SimpleNamespace(flat="as before", way_up="as before", resort="as before")
    s = SimpleNamespace(step=step, low=low_before, first=first, high=high, rows=EVERY, **vars(old))
    trial, values = trial_of(finite=finite), np.zeros((2, 2, LINES, OUTPUTS))
    search._judge = lambda s, trial: (q, accepted.copy())
    search.steps.growth = lambda s, trial, q: "growth"
    search._lost = lambda s, trial, q, accepted, growth: (late, lost) if growth == "growth" else None
    search.steps.following = lambda s, q, growth: new if growth == "growth" else None
    search._given_up = lambda s, trial, q, following: up if following is new else None

    def bracket(trial, q, accepted):
        s.low, asked["bracket"] = low, accepted

    def jumps_of(trial, best, settled):
        asked["best"], asked["settled"] = best, settled.copy()
        return jumps

    def one_sided(trial, seen, late):
        assert seen is values
        asked["late"] = late
        return side

    s.keep = lambda seen, kept: asked.update(kept=kept) if seen is values else None
    s.bracket, s.jumps, s.one_sided, s.stands_still = bracket, jumps_of, one_sided, lambda trial: still
    settled = search._decide(s, trial, values, trials)
    good = accepted & ~late
    np.testing.assert_array_equal(asked["kept"], finite & (good | (q < 0.002)))
    np.testing.assert_array_equal(asked["bracket"], good)
    assert asked["late"] == (trials >= 3)
    over = good | lost | still | side | up | (trials >= 12)
    np.testing.assert_array_equal(settled, over)
    best = np.where(good | (low == 0), step, low)
    np.testing.assert_array_equal(asked["best"], best)
    np.testing.assert_array_equal(asked["settled"], over)
    jump = jumps & over & ~still
    climb = lost | still | jump
    if climb.any():
        start = np.where(jump, high, np.where(late, low_before, np.maximum(step, first)))
        np.testing.assert_array_equal(s.flat, still)
        np.testing.assert_array_equal(s.way_up, np.where(climb, start, 0))
        np.testing.assert_array_equal(s.resort, np.where(lost & ~still & ~jump, start, 0))
    else:
        assert (s.flat, s.way_up, s.resort) == ("as before",) * 3
    np.testing.assert_array_equal(s.step, np.where(over, best, new))


# What the climb and the values leave. -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way_up", "still", "sure", "looks"),
    [
        ([0.0, 0.0], [0.0, 0.0], [0.0, 0.0], False),
        ([0.0, 0.5], [0.0, 2.0**-30], [0.0, 0.0], True),
        ([0.0, 0.5], [0.0, 0.0], [2.0**-30, 0.0], True),
    ],
)
def test_a_run_tries_climbs_and_looks_for_a_grid(way_up, still, sure, looks):
    search, calls = search_of(2), []
    s = search.state

    def attempt(state, trials):
        calls.append(("try", trials))
        state.way_up = np.array(way_up)
        state.still, state.sure = (np.array(part)[:, None] * np.ones(OUTPUTS) for part in (still, sure))

    search._try = attempt
    search._climb = lambda part: calls.append(("climb", len(part.step)))
    search._grain = lambda state, quick: calls.append(("grain", quick.tolist())) or "grain"
    search._run(s, 3)
    climbs = [("climb", 1)] if any(way_up) else []
    # Only lines that have not climbed know the noise of the trials.
    assert calls == [("try", 3), *climbs, *([("grain", [True, False])] if looks else [])]
    assert (s.grain == "grain") if looks else not s.grain.any()


def test_climb(monkeypatch):
    rng = np.random.default_rng(7)
    size = 8
    search = search_of(size, size=np.array([64.0, 1.0] * 4))
    rows = np.array([7, 1, 2, 3, 4, 5])
    p = len(rows)
    s = search.state.take(rows)
    s.resort = np.array([0, 2.0**-9, 2.0**-9, 0, 2.0**-9, 2.0**-9])
    s.doubted, s.jump = rng.random((p, OUTPUTS)), rng.random((p, OUTPUTS))
    s.way_up, s.high, s.step = np.full(p, 0.5), np.full(p, 0.25), np.full(p, 0.125)
    s.flat, s.known, s.values = np.arange(p) == 3, np.ones(p, dtype=bool), rng.random(s.values.shape)
    s.noise, s.quiet = rng.random((2, p, OUTPUTS))
    s.still = rng.choice([0.0, 0.0625, 0.125, 0.25], (p, OUTPUTS))
    before, resort = s.take(np.arange(p)), s.resort > 0
    shows, leaps = np.array([1, 1, 0, 0, 0, 1], dtype=bool), np.array([0, 1, 1, 1, 0, 0], dtype=bool)
    noise, grain = rng.random((2, p, OUTPUTS))
    rough = np.array([[1, 0]] * p, dtype=bool)
    end = Summit(np.full(p, 8.0), shows, rng.random(s.values.shape), noise, leaps, rough, grain)
    seen = []

    class Fake:
        def __init__(self, *given):
            seen.extend(given)

        def summit(self):
            return end

    monkeypatch.setattr(module, "Climb", Fake)
    search._climb(s)
    fan, lines, start, far, jump, high, flat = seen
    assert (fan is search.fan and start is before.way_up) or (start == 0.5).all()
    np.testing.assert_array_equal(lines, rows)
    np.testing.assert_array_equal(far, search.steps.far(rows))
    np.testing.assert_array_equal(jump, np.where(resort[:, None], 0, before.doubted))
    np.testing.assert_array_equal(high, before.high)
    # Below the jump f stands still, or has done so at the best step.
    np.testing.assert_array_equal(flat, before.flat[:, None] | (before.still >= 0.125))
    found, nothing = shows[:, None], resort & ~shows
    # Below a jump or a kink the step that was too short is left; else |x| / 4 stands for the length.
    left = np.where(leaps, 2.0**-9, search.steps.unit[rows] / 4)
    np.testing.assert_array_equal(s.step, np.where(shows, 8, np.where(nothing, left, 0.125)))
    np.testing.assert_array_equal(s.high, np.where(shows, INF, 0.25))
    np.testing.assert_array_equal(s.known, ~nothing)
    np.testing.assert_array_equal(s.values, np.where(found, end.values, before.values))
    np.testing.assert_array_equal(s.jump, np.where(rough & ~found, before.jump, 0))
    np.testing.assert_array_equal(s.grain, np.where(found, grain, 0))
    np.testing.assert_array_equal(s.noise, np.where(found, noise, before.noise))
    np.testing.assert_array_equal(s.quiet, np.where(found, noise, before.quiet))


def test_lines_that_show_become_known(monkeypatch):
    search = search_of(2)
    s = search.state
    end = Summit(np.ones(2), np.array([True, False]), s.values, s.noise, s.flat, s.noise > 0, s.grain)
    monkeypatch.setattr(module, "Climb", lambda *given: SimpleNamespace(summit=lambda: end))
    search._climb(s)
    np.testing.assert_array_equal(s.known, [True, False])


@pytest.mark.parametrize("tail_noise", [1.0, 10.0])
def test_grain(tail_noise):
    rng = np.random.default_rng(8)
    search = search_of(tail_noise=tail_noise)
    shape, rounding = (LINES, OUTPUTS), EPS / 2 * tail_noise * 4
    slope = np.where(flags(rng, *shape), 8 * rounding / 4, np.nextafter(8 * rounding / 4, 1)) * 4
    search.fan.terms = lambda values, rows: Terms(slope, slope, slope, np.full(shape, 4.0))
    s = search.state
    s.step, s.still = 2.0 ** rng.integers(-4, 0, LINES), rng.choice([0.0, 2.0**-6], shape)
    s.sure, s.grain = rng.choice([0.0, 8 * rounding, 9 * rounding, 1e-9], (2, *shape))
    s.known, quick = flags(rng, share=0.8), flags(rng)
    with np.errstate(all="ignore"):
        found = search._grain(s, quick)
    for i, j in np.ndindex(*shape):
        # The longest step at which f stood still may be a fourth of a step of its values.
        grain = max(
            s.grain[i, j], 4 * slope[i, j] * (s.still[i, j] / s.step[i]), s.sure[i, j] if quick[i] else 0.0
        )
        assert found[i, j] == (grain if grain > 8 * rounding and s.known[i] else 0)


def test_what_a_tableau_may_take_for_noise():
    search = search_of(3)
    search.state.quiet, search.state.grain = np.ones((3, OUTPUTS)), np.array([[0, 31.0], [0, 33.0], [0, 1.0]])
    rows = np.array([1, 0])
    found = search.credible(np.zeros((2, OUTPUTS)), rows)
    np.testing.assert_array_equal(found, [[256, 264], [256, 256]])
    np.testing.assert_array_equal(search.credible(np.full((2, OUTPUTS), 1.0), rows), np.full((2, 2), 3e4))
