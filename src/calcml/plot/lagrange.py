"""Lagrange's condition: at the optimum the gradients of function and constraint are parallel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from calcml._function import Function, check_callable
from calcml._parameters import flatten
from calcml._typing import FloatArray, KeywordArguments, PositionalArguments, RealFunction
from calcml.constrained._result import LagrangeResult
from calcml.plot._style import BLUE, GREEN, PATHS, arrow_handle, check_axes, legend_above, name_of
from calcml.plot._surface import (
    Surface,
    Window,
    axis_names,
    check_window,
    frame,
    sample,
    window_around,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LagrangeDisplay"]

CONTOURS = 13


@dataclass(frozen=True, eq=False)
class LagrangeDisplay:
    """Draw an optimum under equality constraints, for two variables.

    Where f has its extremum on the curve c = 0, a contour of f touches the curve, so that both gradients
    stand on the same tangent: ∇f = -λ ∇c.  The display shows the contour, the curve and the gradients; of
    these only the directions, the multiplier is in the legend.

    Parameters
    ----------
    surface : Surface
        The function f on a grid.
    constraints : tuple of Surface
        The constraints on the same grid.
    x : ndarray, shape (2,)
        The optimum.
    fun : float
        The value of f there.
    gradient : ndarray, shape (2,)
        The gradient of f there.
    constraint_gradients : ndarray, shape (m, 2)
        The gradients of the constraints there.
    multipliers : ndarray, shape (m,)
        The multipliers, with ∇f + Σ λ ∇c = 0.
    labels : tuple of str
        Names of f and of each constraint.
    names : tuple of str
        What to call the two variables.

    See Also
    --------
    calcml.lagrange : Finds the optimum.

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.plot import LagrangeDisplay
    >>> f = lambda x: x[0] + x[1]
    >>> circle = lambda x: x[0] ** 2 + x[1] ** 2 - 2
    >>> result = cm.lagrange(f, [-1.0, 0.0], equality=circle)
    >>> display = LagrangeDisplay.from_result(f, circle, result)
    >>> display.x.round(6), display.multipliers.round(6)
    (array([-1., -1.]), array([0.5]))
    """

    surface: Surface
    constraints: tuple[Surface, ...]
    x: FloatArray
    fun: float
    gradient: FloatArray
    constraint_gradients: FloatArray
    multipliers: FloatArray
    labels: tuple[str, ...]
    names: tuple[str, str]

    @classmethod
    def from_result(
        cls,
        f: RealFunction,
        equality: RealFunction | Sequence[RealFunction],
        result: LagrangeResult,
        *,
        window: Window | None = None,
        labels: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        args: PositionalArguments = (),
        kwargs: KeywordArguments | None = None,
        points: int = 121,
    ) -> Self:
        """Prepare the display of an optimum that `calcml.lagrange` has found.

        Parameters
        ----------
        f : callable
            ``f(x, *args, **kwargs)``, the function that was optimized.
        equality : callable or sequence of callables
            The constraints, as `calcml.lagrange` had them.
        result : LagrangeResult
            What it returned.
        window : tuple, optional
            ``((x_low, x_high), (y_low, y_high))``; None puts the optimum in the middle and shows the start.
        labels : sequence of str, optional
            Names of f and of each constraint; None takes those of the functions.
        names : sequence of str, optional
            Names of the two variables; None takes the keys of a dict, else x[0] and x[1].
        args, kwargs : tuple, dict, optional
            Further arguments of f and of the constraints.
        points : int, optional
            Grid lines along each axis: the functions are evaluated on their crossings.

        Returns
        -------
        LagrangeDisplay
            The display.

        Raises
        ------
        TypeError, ValueError
            If the function has not two variables, or an argument is unusable.

        Examples
        --------
        >>> import calcml as cm
        >>> from calcml.plot import LagrangeDisplay
        >>> def area(x):
        ...     return x["w"] * x["h"]
        >>> def fence(x):
        ...     return 2 * x["w"] + 2 * x["h"] - 12
        >>> result = cm.lagrange(area, {"w": 1.0, "h": 1.0}, equality=fence, seek="maximum")
        >>> display = LagrangeDisplay.from_result(area, fence, result, window=((0, 6), (0, 6)))
        >>> display.labels, display.names
        (('area', 'fence'), ('w', 'h'))
        """
        check_callable(f)
        functions = [equality] if callable(equality) else list(equality)
        for k, c in enumerate(functions):
            check_callable(c, f"equality[{k}]")
        if not isinstance(result, LagrangeResult):
            raise TypeError(f"`result` must be what `calcml.lagrange` returns, got {type(result).__name__}")
        x, structure = flatten(result.x)
        if x.size != 2:
            raise ValueError(f"only functions of two variables have such a picture, got {x.size} variables")
        called = axis_names(names, result.x)
        rectangle = check_window(window) or window_around(result.trace["x"], center=x, margin=2.0)

        first, *surfaces = (
            sample(Function(function, structure, args=args, kwargs=kwargs), rectangle, points)
            for function in (f, *functions)
        )
        if sum(map(len, surfaces)) != len(result.multipliers):
            raise ValueError(
                f"`equality` has {sum(map(len, surfaces))} constraints, `result` has "
                f"{len(result.multipliers)} multipliers; give the constraints of the same problem"
            )
        texts = labels or (name_of(f), *_constraint_labels(functions, surfaces))
        if len(texts) != 1 + len(result.multipliers):
            raise ValueError(
                f"`labels` must name f and {len(result.multipliers)} constraints, got {len(texts)} names"
            )
        return cls(
            surface=first[0],
            constraints=tuple(surface for group in surfaces for surface in group),
            x=x,
            fun=float(result.fun),
            gradient=result.jac,
            constraint_gradients=result.constraint_jac,
            multipliers=result.multipliers,
            labels=tuple(texts),
            names=called,
        )

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw contours, constraints and gradients.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a new figure.
        **style : dict
            Properties of the contour through the optimum and of the constraints, such as ``linewidths``.

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
        >>> from calcml.plot import LagrangeDisplay
        >>> def area(x):
        ...     return x["w"] * x["h"]
        >>> def fence(x):
        ...     return 2 * x["w"] + 2 * x["h"] - 12
        >>> result = cm.lagrange(area, {"w": 1.0, "h": 1.0}, equality=fence, seek="maximum")
        >>> ax = LagrangeDisplay.from_result(area, fence, result).plot()
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('w', 'h')
        """
        ax = check_axes(ax)
        self._contours(ax)
        self._level(ax, self.surface, self.fun, BLUE, f"{self.labels[0]} = {self.fun:.4g}", "--", style)
        arrows = [arrow_handle(BLUE, f"∇{self.labels[0]}")]
        for k, constraint in enumerate(self.constraints):
            color, label = PATHS[k % len(PATHS)], self.labels[k + 1]
            text = f"{label} = 0, λ = {self.multipliers[k]:.4g}"
            self._level(ax, constraint, 0.0, color, text, "-", style)
            # Shorter and thicker than that of f, which lies below it where both point to the same side.
            self._arrow(ax, self.constraint_gradients[k], 0.6, color, 0.012)
            arrows.append(arrow_handle(color, f"∇{label}"))
        self._arrow(ax, self.gradient, 1.0, BLUE, 0.007)
        ax.plot(*self.x, "*", color=GREEN, markersize=11, zorder=5, label="optimum")
        x, y = self.surface.x, self.surface.y
        frame(ax, ((x[0], x[-1]), (y[0], y[-1])), self.names)
        legend_above(ax, more=arrows)
        return ax

    def _contours(self, ax: Axes) -> None:
        """Draw contours between which the areas are equal: no peak can take them all."""
        values = self.surface.values[np.isfinite(self.surface.values)]
        if values.size and np.ptp(values) > 0:
            levels = np.unique(np.quantile(values, np.linspace(0, 1, CONTOURS + 2)[1:-1]))
            shown = np.ma.masked_invalid(self.surface.values)
            ax.contour(self.surface.x, self.surface.y, shown, levels=levels, cmap="viridis", linewidths=0.8)

    def _level(
        self,
        ax: Axes,
        surface: Surface,
        level: float,
        color: str,
        label: str,
        dashes: str,
        style: dict[str, Any],
    ) -> None:
        """Draw one contour, and an empty line for the legend, which contours do not have."""
        look = {"colors": color, "linewidths": 1.8, "linestyles": dashes, **style}
        ax.contour(surface.x, surface.y, np.ma.masked_invalid(surface.values), levels=[level], **look)
        ax.plot([], [], color=color, linestyle=dashes, linewidth=1.8, label=label)

    def _arrow(self, ax: Axes, gradient: FloatArray, length: float, color: str, width: float) -> None:
        """Draw the direction of a gradient; a vanishing one has none."""
        norm = float(np.linalg.norm(gradient))
        if norm > 0:
            look: dict[str, Any] = {"color": color, "width": width, "zorder": 4}
            ax.quiver(*self.x, *(gradient / norm * length), angles="xy", scale=4.5, **look)


def _constraint_labels(functions: Sequence[RealFunction], surfaces: list[list[Surface]]) -> list[str]:
    """Return the function's name, with an index for the components of a vector or for nameless functions."""
    labels = []
    for k, (c, group) in enumerate(zip(functions, surfaces, strict=True)):
        name = name_of(c, "c" if len(functions) == 1 else f"c{k}")
        labels += [name] if len(group) == 1 else [f"{name}[{i}]" for i in range(len(group))]
    return labels
