"""From a design matrix to a solution: what the linear fits share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calcml._typing import FloatArray
from calcml.fitting._assemble import Solution
from calcml.fitting._data import Data
from calcml.fitting._identify import describe_null
from calcml.fitting._least_squares import LinearSolution
from calcml.fitting._statistics import sum_of_squares

__all__ = ["direct"]


def direct(
    data: Data,
    names: tuple[str, ...],
    model: Callable[..., Any],
    solved: LinearSolution,
    design: FloatArray,
    *,
    transform: FloatArray | None = None,
    columns: FloatArray | None = None,
) -> Solution:
    """Return the solution for the coefficients of the design's columns.

    A well-conditioned design may stand in for the one that the user asked for: then `columns` are the user's,
    and `transform` turns coefficients of the one into coefficients of the other.
    """
    values, spread = solved.values, solved.spread
    A = data.sigma.whiten(np.asarray(design if columns is None else columns, dtype=np.float64))
    if transform is not None:
        values = transform @ values
        spread = spread.transformed(transform, np.linalg.norm(A, axis=0))
    return Solution(
        names=names,
        values=values.astype(np.float64),
        model=model,
        fixed=np.zeros(len(names), dtype=bool),
        blocked=np.zeros(len(names), dtype=bool),
        spread=spread,
        y=data.y,
        fitted=(design @ solved.values).astype(np.float64),
        whitened=solved.residuals,
        jacobian=A,
        chi2=sum_of_squares(solved.residuals),
        absolute=data.absolute,
        null=describe_null(names, values.astype(np.float64), spread, lambda c: A @ c, linear=True),
    )
