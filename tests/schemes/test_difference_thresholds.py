"""Where a fixed scheme changes its mind, exactly at the limit: what needs no verdict gets none but OK."""

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml._status import Status
from calcml.schemes import _difference
from calcml.schemes._recipe import plan


@pytest.mark.parametrize(("share", "clear"), [(1e-3, True), (0.999e-3, False)])
def test_a_thousand_times_the_noise_that_must_be_is_clear(monkeypatch, share, clear):
    monkeypatch.setattr(_difference, "_shortness", lambda *_: np.array([share]))
    lines = ElementwiseLines(Function(np.sin, None), np.ones(1), None)
    h, value, noise = np.ones(1), np.zeros((1, 1)), np.ones((1, 1))
    assert _difference._clear(lines, plan(1, 2, 0), value, noise, h) is clear
    status = _difference._status(lines, plan(1, 2, 0), (value, 0 * noise, noise), h)
    assert status.tolist() == [[Status.OK if clear else Status.INACCURATE]]
