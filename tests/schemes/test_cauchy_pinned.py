"""What becomes of circles, against plain loops over one line: coefficients, errors, verdicts, the check."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from thresholds import near

import calcml as cm
from calcml import Status
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.schemes import Cauchy, Coefficient, _cauchy_check, cauchy
from calcml.schemes._cauchy_table import Table, over_power
from calcml.schemes.stencils import cached_stencil
from calcml.schemes.steps import Fixed, StepRule

INF, NAN = math.inf, math.nan
LINES, OUTPUTS = 400, 2
EPS = 2.0**-48


def lines_of(f, x):
    return ElementwiseLines(Function(f, None), np.asarray(x))


# Whether real differences are asked.


class Asked:
    """Stands in for everything that the check calls, and remembers it."""

    def __init__(self, monkeypatch, count):
        self.excerpts, self.contradicted, self.refused = [], [], []
        wrong, found, error = (np.full((count, OUTPUTS), value) for value in (True, 3.0, 5.0))

        def excerpt(whole, index, columns):
            self.excerpts.append((whole, index.tolist(), columns.tolist()))
            return "the excerpt"

        def contradicted(probe, expected):
            self.contradicted.append((probe, expected))
            return wrong, found, error

        monkeypatch.setattr(_cauchy_check, "Excerpt", excerpt)
        monkeypatch.setattr(_cauchy_check, "contradicted", contradicted)
        monkeypatch.setattr(_cauchy_check, "refuse", lambda *given: self.refused.append(given))
        self.answer = wrong, found, error


def test_real_differences_are_asked_where_slopes_are_poor_and_circles_short(monkeypatch):
    rng = np.random.default_rng(0)
    size, value = rng.choice([0.0, 0.25, 1.0, 8.0], LINES), rng.choice([-4.0, 1.0, 0.0], (LINES, OUTPUTS))
    truncation = near(rng, 0.0, 2.0**-25, np.abs(value) * 2.0**-25, shape=(LINES, OUTPUTS))
    noise = rng.choice([0.0, 2.0**-25, 2.0**-23, 2.0**-50], (LINES, OUTPUTS))
    step = near(rng, EPS ** (1 / 3) * np.where(size > 0, size, 1.0), EPS ** (1 / 3), shape=LINES)
    hunted = rng.random(LINES) < 0.7
    expected = []
    for p in range(LINES):
        poor = any(truncation[p, m] + noise[p, m] > 2.0**-24 * abs(value[p, m]) for m in range(OUTPUTS))
        if hunted[p] and poor and step[p] < EPS ** (1 / 3) * (size[p] if size[p] > 0 else 1.0):
            expected.append(p)
    assert 0.1 * LINES < len(expected) < 0.4 * LINES
    asked = Asked(monkeypatch, len(expected))
    lines = SimpleNamespace(eps=EPS, size=size, outputs=OUTPUTS)
    slope = Coefficient(value, truncation, noise, step, np.zeros((LINES, OUTPUTS), np.int8))
    _cauchy_check.check(lines, slope, hunted)
    assert asked.excerpts == [(lines, expected, [0, 1])]
    ((probe, given),) = asked.contradicted
    assert probe == "the excerpt"
    np.testing.assert_array_equal(given, value[expected])
    ((what, probe, wrong, given, found, error),) = asked.refused
    assert (what, probe) == ("Cauchy's integral gives", "the excerpt")
    np.testing.assert_array_equal(given, value[expected])
    assert (wrong is asked.answer[0], found is asked.answer[1], error is asked.answer[2]) == (True,) * 3


@pytest.mark.parametrize("hunted", [True, False])
def test_large_errors_warn_nobody_and_good_slopes_ask_nobody(monkeypatch, hunted):
    asked = Asked(monkeypatch, 1)
    lines = SimpleNamespace(eps=EPS, size=np.ones(1), outputs=2)
    huge = np.full((1, 2), 1e308)
    slope = Coefficient(np.ones((1, 2)), huge, huge, np.full(1, 1e-9), np.zeros((1, 2), np.int8))
    with np.errstate(all="raise"):
        _cauchy_check.check(lines, slope, np.array([hunted]))
    assert len(asked.refused) == hunted


# What a coefficient is worth.


def result_of(lines, **columns):
    # The wanted row is the second; the first is in nobody's way.
    table = SimpleNamespace(**{name: np.array([np.full_like(c, 7.0), c]) for name, c in columns.items()})
    return cauchy._result(lines, table, 1)


def test_results():
    rng = np.random.default_rng(1)
    value = rng.choice([0.0, 1.0, -64.0, NAN, INF], (LINES, OUTPUTS), p=[0.2, 0.3, 0.3, 0.1, 0.1])
    size = rng.choice([1.0, 2.0**20], (LINES, OUTPUTS))
    with np.errstate(invalid="ignore"):
        limit = np.where(np.isfinite(value), 1e-2 * np.abs(value), 0.0)
    truncation = near(rng, 0.0, limit, 2.0**-24 * size, shape=(LINES, OUTPUTS))
    noise = np.where(rng.random((LINES, OUTPUTS)) < 0.5, 0.0, EPS)
    radius = rng.choice([0.5, 2.0, 8.0], (LINES, OUTPUTS))
    lower, upper = rng.choice([-1.0, -1e-300, 0.0], LINES, p=[0.5, 0.3, 0.2]), rng.choice([1.0, 0.0], LINES)
    lines = SimpleNamespace(eps=EPS, lower=lower, upper=upper)
    with np.errstate(invalid="raise", over="raise", divide="raise"):
        c = result_of(lines, value=value, truncation=truncation, noise=noise, radius=radius, size=size)
    seen = set()
    for p in range(LINES):
        assert c.step[p] == min(radius[p])
        for m in range(OUTPUTS):
            v = value[p, m]
            status = Status.OK
            noisy = noise[p, m] + EPS * abs(v)
            error = truncation[p, m] + noisy
            if not math.isfinite(v):
                status = Status.NON_FINITE
            elif error > 1e-2 * abs(v) and error > 2.0**-24 * size[p, m]:
                status = Status.INACCURATE
            if lower[p] == 0 or upper[p] == 0:
                status = Status.NO_ROOM
            assert c.status[p, m] == status
            np.testing.assert_array_equal(c.noise[p, m], noisy)
            seen.add(status)
    assert len(seen) == 4
    np.testing.assert_array_equal(c.value, value)
    np.testing.assert_array_equal(c.truncation, truncation)
    assert (c.step.dtype, c.status.dtype) == (np.float64, np.int8)


@pytest.mark.parametrize(
    ("truncation", "noise", "status"),
    [
        # Both errors together, against a hundredth of the value: 1, within rounding.
        (0.5, 0.4999, Status.OK),
        (0.5, 0.5001, Status.INACCURATE),
        (0.0, 0.9999, Status.OK),
    ],
)
def test_both_parts_of_the_error_count(truncation, noise, status):
    lines = SimpleNamespace(eps=EPS, lower=np.array([-1.0]), upper=np.array([INF]))
    columns = dict(value=100.0, truncation=truncation, noise=noise, radius=1.0, size=1.0)
    c = result_of(lines, **{name: np.full((1, 1), v) for name, v in columns.items()})
    assert c.status == status


def test_errors_that_just_tie_are_good_enough():
    lines = SimpleNamespace(eps=EPS, lower=np.full(2, -1.0), upper=np.full(2, INF))
    columns = dict(
        # No rounding is added to zeros: their errors are 2^-24 of the size, or the next larger number.
        value=np.zeros((2, 1)),
        truncation=np.array([[2.0**-24], [np.nextafter(2.0**-24, 1)]]),
        noise=np.zeros((2, 1)),
        radius=np.ones((2, 1)),
        size=np.ones((2, 1)),
    )
    assert result_of(lines, **columns).status.ravel().tolist() == [Status.OK, Status.INACCURATE]
    # And 1e-2 |v| itself.
    v = 1.0
    columns |= dict(value=np.full((2, 1), v), truncation=np.array([[1e-2 - EPS], [1e-2 + EPS]]))
    columns["truncation"][0] = 1e-2 * v - EPS * v
    assert (columns["truncation"][0] + EPS * v)[0] == 1e-2
    assert result_of(lines, **columns).status.ravel().tolist() == [Status.OK, Status.INACCURATE]


def test_steps_without_outputs_and_of_long_numbers():
    lines = SimpleNamespace(eps=EPS, lower=np.array([-1.0]), upper=np.array([1.0]))
    none = {name: np.ones((1, 0)) for name in ("value", "truncation", "noise", "radius", "size")}
    assert result_of(lines, **none).step.tolist() == [INF]
    one = {name: np.ones((1, 3), np.longdouble) for name in none}
    assert result_of(lines, **one).step.dtype == np.float64


# The scheme: options, orders and circles.


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (dict(max_points=True), TypeError, "`max_points` must be an integer, got True"),
        (dict(max_points=64.0), TypeError, "`max_points` must be an integer, got 64.0"),
        (dict(max_points=8), ValueError, "`max_points` must be a power of two from 16 to 65536, got 8"),
        (dict(max_points=48), ValueError, "`max_points` must be a power of two from 16 to 65536, got 48"),
        (
            dict(max_points=131072),
            ValueError,
            "`max_points` must be a power of two from 16 to 65536, got 131072",
        ),
    ],
)
def test_options_that_are_refused(options, error, message):
    with pytest.raises(error) as caught:
        Cauchy(**options)
    assert str(caught.value) == message


def test_options_that_are_taken():
    assert [Cauchy(max_points=n).max_points for n in (16, 65536, np.int64(32))] == [16, 65536, 32]
    assert Cauchy().radius is None and Cauchy().max_points == 1024
    assert isinstance(Cauchy(radius=0.5).radius, Fixed)


def test_radii_come_from_the_rule_for_a_slope():
    given = []

    class Rule(StepRule):
        def steps(self, lines, formula):
            given.append((lines, formula))
            return np.array([0.5])

    lines = lines_of(np.exp, [0.0])
    assert Cauchy(radius=Rule())._radius(lines).tolist() == [0.5]
    assert given == [(lines, cached_stencil((-1, 0, 1), 1))]
    assert Cauchy()._radius(lines) is None


@pytest.mark.parametrize(
    ("orders", "most", "circles"),
    [
        # From 4 n points, at least 16, to 32 n, at least 64.
        ((1,), 1024, {1: [16, 32, 64]}),
        ((3,), 1024, {3: [16, 32, 64]}),
        ((4,), 1024, {4: [16, 32, 64, 128]}),
        ((5,), 1024, {5: [32, 64, 128]}),
        ((8,), 1024, {8: [32, 64, 128, 256]}),
        ((20,), 1024, {20: [128, 256, 512]}),
        ((20,), 64, {20: [64]}),
        ((1,), 16, {1: [16]}),
        # Of many orders the powers of two and the last.
        (range(1, 7), 32, {1: [16, 32], 2: [16, 32], 4: [16, 32], 6: [32]}),
        (range(1, 4), 1024, {1: [16, 32, 64], 2: [16, 32, 64], 3: [16, 32, 64]}),
        ((), 1024, {}),
    ],
)
def test_the_circles_of_each_order(orders, most, circles):
    asked = []
    search = SimpleNamespace(refine=lambda n, points, *, more: asked.append((n, points, more)))
    Cauchy(max_points=most)._refine(search, orders)
    assert asked == [(n, N, k > 0) for n, points in circles.items() for k, N in enumerate(points)]


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("orders", [(1,), (3,), (1, 2, 3), (2, 5)])
def test_the_course_of_a_calculation(monkeypatch, orders, fixed):
    done = []

    class FakeTable:
        def __init__(self, lines, rows):
            self.orders = tuple(rows)
            done.append(("table", lines, self.orders))

        def place(self, n):
            return self.orders.index(n)

        def admit(self, noise):
            done.append(("admit", noise))

    class FakeSearch:
        least_noise, hunted, lost = "noise", "hunted", ()

        def __init__(self, lines, table, radius):
            self.fixed = radius is not None
            done.append(("search", lines, table.orders, radius))

        def start(self, points):
            done.append(("start", points))

        def refine(self, n, points, *, more):
            if not more:
                done.append(("refine", n))

    monkeypatch.setattr(cauchy, "Table", FakeTable)
    monkeypatch.setattr(cauchy, "Search", FakeSearch)
    monkeypatch.setattr(cauchy, "_refuse", lambda lines, search: done.append(("refuse", lines, search.fixed)))
    monkeypatch.setattr(cauchy, "_result", lambda lines, table, k: (lines, table.orders[k]))
    monkeypatch.setattr(cauchy, "check", lambda *given: done.append(("check", *given)))
    monkeypatch.setattr(Cauchy, "_radius", lambda scheme, lines: (0.25, lines) if fixed else None)
    scheme = Cauchy(max_points=256)
    assert scheme._coefficients("lines", orders) == [("lines", n) for n in orders]
    rows = orders if 1 in orders else (1, *orders)
    refined = [n for n in orders if n == orders[-1] or n in (1, 2)]
    assert done == [
        ("table", "lines", rows),
        ("search", "lines", rows, (0.25, "lines") if fixed else None),
        ("start", 256 if fixed else 16),
        ("refuse", "lines", fixed),
        *[("refine", n) for n in ([] if fixed else refined)],
        ("admit", "noise"),
        ("check", "lines", ("lines", 1), "hunted"),
    ]
    if len(orders) == 1:
        assert scheme.coefficient("lines", orders[0]) == ("lines", orders[0])
    # Without orders there is no slope, and nothing to check.
    done.clear()
    assert scheme._coefficients("lines", ()) == []
    assert done[0] == ("table", "lines", ()) and done[-1] == ("admit", "noise")
    monkeypatch.setattr(cauchy, "origin_coefficient", lambda lines: ("origin", lines))
    assert scheme.expand("lines", 2) == [("origin", "lines"), ("lines", 1), ("lines", 2)]
    assert scheme.expand("lines", 0) == [("origin", "lines")]


def test_orders_beyond_half_of_the_points(monkeypatch):
    with pytest.raises(ValueError) as caught:
        Cauchy(max_points=16)._coefficients(lines_of(np.exp, [0.0]), (1, 2, 9))
    assert str(caught.value) == (
        "a derivative of order 9 needs at least 18 points on the circle, got max_points = 16; "
        "raise `max_points`"
    )
    c = Cauchy(max_points=16).coefficient(lines_of(np.exp, [0.0]), 8)
    assert c.value[0, 0] == pytest.approx(1 / math.factorial(8), rel=1e-3)


def test_f_is_refused_on_the_first_of_the_lost_lines():
    lines = SimpleNamespace(function=SimpleNamespace(name="wave"))
    lowest = np.array([0.0, 1 / 3, 1e-9, 2.0])
    with pytest.raises(cm.NotAnalyticError) as caught:
        cauchy._refuse(lines, SimpleNamespace(lost=np.array([2, 1]), lowest=lowest))
    assert str(caught.value) == (
        "wave is not analytic within 1e-09 of x on line 2: on every circle the mean, or the terms of "
        "negative index, do not fit; it takes `abs`, a comparison or a real cast of complex numbers, or x is "
        "at a kink, a jump or a branch point: use scheme='adaptive'"
    )
    with pytest.raises(cm.NotAnalyticError, match=r"^wave is not analytic within 0\.33 of x on line 1:"):
        cauchy._refuse(lines, SimpleNamespace(lost=np.array([1, 2]), lowest=lowest))
    cauchy._refuse(lines, SimpleNamespace(lost=np.zeros(0, int), lowest=lowest))


# The table of the best coefficients.


def table_of(orders, shape, dtype=np.float64):
    lines = SimpleNamespace(origin=lambda: np.zeros(shape), dtype=np.dtype(dtype))
    return Table(lines, orders)


@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
def test_an_empty_table(dtype):
    table = table_of([1, 4, 3], (5, 2), dtype)
    assert table.orders == (1, 4, 3) and [table.place(n) for n in (3, 4, 1)] == [2, 1, 0]
    for name in ("value", "truncation", "noise", "size", "radius"):
        column = getattr(table, name)
        assert (column.shape, column.dtype) == ((3, 5, 2), dtype) and np.isnan(column).all()
    for column, nothing in ((table.log_error, INF), (table.log_value, -INF)):
        assert column.shape == (3, 5, 2) and (column == nothing).all()


NAMES = ("value", "truncation", "noise", "size", "radius", "log_error", "log_value")


def test_the_better_of_several_circles():
    rng, points, count = np.random.default_rng(2), 8, 6
    table = table_of((1, 5, 2, 4), (count, OUTPUTS))
    best = {}
    for _ in range(12):
        index = rng.permutation(count)[:4]
        shape = (points, 4, OUTPUTS)
        sign, size = rng.choice([-1.0, 1.0], shape), 2.0 ** rng.integers(-9, 9, shape)
        noise, left = 2.0 ** rng.integers(-40, -20, shape[1:]), 2.0 ** rng.integers(-40, -20, shape[1:])
        circle = SimpleNamespace(
            index=index,
            radius=2.0 ** rng.integers(-3, 3, 4),
            points=points,
            terms=sign * size,
            size=size,
            noise=noise,
            truncation=lambda k, left=left: left * k,
        )
        good = rng.random(4) < 0.7
        table.enter(circle, good)
        for i, p in enumerate(index):
            for m in range(OUTPUTS):
                for n in (1, 2, 4):
                    power = circle.radius[i] ** n
                    error = math.log((left[i, m] * n + noise[i, m]) / power)
                    if good[i] and error < best.get((n, p, m), (INF,))[0] - 1e-9:
                        best[n, p, m] = (
                            error,
                            circle.terms[n, i, m] / power,
                            left[i, m] * n / power,
                            noise[i, m] / power,
                            max(size[:, i, m]) / power,
                            circle.radius[i],
                            math.log(size[n, i, m] / power),
                        )
    assert len(best) == 3 * count * OUTPUTS
    for (n, p, m), (error, *parts, log_value) in best.items():
        row = table.place(n)
        found = [float(getattr(table, name)[row, p, m]) for name in NAMES]
        assert found[:5] == parts
        assert found[5:] == pytest.approx([error, log_value], rel=1e-12, abs=1e-12)
    # An order beyond half of the points has nothing from these circles.
    assert np.isnan(table.value[1]).all() and np.isinf(table.log_error[1]).all()


def single(value, radius=2.0, noise=0.25, size=None, left=0.25):
    terms = np.full((4, 1, 1), value)
    return SimpleNamespace(
        index=np.array([0]),
        radius=np.array([radius]),
        points=4,
        terms=terms,
        size=np.abs(terms) if size is None else np.full((4, 1, 1), size),
        noise=np.full((1, 1), noise),
        truncation=lambda k: np.full((1, 1), left),
    )


def test_of_equals_the_first_stays():
    table, yes = table_of((1, 2), (1, 1)), np.array([True])
    for value in (3.0, 5.0):
        table.enter(single(value), yes)
    assert table.value.ravel().tolist() == [1.5, 0.75]
    assert table.log_error.ravel() == pytest.approx([math.log(0.25), math.log(0.125)])


def test_zeros_and_infinities_enter_without_warnings():
    table, yes = table_of((1,), (1, 1)), np.array([True])
    with np.errstate(all="raise"):
        table.enter(single(0.0), yes)
        # Underflow is not lost digits: the scale of nothing at all is the smallest normal number.
        assert table.size[0, 0, 0] == np.finfo(float).tiny / 2
        assert table.log_value[0, 0, 0] == -INF
        table.enter(single(7.0, noise=0.0, left=0.0), yes)
        assert table.log_error[0, 0, 0] == -INF and table.value[0, 0, 0] == 3.5
        table.enter(single(INF, noise=INF), yes)
    assert table.value[0, 0, 0] == 3.5


def test_noise_of_f_is_that_of_all_coefficients():
    table = table_of((1, 3), (3, 1))
    table.noise[:] = [[[1.0], [1.0], [NAN]], [[4.0], [0.125], [1.0]]]
    table.radius[:] = 2.0
    table.admit(np.array([[4.0], [NAN], [8.0]]))
    assert table.noise[:, :, 0].tolist() == [[2.0, 1.0, 4.0], [4.0, 0.125, 1.0]]
    # Each order by its own radius.
    table.radius[1] = 0.5
    table.admit(np.array([[4.0], [NAN], [8.0]]))
    assert table.noise[:, :, 0].tolist() == [[2.0, 1.0, 4.0], [32.0, 0.125, 64.0]]


@pytest.mark.parametrize(
    ("value", "radius", "n", "quotient"),
    [
        (3.0, 2.0, 1, 1.5),
        (3.0, 0.75, 2, 3 / 0.5625),
        (-5.0, 3.0, 0, -5.0),
        (1.0, 2.0**-400, 2, 2.0**800),
        # The power is out of range where the quotient is not.
        (2.0**-1000, 2.0**-400, 4, 2.0**600),
        (2.0**1000, 2.0**400, 4, 2.0**-600),
        (1.0, 2.0**-600, 2, INF),
        (0.0, 2.0**-600, 2, 0.0),
    ],
)
def test_quotients_by_powers(value, radius, n, quotient):
    with np.errstate(all="raise"):
        assert over_power(np.array([value]), np.array([radius]), n).tolist() == pytest.approx([quotient])


def test_small_coefficients_may_underflow():
    with np.errstate(all="raise"):
        slope = cm.derivative(lambda x: 1e-300 * x, 1.0, scheme="cauchy")
    assert slope == pytest.approx(1e-300, rel=1e-12)
