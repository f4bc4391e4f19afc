"""The one iteration loop."""

from dataclasses import dataclass

import numpy as np
import pytest

from calcml._loop import Trace, check_iterations, iterate, run
from calcml._status import Status


@dataclass(frozen=True)
class Count:
    k: int
    status: Status
    merit: float

    def record(self):
        return {"k": self.k, "merit": self.merit}


class Countdown:
    """Count to `end`; the merit of each step is given."""

    def __init__(self, end, merits=()):
        self.end, self.merits = end, dict(enumerate(merits))

    def state(self, k):
        status = Status.CONVERGED if k >= self.end else Status.RUNNING
        return Count(k, status, self.merits.get(k, -float(k)))

    def init(self):
        return self.state(0)

    def step(self, state):
        return self.state(state.k + 1)


def test_runs_to_the_final_status():
    result = run(Countdown(3), max_iterations=10)
    assert (result.nit, result.status, result.last.k, result.best.k) == (3, Status.CONVERGED, 3, 3)
    np.testing.assert_array_equal(result.trace["k"], [0, 1, 2, 3])


def test_a_start_that_is_final_takes_no_step():
    assert run(Countdown(0), max_iterations=10).nit == 0


def test_the_limit():
    result = run(Countdown(30), max_iterations=4)
    assert (result.nit, result.status) == (4, Status.MAX_ITERATIONS)


def test_converging_in_the_last_allowed_iteration_counts():
    assert run(Countdown(4), max_iterations=4).status is Status.CONVERGED


@pytest.mark.parametrize("merits", [(3, 1, 2, 5), (np.nan, 1, np.nan, 5), (2, 1, 1.5, np.nan)])
def test_the_best_state_is_kept(merits):
    assert run(Countdown(3, merits), max_iterations=9).best.k == 1


def test_callbacks_stop():
    def true_at_two(state):
        return state.k == 2

    def raise_at_two(state):
        if state.k == 2:
            raise StopIteration

    for callback in (true_at_two, raise_at_two, lambda state: np.bool_(state.k == 2)):
        result = run(Countdown(9), max_iterations=9, callback=callback)
        assert (result.nit, result.status) == (2, Status.STOPPED_BY_CALLBACK)


def test_a_callback_sees_every_step_but_not_the_start():
    seen = []
    run(Countdown(3), max_iterations=9, callback=lambda state: seen.append(state.k))
    assert seen == [1, 2, 3]


def test_iterate_yields_the_same_run():
    assert [state.k for state in iterate(Countdown(3), 9)] == [0, 1, 2, 3]
    assert [state.k for state in iterate(Countdown(9), 2)] == [0, 1, 2]


def test_progress_shows_a_bar(capsys):
    pytest.importorskip("tqdm")
    run(Countdown(3), max_iterations=3, progress=True, title="counting")
    assert "counting" in capsys.readouterr().err


def test_progress_without_tqdm_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r"pip install calcml\[progress\]"):
        run(Countdown(3), max_iterations=3, progress=True)


def test_trace():
    trace = Trace.of([{"a": 1.0, "x": np.ones(2)}, {"a": 2.0, "x": np.zeros(2)}])
    assert len(trace) == 2 and trace["x"].shape == (2, 2)
    assert str(trace).splitlines()[1].split() == ["0", "1"]
    assert repr(trace) == "Trace(2 rows: a, x)"
    assert trace.to_dict()["a"] == [1.0, 2.0]
    with pytest.raises(KeyError, match="columns a, x"):
        trace["b"]
    assert len(Trace.of([])) == 0


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_bad_limits(value, error):
    with pytest.raises(error, match="`max_iterations` must be"):
        check_iterations(value)
    assert check_iterations(np.int64(3)) == 3
