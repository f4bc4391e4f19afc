"""Operators: the shape rule, dtypes, structures, counts, and what is refused."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import calcml as cm
from calcml.schemes import Central
from calcml.testing import field_cases

shapes = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)


def tensor(shape_in, shape_out):
    """Return a quadratic map between arrays of these shapes with its Jacobian and Hessian at x."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal(shape_out + shape_in)
    B = rng.standard_normal(shape_out)

    def f(x):
        return np.tensordot(A, x, len(shape_in)) + B * np.sum(x**2) / 2

    def jac(x):
        return A + np.multiply.outer(B, x)

    def hess(x):
        return np.multiply.outer(B, np.eye(x.size).reshape(shape_in * 2))

    return f, jac, hess


@given(shapes, shapes)
def test_the_shape_rule(shape_in, shape_out):
    f, jac, hess = tensor(shape_in, shape_out)
    x = np.linspace(0.5, 1.5, int(np.prod(shape_in))).reshape(shape_in)
    for operator in (cm.jacobian, cm.gradient):
        J = operator(f, x, scheme=Central(order=4, step=0.5))
        assert J.shape == shape_out + shape_in
        # The map is quadratic, so the formula is exact and only rounding is left.
        np.testing.assert_allclose(J, jac(x), atol=1e-12)
    H = cm.hessian(f, x, scheme=Central(step=0.5))
    assert H.shape == shape_out + shape_in * 2
    np.testing.assert_allclose(H, hess(x), atol=1e-11)


@pytest.mark.parametrize("case", field_cases(), ids=lambda case: case.name)
def test_the_catalogue_within_the_errors(case):
    x = np.asarray(case.x, float)
    estimate = cm.estimate_jacobian(case.f, x)
    exact = case.jacobian(x)
    assert estimate.value.shape == np.shape(exact)
    scale = np.max(np.abs(exact))
    # The adaptive scheme reaches 10 digits of the largest component on all of these smooth functions.
    np.testing.assert_allclose(estimate.value, exact, atol=1e-10 * scale)
    assert (np.abs(estimate.value - exact) <= estimate.error + 4e-15 * scale).mean() >= 0.95


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0)


X = np.array([-1.2, 1.0, 0.7, 0.3])


@pytest.mark.parametrize("scheme", ["central", "adaptive", Central(order=4), "forward"], ids=repr)
def test_batches_give_what_the_loop_gives(scheme):
    calls = []

    def batched(x):
        calls.append(x.shape)
        return rosenbrock(x)

    for operator in (cm.estimate_gradient, cm.estimate_hessian):
        loop = operator(rosenbrock, X, scheme=scheme)
        calls.clear()
        batch = operator(batched, X, scheme=scheme, vectorized=True)
        # Sums over another axis may round differently in the last digit.
        np.testing.assert_allclose(batch.value, loop.value, atol=1e-3 if scheme == "forward" else 1e-4)
        assert batch.nfev == sum(shape[1] for shape in calls)
        assert all(shape[0] == 4 for shape in calls)
        assert len(calls) < batch.nfev / 2


def test_batches_stay_in_the_cache():
    sizes = []

    def f(x):
        sizes.append(x.size)
        return np.sum(x**2, axis=0)

    cm.gradient(f, np.ones(1000), scheme="central", vectorized=True)
    assert 32768 < max(sizes) <= 65536
    # Two points per coordinate, and one column that checks the first batch.
    assert sum(sizes) == 2 * 1000 * 1000 + 1000


def test_counts():
    def count(operator, *args, **options):
        return operator(rosenbrock, X, *args, **options).nfev

    n = 4
    assert count(cm.estimate_gradient, scheme="central") == 4 * n
    assert count(cm.estimate_gradient, scheme="forward") == 2 * n + 1
    assert count(cm.estimate_jvp, X, scheme="central") == 4
    # Hessian: n axes and n (n - 1) / 2 pairs, two points each (two more for the error), and f(x).
    lines = n + n * (n - 1) // 2
    assert count(cm.estimate_hessian, scheme="central") == 4 * lines + 1
    assert count(cm.estimate_hvp, X, scheme="central") == 2 * n * 4 + 2
    calls = []
    cm.gradient(lambda x: calls.append(1) or rosenbrock(x), X, scheme="central")
    assert len(calls) == 2 * n
    calls.clear()
    cm.value_and_gradient(lambda x: calls.append(1) or rosenbrock(x), X, scheme="forward")
    assert len(calls) == n + 1
    calls.clear()
    cm.hessian(lambda x: calls.append(1) or rosenbrock(x), X, scheme="central")
    assert len(calls) == 2 * lines + 1


def test_value_and_gradient():
    value, slope = cm.value_and_gradient(lambda x: x**2, [1.0, 2.0])
    np.testing.assert_array_equal(value, [1, 4])
    np.testing.assert_allclose(slope, np.diag([2, 4]), atol=1e-12)
    value, slope = cm.value_and_gradient(lambda x: 5.0, [])
    assert value == 5.0 and slope.shape == (0,)
    assert cm.value_and_gradient(lambda x: 1j * x, 2.0)[0] == 2j


@dataclass
class Net:
    w: np.ndarray
    b: float


@pytest.mark.parametrize(
    "x",
    [
        {"w": np.array([1.0, 2.0]), "b": 3.0},
        [np.array([1.0, 2.0]), 3.0],
        (np.array([1.0, 2.0]), 3.0),
        Net(np.array([1.0, 2.0]), 3.0),
    ],
    ids=["dict", "list", "tuple", "dataclass"],
)
def test_structures_in_structures_out(x):
    def parts(p):
        if isinstance(p, dict):
            return p["w"], p["b"]
        return (p.w, p.b) if isinstance(p, Net) else tuple(p)

    def f(p):
        assert type(p) is type(x)
        w, b = parts(p)
        return w @ w * b

    w, b = parts(cm.gradient(f, x))
    np.testing.assert_allclose(w, [6, 12])
    np.testing.assert_allclose(b, 5)
    (ww, wb), (bw, bb) = (parts(row) for row in parts(cm.hessian(f, x)))
    np.testing.assert_allclose(ww, 6 * np.eye(2), atol=1e-6)
    np.testing.assert_allclose(wb, [2, 4], atol=1e-6)
    np.testing.assert_allclose(bw, [2, 4], atol=1e-6)
    np.testing.assert_allclose(bb, 0, atol=1e-6)
    assert cm.jvp(f, x, x) == pytest.approx(45)
    np.testing.assert_allclose(parts(cm.vjp(f, x, 2.0))[0], [12, 24])
    np.testing.assert_allclose(parts(cm.hvp(f, x, x))[0], [12, 24], rtol=1e-5)
    status = cm.estimate_gradient(f, x).message
    assert status == str(cm.Status.OK)


def test_entries_are_matched_by_name_not_by_order():
    x = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}

    def f(p):
        return p["a"] @ p["a"] + 10 * p["b"] @ p["b"]

    v = {"b": np.array([1.0, 0.0]), "a": np.array([0.0, 0.0])}
    assert cm.jvp(f, x, v) == pytest.approx(60.0)

    def grad(p):
        return {"b": 20 * p["b"], "a": 2 * p["a"]}

    np.testing.assert_allclose(cm.hessian(f, x, grad=grad)["a"]["a"], 2 * np.eye(2), atol=1e-9)
    assert cm.check_gradient(f, grad, x)
    lower = {"b": np.array([3.0, 4.0]), "a": np.zeros(2)}
    assert cm.gradient(f, x, bounds=(lower, np.inf))["b"][0] == pytest.approx(60.0)
    with pytest.raises(ValueError, match=r"`v\['c'\]` has no counterpart in `x`"):
        cm.jvp(f, x, {**v, "c": 1.0})


def test_vectorized_structures():
    def f(p):
        return np.sum(p["w"] ** 2, axis=0) * p["b"]

    g = cm.gradient(f, {"w": np.ones(2), "b": 2.0}, vectorized=True)
    np.testing.assert_allclose(g["w"], [4, 4])
    assert g["b"] == pytest.approx(2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_dtype_in_is_dtype_out(dtype):
    x = np.array([0.5, 1.5], dtype)
    eps = float(np.finfo(dtype).eps)

    def f(x):
        assert x.dtype == dtype
        return np.sum(np.exp(x))

    # Half precision leaves so few digits that the adaptive scheme warns of them.
    scheme = "central" if dtype == np.float16 else "adaptive"
    values = cm.gradient(f, x, scheme=scheme), cm.gradient(f, x, scheme="central")
    for value in (*values, cm.vjp(f, x, 1.0, scheme=scheme)):
        assert value.dtype == dtype
        # A central difference keeps two thirds of the digits of its values.
        np.testing.assert_allclose(value.astype(float), np.exp([0.5, 1.5]), rtol=20 * eps ** (2 / 3))
    assert cm.derivative(np.sin, x, scheme=scheme).dtype == dtype
    assert cm.jvp(lambda x: np.exp(x), x, x, scheme=scheme).dtype == dtype
    H = cm.hessian(f, x, scheme="central")
    assert H.dtype == dtype
    np.testing.assert_allclose(H.astype(float), np.diag(np.exp([0.5, 1.5])), atol=60 * eps**0.5)


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([True, True]), [1, 2], np.array([1, 2], np.uint8)])
def test_integers_become_floats(x):
    g = cm.gradient(lambda x: np.sum(x**3), x)
    assert g.dtype == np.float64
    np.testing.assert_allclose(g, 3 * np.asarray(x, float) ** 2)


def test_scalars_stay_scalars():
    assert np.shape(cm.derivative(np.sin, 1.0)) == ()
    assert cm.gradient(np.sin, 1.0).shape == ()
    assert cm.jacobian(lambda x: np.array([x, x**2]), 3.0).shape == (2,)
    assert cm.hessian(np.sin, 1.0).shape == ()
    assert cm.jacobian(lambda x: x, [1.0]).shape == (1, 1)
    assert cm.gradient(lambda x: x[:1] ** 2, [1.0, 2.0]).shape == (1, 2)


def test_empty_arrays():
    assert cm.gradient(lambda x: np.sum(x), []).shape == (0,)
    assert cm.hessian(lambda x: np.sum(x), []).shape == (0, 0)
    assert cm.derivative(np.sin, []).shape == (0,)
    assert cm.jacobian(lambda x: x[:0], [1.0, 2.0]).shape == (0, 2)


def test_complex_values():
    x = 0.3
    assert cm.derivative(lambda x: np.exp(1j * x), x) == pytest.approx(1j * np.exp(1j * x), rel=1e-12)
    estimate = cm.estimate_jacobian(lambda x: np.exp(1j * x), np.array([0.1, 0.2]))
    np.testing.assert_allclose(estimate.value, np.diag(1j * np.exp([0.1j, 0.2j])), atol=1e-12)
    assert estimate.error.dtype == float
    assert cm.hessian(lambda x: 1j * x[0] * x[1], [1.0, 2.0])[0, 1] == pytest.approx(1j, rel=1e-6)


def test_inputs_are_never_written():
    x = np.array([1.0, 2.0])
    x.flags.writeable = False
    v = np.array([1.0, 0.5])
    v.flags.writeable = False
    seen = []

    def f(x):
        seen.append(x)
        x = x.copy() if not x.flags.writeable else x
        x *= 2  # a rude function that writes to its argument
        return x[0] * x[1]

    def clean(x):
        return 4 * x[0] * x[1]

    for operator, extra in (
        (cm.gradient, ()),
        (cm.hessian, ()),
        (cm.jvp, (v,)),
        (cm.directional_derivative, (v,)),
        (cm.hvp, (v,)),
    ):
        np.testing.assert_array_equal(operator(f, x, *extra), operator(clean, x, *extra))
    # What f received is its own: no call changes what an earlier call was given.
    assert len({id(s) for s in seen}) == len(seen)


def test_bounds_hold_for_every_operator():
    lower, upper = np.zeros(3), np.ones(3)
    x = np.array([0.0, 1.0, 0.5])

    def f(x):
        assert (x >= lower).all() and (x <= upper).all()
        return np.sum(np.exp(x)) * x[0]

    for scheme in ("adaptive", "central", "forward", "richardson"):
        options = {"scheme": scheme, "bounds": (lower, upper)}
        g = cm.gradient(f, x, **options)
        np.testing.assert_allclose(g, [np.sum(np.exp(x)), 0, 0], rtol=1e-5, atol=1e-9)
        cm.hessian(f, x, **options)
        cm.hvp(f, x, np.ones(3), **options)
        cm.directional_derivative(f, x, [1.0, -1.0, 0.0], **options)


def test_arguments_pass_through():
    def f(x, a, b=0.0):
        return a * np.sum(x**2) + b * x[0]

    g = cm.gradient(f, [1.0, 2.0], args=(3.0,), kwargs={"b": 1.0})
    np.testing.assert_allclose(g, [7, 12])
    assert cm.derivative(lambda x, k: x**k, 2.0, args=(3,)) == pytest.approx(12)


def test_directional_derivatives_are_per_unit_length():
    f = rosenbrock
    g = cm.gradient(f, X)
    for length in (1e-200, 1.0, 1e200):
        v = length * np.array([3.0, 0.0, 4.0, 0.0])
        expected = (3 * g[0] + 4 * g[2]) / 5
        assert cm.directional_derivative(f, X, v) == pytest.approx(expected, rel=1e-9)
        assert cm.estimate_directional_derivative(f, X, v).value == pytest.approx(expected, rel=1e-9)


def test_products_agree_with_the_matrices():
    def F(x):
        return np.array([x[0] * x[1], np.sin(x[2]), x[0] ** 2 * x[3]])

    J, u, v = cm.jacobian(F, X), np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.1, -2.0, 1.0])
    np.testing.assert_allclose(cm.jvp(F, X, v), J @ v, rtol=1e-10)
    np.testing.assert_allclose(cm.vjp(F, X, u), u @ J, rtol=1e-10)
    H = cm.hessian(rosenbrock, X)
    np.testing.assert_allclose(cm.hvp(rosenbrock, X, v), H @ v, rtol=1e-6, atol=1e-4)
    exact = cm.hvp(rosenbrock, X, v, grad=lambda x: cm.gradient(rosenbrock, x))
    np.testing.assert_allclose(exact, H @ v, rtol=1e-6)
    np.testing.assert_allclose(
        cm.hvp(F, X, v), np.einsum("mij,j->mi", cm.hessian(F, X), v), rtol=1e-6, atol=1e-6
    )


def test_a_zero_vector_gives_zero():
    assert cm.jvp(rosenbrock, X, np.zeros(4)) == 0
    assert cm.estimate_jvp(rosenbrock, X, np.zeros(4)).nfev == 1
    np.testing.assert_array_equal(cm.hvp(rosenbrock, X, np.zeros(4), grad=lambda x: 2 * x), np.zeros(4))
    np.testing.assert_allclose(cm.hvp(rosenbrock, X, np.zeros(4)), np.zeros(4), atol=1e-3)


def test_a_hessian_from_a_gradient():
    calls = []

    def grad(x):
        calls.append(1)
        return 4 * x**3

    def f(x):
        raise AssertionError("f is not needed")

    estimate = cm.estimate_hessian(f, X, grad=grad, scheme="central")
    np.testing.assert_allclose(estimate.value, np.diag(12 * X**2), atol=1e-8)
    assert estimate.nfev == len(calls) == 4 * 4
    np.testing.assert_array_equal(estimate.value, estimate.value.T)
    skew = cm.estimate_hessian(f, X[:2], grad=lambda x: np.array([x[1], 3 * x[0]]), scheme="central")
    assert skew.value[0, 1] == pytest.approx(2) and skew.error[0, 1] >= 1


def test_gradients_of_structures_make_hessians():
    x = {"a": np.array([1.0, 2.0]), "b": 3.0}

    def grad(p):
        return {"a": 2 * p["a"] * p["b"], "b": p["a"] @ p["a"]}

    H = cm.hessian(lambda p: p["a"] @ p["a"] * p["b"], x, grad=grad)
    np.testing.assert_allclose(H["a"]["b"], [2, 4])
    Hv = cm.hvp(lambda p: 0.0, x, x, grad=grad)
    np.testing.assert_allclose(Hv["a"], [12, 24])
    with pytest.raises(cm.EvaluationError, match=r"`grad\(x\)\['a'\]` must have the shape of `x\['a'\]`"):
        cm.hessian(lambda p: 0.0, x, grad=lambda p: {"a": 1.0, "b": 2.0})


def test_variables_of_different_units_keep_their_digits():
    def f(x):
        return np.exp(x[0] / 1e6 + x[1] / 1e-6)

    x = np.array([1e6, 1e-6])
    scale = np.array([1e6, 1e-6])
    H = cm.hessian(f, x)
    np.testing.assert_allclose(H * np.outer(scale, scale), np.full((2, 2), np.exp(2.0)), rtol=1e-6)


def test_nan_in_nan_out():
    assert np.isnan(cm.derivative(np.sin, np.nan))
    g = cm.gradient(lambda x: x @ x, [1.0, np.nan])
    assert np.isnan(g).all()
    estimate = cm.estimate_derivative(np.sin, [1.0, np.nan, np.inf])
    np.testing.assert_array_equal(np.isnan(estimate.value), [False, True, True])
    assert estimate.success is False
    assert str(cm.Status.NON_FINITE) in estimate.message


def test_lost_digits_warn():
    rng = np.random.default_rng(3)
    with pytest.warns(cm.AccuracyWarning, match="`derivative`.*two digits.*estimate_derivative"):
        cm.derivative(lambda x: rng.standard_normal(np.shape(x)), 1.0)
    with pytest.warns(cm.AccuracyWarning, match="`gradient` at index"):
        cm.gradient(lambda x: rng.standard_normal(), [1.0, 2.0])


BAD_CALLS = [
    (lambda f: cm.derivative(3.0, 1.0), TypeError, "`f` must be callable, got float"),
    (lambda f: cm.derivative(f, "1"), TypeError, "`x` must hold real numbers"),
    (lambda f: cm.derivative(f, {"a": 1.0}), TypeError, "`x` must be a number or an array.*got dict"),
    (lambda f: cm.derivative(f, 1.0, 0), ValueError, "`n` must be at least 1"),
    (lambda f: cm.derivative(f, 1.0, 1.5), TypeError, "`n` must be an integer"),
    (lambda f: cm.derivative(f, 1j), TypeError, "`x` is complex"),
    (lambda f: cm.derivative(f, 1.0, bounds=(2, 3)), ValueError, "within `bounds`"),
    (lambda f: cm.gradient(f, [1.0], bounds=(3, 2)), ValueError, "crossed"),
    (lambda f: cm.gradient(f, np.ma.ones(2)), TypeError, "masked"),
    (lambda f: cm.gradient(f, [1.0], scheme="guess"), ValueError, "`scheme` must be one of"),
    (lambda f: cm.gradient(f, [1.0], args=1), TypeError, "`args`"),
    (lambda f: cm.gradient(None, [1.0]), TypeError, "`f` must be callable"),
    (lambda f: cm.hessian(f, [1.0], grad=3), TypeError, "`grad` must be callable"),
    (lambda f: cm.hessian(f, [1.0], grad=f, vectorized=True), ValueError, "speaks of f"),
    (
        lambda f: cm.jvp(f, [1.0, 2.0], [1.0]),
        ValueError,
        r"`v` must have the shape of `x`, \(2,\), got \(1,\)",
    ),
    (lambda f: cm.jvp(f, [1.0, 2.0], [1.0, np.inf]), ValueError, "`v` must be finite, got inf at index 1"),
    (lambda f: cm.hvp(f, {"a": 1.0}, [1.0]), ValueError, r"`v\['a'\]` is missing"),
    (lambda f: cm.hvp(f, [1.0, 2.0], [1.0, np.nan]), ValueError, "`v` must be finite"),
    (lambda f: cm.directional_derivative(f, [1.0], [0.0]), ValueError, "no direction"),
    (lambda f: cm.vjp(f, [1.0], "u"), TypeError, "`u` must hold"),
    (lambda f: cm.jacobian(f, [1.0], workers=0), ValueError, "`workers`"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD_CALLS)
def test_bad_input_is_refused_before_f_is_called(call, error, message):
    calls = []
    with pytest.raises(error, match=message):
        call(lambda x: calls.append(x) or 1.0)
    assert not calls


def test_an_elementwise_function_that_is_none():
    with pytest.raises(cm.EvaluationError, match=r"x of shape \(3,\) it returned shape \(\)"):
        cm.derivative(np.sum, [1.0, 2.0, 3.0])


def test_vjp_of_the_wrong_shape():
    with pytest.raises(ValueError, match=r"`u` must have the shape of f\(x\), \(2,\), got \(3,\)"):
        cm.vjp(lambda x: x, [1.0, 2.0], np.ones(3))


def test_a_hessian_times_a_vector_warns_of_lost_digits():
    rng = np.random.default_rng(5)
    for call in (
        lambda f: cm.hessian(f, X),
        lambda f: cm.hvp(f, X, X),
        lambda f: cm.vjp(f, X, 1.0),
        lambda f: cm.jvp(f, X, X),
    ):
        with pytest.warns(cm.AccuracyWarning):
            call(lambda x: rng.standard_normal())


@given(st.floats(-3, 3), st.integers(1, 4))
def test_estimates_print(x, n):
    text = repr(cm.estimate_derivative(np.sin, x, n))
    assert text.startswith("Estimate\n")
    assert "truncation" in text


@pytest.mark.parametrize("f", [np.cumsum, lambda x: x / np.sum(x), lambda x: x[::-1]])
def test_functions_that_are_not_elementwise_are_found_out(f):
    estimate = cm.estimate_derivative(f, np.array([1.0, 2.0, 4.0]), scheme="central")
    honest = np.abs(estimate.value - cm.jacobian(f, [1.0, 2.0, 4.0]).diagonal()) <= estimate.error
    assert honest.all() or not estimate.success
    assert estimate.error.max() > 0.01


def test_mixed_corners_of_the_bounds():
    def f(x):
        assert (x >= 0).all() and (x <= 1).all()
        return x[0] * x[1] + x[0] ** 2

    for x in ([0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.5, 1.0]):
        for scheme in ("central", "adaptive", "richardson"):
            H = cm.hessian(f, x, bounds=(0, 1), scheme=scheme)
            np.testing.assert_allclose(H, [[2, 1], [1, 0]], atol=1e-4)
            product = cm.hvp(f, x, [1.0, -1.0], bounds=(0, 1), scheme=scheme)
            np.testing.assert_allclose(product, [1, 1], atol=1e-4)


def test_answers_that_do_not_fit_their_dtype():
    x = np.array([1.0, 2.0], np.float32)
    estimate = cm.estimate_gradient(lambda x: np.sum(x.astype(float) ** 2) * 1e39, x)
    assert np.isinf(estimate.value).all()
    assert not estimate.success
    # The fourth derivative is 2.2e308, beyond the largest number.
    for scheme in ("central", "forward", "richardson", "adaptive"):
        estimate = cm.estimate_derivative(lambda x: 1e300 * np.exp(10 * x), 1.0, 4, scheme=scheme)
        assert not estimate.success
        assert not (np.isfinite(estimate.value) and np.isfinite(estimate.error))
    with pytest.warns(cm.AccuracyWarning):
        cm.derivative(lambda x: 1e300 * np.exp(10 * x), 1.0, 4, scheme="central")
    with pytest.raises(ValueError, match="`n` must be at most 170"):
        cm.derivative(np.sin, 1.0, 171)


def test_rounding_to_a_narrower_leaf_counts_as_noise():
    x = {"a": np.array([0.5, 1.5], np.float32), "b": np.array([1.0])}

    def f(p):
        return np.sum(np.sin(p["a"])) + np.sum(np.sin(p["b"]))

    estimate = cm.estimate_gradient(f, x)
    assert estimate.value["a"].dtype == np.float32
    exact = np.cos(x["a"].astype(float))
    assert (np.abs(estimate.value["a"].astype(float) - exact) <= estimate.error["a"]).all()
    assert (estimate.error["b"] < 1e-12).all()
    assert cm.check_gradient(f, lambda p: {"a": np.cos(p["a"]), "b": np.cos(p["b"])}, x)


def test_a_map_of_complex_values_is_checked_too():
    f = lambda x: np.exp(1j * x[0]) * x[1]
    grad = lambda x: np.array([1j * np.exp(1j * x[0]) * x[1], np.exp(1j * x[0])])
    assert cm.check_jacobian(f, grad, [0.3, 2.0])
    assert not cm.check_jacobian(f, lambda x: grad(x) * 1.001, [0.3, 2.0])
    row = cm.compare_schemes(f, [0.3, 2.0], ["central"], exact=grad([0.3, 2.0]))[0]
    assert row.digits > 9 and row.honest


def test_estimates_of_a_vector_times_the_jacobian():
    estimate = cm.estimate_vjp(lambda x: x**2, [1.0, 2.0], [1.0, 3.0])
    np.testing.assert_allclose(estimate.value, [2, 12])
    assert (np.abs(estimate.value - [2, 12]) <= estimate.error).all()
    assert estimate.error.max() < 1e-11


@pytest.mark.parametrize("scheme", ["adaptive", "central", "complex"])
def test_products_with_huge_and_tiny_vectors(scheme):
    x = np.array([1.0, 2.0])
    for length in (1e-300, 1e-150, 1e150, 1e300):
        value = cm.jvp(lambda x: np.sum(np.sin(x)), x, [length, -length], scheme=scheme)
        assert value == pytest.approx(length * (np.cos(1.0) - np.cos(2.0)), rel=1e-9)


@pytest.mark.parametrize("order", [2, 4])
def test_a_hessian_from_values_has_the_order_of_its_scheme(order):
    a, b = x = np.array([0.7, 0.4])
    s, c, e = np.sin(a * b), np.cos(a * b), np.exp(a - b)
    exact = np.array([[e - b * b * s, c - a * b * s - e], [c - a * b * s - e, e - a * a * s]])

    def error(h):
        f = lambda x: np.sin(x[0] * x[1]) + np.exp(x[0] - x[1])
        return np.abs(cm.hessian(f, x, scheme=Central(order=order, step=h)) - exact)

    # Half the step leaves 2^-order of the error, on the diagonal and off it, up to the next power of h.
    np.testing.assert_allclose(np.log2(error(0.04) / error(0.02)), order, atol=0.1)
