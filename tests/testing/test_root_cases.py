"""The roots are roots, to the last digit; derivatives against 50-digit arithmetic or the complex step."""

import mpmath as mp
import numpy as np
import pytest

from calcml.testing import root_cases

CASES = root_cases()
NAMED = {case.name: case for case in CASES}
EPS = np.finfo(float).eps

TWIN = {
    "square_root": (lambda: mp.sqrt(2), lambda: -mp.sqrt(2)),
    "wallis": (lambda: mp.findroot(lambda x: x**3 - 2 * x - 5, 2),),
    "cosine_fixed_point": (lambda: mp.findroot(lambda x: mp.cos(x) - x, 0.7),),
    "lambert": (lambda: mp.lambertw(1),),
    "kepler": (lambda: mp.findroot(lambda x: x - mp.mpf(0.99) * mp.sin(x) - mp.mpf(0.02), 0.45),),
    "colebrook": (lambda: mp.findroot(lambda x: x + 2 * mp.log10(mp.mpf(1e-5) + mp.mpf(2.51e-5) * x), 7),),
    "sine_near_pi": (lambda: mp.pi,),
    "cycle": (lambda: mp.findroot(lambda x: x**3 - 2 * x + 2, -1.7),),
    "reciprocal": (lambda: mp.mpf(1) / 3,),
    "kink": (lambda: 2 * mp.mpf(0.3) / 3,),
    "exponential_steep": (lambda: mp.log(10**6),),
    "tiny_root": (lambda: mp.cbrt(mp.mpf(1e-30)),),
    "far_from_zero": (lambda: 10**6 - mp.pi / 6,),
    "cube_roots_of_one": (lambda: mp.expjpi(mp.mpf(2) / 3), lambda: mp.expjpi(mp.mpf(-2) / 3), lambda: 1),
}


def by_name(case):
    return case.name


@pytest.mark.parametrize("name", TWIN)
def test_roots_to_the_last_digit(name):
    with mp.workdps(50):
        for got, want in zip(NAMED[name].roots, TWIN[name], strict=False):
            assert abs(mp.mpmathify(got) - want()) <= EPS / 2 * abs(got)


@pytest.mark.parametrize("case", [c for c in CASES if c.roots], ids=by_name)
def test_roots(case):
    for root in case.roots:
        # At the double next to a root, f is its slope times the rounding of the root, and its own rounding.
        slope = abs(case.derivative(root))
        scale = abs(case.f(case.x0)) if np.isfinite(case.f(case.x0)) else 1.0
        assert abs(case.f(root)) <= EPS * max(scale, 1e-300) + (
            2 * EPS * abs(root) * slope if np.isfinite(slope) else 0.0
        )


@pytest.mark.parametrize("case", [c for c in CASES if c.bracket], ids=by_name)
def test_brackets_hold_one_change_of_sign(case):
    low, high = case.bracket
    signs = np.sign(case.f(np.linspace(low, high, 4001)))
    signs = signs[signs != 0]
    assert np.count_nonzero(np.diff(signs)) == 1
    assert low <= case.roots[0] <= high
    assert case.multiplicity % 2 == 1


@pytest.mark.parametrize("case", [c for c in CASES if "kink" not in c.tags], ids=by_name)
def test_derivatives(case):
    h = 1e-100
    if np.iscomplexobj(case.x0):  # polynomials, by differences along both axes
        z = complex(case.x0)
        for f, df in ((case.f, case.derivative), (case.derivative, case.second_derivative)):
            for step in (1e-4, 1e-4j):
                # Truncation step**2 / 6 * f''' below 1e-8.
                assert (f(z + step) - f(z - step)) / (2 * step) == pytest.approx(df(z), abs=2e-8)
        return
    for x in (case.x0 + 0.01 * abs(case.x0) + 1e-3, 1.3 * abs(case.x0) + 0.2):
        for f, df in ((case.f, case.derivative), (case.derivative, case.second_derivative)):
            # A handful of roundings.
            assert np.imag(f(complex(x, h))) / h == pytest.approx(df(x), rel=1e-13)


@pytest.mark.parametrize("name", ["cube_root", "kink", "signed_square_root"])
def test_derivatives_at_either_side_of_a_kink(name):
    case = NAMED[name]
    for x in (case.roots[0] - 0.4, case.roots[0] + 0.4):
        h = 1e-4
        # Truncation h**2 / 6 * f''' with f''' below 30.
        assert (case.f(x + h) - case.f(x - h)) / (2 * h) == pytest.approx(case.derivative(x), abs=1e-7)
        slope = (case.derivative(x + h) - case.derivative(x - h)) / (2 * h)
        assert slope == pytest.approx(case.second_derivative(x), abs=1e-6)


@pytest.mark.parametrize("case", root_cases("multiple"), ids=by_name)
def test_multiplicity(case):
    # f behaves as (x - r)^m: halving the distance divides f by 2^m, up to the next power of the distance.
    r, h = case.roots[0], 1e-3
    assert np.log2(case.f(r + h) / case.f(r + h / 2)) == pytest.approx(case.multiplicity, abs=2e-3)


@pytest.mark.parametrize("case", [c for c in CASES if "trap" in c.tags], ids=by_name)
def test_newton_fails_from_the_start_of_a_trap(case):
    with np.errstate(all="ignore"):
        x = np.float64(case.x0)
        for _ in range(50):
            x = x - case.f(x) / case.derivative(x)
    assert not abs(x - case.roots[0]) < 1e-3


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_elementwise_and_quiet(case):
    points = np.array([case.x0, case.x0])
    for f in (case.f, case.derivative, case.second_derivative):
        assert f(points).shape == (2,)
        for x in (0, -1.0, 1e200, -1e200):
            assert np.shape(f(x)) == ()


def test_catalogue():
    assert len(CASES) >= 30
    assert len(NAMED) == len(CASES)
    assert [case.roots for case in root_cases("no root")] == [(), ()]
    assert NAMED["no_root"].f(np.linspace(-9, 9, 101)).min() > 0
    assert root_cases("no such tag") == ()
    assert {case.name for case in root_cases("complex")} == {"imaginary_unit", "cube_roots_of_one"}
