"""How a calculation ended: one enumeration whose texts are the sentences the user reads."""

from enum import IntEnum
from typing import Self

__all__ = ["Status"]


class Status(IntEnum):
    """How a calculation ended, with the sentence that says so and what to do.

    Each member is an integer code, so that arrays of codes can be compared and stored; ``Status(code)``
    gives the member back.  ``str(status)`` is the sentence, ``status.ok`` says whether the number that
    comes with it can be used as it is.

    Examples
    --------
    >>> from calcml import Status
    >>> Status.MAX_ITERATIONS.ok
    False
    >>> print(Status.MAX_ITERATIONS)
    The iteration limit was reached first; raise `max_iterations` or start closer.
    """

    ok: bool
    sentence: str

    def __new__(cls, code: int, ok: bool = False, sentence: str = "") -> Self:
        """Make a member that carries its verdict and its sentence."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.ok = ok
        member.sentence = sentence
        return member

    def __str__(self) -> str:
        """Return the sentence."""
        return self.sentence

    # Derivatives.
    OK = 0, True, "The value is as accurate as its error estimate says."
    NON_FINITE = (
        1,
        False,
        "The function is not finite at the point or around it; move the point, set `bounds`, or choose a "
        "smaller step.",
    )
    INACCURATE = (
        2,
        False,
        "Fewer than two digits can be claimed: the function is noisy, discontinuous or badly resolved here; "
        "look at it with `step_sweep`.",
    )
    NO_ROOM = (
        3,
        False,
        "The bounds leave no room for a step at this point; widen them or treat the variable as fixed.",
    )

    # Iterations.
    RUNNING = 10, False, "The iteration has not ended yet."
    CONVERGED = 11, True, "Converged: the stopping test is met."
    CONVERGED_TO_PRECISION = (
        12,
        True,
        "Converged to the precision of the function: the remaining gradient or residual is below its own "
        "error.",
    )
    MAX_ITERATIONS = (
        13,
        False,
        "The iteration limit was reached first; raise `max_iterations` or start closer.",
    )
    STOPPED_BY_CALLBACK = 14, False, "The callback stopped the run; the best point so far is returned."
    LINE_SEARCH_FAILED = (
        15,
        False,
        "No step along the search direction lowers the function; check the gradient with `check_gradient` "
        "or rescale the variables.",
    )
    UNBOUNDED = 16, False, "The function falls without limit along the path; add `bounds` or check its sign."
    DIVERGED = (
        17,
        False,
        "The iteration diverged: the values grew beyond bounds; take a smaller step or a better start.",
    )
    NON_FINITE_START = (
        18,
        False,
        "The function or its derivative is not finite at the start; start where both are finite.",
    )

    # Roots.
    ZERO_DERIVATIVE = (
        20,
        False,
        "The derivative vanished away from a root; give a `bracket` or start elsewhere.",
    )
    NO_SIGN_CHANGE = (
        21,
        False,
        "The function has the same sign at both ends of the bracket; give ends around a root.",
    )
    STALLED = (
        22,
        False,
        "The residual stopped falling away from zero: there is no root nearby; start elsewhere.",
    )
    SINGULAR_JACOBIAN = (
        23,
        False,
        "The Jacobian is singular and no step lowers the residual; start elsewhere.",
    )
    NOT_A_ROOT = (
        24,
        False,
        "The sign changes without a root, as at a pole or a jump; the function does not vanish there.",
    )

    # Minima and constraints.
    SADDLE = (
        30,
        False,
        "Stationary, but not a minimum: the Hessian has a negative eigenvalue; start off the saddle or the "
        "maximum.",
    )
    INFEASIBLE = (
        31,
        False,
        "The constraints cannot be met near this point: their violation stopped falling; check that they "
        "agree.",
    )
    DEPENDENT_CONSTRAINTS = (
        32,
        True,
        "Converged, but the constraint gradients are linearly dependent, so the multipliers are not unique; "
        "drop a redundant constraint.",
    )

    WRONG_GRADIENT = (
        33,
        False,
        "The gradient that was given is not that of the function; compare the two with `check_gradient`.",
    )

    # Fits.
    RANK_DEFICIENT = (
        40,
        False,
        "The data do not determine every parameter; fix one of the parameters named in the message.",
    )
    AT_BOUND = (
        41,
        True,
        "Converged with a parameter at its bound; its error is not defined and the others are conditional "
        "on it.",
    )
