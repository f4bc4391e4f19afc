"""Shapes, kinds of numbers, bounds and refusals: the same promises for every operator and every scheme."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import calcml as cm
from calcml.schemes import Backward, Central, Forward, names

# e_i - v is no direction where v lies along an axis, as it always does in one dimension.
FIELDS = ("value", "error", "truncation", "noise", "status")
# With an estimate, as f(x) -> Estimate; a vector is made of the shape that the operator asks for.
OPERATORS = {
    "derivative": lambda f, x, **options: cm.estimate_derivative(f, x, **options),
    "gradient": lambda f, x, **options: cm.estimate_gradient(f, x, **options),
    "jacobian": lambda f, x, **options: cm.estimate_jacobian(f, x, **options),
    "hessian": lambda f, x, **options: cm.estimate_hessian(f, x, **options),
    "jvp": lambda f, x, **options: cm.estimate_jvp(f, x, vector(x), **options),
    "vjp": lambda f, x, **options: cm.estimate_vjp(f, x, vector(f(np.asarray(x, float))), **options),
    "hvp": lambda f, x, **options: cm.estimate_hvp(f, x, vector(x), **options),
    "directional_derivative": lambda f, x, **options: cm.estimate_directional_derivative(
        f, x, vector(x), **options
    ),
}
# The same without the estimate: the plain names share only part of the code.
PLAIN = {
    "derivative": lambda f, x, **options: cm.derivative(f, x, **options),
    "gradient": lambda f, x, **options: cm.gradient(f, x, **options),
    "value_and_gradient": lambda f, x, **options: cm.value_and_gradient(f, x, **options)[1],
    "jacobian": lambda f, x, **options: cm.jacobian(f, x, **options),
    "hessian": lambda f, x, **options: cm.hessian(f, x, **options),
    "jvp": lambda f, x, **options: cm.jvp(f, x, vector(x), **options),
    "vjp": lambda f, x, **options: cm.vjp(f, x, vector(f(np.asarray(x, float))), **options),
    "hvp": lambda f, x, **options: cm.hvp(f, x, vector(x), **options),
    "directional_derivative": lambda f, x, **options: cm.directional_derivative(f, x, vector(x), **options),
}


def with_ones(operator, f, x, **options):
    """Call an operator that takes a vector besides."""
    return operator(f, x, np.ones(2), **options)


# Every public name, with a vector of a shape that would do: for calls that never reach f.
REFUSING = {
    **PLAIN,
    **{f"estimate_{name}": operator for name, operator in OPERATORS.items()},
    **{
        name: partial(with_ones, getattr(cm, name))
        for base in ("jvp", "hvp", "vjp", "directional_derivative")
        for name in (base, f"estimate_{base}")
    },
}
MAPS = {"scalar": lambda x: np.sum(np.exp(x)), "elementwise": np.exp, "matrix": lambda x: np.exp(x) * MATRIX}
MATRIX = np.array([[1.0], [2.0]])
SHAPES = [(), (1,), (0,), (3,), (2, 3), (2, 0), (1, 1)]
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


def vector(x):
    """A vector of the shape of x that lies along no axis and none of whose sums with an axis vanishes."""
    return 0.5 + 0.25 * np.cos(np.arange(np.size(x), dtype=float)).reshape(np.shape(x))


def expected_shape(name, x, y):
    """The rule, with nothing squeezed."""
    inner, outer = np.shape(x), np.shape(y)
    return {
        "derivative": inner,
        "gradient": outer + inner,
        "value_and_gradient": outer + inner,
        "jacobian": outer + inner,
        "hessian": outer + inner + inner,
        "jvp": outer,
        "vjp": inner,
        "hvp": outer + inner,
        "directional_derivative": outer,
    }[name]


def cases(operators):
    """Each operator with the maps that it takes: `derivative` only elementwise ones."""
    return [
        (name, kind) for name in operators for kind in (MAPS if name != "derivative" else ["elementwise"])
    ]


def undirected(name, x):
    """Whether there is no direction at all, which one operator needs."""
    return name == "directional_derivative" and np.size(x) == 0


@pytest.mark.parametrize(("name", "kind"), cases(OPERATORS))
def test_every_field_of_an_estimate_has_the_shape_of_the_rule(name, kind):
    f = MAPS[kind]
    for shape in SHAPES:
        x = np.full(shape, 0.5)
        if (kind == "matrix" and x.ndim > 1) or undirected(name, x):
            continue
        estimate = OPERATORS[name](f, x, scheme="central")
        for field in FIELDS:
            assert np.shape(getattr(estimate, field)) == expected_shape(name, x, f(x)), (shape, field)
        # One step for each line: for each coordinate, or the only one there is.
        along_one = name in ("jvp", "directional_derivative")
        assert np.shape(estimate.step) == (() if along_one else shape)


@pytest.mark.parametrize(("name", "kind"), cases(PLAIN))
def test_plain_answers_have_the_shape_of_the_rule(name, kind):
    f = MAPS[kind]
    for shape in SHAPES:
        x = np.full(shape, 0.5)
        if (kind == "matrix" and x.ndim > 1) or undirected(name, x):
            continue
        value = PLAIN[name](f, x, scheme="forward")
        assert np.shape(value) == expected_shape(name, x, f(x)), shape
        assert np.isfinite(value).all()


@given(shapes)
def test_derivatives_of_any_shape(shape):
    x = np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)
    for n in (1, 2):
        value = cm.derivative(np.exp, x, n, scheme=Central(order=4))
        assert value.shape == shape
        # The steps of the formula leave 12 digits of the first and 9 of the second derivative.
        np.testing.assert_allclose(value, np.exp(x), rtol=1e-8)


@pytest.mark.parametrize("value", [0.5, np.float64(0.5), np.array(0.5), 1, True, np.int8(1)], ids=repr)
def test_numbers_of_every_kind_are_scalars(value):
    seen = []

    def f(x):
        seen.append(x)
        return x**3

    slope = cm.derivative(f, value, scheme="central")
    assert np.shape(slope) == () and not isinstance(slope, np.ndarray)
    assert slope == pytest.approx(3 * float(value) ** 2, rel=1e-8)
    assert all(np.shape(x) == () and x.dtype == np.float64 for x in seen)
    assert cm.gradient(f, value, scheme="central").shape == ()


def power(x):
    """A function that shows wrapping and truncation of integers at once."""
    return np.sum(x**2 - 300 * x)


INTEGERS = [np.int8, np.int64, np.uint8, np.uint64, bool]


@pytest.mark.parametrize("dtype", INTEGERS, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("name", [name for name in PLAIN if name != "derivative"])
def test_integers_are_floats_for_every_operator(name, dtype):
    x = np.array([1, 0, 1], dtype)
    same = np.array([1.0, 0.0, 1.0])
    value = PLAIN[name](power, x, scheme="central")
    assert value.dtype == np.float64
    np.testing.assert_array_equal(value, PLAIN[name](power, same, scheme="central"))


FLOATS = [np.float16, np.float32, np.float64, np.longdouble]


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("name", PLAIN)
def test_floats_keep_their_kind(name, dtype):
    x = np.array([0.5, 1.25, 0.75], dtype)
    seen = []

    def f(x):
        seen.append(x.dtype)
        return np.exp(x) if name == "derivative" else np.sum(np.exp(x))

    # The test's own call for the shape of f(x) is the only one in another kind of number.
    value = np.asarray(PLAIN[name](f, x, scheme="central"))
    assert set(seen[name == "vjp" :]) == {np.dtype(dtype)}
    assert value.dtype == dtype
    exact = {
        "derivative": np.exp(x),
        "gradient": np.exp(x),
        "value_and_gradient": np.exp(x),
        "jacobian": np.exp(x),
        "hessian": np.diag(np.exp(x)),
        "jvp": np.exp(x) @ vector(x),
        "vjp": np.exp(x) * vector(1.0),
        "hvp": np.exp(x) * vector(x),
        "directional_derivative": np.exp(x) @ vector(x) / np.linalg.norm(vector(x)),
    }[name]
    # A central difference keeps two thirds of the digits of its values, of the second order half of them;
    # the values are sums of three, and the Hessian divides differences of such sums.
    eps = float(np.finfo(dtype).eps)
    loose = 60 * eps**0.5 if name in ("hessian", "hvp") else 20 * eps ** (2 / 3)
    np.testing.assert_allclose(value.astype(float), exact.astype(float), atol=loose, rtol=loose)


COMPLEX = [np.array([1 + 2j, 0.5]), 1j, np.array([1.0], np.complex64), [1.0, 2j]]


@dataclass
class Quantity:
    """Shaped like an array with units."""

    magnitude: np.ndarray
    units: str = "m"

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.magnitude, dtype)


class Tagged(np.ndarray):
    """Shaped like an array subclass with a unit."""

    unit = "m"


REFUSED = [
    *((x, "`x` is complex.*real and imaginary parts") for x in COMPLEX),
    (np.ma.masked_array([1.0, 2.0], [True, False]), "`x` is a masked array.*compressed"),
    (np.array([1.0, None]), "`x` must hold real numbers, got dtype object"),
    (np.array(["a"]), "`x` must hold real numbers"),
    (np.array(["2020-01-01"], "M8[D]"), "`x` must hold real numbers"),
    ("text", "`x` must hold real numbers"),
    (None, "`x` must hold real numbers"),
    (Quantity(np.ones(2)), "`x` carries units; pass its magnitude|`x.units` must hold real numbers"),
    (np.ones(2).view(Tagged), "`x` carries units; pass its magnitude"),
    ([[1.0], [1.0, 2.0]], "ragged"),
    ({"a": 1.0, "b": np.array([1j])}, r"`x\['b'\]` is complex|`x` must be a number or an array"),
    (
        {"a": 1.0, "b": np.ma.ones(2)},
        r"`x\['b'\]` is a masked array|`x` must be a number or an array",
    ),
]


@pytest.mark.parametrize(("x", "message"), REFUSED)
@pytest.mark.parametrize("name", REFUSING)
def test_what_cannot_be_differentiated_is_refused_before_f_is_called(name, x, message):
    calls = []
    with pytest.raises(TypeError, match=message):
        REFUSING[name](lambda x: calls.append(x) or 1.0, x)
    assert not calls


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"scheme": "guess"}, ValueError, "`scheme` must be one of"),
        ({"scheme": 3}, TypeError, "`scheme` must be a name or a scheme"),
        ({"bounds": (1.0, 0.0)}, ValueError, "crossed"),
        ({"bounds": (2.0, 3.0)}, ValueError, "`x` must lie within `bounds`"),
        ({"bounds": (0.0, np.nan)}, ValueError, "must not contain NaN"),
        ({"bounds": 1.0}, TypeError, "must be a pair"),
        ({"bounds": (np.zeros(5), 1.0)}, ValueError, "the lower `bounds` have shape"),
        ({"bounds": (0.0, 1j)}, TypeError, "complex"),
        ({"args": 1.0}, TypeError, "`args` must be a tuple"),
        ({"kwargs": [1.0]}, TypeError, "`kwargs` must be a mapping"),
        ({"workers": 0}, ValueError, "`workers` must be at least 1"),
        ({"workers": "2"}, TypeError, "`workers` must be None"),
    ],
)
@pytest.mark.parametrize("name", REFUSING)
def test_bad_options_are_refused_before_f_is_called(name, options, error, message):
    x = np.array([0.25, 0.75])
    calls = []

    def f(x):
        calls.append(x)
        return x[0]

    with pytest.raises(error, match=message):
        REFUSING[name](f, x, **options)
    assert not calls


class Point(NamedTuple):
    w: np.ndarray
    b: np.ndarray


@dataclass
class Net:
    w: np.ndarray
    b: np.ndarray


def parts(p):
    """The two leaves of any of the structures below."""
    if isinstance(p, dict):
        return p["w"], p["b"]
    return (p.w, p.b) if hasattr(p, "w") else tuple(p)


W, B = np.array([[1.0, 2.0]]), np.array([3.0, 4.0, 5.0])
STRUCTURES = {
    "dict": {"w": W, "b": B},
    "list": [W, B],
    "tuple": (W, B),
    "named tuple": Point(W, B),
    "dataclass": Net(W, B),
}


@pytest.mark.parametrize("x", STRUCTURES.values(), ids=STRUCTURES)
@pytest.mark.parametrize("scheme", ["adaptive", "central", "complex", "forward"])
def test_structures_for_every_first_derivative(x, scheme):
    def f(p):
        assert type(p) is type(x)
        w, b = parts(p)
        assert w.shape == (1, 2) and b.shape == (3,)
        return np.sum(w**2) * np.sum(b)

    # Forward differences keep half of the digits.
    close = {"rtol": 1e-6 if scheme == "forward" else 1e-9}
    for gradient in (
        cm.gradient(f, x, scheme=scheme),
        cm.value_and_gradient(f, x, scheme=scheme)[1],
        cm.jacobian(f, x, scheme=scheme),
        cm.vjp(f, x, 1.0, scheme=scheme),
        cm.estimate_gradient(f, x, scheme=scheme).value,
    ):
        assert type(gradient) is type(x)
        w, b = parts(gradient)
        np.testing.assert_allclose(w, 24 * W, **close)
        np.testing.assert_allclose(b, np.full(3, 5.0), **close)
    estimate = cm.estimate_gradient(f, x, scheme=scheme)
    for field in ("error", "noise", "status", "step"):
        assert [part.shape for part in parts(getattr(estimate, field))] == [(1, 2), (3,)], field
    along = 24 * np.sum(W * W) + 5 * np.sum(B)
    assert cm.jvp(f, x, x, scheme=scheme) == pytest.approx(along, rel=close["rtol"])
    length = np.sqrt(np.sum(W**2) + np.sum(B**2))
    assert cm.directional_derivative(f, x, x, scheme=scheme) == pytest.approx(along / length, rel=1e-6)


def test_nested_structures_with_leaves_of_their_own_kinds():
    x = {"layers": [Net(W.astype(np.float32), B), Net(W, np.array([1.0]))], "scale": (np.ones(2), 2)}

    def f(p):
        return sum(np.sum(net.w**2) + np.sum(net.b) for net in p["layers"]) * p["scale"][1]

    g = cm.gradient(f, x, scheme="central")
    assert g["layers"][0].w.dtype == np.float32 and g["layers"][1].w.dtype == np.float64
    np.testing.assert_allclose(g["layers"][0].w, 4 * W, rtol=1e-6)
    np.testing.assert_allclose(g["scale"][1], f(x) / 2, rtol=1e-8)
    assert g["scale"][0].shape == (2,) and not g["scale"][0].any()


# The box around x, as (x, lower, upper).
BOXES = {
    "inside": (0.5, 0.0, 2.0),
    "at the lower bound": (0.0, 0.0, 2.0),
    "at the upper bound": (2.0, 0.0, 2.0),
    "near the lower bound": (1e-9, 0.0, 1.0),
    "no upper bound": (1.0, 1.0, np.inf),
    "no lower bound": (1.0, -np.inf, 1.0),
    "narrow": (1.0, 1 - 1e-10, 1 + 1e-10),
    "a few floats": (1.0, 1.0, 1 + 8 * np.spacing(1.0)),
    "two floats": (1.0, 1.0, np.nextafter(1.0, 2.0)),
    "no room": (1.0, 1.0, 1.0),
}
ROOMY = ("inside", "at the lower bound", "at the upper bound", "no upper bound", "no lower bound")
SCHEMES = [*names(), Central(order=4), Forward(order=2), Backward(order=3), Central(step=0.3)]


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize("box", BOXES)
def test_no_evaluation_leaves_the_bounds(scheme, box):
    x, lower, upper = BOXES[box]
    for n in (1, 2, 3, 4):
        if scheme == "complex" and n > 1:
            continue
        points = []

        def f(t):
            points.append(np.real(t))
            return np.exp(t)

        estimate = cm.estimate_derivative(f, x, n, scheme=scheme, bounds=(lower, upper))
        assert min(points) >= lower and max(points) <= upper
        assert len(points) == estimate.nfev
        # What is claimed is true, rounding of the answer itself aside.
        off = abs(estimate.value - np.exp(x))
        assert not estimate.success or off <= estimate.error + 4e-16 * np.exp(x)
        if scheme == "cauchy" and x in (lower, upper):
            # There is no circle around a point on a bound.
            assert estimate.status == cm.Status.NO_ROOM
        elif box in ROOMY and scheme != Central(step=0.3):
            assert estimate.success
        if box == "no room" and scheme != "complex":
            assert np.isnan(estimate.value) and estimate.status == cm.Status.NO_ROOM


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        (name, scheme)
        for name in OPERATORS
        for scheme in SCHEMES
        # The complex step gives first derivatives only.
        if scheme != Central(step=0.3) and not (scheme == "complex" and name in ("hessian", "hvp"))
    ],
    ids=str,
)
def test_no_operator_leaves_the_bounds(name, scheme):
    lower, upper = np.array([0.0, -1.0, 2.0]), np.array([1.0, np.inf, 2.5])
    for x in ([0.0, 5.0, 2.5], [1.0, -1.0, 2.0], [0.5, 3.0, 2.25], [1e-12, 0.0, 2.5 - 1e-12]):
        points = []

        def f(t):
            points.append(np.real(t).copy())
            return np.exp(t / 4) if name == "derivative" else np.sum(np.exp(t / 4)) * t[0]

        if name == "directional_derivative" and x == [0.0, 5.0, 2.5]:
            continue  # covered below: the direction leads out on both sides
        OPERATORS[name](f, x, scheme=scheme, bounds=(lower, upper))
        assert (np.array(points) >= lower).all() and (np.array(points) <= upper).all(), x


def test_a_direction_without_room_is_told():
    points = []

    def f(x):
        points.append(x)
        return np.sum(x)

    estimate = cm.estimate_directional_derivative(f, [0.0, 1.0], [1.0, 1.0], bounds=(0.0, 1.0))
    assert not estimate.success and np.isnan(estimate.value)
    assert str(cm.Status.NO_ROOM) in estimate.message
    assert all((x >= 0).all() and (x <= 1).all() for x in points)


@given(st.floats(-10, 10), st.floats(0, 1), st.floats(0, 1), st.sampled_from(SCHEMES), st.integers(1, 4))
def test_no_evaluation_leaves_any_box(x, left, right, scheme, n):
    if scheme == "complex":
        n = 1
    lower, upper = x - left, x + right
    points = []

    def f(t):
        points.append(np.real(t))
        return np.sin(t)

    cm.estimate_derivative(f, x, n, scheme=scheme, bounds=(lower, upper))
    assert min(points) >= lower and max(points) <= upper


@pytest.mark.parametrize(
    "scheme",
    [
        *("adaptive", "central", "forward", "backward", "richardson"),
    ],
)
def test_bounds_that_float32_cannot_hold(scheme):
    # 0.1 lies between two float32, and rounding it to the nearest would let x beyond it.
    x = np.nextafter(np.float32(0.1), np.float32(0.0))
    points = []

    def f(t):
        points.append(np.float64(t))
        return np.sin(t)

    cm.estimate_derivative(f, x, scheme=scheme, bounds=(np.float64(x) - 1e-6, 0.1))
    assert max(points) <= 0.1


@pytest.mark.parametrize("scheme", [s for s in names() if s != "complex"])
@pytest.mark.parametrize("v", [[1.0, 0.0], [0.0, 3.0], [-2.0, 0.0]], ids=str)
def test_a_hessian_times_an_axis(scheme, v):
    x = np.array([2.0, 0.5])
    value = cm.hvp(lambda x: x[0] ** 2 * x[1] + x[1] ** 3, x, v, scheme=scheme)
    np.testing.assert_allclose(value, np.array([[1.0, 4.0], [4.0, 3.0]]) @ v, rtol=1e-3, atol=1e-3)
