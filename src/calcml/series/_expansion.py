"""What a series is: its fields, and how points and texts relate to them."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from calcml._parameters import real_array
from calcml._result import Result, format_array
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.series._monomials import exponents
from calcml.series._text import series_text

__all__ = ["Expansion"]


@dataclass(frozen=True, eq=False, repr=False)
class Expansion(Result):
    """The fields of `TaylorSeries`, which documents them."""

    center: Any
    degree: int
    coefficients: FloatArray
    error: FloatArray
    status: IntArray
    majorant: FloatArray | None
    scale: FloatArray
    nfev: int

    @property
    def variables(self) -> int:
        """Number of variables."""
        return self.scale.size

    @property
    def exponents(self) -> IntArray:
        """The powers of each variable in each term, shape ``(terms, variables)``."""
        return exponents(self.variables, self.degree)

    @property
    def success(self) -> bool:
        """Whether every coefficient has a good status."""
        return bool(np.isin(self.status, [code.value for code in Status if code.ok]).all())

    @property
    def _outputs(self) -> tuple[int, ...]:
        return self.coefficients.shape[1:]

    def _flat(self, table: FloatArray) -> FloatArray:
        return table.reshape(len(table), -1)

    def _offsets(self, x: Any) -> tuple[FloatArray, tuple[int, ...]]:
        """Return x - center, shape (..., n), and the shape of the points."""
        points, inner = real_array(x, "x"), np.shape(self.center)
        lead = points.ndim - len(inner)
        if lead < 0 or points.shape[lead:] != inner:
            wanted = ", ".join(map(str, inner))
            message = f"`x` must have shape (..., {wanted}), that of the center last, got {points.shape}"
            raise ValueError(message)
        shape = points.shape[:lead]
        return (points - self.center).reshape(*shape, self.variables), shape

    def _variable(self, variable: Any) -> int:
        shape = np.shape(self.center)
        if variable is None:
            if self.variables > 1:
                message = f"name the `variable`: an index into x of shape {shape}"
                raise ValueError(message)
            return 0
        try:
            place = np.arange(self.variables).reshape(shape)[variable]
        except (IndexError, TypeError):
            place = np.empty(0)
        if np.shape(place) != ():
            raise ValueError(f"`variable` must be an index into x of shape {shape}, got {variable!r}")
        return int(place)

    def _one_scalar(self, name: str) -> None:
        if self.variables > 1 or self._outputs:
            message = f"`{name}` needs a scalar function of one variable"
            raise ValueError(message)

    def _with(self, **changes: Any) -> Self:
        return replace(self, **changes)

    def _title(self) -> str:
        return "Taylor series"

    def _rows(self) -> list[tuple[str, str]]:
        rows = [] if self._outputs else [("series", str(self))]
        return [
            *rows,
            ("center", format_array(self.center)),
            ("degree", str(self.degree)),
            ("coefficients", format_array(self.coefficients)),
            ("error", format_array(self.error, 1)),
            ("nfev", str(self.nfev)),
        ]

    def __str__(self) -> str:
        """Return the series as one writes it; that of a vector-valued function as its card."""
        if self._outputs:
            return repr(self)
        return series_text(
            self.coefficients, self.error, self.exponents, np.asarray(self.center), self.degree
        )
