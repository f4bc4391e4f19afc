"""What a direction is: where to go next, from a gradient and what the method remembers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from calcml._typing import FloatArray
from calcml.descent._oracle import Oracle, Point
from calcml.descent.steps.base import Trial

__all__ = ["Direction"]


class Direction(ABC):
    """A way to choose a direction of descent.

    A direction is a frozen dataclass of its options; what it remembers is passed in and out, None at first
    and after every restart.

    Attributes
    ----------
    decrease : float
        The share of the promised decrease that backtracking asks for.
    leaves_saddles : bool
        Whether the method goes on from a saddle point, along negative curvature.
    """

    decrease: float = 1e-4
    leaves_saddles: bool = False

    @abstractmethod
    def propose(self, memory: Any, point: Point, oracle: Oracle) -> tuple[FloatArray, Any]:
        """Return the direction p at a point, of shape (n,), and what to remember."""

    def natural(self, memory: Any) -> bool:
        """Tell whether the proposed direction is scaled so that the step 1 is the natural one."""
        return False

    def target(self, memory: Any, point: Point, trial: Trial) -> tuple[FloatArray, Any]:
        """Return where the next gradient is wanted, the accepted trial unless the method looks ahead."""
        return trial.x, memory

    def update(self, memory: Any, old: Point, new: Point) -> Any:
        """Return what to remember after the move from `old` to `new`."""
        return memory
