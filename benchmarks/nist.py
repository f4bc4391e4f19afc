"""Certified regression problems of NIST (StRD), fitted with default settings.

    python benchmarks/nist.py FOLDER [--json FILE]

FOLDER holds the loader ``nist.py`` with the published files beside it; neither is part of this project.  For
each nonlinear set and start, and each linear set, prints the digits (log relative error, the worst parameter
counting) of parameters and standard deviations, the calls of the model and how the fit ended.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from calcml.fitting import FitResult, fit, fit_linear, fit_polynomial


def load(folder: Path) -> ModuleType:
    """Import the loader of the certified sets."""
    spec = importlib.util.spec_from_file_location("nist_strd", folder / "nist.py")
    if spec is None or spec.loader is None or not (folder / "nist.py").is_file():
        sys.exit(f"no loader nist.py in {folder}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(
    name: str, result: FitResult, problem: Any, nist: ModuleType, cap: float, ms: float
) -> dict[str, Any]:
    """Judge one fit."""
    return {
        "name": name,
        "parameters": nist.lre(result.values, problem.cert, cap),
        "deviations": nist.lre(result.errors, problem.sd, cap),
        "iterations": result.nit,
        "calls": result.nfev,
        "status": result.status.name,
        "ms": ms,
    }


def nonlinear(nist: ModuleType) -> list[dict[str, Any]]:
    """Fit the nonlinear sets from both starts."""
    rows = []
    for problem in nist.nonlinear():
        for k, start in enumerate(problem.starts):
            clock = time.perf_counter()
            with np.errstate(all="ignore"):
                result = fit(problem.f, problem.x, problem.y, p0=start)
            ms = 1e3 * (time.perf_counter() - clock)
            rows.append(row(f"{problem.name}/{k + 1}", result, problem, nist, 11.0, ms))
    return rows


def linear(nist: ModuleType) -> list[dict[str, Any]]:
    """Fit the linear sets."""
    rows = []
    for problem in nist.linear():
        clock = time.perf_counter()
        if problem.degree is not None and problem.intercept:
            result = fit_polynomial(problem.x, problem.y, problem.degree)
        else:
            result = fit_linear(problem.X, problem.y)
        ms = 1e3 * (time.perf_counter() - clock)
        rows.append(row(problem.name, result, problem, nist, 15.0, ms))
    return rows


def table(rows: list[dict[str, Any]]) -> None:
    """Print the rows."""
    print(f"{'set':12} {'digits':>7} {'of sd':>6} {'trials':>7} {'calls':>6} {'ms':>7}  status")
    for r in rows:
        print(
            f"{r['name']:12} {r['parameters']:7.1f} {r['deviations']:6.1f} {r['iterations']:7d} "
            f"{r['calls']:6d} {r['ms']:7.1f}  {r['status']}"
        )


def main() -> None:
    """Print both tables and their sums."""
    parser = argparse.ArgumentParser(description="Digits on the certified regression sets of NIST.")
    parser.add_argument("folder", type=Path, help="where nist.py and its data lie")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    nist = load(arguments.folder)
    rows = nonlinear(nist)
    table(rows)
    digits, sd = (np.array([r[key] for r in rows]) for key in ("parameters", "deviations"))
    wrong = sum(r["parameters"] < 4 and r["status"].startswith("CONVERGED") for r in rows)
    print(
        f"{len(rows)} runs: {np.sum(digits >= 6)} with >= 6 digits, {np.sum(digits >= 8)} with >= 8, "
        f"standard deviations {np.sum(sd >= 6)} with >= 6; {wrong} silently wrong; "
        f"{sum(r['calls'] for r in rows)} calls\n"
    )
    straight = linear(nist)
    table(straight)
    print(
        f"{len(straight)} sets: least digits {min(r['parameters'] for r in straight):.1f} of parameters, "
        f"{min(r['deviations'] for r in straight):.1f} of standard deviations"
    )
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"nonlinear": rows, "linear": straight}, indent=1))


if __name__ == "__main__":
    main()
