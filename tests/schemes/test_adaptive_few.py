"""`Adaptive` number by number, for few lines: the digits, points and calls of its general way."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ordinary import NOT_PLAIN
from recorder import Recorder

import calcml as cm
from calcml._function import Function
from calcml._lines import ElementwiseLines
from calcml.errors import EvaluationError
from calcml.schemes import Adaptive, _adaptive_few, _adaptive_numbers
from calcml.schemes._adaptive_few import FEW, FewLines, few_lines
from calcml.schemes._adaptive_line import Line
from calcml.schemes._adaptive_numbers import answers, nodes_of
from calcml.schemes._quick import MOST

FUNCTIONS = {
    "sin": np.sin,
    "fast": lambda x: np.sin(1000 * x),
    "log": lambda x: np.log(np.abs(x) + 0.1),
    "root": lambda x: np.sqrt(x * x + 1e-3),
    "pole": lambda x: 1 / (x + 0.3),
    "tanh": np.tanh,
    "bell": lambda x: np.exp(-x * x),
    "cube": lambda x: x**3,
    "square": lambda x: x**2 - 3 * x + 1,
    "line": lambda x: 2 * x + 1,
    "far": lambda x: 1e6 + np.sin(x),
    "kink": lambda x: np.abs(x - 0.5),
    "noise": lambda x: np.sin(x) + 1e-9 * np.sin(1e7 * x),
    "steps": lambda x: np.round(np.exp(x), 6),
    "stairs": lambda x: np.floor(5 * x) + x,
    "tiny": lambda x: 1e-120 * np.cos(x),
    "huge": lambda x: 1e120 * np.cos(x),
    "edge": lambda x: np.where(x < 0.1, np.nan, np.log(np.abs(x - 0.1))) + 0 * x,
}
# How far, next to 1, a node is from where it would divide its octave evenly.
BETWEEN = 2.0**-5 / math.pi
numbers = st.floats(-5, 5).map(lambda v: 0.0 if abs(v) < 1e-3 else v)


def never(*_):
    return None


@pytest.fixture
def generally(monkeypatch):
    """Return what does a piece of work without the quick ways."""

    def work(job):
        with monkeypatch.context() as patch:
            patch.setattr(_adaptive_few, "answers", never)
            patch.setattr(FewLines, "gradient", lambda self, f, x: (None, []))
            patch.setattr(FewLines, "derivative", lambda self, f, x, n: (None, []))
            return job()

    return work


def plain(f, kinds):
    """Let a function return Python's floats or those of NumPy."""
    return lambda x: kinds(f(x))


def same(quick, expected, calls, others):
    assert type(quick) is type(expected)
    np.testing.assert_array_equal(quick, expected)
    assert [type(x) for x in calls.points] == [type(x) for x in others.points]
    assert [np.asarray(x).tolist() for x in calls.points] == [np.asarray(x).tolist() for x in others.points]


@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=numbers, n=st.integers(1, 11), kind=st.sampled_from([float, np.float64]))
def test_derivatives_at_a_number(name, x, n, kind):
    f = plain(FUNCTIONS[name], kind)
    calls, others = Recorder(f), Recorder(f)
    with pytest.MonkeyPatch.context() as patch:
        quick = cm.derivative(calls, kind(x), n)
        patch.setattr(_adaptive_few, "answers", never)
        patch.setattr(FewLines, "derivative", lambda self, f, x, n: (None, []))
        expected = cm.derivative(others, kind(x), n)
    same(quick, expected, calls, others)


@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=st.lists(numbers, min_size=1, max_size=5))
def test_gradients_of_few_variables(name, x):
    def f(x):
        return float(np.sum(FUNCTIONS[name](x) * np.arange(1, x.size + 1)) + 0.1 * x[0] * x[-1])

    calls, others, x = Recorder(f), Recorder(f), np.array(x)
    with pytest.MonkeyPatch.context() as patch:
        quick = cm.gradient(calls, x)
        patch.setattr(_adaptive_few, "answers", never)
        patch.setattr(FewLines, "gradient", lambda self, f, x: (None, []))
        expected = cm.gradient(others, x)
    same(quick, expected, calls, others)


@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=st.lists(numbers, min_size=1, max_size=4), n=st.integers(1, 4), levels=st.integers(4, 12))
def test_estimates_on_any_lines(name, x, n, levels):
    x = np.array(x)
    options = {"scheme": Adaptive(levels), "bounds": (x - 1e-3 * np.abs(x) - 1, x + 2)}
    with pytest.MonkeyPatch.context() as patch:
        quick = cm.estimate_derivative(FUNCTIONS[name], x, n, **options)
        patch.setattr(_adaptive_few, "answers", never)
        expected = cm.estimate_derivative(FUNCTIONS[name], x, n, **options)
    assert quick.nfev == expected.nfev
    for part in ("value", "error", "truncation", "noise", "step", "status"):
        np.testing.assert_array_equal(getattr(quick, part), getattr(expected, part))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_other_precision(dtype, generally):
    x = np.array([1.5, 0.7], dtype)
    for job in (
        lambda: cm.estimate_gradient(lambda x: np.sum(np.sin(x)) * x[0], x),
        lambda: cm.estimate_gradient(lambda x: dtype(np.sum(np.sin(x)) * x[0]), x.astype(float)),
    ):
        quick, expected = job(), generally(job)
        np.testing.assert_array_equal(quick.value, expected.value)
        np.testing.assert_array_equal(quick.error, expected.error)
        assert (quick.nfev, quick.step.tolist()) == (expected.nfev, expected.step.tolist())


@pytest.mark.parametrize(
    "job",
    [
        lambda: cm.estimate_gradient(lambda x: np.sin(x[0]) * x[1], [1.0, 2.0], vectorized=True),
        lambda: cm.jvp(lambda x: np.sin(x[0]) * x[1], [1.0, 2.0], [1.0, -3.0]),
        lambda: cm.directional_derivative(lambda x: np.sin(x[0]) * x[1], [1.0, 2.0], [1.0, -3.0]),
        lambda: cm.hessian(lambda x: np.sin(x[0]) * x[1] ** 2, [1.0, 2.0]),
        lambda: cm.gradient(lambda x, a: np.sin(a * x[0]) * x[1], [1.0, 2.0], args=(3.0,)),
        lambda: cm.gradient(lambda x: np.exp(x["a"]), {"a": 1.0}),
    ],
    ids=["vectorized", "jvp", "directional", "hessian", "args", "dict"],
)
def test_every_operator_takes_it(job, generally, monkeypatch):
    seen = []
    monkeypatch.setattr(_adaptive_few, "answers", lambda *a: seen.append(answers(*a)) or seen[-1])
    quick = job()
    assert seen and seen[-1] is not None
    expected = generally(job)
    assert str(quick) == str(expected)


def test_they_are_the_ways_that_operators_take(monkeypatch):
    monkeypatch.setattr(FewLines, "gradient", lambda self, f, x: (self.levels, []))
    monkeypatch.setattr(FewLines, "derivative", lambda self, f, x, n: ((self.levels, n), []))
    assert cm.gradient(np.sum, np.ones(2), scheme=Adaptive(5)) == 5
    assert cm.derivative(np.sin, 1.0, 3, scheme=Adaptive(6)) == (6, 3)
    scheme = Adaptive()
    assert scheme.few is scheme.one and scheme.few.levels == 7
    # Schemes are compared by their options.
    assert scheme == Adaptive() and hash(scheme) == hash(Adaptive())


@pytest.mark.parametrize(
    "options",
    [{"args": (1.0,)}, {"kwargs": {}}, {"bounds": (0.0, 2.0)}, {"workers": map}],
    ids=str,
)
def test_options_are_left_to_the_general_way(options, monkeypatch):
    monkeypatch.setattr(FewLines, "derivative", None)
    assert cm.derivative(lambda x, *a: np.sin(x), 1.0, **options) == pytest.approx(math.cos(1.0), rel=1e-12)


@pytest.mark.parametrize(("x", "n"), NOT_PLAIN)
def test_what_is_no_plain_number(x, n):
    assert FewLines(7).derivative(never, x, n) == (None, [])


def test_what_is():
    for x in (1.0, 1, np.float64(1.0), 2**53 - 1):
        value, seen = FewLines(7).derivative(lambda x: x * 0.5, x, 1)
        assert type(value) is np.float64 and value == pytest.approx(0.5) and len(seen) >= 19
    assert FewLines(7).derivative(np.exp, 0.0, MOST)[1]


def test_vectors_of_float64_only():
    few = FewLines(7)
    for x in ([1.0], np.ones((1, 1)), np.ones(1, np.float32), np.ones(0), np.ones(FEW + 1)):
        assert few.gradient(never, x) == (None, [])
    for x in ([math.nan, 1.0], [1.0, math.inf], [1e150, 1.0]):
        assert few.gradient(never, np.array(x)) == (None, [])
    value, _ = few.gradient(lambda x: float(np.sum(np.exp(x))), np.ones(FEW))
    np.testing.assert_allclose(value, np.e, rtol=1e-12)
    assert few.gradient(lambda x: x[0] ** 2, np.array([9e149, 1.0]))[1]


@pytest.mark.parametrize("value", [1, np.float32(1), 1j, True, np.array(1.0), np.ones(2), None, "1"])
def test_a_value_that_is_no_float_is_handed_over(value):
    few = FewLines(7)
    assert few.derivative(lambda x: value, 1.0, 1) == (None, [value])
    late = Recorder(lambda x: value if len(late.points) > 6 else float(x[0]))
    found, seen = few.gradient(late, np.ones(1))
    assert found is None and seen[-1] is value and len(seen) == len(late.points) == 7


@pytest.mark.filterwarnings("ignore::calcml.errors.AccuracyWarning")
def test_the_values_handed_over_are_not_asked_for_again():
    for f in (lambda x: np.float32(x**2), lambda x: np.round(x, 3), lambda x: x * 0 + 2.0):
        calls = Recorder(f)
        cm.derivative(calls, 1.0)
        assert len(calls.points) == cm.estimate_derivative(f, 1.0).nfev
    with pytest.raises(EvaluationError, match="after shape"):
        cm.gradient(lambda x: 1.0 if x[0] == 1 else np.ones(2), np.ones(1))


def test_an_error_of_the_user_arrives_as_it_is():
    for error in (ZeroDivisionError("mine"), ValueError("mine"), OverflowError("mine")):

        def f(x, error=error):
            if x != 1.0:
                raise error
            return 1.0

        with pytest.raises(type(error)) as caught:
            cm.derivative(f, 1.0)
        assert caught.value is error


def test_points_may_be_kept_and_written_to():
    kept = []

    def f(x):
        kept.append(x)
        value = float(np.sum(x**3))
        x[...] = 0
        return value

    x = np.array([1.0, 2.0])
    x.flags.writeable = False
    np.testing.assert_allclose(cm.gradient(f, x), [3, 12], rtol=1e-12)
    assert len(kept) == len({id(p) for p in kept})


def test_the_most_lines():
    for count, quick in ((FEW, True), (FEW + 1, False)):
        lines = _lines(np.exp, np.ones(count))
        with np.errstate(all="ignore"):
            found, fan = few_lines(lines, np.arange(count), 1, 7)
        assert (found is not None) == quick and len(fan.index) == count
        assert bool(fan.known) == quick
    with np.errstate(all="ignore"):
        some, _ = few_lines(_lines(np.exp, np.ones(3)), np.array([0, 2]), 1, 7)
    assert some.value.shape == (2, 1)
    np.testing.assert_allclose(some.value, np.e, rtol=1e-13)


def test_one_output_each():
    x = [0.5, 2.0]
    J = cm.jacobian(lambda x: np.array([x[0] * x[1] ** 2, np.exp(x[0]) * x[1]]), x)
    np.testing.assert_allclose(J, [[4, 2], [2 * np.exp(0.5), np.exp(0.5)]], rtol=1e-10)
    value = cm.derivative(lambda x: np.exp(1j * x), 1.0)
    assert value == pytest.approx(1j * np.exp(1j), rel=1e-10)


def test_lines_that_settle_at_different_trials(generally):
    def job():
        return cm.estimate_gradient(lambda x: np.sum(np.exp(x)), x)

    seen, x = [], np.array([0.0, 1.0, 2.0, -1.0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            _adaptive_numbers,
            "_ask",
            lambda *a, ask=_adaptive_numbers._ask: seen.append(len(a[2])) or ask(*a),
        )
        quick = job()
    assert seen[:5] == [4, 4, 4, 1, 1]
    expected = generally(job)
    np.testing.assert_array_equal(quick.value, expected.value)
    np.testing.assert_array_equal(quick.error, expected.error)
    with np.errstate(all="ignore"):
        found, _ = few_lines(_lines(np.exp, np.ones(2)), np.arange(2), 1, 7)
    assert found.value.shape == found.truncation.shape == found.noise.shape == (2, 1)
    assert found.step.shape == (2,)


def test_values_that_were_not_asked_for_are_not_taken():
    with np.errstate(all="ignore"):
        _, fan = few_lines(_lines(np.abs, [-1.0, 0.0]), np.arange(2), 1, 7)
        assert len(fan.known) == 1
        (t, index, values), nodes = fan.known[0], np.array([2.0, 1.0])
        step = t[1, 0]
        assert fan.evaluate(nodes, step, slice(None)) is values and not fan.known
        for other in ((2 * t, index), (t, index[::-1])):
            fan.known = [(*other, np.full_like(values, np.nan)), (t, index, values)]
            np.testing.assert_array_equal(fan.evaluate(nodes, step, slice(None)), values)
            assert not fan.known


def test_the_scale_of_a_number():
    x = [2.0**-1000, -(2.0**-1001), np.nextafter(2.0**-1000, 1), -3.0, 0.0]
    assert _adaptive_few._Axes(np.sum, np.array(x)).size == [0, 0, x[2], 3, 0]


def _lines(f, x):
    return ElementwiseLines(Function(f, None), np.asarray(x, float))


class Numbers:
    """A source with one line, on which f is what it is told."""

    def __init__(self, f=np.exp, origin=1.0, size=1.0, room=math.inf):
        self.f, self.origin, self.size, self.room, self.eps = f, [origin], [size], [room], 2.0**-52
        self.asked = []

    def evaluate(self, nodes, steps, rows):
        self.asked.append((list(nodes), *steps))
        t = [[[sign * node * steps[0]] for sign in (1, -1)] for node in nodes]
        with np.errstate(all="ignore"):
            return t, [[[float(self.f(v[0]))] for v in row] for row in t]


def test_what_is_asked_for():
    source = Numbers(f=lambda t: 1 / (1 + t))
    (answer,) = answers(source, 1, 7)
    assert answer.value == pytest.approx(-1, abs=answer.truncation + answer.noise)
    trials = [asked for asked in source.asked if asked[0] == [2.0, 1.0]]
    rest = source.asked[len(trials) :]
    nodes = [1.5 + 2 * BETWEEN, 0.75 + BETWEEN, 0.5, 0.375 + BETWEEN / 2, 0.25]
    assert rest[0][0] == nodes and answer.step == trials[-1][1] == rest[0][1]
    assert [asked[0] for asked in rest[1:]] == [[0.1875 + BETWEEN / 4, 0.125]]


def test_what_is_never_asked_for():
    for source in (
        Numbers(origin=1e150),
        Numbers(origin=math.nan),
        Numbers(size=1e150),
        Numbers(size=math.inf),
        Numbers(room=1e-100),
    ):
        assert answers(source, 1, 7) is None and not source.asked
    source = Numbers()
    assert answers(source, MOST + 1, 7) is None and not source.asked
    answers(source, MOST, 7)
    assert source.asked
    for source in (Numbers(origin=-9e149), Numbers(size=9e149), Numbers(room=2e-100)):
        answers(source, 1, 7)
        assert source.asked


def test_too_many_trials(monkeypatch):
    monkeypatch.setattr(_adaptive_numbers, "TRIALS", 2)
    assert answers(Numbers(), 1, 7) is None
    monkeypatch.setattr(_adaptive_numbers, "TRIALS", 3)
    assert answers(Numbers(), 1, 7) is not None


def test_too_many_nodes(monkeypatch):
    for most in (0, 1):
        monkeypatch.setattr(_adaptive_numbers, "EXTENSIONS", most)
        source = Numbers(f=lambda t: 1 / (1 + t))
        (answer,) = answers(source, 1, 5)
        assert answer.value == pytest.approx(-1, abs=answer.truncation + answer.noise)
        nodes = nodes_of(1, 5, most)
        assert source.asked[-1][0] == (nodes.ends[1] if most else nodes.fresh)


def test_the_search_goes_on_below_three_times(monkeypatch):
    looks = []
    monkeypatch.setattr(Line, "is_loud", lambda self, again: looks.append((self.step, again)) or True)
    source = Numbers(f=lambda t: 1 / (1 + t))
    (answer,) = answers(source, 1, 7)
    assert [again for _, again in looks] == [False, True, True, True]
    steps = [step for step, _ in looks]
    assert steps == sorted(steps, reverse=True) and len(set(steps)) == 4
    assert answer.value == pytest.approx(-1, abs=answer.truncation + answer.noise)
    # Six trials are left for each.
    monkeypatch.setattr(_adaptive_numbers, "TRIALS", 5)
    searches = []
    monkeypatch.setattr(
        _adaptive_numbers,
        "_search",
        lambda source, lines, trials, search=_adaptive_numbers._search: (
            searches.append(trials) or search(source, lines, trials)
        ),
    )
    answers(source, 1, 7)
    assert searches == [5, 3, 3, 3]


def test_the_nodes_of_a_tableau():
    first, second = nodes_of(1, 7, 0), nodes_of(1, 7, 1)
    # Those between two powers of two are aside, by the same share of the larger one.
    last = [0.375 + BETWEEN / 2, 0.25]
    assert first.fresh == [1.5 + 2 * BETWEEN, 0.75 + BETWEEN, 0.5, *last]
    assert first.order == [0, 2, 1, 3, 4, 5, 6]
    assert first.steps == [2.0, 1.5 + 2 * BETWEEN, 1.0, 0.75 + BETWEEN, 0.5, *last]
    assert first.ends == ([2.0, 1.5 + 2 * BETWEEN], last)
    assert second.ends == ([2.0, 1.5 + 2 * BETWEEN], [0.1875 + BETWEEN / 4, 0.125])
    dense, octave = nodes_of(6, 4, 0), [2.0, *(g + 2 * BETWEEN for g in (1.75, 1.5, 1.25))]
    assert (dense.fresh, dense.order) == ([*octave[1:], 0.875 + BETWEEN], [0, 2, 3, 4, 1, 5])
    assert nodes_of(6, 4, 1).ends == (octave, [0.75 + BETWEEN, 0.625 + BETWEEN, 0.5, 0.4375 + BETWEEN / 2])
    assert nodes_of(1, 7, 0) is first
    assert len(first.table.below) == 7 and len(second.table.below) == 9
