"""A function of two variables on a grid, and how it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calcml._function import Function
from calcml._parameters import real_array
from calcml._typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Surface", "axis_names", "check_window", "draw_contours", "frame", "sample", "window_around"]

# ((lower, upper) of the first variable, (lower, upper) of the second one).
Window = tuple[tuple[float, float], tuple[float, float]]

LEVELS, DECADES = 12, 4

# Height by width of the axes in a figure of the usual size.
PROPORTION = 0.65


@dataclass(frozen=True, eq=False)
class Surface:
    """Values of a function on a rectangular grid.

    Attributes
    ----------
    x, y : ndarray, shapes (nx,) and (ny,)
        Where the grid lines are.
    values : ndarray, shape (ny, nx)
        The function there; row by row, as matplotlib wants it.
    """

    x: FloatArray
    y: FloatArray
    values: FloatArray


def sample(function: Function, window: Window, points: Any) -> list[Surface]:
    """Evaluate every output of a function of two variables on a square grid over the window."""
    if not isinstance(points, int | np.integer) or points < 2:
        raise ValueError(f"`points` must be an integer of at least 2, got {points!r}")
    x, y = (np.linspace(*side, points) for side in window)
    mesh = np.stack([part.ravel() for part in np.meshgrid(x, y)], axis=-1)
    rows = function.evaluate(mesh)
    return [Surface(x, y, column.reshape(points, points)) for column in rows.T]


def check_window(window: Any) -> Window | None:
    """Refuse what is not a finite rectangle."""
    if window is None:
        return None
    array = real_array(window, "window")
    if array.shape != (2, 2) or not np.isfinite(array).all() or (array[:, 0] >= array[:, 1]).any():
        raise ValueError(
            "`window` must be ((x_low, x_high), (y_low, y_high)), finite and ascending; "
            f"got {np.asarray(window).tolist()}"
        )
    return _window(array[:, 0], array[:, 1])


def window_around(points: FloatArray, center: FloatArray | None = None, *, margin: float = 1.25) -> Window:
    """Return a rectangle around all points, of shape (n, 2); `center` is its middle.

    A side more than ten times shorter than the other one, but not as short as rounding, is taken for a
    variable in other units.  Else the shorter side grows until the figure can show both in one scale.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2 if center is None else center
    half = margin * np.maximum(high - middle, middle - low)
    if not half.any():
        half = np.full(2, max(float(np.abs(middle).max()), 1.0))
    ratio = float(half.min() / half.max())
    if not 1e-6 < ratio < 0.1:
        half = np.maximum(half, [half[1] / PROPORTION, half[0] * PROPORTION])
    return _window(middle - half, middle + half)


def _window(low: FloatArray, high: FloatArray) -> Window:
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def axis_names(names: Sequence[str] | None, x: Any) -> tuple[str, str]:
    """Return the names of the two variables: given ones, the keys of a dict, or x[0] and x[1]."""
    if names is not None:
        if isinstance(names, str) or len(names) != 2:
            raise ValueError(f"`names` must be the names of the two variables, got {names!r}")
        return str(names[0]), str(names[1])
    if isinstance(x, dict) and len(x) == 2:
        first, second = (str(key) for key in x)
        return first, second
    return "x[0]", "x[1]"


def draw_contours(ax: Axes, surface: Surface, lowest: float) -> None:
    """Draw contours whose heights above `lowest` grow by equal factors, as the floor of a valley is flat."""
    from matplotlib.colors import LogNorm

    height = surface.values - min(lowest, float(np.nanmin(surface.values)))
    top = float(np.nanmax(height[np.isfinite(height)], initial=0.0))
    if not top > 0:
        return
    bottom = max(float(np.min(height[height > 0])), top * 10.0**-DECADES)
    levels = np.geomspace(bottom, top, LEVELS + 1)[:-1]
    # A logarithm has no zero; what lies below the lowest contour crosses none.
    height = np.ma.masked_invalid(np.maximum(height, bottom / 2))
    ax.contour(
        surface.x, surface.y, height, levels=levels,
        norm=LogNorm(bottom, top), cmap="viridis", linewidths=0.8,
    )  # fmt: skip


def frame(ax: Axes, window: Window, names: tuple[str, str]) -> None:
    """Label the axes and fit them to the window; in one scale where its sides allow it."""
    (left, right), (low, high) = window
    ax.set(xlim=(left, right), ylim=(low, high), xlabel=names[0], ylabel=names[1])
    ratio = (high - low) / (right - left)
    # In one scale gradients stand on their contours at right angles.
    if 0.3 < ratio < 3:
        ax.set_aspect("equal")
