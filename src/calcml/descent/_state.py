"""The state of a descent: the point, what the method remembers, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from calcml._parameters import Structure
from calcml._status import Status
from calcml.descent._oracle import Point

__all__ = ["DescentState", "Progress"]

# The path is recorded for as many variables as one would ever plot.
PATH = 10


@dataclass(frozen=True)
class Progress:
    """How far the run has come, and what has been tried where it stood still.

    Attributes
    ----------
    start : float
        f at the start.
    scale : float
        Largest entry of the gradient at the start, the measure of what is small.
    limit : float
        Below this the largest entry of the gradient is small.
    lowest, flattest : float
        The smallest f and the smallest gradient so far.
    idle : int
        Iterations since either of them fell.
    refined : bool
        Whether gradients come from the accurate scheme by now.
    fresh : bool
        Whether the method has just forgotten its past, so that forgetting cannot help again.
    """

    start: Any
    scale: float
    limit: float
    lowest: Any
    flattest: float
    idle: int = 0
    refined: bool = False
    fresh: bool = True
    chances: int = 20

    def after(self, point: Point, rounding: float) -> Progress:
        """Return the progress after a move to `point`."""
        lower = bool(point.fun < self.lowest - rounding)
        flatter = point.largest < 0.5 * self.flattest
        return replace(
            self,
            lowest=min(self.lowest, point.fun),
            flattest=min(point.largest, self.flattest),
            idle=0 if lower or flatter else self.idle + 1,
            fresh=self.fresh and not (lower or flatter),
        )


@dataclass(frozen=True, eq=False)
class DescentState:
    """One state of a descent, as callbacks get it and `iterate` yields it.

    Attributes
    ----------
    x : same structure as x0
        The point.
    fun : float
        The value there.
    jac : same structure as x0
        The gradient there.
    nit : int
        Iterations so far.
    step : float
        The step that led here, in units of the direction; 0 where the point has not moved.
    nfev, ngev, nhev : int
        Evaluations so far.
    status : Status
        `Status.RUNNING` while the iteration goes on.

    See Also
    --------
    iterate : Yields these.

    Examples
    --------
    >>> import calcml as cm
    >>> state = next(cm.iterate(lambda x: x @ x, [3.0, 4.0]))
    >>> state.nit, float(state.fun), state.status.name
    (0, 25.0, 'RUNNING')
    """

    structure: Structure = field(repr=False)
    point: Point = field(repr=False)
    progress: Progress = field(repr=False)
    counts: tuple[int, int, int] = field(repr=False)
    nit: int = 0
    step: float = 0.0
    last: float | None = field(default=None, repr=False)
    status: Status = Status.RUNNING
    memory: Any = field(default=None, repr=False)
    rule_memory: Any = field(default=None, repr=False)

    @property
    def x(self) -> Any:
        """The point, in the structure of x0."""
        return present(self.structure, self.point.x)

    @property
    def fun(self) -> Any:
        """The value at the point."""
        return self.point.fun

    @property
    def jac(self) -> Any:
        """The gradient, in the structure of x0."""
        return present(self.structure, self.point.grad)

    @property
    def nfev(self) -> int:
        """Points at which f was evaluated so far."""
        return self.counts[0]

    @property
    def ngev(self) -> int:
        """Calls of the user's gradient so far."""
        return self.counts[1]

    @property
    def nhev(self) -> int:
        """Calls of the user's Hessian so far."""
        return self.counts[2]

    @property
    def merit(self) -> float:
        """What decides which state is best: f."""
        return self.point.fun

    def record(self) -> Mapping[str, Any]:
        """Return one row of the trace."""
        row = {
            "fun": self.point.fun,
            "gradient": self.point.largest,
            "step": self.step,
            "nfev": self.nfev,
        }
        return row | {"x": self.point.x} if self.point.x.size <= PATH else row


def present(structure: Structure, flat: Any) -> Any:
    """Return a flat vector in the user's structure and dtype, sharing no memory; 0-d as a NumPy scalar."""
    laid = structure.spread(np.array(flat))
    return laid[()] if structure.plain else laid
