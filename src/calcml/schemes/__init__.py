"""Schemes: ways to find Taylor coefficients of a function along lines.

A scheme is a frozen dataclass of options and goes wherever ``scheme=`` is asked for, by itself or by name.
"""

from calcml.schemes.adaptive import Adaptive
from calcml.schemes.backward import Backward
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.cauchy import Cauchy
from calcml.schemes.central import Central
from calcml.schemes.complex_step import ComplexStep
from calcml.schemes.forward import Forward
from calcml.schemes.registry import as_scheme, names
from calcml.schemes.richardson import Richardson
from calcml.schemes.stencils import Stencil, stencil
from calcml.schemes.steps import Fixed, Relative, StepRule

__all__ = [
    "Adaptive",
    "Backward",
    "Cauchy",
    "Central",
    "Coefficient",
    "ComplexStep",
    "Fixed",
    "Forward",
    "Relative",
    "Richardson",
    "Scheme",
    "Stencil",
    "StepRule",
    "as_scheme",
    "names",
    "stencil",
]
