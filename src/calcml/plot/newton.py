"""Newton's method: from tangent to tangent down to the root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from calcml._function import check_callable
from calcml._typing import FloatArray, KeywordArguments, PositionalArguments, RealFunction
from calcml.differentiate.derivative import derivative as differentiate
from calcml.plot._curve import check_interval, sample_curve
from calcml.plot._style import BLUE, GRAY, GREEN, RED, check_axes, legend_above, name_of, variable_of
from calcml.roots.result import RootResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NewtonDisplay"]


@dataclass(frozen=True, eq=False)
class NewtonDisplay:
    """Draw how Newton's method found a root.

    From each point the tangent leads to the axis; where it arrives is the next point.  Where the method
    shortened a step or bisected a bracket, the next point is another one, and the picture shows that.

    Parameters
    ----------
    grid, curve : ndarray, shape (k,)
        Points of the graph of f.
    x, fun, slopes : ndarray, shape (nit + 1,)
        The iterations, the values and the derivatives there.
    names : tuple of str
        What to call the variable and the function.

    See Also
    --------
    calcml.newton : Finds the root.

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.plot import NewtonDisplay
    >>> f = lambda x: x**2 - 2
    >>> display = NewtonDisplay.from_result(f, cm.newton(f, 3.0))
    >>> float(display.x[0]), round(float(display.slopes[0]), 6)
    (3.0, 6.0)
    """

    grid: FloatArray
    curve: FloatArray
    x: FloatArray
    fun: FloatArray
    slopes: FloatArray
    names: tuple[str, str]

    @classmethod
    def from_result(
        cls,
        f: RealFunction,
        result: RootResult,
        *,
        derivative: RealFunction | None = None,
        interval: tuple[float, float] | None = None,
        names: tuple[str, str] | None = None,
        args: PositionalArguments = (),
        kwargs: KeywordArguments | None = None,
    ) -> Self:
        """Prepare the display of one root that `calcml.newton` has found.

        Parameters
        ----------
        f : callable
            ``f(x, *args, **kwargs)``, the function whose root it is.
        result : RootResult
            What ``calcml.newton(f, x0)`` returned for one number x0.
        derivative : callable, optional
            The derivative of f, with the same further arguments; without it f is differentiated.
        interval : tuple of float, optional
            ``(lower, upper)``, where to draw f; None takes the range of the iterations and a margin.
        names : tuple of str, optional
            ``(variable, function)`` for the labels; None takes them from f.
        args, kwargs : tuple, dict, optional
            Further arguments of f.

        Returns
        -------
        NewtonDisplay
            The display.

        Raises
        ------
        TypeError, ValueError
            If the result is not that of a single equation, or the interval is none.

        Examples
        --------
        >>> import calcml as cm
        >>> from calcml.plot import NewtonDisplay
        >>> f = lambda x: x**2 - 2
        >>> display = NewtonDisplay.from_result(f, cm.newton(f, 3.0), interval=(0.0, 4.0))
        >>> float(display.grid[0]), float(display.curve[-1])
        (0.0, 14.0)
        """
        check_callable(f)
        if not isinstance(result, RootResult):
            raise TypeError(f"`result` must be what `calcml.newton` returns, got {type(result).__name__}")
        if "x" not in result.trace.columns:
            raise ValueError(
                f"`result` holds {np.size(result.x)} equations, whose paths are not kept; solve the one "
                "to be drawn by itself"
            )
        x, fun = result.trace["x"], result.trace["fun"]
        ends = _around(x) if interval is None else check_interval(interval)
        grid, curve = sample_curve(f, ends, args, kwargs)
        if derivative is None:
            slopes = [differentiate(f, point, args=args, kwargs=kwargs) for point in x]
        else:
            slopes = [derivative(point, *args, **(kwargs or {})) for point in x]
        return cls(grid, curve, x, fun, np.array(slopes, dtype=float), names or (variable_of(f), name_of(f)))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw f, the tangents and the iterations.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a new figure.
        **style : dict
            Properties of the graph of f, such as ``color``.

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
        >>> import calcml as cm
        >>> from calcml.plot import NewtonDisplay
        >>> f = lambda x: x**2 - 2
        >>> ax = NewtonDisplay.from_result(f, cm.newton(f, 3.0), names=("t", "g")).plot()
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('t', 'g(t)')
        """
        ax = check_axes(ax)
        variable, function = self.names
        ax.axhline(0, color=GRAY, linewidth=0.8)
        ax.plot(self.grid, self.curve, **{"color": BLUE, "label": function, **style})
        for k in range(len(self.x) - 1):
            with np.errstate(divide="ignore", invalid="ignore"):
                foot = self.x[k] - self.fun[k] / self.slopes[k]
            ax.plot(
                [self.x[k], foot], [self.fun[k], 0], color=RED, linewidth=1,
                label="tangent" if k == 0 else None,
            )  # fmt: skip
            ax.plot([self.x[k]] * 2, [0, self.fun[k]], ":", color=GRAY, linewidth=1)
        ax.plot(self.x[:-1], self.fun[:-1], "o", color=RED, markersize=4)
        ax.plot(self.x[-1:], [0], "*", color=GREEN, markersize=11, zorder=3, label=f"root {self.x[-1]:.6g}")
        self._number(ax)
        low, high = np.min(self.fun), np.max(self.fun)
        margin = 0.15 * (high - low or 1.0)
        ax.set(
            xlim=(self.grid[0], self.grid[-1]), ylim=(low - margin, high + margin),
            xlabel=variable, ylabel=f"{function}({variable})",
        )  # fmt: skip
        legend_above(ax)
        return ax

    def _number(self, ax: Axes) -> None:
        """Write the first iterations' numbers at the axis, as long as they stand apart."""
        width, taken = self.grid[-1] - self.grid[0], [self.x[-1]]
        for k, x in enumerate(self.x[:-1]):
            if min(abs(x - other) for other in taken) > 0.05 * width:
                taken.append(x)
                above = self.fun[k] < 0
                ax.annotate(
                    f"${self.names[0]}_{{{k}}}$", (x, 0), xytext=(0, 4 if above else -4),
                    textcoords="offset points", ha="center", va="bottom" if above else "top",
                )  # fmt: skip


def _around(x: FloatArray) -> tuple[float, float]:
    low, high = float(np.min(x)), float(np.max(x))
    margin = 0.15 * (high - low) or max(abs(low), 1.0)
    return low - margin, high + margin
