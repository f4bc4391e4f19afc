"""Minimizers over the catalogue of `calcml.testing`: what they solve, and whether they know it.

    python benchmarks/optimizers.py [--methods bfgs newton] [--gradient exact] [--cases] [--json FILE]

A problem is solved if f - f* <= 1e-8 (f_0 - f*), for the global or a listed local minimum (Moré and
Wild 2009).
A lie is a success that is not solved, a shy run a solved one that reports a failure.  The functions without a
minimum are right if the run ends without success.  Every method runs with its default options; SciPy's
BFGS stands next to them.  Methods that take thousands of gradients run with differences only if asked to.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import calcml as cm
from calcml.testing import MinimumCase, minimum_cases

METHODS = ("bfgs", "lbfgs", "newton", "steepest", "momentum", "nesterov", "barzilai-borwein")
PEERS = ("scipy-bfgs", "scipy-bfgs-1e-10", "scipy-l-bfgs-b")
GRADIENTS = ("differences", "exact")


@dataclass(frozen=True)
class Outcome:
    """One run: the verdict, what it cost, and how it ended."""

    case: str
    verdict: str
    nfev: int
    ngev: int
    seconds: float
    status: str


def verdict(case: MinimumCase, x: Any, success: bool) -> str:
    """Compare what a run claims with what it reached."""
    if case.x is None and not np.isfinite(case.fun):
        return "lie" if success else "solved"
    if case.solved_locally(x):
        return "solved" if success else "shy"
    return "lie" if success else "failed"


def run_case(method: str, case: MinimumCase, exact: bool) -> Outcome:
    """Run one method on one problem."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = peer(method, case, exact) if method in PEERS else own(method, case, exact)
    seconds = time.perf_counter() - start
    return Outcome(case.name, verdict(case, run.x, bool(run.success)), *run.counts, seconds, run.status)


@dataclass(frozen=True)
class Run:
    """What both libraries tell about a run."""

    x: Any
    success: bool
    counts: tuple[int, int]
    status: str


def own(method: str, case: MinimumCase, exact: bool) -> Run:
    """Run calcml."""
    derivatives = {"grad": case.grad, "hess": case.hess} if exact else {}
    result = cm.minimize(case.f, case.x0, method=method, **derivatives)
    return Run(result.x, result.success, (result.nfev, result.ngev), result.status.name)


def peer(method: str, case: MinimumCase, exact: bool) -> Run:
    """Run SciPy: central differences where the gradient is not given, as here."""
    from scipy.optimize import minimize

    options = {"gtol": 1e-10, "maxiter": 10_000} if method.endswith("1e-10") else {}
    name = "L-BFGS-B" if method == "scipy-l-bfgs-b" else "BFGS"
    result = minimize(case.f, case.x0, jac=case.grad if exact else "3-point", method=name, options=options)
    return Run(result.x, result.success, (result.nfev, result.njev if exact else 0), str(result.status))


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Count the verdicts; medians are over the solved problems."""
    counts = {name: sum(o.verdict == name for o in outcomes) for name in ("solved", "shy", "lie", "failed")}
    done = [o for o in outcomes if o.verdict in ("solved", "shy")]
    return counts | {
        "median nfev": statistics.median(o.nfev for o in done) if done else None,
        "median ngev": statistics.median(o.ngev for o in done) if done else None,
        "seconds": round(sum(o.seconds for o in outcomes), 2),
    }


def show(name: str, outcomes: list[Outcome], *, cases: bool) -> None:
    """Print one line of the table, and the problems that were not simply solved."""
    s = summary(outcomes)
    print(
        f"{name:32} {s['solved'] + s['shy']:>6} {s['lie']:>5} {s['shy']:>5} {s['median nfev'] or '-':>11} "
        f"{s['median ngev'] or '-':>11} {s['seconds']:>8.2f}"
    )
    if cases:
        for o in outcomes:
            if o.verdict != "solved":
                print(f"      {o.verdict:7} {o.case:28} {o.status} nfev {o.nfev} ngev {o.ngev}")


SLOW = ("steepest", "momentum", "nesterov", "barzilai-borwein")


def main() -> int:
    """Print the table and write the outcomes."""
    parser = argparse.ArgumentParser(description="Minimizers over the catalogue of problems.")
    parser.add_argument("--methods", nargs="+", default=[*METHODS, *PEERS], choices=[*METHODS, *PEERS])
    parser.add_argument("--gradient", nargs="+", choices=GRADIENTS, help="both, but for the slow methods")
    parser.add_argument("--cases", action="store_true", help="list the problems that were not simply solved")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome to this file")
    options = parser.parse_args()

    problems = minimum_cases()
    print(f"{len(problems)} problems; seconds are for all of them")
    heads = f"{'solved':>6} {'lies':>5} {'shy':>5} {'median nfev':>11} {'median ngev':>11} {'seconds':>8}"
    print(f"{'method':32} {heads}")
    table: dict[str, list[dict[str, Any]]] = {}
    for gradient in options.gradient or GRADIENTS:
        for method in options.methods:
            if options.gradient is None and gradient == "differences" and method in SLOW:
                continue
            outcomes = [run_case(method, case, gradient == "exact") for case in problems]
            name = f"{method}, {gradient}"
            show(name, outcomes, cases=options.cases)
            table[name] = [asdict(outcome) for outcome in outcomes]
    if options.json is not None:
        options.json.write_text(json.dumps(table, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
