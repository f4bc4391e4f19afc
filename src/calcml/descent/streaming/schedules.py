"""Learning rates that change: small callables of the number of updates already made.

A constant rate is a number and needs no schedule; any function ``step -> rate`` is one.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

from calcml.descent.streaming._options import check_option
from calcml.descent.streaming.base import Schedule

__all__ = ["CosineDecay", "ExponentialDecay", "WarmUp"]


@dataclass(frozen=True)
class ExponentialDecay:
    r"""A learning rate that falls by the same factor again and again.

    .. math:: \eta(t) = \eta_0\, d^{\,t / T}

    Parameters
    ----------
    initial_rate : float
        The rate η₀ of the first update, above 0.
    decay_steps : float
        The number T of updates over which the rate falls by the factor d, above 0.
    decay_rate : float
        The factor d, at least 0 and at most 1.

    Examples
    --------
    >>> import calcml as cm
    >>> rate = cm.ExponentialDecay(0.1, 100, decay_rate=0.5)
    >>> rate(0), rate(100), rate(200)
    (0.1, 0.05, 0.025)
    """

    initial_rate: float
    decay_steps: float
    _: KW_ONLY
    decay_rate: float = 0.5

    def __post_init__(self) -> None:
        """Check the options."""
        check_option(self, "initial_rate", above=0.0)
        check_option(self, "decay_steps", above=0.0)
        check_option(self, "decay_rate", below=math.nextafter(1.0, 2.0))

    def __call__(self, step: int) -> float:
        """Return the rate after `step` updates."""
        return self.initial_rate * self.decay_rate ** (step / self.decay_steps)


@dataclass(frozen=True)
class CosineDecay:
    r"""A learning rate that falls along half a cosine, then stays.

    .. math:: \eta(t) = \eta_T + (\eta_0 - \eta_T) \left(1 + \cos \frac{\pi \min(t, T)}{T}\right) / 2

    Parameters
    ----------
    initial_rate : float
        The rate η₀ of the first update, above 0.
    decay_steps : float
        The number T of updates after which the final rate is reached, above 0.
    final_rate : float
        The rate η_T from there on, at least 0.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
       equation 5.

    Examples
    --------
    >>> import calcml as cm
    >>> rate = cm.CosineDecay(0.1, 100)
    >>> rate(0), rate(50), rate(1000)
    (0.1, 0.05, 0.0)
    """

    initial_rate: float
    decay_steps: float
    _: KW_ONLY
    final_rate: float = 0.0

    def __post_init__(self) -> None:
        """Check the options."""
        check_option(self, "initial_rate", above=0.0)
        check_option(self, "decay_steps", above=0.0)
        check_option(self, "final_rate")

    def __call__(self, step: int) -> float:
        """Return the rate after `step` updates."""
        fall = (1 + math.cos(math.pi * min(step / self.decay_steps, 1.0))) / 2
        return self.final_rate + (self.initial_rate - self.final_rate) * fall


@dataclass(frozen=True)
class WarmUp:
    r"""A learning rate that rises linearly, then follows another.

    .. math::

        \eta(t) = \frac{t + 1}{T + 1}\, \eta'(0) \quad (t < T), \qquad
        \eta(t) = \eta'(t - T) \quad (t \ge T)

    The first update already moves, by 1/(T+1) of the full rate.

    Parameters
    ----------
    learning_rate : float or callable
        The rate or schedule η' that follows; its own count starts when the warm-up ends.
    steps : float
        The number T of updates of the warm-up, at least 0.

    Examples
    --------
    >>> import calcml as cm
    >>> rate = cm.WarmUp(cm.ExponentialDecay(0.4, 10), 3)
    >>> [round(rate(t), 3) for t in (0, 1, 2, 3, 13)]
    [0.1, 0.2, 0.3, 0.4, 0.2]
    """

    learning_rate: float | Schedule
    steps: float

    def __post_init__(self) -> None:
        """Check the options."""
        check_option(self, "steps")
        if not callable(self.learning_rate):
            check_option(self, "learning_rate", above=0.0)

    def __call__(self, step: int) -> float:
        """Return the rate after `step` updates."""
        after, t = self.learning_rate, max(step - self.steps, 0)
        rate = after(int(t)) if callable(after) else after
        return rate * min((step + 1) / (self.steps + 1), 1.0)
