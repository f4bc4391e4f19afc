"""Tangency of contour and constraint."""

import numpy as np
import pytest

from calcml.constrained import lagrange
from calcml.plot import LagrangeDisplay


def total(x):
    return x[0] + x[1]


def circle(x, r2=2.0):
    return x[0] ** 2 + x[1] ** 2 - r2


@pytest.fixture(scope="module")
def result():
    return lagrange(total, [-1.0, 0.0], equality=circle)


def labels_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_gradients_are_parallel(result):
    display = LagrangeDisplay.from_result(total, circle, result, points=5)
    np.testing.assert_allclose(
        display.gradient, -display.multipliers @ display.constraint_gradients, atol=1e-6
    )
    np.testing.assert_array_equal(display.x, result.x)


def test_surfaces_hold_the_values(result):
    display = LagrangeDisplay.from_result(total, circle, result, points=9)
    x, y = np.meshgrid(display.surface.x, display.surface.y)
    # Powers and sums of one point and of a whole grid may be rounded differently.
    np.testing.assert_allclose(display.surface.values, x + y, rtol=0, atol=1e-14)
    np.testing.assert_allclose(display.constraints[0].values, x**2 + y**2 - 2, rtol=0, atol=1e-14)


def test_the_optimum_is_in_the_middle_and_the_start_is_shown(result):
    display = LagrangeDisplay.from_result(total, circle, result, points=5)
    for side, x in ((display.surface.x, -1.0), (display.surface.y, -1.0)):
        assert (side[0] + side[-1]) / 2 == pytest.approx(x)
        assert side[-1] > 0.0


def test_the_contour_through_the_optimum_and_the_constraint_are_drawn(result, ax):
    LagrangeDisplay.from_result(total, circle, result).plot(ax)
    contours = [c for c in ax.collections if hasattr(c, "levels")]
    assert [list(c.levels) for c in contours[1:]] == [[result.fun], [0.0]]
    # Contours of x + y at -2 are the straight line; those of the circle lie at its radius.
    line, round_ = (np.concatenate([p.vertices for p in c.get_paths()]) for c in contours[1:])
    np.testing.assert_allclose(line.sum(axis=1), -2, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(round_, axis=1), np.sqrt(2), atol=1e-3)  # chords of the grid
    assert labels_of(ax) == ["total = -2", "circle = 0, λ = 0.5", "optimum", "∇total", "∇circle"]


def test_arrows_show_directions_only(result, ax):
    LagrangeDisplay.from_result(total, circle, result, points=9).plot(ax)
    of_c, of_f = ([float(q.U[0]), float(q.V[0])] for q in ax.collections if hasattr(q, "U"))
    np.testing.assert_allclose(of_f, np.full(2, np.sqrt(0.5)))
    np.testing.assert_allclose(of_c, np.full(2, -0.6 * np.sqrt(0.5)), rtol=1e-6)


def test_a_vanishing_gradient_has_no_arrow(ax):
    bowl = lambda x: x[0] ** 2 + x[1] ** 2
    through = lambda x: x[0] - x[1]
    result = lagrange(bowl, [1.0, 1.0], equality=through, grad=lambda x: 2 * x)
    result.jac[:] = 0.0  # it is 1e-17 or so
    LagrangeDisplay.from_result(bowl, through, result, points=9).plot(ax)
    assert len([q for q in ax.collections if hasattr(q, "U")]) == 1


def test_names_labels_and_window_are_the_callers(ax):
    f, c = lambda p: p["w"] * p["h"], lambda p: p["w"] + p["h"] - 6
    result = lagrange(f, {"w": 1.0, "h": 1.0}, equality=c, seek="maximum")
    display = LagrangeDisplay.from_result(
        f, c, result, window=((0, 6), (0, 5)), labels=["area", "fence"], points=9
    )
    assert display.names == ("w", "h")
    display.plot(ax)
    assert ax.get_xlim() == (0, 6)
    assert labels_of(ax)[-2:] == ["∇area", "∇fence"]


def test_nameless_and_vector_valued_constraints():
    f = lambda x: x[0]
    both = lambda x: np.array([x[0] - 1, x[1] - 2])
    result = lagrange(f, [0.0, 0.0], equality=both)
    assert LagrangeDisplay.from_result(f, both, result, points=5).labels == ("f", "c[0]", "c[1]")
    pair = [lambda x: x[0] - 1, lambda x: x[1] - 2]
    result = lagrange(f, [0.0, 0.0], equality=pair)
    assert LagrangeDisplay.from_result(f, pair, result, points=5).labels == ("f", "c0", "c1")


def test_a_constant_function_and_holes(ax, result):
    display = LagrangeDisplay.from_result(lambda x: 0.0, circle, result, points=9)
    display.plot(ax)
    assert len([c for c in ax.collections if hasattr(c, "levels")]) == 2
    holes = LagrangeDisplay.from_result(lambda x: np.nan if x[0] > -1 else x[1], circle, result, points=9)
    ax.clear()
    holes.plot(ax)
    ax.figure.canvas.draw()
    assert len([c for c in ax.collections if hasattr(c, "levels")]) == 3


def test_arguments_reach_all_functions():
    f = lambda x, r2: x[0] + x[1] + 0 * r2
    result = lagrange(f, [-1.0, 0.0], equality=circle, kwargs={"r2": 8.0})
    display = LagrangeDisplay.from_result(f, circle, result, kwargs={"r2": 8.0}, points=5)
    x, y = display.surface.x[0], display.surface.y[0]
    assert display.constraints[0].values[0, 0] == pytest.approx(x**2 + y**2 - 8)


def test_style_goes_to_the_curves(result, ax):
    LagrangeDisplay.from_result(total, circle, result, points=9).plot(ax, linewidths=4)
    assert [c.get_linewidths()[0] for c in ax.collections if hasattr(c, "levels")][1:] == [4, 4]


def test_wrong_arguments(result):
    with pytest.raises(TypeError, match="`f` must be callable"):
        LagrangeDisplay.from_result(1.0, circle, result)
    with pytest.raises(TypeError, match=r"`equality\[1\]` must be callable"):
        LagrangeDisplay.from_result(total, [circle, 1.0], result)
    with pytest.raises(TypeError, match=r"what `calcml.lagrange` returns, got dict"):
        LagrangeDisplay.from_result(total, circle, {})
    with pytest.raises(ValueError, match="`equality` has 2 constraints, `result` has 1 multipliers"):
        LagrangeDisplay.from_result(total, [circle, circle], result, points=5)
    with pytest.raises(ValueError, match="`labels` must name f and 1 constraints, got 1 names"):
        LagrangeDisplay.from_result(total, circle, result, labels=["f"], points=5)
    three = lagrange(lambda x: x @ x, [1.0, 2.0, 3.0], equality=total)
    with pytest.raises(ValueError, match="got 3 variables"):
        LagrangeDisplay.from_result(lambda x: x @ x, total, three)
