"""Which nodes are asked for, when more of them are, and how values are joined, against plain loops."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.schemes._adaptive_extrapolation import Extrapolation, fresh_nodes
from calcml.schemes._adaptive_fan import Side, Symmetric
from calcml.schemes._adaptive_search import Search
from calcml.schemes._adaptive_tableau import Best, extrapolate, grid

INF, NAN, EPS = math.inf, math.nan, 2.0**-52
EVERY = slice(None)
LINES, OUTPUTS = 1500, 2
# How far, next to 1, a node is from where it would divide its octave evenly.
BETWEEN = 2.0**-5 / math.pi


def fan_of(f, x, side=0, bounds=None):
    x = np.atleast_1d(np.asarray(x, dtype=float))
    lines, every = ElementwiseLines(Function(f, None), x, bounds), np.arange(len(x))
    fan = Symmetric(lines, every) if side == 0 else Side(lines, every, np.full(len(x), float(side)))
    asked, evaluate = [], fan.evaluate

    def watched(nodes, step, rows):
        asked.append((nodes.tolist(), step.tolist(), np.arange(len(x))[rows].tolist()))
        return evaluate(nodes, step, rows)

    fan.evaluate = watched
    return fan, asked


def extrapolation_of(f, x, n=1, levels=7, side=0):
    with np.errstate(all="ignore"):
        fan, asked = fan_of(f, x, side)
        search = Search(fan, n)
        asked.clear()
        return Extrapolation(fan, search, n, levels), asked


# Nodes. -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "side", "levels", "kind", "m", "count", "octave"),
    [
        (1, 0, 7, "odd", 0, 7, 2),
        (2, 0, 7, "even", 0, 7, 2),
        (3, 0, 4, "odd", 1, 6, 2),
        (4, 0, 7, "even", 1, 9, 2),
        (5, 0, 7, "odd", 2, 9, 2),
        (6, 0, 7, "even", 2, 9, 4),
        (7, 0, 7, "odd", 3, 11, 4),
        (1, 1, 7, "side", 0, 11, 2),
        (3, -1, 5, "side", 2, 11, 2),
        (6, 1, 7, "side", 5, 16, 2),
    ],
)
def test_number_of_nodes(n, side, levels, kind, m, count, octave):
    work, _ = extrapolation_of(np.exp, 1.0, n, levels, side)
    assert (work.kind, work.m, work.count, work.octave) == (kind, m, count, octave)
    for extension, even in itertools.product((0, 1, 2), (False, True)):
        table, more = work._grid(extension, even), count + extension * octave
        assert table is grid(more, kind, m, octave, even=even)
        # Only powers of two stay where they divide the octave evenly, from 2 on.
        expected, top = [], 2.0
        while len(expected) < more:
            shares = [1 - k / (2 * octave) for k in range(octave)]
            expected += [top * (share + (0 if even or share == 1 else BETWEEN)) for share in shares]
            top /= 2
        np.testing.assert_array_equal(table.nodes, expected[:more])


def test_nodes_of_the_trials_are_not_asked_for_again():
    np.testing.assert_array_equal(fresh_nodes(7, 2, 2), [1, 3, 4, 5, 6])
    np.testing.assert_array_equal(fresh_nodes(9, 2, 4), [1, 2, 3, 5, 6, 7, 8])
    np.testing.assert_array_equal(fresh_nodes(8, 3, 2), [1, 3, 5, 6, 7])


@pytest.mark.parametrize(
    ("n", "side", "fresh", "trial"),
    [
        (1, 0, [1.5, 0.75, 0.5, 0.375, 0.25], [2.0, 1.0]),
        (6, 0, [1.75, 1.5, 1.25, 0.875, 0.75, 0.625, 0.5], [2.0, 1.0]),
        (1, 1, [1.5, 0.75, 0.375, 0.25, 0.1875, 0.125, 0.09375, 0.0625], [2.0, 1.0, 0.5]),
    ],
)
@pytest.mark.parametrize("even", [False, True])
def test_first_values(n, side, fresh, trial, even):
    if not even:
        # Those between powers of two are aside, by as much of the power of two above them.
        fresh = [g if math.log2(g) % 1 == 0 else g + 2 ** math.ceil(math.log2(g)) * BETWEEN for g in fresh]
    work, asked = extrapolation_of(np.exp, [1.0, 2.0, 3.0], n, side=side)
    s, rows = work.search.state, np.array([2, 0])
    s.known = np.array([True, True, False])
    s.step = np.array([0.5, 0.25, 0.125])
    s.values = s.values * 0 + 7.0
    nodes = work._grid(0, even).nodes
    values = work._first_values(nodes, rows)
    assert asked == [(fresh, [0.125, 0.5], [2, 0]), (trial, [0.125], [2])]
    exact = np.exp(np.array([3.0, 1.0]) + work.fan.signs[:, rows] * nodes[:, None, None] * [0.125, 0.5])[
        ..., None
    ]
    kept = np.isin(nodes, trial)
    np.testing.assert_array_equal(values[:, :, 0], exact[:, :, 0])
    np.testing.assert_array_equal(values[~kept][:, :, 1], exact[~kept][:, :, 1])
    assert (values[kept][:, :, 1] == 7).all() and values.dtype == float


@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize("even", [False, True])
def test_one_octave_more(n, even):
    work, asked = extrapolation_of(np.exp, [1.0, 2.0, 3.0], n)
    k, rows, step = work.octave, np.array([2, 0, 1]), np.array([0.25, 0.5, 1.0])
    nodes = work._grid(1, even).nodes
    values = np.arange(work.count * 6.0).reshape(work.count, 2, 3, 1)
    wider = np.array([True, False, False])
    more = work._extended(values, nodes, step, rows, wider)
    # Larger nodes come before the others, with twice the step as the unit; smaller ones come after them.
    assert asked == [(nodes[:k].tolist(), [0.25], [2]), (nodes[-k:].tolist(), [0.5, 1.0], [0, 1])]
    np.testing.assert_array_equal(more[k:, :, 0], values[:, :, 0])
    np.testing.assert_array_equal(more[:-k, :, 1:], values[:, :, 1:])
    points = 3.0 + np.array([1.0, -1.0]) * nodes[:k, None] * 0.25
    np.testing.assert_array_equal(more[:k, :, 0, 0], np.exp(points))
    asked.clear()
    work._extended(values, nodes, step, rows, ~wider & False)
    assert [entry[2] for entry in asked] == [[2, 0, 1]]
    asked.clear()
    work._extended(values, nodes, step, rows, wider | True)
    assert [entry[0] for entry in asked] == [nodes[:k].tolist()]


# More of them. ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "some_noisy"), [(1, True), (2, True), (1, False)])
def test_extensions(n, some_noisy):
    rng = np.random.default_rng(n)
    shape = (LINES, OUTPUTS)

    def near(*values):
        value = np.choose(rng.integers(0, len(values), shape), [np.broadcast_to(v, shape) for v in values])
        side = rng.integers(0, 4, shape)
        return np.where(
            side == 0, np.nextafter(value, INF), np.where(side == 1, np.nextafter(value, 0), value)
        )

    table = grid(7, "odd", 0)
    size = rng.choice([1.0, 4.0], LINES)
    step = rng.choice([64.0, 64 + 1e-9, 2.0**40, 0.25], LINES) * EPS * size
    room = np.where(rng.random(LINES) < 0.3, 4 * step, np.where(rng.random(LINES) < 0.5, 3.99 * step, INF))
    value = rng.choice([1.0, -8.0, 0.0], shape)
    rounding = near(1e-16, 1e-10 * EPS / 2)
    # Amplified noise of fewer than ten digits, of the value and of the change of f over its length.
    least = 1e-10 * 2 / EPS * rounding / 8.0**n
    error = near(450 * EPS * np.abs(value), 1e-10 * np.abs(value), least)
    error = np.where(rng.random(shape) < 0.03, rng.choice([NAN, INF], shape), error)
    noise = error * rng.choice([0.25, 0.5, 0.75, 1.0], shape)
    first, settled = rng.choice([0, 0, 0, 1], shape), rng.random(shape) < 0.5
    sigma = near(1.0, 2.0)
    credible = rng.choice([1.0, 2.0], shape)
    if not some_noisy:
        first = first + 1
    rows, usable = rng.permutation(2 * LINES)[:LINES], np.zeros((2 * LINES, OUTPUTS), dtype=bool)
    usable[rows] = rng.random(shape) < 0.8
    sizes, rooms = np.full((2, 2 * LINES), NAN)
    sizes[rows], rooms[rows] = size, room
    work = object.__new__(Extrapolation)
    work.fan, work.n = SimpleNamespace(eps=EPS, usable=usable, size=sizes, room=rooms), n
    work.search = SimpleNamespace(credible=lambda r, k: credible if r is rounding and k is rows else None)
    with np.errstate(all="ignore"):
        best = Best(value, error - noise, noise, rounding, sigma, first, settled)
        error = best.truncation + best.noise
        deeper, wider = work._extensions(table, best, step, rows)
    for i in range(LINES):
        below = above = False
        for j in range(OUTPUTS):
            e, large = error[i, j], error[i, j] > 450 * EPS * abs(value[i, j])
            if usable[rows[i], j]:
                below |= not math.isfinite(e) or bool(large and not settled[i, j])
                loud = e > 1e-10 * abs(value[i, j]) and noise[i, j] > best.truncation[i, j]
                loud &= first[i, j] == 0 and sigma[i, j] <= credible[i, j]
                above |= bool(loud and e > least[i, j])
        # No node is nearer than four units in the last place of x; the last one is a quarter.
        below &= bool(0.25 / 4 * step[i] > 4 * EPS * size[i])
        assert deeper[i] == below
        assert wider[i] == (above and not below and 4 * step[i] <= room[i])
    assert deeper.any() and wider.any() == some_noisy and wider.dtype == bool


def best_of(errors):
    part = np.asarray(errors, dtype=float)[:, None]
    ones = np.ones(part.shape)
    return Best(ones, part, 0 * part, ones, ones, np.zeros(part.shape, dtype=int), ones > 2)


def test_octaves_are_added_while_they_lower_the_error():
    work, _ = extrapolation_of(np.exp, [1.0, 2.0, 3.0, 4.0])
    rows, step = np.array([3, 1, 0]), work.search.state.step.copy()
    errors, seen = iter([[8.0, 8.0, 8.0], [4.0, 4.0], [2.0, 9.0], [1.0]]), []
    plans = iter([([1, 0, 0], [0, 1, 0]), ([1, 0], [0, 1]), ([1, 1], [0, 0]), ([0], [0])])

    def best(table, values, step, rows):
        seen.append((len(table.nodes), values.shape, step.tolist(), rows.tolist()))
        return best_of(next(errors))

    work._best = best
    work._extensions = lambda *given: tuple(np.array(plan, dtype=bool) for plan in next(plans))
    found = work.found(rows)
    h = step[rows].tolist()
    assert seen == [
        (7, (7, 2, 3, 1), h, [3, 1, 0]),
        (9, (9, 2, 2, 1), [h[0], 2 * h[1]], [3, 1]),
        (11, (11, 2, 2, 1), [h[0], 4 * h[1]], [3, 1]),
        (13, (13, 2, 1, 1), [h[0]], [3]),
    ]
    # The second line did not gain from its last octave: what was found before stays, and no more is tried.
    np.testing.assert_array_equal(found.step, [h[0], 2 * h[1], h[2]])
    np.testing.assert_allclose(found.truncation[:, 0] * found.step, [1, 4, 8])


def test_four_octaves_at_most():
    work, asked = extrapolation_of(np.exp, [1.0])
    work._best = lambda *given: best_of([1.0])
    work._extensions = lambda *given: (np.array([True]), np.array([False]))
    work.found(np.arange(1))
    assert [len(nodes) for nodes, _, _ in asked] == [5, 2, 2, 2, 2]


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("even", [False, True])
def test_blocks_of_lines_are_joined(n, even):
    # 512 lines of two outputs fill a block.
    work, _ = extrapolation_of(np.exp, np.linspace(1, 2, 1100), n)
    rows, table = np.arange(1100)[::-1], work._grid(0, even)
    step = work.search.state.step[rows]
    work.search.state.grain = np.linspace(0, 1e-9, 1100)[:, None]
    values = work._first_values(table.nodes, rows)
    best = work._best(table, values, step, rows)
    wanted, companion = work.fan.series(values, table.nodes, step, rows, n == 1)
    size = np.maximum(np.abs(values).max(axis=1), np.abs(work.fan.origin[rows]))
    whole = extrapolate(table, wanted, companion, EPS / 2 * size, work.search.state.grain[rows])
    for name in ("value", "truncation", "noise", "rounding", "sigma", "first", "settled"):
        np.testing.assert_array_equal(getattr(best, name), getattr(whole, name))
