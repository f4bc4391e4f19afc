"""Series as one writes them: 1 + x - 0.5 x^2 + O(x^3), every number rounded to its error."""

import math

import numpy as np

from calcml._typing import FloatArray, IntArray

__all__ = ["series_text"]

# A coefficient shows at most so many digits, a series at most so many terms.
DIGITS, TERMS = 8, 12


def series_text(
    coefficients: FloatArray, error: FloatArray, table: IntArray, center: FloatArray, degree: int
) -> str:
    """Return the series of a scalar function as text; terms that are zero to their error are left out."""
    names = _names(center)
    terms = []
    for c, e, powers in zip(coefficients.tolist(), error.tolist(), table.tolist(), strict=True):
        if math.isfinite(c) and (c == 0 or abs(c) <= e):
            continue
        terms.append((c, _number(abs(c), e), _monomial(names, powers)))
    more = len(terms) > TERMS
    text = _joined(terms[:TERMS]) or "0"
    return f"{text}{' + ...' if more else ''} + {_order(names, degree + 1)}"


def _joined(terms: list[tuple[float, str, str]]) -> str:
    text = ""
    for value, number, monomial in terms:
        term = monomial if number == "1" and monomial else f"{number} {monomial}".rstrip()
        negative = value < 0
        if text:
            text += f" {'-' if negative else '+'} {term}"
        else:
            text = f"{'-' if negative else ''}{term}"
    return text


def _names(center: FloatArray) -> list[str]:
    names = ["x"] if center.ndim == 0 else [f"x{list(index)}" for index in np.ndindex(center.shape)]
    shifted = []
    for name, value in zip(names, center.ravel().tolist(), strict=True):
        sign = "-" if value > 0 else "+"
        shifted.append(name if value == 0 else f"({name} {sign} {abs(value):.{DIGITS}g})")
    return shifted


def _monomial(names: list[str], powers: list[int]) -> str:
    factors = [
        name if power == 1 else f"{name}^{power}" for name, power in zip(names, powers, strict=True) if power
    ]
    return " ".join(factors)


def _order(names: list[str], degree: int) -> str:
    if len(names) == 1:
        return f"O({_monomial(names, [degree])})"
    return f"O(|x - center|^{degree})"


def _number(value: float, error: float) -> str:
    """Return a positive number with the digits that its error leaves."""
    if not math.isfinite(value):
        return f"{value}"
    digits = DIGITS
    if error > 0 and math.isfinite(error):
        digits = min(DIGITS, max(1, math.floor(math.log10(value)) - math.floor(math.log10(error)) + 1))
    return f"{value:.{digits}g}"
