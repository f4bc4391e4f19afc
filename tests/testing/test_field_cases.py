"""Gradients, Jacobians and Hessians against the complex step; shapes; batches."""

import numpy as np
import pytest

import calcml.testing as ct

CASES = ct.field_cases()

# A few dozen operations per component, each with a rounding of 1.1e-16.
TOLERANCE = 2e-14


def by_name(case):
    return case.name


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_first_derivatives(case, complex_step):
    for x in (case.x, case.x * 1.1 - 0.01 * np.abs(case.x)):
        assert complex_step.gap(case.jacobian(x), complex_step.derivative(case.f, x)) < TOLERANCE


@pytest.mark.parametrize("case", [c for c in CASES if c.hessian], ids=by_name)
def test_second_derivatives(case, complex_step):
    for x in (case.x, case.x * 1.1 - 0.01 * np.abs(case.x)):
        H = case.hessian(x)
        assert complex_step.gap(H, complex_step.derivative(case.jacobian, x)) < TOLERANCE
        assert H.shape == np.shape(case.f(x)) + case.x.shape * 2


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_batches_have_the_points_last(case):
    points = np.stack([case.x, 0.9 * case.x, 1.1 * case.x], axis=-1)
    values = case.f(points)
    assert values.shape == (*np.shape(case.f(case.x)), 3)
    for k in range(3):
        # Sums in another order differ by roundings.
        np.testing.assert_allclose(values[..., k], case.f(points[..., k]), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_points_are_read_only_and_tags_tell_the_shape(case):
    assert not case.x.flags.writeable
    assert case.x.dtype == np.float64
    kind = {0: "scalar", 1: "vector"}.get(np.ndim(case.f(case.x)), "tensor")
    assert kind in case.tags
    assert {"analytic", "batch"} <= case.tags


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_gradient_is_for_scalars(case):
    if "scalar" in case.tags:
        assert np.array_equal(case.gradient(case.x), case.jacobian(case.x))
        assert case.gradient(case.x).shape == case.x.shape
    else:
        with pytest.raises(TypeError, match=f"case '{case.name}' has no gradient.*use `jacobian`"):
            _ = case.gradient


def test_shapes_of_every_kind():
    shapes = {(case.x.shape, np.shape(case.f(case.x))) for case in CASES}
    assert {((), ()), ((1,), (3,)), ((2,), (1,)), ((3, 3), ()), ((3,), (3, 3)), ((2, 2), (2, 2))} <= shapes
    assert len({case.name for case in CASES}) == len(CASES) >= 18


def test_tags_select():
    assert {case.name for case in ct.field_cases("sparse")} == {
        "rosenbrock_2", "rosenbrock_10", "broyden_tridiagonal_10",
    }  # fmt: skip
    assert ct.field_cases("no such tag") == ()
    assert ct.field_cases("scale")[0].name == "mixed_units"


@pytest.mark.parametrize(
    "build", [ct.rosenbrock, ct.quadratic_form, ct.log_sum_exp, ct.softmax, ct.broyden_tridiagonal]
)
@pytest.mark.parametrize("n", [2, 3, 25])
def test_any_number_of_variables(build, n, complex_step):
    case = build(n)
    assert case.x.shape == (n,)
    assert case.name.endswith(f"_{n}")
    assert complex_step.gap(case.jacobian(case.x), complex_step.derivative(case.f, case.x)) < TOLERANCE
    assert complex_step.gap(case.hessian(case.x), complex_step.derivative(case.jacobian, case.x)) < TOLERANCE


def test_results_can_be_written_to():
    case = ct.quadratic_form(3)
    case.hessian(case.x)[0, 0] = 0.0
    assert case.hessian(case.x)[0, 0] == 2.0
