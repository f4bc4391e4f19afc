"""Descent: minima of functions of many variables, and what stationary points are."""

from . import directions, steps, streaming
from ._state import DescentState
from .classify import Classification, classify
from .gradient_descent import gradient_descent
from .iterate import iterate
from .minimize import minimize
from .result import MinimizeResult

__all__ = [
    "Classification",
    "DescentState",
    "MinimizeResult",
    "classify",
    "directions",
    "gradient_descent",
    "iterate",
    "minimize",
    "steps",
    "streaming",
]
