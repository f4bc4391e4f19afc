"""Exceptions and warnings of calcml.

Bad arguments raise the built-in ``TypeError`` and ``ValueError``.  What goes wrong while a
calculation runs raises a subclass of `CalcmlError` or warns with a subclass of `CalcmlWarning`,
so that one ``except`` clause catches everything of ours and nothing of the user's.
"""

__all__ = [
    "AccuracyWarning",
    "CalcmlError",
    "CalcmlWarning",
    "ConvergenceError",
    "ConvergenceWarning",
    "DerivativeMismatchError",
    "EvaluationError",
    "NotAnalyticError",
]


class CalcmlError(Exception):
    """Base of all errors that arise while a calculation runs."""


class EvaluationError(CalcmlError):
    """The user's function returned something that cannot be used.

    Raised when the shape or the kind of the value changes between calls, when the value is not
    numeric, or when a function that must be scalar is not.
    """


class NotAnalyticError(CalcmlError):
    """A complex scheme met a function that is not complex-differentiable.

    Casts to real numbers, ``abs``, comparisons and ``float()`` inside the function lose the
    imaginary part that the scheme reads.
    """


class DerivativeMismatchError(CalcmlError):
    """A derivative disagrees with the numerical one by more than the errors of both allow.

    Raised by ``check()`` of the result of `check_gradient` and its siblings.
    """


class ConvergenceError(CalcmlError):
    """A solver did not converge and the caller asked for an exception.

    Raised by ``result.check()``; the result itself keeps the best point.
    """


class CalcmlWarning(UserWarning):
    """Base of all warnings of calcml."""


class ConvergenceWarning(CalcmlWarning):
    """A solver stopped before it converged; the result keeps the best point."""


class AccuracyWarning(CalcmlWarning):
    """A number was returned that its own error estimate does not support."""
