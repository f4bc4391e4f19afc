"""Compositions: the chain rule against one-piece derivatives, costs, errors, and what is refused."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml import AccuracyWarning, EvaluationError, Status, jacobian, jvp, vjp
from calcml.chain import Composition, Link, compose
from calcml.chain._product import multiplications

EPS = np.finfo(float).eps


def linear(matrix):
    """Return a link z -> A z with its exact Jacobian A."""
    return Link(lambda z: matrix @ z, lambda z: matrix)


def random_matrices(sizes, seed):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((m, n)) for n, m in pairwise(sizes)]


def product(matrices):
    whole = matrices[0]
    for matrix in matrices[1:]:
        whole = matrix @ whole
    return whole


SIZES = st.lists(st.integers(1, 5), min_size=2, max_size=6)


@given(sizes=SIZES, seed=st.integers(0, 99))
def test_linear_maps_multiply(sizes, seed):
    matrices = random_matrices(sizes, seed)
    chain = compose(*map(linear, matrices))
    rng = np.random.default_rng(seed + 1)
    x, v, u = (rng.standard_normal(n) for n in (sizes[0], sizes[0], sizes[-1]))
    whole = product(matrices)
    bound = product([np.abs(m) for m in matrices])
    # Rounding of at most five products of at most five terms each.
    estimate = chain.estimate_jacobian(x)
    assert (np.abs(estimate.value - whole) <= 40 * EPS * bound).all()
    assert (np.abs(estimate.value - whole) <= estimate.error).all()
    assert (estimate.error <= 60 * EPS * bound).all()
    assert (np.abs(chain.jvp(x, v) - whole @ v) <= 50 * EPS * bound @ np.abs(v)).all()
    assert (np.abs(chain.vjp(x, u) - u @ whole) <= 50 * EPS * np.abs(u) @ bound).all()
    np.testing.assert_allclose(chain(x), whole @ x, atol=1e-12 * (bound @ np.abs(x)).max())


@given(sizes=SIZES)
def test_the_costs_are_those_of_the_two_orders(sizes):
    # Counted product by product, as the matrices are multiplied.
    matrices = random_matrices(sizes, 0)
    forward, whole = 0, matrices[0]
    for matrix in matrices[1:]:
        forward += matrix.shape[0] * matrix.shape[1] * whole.shape[1]
        whole = matrix @ whole
    backward, whole = 0, matrices[-1]
    for matrix in matrices[-2::-1]:
        backward += whole.shape[0] * whole.shape[1] * matrix.shape[1]
        whole = whole @ matrix
    assert multiplications(sizes) == (forward, backward)
    estimate = compose(*map(linear, matrices)).estimate_jacobian(np.ones(sizes[0]))
    assert (estimate.forward, estimate.backward) == (forward, backward)
    assert estimate.order == ("backward" if backward <= forward else "forward")


def test_backward_is_cheap_for_a_loss_and_forward_for_a_curve():
    wide = np.ones((50, 50))
    loss = compose(linear(wide), linear(wide), linear(np.ones((1, 50)))).estimate_jacobian(np.ones(50))
    assert (loss.forward, loss.backward, loss.order) == (50 * (2500 + 50), 2 * 2500, "backward")
    curve = compose(linear(np.ones((50, 1))), linear(wide), linear(wide)).estimate_jacobian(np.ones(1))
    assert (curve.forward, curve.backward, curve.order) == (2 * 2500, 50 * (50 + 2500), "forward")


def polar(p):
    return np.array([p[0] * np.cos(p[1]), p[0] * np.sin(p[1])])


def polar_jacobian(p):
    c, s = np.cos(p[1]), np.sin(p[1])
    return np.array([[c, -p[0] * s], [s, p[0] * c]])


@given(r=st.floats(0.1, 3), angle=st.floats(-3, 3))
def test_one_piece_and_chain_agree(r, angle):
    def energy(z):
        return z[0] ** 2 - 3 * z[0] * z[1]

    chain, x = compose(polar, energy, np.arctan), np.array([r, angle])
    estimate = chain.estimate_jacobian(x)
    # f = arctan(e) with e = r² (cos² - 3 cos sin)
    c, s = math.cos(angle), math.sin(angle)
    e = r * r * (c * c - 3 * c * s)
    slope = 1 / (1 + e * e)
    exact = slope * np.array([2 * r * (c * c - 3 * c * s), r * r * (-2 * c * s - 3 * (c * c - s * s))])
    # The slope of arctan at a rounded e: some ε relative, beyond the local errors that the bound stands for.
    assert (
        np.abs(estimate.value - exact) <= estimate.error + 8 * EPS * (1 + abs(e)) * np.abs(exact) + 1e-300
    ).all()
    np.testing.assert_allclose(chain.vjp(x, 2.0), 2 * estimate.value, rtol=1e-12, atol=1e-300)


SHAPES = [
    ((), lambda z: z**2 + 1.0, lambda z: 3.0 * z),
    ((3,), lambda z: np.outer(z, z), lambda z: z @ np.arange(3.0)),
    ((2, 3), lambda z: z.sum(axis=0), lambda z: np.stack([z, 2 * z])),
    ((2,), np.sum, lambda z: z * np.ones((2, 2))),
    ((0,), lambda z: np.sum(z) + 1.0, lambda z: z * np.ones(2)),
    ((2,), lambda z: z[:0], lambda z: np.sum(z) * np.ones(3)),
]


@pytest.mark.parametrize(("shape", "f", "g"), SHAPES)
def test_shapes_follow_one_rule(shape, f, g):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape)
    chain = compose(f, g, scheme="central")
    value = np.asarray(g(f(x)))
    np.testing.assert_array_equal(chain(x), value)
    estimate = chain.estimate_jacobian(x)
    assert np.shape(estimate.value) == np.shape(estimate.error) == value.shape + shape
    np.testing.assert_allclose(estimate.output, value, rtol=1e-15)
    np.testing.assert_allclose(estimate.value, jacobian(lambda x: g(f(x)), x), rtol=1e-8, atol=1e-9)
    local = chain.local_jacobians(x)
    inner = np.shape(f(x))
    assert [np.shape(j) for j in local] == [inner + shape, value.shape + inner]
    v, u = rng.standard_normal(shape), rng.standard_normal(value.shape)
    np.testing.assert_allclose(chain.jvp(x, v), jvp(lambda x: g(f(x)), x, v), rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(chain.vjp(x, u), vjp(lambda x: g(f(x)), x, u), rtol=1e-7, atol=1e-8)


def test_a_link_alone():
    chain = compose(np.sin)
    assert chain.jacobian(0.0) == pytest.approx(1.0, rel=1e-12)
    assert chain.estimate_jacobian(0.0).forward == 0
    assert repr(chain) == "x -> sin"


def test_order_of_application():
    assert compose(lambda x: x + 1, lambda x: 2 * x)(3) == 8
    assert repr(compose(np.sin, Link(np.exp), np.sum)) == "x -> sin -> exp -> sum"


def test_compositions_nest():
    inner = compose(polar, scheme="complex")
    outer = compose(inner, Link(np.sum, lambda z: np.ones(2)), scheme="central")
    assert [link.scheme for link in outer.links] == ["complex", None]
    x = np.array([2.0, 0.5])
    np.testing.assert_allclose(outer.jacobian(x), polar_jacobian(x).sum(axis=0), rtol=1e-15)
    # As a function it is a link like any other.
    np.testing.assert_allclose(jacobian(outer, x), outer.jacobian(x), rtol=1e-10)
    np.testing.assert_allclose(jacobian(outer, x, scheme="complex"), outer.jacobian(x), rtol=1e-15)
    kept = compose(Composition((Link(np.sin, scheme="forward"),), "complex"))
    assert kept.links[0].scheme == "forward"


def test_given_jacobians_are_used_and_counted():
    calls = []

    def record(name, f):
        def call(z):
            calls.append(name)
            return f(z)

        return call

    x = np.array([2.0, 0.5])
    chain = compose(
        Link(record("f", polar), record("jac", polar_jacobian)),
        Link(record("g", np.sum), lambda z: np.ones(2)),
    )
    estimate = chain.estimate_jacobian(x)
    assert (calls, estimate.nfev, estimate.njev) == (["f", "jac", "g"], 2, 2)
    np.testing.assert_allclose(estimate.value, polar_jacobian(x).sum(axis=0), rtol=4 * EPS)
    np.testing.assert_array_equal(estimate.local_jacobians[0], polar_jacobian(x))
    np.testing.assert_array_equal(estimate.local_errors[0], EPS / 2 * np.abs(polar_jacobian(x)))
    del calls[:]
    chain.vjp(x, 1.0)
    assert calls == ["f", "jac", "g"]
    del calls[:]
    chain.jvp(x, x)
    assert calls == ["f", "jac", "g"]


def test_evaluations_of_schemes():
    points = []

    def f(z):
        points.append(z)
        return z**2

    x = np.arange(1.0, 6.0)
    chain = compose(f, np.sum, scheme="forward")
    estimate = chain.estimate_jacobian(x)
    whole = len(points)
    assert estimate.nfev == 2 * whole
    points.clear()
    chain.jvp(x, x)
    # One line instead of five, and the value.
    assert len(points) < whole


def test_the_bound_carries_the_local_errors():
    # A forward difference of e^z has the error h/2 e^z; the next link multiplies it by 1000.
    chain = compose(Link(np.exp, scheme="forward"), Link(lambda z: 1000 * z, lambda z: np.float64(1000.0)))
    estimate = chain.estimate_jacobian(1.0)
    true = abs(estimate.value - 1000 * math.e)
    local = abs(estimate.local_jacobians[0] - math.e)
    assert true == pytest.approx(1000 * local, rel=1e-3)
    assert 0 < true <= estimate.error
    assert estimate.error == pytest.approx(1000 * estimate.local_errors[0], rel=1e-6)


def test_the_bound_is_the_expansion_of_the_product():
    first, second = (Link(lambda z: 2.0 * z, scheme="central"), Link(lambda z: 3.0 * z, scheme="central"))
    estimate = compose(first, second).estimate_jacobian(1.0)
    a, b = estimate.local_errors
    # (2 + a)(3 + b) - 6, and rounding of the product of one term.
    assert estimate.error == pytest.approx(3 * a + 2 * b + a * b + 6 * EPS * 1.5, rel=1e-6)


def test_the_card():
    estimate = compose(polar, Link(np.sum, lambda z: np.ones(2))).estimate_jacobian([2.0, 0.5])
    card = repr(estimate)
    assert "(2,) (2, 2)" in card
    assert "4 forward, 4 backward; backward was used" in card
    assert estimate.success
    assert estimate.message == str(Status.OK)
    assert estimate.check() is estimate
    assert estimate.to_dict()["order"] == "backward"


def noisy_step(z):
    return np.where(z > 0.3, 1.0, 0.0) + 1e-3 * np.sin(1e9 * z)


def test_lost_digits_warn_with_the_name_of_the_link():
    chain = compose(lambda x: x, noisy_step)
    for call in (
        lambda: chain.jacobian(0.3),
        lambda: chain.local_jacobians(0.3),
        lambda: chain.jvp(0.3, 1.0),
        lambda: chain.vjp(0.3, 1.0),
    ):
        with pytest.warns(
            AccuracyWarning, match=r"link 2 \(`noisy_step`\).*`estimate_jacobian` gives the error"
        ) as seen:
            call()
        assert seen[0].filename == __file__
    estimate = chain.estimate_jacobian(0.3)
    assert estimate.status is Status.INACCURATE
    assert not estimate.success


def test_a_link_that_is_not_finite_gives_nan():
    chain = compose(lambda x: x * np.array([1.0, 0.0]), lambda z: np.array([np.log(-1 - z[0] ** 2), z[1]]))
    with np.errstate(invalid="ignore"):
        estimate = chain.estimate_jacobian(1.0)
    assert np.isnan(estimate.value[0])
    assert estimate.status is Status.NON_FINITE


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_dtype_stays(dtype):
    x = np.array([0.5, 1.5], dtype)
    x.flags.writeable = False
    chain = compose(np.sin, Link(lambda z: z**2, lambda z: np.diag(2 * z)))
    estimate = chain.estimate_jacobian(x)
    assert estimate.value.dtype == chain.vjp(x, [1.0, 0.0]).dtype == chain.jvp(x, [1.0, 0.0]).dtype == dtype
    exact = np.diag(np.sin(2 * x.astype(np.longdouble)))
    # The values in between are rounded to the dtype too, which the bound leaves out: ε of the result's size.
    slack = 4 * max(float(np.finfo(dtype).eps), EPS if dtype is np.longdouble else 0)
    assert (np.abs(estimate.value - exact) <= estimate.error + slack).all()


def test_integers_become_floats():
    assert compose(lambda x: x**2, lambda z: 3 * z).jacobian(2) == pytest.approx(12.0, rel=1e-12)


# Refusals.


def test_links_that_are_none():
    with pytest.raises(ValueError, match="needs at least one function"):
        compose()
    with pytest.raises(TypeError, match="`f` must be callable, got float"):
        compose(np.sin, 1.0)
    with pytest.raises(TypeError, match="`jac` must be callable, got list"):
        Link(np.sin, [1.0])
    with pytest.raises(ValueError, match="`scheme` must be one of"):
        Link(np.sin, scheme="best")
    with pytest.raises(ValueError, match="`scheme` must be one of"):
        compose(np.sin, scheme="best")
    with pytest.raises(TypeError, match="`links` must hold Links, got ufunc; `compose` makes them"):
        Composition((np.sin,))


METHODS = [
    lambda chain, x: chain.jacobian(x),
    lambda chain, x: chain.estimate_jacobian(x),
    lambda chain, x: chain.local_jacobians(x),
    lambda chain, x: chain.jvp(x, np.ones_like(x)),
    lambda chain, x: chain.vjp(x, 1.0),
]


@pytest.mark.parametrize("method", [*METHODS, lambda chain, x: chain(x)])
def test_links_that_do_not_fit_are_named(method):
    def three(z):
        return np.ones((2, 3)) @ z

    chain = compose(np.sin, three, np.sum)
    with pytest.raises(ValueError, match="matmul") as caught:
        method(chain, np.ones(4))
    assert caught.value.__notes__ == [
        "in link 2 of 3 (`three`); link 1 (`sin`) returned an array of shape (4,)"
    ]


def test_an_error_in_the_first_link_names_x():
    with pytest.raises(ZeroDivisionError) as caught:
        compose(lambda x: 1 / 0).jacobian([1.0, 2.0])
    assert caught.value.__notes__ == ["in link 1 of 1 (`<lambda>`); x is an array of shape (2,)"]


@pytest.mark.parametrize("method", METHODS)
def test_given_jacobians_of_the_wrong_shape(method):
    chain = compose(np.sin, Link(np.sum, lambda z: np.ones((1, 2))))
    with pytest.raises(
        EvaluationError, match=r"`jac` must return shape \(2,\), f\(z\).shape \+ z.shape, got \(1, 2\)"
    ) as caught:
        method(chain, np.ones(2))
    assert caught.value.__notes__[0].startswith("in link 2 of 2 (`sum`)")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("given", [None, np.ones_like])
def test_complex_values_are_refused(method, given):
    chain = compose(Link(lambda x: x * 1j, given), lambda z: z)
    with pytest.raises(EvaluationError, match="returned complex numbers") as caught:
        method(chain, np.float64(1.0))
    assert caught.value.__notes__[0].startswith("in link 1 of 2")


@pytest.mark.parametrize("method", METHODS)
def test_values_that_are_no_numbers(method):
    with pytest.raises(EvaluationError, match="returned None"):
        method(compose(np.sin, Link(lambda z: None, lambda z: 1.0)), np.float64(1.0))
    with pytest.raises(TypeError, match="`x` is complex"):
        method(compose(np.sin), np.array(1j))


def test_vectors_of_the_wrong_shape():
    chain = compose(np.sin, np.sum)
    with pytest.raises(ValueError, match=r"`v` must have the shape of x, \(2,\), got \(3,\)"):
        chain.jvp([1.0, 2.0], np.ones(3))
    with pytest.raises(ValueError, match=r"`u` must have the shape of f\(x\), \(\), got \(1,\)"):
        chain.vjp([1.0, 2.0], [1.0])


def test_a_list_of_numbers_counts_as_an_array():
    chain = compose(lambda x: [x, 2 * x], lambda z: 2 * z)
    np.testing.assert_array_equal(chain(3.0), [6.0, 12.0])
    np.testing.assert_array_equal(chain(3.0), chain.estimate_jacobian(3.0).output)


def test_integers_are_numbers_like_others():
    # 10^21 is beyond 64-bit integers.
    assert compose(lambda x: x**3)(10**7) == 1e21
    np.testing.assert_array_equal(compose(lambda x: x**-1)([2, 4]), [0.5, 0.25])


def test_a_link_that_writes_to_its_argument_does_not_reach_the_user():
    def shift(x):
        x += 1
        return x

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(compose(shift)(x), [2.0, 3.0])
    np.testing.assert_array_equal(x, [1.0, 2.0])


def test_a_given_jacobian_that_is_not_finite_has_a_status():
    estimate = compose(Link(np.sin, lambda z: np.nan), np.exp).estimate_jacobian(1.0)
    assert np.isnan(estimate.value)
    assert estimate.status is Status.NON_FINITE
    assert not estimate.success


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_product_that_overflows_has_a_status_and_no_numpy_warnings():
    steep = Link(lambda z: z, lambda z: 1e200)
    chain = compose(steep, steep)
    estimate = chain.estimate_jacobian(1.0)
    assert estimate.value == np.inf
    assert estimate.status is Status.NON_FINITE
    assert chain.jvp(1.0, 1.0) == np.inf
    assert chain.vjp(1.0, 1.0) == np.inf
    # exp(100) does not fit into float32, in which values in between are passed on.
    wide = compose(lambda x: np.exp(np.float64(x)), np.log)
    assert wide.estimate_jacobian(np.float32(100.0)).status is Status.NON_FINITE


@pytest.mark.parametrize(("method", "name"), [("jvp", "v"), ("vjp", "u")])
def test_vectors_that_are_not_finite_are_refused_before_any_link_is_called(method, name):
    calls = []
    chain = compose(Link(lambda z: calls.append(z) or z, np.ones_like))
    with pytest.raises(ValueError, match=rf"`{name}` must be finite, got inf at index 1"):
        getattr(chain, method)([1.0, 2.0], [0.0, np.inf])
    assert not calls


def test_links_may_be_a_list_and_nothing_else():
    assert Composition([Link(np.sin)]) == Composition((Link(np.sin),))
    with pytest.raises(TypeError, match="`links` must be a tuple of Links, got Link"):
        Composition(Link(np.sin))
