"""Directions: where to go, from a gradient and what the method remembers."""

from .base import Direction
from .bfgs import BFGS
from .heavy_ball import HeavyBall
from .lbfgs import LBFGS
from .nesterov import Nesterov
from .newton import Newton
from .steepest import Steepest
from .strategy import Strategy

__all__ = ["BFGS", "LBFGS", "Direction", "HeavyBall", "Nesterov", "Newton", "Steepest", "Strategy"]
