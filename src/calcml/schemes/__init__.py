"""Schemes: ways to find Taylor coefficients of a function along lines.

A scheme is a frozen dataclass of options and goes wherever ``scheme=`` is asked for, by itself or by name.
"""

from calcml.schemes.adaptive import Adaptive
from calcml.schemes.backward import Backward
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.cauchy import Cauchy
from calcml.schemes.central import Central
from calcml.schemes.complex_step import ComplexStep
from calcml.schemes.curtis_reid import CurtisReid
from calcml.schemes.dumontet_vignes import DumontetVignes
from calcml.schemes.forward import Forward
from calcml.schemes.gill_murray import GillMurray
from calcml.schemes.more_wild import MoreWild
from calcml.schemes.registry import as_scheme, names
from calcml.schemes.richardson import Richardson
from calcml.schemes.shi import Shi
from calcml.schemes.stencils import Stencil, stencil
from calcml.schemes.stepleman_winarsky import SteplemanWinarsky
from calcml.schemes.steps import Fixed, Relative, StepRule

__all__ = [
    "Adaptive",
    "Backward",
    "Cauchy",
    "Central",
    "Coefficient",
    "ComplexStep",
    "CurtisReid",
    "DumontetVignes",
    "Fixed",
    "Forward",
    "GillMurray",
    "MoreWild",
    "Relative",
    "Richardson",
    "Scheme",
    "Shi",
    "Stencil",
    "StepRule",
    "SteplemanWinarsky",
    "as_scheme",
    "names",
    "stencil",
]
