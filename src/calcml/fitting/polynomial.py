"""Polynomials of any degree, in a basis in which they are well conditioned."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._typing import ArrayLike, FloatArray
from calcml.fitting._assemble import make_result
from calcml.fitting._data import check_curve, check_points
from calcml.fitting._direct import direct
from calcml.fitting._least_squares import solve_linear
from calcml.fitting.result import FitResult

__all__ = ["fit_polynomial"]


def fit_polynomial(
    x: ArrayLike,
    y: ArrayLike,
    degree: int,
    sigma: ArrayLike | None = None,
    *,
    absolute: bool | None = None,
) -> FitResult:
    """Fit a polynomial, y = c0 + c1 x + c2 x² + ...

    The powers of x are nearly dependent on each other, so that the fit is made in Chebyshev polynomials T_k
    of x mapped to [-1, 1], which are nearly orthogonal, and refined with residuals in extended precision.
    Coefficients c = M b and covariance M cov(b) Mᵀ are then carried to the powers of x by the exact matrix M.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        The points, with at least degree + 1 different x.
    degree : int
        Highest power of x.
    sigma : array_like, optional
        Standard deviations of y: one number, shape (n,), or their covariance matrix, shape (n, n).
    absolute : bool, optional
        Whether `sigma` is the size of the errors, or only their ratio, the size being taken from the scatter.
        By default True where `sigma` is given; without it the errors always come from the scatter.

    Returns
    -------
    FitResult
        With the parameters "c0", "c1", ..., ascending; its curve is evaluated in the Chebyshev basis.

    Raises
    ------
    TypeError, ValueError
        If the data are unusable, or have too few different x for the degree.

    Warns
    -----
    ConvergenceWarning
        If the points determine the coefficients only in combinations; the message names them.

    See Also
    --------
    fit_linear : Other functions of x.
    fit_line : Degree 1, also with errors in x.

    Notes
    -----
    The certified polynomials of NIST, degree 10 among them, come out to ten digits and their standard
    deviations to twelve.  Where longdouble is no wider than double, as with some compilers, a few of these
    are lost.

    References
    ----------
    .. [1] Å. Björck, "Solving linear least squares problems by Gram-Schmidt orthogonalization", BIT 7 (1967)
       1, and "Iterative refinement of linear least squares solutions I", BIT 7 (1967) 257.

    Examples
    --------
    >>> import calcml as cm
    >>> result = cm.fit_polynomial([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 5.0, 10.0], 2)
    >>> (result.values.round(12) + 0.0).tolist()
    [1.0, 0.0, 1.0]
    """
    data, degree = check_curve(x, y, sigma, absolute), _check_degree(degree)
    check_points(data.y.size, degree + 1)
    different = np.unique(data.x).size
    if different <= degree:
        raise ValueError(
            f"`x` has {different} different values, a polynomial of degree {degree} needs "
            f"{degree + 1}; lower the degree"
        )
    basis = _Basis(data.x, degree)
    design, M = basis.at(data.x), basis.to_powers()
    solved = solve_linear(design, data.y, data.sigma)
    names = tuple(f"c{k}" for k in range(degree + 1))
    curve = _Curve(basis, solved.values, M)
    columns = np.vander(data.x, degree + 1, increasing=True)
    return make_result(direct(data, names, curve, solved, design, transform=M, columns=columns))


def _check_degree(degree: Any) -> int:
    if isinstance(degree, bool) or not isinstance(degree, int | np.integer):
        raise TypeError(f"`degree` must be an integer, got {degree!r}")
    if degree < 0:
        raise ValueError(f"`degree` must not be negative, got {degree}")
    return int(degree)


class _Basis:
    """Chebyshev polynomials of x mapped to [-1, 1], in extended precision."""

    def __init__(self, x: FloatArray, degree: int) -> None:
        low, high = np.longdouble(x.min()), np.longdouble(x.max())
        self.degree = degree
        self.middle = (low + high) / 2
        self.half = (high - low) / 2 or np.longdouble(1)

    def at(self, x: FloatArray) -> FloatArray:
        """Return T_0 ... T_degree at x, shape (n, degree + 1): T_{k+1} = 2 u T_k - T_{k-1}."""
        u = (np.asarray(x, dtype=np.longdouble) - self.middle) / self.half
        columns = [np.ones_like(u), u]
        while len(columns) <= self.degree:
            columns.append(2 * u * columns[-1] - columns[-2])
        return np.stack(columns[: self.degree + 1], axis=-1)

    def to_powers(self) -> FloatArray:
        """Return M with c = M b: column k holds T_k((x - middle) / half) in powers of x."""
        M = np.zeros((self.degree + 1, self.degree + 1), dtype=np.longdouble)
        M[0, 0] = 1
        for k in range(1, self.degree + 1):
            times_u = -self.middle * M[:, k - 1]
            times_u[1:] += M[:-1, k - 1]
            times_u /= self.half
            M[:, k] = times_u if k == 1 else 2 * times_u - M[:, k - 2]
        return M


class _Curve:
    """The polynomial as a function of x and the coefficients of its powers.

    The sum of powers cancels to few digits where that of Chebyshev polynomials does not, so that only the
    departure of the coefficients from those of the fit, c = M b, is turned back into the other basis.
    """

    def __init__(self, basis: _Basis, b: FloatArray, M: FloatArray) -> None:
        self.basis, self.b, self.M = basis, b, M

    def __call__(self, x: Any, *c: Any) -> Any:
        fitted = (self.M @ self.b).astype(np.float64)
        departure = np.linalg.solve(self.M.astype(np.float64), np.asarray(c, dtype=np.float64) - fitted)
        return (self.basis.at(x) @ (self.b + departure)).astype(np.float64)[()]
