"""What a scheme is: a small frozen object that turns lines into Taylor coefficients with errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from calcml._lines import Lines
from calcml._status import Status
from calcml._typing import FloatArray, IntArray

__all__ = ["Coefficient", "Scheme", "origin_coefficient"]


@dataclass(frozen=True, eq=False)
class Coefficient:
    """The n-th Taylor coefficient along P lines, for M real outputs: c_n = (1/n!) dⁿ/dtⁿ f(x + t v).

    Attributes
    ----------
    value : ndarray, shape (P, M)
        The coefficient.
    truncation, noise : ndarray, shape (P, M)
        The two parts of the error: what the formula leaves out, and what rounding and noise of f put in.
        The error is their sum.
    step : ndarray, shape (P,)
        The step that was used.
    status : ndarray of int8, shape (P, M)
        Codes of `calcml.Status`.

    Examples
    --------
    >>> import calcml as cm
    >>> [field for field in cm.schemes.Coefficient.__dataclass_fields__]
    ['value', 'truncation', 'noise', 'step', 'status']
    """

    value: FloatArray
    truncation: FloatArray
    noise: FloatArray
    step: FloatArray
    status: IntArray


@dataclass(frozen=True)
class Scheme(ABC):
    """A way to find Taylor coefficients of f along lines.

    A scheme is a frozen dataclass of its options: comparable, printable, usable as a default argument.

    Examples
    --------
    >>> import calcml as cm
    >>> isinstance(cm.schemes.Central(order=4), cm.Scheme)
    True
    """

    # A quicker way to the gradient of a function of few variables, where the scheme has one.
    few: ClassVar[Any] = None
    # The same for derivatives at a number.
    one: ClassVar[Any] = None

    def many(self, n: int) -> Any:
        """Return a quicker way to plain n-th derivatives at many points, where the scheme has one."""
        return None

    @abstractmethod
    def coefficient(self, lines: Lines, n: int, *, error: bool = True) -> Coefficient:
        """Return the n-th Taylor coefficient on each line.

        Parameters
        ----------
        lines : Lines
            The lines, already checked.
        n : int
            Order of the derivative, at least 1.
        error : bool
            Whether the error is wanted; without it a scheme may save the evaluations that only serve
            the estimate, and returns NaN for `truncation`.

        Returns
        -------
        Coefficient
        """

    def expand(self, lines: Lines, degree: int, *, error: bool = True) -> list[Coefficient]:
        """Return the coefficients 0 to `degree`; a scheme that finds them all at once overrides this."""
        return [
            origin_coefficient(lines) if n == 0 else self.coefficient(lines, n, error=error)
            for n in range(degree + 1)
        ]


def origin_coefficient(lines: Lines) -> Coefficient:
    """Return the coefficient of order 0: f itself, known to rounding."""
    value = lines.origin()
    finite = np.isfinite(value)
    return Coefficient(
        value=value,
        truncation=np.zeros(value.shape),
        noise=np.where(finite, lines.eps / 2 * np.abs(np.where(finite, value, 0.0)), np.nan),
        step=np.zeros(lines.count),
        status=np.where(finite, Status.OK, Status.NON_FINITE).astype(np.int8),
    )
