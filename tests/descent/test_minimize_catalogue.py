"""Problems times methods: what is solved, what is refused, and that nothing is claimed wrongly."""

import warnings

import numpy as np
import pytest

from calcml import Status
from calcml.descent import minimize
from calcml.testing import minimum_cases

CASES = {case.name: case for case in minimum_cases()}
# Chained Rosenbrock functions of four and more variables have a second minimum near (-1, 1, ..., 1),
# f = 3.9866 for ten.
LOCAL = {"rosenbrock_10": 3.986579112347}
# Without a minimum there is nothing to solve; a start on top of the cosine is reported, not left.
UNSOLVABLE = {"unbounded": Status.UNBOUNDED, "cosine_top": Status.SADDLE}


def run(case, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return minimize(case.f, case.x0, **options)


def solved(case, result):
    local = LOCAL.get(case.name)
    return case.solved_locally(result.x) or (
        local is not None and abs(result.fun - local) < 1e-8 * case.f(case.x0)
    )


@pytest.mark.parametrize("method", ["bfgs", "lbfgs"])
@pytest.mark.parametrize("name", CASES)
def test_exact_gradients(name, method):
    case = CASES[name]
    result = run(case, method=method, grad=case.grad)
    if name in UNSOLVABLE:
        assert result.status is UNSOLVABLE[name]
    else:
        assert result.success
        assert solved(case, result)


@pytest.mark.parametrize("name", CASES)
def test_default_call_with_differences(name):
    case = CASES[name]
    result = run(case)
    assert result.nfev == result.trace["nfev"][-1]
    if name in UNSOLVABLE:
        assert result.status is UNSOLVABLE[name]
    else:
        assert result.success
        assert solved(case, result)


# McCormick's function has no least value; from its start Newton's step leads far along the valley to another
# of its infinitely many minima.
@pytest.mark.parametrize("name", [n for n in CASES if n != "mccormick"])
def test_newton_with_exact_derivatives_leaves_saddles(name):
    case = CASES[name]
    result = run(case, method="newton", grad=case.grad, hess=case.hess)
    if name == "unbounded":
        assert result.status is Status.UNBOUNDED
    else:
        assert result.success
        assert solved(case, result)


EASY = ("rosenbrock", "beale", "himmelblau", "booth", "poisson_regression", "log_barrier", "easom")


# Steepest descent takes tens of thousands of iterations along the valley of `rosenbrock`.
SIMPLE = [
    (name, method)
    for name in EASY
    for method in ("steepest", "momentum", "nesterov", "barzilai-borwein")
    if (name, method) != ("rosenbrock", "steepest")
]


@pytest.mark.parametrize(("name", "method"), SIMPLE)
def test_gradient_methods_on_well_scaled_problems(name, method):
    case = CASES[name]
    result = run(case, method=method, grad=case.grad)
    assert result.success
    assert solved(case, result)


@pytest.mark.parametrize("name", ["rosenbrock", "wood", "brown_dennis"])
@pytest.mark.parametrize("a", [1e-8, 1e8])
def test_nothing_depends_on_the_units_of_f(name, a):
    # A power of two close to a scales every number exactly, so that even rounding is the same.
    a = 2.0 ** round(np.log2(a))
    case = CASES[name]
    plain = run(case, grad=case.grad)
    other = minimize(lambda x: a * case.f(x), case.x0, grad=lambda x: a * case.grad(x))
    assert other.nit == plain.nit
    assert np.array_equal(other.x, plain.x)


@pytest.mark.parametrize("method", ["bfgs", "lbfgs", "newton"])
def test_a_constant_changes_the_result_only_by_rounding(method):
    case = CASES["rosenbrock"]
    result = minimize(lambda x: case.f(x) + 100.0, case.x0, grad=case.grad, method=method)
    assert result.success
    # f is known to 1e-14 here and its curvature is 0.4 at least, so x is known to 1e-7 from values and better
    # from gradients.
    assert np.allclose(result.x, 1, atol=1e-6)
