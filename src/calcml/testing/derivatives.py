"""Functions of one variable with exact derivatives: the case, and its image under a change of units."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

__all__ = ["DerivativeCase", "scaled"]

Elementwise = Callable[[Any], Any]


@dataclass(frozen=True)
class DerivativeCase:
    """A function of one variable, a point, and its exact derivatives there.

    The function is elementwise: it takes a scalar or an array of any shape. Outside its domain it returns
    NaN, and beyond the range of floating point infinity, without a warning.

    Parameters
    ----------
    name : str
        Unique name.
    group : str
        Kind of difficulty: "smooth", "near_zero", "scale", "oscillatory", "edge", "kink", "noise" or "trap".
    f : callable
        The function, elementwise.
    x : float
        The point.
    derivatives : tuple of callable
        The exact derivatives of order 1, 2, ..., each elementwise on real numbers, written so that nothing
        cancels near `x`.
    noise : float, default 0.0
        Bound on the difference between `f` and the smooth function whose derivative is meant, near `x`.
        Zero means that only rounding in proportion to `f` is there.
    tags : frozenset of str
        "analytic" if `f` takes complex numbers and is analytic at `x`; "kink", "noisy", "float32", "edge"
        (the domain ends near `x`), "scipy" (`f` needs ``scipy.special``), "constant", "none" (no
        derivative exists).

    See Also
    --------
    derivative_cases : The catalogue.
    scaled : The same case in other units.

    Examples
    --------
    >>> from calcml.testing import derivative_cases
    >>> case = derivative_cases("oscillatory")[0]
    >>> case.name, case.x
    ('sin_1000x', 1.0)
    >>> round(case.exact(), 6)
    562.379076
    """

    name: str
    group: str
    f: Elementwise = field(repr=False)
    x: float
    derivatives: tuple[Elementwise, ...] = field(repr=False)
    noise: float = 0.0
    tags: frozenset[str] = frozenset()

    @property
    def orders(self) -> int:
        """The highest order of derivative that is known exactly.

        Returns
        -------
        int
            The order.

        Examples
        --------
        >>> from calcml.testing import derivative_cases
        >>> derivative_cases("oscillatory")[0].orders
        8
        """
        return len(self.derivatives)

    def exact(self, n: int = 1, x: Any = None) -> Any:
        """Evaluate the exact n-th derivative.

        Parameters
        ----------
        n : int, default 1
            Order of the derivative, from 1 to `orders`.
        x : array_like, optional
            Where; the case's own point by default.

        Returns
        -------
        float or ndarray
            The derivative: a float at the case's own point, else an array of the shape of `x`.

        Raises
        ------
        ValueError
            If the order is not known exactly.

        Examples
        --------
        >>> from calcml.testing import derivative_cases
        >>> case = derivative_cases("edge")[0]
        >>> case.name, case.exact()
        ('sqrt_near_zero', 50000.0)
        """
        if not 1 <= n <= self.orders:
            message = (
                f"`n` must be from 1 to {self.orders} for the case {self.name!r}, got {n}; "
                "ask for an order whose exact derivative is known"
            )
            raise ValueError(message)
        with np.errstate(all="ignore"):
            if x is None:
                return float(self.derivatives[n - 1](np.float64(self.x)))
            return self.derivatives[n - 1](np.asarray(x))


def scaled(
    case: DerivativeCase, *, c: float = 0.0, s: float = 1.0, a: float = 1.0, b: float = 0.0
) -> DerivativeCase:
    """Change the units and the origin of a case, with its exact derivatives.

    The new function is ``g(x) = a * f((x - c) / s) + b`` at ``c + s * case.x``, with the derivatives
    ``a / s**n * f^(n)((x - c) / s)``. A differentiation scheme that measures the length scale of a function
    instead of guessing it gives the same number of digits for every `c`, `s` and `a`. Not so for `b`: adding
    a constant adds its rounding as noise, which the new case's `noise` includes.

    Parameters
    ----------
    case : DerivativeCase
        The case.
    c : float, default 0.0
        New origin.
    s : float, default 1.0
        Length of the old unit in the new one; not zero.
    a : float, default 1.0
        Factor of the function's values; not zero.
    b : float, default 0.0
        Constant added to the function's values.

    Returns
    -------
    DerivativeCase
        The case in the new units; its name lists them.

    Raises
    ------
    ValueError
        If `s` or `a` is zero or not finite.

    Notes
    -----
    A power of two for `s` and `a` makes the change exact. Any other rounds ``(x - c) / s``, and the exact
    derivatives are taken at the rounded value, as the function is.

    Examples
    --------
    >>> from calcml.testing import derivative_cases, scaled
    >>> case = scaled(derivative_cases()[0], c=1000.0, s=0.5)
    >>> case.name, case.x
    ('exp[c=1000, s=0.5, a=1, b=0]', 1000.5)
    >>> round(case.exact(), 9)
    5.436563657
    """
    for letter, number in (("s", s), ("a", a)):
        if number == 0 or not np.isfinite(number):
            message = f"`{letter}` must be finite and not zero, got {number}; choose another unit"
            raise ValueError(message)

    def image(function: Elementwise, factor: float, constant: float = 0.0) -> Elementwise:
        return lambda x: factor * function((x - c) / s) + constant

    rounding = float(np.spacing(abs(b))) / 2
    return replace(
        case,
        name=f"{case.name}[c={c:g}, s={s:g}, a={a:g}, b={b:g}]",
        f=image(case.f, a, b),
        x=c + s * case.x,
        derivatives=tuple(image(d, a / s**n) for n, d in enumerate(case.derivatives, start=1)),
        noise=abs(a) * case.noise + (rounding if b else 0.0),
    )
