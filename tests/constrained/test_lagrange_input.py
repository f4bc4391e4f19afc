"""What `lagrange` takes, and what it refuses before it calls anything."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from calcml.constrained import lagrange
from calcml.errors import EvaluationError


def never(x):
    raise AssertionError("called")


def plane(x):
    return x[0] + x[1] - 1


GOOD = {"equality": never}


@pytest.mark.parametrize(
    ("f", "x0", "options", "error", "text"),
    [
        (3, [1.0], GOOD, TypeError, "`f` must be callable, got int"),
        (never, [], GOOD, ValueError, "`x0` is empty"),
        (never, [1.0, np.nan], GOOD, ValueError, "`x0` must be finite, got nan at index 1"),
        (never, ["a"], GOOD, TypeError, "`x0` must hold real numbers"),
        (never, [1j], GOOD, TypeError, "`x0` is complex"),
        (
            never,
            [1.0],
            {"equality": 3},
            TypeError,
            r"`equality` must be a function c\(x\) or a list of functions, got int",
        ),
        (never, [1.0], {"equality": "c"}, TypeError, "got str"),
        (never, [1.0], {"equality": ()}, ValueError, "`equality` is empty.*use `minimize`"),
        (never, [1.0], {"equality": [never, 1.0]}, TypeError, r"`equality\[1\]` must be callable, got float"),
        (
            never,
            [1.0],
            {"equality": [(never, never)]},
            TypeError,
            r"`equality\[0\]` must be callable, got tuple",
        ),
        (never, [1.0], GOOD | {"grad": 1}, TypeError, "`grad` must be callable"),
        (never, [1.0], GOOD | {"hess": 1}, TypeError, "`hess` must be callable"),
        (never, [1.0], GOOD | {"jac": 1}, TypeError, "`jac` must be callable, got int"),
        (
            never,
            [1.0],
            {"equality": [never], "jac": never},
            ValueError,
            "each of the 1 functions .* got function",
        ),
        (never, [1.0], {"equality": [never], "jac": [None, None]}, ValueError, "got 2 items"),
        (never, [1.0], {"equality": [never], "jac": "j"}, ValueError, "got str"),
        (never, [1.0], {"equality": [never], "jac": [1]}, TypeError, r"`jac\[0\]` must be callable"),
        (
            never,
            [1.0],
            GOOD | {"seek": "best"},
            ValueError,
            "`seek` must be one of minimum, maximum, stationary, got 'best'",
        ),
        (never, [1.0], GOOD | {"tol": 0.0}, ValueError, "`tol` must be between 0 and 1.*got 0.0"),
        (never, [1.0], GOOD | {"tol": np.nan}, ValueError, "`tol` must be between 0 and 1.*got nan"),
        (never, [1.0], GOOD | {"tol": "small"}, TypeError, "`tol` must be a number, got 'small'"),
        (never, [1.0], GOOD | {"tol": True}, TypeError, "`tol` must be a number, got True"),
        (never, [1.0], GOOD | {"max_iterations": 0}, ValueError, "`max_iterations` must be at least 1"),
        (never, [1.0], GOOD | {"max_iterations": 1.5}, TypeError, "`max_iterations` must be an integer"),
        (never, [1.0], GOOD | {"scheme": "best"}, ValueError, "`scheme` must be one of"),
        (never, [1.0], GOOD | {"args": 1}, TypeError, "`args` must be a tuple"),
        (never, [1.0], GOOD | {"workers": "all"}, TypeError, "`workers` must be"),
        (never, [1.0], GOOD | {"inequality": never}, TypeError, "inequality"),
        (never, [1.0], {}, TypeError, "equality"),
    ],
)
def test_refused_at_the_door(f, x0, options, error, text):
    with pytest.raises(error, match=text):
        lagrange(f, x0, **options)


@pytest.mark.parametrize(
    ("f", "equality", "options", "text"),
    [
        (lambda x: x, plane, {}, "f must return one number, got shape"),
        (lambda x: 1j * x[0], plane, {}, "f must return real numbers"),
        (lambda x: x @ x, lambda x: 1j * x, {}, "equality must return real numbers"),
        (
            lambda x: x @ x,
            lambda x: x[: 1 + int(x[0] == 2.0)],
            {},
            "equality returned values of different shapes",
        ),
        (lambda x: x @ x, lambda x: x[:0], {}, "equality returned no numbers"),
        (lambda x: x @ x, [plane, lambda x: None], {}, r"equality\[1\] returned None"),
        (lambda x: x @ x, plane, {"grad": lambda x: x[:1]}, r"grad.* the shape .*\(2,\), got \(1,\)"),
        (lambda x: x @ x, plane, {"jac": lambda x: np.ones((2, 1))}, r"ending in \(2,\); got \(2, 1\)"),
        (lambda x: x @ x, plane, {"jac": lambda x: 1.0}, r"ending in \(2,\); got \(\)"),
        (
            lambda x: x @ x,
            plane,
            {"jac": lambda x: np.ones((3, 2))},
            "the Jacobian of equality.* must return shape",
        ),
        (
            lambda x: x @ x,
            plane,
            {"hess": lambda x, lam: np.ones(2)},
            r"hess.* the shape .*\(2, 2\), got \(2,\)",
        ),
    ],
)
def test_refused_when_it_shows(f, equality, options, text):
    with pytest.raises(EvaluationError, match=text):
        lagrange(f, [2.0, 1.0], equality=equality, **options)


def test_an_exception_of_the_users_function_passes_through():
    with pytest.raises(AssertionError, match="called"):
        lagrange(never, [1.0], equality=never)


def test_inputs_are_not_written_to_and_read_only_ones_work():
    x0 = np.array([3.0, 1.0])
    x0.flags.writeable = False
    run = lagrange(lambda x: x @ x, x0, equality=plane)
    np.testing.assert_allclose(run.x, 0.5)
    assert run.x is not x0 and run.x.flags.writeable


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, int, bool])
def test_dtypes_come_back(dtype):
    run = lagrange(lambda x: x @ x, np.array([1, 0], dtype), equality=plane)
    assert run.x.dtype == (dtype if np.dtype(dtype).kind == "f" else np.float64)
    np.testing.assert_allclose(run.x, 0.5)


def test_a_number_comes_back_as_a_number():
    run = lagrange(lambda x: x**2, 1.0, equality=lambda x: x - 2)
    assert np.ndim(run.x) == 0 and run.x == pytest.approx(2)
    np.testing.assert_allclose(run.multipliers, [-4])


def test_one_variable_as_an_array():
    run = lagrange(
        lambda x: x[0] ** 2, [1.0], equality=lambda x: x[0] - 2, grad=lambda x: 2 * x, jac=lambda x: [1.0]
    )
    assert run.x.shape == (1,) and run.fun == pytest.approx(4)


def test_array_of_two_axes_and_array_valued_constraint():
    run = lagrange(
        lambda x: np.sum(x**2),
        np.zeros((2, 2)),
        equality=lambda x: x.sum(axis=0).reshape(1, 2) - 1,
        jac=lambda x: np.array([[[[1, 0], [1, 0]], [[0, 1], [0, 1]]]]),
        grad=lambda x: 2 * x,
        hess=lambda x, lam: 2 * np.eye(4).reshape(2, 2, 2, 2),
    )
    np.testing.assert_allclose(run.x, np.full((2, 2), 0.5))
    assert run.names == ("equality[0][0]", "equality[0][1]") and run.multipliers.shape == (2,)


@dataclasses.dataclass
class Weights:
    a: float
    b: np.ndarray


@pytest.mark.parametrize("how", ["differences", "exact"])
@pytest.mark.parametrize(
    ("x0", "read"),
    [
        ({"a": 1.0, "b": [1.0, 2.0]}, lambda p: (p["a"], p["b"])),
        (Weights(1.0, np.array([1.0, 2.0])), lambda p: (p.a, p.b)),
        ([np.array([1.0]), np.array([1.0, 2.0])], lambda p: (np.sum(p[0]), p[1])),
    ],
)
def test_structures(x0, read, how):
    def f(p):
        a, b = read(p)
        return a**2 + np.sum(b**2)

    def total(p):
        a, b = read(p)
        return a + np.sum(b) - 3

    def rebuild(p, a, b):
        if isinstance(p, dict):
            return {"a": a, "b": b}
        return Weights(a, b) if isinstance(p, Weights) else [np.atleast_1d(a), b]

    given = {}
    if how == "exact":
        given = {
            "grad": lambda p: rebuild(p, 2 * read(p)[0], 2 * read(p)[1]),
            "jac": lambda p: rebuild(p, 1.0, np.ones(2)),
        }
    states = []
    run = lagrange(f, x0, equality=total, callback=lambda s: states.append(s.x) and False, **given)
    assert type(run.x) is type(x0) and type(states[0]) is type(x0)
    a, b = read(run.x)
    np.testing.assert_allclose([a, *b], 1, atol=1e-9)
    assert run.success and run.jac.shape == (3,) and "x" in str(run)


def test_jacobian_of_a_structure_needs_all_its_parts():
    with pytest.raises(EvaluationError, match="one array per array of x, 2, got 1"):
        lagrange(
            lambda p: p["a"] ** 2 + p["b"] ** 2,
            {"a": 1.0, "b": 2.0},
            equality=lambda p: p["a"] + p["b"] - 1,
            jac=lambda p: {"a": 1.0},
        )


def test_list_of_constraints_with_some_jacobians():
    run = lagrange(
        lambda x: x @ x,
        [1.0, 2.0, 3.0],
        equality=[plane, lambda x: x[1:] ** 2 - 1],
        jac=[lambda x: [1.0, 1.0, 0.0], None],
    )
    np.testing.assert_allclose(run.x, [0, 1, 1], atol=1e-9)
    assert run.njev > 0 and run.names == ("equality[0]", "equality[1][0]", "equality[1][1]")
    np.testing.assert_allclose(run.jac + run.constraint_jac.T @ run.multipliers, 0, atol=1e-8)


def test_arguments_reach_every_function():
    def f(x, k, *, level):
        return k * (x @ x)

    def c(x, k, *, level):
        return x[0] + x[1] - level

    def jac(x, k, *, level):
        return np.ones(2)

    def hess(x, lam, k, *, level):
        assert lam.shape == (1,)
        return 2 * k * np.eye(2)

    run = lagrange(
        f, [1.0, 2.0], equality=c, jac=jac, hess=hess, grad=lambda x, k, *, level: 2 * k * x,
        args=(3.0,), kwargs={"level": 4.0},
    )  # fmt: skip
    np.testing.assert_allclose(run.x, 2)
    np.testing.assert_allclose(run.multipliers, [-12])


def test_hessian_of_a_maximum_gets_the_users_multipliers():
    seen = []

    def hess(x, lam):
        seen.append(float(lam[0]))
        return np.array([[2 * lam[0], 1], [1, 2 * lam[0]]])

    run = lagrange(lambda x: x[0] * x[1], [1.0, 0.5], equality=lambda x: x @ x - 1, hess=hess, seek="maximum")
    assert run.classification == "maximum" and run.multipliers == pytest.approx([-0.5])
    assert seen[-1] == pytest.approx(-0.5, abs=1e-6) and run.curvatures == pytest.approx([-2])


def test_vectorized_and_workers_give_the_same():
    f, c = (lambda x: x[0] * x[1]), (lambda x: (x * x).sum(axis=0) - 1)
    plain = lagrange(f, [1.0, 0.5], equality=c)
    batch = lagrange(f, [1.0, 0.5], equality=c, vectorized=True)
    np.testing.assert_allclose(batch.x, plain.x, rtol=1e-9)
    with ThreadPoolExecutor(2) as pool:
        parallel = lagrange(f, [1.0, 0.5], equality=c, workers=pool)
    np.testing.assert_array_equal(parallel.x, plain.x)
    assert parallel.nfev == plain.nfev
    # The first batch is checked against one of its columns.
    assert batch.nfev == plain.nfev + 1


def test_adaptive_scheme():
    run = lagrange(lambda x: x[0] * x[1], [1.0, 0.5], equality=lambda x: x @ x - 1, scheme="adaptive")
    # The residual falls below tol = 1e-8 of the gradient; how far below is up to the Newton step.
    np.testing.assert_allclose(run.x, [np.sqrt(0.5), -np.sqrt(0.5)], rtol=1e-8)
    assert run.success


def test_callback_is_refused_at_the_door():
    with pytest.raises(TypeError, match="`callback` must be callable"):
        lagrange(never, [1.0, 2.0], equality=never, callback=3)
