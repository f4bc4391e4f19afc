"""Steps along the gradient, plain and with a memory of direction: SGD, Momentum, Nesterov."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from calcml._typing import FloatArray
from calcml.descent.streaming._options import check_option
from calcml.descent.streaming.base import Schedule, StreamingOptimizer

__all__ = ["SGD", "Momentum", "Nesterov"]


@dataclass(frozen=True)
class SGD(StreamingOptimizer):
    r"""Stochastic gradient descent.

    .. math:: x_{t+1} = x_t - \eta_t g_t

    For a quadratic of largest curvature L it converges with a constant rate below 2/L; with gradients of
    random batches it needs a rate that falls, such as `ExponentialDecay`.

    Parameters
    ----------
    learning_rate : float or callable
        The learning rate η, or a schedule ``step -> rate`` of the number of updates already made.

    References
    ----------
    .. [1] H. Robbins, S. Monro, "A stochastic approximation method", Ann. Math. Statist. 22 (1951) 400-407.

    Examples
    --------
    >>> import calcml as cm
    >>> optimizer = cm.SGD(0.25)
    >>> x, state = 1.0, optimizer.init(1.0)
    >>> for _ in range(3):
    ...     x, state = optimizer.update(x, 2 * x, state)
    >>> print(x)
    0.125
    """

    learning_rate: float | Schedule = 1e-3

    def _step(
        self, x: FloatArray, g: FloatArray, moments: tuple[FloatArray, ...], rate: float, count: int
    ) -> tuple[FloatArray, ...]:
        return (x - rate * g,)


@dataclass(frozen=True)
class Momentum(StreamingOptimizer):
    r"""Gradient descent with momentum, the heavy ball.

    .. math::

        v_{t+1} &= \mu v_t + g_t \\
        x_{t+1} &= x_t - \eta_t v_{t+1}

    The velocity v adds up gradients that agree, to 1/(1-μ) times one of them, and cancels those that
    alternate.  The rate multiplies the whole velocity (torch and optax do the same), so that a change of the
    rate acts at once.

    Parameters
    ----------
    learning_rate : float or callable
        The learning rate η, or a schedule ``step -> rate`` of the number of updates already made.
    momentum : float
        The share μ of the velocity that is kept, at least 0 and below 1.

    References
    ----------
    .. [1] B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Comput.
       Math. Math. Phys. 4 (1964) 1-17, equation 9.

    Examples
    --------
    >>> import calcml as cm
    >>> optimizer = cm.Momentum(0.1)
    >>> x, state = 1.0, optimizer.init(1.0)
    >>> for _ in range(200):
    ...     x, state = optimizer.update(x, 2 * x, state)
    >>> bool(abs(x) < 1e-3)
    True
    """

    learning_rate: float | Schedule = 1e-3
    _: KW_ONLY
    momentum: float = 0.9

    _moments: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_option(self, "momentum", below=1.0)

    def _step(
        self, x: FloatArray, g: FloatArray, moments: tuple[FloatArray, ...], rate: float, count: int
    ) -> tuple[FloatArray, ...]:
        v = self.momentum * moments[0] + g
        return x - rate * v, v


@dataclass(frozen=True)
class Nesterov(Momentum):
    r"""Gradient descent with Nesterov's accelerated momentum.

    .. math::

        v_{t+1} &= \mu v_t + g_t \\
        x_{t+1} &= x_t - \eta_t (g_t + \mu v_{t+1})

    Nesterov's method takes the gradient where the velocity is about to lead.  Written for that look-ahead
    point, which is the x that the caller holds and at which it takes gradients, it becomes the update above
    (Sutskever's form after the change of variable x = θ - ημv); torch and optax write it in the same way.

    Parameters
    ----------
    learning_rate : float or callable
        The learning rate η, or a schedule ``step -> rate`` of the number of updates already made.
    momentum : float
        The share μ of the velocity that is kept, at least 0 and below 1.

    References
    ----------
    .. [1] Y. Nesterov, "A method of solving a convex programming problem with convergence rate O(1/k²)",
       Soviet Math. Dokl. 27 (1983) 372-376.
    .. [2] I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in
       deep learning", ICML 2013, equations 3 and 4.

    Examples
    --------
    >>> import calcml as cm
    >>> optimizer = cm.Nesterov(0.1)
    >>> x, state = 1.0, optimizer.init(1.0)
    >>> for _ in range(100):
    ...     x, state = optimizer.update(x, 2 * x, state)
    >>> bool(abs(x) < 1e-3)
    True
    """

    def _step(
        self, x: FloatArray, g: FloatArray, moments: tuple[FloatArray, ...], rate: float, count: int
    ) -> tuple[FloatArray, ...]:
        v = self.momentum * moments[0] + g
        return x - rate * (g + self.momentum * v), v
