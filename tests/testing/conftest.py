"""Derivatives exact to rounding, by a step of 1e-100 along the imaginary axis."""

from types import SimpleNamespace

import numpy as np
import pytest

H = 1e-100


def _derivative(f, x):
    """All first derivatives of an analytic f, of shape f(x).shape + x.shape."""
    x = np.asarray(x, dtype=float)
    parts = []
    for index in np.ndindex(x.shape):
        z = x.astype(complex)
        z[index] += 1j * H
        parts.append(np.imag(f(z)) / H)
    joined = np.stack(parts, axis=-1)
    return joined.reshape(joined.shape[:-1] + x.shape)


def _gap(got, want):
    """The largest difference, relative to the largest number."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    size = np.max(np.abs(want), initial=0.0)
    return np.max(np.abs(got - want), initial=0.0) / (size if size > 0 else 1.0)


@pytest.fixture(scope="session")
def complex_step():
    return SimpleNamespace(derivative=_derivative, gap=_gap)
