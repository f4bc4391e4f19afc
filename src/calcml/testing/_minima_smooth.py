"""Minima that are not sums of squares: classics, convex functions, and traps."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._tools import constant, quiet
from .field_table import field_cases
from .fields import rosenbrock
from .minima import MinimumCase

__all__ = ["classics", "convex", "traps"]


def _case(
    name: str, f: Callable[[Any], Any], grad: Callable[[Any], Any], x0: ArrayLike, x: ArrayLike | None,
    fun: float, *tags: str, hess: Callable[[Any], Any] | None = None, others: tuple[float, ...] = (),
) -> MinimumCase:  # fmt: skip
    best = None if x is None else constant(x)
    curved = None if hess is None else quiet(hess)
    return MinimumCase(
        name, quiet(f), quiet(grad), constant(x0), best, float(fun), curved, others, frozenset(tags)
    )


def _camel() -> MinimumCase:
    return _case(
        "six_hump_camel",
        lambda x: (4 - 2.1 * x[0] ** 2 + x[0] ** 4 / 3) * x[0] ** 2 + x[0] * x[1]
        + 4 * (x[1] ** 2 - 1) * x[1] ** 2,
        lambda x: np.stack(
            [8 * x[0] - 8.4 * x[0] ** 3 + 2 * x[0] ** 5 + x[1], x[0] - 8 * x[1] + 16 * x[1] ** 3]
        ),
        [0.5, -1], [0.08984201310031806, -0.7126564030207396], -1.0316284534898774, "several",
        hess=lambda x: np.array([[8 - 25.2 * x[0] ** 2 + 10 * x[0] ** 4, 1], [1, 48 * x[1] ** 2 - 8]]),
        others=(-0.21546382438371, 2.104250310311),
    )  # fmt: skip


def _branin() -> MinimumCase:
    b, c, t = 5.1 / (4 * np.pi**2), 5 / np.pi, 1 / (8 * np.pi)

    def bend(x: Any) -> Any:
        return x[1] - b * x[0] ** 2 + c * x[0] - 6

    return _case(
        "branin",
        lambda x: bend(x) ** 2 + 10 * (1 - t) * np.cos(x[0]) + 10,
        lambda x: np.stack([2 * bend(x) * (c - 2 * b * x[0]) - 10 * (1 - t) * np.sin(x[0]), 2 * bend(x)]),
        [2.5, 4], [np.pi, 2.275], 10 * t, "several",
    )  # fmt: skip


def _goldstein_price() -> MinimumCase:
    # The two quartic factors depend on u = x + y and on v = 2x - 3y alone.
    def factors(x: Any) -> tuple[Any, Any, Any, Any]:
        u, v = x[0] + x[1], 2 * x[0] - 3 * x[1]
        p, q = 19 - 14 * u + 3 * u * u, 18 - 16 * v + 3 * v * v
        A, dA = 1 + (u + 1) ** 2 * p, 2 * (u + 1) * p + (u + 1) ** 2 * (6 * u - 14)
        B, dB = 30 + v * v * q, 2 * v * q + v * v * (6 * v - 16)
        return A, dA, B, dB

    def f(x: Any) -> Any:
        A, _, B, _ = factors(x)
        return A * B

    def grad(x: Any) -> Any:
        A, dA, B, dB = factors(x)
        return np.stack([dA * B + 2 * A * dB, dA * B - 3 * A * dB])

    return _case("goldstein_price", f, grad, [0.1, -0.9], [0, -1], 3.0, "several", others=(30.0, 84.0, 840.0))


def _mccormick() -> MinimumCase:
    def grad(x: Any) -> Any:
        c, d = np.cos(x[0] + x[1]), 2 * (x[0] - x[1])
        return np.stack([c + d - 1.5, c - d + 2.5])

    return _case(
        "mccormick",
        lambda x: np.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1,
        grad, [0, 0], [0.5 - np.pi / 3, -0.5 - np.pi / 3], -np.sqrt(3) / 2 - np.pi / 3, "several",
    )  # fmt: skip


def _easom() -> MinimumCase:
    def f(x: Any) -> Any:
        return -np.cos(x[0]) * np.cos(x[1]) * np.exp(-((x[0] - np.pi) ** 2) - (x[1] - np.pi) ** 2)

    def grad(x: Any) -> Any:
        e = np.exp(-((x[0] - np.pi) ** 2) - (x[1] - np.pi) ** 2)
        slope = np.sin(x) + 2 * (x - np.pi) * np.cos(x)
        return np.stack([slope[0] * np.cos(x[1]), slope[1] * np.cos(x[0])]) * e

    return _case("easom", f, grad, [2.5, 3.8], [np.pi, np.pi], -1.0, "several")


def _styblinski_tang(n: int = 4) -> MinimumCase:
    return _case(
        "styblinski_tang_4",
        lambda x: 0.5 * np.sum(x**4 - 16 * x**2 + 5 * x),
        lambda x: 2 * x**3 - 16 * x + 2.5,
        np.full(n, -1.0), np.full(n, -2.9035340277711771), -39.166165703771415 * n, "several",
        hess=lambda x: np.diag(6 * x**2 - 16),
    )  # fmt: skip


def classics() -> tuple[MinimumCase, ...]:
    """List the classical test functions of two to four variables."""
    return (_camel(), _branin(), _goldstein_price(), _mccormick(), _easom(), _styblinski_tang())


def _exponentials() -> MinimumCase:
    # Boyd and Vandenberghe, Convex Optimization (2004), equation 9.20.
    A = constant([[1, 3], [1, -3], [-1, 0]])
    return _case(
        "boyd_exponentials",
        lambda x: np.sum(np.exp(A @ x - 0.1)),
        lambda x: A.T @ np.exp(A @ x - 0.1),
        [-1, 1], [-np.log(2) / 2, 0], 2 * np.sqrt(2) * np.exp(-0.1), "convex",
        hess=lambda x: (A.T * np.exp(A @ x - 0.1)) @ A,
    )  # fmt: skip


def _poisson() -> MinimumCase:
    t = np.arange(8.0)
    A = constant(np.stack([np.ones(8), t], axis=1))
    y = constant([1, 1, 3, 4, 9, 13, 20, 36])
    return _case(
        "poisson_regression",
        lambda w: np.sum(np.exp(A @ w) - y * (A @ w)),
        lambda w: A.T @ (np.exp(A @ w) - y),
        [0, 0], [-0.049143001901684774, 0.5178961592530407], -163.52946918704941, "convex",
        hess=lambda w: (A.T * np.exp(A @ w)) @ A,
    )  # fmt: skip


def _logistic() -> MinimumCase:
    loss = next(case for case in field_cases("scalar") if case.name == "logistic_loss")
    return _case(
        "logistic_ridge", loss.f, loss.jacobian, np.zeros(3),
        [0.06484755253139747, 0.37713031850031725, -0.40150510870595857], 3.666301407116941, "convex",
        hess=loss.hessian,
    )  # fmt: skip


def _quadratic(name: str, H: ArrayLike, *tags: str) -> MinimumCase:
    """Make (x - 1).H.(x - 1) / 2, started at 0 with alternating signs."""
    A = constant(H)
    n = len(A)
    return _case(
        name,
        lambda x: 0.5 * np.sum((x - 1) * (A @ (x - 1))),
        lambda x: A @ (x - 1),
        np.resize([3.0, -1.0], n), np.ones(n), 0.0, "convex", *tags,
        hess=lambda _: A.copy(),
    )  # fmt: skip


def convex() -> tuple[MinimumCase, ...]:
    """List the convex functions."""
    i = np.arange(8)
    return (
        _exponentials(), _poisson(), _logistic(),
        _quadratic("quadratic_condition_1e6", np.diag(np.logspace(0, 6, 10)), "scale"),
        _quadratic("hilbert_8", 1.0 / (1 + i[:, None] + i), "singular"),
    )  # fmt: skip


def _rosenbrock_in_units(name: str, a: float = 1.0, b: float = 0.0, s: ArrayLike = (1.0, 1.0)) -> MinimumCase:
    """Make a f(x / s) + b: the same problem, so the same number of iterations."""
    base, unit = rosenbrock(2), constant(s)
    H = cast("Callable[[Any], NDArray[Any]]", base.hessian)
    return _case(
        name,
        lambda x: a * base.f(x / unit) + b,
        lambda x: a * base.jacobian(x / unit) / unit,
        base.x * unit, unit, b, "trap", "scale",
        hess=lambda x: a * H(x / unit) / np.outer(unit, unit),
    )  # fmt: skip


def _saddle() -> MinimumCase:
    return _case(
        "saddle_start",
        lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4 / 2,
        lambda x: np.stack([2 * x[0], 2 * x[1] ** 3 - 2 * x[1]]),
        [1, 0], [0, 1], -0.5, "trap", "saddle start", "several",
        hess=lambda x: np.array([[2, 0], [0, 6 * x[1] ** 2 - 2]]),
    )  # fmt: skip


def traps() -> tuple[MinimumCase, ...]:
    """List the problems at which a minimizer is easily wrong about its success."""
    base = rosenbrock(2)
    return (
        _rosenbrock_in_units("rosenbrock_times_1e-8", a=1e-8),
        _rosenbrock_in_units("rosenbrock_times_1e8", a=1e8),
        _rosenbrock_in_units("rosenbrock_plus_1e6", b=1e6),
        _rosenbrock_in_units("rosenbrock_mixed_units", s=(1e6, 1e-3)),
        _case("rosenbrock_solved_start", base.f, base.jacobian, [1, 1], [1, 1], 0.0, "trap",
              hess=base.hessian),
        _saddle(),
        _case("cosine_top", lambda x: np.sum(np.cos(x)), lambda x: -np.sin(x), [0], [np.pi], -1.0,
              "trap", "saddle start", "several", hess=lambda x: np.diag(-np.cos(x))),
        _case("log_barrier", lambda x: np.sum(x - np.log(x)), lambda x: 1 - 1 / x, [10, 0.1], [1, 1], 2.0,
              "trap", "domain", "convex", hess=lambda x: np.diag(x**-2.0)),
        _case("unbounded", lambda x: x[0] ** 2 - x[1] ** 2, lambda x: np.stack([2 * x[0], -2 * x[1]]),
              [1, 0.1], None, -np.inf, "trap", "unbounded", hess=lambda _: np.diag([2.0, -2.0])),
        _case("unattained", lambda x: np.sum(np.exp(-x)), lambda x: -np.exp(-x), [0], None, 0.0,
              "trap", "unattained", "convex", hess=lambda x: np.diag(np.exp(-x))),
    )  # fmt: skip
