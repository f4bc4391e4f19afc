"""The product of local Jacobians: its error, its cost in both orders, and what is reported of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calcml._result import Result, format_array
from calcml._status import Status
from calcml._typing import FloatArray
from calcml.chain._local import Local, Matrix, worst

__all__ = ["ChainEstimate", "combine", "multiplications", "multiply_all"]


def multiplications(sizes: Sequence[int]) -> tuple[int, int]:
    """Return the scalar multiplications of the whole product, from the input and from the output.

    `sizes` are the lengths of x, of each value in between and of the result: n_0, ..., n_L; the local
    Jacobian of link i is n_i by n_(i-1).  From the input each product has n_0 columns, from the output n_L
    rows, so that the two cost n_0 (n_1 n_2 + ... + n_(L-1) n_L) and n_L (n_0 n_1 + ... + n_(L-2) n_(L-1)).
    """
    areas = [m * n for m, n in zip(sizes[1:], sizes[:-1], strict=True)]
    return sizes[0] * sum(areas[1:]), sizes[-1] * sum(areas[:-1])


def multiply_all(matrices: Sequence[Matrix], *, backward: bool) -> Matrix:
    """Return J_L ... J_2 J_1 for the matrices J_1, ..., J_L, begun at the output or at the input."""
    # A link may be infinite where another is zero: the NaN that this gives is the honest answer.
    with np.errstate(all="ignore"):
        if backward:
            product = matrices[-1]
            for matrix in matrices[-2::-1]:
                product = product @ matrix
        else:
            product = matrices[0]
            for matrix in matrices[1:]:
                product = matrix @ product
    return product


@dataclass(frozen=True, eq=False, repr=False)
class ChainEstimate(Result):
    """The Jacobian of a composition with its error, and what it was multiplied from.

    Attributes
    ----------
    value : ndarray
        The Jacobian, of shape ``f(x).shape + x.shape``.
    error : ndarray
        Bound on its absolute error, of the same shape, from the errors of the local Jacobians and rounding;
        it does not cover what the rounding of the values in between does to later links.
    output : ndarray
        The value of the composition.
    local_jacobians : tuple of ndarray
        The Jacobian of each link at the value that it was given.
    local_errors : tuple of ndarray
        The bounds on their errors.
    forward, backward : int
        Scalar multiplications that the product takes begun at the input (forward mode) and at the output
        (reverse mode, backpropagation).
    order : str
        The order that was used, "forward" or "backward", the cheaper one.
    nfev, njev : int
        Evaluations of the links, and of the Jacobians that were given with them.
    status : Status
        The worst status among the local Jacobians; `Status.NON_FINITE` where their product overflows.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> double = cm.chain.Link(lambda z: 2 * z, lambda z: 2.0)
    >>> root = cm.chain.Link(np.sqrt, lambda z: 0.5 / z**0.5)
    >>> cm.chain.compose(double, root).estimate_jacobian(8.0)
    ChainEstimate
                value: 0.25
                error: 1.387778781e-16
           product of: () ()
      multiplications: 1 forward, 1 backward; backward was used
           nfev, njev: 2, 2
               status: The value is as accurate as its error estimate says.
    """

    value: Any
    error: Any
    output: Any
    local_jacobians: tuple[Any, ...]
    local_errors: tuple[Any, ...]
    forward: int
    backward: int
    order: str
    nfev: int
    njev: int
    status: Status

    @property
    def success(self) -> bool:
        """Whether every local Jacobian has a good status."""
        return self.status.ok

    @property
    def message(self) -> str:
        """The sentence of the status."""
        return str(self.status)

    def _rows(self) -> list[tuple[str, str]]:
        shapes = " ".join(str(np.shape(jacobian)) for jacobian in reversed(self.local_jacobians))
        return [
            ("value", format_array(self.value)),
            ("error", format_array(self.error, 1)),
            ("product of", shapes),
            ("multiplications", f"{self.forward} forward, {self.backward} backward; {self.order} was used"),
            ("nfev, njev", f"{self.nfev}, {self.njev}"),
            ("status", self.message),
        ]


def combine(x: FloatArray, locals_: Sequence[Local]) -> ChainEstimate:
    """Multiply the local Jacobians in the cheaper order."""
    sizes = [x.size, *(local.value.size for local in locals_)]
    forward, backward = multiplications(sizes)
    matrices = [local.matrix(columns) for local, columns in zip(locals_, sizes[:-1], strict=True)]
    product = multiply_all(matrices, backward=backward <= forward)
    shape = locals_[-1].value.shape + x.shape
    with np.errstate(over="ignore", invalid="ignore"):
        value = product.value.reshape(shape).astype(x.dtype)
        error = product.error.reshape(shape) + np.finfo(x.dtype).eps / 2 * np.abs(value)
    statuses = [local.status for local in locals_]
    if not np.isfinite(value).all():
        statuses.append(Status.NON_FINITE)
    return ChainEstimate(
        value=value[()],
        error=error[()],
        output=locals_[-1].value[()],
        local_jacobians=tuple(local.jacobian[()] for local in locals_),
        local_errors=tuple(local.error[()] for local in locals_),
        forward=forward,
        backward=backward,
        order="backward" if backward <= forward else "forward",
        nfev=sum(local.nfev for local in locals_),
        njev=sum(local.njev for local in locals_),
        status=worst(statuses),
    )
