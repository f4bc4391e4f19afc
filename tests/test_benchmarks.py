"""The comparison of schemes runs: on a few cases of the catalogue, and on a function of the user's own."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from calcml.testing import derivative_cases

PATH = Path(__file__).parent.parent / "benchmarks" / "step_schemes.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("step_schemes", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["step_schemes"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["step_schemes"]


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
