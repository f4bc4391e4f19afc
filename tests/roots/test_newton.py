"""`newton`: the catalogue of equations, with and without derivatives and brackets, many at once."""

import functools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml._status import Status
from calcml.errors import ConvergenceError, ConvergenceWarning, EvaluationError
from calcml.roots import RootResult, newton
from calcml.roots import _blocks as blocks
from calcml.testing.roots import root_cases

REAL = [case for case in root_cases() if not isinstance(case.x0, complex)]
SOLVABLE = [case for case in REAL if case.roots]
# From these starts every iteration that lowers |f| runs away, stands still or ends in a minimum of |f|.
OPEN = {"runaway", "flat_start"}
MAY_STALL = {"cycle"}


def quietly(f, *args, **kwargs):
    with np.errstate(all="ignore"):
        return f(*args, **kwargs)


def is_right(result, case):
    """The nearest root lies within the stated error, below 1e-6 even for a double root in rounding."""
    distance = min(abs(result.x - root) for root in case.roots)
    return distance <= result.error <= 1e-6 * max(1.0, abs(result.x))


@pytest.mark.parametrize("case", SOLVABLE, ids=lambda case: case.name)
@pytest.mark.parametrize("method", ["differences", "newton", "halley"])
def test_catalogue_without_bracket(case, method):
    options = {
        "differences": {},
        "newton": {"derivative": case.derivative},
        "halley": {"derivative": case.derivative, "second_derivative": case.second_derivative},
    }[method]
    if case.name in OPEN:
        with pytest.warns(ConvergenceWarning):
            result = newton(case.f, case.x0, **options)
        assert not result.success
        return
    if case.name in MAY_STALL:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            result = newton(case.f, case.x0, **options)
        assert is_right(result, case) or result.status in {Status.STALLED, Status.ZERO_DERIVATIVE}
        return
    result = newton(case.f, case.x0, **options)
    assert result.success
    assert is_right(result, case)


@pytest.mark.parametrize("case", [c for c in SOLVABLE if c.bracket], ids=lambda case: case.name)
@pytest.mark.parametrize("exact", [False, True])
def test_catalogue_with_bracket_always_converges(case, exact):
    seen = []

    def f(x):
        seen.append(float(x))
        return case.f(x)

    x0 = float(np.clip(case.x0, *case.bracket))
    result = newton(f, x0, bracket=case.bracket, derivative=case.derivative if exact else None)
    assert result.success
    assert is_right(result, case)
    assert case.bracket[0] <= min(seen) <= max(seen) <= case.bracket[1]
    assert result.nfev == len(seen)


@pytest.mark.parametrize("case", [c for c in REAL if not c.roots], ids=lambda case: case.name)
def test_no_root_is_no_success(case):
    with pytest.warns(ConvergenceWarning, match="newton"):
        result = newton(case.f, case.x0)
    assert not result.success
    assert result.error == np.inf


def test_counts_are_exact():
    calls = {"f": 0, "d": 0, "h": 0}

    def count(name, value):
        calls[name] += 1
        return value

    result = newton(
        lambda x: count("f", x * x - 2.0),
        1.0,
        derivative=lambda x: count("d", 2 * x),
        second_derivative=lambda x: count("h", 2.0 + 0 * x),
    )
    assert (result.nfev, result.ngev, result.nhev) == (calls["f"], calls["d"], calls["h"])
    # One evaluation at the start, one after each iteration but the last, which finds that no step is left,
    # and six looks around the root.
    assert result.nfev == 1 + (result.nit - 1) + 6
    assert result.ngev == result.nhev == result.nit


def test_differences_take_two_evaluations_more():
    result = newton(lambda x: 2 * x - 6, 1.0)
    # Central differences of a straight line are exact: f and two for the slope, f at the root, six looks.
    assert (result.nit, result.nfev, result.ngev, result.nhev) == (1, 3 + 1 + 6, 0, 0)


@functools.cache
def halley_iterations():
    f, d, h = (lambda x: np.exp(x) - 5), np.exp, np.exp
    return newton(f, 4.0, derivative=d).nit, newton(f, 4.0, derivative=d, second_derivative=h).nit


def test_halley_takes_fewer_iterations():
    plain, halley = halley_iterations()
    assert halley < plain


@pytest.mark.parametrize("m", [2, 3, 5])
def test_multiple_roots_are_accelerated(m):
    # Unaccelerated, e shrinks by 1 - 1/m: 36 steps for m = 2 to reach rounding, and more for the others.
    result = newton(
        lambda x: (x - 1) ** m * np.exp(x),
        2.0,
        derivative=lambda x: (m + x - 1) * (x - 1) ** (m - 1) * np.exp(x),
    )
    assert result.success
    assert result.nit < 25
    assert abs(result.x - 1) <= result.error < 1e-12


def test_result_has_the_shape_of_the_start():
    targets = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    result = newton(lambda x: x**3 - targets, np.ones((2, 3)))
    assert result.x.shape == result.success.shape == result.status.shape == result.error.shape == (2, 3)
    np.testing.assert_allclose(result.x, np.cbrt(targets), rtol=4e-16)
    assert set(result.trace.columns) == {"running", "step"}
    assert result.trace["running"][0] == 5  # the cube root of 1 is the start
    assert result.trace["running"][-1] == 0


def test_zero_dimensions_give_scalars():
    result = newton(lambda x: x**2 - 2, np.array(1.0))
    assert isinstance(result.x, np.floating)
    assert isinstance(result.status, Status)
    assert result.trace["x"][0] == 1.0
    assert result.trace["x"][-1] == result.x
    assert len(result.trace) == result.nit + 1
    assert result.check() is result


def test_length_one_and_empty():
    assert newton(lambda x: x - 3, [0.0]).x.shape == (1,)
    result = newton(lambda x: 1 / 0, np.empty((0, 2)))
    assert result.x.shape == result.status.shape == (0, 2)
    assert (result.nfev, result.nit) == (0, 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_dtype_is_kept(dtype):
    result = newton(lambda x: x**2 - 2, np.array([1.0], dtype=dtype))
    assert result.x.dtype == dtype
    assert abs(result.x[0] - np.sqrt(np.longdouble(2))) <= result.error[0] <= 16 * np.finfo(dtype).eps
    assert result.success.all()


def test_function_that_computes_in_float32():
    result = newton(lambda x: (np.float32(x) ** 2 - np.float32(2)).astype(np.float32), 1.0)
    assert result.success
    # The value jumps by single-precision rounding: 6e-8 near 1.4.
    assert abs(result.x - math.sqrt(2)) <= result.error < 1e-5


def test_integers_become_float64():
    result = newton(lambda x: x**2 - 9, [1, 10])
    assert result.x.dtype == np.float64
    np.testing.assert_allclose(result.x, 3, rtol=4e-16)


def test_read_only_start_is_not_changed():
    x0 = np.array([1.0, 2.0])
    x0.flags.writeable = False
    newton(lambda x: x**2 - 2, x0)
    assert x0.tolist() == [1.0, 2.0]


def test_arguments_are_passed_on():
    result = newton(
        lambda x, a, *, b: x**a - b,
        1.0,
        derivative=lambda x, a, *, b: a * x ** (a - 1),
        args=(3,),
        kwargs={"b": 8.0},
    )
    assert abs(result.x - 2) < 1e-15


def test_constant_derivative_may_be_one_number():
    result = newton(lambda x: 2 * x - np.array([2.0, 4.0]), [0.0, 0.0], derivative=lambda x: 2.0)
    assert result.x.tolist() == [1.0, 2.0]


def test_scheme_may_be_chosen():
    result = newton(lambda x: np.exp(x) - 2, 0.0, scheme="complex")
    assert abs(result.x - math.log(2)) <= result.error


def test_workers_give_the_same_bits():
    f = functools.partial(np.polyval, [1.0, 0.0, -2.0, -5.0])
    alone = newton(f, [2.0, 3.0])
    shared = newton(f, [2.0, 3.0], workers=lambda g, values: [g(v) for v in values])
    assert alone.x.tobytes() == shared.x.tobytes()


@given(
    st.lists(st.floats(-50, 50), min_size=1, max_size=4),
    st.floats(0.1, 3),
)
def test_root_of_a_product(roots, rate):
    """Newton on (x - r) g(x), g > 0, finds r."""
    r = np.array(roots)
    result = newton(lambda x: (x - r) * (1 + np.exp(rate * np.tanh(x))), r + 0.7)
    assert result.success.all()
    assert (np.abs(result.x - r) <= result.error).all()


@given(st.floats(-120, 120), st.floats(-120, 120))
def test_scales_do_not_matter(log_x, log_f):
    s, a = 10.0**log_x, 10.0**log_f
    result = newton(lambda x: a * ((x / s) ** 3 - 2), 1.5 * s, derivative=lambda x: 3 * a / s * (x / s) ** 2)
    assert result.success
    # Within the stated error and a rounding of s.
    assert abs(result.x / s - np.cbrt(2.0)) <= result.error / s + 1e-15


@given(st.floats(-300, 299), st.floats(0.05, 0.95))
def test_bracket_over_all_decades(exponent, part):
    root = 10.0**exponent
    result = newton(lambda x: np.cbrt(x) - np.cbrt(root), part, bracket=(0.0, 1e300))
    assert result.success
    assert abs(result.x - root) <= result.error <= 1e-13 * root


def test_blocks_change_nothing(monkeypatch):
    targets = np.linspace(0.1, 20, 60)

    def solve():
        return newton(
            lambda x: x * np.exp(x) - targets, np.ones(60), second_derivative=lambda x: (x + 2) * np.exp(x)
        )

    whole = solve()
    monkeypatch.setattr(blocks, "BLOCK", 7)
    pieces = solve()
    assert whole.x.tobytes() == pieces.x.tobytes()
    assert whole.nit == pieces.nit


def test_many_at_once_take_few_iterations():
    rng = np.random.default_rng(0)
    mean = rng.uniform(0, np.pi, 20000)
    result = newton(lambda x: x - 0.7 * np.sin(x) - mean, mean, derivative=lambda x: 1 - 0.7 * np.cos(x))
    assert result.success.all()
    assert result.nit <= 12  # the slowest of them, closing its bracket included
    assert (np.abs(result.fun) < 2e-15).all()  # rounding of numbers up to pi


def test_card():
    result = newton(lambda x: x**2 - 2, 1.0)
    assert "1.414213562373" in repr(result)
    assert "Converged" in repr(result)
    card = repr(newton(lambda x: x**2 - 2, [1.0, 2.0]))
    assert "2 of 2" in card
    assert '"nit"' in result.to_json()


class TestRefusals:
    def boom(self, x):
        raise AssertionError

    @pytest.mark.parametrize(
        ("options", "error", "text"),
        [
            ({"f": 3.0}, TypeError, "`f` must be callable"),
            ({"derivative": 3.0}, TypeError, "`derivative` must be callable"),
            ({"second_derivative": "x"}, TypeError, "`second_derivative` must be callable"),
            ({"x0": 1j}, TypeError, "`x0` is complex"),
            ({"x0": {"a": 1.0}}, TypeError, "use `newton_system`"),
            ({"x0": "1"}, TypeError, "`x0` must hold real numbers"),
            ({"bracket": 3.0}, TypeError, "`bracket` must be a pair"),
            ({"bracket": (2.0, 0.0)}, ValueError, "a < b, got \\(2.0, 0.0\\) at index 0"),
            ({"bracket": (0.0, np.inf)}, ValueError, "`bracket` must be finite"),
            ({"bracket": (2.0, 3.0)}, ValueError, "`x0` must lie in `bracket`, got 1.0"),
            ({"bracket": ([0.0, 0.0], 3.0)}, ValueError, "end of shape \\(2,\\)"),
            ({"x0": np.nan, "bracket": (0.0, 1.0)}, ValueError, "`x0` must lie in"),
            ({"scheme": "best"}, ValueError, "`scheme` must be one of"),
            ({"max_iterations": 0}, ValueError, "`max_iterations` must be at least 1"),
            ({"max_iterations": 1.5}, TypeError, "`max_iterations` must be an integer"),
            ({"workers": "many"}, TypeError, "`workers` must be"),
            ({"args": 3}, TypeError, "`args` must be a tuple"),
        ],
    )
    def test_before_the_first_call(self, options, error, text):
        arguments = {"f": self.boom, "x0": 1.0} | options
        with pytest.raises(error, match=text):
            newton(arguments.pop("f"), arguments.pop("x0"), **arguments)

    def test_f_is_not_elementwise(self):
        with pytest.raises(EvaluationError, match="`newton` needs an elementwise f: for x of shape \\(3,\\)"):
            newton(np.sum, np.ones(3))

    def test_derivative_has_another_shape(self):
        with pytest.raises(EvaluationError, match="`derivative` must return the shape of x, \\(3,\\)"):
            newton(lambda x: x - 2, np.ones(3), derivative=lambda x: np.ones(2))

    def test_complex_values(self):
        with pytest.raises(EvaluationError, match="`f` must return real numbers, got complex128"):
            newton(lambda x: x + 1j, 1.0)
        with pytest.raises(EvaluationError, match="`derivative` must return real numbers"):
            newton(lambda x: x - 2, 1.0, derivative=lambda x: 1j)

    def test_errors_of_the_user_arrive_unchanged(self):
        with pytest.raises(ZeroDivisionError):
            newton(lambda x: 1 / 0, 1.0)

    def test_check_raises_what_the_status_says(self):
        with pytest.warns(ConvergenceWarning) as record:
            result = newton(lambda x: x**2 + 1, [1.0, 0.3])
        assert record[0].filename == __file__
        assert "did not solve 2 of 2 equations, the first at flat index 0" in str(record[0].message)
        assert isinstance(result, RootResult)
        with pytest.raises(ConvergenceError, match=r"derivative vanished|stopped falling"):
            result.check()
