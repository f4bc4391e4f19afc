"""Functions that are not elementwise show in the errors of every point, however many there are."""

import numpy as np
import pytest

import calcml as cm


@pytest.mark.parametrize("shape", [(40, 40), (100, 100), (150, 150), (3000, 8)])
@pytest.mark.parametrize("scheme", ["central", "adaptive"])
def test_rows_that_are_normalized(scheme, shape):
    x = np.random.default_rng(0).normal(size=shape)
    estimate = cm.estimate_derivative(lambda x: x - x.mean(axis=-1, keepdims=True), x, scheme=scheme)
    # The diagonal of the Jacobian, what an elementwise derivative would be, is 1 - 1/n.
    off = np.abs(estimate.value - (1 - 1 / shape[1]))
    silent = (estimate.status == cm.Status.OK) & (off > 0.1) & (off > 2 * estimate.error)
    # The adaptive scheme looks for a step at which the points agree, and on some lines finds one by chance.
    assert silent.mean() < (0.02 if scheme == "central" else 0.4)
    assert (estimate.status == cm.Status.INACCURATE).mean() > 0.3
