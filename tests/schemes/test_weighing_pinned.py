"""The arithmetic of a difference formula, number by number: sums, powers of the step, both errors, blocks."""

import math

import numpy as np
import pytest

from calcml.schemes import _weighing
from calcml.schemes._recipe import plan
from calcml.schemes._weighing import all_finite, unknown, weigh, weigh_and_judge

EPS = float(np.finfo(float).eps)


def values_of(recipe, h, lines=1, outputs=1):
    """Values of (k + 1) x^5 at 1 + g h: one row for each point, one column for each line, then outputs."""
    points = 1 + recipe.grid[:, None, None] * h[:, None]
    return points**5 * (np.arange(lines)[:, None] + 1.0) * (np.arange(outputs) + 1.0)


@pytest.mark.parametrize(("n", "order", "side"), [(1, 1, 1), (1, 2, 0), (2, 2, 0), (3, 2, 0), (2, 3, -1)])
@pytest.mark.parametrize("quiet", [True, False])
def test_a_plain_value(n, order, side, quiet):
    recipe, h = plan(n, order, side).plain, np.array([0.25, 0.5, 0.125])
    values = values_of(recipe, h, 3, 2)
    value, truncation, noise = weigh(recipe, values, h, EPS, quiet=quiet)
    scale = h[:, None] ** n * math.factorial(n)
    # A handful of terms of either sign, each rounded once or twice.
    np.testing.assert_allclose(value, np.tensordot(recipe.weights[0], values, 1) / scale, rtol=1e-12)
    assert np.isnan(truncation).all() and truncation.shape == (3, 2)
    if quiet:
        assert noise == 0.0 and isinstance(noise, float)
    else:
        expected = EPS * recipe.condition * np.abs(values).max(axis=0) / scale
        np.testing.assert_allclose(noise, expected, rtol=1e-14)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("row", [0, 1])
def test_quiet_values_must_be_finite_and_their_squares_too(bad, row):
    recipe, h = plan(1, 2, 0).plain, np.array([0.5, 0.5])
    values = np.array([[[1.0], [2.0]], [[3.0], [5.0]]])
    values[row, 1] = bad
    with np.errstate(all="ignore"):
        value, _, noise = weigh(recipe, values, h, EPS, quiet=True)
    assert isinstance(noise, np.ndarray) and noise.shape == (2, 1)
    assert value[0, 0] == 2.0 and noise[0, 0] == EPS * 3 / 0.5
    np.testing.assert_array_equal(np.isfinite(noise[1, 0]), np.isfinite(bad))


def test_a_quotient_out_of_range_is_not_quiet():
    recipe, h = plan(1, 2, 0).plain, np.array([1e-200])
    with np.errstate(all="ignore"):
        value, _, noise = weigh(recipe, np.array([[[0.0]], [[1e150]]]), h, EPS, quiet=True)
    assert value[0, 0] == np.inf and isinstance(noise, np.ndarray)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_quiet_values_in_blocks_must_be_finite(monkeypatch, bad):
    monkeypatch.setattr(_weighing, "BLOCK", 4)
    recipe, h = plan(1, 2, 0).plain, np.full(5, 0.5)
    values = values_of(recipe, h, 5)
    assert weigh(recipe, values, h, EPS, quiet=True)[2] == 0.0
    values[0, 4] = bad
    with np.errstate(all="ignore"):
        _, _, noise = weigh(recipe, values, h, EPS, quiet=True)
    assert np.isfinite(noise[:4]).all() and not np.isfinite(noise[4, 0])
    np.testing.assert_allclose(noise[:4, 0], EPS * values.max(axis=0)[:4, 0] / 0.5, rtol=1e-14)


@pytest.mark.parametrize("block", [1, 16384])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.longdouble])
def test_values_keep_their_dtype_in_blocks(monkeypatch, kind, block):
    monkeypatch.setattr(_weighing, "BLOCK", block)
    recipe, h = plan(1, 2, 0).plain, np.full(3, 0.5, kind)
    eps = np.finfo(kind).eps
    # A digit that only these numbers have.
    values = np.stack([np.zeros((3, 1)), np.full((3, 1), 1 + eps)]).astype(kind)
    value, _, noise = weigh(recipe, values, h, float(eps), quiet=False)
    assert value.dtype == noise.dtype == kind
    np.testing.assert_array_equal(value, np.full((3, 1), 1 + eps))
    judged = plan(1, 2, 0).judged
    parts = weigh_and_judge(judged, values[[0, 0, 1, 1]], h, float(eps), np.ones(3, kind))
    assert [part.dtype for part in parts] == [kind] * 3
    np.testing.assert_array_equal(parts[0], np.full((3, 1), 1 + eps))


@pytest.mark.parametrize(("n", "order", "side"), [(1, 1, 1), (1, 2, 0), (2, 2, 0), (3, 2, 0), (2, 3, -1)])
def test_a_judged_value(n, order, side):
    recipe, h, along = plan(n, order, side).judged, np.array([0.25, 0.5]), np.array([3.0, 7.0])
    values = values_of(recipe, h, 2, 3)
    # The steepest chord from the first point may end at any other.
    values[1, 0] += 100.0
    values[-1, 1] -= 200.0
    value, truncation, noise = weigh_and_judge(recipe, values, h, EPS, along)
    scale = h[:, None] ** n * math.factorial(n)
    plain, better = (np.tensordot(w, values, 1) / scale for w in recipe.weights)
    np.testing.assert_allclose(value, plain, rtol=1e-12)
    np.testing.assert_allclose(truncation, 3 * np.abs(plain - better), rtol=1e-9)
    chord = np.abs(values - values[0]).max(axis=0) / ((recipe.grid[-1] - recipe.grid[0]) * h[:, None])
    rounding = np.abs(values).max(axis=0) + chord * along[:, None] / 2
    np.testing.assert_allclose(noise, EPS * recipe.condition * rounding / scale, rtol=1e-13)


@pytest.mark.parametrize("count", [1, 8192, 8193])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_all_finite(count, bad):
    values = np.ones((count, 1))
    assert all_finite(values) is True
    values[-1] = bad
    assert all_finite(values) is False


def test_of_a_few_numbers_the_squares_must_be_in_range_too():
    with np.errstate(over="ignore"):
        assert all_finite(np.array([1e150])) and not all_finite(np.full(8192, 1e160))
    assert all_finite(np.full(8193, 1e160)) and all_finite(np.empty((0, 1)))


def test_blocks_are_as_large_as_the_cache_takes(monkeypatch):
    def sizes(block, outputs, lines=6):
        monkeypatch.setattr(_weighing, "BLOCK", block)
        values = np.empty((2, lines, outputs))
        return [values[:, *cut].shape for cut in _weighing._blocks(*values.shape)]

    # Two points, six lines, three outputs: 36 numbers in one piece, at a limit of 36 and of no less.
    assert sizes(36, 3) == [(2, 6, 3)]
    assert sizes(35, 3) == [(2, 5, 3), (2, 1, 3)]
    assert sizes(12, 3) == [(2, 2, 3)] * 3
    # Where one line of all outputs is half a block or more, blocks are of outputs.
    assert sizes(11, 3) == [(2, 1, 3)] * 6
    assert sizes(4, 3) == [(2, 1, 2), (2, 1, 1)] * 6
    assert sizes(1, 3) == [(2, 1, 1)] * 18
    assert sizes(36, 0) == sizes(36, 3, lines=0) == []


def test_powers_of_the_step_do_not_leave_the_range():
    recipe, h = plan(3, 2, 0).plain, np.array([1e-110])
    values = np.array([0.0, 0.0, 1e-320, 1e-320])[:, None, None]
    with np.errstate(all="ignore"):
        value, _, _ = weigh(recipe, values, h, EPS, quiet=False)
    # h^3 is 0, the quotient 1e-320 / 1e-330 is not out of range.
    assert 0 < abs(value[0, 0]) < np.inf


def test_what_is_unknown_takes_no_memory_and_no_change():
    nothing = unknown((3, 2))
    assert np.isnan(nothing).all() and nothing.shape == (3, 2) and nothing.strides == (0, 0)
    assert unknown((3, 2)) is nothing
    with pytest.raises(ValueError, match="read-only"):
        nothing[0, 0] = 1.0


@pytest.mark.parametrize("block", [1, 7, 16384])
@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("lines", [1, 5])
def test_a_row_may_serve_all_lines(monkeypatch, lines, place, block):
    monkeypatch.setattr(_weighing, "BLOCK", block)
    recipe, judged = plan(1, 3, 1).plain, plan(1, 2, 1).judged
    h, values = np.linspace(0.1, 0.5, lines), np.random.default_rng(1).normal(size=(4, lines, 3))
    values[place] = values[place, :1]
    rows = [*values[:place], values[place, :1], *values[place + 1 :]]
    for full, shared in zip(
        weigh(recipe, values, h, EPS, quiet=False), weigh(recipe, rows, h, EPS, quiet=False), strict=True
    ):
        np.testing.assert_array_equal(full, shared)
    along = np.ones(lines)
    for full, shared in zip(
        weigh_and_judge(judged, values, h, EPS, along),
        weigh_and_judge(judged, rows, h, EPS, along),
        strict=True,
    ):
        np.testing.assert_array_equal(full, shared)


@pytest.mark.parametrize("bad", range(5))
def test_quiet_blocks_are_all_looked_at(monkeypatch, bad):
    monkeypatch.setattr(_weighing, "BLOCK", 4)
    recipe, h = plan(1, 2, 0).plain, np.full(5, 0.5)
    values = values_of(recipe, h, 5)
    values[1, bad] = np.nan
    assert isinstance(weigh(recipe, values, h, EPS, quiet=True)[2], np.ndarray)


def test_two_lines_are_no_row_that_all_share(monkeypatch):
    # Blocks of one line each: of a table of two rows, each line has its own.
    recipe, h = plan(1, 1, 1).judged, np.array([0.5, 0.25])
    values, along = values_of(recipe, h, 2, 3), np.ones(2)
    whole = weigh_and_judge(recipe, values, h, EPS, along)
    monkeypatch.setattr(_weighing, "BLOCK", 1)
    for part, own in zip(whole, weigh_and_judge(recipe, values, h, EPS, along), strict=True):
        np.testing.assert_array_equal(part, own)
