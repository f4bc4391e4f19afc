"""Gradients against the complex step; the stated minima are minima, with the published values."""

import numpy as np
import pytest

from calcml.testing import minimum_cases

CASES = minimum_cases()
SOLVED = [case for case in CASES if case.x is not None]
NAMED = {case.name: case for case in CASES}

# The values printed in Moré, Garbow and Hillstrom (1981) and in the usual collections.
PUBLISHED = {
    "jennrich_sampson": 124.362, "bard": 8.21487e-3, "gaussian_fit": 1.12793e-8, "meyer": 87.9458,
    "kowalik_osborne": 3.07505e-4, "brown_dennis": 85822.2, "osborne_1": 5.46489e-5, "watson_6": 2.28767e-3,
    "penalty_10": 7.08765e-5, "six_hump_camel": -1.0316285, "branin": 0.397887, "mccormick": -1.9133,
    "styblinski_tang_4": -156.66466, "boyd_exponentials": 2.5592667,
}  # fmt: skip


def by_name(case):
    return case.name


def points(case):
    """Points near the start and near the answer, off every symmetry."""
    i = np.arange(1, case.x0.size + 1)
    near = [] if case.x is None else [case.x * (1 + 1e-3 * i) + 1e-4]
    return [case.x0 * 1.003 + 0.0137 * i, *near]


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_gradient(case, complex_step):
    for x in points(case):
        # Sums of up to 33 squares of exponentials; near the answer they nearly cancel.
        assert complex_step.gap(case.grad(x), complex_step.derivative(case.f, x)) < 1e-12


@pytest.mark.parametrize("case", [c for c in CASES if c.hess], ids=by_name)
def test_hessian(case, complex_step):
    for x in points(case):
        assert complex_step.gap(case.hess(x), complex_step.derivative(case.grad, x)) < 1e-13


@pytest.mark.parametrize("case", SOLVED, ids=by_name)
def test_answer_is_stationary(case, complex_step):
    # Every term of the gradient is known to a rounding; the sum of their sizes is the Hessian times x, or
    # the slope of the residuals, whichever is larger. The answer itself is rounded too.
    H = complex_step.derivative(case.grad, case.x)
    size = np.abs(H) @ np.maximum(np.abs(case.x), 1e-3) + np.abs(case.grad(case.x0))
    assert np.all(np.abs(case.grad(case.x)) <= 1e-13 * size)


@pytest.mark.parametrize("case", SOLVED, ids=by_name)
def test_answer_has_the_stated_value_and_is_lowest_nearby(case, complex_step):
    # Residuals are differences of numbers up to 1e4 times as large.
    rounding = 1e-11 if "least squares" in case.tags else 1e-14
    value = case.f(case.x)
    assert value == pytest.approx(case.fun, rel=rounding, abs=1e-30)
    eigenvalues = np.linalg.eigvalsh(complex_step.derivative(case.grad, case.x))
    # Powell's singular function and the Hilbert matrix have zero, or nearly zero, curvature.
    assert eigenvalues[0] >= -1e-9 * eigenvalues[-1]
    rng = np.random.default_rng(0)
    for _ in range(50):
        step = rng.normal(size=case.x.size) * np.maximum(np.abs(case.x), 1e-3)
        assert case.f(case.x + 1e-3 * step) >= value - rounding * abs(value)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_values(name):
    # Printed with 5 to 9 digits, rounded or cut off.
    assert NAMED[name].fun == pytest.approx(PUBLISHED[name], rel=5e-5)


@pytest.mark.parametrize(
    ("name", "x", "fun"),
    [
        ("freudenstein_roth", [11.412778984, -0.896805253], 48.98425367924),
        ("bard", [0.840666667, -1e9, -1e9], 17.4286933),
        (
            "rosenbrock_10",
            [
                *(-0.99326337, 0.99660604, 0.99824061, 0.99898843, 0.99922615),
                *(0.99907365, 0.99845418, 0.99705625, 0.99417938, 0.98839263),
            ],
            3.986579112347139,
        ),
        ("six_hump_camel", [1.70360671, -0.79608357], -0.21546382438371),
        ("six_hump_camel", [1.60710475, 0.56865145], 2.104250310311),
        ("goldstein_price", [-0.6, -0.4], 30.0),
        ("goldstein_price", [1.8, 0.2], 84.0),
        ("goldstein_price", [1.2, 0.8], 840.0),
    ],
)
def test_other_minima(name, x, fun):
    case = NAMED[name]
    assert fun in case.others
    assert case.f(np.array(x)) == pytest.approx(fun, rel=1e-7)
    assert np.max(np.abs(case.grad(np.array(x)))) < 1e-4 * np.max(np.abs(case.grad(case.x0)))
    assert case.solved_locally(x)
    assert not case.solved(x)


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_solved(case):
    assert case.solved(case.x0) is (case.name == "rosenbrock_solved_start")
    if case.x is None:
        assert not case.solved(np.full(case.x0.size, 5.0))
        return
    assert case.solved(case.x)
    assert case.solved_locally(case.x)
    assert not case.solved(np.full(case.x.size, np.nan))
    half = case.x0 + 0.5 * (case.x - case.x0)
    if "start" not in case.name and "several" not in case.tags:
        assert not case.solved(half)


def test_unbounded_and_unattained():
    unbounded, unattained = NAMED["unbounded"], NAMED["unattained"]
    assert unbounded.fun == -np.inf
    assert not unbounded.solved([0.0, 1e9])
    assert unattained.fun == 0.0
    assert not unattained.solved([10.0])
    assert unattained.solved([40.0])


def test_same_problem_in_other_units():
    base, tiny = NAMED["rosenbrock"], NAMED["rosenbrock_times_1e-8"]
    mixed, shifted = NAMED["rosenbrock_mixed_units"], NAMED["rosenbrock_plus_1e6"]
    assert tiny.f(base.x0) == 1e-8 * base.f(base.x0)
    assert mixed.f(mixed.x0) == pytest.approx(base.f(base.x0), rel=1e-13)
    assert mixed.x.tolist() == [1e6, 1e-3]
    assert shifted.f(base.x0) == base.f(base.x0) + 1e6
    assert tiny.solved([1.0, 1.00001])
    assert not tiny.solved([1.0, 1.1])


@pytest.mark.parametrize("name", ["saddle_start", "cosine_top"])
def test_saddle_starts_have_no_descent_where_they_start(name):
    case = NAMED[name]
    H = case.hess(case.x0)
    assert np.linalg.eigvalsh(H)[0] < 0
    v = np.linalg.eigh(H)[1][:, 0]
    assert abs(case.grad(case.x0) @ v) == 0


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_no_warnings_far_away(case):
    for x in (np.full(case.x0.size, -1e4), np.zeros(case.x0.size), np.full(case.x0.size, 1e200)):
        case.f(x)
        case.grad(x)


def test_catalogue():
    assert len(CASES) >= 40
    assert len(NAMED) == len(CASES)
    assert all(not case.x0.flags.writeable for case in CASES)
    assert all(not case.x.flags.writeable for case in SOLVED)
    assert len(minimum_cases("least squares")) == 21
    assert len(minimum_cases("trap")) == 10
    assert minimum_cases("no such tag") == ()
    assert np.isnan(NAMED["log_barrier"].f(np.array([-1.0, 2.0])))
