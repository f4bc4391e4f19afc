"""Derivatives at a number in Python's floats: the digits, points and calls of `difference`."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ordinary import NOT_PLAIN, SCHEMES
from recorder import Recorder

import calcml as cm
from calcml.schemes import Backward, Central, Forward, Relative, Shi
from calcml.schemes._one import OneNumber
from calcml.schemes._quick import MOST

numbers = st.floats(-1e8, 1e8).map(lambda v: 0.0 if abs(v) < 1e-8 else v)


def wave(x):
    return np.sin(3 * x) + np.exp(-(x**2))


def both(f, x, n, scheme):
    quick, plain = Recorder(f), Recorder(f)
    with pytest.MonkeyPatch.context() as patch:
        value = cm.derivative(quick, x, n, scheme=scheme)
        patch.setattr(OneNumber, "derivative", lambda self, f, x, n: (None, []))
        expected = cm.derivative(plain, x, n, scheme=scheme)
    assert type(value) is type(expected)
    np.testing.assert_array_equal(value, expected)
    assert list(map(type, quick.points)) == list(map(type, plain.points))
    np.testing.assert_array_equal(quick.points, plain.points)
    return value


@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@given(x=numbers, n=st.integers(1, MOST + 1), kind=st.sampled_from([float, np.float64]))
def test_digits_and_points_are_those_of_difference(scheme, x, n, kind):
    both(lambda x: kind(wave(x)), kind(x), n, scheme)
    if abs(x) > 1 and n < 3:
        assert scheme.one.derivative(wave, x, n)[0] is not None


@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.float32(wave(x)),
        lambda x: np.exp(1j * x),
        lambda x: 3,
        lambda x: np.log(x - 1.0),
        lambda x: 1e160 * x,
        lambda x: np.where(x > 1, x, np.float64(x) ** 2),
        np.array,
        lambda x: x if x > 1 else np.float32(x),
    ],
)
def test_what_is_out_of_the_ordinary_is_the_same_as_well(f):
    for scheme, x in product((Central(), Forward(2), Backward()), (1.0, 1, 0.0, 1e-9, 1e140, -1e149)):
        with np.errstate(all="ignore"):
            both(f, x, 1, scheme)


def test_the_points_are_pinned():
    h = (2.0 + (2.0**-52 / 2 * 1 / (1 / 6)) ** (1 / 3) * 2.0) - 2.0
    f = Recorder(wave)
    value, seen = Central().one.derivative(f, 2, 1)
    assert f.points == [2.0 - h, 2.0 + h] or np.allclose(np.subtract(f.points, 2.0) / h, [-1, 1], rtol=1e-3)
    assert seen == [wave(p) for p in f.points] and type(value) is np.float64
    assert value == pytest.approx((seen[1] - seen[0]) / (f.points[1] - f.points[0]), rel=1e-12)
    f = Recorder(wave)
    second, seen = Central().one.derivative(f, 2.0, 2)
    assert f.points[0] == 2.0 and len(seen) == 3
    assert second == pytest.approx(-9 * math.sin(6) + 14 * math.exp(-4), rel=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_it_is_the_way_that_derivatives_take(scheme, monkeypatch):
    monkeypatch.setattr(OneNumber, "derivative", lambda self, f, x, n: ((self.order, self.side, n), []))
    assert cm.derivative(wave, 1.0, 2, scheme=scheme) == (scheme.order, scheme.side, 2)
    assert scheme.one is scheme.one


def test_options_and_other_steps_are_left_to_difference(monkeypatch):
    monkeypatch.setattr(OneNumber, "derivative", None)
    for options in ({"args": (1.0,)}, {"kwargs": {}}, {"bounds": (0.0, 2.0)}, {"workers": map}):
        cm.derivative(lambda x, *a: np.sin(x), 1.0, scheme="central", **options)
    for step in (1e-5, Relative(factor=1e-5), Relative(floor=0.5), Shi()):
        assert Central(step=step).one is None
        cm.derivative(wave, 1.0, scheme=Central(step=step))
    assert cm.estimate_derivative(wave, 1.0, scheme="central").success
    for scheme in ("richardson", "cauchy", "complex"):
        assert cm.schemes.as_scheme(scheme).one is None


@pytest.mark.parametrize(("x", "n"), NOT_PLAIN)
def test_what_is_no_plain_number(x, n):
    assert OneNumber(2, 0, 1.0).derivative(None, x, n) == (None, [])


def test_numbers_near_zero_are_left_to_difference():
    least = 4 * 1.001 * Central().few.factor
    one = Central().one
    assert one.derivative(None, least * (1 - 1e-9), 1) == (None, [])
    for x in (least * (1 + 1e-9), 0.0, -0.0, 2**53 - 1, -9e149):
        assert len(one.derivative(lambda x: 1.5 * x, x, 1)[1]) == 2


def test_the_ends_of_what_is_ordinary():
    one, way = Central().one, Central().many(1)
    assert len(one.derivative(lambda x: 1.5 * x, way.least, 1)[1]) == 2
    assert one.derivative(None, math.nextafter(way.least, 0), 1) == (None, [])
    assert len(one.derivative(np.exp, 1.0, MOST)[1]) > MOST
    h = (1.0 + Forward().few.factor) - 1.0
    slopes = (1e150, math.nextafter(1e150, 0))
    values = [Forward().one.derivative(lambda x, s=s: s * h * (x > 1), 1.0, 1)[0] for s in slopes]
    assert values == [None, slopes[1]]


@np.errstate(all="ignore")
def test_a_value_out_of_range_is_left_to_difference():
    one = Forward().one
    for slope, good in ((9e149, True), (1.1e150, False), (math.nan, False), (-math.inf, False)):
        value, seen = one.derivative(lambda x, slope=slope: slope * (x - 1.0), 1.0, 1)
        assert (value is not None) == good and len(seen) == 2


def test_an_error_of_the_user_arrives_as_it_is():
    error = ZeroDivisionError("mine")

    def f(x):
        raise error

    with pytest.raises(ZeroDivisionError) as caught:
        cm.derivative(f, 1.0, scheme="central")
    assert caught.value is error


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize(("x", "own"), [(1.0, True), (-2, True), (0.0, False), (-0.0, False), (0, False)])
def test_only_a_step_across_zero_holds_warnings_off(scheme, x, own):
    states = []

    def f(x):
        states.append(np.geterr())
        return 2.5 * x

    with np.errstate(all="print", under="log"):
        cm.derivative(f, x, scheme=scheme)
        theirs = np.geterr()
    assert all((state == theirs) == own for state in states) and states
    assert own or all(set(state.values()) == {"ignore"} for state in states)


@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
@pytest.mark.parametrize("state", ["warn", "raise"])
@pytest.mark.parametrize(("scheme", "before"), [(Backward(), 1), (Central(), 0), (Central(4), 0)])
def test_where_a_warning_is_an_error_difference_goes_on(scheme, before, state):
    # The tests turn warnings into errors.
    f, x = lambda x: np.log(x - 1.0), 1.0 + 1e-9
    with np.errstate(all="ignore"):
        expected = cm.derivative(f, x, scheme=scheme)
    with np.errstate(all=state):
        assert cm.derivative(f, x, scheme=scheme) == expected
        assert scheme.one.derivative(f, x, 1) == (None, [f(x)] * before)
    assert expected == pytest.approx(1e9, rel=1e-5)
