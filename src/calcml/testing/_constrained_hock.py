"""Equality-constrained problems of Hock and Schittkowski.

The number in a name is that of W. Hock and K. Schittkowski, Test Examples for Nonlinear Programming Codes
(Springer, 1981). The multipliers and all digits beyond the printed ones come from Newton's method on the
first-order conditions in extended precision. Problem 47 has its strict minimum here: at (1, ..., 1), the
point often printed, the odd power (x2 - x3)^3 has none.
"""

from typing import Any

import numpy as np

from ._constrained_make import constrained, least_squares_on_plane
from .constrained import ConstrainedCase

__all__ = ["hock_schittkowski"]


def _curves() -> tuple[ConstrainedCase, ...]:
    k, j = np.pi / 12, np.pi / 16
    return (
        constrained(
            "hs06", lambda x: (1 - x[0]) ** 2, lambda x: np.stack([2 * (x[0] - 1), 0 * x[1]]),
            lambda x: np.stack([10 * (x[1] - x[0] ** 2)]), lambda x: np.array([[-20 * x[0], 10]]),
            [-1.2, 1], [1, 1], 0.0, [0],
            hess=lambda _, lam: np.diag([2 - 20 * lam[0], 0]),
        ),
        constrained(
            "hs07", lambda x: np.log(1 + x[0] ** 2) - x[1],
            lambda x: np.stack([2 * x[0] / (1 + x[0] ** 2), -1 + 0 * x[1]]),
            lambda x: np.stack([(1 + x[0] ** 2) ** 2 + x[1] ** 2 - 4]),
            lambda x: np.array([[4 * x[0] * (1 + x[0] ** 2), 2 * x[1]]]),
            [2, 2], [0, np.sqrt(3)], -np.sqrt(3), [1 / np.sqrt(12)],
        ),
        constrained(
            "hs09", lambda x: np.sin(k * x[0]) * np.cos(j * x[1]),
            lambda x: np.stack(
                [k * np.cos(k * x[0]) * np.cos(j * x[1]), -j * np.sin(k * x[0]) * np.sin(j * x[1])]
            ),
            lambda x: np.stack([4 * x[0] - 3 * x[1]]), lambda _: np.array([[4.0, -3.0]]),
            [0, 0], [-3, -4], -0.5, [-np.pi / 96], "linear", "several",
        ),
        constrained(
            "hs26", lambda x: (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4,
            lambda x: np.stack([2 * (x[0] - x[1]), 2 * (x[1] - x[0]) + 4 * (x[1] - x[2]) ** 3,
                                -4 * (x[1] - x[2]) ** 3]),
            lambda x: np.stack([(1 + x[1] ** 2) * x[0] + x[2] ** 4 - 3]),
            lambda x: np.array([[1 + x[1] ** 2, 2 * x[0] * x[1], 4 * x[2] ** 3]]),
            [-2.6, 2, 2], [1, 1, 1], 0.0, [0], "several", kind="degenerate",
        ),
        constrained(
            "hs27", lambda x: (x[0] - 1) ** 2 / 100 + (x[1] - x[0] ** 2) ** 2,
            lambda x: np.stack([(x[0] - 1) / 50 - 4 * x[0] * (x[1] - x[0] ** 2), 2 * (x[1] - x[0] ** 2),
                                0 * x[2]]),
            lambda x: np.stack([x[0] + x[2] ** 2 + 1]), lambda x: np.array([[1, 0, 2 * x[2]]]),
            [2, 2, 2], [-1, 1, 0], 0.04, [0.04],
        ),
    )  # fmt: skip


def _planes() -> tuple[ConstrainedCase, ...]:
    plane = [[1, 3, 0, 0, 0], [0, 0, 1, 1, -2], [0, 1, 0, 0, -1]]
    pairs = [[1, -1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    steep = [[4, -1, 0, 0, 0], *pairs[1:]]
    return (
        least_squares_on_plane(
            "hs28", [[1, 1, 0], [0, 1, 1]], [0, 0], [[1, 2, 3]], [1], [-4, 1, 1], [0.5, -0.5, 0.5], 0.0, [0]
        ),
        least_squares_on_plane(
            "hs48", [[1, 0, 0, 0, 0], [0, 1, -1, 0, 0], [0, 0, 0, 1, -1]], [1, 0, 0],
            [[1, 1, 1, 1, 1], [0, 0, 1, -2, -2]], [5, -3], [3, 5, -3, 2, -2], np.ones(5), 0.0, [0, 0],
        ),
        least_squares_on_plane(
            "hs51", pairs, [0, 2, 1, 1], plane, [4, 0, 0], [2.5, 0.5, 2, -1, 0.5], np.ones(5), 0.0, [0, 0, 0]
        ),
        least_squares_on_plane(
            "hs52", steep, [0, 2, 1, 1], plane, [0, 0, 0], np.full(5, 2.0),
            np.array([-33, 11, 180, -158, 11]) / 349, 1859 / 349,
            np.array([1144, 1014, -2704]) / 349,
        ),
        least_squares_on_plane(
            "hs53", pairs, [0, 2, 1, 1], plane, [0, 0, 0], np.full(5, 2.0),
            np.array([-33, 11, 27, -5, 11]) / 43, 176 / 43, np.array([88, 96, -256]) / 43,
        ),
    )  # fmt: skip


def _four_variables() -> tuple[ConstrainedCase, ...]:
    r2 = np.sqrt(2)
    i = np.arange(1, 5)
    return (
        constrained(
            "hs39", lambda x: -x[0], lambda x: np.stack([-1 + 0 * x[0], 0 * x[1], 0 * x[2], 0 * x[3]]),
            lambda x: np.stack([x[1] - x[0] ** 3 - x[2] ** 2, x[0] ** 2 - x[1] - x[3] ** 2]),
            lambda x: np.array([[-3 * x[0] ** 2, 1, -2 * x[2], 0], [2 * x[0], -1, 0, -2 * x[3]]]),
            [2, 2, 2, 2], [1, 1, 0, 0], -1.0, [-1, -1],
        ),
        constrained(
            "hs40", lambda x: -x[0] * x[1] * x[2] * x[3],
            lambda x: -np.stack([x[1] * x[2] * x[3], x[0] * x[2] * x[3], x[0] * x[1] * x[3],
                                 x[0] * x[1] * x[2]]),
            lambda x: np.stack([x[0] ** 3 + x[1] ** 2 - 1, x[0] ** 2 * x[3] - x[2], x[3] ** 2 - x[1]]),
            lambda x: np.array([[3 * x[0] ** 2, 2 * x[1], 0, 0], [2 * x[0] * x[3], 0, -1, x[0] ** 2],
                                [0, -1, 0, 2 * x[3]]]),
            np.full(4, 0.8), 2.0 ** np.array([-1 / 3, -1 / 2, -11 / 12, -1 / 4]), -0.25,
            [0.5, -(2 ** (-13 / 12)), 2**-1.5], "several",
        ),
        constrained(
            "hs42", lambda x: np.sum((x - i) ** 2), lambda x: 2 * (x - i),
            lambda x: np.stack([x[0] - 2, x[2] ** 2 + x[3] ** 2 - 2]),
            lambda x: np.array([[1, 0, 0, 0], [0, 0, 2 * x[2], 2 * x[3]]]),
            np.ones(4), [2, 2, 0.6 * r2, 0.8 * r2], 28 - 10 * r2, [-2, 2.5 * r2 - 1], "several",
            hess=lambda _, lam: np.diag([2, 2, 2 + 2 * lam[1], 2 + 2 * lam[1]]),
        ),
        constrained(
            "hs61",
            lambda x: 4 * x[0] ** 2 + 2 * x[1] ** 2 + 2 * x[2] ** 2 - 33 * x[0] + 16 * x[1] - 24 * x[2],
            lambda x: np.stack([8 * x[0] - 33, 4 * x[1] + 16, 4 * x[2] - 24]),
            lambda x: np.stack([3 * x[0] - 2 * x[1] ** 2 - 7, 4 * x[0] - x[2] ** 2 - 11]),
            lambda x: np.array([[3, -4 * x[1], 0], [4, 0, -2 * x[2]]]),
            [0, 0, 0], [5.326770135563928, -2.118998632218976, 3.2104642253505506], -143.64614219778025,
            [-0.8876840877482182, -1.737777205316692], "several",
            hess=lambda _, lam: np.diag([8, 4 - 4 * lam[0], 4 - 2 * lam[1]]),
        ),
        constrained(
            "hs63", lambda x: 1000 - x[0] ** 2 - 2 * x[1] ** 2 - x[2] ** 2 - x[0] * x[1] - x[0] * x[2],
            lambda x: np.stack([-2 * x[0] - x[1] - x[2], -4 * x[1] - x[0], -2 * x[2] - x[0]]),
            lambda x: np.stack([8 * x[0] + 14 * x[1] + 7 * x[2] - 56, np.sum(x**2) - 25]),
            lambda x: np.array([[8, 14, 7], [2 * x[0], 2 * x[1], 2 * x[2]]]),
            [2, 2, 2], [3.5121213418747197, 0.21698794151522302, 3.552171154827017], 961.7151721300522,
            [0.2749371020656298, 1.2234635604844077], "several",
        ),
    )  # fmt: skip


def _sum_with_powers(powers: tuple[int, ...], pairs: tuple[tuple[int, int | None], ...]) -> tuple[Any, Any]:
    """Make f = sum over k of (x_i - x_j)^p, with x_j = 1 where j is None, and its gradient."""

    def gaps(x: Any) -> list[Any]:
        return [x[i] - (1 if j is None else x[j]) for i, j in pairs]

    def f(x: Any) -> Any:
        return sum(gap**p for gap, p in zip(gaps(x), powers, strict=True))

    def grad(x: Any) -> Any:
        g = [0 * x[0]] * 5
        for gap, p, (i, j) in zip(gaps(x), powers, pairs, strict=True):
            slope = p * gap ** (p - 1)
            g[i] = g[i] + slope
            if j is not None:
                g[j] = g[j] - slope
        return np.stack(g)

    return f, grad


def _chain(name: str, constants: tuple[float, float, float], powers: tuple[int, ...],
           pairs: tuple[tuple[int, int | None], ...], *answer: Any) -> ConstrainedCase:  # fmt: skip
    """Share the constraints of problems 47 and 79."""
    f, grad = _sum_with_powers(powers, pairs)
    a, b, c = constants
    return constrained(
        name, f, grad,
        lambda x: np.stack([x[0] + x[1] ** 2 + x[2] ** 3 - a, x[1] - x[2] ** 2 + x[3] - b, x[0] * x[4] - c]),
        lambda x: np.array([[1, 2 * x[1], 3 * x[2] ** 2, 0, 0], [0, 1, -2 * x[2], 1, 0],
                            [x[4], 0, 0, 0, x[0]]]),
        *answer,
    )  # fmt: skip


def _five_variables() -> tuple[ConstrainedCase, ...]:
    r2 = np.sqrt(2)
    f50, grad50 = _sum_with_powers((2, 2, 4, 2), ((0, 1), (1, 2), (2, 3), (3, 4)))
    f77, grad77 = _sum_with_powers((2, 2, 2, 4, 6), ((0, None), (0, 1), (2, None), (3, None), (4, None)))
    plane = np.array([[1, 2, 3, 0, 0], [0, 1, 2, 3, 0], [0, 0, 1, 2, 3]])
    return (
        _chain(
            "hs47", (3, 1, 1), (2, 3, 4, 4), ((0, 1), (1, 2), (2, 3), (3, 4)),
            [2, r2, -1, 2 - r2, 0.5],
            [0.6770043948666402, 0.7260894726520319, 1.2154912142370975, 1.7513294192355415,
             1.4770952856177324],
            -0.026714182693940842, [-0.08181701311503735, -0.6978994057569455, 0.12185210421990403],
            "several",
        ),
        constrained(
            "hs50", f50, grad50, lambda x: plane @ x - 6, lambda _: plane.astype(float),
            [35, -31, 11, 5, -5], np.ones(5), 0.0, [0, 0, 0], "linear",
        ),
        constrained(
            "hs77", f77, grad77,
            lambda x: np.stack([x[0] ** 2 * x[3] + np.sin(x[3] - x[4]) - 2 * r2,
                                x[1] + x[2] ** 4 * x[3] ** 2 - 8 - r2]),
            lambda x: np.array([
                [2 * x[0] * x[3], 0, 0, x[0] ** 2 + np.cos(x[3] - x[4]), -np.cos(x[3] - x[4])],
                [0, 1, 4 * x[2] ** 3 * x[3] ** 2, 2 * x[2] ** 4 * x[3], 0],
            ]),
            np.full(5, 2.0),
            [1.1661721897092985, 1.1821113888027044, 1.3802570431454597, 1.5060362736230457,
             0.6109201960430908],
            0.2415051287901787, [-0.08553959704281992, -0.03187839818681156], "several",
        ),
        constrained(
            "hs78", np.prod, lambda x: np.stack([np.prod(np.delete(x, k)) for k in range(5)]),
            lambda x: np.stack([np.sum(x**2) - 10, x[1] * x[2] - 5 * x[3] * x[4], x[0] ** 3 + x[1] ** 3 + 1]),
            lambda x: np.array([2 * x, [0, x[2], x[1], -5 * x[4], -5 * x[3]],
                                [3 * x[0] ** 2, 3 * x[1] ** 2, 0, 0, 0]]),
            [-2, 1.5, 2, -1, -1],
            [-1.7171435703943823, 1.5957096901835544, 1.8272457529271946, -0.7636430781841304,
             -0.7636430781841304],
            -2.9197004089636795, [0.7444459309751799, -0.7035751900173157, 0.09680552489506648], "several",
        ),
        _chain(
            "hs79", (2 + 3 * r2, 2 * r2 - 2, 2), (2, 2, 2, 4, 4), ((0, None), (0, 1), (1, 2), (2, 3), (3, 4)),
            np.full(5, 2.0),
            [1.1911274563110514, 1.3626031649617423, 1.4728179315120877, 1.635016619167993,
             1.6790814361664075],
            0.07877682087105692, [-0.038821048522653105, -0.01672651703248952, -0.0002873278136940993],
            "several",
        ),
    )  # fmt: skip


def hock_schittkowski() -> tuple[ConstrainedCase, ...]:
    """List the problems with up to five variables."""
    return (*_curves(), *_planes(), *_four_variables(), *_five_variables())
