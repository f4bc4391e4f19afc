"""Newton's tangents."""

import math

import numpy as np
import pytest

from calcml.plot import NewtonDisplay
from calcml.roots import newton


def parabola(t, level=2.0):
    return t**2 - level


def test_the_iterations_are_the_solvers():
    result = newton(parabola, 3.0)
    display = NewtonDisplay.from_result(parabola, result)
    np.testing.assert_array_equal(display.x, result.trace["x"])
    assert display.x[-1] == result.x
    np.testing.assert_allclose(display.slopes, 2 * display.x, rtol=1e-6)  # finer than any picture
    assert display.names == ("t", "parabola")


def test_the_given_derivative_is_used():
    calls = []

    def derivative(t, level):
        calls.append(t)
        return 2 * t

    result = newton(parabola, 3.0, args=(5.0,))
    display = NewtonDisplay.from_result(parabola, result, derivative=derivative, args=(5.0,))
    np.testing.assert_array_equal(calls, display.x)
    np.testing.assert_array_equal(display.slopes, 2 * display.x)
    np.testing.assert_allclose(display.curve, display.grid**2 - 5, atol=1e-14)  # rounding at the root


def test_tangents_lead_to_the_next_point(ax):
    display = NewtonDisplay.from_result(parabola, newton(parabola, 3.0))
    display.plot(ax)
    tangent = next(line for line in ax.lines if line.get_label() == "tangent")
    np.testing.assert_allclose(tangent.get_xdata(), [3.0, 3.0 - 7.0 / 6.0])
    np.testing.assert_allclose(tangent.get_ydata(), [7.0, 0.0])
    # The first step is Newton's own, up to the error of the difference that the solver took.
    assert tangent.get_xdata()[1] == pytest.approx(display.x[1], rel=0.02)


def test_curve_root_and_labels(ax):
    display = NewtonDisplay.from_result(parabola, newton(parabola, 3.0), names=("s", "g"))
    display.plot(ax, color="black")
    curve = next(line for line in ax.lines if line.get_label() == "g")
    np.testing.assert_array_equal(curve.get_ydata(), display.curve)
    assert curve.get_color() == "black"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("s", "g(s)")
    root = next(line for line in ax.lines if line.get_label() == "root 1.41421")
    assert root.get_xdata()[0] == pytest.approx(math.sqrt(2))


def test_numbers_stand_at_the_axis_on_the_other_side_of_the_curve(ax):
    result = newton(math.atan, 1.3)  # overshoots: the iterations change sides
    NewtonDisplay.from_result(math.atan, result).plot(ax)
    assert [text.get_text() for text in ax.texts[:2]] == ["$x_{0}$", "$x_{1}$"]
    assert [text.get_va() for text in ax.texts[:2]] == ["top", "bottom"]


def test_numbers_that_would_overlap_are_left_out(ax):
    result = newton(parabola, 3.0)
    NewtonDisplay.from_result(parabola, result).plot(ax)
    assert 0 < len(ax.texts) < result.nit


def test_the_interval_is_the_callers():
    display = NewtonDisplay.from_result(parabola, newton(parabola, 3.0), interval=(-4, 5))
    assert (display.grid[0], display.grid[-1]) == (-4, 5)


def test_a_start_at_the_root(ax):
    display = NewtonDisplay.from_result(lambda x: x, newton(lambda x: x, 0.0))
    assert (display.grid[0], display.grid[-1]) == (-1, 1)
    display.plot(ax)
    assert ax.get_ylim()[0] < 0 < ax.get_ylim()[1]


def test_a_flat_tangent_is_no_error(ax):
    result = newton(lambda x: x**2 - 1, 3.0)
    NewtonDisplay.from_result(lambda x: x**2 - 1, result, derivative=lambda x: 0.0 * x).plot(ax)
    ax.figure.canvas.draw()


@pytest.mark.parametrize("interval", [(1, 0), (0, np.nan), (0, 1, 2), 5.0])
def test_bad_intervals(interval):
    result = newton(parabola, 3.0)
    with pytest.raises(ValueError, match=r"`interval` must be \(lower, upper\), finite and ascending"):
        NewtonDisplay.from_result(parabola, result, interval=interval)


def test_only_single_equations():
    result = newton(parabola, [1.0, 2.0])
    with pytest.raises(ValueError, match="holds 2 equations, whose paths are not kept"):
        NewtonDisplay.from_result(parabola, result)


def test_wrong_arguments():
    with pytest.raises(TypeError, match=r"what `calcml.newton` returns, got float"):
        NewtonDisplay.from_result(parabola, 1.0)
    with pytest.raises(TypeError, match="`f` must be callable, got int"):
        NewtonDisplay.from_result(1, newton(parabola, 3.0))
