"""Steps found once: what they are worth, for what they are found, and in what shape they come."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

import calcml as cm
from calcml.differentiate.optimal_step import optimal_step
from calcml.schemes import Backward, Central, Fixed, Forward, Relative
from calcml.schemes.curtis_reid import CurtisReid
from calcml.schemes.gill_murray import GillMurray
from calcml.schemes.more_wild import MoreWild
from calcml.schemes.shi import Shi
from calcml.testing import derivative_cases, digits, scaled

EPS = np.finfo(float).eps
SCHEMES = [Forward(), Backward(order=2), Central(), Central(order=4), Central(order=8)]


class Counted:
    def __init__(self, f):
        self.f, self.calls, self.points = f, 0, []

    def __call__(self, x, *args, **kwargs):
        self.calls += 1
        self.points.append(np.array(x))
        return self.f(x, *args, **kwargs)


def hard(x):
    """Three coordinates with lengths 1e-3, 1 and 1e4."""
    return np.exp(1000 * x[0]) + np.sin(x[1]) + np.exp(x[2] / 1e4)


X = np.array([1e-3, 1.0, 5.0])
GRADIENT = np.array([1000 * math.e, math.cos(1.0), math.exp(5e-4) / 1e4])


@pytest.mark.parametrize(
    ("scheme", "least"),
    [(Forward(), 6.5), (Central(), 9.5), (Central(order=4), 11.5), (Central(order=8), 12)],
)
def test_a_gradient_with_the_steps_found(scheme, least):
    # The smallest slope is 1e-4 of values of 5: the least error in it loses those digits, as long as the step
    # found is 1e4 times that of the second coordinate.
    h = optimal_step(hard, X, scheme)
    assert h.shape == X.shape
    f = Counted(hard)
    value = cm.gradient(f, X, scheme=type(scheme)(order=scheme.order, step=h))
    assert np.all(digits(value, GRADIENT) > least)
    # No search any more.
    assert f.calls == (3 + 1 if scheme == Forward() else 3 * scheme.order)
    assert 1e2 < h[1] / h[0] < 1e4
    assert h[2] > 100 * h[1]


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_step_of_the_formula_asked_for(scheme, n):
    side = 0 if isinstance(scheme, Central) else 1 if isinstance(scheme, Forward) else -1
    m = (n + scheme.order - 1) // 2
    points = range(-m, m + 1) if side == 0 else [side * j for j in range(n + scheme.order)]
    formula = cm.stencil(list(points), n)
    h = optimal_step(np.exp, 1.0, scheme, n=n)
    spread = math.sqrt(n / formula.order * float(sum(w * w for w in formula.weights)))
    best = (spread * EPS / 2 / abs(float(formula.error_constant))) ** (1 / (n + formula.order))
    # exp has noise of about its rounding.
    assert h == pytest.approx(best, rel=0.35)


@pytest.mark.parametrize("order", [2, 4, 8])
def test_origin_and_scale_do_not_matter(order):
    found = []
    for case in derivative_cases("smooth"):
        for c, s in ((0.0, 1e-8), (0.0, 1e8), (1.0, 1e-4), (1000.0, 1e-3)):
            moved = scaled(case, c=c, s=s)
            h = optimal_step(moved.f, moved.x, Central(order=order), elementwise=True)
            value = cm.estimate_derivative(moved.f, moved.x, scheme=Central(order=order, step=h)).value
            found.append(float(digits(value, moved.exact())))
    # 1000 + 1e-3 t knows t to 1e-10 only, and differences lose a third of that.
    assert min(found) > 5.5
    assert np.median(found) > {2: 10.5, 4: 12.5, 8: 13.7}[order]


@pytest.mark.parametrize("order", [2, 4, 8])
def test_the_catalogue_with_steps_found_once(order):
    found = []
    for case in derivative_cases():
        h = optimal_step(case.f, case.x, Central(order=order), elementwise=True)
        value = cm.estimate_derivative(case.f, case.x, scheme=Central(order=order, step=h)).value
        found.append(float(digits(value, case.exact())))
    assert min(found) >= 4
    assert sum(d >= 6 for d in found) >= 42
    assert np.median(found) >= {2: 10.7, 4: 12.7, 8: 13.9}[order]


@pytest.mark.parametrize("rule", [None, Shi(), GillMurray(), CurtisReid(), Relative(), Fixed(0.125)], ids=str)
def test_rules(rule):
    h = optimal_step(np.exp, 1.0, rule=rule)
    if isinstance(rule, Fixed):
        assert h == 0.125
    elif isinstance(rule, Relative):
        assert h == pytest.approx((3 * EPS) ** (1 / 3))
    else:
        assert 0.3 < h / (3 * EPS) ** (1 / 3) < 1.5


def test_the_rule_of_the_scheme_is_taken():
    f = Counted(np.exp)
    own = optimal_step(f, 1.0, Central(step=Shi(noise=1e-6)))
    assert own == optimal_step(np.exp, 1.0, rule=Shi(noise=1e-6))
    assert own != optimal_step(np.exp, 1.0)
    # A fixed or relative step is not a search; and the argument comes first.
    assert optimal_step(np.exp, 1.0, Central(step=0.5)) == optimal_step(np.exp, 1.0)
    assert optimal_step(np.exp, 1.0, Central(step=Shi()), rule=MoreWild()) == optimal_step(np.exp, 1.0)


def test_evaluations():
    f = Counted(lambda x: np.exp(x).sum())
    optimal_step(f, np.ones(5))
    # f(x), and six values for the noise and four for the third derivative of each coordinate.
    assert f.calls == 1 + 5 * (6 + 4)
    f = Counted(np.exp)
    optimal_step(f, np.linspace(1.0, 2.0, 50), elementwise=True)
    # One call for all points; those that need another step take the rest along.
    assert f.calls <= 40


@dataclass(frozen=True)
class Pair:
    a: float
    b: np.ndarray


@pytest.mark.parametrize(
    "x",
    [
        {"b": np.array([[1.0, 2.0]]), "a": 2.0},
        [np.array([1.0, 3.0]), np.array(2.0)],
        (np.array([1.0]), {"c": 3.0}),
        Pair(2.0, np.array([1.0, 4.0])),
        3.0,
        np.array([[1.0, 2.0], [3.0, 4.0]]),
    ],
    ids=["dict", "list", "tuple", "dataclass", "number", "matrix"],
)
def test_any_structure_of_x(x):
    def f(p):
        flat = np.concatenate([np.ravel(v) for v in leaves(p)])
        return np.sum(flat**3)

    def leaves(p):
        if isinstance(p, dict):
            return [v for key in sorted(p) for v in leaves(p[key])]
        if isinstance(p, Pair):
            return [p.a, p.b]
        return [w for v in p for w in leaves(v)] if isinstance(p, list | tuple) else [p]

    h = optimal_step(f, x)
    assert type(h) is (np.ndarray if isinstance(x, float) else type(x))
    for step, value in zip(leaves(h), leaves(x), strict=True):
        assert np.shape(step) == np.shape(value)
        assert np.all(step > 0)
    gradient = cm.gradient(f, x, scheme=Central(step=h))
    for slope, value in zip(leaves(gradient), leaves(x), strict=True):
        np.testing.assert_allclose(slope, 3 * np.asarray(value) ** 2, rtol=1e-8)


def test_steps_in_a_structure_go_by_name():
    def f(p):
        return p["a"] ** 3 + np.sum(p["b"] ** 3)

    x = {"a": 1.0, "b": np.array([2.0, 3.0])}
    steps = {"b": np.array([0.5, 0.25]), "a": 0.125}
    estimate = cm.estimate_gradient(f, x, scheme=Central(step=steps))
    assert estimate.step["a"] == 0.125
    np.testing.assert_array_equal(estimate.step["b"], [0.5, 0.25])
    assert Fixed(steps) == Fixed(dict(steps))
    assert Fixed(steps) != Fixed({"c": np.array([0.5, 0.25]), "a": 0.125})
    assert Fixed(steps) != Fixed([0.5, 0.25, 0.125])
    assert hash(Fixed(steps)) == hash(Fixed(dict(steps)))
    with pytest.raises(
        ValueError, match=r"`step` has the entries \['c'\] \(2,\), \['a'\] \(\), which are not"
    ):
        cm.gradient(f, x, scheme=Central(step={"c": np.array([0.5, 0.25]), "a": 0.125}))
    with pytest.raises(ValueError, match="which are not those of x"):
        cm.derivative(np.exp, np.ones(3), scheme=Central(step=steps))
    with pytest.raises(ValueError, match=r"`step` has shape \(1,\), x has shape \(3,\)"):
        cm.gradient(f, x, scheme=Central(step={"a": 0.125}))
    with pytest.raises(ValueError, match="must be positive and finite, got -1.0"):
        Fixed({"a": -1.0})


def test_nothing_to_find_is_the_relative_step():
    x = np.array([1.0, 30.0])
    relative = (3 * EPS) ** (1 / 3) * np.maximum(np.abs(x), 1.0)
    for f in (lambda v: 5.0, lambda v: math.nan):
        np.testing.assert_allclose(optimal_step(f, x), relative, rtol=1e-12)
    # A linear function has no best step either, but rounding may suggest one; it must be a good one.
    h = optimal_step(lambda v: v @ [1.0, 2.0], x)
    np.testing.assert_allclose(
        cm.gradient(lambda v: v @ [1.0, 2.0], x, scheme=Central(step=h)), [1.0, 2.0], rtol=1e-8
    )
    assert optimal_step(lambda v: 1.0, np.empty(0)).shape == (0,)
    np.testing.assert_allclose(optimal_step(lambda v: np.empty(0), x), relative, rtol=1e-12)
    # At a kink or a jump there is no best step; it is positive and finite all the same.
    for f in (np.abs, lambda v: np.where(v < 0, 0.0, 1.0)[()]):
        h = optimal_step(f, 0.0)
        assert 0 < h < np.inf


def test_bounds():
    f = Counted(lambda v: np.sqrt(v).sum())
    lower, upper = np.array([0.0, 0.5, 1.0]), np.array([1.0, 2.0, 1.0])
    h = optimal_step(f, np.array([1e-8, 2.0, 1.0]), bounds=(lower, upper))
    points = np.array(f.points)
    assert np.all((points >= lower) & (points <= upper))
    assert 0 < h[0] < 1e-8
    assert 1e-7 < h[1] < 1e-3


def test_noise_asks_for_longer_steps():
    rng = np.random.default_rng(5)
    h = optimal_step(lambda v: np.exp(v) + 1e-8 * rng.uniform(-1, 1), 0.0)
    assert h == pytest.approx((3 * 1e-8 / math.sqrt(3)) ** (1 / 3), rel=0.5)
    single = optimal_step(np.exp, np.float32(1.0))
    assert single == pytest.approx((3 * np.finfo(np.float32).eps / 2) ** (1 / 3), rel=0.5)
    assert single.dtype == np.float64


def test_arguments_batches_and_workers():
    def f(v, a, *, b):
        return a * np.exp(v).sum(axis=0) + b

    x = np.array([0.5, 1.5])
    plain = optimal_step(f, x, args=(2.0,), kwargs={"b": 1.0})
    batch = optimal_step(f, x, args=(2.0,), kwargs={"b": 1.0}, vectorized=True)
    np.testing.assert_array_equal(batch, plain)
    with ThreadPoolExecutor(2) as pool:
        np.testing.assert_array_equal(optimal_step(f, x, args=(2.0,), kwargs={"b": 1.0}, workers=pool), plain)
        elementwise = optimal_step(np.exp, x, elementwise=True, workers=pool)
    np.testing.assert_array_equal(elementwise, optimal_step(np.exp, x, elementwise=True))
    several = optimal_step(lambda v: [np.sin(v[0]), np.sin(40 * v[0])], [1.0])
    one = optimal_step(lambda v: np.sin(40 * v[0]), [1.0])
    assert 0.3 < several[0] / one[0] < 3


def test_elementwise_points_are_each_by_itself():
    x = np.array([[1.0, 1e-3], [200.0, 1e-10]])
    together = optimal_step(np.log, x, Central(order=4), elementwise=True)
    each = [[optimal_step(np.log, v, Central(order=4), elementwise=True) for v in row] for row in x]
    np.testing.assert_array_equal(together, each)
    # log has the length x; noise in units of f is from u at 1 to 23 u at 1e-10.
    assert np.ptp(np.log10(together / x)) < 1


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((1.0, 1.0), {}, TypeError, "`f` must be callable"),
        ((np.exp, 1.0, "adaptive"), {}, TypeError, "`scheme` must be forward, backward or central"),
        ((np.exp, 1.0, "none"), {}, ValueError, "`scheme` must be one of"),
        ((np.exp, 1.0), {"rule": 0.5}, TypeError, r"`rule` must be a step rule such as Shi\(\), got 0.5"),
        ((np.exp, 1.0), {"n": 0}, ValueError, "`n` must be at least 1"),
        ((np.exp, 1.0), {"n": 1.5}, TypeError, "`n` must be an integer"),
        ((np.exp, 1.0), {"n": True}, TypeError, "`n` must be an integer"),
        ((np.exp, {"a": 1.0}), {"elementwise": True}, TypeError, "`x` must be a number or an array"),
        ((np.exp, 1.0), {"elementwise": True, "vectorized": True}, ValueError, "leave out `vectorized`"),
        ((np.exp, 1.0), {"bounds": (2.0, 3.0)}, ValueError, "`x` must lie within `bounds`"),
        ((np.exp, "a"), {}, TypeError, "`x` must hold real numbers"),
    ],
)
def test_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        optimal_step(*arguments, **options)
