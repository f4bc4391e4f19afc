"""Data, curve, band and residuals."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from calcml.fitting import fit, fit_line
from calcml.plot import FitDisplay

X = np.array([1.0, 2.0, 3.0, 4.0])
Y = np.array([2.1, 3.9, 6.2, 7.8])


@pytest.fixture
def panels():
    return Figure(layout="constrained").subplots(2)


@pytest.fixture
def display():
    return FitDisplay.from_result(fit_line(X, Y, 0.2), X, Y, 0.2, label="curve")


def data_of(ax):
    """Return the points of the first error-bar container."""
    return ax.containers[0].lines[0].get_xydata()


def bars_of(ax, which=-1):
    """Return the lengths of the error bars; the last collection holds those of y."""
    segments = ax.containers[0].lines[2][which].get_segments()
    return np.array([np.abs(b - a).max() for a, b in segments])


def test_the_data_and_their_errors_are_drawn(display, panels):
    display.plot(panels)
    np.testing.assert_array_equal(data_of(panels[0]), np.c_[X, Y])
    np.testing.assert_allclose(bars_of(panels[0]), 0.4)


def test_errors_of_x_are_drawn(panels):
    result = fit_line(X, Y, 0.2, [0.1, 0.2, 0.1, 0.3])
    FitDisplay.from_result(result, X, Y, 0.2, [0.1, 0.2, 0.1, 0.3]).plot(panels)
    np.testing.assert_allclose(bars_of(panels[0], 0), [0.2, 0.4, 0.2, 0.6])


def test_without_errors_there_are_no_bars(panels):
    display = FitDisplay.from_result(fit_line(X, Y), X, Y)
    assert display.sigma is None
    display.plot(panels)
    assert not panels[0].containers[0].lines[2]


def test_the_curve_and_its_band(display, panels):
    display.plot(panels)
    curve = next(line for line in panels[0].lines if line.get_label() == "curve")
    np.testing.assert_allclose(curve.get_ydata(), 0.15 + 1.94 * curve.get_xdata(), rtol=1e-12)
    # Straight line: variance at x is sigma^2 (1/n + (x - mean)^2 / Sxx), with n = 4, mean 2.5 and Sxx = 5.
    exact = 0.2 * np.sqrt(0.25 + (display.grid - 2.5) ** 2 / 5)
    np.testing.assert_allclose(display.band, exact, rtol=1e-6)
    band = next(c for c in panels[0].collections if c.get_label() == "1σ of the curve")
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx((display.curve + display.band).max())


def test_the_residuals_are_below(display, panels):
    display.plot(panels)
    np.testing.assert_array_equal(data_of(panels[1]), np.c_[X, display.residuals])
    np.testing.assert_allclose(bars_of(panels[1]), 0.4)
    assert [p.get_ylabel() for p in panels] == ["y", "residuals"]
    assert [p.get_xlabel() for p in panels] == ["", "x"]


def test_pulls_instead(display, panels):
    display.plot(panels, panel="pulls")
    np.testing.assert_array_equal(data_of(panels[1]), np.c_[X, display.pulls])
    np.testing.assert_allclose(display.pulls, display.residuals / 0.2)
    assert panels[1].get_ylabel() == "pulls"


def test_the_return_is_always_an_array(display, ax):
    assert display.plot().shape == (2,)
    one = display.plot(ax)
    assert one.shape == (1,)
    assert ax.get_xlabel() == "x"


def test_names_label_and_style_are_the_callers(panels):
    result = fit_line(X, Y, 0.2)
    FitDisplay.from_result(result, X, Y, 0.2, label="theory", names=("t / s", "s / m")).plot(
        panels, marker="s"
    )
    texts = [text.get_text() for text in panels[0].get_legend().get_texts()]
    assert texts == ["data", "theory", "1σ of the curve"]
    assert (panels[0].get_ylabel(), panels[1].get_xlabel()) == ("s / m", "t / s")
    assert panels[0].containers[0].lines[0].get_marker() == "s"


def test_a_model_that_does_not_depend_on_x():
    def level(x, height):
        return height * np.ones(4) if np.size(x) == 4 else height  # the fit wants one number per point

    display = FitDisplay.from_result(fit(level, X, Y, 0.2, p0=[1.0]), X, Y, 0.2)
    np.testing.assert_allclose(display.curve, Y.mean())
    np.testing.assert_allclose(display.band, 0.1)  # 0.2 / sqrt(4)
    assert display.label == "level"


def test_a_covariance_matrix_gives_its_diagonal():
    V = np.diag([0.04, 0.09, 0.01, 0.04])
    display = FitDisplay.from_result(fit_line(X, Y, V), X, Y, V)
    np.testing.assert_allclose(display.sigma, [0.2, 0.3, 0.1, 0.2])


def test_an_unknown_covariance_has_no_band(panels):
    # Two points leave no degree of freedom to take errors from.
    result = fit_line(X[:2], Y[:2])
    display = FitDisplay.from_result(result, X[:2], Y[:2])
    assert np.isnan(display.band).all()
    display.plot(panels)
    assert "1σ of the curve" not in [text.get_text() for text in panels[0].get_legend().get_texts()]


def test_a_band_that_drowns_in_rounding_is_not_drawn():
    # 1e9 away from zero the covariance has entries of 1e16 and the variance of the curve is 0.01.
    x = X + 1e9
    assert np.isnan(FitDisplay.from_result(fit_line(x, Y, 0.2), x, Y, 0.2).band).all()


def test_a_perfect_fit_has_a_band_of_width_zero():
    display = FitDisplay.from_result(fit_line(X, 2 * X), X, 2 * X)
    np.testing.assert_allclose(display.band, 0, atol=1e-15)


def test_read_only_data():
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    FitDisplay.from_result(fit_line(x, y), x, y)


def test_wrong_arguments(display):
    result = fit_line(X, Y)
    with pytest.raises(TypeError, match=r"what `calcml.fit` returns, got tuple"):
        FitDisplay.from_result((1, 2), X, Y)
    with pytest.raises(ValueError, match="`x` has 3 points, the fit had 4"):
        FitDisplay.from_result(result, X[:3], Y)
    with pytest.raises(ValueError, match="`y` has 3 points, the fit had 4"):
        FitDisplay.from_result(result, X, Y[:3])
    with pytest.raises(ValueError, match="`sigma` must be positive, got 0.0"):
        FitDisplay.from_result(result, X, Y, 0.0)
    with pytest.raises(ValueError, match="`sigma_x` must be zero or positive, got -1.0"):
        FitDisplay.from_result(result, X, Y, 0.1, -1.0)
    with pytest.raises(ValueError, match="`x` must be one-dimensional"):
        FitDisplay.from_result(result, np.zeros((2, 4)), Y)
    with pytest.raises(ValueError, match="`panel` must be 'residuals' or 'pulls', got 'errors'"):
        display.plot(panel="errors")
    with pytest.raises(ValueError, match="`ax` must be one or two axes, got 3"):
        display.plot(Figure().subplots(3))
