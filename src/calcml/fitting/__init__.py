"""Fitting by chi-squared: any model, straight lines, polynomials, linear combinations."""

from calcml.fitting.chi_squared import ChiSquared
from calcml.fitting.fit import fit
from calcml.fitting.line import fit_line
from calcml.fitting.linear import fit_linear
from calcml.fitting.polynomial import fit_polynomial
from calcml.fitting.result import FitResult

__all__ = ["ChiSquared", "FitResult", "fit", "fit_line", "fit_linear", "fit_polynomial"]
