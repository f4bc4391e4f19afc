"""Multivariate coefficients from series along lines.

Along x + t v the part of degree k of f is c_k = sum over |alpha| = k of a_alpha v^alpha: linear equations for
the coefficients a_alpha, one for each direction.  Random directions, twice as many as unknowns, and columns
scaled by sqrt(k!/alpha!) (the norm in which monomials are equally long on the sphere) keep the condition of
the least-squares problem around 100 or less.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.schemes.base import Coefficient
from calcml.series._monomials import by_degree, count, exponents, monomials

__all__ = ["Table", "collect", "directions"]

OVERSAMPLING = 2
PARDON = 0.01


@dataclass(frozen=True, eq=False)
class Table:
    """Coefficients, errors and codes of `Status`, shape (count, M), and the majorant, shape (degrees, M)."""

    value: FloatArray
    error: FloatArray
    status: IntArray
    majorant: FloatArray


def directions(scale: FloatArray, degree: int, rng: Any) -> FloatArray:
    """Return unit directions in units of `scale`, as many as coefficients up to the degree need."""
    n = scale.size
    if n == 1:
        return np.ones((1, 1))
    top = count(n, degree) - count(n, degree - 1) if degree else 1
    if degree <= 1:
        # The coordinate axes give first derivatives at once; for the rest of the series a few more are tried.
        extra = np.random.default_rng(rng).standard_normal((n, n))
        return np.concatenate([np.eye(n), extra / np.linalg.norm(extra, axis=1, keepdims=True)])
    vectors = np.random.default_rng(rng).standard_normal((OVERSAMPLING * top, n))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def collect(series: list[Coefficient], vectors: FloatArray, scale: FloatArray, degree: int) -> Table:
    """Return the coefficients of f from those along the lines x + t scale v."""
    n = scale.size
    table = exponents(n, degree)
    parts = [_solve(series[k], vectors, table[rows]) for k, rows in enumerate(by_degree(n, degree))]
    units = np.prod(scale**table, axis=1)[:, None]
    value, error, status = (np.concatenate(part) for part in zip(*parts, strict=True))
    # The largest part of each degree that any line has seen; errors of its own order hide a part entirely.
    majorant = np.array([np.max(np.abs(c.value) + _error(c), axis=0) for c in series])
    status = _pardoned(status, error, table.sum(axis=1), majorant)
    return Table(value / units, error / units, status, majorant)


def _pardoned(status: IntArray, error: FloatArray, degrees: IntArray, majorant: FloatArray) -> IntArray:
    """Return the codes, good ones for vanishing coefficients that are zero to two digits of their neighbors.

    Every other coefficient of sin x is zero and has no digits of its own; it counts for the series what
    |c_k| of about sqrt(|c_(k-1) c_(k+1)|) would.
    """
    usual = np.zeros_like(majorant)
    usual[1:-1] = np.sqrt(majorant[:-2] * majorant[2:])
    small = error <= PARDON * usual[degrees]
    return np.where((status == Status.INACCURATE) & small, Status.OK, status).astype(np.int8)


def _error(c: Coefficient) -> FloatArray:
    return c.truncation + c.noise


def _solve(c: Coefficient, vectors: FloatArray, table: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
    k = int(table[0].sum())
    if len(vectors) == 1 or k == 0:
        return c.value[:1], _error(c)[:1], c.status[:1]
    norm = np.array(
        [math.sqrt(math.factorial(k) / math.prod(map(math.factorial, row))) for row in table.tolist()]
    )
    inverse = np.linalg.pinv(monomials(table, vectors) * norm) * norm[:, None]
    value = inverse @ c.value
    # Errors of different lines share their cause, so they may add up.
    error = np.abs(inverse) @ _error(c)
    worst = np.where(np.isfinite(c.value).all(axis=0), c.status.max(axis=0), Status.NON_FINITE)
    return value, error, np.broadcast_to(worst, value.shape).astype(np.int8)
