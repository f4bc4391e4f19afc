"""Whether a derivative off the real axis is that of f: it must agree with real differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcml._lines import Excerpt, Lines
from calcml._typing import FloatArray
from calcml.errors import NotAnalyticError
from calcml.schemes._imaginary import ALIKE, DOUBT, imaginary_step, kinked, near, scatter, underflow
from calcml.schemes.adaptive import Adaptive
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.central import Central
from calcml.schemes.richardson import Richardson
from calcml.schemes.steps import Relative

__all__ = ["PLAIN", "SHARP", "charged", "check", "contradicted", "refuse"]

# One line for all must be sharp: the slope of one coordinate is a small part of that along a mixture.
PLAIN, SHARP = Central(), Central(order=4)
# A real difference that is further off than `DOUBT` is looked into, even if its error admits it; and this one
# has steps in proportion to x, however small.
LONGER = Richardson(step=Relative(factor=0.125, floor=1e-200))
# Of many points some are noisy enough to mislead both differences by this share: there the error tells.
CHANCE = 1e-6
# So many times what rounding makes of real differences.
BEYOND = 10.0


def check(probe: Lines, expected: FloatArray, judge: Scheme = PLAIN) -> FloatArray:
    """Refuse an f of which real differences do not agree with the complex step on a line.

    Returns how far the derivative is from real differences where that is neither explained nor proved.
    """
    first, error, wrong, real = _suspected(judge, probe, expected)
    with np.errstate(invalid="ignore", over="ignore"):
        doubtful = np.abs(first - expected) > DOUBT * np.abs(expected)
    found = first
    left = _hidden(expected, real)
    if wrong.any():
        # Of very many outputs mostly few are suspected, and only these need a closer look.
        suspects = np.flatnonzero(wrong.any(axis=0))
        part, cut = Excerpt(probe, np.arange(probe.count), suspects), np.s_[:, suspects]
        noise = scatter(part, near(part, imaginary_step(part)), expected[cut])
        chance = CHANCE if judge is PLAIN else 0.0
        found = first.copy()
        found[cut], error[cut], wrong[cut], open_ = _settled(
            part, expected[cut], noise, first[cut], wrong[cut], chance
        )
        left[cut] = np.maximum(left[cut], open_)
        if wrong.any():
            wrong[cut] &= ~_confirmed(part, expected[cut])
    if doubtful.any():
        wrong |= doubtful & kinked(probe, near(probe, imaginary_step(probe)))
    refuse("the complex step gives", probe, wrong, expected, found, error)
    return left


def _hidden(expected: FloatArray, real: Coefficient) -> FloatArray:
    """Return what real differences leave of a derivative that is exactly zero off the real axis.

    There f may be rounded to some figures, of which the complex step sees nothing.  Where it stands still at
    a short real step, too, the truncation of the difference is how it moves at a longer one, perhaps by a
    single step of its grid: twice as much is possible.
    """
    with np.errstate(over="ignore"):
        seen = np.abs(real.value) + real.truncation
        open_ = (expected == 0) & (seen > BEYOND * real.noise)
        hidden: FloatArray = np.where(open_, 2 * seen, 0.0)
    return hidden


def charged(
    lines: Lines, value: FloatArray, probe: Lines, expected: FloatArray, left: FloatArray
) -> FloatArray:
    """Return the error on each line, shape (P, M), if what is left unexplained on a probe is due to it.

    The weights of a mixture are 0.5 to 1.5 over the slope, in units of the largest weight.  One without a
    slope is of lines without slopes.
    """
    if probe is lines or not left.any():
        return left
    steepness = np.max(np.abs(value), axis=1)
    moving = steepness > 0
    with np.errstate(all="ignore"):
        least = np.min(steepness[moving], initial=np.inf)
        share = np.where(moving, 3 * steepness / least if expected.any() else 0.0, 2.0)
        return share[:, None] * left


def contradicted(probe: Lines, expected: FloatArray) -> tuple[NDArray[np.bool_], FloatArray, FloatArray]:
    """Return where real differences contradict a derivative, and the better one with ten times its error."""
    first, error, wrong, _ = _suspected(PLAIN, probe, expected)
    if not wrong.any():
        return wrong, first, error
    found, error, wrong, _ = _settled(probe, expected, 0.0, first, wrong)
    return wrong, found, error


def refuse(
    what: str,
    probe: Lines,
    wrong: NDArray[np.bool_],
    expected: FloatArray,
    found: FloatArray,
    error: FloatArray,
) -> None:
    """Refuse f where it is wrong."""
    for p, m in np.argwhere(wrong)[:1]:
        raise NotAnalyticError(
            f"{probe.function.name} is not analytic: {what} {expected[p, m]:.6g}, "
            f"real differences {found[p, m]:.6g} +- {error[p, m] / 10:.1g}; it takes `abs`, "
            "a comparison or a real cast of complex numbers: use scheme='adaptive'"
        )


def _confirmed(probe: Lines, expected: FloatArray) -> NDArray[np.bool_]:
    """Return where the adaptive scheme finds the derivative that two real differences contradict.

    Differences with the step of smooth functions walk over small waves, which it looks for.
    """
    c = Adaptive().coefficient(probe, 1)
    with np.errstate(invalid="ignore", over="ignore"):
        margin = 10 * (c.truncation + c.noise)
        return (np.abs(c.value - expected) <= margin) & (margin <= np.abs(expected) / 2)


def _suspected(
    judge: Scheme, probe: Lines, expected: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_], Coefficient]:
    """Return a real difference, ten times its error, where it is further off than that; and all of it."""
    first, error, _, real = _against(judge, probe, expected, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.maximum(np.abs(expected), np.abs(first))
        return first, error, np.abs(first - expected) > error / 10 + ALIKE * probe.eps * size, real


def _settled(
    probe: Lines,
    expected: FloatArray,
    noise: FloatArray | float,
    first: FloatArray,
    wrong: NDArray[np.bool_],
    chance: float = 0.0,
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_], FloatArray]:
    """Return the better difference, ten times its error, where f is at fault, and what stays unexplained.

    Noise inside f can mislead either; to refuse f takes two real differences that agree.
    """
    found, error, disagree, _ = _against(LONGER, probe, expected, noise)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(found - expected)
        agree = 2 * np.abs(found - first) < apart
        nearer = np.minimum(np.abs(first - expected), apart)
        refused = wrong & disagree & agree & (apart > chance * np.maximum(np.abs(found), np.abs(expected)))
    # Where only one of both holds, the claim of the derivative must not be better than what they leave.
    return found, error, refused, np.where(wrong & ~refused & (disagree | agree), nearer, 0.0)


def _against(
    judge: Scheme, probe: Lines, expected: FloatArray, noise: FloatArray | float
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_], Coefficient]:
    """Return the derivative by another scheme, ten times the error of both, where they disagree; and all."""
    found = judge.coefficient(probe, 1, error=True)
    with np.errstate(invalid="ignore", over="ignore"):
        # Where the difference itself is lost (noise, a kink), its own error says so.
        error = 10 * (found.truncation + found.noise + noise) + underflow(near(probe, imaginary_step(probe)))
        size = np.maximum(np.abs(expected), np.abs(found.value))
        disagree = np.abs(found.value - expected) > error + ALIKE * probe.eps * size
        return found.value, error, disagree, found
