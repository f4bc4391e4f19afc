"""No import of calcml, not even of all its parts, loads anything heavy: scipy comes with the first use."""

import os
import subprocess
import sys

import pytest

HEAVY = (
    "scipy.linalg",
    "scipy.optimize",
    "scipy.sparse",
    "scipy.special",
    "scipy.stats",
    "matplotlib",
    "tqdm",
    "dask",
    "distributed",
    "pandas",
)


def modules_after(statement: str) -> set[str]:
    """Run a statement in a fresh interpreter and return the names that it leaves in sys.modules."""
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Return what is loaded once every public name has been looked at, lazy ones included."""
    return modules_after("import calcml; names = [getattr(calcml, name) for name in calcml.__all__]")


def test_the_probe_sees_what_is_imported():
    assert "scipy.linalg" in modules_after("import scipy.linalg")


@pytest.mark.parametrize("name", HEAVY)
def test_public_names_leave_heavy_modules_alone(loaded, name):
    assert {"calcml", "calcml.differentiate", "calcml.fitting", "calcml.plot"} <= loaded
    assert name not in loaded


def test_import_changes_no_numpy_setting():
    code = (
        "import numpy as np; before = np.geterr(), np.get_printoptions();"
        "import calcml; assert (np.geterr(), np.get_printoptions()) == before"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts page faults as Linux does")
def test_freed_blocks_are_kept_for_the_next_call():
    code = """
import resource
import numpy as np
import calcml as cm

f = lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0)
x, faults = np.ones(50), lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    cm.hessian(f, x, scheme="central", vectorized=True)
before = faults()
for _ in range(10):
    cm.hessian(f, x, scheme="central", vectorized=True)
print((faults() - before) / 10)
"""
    # Each call takes 2 MB, 500 pages, and gives them back.  These variables, which dask sets, rule otherwise.
    own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=own)
    assert float(done.stdout) < 50
