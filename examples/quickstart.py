"""Analyze a table of measurements: fit, check, constrain and draw.

    python examples/quickstart.py [FILE.csv] [--model line|michaelis-menten] [--output quickstart.png]

The file is comma separated, with columns named x and y and, where known, their errors sigma and sigma_x.
Lines that start with # are comments.  Without a file, Hubble's galaxies of 1929 are taken.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import calcml as cm
from calcml.plot import DescentDisplay, FitDisplay, LagrangeDisplay, StepSweepDisplay
from calcml.testing import digits

HUBBLE = Path(__file__).parent / "data" / "hubble_1929.csv"


class UserError(Exception):
    """Something is wrong with the file; the text says what, where, and what to do."""


# ----------------------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class Data:
    """The columns of a file; errors that it does not give are None."""

    x: Any
    y: Any
    sigma: Any = None
    sigma_x: Any = None


def read(path: Path) -> Data:
    """Read x, y, sigma and sigma_x from a comma-separated file."""
    try:
        # Spreadsheets put a byte order mark before the first name; the sig codec drops it.
        lines = path.read_text("utf-8-sig").splitlines()
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give the path of a CSV file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as a text file: {error}") from None
    kept = [(k, line) for k, line in enumerate(lines, 1) if line.strip() and line.strip()[0] != "#"]
    rows = [next(csv.reader([line])) for _, line in kept]
    header = [name.strip() for name in rows[0]] if rows else []
    for name in ("x", "y"):
        if name not in header:
            have = ", ".join(header) or "none"
            raise UserError(
                f"{path} has no column {name!r}; its first line must name x and y, it names {have}"
            )
    columns: dict[str, list[float]] = {n: [] for n in ("x", "y", "sigma", "sigma_x") if n in header}
    for (k, _), row in zip(kept[1:], rows[1:], strict=True):
        for name, column in columns.items():
            place = header.index(name)
            column.append(number(row[place] if place < len(row) else "", name, f"{path}, line {k}"))
    if "sigma_x" in columns and "sigma" not in columns:
        raise UserError(f"{path} has sigma_x but no sigma; errors of x need those of y beside them")
    return Data(**{name: np.array(column) for name, column in columns.items()})


def number(text: str, name: str, place: str) -> float:
    """Return the number in a cell, refusing what cannot be one of its column."""
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{place}: {name} must be a number, got {text.strip()!r}") from None
    if not math.isfinite(value):
        raise UserError(f"{place}: {name} must be finite, got {text.strip()}; drop the point")
    if (name == "sigma" and value <= 0) or (name == "sigma_x" and value < 0):
        raise UserError(
            f"{place}: {name} must be positive, got {text.strip()}; drop the point or give its error"
        )
    return value


# ----------------------------------------------------------------------------------------- models


@dataclass(frozen=True)
class Model:
    """A curve f(x, a, b) with its derivatives, how it is fitted, and a constraint worth testing."""

    names: tuple[str, str]
    curve: Callable[..., Any]
    slope: Callable[..., Any]
    by_parameters: Callable[..., Any]
    slope_by_parameters: Callable[..., Any]
    guess: Callable[[Data], Any]
    fit: Callable[[Data, Any], cm.FitResult]
    claim: str
    constraint: Callable[[Any, Data], Any]


def line(x: Any, intercept: Any, slope: Any) -> Any:
    """Return a straight line."""
    return intercept + slope * x


def michaelis_menten(x: Any, Vm: Any, K: Any) -> Any:
    """Return the speed of a reaction that saturates at Vm, half of which it reaches at x = K."""
    return Vm * x / (K + x)


def fit_curve(data: Data, guess: Any) -> cm.FitResult:
    """Fit the curve that is not a line; it needs a start."""
    return cm.fit(michaelis_menten, data.x, data.y, data.sigma, sigma_x=data.sigma_x, p0=guess)


MODELS = {
    "line": Model(
        names=("intercept", "slope"),
        curve=line,
        slope=lambda x, _, slope: np.full_like(x, slope),
        by_parameters=lambda x, *_: np.array([np.ones_like(x), x]),
        slope_by_parameters=lambda x, *_: np.array([np.zeros_like(x), np.ones_like(x)]),
        guess=lambda data: np.array([data.y.mean(), 0.0]),
        fit=lambda data, _: cm.fit_line(data.x, data.y, data.sigma, data.sigma_x),
        claim="the line goes through the origin, intercept = 0",
        constraint=lambda p, _: p[0],
    ),
    "michaelis-menten": Model(
        names=("Vm", "K"),
        curve=michaelis_menten,
        slope=lambda x, Vm, K: Vm * K / (K + x) ** 2,
        by_parameters=lambda x, Vm, K: np.array([x / (K + x), -Vm * x / (K + x) ** 2]),
        slope_by_parameters=lambda x, Vm, K: np.array([K / (K + x) ** 2, Vm * (x - K) / (K + x) ** 3]),
        guess=lambda data: np.array([data.y.max(), np.median(data.x)]),
        fit=fit_curve,
        claim="the curve saturates at the largest y that was measured, Vm = max y",
        constraint=lambda p, data: p[0] - data.y.max(),
    ),
}


@dataclass(frozen=True)
class Problem:
    """Chi-squared of a model and data, as a function of u, the parameters in units of `scale`."""

    model: Model
    data: Data
    scale: Any

    def parts(self, x: Any, u: Any) -> tuple[Any, Any, Any]:
        """Return y - f, s with s^2 = sigma^2 + (f' sigma_x)^2 (sigma = 1 where not known), and f' sigma_x."""
        p, data = self.scale * np.array(u), self.data
        sigma = 1.0 if data.sigma is None else data.sigma
        blur = np.zeros_like(x) if data.sigma_x is None else self.model.slope(x, *p) * data.sigma_x
        return data.y - self.model.curve(x, *p), np.hypot(sigma, blur), blur

    def deviations(self, x: Any, *u: Any) -> Any:
        """Return (f - y) / s, which should be zero."""
        residuals, s, _ = self.parts(x, u)
        return -residuals / s

    def jacobian(self, x: Any, *u: Any) -> Any:
        """Return the derivatives of the deviations, one column per parameter, by the chain rule."""
        p, (residuals, s, blur) = self.scale * np.array(u), self.parts(x, u)
        sigma_x = 0.0 if self.data.sigma_x is None else self.data.sigma_x
        s_by_parameters = blur * sigma_x * self.model.slope_by_parameters(x, *p) / s
        rows = self.model.by_parameters(x, *p) / s + residuals / s**2 * s_by_parameters
        return rows.T * self.scale

    def chi2(self) -> cm.ChiSquared:
        """Return the sum of the squared deviations, with its gradient."""
        return cm.ChiSquared(self.deviations, self.data.x, np.zeros_like(self.data.y), jac=self.jacobian)

    def constraint(self, u: Any) -> Any:
        """Return what the constraint sets to zero."""
        return self.model.constraint(self.scale * u, self.data)


# ----------------------------------------------------------------------------------------- the analysis


def fit(model: Model, data: Data) -> cm.FitResult:
    """Fit and report."""
    result = model.fit(data, model.guess(data))
    if not result.success:
        raise UserError(f"the data do not fit {model.curve.__name__}: {result.message}")
    print(f"\n2. Fit {model.curve.__name__}(x, {', '.join(model.names)}) by chi-squared.")
    ranges = result.confidence_interval(0.95)
    for name, value, error, (low, high) in zip(
        result.names, result.values, result.errors, ranges, strict=True
    ):
        print(f"   {name:>9} = {value:.6g} +- {error:.4g}    (95 %: {low:.5g} to {high:.5g})")
    correlation = result.correlation[0, 1]
    advice = ", almost complete: measured from the middle of x the parameters would be independent"
    print(f"   correlation {correlation:.3f}{advice if abs(correlation) > 0.999 else ''}")
    print(f"   chi2 = {result.chi2:.6g}, ndof = {result.ndof}, chi2 / ndof = {result.reduced_chi2:.4g}")
    if result.absolute:
        verdict = "model and errors are doubtful" if result.p_value < 0.05 else "the model describes the data"
        print(f"   p-value = {result.p_value:.3g}: {verdict}.")
    else:
        print("   The file has no sigma: the errors are scaled from the residuals, as if chi2 / ndof were 1.")
        print("   Errors that come from the model cannot judge it, so there is no p-value.")
    return result


def check(chi2: cm.ChiSquared, start: Any) -> None:
    """Compare the gradient that was derived by hand with the numerical one."""
    checked = cm.check_gradient(chi2, chi2.gradient, start)
    print("\n3. Check the gradient of chi2 that was derived by hand against the numerical one.")
    print(f"   It {'agrees' if checked else 'DISAGREES'}: worst component {checked.given:.10g}, ", end="")
    print(f"expected {checked.expected:.10g}.")
    checked.check()


def descend(problem: Problem, chi2: cm.ChiSquared, start: Any, direct: Any) -> cm.MinimizeResult:
    """Minimize in two more ways and compare; return the run of gradient descent."""
    print("\n4. Minimize chi2 in two other ways, from a rough guess, and compare with the direct solution.")
    options = {"grad": chi2.gradient, "gtol": 1e-11}
    runs = {
        "gradient descent": cm.gradient_descent(chi2, start, **options),
        "Newton's method": cm.minimize(chi2, start, method="newton", **options),
    }
    for name, run in runs.items():
        agreement = digits(problem.scale * run.x, direct).min()
        text = "  ".join(f"{value:.10g}" for value in problem.scale * run.x)
        print(f"   {name:>16}: {text}   {run.nit} iterations, {agreement:.1f} digits agree")
        if not run.success:
            print(f"   {'':>16}  {run.message}")
    print(f"   {'direct solution':>16}: {'  '.join(f'{value:.10g}' for value in direct)}")
    return runs["gradient descent"]


def constrain(problem: Problem, chi2: cm.ChiSquared, best: cm.FitResult) -> cm.LagrangeResult:
    """Fit once more under a constraint and say what its multiplier means."""
    start = best.values / problem.scale
    result = cm.lagrange(chi2, start, equality=problem.constraint, grad=chi2.gradient)
    print("\n5. Fit once more under a constraint, by Lagrange's multiplier.  Suppose that")
    print(f"   {problem.model.claim}.")
    for name, value in zip(best.names, problem.scale * result.x, strict=True):
        print(f"   {name:>9} = {value:.6g}")
    rise, unit = result.fun - best.chi2, 1.0 if best.absolute else best.reduced_chi2
    # A perfect fit knows no errors.
    distance = math.sqrt(max(rise, 0.0) / unit) if unit > 0 else math.nan
    print(f"   chi2 rises by {rise:.4g}: the data are {distance:.2f} standard deviations away from it.")
    multiplier, change = result.multipliers[0], result.sensitivity[0]
    print(f"   The multiplier is {multiplier:.5g}: if the constraint moves up by a small d, the least chi2")
    print(f"   changes by {change:.5g} d.  It is zero for a constraint that costs nothing.")
    return result


def draw(path: Path, problem: Problem, fitted: cm.FitResult, run: Any, bound: cm.LagrangeResult) -> None:
    """Write one figure: the fit, the way down, the error of a derivative, and the constrained optimum."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("\n6. No figure: drawing needs matplotlib; install it with `pip install calcml[plot]`.")
        return
    data, chi2, u = problem.data, problem.chi2(), run.trace["x"][0]
    names = [f"{name} / {scale:.3g}" for name, scale in zip(fitted.names, problem.scale, strict=True)]
    figure = Figure(figsize=(12, 8.5), layout="constrained")
    axes = figure.subplot_mosaic([["fit", "way"]] * 3 + [["rest", "way"]] + [["step", "bound"]] * 4)
    name = problem.model.curve.__name__
    curve = FitDisplay.from_result(fitted, data.x, data.y, data.sigma, data.sigma_x, label=name)
    curve.plot([axes["fit"], axes["rest"]])
    look: dict[str, Any] = {"names": names, "points": 61}
    way = DescentDisplay.from_results(chi2, run, labels=["gradient descent"], **look)
    way.plot(axes["way"])
    labels = ("chi2", "constraint")
    tangency = LagrangeDisplay.from_result(chi2, problem.constraint, bound, labels=labels, **look)
    tangency.plot(axes["bound"])
    sweep = StepSweepDisplay.from_function(lambda t: chi2([u[0], t]), u[1], exact=chi2.gradient(u)[1])
    sweep.plot(axes["step"])
    try:
        figure.savefig(path, dpi=100)
    except (OSError, ValueError) as error:
        raise UserError(f"the figure cannot be written to {path}: {error}") from None
    print(f"\n6. Figure written to {path}: the fit, the way down over chi2, the error of numerical")
    print("   derivatives of chi2 against their step, and the constrained optimum.")


def analyze(path: Path, name: str, output: Path) -> None:
    """Run the whole analysis of one file."""
    if not output.parent.is_dir():
        raise UserError(f"the figure cannot be written to {output}: there is no folder {output.parent}")
    model, data = MODELS[name], read(path)
    print(f"1. Read {path}: {data.x.size} points, ", end="")
    given = [label for label in ("sigma", "sigma_x") if getattr(data, label) is not None]
    print(f"errors in {' and '.join(given)}." if given else "no errors given.")
    if data.x.size <= len(model.names):
        needed = f"{len(model.names)} parameters and their errors need at least {len(model.names) + 1}"
        raise UserError(f"{path} has {data.x.size} points; {needed}")
    best = fit(model, data)
    # In units of their errors the parameters are alike, which gradient descent needs; a perfect fit has none.
    known = np.isfinite(best.errors) & (best.errors > 0)
    scale = np.where(known, best.errors, np.maximum(np.abs(best.values), 1.0))
    problem = Problem(model, data, scale)
    chi2, start = problem.chi2(), model.guess(data) / scale
    check(chi2, start)
    run = descend(problem, chi2, start, best.values)
    bound = constrain(problem, chi2, best)
    draw(output, problem, best, run, bound)


def main() -> None:
    """Read the command line and keep every complaint to one sentence."""
    parser = argparse.ArgumentParser(description="Fit, check, constrain and draw a table of measurements.")
    parser.add_argument("file", type=Path, nargs="?", default=HUBBLE, help="CSV with x, y, sigma, sigma_x")
    parser.add_argument("--model", choices=MODELS, default="line", help="the curve to fit")
    parser.add_argument("--output", type=Path, default=Path("quickstart.png"), help="where the figure goes")
    options = parser.parse_args()
    # The report says in its own words what did not converge.
    warnings.simplefilter("ignore", cm.ConvergenceWarning)
    # What overflows is not worth going on with.
    warnings.simplefilter("error", RuntimeWarning)
    try:
        analyze(options.file, options.model, options.output)
    except (UserError, cm.CalcmlError, ValueError) as error:
        sys.exit(f"quickstart: {error}")
    except RuntimeWarning as error:
        sys.exit(f"quickstart: {options.file} has numbers too large or too small to calculate with: {error}")


if __name__ == "__main__":
    main()
