"""The looks at many lines at once: what they find, when they are believed, what is left to the search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines, PointLines, axes
from calcml._status import Status
from calcml.errors import EvaluationError
from calcml.schemes import _adaptive_survey, adaptive
from calcml.schemes._adaptive_fan import Symmetric
from calcml.schemes._adaptive_found import Found
from calcml.schemes._adaptive_steps import ASIDE, Q_WANTED
from calcml.schemes._adaptive_survey import BESIDE, FEWEST, NODES, STEPS, suits, survey
from calcml.schemes.adaptive import Adaptive

EPS = np.finfo(float).eps
# How far, next to 1, a node is from where it would divide its octave evenly.
BETWEEN = 2.0**-5 / np.pi


def lines_of(f, x, bounds=None):
    x = np.asarray(x, dtype=float)
    return ElementwiseLines(Function(f, None), x, bounds)


def surveyed(lines, n=1, index=None, levels=7):
    """Return what the survey enters, and the lines that it leaves."""
    with np.errstate(all="ignore"):
        found = Found.empty(lines.origin())
        index = np.arange(lines.count) if index is None else index
        return found, survey(lines, index, n, levels, found)


def first_look(f, x):
    with np.errstate(all="ignore"):
        fan = Symmetric(lines_of(f, x), np.arange(len(x)))
        fan.lines.origin()
        unit = _adaptive_survey._unit(fan)
        values = fan.evaluate(NODES, unit, slice(None))
        return unit, _adaptive_survey._first_look(fan, unit, values)


SMOOTH = [
    (np.sin, np.cos, lambda x: -np.sin(x), np.linspace(0, 10, 101)),
    (np.sin, np.cos, lambda x: -np.sin(x), np.linspace(0, 100, 101)),
    (np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.linspace(-1, 1, 101)),
    (
        np.tanh,
        lambda x: 1 / np.cosh(x) ** 2,
        lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2,
        np.linspace(-3, 3, 50),
    ),
    (np.log, lambda x: 1 / x, lambda x: -1 / x**2, np.logspace(-8, 0, 101)),
    (np.sqrt, lambda x: 0.5 / np.sqrt(x), lambda x: -0.25 / x**1.5, np.linspace(0.02, 1, 50)),
    (np.exp, np.exp, np.exp, np.linspace(-5, 5, 7)),
    (
        lambda x: 1 / (1 + 25 * x**2),
        lambda x: -50 * x / (1 + 25 * x**2) ** 2,
        lambda x: 50 * (75 * x**2 - 1) / (1 + 25 * x**2) ** 3,
        np.linspace(-1, 1, 101),
    ),
]


@pytest.mark.parametrize(("f", "first", "second", "x"), SMOOTH)
@pytest.mark.parametrize("n", [1, 2])
def test_smooth_functions_are_answered_at_one_look_or_two(f, first, second, x, n):
    found, rest = surveyed(lines_of(f, x), n)
    done = np.setdiff1d(np.arange(len(x)), rest)
    # Where the first derivative has an answer at every point, the second has one nearly everywhere.
    assert len(rest) <= (0 if n == 1 else len(x) // 20)
    exact = (first, lambda x: second(x) / 2)[n - 1](x)
    error = np.abs(found.value[:, 0] - exact)[done]
    scale = np.abs(exact) + np.abs(first(x)) + np.abs(second(x)) * (0.1 if n == 1 else 1)
    assert (error <= (found.error[:, 0] + 2 * EPS * np.abs(exact))[done]).all()
    assert (error <= (1e-11, 1e-9)[n - 1] * scale[done]).all()


@pytest.mark.parametrize(("f", "looks"), [(np.exp, 1), (lambda x: np.exp(64 * x), 2)])
def test_what_it_asks_for(f, looks):
    seen = []

    def watched(x):
        seen.append(x.copy())
        return f(x)

    x = np.array([1.0, 2.0, 3.0, 5.0])
    lines = lines_of(watched, x)
    lines.origin()
    seen.clear()
    found, rest = surveyed(lines)
    assert not len(rest) and len(seen) == 2 * (9 + 2) + (0 if looks == 1 else 2 * 10)
    moves = np.abs(np.array(seen) - x)
    units = ASIDE * np.array([1.0, 2.0, 2.0, 4.0])
    # The lines take turns, so as to show that f is elementwise.
    for k, unit in enumerate(units):
        first = np.sort(np.repeat([*(STEPS * unit), *(BESIDE * unit)], 2))
        np.testing.assert_allclose(np.sort(moves[:22, k]), first, rtol=0, atol=2 * EPS * x[k])
    step = found.step
    np.testing.assert_array_equal(step, ASIDE * np.exp2(np.round(np.log2(step / ASIDE))))
    if looks == 1:
        np.testing.assert_array_equal(step, units / 4)
        return
    # (h / L)² is what the search wants, to the nearest power of two: for exp(64 x), L² = 6 / 64².
    np.testing.assert_allclose(step, np.sqrt(6 * Q_WANTED) / 64, rtol=0.45)
    for k in range(4):
        octave = [2, 1.5 + 2 * BETWEEN]
        expected = np.sort(np.repeat((STEPS[0] * 2 * 2.0 ** -np.arange(5)[:, None] * octave).ravel(), 2))
        np.testing.assert_allclose(np.sort(moves[22:, k]), step[k] * expected, rtol=0, atol=2 * EPS * x[k])


def test_all_that_it_does_not_suit():
    x = np.ones(FEWEST)
    assert suits(lines_of(np.exp, x), 1) and suits(lines_of(np.exp, x), 2)
    assert not suits(lines_of(np.exp, x), 3)
    lines = lines_of(np.exp, x[1:])
    assert len(surveyed(lines)[1]) == FEWEST - 1 and lines.function.nfev == 1
    for dtype in (np.float32, np.longdouble):
        lines = ElementwiseLines(Function(np.exp, None), x.astype(dtype))
        lines.origin()
        assert not suits(lines, 1)
    single = ElementwiseLines(Function(lambda x: np.float32(np.exp(x)), None), x)
    single.origin()
    assert not suits(single, 1)
    for vectorized in (False, True):
        function = Function(lambda x: (x**2).sum(axis=0), None, vectorized=vectorized)
        assert suits(PointLines(function, x, axes(FEWEST)), 1) == vectorized


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sin(x.astype(np.float32)).astype(float),
        lambda x: np.round(np.exp(x), 3),
        lambda x: np.exp(x.astype(np.float16)).astype(float),
        lambda x: 1e12 + np.sin(x),
        lambda x: np.sin(x) + 1e-9 * np.sin(1e15 * x),
        lambda x: np.full(x.shape, 3.0),
        lambda x: x**2 + 1e-6 * np.sin(x * 1e6),
        lambda x: np.sin(8192 * x),
    ],
)
def test_whatever_is_out_of_the_ordinary_is_left_to_the_search(f):
    x = np.array([1.7, 1.5, 1.6, 1.5 + 1e-9])
    found, rest = surveyed(lines_of(f, x))
    assert rest.tolist() == [0, 1, 2, 3] and np.isnan(found.value).all()


@pytest.mark.parametrize(
    ("f", "slope", "edge"),
    [
        (lambda x: np.abs(x - 1.5) + x, lambda x: np.sign(x - 1.5) + 1, [1, 3]),
        (lambda x: np.where(x > 1.7, np.nan, x**2), lambda x: 2 * x, [0]),
    ],
)
def test_an_edge_at_some_distance(f, slope, edge):
    x = np.array([1.7, 1.5, 1.6, 1.5 + 1e-9, 1.69])
    found, rest = surveyed(lines_of(f, x))
    done = np.setdiff1d(np.arange(5), rest)
    assert 2 in done and set(edge) <= set(rest.tolist())
    assert (np.abs(found.value[:, 0] - slope(x)) <= found.error[:, 0])[done].all()


def test_a_rounded_x_shows_as_noise():
    # Where 1 + x rounds all points alike, f is smooth with a slope that is off by up to 1e-8.
    x = np.logspace(-4.5, -2.5, 200)
    k = np.arange(1, 12)
    exact = ((-1.0) ** k * k / (k + 1) * x[:, None] ** (k - 1)).sum(axis=1)
    estimate = cm.estimate_derivative(lambda x: np.log(1 + x) / x, x)
    assert (np.abs(estimate.value - exact) <= estimate.error).all()


def test_a_plateau_beside_a_maximum():
    # In half precision cos is 1 next to 0, at all nodes of the tableau: its derivative is not 0 for sure.
    x = np.array([0.012, 0.0123, 0.0126, 0.013])
    f = lambda x: np.cos(x.astype(np.float16)).astype(float)
    assert len(surveyed(lines_of(f, x))[1]) == 4
    estimate = cm.estimate_derivative(f, x)
    assert (np.abs(estimate.value + np.sin(x)) <= estimate.error).all()


def test_a_peak_that_no_node_meets_shows_beside_x():
    # Next to a peak of width 1e-4 there is only its tail, of a thousand units of rounding.
    x = 2 + 5.3e-4 + np.linspace(0, 1e-5, 8)
    peak = lambda x: np.exp(-(((x - 2) * 1e4) ** 2))
    found, rest = surveyed(lines_of(lambda x: np.sin(x) + peak(x), x))
    exact = np.cos(x) - 2e8 * (x - 2) * peak(x)
    done = np.setdiff1d(np.arange(8), rest)
    assert (np.abs(found.value[:, 0] - exact) <= found.error[:, 0] + 1e-9)[done].all()
    assert 0 in rest


def test_f_that_refuses_to_go_so_far():
    def f(x):
        if np.any(np.abs(x - 1.5) > 0.6):
            raise ValueError("too far")
        return np.sin(50 * x)

    x = np.linspace(1, 2, 20)
    assert len(surveyed(lines_of(f, x))[1]) == 20
    np.testing.assert_allclose(cm.derivative(f, x), 50 * np.cos(50 * x), rtol=1e-9)

    def never(x):
        raise ValueError("at all")

    with pytest.raises(ValueError, match="at all"):
        cm.derivative(never, x)


def test_columns_that_know_of_each_other_show_at_long_steps():
    def f(v):
        return (v * v.mean(axis=-1, keepdims=True)).sum(axis=0)

    for x in (np.arange(5.0), np.arange(1.0, 6.0)):
        with pytest.raises(EvaluationError, match="each column of f must depend on its own column"):
            cm.gradient(f, x, vectorized=True)

    # But what is complex so far from x may be real where the search goes.
    def smooth(v):
        return np.emath.sqrt(v - 0.7).sum(axis=0)

    x = np.linspace(1.0, 1.1, 6)
    np.testing.assert_allclose(cm.gradient(smooth, x, vectorized=True), 0.5 / np.sqrt(x - 0.7), rtol=1e-9)


def test_no_point_of_one_sign_is_moved_across_zero():
    seen = []

    def f(x):
        seen.append(x.copy())
        return np.log(x)

    x = np.concatenate([np.linspace(1, 9, 17), np.logspace(-9, -1, 9)])
    _, rest = surveyed(lines_of(f, x))
    assert not len(rest) and np.min(seen) > 0
    seen.clear()
    surveyed(lines_of(lambda x: f(-x), -x))
    assert np.min(seen) > 0


def test_points_between_others_are_looked_at_from_afar():
    unit, first = first_look(np.sin, np.append(np.linspace(-1, 1, 101), 1e-9))
    assert unit[50] == unit[101] == ASIDE / 2 and first.lawful.all()
    # Where x is 0 and at the end of all, their distance is all there is.
    unit, _ = first_look(np.sin, np.linspace(0, 10, 101))
    assert unit[0] == ASIDE * 2.0**-4
    unit, _ = first_look(np.sin, np.zeros(5))
    assert (unit == ASIDE).all()


def test_a_length_that_chance_makes_too_long():
    # The third derivative of erf is 0 at √½: alone, such a point would be given too long a step.
    from scipy.special import erf

    x = np.linspace(0.6, 0.8, 21)
    _, many = first_look(erf, x)
    alone = np.array([first_look(erf, np.array([t]))[1].step[0] for t in x])
    assert (many.step <= alone).all() and alone.max() > many.step.max()
    assert (many.step >= alone / 4).all()


@given(st.floats(-8, 8), st.floats(-8, 8), st.integers(1, 2))
def test_units_of_x_and_f_do_not_matter(power, size, n):
    s, a = 2.0 ** round(power * 3.3), 2.0 ** round(size * 3.3)
    x = np.linspace(0.5, 3, 20)
    f = lambda x: np.exp(x) * np.sin(x)
    here, rest = surveyed(lines_of(f, x), n)
    there, left = surveyed(lines_of(lambda x: a * f(x / s), s * x), n)
    np.testing.assert_array_equal(rest, left)
    np.testing.assert_array_equal(there.value, here.value * a / s**n)
    np.testing.assert_array_equal(there.step, here.step * s)


def test_bounds_are_kept_and_lines_without_room_left():
    seen = []

    def f(x):
        seen.append(x.copy())
        return np.sqrt(x)

    x = np.array([1.0, 2.0, 1e-3, 3.0, 4.0, 5.0])
    limits = np.array([0.2, 0.0, 0.9e-3, 0.0, 3.9, 0.0]), np.full(6, 9.0)
    _, rest = surveyed(lines_of(f, x, limits))
    assert rest.tolist() == [2, 4]
    assert (np.array(seen) >= limits[0]).all()
    c = Adaptive().coefficient(lines_of(f, x, limits), 1)
    np.testing.assert_allclose(c.value[:, 0], 0.5 / np.sqrt(x), rtol=1e-9)
    assert (np.array(seen) >= limits[0]).all() and (c.status == Status.OK).all()


def test_some_lines_alone():
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    index = np.array([1, 3, 4, 5])
    found, rest = surveyed(lines_of(np.exp, x), index=index)
    assert not len(rest) and np.isnan(found.value[[0, 2]]).all()
    np.testing.assert_allclose(found.value[index, 0], np.exp(x[index]), rtol=1e-12)


def test_f_gets_no_point_that_is_no_number():
    seen = []

    def f(x):
        seen.append(x.copy())
        return np.where(x > 2, np.nan, 0 * x) + np.where(x < 1, np.inf, x**2)

    x = np.array([0.5, 1.0, 1.5, 2.0, 2.5, 1e-3, 1.7])
    surveyed(lines_of(f, x))
    surveyed(lines_of(lambda x: f(x) * 0, x))
    assert all(np.isfinite(points).all() for points in seen)
    seen.clear()
    surveyed(lines_of(lambda x: seen.append(x.copy()) or x, np.full(5, 1e149)))
    assert len(seen) == 23 and all(np.isfinite(points).all() for points in seen)
    seen.clear()
    lines = lines_of(lambda x: seen.append(x.copy()) or x, np.full(5, 1e151))
    assert len(surveyed(lines)[1]) == 5 and len(seen) == 1


def test_no_line_at_all():
    lines = lines_of(np.exp, np.full(5, np.inf))
    found, rest = surveyed(lines, index=np.arange(0))
    assert not len(rest) and np.isnan(found.value).all() and lines.function.nfev == 1


def test_only_the_others_are_searched(monkeypatch):
    asked = []
    few = adaptive.few_lines
    monkeypatch.setattr(
        adaptive, "few_lines", lambda lines, index, *a: asked.append(index.tolist()) or few(lines, index, *a)
    )
    x = np.array([1.0, 2.0, 1.0001, 3.0, 4.0, np.nan])
    f = lambda x: np.abs(x - 1) + np.exp(x)
    c = Adaptive().coefficient(lines_of(f, x), 1)
    assert asked == [[0, 2]]
    np.testing.assert_allclose(c.value[1:5, 0], 1 + np.exp(x[1:5]), rtol=1e-9)
    assert c.status[:, 0].tolist()[1:] == [Status.OK] * 4 + [Status.NON_FINITE]


def test_outputs_of_a_line_share_its_step():
    x = np.linspace(0.5, 1.5, 6)
    A = np.random.default_rng(0).normal(size=(4, 6))
    f = lambda v: np.tanh(A @ v)
    J = (1 - np.tanh(A @ x) ** 2)[:, None] * A
    estimate = cm.estimate_jacobian(f, x, vectorized=True)
    assert (np.abs(estimate.value - J) <= estimate.error).all()
    assert estimate.nfev == 1 + 6 * 2 * (9 + 2) + 1 and estimate.success
    np.testing.assert_allclose(estimate.value, J, rtol=1e-11, atol=1e-14)


def test_hessians_of_a_batch():
    x = np.linspace(0.5, 1.5, 7)
    f = lambda v: np.exp(v[:3].sum(axis=0)) + (v[3:] ** 4).sum(axis=0)
    H = np.diag(12 * x**2)
    H[:3, :3] = np.exp(x[:3].sum())
    H[3:, :3] = H[:3, 3:] = 0
    estimate = cm.estimate_hessian(f, x, vectorized=True)
    assert (np.abs(estimate.value - H) <= estimate.error).all()
    np.testing.assert_allclose(estimate.value, H, atol=1e-7)


def test_a_straight_line_is_searched_for_curvature():
    x = np.linspace(1e-9, 1e-8, 9)
    f = lambda x: x / 2 + x**2 / 8
    found, rest = surveyed(lines_of(f, x))
    assert not len(rest)
    np.testing.assert_allclose(found.value[:, 0], 0.5 + x / 4, rtol=4e-15)
    assert len(surveyed(lines_of(f, x), 2)[1]) == 9
    second = cm.derivative(f, x, 2)
    np.testing.assert_allclose(second, 0.25, rtol=1e-5)


def test_more_levels_are_more_nodes():
    for levels, count in ((4, 7), (12, 15)):
        function = Function(lambda x: np.exp(64 * x), None)
        lines = ElementwiseLines(function, np.array([1.0, 2.0, 3.0, 4.0]))
        surveyed(lines, levels=levels)
        assert function.nfev == 1 + 2 * (9 + 2 + count)
        # Two evaluations more show that f is elementwise.
        estimate = cm.estimate_derivative(function.call.f, lines.x, scheme=Adaptive(levels=levels))
        assert estimate.nfev == 3 + 2 * (9 + 2 + count)


def test_lines_in_another_order_are_no_shortcut():
    x = np.array([1.0, 2.0, 3.0, 4.0])
    lines, nodes, step = lines_of(np.exp, x), np.array([2.0, 1.0]), np.array([0.5, 0.25, 0.125, 1.0])
    for index in (np.array([3, 2, 1, 0]), np.array([1, 0, 3, 2]), np.arange(4)):
        fan = Symmetric(lines, index)
        t = fan.distances(nodes, step, slice(None))
        np.testing.assert_array_equal(t[:, 0], nodes[:, None] * step)
        values = fan.evaluate(nodes, step, slice(None))[..., 0]
        np.testing.assert_array_equal(values, np.exp(x[index] + t))
