"""Equations with one unknown, their derivatives and their roots."""

from dataclasses import dataclass, field

import numpy as np

from ._tools import quiet
from .derivatives import Elementwise

__all__ = ["RootCase", "root_cases"]


@dataclass(frozen=True)
class RootCase:
    """An equation f(x) = 0 with one unknown.

    Parameters
    ----------
    name : str
        Unique name.
    f : callable
        The function, elementwise; outside its domain it gives NaN, without a warning.
    derivative : callable
        Its exact first derivative.
    second_derivative : callable
        Its exact second derivative.
    x0 : float or complex
        Starting point; at many of them Newton's plain iteration fails.
    bracket : tuple of float or None
        Two points between which f changes its sign, once; None if there are none.
    roots : tuple of float or complex
        The roots, correct to the last digit: first the one to be found from the start or within the bracket;
        empty if there is none.
    multiplicity : int
        Multiplicity of the first root: 1 is simple.
    tags : frozenset of str
        "trap" (Newton's plain iteration fails at `x0`), "multiple", "scale", "steep", "kink" (f is not
        analytic), "several" (not all roots are listed), "complex", "no root".

    See Also
    --------
    root_cases : The catalogue.

    Examples
    --------
    >>> from calcml.testing import root_cases
    >>> case = root_cases()[0]
    >>> case.name, case.x0, case.bracket
    ('square_root', 1.0, (0.0, 2.0))
    """

    name: str
    f: Elementwise = field(repr=False)
    derivative: Elementwise = field(repr=False)
    second_derivative: Elementwise = field(repr=False)
    x0: complex
    bracket: tuple[float, float] | None
    roots: tuple[complex, ...]
    multiplicity: int = 1
    tags: frozenset[str] = frozenset()


def _case(
    name: str, f: Elementwise, df: Elementwise, d2f: Elementwise, x0: complex,
    bracket: tuple[float, float] | None, roots: tuple[complex, ...], *tags: str,
    multiplicity: int = 1,
) -> RootCase:  # fmt: skip
    return RootCase(name, quiet(f), quiet(df), quiet(d2f), x0, bracket, roots, multiplicity, frozenset(tags))


_ORDINARY = (
    _case("square_root", lambda x: x**2 - 2, lambda x: 2 * x, lambda x: 2 + 0 * x,
          1.0, (0.0, 2.0), (1.4142135623730951, -1.4142135623730951)),
    _case("wallis", lambda x: x**3 - 2 * x - 5, lambda x: 3 * x**2 - 2, lambda x: 6 * x,
          2.0, (2.0, 3.0), (2.0945514815423265,)),
    _case("cosine_fixed_point", lambda x: np.cos(x) - x, lambda x: -np.sin(x) - 1, lambda x: -np.cos(x),
          1.0, (0.0, 1.0), (0.7390851332151607,)),
    _case("lambert", lambda x: x * np.exp(x) - 1, lambda x: (x + 1) * np.exp(x),
          lambda x: (x + 2) * np.exp(x), 1.0, (0.0, 1.0), (0.5671432904097838,)),
    _case("kepler", lambda x: x - 0.99 * np.sin(x) - 0.02, lambda x: 1 - 0.99 * np.cos(x),
          lambda x: 0.99 * np.sin(x), 3.0, (0.0, 3.0), (0.4556106264207197,)),
    _case("colebrook", lambda x: x + 2 * np.log10(1e-5 + 2.51e-5 * x),
          lambda x: 1 + 5.02e-5 / (np.log(10) * (1e-5 + 2.51e-5 * x)),
          lambda x: -5.02e-5 * 2.51e-5 / (np.log(10) * (1e-5 + 2.51e-5 * x) ** 2),
          5.0, (1.0, 20.0), (7.414974560087242,)),
    _case("sine_near_pi", np.sin, np.cos, lambda x: -np.sin(x), 3.0, (2.0, 4.0), (np.pi,), "several"),
    _case("three_roots", lambda x: (x - 1) * (x - 2) * (x - 3), lambda x: 3 * x**2 - 12 * x + 11,
          lambda x: 6 * x - 12, 3.5, (2.5, 4.0), (3.0, 2.0, 1.0)),
    _case("solved_start", lambda x: x**2 - 4, lambda x: 2 * x, lambda x: 2 + 0 * x,
          2.0, (0.0, 5.0), (2.0, -2.0)),
)  # fmt: skip

_TRAPS = (
    _case("cycle", lambda x: x**3 - 2 * x + 2, lambda x: 3 * x**2 - 2, lambda x: 6 * x,
          0.0, (-3.0, 2.0), (-1.7692923542386314,), "trap"),
    _case("cube_root", np.cbrt, lambda x: np.cbrt(x) ** -2.0 / 3, lambda x: -2 * np.cbrt(x) ** -5.0 / 9,
          1.0, (-1.0, 2.0), (0.0,), "trap", "kink", "steep"),
    _case("arctan", np.arctan, lambda x: 1 / (1 + x**2), lambda x: -2 * x / (1 + x**2) ** 2,
          2.0, (-1.0, 3.0), (0.0,), "trap"),
    _case("runaway", lambda x: x / (1 + x**2), lambda x: (1 - x**2) / (1 + x**2) ** 2,
          lambda x: 2 * x * (x**2 - 3) / (1 + x**2) ** 3, 2.0, (-1.0, 3.0), (0.0,), "trap"),
    _case("log_domain", np.log, lambda x: 1 / x, lambda x: -1 / x**2, 3.0, (0.1, 5.0), (1.0,), "trap"),
    _case("flat_start", lambda x: x**2 - 4, lambda x: 2 * x, lambda x: 2 + 0 * x,
          0.0, (0.0, 5.0), (2.0, -2.0), "trap"),
    _case("tanh", np.tanh, lambda x: np.cosh(x) ** -2.0, lambda x: -2 * np.tanh(x) * np.cosh(x) ** -2.0,
          1.5, (-1.0, 3.0), (0.0,), "trap"),
    _case("reciprocal", lambda x: 1 / x - 3, lambda x: -1 / x**2, lambda x: 2 / x**3,
          1.0, (0.01, 1.0), (1 / 3,), "trap"),
    _case("kink", lambda x: x + 0.5 * np.abs(x) - 0.3, lambda x: 1 + 0.5 * np.sign(x), lambda x: 0 * x,
          -1.0, (-1.0, 1.0), (0.19999999999999998,), "kink"),
    _case("signed_square_root", lambda x: np.sign(x - 1) * np.sqrt(np.abs(x - 1)),
          lambda x: 0.5 / np.sqrt(np.abs(x - 1)), lambda x: -0.25 * np.sign(x - 1) * np.abs(x - 1) ** -1.5,
          3.0, (0.0, 4.0), (1.0,), "trap", "kink", "steep"),
)  # fmt: skip

_SCALED = (
    _case("exponential_steep", lambda x: np.exp(x) - 1e6, np.exp, np.exp,
          0.0, (0.0, 50.0), (13.815510557964274,), "steep"),
    _case("power_20", lambda x: x**20 - 1, lambda x: 20 * x**19, lambda x: 380 * x**18,
          0.5, (0.0, 5.0), (1.0, -1.0), "steep"),
    _case("tiny_root", lambda x: x**3 - 1e-30, lambda x: 3 * x**2, lambda x: 6 * x,
          1e-9, (0.0, 1.0), (1e-10,), "scale"),
    _case("huge_root", lambda x: x**3 - 1e30, lambda x: 3 * x**2, lambda x: 6 * x,
          1e9, (0.0, 1e12), (1e10,), "scale"),
    _case("tiny_values", lambda x: 1e-20 * (x**2 - 2), lambda x: 2e-20 * x, lambda x: 2e-20 + 0 * x,
          1.0, (0.0, 2.0), (1.4142135623730951, -1.4142135623730951), "scale"),
    _case("far_from_zero", lambda x: np.sin(x - 1e6) + 0.5, lambda x: np.cos(x - 1e6),
          lambda x: -np.sin(x - 1e6), 1e6, (999999.0, 1000001.0), (999999.4764012244,), "scale", "several"),
)  # fmt: skip

_MULTIPLE = (
    _case("double", lambda x: (x - 1) ** 2 * (x + 2), lambda x: 3 * (x - 1) * (x + 1), lambda x: 6 * x,
          3.0, None, (1.0, -2.0), "multiple", multiplicity=2),
    _case("double_cosine", lambda x: 1 - np.cos(x), np.sin, np.cos,
          1.0, None, (0.0,), "multiple", "several", multiplicity=2),
    _case("triple", lambda x: (x - 1) ** 3 * np.exp(x), lambda x: (x - 1) ** 2 * (x + 2) * np.exp(x),
          lambda x: (x - 1) * (x**2 + 4 * x + 1) * np.exp(x),
          2.0, (0.0, 3.0), (1.0,), "multiple", multiplicity=3),
    _case("quintuple", lambda x: (x - 2) ** 5, lambda x: 5 * (x - 2) ** 4, lambda x: 20 * (x - 2) ** 3,
          3.0, (0.0, 5.0), (2.0,), "multiple", multiplicity=5),
)  # fmt: skip

_ELSEWHERE = (
    _case("imaginary_unit", lambda x: x**2 + 1, lambda x: 2 * x, lambda x: 2 + 0 * x,
          1 + 1j, None, (1j, -1j), "complex"),
    _case("cube_roots_of_one", lambda x: x**3 - 1, lambda x: 3 * x**2, lambda x: 6 * x,
          -1 + 1j, None, (complex(-0.5, 0.8660254037844386), complex(-0.5, -0.8660254037844386), 1.0 + 0j),
          "complex"),
    _case("no_root", lambda x: x**2 + 1, lambda x: 2 * x, lambda x: 2 + 0 * x, 1.5, None, (), "no root"),
    _case("no_root_but_limit", np.exp, np.exp, np.exp, 0.0, None, (), "no root"),
)  # fmt: skip

_ALL = _ORDINARY + _TRAPS + _SCALED + _MULTIPLE + _ELSEWHERE


def root_cases(tag: str | None = None) -> tuple[RootCase, ...]:
    """List equations with one unknown.

    Ordinary ones (Wallis' cubic, Kepler's, Lambert's and Colebrook's equation), the classical failures of
    Newton's method (cycle, runaway, step out of the domain, flat start), roots at unusual scales, multiple
    roots, complex roots, and equations without any.

    Parameters
    ----------
    tag : str, optional
        Only the cases with this tag.

    Returns
    -------
    tuple of RootCase
        The cases; an unknown tag gives none.

    See Also
    --------
    system_cases : Several equations.

    Examples
    --------
    >>> from calcml.testing import root_cases
    >>> [case.name for case in root_cases("no root")]
    ['no_root', 'no_root_but_limit']
    """
    return tuple(case for case in _ALL if tag is None or tag in case.tags)
