"""What all displays share: lazy matplotlib, axes made only where none are given, nothing shown."""

import dataclasses
import math
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

import calcml as cm
from calcml import plot
from calcml.constrained import lagrange
from calcml.descent import minimize
from calcml.fitting import fit_line
from calcml.plot import _style
from calcml.roots import newton
from calcml.series.taylor import taylor


def bowl(x):
    return x[0] ** 2 + x[1] ** 2


def budget(x):
    return x[0] + x[1] - 1


def parabola(t):
    return t**2 - 2


X, Y = [1.0, 2.0, 3.0, 4.0], [2.1, 3.9, 6.2, 7.8]

MAKERS = {
    "step sweep": lambda: plot.StepSweepDisplay.from_sweeps(cm.step_sweep(np.exp, 0.0, exact=1.0)),
    "taylor": lambda: plot.TaylorDisplay.from_series(np.exp, taylor(np.exp, 0.0, 3), (-2.0, 2.0)),
    "newton": lambda: plot.NewtonDisplay.from_result(parabola, newton(parabola, 3.0)),
    "descent": lambda: plot.DescentDisplay.from_results(bowl, minimize(bowl, [2.0, 1.0]), points=11),
    "lagrange": lambda: plot.LagrangeDisplay.from_result(
        bowl, budget, lagrange(bowl, [1.0, 0.0], equality=budget), points=11
    ),
    "fit": lambda: plot.FitDisplay.from_result(fit_line(X, Y, 0.2), X, Y, 0.2),
}


@pytest.fixture(params=MAKERS)
def display(request):
    return MAKERS[request.param]()


def first(axes):
    """Return the axes, of several the first."""
    return np.ravel(np.asarray(axes, dtype=object))[0]


def test_a_figure_is_made_where_no_axes_are_given(display):
    import matplotlib.pyplot as plt

    figure = first(display.plot()).figure
    assert plt.fignum_exists(figure.number)
    assert tuple(figure.get_size_inches()) == (6, 4)
    assert figure.get_layout_engine().__class__.__name__ == "ConstrainedLayoutEngine"


def test_given_axes_are_drawn_on(display, ax):
    import matplotlib.pyplot as plt

    assert first(display.plot(ax)) is ax
    assert ax.has_data()
    assert not plt.get_fignums()


def test_drawing_needs_no_screen_and_changes_no_setting(display, ax):
    before = dict(mpl.rcParams)
    display.plot(ax)
    ax.figure.canvas.draw()
    assert dict(mpl.rcParams) == before


def test_every_display_has_labels_and_a_legend(display):
    for axes in np.ravel(np.asarray(display.plot(), dtype=object)):
        assert axes.get_ylabel()
    assert axes.get_xlabel()  # of the lowest
    assert len(first(axes.figure.axes).get_legend().get_texts()) > 1


def test_a_display_is_frozen(display):
    field = dataclasses.fields(display)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(display, field, None)


def test_axes_must_be_axes(display):
    with pytest.raises(TypeError, match="`ax` must be matplotlib axes or None, got str"):
        display.plot("here")


def test_without_matplotlib_the_error_says_what_to_install(display, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"needs matplotlib; install it with `pip install calcml\[plot\]`"):
        display.plot()


def test_the_package_does_not_import_matplotlib():
    code = "import sys, calcml.plot; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_of_functions():
    assert _style.name_of(parabola) == "parabola"
    assert _style.name_of(lambda x: x) == "f"
    assert _style.name_of(np.sin) == "sin"
    assert _style.name_of(_private, "fit") == "fit"  # matplotlib would hide such a label
    assert _style.name_of(object(), "c") == "c"


def _private(x):
    return x


def test_names_of_variables():
    assert _style.variable_of(parabola) == "t"
    assert _style.variable_of(lambda *args: args[0]) == "x"
    assert _style.variable_of(lambda **options: 0) == "x"
    assert _style.variable_of(max) == "x"  # has no signature
    assert _style.variable_of(math.sin) == "x"
