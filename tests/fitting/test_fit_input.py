# ruff: noqa: E501 - a table reads better with one case per line
"""Bad input: each with its own sentence, before the model is called."""

import functools

import numpy as np
import pytest

from calcml.errors import EvaluationError
from calcml.fitting import ChiSquared, fit, fit_line, fit_linear, fit_polynomial

X = np.arange(5.0)
Y = 1.0 + 2.0 * X


def model(x, a, b):
    return a + b * x


def never(x, a, b):
    raise AssertionError("the model was called")


P0 = (1.0, 1.0)


def bad(value, index=2):
    array = np.array(Y)
    array[index] = value
    return array


# fit: (arguments, keywords, error, text).
REFUSED = [
    ((X, Y[:4]), {}, ValueError, "`x` has 5 points, `y` has 4"),
    ((2.0, Y), {}, ValueError, "`x` has no axis of points, `y` has 5"),
    ((X, Y[:, None]), {}, ValueError, "`y` must be one-dimensional, got shape (5, 1); flatten it"),
    ((X, []), {}, ValueError, "`y` is empty"),
    ((bad(np.nan), Y), {}, ValueError, "`x` must be finite, got nan at index 2; drop the point"),
    ((np.stack([X, bad(np.inf)]), Y), {}, ValueError, "`x` must be finite, got inf at index (1, 2)"),
    ((X, bad(np.nan, 4)), {}, ValueError, "`y` must be finite, got nan at index 4; drop the point"),
    ((X, Y * 1j), {}, TypeError, "`y` is complex"),
    ((X, ["a"] * 5), {}, TypeError, "`y` must hold real numbers"),
    ((X, np.ma.masked_array(Y, Y > 2)), {}, TypeError, "`y` is a masked array"),
    ((X, Y, 0.0), {}, ValueError, "`sigma` must be positive, got 0.0; drop the point or give it an error"),
    ((X, Y, bad(0.0)), {}, ValueError, "`sigma` must be positive, got 0.0 at index 2; drop the point or give"),
    ((X, Y, bad(-1.0)), {}, ValueError, "`sigma` must be positive, got -1.0 at index 2"),
    ((X, Y, bad(np.nan)), {}, ValueError, "`sigma` must be finite, got nan at index 2"),
    ((X, Y, np.ones(4)), {}, ValueError, "`sigma` must be a number or have one entry per point, got shape (4,) for 5"),
    ((X, Y, np.ones((5, 5, 5))), {}, ValueError, "`sigma` must be a number or have one entry per point"),
    ((X, Y, np.eye(4)), {}, ValueError, "a covariance matrix in `sigma` must have shape (5, 5) for 5 points, got (4, 4)"),
    ((X, Y, np.full((5, 5), np.inf)), {}, ValueError, "`sigma` must be finite, got"),
    ((X, Y, np.eye(5) + np.tri(5)), {}, ValueError, "must be symmetric, got 0.0 at (0, 1) and 1.0 at (1, 0)"),
    ((X, Y, np.ones((5, 5))), {}, ValueError, "must be positive definite, its least eigenvalue is"),
    ((X[:1], Y[:1]), {}, ValueError, "1 points cannot determine 2 parameters"),
    ((X, Y), {"p0": None}, ValueError, "`p0` is missing a start for a, b; a fit needs one for every parameter, as in p0={'a': 1.0, 'b': 1.0}"),
    ((X, Y), {"p0": {"a": 1.0}}, ValueError, "`p0` is missing a start for b"),
    ((X, Y), {"p0": {"a": 1.0, "b": 1.0, "z": 0.0}}, ValueError, "`p0` names 'z', which is no parameter of the model; it has a, b"),
    ((X, Y), {"p0": (1.0,)}, ValueError, "`p0` must have one number for each of the 2 parameters a, b, got shape (1,)"),
    ((X, Y), {"p0": (1.0, np.nan)}, ValueError, "`p0['b']` must be one finite number, got"),
    ((X, Y), {"p0": {"a": [1.0, 2.0], "b": 1.0}}, ValueError, "`p0['a']` must be one finite number"),
    ((X, Y), {"fixed": {"c": 1.0}}, ValueError, "`fixed` names 'c', which is no parameter"),
    ((X, Y), {"fixed": ["a"]}, TypeError, "`fixed` must be a dict of names and values, got list"),
    ((X, Y), {"fixed": {"a": np.inf}}, ValueError, "`fixed['a']` must be one finite number"),
    ((X, Y), {"fixed": {"a": 1.0, "b": 2.0}}, ValueError, "every parameter is in `fixed`; leave at least one free"),
    ((X, Y), {"bounds": {"c": (0, 1)}}, ValueError, "`bounds` names 'c', which is no parameter"),
    ((X, Y), {"bounds": {"a": (2.0, 3.0)}}, ValueError, "`p0` must lie within `bounds`, got a = 1.0 outside [2.0, 3.0]"),
    ((X, Y), {"bounds": {"a": (3.0, 2.0)}}, ValueError, "the lower bound of a must be below the upper one, got [3.0, 2.0]; to hold a parameter use `fixed`"),
    ((X, Y), {"bounds": {"a": (np.nan, 2.0)}}, ValueError, "the lower bound of a must be below"),
    ((X, Y), {"bounds": {"a": 3.0}}, ValueError, "`bounds['a']` must be a pair (lower, upper), got 3.0"),
    ((X, Y), {"bounds": "ab"}, ValueError, "`bounds` must be a pair (lower, upper)"),
    ((X, Y), {"bounds": ([0.0], 5.0)}, ValueError, "`bounds` must be numbers or arrays of shape (2,), got shape (1,)"),
    ((X, Y), {"absolute": True}, ValueError, "`absolute=True` needs `sigma`"),
    ((X, Y, 1.0), {"absolute": 1}, TypeError, "`absolute` must be True, False or None, got 1"),
    ((X, Y, 1.0), {"loss": "lasso"}, ValueError, "`loss` must be one of linear, soft_l1, huber, cauchy, arctan, got 'lasso'"),
    ((X, Y), {"loss": "huber"}, ValueError, "`loss='huber'` tells outliers by their distance in units of `sigma`; give"),
    ((X, Y, np.eye(5)), {"loss": "huber"}, ValueError, "give sigma as a number or one per point"),
    ((X, Y, 1.0), {"loss": "huber", "absolute": True}, ValueError, "`absolute=True` does not go with `loss='huber'`"),
    ((X, Y), {"sigma_x": 0.1}, ValueError, "`sigma_x` needs `sigma` as a number or one per point"),
    ((X, Y, 1.0), {"sigma_x": -0.1}, ValueError, "`sigma_x` must be zero or positive, got -0.1"),
    ((X, Y, 1.0), {"sigma_x": 0.1, "jac": never}, ValueError, "`jac` does not go with `sigma_x`"),
    ((np.stack([X, X]), Y, 1.0), {"sigma_x": 0.1}, ValueError, "`x` must be one-dimensional"),
    ((X, Y), {"scheme": "best"}, ValueError, "`scheme` must be one of"),
    ((X, Y), {"jac": 3.0}, TypeError, "`jac` must be callable, got float"),
    ((X, Y), {"max_iterations": 0}, ValueError, "`max_iterations` must be at least 1"),
    ((X, Y), {"tolerance": 0.0}, ValueError, "`tolerance` must be a number between 0 and 1, got 0.0"),
    ((X, Y), {"tolerance": "fine"}, ValueError, "`tolerance` must be a number between 0 and 1, got 'fine'"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "options", "error", "text"), REFUSED)
def test_fit_refuses_before_the_first_call(arguments, options, error, text):
    with pytest.raises(error) as caught:
        fit(never, *arguments, **{"p0": P0, **options})
    assert text in str(caught.value)


def test_the_model_must_be_callable():
    with pytest.raises(TypeError, match="`model` must be callable, got ndarray"):
        fit(Y, X, Y, p0=P0)
    with pytest.raises(TypeError, match="`model` must be callable, got ndarray"):
        ChiSquared(Y, X, Y)
    with pytest.raises(TypeError, match="`jac` must be callable"):
        ChiSquared(model, X, Y, jac=1)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda x, a, b: (a + b * x)[:3], r"shape \(5,\), got shape \(3,\)"),
        (lambda x, a, b: a + b, r"got shape \(\); a constant model returns np.full_like"),
        (lambda x, a, b: (a + b * x)[:, None], r"got shape \(5, 1\)"),
        (lambda x, a, b: None, "got None"),
        (lambda x, a, b: "text", "got 'text'"),
        (lambda x, a, b: [[1.0], [1.0, 2.0]], "got a ragged sequence"),
        (lambda x, a, b: (a + b * x).astype(np.float32), "`model` returned float32, in whose few digits"),
        (lambda x, a, b: (a + b * x) * 1j, "must return real numbers here"),
    ],
)
def test_what_the_model_returns(wrong, text):
    with pytest.raises(EvaluationError, match=text):
        fit(wrong, X, Y, p0=P0)


def test_errors_of_the_model_arrive_unchanged():
    def broken(x, a, b):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="^mine$"):
        fit(broken, X, Y, p0=P0)


@pytest.mark.parametrize("wrong", [lambda x, a, b: np.ones((5, 3)), lambda x, a, b: np.ones((5, 2)) * 1j])
def test_what_the_jacobian_returns(wrong):
    with pytest.raises(
        EvaluationError,
        match=r"`jac` must return real numbers of shape \(5, 2\), one column for each of a, b",
    ):
        fit(model, X, Y, p0=P0, jac=wrong)


# Names.


class Machine:
    def run(self, x, gain, offset=0.5):
        return gain * x + offset

    def __call__(self, x, gain, offset):
        return gain * x + offset


@pytest.mark.parametrize(
    ("f", "p0", "names"),
    [
        (model, P0, ("a", "b")),
        (lambda x, *p: p[0] + p[1] * x, P0, ("p0", "p1")),
        (lambda x, *p: p[0] + p[1] * x, {"alpha": 1.0, "beta": 1.0}, ("alpha", "beta")),
        (lambda x, a, *p: a + p[0] * x, P0, ("a", "p1")),
        (Machine().run, P0, ("gain", "offset")),
        (Machine(), P0, ("gain", "offset")),
        (lambda x, a, b, *, power=1: a + b * x**power, P0, ("a", "b")),
        (functools.partial(lambda k, x, a, b: a + k * b * x, 1.0), P0, ("a", "b")),
    ],
)
def test_names_come_from_the_signature(f, p0, names):
    result = fit(f, X, Y, p0=p0)
    assert result.names == names and result.success


def test_defaults_of_the_signature_are_a_start():
    result = fit(lambda x, a=0.5, b=0.5: a + b * x, X, Y)
    np.testing.assert_allclose(result.values, [1.0, 2.0], rtol=1e-9)
    mixed = fit(Machine().run, X, Y, p0={"gain": 1.0})
    np.testing.assert_allclose(mixed.values, [2.0, 1.0], rtol=1e-9)


def test_functions_without_a_signature(monkeypatch):
    # As those of NumPy below 2.4: the parameters are counted by p0.
    def no_signature(f):
        raise ValueError("no signature found")

    monkeypatch.setattr("calcml.fitting._names.inspect.signature", no_signature)
    result = fit(np.power, np.arange(1.0, 6.0), np.arange(1.0, 6.0) ** 1.5, p0=[1.0])
    assert result.names == ("p0",) and result["p0"] == pytest.approx(1.5)


def test_options_of_the_model_are_not_fitted():
    def either(x, a, b, squared=False, label=None, power=1.0):
        return a + b * x**2 if squared else a + b * x**power

    result = fit(either, X, Y, p0={"a": 1.0, "b": 1.0}, fixed={"power": 1.0})
    assert result.names == ("a", "b", "power") and result.success


def test_a_model_without_parameters():
    with pytest.raises(TypeError, match="`model` must take x and then its parameters"):
        fit(lambda x: x, X, Y, p0=[])
    with pytest.raises(ValueError, match="only known from `p0`; give `p0`"):
        fit(lambda x, *p: x, X, Y)


# What is accepted.


def test_any_object_as_x():
    class Table:
        def __init__(self):
            self.column = X

    result = fit(lambda table, a, b: a + b * table.column, Table(), Y, p0=P0)
    np.testing.assert_allclose(result.values, [1.0, 2.0], rtol=1e-9)
    two = np.stack([X, X**2])
    result = fit(lambda x, a, b: a * x[0] + b * x[1], two, 3 * X - X**2, p0=P0)
    np.testing.assert_allclose(result.values, [3.0, -1.0], rtol=1e-9)


@pytest.mark.parametrize(
    "kind", [list, tuple, lambda v: np.asarray(v, np.float32), lambda v: np.asarray(v, int)]
)
def test_kinds_of_numbers(kind):
    result = fit(model, kind(X), kind(Y), p0=(1, 1))
    np.testing.assert_allclose(result.values, [1.0, 2.0], rtol=1e-9)
    assert result.values.dtype == np.float64
    np.testing.assert_allclose(fit_line(kind(X), kind(Y)).values, [1.0, 2.0], rtol=1e-12)


def test_inputs_are_left_alone():
    arrays = [X.copy(), Y.copy(), np.full(5, 0.1), np.array(P0)]
    for array in arrays:
        array.flags.writeable = False
    x, y, sigma, p0 = arrays
    fit(model, x, y, sigma, p0=p0, bounds=(p0 - 5, p0 + 5), sigma_x=sigma)
    fit_line(x, y, sigma, sigma)
    fit_polynomial(x, y, 2, sigma)
    fit_linear(np.column_stack([x, y]), y, sigma)


# The linear fits.


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: fit_line(X, Y[:3]), ValueError, "`x` has 5 points, `y` has 3"),
        (lambda: fit_line(np.ones(5), Y), ValueError, "all `x` are 1.0, so that no slope can be told"),
        (lambda: fit_line([1.0], [1.0]), ValueError, "1 points cannot determine 2 parameters"),
        (lambda: fit_line(X, Y, None, 0.1), ValueError, "`sigma_x` needs `sigma`"),
        (lambda: fit_line(X, Y, np.eye(5), 0.1), ValueError, "`sigma_x` needs `sigma` as a number"),
        (lambda: fit_line(X, Y, 0.1, rho=0.5), ValueError, "give `sigma_x` too, or leave `rho` out"),
        (lambda: fit_line(X, Y, 0.1, 0.1, rho=1.0), ValueError, "`rho` must lie between -1 and 1, got 1.0"),
        (lambda: fit_line(X, Y, 0.1, 0.1, rho=[0, 0, 2, 0, 0]), ValueError, "got 2.0 at index 2"),
        (lambda: fit_line(X, Y, 0.1, 0.1, rho=[0.0]), ValueError, "`rho` must be a number or have one entry per point"),
        (lambda: fit_line(X, Y, 0.1, np.nan), ValueError, "`sigma_x` must be finite, got nan"),
        (lambda: fit_line(X, Y, absolute=True), ValueError, "`absolute=True` needs `sigma`"),
        (lambda: fit_polynomial(X, Y, 2.0), TypeError, "`degree` must be an integer, got 2.0"),
        (lambda: fit_polynomial(X, Y, True), TypeError, "`degree` must be an integer, got True"),
        (lambda: fit_polynomial(X, Y, -1), ValueError, "`degree` must not be negative, got -1"),
        (lambda: fit_polynomial(X, Y, 5), ValueError, "5 points cannot determine 6 parameters"),
        (lambda: fit_polynomial([0, 0, 1, 1], [1, 2, 3, 4], 2), ValueError, "`x` has 2 different values, a polynomial of degree 2 needs 3"),
        (lambda: fit_linear(np.ones(5), Y), ValueError, "`design` must have shape (5, p)"),
        (lambda: fit_linear(np.ones((5, 0)), Y), ValueError, "`design` must have shape (5, p)"),
        (lambda: fit_linear(np.full((5, 1), np.nan), Y), ValueError, "`design` must be finite, got nan at index (0, 0)"),
        (lambda: fit_linear(np.ones((5, 1)), Y, x=X), ValueError, "`x` belongs to functions"),
        (lambda: fit_linear([np.sin], Y), ValueError, "functions need `x`"),
        (lambda: fit_linear(np.sin, Y, x=X), TypeError, "must be a sequence of functions; for one function pass [h]"),
        (lambda: fit_linear([np.sin, 3.0], Y, x=X), TypeError, "`design` must be all functions or a matrix, got float at index 1"),
        (lambda: fit_linear([np.sin] * 6, Y, x=X), ValueError, "5 points cannot determine 6 parameters"),
        (lambda: fit_linear(np.eye(5)[:, :2], Y, names=["a"]), ValueError, "`names` must be 2 different names"),
        (lambda: fit_linear(np.eye(5)[:, :2], Y, names=["a", "a"]), ValueError, "one per column, got ['a', 'a']"),
        (lambda: fit_linear([lambda x: x[:2]], Y, x=X), EvaluationError, "function 0 of `design` must return one finite real number per point"),
        (lambda: fit_linear([lambda x: np.where(x > 1, np.nan, x)], Y, x=X), EvaluationError, "function 0 of `design` must return one finite"),
        (lambda: fit_linear([lambda x: x * 1j], Y, x=X), EvaluationError, "one finite real number"),
        (lambda: ChiSquared(model, X, Y)(np.ones(3)), ValueError, "`p0` must have one number for each of the 2"),
        (lambda: fit_line(X, Y).confidence_interval(1.0), ValueError, "`level` must lie between 0 and 1, got 1.0"),
        (lambda: fit_line(X, Y)["tau"], KeyError, "the fit has the parameters intercept, slope, not 'tau'"),
    ],
)  # fmt: skip
def test_linear_fits_refuse(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)


def test_callback_and_fixed_values_are_refused_at_the_door():
    with pytest.raises(TypeError, match="`callback` must be callable"):
        fit(never, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], p0=[1, 1], callback=3)
    with pytest.raises(
        ValueError, match=r"`fixed` must lie within `bounds`, got a = 9.0 outside \[0.0, 1.0\]"
    ):
        fit(never, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], p0=[1, 1], fixed={"a": 9}, bounds={"a": (0, 1)})
