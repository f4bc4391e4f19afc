"""What a trial answers, against plain loops over one line and one output, at every threshold."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from calcml.schemes._adaptive_fan import Terms
from calcml.schemes._adaptive_trials import Trial, Trials

INF = math.inf
LINES, OUTPUTS = 1500, 2
EPS = 2.0**-52


class Draw:
    """Random numbers at thresholds, and next to them."""

    def __init__(self, seed, lines=LINES):
        self.rng, self.shape = np.random.default_rng(seed), (lines, OUTPUTS)

    def near(self, *values):
        """Draw, per entry, one of some values or of the numbers next to it."""
        choice = self.rng.integers(0, len(values), self.shape)
        value = np.choose(choice, [np.broadcast_to(v, self.shape) for v in values])
        side = self.rng.integers(0, 4, self.shape)
        with np.errstate(invalid="ignore"):
            beside = [np.nextafter(value, INF), np.nextafter(value, 0)]
        return np.where(side == 0, beside[0], np.where(side == 1, beside[1], value))

    def one_of(self, *values):
        return self.rng.choice(values, self.shape)

    def line(self, *values):
        return self.rng.choice(values, self.shape[0])


def fan_of(lines=LINES, **values):
    given = dict(origin=np.zeros((lines, OUTPUTS)), usable=np.ones((lines, OUTPUTS), dtype=bool), eps=EPS)
    given |= dict(
        tail_noise=1.0, q_unit=1.0, size=np.ones(lines), trial=(2.0, 1.0), signs=np.ones((2, lines))
    )
    return SimpleNamespace(**{**given, **values})


def state_of(fan, step, **values):
    state = Trials(fan, step, 12.0)
    for name, value in values.items():
        setattr(state, name, value)
    return state


def trial_of(lines=LINES, slope=0.0, head=0.0, tail=0.0, size=1.0, **values):
    shape = (lines, OUTPUTS)
    terms = Terms(
        *(np.broadcast_to(np.asarray(term, dtype=float), shape) for term in (slope, head, tail, size))
    )
    yes = np.ones(shape, dtype=bool)
    given = dict(change=0.0, longer=0.0, differs=None, noise=np.zeros(shape), moves=yes, moving=yes[:, 0])
    return Trial(terms, **{**given, "finite": yes[:, 0], "retreat": None, **values})


def rows_of(rng):
    """Yield all lines at once and some of them alone, so that nothing depends on company."""
    yield np.arange(LINES)
    yield from rng.permutation(LINES)[:40, None]


def part_of(trial, rows):
    """Return a trial on some lines."""

    def pick(value):
        return value[rows] if isinstance(value, np.ndarray) else value

    terms = Terms(*(getattr(trial.terms, name)[rows] for name in ("slope", "head", "tail", "size")))
    names = ("change", "longer", "differs", "noise", "moves", "moving", "finite", "retreat")
    return Trial(terms, *(pick(getattr(trial, name)) for name in names))


def cut(state, rows):
    part = state.take(rows)
    part.fan = state.fan
    return part


@pytest.mark.parametrize("q_unit", [1.0, 0.25])
def test_ratio(q_unit):
    d = Draw(3)
    noise, size, size_low = d.one_of(0.0, 2.0**-40), d.one_of(1.0, 8.0), d.one_of(0.5, 1.0, 8.0)
    tail_low = d.one_of(0.0, 2.0**-38, 2.0**-45)
    tail = d.near(8 * noise, 64 * noise, 2.0**-30)
    head = d.one_of(0.0, 2.0**-30, 1.0, INF)
    longer = d.line(0.0, 4.0, 16.0)[:, None]
    # A slope differs where more than tail and noise speak for it: the noise of the shorter trial, times what
    # the step has grown, or what cancellation of four digits leaves.
    unsure = np.maximum(np.maximum(noise, tail_low), 3e4 * EPS / 2 * size_low)
    change = d.near(8 * (tail + unsure * longer), 8 * (tail + noise * longer))
    differs, usable = d.one_of(True, False), d.one_of(True, True, False)
    moved, finite = d.line(True, False), d.line(True, True, True, False)
    fan = fan_of(usable=usable, q_unit=q_unit)
    state = state_of(fan, np.ones(LINES), tail_low=tail_low, size_low=size_low, moved=moved)
    trial = trial_of(
        head=head,
        tail=tail,
        size=size,
        noise=noise,
        differs=differs,
        change=change,
        longer=longer,
        finite=finite,
    )
    for doubts in (True, False):
        trial.differs = differs if doubts else None
        for rows in rows_of(d.rng):
            with np.errstate(all="ignore"):
                q = cut(state, rows).ratio(part_of(trial, rows))
            for k, i in enumerate(rows):
                most, beats = 0.0, False
                for j in range(OUTPUTS):
                    if usable[i, j] and tail[i, j] > 8 * noise[i, j]:
                        most = max(most, INF if head[i, j] == 0 else float(tail[i, j] / head[i, j]))
                    beats |= bool(
                        differs[i, j]
                        and doubts
                        and moved[i]
                        and change[i, j] > 8 * (tail[i, j] + unsure[i, j] * longer[i, 0])
                    )
                assert q[k] == (INF if beats or not finite[i] else most / q_unit)


def test_a_slope_wavers_where_it_changes_by_half():
    d = Draw(4)
    slope, slope_low, longer = d.one_of(1.0, 3.0), d.one_of(0.25, 1.0), d.line(2.0, 4.0)[:, None]
    change = d.near(np.maximum(slope, slope_low * longer) / 2)
    differs, moved = d.one_of(True, False), d.line(True, True, False)
    state = state_of(fan_of(), np.ones(LINES), slope_low=slope_low, moved=moved)
    found = state.wavers(trial_of(slope=slope, change=change, longer=longer), differs)
    expected = differs & (change > np.maximum(slope, slope_low * longer) / 2)
    np.testing.assert_array_equal(found, [moved[i] and expected[i].any() for i in range(LINES)])
    assert 0.1 < found.mean() < 0.9


def test_f_stands_still_where_smooth_f_would_move():
    d = Draw(5)
    step, high = np.ones(LINES), d.line(0.5, 1.0, 4.0, INF)
    usable, moves = d.one_of(True, True, False), d.one_of(True, False)
    noise, size = d.one_of(2.0**-40, 2.0**-10), d.one_of(1.0, 64.0)
    share = np.where(high < INF, high, 1.0)[:, None] ** 2
    above = np.where(high[:, None] < INF, d.near(8 * noise * share, 0.01 * size, 32 * noise * share), 0.0)
    state = state_of(fan_of(usable=usable), step, high=high, head_high=above)
    trial = trial_of(size=size, noise=noise, moves=moves)
    for rows in rows_of(d.rng):
        part = cut(state, rows)
        part.doubted = part.jump = np.full((len(rows), OUTPUTS), 7.0)
        with np.errstate(all="ignore"):
            found = part.stands_still(part_of(trial, rows))
        assert found.dtype == bool
        if not (usable & ~moves)[rows].any():
            assert not found.any() and (part.doubted == 7).all() and (part.jump == 7).all()
            continue
        for k, i in enumerate(rows):
            still = [
                bool(usable[i, j] and not moves[i, j] and step[i] < high[i] < INF)
                and above[i, j] / high[i] ** 2 > 8 * noise[i, j]
                for j in range(OUTPUTS)
            ]
            small = [s and above[i, j] <= 0.01 * size[i, j] for j, s in enumerate(still)]
            assert found[k] == any(still)
            np.testing.assert_array_equal(part.doubted[k], np.where(still, above[i], 0.0))
            np.testing.assert_array_equal(part.jump[k], np.where(small, above[i], 0.0))


@pytest.mark.parametrize("seed", [6, 7])
def test_jumps(seed):
    d = Draw(seed)
    step, first = d.line(0.5, 1.0), d.line(0.25, 0.5, 1.0)
    best = np.where(d.line(True, False), step, step / 2)
    high, x = best * d.line(1.0, 2.0, 4.0, 8.0, INF), np.ones(LINES)
    usable, loud = d.one_of(True, True, False), d.line(True, False, False)
    noise, size = d.one_of(2.0**-40, 2.0**-24), d.one_of(1.0, 64.0)
    tail_low, tail = d.near(8 * noise, 32 * noise, noise / 4), d.near(8 * noise, 32 * noise, noise / 4)
    quiet = np.where((best < step)[:, None], tail_low, tail)
    rise = np.where(high < INF, high / best, 1.0)[:, None] ** 4
    above = np.where(high[:, None] < INF, d.near(64 * np.maximum(quiet, noise) * rise, 0.01 * size), 0.0)
    # Up to a thousandth of |x| they may be those of rounding.
    x = np.where(high < INF, 1024 * high, 1024 * best) * d.line(1.0, 1.0, 1 - 2.0**-50)
    settled = d.line(True, True, False)
    fan = fan_of(usable=usable, size=x)
    values = dict(high=high, jump_high=above, tail_low=tail_low, loud=loud, first=first, some_high=True)
    state = state_of(fan, step, **values)
    trial = trial_of(tail=tail, size=size, noise=noise)
    for rows in rows_of(d.rng):
        part = cut(state, rows)
        part.doubted = part.jump = np.full((len(rows), OUTPUTS), 7.0)
        with np.errstate(all="ignore"):
            found = part.jumps(part_of(trial, rows), best[rows], settled[rows])
        for k, i in enumerate(rows):
            for j in range(OUTPUTS):
                allowed = settled[i] and usable[i, j] and best[i] < high[i] < INF
                allowed &= high[i] <= x[i] / 1024 and above[i, j] <= 0.01 * size[i, j]
                smooth = max(quiet[i, j], noise[i, j])
                sudden = high[i] < INF and above[i, j] * (best[i] / high[i]) ** 4 > 64 * smooth
                sudden |= quiet[i, j] <= 8 * noise[i, j] and (loud[i] or best[i] <= first[i])
                jump = bool(allowed and sudden)
                assert part.doubted[k, j] == (above[i, j] if jump else 7)
                assert part.jump[k, j] == (above[i, j] * (high[i] / best[i]) if jump else 7)
            assert found[k] == (part.doubted[k] != 7).any()
    state.some_high = False
    np.testing.assert_array_equal(state.jumps(trial, best, settled), np.zeros(LINES, dtype=bool))


@pytest.mark.parametrize(("size", "unit"), [(0.0, 1.0), (2.0**-4, 2.0**-4), (8.0, 8.0)])
def test_jumps_may_be_a_thousandth_apart(size, unit):
    # At 0 x has no size, and 1 stands for it.
    most = 2.0**-10 * unit
    high = np.where(np.arange(LINES) % 2, most, np.nextafter(most, 2 * most))
    ones = np.ones((LINES, OUTPUTS))
    fan = fan_of(usable=ones > 0, size=np.full(LINES, size))
    state = state_of(fan, high / 4, high=high, jump_high=1e-3 * ones, first=high, some_high=True)
    trial = trial_of(tail=1e-9 * ones, size=ones, noise=1e-16 * ones)
    found = state.jumps(trial, high / 4, np.ones(LINES, dtype=bool))
    np.testing.assert_array_equal(found, np.arange(LINES) % 2)


LOWER = ("tail_low", "slope_low", "size_low")
NAMES = ("low", *LOWER, "high", "tail_high", "jump_high", "head_high", "quiet")


@pytest.mark.parametrize("kinds", ["over", "under", "neither", "mixed"])
def test_bracket(kinds):
    d = Draw(8)
    low, high = (0.002, np.nextafter(0.002, 0), 0.001), (0.15, np.nextafter(0.15, 1), 0.3, INF)
    q = d.line(*{"over": high[1:], "under": low[1:], "neither": (0.002, 0.15), "mixed": low + high}[kinds])
    accepted = d.line(True, False) & (kinds == "mixed")
    tail, head = d.one_of(0.0, 3.0, 64.0, np.nan, INF), d.one_of(5.0, 128.0, INF, np.nan)
    slope, change, moves = d.one_of(2.0, 9.0), d.one_of(1.0, 100.0, np.nan), d.one_of(True, True, False)
    size = d.one_of(3.0, 7.0)
    old = {name: np.full((LINES, OUTPUTS), 10.0 + k) for k, name in enumerate(NAMES)}
    old["low"], old["high"], old["quiet"] = np.full(LINES, 0.5), np.full(LINES, 50.0), d.one_of(1.0, 6.0, INF)
    state = state_of(fan_of(), np.full(LINES, 4.0), **old)
    state.bracket(
        trial_of(slope=slope, head=head, tail=tail, size=size, change=change, moves=moves), q, accepted
    )
    assert state.some_low == (kinds in ("under", "mixed")) and state.some_high == (kinds in ("over", "mixed"))
    for i in range(LINES):
        over, under = q[i] > 0.15, q[i] < 0.002 and not accepted[i]
        assert state.low[i] == (4.0 if under else 0.5) and state.high[i] == (4.0 if over else 50.0)
        for j in range(OUTPUTS):
            t = INF if math.isnan(tail[i, j]) else tail[i, j]
            new = dict(zip(LOWER, (t, slope[i, j], size[i, j]), strict=True)) if under else {}
            if over:
                new = dict(tail_high=t, jump_high=max(t, change[i, j]))
                new["head_high"] = head[i, j] if math.isfinite(head[i, j]) else 0.0
            # A tail of exactly 0 is chance: the head, divided by 64, stands for it.
            quiet = (t if t > 0 else head[i, j] / 64) if moves[i, j] else INF
            new["quiet"] = old["quiet"][i, j] if not quiet >= 0 else min(old["quiet"][i, j], quiet)
            for name in LOWER + NAMES[5:]:
                found, expected = getattr(state, name)[i, j], new.get(name, old[name][i, j])
                assert found == expected or (name == "quiet" and t == 0 and math.isnan(head[i, j]))


def test_most_noise():
    quiet = np.array([[1.0, 2.0], [4.0, 0.0]])
    state = state_of(fan_of(2), np.ones(2), quiet=quiet)
    rounding = np.array([[1.0, 256.0 / 3e4], [1.0, 1.0]])
    np.testing.assert_array_equal(state.credible(rounding), [[3e4, 512.0], [3e4, 3e4]])
    np.testing.assert_array_equal(state.credible(rounding[1:] / 3e4, np.array([1])), [[1024.0, 1.0]])


def test_the_only_side_on_which_f_is_finite():
    # Outputs that are not finite at x do not count; nor do lines of which values are kept.
    values = np.zeros((2, 2, 6, OUTPUTS))
    values[0, 0, 1, 1] = values[1, 1, 2, 0] = values[0, 0, 4, 0] = values[1, 0, 5, 0] = np.nan
    values[1, :, 3, 0] = np.inf
    usable = np.ones((6, OUTPUTS), dtype=bool)
    usable[4, 0] = False
    state = state_of(fan_of(6, usable=usable), np.ones(6), known=np.arange(6) == 5)
    trial = trial_of(6, finite=np.array([True, False, False, False, True, False]))
    np.testing.assert_array_equal(state.one_sided(trial, values, False), [False] * 6)
    np.testing.assert_array_equal(state.open_side, np.zeros(6))
    np.testing.assert_array_equal(state.one_sided(trial, values, True), [0, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(state.open_side, [0, -1, 1, 0, 0, 0])
    state.open_side = np.zeros(6)
    assert not state.one_sided(trial_of(6), values, True).any()
    state.fan.signs = np.ones((1, 6))
    assert not state.one_sided(trial, values[:, :1], True).any() and not state.open_side.any()
