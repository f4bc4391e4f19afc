"""Adaptive on functions of very many outputs."""

from dataclasses import replace

import numpy as np
import pytest

import calcml as cm
from calcml._function import Function
from calcml._lines import Excerpt, PointLines, axes
from calcml._parameters import flatten
from calcml.schemes import Adaptive
from calcml.schemes import _adaptive_outputs as outputs_module
from calcml.schemes._adaptive_extrapolation import first_grid
from calcml.schemes._adaptive_fan import Symmetric
from calcml.schemes._adaptive_found import Found
from calcml.schemes._adaptive_tableau import extrapolate
from calcml.testing import honest

M = 3000
K = np.arange(M)


def lines_of(f, x, bounds=None):
    flat, structure = flatten(np.atleast_1d(np.asarray(x, float)))
    limits = None if bounds is None else tuple(np.broadcast_to(b, flat.shape).astype(float) for b in bounds)
    lines = PointLines(Function(f, structure), flat, axes(flat.size), limits)
    lines.origin()
    return lines


def counted(f):
    """Return f and the list of the points at which it was called."""
    points = []

    def g(x):
        points.append(np.array(x))
        return f(x)

    return g, points


def test_every_output_is_as_good_as_alone():
    rates = np.linspace(0.5, 2, M)
    estimate = cm.estimate_jacobian(lambda x: np.sin(rates * x[0]), [0.5])
    exact = rates * np.cos(0.5 * rates)
    assert estimate.success and estimate.value.shape == (M, 1)
    # Rounding of f, 1e-16, by the step of an eighth of the length: fifteen digits, two to spare.
    np.testing.assert_allclose(estimate.value[:, 0], exact, rtol=1e-13)
    assert honest(estimate.error[:, 0], estimate.value[:, 0], exact).all()
    np.testing.assert_array_equal(estimate.error, estimate.truncation + estimate.noise)


def test_evaluations_are_those_of_the_sample_and_one_tableau():
    f, points = counted(lambda x: np.exp(x[0] + K / M))
    few, _ = counted(lambda x: np.exp(x[0] + K[:500] / M))
    estimate = cm.estimate_jacobian(f, [0.5])
    alone = cm.estimate_jacobian(few, [0.5])
    # Seven nodes on both sides more than for a function that is looked at as a whole.
    assert estimate.nfev == len(points) == alone.nfev + 14
    np.testing.assert_allclose(estimate.step, alone.step)


def test_outputs_of_other_units_and_none_at_all():
    units = 10.0 ** np.linspace(-100, 100, M)
    still = K % 3 == 0
    estimate = cm.estimate_jacobian(lambda x: np.where(still, 5.0, units * np.exp(x[0])), [1.0])
    assert estimate.success
    np.testing.assert_array_equal(estimate.value[still], 0)
    np.testing.assert_allclose(estimate.value[~still, 0], units[~still] * np.e, rtol=1e-13)


def test_outputs_that_bend_on_another_scale_are_looked_at_alone():
    # A few outputs that the sample does not hold oscillate within its step.
    sample = outputs_module._sample(np.zeros(M))
    fast = np.setdiff1d(K, sample)[:5]
    f, points = counted(lambda x: np.where(np.isin(K, fast), np.sin(1e4 * x[0] + K), np.sin(x[0] + K)))
    estimate = cm.estimate_jacobian(f, [0.5])
    exact = np.where(np.isin(K, fast), 1e4 * np.cos(5e3 + K), np.cos(0.5 + K))
    assert estimate.success
    # The argument 5000 is rounded to 5e-13, which is what noise leaves of these five.
    np.testing.assert_allclose(estimate.value[:, 0], exact, rtol=1e-8, atol=1e-12)
    assert len(points) == estimate.nfev > 50


def test_outputs_that_are_not_finite():
    lost = K % 7 == 0
    with np.errstate(all="ignore"):
        estimate = cm.estimate_jacobian(lambda x: np.where(lost, np.nan, np.cos(x[0] + K)), [0.5])
    assert np.isnan(estimate.value[lost]).all()
    assert (estimate.status[lost] == cm.Status.NON_FINITE).all()
    assert (estimate.status[~lost] == cm.Status.OK).all()
    np.testing.assert_allclose(estimate.value[~lost, 0], -np.sin(0.5 + K[~lost]), atol=1e-12)


def test_nothing_finite_costs_one_look():
    estimate = cm.estimate_jacobian(lambda x: np.full(M, np.nan), [0.5])
    assert np.isnan(estimate.value).all() and estimate.nfev == 1


@pytest.mark.parametrize(("lower", "upper"), [(0.5, 2.0), (-1.0, 0.5), (0.5 - 1e-9, 2.0)])
def test_a_bound_at_the_point_leaves_one_side(lower, upper):
    f, points = counted(lambda x: np.exp(x[0] * K / M))
    estimate = cm.estimate_jacobian(f, [0.5], bounds=(lower, upper))
    assert min(points) >= lower and max(points) <= upper
    exact = K / M * np.exp(0.5 * K / M)
    # On one side every power of the step is in the series: ten digits.
    np.testing.assert_allclose(estimate.value[:, 0], exact, atol=1e-10)
    assert honest(estimate.error[:, 0], estimate.value[:, 0], exact).all()


def test_several_lines_and_second_derivatives():
    rates = np.linspace(0.5, 1.5, M)

    def f(x):
        return np.exp(rates * x[0]) * np.sin(x[1])

    x = np.array([0.3, 0.7])
    jacobian = cm.jacobian(f, x)
    e = np.exp(rates * x[0])
    np.testing.assert_allclose(jacobian[:, 0], rates * e * np.sin(0.7), rtol=1e-12)
    np.testing.assert_allclose(jacobian[:, 1], e * np.cos(0.7), rtol=1e-12)
    c = Adaptive().coefficient(lines_of(f, x), 2)
    np.testing.assert_allclose(2 * c.value[0], rates**2 * e * np.sin(0.7), rtol=1e-9)
    assert (c.status == cm.Status.OK).all()


def test_noise_is_not_mistaken_for_a_slope():
    # Rounded to 1e-8, at random places: each output has steps of its own.
    def f(x):
        return np.round(np.sin(x[0] + K) / 1e-8 + 0.3 * np.sin(K)) * 1e-8

    estimate = cm.estimate_jacobian(f, [0.5])
    exact = np.cos(0.5 + K)
    off = np.abs(estimate.value[:, 0] - exact)
    # Half a step of noise over steps of about one tenth.
    assert np.median(off) < 1e-6
    assert (off <= estimate.error[:, 0]).mean() > 0.98


def some_outputs(x):
    """Return outputs of many kinds: smooth, at rest, lost, noisy, and fast ones."""
    k = np.arange(23)
    values = (1 + k) * np.exp((0.5 + k / 20) * x)
    values[3], values[7] = 5.0, np.nan
    values[11] += 1e-7 * np.sin(1e9 * x)
    values[19] = np.sin(90 * x)
    # Of a change of exactly 1 per unit.
    values[21] = x
    return values


def first_of(monkeypatch, n, level, hidden, guide=None):
    """Return the first results on a line, and what goes into them."""
    monkeypatch.setattr(outputs_module, "BLOCK", 10)
    lines = lines_of(lambda x: some_outputs(float(x[0])), 0.7)
    sample = np.array([0, 5, 10, 15, 20])
    guide = guide or Adaptive().coefficient(Excerpt(lines, np.arange(1), sample), n)
    claims = []
    monkeypatch.setattr(outputs_module, "_level", lambda guide: level)
    monkeypatch.setattr(outputs_module, "_hidden", lambda *parts: claims.append(parts) or hidden)
    found, rest = outputs_module._first(lines, np.arange(1), guide, sample, n, 7)
    return lines, guide, sample, found, rest, claims


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize(("n", "level"), [(1, 1e-9), (2, 1e-6), (3, 1e-3)])
def test_first_results_number_by_number(monkeypatch, n, level, share):
    hidden = share * level
    lines, guide, sample, found, rest, claims = first_of(monkeypatch, n, level, hidden)
    # All outputs at once, by the parts that have tests of their own.
    fan, h = Symmetric(lines, np.arange(1)), guide.step
    table = first_grid(fan, n, 7)
    values = fan.evaluate(table.nodes, h, slice(None))
    wanted, companion = fan.series(values, table.nodes, h, slice(None), n % 2 == 1)
    size = np.maximum(np.abs(values).max(axis=1), np.abs(fan.origin))
    best = Found.of(extrapolate(table, wanted, companion, 2.0**-53 * size), h, np.ones(1), n)
    change = np.abs(values - fan.origin).max(axis=(0, 1))
    unit = change / (2 * h[0]) ** n
    noise = np.fmax(best.noise, hidden * unit)
    np.testing.assert_array_equal(found.value, best.value)
    np.testing.assert_array_equal(found.truncation, best.truncation)
    np.testing.assert_allclose(found.noise, noise, rtol=1e-15)
    np.testing.assert_array_equal(found.step, h)
    sure = (best.truncation + noise <= level * np.maximum(np.abs(best.value), unit)) | (unit == 0)
    sure &= np.isfinite(best.value)
    assert found.status.dtype == np.int8 and 2 <= sure.sum() <= 21 and sure[0, 3] and not sure[0, 19]
    np.testing.assert_array_equal(found.status == cm.Status.OK, sure)
    assert (found.status[~sure] == cm.Status.NON_FINITE).all()
    assert rest.tolist() == [k for k in range(23) if not sure[0, k] and k != 7]
    ((asked, error, units),) = claims
    assert asked is guide
    np.testing.assert_array_equal(error, (best.truncation + best.noise)[:, sample])
    np.testing.assert_allclose(units, unit[:, sample], rtol=1e-15)


def test_first_results_need_room_for_the_largest_node(monkeypatch):
    _, guide, *_ = first_of(monkeypatch, 1, 1e-6, 0.0)
    for share, fits in ((1.0, True), (0.99, False)):
        room = np.array([share * 2 * guide.step[0]])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Symmetric, "room", property(lambda self, room=room: room))
            *_, found, rest, claims = first_of(monkeypatch, 1, 1e-6, 0.0, guide)
        assert bool(claims) == fits and found.step is guide.step
        if not fits:
            assert np.isnan([found.value, found.truncation, found.noise]).all()
            assert found.status.dtype == np.int8 and (found.status == cm.Status.NON_FINITE).all()
            assert rest.tolist() == [k for k in range(23) if k != 7]


def test_x_rounded_inside_f_is_noise_that_one_tableau_does_not_see():
    # At all nodes of a step that is a power of two x is off by the same distance.
    rates = np.linspace(0.5, 2, M)
    for x in (0.7, 1.3, 2.9):
        estimate = cm.estimate_jacobian(lambda x: np.sin(rates * np.float64(np.float32(x[0]))), [x])
        exact = rates * np.cos(rates * x)
        assert (np.abs(estimate.value[:, 0] - exact) <= estimate.error[:, 0]).mean() > 0.98
        assert 1e-9 < np.median(estimate.error) < 2e-5


def test_noise_that_the_sample_shows_and_the_tableau_does_not():
    def guide(error, status=0):
        error = np.array([error])
        codes = np.broadcast_to(np.array(status, dtype=np.int8), error.shape)
        return cm.schemes.Coefficient(error, error / 4, error * 3 / 4, np.ones(1), codes)

    def hidden(known, own=1.0, unit=1.0):
        own, unit = (np.broadcast_to(part, known.value.shape) for part in (own, unit))
        return outputs_module._hidden(known, own, unit)

    nine = np.full(20, 9.0)
    assert hidden(guide(nine)) == 9 and hidden(guide(nine), 1.0, 3.0) == 3
    assert hidden(guide(nine), 9 / 8) == 0 and hidden(guide(nine), 9 / 8.001) == 9
    # One of twenty is at the border: the rank of 95 % among twenty is 18.05.
    assert hidden(guide(np.append(np.ones(19), 1e3))) == pytest.approx(50.95)
    assert hidden(guide(np.append(np.ones(39), 1e3))) == 0
    # Neither what is not sure nor what no number can tell counts.
    assert hidden(guide(nine, 2)) == hidden(guide(nine), 0.0) == hidden(guide(nine), np.nan) == 0
    assert hidden(guide(nine), 1.0, 0.0) == 0
    some = np.append(np.zeros(19), 1.0)
    assert hidden(guide(nine), some) == hidden(guide(nine), 1.0, some) == 9


def test_level_without_a_good_guide():
    blank = np.full((1, 3), np.nan)
    bad = cm.schemes.Coefficient(blank, blank, blank, np.zeros(1), np.full((1, 3), 2, dtype=np.int8))
    assert outputs_module._level(bad) == outputs_module.SURE
    good = cm.schemes.Coefficient(
        np.array([[1.0, 2.0, 0.0]]),
        np.array([[1e-6, 4e-6, 0.0]]),
        np.zeros((1, 3)),
        np.ones(1),
        np.zeros((1, 3)),
    )
    # The median of 1e-6 and 2e-6, a hundred times; the zero does not count.
    assert outputs_module._level(good) == pytest.approx(1.5e-4)
    noisy = replace(good, noise=np.array([[2e-6, 0.0, 5.0]]))
    # Noise comes on top: the median of 3e-6 and 2e-6.
    assert outputs_module._level(noisy) == pytest.approx(2.5e-4)


def test_the_sample_has_no_pattern():
    sample = outputs_module._sample(np.where(K % 2 == 0, np.nan, 1.0))
    assert len(sample) <= 509 and (sample % 2 == 1).all()
    assert np.ptp(np.bincount(sample % 10, minlength=10)[1::2]) <= 10
    np.testing.assert_array_equal(outputs_module._sample(np.full(5, np.nan)), [0])


@pytest.mark.parametrize(("count", "many"), [(1023, False), (1024, True)])
def test_how_many_outputs_are_many(count, many):
    assert outputs_module.has_many_outputs(lines_of(lambda x: x[0] + np.arange(count), 1.0)) is many
    # A complex value counts twice.
    lines = lines_of(lambda x: x[0] + 1j * np.arange(count // 2 + 1), 1.0)
    assert outputs_module.has_many_outputs(lines)


def test_the_sample_reaches_everywhere():
    sample = outputs_module._sample(np.zeros(M))
    # Of n multiples of the golden ratio no two are closer than 0.38 / n, nor is any gap wider than 2 / n.
    gaps = np.diff(np.append(sample, M))
    assert len(sample) == outputs_module.TOGETHER and sample[0] == 0
    assert gaps.min() >= 0.38 * M / len(sample) - 1 and gaps.max() <= 2 * M / len(sample) + 1


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("factor", [1, np.nan])
def test_results_are_as_wide_as_x_or_a_double(kind, factor):
    rates, x = np.linspace(0.5, 2, M).astype(kind), np.array([0.5], kind)
    lines = PointLines(Function(lambda x: kind(factor) * np.sin(rates * x[0]), None), x, axes(1), None)
    c = Adaptive().coefficient(lines, 1)
    wide = np.result_type(kind, float)
    assert c.value.dtype == c.truncation.dtype == c.noise.dtype == wide and c.status.dtype == np.int8
    if factor == 1:
        # One to two digits less than x has.
        assert np.median(np.abs(c.value[0] - rates * np.cos(rates * x))) < 100 * np.finfo(kind).eps


def test_an_excerpt_is_the_same_lines():
    whole = lines_of(lambda x: np.array([x[0], x[1] ** 2, x[0] * x[1], 7.0]), [2.0, 3.0], (-10.0, 20.0))
    part = Excerpt(whole, np.array([1]), np.array([1, 2]))
    assert part.count == 1 and part.outputs == 2 and part._entries() == 2
    np.testing.assert_array_equal(part.origin(), [[9, 6]])
    np.testing.assert_array_equal(part.evaluate([[1.0], [-1.0]]), [[[16, 8]], [[4, 4]]])
    np.testing.assert_array_equal(part.evaluate([2.0], np.array([0])), [[25, 10]])
    assert part.size == 3 and part.lower == -13 and part.upper == 17 and part.reach == 1
    assert part.spread(np.array([5.0, 6.0])) == 6 and part.x_shape == (2,)
    assert part.representable(0.1) == (3 + 0.1) - 3
    (lines, slopes), *rest = part.probes(np.array([[1.0, 2.0]]))
    assert lines is part and slopes.shape == (1, 2) and not rest
