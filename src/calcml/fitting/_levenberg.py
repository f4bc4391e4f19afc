"""Least squares by a trust region: the Levenberg-Marquardt method with a radius, after Moré.

Near p the residuals are r + J d.  A step minimizes |r + J d|² within |D d| <= radius, where D holds the
largest column lengths of J met so far, so that the result does not depend on the units of the parameters; the
radius grows or shrinks as the model of the residuals foretells chi-squared well or badly.  A radius rather
than a damping: only it keeps the very first step from leaving the region where r + J d means anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._status import Status
from calcml._typing import FloatArray
from calcml.fitting._convergence import chi2_rounding, last_word, verdict
from calcml.fitting._loss import Loss
from calcml.fitting._model import QUICK
from calcml.fitting._region import Factors, factor
from calcml.fitting._residuals import Residuals

__all__ = ["FitState", "LevenbergMarquardt", "blocked", "units"]

EPS = float(np.finfo(float).eps)

# First radius in units of the size of the start.
FIRST = 10.0

# A step that shrinks a column of J by this factor has thrown its parameter out of the range where the data
# feel it (a rate so fast that nothing is left of the decay, a peak beyond the data), from where no gradient
# leads back.
COLLAPSE = 1e-6


@dataclass(frozen=True, eq=False)
class FitState:
    """Where a fit is.

    Attributes
    ----------
    x : ndarray, shape (p,)
        Free parameters.
    chi2 : float
        What is minimized: the sum of squared residuals, or of their losses.
    f, r, J : ndarray, shapes (n,), (n,) and (n, p)
        The model, whitened residuals (model minus data) and their Jacobian.
    size, precision : float
        Length of the whitened model values, and relative error of J.
    accurate : bool
        Whether J is the accurate kind, on which the end is decided.
    scale, radius : ndarray, float
        The trust region |scale * step| <= radius.
    change : float
        Relative reduction of chi2 by the last accepted step.
    newton : float
        Length of the last step where it was a full Gauss-Newton step, else NaN.
    status : Status
        `Status.RUNNING` until a test is met.
    """

    x: FloatArray
    chi2: float
    f: FloatArray
    r: FloatArray
    J: FloatArray
    size: float
    precision: float
    accurate: bool
    scale: FloatArray
    radius: float
    change: float
    newton: float
    status: Status

    @property
    def merit(self) -> float:
        """Chi-squared."""
        return self.chi2

    def record(self) -> Mapping[str, Any]:
        """Return one row of the trace."""
        return {"chi2": self.chi2, "radius": self.radius, "x": self.x}


@dataclass(frozen=True)
class LevenbergMarquardt:
    """The method with its options; `init` and `step` are run by `calcml._loop.run`."""

    residuals: Residuals
    start: FloatArray
    loss: Loss
    tolerance: float

    def init(self) -> FitState:
        """Return the state at the start."""
        p, point = self.start, self.residuals.at(self.start)
        empty, ones = np.zeros((point.r.size, p.size)), np.ones(p.size)
        chi2 = self.loss.total(point.r)
        state = FitState(
            x=p,
            chi2=chi2,
            f=point.f,
            r=point.r,
            J=empty,
            size=point.size,
            precision=0.0,
            accurate=False,
            scale=ones,
            radius=1.0,
            change=np.inf,
            newton=np.nan,
            status=Status.RUNNING,
        )
        if not np.isfinite(chi2):
            return replace(state, status=Status.NON_FINITE_START)
        state = self._differentiate(state)
        if np.any((p == 0) & np.any(state.J != 0, axis=0)):
            # At zero nothing told the size of the parameter; now its column does.
            state = self._differentiate(state)
        if not np.isfinite(state.J).all():
            return replace(state, status=Status.NON_FINITE_START)
        scale = _lengths(state.J)
        scale[scale == 0] = 1.0
        radius = FIRST * float(np.linalg.norm(scale * p))
        return replace(state, scale=scale, radius=radius or FIRST)

    def step(self, state: FitState) -> FitState:
        """Return the state after one trial step, or the last one with its verdict."""
        r, J = self.loss.scale(state.r, state.J)
        free = ~blocked(state.x, J.T @ r, self.residuals)
        full = factor(J[:, free], r, state.scale[free], state.precision)
        status = verdict(state, r, full, free, self.tolerance)
        if status is not Status.RUNNING:
            return replace(state, status=status) if state.accurate else self._refine(state)
        move, length, newton = self._propose(state, r, J, free, full)
        change = J @ move
        predicted = -float(change @ (2 * r + change))
        trial = np.clip(state.x + move, self.residuals.lower, self.residuals.upper)
        with np.errstate(all="ignore"):
            # The trial is the method's idea, not the caller's: where the model overflows its value says so,
            # and the step is shortened.
            point = self.residuals.at(trial)
        fall = self.loss.fall(state.r, point.r)
        radius = _next_radius(state.radius, length, fall, predicted, newton)
        rounding = chi2_rounding(state, r)
        if newton and predicted <= rounding and abs(fall) <= rounding:
            # Below the rounding of chi2 a comparison means nothing; the full step itself still does.
            radius = state.radius
        elif not fall >= 1e-4 * predicted:
            # A step below rounding that fails cannot succeed when shortened.
            return self._reject(state, 0.0 if predicted <= rounding else radius, full, r)
        new = replace(
            state,
            x=trial,
            chi2=self.loss.total(point.r),
            f=point.f,
            r=point.r,
            size=point.size,
            radius=radius,
            change=fall / state.chi2 if state.chi2 > 0 else 0.0,
            newton=length if newton else np.nan,
        )
        new = self._differentiate(new)
        lengths = _lengths(new.J)
        if np.any(lengths < COLLAPSE * _lengths(state.J)) or not np.isfinite(new.J).all():
            return self._reject(state, 0.25 * min(state.radius, length), full, r)
        return replace(new, scale=np.maximum(state.scale, lengths))

    def _propose(
        self, state: FitState, r: FloatArray, J: FloatArray, free: NDArray[np.bool_], factors: Factors
    ) -> tuple[FloatArray, float, bool]:
        """Return the step, its scaled length, and whether it is the full Gauss-Newton step.

        `factors` are those of the free columns of J.  A parameter whose step would cross its bound stops
        there, and the others choose their step anew.
        """
        lower, upper = self.residuals.lower - state.x, self.residuals.upper - state.x
        move, newton = np.zeros(state.x.size), True
        while free.any():
            q, damping = factors.within(state.radius)
            step = move.copy()
            step[free] = q / state.scale[free]
            crossing = free & ((step < lower) | (step > upper))
            newton = newton and damping == 0 and not crossing.any()
            if not crossing.any():
                move = step
                break
            move[crossing] = np.clip(step, lower, upper)[crossing]
            free = free & ~crossing
            factors = factor(J[:, free], r + J @ move, state.scale[free], state.precision)
        return move, float(np.linalg.norm(state.scale * move)), newton

    def _reject(self, state: FitState, radius: float, full: Factors, r: FloatArray) -> FitState:
        """Return the state with a smaller radius, or the last one if a shorter step would be none."""
        state = replace(state, radius=radius, newton=np.nan)
        if radius > EPS * float(np.linalg.norm(state.scale * state.x)):
            return state
        if not state.accurate:
            return self._refine(state)
        return replace(state, status=last_word(r, full))

    def _refine(self, state: FitState) -> FitState:
        """Go on with an accurate Jacobian: it alone may decide that this is the end."""
        state = self._differentiate(replace(state, accurate=True, newton=np.nan))
        scale = np.maximum(state.scale, _lengths(state.J))
        return replace(state, scale=scale, radius=max(state.radius, float(np.linalg.norm(scale * state.x))))

    def _differentiate(self, state: FitState) -> FitState:
        unit = units(state.x, state.J, state.size)
        J, precision = self.residuals.jacobian(state.x, unit, accurate=state.accurate)
        # The user's own Jacobian is accurate from the start.
        return replace(state, J=J, precision=precision, accurate=state.accurate or precision < QUICK)


def blocked(p: FloatArray, g: FloatArray, residuals: Residuals) -> NDArray[np.bool_]:
    """Return which parameters sit at a bound that chi2 pushes them against."""
    return ((p <= residuals.lower) & (g > 0)) | ((p >= residuals.upper) & (g < 0))


def _lengths(J: FloatArray) -> FloatArray:
    """Return the lengths of the columns, 1 for a column of zeros."""
    lengths: FloatArray = np.linalg.norm(J, axis=0)
    return lengths


def units(p: FloatArray, J: FloatArray, size: float) -> FloatArray:
    """Return the size of each parameter as a power of two.

    A parameter near zero, such as an offset that the data do not need, has no size of its own; it gets
    a thousandth of the change that would move the model by its own length.
    """
    lengths = np.linalg.norm(J, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(lengths > 0, 1e-3 * size / lengths, 0.0)
    own = np.maximum(np.abs(p), least)
    return np.exp2(np.round(np.log2(np.where((own > 0) & np.isfinite(own), own, 1.0))))


def _next_radius(radius: float, length: float, fall: float, predicted: float, newton: bool) -> float:
    """Return the next radius: by how well the linear model foretold the fall of chi2."""
    ratio = fall / predicted if predicted > 0 else 0.0
    if not ratio > 0.25:
        # The minimum of the parabola through the old value, the foretold slope and the new value.
        with np.errstate(all="ignore"):
            shorter = predicted / (2 * (predicted - fall)) if fall < predicted else 0.5
        return min(max(shorter, 0.1), 0.5) * min(radius, length)
    if ratio >= 0.75 or newton:
        return max(2 * length, radius if newton else 0.0)
    return radius
