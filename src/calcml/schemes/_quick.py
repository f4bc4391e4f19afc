"""What the quick ways share: the numbers they take, and how they leave all else to the general way."""

from __future__ import annotations

import numpy as np

__all__ = ["DOUBLE", "EPS", "LARGE", "UnusualError"]

DOUBLE = np.dtype(np.float64)
EPS = float(np.finfo(np.float64).eps)
# Magnitudes whose steps, and whose squares, are far from the end of the range.
LARGE = 1e150


class UnusualError(Exception):
    """Something out of the ordinary, which the general way has to look at."""
