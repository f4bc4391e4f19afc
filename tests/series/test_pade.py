"""Padé approximants and the radius of convergence."""

import math

import numpy as np
import pytest

from calcml.series import Pade, linearize, maclaurin, taylor
from calcml.series.pade import pade, radius

N = 20
SERIES = {
    "log": np.array([0.0] + [-((-1.0) ** k) / k for k in range(1, N + 1)]),
    "exp": np.array([1 / math.factorial(k) for k in range(N + 1)]),
    "geometric": 0.5 ** np.arange(N + 1),
    "runge": np.array([(-1.0) ** (k // 2) * (k % 2 == 0) for k in range(N + 1)]),
}
NONE = np.zeros(N + 1)


def test_rational_function_is_recovered():
    approximant = pade(SERIES["geometric"], NONE, 0.0, 5, 5)
    # 1 / (1 - x/2): the other degrees are found to be superfluous.
    np.testing.assert_allclose(approximant.numerator, [1], rtol=1e-14)
    np.testing.assert_allclose(approximant.denominator, [1, -0.5], rtol=1e-14)
    assert approximant.poles().real == pytest.approx([2])


def test_far_outside_the_disk():
    approximant = pade(SERIES["log"], NONE, 0.0, 6, 6)
    # The series itself gives -220 with as many terms.
    assert abs(approximant(2.0) - np.log(3)) < 1e-6
    assert approximant(np.zeros((2, 2))).shape == (2, 2)


def test_exact_pade_of_exp():
    approximant = pade(SERIES["exp"], NONE, 0.0, 2, 2)
    np.testing.assert_allclose(approximant.numerator, [1, 1 / 2, 1 / 12], rtol=1e-12)
    np.testing.assert_allclose(approximant.denominator, [1, -1 / 2, 1 / 12], rtol=1e-12)


def test_pure_polynomial():
    approximant = pade(np.array([1.0, 2.0, 3.0, 0, 0, 0]), np.zeros(6), 1.0, 3, 0)
    np.testing.assert_array_equal(approximant.numerator, [1, 2, 3])
    assert approximant(2.0) == 6
    assert approximant.poles().size == 0


def test_odd_function_and_zero():
    tangent = maclaurin(np.tan, 5).pade(3, 2)
    assert tangent(0.5) == pytest.approx(np.tan(0.5), abs=1e-4)
    zero = pade(np.zeros(5), np.zeros(5), 0.0, 2, 2)
    assert zero(3.0) == 0


def test_leading_zeros():
    # x / (1 + x): both ends of the table are trimmed.
    c = np.array([0.0, 1, -1, 1, -1, 1, -1])
    approximant = pade(c, np.zeros(7), 0.0, 3, 3)
    assert approximant(1.0) == pytest.approx(0.5, rel=1e-14)
    block = pade(np.array([0.0, 0, 1, 0, 0]), np.zeros(5), 0.0, 1, 2)
    assert block(3.0) == 0  # x^2 has no approximant of these degrees but zero


def test_noise_is_not_fitted():
    noise = 1e-9 * np.random.default_rng(0).standard_normal(N + 1)
    approximant = pade(SERIES["geometric"] + noise, np.full(N + 1, 4e-9), 0.0, 8, 8)
    assert approximant.denominator.size == 2


@pytest.mark.parametrize(
    ("name", "expected", "tolerance"),
    [("geometric", 2.0, 1e-12), ("runge", 1.0, 1e-12), ("log", 1.0, 0.03)],
)
def test_radius(name, expected, tolerance):
    assert radius(SERIES[name], NONE, 0.0) == pytest.approx(expected, rel=tolerance)


def test_radius_of_series():
    assert taylor(lambda x: 1 / x, 2.0, 6).radius() == pytest.approx(2.0, rel=1e-6)
    assert taylor(lambda x: x**3, 1.0, 6).radius() == np.inf
    # Entire: a number that grows with the degree.
    assert radius(SERIES["exp"][:9], NONE[:9], 0.0) < radius(SERIES["exp"], NONE, 0.0)


def test_pole_gives_infinity():
    approximant = pade(SERIES["geometric"], NONE, 0.0, 0, 1)
    # The denominator 1 - t/2 is solved for: what is left of it at t = 2 is a rounding of 1.
    assert np.abs(approximant(2.0)) > 1e15


def test_refusals():
    series = maclaurin(np.exp, 3)
    for m, n in ((-1, 2), (1.5, 1), (True, 1)):
        with pytest.raises(ValueError, match="`m` must be an integer of at least 0"):
            series.pade(m, n)
    with pytest.raises(ValueError, match="`m` \\+ `n` must be at most the degree 3, got 2 \\+ 2"):
        series.pade(2, 2)
    with pytest.raises(ValueError, match="`radius` needs a series of degree 2 at least"):
        maclaurin(np.exp, 1).radius()
    with pytest.raises(ValueError, match="`pade` needs a scalar function of one variable"):
        linearize(lambda x: np.array([x, x]), 0.0).pade(1, 0)


def test_card():
    approximant = maclaurin(lambda x: 1 / (1 + x), 4).pade(0, 1)
    assert isinstance(approximant, Pade)
    assert "denominator: [1. 1.]" in repr(approximant)


@pytest.mark.parametrize("method", [lambda s: s.pade(1, 1), lambda s: s.radius()])
def test_a_series_that_is_not_finite_is_refused(method):
    series = taylor(lambda x: np.nan, 0.0, 4)
    with pytest.raises(ValueError, match="must be finite, but coefficient 0 is nan"):
        method(series)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_powers_that_overflow_give_no_numpy_warnings():
    approximant = maclaurin(np.exp, 3).pade(1, 2)
    assert approximant(1e308) == 0.0
    assert np.isnan(approximant(np.inf))
