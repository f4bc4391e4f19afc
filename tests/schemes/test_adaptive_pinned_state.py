"""What is kept of some lines while the search goes on, and what is entered of it into the whole."""

import math

import numpy as np

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.schemes._adaptive_fan import Symmetric
from calcml.schemes._adaptive_state import State

INF, NAN = math.inf, math.nan
EVERY = slice(None)


def lines_of(f, x):
    return ElementwiseLines(Function(f, None), np.asarray(x, dtype=float), None)


def test_the_state_of_some_lines():
    fan = Symmetric(lines_of(np.exp, np.arange(1.0, 6.0)), np.arange(5))
    state = State(fan, np.arange(1.0, 6.0), 12.0)
    assert state.values.shape == (2, 2, 5, 1) and np.isnan(state.values).all() and (state.gallop == 12).all()
    assert (state.high == INF).all() and (state.low == 0).all() and state.failures.dtype == np.int64
    assert (state.tail_high == INF).all() and (state.quiet == INF).all() and not state.some_low
    part = state.take(np.array([4, 1, 3])).take(np.array([0, 2]))
    np.testing.assert_array_equal(part.rows, [4, 3])
    np.testing.assert_array_equal(part.step, [5, 4])
    part.step, part.some_high, part.values = part.step * 10, True, np.full_like(part.values, 7)
    kept = state.values
    state.put(np.array([4, 3]), part)
    np.testing.assert_array_equal(state.step, [1, 2, 3, 40, 50])
    assert state.some_high and not state.some_low and state.rows == EVERY and np.isnan(kept).all()
    assert (state.values[:, :, 3:] == 7).all() and np.isnan(state.values[:, :, :3]).all()
    state.some_low = True
    state.put(np.array([0]), State(fan, np.ones(5), 12.0).take(np.array([0])))
    assert state.some_low is True and state.some_high is True


def test_keep_begin_and_fall_back():
    fan = Symmetric(lines_of(np.exp, np.arange(1.0, 4.0)), np.arange(3))
    state = State(fan, np.ones(3), 12.0)
    one, two = np.ones((2, 2, 3, 1)), np.full((2, 2, 3, 1), 2.0)
    state.keep(one, np.zeros(3, dtype=bool))
    assert np.isnan(state.values).all() and not state.known.any()
    state.keep(one, np.array([True, False, False]))
    state.keep(two, np.array([False, True, False]))
    np.testing.assert_array_equal(state.values[0, 0, :, 0], [1, 2, NAN])
    np.testing.assert_array_equal(state.known, [True, True, False])
    state.keep(one, np.ones(3, dtype=bool))
    assert (state.values == 1).all() and state.known.all()
    full = np.full((3, 1), 5.0)
    state.doubted = state.jump = state.grain = state.noise = full
    state.way_up = state.resort = state.open_side = state.low = np.arange(1.0, 4.0)
    state.flat = np.ones(3, dtype=bool)
    state.begin()
    for name, shape in dict(
        doubted=(3, 1), jump=(3, 1), grain=(3, 1), way_up=(3,), resort=(3,), open_side=(3,)
    ).items():
        np.testing.assert_array_equal(getattr(state, name), np.zeros(shape))
    assert not state.flat.any() and state.flat.dtype == bool and state.noise is full
    state.tail_low, state.slope_low, state.size_low = full, 2 * full, 3 * full
    state.fall_back()
    np.testing.assert_array_equal(state.high, [1, 2, 3])
    for name in ("tail_high", "jump_high", "head_high"):
        assert getattr(state, name) is full
    for name, shape in dict(low=(3,), tail_low=(3, 1), slope_low=(3, 1), size_low=(3, 1)).items():
        np.testing.assert_array_equal(getattr(state, name), np.zeros(shape))
    assert state.some_high is True and not state.known.any() and state.known.dtype == bool


def test_values_are_of_the_type_of_f():
    fan = Symmetric(lines_of(np.exp, np.ones(2)), np.arange(2))
    fan.origin = fan.origin.astype(np.longdouble)
    assert State(fan, np.ones(2), 12.0).values.dtype == np.longdouble
