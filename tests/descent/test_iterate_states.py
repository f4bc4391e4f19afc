"""iterate: the same run, one state at a time."""

import numpy as np
import pytest

from calcml import Status
from calcml.descent import DescentState, gradient_descent, iterate, minimize


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


@pytest.mark.parametrize("method", ["bfgs", "newton", "nesterov", "barzilai-borwein"])
def test_the_same_run(method):
    states = list(iterate(rosenbrock, [-1.2, 1.0], method=method))
    result = minimize(rosenbrock, [-1.2, 1.0], method=method)
    assert len(states) == result.nit + 1
    assert [state.nit for state in states] == list(range(result.nit + 1))
    assert np.array_equal([state.x for state in states], result.trace["x"])
    assert np.array_equal([state.nfev for state in states], result.trace["nfev"])
    assert {state.status for state in states[:-1]} == {Status.RUNNING}
    assert states[-1].status is result.status is Status.CONVERGED
    assert np.array_equal(states[-1].jac, result.jac)


def test_a_step_of_its_own():
    states = list(iterate(rosenbrock, [-1.2, 1.0], method="steepest", step=1e-3, max_iterations=9))
    with pytest.warns(match="iteration limit"):
        result = gradient_descent(rosenbrock, [-1.2, 1.0], step=1e-3, max_iterations=9)
    assert np.array_equal([state.x for state in states], result.trace["x"])
    assert states[-1].status is Status.RUNNING


def test_states_are_frozen_and_show_themselves():
    state = next(iterate(lambda p: p["a"] ** 2, {"a": 2.0}, grad=lambda p: {"a": 2 * p["a"]}))
    assert isinstance(state, DescentState)
    assert state.x == {"a": 2.0}
    assert state.jac == {"a": 4.0}
    assert (state.nfev, state.ngev, state.nhev) == (1, 1, 0)
    assert repr(state) == f"DescentState(nit=0, step=0.0, status={Status.RUNNING!r})"
    with pytest.raises(AttributeError):
        state.nit = 3


def test_nothing_is_evaluated_before_the_first_state():
    calls = []
    run = iterate(lambda x: calls.append(1) or x[0] ** 2, [1.0])
    assert not calls
    next(run)
    assert calls
    run.close()
