"""Every problem of the catalogue, with exact derivatives and with none."""

import numpy as np
import pytest

from calcml import Status
from calcml.constrained import lagrange
from calcml.errors import ConvergenceWarning
from calcml.testing import constrained_cases

CASES = constrained_cases()
REGULAR = [case for case in CASES if case.kind in {"minimum", "degenerate"} and case.name != "cusp"]


def derivatives(case, how):
    if how == "differences":
        return {}
    given = {"grad": case.grad, "jac": case.jac}
    return given | ({"hess": case.hess} if how == "hessian" and case.hess is not None else {})


def solve(case, how="exact", **options):
    return lagrange(case.f, case.x0, equality=case.equality, **derivatives(case, how), **options)


@pytest.mark.parametrize("how", ["hessian", "exact", "differences"])
@pytest.mark.parametrize("case", REGULAR, ids=lambda case: case.name)
def test_minimum_and_multipliers(case, how):
    run = solve(case, how)
    assert run.success and run.check() is run
    # Central differences of f err by about eps^(2/3) = 4e-11 of its size; ill-conditioned problems, and those
    # whose gradient is far smaller than f, lose more digits.
    tol = 1e-6 if how == "differences" else 1e-8
    if "several" in case.tags and abs(run.fun - case.fun) > tol * (1 + abs(case.fun)):
        # Another minimum is an answer, too, if it is one.
        assert np.abs(case.stationarity(run.x, run.multipliers)).max() < 1e-6
        assert run.classification == "minimum" and case.name == "hs47"
        return
    assert run.fun == pytest.approx(case.fun, rel=tol, abs=tol)
    assert np.abs(case.equality(run.x)).max() < 1e-7 * (1 + np.abs(case.x).max())
    assert run.classification == case.kind
    if case.multipliers is not None:
        np.testing.assert_allclose(run.multipliers, case.multipliers, atol=1e-7, rtol=1e-7)
    if case.kind == "minimum" and not case.tags & {"several"}:
        np.testing.assert_allclose(run.x, case.x, rtol=1e-6, atol=1e-6)
    assert run.status in (
        {Status.DEPENDENT_CONSTRAINTS}
        if "dependent" in case.tags
        else {Status.CONVERGED, Status.CONVERGED_TO_PRECISION}
    )


@pytest.mark.parametrize("name", ["xy_on_circle", "xy_on_circle_top", "middle_axis"])
@pytest.mark.parametrize("how", ["hessian", "exact", "differences"])
def test_stationary_points_are_found_where_they_are_near_and_classified(name, how):
    case = next(case for case in CASES if case.name == name)
    run = solve(case, how, seek="stationary")
    assert run.success and run.classification == case.kind
    np.testing.assert_allclose(run.x, case.x, atol=1e-9)
    np.testing.assert_allclose(run.multipliers, case.multipliers, atol=1e-9)


@pytest.mark.parametrize("how", ["exact", "differences"])
@pytest.mark.parametrize("seek", ["minimum", "stationary"])
def test_infeasible(seek, how):
    case = next(case for case in CASES if case.kind == "infeasible")
    with pytest.warns(ConvergenceWarning, match="cannot be met"):
        run = solve(case, how, seek=seek)
    assert run.status is Status.INFEASIBLE and not run.success
    # |x|^2 + 1 is least at the origin; the search stops where it falls by less than 1e-8 of itself.
    np.testing.assert_allclose(run.x, 0, atol=1e-3)


def test_cusp_where_no_multipliers_exist_ends_at_the_minimum_without_success():
    case = next(case for case in CASES if case.name == "cusp")
    with pytest.warns(ConvergenceWarning, match="Multipliers need not exist"):
        run = solve(case)
    assert not run.success and run.dependent == (0,)
    assert abs(run.fun - case.fun) < 1e-6
    assert np.abs(case.equality(run.x)).max() < 1e-12


def test_maximum_is_the_minimum_of_the_negative():
    case = next(case for case in CASES if case.name == "open_box")
    low = solve(case)
    high = lagrange(
        lambda x: -case.f(x),
        case.x0,
        equality=case.equality,
        grad=lambda x: -case.grad(x),
        jac=case.jac,
        seek="maximum",
    )
    np.testing.assert_array_equal(high.x, low.x)
    np.testing.assert_array_equal(high.multipliers, -low.multipliers)
    np.testing.assert_array_equal(high.curvatures, -low.curvatures[::-1])
    assert (low.classification, high.classification) == ("minimum", "maximum")
    assert high.fun == -low.fun
