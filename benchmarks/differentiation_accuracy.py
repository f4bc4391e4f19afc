"""Digits and honesty of calcml's schemes and of the peers: on hard cases, and as units and origin change."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from _peers import load
from step_schemes import SCHEMES, progress

import calcml as cm
from calcml.testing import DerivativeCase, derivative_cases, derivative_groups, digits, honest, scaled

__all__ = ["run"]

WIDTH = 34  # of the column of names


@dataclass(frozen=True)
class Answer:
    """A derivative, with its estimated error if the method has one, and whether the method stands by it."""

    value: Any
    error: Any = None
    stands: bool = True


Scalar = Callable[[Any, float], Answer]


@dataclass(frozen=True)
class Trial:
    """One method on one case; `holds` and `silent` are None for methods without an estimate."""

    method: str
    case: str
    group: str
    value: float
    error: float | None
    digits: float
    points: int
    holds: bool | None
    silent: bool | None
    refusal: str


def methods() -> dict[str, Scalar]:
    """Return every method for a function of one number: calcml's schemes and the installed peers."""
    own = {f"calcml {name}": _own(scheme) for name, scheme in SCHEMES}
    return own | dict(pair for provide in PROVIDERS for pair in provide())


def _own(scheme: Any) -> Scalar:
    def run(f: Any, x: float) -> Answer:
        estimate = cm.estimate_derivative(f, x, scheme=scheme)
        return Answer(estimate.value, estimate.error, estimate.success)

    return run


def _numdifftools() -> Iterator[tuple[str, Scalar]]:
    nd = load("numdifftools")
    if nd is None:
        return

    def with_error(method: str) -> Scalar:
        def run(f: Any, x: float) -> Answer:
            answer = nd.Derivative(f, method=method, full_output=True)(x)
            # Older versions return the value beside the rest.
            value, info = (answer.estimate, answer) if hasattr(answer, "estimate") else answer
            return Answer(value, info.error_estimate)

        return run

    for method in ("central", "complex"):
        yield f"numdifftools {method}", with_error(method)


def _scipy() -> Iterator[tuple[str, Scalar]]:
    from scipy import differentiate
    from scipy.optimize._numdiff import approx_derivative

    def iterated(f: Any, x: float) -> Answer:
        result = differentiate.derivative(f, x)
        return Answer(result.df, result.error, bool(result.success))

    yield "scipy.differentiate", iterated
    for method in ("2-point", "3-point", "cs"):
        yield (
            f"scipy approx_derivative {method}",
            lambda f, x, method=method: Answer(approx_derivative(f, x, method=method)[0]),
        )


def _jacobi() -> Iterator[tuple[str, Scalar]]:
    module = load("jacobi")
    if module is not None:
        yield "jacobi", lambda f, x: Answer(*module.jacobi(f, x))


def _statsmodels() -> Iterator[tuple[str, Scalar]]:
    sm = load("statsmodels.tools.numdiff")
    if sm is None:
        return
    point = lambda x: np.array([x])  # noqa: E731
    yield "statsmodels forward", lambda f, x: Answer(np.ravel(sm.approx_fprime(point(x), f))[0])
    yield (
        "statsmodels centered",
        lambda f, x: Answer(np.ravel(sm.approx_fprime(point(x), f, centered=True))[0]),
    )


def _optimagic() -> Iterator[tuple[str, Scalar]]:
    om = load("optimagic")
    if om is not None:
        for method in ("forward", "central"):
            yield (
                f"optimagic {method}",
                lambda f, x, method=method: Answer(
                    om.first_derivative(func=f, params=np.float64(x), method=method).derivative
                ),
            )


def _findiff() -> Iterator[tuple[str, Scalar]]:
    findiff = load("findiff")
    if findiff is None:
        return
    rule = findiff.coefficients(deriv=1, acc=4)["center"]

    def run(f: Any, x: float) -> Answer:
        # It leaves the step to the user; the usual guess is a fixed part of |x| or of 1.
        h = 1e-3 * max(1.0, abs(x))
        terms = zip(rule["coefficients"], rule["offsets"], strict=True)
        return Answer(sum(c * f(x + o * h) for c, o in terms if o) / h)

    yield "findiff acc 4, h 1e-3 max(1, |x|)", run


# Not autograd: the functions of the catalogue are written in NumPy itself, which it cannot trace.
PROVIDERS = (_numdifftools, _scipy, _jacobi, _statsmodels, _optimagic, _findiff)


class Counter:
    """Count the numbers at which an elementwise f is evaluated."""

    def __init__(self, f: Callable[[Any], Any]) -> None:
        self.f, self.points = f, 0

    def __call__(self, x: Any) -> Any:
        """Evaluate f."""
        self.points += np.size(x)
        return self.f(x)


def attempt(name: str, method: Scalar, case: DerivativeCase) -> Trial:
    """Run one method on one case and judge the answer; an exception is an answer without a digit."""
    exact, counted = case.exact(), Counter(case.f)
    try:
        with np.errstate(all="ignore"):
            answer = method(counted, case.x)
            value = float(np.ravel(answer.value)[0])
            error = None if answer.error is None else float(np.ravel(answer.error)[0])
    except Exception as refusal:  # noqa: BLE001 - whatever a peer raises is its result
        sentence = f"{type(refusal).__name__}: {refusal}"
        return Trial(name, case.name, case.group, np.nan, None, 0.0, counted.points, None, None, sentence)
    found = float(digits(value, exact))
    holds = silent = None
    if error is not None:
        holds = bool(honest(error, value, exact))
        # As in step_schemes: less than one digit is right, and the estimate claims more than that.
        silent = bool(found < 1 and np.isfinite(value) and error < 0.1 * abs(value) and answer.stands)
    return Trial(name, case.name, case.group, value, error, found, counted.points, holds, silent, "")


def run(*, quick: bool = False) -> tuple[list[str], dict[str, Any]]:
    """Return the tables and the trials behind them."""
    cases = derivative_cases("smooth")[:3] if quick else derivative_cases()
    hard = attempts(cases, "hard cases")
    families = sweep(quick=quick)
    swept = {name: attempts(family, name) for name, family in families.items()}
    content = {"hard": [asdict(t) for t in hard]}
    content |= {name: [asdict(t) for t in trials] for name, trials in swept.items()}
    return [hard_table(hard), group_table(hard), sweep_table(swept)], content


def attempts(cases: Sequence[DerivativeCase], title: str) -> list[Trial]:
    """Run every method on every case."""
    work = [(name, method, case) for name, method in methods().items() for case in cases]
    return [attempt(*item) for item in progress(work, title)]


def sweep(*, quick: bool) -> dict[str, list[DerivativeCase]]:
    """Return the smooth cases in other units: of length, with the origin moved, and of the values."""
    smooth = derivative_cases("smooth")[: 1 if quick else None]
    lengths = [10.0**k for k in range(-8, 9, 2)]
    near, far = [10.0**k for k in range(-5, 0)], [10.0**k for k in range(-3, 2)]
    factors = [10.0**k for k in (-100, -20, -8, 8, 20, 100)]
    return {
        "s 1e-8..1e8": [scaled(case, s=s) for case in smooth for s in lengths],
        "c 1, s 1e-5..0.1": [scaled(case, c=1.0, s=s) for case in smooth for s in near],
        "c 1e3, s 1e-3..10": [scaled(case, c=1e3, s=s) for case in smooth for s in far],
        "a 1e-100..1e100": [scaled(case, a=a) for case in smooth for a in factors],
    }


def by_method(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Sort trials by their method."""
    return {name: [t for t in trials if t.method == name] for name in dict.fromkeys(t.method for t in trials)}


def share(flags: Sequence[bool | None]) -> str:
    """Count what holds among the trials that have an estimate."""
    own = [flag for flag in flags if flag is not None]
    return f"{sum(own)}/{len(own)}" if own else "-"


def hard_table(trials: Sequence[Trial]) -> str:
    """Return the table over the hard cases as text."""
    lines = [
        f"{'':<{WIDTH}}{'NaN':>6}{'raises':>8}{'>= 6':>6}{'median':>8}{'evals':>7}{'holds':>8}{'silent':>8}"
    ]
    lines.append(f"{'':<{WIDTH}}{'':<14}{'digits':>6}{'digits':>8}{'':<15}{'wrong':>8}")
    for name, own in by_method(trials).items():
        raised = sum(t.refusal != "" for t in own)
        silent = [t.silent for t in own if t.silent is not None]
        line = f"{name:<{WIDTH}}{sum(not np.isfinite(t.value) for t in own) - raised:>6}{raised:>8}"
        line += f"{sum(t.digits >= 6 for t in own):>6}{statistics.median(t.digits for t in own):>8.1f}"
        line += f"{statistics.median(t.points for t in own):>7.0f}"
        lines.append(line + f"{share([t.holds for t in own]):>8}{sum(silent) if silent else '-':>8}")
    note = (
        f"{len({t.case for t in trials})} cases; holds: the estimated error covers the true one; "
        "silently wrong: less than one digit\nis right, and the estimate does not say so; "
        "-: the method has no estimate"
    )
    return "\n".join([*lines, "", note])


def group_table(trials: Sequence[Trial]) -> str:
    """Return mean digits per group of cases as text."""
    groups = [group for group in derivative_groups() if any(t.group == group for t in trials)]
    lines = [f"{'mean digits by group':<{WIDTH}}" + "".join(f"{group[:9]:>10}" for group in groups)]
    for name, own in by_method(trials).items():
        means = [statistics.fmean(t.digits for t in own if t.group == group) for group in groups]
        lines.append(f"{name:<{WIDTH}}" + "".join(f"{mean:>10.1f}" for mean in means))
    return "\n".join(lines)


def sweep_table(families: dict[str, list[Trial]]) -> str:
    """Return the table over other units as text."""
    lines = [f"{'a f((x - c) / s)':<{WIDTH}}" + "".join(f"{name:>18}" for name in families)]
    sorted_families = {name: by_method(trials) for name, trials in families.items()}
    for method in next(iter(sorted_families.values())):
        line = f"{method:<{WIDTH}}"
        for family in sorted_families.values():
            own = family[method]
            flags = [t.holds for t in own if t.holds is not None]
            line += f"{statistics.median(t.digits for t in own):>8.1f}"
            line += f"{sum(t.digits >= 6 for t in own) / len(own):>5.0%}"
            line += f"{sum(flags) / len(flags):>5.0%}" if flags else f"{'-':>5}"
        lines.append(line)
    counts = ", ".join(str(len({t.case for t in trials})) for trials in families.values())
    note = (
        "median digits, share with at least 6, and share on which the estimated error covers the true one;\n"
        f"f from the smooth cases: {counts} functions; what is not named is c = 0, s = 1, a = 1"
    )
    return "\n".join([*lines, "", note])
