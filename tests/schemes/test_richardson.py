"""Richardson extrapolation from a given step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml._parameters import check_bounds, flatten
from calcml.schemes import Relative, Richardson, richardson
from calcml.testing import derivative_cases, digits, honest


@given(st.floats(-3, 3), st.integers(1, 4), st.sampled_from([1.5, 2.0, 4.0]))
def test_estimates_hold(x, n, ratio):
    estimate = cm.estimate_derivative(np.sin, x, n, scheme=Richardson(ratio=ratio))
    exact = [np.sin, np.cos, lambda t: -np.sin(t), lambda t: -np.cos(t)][n % 4](x)
    assert abs(estimate.value - exact) <= estimate.error + 1e-15
    # Noise grows as 1/hⁿ towards the small steps; the largest of about 1/8 keeps these digits.
    assert estimate.error < [1e-10, 1e-7, 1e-5, 2e-2][n - 1]


@pytest.mark.parametrize("levels", [4, 6])
def test_polynomials_are_exact(levels):
    # q steps cancel the terms up to h^(2q-2): a polynomial of degree 2q is exact to rounding.
    p = np.polynomial.Polynomial(np.arange(1.0, 2 * levels))
    estimate = cm.estimate_derivative(p, 0.25, scheme=Richardson(levels=levels, step=0.5))
    assert estimate.value == pytest.approx(p.deriv()(0.25), rel=1e-13)
    assert estimate.step == 0.5


@pytest.mark.parametrize("levels", [4, 5, 9])
def test_evaluations(levels):
    assert cm.estimate_derivative(np.exp, 1.0, scheme=Richardson(levels=levels)).nfev == 2 * levels + 3


@given(st.floats(0, 1), st.integers(1, 3))
def test_no_evaluation_leaves_the_bounds(x, n):
    seen = []

    def f(t):
        seen.append(float(t))
        return np.exp(t)

    estimate = cm.estimate_derivative(f, x, n, scheme="richardson", bounds=(0.0, 1.0))
    assert min(seen) >= 0 and max(seen) <= 1
    assert abs(estimate.value - np.exp(x)) <= estimate.error + 1e-15


@pytest.mark.parametrize("x", [1e-8, 1e-3, 0.05])
def test_steps_shrink_into_the_domain(x):
    estimate = cm.estimate_derivative(np.log, x, scheme="richardson")
    assert estimate.value == pytest.approx(1 / x, rel=1e-6)
    assert abs(estimate.value - 1 / x) <= estimate.error


def test_a_fixed_step_is_taken_as_it_is():
    # The largest step leaves the domain; few of the windows are free of it.
    estimate = cm.estimate_derivative(np.log, 0.2, scheme=Richardson(step=0.25, levels=4))
    assert estimate.step == 0.25
    assert estimate.nfev == 11
    assert abs(estimate.value - 5) <= estimate.error < 0.5
    assert cm.Status(int(estimate.status)) is cm.Status.INACCURATE


def test_not_finite_and_no_room():
    estimate = cm.estimate_derivative(lambda x: x * np.nan, 1.0, scheme="richardson")
    assert cm.Status(int(estimate.status)) is cm.Status.NON_FINITE
    estimate = cm.estimate_derivative(np.sin, 1.0, scheme="richardson", bounds=(1.0, 1.0))
    assert cm.Status(int(estimate.status)) is cm.Status.NO_ROOM


def test_lost_digits_show():
    rng = np.random.default_rng(0)
    estimate = cm.estimate_derivative(lambda x: rng.standard_normal(), 1.0, scheme="richardson")
    assert cm.Status(int(estimate.status)) is cm.Status.INACCURATE


def test_the_catalog():
    held, found, evaluations = [], [], []
    for case in derivative_cases():
        estimate = cm.estimate_derivative(case.f, case.x, scheme="richardson")
        held.append(bool(honest(estimate.error, estimate.value, case.exact())))
        found.append(float(digits(estimate.value, case.exact())))
        evaluations.append(estimate.nfev)
    assert sum(held) >= 42
    assert sum(d >= 6 for d in found) >= 41
    assert np.median(found) >= 13.5
    assert np.median(evaluations) == 17


@pytest.mark.parametrize(
    ("f", "x", "exact", "step", "nfev"),
    [
        # The first steps are 1/8 and 125000, each start divides them by 64 and costs 16 evaluations.
        (lambda x: np.sin(1000 * x), 1.0, 1000 * np.cos(1000.0), 0.125 / 64, 33),
        (np.sin, 1e6, np.cos(1e6), 125000 / 64**3, 65),
        (lambda x: 1 / x, 1e-6, -1e12, 0.125 / 64**3, 65),
    ],
)
def test_shorter_steps_where_the_first_are_too_long(f, x, exact, step, nfev):
    estimate = cm.estimate_derivative(f, x, scheme="richardson")
    assert digits(estimate.value, exact) >= 9
    assert honest(estimate.error, estimate.value, exact)
    assert estimate.step == pytest.approx(step, rel=1e-12)
    assert estimate.nfev == nfev


def test_shorter_steps_only_where_they_are_needed():
    x = np.array([1.0, 1e6])
    estimate = cm.estimate_derivative(np.sin, x, scheme="richardson")
    assert estimate.step[0] == 0.125 and estimate.step[1] == pytest.approx(125000 / 64**3)
    assert (digits(estimate.value, np.cos(x)) >= 9).all()


def test_shorter_steps_end_at_the_spacing_of_numbers():
    # The tableau starts again while the step stays above four spacings of x, here 2 times.
    rng = np.random.default_rng(0)
    x = 1e12
    estimate = cm.estimate_derivative(
        lambda x: rng.standard_normal(), x, scheme=Richardson(step=Relative(factor=1e-11), levels=4)
    )
    assert estimate.nfev == 1 + 10 * 3
    assert cm.Status(int(estimate.status)) is cm.Status.INACCURATE


RIDDERS = Richardson(levels=10, ratio=1.4, stop="ridders")


def dfridr(f, x, h, con=1.4, most=10):
    """Return Ridders' value and error by the recurrence as it is printed, with its evaluations."""
    a = np.full((most, most), np.nan)
    best, error = np.nan, np.inf
    for i in range(most):
        step = h / con**i
        a[0, i] = (f(x + step) - f(x - step)) / (2 * step)
        for j in range(1, i + 1):
            factor = con ** (2 * j)
            a[j, i] = (a[j - 1, i] * factor - a[j - 1, i - 1]) / (factor - 1)
            change = max(abs(a[j, i] - a[j - 1, i]), abs(a[j, i] - a[j - 1, i - 1]))
            if change <= error:
                best, error = a[j, i], change
        if i and abs(a[i, i] - a[i - 1, i - 1]) >= 2 * error:
            break
    return best, error, 2 * (i + 1)


@pytest.mark.parametrize(
    ("f", "x"),
    [(np.exp, 1.0), (np.tan, 0.5), (lambda t: np.sin(3 * t), 0.2), (np.log, 2.0), (np.arctan, 0.3)],
)
def test_ridders_is_what_ridders_wrote(f, x):
    estimate = cm.estimate_derivative(f, x, scheme=RIDDERS)
    best, error, evaluations = dfridr(f, x, 0.125 * max(1, x))
    # The steps are rounded to floating-point numbers here, and differences of nearly nothing compared.
    assert estimate.value == pytest.approx(best, rel=1e-11)
    assert abs(estimate.nfev - 1 - evaluations) <= 2
    if estimate.nfev - 1 == evaluations:
        assert abs(np.log10((estimate.truncation + 1e-16) / (error + 1e-16))) < 1


@given(st.floats(-2, 2))
def test_ridders_stops_early_and_holds(x):
    estimate = cm.estimate_derivative(np.exp, x, scheme=RIDDERS)
    assert abs(estimate.value - np.exp(x)) <= estimate.error + 4e-16 * np.exp(x)
    assert digits(estimate.value, np.exp(x)) >= 12
    assert 9 <= estimate.nfev <= 21 and estimate.nfev % 2 == 1


def test_ridders_by_hand():
    # x³ at 0 with steps 1 and 1/2: 1 and 1/4; (4 · 1/4 - 1) / 3 = 0, with the larger change 1.
    # The next row is 1/16, 0, 0: change 1/16, then 0; the last one ends with a change of 0, as good as any.
    estimate = cm.estimate_derivative(
        lambda t: t**3, 0.0, scheme=Richardson(step=1.0, levels=4, stop="ridders")
    )
    assert (estimate.value, estimate.truncation, estimate.nfev) == (0.0, 0.0, 7)
    # The noise of an entry: eps/2 of the largest |f|, and its step, in the weights of the row.
    assert 0 < estimate.noise < 1e-15


def test_ridders_on_one_side_and_on_many_lines():
    estimate = cm.estimate_derivative(np.exp, [0.0, 0.5, 1.0], scheme=RIDDERS, bounds=(0.0, 1.0))
    assert (np.abs(estimate.value - np.exp([0.0, 0.5, 1.0])) <= estimate.error).all()
    assert (digits(estimate.value, np.exp([0.0, 0.5, 1.0])) >= 7).all()


def test_ridders_shrinks_into_the_domain():
    estimate = cm.estimate_derivative(np.log, 1e-3, scheme=RIDDERS)
    assert honest(estimate.error, estimate.value, 1e3)
    assert digits(estimate.value, 1e3) >= 6


def test_ridders_gives_first_derivatives_only():
    with pytest.raises(ValueError, match="stop='ridders' gives derivatives of order 1, got n = 2"):
        cm.derivative(np.exp, 1.0, 2, scheme=RIDDERS)


def test_a_scheme_is_a_value():
    assert Richardson() == Richardson(levels=7, ratio=2.0, stop=None)
    assert Richardson().step == Relative(factor=0.125)
    assert hash(Richardson(step=0.1)) == hash(Richardson(step=0.1))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"levels": 3}, ValueError, "`levels` must be at least 4, got 3"),
        ({"levels": 2.5}, TypeError, "`levels` must be an integer, got 2.5"),
        ({"levels": True}, TypeError, "`levels` must be an integer"),
        ({"ratio": 1.0}, ValueError, "`ratio` must be above 1 and at most 100, got 1.0"),
        ({"ratio": np.inf}, ValueError, "`ratio` must be above 1"),
        ({"ratio": "2"}, TypeError, "`ratio` must be a number"),
        ({"step": -1.0}, ValueError, "`step` must be positive"),
        ({"stop": "early"}, ValueError, "`stop` must be None or 'ridders', got 'early'"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        Richardson(**options)


# The parts, number by number.

EPS = float(np.finfo(float).eps)


def lines_of(f, x, bounds=None):
    x = np.asarray(x)
    limits = None if bounds is None else check_bounds(bounds, *flatten(x))
    return ElementwiseLines(Function(f, None), x, limits)


def bell(x):
    # Operations that are rounded in one way everywhere.
    return 1 / (1 + x * x)


def ridders_by_hand(f, x, h, levels, side, ratio=2.0):
    """Value, change and noise of the entry that changes least, and evaluations, by the rule's own words."""
    rounding = lambda *values: EPS / 2 * max(abs(v) for v in (*values, f(x)))
    best, change, best_noise, before = np.nan, np.inf, np.nan, []
    for i in range(levels):
        k = h / ratio**i
        if side:
            values = [f(x + side * k)]
            row = [(side * (values[0] - f(x)) / k, 2 * rounding(*values) / k)]
        else:
            values = [f(x - k), f(x + k)]
            row = [((values[1] - values[0]) / (2 * k), rounding(*values) / k)]
        for j in range(1, i + 1):
            c = ratio ** (j if side else 2 * j)
            (a, e), (b, g) = row[-1], before[j - 1]
            row.append(((c * a - b) / (c - 1), (c * e + g) / (c - 1)))
            step = max(abs(row[j][0] - row[j - 1][0]), abs(row[j][0] - before[j - 1][0]))
            if step <= change:
                best, change, best_noise = row[j][0], step, row[j][1]
        if i and abs(row[i][0] - before[i - 1][0]) >= 2 * change:
            break
        before = row
    return best, change, best_noise, 1 + (i + 1) * (1 if side else 2)


@pytest.mark.parametrize("levels", [4, 6, 9])
@pytest.mark.parametrize("x", [0.5, 1.0, -2.0])
@pytest.mark.parametrize("side", [0, 1, -1])
def test_ridders_to_the_last_digit(levels, x, side):
    bounds = {0: None, 1: (x, x + 1), -1: (x - 1, x)}[side]
    lines = lines_of(bell, x, bounds)
    c = Richardson(step=0.25, levels=levels, stop="ridders").coefficient(lines, 1)
    value, change, noise, nfev = ridders_by_hand(bell, x, 0.25, levels, side)
    # Rounding of differences over the shortest step, 0.25 / 2^levels.
    assert c.value[0, 0] == pytest.approx(value, rel=1e-12)
    assert c.truncation[0, 0] == pytest.approx(change, rel=1e-3, abs=1e-12)
    assert c.noise[0, 0] == pytest.approx(noise, rel=1e-12, abs=0)
    assert (c.step.tolist(), lines.function.nfev) == ([0.25], nfev)


def test_lines_end_each_by_itself():
    x = np.array([0.5, 3.0, -2.0, 0.0])
    for scheme in (Richardson(step=0.25, levels=6, stop="ridders"), Richardson(step=0.25)):
        together = scheme.coefficient(lines_of(bell, x), 1)
        for p, one in enumerate(x):
            alone = scheme.coefficient(lines_of(bell, one), 1)
            for name in ("value", "truncation", "noise", "status"):
                assert getattr(together, name)[p, 0] == getattr(alone, name)[0, 0]


def scales_of(monkeypatch, f, x, n, bounds=None, stop=None):
    """Return what excuses an error."""
    scales, judge = [], richardson._status

    def watched(lines, value, error, scale):
        scales.append(scale)
        return judge(lines, value, error, scale)

    monkeypatch.setattr(richardson, "_status", watched)
    Richardson(step=0.25, stop=stop).coefficient(lines_of(f, x, bounds), n)
    return scales[-1][0, 0]


@pytest.mark.parametrize("bounds", [None, (2.0, 3.0), (1.0, 2.0)])
@pytest.mark.parametrize(("n", "stop"), [(1, "ridders"), (2, None), (3, None)])
def test_the_size_that_excuses_an_error(monkeypatch, bounds, n, stop):
    # The largest value over the power of the largest step.
    largest = 13.0 if bounds == (1.0, 2.0) else 2.25**3 + 5
    scale = scales_of(monkeypatch, lambda x: x**3 + 5, 2.0, n, bounds, stop)
    assert scale == pytest.approx(largest / 0.25**n, rel=1e-12)


@pytest.mark.parametrize("bounds", [None, (2.0, 3.0), (1.0, 2.0)])
@pytest.mark.parametrize("n", [1, 2])
def test_the_change_that_excuses_an_error(monkeypatch, bounds, n):
    # By how much f changes up to the last of the regular steps, over its power; 1e6 beside it is nothing.
    sided = bounds is not None
    last = 0.25 * 2.0 ** -(6 + (3 + n - 1 if sided else 0))
    scale = scales_of(monkeypatch, lambda x: 1e6 + 3 * x, 2.0, n, bounds)
    assert scale == pytest.approx(min(3 * last / last**n, 1e6 / 0.25**n), rel=1e-5)
    # A constant does not change.
    assert scales_of(monkeypatch, lambda x: 7 + 0 * x, 2.0, n, bounds) == pytest.approx(7 / 0.25**n)


@pytest.mark.parametrize(
    ("value", "error", "size", "status"),
    [
        (1.0, 0.01, 0.0, "OK"),
        (1.0, 0.0101, 0.0, "INACCURATE"),
        (-1.0, 0.01, 0.0, "OK"),
        (-1.0, 0.0101, 0.0, "INACCURATE"),
        # Up to 2^-26 of |f| / h is what rounding leaves of a derivative that is zero.
        (0.0, 2.0**-26, 1.0, "OK"),
        (0.0, 1.001 * 2.0**-26, 1.0, "INACCURATE"),
        (0.0, 2.0**-16, 1024.0, "OK"),
        (np.nan, 0.0, 1.0, "NON_FINITE"),
        (np.inf, np.inf, 1.0, "NON_FINITE"),
        # An endless error is never accurate, whatever f; and small numbers may underflow.
        (1.0, np.inf, np.inf, "INACCURATE"),
        (1e-308, 1e-320, 0.0, "OK"),
    ],
)
def test_verdicts(value, error, size, status):
    parts = [np.array([[part]]) for part in (value, error, size)]
    with np.errstate(all="raise"):
        found = richardson._status(lines_of(np.sin, [1.0]), *parts)
    assert found.dtype == np.int8 and found.tolist() == [[cm.Status[status]]]
    assert richardson._status(lines_of(np.sin, [1.0], (1.0, 1.0)), *parts).tolist() == [[cm.Status.NO_ROOM]]


def test_an_endless_error_is_no_success():
    assert not cm.estimate_derivative(lambda x: 3e307 * np.abs(x) ** 0.25, 0.0, scheme="richardson").success


@pytest.mark.parametrize("stop", [None, "ridders"])
def test_the_ends_of_the_numbers_warn_nobody(stop):
    scheme = Richardson(stop=stop)
    with np.errstate(all="raise"):
        assert cm.derivative(lambda x: 1e-308 * x, 1.0, scheme=scheme) == pytest.approx(1e-308, rel=1e-12)
        cm.derivative(lambda x: 1e308 * np.sign(np.sin(1e9 * x)), 1.0, scheme=scheme)


def test_digits_of_a_table():
    table = np.array(
        [[[2.0, 0.0, 0.0, np.nan, -4.0]], [[0.75, 0.0, 1.0, 0.0, 0.5]], [[0.25, 0.0, 1.0, 0.0, 1.5]]]
    )
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(richardson._relative(table), [[0.5, np.inf, np.inf, np.inf, 0.5]])


def test_evaluations_on_one_side():
    # Each power of the step takes a level, so there are half as many more, n - 1 for the order, one control.
    for levels, n in ((4, 1), (7, 1), (7, 2), (10, 3), (5, 4)):
        for bounds in ((1.0, 2.0), (0.0, 1.0)):
            lines = lines_of(bell, 1.0, bounds)
            Richardson(levels=levels).coefficient(lines, n)
            assert lines.function.nfev == 1 + levels + levels // 2 + n - 1 + 1


def test_points_on_the_bounds_are_used():
    for bounds in ((0.375, 0.625), (0.375, 9.0), (-9.0, 0.625)):
        seen = []
        lines = lines_of(
            lambda x: seen.append(float(x[0]) if np.ndim(x) else float(x)) or bell(x), 0.5, bounds
        )
        c = Richardson(step=0.125).coefficient(lines, 1)
        assert (min(seen), max(seen), c.step[0]) == (0.375, 0.625, 0.125)


def test_too_little_room_shortens_the_step():
    for bounds, step in (((0.5, 0.5625), 0.0625), ((0.4375, 0.5), 0.0625), ((0.49, 0.5625), 0.0625)):
        c = Richardson(step=0.125).coefficient(lines_of(bell, 0.5, bounds), 1)
        assert c.step[0] == pytest.approx(step, rel=1e-12)
        assert c.value[0, 0] == pytest.approx(-0.64, rel=1e-9)


def test_odd_and_even_derivatives_behind_the_point():
    for n, exact in ((1, 32.0), (2, 24.0), (3, 8.0), (4, 1.0)):
        c = Richardson(step=0.25).coefficient(lines_of(lambda x: x**4, 2.0, (0.0, 2.0)), n)
        assert c.value[0, 0] == pytest.approx(exact, rel=1e-6)


def test_the_first_step_into_the_domain_is_a_quarter_of_x():
    f = lambda x: np.sqrt(np.where(x < 0, np.nan, x))
    c = Richardson().coefficient(lines_of(f, 2.0**-10), 1)
    assert c.step.tolist() == [2.0**-12]
    # Elsewhere, a sixteenth of 3/8, of which entries at the shorter steps are finite; then steps shorter by
    # 64, as these have no two digits.
    c = Richardson().coefficient(lines_of(lambda x: f(x - 3), 3 + 2.0**-9), 1)
    assert c.step[0] == pytest.approx(0.125 * (3 + 2.0**-9) / 16 / 64, rel=1e-12)


def test_a_rule_without_a_factor_takes_that_of_the_central_difference():
    c = Richardson(step=Relative()).coefficient(lines_of(bell, 4.0), 1)
    assert c.step[0] == pytest.approx(4 * (3 * EPS) ** (1 / 3), rel=1e-12)


def test_long_doubles():
    c = Richardson().coefficient(lines_of(bell, np.longdouble(1)), 1)
    assert c.value.dtype == c.truncation.dtype == c.noise.dtype == np.longdouble


def test_of_equal_changes_ridders_takes_the_later():
    # An odd f with slopes 0, 3, 0 and 30: entries 4, with the change 4, then -1, with the change 4 again;
    # the third row ends with -4/3 at a distance of 16/3, the fourth changes by 40 and more.
    slopes = {1.0: 0.0, 0.5: 3.0, 0.25: 0.0, 0.125: 30.0, 0.0: 0.0}
    lines = lines_of(lambda t: t * slopes[abs(float(t))], 0.0)
    c = Richardson(step=1.0, levels=4, stop="ridders").coefficient(lines, 1)
    assert (c.value.item(), c.truncation.item(), lines.function.nfev) == (-1.0, 4.0, 9)


def test_ridders_needs_two_rows_for_a_straight_line():
    for bounds, points in ((None, 2), ((0.5, 1.5), 1)):
        lines = lines_of(lambda t: 3 * t, 0.5, bounds)
        c = Richardson(stop="ridders").coefficient(lines, 1)
        assert (c.value.item(), c.truncation.item(), lines.function.nfev) == (3.0, 0.0, 1 + 2 * points)


@pytest.mark.parametrize("bounds", [None, (1.0, 2.0), (0.0, 1.0)])
@pytest.mark.parametrize("inside", [0.2, 0.3])
def test_ridders_is_silent_where_f_is_infinite(bounds, inside):
    # At all steps from 1/8 or from 1/4 on, whose infinite entries are subtracted.
    lines = lines_of(lambda t: np.where((np.abs(t - 1) < inside) & (t != 1), np.inf, 1.0), 1.0, bounds)
    c = Richardson(step=0.25, stop="ridders").coefficient(lines, 1)
    assert c.status.tolist() == [[cm.Status.NON_FINITE]]


def test_shorter_steps_where_only_the_formula_is_poor():
    # Four steps from 1/8 over a period of 1/8, while rounding is far below.
    scheme = Richardson(levels=4, stop="ridders")
    c = scheme.coefficient(lines_of(lambda t: np.sin(50 * t), 0.3), 1)
    assert c.step.tolist() == [0.125 / 64]
    assert c.value.item() == pytest.approx(50 * np.cos(15), rel=1e-7)


@pytest.mark.parametrize(("power", "starts"), [(-43, 2), (-44, 1)])
def test_no_new_start_with_the_shortest_step(power, starts):
    # Four spacings of numbers above 1 are 2^-50, which a new start of steps 64 times shorter must exceed.
    signs = np.random.default_rng(0)
    lines = lines_of(lambda t: signs.standard_normal(), 1.0)
    c = Richardson(step=Relative(factor=2.0**power), levels=4).coefficient(lines, 1)
    assert lines.function.nfev == 1 + 10 * starts
    assert c.status.tolist() == [[cm.Status.INACCURATE]]


def test_shorter_steps_must_have_more_digits():
    # The derivative of an even function is 0 at any step, and its error is the larger the shorter the step.
    lines = lines_of(lambda t: np.sqrt(np.sqrt(np.abs(t))), 0.0)
    c = Richardson().coefficient(lines, 1)
    assert (c.value.item(), c.step.item(), lines.function.nfev) == (0.0, 0.125, 1 + 16 * 5)
    assert c.status.tolist() == [[cm.Status.INACCURATE]]


@pytest.mark.parametrize(("bounds", "sides"), [(None, (-1, 1)), ((1.0, 2.0), (1,)), ((0.0, 1.0), (-1,))])
def test_one_more_step_than_the_tableau_has(bounds, sides):
    seen = []
    lines = lines_of(lambda x: seen.append(float(np.squeeze(x))) or np.exp(x), 1.0, bounds)
    Richardson(step=0.25, levels=5).coefficient(lines, 1)
    count = 5 if bounds is None else 7
    steps = np.append(0.25 * 2.0 ** -np.arange(count), 0.25 * 2.0 ** (1 - count) * (np.sqrt(5) - 1) / 2)
    expected = [1.0, *(1 + side * h for side in sides for h in steps)]
    np.testing.assert_allclose(np.sort(seen), np.sort(expected), rtol=0, atol=EPS)


def test_waves_that_meet_all_steps_at_the_phases_of_a_longer_one():
    # Halved steps, 37.7 units of the argument and more: all of them give the slope of a slow wave.
    f, slope = (lambda x: np.sin(8192 * x)), (lambda x: 8192 * np.cos(8192 * x))
    estimate = cm.estimate_derivative(f, 2.358511740289233, scheme="richardson")
    assert honest(estimate.error, estimate.value, slope(2.358511740289233))
    x = np.random.default_rng(0).uniform(0.5, 6, 500)
    estimate = cm.estimate_derivative(f, x, scheme="richardson")
    assert honest(estimate.error, estimate.value, slope(x)).mean() > 0.99
    assert (digits(estimate.value, slope(x)) >= 6).mean() > 0.95
    # The steps are short enough at the end, but not at the beginning, where they agree by chance.
    f, slope = (lambda x: np.sin(x) + np.sin(64 * x)), (lambda x: np.cos(x) + 64 * np.cos(64 * x))
    estimate = cm.estimate_derivative(f, x, scheme="richardson")
    assert honest(estimate.error, estimate.value, slope(x)).mean() > 0.99


def test_a_step_that_is_taken_as_it_is_is_controlled_as_well():
    estimate = cm.estimate_derivative(
        lambda x: np.sin(8192 * x), 2.358511740289233, scheme=Richardson(step=0.2948139675361541)
    )
    assert estimate.status == cm.Status.INACCURATE and estimate.step == 0.2948139675361541


@pytest.mark.parametrize("m", [0, 1])
def test_what_the_steps_before_foretell(m):
    # Series at five nodes; the noise; the limit; and by how much the way is left.
    cases = [
        ([7.0, 9.0, 1.0, 0.0, 0.9], 0.0, 0.0, 0.0),
        ([7.0, 9.0, 1.0, 0.0, 1.0], 0.0, 0.0, 0.0),
        ([7.0, 9.0, 1.0, 0.0, 1.1], 0.0, 0.0, 1.1),
        ([7.0, 9.0, 1.0, 0.0, -1.1], 0.0, 0.0, 1.1),
        ([7.0, 9.0, 1.0, 0.0, 1.1], 0.1, 0.0, 0.0),
        ([7.0, 9.0, 1.0, 0.0, 0.0], 0.0, 1.0, 0.0),
        ([7.0, 9.0, 1.0, 0.0, 0.0], 0.0, -1.5, 0.0 if m else 1.5),
        ([7.0, 9.0, 1.0, 0.0, 2.0], 0.0, -1.5, 2.0),
        ([7.0, 9.0, 1.0, 0.0, 0.0], 0.5, -1.5, 0.0),
        ([7.0, 9.0, 1.0, np.nan, 0.0], 0.0, 1.0, 0.0),
    ]
    series, noise, limit, found = (np.array(part) for part in zip(*cases, strict=True))
    np.testing.assert_array_equal(richardson._unforeseen(series.T, noise, limit, m), found)


@pytest.mark.parametrize(
    ("n", "bounds", "power", "m"),
    [(3, None, 1, 2), (4, None, 2, 2), (5, None, 1, 4), (2, (1.0, 2.0), 1, 1), (3, (1.0, 2.0), 1, 2)],
)
def test_a_jump_at_the_control_in_units_of_the_coefficient(n, bounds, power, m):
    # f is 1, but 2 at the control ahead of x: of a series in g, with the coefficient of gᵐ wanted, that moves
    # the value there by 1 / (2 gᵖ), on one side by 1 / g.
    scheme = Richardson(step=0.25, levels=5)
    count = 5 + ((n - 1) // 2 if bounds is None else 5 // 2 + n - 1)
    last = 2.0 ** (1 - count)
    control = last * (np.sqrt(5) - 1) / 2

    def f(x):
        return 1.0 + (np.abs((x - 1) / 0.25 - control) < 0.1 * control)

    c = scheme.coefficient(lines_of(f, 1.0, bounds), n)
    jump = 1 / control if bounds else 1 / (2 * control**power)
    assert c.truncation.item() == pytest.approx(jump / last**m / 0.25**n, rel=1e-3)


def test_noise_is_that_of_the_largest_value_down_to_the_last_step():
    # Of entries at longer steps as well.
    def f(x):
        t = np.abs(x - 1) / 0.25
        return 1.0 + 1e6 * (np.abs(t - 2.0**-6) < 0.1 * 2.0**-6)

    c = Richardson(step=0.25).coefficient(lines_of(f, 1.0), 1)
    plain = Richardson(step=0.25).coefficient(lines_of(lambda x: 1.0 + 0 * x, 1.0), 1)
    assert c.noise.item() > 1e5 * plain.noise.item()


def test_each_line_has_a_scale_of_its_own(monkeypatch):
    scales, judge = [], richardson._status

    def watched(lines, value, error, scale):
        scales.append(scale)
        return judge(lines, value, error, scale)

    monkeypatch.setattr(richardson, "_status", watched)
    f = lambda x: 1e6 + np.where(x < 2, 1, 1000) * x
    Richardson(step=0.25).coefficient(lines_of(f, np.array([1.0, 3.0])), 1)
    np.testing.assert_allclose(scales[-1][:, 0], [1, 1000], rtol=1e-6)


@pytest.mark.parametrize(("n", "bounds"), [(1, None), (2, None), (1, (1.0, 2.0))])
def test_noise_at_the_control_is_no_jump(n, bounds):
    # A constant that is off at the control alone, by so many units of rounding of the series there; eight are
    # the limit.
    g = (np.sqrt(5) - 1) / 2 * (1 / 8 if bounds is None else 1 / 32)

    def off(x, units):
        t = (x - 1) / 0.25
        near = (np.abs(t) > 0.9 * g) & (np.abs(t) < 1.1 * g)
        # (f₊ - f₋) / 2g, if it is off on one side, (f₊ + f₋ - 2 f₀) / 2g², and (f - f₀) / g.
        twice = n == 1 and bounds is None
        return 1.0 + np.where(near & ((t > 0) | (n == 2)), units * EPS / 2 * (2 if twice else 1), 0.0)

    for units, good in ((6, True), (10, False)):
        lines = lines_of(lambda x, units=units: off(x, units), 1.0, bounds)
        c = Richardson(step=0.25, levels=4).coefficient(lines, n)
        assert (c.truncation.item() == 0) == good


def test_a_derivative_out_of_range_is_looked_for_at_all_steps():
    # 8e308 t is within range at all points; its slope is not, although no entry changes.
    lines = lines_of(lambda t: 8 * t * 1e308, 0.0)
    c = Richardson().coefficient(lines, 1)
    # The first step, then six that are 16 times shorter each.
    assert (c.step.item(), lines.function.nfev) == (0.125 / 16**6, 1 + 16 * 7)
    assert c.status.tolist() == [[cm.Status.NON_FINITE]]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"levels": 3}, ValueError, "`levels` must be at least 4, got 3"),
        ({"levels": 2.5}, TypeError, "`levels` must be an integer, got 2.5"),
        ({"levels": True}, TypeError, "`levels` must be an integer, got True"),
        ({"ratio": 100.5}, ValueError, "`ratio` must be above 1 and at most 100, got 100.5"),
        ({"ratio": True}, TypeError, "`ratio` must be a number, got True"),
        ({"ratio": "2"}, TypeError, "`ratio` must be a number, got '2'"),
        ({"stop": "early"}, ValueError, "`stop` must be None or 'ridders', got 'early'"),
    ],
)
def test_what_is_said_of_bad_options(options, error, message):
    with pytest.raises(error) as caught:
        Richardson(**options)
    assert str(caught.value) == message


def test_limits_of_the_options():
    assert Richardson(levels=np.int64(4), ratio=100).ratio == 100
    assert Richardson(ratio=np.float32(1.5)).ratio == 1.5
    with pytest.raises(ValueError) as caught:
        RIDDERS.coefficient(lines_of(bell, 1.0), 3)
    assert str(caught.value) == (
        "stop='ridders' gives derivatives of order 1, got n = 3; leave `stop` out for others"
    )
