"""How all displays look: one palette, one size, and axes that are made only where none are given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BLUE", "COLORS", "GRAY", "GREEN", "ORANGE", "PATHS", "RED",
    "arrow_handle", "check_axes", "legend_above", "name_of", "new_axes", "variable_of",
]  # fmt: skip

# The palette of Okabe and Ito (2008), which readers with any kind of color vision tell apart; its yellow is
# left out because it vanishes on white.
BLUE, RED, GREEN, ORANGE = "#0072b2", "#d55e00", "#009e73", "#e69f00"
COLORS = (BLUE, RED, GREEN, ORANGE, "#cc79a7", "#56b4e9")
GRAY = "#555555"

SIZE = (6.0, 4.0)

# What runs over contours in the colors of viridis must be neither green nor blue.
PATHS = (RED, "#000000", "#cc79a7", ORANGE)


def new_axes(rows: int = 1, **layout: Any) -> Any:
    """Return the axes of a new figure, known to pyplot so that the caller's ``plt.show()`` finds it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("drawing needs matplotlib; install it with `pip install calcml[plot]`") from error
    return plt.subplots(rows, figsize=SIZE, layout="constrained", **layout)[1]


def check_axes(ax: Any) -> Axes:
    """Return the axes to draw on: the given ones, or those of a new figure for None."""
    if ax is None:
        return new_axes()
    if not callable(getattr(ax, "plot", None)) or not callable(getattr(ax, "set_xlabel", None)):
        raise TypeError(f"`ax` must be matplotlib axes or None, got {type(ax).__name__}")
    return ax


def legend_above(ax: Axes, handles: Sequence[Any] | None = None, *, more: Sequence[Any] = ()) -> None:
    """Put the legend outside the axes, where it hides no data; the constrained layout makes the room."""
    if handles is None:
        handles, _ = ax.get_legend_handles_labels()
    handles = [*handles, *more]
    ax.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3,
        fontsize="small", frameon=False, columnspacing=1.2,
    )  # fmt: skip


def arrow_handle(color: str, label: str) -> Any:
    """Return what stands for an arrow in a legend; left alone, matplotlib puts a bar there."""
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="", marker=r"$\rightarrow$", markersize=13, color=color, label=label)


def name_of(f: Callable[..., Any], default: str = "f") -> str:
    """Return what to call a function in a legend; a lambda and a private function have no name to show."""
    name = getattr(f, "__name__", default)
    return default if name.startswith(("<", "_")) else name


def variable_of(f: Callable[..., Any], default: str = "x") -> str:
    """Return the name that a function gives to its first argument."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return default
    named = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    return named[0] if named and not named[0].startswith("args") else default
