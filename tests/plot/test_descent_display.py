"""Paths over contours."""

import dataclasses

import numpy as np
import pytest

from calcml._loop import Trace
from calcml.descent import gradient_descent, minimize
from calcml.plot import DescentDisplay
from calcml.plot._surface import check_window, window_around


def valley(x, a=1.0):
    return x[0] ** 2 + 10 * a * x[1] ** 2


@pytest.fixture
def run():
    return gradient_descent(valley, [3.0, 1.0])


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines}


def test_the_path_is_that_of_the_run(run, ax):
    DescentDisplay.from_results(valley, run).plot(ax)
    path = lines_of(ax)[f"path, {run.nit} iterations"]
    np.testing.assert_array_equal(path.get_xydata(), run.trace["x"])
    np.testing.assert_array_equal(lines_of(ax)["end"].get_xydata(), run.trace["x"][-1:])


def test_several_paths(run, ax):
    other = minimize(valley, [3.0, 1.0], method="newton")
    DescentDisplay.from_results(valley, run, other).plot(ax)
    assert {f"path 1, {run.nit} iterations", f"path 2, {other.nit} iterations"} <= set(lines_of(ax))
    assert len(lines_of(ax)["end"].get_xdata()) == 2


def test_the_surface_holds_the_values(run):
    display = DescentDisplay.from_results(valley, run, points=7)
    x, y = np.meshgrid(display.surface.x, display.surface.y)
    np.testing.assert_allclose(display.surface.values, x**2 + 10 * y**2, rtol=1e-15)


def test_arrows_are_unit_vectors_downhill(run):
    display = DescentDisplay.from_results(valley, run, points=5)
    feet, tips = display.arrows[:, 0], display.arrows[:, 1]
    slopes = feet * [2.0, 20.0]
    exact = -slopes / np.linalg.norm(slopes, axis=1, keepdims=True)
    np.testing.assert_allclose(tips, exact, atol=1e-6)  # central differences of a quadratic: rounding


def test_a_given_gradient_is_used(run):
    calls = []

    def grad(x):
        calls.append(x)
        return np.array([1.0, 0.0])

    display = DescentDisplay.from_results(valley, run, grad=grad, points=5)
    assert len(calls) == len(display.arrows) > 100
    np.testing.assert_array_equal(display.arrows[0, 1], [-1.0, 0.0])


def test_where_there_is_no_slope_there_is_no_arrow(run):
    display = DescentDisplay.from_results(valley, run, grad=lambda x: 0.0 * x, points=5)
    assert display.arrows.shape == (0, 2, 2)


def test_levels_grow_by_equal_factors(run, ax):
    DescentDisplay.from_results(valley, run).plot(ax)
    levels = next(c.levels for c in ax.collections if hasattr(c, "levels"))
    ratios = levels[1:] / levels[:-1]
    assert len(levels) > 5
    np.testing.assert_allclose(ratios, ratios[0])
    assert ratios[0] > 1


def test_names_from_a_dict_and_from_the_caller(ax):
    f = lambda p: (p["a"] - 1) ** 2 + p["b"] ** 2
    run = minimize(f, {"a": 3.0, "b": 1.0})
    assert DescentDisplay.from_results(f, run, points=5).names == ("a", "b")
    DescentDisplay.from_results(f, run, points=5, names=["α", "β"]).plot(ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("α", "β")


def test_a_vectorized_function_takes_all_points_at_once(run):
    calls = []

    def batch(x, a):
        calls.append(x.shape)
        return x[0] ** 2 + 10 * a * x[1] ** 2

    display = DescentDisplay.from_results(batch, run, vectorized=True, points=9, kwargs={"a": 1.0})
    assert calls[0] == (2, 81)
    plain = DescentDisplay.from_results(valley, run, points=9)
    np.testing.assert_array_equal(display.surface.values, plain.surface.values)


def test_values_that_are_not_finite_leave_holes(ax):
    f = lambda x: np.inf if x[0] < 0 else (x[0] - 1) ** 2 + x[1] ** 2
    display = DescentDisplay.from_results(f, minimize(f, [2.0, 1.0]), window=((-1, 3), (-1, 1)), points=9)
    display.plot(ax)
    ax.figure.canvas.draw()


def test_a_flat_function_has_no_contours(ax):
    f = lambda x: 0.0 * x[0]
    DescentDisplay.from_results(f, minimize(f, [2.0, 1.0]), points=5).plot(ax)
    assert not [c for c in ax.collections if hasattr(c, "levels")]


def test_long_paths_have_no_dots(run, ax):
    turns = np.linspace(0, 20, 400)
    long = dataclasses.replace(run, trace=Trace({"x": np.c_[np.cos(turns), np.sin(turns)]}))
    DescentDisplay.from_results(valley, run, long, points=5).plot(ax, linewidth=2)
    assert lines_of(ax)[f"path 1, {run.nit} iterations"].get_marker() == "."
    assert lines_of(ax)["path 2, 399 iterations"].get_marker() == ""
    assert lines_of(ax)["path 2, 399 iterations"].get_linewidth() == 2


def test_the_window_is_the_callers(run, ax):
    DescentDisplay.from_results(valley, run, window=((-1, 4), (-2, 2)), points=5).plot(ax)
    assert ax.get_xlim() == (-1, 4)
    assert ax.get_ylim() == (-2, 2)
    assert ax.get_aspect() == 1


def test_a_window_shows_all_points():
    points = np.array([[3.0, 1.0], [0.0, 0.0], [-0.5, 0.2]])
    (left, right), (low, high) = window_around(points)
    assert left < -0.5 < 3 < right
    assert low < 0 < 1 < high
    assert (high - low) / (right - left) == pytest.approx(0.65)  # fills the axes in one scale


def test_a_window_keeps_units_apart():
    (left, right), (low, high) = window_around(np.array([[0.0, 0.0], [1e3, 1.0]]))
    assert (right - left, high - low) == (1250, 1.25)


def test_a_window_is_not_squeezed_by_rounding():
    (left, right), (low, high) = window_around(np.array([[0.0, 0.0], [1.0, 1e-12]]))
    assert high - low == pytest.approx(0.65 * (right - left))


def test_a_window_around_one_point():
    # As high as its magnitude, at least 1, and as wide as the axes are.
    np.testing.assert_allclose(window_around(np.array([[0.0, 0.0]])), [(-1 / 0.65, 1 / 0.65), (-1, 1)])
    np.testing.assert_allclose(
        window_around(np.array([[10.0, 0.0]])), [(10 - 10 / 0.65, 10 + 10 / 0.65), (-10, 10)]
    )


@pytest.mark.parametrize("window", [((1, 0), (0, 1)), ((0, np.inf), (0, 1)), (0, 1), np.zeros((2, 3))])
def test_bad_windows(window):
    with pytest.raises(ValueError, match=r"`window` must be \(\(x_low, x_high\), \(y_low, y_high\)\)"):
        check_window(window)


@pytest.mark.parametrize("points", [1, 2.5, "many"])
def test_bad_numbers_of_points(run, points):
    with pytest.raises(ValueError, match="`points` must be an integer of at least 2, got"):
        DescentDisplay.from_results(valley, run, points=points)


@pytest.mark.parametrize("names", ["ab", ["a"]])
def test_bad_names(run, names):
    with pytest.raises(ValueError, match="`names` must be the names of the two variables, got"):
        DescentDisplay.from_results(valley, run, names=names)


def test_wrong_runs(run):
    with pytest.raises(ValueError, match="give at least one run"):
        DescentDisplay.from_results(valley)
    with pytest.raises(TypeError, match=r"what `calcml.minimize` returns, got str"):
        DescentDisplay.from_results(valley, "run")
    with pytest.raises(ValueError, match="must have one name for each of 1 runs, got 2"):
        DescentDisplay.from_results(valley, run, labels=["a", "b"])
    three = minimize(lambda x: x @ x, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="functions of two variables have such a picture, got 3 variables"):
        DescentDisplay.from_results(lambda x: x @ x, three)
