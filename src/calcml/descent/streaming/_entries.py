"""What is wrong with a set of named arrays, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["first_bad"]


def first_bad(named: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the name of the first entry that is not finite and the words "is nan at index ..."."""
    for label, array in named.items():
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            place = f" at index {index if len(index) > 1 else index[0]}" if index else ""
            return label, f"is {np.asarray(array)[index]}{place}"
    return None
