"""The multivariate chain rule as an object: functions in a row, with a Jacobian each."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._parameters import real_array
from calcml._status import Status
from calcml.chain._local import Local, at_point, cast, check_finite, check_shape, evaluate, own, worst
from calcml.chain._product import ChainEstimate, combine
from calcml.chain.link import Link
from calcml.differentiate.jvp import estimate_jvp
from calcml.errors import AccuracyWarning
from calcml.schemes.base import Scheme
from calcml.schemes.registry import SchemeLike, as_scheme

__all__ = ["Composition"]


@dataclass(frozen=True)
class Composition:
    r"""Functions applied one after the other, and the chain rule for them.

    For z_i = f_i(z_{i-1}), starting with z_0 = x, the Jacobian of the last value is the product of the local
    Jacobians, each taken at the value that its link was given:

    .. math:: J = J_L(z_{L-1}) \cdots J_2(z_1)\, J_1(x)

    A product of matrices can be begun at either end.  From the input (forward mode) it costs in proportion
    to the length of x, from the output (reverse mode) to the length of the result.  A loss is one number
    that depends on many: that is why backpropagation goes backward.

    A composition is itself a function and can be a link of another.

    Parameters
    ----------
    links : tuple of Link
        The functions in the order in which they are applied; `compose` makes them.
    scheme : str or Scheme, optional
        How to differentiate the links that have no Jacobian of their own.

    See Also
    --------
    compose : The usual way to make one.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> chain = cm.chain.compose(lambda x: x**2, np.sum, np.sqrt)
    >>> chain([3.0, 4.0])
    5.0
    >>> chain.jacobian([3.0, 4.0])
    array([0.6, 0.8])
    """

    links: tuple[Link, ...]
    scheme: SchemeLike = "adaptive"

    def __post_init__(self) -> None:
        """Check the links and the scheme."""
        as_scheme(self.scheme)
        given: Any = self.links
        if not isinstance(given, tuple | list):
            raise TypeError(f"`links` must be a tuple of Links, got {type(given).__name__}; use `compose`")
        object.__setattr__(self, "links", tuple(given))
        if not self.links:
            raise ValueError("a composition needs at least one function, got none")
        for link in self.links:
            held: Any = link
            if not isinstance(held, Link):
                msg = f"`links` must hold Links, got {type(held).__name__}; `compose` makes them of functions"
                raise TypeError(msg)

    def __repr__(self) -> str:
        """Return the links in the order in which they are applied."""
        return " -> ".join(["x", *(link.name for link in self.links)])

    def __call__(self, x: Any) -> Any:
        """Return the value, the last link's of the one before it, and so on down to x.

        Parameters
        ----------
        x : float or array_like
            Where to evaluate.

        Returns
        -------
        scalar or ndarray
            What the last link returns; links that return lists of numbers count as returning arrays.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.chain.compose(lambda x: x + 1, lambda x: 2 * x)(3.0)
        8.0
        """
        z = own(x)
        for k, link in enumerate(self.links):
            with self._named(k, z):
                z = link.f(z)
                # Of a list of numbers 2 * z would be a list twice as long.
                z = np.asarray(z)[()] if isinstance(z, list | tuple) else z
        return z

    def jacobian(self, x: Any) -> Any:
        """Return the Jacobian, the product of the local Jacobians in the cheaper order.

        Parameters
        ----------
        x : float or array_like
            Where to differentiate.

        Returns
        -------
        ndarray
            The Jacobian, of shape ``f(x).shape + x.shape`` with nothing squeezed, in the dtype of x.

        Raises
        ------
        TypeError
            If x is not real.
        EvaluationError
            If a link returns no real numbers, or a given Jacobian has the wrong shape.

        Warns
        -----
        AccuracyWarning
            If the error estimate of a link supports fewer than two digits.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.chain.compose(lambda x: x[:2] * x[1:], lambda z: z**2).jacobian([1.0, 2.0, 3.0])
        array([[ 8.,  4.,  0.],
               [ 0., 36., 24.]])
        """
        estimate, locals_ = self._estimate(x)
        self._warn(local.status for local in locals_)
        return estimate.value

    def estimate_jacobian(self, x: Any) -> ChainEstimate:
        """Return the Jacobian with its error and the cost of both orders.

        The bounds on the errors of the local Jacobians are carried through the product.

        Parameters
        ----------
        x : float or array_like
            Where to differentiate.

        Returns
        -------
        ChainEstimate
            The Jacobian, its error, the local Jacobians, and the multiplications of both orders.

        Raises
        ------
        TypeError
            If x is not real.
        EvaluationError
            If a link returns no real numbers, or a given Jacobian has the wrong shape.

        Examples
        --------
        One number from a hundred: backward is a hundred times cheaper than forward.

        >>> import numpy as np
        >>> import calcml as cm
        >>> estimate = cm.chain.compose(np.sin, np.exp, np.sum).estimate_jacobian(np.linspace(0, 1, 100))
        >>> estimate.forward, estimate.backward, estimate.order
        (1010000, 20000, 'backward')
        """
        return self._estimate(x)[0]

    def local_jacobians(self, x: Any) -> list[Any]:
        """Return the Jacobian of each link at the value that it is given.

        Parameters
        ----------
        x : float or array_like
            Where to start.

        Returns
        -------
        list of ndarray
            The Jacobians in the order of the links, of shape ``f_i(z).shape + z.shape``.

        Raises
        ------
        TypeError
            If x is not real.
        EvaluationError
            If a link returns no real numbers, or a given Jacobian has the wrong shape.

        Warns
        -----
        AccuracyWarning
            If the error estimate of a link supports fewer than two digits.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.chain.compose(lambda x: x**2, lambda x: 3 * x).local_jacobians(2.0)
        [4.0, 3.0]
        """
        locals_ = self._forward(x)
        self._warn(local.status for local in locals_)
        return [local.jacobian[()] for local in locals_]

    def jvp(self, x: Any, v: Any) -> Any:
        """Return the Jacobian times a vector, from the input on.

        Each link turns the vector that it gets into J_i v.  Where a scheme differentiates, that is one line
        through z along the vector: no link's whole Jacobian is ever found.

        Parameters
        ----------
        x : float or array_like
            Where to differentiate.
        v : float or array_like
            The vector, of the shape of x.

        Returns
        -------
        scalar or ndarray
            The product, of shape ``f(x).shape``, in the dtype of x.

        Raises
        ------
        TypeError, ValueError
            If an argument is not real, or v is not finite or has another shape than x.
        EvaluationError
            If a link returns no real numbers, or a given Jacobian has the wrong shape.

        Warns
        -----
        AccuracyWarning
            If the error estimate of a link supports fewer than two digits.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.chain.compose(lambda x: x**2, lambda z: z[0] * z[1]).jvp([1.0, 2.0], [1.0, 0.0])
        8.0
        """
        z = real_array(x, "x")
        dtype, push, statuses = z.dtype, real_array(v, "v"), []
        check_finite(push, "v")
        check_shape(push, z.shape, "v", "x")
        for k, link in enumerate(self.links):
            with self._named(k, z):
                if link.jac is None:
                    estimate = estimate_jvp(link.f, z, push, scheme=self._scheme(link))
                    statuses.append(worst(estimate.status))
                    value, product = evaluate(link.f, z), np.asarray(estimate.value)
                else:
                    local = at_point(link, z, self._scheme(link))
                    statuses.append(local.status)
                    with np.errstate(all="ignore"):
                        value, product = local.value, np.tensordot(local.jacobian, push, z.ndim)
            z, push = cast(value, dtype), cast(np.asarray(product), dtype)
        self._warn(statuses)
        return push[()]

    def vjp(self, x: Any, u: Any) -> Any:
        """Return a vector times the Jacobian, from the output back.

        One pass forward keeps the local Jacobians, one pass back turns u into uᵀ J_L, then uᵀ J_L J_(L-1),
        and so on: a row times a matrix at each link, which is what backpropagation does.

        Parameters
        ----------
        x : float or array_like
            Where to differentiate.
        u : float or array_like
            The weights of the outputs, of shape ``f(x).shape``.

        Returns
        -------
        scalar or ndarray
            The product, of the shape and dtype of x: the gradient of u · f(x).

        Raises
        ------
        TypeError, ValueError
            If an argument is not real, or u is not finite or has another shape than f(x).
        EvaluationError
            If a link returns no real numbers, or a given Jacobian has the wrong shape.

        Warns
        -----
        AccuracyWarning
            If the error estimate of a link supports fewer than two digits.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.chain.compose(lambda x: x**2, lambda z: z[0] * z[1]).vjp([1.0, 2.0], 1.0)
        array([8., 4.])
        """
        pull = real_array(u, "u")
        check_finite(pull, "u")
        locals_ = self._forward(x)
        check_shape(pull, locals_[-1].value.shape, "u", "f(x)")
        with np.errstate(all="ignore"):
            for local in reversed(locals_):
                pull = np.tensordot(pull, local.jacobian, local.value.ndim)
        self._warn(local.status for local in locals_)
        return cast(np.asarray(pull), real_array(x, "x").dtype)[()]

    def _estimate(self, x: Any) -> tuple[ChainEstimate, list[Local]]:
        locals_ = self._forward(x)
        return combine(real_array(x, "x"), locals_), locals_

    def _forward(self, x: Any) -> list[Local]:
        """Go through the links; values in between have the dtype of x."""
        z = real_array(x, "x")
        dtype, locals_ = z.dtype, []
        for k, link in enumerate(self.links):
            with self._named(k, z):
                locals_.append(at_point(link, z, self._scheme(link)))
            z = cast(locals_[-1].value, dtype)
        return locals_

    def _scheme(self, link: Link) -> Scheme:
        return as_scheme(self.scheme if link.scheme is None else link.scheme)

    @contextmanager
    def _named(self, k: int, z: Any) -> Iterator[None]:
        """Add to any error in which link it arose and what that link was given."""
        try:
            yield
        except Exception as error:
            source = f"link {k} (`{self.links[k - 1].name}`) returned" if k else "x is"
            place = f"in link {k + 1} of {len(self.links)} (`{self.links[k].name}`)"
            error.add_note(f"{place}; {source} an array of shape {np.shape(z)}")
            raise

    def _warn(self, statuses: Any) -> None:
        for k, status in enumerate(statuses):
            if status == Status.INACCURATE:
                msg = f"link {k + 1} (`{self.links[k].name}`): {status} `estimate_jacobian` gives the error."
                warnings.warn(msg, AccuracyWarning, stacklevel=3)
