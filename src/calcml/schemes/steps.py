"""Step rules: how far apart a fixed scheme puts its points.

The total error of a formula of order p for the n-th derivative, with weights w and error constant C, is

    E(h) = eps |f| ||w||_1 / hⁿ + |C| |f⁽ⁿ⁺ᵖ⁾| hᵖ,

least where its derivative vanishes, at h* = [n eps ||w||_1 |f| / (p |C| |f⁽ⁿ⁺ᵖ⁾|)]^(1/(n+p)).  With the
length scale L of f, |f⁽ⁿ⁺ᵖ⁾| = |f| / Lⁿ⁺ᵖ, this is a pure number times L.  A rule differs from
another in how it comes by L.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from calcml._lines import Lines
from calcml._parameters import flatten
from calcml._typing import FloatArray
from calcml.schemes.stencils import Stencil

__all__ = ["Fixed", "Relative", "StepRule", "as_rule", "check_positive", "optimal_factor"]


class StepRule(ABC):
    """A way to choose the step on each line.

    Examples
    --------
    >>> import calcml as cm
    >>> isinstance(cm.schemes.Relative(), cm.schemes.StepRule)
    True
    """

    # Whether a scheme may shorten the steps where f is not finite.
    adjustable: ClassVar[bool] = True
    # Whether the rule takes the length of f from x alone.
    guesses: ClassVar[bool] = False
    # Whether the rule looks at f, and so knows how precise it is before it returns the first steps.
    measures: ClassVar[bool] = False

    def ample(self, lines: Lines) -> bool:
        """Return whether no step is shorter than the optimal one for an f of the length of x, or 1."""
        # Rounding then leaves no more noise than it must.
        return False

    @abstractmethod
    def steps(self, lines: Lines, formula: Stencil) -> FloatArray:
        """Return one positive step per line, shape (P,)."""


@dataclass(frozen=True, init=False, eq=False)
class Fixed(StepRule):
    """Use the given step.

    Parameters
    ----------
    step : float, array_like or structure
        One step for all coordinates, or one for each, in the shape of x; in units of x, positive.  For an x
        that is a dict, list, tuple or dataclass of arrays, the same structure of steps.

    Raises
    ------
    ValueError
        If a step is not positive and finite.

    Examples
    --------
    >>> import calcml as cm
    >>> scheme = cm.schemes.Central(step=cm.schemes.Fixed(0.5))
    >>> float(cm.derivative(lambda x: x**2, 3.0, scheme=scheme))
    6.0
    """

    # The user's step is taken as it is.
    adjustable: ClassVar[bool] = False

    step: FloatArray
    leaves: tuple[tuple[str, tuple[int, ...]], ...] = field(repr=False)

    def __init__(self, step: Any) -> None:
        if isinstance(step, bool):
            raise TypeError(
                "`step` must be a number, an array or a rule, got a bool; pass step=None to choose it"
            )
        flat, structure = flatten(step, "step")
        values = flat.astype(np.float64).reshape(structure.shape)
        if not values.size:
            raise ValueError("`step` is empty; give a number, or an array of x's shape")
        for index in np.argwhere(~((values > 0) & np.isfinite(values)))[:1]:
            at = f" at index {tuple(map(int, index))}" if values.ndim else ""
            raise ValueError(
                f"`step` must be positive and finite, got {values[tuple(index)]}{at}; "
                "pass step=None to choose it automatically"
            )
        values.flags.writeable = False
        object.__setattr__(self, "step", values)
        leaves = () if structure.plain else tuple((leaf.label, leaf.shape) for leaf in structure.leaves)
        object.__setattr__(self, "leaves", leaves)

    def __eq__(self, other: object) -> bool:
        """Compare the steps themselves."""
        return (
            isinstance(other, Fixed) and self.leaves == other.leaves and np.array_equal(self.step, other.step)
        )

    def __hash__(self) -> int:
        """Hash the steps themselves."""
        return hash((self.step.shape, self.step.tobytes()))

    def steps(self, lines: Lines, formula: Stencil) -> FloatArray:
        """Return the given step on each line; along several coordinates, the shortest of theirs."""
        n = lines.magnitude.size
        if self.step.ndim and self.step.shape not in ((n,), lines.x_shape):
            raise ValueError(
                f"`step` has shape {self.step.shape}, x has shape {lines.x_shape}; "
                "give one step or an array of x's shape"
            )
        values = self._in_order(lines) if self.leaves else self.step.ravel()
        return lines.spread(np.broadcast_to(values, n).astype(float))

    def _in_order(self, lines: Lines) -> FloatArray:
        """Return the steps of a structure in the order of x, in which a dict may have its keys otherwise."""
        structure = lines.function.call.structure
        wanted = [] if structure is None else [(leaf.label, leaf.shape) for leaf in structure.leaves]
        if sorted(wanted) != sorted(self.leaves):
            names = ", ".join(f"{label} {shape}" for label, shape in self.leaves)
            raise ValueError(
                f"`step` has the entries {names}, which are not those of x; give one for each of x"
            )
        ends = np.cumsum([math.prod(shape) for _, shape in self.leaves])
        parts = dict(zip(self.leaves, np.split(self.step, ends[:-1]), strict=True))
        return np.concatenate([parts[leaf] for leaf in wanted])


@dataclass(frozen=True)
class Relative(StepRule):
    r"""Take the optimal step for a function whose length scale is that of its argument.

    The step of a coordinate is h = factor * max(\|x\|, floor).  Without a factor, the one that balances
    truncation and rounding for the formula at hand is used.

    Parameters
    ----------
    factor : float, optional
        Step relative to the magnitude of x; None takes ``[n eps ||w||_1 / (p |C|)]^(1/(n+p))``.
    floor : float, optional
        Least magnitude of x that is believed, in units of x.

    Raises
    ------
    ValueError
        If factor or floor is not positive and finite.

    Notes
    -----
    Nothing in x tells the scale of f: the rule is as good as this guess.  `Adaptive` measures it instead.

    Examples
    --------
    >>> import calcml as cm
    >>> cm.schemes.Relative(floor=1e-3)
    Relative(factor=None, floor=0.001)
    """

    # Nothing in x tells the scale of f.
    guesses: ClassVar[bool] = True

    factor: float | None = None
    floor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse steps that would not be positive."""
        if self.factor is not None:
            check_positive("factor", self.factor)
        check_positive("floor", self.floor)

    def ample(self, lines: Lines) -> bool:
        """Return whether the steps are those: without a factor, along the axis of a coordinate."""
        return self.optimal and lines.axial

    @property
    def optimal(self) -> bool:
        """Whether steps are optimal for an f whose length is that of x, or no less than 1."""
        return self.factor is None and self.floor >= 1

    def steps(self, lines: Lines, formula: Stencil) -> FloatArray:
        """Return the step on each line; along several coordinates, the shortest of theirs."""
        factor = optimal_factor(formula, lines.eps) if self.factor is None else self.factor

        def share(sizes: FloatArray) -> FloatArray:
            """Return the step for each size."""
            steps = np.maximum(sizes, scalar(self.floor))
            steps *= scalar(factor)
            return steps

        return lines.shortest(share)


@lru_cache(maxsize=256)
def scalar(number: float) -> FloatArray:
    """Return a number as an array without axes, with which NumPy is quicker than with a number of Python."""
    array = np.array(float(number))
    array.flags.writeable = False
    return array


def check_positive(name: str, value: object) -> None:
    """Refuse an option that is not a positive finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"`{name}` must be a number, got {value!r}")
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"`{name}` must be positive and finite, got {value}")


def optimal_factor(formula: Stencil, eps: float) -> float:
    """Return the optimal step in units of the length scale of f."""
    return _factor(formula.n, formula.order, formula.balance, eps)


@lru_cache(maxsize=256)
def _factor(n: int, p: int, balance: float, eps: float) -> float:
    return float((n * eps / p * balance) ** (1 / (n + p)))


def as_rule(step: Any) -> StepRule:
    """Turn what users pass as ``step=`` into a rule: None, a number, an array, or a rule."""
    if step is None:
        return Relative()
    if isinstance(step, str | type):
        given = f"the class {step.__name__}" if isinstance(step, type) else repr(step)
        raise TypeError(f"`step` must be a number, an array or a rule such as Shi(), got {given}")
    return step if isinstance(step, StepRule) else Fixed(step)
