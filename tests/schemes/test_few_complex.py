"""The complex step of few variables, number by number: the digits, points and refusals of `ComplexStep`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml.errors import NotAnalyticError
from calcml.schemes import ComplexStep
from calcml.schemes._analytic_check import SHARP
from calcml.schemes._few_complex import MOST, FewImaginary

numbers = st.floats(-1e6, 1e6).map(lambda v: 0.0 if abs(v) < 1e-50 else v)


def wave(x):
    return np.sum(np.sin(3 * x + np.arange(x.size))) + np.exp(-(x[0] ** 2)) * x[-1]


class Recorder:
    """Remember the points at which f was evaluated."""

    def __init__(self, f):
        self.f, self.points = f, []

    def __call__(self, x):
        self.points.append(x.copy())
        return self.f(x)


def without(f, x):
    """Return the gradient that `ComplexStep` gives on lines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ComplexStep, "few", None)
        return cm.gradient(f, x, scheme="complex")


@given(x=st.lists(numbers, min_size=1, max_size=12))
def test_digits_and_points_are_those_of_lines(x):
    x = np.array(x)
    quick, plain = Recorder(wave), Recorder(wave)
    value, expected = cm.gradient(quick, x, scheme="complex"), without(plain, x)
    np.testing.assert_array_equal(value, expected)
    assert value.dtype == expected.dtype
    if len(quick.points) == len(plain.points):
        for a, b in zip(quick.points[: 1 + x.size], plain.points, strict=False):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(quick.points[1 + x.size :], plain.points[1 + x.size :], rtol=1e-14)


def test_the_points_are_pinned():
    x = np.array([2.0, -3.0, 0.5])
    f = Recorder(wave)
    value, known = ComplexStep.few.gradient(f, x)
    assert known == [wave(x)] and len(f.points) == 1 + 3 + 6
    np.testing.assert_array_equal(f.points[0], x)
    for k in range(3):
        np.testing.assert_array_equal(f.points[1 + k], x + 1e-100j * np.eye(3)[k])
    weights = (0.5 + (np.arange(1, 4) * 0.6180339887498949) % 1) / np.abs(value)
    weights /= weights.max()
    factor = (2.0**-52 / 4 * 45) ** 0.2
    t = np.min(factor * np.maximum(np.abs(x), 1) / weights)
    np.testing.assert_allclose(
        f.points[4:], [x + k * t * weights for k in (-3, -2, -1, 1, 2, 3)], rtol=0, atol=1e-15
    )


def test_a_mixture_without_slopes_is_checked_too():
    f = Recorder(lambda x: x[0] ** 2)
    value, _ = ComplexStep.few.gradient(f, np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(value, [2, 0, 0])
    assert len(f.points) == 1 + 3 + 12


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.abs(x)) + x[0] ** 2,
        lambda x: x[0] ** 2 + 1e-4 * np.abs(x[1]),
        lambda x: x[0] ** 2 + 1e-9 * np.abs(x[0]),
        lambda x: np.sum(x**2).real + 0j,
        lambda x: float(np.real(x[0])) ** 2,
        lambda x: float(x[0]) if np.isrealobj(x) else 1 / 0 if x.size > 9 else float(x[0]),
        lambda x: x[0] * np.conj(x[1]),
        lambda x: np.linalg.norm(x),
        lambda x: x[0] ** 2 + np.complex64(x[1]) ** 2 if np.iscomplexobj(x) else np.sum(x**2),
    ],
    ids=["abs", "small abs", "tiny abs", "real", "real value", "float", "conj", "norm", "complex64"],
)
def test_functions_that_are_not_analytic_are_refused_all_the_same(f):
    x = np.array([1.5, -2.0])
    with pytest.raises(NotAnalyticError) as quick:
        cm.gradient(f, x, scheme="complex")
    with pytest.raises(NotAnalyticError) as plain:
        without(f, x)
    assert str(quick.value) == str(plain.value)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.float32(x[0] ** 2) if np.isrealobj(x) else np.complex64(x[0] ** 2),
        lambda x: x[0] ** 2 + 1j * 0,
        lambda x: np.array(x[0] ** 2),
        lambda x: np.atleast_1d(x[0] ** 2),
        lambda x: np.log(x[0] - 5.0),
        lambda x: x[0] * 1e-250,
        lambda x: 1e200 * x[0] ** 2,
        lambda x: x[0] ** 2 + 1e-220 * x[1],
        lambda x: x[0] ** 2 * (1 if x.dtype.kind == "c" else 1 + 1e-9),
        lambda x: (x[0] - 1.5) ** 3,
        lambda x: x[0] + (np.nan if np.isrealobj(x) and x[0] != 1.5 else 0.0),
        lambda x: x[0] if x[0] == 1.5 or np.iscomplexobj(x) else np.float32(x[0]),
    ],
    ids=str,
)
def test_whatever_is_unusual_is_left_to_lines(f):
    x = np.array([1.5, -2.0])
    assert ComplexStep.few.gradient(f, x)[0] is None
    outcomes = [_outcome(lambda: without(f, x)), _outcome(lambda: cm.gradient(f, x, scheme="complex"))]
    np.testing.assert_equal(*outcomes)


def _outcome(call):
    """Return the value, or what was raised."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001
        return type(error), str(error)


def test_f_at_x_is_not_called_again():
    f = Recorder(lambda x: x[0] * 1e-250 if x.size < 3 else np.log(x[0] - 9))
    cm.gradient(f, np.array([1.0, 2.0]), scheme="complex")
    assert sum(np.array_equal(p, [1.0, 2.0]) and p.dtype.kind == "f" for p in f.points) == 1


@pytest.mark.parametrize(
    "x",
    [
        np.ones(3, np.float32),
        np.arange(1, 4),
        np.ones((1, 3)),
        np.array(2.0),
        np.empty(0),
        [1.0, 2.0],
        {"a": np.ones(2)},
        np.array([1.0, 1e-60]),
        np.array([1.0, 1e200]),
        np.array([1.0, np.nan]),
        np.array([1.0, np.inf]),
        np.ones(MOST + 1),
    ],
    ids=lambda x: f"{type(x).__name__}-{np.shape(x)}",
)
def test_other_points_are_left_to_lines(x):
    f = Recorder(wave)
    assert ComplexStep.few.gradient(f, x) == (None, [])
    assert not f.points


def test_the_most_variables():
    assert MOST == 256
    x = np.linspace(1, 2, MOST)
    value, _ = ComplexStep.few.gradient(lambda x: x @ x, x)
    np.testing.assert_allclose(value, 2 * x, rtol=1e-15)


def test_an_exception_of_f_arrives_unchanged():
    error = KeyError("mine")

    def f(x):
        if x.dtype.kind == "c":
            raise error
        return x[0] ** 2

    with pytest.raises(KeyError) as raised:
        cm.gradient(f, np.array([1.0, 2.0]), scheme="complex")
    assert raised.value is error


def test_read_only_points_stay_and_f_may_change_its_own():
    x = np.array([1.0, 2.0])
    x.flags.writeable = False

    def f(x):
        value = x[0] * x[1] ** 2
        x[:] = 0
        return value

    np.testing.assert_array_equal(cm.gradient(f, x, scheme="complex"), [4, 4])


def test_the_check_is_that_of_the_sharp_formula():
    few = ComplexStep.few
    assert isinstance(few, FewImaginary) and SHARP.order == 4
    np.testing.assert_array_equal(few.grid[:, 0], [-3, -2, -1, 1, 2, 3])
    np.testing.assert_allclose(few.weights, [0, 1 / 12, -2 / 3, 2 / 3, -1 / 12, 0])
    np.testing.assert_allclose(few.better, [-1 / 60, 3 / 20, -3 / 4, 3 / 4, -3 / 20, 1 / 60])


@pytest.mark.parametrize(("share", "agrees"), [(1e-13, True), (1e-9, False)])
def test_how_far_apart_both_may_be(share, agrees):
    x = np.array([0.7, 0.4])
    few = ComplexStep.few
    value = few._agrees(wave, x, [0.7, 0.4], np.array([1.0, 0.0]), 0.0)
    assert not value
    exact = 3 * np.cos(2.1) - 2 * 0.7 * np.exp(-0.49) * 0.4
    for sign in (1, -1):
        expected = exact * (1 + sign * share)
        assert few._agrees(wave, x, [0.7, 0.4], np.array([1.0, 0.0]), expected) == agrees


def test_a_difference_that_is_too_rough_is_no_proof():
    few = ComplexStep.few
    rough = lambda x: np.sin(1e4 * x[0])
    x = np.array([0.3])
    assert not few._agrees(rough, x, [0.3], np.ones(1), 1e4 * np.cos(3e3))
    np.testing.assert_allclose(cm.gradient(rough, x, scheme="complex"), 1e4 * np.cos(3e3), rtol=1e-10)
