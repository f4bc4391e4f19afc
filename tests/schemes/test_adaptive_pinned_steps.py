"""The next trial step against a plain loop over one line, and every trial of some searches in full."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.schemes import _adaptive_steps
from calcml.schemes._adaptive_fan import Side, Symmetric, Terms
from calcml.schemes._adaptive_steps import Steps
from calcml.schemes._adaptive_trials import Trial

INF, EPS = math.inf, 2.0**-52
HUGE = float(np.finfo(float).max) * 2.0**-60
LINES, OUTPUTS = 2000, 2


@pytest.fixture(autouse=True)
def powers_of_two(monkeypatch):
    """Let steps be powers of two, so that octaves and thresholds are exact."""
    monkeypatch.setattr(_adaptive_steps, "ASIDE", 1.0)


def fan_of(size, room=None, q_unit=1.0, trial=(2.0, 1.0)):
    size = np.asarray(size, dtype=float)
    room = np.full(len(size), INF) if room is None else np.asarray(room, dtype=float)
    return SimpleNamespace(eps=EPS, size=size, room=room, trial=trial, q_unit=q_unit)


def near(rng, *values):
    """Draw, per line, one of some values or of the numbers next to it."""
    shape = np.broadcast(*values).shape
    value = np.choose(rng.integers(0, len(values), shape), [np.broadcast_to(v, shape) for v in values])
    side = rng.integers(0, 4, shape)
    return np.where(side == 0, np.nextafter(value, INF), np.where(side == 1, np.nextafter(value, 0), value))


# The steps that lines allow. --------------------------------------------------------------------------------


def test_scales_of_a_line():
    steps = Steps(fan_of([0.0, 1.0, 0.5, 64.0, 1e300], [INF, 3.0, 1e9, 1e9, INF]), 1)
    np.testing.assert_array_equal(steps.most, [HUGE, 1.5, 5e8, 5e8, HUGE])
    np.testing.assert_array_equal(steps.unit, [1, 1, 1, 64, 1e300])
    np.testing.assert_array_equal(steps.halt[:4], [2.0**-13, 2.0**-13, 2.0**-13, 2.0**-7])
    np.testing.assert_array_equal(steps.first[:4], [2.0**-26, 2.0**-26, 2.0**-27, 2.0**-20])
    np.testing.assert_array_equal(steps.far(slice(None)), [16, 1.5, 16, 1024, min(1.6e301, HUGE)])
    np.testing.assert_array_equal(steps.far(np.array([3, 1])), [1024, 1.5])
    one_sided = Steps(fan_of([1.0], [3.0], trial=(4.0, 2.0, 1.0)), 1)
    assert one_sided.most[0] == 0.75


def test_allowed_steps_are_powers_of_two():
    steps = Steps(fan_of([0.0, 1.0, 3.0, 0.0], [INF, 2.0, 5.0, 2.0**-1060]), 1)
    every = slice(None)
    root = math.sqrt(2)

    def allowed(step, rows=every):
        return steps.allowed(np.asarray(step, dtype=float), rows).tolist()

    assert allowed([1.4, 0.7, 1.4, 1.0])[:3] == [1, 0.5, 1]  # 1 / √2 = 0.707 and √2 are the borders
    assert allowed([1.42, 0.71, 1.42, 1.0])[:3] == [2, 1, 2]
    assert allowed([root * (1 + 4 * EPS)] * 4)[0] == 2 and allowed([root * (1 - 4 * EPS)] * 4)[0] == 1
    # Above the room: the largest power of two inside; 5 / 2 = 2.5 leaves 2, and 1 is allowed exactly.
    assert allowed([1e9, 1e9, 1e9, 1e9]) == [2.0**30, 1, 2, 2.0**-1061]
    # Below: four units in the last place of x, and 2^-1040.
    assert allowed([0, 0, 0, 0]) == [2.0**-1040, 2.0**-50, 2.0**-48, 2.0**-1061]
    assert allowed([2.0**-60, 2.0**-60], np.array([2, 0])) == [2.0**-48, 2.0**-60]
    assert Steps(fan_of([1.375]), 1).allowed(np.zeros(1), every) == 2.0**-50


def test_steps_stand_aside_of_binary_fractions(monkeypatch):
    monkeypatch.undo()
    aside = 3731 / 4096
    assert aside == _adaptive_steps.ASIDE
    fan = fan_of([1.0, 0.0, 64.0], [INF, 1.9, 2 * aside])
    steps = Steps(fan, 1)
    np.testing.assert_array_equal(steps.first, aside * 2.0 ** np.array([-26, -26, -20]))
    root = math.sqrt(2) * aside
    np.testing.assert_array_equal(steps.allowed(np.full(3, root * (1 - 4 * EPS)), slice(None)), [aside] * 3)
    found = steps.allowed(np.full(3, root * (1 + 4 * EPS)), slice(None))
    np.testing.assert_array_equal(found, [2 * aside, aside, aside])
    np.testing.assert_array_equal(steps.allowed(np.zeros(1), np.array([0])), [aside * 2.0**-50])
    # Numbers with fewer than forty bits have none to spare.
    for eps, factor in ((2.0**-40, 1.0), (np.nextafter(2.0**-40, 0), aside)):
        fan.eps = eps
        assert Steps(fan, 1).allowed(np.array([0.9]), np.array([0]))[0] == factor
    # A patient search begins with half of max(|x|, 1).
    np.testing.assert_array_equal(
        Steps(fan_of([1.0, 0.0, 64.0]), 1, patient=True).first, aside * np.array([0.5, 0.5, 32])
    )


# From one step to the next. ---------------------------------------------------------------------------------


def draw(seed, q_unit=1.0, n=1):
    """Return steps, a state and a trial at the thresholds, and q."""
    rng = np.random.default_rng(seed)
    size = rng.choice([0.0, 1.0, 2.0**10], LINES)
    steps = Steps(fan_of(size, q_unit=q_unit), n)
    shape = (LINES, OUTPUTS)
    step = steps.halt * np.exp2(
        rng.choice([-30.0, -15.0, -14.0, -13.0, -12.0, -3.0, -2.0, -1.0, 0.0, 12.0], LINES)
    )
    moves = rng.random(shape) < 0.6
    noise = np.exp2(rng.choice([-40.0, -20.0], shape))
    # Noise leaves a step four times as long where its share of the head is 0.015 / 16 of the unit of q.
    head = near(rng, 8 * noise * 16 / 0.015 / q_unit, 8000 * noise, 2.0**20 * noise)
    slope = np.choose(rng.integers(0, 4, shape), [head, head / 3, 8 * noise, np.nextafter(8 * noise, 1)])
    scale = np.exp2(rng.choice([-2.0, 0.0, 8.0], shape)) * head
    terms = Terms(slope, np.maximum(head, slope), np.zeros(shape), scale)
    yes = np.ones(shape, dtype=bool)
    moving = moves.any(axis=1)
    trial = Trial(terms, 0.0, 0.0, None, noise, moves, moving, yes[:, 0], None)
    gallop = rng.choice([12.0, 24.0, 480.0, 520.0], LINES)
    state = SimpleNamespace(rows=slice(None), step=step, gallop=gallop)
    q = np.where(rng.random(LINES) < 0.5, 0.0, rng.choice([0.0001, 0.25, 0.4, INF], LINES))
    return steps, state, trial, q


def growth_of(steps, n, q_unit, line):
    """Return the factor to the next step of one line, and how far to gallop after that."""
    gallop = line.gallop if any(line.moves) else min(2 * line.gallop, 1000.0)
    if line.q > 0:
        return math.sqrt(0.015 / line.q), gallop
    if not any(line.moves):
        to_halt = math.log2(line.halt / line.step)
        if to_halt <= 1:
            return max(line.unit / 4 / line.step, 1.0), gallop
        return 2.0 ** (line.gallop if line.gallop < to_halt - 2 else to_halt), gallop
    hidden, change = 0.0, INF
    for moves, noise, slope, head, size in line.outputs:
        if moves:
            hidden = max(hidden, 8 * noise / head)
            if slope > 8 * noise:
                change = min(change, size / 4 / slope)
            if head > slope:
                change = min(change, math.sqrt(size / 4 / head))
    safe = math.sqrt(0.015 / (hidden / q_unit))
    if n > 1:
        change = max(line.unit / line.step, 4.0)
    return (min(16 * safe, change) if safe >= 4 else 0.0), gallop


@pytest.mark.parametrize(("n", "q_unit"), [(1, 1.0), (1, 0.25), (2, 1.0), (3, 0.25)])
def test_growth(n, q_unit):
    steps, state, trial, q = draw(10 * n, q_unit, n)
    before = state.gallop
    with np.errstate(all="ignore"):
        growth = steps.growth(state, trial, q)
    t = trial.terms
    for i in range(LINES):
        outputs = [
            (trial.moves[i, j], trial.noise[i, j], t.slope[i, j], t.head[i, j], t.size[i, j])
            for j in range(OUTPUTS)
        ]
        line = SimpleNamespace(q=q[i], moves=trial.moves[i], outputs=outputs, gallop=before[i])
        line.halt, line.unit, line.step = steps.halt[i], steps.unit[i], state.step[i]
        expected, gallop = growth_of(steps, n, q_unit, line)
        assert growth[i] == pytest.approx(expected, rel=4 * EPS, abs=0)
        assert (growth[i] == 0) == (expected == 0)
        if not (trial.moving & (q > 0)).all():
            assert state.gallop[i] == gallop
    assert (growth == 0).mean() > 0.02 and np.unique(growth).size > 15


def test_growth_where_all_lines_move():
    # By the law alone, and without a thought of noise; of some rows the scales are those of the rows.
    steps = Steps(fan_of([1.0, 64.0]), 2)
    terms = Terms(*np.ones((4, 1, 1)))
    yes = np.ones((1, 1), dtype=bool)
    trial = Trial(terms, 0.0, 0.0, None, np.zeros((1, 1)), yes, yes[0], yes[0], None)
    state = SimpleNamespace(rows=np.array([1]), step=np.array([2.0**-20]), gallop=np.array([12.0]))
    assert steps.growth(state, trial, np.array([0.00015]))[0] == pytest.approx(10)
    trial.noise[:] = 1e-8
    with np.errstate(all="ignore"):
        # 64 / step = 2^26 is further than 16 times what noise leaves, √(0.015 / 8e-8).
        assert steps.growth(state, trial, np.zeros(1))[0] == pytest.approx(16 * math.sqrt(0.015 / 8e-8))
        trial.moving[:] = trial.moves[:] = False
        # halt = 64 · 2^-13, thirteen octaves on: twelve leave one, which is too little to stop at.
        assert steps.growth(state, trial, np.zeros(1))[0] == 2.0**13
    assert state.gallop[0] == 24
    assert Steps(fan_of([1.0]), 1).following(
        SimpleNamespace(
            rows=np.array([0]), step=np.ones(1), low=np.zeros(1), high=np.full(1, INF), some_high=False
        ),
        np.zeros(1),
        np.full(1, 8.0),
    ) == [8.0]


def following_of(step, q, growth, low, high, halt):
    """Return the next step of one line, not yet rounded to a power of two."""
    growth = growth if growth > 0 else min(64.0, halt / step)
    new = step * max(growth, 4.0)
    if q > 0.15:
        lawful = step / 32 if q == 0.25 else step * math.sqrt(0.015 / q)
        new = step / 1024 if q > 0.3 else lawful
    middle = math.sqrt(low) * math.sqrt(high)
    if low > 0 and new > high / 2:
        new = max(middle, high / 8)
    if new < 2 * low and high < INF:
        new = middle
    return new


@pytest.mark.parametrize("seed", [5, 6])
def test_following(seed):
    rng = np.random.default_rng(seed)
    steps = Steps(fan_of(rng.choice([0.0, 1.0, 2.0**10], LINES)), 1)
    step = steps.halt * 4.0 ** rng.integers(-8, 3, LINES)
    q = near(rng, np.zeros(LINES), 0.15, 0.3, 0.25, 0.2, INF)
    growth = near(rng, np.zeros(LINES), 4.0, 2.0, 64.0, 256.0)
    low = np.where(rng.random(LINES) < 0.7, step * 4.0 ** rng.integers(-6, 3, LINES), 0.0)
    high = np.where(rng.random(LINES) < 0.8, np.maximum(low, step) * 2.0 ** rng.integers(1, 12, LINES), INF)
    state = SimpleNamespace(rows=slice(None), step=step, low=low, high=high, some_high=True)
    rounded, steps.allowed = steps.allowed, lambda new, rows: new
    with np.errstate(all="ignore"):
        found = steps.following(state, q, growth)
        steps.allowed = rounded
        powers = steps.following(state, q, growth)
        np.testing.assert_array_equal(powers, rounded(found, slice(None)))
    lines = zip(
        step.tolist(), q.tolist(), growth.tolist(), low.tolist(), high.tolist(), steps.halt, strict=True
    )
    np.testing.assert_allclose(found, [following_of(*line) for line in lines], rtol=4 * EPS)
    # Without a step that is too long there is no bracket to keep inside.
    state.some_high, steps.allowed = False, lambda new, rows: new
    with np.errstate(all="ignore"):
        free = steps.following(state, q, growth)
    lines = zip(step.tolist(), q.tolist(), growth.tolist(), steps.halt, strict=True)
    np.testing.assert_allclose(
        free, [following_of(*line[:3], 0.0, INF, line[3]) for line in lines], rtol=4 * EPS
    )
    few = rng.permutation(LINES)[:50]
    part = SimpleNamespace(rows=few, step=step[few], low=low[few], high=high[few], some_high=False)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(steps.following(part, q[few], growth[few]), free[few])


# Whole searches. --------------------------------------------------------------------------------------------


class Watched:
    """A fan that keeps the octaves of its trial steps."""

    def __init__(self, f, x, n, side, room):
        bounds = None if room is None else (np.array([x - room]), np.array([x + room]))
        lines = ElementwiseLines(Function(f, None), np.array([x]), bounds)
        every = np.arange(1)
        self.fan = Symmetric(lines, every) if side == 0 else Side(lines, every, np.array([side]))
        self.tried, evaluate = [], self.fan.evaluate

        def watched(nodes, step, rows):
            self.tried.append(math.log2(step[0] * nodes[-1]))
            return evaluate(nodes, step, rows)

        self.fan.evaluate = watched
