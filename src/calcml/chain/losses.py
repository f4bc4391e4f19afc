"""Losses: how far a network's rows are from their targets, as one number, with the derivative beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._parameters import check_array, real_array
from calcml._typing import FloatArray

__all__ = ["Loss", "MeanSquaredError", "SoftmaxCrossEntropy"]


@dataclass(frozen=True)
class Loss(ABC):
    """Base of the losses: a rule, its derivative, and what its targets must be.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> value, cache = cm.chain.MeanSquaredError().forward(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
    >>> print(value)
    2.0
    """

    def targets(self, y: Any, samples: int, outputs: int) -> NDArray[Any]:
        """Return the targets as an array, or refuse them.

        Parameters
        ----------
        y : array_like
            What the network should give.
        samples, outputs : int
            The shape of what it gives.

        Returns
        -------
        ndarray
            The targets, checked.

        Raises
        ------
        TypeError, ValueError
            If the targets have the wrong dtype, shape or values.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.chain.SoftmaxCrossEntropy().targets([0, 2], samples=2, outputs=3)
        array([0, 2])
        """
        return self._targets(y, samples, outputs)

    def forward(self, output: FloatArray, y: NDArray[Any]) -> tuple[Any, Any]:
        """Compute the loss.

        Parameters
        ----------
        output : ndarray, shape (samples, outputs)
            The rows that the last layer gives.
        y : ndarray
            The targets.

        Returns
        -------
        value : scalar
            The loss.
        cache : object
            What `backward` needs to know of this call.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> print(cm.chain.MeanSquaredError().forward(np.array([[3.0]]), np.array([[1.0]]))[0])
        4.0
        """
        return self._forward(output, y)

    def backward(self, cache: Any) -> FloatArray:
        """Compute the derivative of the loss with respect to the last layer's rows.

        Parameters
        ----------
        cache : object
            What `forward` returned with the loss.

        Returns
        -------
        ndarray, shape (samples, outputs)
            The derivative.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> loss = cm.chain.MeanSquaredError()
        >>> loss.backward(loss.forward(np.array([[3.0]]), np.array([[1.0]]))[1])
        array([[4.]])
        """
        return self._backward(cache)

    def prediction(self, output: FloatArray) -> FloatArray:
        """Turn the last layer's rows into the answer that the loss is about.

        Parameters
        ----------
        output : ndarray, shape (samples, outputs)
            The rows that the last layer gives.

        Returns
        -------
        ndarray, shape (samples, outputs)
            The answer: the rows themselves, unless the loss says otherwise.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> cm.chain.SoftmaxCrossEntropy().prediction(np.array([[0.0, 0.0]]))
        array([[0.5, 0.5]])
        """
        return self._prediction(output)

    @abstractmethod
    def _targets(self, y: Any, samples: int, outputs: int) -> NDArray[Any]:
        """Return the targets as an array, or refuse them."""

    @abstractmethod
    def _forward(self, output: FloatArray, y: NDArray[Any]) -> tuple[Any, Any]:
        """Return the loss, and the cache."""

    @abstractmethod
    def _backward(self, cache: Any) -> FloatArray:
        """Return the derivative with respect to the output."""

    def _prediction(self, output: FloatArray) -> FloatArray:
        """Return the answer."""
        return output


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    r"""The mean of the squared differences, over samples and outputs.

    .. math:: C = \frac{1}{NK} \sum_{nk} (a_{nk} - y_{nk})^2, \qquad
              \frac{\partial C}{\partial a_{nk}} = \frac{2}{NK} (a_{nk} - y_{nk})

    There is no factor ½, as in torch and scikit-learn's metric.  Targets are real numbers of shape (samples,
    outputs).

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> print(cm.chain.MeanSquaredError().forward(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))[0])
    2.0
    """

    def _targets(self, y: Any, samples: int, outputs: int) -> NDArray[Any]:
        array = real_array(y, "y")
        if array.shape != (samples, outputs):
            msg = (
                f"`y` must have the shape of the network's output, {(samples, outputs)}, got {array.shape}"
                + ("; make it a column with y[:, None]" if array.shape == (samples,) and outputs == 1 else "")
            )
            raise ValueError(msg)
        for i, k in np.argwhere(~np.isfinite(array))[:1]:
            msg = f"`y` must be finite, got {array[i, k]} at index ({i}, {k}); drop the sample"
            raise ValueError(msg)
        return array

    def _forward(self, output: FloatArray, y: NDArray[Any]) -> tuple[Any, Any]:
        difference = output - y.astype(output.dtype, copy=False)
        return np.mean(difference * difference, dtype=output.dtype), difference

    def _backward(self, cache: Any) -> FloatArray:
        return np.asarray(cache * (2 / cache.size))


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    r"""The mean over samples of -log of the probability that the network gives to the right class.

    The probabilities are the softmax of the last layer's rows:

    .. math::

        p_{nk} = e^{a_{nk}} / \sum_j e^{a_{nj}}, \qquad
        C = -\frac{1}{N} \sum_n \log p_{n y_n}, \qquad
        \frac{\partial C}{\partial a_{nk}} = \frac{1}{N} (p_{nk} - [k = y_n])

    Softmax and logarithm are one rule because together they are stable: log p is taken as a minus the
    logarithm of the sum, with the largest a subtracted from all first, so that nothing overflows and no
    probability is rounded to 0 before its logarithm.  Targets are integers from 0 to the number of classes
    minus 1, of shape (samples,).

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> loss = cm.chain.SoftmaxCrossEntropy()
    >>> value, cache = loss.forward(np.array([[0.0, 0.0], [1000.0, 0.0]]), np.array([0, 0]))
    >>> print(round(value, 8))
    0.34657359
    """

    def _targets(self, y: Any, samples: int, outputs: int) -> NDArray[Any]:
        array = check_array(y, "y")
        if array.dtype.kind not in "iu":
            msg = (
                f"`y` must hold integer class labels, got dtype {array.dtype}; "
                "convert them with `y.astype(int)`"
            )
            raise TypeError(msg)
        if array.shape != (samples,):
            hint = "; for one-hot rows pass `y.argmax(axis=1)`" if array.ndim == 2 else ""
            msg = f"`y` must hold one label per sample, shape {(samples,)}, got {array.shape}{hint}"
            raise ValueError(msg)
        for i in np.flatnonzero((array < 0) | (array >= outputs))[:1]:
            msg = (
                f"`y` must hold classes 0 to {outputs - 1}, got {array[i]} at index {i}; "
                f"the network has {outputs} outputs"
            )
            raise ValueError(msg)
        return array

    def _forward(self, output: FloatArray, y: NDArray[Any]) -> tuple[Any, Any]:
        rows = np.arange(len(output))
        top = output.argmax(axis=1)
        shifted = output - output[rows, top, None]
        rest = np.exp(shifted)
        # The largest term is 1; log1p of the others keeps the digits of a loss that is nearly 0.
        rest[rows, top] = 0
        others = rest.sum(axis=1)
        rest[rows, top] = 1
        loss = np.log1p(others) - shifted[rows, y]
        return np.mean(loss, dtype=output.dtype), (rest / (1 + others[:, None]), y)

    def _backward(self, cache: Any) -> FloatArray:
        probabilities, y = cache
        rows, gradient = np.arange(len(y)), probabilities / len(y)
        # p - 1 is minus the sum of the other probabilities, which keeps its digits when p is nearly 1.
        gradient[rows, y] = 0
        gradient[rows, y] = -gradient.sum(axis=1)
        return np.asarray(gradient)

    def _prediction(self, output: FloatArray) -> FloatArray:
        labels = np.zeros(len(output), dtype=int)
        return np.asarray(self._forward(output, labels)[1][0])
