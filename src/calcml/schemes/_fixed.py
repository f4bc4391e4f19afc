"""What forward, backward and central differences share."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from calcml._lines import Lines
from calcml.schemes._difference import difference
from calcml.schemes._few import FewVariables
from calcml.schemes._many import ManyPoints, many_points
from calcml.schemes._one import OneNumber
from calcml.schemes._recipe import check_order, plan
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.steps import Relative, as_rule

__all__ = ["FixedDifference"]


class FixedDifference(Scheme):
    """A formula on an even grid, on one side of x or on both."""

    # -1 backward, 0 central, 1 forward.
    side: ClassVar[int]
    order: int
    step: Any

    def __post_init__(self) -> None:
        """Check the options and turn the step into a rule."""
        check_order(self.order, even=self.side == 0)
        object.__setattr__(self, "step", as_rule(self.step))

    def coefficient(self, lines: Lines, n: int, *, error: bool = True) -> Coefficient:
        """Return the n-th Taylor coefficient on each line."""
        return difference(lines, plan(n, self.order, self.side), self.step, error=error)

    @cached_property
    def few(self) -> FewVariables | None:
        """The gradient of a function of few variables, if steps are those for an f of the length of x."""
        floor = self._floor
        return None if floor is None else FewVariables(plan(1, self.order, self.side), floor)

    @cached_property
    def one(self) -> OneNumber | None:
        """The derivatives at a number, under the same condition."""
        floor = self._floor
        return None if floor is None else OneNumber(self.order, self.side, floor)

    def many(self, n: int) -> ManyPoints | None:
        """Return a quicker way to plain n-th derivatives at many points, under the same condition."""
        floor = self._floor
        return None if floor is None else many_points(n, self.order, self.side, floor)

    @cached_property
    def _floor(self) -> float | None:
        """Down to where that length is believed."""
        rule = self.step
        return rule.floor if isinstance(rule, Relative) and rule.optimal else None
