"""The complex step, and what it refuses."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml._parameters import check_bounds, flatten
from calcml.schemes import Coefficient, ComplexStep, _analytic_check, _complex_values, _imaginary
from calcml.testing import derivative_cases, digits, honest

EPS = np.finfo(float).eps
FALSE = np.zeros((1, 2), bool)


@given(st.floats(-20, 20))
def test_exact_to_rounding(x):
    estimate = cm.estimate_derivative(lambda x: np.sin(x) * np.exp(x / 4), x, scheme="complex")
    exact = (np.cos(x) + np.sin(x) / 4) * np.exp(x / 4)
    # A few units in the last place of the two terms that are added.
    assert abs(estimate.value - exact) <= 8 * np.finfo(float).eps * np.exp(x / 4)


def test_every_output_of_a_vector_function():
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(
        cm.jacobian(lambda x: np.array([x[0] * x[1], np.sin(x[0]), x[1] ** 3]), x, scheme="complex"),
        [[2, 1], [np.cos(1), 0], [0, 12]],
        rtol=1e-15,
        atol=1e-15,
    )


def test_evaluations():
    # One per coordinate (nine for the error), f(x), and six real ones for the check along a mixture of all.
    calls = []

    def f(x):
        calls.append(np.iscomplexobj(x))
        return np.sum(x**3)

    x = np.arange(1.0, 6.0)
    cm.gradient(f, x, scheme="complex")
    assert (sum(calls), len(calls)) == (5, 12)
    assert cm.estimate_gradient(f, x, scheme="complex").nfev == 45 + 7
    # Four for each point of an elementwise function.
    assert cm.estimate_derivative(np.sin, x, scheme="complex").nfev == 1 + 9 + 4


CANCELLATION = [
    (lambda z: (1 - np.cos(z)) / z**2, lambda x: -x / 12 + x**3 / 180 - x**5 / 6720, 0.005, 0.05),
    (lambda z: (np.exp(z) - 1 - z) / z**2, lambda x: 1 / 6 + x / 12 + x**2 / 40 + x**3 / 180, 1e-3, 1e-2),
    (lambda z: np.cosh(z) - np.exp(z) / 2, lambda x: -np.exp(-x) / 2, 3, 12),
    (
        lambda z: np.sqrt(z * z + 1) - z,
        lambda x: -1 / (np.sqrt(x * x + 1) * (x + np.sqrt(x * x + 1))),
        10,
        1e4,
    ),
    (lambda z: (1e6 + np.sin(z)) ** 2 - 1e12, lambda x: 2 * (1e6 + np.sin(x)) * np.cos(x), 0.1, 1.4),
    (lambda z: 1e12 + np.sin(z), np.cos, 0.1, 1.4),
    (lambda z: np.exp(z + 0.5) - np.exp(z), lambda x: np.exp(x) * np.expm1(0.5), 0.1, 3),
]


@pytest.mark.parametrize(("f", "exact", "low", "high"), CANCELLATION)
def test_cancellation_inside_f_shows_in_the_error(f, exact, low, high):
    # The complex step keeps the rounding of terms that cancel; 300 random points each.
    x = np.exp(np.random.default_rng(1).uniform(np.log(low), np.log(high), 300))
    estimate = cm.estimate_derivative(f, x, scheme="complex")
    wrong = np.abs(estimate.value - exact(x))
    assert honest(estimate.error, estimate.value, exact(x)).mean() >= 0.97
    # Nor is it much too large.
    assert np.median(estimate.error) <= 50 * max(
        np.median(wrong), 4 * np.finfo(float).eps * np.median(exact(x))
    )


def test_smooth_functions_are_not_charged_with_noise():
    # 4 eps of the value, and the scatter of eight derivatives that are good to a unit or so.
    x = np.linspace(0.5, 3, 50)
    estimate = cm.estimate_derivative(np.exp, x, scheme="complex")
    assert (estimate.error >= 4 * EPS * np.exp(x)).all()
    assert (estimate.error <= 40 * EPS * np.exp(x)).all()
    # A constant derivative scatters by the rounding of the parabola alone, up to 8 eps of it.
    assert 16 * EPS <= cm.estimate_derivative(lambda z: 4 * z, 2.0, scheme="complex").noise <= 160 * EPS


def test_where_the_noise_is_looked_for():
    seen = []
    cm.estimate_derivative(lambda z: seen.append(z) or z**2, 4.0, scheme="complex")
    way = sorted(z.real - 4 for z in seen if np.iscomplexobj(z))
    assert len(way) == 9
    # 4 eps^0.55, rounded to the spacing of numbers at 4.
    assert way[0] == pytest.approx(-4 * EPS**0.55, abs=EPS * 4)
    assert way[-1] == pytest.approx(4 * EPS**0.55, abs=EPS * 4)
    assert way.count(0.0) == 1


@pytest.mark.parametrize("bounds", [(0.0, 2.5), (1e-12, 2.5), (-1.0, 1.1e-12), (1e-12 - 1e-21, 2.5)])
def test_noise_is_looked_for_within_bounds(bounds):
    seen = []
    estimate = cm.estimate_derivative(
        lambda z: seen.append(np.real(z)) or np.exp(z), 1e-12, scheme="complex", bounds=bounds
    )
    assert min(seen) >= bounds[0] and max(seen) <= bounds[1]
    assert honest(estimate.error, estimate.value, np.exp(1e-12))


@pytest.mark.parametrize("case", derivative_cases(), ids=lambda case: case.name)
def test_the_catalog(case):
    try:
        estimate = cm.estimate_derivative(case.f, case.x, scheme="complex")
    except cm.NotAnalyticError:
        assert "analytic" not in case.tags
        return
    assert honest(estimate.error, estimate.value, case.exact())
    assert digits(estimate.value, case.exact()) >= 7


@pytest.mark.parametrize("power", [-150, 150])
def test_very_large_and_very_small_units(power):
    s = 10.0**power
    estimate = cm.estimate_derivative(lambda z: np.sin(z / s), s, scheme="complex")
    assert honest(estimate.error, estimate.value, np.cos(1.0) / s)
    assert digits(estimate.value * s, np.cos(1.0)) >= 14
    assert estimate.step == (1e-200 if power < 0 else 1e-100)


def test_no_complex_argument_leaves_the_bounds():
    seen = []
    cm.estimate_derivative(lambda x: seen.append(x.real) or x**2, 1.0, scheme="complex", bounds=(1.0, 2.0))
    assert min(seen) == 1.0


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: float(np.real(x)) ** 2, "returned real values"),
        (np.abs, "returned real values"),
        (lambda x: np.abs(x) + 0j * x if np.iscomplexobj(x) else np.abs(x), "is not analytic"),
        (lambda x: np.real(x) ** 2 + 0j if np.iscomplexobj(x) else x**2, "is not analytic"),
        (lambda x: np.exp(1j * x), "complex on the real axis"),
        (lambda x: math.sin(x), "does not take complex numbers"),
        (lambda x: np.asarray(x, dtype=np.float32).astype(float) ** 2, "does not take complex numbers"),
        (lambda x: np.real(x).astype(np.float32) ** 2, "returned real values"),
        (
            lambda x: np.maximum(np.real(x), 1.0) + 0j if np.iscomplexobj(x) else max(x, 1.0),
            "is not analytic",
        ),
        (lambda x: np.floor(x), "does not take complex numbers"),
    ],
)
def test_functions_that_are_not_analytic(f, message):
    with pytest.raises(cm.NotAnalyticError, match=message):
        cm.derivative(f, 2.0, scheme="complex")


def test_branches():
    # NumPy orders complex numbers by their real parts, so branches away from their kink are what they are.
    f = lambda z: np.where(z < 1, z**2, 3 * z - 2)
    assert cm.derivative(f, 0.9, scheme="complex") == pytest.approx(1.8, rel=1e-14)
    assert cm.derivative(f, 1.1, scheme="complex") == pytest.approx(3.0, rel=1e-14)
    assert cm.derivative(lambda z: np.maximum(z, 0.9), 1.0, scheme="complex") == 1.0


def test_the_kink_itself():
    # No derivative exists: the complex step takes one side, real differences the mean of both.
    f = lambda z: np.where(z < 1, 0 * z, z - 1)
    with pytest.raises(cm.NotAnalyticError, match=r"complex step gives 1, real differences"):
        cm.derivative(f, 1.0, scheme="complex")


def test_noise_of_f_is_no_reason_to_refuse():
    # A central difference is off by more than it says here; the second opinion knows the noise.
    x = np.exp(np.random.default_rng(0).uniform(np.log(0.005), np.log(0.5), 200))
    value = cm.derivative(lambda z: (1 - np.cos(z)) / z**2, x, scheme="complex")
    np.testing.assert_allclose(value, -x / 12 + x**3 / 180 - x**5 / 6720, rtol=1e-5)


def test_one_bad_coordinate_among_many():
    def f(x):
        return np.sum(x[:-1] ** 2) + (np.real(x[-1]) ** 2 + 0j if np.iscomplexobj(x) else x[-1] ** 2)

    with pytest.raises(cm.NotAnalyticError, match="is not analytic"):
        cm.gradient(f, np.linspace(1, 2, 20), scheme="complex")


def test_only_first_derivatives():
    with pytest.raises(ValueError, match="order 1, got n = 2"):
        cm.derivative(np.sin, 1.0, 2, scheme="complex")


def test_not_finite():
    estimate = cm.estimate_derivative(lambda x: x * np.nan, 1.0, scheme="complex")
    assert cm.Status(int(estimate.status)) is cm.Status.NON_FINITE
    assert np.isnan(estimate.error)


def test_a_noisy_function_is_judged_by_its_noise():
    rng = np.random.default_rng(0)

    def f(x):
        return np.sin(x) + 1e-6 * rng.standard_normal()

    # The noise is real, so the complex step does not see it; the check must not fail because of it.
    assert cm.derivative(f, 1.0, scheme="complex") == pytest.approx(np.cos(1.0), rel=1e-12)


def test_names():
    assert cm.schemes.as_scheme("complex") == cm.schemes.ComplexStep()
    assert " ".join(cm.schemes.names()) == "adaptive backward cauchy central complex forward richardson"
    with pytest.raises(ValueError, match="`scheme` must be one of adaptive, .*, got 'best'"):
        cm.derivative(np.sin, 1.0, scheme="best")
    with pytest.raises(TypeError, match="`scheme` must be a name or a scheme"):
        cm.derivative(np.sin, 1.0, scheme=3)


def test_underflow_shows_in_the_error():
    estimate = cm.estimate_derivative(lambda x: 1e-271 * np.sin(x), 0.5, scheme="complex")
    assert abs(estimate.value - 1e-271 * np.cos(0.5)) <= estimate.error < 1e-220


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1e8 * x[0] + np.abs(x[1]),
        lambda x: 1e3 * x[0] + 1e-4 * np.abs(x[1]),
        lambda x: x[0] * x[1] + np.abs(x[1]) ** 2 * 1e-6,
    ],
)
def test_small_parts_that_are_not_analytic(f):
    with pytest.raises(cm.NotAnalyticError):
        cm.gradient(f, [1.0, 2.0], scheme="complex")


def test_narrow_floats_and_long_vectors():
    x = np.array([0.5, 1.5], np.float32)
    np.testing.assert_allclose(
        cm.gradient(lambda x: np.sum(np.exp(x)), x, scheme="complex"), np.exp(x), rtol=1e-6
    )
    for length in (1e-250, 1e100):
        value = cm.jvp(lambda x: np.sum(np.sin(x)), [1.0, 2.0], [length, 0.0], scheme="complex")
        assert value == pytest.approx(length * np.cos(1.0), rel=1e-12)


def test_a_pole_at_the_point():
    estimate = cm.estimate_derivative(lambda x: 1 / x, 0.0, scheme="complex")
    assert np.isnan(estimate.value)
    assert cm.Status(int(estimate.status)) is cm.Status.NON_FINITE


# The parts, number by number.


def lines_of(f, x, bounds=None):
    x = np.asarray(x)
    limits = None if bounds is None else check_bounds(bounds, *flatten(x))
    return ElementwiseLines(Function(f, None), x, limits)


def with_slopes(slope):
    """A function whose complex step returns these slopes at real points, whatever they are."""
    return lambda z: np.real(z) + 1j * np.imag(z) * slope(np.real(z)) if np.iscomplexobj(z) else 0.0 * z


@pytest.mark.parametrize(
    ("size", "reach", "step"),
    [
        (0.0, 1.0, 1e-100),
        (1.0, 1.0, 1e-100),
        (1.0, 4.0, 1e-100 / 4),
        (0.0, 4.0, 1e-100 / 4),
        (2e-50, 1.0, 1e-100),
        (1e-50, 1.0, 1e-100),
        # Below 1e-50 the step falls with x, down to 1e-200.
        (1e-60, 1.0, 1e-160),
        (1e-60, 4.0, 1e-160),
        (1e-150, 1.0, 1e-200),
        (1e-120, 1e-3, 1e-197),
        (1e-180, 4.0, 1e-200 / 4),
        (1e-55, 1e10, 1e-110),
    ],
)
def test_the_imaginary_step(size, reach, step):
    lines = SimpleNamespace(size=np.array([size]), reach=np.array([reach]))
    np.testing.assert_allclose(_imaginary.imaginary_step(lines), [step], rtol=1e-15)


def test_underflow_is_eight_of_the_smallest_numbers():
    h = np.array([1e-100, 2.0**-600])
    smallest = np.finfo(float).smallest_subnormal
    np.testing.assert_array_equal(
        _imaginary.underflow(h), [[8 * smallest / 1e-100], [8 * smallest * 2.0**600]]
    )


def test_the_window_for_the_noise():
    x, way = np.array([4.0, 0.0, -2.0]), EPS**0.55
    center, half = _imaginary._window(lines_of(np.sin, x))
    np.testing.assert_array_equal(center, [0.0, 0.0, 0.0])
    # In units of |x|, or of 1 at 0.
    np.testing.assert_allclose(half, way * np.array([4.0, 1.0, 2.0]), rtol=1e-15)
    inside = 1 - 1e-6
    center, half = _imaginary._window(lines_of(np.sin, np.zeros(3), ([0.0, -1e-9, -1.0], [1.0, 1.0, 0.0])))
    low, high = np.array([0.0, -1e-9 * inside, -way]), np.array([way, way, 0.0])
    np.testing.assert_allclose(center, (low + high) / 2, rtol=1e-15)
    np.testing.assert_allclose(half, (high - low) / 2, rtol=1e-15)


def scatter_by_hand(slope, value, low, high):
    """Four standard deviations from the parabola through eight slopes, and how far the value is from it."""
    aside = np.array([-1.0, -0.618, -0.271, -0.047, 0.083, 0.382, 0.703, 1.0])
    center, half = (low + high) / 2, (high - low) / 2
    slopes = slope(center + half * aside)
    parabola = np.polynomial.Polynomial.fit(aside, slopes, 2, domain=[-1, 1], window=[-1, 1])
    left = slopes - parabola(aside)
    return 4 * math.sqrt(np.sum(left**2) / 5) + abs(value - parabola(-center / half))


@pytest.mark.parametrize("bounds", [None, (0.0, 1.0), (-1.0, 0.0), (-1e-9, 1.0), (-1.0, 3e-10)])
def test_the_scatter_of_slopes(bounds):
    way = EPS**0.55
    slope = lambda x: 2 - 3 * (x / way) + 5 * (x / way) ** 2 + 7 * (x / way) ** 3
    lines = lines_of(with_slopes(slope), np.zeros(1), bounds)
    low, high = (-way, way) if bounds is None else np.clip((1 - 1e-6) * np.array(bounds), -way, way)
    for value in (2.0, 2.5, -40.0):
        found = _imaginary.scatter(lines, np.array([1e-100]), np.array([[value]]))
        # The parabola is solved for in another way here.
        assert found[0, 0] == pytest.approx(scatter_by_hand(slope, value, low, high), rel=1e-10)


def test_scatters_of_any_size_side_by_side():
    way, size = EPS**0.55, np.array([1.0, 1e-200])
    lines = lines_of(with_slopes(lambda x: size * (x / way) ** 3), np.zeros(2))
    found = _imaginary.scatter(lines, np.full(2, 1e-100), np.zeros((2, 1)))[:, 0]
    np.testing.assert_allclose(found, size * found[0], rtol=1e-12)
    assert found[0] > 0.1


def test_the_scatter_where_there_is_no_room():
    lines = lines_of(with_slopes(lambda x: 3 + 0 * x), np.ones(1), (1.0, 1.0))
    found = _imaginary.scatter(lines, np.array([1e-100]), np.array([[3.0]]))
    # All slopes are 3; the parabola through one point is a constant there, up to rounding of its solution.
    assert found[0, 0] < 1e-13
    assert _imaginary.scatter(lines, np.array([1e-100]), np.array([[4.0]]))[0, 0] == pytest.approx(1.0)


def test_infinite_slopes_warn_nobody():
    lines = lines_of(with_slopes(lambda x: np.where(x > 0, np.inf, -np.inf)), np.zeros(1))
    h, value = np.array([1e-100]), np.array([[np.inf]])
    with np.errstate(all="raise"):
        assert not np.isfinite(_imaginary.scatter(lines, h, value)).any()
        assert not _imaginary.kinked(lines, h).any()
        slope, _ = _imaginary.slopes(lines_of(np.exp, 0.0), np.array([0.0]), np.zeros((1, 1)))
        assert np.isnan(slope).all()
        c = ComplexStep().coefficient(lines_of(lambda z: z * 1e300 * 1e300, 1.0), 1)
    assert c.status.tolist() == [[cm.Status.NON_FINITE]]


@pytest.mark.parametrize(
    ("left", "right", "jitter", "kinked"),
    [
        (1.0, 2.0, 0.0, True),
        (-1.0, 1.0, 0.0, True),
        (1.0, 1.0, 0.0, False),
        # A thousandth of the larger side is too little.
        (1.0, 1.00099, 0.0, False),
        (1.0, 1.00101, 0.0, True),
        (-1.00099, -1.0, 0.0, False),
        (-1.00101, -1.0, 0.0, True),
        (1000.0, 1000.99, 0.0, False),
        (1000.0, 1001.01, 0.0, True),
        # Each side may scatter by a hundredth of the jump.
        (100.0, 200.0, 0.99, True),
        (100.0, 200.0, 1.01, False),
        (100.0, 200.0, -0.99, True),
        (100.0, 200.0, -1.01, False),
        # Just as much is too much of a scatter, and too little of a kink.
        (0.0, 100.25, 1.0, False),
        (999.0, 1000.0, 0.0, False),
    ],
)
def test_kinks(left, right, jitter, kinked):
    way = EPS**0.55

    def slope(x):
        # A jitter above 0 spreads the slopes on the left, one below 0 those on the right, by one point each.
        value = np.where(x < 0, left, right)
        value = np.where(np.abs(x + 0.618 * way) < 1e-3 * way, value + max(jitter, 0.0), value)
        return np.where(np.abs(x - 0.382 * way) < 1e-3 * way, value + max(-jitter, 0.0), value)

    lines = lines_of(with_slopes(slope), np.zeros(2))
    # The means move by a quarter of the jitter.
    assert _imaginary.kinked(lines, np.full(2, 2.0**-332)).tolist() == [[kinked]] * 2


def test_kinks_are_looked_for_on_each_line():
    way = EPS**0.55
    x = np.array([0.0, 1.0])
    lines = lines_of(
        with_slopes(lambda x: np.where(x < -way * 2, 0.0, np.where(x < 0, 1.0, np.round(5 * x)))), x
    )
    # On the second line all slopes are 5.
    assert _imaginary.kinked(lines, np.full(2, 1e-100)).tolist() == [[True], [False]]


def judge_of(value, truncation, noise):
    class Judge:
        def coefficient(self, lines, n, *, error):
            assert n == 1 and error is True
            parts = (np.array([[part]]) for part in (value, truncation, noise))
            return Coefficient(*parts, step=np.zeros(1), status=np.zeros((1, 1), np.int8))

    return Judge()


@pytest.mark.parametrize(("extra", "limit"), [(0.0, 0.030), (0.5, 5.03)])
def test_when_two_derivatives_disagree(extra, limit):
    probe = lines_of(np.sin, np.ones(1))
    for sign in (1, -1):
        for share, wrong in ((0.999, False), (1.001, True)):
            # Ten times the error of both, and rounding of the larger.
            expected = 2.0 + sign * share * (limit + 64 * EPS * (2 + max(sign, 0) * limit))
            found, error, disagree, real = _analytic_check._against(
                judge_of(2.0, 0.001, 0.002), probe, np.array([[expected]]), extra
            )
            assert found.tolist() == real.value.tolist() == [[2.0]]
            assert error[0, 0] == pytest.approx(limit, rel=1e-12)
            assert disagree.tolist() == [[wrong]]
    # Nor do they where both are the same to 64 units in the last place.
    for found in (1 - 64 * EPS, 1 + 32 * EPS):
        *_, disagree, _ = _analytic_check._against(judge_of(found, 0.0, 0.0), probe, np.ones((1, 1)), 0.0)
        assert not disagree.any()
    with np.errstate(all="raise"):
        *_, disagree, _ = _analytic_check._against(
            judge_of(np.inf, np.inf, 0.0), probe, np.array([[np.inf]]), 0.0
        )
        assert not disagree.any()
        _analytic_check._against(judge_of(1e308, 1e308, 0.0), probe, np.array([[-1e308]]), 0.0)


# A real difference that leaves nothing open.
NO_MORE = SimpleNamespace(value=np.zeros((1, 1)), truncation=np.zeros((1, 1)), noise=np.ones((1, 1)))


class Script:
    """What the parts of the check say, in order; and what they were asked."""

    def __init__(self, monkeypatch, first, second, kinked=False):
        self.answers, self.asked = [first, second], []
        monkeypatch.setattr(_analytic_check, "_against", self.against)
        monkeypatch.setattr(_analytic_check, "kinked", lambda probe, h: np.array([[kinked]]))
        monkeypatch.setattr(_analytic_check, "scatter", lambda probe, h, value: 0.125 * value)
        self.probe = lines_of(np.sin, np.ones(1))

    def against(self, judge, probe, expected, noise):
        self.asked.append((judge, float(np.max(noise))))
        found, error, wrong = self.answers[len(self.asked) - 1]
        return np.array([[found]]), np.array([[error]]), np.array([[wrong]]), NO_MORE

    def check(self, expected):
        _analytic_check.check(self.probe, np.array([[expected]]))


@pytest.mark.parametrize(
    ("expected", "first", "second", "kinked", "refused"),
    [
        # Nothing is wrong, nothing doubtful: one difference is enough.
        (2.0, (2.0, 0.1, False), None, True, False),
        (2.0, (2.0019, 0.1, False), None, True, False),
        (-2.0, (-2.0019, 0.1, False), None, True, False),
        # Further off than a thousandth: a kink settles it.
        (2.0, (2.0021, 0.1, False), None, True, True),
        (2.0, (2.0021, 0.1, False), None, False, False),
        (-2.0, (-2.0021, 0.1, False), None, True, True),
        (1000.0, (1001.0, 100.0, False), None, True, False),
        # Wrong: the second one must disagree, too, and be nearer to the first one than half of the way.
        (2.0, (3.0, 0.1, True), (3.0, 0.1, True), False, True),
        (2.0, (3.0, 0.1, True), (3.0, 0.1, False), False, False),
        (2.0, (3.0, 0.1, True), (3.9, 0.1, True), False, True),
        (2.0, (3.0, 0.1, True), (4.1, 0.1, True), False, False),
        (2.0, (3.0, 0.1, True), (4.0, 0.1, True), False, False),
        (2.0, (3.0, 0.1, True), (2.5, 0.1, True), False, False),
        (2.0, (3.0, 0.1, True), (2.7, 0.1, True), False, True),
        (2.0, (3.0, 0.1, True), (2.0, 0.1, False), True, True),
    ],
)
def test_what_it_takes_to_refuse_a_function(monkeypatch, expected, first, second, kinked, refused):
    script = Script(monkeypatch, first, second, kinked)
    if refused:
        with pytest.raises(cm.NotAnalyticError) as caught:
            script.check(expected)
        found, error, _ = second or first
        assert str(caught.value) == (
            f"{script.probe.function.name} is not analytic: the complex step gives {expected:.6g}, "
            f"real differences {found:.6g} +- {error / 10:.1g}; it takes `abs`, a comparison or a real cast "
            "of complex numbers: use scheme='adaptive'"
        )
    else:
        script.check(expected)
    # The second opinion knows the scatter of the slopes.
    asked = [(cm.schemes.Central(), 0.0), (_analytic_check.LONGER, 0.125 * expected)]
    assert script.asked == asked[: 1 if second is None else 2]


def test_checks_of_infinite_slopes_warn_nobody(monkeypatch):
    far = (-1e308, 0.1, True)
    with np.errstate(all="raise"):
        Script(monkeypatch, (np.inf, 0.1, True), None).check(np.inf)
        with pytest.raises(cm.NotAnalyticError):
            Script(monkeypatch, far, far).check(1e308)
        endless = np.array([[np.inf]])
        script = Script(monkeypatch, (np.inf, 0.1, True), None)
        *_, refused, left = _analytic_check._settled(script.probe, endless, 0.0, endless, endless > 0)
    assert not refused.any() and np.isnan(left).all()


def test_what_may_be_chance_among_many_points(monkeypatch):
    # A share of 1e-6 of one line for all is no chance, beside that of each of many points.
    answer = (-2.0, 0.0, True)
    expected = np.array([[-2 + 2 * 0.99e-6]])
    script = Script(monkeypatch, answer, answer)
    script.check(expected[0, 0])
    script.asked.clear()
    with pytest.raises(cm.NotAnalyticError):
        _analytic_check.check(script.probe, expected, _analytic_check.SHARP)


def test_what_is_not_refused_needs_no_confirmation(monkeypatch):
    second = np.array([[2.0, 3.0]]), np.full((1, 2), 0.1), np.array([[False, True]]), np.zeros((1, 2))
    monkeypatch.setattr(
        _analytic_check, "_suspected", lambda *_: (np.full((1, 2), 3.0), *second[1:2], ~FALSE, NO_MORE)
    )
    monkeypatch.setattr(_analytic_check, "_settled", lambda *_: second)
    monkeypatch.setattr(_analytic_check, "_confirmed", lambda *_: FALSE)
    monkeypatch.setattr(_analytic_check, "scatter", lambda *_: 0.0)
    monkeypatch.setattr(_analytic_check, "kinked", lambda *_: FALSE)
    with pytest.raises(cm.NotAnalyticError, match="gives 2.5, real differences 3 "):
        _analytic_check.check(lines_of(np.sin, np.ones(1)), np.array([[2.25, 2.5]]))


def test_only_what_is_wrong_twice_is_refused(monkeypatch):
    # The first output is right, and is not looked at again; the second one is, and is found right then.
    monkeypatch.setattr(_analytic_check, "scatter", lambda *_: 0.0)
    answers = iter([([[1.0, 2.0]], [[False, True]]), ([[2.0]], [[False]])])

    def against(judge, probe, expected, noise):
        found, wrong = next(answers)
        assert expected.shape == np.shape(found)
        return np.array(found), np.full(expected.shape, 0.1), np.array(wrong), NO_MORE

    monkeypatch.setattr(_analytic_check, "_against", against)
    monkeypatch.setattr(_analytic_check, "kinked", lambda probe, h: np.zeros((1, 2), bool))
    _analytic_check.check(lines_of(np.sin, np.ones(1)), np.array([[1.0, 1.0]]))


def test_of_many_outputs_only_suspects_are_looked_at_twice(monkeypatch):
    looked = []
    settled = _analytic_check._settled

    def watched(probe, expected, *rest):
        looked.append((probe.outputs, expected.tolist()))
        return settled(probe, expected, *rest)

    monkeypatch.setattr(_analytic_check, "_settled", watched)
    scale = np.array([1.0, 2.0, 3.0, 4.0])

    def f(x):
        # The third output stands on a wave that the first difference does not resolve.
        return scale * np.sin(x[0]) + np.array([0, 0, 1e-3, 0]) * np.sin(1e5 * x[0])

    value = cm.jacobian(f, [1.0], scheme="complex")
    exact = scale * np.cos(1.0) + np.array([0, 0, 1e2, 0]) * np.cos(1e5)
    np.testing.assert_allclose(value[:, 0], exact, rtol=1e-11)  # sin(1e5) rounds its argument to 1e-11
    assert [outputs for outputs, _ in looked] == [1]
    assert looked[0][1][0][0] == pytest.approx(exact[2], rel=1e-10)


@pytest.mark.parametrize(
    ("expected", "truncation", "noise", "confirmed"),
    [
        (2.0, 0.0, 0.0, True),
        (2.0, 1e308, 0.0, False),
        (3.0, 0.05, 0.05, True),  # apart by 1 = 10 (0.05 + 0.05), and that is less than 3 / 2
        (3.0, 0.05, 0.04, False),
        (3.0, 0.04, 0.05, False),
        (1.0, 0.05, 0.05, False),  # as far apart, but half of 1 is less than the margin
        (-2.0, 0.05, 0.05, False),
        (2.0, 0.1, 0.0, True),  # a margin of just half of what is expected
        (2.0, 0.125, 0.0, False),
        (np.nan, 0.1, 0.1, False),
        (3.0, np.inf, 0.0, False),
    ],
)
def test_what_the_adaptive_scheme_confirms(monkeypatch, expected, truncation, noise, confirmed):
    class Known:
        def coefficient(self, lines, n):
            assert (lines, n) == ("lines", 1)
            tables = (np.array([[v]]) for v in (2.0, truncation, noise))
            return Coefficient(*tables, step=np.ones(1), status=np.zeros((1, 1), np.int8))

    monkeypatch.setattr(_analytic_check, "Adaptive", Known)
    with np.errstate(all="raise"):
        assert _analytic_check._confirmed("lines", np.array([[expected]])).tolist() == [[confirmed]]


def test_nothing_confirms_an_infinite_derivative():
    lines = lines_of(lambda x: x * 1e308, 0.0)
    endless = SimpleNamespace(value=np.array([[np.inf]]), truncation=np.zeros((1, 1)), noise=np.zeros((1, 1)))
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="raise"):
        patch.setattr(_analytic_check, "Adaptive", lambda: SimpleNamespace(coefficient=lambda *_: endless))
        assert not _analytic_check._confirmed(lines, np.array([[np.inf]])).any()


def test_what_is_said():
    with pytest.raises(ValueError) as caught:
        cm.derivative(np.sin, 1.0, 3, scheme="complex")
    assert str(caught.value) == (
        "`ComplexStep` gives derivatives of order 1, got n = 3; "
        "use scheme='adaptive', or give the gradient and differentiate that"
    )
    f = lambda x: np.exp(1j * x)
    with pytest.raises(cm.NotAnalyticError) as caught:
        ComplexStep().coefficient(lines_of(f, 1.0), 1)
    assert str(caught.value) == (
        f"{Function(f, None).name} is complex on the real axis, where the complex step needs real "
        "values; differentiate its real and imaginary parts, or use scheme='adaptive'"
    )
    with pytest.raises(cm.NotAnalyticError) as caught:
        _complex_values.complex_values(lines_of(math.sin, 1.0), np.array([[1j]]))
    name = lines_of(math.sin, 1.0).function.name
    assert str(caught.value).startswith(f"{name} does not take complex numbers (")
    assert str(caught.value).endswith("); use scheme='adaptive'")
    with pytest.raises(cm.NotAnalyticError) as caught:
        _complex_values.complex_values(lines_of(np.abs, 1.0), np.array([[1j]]))
    assert str(caught.value) == (
        f"{lines_of(np.abs, 1.0).function.name} returned real values for a complex argument, so its "
        "imaginary part, and with it the derivative, is lost; remove casts such as float() or .real, or "
        "use scheme='adaptive'"
    )


def test_the_coefficient_in_full():
    c = ComplexStep().coefficient(lines_of(lambda z: z * z, [1.0, np.nan]), 1, error=False)
    np.testing.assert_array_equal(c.value, [[2.0], [np.nan]])
    np.testing.assert_array_equal(c.truncation, [[0.0], [np.nan]])
    # Four units of rounding of the value, and of underflow.
    np.testing.assert_allclose(c.noise, [[8 * EPS], [np.nan]], rtol=1e-12)
    assert c.step.tolist()[0] == 1e-100
    assert c.status.tolist() == [[cm.Status.OK], [cm.Status.NON_FINITE]] and c.status.dtype == np.int8
    assert ComplexStep().coefficient(lines_of(np.exp, 1.0), 1).noise > 4.5 * EPS * np.e
