"""Warnings of lost digits point to the line of the user."""

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
