"""Every fit of the catalogue by every way that can make it, and the published digits."""

import csv
from pathlib import Path

import numpy as np
import pytest

from calcml.fitting import ChiSquared, fit, fit_line, fit_linear, fit_polynomial
from calcml.testing import fit_cases

CASES = {case.name: case for case in fit_cases()}
LINES = [case for case in CASES.values() if "line" in case.tags]
PLAIN_LINES = [case for case in LINES if case.sigma_x is None]
DATA = Path(__file__).parents[2] / "examples" / "data"


def name(case):
    return case.name


def absolute(case):
    return None if case.sigma is None else case.absolute


def read(file):
    """Columns of an example file by name, and its comment."""
    lines = (DATA / file).read_text("utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    columns = {key: np.array([float(row[key]) for row in rows]) for key in rows[0] if key != "name"}
    return columns, " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))


def agrees(result, case, digits):
    scale = np.maximum(np.abs(case.values), case.errors)
    assert np.all(np.abs(result.values - case.values) <= scale * 10.0**-digits)
    np.testing.assert_allclose(result.errors, case.errors, rtol=10.0 ** -(digits - 1))
    assert result.ndof == case.ndof
    np.testing.assert_allclose(result.chi2, case.chi2, rtol=10.0**-digits, atol=1e-18)
    assert result.success


@pytest.mark.parametrize("case", [c for c in CASES.values() if c.name != "line_at_1e9"], ids=name)
def test_fit_finds_the_answer(case):
    result = fit(
        case.model, case.x, case.y, case.sigma, p0=case.p0, sigma_x=case.sigma_x, absolute=absolute(case)
    )
    # The tolerance of the fit is 1e-9 of the value or its error.
    agrees(result, case, 8)


@pytest.mark.parametrize("case", LINES, ids=name)
def test_fit_line_finds_the_answer(case):
    result = fit_line(case.x, case.y, case.sigma, case.sigma_x, absolute=absolute(case))
    # Closed form, or an iteration run to rounding: only the sums round.
    agrees(result, case, 11)


@pytest.mark.parametrize("case", PLAIN_LINES, ids=name)
def test_polynomial_and_linear_agree_with_the_line(case):
    agrees(fit_polynomial(case.x, case.y, 1, case.sigma, absolute=absolute(case)), case, 11)
    if "ill-conditioned" not in case.tags:
        design = np.column_stack([np.ones_like(case.x), case.x])
        agrees(fit_linear(design, case.y, case.sigma, absolute=absolute(case)), case, 11)


def test_polynomial_of_the_exact_parabola():
    case = CASES["exact_parabola"]
    agrees(fit_polynomial(case.x, case.y, 2, case.sigma, absolute=case.absolute), case, 12)


@pytest.mark.parametrize("case", [c for c in CASES.values() if c.sigma_x is None], ids=name)
def test_gradient_of_chi2_vanishes_at_the_answer(case):
    chi2 = ChiSquared(case.model, case.x, case.y, case.sigma)
    gradient, hessian = chi2.gradient(case.values), chi2.hessian(case.values)
    # A step of the gradient by the Hessian is nothing against the error, the root of 2 / H.
    size = np.sqrt(2 * np.maximum(hessian.diagonal(), 0)) * np.sqrt(max(case.chi2, case.ndof))
    assert np.all(np.abs(gradient) <= 1e-6 * size)


# The digits as printed in the sources.


def test_pearson_york_as_printed():
    data, comment = read("pearson_york.csv")
    result = fit_line(data["x"], data["y"], data["sigma"], data["sigma_x"])
    assert f"{result['intercept']:.9f}" == "5.479910224" and "5.479910224" in comment
    assert f"{result['slope']:.9f}" == "-0.480533407" and "0.480533407" in comment
    assert f"{result.errors[0]:.9f}" == "0.294970735" and "0.294970735" in comment
    assert f"{result.errors[1]:.10f}" == "0.0579850090" and "0.0579850090" in comment
    assert abs(result.reduced_chi2 - 1.483294149) < 5e-10 and "1.483294149" in comment
    assert result.ndof == 8


def test_hubble_as_printed():
    data, comment = read("hubble_1929.csv")
    result = fit_line(data["x"], data["y"])
    assert f"{result['intercept']:.3f}" == "-40.784" and "-40.784" in comment
    assert f"{result['slope']:.3f}" == "454.158" and "454.158" in comment


def test_puromycin_as_printed():
    data, comment = read("puromycin.csv")
    result = fit(lambda x, Vm, K: Vm * x / (K + x), data["x"], data["y"], p0={"Vm": 200.0, "K": 0.05})
    assert f"{result['Vm']:.1f} +- {result.errors[0]:.3f}" == "212.7 +- 6.947"
    assert f"{result['K']:.5f} +- {result.errors[1]:.6f}" == "0.06412 +- 0.008281"
    assert f"{result.chi2:.4f}" == "1195.4488"
    assert "212.7 +- 6.947" in comment and "0.06412 +- 0.008281" in comment and "1195.4488" in comment


def test_gum_h3_as_printed():
    case = CASES["gum_h3"]
    result = fit_line(case.x, case.y)
    assert [f"{v:.4f}" for v in (result.values[0], result.errors[0])] == ["-0.1712", "0.0029"]
    assert [f"{v:.5f}" for v in (result.values[1], result.errors[1])] == ["0.00218", "0.00067"]
    assert f"{result.correlation[0, 1]:.3f}" == "-0.930"
    assert f"{np.sqrt(result.reduced_chi2):.4f}" == "0.0035"
    # The correction at 30 degrees, 10 above the reference temperature, and its error from the covariance.
    at = np.array([1.0, 10.0])
    assert f"{result(10.0):.4f}" == "-0.1494"
    assert f"{np.sqrt(at @ result.covariance @ at):.4f}" == "0.0041"
