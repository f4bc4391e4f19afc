"""What trial steps show, against plain loops over one line and one output, at every threshold and beside it.

The loops follow the comments of the constants.  Inputs are drawn at the thresholds themselves, and next to
them on either side, so that a sign, a factor, or an equality in the wrong place gives another answer.
"""

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


def fan_of(usable, tail_noise=1.0, q_unit=1.0, size=None):
    lines = len(usable)
    return SimpleNamespace(
        origin=np.zeros(usable.shape),
        usable=usable,
        eps=EPS,
        tail_noise=tail_noise,
        q_unit=q_unit,
        size=np.ones(lines) if size is None else size,
        trial=(2.0, 1.0),
        signs=np.ones((2, lines)),
    )


def state_of(fan, step, **values):
    state = Trials(fan, step, 12.0)
    for name, value in values.items():
        setattr(state, name, value)
    return state


def trial_of(terms, **values):
    lines, outputs = terms.head.shape
    yes, no = np.ones((lines, outputs), dtype=bool), None
    given = dict(change=0.0, longer=0.0, differs=no, noise=0 * terms.head, moves=yes, moving=yes[:, 0])
    return Trial(terms, **{**given, "finite": yes[:, 0], "retreat": None, **values})


def cut(state, rows):
    """Take some lines of a state; its fan has all of them still."""
    part = state.take(rows)
    part.usable = state.usable[rows]
    return part


# What one trial shows. --------------------------------------------------------------------------------------


def looked_at(line):
    """Return what a trial shows of one output: noise, sure, again, structure; see `Trials.look`."""
    tail, low, longer = line.tail, line.low, line.longer
    rounding = EPS / 2 * line.tail_noise * line.size
    # Four digits of cancellation, or 256 times the quietest trial, but no more than a hundredth of f.
    most = min(max(256 * line.quiet, 3e4 * (EPS / 2 * line.size)), 0.01 * line.size)
    most = most if math.isfinite(line.size) else math.nan
    was = low > 0 and tail < line.tail_low * longer**1.5 and line.tail_low > rounding
    now = line.high < INF and tail > line.tail_high / (line.high / line.step) ** 1.5
    noise, sure = line.noise, line.sure
    if was and line.tail_low <= most:
        noise = max(noise, line.tail_low)
        sure = max(sure, line.tail_low if line.tail_low > 8 * rounding else 0.0)
    again = now and tail <= most
    if again:
        noise = max(noise, tail)
    change = abs(line.slope - line.slope_low * longer) if low > 0 else 0.0
    floor = max(rounding, noise)
    return SimpleNamespace(
        noise=noise,
        sure=sure,
        again=again,
        structure=line.usable and was and line.tail_low > most,
        change=change,
        floor=floor,
        finite=math.isfinite(line.size),
        stays=math.isfinite(line.size) and line.head <= 8 * rounding,
        moves=line.usable and line.head > 8 * floor,
        differs=line.usable and low > 0 and change > 8 * (tail + floor * longer),
    )


def draw_look(seed, tail_noise, some_low, some_high, lines=LINES):
    """Return lines and terms at all thresholds of `looked_at`."""
    d = Draw(seed, lines)
    size = d.one_of(1.0, 4.0, 2.0**-30)
    usable = d.one_of(True, True, False)
    rounding = EPS / 2 * tail_noise * size
    step, low = np.exp2(d.line(-20.0, -10.0)), d.line(0.0, 1.0)
    low = np.where(low > 0, step / 4.0 ** d.line(1, 2), 0.0) if some_low else 0.0 * step
    high = np.where(d.line(0, 1) > 0, step * 4.0 ** d.line(1, 2), INF) if some_high else INF + 0 * step
    longer = np.where(low > 0, step / np.where(low > 0, low, 1.0), 1.0)[:, None]
    quiet = d.one_of(0.0, 2.0**-30, 2.0**-14) * size
    most = np.minimum(np.maximum(256 * quiet, 3e4 * (EPS / 2 * size)), 0.01 * size)
    tail_low = np.where(low[:, None] > 0, d.near(most, 8 * rounding, rounding, most / 2, 3 * most), 0.0)
    shorter = np.where(high < INF, high / step, 1.0)[:, None]
    tail = d.near(tail_low * longer**1.5, most, 0.5 * most, rounding)
    tail_high = np.where(high[:, None] < INF, d.near(tail * shorter**1.5, 0.25 * tail), INF)
    noise, sure = d.one_of(0.0, 1.0) * rounding * 16, d.one_of(0.0, 9.0, 1e9) * rounding
    slope_low = np.where(low[:, None] > 0, d.near(size / 8) / longer, 0.0)
    noises = np.maximum(noise, rounding)
    gap = 8 * (tail + noises * longer) * (low[:, None] > 0)
    slope = slope_low * longer + d.one_of(-1, 1) * d.near(gap, 0.9 * gap, 1.2 * gap)
    slope = np.where(np.isnan(slope), 0.0, np.abs(slope))
    head = d.near(8 * rounding, 8 * noises, 8 * tail_low, 64 * most)
    size = np.where(d.one_of(*[False] * 8, True), np.nan, size)
    columns = dict(size=size, usable=usable, quiet=quiet, tail_low=tail_low, tail=tail, tail_high=tail_high)
    columns |= dict(noise=noise, sure=sure, slope_low=slope_low, slope=slope, head=head)
    return columns, dict(step=step, low=low, high=high)


def state_from(columns, per_line, tail_noise, some_low, some_high):
    fan = fan_of(columns["usable"], tail_noise)
    terms = Terms(*(columns[name] for name in ("slope", "head", "tail", "size")))
    fan.terms = lambda values, rows: Terms(
        *(getattr(terms, n)[rows] for n in ("slope", "head", "tail", "size"))
    )
    kept = {n: columns[n] for n in ("quiet", "tail_low", "tail_high", "noise", "sure", "slope_low")}
    state = state_of(fan, per_line["step"], low=per_line["low"], high=per_line["high"], **kept)
    state.some_low, state.some_high = some_low, some_high
    state.still = np.full(columns["tail"].shape, 2.0**-15)
    return state


@pytest.mark.parametrize("tail_noise", [1.0, 10.0])
@pytest.mark.parametrize(("some_low", "some_high"), [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("seed", [1, 2])
def test_look(seed, some_low, some_high, tail_noise):
    columns, per_line = draw_look(seed, tail_noise, some_low, some_high)
    state = state_from(columns, per_line, tail_noise, bool(some_low), bool(some_high))
    before = state.still.copy()
    groups = [np.arange(LINES), *np.arange(60)[:, None]]
    for rows in groups:
        part = cut(state, rows)
        with np.errstate(all="ignore"):
            trial = part.look(None)
        for k, i in enumerate(rows):
            line = [
                looked_at(
                    SimpleNamespace(
                        **{name: column[i, j].item() for name, column in columns.items()},
                        **{name: column[i].item() for name, column in per_line.items()},
                        tail_noise=tail_noise,
                        longer=(per_line["step"][i] / per_line["low"][i]).item()
                        if per_line["low"][i]
                        else 0.0,
                    )
                )
                for j in range(OUTPUTS)
            ]
            again = any(out.again for out in line)
            assert (part.high[k] == INF) if again else (part.high[k] == per_line["high"][i])
            retreat, differs = any(out.structure for out in line), [out.differs for out in line]
            assert retreat == (trial.retreat is not None and trial.retreat[k])
            assert differs == ([False] * OUTPUTS if trial.differs is None else trial.differs[k].tolist())
            assert trial.moving[k] == any(out.moves for out in line)
            assert trial.finite[k] == all(
                out.finite or not u for out, u in zip(line, columns["usable"][i], strict=True)
            )
            for j, out in enumerate(line):
                assert part.noise[k, j] == out.noise and part.sure[k, j] == out.sure
                assert part.tail_high[k, j] == (INF if again else columns["tail_high"][i, j])
                assert trial.moves[k, j] == out.moves
                if out.finite:
                    assert trial.noise[k, j] == out.floor
                    assert np.broadcast_to(trial.change, trial.noise.shape)[k, j] == out.change
                step = per_line["step"][i]
                assert part.still[k, j] == (max(before[i, j], step) if out.stays else before[i, j])
        if len(rows) == 1:
            assert trial.retreat is None or trial.retreat.any()
            assert trial.differs is None or trial.differs.any()
