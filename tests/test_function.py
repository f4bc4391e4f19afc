"""The one place where the user's function is called."""

import numpy as np
import pytest

from calcml._function import Function
from calcml._parameters import flatten
from calcml.errors import EvaluationError


def make(f, x=(1.0, 2.0), **options):
    flat, structure = flatten(np.array(x))
    return Function(f, structure, **options), flat


def test_counts_points_and_learns_the_shape():
    function, x = make(lambda x: np.outer(x, x))
    values = function.evaluate(np.tile(x, (3, 1)))
    assert function.nfev == 3 and function.shape == (2, 2) and values.shape == (3, 4)


def test_arguments_are_bound():
    function, x = make(lambda x, a, *, b: a * x.sum() + b, args=(2.0,), kwargs={"b": 1.0})
    assert function.evaluate(x[None])[0, 0] == 7.0


def test_vectorized_calls_once():
    calls = []

    def f(x):
        calls.append(x.shape)
        return (x**2).sum(axis=0)

    function, x = make(f, vectorized=True)
    np.testing.assert_array_equal(function.evaluate(np.array([x, 2 * x])), [[5], [20]])
    # The first batch is checked once against a single column.
    assert calls == [(2, 2), (2, 1)] and function.nfev == 3
    function.evaluate(np.array([x, 2 * x]))
    assert calls[2:] == [(2, 2)] and function.nfev == 5


def test_columns_must_not_know_of_each_other():
    for f in (lambda x: (x[0] - x[0].mean()) ** 2, lambda x: x[0] / np.linalg.norm(x)):
        function, x = make(f, vectorized=True)
        with pytest.raises(EvaluationError, match="own column of x"):
            function.evaluate(np.array([x, 2 * x]))


def test_a_buffer_that_is_filled_again_is_copied():
    buffer = np.empty(2)

    def f(x):
        buffer[:] = x**2
        return buffer

    function, x = make(f)
    np.testing.assert_array_equal(function.evaluate(np.array([x, 2 * x])), [[1, 4], [4, 16]])


def test_masked_and_ragged_values():
    function, x = make(lambda x: np.ma.masked_array(x, [True, False]))
    with pytest.raises(EvaluationError, match="masked array"):
        function.evaluate(x[None])
    function, x = make(lambda x: [1, [2, 3]])
    with pytest.raises(EvaluationError, match="ragged list"):
        function.evaluate(x[None])


def test_kinds_may_not_mix_within_one_batch():
    function, x = make(lambda x: float(x[0] - 1.5) ** 0.5)
    with pytest.raises(EvaluationError, match="complex numbers after real ones"):
        function.evaluate(np.array([[2.0, 2.0], x]))


def test_complex_values_are_pairs_of_reals_outside():
    function, x = make(lambda x: x[0] + 1j * x[1])
    assert function.evaluate(x[None]).dtype == complex
    assert function.dtype == complex


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: None, "returned None"),
        (lambda x: "text", "must return numbers, got str"),
        (lambda x: np.array([object()]), "must return numbers"),
    ],
)
def test_values_that_are_no_numbers(f, message):
    function, x = make(f)
    with pytest.raises(EvaluationError, match=message):
        function.evaluate(x[None])


def test_shape_changes_between_calls():
    shapes = iter([(2,), (3,), (3,)])
    function, x = make(lambda x: np.zeros(next(shapes)))
    function.evaluate(x[None])
    with pytest.raises(EvaluationError, match=r"shape \(3,\) after shape \(2,\)"):
        function.evaluate(x[None])


def test_shape_changes_within_one_batch():
    function, x = make(lambda x: np.zeros(int(x[0])))
    with pytest.raises(EvaluationError, match="different shapes"):
        function.evaluate(np.array([x, 2 * x]))


def test_vectorized_needs_the_batch_axis():
    function, x = make(lambda x: x.sum(), vectorized=True)
    with pytest.raises(EvaluationError, match="K = 3"):
        function.evaluate(np.tile(x, (3, 1)))


def test_kind_changes_from_real_to_complex():
    function, x = make(lambda x: (x[0] - 1.5) ** 1 if x[0] > 1.5 else 1j)
    function.evaluate(np.array([[2.0, 2.0]]))
    with pytest.raises(EvaluationError, match="complex numbers after real ones"):
        function.evaluate(x[None])


def test_kind_may_change_from_complex_to_real():
    function, x = make(lambda x: 1j if x[0] < 1.5 else 1.0)
    function.evaluate(x[None])
    assert function.evaluate(np.array([[2.0, 2.0]])).dtype == complex


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_floats_are_widened(dtype):
    function, x = make(lambda x: dtype(x.sum()))
    assert function.evaluate(x[None]).dtype == np.float64
    assert function.dtype == dtype


def test_integers_become_floats():
    function, x = make(lambda x: 3)
    assert function.evaluate(x[None]).dtype == np.float64


def test_complex64_is_widened():
    function, x = make(lambda x: np.complex64(x.sum()))
    assert function.evaluate(x[None]).dtype == np.complex128


def test_the_users_exception_arrives_unchanged():
    class MineError(Exception):
        pass

    def f(x):
        raise MineError("here")

    function, x = make(f)
    with pytest.raises(MineError, match="here"):
        function.evaluate(x[None])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"args": 3}, "`args` must be a tuple"), ({"args": "ab"}, "`args`"), ({"kwargs": [1]}, "`kwargs`")],
)
def test_bad_arguments(options, message):
    with pytest.raises(TypeError, match=message):
        make(lambda x: x, **options)


def test_not_callable():
    with pytest.raises(TypeError, match="`f` must be callable, got float"):
        make(3.0)
