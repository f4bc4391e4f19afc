"""What can be done to series: sums, products, derivatives, integrals, composition; with errors and majorants.

The majorant of a series bounds each of its homogeneous parts on the unit sphere (in units of `scale`).
Majorants add, multiply and compose as series of one variable with positive coefficients do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from calcml.series import _monomials as table

if TYPE_CHECKING:
    from calcml._typing import FloatArray, IntArray
    from calcml.series.series import TaylorSeries

__all__ = ["add", "beyond", "compose", "differentiate", "integrate", "is_operand", "multiply_series"]

EPS = float(np.finfo(float).eps)

S = TypeVar("S", bound="TaylorSeries")


def is_operand(other: Any) -> bool:
    """Tell whether a series can be added to or multiplied by this: another series, or a real number."""
    return hasattr(other, "coefficients") or (
        np.ndim(other) == 0 and np.isrealobj(other) and _is_number(other)
    )


def _is_number(other: Any) -> bool:
    return isinstance(other, int | float | np.integer | np.floating) and not isinstance(other, bool)


def add(a: S, other: Any) -> S:
    """Return the sum, cut at the lower degree."""
    if _is_number(other):
        coefficients, error = a.coefficients.copy(), a.error.copy()
        coefficients[0] += other
        error[0] += EPS * np.abs(coefficients[0])
        majorant = (
            None if a.majorant is None else np.concatenate([a.majorant[:1] + abs(other), a.majorant[1:]])
        )
        return a._with(coefficients=coefficients, error=error, majorant=majorant)
    degree, n = _common(a, other)
    terms = table.count(n, degree)
    value = a.coefficients[:terms] + other.coefficients[:terms]
    return a._with(
        degree=degree,
        coefficients=value,
        error=a.error[:terms] + other.error[:terms] + EPS * np.abs(value),
        status=_worst(a, other, terms),
        majorant=_joined(a, other, degree, lambda p, q: p + q),
        nfev=a.nfev + other.nfev,
    )


def multiply_series(a: S, other: Any) -> S:
    """Return the product, cut at the lower degree."""
    if _is_number(other):
        size = abs(other)
        majorant = None if a.majorant is None else size * a.majorant
        value = other * a.coefficients
        return a._with(coefficients=value, error=size * a.error + EPS * np.abs(value), majorant=majorant)
    degree, n = _common(a, other)
    terms = table.count(n, degree)
    if a._outputs != other._outputs:
        message = f"series of values of shapes {a._outputs} and {other._outputs} cannot be multiplied"
        raise ValueError(message)
    (p, q), (dp, dq) = (
        [_cut(s.coefficients, terms) for s in (a, other)],
        [_cut(s.error, terms) for s in (a, other)],
    )
    value = table.multiply(p, q, n, degree)
    # |(p + dp)(q + dq) - p q|, and the rounding of the sum.
    size_p, size_q = np.abs(p), np.abs(q)
    error = table.multiply(size_p + dp, dq, n, degree) + table.multiply(dp, size_q, n, degree)
    error += EPS * (degree + 1) * table.multiply(size_p, size_q, n, degree)
    return a._with(
        degree=degree,
        coefficients=value.reshape(terms, *a._outputs),
        error=error.reshape(terms, *a._outputs),
        status=_worst(a, other, terms),
        majorant=_joined(a, other, degree, _convolve),
        nfev=a.nfev + other.nfev,
    )


def differentiate(a: S, variable: int) -> S:
    """Return the derivative by one variable."""
    raised, power = table.shift(a.variables, a.degree, variable)
    times = power.reshape(-1, *[1] * len(a._outputs))
    majorant = a.majorant
    if majorant is not None:
        # On the unit sphere the derivative of a form of degree k is at most k times the form.
        k = np.arange(1, len(majorant)).reshape(-1, *[1] * len(a._outputs))
        majorant = k * majorant[1:] / a.scale[variable]
    return a._with(
        degree=a.degree - 1,
        coefficients=times * a.coefficients[raised],
        error=times * a.error[raised],
        status=a.status[raised],
        majorant=majorant,
    )


def integrate(a: S, variable: int) -> S:
    """Return the integral over one variable from the center."""
    raised, power = table.shift(a.variables, a.degree + 1, variable)
    by = power.reshape(-1, *[1] * len(a._outputs))
    terms = table.count(a.variables, a.degree + 1)

    def spread(values: Any) -> Any:
        result = np.zeros((terms, *a._outputs), dtype=values.dtype)
        result[raised] = values
        return result

    majorant = a.majorant
    if majorant is not None:
        k = np.arange(1, len(majorant) + 1).reshape(-1, *[1] * len(a._outputs))
        # Of a form of several variables the integral may be as large as the form itself.
        divisor = k if a.variables == 1 else 1
        majorant = np.concatenate([np.zeros((1, *a._outputs)), majorant * a.scale[variable] / divisor])
    return a._with(
        degree=a.degree + 1,
        coefficients=spread(a.coefficients / by),
        error=spread(a.error / by),
        status=spread(a.status),
        majorant=majorant,
    )


def compose(outer: TaylorSeries, inner: TaylorSeries) -> TaylorSeries:
    """Return outer(inner(x)) by Horner's rule in the part of `inner` that vanishes at its center."""
    if not hasattr(inner, "coefficients"):
        message = f"`inner` must be a TaylorSeries, got {type(inner).__name__}; expand it with `taylor`"
        raise TypeError(message)
    if outer.variables > 1 or outer._outputs or inner._outputs:
        message = (
            "`compose` needs a function of one variable with one value, and an inner series with one value"
        )
        raise ValueError(message)
    value, error = float(inner.coefficients[0]), float(inner.error[0])
    if abs(value - outer.center) > error + 4 * EPS * abs(value):
        message = (
            f"the inner series is {value} at its center, the outer one is expanded around {outer.center}; "
            "they must agree"
        )
        raise ValueError(message)
    moving = inner + -value
    result = moving * 0.0 + float(outer.coefficients[-1])
    result.error[0] += outer.error[-1]
    for c, e in zip(outer.coefficients[-2::-1], outer.error[-2::-1], strict=True):
        result = result * moving + float(c)
        result.error[0] += e
    degree = min(outer.degree, inner.degree)
    terms = table.count(inner.variables, degree)
    majorant = None
    if outer.majorant is not None and inner.majorant is not None:
        majorant = _compose_majorants(outer.majorant, inner.majorant, degree)
    return result._with(
        degree=degree,
        coefficients=result.coefficients[:terms],
        error=result.error[:terms],
        status=np.maximum(result.status[:terms], outer.status.max()),
        majorant=majorant,
        nfev=outer.nfev + inner.nfev,
    )


def beyond(majorant: FloatArray, distance: FloatArray) -> FloatArray:
    """Return the sum of the terms after the polynomial at a distance: shape (..., M) for (..., 1).

    The last two terms of the majorant are those; pairs of terms are compared, because every other may vanish.
    At distance d of a singularity R away, as of log or a root, the ratio q of pairs rises to (d/R)^2 from
    below, with every pair that follows; its root, near d/R, stays above.
    """
    powers = distance ** np.arange(len(majorant))
    terms = powers[..., None] * majorant
    last = terms[..., -2:, :].sum(axis=-2)
    before = terms[..., -4:-2, :].sum(axis=-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(last / before)
        rest = np.where(ratio < 1, last / (1 - ratio), np.inf)
    return np.where(last == 0, 0.0, rest)


def _common(a: TaylorSeries, b: TaylorSeries) -> tuple[int, int]:
    if not np.array_equal(a.center, b.center):
        message = f"the series must have the same center, got {a.center} and {b.center}"
        raise ValueError(message)
    return min(a.degree, b.degree), a.variables


def _cut(values: FloatArray, terms: int) -> FloatArray:
    return values[:terms].reshape(terms, -1)


def _worst(a: TaylorSeries, b: TaylorSeries, terms: int) -> IntArray:
    return np.maximum(a.status[:terms], b.status[:terms])


def _joined(a: TaylorSeries, b: TaylorSeries, degree: int, join: Any) -> FloatArray | None:
    """Return the majorant of two series joined, up to two degrees beyond."""
    if a.majorant is None or b.majorant is None:
        return None
    result: FloatArray = join(a.majorant[: degree + 3], b.majorant[: degree + 3])
    return result


def _convolve(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return the product of two series of one variable, as long as they are."""
    result = np.zeros(np.broadcast_shapes(p.shape, q.shape))
    for k in range(len(p)):
        result[k:] += p[k] * q[: len(q) - k]
    return result


def _compose_majorants(outer: FloatArray, inner: FloatArray, degree: int) -> FloatArray:
    moving = np.concatenate([np.zeros((1, *inner.shape[1:])), inner[1:]])[: degree + 3]
    result = np.zeros_like(moving)
    for c in outer[: degree + 3][::-1]:
        result = _convolve(result, moving)
        result[0] += c
    return result
