"""Plain derivatives at many points by whole arrays: the digits and points of `difference`."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ordinary import SCHEMES
from recorder import Recorder

import calcml as cm
from calcml.schemes import Backward, Central, Forward, Relative, Shi
from calcml.schemes._many import ManyPoints, many_points
from calcml.schemes._recipe import plan
from calcml.schemes.steps import optimal_factor

numbers = st.floats(-1e200, 1e200).map(lambda v: 0.0 if abs(v) < 1e-3 else v)
COUNT = 70_000


def wave(x):
    return np.exp(np.sin(3 * x)) - 1 / (1 + x * x)


def both(f, x, scheme, n=1):
    """Return a derivative by the quick way, which is that without it, and the points of each."""
    quick, plain = Recorder(f), Recorder(f)
    with pytest.MonkeyPatch.context() as patch:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            value = cm.derivative(quick, x, n, scheme=scheme)
        patch.setattr(ManyPoints, "elementwise", lambda *args: False)
        with warnings.catch_warnings(record=True) as expected_said:
            warnings.simplefilter("always")
            expected = cm.derivative(plain, x, n, scheme=scheme)
    assert [str(w.message) for w in said] == [str(w.message) for w in expected_said]
    assert value.dtype == expected.dtype and value.shape == expected.shape
    np.testing.assert_array_equal(value, expected)
    return value, quick.points, plain.points


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_digits_are_those_of_difference(scheme, n):
    x = np.linspace(-3, 5, COUNT)
    value, quick, plain = both(wave, x, scheme, n)
    assert len(quick) == len(plain)
    if n == 1:
        exact = 3 * np.cos(3 * x) * np.exp(np.sin(3 * x)) + 2 * x / (1 + x * x) ** 2
        np.testing.assert_allclose(value, exact, atol=1e-5)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@given(x=st.lists(numbers, min_size=1, max_size=20))
def test_digits_at_any_numbers(scheme, x):
    x = np.array(x)
    value = np.empty(x.size)
    found = scheme.many(1).elementwise(lambda points: np.array([np.sin(p) for p in points]), x, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = cm.derivative(np.sin, x, scheme=scheme)
    assert found
    np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize(
    ("scheme", "offsets"),
    [(Forward(), [0, 1]), (Backward(), [-1, 0]), (Central(), [-1, 1]), (Central(4), [-2, -1, 1, 2])],
)
def test_the_points_are_pinned(scheme, offsets):
    x = np.array([2.0, -3.0, 0.5, 0.0])
    order = {2: 2, 4: 4}[len(offsets)] if isinstance(scheme, Central) else 1
    factor = {1: (2 * 2.0**-52 / 0.5) ** 0.5, 2: (2.0**-52 / 2 * 6) ** (1 / 3), 4: (2.0**-52 / 4 * 45) ** 0.2}
    h = (x + factor[order] * np.maximum(np.abs(x), 1.0)) - x
    seen = []
    assert scheme.many(1).elementwise(lambda points: seen.append(points) or np.array(points), x, np.empty(4))
    np.testing.assert_array_equal(seen[0], [x + j * h for j in offsets])
    assert not any(np.shares_memory(points, x) for points in seen[0])


@pytest.mark.parametrize("scheme", SCHEMES[:4], ids=str)
def test_a_part_out_of_the_ordinary_is_left_to_difference(scheme):
    x = np.linspace(1.0, 2.0, COUNT)
    x[:3] = [1e-9, 0.0, 1e-300]
    x[40_000] = np.nan
    x[-1] = np.inf
    value, quick, plain = both(np.sqrt, x, scheme)
    # The last part was begun in vain.
    assert len(quick) >= len(plain)
    assert np.isnan(value[[40_000, -1]]).all()
    np.testing.assert_allclose(value[3:40_000], 0.5 / np.sqrt(x[3:40_000]), rtol=1e-6)


def test_values_that_are_not_finite_are_looked_at_again():
    x = np.linspace(1.0, 2.0, COUNT)
    x[50_000] = 1.0 + 1e-7
    f = lambda x: np.log(x - 1.0)
    value, _, _ = both(f, x[1:], "central")
    np.testing.assert_allclose(value[49_999], 1e7, rtol=1e-6)


@pytest.mark.parametrize(
    "x",
    [np.array([1.0, 1e-9]), np.array([-1e-9, 0.0]), np.array([1e-300])],
    ids=str,
)
def test_steps_that_reach_for_zero_are_refused(x):
    assert Central().many(1).steps(x) is None


def test_where_a_step_reaches_for_zero_is_pinned():
    factor = optimal_factor(plan(1, 2, 0).formula, 2.0**-52)
    least = 1.001 * 4 * factor
    way = Central().many(1)
    assert way.least == least and way.factor == factor
    assert way.steps(np.array([least])) is not None
    assert way.steps(np.array([np.nextafter(least, 0)])) is None
    assert way.steps(np.array([0.0, -1.0])) is not None
    assert way.steps(np.array([0.0, least])) is not None
    assert Central(step=Relative(floor=3.0)).many(1).least == 1.001 * 4 * factor * 3.0
    # Where a step is always a large part of x, no x but 0 will do.
    coarse = many_points(20, 1, 1, 1.0)
    assert coarse.least == np.inf
    assert coarse.steps(np.array([1e300])) is None and coarse.steps(np.zeros(2)) is not None


@pytest.mark.parametrize(
    ("f", "x", "options"),
    [
        (np.sin, np.ones(COUNT, np.float32), {}),
        (np.sin, np.ones(COUNT, np.longdouble), {}),
        (lambda x: np.float32(1) * np.sin(x).astype(np.float32), np.ones(COUNT), {}),
        (lambda x: np.exp(1j * x), np.ones(COUNT), {}),
        (lambda x: np.floor(x).astype(int), np.ones(COUNT) + 0.5, {}),
        (np.sin, np.ones(COUNT), {"bounds": (0.0, 2.0)}),
    ],
    ids=["float32", "longdouble", "float32 values", "complex values", "integers", "bounds"],
)
def test_other_kinds_are_left_to_difference(f, x, options, monkeypatch):
    monkeypatch.setattr(ManyPoints, "elementwise", None)
    assert cm.derivative(f, x, scheme="central", **options).shape == x.shape


def test_errors_and_few_points_have_no_use_for_it(monkeypatch):
    monkeypatch.setattr(ManyPoints, "elementwise", None)
    assert cm.estimate_derivative(np.sin, np.ones(COUNT), scheme="central").success
    assert cm.derivative(np.sin, np.ones(1000), scheme="central").shape == (1000,)


def test_other_steps_and_schemes_have_none():
    for step in (1e-5, Relative(factor=1e-5), Relative(floor=0.5), Shi()):
        assert Central(step=step).many(1) is None
    for name in ("adaptive", "complex", "richardson", "cauchy"):
        assert cm.schemes.as_scheme(name).many(1) is None
    assert isinstance(Central(step=Relative(floor=2.0)).many(2), ManyPoints)
    assert many_points(1, 2, 0, 1.0) is Central().many(1)
    assert many_points(2, 2, 0, 1.0) is not Central().many(1)


def test_read_only_points_and_functions_that_keep_their_argument():
    x = np.linspace(1.0, 2.0, COUNT)
    x.flags.writeable = False
    np.testing.assert_allclose(cm.derivative(lambda x: x, x, scheme="forward"), 1.0, rtol=1e-7)
    buffer = np.empty(COUNT)

    def f(x):
        np.multiply(x, x, out=buffer[: x.size])
        return buffer[: x.size]

    np.testing.assert_allclose(cm.derivative(f, x, scheme="central"), 2 * x, rtol=1e-9)


@pytest.mark.parametrize(
    "scheme",
    [Central(step=1e-5), Central(step=np.full(COUNT, 1e-5)), Central(step=Shi()), "richardson", "complex"],
)
def test_schemes_without_it_go_through_parts_all_the_same(scheme, monkeypatch):
    monkeypatch.setattr(ManyPoints, "elementwise", None)
    x = np.linspace(-3, 5, COUNT)
    f = Recorder(np.sin)
    np.testing.assert_allclose(cm.derivative(f, x, scheme=scheme), np.cos(x), atol=1e-7)
    assert max(points.size for points in f.points) < COUNT
