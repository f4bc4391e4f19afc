"""Derivatives: operators that choose directions, run a scheme and shape the answer."""

from calcml.differentiate._check import CheckResult
from calcml.differentiate._problem import Estimate
from calcml.differentiate.checks import check_gradient, check_hessian, check_jacobian
from calcml.differentiate.compare import Comparison, SchemeRow, compare_schemes
from calcml.differentiate.derivative import derivative, estimate_derivative
from calcml.differentiate.directional import directional_derivative, estimate_directional_derivative
from calcml.differentiate.gradient import estimate_gradient, gradient, value_and_gradient
from calcml.differentiate.hessian import estimate_hessian, hessian
from calcml.differentiate.hvp import estimate_hvp, hvp
from calcml.differentiate.jacobian import estimate_jacobian, jacobian
from calcml.differentiate.jvp import estimate_jvp, jvp
from calcml.differentiate.noise import noise_level
from calcml.differentiate.optimal_step import optimal_step
from calcml.differentiate.sparsity import SparsityPlan, color_columns, color_symmetric, sparsity_pattern
from calcml.differentiate.sweep import StepSweep, step_sweep
from calcml.differentiate.vjp import estimate_vjp, vjp

__all__ = [
    "CheckResult",
    "Comparison",
    "Estimate",
    "SchemeRow",
    "SparsityPlan",
    "StepSweep",
    "check_gradient",
    "check_hessian",
    "check_jacobian",
    "color_columns",
    "color_symmetric",
    "compare_schemes",
    "derivative",
    "directional_derivative",
    "estimate_derivative",
    "estimate_directional_derivative",
    "estimate_gradient",
    "estimate_hessian",
    "estimate_hvp",
    "estimate_jacobian",
    "estimate_jvp",
    "estimate_vjp",
    "gradient",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "noise_level",
    "optimal_step",
    "sparsity_pattern",
    "step_sweep",
    "value_and_gradient",
    "vjp",
]
