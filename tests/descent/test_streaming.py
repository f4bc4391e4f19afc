"""Streaming optimizers: formulas, structures, dtypes, saved states, and everything they refuse."""

import json
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calcml.descent.streaming import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    CosineDecay,
    ExponentialDecay,
    Momentum,
    Nesterov,
    RMSProp,
    StreamingOptimizer,
    StreamingState,
    WarmUp,
)
from calcml.errors import CalcmlError, EvaluationError

ALL = [SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adam, AdamW]


def run(optimizer, x, grad, steps, state=None):
    """Return the parameters and the state after some steps on a deterministic gradient."""
    state = optimizer.init(x) if state is None else state
    for _ in range(steps):
        x, state = optimizer.update(x, grad(x), state)
    return x, state


def rosenbrock_gradient(x):
    return np.array(
        [-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)],
        dtype=np.asarray(x).dtype,
    )


# Each formula once more, one number at a time in plain Python, as the papers write them.


def plain_sgd(x, grads, lr):
    for g in grads:
        x -= lr * g
    return x


def plain_momentum(x, grads, lr, mu=0.9):
    step = 0.0  # Polyak's form: the step itself is remembered
    for g in grads:
        step = mu * step - lr * g
        x += step
    return x


def plain_adagrad(x, grads, lr, eps=1e-10):
    for k in range(len(grads)):
        x -= lr * grads[k] / (sum(g * g for g in grads[: k + 1]) ** 0.5 + eps)
    return x


def plain_rmsprop(x, grads, lr, rho=0.9, eps=1e-8):
    for k in range(len(grads)):
        mean = sum((1 - rho) * rho ** (k - i) * grads[i] ** 2 for i in range(k + 1))
        x -= lr * grads[k] / (mean**0.5 + eps)
    return x


def plain_adam(x, grads, lr, b1=0.9, b2=0.999, eps=1e-8, decay=0.0):
    m = v = 0.0
    for t, g in enumerate(grads, start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        x = x - lr * (m_hat / (v_hat**0.5 + eps) + decay * x)
    return x


def plain_adamw(x, grads, lr):
    return plain_adam(x, grads, lr, decay=0.01)


FORMULAS = [
    (SGD, plain_sgd),
    (Momentum, plain_momentum),
    (AdaGrad, plain_adagrad),
    (RMSProp, plain_rmsprop),
    (Adam, plain_adam),
    (AdamW, plain_adamw),
]


@pytest.mark.parametrize(("kind", "formula"), FORMULAS)
@given(
    start=st.floats(-10, 10),
    grads=st.lists(st.floats(-1e3, 1e3).filter(lambda g: g == 0 or abs(g) > 1e-3), min_size=1, max_size=12),
    rate=st.floats(1e-4, 1.0),
)
def test_agrees_with_the_formula_written_out(kind, formula, start, grads, rate):
    optimizer = kind(rate)
    x, state = np.array([start]), optimizer.init([start])
    for g in grads:
        x, state = optimizer.update(x, [g], state)
    wanted = formula(start, grads, rate)
    # A few units in the last place of the largest number per step.
    scale = abs(start) + sum(abs(rate * g) * 10 for g in grads) + 10 * rate * len(grads)
    assert x[0] == pytest.approx(wanted, rel=1e-12, abs=1e-14 * scale)
    assert state.count == len(grads)


def test_nesterov_is_sutskevers_form_at_the_look_ahead_point():
    matrix, mu, rate = np.diag([1.0, 10.0]), 0.8, 0.05
    theta, velocity = np.array([1.0, -2.0]), np.zeros(2)
    optimizer = Nesterov(rate, momentum=mu)
    x, state = theta + mu * velocity, optimizer.init(theta)
    for _ in range(30):
        velocity = mu * velocity - rate * matrix @ (theta + mu * velocity)
        theta = theta + velocity
        x, state = optimizer.update(x, matrix @ x, state)
        np.testing.assert_allclose(x, theta + mu * velocity, rtol=1e-12, atol=1e-14)


def test_momentum_zero_is_plain_descent():
    grad = rosenbrock_gradient
    start = np.array([-1.2, 1.0])
    wanted, _ = run(SGD(1e-3), start, grad, 20)
    for kind in (Momentum, Nesterov):
        np.testing.assert_array_equal(run(kind(1e-3, momentum=0.0), start, grad, 20)[0], wanted)


RATES = {SGD: 0.05, Momentum: 0.02, Nesterov: 0.02, AdaGrad: 1.0, RMSProp: 0.05, Adam: 0.1, AdamW: 0.1}


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("seed", range(2))
def test_converges_on_quadratics(kind, seed):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    matrix, center = q @ np.diag([0.5, 1.0, 3.0, 10.0]) @ q.T, rng.standard_normal(4)
    options = {"weight_decay": 0.0} if kind is AdamW else {}
    # A rate that falls lets those converge whose steps do not shrink with the gradient.
    optimizer = kind(
        ExponentialDecay(RATES[kind], 150) if kind in (RMSProp, Adam, AdamW) else RATES[kind], **options
    )
    x, _ = run(optimizer, np.zeros(4), lambda x: matrix @ (x - center), 1000)
    np.testing.assert_allclose(x, center, atol=2e-3)


@pytest.mark.parametrize(
    ("optimizer", "steps"),
    [
        (Momentum(1e-3), 5000),
        (Nesterov(1e-3), 5000),
        (AdaGrad(0.5), 6000),
        (RMSProp(CosineDecay(1e-2, 6000)), 6000),
        (Adam(0.02), 6000),
        (AdamW(0.02, weight_decay=0.0), 6000),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, int) else str(value),
)
def test_reaches_the_minimum_of_rosenbrock(optimizer, steps):
    x, _ = run(optimizer, np.array([-1.2, 1.0]), rosenbrock_gradient, steps)
    # Along the valley f is flat: 0.02 in x are 1e-4 in f, of 24 at the start.
    np.testing.assert_allclose(x, [1, 1], atol=0.02)


@pytest.mark.parametrize("kind", [AdaGrad, RMSProp, Adam])
@given(power=st.integers(-30, 30))
def test_steps_do_not_depend_on_the_scale_of_the_loss(kind, power):
    # With powers of 2 nothing but epsilon can make a difference.
    optimizer = kind(0.01, epsilon=1e-300)
    grad, start = rosenbrock_gradient, np.array([-1.2, 1.0])
    wanted, _ = run(optimizer, start, grad, 20)
    found, _ = run(optimizer, start, lambda x: 2.0**power * grad(x), 20)
    np.testing.assert_array_equal(found, wanted)


def test_the_first_steps_have_known_lengths():
    g, zero = np.array([3.0, -0.02]), np.zeros(2)
    sign = np.sign(g)

    def first(optimizer):
        return optimizer.update(zero, g, optimizer.init(zero))[0]

    np.testing.assert_array_equal(first(SGD(0.1)), -0.1 * g)
    np.testing.assert_array_equal(first(Momentum(0.1)), -0.1 * g)
    np.testing.assert_allclose(first(Nesterov(0.1)), -0.19 * g, rtol=1e-15)
    # epsilon over the smaller gradient is 5e-7 at most.
    np.testing.assert_allclose(first(Adam(0.1)), -0.1 * sign, rtol=1e-6)
    np.testing.assert_allclose(first(AdaGrad(0.1)), -0.1 * sign, rtol=1e-6)
    np.testing.assert_allclose(first(RMSProp(0.1)), -0.1 * sign / 0.1**0.5, rtol=1e-5)
    np.testing.assert_allclose(
        first(AdaGrad(0.1, initial_accumulator=0.09))[0], -0.3 / np.sqrt(9.09), rtol=1e-9
    )


def test_decoupled_decay_does_not_pass_through_the_averages():
    optimizer = AdamW(0.1, weight_decay=0.5)
    x, state = run(optimizer, np.array([4.0, 0.0]), np.zeros_like, 3)
    np.testing.assert_allclose(x, [4 * 0.95**3, 0.0], rtol=1e-15)
    assert not any(m.any() for m in state.moments)
    start, grad = np.array([1.0, 2.0]), rosenbrock_gradient
    np.testing.assert_array_equal(
        run(AdamW(0.1, weight_decay=0.0), start, grad, 9)[0], run(Adam(0.1), start, grad, 9)[0]
    )


# Structures, dtypes, inputs left alone.


class Point(NamedTuple):
    a: np.ndarray
    b: np.ndarray


@dataclass(frozen=True)
class Model:
    weights: np.ndarray
    bias: float


def w():
    return np.arange(6.0).reshape(2, 3)


STRUCTURES = [
    2.5,
    np.float64(2.5),
    np.array(2.5),
    w(),
    w().T,
    {"w": w(), "b": 1.5},
    [w(), np.array([1.0])],
    (w(), (np.array([2.0]), {"deep": np.array(3.0)})),
    Point(w(), np.array(0.5)),
    Model(w(), 0.25),
    [{"weights": w(), "biases": np.zeros(3)}, {}, {"weights": w(), "biases": np.zeros(3)}],
    np.empty(0),
    {},
]


def leaves(x):
    if isinstance(x, dict):
        return [leaf for value in x.values() for leaf in leaves(value)]
    if isinstance(x, Model):
        return [x.weights, x.bias]
    return [leaf for value in x for leaf in leaves(value)] if isinstance(x, list | tuple) else [x]


def same_structure(x, y):
    if isinstance(x, dict):
        return isinstance(y, dict) and list(x) == list(y) and all(same_structure(x[k], y[k]) for k in x)
    if isinstance(x, list | tuple):
        return type(x) is type(y) and all(same_structure(a, b) for a, b in zip(x, y, strict=True))
    if isinstance(x, Model):
        return isinstance(y, Model) and same_structure([x.weights, x.bias], [y.weights, y.bias])
    return np.shape(x) == np.shape(y)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("params", STRUCTURES, ids=lambda x: type(x).__name__)
def test_any_structure_goes_in_and_comes_out(kind, params):
    optimizer = kind(0.1)
    x, state = params, optimizer.init(params)
    flat = np.concatenate([np.ravel(leaf) for leaf in leaves(params)] or [np.empty(0)])
    y, other = flat, optimizer.init(flat)
    for _ in range(3):
        x, state = optimizer.update(x, x, state)
        y, other = optimizer.update(y, y, other)
    assert same_structure(params, x)
    # The structure makes no difference to the numbers.
    np.testing.assert_array_equal(np.concatenate([np.ravel(leaf) for leaf in leaves(x)] or [np.empty(0)]), y)


def test_a_number_stays_a_number():
    x, _ = SGD(0.5).update(1.0, 1.0, SGD(0.5).init(1.0))
    assert isinstance(x, float)
    assert x == 0.5


def test_gradients_are_matched_by_name():
    optimizer, params = SGD(1.0), {"a": np.zeros(2), "b": np.zeros(2)}
    grads = {"b": np.array([3.0, 4.0]), "a": np.array([1.0, 2.0])}
    x, _ = optimizer.update(params, grads, optimizer.init(params))
    assert list(x) == ["a", "b"]
    np.testing.assert_array_equal(x["a"], [-1, -2])


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_dtype_stays(kind, dtype):
    optimizer = kind(np.float64(0.125), **({"beta1": np.float64(0.9)} if issubclass(kind, Adam) else {}))
    start = np.array([1.0, -2.0, 0.0], dtype)
    x, state = run(optimizer, start, lambda x: x.astype(float), 5)
    assert x.dtype == dtype
    assert all(m.dtype == np.result_type(dtype, np.float32) for m in state.moments)
    wanted, _ = run(optimizer, start.astype(float), lambda x: x, 5)
    # Each of five steps may round once, from a start of size 2.
    np.testing.assert_allclose(x.astype(float), wanted, atol=5 * 2 * float(np.finfo(dtype).eps))


def test_mixed_dtypes_and_integers():
    params = {"a": np.ones(2, np.float32), "b": np.ones(2), "c": np.array([1, 2])}
    x, state = run(Adam(0.1), params, lambda p: p, 2)
    assert [x[k].dtype for k in "abc"] == [np.float32, np.float64, np.float64]
    assert state.moments[0].dtype == np.float64


@pytest.mark.parametrize("kind", ALL)
def test_inputs_are_left_alone(kind):
    x, g = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    optimizer = kind(0.1)
    _, state = run(optimizer, x, lambda x: g, 2)
    for array in (x, g, *state.moments):
        array.flags.writeable = False
    before = [m.copy() for m in state.moments]
    new, after = optimizer.update(x, g, state)
    assert not np.shares_memory(new, x)
    assert not any(np.shares_memory(a, b) for a, b in zip(after.moments, state.moments, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(before, state.moments, strict=True))
    assert (x == [1, 2]).all()


@pytest.mark.parametrize("kind", ALL)
def test_blocks_make_no_difference(kind):
    rng = np.random.default_rng(0)
    n = 2 * 16384 + 5
    x, g = rng.standard_normal(n), rng.standard_normal(n)
    optimizer = kind(0.1)
    whole, _ = run(optimizer, x, lambda x: g, 3)
    for part in (slice(0, 3), slice(16380, 16390), slice(n - 5, n)):
        np.testing.assert_array_equal(
            whole[part], run(optimizer, x[part], lambda x, part=part: g[part], 3)[0]
        )


# States.


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_saved_run_resumes_bit_for_bit(kind, dtype):
    start, optimizer = np.array([-1.2, 1.0], dtype), kind(WarmUp(CosineDecay(1e-3, 20), 5))
    whole, last = run(optimizer, start, rosenbrock_gradient, 17)
    x, state = run(optimizer, start, rosenbrock_gradient, 8)
    saved = json.loads(json.dumps({"x": [float(v) for v in x], "state": json.loads(state.to_json())}))
    again = StreamingState.from_dict(saved["state"])
    x, resumed = run(optimizer, np.array(saved["x"], dtype), rosenbrock_gradient, 9, again)
    np.testing.assert_array_equal(x, whole)
    assert resumed.count == last.count == 17
    for a, b in zip(resumed.moments, last.moments, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


def test_a_state_is_plain_data():
    state = Adam().init({"a": np.ones(2), "b": 1.0})
    assert state.to_dict() == {"optimizer": "Adam", "count": 0, "moments": [[0, 0, 0], [0, 0, 0]]}
    assert "Adam" in repr(state)
    kept = StreamingState.from_dict({"optimizer": "SGD", "count": np.int64(3), "moments": ()})
    assert (kept.count, type(kept.count)) == (3, int)
    wide = StreamingState.from_dict({**Momentum().init(np.ones(2, np.longdouble)).__dict__})
    assert wide.moments[0].dtype == np.longdouble


def test_from_dict_names_what_is_missing():
    with pytest.raises(ValueError, match="missing: count, moments"):
        StreamingState.from_dict({"optimizer": "Adam"})


def test_an_optimizer_is_a_value():
    assert Adam(0.1) == Adam(0.1)
    assert Adam(0.1) != AdamW(0.1)
    assert len({Adam(0.1), Adam(0.1), SGD(0.1)}) == 2
    assert repr(Momentum(0.1)).startswith("Momentum(learning_rate=0.1, ")
    assert replace(Adam(0.1), beta1=0.5).beta1 == 0.5
    assert isinstance(Adam(), StreamingOptimizer)
    for kind in ALL:
        with pytest.raises(TypeError, match="positional"):
            kind(0.1, 0.9)


def test_defaults():
    assert (Adam().learning_rate, Adam().beta1, Adam().beta2, Adam().epsilon) == (1e-3, 0.9, 0.999, 1e-8)
    assert AdamW().weight_decay == 0.01
    assert (RMSProp().decay, RMSProp().epsilon) == (0.9, 1e-8)
    assert Momentum().momentum == Nesterov().momentum == 0.9
    assert (AdaGrad().initial_accumulator, AdaGrad().epsilon) == (0.0, 1e-10)


# Refusals.


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0.0), "`learning_rate` must be above 0 and finite, got 0.0"),
        (lambda: SGD(-1), "`learning_rate` must be above 0 and finite, got -1.0"),
        (lambda: Adam(np.inf), "`learning_rate` must be above 0 and finite, got inf"),
        (lambda: Adam(float("nan")), "`learning_rate` must be above 0 and finite, got nan"),
        (lambda: Adam(beta1=1.0), "`beta1` must be at least 0 and below 1, got 1.0"),
        (lambda: Adam(beta2=-0.1), "`beta2` must be at least 0 and below 1, got -0.1"),
        (lambda: Adam(epsilon=0.0), "`epsilon` must be above 0 and finite"),
        (lambda: AdamW(weight_decay=-1.0), "`weight_decay` must be at least 0 and finite"),
        (lambda: Momentum(momentum=2.0), "`momentum` must be at least 0 and below 1"),
        (lambda: RMSProp(decay=1.0), "`decay` must be at least 0 and below 1"),
        (lambda: RMSProp(epsilon=-1.0), "`epsilon` must be above 0"),
        (lambda: AdaGrad(epsilon=0), "`epsilon` must be above 0"),
        (lambda: AdaGrad(initial_accumulator=-1), "`initial_accumulator` must be at least 0"),
        (lambda: ExponentialDecay(0.1, 0), "`decay_steps` must be above 0"),
        (lambda: ExponentialDecay(0.1, 5, decay_rate=1.5), "`decay_rate` must be at least 0 and below 1"),
        (lambda: CosineDecay(-0.1, 5), "`initial_rate` must be above 0"),
        (lambda: CosineDecay(0.1, 5, final_rate=-1), "`final_rate` must be at least 0"),
        (lambda: WarmUp(0.1, -1), "`steps` must be at least 0"),
        (lambda: WarmUp(0.0, 1), "`learning_rate` must be above 0"),
    ],
)
def test_options_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("value", ["0.1", None, True, 1j, np.array([0.1])])
def test_options_of_the_wrong_type(value):
    with pytest.raises(TypeError, match="`learning_rate` must be a number, got"):
        SGD(value)


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize(
    ("params", "grads", "message"),
    [
        (np.ones(2), np.ones(3), r"`grads` must have the shape of `params`, \(2,\), got \(3,\)"),
        (1.0, np.ones(1), r"`grads` must have the shape of `params`, \(\), got \(1,\)"),
        (
            {"w": np.ones(2)},
            {"w": 1.0},
            r"`grads\['w'\]` must have the shape of `params\['w'\]`, \(2,\), got \(\)",
        ),
        ({"w": 1.0, "b": 1.0}, {"w": 1.0}, r"`grads\['b'\]` is missing"),
        ({"w": 1.0}, {"w": 1.0, "c": 1.0}, r"`grads\['c'\]` has no counterpart in `params`"),
        ({"w": 1.0}, 1.0, r"`grads\['w'\]` is missing"),
        ([w(), {"b": 1.0}], [w(), {"b": np.ones(2)}], r"`grads\[1\]\['b'\]` must have the shape"),
        (Model(w(), 0.0), Model(w(), np.ones(2)), r"`grads.bias` must have the shape"),
    ],
)
def test_gradients_that_do_not_fit(kind, params, grads, message):
    optimizer = kind()
    with pytest.raises(ValueError, match=message):
        optimizer.update(params, grads, optimizer.init(params))


def test_what_is_no_real_number():
    optimizer = SGD()
    with pytest.raises(TypeError, match=r"`params\['w'\]` is complex"):
        optimizer.init({"w": 1j})
    with pytest.raises(TypeError, match=r"`grads` must hold real numbers"):
        optimizer.update(np.ones(2), np.array(["a", "b"]), optimizer.init(np.ones(2)))
    with pytest.raises(TypeError, match="masked"):
        optimizer.update(np.ones(2), np.ma.masked_array([1.0, 2.0]), optimizer.init(np.ones(2)))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_gradients_that_are_not_finite(kind, bad):
    params = {"w": w(), "b": 0.0}
    grads = {"w": w(), "b": 1.0}
    grads["w"][1, 2] = bad
    optimizer = kind()
    state = optimizer.init(params)
    with pytest.raises(
        EvaluationError, match=rf"`grads\['w'\]` is {bad} at index \(1, 2\) in update 1 at learning rate"
    ):
        optimizer.update(params, grads, state)
    with pytest.raises(CalcmlError, match=r"`grads\['b'\]` is nan in update 1"):
        optimizer.update(params, {"w": w(), "b": np.nan}, state)
    # The run goes on from where it was.
    optimizer.update(params, {"w": w(), "b": 1.0}, state)


def test_a_rate_of_zero_does_not_hide_a_bad_gradient():
    optimizer = SGD(lambda step: 0.0)
    with pytest.raises(EvaluationError, match="`grads` is nan at index 0"):
        optimizer.update([1.0], [np.nan], optimizer.init([1.0]))


def test_parameters_that_are_not_finite():
    with pytest.raises(ValueError, match=r"`params\['b'\]` must be finite, but is inf at index 1"):
        Adam().init({"a": 1.0, "b": np.array([1.0, np.inf])})
    state = SGD().init(np.ones(2))
    with pytest.raises(ValueError, match="`params` must be finite, but is nan at index 0"):
        SGD().update(np.array([np.nan, 1.0]), np.ones(2), state)


@pytest.mark.parametrize(
    ("optimizer", "params", "grads"),
    [
        (SGD(1e10), {"w": 1.0}, {"w": 1e300}),
        (Adam(), {"w": 1.0}, {"w": 1e200}),  # its square overflows, and the step would silently be 0
        (AdaGrad(), {"w": np.float32(1.0)}, {"w": np.float32(1e30)}),
        (SGD(1.0), {"w": np.float32(1.0)}, {"w": 1e100}),
        (SGD(1e3), {"w": np.float16(1.0)}, {"w": np.float16(6e4)}),
    ],
)
def test_overflow_is_named(optimizer, params, grads):
    state = optimizer.init(params)
    with pytest.raises(
        EvaluationError, match=r"averages of `params\['w'\]` overflow in update 1 at learning rate"
    ):
        optimizer.update(params, grads, state)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (None, TypeError, r"`state` must be what `Adam.init\(params\)` returns, got NoneType"),
        (Momentum().init(np.ones(2)), ValueError, "`state` belongs to Momentum, not to Adam"),
        (AdamW().init(np.ones(2)), ValueError, "`state` belongs to AdamW, not to Adam"),
        (Adam().init(np.ones(3)), ValueError, "`state` belongs to parameters with 3 numbers, `params` has 2"),
        (StreamingState("Adam", 0, ()), ValueError, "`state` belongs to Adam, not to Adam|make a new one"),
    ],
)
def test_states_that_do_not_fit(state, error, message):
    with pytest.raises(error, match=message):
        Adam().update(np.ones(2), np.ones(2), state)


# Schedules.


def test_schedules():
    assert [ExponentialDecay(1.0, 2, decay_rate=0.25)(t) for t in (0, 1, 2, 4)] == [1, 0.5, 0.25, 0.0625]
    cosine = CosineDecay(3.0, 10, final_rate=1.0)
    assert [cosine(t) for t in (0, 5, 10, 99)] == pytest.approx([3, 2, 1, 1], rel=1e-15)
    warm = WarmUp(0.5, 4)
    assert [warm(t) for t in range(7)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5], rel=1e-15)
    assert WarmUp(0.5, 0)(0) == 0.5
    assert ExponentialDecay(0.1, 5) == ExponentialDecay(0.1, 5)


@given(steps=st.integers(1, 50), at=st.integers(0, 200))
def test_a_warm_up_continues_into_its_schedule(steps, at):
    after = CosineDecay(0.3, 60)
    rate = WarmUp(after, steps)
    assert 0 < rate(0) < 0.3
    assert rate(steps + at) == after(at)
    assert all(rate(t) < rate(t + 1) for t in range(steps))


def test_the_first_update_is_step_zero():
    seen = []

    def schedule(step):
        seen.append(step)
        return 1.0 / (1 + step)

    optimizer = SGD(schedule)
    x, state = run(optimizer, np.zeros(1), np.ones_like, 3)
    assert seen == [0, 1, 2]
    assert x[0] == pytest.approx(-(1 + 1 / 2 + 1 / 3))
    assert optimizer.rate(state.count) == 0.25
    assert SGD(0.5).rate(100) == 0.5


@pytest.mark.parametrize("value", [np.nan, -0.1, np.inf, None, "fast"])
def test_schedules_that_return_no_rate(value):
    optimizer = Adam(lambda step: value)
    with pytest.raises(
        EvaluationError, match=r"`learning_rate` must return a finite number of at least 0, got .* at step 0"
    ):
        optimizer.update(1.0, 1.0, optimizer.init(1.0))


@given(
    arrays(np.float64, st.integers(1, 6), elements=st.floats(-1e3, 1e3)),
    st.sampled_from(ALL),
    st.floats(1e-6, 1.0),
)
def test_a_step_goes_downhill(g, kind, rate):
    x = np.zeros_like(g)
    optimizer = kind(rate)
    new, _ = optimizer.update(x, g, optimizer.init(x))
    assert (np.sign(new) * np.sign(g) <= 0).all()
    assert np.all(new[g == 0] == 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": -1}, "`count` of a saved state must be at least 0, got -1"),
        ({"moments": [["nan"]]}, r"`moments\[0\]` of a saved state must be a vector of finite numbers"),
        ({"moments": [0.0]}, r"`moments\[0\]` of a saved state must be a vector of finite numbers"),
    ],
)
def test_a_damaged_state_is_refused(change, message):
    saved = Momentum(0.1).init([1.0]).to_dict() | change
    with pytest.raises(ValueError, match=message):
        StreamingState.from_dict(saved)
