"""Adaptive where neither x nor f says anything of a scale: at zeros of all kinds."""

import numpy as np
import pytest

import calcml as cm


@pytest.mark.parametrize("power", [2, 3, 4, 5, 20])
@pytest.mark.parametrize("center", [0.0, 1.0])
def test_powers_at_their_zero(power, center):
    estimate = cm.estimate_derivative(lambda x: (x - center) ** power, center)
    assert abs(estimate.value) <= estimate.error
    # Nothing else in f than the power: what is left of a step of 1e-7 or less.
    assert estimate.error < 1e-14
    assert estimate.status == cm.Status.OK


def test_second_derivatives_of_powers():
    for power in (3, 4, 5):
        estimate = cm.estimate_derivative(lambda x, k=power: x**k, 0.0, 2)
        # Odd powers cancel.  Of an even one rounding is left, many digits below the square of the step.
        assert abs(estimate.value) <= (1e-12 * estimate.step**2 if power == 4 else 0.0)
        assert abs(estimate.value) <= estimate.error and estimate.success


def test_an_even_output_beside_an_odd_one():
    # A step of 1e-8 is long enough for the sine, and moves the cosine by nothing.
    estimate = cm.estimate_jacobian(lambda x: np.array([np.cos(x[0]), np.sin(x[0])]), [0.0])
    assert estimate.success
    np.testing.assert_allclose(estimate.value[:, 0], [0, 1], atol=1e-13)
    assert (estimate.error < 1e-12).all()
    complex_one = cm.estimate_derivative(lambda t: np.exp(1j * t), 0.0)
    assert complex_one.success and abs(complex_one.value - 1j) <= complex_one.error < 1e-12


@pytest.mark.parametrize("angle", [1e-12, 1.1279327696190112e-08, -1e-6, 1e-4])
def test_beside_zero(angle):
    estimate = cm.estimate_jacobian(lambda x: np.array([np.cos(x[0]), np.sin(x[0])]), [angle])
    exact = np.array([-np.sin(angle), np.cos(angle)])
    assert estimate.success
    assert (np.abs(estimate.value[:, 0] - exact) <= estimate.error[:, 0]).all()
    assert (estimate.error < 1e-7).all()


def test_f_of_nothing_but_rounding_at_short_steps():
    # 1 - cos h is 0 or 1e-16 at steps of 1e-8.
    estimate = cm.estimate_derivative(lambda x: 1 - np.cos(x), 0.0)
    assert estimate.success and abs(estimate.value) <= estimate.error < 1e-12


def test_longer_steps_on_one_side_too():
    f = lambda x: np.array([np.cos(x[0]), np.sin(x[0])])
    estimate = cm.estimate_jacobian(f, [0.0], bounds=(0.0, 2.0))
    assert estimate.success
    np.testing.assert_allclose(estimate.value[:, 0], [0, 1], atol=1e-9)


def test_kinks_at_zero_are_told_all_the_same():
    for f in (np.abs, lambda x: np.sqrt(np.abs(x)), lambda x: np.where(x > 0, 1.0, 0.0)):
        estimate = cm.estimate_derivative(f, 0.0)
        assert estimate.status == cm.Status.INACCURATE


def test_noise_does_not_become_a_sure_zero():
    rng = np.random.default_rng(0)
    statuses = [cm.estimate_derivative(lambda x: rng.uniform(-1, 1), 0.0).status for _ in range(50)]
    assert np.mean(np.array(statuses) == cm.Status.INACCURATE) > 0.9


def test_a_second_look_is_counted_and_only_at_zero():
    calls = []

    def f(x):
        calls.append(x)
        return 1 - np.cos(x)

    assert cm.estimate_derivative(f, 0.0).nfev == len(calls)
    shifted = cm.estimate_derivative(lambda x: np.sin(x - 1), 1.0)
    assert shifted.success and shifted.nfev <= 25
