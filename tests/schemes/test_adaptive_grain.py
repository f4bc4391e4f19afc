"""Values of f on a grid: they are found out, and neither smooth nor noisy values are taken for some."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.schemes import _adaptive_extrapolation, adaptive
from calcml.schemes._adaptive_extrapolation import Extrapolation
from calcml.schemes._adaptive_fan import Symmetric
from calcml.schemes._adaptive_grain import BENT, SAME, half_spacing, has_grain
from calcml.schemes._adaptive_search import Search
from calcml.testing import honest

EPS, INF = 2.0**-52, math.inf
NODES = np.array([2.0, 1.5, 1.0, 0.75, 0.5, 0.375, 0.25])
UNIT = 3731 / 2**12


@np.errstate(all="ignore")
def spacing(f, x, step):
    """Return what both ways say of f at the nodes; they must agree."""
    t = UNIT * step * NODES
    f0 = f(x)
    values = np.array([[f(x + t), f(x - t)]]).transpose(2, 1, 0)[..., None]
    rounding = EPS / 2 * max(np.abs(values).max(), abs(f0))
    found = half_spacing(values, NODES, np.array([[f0]]), np.array([[rounding]]))
    assert found.shape == (1, 1)
    ahead, behind = (values[:, :, 0, 0] - f0).T.tolist()
    assert has_grain(ahead, behind, NODES.tolist(), rounding) == (found[0, 0] > 0)
    return found[0, 0]


@pytest.mark.parametrize("decimals", range(1, 10))
@pytest.mark.parametrize("quanta", [6.3, 12.1, 23.0])
@pytest.mark.parametrize("g", [np.sin, np.exp, lambda x: x**3 - x, lambda x: 1 / (1 + x * x)])
def test_values_rounded_to_decimals(g, quanta, decimals):
    width = 10.0**-decimals
    found = [spacing(lambda x: np.round(g(x), decimals), x, quanta * width) for x in np.linspace(0.2, 1, 30)]
    # Where f is next to linear, or moves by one step of the grid alone, nothing tells.
    assert np.mean(np.array(found) > 0) > 0.5
    np.testing.assert_allclose([half for half in found if half > 0], width / 2, rtol=1e-5)


def test_single_precision():
    f = lambda x: np.sin(x).astype(np.float32).astype(float)
    found = np.array([spacing(f, x, 3e-7) for x in np.linspace(0.6, 0.7, 30)])
    np.testing.assert_allclose(found[found > 0], 2.0**-25, rtol=1e-9)
    assert (found > 0).mean() > 0.5


smooth = st.sampled_from(
    [
        np.sin,
        np.exp,
        np.cosh,
        np.abs,
        lambda x: x,
        lambda x: 3 * x + 1,
        lambda x: x * x,
        lambda x: x * x + x,
        lambda x: x**3 - 2 * x,
        lambda x: x * np.abs(x),
        lambda x: np.maximum(x, 0),
        lambda x: np.maximum(x, x / 4),
        lambda x: np.abs(x - 1) + x,
        lambda x: x**4,
        lambda x: 0 * x,
        lambda x: 1e10 + x,
        lambda x: np.sqrt(np.abs(x)),
        lambda x: np.abs(x) ** 1.5,
    ]
)


@given(
    f=smooth,
    x=st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.5]), st.floats(-10, 10)),
    octave=st.integers(-26, 2),
    scale=st.sampled_from([1.0, 1e-100, 1e100, 3.7]),
)
def test_smooth_and_kinked_functions_have_none(f, x, octave, scale):
    assert spacing(lambda t: scale * f(np.asarray(t)), x, 2.0**octave) == 0


@given(seed=st.integers(0, 10**6), size=st.floats(1e-14, 1e-2), slope=st.floats(-2, 2))
def test_noise_has_none(seed, size, slope):
    rng = np.random.default_rng(seed)
    f = lambda x: slope * np.asarray(x) + size * rng.standard_normal(np.shape(x))
    assert spacing(f, 1.0, 1e-3) == 0


@np.errstate(all="ignore")
def both(change, rounding):
    """Return what both ways say of given changes."""
    found = half_spacing(change[:, :, None, None], NODES, np.zeros((1, 1)), np.full((1, 1), rounding))
    ahead, behind = change.T.tolist()
    assert has_grain(ahead, behind, NODES.tolist(), rounding) == (found[0, 0] > 0)
    return found[0, 0]


# Changes in steps of the grid, at each node on both sides.
STEPS = np.array([[16, -15], [12, -12], [8, -8], [6, -6], [4, -4], [3, -3], [2, -2]], dtype=float)


def test_a_step_is_64_times_what_equal_values_may_differ_by():
    assert both(STEPS, 1 / 256) == 0.5 and both(STEPS, math.nextafter(1 / 256, 1)) == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_a_deviation_by_four_units_of_rounding_is_none(sign):
    moved = STEPS.copy()
    moved[3, 0] += sign * 4 / 512
    assert both(moved, 1 / 512) == 0.5
    moved[3, 0] += sign * 1e-9
    assert both(moved, 1 / 512) == 0


def test_where_f_is_linear_on_both_sides_nothing_is_proved():
    straight = np.stack([8 * NODES, -4 * NODES], axis=1)
    assert both(straight, 1e-4) == 0
    # All are multiples of 1/2.  One off the line is more than 32 units of rounding, or it is not.
    for side in (0, 1):
        bent = straight.copy()
        bent[0, side] += 1.0
        assert both(bent, 1 / 2**14) == 0.25 and both(bent, 1 / 16) == 0
    assert BENT * SAME == 32


def test_the_number_of_steps_must_be_sure():
    # Of 100 steps, each of which is uncertain by 1/256.
    for count, rounding, sure in ((16, 1 / 256, True), (17, 1 / 256, False), (64, 1 / 1024, True)):
        changes = STEPS.copy()
        changes[0] = count, 1 - count
        assert both(changes, rounding) == 0.5 * sure


@pytest.mark.parametrize("unit", [1 / 8, 1.0, 8.0])
def test_units_do_not_matter(unit):
    assert both(unit * STEPS, unit / 256) == unit / 2
    assert both(unit * STEPS, math.nextafter(unit / 256, INF)) == 0
    changes = STEPS.copy()
    changes[0] = 64, -63
    for rounding, sure in ((1 / 1024, True), (math.nextafter(1 / 1024, 1), False)):
        assert both(unit * changes, unit * rounding) == unit / 2 * sure
    # Values without any rounding.
    assert both(unit * STEPS, 0.0) == unit / 2


@pytest.mark.parametrize("side", [0, 1])
def test_one_change_that_is_no_multiple(side):
    moved = STEPS.copy()
    moved[2, side] += 1.5 * np.sign(moved[2, side])
    assert both(moved, 1e-4) == 0


def test_lines_do_not_speak_for_each_other():
    straight = np.stack([8 * NODES, -4 * NODES], axis=1)
    kinds = [STEPS, np.minimum(np.abs(STEPS), 3), straight, np.where(STEPS == 8, 9.5, STEPS)]
    change = np.stack(kinds, axis=-1)[..., None]
    with np.errstate(all="ignore"):
        found = half_spacing(change, NODES, np.zeros((4, 1)), np.full((4, 1), 1e-4))
    np.testing.assert_array_equal(found[:, 0], [0.5, 0, 0, 0])


def test_three_steps_are_jumps():
    for most in (3, 4):
        assert both(np.minimum(np.abs(STEPS), most), 1e-4) == 0.5 * (most > 3)


def test_a_jump_at_x_costs_no_more_than_that():
    f = lambda x: np.where(x < 2, 0.0, 1.0)
    estimate = cm.estimate_derivative(f, 2.0)
    assert estimate.status == cm.Status.INACCURATE and estimate.nfev < 110


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_lie_on_no_grid(bad):
    values = np.arange(14.0).reshape(7, 2, 1, 1)
    values[3, 1] = bad
    with np.errstate(all="ignore"):
        assert half_spacing(values, NODES, np.zeros((1, 1)), np.full((1, 1), EPS)) == 0


def test_lines_and_outputs_are_judged_one_by_one():
    x, t = np.array([1.0, 0.7]), UNIT * 8e-6 * NODES
    outputs = lambda x: np.stack([np.round(np.sin(x), 6), np.sin(x)], axis=-1)
    values = np.stack([outputs(x + t[:, None]), outputs(x - t[:, None])], axis=1)
    found = half_spacing(values, NODES, outputs(x), np.full((2, 2), EPS))
    np.testing.assert_allclose(found, [[5e-7, 0], [5e-7, 0]], rtol=1e-5)
    values[:, :, 1, 0] = values[:, :, 1, 1]
    np.testing.assert_allclose(half_spacing(values, NODES, outputs(x), np.full((2, 2), EPS))[0], [5e-7, 0])


def test_a_slope_between_the_steps_of_a_grid_is_not_believed():
    # 2, 3, 4, 6, 8, 12 and 17 steps of the grid were 0.132727 ± 6e-9.
    x, s = 4.849517250097743, 3.6030891819580137e-09
    estimate = cm.estimate_derivative(lambda x: np.round(np.sin(x) / s) * s, x)
    assert abs(estimate.value - np.cos(x)) <= estimate.error < 1e-5


@pytest.mark.parametrize("seed", range(3))
def test_rounded_values_one_by_one_and_many(seed):
    rng = np.random.default_rng(seed)
    x, s = rng.uniform(0.1, 6, 150), 10.0 ** rng.uniform(-9, -3, 150)
    f = lambda x, s: np.round(np.sin(x) / s) * s
    many = cm.estimate_derivative(lambda x: f(x, s), x)
    assert honest(many.error, many.value, np.cos(x)).mean() > 0.97
    some = [cm.estimate_derivative(lambda x, s=s: f(x, s), x) for x, s in zip(x[:60], s, strict=False)]
    value, error = (np.array([getattr(e, name) for e in some]) for name in ("value", "error"))
    assert honest(error, value, np.cos(x[:60])).mean() > 0.95


@pytest.mark.parametrize("n", [1, 2])
def test_rounded_values_in_narrow_bounds(n):
    # Here f moves by a few steps of its grid alone, and below them it stands still.
    rng = np.random.default_rng(1)
    x, s = rng.uniform(0.1, 6, 200), 10.0 ** rng.uniform(-9, -3, 200)
    exact = np.cos(x) if n == 1 else -np.sin(x)
    bounds = (x - 1e-3 * x, x + 2e-3 * x)
    estimate = cm.estimate_derivative(lambda x: np.round(np.sin(x) / s) * s, x, n, bounds=bounds)
    assert honest(estimate.error, estimate.value, exact).mean() > 0.95
    wrong = np.abs(estimate.value - exact) > 0.1 * np.abs(exact)
    assert (wrong & (estimate.status == cm.Status.OK)).mean() < 0.05


def test_a_kink_in_narrow_bounds_is_none():
    # Beyond the kink f moves as the step, and so does its tail.
    f = lambda x: np.maximum(x - 1.0, 0.0)
    estimate = cm.estimate_derivative(f, 1.0 - 1e-6, bounds=(0.99, 1.01))
    assert estimate.value == 0 and estimate.error < 1e-6 and estimate.success


def test_a_wave_that_is_small_beside_f_far_away():
    # At the long step that x² allows, f is a hundred times as large as at x.
    rng = np.random.default_rng(0)
    x, s = rng.uniform(0.5, 2, 200), 10.0 ** rng.uniform(-4, 0, 200)
    estimate = cm.estimate_derivative(lambda x: x * x + 1e-6 * np.sin(x / s), x)
    exact = 2 * x + 1e-6 / s * np.cos(x / s)
    assert honest(estimate.error, estimate.value, exact).mean() > 0.97


def test_lengthen(monkeypatch):
    lines = ElementwiseLines(Function(np.sin, None), np.array([1.0, 2.0, 3.0]))
    with np.errstate(all="ignore"):
        fan = Symmetric(lines, np.arange(3))
        search = Search(fan, 1)
    state = search.state
    before = state.step.copy()
    state.grain = np.array([[0.0], [3.0], [5.0]])
    asked = []

    def climb(s):
        asked.append((s.rows, s.way_up.copy(), s.resort.copy(), s.grain.copy()))
        s.step, s.grain = s.step * np.array([4.0, 1.0]), np.array([[1.0], [7.0]])

    monkeypatch.setattr(search, "_climb", climb)
    np.testing.assert_array_equal(search.lengthen(np.array([1, 2])), [True, False])
    rows, way_up, resort, grain = asked[0]
    np.testing.assert_array_equal(rows, [1, 2])
    np.testing.assert_array_equal([way_up, resort], [before[1:]] * 2)
    assert not grain.any()
    np.testing.assert_array_equal(state.step, before * [1, 4, 1])
    # What the values have proved stays known.
    np.testing.assert_array_equal(state.grain[:, 0], [0, 3, 7])


def test_where_a_grid_is_noted(monkeypatch):
    # Lines of several sizes, two outputs; a block of arithmetic holds two lines.
    monkeypatch.setattr(_adaptive_extrapolation, "blocks", lambda p, m: [slice(0, 2), slice(2, 4)])
    rng = np.random.default_rng(0)
    unit, rows = np.array([0.25, 1.0, 4.0, 0.5]), np.array([5, 0, 3, 2])
    origin = rng.integers(0, 9, (6, 2)) / 4.0
    origin[3] = 100.0
    changes = np.stack([STEPS[:, :, None] * unit, STEPS[:, :, None] * unit], axis=-1)
    changes[:, :, 2, 1] = np.abs(changes[:, :, 2, 1]) ** 1.5
    values = origin[rows] + changes
    size = np.maximum(np.abs(values[0]).max(axis=0), np.abs(origin[rows]))
    # 16 steps, uncertain by four units of rounding each, are less than a quarter of one.
    for share, seen in ((0.99, 1.0), (1.01, 0.0)):
        eps = share / 4 / 16 / 4 * 2 * unit[[0, 1, 3]] / size[[0, 1, 3], 0]
        for k, line in enumerate((0, 1, 3)):
            before = np.zeros((6, 2))
            before[rows[1], 0] = 7.0
            state = SimpleNamespace(grain=before, grid=0 * before)
            own = object.__new__(Extrapolation)
            own.fan = SimpleNamespace(magnitude=np.abs(origin), origin=origin, eps=float(eps[k]))
            own.search = SimpleNamespace(state=state)
            with np.errstate(all="ignore"):
                own._look_for_grid(values, NODES, rows)
            expected = unit[line] / 2 * seen
            assert state.grain[rows[line], 0] == max(expected, before[rows[line], 0])
            # Whatever else is known of its noise.
            assert state.grid[rows[line], 0] == expected and state.grid[[1, 4]].sum() == 0
            assert state.grain[rows[2], 1] == 0 and state.grain[[1, 4]].sum() == 0
    # What is known is not written to, and stays what it is where there is nothing new.
    own.fan.eps, own.search.state.grain, own.search.state.grid = 1.0, before, before
    with np.errstate(all="ignore"):
        own._look_for_grid(values, NODES, rows)
    assert own.search.state.grain is own.search.state.grid is before and before.sum() == 7


def test_longer_steps_only_where_they_are_needed_and_kept_only_where_they_help():
    def found_of(error, step=0.0):
        # Two outputs, of which the second one has no error.
        error = np.array(error)[:, None] * np.array([1.0, 0.0])
        value = 1000 * np.ones(error.shape)
        parts = [value, error / 2, error / 2, *[error] * 6]
        return adaptive.Found(*parts, step + np.arange(float(len(error))))

    asked = []

    class FakeSearch:
        state = SimpleNamespace(grain=np.array([[1.0], [1.0], [1.0], [0.0], [1.0], [1.0]]) * np.ones(2))

        def lengthen(self, rows):
            asked.append(rows.tolist())
            return np.array([True, True, False])

    class FakeExtrapolation:
        def found(self, rows):
            asked.append(rows.tolist())
            return found_of([1e-1, 1e1], 20.0)

    # Shorter error; as large; no other step; no grid; few digits are no need; known before.
    found = found_of([1.0, 1e1, 1.0, 1.0, 1e-6 * 1000.0, 1.0])
    known = np.array([[False], [False], [False], [False], [False], [True]])
    adaptive._avoid_grain(FakeSearch(), FakeExtrapolation(), found, known)
    assert asked == [[0, 1, 2], [0, 1]]
    np.testing.assert_array_equal(found.error[:, 0], [1e-1, 1e1, 1.0, 1.0, 1e-3, 1.0])
    np.testing.assert_array_equal(found.step, [20, 1, 2, 3, 4, 5])
    before = len(asked)
    adaptive._avoid_grain(FakeSearch(), FakeExtrapolation(), found_of([1e-4] * 6), known)
    assert len(asked) == before
