"""Warnings of lost digits point to the line of the user."""

import contextlib
import inspect
import warnings

import numpy as np
import pytest

import calcml as cm


def size(x):
    return np.sum(np.abs(x))


X, V, SPARSE = [0.0, 1.0], [1.0, 0.5], {"sparsity": np.eye(2)}
CALLS = {
    "derivative": lambda: cm.derivative(np.abs, 0.0),
    "gradient": lambda: cm.gradient(size, X),
    "value_and_gradient": lambda: cm.value_and_gradient(size, X),
    "jacobian": lambda: cm.jacobian(np.abs, X),
    "sparse jacobian": lambda: cm.jacobian(np.abs, X, **SPARSE),
    "hessian": lambda: cm.hessian(size, X),
    "hessian from grad": lambda: cm.hessian(size, X, grad=np.abs),
    "sparse hessian": lambda: cm.hessian(size, X, **SPARSE),
    "jvp": lambda: cm.jvp(np.abs, X, V),
    "vjp": lambda: cm.vjp(np.abs, X, V),
    "hvp": lambda: cm.hvp(size, X, V),
    "hvp from grad": lambda: cm.hvp(size, X, V, grad=np.abs),
    "directional_derivative": lambda: cm.directional_derivative(np.abs, X, V),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_line_of_the_user(name):
    call = CALLS[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    (warning,) = caught
    assert warning.category is cm.AccuracyWarning
    assert warning.filename == __file__
    assert warning.lineno == inspect.getsourcelines(call)[1]
    operator = name.removeprefix("sparse ").removesuffix(" from grad").removeprefix("value_and_")
    assert str(warning.message).startswith(f"`{operator}`")


def step(x):
    """A function that jumps at 2."""
    return np.where(x < 2, 0.0, 1.0)


@pytest.mark.parametrize(
    ("call", "place"),
    [
        (lambda: cm.gradient(lambda x: x[0] + step(x[1]), [1.0, 2.0]), "`gradient` at index 1:"),
        (lambda: cm.gradient(lambda x: x[0, 0] + step(x[1, 0]), [[1.0], [2.0]]), "`gradient` at index 1:"),
        (
            lambda: cm.jacobian(lambda x: np.array([x[0], x[1] + step(x[2])]), [1.0, 1.0, 2.0]),
            "`jacobian` at index (1, 2):",
        ),
        (
            lambda: cm.hessian(lambda x: x[0] ** 2 + step(x[1]), [1.0, 2.0]),
            "`hessian` at index (0, 1):",
        ),
        (
            lambda: cm.hessian(lambda x: np.array([x[0], step(x[0])]), [2.0]),
            "`hessian` at index (0, 0, 0):",
        ),
        (lambda: cm.vjp(lambda x: np.array([x[0], step(x[1])]), [1.0, 2.0], [1.0, 1.0]), "`vjp` at index 1:"),
        (lambda: cm.derivative(step, np.array([[1.0, 2.0]])), "`derivative` at index (0, 1):"),
        (lambda: cm.derivative(step, 2.0), "`derivative`:"),
    ],
)
def test_a_warning_names_the_entry_of_the_result(call, place):
    with pytest.warns(cm.AccuracyWarning) as caught:
        call()
    assert str(caught[0].message).startswith(place)


def rooted(x):
    """A function with an end of its domain within reach of the steps; beyond it NumPy has a word to say."""
    x = np.asarray(x)
    return np.sum(np.sqrt(x), axis=0) + np.sum(np.log(x) / (x - x), axis=0) * 0.0


def outputs(x):
    return np.sqrt(x) + 0.0 * np.log(x) / (x - x)


SILENT = {
    **{
        f"{name} {scheme}": lambda call=call, scheme=scheme: call(scheme)
        for scheme in ("forward", "backward", "central", "richardson", "adaptive", "cauchy")
        for name, call in {
            "derivative": lambda s: cm.estimate_derivative(outputs, [1e-9, 1.0], scheme=s),
            "gradient": lambda s: cm.estimate_gradient(rooted, [1e-9, 1.0], scheme=s),
            "vectorized": lambda s: cm.estimate_gradient(rooted, [1e-9, 1.0], scheme=s, vectorized=True),
            "jacobian": lambda s: cm.estimate_jacobian(outputs, [1e-9, 1.0], scheme=s),
            "jvp": lambda s: cm.estimate_jvp(outputs, [1e-9, 1.0], [1.0, 2.0], scheme=s),
        }.items()
    },
    "hessian": lambda: cm.estimate_hessian(rooted, [1e-9, 1.0], scheme="central"),
    "optimal step": lambda: cm.optimal_step(lambda x: np.sum(np.sqrt(x)), [1e-9, 1.0]),
    "noise level": lambda: cm.noise_level(lambda x: np.sum(np.sqrt(x)), [1e-9, 1.0]),
    "sparse jacobian": lambda: cm.estimate_jacobian(
        np.sqrt, [1e-9, 1.0], sparsity=np.eye(2), scheme="central"
    ),
    "sparse hessian": lambda: cm.estimate_hessian(
        lambda x: np.sum(np.sqrt(x)), [1e-9, 1.0], sparsity=np.eye(2), scheme="central"
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_what_f_does_outside_its_domain_makes_no_noise(name):
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error", RuntimeWarning)
        with contextlib.suppress(cm.NotAnalyticError):
            SILENT[name]()
