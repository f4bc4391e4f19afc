"""Draws for tests of thresholds: values exactly at them, and the numbers next to them."""

import math

import numpy as np


def near(rng, *values, shape):
    """Draw, per entry, one of some values or of the numbers next to it."""
    choice = rng.integers(0, len(values), shape)
    value = np.choose(choice, [np.broadcast_to(v, shape) for v in values])
    side = rng.integers(0, 4, shape)
    with np.errstate(all="ignore"):
        above, below = np.nextafter(value, math.inf), np.nextafter(value, 0)
    return np.where(side == 0, above, np.where(side == 1, below, value))
