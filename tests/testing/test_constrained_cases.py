"""First-order and second-order conditions hold at the stated answers."""

import numpy as np
import pytest

from calcml.testing import constrained_cases

CASES = constrained_cases()
SOLVED = [case for case in CASES if case.multipliers is not None]
NAMED = {case.name: case for case in CASES}

# Values as printed by Hock and Schittkowski, or found by hand; multipliers for L = f + lam . c.
PUBLISHED = {
    "hs06": (0.0, [0]), "hs07": (-1.7320508, [0.28868]), "hs09": (-0.5, [-0.03272]), "hs27": (0.04, [0.04]),
    "hs39": (-1.0, [-1, -1]), "hs40": (-0.25, [0.5, -0.47194, 0.35355]), "hs42": (13.8578644, [-2, 2.53553]),
    "hs47": (-0.0267142, [-0.08182, -0.69790, 0.12185]), "hs52": (5.32664756, [3.27794, 2.90544, -7.74785]),
    "hs53": (4.09302326, [2.04651, 2.23256, -5.95349]), "hs56": (-3.456, [0, 0, 0, 1.44]),
    "hs61": (-143.6461422, [-0.88768, -1.73778]), "hs63": (961.7151721, [0.27494, 1.22346]),
    "hs77": (0.24150513, [-0.08554, -0.03188]), "hs78": (-2.91970041, [0.74445, -0.70358, 0.09681]),
    "hs79": (0.07877682, [-0.03882, -0.01673, -0.00029]),
    "hs111": (-47.7610909, [9.78506, 12.96892, 15.22206]), "bt1": (-1.0, [-99.5]), "maratos": (-1.0, [-1.5]),
    "byrd_spheres": (-4.68330013, None), "entropy_of_die": (-1.61358, [2.28330, -0.37105]),
    "ellipse_distance": (3.85749, [2.95486]), "open_box": (-4.0, [0.5]),
}  # fmt: skip


def by_name(case):
    return case.name


def lagrangian_hessian(case, x, lam, complex_step):
    return complex_step.derivative(lambda z: case.grad(z) + np.asarray(case.jac(z)).T @ lam, x)


def points(case):
    i = np.arange(1, case.x0.size + 1)
    near = [] if case.x is None else [case.x * 1.01 + 1e-3 * i]
    return [np.abs(case.x0) * 1.003 + 0.0137 * i, *near]


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_gradient_and_jacobian(case, complex_step):
    for x in points(case):
        # A few dozen roundings.
        assert complex_step.gap(case.grad(x), complex_step.derivative(case.f, x)) < 1e-13
        assert complex_step.gap(case.jac(x), complex_step.derivative(case.equality, x)) < 1e-13
        assert np.shape(case.jac(x)) == (np.size(case.equality(x)), x.size)


@pytest.mark.parametrize("case", [c for c in CASES if c.hess], ids=by_name)
def test_hessian_of_the_lagrangian(case, complex_step):
    lam = np.arange(1.0, 1 + np.size(case.equality(case.x0)))
    for x in points(case):
        want = lagrangian_hessian(case, x, lam, complex_step)
        assert complex_step.gap(case.hess(x, lam), want) < 1e-13


@pytest.mark.parametrize("case", SOLVED, ids=by_name)
def test_first_order_conditions(case, complex_step):
    n = case.x.size
    residual = np.abs(case.stationarity(case.x, case.multipliers))
    assert residual.shape == (n + case.multipliers.size,)
    # Rounding of each term, and of x and the multipliers themselves.
    J = np.abs(np.asarray(case.jac(case.x), dtype=float))
    H = np.abs(lagrangian_hessian(case, case.x, case.multipliers, complex_step))
    gradient = np.abs(case.grad(case.x)) + J.T @ np.abs(case.multipliers) + H @ np.abs(case.x)
    constraint = J @ np.abs(case.x) + np.abs(case.equality(0 * case.x0 + 1))
    assert np.all(residual <= 2e-15 * np.concatenate([gradient, constraint]) + 1e-15)


@pytest.mark.parametrize("case", SOLVED, ids=by_name)
def test_kind_by_the_projected_hessian(case, complex_step):
    J = np.asarray(case.jac(case.x), dtype=float)
    _, s, rows = np.linalg.svd(J)
    free = rows[np.count_nonzero(s > 1e-10 * s[0]) :].T
    H = lagrangian_hessian(case, case.x, case.multipliers, complex_step)
    curvature = np.linalg.eigvalsh(free.T @ H @ free)
    # Eigenvalues of the problems start at 1e-5 of the largest one; rounding is below 1e-12.
    small = 1e-9 * np.max(np.abs(H))
    kinds = {
        (False, False, True): "minimum", (True, False, False): "maximum", (True, False, True): "saddle",
        (False, True, True): "degenerate",
    }  # fmt: skip
    found = (curvature < -small, np.abs(curvature) <= small, curvature > small)
    assert kinds[tuple(bool(np.any(some)) for some in found)] == case.kind


@pytest.mark.parametrize("case", [c for c in CASES if c.x is not None], ids=by_name)
def test_value(case):
    # The chemical equilibrium sums ten terms of up to 40.
    assert case.f(case.x) == pytest.approx(case.fun, rel=1e-14, abs=1e-30)
    assert isinstance(case.fun, float)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_answers(name):
    fun, multipliers = PUBLISHED[name]
    case = NAMED[name]
    assert case.fun == pytest.approx(fun, abs=1e-7 * max(1, abs(fun)) + 5e-6 * (len(str(fun)) < 9))
    if multipliers is not None:
        np.testing.assert_allclose(case.multipliers, multipliers, rtol=0, atol=6e-6)


def test_multiplier_is_the_price_of_the_constraint():
    # d fun / d budget = -lam, from the closed form of the optimum: fun is proportional to the budget.
    case = NAMED["cobb_douglas"]
    assert case.multipliers[0] == pytest.approx(-case.fun / 20000, rel=1e-15)


def test_rayleigh_quotient_gives_an_eigenvalue():
    case = NAMED["rayleigh"]
    values, vectors = np.linalg.eigh([[2.0, 1, 0], [1, 3, 1], [0, 1, 4]])
    assert case.multipliers[0] == pytest.approx(values[-1], rel=1e-14)
    assert abs(case.x @ vectors[:, -1]) == pytest.approx(1, rel=1e-14)


def test_dependent_constraints():
    redundant, cusp = NAMED["redundant"], NAMED["cusp"]
    assert np.linalg.matrix_rank(redundant.jac(redundant.x)) == 1
    shortest = -np.linalg.pinv(redundant.jac(redundant.x).T) @ redundant.grad(redundant.x)
    np.testing.assert_allclose(redundant.multipliers, shortest, rtol=1e-14)
    assert cusp.multipliers is None
    assert np.all(cusp.jac(cusp.x) == 0)
    assert np.any(cusp.grad(cusp.x) != 0)
    t = np.linspace(-1, 1, 21)
    curve = np.stack([np.abs(t) ** 2, t**3])  # the points that satisfy x1^3 = x2^2
    np.testing.assert_allclose(cusp.equality(curve), 0, atol=1e-15)
    assert np.all(cusp.f(curve) >= cusp.fun)


def test_infeasible():
    case = NAMED["infeasible"]
    assert case.x is None
    assert case.multipliers is None
    assert np.isnan(case.fun)
    assert np.all([case.equality(np.array([a, b])) >= 1 for a in (-2.0, 0.0, 3.0) for b in (-1.0, 0.0, 5.0)])


def test_jacobians_can_be_written_to():
    for name in ("hs28", "redundant"):
        case = NAMED[name]
        before = case.jac(case.x0).copy()
        case.jac(case.x0)[:] = 7
        assert np.array_equal(case.jac(case.x0), before)


def test_catalogue():
    assert len(CASES) >= 35
    assert len(NAMED) == len(CASES)
    assert all(not case.x0.flags.writeable for case in CASES)
    assert all(not case.multipliers.flags.writeable for case in SOLVED)
    assert len(constrained_cases("teaching")) == 9
    assert constrained_cases("no such tag") == ()
    assert {case.kind for case in CASES} == {"minimum", "maximum", "saddle", "degenerate", "infeasible"}
