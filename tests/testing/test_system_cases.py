"""Jacobians against the complex step; the roots are roots."""

import numpy as np
import pytest

from calcml.testing import broyden_tridiagonal, system_cases

CASES = system_cases()
NAMED = {case.name: case for case in CASES}


def by_name(case):
    return case.name


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_jacobian(case, complex_step):
    i = np.arange(case.x0.size)
    for x in (case.x0, case.x0 + 0.0137 * (i + 1)):
        J = np.asarray(case.jac(x), dtype=float)
        assert J.shape == (x.size, x.size)
        # At most ten terms of order one in each entry.
        assert complex_step.gap(J, complex_step.derivative(case.f, x)) < 1e-14


@pytest.mark.parametrize("case", [c for c in CASES if c.x is not None], ids=by_name)
def test_root(case):
    J = np.abs(np.asarray(case.jac(case.x), dtype=float))
    # Each component is rounded: F can be the Jacobian times half an ulp, and a few roundings of its terms.
    allowed = 1e-15 * (J @ np.abs(case.x) + np.abs(case.f(case.x0)) + 1)
    assert np.all(np.abs(case.f(case.x)) <= allowed)
    rank = np.linalg.matrix_rank(np.asarray(case.jac(case.x), dtype=float))
    assert bool(rank < case.x.size) is ("singular" in case.tags)


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_is_root(case):
    assert not case.is_root(case.x0)
    assert not case.is_root(np.full(case.x0.size, np.nan))
    if case.x is not None:
        assert case.is_root(case.x)
        assert case.is_root(case.x * (1 + 1e-9))


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("himmelblau", [-2.805118086952745, 3.131312518250573]), ("boggs", [-1.0, 2.0]),
        ("boggs", [-np.sqrt(0.5), 1.5]), ("singular_root", [-1.0, 1.0]),
        ("brown_almost_linear_10", [0.979430304] * 9 + [1.205696968]),
        ("trigonometric_5", [0.0] * 5),
    ],
)  # fmt: skip
def test_other_roots_count_as_well(name, x):
    case = NAMED[name]
    assert "several" in case.tags
    assert np.max(np.abs(np.array(x) - case.x)) > 1e-3
    assert case.is_root(x)
    assert not case.is_root(np.array(x) + 0.01)


def test_a_stationary_point_without_a_root_does_not_count():
    case = NAMED["no_root"]
    assert case.x is None
    assert not case.is_root([0.0, 0.0])


def test_powells_singular_function_near_its_root():
    case = NAMED["powell_singular"]
    assert case.is_root([1e-7, -1e-8, 5e-8, 5e-8])
    assert not case.is_root([1e-2, -1e-3, 5e-3, 5e-3])


def test_the_step_that_overflows():
    case = NAMED["overflow"]
    step = np.linalg.solve(case.jac(case.x0), case.f(case.x0))
    with np.errstate(over="ignore"):
        assert np.isinf(np.exp(case.x0 - step)[0])
    assert not np.all(np.isfinite(case.f(case.x0 - step)))


def test_one_function_in_two_catalogues():
    field, system = broyden_tridiagonal(10), NAMED["broyden_tridiagonal_10"]
    np.testing.assert_allclose(field.f(field.x), system.f(system.x0), rtol=1e-15)


def test_catalogue():
    assert len(CASES) >= 15
    assert len(NAMED) == len(CASES)
    assert all(not case.x0.flags.writeable for case in CASES)
    assert system_cases("no such tag") == ()
