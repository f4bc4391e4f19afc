"""Padé approximants of a power series, and what their poles tell about its radius of convergence."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._parameters import real_array
from calcml._result import Result, format_array
from calcml._typing import FloatArray

__all__ = ["Pade", "pade", "radius"]

# Singular values below this part of the series, or below its errors, count as zero.
TOLERANCE = 1e-14


@dataclass(frozen=True, eq=False, repr=False)
class Pade(Result):
    """A rational function r(x) = p(t)/q(t) of t = x - center that has a given power series.

    Parameters
    ----------
    center : float
        The center of the series.
    numerator, denominator : ndarray
        Coefficients of p and q, ascending; ``denominator[0]`` is 1.

    See Also
    --------
    TaylorSeries.pade : The method that makes it.

    Examples
    --------
    >>> import calcml as cm
    >>> approximant = cm.maclaurin(lambda x: 1 / (1 + x), 4).pade(0, 1)
    >>> approximant.denominator.round(8)
    array([1., 1.])
    """

    center: float
    numerator: FloatArray
    denominator: FloatArray

    def __call__(self, x: Any) -> Any:
        """Evaluate the rational function.

        Parameters
        ----------
        x : float or array_like
            Points, of any shape.

        Returns
        -------
        float or ndarray
            The values; infinite at a pole.
        """
        points = real_array(x, "x")
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            t = points - self.center
            value = np.polynomial.polynomial.polyval(t, self.numerator)
            return (value / np.polynomial.polynomial.polyval(t, self.denominator))[()]

    def poles(self) -> Any:
        """Return the zeros of the denominator.

        Returns
        -------
        ndarray of complex
            The poles, nearest to the center first.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.maclaurin(lambda x: 1 / (2 - x), 4).pade(1, 1).poles().real.round(6)
        array([2.])
        """
        roots = np.polynomial.polynomial.polyroots(self.denominator).astype(complex)
        return self.center + roots[np.argsort(np.abs(roots))]

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("center", f"{self.center:.10g}"),
            ("numerator", format_array(self.numerator)),
            ("denominator", format_array(self.denominator)),
        ]


def pade(c: FloatArray, error: FloatArray, center: float, m: Any, n: Any) -> Pade:
    """Return the approximant of degrees m over n, or a lower one that the series supports."""
    # The denominator q makes the terms m + 1 to m + n of c q vanish: the null vector of a Toeplitz matrix of
    # c.  Where that matrix is singular within the errors, degrees are lowered until it is not, which leaves
    # out pairs of poles and zeros that would only stand for rounding (P. Gonnet, S. Güttel and L. N.
    # Trefethen, "Robust Padé approximation via SVD", SIAM Rev. 55 (2013) 101, algorithm 2).
    for name, value in (("m", m), ("n", n)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            message = f"`{name}` must be an integer of at least 0, got {value!r}"
            raise ValueError(message)
    if m + n >= len(c):
        message = f"`m` + `n` must be at most the degree {len(c) - 1}, got {m} + {n}"
        raise ValueError(message)
    c, error = c[: m + n + 1].astype(float), error[: m + n + 1].astype(float)
    for k in np.flatnonzero(~(np.isfinite(c) & np.isfinite(error)))[:1]:
        message = f"the series must be finite, but coefficient {k} is {c[k]} +- {error[k]}; see its `status`"
        raise ValueError(message)
    unit = _unit(c)
    powers = unit ** np.arange(len(c))
    c, error = c * powers, error * powers
    floor = max(TOLERANCE * float(np.linalg.norm(c)), float(np.linalg.norm(error)))
    p, q = _reduced(c, m, n, floor)
    return Pade(center, p / powers[: len(p)], q / powers[: len(q)])


def radius(c: FloatArray, error: FloatArray, center: float) -> float:
    """Return the distance from the center to the nearest pole of the diagonal approximant."""
    degree = len(c) - 1
    if degree < 2:
        message = f"`radius` needs a series of degree 2 at least, got {degree}"
        raise ValueError(message)
    poles = pade(c, error, center, degree - degree // 2, degree // 2).poles()
    return float(np.min(np.abs(poles - center), initial=np.inf))


def _unit(c: FloatArray) -> float:
    """Return the length on which the terms of the series are about equal: the root test."""
    k = np.flatnonzero(c[1:]) + 1
    if not k.size:
        return 1.0
    return float(1 / np.max(np.abs(c[k]) ** (1 / k)))


def _reduced(c: FloatArray, m: int, n: int, floor: float) -> tuple[FloatArray, FloatArray]:
    if np.max(np.abs(c[: m + 1])) <= floor:
        return np.zeros(1), np.ones(1)
    while True:
        rows = np.arange(m + n + 1)[:, None] - np.arange(n + 1)
        Z = np.where(rows >= 0, c[rows], 0.0)
        if n == 0:
            return _trimmed(c[: m + 1], floor), np.ones(1)
        lower = Z[m + 1 :]
        rank = int(np.sum(np.linalg.svd(lower, compute_uv=False) > floor))
        if rank == n:
            break
        m, n = max(m - (n - rank), 0), rank
    q = np.linalg.svd(lower)[2][-1]
    # The weighted QR factorization finds small entries of the null vector to full relative accuracy.
    weight = np.abs(q) + np.sqrt(np.finfo(float).eps)
    q = weight * np.linalg.qr((lower * weight).T, mode="complete")[0][:, -1]
    q = q / np.linalg.norm(q)
    p = Z[: m + 1] @ q
    # As large a share of the null vector is as uncertain as that of the series.
    share = max(TOLERANCE, floor / float(np.linalg.norm(c)))
    leading = int(np.argmax(np.abs(q) > share))
    p, q = p[leading:], q[leading:]
    q = _trimmed(q, share)
    return _trimmed(p, floor) / q[0], q / q[0]


def _trimmed(values: FloatArray, floor: float) -> FloatArray:
    """Return the values without the small ones at the end, one at least."""
    large = np.flatnonzero(np.abs(values) > floor)
    return values[: large[-1] + 1] if large.size else values[:1] * 0.0
