"""Where a fixed scheme changes its mind, exactly at the limit: what needs no verdict gets none but OK."""

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml._status import Status
from calcml.schemes import Central, Forward, _difference
from calcml.schemes._recipe import plan


def lines_of(f, x, bounds=None):
    if bounds is not None:
        bounds = tuple(np.broadcast_to(b, np.shape(x)).astype(float) for b in bounds)
    return ElementwiseLines(Function(f, None), np.asarray(x, dtype=float), bounds)


@pytest.mark.parametrize("scheme", [Forward(), Central(order=4), Central(step=0.125)])
@pytest.mark.parametrize("error", [True, False])
def test_bounds_out_of_reach_change_nothing(scheme, error):
    x = [0.5, 1.0, 3.0]
    free, bounded = (
        scheme.coefficient(lines_of(np.exp, x, bounds), 1, error=error) for bounds in (None, (-9.0, 9.0))
    )
    for name in ("value", "truncation", "noise", "step", "status"):
        np.testing.assert_array_equal(getattr(bounded, name), getattr(free, name))


def test_a_step_that_fits_is_not_shortened():
    # Two steps and a half are room enough for the formula and the one that judges it.
    c = Forward(step=0.25).coefficient(lines_of(np.exp, [0.0, 0.0], (0.0, [0.625, 0.375])), 1, error=True)
    assert c.step[0] == 0.25 and c.step[1] < 0.25
    assert c.value[0, 0] == pytest.approx((np.exp(0.25) - 1) / 0.25, rel=1e-14)


def test_each_line_is_excused_by_its_own_step():
    # At a millionth of the best step a thousand times the noise that must be is no excuse.
    formula = plan(1, 2, 0)
    lines = lines_of(np.sin, np.ones(2))
    h = _difference.optimal_factor(formula.formula, lines.eps) * np.array([1.0, 1e-6])
    none, noise = np.zeros((2, 1)), np.ones((2, 1))
    status = _difference._status(lines, formula, (none, none, noise), h)
    assert status.tolist() == [[Status.OK], [Status.INACCURATE]]


@pytest.mark.parametrize(("share", "clear"), [(1e-3, True), (0.999e-3, False)])
def test_a_thousand_times_the_noise_that_must_be_is_clear(monkeypatch, share, clear):
    monkeypatch.setattr(_difference, "_shortness", lambda *_: np.array([share]))
    lines = ElementwiseLines(Function(np.sin, None), np.ones(1), None)
    h, value, noise = np.ones(1), np.zeros((1, 1)), np.ones((1, 1))
    assert _difference._clear(lines, plan(1, 2, 0), value, noise, h) is clear
    status = _difference._status(lines, plan(1, 2, 0), (value, 0 * noise, noise), h)
    assert status.tolist() == [[Status.OK if clear else Status.INACCURATE]]
