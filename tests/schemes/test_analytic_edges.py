"""The complex step and Cauchy's integral where numbers end, faults are small, and f raises by itself."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import calcml as cm
from calcml._function import Function
from calcml._lines import Directions, ElementwiseLines, PointLines
from calcml._parameters import flatten
from calcml.schemes import ComplexStep, _analytic_check, _complex_values, _imaginary, complex_step
from calcml.schemes.cauchy import Cauchy
from calcml.testing import honest

EPS = np.finfo(float).eps
SMALLEST = np.finfo(float).smallest_subnormal
SCHEMES = ["complex", "cauchy"]


def lines_of(f, x):
    return ElementwiseLines(Function(f, None), np.asarray(x, dtype=float))


def status_of(estimate):
    return cm.Status(int(np.max(estimate.status)))


# Next to the smallest numbers.

CASES = [(np.log, lambda x: 1 / x), (np.sqrt, lambda x: 0.5 / np.sqrt(x)), (np.sin, np.cos)]
CASES += [(lambda z: z * np.log(z), lambda x: np.log(x) + 1), (lambda z: z**0.25, lambda x: x**-0.75 / 4)]


@pytest.mark.parametrize("power", [-120, -180, -189, -191, -195, -200, -250, -290, -300, -305, -307])
@pytest.mark.parametrize(("f", "exact"), CASES)
def test_the_complex_step_next_to_zero(f, exact, power):
    x = 10.0**power
    estimate = cm.estimate_derivative(f, x, scheme="complex")
    assert honest(estimate.error, estimate.value, exact(x))
    assert status_of(estimate) is cm.Status.OK
    # Full digits as long as 1e-10 x is a normal number, but for the rounding of complex powers.
    assert estimate.error <= abs(exact(x)) * (2e-13 if power >= -290 else 1e-9)
    assert cm.derivative(f, x, scheme="complex") == estimate.value


@pytest.mark.parametrize(
    ("size", "reach", "step"),
    [
        # A share of 1e-10 of x, whatever its units.
        (1e-189, 1.0, 1e-200),
        (1e-191, 1.0, 1e-201),
        (1e-250, 1.0, 1e-260),
        (1e-250, 8.0, 1e-260),
        # Here the cube root of s x^2 takes over.
        (1e-290, 1.0, 1e-300),
        (1e-300, 1.0, math.exp((math.log(2) * -1074 - 600 * math.log(10)) / 3)),
        (8e-300, 0.125, 8 * math.exp((math.log(2) * -1074 - 600 * math.log(10)) / 3)),
    ],
)
def test_the_imaginary_step_stays_below_x(size, reach, step):
    lines = SimpleNamespace(size=np.array([size]), reach=np.array([reach]))
    np.testing.assert_allclose(_imaginary.imaginary_step(lines), [step], rtol=1e-12)


def test_coordinates_of_different_size_on_one_line():
    # 1e-100 along the line is far beyond the smaller coordinate.
    value = cm.jvp(lambda x: np.log(x[0]) + np.sin(x[1]), [1e-120, 2.0], [1.0, 1.0], scheme="complex")
    assert value == pytest.approx(1e120, rel=1e-14)
    lines = PointLines(
        Function(np.sum, flatten(np.ones(3))[1]),
        np.array([1e-150, 0.0, 1.0]),
        Directions.dense(np.array([[2.0, 1.0, 1.0], [0.0, 1.0, 1.0], [1e-5, 1.0, 4.0]])),
    )
    # Zeros and coordinates that do not move say nothing.
    h = _imaginary.near(lines, np.full(3, 1e-100))
    np.testing.assert_allclose(h, [1e-10 * 0.5e-150, 1e-100, 1e-155], rtol=1e-14)
    lines = lines_of(np.sin, [1e-290, 1e-270, 1.0])
    np.testing.assert_allclose(_imaginary.near(lines, np.full(3, 1e-100)), [1e-290, 1e-280, 1e-100])
    assert _imaginary.near(lines, np.full(3, 1e-100, np.longdouble)).dtype == np.longdouble
    # The last steps are counted in the units of x.
    steep = Directions.dense(np.array([[8.0]]))
    lines = PointLines(Function(np.sum, flatten(np.ones(1))[1]), np.array([1e-290]), steep)
    np.testing.assert_allclose(_imaginary.near(lines, np.full(1, 1e-100)), [1e-290 / 8])


def test_which_underflow_is_excused():
    # What counts is how far x itself is below 1e-50.
    lines = SimpleNamespace(size=np.array([2e-51, 1e-51, 1e-50]), reach=np.array([8.0, 8.0, 1.0]))
    h = np.array([1e-100, 1e-200, 1e-300])
    found = complex_step._excused(lines, h)
    np.testing.assert_array_equal(found, np.array([[1.0], [0.0], [1.0]]) * _imaginary.underflow(h))


def test_truncation_of_steps_that_are_not_far_below_x():
    lines = SimpleNamespace(size=np.array([1e-300, 1.0, 0.0, 1.0, 1.0, 1.0]))
    h = np.array([1e-303, 1e-100, 1e-100, 1.9e-10, 2.1e-10, 2 * 1e-10])
    found = _imaginary.relative_truncation(lines, h)
    np.testing.assert_allclose(found, [[1e-6], [0.0], [0.0], [0.0], [2.1e-10**2], [0.0]], rtol=1e-14)


def test_the_status_of_what_the_error_leaves():
    lines = lines_of(lambda z: np.asarray([3.0, 3.0, 3.0, 0.0, 3.0, 3.0, 3.0])[: z.size], np.full(7, 2.0))
    root = EPS**0.5
    value = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 1.0, np.nan])[:, None]
    error = np.array([0.0099, 0.0101, 1.4 * root, 1e-3, 1.6 * root, np.inf, np.nan])[:, None]
    finite = np.array([True] * 6 + [False])[:, None]
    with np.errstate(all="raise"):
        status = complex_step._status(lines, value, error, finite)
    names = [cm.Status(int(s)).name for s in status[:, 0]]
    # Beside a zero of f, an error above a zero derivative says nothing; an infinite one is never accurate.
    assert names == ["OK", "INACCURATE", "OK", "OK", "INACCURATE", "INACCURATE", "NON_FINITE"]
    assert status.dtype == np.int8


def test_the_status_where_x_is_small():
    # Beside x = 0 the length of f is taken for 1.
    lines = lines_of(lambda z: np.full(z.size, 3.0), [0.0, 0.0, 0.5, 0.5, 2.0, 2.0])
    root = EPS**0.5
    value = np.array([0.0, 0.0, 0.0, 0.0, 100.0, 0.0])[:, None]
    error = np.array([2.9 * root, 3.1 * root, 5.9 * root, 6.1 * root, 1.0, 1.5 * root])[:, None]
    status = complex_step._status(lines, value, error, np.ones((6, 1), bool))
    names = [cm.Status(int(s)).name for s in status[:, 0]]
    # Errors just as large as they may be are excused.
    assert names == ["OK", "INACCURATE", "OK", "INACCURATE", "OK", "OK"]


def test_what_the_check_leaves_is_noise_of_its_own_point(monkeypatch):
    plain = ComplexStep().coefficient(lines_of(np.sin, [1.0, 2.0]), 1)
    monkeypatch.setattr(complex_step, "check", lambda probe, expected, judge: np.array([[0.5], [0.25]]))
    charged = ComplexStep().coefficient(lines_of(np.sin, [1.0, 2.0]), 1)
    np.testing.assert_allclose(charged.noise - plain.noise, [[0.5], [0.25]], rtol=1e-12)


def test_steep_and_flat_lines_share_what_is_left_without_a_warning():
    lines = lines_of(np.sin, [1.0, 2.0])
    value, left = np.array([[1e300], [1e-300]]), np.ones((1, 1))
    with np.errstate(all="raise"):
        share = _analytic_check.charged(lines, value, "mixture", np.ones((1, 1)), left)
    np.testing.assert_array_equal(share, [[np.inf], [3.0]])


def test_an_endless_slope_warns_nobody():
    with np.errstate(all="raise"):
        c = ComplexStep().coefficient(lines_of(lambda z: z * 1e200 * 1e200, 0.0), 1, error=False)
    assert np.isinf(c.value).all() and status_of(c) is not cm.Status.OK


def test_an_infinite_error_is_not_accurate():
    # The slope is 1e310.
    estimate = cm.estimate_derivative(np.log, 1e-310, scheme="complex")
    assert status_of(estimate) is not cm.Status.OK
    # The square and its slope underflow; in the tail of a Gaussian that is of no concern.
    assert status_of(cm.estimate_derivative(lambda z: z * z, 1e-150, scheme="complex")) is (
        cm.Status.INACCURATE
    )
    estimate = cm.estimate_derivative(lambda z: np.exp(-z * z), 25.0, scheme="complex")
    assert honest(estimate.error, estimate.value, -50 * np.exp(-625.0))
    assert estimate.error > abs(estimate.value) and status_of(estimate) is cm.Status.OK
    # Slopes of 1e200 scatter by more than their squares can hold.
    lines = lines_of(lambda z: 1e200 * np.exp(z), 1.0)
    c = ComplexStep().coefficient(lines, 1)
    assert 4 * EPS < c.noise[0, 0] / c.value[0, 0] < 40 * EPS


@pytest.mark.parametrize("x", [1e-150, 1e-250, 1e-290, 1e-300, 1e-305, 1e-310, 1e-320, 1e300, 1e307])
@pytest.mark.parametrize("n", [1, 2])
def test_circles_at_the_ends_of_the_range_warn_nobody(x, n):
    for f in (np.sin, np.log, np.sqrt, lambda z: z * z, lambda z: 1 / z):
        try:
            estimate = cm.estimate_derivative(f, x, n, scheme=Cauchy())
        except cm.NotAnalyticError:
            continue
        assert estimate.value.shape == ()


@pytest.mark.parametrize("x", [1e-250, 1e-300])
def test_digits_of_circles_next_to_zero(x):
    estimate = cm.estimate_derivative(np.sqrt, x, scheme=Cauchy())
    assert honest(estimate.error, estimate.value, 0.5 / np.sqrt(x))
    assert estimate.error <= 1e-12 * estimate.value


# Small faults.


@pytest.mark.parametrize("share", [1e-3, 1e-5, 1e-6, 1e-7])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_small_casts_among_many_coordinates(scheme, share):
    x = np.linspace(0.5, 1.5, 200)
    f = lambda x: np.sum(x**2) + share * np.abs(x[17])
    with pytest.raises(cm.NotAnalyticError, match="is not analytic"):
        cm.gradient(f, x, scheme=scheme)


def test_a_cast_that_is_not_proved_is_in_the_error():
    # A slope of nearly zero has most of the weight here, and the error of real differences with it.
    x = np.random.default_rng(0).normal(size=200)
    estimate = cm.estimate_gradient(lambda x: np.sum(x**2) + 1e-6 * np.abs(x[17]), x, scheme="complex")
    exact = 2 * x
    exact[17] += 1e-6 * np.sign(x[17])
    assert honest(estimate.error, estimate.value, exact).all()
    clean = cm.estimate_gradient(lambda x: np.sum(x**2), x, scheme="complex")
    assert (clean.error <= 40 * EPS * np.abs(clean.value)).all()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_half_a_slope(scheme):
    f = lambda x: np.sin(x[0]) + 1e-6 * np.real(x[1]) ** 2
    with pytest.raises(cm.NotAnalyticError, match=r"real differences -(1.91378|2.6)e-06 "):
        cm.gradient(f, [0.7, -1.3], scheme=scheme)
    with pytest.raises(cm.NotAnalyticError, match=r"Cauchy's integral gives"):
        cm.hessian(f, [0.7, -1.3], scheme="cauchy")


def test_good_circles_are_not_checked():
    # 8 points of one circle and f(x), and half of 16 more on a second; a pole that is near costs no check.
    assert cm.estimate_derivative(np.exp, 1.0, scheme=Cauchy()).nfev == 9
    calls = []
    near = lambda z: calls.append(z) or 1 / (z + 2.0**-30)
    cm.derivative(near, 0.0, scheme=Cauchy())
    assert sum(not np.iscomplexobj(z) for z in calls) == 1


def test_noise_and_poles_beside_a_flat_slope_are_no_fault():
    rng = np.random.default_rng(5)
    estimate = cm.estimate_derivative(
        lambda z: np.cos(z) + 1e-7 * rng.standard_normal(), 0.0, scheme=Cauchy()
    )
    assert abs(estimate.value) <= estimate.error
    # A flat slope, with the first circle round the pole; the short circle is poor.
    f = lambda z: 1e6 + 1e-9 / (z * z + 1e-12)
    calls = []
    estimate = cm.estimate_derivative(lambda z: calls.append(z) or f(z), 0.0, scheme=Cauchy())
    assert abs(estimate.value) <= estimate.error
    assert sum(not np.iscomplexobj(z) for z in calls) > 1


def test_what_is_charged_for_a_mixture():
    lines, probe = lines_of(np.sin, np.ones(3)), lines_of(np.sin, np.ones(1))
    value = np.array([[2.0, 1.0], [-8.0, 0.0], [0.0, 0.0]])
    left = np.array([[0.5, 0.0]])
    # Weights of 0.5 to 1.5 over the slope, and in units of the largest; as they are where the slope is zero.
    charged, slope, flat = _analytic_check.charged, np.array([[0.0, 3.0]]), np.zeros((1, 2))
    np.testing.assert_array_equal(
        charged(lines, value, probe, slope, left), [[1.5, 0.0], [6.0, 0.0], [1.0, 0.0]]
    )
    # A mixture without a slope is one of lines without.
    np.testing.assert_array_equal(charged(lines, value, probe, flat, left), [[0, 0], [0, 0], [1.0, 0.0]])
    assert charged(lines, value, lines, slope, left) is left
    none = np.zeros((1, 2))
    assert charged(lines, value, probe, slope, none) is none
    assert charged(lines, 0 * value, probe, flat, left).tolist() == [[1.0, 0.0]] * 3


@pytest.mark.parametrize(
    ("found", "disagree", "refused", "left"),
    [
        # Both agree, and the second one is sure of it; or it is not; or they contradict each other, too.
        (3.0, True, True, 0.0),
        (3.0, False, False, 1.0),
        (2.8, False, False, 0.8),
        (2.3, True, False, 0.3),
        (1.0, True, False, 1.0),
        (2.3, False, False, 0.0),
        # The first one is nearer, but they are too far apart from each other.
        (4.1, True, False, 1.0),
    ],
)
def test_what_is_left_unexplained(monkeypatch, found, disagree, refused, left):
    table = lambda *entries: np.array([entries])
    monkeypatch.setattr(
        _analytic_check,
        "_against",
        lambda *_: (table(found, found), table(0.1, 0.1), table(disagree, disagree), None),
    )
    parts = _analytic_check._settled(
        lines_of(np.sin, np.ones(1)), table(2.0, 2.0), 0.0, table(3.0, 3.0), table(True, False)
    )
    # The second output was never suspected.
    assert parts[2].tolist() == [[refused, False]]
    np.testing.assert_allclose(parts[3], [[left, 0.0]], rtol=1e-12)


@pytest.mark.parametrize(("share", "suspected"), [(0.099, False), (0.101, True)])
def test_when_a_second_difference_is_taken(monkeypatch, share, suspected):
    monkeypatch.setattr(
        _analytic_check, "_against", lambda *_: (np.array([[2.0]]), np.array([[0.5]]), None, "all")
    )
    for sign in (1, -1):
        expected = np.array([[2 + sign * 0.5 * share]])
        probe = lines_of(np.sin, np.ones(1))
        *_, wrong, real = _analytic_check._suspected(_analytic_check.PLAIN, probe, expected)
        assert wrong.tolist() == [[suspected]] and real == "all"
    # Derivatives that are the same to 64 units in the last place are.
    for found in (1 - 64 * EPS, 1 + 32 * EPS):
        answer = np.array([[found]]), np.zeros((1, 1)), None, None
        monkeypatch.setattr(_analytic_check, "_against", lambda *_, answer=answer: answer)
        *_, wrong, _ = _analytic_check._suspected("judge", lines_of(np.sin, np.ones(1)), np.ones((1, 1)))
        assert not wrong.any()


def test_a_second_opinion_is_only_asked_where_the_first_contradicts(monkeypatch):
    asked = []

    def against(judge, probe, expected, noise):
        asked.append(judge)
        return np.array([[3.0]]), np.array([[0.1]]), np.array([[True]]), None

    monkeypatch.setattr(_analytic_check, "_against", against)
    lines = lines_of(np.sin, np.ones(1))
    wrong, found, error = _analytic_check.contradicted(lines, np.array([[3.0]]))
    assert (wrong.tolist(), found.tolist(), error.tolist()) == ([[False]], [[3.0]], [[0.1]])
    assert asked == [_analytic_check.PLAIN]
    wrong, *_ = _analytic_check.contradicted(lines, np.array([[2.0]]))
    assert wrong.all() and asked[1:] == [_analytic_check.PLAIN, _analytic_check.LONGER]


# What f raises by itself.


class Raises:
    """x^3 summed; the given complex call raises, or all from there on."""

    def __init__(self, kind, at, *, on=False, once=None):
        self.kind, self.at, self.on, self.once, self.calls, self.raised = kind, at, on, once, 0, []

    def __call__(self, x):
        if np.iscomplexobj(x):
            self.calls += 1
            if self.calls == self.at or (self.on and self.calls > self.at):
                self.raised.append(self.once or self.kind("mine"))
                raise self.raised[-1]
        return np.sum(x**3)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", [ValueError, AttributeError, KeyError, cm.errors.EvaluationError, OSError])
@pytest.mark.parametrize(("at", "on"), [(1, False), (1, True), (3, True), (20, True)])
def test_exceptions_of_f_arrive_as_they_are(scheme, kind, at, on):
    f = Raises(kind, at, on=on)
    with pytest.raises(kind) as caught:
        cm.estimate_gradient(f, np.arange(1.0, 6.0), scheme=scheme)
    assert caught.value is f.raised[0] and caught.value.__cause__ is None


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("at", [3, 20])
def test_type_errors_of_later_calls_arrive_as_they_are(scheme, at):
    f = Raises(TypeError, at)
    with pytest.raises(TypeError) as caught:
        cm.estimate_gradient(f, np.arange(1.0, 6.0), scheme=scheme)
    assert caught.value is f.raised[0]
    # One that was made before has nothing to do with the argument either.
    mine = TypeError("mine")
    with pytest.raises(TypeError) as caught:
        cm.gradient(Raises(TypeError, 3, on=True, once=mine), np.arange(1.0, 6.0), scheme=scheme)
    assert caught.value is mine


def test_an_f_that_took_complex_numbers_once_is_not_explained():
    # The first five calls are for the value, one for each coordinate.
    f = Raises(TypeError, 10, on=True)
    with pytest.raises(TypeError) as caught:
        cm.estimate_gradient(f, np.arange(1.0, 6.0), scheme="complex")
    assert caught.value is f.raised[0] and len(f.raised) == 1


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("f", [lambda x: sum(math.sin(t) for t in x), lambda x: np.sum(np.floor(x))])
def test_functions_of_real_numbers_are_explained(scheme, f):
    with pytest.raises(
        cm.NotAnalyticError, match="does not take complex numbers .*use scheme='adaptive'"
    ) as e:
        cm.gradient(f, np.arange(1.0, 6.0), scheme=scheme)
    assert isinstance(e.value.__cause__, TypeError | np.exceptions.ComplexWarning)


def test_who_is_at_fault():
    mine = TypeError("mine")
    t = np.array([[1j, 2j], [3j, 4j]])
    asked = []

    def taking(answer):
        def evaluate(t, index):
            asked.append((t.tolist(), index.tolist()))
            if isinstance(answer, Exception):
                raise answer
            return answer

        return SimpleNamespace(evaluate=evaluate)

    takes = _complex_values._takes
    assert takes(taking(0.0), t, None, mine) is True
    assert takes(taking(ValueError()), t, np.array([4, 7]), mine) is True
    assert takes(taking(mine), t[None], None, mine) is True
    assert takes(taking(TypeError("mine")), t, None, mine) is False
    # The first argument on the first line.
    assert asked == [([[1j]], [0]), ([[1j]], [4]), ([[1j]], [0]), ([[1j]], [0])]
    # And so it is for some lines alone.
    lines = SimpleNamespace(evaluate=lambda t, index: next(answers)(index.tolist()))

    def refuse(index):
        asked.append(index)
        raise mine

    answers = iter([refuse, lambda index: asked.append(index)])
    with pytest.raises(TypeError) as caught:
        _complex_values.complex_values(lines, t, np.array([4, 7]))
    assert caught.value is mine and asked[4:] == [[4, 7], [4]]
    del asked[4:]
    # A single one has been asked already.
    assert takes(taking(0.0), t[:1, :1], None, mine) is False and len(asked) == 4
    with pytest.raises(TypeError):
        _complex_values.complex_values(lines_of(Raises(TypeError, 1), 1.0), np.array([[1j]]), first=False)


def test_noisy_points_among_many_are_not_refused():
    # The rounding of 1 + z^2 is far above that of its logarithm, and misleads both differences at times.
    rng = np.random.default_rng(3)
    for _ in range(40):
        x = rng.normal(size=200) * 10 ** rng.uniform(-3, 1, 200)
        estimate = cm.estimate_derivative(lambda z: np.log(1 + z * z), x, scheme="complex")
        exact = 2 * x / (1 + x * x)
        assert honest(estimate.error, estimate.value, exact).mean() >= 0.99
        assert np.median(estimate.error / np.abs(exact)) <= 64 * EPS


@pytest.mark.parametrize(("apart", "refused"), [(0.99e-6, False), (1.01e-6, True)])
def test_what_may_be_chance(monkeypatch, apart, refused):
    monkeypatch.setattr(
        _analytic_check,
        "_against",
        lambda *_: (np.array([[-2.0]]), np.array([[0.0]]), np.array([[True]]), None),
    )
    lines, expected = lines_of(np.sin, np.ones(1)), np.array([[-2 + 2 * apart]])
    first, wrong = np.array([[-2.0]]), np.array([[True]])
    *_, found, left = _analytic_check._settled(lines, expected, 0.0, first, wrong, _analytic_check.CHANCE)
    assert found.tolist() == [[refused]]
    assert left[0, 0] == pytest.approx(0.0 if refused else 2 * apart, rel=1e-9)
    assert _analytic_check._settled(lines, expected, 0.0, first, wrong)[2].all()


def test_just_as_far_apart_as_chance_allows(monkeypatch):
    two = np.array([[2.0]])
    monkeypatch.setattr(_analytic_check, "_against", lambda *_: (two, two * 0, two > 0, None))
    lines = lines_of(np.sin, np.ones(1))
    refused, _ = _analytic_check._settled(lines, np.array([[1.0]]), 0.0, two, two > 0, chance=0.5)[2:]
    assert not refused.any()


@pytest.mark.parametrize("decimals", [2, 3, 4])
def test_rounding_to_figures_is_no_derivative_of_zero(decimals):
    # The imaginary part is rounded away, and so is a short real step; a longer one is not.
    f = lambda x: np.round(np.sin(x), decimals)
    x = np.linspace(1.001, 1.3, 100)
    estimate = cm.estimate_derivative(f, x, scheme="complex")
    np.testing.assert_array_equal(estimate.value, 0)
    sure = estimate.status == cm.Status.OK
    assert sure.mean() < (0.8 if decimals == 2 else 0.02)
    covered = estimate.error >= np.cos(x)
    np.testing.assert_array_equal(covered, ~sure)


def test_a_gradient_of_which_nothing_moves():
    f = lambda x: np.round(np.sin(x[0]) * x[1], 2)
    estimate = cm.estimate_gradient(f, [1.3, 2.0], scheme="complex")
    np.testing.assert_array_equal(estimate.value, [0, 0])
    assert (estimate.error >= np.abs([2 * np.cos(1.3), np.sin(1.3)])).all()
    assert (estimate.status == cm.Status.INACCURATE).all()


@pytest.mark.parametrize("f", [lambda x: 0 * x + 3.0, lambda x: 0 * x, lambda x: x * x, lambda x: x**3])
def test_a_derivative_that_is_zero_stays_sure(f):
    estimate = cm.estimate_derivative(f, 0.0, scheme="complex")
    assert abs(estimate.value) < 1e-199 and estimate.error < 1e-20 and estimate.success


def test_what_is_hidden():
    expected = np.array([0.0, 0.0, 0.0, 1e-300, 0.0, 0.0])
    value, truncation = np.array([0, -1, 0, 1, np.nan, 1.0]), np.array([10.0, 9.0, 3.0, 9.0, 1.0, np.inf])
    real = SimpleNamespace(value=value, truncation=truncation, noise=np.full(6, np.nextafter(1.0, 0)))
    np.testing.assert_array_equal(_analytic_check._hidden(expected, real), [20, 20, 0, 0, 0, np.inf])
    with np.errstate(all="raise"):
        huge = SimpleNamespace(**dict.fromkeys(("value", "truncation", "noise"), np.full(6, 1e308)))
        np.testing.assert_array_equal(_analytic_check._hidden(expected, huge), np.zeros(6))
    real.noise = np.ones(6)
    np.testing.assert_array_equal(_analytic_check._hidden(expected, real), [0, 0, 0, 0, 0, np.inf])
