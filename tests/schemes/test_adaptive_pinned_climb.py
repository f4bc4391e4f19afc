"""The way up through noise against a plain loop over one line, with the terms of every octave given."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from calcml.schemes._adaptive_climb import Climb
from calcml.schemes._adaptive_fan import Terms

INF, NAN, EPS = math.inf, math.nan, 2.0**-52
LINES, OUTPUTS, OCTAVES = 300, 2, 12


class Script:
    """A fan whose Taylor terms at every octave are written down beforehand."""

    def __init__(self, head, tail, size, tail_noise=1.0, trial=(2.0, 1.0), signs=2, dtype=float):
        self.head, self.tail, self.size, self.tail_noise, self.trial = head, tail, size, tail_noise, trial
        self.lines = SimpleNamespace(eps=EPS)
        self.signs = np.ones((signs, head.shape[1]))
        self.origin = np.zeros(head.shape[1:], dtype=dtype)
        self.asked, self.octave, self.seen = [], -1, []

    def evaluate(self, node, start, rows):
        assert node.shape == (1,)
        self.asked.append((node[0], start.copy(), rows.copy()))
        return np.full(
            (1, len(self.signs), len(rows), self.origin.shape[1]), node[0], dtype=self.origin.dtype
        )

    def terms(self, values, rows):
        assert values.dtype == self.origin.dtype
        self.seen.append(values)
        self.octave += 1
        # Lines that have ended are not evaluated: nothing is known of them.
        gone = np.isnan(values[0, 0])
        terms = [np.where(gone, NAN, part[self.octave][rows]) for part in (self.head, self.tail, self.size)]
        return Terms(terms[0], *terms)


def near(rng, *values):
    shape = np.broadcast(*values).shape
    value = np.choose(rng.integers(0, len(values), shape), [np.broadcast_to(v, shape) for v in values])
    side = rng.integers(0, 6, shape)
    return np.where(side == 0, np.nextafter(value, INF), np.where(side == 1, np.nextafter(value, 0), value))


def draw(seed, tail_noise):
    """Return terms whose ratios, leaps, and growth are at the thresholds."""
    rng = np.random.default_rng(seed)
    shape = (OCTAVES, LINES, OUTPUTS)
    size = 2.0 ** rng.integers(0, 2, shape[1:]) * np.ones(shape)
    rounding = EPS / 2 * tail_noise * size
    kind = rng.integers(0, 5, (LINES, OUTPUTS))
    k = np.arange(OCTAVES)[:, None, None]
    floor = 2.0 ** rng.integers(-40, -6, (LINES, OUTPUTS))
    # Noise hides f, and the head rises out of it; smooth f; only jumps; a parabola; f at a standstill.
    head = np.choose(kind, [floor * 2.0**k, 2.0 ** (k - 30), 7 * floor + 0 * k, floor * 4.0**k, rounding])
    tail = np.choose(
        kind, [floor, head * 4.0 ** (k - rng.integers(2, 9, (LINES, OUTPUTS))), floor, floor, rounding]
    )
    some = rng.random(shape)
    tail = np.where(some < 0.15, near(rng, 0.02 * head, 0.1 * head, 0.5 * head, 0.01 * size), tail)
    tail = np.where((some > 0.15) & (some < 0.2), near(rng, 64 * tail, tail / 64, 0.01 * size), tail)
    head = np.where((some > 0.2) & (some < 0.26), near(rng, 512 * rounding, 8 * rounding), head)
    head = np.where((some > 0.26) & (some < 0.27), 0.0, head)
    # Values that are not finite are so in all terms, and at all steps above.
    end = np.logical_or.accumulate(some > 0.995, axis=0)
    tail, head = (np.where(end, rng.choice([NAN, INF], shape), part) for part in (tail, head))
    return rng, head, tail, np.where(some > 0.99, NAN, size)


def climbed(line):
    """Return the summit of one line, and how many octaves it took."""
    outputs = [
        SimpleNamespace(
            head=h,
            tail=t,
            size=s,
            known=j > 0,
            jump=j,
            met=line.high if j > 0 else INF,
            ratio=[],
            T=[],
            flat=f,
        )
        for h, t, s, j, f in zip(
            *(part.T for part in (line.head, line.tail, line.size)), line.jump, line.flat, strict=True
        )
    ]
    for out in outputs:
        out.apart, out.still, out.most, out.largest = 1 if out.flat else 32, False, 0.0, 0.0
    k = 0
    while True:
        for out in outputs:
            out.largest = out.largest if math.isnan(out.size[k]) else max(out.largest, out.size[k])
            rounding = EPS / 2 * line.tail_noise * out.largest
            out.most = max(out.most, out.tail[k] if math.isfinite(out.tail[k]) else INF, rounding)
            ratio = out.most / out.head[k] if out.head[k] > 0 and out.most < INF else INF
            starts = out.still and out.head[k] > 64 * 8 * rounding and out.most < INF
            leap = k > 0 and ratio < INF and ratio > 64 * out.ratio[-1] and out.most <= 0.01 * out.largest
            if starts or leap:
                out.jump, out.met, out.apart = out.most, line.start * 2.0**k, 1 if starts else 32
            out.still = out.head[k] <= 8 * rounding
            out.ratio.append(ratio)
            out.T.append(out.most)
        k += 1
        if k > math.floor(math.log2(line.end / line.start)) or over(outputs):
            return summit(line, outputs), k


def over(outputs):
    done, hidden = [], []
    for out in outputs:
        least, last = min(out.ratio), out.ratio[-5:]
        past = len(last) == 5 and all(r > 16 * least for r in last) and last[-1] > last[0] / 4
        hidden.append(least >= 0.5)
        done.append((past and out.jump == 0 and last[-1] > 0.02) or hidden[-1])
    return (all(done) and not all(hidden)) or not any(out.most < INF for out in outputs)


def summit(line, outputs):
    worst = [0.0] * len(outputs[0].ratio)
    for out in outputs:
        steps = [line.start * 2.0**k for k in range(len(out.ratio))]
        bound = [4 * out.jump * math.sqrt(step / out.met) for step in steps]
        both = list(zip(steps, out.ratio, out.T, bound, strict=True))
        above = [r if s >= out.apart * out.met and b >= T and r < 0.1 else INF for s, r, T, b in both]
        below = [r if s < out.met and not out.known and r < 0.5 else INF for s, r, T, b in both]
        best = above if min(above) < INF else below
        out.clear = min(best) < INF
        known = [(s, T, b) for s, _, T, b in both if T < INF]
        apart = [b >= T for s, T, b in known if s >= 32 * out.met]
        # A way that ends before has an octave or two to tell by.
        out.rough = any(apart) if apart else bool(known) and known[-1][1] <= known[-1][2] / math.sqrt(8)
        if out.clear:
            worst = [max(pair) for pair in zip(worst, best, strict=True)]
    low = worst.index(min(worst))
    beyond = [k for k in range(low + 1, len(worst)) if worst[k] > 0.02]
    place = (beyond[0] if beyond else len(worst)) - 1
    shows = any(out.clear for out in outputs) and all(out.clear or not out.known for out in outputs)
    grain = [6 * out.jump if line.start * 2.0**place > out.met else 0.0 for out in outputs]
    return place, shows, [out.T[place] for out in outputs], outputs, grain


@pytest.mark.parametrize(("seed", "tail_noise"), [(1, 1.0), (2, 10.0), (3, 1.0)])
def test_climb(seed, tail_noise):
    rng, head, tail, size = draw(seed, tail_noise)
    fan = Script(head, tail, size, tail_noise)
    rows = rng.permutation(LINES)[: LINES - 20]
    start = 2.0 ** rng.integers(-20, -10, len(rows))
    end = start * 2.0 ** (OCTAVES - 1) * rng.choice([0.2, 0.25, 0.99, 1.0, 1.5], len(rows))
    jump = rng.choice([0.0, 0.0, 0.0, 2.0**-20, 2.0**-10], (len(rows), OUTPUTS))
    high, flat = start * 2.0 ** rng.integers(0, 5, len(rows)), rng.random((len(rows), OUTPUTS)) < 0.4
    climb = Climb(fan, rows, start, end, jump, high, flat)
    top = climb.summit()
    counts = np.zeros(LINES, dtype=int)
    for k, (node, begun, going) in enumerate(fan.asked):
        assert node == 2.0**k
        counts[going] += 1
        np.testing.assert_array_equal(begun, start[np.isin(rows, going)])
    met = 0
    for k, i in enumerate(rows):
        line = SimpleNamespace(start=float(start[k]), end=float(end[k]), high=float(high[k]), flat=flat[k])
        line.jump, line.tail_noise = jump[k].tolist(), tail_noise
        line.head, line.tail, line.size = head[:, i], tail[:, i], size[:, i]
        (place, shows, noise, outputs, grain), octaves = climbed(line)
        # One node more than octaves: the trial at the first step needs two.
        assert counts[i] == octaves + 1
        assert top.leaps[k] == any(out.jump > 0 for out in outputs)
        assert top.shows[k] == shows
        np.testing.assert_array_equal(top.rough[k], [out.rough for out in outputs])
        met += any(out.jump > 0 for out in outputs)
        if not any(out.clear for out in outputs):
            continue
        assert top.step[k] == start[k] * 2.0**place
        np.testing.assert_array_equal(top.noise[k], noise)
        np.testing.assert_array_equal(top.grain[k], grain)
        np.testing.assert_array_equal(
            top.values[:, :, k], [[[2 * 2.0**place] * 2] * 2, [[2.0**place] * 2] * 2]
        )
    assert met / len(rows) > 0.1 and 0.05 < top.shows.mean() < 0.99


def test_the_same_alone():
    rng, head, tail, size = draw(4, 1.0)
    rows, start, flat = np.arange(LINES), np.full(LINES, 2.0**-12), np.zeros((LINES, OUTPUTS), dtype=bool)
    given = start * 2048, np.zeros((LINES, OUTPUTS)), start, flat
    top = Climb(Script(head, tail, size), rows, start, *given).summit()
    for k in rng.permutation(np.flatnonzero(top.shows))[:60, None]:
        own = Climb(Script(head, tail, size), k, start[k], *(part[k] for part in given)).summit()
        for name in ("step", "shows", "leaps", "rough", "grain", "noise"):
            np.testing.assert_array_equal(getattr(own, name)[0], getattr(top, name)[k[0]])
        np.testing.assert_array_equal(own.values[:, :, 0], top.values[:, :, k[0]])


def test_nodes_on_one_side():
    # Three nodes make a trial: the last is half its step, and the climb begins with that.
    shape = (4, 1, 1)
    head, tail = 2.0 ** np.arange(4).reshape(shape), np.full(shape, 2.0**-9)
    fan = Script(head, tail, np.ones(shape), trial=(2.0, 1.0, 0.5), signs=1, dtype=np.float32)
    one = np.ones(1)
    top = Climb(fan, np.arange(1), one, 4 * one, np.zeros((1, 1)), one, one[:, None] > 1).summit()
    assert [node for node, _, _ in fan.asked] == [0.5, 1, 2, 4, 8]
    np.testing.assert_array_equal(
        [seen[:, 0, 0, 0] for seen in fan.seen], [[2, 1, 0.5], [4, 2, 1], [8, 4, 2]]
    )
    assert top.values.shape == (3, 1, 1, 1) and top.values.dtype == np.float32
    assert top.step[0] == 4 and top.shows[0] and not top.leaps[0]


def test_lines_that_end_leave_no_values():
    shape = (8, 2, 1)
    head = np.ones(shape) * 2.0 ** np.arange(8)[:, None, None]
    fan = Script(head, np.full(shape, 2.0**-9), np.ones(shape))
    start = np.ones(2)
    climb = Climb(fan, np.arange(2), start, np.array([1.0, 8.0]), np.zeros((2, 1)), start, start[:, None] > 1)
    assert [len(rows) for _, _, rows in fan.asked] == [2, 2, 1, 1, 1]
    assert np.isnan(climb.values[2][:, 0]).all() and (climb.values[2][:, 1] == 4).all()


def test_what_is_half_noise_is_hidden():
    # One output is at its best and past it; the other one's ratio is 1/2 at every step, or a little less.
    shape = (9, 1)
    shown = np.array([4.0 ** (k - 6) for k in range(9)])
    for ratio, octaves in ((0.5, 8), (np.nextafter(0.5, 0), 9)):
        head = np.ones((9, 1, 2))
        tail = np.stack([shown.reshape(shape), np.full(shape, ratio)], axis=-1)
        fan, one = Script(head, tail, np.full((9, 1, 2), 1e9), trial=(2.0, 1.0)), np.ones(1)
        Climb(fan, np.arange(1), one, 256 * one, np.zeros((1, 2)), one, one[:, None] > 1)
        assert fan.octave + 1 == octaves


def test_a_ratio_that_falls_to_a_fourth_is_not_past():
    # Five octaves above the best one, of which the last is a fourth of the first, or a little more.
    shape = (8, 1, 1)
    for last, octaves in ((0.25, 8), (np.nextafter(0.25, 1), 6)):
        head = 1 / np.array([2.0**-12, 1, 1, 1, 1, last, last / 8, last / 8]).reshape(shape)
        fan, one = Script(head, np.ones(shape), np.ones(shape)), np.ones(1)
        Climb(fan, np.arange(1), one, 128 * one, np.zeros((1, 1)), one, one[:, None] > 1)
        assert fan.octave + 1 == octaves


def test_a_ratio_of_one_in_fifty_is_not_past():
    # The step may go on up to that ratio.
    shape = (8, 1, 1)
    for tail, octaves in ((0.02, 8), (np.nextafter(0.02, 1), 6)):
        head = np.array([2.0**12, 1, 1, 1, 1, 1, 1, 1]).reshape(shape)
        fan, one = Script(head, np.full(shape, tail), np.ones(shape)), np.ones(1)
        Climb(fan, np.arange(1), one, 128 * one, np.zeros((1, 1)), one, one[:, None] > 1)
        assert fan.octave + 1 == octaves
