"""Directions times step rules, and the laws that each of them obeys."""

import itertools
import warnings

import numpy as np
import pytest

from calcml import ConvergenceWarning, EvaluationError, Status
from calcml.descent import gradient_descent, iterate, minimize
from calcml.descent.directions import (
    BFGS,
    LBFGS,
    Direction,
    HeavyBall,
    Nesterov,
    Newton,
    Steepest,
    Strategy,
)
from calcml.descent.steps import Backtracking, BarzilaiBorwein, Constant, StepRule, StrongWolfe

A = np.diag([1.0, 10.0])


def quadratic(x):
    return 0.5 * x @ A @ x


def slope(x):
    return A @ x


def quietly(f, x0, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return gradient_descent(f, x0, **options)


@pytest.mark.parametrize(
    ("direction", "step"),
    list(
        itertools.product(
            ["steepest", "momentum", "nesterov", "bfgs", "lbfgs", "newton"],
            ["fixed", 0.05, "backtracking", "wolfe", "barzilai-borwein"],
        )
    ),
)
def test_every_direction_works_with_every_rule(direction, step):
    if step == "fixed" and direction in ("bfgs", "lbfgs", "newton"):
        step = 0.5  # the default of 0.01 takes 1800 steps where the natural step is 1
    result = gradient_descent(quadratic, [3.0, 4.0], grad=slope, direction=direction, step=step)
    assert result.success
    assert np.allclose(result.x, 0, atol=1e-6)


# The laws of the methods.


def test_steepest_descent_with_a_fixed_step_is_the_formula():
    states = list(iterate(quadratic, [3.0, 4.0], grad=slope, method="steepest", step=0.1, max_iterations=7))
    x = np.array([3.0, 4.0])
    for state in states:
        assert np.array_equal(state.x, x)
        x = x - 0.1 * slope(x)
    assert [state.step for state in states] == [0.0] + 7 * [0.1]


def test_heavy_ball_is_the_formula():
    a, b = 0.05, 0.7
    states = list(iterate(quadratic, [3.0, 4.0], grad=slope, method=HeavyBall(b), step=a, max_iterations=7))
    before = x = np.array([3.0, 4.0])
    for state in states:
        # Rounding only: the sum is taken in another order.
        assert np.allclose(state.x, x, rtol=1e-13)
        x, before = x - a * slope(x) + b * (x - before), x


def test_nesterov_is_the_formula():
    a = 0.05
    method = Nesterov(restart=False)
    states = list(iterate(quadratic, [3.0, 4.0], grad=slope, method=method, step=a, max_iterations=7))
    x = y = np.array([3.0, 4.0])
    t = 1.0
    for state in states:
        assert np.allclose(state.x, y, rtol=1e-13)
        after, t_after = y - a * slope(y), (1 + np.sqrt(1 + 4 * t * t)) / 2
        y = after + (t - 1) / t_after * (after - x)
        x, t = after, t_after


def test_the_restart_of_nesterov_makes_it_faster():
    options = {"grad": slope, "step": 0.1}
    restarted, plain = (
        gradient_descent(quadratic, [3.0, 4.0], direction=Nesterov(r), **options).nit for r in (True, False)
    )
    assert restarted < plain


def test_nesterov_falls_back_where_there_is_nothing_ahead():
    # The point ahead leaves the domain of the logarithm; the accepted one does not.
    def f(x):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sum(x - 1e-3 * np.log(x))

    result = quietly(f, [1.0], grad=lambda x: 1 - 1e-3 / x, direction="nesterov")
    assert result.success
    assert abs(result.x[0] - 1e-3) < 1e-7


def test_newton_takes_one_step_on_a_quadratic():
    assert gradient_descent(quadratic, [3.0, 4.0], grad=slope, direction="newton").nit == 1


def test_bfgs_learns_the_inverse_hessian_of_a_quadratic():
    # With exact line searches BFGS ends after n steps with H = A^-1 (N&W theorem 6.4); these come close.
    H = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 20.0]])
    rule = StrongWolfe(flatness=1e-3)
    *_, last = iterate(
        lambda x: 0.5 * x @ H @ x, [1.0, 2.0, 3.0], grad=lambda x: H @ x, step=rule, verify=False
    )
    assert last.nit <= 6
    assert np.allclose(last.memory, np.linalg.inv(H), atol=1e-3)
    assert np.array_equal(last.memory, last.memory.T) or np.allclose(last.memory, last.memory.T, rtol=1e-14)


def test_lbfgs_with_a_long_memory_is_bfgs_until_its_scale_changes():
    options = {"grad": slope, "step": "wolfe", "max_iterations": 2}
    first, second = (
        quietly(quadratic, [3.0, 4.0], direction=d, **options).trace["x"] for d in (BFGS(), LBFGS(100))
    )
    assert np.allclose(first[:3], second[:3], rtol=1e-12)


def test_lbfgs_keeps_as_many_pairs_as_it_may():
    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    *_, last = iterate(rosenbrock, np.full(4, -1.0), method=LBFGS(memory=3), max_iterations=8)
    assert len(last.memory) == 3


def test_a_curvature_that_is_not_positive_is_not_learned():
    # cos is concave at the start: the first pair has y.s < 0 and must leave no trace in the matrix.
    states = list(iterate(lambda x: np.cos(x[0]), [0.3], step=0.5, max_iterations=1))
    assert states[-1].memory is None


def test_barzilai_borwein_takes_the_step_of_the_paper():
    states = list(iterate(quadratic, [3.0, 4.0], grad=slope, method="barzilai-borwein", max_iterations=6))
    for before, here, after in zip(states, states[1:], states[2:], strict=False):
        s, y = here.x - before.x, here.jac - before.jac
        # Shortened only where f would exceed the largest of its last ten values.
        assert after.step <= s @ s / (s @ y) * (1 + 1e-12)


def test_barzilai_borwein_without_curvature_goes_farther():
    result = quietly(lambda x: -x[0], [0.0], grad=lambda x: -np.ones(1), step="barzilai-borwein")
    assert result.status is Status.UNBOUNDED
    steps = result.trace["step"][1:]
    assert np.allclose(steps[1:4] / steps[:3], 10)


def test_barzilai_borwein_with_memory_one_never_rises():
    def f(x):
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    run = gradient_descent(f, [-1.2, 1.0], step=BarzilaiBorwein(memory=1))
    assert (np.diff(run.trace["fun"]) <= 1e-15).all()


def test_strong_wolfe_steps_meet_both_conditions():
    rule = StrongWolfe(decrease=1e-4, flatness=0.4)

    def f(x):
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    def grad(x):
        return np.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)])

    states = list(iterate(f, [-1.2, 1.0], grad=grad, step=rule, max_iterations=25))
    for a, b in itertools.pairwise(states):
        move = b.x - a.x
        assert b.fun <= a.fun + 1e-4 * a.jac @ move
        assert abs(b.jac @ move) <= 0.4 * abs(a.jac @ move) * (1 + 1e-12)


def test_backtracking_falls_by_its_share():
    rule = Backtracking(decrease=0.3)
    states = list(iterate(quadratic, [3.0, 4.0], grad=slope, method="steepest", step=rule, max_iterations=20))
    for a, b in itertools.pairwise(states):
        assert b.fun <= a.fun + 0.3 * a.jac @ (b.x - a.x)


def test_a_search_with_too_few_trials_fails_softly():
    # One trial of length 1 overshoots; the restart and Newton's step still find the way.
    for rule in (Backtracking(max_trials=1, grow=100.0), StrongWolfe(max_trials=1)):
        result = quietly(quadratic, [3.0, 4.0], grad=slope, step=rule)
        assert result.success == bool(np.allclose(result.x, 0, atol=1e-6))


def test_newton_without_a_hessian_goes_against_the_gradient():
    result = gradient_descent(
        quadratic, [3.0, 4.0], grad=slope, hess=lambda x: np.full((2, 2), np.nan), direction="newton"
    )
    steepest = gradient_descent(quadratic, [3.0, 4.0], grad=slope)
    assert result.success
    assert np.array_equal(result.trace["x"], steepest.trace["x"])


# A fixed step that is too long.


def test_a_fixed_step_beyond_two_over_l_diverges():
    assert gradient_descent(quadratic, [3.0, 4.0], step=0.19).success
    result = quietly(quadratic, [3.0, 4.0], step=0.21)
    assert result.status is Status.DIVERGED
    # The best point is kept: the start, whose component along the flat axis alone gets better.
    assert result.fun <= quadratic(np.array([3.0, 4.0]))


def test_a_fixed_step_out_of_the_numbers_diverges():
    for f in (lambda x: x[0] ** 4, lambda x: np.exp(x[0] ** 2)):
        with np.errstate(all="ignore"):
            result = quietly(f, [3.0], step=1e200)
        assert result.status is Status.DIVERGED
        assert result.x[0] == 3.0
    # The point itself overflows.
    assert quietly(lambda x: x[0] ** 2, [1e150], grad=lambda x: 2 * x, step=1e250).status is Status.DIVERGED


def test_a_fixed_step_is_left_alone_where_it_gets_nowhere():
    # At 2 / L the run jumps between two points for ever; nothing may step in.
    result = quietly(lambda x: x[0] ** 2, [1.0], grad=lambda x: 2 * x, step=1.0, max_iterations=100)
    assert result.status is Status.MAX_ITERATIONS
    assert set(np.abs(result.trace["x"][:, 0])) == {1.0}


def test_a_fixed_step_stops_at_a_saddle():
    result = quietly(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [1.0, 0.0], step=0.25)
    assert result.status is Status.SADDLE


# Strategies.


def test_a_strategy_gets_what_it_asks_for():
    seen = []

    def with_hessian(f, J, H):
        seen.append((f, J, H))
        return -np.linalg.solve(H, J)

    result = minimize(quadratic, [3.0, 4.0], method=with_hessian)
    assert result.success
    assert np.allclose(seen[0][2], A, atol=1e-4)
    assert seen[0][0] == quadratic(np.array([3.0, 4.0]))
    gradient_only = minimize(quadratic, [3.0, 4.0], grad=slope, method=lambda f, J: -0.1 * J)
    assert gradient_only.success
    assert gradient_only.nhev == 0


def test_a_strategy_of_any_shape_and_a_default_argument():
    result = minimize(lambda x: np.sum(x**2), np.full((2, 2), 3.0), method=lambda f, J, rate=0.4: -rate * J)
    assert result.success
    assert result.x.shape == (2, 2)


def test_a_strategy_with_arguments_of_any_number():
    assert minimize(quadratic, [3.0, 4.0], method=lambda *a: -np.linalg.solve(a[2], a[1])).success
    assert Strategy(lambda f, J, H=None: J).wants_hessian
    assert not Strategy(lambda f, J, rate=0.1: J).wants_hessian
    # A function in C that does not tell its signature counts as one of (f, J).
    assert not Strategy(max).wants_hessian


def test_a_strategy_under_a_line_search_and_uphill():
    # The line search turns a direction that goes up into the gradient's.
    result = gradient_descent(quadratic, [3.0, 4.0], direction=lambda f, J: J, step="backtracking")
    assert result.success


@pytest.mark.parametrize("step", [np.zeros(3), "up", np.array([1j, 0])])
def test_a_strategy_that_returns_no_step(step):
    with pytest.raises(EvaluationError, match="`next_step` must return 2 real numbers"):
        minimize(quadratic, [3.0, 4.0], method=lambda f, J: step)


# Own directions and rules.


class Doubled(Direction):
    def propose(self, memory, point, oracle):
        return -2 * point.reduced, memory


class Tenth(StepRule):
    def search(self, line, natural, last, memory):
        return line.differentiate(line.at(0.05)), memory


def test_own_directions_and_rules_fit_in():
    assert minimize(quadratic, [3.0, 4.0], method=Doubled()).success
    result = gradient_descent(quadratic, [3.0, 4.0], grad=slope, direction=Doubled(), step=Tenth())
    assert np.allclose(result.trace["x"][1], [3.0 - 0.3, 0.0])


# Options.


@pytest.mark.parametrize("option", [HeavyBall(), Nesterov(), Newton(), Steepest(), BFGS(), LBFGS()])
def test_options_are_values(option):
    assert option == type(option)()
    assert hash(option) == hash(type(option)())
    assert repr(option).startswith(type(option).__name__)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Constant(0.0), ValueError, "`step` must be above 0 and finite, got 0.0"),
        (lambda: Constant(True), TypeError, "`step` must be a number, got bool"),
        (lambda: Constant(np.nan), ValueError, "`step` must be above 0"),
        (lambda: Backtracking(decrease=1.0), ValueError, "`decrease` must be between 0 and 1"),
        (lambda: Backtracking(grow=-1), ValueError, "`grow`"),
        (lambda: Backtracking(max_trials=0), ValueError, "`max_trials`"),
        (lambda: StrongWolfe(decrease=0.5, flatness=0.4), ValueError, "`decrease` must be below `flatness`"),
        (lambda: StrongWolfe(flatness=1), ValueError, "`flatness` must be between 0 and 1"),
        (lambda: BarzilaiBorwein(memory=0), ValueError, "`memory`"),
        (lambda: HeavyBall(1.0), ValueError, "`inertia` must be between 0 and 1"),
        (lambda: HeavyBall("much"), TypeError, "`inertia` must be a number"),
        (lambda: Nesterov(restart=1), TypeError, "`restart` must be True or False"),
        (lambda: LBFGS(memory=0), ValueError, "`memory` must be at least 1"),
        (lambda: LBFGS(memory=2.5), TypeError, "`memory` must be an integer"),
        (lambda: Strategy(3), TypeError, "`next_step` must be callable"),
        (lambda: Strategy(lambda f: f), TypeError, r"must take \(f, J\) or \(f, J, H\)"),
    ],
)
def test_bad_options(make, error, text):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"step": "long"}, ValueError, "`step` must be one of fixed, backtracking, wolfe"),
        ({"step": None, "direction": 1}, TypeError, "`direction` must be a name"),
        ({"step": [1.0]}, TypeError, "`step` must be a name, a number or a rule"),
        ({"step": -0.1}, ValueError, "`step` must be above 0"),
        ({"direction": "barzilai-borwein"}, ValueError, "`direction` must be one of bfgs"),
    ],
)
def test_bad_arguments(options, error, text):
    def forbidden(x):
        raise AssertionError("called")

    with pytest.raises(error, match=text):
        gradient_descent(forbidden, [1.0], **options)


def test_the_warning_points_to_the_caller():
    with pytest.warns(ConvergenceWarning) as record:
        gradient_descent(quadratic, [3.0, 4.0], step=0.21)
    assert record[0].filename == __file__


def test_progress_needs_tqdm_and_changes_nothing(monkeypatch):
    pytest.importorskip("tqdm")
    shown = gradient_descent(quadratic, [3.0, 4.0], progress=True)
    assert shown.nit == gradient_descent(quadratic, [3.0, 4.0]).nit
