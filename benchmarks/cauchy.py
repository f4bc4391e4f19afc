"""Taylor coefficients by Cauchy's integral: digits that are right, digits that are claimed, evaluations.

    python benchmarks/cauchy.py                       the table
    python benchmarks/cauchy.py --orders 1 2 30       other orders
    python benchmarks/cauchy.py --table FILE          the table into a file, as the docs show it

Each entry is one derivative by itself; a Taylor series takes all of its coefficients from common circles.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import calcml as cm
from calcml.schemes import Cauchy
from calcml.testing import digits

ORDERS = (1, 2, 5, 10, 20, 50)
NAME, COLUMN = 16, 14  # widths of the names and of one order
# Terms of the sum over the poles of tan: the first of them alone decides from the fourth order on.
POLES = 3000


@dataclass(frozen=True)
class Case:
    """A function, a point, and its Taylor coefficients there."""

    name: str
    f: Callable[[Any], Any]
    x: float
    coefficient: Callable[[int], float]


def of_tan(k: int) -> float:
    """Return the k-th coefficient of tan at 0, as a sum over its poles."""
    if k <= 1:
        return float(k)
    return (
        2 * (2 / math.pi) ** (k + 1) * sum((2 * j + 1.0) ** -(k + 1) for j in range(POLES)) if k % 2 else 0.0
    )


def of_witch(k: int) -> float:
    """Return the k-th coefficient of 1 / (1 + x²) at 0.5, from its partial fractions."""
    return float(((-1) ** k * (1 / (0.5 - 1j) ** (k + 1) - 1 / (0.5 + 1j) ** (k + 1)) / 2j).real)


def of_wave(k: int) -> float:
    """Return the k-th coefficient of sin(1000 x) at 1."""
    turn = (np.sin, np.cos)[k % 2](1000.0) * (1, 1, -1, -1)[k % 4]
    return float(1000.0**k / math.factorial(k) * turn)


def of_log(k: int) -> float:
    """Return the k-th coefficient of log at 1e-8; infinity where the derivative is beyond all numbers."""
    return (-1) ** (k + 1) / k * 1e8**k if k < 38 else math.inf


CASES = (
    Case("exp at 0", np.exp, 0.0, lambda k: 1 / math.factorial(k)),
    Case("1/(1-x) at 0", lambda x: 1 / (1 - x), 0.0, lambda _: 1.0),
    Case("tan at 0", np.tan, 0.0, of_tan),
    Case("1/(1+x²) at 0.5", lambda x: 1 / (1 + x * x), 0.5, of_witch),
    Case("sin(1000x) at 1", lambda x: np.sin(1000 * x), 1.0, of_wave),
    Case("log at 1e-8", np.log, 1e-8, of_log),
    Case("exp at 1e-150", np.exp, 1e-150, lambda k: 1 / math.factorial(k)),
)


def entry(case: Case, n: int) -> str:
    """Return what became of one derivative: digits, claimed digits and evaluations."""
    exact = math.factorial(n) * case.coefficient(n)
    if exact == 0:
        return "zero"
    if not math.isfinite(exact):
        return "out of range"
    estimate = cm.estimate_derivative(case.f, case.x, n, scheme=Cauchy())
    claimed = min(16.0, -math.log10(max(float(estimate.error) / abs(exact), 1e-16)))
    return f"{float(digits(estimate.value, exact)):.1f} {claimed:.1f} {estimate.nfev:>3}"


def table(orders: Sequence[int]) -> str:
    """Return digits, claimed digits and evaluations by function and order as text."""
    lines = [f"{'':<{NAME}}" + "".join(f"{f'n = {n}':>{COLUMN}}" for n in orders)]
    lines += [
        f"{case.name:<{NAME}}" + "".join(f"{entry(case, n):>{COLUMN}}" for n in orders) for case in CASES
    ]
    return "\n".join(
        [*lines, "", "digits that are right, digits that the estimated error claims, evaluations"]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--orders", type=int, nargs="+", default=ORDERS, metavar="N", help="of the derivatives"
    )
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="write the printed table, as the docs show"
    )
    options = parser.parse_args(arguments)
    if min(options.orders) < 1:
        parser.error(f"--orders must be at least 1, got {min(options.orders)}")
    text = table(options.orders)
    print(text)
    if options.table is not None:
        options.table.write_text(text + "\n")


if __name__ == "__main__":
    main()
