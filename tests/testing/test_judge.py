"""digits and honest, on every kind of number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml.testing import digits, honest


@pytest.mark.parametrize(
    ("value", "exact", "want"),
    [
        (1.001, 1.0, 3.0), (1.0, 1.0, 16.0), (0.0, 0.0, 16.0), (1e-5, 0.0, 5.0), (3.0, 1.0, 0.0),
        (np.nan, 1.0, 0.0), (np.inf, 1.0, 0.0), (np.inf, np.inf, 16.0), (1.0, np.inf, 0.0),
        (1.0, np.nan, 0.0),
        (np.nan, np.nan, 0.0), (1 + 1e-4j, 1.0, 4.0), (-1e300, 1e300, 0.0), (1e-310, 2e-310, 0.30103),
        (np.float32(1.5), 1.5, 16.0), (7, 7, 16.0),
    ],
)  # fmt: skip
def test_digits(value, exact, want):
    got = digits(value, exact)
    assert got.shape == ()
    # The relative error of 1.001 is itself only known to 1e-13.
    assert got == pytest.approx(want, abs=1e-5)


def test_digits_broadcasts():
    got = digits(np.array([[1.0], [1.01]]), np.array([1.0, 1.0, 1.0]))
    assert got.shape == (2, 3)
    assert digits([], 1.0).shape == (0,)


@given(exact=st.floats(1e-100, 1e100), k=st.integers(1, 14))
def test_digits_do_not_depend_on_the_unit(exact, k):
    # Rounding of value and of exact moves a relative error of 1e-14 by a few percent at most.
    assert digits(exact * (1 + 10.0**-k), exact) == pytest.approx(k, abs=0.05)


@pytest.mark.parametrize(
    ("error", "value", "exact", "want"),
    [
        (0.2, 1.1, 1.0, True), (0.05, 1.1, 1.0, False), (0.0, 1.0, 1.0, True), (0.0, 1 + 4e-16, 1.0, True),
        (0.0, 1 + 4e-15, 1.0, False), (np.inf, 3.0, 1.0, True), (np.nan, 3.0, 1.0, True),
        (1.0, np.nan, 1.0, False), (1.0, np.inf, 1.0, False), (1.0, np.inf, np.inf, True),
        (0.2, 1 + 0.1j, 1.0, True), (np.inf, np.nan, 1.0, True),
    ],
)  # fmt: skip
def test_honest(error, value, exact, want):
    got = honest(error, value, exact)
    assert got.shape == ()
    assert bool(got) is want


def test_honest_options_and_shapes():
    assert honest([0.1, 0.1], [1.15, 1.25], 1.0, factor=2).tolist() == [True, False]
    assert not honest(0.0, 1 + 4e-16, 1.0, ulps=0)
    assert honest(np.zeros((2, 1)), np.ones(3), 1.0).shape == (2, 3)
