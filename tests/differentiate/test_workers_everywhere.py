"""Every executor gives what the plain loop gives, to the last bit, for every operator and every scheme."""

import importlib
import multiprocessing
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

import calcml as cm
from calcml.schemes import Central, ComplexStep, names

# A module of the user's own: other processes import it, so it must lie on the path that they inherit.
MODULE = """
from dataclasses import dataclass

import numpy as np


class Refusal(Exception):
    def __init__(self, code, place):
        super().__init__(code, place)
        self.code, self.place = code, place


def refuse(x):
    raise Refusal(7, "at the door")


def refuse_away(x):
    if not np.array_equal(x, [0.9, 1.1]):
        raise Refusal(8, "on the way")
    return 1.0


@dataclass
class Net:
    w: np.ndarray
    b: float


def energy(net, factor, *, power=1):
    w, b = (net["w"], net["b"]) if isinstance(net, dict) else (net.w, net.b)
    return factor * np.sum(w**2) ** power * b
"""
X, V = np.array([0.9, 1.1]), np.array([1.0, -0.5])
OPERATIONS = {
    "derivative": (cm.estimate_derivative, np.exp, X),
    "second derivative": (cm.estimate_derivative, np.exp, X, 2),
    "gradient": (cm.estimate_gradient, rosen, X),
    "jacobian": (cm.estimate_jacobian, rosen_der, X),
    "hessian": (cm.estimate_hessian, rosen, X),
    "vjp": (cm.estimate_vjp, rosen_der, X, V),
    "hvp": (cm.estimate_hvp, rosen, X, V),
}
SECOND = ("second derivative", "hessian", "hvp")
SCHEMES = [*names(), Central(order=4)]


def schemes_for(operation):
    """All schemes, but for those of the first derivative only."""
    first_only = {"complex", ComplexStep()}
    return [s for s in SCHEMES if operation not in SECOND or s not in first_only]


@contextmanager
def joblib_map(backend):
    """Wrap joblib as the documentation shows."""
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    with joblib.Parallel(n_jobs=2, backend=backend) as parallel:
        yield lambda f, points: parallel(joblib.delayed(f)(point) for point in points)
    if backend == "loky":
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True, kill_workers=True)


@contextmanager
def dask_client(processes):
    """Start a cluster that listens to this machine alone, on ports that are free."""
    distributed = pytest.importorskip("distributed", reason="dask is not installed")
    anywhere_here = "127.0.0.1:0"
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=processes,
            host="127.0.0.1" if processes else None,
            dashboard_address=anywhere_here,
            worker_dashboard_address=anywhere_here,
            local_directory=str(Path.cwd() / "dask"),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@contextmanager
def process_pool():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        yield pool
        pool.close()
        pool.join()


@contextmanager
def lazy_map():
    """A callable like ``map``: it returns an iterator, not a list."""
    yield lambda f, points: (f(point) for point in points)


# How to open each, and whether the user's function runs in this very process and raises its own objects.
EXECUTORS = {
    "threads": (partial(ThreadPoolExecutor, 2), True),
    "thread pool": (partial(ThreadPool, 2), True),
    "processes": (partial(ProcessPoolExecutor, 2, multiprocessing.get_context("spawn")), False),
    "process pool": (process_pool, False),
    "callable": (lazy_map, True),
    "joblib threads": (partial(joblib_map, "threading"), True),
    "joblib processes": (partial(joblib_map, "loky"), False),
    "dask threads": (partial(dask_client, False), False),
    "dask processes": (partial(dask_client, True), False),
}


@pytest.fixture(scope="module")
def travelling(tmp_path_factory):
    folder = tmp_path_factory.mktemp("travelling")
    (folder / "calcml_travelling.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setattr(sys, "dont_write_bytecode", True)
        yield importlib.import_module("calcml_travelling")
    del sys.modules["calcml_travelling"]


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request, travelling, tmp_path_factory):
    """One executor for all tests: that it serves the next one shows that the last one left it open."""
    here = tmp_path_factory.mktemp("cwd")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        with EXECUTORS[request.param][0]() as opened:
            yield opened
    assert {path.name for path in here.iterdir()} <= {"dask"}  # where it was told to


def assert_identical(one, other):
    """Fail unless two estimates agree to the last bit in everything."""
    for name in ("value", "error", "truncation", "noise", "step", "status", "nfev"):
        a, b = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        assert a.dtype == b.dtype and a.shape == b.shape, name
        # Bytes rather than ==, which takes -0.0 for 0.0 and NaN for another number.
        assert a.tobytes() == b.tobytes(), name


@pytest.mark.parametrize("operation", OPERATIONS)
def test_estimates_are_identical_to_the_last_bit(executor, operation):
    operator, *arguments = OPERATIONS[operation]
    for scheme in schemes_for(operation):
        serial = operator(*arguments, scheme=scheme)
        assert serial.nfev > 2
        assert_identical(operator(*arguments, scheme=scheme, workers=executor), serial)


@pytest.mark.parametrize("form", ["dict", "dataclass"])
def test_structures_and_arguments_travel(executor, travelling, form):
    w = np.array([1.0, 2.0])
    x = {"w": w, "b": 3.0} if form == "dict" else travelling.Net(w, 3.0)
    options = {"scheme": "central", "args": (0.5,), "kwargs": {"power": 2}}
    serial = cm.gradient(travelling.energy, x, **options)
    parallel = cm.gradient(travelling.energy, x, workers=executor, **options)
    assert type(parallel) is type(serial) is type(x)
    pairs = zip(*(p.values() if form == "dict" else (p.w, p.b) for p in (serial, parallel)), strict=True)
    for one, other in pairs:
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("f", ["refuse", "refuse_away"])
def test_the_users_exception_arrives_and_the_executor_stays_open(executor, travelling, f):
    for operator in (cm.gradient, cm.hessian):
        with pytest.raises(travelling.Refusal) as caught:
            operator(getattr(travelling, f), X, workers=executor)
        assert type(caught.value) is travelling.Refusal
        assert caught.value.args == ((7, "at the door") if f == "refuse" else (8, "on the way"))
        assert caught.value.code == caught.value.args[0]
    assert_identical(
        cm.estimate_gradient(rosen, X, workers=executor, scheme="central"),
        cm.estimate_gradient(rosen, X, scheme="central"),
    )


@pytest.mark.parametrize("kind", [kind for kind, (_, here) in EXECUTORS.items() if here])
def test_the_very_object_arrives_from_this_process(kind):
    mine = KeyError("mine")

    def f(x):
        raise mine

    with EXECUTORS[kind][0]() as executor, pytest.raises(KeyError) as caught:
        cm.gradient(f, X, workers=executor)
    assert caught.value is mine


@pytest.mark.parametrize("operation", OPERATIONS)
def test_calls_are_counted_as_they_are_made(operation):
    operator, f, *arguments = OPERATIONS[operation]
    lock, calls = threading.Lock(), []

    def counted(x):
        with lock:
            calls.append(x.tobytes())
        return f(x)

    with ThreadPoolExecutor(2) as threads:
        for scheme in schemes_for(operation):
            made = []
            for workers in (None, threads):
                calls.clear()
                estimate = operator(counted, *arguments, scheme=scheme, workers=workers)
                assert estimate.nfev == len(calls)
                made.append(sorted(calls))
            assert made[0] == made[1]  # the same points, whatever their order


def test_a_number_of_processes():
    assert_identical(cm.estimate_hessian(rosen, X, workers=2), cm.estimate_hessian(rosen, X))


def test_a_function_that_cannot_travel_says_so_in_its_own_words():
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor,
        pytest.raises((AttributeError, TypeError, OSError), match="pickle|lambda|local object"),
    ):
        cm.gradient(lambda x: x @ x, X, workers=executor)
