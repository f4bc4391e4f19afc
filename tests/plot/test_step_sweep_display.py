"""The V of a step sweep: branches, slopes, marks."""

import dataclasses

import numpy as np
import pytest

import calcml as cm
from calcml.plot import StepSweepDisplay
from calcml.schemes import Central


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


@pytest.mark.parametrize(
    ("scheme", "order"), [("forward", 1), ("backward", 1), ("central", 2), (Central(4), 4)]
)
def test_slopes_are_minus_one_and_the_order(scheme, order):
    display = StepSweepDisplay.from_function(np.exp, 1.0, schemes=scheme, exact=np.e)
    rounding, truncation = display.slopes[0]
    # Rounding errors scatter around their line by a factor, truncation errors lie on theirs.
    assert rounding == pytest.approx(-1, abs=0.15)
    assert truncation == pytest.approx(order, abs=0.05)


def test_an_oscillation_does_not_end_the_branch_early():
    # Steps across many periods give truncation estimates that look small again.
    display = StepSweepDisplay.from_function(lambda x: 1e5 * np.sin(1e3 * x), 1.0, schemes="central")
    assert display.slopes[0][1] == pytest.approx(2, abs=0.05)


def test_too_few_steps_have_no_slope(ax):
    display = StepSweepDisplay.from_function(np.exp, 1.0, schemes="central", steps=[1e-6, 1e-3])
    assert np.isnan(display.slopes).all()
    display.plot(ax)
    assert not ax.texts


def test_the_measured_errors_are_drawn(ax):
    sweep = cm.step_sweep(np.exp, 0.0, exact=1.0)
    StepSweepDisplay.from_sweeps(sweep).plot(ax)
    line = lines_of(ax)["central, order 2"]
    np.testing.assert_array_equal(line.get_xdata(), sweep.steps)
    shown = sweep.errors > 0  # a logarithmic axis has no place for zero
    np.testing.assert_array_equal(line.get_ydata()[shown], sweep.errors[shown])
    assert np.isnan(line.get_ydata()[~shown]).all()
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_estimates_are_drawn_and_truncation_only_where_it_rules(ax):
    sweep = cm.step_sweep(np.exp, 0.0, exact=1.0)
    StepSweepDisplay.from_sweeps(sweep).plot(ax)
    dashed, dotted = (next(x for x in ax.lines if x.get_linestyle() == s) for s in ("--", ":"))
    rules = sweep.truncation >= sweep.noise
    assert np.isnan(dashed.get_ydata()[~rules]).all()
    np.testing.assert_array_equal(dashed.get_ydata()[rules], sweep.truncation[rules])
    np.testing.assert_array_equal(dotted.get_ydata(), sweep.noise)


def test_best_and_chosen_step_are_marked(ax):
    sweep = cm.step_sweep(np.exp, 0.0)
    StepSweepDisplay.from_sweeps(sweep).plot(ax)
    lines = lines_of(ax)
    best, chosen = lines[f"best step {sweep.best:.1e}"], lines[f"chosen step {sweep.chosen:.1e}"]
    assert best.get_xdata()[0] == sweep.best
    assert chosen.get_xdata()[0] == sweep.chosen
    k = np.flatnonzero(sweep.steps == sweep.best)[0]
    assert best.get_ydata()[0] == pytest.approx(sweep.truncation[k] + sweep.noise[k])


def test_the_slopes_are_written_beside_the_branches(ax):
    StepSweepDisplay.from_function(np.exp, 1.0, exact=np.e).plot(ax)
    assert [text.get_text() for text in ax.texts] == ["slope 1.0", "slope -1.0", "slope 2.0"]


def test_several_sweeps_share_the_explanations(ax):
    display = StepSweepDisplay.from_function(np.exp, 1.0)
    assert display.labels == ("forward, order 1", "central, order 2")
    display.plot(ax)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == [
        *display.labels,
        "estimated truncation",
        "estimated rounding",
        "best step",
        "chosen step",
    ]


def test_labels_and_style_are_the_callers(ax):
    display = StepSweepDisplay.from_sweeps(cm.step_sweep(np.exp, 0.0), labels=["mine"])
    display.plot(ax, color="black", linewidth=3)
    assert lines_of(ax)["mine"].get_color() == "black"
    assert lines_of(ax)["mine"].get_linewidth() == 3


def test_arguments_reach_the_function():
    display = StepSweepDisplay.from_function(
        lambda x, a, b: a * x + b, 1.0, schemes="forward", steps=[0.125, 0.25], args=(3.0,), kwargs={"b": 1},
        bounds=(0.0, 2.0),
    )  # fmt: skip
    np.testing.assert_array_equal(display.sweeps[0].values, [3.0, 3.0])


def test_a_function_without_errors_has_an_empty_picture(ax):
    display = StepSweepDisplay.from_function(lambda x: 0.0 * x, 1.0, schemes="central", exact=0.0)
    display.plot(ax)
    ax.figure.canvas.draw()
    assert np.isnan(lines_of(ax)["central, order 2"].get_ydata()).all()


def test_errors_below_that_of_the_reference_show_no_slope():
    sweep = cm.step_sweep(np.exp, 0.0)
    vague = dataclasses.replace(sweep, reference_error=np.inf)
    assert np.isnan(StepSweepDisplay.from_sweeps(vague).slopes).all()


def test_no_sweep():
    with pytest.raises(ValueError, match=r"at least one sweep; `calcml.step_sweep` makes them"):
        StepSweepDisplay.from_sweeps()


def test_something_else_than_a_sweep():
    with pytest.raises(TypeError, match=r"what `calcml.step_sweep` returns, got list"):
        StepSweepDisplay.from_sweeps([1.0])


def test_as_many_labels_as_sweeps():
    with pytest.raises(ValueError, match="must have one name for each of 1 sweeps, got 2"):
        StepSweepDisplay.from_sweeps(cm.step_sweep(np.exp, 0.0), labels=["a", "b"])
