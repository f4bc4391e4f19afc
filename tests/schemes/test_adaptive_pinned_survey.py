"""The two looks, number by number: what is read off the first, and where each is believed."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from calcml._function import Function
from calcml._lines import ElementwiseLines, PointLines, axes
from calcml.schemes import _adaptive_survey
from calcml.schemes._adaptive_fan import Symmetric
from calcml.schemes._adaptive_found import Found
from calcml.schemes._adaptive_steps import ASIDE
from calcml.schemes._adaptive_survey import (
    FirstLook,
    _first_look,
    _judged,
    _like_neighbors,
    _look,
    _unit,
    survey,
)
from calcml.schemes._adaptive_tableau import Best

EPS = 2.0**-52
UNEVEN = 1 + 2.0**-12 / math.pi
# How far, next to 1, a node is from where it would divide its octave evenly.
BETWEEN = 2.0**-5 / math.pi
# The lengths are read off every second one of the steps; those between them have digits of their own.
EVERY = [UNEVEN * 2.0**-k * (1 if k % 2 else 1 + BETWEEN) for k in range(1, 10)]
STEPS, BESIDE = EVERY[::2], [2.0**-14, 2.0**-27]
UP = math.inf


def next_to(x, way):
    return float(np.nextafter(x, way))


# The first look. --------------------------------------------------------------------------------------------


def fan_of(coefficients, unit, origin, noise, room):
    """A fan on which f is a polynomial with noise, of several outputs."""
    rng = np.random.default_rng(7)

    def evaluate(nodes, steps, rows):
        assert rows == slice(None) and steps is unit
        t = np.multiply.outer(nodes, np.stack([unit, -unit]))[..., None]
        values = origin + sum(c * t**k for k, c in enumerate(coefficients, 1))
        return values + noise * rng.normal(size=values.shape)

    def distances(nodes, steps, rows):
        # Rounded, on one side a little more than on the other.
        return np.multiply.outer(nodes, np.stack([unit * (1 + 1e-3), -unit]))

    return SimpleNamespace(
        evaluate=evaluate, distances=distances, origin=origin, magnitude=np.abs(origin), eps=EPS, room=room,
        lines=None, index=None,
    )  # fmt: skip


def look(values, close, width, unit, origin, room):
    """Return the same for one line, output by output, from values at the steps, ahead and behind."""
    h = [unit * s for s in STEPS[1:]]
    outputs = range(len(origin))
    heads, tails, floors, terms = ([[None] * len(outputs) for _ in h] for _ in range(4))
    for j in range(4):
        for m in outputs:
            (a, b), (c, d) = values[j + 1][:, m] - origin[m], values[j][:, m] - origin[m]
            odd, even, far, farther = (a - b) / 2, (a + b) / 2, (c - d) / 2, (c + d) / 2
            first, second = (16 * odd - far / 4) / 15, (16 * even - farther / 16) / 15
            third, fourth = abs(far / 4 - odd) / 15, abs(farther / 16 - even) / 15
            size = max(abs(origin[m]), *(abs(v) for step in values[j + 1 :] for v in step[:, m]))
            terms[j][m] = first, second
            heads[j][m], tails[j][m] = max(abs(first), abs(second)), max(third, fourth)
            floors[j][m] = 8 * EPS / 2 * size
    q = [
        max(max(t, f) / d for t, f, d in zip(*row, strict=True))
        for row in zip(tails, floors, heads, strict=True)
    ]
    place = 4
    while place and q[place - 1] <= 0.15:
        place -= 1
    lawful, place = q[3] <= 0.15, min(place, 3)
    step = h[place] * min(math.sqrt(0.015 / q[place]), 64)
    longest = math.inf
    for j in range(4):
        seen = max((t / d if t > f else 0) for t, f, d in zip(tails[j], floors[j], heads[j], strict=True))
        if seen:
            longest = min(longest, h[j] * math.sqrt(0.015 / seen))
    step = min(step, longest, room / 4) if lawful else min(h[3], room / 4)
    step = ASIDE * 2.0 ** round(math.log2(step / ASIDE))
    return {
        "step": step,
        "lawful": lawful,
        "bends": longest < math.inf,
        "terms": [[a / h[place] for a, _ in terms[place]], [b / h[place] ** 2 for _, b in terms[place]]],
        "slope": [first / h[3] for first, _ in terms[3]],
        "slack": [abs(a[0] / h[3] - b[0] / h[2]) for a, b in zip(terms[3], terms[2], strict=True)],
        "beside": [(pair[0] - pair[1]) / w for pair, w in zip(close, width, strict=True)],
        "bent": [[4 * t / h[3] * (w / h[3]) ** 2 for t in tails[3]] for w in width],
        "noise": [[128 / w] for w in width],
    }


@pytest.mark.parametrize("outputs", [1, 3])
def test_what_the_first_look_tells(outputs):
    rng = np.random.default_rng(3)
    p = 200
    unit = 2.0 ** rng.integers(-6, 6, p) * ASIDE
    length = 2.0 ** rng.uniform(-9, 9, (p, outputs)) * unit[:, None]
    coefficients = [rng.normal(size=(p, outputs)) / length**k for k in range(1, 5)]
    coefficients[2][rng.random((p, outputs)) < 0.2] *= 1e-9
    origin = rng.normal(size=(p, outputs)) * 10.0 ** rng.uniform(-6, 2, (p, outputs))
    origin[0], unit[0] = 0.0, 1.0
    for c in coefficients[1:]:
        c[:5] = 0.0
    for c in coefficients[2:]:
        c[100:] = 0.0
    # Some of it is next to what counts as rounding.
    kind = rng.random((p, 1))
    noise = np.where(kind < 0.3, 1e-16, np.where(kind < 0.6, 3e-15 * np.abs(origin), 1e-7))
    room = np.where(rng.random(p) < 0.3, unit * 2.0 ** rng.uniform(-1, 3, p), np.inf)
    fan = fan_of(coefficients, unit, origin, noise, room)
    seen = fan.evaluate(np.array([*EVERY, *BESIDE]), unit, slice(None))
    with np.errstate(all="ignore"):
        found = _first_look(fan, unit, seen)
    kinds = []
    for i in range(p):
        values = [seen[k, :, i] for k in (0, 2, 4, 6, 8, 9, 10)]
        width = [node * unit[i] * (2 + 1e-3) for node in BESIDE]
        expected = look(values[:5], values[5:], width, unit[i], origin[i], room[i])
        kinds.append((expected["lawful"], expected["bends"]))
        for name, told in expected.items():
            own = getattr(found, name)
            own = own[:, i] if name in {"terms", "beside", "bent", "noise"} else own[i]
            if name == "terms" and not expected["lawful"]:
                continue
            np.testing.assert_allclose(own, told, rtol=1e-9, err_msg=f"{name} {i}")
    assert {(True, True), (True, False), (False, True)} <= set(kinds)
    assert len(set(found.step / unit)) > 8


def test_the_last_lawful_step_is_one_of_the_ratio_and_a_tail_shows_above_the_floor():
    h = np.array([[4.0], [2.0], [1.0]])

    def told(q, head=1.0, floor=1e-9):
        tail = np.array(q)[:, None, None]
        with np.errstate(divide="ignore"):
            return _adaptive_survey._step(h, 0 * tail + head, tail, 0 * tail + floor)

    step, place, lawful, bends = told([0.15, 0.15, 0.15])
    assert (place[0], lawful[0], bends[0]) == (0, True, True)
    step, place, lawful, _ = told([0.15, next_to(0.15, 1), 0.15])
    assert (place[0], lawful[0]) == (2, True) and step[0] == math.sqrt(0.015 / 0.15)
    step, place, lawful, _ = told([0.01, 0.01, 0.16])
    assert (place[0], lawful[0]) == (2, False) and step[0] == 1
    # A tail no larger than rounding shows nothing: the step is bold.
    step, _, lawful, bends = told([1e-9, 1e-9, 1e-9])
    assert lawful[0] and not bends[0] and step[0] == 64 * 4
    _, _, _, bends = told([1e-9, next_to(1e-9, 1), 1e-9])
    assert bends[0]
    # The least of the lengths at all steps is taken.
    step, place, _, _ = told([1e-4, 0.1, 1e-3])
    assert place[0] == 0 and step[0] == pytest.approx(2 * math.sqrt(0.15))


# How far to look. -------------------------------------------------------------------------------------------


def unit_of(x):
    lines = ElementwiseLines(Function(np.sin, None), np.asarray(x, dtype=float))
    return _unit(Symmetric(lines, np.arange(len(x)))) / ASIDE


def test_units():
    np.testing.assert_array_equal(unit_of([1.0, 1.5, 2.0, 7.9]), [1, 1, 2, 4])
    # No further than to the nearer end of all points, nor than most of them are from 0.
    x = [-1.0, -0.5, -0.25, 0.009, 0.01]
    np.testing.assert_array_equal(unit_of(x), [1, 0.5, 0.25, 2.0**-7, 2.0**-7])
    x = [1.0, 0.5, 0.25, -0.009, -0.01]
    np.testing.assert_array_equal(unit_of(x), [1, 0.5, 0.25, 2.0**-7, 2.0**-7])
    np.testing.assert_array_equal(unit_of([-8.0, -0.001, 0.5, 0.125, 8.0]), [8, 0.5, 0.5, 0.5, 8])
    # At 0 and at an end, as far as points are from each other; nowhere else to go from a single place.
    np.testing.assert_array_equal(unit_of([-4.0, -2, -1, -0.5, 0])[-1], 0.5)
    np.testing.assert_array_equal(unit_of([0.0, 8, 10, 12])[0], 2)
    np.testing.assert_array_equal(unit_of(np.zeros(4)), [1, 1, 1, 1])


def test_units_of_coordinates_are_their_own():
    function = Function(lambda x: (x**2).sum(axis=0), None, vectorized=True)
    lines = PointLines(function, np.array([0.0, 0.25, 5.0, 0.0, -1e-9]), axes(5))
    units = _unit(Symmetric(lines, np.arange(5)))
    np.testing.assert_array_equal(units / ASIDE, [1, 0.25, 4, 1, 2.0**-30])


def neighbors(x, step):
    order = sorted(range(len(x)), key=lambda i: x[i])
    least = {}
    for place, i in enumerate(order):
        near = [step[j] for j in order[max(place - 4, 0) : place + 5]]
        least[i] = max(min(near), step[i] / 2)
    return [least[i] for i in range(len(x))]


def test_neighbors():
    rng = np.random.default_rng(0)
    for count in (4, 9, 10, 300):
        x = rng.permutation(np.linspace(0, 1, count))
        step = 2.0 ** rng.uniform(-1, 1, count)
        step[rng.random(count) < 0.05] = 2.0**-9
        np.testing.assert_array_equal(_like_neighbors(x, step), neighbors(x, step))


# Where a look is believed. ----------------------------------------------------------------------------------


def believed(monkeypatch, n=1, size=1.0, fine=math.inf, **changes):
    """Return whether a line is believed, and what is entered; by default everything is just good enough."""
    told = {
        "value": 2.0, "truncation": 1e-9, "noise": 1e-9, "rounding": 2.0**-50, "sigma": 2.0**-44,
        "settled": True, "terms": (2.0, 0.0), "step": 0.5, "wanted": 0.5, "lawful": True, "bends": True,
        "slope": 7.0, "slack": 0.0, "change": 1.0, "beside": (4.0 + 2.0**-20, 4.0 - 2.0**-20),
        "bent": (0.0, 0.0), "amplified": (2.0**24, 2.0**24),
    } | changes  # fmt: skip
    one = lambda v: np.full((1, 1), v)
    pair = lambda v: np.array(v)[:, None, None]
    first = FirstLook(
        np.array([told["wanted"]]), np.array([told["lawful"]]), np.array([told["bends"]]),
        pair(told["terms"]), one(told["slope"]), one(told["slack"]),
        pair(told["beside"]), pair(told["bent"]), pair(told["amplified"]),
    )  # fmt: skip
    best = Best(
        *(one(told[name]) for name in ("value", "truncation", "noise", "rounding", "sigma")),
        np.array([[2]]), one(told["settled"]),
    )  # fmt: skip
    origin = one(-3.0)
    values = np.full((10, 2, 1, 1), -3.0)
    # Only the nodes of the best entry count, on the side on which f moves more.
    values[:2], values[2, 1], values[3:] = 100.0, -3.0 - told["change"], 100.0
    fan = SimpleNamespace(origin=origin, signs=np.ones((2, 1)), size=np.array([size]))
    monkeypatch.setattr(_adaptive_survey, "best_entries", lambda *a: best)
    good, found = _judged(fan, None, values, np.array([told["step"]]), first, n, fine)
    return bool(good[0]), found


def test_just_good_enough(monkeypatch):
    good, found = believed(monkeypatch)
    assert good and found.value[0, 0] == 4 and found.step[0] == 0.5
    assert found.span[0, 0] == 8 and found.error[0, 0] == 4e-9


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        # The error: 1e-9 of the value, or of the first terms, whichever is more; both parts count.
        ({"noise": next_to(1e-9, 1) + 1e-24}, False),
        ({"truncation": 1.1e-9}, False),
        ({"truncation": 3e-9, "noise": 1e-9, "terms": (-8.0, 0.0)}, True),
        ({"truncation": 3e-9, "noise": 1e-9, "terms": (0.0, -16.0)}, True),
        ({"truncation": 3.1e-9, "noise": 1e-9, "terms": (8.0, 16.0)}, False),
        ({"truncation": 2.1e-9, "noise": 0.0, "terms": (0.0, 0.0)}, False),
        # Of the first look, also so many units of rounding at the step that is wanted.
        ({"truncation": 2.0**-40, "noise": 0.0, "fine": 1024.0}, True),
        ({"truncation": next_to(2.0**-40, 1), "noise": 0.0, "fine": 1024.0}, False),
        ({"truncation": 2.0**-43, "noise": 0.0, "fine": 1024.0, "wanted": 4.0}, True),
        ({"truncation": next_to(2.0**-43, 1), "noise": 0.0, "fine": 1024.0, "wanted": 4.0}, False),
        ({"truncation": 0.0, "noise": 2.0**-38, "fine": 1024.0, "wanted": 0.125}, True),
        ({"truncation": 0.0, "noise": 2.0**-37, "fine": 1024.0, "wanted": 0.125}, False),
        # Noise: settled, and 64 times rounding at most.
        ({"settled": False}, False),
        ({"sigma": next_to(2.0**-44, 1)}, False),
        ({"sigma": 2.0**-49, "rounding": 2.0**-60, "beside": (4.0, 4.0)}, False),
        # f moves by more than that.
        ({"change": 2.0**-44}, False),
        ({"change": 2.0**-43}, True),
        # Right beside x it has that slope: at both steps, but for noise and the third term.
        ({"beside": (4.0 + 1.01 * 2.0**-20, 4.0)}, False),
        ({"beside": (4.0, 4.0 - 1.01 * 2.0**-20)}, False),
        ({"beside": (4.0 + 3 * 2.0**-20, 4.0), "bent": (2.0**-19, 0.0)}, True),
        ({"beside": (4.0 + 3 * 2.0**-20, 4.0), "bent": (0.0, 2.0**-19)}, False),
        ({"beside": (4.0 + 1.5 * 2.0**-20, 4.0), "amplified": (2.0**25, 2.0**24)}, True),
        ({"sigma": 0.0, "beside": (4.0 + 2.0**-26, 4.0)}, True),
        ({"sigma": 0.0, "beside": (4.0 + 1.01 * 2.0**-26, 4.0)}, False),
        ({"slope": 4.0, "beside": (4.0 + 3 * 2.0**-20, 4.0), "slack": 1.0}, False),
        ({"lawful": False}, False),
        ({"bends": False, "size": 100.0}, True),
    ],
)
def test_what_is_believed(monkeypatch, changes, good):
    assert believed(monkeypatch, **changes)[0] == good


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        # A second derivative is believed if the slope of the first look is that beside x, or nearly.
        ({}, True),
        ({"slope": 7.0 + 2.0**-10}, False),
        ({"slope": 7.0 + 2.0**-10, "slack": 2.0**-10}, True),
        # Without a bend the step must be longer than half of x, or of 1.
        ({"bends": False}, False),
        ({"bends": False, "step": 0.5001}, True),
        ({"bends": False, "step": 1.0, "size": 2.0}, False),
        ({"bends": False, "step": 1.001, "size": 2.0}, True),
        ({"bends": False, "step": 0.5001, "size": 1e-9}, True),
        ({"bends": False, "step": 0.4, "size": 1e-9}, False),
        ({"bends": False, "step": 0.5001, "settled": False}, False),
        # And its error grows with the square of the step that is too short.
        ({"truncation": 2.0**-46, "noise": 0.0, "fine": 1024.0, "wanted": 4.0}, True),
        ({"truncation": next_to(2.0**-46, 1), "noise": 0.0, "fine": 1024.0, "wanted": 4.0}, False),
    ],
)
def test_what_is_believed_of_curvature(monkeypatch, changes, good):
    changes = {"beside": (7.0, 7.0)} | changes
    assert believed(monkeypatch, n=2, **changes)[0] == good


@pytest.mark.parametrize("n", [1, 2])
def test_each_look_has_its_steps_and_the_second_is_for_what_the_first_has_not_proved(monkeypatch, n):
    x = np.array([1.0, 2.0, 4.0, 8.0, 1.5])
    lines = PointLines(Function(lambda x: np.exp(x).sum(axis=0), None, vectorized=True), x, axes(5))
    fan, unit, asked = Symmetric(lines, np.arange(5)), ASIDE * np.array([1.0, 2, 4, 8, 1]), []
    proved = [np.array([True, False, False, True, False]), np.array([False, True, True])]

    def judged(part, table, values, step, first, order, fine):
        asked.append((part, table, step, first, fine))
        assert order == n
        t = np.multiply.outer(table.nodes, np.stack([step, -step]))
        exact = np.exp(x).sum() + np.exp(x[part.index] + t) - np.exp(x[part.index])
        np.testing.assert_allclose(values[..., 0], exact, rtol=1e-13)
        found = Found.empty(part.origin)
        found.value[:, 0] = part.index + 10.0 * len(asked)
        return proved[len(asked) - 1], found

    monkeypatch.setattr(_adaptive_survey, "_judged", judged)
    with np.errstate(all="ignore"):
        good, found = _look(fan, unit, n, 8)
    assert good.tolist() == [True, False, True, True, True]
    assert found.value[:, 0].tolist() == [10.0, 21.0, 22.0, 13.0, 24.0]
    (_, table, step, first, fine), (part, wider, longer, rest, no_limit) = asked
    np.testing.assert_allclose(table.nodes, [4 * step for step in EVERY], rtol=1e-15)
    np.testing.assert_array_equal(step, unit / 4)
    assert (fine, no_limit) == ({1: 1024, 2: 256}[n], math.inf)
    assert part.index.tolist() == [1, 2, 4] and len(wider.nodes) == 11 and table.m == wider.m == 0
    np.testing.assert_allclose(
        wider.nodes[:4], UNEVEN * np.array([2, 1.5 + 2 * BETWEEN, 1, 0.75 + BETWEEN]), rtol=1e-15
    )
    np.testing.assert_array_equal(longer, first.step[[1, 2, 4]])
    for name in ("step", "lawful", "bends"):
        np.testing.assert_array_equal(getattr(rest, name), getattr(first, name)[[1, 2, 4]])
    for name in ("slope", "slack"):
        np.testing.assert_array_equal(getattr(rest, name), getattr(first, name)[[1, 2, 4]])
    for name in ("terms", "beside", "bent", "noise"):
        np.testing.assert_array_equal(getattr(rest, name), getattr(first, name)[:, [1, 2, 4]])


def test_one_look_may_be_all(monkeypatch):
    function = Function(lambda x: np.exp(x).sum(axis=0), None, vectorized=True)
    fan = Symmetric(PointLines(function, np.ones(4), axes(4)), np.arange(4))
    judged = lambda part, *a: (np.ones(4, dtype=bool), Found.empty(part.origin))
    monkeypatch.setattr(_adaptive_survey, "_judged", judged)
    with np.errstate(all="ignore"):
        good, _ = _look(fan, np.full(4, ASIDE), 1, 7)
    assert good.all() and function.nfev == 2 + 4 * 2 * (9 + 2)


# Which lines. -----------------------------------------------------------------------------------------------


def test_room_for_the_first_look(monkeypatch):
    asked = []

    def looked(fan, unit, n, levels):
        asked.append((fan.index.tolist(), unit.tolist(), n, levels))
        found = Found.empty(fan.origin)
        found.value = found.value * 0 + 5.0
        found.value[:] = fan.index[:, None]
        return np.array([True, False, True, True]), found

    monkeypatch.setattr(_adaptive_survey, "_look", looked)
    x, unit = np.array([1.0, 2.0, 1.0, 4.0, 8.0, 1.0]), ASIDE * np.array([1.0, 2, 1, 4, 8, 1])
    room = EVERY[0] * unit
    room[[0, 3]] = np.nextafter(room[[0, 3]], 0)
    monkeypatch.setattr(Symmetric, "room", property(lambda fan: room[fan.index]))
    fits = np.array([1, 2, 4, 5])
    function = Function(lambda x: (x**2).sum(axis=0), None, vectorized=True)
    lines = PointLines(function, x, axes(6))
    found = Found.empty(lines.origin())
    rest = survey(lines, np.arange(6), 1, 9, found)
    assert asked == [([1, 2, 4, 5], unit[fits].tolist(), 1, 9)]
    assert rest.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(found.value[:, 0], [np.nan, 1, np.nan, np.nan, 4, 5])
