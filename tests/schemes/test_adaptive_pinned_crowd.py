"""The crowd: how its points are cut up, what makes one sure, and its codes, at borders from both sides."""

import math

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml._status import Status
from calcml.schemes import _adaptive_crowd as crowds
from calcml.schemes import _adaptive_crowd_guide as guides
from calcml.schemes._adaptive_crowd import _follow, _status, _Table
from calcml.schemes._adaptive_crowd_formula import Differences, _add, formula_of, measure
from calcml.schemes._adaptive_crowd_guide import (
    Cells,
    Guide,
    Octaves,
    _allowed,
    _pooled,
    _positions,
    _proved,
    per_power,
    taylor,
)
from calcml.schemes.adaptive import Adaptive
from calcml.schemes.base import Coefficient

EPS, NAN, INF = 2.0**-52, math.nan, math.inf


def lines_of(f, x, bounds=None, **options):
    if bounds is not None:
        bounds = tuple(np.broadcast_to(side, np.shape(x)).astype(float) for side in bounds)
    return ElementwiseLines(Function(f, None), np.asarray(x), bounds, **options)


def dividing(f, x, divides):
    """Return lines of which calls may be on parts of them, or not."""
    kind = type("Lines", (ElementwiseLines,), {"divides": divides})
    lines = kind(Function(f, None), np.asarray(x), None)
    lines.origin()
    return lines


def guide_of(at, step, noise):
    """Return a guide that is searched by intervals."""
    known = Guide(at, step, noise, np.arange(0), np.empty(0), np.empty(0))
    known.__dict__["cells"] = None
    return known


def followed(f, x, step, noise, bounds=None, n=1):
    """Apply the formula with these steps and noises, one per point."""
    lines = lines_of(f, x, bounds)
    known = guide_of(np.asarray(x), np.append(step, 0.0), np.append(noise, 0.0))
    table = _Table(lines, True)
    rest = _follow(lines, slice(0, len(x)), formula_of(n), known, table)
    return table.coefficient(), rest


# Which points are sure. -------------------------------------------------------------------------------------


def test_differences_may_be_eight_times_the_noise_of_the_scouts():
    x = np.linspace(1, 2, 6)
    f = lambda x: np.sin(np.round(x * 2.0**20) * 2.0**-20)
    d = measure(formula_of(1), lines_of(f, x), np.full(6, 2.0**-7))
    share = d.spread / d.size
    factor = np.array([1.001 / 8, 0.999 / 8, 0.5, 1.5, 20.0, 0.999 / 8])
    c, rest = followed(f, x, np.full(6, 2.0**-7), share * factor)
    np.testing.assert_array_equal(rest, [1, 5])
    # The noise is that of the scouts, or what the differences at the point itself show if that is more.
    value, truncation, noise = taylor(formula_of(1), d, d.spread * np.maximum(factor, 1.0), EPS)
    np.testing.assert_array_equal(c.value[:, 0], value)
    np.testing.assert_array_equal(c.truncation[:, 0], truncation)
    np.testing.assert_allclose(c.noise[:, 0], noise, rtol=1e-12)
    np.testing.assert_array_equal(c.step, np.full(6, 2.0**-7))


def test_a_constant_without_noise_is_sure():
    c, rest = followed(lambda x: np.full_like(x, 3.0), np.ones(3), np.full(3, 2.0**-7), np.zeros(3))
    assert len(rest) == 0 and (c.value == 0).all() and (c.truncation == 0).all() and (c.noise > 0).all()


def test_points_without_a_step_or_a_value_are_not_sure():
    x = np.linspace(1, 2, 4)
    # Where f is not finite nothing is left to do; without a step the full scheme has to.
    f = lambda t: np.where(np.abs(t - x[0]) < 1e-9, NAN, np.exp(t))
    c, rest = followed(f, x, np.array([2.0**-7, 0.0, 2.0**-7, 2.0**-7]), np.full(4, 1e-12))
    np.testing.assert_array_equal(rest, [1])
    assert np.isnan(c.value[0, 0]) and c.step[0] == 0 and c.status[0, 0] == Status.NON_FINITE
    assert np.isnan(c.truncation[0, 0]) and np.isnan(c.noise[0, 0])
    np.testing.assert_allclose(c.value[2:, 0], np.exp(x[2:]), rtol=1e-11)
    # Where f is not finite beside the point it is not sure either.
    c, rest = followed(lambda t: np.where(t > 2, NAN, np.exp(t)), x, np.full(4, 2.0**-7), np.full(4, 1e-12))
    np.testing.assert_array_equal(rest, [3])
    c, rest = followed(f, x, np.zeros(4), np.full(4, 1e-12))
    np.testing.assert_array_equal(rest, [1, 2, 3])
    assert np.isnan(c.value).all()


def test_nodes_reach_the_bounds_and_no_further():
    x, h = np.ones(4), 2.0**-7
    reach = formula_of(1).nodes[-1] * h
    less = reach - 2.0**-40
    lines = lines_of(np.exp, x, (1 - np.array([reach, less, 1, 1]), 1 + np.array([1, 1, reach, less])))
    np.testing.assert_array_equal(lines.lower, [-reach, -less, -1, -1])
    # Of so much noise the differences say nothing.
    known = guide_of(np.ones(1), np.array([h, 0.0]), np.array([1e3, 0.0]))
    rest = _follow(lines, slice(0, 4), formula_of(1), known, _Table(lines, True))
    np.testing.assert_array_equal(rest, [1, 3])


def test_noise_and_bounds_both_count():
    # Loud differences at the first two points, no room at the second and the third.
    x, h = np.ones(4), 2.0**-7
    room = 1 + formula_of(1).nodes[-1] * h * np.array([1.1, 0.9, 0.9, 1.1])
    loud = np.random.default_rng(0)
    f = lambda t: np.exp(t) + 1e-6 * loud.uniform(size=4) * np.array([1, 1, 0, 0])
    known = guide_of(np.ones(1), np.array([h, 0.0]), np.array([1e-10, 0.0]))
    lines = lines_of(f, x, (np.zeros(4), room))
    assert _follow(lines, slice(0, 4), formula_of(1), known, _Table(lines, True)).tolist() == [0, 1, 2]


def test_the_error_is_the_sum_of_its_parts(monkeypatch):
    x, seen = np.linspace(1, 2, 8), []
    lines = dividing(np.exp, x, False)
    known = guide_of(x, np.append(np.full(8, 2.0**-4), 0), np.append(np.full(8, 1e-4), 0))
    monkeypatch.setattr(Guide, "contradicts", lambda self, value, error, sure: seen.append(error) or False)
    table = _Table(lines, True)
    _follow(lines, slice(0, 8), formula_of(1), known, table)
    c = table.coefficient()
    assert (c.truncation > 0).all()
    np.testing.assert_array_equal(seen[0], (c.truncation + c.noise)[:, 0])


@pytest.mark.parametrize("divides", [True, False])
def test_all_points_are_in_full_where_the_formula_contradicts(divides):
    x = np.linspace(1, 2, 40)
    lines = dividing(np.exp, x, divides)
    step, noise = np.append(np.full(40, 2.0**-7), 0), np.append(np.full(40, 1e-12), 0)
    known = Guide(x, step, noise, np.arange(40), np.exp(x) + 1, np.full(40, 1e-9))
    known.__dict__["cells"] = None
    rest = _follow(lines, slice(0, 40), formula_of(1), known, _Table(lines, True))
    assert len(rest) == (0 if divides else 40)


def test_parts_begin_where_they_are_cut():
    x = np.linspace(1, 2, 10)
    lines, cuts = lines_of(np.exp, x), (slice(0, 4), slice(4, 10))
    known = guide_of(
        x, np.append(np.where(np.arange(10) % 2, 2.0**-7, 0), 0), np.append(np.full(10, 1e-12), 0)
    )
    table = _Table(lines, False)
    seen = [_follow(lines, cut, formula_of(1), known, table).tolist() for cut in cuts]
    assert seen == [[0, 2], [4, 6, 8]]
    c = table.coefficient()
    np.testing.assert_allclose(c.value[1::2, 0], np.exp(x[1::2]), rtol=1e-11)
    assert np.isnan(c.truncation).all() and np.isnan(c.noise).all() and c.noise.shape == (10, 1)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("first", [0, 2])
def test_sums_over_some_nodes(n, first):
    formula, origin = formula_of(n), np.array([1.0, -2.0])
    ahead, behind = np.arange(4.0).reshape(2, 2) + 3, np.arange(4.0).reshape(2, 2) ** 2
    sums = np.full((3, 2), 0.5)
    _add(formula, first, ahead, behind, origin, *sums)
    nodes = slice(first, first + 2)
    odd, even = ahead - behind, ahead + behind - 2 * origin
    expected = [
        0.5 + np.dot(weights[nodes], part)
        for weights, part in (
            (formula.value, odd if n % 2 else even),
            (formula.odd, odd),
            (formula.even, even),
        )
    ]
    # Two terms each, rounded to units of at most 16.
    np.testing.assert_allclose(sums, expected, rtol=0, atol=64 * EPS)


@pytest.mark.parametrize(("divides", "cuts"), [(True, [(0, 80), (80, 160), (160, 240)]), (False, [(0, 200)])])
def test_parts_are_small_where_f_takes_them(monkeypatch, divides, cuts):
    asked = []

    def follow(lines, cut, formula, known, table):
        asked.append((cut.start, cut.stop))
        return np.arange(0)

    monkeypatch.setattr(crowds, "_follow", follow)
    monkeypatch.setattr(crowds, "BLOCK", 80)
    crowds.crowd(Adaptive(), dividing(np.exp, np.linspace(1, 2, 200), divides), 1, error=True)
    assert asked == cuts


# Codes. -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rise", [3.0, 0.375])
@pytest.mark.parametrize("n", [1, 2])
def test_codes(n, rise):
    # A hundredth of the value, or of the change of f over 8 steps or |x| / 10, by the n-th power of that;
    # 1 stands for |x| at 0.
    formula = formula_of(n)
    x = np.array([1.0, 1.0, 1.0, 1000.0, 1000.0, 0.0, 0.0, 0.5, -1000.0, 1.0, 1.0])
    step = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    length = np.array([8.0, 8.0, 8.0, 100.0, 100.0, 0.1, 0.1, 0.05, 100.0, 8.0, 8.0])
    change = np.full(11, rise)
    unit = 1e-2 * rise * (8 / formula.nodes[-1]) / length**n
    factor = np.array([0.999, 1.001, 2.0, 0.999, 1.001, 0.999, 1.001, 0.999, 0.999, NAN, INF])
    value = np.zeros(11)
    value[2] = -100.0 * 2.0 * unit[2]
    error, size = factor * unit, np.full(11, 1e9)
    error[2] = abs(value[2]) * 1e-2
    codes = _status(formula, value, error, Differences(step, value, value, size, change, value), x)
    poor = Status.INACCURATE
    np.testing.assert_array_equal(codes, [0, poor, 0, 0, poor, 0, poor, 0, 0, poor, poor])
    assert codes.dtype == np.int8
    assert _status(formula, np.ones(2), np.full(2, 0.01), None, None).tolist() == [0, 0]
    # Where f stands still, a hundredth of |f|: of 100, which is 800 over 8 steps, it is 1 exactly.
    one, zero, size = np.ones(2), np.zeros(2), np.full(2, 100 * 8.0**n)
    d = Differences(one, zero, zero, size, zero, zero)
    np.testing.assert_array_equal(_status(formula, zero, np.array([1.0, 1 + EPS]), d, one), [0, poor])


def test_results_of_many_lines():
    lines = lines_of(np.exp, np.ones(4))
    table = _Table(lines, True)
    blank = table.coefficient()
    assert np.isnan(blank.value).all() and (blank.step == 0).all() and blank.value.dtype == float
    assert (blank.status == Status.NON_FINITE).all() and blank.status.dtype == np.int8
    one = np.arange(1.0, 3.0)[:, None]
    status = np.array([[3], [4]], dtype=np.int8)
    table.put(np.array([2, 0]), Coefficient(one, 10 * one, 20 * one, one[:, 0] / 4, status))
    c = table.coefficient()
    np.testing.assert_array_equal(c.value[:, 0], [2, NAN, 1, NAN])
    np.testing.assert_array_equal(c.truncation[:, 0], [20, NAN, 10, NAN])
    np.testing.assert_array_equal(c.noise[:, 0], [40, NAN, 20, NAN])
    np.testing.assert_array_equal(c.step, [0.5, 0, 0.25, 0])
    np.testing.assert_array_equal(c.status[[2, 0], 0], [3, 4])
    table.clear(np.array([0]))
    c = table.coefficient()
    assert np.isnan([c.value[0, 0], c.truncation[0, 0], c.noise[0, 0]]).all() and c.step[0] == 0
    assert c.status[0, 0] == Status.NON_FINITE and c.value[2, 0] == 1


@pytest.mark.parametrize("error", [True, False])
@pytest.mark.parametrize(("kind", "wide"), [(np.float32, float), (float, float), (np.longdouble,) * 2])
def test_results_are_as_wide_as_x_or_a_double(kind, wide, error):
    c = _Table(lines_of(np.exp, np.ones(4, kind)), error).coefficient()
    for part in (c.value, c.truncation, c.noise):
        assert part.dtype == wide and part.shape == (4, 1) and np.isnan(part).all()
    assert c.step.dtype == float and c.status.dtype == np.int8


def test_points_in_full_are_asked_for_by_groups(monkeypatch):
    sizes = []

    class Counted(Adaptive):
        def coefficient(self, lines, n, *, error=True):
            sizes.append((lines.count, error))
            return super().coefficient(lines, n, error=error)

    monkeypatch.setattr(crowds, "GROUP", 40)
    for error in (True, False):
        for divides, expected in ((True, [40, 40, 10]), (False, [90])):
            sizes.clear()
            crowds.crowd(Counted(), dividing(np.exp, np.linspace(1, 2, 90), divides), 7, error=error)
            assert sizes == [(size, error) for size in expected]


@pytest.mark.parametrize("n", [1, 6, 7])
def test_orders_up_to_six_have_a_formula(monkeypatch, n):
    # Complex values, and numbers of more than eight bytes, have none.
    asked = []

    def follow(lines, cut, formula, known, table):
        asked.append((formula.n, cut))
        return np.arange(0)

    monkeypatch.setattr(crowds, "_follow", follow)
    crowds.crowd(Adaptive(), lines_of(np.exp, np.linspace(1, 2, 200)), n, error=True)
    assert asked == ([(n, slice(0, 200))] if n < 7 else [])
    asked.clear()
    crowds.crowd(Adaptive(), lines_of(lambda x: np.exp(1j * x), np.linspace(1, 2, 40)), n, error=True)
    crowds.crowd(Adaptive(), lines_of(np.exp, np.linspace(1, 2, 40, dtype=np.longdouble)), n, error=True)
    assert asked == []


# The guide. -------------------------------------------------------------------------------------------------


def test_numbers_of_the_guide():
    assert (guides.SCOUTS, guides.SHARE, guides.COUNT, guides.MOSTLY, guides.POOL) == (
        1021,
        16,
        2048,
        0.95,
        2,
    )
    assert guides.POWERS == (-7, -6, -5, -4, -3, -2, -1, 0) and guides.FEW_POWERS == (-4, -3)
    assert (guides.WORSE, guides.APART, guides.NOISY, crowds.LOUD) == (100.0, 16.0, 64.0, 8.0)
    np.testing.assert_array_equal(per_power(np.array([8.0]), np.array([2.0]), 3), [1])
    np.testing.assert_array_equal(_pooled(np.array([1.0, 5, 2, 0, 0, 0, 3])), [5, 5, 5, 5, 3, 3, 3])


@pytest.mark.parametrize(
    ("noise", "divides", "tried"),
    [
        (0.0, True, [-7, -6, -5, -4, -3, -2, -1, 0]),
        (0.0, False, [-4, -3]),
        (1e-9, True, [-7, -6, -5, -4, -3, -2, -1, 0]),
        (1e-9, False, [-4, -3, -2, -1, 0]),
        (40 * EPS, False, [-4, -3]),
    ],
)
def test_noise_leads_to_longer_steps(monkeypatch, noise, divides, tried):
    rng, powers = np.random.default_rng(3), []
    lines = dividing(lambda x: x * (3 + noise * rng.uniform(-1, 1, x.shape)), np.linspace(1, 2, 640), divides)
    index = guides._positions(lines, np.arange(640))
    full = Adaptive().coefficient(lines.part(index), 1)
    monkeypatch.setattr(Adaptive, "coefficient", lambda *_, **__: full)

    def measured(formula, part, h):
        # In one call every power has all scouts, at their own points.
        rows = h.reshape(-1, len(full.step)) / full.step
        np.testing.assert_array_equal(part.x.reshape(rows.shape), lines.x[index] + 0 * rows)
        np.testing.assert_array_equal(rows, rows[:, :1] + 0 * rows)
        powers.extend(np.round(np.log2(rows[:, 0])).tolist())
        return measure(formula, part, h)

    monkeypatch.setattr(guides, "measure", measured)
    guides.guide(Adaptive(), lines, formula_of(1), np.arange(640))
    assert powers == tried


def test_all_steps_at_once_are_all_in_turn(monkeypatch):
    monkeypatch.setattr(guides, "FEW_POWERS", guides.POWERS)
    x = np.linspace(1, 2, 640)
    f = lambda x: np.where(x > 1.9, np.nan, np.sin(3 * x))
    index = np.arange(0, 640, 40)
    step = 2.0 ** np.round(np.linspace(-6, 6, len(index)))
    tables = []
    for work, divides in ((guides._at_once, True), (guides._in_turn, False)):
        with np.errstate(all="ignore"):
            tables.append(work(dividing(f, x, divides), index, step, formula_of(1)))
    for once, turn in zip(*tables, strict=True):
        np.testing.assert_array_equal(once, turn)
    tried, error, value, share, size = tables[0]
    good = error < np.inf
    assert good.sum() >= 10 and not good[-1] and (tried[good] > 0).all()
    assert not tried[~good].any() and not value[~good].any() and not share[~good].any()
    assert not size[~good].any() and (size[good] > 0.05).all()
    powers = np.log2(tried[good] / step[good])
    assert set(powers.tolist()) <= set(map(float, guides.POWERS)) and len(set(powers.tolist())) > 2


@pytest.mark.parametrize(("more", "tried"), [(0, [-4, -3]), (1, [-4, -3, -2, -1, 0])])
def test_noise_of_few_scouts_leads_nowhere(monkeypatch, more, tried):
    # A longer step is tried while it helps more than half of them.
    powers, x = [], np.linspace(1, 2, 640)
    lines = dividing(np.exp, x, False)
    index = guides._positions(lines, np.arange(640))
    index = index[: len(index) // 2 * 2]
    monkeypatch.setattr(guides, "_positions", lambda lines, usable: index)
    loud = np.arange(len(index)) < len(index) // 2 + more

    def measured(formula, part, h):
        powers.append(round(float(np.log2(h[0]))))
        ones = np.ones(len(index))
        return Differences(h, h, np.where(loud, 1e-6, 1e-16), ones, ones, 0 * ones)

    ok = np.zeros((len(index), 1), dtype=np.int8)
    full = Coefficient(*np.ones((3, len(index), 1)), np.ones(len(index)), ok)
    monkeypatch.setattr(Adaptive, "coefficient", lambda *_, **__: full)
    monkeypatch.setattr(guides, "measure", measured)
    guides.guide(Adaptive(), lines, formula_of(1), np.arange(640))
    assert powers == tried


def test_cells_need_a_width_that_can_be_divided():
    assert Cells.suits(np.array([0.0, 2.0**-1010])) and not Cells.suits(np.array([0.0, 2.0**-1013]))
    assert Cells.suits(np.array([-8e307, 8e307])) and not Cells.suits(np.array([1.0, 1.0]))
    with np.errstate(over="ignore"):
        assert not Cells.suits(np.array([-1e308, 1e308]))
    tiny = np.linspace(1, 2, 64) * 2.0**-1060
    known = Guide(tiny, np.ones(65), np.ones(65), np.arange(0), np.empty(0), np.empty(0))
    assert type(known.cells) is Octaves
    apart = np.linspace(-1, 1, 64) * 2.0**-1060
    assert Guide(apart, np.ones(65), np.ones(65), np.arange(0), np.empty(0), np.empty(0)).cells is None


def test_the_formula_may_not_be_much_worse():
    value, error = np.ones((3, 1)), np.full((3, 1), 2.0**-40)
    full = Coefficient(value, error / 2, error / 2, np.ones(3), np.zeros((3, 1), dtype=np.int8))
    own = 2.0**-40 * np.array([100.0, 101.0, 1e-9])
    np.testing.assert_array_equal(_proved(full, error[:, 0], np.ones(3), own), [True, False, True])


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("share", [1e-3, 1e3])
def test_no_point_of_the_crowd_is_surer_than_its_scouts(monkeypatch, n, share):
    # The full scheme claims so many times the error of the formula.
    x, formula = np.linspace(1, 2, 4096), formula_of(n)
    lines, scouts = dividing(np.exp, x, True), []

    class Full:
        def coefficient(self, part, n):
            h = 2.0**-3 * np.ones(part.count)
            _, error, *_ = guides._at_once(lines, guides._positions(lines, np.arange(4096)), h, formula)
            scouts.append(share * error)
            value = np.exp(part.x)[:, None] / n
            return Coefficient(
                value, 0.25 * scouts[0][:, None], 0.75 * scouts[0][:, None], h, np.zeros(value.shape, np.int8)
            )

    monkeypatch.setattr(guides, "WORSE", 1e9)
    with np.errstate(all="ignore"):
        known = guides.guide(Full(), lines, formula, np.arange(4096))
        d = measure(formula, lines.part(known.scouts), known.step[: len(known.at)])
    np.testing.assert_array_equal(known.error, scouts[0])
    least = scouts[0] / 3 / formula.rms / d.size * known.step[: len(known.at)] ** n
    # A scout in the middle has the largest of its own and those of four neighbors and of the one before.
    noise = known.noise[3:-4]
    most = np.max([least[k : len(least) - 6 + k] for k in range(7)], axis=0)
    if share > 1:
        assert (known.step[1:-1] > 0).all() and (noise >= least[3:-3] * (1 - 1e-12)).all()
        assert (noise <= most * 4).all()
    else:
        assert (noise > 10 * most).all()


def test_sizes_and_changes_at_the_outermost_nodes():
    x, h = np.array([1.0, -1.0, 0.0]), np.array([0.5, 0.25, 1.0])
    d = measure(formula_of(1), lines_of(lambda t: t**2 + 3, x), h)
    np.testing.assert_array_equal(d.size, [(1 + 2.5) ** 2 + 3, 2.25**2 + 3, 28])
    np.testing.assert_array_equal(d.change, [3.5**2 - 1, 2.25**2 - 1, 25])


@pytest.mark.parametrize("sign", [1, -1])
def test_octaves_count_the_bits(sign):
    at = np.sort(sign * np.logspace(-3, 4, 300))
    known = Guide(at, np.ones(301), np.ones(301), np.arange(0), np.empty(0), np.empty(0))
    cells = Octaves(known)
    low, high = (int(np.array(abs(end)).view(np.int64)) for end in (at[0], at[-1]))
    shift = (abs(high - low) // 2047).bit_length()
    assert (cells.sign, cells.shift, cells.origin, cells.top) == (
        sign,
        shift,
        min(low, high),
        abs(high - low) >> shift,
    )
    bits = np.abs(at).view(np.int64) - min(low, high)
    expected = bits >> shift if sign > 0 else cells.top - (bits >> shift)
    np.testing.assert_array_equal(cells.place(at), expected)
    assert cells.place(at)[0] == 0 and 1023 <= cells.place(at)[-1] <= 2047
    assert not Octaves.suits(np.array([0.0, 1.0])) and not Octaves.suits(np.array([-1.0, 0.0]))
    assert not Octaves.suits(np.array([1.0, 1.0])) and not Octaves.suits(at.astype(np.float32))
    assert Octaves.suits(np.array([1.0, 2.0])) and Octaves.suits(np.array([-2.0, -1.0]))


def test_as_many_octaves_as_cells():
    # 2047 units of 2^k bits take coarser cells, of which they fill half; one bit less still fits.
    for k, less, cell in ((40, 0, 1023), (44, 0, 1023), (40, 1, 2046), (44, 1, 2046)):
        one = int(np.array(1.0).view(np.int64))
        at = np.array([one, one + 2047 * 2**k - less]).view(np.float64)
        cells = Octaves(Guide(at, np.ones(3), np.ones(3), np.arange(0), np.empty(0), np.empty(0)))
        assert cells.shift == k + 1 - less and cells.place(at)[1] == cell == cells.top


def test_cells_of_equal_width():
    at = np.linspace(-3, 5, 50)
    cells = Cells(Guide(at, np.ones(51), np.ones(51), np.arange(0), np.empty(0), np.empty(0)))
    assert cells.scale == 2047 / 8 and (cells.low, cells.high) == (-3, 5)
    np.testing.assert_array_equal(cells.place(np.array([-3.0, 1.0, 5.0])), [0, 1023, 2047])
    assert Cells.suits(at) and not Cells.suits(at[:1]) and not Cells.suits(np.array([-INF, 1.0]))


@pytest.mark.parametrize("kind", [Cells, Octaves])
def test_a_cell_holds_what_is_safe_on_the_intervals_in_it_and_no_others(kind):
    rng = np.random.default_rng(7)
    # Some cells hold several scouts, most none.
    at = np.sort(np.append(rng.uniform(1, 9, 60), [3 + 1e-4, 3 + 2e-4, 1.0, 9.0]))
    step, noise = rng.random((2, len(at) + 1))
    cells = kind(Guide(at, step, noise, np.arange(0), np.empty(0), np.empty(0)))
    places = cells.place(at)
    for cell in range(places[-1] + 1):
        # From the interval of the last scout before the cell to that of the first one behind it.
        first, last = np.count_nonzero(places < cell), np.count_nonzero(places <= cell)
        inside = slice(first, min(last, len(at) - 1) + 1)
        assert cells.step[cell] == step[inside].min() and cells.noise[cell] == noise[inside].max()


def test_scouts_are_one_in_sixteen_and_both_ends():
    lines = dividing(np.exp, np.linspace(1, 2, 79), False)
    # Four in 79: the parts 0, 0.618, 0.236 and 0.854 of all.
    np.testing.assert_array_equal(_positions(lines, np.arange(79)), [0, 18, 48, 67, 78])
    # Of the usable ones alone, 1, 3, 5, …, every other one.
    np.testing.assert_array_equal(_positions(lines, np.arange(1, 79, 2)), [1, 19, 49, 67, 77])


def test_scouts_at_one_point_stay_in_order():
    # Which points count as neighbors must not depend on how a machine sorts.
    lines = dividing(np.exp, np.repeat([2.0, 1.0], 800), False)
    index = _positions(lines, np.arange(1600))
    assert len(index) > 90
    np.testing.assert_array_equal(index, sorted(index, key=lambda k: (k < 800, k)))


def test_limits_of_scouts_belong_to_what_is_allowed():
    h = 2.0**-40
    part = lines_of(np.sin, np.ones(2), (1 - np.array([5, 4.9]) * h, 2)).part(slice(None))
    np.testing.assert_array_equal(_allowed(part, formula_of(1), np.full(2, h)), [True, False])
    # Both errors together; and a hundred times that of the full scheme.
    unit = 2.0**-40
    one, error, status = np.ones((4, 1)), np.full((4, 1), unit / 2), np.zeros((4, 1), dtype=np.int8)
    full = Coefficient(one, error, error, np.ones(4), status)
    value = 1 + np.array([2 * unit, 2 * unit + EPS, 0, 0])
    own = np.array([unit, unit, 100 * unit, 100 * unit + EPS])
    np.testing.assert_array_equal(_proved(full, 2 * error[:, 0], value, own), [True, False, True, False])


@pytest.mark.parametrize(("apart", "contradicts"), [(2.0**-9, False), (2.0**-9 + EPS, True), (-1.0, True)])
def test_what_scouts_see_may_differ_by_both_errors(apart, contradicts):
    value, error = np.array([1.0]), np.array([2.0**-10])
    known = Guide(value, value, value, np.arange(1), value, error)
    assert known.contradicts(value + apart, error, np.array([True])) is contradicts
    assert not known.contradicts(value + apart, error, np.array([False]))


@pytest.mark.parametrize("lost", [9, 10, 11])
def test_a_table_must_keep_the_steps_of_most_scouts(lost):
    # 200 scouts, in cells of their own; of some the step is a fourth of that of their neighbors.
    at, step = np.linspace(0, 1, 201)[:200], np.ones(201)
    step[-1] = 0
    inside = np.arange(3, 3 + 2 * lost, 2)
    step[inside] = 0.25
    known = Guide(at, step, np.zeros(201), np.arange(0), np.empty(0), np.empty(0))
    same = Cells(known).step[Cells(known).place(at)] >= step[:200] / 2
    kept = np.count_nonzero(same) >= 0.95 * 200
    assert (known.cells is None) != (kept or Octaves.suits(at))
