"""How the error of a difference formula depends on its step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calcml._function import Function, check_callable
from calcml._lines import ElementwiseLines
from calcml._parameters import check_bounds, flatten, real_array
from calcml._result import Result
from calcml._typing import Bounds, FloatArray, KeywordArguments, PositionalArguments, RealFunction
from calcml.errors import EvaluationError
from calcml.schemes.adaptive import Adaptive
from calcml.schemes.backward import Backward
from calcml.schemes.base import Scheme
from calcml.schemes.central import Central
from calcml.schemes.forward import Forward
from calcml.schemes.registry import as_scheme
from calcml.schemes.steps import Relative

__all__ = ["StepSweep", "step_sweep"]


@dataclass(frozen=True, eq=False, repr=False)
class StepSweep(Result):
    """The derivative at one point for many steps.

    Attributes
    ----------
    steps : ndarray, shape (K,)
        The steps, ascending.
    values : ndarray, shape (K,)
        The derivative by each step.
    truncation, noise : ndarray, shape (K,)
        The estimated parts of the error at each step.
    errors : ndarray, shape (K,)
        Distance of each value from `reference`.
    reference : float
        The exact derivative where it was given, else the best estimate.
    reference_error : float
        Error of the reference; 0 for an exact one.
    exact : bool
        Whether the reference was given.
    best : float
        The step with the least estimated error.
    chosen : float
        The step that the scheme takes when it is left to itself.
    scheme : Scheme
        The formula.
    nfev : int
        Evaluations of f.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cm.step_sweep(np.sin, 1.0, steps=[1e-3, 1e-5]).steps
    array([1.e-05, 1.e-03])
    """

    steps: FloatArray
    values: FloatArray
    truncation: FloatArray
    noise: FloatArray
    errors: FloatArray
    reference: float
    reference_error: float
    exact: bool
    best: float
    chosen: float
    scheme: Scheme
    nfev: int

    def _rows(self) -> list[tuple[str, str]]:
        finite = self.errors[np.isfinite(self.errors)]
        return [
            ("steps", f"{len(self.steps)} from {self.steps[0]:.1e} to {self.steps[-1]:.1e}"),
            ("best step", f"{self.best:.2e}"),
            ("chosen step", f"{self.chosen:.2e}"),
            ("least error", f"{finite.min():.1e}" if finite.size else "none is finite"),
            ("reference", f"{self.reference:.12g} ({'exact' if self.exact else 'estimated'})"),
            ("scheme", str(self.scheme)),
            ("nfev", str(self.nfev)),
        ]


def step_sweep(
    f: RealFunction,
    x: Any,
    *,
    scheme: str | Scheme = "central",
    steps: Any = None,
    exact: float | None = None,
    args: PositionalArguments = (),
    kwargs: KeywordArguments | None = None,
    bounds: Bounds | None = None,
) -> StepSweep:
    """Differentiate f at one point with many steps.

    Truncation grows with the step as h^order, noise falls as 1/h; their sum is the V that every difference
    formula shows, and its lowest point is the best that the formula can do.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)``, a function of one number.
    x : float
        Where to differentiate.
    scheme : str or Scheme, optional
        "forward", "backward" or "central", or one of these schemes with an order.
    steps : array_like, optional
        The steps; None takes 61 from 1e-14 to 10 times the magnitude of x, at least 1.
    exact : float, optional
        The exact derivative; without it the errors refer to the adaptive estimate.
    args, kwargs : tuple, dict, optional
        Further arguments of f.
    bounds : tuple, optional
        ``(lower, upper)``; f is never evaluated outside.

    Returns
    -------
    StepSweep
        Steps, values and errors; `calcml.plot.StepSweepDisplay` draws them.

    Raises
    ------
    TypeError, ValueError
        If an argument is unusable; f has not been called then.

    See Also
    --------
    compare_schemes : Several schemes with the steps of their own choice.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> sweep = cm.step_sweep(np.exp, 0.0, exact=1.0)
    >>> bool(1e-7 < sweep.best < 1e-3)
    True
    """
    check_callable(f)
    rule = as_scheme(scheme)
    if not isinstance(rule, Forward | Backward | Central):
        raise TypeError(f"`scheme` must be forward, backward or central, which have one step; got {rule}")
    flat, structure = flatten(x)
    if structure.shape != () or not structure.plain:
        raise TypeError(
            f"`x` must be one number, got shape {structure.shape}; sweep one coordinate at a time"
        )
    if not np.isfinite(flat).all():
        raise ValueError(f"`x` must be finite, got {flat[0]}")
    if exact is not None and np.shape(real_array(exact, "exact")) != ():
        raise ValueError(f"`exact` must be one number, got shape {np.shape(exact)}")
    limits = check_bounds(bounds, flat, structure)
    grid = _steps(steps, float(abs(flat[0])))
    function = Function(f, None, args=args, kwargs=kwargs)
    rows = []
    for h in grid:
        lines = ElementwiseLines(function, flat.reshape(()), limits)
        c = replace(rule, step=h).coefficient(lines, 1)
        if c.value.shape[1] > 1:
            raise EvaluationError("f must return real numbers here; sweep its real and imaginary parts")
        rows.append((c.value[0, 0], c.truncation[0, 0], c.noise[0, 0]))
    values, truncation, noise = np.array(rows, dtype=float).T
    lines = ElementwiseLines(function, flat.reshape(()), limits)
    chosen = replace(rule, step=rule.step if isinstance(rule.step, Relative) else Relative())
    own = chosen.coefficient(lines, 1, error=False)
    reference, reference_error = (float(exact), 0.0) if exact is not None else _best_estimate(lines)
    total = np.where(np.isfinite(values), truncation + noise, np.inf)
    return StepSweep(
        steps=grid,
        values=values,
        truncation=truncation,
        noise=noise,
        errors=np.abs(values - reference),
        reference=reference,
        reference_error=reference_error,
        exact=exact is not None,
        best=float(grid[_lowest(total)]),
        chosen=float(own.step[0]),
        scheme=rule,
        nfev=function.nfev,
    )


def _lowest(total: FloatArray) -> int:
    """Return where the V of the error is lowest.

    Far to the right of the V, steps of a whole period of f make formulas of all orders agree on nonsense; so
    only the steps before the error has risen a thousandfold above its least value count.
    """
    risen = total > 1e3 * np.minimum.accumulate(total)
    end = int(np.argmax(risen)) if risen.any() else len(total)
    return int(np.argmin(total[: max(end, 1)]))


def _best_estimate(lines: ElementwiseLines) -> tuple[float, float]:
    c = Adaptive().coefficient(lines, 1)
    return float(c.value[0, 0]), float(c.truncation[0, 0] + c.noise[0, 0])


def _steps(steps: Any, magnitude: float) -> FloatArray:
    if steps is None:
        return np.logspace(-14, 1, 61) * max(magnitude, 1.0)
    grid = np.sort(np.atleast_1d(real_array(steps, "steps")).ravel())
    if not grid.size:
        raise ValueError("`steps` is empty; give at least one step, or None")
    for h in grid[~((grid > 0) & np.isfinite(grid))][:1]:
        raise ValueError(f"`steps` must be positive and finite, got {h}")
    return grid
