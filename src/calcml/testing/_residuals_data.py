"""Least-squares problems that are fits to data.

Numbers in the comments are those of Moré, Garbow and Hillstrom, ACM TOMS 7 (1981) 17-41.
"""

from typing import Any

import numpy as np

from ._residuals import Residuals, residuals
from ._tools import columns, constant

__all__ = ["fits_to_data"]


def _bard() -> Residuals:  # 8
    y = constant([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
    u = np.arange(1.0, 16)
    v = 16 - u
    w = np.minimum(u, v)

    def jac(x: Any) -> Any:
        bottom = (v * x[1] + w * x[2]) ** 2
        return columns(-1.0, u * v / bottom, u * w / bottom)

    return residuals(
        "bard", lambda x: y - x[0] - u / (v * x[1] + w * x[2]), jac,
        [1, 1, 1],
        [0.08241055974978899, 1.1330360920297224, 2.3436951786425366],
        8.21487730657898e-3, (17.4286933,),
    )  # fmt: skip


def _gaussian() -> Residuals:  # 9
    rise = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521]
    y = constant([*rise, 0.3989, *rise[::-1]])
    t = (8 - np.arange(1.0, 16)) / 2

    def bell(x: Any) -> Any:
        return np.exp(-x[1] * (t - x[2]) ** 2 / 2)

    def jac(x: Any) -> Any:
        e, d = bell(x), t - x[2]
        return columns(e, -0.5 * x[0] * d**2 * e, x[0] * x[1] * d * e)

    return residuals(
        "gaussian_fit", lambda x: x[0] * bell(x) - y, jac,
        [0.4, 1, 0], [0.39895613783875666, 1.0000190844878056, 0], 1.1279327696190112e-8,
    )  # fmt: skip


def _meyer() -> Residuals:  # 10
    y = constant([34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820,
                  3307, 2872])  # fmt: skip
    t = 45 + 5 * np.arange(1.0, 17)

    def jac(x: Any) -> Any:
        e, s = np.exp(x[1] / (t + x[2])), t + x[2]
        return columns(e, x[0] * e / s, -x[0] * x[1] * e / s**2)

    return residuals(
        "meyer", lambda x: x[0] * np.exp(x[1] / (t + x[2])) - y, jac,
        [0.02, 4000, 250], [0.005609636471028053, 6181.346346286372, 345.2236346241365], 87.94585517085112,
        tags=frozenset({"scale"}),
    )  # fmt: skip


def _box() -> Residuals:  # 12
    t = 0.1 * np.arange(1, 11)
    last = np.exp(-10 * t) - np.exp(-t)
    return residuals(
        "box_3d",
        lambda x: np.exp(-t * x[0]) - np.exp(-t * x[1]) + x[2] * last,
        lambda x: columns(-t * np.exp(-t * x[0]), t * np.exp(-t * x[1]), last),
        [0, 10, 20], [1, 10, 1], tags=frozenset({"several"}),
    )  # fmt: skip


def _kowalik_osborne() -> Residuals:  # 15
    y = constant([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
    u = constant([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])

    def jac(x: Any) -> Any:
        top, bottom = u * (u + x[1]), u * (u + x[2]) + x[3]
        slope = x[0] * top / bottom**2
        return columns(-top / bottom, -x[0] * u / bottom, slope * u, slope)

    return residuals(
        "kowalik_osborne", lambda x: y - x[0] * u * (u + x[1]) / (u * (u + x[2]) + x[3]), jac,
        [0.25, 0.39, 0.415, 0.39],
        [0.1928069345790379, 0.19128232873436676, 0.12305650692632074, 0.13606233068379475],
        3.075056038492378e-4,
    )  # fmt: skip


def _brown_dennis() -> Residuals:  # 16
    t = 0.2 * np.arange(1, 21)

    def parts(x: Any) -> tuple[Any, Any]:
        return x[0] + t * x[1] - np.exp(t), x[2] + x[3] * np.sin(t) - np.cos(t)

    def r(x: Any) -> Any:
        p, q = parts(x)
        return p * p + q * q

    def jac(x: Any) -> Any:
        p, q = parts(x)
        return columns(2 * p, 2 * p * t, 2 * q, 2 * q * np.sin(t))

    return residuals(
        "brown_dennis", r, jac, [25, 5, -5, -1],
        [-11.594439904762165, 13.203630051207204, -0.4034394881768596, 0.23677877445573636],
        85822.20162635633,
    )  # fmt: skip


def _osborne() -> Residuals:  # 17
    y = constant([
        0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658,
        0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431,
        0.424, 0.420, 0.414, 0.411, 0.406,
    ])  # fmt: skip
    t = 10.0 * np.arange(33)

    def jac(x: Any) -> Any:
        p, q = np.exp(-t * x[3]), np.exp(-t * x[4])
        return columns(-1.0, -p, -q, x[1] * t * p, x[2] * t * q)

    return residuals(
        "osborne_1", lambda x: y - x[0] - x[1] * np.exp(-t * x[3]) - x[2] * np.exp(-t * x[4]), jac,
        [0.5, 1.5, -1, 0.01, 0.02],
        [0.37541005210695194, 1.9358469127123559, -1.4646871366134115, 0.012867534640057266,
         0.02212269966167266],
        5.464894697482912e-5,
    )  # fmt: skip


def _biggs() -> Residuals:  # 18
    t = 0.1 * np.arange(1, 14)
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)

    def jac(x: Any) -> Any:
        p, q, s = np.exp(-t * x[0]), np.exp(-t * x[1]), np.exp(-t * x[4])
        return columns(-t * x[2] * p, t * x[3] * q, p, -q, -t * x[5] * s, s)

    return residuals(
        "biggs_exp6",
        lambda x: x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y,
        jac, [1, 2, 1, 1, 1, 1], [1, 10, 1, 5, 4, 3],
        tags=frozenset({"several"}),
    )  # fmt: skip


def _watson(n: int = 6) -> Residuals:  # 20
    t = np.arange(1.0, 30)[:, None] / 29
    j = np.arange(n)
    powers = t**j
    slopes = np.concatenate([np.zeros((29, 1)), j[1:] * t ** (j[1:] - 1)], axis=1)

    def r(x: Any) -> Any:
        return np.concatenate([slopes @ x - (powers @ x) ** 2 - 1, [x[0], x[1] - x[0] ** 2 - 1]])

    def jac(x: Any) -> Any:
        first, second = np.eye(n)[0], np.eye(n)[1] - 2 * x[0] * np.eye(n)[0]
        return np.concatenate([slopes - 2 * (powers @ x)[:, None] * powers, [first, second]])

    best = [
        -0.0157250864014584,
        1.0124348693691099,
        -0.23299162595673686,
        1.2604300877996053,
        -1.5137289227222754,
        0.9929964324311329,
    ]
    return residuals("watson_6", r, jac, np.zeros(n), best, 2.287670053552429e-3)


def fits_to_data() -> tuple[Residuals, ...]:
    """List the problems that are fits to data."""
    return (
        _bard(), _gaussian(), _meyer(), _box(), _kowalik_osborne(), _brown_dennis(), _osborne(), _biggs(),
        _watson(),
    )  # fmt: skip
