"""Monomials in n variables up to a degree: their order, their values, and the tables of polynomial algebra.

The order is by degree, then lexicographic: 1, x0, x1, x0^2, x0 x1, x1^2, ...  Higher degrees continue it.
"""

import itertools
import math
from functools import lru_cache

import numpy as np

from calcml._typing import FloatArray, IntArray

__all__ = ["by_degree", "count", "evaluate", "exponents", "monomials", "multiply", "shift"]

# The tables are made once for each number of variables and degree, and the last few are kept.
KEPT = 32


def count(variables: int, degree: int) -> int:
    """Return the number of monomials up to the degree."""
    return math.comb(variables + degree, degree)


@lru_cache(maxsize=KEPT)
def exponents(variables: int, degree: int) -> IntArray:
    """Return the exponents, shape (count, variables), read-only."""
    rows = [
        np.bincount(chosen, minlength=variables) if chosen else np.zeros(variables, dtype=int)
        for k in range(degree + 1)
        for chosen in itertools.combinations_with_replacement(range(variables), k)
    ]
    table = np.array(rows, dtype=int).reshape(len(rows), variables)
    table.flags.writeable = False
    return table


def by_degree(variables: int, degree: int) -> list[slice]:
    """Return where the monomials of each degree stand."""
    ends = [count(variables, k) for k in range(degree + 1)]
    return [slice(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def monomials(table: IntArray, t: FloatArray) -> FloatArray:
    """Return the values of the monomials of the table at t of shape (..., n): shape (..., count)."""
    degree = int(table.max(initial=0))
    powers = t[..., None] ** np.arange(degree + 1)
    result = np.ones((*t.shape[:-1], len(table)), dtype=t.dtype)
    for i in range(t.shape[-1]):
        result *= powers[..., i, :][..., table[:, i]]
    return result


def evaluate(coefficients: FloatArray, variables: int, degree: int, t: FloatArray) -> FloatArray:
    """Return the polynomial at t of shape (..., n), with coefficients (count, M): shape (..., M)."""
    if variables == 1:
        # Horner's rule: sum c_k t^k = c_0 + t (c_1 + t (c_2 + ...)).
        value = np.zeros((*t.shape[:-1], coefficients.shape[1])) + coefficients[-1]
        for c in coefficients[-2::-1]:
            value = value * t + c
        return value
    return monomials(exponents(variables, degree), t) @ coefficients


@lru_cache(maxsize=KEPT)
def _positions(variables: int, degree: int) -> dict[bytes, int]:
    return {row.tobytes(): k for k, row in enumerate(exponents(variables, degree))}


@lru_cache(maxsize=KEPT)
def _products(variables: int, degree: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return i, j, k such that monomial i times monomial j is monomial k, of at most the degree."""
    table, where = exponents(variables, degree), _positions(variables, degree)
    total = table.sum(axis=1)
    i, j = np.nonzero(total[:, None] + total <= degree)
    k = np.array([where[row.tobytes()] for row in table[i] + table[j]])
    return i, j, k


def multiply(a: FloatArray, b: FloatArray, variables: int, degree: int) -> FloatArray:
    """Return the product of two polynomials, coefficients (count, M), without what exceeds the degree."""
    i, j, k = _products(variables, degree)
    result = np.zeros((count(variables, degree), a.shape[1]), dtype=np.result_type(a, b))
    np.add.at(result, k, a[i] * b[j])
    return result


def shift(variables: int, degree: int, variable: int) -> tuple[IntArray, IntArray]:
    """Return, for each monomial of degree - 1, the place of its product with x_variable, and the power.

    The product has x_variable to the returned power: differentiation multiplies by it, integration divides.
    """
    table = exponents(variables, degree - 1)
    raised = table + (np.arange(variables) == variable)
    where = _positions(variables, degree)
    target = np.array([where[row.tobytes()] for row in raised])
    return target, raised[:, variable]
