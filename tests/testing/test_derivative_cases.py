"""The exact derivatives are exact: each is compared with 50-digit arithmetic."""

import dataclasses

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml.testing import DerivativeCase, derivative_cases, derivative_groups, digits, scaled

EPS = np.finfo(float).eps
HARD = derivative_cases()
TRAPS = derivative_cases("trap")

# The same functions once more, written for mpmath; constants are those of the doubles in the table.
TWIN = {
    "exp": mp.exp,
    "sin": mp.sin,
    "lyness": lambda x: mp.exp(x) / (mp.sin(x) ** 3 + mp.cos(x) ** 3),
    "cubic": lambda x: x**3 - 2 * x + 1,
    "runge": lambda x: 1 / (1 + 25 * x**2),
    "log": mp.log,
    "tanh": mp.tanh,
    "gaussian": lambda x: mp.exp(-(x**2)),
    "sqrt": mp.sqrt,
    "chebyshev10": lambda x: mp.chebyt(10, x),
    "x_to_the_x": lambda x: x**x,
    "bessel_j0": lambda x: mp.besselj(0, x),
    "sin_at_zero": mp.sin,
    "exp_near_zero": mp.exp,
    "log1p_near_zero": lambda x: mp.log(1 + x),
    "tanh_near_zero": mp.tanh,
    "exp_minus_cos": lambda x: mp.exp(x) - mp.cos(x),
    "sin_at_1e6": mp.sin,
    "exp_fast": lambda x: mp.exp(10**6 * x),
    "exp_slow": lambda x: mp.exp(-x / 2**27),
    "peak_at_1000": lambda x: mp.exp(-((100 * (x - 1000)) ** 2) / 2),
    "reciprocal_small": lambda x: 1 / x,
    "tiny_values": lambda x: mp.mpf(1e-20) * mp.exp(mp.sin(x)),
    "sin_1000x": lambda x: mp.sin(1000 * x),
    "chirp": lambda x: mp.sin(x**2),
    "sqrt_near_zero": mp.sqrt,
    "log_near_zero": mp.log,
    "log_shifted": lambda x: mp.log(x - mp.mpf(0.0999)),
    "exp_reciprocal": lambda x: mp.exp(1 / x),
    "tan_near_pole": mp.tan,
    "arcsin_near_one": mp.asin,
    "semicircle": lambda x: mp.sqrt(1 - x**2),
    "x_log_x": lambda x: x * mp.log(x),
    "double_pole": lambda x: (x - 1) ** -2,
    "arctanh_near_one": mp.atanh,
    "abs": abs,
    "x_abs_x": lambda x: x * abs(x),
    "huber": lambda x: x**2 / 2 if abs(x) <= 1 else abs(x) - mp.mpf(1) / 2,
    "sin_noisy": mp.sin,
    "exp_float32": mp.exp,
    "log_rounded": mp.log,
    "cube_root_bisected": lambda x: mp.cbrt(x),
    "versine_ratio": lambda x: (1 - mp.cos(x)) / x**2,
    "sin_on_a_million": lambda x: 10**6 + mp.sin(x),
    "constant": lambda x: mp.mpf(2.5),
    "linear": lambda x: 3 * x - 1,
    "stationary": mp.cos,
}


@pytest.fixture(autouse=True)
def _many_digits():
    with mp.workdps(50):
        yield


def by_name(case):
    return case.name


def test_the_hard_set_has_its_groups():
    counts = {group: len(derivative_cases(group)) for group in derivative_groups()}
    assert counts == {
        "smooth": 12, "near_zero": 5, "scale": 6, "oscillatory": 2, "edge": 10, "kink": 3, "noise": 6,
        "trap": 6,
    }  # fmt: skip
    assert len(HARD) == 44
    assert len({case.name for case in HARD + TRAPS}) == 50
    assert all(case.group != "trap" for case in HARD)


@pytest.mark.parametrize("case", [c for c in HARD + TRAPS if "none" not in c.tags], ids=by_name)
def test_exact_derivatives(case):
    f, x = TWIN[case.name], mp.mpf(case.x)
    for n in range(1, case.orders + 1):
        want = mp.diff(f, x, n)
        got = case.exact(n)
        # A dozen roundings of the closed form, each below one ulp: 16 ulps in all. Where the derivative is
        # zero, the 50-digit difference quotient leaves 1e-100 or less.
        assert abs(got - want) <= 16 * EPS * abs(want) + mp.mpf(10) ** -100, (n, got, mp.nstr(want, 20))


@pytest.mark.parametrize("case", HARD, ids=by_name)
def test_values(case):
    # Rounding of the argument's use, |x f'|, and of the value; T10's Horner rule goes through terms of 400.
    terms = {"chebyshev10": 400, "exp_minus_cos": 1}.get(case.name, 0)
    scale = abs(case.f(case.x)) + abs(case.x * case.exact()) + terms
    gap = abs(mp.mpf(float(case.f(case.x))) - TWIN[case.name](mp.mpf(case.x)))
    assert gap <= case.noise + 4 * EPS * scale


@pytest.mark.parametrize("case", derivative_cases("noise"), ids=by_name)
def test_noise_is_a_bound_and_is_reached(case):
    points = case.x * (1 + np.linspace(-1e-3, 1e-3, 301))
    smooth = np.array([float(TWIN[case.name](mp.mpf(x)) - TWIN[case.name](mp.mpf(case.x))) for x in points])
    center = TWIN[case.name](mp.mpf(case.x))
    noise = np.array([float(mp.mpf(v) - center) for v in case.f(points)]) - smooth
    assert np.max(np.abs(noise)) <= case.noise
    assert np.max(np.abs(noise)) >= case.noise / 8
    assert len(np.unique(noise)) > 10


@pytest.mark.parametrize("case", HARD + TRAPS, ids=by_name)
def test_functions_are_elementwise(case):
    points = np.array([[case.x, case.x * 1.0001, case.x], [case.x * 0.9999, case.x, case.x]])
    points.flags.writeable = False
    values = case.f(points)
    assert values.shape == (2, 3)
    assert values[0, 0] == case.f(case.x)
    assert values[0, 1] == case.f(points[0, 1])
    assert np.shape(case.f(case.x)) == ()
    assert np.shape(case.f(np.asarray(case.x))) == ()
    for n in range(1, case.orders + 1):
        slopes = case.exact(n, points)
        assert slopes.shape == (2, 3)
        # NumPy's power of an array and of a number may differ in the last place.
        assert slopes[0, 0] == pytest.approx(case.exact(n), rel=EPS, nan_ok=True)


@pytest.mark.parametrize("case", HARD + TRAPS, ids=by_name)
def test_no_warning_outside_the_domain(case):
    for x in (-1e300, -3.0, 0, 0.0, 1, 2.0, 1e300, np.inf):
        value = case.f(x)  # warnings are errors
        assert np.isrealobj(value)


@pytest.mark.parametrize("case", [c for c in HARD if "analytic" in c.tags], ids=by_name)
def test_analytic_functions_take_complex_steps(case):
    h = 1e-100
    slope = np.imag(case.f(complex(case.x, h))) / h
    # The imaginary part feels the cancellation in T10's terms and in 1 - cos x.
    least = {"chebyshev10": 13.0, "versine_ratio": 7.0}.get(case.name, 14.5)
    assert digits(slope, case.exact()) >= least


@pytest.mark.parametrize("name", ["sin_noisy", "exp_float32", "log_rounded", "cube_root_bisected"])
def test_noisy_functions_refuse_complex_numbers(name):
    case = next(c for c in HARD if c.name == name)
    with pytest.raises(TypeError, match="must be real, got complex numbers; this function is not analytic"):
        case.f(1 + 1j)


def test_noise_is_the_same_every_time_and_has_no_direction():
    case = next(c for c in HARD if c.name == "sin_noisy")
    points = 1 + np.arange(4000) * 2.0**-40
    noise = (case.f(points) - np.sin(points)) / 1e-8
    assert np.array_equal(case.f(points), case.f(points))
    # 4000 numbers uniform in [-1, 1): mean 0 +- 0.009, variance 1/3 +- 0.005, correlation 0 +- 0.016; four
    # of these standard deviations are allowed.
    assert abs(noise.mean()) < 0.037
    assert abs(noise.var() - 1 / 3) < 0.02
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 0.064


def test_traps_without_a_derivative_say_nan():
    without = [case for case in TRAPS if "none" in case.tags]
    assert [case.name for case in without] == ["abs_at_kink", "sqrt_at_end", "step"]
    assert all(np.isnan(case.exact()) for case in without)
    assert [case.f(case.x) for case in without] == [0.0, 0.0, 1.0]


def test_unknown_group():
    with pytest.raises(
        ValueError, match=r"`group` must be one of smooth, .*, trap, got 'rough'; leave it out"
    ):
        derivative_cases("rough")


@pytest.mark.parametrize("n", [0, -1, 9])
def test_unknown_order(n):
    with pytest.raises(ValueError, match=f"from 1 to 8 for the case 'exp', got {n}; ask for an order"):
        HARD[0].exact(n)


def test_cases_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        HARD[0].x = 2.0
    assert "lambda" not in repr(HARD[3])
    assert isinstance(derivative_cases(), tuple)


@given(
    case=st.sampled_from([c for c in HARD if c.group in {"smooth", "kink"}]),
    c=st.sampled_from([0.0, 1.0, -3.0]),
    s=st.integers(-6, 6).map(lambda k: 2.0**k),
    a=st.integers(-30, 30).map(lambda k: -(2.0**k)),
)
def test_scaled_by_powers_of_two(case, c, s, a):
    image = scaled(case, c=c, s=s, a=a)
    # x - c may round when c is large beside s x; the derivatives are taken at the rounded point.
    z = (image.x - c) / s
    assert abs(z - case.x) <= 2 * EPS * (abs(c) + s * abs(case.x)) / s
    assert image.f(image.x) == a * case.f(z)
    for n in range(1, case.orders + 1):
        assert image.exact(n) == pytest.approx(a / s**n * case.exact(n, z), rel=2 * EPS)


def test_scaled_keeps_what_it_is():
    case = derivative_cases("edge")[0]
    image = scaled(case, c=1.0, s=2.0, a=3.0, b=1e6)
    assert isinstance(image, DerivativeCase)
    assert image.name == "sqrt_near_zero[c=1, s=2, a=3, b=1e+06]"
    assert (image.group, image.tags) == (case.group, case.tags)
    assert image.f(3.0) == 3 * 1.0 + 1e6
    assert image.noise == np.spacing(1e6) / 2
    assert scaled(derivative_cases("noise")[0], a=-4.0).noise == 4e-8


@pytest.mark.parametrize(("letter", "number"), [("s", 0.0), ("a", 0.0), ("s", np.inf), ("a", np.nan)])
def test_scaled_refuses_a_unit_of_nothing(letter, number):
    with pytest.raises(ValueError, match=f"`{letter}` must be finite and not zero, got {number}; choose"):
        scaled(HARD[0], **{letter: number})
