"""Plain derivatives at some points, all of which f gets in each call: the digits of `difference`."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ordinary import SCHEMES
from recorder import Recorder

import calcml as cm
from calcml.errors import AccuracyWarning, EvaluationError
from calcml.schemes import Backward, Central, Forward, Relative, Shi
from calcml.schemes._many import ManyPoints
from calcml.schemes._quick import MOST

numbers = st.floats(-1e8, 1e8).map(lambda v: 0.0 if abs(v) < 1e-2 else v)


def wave(x):
    return np.exp(np.sin(3 * x)) - 1 / (1 + x * x)


def without(f, x, n, **options):
    """Return what `difference` gives."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        patch.setattr(ManyPoints, "derivative", lambda *args: None)
        return cm.derivative(f, x, n, **options)


@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@given(x=st.lists(numbers, min_size=1, max_size=12), n=st.integers(1, MOST + 1))
def test_digits_are_those_of_difference(scheme, x, n):
    x = np.array(x)
    value, expected = cm.derivative(wave, x, n, scheme=scheme), without(wave, x, n, scheme=scheme)
    assert value.dtype == expected.dtype == float and value.shape == x.shape
    np.testing.assert_array_equal(value, expected)
    if n < 3 and (np.abs(x) > 1).any() and scheme.many(n).steps(x) is not None:
        assert scheme.many(n).derivative(wave, x) is not None


@pytest.mark.parametrize("shape", [(1,), (6,), (2, 3), (3, 1, 2)])
def test_points_of_any_shape(shape):
    x = np.linspace(1.0, 2.0, int(np.prod(shape))).reshape(shape)
    for points in (x, x.T, x[::-1]):
        f = Recorder(wave)
        value = cm.derivative(f, points, scheme="central")
        assert value.shape == points.shape and [p.shape for p in f.points] == [points.shape] * 2
        np.testing.assert_array_equal(value, without(wave, points, 1, scheme="central"))


@pytest.mark.parametrize(
    ("scheme", "offsets"),
    [(Forward(), [0, 1]), (Backward(), [-1, 0]), (Central(), [-1, 1]), (Central(4), [-2, -1, 1, 2])],
)
def test_the_points_are_pinned(scheme, offsets):
    x = np.array([2.0, -3.0, 0.5, 0.0, -0.0])
    order = {2: 2, 4: 4}[len(offsets)] if isinstance(scheme, Central) else 1
    factor = {1: (2 * 2.0**-52 / 0.5) ** 0.5, 2: (2.0**-52 / 2 * 6) ** (1 / 3), 4: (2.0**-52 / 4 * 45) ** 0.2}
    h = (x + factor[order] * np.maximum(np.abs(x), 1.0)) - x
    f = Recorder(np.cos)
    scheme.many(1).derivative(f, x)
    np.testing.assert_array_equal(f.points, [x + j * h for j in offsets])
    if 0 in offsets:
        # f(-0.0) may be another value than f(0.0).
        assert np.signbit(f.points[offsets.index(0)][-1])


def test_it_is_the_way_that_derivatives_take(monkeypatch):
    monkeypatch.setattr(ManyPoints, "derivative", lambda self, f, x: (self.recipe.n, x.size))
    for size in (1, 2, 16384):
        assert cm.derivative(wave, np.ones(size), 2, scheme="central") == (2, size)
    assert cm.derivative(wave, np.ones(2), MOST, scheme="central") == (MOST, 2)


@pytest.mark.parametrize(
    ("x", "n", "options"),
    [
        (np.ones(2), 1, {"args": (1.0,)}),
        (np.ones(2), 1, {"kwargs": {}}),
        (np.ones(2), 1, {"bounds": (0.0, 2.0)}),
        (np.ones(2), 1, {"workers": map}),
        (np.ones(2), 1, {"scheme": Central(step=1e-5)}),
        (np.ones(2), 1, {"scheme": Central(step=Relative(factor=1e-5))}),
        (np.ones(2), 1, {"scheme": Central(step=Shi())}),
        (np.ones(2), 1, {"scheme": "adaptive"}),
        (np.ones(2), 1, {"scheme": "richardson"}),
        (np.ones(2), np.int64(1), {}),
        (np.ones(2), MOST + 1, {}),
        (np.ones(2, np.float32), 1, {}),
        (np.ones(2, np.longdouble), 1, {}),
        (np.ones(2, ">f8"), 1, {}),
        (np.ones(2, int), 1, {}),
        (np.array(1.0), 1, {}),
        (np.empty(0), 1, {}),
        ([1.0, 1.0], 1, {}),
        (np.ones(16385), 1, {}),
    ],
    ids=lambda x: str(x)[:40],
)
@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
def test_whatever_else_is_left_to_the_general_way(x, n, options, monkeypatch):
    monkeypatch.setattr(ManyPoints, "derivative", None)
    f = lambda x, a=1.0: np.sin(x * a)
    assert cm.derivative(f, x, n, **({"scheme": "central"} | options)).shape == np.shape(x)


@pytest.mark.parametrize("n", [0, -1, 171, 1.0, True])
def test_orders_that_are_none_are_refused(n):
    f = Recorder(np.sin)
    with pytest.raises((TypeError, ValueError), match="`n` must be"):
        cm.derivative(f, np.ones(2), n, scheme="central")
    assert not f.points


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.float32(1) * wave(x).astype(np.float32),
        lambda x: np.exp(1j * x),
        lambda x: np.floor(10 * x).astype(int),
        lambda x: x > 1.1,
        lambda x: wave(x).astype(np.longdouble),
        lambda x: wave(x).tolist(),
        lambda x: wave(x).view(type("Own", (np.ndarray,), {})),
    ],
    ids=["float32", "complex", "integers", "bool", "longdouble", "list", "subclass"],
)
def test_other_kinds_of_values_are_left_to_difference(f):
    x = np.array([1.0, 1.5, 2.0])
    assert Central().many(1).derivative(f, x) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        value = cm.derivative(f, x, scheme="central")
    expected = without(f, x, 1, scheme="central")
    assert value.dtype == expected.dtype
    np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.sqrt, [1e-9, 1.0]),
        (np.sqrt, [0.0, 1.0]),
        (lambda x: np.log(x - 1.0), [1.0 + 1e-9, 3.0]),
        (np.sin, [np.nan, 1.0]),
        (np.sin, [np.inf, 1.0]),
        (lambda x: 0 * x, [1.0, 2.0]),
        (lambda x: 1e200 * x, [1.0, 2.0]),
        (np.exp, [709.7827, 1.0]),
    ],
)
@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_what_is_out_of_the_ordinary_is_the_same_as_well(f, x, scheme):
    x = np.array(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        value = cm.derivative(f, x, scheme=scheme)
    np.testing.assert_array_equal(value, without(f, x, 1, scheme=scheme))


def test_a_zero_among_others_is_ordinary_and_curvatures_may_be_zero():
    x = np.array([-1.0, 0.0, 2.0])
    f = Recorder(lambda x: x * x)
    np.testing.assert_allclose(Central().many(1).derivative(f, x), 2 * x, atol=1e-10)
    assert len(f.points) == 2
    assert Central().many(1).derivative(lambda x: 0 * x, x) is None
    assert (Central().many(2).derivative(lambda x: 0 * x, x) == 0).all()


def test_the_last_digits_of_higher_derivatives_are_those_of_a_product_with_a_factorial():
    x = np.array([0.3, 0.7])
    way = Central().many(3)
    value = way.derivative(np.exp, x)
    np.testing.assert_allclose(value, np.exp(x), rtol=1e-3)
    np.testing.assert_array_equal(value, cm.derivative(np.exp, x, 3, scheme="central"))


def test_a_buffer_that_f_fills_again_is_copied_in_time():
    buffer = np.empty(3)
    x = np.array([1.0, 2.0, 3.0])
    value = cm.derivative(lambda x: np.multiply(x, x, out=buffer), x, scheme="forward")
    np.testing.assert_allclose(value, 2 * x, rtol=1e-7)


def test_points_are_the_functions_own():
    x = np.array([1.0, 2.0])
    x.flags.writeable = False

    def f(x):
        value = np.sin(x)
        x *= np.nan
        return value

    for scheme in SCHEMES:
        np.testing.assert_allclose(cm.derivative(f, x, scheme=scheme), np.cos([1.0, 2.0]), rtol=1e-6)


def test_another_shape_is_refused_as_before():
    with pytest.raises(EvaluationError, match="needs an elementwise f"):
        cm.derivative(np.sum, np.ones(3), scheme="central")
    with pytest.raises(EvaluationError, match="needs an elementwise f"):
        cm.derivative(lambda x: x[:2], np.ones(3), scheme="central")


def test_warnings_of_f_are_held_off():
    states = []
    cm.derivative(lambda x: states.append(np.geterr()) or x * 2.0, np.ones(3), scheme="central")
    assert all(set(state.values()) == {"ignore"} for state in states) and len(states) == 2
