"""Compare the errors that a scheme claims with the true ones, family by family of functions.

    python benchmarks/honesty.py                          the table
    python benchmarks/honesty.py --count 400 --seed 7     more points, and other ones
    python benchmarks/honesty.py --order 2                second derivatives, where they are known
    python benchmarks/honesty.py --misses                 the worst point of each family beside it
    python benchmarks/honesty.py --scheme central forward --summary       other schemes, means of groups
    python benchmarks/honesty.py --room 0 inf             bounds that put x at an end, or leave little room

Each family of `honesty_families.py` is a function at random points, with its exact derivative.  Printed are
the share of points with at least six digits, the median digits, the share on which the estimated error covers
the true one, the share that is grossly wrong (a relative error above 0.1 with a good status), and the mean
number of evaluations of points taken one by one.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from honesty_families import Family, families

import calcml as cm
from calcml.testing import digits, honest

# Points whose evaluations are counted one by one: an array costs what its most demanding point costs.
COUNTED = 10
# A relative error above this, with a good status, is grossly wrong.
GROSS = 0.1

Room: TypeAlias = Sequence[float]


@dataclass(frozen=True)
class Row:
    """One family's figures; shares in percent."""

    name: str
    group: str
    cases: int
    six_digits: float
    median_digits: float
    holds: float
    gross: float
    nfev: float
    worst: str


def measure(
    family: Family, n: int, count: int, seed: int, scheme: Any = "adaptive", room: Room | None = None
) -> Row:
    """Differentiate one family at random points, with some room around them, in units of |x|."""
    x, s = family.draw(np.random.default_rng(seed), count)
    with np.errstate(all="ignore"):
        exact = np.asarray(family.derivatives[n - 1](x, s))
        bounds = _around(x, room)
        estimate = cm.estimate_derivative(lambda t: family.f(t, s), x, n, scheme=scheme, bounds=bounds)
    value, good = np.asarray(estimate.value), np.asarray(estimate.status) == cm.Status.OK
    found, holds = digits(value, exact), honest(estimate.error, value, exact)
    with np.errstate(all="ignore"):
        gross = good & ~(np.abs(value - exact) <= GROSS * np.abs(exact))
        excess = np.abs(value - exact) / np.maximum(estimate.error, 4e-16 * np.abs(exact))
    worst = int(np.nanargmax(np.where(gross, np.inf, excess)))
    return Row(
        family.name,
        family.group,
        count,
        100 * float(np.mean(found >= 6)),
        float(np.median(found)),
        100 * float(np.mean(holds)),
        100 * float(np.mean(gross)),
        statistics.fmean(_evaluations(family, x[k], np.broadcast_to(s, x.shape)[k], n, scheme, room)
                         for k in range(min(COUNTED, count))),
        f"x = {float(x[worst])!r}, s = {float(np.broadcast_to(s, x.shape)[worst])!r}: {value[worst]:.6g} ± "
        f"{estimate.error[worst]:.1g}, exact {exact[worst]:.6g}",
    )  # fmt: skip


def _around(x: Any, room: Room | None) -> tuple[Any, Any] | None:
    if room is None:
        return None
    size = np.where(x != 0, np.abs(x), 1.0)
    down, up = ((size * share if share else 0.0 * size) for share in room)
    return x - down, x + up


def _evaluations(family: Family, x: Any, s: Any, n: int, scheme: Any, room: Room | None) -> int:
    with np.errstate(all="ignore"):
        f, bounds = lambda t: family.f(t, s), _around(x, room)
        return int(cm.estimate_derivative(f, x, n, scheme=scheme, bounds=bounds).nfev)


def total(rows: Sequence[Row], name: str) -> Row:
    """Return the means over some families; of the digits, the median."""
    means = [
        statistics.fmean(getattr(row, field) for row in rows)
        for field in ("six_digits", "holds", "gross", "nfev")
    ]
    middle = statistics.median(row.median_digits for row in rows)
    return Row(name, name, sum(row.cases for row in rows), means[0], middle, means[1], means[2], means[3], "")


def table(rows: Sequence[Row], *, misses: bool = False, summary: bool = False) -> str:
    """Return all rows, by group, as text; or the means of the groups alone."""
    lines = [
        f"{'':<32}{'>= 6':>7}{'median':>8}{'holds':>8}{'grossly':>9}{'evalu-':>8}",
        f"{'family':<32}{'digits':>7}{'digits':>8}{'':>8}{'wrong':>9}{'ations':>8}",
    ]
    for group in dict.fromkeys(row.group for row in rows):
        own = [row for row in rows if row.group == group]
        mean = _line(total(own, f"  all of {group}"), misses=False)
        if summary:
            lines.append(mean)
        else:
            lines += ["", *(_line(row, misses=misses) for row in own), *([mean] if len(own) > 1 else [])]
    lines += ["", _line(total(rows, f"all {len(rows)} families"), misses=False)]
    return "\n".join(lines)


def _line(row: Row, *, misses: bool) -> str:
    text = (
        f"{row.name:<32}{row.six_digits:>6.1f}%{row.median_digits:>8.1f}{row.holds:>7.1f}%{row.gross:>8.2f}%"
        f"{row.nfev:>8.0f}"
    )
    return f"{text}   {row.worst}" if misses else text


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, metavar="K", help="points per family (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="where the points are drawn (default 0)")
    parser.add_argument(
        "--order", type=int, default=1, metavar="N", help="order of the derivative (default 1)"
    )
    parser.add_argument(
        "--scheme",
        default=["adaptive"],
        nargs="+",
        metavar="NAME",
        help="names of schemes (default adaptive)",
    )
    parser.add_argument(
        "--room",
        type=float,
        nargs=2,
        metavar=("DOWN", "UP"),
        help="bounds this far from x, in units of |x|; 0 and inf are possible (default none)",
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="families whose name or group contains this"
    )
    parser.add_argument("--misses", action="store_true", help="print the worst point of each family")
    parser.add_argument("--summary", action="store_true", help="print the means of the groups alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="write the printed table, as the docs show"
    )
    options = parser.parse_args(arguments)
    chosen = [
        family
        for family in families()
        if len(family.derivatives) >= options.order and options.only in f"{family.name} {family.group}"
    ]
    if options.room is not None and not min(options.room) >= 0:
        parser.error(f"--room {options.room} must be two numbers of at least 0")
    if not chosen:
        parser.error(f"no family with --order {options.order} matches --only {options.only!r}")
    runs = {
        name: [
            measure(family, options.order, options.count, options.seed, name, options.room)
            for family in chosen
        ]
        for name in options.scheme
    }
    texts = [table(rows, misses=options.misses, summary=options.summary) for rows in runs.values()]
    if len(runs) > 1:
        texts = [f"scheme={name!r}\n{text}" for name, text in zip(runs, texts, strict=True)]
    text = "\n\n".join(texts)
    print(text)
    if options.table is not None:
        options.table.write_text(text + "\n")
    if options.json is not None:
        rows = [{"scheme": name, **asdict(row)} for name, rows in runs.items() for row in rows]
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
