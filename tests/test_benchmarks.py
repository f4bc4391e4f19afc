"""The comparisons of schemes, of step rules and of orders run, and the summary beside peers is right."""

import importlib
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from calcml.testing import derivative_cases

FOLDER = Path(__file__).parent.parent / "benchmarks"
MODULES = ("step_schemes", "step_rules", "cauchy", "differentiation_tables")


@pytest.fixture(scope="module")
def load():
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        yield importlib.import_module
    for name in MODULES:
        if name not in before:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def script(load):
    return load("step_schemes")


@pytest.fixture(scope="module")
def rules(load):
    return load("step_rules")


@pytest.fixture(scope="module")
def cauchy(load):
    return load("cauchy")


@pytest.fixture(scope="module")
def tables(load):
    return load("differentiation_tables")


def test_trials_are_measured_and_summarized(script):
    cases = [case for case in derivative_cases() if case.name in ("exp", "sin", "log")]
    trials = [script.measure(name, scheme, case) for name, scheme in script.SCHEMES for case in cases]
    rows = {row.scheme: row for row in script.summarize(trials)}
    assert len(rows) == len(script.SCHEMES)
    # Smooth functions at points of the size of their scale: everything works, and better formulas better.
    assert all(row.cases == row.answered == row.six_digits == row.holds == 3 for row in rows.values())
    assert rows["adaptive"].median_digits > rows["central 2"].median_digits > rows["forward 1"].median_digits
    assert rows["central 4"].median_nfev == 6
    assert all(row.overhead > 0 for row in rows.values())
    table = script.summary_table(list(rows.values()))
    assert len(table.splitlines()) == 2 + len(rows) + 2
    assert "smooth" in script.group_table(trials)


def test_refusals_and_silence_are_told_apart(script):
    cases = {case.name: case for case in derivative_cases()}
    schemes = dict(script.SCHEMES)
    refused = script.measure("complex step", schemes["complex step"], cases["exp_float32"])
    assert refused.refusal and refused.digits == 0 and refused.holds
    aliased = script.measure("central 8", schemes["central 8"], cases["sin_1000x"])
    assert not aliased.holds


def test_files_are_written(script, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    few = [case for case in derivative_cases() if case.name in ("exp", "sin")]
    monkeypatch.setattr(script, "derivative_cases", lambda: few)
    paths = [tmp_path / name for name in ("out.json", "out.png", "out.txt")]
    script.main(["--json", str(paths[0]), "--plot", str(paths[1]), "--table", str(paths[2])])
    content = json.loads(paths[0].read_text())
    assert len(content["trials"]) == 2 * len(script.SCHEMES) == 2 * len(content["summary"])
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert paths[2].read_text().strip() in capsys.readouterr().out


def test_your_own_function(script, capsys):
    script.main(["--function", "numpy:exp", "--at", "1.0", "--exact", str(np.e)])
    assert len(capsys.readouterr().out.strip().splitlines()) == 1 + len(script.SCHEMES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--function", "numpy:nothing", "--at", "1"], "must be module:name"),
        (["--function", "no_such_module:f", "--at", "1"], "must be module:name"),
        (["--function", "numpy:pi", "--at", "1"], "cannot be compared"),
    ],
)
def test_bad_functions_get_one_sentence(script, arguments, message):
    with pytest.raises(SystemExit, match=message):
        script.main(arguments)


def test_both_options_or_none(script, capsys):
    with pytest.raises(SystemExit):
        script.main(["--function", "numpy:exp"])
    assert "--function and --at go together" in capsys.readouterr().err


def test_rules_are_judged_with_the_same_formula(rules, script):
    cases = [case for case in derivative_cases() if case.name in ("exp", "sin_1000x", "log")]
    rows = {rule: rules.judge("central-2", rule, cases, cases[:1]) for rule in ("relative", "Moré-Wild")}
    # The relative rule steps over the waves of sin(1000 x); the search sees them, and pays for that.
    assert rows["relative"].six_digits == 2 and rows["Moré-Wild"].six_digits == 3
    assert rows["relative"].median_nfev == 4 < rows["Moré-Wild"].median_nfev
    assert all(row.moved_six_digits == 1 for row in rows.values())
    plain = script.summarize([script.measure("central 2", rules.FORMULAS["central-2"], c) for c in cases])[0]
    assert rows["relative"].median_digits == plain.median_digits


def test_moved_cases_have_other_scales(rules):
    smooth, moved = derivative_cases("smooth"), rules.moved_cases()
    assert len(moved) == len(smooth) * (9 + 2 * 5)
    assert {case.x for case in smooth}.isdisjoint(case.x for case in moved[: 4 * 9] if abs(case.x) > 1e4)


def test_the_table_of_rules_is_written(rules, tmp_path, monkeypatch, capsys):
    few = [case for case in derivative_cases() if case.name in ("exp", "sin")]
    monkeypatch.setattr(rules, "derivative_cases", lambda: few)
    monkeypatch.setattr(rules, "moved_cases", lambda: few[:1])
    paths = [tmp_path / name for name in ("out.txt", "out.json")]
    rules.main(["--formula", "forward-1", "--table", str(paths[0]), "--json", str(paths[1])])
    text = paths[0].read_text()
    assert text.strip() in capsys.readouterr().out
    assert text.startswith("Forward(order=1)") and "2 cases, 1 moved ones" in text
    assert len(text.splitlines()) == 2 + len(rules.RULES) + 2
    assert [row["rule"] for row in json.loads(paths[1].read_text())] == [name for name, _ in rules.RULES]


def test_coefficients_of_the_circle_are_right(cauchy):
    known = {case.name: case.coefficient for case in cauchy.CASES}
    # tan x = x + x³/3 + 2 x⁵/15 + ...
    assert [known["tan at 0"](k) for k in range(5)] == pytest.approx([0, 1, 0, 1 / 3, 0], abs=1e-9)
    assert known["tan at 0"](5) == pytest.approx(2 / 15, rel=1e-12)
    # The derivative of 1 / (1 + x²) is -2 x / (1 + x²)².
    assert known["1/(1+x²) at 0.5"](0) == pytest.approx(0.8)
    assert known["1/(1+x²) at 0.5"](1) == pytest.approx(-1 / 1.25**2)
    wave = [np.sin(1000.0), 1e3 * np.cos(1000.0), -5e5 * np.sin(1000.0), -1e9 / 6 * np.cos(1000.0)]
    assert [known["sin(1000x) at 1"](k) for k in range(4)] == pytest.approx(wave)
    assert known["log at 1e-8"](2) == pytest.approx(-0.5e16) and known["log at 1e-8"](50) == math.inf
    entries = {case.name: cauchy.entry(case, 2) for case in cauchy.CASES}
    assert entries.pop("tan at 0") == "zero"
    assert cauchy.entry(cauchy.CASES[5], 50) == "out of range"
    for text in entries.values():
        right, claimed, evaluations = map(float, text.split())
        assert right > 12 and 11 < claimed <= right + 0.5 and evaluations % 8 == 1


def test_the_table_of_the_circle_is_written(cauchy, tmp_path, capsys):
    path = tmp_path / "out.txt"
    cauchy.main(["--orders", "1", "3", "--table", str(path)])
    assert path.read_text().strip() in capsys.readouterr().out
    assert path.read_text().splitlines()[0].split() == ["n", "=", "1", "n", "=", "3"]
    with pytest.raises(SystemExit):
        cauchy.main(["--orders", "0"])
    assert "--orders must be at least 1, got 0" in capsys.readouterr().err


@pytest.fixture
def rows(tables):
    def row(job, method, seconds, ratio, digits, memory, bars=(), refusal=""):
        return tables.Row(job, method, seconds, "2 calls", ratio, 2, digits, memory, bars, not bars, refusal)

    return [
        row("gradient-1", "floor: 2 calls", 1e-6, 1.0, None, None),
        row("gradient-1", "calcml central", 2e-6, 2.0, 9.0, 100, ("bar 1.15 x, got 2.00 x",)),
        row("gradient-1", "calcml central, vectorized", 3e-6, 3.0, 9.5, 100),
        row("gradient-1", "scipy approx_derivative 3-point", 250e-6, 250.0, 8.0, 200),
        row("big", "calcml central", None, None, None, None, ("bar 1 s, got an error",), "Error: no"),
        row("sparse", "calcml central", 4e-3, 1.5, 10.0, 20_000_000),
        row("sparse", "scipy approx_derivative 3-point, 5 groups", 9e-3, 3.5, 9.0, 30_000_000),
        row("sparse", "scipy approx_derivative 3-point, 3 groups", 8e-3, 3.0, 9.1, 40_000_000),
    ]


def test_the_summary_sets_equal_formulas_side_by_side(tables, rows):
    blocks = tables.summary(rows).split("\n\n")
    # No forward difference, no complex step and no measuring method was run: three blocks are left out.
    central, batches, memory = (block.splitlines() for block in blocks)
    assert central[0].startswith("central: time / time of the bare calls")
    assert central[2].split() == ["gradient-1", "1", "us", "2.00", "9.0", "-", "250", "8.0", "-"]
    # The floor of the sparse job follows from time and ratio; of the peer's two ways the faster counts.
    assert central[3].split() == ["sparse", "2.67", "ms", "1.50", "10.0", "-", "3.00", "9.1", "-"]
    assert len(central) == 4  # the job that raised is in the verdict alone
    assert batches[2].split()[:4] == ["gradient-1", "3", "us", "9.5"]
    assert [line.split()[0] for line in memory[2:]] == ["sparse"]
    assert "20 MB" in memory[2] and "40 MB" in memory[2]
    assert tables.verdict(rows).splitlines() == [
        "0 of 2 methods with a bar meet it",
        "missed: gradient-1, calcml central: bar 1.15 x, got 2.00 x",
        "missed: big, calcml central: bar 1 s, got an error",
    ]


def test_earlier_runs_are_read_together(load, tables, rows, tmp_path, capsys, monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # the script sets them, for itself
    script = load("differentiation")
    paths = [tmp_path / name for name in ("a.json", "b.json", "all.txt")]
    for path, own in zip(paths, (rows[:4], rows[4:]), strict=False):
        path.write_text(json.dumps({"rows": [vars(row) for row in own]}))
    assert tables.read(paths[:2]) == rows
    script.main(["--from", *map(str, paths[:2]), "--table", str(paths[2])])
    text = paths[2].read_text()
    assert tables.summary(rows) in text and tables.verdict(rows) in text
    # What is not installed is said in between.
    said = [line for line in capsys.readouterr().out.splitlines() if line and "not installed" not in line]
    assert [line for line in text.splitlines() if line and "not installed" not in line] == said
    with pytest.raises(SystemExit):
        script.main(["--from", str(paths[0]), "--accuracy"])
    assert "leave out --only and --accuracy" in capsys.readouterr().err
