"""The judgment of a derivative that is checked, and the card that reports it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._function import check_callable
from calcml._parameters import check_array, entries, flatten, match
from calcml._result import Result
from calcml._typing import Bounds, KeywordArguments, PositionalArguments
from calcml.differentiate._problem import Estimate
from calcml.errors import DerivativeMismatchError
from calcml.schemes.registry import SchemeLike

__all__ = ["CheckResult", "check_against"]


# Rounding in the derivative that is checked: its own arithmetic may lose a few digits that the estimate
# cannot know of.  A wrong formula is wrong by far more.
ROUNDING = 64 * np.finfo(float).eps


@dataclass(frozen=True, eq=False, repr=False)
class CheckResult(Result):
    """The outcome of a check; true in a Boolean context if it passed.

    Attributes
    ----------
    passed : bool
        Whether every component agrees within its tolerance.
    index : tuple
        Index of the worst component, the one whose difference is largest in units of its tolerance.
    component : str
        The same as text, for structures with the name of the entry.
    given, expected : float or complex
        The derivative that was checked and the numerical one, at that component.
    difference, tolerance : float
        Their distance, and what the error estimate allows there.
    undecided : int
        Components for which no numerical derivative could be found, and which were not checked.
    estimate : Estimate
        The numerical derivative with its errors.

    Examples
    --------
    >>> import calcml as cm
    >>> result = cm.check_gradient(lambda x: x @ x, lambda x: 2 * x + [0.0, 0.1], [1.0, 2.0])
    >>> result.passed, result.component
    (False, '[1]')
    """

    passed: bool
    index: tuple[int, ...]
    component: str
    given: float | complex
    expected: float | complex
    difference: float
    tolerance: float
    undecided: int
    estimate: Estimate

    def __bool__(self) -> bool:
        """Return whether the check passed."""
        return self.passed

    @property
    def success(self) -> bool:
        """Whether the check passed."""
        return self.passed

    @property
    def message(self) -> str:
        """What the check found, in a sentence."""
        unchecked = f"; {self.undecided} components could not be checked" if self.undecided else ""
        verdict = "agrees with" if self.passed else "differs from"
        return (
            f"the derivative {verdict} the numerical one, worst at {self.component}: given "
            f"{self.given:.10g}, numerical {self.expected:.10g}, difference {self.difference:.2g}, "
            f"allowed {self.tolerance:.2g}{unchecked}"
        )

    def check(self) -> CheckResult:
        """Raise unless the check passed.

        Returns
        -------
        CheckResult
            The result itself.

        Raises
        ------
        DerivativeMismatchError
            With the worst component and its numbers.
        """
        if not self.passed:
            raise DerivativeMismatchError(self.message)
        return self

    def _rows(self) -> list[tuple[str, str]]:
        return [("passed", str(self.passed)), ("worst", self.message), ("nfev", str(self.estimate.nfev))]


def check_against(
    f: Any,
    given: Any,
    name: str,
    numerical: Callable[..., Estimate],
    x: Any,
    scheme: SchemeLike,
    args: PositionalArguments,
    kwargs: KeywordArguments | None,
    bounds: Bounds | None,
) -> CheckResult:
    check_callable(f)
    check_callable(given, name)
    estimate = numerical(f, x, scheme=scheme, args=args, kwargs=kwargs, bounds=bounds)
    flat, structure = flatten(x)
    values = given(structure.restore(flat.copy()), *args, **dict(kwargs or {}))
    theirs = entries(estimate.value, "", check_array)
    shapes = {label: array.shape for label, array in theirs.items()}
    mine = match(values, shapes, f"{name}(x)", "(f(x), x)", check_array)
    errors = match(estimate.error, shapes, "error", "value")
    return _judge(_flat(mine), _flat(theirs), _flat(errors), shapes, estimate)


def _flat(arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([array.ravel() for array in arrays.values()]) if arrays else np.empty(0)


def _judge(
    mine: NDArray[Any],
    theirs: NDArray[Any],
    error: NDArray[Any],
    shapes: dict[str, tuple[int, ...]],
    estimate: Estimate,
) -> CheckResult:
    with np.errstate(all="ignore"):
        known = np.isfinite(theirs) & np.isfinite(error)
        largest = np.max(np.abs(theirs[known]), initial=0.0)
        tolerance = 2 * error + ROUNDING * (np.abs(theirs) + largest)
        difference = np.where(np.isfinite(mine), np.abs(mine - theirs), np.inf)
        # A derivative that is not finite where the numerical one is has failed for certain.
        excess = np.where(known & (difference > 0), difference / tolerance, np.where(known, 0.0, -1.0))
    worst = int(np.argmax(excess)) if excess.size else 0
    if not excess.size:
        return CheckResult(True, (), "no component", np.nan, np.nan, 0.0, 0.0, 0, estimate)
    component, index = _locate(worst, shapes)
    return CheckResult(
        passed=bool(excess[worst] <= 1) and bool(known.any()),
        index=index,
        component=component,
        given=mine[worst].item(),
        expected=theirs[worst].item(),
        difference=float(difference[worst]),
        tolerance=float(tolerance[worst]),
        undecided=int(np.sum(~known)),
        estimate=estimate,
    )


def _locate(position: int, shapes: dict[str, tuple[int, ...]]) -> tuple[str, tuple[int, ...]]:
    """Return the name and the index of a place in the flat vector."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    which = int(np.searchsorted(np.cumsum(sizes), position, side="right"))
    label, shape = list(shapes.items())[which]
    position -= sum(sizes[:which])
    index = tuple(int(i) for i in np.unravel_index(position, shape)) if shape else ()
    text = label + (f"[{', '.join(map(str, index))}]" if index else "")
    return text or "the only component", index
