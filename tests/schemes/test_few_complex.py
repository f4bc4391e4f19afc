"""The complex step of few variables, number by number: the digits, points and refusals of `ComplexStep`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorder import Recorder

import calcml as cm
from calcml._function import Function
from calcml._lines import Directions, PointLines
from calcml.errors import NotAnalyticError
from calcml.schemes import ComplexStep
from calcml.schemes._analytic_check import SHARP
from calcml.schemes._few_complex import MOST, FewImaginary, _slopes
from calcml.schemes._imaginary import SMALL
from calcml.schemes._recipe import plan

SHARP_PLAN = plan(1, 4, 0)
numbers = st.floats(-1e6, 1e6).map(lambda v: 0.0 if abs(v) < 1e-50 else v)


def wave(x):
    return np.sum(np.sin(3 * x + np.arange(x.size))) + np.exp(-(x[0] ** 2)) * x[-1]


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
    # Where it is left to lines, all but f(x) is asked for again.
    agrees = ComplexStep.few.gradient(wave, x)[0] is not None
    assert (len(quick.points) == len(plain.points)) == agrees
    for a, b in zip(quick.points[: 1 + x.size], plain.points, strict=False):
        np.testing.assert_array_equal(a, b)
    if agrees:
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


def test_where_nothing_moves_a_longer_step_must_tell():
    # f may not depend on a variable; or it is rounded, of which the complex step sees nothing.
    x = np.array([1.0, 2.0])
    for f in (lambda x: x[0] ** 2, lambda x: x[0] ** 2 + np.round(x[1], 4)):
        assert ComplexStep.few.gradient(f, x)[0] is None
    np.testing.assert_array_equal(cm.gradient(lambda x: x[0] ** 2, x, scheme="complex"), [2, 0])
    # The step of the real difference is 1e-3 of x.
    with pytest.raises(cm.NotAnalyticError, match="the complex step gives 0, real differences"):
        cm.gradient(lambda x: x[0] ** 2 + np.round(x[1], 6), x, scheme="complex")
    with pytest.warns(cm.AccuracyWarning, match="at index 1:"):
        cm.gradient(lambda x: x[0] ** 2 + np.round(x[1], 2), x, scheme="complex")


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


@pytest.fixture
def few():
    """A new one, whose constants are not those of an import."""
    return FewImaginary(plan(1, 4, 0))


def test_the_check_is_that_of_the_sharp_formula(few):
    assert isinstance(ComplexStep.few, FewImaginary) and SHARP.order == 4
    assert vars(ComplexStep.few).keys() == vars(few).keys()
    np.testing.assert_array_equal(few.grid[:, 0], [-3, -2, -1, 1, 2, 3])
    np.testing.assert_allclose(few.weights, [0, 1 / 12, -2 / 3, 2 / 3, -1 / 12, 0])
    np.testing.assert_allclose(few.better, [-1 / 60, 3 / 20, -3 / 4, 3 / 4, -3 / 20, 1 / 60])
    np.testing.assert_array_equal(few.grid, ComplexStep.few.grid)
    assert few.weights == ComplexStep.few.weights and few.better == ComplexStep.few.better


@pytest.mark.parametrize(
    "f", [np.sin, np.arctan, lambda x: 1e6 + x**3, lambda x: 1e3 * np.sin(40 * x), lambda x: 3 * x], ids=str
)
@pytest.mark.parametrize("at", [0.3, -7.0, 1e3])
def test_value_and_error_are_those_of_the_scheme(few, f, at):
    lines = PointLines(Function(lambda x: f(x[0]), None), np.array([at]), Directions.dense(np.array([[0.5]])))
    expected = SHARP.coefficient(lines, 1)
    t = float(expected.step[0])
    assert t == pytest.approx(few.factor * max(abs(at), 1) / 0.5, rel=1e-12)
    values = [float(f(at + j * t * 0.5)) for j in (-3, -2, -1, 1, 2, 3)]
    value, error = few._difference(values, t, abs(at) / 0.5)
    assert value == pytest.approx(expected.value[0, 0], rel=1e-14)
    # The truncation is a difference of two values that may agree to rounding.
    doubt = 20 * 2.0**-52 * max(map(abs, values)) / t
    assert abs(error - (expected.truncation + expected.noise)[0, 0]) <= doubt


def test_value_and_error_by_hand(few):
    assert few.rounding == 2.0**-52 * SHARP_PLAN.judged.condition
    few.weights, few.better, few.rounding = [0, 1.0, 0, 0, 0, 0], [0, 0, 2.0, 0, 0, 0], 1e-3
    t, along = 0.25, 3.0
    value, error = few._difference([1.0, 2.0, 5.0, 2.0, 2.0, -8.0], t, along)
    assert value == (2 - 1) / t
    slope = (8 + 1) / (6 * t)
    assert error == pytest.approx(
        3 * (2 * (5 - 1) - (2 - 1)) / t + 1e-3 * (8 + slope * along / 2) / t, rel=1e-14
    )


def test_x_is_measured_in_units_of_the_distance(few):
    seen = []
    few._difference = lambda values, t, along: seen.append(along) or (1.0, 0.0)
    few._agrees(lambda x: 0.0, np.array([4.0, -6.0]), [4.0, 6.0], np.array([0.5, -0.25]), 1.0)
    assert seen == [6.0 / 0.5]


@pytest.mark.parametrize("sign", [1, -1])
def test_how_far_apart_both_may_be(few, sign):
    # The difference of a straight line is exact, its noise small at 0; 64 units more are rounding.
    x, along = np.zeros(1), np.ones(1)
    straight = lambda x: 3 * x[0]
    t = few.factor
    _, error = few._difference([3.0 * j * t for j in (-3, -2, -1, 1, 2, 3)], t, 0.0)
    assert error < 60 * 2.0**-52 * 3
    for units, agrees in ((0, True), (60, True), (64 + error / 3 * 2.0**52 + 8, False)):
        assert few._agrees(straight, x, [0.0], along, 3 * (1 + sign * units * 2.0**-52)) == agrees


def test_a_large_error_is_no_excuse(few):
    # One in a thousand is looked into, however large the error.
    rough = lambda x: 1e14 + 3 * x[0]
    x = np.zeros(1)
    assert few._agrees(lambda x: 1e9 + 3 * x[0], x, [0.0], np.ones(1), 3.0)
    assert not few._agrees(rough, x, [0.0], np.ones(1), 3.1)


def test_a_difference_that_is_too_rough_is_no_proof(few):
    rough = lambda x: np.sin(1e4 * x[0])
    x = np.array([0.3])
    assert not few._agrees(rough, x, [0.3], np.ones(1), 1e4 * np.cos(3e3))
    np.testing.assert_allclose(cm.gradient(rough, x, scheme="complex"), 1e4 * np.cos(3e3), rtol=1e-10)


def test_a_value_of_another_kind_is_no_proof(few):
    x = np.array([1.5, -2.0])
    assert not few._agrees(lambda x: np.float32(3 * x[0]), x, [1.5, 2.0], np.array([1.0, 0.0]), 3.0)


@pytest.mark.parametrize("x", [[1.5], [0.0, 1.0], [SMALL, -1.0], [np.nextafter(1e150, 0), 1.0]])
def test_these_points_are_ordinary(few, x):
    x = np.array(x)
    scale = 1 / np.maximum(np.abs(x), 1)
    f = lambda x: 1.0 + np.sum(x * scale)
    value, known = few.gradient(f, x)
    np.testing.assert_allclose(value, scale, rtol=1e-15)
    assert known == [f(x)]


@pytest.mark.parametrize("x", [np.nextafter(SMALL, 0), 1e150])
def test_these_points_are_not(few, x):
    assert few.gradient(lambda x: 1.0 + x[-1], np.array([x, 1.0])) == (None, [])


@pytest.mark.parametrize("origin", [1e-250, 1e-200, -1e-250, 1e150, np.nan, np.inf])
def test_values_at_x_that_are_not_ordinary(few, origin):
    f = Recorder(lambda x: (x[0] - 1.5) + origin)
    value, known = few.gradient(f, np.array([1.5]))
    assert value is None and len(f.points) == 1
    np.testing.assert_equal(known, [origin])


@pytest.mark.parametrize("origin", [0.0, 1.1e-200, -1.1e-200, 9e149])
def test_values_at_x_that_are(few, origin):
    f = Recorder(lambda x: (x[0] - 1.5) * 2 + origin)
    few.gradient(f, np.array([1.5]))
    assert len(f.points) == 1 + 1 + 6


@pytest.mark.parametrize(
    ("f", "ordinary"),
    [
        (lambda x: 2 * x[0], True),
        (lambda x: 2 * x[0] + (9e149 if np.iscomplexobj(x) else 0), True),
        (lambda x: 2 * x[0] + (1e151 if np.iscomplexobj(x) else 0), False),
        (lambda x: 2 * x[0] + (np.nan if np.iscomplexobj(x) else 0), False),
        (lambda x: 1e-220 * x[0] + 1, False),
        (lambda x: 1e151 * x[0], False),
        (lambda x: np.real(x[0]), False),
        (lambda x: np.array([x[0]]), False),
    ],
)
def test_which_complex_values_are_ordinary(f, ordinary):
    assert (_slopes(f, np.array([1.5])) is not None) == ordinary


def test_plain_numbers_of_python_will_do(few):
    f = lambda x: complex(x[0]) ** 2 if np.iscomplexobj(x) else float(x[0]) ** 2
    value, known = few.gradient(f, np.array([1.5]))
    assert value.tolist() == [3.0] and known == [2.25]
