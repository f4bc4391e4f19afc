"""Numerical calculus for machine learning in pure NumPy.

Derivatives with an error you can trust, and on top of them Taylor series, Newton's method, gradient
descent, Lagrange multipliers, the chain rule and backpropagation, and chi-squared fitting.
"""

from importlib.metadata import version as _version

from calcml import differentiate, errors, schemes
from calcml._loop import Trace
from calcml._result import Result
from calcml._status import Status
from calcml.differentiate import *  # noqa: F403
from calcml.errors import *  # noqa: F403
from calcml.schemes import Scheme, Stencil, stencil

__version__ = _version("calcml")

__all__ = [
    "Result",
    "Scheme",
    "Status",
    "Stencil",
    "Trace",
    "differentiate",
    "errors",
    "schemes",
    "stencil",
    *differentiate.__all__,
    *errors.__all__,
]
