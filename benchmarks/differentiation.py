"""Time, accuracy and memory of every way to differentiate, calcml's and its peers', in one run.

    python benchmarks/differentiation.py                                  every job
    python benchmarks/differentiation.py --only gradient-100 hessian-50
    python benchmarks/differentiation.py --accuracy                       digits and honesty on hard cases
    python benchmarks/differentiation.py --quick                          small sizes, a few seconds
    python benchmarks/differentiation.py --from a.json b.json             the tables of earlier runs together

The floor of a job is nothing but the calls of f that a formula needs, at prepared points; every time is given
as a ratio to the floor of its own formula.  All methods of a job and its floors take turns, one thread each.
Digits are those of the worst entry, relative to the largest.  Peers that are not installed are skipped.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when NumPy is imported
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _clock import Effort, peak_memory, race
from _peers import Method, missing
from differentiation_jobs import FULL, QUICK, Bar, Job
from differentiation_tables import Row, in_units, read, summary, table, verdict
from step_schemes import progress

QUICK_EFFORT = Effort(rounds=1, samples=2, sample_seconds=0.0, call_seconds=0.0)


def worst_digits(value: Any, exact: Any) -> float:
    """Return the digits of the worst entry, relative to the largest exact one; for sparse matrices too."""
    gap = abs(value - exact)
    size = np.max(abs(exact)) if isinstance(exact, np.ndarray) else abs(exact).max()
    with np.errstate(divide="ignore"):
        digits = -np.log10(float(gap.max() / size))
    return 0.0 if np.isnan(digits) else max(0.0, min(16.0, float(digits)))


class Counter:
    """Count the points at which f is evaluated: one a call, the columns of a batch, or parts of all of x."""

    def __init__(self, f: Any, size: int) -> None:
        self.f, self.size, self.numbers = f, size, 0

    def __call__(self, x: Any) -> Any:
        """Evaluate f."""
        self.numbers += np.size(x)
        return self.f(x)

    @property
    def points(self) -> int:
        """Number of points of as many numbers as x has."""
        return round(self.numbers / self.size)


def function_of(job: Job, method: Method) -> Any:
    """Return the form of f that a method needs."""
    return job.traced if method.form == "traced" else job.f


def judge(job: Job, method: Method) -> tuple[Row | None, str]:
    """Run a method once for its digits, calls and memory; return the unfinished row or why there is none."""
    counted = Counter(function_of(job, method), np.size(job.x[0] if isinstance(job.x, tuple) else job.x))
    try:
        with np.errstate(all="ignore"):
            value, memory = peak_memory(lambda: method.run(counted, job.x))
            found = worst_digits(value, job.exact)
    except Exception as error:  # noqa: BLE001 - whatever a peer raises is its result
        return None, f"{type(error).__name__}: {error}"
    points = None if method.form == "traced" else counted.points
    return Row(job.name, method.name, None, method.floor, None, points, found, memory, (), True), ""


def measure(job: Job, effort: Effort) -> list[Row]:
    """Race all methods of a job against its floors."""
    judged = [(method, *judge(job, method)) for method in job.methods]
    runs = {f"floor: {text}": call for text, call in job.floors.values()}
    for method, row, _ in judged:
        if row is not None:
            runs[method.name] = partial(method.run, function_of(job, method), job.x)
    with np.errstate(all="ignore"):
        seconds = race(runs, effort)
    floors = {name: (text, seconds[f"floor: {text}"]) for name, (text, _) in job.floors.items()}
    figures = {
        method.name: figures_of(seconds[method.name], floors[method.floor][1], row.memory)
        for method, row, _ in judged
        if row is not None
    }
    rows = [
        Row(job.name, f"floor: {text}", time, text, 1.0, None, None, None, (), True)
        for text, time in dict(floors.values()).items()
    ]
    for method, row, refusal in judged:
        bars = job.bars.get(method.name, ())
        if row is None:
            rows.append(refused(job, method, refusal, bars))
        else:
            rows.append(finish(row, floors[method.floor][0], bars, figures))
    return rows


def refused(job: Job, method: Method, refusal: str, bars: Sequence[Bar]) -> Row:
    """Return the row of a method that raised; its bars are missed."""
    sentences = tuple(f"bar {in_units(bar.kind, bar.limit)}, got {refusal:.40}" for bar in bars)
    return Row(job.name, method.name, None, "", None, None, None, None, sentences, not bars, refusal)


def figures_of(seconds: float, bare: float, memory: int | None) -> dict[str, float]:
    """Return what bars speak of, by kind."""
    return {"ratio": seconds / bare, "over": seconds - bare, "time": seconds, "memory": memory or 0}


def finish(row: Row, floor: str, bars: Sequence[Bar], figures: Mapping[str, Mapping[str, float]]) -> Row:
    """Enter the time, and what became of the bars."""
    own = figures[row.method]
    sentences = tuple(_sentence(bar, own[bar.kind], figures.get(bar.rival, {})) for bar in bars)
    met = all(own[bar.kind] <= bar.limit for bar in bars)
    fields = asdict(row) | {"seconds": own["time"], "floor": floor, "ratio": own["ratio"]}
    return Row(**fields | {"bars": sentences, "met": met})


def _sentence(bar: Bar, got: float, rival: Mapping[str, float]) -> str:
    text = f"bar {in_units(bar.kind, bar.limit)}, "
    if got <= bar.limit:
        return text + "met"
    text += f"got {in_units(bar.kind, got)}"
    if rival:
        text += f"; of {bar.rival}: bar {bar.share:.2g} x, got {got / rival[bar.kind]:.2g} x"
    return text


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the ratios to the floors, one panel per job, on a white ground."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row.job for row in rows))
    across = min(3, len(names))
    down = -(-len(names) // across)
    figure = Figure(figsize=(5 * across, 4 * down), layout="constrained", facecolor="white")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    for name, panel in zip(names, panels, strict=False):
        own = sorted(
            (r for r in rows if r.job == name and r.digits is not None), key=lambda r: -(r.ratio or 0)
        )
        places = range(len(own))
        colors = ["C0" if row.method.startswith("calcml") else "0.6" for row in own]
        panel.hlines(places, 1, [row.ratio for row in own], colors=colors, lw=2)
        panel.scatter([row.ratio for row in own], places, c=colors, s=24, zorder=3)
        panel.axvline(1, color="0.2", lw=1)
        panel.set_yticks(list(places), [row.method for row in own], fontsize=7)
        panel.set(xscale="log", title=name)
        panel.grid(axis="x", color="0.9")
        panel.set_axisbelow(True)
    figure.supxlabel("time / time of the calls of f alone")
    figure.savefig(path, dpi=110)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="JOB", help="these jobs, by name")
    parser.add_argument("--quick", action="store_true", help="small sizes and few repeats, to see it run")
    parser.add_argument(
        "--accuracy", action="store_true", help="digits and honesty on the hard cases instead"
    )
    parser.add_argument(
        "--from", dest="earlier", type=Path, nargs="+", metavar="JSON", help="read these, measure nothing"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="write the summary, or the tables of --accuracy"
    )
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the ratios")
    options = parser.parse_args(arguments)
    known = QUICK if options.quick else FULL
    for name in options.only or ():
        if name not in known:
            parser.error(f"--only {name!r} must be one of {', '.join(known)}")
    if options.accuracy and (options.plot or options.only):
        parser.error("--accuracy has its own cases and no picture; leave out --only and --plot")
    if options.earlier and (options.accuracy or options.only):
        parser.error("--from measures nothing; leave out --only and --accuracy")
    return options


def speed(options: argparse.Namespace) -> tuple[list[str], dict[str, Any]]:
    """Run the jobs, printing each table as it comes; return the summary and what was measured."""
    rows = read(options.earlier) if options.earlier else run(options)
    tables = [summary(rows), verdict(rows)]
    print("\n\n".join(tables))
    if options.plot is not None:
        draw(rows, options.plot)
        print(f"wrote {options.plot}")
    return tables, {"rows": [asdict(row) for row in rows]}


def run(options: argparse.Namespace) -> list[Row]:
    """Measure the jobs one by one."""
    builders = QUICK if options.quick else FULL
    effort = QUICK_EFFORT if options.quick else Effort()
    rows: list[Row] = []
    for name in progress(options.only or list(builders), "jobs"):
        job = builders[name]()
        own = measure(job, effort)
        rows += own
        print(table(job, own), end="\n\n", flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run."""
    options = parse(arguments)
    absent = [f"not installed, skipped: {name}" for name in missing()]
    print(*absent, sep="\n", end="\n\n" if absent else "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if options.accuracy:
            import differentiation_accuracy

            tables, content = differentiation_accuracy.run(quick=options.quick)
            print("\n\n".join(tables))
        else:
            tables, content = speed(options)
    if options.table is not None:
        options.table.write_text("\n\n".join([*absent, *tables]) + "\n")
    if options.json is not None:
        options.json.write_text(json.dumps(content, indent=1))
        print(f"wrote {options.json}")


if __name__ == "__main__":
    sys.exit(main())
