"""The table of orders runs, its families have the derivatives they claim, its shares count what they say."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import mpmath
import numpy as np
import pytest

from calcml.schemes import Cauchy, Central

FOLDER = Path(__file__).parent.parent / "benchmarks"
MODULES = ("orders", "honesty", "honesty_families")

# The same functions in as many digits as are asked for, of the floating-point number x.
PRECISE = {
    "exp near 1": mpmath.exp,
    "sin near 1": mpmath.sin,
    "sin(1024 x) near 1": lambda x: mpmath.sin(1024 * x),
    "log at 1e-8…1e-2": mpmath.log,
    "1/(1+x²) on [-2, 2]": lambda x: 1 / (1 + x * x),
    "exp(2²⁷ x) at 1e-8": lambda x: mpmath.exp(2**27 * x),
    "sqrt at 1e-12…1e-6": mpmath.sqrt,
    "tanh(x - 1000) at 1000.3": lambda x: mpmath.tanh(x - 1000),
    "x^1.5 at 1e10…1e20": lambda x: x ** mpmath.mpf(1.5),
    "tan 1e-4…1e-2 before π/2": mpmath.tan,
}


@pytest.fixture(scope="module")
def script():
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        yield importlib.import_module("orders")
    for name in MODULES:
        if name not in before:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def trials(script):
    return [
        trial
        for family in script.families()
        for n in script.ORDERS
        for trial in script.measure(family, n, 2, 3)
    ]


def points(family, count=4):
    return family.draw(np.random.default_rng(5), count)[0].tolist()


def derivatives(f, x):
    """Differentiate in units of x: the small step of mpmath knows nothing of the size of x."""
    x = mpmath.mpf(x)
    found = list(mpmath.diffs(lambda t: f(x + x * t), 0, 10))
    return [found[n] / x**n for n in range(1, 11)]


def test_every_family_knows_its_derivatives(script):
    assert [family.name for family in script.families()] == list(PRECISE)
    with mpmath.workdps(60):
        for family in script.families():
            for x in points(family):
                # A few units of rounding: no argument is rounded inside f.
                assert abs(family.f(x) / PRECISE[family.name](mpmath.mpf(x)) - 1) < 1e-15, (family.name, x)
                for n, exact in zip(script.ORDERS, derivatives(PRECISE[family.name], x), strict=True):
                    # A zero may be near, which costs the exact answer some digits, the scheme far more.
                    limit = 4e-15 if n <= 2 else 1e-13
                    assert abs(family.derivative(n, x) / exact - 1) < limit, (family.name, n, x)


def test_the_circle_agrees_with_the_derivatives(script):
    circle = Cauchy()
    for family in script.families():
        for n in (1, 4, 10):
            for trial in script.measure(family, n, 2, 5, circle):
                assert trial.good and trial.digits >= 10, trial


def test_the_default_scheme_is_honest_at_every_order(script, trials):
    assert len(trials) == 10 * len(script.ORDERS) * 2
    # Measured with 20 points and three seeds: no exception.
    assert all(trial.holds and not trial.gross for trial in trials)
    assert all(trial.digits >= 2 for trial in trials if trial.good)
    medians = [np.median([t.digits for t in trials if t.n == n]) for n in script.ORDERS]
    assert medians[0] >= 13.5 and medians[4] >= 7.5 and medians[9] >= 4.5


def test_a_scheme_that_steps_over_the_waves_is_found_out(script):
    wave = next(family for family in script.families() if family.name == "sin(1024 x) near 1")
    found = script.measure(wave, 1, 5, 0, Central(order=8))
    assert any(trial.gross and not trial.holds and trial.digits < 1 for trial in found)


def test_shares_count_what_they_say(script, trials):
    def figures(column):
        return {name: figure(column) for name, figure in script.FIGURES}

    trial = replace(
        trials[0], value=1.0, exact=1.0, error=1e-5, digits=5.0, good=True, holds=True, gross=False, nfev=20
    )
    column = [
        trial,
        replace(trial, digits=7.0, error=1e-7, nfev=30),
        replace(trial, digits=1.0, error=float("inf"), good=False, nfev=50),
        replace(trial, digits=0.0, holds=False, gross=True, nfev=60),
    ]
    assert figures(column) == {
        "median digits": "3.0",
        "median digits claimed": "5.0",
        "good status": "75.0%",
        "2 digits or no good status": "75.0%",
        "the estimate holds": "75.0%",
        "grossly wrong": "25.0%",
        "median evaluations": "40",
    }


def test_table_and_json_are_written(script, tmp_path, capsys):
    paths = [tmp_path / name for name in ("out.txt", "out.json")]
    script.main(["--count", "1", "--seed", "2", "--table", str(paths[0]), "--json", str(paths[1])])
    text = paths[0].read_text()
    assert text == capsys.readouterr().out
    lines = text.splitlines()
    assert len(lines) == 1 + len(PRECISE) + 2 + len(script.FIGURES)
    assert lines[0].split()[-3:] == ["n", "=", "10"] and f"all {len(PRECISE)} families" in lines
    assert [line[: script.NAME].strip() for line in lines[1 : 1 + len(PRECISE)]] == list(PRECISE)
    # With one point its digits are the median.
    rows = json.loads(paths[1].read_text())
    first = [f"{row['digits']:.1f}" for row in rows if row["family"] == "exp near 1"]
    assert lines[1][script.NAME :].split() == first


@pytest.mark.parametrize("count", ["0", "-3"])
def test_no_points_are_refused(script, capsys, count):
    with pytest.raises(SystemExit):
        script.main(["--count", count])
    assert f"--count must be at least 1, got {count}" in capsys.readouterr().err


def test_a_count_that_is_no_number_is_refused(script, capsys):
    with pytest.raises(SystemExit):
        script.main(["--count", "many"])
    assert "--count" in capsys.readouterr().err
