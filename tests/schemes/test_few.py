"""Gradients of few variables, number by number: the digits, points and calls of `difference`."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorder import Recorder

import calcml as cm
from calcml.schemes import Adaptive, Backward, Central, ComplexStep, Forward, Relative, Shi
from calcml.schemes._adaptive_few import FewLines
from calcml.schemes._few import FEW, FewVariables
from calcml.schemes._few_complex import FewImaginary
from calcml.schemes._recipe import plan
from calcml.schemes.steps import optimal_factor

SCHEMES = [Forward(), Forward(2), Forward(3), Backward(), Backward(2), Central(), Central(4), Central(8)]
numbers = st.floats(-1e8, 1e8).map(lambda v: 0.0 if abs(v) < 1e-8 else v)


def wave(x):
    return np.sum(np.sin(3 * x + np.arange(x.size))) + np.exp(-(x[0] ** 2))


def both(f, x, scheme):
    """The gradient of an array, number by number where that can be, and of a list, which is left to NumPy."""
    quick, plain = Recorder(f), Recorder(f)
    with pytest.MonkeyPatch.context() as patch:
        value = cm.gradient(quick, x, scheme=scheme)
        patch.setattr(FewVariables, "gradient", lambda self, f, x: (None, []))
        expected = cm.gradient(plain, x, scheme=scheme)
    np.testing.assert_array_equal(quick.points, plain.points)
    assert value.dtype == expected.dtype
    np.testing.assert_array_equal(value, expected)
    return value, quick.points


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@given(x=st.lists(numbers, min_size=1, max_size=12))
def test_digits_and_points_are_those_of_difference(scheme, x):
    x = np.array(x)
    assert scheme.few.gradient(wave, x)[0] is not None or (x == 0).sum() < x.size
    both(wave, x, scheme)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize("n", [FEW, FEW + 1, 3 * FEW - 1])
@given(seed=st.integers(0, 99), kind=st.sampled_from([float, np.float64]))
def test_digits_and_points_of_many_variables_as_well(scheme, n, seed, kind):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n) * 10.0 ** rng.integers(-1, 8, n) * (rng.random(n) > 0.1)
    x[np.abs(x) < scheme.few.least] = 0.0
    if n <= scheme.few.most:
        assert scheme.few.gradient(wave, x)[0] is not None
    both(lambda x: kind(wave(x)), x, scheme)


@pytest.mark.parametrize(
    ("scheme", "offsets"), [(Forward(), [1]), (Backward(), [-1]), (Central(4), [-2, -1, 1, 2])]
)
def test_the_points_are_pinned(scheme, offsets):
    x = np.array([2.0, -3.0, 0.5, 0.0])
    factor = {1: (2 * 2.0**-52 / 0.5) ** 0.5, 4: (2.0**-52 / 4 * 1.5 * 30) ** 0.2}[len(offsets)]
    h = (x + factor * np.maximum(np.abs(x), 1.0)) - x
    f = Recorder(wave)
    value, _ = scheme.few.gradient(f, x)
    expected = [x + j * h[i] * np.eye(4)[i] for j in offsets for i in range(4)]
    expected += [x] if len(offsets) == 1 else []
    np.testing.assert_array_equal(f.points, expected)
    np.testing.assert_allclose(
        value, 3 * np.cos(3 * x + np.arange(4)) - [4 * np.exp(-4.0), 0, 0, 0], rtol=1e-6
    )


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_it_is_the_way_that_gradients_take(scheme, monkeypatch):
    seen = []
    monkeypatch.setattr(FewVariables, "gradient", lambda self, f, x: seen.append(x) or ("the answer", []))
    assert cm.gradient(wave, np.ones(2), scheme=scheme) == "the answer"
    assert len(seen) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"args": (1.0,)},
        {"kwargs": {"a": 1.0}},
        {"kwargs": {}},
        {"bounds": (0.0, 2.0)},
        {"vectorized": True},
        {"workers": map},
    ],
    ids=str,
)
def test_whatever_is_asked_besides_is_left_to_difference(options, monkeypatch):
    monkeypatch.setattr(FewVariables, "gradient", None)
    value = cm.gradient(lambda x, a=1.0: x[0] * x[1] * a, np.array([1.0, 2.0]), scheme="central", **options)
    np.testing.assert_allclose(value, [2.0, 1.0], rtol=1e-9)


def test_other_operators_and_schemes_have_no_use_for_it(monkeypatch):
    monkeypatch.setattr(FewVariables, "gradient", None)
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(cm.jacobian(wave, x, scheme="central"), cm.gradient(wave, x), rtol=1e-8)
    assert cm.estimate_gradient(wave, x, scheme="forward").success
    for step in (1e-5, Relative(factor=1e-5), Relative(floor=0.5), Shi()):
        assert Central(step=step).few is None
        assert cm.gradient(wave, x, scheme=Central(step=step)).shape == (2,)
    for scheme in ("richardson", "cauchy"):
        assert cm.schemes.as_scheme(scheme).few is None
    assert isinstance(Central(step=Relative(floor=2.0)).few, FewVariables)


@pytest.mark.parametrize("kind", [np.float64, float])
@pytest.mark.parametrize("scheme", [*SCHEMES, Adaptive(), ComplexStep()], ids=str)
@pytest.mark.parametrize("n", [1, 3, FEW + 1])
def test_the_value_comes_with_the_gradient(scheme, n, kind, monkeypatch):
    x = np.linspace(1, 2, n)
    f = Recorder(lambda x: kind(wave(x)) if np.isrealobj(x) else wave(x))
    value, slope = cm.value_and_gradient(f, x, scheme=scheme)
    points = list(f.points)
    assert type(value) is np.float64 and value == wave(x)
    np.testing.assert_array_equal(slope, cm.gradient(wave, x, scheme=scheme))
    for way in (FewVariables, FewLines, FewImaginary):
        monkeypatch.setattr(way, "gradient", lambda self, f, x: (None, []))
    f.points.clear()
    expected, _ = cm.value_and_gradient(f, x, scheme=scheme)
    assert value == expected and type(value) is type(expected)
    if isinstance(scheme, Forward | Backward | Central):
        np.testing.assert_array_equal(points, f.points)


@pytest.mark.parametrize("other", [np.float32, np.array, int, lambda v: None])
def test_a_value_of_another_kind_at_x_is_looked_at_by_difference(other):
    x = np.array([1.25, 2.5])
    f = Recorder(lambda x: other(3.0) if (x == [1.25, 2.5]).all() else x @ x)
    if other(1.0) is None:
        with pytest.raises(cm.EvaluationError):
            cm.value_and_gradient(f, x, scheme="central")
        return
    value, slope = cm.value_and_gradient(f, x, scheme="central")
    assert value == 3.0 and len(f.points) == 5
    np.testing.assert_allclose(slope, 2 * x, rtol=1e-9)


@pytest.mark.parametrize(
    "options", [{"args": (1.0,)}, {"bounds": (0.0, 3.0)}, {"vectorized": True}, {"workers": map}], ids=str
)
def test_whatever_is_asked_besides_the_value_is_left_to_difference(options, monkeypatch):
    monkeypatch.setattr(FewVariables, "gradient", None)
    f = lambda x, a=1.0: x[0] * x[1] * a
    value, slope = cm.value_and_gradient(f, np.array([1.0, 2.0]), scheme="central", **options)
    assert value == 2.0
    np.testing.assert_allclose(slope, [2.0, 1.0], rtol=1e-9)


@pytest.mark.parametrize(
    "x",
    [
        np.ones(3, np.float32),
        np.ones(3, np.longdouble),
        np.arange(1, 4),
        np.ones((1, 3)),
        np.float64(2.0),
        np.array(2.0),
        np.empty(0),
        np.ones(3, ">f8"),
        [1.0, 2.0],
        (1.0, 2.0),
        {"a": np.ones(2)},
    ],
    ids=lambda x: f"{type(x).__name__}-{getattr(x, 'dtype', '')}-{np.shape(x)}",
)
def test_other_kinds_of_x_are_left_to_difference(x):
    f = Recorder(wave)
    for scheme in (Central(), Forward()):
        assert scheme.few.gradient(f, x) == (None, [])
    assert not f.points


def test_a_vector_of_another_byte_order_is_the_same_to_numpy():
    x = np.array([1.0, 2.0], ">f8")
    np.testing.assert_array_equal(
        cm.gradient(wave, x, scheme="central"), cm.gradient(wave, x.astype(float), scheme="central")
    )


@pytest.mark.parametrize(("scheme", "most"), [(Forward(), 255), (Central(), 180), (Central(4), 127)])
def test_all_points_fit_one_block(scheme, most):
    assert scheme.few.most == most
    for n in (most, most + 1):
        f = Recorder(lambda x: x @ x)
        value, _ = scheme.few.gradient(f, np.ones(n))
        assert (value is None) == (n > most) and bool(f.points) == (n <= most)
        both(lambda x: x @ x, np.linspace(1, 2, n), scheme)


FIRST = {
    "float32": lambda x: np.float32(x @ x),
    "longdouble": lambda x: np.longdouble(x @ x),
    "integer": lambda x: 100 * int(x[0]),
    "bool": lambda x: x[0] > 1,
    "complex": lambda x: x[0] * (1 + 2j) + x[1],
    "0-d array": lambda x: np.array(x @ x),
    "array": lambda x: np.array([x @ x, x[0]]),
    "python float": lambda x: float(x @ x),
}


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize("kind", FIRST)
def test_other_values_are_left_to_difference_and_not_asked_for_again(kind, scheme):
    value, points = both(FIRST[kind], np.array([1.25, 2.5]), scheme)
    assert value.shape[-1:] == (2,) and len(points) >= len(scheme.few.moves) * 2


@pytest.mark.parametrize("late", range(5))
@pytest.mark.parametrize("other", [np.float32, int, np.array, np.longdouble])
def test_values_may_change_their_kind_on_the_way(late, other):
    def changing():
        calls = []

        def f(x):
            calls.append(x)
            return other(x @ x) if len(calls) == late + 1 else x @ x

        return f, calls

    (quick, first), (plain, second) = changing(), changing()
    scheme, x = Forward(), np.array([1.25, 2.5, 3.0, 4.0])
    value = cm.gradient(quick, x, scheme=scheme)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FewVariables, "gradient", lambda self, f, x: (None, []))
        np.testing.assert_array_equal(value, cm.gradient(plain, x, scheme=scheme))
    np.testing.assert_array_equal(first, second)


def test_a_buffer_that_f_fills_again_is_copied_in_time():
    buffer = np.empty(2)

    def f(x):
        buffer[:] = x[0], x @ x
        return buffer

    np.testing.assert_allclose(
        cm.gradient(f, np.array([1.0, 2.0]), scheme="central"), [[1, 0], [2, 4]], atol=1e-8
    )


@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
@pytest.mark.parametrize("scheme", [Forward(), Backward(2), Central(), Central(4)], ids=str)
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.float32(x @ x),
        lambda x: 100 * int(x[0]),
        lambda x: x @ x if x[2] == 1.0 else np.longdouble(x @ x),
        lambda x: x @ x if x[2] == 1.0 else np.float32(x @ x),
        lambda x: x[:2],
        lambda x: 3.0,
        lambda x: np.nan,
        lambda x: x @ x if x[2] == 1.0 else np.inf,
        lambda x: 1e200 * x[0],
        lambda x: np.log(x[-1] - 1.0),
    ],
)
def test_what_is_out_of_the_ordinary_of_many_variables_is_the_same(f, scheme):
    x = np.ones(FEW + 2)
    x[0], x[-1] = 1.5, 1.0 + 1e-9
    with np.errstate(all="ignore"):
        value = scheme.few.gradient(f, x)[0]
        # A step to the right stays where the logarithm is defined.
        assert value is None or (isinstance(scheme, Forward) and value[-1] > 1e7)
        both(f, x, scheme)


def test_differences_out_of_range_warn_nobody():
    # The tests turn warnings into errors.
    f = lambda x: 1e308 if x[0] > 1 else -1e308
    value, seen = Central().few.gradient(f, np.ones(FEW + 1))
    assert value is None and len(seen) == 2 * FEW + 2


@pytest.mark.parametrize("number", [1e-9, 1e160, np.inf, np.nan])
def test_numbers_of_many_variables_that_are_left_to_difference(number):
    x = np.ones(FEW + 1)
    x[3] = number
    assert Forward().few.gradient(None, x) == (None, [])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("place", range(3))
def test_values_out_of_the_ordinary_are_looked_at_by_difference(bad, place):
    x = np.array([1.0, 2.0])

    def f(x):
        beyond = [x[0] > 1.0, x[1] > 2.0, (x == [1.0, 2.0]).all()][place]
        return bad * x[0] if beyond else x @ x

    few, _ = Forward().few.gradient(f, x)
    _, points = both(f, x, Forward())
    assert few is None
    # Steps into what is not finite are shortened.
    assert (len(points) > 3) == (place < 2 and bad != 1e200)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize("factor", [0.5, 0.999, 1.0, 1.0005, 1.0015, 2.0])
def test_near_zero_the_error_decides(scheme, factor):
    # A new one, whose `few` is not known from another test.
    scheme = replace(scheme)
    least = scheme.few.least
    step = least / 1.001 / 4
    formula = plan(1, scheme.order, scheme.side).formula
    assert step == pytest.approx(optimal_factor(formula, 2.0**-52), rel=1e-12)
    x = np.array([factor * 4 * step, 1.0])
    assert (scheme.few.gradient(wave, x)[0] is None) == (factor < 1.001)
    assert (scheme.few.gradient(wave, -x)[0] is None) == (factor < 1.001)
    assert scheme.few.gradient(wave, np.array([least, 1.0]))[0] is not None
    both(wave, x, scheme)
    both(wave, -x, scheme)


def test_zero_is_not_near_zero():
    value, _ = Central().few.gradient(wave, np.zeros(2))
    np.testing.assert_allclose(value, [3.0, 3 * np.cos(1.0)], rtol=1e-9)


def test_steps_that_are_no_small_part_of_x():
    # The steps of high orders are so long that every x is within four of them of 0.
    scheme = Central(order=40)
    assert scheme.few.least == np.inf
    shares = [4.004 * optimal_factor(plan(1, order, 0).formula, 2.0**-52) for order in range(2, 42, 2)]
    assert any(0.85 < share < 1 for share in shares) and any(1 < share < 2 for share in shares)
    for order, share in enumerate(shares, 1):
        assert Central(order=2 * order).few.least == (
            pytest.approx(share, rel=1e-12) if share < 1 else np.inf
        )
    assert scheme.few.gradient(wave, np.array([1.0, 1e6])) == (None, [])
    assert scheme.few.gradient(wave, np.zeros(1))[0] is not None
    both(wave, np.array([1.0, 2.0]), scheme)


@pytest.mark.parametrize("number", [1e150, 1e151, 1e300, np.inf, -np.inf, np.nan])
def test_numbers_at_the_end_of_the_range(number):
    x = np.array([1.0, number])
    f = Recorder(lambda x: x[0])
    assert Forward().few.gradient(f, x) == (None, []) and not f.points
    with np.errstate(all="ignore"):
        both(lambda x: x[0], x, Forward())


def test_slopes_at_the_end_of_the_range():
    few, x = Forward().few, np.array([1.0, 1.0])
    assert few.gradient(lambda x: 1e149 * x[0], x)[0] is not None
    value, values = few.gradient(lambda x: 2e150 * x[0], x)
    assert value is None and len(values) == 3
    both(lambda x: 2e150 * x[0], x, Forward())


def test_a_floor_of_ones_own():
    scheme = Central(step=Relative(floor=100.0))
    assert scheme.few.least == pytest.approx(100 * Central().few.least, rel=1e-12)
    f = Recorder(lambda x: x @ x)
    cm.gradient(f, np.array([1.0, 200.0]), scheme=scheme)
    steps = np.abs(np.array(f.points[2:]) - [1.0, 200.0]).sum(axis=1)
    np.testing.assert_allclose(steps / steps[0], [1.0, 2.0], rtol=1e-5)
    both(lambda x: x @ x, np.array([1.0, 200.0]), scheme)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_floats_of_python_will_do(scheme):
    x = np.array([1.25, 2.5])
    value, _ = scheme.few.gradient(lambda x: float(x @ x), x)
    np.testing.assert_array_equal(value, scheme.few.gradient(lambda x: x @ x, x)[0])
    kinds = iter([float, np.float64] * 20)
    np.testing.assert_array_equal(value, scheme.few.gradient(lambda x: next(kinds)(x @ x), x)[0])


def test_points_are_the_functions_own():
    kept = []

    def f(x):
        kept.append(x)
        value = np.cos(x[0]) * x[1]
        x *= np.nan
        return value

    x = np.array([1.0, 2.0])
    x.flags.writeable = False
    np.testing.assert_allclose(
        cm.gradient(f, x, scheme="central"), [-2 * np.sin(1.0), np.cos(1.0)], rtol=1e-9
    )
    assert all(np.isnan(point).all() for point in kept)


def test_warnings_of_f_are_held_off_and_errors_are_its_own():
    def f(x):
        return np.log(x[0] - 1.0) + 1.0 / (x[1] * 0.0)

    assert np.isnan(cm.gradient(f, np.array([1.0, 2.0]), scheme="forward")).all()
    with pytest.raises(ZeroDivisionError, match="by zero"):
        cm.gradient(lambda x: 1 // 0, np.array([1.0]), scheme="forward")
    with pytest.raises(TypeError, match="`f` must be callable, got int"):
        cm.gradient(3, np.array([1.0]), scheme="forward")
    for args in (np.array([1.0, 2.0]), 3.0, "ab"):
        with pytest.raises(TypeError, match="`args` must be a tuple"):
            cm.gradient(f, np.array([1.0]), scheme="forward", args=args)
    with pytest.raises(cm.EvaluationError, match="f returned None"):
        cm.gradient(lambda x: None, np.array([1.0]), scheme="forward")


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize(
    ("x", "own"),
    [
        ([1.0, -2.0], True),
        ([1.0, 0.0], False),
        ([-0.0, 1.0], False),
        ([1.0] * 2 * FEW, True),
        ([1.0] * FEW + [0.0], False),
    ],
)
def test_only_a_step_across_zero_holds_warnings_off(scheme, x, own):
    states = []

    def f(x):
        states.append(np.geterr())
        return 2.5 * x[0] + x[1]

    with np.errstate(all="print", under="log"):
        value, _ = scheme.few.gradient(f, np.array(x))
        theirs = np.geterr()
    np.testing.assert_allclose(value[:2], [2.5, 1.0], rtol=1e-6)
    assert all((state == theirs) == own for state in states)
    assert own or all(set(state.values()) == {"ignore"} for state in states)


@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
@pytest.mark.parametrize("state", ["warn", "raise"])
@pytest.mark.parametrize(("scheme", "before"), [(Backward(), 1), (Central(), 1), (Central(4), 1)])
def test_where_a_warning_is_an_error_difference_goes_on(scheme, before, state):
    # The tests turn warnings into errors.
    f = Recorder(lambda x: x[0] + np.log(x[1] - 1.0))
    x = np.array([2.0, 1.0 + 1e-9])
    with np.errstate(all="ignore"):
        expected = cm.gradient(f, x, scheme=scheme)
    count = len(f.points)
    with np.errstate(all=state):
        np.testing.assert_array_equal(cm.gradient(f, x, scheme=scheme), expected)
        # Only the point that has warned is asked for again.
        assert len(f.points) == 2 * count + 1
        value, seen = scheme.few.gradient(f, x)
    assert value is None and len(seen) == before
    np.testing.assert_allclose(expected, [1.0, 1e9], rtol=1e-5)


@pytest.mark.parametrize("kind", [RuntimeWarning, FloatingPointError])
def test_errors_of_that_kind_of_ones_own_arrive(kind):
    def f(x):
        raise kind("mine")

    for scheme in ("central", "adaptive"):
        with pytest.raises(kind, match="^mine$"):
            cm.gradient(f, np.array([1.0, 2.0]), scheme=scheme)


def test_a_missing_return_is_told_after_one_call():
    f = Recorder(lambda x: None)
    with pytest.raises(cm.EvaluationError, match="f returned None"):
        cm.gradient(f, np.ones(50), scheme="central")
    # The general way asks for its points in one go.
    assert len(Central().few.gradient(f, np.ones(50))[1]) == 1


def test_a_scheme_of_ones_own_is_a_scheme():
    class Own(Central):
        """A scheme that calcml does not know."""

    own = Own()
    assert cm.schemes.as_scheme(own) is own
    value = cm.gradient(wave, np.array([1.0, 2.0]), scheme=own)
    np.testing.assert_array_equal(value, cm.gradient(wave, np.array([1.0, 2.0]), scheme="central"))
