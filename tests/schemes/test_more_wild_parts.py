"""What Moré and Wild's search keeps of a trial, at the thresholds and on either side of them."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest

from calcml.schemes._noise import Noise
from calcml.schemes._search import Bracket
from calcml.schemes.more_wild import MoreWild, _Measurement

INF, NAN = math.inf, math.nan


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
