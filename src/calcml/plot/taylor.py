"""A function and its Taylor polynomials."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.polynomial.polynomial import polyval

from calcml._function import check_callable
from calcml._typing import FloatArray, KeywordArguments, PositionalArguments, RealFunction
from calcml.plot._curve import check_interval, sample_curve
from calcml.plot._style import GRAY, RED, check_axes, legend_above, name_of, variable_of
from calcml.series.series import TaylorSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TaylorDisplay"]


@dataclass(frozen=True, eq=False)
class TaylorDisplay:
    """Draw a function and its Taylor polynomials of several degrees.

    The polynomial of degree n is Σ c_k (x - x0)^k, k <= n; its error grows as (x - x0)^(n+1).  The band
    around the highest one is the estimated remainder of the series.

    Parameters
    ----------
    grid, curve : ndarray, shape (k,)
        Points of the graph of f.
    polynomials : ndarray, shape (degrees, k)
        The polynomials on the same grid.
    degrees : tuple of int
        Their degrees, ascending.
    remainder : ndarray, shape (k,)
        Estimated error of the highest polynomial; infinite where the terms do not fall, NaN where the series
        does not know its next terms.
    center : float
        The point x0 of the expansion.
    names : tuple of str
        What to call the variable and the function.

    See Also
    --------
    calcml.taylor : Makes the series.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> from calcml.plot import TaylorDisplay
    >>> series = cm.taylor(np.sin, 0.0, 5)
    >>> display = TaylorDisplay.from_series(np.sin, series, (-4.0, 4.0), degrees=[1, 3])
    >>> display.polynomials.shape
    (3, 401)
    """

    grid: FloatArray
    curve: FloatArray
    polynomials: FloatArray
    degrees: tuple[int, ...]
    remainder: FloatArray
    center: float
    names: tuple[str, str]

    @classmethod
    def from_series(
        cls,
        f: RealFunction,
        series: TaylorSeries,
        interval: tuple[float, float],
        *,
        degrees: Sequence[int] | None = None,
        names: tuple[str, str] | None = None,
        args: PositionalArguments = (),
        kwargs: KeywordArguments | None = None,
    ) -> Self:
        """Prepare the display of a series in one variable.

        Parameters
        ----------
        f : callable
            ``f(x, *args, **kwargs)``, the function that was expanded.
        series : TaylorSeries
            What ``calcml.taylor(f, x0, degree)`` returned for one number x0.
        interval : tuple of float
            ``(lower, upper)``, where to draw.
        degrees : sequence of int, optional
            Degrees to draw besides that of the series, which is the highest; None takes two below it.
        names : tuple of str, optional
            ``(variable, function)`` for the labels; None takes them from f.
        args, kwargs : tuple, dict, optional
            Further arguments of f.

        Returns
        -------
        TaylorDisplay
            The display.

        Raises
        ------
        TypeError, ValueError
            If the series is not one of a single variable, or an argument is unusable.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> from calcml.plot import TaylorDisplay
        >>> series = cm.taylor(np.exp, 0.0, 3)
        >>> TaylorDisplay.from_series(np.exp, series, (-2.0, 2.0)).degrees
        (1, 2, 3)
        """
        check_callable(f)
        if not isinstance(series, TaylorSeries):
            raise TypeError(f"`series` must be what `calcml.taylor` returns, got {type(series).__name__}")
        c = series.coefficients
        if c.ndim != 1 or np.ndim(series.center) != 0:
            raise ValueError("`series` must belong to a function of one number to be drawn as a curve")
        chosen = _degrees(degrees, series.degree)
        grid, curve = sample_curve(f, check_interval(interval), args, kwargs)
        center = float(series.center)
        return cls(
            grid=grid,
            curve=curve,
            polynomials=np.array([polyval(grid - center, c[: n + 1]) for n in chosen]),
            degrees=chosen,
            remainder=np.full(grid.shape, np.nan) if series.majorant is None else series.remainder(grid),
            center=center,
            names=names or (variable_of(f), name_of(f)),
        )

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the function and its polynomials.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a new figure.
        **style : dict
            Properties of the polynomials, such as ``linewidth``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes; nothing is shown or saved.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> from calcml.plot import TaylorDisplay
        >>> ax = TaylorDisplay.from_series(np.exp, cm.taylor(np.exp, 0.0, 3), (-2.0, 2.0)).plot()
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('x', 'exp(x)')
        """
        ax = check_axes(ax)
        variable, function = self.names
        low, high = self._range()
        self._draw_band(ax, 10 * (high - low))
        colors = _shades(len(self.degrees))
        for degree, values, color in zip(self.degrees, self.polynomials, colors, strict=True):
            look = {"color": color, "linewidth": 1.3, "label": f"degree {degree}"}
            ax.plot(self.grid, values, **{**look, **style})
        ax.plot(self.grid, self.curve, color="black", linewidth=2.2, zorder=1.9, label=function)
        if self.grid[0] <= self.center <= self.grid[-1]:
            height = np.interp(self.center, self.grid, self.curve)
            ax.plot([self.center], [height], "o", color=RED, markersize=6, zorder=3, label="center")
        ax.set(xlim=(self.grid[0], self.grid[-1]), xlabel=variable, ylabel=f"{function}({variable})")
        # The polynomials leave the picture where they leave the function.
        ax.set_ylim(low, high)
        legend_above(ax)
        return ax

    def _range(self) -> tuple[float, float]:
        """Return the heights that f takes, with a margin."""
        finite = self.curve[np.isfinite(self.curve)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        margin = 0.4 * (high - low) or 1.0
        return low - margin, high + margin

    def _draw_band(self, ax: Axes, beyond: float) -> None:
        """Draw the remainder around the highest polynomial; an infinite one leaves the picture."""
        if np.isnan(self.remainder).all():
            return
        top, width = self.polynomials[-1], np.minimum(self.remainder, beyond)
        look: dict[str, Any] = {"color": GRAY, "alpha": 0.2, "linewidth": 0}
        label = f"estimated remainder of degree {self.degrees[-1]}"
        ax.fill_between(self.grid, top - width, top + width, label=label, **look)


def _degrees(degrees: Any, highest: int) -> tuple[int, ...]:
    if degrees is None:
        return tuple(sorted({round(highest * k / 3) for k in (1, 2, 3)}))
    chosen = sorted({operator.index(n) for n in degrees} | {highest})
    if chosen[0] < 0 or chosen[-1] > highest:
        raise ValueError(f"`degrees` must lie between 0 and that of the series, {highest}; got {degrees!r}")
    return tuple(chosen)


def _shades(count: int) -> list[Any]:
    """Return colors from dark to light, the darkest for the lowest degree; yellow would vanish on white."""
    import matplotlib as mpl

    return list(mpl.colormaps["viridis"](np.linspace(0.15, 0.85, count)))
