"""Compare every differentiation scheme over the catalogue of hard derivatives, or on a function of your own.

    python benchmarks/step_schemes.py                                    the table
    python benchmarks/step_schemes.py --json schemes.json --plot schemes.png
    python benchmarks/step_schemes.py --function math:exp --at 1.0       one function

Digits, the estimated error and its honesty, evaluations and time are measured afresh in every run.  Time is
given in units of the bare evaluations: 1 would be a scheme that costs nothing beside them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import calcml as cm
from calcml.schemes import Adaptive, Backward, Cauchy, Central, ComplexStep, Forward, Richardson, Scheme
from calcml.testing import DerivativeCase, derivative_cases, digits, honest

SCHEMES: tuple[tuple[str, Scheme], ...] = (
    ("forward 1", Forward()),
    ("forward 2", Forward(order=2)),
    ("backward 1", Backward()),
    ("central 2", Central()),
    ("central 4", Central(order=4)),
    ("central 6", Central(order=6)),
    ("central 8", Central(order=8)),
    ("complex step", ComplexStep()),
    ("Cauchy", Cauchy()),
    ("Richardson", Richardson()),
    ("Ridders", Richardson(levels=10, ratio=1.4, stop="ridders")),
    ("adaptive", Adaptive()),
)
REPEATS = 5


@dataclass(frozen=True)
class Trial:
    """One scheme on one case."""

    scheme: str
    case: str
    group: str
    value: float
    error: float
    digits: float
    holds: bool
    silently_wrong: bool
    nfev: int
    seconds: float
    bare_seconds: float
    refusal: str


@dataclass(frozen=True)
class Summary:
    """One scheme over all cases."""

    scheme: str
    cases: int
    answered: int
    six_digits: int
    median_digits: float
    holds: int
    silently_wrong: int
    median_nfev: float
    overhead: float


def measure(name: str, scheme: Scheme, case: DerivativeCase) -> Trial:
    """Differentiate one case once for the answer and a few times for the clock."""
    exact = case.exact()
    try:
        with np.errstate(all="ignore"):
            estimate = cm.estimate_derivative(case.f, case.x, scheme=scheme)
            seconds = best_of(lambda: cm.estimate_derivative(case.f, case.x, scheme=scheme))
            bare = best_of(lambda: case.f(np.float64(case.x)))
    except cm.CalcmlError as refusal:
        nothing = float("nan")
        return Trial(
            name, case.name, case.group, nothing, nothing, 0.0, True, False, 0, nothing, nothing, str(refusal)
        )
    value, error = float(estimate.value), float(estimate.error)
    found, holds = float(digits(value, exact)), bool(honest(error, value, exact))
    # Wrong in silence: less than one digit is right, and the estimate claims more than that.
    silent = found < 1 and np.isfinite(value) and error < 0.1 * abs(value) and estimate.success
    return Trial(
        name,
        case.name,
        case.group,
        value,
        error,
        found,
        holds,
        bool(silent),
        estimate.nfev,
        seconds,
        bare,
        "",
    )


def best_of(call: Callable[[], Any]) -> float:
    """Return the least of a few times: what the machine can do when nothing disturbs it."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def progress(items: Sequence[Any], title: str) -> Iterator[Any]:
    """Show a bar on a terminal, nothing elsewhere."""
    if sys.stderr.isatty():
        try:
            from tqdm.auto import tqdm
        except ImportError:
            pass
        else:
            yield from tqdm(items, desc=title, leave=False)
            return
    yield from items


def summarize(trials: Sequence[Trial]) -> list[Summary]:
    """Return one row per scheme, in the order of the trials."""
    rows = []
    for name in dict.fromkeys(trial.scheme for trial in trials):
        own = [trial for trial in trials if trial.scheme == name]
        answered = [trial for trial in own if np.isfinite(trial.value)]
        rows.append(
            Summary(
                scheme=name,
                cases=len(own),
                answered=len(answered),
                six_digits=sum(trial.digits >= 6 for trial in own),
                median_digits=statistics.median(trial.digits for trial in own),
                holds=sum(trial.holds for trial in own),
                silently_wrong=sum(trial.silently_wrong for trial in own),
                median_nfev=statistics.median([trial.nfev for trial in answered] or [0]),
                overhead=statistics.median(
                    [trial.seconds / (trial.nfev * trial.bare_seconds) for trial in answered]
                    or [float("nan")]
                ),
            )
        )
    return rows


def summary_table(rows: Sequence[Summary]) -> str:
    """Return the main table as text."""
    lines = [
        "scheme         answers  >= 6  median  holds  silent  evals     time",
        "                              digits          wrong          / bare",
    ]
    lines += [
        f"{row.scheme:<14}{row.answered:>8}{row.six_digits:>6}{row.median_digits:>8.1f}{row.holds:>7}"
        f"{row.silently_wrong:>8}{row.median_nfev:>7.0f}{row.overhead:>9.1f}"
        for row in rows
    ]
    note = f"{rows[0].cases} cases; holds: the estimated error covers the true one; time / bare evaluations"
    return "\n".join([*lines, "", note])


def group_table(trials: Sequence[Trial]) -> str:
    """Return mean digits per group of cases as text."""
    groups = list(dict.fromkeys(trial.group for trial in trials))
    lines = ["mean digits by group", f"{'':<12}" + "".join(f"{group:>12}" for group in groups)]
    for name in dict.fromkeys(trial.scheme for trial in trials):
        means = [
            statistics.fmean(t.digits for t in trials if t.scheme == name and t.group == group)
            for group in groups
        ]
        lines.append(f"{name:<12}" + "".join(f"{mean:>12.1f}" for mean in means))
    return "\n".join(lines)


def draw(trials: Sequence[Trial], path: Path) -> None:
    """Draw digits against evaluations, and the estimated error against the true one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = list(dict.fromkeys(trial.scheme for trial in trials))
    rows = summarize(trials)
    for k, (name, row) in enumerate(zip(names, rows, strict=True)):
        style = {"marker": "osD^v"[k % 5], "color": f"C{k}", "linestyle": "none", "clip_on": False}
        left.plot(row.median_nfev, row.median_digits, label=name, **style)
        own = [t for t in trials if t.scheme == name and np.isfinite(t.value) and t.value != 0]
        claimed = np.clip([t.error / abs(t.value) for t in own], 1e-17, 1e3)
        right.plot([10**-t.digits for t in own], claimed, ms=4, alpha=0.7, **style)
    left.set(xlabel="evaluations (median)", ylabel="correct digits (median)", xlim=(0, None), ylim=(0, 16.5))
    left.legend(fontsize=8, loc="lower right")
    span = [1e-16, 1.0]
    right.plot(span, span, color="0.5", lw=1)
    right.set(xscale="log", yscale="log", xlabel="true relative error", ylabel="estimated relative error")
    right.set(xlim=(1e-16, 1.0), ylim=(1e-17, 1e3))
    right.text(
        0.04, 0.96, "above the line: the estimate holds", transform=right.transAxes, va="top", fontsize=8
    )
    figure.savefig(path, dpi=150)


def own_function(spec: str, at: float, exact: float | None) -> None:
    """Compare the schemes on one function."""
    module_name, _, name = spec.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        f = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        sys.exit(f"--function {spec!r} must be module:name of a function that can be imported: {error}")
    try:
        comparison = cm.compare_schemes(f, at, [scheme for _, scheme in SCHEMES], exact)
    except (TypeError, ValueError) as error:
        sys.exit(f"--function {spec} at {at} cannot be compared: {error}")
    print(comparison)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every trial and the summary")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="write the printed tables, as the docs show"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw digits, evaluations and honesty")
    parser.add_argument("--function", metavar="MODULE:NAME", help="compare on this function instead")
    parser.add_argument("--at", type=float, metavar="X", help="where, with --function")
    parser.add_argument("--exact", type=float, metavar="Y", help="its exact derivative there, if known")
    options = parser.parse_args(arguments)
    if (options.function is None) != (options.at is None):
        parser.error("--function and --at go together")
    if options.function is not None:
        own_function(options.function, options.at, options.exact)
        return
    cases = derivative_cases()
    work = [(name, scheme, case) for name, scheme in SCHEMES for case in cases]
    trials = [measure(*item) for item in progress(work, "schemes")]
    rows = summarize(trials)
    tables = f"{summary_table(rows)}\n\n{group_table(trials)}"
    print(tables)
    if options.table is not None:
        options.table.write_text(tables + "\n")
    if options.json is not None:
        content = {"summary": [asdict(row) for row in rows], "trials": [asdict(trial) for trial in trials]}
        options.json.write_text(json.dumps(content, indent=1))
        print(f"\nwrote {options.json}")
    if options.plot is not None:
        draw(trials, options.plot)
        print(f"wrote {options.plot}")


if __name__ == "__main__":
    main()
