"""The catalogue is cheap to import, complete in its names, and cannot be changed by its users."""

import subprocess
import sys

import calcml.testing as ct


def test_import_leaves_scipy_alone():
    code = (
        "import calcml.testing as ct, sys; ct.minimum_cases(); ct.fit_cases(); ct.derivative_cases();"
        "print(*(m for m in sys.modules if m.split('.')[0] in {'scipy', 'mpmath', 'matplotlib'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.split() == []


def test_all_is_sorted_and_exists():
    assert list(ct.__all__) == sorted(ct.__all__)
    assert all(getattr(ct, name).__doc__ for name in ct.__all__)


def test_catalogues_are_tuples_of_their_kind():
    kinds = {
        ct.derivative_cases: ct.DerivativeCase, ct.field_cases: ct.FieldCase,
        ct.minimum_cases: ct.MinimumCase,
        ct.root_cases: ct.RootCase, ct.system_cases: ct.SystemCase, ct.constrained_cases: ct.ConstrainedCase,
        ct.fit_cases: ct.FitCase,
    }  # fmt: skip
    for catalogue, kind in kinds.items():
        cases = catalogue()
        assert isinstance(cases, tuple)
        assert all(type(case) is kind for case in cases)
        assert len({hash(case) for case in cases}) == len(cases)
        assert all(isinstance(case.tags, frozenset) for case in cases)
        assert all(case.name in repr(case) and "<lambda>" not in repr(case) for case in cases)
