"""The Taylor series as an object: a polynomial that knows its center, its errors and what it leaves out."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from calcml.series import _algebra as algebra
from calcml.series._expansion import Expansion
from calcml.series._monomials import evaluate
from calcml.series.pade import Pade, pade, radius

__all__ = ["TaylorSeries"]


@dataclass(frozen=True, eq=False, repr=False)
class TaylorSeries(Expansion):
    """A Taylor polynomial with the errors of its coefficients.

    Call it to evaluate it.  Sums, products, derivatives and integrals are series again, with their errors
    propagated; they are cut at the lower of two degrees.

    Parameters
    ----------
    center : float or ndarray
        The point x0 of the expansion.
    degree : int
        Degree N of the polynomial.
    coefficients : ndarray
        Of one variable, c_k = f^(k)(x0)/k! ascending, shape ``(degree + 1,)``; of several, in the order of
        `exponents`.  Vector-valued functions add their shape at the end.
    error : ndarray
        Bound on the error of each coefficient, of the same shape.
    status : ndarray of int8
        Codes of `Status`, of the same shape.
    majorant : ndarray or None
        Bounds on the parts of degree 0 to N + 2 at unit distance in units of `scale`; the last two are what
        `remainder` is made of.  None where they are not known.
    scale : ndarray
        Unit of length of each variable.
    nfev : int
        Number of points at which f was evaluated.

    See Also
    --------
    taylor : The function that makes it.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cosine = cm.maclaurin(np.sin, 5).derivative()
    >>> print(cosine)
    1 - 0.5 x^2 + 0.041666667 x^4 + O(x^5)
    >>> bool(abs(cosine(0.5) - np.cos(0.5)) <= cosine.remainder(0.5))
    True
    """

    def __call__(self, x: Any) -> Any:
        """Evaluate the polynomial.

        Parameters
        ----------
        x : float or array_like
            One variable: points of any shape, elementwise.  Several: shape ``(..., *center.shape)``.

        Returns
        -------
        float or ndarray
            Values, of the shape of the points followed by that of f.
        """
        # Far from the center powers overflow; infinity says so.
        with np.errstate(over="ignore", invalid="ignore"):
            t, lead = self._offsets(x)
            value = evaluate(self._flat(self.coefficients), self.variables, self.degree, t)
        return value.reshape(lead + self._outputs)[()]

    def remainder(self, x: Any) -> Any:
        r"""Estimate how far the polynomial is from f.

        The next two terms, the rest as a geometric series whose ratio is the root of that of these two to the
        two before, and the errors of the coefficients.  It is an estimate, not a bound: derivatives of f
        between the center and x are not looked at.  Where the terms do not fall it is infinite.

        Parameters
        ----------
        x : float or array_like
            Points, as for the call.

        Returns
        -------
        float or ndarray
            Estimates of \|f(x) - T(x)\|, of the shape of the values.

        Raises
        ------
        ValueError
            If the series does not know its next terms, as after `linearize`.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> f"{cm.maclaurin(np.exp, 3).remainder(0.1):.1e}"
        '4.4e-06'
        """
        if self.majorant is None:
            message = (
                "the next terms of this series are not known; use `taylor(f, x0, 1)` instead of `linearize`"
            )
            raise ValueError(message)
        with np.errstate(over="ignore", invalid="ignore"):
            t, lead = self._offsets(x)
            known = evaluate(self._flat(self.error), self.variables, self.degree, np.abs(t))
            distance = np.linalg.norm(t / self.scale, axis=-1, keepdims=True)
            beyond = algebra.beyond(self._flat(self.majorant), distance)
        return (known + beyond).reshape(lead + self._outputs)[()]

    def derivative(self, variable: int | tuple[int, ...] | None = None) -> Self:
        """Differentiate term by term; the degree falls by one.

        Parameters
        ----------
        variable : int or tuple of int, optional
            With several variables, the index in x of the one to differentiate by.

        Returns
        -------
        TaylorSeries
            The series of the derivative.

        Raises
        ------
        ValueError
            If the degree is 0 already, or the variable is missing or does not exist.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> print(cm.taylor(np.exp, 0.0, 3).derivative())
        1 + x + 0.5 x^2 + O(x^3)
        """
        if self.degree == 0:
            message = "a series of degree 0 has no derivative; expand to a higher degree"
            raise ValueError(message)
        return algebra.differentiate(self, self._variable(variable))

    def integral(self, variable: int | tuple[int, ...] | None = None) -> Self:
        """Integrate term by term from the center; the degree rises by one.

        Parameters
        ----------
        variable : int or tuple of int, optional
            With several variables, the index in x of the one to integrate over.

        Returns
        -------
        TaylorSeries
            The series of the integral, zero where that variable is at its center.

        Raises
        ------
        ValueError
            If the variable is missing or does not exist.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> print(cm.taylor(np.cos, 0.0, 2).integral())
        x - 0.16666667 x^3 + O(x^4)
        """
        return algebra.integrate(self, self._variable(variable))

    def __neg__(self) -> Self:
        return self * -1.0

    def __add__(self, other: Any) -> Self:
        if not algebra.is_operand(other):
            return NotImplemented
        with np.errstate(over="ignore", invalid="ignore"):
            return algebra.add(self, other)

    def __radd__(self, other: Any) -> Self:
        return self + other

    def __sub__(self, other: Any) -> Self:
        return self + (-1.0) * other if algebra.is_operand(other) else NotImplemented

    def __rsub__(self, other: Any) -> Self:
        return -self + other

    def __mul__(self, other: Any) -> Self:
        if not algebra.is_operand(other):
            return NotImplemented
        with np.errstate(over="ignore", invalid="ignore"):
            return algebra.multiply_series(self, other)

    def __rmul__(self, other: Any) -> Self:
        return self * other

    def compose(self, inner: "TaylorSeries") -> "TaylorSeries":
        """Return the series of x -> T(inner(x)).

        Parameters
        ----------
        inner : TaylorSeries
            A series, of one or of several variables, whose value at its center is the center of this one.

        Returns
        -------
        TaylorSeries
            The series around the center of `inner`, cut at the lower of the two degrees.

        Raises
        ------
        ValueError
            If this series has several variables, or the value of `inner` is not this center.
        TypeError
            If `inner` is no series.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> print(cm.taylor(np.exp, 0.0, 3).compose(cm.taylor(np.sin, 0.0, 3)))
        1 + x + 0.5 x^2 + O(x^4)
        """
        return algebra.compose(self, inner)

    def pade(self, m: int, n: int) -> Pade:
        """Return the rational function of degrees m over n with the same series.

        Parameters
        ----------
        m, n : int
            Degrees of numerator and denominator, together at most `degree`; what the errors of the
            coefficients do not support is left out.

        Returns
        -------
        Pade
            The rational function.

        Raises
        ------
        ValueError
            If the degrees do not fit, or f is not a scalar function of one variable.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> approximant = cm.maclaurin(np.log1p, 4).pade(2, 2)
        >>> round(float(approximant(2.0)), 3)
        1.091
        """
        self._one_scalar("pade")
        return pade(self.coefficients, self.error, float(self.center), m, n)

    def radius(self) -> float:
        """Estimate the radius of convergence: the distance to the nearest pole of a Pade approximant.

        Returns
        -------
        float
            The estimate, infinite where the approximant has no pole, as for a polynomial.  Poles of f come
            out to many digits, branch points to a few percent; of an entire function it is a number that
            grows with the degree.

        Raises
        ------
        ValueError
            If f is not a scalar function of one variable, or the degree is below 2.

        Examples
        --------
        >>> import calcml as cm
        >>> round(cm.maclaurin(lambda x: 1 / (2 - x), 6).radius(), 4)
        2.0
        """
        self._one_scalar("radius")
        return radius(self.coefficients, self.error, float(self.center))

    def to_polynomial(self) -> np.polynomial.Polynomial:
        """Convert to NumPy's polynomial in x.

        Returns
        -------
        numpy.polynomial.Polynomial
            The polynomial in powers of x itself, not of x - center; far from zero it loses digits.

        Raises
        ------
        ValueError
            If f is not a scalar function of one variable.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> cm.taylor(lambda x: x**2, 1.0, 2).to_polynomial().coef.round(9) + 0.0
        array([0., 0., 1.])
        """
        self._one_scalar("to_polynomial")
        power = np.polynomial.Polynomial([-float(self.center), 1.0])
        return np.polynomial.Polynomial(self.coefficients)(power)
