"""Plain derivatives of an f that takes many points in one call: the points and digits of `difference`."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ordinary import SCHEMES
from recorder import Recorder

import calcml as cm
from calcml.errors import EvaluationError
from calcml.schemes import Backward, Central, Forward, Shi, _batch
from calcml.schemes._batch import first_in_batch, second_in_batch

numbers = st.floats(-1e8, 1e8).map(lambda v: 0.0 if abs(v) < 1e-2 else v)


def wave(x):
    """A number, by sums whose order does not depend on the number of columns."""
    total = np.exp(-(x[0] ** 2))
    for i in range(len(x)):
        total = total + np.sin(2 * x[i] + i) * np.cos(x[i - 1])
    return total


def field(x):
    """A vector."""
    return np.sin(x) * x[::-1]


def table(x):
    """A matrix."""
    return np.sin(x)[:, None] * x[None]


def without(operator, f, x, **options):
    """Return what `difference` gives."""
    with pytest.MonkeyPatch.context() as patch:
        for scheme in (Forward, Backward, Central):
            patch.setattr(scheme, "many", lambda self, n: None)
        return operator(f, x, vectorized=True, **options)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize(("operator", "f"), [(cm.gradient, wave), (cm.jacobian, field), (cm.jacobian, table)])
@given(x=st.lists(numbers, min_size=1, max_size=6))
def test_digits_of_first_derivatives_are_those_of_difference(operator, f, scheme, x):
    x = np.array(x)
    assert first_in_batch(scheme.many(1), f, x) is not None
    value = operator(f, x, scheme=scheme, vectorized=True)
    expected = without(operator, f, x, scheme=scheme)
    assert value.dtype == expected.dtype and value.shape == expected.shape
    np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize("f", [wave, field, table])
@given(x=st.lists(st.floats(-3, 3).map(lambda v: 0.0 if abs(v) < 0.5 else v), min_size=1, max_size=5))
def test_second_derivatives_are_those_of_difference(f, scheme, x):
    x = np.array(x)
    assert second_in_batch(scheme.many(2), f, x) is not None
    value = cm.hessian(f, x, scheme=scheme, vectorized=True)
    expected = without(cm.hessian, f, x, scheme=scheme)
    assert value.dtype == expected.dtype and value.shape == expected.shape
    # Steps along a pair of axes are 1 here and a rounding beside it there: f differs in its last digits, over
    # the square of a step.
    unit = 2.0**-52 * 100 / scheme.many(2).factor ** 2
    np.testing.assert_allclose(value, expected, atol=unit)
    np.testing.assert_array_equal(value, np.moveaxis(value, -1, -2))


@pytest.mark.parametrize(
    ("scheme", "offsets"),
    [(Forward(), [1, 0]), (Backward(), [-1, 0]), (Central(), [-1, 1]), (Central(4), [-2, -1, 1, 2])],
)
def test_the_points_of_gradients_are_pinned(scheme, offsets):
    x = np.array([2.0, -3.0, 0.5, 0.0])
    order = 1 if 0 in offsets else len(offsets)
    factor = {1: (2 * 2.0**-52 / 0.5) ** 0.5, 2: (2.0**-52 / 2 * 6) ** (1 / 3), 4: (2.0**-52 / 4 * 45) ** 0.2}
    h = (x + factor[order] * np.maximum(np.abs(x), 1.0)) - x
    f = Recorder(wave)
    cm.gradient(f, x, scheme=scheme, vectorized=True)
    expected = [x + j * h[i] * np.eye(4)[i] for j in offsets if j for i in range(4)]
    expected += [x] if 0 in offsets else []
    assert len(f.points) == 2
    np.testing.assert_array_equal(f.points[0], expected[0][:, None])
    np.testing.assert_array_equal(f.points[1], np.transpose(expected))


def test_the_points_of_hessians_are_pinned():
    x = np.array([2.0, -3.0, 0.5])
    h = Central().many(2).steps(x)
    assert (h == (x + (2 * 2.0**-52 / 2 * 4 * 12) ** 0.25 * np.maximum(np.abs(x), 1)) - x).all()
    f = Recorder(wave)
    cm.hessian(f, x, scheme="central", vectorized=True)
    unit = np.eye(3) * h
    axis = [x + j * unit[i] for j in (-1, 1) for i in range(3)] + [x]
    pairs = [x + j * (unit[a] + unit[b]) for j in (-1, 1) for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_array_equal(f.points[0], axis[0][:, None])
    np.testing.assert_array_equal(f.points[1], np.transpose(axis))
    np.testing.assert_array_equal(f.points[2], np.transpose(pairs))
    assert len(f.points) == 3


@pytest.mark.parametrize("scheme", [Forward(), Central(4)], ids=str)
@pytest.mark.parametrize("f", [wave, field, table])
def test_pairs_come_some_at_a_time(f, scheme, monkeypatch):
    x = np.linspace(1.0, 2.0, 9)
    expected = cm.hessian(f, x, scheme=scheme, vectorized=True)
    f = Recorder(f)
    monkeypatch.setattr(_batch, "BLOCK", 9 * 9 * 4)
    np.testing.assert_array_equal(cm.hessian(f, x, scheme=scheme, vectorized=True), expected)
    assert all(call.size <= 9 * 9 * 4 + 9 for call in f.points) and len(f.points) == 2 + math.ceil(
        36 / (36 // len(scheme.many(2).moves))
    )


@pytest.mark.parametrize(
    "x",
    [
        np.ones(3, np.float32),
        np.ones(3, np.longdouble),
        np.arange(1, 4),
        np.ones((1, 3)),
        np.array(2.0),
        np.empty(0),
        np.ones(3, ">f8"),
        [1.0, 2.0],
        {"a": np.ones(2)},
        np.array([1.0, 1e-9]),
        np.ones(182),
    ],
    ids=lambda x: f"{type(x).__name__}-{getattr(x, 'dtype', '')}-{np.shape(x)}",
)
def test_other_kinds_of_x_are_left_to_difference(x):
    f = Recorder(wave)
    assert first_in_batch(Central().many(1), f, x) is None
    assert second_in_batch(Central().many(2), f, x) is None
    assert not f.points


def test_so_many_variables_fit_one_call():
    x = np.ones(181)
    assert first_in_batch(Central().many(1), lambda x: x[0] * x[1], x) is not None
    assert first_in_batch(Central(4).many(1), lambda x: x[0] * x[1], x) is None


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.sum(axis=0).astype(np.float32),
        lambda x: x.sum(axis=0) + 0j,
        lambda x: x.sum(axis=0).astype(np.longdouble),
        lambda x: x.sum(axis=0).tolist(),
        lambda x: x.sum(axis=0).astype(int),
        lambda x: np.array(1.0),
        lambda x: x.sum(),
        lambda x: x.T @ np.ones((3, 2)),
        lambda x: np.log(x - 1.0).sum(axis=0),
        lambda x: np.where(x.shape[1] > 1, x.sum(axis=0), np.full(x.shape[1], np.nan)),
    ],
    ids=[
        "float32",
        "complex",
        "longdouble",
        "list",
        "int",
        "0-d",
        "float",
        "columns first",
        "NaN",
        "NaN alone",
    ],
)
def test_other_values_are_left_to_difference(f):
    x = np.array([1.0, 2.0, 3.0])
    for way, n in ((first_in_batch, 1), (second_in_batch, 2)):
        assert way(Central().many(n), f, x) is None


@pytest.mark.parametrize("operator", [cm.gradient, cm.jacobian, cm.hessian])
def test_columns_that_know_of_each_other_are_refused(operator):
    with pytest.raises(EvaluationError, match="must depend on its own column of x"):
        operator(lambda x: x[0] * x.mean(), np.array([1.0, 2.0]), scheme="central", vectorized=True)
    with pytest.raises(EvaluationError, match="must depend on its own column of x"):
        operator(
            lambda x: x if x.shape[1] > 1 else x[:1], np.array([1.0, 2.0]), scheme="central", vectorized=True
        )


def test_sums_in_another_order_are_no_reason(monkeypatch):
    f = Recorder(lambda x: np.sum(x * 0.1, axis=0) + (1e-15 if x.shape[1] == 1 else 0.0))
    value = cm.gradient(f, np.linspace(1, 2, 5), scheme="central", vectorized=True)
    np.testing.assert_allclose(value, 0.1, rtol=1e-9)
    assert len(f.points) == 2


def test_values_in_a_buffer_that_f_fills_again():
    buffers = {}

    def f(x):
        buffer = buffers.setdefault("only", np.empty(1000))[: x.shape[1]]
        np.multiply(x[0] ** 2, x[1], out=buffer)
        return buffer

    x = np.array([2.0, 3.0])
    for scheme in ("central", "forward"):
        np.testing.assert_allclose(cm.gradient(f, x, scheme=scheme, vectorized=True), [12, 4], rtol=1e-6)
        H = cm.hessian(f, x, scheme=scheme, vectorized=True)
        np.testing.assert_allclose(H, [[6, 4], [4, 0]], atol=2e-3)


def test_a_point_itself_as_the_value():
    x = np.array([2.0, 3.0])
    x.flags.writeable = False
    np.testing.assert_array_equal(cm.jacobian(lambda x: x, x, scheme="forward", vectorized=True), np.eye(2))


@pytest.mark.parametrize(
    "options", [{"args": (1.0,)}, {"kwargs": {"a": 1.0}}, {"kwargs": {}}, {"bounds": (0.0, 9.0)}], ids=str
)
def test_whatever_is_asked_besides_is_left_to_difference(options, monkeypatch):
    monkeypatch.setattr(_batch, "_around", None)
    f = lambda x, a=1.0: x[0] * x[1] * a
    x = np.array([1.0, 2.0])
    for operator in (cm.gradient, cm.jacobian, cm.hessian):
        operator(f, x, scheme="central", vectorized=True, **options)


def test_other_operators_and_steps_have_no_use_for_it(monkeypatch):
    monkeypatch.setattr(_batch, "_around", None)
    f = lambda x: x[0] * x[1]
    x = np.array([1.0, 2.0])
    assert cm.value_and_gradient(f, x, scheme="central", vectorized=True)[0] == 2.0
    assert cm.estimate_gradient(f, x, scheme="central", vectorized=True).success
    assert cm.estimate_hessian(f, x, scheme="central", vectorized=True).success
    assert cm.hessian(f, x, grad=lambda x: x[::-1], scheme="central").tolist() == [[0, 1], [1, 0]]
    for scheme in (Central(step=Shi()), "complex", "adaptive"):
        cm.gradient(f, x, scheme=scheme, vectorized=True)
    cm.hessian(f, x, scheme=Central(step=1e-4), vectorized=True)


def test_steps_of_many_sizes_keep_their_product_in_range():
    x = np.array([1e149, 1e-3, 1e120])
    H = cm.hessian(lambda x: x[0] * (x[1] / x[2]), x, scheme="central", vectorized=True)
    assert H[0, 1] == pytest.approx(1e-120, rel=1e-5)
    assert H[1, 0] == H[0, 1]
