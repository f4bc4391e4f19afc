"""Functions with exact answers, to test a differentiation scheme, a solver or a fit against."""

from .constrained import ConstrainedCase
from .constrained_table import constrained_cases
from .derivatives import DerivativeCase, scaled
from .field_table import field_cases
from .fields import FieldCase, broyden_tridiagonal, log_sum_exp, quadratic_form, rosenbrock, softmax
from .fits import FitCase, fit_cases
from .hard_cases import derivative_cases, derivative_groups
from .judge import digits, honest
from .minima import MinimumCase
from .minimum_table import minimum_cases
from .roots import RootCase, root_cases
from .systems import SystemCase, system_cases

__all__ = [
    "ConstrainedCase",
    "DerivativeCase",
    "FieldCase",
    "FitCase",
    "MinimumCase",
    "RootCase",
    "SystemCase",
    "broyden_tridiagonal",
    "constrained_cases",
    "derivative_cases",
    "derivative_groups",
    "digits",
    "field_cases",
    "fit_cases",
    "honest",
    "log_sum_exp",
    "minimum_cases",
    "quadratic_form",
    "root_cases",
    "rosenbrock",
    "scaled",
    "softmax",
    "system_cases",
]
