"""One circle in the complex plane, against plain sums and plain loops over one line and one output."""

import cmath
import math
from types import SimpleNamespace

import numpy as np
import pytest
from thresholds import near

from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.schemes import _cauchy_circle
from calcml.schemes._cauchy_circle import Circle, sample

INF, NAN = math.inf, math.nan
LINES, OUTPUTS = 200, 2
EPS = 2.0**-52
TINY = 5e-324
PI = "3.14159265358979323846264338327950288"


def lines_of(f, x):
    return ElementwiseLines(Function(f, None), np.asarray(x))


def circle_of(**given):
    empty = dict.fromkeys(Circle.__dataclass_fields__)
    return Circle(**{**empty, **given})


# Points and sums.


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("points", [16, 32])
def test_nodes(points, whole):
    nodes = _cauchy_circle._nodes(points, whole, np.dtype(float))
    expected = [
        cmath.exp(1j * math.pi * (2 * j + 1) / points) for j in range(points if whole else points // 2)
    ]
    np.testing.assert_allclose(nodes, expected, atol=4 * EPS)
    assert nodes.shape == (len(expected),) and not nodes.flags.writeable


def test_nodes_are_as_precise_as_x():
    wide = np.dtype(np.longdouble)
    assert _cauchy_circle._pi(np.dtype(float)) == math.pi
    assert abs(_cauchy_circle._pi(wide) - np.longdouble(PI)) <= np.finfo(wide).eps * 4
    nodes = _cauchy_circle._nodes(16, False, wide)
    assert nodes.dtype == np.clongdouble
    angle = np.longdouble(PI) * (2 * np.arange(8) + 1) / 16
    np.testing.assert_array_less(np.abs(nodes - np.exp(1j * angle)), 4 * np.finfo(wide).eps)


def sums_by_hand(values, points):
    """The Fourier sums of values at all points of one circle."""
    return [
        sum(values[j] * cmath.exp(-1j * k * math.pi * (2 * j + 1) / points) for j in range(points)) / points
        for k in range(points)
    ]


def test_fourier_sums():
    rng, points = np.random.default_rng(0), 16
    shape = (points, 3, 2)
    values = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    whole, half = _cauchy_circle._fourier(values, True), _cauchy_circle._fourier(values[:8], False)
    assert whole.shape == half.shape == shape
    for p in range(3):
        for m in range(2):
            column = values[:, p, m]
            np.testing.assert_allclose(whole[:, p, m], sums_by_hand(column, points), atol=1e-14)
            mirrored = [*column[:8], *column[7::-1].conj()]
            np.testing.assert_allclose(half[:, p, m], sums_by_hand(mirrored, points), atol=1e-14)
    assert np.abs(half.imag).max() < 1e-14
    wide = _cauchy_circle._fourier(np.ones((4, 1, 1), np.clongdouble), False)
    assert wide.dtype == np.clongdouble
    # exp(-i pi k / N) has all its digits, too: exp(i θ) has the term 1 at 1.
    nodes = _cauchy_circle._nodes(16, False, np.dtype(np.longdouble))
    terms = _cauchy_circle._fourier(nodes[:, None, None], False)[:, 0, 0]
    assert np.abs(terms - (np.arange(16) == 1)).max() <= 8 * np.finfo(np.longdouble).eps


@pytest.mark.parametrize("kind", [complex, np.clongdouble])
def test_slopes_at_the_points_from_the_first_half_of_the_terms(kind):
    rng, points = np.random.default_rng(1), 16
    a = (rng.standard_normal((points, 3, 2)) + 1j * rng.standard_normal((points, 3, 2))).astype(kind)
    found = _cauchy_circle._slopes(a)
    nodes = _cauchy_circle._nodes(points, True, a.real.dtype)
    expected = np.zeros((points, 3, 2), kind)
    for k in range(1, points // 2):
        expected += k * a[k] * (nodes**k)[:, None, None]
    np.testing.assert_array_less(np.abs(found - expected), 400 * np.finfo(a.real.dtype).eps)
    assert found.dtype == kind


def test_the_slope_of_a_straight_line_and_of_scattered_places():
    rng = np.random.default_rng(2)
    y = rng.standard_normal((7, 3, 2))
    for p in range(3):
        for m in range(2):
            slope = np.polynomial.Polynomial.fit(range(7), y[:, p, m], 1).convert().coef[1]
            assert _cauchy_circle._slope(y)[p, m] == pytest.approx(slope, rel=1e-12)
    assert _cauchy_circle._slope(3 - 2 * np.arange(8.0)[:, None])[0] == pytest.approx(-2, rel=1e-15)


# What the terms say.


def test_truncation():
    n, middle = 16, 15 / 16
    top, tail = np.array([[4.0, 0.25], [0.0, 8.0]]), np.array([[0.5, 0.125], [0.0, 0.0]])
    size = np.zeros((n, 2, 2))
    size[3], size[9] = top, top / 2
    circle = circle_of(size=size, terms=size, tail=tail)
    assert circle.points == n
    # The tail times its share of the largest, to the power of the places to come by those before.
    share = [[0.125, 0.5], [0.0, 0.0]]
    with np.errstate(all="raise"):
        for k in (0, 1, 5):
            expected = tail * np.power(share, (k / n + 1 - middle) / middle)
            np.testing.assert_allclose(circle.truncation(k), expected, rtol=1e-14)


def decay_by_hand(size, bottom):
    above = [k for k in range(len(size)) if size[k] >= bottom]
    last = above[-1] if above else 0
    later = [k for k in range(len(size)) if k >= last / 2]
    top = max(later, key=lambda k: (size[k], -k))
    if size[top] == 0 or bottom in (0, INF):
        return 0.0
    slope = math.log(size[top] / bottom) / (last + 1 - top) if last + 1 != top else 0.0
    return max(slope, 0.0) if math.isfinite(slope) else 0.0


def test_decay():
    rng, n = np.random.default_rng(3), 16
    power = (
        rng.integers(-4, 5, (n, LINES, OUTPUTS))
        - np.arange(n)[:, None, None] * rng.integers(0, 4, LINES)[:, None]
    )
    size, bottom = 2.0**power, 2.0 ** rng.integers(-30, 3, (LINES, OUTPUTS))
    with np.errstate(divide="ignore"):
        found = _cauchy_circle._decay(size, bottom)
    for p in range(LINES):
        for m in range(OUTPUTS):
            expected = decay_by_hand(size[:, p, m], bottom[p, m])
            assert found[p, m] == pytest.approx(expected, rel=1e-12, abs=1e-300)
    assert (found > 0).mean() > 0.5


@pytest.mark.parametrize(
    ("size", "bottom", "decay"),
    [
        # From the largest of the later half of those above the bottom to the place after the last.
        ([8, 4, 2, 1, 0, 0, 0, 0], 1.0, math.log(2.0) / 2),
        ([8, 4, 2, 1, 0.5, 0, 0, 0], 0.5, math.log(4.0) / 3),
        ([8, 8, 8, 8, 8, 8, 8, 8], 1.0, math.log(8.0) / 4),
        # Of equals the first.
        ([1, 1, 4, 4, 1, 0, 0, 0], 1.0, math.log(4.0) / 3),
        ([8, 0, 0, 0, 0, 0, 0, 0], 1.0, math.log(8.0)),
        ([0, 0, 0, 0, 0, 0, 0, 0], 1.0, 0.0),
        # Nothing above the bottom: there is no decay, nor growth.
        ([1, 1, 1, 1, 1, 1, 1, 1], 2.0, 0.0),
        ([INF, 1, 1, 1, 0, 0, 0, 0], 2.0, 0.0),
    ],
)
def test_decay_of_some_shapes(size, bottom, decay):
    with np.errstate(divide="ignore"):
        found = _cauchy_circle._decay(np.array(size, float)[:, None, None], np.array([[bottom]]))
    assert found[0, 0] == pytest.approx(decay, rel=1e-14)


def judged(*given):
    # Logarithms of zeros are the caller's affair.
    with np.errstate(all="ignore"):
        return _cauchy_circle._judged(*given)


def judged_by_hand(n, eps, terms, size, largest, origin, known):
    """What is told of one output on one line."""
    rounding = EPS * largest + 4 * TINY
    middle, quarter, tail = (max(size[n * a // 8 : n * b // 8]) for a, b in ((4, 5), (6, 8), (7, 8)))
    clean = quarter <= 8 * rounding
    y = [math.log(max(s, tail / 100, rounding)) for s in size[n // 2 :]]
    center = (len(y) - 1) / 2
    slope = sum((k - center) * v for k, v in enumerate(y)) / sum((k - center) ** 2 for k in range(len(y)))
    level = not clean and (abs(slope) * n <= 6 or quarter <= known)
    rising = not clean and not level and tail > 20 * middle
    noise = max(3 * quarter if clean or level else 4 * tail, rounding)
    floor = noise if clean or level else rounding
    mean = abs(terms[0] - origin) <= 1e3 * noise * math.sqrt(n) + 4 * eps * abs(origin)
    small = tail <= 1e-2 * max(size[1 : n // 2])
    good = (clean or small) and not rising and math.isfinite(largest) and mean
    decay = decay_by_hand(size, 8 * floor if clean or level else tail)
    return dict(
        rounding=rounding,
        noise=noise,
        floor=floor,
        tail=tail,
        decay=decay,
        clean=clean,
        level=level,
        good=good,
    )


@pytest.mark.parametrize("n", [16, 32])
def test_verdicts(n):
    rng = np.random.default_rng(n)
    shape = (LINES, OUTPUTS)
    eps, largest = 2.0**-23, rng.choice([1.0, 4.0, 2.0**-40, INF], shape, p=[0.5, 0.4, 0.05, 0.05])
    steep = rng.choice([0.0, 0.125, 0.25, 0.5, 1.0, -0.25, 3.0], shape)
    base = rng.choice([1.0, 2.0**-30, 2.0**-49], shape)
    size = base * 2.0 ** (rng.integers(0, 2, (n, *shape)) - steep * np.arange(n)[:, None, None])
    with np.errstate(invalid="ignore"):
        finite = np.where(np.isfinite(largest), largest, 1.0)
    # Ties at the thresholds, made by the largest term of the last quarter, or of the end.
    tie = rng.integers(0, 6, shape)
    size[6 * n // 8 :] = np.where(
        tie == 1,
        near(rng, 8 * EPS * finite, shape=shape) * 2.0 ** -rng.integers(0, 3, (n // 4, *shape)),
        size[6 * n // 8 :],
    )
    middle = size[n // 2 : 5 * n // 8].max(axis=0)
    size[-1] = np.where(tie == 2, near(rng, 20 * middle, shape=shape), size[-1])
    moving = size[1 : n // 2].max(axis=0)
    ends = near(rng, 1e-2 * moving, shape=shape) * 2.0 ** -rng.integers(0, 6, (n // 8, *shape))
    ends[0] = near(rng, 1e-2 * moving, shape=shape)
    size[7 * n // 8 :] = np.where(tie == 3, ends, size[7 * n // 8 :])
    quarter = size[6 * n // 8 :].max(axis=0)
    known = near(rng, 0.0, quarter, quarter / 2, shape=shape)
    origin = rng.choice([0.0, 1.0, -8.0], shape)
    terms = size * rng.choice([-1.0, 1.0], (n, *shape))
    lines = SimpleNamespace(eps=eps)
    index, radius = np.arange(LINES), rng.random(LINES)
    # The mean is as far from f(x) as it may be, or a little farther.
    first = judged(lines, index, radius, terms, size, largest, origin, known)
    allowed = 1e3 * first.noise * n**0.5 + 4 * eps * np.abs(origin)
    terms[0] = origin + rng.choice([-1.0, 1.0], shape) * np.where(tie == 4, 1.001, 0.999) * allowed
    terms[0] = np.where(tie == 5, size[0], terms[0])
    c = judged(lines, index, radius, terms, size, largest, origin, known)
    assert (c.index is index, c.radius is radius, c.terms is terms, c.size is size) == (True,) * 4
    for p in range(LINES):
        for m in range(OUTPUTS):
            expected = judged_by_hand(
                n, eps, terms[:, p, m], size[:, p, m], largest[p, m], origin[p, m], known[p, m]
            )
            for name, value in expected.items():
                assert getattr(c, name)[p, m] == pytest.approx(value, rel=1e-12), (name, p, m)
    for name in ("clean", "level", "good"):
        assert 0.05 < getattr(c, name).mean() < 0.95


def judge_one(n=16, *, eps=EPS, largest=1.0, origin=0.0, known=0.0, mean=None, **sizes):
    """Judge one output of one line, whose terms are given by place; the others are 2^-k."""
    size = 2.0 ** -np.arange(n)
    for name, value in sizes.items():
        size[int(name[1:])] = value
    terms = size.copy()
    terms[0] = origin if mean is None else mean
    given = [np.array([[v]]) for v in (largest, origin, known)]
    return judged(
        SimpleNamespace(eps=eps),
        np.zeros(1, int),
        np.ones(1),
        terms[:, None, None],
        size[:, None, None],
        *given,
    )


def after(x):
    return np.nextafter(x, INF)


def test_the_mean_at_its_threshold():
    # Noise 4 * 2^-14 = 2^-12 is allowed 1000 times, times 4, the root of 16.
    allowed = 1e3 * 2.0**-12 * 4
    assert judge_one(mean=allowed).good.all() and not judge_one(mean=after(allowed)).good.any()
    assert judge_one(mean=-allowed).good.all() and not judge_one(mean=-after(allowed)).good.any()
    # What x itself leaves open is 4 of its eps: 1.
    allowed += 1.0
    assert judge_one(mean=64 + allowed, origin=64.0, eps=2.0**-8).good.all()
    assert not judge_one(mean=64 + allowed + 2.0**-40, origin=64.0, eps=2.0**-8).good.any()
    assert judge_one(mean=-64 - allowed, origin=-64.0, eps=2.0**-8).good.all()


def test_the_end_against_what_moves_at_its_threshold():
    # The largest of the terms 1 to N / 2 - 1 moves.
    few = dict(k7=2.0**-8, k8=2.0**-9, k14=0.0, k15=0.0, k13=0.0, k12=0.0)
    for place in ("k1", "k7"):
        for k in range(1, 8):
            few[f"k{k}"] = 2.0**-20
        few |= {place: 1.0, "k14": 1e-2, "k8": 1e-2}
        assert judge_one(**few).good.all()
        assert not judge_one(**{**few, "k14": after(1e-2)}).good.any()
    few |= {"k7": 2.0**-20, "k8": 1.0}
    assert not judge_one(**few).good.any()
    few |= {"k0": 1.0, "k8": 1e-2}
    assert not judge_one(**few).good.any()


def test_a_rising_end_at_its_threshold():
    # 20 times the middle, terms 8 and 9 of 16, is not yet too much.
    m = 2.0**-12
    for between in (m, 4 * m):
        ends = {f"k{k}": 1.0 for k in range(1, 8)} | dict(k8=m / 2, k9=m, k10=between, k11=between)
        ends |= {f"k{k}": 20 * m for k in range(12, 16)}
        for place in ("k14", "k15"):
            c = judge_one(**ends)
            assert c.good.all() and not c.level.any()
            assert not judge_one(**{**ends, place: after(20 * m)}).good.any()


def test_noise_is_level_at_its_threshold(monkeypatch):
    # A hundredth of the tail is the least that counts.  The slope of 8 logarithms, two of them b and two of
    # them ln 100 below the others, is (6 b + 2 ln 100) / 42: it is 6 / 16 for b = 1.09.
    b = (42 * 6 / 16 - 2 * math.log(100)) / 6
    ends = dict(k10=0.0, k11=2.0**-20) | {f"k{k}": 2.0**-10 for k in range(12, 16)}
    for change, level in ((-1e-3, True), (1e-3, False)):
        low = math.exp(-b - change) * 2.0**-10
        assert judge_one(k8=low, k9=low, **ends).level.all() == level
    for slope in (0.375, -0.375):
        monkeypatch.setattr(_cauchy_circle, "_slope", lambda y, s=slope: np.full((1, 1), s))
        assert judge_one().level.all()
        monkeypatch.setattr(_cauchy_circle, "_slope", lambda y, s=slope: np.full((1, 1), s * (1 + EPS)))
        assert not judge_one().level.any()


def test_noise_is_never_below_rounding_and_zeros_have_some():
    none = {f"k{k}": 0.0 for k in range(16)}
    assert judge_one(largest=2.0, **none).noise == 2 * EPS
    c = judge_one(largest=0.0, **none)
    assert (c.rounding == 4 * TINY, c.noise == 4 * TINY, c.floor == 4 * TINY) == (True,) * 3
    assert c.clean.all() and c.good.all() and not c.level.any() and c.decay == 0
    assert judge_one(largest=0.0, **{**none, "k13": 32 * TINY}).clean.all()
    assert not judge_one(largest=0.0, **{**none, "k13": 33 * TINY}).clean.any()


def test_long_numbers_have_less_rounding():
    one = np.ones((1, 1), np.longdouble)
    size = np.longdouble(2) ** -np.arange(16)[:, None, None]
    c = _cauchy_circle._judged(
        SimpleNamespace(eps=EPS), np.zeros(1, int), one[0], size, size, one, one, 0 * one
    )
    assert c.rounding == np.finfo(np.longdouble).eps + 4 * TINY


# From f to the terms.


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", [None, np.dtype(float), np.dtype(complex)])
def test_f_is_asked_on_circles_of_some_lines(monkeypatch, kind, first):
    given, judged, shifted = [], [], []
    paired = kind == np.dtype(complex)
    nodes = _cauchy_circle._nodes(16, paired, np.dtype(float))
    rng = np.random.default_rng(5)
    values = rng.standard_normal((len(nodes), 2, 2)) + 1j * rng.standard_normal((len(nodes), 2, 2))
    origin = rng.standard_normal((5, 4 if paired else 2)) * 3
    known = rng.random((2, origin.shape[1]))

    def complex_values(lines, t, index, *, first):
        given.append((lines, t, index, first))
        return values

    monkeypatch.setattr(_cauchy_circle, "complex_values", complex_values)
    monkeypatch.setattr(_cauchy_circle, "_judged", lambda *given: judged.append(given) or "circle")
    lines = SimpleNamespace(
        origin=lambda: origin,
        function=SimpleNamespace(dtype=kind),
        dtype=np.dtype(float),
        point_dtype=np.dtype(float),
        representable=lambda t, rows: shifted.append(rows is index) or t,
    )
    index, radius = np.array([4, 1]), np.array([0.5, 2.0])
    assert sample(lines, index, radius, 16, known, first=first) == "circle"
    assert shifted == [True]
    ((asked, t, rows, told),) = given
    assert (asked is lines, rows is index, told) == (True, True, first)
    np.testing.assert_allclose(t, nodes[:, None] * radius, rtol=1e-15)
    ((asked, rows, r, terms, size, largest, at, noise),) = judged
    assert (asked is lines, rows is index, r is radius, noise is known) == (True,) * 4
    np.testing.assert_array_equal(at, origin[[4, 1]])
    a = _cauchy_circle._fourier(values, paired)
    top = np.abs(values).max(axis=0)
    if paired:
        # Real and imaginary parts side by side; both have the magnitude of the pair.
        for m in range(2):
            np.testing.assert_array_equal(terms[..., 2 * m], a[..., m].real)
            np.testing.assert_array_equal(terms[..., 2 * m + 1], a[..., m].imag)
            for part in (2 * m, 2 * m + 1):
                np.testing.assert_array_equal(size[..., part], np.abs(a)[..., m])
        top = np.array([[row[0], row[0], row[1], row[1]] for row in top])
    else:
        np.testing.assert_array_equal(terms, a.real)
        np.testing.assert_array_equal(size, np.abs(a.real))
    # f(x) can be larger than all values on the circle.
    np.testing.assert_array_equal(largest, np.maximum(top, np.abs(origin[[4, 1]])))
    assert (largest > top).any() and (largest == top).any()


def test_the_first_circles_are_the_default(monkeypatch):
    told = []
    monkeypatch.setattr(
        _cauchy_circle, "complex_values", lambda *a, first: told.append(first) or np.ones((8, 1, 1), complex)
    )
    sample(lines_of(np.exp, [1.0]), np.array([0]), np.array([0.5]), 16, np.zeros((1, 1)))
    assert told == [True]


def test_infinite_values_warn_nobody(monkeypatch):
    values = np.full((8, 1, 1), complex(INF, NAN))
    values[1] = 1e308 * (1 + 1j)
    monkeypatch.setattr(_cauchy_circle, "complex_values", lambda *a, first: values)
    with np.errstate(all="raise"):
        c = sample(lines_of(np.exp, [1e6]), np.array([0]), np.array([0.5]), 16, np.zeros((1, 1)))
    assert not c.good.any()


@pytest.mark.parametrize("paired", [False, True])
def test_values_are_put_back_on_the_circle(paired):
    # Of x + t with x = 2^20 every real part is rounded to 2^-32: the shift times f' is what it takes.
    factor = 1 + 2j if paired else 1.0
    x, radius = np.array([2.0**20, 3.0, -(2.0**21)]), np.array([0.5, 2.0, 0.25])
    f = lambda z: factor * (1 + (z - 2**20) + 3 * (z - 2**20) ** 2)
    g = lambda z: np.where(
        np.arange(3) == 1, factor * z**3, np.where(np.arange(3) == 2, factor * (z + 2**21), f(z))
    )
    lines = lines_of(g, x)
    lines.origin()
    c = sample(lines, np.array([0, 1, 2]), radius, 16, np.zeros((3, 2 if paired else 1)))
    expected = np.zeros((16, 3))
    expected[:3, 0] = 1, 0.5, 0.75
    expected[:4, 1] = 27, 27 * 2, 9 * 4, 8
    expected[1, 2] = 0.25
    for m, share in enumerate((1, 2) if paired else (1,)):
        # What is left is of second order: (2^-33 / 0.5)^2, and rounding of values up to 250.
        np.testing.assert_allclose(c.terms[..., m], share * expected, atol=250 * EPS)


def test_points_of_narrow_numbers_are_not_rounded():
    # Complex numbers are double, so x + t keeps all digits where x is single.
    lines = lines_of(
        lambda z: np.asarray(z, complex if np.iscomplexobj(z) else float) - 1024,
        np.array([1024.0], np.float32),
    )
    lines.representable = None
    c = sample(lines, np.array([0]), np.array([0.1]), 16, np.zeros((1, 1)))
    np.testing.assert_allclose(c.terms[:, 0, 0], 0.1 * (np.arange(16) == 1), atol=1024 * EPS)


@pytest.mark.parametrize("factor", [1, 1j])
def test_points_of_long_numbers(factor):
    wide = np.longdouble
    lines = lines_of(lambda z: factor * z * z, np.array([3.0], wide))
    outputs = lines.origin().shape[1]
    c = sample(lines, np.array([0]), np.array([0.5], wide), 16, np.zeros((1, outputs)))
    assert c.terms.dtype == wide
    expected = np.zeros(16, wide)
    expected[:3] = 9, 3, 0.25
    assert np.abs(c.terms[:, 0, -1] - expected).max() <= 64 * np.finfo(wide).eps
