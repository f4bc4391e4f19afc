"""One line of `Adaptive` number by number: every threshold from both sides, every way out."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from calcml.schemes import _adaptive_line
from calcml.schemes._adaptive_line import Answer, Line
from calcml.schemes._adaptive_line_search import LineSearch
from calcml.schemes._adaptive_number_tableau import Entry
from calcml.schemes._adaptive_numbers import nodes_of
from calcml.schemes._quick import UnusualError

EPS = 2.0**-52
ASIDE = 3731 / 2**12
UP, DOWN = math.inf, -math.inf


def next_to(number, way):
    return math.nextafter(number, way)


class Told(Line):
    """A line that is told its terms."""

    __slots__ = ("terms",)

    def _terms(self):
        return self.terms


class Bold(Told):
    """One that is told how to grow, too."""

    __slots__ = ()

    def _blind_growth(self, *_):
        return 16.0


def line(slope=0.25, head=0.25, tail=0.0, size=1.0, *, n=1, room=math.inf, cls=Told, **state):
    found = cls(0, 1.0, 1.0, room, EPS, n)
    if issubclass(cls, Told):
        found.terms = slope, head, tail, size
    found.seen = [(1.0, -1.0, 1.0, 1.0)]
    for name, value in state.items():
        setattr(found, name, value)
    return found


def unusual(work, *args, **options):
    with pytest.raises(UnusualError):
        work(*args, **options)


def power(step):
    """The nearest power of two, but for a common factor."""
    return ASIDE * 2.0 ** math.floor(math.log2(step / ASIDE) + 0.5)


def test_the_first_step():
    for size, eps, start in ((1.0, EPS, 2.0**-26), (3e8, EPS, 3e8 * 2.0**-26), (0.0, EPS, 2.0**-26)):
        found = Line(4, -2.0, size, math.inf, eps, 1)
        assert (found.row, found.origin, found.step, found.unit) == (4, -2.0, power(start), power(start))
        assert found.scale == max(size, 1.0) and found.least == max(4 * eps * size, 2.0**-1040)
        assert (found.low, found.noise, found.failures, found.seen, found.side) == (0, 0, 0, [], 0)
        assert found.high == found.tail_high == found.quiet == math.inf
    # Numbers of fewer than forty bits have none to spare.
    assert Line(0, 1.0, 1.0, math.inf, 2.0**-23, 1).step == 2.0**-11
    assert Line(0, 1.0, 1.0, math.inf, 2.0**-40, 1).step == 2.0**-20
    assert Line(0, 1.0, 1.0, math.inf, 2.0**-42, 1).step == power(2.0**-21)
    assert Line(0, 1.0, 1.0, 2.0**-30, EPS, 1).step == ASIDE * 2.0**-31


def test_steps_that_are_allowed():
    found = line(room=2.0)
    assert found.most == 1.0 and found._allowed(5.0) == ASIDE
    assert line(room=2 * ASIDE)._allowed(5.0) == ASIDE
    assert line(room=next_to(2 * ASIDE, 0))._allowed(5.0) == ASIDE / 2
    assert found._allowed(1e-30) == power(4 * EPS)
    assert line()._allowed(1e308) == ASIDE * 2.0**964
    for k in (-20, -3, 0):
        assert found._allowed(ASIDE * 2.0**k * 1.41) == ASIDE * 2.0**k
        assert found._allowed(ASIDE * 2.0**k / 1.41) == ASIDE * 2.0**k


def test_terms():
    found = line(cls=Line, origin=0.5)
    h, c = 0.25, np.array([0.5, 3.0, -2.0, 5.0, 7.0])
    t = np.array([2 * h, -2 * h, h, -h])
    a, b, d, e = (c @ np.array([t**k for k in range(5)])).tolist()
    found.seen = [(t[0], t[1], a, b), (t[2], t[3], d, e)]
    sizes = np.abs(c) * h ** np.arange(5)
    np.testing.assert_allclose(
        found._terms(),
        (sizes[1], max(sizes[1:3]), max(sizes[3:]), max(map(abs, (a, b, d, e, 0.5)))),
        rtol=1e-12,
    )
    # An even function, with a slope beside nothing.
    c = [0.5, 1e-3, -2.0, 0.0, 7.0]
    a, b, d, e = (sum(c[k] * float(x) ** k for k in range(5)) for x in t)
    found.seen = [(t[0], t[1], a, b), (t[2], t[3], d, e)]
    assert found._terms()[1:3] == (pytest.approx(2 * h**2, rel=1e-12), pytest.approx(7 * h**4, rel=1e-12))
    found.seen = [(1.0, -1.0, 0.0, 0.0), (0.5, -0.5, 0.0, 0.0)]
    assert found._terms()[3] == 0.5
    for place in range(2, 6):
        for value, good in ((8e149, True), (-8e149, True), (1e150, False), (math.nan, False), (DOWN, False)):
            values = [0.0] * 6
            values[place] = value
            found.seen = [(1.0, -1.0, *values[2:4]), (0.5, -0.5, *values[4:])]
            if good:
                assert found._terms()[3] == 8e149
            else:
                unusual(found._terms)
    # The sum counts: halves of it do not.
    found.seen = [(1.0, -1.0, 3e149, 3e149), (0.5, -0.5, 3e149, 3e149)]
    unusual(found._terms)
    small = line(cls=Line, origin=1e-100)
    small.seen = [(1.0, -1.0, 0.0, 0.0), (0.5, -0.5, 0.0, 0.0)]
    unusual(small._terms)
    small.origin = next_to(1e-100, 1)
    assert small._terms()[3] == small.origin


def test_terms_must_rise_above_the_noise():
    least = 8 * 2.0**-53
    for size, noise in ((1.0, 0.0), (4.0, 0.0), (1.0, 4 * 2.0**-53)):
        most = least * max(size, noise * 2.0**53)
        unusual(line(most, most, size=size, noise=noise, cls=Bold).goes_on)
        assert line(0.0, next_to(most, 1), size=size, noise=noise, cls=Bold).goes_on()


def test_a_tail_in_the_noise_is_none():
    for tail, goes_on in ((2.0**-50, True), (next_to(2.0**-50, 1), False)):
        # Of a head so small, this tail is a share in the range.
        found = line(2.0**-44, 2.0**-44, tail, quiet=1.0, cls=Bold)
        before = found.step
        assert found.goes_on() is goes_on
        assert found.step == (16 * before if goes_on else before)


@pytest.mark.parametrize(
    ("q", "first", "later"),
    [
        (next_to(0.002, 0), "short", "short"),
        (0.002, "unusual", "found"),
        (0.15, "unusual", "found"),
        (next_to(0.15, 1), "unusual", "long"),
        (0.25, "unusual", "long"),
        (0.3, "unusual", "long"),
        (next_to(0.3, 1), "unusual", "very long"),
    ],
)
def test_the_share_of_the_tail_decides(q, first, later):
    def verdict(quiet):
        found = line(2.0**-4, 2.0**-4, q * 2.0**-4, quiet=quiet)
        before = found.step
        try:
            goes_on = found.goes_on()
        except UnusualError:
            return "unusual"
        if not goes_on:
            assert found.step == before and found.seen
            return "found"
        assert found.seen == [] and found.unit == found.step
        if found.low:
            assert found.step == power(before * max(math.sqrt(0.015 / q), 4))
            assert (found.low, found.tail_low, found.slope_low) == (before, q * 2.0**-4, 2.0**-4)
            assert found.seen_low == [(1.0, -1.0, 1.0, 1.0)] and found.high == math.inf
            return "short"
        assert (found.high, found.tail_high) == (before, q * 2.0**-4)
        lawful = found.failures == 0
        expected = (1 / 32 if q == 0.25 else math.sqrt(0.015 / q)) if lawful else 2.0**-10
        assert found.step == power(before * expected)
        return "long" if lawful else "very long"

    assert verdict(math.inf) == first
    assert verdict(1.0) == later


def test_the_least_tail_is_kept():
    for tail, quiet in ((0.001, 0.001), (0.3, 0.25), (0.0, 0.5 / 64)):
        found = line(0.5, 0.5, tail, quiet=0.25)
        found.goes_on()
        assert found.quiet == quiet


def test_a_long_step_is_enough():
    for head, goes_on in ((1 / 8, True), (next_to(1 / 8, 1), False)):
        assert line(0.0, head).goes_on() is goes_on
        assert line(0.0, 2 * head, size=2.0).goes_on() is goes_on
    for step, goes_on in ((0.5, True), (next_to(0.5, 1), False)):
        assert line(0.5, 0.5, n=2, step=step).goes_on() is goes_on
        assert line(0.5, 0.5, n=3, step=4 * step, scale=4.0).goes_on() is goes_on
    # A tail in the range settles the matter, however small the head.
    assert not line(0.01, 0.01, 0.001, quiet=1.0).goes_on()


def test_blind_growth():
    noise = 2.0**-53
    # f changes by a quarter of itself, linearly or as a square, but not by 16 times what is safe.
    head = 2.0**-10
    for slope, change in ((head, 2.0**8), (2.0**-30, 2.0**4), (0.0, 2.0**4)):
        assert line()._blind_growth(slope, head, 1.0, noise) == change
        assert line()._blind_growth(slope, head, 4.0, noise) == (4 * change if slope == head else 2 * change)
    # Of slope and square, the least.
    assert line()._blind_growth(2.0**-10, 2.0**-8, 1.0, noise) == 2.0**3
    assert line()._blind_growth(8 * noise, 2.0**-8, 1.0, noise) == 2.0**3
    assert line()._blind_growth(2.0**-14, 2.0**-14, 1.0, 2.0**-28) == 16 * math.sqrt(0.015 / 2.0**-11)
    found = line(n=2, step=2.0**-10, scale=4.0)
    assert found._blind_growth(2.0**-10, 2.0**-10, 1.0, noise) == 2.0**12
    found.step = 2.0
    assert found._blind_growth(2.0**-10, 2.0**-10, 1.0, noise) == 4.0
    # A slope that is all noise says nothing.
    assert line()._blind_growth(2.0**-20, 2.0**-9, 2.0**-60, 2.0**-23) == 2.0**-26.5
    # A safe factor below four is none.
    assert line()._blind_growth(0.0, 1.0, 1e9, 0.015 / 16 / 8) == 64.0
    head = 8 * noise * 16 / 0.015
    unusual(line()._blind_growth, head, head * (1 - 1e-12), 1.0, noise)
    assert line(n=2)._blind_growth(head, head * (1 + 1e-12), 1.0, noise) == pytest.approx(64, rel=1e-9)


def test_growth_is_four_at_least():
    found = line(2.0**-4, 2.0**-4, next_to(0.002, 0) * 2.0**-4)
    before = found.step
    assert found.goes_on() and found.step == 4 * before


def test_the_bracket():
    found = line(low=2.0**-20, high=2.0**-8)
    assert found._inside(2.0**-15) == power(2.0**-15)
    # Near the upper end, or above it: the middle, or an eighth of the end.
    assert found._inside(2.0**-9) == power(2.0**-9)
    assert found._inside(2.0**-8.9) == found._inside(1.0) == power(2.0**-11)
    assert found._inside(2.0**-18.9) == power(2.0**-18.9)
    assert found._inside(2.0**-19.1) == found._inside(1e-20) == power(2.0**-14)
    wide = line(low=2.0**-10, high=2.0**-4)
    assert wide._inside(1.0) == power(2.0**-7)
    assert wide._inside(2.0**-9) == power(2.0**-9)
    # Without a lower end nothing is too low; without an upper one nothing is too high.
    assert line(low=0.0, high=2.0**-8)._inside(2.0**-30) == power(2.0**-30)
    assert line(low=2.0**-10)._inside(2.0**-30) == power(2.0**-30)


@pytest.mark.parametrize(("share", "goes_on"), [(16.0, False), (16.5, True)])
def test_a_narrow_bracket_settles_the_matter(share, goes_on):
    low, kept = 2.0**-10, [(0.5, -0.5, 2.0, 2.0)]
    found = line(0.5, 0.5, 0.1, quiet=1.0, low=low, seen_low=kept, step=share * low)
    found.slope_low = 0.5 / share
    assert found.goes_on() is goes_on
    if not goes_on:
        assert found.step == found.unit == low and found.seen is kept


def test_no_step_but_the_same():
    # The room ends here.
    found = line(0.1, 0.1, 1e-5, room=2.0**-20, seen_low=[(1.0, -1.0, 1.0, 1.0)])
    found.step = found._allowed(1.0)
    assert not found.goes_on()
    assert found.seen == [(1.0, -1.0, 1.0, 1.0)]


def test_six_failures_are_too_many():
    for failures, goes_on in ((4, True), (5, False)):
        found = line(0.5, 0.5, 0.4, quiet=1.0, failures=failures, low=1e-9, slope_low=0.0, step=1.0)
        found.slope_low = 0.5 * 1e-9
        found.seen_low = [(1.0, -1.0, 1.0, 1.0)]
        assert found.goes_on() is goes_on and found.failures == failures + 1


def test_what_was_too_long_by_a_small_jump():
    for high, good in ((2.0**-10, False), (next_to(2.0**-10, 1), True)):
        for size in (1.0, 8.0):
            found = line(high=high * size, size=size)
            found.size = size
            if good:
                assert found._settled() is False
            else:
                unusual(found._settled)
    # At x = 0 there is no size, and 1 stands for it.
    zero = line(high=2.0**-10)
    zero.size = 0.0
    unusual(zero._settled)
    zero.high = next_to(2.0**-10, 1)
    assert zero._settled() is False
    # A step whose values are gone would have to be tried again.
    unusual(line(seen=[])._settled)


def test_steps_without_digits_to_spare():
    # 2²⁰ units in the last place of x; nodes with digits of their own take twenty.
    for size, eps in ((1.0, EPS), (8.0, EPS), (1.0, 2.0**-48)):
        least = 2.0**20 * eps * size
        for step, good in ((least, True), (next_to(least, 0), False)):
            found = line(step=step, eps=eps)
            found.size = size
            if good:
                assert found._settled() is False
            else:
                unusual(found._settled)
    # At x = 0 every step has all its digits.
    zero = line(step=1e-30)
    zero.size = 0.0
    assert zero._settled() is False


def test_shortening():
    found = line(
        low=2.0**-20, high=0.5, tail_high=0.1, failures=3, seen_low=[(1.0, -1.0, 1.0, 1.0)], step=2.0**-8
    )
    found.shorten()
    assert (found.high, found.tail_high, found.failures) == (2.0**-8, math.inf, 0)
    assert (found.seen, found.seen_low, found.low, found.side) == ([], [], 2.0**-20, 0)
    assert found.step == found.unit == power(2.0**-14)
    for low in (2.0**-8, 2.0**-7, 0.0):
        found = line(low=low, step=2.0**-8)
        found.shorten()
        assert found.low == 0 and found.step == power(2.0**-13)
    unusual(line(low=0.0, step=power(4 * EPS)).shorten)


def test_noise_of_smooth_terms():
    rounding = 2.0**-53
    first = line()
    assert first._noise(0.1, 0.01, 1.0) == rounding and first._noise(0.1, 0.01, 8.0) == 8 * rounding
    first.noise = 0.5
    assert first._noise(0.1, 0.01, 1.0) == 0.5
    # Four times the step: a tail that grows by less than eight is noise, and so is its shorter one.
    for tail_low, tail, noise in (
        (rounding, 0.0, rounding),
        (2 * rounding, 16 * rounding, rounding),
        (2 * rounding, next_to(16 * rounding, 0), 2 * rounding),
        (8 * rounding, 0.0, 8 * rounding),
    ):
        found = line(low=1.0, step=4.0, tail_low=tail_low, slope_low=0.25)
        assert found._noise(1.0, tail, 1.0) == noise
        assert found.noise == (noise if noise > rounding else 0.0)
    unusual(line(low=1.0, step=4.0, tail_low=next_to(8 * rounding, 1), slope_low=0.25)._noise, 1.0, 0.0, 1.0)
    found = line(low=1.0, step=4.0, tail_low=2 * rounding, noise=0.5)
    assert found._noise(1.0, 0.0, 1.0) == 0.5


def test_noise_below_a_step_that_was_too_long():
    # A quarter of the step: a tail that falls by less than eight is noise.
    for step in (1.0, 2.0):
        found = line(high=4 * step, step=step, tail_high=0.8)
        assert found._noise(0.1, 0.1, 1.0) == 2.0**-53
        unusual(found._noise, 0.1, next_to(0.1, 1), 1.0)


def test_the_slope_must_stay():
    noise = 2.0**-53
    found = line(low=1.0, step=4.0, slope_low=0.25, noise=2.0**-10)
    assert found._noise(1.0 + 2.0**-4, 2.0**-8, 1.0) == 2.0**-10
    for tail, noisy in ((0.01, 0.0), (0.0, 2.0**-10), (0.01, 2.0**-10)):
        most = 8 * (tail + max(noisy, noise) * 4)
        for sign in (1, -1):
            found = line(low=1.0, step=4.0, slope_low=0.25, noise=noisy)
            assert found._noise(1.0 + sign * most * (1 - 1e-12), tail, 1.0) == max(noisy, noise)
            unusual(found._noise, 1.0 + sign * most * (1 + 1e-12), tail, 1.0)


def test_what_is_credible():
    assert line(quiet=1.0).credible(1e-9) == 256
    assert line(quiet=0.0).credible(1e-9) == 3e4 * 1e-9


def entry(value=1.0, truncation=0.0, noise=0.0, rounding=0.0, sigma=0.0, first=1, settled=False):
    return Entry(value, truncation, noise, rounding, sigma, first, settled)


NODES = nodes_of(1, 7, 0)


def side(found, **parts):
    return found._next_side(NODES, entry(**parts))


def test_smaller_nodes():
    most = 450 * EPS * 2
    for settled, error, expected in (
        (False, most, 0),
        (False, next_to(most, 1), 1),
        (True, 1.0, 0),
    ):
        assert side(line(unit=1.0), value=-2.0, truncation=error, settled=settled) == expected
    assert side(line(unit=1.0), value=2.0, truncation=most, noise=most) == 1
    # Down to steps of a few units in the last place.
    for unit, expected in ((64 * EPS, 0), (next_to(64 * EPS, 1), 1)):
        assert side(line(unit=unit), truncation=0.1) == expected
        big = line(unit=8 * unit)
        big.size = 8.0
        assert side(big, truncation=0.1) == expected


def test_the_smallest_node_counts():
    nodes = nodes_of(6, 4, 0)
    least = 16 * EPS / nodes.ends[1][-1]
    for unit, expected in ((least, 0), (next_to(least, 1), 1)):
        assert line(unit=unit, n=6)._next_side(nodes, entry(truncation=0.1)) == expected


def test_larger_nodes():
    good = {"settled": True, "first": 0, "noise": 1e-3, "truncation": 1e-4}
    found = line(unit=1.0, quiet=1.0)
    assert side(found, **good) == -1
    assert side(found, **{**good, "first": 1}) == 0
    assert side(found, **{**good, "truncation": 1e-3}) == 0
    for error, expected in ((1e-10, 0), (next_to(1e-10, 1), -1)):
        assert side(found, **{**good, "noise": error, "truncation": 0.0}) == expected
        assert side(found, **{**good, "noise": 4 * error, "truncation": 0.0, "value": -4.0}) == expected
    for sigma, expected in ((256.0, -1), (next_to(256, UP), 0)):
        assert side(found, **good, sigma=sigma) == expected
    # Amplified noise counts only if it exceeds its share of f over its length.
    for n in (1, 2):
        rounding = 1e-3 / 1e-10 * 8.0**n / 2 * EPS
        for factor, expected in ((1 + 1e-9, 0), (1 - 1e-9, -1)):
            far = line(unit=1.0, quiet=1e9, n=n)
            parts = {**good, "truncation": 0.0, "rounding": rounding * factor}
            assert far._next_side(NODES, entry(**parts)) == expected
    exact = {**good, "truncation": 0.0, "noise": 1e-10, "value": 0.5, "rounding": 4 * EPS}
    assert side(line(unit=1.0, quiet=1e9), **exact) == 0
    for room, expected in ((4.0, -1), (next_to(4, 0), 0)):
        assert side(line(unit=1.0, quiet=1.0, room=room), **good) == expected
        assert side(line(unit=0.5, quiet=1.0, room=room / 2), **good) == expected


def test_the_best_of_extrapolations(monkeypatch):
    found = line(cls=Line, unit=0.5, quiet=1.0, step=0.5)
    found.seen = [(node * 0.5, -node * 0.5, 1 + node, 1 - node) for node in NODES.steps]
    given = entry(value=3.0, truncation=1e-4, noise=1e-3, first=0, settled=True)
    monkeypatch.setattr(_adaptive_line, "best_entry", lambda *_: given)
    found.extrapolate(NODES)
    assert found.best == Answer(6.0, 2e-4, 2e-3, 0.5) and found.entry is given
    assert (found.side, found.unit, found.step) == (-1, 1.0, 0.5)
    found.see([("new",)])
    assert found.seen[0] == ("new",) and len(found.seen) == 8
    del found.seen[0]
    # Nothing more is wanted.
    last = line(cls=Line, unit=0.5, seen=found.seen)
    monkeypatch.setattr(_adaptive_line, "best_entry", lambda *_: entry(settled=True))
    last.extrapolate(NODES)
    assert (last.side, last.unit) == (0, 0.5)
    # Larger nodes have brought nothing.
    worse = entry(value=6.0, truncation=1e-4, noise=3e-3)
    monkeypatch.setattr(_adaptive_line, "best_entry", lambda *_: worse)
    found.extrapolate(NODES)
    assert found.best == Answer(6.0, 2e-4, 2e-3, 0.5) and found.side == 0 and found.entry is given
    found.side = -1
    better = entry(value=6.001, truncation=1e-4, noise=1e-3, first=0)
    monkeypatch.setattr(_adaptive_line, "best_entry", lambda *_: better)
    found.extrapolate(NODES)
    assert found.best == Answer(6.001, 1e-4, 1e-3, 1.0) and found.entry is better and found.side == 1
    found.see([("last",)])
    assert found.seen[-1] == ("last",)


def test_an_answer_improves():
    before = Answer(1.0, 0.25, 0.25, 1.0)
    assert before.error == 0.5
    assert Answer(1.75, 0.125, 0.125, 1.0).improves(before)
    assert Answer(0.25, 0.125, 0.125, 1.0).improves(before)
    assert not Answer(next_to(1.75, 2), 0.125, 0.125, 1.0).improves(before)
    assert not Answer(0.25 - 2.0**-50, 0.125, 0.125, 1.0).improves(before)
    assert not Answer(1.0, 0.25, 0.25, 1.0).improves(before)
    assert Answer(1.0, 0.25, 0.25 - 2.0**-50, 1.0).improves(before)


def test_the_order_of_the_nodes():
    # At 2, 1, 3/2 and 3/4, on both sides.
    seen = [(t, -t, 5.0 + t * t, 5.0 - t) for t in (2.0, 1.0, 1.5, 0.75)]
    nodes = SimpleNamespace(order=[0, 2, 1, 3], steps=[2.0, 1.5, 1.0, 0.75])
    found = line(cls=Line, origin=5.0, seen=seen)
    found.arrange(nodes)
    assert [t for t, *_ in found.seen] == nodes.steps


@pytest.mark.parametrize(
    ("ahead", "behind", "origin"), [(1.0, -1.0, 0.5), (1.0, 0.5, 8.0), (-1.0, 1.0, -3.0)]
)
def test_values_on_a_grid_are_none_of_the_ordinary(ahead, behind, origin):
    steps = [2.0, 1.5, 1.0, 0.75]
    counts = [(17.0, 16.0), (12.0, 12.0), (8.0, 8.0), (6.0, 6.0)]
    nodes = SimpleNamespace(order=[0, 1, 2, 3], steps=steps)
    # Seventeen steps are uncertain by four units of rounding each, 34 of eps together: at most 1/4 of a step.
    size = max(abs(origin), abs(origin + 17 * ahead), abs(origin + 16 * behind))
    for share, found in ((0.99, True), (1.01, False)):
        eps = share / (4 * 2 * 17 * size)
        seen = [
            (t, -t, origin + a * ahead, origin + b * behind) for t, (a, b) in zip(steps, counts, strict=True)
        ]
        own = line(cls=Line, origin=origin, seen=seen, eps=eps)
        if found:
            unusual(own.arrange, nodes)
        else:
            own.arrange(nodes)


def nodes_at(*steps):
    return SimpleNamespace(steps=list(steps), squares=[step * step for step in steps])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_series(n):
    """Both parts of a polynomial are those of `Symmetric.series`, sides of unequal length included."""
    found = line(cls=Line, n=n, unit=0.5, origin=-3.0)
    f = np.polynomial.Polynomial([-3.0, 2.0, 5.0])
    t = [(1.0, -0.9375), (0.5, -0.5)]
    found.seen = [(a, b, f(a), f(b)) for a, b in t]
    wanted, other, _ = found._series(nodes_at(2.0, 1.0))
    slopes, evens = (wanted, other) if n % 2 else (other, wanted)
    np.testing.assert_allclose(slopes, [1.0, 1.0], rtol=1e-12)  # in units of 0.5
    np.testing.assert_allclose(evens, [1.25, 1.25], rtol=1e-12)
    found.seen = [
        (1.0, -1.0, 1.0, -8.0),
        (0.5, -0.5, 0.0, 9.0),
        (0.25, -0.25, -7.0, 0.0),
        (0.1, -0.1, 0.0, 0.0),
    ]
    rounding = found._series(nodes_at(2.0, 1.0, 0.5, 0.2))[2]
    assert rounding == [EPS / 2 * size for size in (8, 9, 7, 3)]


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("extension", [0, 1])
def test_the_series_at_the_nodes(monkeypatch, n, extension):
    """Distances are rounded with x + t; the tableau is told what the series are at the nodes themselves."""
    nodes, unit = nodes_of(n, 7, extension), 0.5
    # In units of 0.5, f = -3 + 2 u + 5 u² - 4 u³ + 3 u⁴ + u⁵ - 2 u⁶: both parts are parabolas in u².
    f = np.polynomial.Polynomial([-3.0, 2.0, 5.0, -4.0, 3.0, 1.0, -2.0])
    odd, even = (lambda s: 2 - 4 * s + s * s), (lambda s: 5 + 3 * s - 2 * s * s)
    off = [1 + (-1) ** k * (k + 1) * 2.0**-24 for k in range(len(nodes.steps))]
    off[0] = 1.0
    u = [node * share for node, share in zip(nodes.steps, off, strict=True)]
    found = line(cls=Line, n=n, unit=unit, origin=-3.0, quiet=1.0)
    found.seen = [(unit * v, -unit * v, f(v), f(-v)) for v in u]
    told = []
    monkeypatch.setattr(_adaptive_line, "best_entry", lambda *given: told.append(given) or entry())
    found.extrapolate(nodes)
    ((table, wanted, other, _),) = told
    assert table is nodes.table
    slopes, evens = (wanted, other) if n % 2 else (other, wanted)
    squares, last = [node**2 for node in nodes.steps], u[-1] ** 2
    for series, part in ((slopes, odd), (evens, even)):
        exact = [part(s) for s in squares]
        # Away from the nodes they are others, in the seventh digit.
        assert max(abs(part(v * v) - e) for v, e in zip(u, exact, strict=True)) > 1e-7
        np.testing.assert_allclose(series[:-1], exact[:-1], rtol=0, atol=1e-11)
        # The last one has one neighbor only, and moves along a straight line.
        slope = (exact[-2] - exact[-1]) / (squares[-2] - squares[-1])
        end = part(last) + slope * (squares[-1] - last)
        assert abs(end - exact[-1]) > 1e-10 and series[-1] == pytest.approx(end, rel=0, abs=1e-11)


@pytest.mark.parametrize("n", [1, 2])
def test_nodes_are_halfway_between_the_sides(n):
    # The product of the distances is the square of their mean, but for that of their difference.
    part = {1: lambda u: u * (2 - 4 * u * u), 2: lambda u: u * u * (5 + 3 * u * u)}[n]
    coefficients, nodes = {1: (2, -4), 2: (5, 3)}[n], nodes_of(n, 7, 0)
    found = line(cls=Line, n=n, unit=1.0, origin=0.0)
    sides = [(u * (1 + 2.0**-20), -u * (1 - 2.0**-20)) for u in nodes.steps]
    found.seen = [(a, b, part(a), part(b)) for a, b in sides]
    exact = [coefficients[0] + coefficients[1] * u * u for u in nodes.steps]
    np.testing.assert_allclose(found._series(nodes)[0], exact, rtol=0, atol=2e-10)
    # And where neither side is at the node, the mean is moved there.
    sides = [sides[0], *((a * (1 - 2.0**-24), b * (1 - 2.0**-24)) for a, b in sides[1:])]
    found.seen = [(a, b, part(a), part(b)) for a, b in sides]
    np.testing.assert_allclose(found._series(nodes)[0], exact, rtol=0, atol=2e-10)


def test_points_that_are_rounded_away():
    found = line(cls=Line, unit=1.0)
    for t, s in ((0.0, -0.5), (0.5, 0.0), (0.0, 0.0), (-0.5, -0.5), (0.5, 0.5)):
        found.seen = [(1.0, -1.0, 2.0, 3.0), (t, s, 2.0, 3.0)]
        unusual(found._series, nodes_at(1.0, 0.5))


def test_the_rounding_of_a_series():
    found, f = line(cls=Line, unit=0.5, origin=-3.0), np.polynomial.Polynomial([-3.0, 2.0, 5.0])
    t = [(1.0, -0.9375), (0.5, -0.5)]
    found.seen = [(a, b, f(a), f(b)) for a, b in t]
    rounding = found._series(nodes_at(2.0, 1.0))[2]
    assert rounding == [EPS / 2 * max(abs(f(a)), abs(f(b)), 3) for a, b in t]


def test_series_out_of_range():
    found, nodes = line(cls=Line, unit=1.0), nodes_at(1.0, 0.5)
    for a, b, good in (
        (4e149, -5e149, True),
        (5e149, -5e149, False),
        (math.nan, 0.0, False),
        (0.0, UP, False),
    ):
        found.seen = [(1.0, -1.0, 0.0, 0.0), (0.5, -0.5, a, b)]
        if good:
            assert len(found._series(nodes)[0]) == 2
        else:
            unusual(found._series, nodes)
            found.seen.reverse()
            unusual(found._series, nodes)


def test_the_units_of_an_answer():
    given = entry(value=3.0, truncation=0.5, noise=0.25)
    assert line(cls=Line, unit=0.5)._scaled(given) == Answer(6.0, 1.0, 0.5, 0.5)
    assert line(cls=Line, unit=0.5, n=3)._scaled(given) == Answer(24.0, 4.0, 2.0, 0.5)


def test_noise_that_cannot_be():
    def loud(error, sigma, *, again=False, before=None, value=-2.0):
        # A first step that is no shorter cannot contradict.
        found = line(cls=Line, quiet=1.0, first=1.0, near=0.0, near_tail=0.0)
        found.best, found.entry = Answer(value, error / 2, error / 2, 1.0), entry(sigma=sigma)
        found.slope = value, error
        best = found.best
        if again:
            found.before = before
        verdict = found.is_loud(again=again)
        assert found.before is found.best
        assert found.best is best or found.best is before
        return verdict, found.best is best

    assert loud(next_to(2e-6, 1), next_to(256, UP)) == (True, True)
    assert loud(2e-6, 257.0) == (False, True)
    assert loud(1.0, 256.0) == (False, True)
    # The second one must be quiet, or better.
    first = Answer(1.0, 0.25, 0.25, 1.0)
    assert loud(0.5, 257.0, again=True, before=first) == (True, False)
    assert loud(next_to(0.5, 0), 257.0, again=True, before=first) == (True, True)
    assert loud(0.75, 256.0, again=True, before=first) == (False, True)


def test_two_digits_must_be_sure():
    found = line(cls=Line)
    most = next(v for v in (1e152, next_to(1e152, 0), next_to(1e152, UP)) if 0.01 * v == 1e150)
    for value, error, good in (
        (-2.0, 0.02, True),
        (2.0, next_to(0.02, 1), False),
        (0.0, 0.0, True),
        (9e151, 0.0, True),
        (most, 0.0, False),
        (1e152 * (1 + 1e-9), 0.0, False),
        (math.nan, 0.0, False),
        (1.0, math.nan, False),
    ):
        found.best = Answer(value, error / 2, error / 2, 1.0)
        if good:
            assert found.answer() is found.best
        else:
            unusual(found.answer)


def test_slots():
    assert not hasattr(line(cls=Line), "__dict__") and issubclass(Line, LineSearch)
