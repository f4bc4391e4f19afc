"""What other libraries offer for the same jobs, each as one function of f and x.

Every library is imported when its first method is asked for.  One that is not installed is left out, and
`missing` names it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Method", "load", "missing", "peers"]

PACKAGES = ("numdifftools", "jacobi", "statsmodels", "optimagic", "findiff", "autograd")


@dataclass(frozen=True)
class Method:
    """One way to differentiate.

    `run` takes f and x and returns the derivative.  `floor` says beside which bare calls it is timed, `form`
    which f it needs: "plain", "batch" (K points in one call) or "traced" (written in autograd's NumPy).
    """

    name: str
    run: Callable[[Any, Any], Any]
    floor: str
    form: str = "plain"


def load(name: str) -> Any:
    """Return a module, or None if its package is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and name.startswith(error.name):
            return None
        raise


def missing() -> list[str]:
    """List the packages that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def peers(kind: str) -> list[Method]:
    """Return the methods of all installed peers for a kind of job, such as "gradient"."""
    return [method for provide in PROVIDERS for method in provide(kind)]


def _scipy(kind: str) -> Iterator[Method]:
    from scipy.optimize._numdiff import approx_derivative

    def dense(method: str) -> Callable[[Any, Any], Any]:
        return lambda f, x: approx_derivative(f, x, method=method)

    def matrix_free(method: str) -> Callable[[Any, Any], Any]:
        return lambda f, xv: approx_derivative(f, xv[0], method=method, as_linear_operator=True) @ xv[1]

    floors = {"2-point": "forward", "3-point": "central", "cs": "complex"}
    if kind in ("gradient", "jacobian"):
        for method, floor in floors.items():
            yield Method(f"scipy approx_derivative {method}", dense(method), floor)
    elif kind in ("jvp", "hvp"):
        for method in ("2-point", "3-point"):
            yield Method(f"scipy approx_derivative {method}", matrix_free(method), floors[method])
    elif kind == "points":
        for method, floor in floors.items():
            yield Method(f"scipy approx_derivative {method}", _one_color(method), floor)


def _one_color(method: str) -> Callable[[Any, Any], Any]:
    """Differentiate elementwise as a Jacobian with a diagonal pattern, whose columns are one group."""
    from scipy.optimize._numdiff import approx_derivative
    from scipy.sparse import eye_array

    def run(f: Any, x: Any) -> Any:
        pattern = eye_array(x.size, format="csr"), np.zeros(x.size, dtype=int)
        return approx_derivative(f, x, method=method, sparsity=pattern).diagonal()

    return run


def _scipy_differentiate(kind: str) -> Iterator[Method]:
    from scipy import differentiate

    name = "scipy.differentiate"
    if kind in ("gradient", "jacobian"):
        yield Method(name, lambda f, x: differentiate.jacobian(f, x).df, "batch", "batch")
    elif kind == "hessian":
        yield Method(name, lambda f, x: differentiate.hessian(f, x).ddf, "batch", "batch")
    elif kind == "points":
        yield Method(name, lambda f, x: differentiate.derivative(f, x).df, "central")


def _statsmodels(kind: str) -> Iterator[Method]:
    sm = load("statsmodels.tools.numdiff")
    if sm is None:
        return
    if kind in ("gradient", "jacobian"):
        yield Method("statsmodels forward", lambda f, x: sm.approx_fprime(x, f), "forward")
        yield Method("statsmodels centered", lambda f, x: sm.approx_fprime(x, f, centered=True), "central")
        yield Method("statsmodels complex", lambda f, x: sm.approx_fprime_cs(x, f), "complex")
    elif kind == "hessian":
        yield Method("statsmodels forward", lambda f, x: sm.approx_hess1(x, f), "forward")
        yield Method("statsmodels centered", lambda f, x: sm.approx_hess3(x, f), "central")
        yield Method("statsmodels complex", lambda f, x: sm.approx_hess_cs(x, f), "central")
    elif kind == "points":
        # Its only elementwise form is private.
        one = sm._approx_fprime_scalar
        yield Method("statsmodels forward", lambda f, x: one(x, f), "forward")
        yield Method("statsmodels centered", lambda f, x: one(x, f, centered=True), "central")


def _numdifftools(kind: str) -> Iterator[Method]:
    nd = load("numdifftools")
    forms = {"gradient": "Gradient", "jacobian": "Jacobian", "hessian": "Hessian", "points": "Derivative"}
    if nd is None or kind not in forms:
        return
    form = getattr(nd, forms[kind])
    yield Method("numdifftools central", lambda f, x: form(f)(x), "central")
    yield Method(
        "numdifftools complex",
        lambda f, x: form(f, method="complex")(x),
        "central" if kind == "hessian" else "complex",
    )


def _jacobi(kind: str) -> Iterator[Method]:
    module = load("jacobi")
    if module is None:
        return
    if kind in ("gradient", "jacobian"):
        yield Method("jacobi", lambda f, x: module.jacobi(f, x)[0], "central")
    elif kind == "points":
        yield Method("jacobi", lambda f, x: module.jacobi(f, x, diagonal=True)[0], "central")


def _optimagic(kind: str) -> Iterator[Method]:
    om = load("optimagic")
    if om is None:
        return
    if kind in ("gradient", "jacobian"):
        for method in ("forward", "central"):
            yield Method(f"optimagic {method}", _optimagic_first(om, method), method)
    elif kind == "hessian":
        yield Method("optimagic", lambda f, x: om.second_derivative(func=f, params=x).derivative, "central")


def _optimagic_first(om: Any, method: str) -> Callable[[Any, Any], Any]:
    return lambda f, x: om.first_derivative(func=f, params=x, method=method).derivative


def _findiff(kind: str) -> Iterator[Method]:
    findiff = load("findiff")
    if findiff is not None and kind == "points":
        # It differentiates data on a grid: the step is the distance of the points.
        run = lambda f, x: findiff.Diff(0, float(x[1] - x[0]), acc=4)(f(x))  # noqa: E731
        yield Method("findiff on the grid", run, "one")


def _autograd(kind: str) -> Iterator[Method]:
    ag = load("autograd")
    if ag is None:
        return
    operators = {
        "gradient": lambda f, x: ag.grad(f)(x),
        "jacobian": lambda f, x: ag.jacobian(f)(x),
        "hessian": lambda f, x: ag.hessian(f)(x),
        "points": lambda f, x: ag.elementwise_grad(f)(x),
        "jvp": lambda f, xv: ag.differential_operators.make_jvp_reversemode(f)(xv[0])(xv[1]),
        "hvp": lambda f, xv: ag.make_hvp(f)(xv[0])[0](xv[1]),
    }
    if kind in operators:
        yield Method("autograd (exact)", operators[kind], "one", "traced")


PROVIDERS = (
    _statsmodels,
    _scipy,
    _optimagic,
    _scipy_differentiate,
    _numdifftools,
    _jacobi,
    _findiff,
    _autograd,
)
