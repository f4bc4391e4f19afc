"""What `import calcml` costs on top of `import numpy`.

    python benchmarks/import_time.py [--runs 15]

Every run is a fresh interpreter that measures its own import, so that the interpreter's start is left out.
The statements take turns, so that a slow moment of the machine meets all of them; the median of the runs is
printed.  Since calcml imports its parts when they are first asked for, two of them are timed as well.  Exits
with 1 if calcml with all its names loaded a part of scipy, a plotting library or a progress bar.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

STATEMENTS = {
    "numpy": "import numpy",
    "numpy, calcml": "import numpy, calcml",
    "first derivative": "import numpy, calcml; calcml.derivative",
    "first fit": "import numpy, calcml; calcml.fit",
    "numpy, scipy": "import numpy, scipy",
}
SCIPY_PARTS = ("scipy.linalg", "scipy.optimize", "scipy.sparse", "scipy.special", "scipy.stats")
HEAVY = (*SCIPY_PARTS, "matplotlib", "tqdm")
CLOCK = "import time; start = time.perf_counter(); {}; print((time.perf_counter() - start) * 1e3)"


def output(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def milliseconds(statement: str) -> float:
    """Time one statement in a fresh interpreter, in milliseconds."""
    return float(output(CLOCK.format(statement)))


def heavy_modules() -> list[str]:
    """List the heavy modules in sys.modules after the import and after a look at every public name."""
    touch = "[getattr(calcml, name) for name in calcml.__all__]"
    return output(f"import sys, calcml; {touch}; print(*[n for n in {HEAVY!r} if n in sys.modules])").split()


def main() -> int:
    """Print the table and return the exit code."""
    parser = argparse.ArgumentParser(description="Cost of `import calcml` over `import numpy`.")
    parser.add_argument("--runs", type=int, default=15, help="fresh interpreters for each statement")
    runs = parser.parse_args().runs

    for statement in STATEMENTS.values():
        milliseconds(statement)  # fills the disk cache and writes the bytecode
    samples: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(runs):
        for name, statement in STATEMENTS.items():
            samples[name].append(milliseconds(statement))

    medians = {name: statistics.median(times) for name, times in samples.items()}
    for name, median in medians.items():
        print(f"{name:18} {median:7.1f} ms")
    print(f"calcml over numpy  {medians['numpy, calcml'] - medians['numpy']:7.1f} ms  (median of {runs})")

    heavy = heavy_modules()
    print(f"heavy modules loaded: {', '.join(heavy) or 'none'}")
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
