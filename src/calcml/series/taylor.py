"""Taylor series: from a function to its polynomial."""

from typing import Any

from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._problem import open_problem
from calcml.schemes.registry import SchemeLike
from calcml.series._expand import check_center, check_degree, check_scalar, expand, warned
from calcml.series.series import TaylorSeries

__all__ = ["linearize", "maclaurin", "taylor"]


def taylor(
    f: RealFunction,
    x0: Any,
    degree: int,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
    rng: Any = 0,
) -> TaylorSeries:
    r"""Return the Taylor series of a function around a point.

    T(x) = sum over k <= N of f^(k)(x0)/k! (x - x0)^k, in many variables sum over multi-indices alpha of
    (d^alpha f / alpha!) (x - x0)^alpha.  The remainder is of order (x - x0)^(N+1); every coefficient has the
    error of the scheme.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning one number.  It must not change its argument.
    x0 : float or array_like
        Center of the expansion; f gets points of its shape.
    degree : int
        Degree of the polynomial, at least 0.
    scheme : str or Scheme, optional
        How to differentiate: a name from `calcml.schemes` or a scheme with options.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.
    vectorized : bool, optional
        Whether f takes x of shape ``x.shape + (K,)`` and returns shape ``(K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.
    rng : int, Generator or None, optional
        Source of the random directions in many variables, for `numpy.random.default_rng`; the default makes
        every call the same, None makes each different.

    Returns
    -------
    TaylorSeries
        The polynomial, to be called, differentiated, integrated, added and multiplied.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f does not return one real number.

    Warns
    -----
    AccuracyWarning
        If the scheme's own error estimate supports fewer than two digits of a coefficient.

    See Also
    --------
    maclaurin : The same around zero.
    linearize : The series of degree 1, also of vector-valued functions.

    Notes
    -----
    In many variables the coefficients of each degree follow by least squares from series along twice as many
    random directions; directions are measured in units of max(\|x0\|, 1).  Two degrees more than asked for
    are computed along each line: they give the estimate of the remainder.

    References
    ----------
    .. [1] A. Griewank, J. Utke and A. Walther, "Evaluating higher derivative tensors by forward propagation
       of univariate Taylor series", Math. Comp. 69 (2000) 1117.
    .. [2] B. Beauzamy, E. Bombieri, P. Enflo and H. Montgomery, "Products of polynomials in many variables",
       J. Number Theory 36 (1990) 219.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> series = cm.taylor(np.exp, 0.0, 2)
    >>> print(series)
    1 + x + 0.5 x^2 + O(x^3)
    >>> bool(abs(series(0.1) - np.exp(0.1)) <= series.remainder(0.1))
    True
    >>> print(cm.taylor(lambda x: x[0] * np.cos(x[1]), [0.0, 0.0], 3))
    x[0] - 0.5 x[0] x[1]^2 + O(|x - center|^4)
    """
    number = check_degree(degree)
    check_center(x0)
    with open_problem(
        f, x0, scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    ) as problem:
        series = expand(problem, number, rng)
    check_scalar(problem, "taylor")
    return warned(series, "taylor")


def maclaurin(
    f: RealFunction,
    degree: int,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> TaylorSeries:
    """Return the Taylor series of a function of one variable around zero.

    T(x) = sum over k <= N of f^(k)(0)/k! x^k, with a remainder of order x^(N+1).

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning one number.  It must not change its argument.
    degree : int
        Degree of the polynomial, at least 0.
    scheme : str or Scheme, optional
        How to differentiate: a name from `calcml.schemes` or a scheme with options.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``; f is never evaluated outside.
    vectorized : bool, optional
        Whether f takes x of shape ``(K,)`` and returns shape ``(K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.

    Returns
    -------
    TaylorSeries
        The polynomial, to be called, differentiated, integrated, added and multiplied.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f does not return one real number.

    Warns
    -----
    AccuracyWarning
        If the scheme's own error estimate supports fewer than two digits of a coefficient.

    See Also
    --------
    taylor : The same around any point.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> print(cm.maclaurin(np.sin, 5))
    x - 0.16666667 x^3 + 0.0083333333 x^5 + O(x^6)
    """
    number = check_degree(degree)
    with open_problem(
        f, 0.0, scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    ) as problem:
        series = expand(problem, number)
    check_scalar(problem, "maclaurin")
    return warned(series, "maclaurin")


def linearize(
    f: RealFunction,
    x0: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> TaylorSeries:
    r"""Return the linear function that touches f at a point.

    L(x) = f(x0) + J (x - x0), with a remainder of order \|x - x0\|^2.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x0 : float or array_like
        Where L touches f; f gets points of its shape.
    scheme : str or Scheme, optional
        How to differentiate: a name from `calcml.schemes` or a scheme with options.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``, numbers or arrays of x's shape; f is never evaluated outside.
    vectorized : bool, optional
        Whether f takes x of shape ``x.shape + (K,)`` and returns ``f(x).shape + (K,)``: K points in one call.
    workers : int, callable or executor, optional
        Where to evaluate f: a number of processes, a map-like callable, or anything with ``.map``.

    Returns
    -------
    TaylorSeries
        The series of degree 1: ``coefficients[0]`` is f(x0) and ``coefficients[1:]`` are the derivatives with
        respect to each number in x0.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no real numbers or changes its shape between calls.

    Warns
    -----
    AccuracyWarning
        If the scheme's own error estimate supports fewer than two digits of a coefficient.

    See Also
    --------
    taylor : Higher degrees, with an estimate of the remainder.

    Notes
    -----
    Only first derivatives are computed, one line for each number in x0; `TaylorSeries.remainder` needs higher
    ones and is left to ``taylor(f, x0, 1)``.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> line = cm.linearize(lambda x: np.array([x[0] * x[1], x[0] + x[1]]), [1.0, 2.0])
    >>> line([1.1, 2.0]).round(10)
    array([2.2, 3.1])
    """
    check_center(x0)
    with open_problem(
        f, x0, scheme=scheme, args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    ) as problem:
        series = expand(problem, 1, beyond=0)
    return warned(series, "linearize")
