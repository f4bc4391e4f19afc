"""A function of a composition, with what is known of its derivative."""

from __future__ import annotations

from dataclasses import dataclass

from calcml._function import check_callable
from calcml._typing import RealFunction
from calcml.schemes.registry import SchemeLike, as_scheme

__all__ = ["Link"]


@dataclass(frozen=True)
class Link:
    """A function of a composition, with its own Jacobian if that is known.

    Parameters
    ----------
    f : callable
        ``f(z)`` of a number or an array, returning a number or an array.
    jac : callable, optional
        ``jac(z)``, the Jacobian of f, of shape ``f(z).shape + z.shape``; without it a scheme finds it.
    scheme : str or Scheme, optional
        How to differentiate this link; without it, the composition's scheme.

    See Also
    --------
    calcml.compose : Put links in a row.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cm.chain.compose(cm.chain.Link(np.sin, np.cos), np.exp).jacobian(0.0)
    1.0
    """

    f: RealFunction
    jac: RealFunction | None = None
    scheme: SchemeLike | None = None

    def __post_init__(self) -> None:
        """Check the functions and the scheme."""
        check_callable(self.f)
        if self.jac is not None:
            check_callable(self.jac, "jac")
        if self.scheme is not None:
            as_scheme(self.scheme)

    @property
    def name(self) -> str:
        """The name of the function."""
        return str(getattr(self.f, "__name__", type(self.f).__name__))
