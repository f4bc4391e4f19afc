"""The way down: a descent over the contours of its function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from calcml._objective import Objective, open_objective
from calcml._parameters import flatten
from calcml._typing import FloatArray, KeywordArguments, PositionalArguments, RealFunction
from calcml.descent.result import MinimizeResult
from calcml.plot._style import GRAY, GREEN, PATHS, arrow_handle, check_axes, legend_above
from calcml.plot._surface import (
    Surface,
    Window,
    axis_names,
    check_window,
    draw_contours,
    frame,
    sample,
    window_around,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DescentDisplay"]

ARROWS = 15

# Paths of more points are drawn without a dot for each.
DOTTED = 300


@dataclass(frozen=True, eq=False)
class DescentDisplay:
    """Draw paths downhill over the contours of a function of two variables.

    The heights of the contours above the lowest point grow by equal factors.  Arrows of one length show where
    the function falls fastest.

    Parameters
    ----------
    surface : Surface
        The function on a grid: ``x``, ``y``, ``values``.
    arrows : ndarray, shape (k, 2, 2)
        Feet of the arrows and the unit vectors against the gradient there.
    paths : tuple of ndarray, each of shape (nit + 1, 2)
        The points of each run.
    labels : tuple of str
        A name for each run.
    lowest : float
        The smallest value that a run has found.
    names : tuple of str
        What to call the two variables.

    See Also
    --------
    calcml.minimize, calcml.gradient_descent : Make the runs.

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.plot import DescentDisplay
    >>> f = lambda x: x[0] ** 2 + 10 * x[1] ** 2
    >>> run = cm.gradient_descent(f, [3.0, 1.0])
    >>> display = DescentDisplay.from_results(f, run)
    >>> display.paths[0].shape == (run.nit + 1, 2)
    True
    """

    surface: Surface
    arrows: FloatArray
    paths: tuple[FloatArray, ...]
    labels: tuple[str, ...]
    lowest: float
    names: tuple[str, str]

    @classmethod
    def from_results(
        cls,
        f: RealFunction,
        *results: MinimizeResult,
        labels: Sequence[str] | None = None,
        grad: RealFunction | None = None,
        window: Window | None = None,
        names: Sequence[str] | None = None,
        args: PositionalArguments = (),
        kwargs: KeywordArguments | None = None,
        vectorized: bool = False,
        points: int = 121,
    ) -> Self:
        """Prepare the display of runs over the same function.

        Parameters
        ----------
        f : callable
            ``f(x, *args, **kwargs)``, the function that was minimized.
        *results : MinimizeResult
            One or more runs of `calcml.minimize` or `calcml.gradient_descent`.
        labels : sequence of str, optional
            A name for each run; None counts them.
        grad : callable, optional
            The gradient; without it f is differentiated.
        window : tuple, optional
            ``((x_low, x_high), (y_low, y_high))``; None shows all of every path.
        names : sequence of str, optional
            Names of the two variables; None takes the keys of a dict, else x[0] and x[1].
        args, kwargs : tuple, dict, optional
            Further arguments of f.
        vectorized : bool, optional
            Whether f takes x of shape ``(2, K)``.
        points : int, optional
            Grid lines along each axis: f is evaluated on their crossings.

        Returns
        -------
        DescentDisplay
            The display.

        Raises
        ------
        TypeError, ValueError
            If there is no run, the function has not two variables, or an argument is unusable.

        Examples
        --------
        >>> import calcml as cm
        >>> from calcml.plot import DescentDisplay
        >>> f = lambda p: p["a"] ** 2 + 10 * p["b"] ** 2
        >>> start = {"a": 3.0, "b": 1.0}
        >>> runs = [cm.minimize(f, start, method=method) for method in ("steepest", "newton")]
        >>> display = DescentDisplay.from_results(f, *runs, labels=["steepest", "Newton"])
        >>> display.names, display.surface.values.shape
        (('a', 'b'), (121, 121))
        """
        paths = _paths(results)
        if labels is not None and len(labels) != len(results):
            raise ValueError(
                f"`labels` must have one name for each of {len(results)} runs, got {len(labels)}"
            )
        counted = [f"path {k + 1}" for k in range(len(results))] if len(results) > 1 else ["path"]
        x = results[0].x
        called = axis_names(names, x)
        rectangle = check_window(window) or window_around(np.concatenate(paths))
        opened = open_objective(f, x, grad=grad, args=args, kwargs=kwargs, vectorized=vectorized)
        with opened as (objective, _):
            surface = sample(objective.function, rectangle, points)[0]
            arrows = _arrows(objective, rectangle)
        lowest = min(float(result.fun) for result in results)
        return cls(surface, arrows, paths, tuple(labels or counted), lowest, called)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw contours, arrows and paths.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a new figure.
        **style : dict
            Properties of the paths, such as ``linewidth``.

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
        >>> from calcml.plot import DescentDisplay
        >>> f = lambda p: p["a"] ** 2 + 10 * p["b"] ** 2
        >>> start = {"a": 3.0, "b": 1.0}
        >>> runs = [cm.minimize(f, start, method=method) for method in ("steepest", "newton")]
        >>> ax = DescentDisplay.from_results(f, *runs).plot(linewidth=2)
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('a', 'b')
        """
        ax = check_axes(ax)
        draw_contours(ax, self.surface, self.lowest)
        feet, tips = self.arrows[:, 0], self.arrows[:, 1]
        ax.quiver(
            *feet.T, *tips.T, angles="xy", color=GRAY, alpha=0.5, width=0.0022,
            scale=1.6 * ARROWS, headwidth=4, pivot="mid",
        )  # fmt: skip
        for k, (path, label) in enumerate(zip(self.paths, self.labels, strict=True)):
            look = {"color": PATHS[k % len(PATHS)], "markersize": 5, "linewidth": 1.3}
            look["marker"] = "." if len(path) <= DOTTED else ""
            ax.plot(*path.T, **{**look, "label": f"{label}, {len(path) - 1} iterations", **style})
        ends = np.array([path[-1] for path in self.paths])
        ax.plot(*ends.T, "*", color=GREEN, markersize=11, zorder=3, label="end")
        x, y = self.surface.x, self.surface.y
        frame(ax, ((x[0], x[-1]), (y[0], y[-1])), self.names)
        legend_above(ax, more=[arrow_handle(GRAY, "downhill")])
        return ax


def _paths(results: tuple[MinimizeResult, ...]) -> tuple[FloatArray, ...]:
    if not results:
        raise ValueError("give at least one run; `calcml.minimize` and `calcml.gradient_descent` make them")
    for result in results:
        if not isinstance(result, MinimizeResult):
            raise TypeError(f"a run must be what `calcml.minimize` returns, got {type(result).__name__}")
        size = flatten(result.x)[0].size
        if size != 2:
            raise ValueError(f"only functions of two variables have such a picture, got {size} variables")
    return tuple(np.asarray(result.trace["x"], dtype=float) for result in results)


def _arrows(objective: Objective, window: Window) -> FloatArray:
    """Return feet on a grid inside the window and unit vectors downhill; where f has no slope, none."""
    x, y = (np.linspace(*side, 2 * ARROWS + 1)[1::2] for side in window)
    feet = np.stack([part.ravel() for part in np.meshgrid(x, y)], axis=-1)
    slopes = np.array([objective.gradient(foot)[0] for foot in feet])
    length = np.linalg.norm(slopes, axis=1)
    usable = np.isfinite(length) & (length > 0)
    return np.stack([feet[usable], -slopes[usable] / length[usable, None]], axis=1)
