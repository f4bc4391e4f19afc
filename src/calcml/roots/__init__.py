"""Roots: Newton's method for one unknown, many times at once, and for systems of equations."""

from calcml.roots.newton import newton
from calcml.roots.newton_system import newton_system
from calcml.roots.result import RootResult, SystemResult

__all__ = ["RootResult", "SystemResult", "newton", "newton_system"]
