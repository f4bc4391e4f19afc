"""Values of one point, alone and among others."""

import numpy as np
import pytest

import calcml as cm
from calcml._validation import alike
from calcml.errors import EvaluationError

NAN, INF = np.nan, np.inf
SAME = [
    (1.0, 1.0),
    (1.0, 1.0 + 1.9e-6),
    (-1.0, -1.0 - 1.9e-6),
    (0.0, 0.0),
    (NAN, NAN),
    (INF, INF),
    (1e300, 1e300 * (1 + 1e-7)),
    (1e-300, 1e-300 * (1 + 1e-7)),
    (1 + 1j, 1 + 1j + 1e-7),
]
DIFFERENT = [
    (1.0, 1.0 + 2.1e-6),
    (1.0, -1.0),
    (0.0, 1e-300),
    (NAN, 1.0),
    (1.0, NAN),
    (INF, -INF),
    (INF, 1.0),
    (1.0, INF),
    (1 + 1j, 1 - 1j),
]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_the_same_but_for_rounding(a, b):
    assert alike(np.array([a]), np.array([b]))
    assert alike(np.array([[0.5, a]]), np.array([[0.5, b]]))


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_not_the_same(a, b):
    assert not alike(np.array([a]), np.array([b]))
    assert not alike(np.array([0.5, a]), np.array([0.5, b]))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float32, np.longdouble, complex])
def test_every_kind_of_number(dtype):
    a, b = np.array([1, 0, 1], dtype), np.array([1, 1, 1], dtype)
    assert alike(a, a.copy()) and not alike(a, b) and not alike(b, a)
    assert not alike(a[1:2], b[1:2]) and not alike(b[1:2], a[1:2])


def test_shapes_count():
    assert not alike(np.ones(1), np.ones(2))
    assert not alike(np.ones((1, 2)), np.ones(2))
    assert alike(np.empty(0), np.empty(0))


@pytest.mark.parametrize("scheme", ["central", "richardson", cm.schemes.Central(step=1e-4)])
def test_a_column_that_is_nan_alone_is_refused(scheme):
    f = lambda x: x[0] + 0 * np.sum((x[1] - x[1].mean()) ** 2) / (x.shape[1] - 1)
    with pytest.raises(EvaluationError, match="must depend on its own column"):
        cm.gradient(f, np.array([1.0, 2.0]), scheme=scheme, vectorized=True)
