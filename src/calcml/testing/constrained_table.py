"""The catalogue of minima under equality constraints."""

from ._constrained_hock import hock_schittkowski
from ._constrained_other import larger, rule_breakers, teaching
from .constrained import ConstrainedCase

__all__ = ["constrained_cases"]


def constrained_cases(tag: str | None = None) -> tuple[ConstrainedCase, ...]:
    """List functions under equality constraints with known stationary points and multipliers.

    These are problems of Hock and Schittkowski [1]_, some that teach (the eigenvalue as a multiplier, the
    most even die, the largest box), some on which full Newton steps fail, and three that break a rule: one
    with a constraint stated twice, one at whose minimum no multipliers exist, one without any allowed point.

    Parameters
    ----------
    tag : str, optional
        Only the cases with this tag, such as "teaching" or "dependent".

    Returns
    -------
    tuple of ConstrainedCase
        The cases; an unknown tag gives none.

    See Also
    --------
    minimum_cases : Minima without constraints.

    References
    ----------
    .. [1] W. Hock and K. Schittkowski, "Test Examples for Nonlinear Programming Codes", Lecture Notes in
       Economics and Mathematical Systems 187, Springer (1981).

    Examples
    --------
    >>> from calcml.testing import constrained_cases
    >>> [case.name for case in constrained_cases("dependent")]
    ['redundant', 'cusp']
    """
    cases = (*hock_schittkowski(), *teaching(), *larger(), *rule_breakers())
    return tuple(case for case in cases if tag is None or tag in case.tags)
