"""How fits end: parameters that the data leave open, limits, and what cannot be evaluated."""

import numpy as np
import pytest

from calcml import Status
from calcml.errors import ConvergenceError, ConvergenceWarning
from calcml.fitting import fit
from calcml.fitting._model import Curve

X = np.linspace(0.0, 5.0, 30)


def decay(x, a, tau, c):
    return a * np.exp(-x / tau) + c


Y = decay(X, 3.0, 1.2, 0.2) + np.random.default_rng(0).normal(0, 0.1, X.size)
P0 = (1.0, 1.0, 0.0)


def decay_jacobian(x, a, tau, c):
    e = np.exp(-x / tau)
    return np.column_stack([e, a * x / tau**2 * e, np.ones_like(x)])


def peak(x, height, center, width):
    return height * np.exp(-0.5 * ((x - center) / width) ** 2)


# What the data leave open.


def test_a_product_is_named():
    model = lambda x, a, b, c: a * b * np.exp(-x / 2) + c
    with pytest.warns(
        ConvergenceWarning, match=r"`a` and `b` separately: they only appear in the combination a \* b"
    ):
        result = fit(model, X, Y, 0.1, p0=(2.0, 0.7, 0.0))
    assert result.status is Status.RANK_DEFICIENT and not result.success
    assert result.undetermined == ("a", "b") and result.rank == 2
    assert np.isinf(result.errors[:2]).all() and np.isnan(result.covariance[0, 1])
    # What they do appear in is determined, and so is the rest.
    small = fit(lambda x, ab, c: ab * np.exp(-x / 2) + c, X, Y, 0.1, p0=(1.0, 0.0))
    assert result["a"] * result["b"] == pytest.approx(small["ab"], rel=1e-8)
    assert result.errors[2] == pytest.approx(small.errors[1], rel=1e-6)
    assert "not determined by the data" in repr(result)
    with pytest.raises(ConvergenceError, match="do not determine `a` and `b`"):
        result.check()


@pytest.mark.parametrize(
    ("model", "form"),
    [
        (lambda x, a, b: (a + b) * x, r"a \+ b"),
        (lambda x, a, b: (a - b) * x, r"a - b"),
        (lambda x, a, b: a / b * x, r"a / b"),
        (lambda x, a, b: (2 * a + b) * x, r"moving a by -?\+?0.5, b by .*1 together"),
        (lambda x, a, b: (a + b) ** 3 * x, r"a \+ b"),
    ],
)
def test_combinations_are_named(model, form):
    with pytest.warns(ConvergenceWarning, match=form):
        fit(model, X, 3.0 * X, 0.1, p0=(1.7, 0.6))


def test_a_combination_is_not_followed_out_of_bounds():
    # A quarter more of `a` would be needed to see that it is a product.
    seen = []

    def model(x, a, b):
        seen.append(a)
        return a * b * x

    with pytest.warns(ConvergenceWarning, match="`a` and `b` separately: moving a by"):
        fit(model, X, 3.0 * X, 0.1, p0=(1.7, 0.6), bounds={"a": (1.0, 1.9)})
    assert max(seen) <= 1.9


def test_a_parameter_without_influence_is_named():
    with pytest.warns(ConvergenceWarning, match="The model does not depend on `b` here; hold"):
        result = fit(lambda x, a, b: a * x, X, 3.0 * X, 0.1, p0=(1.0, 1.0))
    assert result.undetermined == ("b",) and result["a"] == pytest.approx(3.0)
    assert np.isfinite(result.errors[0])


def test_three_parameters_in_one_combination():
    with pytest.warns(ConvergenceWarning, match="`a`, `b` and `c` separately: moving"):
        fit(lambda x, a, b, c: (a + 2 * b + 3 * c) * x, X, 3.0 * X, 0.1, p0=(1.0, 1.5, 0.3))


def test_a_peak_that_the_start_does_not_see():
    x = np.linspace(490, 510, 41)
    with pytest.warns(
        ConvergenceWarning, match="does not depend on `height` here; the model does not depend on `center`"
    ):
        result = fit(peak, x, peak(x, 7.0, 500.0, 2.0), 0.1, p0=(1.0, 1.0, 1.0))
    assert not result.success and np.isinf(result.errors).all()


# Endings.


def test_too_few_iterations_keep_the_best_point():
    with pytest.warns(ConvergenceWarning, match="iteration limit"):
        result = fit(decay, X, Y, 0.1, p0=P0, max_iterations=2)
    assert result.status is Status.MAX_ITERATIONS and not result.success and result.nit == 2
    assert result.chi2 < result.trace["chi2"][0] and np.isfinite(result.errors).all()


def test_callback_sees_and_stops():
    seen = []

    def callback(state):
        seen.append(state.x)
        return len(seen) == 3

    with pytest.warns(ConvergenceWarning, match="callback stopped"):
        result = fit(decay, X, Y, 0.1, p0=P0, callback=callback)
    assert result.status is Status.STOPPED_BY_CALLBACK and result.nit == 3
    np.testing.assert_array_equal(result.trace["x"][-1], seen[-1])


def test_trace_has_one_row_per_iteration():
    result = fit(decay, X, Y, 0.1, p0=P0)
    assert len(result.trace) == result.nit + 1
    assert result.trace["x"].shape == (result.nit + 1, 3)
    assert result.trace["chi2"][-1] == result.chi2
    assert np.all(np.diff(result.trace["chi2"]) <= 1e-9)


def test_a_model_that_is_not_finite_at_the_start():
    with pytest.warns(
        ConvergenceWarning, match="start where both are finite. The model gives inf at index 0"
    ):
        result = fit(lambda x, a: a / (x + 0.0), _zero_first(), X, 1.0, p0=[1.0])
    assert result.status is Status.NON_FINITE_START and not result.success
    assert np.isnan(result.errors).all() and result.values.tolist() == [1.0]


def _zero_first():
    class Silent:
        """A user's own x, whose reciprocal is infinite without a warning."""

        def __add__(self, other):
            return self

        def __rtruediv__(self, other):
            return np.where(X == 0, np.inf, other)

    return Silent()


def test_a_derivative_that_is_not_finite_at_the_start():
    jac = lambda x, a: np.full((x.size, 1), np.nan)
    with pytest.warns(ConvergenceWarning, match="finite there, but not its derivatives"):
        result = fit(lambda x, a: a * x, X, X, 1.0, p0=[2.0], jac=jac)
    assert result.status is Status.NON_FINITE_START


def test_a_wrong_jacobian_does_not_converge():
    with pytest.warns(ConvergenceWarning, match="check_gradient"):
        result = fit(decay, X, Y, 0.1, p0=P0, jac=lambda x, *p: -decay_jacobian(x, *p))
    assert result.status is Status.LINE_SEARCH_FAILED and not result.success
    np.testing.assert_array_equal(result.values, P0)


def test_without_an_accurate_jacobian_the_quick_one_serves(monkeypatch):
    quick = Curve._by

    def only_quick(self, scheme, f, p, unit, *, error):
        J, bound = quick(self, scheme, f, p, unit, error=False)
        return (J * np.nan, bound * np.nan) if error else (J, bound)

    monkeypatch.setattr(Curve, "_by", only_quick)
    result = fit(decay, X, Y, 0.1, p0=P0)
    monkeypatch.undo()
    reference = fit(decay, X, Y, 0.1, p0=P0)
    # Central differences of second order keep two thirds of the digits.
    np.testing.assert_allclose(result.values, reference.values, rtol=1e-7)
    np.testing.assert_allclose(result.errors, reference.errors, rtol=1e-6)
    assert result.success


def test_a_noisy_model_converges_to_its_precision():
    # Single precision inside: differences see steps of 1e-7.
    model = lambda x, a, tau, c: decay(x, a, tau, c).astype(np.float32).astype(np.float64)
    result = fit(model, X, Y, 0.1, p0=P0)
    reference = fit(decay, X, Y, 0.1, p0=P0)
    assert result.success
    # Rounding of 1e-7 in f, over a step of a thousandth, is 1e-4 of an error.
    assert np.all(np.abs(result.values - reference.values) <= 1e-2 * reference.errors)


def test_progress_needs_nothing_but_tqdm(capsys):
    pytest.importorskip("tqdm")
    result = fit(decay, X, Y, 0.1, p0=P0, progress=True)
    assert result.success


def test_what_has_no_effect_has_no_error_even_without_scatter():
    x = np.arange(5.0)
    with pytest.warns(ConvergenceWarning, match="does not depend on `b`"):
        result = fit(lambda x, a, b: a * x, x, 0 * x, p0=[1.0, 1.0])
    # What is left of a after some halvings of 1e-160 is as good as zero.
    assert result.errors[0] < 1e-100 and result.errors[1] == np.inf and result.covariance[1, 1] == np.inf
