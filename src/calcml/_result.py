"""What all results share: text and HTML cards, plain dictionaries, and numbers rounded to their error."""

from __future__ import annotations

import dataclasses
import html
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from calcml._status import Status
from calcml.errors import ConvergenceError

__all__ = ["Result", "format_array", "format_measurement", "plain"]


@dataclass(frozen=True, eq=False)
class Result:
    """Base of the frozen results.

    A subclass declares its fields, and may override `_rows` to choose what its card shows and how.
    Attributes are read-only; arrays in them are the result's own.

    Examples
    --------
    >>> import calcml as cm
    >>> isinstance(cm.estimate_derivative(abs, 1.0), cm.Result)
    True
    """

    def _title(self) -> str:
        return type(self).__name__

    def _rows(self) -> list[tuple[str, str]]:
        """Return label and text of each line of the card."""
        return [(f.name, _brief(getattr(self, f.name))) for f in dataclasses.fields(self) if f.repr]

    def __repr__(self) -> str:
        """Return the card as text."""
        rows = self._rows()
        width = max((len(label) for label, _ in rows), default=0)
        lines = [self._title()]
        for label, text in rows:
            first, *rest = text.splitlines() or [""]
            lines.append(f"  {label:>{width}}: {first}")
            lines.extend(f"  {'':>{width}}  {line}" for line in rest)
        return "\n".join(lines)

    def __str__(self) -> str:
        """Return the card as text."""
        return repr(self)

    def _repr_html_(self) -> str:
        """Return the card as an HTML table, with everything escaped."""
        body = "".join(
            f"<tr><th style='text-align:right'>{html.escape(label)}</th>"
            f"<td style='text-align:left'><pre style='margin:0'>{html.escape(text)}</pre></td></tr>"
            for label, text in self._rows()
        )
        return f"<table><caption>{html.escape(self._title())}</caption>{body}</table>"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain numbers, strings, lists and dictionaries.

        Returns
        -------
        dict
            One entry per field; arrays become nested lists, a status its name, complex numbers pairs
            ``[real, imaginary]``.
        """
        return {f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def to_json(self) -> str:
        """Return the fields as a JSON text.

        Returns
        -------
        str
            Valid JSON; NaN and infinities, which JSON lacks, become the strings "nan", "inf" and "-inf".
        """
        return json.dumps(_finite(self.to_dict()), allow_nan=False)

    def check(self) -> Any:
        """Raise unless the calculation succeeded.

        Returns
        -------
        Result
            The result itself, so that calls can be chained.

        Raises
        ------
        ConvergenceError
            With the sentence of the status.
        """
        if not bool(np.all(getattr(self, "success", True))):
            raise ConvergenceError(self._failure())
        return self

    def _failure(self) -> str:
        status = getattr(self, "status", None)
        if isinstance(status, Status):
            return str(getattr(self, "message", status))
        codes = [Status(int(code)) for code in np.unique(np.asarray(status))]
        return "; ".join(str(code) for code in codes if not code.ok)


def plain(value: Any) -> Any:
    """Return a value as numbers, strings, lists and dicts, as JSON needs them."""
    if isinstance(value, Status):
        return value.name
    if isinstance(value, Result):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        held = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        # Options print themselves; a dataclass of arrays is the user's parameters.
        return plain(held) if any(isinstance(v, np.ndarray) for v in held.values()) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind == "c":
            return np.stack([value.real, value.imag], axis=-1).astype(float).tolist()
        if value.dtype == np.longdouble:
            return value.astype(float).tolist()
        return value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


def _brief(value: Any) -> str:
    if isinstance(value, Status):
        return f"{value.name}: {value}"
    if isinstance(value, np.ndarray):
        return format_array(value)
    if isinstance(value, float | np.floating):
        return f"{value:.10g}"
    return str(value)


def format_array(values: Any, digits: int = 8) -> str:
    """Return an array as short text: long ones are abridged, as NumPy does."""
    array = np.asarray(values)
    if array.ndim == 0 and array.dtype.kind == "f":
        return f"{float(array):.10g}"
    return np.array2string(array, precision=digits, threshold=12, edgeitems=3, max_line_width=88)


def format_measurement(value: float, error: float) -> str:
    """Return ``value +- error`` rounded to the error.

    The error keeps two digits where its three leading digits are at most 354, else one; the value is cut
    at the same place (the rule of the Particle Data Group).

    Examples
    --------
    >>> from calcml._result import format_measurement
    >>> format_measurement(454.158441, 75.2371)
    '450 +- 80'
    >>> format_measurement(0.00123456, 0.0000213)
    '0.001235 +- 0.000021'
    """
    value, error = float(value), float(error)
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return f"{value:.10g} +- {error:.2g}"
    # Decimal digits after the point at which the error has one digit left; decimals reach subnormal numbers.
    place = -math.floor(math.log10(error))
    leading = round(Decimal(error).scaleb(place + 2))
    if leading >= 950:
        place, leading = place - 1, 100
    keep = place + 1 if leading <= 354 else place
    if abs(value) < 1e-4 or abs(value) >= 1e6 or error >= 1e6:
        return _scientific(value, error, keep)
    if keep >= 0:
        return f"{value:.{keep}f} +- {error:.{keep}f}"
    return f"{round(value, keep):.0f} +- {round(error, keep):.0f}"


def _scientific(value: float, error: float, keep: int) -> str:
    exponent = math.floor(math.log10(max(abs(value), error)))
    digits = max(keep + exponent, 0)
    value_text, error_text = (f"{Decimal(x).scaleb(-exponent):.{digits}f}" for x in (value, error))
    return f"({value_text} +- {error_text})e{exponent:+03d}"
