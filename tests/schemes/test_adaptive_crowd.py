"""Many points at once: the formula of the crowd, its scouts, and the points that need more."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines, PointLines, axes
from calcml._parameters import flatten
from calcml._status import Status
from calcml.errors import EvaluationError
from calcml.schemes import _adaptive_crowd as crowds
from calcml.schemes._adaptive_crowd import LEAST, LEAST_WHOLE, crowd, is_crowd
from calcml.schemes._adaptive_crowd_formula import BLOCK, MOST, Differences, formula_of, measure
from calcml.schemes._adaptive_crowd_guide import (
    COUNT,
    Cells,
    Guide,
    Octaves,
    _allowed,
    _between,
    _proved,
    guide,
    taylor,
)
from calcml.schemes._adaptive_steps import ASIDE
from calcml.schemes.adaptive import Adaptive
from calcml.schemes.base import Coefficient

EPS = np.finfo(float).eps
RNG = np.random.default_rng(20)


def lines_of(f, x, bounds=None, *, divisible=True, mapper=None):
    if bounds is not None:
        bounds = tuple(np.broadcast_to(side, np.shape(x)).ravel().astype(float) for side in bounds)
    return ElementwiseLines(Function(f, None, mapper=mapper), np.asarray(x), bounds, divisible=divisible)


def run(f, x, n=1, *, error=True, **options):
    lines = lines_of(f, x, **options)
    return crowd(Adaptive(), lines, n, error=error), lines


def check(f, exact, x, n=1, *, digits, holds=0.99, **options):
    """Check the median digits and the share of points at which the estimate holds."""
    c, lines = run(f, x, n, **options)
    value, error = c.value[:, 0] * math.factorial(n), (c.truncation + c.noise)[:, 0] * math.factorial(n)
    true = np.abs(value - exact(x).ravel())
    assert np.median(true / np.abs(exact(x).ravel())) < 10.0**-digits
    assert np.mean(true <= error) >= holds
    return c, lines


# The formula.


def test_nodes_are_near_the_integers_but_for_a_sixteenth():
    np.testing.assert_array_equal(formula_of(1).nodes * 16, [16, 31, 48, 65, 80])
    assert [len(formula_of(n).nodes) for n in range(1, MOST + 1)] == [5, 6, 6, 7, 7, 8]


@pytest.mark.parametrize("n", range(1, MOST + 1))
def test_the_formula_is_exact_for_polynomials(n):
    formula = formula_of(n)
    u, part = formula.nodes, n % 2
    for power in range(1, 2 * len(u) + 1):
        # A power of the other parity vanishes in this part of f.
        sums = 2 * u**power if power % 2 == part else 0 * u
        value = np.dot(formula.value, sums)
        assert value == pytest.approx(1.0 if power == n else 0.0, abs=1e-9 * max(np.abs(sums).max(), 1))


@pytest.mark.parametrize("n", range(1, MOST + 1))
def test_highest_differences_see_the_last_power_only(n):
    formula = formula_of(n)
    u, count = formula.nodes, len(formula.nodes)
    for weights, powers in (
        (formula.odd, range(1, 2 * count, 2)),
        (formula.even, range(2, 2 * count + 1, 2)),
    ):
        sums = [np.dot(weights, 2 * u**power) / (2 * u[-1] ** power) for power in powers]
        np.testing.assert_allclose(sums[:-1], 0, atol=1e-14)
        assert abs(sums[-1]) > 1e-8


@pytest.mark.parametrize("n", range(1, MOST + 1))
def test_noise_of_the_formula(n):
    formula = formula_of(n)
    middle = -2 * sum(formula.value) if n % 2 == 0 else 0.0
    every = np.array([*formula.value, middle, *formula.value])
    assert formula.worst == pytest.approx(np.abs(every).sum())
    assert formula.rms == pytest.approx(np.linalg.norm(every))
    odd = np.array([*formula.odd, *formula.odd])
    even = np.array([*formula.even, -2 * sum(formula.even), *formula.even])
    assert np.linalg.norm(odd) == pytest.approx(1) and np.linalg.norm(even) == pytest.approx(1)


@pytest.mark.parametrize("n", range(1, MOST + 1))
def test_change_is_what_the_last_node_makes(n):
    # On the first power that the formula without its last node does not know, and the full one does.
    formula = formula_of(n)
    count = len(formula.nodes)
    power = 2 * count - 1 if n % 2 else 2 * count
    own = formula.odd if n % 2 else formula.even
    sums = 2 * formula.nodes**power
    # The remainder of interpolation at the other nodes: their product with alternating sign, and for
    # higher coefficients an elementary symmetric function of them.
    squares = formula.nodes[:-1] ** 2
    shorter = np.poly(squares)[::-1][(n - 1) // 2]
    assert formula.change * abs(np.dot(own, sums)) == pytest.approx(abs(shorter))


def test_points_are_where_the_formula_says():
    seen = []

    def f(x):
        seen.append(x.copy())
        return x**3

    x, h = np.array([1.0, 2.0]), np.array([0.25, 0.5])
    lines = lines_of(f, x)
    lines.origin()
    d = measure(formula_of(1), lines, h)
    distances = np.sort(np.array(seen[1:]) - x, axis=0) / h
    nodes = formula_of(1).nodes
    np.testing.assert_array_equal(distances, np.column_stack([np.append(-nodes[::-1], nodes)] * 2))
    np.testing.assert_allclose(d.value / h, 3 * x**2, rtol=4 * EPS)
    np.testing.assert_array_equal(d.size, np.maximum((x + 5 * h) ** 3, np.abs(x - 5 * h) ** 3))
    # Rounding is all that the highest differences can see of a cubic.
    assert (d.spread <= 8 * EPS * d.size).all()
    assert (d.slip[1] == 0) and lines.function.nfev == 11


def test_measured_noise_is_that_of_f():
    noise = RNG.standard_normal((11, 4000))
    calls = iter(noise)
    d = measure(formula_of(1), lines_of(lambda x: next(calls), np.zeros(4000)), np.ones(4000))
    # The mean size of a normal variable is 0.8; each spread is the mean of two such.
    assert np.mean(d.spread) == pytest.approx(math.sqrt(2 / math.pi), rel=0.05)


def test_points_that_must_be_rounded_count_as_noise():
    # An odd number of units in the last place below 1; numbers above 1 have no such place.
    x = np.array([1 - 3 * EPS / 2, 1 - 2 * EPS])
    d = measure(formula_of(1), lines_of(lambda x: 7 * x, x), np.full(2, 2.0**-6))
    np.testing.assert_allclose(d.slip, [7 * EPS / 2, 0], rtol=1e-6, atol=0)


def test_many_lines_give_what_few_give():
    x = RNG.uniform(0.5, 2, BLOCK + 5)
    h = np.full(len(x), 2.0**-7)
    d = measure(formula_of(2), lines_of(np.exp, x), h)
    for cut in (slice(0, 100), slice(BLOCK, None)):
        some = measure(formula_of(2), lines_of(np.exp, x[cut]), h[cut])
        for name in ("value", "spread", "size", "change", "slip"):
            np.testing.assert_array_equal(getattr(d, name)[cut], getattr(some, name))


def test_the_error_has_its_parts():
    formula = formula_of(1)
    d = measure(formula, lines_of(np.exp, np.array([1.0])), np.array([0.5]))
    value, truncation, noise = taylor(formula, d, np.array([1e-3]), 2e-5)
    assert value * 0.5 == d.value
    np.testing.assert_allclose(truncation, formula.change * d.spread / 0.5)
    np.testing.assert_allclose(
        noise, (formula.worst * (1e-5 * d.size + d.slip) + 3 * formula.rms * 1e-3) / 0.5
    )
    # Of nodes this wide the truncation shows, and is covered.
    assert abs(value - math.e) < truncation < 1e-4


# The scouts.


def scouted(f, x, n=1, **options):
    lines = lines_of(f, x, **options)
    return guide(Adaptive(), lines, formula_of(n), np.arange(lines.count)), lines


def test_scouts_stand_at_the_ends_and_anywhere():
    x = RNG.permutation(np.linspace(1, 3, 40_000))
    known, _ = scouted(np.sin, x)
    assert len(known.at) in range(1018, 1024) and (np.diff(known.at) > 0).all()
    assert known.at[0] == 1 and known.at[-1] == 3
    np.testing.assert_array_equal(x[known.scouts], known.at)
    np.testing.assert_allclose(known.value, np.cos(known.at), rtol=1e-10)
    full = Adaptive().coefficient(lines_of(np.sin, known.at), 1)
    np.testing.assert_array_equal(known.error, (full.truncation + full.noise)[:, 0])
    assert np.diff(known.at).max() < 0.02
    few, _ = scouted(np.sin, x[:8000])
    assert len(few.at) in range(495, 503)


def test_steps_follow_the_length_of_f():
    rng = np.random.default_rng(21)
    x = rng.permutation(np.logspace(-6, 6, 20_000))
    known, _ = scouted(np.log, x)
    steps = known.step[:-1]
    assert np.mean(steps > 0) > 0.98 and known.step[-1] == 0
    steps, at = steps[steps > 0], known.at[steps > 0]
    np.testing.assert_array_equal(ASIDE * np.exp2(np.round(np.log2(steps / ASIDE))), steps)
    # The length of log is |x|; five nodes are best when they reach a few percent of it.
    assert (steps / at < 1 / 16).all() and (steps / at > 1 / 2400).all()
    fast, _ = scouted(lambda x: np.sin(1000 * x), rng.uniform(1, 2, 20_000))
    assert np.median(fast.step) == pytest.approx(1e-4, rel=0.9)


def test_a_missing_term_of_the_series_makes_no_scout_unsure():
    # Where the third derivative vanishes the full scheme takes steps that are far too long for five nodes.
    known, _ = scouted(lambda x: 1 / (1 + 25 * x**2), np.random.default_rng(3).uniform(-2, 2, 40_000))
    assert (known.step[:-1] > 0).all()
    np.testing.assert_allclose(known.step[np.searchsorted(known.at, [-0.2, 0.2])], 2.0**-8, rtol=0.8)


def test_between_scouts_the_shorter_step_counts():
    known, _ = scouted(lambda x: np.where(x < 1.5, np.sin(x), np.sin(8 * x)), RNG.uniform(1, 2, 20_000))
    step, noise = known.look_up(np.array([1.2, 1.8]))
    assert step[0] > step[1] > 0
    assert (noise > 0).all() and (noise < 1e-14).all()


def test_noise_is_that_of_the_loudest_of_five():
    known, _ = scouted(np.exp, np.linspace(0, 1, 16 * 40))
    assert 38 <= len(known.at) <= 42
    # All neighbors share the largest noise, so at most every fifth interval differs.
    assert len(np.unique(known.noise[1:-1])) <= len(known.at) // 2


def test_where_steps_change_suddenly_nothing_is_sure_or_by_degrees():
    known, _ = scouted(lambda x: np.where(x < 1.5, np.sin(x), np.sin(1e4 * x)), RNG.uniform(1, 2, 20_000))
    # Scouts that see the border have short steps, too, which may lead over it by degrees.
    border = np.searchsorted(known.at, 1.5)
    near = known.step[border - 4 : border + 5]
    assert (near == 0).any() or (near[1:] / near[:-1]).min() >= 1 / 16
    assert np.mean(known.step > 0) > 0.98


def test_scouts_that_disagree_make_nothing_sure():
    known, _ = scouted(lambda x: np.modf(np.sin(x * 12.9898e9) * 43758.5453)[0], RNG.uniform(0, 5, 5000))
    assert np.mean(known.step > 0) < 0.05


def test_steps_that_the_numbers_near_x_do_not_allow():
    known, _ = scouted(lambda x: np.sin(1e13 * x), RNG.uniform(1, 2, 5000))
    step = known.step[known.step > 0]
    assert (step >= 16 * EPS).all()


def positions(kind):
    if kind == "even":
        return np.sort(RNG.uniform(-5, 5, 500))
    if kind == "float32":
        return np.unique(RNG.uniform(1, 2, 500).astype(np.float32))
    return {"up": 1, "down": -1}[kind] * np.sort({"up": 1, "down": -1}[kind] * np.logspace(-8, 8, 500))


@pytest.mark.parametrize(
    ("table", "kind"),
    [(Cells, "even"), (Cells, "float32"), (Cells, "up"), (Octaves, "up"), (Octaves, "down")],
)
@given(seed=st.integers(0, 1000))
def test_cells_are_never_less_careful_than_intervals(table, kind, seed):
    rng = np.random.default_rng(seed)
    at = np.sort(positions(kind) * (-1 if kind == "down" else 1))
    many = len(at) + 1
    step, noise = np.exp2(rng.integers(-3, 1, many)), rng.random(many)
    step[-1] = 0
    known = Guide(at, step, noise, np.arange(0), np.empty(0), np.empty(0))
    x = np.concatenate([at, (at[:-1] + rng.random(many - 2) * np.diff(at)).astype(at.dtype)])
    cells, place = table(known), np.searchsorted(at, x)
    found = cells.place(x)
    assert found.min() >= 0 and found.max() < COUNT
    assert (cells.step[found] <= step[place]).all()
    assert (cells.noise[found] >= noise[place]).all()
    # Nor is the last interval, about which nothing is known, mixed into the others.
    assert (cells.step[found] > 0).all()


@pytest.mark.parametrize(
    ("at", "kind"),
    [
        (np.linspace(-1, 1, 200), Cells),
        (np.logspace(-8, 8, 200), Octaves),
        (-np.logspace(8, -8, 200), Octaves),
        (np.concatenate([-np.logspace(8, -8, 200), np.logspace(-8, 8, 200)]), None),
        (np.array([1.0]), None),
        (np.array([-1.7e308, 1.7e308]), None),
    ],
)
def test_the_kind_of_cells_follows_the_points(at, kind):
    step = np.append(np.exp2(np.floor(np.log2(np.abs(at)))), 0)
    step = np.append(np.minimum(step[:-1], np.roll(step[:-1], 1)), 0)
    known = Guide(at, step, step, np.arange(0), np.empty(0), np.empty(0))
    if kind is Cells:
        known = Guide(at, np.append(np.ones(200), 0), step, np.arange(0), np.empty(0), np.empty(0))
    assert type(known.cells) is (kind or type(None))
    place = np.searchsorted(at, at)
    assert (known.look_up(at)[0] <= known.step[place]).all()


def test_neighbors_join_what_is_safe_for_both():
    at = np.array([1.0, 2.0, 3.0, 3.0, 4.0])
    step, noise = np.array([1.0, 2.0, 4.0, 0.5, 0.25]), np.array([9.0, 1.0, 2.0, 1.0, 1.0])
    sure = np.array([True, True, True, True, False])
    places, low, most = _between(at, step, noise, sure)
    np.testing.assert_array_equal(places, [1, 2, 3, 4])
    # Two scouts at 3 count as one; the last one has not proved itself, and beyond it nothing is known.
    np.testing.assert_array_equal(low, [1, 1, 0.5, 0, 0])
    np.testing.assert_array_equal(most, [9, 9, 9, 9, 0])
    # Seventeen is too far apart; the noise of each is that of two neighbors on either side as well.
    noise = np.array([1.0, 2.0, 3.0, 4.0, 9.0, 1.0, 1.0, 1.0])
    step = np.array([16.0, 1.0, *[1 / 17] * 6])
    _, low, most = _between(np.arange(8.0), step, noise, np.ones(8, dtype=bool))
    np.testing.assert_array_equal(low, [16, 1, 0, *[1 / 17] * 5, 0])
    np.testing.assert_array_equal(most, [3, 4, 9, 9, 9, 9, 9, 9, 0])


def test_the_formula_must_agree_with_the_full_scheme_and_be_as_good():
    value, error = np.full((6, 1), 1.0), np.full((6, 1), 1e-12)
    status = np.array([0, 0, 0, 0, Status.INACCURATE, 0], dtype=np.int8)[:, None]
    full = Coefficient(value, error / 2, error / 2, np.ones(6), status)
    mine = 1 + np.array([0.0, 3e-12, -3e-12, 1e-11, 0.0, np.nan])
    own = np.array([99e-12, 1e-12, 3e-12, 102e-12, 1e-12, 1e-12])
    before = np.full(6, 1e-12)
    np.testing.assert_array_equal(_proved(full, before, mine, own), [True, False, True, False, False, False])


def test_nodes_must_be_exact_and_inside():
    h = 2.0**-40
    part = lines_of(np.sin, np.ones(4), (1 - 4.9 * h, [2, 2, 2, 1 + 5 * h])).part(slice(None))
    steps = np.array([h, h / 2, 8 * EPS, h / 4])
    np.testing.assert_array_equal(_allowed(part, formula_of(1), steps), [False, True, False, True])
    part = lines_of(np.sin, np.ones(2), (0, [1 + 4.9 * h, 1 + 5 * h])).part(slice(None))
    np.testing.assert_array_equal(_allowed(part, formula_of(1), np.full(2, h)), [False, True])


def test_scouts_contradict_a_crowd_that_differs():
    scouts = np.arange(0, 200, 2)
    known = Guide(X[:100], X[:101], X[:101], scouts, np.zeros(100), np.full(100, 1e-3))
    value, error, sure = np.zeros(200), np.full(200, 1e-3), np.ones(200, dtype=bool)
    value[1::2] = 1.0
    assert not known.contradicts(value, error, sure)
    value[scouts[:5]] = 2.1e-3
    assert not known.contradicts(value, error, sure)
    value[scouts[5]] = 1.9e-3
    assert not known.contradicts(value, error, sure)
    value[scouts[5]] = 2.1e-3
    assert known.contradicts(value, error, sure)
    sure[scouts[:6]] = False
    assert not known.contradicts(value, error, sure)


def test_where_f_is_zero_its_noise_is_zero():
    known, _ = scouted(lambda x: np.where(x < 1.5, 0.0, np.sin(x)), RNG.uniform(1, 2, 20_000))
    assert np.isfinite(known.noise).all() and known.noise[0] == 0


def test_one_scout_for_points_that_are_all_the_same():
    known, _ = scouted(np.exp, np.full(5000, 1.5))
    assert len(known.at) == 1 and len(known.step) == 2
    c, _ = run(np.exp, np.full(5000, 1.5))
    np.testing.assert_allclose(c.value[:, 0], math.exp(1.5), rtol=1e-13)


def test_steps_far_apart_make_nothing_sure():
    # Two points only, of one function each: the steps are 1e4 apart.
    x = np.where(np.arange(5000) % 2, 1.0, 2.0)
    known, _ = scouted(lambda x: np.where(x < 1.5, np.sin(x), np.sin(1e4 * x)), x)
    assert known.step[0] > 0 and known.step[1] == 0
    c, _ = run(lambda x: np.where(x < 1.5, np.sin(x), np.sin(1e4 * x)), x)
    exact = np.where(x < 1.5, np.cos(1.0), 1e4 * np.cos(2e4))
    np.testing.assert_allclose(c.value[:, 0], exact, rtol=1e-9)


# The crowd.


def test_what_a_crowd_is():
    assert (LEAST, LEAST_WHOLE) == (1024, 4096)
    assert is_crowd(lines_of(np.sin, np.linspace(0, 1, LEAST)))
    assert not is_crowd(lines_of(np.sin, np.linspace(0, 1, LEAST - 1)))
    many = lines_of(np.sin, np.arange(5000.0))
    assert not is_crowd(many.part(slice(None)))
    flat, structure = flatten(np.zeros(LEAST))
    assert not is_crowd(PointLines(Function(np.sum, structure), flat, axes(LEAST)))


def test_where_f_gets_all_of_x_a_crowd_is_larger():
    assert is_crowd(lines_of(np.sin, np.linspace(0, 1, LEAST_WHOLE), divisible=False))
    assert not is_crowd(lines_of(np.sin, np.linspace(0, 1, LEAST_WHOLE - 1), divisible=False))
    a = np.linspace(1, 2, LEAST_WHOLE - 1)
    assert not is_crowd(lines_of(lambda x: a * np.sin(x), a))


X = RNG.uniform(0.1, 5, 6000)


@pytest.mark.parametrize(
    ("f", "exact", "x"),
    [
        (lambda x: np.exp(-x) * np.sin(x), lambda x: np.exp(-x) * (np.cos(x) - np.sin(x)), X),
        (lambda x: np.sin(1000 * x), lambda x: 1000 * np.cos(1000 * x), X),
        (np.tanh, lambda x: 1 / np.cosh(x) ** 2, X - 2.5),
        (lambda x: 1 / (1 + 25 * x**2), lambda x: -50 * x / (1 + 25 * x**2) ** 2, X - 2.5),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x), RNG.permutation(np.logspace(-12, 8, 6000))),
        (np.tan, lambda x: 1 / np.cos(x) ** 2, 4 * X - 10),
        (np.sin, np.cos, 1e6 + X),
    ],
)
def test_digits_and_honesty(f, exact, x):
    # Two digits below the best that five nodes can do; measured: 13.6 to 14.7.
    check(f, exact, x, digits=13.3)


def test_points_over_sixteen_decades():
    check(np.log, lambda x: 1 / x, RNG.permutation(np.logspace(-8, 8, 20_000)), digits=13.3)


@pytest.mark.parametrize("power", [-60, -7, 1, 40])
@pytest.mark.parametrize("n", [1, 2])
def test_powers_of_two_change_nothing_at_all(power, n):
    s = 2.0**power
    plain, _ = run(lambda x: np.exp(-x) * np.sin(3 * x), X, n)
    scaled, _ = run(lambda x: np.exp(-x / s) * np.sin(3 * (x / s)), s * X, n)
    for name in ("value", "truncation", "noise"):
        np.testing.assert_array_equal(getattr(scaled, name) * s**n, getattr(plain, name))
    np.testing.assert_array_equal(scaled.step / s, plain.step)
    tall, _ = run(lambda x: np.exp(-x) * np.sin(3 * x) * 2.0**power, X, n)
    np.testing.assert_array_equal(tall.value / 2.0**power, plain.value)


@pytest.mark.parametrize(("n", "digits"), [(2, 12.5), (3, 11.5), (4, 10.5), (5, 9.5), (6, 8.0)])
def test_higher_derivatives(n, digits):
    check(np.exp, np.exp, X, n, digits=digits)


def test_orders_without_a_formula_are_left_to_the_full_scheme():
    c, _ = run(np.exp, X[:4500], 7)
    full = Adaptive().coefficient(lines_of(np.exp, X[:4096]), 7)
    np.testing.assert_array_equal(c.value[:100], full.value[:100])


def test_evaluations():
    # The whole array, ten points each, and 2 % for scouts and trials, rounded up.
    _, lines = run(np.sin, RNG.uniform(1, 2, 200_000))
    assert lines.evaluations == 12
    assert lines.function.nfev == 1


def test_the_estimate_costs_nothing_and_changes_nothing():
    with_error, _ = run(np.tanh, X - 2.5)
    without, _ = run(np.tanh, X - 2.5, error=False)
    plain = Adaptive().coefficient(lines_of(np.tanh, X - 2.5), 1)
    np.testing.assert_array_equal(plain.truncation, with_error.truncation)
    for name in ("value", "step", "status"):
        np.testing.assert_array_equal(getattr(without, name), getattr(with_error, name))
    assert np.isnan(without.truncation).all() and without.truncation.shape == (6000, 1)


def test_noise_of_f_is_seen():
    def f(x):
        return np.sin(x).astype(np.float32).astype(float)

    c, _ = run(f, X)
    error = np.abs(c.value[:, 0] - np.cos(X))
    assert np.mean(error <= (c.truncation + c.noise)[:, 0]) > 0.97
    assert np.median(error) < 1e-6


def test_kinks_go_to_the_full_scheme():
    x = np.linspace(-1, 1, 6001)
    c, _ = run(np.abs, x)
    np.testing.assert_allclose(c.value[:, 0], np.where(x == 0, c.value[:, 0], np.sign(x)), rtol=1e-9)
    (zero,) = np.flatnonzero(x == 0)
    assert c.status[zero] == Status.INACCURATE
    assert np.delete(c.status[:, 0], zero).max() == Status.OK


def test_a_narrow_peak_between_the_scouts_is_seen():
    x = np.append(RNG.uniform(0, 5, 20_000), 2 + np.linspace(-2e-4, 2e-4, 50))

    def f(x):
        return np.sin(x) + np.exp(-(((x - 2) * 1e4) ** 2))

    def exact(x):
        return np.cos(x) - 2e8 * (x - 2) * np.exp(-(((x - 2) * 1e4) ** 2))

    c, _ = run(f, x)
    error = np.abs(c.value[:, 0] - exact(x))
    assert (error <= (c.truncation + c.noise)[:, 0] + 1e-9 * np.abs(exact(x))).all()


def test_small_and_large_values_side_by_side():
    x = np.where(np.arange(5000) % 2, 1e-5, 700.0)
    c, _ = run(np.exp, x)
    np.testing.assert_allclose(c.value[:, 0], np.exp(x), rtol=1e-12)
    assert (c.status == Status.OK).all()
    assert (c.noise[:, 0] < 1e-11 * np.exp(x)).all()


def test_zeros_of_the_derivative_are_accurate():
    c, _ = run(np.cos, np.append(np.zeros(10), X))
    assert (c.status == Status.OK).all() and np.abs(c.value[:10]).max() < 1e-12


def test_constants():
    c, _ = run(lambda x: np.full_like(x, 3.7), X)
    np.testing.assert_array_equal(c.value, 0)
    assert (c.status == Status.OK).all()


def test_points_where_f_is_not_finite():
    x = X - 1
    with np.errstate(all="ignore"):
        c, _ = run(np.log, x)
    dead = x <= 0
    assert np.isnan(c.value[dead]).all() and np.isnan(c.noise[dead]).all() and (c.step[dead] == 0).all()
    np.testing.assert_array_equal(c.status[:, 0], np.where(dead, Status.NON_FINITE, Status.OK))
    np.testing.assert_allclose(c.value[~dead, 0], 1 / x[~dead], rtol=1e-9)


def test_points_that_are_not_finite():
    x = X.copy()
    x[::7], x[1::7], x[2::7] = np.nan, np.inf, -np.inf
    c, _ = run(np.tanh, x)
    fine = np.isfinite(x)
    np.testing.assert_allclose(c.value[fine, 0], 1 / np.cosh(x[fine]) ** 2, rtol=1e-9)
    assert (c.status[np.isnan(x)] == Status.NON_FINITE).all()
    # At infinity tanh is finite; what then counts is what the full scheme says.
    alone = Adaptive().coefficient(lines_of(np.tanh, x[1:3]), 1)
    np.testing.assert_array_equal(c.value[1:3], alone.value)
    np.testing.assert_array_equal(c.status[1:3], alone.status)
    without, _ = run(np.tanh, x, error=False)
    np.testing.assert_array_equal(without.value, c.value)
    np.testing.assert_array_equal(without.status, c.status)
    # The same without one finite point.
    c, _ = run(np.tanh, np.full(5000, np.inf))
    alone = Adaptive().coefficient(lines_of(np.tanh, np.full(2, np.inf)), 1)
    np.testing.assert_array_equal(c.status[:2], alone.status)


def test_two_digits_of_the_value_or_of_f_over_its_length_are_enough():
    # f changes by 12.5 over five steps of 0.5, so by 20 over its length of 4; at |x| = 1000, far from the
    # steps, the length is 100.  Where f has not moved, |f| counts.
    x = np.array([1.0, 1.0, 1.0, 1000.0, 1000.0, 0.0, 1.0, 1.0])
    size, change = np.full(8, 100.0), np.array([12.5] * 6 + [0.0] * 2)
    d = Differences(np.array([0.5] * 5 + [1e-9] + [0.5] * 2), x, x, size, change, x)
    value = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    error = np.array([0.0099, 0.0501, 0.0499, 0.0019, 0.0021, 1.9, 0.2499, 0.2501])
    ok, poor = Status.OK, Status.INACCURATE
    codes = crowds._status(formula_of(1), value, error, d, x)
    np.testing.assert_array_equal(codes, [ok, poor, ok, ok, poor, ok, ok, poor])


def test_a_derivative_lost_in_a_large_constant_is_not_passed_off_as_good():
    x = np.linspace(0, 6, 5000)
    c, _ = run(lambda x: 1e14 + np.sin(x), x)
    gone = np.abs(c.value[:, 0] - np.cos(x)) > 0.1 * np.abs(np.cos(x))
    assert gone.any() and (c.status[gone] == Status.INACCURATE).all()


def test_x_rounded_inside_f_is_noise_that_the_formula_does_not_see():
    # At all nodes x is off by the same distance: what they show is smooth.
    x = np.random.default_rng(4).uniform(0.5, 3, 5000)
    for f in (lambda x: np.sin(x.astype(np.float32).astype(float)), lambda x: np.exp(np.round(x, 7))):
        c, _ = run(f, x)
        true = np.cos(x) if f(np.zeros(1)) == 0 else np.exp(x)
        assert np.mean(np.abs(c.value[:, 0] - true) <= (c.truncation + c.noise)[:, 0]) > 0.97


def test_noise_at_the_point_itself_counts_as_well():
    # Cancellation leaves noise of one size, whatever is left of f: as a part of |f| it differs everywhere.
    x = np.random.default_rng(6).uniform(0.98, 1.02, 20_000)
    weights = [1, -6, 15, -20, 15, -6, 1]
    c, _ = run(lambda x: np.polyval(weights, x), x)
    assert np.mean(np.abs(c.value[:, 0] - 6 * (x - 1) ** 5) <= (c.truncation + c.noise)[:, 0]) > 0.98


def test_f_that_is_nowhere_finite():
    c, lines = run(lambda x: np.full_like(x, np.nan), X)
    assert np.isnan(c.value).all() and (c.status == Status.NON_FINITE).all()
    assert lines.evaluations == 2


def test_complex_values_and_long_doubles_are_left_to_the_full_scheme():
    c, _ = run(lambda x: np.exp(1j * x), X[:4500])
    np.testing.assert_allclose(c.value, np.column_stack([-np.sin(X), np.cos(X)])[:4500], atol=1e-10)
    x = X[:4500].astype(np.longdouble)
    c, _ = run(np.sin, x)
    assert c.value.dtype == np.longdouble
    assert np.median(np.abs(c.value[:, 0] - np.cos(x))) < 1e-16


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float16, 0.1)])
def test_narrow_numbers(dtype, tolerance):
    x = X.astype(dtype)
    c, _ = run(np.sin, x)
    error = np.abs(c.value[:, 0] - np.cos(x.astype(float)))
    assert np.median(error) < tolerance
    assert np.mean(error <= (c.truncation + c.noise)[:, 0]) > 0.99


def test_no_evaluation_leaves_the_bounds():
    lower, upper = X - RNG.uniform(0, 1e-2, X.size), X + RNG.uniform(0, 1, X.size)
    lower[::5], upper[::7] = X[::5], X[::7]
    lower[0] = upper[0] = X[0]
    ends = {"low": np.inf, "high": -np.inf}

    def f(x):
        inside = (x >= lower.min()) & (x <= upper.max())
        assert inside.all()
        ends["low"], ends["high"] = min(ends["low"], x.min()), max(ends["high"], x.max())
        return np.sin(x)

    c, _ = run(f, X, bounds=(lower, upper))
    assert ends["low"] >= lower.min() and ends["high"] <= upper.max()
    assert c.status[0] == Status.NO_ROOM
    open_ = lower < upper
    np.testing.assert_allclose(c.value[open_, 0], np.cos(X[open_]), atol=1e-4)
    assert (c.status[open_] == Status.OK).mean() > 0.99


def test_the_bounds_of_each_line_are_its_own():
    # f is not finite outside the bounds of the very line.
    def f(x, low, high):
        return np.where((x >= low) & (x <= high), np.exp(x), np.nan)

    low, high = X - 1e-3, X + RNG.uniform(1e-4, 1e-2, X.size)
    function = Function(f, None, args=(low, high))
    lines = ElementwiseLines(function, X, (low, high))
    c = crowd(Adaptive(), lines, 1, error=True)
    np.testing.assert_allclose(c.value[:, 0], np.exp(X), rtol=1e-6)


# Where f gets all of x.


def test_a_function_of_its_own_at_every_point():
    a = RNG.uniform(1, 2, X.size)
    _, lines = check(
        lambda x: np.exp(-a * x) * np.sin(x),
        lambda x: np.exp(-a * x) * (np.cos(x) - a * np.sin(x)),
        X,
        digits=13,
    )
    assert not lines.divides


def test_functions_of_all_scales_at_one_point():
    b = 10 ** RNG.uniform(-3, 3, 5000)
    c, _ = run(lambda x: np.sin(b * x), np.full(5000, 1.3))
    error = np.abs(c.value[:, 0] - b * np.cos(b * 1.3))
    assert np.median(error / b) < 1e-13
    # Rounding of b x is noise that one x cannot show.
    assert np.mean(error <= (c.truncation + c.noise)[:, 0] + 4 * EPS * b * (1 + b)) > 0.98


@pytest.mark.parametrize(
    "f", [lambda x: x[::-1] + 0.0, lambda x: np.convolve(x, [1, 2, 1], "same"), np.cumsum]
)
def test_functions_that_are_not_elementwise_are_found_out(f):
    for count in (5000, 500):
        with pytest.raises(EvaluationError, match="only the others were moved"):
            run(f, X[:count])


def test_those_that_hide_are_found_out(monkeypatch):
    monkeypatch.setattr(ElementwiseLines, "confirm", lambda self: None)
    c, lines = run(np.cumsum, X[:5000])
    assert not lines.divides
    assert (c.status == Status.INACCURATE).any()
    # At equal points, a mixture of neighbors is found out by nothing else.
    c, _ = run(lambda x: np.convolve(x, [1, 2, 1], "same"), np.ones(5000))
    assert (c.status == Status.INACCURATE).any()


def test_workers_change_nothing():
    def mapper(g, values):
        return [g(value) for value in values]

    alone, _ = run(np.tanh, X - 2.5)
    shared, _ = run(np.tanh, X - 2.5, mapper=mapper)
    for name in ("value", "truncation", "noise", "step", "status"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(alone, name))


def test_points_in_full_come_in_groups(monkeypatch):
    monkeypatch.setattr(crowds, "GROUP", 1000)
    c, _ = run(np.exp, X[:4500], 7)
    assert np.isfinite(c.value).all() and (c.step > 0).all()


def test_the_highest_order_of_the_formula():
    counts = [cm.estimate_derivative(np.exp, X[:5000], n).nfev for n in (MOST, MOST + 1)]
    assert counts[0] < 35 < counts[1]


def test_infinite_values_of_an_f_that_takes_no_parts():
    a, x = np.linspace(1, 2, 5000), X[:5000].copy()
    x[::7], x[1::7] = np.inf, -np.inf
    value = cm.derivative(lambda x: a * np.sinh(x), x)
    fine = np.isfinite(x)
    np.testing.assert_allclose(value[fine], (a * np.cosh(x))[fine], rtol=1e-9)
