"""The jobs of the benchmark of differentiation: functions with exact answers, floors, methods and bars."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from _peers import Method, load, peers

import calcml as cm
from calcml.schemes import Central, ComplexStep, Forward
from calcml.testing import broyden_tridiagonal, rosenbrock, softmax

__all__ = ["FULL", "QUICK", "Bar", "Job"]

SCHEMES: tuple[tuple[str, Any, str], ...] = (
    ("forward", Forward(), "forward"),
    ("central", Central(), "central"),
    ("central 4", Central(order=4), "central 4"),
    ("complex", ComplexStep(), "complex"),
    ("adaptive", "adaptive", "central"),
)
MEGABYTE = 1e6


@dataclass(frozen=True)
class Bar:
    """What a method must reach: a "ratio" to its floor, a time "over" the floor, a "time" or "memory".

    A time says little on another machine: `share` is the limit in units of what the same took with the
    `rival` where the limit was set.
    """

    kind: str
    limit: float
    rival: str = ""
    share: float = 0.0


@dataclass(frozen=True)
class Job:
    """One thing to differentiate.

    Each floor is its number of calls and a function that makes just these; bars are by method.
    """

    name: str
    title: str
    f: Callable[[Any], Any]
    x: Any
    exact: Any
    floors: Mapping[str, tuple[str, Callable[[], Any]]]
    methods: tuple[Method, ...]
    bars: Mapping[str, tuple[Bar, ...]] = field(default_factory=dict)
    traced: Callable[[Any], Any] | None = None


def calls(f: Callable[[Any], Any], points: list[Any], what: str = "call") -> tuple[str, Callable[[], Any]]:
    """Return a floor: nothing but f at prepared points."""
    text = f"{len(points)} {what}s" if len(points) > 1 else f"1 {what}"
    return text, lambda: [f(point) for point in points]


def axis_floors(f: Callable[[Any], Any], x: Any) -> dict[str, tuple[str, Callable[[], Any]]]:
    """Return the floors of first derivatives along every axis of x."""
    h = 1e-5
    steps = h * np.eye(x.size)
    sides = [x + sign * step for step in steps for sign in (-1, 1)]
    batch = np.ascontiguousarray(np.array(sides).T)
    return {
        "forward": calls(f, [x, *sides[1::2]]),
        "central": calls(f, sides),
        "central 4": calls(f, [*sides, *(x + 2 * sign * step for step in steps for sign in (-1, 1))]),
        "complex": calls(f, [x + 1j * step for step in steps], "complex call"),
        "batch": (f"1 call of {len(sides)} points", lambda: f(batch)),
        "one": calls(f, [x]),
    }


def own(operator: Callable[..., Any], *, batches: bool = True) -> list[Method]:
    """Return calcml's schemes, one point at a time and in batches."""
    loops = [
        Method(f"calcml {name}", partial(_apply, operator, {"scheme": scheme}), floor)
        for name, scheme, floor in SCHEMES
    ]
    if not batches:
        return loops
    return loops + [
        Method(
            f"calcml {name}, vectorized",
            partial(_apply, operator, {"scheme": scheme, "vectorized": True}),
            "batch",
            "batch",
        )
        for name, scheme, _ in SCHEMES
    ]


def _apply(operator: Callable[..., Any], options: dict[str, Any], f: Any, x: Any) -> Any:
    return operator(f, x, **options)


def gradient_job(n: int) -> Job:
    """Build the gradient of Rosenbrock's function of n variables."""
    case = rosenbrock(n)
    x = case.x + 0.01 * np.cos(np.arange(n))
    bars = {f"calcml {name}": (Bar("ratio", 1.15),) for name in ("forward", "central", "central 4")}
    if n < 10:
        bars = {
            "calcml forward": (Bar("over", 30e-6, "statsmodels forward", 30 / 5),),
            "calcml central": (Bar("over", 30e-6, "statsmodels centered", 30 / 10),),
            "calcml central 4": (Bar("over", 30e-6, "statsmodels centered", 30 / 10),),
        }
    if n == 100:
        bar = Bar("time", 60e-6, "scipy approx_derivative 2-point", 60 / 840)
        bars["calcml central, vectorized"] = (bar,)
    methods = (*own(cm.gradient), *peers("gradient"))
    return Job(
        f"gradient-{n}", f"gradient of Rosenbrock's function, n = {n}", case.f, x, case.gradient(x),
        axis_floors(case.f, x), methods, bars, _traced_rosenbrock(),
    )  # fmt: skip


def _traced_rosenbrock() -> Callable[[Any], Any] | None:
    xp = load("autograd.numpy")
    return lambda x: xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def jacobian_job(n: int) -> Job:
    """Build the Jacobian of softmax, which is dense."""
    case = softmax(n)
    xp = load("autograd.numpy")
    return Job(
        f"jacobian-{n}", f"Jacobian of softmax, {n} x {n}", case.f, case.x, case.jacobian(case.x),
        axis_floors(case.f, case.x), (*own(cm.jacobian), *peers("jacobian")), traced=
        lambda x: xp.exp(x) / xp.sum(xp.exp(x)),
    )  # fmt: skip


def hessian_job(n: int) -> Job:
    """Build the Hessian of Rosenbrock's function from its values alone."""
    case = rosenbrock(n)
    x = case.x + 0.01 * np.cos(np.arange(n))
    # Two points on each of the n axes and n (n - 1) / 2 diagonals, and x itself; forward one and n more.
    rng = np.random.default_rng(0)
    points = list(x + 1e-4 * rng.standard_normal((n * n + n + 1, n)))
    batch = np.ascontiguousarray(np.array(points).T)
    floors = {
        "forward": calls(case.f, points[: n * (n + 1) // 2 + n + 1]),
        "central": calls(case.f, points),
        "batch": (f"1 call of {len(points)} points", lambda: case.f(batch)),
        "one": calls(case.f, [x]),
    }
    schemes = [m for m in own(cm.hessian) if "forward" not in m.name and "complex" not in m.name]
    methods = [Method(m.name, m.run, m.floor.replace(" 4", ""), m.form) for m in schemes]
    bars = (
        {"calcml central, vectorized": (Bar("time", 1e-3, "statsmodels centered", 1 / 27),)}
        if n == 50
        else {}
    )
    return Job(
        f"hessian-{n}", f"Hessian of Rosenbrock's function, n = {n}", case.f, x, case.hessian(x), floors,
        (*methods, *peers("hessian")), bars, _traced_rosenbrock(),
    )  # fmt: skip


def points_job(n: int) -> Job:
    """Build the derivative of exp(sin(x)) at n points of a grid."""
    x = np.linspace(0.1, 10.0, n) if n > 1 else np.float64(0.7)
    f = lambda x: np.exp(np.sin(x))  # noqa: E731
    xp = load("autograd.numpy")
    h = 1e-5
    floors = {
        "forward": calls(f, [x, x + h]),
        "central": calls(f, [x - h, x + h]),
        "central 4": calls(f, [x - 2 * h, x - h, x + h, x + 2 * h]),
        "complex": calls(f, [x + 1j * h], "complex call"),
        "one": calls(f, [x]),
    }
    memory = Bar("memory", 100 * MEGABYTE)
    bars = {
        "calcml central": (Bar("ratio", 1.5), memory),
        "calcml adaptive": (Bar("ratio", 25.0), memory),
    }
    methods = [
        Method(m.name, m.run, "one", m.form) if m.name == "calcml adaptive" else m
        for m in own(cm.derivative, batches=False)
    ]
    return Job(
        f"derivative-{n:.0e}".replace("e+0", "e") if n > 1 else "derivative-1",
        f"derivative of exp(sin(x)) at {n} point{'s' * (n > 1)}", f, x,
        np.cos(x) * f(x), floors, (*methods, *peers("points")), bars if n >= 10**6 else {},
        lambda x: xp.exp(xp.sin(x)),
    )  # fmt: skip


def along_job(n: int, kind: str) -> Job:
    """Build J v of Rosenbrock's function, or H v from its gradient, along a dense vector."""
    case = rosenbrock(n)
    x = case.x + 0.01 * np.cos(np.arange(n))
    v = np.sin(np.arange(n))
    f = case.f if kind == "jvp" else case.gradient
    floors = {
        "forward": calls(f, [x, x + 1e-8 * v]),
        "central": calls(f, [x - 1e-5 * v, x + 1e-5 * v]),
        "central 4": calls(f, [x - 2e-3 * v, x - 1e-3 * v, x + 1e-3 * v, x + 2e-3 * v]),
        "complex": calls(f, [x + 1e-8j * v], "complex call"),
        "one": calls(f, [x]),
    }

    def product(f: Any, xv: Any, **options: Any) -> Any:
        return cm.jvp(f, *xv, **options) if kind == "jvp" else cm.hvp(f, *xv, grad=f, **options)

    exact = case.gradient(x) @ v if kind == "jvp" else _rosenbrock_curvature(x, v)
    return Job(
        f"{kind}-{n:.0e}".replace("e+0", "e"),
        f"{'J v' if kind == 'jvp' else 'H v from the gradient'} of Rosenbrock's function, n = {n}",
        f, (x, v), exact, floors, (*own(product, batches=False), *peers(kind)), traced=_traced_rosenbrock(),
    )  # fmt: skip


def _rosenbrock_curvature(x: Any, v: Any) -> Any:
    """Return H v without H, which is tridiagonal."""
    product = np.zeros_like(x)
    product[1:] = 200 * v[1:] - 400 * x[:-1] * v[:-1]
    product[:-1] += (1200 * x[:-1] ** 2 - 400 * x[1:] + 2) * v[:-1] - 400 * x[:-1] * v[1:]
    return product


def sparse_job(n: int) -> Job:
    """Build the sparse Jacobian of Broyden's tridiagonal function, with everything prepared that can be."""
    from scipy.sparse import diags_array

    f, x = broyden_tridiagonal(n).f, -1 + 0.1 * np.cos(np.arange(n))
    below, above = -np.ones(n - 1), -2 * np.ones(n - 1)
    exact = diags_array([below, 3 - 4 * x, above], offsets=[-1, 0, 1], format="csr")
    three = [np.where(np.arange(n) % 3 == color, 1e-5, 0.0) for color in range(3)]
    pairs = [x + sign * step for step in three for sign in (-1, 1)]
    floors = {
        "forward": calls(f, [x, *pairs[1::2]]),
        "central": calls(f, pairs),
        "one": calls(f, [x]),
    }
    methods = (*_sparse_own(exact), *_sparse_scipy(exact))
    bar = Bar("time", 4e-3, "scipy approx_derivative 3-point, 5 groups", 4 / 29)
    bars = {"calcml central": (bar,)} if n == 10**5 else {}
    return Job(
        f"sparse-{n:.0e}".replace("e+0", "e"),
        f"sparse Jacobian of Broyden's tridiagonal function, n = {n}, prepared plan or groups",
        f, x, exact, floors, methods, bars,
    )  # fmt: skip


def _sparse_own(pattern: Any) -> list[Method]:
    place = cm if hasattr(cm, "SparsityPlan") else load("calcml.differentiate.sparsity")
    plans = getattr(place, "SparsityPlan", None)
    if plans is None or "sparsity" not in inspect.signature(cm.jacobian).parameters:
        return []
    options = [("forward", "forward"), ("central", "central")]
    plan = plans(pattern)
    methods = [
        Method(f"calcml {scheme}", partial(_apply, cm.jacobian, {"scheme": scheme, "sparsity": plan}), floor)
        for scheme, floor in options
    ]
    unprepared = partial(_apply, cm.jacobian, {"scheme": "central", "sparsity": pattern})
    return [*methods, Method("calcml central, with the plan", unprepared, "central")]


def _sparse_scipy(pattern: Any) -> list[Method]:
    from scipy.optimize._numdiff import approx_derivative, group_columns

    found = group_columns(pattern)
    three = np.arange(pattern.shape[1]) % 3
    return [
        Method(
            f"scipy approx_derivative {method}, {len(np.unique(groups))} groups",
            partial(_apply, approx_derivative, {"method": method, "sparsity": (pattern, groups)}),
            floor,
        )
        for method, floor in (("2-point", "forward"), ("3-point", "central"))
        for groups in (found, three)
    ]


Build = Callable[[], Job]

FULL: dict[str, Build] = {
    **{f"gradient-{n}": partial(gradient_job, n) for n in (2, 10, 100, 1000)},
    "jacobian-100": partial(jacobian_job, 100),
    **{f"hessian-{n}": partial(hessian_job, n) for n in (10, 50)},
    "derivative-1": partial(points_job, 1),
    "derivative-1e2": partial(points_job, 100),
    "derivative-2e3": partial(points_job, 2000),
    "derivative-1e5": partial(points_job, 10**5),
    "derivative-1e6": partial(points_job, 10**6),
    "sparse-1e4": partial(sparse_job, 10**4),
    "sparse-1e5": partial(sparse_job, 10**5),
    "sparse-1e6": partial(sparse_job, 10**6),
    "jvp-1e6": partial(along_job, 10**6, "jvp"),
    "hvp-1e6": partial(along_job, 10**6, "hvp"),
}
QUICK: dict[str, Build] = {
    **{f"gradient-{n}": partial(gradient_job, n) for n in (2, 10)},
    "jacobian-5": partial(jacobian_job, 5),
    "hessian-4": partial(hessian_job, 4),
    "derivative-1": partial(points_job, 1),
    "derivative-1e2": partial(points_job, 100),
    "sparse-3e1": partial(sparse_job, 30),
    "jvp-1e2": partial(along_job, 100, "jvp"),
    "hvp-1e2": partial(along_job, 100, "hvp"),
}
