"""Every way in which a run can end, what the result says then, and what it costs."""

import json

import numpy as np
import pytest

from calcml import Status
from calcml.constrained import LagrangeState, lagrange
from calcml.errors import ConvergenceError, ConvergenceWarning


def circle(x):
    return x @ x - 1


def xy(x):
    return x[0] * x[1]


def fails(match, *args, **options):
    """Return the result of a run that must warn."""
    with pytest.warns(ConvergenceWarning, match=match) as caught:
        run = lagrange(*args, **options)
    assert caught[0].filename == __file__
    assert not run.success and run.message in str(caught[0].message)
    assert run.classification in {"not stationary", "saddle", "maximum"}
    return run


def test_counts_with_given_derivatives():
    counted = {"f": 0, "c": 0, "g": 0, "J": 0}

    def count(name, function):
        def wrapped(x):
            counted[name] += 1
            return function(x)

        return wrapped

    run = lagrange(
        count("f", lambda x: x @ x),
        np.array([3.0, 1.0]),
        equality=count("c", lambda x: x[0] + x[1] - 2),
        grad=count("g", lambda x: 2 * x),
        jac=count("J", np.ones_like),
    )
    # The start, the step, and the final Newton step, once each.
    assert run.nit == 1 and run.nfev == run.ncev == counted["f"] == counted["c"] == 3
    # First derivatives there, and two central differences along two axes: plain on the way, at the end
    # with the two further points per axis that their error costs, and for J, which stands still, two more.
    assert run.ngev == counted["g"] == 3 + 4 + 8 and run.njev == counted["J"] == 3 + 4 + 8 + 4
    assert run.nhev == 0


def test_counts_without_derivatives():
    run = lagrange(lambda x: x @ x, [3.0, 1.0], equality=lambda x: x[0] + x[1] - 2)
    # Values: three points.  Gradients: 4 and 4 points, and 8 with their error at the end.  Hessians from
    # three lines: 2 points each and the middle, then 4 each and the middle.
    assert run.nfev == run.ncev == 3 + (4 + 4 + 8) + (6 + 1) + (12 + 1)
    assert run.ngev == run.njev == run.nhev == 0


def test_counts_with_the_hessian():
    run = lagrange(
        lambda x: x @ x,
        [3.0, 1.0],
        equality=lambda x: x[0] + x[1] - 2,
        grad=lambda x: 2 * x,
        jac=np.ones_like,
        hess=lambda x, lam: 2 * np.eye(2),
    )
    assert (run.nfev, run.ncev, run.ngev, run.njev, run.nhev) == (3, 3, 3, 3, 2)


def test_converged_result_and_its_displays():
    run = lagrange(xy, [1.0, 0.5], equality=circle)
    assert run.status is Status.CONVERGED and run.message == str(Status.CONVERGED)
    np.testing.assert_allclose(run.jac + run.constraint_jac.T @ run.multipliers, 0, atol=1e-9)
    assert run.violation == np.abs(run.constraints).max()
    np.testing.assert_array_equal(run.sensitivity, -run.multipliers)
    assert run.curvature_error < 1e-4 and run.names == ("equality",)
    text = str(run)
    assert "minimum (curvatures [2.])" in text and "CONVERGED" in text and "grad" not in text
    assert "multipliers" in run._repr_html_()
    plain = json.loads(run.to_json())
    assert plain["status"] == "CONVERGED" and len(plain["trace"]) > 0
    assert set(run.trace.columns) == {"fun", "violation", "stationarity", "step", "x"}
    assert run.trace["x"].shape == (run.nit + 1, 2)
    np.testing.assert_array_equal(run.trace["x"][0], [1.0, 0.5])
    assert run.trace["fun"][0] == 0.5


def test_the_path_of_many_variables_is_not_kept():
    run = lagrange(
        lambda x: x @ x, np.zeros(11), equality=lambda x: x.sum() - 1, grad=lambda x: 2 * x, jac=np.ones_like
    )
    assert "x" not in run.trace.columns
    np.testing.assert_allclose(run.x, 1 / 11)


def test_a_start_at_the_answer():
    run = lagrange(lambda x: x @ x, [0.5, 0.5], equality=lambda x: x[0] + x[1] - 1)
    assert run.success and run.nit == 0 and run.classification == "minimum"


def test_everything_zero_at_the_start():
    run = lagrange(
        lambda x: x @ x, [0.0, 0.0], equality=lambda x: x[0] + x[1], grad=lambda x: 2 * x, jac=np.ones_like
    )
    assert run.status is Status.CONVERGED and run.nit == 0
    assert run.stationarity == run.violation == 0


@pytest.mark.parametrize("exact", [True, False])
def test_moves_off_a_constrained_maximum(exact):
    given = {"grad": lambda x: x[::-1], "jac": lambda x: 2 * x} if exact else {}
    top = np.full(2, np.sqrt(0.5))
    run = lagrange(xy, top, equality=circle, **given)
    assert run.fun == pytest.approx(-0.5) and run.classification == "minimum"
    stay = lagrange(xy, top, equality=circle, seek="stationary", **given)
    assert stay.fun == pytest.approx(0.5) and stay.classification == "maximum"
    assert stay.curvatures == pytest.approx([-2.0], abs=1e-4)
    best = lagrange(xy, -run.x[::-1] + [0.1, 0.0], equality=circle, seek="maximum", **given)
    assert best.fun == pytest.approx(0.5) and best.classification == "maximum"


def test_moves_off_a_saddle_against_the_gradients_rounding():
    d = np.array([1.0, 2.0, 3.0])
    run = lagrange(lambda x: d @ x**2, [0.0, 1.0, 0.0], equality=circle)
    assert run.fun == pytest.approx(1) and run.multipliers[0] == pytest.approx(-1)


def test_no_direction_left():
    run = lagrange(lambda x: x[0] ** 2, [1.0, 5.0], equality=lambda x: x - np.array([2.0, 3.0]))
    np.testing.assert_allclose(run.x, [2, 3])
    np.testing.assert_allclose(run.multipliers, [-4, 0], atol=1e-9)
    assert run.classification == "minimum" and run.curvatures.shape == (0,)
    assert run.names == ("equality[0]", "equality[1]") and "a single point" in str(run)


def test_flat_direction_is_degenerate():
    run = lagrange(
        lambda x: x[0] ** 2,
        [1.0, 5.0, 1.0],
        equality=lambda x: x[0] - 2,
        grad=lambda x: np.diag([2, 0, 0]) @ x,
    )
    assert run.success and run.classification == "degenerate"


def test_precision_of_a_crude_scheme_is_admitted():
    run = lagrange(xy, [1.0, 0.5], equality=circle, scheme="forward")
    # Forward differences err by 1e-8, so that no residual below can be told from zero.
    assert run.status is Status.CONVERGED_TO_PRECISION and run.success
    np.testing.assert_allclose(run.x, [np.sqrt(0.5), -np.sqrt(0.5)], atol=1e-7)


def test_steps_whose_gain_f_cannot_show():
    # 1e8 hides all of f below 1e-8, and the gradient below 1e-3, from the differences.
    run = lagrange(lambda x: 1e8 + np.cosh(x[0]) + x[1] ** 2, [1.0, 1.0], equality=lambda x: x[0] - 2 * x[1])
    assert run.status is Status.CONVERGED_TO_PRECISION
    np.testing.assert_allclose(run.x, 0, atol=0.05)


def test_dependent_constraints_are_named():
    run = lagrange(
        lambda x: x @ x,
        [3.0, -1.0, 0.5],
        equality=[
            lambda x: x[0] - 1,
            lambda x: np.array([x[0] + x[1] + x[2] - 1, 3.0 * (x[0] + x[1] + x[2] - 1)]),
        ],
    )
    assert run.status is Status.DEPENDENT_CONSTRAINTS and run.success
    assert run.dependent == (1, 2) and "equality[1][0], equality[1][1]" in run.message
    assert "equality[0]" not in run.message
    np.testing.assert_allclose(run.x, [1, 0, 0], atol=1e-8)
    # Shortest of those with lam_1 + 3 lam_2 = 0 and lam_0 = -2.
    np.testing.assert_allclose(run.multipliers, [-2, 0, 0], atol=1e-6)


def test_saddle_with_dependent_constraints_proves_nothing():
    run = lagrange(
        lambda x: x[0] * x[1],
        [0.0, 0.0, 1.0],
        equality=[lambda x: x[2] - 1, lambda x: 2 * x[2] - 2],
        seek="stationary",
    )
    assert run.status is Status.DEPENDENT_CONSTRAINTS and run.classification == "degenerate"
    assert (run.curvatures < 0).any() and (run.curvatures > 0).any()


@pytest.mark.parametrize("exact", [True, False])
def test_squared_constraint_has_a_vanishing_gradient(exact):
    given = {"grad": lambda x: 2 * x, "jac": lambda x: 2 * (x.sum() - 1) * np.ones(2)} if exact else {}
    run = lagrange(lambda x: x @ x, [1.0, 3.0], equality=lambda x: (x.sum() - 1) ** 2, **given)
    assert run.status is Status.DEPENDENT_CONSTRAINTS and run.dependent == (0,)
    # The violation is the square of the distance, so half the digits are lost.
    np.testing.assert_allclose(run.x, 0.5, atol=1e-6)


def test_gradient_that_is_short_for_a_good_reason_is_not_called_vanishing():
    run = lagrange(lambda x: x @ x, [20.0, 1.0], equality=lambda x: np.exp(x[0]) - 1 + x[1])
    assert run.status is Status.CONVERGED and run.dependent == ()
    assert run.fun == pytest.approx(0, abs=1e-12)


def test_constraints_that_contradict_each_other():
    run = fails(
        "cannot be met",
        lambda x: x @ x,
        [1.0, 0.0],
        equality=[lambda x: x[1] - 1, lambda x: x[1] - 2],
    )
    assert run.status is Status.INFEASIBLE and run.dependent == (0, 1)
    assert "equality[0] = 0.5" in run.message
    np.testing.assert_allclose(run.x, [0, 1.5], atol=1e-8)
    with pytest.raises(ConvergenceError, match="cannot be met"):
        run.check()


def test_more_constraints_than_variables():
    three = lambda level: lambda x: np.array([x[0] - 1, x[1] - 1, x[0] + x[1] - level])
    agree = lagrange(lambda x: x @ x, [1.0, 0.0], equality=three(2.0))
    assert agree.status is Status.DEPENDENT_CONSTRAINTS and agree.dependent == (0, 1, 2)
    np.testing.assert_allclose(agree.x, 1, atol=1e-9)
    differ = fails("cannot be met", lambda x: x @ x, [1.0, 0.0], equality=three(3.0))
    assert differ.status is Status.INFEASIBLE


def test_a_violation_at_its_maximum_is_left_sideways():
    # The gradient of x^2 - 1 vanishes at the start.
    run = lagrange(lambda x: (x[0] - 3) ** 2 + x[1] ** 2, [0.0, 1.0], equality=lambda x: x[0] ** 2 - 1)
    np.testing.assert_allclose(run.x, [1, 0], atol=1e-8)


@pytest.mark.parametrize(
    ("f", "x0"),
    [
        (lambda x: x[0], [0.0, 0.0]),
        (lambda x: -(x[0] ** 2), [1.0, 0.0]),
        (lambda x: -np.exp(x[0]), [1.0, 0.0]),
    ],
)
@pytest.mark.parametrize("seek", ["minimum", "maximum"])
def test_unbounded(f, x0, seek):
    sign = 1 if seek == "minimum" else -1
    run = fails("falls without limit", lambda x: sign * f(x), x0, equality=lambda x: x[1], seek=seek)
    assert run.status is Status.UNBOUNDED and sign * run.fun < -1e10
    assert ("Said of -f" in run.message) == (seek == "maximum")


def test_diverged_where_derivatives_end():
    def grad(x):
        return np.where(x > 0.5, 2 * x, np.nan)

    run = fails(
        "diverged",
        lambda x: x @ x,
        [2.0, 3.0],
        equality=lambda x: x[0] - x[1],
        grad=grad,
        jac=lambda x: [1.0, -1.0],
    )
    assert run.status is Status.DIVERGED
    np.testing.assert_array_equal(run.x, [2, 3])


def test_diverged_away_from_every_stationary_point():
    run = fails(
        "grew beyond",
        lambda x: 2 * np.sqrt(x[0]),
        [1.0, 0.0],
        equality=lambda x: x[1],
        grad=lambda x: np.array([1 / np.sqrt(x[0]), 0.0]),
        jac=lambda x: [0.0, 1.0],
        seek="stationary",
    )
    # Each Newton step triples x.
    assert run.status is Status.DIVERGED and run.nit == np.ceil(np.log(1e12) / np.log(3))


@pytest.mark.parametrize("f", [lambda x: np.nan, lambda x: np.where(x[0] > 0.9, np.inf, x[0])])
def test_not_finite_at_the_start(f):
    run = fails("not finite at the start", f, [1.0, 2.0], equality=circle)
    assert run.status is Status.NON_FINITE_START and run.nit == 0
    np.testing.assert_array_equal(run.x, [1, 2])


def test_iteration_limit_keeps_the_last_point():
    run = fails("iteration limit", xy, [1.0, 0.5], equality=circle, max_iterations=2)
    assert run.status is Status.MAX_ITERATIONS and run.nit == 2
    np.testing.assert_array_equal(run.x, run.trace["x"][-1])
    assert run.curvatures.size == 0 and np.isnan(run.curvature_error)


def test_callback_sees_states_and_stops():
    seen = []

    def callback(state):
        seen.append(state)
        return state.nit == 2

    run = fails("callback", xy, [1.0, 0.5], equality=circle, callback=callback)
    assert run.status is Status.STOPPED_BY_CALLBACK and run.nit == 2
    assert [s.nit for s in seen] == [1, 2] and all(isinstance(s, LagrangeState) for s in seen)
    assert seen[-1].fun == run.fun and seen[-1].violation == run.violation
    np.testing.assert_array_equal(seen[-1].multipliers, run.multipliers)
    assert repr(seen[0]).startswith("LagrangeState(nit=1, ")


def test_wrong_gradient_is_told():
    run = fails(
        "check_gradient",
        lambda x: x @ x,
        [1.0, 2.0],
        equality=lambda x: x[0] + x[1] - 1,
        grad=lambda x: -2 * x,
    )
    assert run.status is Status.LINE_SEARCH_FAILED and run.violation < 1e-12


def test_wrong_hessian_at_the_answer_is_told():
    run = fails(
        "negative eigenvalue",
        lambda x: x @ x,
        [0.5, 0.5],
        equality=lambda x: x[0] + x[1] - 1,
        grad=lambda x: 2 * x,
        jac=np.ones_like,
        hess=lambda x, lam: -np.eye(2),
    )
    assert run.status is Status.SADDLE and run.classification == "maximum"
    np.testing.assert_array_equal(run.x, 0.5)


@pytest.mark.parametrize(
    ("seek", "status"), [("minimum", Status.LINE_SEARCH_FAILED), ("stationary", Status.STALLED)]
)
def test_second_derivatives_that_are_not_finite(seek, status):
    run = fails(
        "No step|stopped falling",
        lambda x: x @ x,
        [1.0, 2.0],
        equality=lambda x: x[0] + x[1] - 1,
        hess=lambda x, lam: np.full((2, 2), np.nan),
        seek=seek,
    )
    assert run.status is status


def test_a_kind_that_cannot_be_told_is_degenerate():
    run = lagrange(
        lambda x: x @ x,
        [0.5, 0.5],
        equality=lambda x: x[0] + x[1] - 1,
        hess=lambda x, lam: np.full((2, 2), np.nan),
    )
    assert run.success and run.classification == "degenerate" and run.curvature_error == np.inf


def test_numbers_whose_squares_overflow_count_as_infinite():
    run = fails(
        "not finite at the start",
        lambda x: x @ x,
        [1.0, 2.0],
        equality=lambda x: x[0] + x[1] - 1,
        jac=lambda x: [1e200, 1.0],
    )
    assert run.status is Status.NON_FINITE_START


def test_inflection_is_no_place_to_start_newton():
    run = fails(
        "stopped falling",
        lambda x: x[0] ** 3 + x[0],
        [0.0, 0.0],
        equality=lambda x: x[1],
        seek="stationary",
        hess=lambda x, lam: np.diag([6 * x[0], 0]),
    )
    assert run.status is Status.STALLED


def test_points_outside_the_domain_are_stepped_back_from():
    def entropy(p):
        return np.sum(p * np.log(np.where(p > 0, p, np.nan)))

    run = lagrange(entropy, [0.98, 0.01, 0.01], equality=lambda p: p.sum() - 1)
    np.testing.assert_allclose(run.x, 1 / 3, atol=1e-8)
    assert run.multipliers[0] == pytest.approx(np.log(3) - 1)


def test_last_newton_step_out_of_the_domain_is_not_taken():
    # At the boundary of the domain the point itself is as good as it gets.
    run = lagrange(
        lambda x: x @ x if x[0] >= 0.5 else np.nan,
        [0.5, 0.5],
        equality=lambda x: (x[0] + x[1] - 1) * (1 + 1e-9),
        grad=lambda x: 2 * x + np.array([1e-10, 0]),
        jac=np.ones_like,
        hess=lambda x, lam: 2 * np.eye(2),
    )
    assert run.success
    np.testing.assert_array_equal(run.x, 0.5)


def test_progress_bar(capsys):
    pytest.importorskip("tqdm")
    lagrange(xy, [1.0, 0.5], equality=circle, progress=True)
    assert "lagrange" in capsys.readouterr().err


@pytest.mark.parametrize(("a", "b"), [(1e9, 1e-9), (1e6, 1e-6), (1e9, 1.0), (1e-9, 1.0), (1e120, 1e118)])
@pytest.mark.parametrize("seek", ["minimum", "stationary"])
def test_units_of_the_variables_do_not_matter(a, b, seek):
    # In units the problem is: least u² + v² with u + v = 1.
    result = lagrange(
        lambda x: (x[0] / a) ** 2 + (x[1] / b) ** 2,
        [3 * a, b],
        equality=lambda x: x[0] / a + x[1] / b - 1,
        seek=seek,
    )
    assert result.success and result.classification == "minimum"
    # Central differences know the gradient to eps^(2/3); Newton's step on top of them doubles the digits.
    np.testing.assert_allclose(result.x, [a / 2, b / 2], rtol=1e-8)
    np.testing.assert_allclose(result.multipliers, [-1], rtol=1e-8)
    np.testing.assert_allclose(result.jac, [1 / a, 1 / b], rtol=1e-8)
    np.testing.assert_allclose(result.constraint_jac, [[1 / a, 1 / b]], rtol=1e-8)
    np.testing.assert_allclose(result.trace["x"][0], [3 * a, b], rtol=1e-15)


def test_units_with_given_derivatives_on_a_circle():
    a, b = 1e9, 1e-9
    result = lagrange(
        lambda x: x[0] / a + x[1] / b,
        [3 * a, b],
        equality=lambda x: (x[0] / a) ** 2 + (x[1] / b) ** 2 - 1,
        grad=lambda x: np.array([1 / a, 1 / b]),
        jac=lambda x: 2 * x / np.array([a, b]) ** 2,
        hess=lambda x, lam: 2 * lam[0] * np.diag([a**-2, b**-2]),
    )
    assert result.success and result.classification == "minimum"
    np.testing.assert_allclose(result.x, [-a / 2**0.5, -b / 2**0.5], rtol=1e-8)
    np.testing.assert_allclose(result.multipliers, [0.5**0.5], rtol=1e-8)


def test_a_variable_that_starts_next_to_zero_is_not_forgotten():
    # In units of the start its gradient would be a billionth of what it is.
    result = lagrange(
        lambda x: (x[0] - 3) ** 2 + (x[1] - 1) ** 2 + x[2] ** 2,
        [1.0, 1e-9, 1.0],
        equality=lambda x: x[0] + x[2] - 1,
    )
    assert result.success
    np.testing.assert_allclose(result.x, [2, 1, -1], atol=1e-7)  # tol times the gradient of the start
