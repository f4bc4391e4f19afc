"""Schemes by name."""

from __future__ import annotations

from functools import lru_cache

from calcml.schemes.adaptive import Adaptive
from calcml.schemes.backward import Backward
from calcml.schemes.base import Scheme
from calcml.schemes.cauchy import Cauchy
from calcml.schemes.central import Central
from calcml.schemes.complex_step import ComplexStep
from calcml.schemes.forward import Forward
from calcml.schemes.richardson import Richardson

__all__ = ["SchemeLike", "as_scheme", "names"]

SchemeLike = str | Scheme

_CLASSES = (
    ("adaptive", Adaptive),
    ("backward", Backward),
    ("cauchy", Cauchy),
    ("central", Central),
    ("complex", ComplexStep),
    ("forward", Forward),
    ("richardson", Richardson),
)
_KNOWN: frozenset[type] = frozenset(cls for _, cls in _CLASSES)


def names() -> tuple[str, ...]:
    """Return the names that stand for schemes with default options.

    Returns
    -------
    tuple of str
        The names, in alphabetical order.

    Examples
    --------
    >>> import calcml as cm
    >>> cm.schemes.names()
    ('adaptive', 'backward', 'cauchy', 'central', 'complex', 'forward', 'richardson')
    """
    return tuple(name for name, _ in _CLASSES)


def as_scheme(scheme: SchemeLike) -> Scheme:
    """Return the scheme itself, or the one with default options that a name stands for.

    Parameters
    ----------
    scheme : str or Scheme
        A name or a scheme.

    Returns
    -------
    Scheme
        The scheme.

    Raises
    ------
    ValueError
        If the name stands for no scheme.
    TypeError
        If `scheme` is neither a name nor a scheme.

    Examples
    --------
    >>> import calcml as cm
    >>> cm.schemes.as_scheme("complex")
    ComplexStep()
    """
    if isinstance(scheme, str):
        return _named(scheme)
    # The test for an abstract class takes ten times as long as a look at the known ones.
    if type(scheme) in _KNOWN or isinstance(scheme, Scheme):
        return scheme
    raise TypeError(f"`scheme` must be a name or a scheme such as Central(order=4), got {scheme!r}")


@lru_cache(maxsize=64)
def _named(name: str) -> Scheme:
    for known, cls in _CLASSES:
        if name == known:
            return cls()
    raise ValueError(f"`scheme` must be one of {', '.join(names())}, got {name!r}")
