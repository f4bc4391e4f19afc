"""The result: statistics, access, text and HTML."""

import json
from pathlib import Path

import numpy as np
import pytest

import calcml.fitting._statistics as statistics
from calcml.errors import ConvergenceWarning
from calcml.fitting import FitResult, fit, fit_line, fit_linear

GOLDEN = Path(__file__).parent / "golden"
X = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
Y = np.array([3.014, 5.225, 7.004, 9.061, 11.201, 12.762])
SIGMA = np.array([0.2, 0.2, 0.2, 0.4, 0.4, 0.4])


def test_unpacks_as_values_and_covariance():
    values, covariance = result = fit_line(X, Y, SIGMA)
    assert values is result.values and covariance is result.covariance


def test_access_by_name():
    result = fit_line(X, Y, SIGMA)
    assert result.params == {"intercept": result["intercept"], "slope": result["slope"]}
    assert isinstance(result["slope"], float)
    with pytest.raises(AttributeError):
        result.chi2 = 0.0


def test_errors_correlation_and_goodness():
    result = fit_line(X, Y, SIGMA)
    np.testing.assert_allclose(result.errors, np.sqrt(result.covariance.diagonal()))
    assert result.correlation[0, 1] == pytest.approx(
        result.covariance[0, 1] / result.errors.prod(), rel=1e-14
    )
    assert result.correlation.diagonal().tolist() == [1.0, 1.0]
    # With 4 degrees of freedom the distribution function is elementary.
    half = result.chi2 / 2
    assert result.p_value == pytest.approx(np.exp(-half) * (1 + half), rel=1e-12)
    assert result.reduced_chi2 == result.chi2 / 4
    assert np.isnan(fit_line(X, Y).p_value)


def test_intervals_are_normal_or_student():
    # The tabulated 97.5 % points.
    for absolute, t in ((True, 1.959963984540054), (False, 2.7764451051977987)):
        result = fit_line(X, Y, SIGMA, absolute=absolute)
        interval = result.confidence_interval(0.95)
        assert interval.shape == (2, 2)
        np.testing.assert_allclose(interval[:, 1] - result.values, t * result.errors, rtol=1e-12)
        np.testing.assert_allclose(interval.mean(axis=1), result.values, rtol=1e-12)
    default = fit_line(X, Y, SIGMA).confidence_interval()
    np.testing.assert_allclose(default[:, 1] - default[:, 0], 2 * fit_line(X, Y, SIGMA).errors, rtol=1e-12)


def test_student_intervals_cover_with_three_degrees_of_freedom():
    rng = np.random.default_rng(1)
    x, inside = np.arange(5.0), 0
    for _ in range(1000):
        result = fit_line(x, 1.0 + 2.0 * x + rng.normal(size=5))
        low, high = result.confidence_interval()[1]
        inside += low <= 2.0 <= high
    # 68.27 percent, known from 1000 trials to 1.47; three of these, with a fixed seed.
    assert abs(inside / 1000 - 0.6827) < 0.044


def test_dictionary_and_json():
    result = fit(lambda x, a, b: a + b * x, X, Y, SIGMA, p0=(1.0, 1.0))
    plain = json.loads(result.to_json())
    assert plain["names"] == ["a", "b"] and plain["status"] == "CONVERGED" and "model" not in plain
    assert plain["values"] == result.values.tolist() and plain["p_value"] == result.p_value
    assert len(plain["trace"]["chi2"]) == result.nit + 1
    assert json.loads(fit_line(X, Y).to_json())["p_value"] == "nan"
    assert fit_line(X, Y).to_dict()["trace"] is None


def test_check_returns_the_result():
    result = fit_line(X, Y)
    assert result.check() is result and isinstance(result, FitResult)


def golden(name, text):
    """Compare with the stored text."""
    assert text + "\n" == (GOLDEN / name).read_text("utf-8")


CARDS = {
    "absolute": lambda: fit_line(X, Y, SIGMA),
    "scaled": lambda: fit_line(X, Y),
    "fixed_and_bound": lambda: fit(
        lambda x, a, b, c: a + b * x + c * x**2,
        X,
        Y,
        SIGMA,
        p0=(1.0, 1.0, 0.0),
        fixed={"a": 1.0},
        bounds={"c": (0.0, None)},
        jac=lambda x, a, b, c: np.column_stack([x**0, x, x**2]),
    ),
    "open": lambda: fit_linear(np.column_stack([X, 2 * X]), Y, SIGMA, names=["a", "b"]),
    "escaped": lambda: fit_linear(np.column_stack([X**0, X]), Y, SIGMA, names=["<b>a</b>", "b & c"]),
}


@pytest.mark.filterwarnings("ignore::calcml.errors.ConvergenceWarning")
@pytest.mark.parametrize("name", CARDS)
def test_cards(name):
    result = CARDS[name]()
    golden(f"{name}.txt", repr(result))
    golden(f"{name}.html", result._repr_html_())
    assert str(result) == repr(result)


def test_html_escapes_what_users_name():
    html = CARDS["escaped"]()._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;a&lt;/b&gt;" in html and "b &amp; c" in html


def test_warning_points_at_the_caller():
    with pytest.warns(ConvergenceWarning) as caught:
        fit_linear(np.column_stack([X, 2 * X]), Y)
    assert caught[0].filename == __file__
    with pytest.warns(ConvergenceWarning) as caught:
        fit(lambda x, a, b: (a + b) * x, X, Y, p0=(1.0, 2.0))
    assert caught[0].filename == __file__


def test_statistics_at_their_edges():
    assert np.isnan(statistics.p_value(1.0, 0)) and np.isnan(statistics.p_value(np.inf, 3))
    assert statistics.quantile(0.6826894921370859, np.inf) == pytest.approx(1.0, abs=1e-12)
    # With one degree of freedom Student is Cauchy, whose quantile is a tangent.
    # Older releases of SciPy invert the distribution to eleven digits.
    assert statistics.quantile(0.5, 1) == pytest.approx(1.0, abs=1e-10)
    empty = statistics.spread_of(np.empty((3, 0)), 1e-15)
    assert empty.rank == 0 and empty.undetermined.shape == (0,)
