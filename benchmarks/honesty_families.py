"""Families of functions with exact derivatives on which no scheme was tuned: what `honesty.py` runs over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

__all__ = ["Family", "families"]

Draw = Callable[[np.random.Generator, int], tuple[Any, Any]]
Law = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Family:
    """A function f(x, s) with a parameter s per point, its derivatives, and how x and s are drawn."""

    name: str
    group: str
    f: Law
    derivatives: tuple[Law, ...]
    draw: Draw


def between(low: float, high: float) -> Draw:
    """Draw x evenly."""
    return lambda rng, k: (rng.uniform(low, high, k), 1.0)


def decades(low: float, high: float, center: float = 0.0) -> Draw:
    """Draw the distance of x from a center evenly over decades; s is the center."""
    return lambda rng, k: (center + 10 ** rng.uniform(low, high, k), center)


def scales(low: float, high: float, left: float = -2.0, right: float = 2.0) -> Draw:
    """Draw s, a power of two so that x / s is exact, over decades, and x / s evenly."""

    def draw(rng: np.random.Generator, k: int) -> tuple[Any, Any]:
        s = 2.0 ** np.round(rng.uniform(low, high, k) * np.log2(10))
        return s * rng.uniform(left, right, k), s

    return draw


def waves(low: float, high: float) -> Draw:
    """Draw x near 1 and s over decades."""
    return levels(low, high)


def levels(low: float, high: float, left: float = 0.5, right: float = 2.0) -> Draw:
    """Draw x evenly and s over decades."""
    return lambda rng, k: (rng.uniform(left, right, k), 10 ** rng.uniform(low, high, k))


def beside(low: float, high: float) -> Draw:
    """Draw s over decades, and x on either side of 1, from a tenth of s to thirty times s away."""

    def draw(rng: np.random.Generator, k: int) -> tuple[Any, Any]:
        s = 10 ** rng.uniform(low, high, k)
        return 1 + s * 10 ** rng.uniform(-1, 1.5, k) * rng.choice([-1, 1], k), s

    return draw


def single(x: Any) -> Any:
    """Round to single precision and back."""
    return np.asarray(x).astype(np.float32).astype(np.float64)


def wide(a: Any, x: Any) -> Any:
    """Return a product with more digits: by rounding it f moves as far as a scheme should notice."""
    return np.multiply(a, x, dtype=np.longdouble)


def scatter(x: Any) -> Any:
    """Return numbers in [-1, 1] without a pattern that depend on the last bits of x."""
    bits = np.asarray(x, dtype=np.float64).view(np.uint64)
    with np.errstate(over="ignore"):
        for shift, factor in ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53), (33, 0x9E3779B97F4A7C15)):
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1


def series(*coefficients: float) -> Law:
    """Return a polynomial as a law."""
    return lambda x, _: np.polynomial.polynomial.polyval(x, coefficients)


SIN = (lambda x, _: np.cos(x), lambda x, _: -np.sin(x))
EXP = (lambda x, _: np.exp(x), lambda x, _: np.exp(x))
SIN_S = (lambda x, s: np.cos(x / s) / s, lambda x, s: -np.sin(x / s) / s**2)


def _smooth() -> list[Family]:
    return [
        Family("exp(sin x)", "smooth", lambda x, _: np.exp(np.sin(x)),
               (lambda x, _: np.cos(x) * np.exp(np.sin(x)),
                lambda x, _: (np.cos(x) ** 2 - np.sin(x)) * np.exp(np.sin(x))), between(-3, 3)),
        Family("erf", "smooth", lambda x, _: special.erf(x),
               (lambda x, _: 2 / np.sqrt(np.pi) * np.exp(-x * x),
                lambda x, _: -4 * x / np.sqrt(np.pi) * np.exp(-x * x)), between(-2, 2)),
        Family("J1", "smooth", lambda x, _: special.j1(x),
               (lambda x, _: (special.j0(x) - special.jv(2, x)) / 2,), between(0.1, 20)),
        Family("gamma", "smooth", lambda x, _: special.gamma(x),
               (lambda x, _: special.gamma(x) * special.digamma(x),), between(2, 8)),
        Family("1/(1+x²)", "smooth", lambda x, _: 1 / (1 + x * x),
               (lambda x, _: -2 * x / (1 + x * x) ** 2,
                lambda x, _: (6 * x * x - 2) / (1 + x * x) ** 3), between(-4, 4)),
        Family("log cosh", "smooth", lambda x, _: np.logaddexp(x, -x), (lambda x, _: np.tanh(x),
               lambda x, _: np.cosh(x) ** -2.0), between(0.1, 3)),
        Family("x⁵ - 3x + 1", "smooth", lambda x, _: x**5 - 3 * x + 1,
               (series(-3, 0, 0, 0, 5), series(0, 0, 0, 20)), between(-3, 3)),
        Family("integer x: x³ + x", "smooth", lambda x, _: x**3 + x, (series(1, 0, 3), series(0, 6)),
               lambda rng, k: (rng.integers(1, 50, k), 1.0)),
        Family("x/2 + x²/8 at 1e-9", "smooth", lambda x, _: x / 2 + x * x / 8,
               (lambda x, _: 0.5 + x / 4, lambda x, _: 0.25 + 0 * x), decades(-12, -6)),
    ]  # fmt: skip


def _units() -> list[Family]:
    return [
        Family("sin(x/s), 16 decades", "units", lambda x, s: np.sin(x / s), SIN_S, scales(-8, 8)),
        Family("s tanh(x/s)", "units", lambda x, s: s * np.tanh(x / s),
               (lambda x, s: np.cosh(x / s) ** -2.0,
                lambda x, s: -2 * np.tanh(x / s) * np.cosh(x / s) ** -2.0 / s), scales(-8, 8)),
        Family("sin(x/s) near x = 1", "units", lambda x, s: np.sin(x / s), SIN_S,
               lambda rng, k: (rng.uniform(0.5, 2, k), 2.0 ** rng.integers(-13, 20, k))),
        Family("exp(-(x/s)²), 200 decades", "units", lambda x, s: np.exp(-((x / s) ** 2)),
               (lambda x, s: -2 * (x / s) * np.exp(-((x / s) ** 2)) / s,), scales(-100, 100, 0.1, 2)),
        Family("x^1.5 at 1e140…1e150", "units", lambda x, _: x**1.5,
               (lambda x, _: 1.5 * np.sqrt(x), lambda x, _: 0.75 / np.sqrt(x)), decades(140, 150)),
        Family("sin at subnormal x", "units", lambda x, _: np.sin(x), SIN[:1], decades(-320, -308)),
        Family("log at 1e-300…1e-200", "units", lambda x, _: np.log(x),
               (lambda x, _: 1 / x,), decades(-300, -200)),
        Family("1e-150 exp", "units", lambda x, _: 1e-150 * np.exp(x),
               (lambda x, _: 1e-150 * np.exp(x), lambda x, _: 1e-150 * np.exp(x)), between(-2, 2)),
    ]  # fmt: skip


def _edges() -> list[Family]:
    return [
        Family("log near 0", "edge", lambda x, _: np.log(x),
               (lambda x, _: 1 / x, lambda x, _: -1 / x**2), decades(-12, -2)),
        Family("sqrt near 0", "edge", lambda x, _: np.sqrt(x),
               (lambda x, _: 0.5 / np.sqrt(x), lambda x, _: -0.25 * x**-1.5), decades(-14, -2)),
        Family("x^0.1 near 0", "edge", lambda x, _: x**0.1,
               (lambda x, _: 0.1 * x**-0.9, lambda x, _: -0.09 * x**-1.9), decades(-10, -2)),
        Family("x^x near 0", "edge", lambda x, _: x**x,
               (lambda x, _: x**x * (1 + np.log(x)),), decades(-8, -2)),
        Family("gammaln near 0", "edge", lambda x, _: special.gammaln(x),
               (lambda x, _: special.digamma(x),), decades(-6, -1)),
        Family("arccos(1 - s)", "edge", lambda x, _: np.arccos(x),
               (lambda x, _: -(((1 - x) * (1 + x)) ** -0.5),),
               lambda rng, k: (1 - 10 ** rng.uniform(-8, -1, k), 1.0)),
        Family("entropy", "edge", lambda x, _: -x * np.log(x) - (1 - x) * np.log1p(-x),
               (lambda x, _: np.log1p(-x) - np.log(x),), decades(-8, -1)),
        Family("tan near π/2", "edge", lambda x, _: np.tan(x),
               (lambda x, _: np.cos(x) ** -2.0,),
               lambda rng, k: (np.pi / 2 - 10 ** rng.uniform(-6, -1, k), 1.0)),
        Family("1/(x-1) near 1", "edge", lambda x, s: 1 / (x - s),
               (lambda x, s: -((x - s) ** -2.0), lambda x, s: 2 * (x - s) ** -3.0), decades(-7, -1, 1.0)),
        Family("(x-1)^-3 near 1", "edge", lambda x, s: (x - s) ** -3.0,
               (lambda x, s: -3 * (x - s) ** -4.0,), decades(-5, -1, 1.0)),
        Family("exp(1/x)", "edge", lambda x, _: np.exp(1 / x),
               (lambda x, _: -np.exp(1 / x) / x**2,), decades(-2, 0)),
        Family("exp(-1/x)", "edge", lambda x, _: np.exp(-1 / x),
               (lambda x, _: np.exp(-1 / x) / x**2,), decades(-2, 0)),
    ]  # fmt: skip


def _waves() -> list[Family]:
    return [
        Family("sin(8192 x)", "waves", lambda x, _: np.sin(8192 * x),
               (lambda x, _: 8192 * np.cos(8192 * x),), between(0.5, 5)),
        Family("sin(1000 x)", "waves", lambda x, _: np.sin(1000 * x),
               (lambda x, _: 1000 * np.cos(wide(1000, x)), lambda x, _: -1e6 * np.sin(wide(1000, x))),
               between(0.3, 5)),
        Family("cos(s x), s = 3…3000", "waves", lambda x, s: np.cos(s * x),
               (lambda x, s: -s * np.sin(wide(s, x)), lambda x, s: -s * s * np.cos(wide(s, x))),
               levels(0.5, 3.5, 1, 15)),
        Family("sin(1/x)", "waves", lambda x, _: np.sin(1 / x),
               (lambda x, _: -np.cos(1 / x) / x**2,), between(0.02, 0.2)),
        Family("x² + 1e-3 s sin(x/s)", "waves", lambda x, s: x * x + 1e-3 * s * np.sin(x / s),
               (lambda x, s: 2 * x + 1e-3 * np.cos(x / s),
                lambda x, s: 2 - 1e-3 / s * np.sin(x / s)), waves(-4, 0)),
        Family("x² + 1e-6 sin(x/s)", "waves", lambda x, s: x * x + 1e-6 * np.sin(x / s),
               (lambda x, s: 2 * x + 1e-6 / s * np.cos(x / s),), waves(-4, 0)),
        Family("exp(-x) cos(512 x)", "waves", lambda x, _: np.exp(-x) * np.cos(512 * x),
               (lambda x, _: -np.exp(-x) * (np.cos(512 * x) + 512 * np.sin(512 * x)),), between(0, 3)),
        Family("J0(256 x)", "waves", lambda x, _: special.j0(256 * x),
               (lambda x, _: -256 * special.j1(256 * x),), between(0.1, 2)),
        Family("sin x + sin(64 x)", "waves", lambda x, _: np.sin(x) + np.sin(64 * x),
               (lambda x, _: np.cos(x) + 64 * np.cos(64 * x),), between(0, 6)),
    ]  # fmt: skip


def _kinks() -> list[Family]:
    knots = np.linspace(-3, 3, 31)
    spline = np.interp(knots, knots, np.sin(2 * knots))
    return [
        Family("|x|^1.5 near 0", "limited", lambda x, _: np.abs(x) ** 1.5,
               (lambda x, _: 1.5 * np.sqrt(x),), decades(-8, -1)),
        Family("|x|^2.5 near 0", "limited", lambda x, _: np.abs(x) ** 2.5,
               (lambda x, _: 2.5 * x**1.5, lambda x, _: 3.75 * np.sqrt(x)), decades(-6, -1)),
        Family("|x-1|^1.5 near 1", "limited", lambda x, s: np.abs(x - s) ** 1.5,
               (lambda x, s: 1.5 * np.sqrt(x - s),), decades(-6, -1, 1.0)),
        Family("1 + x|x|", "limited", lambda x, _: 1 + x * np.abs(x),
               (lambda x, _: 2 * np.abs(x),), decades(-5, 0)),
        Family("|x-1| + x near 1", "limited", lambda x, s: np.abs(x - s) + x,
               (lambda x, _: 2 + 0 * x,), decades(-6, -1, 1.0)),
        Family("max(sin, cos)", "limited", lambda x, _: np.maximum(np.sin(x), np.cos(x)),
               (lambda x, _: np.where(np.sin(x) > np.cos(x), np.cos(x), -np.sin(x)),), between(0, 6)),
        Family("3 + piecewise linear", "limited", lambda x, _: 3 + np.interp(x, knots, spline),
               (lambda x, _: (np.diff(spline) / np.diff(knots))[np.searchsorted(knots, x) - 1],),
               between(-2.9, 2.9)),
        Family("exp(min(x, 1))", "limited", lambda x, _: np.exp(np.minimum(x, 1)),
               (lambda x, _: np.exp(x),), lambda rng, k: (1 - 10 ** rng.uniform(-4, 0, k), 1.0)),
    ]  # fmt: skip


def _noise() -> list[Family]:
    return [
        Family("sin + noise 1e-10…1e-4", "noise", lambda x, s: np.sin(x) + s * scatter(x), SIN,
               levels(-10, -4, 0.3, 1.3)),
        Family("exp (1 + noise)", "noise", lambda x, s: np.exp(x) * (1 + s * scatter(x)), EXP,
               levels(-10, -4)),
        Family("x³ (1 + noise)", "noise", lambda x, s: x**3 * (1 + s * scatter(x)),
               (series(0, 0, 3), series(0, 6)), levels(-13, -5)),
        Family("sin(x/s) + 1e-8 noise", "noise", lambda x, s: np.sin(x / s) + 1e-8 * scatter(x),
               SIN_S, waves(-3, 2)),
        Family("log + noise, large x", "noise", lambda x, _: np.log(x) + 1e-9 * scatter(x),
               (lambda x, _: 1 / x,), decades(2, 6)),
    ]  # fmt: skip


def _rounded() -> list[Family]:
    return [
        Family("sin rounded to float32", "rounded", lambda x, _: single(np.sin(x)), SIN, between(0.1, 6)),
        Family("sin of float32(x)", "rounded", lambda x, _: np.sin(single(x)), SIN, between(0.1, 6)),
        Family("exp of float32(x)", "rounded", lambda x, _: np.exp(single(x)), EXP, between(-3, 3)),
        Family("1/(1+x²), x float32", "rounded", lambda x, _: 1 / (1 + single(x) ** 2),
               (lambda x, _: -2 * x / (1 + x * x) ** 2,), between(-4, 4)),
        Family("sin in float32", "rounded", lambda x, _: single(np.sin(single(x).astype(np.float32))),
               SIN, between(0.1, 6)),
        Family("sin in float16", "rounded", lambda x, _: np.sin(x).astype(np.float16).astype(float),
               SIN, between(0.1, 6)),
        Family("sin to 3…9 decimals", "rounded", lambda x, s: np.round(np.sin(x) / s) * s, SIN,
               levels(-9, -3, 0.1, 6)),
        Family("exp to 4 figures", "rounded", lambda x, _: np.round(np.exp(x), 3), EXP, between(0, 2)),
    ]  # fmt: skip


def _cancellation() -> list[Family]:
    return [
        Family("1e12 + sin(x/s), 12 decades", "cancelling", lambda x, s: 1e12 + np.sin(x / s), SIN_S,
               scales(-6, 6)),
        Family("s + sin x, s to 1e14", "cancelling", lambda x, s: s + np.sin(x), SIN, levels(6, 14, 0.1, 6)),
        Family("(1 - cos x)/x²", "cancelling", lambda x, _: (1 - np.cos(x)) / x**2,
               (series(0, -1 / 12, 0, 1 / 180),), decades(-5, -2)),
        Family("(x - sin x)/x³", "cancelling", lambda x, _: (x - np.sin(x)) / x**3,
               (series(0, -1 / 60, 0, 1 / 1260),), decades(-4, -2)),
        Family("(exp x - 1)/x", "cancelling", lambda x, _: (np.exp(x) - 1) / x,
               (series(1 / 2, 1 / 3, 1 / 8, 1 / 30, 1 / 144, 1 / 840),), decades(-6, -2)),
        Family("log(1+x)/x", "cancelling", lambda x, _: np.log(1 + x) / x,
               (series(-1 / 2, 2 / 3, -3 / 4, 4 / 5, -5 / 6, 6 / 7),), decades(-6, -3)),
        Family("√(x+1) - √x, large x", "cancelling", lambda x, _: np.sqrt(x + 1) - np.sqrt(x),
               (lambda x, _: -0.5 / (np.sqrt(x * (x + 1)) * (np.sqrt(x + 1) + np.sqrt(x))),), decades(2, 7)),
        Family("(x-1)⁶ expanded", "cancelling",
               lambda x, _: x**6 - 6 * x**5 + 15 * x**4 - 20 * x**3 + 15 * x**2 - 6 * x + 1,
               (lambda x, _: 6 * (x - 1) ** 5,), between(1.05, 1.5)),
    ]  # fmt: skip


def _tails() -> list[Family]:
    return [
        Family("exp(-x²) at 8…20", "tails", lambda x, _: np.exp(-x * x),
               (lambda x, _: -2 * x * np.exp(-x * x),
                lambda x, _: (4 * x * x - 2) * np.exp(-x * x)), between(8, 20)),
        Family("erfc at 5…20", "tails", lambda x, _: special.erfc(x),
               (lambda x, _: -2 / np.sqrt(np.pi) * np.exp(-x * x),), between(5, 20)),
        Family("1 + exp(-x²)", "tails", lambda x, _: 1 + np.exp(-x * x),
               (lambda x, _: -2 * x * np.exp(-x * x),), between(0, 4)),
        Family("logistic at -700…-20", "tails", lambda x, _: 1 / (1 + np.exp(-x)),
               (lambda x, _: np.exp(x),), between(-700, -40)),
        Family("tanh at 2…15", "tails", lambda x, _: np.tanh(x), (lambda x, _: np.cosh(x) ** -2.0,),
               between(2, 12)),
        Family("100 + 1/(1+x²), large x", "tails", lambda x, _: 100 + 1 / (1 + x * x),
               (lambda x, _: -2 * x / (1 + x * x) ** 2,), decades(0, 3)),
    ]  # fmt: skip


def _hidden() -> list[Family]:
    return [
        Family("exp + 1e-4 tanh((x-1)/s)", "hidden", lambda x, s: np.exp(x) + 1e-4 * np.tanh((x - 1) / s),
               (lambda x, s: np.exp(x) + 1e-4 / s / np.cosh((x - 1) / s) ** 2,), beside(-7, 0)),
        Family("sin + 1e-3 exp(-((x-1)/s)²)", "hidden",
               lambda x, s: np.sin(x) + 1e-3 * np.exp(-(((x - 1) / s) ** 2)),
               (lambda x, s: np.cos(x) - 2e-3 * (x - 1) / s**2 * np.exp(-(((x - 1) / s) ** 2)),),
               beside(-7, 0)),
        Family("exp + 1e-5 sin(x/s)", "hidden", lambda x, s: np.exp(x) + 1e-5 * np.sin(x / s),
               (lambda x, s: np.exp(x) + 1e-5 / s * np.cos(x / s),), waves(-5, 0)),
        Family("cos + 1e-5 |x-1|", "hidden", lambda x, s: np.cos(x) + 1e-5 * np.abs(x - s),
               (lambda x, _: 1e-5 - np.sin(x),), decades(-7, -1, 1.0)),
    ]  # fmt: skip


def families() -> list[Family]:
    """Return all families."""
    return [
        family
        for group in (
            _smooth,
            _units,
            _edges,
            _waves,
            _kinks,
            _noise,
            _rounded,
            _cancellation,
            _tails,
            _hidden,
        )
        for family in group()
    ]
