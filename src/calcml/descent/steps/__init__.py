"""Step rules: how far to go along a direction."""

from .backtracking import Backtracking
from .barzilai_borwein import BarzilaiBorwein
from .base import Line, StepRule, Trial
from .constant import Constant
from .wolfe import StrongWolfe

__all__ = ["Backtracking", "BarzilaiBorwein", "Constant", "Line", "StepRule", "StrongWolfe", "Trial"]
