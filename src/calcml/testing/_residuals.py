"""Residual vectors with their Jacobians: least-squares problems, and systems of equations where square.

Numbers in the comments are those of Moré, Garbow and Hillstrom, ACM TOMS 7 (1981) 17-41.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._tools import columns, constant, quiet

__all__ = ["Residuals", "few_variables", "residuals"]


@dataclass(frozen=True, eq=False)
class Residuals:
    """Residuals r, Jacobian J, starting point, minimizer of sum(r^2), that minimum, and others known."""

    name: str
    r: Callable[[Any], Any]
    jac: Callable[[Any], NDArray[Any]]
    x0: NDArray[np.float64]
    x: NDArray[np.float64] | None
    fun: float = 0.0
    others: tuple[float, ...] = ()
    tags: frozenset[str] = frozenset()


def residuals(
    name: str, r: Callable[[Any], Any], jac: Callable[[Any], Any], x0: ArrayLike, x: ArrayLike | None,
    fun: float = 0.0, others: tuple[float, ...] = (), tags: frozenset[str] = frozenset(),
) -> Residuals:  # fmt: skip
    """Make the functions quiet and the arrays read-only."""
    best = None if x is None else constant(x)
    return Residuals(name, quiet(r), quiet(jac), constant(x0), best, fun, others, tags)


def _rosenbrock() -> Residuals:  # 1
    return residuals(
        "rosenbrock",
        lambda x: np.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]]),
        lambda x: np.array([[-20 * x[0], 10], [-1, 0]]),
        [-1.2, 1], [1, 1],
    )  # fmt: skip


def _freudenstein_roth() -> Residuals:  # 2
    return residuals(
        "freudenstein_roth",
        lambda x: np.stack([-13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1],
                            -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]]),
        lambda x: np.array([[1, 10 * x[1] - 3 * x[1] ** 2 - 2], [1, 3 * x[1] ** 2 + 2 * x[1] - 14]]),
        [0.5, -2], [5, 4], others=(48.98425367924,),
    )  # fmt: skip


def _powell_badly_scaled() -> Residuals:  # 3
    return residuals(
        "powell_badly_scaled",
        lambda x: np.stack([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001]),
        lambda x: np.array([[1e4 * x[1], 1e4 * x[0]], [-np.exp(-x[0]), -np.exp(-x[1])]]),
        [0, 1], [1.0981593296998055e-05, 9.106146739866624], tags=frozenset({"scale"}),
    )  # fmt: skip


def _brown_badly_scaled() -> Residuals:  # 4
    return residuals(
        "brown_badly_scaled",
        lambda x: np.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2]),
        lambda x: np.array([[1, 0], [0, 1], [x[1], x[0]]]),
        [1, 1], [1e6, 2e-6], tags=frozenset({"scale"}),
    )  # fmt: skip


def _beale() -> Residuals:  # 5
    y, i = constant([1.5, 2.25, 2.625]), np.arange(1, 4)
    return residuals(
        "beale",
        lambda x: y - x[0] * (1 - x[1] ** i),
        lambda x: columns(x[1] ** i - 1, x[0] * i * x[1] ** (i - 1)),
        [1, 1], [3, 0.5],
    )  # fmt: skip


def _jennrich_sampson() -> Residuals:  # 6
    i = np.arange(1, 11)
    return residuals(
        "jennrich_sampson",
        lambda x: 2 + 2 * i - np.exp(i * x[0]) - np.exp(i * x[1]),
        lambda x: columns(-i * np.exp(i * x[0]), -i * np.exp(i * x[1])),
        [0.3, 0.4], [0.2578252136703641, 0.2578252136703641], 124.36218235561485,
    )  # fmt: skip


def _helical_valley() -> Residuals:  # 7
    def angle(x: Any) -> Any:
        return np.arctan(x[1] / x[0]) / (2 * np.pi) + np.where(np.real(x[0]) < 0, 0.5, 0.0)

    def jac(x: Any) -> Any:
        square = x[0] ** 2 + x[1] ** 2
        turn, root = 50 / (np.pi * square), np.sqrt(square)
        return np.array([[turn * x[1], -turn * x[0], 10], [10 * x[0] / root, 10 * x[1] / root, 0], [0, 0, 1]])

    return residuals(
        "helical_valley",
        lambda x: np.stack(
            [10 * (x[2] - 10 * angle(x)), 10 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]]
        ),
        jac, [-1, 0, 0], [1, 0, 0],
    )  # fmt: skip


def _powell_singular() -> Residuals:  # 13
    a, b = np.sqrt(5.0), np.sqrt(10.0)

    def jac(x: Any) -> Any:
        p, q = 2 * (x[1] - 2 * x[2]), 2 * b * (x[0] - x[3])
        return np.array([[1, 10, 0, 0], [0, 0, a, -a], [0, p, -2 * p, 0], [q, 0, 0, -q]])

    return residuals(
        "powell_singular",
        lambda x: np.stack(
            [x[0] + 10 * x[1], a * (x[2] - x[3]), (x[1] - 2 * x[2]) ** 2, b * (x[0] - x[3]) ** 2]
        ),
        jac, [3, -1, 0, 1], [0, 0, 0, 0], tags=frozenset({"singular"}),
    )  # fmt: skip


def _wood() -> Residuals:  # 14
    a, b = np.sqrt(90.0), np.sqrt(10.0)
    return residuals(
        "wood",
        lambda x: np.stack([10 * (x[1] - x[0] ** 2), 1 - x[0], a * (x[3] - x[2] ** 2), 1 - x[2],
                            b * (x[1] + x[3] - 2), (x[1] - x[3]) / b]),
        lambda x: np.array([[-20 * x[0], 10, 0, 0], [-1, 0, 0, 0], [0, 0, -2 * a * x[2], a], [0, 0, -1, 0],
                            [0, b, 0, b], [0, 1 / b, 0, -1 / b]]),
        [-3, -1, -3, -1], [1, 1, 1, 1],
    )  # fmt: skip


def _himmelblau() -> Residuals:
    return residuals(
        "himmelblau",
        lambda x: np.stack([x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7]),
        lambda x: np.array([[2 * x[0], 1], [1, 2 * x[1]]]),
        [1, 1], [3, 2], tags=frozenset({"several"}),
    )  # fmt: skip


def _booth() -> Residuals:
    return residuals(
        "booth",
        lambda x: np.stack([x[0] + 2 * x[1] - 7, 2 * x[0] + x[1] - 5]),
        lambda _: np.array([[1.0, 2.0], [2.0, 1.0]]),
        [0, 0], [1, 3],
    )  # fmt: skip


def _penalty(n: int = 10) -> Residuals:  # 23
    a = np.sqrt(1e-5)
    return residuals(
        "penalty_10",
        lambda x: np.concatenate([a * (x - 1), [np.sum(x * x) - 0.25]]),
        lambda x: np.concatenate([a * np.eye(n), [2 * np.asarray(x)]]),
        np.arange(1, n + 1), np.full(n, 0.15812230111311634), 7.087651467090369e-05,
    )  # fmt: skip


def _variably_dimensioned(n: int = 10) -> Residuals:  # 25
    j = np.arange(1, n + 1)

    def r(x: Any) -> Any:
        s = np.sum(j * (x - 1))
        return np.concatenate([x - 1, [s, s * s]])

    def jac(x: Any) -> Any:
        return np.concatenate([np.eye(n), [j], [2 * np.sum(j * (x - 1)) * j]])

    return residuals("variably_dimensioned_10", r, jac, 1 - j / n, np.ones(n))


def few_variables() -> tuple[Residuals, ...]:
    """List the problems that are given by a formula."""
    return (
        _rosenbrock(), _freudenstein_roth(), _powell_badly_scaled(), _brown_badly_scaled(), _beale(),
        _jennrich_sampson(), _helical_valley(), _powell_singular(), _wood(), _himmelblau(), _booth(),
        _penalty(), _variably_dimensioned(),
    )  # fmt: skip
