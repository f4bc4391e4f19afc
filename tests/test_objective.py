"""What solvers see of the user's functions."""

import numpy as np
import pytest

import calcml as cm
from calcml._objective import open_objective, open_vector_objective

X = np.array([1.0, 2.0, 3.0])


def f(x):
    return np.sum(x**4)


def grad(x):
    return 4 * x**3


def hess(x):
    return np.diag(12 * x**2)


def test_numerical_derivatives_are_counted_as_evaluations_of_f():
    with open_objective(f, X) as (objective, x):
        assert objective.value(x) == f(X)
        g, bound = objective.gradient(x)
        assert (np.abs(g - grad(X)) <= bound + 1e-6).all()
        assert (objective.nfev, objective.ngev, objective.nhev) == (1 + 6, 0, 0)
        g, bound = objective.gradient(x, error=True)
        assert (np.abs(g - grad(X)) <= bound).all()
        H, bound = objective.hessian(x)
        assert (np.abs(H - hess(X)) <= bound).all()


def test_the_users_derivatives_are_counted_as_such():
    with open_objective(f, X, grad=grad, hess=hess) as (objective, x):
        np.testing.assert_array_equal(objective.gradient(x)[0], grad(X))
        np.testing.assert_array_equal(objective.hessian(x)[0], hess(X))
        assert (objective.nfev, objective.ngev, objective.nhev) == (0, 1, 1)


def test_a_hessian_from_the_users_gradient():
    with open_objective(f, X, grad=grad) as (objective, x):
        np.testing.assert_allclose(objective.hessian(x)[0], hess(X), atol=1e-8)
        assert objective.nfev == 0 and objective.ngev == 4 * 3


def test_structures():
    x0 = {"a": np.array([1.0, 2.0]), "b": 3.0}

    def loss(p):
        return p["a"] @ p["a"] * p["b"]

    def g(p):
        return {"a": 2 * p["a"] * p["b"], "b": p["a"] @ p["a"]}

    def H(p):
        return {
            "a": {"a": 2 * p["b"] * np.eye(2), "b": 2 * p["a"]},
            "b": {"a": 2 * p["a"], "b": 0.0},
        }

    with open_objective(loss, x0, grad=g, hess=H) as (objective, x):
        np.testing.assert_array_equal(objective.gradient(x)[0], [6, 12, 5])
        np.testing.assert_array_equal(objective.hessian(x)[0], [[6, 0, 2], [0, 6, 4], [2, 4, 0]])
    with open_objective(loss, x0, grad=g, hess=lambda p: {"a": {"a": 1.0}}) as (objective, x):
        with pytest.raises(cm.EvaluationError, match=r"`hess\(x\)\['a'\]\['b'\]` is missing"):
            objective.hessian(x)


def test_float32_starts_run_in_float64():
    with open_objective(f, X.astype(np.float32)) as (objective, x):
        assert x.dtype == np.float64
        assert objective.structure.spread(x).dtype == np.float32


def test_the_start_is_a_copy():
    x0 = X.copy()
    x0.flags.writeable = False
    with open_objective(f, x0) as (_, x):
        x[0] = 9.0
    assert x0[0] == 1.0


def test_vector_functions():
    def F(x):
        return np.array([x[0] * x[1], x[2]])

    with open_vector_objective(F, X) as (objective, x):
        J, bound = objective.jacobian(x, error=True)
        np.testing.assert_allclose(J, [[2, 1, 0], [0, 0, 1]], atol=1e-9)
        assert bound.shape == (2, 3)
        np.testing.assert_array_equal(objective.value(x), [2, 3])
    with open_vector_objective(F, X, jac=lambda x: np.array([[x[1], x[0], 0], [0, 0, 1]])) as (objective, x):
        objective.value(x)
        np.testing.assert_array_equal(objective.jacobian(x)[0], [[2, 1, 0], [0, 0, 1]])
        assert (objective.nfev, objective.njev) == (1, 1)


def test_wrong_shapes_of_the_users_derivatives():
    with (
        open_objective(f, X, grad=lambda x: x[:2]) as (objective, x),
        pytest.raises(
            cm.EvaluationError, match=r"`grad\(x\)` must have the shape of `x`, \(3,\), got \(2,\)"
        ),
    ):
        objective.gradient(x)
    with open_objective(f, X, hess=lambda x: x) as (objective, x):
        with pytest.raises(
            cm.EvaluationError, match=r"`hess\(x\)` must have the shape of `\(x, x\)`, \(3, 3\), got \(3,\)"
        ):
            objective.hessian(x)
    with open_vector_objective(lambda x: x, X, jac=lambda x: np.eye(2)) as (objective, x):
        objective.value(x)
        with pytest.raises(cm.EvaluationError, match=r"`jac` must return shape \(3, 3\), got \(2, 2\)"):
            objective.jacobian(x)


def test_objectives_are_scalar_and_real():
    with (
        open_objective(lambda x: x, X) as (objective, x),
        pytest.raises(cm.EvaluationError, match="one number"),
    ):
        objective.value(x)
    with open_objective(lambda x: 1j * x[0], X) as (objective, x):
        with pytest.raises(cm.EvaluationError, match="must return real numbers"):
            objective.value(x)
        with pytest.raises(cm.EvaluationError, match="must return real numbers"):
            objective.gradient(x)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"x0": []}, ValueError, "`x0` is empty"),
        ({"x0": [1.0, np.nan]}, ValueError, "`x0` must be finite, got nan at index 1"),
        ({"f": 3}, TypeError, "`f` must be callable"),
        ({"grad": 3}, TypeError, "`grad` must be callable"),
        ({"hess": 3}, TypeError, "`hess` must be callable"),
        ({"bounds": (5, 6)}, ValueError, "within `bounds`"),
        ({"scheme": "x"}, ValueError, "`scheme`"),
    ],
)
def test_bad_input(options, error, message):
    options = {"f": f, "x0": X, **options}
    with pytest.raises(error, match=message), open_objective(options.pop("f"), options.pop("x0"), **options):
        pass


def test_bad_vector_input():
    with pytest.raises(TypeError, match="`F` must be callable"), open_vector_objective(3, X):
        pass
    with pytest.raises(TypeError, match="`jac` must be callable"), open_vector_objective(f, X, jac=3):
        pass


def test_complex_derivatives_of_the_user_are_refused():
    with open_vector_objective(lambda x: x, X, jac=lambda x: 1j * np.eye(3)) as (objective, x):
        with pytest.raises(cm.EvaluationError, match="`jac` must return real numbers"):
            objective.jacobian(x)
