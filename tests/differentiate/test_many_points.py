"""`derivative` at many points: parts of x where f takes them, all of x where it does not."""

import math
import tracemalloc
import warnings

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml._lines._company import same
from calcml._status import Status
from calcml.differentiate.derivative import BLOCK, MANY, derivative, estimate_derivative
from calcml.errors import EvaluationError
from calcml.schemes import Central, Fixed, Forward, Relative

X = np.random.default_rng(7).uniform(0.5, 3, 40_000)
FIELDS = ("value", "error", "truncation", "noise", "step", "status")


class Watched:
    """A function that keeps the shapes it was called with."""

    def __init__(self, f):
        self.f, self.shapes = f, []

    def __call__(self, x, *args, **kwargs):
        self.shapes.append(x.shape)
        return self.f(x, *args, **kwargs)


def assertsame(a, b):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


# Parts.


def test_f_gets_parts_after_a_trial():
    f = Watched(np.sin)
    value = derivative(f, X, scheme="central")
    np.testing.assert_allclose(value, np.cos(X), atol=1e-9)
    whole, rest = divmod(X.size, BLOCK)
    parts = [*[BLOCK] * whole, rest]
    assert f.shapes == [(251,), (191,), *((n,) for n in parts for _ in range(2))]


def test_few_points_come_at_once():
    f = Watched(np.sin)
    estimate = estimate_derivative(f, X[:MANY], scheme="central")
    assert f.shapes == [(MANY,)] * 4 and estimate.nfev == 4


def test_evaluations_count_per_point():
    # Four for each point; the trial makes a small part of a fifth.
    assert estimate_derivative(np.sin, X, scheme="central").nfev == 5
    assert estimate_derivative(np.sin, X, scheme="forward").nfev == 4


@pytest.mark.parametrize("scheme", ["central", "forward", "richardson", "complex"])
def test_many_points_equal_few(scheme):
    many, few = (estimate_derivative(np.sin, x, scheme=scheme) for x in (X, X[:BLOCK]))
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(many, name)[:BLOCK], getattr(few, name))
    np.testing.assert_allclose(many.value, np.cos(X), atol=1e-7)


def test_values_do_not_depend_on_the_estimate():
    np.testing.assert_array_equal(
        derivative(np.sin, X, 2, scheme="central"), estimate_derivative(np.sin, X, 2, scheme="central").value
    )
    np.testing.assert_array_equal(derivative(np.sin, X), estimate_derivative(np.sin, X).value)


@pytest.mark.parametrize("shape", [(200, 200), (2, 1, 20_000), (40_000, 1), (1, 40_000)])
@pytest.mark.parametrize("scheme", ["central", "adaptive"])
def test_any_shape(shape, scheme):
    x = X.reshape(shape)
    estimate = estimate_derivative(np.sin, x, scheme=scheme)
    assert all(getattr(estimate, name).shape == shape for name in FIELDS)
    assert_flat = estimate_derivative(np.sin, X, scheme=scheme)
    np.testing.assert_array_equal(estimate.value.ravel(), assert_flat.value)


@pytest.mark.parametrize("scheme", ["central", "adaptive"])
def test_kinds_of_numbers(scheme):
    x = X.astype(np.float32)
    value = derivative(np.sin, x, scheme=scheme)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, np.cos(x), atol=1e-3)
    n = np.arange(1, 20_001)
    value = derivative(lambda x: x**2, n, scheme=scheme)
    assert value.dtype == np.float64
    np.testing.assert_allclose(value, 2 * n, rtol=1e-8)


def test_complex_values():
    for scheme in ("central", "adaptive"):
        estimate = estimate_derivative(lambda x: np.exp(1j * x), X[:20_000], scheme=scheme)
        np.testing.assert_allclose(estimate.value, 1j * np.exp(1j * X[:20_000]), atol=1e-8)


def test_the_step_of_each_point():
    x, step = X.reshape(200, 200), np.linspace(1e-3, 1e-1, X.size).reshape(200, 200)
    estimate = estimate_derivative(np.sin, x, scheme=Central(step=step))
    np.testing.assert_allclose(estimate.step, step, rtol=1e-12)
    # (sin(x + h) - sin(x - h)) / 2h = cos x sin h / h.
    np.testing.assert_allclose(estimate.value, np.cos(x) * np.sin(step) / step, rtol=0, atol=1e-12)
    one = estimate_derivative(np.sin, x, scheme=Forward(step=Fixed(0.01)))
    np.testing.assert_allclose(one.step, 0.01, rtol=1e-12)
    rule = estimate_derivative(np.sin, x, scheme=Central(step=Relative(factor=1e-3)))
    np.testing.assert_allclose(rule.step, 1e-3 * np.maximum(x, 1), rtol=1e-9)


def test_steps_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"`step` has shape \(5,\), x has shape \(40000,\)"):
        derivative(np.sin, X, scheme=Central(step=np.ones(5)))


def test_bounds_are_held():
    lower, upper = X - 1e-4, X + np.linspace(0, 1e-3, X.size)

    def f(x):
        seen.append((x.min(), x.max()))
        return np.sin(x)

    for scheme in ("central", "adaptive"):
        seen = []
        value = derivative(f, X, scheme=scheme, bounds=(lower, upper))
        np.testing.assert_allclose(value, np.cos(X), atol=1e-5)
        assert min(a for a, _ in seen) >= lower.min() and max(b for _, b in seen) <= upper.max()


def test_read_only_points_are_enough():
    x = X.copy()
    x.flags.writeable = False
    np.testing.assert_allclose(derivative(np.sin, x), np.cos(X), atol=1e-9)


def test_arrays_are_never_written_again():
    kept = []

    def f(x):
        kept.append((x, x.copy()))
        return np.sin(x)

    derivative(f, X)
    for given, then in kept:
        np.testing.assert_array_equal(given, then)


def test_a_buffer_that_f_fills_again():
    buffers = {}

    def f(x):
        return np.sin(x, out=buffers.setdefault(x.shape, np.empty(x.shape)))

    for scheme in ("central", "adaptive"):
        np.testing.assert_allclose(derivative(f, X, scheme=scheme), np.cos(X), atol=1e-9)


@pytest.mark.parametrize("scheme", ["central", "adaptive"])
def test_workers_change_nothing(scheme):
    def mapper(g, values):
        return [g(value) for value in values]

    alone = estimate_derivative(np.tanh, X, scheme=scheme)
    assertsame(estimate_derivative(np.tanh, X, scheme=scheme, workers=mapper), alone)


def test_memory_is_that_of_a_few_arrays():
    x = np.linspace(0.1, 5, 300_000)
    derivative(np.sin, x[:20_000])
    # x, f(x), |x|, value, step and status, and what f needs for all of x; 8 bytes per number.
    for call, limit in (
        (lambda: derivative(np.sin, x, scheme="central"), 50),
        (lambda: derivative(np.sin, x), 90),
        (lambda: estimate_derivative(np.sin, x), 140),
    ):
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < limit * x.size


# All of x.


@pytest.mark.parametrize("scheme", ["central", "adaptive"])
def test_a_function_that_holds_an_array(scheme):
    a = np.linspace(1, 2, X.size)
    f = Watched(lambda x: np.sin(a * x))
    estimate = estimate_derivative(f, X, scheme=scheme)
    np.testing.assert_allclose(estimate.value, a * np.cos(a * X), atol=1e-8)
    assert f.shapes[0] == (251,) and set(f.shapes[1:]) == {X.shape}
    # The trial counts for one evaluation, although it was a small part of one.
    assert estimate.nfev == len(f.shapes)


@pytest.mark.parametrize("scheme", ["central", "adaptive"])
@pytest.mark.parametrize("pack", [lambda a: {"args": (a,)}, lambda a: {"kwargs": {"a": a}}])
def test_further_arguments_that_are_arrays(scheme, pack):
    a = np.linspace(1, 2, X.size)
    f = Watched(lambda x, a: np.sin(a * x))
    value = derivative(f, X, scheme=scheme, **pack(a))
    np.testing.assert_allclose(value, a * np.cos(a * X), atol=1e-8)
    assert set(f.shapes) == {X.shape}


def test_further_arguments_that_are_numbers():
    f = Watched(lambda x, a, b: np.sin(a * x) + b)
    value = derivative(f, X, scheme="central", args=(2.0,), kwargs={"b": np.float64(1)})
    np.testing.assert_allclose(value, 2 * np.cos(2 * X), atol=1e-8)
    assert X.shape not in f.shapes
    a = [1.0] * X.size
    np.testing.assert_allclose(
        derivative(lambda x, a: x * np.array(a), X, scheme="central", args=(a,)), 1, rtol=1e-8
    )


@pytest.mark.parametrize("length", [251, 191])
def test_an_array_as_long_as_a_trial(length):
    # As columns of x, an array of that length could be taken for one of the part's own.
    a = np.linspace(1, 2, length)
    x = np.random.default_rng(1).uniform(0, 3, (40, length))
    for scheme in ("central", "adaptive"):
        np.testing.assert_allclose(
            derivative(lambda x: np.sin(a * x), x, scheme=scheme), a * np.cos(a * x), atol=1e-8
        )


def test_an_array_that_is_cut_to_measure():
    # It takes parts, but the values of a point depend on where in the part it is.
    a = np.random.default_rng(2).uniform(1, 2, X.size)
    for scheme in ("central", "adaptive"):
        value = derivative(lambda x: a[: x.size] * np.sin(x), X, scheme=scheme)
        np.testing.assert_allclose(value, a * np.cos(X), atol=1e-8)


@pytest.mark.parametrize("scheme", ["forward", "central", "adaptive"])
@pytest.mark.parametrize(
    "f",
    [
        np.cumsum,
        lambda x: x / np.sum(x),
        lambda x: x[::-1] + 0.0,
        lambda x: x - np.roll(x, 1),
        lambda x: np.convolve(x, [1, 2, 1], "same"),
        lambda x: x**2 - np.mean(x),
    ],
)
def test_functions_that_are_not_elementwise_are_found_out(f, scheme):
    if scheme == "adaptive":
        with pytest.raises(EvaluationError, match="elementwise f"):
            derivative(f, X[:5000])
        return
    estimate = estimate_derivative(f, X[:20_000], scheme=scheme)
    assert (estimate.status == Status.INACCURATE).any()


@pytest.mark.parametrize("scheme", ["forward", "central", "adaptive"])
@pytest.mark.parametrize("f", [lambda x: x.T + 0.0, lambda x: x / x.sum(axis=0), lambda x: x[:, ::-1] + 0.0])
def test_axes_that_mix_are_found_out(f, scheme):
    x = X[:19_600].reshape(140, 140)
    if scheme == "adaptive":
        with pytest.raises(EvaluationError, match="elementwise f"):
            derivative(f, x)
        return
    estimate = estimate_derivative(f, x, scheme=scheme)
    assert (estimate.status == Status.INACCURATE).any()


def test_lines_of_other_modules_are_not_divided():
    lines = ElementwiseLines(Function(np.sin, None), X)
    assert not lines.divides and lines.evaluations == 0


def test_few_lines_are_not_divided():
    lines = ElementwiseLines(Function(np.sin, None), X[:501], divisible=True)
    assert not lines.divides
    lines = ElementwiseLines(Function(np.sin, None), X[:502], divisible=True)
    assert lines.divides and lines.evaluations == 1


def test_parts_and_shares_of_lines():
    a = np.linspace(1, 2, X.size)
    index = np.array([3, 5, 39_999])
    for f, kind in ((lambda x: 2j * x, "complex"), (lambda x: a * x, "real")):
        lines = ElementwiseLines(Function(f, None), X, divisible=True)
        part = lines.part(index)
        assert lines.divides == (kind == "complex") and not part.divides
        t = np.array([[0.5, 0.25], [-0.5, 1.0]])
        outputs = part.evaluate(t, np.array([2, 0]))
        expected = (X[index] if kind == "complex" else a[index] * X[index])[[2, 0]]
        slope = 1.0 if kind == "complex" else a[index][[2, 0]]
        value = outputs[..., 1] / 2 if kind == "complex" else outputs[..., 0]
        np.testing.assert_allclose(value, expected + slope * t, rtol=1e-15)
        assert part.evaluate(np.empty((2, 0)), np.arange(0)).shape == (2, 0, part.outputs)
        # f at the points themselves, once known, need not be asked for again.
        lines.origin()
        before = lines.evaluations
        np.testing.assert_array_equal(lines.part(index).origin(), lines.origin()[index])
        assert lines.evaluations == before


def test_the_rows_of_a_long_array_come_a_few_at_a_time(monkeypatch):
    a = np.linspace(1, 2, X.size)
    at_once = estimate_derivative(lambda x: np.sin(a * x), X)
    monkeypatch.setattr("calcml._lines._elementwise.AT_ONCE", 3 * X.size)
    assertsame(estimate_derivative(lambda x: np.sin(a * x), X), at_once)


def test_values_may_differ_in_their_last_digits():
    eps = np.finfo(float).eps
    a = np.array([1.0, 1e-3, np.nan, np.inf, -np.inf, 0.0])
    assert same(a, a * (1 + 60 * eps))
    assert same(a, np.array([1.0, 1e-3 + 60 * eps, np.nan, np.inf, -np.inf, 60 * eps]))
    for other in (
        [1 + 1e-12, 1e-3, np.nan, np.inf, -np.inf, 0],
        [1, 1e-3 + 1e-12, np.nan, np.inf, -np.inf, 0],
        [1, 1e-3, 0, np.inf, -np.inf, 0],
        [1, 1e-3, np.nan, -np.inf, -np.inf, 0],
        [1, 1e-3, np.nan, 1e300, -np.inf, 0],
    ):
        assert not same(a, np.array(other, dtype=float))


def test_a_trial_that_fails_leaves_nothing_behind():
    def f(x):
        if x.size == 191:
            raise ValueError
        return 2 * x + (0j if x.size == 251 else 0)

    value = derivative(f, X, scheme="central")
    assert value.dtype == float
    np.testing.assert_allclose(value, 2, rtol=1e-9)


def test_values_that_are_not_finite_are_compared():
    def f(x):
        with np.errstate(all="ignore"):
            return np.where(x < 1, np.nan, np.where(x < 1.5, np.inf, 1 / np.where(x < 2, 0.0, x)))

    assert ElementwiseLines(Function(f, None), X, divisible=True).divides


# Errors.


def test_the_error_of_f_arrives_unchanged():
    class MyError(Exception):
        pass

    def f(x):
        raise MyError(x.shape)

    for scheme in ("central", "adaptive"):
        with pytest.raises(MyError, match="40000"):
            derivative(f, X, scheme=scheme)


def test_an_error_in_some_part_arrives_unchanged():
    def f(x):
        if (x > 7).any():
            raise ZeroDivisionError("too far")
        return np.sin(x)

    x = X.copy()
    x[30_000] = 8
    for scheme in ("central", "adaptive"):
        with pytest.raises(ZeroDivisionError, match="too far"):
            derivative(f, x, scheme=scheme)


@pytest.mark.parametrize("scheme", ["central", "adaptive"])
def test_a_wrong_shape_is_named_as_ever(scheme):
    with pytest.raises(EvaluationError, match=r"for x of shape \(40000,\) it returned shape \(\)"):
        derivative(np.sum, X, scheme=scheme)


def test_a_shape_that_changes():
    def f(x):
        return np.sin(x) if x.size < 2000 else np.sin(x)[:-1]

    with pytest.raises(EvaluationError, match=r"for x of shape \(32000,\) it returned shape \(31999,\)"):
        derivative(f, X, scheme="central")


def test_a_kind_that_changes():
    def f(x):
        return np.sin(x) if x.size < 2000 or x[0] < 1e3 else np.sin(x) + 0j

    x = X.copy()
    x[BLOCK] = 2e3
    with pytest.raises(EvaluationError, match="complex numbers after real ones"):
        derivative(f, x, scheme="central")


def test_points_without_a_derivative():
    x = X.copy()
    x[::1000], x[1::1000] = np.nan, np.inf
    for scheme in ("central", "adaptive"):
        estimate = estimate_derivative(np.sin, x, scheme=scheme)
        finite = np.isfinite(x)
        assert np.isnan(estimate.value[~finite]).all()
        assert (estimate.status[~finite] == Status.NON_FINITE).all()
        np.testing.assert_allclose(estimate.value[finite], np.cos(x[finite]), atol=1e-9)


def test_our_own_arithmetic_never_warns():
    x = np.concatenate([X, [0.0, 1e-310, 1e308, -1e308, 1e-150, 1e150, np.inf, np.nan]])
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error", RuntimeWarning)
        for n in (1, 2, 3):
            for scheme in ("central", "adaptive"):
                estimate_derivative(lambda x: x * np.sqrt(np.abs(x)), x, n, scheme=scheme)


def test_factorials_are_applied_once():
    np.testing.assert_allclose(derivative(np.exp, X, 3), np.exp(X), rtol=1e-8)
    assert math.isclose(derivative(np.exp, X, 4)[0], math.exp(X[0]), rel_tol=1e-6)
