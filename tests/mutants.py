"""A pytest plugin that runs mutants of mutmut in forks of one process, the likeliest killers first.

    mutmut run "calcml.schemes.registry*"      # makes all mutants and finds out which test reaches what
    cd mutants && PYTHONPATH=src:. python -m pytest --no-cov -p no:cacheprovider -p tests.clear_caches \
        -p tests.mutants --mutants "calcml.schemes.*" --mutants-table ../survivors.jsonl tests/schemes

Tests are collected once; each mutant gets a fork that runs the tests which reach its function and ends at the
first failure.  Those that have killed its neighbors come first, then those that reach little else.  A mutant
that outlives its seconds of tests counts as alive, so the count of survivors is an upper bound.  Every mutant
is a line of the table, which a second run completes.  At the end survivors are listed that
`tests/survivors.tsv` does not explain.
"""

import ast
import csv
import difflib
import json
import os
import re
import select
import signal
import time
from collections import Counter, defaultdict
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

import pytest

# Seconds that a test costs beside its own time, and that a fork may take at least.
OVERHEAD, PATIENCE = 0.004, 15.0
# Function, what was there, what is there instead, and why nothing can tell.
SURVIVORS = Path(__file__).with_name("survivors.tsv")


def pytest_addoption(parser):
    group = parser.getgroup("mutants")
    group.addoption("--mutants", default="*", help="names of mutants, with wildcards")
    group.addoption("--mutants-table", type=Path, default=Path("mutants.jsonl"), help="where results go")
    group.addoption("--mutants-seconds", type=float, default=12.0, help="most seconds of tests per mutant")
    group.addoption("--mutants-children", type=int, default=2, help="forks at a time")


def function_of(mutant):
    return re.sub(r"__mutmut_\d+$", "", mutant)


class Selection:
    """Which tests a mutant meets, and in what order."""

    def __init__(self, session, seconds):
        stats = json.loads(Path("mutmut-stats.json").read_text())
        self.duration, self.reaching = stats["duration_by_test"], stats["tests_by_mangled_function_name"]
        self.items = {item.nodeid: item for item in session.items}
        self.breadth = Counter(test for tests in self.reaching.values() for test in tests)
        self.kills, self.seconds = defaultdict(Counter), seconds

    def remember(self, mutant, test):
        function = function_of(mutant)
        self.kills[function][test] += 3
        self.kills[function.rpartition(".")[0]][test] += 1

    def cost(self, test):
        return self.duration.get(test, 0.1) + OVERHEAD

    def of(self, mutant):
        function = function_of(mutant)
        near, far = self.kills[function], self.kills[function.rpartition(".")[0]]
        tests = [test for test in self.reaching.get(function, []) if test in self.items]
        tests.sort(
            key=lambda test: (-(near[test] + far[test]) / (self.cost(test) + 0.03), self.breadth[test])
        )
        taken, total = [], 0.0
        for test in tests:
            if not taken or total + self.cost(test) <= self.seconds:
                taken.append(self.items[test])
                total += self.cost(test)
        return taken, total


class Child:
    """A fork that tests one mutant and writes the test that killed it, or nothing, into a pipe."""

    writes_to = None

    def __init__(self, session, mutant, tests, seconds):
        self.mutant, self.deadline = mutant, time.monotonic() + 6 * seconds + PATIENCE
        self.pipe, end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            Child.writes_to = end
            os.environ["MUTANT_UNDER_TEST"] = mutant
            for number in (1, 2):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            for test, following in zip(tests, [*tests[1:], None], strict=True):
                test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
            Child.end("alive")
        os.close(end)

    @classmethod
    def end(cls, result, by=""):
        os.write(cls.writes_to, f"{result}\t{by}".encode())
        os._exit(0)

    def result(self, ready):
        """Return the result, None if there is none yet; a child that is gone without a word has crashed."""
        if not ready and time.monotonic() < self.deadline:
            return None
        if not ready:
            os.kill(self.pid, signal.SIGKILL)
        said = os.read(self.pipe, 4096).decode()
        os.close(self.pipe)
        os.waitpid(self.pid, 0)
        result, _, by = said.partition("\t")
        return (result, by) if result else ("killed", "no answer" if ready else "timeout")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    # A failure ends the child before anything is formatted: that takes longer than most tests.
    excused = (pytest.skip.Exception, pytest.xfail.Exception)
    if Child.writes_to is not None and call.excinfo is not None and not call.excinfo.errisinstance(excused):
        Child.end("killed", item.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    option = session.config.option
    selection = Selection(session, option.mutants_seconds)
    table, known = option.mutants_table, {}
    for line in table.read_text().splitlines() if table.exists() else []:
        row = json.loads(line)
        known[row["mutant"]] = row
        if row["result"] == "killed":
            selection.remember(row["mutant"], row["by"])
    metas = [json.loads(path.read_text()) for path in sorted(Path("src").rglob("*.meta"))]
    names = [name for meta in metas for name in meta["exit_code_by_key"] if fnmatch(name, option.mutants)]
    with table.open("a") as out:
        for row in _results(
            session, selection, [n for n in names if n not in known], option.mutants_children
        ):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            out.flush()
            known[row["mutant"]] = row
    _summarize([known[name] for name in names], session.config.get_terminal_writer())
    return True


def _results(session, selection, names, children):
    """Test the mutants, some at a time; yield a row for each."""
    names, running = names[::-1], []
    while names or running:
        while names and len(running) < children:
            tests, seconds = selection.of(names[-1])
            if tests:
                running.append(Child(session, names.pop(), tests, seconds))
            else:
                yield {"mutant": names.pop(), "result": "alive", "by": "no test"}
        ready, _, _ = select.select([child.pipe for child in running], [], [], 1.0)
        for child in list(running):
            if (found := child.result(child.pipe in ready)) is not None:
                running.remove(child)
                if found[0] == "killed":
                    selection.remember(child.mutant, found[1])
                yield {"mutant": child.mutant, "result": found[0], "by": found[1]}


def _summarize(rows, writer):
    counts = defaultdict(Counter)
    for row in rows:
        counts[_module(row["mutant"])][row["result"]] += 1
    counts["all"] = sum(counts.values(), Counter())
    writer.line(f"\n{'module':44} mutants alive")
    for module, count in counts.items():
        alive, total = count["alive"], count.total()
        writer.line(f"{module:44} {total:7} {alive:5} {alive / max(1, total):6.1%}")
    with SURVIVORS.open(newline="") as table:
        explained = {tuple(row[:3]) for row in csv.reader(table, "excel-tab")}
    for row in rows:
        if row["result"] == "alive" and (change := change_of(row["mutant"])) not in explained:
            writer.line("\t".join(["unexplained", row["mutant"], *change[1:]]))


def _module(mutant):
    return function_of(mutant).rpartition(".")[0]


def change_of(mutant):
    """Return the function, and what was in it and is there instead, each in one line."""
    path = Path("src", *_module(mutant).split(".")).with_suffix(".py")
    name = mutant.rpartition(".")[2]
    before, after = (_body(path, function) for function in (function_of(name) + "__mutmut_orig", name))
    changes = [line for line in difflib.ndiff(before, after) if line[0] in "-+"]
    old, new = (" ".join(line[2:].strip() for line in changes if line[0] == sign) for sign in "-+")
    readable = re.sub(
        r"x\u01c1(\w+)\u01c1|x_", lambda m: f"{m[1]}." if m[1] else "", function_of(name), count=1
    )
    return f"{path.stem}.{readable}", old, new


@lru_cache(maxsize=1)
def _functions(path):
    """Return the lines of each function in a mutated module."""
    text = path.read_text()
    tree = ast.parse(text)
    lines = text.splitlines()
    return {
        node.name: [line.replace(node.name, "") for line in lines[node.lineno - 1 : node.end_lineno]]
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }


def _body(path, name):
    return _functions(path)[name]
