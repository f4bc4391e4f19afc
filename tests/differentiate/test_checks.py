"""Checks of hand-written derivatives, comparisons of schemes, sweeps of the step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml.testing import field_cases

X = np.array([1.0, 2.0, 0.5])


def f(x):
    return np.sum(x**3)


def grad(x):
    return 3 * x**2


@pytest.mark.parametrize("case", field_cases(), ids=lambda case: case.name)
def test_right_jacobians_pass(case):
    assert cm.check_jacobian(case.f, case.jacobian, case.x).check().passed


@given(st.integers(0, 2), st.sampled_from([1e-2, 1e-6, 1e-9]), st.sampled_from([-1, 1]))
def test_wrong_gradients_fail_and_the_worst_component_is_named(index, size, sign):
    def wrong(x):
        g = grad(x)
        g[index] *= 1 + sign * size
        return g

    result = cm.check_gradient(f, wrong, X)
    assert not result
    assert result.index == (index,)
    assert result.component == f"[{index}]"
    assert result.given == wrong(X)[index]
    with pytest.raises(cm.DerivativeMismatchError, match=rf"differs from .* worst at \[{index}\]"):
        result.check()


def test_structures_name_their_entries():
    x = {"w": np.array([1.0, 2.0]), "b": 3.0}

    def loss(p):
        return p["w"] @ p["w"] * p["b"]

    right = {"w": 6 * x["w"], "b": 5.0}
    assert cm.check_gradient(loss, lambda p: right, x)
    result = cm.check_gradient(loss, lambda p: {**right, "w": np.array([6.0, 13.0])}, x)
    assert result.component == "['w'][1]"
    hess = {
        "w": {"w": 6 * np.eye(2), "b": 2 * x["w"]},
        "b": {"w": 2 * x["w"], "b": 0.0},
    }
    assert cm.check_hessian(loss, lambda p: hess, x)
    listed = [np.array([1.0, 2.0]), 3.0]
    assert cm.check_gradient(lambda p: p[0] @ p[0] * p[1], lambda p: [6 * p[0], 5.0], listed)


def test_hessians():
    assert cm.check_hessian(f, lambda x: np.diag(6 * x), X)
    assert cm.check_hessian(f, lambda x: np.diag(6 * x), X, grad=grad)
    wrong = cm.check_hessian(f, lambda x: np.diag(6 * x + 1e-3), X, grad=grad)
    assert not wrong.passed


def test_a_noisy_function_is_judged_fairly():
    rng = np.random.default_rng(0)

    def noisy(x):
        return f(x) + 1e-7 * rng.standard_normal()

    assert cm.check_gradient(noisy, grad, X)
    assert not cm.check_gradient(noisy, lambda x: grad(x) * 1.2, X)


def test_a_gradient_that_is_not_finite_fails():
    result = cm.check_gradient(f, lambda x: grad(x) * np.nan, X)
    assert not result and np.isnan(result.given)


def test_what_cannot_be_checked_is_counted():
    result = cm.check_gradient(lambda x: x[0] + np.nan * (x[1] > 0), lambda x: np.ones(2), [1.0, 2.0])
    assert not result.passed
    assert result.undecided == 2
    assert "2 components could not be checked" in result.message


def test_nothing_to_check():
    assert cm.check_gradient(lambda x: 1.0, lambda x: x, []).passed


def test_the_card():
    card = repr(cm.check_gradient(f, grad, X))
    assert "passed: True" in card and "agrees with" in card
    assert cm.check_gradient(f, grad, X).success


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cm.check_gradient(f, 3, X), TypeError, "`grad` must be callable"),
        (lambda: cm.check_gradient(3, grad, X), TypeError, "`f` must be callable"),
        (
            lambda: cm.check_gradient(f, lambda x: x[:2], X),
            ValueError,
            r"`grad\(x\)` must have the shape of .*\(3,\), got \(2,\)",
        ),
        (lambda: cm.check_jacobian(f, lambda x: "no", X), TypeError, r"`jac\(x\)` must hold real numbers"),
        (
            lambda: cm.check_hessian(f, lambda x: x, X),
            ValueError,
            r"`hess\(x\)` must have the shape of .*, \(3, 3\), got \(3,\)",
        ),
        (lambda: cm.compare_schemes(f, X, []), ValueError, "`schemes` is empty"),
        (lambda: cm.compare_schemes(f, X, ["x"]), ValueError, "must be one of"),
        (
            lambda: cm.compare_schemes(f, X, exact=[1.0]),
            ValueError,
            "`exact` has 1 numbers, the derivative 3",
        ),
        (lambda: cm.step_sweep(np.sin, X), TypeError, "`x` must be one number"),
        (lambda: cm.step_sweep(3, 1.0), TypeError, "callable"),
        (lambda: cm.step_sweep(np.sin, 1.0, scheme="adaptive"), TypeError, "forward, backward or central"),
        (lambda: cm.step_sweep(np.sin, 1.0, steps=[]), ValueError, "`steps` is empty"),
        (lambda: cm.step_sweep(np.sin, 1.0, steps=[0.1, 0.0]), ValueError, "positive and finite, got 0.0"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_comparison():
    table = cm.compare_schemes(f, X, exact=grad(X))
    assert len(table) == len(cm.schemes.names())
    assert {type(row.scheme).__name__ for row in table.rows} >= {"Adaptive", "Central", "ComplexStep"}
    for row in table.rows:
        assert row.honest
        assert row.nfev == row.estimate.nfev
        # Even forward differences keep half of the digits.
        assert row.digits > 6.5
    lines = str(table).splitlines()
    assert len(lines) == 1 + len(table)
    assert table[0].scheme == cm.schemes.Adaptive()
    assert "&lt;" not in table._repr_html_()
    assert len(table.to_dict()["rows"]) == len(table)


def test_comparison_without_an_exact_answer():
    table = cm.compare_schemes(np.sin, 1.0, ["central", "forward"])
    assert np.isnan(table[0].digits) and table[0].honest is None
    assert " -" in str(table)


def test_comparison_shows_refusals():
    table = cm.compare_schemes(lambda x: float(np.real(x)), 1.0, ["complex", "central"])
    assert table[0].estimate is None
    assert "refused: f returned real values" in str(table)
    assert table[1].estimate.value == pytest.approx(1.0)


def test_a_slow_function_is_timed_in_seconds():
    import time

    table = cm.compare_schemes(lambda x: time.sleep(0.006) or x, 1.0, ["central"])
    assert " s" in str(table).splitlines()[1]


def test_a_sweep_shows_the_v():
    sweep = cm.step_sweep(np.exp, 0.0, exact=1.0)
    assert len(sweep.steps) == 61 and sweep.exact and sweep.reference_error == 0
    # Truncation h²/6 rises on the right with slope 2, noise eps / h on the left with slope -1.
    right = (sweep.steps > 1e-3) & (sweep.steps < 0.3)
    slope = np.polyfit(np.log(sweep.steps[right]), np.log(sweep.errors[right]), 1)[0]
    assert slope == pytest.approx(2, abs=0.05)
    left = sweep.steps < 1e-7
    slope = np.polyfit(np.log(sweep.steps[left]), np.log(sweep.noise[left]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.05)
    assert 0.1 < sweep.best / sweep.chosen < 10
    covered = sweep.truncation + sweep.noise >= sweep.errors
    assert covered.mean() > 0.95


def test_a_sweep_without_an_exact_answer():
    sweep = cm.step_sweep(np.log, 1e-3, steps=[1e-5, 1e-2, 1e-4], scheme="forward")
    np.testing.assert_array_equal(sweep.steps, [1e-5, 1e-4, 1e-2])
    assert not sweep.exact
    assert abs(sweep.reference - 1000) <= sweep.reference_error
    assert "estimated" in repr(sweep)


def test_a_sweep_where_nothing_is_finite():
    sweep = cm.step_sweep(lambda x: x * np.nan, 1.0, exact=0.0)
    assert "none is finite" in repr(sweep)


def test_a_sweep_within_bounds():
    seen = []
    cm.step_sweep(lambda x: seen.append(x) or np.sqrt(x), 0.5, bounds=(0.0, 1.0))
    assert min(seen) >= 0 and max(seen) <= 1


def test_a_sweep_is_not_fooled_by_aliasing():
    sweep = cm.step_sweep(lambda x: 1e5 * np.sin(1e3 * x) + 1e8, 1.0, exact=1e8 * np.cos(1e3))
    assert 1e-8 < sweep.best < 1e-4


def test_huge_mistakes_do_not_hide_behind_their_size():
    for wrong in (1e308, np.inf, np.nan):
        result = cm.check_gradient(lambda x: x @ x, lambda x, w=wrong: np.array([2.0, w]), [1.0, 2.0])
        assert not result.passed
        assert result.index == (1,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cm.step_sweep(np.sin, np.nan), ValueError, "`x` must be finite, got nan"),
        (lambda: cm.step_sweep(np.sin, 1.0, exact=[1.0, 2.0]), ValueError, "`exact` must be one number"),
        (lambda: cm.step_sweep(np.sin, 1.0, exact="a"), TypeError, "`exact` must hold real numbers"),
        (lambda: cm.step_sweep(lambda x: (2 + 3j) * x, 1.0), cm.EvaluationError, "real numbers here"),
    ],
)
def test_bad_sweeps(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_results_of_structures_become_json():
    import json
    from dataclasses import dataclass

    @dataclass
    class Net:
        w: np.ndarray

    estimate = cm.estimate_gradient(lambda p: p.w @ p.w, Net(np.array([1.0, 2.0])))
    assert json.loads(estimate.to_json())["value"]["w"] == pytest.approx([2, 4])
    rows = json.loads(cm.compare_schemes(np.sin, 1.0, ["central"]).to_json())["rows"]
    assert rows[0]["nfev"] == 4
    estimate = cm.estimate_derivative(lambda x: np.exp(1j * x), np.longdouble(1))
    assert len(json.loads(estimate.to_json())["value"]) == 2
