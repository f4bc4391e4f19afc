"""Square residual vectors: systems of equations.

Numbers in the comments are those of Moré, Garbow and Hillstrom, ACM TOMS 7 (1981) 17-41.
"""

from typing import Any

import numpy as np

from ._residuals import Residuals, residuals

__all__ = ["many_variables", "small_systems"]

# Roots by Newton's method in extended precision.
_TRIGONOMETRIC = [
    0.0617549189234923, 0.06393992541842797, 0.06648669739226702, 0.06953055812954323, 0.32148909434561196,
]  # fmt: skip
_BOUNDARY_VALUE = [
    -0.04316498251876487, -0.08157715653538689, -0.11448571438052928, -0.14097357686259668,
    -0.15990869618198314, -0.16987720231277490, -0.16908998378120835, -0.15524953522183180,
    -0.12535589167893497, -0.07541653368589205,
]  # fmt: skip
_TRIDIAGONAL = [
    -0.5707221320112248, -0.6818069499842750, -0.7022100760176601, -0.7055106298950804, -0.7049061557287437,
    -0.7014966070298512, -0.6918893223547983, -0.6657965144058537, -0.5960351090263657, -0.4164122575286934,
]  # fmt: skip
_BANDED = [
    -0.4283028635872503, -0.4765964243562902, -0.5196524636468617, -0.5580993248321809, -0.5925061568294574,
    -0.6245036821994680, -0.6232394714405911, -0.6213938417965735, -0.6204535966590874, -0.5864692707204351,
]  # fmt: skip
_CHEBYQUAD = [0.08375125649950906, 0.31272929522320947, 0.5, 0.6872707047767905, 0.9162487435004909]
_CHANDRASEKHAR = [
    1.1300342011497220, 1.3379842138526990, 1.5251472053591364, 1.7027727410224354, 1.8743772183582554,
    2.0415749042322470, 2.2052534446550265, 2.3659577459453454, 2.5240489682269420, 2.6797807565638947,
]  # fmt: skip


def _trigonometric(n: int = 5) -> Residuals:  # 26
    i = np.arange(1, n + 1)

    def jac(x: Any) -> Any:
        # The diagonal has the sum's sine and the equation's own.
        return np.sin(x) * np.ones((n, 1)) + np.diag(i * np.sin(x) - np.cos(x))

    return residuals(
        "trigonometric_5", lambda x: n - np.sum(np.cos(x)) + i * (1 - np.cos(x)) - np.sin(x), jac,
        np.full(n, 1 / n), _TRIGONOMETRIC, tags=frozenset({"several"}),
    )  # fmt: skip


def _brown_almost_linear(n: int = 10) -> Residuals:  # 27
    def r(x: Any) -> Any:
        return np.concatenate([x[:-1] + np.sum(x) - (n + 1), [np.prod(x) - 1]])

    def jac(x: Any) -> Any:
        last = [np.prod(np.delete(x, k)) for k in range(n)]
        return np.concatenate([(np.eye(n) + 1)[:-1], [last]])

    return residuals(
        "brown_almost_linear_10", r, jac, np.full(n, 0.5), np.ones(n), tags=frozenset({"several"})
    )


def _discrete_boundary_value(n: int = 10) -> Residuals:  # 28
    h = 1 / (n + 1)
    t = h * np.arange(1, n + 1)
    second = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    return residuals(
        "discrete_boundary_value_10",
        lambda x: second @ x + h**2 / 2 * (x + t + 1) ** 3,
        lambda x: second + np.diag(1.5 * h**2 * (x + t + 1) ** 2),
        t * (t - 1), _BOUNDARY_VALUE,
    )  # fmt: skip


def _discrete_integral(n: int = 10) -> Residuals:  # 29
    h = 1 / (n + 1)
    t = h * np.arange(1, n + 1)
    kernel = h / 2 * np.minimum(t[:, None], t) * (1 - np.maximum(t[:, None], t))
    return residuals(
        "discrete_integral_10",
        lambda x: x + kernel @ (x + t + 1) ** 3,
        lambda x: np.eye(n) + kernel * (3 * (x + t + 1) ** 2),
        t * (t - 1), _BOUNDARY_VALUE,
    )  # fmt: skip


def _broyden_tridiagonal(n: int = 10) -> Residuals:  # 30
    beside = np.eye(n, k=-1) + 2 * np.eye(n, k=1)
    return residuals(
        "broyden_tridiagonal_10",
        lambda x: (3 - 2 * x) * x - beside @ x + 1,
        lambda x: np.diag(3 - 4 * x) - beside,
        -np.ones(n), _TRIDIAGONAL,
    )  # fmt: skip


def _broyden_banded(n: int = 10) -> Residuals:  # 31
    near = np.tri(n, k=1) * np.tri(n, k=5).T - np.eye(n)
    return residuals(
        "broyden_banded_10",
        lambda x: x * (2 + 5 * x**2) + 1 - near @ (x * (1 + x)),
        lambda x: np.diag(2 + 15 * x**2) - near * (1 + 2 * x),
        -np.ones(n), _BANDED,
    )  # fmt: skip


def _chebyquad(n: int = 5) -> Residuals:  # 35
    def r(x: Any) -> Any:
        before, now, rows = 1 + 0 * x, 2 * x - 1, []
        for k in range(1, n + 1):
            integral = -1 / (k * k - 1) if k % 2 == 0 else 0.0
            rows.append(np.mean(now) - integral)
            before, now = now, 2 * (2 * x - 1) * now - before
        return np.stack(rows)

    def jac(x: Any) -> Any:
        # Differentiate the recurrence of T_k(2x - 1).
        z = 2 * x - 1
        before, now, slope_before, slope, rows = 1 + 0 * x, z, 0 * x, 2 + 0 * x, []
        for _ in range(n):
            rows.append(slope / n)
            slope_before, slope = slope, 4 * now + 2 * z * slope - slope_before
            before, now = now, 2 * z * now - before
        return np.stack(rows)

    return residuals("chebyquad_5", r, jac, np.arange(1, n + 1) / (n + 1), _CHEBYQUAD,
                     tags=frozenset({"several"}))  # fmt: skip


def _chandrasekhar(n: int = 10, c: float = 0.999) -> Residuals:
    # H(m) (1 - c/2 * integral of m H(t) / (m + t) dt) = 1 by the midpoint rule; nearly singular at c = 1.
    m = (np.arange(n) + 0.5) / n
    kernel = c / (2 * n) * m[:, None] / (m[:, None] + m)
    return residuals(
        "chandrasekhar_10",
        lambda x: x - 1 / (1 - kernel @ x),
        lambda x: np.eye(n) - kernel / (1 - kernel @ x)[:, None] ** 2,
        np.ones(n), _CHANDRASEKHAR, tags=frozenset({"several"}),
    )  # fmt: skip


def _boggs() -> Residuals:
    half_pi = np.pi / 2
    return residuals(
        "boggs",
        lambda x: np.stack([x[0] ** 2 - x[1] + 1, x[0] - np.cos(half_pi * x[1])]),
        lambda x: np.array([[2 * x[0], -1], [1, half_pi * np.sin(half_pi * x[1])]]),
        [1, 0], [0, 1], tags=frozenset({"several"}),
    )  # fmt: skip


def _overflow() -> Residuals:
    # The slope at the start is so small that Newton's first full step lands where exp overflows.
    return residuals(
        "overflow",
        lambda x: np.stack([np.exp(x[0]) + x[1] - 1000, x[1] - x[0] / 2]),
        lambda x: np.array([[np.exp(x[0]), 1], [-0.5, 1]]),
        [-3, 0], [6.904297157989168, 3.452148578994584],
    )  # fmt: skip


def _singular_root() -> Residuals:
    # Griewank and Osborne's kind: at the root the Jacobian has rank one.
    return residuals(
        "singular_root",
        lambda x: np.stack([x[0] + x[1] ** 2, x[0] * x[1] + x[1] ** 2]),
        lambda x: np.array([[1, 2 * x[1]], [x[1], x[0] + 2 * x[1]]]),
        [0.5, 0.5], [0, 0], tags=frozenset({"singular", "several"}),
    )  # fmt: skip


def _no_root() -> Residuals:
    return residuals(
        "no_root",
        lambda x: np.stack([x[0] ** 2 + x[1] ** 2 + 1, x[0] - x[1]]),
        lambda x: np.array([[2 * x[0], 2 * x[1]], [1, -1]]),
        [1, 2], None, tags=frozenset({"no root"}),
    )  # fmt: skip


def small_systems() -> tuple[Residuals, ...]:
    """List the systems of two equations."""
    return (_boggs(), _overflow(), _singular_root(), _no_root())


def many_variables() -> tuple[Residuals, ...]:
    """List the systems with any number of equations."""
    return (
        _trigonometric(), _brown_almost_linear(), _discrete_boundary_value(), _discrete_integral(),
        _broyden_tridiagonal(), _broyden_banded(), _chebyquad(), _chandrasekhar(),
    )  # fmt: skip
