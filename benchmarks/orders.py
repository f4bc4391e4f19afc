"""Derivatives of order 1 to 10 by the default scheme: digits, honesty and evaluations, order by order.

    python benchmarks/orders.py                          the table
    python benchmarks/orders.py --count 100 --seed 7     more points, and other ones
    python benchmarks/orders.py --json FILE              every derivative by itself

Each family is a smooth function at random points with its exact derivatives; all orders see the same points.
An estimate holds and a value is grossly wrong where `honesty.py` says so.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from honesty import GROSS
from honesty_families import Draw, between, decades

import calcml as cm
from calcml.testing import digits, honest

ORDERS = tuple(range(1, 11))
NAME, COLUMN = 30, 7  # widths of the names and of one order


@dataclass(frozen=True)
class Family:
    """A smooth function, its n-th derivative at x, and how the points are drawn."""

    name: str
    f: Callable[[Any], Any]
    derivative: Callable[[int, float], float]
    draw: Draw


@dataclass(frozen=True)
class Trial:
    """One derivative."""

    family: str
    n: int
    x: float
    value: float
    error: float
    exact: float
    digits: float
    good: bool
    holds: bool
    gross: bool
    nfev: int


def of_wave(n: int, x: float) -> float:
    """Return the n-th derivative of sin."""
    return (np.sin, np.cos)[n % 2](x) * (1, 1, -1, -1)[n % 4]


def of_log(n: int, x: float) -> float:
    """Return the n-th derivative of log."""
    return -((-1) ** n) * math.factorial(n - 1) * x**-n


def of_power(p: float, n: int, x: float) -> float:
    """Return the n-th derivative of x^p."""
    return math.prod(p - k for k in range(n)) * x ** (p - n)


def of_witch(n: int, x: float) -> float:
    """Return the n-th derivative of 1/(1+x²), the imaginary part of 1/(x-i)."""
    return (-1) ** n * math.factorial(n) * (1 / (x - 1j) ** (n + 1)).imag


def of_tangent(sign: int, n: int, t: float) -> float:
    """Return the n-th derivative of tan (sign 1) or tanh (sign -1) where its value is t."""
    polynomial = np.polynomial.Polynomial([0, 1])
    for _ in range(n):
        # The chain rule: the derivative of t itself is 1 + t², or 1 - t².
        polynomial = polynomial.deriv() * np.polynomial.Polynomial([1, 0, sign])
    return polynomial(t)


def families() -> list[Family]:
    """Return all families; no argument is rounded inside f, so that the answers are exact at x as it is."""
    return [
        Family("exp near 1", np.exp, lambda _, x: np.exp(x), between(0.5, 1.5)),
        Family("sin near 1", np.sin, of_wave, between(0.5, 1.5)),
        Family("sin(1024 x) near 1", lambda x: np.sin(1024 * x),
               lambda n, x: 1024.0**n * of_wave(n, 1024 * x), between(0.5, 1.5)),
        Family("log at 1e-8…1e-2", np.log, of_log, decades(-8, -2)),
        Family("1/(1+x²) on [-2, 2]", lambda x: 1 / (1 + x * x), of_witch, between(-2, 2)),
        Family("exp(2²⁷ x) at 1e-8", lambda x: np.exp(2.0**27 * x),
               lambda n, x: 2.0 ** (27 * n) * np.exp(2.0**27 * x), between(0.5e-8, 1.5e-8)),
        Family("sqrt at 1e-12…1e-6", np.sqrt, lambda n, x: of_power(0.5, n, x), decades(-12, -6)),
        Family("tanh(x - 1000) at 1000.3", lambda x: np.tanh(x - 1000),
               lambda n, x: of_tangent(-1, n, np.tanh(x - 1000)), between(1000.2, 1000.4)),
        Family("x^1.5 at 1e10…1e20", lambda x: x**1.5, lambda n, x: of_power(1.5, n, x), decades(10, 20)),
        Family("tan 1e-4…1e-2 before π/2", np.tan, lambda n, x: of_tangent(1, n, np.tan(x)),
               lambda rng, k: (np.pi / 2 - 10 ** rng.uniform(-4, -2, k), 1.0)),
    ]  # fmt: skip


def measure(family: Family, n: int, count: int, seed: int, scheme: Any = "adaptive") -> list[Trial]:
    """Differentiate one family at random points, one by one: an array costs what its worst point costs."""
    points = family.draw(np.random.default_rng(seed), count)[0].tolist()
    return [_trial(family, n, x, scheme) for x in points]


def _trial(family: Family, n: int, x: float, scheme: Any) -> Trial:
    exact = float(family.derivative(n, x))
    with np.errstate(all="ignore"):
        estimate = cm.estimate_derivative(family.f, x, n, scheme=scheme)
    value, error = float(estimate.value), float(estimate.error)
    good = bool(estimate.success)
    return Trial(
        family.name,
        n,
        x,
        value,
        error,
        exact,
        float(digits(value, exact)),
        good,
        bool(honest(error, value, exact)),
        good and not abs(value - exact) <= GROSS * abs(exact),
        estimate.nfev,
    )


def claimed(trial: Trial) -> float:
    """Return the digits that the estimated error claims."""
    return float(digits(abs(trial.value) + trial.error, abs(trial.value)))


def table(trials: Sequence[Trial]) -> str:
    """Return the digits by family and order, and the figures over all families, as text."""
    columns = {n: [trial for trial in trials if trial.n == n] for n in ORDERS}
    names = list(dict.fromkeys(trial.family for trial in trials))
    lines = [_line("median digits", (f"n = {n}" for n in ORDERS))]
    for name in names:
        own = ([t.digits for t in column if t.family == name] for column in columns.values())
        lines.append(_line(name, (f"{statistics.median(found):.1f}" for found in own)))
    lines += ["", f"all {len(names)} families"]
    for name, figure in FIGURES:
        lines.append(_line(name, (figure(column) for column in columns.values())))
    return "\n".join(lines)


def _line(name: str, cells: Any) -> str:
    return f"{name:<{NAME}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells)


def _share(chosen: Callable[[Trial], bool]) -> Callable[[Sequence[Trial]], str]:
    return lambda trials: f"{100 * statistics.fmean(chosen(trial) for trial in trials):.1f}%"


FIGURES: tuple[tuple[str, Callable[[Sequence[Trial]], str]], ...] = (
    ("median digits", lambda trials: f"{statistics.median(trial.digits for trial in trials):.1f}"),
    ("median digits claimed", lambda trials: f"{statistics.median(map(claimed, trials)):.1f}"),
    ("good status", _share(lambda trial: trial.good)),
    ("2 digits or no good status", _share(lambda trial: trial.digits >= 2 or not trial.good)),
    ("the estimate holds", _share(lambda trial: trial.holds)),
    ("grossly wrong", _share(lambda trial: trial.gross)),
    ("median evaluations", lambda trials: f"{statistics.median(trial.nfev for trial in trials):.0f}"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20, metavar="N", help="points per family (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="where the points are drawn (default 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every derivative")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="write the printed table, as the docs show"
    )
    options = parser.parse_args(arguments)
    if options.count < 1:
        parser.error(f"--count must be at least 1, got {options.count}")
    trials = [
        trial
        for family in families()
        for n in ORDERS
        for trial in measure(family, n, options.count, options.seed)
    ]
    text = table(trials)
    print(text)
    if options.table is not None:
        options.table.write_text(text + "\n")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(trial) for trial in trials], indent=1))


if __name__ == "__main__":
    main()
