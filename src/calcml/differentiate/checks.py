"""Check hand-written derivatives against numerical ones, with a tolerance that the error estimate sets."""

from __future__ import annotations

from typing import Any

from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction
from calcml.differentiate._check import CheckResult, check_against
from calcml.differentiate._problem import Estimate
from calcml.differentiate.gradient import estimate_gradient
from calcml.differentiate.hessian import estimate_hessian
from calcml.differentiate.jacobian import estimate_jacobian
from calcml.schemes.registry import SchemeLike

__all__ = ["check_gradient", "check_hessian", "check_jacobian"]


def check_gradient(
    f: RealFunction,
    grad: RealFunction,
    x: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
) -> CheckResult:
    """Check a gradient against the numerical gradient of f.

    Each component must agree within the error that the scheme estimates for it, so no tolerance has to be
    chosen and noisy functions are judged fairly.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number.
    grad : callable
        ``grad(x, *args, **kwargs)``, the gradient to be checked, in the structure of x.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to check; a point without symmetry finds more mistakes than one with zeros.
    scheme : str or Scheme, optional
        How to differentiate f.
    args, kwargs : tuple, dict, optional
        Further arguments of both functions.
    bounds : tuple, optional
        ``(lower, upper)``; f is never evaluated outside.

    Returns
    -------
    CheckResult
        ``passed``, the worst component and its numbers; true if passed; ``.check()`` raises if not.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable, or `grad` returns another shape than x.

    See Also
    --------
    check_jacobian : For functions that return arrays.

    Examples
    --------
    >>> import calcml as cm
    >>> bool(cm.check_gradient(lambda x: x @ x, lambda x: 2 * x, [1.0, 2.0]))
    True
    >>> wrong = cm.check_gradient(lambda x: x @ x, lambda x: 3 * x, [1.0, 2.0])
    >>> wrong.passed, wrong.given, round(wrong.expected, 6)
    (False, 6.0, 4.0)
    """
    return check_against(f, grad, "grad", estimate_gradient, x, scheme, args, kwargs, bounds)


def check_jacobian(
    f: RealFunction,
    jac: RealFunction,
    x: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
) -> CheckResult:
    """Check a Jacobian against the numerical Jacobian of f.

    Each component must agree within the error that the scheme estimates for it.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.
    jac : callable
        ``jac(x, *args, **kwargs)``, of shape ``f(x).shape + x.shape``.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to check.
    scheme : str or Scheme, optional
        How to differentiate f.
    args, kwargs : tuple, dict, optional
        Further arguments of both functions.
    bounds : tuple, optional
        ``(lower, upper)``; f is never evaluated outside.

    Returns
    -------
    CheckResult
        ``passed``, the worst component and its numbers; true if passed; ``.check()`` raises if not.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable, or `jac` returns another shape than ``f(x).shape + x.shape``.

    See Also
    --------
    check_gradient : For scalar functions.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> bool(cm.check_jacobian(lambda x: x**2, lambda x: np.diag(2 * x), [1.0, 2.0]))
    True
    """
    return check_against(f, jac, "jac", estimate_jacobian, x, scheme, args, kwargs, bounds)


def check_hessian(
    f: RealFunction,
    hess: RealFunction,
    x: Any,
    *,
    scheme: SchemeLike = "adaptive",
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    grad: RealFunction | None = None,
) -> CheckResult:
    """Check a Hessian against the numerical Hessian of f.

    Each component must agree within the error that the scheme estimates for it.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number.
    hess : callable
        ``hess(x, *args, **kwargs)``, of shape ``x.shape + x.shape``.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to check.
    scheme : str or Scheme, optional
        How to differentiate f.
    args, kwargs : tuple, dict, optional
        Further arguments of all functions.
    bounds : tuple, optional
        ``(lower, upper)``; f is never evaluated outside.
    grad : callable, optional
        A gradient that is known to be right; differentiating it is more accurate.

    Returns
    -------
    CheckResult
        ``passed``, the worst component and its numbers; true if passed; ``.check()`` raises if not.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable, or `hess` returns another shape than ``x.shape + x.shape``.

    See Also
    --------
    check_gradient : For first derivatives.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> bool(cm.check_hessian(lambda x: x @ x, lambda x: 2 * np.eye(2), [1.0, 2.0]))
    True
    """

    def numerical(f: RealFunction, x: Any, **options: Any) -> Estimate:
        return estimate_hessian(f, x, grad=grad, **options)

    return check_against(f, hess, "hess", numerical, x, scheme, args, kwargs, bounds)
