"""The noise of a function at a point: size, shape and cost."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from calcml.differentiate.noise import noise_level
from calcml.errors import EvaluationError

EPS = np.finfo(float).eps
X = np.linspace(0.1, 3.0, 8)


def uniform(seed=3):
    rng = np.random.default_rng(seed)
    return lambda: rng.uniform(-1.0, 1.0)


class Counted:
    def __init__(self, f):
        self.f, self.calls, self.points = f, 0, []

    def __call__(self, x, *args, **kwargs):
        self.calls += 1
        self.points.append(np.array(x))
        return self.f(x, *args, **kwargs)


@pytest.mark.parametrize(
    ("make", "sigma"),
    [
        (lambda w: lambda x: np.sin(x).sum() + 1e-8 * w(), 1e-8 / math.sqrt(3)),
        (lambda w: lambda x: np.round(np.sin(x).sum(), 6), 1e-6 / math.sqrt(12)),
        # Eight terms up to e^3, each with the rounding of x to single precision.
        (lambda w: lambda x: float(np.sum(np.exp(x.astype(np.float32)))), 2e-6),
        (lambda w: lambda x: np.exp(x).sum(), np.exp(X).sum() * EPS / 2),
    ],
)
def test_functions_of_many_variables(make, sigma):
    f = Counted(make(uniform()))
    noise = noise_level(f, X)
    assert type(noise) is np.float64
    assert sigma / 4 < noise < 4 * sigma
    assert f.calls in (9, 17, 25, 33)


@pytest.mark.parametrize("seed", range(20))
def test_a_factor_of_four(seed):
    w = uniform(seed)
    noise = noise_level(lambda x: np.exp(x).sum() + 1e-7 * w(), X)
    assert 1e-7 / math.sqrt(3) / 4 < noise < 4e-7 / math.sqrt(3)


def test_the_result_has_the_shape_of_the_value():
    w = uniform()
    scales = np.array([[1e-3, 1e-5, 1e-8], [1e-10, 1e-1, 0.0]])
    noise = noise_level(lambda x: np.exp(x).sum() + scales * w(), X)
    assert noise.shape == (2, 3)
    expected = np.maximum(scales / math.sqrt(3), np.exp(X).sum() * EPS / 2)
    assert np.all((expected / 4 < noise) & (noise < 4 * expected))
    assert noise_level(lambda x: [1.0], X).shape == (1,)
    assert noise_level(np.exp, 1.0).shape == ()


def test_complex_values():
    w = uniform()
    noise = noise_level(lambda x: np.exp(1j * x).sum() + 1e-6 * (w() + 1j * w()), X)
    # The length of two independent parts.
    assert 1e-6 * math.sqrt(2 / 3) / 4 < noise < 4e-6 * math.sqrt(2 / 3)
    assert noise.dtype == np.float64


def test_structures_arguments_and_integers():
    w = uniform()

    def f(p, scale, *, shift):
        return p["a"] ** 2 * p["b"].sum() + scale * w() + shift

    noise = noise_level(f, {"a": 2, "b": np.ones(3)}, args=(1e-5,), kwargs={"shift": 1.0})
    assert 1e-5 / math.sqrt(3) / 4 < noise < 4e-5 / math.sqrt(3)


def test_elementwise():
    x = np.array([[0.5, 2.0], [10.0, -1.0]])
    rng = np.random.default_rng(2)
    scale = np.array([[1e-9, 1e-6], [1e-3, 1e-12]])
    noise = noise_level(lambda t: np.exp(t) + scale * rng.uniform(-1, 1, x.shape), x, elementwise=True)
    expected = np.maximum(scale / math.sqrt(3), np.exp(x) * EPS / 2)
    assert noise.shape == x.shape
    assert np.all((expected / 4 < noise) & (noise < 4 * expected))
    partly = noise_level(lambda t: np.log(t), np.array([1.5, -1.0]), elementwise=True)
    assert np.isnan(partly).tolist() == [False, True]
    assert noise_level(lambda t: np.exp(1j * t), 1.0, elementwise=True).shape == ()


def test_points_are_exact_and_without_a_pattern():
    f = Counted(lambda x: np.exp(x).sum())
    noise_level(f, X)
    steps = np.diff(np.array(sorted(f.points, key=lambda p: p[0])), axis=0)
    # Equal to the last digit in each coordinate, and not in proportion to it.
    assert np.all(steps == steps[0])
    relative = steps[0] / X
    assert len(set(np.round(relative / relative[0], 6))) == X.size
    assert np.all(relative > 0)
    assert relative.max() < 4 * relative.min()


def test_coordinates_at_zero_move_by_the_largest():
    f = Counted(lambda x: np.cos(x).sum() + 1e-8 * np.sin(1e12 * x[1]))
    noise_level(f, np.array([0.0, 1000.0]))
    moved = np.ptp(np.array(f.points), axis=0)
    assert 0.25 < moved[0] / moved[1] < 4
    f = Counted(lambda x: np.cos(x).sum())
    noise_level(f, np.zeros(3))
    assert np.all(np.ptp(np.array(f.points), axis=0) > 1e-10)


def test_bounds():
    lower, upper = np.array([0.0, 0.0, 2.0, -5.0]), np.array([1.0, 3.0, 2.0, 0.0])
    x = np.array([0.0, 3.0, 2.0, 0.0])
    f = Counted(lambda v: np.round(np.exp(v).sum(), 7))
    noise = noise_level(f, x, bounds=(lower, upper))
    points = np.array(f.points)
    assert np.all((points >= lower) & (points <= upper))
    assert np.all(points[:, 2] == 2.0)
    assert np.all(np.ptp(points, axis=0)[[0, 1, 3]] > 0)
    assert 1e-7 / math.sqrt(12) / 4 < noise < 4e-7 / math.sqrt(12)
    # No room at all: f is called once.
    f = Counted(lambda v: 3.0)
    assert noise_level(f, x, bounds=(x, x)) == 3.0 * EPS / 2
    assert f.calls == 1


def test_where_there_is_nothing_to_measure():
    assert noise_level(lambda x: 3.0, np.empty(0)) == 3.0 * EPS / 2
    assert noise_level(lambda x: 0.0, X) == 0.0
    assert noise_level(lambda x: np.empty((2, 0)), X).shape == (2, 0)
    assert noise_level(lambda x: 2.5, X) == 2.5 * EPS / 2
    assert math.isnan(noise_level(lambda x: math.nan, X))
    noise = noise_level(lambda x: np.array([math.inf, x.sum()]), X)
    assert np.isnan(noise).tolist() == [True, False]


@pytest.mark.parametrize("scale", [1e150, 1e-150])
def test_extreme_arguments(scale):
    noise = noise_level(lambda x: np.exp(x / scale).sum(), X * scale)
    rounding = np.exp(X).sum() * EPS / 2
    assert rounding <= noise < 8 * rounding


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble])
def test_precision(dtype):
    noise = noise_level(lambda x: np.exp(x).sum(), X.astype(dtype))
    rounding = np.exp(X).sum() * float(np.finfo(dtype).eps) / 2
    assert rounding / 2 < noise < 8 * rounding


def test_batches_and_workers_agree():
    plain = noise_level(lambda x: np.round(np.exp(x).sum(), 9), X)
    assert noise_level(lambda x: np.round(np.exp(x).sum(axis=0), 9), X, vectorized=True) == plain
    with ThreadPoolExecutor(2) as pool:
        assert noise_level(lambda x: np.round(np.exp(x).sum(), 9), X, workers=pool) == plain


def test_input_is_left_alone():
    x = X.copy()
    x.flags.writeable = False
    noise_level(np.sum, x)
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((1.0, X), {}, TypeError, "`f` must be callable"),
        ((np.sum, X), {"bounds": (2.0, 1.0)}, ValueError, "`bounds` are crossed"),
        ((np.sum, "x"), {}, TypeError, "`x` must hold real numbers"),
        ((np.exp, {"a": 1.0}), {"elementwise": True}, TypeError, "`x` must be a number or an array"),
        ((np.exp, X), {"elementwise": True, "vectorized": True}, ValueError, "leave out `vectorized`"),
        ((np.sum, X), {"workers": 2, "vectorized": True}, ValueError, "leave out `workers`"),
    ],
)
def test_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        noise_level(*arguments, **options)


def test_what_f_returns():
    with pytest.raises(EvaluationError, match="returned None"):
        noise_level(lambda x: None, X)


@pytest.mark.parametrize("decimals", [1, 2, 3, 5])
def test_values_on_a_coarse_grid(decimals):
    # Between the distances at which f stands still and those at which all values differ there may be none
    # that shows noise; half a step of the grid, evenly spread, is what it is.
    rng = np.random.default_rng(decimals)
    for f in (np.sin, np.exp, np.arctan):
        for x in rng.uniform(0.1, 1.4, 40):
            level = noise_level(lambda t, f=f: np.round(f(t), decimals), x)
            assert 1 / 4 <= level / (10.0**-decimals / np.sqrt(12)) <= 4
