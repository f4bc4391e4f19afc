"""A bare function as a method: the next step from the value, the gradient and the Hessian."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._function import check_callable
from calcml._typing import FloatArray
from calcml.descent._oracle import Oracle, Point
from calcml.descent.directions.base import Direction
from calcml.errors import EvaluationError

__all__ = ["Strategy"]


@dataclass(frozen=True)
class Strategy(Direction):
    """Let a function choose the step.

    x_{k+1} = x_k + next_step(f, J, H), as it comes: with the step rule "fixed" of length 1 nothing is
    changed.

    Parameters
    ----------
    next_step : callable
        ``next_step(f, J, H)`` or ``next_step(f, J)``: gets the value, the gradient of shape (n,) and the
        Hessian of shape (n, n), and returns the step, n numbers.  The Hessian is evaluated only if it is
        asked for.

    Raises
    ------
    TypeError
        If `next_step` is not callable or takes neither two nor three arguments.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> f = lambda x: x[0] ** 2 + 100 * x[1] ** 2
    >>> cm.minimize(f, [3.0, 4.0], method=lambda f, J, H: -np.linalg.solve(H, J)).success
    True
    """

    next_step: Callable[..., Any]

    def __post_init__(self) -> None:
        """Refuse what cannot be called with the value, the gradient and the Hessian."""
        check_callable(self.next_step, "next_step")
        if not (self._takes(2) or self._takes(3)):
            raise TypeError("`next_step` must take (f, J) or (f, J, H): value, gradient and Hessian")

    @property
    def wants_hessian(self) -> bool:
        """Whether the function asks for H: it needs a third argument, names it so, or takes any number."""
        if not self._takes(3):
            return False
        return not self._takes(2) or "H" in self._names() or "*" in self._names()

    def _takes(self, count: int) -> bool:
        try:
            inspect.signature(self.next_step).bind(*range(count))
        except TypeError:
            return False
        except ValueError:  # some functions written in C do not tell their signature
            return count == 2
        return True

    def _names(self) -> list[str]:
        parameters = inspect.signature(self.next_step).parameters.values()
        return ["*" if p.kind is p.VAR_POSITIONAL else p.name for p in parameters]

    def propose(self, memory: Any, point: Point, oracle: Oracle) -> tuple[FloatArray, Any]:
        """Return what the function chose."""
        arguments = [point.fun, point.grad.copy()]
        if self.wants_hessian:
            arguments.append(oracle.hessian(point, np.arange(point.x.size))[0])
        step = np.asarray(self.next_step(*arguments))
        if step.size != point.x.size or step.dtype.kind not in "fiu":
            raise EvaluationError(
                f"`next_step` must return {point.x.size} real numbers, one per variable, "
                f"got shape {step.shape} of {step.dtype}"
            )
        return step.ravel().astype(point.x.dtype), memory

    def natural(self, memory: Any) -> bool:
        """Tell that the step 1 is the one that was chosen."""
        return True
