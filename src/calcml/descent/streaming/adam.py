"""Averages of the gradient and of its square: Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np

from calcml._typing import FloatArray
from calcml.descent.streaming._options import check_option
from calcml.descent.streaming.base import Schedule, StreamingOptimizer

__all__ = ["Adam", "AdamW"]


@dataclass(frozen=True)
class Adam(StreamingOptimizer):
    r"""Adam: momentum divided by the root mean square of the gradient.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad \hat m_t = m_t / (1 - \beta_1^t) \\
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad \hat v_t = v_t / (1 - \beta_2^t) \\
        x_t &= x_{t-1} - \eta_t\, \hat m_t / (\sqrt{\hat v_t} + \epsilon)

    The averages start at 0; the divisors 1 - βᵗ (t = 1 in the first update) correct for that.  The step does
    not change when the loss is multiplied by a number, as long as √v stays well above ε.

    Parameters
    ----------
    learning_rate : float or callable
        The learning rate η, or a schedule ``step -> rate`` of the number of updates already made.
    beta1 : float
        The share of the gradient's average that is kept, at least 0 and below 1.
    beta2 : float
        The share of the squared gradient's average that is kept, at least 0 and below 1.
    epsilon : float
        What keeps the quotient finite where all gradients were 0, above 0.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.

    Examples
    --------
    >>> import calcml as cm
    >>> optimizer = cm.Adam(0.1)
    >>> x, state = 1.0, optimizer.init(1.0)
    >>> for _ in range(200):
    ...     x, state = optimizer.update(x, 2 * x, state)
    >>> bool(abs(x) < 1e-3)
    True
    """

    learning_rate: float | Schedule = 1e-3
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    _moments: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_option(self, "beta1", below=1.0)
        check_option(self, "beta2", below=1.0)
        check_option(self, "epsilon", above=0.0)

    def _step(
        self, x: FloatArray, g: FloatArray, moments: tuple[FloatArray, ...], rate: float, count: int
    ) -> tuple[FloatArray, ...]:
        m = self.beta1 * moments[0] + (1 - self.beta1) * g
        v = self.beta2 * moments[1] + (1 - self.beta2) * (g * g)
        # The corrections are numbers: m̂ / (√v̂ + ε) costs no pass over the vectors beyond those of m / √v.
        size = np.sqrt(v) / (1 - self.beta2**count) ** 0.5 + self.epsilon
        return x - rate / (1 - self.beta1**count) * m / size, m, v


@dataclass(frozen=True)
class AdamW(Adam):
    r"""Adam with decoupled weight decay.

    .. math:: x_t = x_{t-1} - \eta_t \left( \hat m_t / (\sqrt{\hat v_t} + \epsilon) + \lambda x_{t-1} \right)

    with the averages of `Adam`.  The decay acts on the parameters themselves; added to the loss as λx²/2 it
    would be divided by √v like any gradient and hold back least what varies most.  The rate multiplies the
    decay too, as in torch and optax; the paper multiplies it by the schedule alone.

    Parameters
    ----------
    learning_rate : float or callable
        The learning rate η, or a schedule ``step -> rate`` of the number of updates already made.
    beta1 : float
        The share of the gradient's average that is kept, at least 0 and below 1.
    beta2 : float
        The share of the squared gradient's average that is kept, at least 0 and below 1.
    epsilon : float
        What keeps the quotient finite where all gradients were 0, above 0.
    weight_decay : float
        The decay λ, at least 0 (0.01 as in torch, optax has 0.0001).  It acts on every entry of the
        parameters, biases included.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.

    Examples
    --------
    Without a gradient the parameters decay:

    >>> import calcml as cm
    >>> optimizer = cm.AdamW(0.1, weight_decay=0.5)
    >>> x, state = optimizer.update([1.0, -2.0], [0.0, 0.0], optimizer.init([1.0, -2.0]))
    >>> x
    array([ 0.95, -1.9 ])
    """

    _: KW_ONLY
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_option(self, "weight_decay")

    def _step(
        self, x: FloatArray, g: FloatArray, moments: tuple[FloatArray, ...], rate: float, count: int
    ) -> tuple[FloatArray, ...]:
        # The step is linear in where it starts: starting from the decayed parameters subtracts both parts.
        return super()._step(x - rate * self.weight_decay * x, g, moments, rate, count)
