"""Compare the rules for the step, the default and the published searches, on the hard derivatives.

    python benchmarks/step_rules.py                          the table
    python benchmarks/step_rules.py --formula central-4      one formula
    python benchmarks/step_rules.py --table FILE             the table into a file, as the docs show it

Each rule chooses the step of the same formulas.  The last column counts what is left of six digits when the
smooth cases are taken in other units of x, and with the origin moved to 1 and 1000.  Evaluations are those of
the search and of the estimate together.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from step_schemes import measure, progress, summarize

import calcml as cm
from calcml.schemes import (
    Central,
    CurtisReid,
    DumontetVignes,
    Forward,
    GillMurray,
    MoreWild,
    Relative,
    Shi,
    SteplemanWinarsky,
    StepRule,
)
from calcml.testing import DerivativeCase, derivative_cases, digits, scaled

RULES: tuple[tuple[str, StepRule], ...] = (
    ("relative", Relative()),
    ("Gill-Murray", GillMurray()),
    ("Curtis-Reid", CurtisReid()),
    ("  original", CurtisReid(original=True)),
    ("Dumontet-Vignes", DumontetVignes()),
    ("Stepleman-Winarsky", SteplemanWinarsky()),
    ("Shi", Shi()),
    ("Moré-Wild", MoreWild()),
)
FORMULAS: dict[str, Central | Forward] = {
    "central-2": Central(),
    "forward-1": Forward(),
    "central-4": Central(order=4),
    "central-8": Central(order=8),
}


@dataclass(frozen=True)
class Row:
    """One rule with one formula."""

    formula: str
    rule: str
    six_digits: int
    median_digits: float
    holds: int
    silently_wrong: int
    median_nfev: float
    moved_six_digits: int


def moved_cases() -> list[DerivativeCase]:
    """Return the smooth cases in other units of x, and with the origin at 1 and 1000."""
    smooth = derivative_cases("smooth")
    units = [scaled(case, s=s) for case in smooth for s in 10.0 ** np.arange(-8, 9, 2)]
    origins = [
        scaled(case, c=c, s=s) for c in (1.0, 1000.0) for case in smooth for s in 10.0 ** np.arange(-5, 0)
    ]
    return units + origins


def judge(name: str, rule: str, cases: Sequence[DerivativeCase], moved: Sequence[DerivativeCase]) -> Row:
    """Run one rule with one formula over all cases."""
    scheme = replace(FORMULAS[name], step=dict(RULES)[rule])
    row = summarize([measure(rule, scheme, case) for case in cases])[0]
    kept = 0
    for case in moved:
        with np.errstate(all="ignore"):
            value = cm.estimate_derivative(case.f, case.x, scheme=scheme).value
        kept += int(digits(value, case.exact()) >= 6)
    return Row(
        name, rule, row.six_digits, row.median_digits, row.holds, row.silently_wrong, row.median_nfev, kept
    )


def table(rows: Sequence[Row], cases: int, moved: int) -> str:
    """Return the rows, formula by formula, as text."""
    lines: list[str] = []
    for name in dict.fromkeys(row.formula for row in rows):
        scheme = FORMULAS[name]
        head = f"{type(scheme).__name__}(order={scheme.order})"
        lines += [
            f"{head:<20}>= 6  median  holds  silent  evals   moved",
            f"{'':<20}      digits          wrong           >= 6",
        ]
        lines += [
            f"{row.rule:<20}{row.six_digits:>4}{row.median_digits:>8.1f}{row.holds:>7}"
            f"{row.silently_wrong:>8}{row.median_nfev:>7.0f}{row.moved_six_digits:>8}"
            for row in rows
            if row.formula == name
        ]
        lines.append("")
    note = f"{cases} cases, {moved} moved ones; holds: the estimated error covers the true one"
    return "\n".join([*lines, note])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--formula", choices=list(FORMULAS), help="this formula alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="write the printed table, as the docs show"
    )
    options = parser.parse_args(arguments)
    cases, moved = derivative_cases(), moved_cases()
    formulas = [options.formula] if options.formula else list(FORMULAS)
    work = [(name, rule) for name in formulas for rule, _ in RULES]
    rows = [judge(name, rule, cases, moved) for name, rule in progress(work, "rules")]
    text = table(rows, len(cases), len(moved))
    print(text)
    if options.table is not None:
        options.table.write_text(text + "\n")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
