"""minimize: structures, counts, statuses, messages, and what it refuses."""

import dataclasses
import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml import ConvergenceError, ConvergenceWarning, EvaluationError, Status, estimate_gradient
from calcml.descent import DescentState, directions, gradient_descent, iterate, minimize, steps


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def slope(x):
    return np.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)])


def bowl(x):
    return np.sum((np.asarray(x) - 1.0) ** 2)


START = np.array([-1.2, 1.0])
START.flags.writeable = False
METHODS = ("bfgs", "lbfgs", "newton", "steepest", "momentum", "nesterov", "barzilai-borwein")


def quietly(f, x0, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return minimize(f, x0, **options)


# Structures and dtypes.


@pytest.mark.parametrize("x0", [3.0, [3.0, -1.0], np.full((2, 2), 3), np.array(3.0), True])
def test_x_has_the_shape_of_the_start(x0):
    result = minimize(bowl, x0)
    assert np.shape(result.x) == np.shape(result.jac) == np.shape(result.jac_error) == np.shape(x0)
    assert np.allclose(result.x, 1, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_x_has_the_dtype_of_the_start(dtype):
    result = minimize(bowl, np.array([3.0, -1.0], dtype))
    assert result.success
    assert result.x.dtype == dtype
    # The iteration itself runs in float64, so only the last cast rounds.
    assert np.allclose(result.x.astype(float), 1, atol=1e-7)


def test_values_in_single_precision_still_lead_to_the_minimum():
    result = minimize(lambda x: np.float32(rosenbrock(x)), START)
    assert result.success
    # f is good to 1e-7 there, which leaves x good to sqrt(1e-7 / 0.4).
    assert np.allclose(result.x, 1, atol=5e-4)


@dataclasses.dataclass
class Line:
    slope: float
    offset: np.ndarray


@pytest.mark.parametrize(
    "x0",
    [
        {"slope": 3.0, "offset": np.array([4.0, 5.0], np.float32)},
        Line(3.0, np.array([4.0, 5.0], np.float32)),
        (3.0, np.array([4.0, 5.0], np.float32)),
        [np.array([4.0]), np.array([5.0, 6.0])],
    ],
    ids=["dict", "dataclass", "tuple", "list"],
)
def test_structures_come_back_as_they_went_in(x0):
    def parts(p):
        if isinstance(p, dict):
            return list(p.values())
        return [p.slope, p.offset] if isinstance(p, Line) else list(p)

    result = minimize(lambda p: sum(np.sum((part - 1) ** 2) for part in parts(p)), x0)
    assert type(result.x) is type(x0)
    for part, start in zip(parts(result.x), parts(x0), strict=True):
        assert np.allclose(part, 1, atol=1e-6)
        assert np.shape(part) == np.shape(start)
        assert np.asarray(part).dtype == np.asarray(start).dtype
    assert result.trace["x"].shape == (result.nit + 1, 3)


def test_gradient_and_hessian_of_a_structure():
    def f(p):
        return (p["a"] - 1) ** 2 + np.sum((p["b"] - p["a"]) ** 2)

    def grad(p):
        return {"a": 2 * (p["a"] - 1) - 2 * np.sum(p["b"] - p["a"]), "b": 2 * (p["b"] - p["a"])}

    def hess(p):
        return {
            "a": {"a": np.array(6.0), "b": -2 * np.ones(2)},
            "b": {"a": -2 * np.ones(2), "b": 2 * np.eye(2)},
        }

    result = minimize(f, {"a": 3.0, "b": np.array([0.0, 5.0])}, grad=grad, hess=hess, method="newton")
    assert result.nit == 1
    assert np.allclose(result.x["b"], 1)
    assert result.nhev == 2  # one for the step, one to verify


def test_extra_arguments_reach_every_function():
    seen = []

    def f(x, a, b=0.0):
        return np.sum((x - a - b) ** 2)

    def grad(x, a, b=0.0):
        seen.append((a, b))
        return 2 * (x - a - b)

    result = minimize(f, [0.0], grad=grad, args=(2.0,), kwargs={"b": 1.0})
    assert np.allclose(result.x, 3)
    assert set(seen) == {(2.0, 1.0)}


def test_vectorized_and_workers_change_nothing():
    plain = minimize(rosenbrock, START)
    batch = minimize(rosenbrock, START, vectorized=True)
    mapped = minimize(rosenbrock, START, workers=map)
    assert np.array_equal(plain.x, batch.x)
    assert np.array_equal(plain.x, mapped.x)
    # The first batch is checked against one of its columns.
    assert plain.nfev == mapped.nfev == batch.nfev - 1


# Counts.


@pytest.mark.parametrize("n", [1, 2, 5])
def test_each_difference_gradient_costs_two_evaluations_per_variable(n):
    scales = np.arange(1.0, n + 1)
    states = list(iterate(lambda x: np.sum(scales * x**2), np.full(n, 3.0), step=0.8 / n, method="steepest"))
    spent = np.diff([state.nfev for state in states])
    assert states[0].nfev == 1 + 2 * n
    assert (spent[:-1] == 1 + 2 * n).all()  # one value and one gradient per step
    # The last one adds its error, 4 points per axis, and its Hessian, 4 per axis and pair, and f; and a look
    # at a longer step along each axis on which all differences vanish, as they do beside 0.
    last = estimate_gradient(lambda x: np.sum(scales * x**2), states[-1].x, scheme="central")
    further = np.count_nonzero(last.value == 0)
    assert spent[-1] == (1 + 2 * n) + (4 * n + 2 * further) + (4 * n * (n + 1) // 2 + 1)


def test_counts_are_those_of_the_functions():
    calls = {"f": 0, "grad": 0, "hess": 0}

    def counted(name, function):
        def wrapped(x):
            calls[name] += 1
            return function(x)

        return wrapped

    hess = counted("hess", lambda x: np.array([[2.0, 0.0], [0.0, 20.0]]))
    for method in METHODS:
        calls.update(f=0, grad=0, hess=0)
        result = minimize(
            counted("f", lambda x: x[0] ** 2 + 10 * x[1] ** 2),
            [3.0, 4.0],
            grad=counted("grad", lambda x: np.array([2 * x[0], 20 * x[1]])),
            hess=hess,
            method=method,
        )
        assert result.success
        assert (result.nfev, result.ngev, result.nhev) == (calls["f"], calls["grad"], calls["hess"])


def test_verification_is_what_it_costs():
    options = {"grad": slope, "hess": lambda x: np.diag([800.0, 200.0])}
    checked, unchecked = (minimize(rosenbrock, START, verify=v, **options) for v in (True, False))
    assert (checked.nhev, unchecked.nhev) == (1, 0)
    assert np.array_equal(checked.x, unchecked.x)


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_random_convex_quadratics(n, seed):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n, n))
    A, b = factor @ factor.T + np.eye(n), rng.normal(size=n)
    exact = np.linalg.solve(A, b)
    result = minimize(lambda x: 0.5 * x @ A @ x - b @ x, np.zeros(n), grad=lambda x: A @ x - b)
    assert result.success
    # The gradient is 1e-8 of |b| or better, and the smallest eigenvalue of A is at least 1.
    assert np.allclose(result.x, exact, atol=1e-6 * max(1.0, np.abs(b).max()))


# How runs end.


def test_converged_to_the_precision_of_the_function():
    rng = np.random.default_rng(0)
    result = minimize(lambda x: rosenbrock(x) + 1e-6 * rng.normal(), START)
    assert result.status is Status.CONVERGED_TO_PRECISION
    assert result.success
    assert (np.abs(result.jac) <= result.jac_error).all()
    assert rosenbrock(result.x) < 1e-4


def test_a_start_at_the_minimum_is_recognized():
    result = minimize(rosenbrock, [1.0, 1.0])
    assert result.success
    assert result.nit <= 2
    assert np.allclose(result.x, 1, atol=1e-8)


def test_a_constant_function_is_at_its_minimum_everywhere():
    result = minimize(lambda x: 3.0, START)
    assert result.status is Status.CONVERGED_TO_PRECISION
    assert result.nit == 0


@pytest.mark.parametrize("method", METHODS)
def test_unbounded(method):
    result = quietly(lambda x: x[1] - x[0] ** 2, [0.1, 0.3], method=method)
    assert result.status is Status.UNBOUNDED
    assert not result.success


@pytest.mark.parametrize("method", ["bfgs", "steepest"])
def test_minus_infinity_is_unbounded(method):
    def f(x):
        return np.where(x[0] > 0, np.log(np.maximum(x[0], 1e-300)) if x[0] > 1e-3 else -np.inf, -np.inf)

    assert quietly(f, [1.0], method=method).status is Status.UNBOUNDED


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_start_outside_the_domain(value):
    result = quietly(lambda x: value, START)
    assert result.status is Status.NON_FINITE_START
    assert (result.nit, result.nfev) == (0, 1)
    assert np.array_equal(result.x, START)


def test_a_gradient_that_is_not_finite_at_the_start():
    result = quietly(bowl, START, grad=lambda x: np.full(2, np.nan))
    assert result.status is Status.NON_FINITE_START


@pytest.mark.parametrize("method", METHODS)
def test_a_search_that_leaves_the_domain_comes_back(method):
    def f(x):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sum(x - np.log(x))

    result = minimize(f, [10.0, 0.1], method=method)
    assert result.success
    assert np.allclose(result.x, 1, atol=1e-4)


def test_a_gradient_that_is_missing_at_a_trial_point():
    # The value exists everywhere, the gradient only for x > 0.5: steps beyond are as good as none.
    def grad(x):
        return 2 * (x - 1) if x[0] > 0.5 else np.array([np.nan])

    for method in ("bfgs", "steepest"):
        result = minimize(lambda x: (x[0] - 1) ** 2, [4.0], grad=grad, method=method)
        assert result.success
        assert abs(result.x[0] - 1) < 1e-6


def test_max_iterations_keeps_the_best_point():
    with pytest.warns(ConvergenceWarning, match="iteration limit") as record:
        result = minimize(rosenbrock, START, max_iterations=5)
    assert record[0].filename == __file__
    assert result.status is Status.MAX_ITERATIONS
    assert result.nit == 5
    assert result.fun == result.trace["fun"].min()
    with pytest.raises(ConvergenceError, match="iteration limit"):
        result.check()


def test_a_start_on_a_maximum_or_saddle_is_reported():
    for f, n in ((lambda x: -np.sum(x**2), 2), (lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, 2)):
        result = quietly(f, np.zeros(n))
        assert result.status is Status.SADDLE
        assert result.nit == 0
        assert not result.success


def test_many_variables_on_a_maximum():
    result = quietly(lambda x: np.sum(np.cos(x)), np.zeros(60), grad=lambda x: -np.sin(x))
    assert result.status is Status.SADDLE
    # Sixty variables on a minimum: nothing lower in any direction.
    assert minimize(lambda x: np.sum(x**2), np.ones(60), grad=lambda x: 2 * x).success


def test_a_saddle_on_the_way_is_left():
    # On the axis y = 0 the gradient leads to the saddle at the origin; the minima are at (0, +-1).
    def f(x):
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4 / 2

    result = minimize(f, [1.0, 0.0])
    assert result.success
    assert np.allclose(np.abs(result.x), [0, 1], atol=1e-5)
    assert not minimize(f, [1.0, 0.0], verify=False).x[1]


def test_newton_leaves_a_maximum():
    result = minimize(lambda x: np.sum(np.cos(x)), [0.0, 0.0], method="newton", verify=False)
    assert result.success
    assert np.allclose(np.abs(np.mod(result.x, 2 * np.pi)), np.pi, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [lambda x: -slope(x), lambda x: slope(x) * [1, -1], lambda x: slope(x) + np.array([0.1, 0.0])],
    ids=["sign", "one sign", "offset"],
)
def test_a_wrong_gradient_is_found_out(wrong):
    result = quietly(rosenbrock, START, grad=wrong)
    assert result.status is Status.WRONG_GRADIENT
    assert result.fun <= rosenbrock(START)


def test_a_kink_ends_without_a_claim_or_at_the_minimum():
    result = quietly(lambda x: np.abs(x[0]) + 3 * np.abs(x[0] - x[1]), [1.0, 2.3])
    assert not result.success or np.allclose(result.x, 0, atol=1e-6)


@pytest.mark.parametrize("n", [2, 60])
def test_line_search_failure(n):
    # At the kink x_n = 0 no step against the gradient goes down, and the gradient is not zero: a case for
    # bundle methods.  Beyond 50 variables there is no Hessian to ask.
    weights = np.array([1.0, 10.0]) if n == 2 else np.arange(1.0, n + 1)
    x0 = np.array([1.0, 0.3]) if n == 2 else np.linspace(1, 2, n)
    result = quietly(
        lambda x: weights @ np.abs(x), x0, grad=lambda x: weights * np.sign(x), method="steepest"
    )
    assert result.status is Status.LINE_SEARCH_FAILED
    assert "check_gradient" in result.message
    assert result.fun < weights @ np.abs(x0)


def test_a_gradient_far_larger_at_the_start_than_anywhere_later():
    # |g| falls by six orders in the first steps: relative to the start every later gradient is small.
    def f(x):
        return np.cosh(40 * (x[0] - 1)) + rosenbrock(x[1:])

    def grad(x):
        return np.concatenate([[40 * np.sinh(40 * (x[0] - 1))], slope(x[1:])])

    result = minimize(f, [1.3, -1.2, 1.0], grad=grad)
    assert result.success
    assert np.allclose(result.x, 1, atol=1e-4)


# Callbacks.


@pytest.mark.parametrize("how", ["return", "raise"])
def test_the_callback_stops_the_run_without_a_warning(how):
    seen = []

    def callback(state):
        seen.append(state)
        if state.nit == 3:
            if how == "raise":
                raise StopIteration
            return True
        return None

    result = minimize(rosenbrock, START, callback=callback)
    assert result.status is Status.STOPPED_BY_CALLBACK
    assert not result.success
    assert [state.nit for state in seen] == [1, 2, 3]
    assert all(isinstance(state, DescentState) for state in seen)
    assert result.fun == min(state.fun for state in seen)


def test_a_callback_cannot_disturb_the_run():
    def meddle(state):
        state.x[:] = np.nan
        state.jac[:] = np.nan

    assert np.array_equal(minimize(rosenbrock, START, callback=meddle).x, minimize(rosenbrock, START).x)


# Results.


def test_the_result_tells_its_story():
    result = minimize(rosenbrock, START, grad=slope)
    assert result.message.startswith("Converged: the stopping test is met. Largest gradient entry")
    assert f"after {result.nit} iterations" in result.message
    text, page = str(result), result._repr_html_()
    assert text.splitlines()[0] == "MinimizeResult"
    assert "nhev: 0" in text
    assert "CONVERGED" in page
    plain = json.loads(result.to_json())
    assert plain["status"] == "CONVERGED"
    assert plain["x"] == result.x.tolist()
    assert list(result.trace.columns) == ["fun", "gradient", "step", "nfev", "x"]
    assert result.check() is result
    nested = minimize(lambda p: p["a"] ** 2, {"a": 1.0})
    assert "{'a':" in str(nested)
    assert "x" not in minimize(bowl, np.zeros(11)).trace.columns


@pytest.mark.parametrize("method", METHODS)
def test_inputs_stay_as_they_are(method):
    x0 = np.array([0.3, 0.4])
    x0.flags.writeable = False
    lower, upper = np.array([-1.0, -1.0]), np.array([2.0, 2.0])
    lower.flags.writeable = upper.flags.writeable = False
    assert minimize(bowl, x0, bounds=(lower, upper), method=method).success


# Refusals, all before the first call.


def forbidden(x):
    raise AssertionError("called")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"method": "cg"}, ValueError, "`method` must be one of bfgs, .*, got 'cg'"),
        ({"method": 3}, TypeError, "`method` must be a name, a direction"),
        ({"method": directions.BFGS}, TypeError, "`method` must be a name, a direction"),
        ({"method": lambda f: f}, TypeError, r"must take \(f, J\) or \(f, J, H\)"),
        ({"gtol": 0.0}, ValueError, "`gtol` must be between 0 and 1, got 0.0"),
        ({"gtol": "small"}, TypeError, "`gtol` must be a number, got str"),
        ({"max_iterations": 0}, ValueError, "`max_iterations` must be at least 1"),
        ({"max_iterations": 1.5}, TypeError, "`max_iterations` must be an integer"),
        ({"verify": 1}, TypeError, "`verify` must be True or False"),
        ({"callback": 1}, TypeError, "`callback` must be callable"),
        ({"grad": 1}, TypeError, "`grad` must be callable"),
        ({"hess": np.eye(2)}, TypeError, "`hess` must be callable"),
        ({"bounds": ([2.0, 2.0], [3.0, 3.0])}, ValueError, "must lie within `bounds`"),
        ({"bounds": ([2.0, 2.0], [1.0, 3.0])}, ValueError, "crossed"),
        ({"scheme": "best"}, ValueError, "`scheme`"),
        ({"workers": 0}, ValueError, "`workers`"),
    ],
)
def test_bad_options_are_refused_at_the_door(options, error, text):
    with pytest.raises(error, match=text):
        minimize(forbidden, START, **options)
    if "callback" not in options:
        with pytest.raises(error, match=text):
            iterate(forbidden, START, **options)


@pytest.mark.parametrize(
    ("x0", "error"), [([], ValueError), ([np.nan], ValueError), ("a", TypeError), ([1j], TypeError)]
)
def test_bad_starts_are_refused_at_the_door(x0, error):
    with pytest.raises(error, match="x0"):
        minimize(forbidden, x0)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda x: x, "must return one number"),
        (lambda x: None, "returned None"),
        (lambda x: 1j * x[0], "must return real numbers"),
    ],
)
def test_values_that_cannot_be_minimized(f, text):
    with pytest.raises(EvaluationError, match=text):
        minimize(f, START)


def test_what_the_function_raises_is_not_swallowed():
    def f(x):
        if x[0] > 0:
            raise KeyError("mine")
        return (x[0] - 1) ** 2

    with pytest.raises(KeyError, match="mine"):
        minimize(f, [-1.0])


def test_directions_and_rules_can_be_given_as_objects():
    for method in (directions.LBFGS(memory=3), directions.Newton(), directions.Steepest()):
        assert minimize(lambda x: x[0] ** 2 + 4 * x[1] ** 2, [3.0, 4.0], method=method).success
    rule = steps.StrongWolfe(flatness=0.5)
    assert gradient_descent(bowl, [3.0, 4.0], direction="bfgs", step=rule).success
