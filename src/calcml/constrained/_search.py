"""Line searches: what makes a step good enough, and how it is shortened or bent until it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calcml._typing import FloatArray
from calcml.constrained._state import Point

__all__ = ["Merit", "Trial", "backtrack", "restore", "slide"]

HALVINGS = 50
# Shorter steps than 2^-6 are too straight for a bend to matter.
BENDS = 6
# Part of the predicted gain that must be realized (Armijo).
SUFFICIENT = 1e-4
# A violation that falls by less than this part has stopped falling.
LEAST_MENDED = 1e-8

Values = Callable[[FloatArray], tuple[float, FloatArray]]


@dataclass(frozen=True, eq=False)
class Trial:
    """A point that was accepted, with its values."""

    x: FloatArray
    f: float
    c: FloatArray


@dataclass(frozen=True, eq=False)
class Merit:
    """The exact penalty function φ = f + Σ ν_i |c_i| around one point.

    Attributes
    ----------
    penalty : ndarray, shape (m,)
        The weights ν.
    start : float
        φ at the point.
    noise : float
        Rounding of φ there: smaller gains cannot be seen.
    """

    penalty: FloatArray
    start: float
    noise: float

    @classmethod
    def at(cls, p: Point, penalty: FloatArray, sizes: FloatArray) -> Merit:
        """Set φ up around a point; `sizes` are the sizes of the terms of each constraint."""
        # A few operations on f and on each constraint, each of which rounds to half a unit.
        noise = 8 * np.finfo(float).eps * (abs(p.f) + float(penalty @ sizes))
        return cls(penalty, p.f + float(penalty @ np.abs(p.c)), noise)

    def gain(self, f: float, c: FloatArray) -> float:
        """Return how much lower φ is; -inf where a value is not finite."""
        if not (np.isfinite(f) and np.isfinite(c).all()):
            return -np.inf
        with np.errstate(over="ignore"):
            return self.start - (f + float(self.penalty @ np.abs(c)))

    def slope(self, p: Point, step: FloatArray) -> float:
        """Return what linear models of f and c promise for the whole step: negative for a descent."""
        return float(p.g @ step + self.penalty @ (np.abs(p.c + p.J @ step) - np.abs(p.c)))


def backtrack(values: Values, p: Point, step: FloatArray, merit: Merit, slope: float) -> Trial | None:
    """Return the first point along the step at which φ falls enough, or None.

    Far along a curved constraint both f and c may grow although the step is good: the Maratos effect.
    Before a step is shortened it is therefore bent back onto the constraint, x + a p + p_c with
    J p_c = -c(x + a p), the second-order correction.
    """
    a = 1.0
    for attempt in range(HALVINGS):
        if attempt and -a * slope <= merit.noise:
            return None  # too short a step for φ to tell
        x = p.x + a * step
        f, c = values(x)
        least = -SUFFICIENT * a * slope - merit.noise
        if merit.gain(f, c) >= least:
            return Trial(x, f, c)
        if attempt < BENDS and np.isfinite(c).all():
            bent = x + p.tangent.to_constraints(c)
            f, c = values(bent)
            if merit.gain(f, c) >= least:
                return Trial(bent, f, c)
        a /= 2
    return None


def slide(
    values: Values, p: Point, direction: FloatArray, curvature: float, length: float, merit: Merit
) -> Trial | None:
    """Leave a stationary point along a direction of negative curvature, or return None.

    To second order f falls by t² |curvature| / 2 on the constraint; the step t is bent onto it, and both ways
    are tried.
    """
    t = length
    for _ in range(HALVINGS):
        promised = 0.5 * t**2 * abs(curvature)
        if promised <= merit.noise:
            return None
        for way in (t, -t):
            x = p.x + way * direction
            for _correction in range(2):
                _, c = values(x)
                if np.isfinite(c).all():
                    x = x + p.tangent.to_constraints(c)
            f, c = values(x)
            if merit.gain(f, c) >= max(SUFFICIENT * promised, merit.noise):
                return Trial(x, f, c)
        t /= 2
    return None


def restore(values: Values, p: Point, units: FloatArray) -> Trial | None:
    """Return a point at which the constraints alone are violated less, or None.

    Levenberg-Marquardt steps on |c|² with c and J in the given units: p = -Jᵀ (J Jᵀ + μ I)⁻¹ c, with μ raised
    until the violation falls by a part of what the linear model promises.
    """
    x, c, J = p.x, p.c / units, p.J / units[:, None]
    U, s, Yt = np.linalg.svd(J, full_matrices=False)
    along = U.T @ c
    before = float(c @ c)
    mu = 1e-12 * float(s.max(initial=0.0)) ** 2
    for _ in range(HALVINGS):
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = np.where(s > 0, s / (s**2 + mu), 0.0)
        step = -Yt.T @ (weights * along)
        promised = before - float(np.sum((c + J @ step) ** 2))
        point = x + step
        if np.array_equal(point, x):
            return None
        f, new = values(point)
        if np.isfinite(f) and np.isfinite(new).all():
            gained = before - float(np.sum((new / units) ** 2))
            if gained >= max(SUFFICIENT * promised, LEAST_MENDED * before):
                return Trial(point, f, new)
        mu = max(10 * mu, 1e-12 * float(s.max(initial=0.0)) ** 2)
    return None
