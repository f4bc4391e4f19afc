"""The noise of a function at a point."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._lines import Directions
from calcml._typing import Bounds, FloatArray, KeywordArguments, PositionalArguments, RealFunction, Workers
from calcml.differentiate._problem import Problem, open_problem, to_values
from calcml.differentiate.optimal_step import open_lines
from calcml.schemes._noise import measured_noise

__all__ = ["noise_level"]

# Components of the direction have so many binary digits that a distance, a power of two, leaves x + t v
# exact; in single precision there is room for fewer.
DIGITS, FEW_DIGITS = 2.0**16, 2.0**6
GOLDEN = 0.6180339887498949
# Nine values leave less to chance than the seven of the searches, which are content with the order of
# magnitude.
REACH = 4


def noise_level(
    f: RealFunction,
    x: Any,
    *,
    elementwise: bool = False,
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
) -> Any:
    r"""Measure the noise of f at x.

    Noise is what keeps f from being smooth: rounding, an iteration that stops early, single precision inside,
    random numbers.  Of nine values at equal distances h along a line through x, differences of order k of
    the smooth part fall as hᵏ, while those of noise with the standard deviation σ stay at σ_k² = (k!)² /
    (2k)! mean(Δᵏf)²; σ is taken where three successive σ_k agree within a factor of 4.  A distance at which f
    stands still is lengthened, one at which none agree is shortened.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.  It must not change its argument.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to look.
    elementwise : bool, optional
        Whether f is a function of one number, looked at for each entry of x.
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
    float or ndarray
        The standard deviation of the noise in units of f, of the shape of f(x); at least the rounding of f,
        2⁻⁵³ \|f(x)\| in double precision, and NaN where f(x) is not finite.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.
    EvaluationError
        If f returns no numbers or changes its shape between calls.

    See Also
    --------
    optimal_step : The steps that balance this noise.

    Notes
    -----
    Nine values are enough in most cases, more are taken in steps of eight; the number of variables does not
    matter, because one line serves, along a direction without a pattern.  With so few values the result has
    an error of its own, a factor of 2 mostly and of more than 4 in one of a thousand cases.

    References
    ----------
    .. [1] J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011) 1292.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> noise = cm.noise_level(lambda x: np.round(np.sin(x), 6), 1.0)
    >>> bool(1e-7 < noise < 1e-6)
    True
    >>> bool(cm.noise_level(np.exp, 1.0) < 1e-15)
    True
    """
    options: dict[str, Any] = dict(
        args=args, kwargs=kwargs, bounds=bounds, vectorized=vectorized, workers=workers
    )
    with open_problem(f, x, scheme="central", **options) as problem:
        if elementwise:
            lines = open_lines(problem, elementwise=True)
            level, finite = measured_noise(lines, reach=REACH).level, np.isfinite(lines.origin())
            noise = to_values(np.where(finite, level, np.nan), lines.function, magnitude=True)
            return noise[:, 0].reshape(problem.structure.shape)[()]
        level = _along(problem)
        noise = to_values(level, problem.function, magnitude=True)
        return noise.reshape(problem.function.shape or ())[()]


def _along(problem: Problem) -> FloatArray:
    """Return the noise along one line, shape (M,)."""
    direction = _direction(problem)
    lines = problem.lines(Directions.dense(direction[None, :]))
    origin = lines.origin()[0] if direction.any() else problem.function.evaluate(problem.x[None, :])[0]
    rounding = lines.eps / 2 * np.abs(origin)
    level = measured_noise(lines, digits=1.0, reach=REACH).level[0] if direction.any() else rounding
    return np.where(np.isfinite(origin), level, np.nan)


def _direction(problem: Problem) -> FloatArray:
    """Return a direction in units of x without a pattern, towards the farther of two bounds."""
    x = problem.x
    size = np.abs(x).astype(np.float64)
    size = np.where(size > 0, size, size.max(initial=0.0) or 1.0)
    digits = DIGITS if np.finfo(x.dtype).eps < 1e-10 else FEW_DIGITS
    weights = 1 + np.floor((np.arange(1, x.size + 1) * GOLDEN) % 1.0 * digits) / digits
    sign = np.ones(x.size)
    if problem.bounds is not None:
        down, up = x - problem.bounds[0], problem.bounds[1] - x
        sign = np.where(np.maximum(down, up) > 0, np.where(up >= down, 1.0, -1.0), 0.0)
    return sign * weights * np.exp2(np.floor(np.log2(size)))
