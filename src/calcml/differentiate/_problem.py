"""What every operator does before and after the scheme: check the input, shape the answer."""

from __future__ import annotations

import math
import warnings
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from calcml._function import Function
from calcml._lines import Directions, Lines, PointLines
from calcml._parameters import Structure, check_bounds, flatten
from calcml._result import Result, format_array
from calcml._status import Status
from calcml._typing import Bounds, FloatArray, IntArray, KeywordArguments, PositionalArguments, Workers
from calcml._workers import check_workers, open_map
from calcml.errors import AccuracyWarning
from calcml.schemes.base import Coefficient, Scheme
from calcml.schemes.registry import SchemeLike, as_scheme

__all__ = ["Estimate", "Problem", "coefficient", "in_range", "open_problem", "to_values", "warn_inaccurate"]


@dataclass(frozen=True, eq=False, repr=False)
class Estimate(Result):
    """A derivative with its error.

    Attributes
    ----------
    value : ndarray or structure
        The derivative, shaped as the operator's plain form returns it.
    error : ndarray or structure
        Bound on the absolute error that the scheme stands for, of the value's shape: truncation + noise.
    truncation, noise : ndarray or structure
        Its two parts: what the formula leaves out, and what rounding and noise of f put in.
    step : ndarray or structure
        The step used for each coordinate, in the shape of x.
    nfev : int
        Number of points at which f was evaluated; for an elementwise f the number of values per point of x,
        rounded up: the number of calls, where each gets all of x.
    status : ndarray of int or structure
        Code of `Status` for each entry of the value.
    scheme : Scheme
        The scheme that was used.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> estimate = cm.estimate_derivative(np.sin, 0.0, scheme="central")
    >>> bool(estimate.error == estimate.truncation + estimate.noise), estimate.nfev
    (True, 4)
    """

    value: Any
    error: Any
    truncation: Any
    noise: Any
    step: Any
    nfev: int
    status: Any
    scheme: Scheme

    @property
    def success(self) -> bool:
        """Whether every entry has a good status."""
        return all(Status(int(code)).ok for code in np.unique(self._codes()))

    @property
    def message(self) -> str:
        """The sentences of all statuses that occur."""
        return "; ".join(str(Status(int(code))) for code in np.unique(self._codes()))

    def _codes(self) -> NDArray[Any]:
        return flatten(self.status, "status")[0].astype(int)

    def _failure(self) -> str:
        return self.message

    def _rows(self) -> list[tuple[str, str]]:
        def text(value: Any, digits: int) -> str:
            return format_array(value, digits) if isinstance(value, np.ndarray | np.generic) else str(value)

        return [
            ("value", text(self.value, 12)),
            ("error", text(self.error, 1)),
            ("truncation", text(self.truncation, 1)),
            ("noise", text(self.noise, 1)),
            ("step", text(self.step, 3)),
            ("nfev", str(self.nfev)),
            ("status", self.message),
            ("scheme", str(self.scheme)),
        ]


@dataclass(eq=False, slots=True)
class Problem:
    """A checked problem: the function of the flat vector x, and how to lay answers out.

    As a context it holds the workers open.
    """

    function: Function
    x: FloatArray
    structure: Structure
    bounds: tuple[FloatArray, FloatArray] | None
    scheme: Scheme
    workers: Workers
    _pool: AbstractContextManager[Any] | None = None

    def lines(self, directions: Directions, origin: FloatArray | None = None) -> PointLines:
        """Return lines through x in the given directions."""
        lines = PointLines(self.function, self.x, directions, self.bounds, origin)
        lines.careful = True
        return lines

    def __enter__(self) -> Self:
        """Open the workers."""
        if self.workers is not None:
            with ExitStack() as stack:
                self.function.employ(stack.enter_context(open_map(self.workers)))
                self._pool = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Close the workers."""
        return None if self._pool is None else self._pool.__exit__(kind, error, trace)


def open_problem(
    f: Any,
    x: Any,
    *,
    scheme: SchemeLike,
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    workers: Workers = None,
    name: str = "f",
) -> Problem:
    """Check everything at the door, before f is called; the problem is a context that holds the workers."""
    rule = as_scheme(scheme)
    flat, structure = flatten(x)
    limits = None if bounds is None else check_bounds(bounds, flat, structure)
    if workers is not None:
        check_workers(workers)
    function = Function(f, structure, args=args, kwargs=kwargs, vectorized=vectorized, name=name)
    return Problem(function, flat, structure, limits, rule, workers)


def only_f(f: Any, args: Any, kwargs: Any, bounds: Any, workers: Any, **_: Any) -> bool:
    """Return whether there is nothing but f and x, so that a quicker way may be tried."""
    # Whatever is wrong with the options is told at the door.
    nothing = kwargs is None and bounds is None and workers is None
    return nothing and type(args) is tuple and not args and callable(f)


def coefficient(scheme: Scheme, lines: Lines, n: int, *, error: bool) -> Coefficient:
    """Run the scheme; without any line, f is still called once to learn its shape."""
    if lines.count:
        return scheme.coefficient(lines, n, error=error)
    empty = np.empty((0, lines.origin().shape[-1]))
    return Coefficient(empty, empty, empty, np.empty(0), empty.astype(np.int8))


def to_values(values: FloatArray, function: Function, *, magnitude: bool = False) -> NDArray[Any]:
    """Join the real and imaginary outputs of a complex f along the last axis.

    With `magnitude`, the length of the pair, as errors need it; codes keep the larger.
    """
    if function.dtype is None or function.dtype.kind != "c":
        return values
    real, imaginary = values[..., ::2], values[..., 1::2]
    if values.dtype.kind in "iu":
        return np.maximum(real, imaginary)
    return np.hypot(real, imaginary) if magnitude else real + 1j * imaginary


def warn_inaccurate(status: IntArray, name: str, *, stacklevel: int = 4) -> None:
    """Warn that digits were lost; NaN speaks for itself.  `stacklevel` leads to the line of the user."""
    if np.count_nonzero(status) and (status == Status.INACCURATE).any():
        first = tuple(int(i) for i in np.argwhere(status == Status.INACCURATE)[0])
        place = f" at index {first if len(first) > 1 else first[0]}" if first else ""
        warnings.warn(
            f"`{name}`{place}: {Status.INACCURATE} `estimate_{name}` gives the error.",
            AccuracyWarning,
            stacklevel=stacklevel,
        )


def in_range(status: IntArray, values: FloatArray, structure: Structure) -> IntArray:
    """Mark values, one row per coordinate, that are not finite in the dtype in which they are returned."""
    most = structure.largest.reshape(-1, *[1] * (values.ndim - 1))
    with np.errstate(invalid="ignore"):
        lost = ~(np.abs(values) <= most)
    return np.where(lost & (status == Status.OK), Status.NON_FINITE, status).astype(np.int8)


def factorial(n: int) -> float:
    """Return n! as a float: derivatives are n! times Taylor coefficients."""
    return float(math.factorial(n))
