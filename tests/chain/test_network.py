"""Layers, losses and networks: backpropagation against numbers, conventions, dtypes, and what is refused."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml import DerivativeMismatchError, check_gradient, gradient
from calcml.chain import (
    Dense,
    Layer,
    Link,
    Loss,
    MeanSquaredError,
    Network,
    Relu,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
    compose,
)
from calcml.descent.streaming import Adam

EPS = np.finfo(float).eps


def deep(loss, outputs=3):
    return Network([Dense(2, 4), Tanh(), Dense(4, 5), Sigmoid(), Dense(5, outputs)], loss)


def data(loss, samples=6, outputs=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((samples, 2))
    labels = isinstance(loss, SoftmaxCrossEntropy)
    return x, rng.integers(outputs, size=samples) if labels else rng.standard_normal((samples, outputs))


LOSSES = [MeanSquaredError(), SoftmaxCrossEntropy()]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_backpropagation_is_the_gradient(loss, seed):
    network = deep(loss)
    params = network.init(rng=seed)
    params[2]["biases"] = np.random.default_rng(seed).standard_normal(5)
    check_gradient(network.loss, network.gradient, params, args=data(loss, seed=seed)).check()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_rectifier_away_from_its_kink(loss):
    network = Network([Dense(2, 8, gain=2**0.5), Relu(), Dense(8, 3)], loss)
    params, (x, y) = network.init(rng=1), data(loss)
    assert np.abs(x @ params[0]["weights"]).min() > 1e-3  # the differences of the check stay on one side
    check_gradient(network.loss, network.gradient, params, args=(x, y)).check()


def test_the_check_would_find_a_mistake():
    @dataclass(frozen=True)
    class Wrong(Tanh):
        def _backward(self, params, cache, gradient):
            return {}, gradient * (1 - cache)

    network = Network([Dense(2, 3), Wrong()], MeanSquaredError())
    with pytest.raises(DerivativeMismatchError):
        check_gradient(
            network.loss, network.gradient, network.init(rng=0), args=data(MeanSquaredError())
        ).check()


def test_backpropagation_is_the_chain_rule():
    """One sample through the layers as links with given Jacobians: the same numbers by `Composition.vjp`."""
    network = Network([Dense(2, 4), Tanh(), Dense(4, 3)], MeanSquaredError())
    params = network.init(rng=3)
    x, y = data(MeanSquaredError(), samples=1)
    (first, second), hidden = (params[0], params[2]), None

    def dense(own):
        return Link(lambda z: z @ own["weights"] + own["biases"], lambda z: own["weights"].T)

    chain = compose(
        dense(first),
        Link(np.tanh, lambda z: np.diag(1 - np.tanh(z) ** 2)),
        dense(second),
        Link(lambda z: np.mean((z - y[0]) ** 2), lambda z: 2 * (z - y[0]) / 3),
    )
    loss, grads = network.value_and_gradient(params, x, y)
    assert loss == pytest.approx(chain(x[0]), rel=4 * EPS)
    assert chain.estimate_jacobian(x[0]).order == "backward"
    # δ of the first layer is ∂C/∂b, and ∂C/∂x = W δ.
    np.testing.assert_allclose(chain.vjp(x[0], 1.0), first["weights"] @ grads[0]["biases"], rtol=1e-14)
    hidden = np.tanh(x[0] @ first["weights"] + first["biases"])
    np.testing.assert_allclose(grads[2]["weights"], np.outer(hidden, grads[2]["biases"]), rtol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_a_mean_over_samples(loss):
    network, (x, y) = deep(loss), data(loss)
    params = network.init(rng=0)
    alone = [network.value_and_gradient(params, x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    value, grads = network.value_and_gradient(params, x, y)
    assert value == network.loss(params, x, y)
    assert value == pytest.approx(np.mean([v for v, _ in alone]), rel=1e-14)
    for k in (0, 2, 4):
        for name in ("weights", "biases"):
            mean = np.mean([g[k][name] for _, g in alone], axis=0)
            np.testing.assert_allclose(grads[k][name], mean, rtol=1e-12, atol=1e-16)


def test_mean_squared_error_by_hand():
    loss = MeanSquaredError()
    value, cache = loss.forward(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 4.0]]))
    assert value == (4 + 9) / 4
    np.testing.assert_array_equal(loss.backward(cache), [[0, 1], [1.5, 0]])
    rows = np.array([[1.0]])
    assert loss.prediction(rows) is rows


# Softmax with cross-entropy.


def test_cross_entropy_by_hand():
    loss = SoftmaxCrossEntropy()
    value, cache = loss.forward(np.log([[1.0, 2.0, 5.0], [1.0, 1.0, 2.0]]), np.array([2, 0]))
    assert value == pytest.approx(-(math.log(5 / 8) + math.log(1 / 4)) / 2, rel=4 * EPS)
    wanted = np.array([[1 / 8, 2 / 8, 5 / 8 - 1], [1 / 4 - 1, 1 / 4, 2 / 4]]) / 2
    np.testing.assert_allclose(loss.backward(cache), wanted, rtol=8 * EPS)
    np.testing.assert_allclose(
        loss.prediction(np.log([[1.0, 2.0, 5.0]])), [[1 / 8, 2 / 8, 5 / 8]], rtol=4 * EPS
    )


@pytest.mark.parametrize("scale", [1e-8, 1.0, 30.0, 1e3, 1e300])
def test_no_row_is_too_large(scale):
    loss, rows = SoftmaxCrossEntropy(), scale * np.array([[1.0, 0.0, -1.0], [-1.0, 0.0, 1.0]])
    value, cache = loss.forward(rows, np.array([0, 0]))
    # log(1 + e^-s + e^-2s), and the same plus 2s.
    low = math.log1p(math.exp(-scale) + math.exp(-2 * scale))
    assert value == pytest.approx(low + scale, rel=4 * EPS)
    assert loss.forward(rows[:1], np.array([0]))[0] == pytest.approx(low, rel=8 * EPS)
    assert np.isfinite(loss.backward(cache)).all()


@given(
    st.lists(st.lists(st.floats(-50, 50), min_size=3, max_size=3), min_size=1, max_size=4),
    st.floats(-100, 100),
)
def test_properties_of_cross_entropy(rows, shift):
    loss, rows = SoftmaxCrossEntropy(), np.array(rows)
    y = np.arange(len(rows)) % 3
    value, cache = loss.forward(rows, y)
    gradient = loss.backward(cache)
    probabilities = loss.prediction(rows)
    assert value >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=4 * EPS)
    assert (np.abs(gradient.sum(axis=1)) <= 4 * EPS).all()
    # A constant on all rows changes nothing but their rounding: ε times 150.
    assert loss.forward(rows + shift, y)[0] == pytest.approx(value, rel=1e-12, abs=200 * EPS)


def test_a_gradient_that_is_nearly_zero_keeps_its_digits():
    loss = SoftmaxCrossEntropy()
    value, cache = loss.forward(np.array([[40.0, 0.0]]), np.array([0]))
    p = math.exp(-40) / (1 + math.exp(-40))
    assert value == pytest.approx(math.exp(-40), rel=4 * EPS)
    np.testing.assert_allclose(loss.backward(cache), [[-p, p]], rtol=4 * EPS)


# Layers.


@pytest.mark.parametrize("layer", [Tanh(), Sigmoid(), Relu()])
@given(st.floats(-30, 30).filter(lambda a: abs(a) > 1e-3), st.floats(-2, 2))
def test_activations_and_their_slopes(layer, a, delta):
    f = {
        Tanh: (math.tanh, lambda a: 1 / math.cosh(a) ** 2),
        Sigmoid: (lambda a: 1 / (1 + math.exp(-a)), lambda a: 1 / (2 + math.exp(a) + math.exp(-a))),
        Relu: (lambda a: max(a, 0.0), lambda a: float(a > 0)),
    }
    value, slope = f[type(layer)]
    y, cache = layer.forward({}, np.array([[a]]))
    assert y[0, 0] == pytest.approx(value(a), rel=4 * EPS, abs=0)
    grads, grad_x = layer.backward({}, cache, np.array([[delta]]))
    assert grads == {}
    # 1 - tanh² is a difference of numbers near 1; the others lose nothing.
    assert grad_x[0, 0] == pytest.approx(
        delta * slope(a), rel=8 * EPS, abs=4 * EPS if isinstance(layer, Tanh) else 1e-320
    )


def test_activations_far_out():
    far = np.array([[-1e300, -800.0, 800.0, 1e300]])
    np.testing.assert_array_equal(Sigmoid().forward({}, far)[0], [[0, 0, 1, 1]])
    np.testing.assert_array_equal(Tanh().forward({}, far)[0], [[-1, -1, 1, 1]])
    assert Sigmoid().forward({}, np.array([[-700.0]]))[0][0, 0] == pytest.approx(math.exp(-700), rel=1e-15)
    assert Relu().backward({}, Relu().forward({}, np.zeros((1, 1)))[1], np.ones((1, 1)))[1] == 0


def test_dense_by_hand():
    params = {"weights": np.array([[1.0, 2.0], [3.0, 4.0]]), "biases": np.array([0.5, -0.5])}
    y, cache = Dense(2, 2).forward(params, np.array([[1.0, 1.0], [2.0, 0.0]]))
    np.testing.assert_array_equal(y, [[4.5, 5.5], [2.5, 3.5]])
    grads, grad_x = Dense(2, 2).backward(params, cache, np.array([[1.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_array_equal(grads["weights"], [[1, 2], [1, 0]])
    np.testing.assert_array_equal(grads["biases"], [1, 1])
    np.testing.assert_array_equal(grad_x, [[1, 3], [2, 4]])


def test_random_weights():
    params = Network([Dense(300, 100, gain=2.0), Tanh()], MeanSquaredError()).init(rng=0)
    assert list(params[0]) == ["weights", "biases"]
    assert params[1] == {}
    # 30000 numbers fix a standard deviation to 0.4 %; four times that is allowed.
    assert params[0]["weights"].std() == pytest.approx(2 * math.sqrt(2 / 400), rel=0.016)
    assert not params[0]["biases"].any()
    network = deep(MeanSquaredError())
    same = [network.init(rng=rng)[0]["weights"] for rng in (5, np.random.default_rng(5))]
    np.testing.assert_array_equal(*same)
    assert (network.init()[0]["weights"] != network.init()[0]["weights"]).any()
    # Each layer of a network has its own numbers.
    twice = Network([Dense(2, 2), Dense(2, 2)], MeanSquaredError()).init(rng=0)
    assert (twice[0]["weights"] != twice[1]["weights"]).any()


def test_a_layer_of_ones_own():
    @dataclass(frozen=True)
    class Scale(Layer):
        width: int

        @property
        def widths(self):
            return self.width, self.width

        @property
        def shapes(self):
            return {"factor": (self.width,)}

        def _forward(self, params, x):
            return x * params["factor"], x

        def _backward(self, params, cache, gradient):
            return {"factor": (cache * gradient).sum(axis=0)}, gradient * params["factor"]

    network = Network([Scale(2), Tanh(), Dense(2, 1)], MeanSquaredError())
    params = network.init(rng=0, dtype=np.float32)
    assert params[0]["factor"].dtype == np.float32
    params = [{"factor": np.array([0.5, -1.5])}, {}, network.init(rng=0)[2]]
    x, y = data(MeanSquaredError(), outputs=1)
    check_gradient(network.loss, network.gradient, params, args=(x, y)).check()


# Networks.


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_everything_has_the_dtype_of_the_parameters(loss, dtype):
    network, (x, y) = deep(loss), data(loss)
    params = network.init(rng=0, dtype=dtype)
    value, grads = network.value_and_gradient(params, x, y)
    arrays = [value, network.predict(params, x), *(a for own in grads for a in own.values())]
    assert {a.dtype for a in arrays} == {np.dtype(dtype)}
    wide, _ = network.value_and_gradient(network.init(rng=0), x, y)
    # A dozen roundings of numbers of size 1.
    assert float(value) == pytest.approx(float(wide), abs=12 * float(np.finfo(dtype).eps) + 12 * EPS)


def test_parameters_may_be_lists_tuples_and_integers():
    network = Network((Dense(1, 2), Tanh()), MeanSquaredError())
    params = ({"weights": [[1, 2]], "biases": [0, 1]}, {})
    arrays = [{"weights": np.array([[1.0, 2.0]]), "biases": np.array([0.0, 1.0])}, {}]
    x, y = [[0.5]], [[0.0, 0.0]]
    found, wanted = (network.value_and_gradient(p, x, y) for p in (params, arrays))
    assert found[0] == wanted[0]
    np.testing.assert_array_equal(found[1][0]["weights"], wanted[1][0]["weights"])


def test_inputs_are_left_alone():
    network = deep(SoftmaxCrossEntropy())
    params, (x, y) = network.init(rng=0), data(SoftmaxCrossEntropy())
    for array in (x, y, *(a for own in params for a in own.values())):
        array.flags.writeable = False
    first = network.gradient(params, x, y)
    second = network.gradient(params, x, y)
    np.testing.assert_array_equal(first[0]["weights"], second[0]["weights"])


def test_the_gradient_has_the_structure_of_the_parameters():
    network = deep(SoftmaxCrossEntropy())
    params, (x, y) = network.init(rng=0), data(SoftmaxCrossEntropy())
    grads = network.gradient(params, x, y)
    shapes = [{name: a.shape for name, a in own.items()} for own in grads]
    assert shapes == [layer.shapes for layer in network.layers]
    numeric = gradient(lambda p: network.loss(p, x, y), params, scheme="central")
    np.testing.assert_allclose(grads[0]["weights"], numeric[0]["weights"], atol=1e-9)


def test_a_network_learns():
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    network = Network([Dense(2, 8), Tanh(), Dense(8, 2)], SoftmaxCrossEntropy())
    params, optimizer = network.init(rng=0, dtype=np.float32), Adam(0.05)
    state = optimizer.init(params)
    for _ in range(300):
        loss, grads = network.value_and_gradient(params, x, [0, 1, 1, 0])
        params, state = optimizer.update(params, grads, state)
    assert loss < 0.01
    assert network.predict(params, x).argmax(axis=1).tolist() == [0, 1, 1, 0]
    assert params[0]["weights"].dtype == np.float32


def test_overflow_is_a_loss_that_is_not_finite():
    network = Network([Dense(1, 2), Dense(2, 2)], SoftmaxCrossEntropy())
    params = [{"weights": np.full(s, 1e200), "biases": np.zeros(2)} for s in ((1, 2), (2, 2))]
    value, grads = network.value_and_gradient(params, [[1e10]], [0])
    assert not np.isfinite(value)
    with pytest.raises(Exception, match=r"`grads\[0\]\['weights'\]` is nan at index \(0, 0\)"):
        Adam().update(params, grads, Adam().init(params))


def test_a_network_is_a_value():
    assert deep(MeanSquaredError()) == deep(MeanSquaredError())
    assert (
        repr(Network([Relu()], MeanSquaredError()))
        == "Network(layers=(Relu(),), loss_function=MeanSquaredError())"
    )


# Refusals, all before anything is computed.


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Dense(0, 1), ValueError, "`inputs` must be at least 1, got 0"),
        (lambda: Dense(1, -2), ValueError, "`outputs` must be at least 1, got -2"),
        (lambda: Dense(2.0, 1), TypeError, "`inputs` must be an integer, got float 2.0"),
        (lambda: Dense(1, True), TypeError, "`outputs` must be an integer, got bool True"),
        (lambda: Dense(1, 1, gain=0), ValueError, "`gain` must be above 0 and finite, got 0"),
        (lambda: Dense(1, 1, gain=np.inf), ValueError, "`gain` must be above 0 and finite, got inf"),
        (lambda: Network([], MeanSquaredError()), ValueError, "at least one layer, got none"),
        (
            lambda: Network([np.tanh], MeanSquaredError()),
            TypeError,
            r"`layers\[0\]` must be a Layer .* got ufunc",
        ),
        (lambda: Network([Tanh], MeanSquaredError()), TypeError, r"`layers\[0\]` must be a Layer"),
        (lambda: Network([Tanh()], "mse"), TypeError, "`loss_function` must be a Loss .* got str 'mse'"),
        (
            lambda: Network([Dense(2, 3), Tanh(), Dense(4, 1)], MeanSquaredError()),
            ValueError,
            r"`layers\[2\]`, Dense\(inputs=4.*takes rows of length 4, but `layers\[1\]` gives 3",
        ),
        (lambda: Layer(), TypeError, "abstract"),
        (lambda: Loss(), TypeError, "abstract"),
        (lambda: deep(MeanSquaredError()).init(dtype=int), TypeError, "`dtype` must be floating, got int64"),
    ],
)
def test_networks_that_do_not_fit_together(make, error, message):
    with pytest.raises(error, match=message):
        make()


SMALL = Network([Dense(2, 3), Tanh()], SoftmaxCrossEntropy())
GOOD = SMALL.init(rng=0)


def edited(**changes):
    return [{**GOOD[0], **changes}, {}]


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (None, ValueError, "with a dictionary for each of the 2 layers, got NoneType"),
        (GOOD[:1], ValueError, "for each of the 2 layers, got 1 entries"),
        (
            [None, {}],
            ValueError,
            r"`params\[0\]` of Dense.* with the entries \['biases', 'weights'\], got NoneType",
        ),
        ([{"weights": GOOD[0]["weights"]}, {}], ValueError, r"got entries \['weights'\]"),
        (
            [GOOD[0], {"slope": 1.0}],
            ValueError,
            r"`params\[1\]` of Tanh\(\).* entries \[\], got entries \['slope'\]",
        ),
        (
            edited(biases=np.zeros(2)),
            ValueError,
            r"`params\[0\]\['biases'\]` of Dense.* shape \(3,\), got \(2,\)",
        ),
        (edited(weights=np.ones((3, 2))), ValueError, r"must have shape \(2, 3\), got \(3, 2\)"),
        (edited(biases=np.ones(3) * 1j), TypeError, r"`params\[0\]\['biases'\]` is complex"),
    ],
)
def test_parameters_that_do_not_fit(params, error, message):
    with pytest.raises(error, match=message):
        SMALL.predict(params, [[1.0, 2.0]])


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (
            [1.0, 2.0],
            ValueError,
            r"shape \(samples, inputs\), got shape \(2,\); for one sample pass x\[None, :\]",
        ),
        (1.0, ValueError, r"got shape \(\)$"),
        (np.empty((0, 2)), ValueError, r"got shape \(0, 2\)$"),
        ([[1.0, 2.0, 3.0]], ValueError, "takes rows of length 2, but `x` has 3"),
        ([[1.0, np.nan]], ValueError, r"`x` must be finite, got nan at index \(0, 1\); drop the sample"),
        ([["a", "b"]], TypeError, "`x` must hold real numbers"),
    ],
)
def test_rows_that_do_not_fit(x, error, message):
    for call in (
        lambda: SMALL.predict(GOOD, x),
        lambda: SMALL.loss(GOOD, x, [0]),
        lambda: SMALL.gradient(GOOD, x, [0]),
    ):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([0.0, 1.0], TypeError, r"`y` must hold integer class labels, got dtype float64; convert them with"),
        ([True, False], TypeError, "got dtype bool"),
        (["a", "b"], TypeError, "`y` must hold real numbers, got dtype <U1"),
        ([0, 3], ValueError, "`y` must hold classes 0 to 2, got 3 at index 1; the network has 3 outputs"),
        ([-1, 0], ValueError, "`y` must hold classes 0 to 2, got -1 at index 0"),
        ([0], ValueError, r"one label per sample, shape \(2,\), got \(1,\)$"),
        ([[1, 0, 0], [0, 1, 0]], ValueError, r"got \(2, 3\); for one-hot rows pass `y.argmax\(axis=1\)`"),
    ],
)
def test_labels_that_do_not_fit(y, error, message):
    for call in (SMALL.loss, SMALL.value_and_gradient):
        with pytest.raises(error, match=message):
            call(GOOD, np.ones((2, 2)), y)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (
            [1.0, 2.0],
            ValueError,
            r"shape of the network's output, \(2, 1\), got \(2,\); make it a column with y\[:, None\]",
        ),
        ([[1.0, 2.0]], ValueError, r"\(2, 1\), got \(1, 2\)$"),
        ([[1.0], [np.inf]], ValueError, r"`y` must be finite, got inf at index \(1, 0\); drop the sample"),
        ([["a"], ["b"]], TypeError, "`y` must hold real numbers"),
    ],
)
def test_targets_that_do_not_fit(y, error, message):
    network = Network([Dense(2, 1)], MeanSquaredError())
    with pytest.raises(error, match=message):
        network.value_and_gradient(network.init(rng=0), np.ones((2, 2)), y)


def test_nothing_is_computed_before_the_checks():
    @dataclass(frozen=True)
    class Never(Layer):
        def _forward(self, params, x):
            raise AssertionError("called")

        def _backward(self, params, cache, gradient):
            raise AssertionError("called")

    with pytest.raises(ValueError, match="classes 0 to 1"):
        Network([Never()], SoftmaxCrossEntropy()).loss([{}], np.ones((1, 2)), [2])


@pytest.mark.parametrize("layers", [None, Dense(1, 1)])
def test_layers_must_be_a_list(layers):
    with pytest.raises(TypeError, match="`layers` must be a list of layers"):
        Network(layers, MeanSquaredError())


def test_gain_must_be_a_number():
    with pytest.raises(TypeError, match="`gain` must be a number, got str 'a'"):
        Dense(1, 1, gain="a")
