"""No import of calcml, not even of all its parts, loads anything heavy: scipy comes with the first use."""

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
