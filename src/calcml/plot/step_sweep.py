"""The V: how the error of a difference formula depends on its step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from calcml._typing import Bounds, FloatArray, IntArray, KeywordArguments, PositionalArguments, RealFunction
from calcml.differentiate.sweep import StepSweep, step_sweep
from calcml.plot._branches import branch_slopes, branches
from calcml.plot._style import COLORS, GRAY, check_axes, legend_above
from calcml.schemes.base import Scheme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["StepSweepDisplay"]

# Label, marker and size of the two steps that stand out.
MARKS = (("best step", "*", 11), ("chosen step", "D", 5))
STEPS = tuple(label for label, _, _ in MARKS)


@dataclass(frozen=True, eq=False)
class StepSweepDisplay:
    """Draw the error of difference formulas against the step.

    Truncation grows as h^order and rounding as 1/h, so on logarithmic axes the error is a V.  The display
    shows the measured error, both estimated parts, the slopes of the two branches, the step with the least
    estimated error and the one that the scheme takes by itself.

    Parameters
    ----------
    sweeps : tuple of StepSweep
        What to draw.
    labels : tuple of str
        One name for each sweep.
    slopes : tuple of tuple of float
        For each sweep the slopes d log|error| / d log h of the left branch (rounding) and of the right one
        (truncation); NaN where too few steps show one.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> from calcml.plot import StepSweepDisplay
    >>> sweep = cm.step_sweep(np.exp, 0.0, exact=1.0)
    >>> display = StepSweepDisplay.from_sweeps(sweep)
    >>> rounding, truncation = display.slopes[0]
    >>> round(rounding), round(truncation, 2)
    (-1, 2.0)
    """

    sweeps: tuple[StepSweep, ...]
    labels: tuple[str, ...]
    slopes: tuple[tuple[float, float], ...]

    @classmethod
    def from_sweeps(cls, *sweeps: StepSweep, labels: Sequence[str] | None = None) -> Self:
        """Prepare the display of sweeps that `calcml.step_sweep` has made.

        Parameters
        ----------
        *sweeps : StepSweep
            One or more sweeps; several are drawn over each other.
        labels : sequence of str, optional
            One name for each sweep; None takes the names of the schemes.

        Returns
        -------
        StepSweepDisplay
            The display, with the slopes of the branches.

        Raises
        ------
        TypeError, ValueError
            If there is no sweep, something else than a sweep, or the number of labels differs.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> from calcml.plot import StepSweepDisplay
        >>> sweep = cm.step_sweep(np.exp, 0.0)
        >>> StepSweepDisplay.from_sweeps(sweep, labels=["d exp / dx at 0"]).labels
        ('d exp / dx at 0',)
        """
        if not sweeps:
            raise ValueError("give at least one sweep; `calcml.step_sweep` makes them")
        for sweep in sweeps:
            if not isinstance(sweep, StepSweep):
                raise TypeError(
                    f"a sweep must be what `calcml.step_sweep` returns, got {type(sweep).__name__}"
                )
        names = tuple(_label(s.scheme) for s in sweeps) if labels is None else tuple(labels)
        if len(names) != len(sweeps):
            raise ValueError(
                f"`labels` must have one name for each of {len(sweeps)} sweeps, got {len(names)}"
            )
        return cls(sweeps, names, tuple(branch_slopes(sweep) for sweep in sweeps))

    @classmethod
    def from_function(
        cls,
        f: RealFunction,
        x: Any,
        *,
        schemes: Sequence[str | Scheme] = ("forward", "central"),
        steps: Any = None,
        exact: float | None = None,
        args: PositionalArguments = (),
        kwargs: KeywordArguments | None = None,
        bounds: Bounds | None = None,
    ) -> Self:
        """Differentiate f with many steps and prepare the display.

        Parameters
        ----------
        f : callable
            ``f(x, *args, **kwargs)``, a function of one number.
        x : float
            Where to differentiate.
        schemes : sequence of str or Scheme, optional
            The formulas to compare.
        steps : array_like, optional
            The steps, see `calcml.step_sweep`.
        exact : float, optional
            The exact derivative; without it the errors refer to the adaptive estimate.
        args, kwargs : tuple, dict, optional
            Further arguments of f.
        bounds : tuple, optional
            ``(lower, upper)``; f is never evaluated outside.

        Returns
        -------
        StepSweepDisplay
            The display, with one sweep for each scheme.

        Examples
        --------
        >>> import numpy as np
        >>> from calcml.plot import StepSweepDisplay
        >>> StepSweepDisplay.from_function(np.exp, 0.0, schemes=["forward", "central"]).labels
        ('forward, order 1', 'central, order 2')
        """
        chosen = [schemes] if isinstance(schemes, str | Scheme) else schemes
        return cls.from_sweeps(
            *(
                step_sweep(f, x, scheme=s, steps=steps, exact=exact, args=args, kwargs=kwargs, bounds=bounds)
                for s in chosen
            )
        )

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the errors on logarithmic axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a new figure.
        **style : dict
            Properties of the lines that join the measured errors, such as ``linewidth``.

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
        >>> from calcml.plot import StepSweepDisplay
        >>> ax = StepSweepDisplay.from_function(np.exp, 0.0).plot()
        >>> ax.get_xlabel(), ax.get_xscale()
        ('step h', 'log')
        """
        ax = check_axes(ax)
        ax.set(xscale="log", yscale="log", xlabel="step h", ylabel="error of the derivative")
        for k, sweep in enumerate(self.sweeps):
            color = style.get("color", COLORS[k % len(COLORS)])
            look = {"color": color, "marker": ".", "markersize": 5, "linewidth": 1, "label": self.labels[k]}
            ax.plot(sweep.steps, _positive(sweep.errors), **{**look, **style})
            # Left of the crossing the truncation is estimated from differences that are rounding themselves.
            truncation = np.where(sweep.truncation >= sweep.noise, sweep.truncation, np.nan)
            ax.plot(sweep.steps, _positive(truncation), "--", color=color, linewidth=1)
            ax.plot(sweep.steps, _positive(sweep.noise), ":", color=color, linewidth=1)
            _mark_steps(ax, sweep, color)
        _annotate_slopes(ax, self.sweeps, self.slopes)
        _limit(ax, self.sweeps)
        _legend(ax)
        return ax


def _label(scheme: Scheme) -> str:
    return f"{type(scheme).__name__.lower()}, order {getattr(scheme, 'order', 1)}"


def _positive(values: FloatArray) -> FloatArray:
    """Blank what a logarithmic axis cannot show."""
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def _mark_steps(ax: Axes, sweep: StepSweep, color: str) -> None:
    """Mark two steps on the sum of the estimated errors, which unlike the measured one does not jump."""
    total = np.log(_positive(sweep.truncation + sweep.noise))
    for step, (label, marker, size) in zip((sweep.best, sweep.chosen), MARKS, strict=True):
        height = np.exp(np.interp(np.log(step), np.log(sweep.steps), total))
        ax.plot(
            [step], [height], linestyle="", marker=marker, markersize=size, color=color,
            markerfacecolor="white", zorder=3, label=f"{label} {step:.1e}",
        )  # fmt: skip


def _annotate_slopes(ax: Axes, sweeps: Sequence[StepSweep], slopes: Sequence[tuple[float, float]]) -> None:
    """Write each right-hand slope beside its branch; the left-hand ones coincide, so one stands for all."""
    for k, sweep in enumerate(sweeps):
        left, right = branches(sweep)
        # The first branch has room above it, the others, of higher order, below.
        above: dict[str, Any] = {"xytext": (-6, 2), "ha": "right", "va": "bottom"}
        below: dict[str, Any] = {"xytext": (8, -4), "ha": "left", "va": "top"}
        color = COLORS[k % len(COLORS)]
        _annotate(ax, sweep.steps, sweep.errors, right, slopes[k][1], color, above if k == 0 else below)
        if k == 0:
            # At the estimate: the errors themselves scatter below it.
            side: dict[str, Any] = {"xytext": (8, 12), "ha": "left", "va": "top"}
            _annotate(ax, sweep.steps, sweep.noise, left, slopes[k][0], GRAY, side)


def _annotate(
    ax: Axes,
    h: FloatArray,
    heights: FloatArray,
    part: IntArray,
    slope: float,
    color: str,
    place: dict[str, Any],
) -> None:
    if np.isfinite(slope):
        at = part[part.size // 3]
        look: dict[str, Any] = {"textcoords": "offset points", "fontsize": "small", "color": color}
        ax.annotate(f"slope {slope:.1f}", (h[at], heights[at]), **place, **look)


def _limit(ax: Axes, sweeps: Sequence[StepSweep]) -> None:
    """Show the measured errors and what is near them; estimates explode where the series has no say."""
    errors = np.concatenate([_positive(sweep.errors) for sweep in sweeps])
    if np.isfinite(errors).any():
        ax.set_ylim(np.nanmin(errors) / 10, np.nanmax(errors) * 100)


def _legend(ax: Axes) -> None:
    """Name every sweep, and explain dashes and marks once; above the axes, because the V needs its room."""
    from matplotlib.lines import Line2D

    lines, labels = ax.get_legend_handles_labels()
    handles = [line for line, label in zip(lines, labels, strict=True) if not label.startswith(STEPS)]
    single = len(handles) == 1
    handles.append(Line2D([], [], color=GRAY, linestyle="--", label="estimated truncation"))
    handles.append(Line2D([], [], color=GRAY, linestyle=":", label="estimated rounding"))
    if single:
        handles += [line for line, label in zip(lines, labels, strict=True) if label.startswith(STEPS)]
    else:
        for label, marker, size in MARKS:
            look: dict[str, Any] = {"color": GRAY, "markerfacecolor": "white", "markersize": size}
            handles.append(Line2D([], [], linestyle="", marker=marker, label=label, **look))
    legend_above(ax, handles)
