"""The constants of the tableau against exact rationals, and the choice among its entries."""

import math
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations, product

import numpy as np
import pytest

from calcml.schemes._adaptive_tableau import _noise, _rounding, extrapolate, grid, grid_of

EPS = 2.0**-52
# Noise of one value of the series for values of f with noise 1: at most; squared deviation; power of g.
NOISE = {"odd": (1, Fraction(1, 2), 1), "even": (2, Fraction(3, 2), 2), "side": (2, Fraction(2), 1)}
COMPANION = {"odd": "even", "even": "odd", "side": "side"}
KINDS = [(kind, m) for kind in NOISE for m in range(3)]


def nodes_of(count, octave, even):
    """Return 2, 3/2, 1, 3/4, … or four per octave: 2, 7/4, 3/2, 5/4, 1, …; all but powers of two only about.

    Floating-point numbers are rationals, too: those about 3/2 as they are rounded.
    """
    aside = 0 if even else Fraction(2.0**-5 / math.pi)
    shares = [Fraction(1)]
    shares += [Fraction(float(1 - Fraction(k, 2 * octave) + aside)) for k in range(1, octave)]
    return tuple(Fraction(2, 2 ** (k // octave)) * shares[k % octave] for k in range(count))


def spans_of(count):
    """Return the first node and the number of nodes of all windows."""
    return [(i, q) for q in range(1, count + 1) for i in range(count - q + 1)]


def tails_of(spans, count, end):
    """Return the places of the four longest windows of two nodes and more that end before a node."""
    return [spans.index((end - q, q)) for q in range(2, end + 1)][-4:]


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
@pytest.mark.parametrize("even", [True, False])
def test_nodes(octave, even):
    found = grid(11, "odd", 0, octave, even=even).nodes
    np.testing.assert_array_equal(found, [float(node) for node in nodes_of(11, octave, even)])
    # Even ones have three binary digits at most; otherwise those between powers of two have more than forty.
    digits = np.frexp(found)[0]
    between = np.arange(11) % octave > 0
    np.testing.assert_array_equal(digits == 0.5, ~between)
    np.testing.assert_array_equal(digits * 2.0 ** (3 if even else 40) % 1 > 0, between & (not even))


def test_nodes_in_digits():
    np.testing.assert_array_equal(grid(5, "odd", 0, even=True).nodes, [2, 1.5, 1, 0.75, 0.5])
    np.testing.assert_array_equal(grid(5, "odd", 0, 4, even=True).nodes, [2, 1.75, 1.5, 1.25, 1])
    # The nodes are not even unless that is asked for.
    found = {octave: grid(6, "odd", 0, octave).nodes for octave in (2, 4)}
    np.testing.assert_allclose(
        found[2], [2, 1.5198943678865, 1, 0.7599471839432, 0.5, 0.3799735919716], rtol=1e-12
    )
    np.testing.assert_allclose(
        found[4], [2, 1.7698943678865, 1.5198943678865, 1.2698943678865, 1, 0.8849471839432], rtol=1e-12
    )


@pytest.mark.parametrize(("kind", "m"), KINDS)
@pytest.mark.parametrize("octave", [2, 4])
@pytest.mark.parametrize("even", [True, False])
def test_constants_are_those_of_rationals(kind, m, octave, even):
    count = 7
    table, nodes, spans = (
        grid(count, kind, m, octave, even=even),
        nodes_of(count, octave, even),
        spans_of(count),
    )
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
    table, spans = grid(count, kind, m), spans_of(count)
    for q, cut in enumerate(table.windows, start=1):
        assert spans[cut] == [(i, q) for i in range(count - q + 1)]
    entries = spans[table.entries]
    np.testing.assert_array_equal(table.first, [i for i, _ in entries])
    assert [spans[k] for k in table.inner] == [(i + 1, q - 1) for i, q in entries]
    ends = [[spans[k] for k in windows] for windows in table.tails]
    assert ends == [[(count - back - q, q) for q in range(3 - back, count - back + 1)] for back in (0, 1)]


@pytest.mark.parametrize(
    ("count", "ends"),
    [
        (3, [[(1, 2), (0, 3)]]),
        (4, [[(2, 2), (1, 3), (0, 4)]]),
        (5, [[(3, 2), (2, 3), (1, 4), (0, 5)]]),
        (6, [[(3, 3), (2, 4), (1, 5), (0, 6)], [(3, 2), (2, 3), (1, 4), (0, 5)]]),
        (7, [[(3, 4), (2, 5), (1, 6), (0, 7)], [(3, 3), (2, 4), (1, 5), (0, 6)]]),
        (11, [[(3, 8), (2, 9), (1, 10), (0, 11)], [(3, 7), (2, 8), (1, 9), (0, 10)]]),
    ],
)
def test_ends_are_two_where_each_has_four_windows(count, ends):
    spans = spans_of(count)
    assert [[spans[k] for k in windows] for windows in grid(count, "odd", 0).tails] == ends


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
    # All windows but those of one node, up to the last node and, where more than four are left, without it.
    tails = [
        [spread[end - q, q] for q in range(2, end + 1)][-4:]
        for end in (count, count - 1)
        if end == count or end > 4
    ]
    pools = [
        float(np.mean(tail))
        for tail, most in zip(tails, (6.0, 2.0), strict=False)
        if max(tail) < most * min(tail)
    ]
    best = None
    for q in range(min(m + 3, count), count + 1):
        for i in range(count - q + 1):
            part, exact = slice(i, i + q), window(nodes[i : i + q], kind, m)
            value = Fraction(0)
            for k in range(i, i + q):
                rest = tuple(s[j] for j in range(i, i + q) if j != k)
                value += y[k] * coefficient(rest, m) / math.prod(s[k] - r for r in rest)
            sigma = (spread[i, q] + spread[i + 1, q - 1]) / 2
            sigma = max(sigma, *pools) if pools else sigma
            least = max(rounding[i:])
            truncation = float(abs(divided(s[part], y[part])) * exact["change"])
            noise = float(exact["worst"]) * max(least, grain) + 4 * float(exact["rms"]) ** 0.5 * sigma
            if best is None or truncation + noise < best[1] + best[2]:
                settled = bool(pools) or sigma <= 8 * max(least, grain)
                best = float(value), truncation, noise, least, sigma, i, settled
    return best


@pytest.mark.parametrize("kind", NOISE)
@pytest.mark.parametrize("noise", [1e-13, 1e-6, 1e-2])
@pytest.mark.parametrize("grain", [0.0, 1e-5])
@pytest.mark.parametrize("count", [5, 6, 7])
def test_the_entry_with_the_least_error_is_taken(kind, noise, grain, count):
    for m in (0, 1):
        table, rng = grid(count, kind, m), np.random.default_rng(m)
        series = values_of(table, kind, 0.3 ** np.arange(12.0))
        lines = 12
        wanted, companion = (
            series + noise * rng.normal(size=(2, count, lines, 1)) * (rng.random(lines) < 0.8)[:, None]
        )
        rounding = 1e-14 * (1 + rng.random((count, lines, 1))) * 10.0 ** rng.integers(0, 9, (lines, 1))
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


def plain_noise(table, spread):
    """Return the noise that each entry measures by itself."""
    return (spread[table.entries] + spread[table.inner]) / 2


@pytest.mark.parametrize(("count", "end"), [(4, 4), (5, 5), (6, 6), (6, 5), (7, 7), (7, 6), (9, 9), (9, 8)])
def test_noise_is_flat_within_a_factor(count, end):
    # Of the differences of highest orders over the nodes before an end, the largest by the least.
    table, spans, most = grid(count, "odd", 0), spans_of(count), 6.0 if end == count else 2.0
    tail = tails_of(spans, count, end)
    for low, high in permutations(range(len(tail)), 2):
        spread = np.full((len(spans), 3, 1), 2.0**-20)
        # The other end is never flat.
        spread[tails_of(spans, count, 2 * count - 1 - end)[-2]] = 2.0**-10
        spread[tail], spread[tail[low]] = 1.5, 1.0
        spread[tail[high]] = np.array([most, np.nextafter(most, 0), 1.0])[:, None]
        sigma, flat = _noise(table, spread)
        np.testing.assert_array_equal(flat[:, 0], [False, True, True])
        mean, plain = spread[tail].mean(axis=0), plain_noise(table, spread)
        np.testing.assert_array_equal(sigma, np.where(flat, np.maximum(plain, mean), plain))
        assert np.any(sigma > plain)


@pytest.mark.parametrize("count", [6, 7, 10])
@pytest.mark.parametrize("sizes", [(1.0, 4.0), (4.0, 1.0)])
def test_either_end_is_enough_and_the_louder_one_counts(count, sizes):
    # One line for each of these: both ends are flat, only the last node's, only the other one, none.
    table, spans = grid(count, "odd", 0), spans_of(count)
    cases = np.array(list(product([True, False], repeat=2)))
    spread = np.full((len(spans), len(cases), 1), 2.0**-20)
    common = np.zeros((len(cases), 1))
    for end, size, even in zip((count, count - 1), sizes, cases.T, strict=True):
        tail = tails_of(spans, count, end)
        spread[tail] = size
        spread[tail[0], :, 0] = np.where(even, size, size / 64)
        np.maximum(common[:, 0], np.where(even, size, 0.0), out=common[:, 0])
    sigma, flat = _noise(table, spread)
    np.testing.assert_array_equal(flat[:, 0], [True, True, True, False])
    np.testing.assert_array_equal(common[:, 0], [4.0, *sizes, 0.0])
    np.testing.assert_array_equal(sigma, np.maximum(plain_noise(table, spread), common))
    # Windows in the middle measure nothing by themselves.
    assert np.all(sigma.min(axis=0) == np.maximum(common, 2.0**-20))


def test_four_nodes_are_no_end_before_the_last_of_five():
    table, spans = grid(5, "odd", 0), spans_of(5)
    spread = np.full((len(spans), 1, 1), 2.0**-20)
    spread[tails_of(spans, 5, 5)[-2]] = 1.0
    spread[tails_of(spans, 5, 4)] = 1.0
    sigma, flat = _noise(table, spread)
    assert not flat[0, 0]
    np.testing.assert_array_equal(sigma, plain_noise(table, spread))


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
