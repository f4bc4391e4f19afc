"""A rate of its own for each number, from the squares of its gradients: AdaGrad, RMSProp."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np

from calcml._typing import FloatArray
from calcml.descent.streaming._options import check_option
from calcml.descent.streaming.base import Schedule, StreamingOptimizer

__all__ = ["AdaGrad", "RMSProp"]


@dataclass(frozen=True)
class AdaGrad(StreamingOptimizer):
    r"""AdaGrad: rates that shrink with the sum of all squared gradients.

    .. math::

        G_{t+1} &= G_t + g_t^2 \\
        x_{t+1} &= x_t - \eta_t\, g_t / (\sqrt{G_{t+1}} + \epsilon)

    Numbers that seldom get a gradient keep a large rate.  The rates only fall, like 1/√t for gradients of
    one size.

    Parameters
    ----------
    learning_rate : float or callable
        The learning rate η, or a schedule ``step -> rate`` of the number of updates already made.
    initial_accumulator : float
        The start value of G, at least 0 (0 as in the paper and in torch, optax starts with 0.1).
    epsilon : float
        What keeps the quotient finite where all gradients were 0, above 0 (1e-10 as in torch).

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic
       optimization", J. Mach. Learn. Res. 12 (2011) 2121-2159, figure 1 with a diagonal matrix.

    Examples
    --------
    The first step has the length of the learning rate, whatever the gradient's:

    >>> import calcml as cm
    >>> optimizer = cm.AdaGrad(0.1)
    >>> x, state = optimizer.update([1.0, 1.0], [1e-3, 1e3], optimizer.init([1.0, 1.0]))
    >>> x
    array([0.9, 0.9])
    """

    learning_rate: float | Schedule = 1e-2
    _: KW_ONLY
    initial_accumulator: float = 0.0
    epsilon: float = 1e-10

    _moments: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_option(self, "initial_accumulator")
        check_option(self, "epsilon", above=0.0)

    def _start(self) -> float:
        return self.initial_accumulator

    def _step(
        self, x: FloatArray, g: FloatArray, moments: tuple[FloatArray, ...], rate: float, count: int
    ) -> tuple[FloatArray, ...]:
        total = moments[0] + g * g
        return x - rate * g / (np.sqrt(total) + self.epsilon), total


@dataclass(frozen=True)
class RMSProp(StreamingOptimizer):
    r"""RMSProp: gradients divided by their recent root mean square.

    .. math::

        s_{t+1} &= \rho s_t + (1 - \rho) g_t^2 \\
        x_{t+1} &= x_t - \eta_t\, g_t / (\sqrt{s_{t+1}} + \epsilon)

    It forgets where AdaGrad adds up, over about 1/(1-ρ) updates.  The average starts at 0 and is not
    corrected for that, so the first steps are longer, up to 1/√(1-ρ) times the rate.

    Parameters
    ----------
    learning_rate : float or callable
        The learning rate η, or a schedule ``step -> rate`` of the number of updates already made.
    decay : float
        The share ρ of the average that is kept, at least 0 and below 1 (0.9 as in the lecture and in optax,
        torch has 0.99).
    epsilon : float
        What keeps the quotient finite where all gradients were 0, above 0; it is added to the root, as in
        torch.

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "Neural networks for machine learning", lecture 6.5, 2012.

    Examples
    --------
    >>> import calcml as cm
    >>> optimizer = cm.RMSProp(0.01)
    >>> x, state = 1.0, optimizer.init(1.0)
    >>> for _ in range(200):
    ...     x, state = optimizer.update(x, 2 * x, state)
    >>> bool(abs(x) < 0.01)
    True
    """

    learning_rate: float | Schedule = 1e-2
    _: KW_ONLY
    decay: float = 0.9
    epsilon: float = 1e-8

    _moments: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_option(self, "decay", below=1.0)
        check_option(self, "epsilon", above=0.0)

    def _step(
        self, x: FloatArray, g: FloatArray, moments: tuple[FloatArray, ...], rate: float, count: int
    ) -> tuple[FloatArray, ...]:
        s = self.decay * moments[0] + (1 - self.decay) * (g * g)
        return x - rate * g / (np.sqrt(s) + self.epsilon), s
