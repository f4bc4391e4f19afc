"""The tableau number by number: that of `extrapolate`, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml.schemes import _adaptive_number_tableau
from calcml.schemes._adaptive_number_tableau import best_entry, constants
from calcml.schemes._adaptive_tableau import EXCESS, extrapolate, grid


@pytest.mark.parametrize(("kind", "m"), [("odd", 0), ("even", 0), ("odd", 1), ("even", 2), ("odd", 4)])
@pytest.mark.parametrize("octave", [2, 4])
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(5, 14),
    noise=st.sampled_from([0.0, 1e-15, 1e-12, 1e-6, 1.0]),
    fall=st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0]),
    rounding=st.sampled_from([1e-18, 1e-14, 1e-9]),
)
def test_the_entry_is_that_of_many_lines(kind, m, octave, seed, count, noise, fall, rounding):
    count = max(count, m + 3)
    table, rng = grid(count, kind, m, octave), np.random.default_rng(seed)
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


def test_noise_as_even_as_can_be(monkeypatch):
    table, y = constants(grid(7, "odd", 0)), np.random.default_rng(3).normal(size=7).tolist()
    tails, row, other = [], y, y
    for level in table.levels:
        row = [(a - b) / gap for a, b, gap in zip(row, row[1:], level.gap, strict=False)]
        other = row
        tails.append((abs(row[-1]) / level.scatter[-1] + abs(other[-1]) / level.companion[-1]) / 2)
    ratio = tails[-2] / tails[-4]
    for flat, settled in (
        ((ratio, 9.0), False),
        ((np.nextafter(ratio, 0), 9.0), True),
        ((0.0, ratio), False),
        ((0.0, np.nextafter(ratio, 9)), True),
    ):
        monkeypatch.setattr(_adaptive_number_tableau, "FLAT", flat)
        assert best_entry(table, y, y, [1e-30] * 7).settled == settled


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
