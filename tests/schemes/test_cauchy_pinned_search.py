"""The search for the radius, step by step, against plain loops over one line."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from thresholds import near

from calcml.schemes import _cauchy_search
from calcml.schemes._cauchy_search import Search

INF, NAN = math.inf, math.nan
LINES, OUTPUTS = 300, 2
EPS = 2.0**-52


def lines_of(count=LINES, outputs=OUTPUTS, **given):
    origin = given.pop("origin", np.zeros((count, outputs)))
    parts = dict(lower=np.full(count, -INF), upper=np.full(count, INF), size=np.ones(count))
    parts |= dict(origin=lambda: origin, count=len(origin), dtype=np.dtype(float), eps=EPS)
    return SimpleNamespace(**{**parts, **given})


def search_of(lines=None, table=None, radius=None, **given):
    search = Search(lines_of() if lines is None else lines, table, radius)
    for name, value in given.items():
        setattr(search, name, value)
    return search


# The beginning.


def test_the_first_circles():
    size = np.array([0.0, 1.0, 16.0, 16.0, 16.0, 1e308, 2.0**-60])
    lower = np.array([-INF, -INF, -0.5, -8.0, 0.0, -INF, -INF])
    upper = np.array([INF, 4.0, 1.0, 0.25, 1.0, INF, INF])
    origin = np.zeros((7, 3))
    with np.errstate(all="raise"):
        search = Search(lines_of(origin=origin, size=size, lower=lower, upper=upper), "table", None)
    assert search.fixed is False and search.table == "table"
    # An eighth of |x|, or 1, within the bounds; where these end at x there is no circle.
    assert search.radius.tolist() == [1.0, 0.125, 0.5, 0.25, 0.0, 0.125e308, 2.0**-63]
    assert search.alive.tolist() == [0, 1, 2, 3, 5, 6]
    assert search.room.tolist() == [INF, 4.0, 0.5, 0.25, 0.0, INF, INF]
    # 2^50 times as much, or at least 2^47.
    largest = [2.0**50, 4.0, 0.5, 0.25, 0.0, INF, 2.0**47]
    assert search.largest.tolist() == search.most.tolist() == largest
    assert search.most is not search.largest
    assert np.isnan(search.lower).all() and np.isinf(search.lowest).all()
    for column in (search.points, search.least, search.tries, search.hunted):
        assert (column.shape, column.any()) == ((7,), False)
    assert search.points.dtype == search.tries.dtype == int and search.hunted.dtype == bool
    for name in ("known", "pending", "rounding", "noise", "decay", "seen"):
        assert getattr(search, name).tolist() == origin.tolist(), name
    assert np.isnan(search.least_noise).all() and search.least_noise.shape == (7, 3)
    assert search.size.tolist() == [origin.tolist()]


def test_given_radii():
    lines = lines_of(4, size=np.full(4, 64.0), upper=np.array([INF, 1.0, INF, INF]))
    lines.origin()[2, 1], lines.origin()[3, 0] = NAN, INF
    search = Search(lines, None, np.array([2.0, 2.0, 0.5, 0.5]))
    assert search.fixed is True
    assert search.radius.tolist() == [2.0, 1.0, 0.5, 0.5]
    assert search.largest.tolist() == [2.0**51, 1.0, 2.0**49, 2.0**49]
    # Where f(x) is not finite there is nothing to look for.
    assert search.alive.tolist() == [0, 1]


def test_the_room_has_the_dtype_of_the_lines():
    search = Search(lines_of(dtype=np.dtype(np.longdouble)), None, None)
    assert search.room.dtype == search.radius.dtype == np.longdouble


@pytest.mark.parametrize("fixed", [False, True])
def test_lines_are_tried_until_a_circle_is_good(fixed):
    least = 4096 * EPS
    tried = []
    # At the third circle, never, by bounds on tries, and by the radius: equal to the least, or below it.
    size = np.array([1.0, 1.0, 1.0, 1.0, 2.0])
    search = search_of(lines_of(5, size=size), radius=np.ones(5) if fixed else None)
    search.radius[:] = 1.0, 1.0, least * 4, np.nextafter(least * 4, 0), least * 4
    search.alive = np.array([0, 1, 2, 3, 4])

    def trial(todo, points):
        tried.append((todo.tolist(), points))
        search.tries[todo] += 1
        search.radius[todo] *= np.where(todo > 1, 0.5, 1.0)
        if len(tried) == 3:
            search.lower[0] = 1.0
            search.tries[0] = 2

    search._try = trial
    search.start(32)
    if fixed:
        assert tried == [([0, 1, 2, 3, 4], 32)]
        return
    expected = [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [0, 1, 2], *[[1]] * 6]
    assert [todo for todo, _ in tried] == expected
    assert {points for _, points in tried} == {32}
    assert search.hunted.all()
    assert search.lost.tolist() == [1, 2, 3, 4]


def test_lines_whose_first_circle_was_not_good_are_hunted():
    search = search_of(lines_of(3))

    def trial(todo, points):
        # On line 2 the second circle is good.
        search.lower[todo] = np.where((todo == 2) & (search.tries[todo] == 0), NAN, 0.5)
        search.tries[todo] += np.isnan(search.lower[todo])

    search._try = trial
    search.alive = np.array([0, 2])
    search.start(16)
    assert search.hunted.tolist() == [False, False, True] and search.lost.tolist() == []
    search.lower[:] = NAN
    assert search.lost.tolist() == [0, 2]


@pytest.mark.parametrize("more", [False, True])
def test_refinement(more):
    search = search_of(lines_of(5), largest=np.full(5, 9.0), most=np.full(5, 3.0))
    search.alive = np.array([0, 1, 3, 4])
    search.lower[:] = 1.0, NAN, 1.0, 1.0, 1.0
    search.points[:] = 16, 16, 16, 32, 64
    asked, tried = [], []

    def worth(todo, n, points, *, more):
        asked.append((todo.tolist(), n, points, more))
        return todo[: 4 - len(asked)]

    search._worth, search._try = worth, lambda todo, points: tried.append((todo.tolist(), points))
    search.refine(3, 32, more=more)
    # Lines that had fewer points may grow again.
    assert search.most.tolist() == [9.0, 3.0, 3.0, 3.0, 3.0]
    assert asked == [([0, 3, 4], 3, 32, more), *[(todo, 3, 32, False) for todo in ([0, 3, 4], [0, 3], [0])]]
    assert tried == [(todo, 32) for todo in ([0, 3, 4], [0, 3], [0])]
    asked.clear()
    search._worth = lambda todo, n, points, *, more: asked.append(0) or todo
    search.refine(3, 32, more=more)
    # There is an end to it.
    assert len(asked) == 8


# A trial.


def circle_of(index, radius, size, **given):
    shape = size.shape[1:]
    yes = np.ones(shape, bool)
    parts = dict(index=index, radius=radius, size=size, points=len(size), noise=np.zeros(shape))
    parts |= dict(floor=np.zeros(shape), rounding=np.zeros(shape), decay=np.zeros(shape), tail=size[-1])
    return SimpleNamespace(**{**parts, "clean": yes, "level": ~yes, "good": yes, **given})


@pytest.mark.parametrize("fixed", [False, True])
def test_what_a_circle_teaches(monkeypatch, fixed):
    rng, count = np.random.default_rng(fixed), 2 * LINES
    index = rng.permutation(count)[:LINES]
    shape = (LINES, OUTPUTS)
    search = search_of(lines_of(count), SimpleNamespace(), np.ones(count) if fixed else None)
    radius = rng.choice([0.5, 1.0, 2.0], count)
    search.radius = radius.copy()
    last = near(rng, radius, 1.1 * radius, 8.0, shape=count)
    search.lower = np.where(rng.random(count) < 0.2, NAN, last)
    search.lowest = rng.choice([0.75, INF], count)
    search.known, search.pending, search.seen = (
        rng.choice([0.0, 2.0**-9, 2.0**-3], (count, OUTPUTS)) for _ in range(3)
    )
    search.least_noise = rng.choice([NAN, 2.0**-9, 2.0**-2], (count, OUTPUTS))
    search.tries = rng.integers(0, 3, count)
    before = {name: getattr(search, name).copy() for name in ("lowest", "known", "pending", "seen", "tries")}
    before["least_noise"], before["lower"] = search.least_noise.copy(), search.lower.copy()
    seen = before["seen"][index]
    noise = near(rng, 6 * seen, seen / 6, seen / 4, 2.0**-6, shape=shape)
    circle = circle_of(
        index,
        radius[index],
        np.ones((16, *shape)),
        noise=noise,
        clean=rng.random(shape) < 0.3,
        level=rng.random(shape) < 0.5,
        good=rng.random(shape) < 0.85,
    )
    sampled, entered, kept, gone, back_of = [], [], [], [], []

    def sample(lines, rows, radius, points, expected, *, first):
        sampled.append((lines, rows, radius.copy(), points, expected, first))
        return circle

    def back(circle, first):
        back_of.append((circle, first))
        return np.arange(LINES) + 0.5

    monkeypatch.setattr(_cauchy_search, "sample", sample)
    monkeypatch.setattr(_cauchy_search, "_back", back)
    search.table.enter = lambda circle, good: entered.append((circle, good))
    search._keep = lambda circle, good: kept.append((circle, good))
    search._retreat = lambda *given: gone.append(given)
    search._try(index, 16)

    ((lines, rows, r, points, expected, first),) = sampled
    assert (lines is search.lines, rows is index, points, first) == (True, True, 16, False)
    np.testing.assert_array_equal(r, radius[index])
    most = np.maximum(before["known"], before["pending"])[index]
    np.testing.assert_array_equal(expected, 6 * most)

    good, sound = [], []
    for i, p in enumerate(index):
        grown = circle.radius[i] > before["lower"][p]
        smaller = circle.radius[i] < before["lower"][p] / 1.1
        believed, noisy = [], []
        for m in range(OUTPUTS):
            e, b, level = noise[i, m], seen[i, m], circle.level[i, m]
            alike = e <= 6 * b and (grown or e >= b / 6)
            believed.append(not level or alike or fixed)
            stuck = smaller and not circle.clean[i, m] and e > b / 4
            noisy.append(e if level else max(e, b) if stuck else 0.0)
        sound.append(all(circle.good[i]))
        good.append(sound[-1] and all(believed))
        assert search.lowest[p] == min(before["lowest"][p], circle.radius[i])
        for m in range(OUTPUTS):
            known, least = before["known"][p, m], before["least_noise"][p, m]
            if good[-1]:
                known = max(known, noisy[m])
                least = noisy[m] if noisy[m] > 0 and not least <= noisy[m] else least
            assert search.known[p, m] == known
            np.testing.assert_equal(search.least_noise[p, m], least)
            assert search.seen[p, m] == noise[i, m]
            assert search.pending[p, m] == (noise[i, m] if circle.level[i, m] and not believed[m] else 0.0)
    good, sound = np.array(good), np.array(sound)
    assert 0.1 < good.mean() < sound.mean() < 0.9 or fixed
    for done in (entered, kept):
        assert done[0][0] is circle
        np.testing.assert_array_equal(done[0][1], good)
    assert back_of[0][0] is circle
    np.testing.assert_array_equal(back_of[0][1], before["tries"][index] == 0)
    np.testing.assert_array_equal(gone[0][0], index[~good])
    np.testing.assert_array_equal(gone[0][1], (np.arange(LINES) + 0.5)[~good])
    np.testing.assert_array_equal(gone[0][2], sound[~good])
    # Nothing is learned of other lines.
    others = np.setdiff1d(np.arange(count), index)
    for name, column in before.items():
        np.testing.assert_array_equal(getattr(search, name)[others], column[others])


def test_only_the_very_first_circle_explains_what_f_thinks(monkeypatch):
    told = []

    def sample(lines, rows, radius, points, expected, *, first):
        told.append(first)
        return circle_of(rows, radius, np.ones((16, len(rows), OUTPUTS)))

    monkeypatch.setattr(_cauchy_search, "sample", sample)
    search = search_of(lines_of(2), SimpleNamespace(enter=lambda circle, good: None))
    for rows in ([0], [1], [0]):
        search._try(np.array(rows), 16)
    assert told == [True, False, False]


def test_good_circles_are_kept():
    rng, count = np.random.default_rng(3), 4
    search = search_of(lines_of(count))
    search.noise[:], search.rounding[:], search.decay[:] = 7.0, 8.0, 9.0
    search.known[:] = 2.0**-8
    for points, index in ((16, [3, 1, 0]), (32, [1, 2]), (16, [2, 1])):
        index = np.array(index)
        shape = (len(index), OUTPUTS)
        good = index != 0
        circle = circle_of(index, index + 1.0, rng.random((points, *shape)))
        circle.floor, circle.rounding, circle.decay = (
            rng.choice([0.0, 1.0], shape),
            rng.random(shape),
            rng.random(shape),
        )
        search._keep(circle, good)
        for i, p in enumerate(index):
            if p == 0:
                continue
            np.testing.assert_array_equal(search.size[:points, p], circle.size[:, i])
            assert not search.size[points:, p].any()
            assert (search.lower[p], search.points[p]) == (p + 1.0, points)
            assert search.noise[p].tolist() == np.maximum(circle.floor[i], 2.0**-8).tolist()
            assert search.rounding[p].tolist() == circle.rounding[i].tolist()
            assert search.decay[p].tolist() == circle.decay[i].tolist()
    assert search.size.shape == (32, count, OUTPUTS)
    # Line 0 has had no good circle.
    assert np.isnan(search.lower[0]) and search.points[0] == 0 and not search.size[:, 0].any()
    assert (search.noise[0, 0], search.rounding[0, 0], search.decay[0, 0]) == (7.0, 8.0, 9.0)


def test_the_way_back():
    rng, count = np.random.default_rng(4), 2 * LINES
    index = rng.permutation(count)[:LINES]
    search = search_of(lines_of(count))
    tried = search.radius = rng.choice([1.0, 4.0], count)
    tried = tried.copy()
    lower = search.lower = rng.choice([0.25, 1.0, 4.0, 16.0, NAN], count)
    search.most = most = rng.choice([2.0, 16.0, INF], count)
    search.least = least = np.full(count, 0.125)
    most, least = most.copy(), least.copy()
    search.tries[:] = 3
    back = near(rng, 1.0, 0.25, 0.015625, 8.0, shape=LINES)
    sound = rng.random(LINES) < 0.4
    search._retreat(index, back, sound)
    for i, p in enumerate(index):
        if math.isnan(lower[p]):
            between, inside = tried[p] / 2, False
        else:
            # Between the two, but not below what the terms say.
            between, inside = max(math.sqrt(tried[p] * lower[p]), tried[p] * back[i]), tried[p] < lower[p]
        limit = most[p] if sound[i] or inside or back[i] > 1 else between
        assert search.most[p] == limit
        assert search.least[p] == (lower[p] if inside else 0.125)
        assert search.radius[p] == min(tried[p] * back[i], limit)
        assert search.tries[p] == 4
    others = np.setdiff1d(np.arange(count), index)
    np.testing.assert_array_equal(search.radius[others], tried[others])
    assert (search.tries[others] == 3).all() and (search.least[others] == 0.125).all()


# Whether another circle is worth it.


@pytest.mark.parametrize("more", [False, True])
def test_what_is_worth_another_circle(more):
    rng, count, n = np.random.default_rng(5), 2 * LINES, 3
    index = np.sort(rng.permutation(count)[:LINES])
    shape = (count, OUTPUTS)
    now, value = rng.integers(-30, 0, shape) / 4.0, rng.choice([-3.0, -40.0], shape)
    value = np.where(rng.random(shape) < 0.3, near(rng, now - np.log(32 * 2.0**-20), shape=shape), value)
    promise = now[index] - near(rng, np.log(4.0), np.log(8.0), 0.0, shape=(LINES, OUTPUTS))
    alone = now[index] + rng.choice([-3.0, 0.0, 1.0], (LINES, OUTPUTS))
    table = SimpleNamespace(
        place=lambda order: {3: 1}[order],
        log_error=np.array([now + 100, now]),
        log_value=np.array([value + 100, value]),
    )
    lines = lines_of(count, eps=2.0**-20)
    search = search_of(lines, table)
    lower = search.lower = rng.choice([0.5, 1.0, 2.0], count)
    points = search.points = rng.choice([16, 32, 64], count)
    radius = lower[index] * near(rng, 1.0, 1.1, 1 / 1.1, 4.0, 0.25, shape=LINES)
    search.radius[:] = 77.0
    asked = []

    def propose(rows, order, points):
        asked.append((rows.tolist(), order, points.tolist()))
        return (radius, promise) if len(asked) == 1 else (None, alone)

    search._propose = propose
    found = search._worth(index, n, 32, more=more)
    assert asked[0] == (index.tolist(), n, [32] * LINES)
    assert asked[1:] == ([(index.tolist(), n, points[index].tolist())] if more else [])
    expected = []
    for i, p in enumerate(index):
        wanted = False
        for m in range(OUTPUTS):
            accurate = now[p, m] - value[p, m] <= np.log(32 * 2.0**-20)
            best = min(now[p, m], alone[i, m]) if more else now[p, m]
            wanted |= not accurate and best - promise[i, m] > np.log(8.0 if more else 4.0)
        apart = abs(np.log(radius[i] / lower[p])) > np.log(1.1)
        if wanted and (apart or points[p] < 32):
            expected.append(p)
    assert found.tolist() == expected
    assert 0.1 * LINES < len(expected) < 0.9 * LINES
    np.testing.assert_array_equal(search.radius[index], radius)
    assert (np.delete(search.radius, index) == 77.0).all()


def test_no_radius_warns_nobody():
    table = SimpleNamespace(place=lambda n: 0, log_error=np.zeros((1, 1, 1)), log_value=np.zeros((1, 1, 1)))
    search = search_of(lines_of(1, 1), table)
    search.lower[:], search.points[:] = 1e300, 16
    for radius in (0.0, 1e-300):
        search._propose = lambda *given, r=radius: (np.array([r]), np.full((1, 1), -9.0))
        with np.errstate(all="raise"):
            assert search._worth(np.array([0]), 1, 16, more=False).tolist() == [0]


def proposed_by_hand(search, n, points, p):
    """The candidates: logarithms of their growth, of the mean error of all outputs, and of each."""
    low, high = (float(part[0]) for part in search._limits(np.array([p]), np.array([points])))
    candidates = []
    for share in np.linspace(0.0, 1.0, 24):
        s, errors = low + share * (high - low), []
        for m in range(OUTPUTS):
            noise, rounding, terms = search.noise[p, m], search.rounding[p, m], search.size[:, p, m]
            terms = [t if t > 4 * noise else 0.0 for t in terms]
            terms[0] = max(terms[0], noise)
            largest = max(t * math.exp(k * s) for k, t in enumerate(terms))
            errors.append(math.log(max(noise, rounding / max(terms) * largest)) - n * s)
        candidates.append((s, sum(errors) / OUTPUTS, [e - n * math.log(search.lower[p]) for e in errors]))
    return candidates


@pytest.mark.parametrize("n", [1, 4])
def test_proposals(n):
    rng, count = np.random.default_rng(n), 80
    search = search_of(lines_of(count))
    shape = (16, count, OUTPUTS)
    fall = rng.choice([0.0, 0.25, 1.0, 2.0], (count, OUTPUTS)) * np.arange(16)[:, None, None]
    search.size = 2.0 ** (rng.integers(-3, 4, shape) - fall) * (rng.random(shape) < 0.8)
    search.noise = rng.choice([2.0**-45, 2.0**-20, 2.0**-8, 16.0], (count, OUTPUTS))
    search.rounding = np.minimum(search.noise, rng.choice([2.0**-50, 2.0**-45, 2.0**-9], (count, OUTPUTS)))
    search.lower = rng.choice([0.25, 1.0, 3.0], count)
    limits = rng.choice([-2.0, -0.5, 0.0], count), rng.choice([0.0, 0.7, 4.0], count)
    search._limits = lambda index, points: tuple(limit[index] + 0.0 * points for limit in limits)
    # Terms at half of 8 times the noise: as much as that is not yet seen.
    search.size[5] = near(rng, 4 * search.noise, shape=(count, OUTPUTS))
    index = rng.permutation(count)[:60]
    with np.errstate(over="raise", invalid="raise"):
        radius, error = search._propose(index, n, np.full(60, 16))
    inner = 0
    for i, p in enumerate(index):
        candidates = proposed_by_hand(search, n, 16, p)
        growth = math.log(radius[i] / search.lower[p])
        # Which of several that are alike is left to rounding.
        least = min(mean for _, mean, _ in candidates)
        best = [(s, errors) for s, mean, errors in candidates if mean < least + 1e-9]
        errors = [errors for s, errors in best if s == pytest.approx(growth, abs=1e-9)]
        assert error[i] == pytest.approx(errors[0], abs=1e-9)
        inner += limits[0][p] + 0.01 < growth < limits[1][p] - 0.01 and len(best) == 1
    assert inner >= 5


@pytest.mark.parametrize(("share", "seen"), [(3.5, False), (4.0, False), (4.0 + 4 * EPS, True)])
def test_terms_above_four_times_the_noise_are_seen(share, seen):
    search = search_of(lines_of(1, 1), lower=np.ones(1), noise=np.ones((1, 1)), rounding=np.ones((1, 1)))
    search.size = np.zeros((16, 1, 1))
    search.size[8] = share
    search._limits = lambda index, points: (np.zeros(1), np.full(1, 4.0))
    # The noise of c_1 grows with this term, or else falls with the radius.
    radius, error = search._propose(np.zeros(1, int), 1, np.full(1, 16))
    assert radius[0] == pytest.approx(1.0 if seen else math.exp(4.0))
    assert error[0, 0] == pytest.approx(0.0 if seen else -4.0)
    assert error.dtype == np.float64


def test_of_equal_radii_the_smallest_is_proposed():
    # Where the first term is all there is, and all noise in proportion to it, c_1 is as good on any circle.
    search = search_of(lines_of(1, 1), lower=np.ones(1), rounding=np.ones((1, 1)))
    search.size, search.noise = np.zeros((16, 1, 1)), np.full((1, 1), 2.0**-60)
    search.size[1] = 1.0
    search._limits = lambda index, points: (np.zeros(1), np.full(1, 4.0))
    radius, error = search._propose(np.zeros(1, int), 1, np.full(1, 16))
    assert (radius[0], error[0, 0]) == (1.0, 0.0)


def test_limits_are_those_of_the_points_that_are_asked_for():
    given = []
    search = search_of(lines_of(3))
    search.lower[:], search.noise[:], search.rounding[:] = 1.0, 1.0, 1.0
    search._limits = lambda *asked: given.append(asked) or (np.zeros(2), np.zeros(2))
    search.size = np.zeros((16, 3, OUTPUTS))
    index, points = np.array([2, 0]), np.array([16, 32])
    with np.errstate(all="raise"):
        radius, error = search._propose(index, 2, points)
    assert given == [(index, points)]
    # A zero function keeps its noise.
    assert radius.tolist() == [1.0, 1.0] and not error.any()


def limits_by_hand(search, p, points):
    least = math.log(search.least[p] / search.lower[p]) if search.least[p] else -INF
    most = math.log(search.most[p] / search.lower[p]) if search.most[p] < INF else INF
    highs, still = [], True
    for m in range(OUTPUTS):
        top, noise = max(search.size[:, p, m]), search.noise[p, m]
        depth = math.log(top / noise) if top else -INF
        highs.append(search.decay[p, m] - max(depth, 0.0) / (7 / 8 * points))
        still &= max(search.size[1:, p, m]) <= 8 * noise
    high = min(highs)
    if still:
        high = max(high, math.log(0.125 / search.lower[p]))
    high = min(max(min(high, most), least), 700.0)
    return max(min(-0.5, high), least), high


def test_limits():
    rng, count = np.random.default_rng(7), LINES
    search = search_of(lines_of(count))
    shape = (16, count, OUTPUTS)
    search.size = 2.0 ** rng.integers(-20, 1, shape).astype(float)
    search.noise = rng.choice([2.0**-40, 2.0**-6, 2.0], (count, OUTPUTS))
    quiet = rng.random((count, 1)) < 0.4
    search.size[1:] = np.where(quiet, np.minimum(search.size[1:], search.noise), search.size[1:])
    search.size[0] *= rng.choice([1.0, 2.0**20, 0.0], (count, OUTPUTS))
    for k in (1, 7):
        term = near(rng, 8 * search.noise, search.noise, search.noise, shape=(count, OUTPUTS))
        search.size[k] = np.where(quiet, term, search.size[k])
    search.decay = rng.choice([0.0, 0.5, 2.0, 900.0], (count, OUTPUTS), p=[0.2, 0.3, 0.3, 0.2])
    search.lower = rng.choice([2.0**-8, 1.0, 4.0], count)
    search.least = search.lower * rng.choice([0.0, 0.25, 0.75, 2.0], count, p=[0.4, 0.3, 0.2, 0.1])
    search.most = search.lower * rng.choice([0.5, 1.0, 4.0, INF], count)
    points = rng.choice([16, 64], count)
    index = rng.permutation(count)
    with np.errstate(invalid="raise", over="raise"):
        low, high = search._limits(index, points)
    for i, p in enumerate(index):
        assert (low[i], high[i]) == pytest.approx(limits_by_hand(search, p, points[i]), rel=1e-12, abs=1e-13)
    assert len(set(low)) > 5 and len(set(high)) > 20


def test_limits_next_to_the_smallest_numbers_warn_nobody():
    search = search_of(lines_of(2, 1))
    search.lower[:] = 1e-310, 1.0
    search.least[:], search.most[:] = 0.0, 1e5
    search.size, search.noise = np.zeros((1, 2, 1)), np.full((2, 1), 5e-324)
    search.size[0, 0] = 1e300
    with np.errstate(divide="raise", over="raise"):
        low, high = search._limits(np.array([0, 1]), np.full(2, 16))
    assert (high.tolist(), low.tolist()) == ([700.0, 0.0], [-0.5, -0.5])


# How far back.


def back_by_hand(size, tail, level, good, first):
    """The factor for one output."""
    n, largest = len(size), max(size)
    before = max(size[n // 2 : 3 * n // 4])
    factor = 1 / 64
    if 0 < tail < 0.1 * before and 0 < largest < INF:
        slope = math.log(largest / tail) / n
        factor = min(max(math.exp(slope + math.log(EPS) / n) / 2, 1 / 64), 0.5)
    up = level and tail < 1e-3 * size[0] and first
    if good:
        return (8.0 if up else 0.125) if level else INF
    return 64.0 if up else factor


@pytest.mark.parametrize("n", [8, 16, 64])
def test_the_factors(n):
    rng = np.random.default_rng(n)
    shape = (LINES, OUTPUTS)
    fall = rng.choice([0.0, 0.25, 1.0, 2.5, 5.0], shape) * np.arange(n)[:, None, None] * 16 / n
    size = 2.0 ** (rng.integers(-2, 3, (n, *shape)) - fall)
    before = size[n // 2 : 3 * n // 4].max(axis=0)
    tail = near(rng, size[-1], 0.1 * before, 1e-3 * size[0], shape=shape)
    level, good, first = rng.random(shape) < 0.5, rng.random(shape) < 0.5, rng.random(LINES) < 0.5
    circle = circle_of(np.arange(LINES), np.ones(LINES), size, tail=tail, level=level, good=good)
    found = _cauchy_search._back(circle, first)
    for p in range(LINES):
        each = [
            back_by_hand(size[:, p, m], tail[p, m], level[p, m], good[p, m], first[p]) for m in range(OUTPUTS)
        ]
        assert found[p] == pytest.approx(min(each), rel=1e-12)
    # All kinds of answers, and numbers between the fixed ones.
    assert {1 / 64, 0.125, 0.5, 8.0, 64.0, INF} < set(found)


def test_factors_of_zeros_and_infinities_warn_nobody():
    size = np.zeros((16, 3, 1))
    size[:, 1], size[:4, 2] = INF, 1.0
    bad = np.zeros((3, 1), bool)
    circle = circle_of(np.arange(3), np.ones(3), size, good=bad, level=bad)
    with np.errstate(all="raise"):
        assert _cauchy_search._back(circle, np.ones(3, bool)).tolist() == [1 / 64] * 3
