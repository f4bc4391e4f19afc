"""Bounds: never left, and minima on them."""

import warnings

import numpy as np
import pytest

from calcml import ConvergenceWarning, Status
from calcml.descent import minimize

METHODS = ("bfgs", "lbfgs", "newton", "steepest", "momentum", "nesterov", "barzilai-borwein")


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


# Hock and Schittkowski, problems 1 to 5, 38 and 110, with their published minima.
HOCK_SCHITTKOWSKI = [
    ("1", rosenbrock, [-2, 1], ([-np.inf, -1.5], np.inf), 0.0),
    ("2", rosenbrock, [-2, 2], ([-np.inf, 1.5], np.inf), 0.0504261879),
    ("3", lambda x: x[1] + 1e-5 * (x[1] - x[0]) ** 2, [10, 1], ([-np.inf, 0], np.inf), 0.0),
    ("4", lambda x: (x[0] + 1) ** 3 / 3 + x[1], [1.125, 0.125], ([1, 0], np.inf), 8 / 3),
    (
        "5",
        lambda x: np.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1,
        [0, 0],
        ([-1.5, -3], [4, 3]),
        -np.sqrt(3) / 2 - np.pi / 3,
    ),
    (
        "38",
        lambda x: (
            100 * (x[1] - x[0] ** 2) ** 2
            + (1 - x[0]) ** 2
            + 90 * (x[3] - x[2] ** 2) ** 2
            + (1 - x[2]) ** 2
            + 10.1 * ((x[1] - 1) ** 2 + (x[3] - 1) ** 2)
            + 19.8 * (x[1] - 1) * (x[3] - 1)
        ),
        [-3, -1, -3, -1],
        (-10, 10),
        0.0,
    ),
    (
        "110",
        lambda x: np.sum(np.log(x - 2) ** 2 + np.log(10 - x) ** 2) - np.prod(x) ** 0.2,
        np.full(10, 9.0),
        (2.001, 9.999),
        -45.77846971,
    ),
]


@pytest.mark.parametrize("method", ["bfgs", "lbfgs", "newton"])
@pytest.mark.parametrize(
    ("f", "x0", "bounds", "fun"), [p[1:] for p in HOCK_SCHITTKOWSKI], ids=[p[0] for p in HOCK_SCHITTKOWSKI]
)
def test_published_problems(f, x0, bounds, fun, method):
    x0 = np.asarray(x0, float)
    lower, upper = (np.broadcast_to(np.asarray(side, float), x0.shape) for side in bounds)

    def guarded(x):
        assert (x >= lower).all()
        assert (x <= upper).all()
        return f(x)

    result = minimize(guarded, x0, bounds=(lower, upper), method=method)
    assert result.success
    # Problem 2 has a local minimum on the other side, 4.94122931; published digits end at 1e-9.
    values = (fun, 4.94122931)
    assert min(abs(result.fun - v) for v in values) <= 1e-8 * max(1.0, f(x0) - fun)


@pytest.mark.parametrize("method", METHODS)
def test_a_minimum_in_the_corner(method):
    result = minimize(
        lambda x: (x[0] - 2) ** 2 + (x[1] - 3) ** 2 + x[0] * x[1], [0.2, 0.3], bounds=(0, 1), method=method
    )
    assert result.success
    assert np.array_equal(result.x, [1.0, 1.0])
    # The gradient there is not zero, it is blocked.
    assert np.allclose(result.jac, [-1.0, -3.0])
    assert result.trace["gradient"][-1] == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_minimum_on_an_edge(method):
    result = minimize(rosenbrock, [-1.2, 1.0], bounds=([-2, -2], [0.5, 2]), method=method)
    assert result.success
    assert result.x[0] == 0.5
    assert abs(result.x[1] - 0.25) < 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_a_linear_function_ends_in_a_corner(method):
    result = minimize(lambda x: x[0] + 2 * x[1], [0.1, 0.3], bounds=(-1, 1), method=method)
    assert result.success
    assert np.array_equal(result.x, [-1.0, -1.0])


def test_a_function_that_exists_only_within_the_bounds():
    # The derivative is infinite at the lower end and the search must not step over it.
    result = minimize(lambda x: x[0] ** 2 - np.sqrt(x[0]), [1.0], bounds=(0, 5))
    assert result.success
    assert abs(result.x[0] - 4 ** (-2 / 3)) < 1e-7


def test_a_variable_without_room_rests():
    result = minimize(rosenbrock, [-1.2, 1.0], bounds=([-1.2, -3], [-1.2, 3]))
    assert result.success
    assert result.x[0] == -1.2
    assert abs(result.x[1] - 1.44) < 1e-7
    assert np.isinf(result.jac_error[0])
    assert minimize(rosenbrock, [-1.2, 1.0], bounds=([-1.2, 1.0], [-1.2, 1.0])).nit == 0


def test_a_variable_leaves_its_bound_again():
    # The start is on the bound of x[1], from which the first step leads away.
    result = minimize(lambda x: (x[0] - 1) ** 2 + (x[1] - x[0]) ** 2, [-1.0, 0.0], bounds=([-2, 0], [2, 2]))
    assert np.allclose(result.x, 1, atol=1e-6)


def test_a_strategy_is_clipped():
    result = minimize(
        lambda x: (x[0] - 3) ** 2, [0.0], bounds=(-1, 1), method=lambda f, J: -J, grad=lambda x: 2 * (x - 3)
    )
    assert result.success
    assert result.x[0] == 1.0


def test_saddles_are_judged_within_the_bounds():
    # A maximum along x[1] is a minimum where the bounds leave x[1] no way down.
    def f(x):
        return x[0] ** 2 - x[1] ** 2

    assert minimize(f, [1.0, 1.0], bounds=([-2, -1], [2, 1])).success
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert minimize(f, [0.0, 0.0], bounds=(-1, 1)).status is Status.SADDLE


def test_bounds_of_a_structure():
    result = minimize(
        lambda p: (p["a"] - 3) ** 2 + np.sum((p["b"] + 2) ** 2),
        {"a": 0.5, "b": np.zeros(2)},
        bounds=({"a": 0.0, "b": np.full(2, -1.0)}, {"a": 1.0, "b": np.full(2, 1.0)}),
    )
    assert result.x["a"] == 1.0
    assert np.array_equal(result.x["b"], [-1.0, -1.0])


def test_a_wrong_gradient_is_found_out_within_bounds():
    with pytest.warns(ConvergenceWarning, match="check_gradient"):
        result = minimize(
            lambda x: np.sum((x - 1) ** 2), [0.0, 0.0], grad=lambda x: 2 * (x - 0.5), bounds=(-1, 1)
        )
    assert result.status is Status.WRONG_GRADIENT
