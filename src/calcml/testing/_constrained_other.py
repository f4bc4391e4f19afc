"""Equality-constrained problems that teach, that are large, and that break a rule."""

from typing import Any

import numpy as np

from ._constrained_make import constrained, least_squares_on_plane
from .constrained import ConstrainedCase

__all__ = ["larger", "rule_breakers", "teaching"]


def _circle(x: Any) -> Any:
    return np.stack([np.sum(x**2) - 1])


def _circle_slope(x: Any) -> Any:
    return 2 * np.asarray(x)[None, :]


def _xy(name: str, x0: list[float], sign: float, kind: str) -> ConstrainedCase:
    half = np.sqrt(0.5)
    return constrained(
        name, lambda x: x[0] * x[1], lambda x: x[::-1].copy(), _circle, _circle_slope,
        x0, [half, -sign * half], -sign / 2, [sign / 2], "teaching", "several", kind=kind,
        hess=lambda _, lam: np.array([[2 * lam[0], 1], [1, 2 * lam[0]]]),
    )  # fmt: skip


def _rayleigh() -> ConstrainedCase:
    # Stationary points of x.A.x on the sphere are eigenvectors, the multiplier of -x.A.x the eigenvalue.
    A = np.array([[2.0, 1, 0], [1, 3, 1], [0, 1, 4]])
    top, r3 = 3 + np.sqrt(3), np.sqrt(3)
    vector = np.array([1, 1 + r3, 2 + r3])
    return constrained(
        "rayleigh", lambda x: -np.sum(x * (A @ x)), lambda x: -2 * (A @ x), _circle, _circle_slope,
        [1, 1, 1], vector / np.sqrt(np.sum(vector**2)), -top, [top], "teaching", "several",
        hess=lambda _, lam: 2 * lam[0] * np.eye(3) - 2 * A,
    )  # fmt: skip


def _middle_axis() -> ConstrainedCase:
    d = np.array([1.0, 2.0, 3.0])
    return constrained(
        "middle_axis", lambda x: np.sum(d * x**2), lambda x: 2 * d * x, _circle, _circle_slope,
        [0.02, 0.9, -0.03], [0, 1, 0], 2.0, [-2], "teaching", "several", kind="saddle",
        hess=lambda _, lam: np.diag(2 * d + 2 * lam[0]),
    )  # fmt: skip


def _die() -> ConstrainedCase:
    # Jaynes' die: the most even chances whose mean is 4.5; p_i is proportional to exp(-lam_2 i).
    i = np.arange(1.0, 7)
    return constrained(
        "entropy_of_die", lambda p: np.sum(p * np.log(p)), lambda p: 1 + np.log(p),
        lambda p: np.stack([np.sum(p) - 1, np.sum(i * p) - 4.5]), lambda _: np.stack([np.ones(6), i]),
        np.full(6, 1 / 6),
        [0.054353167826491515, 0.07877154563305352, 0.11415997722944056, 0.16544680311005333,
         0.2397744404269, 0.3474940657740611],
        -1.613581098153829, [2.283301319518479, -0.37104893808103334],
        "teaching", "linear", "domain", hess=lambda p, _: np.diag(1 / p),
    )  # fmt: skip


def _ellipse() -> ConstrainedCase:
    p, axes = np.array([3.0, 2.0]), np.array([4.0, 1.0])
    return constrained(
        "ellipse_distance", lambda x: np.sum((x - p) ** 2), lambda x: 2 * (x - p),
        lambda x: np.stack([np.sum(x**2 / axes) - 1]), lambda x: (2 * x / axes)[None, :],
        [1, 1], [1.7254112548559846, 0.5057064369810553], 3.8574897217276485, [2.9548636397422867],
        "teaching", hess=lambda _, lam: np.diag(2 + 2 * lam[0] / axes),
    )  # fmt: skip


def _box() -> ConstrainedCase:
    # The open box of largest volume from 12 units of cardboard.
    return constrained(
        "open_box", lambda x: -x[0] * x[1] * x[2],
        lambda x: -np.stack([x[1] * x[2], x[0] * x[2], x[0] * x[1]]),
        lambda x: np.stack([x[0] * x[1] + 2 * x[2] * (x[0] + x[1]) - 12]),
        lambda x: np.array([[x[1] + 2 * x[2], x[0] + 2 * x[2], 2 * (x[0] + x[1])]]),
        [1, 1, 2], [2, 2, 1], -4.0, [0.5], "teaching", "several",
    )  # fmt: skip


def _budget() -> ConstrainedCase:
    # Labor at 20 and steel at 170 a unit, a budget of 20000: the multiplier is what one more coin buys.
    labor, steel = 2000 / 3, 2000 / 51
    best = labor ** (2 / 3) * steel ** (1 / 3)
    return constrained(
        "cobb_douglas", lambda x: -(x[0] ** (2 / 3)) * x[1] ** (1 / 3),
        lambda x: -np.stack([2 / 3 * (x[1] / x[0]) ** (1 / 3), 1 / 3 * (x[0] / x[1]) ** (2 / 3)]),
        lambda x: np.stack([20 * x[0] + 170 * x[1] - 20000]), lambda _: np.array([[20.0, 170.0]]),
        [100, 100], [labor, steel], -best, [best / 20000], "teaching", "linear", "domain", "scale",
    )  # fmt: skip


def teaching() -> tuple[ConstrainedCase, ...]:
    """List the problems with an answer one can find by hand, or nearly."""
    return (
        _xy("xy_on_circle", [0.9, -0.3], 1.0, "minimum"),
        _xy("xy_on_circle_top", [0.7, 0.72], -1.0, "maximum"),
        _middle_axis(), _rayleigh(), _die(), _ellipse(), _box(), _budget(),
        least_squares_on_plane(
            "shortest_vector", np.eye(3) / np.sqrt(2), [0, 0, 0], [[1, 1, 1], [1, 2, 3]], [1, 3], [1, 1, 1],
            [-1 / 6, 1 / 3, 5 / 6], 5 / 12, [2 / 3, -1 / 2], "teaching",
        ),
    )  # fmt: skip


def _sphere_section() -> ConstrainedCase:
    return constrained(
        "byrd_spheres", lambda x: -np.sum(x), lambda x: -1 + 0 * x,
        lambda x: np.stack([np.sum(x**2) - 9, np.sum(x**2) - 2 * x[0] - 8]),
        lambda x: np.stack([2 * x, 2 * x - np.array([2, 0, 0])]),
        [5, 1e-4, -1e-4], [0.5, np.sqrt(4.375), np.sqrt(4.375)], -0.5 - np.sqrt(17.5),
        [0.6195228609334393, -0.3804771390665606], "several",
    )  # fmt: skip


def _repelled(name: str, k: float, x0: list[float]) -> ConstrainedCase:
    # f = k (x.x - 1) - x_1: full steps along the circle are refused by f and by the constraint alike.
    return constrained(
        name, lambda x: k * (np.sum(x**2) - 1) - x[0], lambda x: 2 * k * x - np.array([1, 0]),
        _circle, _circle_slope, x0, [1, 0], -1.0, [0.5 - k], "several",
        hess=lambda _, lam: (2 * k + 2 * lam[0]) * np.eye(2),
    )  # fmt: skip


def _seven_variables() -> ConstrainedCase:
    a, b = np.arcsin(np.sqrt(1 / 4.2)), np.arcsin(np.sqrt(5 / 7.2))
    amounts = np.array([4.2, 4.2, 4.2, 7.2])
    left = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 2, 2]])
    angles = np.arcsin(np.sqrt(np.array([2.4, 1.2, 1.2]) / 4.2))
    return constrained(
        "hs56", lambda x: -x[0] * x[1] * x[2],
        lambda x: np.concatenate([-np.stack([x[1] * x[2], x[0] * x[2], x[0] * x[1]]), 0 * x[3:]]),
        lambda x: left @ x[:3] - amounts * np.sin(x[3:]) ** 2,
        lambda x: np.concatenate([left, np.diag(-amounts * np.sin(2 * x[3:]))], axis=1),
        [1, 1, 1, a, a, a, b], [2.4, 1.2, 1.2, *angles, np.pi / 2], -3.456, [0, 0, 0, 1.44], "several",
    )  # fmt: skip


def _chemical_equilibrium() -> ConstrainedCase:
    c = np.array([-6.089, -17.164, -34.054, -5.914, -24.721, -14.986, -24.1, -10.708, -26.662, -22.179])
    A = np.array([[1.0, 2, 2, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 1, 2, 1, 1, 0, 0, 0],
                  [0, 0, 1, 0, 0, 0, 1, 1, 2, 1]])  # fmt: skip

    def grad(x: Any) -> Any:
        # The derivative of the mole fractions' logarithm sums to zero.
        e = np.exp(x)
        return e * (c + x - np.log(np.sum(e)))

    return constrained(
        "hs111", lambda x: np.sum(grad(x)), grad, lambda x: A @ np.exp(x) - np.array([2.0, 1, 1]),
        lambda x: A * np.exp(x), np.full(10, -2.3),
        [-3.2023115885512152, -1.9123665970809813, -0.24442674775038356, -6.5611772716583765,
         -0.7230979632953047, -7.274232280188143, -3.5972374223277774, -4.02031673069085,
         -3.2883768813602545, -2.33437173922062],
        -47.761090859365865, [9.785055008529767, 12.968920691636928, 15.222060150669403],
    )  # fmt: skip


def larger() -> tuple[ConstrainedCase, ...]:
    """List the problems that ask for steps with care, or have more variables."""
    return (
        _repelled("bt1", 100.0, [0.08, 0.06]), _repelled("maratos", 2.0, [0.8, 0.6]), _sphere_section(),
        _seven_variables(), _chemical_equilibrium(),
    )  # fmt: skip


def rule_breakers() -> tuple[ConstrainedCase, ...]:
    """List the problems in which the multipliers are not unique, do not exist, or no point is allowed."""
    twice = np.array([[1.0, 1, 1], [2, 2, 2]])
    return (
        constrained(
            "redundant", lambda x: np.sum(x**2), lambda x: 2 * x, lambda x: twice @ x - np.array([1, 2]),
            lambda _: twice.copy(), [3, -1, 0.5], np.full(3, 1 / 3), 1 / 3, [-2 / 15, -4 / 15], "linear",
            "dependent", hess=lambda _x, _lam: 2 * np.eye(3),
        ),
        constrained(
            "cusp", lambda x: x[0], lambda x: np.stack([1 + 0 * x[0], 0 * x[1]]),
            lambda x: np.stack([x[1] ** 2 - x[0] ** 3]), lambda x: np.array([[-3 * x[0] ** 2, 2 * x[1]]]),
            [1, 0.5], [0, 0], 0.0, None, "dependent",
        ),
        constrained(
            "infeasible", lambda x: x[0] + x[1], lambda x: 1 + 0 * x, lambda x: np.stack([np.sum(x**2) + 1]),
            _circle_slope, [1, 2], None, np.nan, None, kind="infeasible",
        ),
    )  # fmt: skip
