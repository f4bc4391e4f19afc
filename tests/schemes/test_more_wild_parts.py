"""What Moré and Wild's search keeps of a trial, at the thresholds and on either side of them."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import ElementwiseLines, PointLines, axes
from calcml._parameters import flatten
from calcml.schemes._noise import Noise
from calcml.schemes._recipe import Plan
from calcml.schemes._search import LONG, RIGHT, SHORT, Bracket
from calcml.schemes.more_wild import MoreWild, _Measurement

INF, NAN = math.inf, math.nan
FORWARD = Plan(1, 1, 1).formula


def around(value):
    return np.nextafter(value, 0), value, np.nextafter(value, INF)


def rows_of(*parts):
    return [np.array(part) for part in zip(*itertools.product(*parts), strict=True)]


def test_the_shortest_step_of_a_strong_signal_is_kept_else_of_one_that_is_not_noise():
    ratio, step, signal = rows_of((*around(10.0), *around(100.0), INF), (NAN, *around(2.0)), around(100.0))
    state = SimpleNamespace(rule=MoreWild(), step=step.copy(), signal=signal.copy())
    _Measurement._note(state, np.full(len(ratio), 2.0), ratio, np.arange(len(ratio)))
    for k, (r, old, s) in enumerate(zip(ratio, step, signal, strict=True)):
        shorter = old <= 2
        better = not (s >= 100 and shorter) if r >= 100 else r >= 10 and s < 100 and not shorter
        kept = (2.0, r) if better and r < INF else (old, s)
        np.testing.assert_array_equal((state.step[k], state.signal[k]), kept)


def test_a_weak_signal_beyond_the_bracket_is_forgotten():
    step, signal = rows_of((NAN, *around(2.0)), around(100.0))
    state = SimpleNamespace(rule=MoreWild(), step=step.copy(), signal=signal.copy())
    _Measurement.forget(state, Bracket(step, 0 * step, np.full(len(step), 2.0)))
    gone = (signal < 100) & (step > 2)
    np.testing.assert_array_equal(state.step, np.where(gone, NAN, step))
    np.testing.assert_array_equal(state.signal, np.where(gone | np.isnan(step), 0.0, signal))


def wide(values, origin, noise=None, strict=True, h=1.0):
    """Whether f changes too much from the origin to the values at x - h and x + h, if σ is 1/16."""
    probe = SimpleNamespace(
        origin=np.array([[origin]]),
        nodes=np.array([-1.0, 0.0, 1.0]),
        rounding=lambda values, rows: np.array([[2.0**-4]]),
    )
    rule = MoreWild(change=0.125)
    state = SimpleNamespace(
        rule=rule, probe=probe, noise=noise, strict=strict, near=np.array([True, False, True])
    )
    column = np.array(values)[:, None, None]
    found = _Measurement._changes(state, column, np.array([h]), np.array([0]))
    assert found.dtype == bool
    return found[0, 0]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("side", [0, 1])
def test_a_change_is_wide_beyond_its_share_and_the_noise(sign, side):
    # Of a size of 8 an eighth may change, and four times the noise, 1/4.
    for change, expected in ((1.25, False), (1.2500000001, True)):
        values = sign * np.array([8.0, 8.0])
        values[side] = sign * (8 - change)
        assert wide(values, sign * 8.0) == expected
        assert not wide(values, sign * 8.0, strict=False)
    # The size is that of the largest value, at x or aside.
    assert not wide([8.0, 8.0], 6.75)
    assert wide([8.0, 8.0], 6.7499999999)


def measured(slope, doubt):
    return Noise(np.array([[2.0**-4]]), np.array([[slope]]), np.array([[doubt]]))


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("h", [1.0, 0.5])
def test_what_the_slope_explains_is_not_wide(strict, h):
    # 0, 4 and 8: a slope of 4 / h.  The rest may be 5/4, as above, and four times what the doubt makes at h.
    for doubt, most in ((0.0, 1.25), (0.25, 2.25)):
        noise = measured(4 / h, doubt / h)
        assert not wide([0.0, 8.0], 4.0, noise, strict, h)
        for rest, expected in ((most, False), (most + 1e-9, True)):
            assert wide([rest, 8.0], 4.0, noise, strict, h) == expected
            assert wide([8.0, rest], 4.0, measured(-4 / h, doubt / h), strict, h) == expected


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("h", [1.0, 0.5])
def test_a_slope_in_doubt_explains_nothing_unless_anything_goes(strict, h):
    # Four times the doubt is all that may change, 5/4, or a little more.
    assert not wide([0.0, 8.0], 4.0, measured(4 / h, 0.3125 / h), strict, h)
    for doubt in (0.3125000001, INF):
        assert wide([0.0, 8.0], 4.0, measured(4 / h, doubt / h), strict, h) == strict
    assert not wide([7.0, 8.0], 7.5, measured(0.5 / h, INF), strict, h)


def test_each_line_doubts_its_slope_at_its_own_step():
    # Both change by 3, of which their slopes explain 2.
    probe = SimpleNamespace(
        origin=np.full((2, 1), 32.0), nodes=np.array([1.0]), rounding=lambda values, rows: np.zeros((2, 1))
    )
    h, slope = np.array([1.0, 16.0]), np.array([[2.0], [2.0 / 16]])
    noise = Noise(np.zeros((2, 1)), slope, np.full((2, 1), 2.0**-6))
    state = SimpleNamespace(
        rule=MoreWild(change=2.0**-6), probe=probe, noise=noise, strict=False, near=np.array([True])
    )
    # Of the rest, 35/64 is allowed, and the doubt makes 1/16 at h = 1 and 1 at h = 16.
    found = _Measurement._changes(state, np.full((1, 2, 1), 35.0), h, np.arange(2))
    assert found[:, 0].tolist() == [True, False]


def measurement(rows, level=None, rule=None):
    """Look at outputs that have these values at x = 0 and one and two steps of 1 ahead."""
    table = np.array(rows, dtype=float).T
    x = np.zeros(1)
    lines = PointLines(Function(lambda v: table[int(v[0])], flatten(x)[1]), x, axes(1))
    noise = None
    if level is not None:
        level = np.array([level])
        noise = Noise(level, 0 * level, np.full(level.shape, INF))
    return _Measurement(rule or MoreWild(), lines, np.array([0]), FORWARD, noise)


STEEP, STILL, LINEAR = [1, 2, 4], [1, 1, 1 + 2.0**-4], [1, 2, 3]


@np.errstate(all="ignore")
@pytest.mark.parametrize(
    ("rows", "level", "verdict"),
    [
        # Signals of 16 and 2^16; the difference of the first is larger.
        ((STEEP, STILL), (2.0**-4, 2.0**-20), RIGHT),
        ((STEEP, STILL), (2.0**-20, 2.0**-4), LONG),
        # An output that is 0, noise and all, has no signal.
        (([0, 0, 0], STEEP), (0, 2.0**-20), LONG),
        # No signal is less than half of the noise.
        ((LINEAR, STILL), (2.0**-20, 2.0**-3), SHORT),
    ],
)
def test_the_output_that_stands_out_most_decides(rows, level, verdict):
    said, _ = measurement(rows, level).trial(np.ones(1), np.array([0]))
    assert said.tolist() == [verdict]


@pytest.mark.parametrize(("noise", "verdict"), [(2.0**-11, RIGHT), (np.nextafter(2.0**-11, 1), SHORT)])
def test_a_signal_as_strong_as_wanted_is_right(noise, verdict):
    # The difference is 1/16.
    state = measurement([STILL], rule=MoreWild(noise=noise, signal=128.0))
    assert state.trial(np.ones(1), np.array([0]))[0].tolist() == [verdict]


@np.errstate(all="ignore")
def test_outputs_that_are_not_finite_have_no_say_in_the_first_step():
    rule = MoreWild(noise=1e-3)
    alone = measurement([[64, 64, 64]], rule=rule).first()
    assert alone.tolist() == measurement([[64, 64, 64], [NAN, 64, 64]], rule=rule).first().tolist()
    assert alone[0] == pytest.approx((1e-3 / 64) ** (1 / 4), rel=1e-15)


def test_lines_that_have_a_step_are_not_searched_again():
    # At 0 all of f(x) = x + x² changes, so the first line is.
    rule, x = MoreWild(noise=1e-4), np.array([0.0, 3.0, 8.0])
    f = lambda x: np.where([True, False, False], x + x * x, 1 / (x + np.array([1, 0, 0])))
    together = rule.steps(ElementwiseLines(Function(f, None), x), FORWARD)
    alone = rule.steps(ElementwiseLines(Function(np.reciprocal, None), x[1:]), FORWARD)
    assert together[1:].tolist() == alone.tolist()
