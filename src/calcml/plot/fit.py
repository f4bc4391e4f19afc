"""A fit: data with errors, the curve with its band, and what remains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from calcml._typing import ArrayLike, FloatArray
from calcml.differentiate.jacobian import jacobian
from calcml.fitting._data import check_vector
from calcml.fitting._sigma import check_errors, check_sigma
from calcml.fitting.result import FitResult
from calcml.plot._style import BLUE, GRAY, RED, check_axes, legend_above, name_of, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FitDisplay"]

POINTS = 201
PANELS = ("residuals", "pulls")


@dataclass(frozen=True, eq=False)
class FitDisplay:
    """Draw data with error bars, the fitted curve with its 1-sigma band, and the residuals below.

    The band is the error of the curve that follows from the covariance C of the parameters,
    sigma_f(x)² = J C Jᵀ with J = ∂f(x)/∂parameters.  It says where the curve may be, not where the next point
    will fall.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        The data.
    sigma, sigma_x : ndarray, shape (n,), or None
        Their errors, where they have any.
    residuals, pulls : ndarray, shape (n,)
        Data minus curve, in units of y and in units of its error.
    grid, curve, band : ndarray, shape (k,)
        Points of the fitted curve and its error there; NaN where the
        covariance is not known well enough.
    label : str
        The name of the model.
    names : tuple of str
        What to call the two axes.

    See Also
    --------
    calcml.fit : Makes the fit.

    Examples
    --------
    >>> import calcml as cm
    >>> from calcml.plot import FitDisplay
    >>> x, y = [1.0, 2.0, 3.0, 4.0], [2.1, 3.9, 6.2, 7.8]
    >>> display = FitDisplay.from_result(cm.fit_line(x, y, 0.2), x, y, 0.2)
    >>> display.residuals.round(2)
    array([ 0.01, -0.13,  0.23, -0.11])
    """

    x: FloatArray
    y: FloatArray
    sigma: FloatArray | None
    sigma_x: FloatArray | None
    residuals: FloatArray
    pulls: FloatArray
    grid: FloatArray
    curve: FloatArray
    band: FloatArray
    label: str
    names: tuple[str, str]

    @classmethod
    def from_result(
        cls,
        result: FitResult,
        x: ArrayLike,
        y: ArrayLike,
        sigma: ArrayLike | None = None,
        sigma_x: ArrayLike | None = None,
        *,
        label: str | None = None,
        names: tuple[str, str] = ("x", "y"),
    ) -> Self:
        """Prepare the display of a fit.

        Parameters
        ----------
        result : FitResult
            What `calcml.fit` or one of its siblings returned.
        x, y : array_like, shape (n,)
            The data that were fitted; x must be one variable.
        sigma : array_like, optional
            Standard deviations of y, one number or shape (n,), or their covariance matrix.
        sigma_x : array_like, optional
            Standard deviations of x, one number or shape (n,).
        label : str, optional
            Name of the curve; None takes that of the model.
        names : tuple of str, optional
            Labels of the axes.

        Returns
        -------
        FitDisplay
            The display.

        Raises
        ------
        TypeError, ValueError
            If the data are not those of the fit.

        Examples
        --------
        >>> import calcml as cm
        >>> from calcml.plot import FitDisplay
        >>> x, y = [1.0, 2.0, 3.0, 4.0], [2.1, 3.9, 6.2, 7.8]
        >>> display = FitDisplay.from_result(cm.fit_line(x, y), x, y, names=("t / s", "s / m"))
        >>> display.names, display.sigma is None
        (('t / s', 's / m'), True)
        """
        if not isinstance(result, FitResult):
            raise TypeError(f"`result` must be what `calcml.fit` returns, got {type(result).__name__}")
        n = result.residuals.size
        x, y = check_vector(x, "x"), check_vector(y, "y")
        for name, data in (("x", x), ("y", y)):
            if data.size != n:
                raise ValueError(
                    f"`{name}` has {data.size} points, the fit had {n}; give the data of the fit"
                )
        errors = check_sigma(sigma, n)
        grid = np.linspace(x.min(), x.max(), POINTS)
        return cls(
            x=x,
            y=y,
            sigma=errors.standard if errors.given else None,
            sigma_x=None if sigma_x is None else check_errors(sigma_x, "sigma_x", n, zero=True),
            residuals=result.residuals,
            pulls=result.pulls,
            grid=grid,
            curve=_curve(result, grid, result.values),
            band=_band(result, grid),
            label=name_of(result.model, "fit") if label is None else label,
            names=names,
        )

    def plot(self, ax: Any = None, *, panel: str = "residuals", **style: Any) -> NDArray[Any]:
        """Draw the fit above and what remains below.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or sequence of two, optional
            Where to draw: one for the fit alone, two for fit and panel; None makes a new figure with two.
        panel : {"residuals", "pulls"}, optional
            What to draw below: data minus curve in units of y, or in units of its error.
        **style : dict
            Properties of the data points, such as ``color`` or ``marker``.

        Returns
        -------
        ndarray of matplotlib.axes.Axes
            The axes, one or two; nothing is shown or saved.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `panel` or the number of axes is none of these.

        Examples
        --------
        >>> import calcml as cm
        >>> from calcml.plot import FitDisplay
        >>> x, y = [1.0, 2.0, 3.0, 4.0], [2.1, 3.9, 6.2, 7.8]
        >>> fit, panel = FitDisplay.from_result(cm.fit_line(x, y, 0.2), x, y, 0.2).plot(panel="pulls")
        >>> fit.get_ylabel(), panel.get_ylabel(), panel.get_xlabel()
        ('y', 'pulls', 'x')
        """
        if panel not in PANELS:
            raise ValueError(f"`panel` must be {' or '.join(map(repr, PANELS))}, got {panel!r}")
        axes = self._axes(ax)
        look = {
            "linestyle": "",
            "marker": "o",
            "color": BLUE,
            "markersize": 4,
            "elinewidth": 1,
            "capsize": 0,
            **style,
        }
        self._draw_fit(axes[0], look)
        if axes.size == 2:
            self._draw_panel(axes[1], panel, look)
            axes[0].tick_params(labelbottom=False)
        axes[-1].set_xlabel(self.names[0])
        return axes

    def _axes(self, ax: Any) -> NDArray[Any]:
        if ax is None:
            return np.asarray(new_axes(2, sharex=True, height_ratios=(3, 1)))
        axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if axes.size > 2:
            raise ValueError(f"`ax` must be one or two axes, got {axes.size}")
        for each in axes:
            check_axes(each)
        return axes

    def _draw_fit(self, ax: Axes, look: dict[str, Any]) -> None:
        handles: list[Any] = [ax.errorbar(self.x, self.y, self.sigma, self.sigma_x, label="data", **look)]
        handles += ax.plot(self.grid, self.curve, color=RED, linewidth=1.5, zorder=3, label=self.label)
        if np.isfinite(self.band).any():
            low, high = self.curve - self.band, self.curve + self.band
            look = {"color": RED, "alpha": 0.2, "linewidth": 0, "label": "1σ of the curve"}
            handles.append(ax.fill_between(self.grid, low, high, **look))
        ax.set_ylabel(self.names[1])
        legend_above(ax, handles)

    def _draw_panel(self, ax: Axes, panel: str, look: dict[str, Any]) -> None:
        ax.axhline(0, color=GRAY, linewidth=0.8)
        if panel == "residuals":
            ax.errorbar(self.x, self.residuals, self.sigma, self.sigma_x, **look)
        else:
            ax.axhspan(-1, 1, color=GRAY, alpha=0.15, linewidth=0)
            ax.errorbar(self.x, self.pulls, **look)
        ax.margins(y=0.15)
        ax.set_ylabel(panel)


def _curve(result: FitResult, grid: FloatArray, values: FloatArray) -> FloatArray:
    """Evaluate the model; one that does not depend on x may answer with one number."""
    return np.broadcast_to(np.asarray(result.model(grid, *values), dtype=float), grid.shape)


def _band(result: FitResult, grid: FloatArray) -> FloatArray:
    """Return the error of the curve from the covariance of its parameters."""
    if not np.isfinite(result.covariance).all():
        return np.full(grid.shape, np.nan)
    J, C = jacobian(lambda p: _curve(result, grid, p), result.values, scheme="central"), result.covariance
    variance = np.einsum("ij,jk,ik->i", J, C, J)
    # Far from x = 0 the parameters are correlated so much that the terms cancel down to their rounding.
    rounding = np.finfo(float).eps * np.einsum("ij,jk,ik->i", np.abs(J), np.abs(C), np.abs(J))
    return np.sqrt(np.where(variance < 100 * rounding, np.nan, variance))
