"""How many digits of an answer are right, and whether its error estimate admits the rest."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["digits", "honest"]

# Sixteen digits is the most that a double can hold: 2**-53 is 1.1e-16.
_MOST_DIGITS = 16.0


def digits(value: Any, exact: Any) -> NDArray[np.float64]:
    """Compute the number of correct decimal digits of a value.

    This is ``-log10(|value - exact| / |exact|)``, clipped to [0, 16]. Where the exact answer is zero there
    is no relative error, and the absolute error takes its place. A value that is not finite has no correct
    digit, unless it equals the exact answer.

    Parameters
    ----------
    value : array_like
        The computed answer, real or complex, of any shape.
    exact : array_like
        The exact answer, of a shape that broadcasts against `value`.

    Returns
    -------
    ndarray of float64
        The digits, of the broadcast shape; 0-d for two scalars.

    See Also
    --------
    honest : Whether an error estimate covers the true error.

    Examples
    --------
    >>> from calcml.testing import digits
    >>> float(digits(3.1415, 3.1416).round(2))
    4.5
    >>> digits([1.0, float("nan")], 1.0).tolist()
    [16.0, 0.0]
    """
    v, e = np.broadcast_arrays(np.asarray(value), np.asarray(exact))
    with np.errstate(all="ignore"):
        gap = np.abs(v - e).astype(np.float64)
        size = np.abs(e).astype(np.float64)
        relative = np.where(size > 0, gap / np.where(size > 0, size, 1.0), gap)
        found = np.clip(-np.log10(relative), 0.0, _MOST_DIGITS)
    found = np.where(v == e, _MOST_DIGITS, found)
    return np.asarray(np.where(np.isnan(found), 0.0, found))


def honest(
    error: Any, value: Any, exact: Any, *, factor: float = 1.0, ulps: float = 4.0
) -> NDArray[np.bool_]:
    """Tell whether an error estimate covers the true error of a value.

    An estimate holds where ``|value - exact| <= factor * error + ulps * eps * |exact|``: the second term is
    the rounding of the answer itself, which no estimate can go below. An estimate of infinity or NaN claims
    nothing and therefore holds; a value that is not finite with a finite error does not.

    Parameters
    ----------
    error : array_like
        The estimated absolute error.
    value : array_like
        The computed answer.
    exact : array_like
        The exact answer.
    factor : float, default 1.0
        How many estimated errors the true error may be; 1 for a bound, 2 or 3 for a standard deviation.
    ulps : float, default 4.0
        How many units of rounding of the exact answer are forgiven.

    Returns
    -------
    ndarray of bool
        True where the estimate holds, of the broadcast shape.

    See Also
    --------
    digits : The number of correct digits.

    Examples
    --------
    >>> from calcml.testing import honest
    >>> bool(honest(0.001, 3.1415, 3.1416))
    True
    >>> bool(honest(0.00001, 3.1415, 3.1416))
    False
    """
    claimed, v, e = np.broadcast_arrays(
        np.asarray(error, dtype=np.float64), np.asarray(value), np.asarray(exact)
    )
    with np.errstate(all="ignore"):
        gap = np.abs(v - e)
        allowed = factor * claimed + ulps * np.finfo(np.float64).eps * np.abs(e)
        holds = (v == e) | (gap <= allowed) | ~np.isfinite(claimed)
    return np.asarray(holds, dtype=np.bool_)
