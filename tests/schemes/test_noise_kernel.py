"""Noise from tables of differences: the three-level window, the distances, and what spoils them."""

import math

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import Directions, ElementwiseLines, PointLines, axes
from calcml._parameters import check_bounds, flatten
from calcml.schemes._noise import _Distances, difference_noise, measured_noise
from calcml.schemes._search import LONG, RIGHT, SHORT, Probe

EPS = np.finfo(float).eps
# Seven values whose differences of order 1 to 6 have the levels below.
VALUES = np.array([0.2, -0.7, 0.5, 0.1, -0.4, 0.9, -0.3])


def levels(values):
    found, table = [], values
    for k in range(1, len(values)):
        table = np.diff(table)
        gamma = math.factorial(k) ** 2 / math.factorial(2 * k)
        found.append(math.sqrt(gamma * np.mean(table**2)))
    return found


def table(values):
    return np.asarray(values, dtype=float)[:, None, None]


def test_pure_noise_is_the_level_of_the_first_differences():
    noise, said = difference_noise(table(VALUES))
    assert max(levels(VALUES)[:3]) <= 4 * min(levels(VALUES)[:3])
    assert noise[0, 0] == pytest.approx(levels(VALUES)[0], rel=1e-14)
    assert said[0, 0] == RIGHT


@pytest.mark.parametrize("degree", [1, 2])
def test_a_polynomial_is_taken_away(degree):
    # 1e3 t^degree hides the noise up to the difference of its order.
    smooth = 1e3 * np.arange(-3.0, 4.0) ** degree
    values = smooth + VALUES
    own = levels(values)
    first = next(k for k in range(4) if max(own[k : k + 3]) <= 4 * min(own[k : k + 3]))
    assert first == degree
    noise, said = difference_noise(table(values))
    # Adding and taking away 1e3 leaves rounding of 1e-13.
    assert noise[0, 0] == pytest.approx(own[degree], rel=1e-10)
    assert noise[0, 0] == pytest.approx(levels(VALUES)[degree], rel=1e-10)
    assert said[0, 0] == RIGHT


def test_three_levels_must_agree():
    # The first two levels agree, the third is more than four times less: smooth with a chance agreement.
    smooth = 10 * np.array([1.0, -1.0, 1.5, 6.0, 11.0, 14.5, 15.0])
    own = levels(smooth)
    pairs = [k for k in range(5) if max(own[k : k + 2]) <= 4 * min(own[k : k + 2])]
    triples = [k for k in range(4) if max(own[k : k + 3]) <= 4 * min(own[k : k + 3])]
    assert pairs[0] < (triples or [9])[0]
    noise, said = difference_noise(table(smooth))
    if triples:
        assert noise[0, 0] == pytest.approx(own[triples[0]])
    else:
        assert (noise[0, 0], said[0, 0]) == (0.0, LONG)


def test_differences_must_change_sign():
    # All differences of exp(t) are alike and positive: no noise.
    noise, said = difference_noise(table(np.exp(np.arange(7.0))))
    assert (noise[0, 0], said[0, 0]) == (0.0, LONG)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([1, 1, 1, 1, 1, 1, 1], SHORT),
        ([0, 0, 0, 0, 0, 0, 0], SHORT),
        # Half of seven values is 3.5: four of the six differences vanish, or three.
        ([1, 1, 1, 2, 1, 1, 1], SHORT),
        ([1, 1, 2, 1, 1, 2, 2], RIGHT),
        # Half of eight values is 4, and as many differences vanish.
        ([1, 1, 2, 2, 1, 1, 2, 2], SHORT),
        ([1, 2, 3, np.nan, 5, 6, 7], LONG),
        ([1, 1, 1, 1, 1, 1, np.inf], LONG),
        ([0, 1, 2, 3, 4, 5, 6], LONG),
    ],
)
def test_verdicts(values, verdict):
    noise, said = difference_noise(table(values))
    assert said[0, 0] == verdict
    assert (noise[0, 0] > 0) == (verdict == RIGHT)


def test_differences_of_growth_agree_but_do_not_change_sign():
    # In 100^t all levels agree, and all differences are positive, whatever those of other lines are.
    growth = 100.0 ** np.arange(7.0)
    assert max(levels(growth)[:3]) <= 4 * min(levels(growth)[:3])
    noise, said = difference_noise(np.stack([growth, 1e12 * VALUES, -growth], axis=1)[:, None])
    assert said.tolist() == [[LONG, RIGHT, LONG]]
    assert noise[0, [0, 2]].tolist() == [0, 0]


def test_two_levels_at_the_end_are_not_three():
    # t⁴ but for one value: differences of order 5 are 10 and -10, that of order 6 is -20.
    values = np.arange(7.0) ** 4 + (np.arange(7) == 3)
    assert max(levels(values)[4:]) <= 4 * min(levels(values)[4:])
    noise, said = difference_noise(table(values))
    assert (noise[0, 0], said[0, 0]) == (0.0, LONG)


def test_levels_that_are_four_times_apart_agree():
    # Sums of squares 12, 8 and 5: levels of 1, (8 / 30)^½ and 1/4.
    values = np.array([0.0, 1, 1, 0, 0, 1, 4])
    assert levels(values)[0] == 1
    noise, said = difference_noise(table(values))
    assert (noise[0, 0], said[0, 0]) == (1.0, RIGHT)


def test_all_lines_and_outputs_at_once():
    grid = np.stack([VALUES, 3 * VALUES + 5, np.ones(7), np.exp(np.arange(7.0))], axis=1).reshape(7, 2, 2)
    noise, said = difference_noise(grid)
    assert said.tolist() == [[RIGHT, RIGHT], [SHORT, LONG]]
    np.testing.assert_allclose(noise[0], levels(VALUES)[0] * np.array([1, 3]), rtol=1e-12)


@pytest.mark.parametrize("power", [-1000, -600, 600, 1000])
def test_tables_do_not_overflow(power):
    noise, said = difference_noise(table(VALUES * 2.0**power))
    assert noise[0, 0] == pytest.approx(levels(VALUES)[0] * 2.0**power, rel=1e-12)
    assert said[0, 0] == RIGHT


@pytest.mark.parametrize("unit", [2.0**-1074, 2.0**1023])
def test_tables_of_the_least_and_the_largest_numbers(unit):
    # The squares of the differences 1, -2, 1, 1, -2, 1 are 2 on average, twice the noise.
    noise, said = difference_noise(table(np.array([0, 1, -1, 0, 1, -1, 0]) * unit))
    assert (noise[0, 0], said[0, 0]) == (unit, RIGHT)


def uniform(seed=1):
    rng = np.random.default_rng(seed)
    return lambda x: rng.uniform(-1, 1, np.shape(x))


def noise_of(f, x, bounds=None):
    x = np.asarray(x)
    limits = None if bounds is None else check_bounds(bounds, *flatten(x))
    lines = ElementwiseLines(Function(f, None), x, limits)
    return measured_noise(lines), lines.function.nfev


KNOWN = {
    "uniform": (lambda w: lambda x: np.sin(x) + 1e-8 * w(x), 1.0, 1e-8 / math.sqrt(3)),
    "large": (lambda w: lambda x: x * x + 0.1 * w(x), 1.0, 0.1 / math.sqrt(3)),
    "of a zero": (lambda w: lambda x: np.sin(x) - np.sin(1.0) + 1e-8 * w(x), 1.0, 1e-8 / math.sqrt(3)),
    "at 0": (lambda w: lambda x: np.cos(x) + 1e-6 * w(x), 0.0, 1e-6 / math.sqrt(3)),
    "float32": (lambda w: lambda x: np.exp(np.float32(x)).astype(float), 1.0, math.e * 2**-24 / math.sqrt(3)),
    "six decimals": (lambda w: lambda x: np.round(np.sin(x), 6), 1.0, 1e-6 / math.sqrt(12)),
    "two decimals": (lambda w: lambda x: np.round(np.sin(x), 2), 1.0, 1e-2 / math.sqrt(12)),
    "whole numbers": (lambda w: lambda x: np.floor(1000 * np.sin(x)), 1.0, 1 / math.sqrt(12)),
    "cancellation": (lambda w: lambda x: np.exp(x) - np.cos(x), 1e-3, EPS / 2),
    "a large constant": (lambda w: lambda x: 1e6 + np.sin(x), 1.0, 1e6 * EPS / 2),
    "inner rounding": (lambda w: lambda x: np.sin(x * x), 50.0, 2500 * EPS / 4),
}


@pytest.mark.parametrize("case", KNOWN)
def test_known_noise(case):
    make, x, sigma = KNOWN[case]
    noise, nfev = noise_of(make(uniform()), x)
    assert sigma / 4 <= noise.level[0, 0] <= 4 * sigma
    assert nfev <= 49


def test_random_noise_is_found_to_a_factor_of_four():
    found = []
    for seed in range(100):
        w = uniform(seed)
        noise, nfev = noise_of(lambda x, w=w: np.exp(x) + 1e-9 * w(x), 0.7)
        found.append(noise.level[0, 0] * math.sqrt(3) / 1e-9)
        assert nfev <= 25
    # Of tables of seven values nearly one in a hundred misses, if the slope hides the first differences.
    assert np.mean([1 / 4 < ratio < 4 for ratio in found]) >= 0.96
    assert min(found) > 1 / 64
    assert max(found) < 4
    assert 0.7 < np.median(found) < 1.4
    nine = []
    for seed in range(100):
        w = uniform(seed)
        lines = ElementwiseLines(Function(lambda x, w=w: np.exp(x) + 1e-9 * w(x), None), np.array(0.7))
        nine.append(measured_noise(lines, reach=4).level[0, 0] * math.sqrt(3) / 1e-9)
        assert lines.function.nfev in (9, 17, 25)
    assert min(nine) > 1 / 4
    assert max(nine) < 4


@pytest.mark.parametrize("f", [np.exp, np.sin, np.log, np.arctan, np.sqrt])
@pytest.mark.parametrize("x", [0.3, 1.0, 17.0, 1e6])
def test_smooth_functions_have_their_rounding(f, x):
    with np.errstate(over="ignore"):
        value = f(x)
    if np.isfinite(value):
        noise, _ = noise_of(f, x)
        # At a zero of f the values nearby, 1e-9 of x away, have their own rounding.
        assert EPS / 2 * abs(value) <= noise.level[0, 0] <= 2 * EPS * max(abs(value), 1e-9)


@pytest.mark.parametrize(
    ("f", "x", "level", "nfev"),
    [
        # Seven values, or six more for each further distance; f(x) serves for all.
        (lambda x: 2.5 + 0 * x, 1.0, 2.5 * EPS / 2, 1 + 8 * 6),
        (lambda x: 0 * x, 1.0, 0.0, 1 + 8 * 6),
        (np.exp, 1.0, None, 7),
        (lambda x: np.nan * x, 1.0, 0.0, 1),
    ],
)
def test_evaluations(f, x, level, nfev):
    noise, count = noise_of(f, x)
    assert count == nfev
    if level is not None:
        assert noise.level[0, 0] == level


def test_the_distance_is_a_part_of_x_with_many_digits():
    seen = []
    noise_of(lambda x: seen.append(float(x)) or np.exp(x), 3.0)
    h = 2.0**-31 * 1.2360679774997898
    steps = np.sort(np.array(seen) - 3.0)
    np.testing.assert_allclose(steps, h * np.arange(-3, 4), rtol=1e-6)
    # All of them equal to the last digit.
    assert len(set(np.diff(steps))) == 1


def test_units_do_not_matter():
    def f(x):
        return np.round(np.sin(x), 7)

    level = noise_of(f, 0.7)[0].level
    for power in (-900, -30, 17, 900):
        s = 2.0**power
        assert noise_of(lambda x, s=s: f(x / s), 0.7 * s)[0].level == level
        assert noise_of(lambda x, s=s: f(x) * s, 0.7)[0].level == level * s


def test_slope_and_its_doubt():
    noise, _ = noise_of(np.exp, 1.0)
    h = 2.0**-32 * 1.2360679774997898
    # Least squares of k f(kh), with noise σ in f: σ / (h √28).
    assert noise.doubt[0, 0] == pytest.approx(noise.level[0, 0] / (h * math.sqrt(28)), rel=0.7)
    assert abs(noise.slope[0, 0] - math.e) < 6 * noise.doubt[0, 0]
    assert noise_of(lambda x: 1 + 0 * x, 1.0)[0].doubt[0, 0] == math.inf


def test_outputs_that_want_different_distances():
    w = uniform()

    def f(x):
        return np.array([np.exp(x[0]), np.round(np.sin(x[0]), 4), 1e-3 * w(x[0]), 7.0, np.nan])

    lines = PointLines(Function(f, flatten(np.ones(1))[1]), np.ones(1), axes(1))
    level = measured_noise(lines).level[0]
    expected = [math.e * EPS / 2, 1e-4 / math.sqrt(12), 1e-3 / math.sqrt(3), 7 * EPS / 2]
    assert np.all(level[:4] <= 4 * np.array(expected))
    assert np.all(level[:4] >= np.array(expected) / 4)
    assert level[4] == 0.0


def test_slopes_stay_when_other_outputs_go_on():
    def f(x):
        return np.array([np.exp(x[0]), 1e-3 * np.round(1e3 * x[0])])

    lines = PointLines(Function(f, flatten(np.ones(1))[1]), np.ones(1), axes(1))
    noise = measured_noise(lines)
    assert lines.function.nfev > 7
    assert abs(noise.slope[0, 0] - math.e) < 6 * noise.doubt[0, 0] < 1e-6


@pytest.mark.parametrize("grid", [2.0**-40, 2.0**-10, 1.0, 2.0**20])
def test_values_on_a_grid_have_its_noise_where_no_table_settles(grid):
    # Near 0 the values are either all the same or far apart.
    for x in (0.1, 0.2, 0.4):
        noise, nfev = noise_of(lambda x: grid * np.round(x), x)
        assert nfev == 1 + 8 * 6
        assert noise.level[0, 0] == pytest.approx(grid / math.sqrt(12), rel=1e-15, abs=0)
        assert noise.doubt[0, 0] == math.inf


def test_each_output_has_its_own_grid():
    def f(x):
        return np.round(x[0]) * np.array([1.0, 2.0**10, 2.0**-10])

    lines = PointLines(Function(f, flatten(np.ones(1))[1]), np.array([0.2]), axes(1))
    expected = np.array([1.0, 2.0**10, 2.0**-10]) / math.sqrt(12)
    np.testing.assert_allclose(measured_noise(lines).level[0], expected, rtol=1e-15)


def test_one_jump_is_no_grid():
    # However far one looks, only one of the six differences is not 0.
    noise, nfev = noise_of(lambda x: 1.0 + (x > 2), 2.0)
    assert nfev == 1 + 8 * 6
    assert noise.level[0, 0] == EPS / 2


@pytest.mark.parametrize("x", [0.0, 2.0])
def test_changes_are_no_grid_where_f_has_not_stood_still(x):
    # All differences of f(x) = x are equal.
    assert noise_of(lambda x: x, x)[0].level[0, 0] == x * EPS / 2


@pytest.mark.parametrize(("f", "power"), [(lambda x: x, -7), (lambda x: 0 * x, 7)])
def test_distances_change_by_a_factor_of_128(f, power):
    seen = []
    noise_of(lambda x: seen.append(float(x)) or f(x), 0.0)
    expected = {
        k * 2.0**-32 * 1.2360679774997898 * 2.0 ** (power * j) for k in range(-3, 4) for j in range(8)
    }
    np.testing.assert_allclose(sorted(seen), sorted(expected), rtol=1e-15)


def test_lines_of_many_kinds_are_measured_as_alone():
    # Smooth, a constant that wants longer distances, a straight line that wants shorter ones, and a grid.
    kinds = (np.exp, lambda x: 2.5 + 0 * x, lambda x: x, np.round)
    x = np.array([1.0, 3.0, 2.0, 0.2])

    def f(v):
        return np.array([kind(one) for kind, one in zip(kinds, v, strict=True)])

    def along(*lines):
        return PointLines(Function(lambda v: f(v).sum(), flatten(x)[1]), x, only(lines))

    def only(which):
        vectors = np.zeros((len(which), 4))
        vectors[np.arange(len(which)), which] = 1.0
        return Directions.dense(vectors)

    together = along(0, 1, 2, 3)
    noise, calls = measured_noise(together), 0
    for k in range(4):
        alone = along(k)
        own = measured_noise(alone)
        calls += alone.function.nfev - 1
        for part in ("level", "slope", "doubt"):
            np.testing.assert_array_equal(getattr(noise, part)[k], getattr(own, part)[0])
    assert together.function.nfev == 1 + calls


def test_some_lines_only():
    x = np.array([1.0, 2.0, 3.0])
    lines = ElementwiseLines(Function(np.exp, None), x)
    some = measured_noise(lines, np.array([2, 0])).level
    every = measured_noise(ElementwiseLines(Function(np.exp, None), x)).level
    np.testing.assert_array_equal(some, every[[2, 0]])


@pytest.mark.parametrize("bounds", [(1.0, 2.0), (0.0, 1.0), (1.0, 1.0), (1.0 - 1e-11, 1.0 + 1e-12)])
def test_bounds_are_kept(bounds):
    seen = []

    def f(x):
        seen.append(float(x))
        return np.round(np.exp(x), 8)

    noise, _ = noise_of(f, 1.0, bounds)
    assert bounds[0] <= min(seen)
    assert max(seen) <= bounds[1]
    if bounds[1] - bounds[0] == 1.0:
        assert 1e-8 / math.sqrt(12) / 4 < noise.level[0, 0] < 4e-8 / math.sqrt(12)
    if bounds == (1.0, 1.0):
        assert len(seen) == 1


@pytest.mark.parametrize("others", [[], [1.0]])
def test_one_table_does_not_confirm_itself(others):
    # There is room for one distance only, the least, and values differ by more than a tenth of themselves.
    x, h = np.ones(1), 4 * EPS
    function = Function(lambda v: np.array([VALUES[round((v[0] - 1) / h) + 3], *others]), flatten(x)[1])
    lines = PointLines(function, x, axes(1), check_bounds((1 - 3 * h, 1 + 3 * h), *flatten(x)))
    noise = measured_noise(lines)
    assert function.nfev == 7
    np.testing.assert_array_equal(noise.level[0], EPS / 2 * np.array([VALUES[3], *others]))


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble])
def test_precision_of_x(dtype):
    noise, _ = noise_of(np.exp, dtype(1.0))
    rounding = math.e * float(np.finfo(dtype).eps)
    assert rounding / 4 < float(noise.level[0, 0]) < 2 * rounding


@pytest.mark.skipif(np.finfo(np.longdouble).maxexp <= 1024, reason="long doubles have the range of doubles")
def test_values_beyond_the_range_of_doubles():
    scale = np.ldexp(np.longdouble(1), 5000)
    small, _ = noise_of(lambda x: np.round(np.exp(x) * 1e7), np.longdouble(0.7))
    large, _ = noise_of(lambda x: np.round(np.exp(x) * 1e7) * scale, np.longdouble(0.7))
    for part in ("level", "slope"):
        assert getattr(large, part)[0, 0] == getattr(small, part)[0, 0] * scale < np.inf


def test_edges_of_the_domain_shorten_the_distance():
    noise, nfev = noise_of(lambda x: np.log(x - 0.09999999999), 0.1)
    # The first distances leave the domain, which ends 1e-11 away; the points are exact, so there is only the
    # rounding of log(1e-11) = -25.
    assert nfev > 7
    assert 25 * EPS / 2 < noise.level[0, 0] < 25 * EPS


def test_a_noise_that_is_doubted():
    lines = ElementwiseLines(Function(np.exp, None), np.array(1.0))
    probe = Probe(lines, np.array([0]), tuple(float(k) for k in range(-3, 4)), None)
    rows, right = np.array([0]), np.array([[RIGHT]])

    def doubted(values, noise, low=0.0, before=0.0):
        search = _Distances(probe)
        search.low[:], search.guess[:] = low, before
        return search._doubted(table(values), np.array([[noise]]), right, np.array([1.0]), rows)[0, 0]

    near, far = np.array([10, 10.1, 10.2, 10.5, 10.9, 10.95, 11]), np.arange(1.0, 8.0)
    # The spread is 1/11 of the largest: near x.  It is 6/7: found once is not enough, twice within 4 is.
    assert doubted(near, 1e-3) == RIGHT
    assert doubted(far, 1e-3) == LONG
    assert doubted(far, 1e-3, before=3.9e-3) == RIGHT
    assert doubted(far, 1e-3, before=4.1e-3) == LONG
    assert doubted(far, 1e-3, before=1e-3 / 3.9) == RIGHT
    assert doubted(far, 1e-3, before=1e-3 / 4.1) == LONG
    assert doubted(far, 2.0**-10, before=2.0**-8) == doubted(far, 2.0**-10, before=2.0**-12) == RIGHT
    # Values from 9 to 10 are just near enough.
    assert doubted(near - 1, 1e-3) == RIGHT
    # Rounding of 7 is rounding, however far apart the values: up to 4 eps of the largest.
    assert doubted(far, 27 * EPS) == RIGHT
    assert doubted(far, 28 * EPS) == RIGHT
    assert doubted(far, 29 * EPS) == LONG
    # f stood still at a distance of 0.06, where it moves by 1/6 per distance now: jumps of 0.01.
    assert doubted(near, 1.01 * 0.01 / 4, low=0.06) == RIGHT
    assert doubted(near, 0.99 * 0.01 / 4, low=0.06) == LONG
    # Jumps of 1/8 on average at this distance, of 1/16 at half of it.
    assert doubted(np.array([10, 10.75] * 4)[:7], 1 / 64, low=0.5) == RIGHT


def test_the_size_of_other_outputs_does_not_matter():
    function = Function(lambda x: np.array([x[0], 1e3]), flatten(np.ones(1))[1])
    lines = PointLines(function, np.ones(1), axes(1))
    search = _Distances(Probe(lines, np.array([0]), tuple(float(k) for k in range(-3, 4)), None))
    values = np.stack([np.arange(1.0, 8.0), 1e3 + VALUES], axis=1)[:, None]
    noise, right = np.full((1, 2), 1e-3), np.full((1, 2), RIGHT)
    said = search._doubted(values, noise, right, np.array([1.0]), np.array([0]))
    assert said.tolist() == [[LONG, RIGHT]]


@pytest.mark.skipif(np.finfo(np.longdouble).maxexp <= 1024, reason="long doubles have the range of doubles")
@pytest.mark.parametrize("power", [2000, -2000])
def test_a_grid_beyond_the_range_of_doubles(power):
    pitch = np.longdouble(2) ** power
    noise, _ = noise_of(lambda x: np.round(x) * pitch, np.longdouble(0.2))
    # Rounding to a grid adds a twelfth of its square to the variance.
    assert float(noise.level[0, 0] / pitch) == pytest.approx(1 / math.sqrt(12), rel=1e-12)
