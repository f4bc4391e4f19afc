"""What lies around a point: curvature, lower points, what a Newton step promises, how much f scatters."""

from __future__ import annotations

from typing import Any

import numpy as np

from calcml._typing import FloatArray, IntArray
from calcml.descent._curvature import Curvature, curvature
from calcml.descent._oracle import Oracle, Point

__all__ = ["Surroundings"]

# Up to so many free variables a Hessian is affordable at the end: 2 n² evaluations, 5000 here.
MOST_VARIABLES = 50
# How far along negative curvature to look for a lower point, relative to x.
LENGTHS = (1e-4, 1e-3, 1e-2, 0.1)
# Beyond that number, curvature is looked at in so many directions, so far away.
PROBES, PROBE_LENGTH = 10, 1e-3
# A Newton step is worth taking if it promises a larger share of the decrease so far, or goes farther relative
# to x, than this.
WORTHWHILE, CLOSE = 1e-10, 1e-6
# However far it goes, a smaller share than this of a worthwhile decrease is none.
TOO_LITTLE = 1e-5
# Neighboring points at which f is asked how much it scatters, and what multiple of that is believed.
NEIGHBORS, SCATTER = 8, 4.0


class Surroundings:
    """What second derivatives and nearby values tell about a point.

    Parameters
    ----------
    oracle : Oracle
        The objective as the run sees it.
    fine : Oracle
        The objective with accurate derivatives, asked where the first Hessian leaves a sign open.
    point : Point
        The point.
    start : float
        f at the start of the run: the measure of a decrease.
    """

    def __init__(self, oracle: Oracle, fine: Oracle, point: Point, start: Any) -> None:
        self.oracle, self.point = oracle, point
        self.rounding = oracle.rounding(point.fun)
        self.gained = WORTHWHILE * abs(float(start - point.fun))
        self.free: IntArray = oracle.free(point)
        self.many = self.free.size > MOST_VARIABLES
        self.curved = self._curvature(fine)

    def _curvature(self, fine: Oracle) -> Curvature | None:
        if self.many or not self.free.size:
            return None
        found = curvature(*self.oracle.hessian(self.point, self.free))
        if self.oracle is not fine and (found is None or found.doubtful):
            found = curvature(*fine.hessian(self.point, self.free))
        return found

    def below_saddle(self) -> Point | None:
        """Return a lower point along negative curvature: the proof that this is no minimum."""
        x = self.point.x
        size = np.maximum(np.abs(x), 1.0)
        if self.curved is not None and self.curved.negative:
            v = np.zeros(x.shape, dtype=x.dtype)
            v[self.free] = self.curved.downward
            return self._lower_beside([v / np.max(np.abs(v) / size)], LENGTHS)
        if not self.many:
            return None
        # Too many variables for a Hessian: a maximum, or a saddle with its share of ways down, shows in a few
        # directions without a pattern.
        signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(PROBES, x.size))
        return self._lower_beside(list(signs * size), (PROBE_LENGTH,))

    def _lower_beside(self, directions: list[FloatArray], lengths: tuple[float, ...]) -> Point | None:
        """Return the lower of two opposite points whose mean is below f, nearest first.

        The mean leaves out the slope: f(x + v) + f(x - v) - 2 f(x) = v·H v + ...
        """
        oracle, point = self.oracle, self.point
        for v in directions:
            for length in lengths:
                trials = [oracle.clip(point.x + sign * length * v) for sign in (1.0, -1.0)]
                values = np.array([oracle.value(x) for x in trials])
                with np.errstate(over="ignore", invalid="ignore"):
                    below = values.mean() < point.fun - self.rounding
                if below:
                    best = int(np.argmin(values))
                    lower = oracle.point(trials[best], values[best])
                    if lower.finite:
                        return lower
        return None

    def newton_step(self, *, certain: bool) -> tuple[FloatArray, float]:
        """Return the Newton step and the decrease of f that it promises, half of -g·p.

        With `certain`, only what goes along curvatures that are known; without a Hessian, along the
        gradient to the minimum of the parabola, whose curvature is that of f along it.
        """
        point = self.point
        if self.curved is None:
            return self._gradient_step()
        step = np.zeros(point.x.shape, dtype=point.x.dtype)
        step[self.free] = self.curved.newton_step(point.grad[self.free], certain=certain)
        return step, float(-(point.grad @ step) / 2)

    def _gradient_step(self) -> tuple[FloatArray, float]:
        point, g = self.point, self.point.reduced
        square = float(g @ g)
        h = PROBE_LENGTH * max(1.0, float(np.max(np.abs(point.x)))) / np.sqrt(square)
        beside = self.oracle.point(self.oracle.clip(point.x - h * g), point.fun)
        with np.errstate(over="ignore", invalid="ignore"):
            curve = float(g @ (point.grad - beside.grad)) / h
        if not 0 < curve < np.inf:
            return np.zeros_like(g), np.inf
        return -(square / curve) * g, square**2 / (2 * curve)

    def further(self) -> Point | None:
        """Return a point that is lower by more than can be left undone, if Newton's step leads to one."""
        if self.curved is None:
            return None
        step, promised = self.newton_step(certain=True)
        if self.worthwhile(step, promised):
            return self.lower_along(step)
        if not self.curved.doubtful:
            return None
        # Curvatures that are not known promise nothing; a look may find something.
        return self.lower_along(self.newton_step(certain=False)[0], self.gained)

    def worthwhile(self, step: FloatArray, promised: float) -> bool:
        """Tell whether a step promises to lower f, or to move x, by more than can be left undone."""
        if not promised > max(self.rounding, TOO_LITTLE * self.gained):
            return False
        far = (np.abs(step) > CLOSE * np.maximum(np.abs(self.point.x), 1.0)).any()
        return promised > self.gained or bool(far)

    def lower_along(self, step: FloatArray, by: float = 0.0) -> Point | None:
        """Return a point along a step that is lower by more than `by` and rounding, the whole step first."""
        oracle, point = self.oracle, self.point
        limit = point.fun - max(by, self.rounding)
        for length in (1.0, 0.1, 0.01):
            x = oracle.clip(point.x + length * step)
            fun = oracle.value(x)
            if fun < limit:
                lower = oracle.point(x, fun)
                if lower.finite:
                    return lower
        return None

    def scatter(self) -> float:
        """Return how much f scatters between neighboring points: more than rounding if terms cancel."""
        oracle, x = self.oracle, self.point.x
        spacing = np.spacing(np.maximum(np.abs(x), np.finfo(float).tiny))
        values = [oracle.value(oracle.clip(x + k * spacing)) for k in range(1, 1 + NEIGHBORS)]
        spread = float(np.ptp([self.point.fun, *(v for v in values if np.isfinite(v))]))
        return max(self.rounding, SCATTER * spread)
