"""Options of the optimizers and schedules: numbers in a range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["check_option"]


def check_option(
    options: Any, name: str, *, above: float | None = None, least: float = 0.0, below: float = math.inf
) -> None:
    """Check that an option of a frozen dataclass is a number in its range, and make it a Python float.

    A NumPy scalar would carry its own dtype into float32 arithmetic.
    """
    value: Any = getattr(options, name)
    if not isinstance(value, int | float | np.floating | np.integer) or isinstance(value, bool):
        msg = f"`{name}` must be a number, got {type(value).__name__} {value!r:.40}"
        raise TypeError(msg)
    value = float(value)
    lower = f"above {above:g}" if above is not None else f"at least {least:g}"
    if not ((value > above if above is not None else value >= least) and value < below):
        upper = "finite" if below == math.inf else f"below {below:g}"
        msg = f"`{name}` must be {lower} and {upper}, got {value!r}"
        raise ValueError(msg)
    object.__setattr__(options, name, value)
