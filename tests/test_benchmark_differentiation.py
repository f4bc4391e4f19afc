"""The benchmark of differentiation runs at small sizes, judges rightly, and says what is missing."""

import importlib
import importlib.util
import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"
MODULES = (
    "differentiation",
    "differentiation_accuracy",
    "differentiation_jobs",
    "step_schemes",
    "_peers",
    "_clock",
)


@pytest.fixture(scope="module")
def script():
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            patch.setenv(name, "1")
        yield importlib.import_module("differentiation")
    for name in MODULES:
        if name not in before:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def jobs(script):
    return importlib.import_module("differentiation_jobs")


@pytest.fixture(scope="module")
def accuracy(script):
    return importlib.import_module("differentiation_accuracy")


@pytest.fixture
def alone(script, monkeypatch):
    """Run as if no peer were installed."""
    peers = importlib.import_module("_peers")
    monkeypatch.setattr(peers, "PROVIDERS", ())
    monkeypatch.setattr(importlib.import_module("differentiation_accuracy"), "PROVIDERS", ())
    monkeypatch.setattr(script, "missing", lambda: ["numdifftools"])


@pytest.mark.usefixtures("alone")
def test_every_job_is_right_and_every_figure_there(script, jobs):
    for name, build in jobs.QUICK.items():
        job = build()
        rows = {row.method: row for row in script.measure(job, script.QUICK_EFFORT)}
        assert job.name == name
        own = [row for method, row in rows.items() if method.startswith("calcml")]
        assert all(row.seconds > 0 and row.ratio > 0 and row.memory > 0 for row in own if not row.refusal)
        # The benchmark's exact answers are right: what is no first-order formula has half of the digits.
        for method in ("calcml central", "calcml adaptive"):
            if method in rows:
                assert rows[method].digits > 6, (name, method)
        assert name.startswith("sparse") or rows["calcml adaptive"].points > 4
        floors = [row for method, row in rows.items() if method.startswith("floor")]
        assert floors and all(row.digits is None and row.seconds > 0 for row in floors)
        table = script.table(job, list(rows.values()))
        assert table.splitlines()[0] == job.title
        assert all(len(line) <= 110 for line in table.splitlines())


@pytest.mark.usefixtures("alone")
def test_floors_make_the_calls_that_the_formulas_make(script, jobs):
    for name in ("gradient-10", "hessian-4", "derivative-1e2", "jvp-1e2"):
        job = jobs.QUICK[name]()
        for method in job.methods:
            if method.name in ("calcml central", "calcml forward"):
                row, _ = script.judge(job, method)
                assert job.floors[method.floor][0] == f"{row.points} calls", (name, method.name)


@pytest.mark.usefixtures("alone")
def test_all_jobs_of_the_issue_have_their_bars(jobs):
    assert {"gradient-2", "gradient-1000", "hessian-50", "derivative-1e6", "sparse-1e5"} <= set(jobs.FULL)
    assert jobs.gradient_job(2).bars["calcml central"] == (
        jobs.Bar("over", 30e-6, "statsmodels centered", 3.0),
    )
    assert jobs.gradient_job(10).bars["calcml forward"] == (jobs.Bar("ratio", 1.15),)
    assert jobs.gradient_job(100).bars["calcml central, vectorized"] == (
        jobs.Bar("time", 60e-6, "scipy approx_derivative 2-point", 60 / 840),
    )
    assert jobs.hessian_job(50).bars["calcml central, vectorized"][0].limit == 1e-3
    # A rival is a method of the summary.
    tables = importlib.import_module("differentiation_tables")
    names = {n for columns in tables.SAME_FORMULA.values() for names in columns.values() for n in names}
    for name in ("gradient-2", "gradient-100", "hessian-50", "sparse-1e5"):
        rivals = {bar.rival for bars in jobs.FULL[name]().bars.values() for bar in bars} - {""}
        assert rivals and {rival.split(",")[0] for rival in rivals} <= names
    assert not jobs.points_job(10**5).bars
    points = jobs.points_job(10**6).bars
    assert points["calcml central"] == (jobs.Bar("ratio", 1.5), jobs.Bar("memory", 1e8))
    assert points["calcml adaptive"] == (jobs.Bar("ratio", 25.0), jobs.Bar("memory", 1e8))


def test_bars_are_judged(script, jobs):
    blank = script.Row("job", "calcml central", None, "central", None, 4, 9.0, 2_000_000, (), True)
    bars = [jobs.Bar("ratio", 1.15), jobs.Bar("over", 30e-6), jobs.Bar("time", 1e-3), jobs.Bar("memory", 1e6)]
    figures = {"calcml central": script.figures_of(1.21e-3, 1e-3, 2_000_000)}
    row = script.finish(blank, "4 calls", bars, figures)
    assert row.ratio == pytest.approx(1.21) and row.floor == "4 calls" and not row.met
    assert row.bars == (
        "bar 1.15 x, got 1.21 x",
        "bar 30 us over, got 210 us over",
        "bar 1 ms, got 1.21 ms",
        "bar 1 MB, got 2 MB",
    )
    figures["calcml central"] = script.figures_of(1.1e-3, 1e-3, 0)
    good = script.finish(blank, "4 calls", bars[:1], figures)
    assert good.met and good.bars == ("bar 1.15 x, met",)
    figures["peer"] = script.figures_of(5.4e-3, 1e-3, 0)
    shared = [
        jobs.Bar("time", 1e-3, "peer", 0.25),
        jobs.Bar("over", 3e-5, "peer", 0.5),
        jobs.Bar("time", 1, "x"),
    ]
    assert script.finish(blank, "4 calls", shared, figures).bars == (
        "bar 1 ms, got 1.1 ms; of peer: bar 0.25 x, got 0.2 x",
        "bar 30 us over, got 100 us over; of peer: bar 0.5 x, got 0.023 x",
        "bar 1 s, met",
    )
    text = script.verdict([row, good])
    assert text.splitlines()[0] == "1 of 2 methods with a bar meet it"
    assert "missed: job, calcml central: bar 1.15 x, got 1.21 x" in text


def test_a_method_that_raises_is_a_line_and_misses_its_bar(script, jobs):
    def fails(f, x):
        raise RuntimeError("no luck\nat all")

    job = jobs.Job(
        "j", "title", np.sum, np.ones(2), np.ones(2), jobs.axis_floors(np.sum, np.ones(2)),
        (jobs.Method("calcml central", fails, "central"),), {"calcml central": (jobs.Bar("ratio", 1.15),)},
    )  # fmt: skip
    rows = script.measure(job, script.QUICK_EFFORT)
    assert rows[-1].refusal == "RuntimeError: no luck\nat all" and not rows[-1].met
    assert "RuntimeError: no luck" in script.table(job, rows)
    assert "got RuntimeError: no luck" in script.verdict(rows)


def test_digits_are_those_of_the_worst_entry(script):
    exact = np.array([1.0, 100.0, 0.0])
    assert script.worst_digits(exact, exact) == 16
    assert script.worst_digits(exact + 1e-3 * (exact == 0), exact) == pytest.approx(5)
    assert script.worst_digits(exact * np.nan, exact) == 0
    assert script.worst_digits(1e9 * exact, exact) == 0


def test_the_clock_takes_turns_and_memory_is_the_peak(script):
    clock = importlib.import_module("_clock")
    turns = []
    calls = {name: (lambda name=name: turns.append(name)) for name in "ab"}
    effort = clock.Effort(rounds=2, samples=3, sample_seconds=0.0, call_seconds=1.0)
    times = clock.race(calls, effort)
    assert set(times) == {"a", "b"} and all(t >= 0 for t in times.values())
    # Two calls of each to see how long it takes; then in turns.
    assert turns == ["a"] * 2 + ["b"] * 2 + ["a", "b"] * 6
    turns.clear()
    slow = {**calls, "slow": lambda: time.sleep(0.02) or turns.append("slow")}
    clock.race(slow, clock.Effort(rounds=3, samples=4, sample_seconds=0.0, call_seconds=0.01))
    # One call that is over the budget, and the two rounds that it still gets.
    assert turns.count("slow") == 3 and turns.count("a") == 2 + 12
    clock.race({"slow": slow["slow"]}, clock.Effort(rounds=3, sample_seconds=0.0, call_seconds=0.001))
    assert turns.count("slow") == 3 + 2
    value, memory = clock.peak_memory(lambda: np.ones(10**5).sum())
    assert value == 1e5 and memory == pytest.approx(8e5, rel=0.1)


@pytest.mark.usefixtures("alone")
def test_files_are_written(script, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / name for name in ("out.json", "out.png", "out.txt")]
    options = ["--json", paths[0], "--plot", paths[1], "--table", paths[2]]
    script.main(["--quick", "--only", "gradient-2", "hessian-4", *map(str, options)])
    printed = capsys.readouterr().out
    assert "not installed, skipped: numdifftools" in printed
    rows = json.loads(paths[0].read_text())["rows"]
    assert {row["job"] for row in rows} == {"gradient-2", "hessian-4"}
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert all(line in printed for line in paths[2].read_text().splitlines())


def test_accuracy_is_judged(accuracy):
    case = next(c for c in accuracy.derivative_cases() if c.name == "sin_1000x")
    right = accuracy.attempt("m", lambda f, x: accuracy.Answer(case.exact(), 1e-9), case)
    assert (right.digits, right.holds, right.silent, right.refusal) == (16.0, True, False, "")
    wrong = accuracy.attempt("m", lambda f, x: accuracy.Answer(-3.0, 1e-3), case)
    assert (wrong.digits, wrong.holds, wrong.silent) == (0.0, False, True)
    modest = accuracy.attempt("m", lambda f, x: accuracy.Answer(-3.0, 1e-3, stands=False), case)
    assert modest.silent is False
    plain = accuracy.attempt("m", lambda f, x: accuracy.Answer(f(np.ones(3))[0]), case)
    assert plain.points == 3 and plain.holds is None and plain.silent is None
    raised = accuracy.attempt("m", lambda f, x: 1 / 0, case)
    assert raised.refusal.startswith("ZeroDivisionError") and raised.digits == 0
    table = accuracy.hard_table([right, wrong, raised])
    assert "1/2" in table and table.splitlines()[2].split()[:4] == ["m", "0", "1", "1"]


@pytest.mark.usefixtures("alone")
def test_the_tables_of_accuracy(script, tmp_path, capsys):
    path = tmp_path / "out.json"
    script.main(["--quick", "--accuracy", "--json", str(path)])
    printed = capsys.readouterr().out
    content = json.loads(path.read_text())
    assert len(content) == 5 and len(content["hard"]) == 3 * len(script.progress.__globals__["SCHEMES"])
    adaptive = [t for trials in content.values() for t in trials if t["method"] == "calcml adaptive"]
    assert min(t["digits"] for t in adaptive) > 6 and all(t["holds"] for t in adaptive)
    assert "calcml Richardson" in printed and "c 1e3" in printed
    assert max(map(len, printed.splitlines())) <= 110


def test_packages_that_are_missing_are_named(script, monkeypatch):
    peers = importlib.import_module("_peers")
    monkeypatch.setattr(peers, "PACKAGES", ("numpy", "calcml_has_no_such_peer"))
    assert peers.missing() == ["calcml_has_no_such_peer"]
    assert peers.load("calcml_has_no_such_peer.part") is None
    monkeypatch.setattr(peers, "load", lambda name: None)
    names = {method.name for kind in ("gradient", "hessian", "points", "jvp") for method in peers.peers(kind)}
    assert names and all(name.startswith("scipy") for name in names)


PEERS = [
    ("numdifftools", "numdifftools central", "gradient"),
    ("jacobi", "jacobi", "gradient"),
    ("statsmodels", "statsmodels centered", "gradient"),
    ("optimagic", "optimagic central", "gradient"),
    ("autograd", "autograd (exact)", "gradient"),
    ("findiff", "findiff on the grid", "points"),
    ("scipy", "scipy approx_derivative 3-point", "gradient"),
    ("scipy", "scipy.differentiate", "hessian"),
]


@pytest.mark.parametrize(
    ("package", "name", "call"), [row for row in PEERS if importlib.util.find_spec(row[0]) is not None]
)
@pytest.mark.filterwarnings("ignore")  # a peer's own
def test_peers_that_are_installed_are_right(script, jobs, package, name, call):
    builder = {"gradient": "gradient-2", "points": "derivative-1e2", "hessian": "hessian-4"}[call]
    job = jobs.QUICK[builder]()
    row, refusal = script.judge(job, next(m for m in job.methods if m.name == name))
    # The distance of the grid's 100 points, 0.1, leaves little more.
    assert not refusal and row.digits > (3.5 if package == "findiff" else 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "gradient-3"], "--only 'gradient-3' must be one of gradient-2"),
        (["--accuracy", "--plot", "x.png"], "leave out --only and --plot"),
    ],
)
def test_bad_options_get_one_sentence(script, capsys, arguments, message):
    with pytest.raises(SystemExit):
        script.main(arguments)
    assert message in capsys.readouterr().err
