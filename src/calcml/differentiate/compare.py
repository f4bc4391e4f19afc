"""Compare schemes on a function of the user's own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._parameters import check_array, entries
from calcml._result import Result
from calcml._typing import Bounds, KeywordArguments, PositionalArguments, RealFunction
from calcml.differentiate._problem import Estimate
from calcml.differentiate.jacobian import estimate_jacobian
from calcml.errors import CalcmlError
from calcml.schemes.base import Scheme
from calcml.schemes.registry import SchemeLike, as_scheme, names

__all__ = ["Comparison", "SchemeRow", "compare_schemes"]


@dataclass(frozen=True, eq=False, repr=False)
class SchemeRow(Result):
    """What one scheme did.

    Attributes
    ----------
    scheme : Scheme
        The scheme.
    estimate : Estimate or None
        Its answer; None if it refused the function.
    digits : float
        Correct digits of the worst component, -log10 of its relative error between 0 and 16; NaN without an
        exact answer.
    error : float
        The largest error that it estimates.
    honest : bool or None
        Whether the estimated error covers the true one everywhere; None without an exact answer.
    nfev : int
        Evaluations of f.
    seconds : float
        Wall-clock time of the call.
    refusal : str
        Why the scheme refused, empty if it did not.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> row = cm.compare_schemes(np.sin, 1.0, ["central"])[0]
    >>> row.nfev, row.refusal
    (4, '')
    """

    scheme: Scheme
    estimate: Estimate | None
    digits: float
    error: float
    honest: bool | None
    nfev: int
    seconds: float
    refusal: str


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """A table of schemes, one row each; prints as the table.

    Attributes
    ----------
    rows : tuple of SchemeRow
        In the order in which the schemes were given.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> len(cm.compare_schemes(np.sin, 1.0, ["central", "forward"]))
    2
    """

    rows: tuple[SchemeRow, ...]

    def __getitem__(self, index: int) -> SchemeRow:
        """Return one row."""
        return self.rows[index]

    def __len__(self) -> int:
        """Return the number of schemes."""
        return len(self.rows)

    def _rows(self) -> list[tuple[str, str]]:
        return [("schemes", self._table())]

    def __repr__(self) -> str:
        """Return the table."""
        return self._table()

    def _table(self) -> str:
        labels = [str(row.scheme) for row in self.rows]
        width = max(len(label) for label in labels)
        head = f"{'scheme':<{width}}  digits  est. error  holds  nfev       time"
        lines = [head]
        for label, row in zip(labels, self.rows, strict=True):
            if row.estimate is None:
                lines.append(f"{label:<{width}}  refused: {row.refusal}")
                continue
            digits = "-" if np.isnan(row.digits) else f"{row.digits:.1f}"
            holds = "-" if row.honest is None else ("yes" if row.honest else "no")
            lines.append(
                f"{label:<{width}}  {digits:>6}  {row.error:>10.1e}  {holds:>5}  {row.nfev:>4}  "
                f"{_time(row.seconds):>9}"
            )
        return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} us" if seconds < 1e-2 else f"{seconds:.3f} s"


def compare_schemes(
    f: RealFunction,
    x: Any,
    schemes: Sequence[SchemeLike] | None = None,
    exact: Any = None,
    *,
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
) -> Comparison:
    """Differentiate f with several schemes and put the answers side by side.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, returning a number or an array.
    x : float, array_like, or dict, list, tuple, dataclass of arrays
        Where to differentiate.
    schemes : sequence of str or Scheme, optional
        The schemes; None takes all that have a name.
    exact : float, array_like or structure, optional
        The exact first derivatives, of shape ``f(x).shape + x.shape``, where they are known.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``; f is never evaluated outside.

    Returns
    -------
    Comparison
        One row per scheme: digits and honesty (with `exact`), estimated error, evaluations, time.  A scheme
        that refuses the function says why in its row.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable, or `exact` has the wrong size.

    See Also
    --------
    step_sweep : How the error depends on the step.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> table = cm.compare_schemes(np.sin, 1.0, ["central", "complex"], exact=np.cos(1.0))
    >>> [row.digits > 8 for row in table.rows]
    [True, True]
    """
    chosen = [as_scheme(scheme) for scheme in (names() if schemes is None else schemes)]
    if not chosen:
        raise ValueError("`schemes` is empty; name at least one, or leave it out for all")
    rows = [
        _row(f, x, scheme, exact, {"args": args, "kwargs": kwargs, "bounds": bounds}) for scheme in chosen
    ]
    return Comparison(tuple(rows))


def _numbers(structure: Any) -> NDArray[Any]:
    arrays = entries(structure, "exact", check_array).values()
    return np.concatenate([array.ravel() for array in arrays]) if arrays else np.empty(0)


def _row(f: Any, x: Any, scheme: Scheme, exact: Any, options: dict[str, Any]) -> SchemeRow:
    start = time.perf_counter()
    try:
        estimate = estimate_jacobian(f, x, scheme=scheme, **options)
    except CalcmlError as refusal:
        seconds = time.perf_counter() - start
        return SchemeRow(scheme, None, np.nan, np.nan, None, 0, seconds, str(refusal))
    seconds = time.perf_counter() - start
    value, error = _numbers(estimate.value), _numbers(estimate.error)
    digits, honest = np.nan, None
    if exact is not None:
        truth = _numbers(exact)
        if truth.size != value.size:
            raise ValueError(
                f"`exact` has {truth.size} numbers, the derivative {value.size}; "
                "give shape f(x).shape + x.shape"
            )
        with np.errstate(all="ignore"):
            wrong = np.abs(value - truth)
            relative = np.where(wrong == 0, 0.0, wrong / np.maximum(np.abs(truth), np.finfo(float).tiny))
            worst = np.max(np.where(np.isfinite(relative), relative, np.inf), initial=0.0)
            digits = float(np.clip(-np.log10(np.maximum(worst, 1e-16)), 0.0, 16.0))
            honest = bool(np.all(wrong <= error))
    largest = float(np.max(error)) if error.size else 0.0
    return SchemeRow(scheme, estimate, digits, largest, honest, estimate.nfev, seconds, "")
