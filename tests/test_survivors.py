"""The explanations of mutants that no test kills stay those of the code as it is."""

import csv
from pathlib import Path

import calcml.schemes

ROWS = list(csv.reader(Path(__file__).with_name("survivors.tsv").read_text().splitlines(), "excel-tab"))


def test_every_survivor_is_explained_in_one_sentence():
    for row in ROWS:
        assert len(row) == 4 and all(row)
    assert len({tuple(row[:3]) for row in ROWS}) == len(ROWS)


def test_what_was_changed_is_still_there():
    for function, old, _, _ in ROWS:
        module, *_, name = function.split(".")
        source = Path(calcml.schemes.__file__).with_name(f"{module}.py").read_text()
        text = " ".join(line.strip() for line in source.splitlines())
        assert old.replace("def (", f"def {name}(") in text, (function, old)
