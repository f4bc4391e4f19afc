"""Data with known fits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _fit_data as data
from ._tools import constant

__all__ = ["FitCase", "fit_cases"]


@dataclass(frozen=True, eq=False)
class FitCase:
    """Data, a model, and the parameters of its least-squares fit with their errors.

    Parameters
    ----------
    name : str
        Unique name.
    model : callable
        The model, ``model(x, first, second, ...)``, elementwise in `x`.
    x, y : ndarray
        The data, read-only, of shape (points,).
    sigma : ndarray or None
        Standard errors of `y`; None if they are unknown and equal.
    sigma_x : ndarray or None
        Standard errors of `x`; None if `x` is exact.
    p0 : ndarray
        Starting values of the parameters.
    values : ndarray
        The parameters that minimize chi2.
    errors : ndarray
        Their standard errors, from ``inv(J^T W J)``; for a case with `sigma_x`, by York's formula [1]_ at
        the adjusted points.
    chi2 : float
        Sum of the squared residuals, each divided by its error; with `sigma` None, by one.
    ndof : int
        Number of points less that of parameters.
    absolute : bool
        True if `errors` take `sigma` for true errors; False if they are multiplied by
        ``sqrt(chi2 / ndof)``.
    source : str
        Where the data come from, and the digits that were published.
    tags : frozenset of str
        "line", "nonlinear", "exact" (the residuals are zero), "published", "ill-conditioned".

    See Also
    --------
    fit_cases : The catalogue.

    References
    ----------
    .. [1] D. York, N. M. Evensen, M. L. Martinez and J. De Basabe Delgado, "Unified equations for the slope,
       intercept, and standard errors of the best straight line", American Journal of Physics 72 (2004)
       367-375.

    Examples
    --------
    >>> from calcml.testing import fit_cases
    >>> case = fit_cases()[0]
    >>> case.name, case.values.round(3).tolist(), case.ndof
    ('hubble', [-40.784, 454.158], 22)
    """

    name: str
    model: Callable[..., Any] = field(repr=False)
    x: NDArray[np.float64] = field(repr=False)
    y: NDArray[np.float64] = field(repr=False)
    sigma: NDArray[np.float64] | None = field(repr=False)
    sigma_x: NDArray[np.float64] | None = field(repr=False)
    p0: NDArray[np.float64]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    chi2: float
    ndof: int
    absolute: bool
    source: str = ""
    tags: frozenset[str] = frozenset()


def _case(
    name: str, model: Callable[..., Any], xy: Any, sigma: ArrayLike | None, p0: ArrayLike, values: ArrayLike,
    errors: ArrayLike, chi2: float, source: str, *tags: str, sigma_x: ArrayLike | None = None,
    absolute: bool | None = None,
) -> FitCase:  # fmt: skip
    x, y = constant(xy[0]), constant(xy[1])
    best = constant(values)
    return FitCase(
        name, model, x, y, None if sigma is None else constant(sigma),
        None if sigma_x is None else constant(sigma_x), constant(p0), best, constant(errors), chi2,
        x.size - best.size, sigma is not None if absolute is None else absolute, source, frozenset(tags),
    )  # fmt: skip


def _line(x: Any, intercept: Any, slope: Any) -> Any:
    """Evaluate the straight line."""
    return intercept + slope * x


def _parabola(x: Any, c0: Any, c1: Any, c2: Any) -> Any:
    """Evaluate the polynomial of degree two."""
    return c0 + (c1 + c2 * x) * x


def _michaelis_menten(x: Any, vmax: Any, k: Any) -> Any:
    """Evaluate the velocity of an enzyme's reaction."""
    return vmax * x / (k + x)


def _decay(x: Any, amplitude: Any, tau: Any, offset: Any) -> Any:
    """Evaluate the exponential decay to a constant."""
    return amplitude * np.exp(-x / tau) + offset


def _peak(x: Any, height: Any, center: Any, width: Any) -> Any:
    """Evaluate the Gaussian peak."""
    return height * np.exp(-0.5 * ((x - center) / width) ** 2)


def _published_lines() -> tuple[FitCase, ...]:
    x, y, sigma = data.WEIGHTED
    both = (1.1375379746835437, 1.9726392405063293), 1.3395217958860755
    return (
        _case("hubble", _line, data.HUBBLE, None, [0, 1], [-40.78364909586045, 454.15844092262836],
              [83.43886993606561, 75.23710534716909], 1193442.36627214,
              "Hubble 1929, table 1; least squares: -40.784 + 454.158 x", "line", "published"),
        _case("pearson_york", _line, data.PEARSON, data.YORK_WEIGHTS[1] ** -0.5, [5, -0.5],
              [5.479910224032865, -0.48053340744620204], [0.2949707354931086, 0.05798500900077444],
              11.866353194061444,
              "Pearson 1901 with the weights of York 1966; York 2004, table II: 5.479910224, -0.480533407, "
              "errors 0.294970735, 0.0579850090", "line", "published",
              sigma_x=data.YORK_WEIGHTS[0] ** -0.5),
        _case("gum_h3", _line, data.GUM_H3, None, [0, 0],
              [-0.17120379013134998, 0.00218269773988728], [0.0028775978351599563, 0.0006679387732278323],
              0.00011009658310929732,
              "GUM H.3: -0.1712, 0.00218, errors 0.0029, 0.00067", "line", "published"),
        _case("bevington_61", _line, data.BEVINGTON_61, None, [0, 1],
              [0.07138888888888881, 0.02621666666666667], [0.019169657001602374, 0.0003406537443577768],
              0.0048738888888888885,
              "Bevington, table 6.1: 0.07139, 0.02622, errors 0.01917, 0.00034", "line", "published"),
        _case("bevington_62", _line, data.BEVINGTON_62, np.sqrt(data.BEVINGTON_62[1]), [0, 1],
              [119.49670553632913, 30.697872313515767], [7.56759530787138, 1.0340798170363052],
              10.946476137207089,
              "Bevington, table 6.2: 119.5, 30.7, errors 7.6, 1.0", "line", "published"),
        _case("weighted_absolute", _line, (x, y), sigma, [0, 1], both[0],
              [0.2118832574035346, 0.07115680669648201], both[1],
              "Six points of two precisions: 1.13754, 1.97264, errors 0.21188326, 0.07115681", "line",
              "published"),
        _case("weighted_relative", _line, (x, y), sigma, [0, 1], both[0],
              [0.12261441702281065, 0.04117762997043874], both[1],
              "The same points, with errors scaled by sqrt(chi2 / ndof): 0.12261, 0.04118", "line",
              "published", absolute=False),
    )  # fmt: skip


def _published_curves() -> tuple[FitCase, ...]:
    return (
        _case("puromycin_treated", _michaelis_menten, data.PUROMYCIN_TREATED, None, [200, 0.05],
              [212.68374314253606, 0.06412128168156707], [6.94715516004072, 0.008280949498480352],
              1195.4488144393592,
              "Bates and Watts 1988, A1.3: 212.7, 0.06412, errors 6.947, 0.008281", "nonlinear", "published"),
        _case("puromycin_untreated", _michaelis_menten, data.PUROMYCIN_UNTREATED, None, [160, 0.05],
              [160.28004618271365, 0.047708184505954404], [6.4802455048524115, 0.007781875242056428],
              859.6042937793734,
              "Bates and Watts 1988, A1.3: 160.3, 0.04771, errors 6.480, 0.007782", "nonlinear",
              "published"),
    )  # fmt: skip


def _made() -> tuple[FitCase, ...]:
    t, r, q = np.arange(12.0), np.linspace(490, 510, 21), np.arange(-3.0, 5)
    far = [3, 4, 8, 9, 10, 14, 14, 17, 20, 20]
    return (
        _case("exact_decay", _decay, (t, _decay(t, 5, 4, 1)), np.full(12, 0.125), [4, 3, 0.5], [5, 4, 1],
              [0.1394165247725704, 0.3187408724221572, 0.13769967092202415], 0.0,
              "No noise: 5 exp(-x / 4) + 1", "nonlinear", "exact"),
        _case("exact_peak", _peak, (r, _peak(r, 100, 500, 3)), np.full(21, 2.0), [80, 499, 2], [100, 500, 3],
              [1.062282924850115, 0.036797782865732306, 0.036801256789224926], 0.0,
              "No noise: a peak of width 3 at 500", "nonlinear", "exact"),
        _case("exact_parabola", _parabola, (q, _parabola(q, 1, -2, 0.5)), np.full(8, 0.5), [0, 0, 0],
              [1, -2, 0.5], [0.2644626177562269, 0.08625819491779428, 0.03857583749052298], 0.0,
              "No noise: 1 - 2 x + x^2 / 2", "exact"),
        _case("line_at_1e9", _line, (1e9 + np.arange(10.0), far), None, [0, 1],
              [-1993939391.0121212, 1.993939393939394], [102225017.38990955, 0.10222501692989697],
              6.8969696969696965,
              "Ten points at 1e9, 1e9 + 1, ...: the columns of the design matrix are nearly parallel", "line",
              "ill-conditioned"),
    )  # fmt: skip


def fit_cases(tag: str | None = None) -> tuple[FitCase, ...]:
    """List data with known fits.

    Published data (Hubble's galaxies, Pearson's points with York's weights, the puromycin reactions of Bates
    and Watts, examples of the GUM and of Bevington), and made data whose answer is exact.

    Parameters
    ----------
    tag : str, optional
        Only the cases with this tag, such as "line", "nonlinear", "published" or "exact".

    Returns
    -------
    tuple of FitCase
        The cases; an unknown tag gives none.

    Notes
    -----
    The values and errors were computed with 50 decimal digits from the data as doubles, and agree with the
    published answers to the digits that those give.

    Examples
    --------
    >>> from calcml.testing import fit_cases
    >>> [case.name for case in fit_cases("nonlinear")]
    ['puromycin_treated', 'puromycin_untreated', 'exact_decay', 'exact_peak']
    """
    cases = (*_published_lines(), *_published_curves(), *_made())
    return tuple(case for case in cases if tag is None or tag in case.tags)
