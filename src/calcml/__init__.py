"""Numerical calculus for machine learning in pure NumPy.

Derivatives with an error you can trust, and on top of them Taylor series, Newton's method, gradient
descent, Lagrange multipliers, the chain rule and backpropagation, and chi-squared fitting.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

if TYPE_CHECKING:
    from calcml import (
        chain,
        constrained,
        descent,
        differentiate,
        errors,
        fitting,
        plot,
        roots,
        schemes,
        series,
        testing,
    )
    from calcml._loop import Trace
    from calcml._result import Result
    from calcml._status import Status
    from calcml.chain import Composition, Network, compose
    from calcml.constrained import *  # noqa: F403
    from calcml.descent import *  # noqa: F403
    from calcml.descent.streaming import *  # noqa: F403
    from calcml.differentiate import *  # noqa: F403
    from calcml.errors import *  # noqa: F403
    from calcml.fitting import *  # noqa: F403
    from calcml.roots import *  # noqa: F403
    from calcml.schemes import Scheme, Stencil, stencil
    from calcml.series import *  # noqa: F403

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "AccuracyWarning",
    "AdaGrad",
    "Adam",
    "AdamW",
    "CalcmlError",
    "CalcmlWarning",
    "CheckResult",
    "ChiSquared",
    "Classification",
    "Comparison",
    "Composition",
    "ConvergenceError",
    "ConvergenceWarning",
    "CosineDecay",
    "DerivativeMismatchError",
    "DescentState",
    "Estimate",
    "EvaluationError",
    "ExponentialDecay",
    "FitResult",
    "LagrangeResult",
    "LagrangeState",
    "MinimizeResult",
    "Momentum",
    "Nesterov",
    "Network",
    "NotAnalyticError",
    "Pade",
    "RMSProp",
    "Result",
    "RootResult",
    "Scheme",
    "SchemeRow",
    "SparsityPlan",
    "Status",
    "Stencil",
    "StepSweep",
    "StreamingOptimizer",
    "StreamingState",
    "SystemResult",
    "TaylorSeries",
    "Trace",
    "WarmUp",
    "chain",
    "check_gradient",
    "check_hessian",
    "check_jacobian",
    "classify",
    "color_columns",
    "color_symmetric",
    "compare_schemes",
    "compose",
    "constrained",
    "derivative",
    "descent",
    "differentiate",
    "directional_derivative",
    "errors",
    "estimate_derivative",
    "estimate_directional_derivative",
    "estimate_gradient",
    "estimate_hessian",
    "estimate_hvp",
    "estimate_jacobian",
    "estimate_jvp",
    "estimate_vjp",
    "fit",
    "fit_line",
    "fit_linear",
    "fit_polynomial",
    "fitting",
    "gradient",
    "gradient_descent",
    "hessian",
    "hvp",
    "iterate",
    "jacobian",
    "jvp",
    "lagrange",
    "linearize",
    "maclaurin",
    "minimize",
    "newton",
    "newton_system",
    "noise_level",
    "optimal_step",
    "plot",
    "roots",
    "schemes",
    "series",
    "sparsity_pattern",
    "stencil",
    "step_sweep",
    "taylor",
    "testing",
    "value_and_gradient",
    "vjp",
]

# Each part is imported when one of its names is first asked for: a script that fits a line does not pay for
# networks.
_PARTS = {
    "_loop": ("Trace",),
    "_result": ("Result",),
    "_status": ("Status",),
    "chain": (
        "Composition",
        "Network",
        "compose",
    ),
    "constrained": (
        "LagrangeResult",
        "LagrangeState",
        "lagrange",
    ),
    "descent": (
        "Classification",
        "DescentState",
        "MinimizeResult",
        "classify",
        "gradient_descent",
        "iterate",
        "minimize",
    ),
    "descent.streaming": (
        "AdaGrad",
        "Adam",
        "AdamW",
        "CosineDecay",
        "ExponentialDecay",
        "Momentum",
        "Nesterov",
        "RMSProp",
        "SGD",
        "StreamingOptimizer",
        "StreamingState",
        "WarmUp",
    ),
    "differentiate": (
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
    ),
    "errors": (
        "AccuracyWarning",
        "CalcmlError",
        "CalcmlWarning",
        "ConvergenceError",
        "ConvergenceWarning",
        "DerivativeMismatchError",
        "EvaluationError",
        "NotAnalyticError",
    ),
    "fitting": (
        "ChiSquared",
        "FitResult",
        "fit",
        "fit_line",
        "fit_linear",
        "fit_polynomial",
    ),
    "roots": (
        "RootResult",
        "SystemResult",
        "newton",
        "newton_system",
    ),
    "schemes": (
        "Scheme",
        "Stencil",
        "stencil",
    ),
    "series": (
        "Pade",
        "TaylorSeries",
        "linearize",
        "maclaurin",
        "taylor",
    ),
}
_HOMES = {name: part for part, names in _PARTS.items() for name in names}


def __getattr__(name: str) -> _Any:
    """Import the part that a public name lives in."""
    if name not in __all__:
        raise AttributeError(f"module 'calcml' has no attribute {name!r}")
    if name not in _HOMES:
        return _import_module(f"calcml.{name}")
    value = getattr(_import_module(f"calcml.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, those not imported yet included."""
    return sorted({*globals(), *__all__})
