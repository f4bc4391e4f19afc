"""Functions that are not elementwise show in the errors of every point, however many there are."""

import numpy as np
import pytest

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.errors import EvaluationError


@pytest.mark.parametrize("shape", [(40, 40), (100, 100), (150, 150), (3000, 8)])
def test_rows_that_are_normalized(shape):
    def f(x):
        return x - x.mean(axis=-1, keepdims=True)

    x = np.random.default_rng(0).normal(size=shape)
    with pytest.raises(EvaluationError, match="elementwise f"):
        cm.derivative(f, x)
    estimate = cm.estimate_derivative(f, x, scheme="central")
    # The diagonal of the Jacobian, what an elementwise derivative would be, is 1 - 1/n.
    off = np.abs(estimate.value - (1 - 1 / shape[1]))
    silent = (estimate.status == cm.Status.OK) & (off > 0.1) & (off > 2 * estimate.error)
    assert silent.mean() < 0.02
    assert (estimate.status == cm.Status.INACCURATE).mean() > 0.3


NOT_ELEMENTWISE = {
    "cumsum": np.cumsum,
    "backwards": lambda x: np.cumsum(x[::-1])[::-1],
    "mean": lambda x: x - np.mean(x),
    "softmax": lambda x: np.exp(x) / np.sum(np.exp(x)),
    "neighbors": np.gradient,
    "shifted": lambda x: np.sin(np.roll(x, 1)),
    "complex": lambda x: np.cumsum(x) * 1j,
}


@pytest.mark.parametrize("name", NOT_ELEMENTWISE)
@pytest.mark.parametrize("count", [2, 3, 7, 8, 100, 3000])
def test_values_that_change_in_company_are_refused(name, count):
    x = np.random.default_rng(count).uniform(1, 2, count)
    for shape in ((count,), (1, count)) if name in ("mean", "softmax") else ((count,),):
        with pytest.raises(EvaluationError, match="needs an elementwise f: its values at some points"):
            cm.derivative(NOT_ELEMENTWISE[name], x.reshape(shape))


def test_what_that_takes():
    alone = cm.estimate_derivative(np.exp, [1.0]).nfev
    for count, more in ((1, 0), (2, 2), (3, 2)):
        assert cm.estimate_derivative(np.exp, np.ones(count)).nfev == alone + more
    # One look: f(x), 9 steps and 2 beside x, each on both sides.
    for count, more in ((4, 2), (7, 2), (8, 1), (1000, 1)):
        assert cm.estimate_derivative(np.exp, np.ones(count)).nfev == 23 + more
        # Parts have been tried then, and show as much.
    for count in (1024, 5000):
        assert cm.estimate_derivative(np.exp, np.ones(count)).nfev < 20


def test_a_function_that_does_not_repeat_itself_proves_nothing():
    rng = np.random.default_rng(0)
    estimate = cm.estimate_derivative(lambda x: np.sin(x) + 1e-4 * rng.normal(size=x.shape), np.ones(20))
    assert np.all(np.abs(estimate.value - np.cos(1.0)) <= estimate.error)


def test_functions_that_are_elementwise_in_their_own_ways():
    a = np.random.default_rng(0).uniform(1, 2, (3, 5))
    x = np.linspace(-1, 1, 15).reshape(3, 5)
    np.testing.assert_allclose(cm.derivative(lambda x: a * np.sin(x), x), a * np.cos(x), rtol=1e-9)
    # Values that are not numbers stay what they are.
    with np.errstate(all="ignore"):
        value = cm.derivative(np.log, x)
    np.testing.assert_allclose(value[x > 0], 1 / x[x > 0], rtol=1e-9)
    assert np.isnan(value[x < 0]).all()
    cm.derivative(lambda x: np.float32(np.exp(x)), x)
    cm.derivative(lambda x: np.exp(1j * x), x)


def test_an_iteration_until_all_have_converged():
    def root(a, tolerance):
        y = np.ones_like(a)
        while np.max(np.abs(y * y - a)) > tolerance:
            y = (y + a / y) / 2
        return y

    x = np.linspace(1, 9, 17)
    for tolerance in (1e-9, 1e-4):
        estimate = cm.estimate_derivative(lambda x, tolerance=tolerance: root(x, tolerance), x)
        assert np.all(np.abs(estimate.value - 0.5 / np.sqrt(x)) <= estimate.error + tolerance)


def test_the_points_that_are_moved():
    seen = []

    def f(x):
        seen.append(x.copy())
        return x**2

    x = np.array([1.0, 0.0, -4.0, 3.0, 8.0, 5.0, 6.0, 7.0])
    cm.derivative(f, x)
    moved = seen[1] - x
    np.testing.assert_array_equal(np.flatnonzero(moved), [0, 2, 4, 5, 7])
    np.testing.assert_array_equal(moved[moved != 0], np.abs(x[moved != 0]) * 2.0**-26)
    seen.clear()
    cm.derivative(f, x[:3])
    np.testing.assert_array_equal(seen[1] - x[:3], [2.0**-26, 0, 2.0**-24])
    np.testing.assert_array_equal(seen[2] - x[:3], [0, 2.0**-26, 0])
    # As far as the first step of the search: no further into what f may not like.
    assert np.max(np.abs(seen[1] - x[:3])) <= 1.1 * np.max(np.abs(seen[3] - x[:3]))


def test_no_point_is_moved_out_of_its_bounds():
    seen = []

    def f(x):
        seen.append(x.copy())
        return x**2

    t, x = 2.0**-26, np.array([1.0, 5.0, 1.0, 5.0, 1.0])
    low, high = np.array([1.0, 0, -9, 0, 1.0 - 1.9 * t]), np.array([1 + 2 * t, 9, 1.0, 9, 1 + 1.9 * t])
    cm.derivative(f, x, bounds=(low, high))
    assert all((low <= p).all() and (p <= high).all() for p in seen)
    np.testing.assert_array_equal(seen[1] - x, [t, 0, -t, 0, 0])


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ((1.0, 2.0, 0.0), True),
        ((-1.0, -2.0, 0.0), True),
        ((1.0, 2.2, 0.04), True),
        ((1.0, 2.2, 0.06), False),
        ((1.0, 1.7, 0.0), False),
        ((1.0, 1.0, 0.0), False),
        ((1.0, 1.0, 1.0), False),
        ((np.nan, np.nan, 0.0), False),
    ],
)
def test_a_change_in_proportion(changes, refused):
    calls = iter([0.0, *changes])
    f = Function(lambda x: np.array([1.0, 100.0]) + next(calls), None)
    lines = ElementwiseLines(f, np.array([1.0, 2.0]))
    with np.errstate(all="ignore"):
        assert lines._follow(np.array([1e-6, 0.0]), np.array([False, True])) is refused


def test_most_of_what_changes_must_do_so_in_proportion():
    for share, refused in ((1, False), (2, False), (3, True)):
        calls = iter([0.0, 1.0, 2.0, 0.0])

        def f(x, share=share, calls=calls):
            k = next(calls)
            return 1.0 + np.where(np.arange(5) < share, k, 0.5 * (k > 0)) * (np.arange(5) < 4)

        lines = ElementwiseLines(Function(f, None), np.ones(5))
        with np.errstate(all="ignore"):
            assert lines._follow(np.zeros(5), np.ones(5, bool)) is refused


def test_changes_of_rounding_are_none():
    for units, calls in ((64, 2), (65, 4)):
        seen = []

        def f(x, units=units, seen=seen):
            seen.append(x)
            return 1.0 + units * 2.0**-52 * (len(seen) == 2) + np.zeros(2)

        with np.errstate(all="ignore"):
            ElementwiseLines(Function(f, None), np.ones(2))._follow(np.zeros(2), np.ones(2, bool))
        assert len(seen) == calls
