"""Optima under constraints, by Lagrange multipliers."""

from calcml.constrained._result import LagrangeResult
from calcml.constrained._state import LagrangeState
from calcml.constrained.lagrange import lagrange

__all__ = ["LagrangeResult", "LagrangeState", "lagrange"]
