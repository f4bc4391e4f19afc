"""Functions in a row, given as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calcml.chain.composition import Composition
from calcml.chain.link import Link
from calcml.schemes.registry import SchemeLike

__all__ = ["compose"]


def compose(
    *functions: Callable[..., Any] | Link | Composition, scheme: SchemeLike = "adaptive"
) -> Composition:
    """Put functions in a row, in the order in which they are applied.

    ``compose(f, g)(x)`` is ``g(f(x))``: what flows through reads from left to right, as the layers of a
    network do.

    Parameters
    ----------
    *functions : callable, Link or Composition
        The functions; a `Link` brings its own Jacobian or scheme, a composition its links.
    scheme : str or Scheme, optional
        How to differentiate the links that have no Jacobian of their own.

    Returns
    -------
    Composition
        The composed function, with ``jacobian``, ``jvp``, ``vjp`` and ``local_jacobians``.

    Raises
    ------
    TypeError, ValueError
        If there is no function, one is not callable, or the scheme is unknown.

    See Also
    --------
    calcml.chain.Link : A function with its Jacobian.
    Composition : What is returned.

    Examples
    --------
    The surface of a cone whose height and radius change with time, df/dt = ∂f/∂h h' + ∂f/∂r r':

    >>> import numpy as np
    >>> import calcml as cm
    >>> motion = lambda t: np.array([1 + t, 2 - t])
    >>> volume = lambda z: np.pi / 3 * z[0] * z[1] ** 2
    >>> chain = cm.chain.compose(motion, volume)
    >>> chain.local_jacobians(0.0)
    [array([ 1., -1.]), array([4.1887902, 4.1887902])]
    >>> round(float(chain.jacobian(0.0)), 8) + 0.0
    0.0
    """
    links: list[Link] = []
    for function in functions:
        if isinstance(function, Composition):
            own = function.scheme
            links += [Link(k.f, k.jac, own if k.scheme is None else k.scheme) for k in function.links]
        else:
            links.append(function if isinstance(function, Link) else Link(function))
    return Composition(tuple(links), scheme)
