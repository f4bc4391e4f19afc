"""A function and its polynomials."""

import numpy as np
import pytest

from calcml.plot import TaylorDisplay
from calcml.series.taylor import linearize, taylor


def cubic(t, a=1.0):
    return a + t - 2 * t**2 + 3 * t**3


@pytest.fixture(scope="module")
def series():
    return taylor(cubic, 0.5, 3)


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines}


def bands_of(ax):
    return [c for c in ax.collections if str(c.get_label()).startswith("estimated remainder")]


def test_polynomials_of_rising_degree(series):
    display = TaylorDisplay.from_series(cubic, series, (-1, 2))
    assert display.degrees == (1, 2, 3)
    t = display.grid - 0.5
    # By hand: f(1/2) = 1.375, f' = 1 - 4 t + 9 t^2 = 1.25, f''/2 = -2 + 9 t = 2.5, f'''/6 = 3.
    exact = [1.375 + 1.25 * t, 1.375 + 1.25 * t + 2.5 * t**2, cubic(display.grid)]
    np.testing.assert_allclose(display.polynomials, exact, atol=1e-6)  # finer than any picture
    np.testing.assert_allclose(display.curve, cubic(display.grid), rtol=1e-14, atol=1e-14)
    assert display.names == ("t", "cubic")


def test_they_are_drawn(series, ax):
    display = TaylorDisplay.from_series(cubic, series, (-1, 2), degrees=[1, 1], names=("s", "g"))
    assert display.degrees == (1, 3)
    display.plot(ax, linewidth=3)
    lines = lines_of(ax)
    np.testing.assert_array_equal(lines["degree 1"].get_ydata(), display.polynomials[0])
    np.testing.assert_array_equal(lines["g"].get_ydata(), display.curve)
    assert lines["degree 3"].get_linewidth() == 3
    assert lines["center"].get_xydata().ravel() == pytest.approx([0.5, 1.375], abs=1e-4)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("s", "g(s)")
    assert ax.get_xlim() == (-1, 2)


def test_the_band_is_the_remainder_of_the_series(ax):
    short = taylor(np.exp, 0.0, 2)
    display = TaylorDisplay.from_series(np.exp, short, (-1, 1))
    np.testing.assert_array_equal(display.remainder, short.remainder(display.grid))
    display.plot(ax)
    (band,) = bands_of(ax)
    assert band.get_label() == "estimated remainder of degree 2"
    vertices = band.get_paths()[0].vertices
    assert vertices[:, 1].max() == pytest.approx((display.polynomials[-1] + display.remainder).max())


def test_an_infinite_remainder_leaves_the_picture(ax):
    display = TaylorDisplay.from_series(np.log1p, taylor(np.log1p, 0.0, 5), (-0.5, 3.0))
    assert np.isinf(display.remainder).any()
    display.plot(ax)
    ax.figure.canvas.draw()
    vertices = bands_of(ax)[0].get_paths()[0].vertices
    assert np.isfinite(vertices).all()
    assert vertices[:, 1].max() > ax.get_ylim()[1]


def test_a_series_that_does_not_know_its_remainder_has_no_band(ax):
    display = TaylorDisplay.from_series(np.exp, linearize(np.exp, 0.0), (-1, 1))
    assert np.isnan(display.remainder).all()
    display.plot(ax)
    assert not bands_of(ax)


def test_the_heights_are_those_of_the_function(series, ax):
    display = TaylorDisplay.from_series(cubic, series, (-1, 2))
    display.plot(ax)
    low, high = display.curve.min(), display.curve.max()
    margin = 0.4 * (high - low)
    assert ax.get_ylim() == (pytest.approx(low - margin), pytest.approx(high + margin))


def test_a_center_outside_the_interval_is_not_drawn(series, ax):
    TaylorDisplay.from_series(cubic, series, (1, 2)).plot(ax)
    assert "center" not in lines_of(ax)


def test_constants_and_holes(ax):
    flat = TaylorDisplay.from_series(lambda x: 0 * x + 1, taylor(lambda x: 0 * x + 1, 0.0, 0), (-1, 1))
    assert flat.degrees == (0,)
    flat.plot(ax)
    assert ax.get_ylim() == (0, 2)
    ax.clear()
    TaylorDisplay.from_series(lambda x: x * np.nan, taylor(np.exp, 0.0, 1), (-1, 1)).plot(ax)
    assert ax.get_ylim() == (-1, 1)


def test_arguments_reach_the_function():
    own = taylor(cubic, 0.0, 1, args=(5.0,))
    display = TaylorDisplay.from_series(cubic, own, (0, 1), args=(5.0,))
    assert display.curve[0] == 5


@pytest.mark.parametrize("degrees", [[4], [-1, 2]])
def test_degrees_that_the_series_has_not(series, degrees):
    with pytest.raises(ValueError, match="`degrees` must lie between 0 and that of the series, 3; got"):
        TaylorDisplay.from_series(cubic, series, (-1, 1), degrees=degrees)


def test_degrees_are_integers(series):
    with pytest.raises(TypeError, match="float"):
        TaylorDisplay.from_series(cubic, series, (-1, 1), degrees=[1.5])


def test_wrong_arguments(series):
    with pytest.raises(TypeError, match="`f` must be callable"):
        TaylorDisplay.from_series(1.0, series, (-1, 1))
    with pytest.raises(TypeError, match=r"what `calcml.taylor` returns, got list"):
        TaylorDisplay.from_series(cubic, [1.0, 2.0], (-1, 1))
    with pytest.raises(ValueError, match=r"`interval` must be \(lower, upper\)"):
        TaylorDisplay.from_series(cubic, series, (1, 1))
    many = taylor(lambda x: x[0] + x[1], [0.0, 0.0], 1)
    with pytest.raises(ValueError, match="must belong to a function of one number"):
        TaylorDisplay.from_series(cubic, many, (-1, 1))
