"""The tables of the benchmark of differentiation: all rows of a job, and a summary beside the peers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from differentiation_jobs import Job

__all__ = ["Row", "in_units", "read", "summary", "table", "verdict"]

NAME = 15  # width of the names of jobs
LARGE = 10e6  # bytes from which on memory is worth a line

# What the summary sets side by side: a head, and for each column its title and the names it may have.
Columns = dict[str, tuple[str, ...]]
SAME_FORMULA: dict[str, Columns] = {
    "forward": {
        "calcml": ("calcml forward",),
        "statsmodels": ("statsmodels forward",),
        "scipy": ("scipy approx_derivative 2-point",),
        "optimagic": ("optimagic forward",),
    },
    "central": {
        "calcml": ("calcml central",),
        "statsmodels": ("statsmodels centered",),
        "scipy": ("scipy approx_derivative 3-point",),
        "optimagic": ("optimagic central", "optimagic"),
    },
    "complex step": {
        "calcml": ("calcml complex",),
        "statsmodels": ("statsmodels complex",),
        "scipy": ("scipy approx_derivative cs",),
        "numdifftools": ("numdifftools complex",),
    },
}
BATCHES: Columns = {
    "central": ("calcml central, vectorized",),
    "central 4": ("calcml central 4, vectorized",),
    "complex": ("calcml complex, vectorized",),
    "autograd": ("autograd (exact)",),
}
MEASURING: Columns = {
    "calcml": ("calcml adaptive",),
    "vectorized": ("calcml adaptive, vectorized",),
    "scipy.diff.": ("scipy.differentiate",),
    "numdifftools": ("numdifftools central",),
    "jacobi": ("jacobi",),
}
MEMORY: Columns = {
    "central": ("calcml central",),
    "adaptive": ("calcml adaptive",),
    "statsmodels": ("statsmodels centered",),
    "scipy": ("scipy approx_derivative 3-point",),
    "scipy.diff.": ("scipy.differentiate",),
    "numdifft.": ("numdifftools central",),
    "jacobi": ("jacobi",),
}


@dataclass(frozen=True)
class Row:
    """One method on one job; a floor is a row without digits, a refusal one without a time."""

    job: str
    method: str
    seconds: float | None
    floor: str
    ratio: float | None
    points: int | None
    digits: float | None
    memory: int | None
    bars: tuple[str, ...]
    met: bool
    refusal: str = ""


def read(paths: Iterable[Path]) -> list[Row]:
    """Return the rows that earlier runs have written as JSON."""
    rows = [row for path in paths for row in json.loads(path.read_text())["rows"]]
    return [Row(**row | {"bars": tuple(row["bars"])}) for row in rows]


def in_units(kind: str, number: float) -> str:
    """Write a ratio, a time or a memory."""
    if kind == "ratio":
        return f"{number:.2f} x" if number < 10 else f"{number:.3g} x"
    if kind == "memory":
        return scaled(number, ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")))
    text = scaled(number, ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")))
    return f"{text} over" if kind == "over" else text


def scaled(number: float, units: Sequence[tuple[float, str]]) -> str:
    """Write a number in the largest of the units that it reaches, or in the smallest."""
    size, unit = next((pair for pair in units if number >= 0.9995 * pair[0]), units[-1])
    return f"{number / size:.3g} {unit}"


def table(job: Job, rows: Sequence[Row]) -> str:
    """Return all rows of a job as text."""
    head = f"{'':<40}{'time':>9}{'/ floor':>9}{'points':>8}{'digits':>7}{'memory':>10}  floor"
    lines = [job.title, head]
    for row in rows:
        if row.seconds is None:
            lines.append(f"{row.method:<40}{'-':>9}  {row.refusal.splitlines()[0][:56]}")
            continue
        line = f"{row.method:<40}{in_units('time', row.seconds):>9}"
        if row.digits is not None:
            line += f"{plain(row.ratio or 0):>9}"
            line += f"{row.points if row.points is not None else '-':>8}{row.digits:>7.1f}"
            line += f"{in_units('memory', row.memory or 0):>10}  {row.floor}"
        lines += [line, *(f"{'':<4}{sentence}" for sentence in row.bars)]
    return "\n".join(lines)


def plain(ratio: float) -> str:
    """Write a ratio without a sign behind it."""
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:.0f}"


def verdict(rows: Sequence[Row]) -> str:
    """Return one line on each bar that was missed."""
    barred = [row for row in rows if row.bars]
    lines = [f"{sum(row.met for row in barred)} of {len(barred)} methods with a bar meet it"]
    for row in barred:
        lines += [f"missed: {row.job}, {row.method}: {bar}" for bar in row.bars if not bar.endswith("met")]
    return "\n".join(lines)


def summary(rows: Sequence[Row]) -> str:
    """Return calcml beside its peers, with the same formulas and with each one's most careful method."""
    jobs = {name: [row for row in rows if row.job == name] for name in dict.fromkeys(row.job for row in rows)}
    blocks = []
    for formula, columns in SAME_FORMULA.items():
        head = f"{formula}: time / time of the bare calls of f, and digits"
        blocks.append(block(head, jobs, columns, _ratio, floors=True))
    blocks += [
        block("f takes many points in one call, or is traced: time, and digits", jobs, BATCHES, _time),
        block("methods that measure the error: time, and digits", jobs, MEASURING, _time),
    ]
    large = {name: own for name, own in jobs.items() if any((row.memory or 0) > LARGE for row in own)}
    blocks.append(block("memory beyond x, where a method takes more than 10 MB", large, MEMORY, _memory))
    return "\n\n".join(text for text in blocks if text)


def block(
    head: str,
    jobs: dict[str, list[Row]],
    columns: Columns,
    write: Callable[[Row], str],
    *,
    floors: bool = False,
) -> str:
    """Return one block of the summary, one line for each job that calcml's first method of it has run."""
    width = 12 if write is _memory else 14
    lines = []
    for name, rows in jobs.items():
        found = [fastest(rows, names) for names in columns.values()]
        if found[0] is None or found[0].seconds is None:
            continue
        line = f"{name:<{NAME}}"
        if floors:
            line += f"{in_units('time', found[0].seconds / (found[0].ratio or 1)):>9}"
        lines.append(line + "".join(f"{write(row) if row else '-':>{width}}" for row in found))
    if not lines:
        return ""
    titles = f"{'':<{NAME}}{'bare':>9}" if floors else f"{'':<{NAME}}"
    return "\n".join([head, titles + "".join(f"{title:>{width}}" for title in columns), *lines])


def fastest(rows: Sequence[Row], names: Sequence[str]) -> Row | None:
    """Return the fastest of the methods of these names, with any options of a peer behind them."""
    own = [
        row
        for row in rows
        for name in names
        if row.method == name or (row.method.startswith(f"{name},") and not name.startswith("calcml"))
    ]
    return min(own, key=lambda row: row.seconds or float("inf"), default=None)


def _ratio(row: Row) -> str:
    return "raises" if row.seconds is None else f"{plain(row.ratio or 0)} {row.digits:>4.1f}"


def _time(row: Row) -> str:
    return "raises" if row.seconds is None else f"{in_units('time', row.seconds)} {row.digits:>4.1f}"


def _memory(row: Row) -> str:
    return "raises" if row.seconds is None else in_units("memory", row.memory or 0)
