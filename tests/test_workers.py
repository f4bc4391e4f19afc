"""Every kind of executor gives what the plain loop gives."""

import functools
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest

import calcml as cm
from calcml._workers import check_workers, open_map


class Client:
    """Shaped like a distributed client: futures, gather, no iterators."""

    def map(self, function, values, pure):
        assert isinstance(values, list) and pure is False
        return [functools.partial(function, value) for value in values]

    def gather(self, futures):
        return [future() for future in futures]


@pytest.mark.parametrize("operator", [cm.gradient, cm.hessian])
def test_workers_are_bit_identical_to_the_loop(operator):
    def f(x):
        return np.sum(np.exp(np.sin(x)))

    x = np.linspace(0.1, 2.0, 4)
    serial = operator(f, x)
    with ThreadPoolExecutor(2) as executor, ThreadPool(2) as pool:
        for workers in (1, executor, executor.map, pool, map, Client()):
            np.testing.assert_array_equal(operator(f, x, workers=workers), serial)


def test_processes():
    # np.linalg.norm can travel to another process; a lambda could not.
    x = np.array([1.0, 2.0, 2.0])
    np.testing.assert_array_equal(
        cm.gradient(np.linalg.norm, x, scheme="central", workers=2),
        cm.gradient(np.linalg.norm, x, scheme="central"),
    )


def test_elementwise_derivatives():
    x = np.linspace(0, 1, 5)
    with ThreadPoolExecutor(2) as executor:
        np.testing.assert_array_equal(cm.derivative(np.sin, x, workers=executor), cm.derivative(np.sin, x))


def test_what_was_given_is_not_closed():
    with ThreadPoolExecutor(1) as executor:
        cm.gradient(lambda x: x @ x, [1.0, 2.0], workers=executor)
        assert executor.submit(int, "3").result() == 3


def test_the_users_exception_arrives_unchanged():
    def f(x):
        raise KeyError("mine")

    with ThreadPoolExecutor(2) as executor, pytest.raises(KeyError, match="mine"):
        cm.gradient(f, [1.0, 2.0], workers=executor)


@pytest.mark.parametrize(
    ("workers", "error"), [(0, ValueError), (-2, ValueError), (True, TypeError), ("2", TypeError)]
)
def test_bad_workers(workers, error):
    with pytest.raises(error, match="`workers` must be"):
        check_workers(workers)
    calls = []
    with pytest.raises(error):
        cm.gradient(calls.append, [1.0], workers=workers)
    assert not calls


def test_a_map_that_loses_values():
    with pytest.raises(cm.EvaluationError, match="returned 1 values for 4 points"):
        cm.gradient(np.sum, [1.0, 2.0], scheme="central", workers=lambda f, values: [1.0])


def test_warnings_from_inside_f_stay_off_in_threads():
    with ThreadPoolExecutor(2) as executor:
        cm.gradient(lambda x: np.sum(np.log(x)), [1e-9, 1.0], workers=executor)


def test_numpy_integers_count_processes():
    check_workers(np.int64(2))


def test_every_core():
    with open_map(-1) as mapper:
        assert mapper is not None
        assert mapper(abs, [-1, 2]) == [1, 2]


def test_batches_need_no_workers():
    with pytest.raises(ValueError, match="leave out `workers`"):
        cm.gradient(np.sum, [1.0], vectorized=True, workers=2)
