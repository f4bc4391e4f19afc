"""The constants of the tableau against exact rationals, and the choice among its entries."""

import math
from fractions import Fraction
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from calcml.schemes._adaptive_tableau import _noise, _rounding, extrapolate, grid, grid_of

EPS = 2.0**-52
# Noise of one value of the series for values of f with noise 1: at most; squared deviation; power of g.
NOISE = {"odd": (1, Fraction(1, 2), 1), "even": (2, Fraction(3, 2), 2), "side": (2, Fraction(2), 1)}
COMPANION = {"odd": "even", "even": "odd", "side": "side"}
KINDS = [(kind, m) for kind in NOISE for m in range(3)]


def nodes_of(count, octave):
    """Return 2, 3/2, 1, 3/4, … or four per octave: 2, 7/4, 3/2, 5/4, 1, …"""
    return tuple(
        Fraction(2, 2 ** (k // octave)) * (1 - Fraction(k % octave, 2 * octave)) for k in range(count)
    )


@cache
def coefficient(roots, m):
    """Return the coefficient of s^m in the product of (s - root)."""
    k = len(roots) - m
    return 0 if k < 0 else (-1) ** k * sum(math.prod(some) for some in combinations(roots, k))


@cache
def window(g, kind, m):
    """Return the constants of one window in rationals; of deviations, their squares."""
    s = g if kind == "side" else tuple(node**2 for node in g)
    others = [coefficient(s[:k] + s[k + 1 :], m) for k in range(len(s))]
    divided = [
        1 / math.prod((s[k] - s[j] for j in range(len(s)) if j != k), start=Fraction(1))
        for k in range(len(s))
    ]
    worst, square, power = NOISE[kind]
    _, other_square, other_power = NOISE[COMPANION[kind]]
    return dict(
        gap=s[0] - s[-1],
        below=others[0],
        change=max(abs(others[0]), abs(others[-1])),
        worst=worst * sum(abs(d * o) / node**power for d, o, node in zip(divided, others, g, strict=True)),
        rms=square * sum((d * o / node**power) ** 2 for d, o, node in zip(divided, others, g, strict=True)),
        wanted=square * sum((d / node**power) ** 2 for d, node in zip(divided, g, strict=True)),
        companion=other_square
        * sum((d / node**other_power) ** 2 for d, node in zip(divided, g, strict=True)),
    )


@pytest.mark.parametrize("octave", [2, 4])
def test_nodes(octave):
    found = grid(11, "odd", 0, octave).nodes
    np.testing.assert_array_equal(found, [float(node) for node in nodes_of(11, octave)])
    np.testing.assert_array_equal(grid(5, "odd", 0).nodes, [2, 1.5, 1, 0.75, 0.5])
    np.testing.assert_array_equal(grid(5, "odd", 0, 4).nodes, [2, 1.75, 1.5, 1.25, 1])


@pytest.mark.parametrize(("kind", "m"), KINDS)
@pytest.mark.parametrize("octave", [2, 4])
def test_constants_are_those_of_rationals(kind, m, octave):
    count = 7
    table, nodes = grid(count, kind, m, octave), nodes_of(count, octave)
    spans = [(i, q) for q in range(1, count + 1) for i in range(count - q + 1)]
    exact = [window(nodes[i : i + q], kind, m) for i, q in spans]

    def check(found, name, some=slice(None), factor=1.0, power=1.0):
        expected = [factor * float(line[name]) ** power for line in exact[some]]
        np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-13)

    assert table.m == m
    check(np.concatenate([np.ravel(gap) for gap in table.gap]), "gap", slice(count, None))
    check(table.below, "below")
    check(table.scatter[:, 0], "wanted", power=0.5)
    check(table.scatter[:, 1], "companion", power=0.5)
    # An entry has two nodes more than the coefficient needs.
    first = spans.index((0, m + 3))
    assert table.entries.start == first and table.entries.stop is None
    check(table.change, "change", table.entries)
    check(table.worst, "worst", table.entries)
    check(table.noise, "rms", table.entries, 4.0, 0.5)
    assert table.below.shape == (len(spans), 1, 1) and table.scatter.shape == (len(spans), 2, 1, 1)


@pytest.mark.parametrize(("kind", "m"), [("odd", 0), ("even", 1), ("side", 2)])
def test_places_in_the_list_of_windows(kind, m):
    count = 6
    table = grid(count, kind, m)
    spans = [(i, q) for q in range(1, count + 1) for i in range(count - q + 1)]
    for q, cut in enumerate(table.windows, start=1):
        assert spans[cut] == [(i, q) for i in range(count - q + 1)]
    entries = spans[table.entries]
    np.testing.assert_array_equal(table.first, [i for i, _ in entries])
    assert [spans[k] for k in table.inner] == [(i + 1, q - 1) for i, q in entries]
    assert [spans[k] for k in table.tails] == [(count - q, q) for q in range(2, count + 1)]


def test_few_nodes_leave_the_widest_window():
    table = grid_of((2.0, 1.0, 0.5), "odd", 2)
    assert table.entries.start == 5 and len(table.first) == 1
    assert table.change.shape == table.worst.shape == table.noise.shape == (1, 1, 1)


# The choice. ------------------------------------------------------------------------------------------------


def values_of(table, kind, coefficients):
    s = table.nodes if kind == "side" else table.nodes**2
    return np.polynomial.polynomial.polyval(s, coefficients)[:, None, None]


def divided(s, y):
    """Return the divided difference over all values."""
    return sum(y[k] / math.prod(s[k] - s[j] for j in range(len(s)) if j != k) for k in range(len(s)))


def chosen(table, kind, wanted, companion, rounding, grain=0.0):
    """Return the entry with the least error, from the definitions: every window by itself."""
    nodes, count, m = tuple(Fraction(g) for g in table.nodes), len(table.nodes), table.m
    s = nodes if kind == "side" else tuple(g * g for g in nodes)
    y, other = ([Fraction(float(v)) for v in np.ravel(part)] for part in (wanted, companion))
    spread = {}
    for q in range(1, count + 1):
        for i in range(count - q + 1):
            part, exact = slice(i, i + q), window(nodes[i : i + q], kind, m)
            pair = [abs(divided(s[part], y[part])), abs(divided(s[part], other[part]))]
            pair = [
                float(d) / float(exact[name]) ** 0.5
                for d, name in zip(pair, ("wanted", "companion"), strict=True)
            ]
            spread[i, q] = sum(pair) / 2
    tails = [spread[count - q, q] for q in range(2, count + 1)]
    ratio = tails[-2] / tails[max(len(tails) - 4, 0)]
    flat, pool = 1 / 6 < ratio < 6, float(np.mean(tails[-4:]))
    best = None
    for q in range(min(m + 3, count), count + 1):
        for i in range(count - q + 1):
            part, exact = slice(i, i + q), window(nodes[i : i + q], kind, m)
            value = Fraction(0)
            for k in range(i, i + q):
                rest = tuple(s[j] for j in range(i, i + q) if j != k)
                value += y[k] * coefficient(rest, m) / math.prod(s[k] - r for r in rest)
            sigma = (spread[i, q] + spread[i + 1, q - 1]) / 2
            sigma = max(sigma, pool) if flat else sigma
            least = max(rounding[i:])
            truncation = float(abs(divided(s[part], y[part])) * exact["change"])
            noise = float(exact["worst"]) * max(least, grain) + 4 * float(exact["rms"]) ** 0.5 * sigma
            if best is None or truncation + noise < best[1] + best[2]:
                settled = flat or sigma <= 8 * max(least, grain)
                best = float(value), truncation, noise, least, sigma, i, settled
    return best


@pytest.mark.parametrize("kind", NOISE)
@pytest.mark.parametrize("noise", [1e-13, 1e-6, 1e-2])
@pytest.mark.parametrize("grain", [0.0, 1e-5])
def test_the_entry_with_the_least_error_is_taken(kind, noise, grain):
    for m in (0, 1):
        table, rng = grid(6, kind, m), np.random.default_rng(m)
        series = values_of(table, kind, 0.3 ** np.arange(12.0))
        lines = 12
        wanted, companion = (
            series + noise * rng.normal(size=(2, 6, lines, 1)) * (rng.random(lines) < 0.8)[:, None]
        )
        rounding = 1e-14 * (1 + rng.random((6, lines, 1))) * 10.0 ** rng.integers(0, 9, (lines, 1))
        best = extrapolate(table, wanted, companion, rounding, np.full((lines, 1), grain) if grain else 0.0)
        for k in range(lines):
            given = wanted[:, k], companion[:, k], rounding[:, k, 0].tolist(), grain
            value, *parts, first, settled = chosen(table, kind, *given)
            assert best.first[k, 0] == first and best.settled[k, 0] == settled
            found = best.truncation, best.noise, best.rounding, best.sigma
            # Differences of the highest order lose digits; rounding of a few units is what is left of them.
            size = parts[0] + parts[1]
            assert best.value[k, 0] == pytest.approx(value, abs=1e-2 * size)
            for part, expected in zip(found, parts, strict=True):
                np.testing.assert_allclose(
                    part[k, 0], expected, rtol=1e-3, atol=1e-15 if noise < 1e-9 else 1e-16
                )


def test_lines_and_outputs_are_apart():
    table, rng = grid(7, "odd", 0), np.random.default_rng(0)
    wanted, companion = rng.normal(size=(2, 7, 5, 3))
    rounding = rng.random((7, 5, 3)) * 1e-3
    grain = rng.random((5, 3))
    best = extrapolate(table, wanted, companion, rounding, grain)
    for i, j in np.ndindex(5, 3):
        one = [part[:, i : i + 1, j : j + 1] for part in (wanted, companion, rounding)]
        own = extrapolate(table, *one, grain[i : i + 1, j : j + 1])
        for name in ("value", "truncation", "noise", "rounding", "sigma", "first", "settled"):
            assert getattr(best, name)[i, j] == getattr(own, name)[0, 0]


@pytest.mark.parametrize(("count", "place"), [(7, 2), (5, 0), (4, 0)])
def test_noise_is_flat_within_a_factor_of_six(count, place):
    # Of the differences at the last nodes, q = 2, 3, …, the last but one and the one two orders below it.
    table = grid(count, "odd", 0)
    ratios = np.array([6.0, np.nextafter(6, 0), 1 / 6, np.nextafter(1 / 6, 1), 1.0])
    spread = np.full((len(table.below), 5, 1), 2.0**-20)
    spread[table.tails[place]], spread[table.tails[-2]] = 1.0, ratios[:, None]
    if place != len(table.tails) - 2:
        sigma, flat = _noise(table, spread)
        np.testing.assert_array_equal(flat[:, 0], [False, True, False, True, True])
        tails = spread[table.tails]
        mean = tails[-4:].mean(axis=0)
        plain = (spread[table.entries] + spread[table.inner]) / 2
        np.testing.assert_array_equal(sigma, np.where(flat, np.maximum(plain, mean), plain))


def test_rounding_is_that_of_the_largest_finite_value_from_a_node_on():
    values = np.array([1.0, np.inf, 5.0, np.nan, 2.0, 0.5])[:, None, None]
    values.flags.writeable = False
    np.testing.assert_array_equal(_rounding(values).ravel(), [5, 5, 5, 2, 2, 0.5])
    np.testing.assert_array_equal(_rounding(values[4:]).ravel(), [2, 0.5])
    np.testing.assert_array_equal(_rounding(values[3:4]).ravel(), [0])


@pytest.mark.parametrize("exact", [True, False])
def test_more_nodes_help_while_noise_is_eight_times_rounding(exact):
    # One entry only, so that there is no choice; truncation falls, so that the differences are not flat.
    table = grid(4, "odd", 1)
    y = values_of(table, "odd", 0.003 ** np.arange(8.0))
    tiny = np.full_like(y, 1e-300)
    best = extrapolate(table, y, y, tiny)
    assert best.value.shape == (1, 1) and not best.settled[0, 0]
    for factor, settled in ((1.001, True), (1.0, True), (0.999, False)):
        least = best.sigma[0, 0] / 8 * factor
        again = (
            extrapolate(table, y, y, tiny * 0 + least)
            if exact
            else extrapolate(table, y, y, tiny, best.sigma / 8 * factor)
        )
        assert again.sigma[0, 0] == best.sigma[0, 0] and again.settled[0, 0] == settled
        assert again.noise[0, 0] - best.noise[0, 0] == pytest.approx(table.worst[0, 0, 0] * least)
