"""classify: kinds, their evidence, and that they do not depend on units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml import EvaluationError
from calcml.descent import classify


@pytest.mark.parametrize(
    ("f", "x", "kind"),
    [
        (lambda x: x[0] ** 2 + 3 * x[1] ** 2, [0, 0], "minimum"),
        (lambda x: -(x[0] ** 2) - 3 * x[1] ** 2, [0, 0], "maximum"),
        (lambda x: x[0] * x[1], [0, 0], "saddle"),
        (lambda x: x[0] ** 2 - x[1] ** 2, [0, 0], "saddle"),
        (lambda x: x[0] ** 2 + x[1] ** 4, [0, 0], "degenerate"),
        (lambda x: x[0] ** 3, [0], "degenerate"),
        (lambda x: 0.0, [1, 2], "degenerate"),
        # One sign of each decides, whatever the third eigenvalue is.
        (lambda x: x[0] ** 2 - x[1] ** 2 + x[2] ** 4, [0, 0, 0], "saddle"),
        (lambda x: x[0] ** 2 + x[1], [0, 0], "not stationary"),
        (lambda x: np.exp(x[0]), [0], "not stationary"),
    ],
)
def test_kinds(f, x, kind):
    assert classify(f, x).kind == kind


def test_the_evidence():
    H = np.array([[2.0, 1.0], [1.0, -3.0]])
    found = classify(lambda x: 0.5 * x @ H @ x, np.zeros(2))
    exact = np.linalg.eigvalsh(H)
    assert (np.abs(found.eigenvalues - exact) <= found.eigenvalue_error).all()
    assert (found.eigenvalue_error < 1e-6).all()
    assert (np.abs(found.gradient) <= found.gradient_error).all()
    assert np.allclose(found.eigenvectors @ np.diag(exact) @ found.eigenvectors.T, H, atol=1e-6)
    assert "kind: saddle" in str(found)
    assert found.to_dict()["kind"] == "saddle"


def test_given_derivatives_are_used():
    found = classify(
        lambda x: np.sum(x**2),
        np.zeros((2, 1)),
        grad=lambda x: 2 * x,
        hess=lambda x: 2 * np.eye(2).reshape(2, 1, 2, 1),
    )
    assert found.kind == "minimum"
    assert found.gradient.shape == (2, 1)
    assert np.array_equal(found.eigenvalues, [2.0, 2.0])


def test_structures():
    found = classify(lambda p: p["a"] ** 2 + np.sum((p["b"] - 1) ** 2), {"a": 0.0, "b": np.ones(2)})
    assert found.kind == "minimum"
    assert set(found.gradient) == {"a", "b"}
    assert "{'a':" in str(found)


@given(st.floats(-6, 6), st.floats(-6, 6), st.floats(-8, 8), st.sampled_from(["minimum", "saddle"]))
def test_units_do_not_matter(p, q, r, kind):
    units, a = 10.0 ** np.array([p, q]), 10.0**r
    sign = np.array([1.0, 1.0 if kind == "minimum" else -1.0])

    def grad(x):
        return a * 2 * sign * x / units**2

    found = classify(
        lambda x: a * np.sum(sign * (x / units) ** 2),
        np.zeros(2),
        grad=grad,
        hess=lambda x: np.diag(a * 2 * sign / units**2),
    )
    assert found.kind == kind


def test_near_enough_counts_as_there():
    def f(x):
        return np.sum((x - 1) ** 2)

    assert classify(f, [1 + 1e-6, 1.0]).kind == "minimum"
    assert classify(f, [1 + 1e-3, 1.0]).kind == "not stationary"
    assert classify(f, [1 + 1e-3, 1.0], tolerance=1e-2).kind == "minimum"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_kind_where_f_is_not_finite(value):
    with pytest.raises(EvaluationError, match="not finite at `x`"):
        classify(lambda x: value, [1.0, 2.0])
    with pytest.raises(EvaluationError, match="not finite at `x`"):
        classify(lambda x: x[0] ** 2, [1.0], grad=lambda x: np.full(1, value))
    with pytest.raises(EvaluationError, match="not finite at `x`"):
        classify(lambda x: x[0] ** 2, [0.0], grad=lambda x: 2 * x, hess=lambda x: np.full((1, 1), value))


def test_a_scale_that_overflows_is_refused():
    with pytest.raises(EvaluationError, match="not finite"):
        classify(
            lambda x: 0.0,
            [0.0, 0.0],
            grad=lambda x: np.zeros(2),
            hess=lambda x: np.array([[1e-320, 1e300], [1e300, 1e-320]]),
        )


@pytest.mark.parametrize("tolerance", [0.0, -1.0, np.inf])
def test_bad_tolerance(tolerance):
    with pytest.raises(ValueError, match="`tolerance` must be above 0"):
        classify(lambda x: 0.0, [1.0], tolerance=tolerance)
