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
    return modules_after("import calcml; [getattr(calcml, name) for name in calcml.__all__]")


def test_the_probe_sees_what_is_imported():
    assert "scipy.linalg" in modules_after("import scipy.linalg")


@pytest.mark.parametrize("name", HEAVY)
def test_import_leaves_heavy_modules_alone(loaded, name):
    assert "calcml" in loaded
    assert name not in loaded


def test_import_changes_no_numpy_setting():
    code = (
        "import numpy as np; before = np.geterr(), np.get_printoptions();"
        "import calcml; assert (np.geterr(), np.get_printoptions()) == before"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
