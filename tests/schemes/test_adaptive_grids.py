"""Adaptive beside tables whose nodes are binary fractions: its own nodes must not share their grid."""

import numpy as np
import pytest

import calcml as cm


@pytest.mark.parametrize("octaves", [6, 9, 10, 11, 13])
def test_tables_on_a_binary_grid(octaves):
    at = np.linspace(0, 1, 2**octaves + 1)
    table = np.exp(3 * at)
    x = np.random.default_rng(octaves).uniform(0.1, 0.9, 200)
    estimate = cm.estimate_derivative(lambda t: np.interp(t, at, table), x)
    place = np.searchsorted(at, x)
    piece = (np.diff(table) / np.diff(at))[place - 1]
    # The slope of the piece and that of the smooth function are both right answers.
    off = np.minimum(np.abs(estimate.value - piece), np.abs(estimate.value - 3 * np.exp(3 * x)))
    silent = (estimate.status == cm.Status.OK) & (off > 10 * estimate.error)
    assert silent.mean() <= 0.02


def test_a_wave_with_a_binary_period():
    x = np.random.default_rng(0).uniform(0.5, 3, 200)
    estimate = cm.estimate_derivative(lambda t: np.sin(t) + 1e-8 * np.sin(2 * np.pi * 2**40 * t), x)
    off = np.abs(estimate.value - np.cos(x))
    # The wave of 1e-8 counts as noise: what is left over steps of a tenth.
    assert (off <= np.maximum(estimate.error, 1e-6)).mean() > 0.95
