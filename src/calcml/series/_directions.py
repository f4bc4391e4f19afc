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
# Eigenvalues of a kernel below this part of the largest are rounding: there are more lines than forms.
DEPENDENT = 1e-10


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
    # Without degrees beyond, nothing is made of it but the size of each part.
    lines = vectors if len(series) > degree + 1 else vectors[:0]
    majorant = np.array([_largest(c, lines, k) for k, c in enumerate(series)])
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


def _largest(c: Coefficient, vectors: FloatArray, k: int) -> FloatArray:
    """Return a bound on the part of degree k on the unit sphere, from its values along the lines.

    The lines may have missed where a form p is largest.  On the sphere |p| is at most Bombieri's norm of p,
    sum of (alpha!/k!) a_alpha^2 under the root, and just that for powers of a linear form.  In this norm the
    kernel of the forms is (v w)^k [1]_, so that the shortest form with the values c at the lines v_i has the
    square c' K^-1 c, K_ij = (v_i v_j)^k.  Errors of the order of a part hide it entirely, and count with it.

    [1] Beauzamy, Bombieri, Enflo and Montgomery, as in `taylor`.
    """
    error = np.max(_error(c), axis=0)
    size = np.max(np.abs(c.value), axis=0)
    if not len(vectors):
        return np.asarray(size + error)
    inverse = np.linalg.pinv((vectors @ vectors.T) ** k, rcond=DEPENDENT, hermitian=True)
    with np.errstate(over="ignore", invalid="ignore"):
        values = c.value / np.where(size > 0, size, 1.0)
        norm = np.sqrt(np.maximum(np.sum(values * (inverse @ values), axis=0), 1.0))
        return np.asarray(size * norm + error)


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
