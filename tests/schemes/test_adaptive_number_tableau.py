"""The tableau number by number: that of `extrapolate`, bit for bit."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml.schemes import _adaptive_number_tableau
from calcml.schemes._adaptive_number_tableau import _common, best_entry, constants
from calcml.schemes._adaptive_tableau import EXCESS, extrapolate, grid


@pytest.mark.parametrize(("kind", "m"), [("odd", 0), ("even", 0), ("odd", 1), ("even", 2), ("odd", 4)])
@pytest.mark.parametrize("octave", [2, 4])
@pytest.mark.parametrize("even", [True, False])
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(5, 14),
    noise=st.sampled_from([0.0, 1e-15, 1e-12, 1e-6, 1.0]),
    fall=st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0]),
    rounding=st.sampled_from([1e-18, 1e-14, 1e-9]),
)
def test_the_entry_is_that_of_many_lines(kind, m, octave, even, seed, count, noise, fall, rounding):
    count = max(count, m + 3)
    table, rng = grid(count, kind, m, octave, even=even), np.random.default_rng(seed)
    series = np.polynomial.polynomial.polyval(table.nodes**2, fall ** np.arange(12.0) * rng.normal(size=12))
    wanted, other = (series * rng.normal() + noise * rng.normal(size=count) for _ in range(2))
    sizes = rounding * (1 + rng.random(count))
    expected = extrapolate(table, *(y[:, None, None] for y in (wanted, other, sizes)))
    entry = best_entry(constants(table), wanted.tolist(), other.tolist(), sizes.tolist())
    for name in entry._fields:
        assert getattr(entry, name) == getattr(expected, name)[0, 0], name


def test_constants_are_those_of_the_grid():
    table = grid(7, "odd", 0)
    numbers = constants(table)
    assert constants(table) is numbers
    assert numbers.below == table.below[table.windows[0]].ravel().tolist() and len(numbers.levels) == 6
    judged = [row for level in numbers.levels for row in level.judged]
    assert judged == list(
        zip(
            table.first.tolist(),
            *(part.ravel().tolist() for part in (table.change, table.worst, table.noise)),
            strict=True,
        )
    )
    # An entry takes two nodes more than the coefficient needs.
    assert [len(level.judged) for level in numbers.levels] == [0, 5, 4, 3, 2, 1]
    for level, cut, gap in zip(numbers.levels, table.windows[1:], table.gap, strict=True):
        assert level.gap == gap.ravel().tolist() and level.below == table.below[cut].ravel().tolist()
        assert np.array_equal(np.array([level.scatter, level.companion]).T, table.scatter[cut, :, 0, 0])


def test_nothing_but_zeros():
    table = grid(7, "odd", 0)
    entry = best_entry(constants(table), [0.0] * 7, [0.0] * 7, [1e-16] * 7)
    assert entry.value == entry.truncation == entry.sigma == 0 and entry.noise > 0 and entry.settled
    # Of equals the first one, and noise as much as rounding is chance.
    entry = best_entry(constants(table), [0.0] * 7, [0.0] * 7, [0.0] * 7)
    assert entry == (0, 0, 0, 0, 0, 0, True)


def spreads(table, y):
    """Return the noise that explains the differences over the windows of two nodes, of three and so on."""
    rows, row = [], y
    for level in table.levels:
        row = [(a - b) / gap for a, b, gap in zip(row, row[1:], level.gap, strict=False)]
        rows.append(
            [
                (abs(d) / s + abs(d) / t) / 2
                for d, s, t in zip(row, level.scatter, level.companion, strict=True)
            ]
        )
    return rows


def ratio_of(rows, end):
    """Return the largest by the least of the four differences of highest order before an end."""
    tail = [rows[q - 2][end - q] for q in range(2, end + 1)][-4:]
    return max(tail) / min(tail) if min(tail) else math.inf


def test_a_first_difference_of_zero_is_not_flat():
    last, rng = grid(6, "odd", 0).nodes[3:] ** 2, np.random.default_rng(0)
    # Of seven nodes, nothing at the three before the last: no first difference before the end that spares
    # the last one.  Of six, a straight line over the last three, with no curvature: none before the last.
    for y in ([*rng.normal(size=3), 0.0, 0.0, 0.0, 1.0], [*rng.normal(size=3), *last]):
        table, sizes = grid(len(y), "odd", 0), [1e-30] * len(y)
        rows = spreads(constants(table), y)
        # The other end is flat.
        assert rows[1][3] == 0 and ratio_of(rows, 7 if len(y) == 7 else 5) < (6 if len(y) == 7 else 2)
        expected = extrapolate(table, *(np.array(part)[:, None, None] for part in (y, y, sizes)))
        entry = best_entry(constants(table), y, y, sizes)
        assert entry.settled
        for name in entry._fields:
            assert getattr(entry, name) == getattr(expected, name)[0, 0], name


@pytest.mark.parametrize(("count", "end"), [(5, 5), (6, 6), (6, 5), (7, 7), (7, 6), (10, 10), (10, 9)])
def test_noise_as_even_as_can_be(monkeypatch, count, end):
    table, rng = constants(grid(count, "odd", 0)), np.random.default_rng(3)
    y = rng.normal(size=count).tolist()
    ratio = ratio_of(spreads(table, y), end)
    # The other end is never flat.
    for most, settled in ((ratio * (1 - 1e-12), False), (ratio * (1 + 1e-12), True)):
        monkeypatch.setattr(_adaptive_number_tableau, "FLAT", (most, 1.0) if end == count else (1.0, most))
        assert best_entry(table, y, y, [1e-30] * count).settled == settled


@pytest.mark.parametrize("count", [6, 7, 10])
@pytest.mark.parametrize("sizes", [(1.0, 4.0), (4.0, 1.0)])
def test_either_end_is_enough_and_the_louder_one_counts(count, sizes):
    for cases in product([True, False], repeat=2):
        rows = [[2.0**-20] * (count - q + 1) for q in range(2, count + 1)]
        for end, size, even in zip((count, count - 1), sizes, cases, strict=True):
            for q in range(end - 3, end + 1):
                rows[q - 2][end - q] = size
            rows[end - 3 - 2][3] = size if even else size / 64
        pools = [size for size, even in zip(sizes, cases, strict=True) if even]
        assert _common(rows) == (max(pools, default=0.0), any(cases))


@pytest.mark.parametrize(("back", "most"), [(0, 6.0), (1, 2.0)])
def test_noise_is_flat_below_a_factor_not_at_it(back, most):
    for largest, flat in ((most, False), (math.nextafter(most, 0), True)):
        # The other end rises, and is never flat.
        rows = [[64.0**q] * (8 - q) for q in range(2, 8)]
        for q, size in zip(range(4 - back, 8 - back), (1.5, largest, 1.0, 1.5), strict=True):
            rows[q - 2][7 - back - q] = size
        mean = (1.5 + largest + 1.0 + 1.5) / 4
        assert _common(rows) == ((mean, True) if flat else (0.0, False))
    # Nothing at all is no noise.
    assert _common([[0.0] * (8 - q) for q in range(2, 8)]) == (0.0, False)


@pytest.mark.parametrize("count", [3, 4, 5])
def test_few_nodes_have_one_end(count):
    # The windows that end before the last node are even, and those at the last one rise or are even, too.
    for last, flat in ((64.0, False), (1.0, True)):
        rows = [[2.0] * (count - q) + [1.0] for q in range(2, count + 1)]
        rows[-2][-1] = last
        mean = sum(row[-1] for row in rows) / len(rows)
        assert _common(rows) == ((mean, True) if flat else (0.0, False))


def test_noise_beyond_rounding_is_not_settled():
    table = grid(7, "odd", 0)
    rng, seen = np.random.default_rng(0), set()
    for _ in range(200):
        # Differences that fall with their order, above the noise.
        y = np.polynomial.polynomial.polyval(
            table.nodes**2, 0.3 ** np.arange(12.0) * rng.normal(size=12)
        ).tolist()
        size = 10.0 ** rng.uniform(-18, -6)
        entry = best_entry(constants(table), y, y, [size] * 7)
        seen.add((entry.settled, entry.sigma <= EXCESS * size))
    assert {(True, True), (False, False)} <= seen
