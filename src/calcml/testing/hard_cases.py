"""The 44 hard derivatives, in seven groups, and six traps where no number is the whole answer."""

import numpy as np

from ._elementary import (
    TANH,
    bessel_j,
    chebyshev10,
    chebyshev10_curvature,
    chebyshev10_slope,
    cube_root_by_bisection,
    exponential,
    logarithm,
    lyness,
    lyness_slope,
    power,
    real,
    sine,
    versine_ratio,
    white,
)
from ._tools import quiet
from .derivatives import DerivativeCase, Elementwise

__all__ = ["derivative_cases", "derivative_groups"]

_ANALYTIC = frozenset({"analytic"})


def _case(
    name: str, group: str, f: Elementwise, x: float, derivatives: tuple[Elementwise, ...], noise: float = 0.0,
    tags: frozenset[str] = _ANALYTIC,
) -> DerivativeCase:  # fmt: skip
    extra = frozenset({"edge"}) if group == "edge" else frozenset()
    return DerivativeCase(name, group, quiet(f), x, derivatives, noise, tags | extra)


_SMOOTH = (
    _case("exp", "smooth", np.exp, 1.0, exponential()),
    _case("sin", "smooth", np.sin, 1.0, sine()),
    _case("lyness", "smooth", lyness, 1.5, (lyness_slope,)),
    _case("cubic", "smooth", lambda x: x**3 - 2 * x + 1, 2.0,
          (lambda x: 3 * x**2 - 2, lambda x: 6 * x, lambda x: 6 + 0 * x)),
    _case("runge", "smooth", lambda x: 1 / (1 + 25 * x**2), 0.3,
          (lambda x: -50 * x / (1 + 25 * x**2) ** 2,
           lambda x: 50 * (75 * x**2 - 1) / (1 + 25 * x**2) ** 3,
           lambda x: 15000 * x * (1 - 25 * x**2) / (1 + 25 * x**2) ** 4)),
    _case("log", "smooth", np.log, 2.0, logarithm()),
    _case("tanh", "smooth", np.tanh, 0.5, TANH),
    _case("gaussian", "smooth", lambda x: np.exp(-(x**2)), 0.6,
          (lambda x: -2 * x * np.exp(-(x**2)),
           lambda x: (4 * x**2 - 2) * np.exp(-(x**2)),
           lambda x: (12 - 8 * x**2) * x * np.exp(-(x**2)))),
    _case("sqrt", "smooth", np.sqrt, 2.0, power(0.5)),
    _case("chebyshev10", "smooth", chebyshev10, 0.7, (chebyshev10_slope, chebyshev10_curvature)),
    _case("x_to_the_x", "smooth", lambda x: x**x, 0.5,
          (lambda x: x**x * (1 + np.log(x)), lambda x: x**x * ((1 + np.log(x)) ** 2 + 1 / x))),
    _case("bessel_j0", "smooth", lambda x: bessel_j(0, x), 3.0,
          (lambda x: -bessel_j(1, x), lambda x: bessel_j(1, x) / x - bessel_j(0, x)),
          tags=frozenset({"scipy"})),
)  # fmt: skip

_NEAR_ZERO = (
    _case("sin_at_zero", "near_zero", np.sin, 0.0, sine()),
    _case("exp_near_zero", "near_zero", np.exp, 1e-10, exponential()),
    _case("log1p_near_zero", "near_zero", np.log1p, 1e-8, logarithm(-1.0)),
    _case("tanh_near_zero", "near_zero", np.tanh, 1e-5, TANH),
    _case("exp_minus_cos", "near_zero", lambda x: np.exp(x) - np.cos(x), 1e-3,
          (lambda x: np.exp(x) + np.sin(x),
           lambda x: np.exp(x) + np.cos(x),
           lambda x: np.exp(x) - np.sin(x))),
)  # fmt: skip

_SCALE = (
    _case("sin_at_1e6", "scale", np.sin, 1e6, sine()),
    _case("exp_fast", "scale", lambda x: np.exp(1e6 * x), 2e-6, exponential(1e6)),
    _case("exp_slow", "scale", lambda x: np.exp(-x * 2.0**-27), 2.0**27, exponential(-(2.0**-27))),
    _case("peak_at_1000", "scale", lambda x: np.exp(-0.5 * (100 * (x - 1000)) ** 2), 1000.005,
          (lambda x: -1e4 * (x - 1000) * np.exp(-0.5 * (100 * (x - 1000)) ** 2),
           lambda x: 1e4 * ((100 * (x - 1000)) ** 2 - 1) * np.exp(-0.5 * (100 * (x - 1000)) ** 2))),
    _case("reciprocal_small", "scale", lambda x: 1 / x, 1e-6, power(-1.0)),
    _case("tiny_values", "scale", lambda x: 1e-20 * np.exp(np.sin(x)), 1.0,
          (lambda x: 1e-20 * np.cos(x) * np.exp(np.sin(x)),
           lambda x: 1e-20 * (np.cos(x) ** 2 - np.sin(x)) * np.exp(np.sin(x)),
           lambda x: 1e-20 * np.cos(x) * (np.cos(x) ** 2 - 3 * np.sin(x) - 1) * np.exp(np.sin(x)))),
)  # fmt: skip

_OSCILLATORY = (
    _case("sin_1000x", "oscillatory", lambda x: np.sin(1000 * x), 1.0, sine(1000.0)),
    _case("chirp", "oscillatory", lambda x: np.sin(x**2), 50.0,
          (lambda x: 2 * x * np.cos(x**2), lambda x: 2 * np.cos(x**2) - 4 * x**2 * np.sin(x**2))),
)  # fmt: skip

_EDGE = (
    _case("sqrt_near_zero", "edge", np.sqrt, 1e-10, power(0.5)),
    _case("log_near_zero", "edge", np.log, 1e-8, logarithm()),
    _case("log_shifted", "edge", lambda x: np.log(x - 0.0999), 0.1, logarithm(0.0999)),
    _case("exp_reciprocal", "edge", lambda x: np.exp(1 / x), 0.125,
          (lambda x: -np.exp(1 / x) / x**2,
           lambda x: np.exp(1 / x) * (1 + 2 * x) / x**4,
           lambda x: -np.exp(1 / x) * (1 + 6 * x + 6 * x**2) / x**6)),
    _case("tan_near_pole", "edge", np.tan, 1.57,
          (lambda x: 1 + np.tan(x) ** 2,
           lambda x: 2 * np.tan(x) * (1 + np.tan(x) ** 2),
           lambda x: 2 * (1 + np.tan(x) ** 2) * (1 + 3 * np.tan(x) ** 2))),
    _case("arcsin_near_one", "edge", np.arcsin, 0.999,
          (lambda x: ((1 - x) * (1 + x)) ** -0.5,
           lambda x: x * ((1 - x) * (1 + x)) ** -1.5,
           lambda x: (1 + 2 * x**2) * ((1 - x) * (1 + x)) ** -2.5)),
    _case("semicircle", "edge", lambda x: np.sqrt((1 - x) * (1 + x)), 0.9999,
          (lambda x: -x * ((1 - x) * (1 + x)) ** -0.5,
           lambda x: -(((1 - x) * (1 + x)) ** -1.5),
           lambda x: -3 * x * ((1 - x) * (1 + x)) ** -2.5)),
    _case("x_log_x", "edge", lambda x: x * np.log(x), 1e-6, (lambda x: 1 + np.log(x), *logarithm()[:5])),
    _case("double_pole", "edge", lambda x: (x - 1) ** -2.0, 1.001, power(-2.0, 1.0)),
    _case("arctanh_near_one", "edge", np.arctanh, 0.9999,
          (lambda x: ((1 - x) * (1 + x)) ** -1.0,
           lambda x: 2 * x * ((1 - x) * (1 + x)) ** -2.0,
           lambda x: (2 + 6 * x**2) * ((1 - x) * (1 + x)) ** -3.0)),
)  # fmt: skip

_KINKED = frozenset({"kink"})

_KINK = (
    _case("abs", "kink", np.abs, 1.0, (np.sign,), tags=_KINKED),
    _case("x_abs_x", "kink", lambda x: x * np.abs(x), 0.01,
          (lambda x: 2 * np.abs(x), lambda x: 2 * np.sign(x)), tags=_KINKED),
    _case("huber", "kink", lambda x: np.where(np.abs(x) <= 1, 0.5 * x**2, np.abs(x) - 0.5)[()], 0.9,
          (lambda x: np.clip(x, -1.0, 1.0), lambda x: np.where(np.abs(x) < 1, 1.0, 0.0)[()]), tags=_KINKED),
)  # fmt: skip

_NOISY = frozenset({"noisy"})

_NOISE = (
    _case("sin_noisy", "noise", lambda x: np.sin(x) + 1e-8 * white(x), 1.0, sine(), 1e-8, _NOISY),
    _case("exp_float32", "noise", lambda x: np.exp(real(x).astype(np.float32)).astype(np.float64), 1.0,
          exponential(), 8e-7, _NOISY | {"float32"}),
    _case("log_rounded", "noise", lambda x: np.round(np.log(real(x)), 10), 2.0, logarithm(), 5.1e-11,
          _NOISY),
    _case("cube_root_bisected", "noise", cube_root_by_bisection, 2.0, power(1 / 3), 2e-12, _NOISY),
    _case("versine_ratio", "noise", lambda x: (1 - np.cos(x)) / x**2, 0.01,
          tuple(versine_ratio(n) for n in range(1, 5)), 1.2e-12, _NOISY | _ANALYTIC),
    _case("sin_on_a_million", "noise", lambda x: 1e6 + np.sin(x), 1.0, sine(), 6e-11, _NOISY | _ANALYTIC),
)  # fmt: skip

_NONE: tuple[Elementwise, ...] = (lambda x: np.nan + 0 * x,)

_TRAP = (
    _case("constant", "trap", lambda x: 2.5 + 0 * x, 1.0, (lambda x: 0 * x,) * 4,
          tags=_ANALYTIC | {"constant"}),
    _case("linear", "trap", lambda x: 3 * x - 1, 1.0, (lambda x: 3 + 0 * x,) + (lambda x: 0 * x,) * 3),
    _case("stationary", "trap", np.cos, 0.0, (lambda x: -np.sin(x), lambda x: -np.cos(x))),
    _case("abs_at_kink", "trap", np.abs, 0.0, _NONE, tags=_KINKED | {"none"}),
    _case("sqrt_at_end", "trap", np.sqrt, 0.0, _NONE, tags=frozenset({"edge", "none"})),
    _case("step", "trap", lambda x: np.where(x < 1, 0.0, 1.0)[()], 1.0, _NONE,
          tags=frozenset({"kink", "none"})),
)  # fmt: skip

_HARD = _SMOOTH + _NEAR_ZERO + _SCALE + _OSCILLATORY + _EDGE + _KINK + _NOISE


def derivative_groups() -> tuple[str, ...]:
    """List the groups of the catalogue of derivatives.

    Returns
    -------
    tuple of str
        The seven groups of the hard cases, in their order, and "trap".

    Examples
    --------
    >>> from calcml.testing import derivative_groups
    >>> derivative_groups()
    ('smooth', 'near_zero', 'scale', 'oscillatory', 'edge', 'kink', 'noise', 'trap')
    """
    return tuple(dict.fromkeys(case.group for case in _HARD + _TRAP))


def derivative_cases(group: str | None = None) -> tuple[DerivativeCase, ...]:
    """List the hard derivatives of one variable.

    Without a group these are the 44 hard cases: 12 smooth, 5 near zero, 6 of unusual scale, 2 oscillatory,
    10 near the edge of the domain, 3 piecewise ones away from their kink, and 6 with noise. The group "trap"
    is apart: constant and linear functions, a stationary point, and three points without a derivative, at
    which ``exact()`` is NaN and a scheme must not claim a small error.

    Parameters
    ----------
    group : str, optional
        One of `derivative_groups`; all but the traps by default.

    Returns
    -------
    tuple of DerivativeCase
        The cases.

    Raises
    ------
    ValueError
        If there is no such group.

    See Also
    --------
    scaled : A case in other units.
    field_cases : Functions of many variables.

    Notes
    -----
    The kinds of difficulty are those met in reports on numerical differentiation: arguments of 1e6 and
    1e-10, a singularity closer than any fixed step, values that cancel, single precision inside, iterations
    that stop early. "lyness" is the example of Squire and Trapp [1]_.

    References
    ----------
    .. [1] W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions",
       SIAM Review 40 (1998) 110-112.

    Examples
    --------
    >>> from calcml.testing import derivative_cases
    >>> len(derivative_cases())
    44
    >>> [case.name for case in derivative_cases("kink")]
    ['abs', 'x_abs_x', 'huber']
    """
    if group is None:
        return _HARD
    if group not in derivative_groups():
        names = ", ".join(derivative_groups())
        message = f"`group` must be one of {names}, got {group!r}; leave it out for all hard cases"
        raise ValueError(message)
    return tuple(case for case in _HARD + _TRAP if case.group == group)
