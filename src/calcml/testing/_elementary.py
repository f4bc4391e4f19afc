"""Elementary functions with exact derivatives, for the table of hard cases."""

import math
from typing import Any

import numpy as np

from .derivatives import Elementwise


def sine(k: float = 1.0) -> tuple[Elementwise, ...]:
    """Differentiate sin(kx): k cos(kx), -k^2 sin(kx), ..., without the rounding of a shift by n pi / 2."""
    circle: tuple[Elementwise, ...] = (np.sin, np.cos, lambda t: -np.sin(t), lambda t: -np.cos(t))

    def order(n: int) -> Elementwise:
        return lambda x: k**n * circle[n % 4](k * x)

    return tuple(order(n) for n in range(1, 9))


def exponential(k: float = 1.0) -> tuple[Elementwise, ...]:
    """Differentiate exp(kx)."""

    def order(n: int) -> Elementwise:
        return lambda x: k**n * np.exp(k * x)

    return tuple(order(n) for n in range(1, 9))


def power(p: float, shift: float = 0.0, orders: int = 6) -> tuple[Elementwise, ...]:
    """Differentiate (x - shift)^p: p (p-1) ... (p-n+1) (x - shift)^(p-n)."""

    def order(n: int) -> Elementwise:
        falling = math.prod(p - j for j in range(n))
        return lambda x: falling * (x - shift) ** (p - n)

    return tuple(order(n) for n in range(1, orders + 1))


def logarithm(shift: float = 0.0) -> tuple[Elementwise, ...]:
    """Differentiate log(x - shift): the powers from -1 on."""
    return (lambda x: 1.0 / (x - shift), *power(-1.0, shift, orders=5))


TANH: tuple[Elementwise, ...] = (
    lambda x: np.cosh(x) ** -2.0,
    lambda x: -2 * np.tanh(x) * np.cosh(x) ** -2.0,
    lambda x: 2 * np.cosh(x) ** -2.0 * (2 * np.tanh(x) ** 2 - np.cosh(x) ** -2.0),
)


def lyness(x: Any) -> Any:
    return np.exp(x) / (np.sin(x) ** 3 + np.cos(x) ** 3)


def lyness_slope(x: Any) -> Any:
    # With f = e^x / g: f' = f (1 - g'/g), g' = 3 sin cos (sin - cos).
    s, c = np.sin(x), np.cos(x)
    return lyness(x) * (1 - 3 * s * c * (s - c) / (s**3 + c**3))


def chebyshev10(x: Any) -> Any:
    z = x * x
    return ((((512 * z - 1280) * z + 1120) * z - 400) * z + 50) * z - 1


def chebyshev10_slope(x: Any) -> Any:
    # T_n'(cos t) = n sin(nt) / sin t, free of the cancellation that spoils the polynomial.
    t = np.arccos(x)
    return 10 * np.sin(10 * t) / np.sin(t)


def chebyshev10_curvature(x: Any) -> Any:
    # Chebyshev's equation: (1 - x^2) y'' = x y' - n^2 y.
    return (x * chebyshev10_slope(x) - 100 * np.cos(10 * np.arccos(x))) / ((1 - x) * (1 + x))


def bessel_j(order: int, x: Any) -> Any:
    from scipy.special import j0, j1

    return (j0, j1)[order](x)


def real(x: Any) -> Any:
    if np.iscomplexobj(x):
        message = "`x` must be real, got complex numbers; this function is not analytic, use real steps"
        raise TypeError(message)
    return np.asarray(x, dtype=np.float64)


def white(x: Any) -> Any:
    """Make deterministic noise in [-1, 1): the bits of x through the mixer of SplitMix64 (Steele 2014)."""
    bits = np.atleast_1d(real(x)).view(np.uint64).copy()
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return np.reshape(bits / 2.0**63 - 1.0, np.shape(x))[()]


def cube_root_by_bisection(x: Any) -> Any:
    """Halve [0, 4] 40 times for the cube root: a staircase with steps of 4e-12, as iterative codes give."""
    target = real(x)
    root, width = np.zeros_like(target), 4.0
    for _ in range(40):
        width /= 2
        root = np.where((root + width) ** 3 <= target, root + width, root)
    return (root + width / 2)[()]


def versine_ratio(n: int) -> Elementwise:
    """Differentiate (1 - cos x) / x^2, the sum of (-1)^k x^(2k) / (2k+2)!, n times; for abs(x) up to 2."""

    def order(x: Any) -> Any:
        terms = [
            (-1) ** k * math.perm(2 * k, n) / math.factorial(2 * k + 2) * x ** (2 * k - n)
            for k in range((n + 1) // 2, 14)
        ]
        return sum(reversed(terms))

    return order
